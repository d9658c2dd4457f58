"""Respuestas a los ejercicios de la lección 2: las buenas, en varios estilos, y las malas, cada una con su mensaje.

WRONG: ejercicio → parejas (respuesta equivocada, parte del mensaje que merece). Las del 3 y del 4 dependen del número
de cuenta: son funciones que, con un número, dan lo que alguien contestaría tras hacer el experimento mal.
"""

import inspect
import math
from collections.abc import Callable
from functools import lru_cache

import torch
from torch import Tensor

from labkit.activations import Unit
from labkit.exercises.lesson02 import RADII, my_plane
from labkit.exercises.lesson02 import findings as says
from labkit.models import load_model
from labkit.objectives import channel, logit
from labkit.optimization import PixelCanvas, maximize, noise

# ── 1 · un paso ─────────────────────────────────────────────────────────────────────────────────────────────────────


def good_step(image: Tensor, gradient: Tensor, lr: float) -> Tensor:
    length = gradient.norm()
    if length == 0:
        return image
    return torch.clamp(image + lr * gradient / length, 0, 1)


def step_by_hand(image: Tensor, gradient: Tensor, lr: float) -> Tensor:
    moved = image.clone()
    length = math.sqrt(float((gradient**2).sum()))
    moved += lr * gradient / max(length, 1e-12)
    moved[moved < 0], moved[moved > 1] = 0, 1
    return moved


def step_with_epsilon(image: Tensor, gradient: Tensor, lr: float) -> Tensor:
    return (image + lr * gradient / (torch.linalg.norm(gradient) + 1e-8)).clip(min=0, max=1)


def step_normalized(image: Tensor, gradient: Tensor, lr: float) -> Tensor:
    return (image + lr * torch.nn.functional.normalize(gradient.flatten(), dim=0).view_as(image)).clamp(0, 1)


def edited(good: Callable, old: str, new: str, also: str = "", by: str = "") -> Callable:
    """La respuesta buena con una o dos ediciones de su texto: así consta que el error está cerca de ella."""
    source = inspect.getsource(good)
    for before, after in ((old, new), (also, by)):
        assert not before or source.count(before) == 1
        source = source.replace(before, after) if before else source
    space = dict(globals())
    exec(source, space)
    return space[good.__name__]


STEP = "gradient / length"
down = edited(good_step, "image + lr", "image - lr")
raw = edited(good_step, STEP, "gradient")
by_max = edited(good_step, STEP, "gradient / gradient.abs().max()")
squared = edited(good_step, "gradient.norm()", "gradient.square().sum()")
only_sign = edited(good_step, STEP, "gradient.sign()")
by_channel = edited(good_step, STEP, "gradient / gradient.norm(dim=(1, 2), keepdim=True)")
no_lr = edited(good_step, "lr * ", "")
nothing_for_zero = edited(good_step, "length == 0", "False")
unclipped = edited(good_step, "torch.clamp(", "(", ", 0, 1)", ")")
signed = edited(good_step, ", 0, 1)", ", -1, 1)")
only_the_step = edited(good_step, "torch.clamp(image + ", "(", ", 0, 1)", ")")
in_place = edited(good_step, "image + lr * gradient / length", "image.add_(lr * gradient / length)")

# ── 2 · el presupuesto ──────────────────────────────────────────────────────────────────────────────────────────────


def good_near(image: Tensor, start: Tensor, radius: float) -> Tensor:
    shift = image - start
    length = shift.norm()
    if length > radius:
        shift = shift * (radius / length)
    return (start + shift).clamp(0, 1)


def near_without_if(image: Tensor, start: Tensor, radius: float) -> Tensor:
    shift = image - start
    factor = min(1.0, radius / (shift.pow(2).sum().sqrt().item() + 1e-9))
    return torch.min(torch.max(start + factor * shift, torch.tensor(0.0)), torch.tensor(1.0))


def near_by_renorm(image: Tensor, start: Tensor, radius: float) -> Tensor:
    shift = (image - start).flatten()[None].renorm(2, 0, radius)
    return (start + shift[0].view_as(start)).clamp(0, 1)


def near_from_the_image(image: Tensor, start: Tensor, radius: float) -> Tensor:
    distance = torch.dist(image, start)
    weight = 1.0 if distance <= radius else radius / distance
    return torch.lerp(start, image, weight).clamp(0, 1) if weight != 1.0 else image.clamp(0, 1)


by_pixel = edited(good_near, "image - start", "(image - start).clamp(-radius, radius)", "length > radius", "False")
on_the_sphere = edited(good_near, "length > radius", "length > 0")
sphere_and_nan = edited(good_near, "length > radius", "True")
from_zero = edited(good_near, "image - start", "image", "start + shift", "shift")
mean_square = edited(good_near, "shift.norm()", "shift.square().mean().sqrt()")
no_root = edited(good_near, "shift.norm()", "shift.square().sum()")
swapped = edited(good_near, "image - start", "start - image", "start + shift", "image + shift")
no_box = edited(good_near, "(start + shift).clamp(0, 1)", "start + shift")
box_first = edited(good_near, "image - start", "image.clamp(0, 1) - start")
only_box = edited(good_near, "length > radius", "False")
only_shift = edited(good_near, "(start + shift)", "shift")
back_to_start = edited(good_near, "shift * (radius / length)", "shift * 0")


def without_radius(image: Tensor, start: Tensor, radius: float) -> Tensor:
    shift = image - start
    return (start + shift / shift.norm().clamp(min=1e-12)).clamp(0, 1)


def upside_down(image: Tensor, start: Tensor, radius: float) -> Tensor:
    shift = image - start
    return (start + (shift * shift.norm() / radius if shift.norm() > radius else shift)).clamp(0, 1)


def near_by_channel(image: Tensor, start: Tensor, radius: float) -> Tensor:
    shift = image - start
    sizes = shift.flatten(1).norm(dim=1)[:, None, None]
    return (start + torch.where(sizes > radius, shift * radius / sizes, shift)).clamp(0, 1)


# ── 3 · la unidad secreta ───────────────────────────────────────────────────────────────────────────────────────────


@lru_cache(maxsize=None)
def experiment(name: str, unit: Unit, sign: int) -> tuple[Tensor, Tensor, list[str]]:
    """Los logits del ruido y los de la imagen que maximiza la unidad (sign = 1) o su negativo (−1), y las clases."""
    network = load_model(name, device="cpu")
    objective = channel(unit) if sign > 0 else -channel(unit)
    images = maximize(network, objective, PixelCanvas(noise(1)), steps=32, lr=0.05).images
    return network(noise(1))[0], network(images)[0], network.classes


def class_at(pick: Callable, name: str, unit: Unit, sign: int = 1) -> str:
    """La clase que escoge `pick` entre las subidas de los logits."""
    before, after, classes = experiment(name, unit, sign)
    return classes[int(pick(after - before))]


def both_directions(name: str, unit: Unit) -> tuple[str, str]:
    return class_at(torch.argmax, name, unit), class_at(torch.argmax, name, unit, -1)


def good_classes(account: str) -> tuple[str, tuple]:
    return account, both_directions(*says._unit(account))


def turned_around(account: str) -> tuple[str, tuple]:
    return account, good_classes(account)[1][::-1]


def of_the_sample(account: str) -> tuple[str, tuple]:
    return account, good_classes("")[1]


def with_the_other_network(account: str) -> tuple[str, tuple]:
    name, unit = says._unit(account)
    return account, both_directions("escenas" if name != "escenas" else "escenas_robusta", unit)


def without_the_minus(account: str) -> tuple[str, tuple]:
    return account, (good_classes(account)[1][0],) * 2


def the_one_that_falls(account: str) -> tuple[str, tuple]:
    return account, (good_classes(account)[1][0], class_at(torch.argmin, *says._unit(account)))


def winner_of_the_noise(account: str) -> tuple[str, tuple]:
    before, _, classes = experiment(*says._unit(account), 1)
    return account, (classes[int(before.argmax())],) * 2


def one_bad(account: str, which: int) -> tuple[str, tuple]:
    """La buena con una de las dos cambiada por una clase que no es la de ningún error conocido."""
    good, classes = list(good_classes(account)[1]), experiment(*says._unit(account), 1)[2]
    known = {*good, *the_one_that_falls(account)[1], *good_classes("")[1], *with_the_other_network(account)[1]}
    good[which] = next(name for name in classes if name not in known)
    return account, tuple(good)


def second_bad(account: str) -> tuple[str, tuple]:
    return one_bad(account, 1)


def first_bad(account: str) -> tuple[str, tuple]:
    return one_bad(account, 0)


def class_numbers(account: str) -> tuple[str, tuple]:
    classes = experiment(*says._unit(account), 1)[2]
    return account, tuple(classes.index(name) for name in good_classes(account)[1])


def a_single_class(account: str) -> tuple[str, object]:
    return account, good_classes(account)[1][0]


# ── 4 · el menor presupuesto ────────────────────────────────────────────────────────────────────────────────────────


@lru_cache(maxsize=None)
def climbs(name: str, account: str, norm: str = "l2") -> list[tuple[bool, bool]]:
    """Con cada radio de RADII: ¿gana «camión»?, ¿sube al menos su probabilidad?"""
    network, plane = load_model(name, device="cpu"), my_plane(account)
    truck = network.classes.index("camión")
    before, found = network(plane).softmax(1)[0, truck], []
    for radius in RADII:
        canvas = PixelCanvas(plane, radius, norm)
        chances = network(maximize(network, logit(truck), canvas, steps=24, lr=0.02).images).softmax(1)[0]
        found.append((int(chances.argmax()) == truck, bool(chances[truck] > before)))
    return found


def first_radii(account: str, asked: int = 0, norm: str = "l2") -> tuple[float, ...]:
    found = [climbs(name, account, norm) for name in ("escenas", "escenas_robusta")]
    return tuple(next(radius for radius, row in zip(RADII, rows) if row[asked]) for rows in found)


def good_radii(account: str) -> tuple[str, tuple]:
    return account, first_radii(account)


def crossed(account: str) -> tuple[str, tuple]:
    return account, good_radii(account)[1][::-1]


def radii_of_the_sample(account: str) -> tuple[str, tuple]:
    return account, good_radii("")[1]


def when_it_only_rises(account: str) -> tuple[str, tuple]:
    return account, first_radii(account, asked=1)


def with_the_other_norm(account: str) -> tuple[str, tuple]:
    return account, first_radii(account, norm="linf")


def the_plain_one_twice(account: str) -> tuple[str, tuple]:
    return account, (good_radii(account)[1][0],) * 2


def the_robust_one_twice(account: str) -> tuple[str, tuple]:
    return account, (good_radii(account)[1][1],) * 2


def last_failure(account: str) -> tuple[str, tuple]:
    return account, tuple(RADII[RADII.index(radius) - 1] for radius in good_radii(account)[1])


def too_small(account: str) -> tuple[str, tuple]:
    plain, robust = good_radii(account)[1]
    return account, (plain, RADII[RADII.index(robust) - 1])


def too_big(account: str) -> tuple[str, tuple]:
    plain, robust = good_radii(account)[1]
    return account, (RADII[RADII.index(plain) + 1], robust)


def not_in_the_list(account: str) -> tuple[str, tuple]:
    return account, (3, 5)


GOOD = {
    "climb_step": [good_step, step_by_hand, step_with_epsilon, step_normalized],
    "keep_near": [good_near, near_without_if, near_by_renorm, near_from_the_image],
    "secret_unit": [good_classes],
    "smallest_budget": [good_radii],
}

WRONG: dict[str, list[tuple[Callable, str]]] = {
    "climb_step": [
        (down, "bajas en vez de subir"),
        (raw, "no normalizas"),
        (by_max, "divides entre el mayor valor"),
        (squared, "al cuadrado: falta la raíz"),
        (only_sign, "usas solo el signo"),
        (by_channel, "mides cada canal por su lado"),
        (no_lr, "no usas `lr`"),
        (nothing_for_zero, "divides entre cero"),
        (unclipped, "se sale de [0, 1]"),
        (signed, "recortas a [-1, 1]"),
        (only_the_step, "solo el paso"),
        (in_place, "Trabaja sobre una copia"),
    ],
    "keep_near": [
        (by_pixel, "recortas píxel por píxel"),
        (on_the_sphere, "estiras también lo que ya cabía"),
        (from_zero, "mides la imagen misma"),
        (mean_square, "el promedio de los cuadrados"),
        (no_root, "sin sacarle raíz"),
        (swapped, "cambiaste `image` por `start`"),
        (no_box, "se sale de [0, 1]"),
        (box_first, "antes de encoger"),
        (only_box, "falta el presupuesto"),
        (only_shift, "devuelves el cambio"),
        (back_to_start, "vuelves hasta `start`"),
        (without_radius, "no usas `radius`"),
        (upside_down, "el factor está al revés"),
        (near_by_channel, "mides cada canal por su lado"),
    ],
    "secret_unit": [
        (turned_around, "al revés"),
        (of_the_sample, "caso de muestra"),
        (with_the_other_network, "otra red"),
        (without_the_minus, "el signo menos"),
        (the_one_that_falls, "más BAJA"),
        (winner_of_the_noise, "gana en el ruido"),
        (second_bad, "la primera está bien"),
        (first_bad, "revisa la primera"),
        (class_numbers, "escribe dos nombres de clase"),
    ],
    "smallest_budget": [
        (crossed, "cambiaste una red por otra"),
        (radii_of_the_sample, "caso de muestra"),
        (when_it_only_rises, "debe GANAR"),
        (the_plain_one_twice, "dos veces la respuesta de una sola red"),
        (last_failure, "los últimos con que falla"),
        (too_small, "no «camión»"),
        (too_big, "le basta un radio menor"),
        (not_in_the_list, "escribe dos radios de la lista"),
    ],
}

# Otras maneras de caer en un error de los de arriba: merecen el mismo mensaje.
ALSO_WRONG: dict[str, list[tuple[Callable, str]]] = {
    "keep_near": [(sphere_and_nan, "estiras también lo que ya cabía")],
    "secret_unit": [(a_single_class, "escribe dos nombres de clase")],
    "smallest_budget": [
        (with_the_other_norm, "debe GANAR"),
        (the_robust_one_twice, "dos veces la respuesta de una sola red"),
    ],
}

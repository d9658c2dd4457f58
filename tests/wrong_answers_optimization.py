"""Respuestas a los ejercicios de la lección 2: las buenas, en varios estilos, y las malas, cada una con su mensaje."""
import math
from collections.abc import Callable
from functools import lru_cache

import torch
from torch import Tensor

from labkit.activations import Unit
from labkit.exercises import accounts
from labkit.exercises.optimization import RADII, my_plane, secret_of
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


def nothing_for_zero(image: Tensor, gradient: Tensor, lr: float) -> Tensor:
    return torch.clamp(image + lr * gradient / torch.sqrt((gradient * gradient).sum()), min=0, max=1)


def goes_down(image: Tensor, gradient: Tensor, lr: float) -> Tensor:
    length = float(gradient.norm())
    return torch.clamp(image - lr * gradient / length, 0, 1) if length else image


def normalizes_each_channel(image: Tensor, gradient: Tensor, lr: float) -> Tensor:
    sizes = gradient.norm(dim=(1, 2), keepdim=True)
    return (image + lr * gradient / sizes).clamp(0, 1)


def adds_in_place(image: Tensor, gradient: Tensor, lr: float) -> Tensor:
    return image.add_(lr * gradient / (gradient.norm() + 1e-9)).clamp(0, 1)


def divides_by_the_largest(image: Tensor, gradient: Tensor, lr: float) -> Tensor:
    return (image + lr * gradient / (gradient.abs().max() + 1e-9)).clamp(0, 1)


def normalizes_each_pixel(image: Tensor, gradient: Tensor, lr: float) -> Tensor:
    length = torch.sqrt((gradient ** 2).sum(0))
    return torch.clamp(image + lr * gradient / (length + 1e-8), 0, 1)


def uses_the_sign(image: Tensor, gradient: Tensor, lr: float) -> Tensor:
    return torch.clamp(image + lr * torch.sign(gradient), 0, 1)


def divides_by_the_sum(image: Tensor, gradient: Tensor, lr: float) -> Tensor:
    length = gradient.abs().sum()
    return image if length == 0 else torch.clamp(image + lr * gradient / length, 0, 1)


def divides_by_the_square(image: Tensor, gradient: Tensor, lr: float) -> Tensor:
    length = (gradient ** 2).sum()
    if length == 0:
        return image
    return (image + gradient / length * lr).clip(0, 1)


def does_not_normalize(image: Tensor, gradient: Tensor, lr: float) -> Tensor:
    return torch.clip(image + lr * gradient, 0, 1)


def one_long(image: Tensor, gradient: Tensor, lr: float) -> Tensor:
    length = gradient.norm()
    return (image + gradient / length).clamp(0, 1) if length > 0 else image


def does_not_clip(image: Tensor, gradient: Tensor, lr: float) -> Tensor:
    return image + lr * gradient / gradient.norm().clamp(min=1e-8)


def only_the_step(image: Tensor, gradient: Tensor, lr: float) -> Tensor:
    step = lr * gradient / (gradient.norm() + 1e-12)
    return step.clamp(0, 1)


def twice_as_long(image: Tensor, gradient: Tensor, lr: float) -> Tensor:
    return good_step(image, gradient, 2 * lr)


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


def stays_on_the_sphere(image: Tensor, start: Tensor, radius: float) -> Tensor:
    shift = image - start
    return torch.clamp(start + radius * torch.nn.functional.normalize(shift.flatten(), dim=0).view_as(shift), 0, 1)


def pixel_by_pixel(image: Tensor, start: Tensor, radius: float) -> Tensor:
    near = torch.maximum(torch.minimum(image, start + radius), start - radius)
    return near.clamp(0, 1)


def clips_too_soon(image: Tensor, start: Tensor, radius: float) -> Tensor:
    return start + (torch.clamp(image, 0, 1) - start).flatten()[None].renorm(2, 0, radius).view_as(start)


def forgets_the_root(image: Tensor, start: Tensor, radius: float) -> Tensor:
    shift = image - start
    size = (shift * shift).sum()
    if size > radius:
        shift = shift / size * radius
    return (start + shift).clamp(0, 1)


def goes_back_to_start(image: Tensor, start: Tensor, radius: float) -> Tensor:
    return (image if (image - start).norm() <= radius else start).clamp(0, 1)


def always_the_start(image: Tensor, start: Tensor, radius: float) -> Tensor:
    shift = image - start
    if shift.norm() > radius:
        shift = shift * radius / shift.norm()
    return start.clamp(0, 1)


def only_the_shift(image: Tensor, start: Tensor, radius: float) -> Tensor:
    shift = image - start
    if shift.norm() > radius:
        shift = radius * shift / shift.norm()
    return shift


def only_the_shift_and_clips(image: Tensor, start: Tensor, radius: float) -> Tensor:
    return torch.clamp(only_the_shift(image, start, radius), 0, 1)


def adds_it_to_the_image(image: Tensor, start: Tensor, radius: float) -> Tensor:
    return torch.clamp(image + only_the_shift(image, start, radius), 0, 1)


def a_number_for_every_pixel(image: Tensor, start: Tensor, radius: float) -> Tensor:
    shift = image - start
    if torch.norm(shift) > radius:
        shift = radius
    return torch.clamp(start + shift, 0, 1)


def no_factor(image: Tensor, start: Tensor, radius: float) -> Tensor:
    shift = image - start
    if shift.norm() > radius:
        image = start + shift
    return image.clamp(0, 1)


def unit_length(image: Tensor, start: Tensor, radius: float) -> Tensor:
    shift = image - start
    length = shift.norm()
    if length > radius:
        shift = shift / length
    return (start + shift).clamp(0, 1)


def without_dividing(image: Tensor, start: Tensor, radius: float) -> Tensor:
    shift = image - start
    if shift.norm() > radius:
        shift = shift * radius
    return (start + shift).clamp(0, 1)


def largest_change(image: Tensor, start: Tensor, radius: float) -> Tensor:
    shift = image - start
    length = shift.abs().max()
    if length > radius:
        shift = shift * (radius / length)
    return (start + shift).clamp(0, 1)


def forgets_to_clip(image: Tensor, start: Tensor, radius: float) -> Tensor:
    shift = image - start
    return start + shift * min(1.0, radius / (shift.norm().item() + 1e-9))


def half_way(image: Tensor, start: Tensor, radius: float) -> Tensor:
    return good_near(image, start, radius / 2)


# ── 3 · la unidad secreta ───────────────────────────────────────────────────────────────────────────────────────────


def unit_of(account: str) -> tuple[str, Unit]:
    row = secret_of(accounts.clean_account(account))
    return row.network, Unit.parse(row.unit)


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
    return account, both_directions(*unit_of(account))


def turned_around(account: str) -> tuple[str, tuple]:
    return account, good_classes(account)[1][::-1]


def of_the_sample(account: str) -> tuple[str, tuple]:
    return account, good_classes("")[1]


def with_the_other_network(account: str) -> tuple[str, tuple]:
    name, unit = unit_of(account)
    return account, both_directions("escenas" if name != "escenas" else "escenas_robusta", unit)


def without_the_minus(account: str) -> tuple[str, tuple]:
    return account, (good_classes(account)[1][0],) * 2


def the_one_that_falls(account: str) -> tuple[str, tuple]:
    return account, (good_classes(account)[1][0], class_at(torch.argmin, *unit_of(account)))


def winner_of_the_noise(account: str) -> tuple[str, tuple]:
    before, _, classes = experiment(*unit_of(account), 1)
    return account, (classes[int(before.argmax())],) * 2


def one_bad(account: str, which: int) -> tuple[str, tuple]:
    """La buena con una de las dos cambiada por una clase que no es la de ningún error conocido."""
    good, classes = list(good_classes(account)[1]), experiment(*unit_of(account), 1)[2]
    known = {*good, *the_one_that_falls(account)[1], *good_classes("")[1], *with_the_other_network(account)[1]}
    good[which] = next(name for name in classes if name not in known)
    return account, tuple(good)


def second_bad(account: str) -> tuple[str, tuple]:
    return one_bad(account, 1)


def first_bad(account: str) -> tuple[str, tuple]:
    return one_bad(account, 0)


def class_numbers(account: str) -> tuple[str, tuple]:
    classes = experiment(*unit_of(account), 1)[2]
    return account, tuple(classes.index(name) for name in good_classes(account)[1])


def a_single_class(account: str) -> tuple[str, object]:
    return account, good_classes(account)[1][0]


def not_a_class(account: str) -> tuple[str, object]:
    return account, (good_classes(account)[1][0], "oso")


# ── 4 · el menor presupuesto ────────────────────────────────────────────────────────────────────────────────────────


@lru_cache(maxsize=None)
def chances(name: str, account: str, norm: str = "l2") -> list[tuple[bool, bool]]:
    """Con cada radio de RADII: ¿gana «camión»?, ¿sube al menos su probabilidad?"""
    network, plane = load_model(name, device="cpu"), my_plane(account)
    truck = network.classes.index("camión")
    before, found = network(plane).softmax(1)[0, truck], []
    for radius in RADII:
        canvas = PixelCanvas(plane, radius, norm)
        after = network(maximize(network, logit(truck), canvas, steps=24, lr=0.02).images).softmax(1)[0]
        found.append((int(after.argmax()) == truck, bool(after[truck] > before)))
    return found


def first_radii(account: str, asked: int = 0, norm: str = "l2") -> tuple[float, ...]:
    found = [chances(name, account, norm) for name in ("escenas", "escenas_robusta")]
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

# La primera cuenta distingue cada error de los demás; si cambian las redes, busca otra así.
ACCOUNTS = {"secret_unit": ["312000000", "312345678"], "smallest_budget": ["312000000", "312345678"]}

WRONG: dict[str, list[tuple[Callable, str]]] = {
    "climb_step": [(nothing_for_zero, "divides entre cero"), (goes_down, "bajas en vez de subir"),
                   (normalizes_each_channel, "mides por pedazos"), (normalizes_each_pixel, "mides por pedazos"),
                   (uses_the_sign, "mides por pedazos"), (divides_by_the_sum, "norma L1"),
                   (divides_by_the_largest, "el mayor valor"), (divides_by_the_square, "le falta la raíz"),
                   (does_not_normalize, "el paso no mide `lr`"), (one_long, "el paso no mide `lr`"),
                   (does_not_clip, "falta recortarla"), (only_the_step, "devuelves solo el paso"),
                   (adds_in_place, "Trabaja sobre una copia"), (twice_as_long, "los valores difieren")],
    "keep_near": [(stays_on_the_sphere, "estiras también lo que ya cabía"),
                  (pixel_by_pixel, "norma L∞"), (largest_change, "norma L∞"),
                  (clips_too_soon, "antes de encoger"), (forgets_to_clip, "al final: te falta"),
                  (forgets_the_root, "sin sacarle raíz"), (goes_back_to_start, "devuelves `start`"),
                  (always_the_start, "devuelves `start`"), (only_the_shift, "devuelves el cambio"),
                  (only_the_shift_and_clips, "devuelves el cambio"), (adds_it_to_the_image, "a la imagen, que ya lo trae"),
                  (a_number_for_every_pixel, "falta la dirección"), (no_factor, "no queda de longitud"),
                  (unit_length, "no queda de longitud"), (without_dividing, "no queda de longitud"),
                  (half_way, "los valores difieren")],
    "secret_unit": [(turned_around, "al revés"), (of_the_sample, "caso de muestra"),
                    (with_the_other_network, "otra red"),
                    (without_the_minus, "el signo menos"), (the_one_that_falls, "más BAJA"),
                    (winner_of_the_noise, "gana en el ruido"), (second_bad, "la primera está bien"),
                    (first_bad, "revisa la primera"), (class_numbers, "Recibí tuple (int, int)"),
                    (a_single_class, "escribe dos nombres de clase"),
                    (not_a_class, "«oso» no es una de las clases: avión")],
    "smallest_budget": [(crossed, "cambiaste una red por otra"), (radii_of_the_sample, "caso de muestra"),
                        (when_it_only_rises, "debe GANAR"), (with_the_other_norm, "debe GANAR"),
                        (the_plain_one_twice, "dos veces la respuesta de una sola red"),
                        (the_robust_one_twice, "dos veces la respuesta de una sola red"),
                        (last_failure, "los últimos con que falla"), (too_small, "no «camión»"),
                        (too_big, "le basta un radio menor"), (not_in_the_list, "escribe dos radios de la lista")],
}

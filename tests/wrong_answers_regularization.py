"""Respuestas a los ejercicios de la lección 3: las buenas, en varios estilos, y las malas, cada una con su mensaje."""
from collections.abc import Callable
from functools import lru_cache

import torch
import torch.nn.functional as F
from torch import Tensor

from labkit.exercises import accounts
from labkit.exercises import regularization as given
from labkit.exercises.regularization import DECAYS, exam
from labkit.models import load_model
from labkit.objectives import channel, logit, score
from labkit.optimization import PixelCanvas, maximize, noise
from labkit.regularization import FourierCanvas, high_frequency_share, score_under, soft_noise

# ── 1 · la variación total ──────────────────────────────────────────────────────────────────────────────────────────


def good_roughness(images: Tensor) -> Tensor:
    down = (images[:, :, 1:] - images[:, :, :-1]).abs()
    right = (images[..., 1:] - images[..., :-1]).abs()
    return down.flatten(1).mean(1) + right.flatten(1).mean(1)


def roughness_by_image(images: Tensor) -> Tensor:
    return torch.stack([(image.diff(dim=1).abs().mean() + image.diff(dim=2).abs().mean()) for image in images])


def cancels(images: Tensor) -> Tensor:
    down, right = images[:, :, 1:] - images[:, :, :-1], images[..., 1:] - images[..., :-1]
    return down.flatten(1).mean(1) + right.flatten(1).mean(1)


def pixel_by_pixel_down(images: Tensor) -> Tensor:
    b, c, h, w = images.shape
    total = torch.zeros(b)
    for y in range(h - 1):
        total += (images[:, :, y + 1] - images[:, :, y]).abs().sum((1, 2))
    return total / (c * (h - 1) * w)


def one_for_all(images: Tensor) -> Tensor:
    return (images[:, :, 1:] - images[:, :, :-1]).abs().mean() + (images[..., 1:] - images[..., :-1]).abs().mean()


def forgets_to_average(images: Tensor) -> Tensor:
    return torch.stack([image.diff(dim=1).abs().sum() + image.diff(dim=2).abs().sum() for image in images])


def wraps_around(images: Tensor) -> Tensor:
    return (images - images.roll(1, 2)).abs().mean((1, 2, 3)) + (images - images.roll(1, 3)).abs().mean((1, 2, 3))


def across_channels(images: Tensor) -> Tensor:
    return good_roughness(images) + images.diff(dim=1).abs().mean((1, 2, 3))


def one_axis_early(images: Tensor) -> Tensor:
    """Como si el lote fuera una sola imagen (canal, y, x)."""
    return images.diff(dim=1).abs().mean((1, 2, 3)) + images.diff(dim=2).abs().mean((1, 2, 3))


def absolute_at_the_end(images: Tensor) -> Tensor:
    down, right = images[:, :, 1:] - images[:, :, :-1], images[..., 1:] - images[..., :-1]
    return down.flatten(1).mean(1).abs() + right.flatten(1).mean(1).abs()


def over_every_pixel(images: Tensor) -> Tensor:
    b, c, h, w = images.shape
    down, right = (images[:, :, 1:] - images[:, :, :-1]).abs(), (images[..., 1:] - images[..., :-1]).abs()
    return (down.sum(dim=(1, 2, 3)) + right.sum(dim=(1, 2, 3))) / (c * h * w)


def sums_the_channels(images: Tensor) -> Tensor:
    return images.diff(dim=2).abs().mean((-2, -1)).sum(1) + images.diff(dim=3).abs().mean((-2, -1)).sum(1)


def root_of_the_squares(images: Tensor) -> Tensor:
    down, right = images.diff(dim=2), images.diff(dim=3)
    return (down ** 2).mean(dim=(1, 2, 3)) ** 0.5 + (right ** 2).mean(dim=(1, 2, 3)) ** 0.5


def one_joint_mean(images: Tensor) -> Tensor:
    found = []
    for image in images:
        down, right = (image[:, 1:] - image[:, :-1]).abs(), (image[..., 1:] - image[..., :-1]).abs()
        found.append((down.sum() + right.sum()) / (down.numel() + right.numel()))
    return torch.stack(found)


def as_a_list(images: Tensor) -> list:
    return [image.diff(dim=1).abs().mean() + image.diff(dim=2).abs().mean() for image in images]


def as_an_array(images: Tensor) -> object:
    return good_roughness(images).numpy()


def with_a_comma(images: Tensor) -> tuple:
    return good_roughness(images),


# ── 2 · desplazar ───────────────────────────────────────────────────────────────────────────────────────────────────


def good_shift(image: Tensor, dy: int, dx: int) -> Tensor:
    _, h, w = image.shape
    r = max(abs(dy), abs(dx))
    return F.pad(image[None], (r, r, r, r), mode="reflect")[0, :, r - dy:r - dy + h, r - dx:r - dx + w]


def shift_by_index(image: Tensor, dy: int, dx: int) -> Tensor:
    def places(size: int, step: int) -> Tensor:
        index = (torch.arange(size) - step).abs()
        return torch.where(index > size - 1, 2 * (size - 1) - index, index)

    return image[:, places(image.shape[1], dy)][:, :, places(image.shape[2], dx)]


def padded(image: Tensor, dy: int, dx: int, mode: str) -> Tensor:
    _, h, w = image.shape
    r = max(abs(dy), abs(dx))
    return F.pad(image[None], (r, r, r, r), mode=mode)[0, :, r + dy:r + dy + h, r + dx:r + dx + w]


def crops_the_other_way(image: Tensor, dy: int, dx: int) -> Tensor:
    return padded(image, dy, dx, "reflect")


def black(image: Tensor, dy: int, dx: int) -> Tensor:
    moved = torch.zeros_like(image)
    _, h, w = image.shape
    for y in range(h):
        for x in range(w):
            if 0 <= y - dy < h and 0 <= x - dx < w:
                moved[:, y, x] = image[:, y - dy, x - dx]
    return moved


def mirrored(image: Tensor, dy: int, dx: int) -> Tensor:
    def places(size: int, step: int) -> list[int]:
        row = list(range(size))
        return (row[::-1] + row + row[::-1])[size - step:2 * size - step]

    return image[:, places(image.shape[1], dy)][:, :, places(image.shape[2], dx)]


def stretched(image: Tensor, dy: int, dx: int) -> Tensor:
    return padded(image, -dy, -dx, "replicate")


def only_sideways(image: Tensor, dy: int, dx: int) -> Tensor:
    return good_shift(image, 0, dx)


def axes_of_pad(image: Tensor, dy: int, dx: int) -> Tensor:
    _, h, w = image.shape
    a, b = abs(dy), abs(dx)
    big = F.pad(image[None], (a, a, b, b), mode="reflect").squeeze(0)
    return big[:, a - dy:a - dy + h, b - dx:b - dx + w]


def one_sign_turned(image: Tensor, dy: int, dx: int) -> Tensor:
    _, h, w = image.shape
    r = max(abs(dy), abs(dx))
    return F.pad(image[None], (r, r, r, r), mode="reflect")[0, :, r - dy:r - dy + h, r + dx:r + dx + w]


def only_positive(image: Tensor, dy: int, dx: int) -> Tensor:
    _, h, w = image.shape
    y, x = abs(dy), abs(dx)
    return F.pad(image[None], (x, 0, y, 0), mode="reflect")[0][:, :h, :w]


def uncropped(image: Tensor, dy: int, dx: int) -> Tensor:
    return F.pad(image[None], (abs(dx), abs(dx), abs(dy), abs(dy)), mode="reflect")[0]


def minus_zero(image: Tensor, dy: int, dx: int) -> Tensor:
    y, x = abs(dy), abs(dx)
    return F.pad(image[None], (x, x, y, y), mode="reflect")[0][:, y - dy:-y - dy, x - dx:-x - dx]


def always_four(image: Tensor, dy: int, dx: int) -> Tensor:
    _, h, w = image.shape
    return F.pad(image[None], (4, 4, 4, 4), mode="reflect")[0, :, 4 - dy:4 - dy + h, 4 - dx:4 - dx + w]


def shifted_by_steps(image: Tensor, dy: int, dx: int) -> Tensor:
    """Se llama a sí misma: primero a lo alto y luego a lo ancho."""
    if dy and dx:
        return shifted(shifted(image, dy, 0), 0, dx)
    return good_shift(image, dy, dx)


shifted = shifted_by_steps              # el nombre con que se pide


def in_place(image: Tensor, dy: int, dx: int) -> Tensor:
    image.copy_(good_shift(image, dy, dx).clone())
    return image


# ── 3 · el menor d ──────────────────────────────────────────────────────────────────────────────────────────────────


@lru_cache(maxsize=16)
def table(account: str, moved: bool = True) -> list[tuple[float, float]]:
    """Con cada d, la parte de frecuencias altas y la puntuación: hecho de nuevo, sin las funciones de la revisión."""
    (network, unit), found = given.my_unit(account), []
    for d in DECAYS:
        images = maximize(network, channel(unit), FourierCanvas(soft_noise(1), d), steps=32, lr=0.05).images
        held = score_under(network, images, channel(unit), exam()) if moved else score(network, images, channel(unit))
        found.append((high_frequency_share(images).item(), held.item()))
    return found


def good_decays(account: str, moved: bool = True) -> tuple[str, tuple]:
    rows = table(account, moved)
    first = next(d for d, (share, _) in zip(DECAYS, rows) if share < 0.1)
    return account, (first, max(zip(DECAYS, rows), key=lambda pair: pair[1][1])[0])


def decays_turned(account: str) -> tuple[str, tuple]:
    return account, good_decays(account)[1][::-1]


def too_grainy(account: str) -> tuple[str, tuple]:
    return account, (DECAYS[0], good_decays(account)[1][1])


def too_smooth(account: str) -> tuple[str, tuple]:
    return account, (DECAYS[-1], good_decays(account)[1][1])


def without_moving(account: str) -> tuple[str, tuple]:
    return account, (good_decays(account)[1][0], good_decays(account, moved=False)[1][1])


def wrong_exam(account: str) -> tuple[str, tuple]:
    known = {good_decays(account)[1][1], good_decays(account, moved=False)[1][1]}
    return account, (good_decays(account)[1][0], next(d for d in DECAYS[::-1] if d not in known))


def forgets_the_exam_as_the_sample(account: str) -> tuple[str, tuple]:
    """También es la respuesta del caso de muestra."""
    exercise = given.EXERCISES["smallest_decay"]
    sample = exercise.right(exercise.case(""))
    for other in map(str, range(312_000_000, 312_002_000)):
        rows = exercise.case(other)
        best, still = (max(rows, key=lambda row, field=field: getattr(row, field)).decay for field in ("held", "still"))
        if exercise.right(rows)[0] == sample[0] and still == sample[1] != best:
            return other, sample
    raise AssertionError("ninguna cuenta sirve")


def right_in_the_exam(account: str) -> tuple[str, tuple]:
    right = good_decays(account)[1]
    return account, (next(d for d in DECAYS if d not in right), right[1])


def their_places(account: str) -> tuple[str, tuple]:
    return account, tuple(DECAYS.index(d) for d in good_decays(account)[1])


def not_a_decay(account: str) -> tuple[str, tuple]:
    return account, (0.7, 1.0)


# ── 4 · a cuántas convence ──────────────────────────────────────────────────────────────────────────────────────────


@lru_cache(maxsize=16)
def counts(account: str, judge: str = "escenas_semilla1") -> tuple[int, int]:
    """Cuántas reconoce esa red, una imagen a la vez: no depende de subirlas juntas."""
    network, witness = load_model("escenas", device="cpu"), load_model(judge, device="cpu")
    found = [0, 0]
    for k in given.my_classes(account):
        canvases = ((PixelCanvas(noise(1)), 0.03), (FourierCanvas(soft_noise(1), 1.5), 0.05))
        for i, (canvas, lr) in enumerate(canvases):
            found[i] += int(witness(maximize(network, logit(k), canvas, 48, lr).images).argmax() == k)
    return tuple(found)


def good_counts(account: str) -> tuple[str, tuple]:
    return account, counts(account)


def counts_turned(account: str) -> tuple[str, tuple]:
    return account, counts(account)[::-1]


def by_the_same_network(account: str) -> tuple[str, tuple]:
    return account, counts(account, "escenas")


def the_same_canvas(account: str) -> tuple[str, tuple]:
    return account, (counts(account)[0],) * 2


def other(account: str, which: int) -> tuple[str, tuple]:
    """La buena con una de las dos cambiada por un número que no es el de ningún error conocido."""
    good = list(counts(account))
    known = {*good, *counts(account, "escenas")}
    good[which] = next(n for n in range(7) if n not in known)
    return account, tuple(good)


def second_count(account: str) -> tuple[str, tuple]:
    return other(account, 1)


def first_count(account: str) -> tuple[str, tuple]:
    return other(account, 0)


def both_counts(account: str) -> tuple[str, tuple]:
    return account, (other(account, 0)[1][0], 0)


def one_count_as_the_sample(account: str) -> tuple[str, tuple]:
    return "312000019", (2, 5)


def not_counts(account: str) -> tuple[str, tuple]:
    return account, (0.5, 7)


GOOD = {
    "roughness": [good_roughness, roughness_by_image],
    "shifted": [good_shift, shift_by_index, shifted_by_steps],
    "smallest_decay": [good_decays],
    "convinced": [good_counts],
}

# Con qué cuentas se prueban los hallazgos: en alguna se distingue cada error de los demás.
ACCOUNTS = {
    "smallest_decay": [str(account) for account in range(312_000_000, 312_000_012)],
    "convinced": ["312000000", "312000001", "312000002"],
}

WRONG: dict[str, list[tuple[Callable, str]]] = {
    "roughness": [
        (cancels, "antes de la media: sin él"),
        (absolute_at_the_end, "antes de la media: sin él"),
        (pixel_by_pixel_down, "también con el de la derecha"),
        (forgets_to_average, "se piden medias"),
        (one_for_all, "un solo número para todo el lote"),
        (sums_the_channels, "también sobre los canales"),
        (root_of_the_squares, "usas los cuadrados"),
        (one_joint_mean, "las dos medias se suman"),
        (wraps_around, "en la última fila no hay vecino"),
        (over_every_pixel, "ni cuentan al dividir"),
        (across_channels, "comparas un canal con otro"),
        (one_axis_early, "comparas un canal con otro"),
        (as_a_list, "júntala con torch.stack"),
        (as_an_array, "torch.from_numpy"),
        (with_a_comma, "¿sobra una coma"),
    ],
    "shifted": [
        (crops_the_other_way, "va al revés"),
        (black, "queda en negro"),
        (mirrored, "el último píxel no se repite"),
        (stretched, "repites la orilla"),
        (only_sideways, "en un solo eje"),
        (axes_of_pad, "primero los lados"),
        (one_sign_turned, "va al revés en un eje"),
        (only_positive, "su valor absoluto"),
        (uncropped, "falta recortarla"),
        (minus_zero, "tu recorte quedó vacío"),
        (always_four, "tu recorte quedó corto"),
        (in_place, "Trabaja sobre una copia"),
    ],
    "smallest_decay": [
        (decays_turned, "al revés"),
        (too_grainy, "las frecuencias altas son"),
        (too_smooth, "hay un d menor"),
        (without_moving, "SIN mover"),
        (wrong_exam, "la primera está bien"),
        (forgets_the_exam_as_the_sample, "SIN mover"),
        (right_in_the_exam, "la segunda está bien"),
        (their_places, "Los valores, no su lugar ni lo que mediste"),
        (not_a_decay, "de la lista"),
    ],
    "convinced": [
        (counts_turned, "al revés"),
        (by_the_same_network, "la misma red que las hizo"),
        (the_same_canvas, "la misma"),
        (second_count, "revisa la de frecuencias"),
        (first_count, "revisa la de píxeles"),
        (one_count_as_the_sample, "revisa la de píxeles"),
        (both_counts, "ninguna de las dos"),
        (not_counts, "Recibí tuple (float, int)"),
    ],
}

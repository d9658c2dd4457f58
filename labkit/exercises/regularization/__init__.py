"""Los ejercicios de la lección 3: `roughness`, `shifted`, el menor suavizado y cuántas clases reconoce otra red."""

from collections.abc import Iterator
from typing import NamedTuple

import torch
from torch import Tensor, nn

from labkit.activations import Unit
from labkit.exercises.accounts import LIKE_SAMPLE, account_or_sample, clean_account, hand_unit, load_rows, row_of
from labkit.exercises.answers import read_pair
from labkit.exercises.kinds import Finding, Function
from labkit.exercises.regularization.functions import (ROUGH_MISTAKES, SHIFT_MISTAKES, batches, moves, read_shifted,
                                                       roughness, shifted)
from labkit.objectives import channel, each, logit
from labkit.optimization import PixelCanvas, maximize, noise
from labkit.regularization import (FourierCanvas, Transform, compose, high_frequency_share, jitter, rotate, scale,
                                   score_under, soft_noise)

DECAYS = (0.0, 0.5, 1.0, 1.5, 2.0)
CUT = 0.10                              # desde qué parte de frecuencias altas hay grano
ASK_DECAYS = (f"escribe dos valores de la lista {DECAYS}: el menor que baja de {CUT:.2f} y el que gana el examen. Los "
              "valores, no su lugar ni lo que mediste.")
ASK_COUNTS = "escribe dos enteros de 0 a 6: cuántas reconoce en píxeles y cuántas en frecuencias."


# ── 3 · el menor suavizado ──────────────────────────────────────────────────────────────────────────────────────────

class DecayRow(NamedTuple):
    """Lo que sale con un d: la parte de frecuencias altas, y la puntuación en el examen y sin mover la imagen."""
    network: str
    unit: str
    decay: float
    share: float
    held: float
    still: float


def my_unit(account: str | int | None) -> tuple[nn.Module, Unit]:
    """La red y la unidad que le tocan a un número de cuenta. Error: ValueError si el número no se entiende."""
    return hand_unit(*_decay_rows(account_or_sample(account))[0][:2])


def exam() -> Transform:
    """Las transformaciones del examen, siempre con los mismos sorteos: distintos de los que se usan al subir."""
    return compose(jitter(6, 91), rotate(10, 92), scale(0.15, 93))


def measured(network: nn.Module, unit: Unit, moves: Transform | None = None) -> tuple[Tensor, Tensor]:
    """La parte de frecuencias altas y la puntuación en el examen con cada d de DECAYS: dos tensores (5,)."""
    goal = channel(unit)
    images = [maximize(network, goal, FourierCanvas(soft_noise(1), d), steps=32, lr=0.05).images for d in DECAYS]
    scores = [score_under(network, image, goal, moves or exam()) for image in images]
    return high_frequency_share(torch.cat(images)), torch.cat(scores)


def _decay_rows(account: str) -> list[DecayRow]:
    """Los renglones de la unidad que le toca a una cuenta, ya limpia: uno por valor de d."""
    own = row_of(account, "smallest_decay", DecayRow, "unidad de la lección 3")     # todas tienen los mismos renglones
    return [row for row in load_rows("smallest_decay", DecayRow) if row[:2] == own[:2]]


def right_decays(rows: list[DecayRow]) -> tuple[float, float]:
    """El menor d que baja de CUT y el que gana el examen."""
    return next(row.decay for row in rows if row.share < CUT), max(rows, key=lambda row: row.held).decay


def _decay_reasons(given: tuple[float, float], rows: list[DecayRow]) -> Iterator[tuple[bool, str]]:
    smallest, best = given
    right, share = right_decays(rows), next(row.share for row in rows if row.decay == smallest)
    still = best == max(rows, key=lambda row: row.still).decay
    grainy = f"con d = {smallest:g} las frecuencias altas son {share:.2f}."
    more = f"hay un d menor que {smallest:g} que ya baja de {CUT:.2f}."
    yield given == right[::-1], "al revés: primero el que baja de 0.10 y luego el que gana el examen."
    yield smallest == right[0] and still, "la segunda es la mayor puntuación SIN mover la imagen; se pide con exam()."
    yield smallest == right[0], f"la primera está bien; en el examen hay un d que aguanta más que {best:g}."
    yield best == right[1] and share >= CUT, f"la segunda está bien; en la primera, {grainy}"
    yield best == right[1], f"la segunda está bien; en la primera, {more}"
    yield LIKE_SAMPLE
    yield share >= CUT, grainy
    yield True, more


# ── 4 · cuántas reconoce ────────────────────────────────────────────────────────────────────────────────────────────

class CountRow(NamedTuple):
    """Seis clases, y cuántas reconoce, en píxeles y en frecuencias, la testigo o la misma red que hizo las imágenes."""
    classes: str
    pixels: int
    frequencies: int
    own_pixels: int
    own_frequencies: int


def my_classes(account: str | int | None) -> list[int]:
    """Las seis clases que le tocan a un número de cuenta. Error: ValueError si el número no se entiende."""
    return [int(k) for k in _count_row(clean_account(account)).classes.split()]


def hits(network: nn.Module, witness: nn.Module, classes: list[int]) -> Tensor:
    """En cuáles de esas clases la testigo dice la que se subió, en píxeles y en frecuencias: (2, 6)."""
    goals, b = each([logit(k) for k in classes]), len(classes)
    pixels = maximize(network, goals, PixelCanvas(noise(1).repeat(b, 1, 1, 1)), steps=48, lr=0.03).images
    waves = maximize(network, goals, FourierCanvas(soft_noise(1).repeat(b, 1, 1, 1), 1.5), steps=48, lr=0.05).images
    return torch.stack([witness(images).argmax(1) == torch.tensor(classes) for images in (pixels, waves)])


def _count_row(account: str) -> CountRow:
    return row_of(account, "convinced", CountRow, "clases")


def _count_reasons(given: tuple[int, int], row: CountRow) -> Iterator[tuple[bool, str]]:
    pixels, frequencies = given
    right = (row.pixels, row.frequencies)
    yield given == right[::-1], "al revés: primero en píxeles y luego en frecuencias."
    yield (given == (row.own_pixels, row.own_frequencies),
           "esas las reconoce la misma red que las hizo; pregúntale a la testigo.")
    yield pixels == frequencies and pixels in right, "las dos cuentas son la misma: ¿cambiaste de lienzo?"
    yield pixels == row.pixels, "la de píxeles está bien; revisa la de frecuencias."
    yield frequencies == row.frequencies, "la de frecuencias está bien; revisa la de píxeles."
    yield LIKE_SAMPLE
    yield True, "ninguna de las dos: cuenta cuántas veces witness(images).argmax(1) es la clase que subiste."


EXERCISES = {
    "roughness": Function(
        roughness, batches, ROUGH_MISTAKES,
        describe=lambda images: f"un lote {tuple(images.shape)}",
        forbidden=("total_variation",),
        hints=("Con un lote, los ejes son (b, canal, y, x). ¿Cuáles se recortan para cada dirección, y cuáles se "
               "promedian?",
               "Un vecino es el de abajo o el de la derecha: images[:, :, 1:] - images[:, :, :-1] compara con el de "
               "abajo.",
               "images.diff(dim=2).abs().mean((1, 2, 3)) es la mitad de la respuesta. Falta la otra dirección, y "
               "sumarlas."),
    ),
    "shifted": Function(
        shifted, moves, SHIFT_MISTAKES,
        describe=lambda image, dy, dx: f"una imagen {tuple(image.shape)}, dy = {dy} y dx = {dx}",
        forbidden=("jitter",),
        read=read_shifted,
        hints=("Primero agranda la imagen con su reflejo, y luego recorta el pedazo que toca.",
               'F.pad(image[None], (a, a, b, b), mode="reflect")[0] agranda a por los lados y b arriba y abajo: '
               "|dx| y |dy|.",
               "Si el contenido baja dy, el recorte empieza dy renglones más arriba: en b − dy. Con las columnas, "
               "en a − dx."),
    ),
    "smallest_decay": Finding(
        case=_decay_rows,
        read=lambda value, rows: read_pair(value, (float, float), ASK_DECAYS, among=DECAYS),
        right=right_decays,
        reasons=_decay_reasons,
        praise="esas son. El menor d que quita el grano y el que mejor aguanta no tienen por qué coincidir.",
        hints=("Haz una tabla de cinco renglones: d, la parte de frecuencias altas y la puntuación en el examen.",
               "high_frequency_share(images)[0] y score_under(network, images, channel(unit), exam())[0], con "
               "lienzo nuevo.",
               "La primera respuesta es el primer d de la lista que baja de 0.10; la segunda, el d de la mayor "
               "puntuación."),
        solution=(measured,),
    ),
    "convinced": Finding(
        case=_count_row,
        read=lambda value, row: read_pair(value, (int, int), ASK_COUNTS, among=range(7)),
        right=lambda row: (row.pixels, row.frequencies),
        reasons=_count_reasons,
        praise="esas son. A la testigo nadie le enseñó esas imágenes: por eso cuenta lo que dice.",
        hints=("Para cada una de tus seis clases hacen falta dos imágenes; las seis caben en un lote con each([...]).",
               "La testigo acierta si witness(images).argmax(1) es la clase que se subió.",
               "Cambia el lienzo: en frecuencias, FourierCanvas(soft_noise(1).repeat(6, 1, 1, 1), 1.5), con lr=0.05."),
        solution=(hits,),
    ),
}

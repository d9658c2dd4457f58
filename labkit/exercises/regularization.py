"""Los ejercicios de la lección 3: `roughness`, `shifted`, el menor suavizado y cuántas clases reconoce otra red."""

from collections.abc import Iterator
from typing import NamedTuple

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from labkit.activations import Unit
from labkit.exercises.accounts import clean_account, hand_unit, load_rows, row_of, unit_of
from labkit.exercises.answers import read_pair
from labkit.exercises.compare import Mistake
from labkit.exercises.kinds import Finding, Function, case_generator
from labkit.objectives import channel, each, logit
from labkit.optimization import PixelCanvas, maximize, noise
from labkit.regularization import (FourierCanvas, Transform, compose, high_frequency_share, jitter, rotate, scale,
                                   score_under, soft_noise)

DECAYS = (0.0, 0.5, 1.0, 1.5, 2.0)
CUT = 0.10                              # desde qué parte de frecuencias altas hay grano
# Unidades en que ninguna respuesta es dudosa: tests/test_exercises_regularization.py mide con cuánta ventaja gana.
UNITS = {
    "escenas": "conv3:0 conv3:1 conv3:5 conv3:8 conv3:12 conv3:13 conv3:14 conv4:8 conv4:9 conv5:5",
    "escenas_robusta": "conv3:3 conv3:9 conv3:10 conv3:11 conv3:17 conv3:18 conv4:0 conv4:7",
}
ASK_DECAYS = f"escribe dos valores de la lista {DECAYS}: el menor que baja de {CUT} y el que gana el examen."
ASK_COUNTS = "escribe dos enteros de 0 a 6: cuántas reconoce en píxeles y cuántas en frecuencias."


# ── 1 · la variación total ──────────────────────────────────────────────────────────────────────────────────────────


def roughness(images: Tensor) -> Tensor:
    """La variación total de cada imagen (b, 3, h, w): la media de |cambio| hacia abajo más la de la derecha, (b,)."""
    return images.diff(dim=2).abs().mean((1, 2, 3)) + images.diff(dim=3).abs().mean((1, 2, 3))


def batches() -> Iterator[tuple[Tensor]]:
    """Lotes (b, 3, h, w): al azar, de rayas acostadas, de rayas paradas, y uno liso."""
    dice = case_generator()
    for b, h, w in ((3, 6, 9), (2, 8, 5)):
        yield (torch.rand(b, 3, h, w, generator=dice),)
    stripes = (torch.arange(7) % 2).float() * torch.rand(1, generator=dice)
    yield (stripes[:, None].expand(2, 3, 7, 5).contiguous(),)
    yield (stripes.expand(2, 3, 4, 7).contiguous(),)
    yield (torch.full((1, 3, 5, 6), 0.4),)


def _changes(images: Tensor) -> tuple[Tensor, Tensor]:
    """Cuánto cambia cada píxel con el de abajo y con el de la derecha."""
    return images.diff(dim=2).abs(), images.diff(dim=3).abs()


ROUGH_MISTAKES = (
    Mistake("sin valor absoluto, lo que sube y lo que baja se cancelan.",
            lambda images: images.diff(dim=2).mean((1, 2, 3)) + images.diff(dim=3).mean((1, 2, 3))),
    Mistake("solo comparas con el píxel de abajo; falta el de la derecha.",
            lambda images: _changes(images)[0].mean((1, 2, 3))),
    Mistake("solo comparas con el píxel de la derecha; falta el de abajo.",
            lambda images: _changes(images)[1].mean((1, 2, 3))),
    Mistake("usas los cuadrados; la variación total lleva valores absolutos.",
            lambda images: sum(change.square().mean((1, 2, 3)) for change in _changes(images))),
    Mistake("sumas los cambios; se piden medias, una por dirección.",
            lambda images: sum(change.sum((1, 2, 3)) for change in _changes(images))),
    Mistake("promedias las dos direcciones; se suman.", lambda images: roughness(images) / 2),
    Mistake("das un solo número para todo el lote; se pide uno por imagen.", lambda images: roughness(images).mean()),
    Mistake("das un número por canal; se pide uno por imagen.",
            lambda images: sum(change.mean((2, 3)) for change in _changes(images))),
)

# ── 2 · desplazar con reflejo ───────────────────────────────────────────────────────────────────────────────────────


def shifted(image: Tensor, dy: int, dx: int) -> Tensor:
    """La imagen (3, h, w) con su contenido dy píxeles más abajo y dx más a la derecha; el hueco lo llena su reflejo."""
    _, h, w = image.shape
    y, x = abs(dy), abs(dx)
    padded = F.pad(image[None], (x, x, y, y), mode="reflect")[0]
    return padded[:, y - dy:y - dy + h, x - dx:x - dx + w]


def moves() -> Iterator[tuple[Tensor, int, int]]:
    """Imagen (3, h, w) y paso: hacia cada lado, en diagonal y sin moverse."""
    dice = case_generator()
    for h, w, dy, dx in ((7, 9, 2, 0), (8, 6, 0, -3), (6, 8, -1, 3), (9, 7, 3, 2), (5, 5, 0, 0)):
        yield torch.rand(3, h, w, generator=dice), dy, dx


def _with_repeated_edge(image: Tensor, dy: int, dx: int) -> Tensor:
    """Con un reflejo que repite el último píxel: la imagen entre dos copias volteadas."""
    _, h, w = image.shape
    tall = torch.cat([image.flip(1), image, image.flip(1)], 1)[:, h - dy:2 * h - dy]
    return torch.cat([tall.flip(2), tall, tall.flip(2)], 2)[:, :, w - dx:2 * w - dx]


SHIFT_MISTAKES = (
    Mistake("va al revés: con dy > 0 el contenido baja, y con dx > 0 se va a la derecha.",
            lambda image, dy, dx: shifted(image, -dy, -dx)),
    Mistake("cambiaste dy por dx: primero va el vertical.", lambda image, dy, dx: shifted(image, dx, dy)),
    Mistake("lo que sale por un lado entra por el otro; el hueco lo llena el reflejo.",
            lambda image, dy, dx: image.roll((dy, dx), (1, 2))),
    Mistake("el hueco queda en negro; lo llena el reflejo.",
            lambda image, dy, dx: F.pad(image, (dx, -dx, dy, -dy))),
    Mistake("tu reflejo repite el último píxel; como en el ejemplo, el espejo no lo repite.", _with_repeated_edge),
    Mistake("devuelves la imagen agrandada: falta recortarla.",
            lambda image, dy, dx: F.pad(image[None], (max(abs(dy), abs(dx)),) * 4, mode="reflect")[0]),
    Mistake("la dejas donde estaba: agrandar y recortar lo mismo no mueve nada.", lambda image, dy, dx: image),
    Mistake("falta moverla a lo ancho: solo la mueves en un eje.", lambda image, dy, dx: shifted(image, dy, 0)),
)

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
    return hand_unit(account, UNITS, "unidad de la lección 3")


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
    network, unit = unit_of(account, UNITS, "unidad de la lección 3")
    rows = load_rows("smallest_decay", DecayRow)
    return [row for row in rows if (row.network, row.unit) == (network, str(unit))]


def right_decays(rows: list[DecayRow]) -> tuple[float, float]:
    """El menor d que baja de CUT y el que gana el examen."""
    return next(row.decay for row in rows if row.share < CUT), max(rows, key=lambda row: row.held).decay


def _decay_reasons(given: tuple[float, float], rows: list[DecayRow]) -> Iterator[tuple[bool, str]]:
    smallest, best = given
    right, shares = right_decays(rows), {row.decay: row.share for row in rows}
    yield given == right[::-1], "al revés: primero el que baja de 0.10 y luego el que gana el examen."
    yield (shares[smallest] >= CUT, f"con d = {smallest:g} las frecuencias altas son {shares[smallest]:.2f}.")
    yield smallest != right[0], f"hay un d menor que {smallest:g} que ya baja de {CUT}."
    yield (best == max(rows, key=lambda row: row.still).decay,
           "la segunda es la mayor puntuación SIN mover la imagen; se pide con exam().")
    yield True, f"la primera está bien; en el examen hay un d que aguanta más que {best:g}."


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

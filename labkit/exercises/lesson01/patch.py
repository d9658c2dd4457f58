"""Ejercicio 1 de la lección 1, el parche: cómo se revisa `occlude_one(image, box, fill)`."""

from collections.abc import Callable, Iterator

import torch
from torch import Tensor

from labkit.exercises.old_compare import Trial, compare
from labkit.exercises.kinds import case_generator
from labkit.exercises.sandbox import call, require_function
from labkit.occlusion import occlude

Box = tuple[int, int, int, int]

PARAMETERS = ("image", "box", "fill")
FORBIDDEN = ("occlude", "cover_mask")

TURNED = "cambiaste filas por columnas: la caja es (y0, x0, y1, x1) y el tensor se indexa [canal, y, x]."
END_INCLUDED = "tapas una fila y una columna de más: y1 y x1 ya no se tapan, como en cualquier rebanada de Python."
TOO_SHORT = "dejas sin tapar la última fila y la última columna de la caja."
CORNER_AND_SIDES = "leíste la caja como (y, x, alto, ancho); son dos esquinas, (y0, x0, y1, x1)."
FILL_IGNORED = "no usas `fill`: el parche lleva el valor que te piden, no siempre negro."
WHOLE_ROWS = "tapas las filas completas: falta limitar también las columnas."
WHOLE_COLUMNS = "tapas las columnas completas: falta limitar también las filas."
INSIDE_OUT = "tapaste lo de afuera y dejaste lo de adentro: es al revés."
ONE_CHANNEL = "tapas un solo canal: el parche va en los tres (rojo, verde y azul)."
ADDED = "sumas el relleno a la imagen; el parche la reemplaza."
UNTOUCHED = ("devuelves la imagen sin tapar: falta el relleno en la copia que devuelves, o el canal; se indexa "
             "[canal, y, x].")
CROP = "devuelves solo el recorte; hace falta la imagen completa con el parche puesto."
BATCH = "devuelves un lote (1, 3, h, w); aquí se pide una sola imagen (3, h, w): prueba [0]."


def examine(answer: object) -> str:
    """Compara `answer(image, box, fill)` con `occlude` de labkit en imágenes, cajas y rellenos al azar."""
    require_function(answer, PARAMETERS, FORBIDDEN)
    tried = compare(_trial(answer, *case) for case in cases())
    return f"tapa lo mismo que labkit en {tried} casos al azar."


def _trial(answer: Callable, image: Tensor, box: Box, fill: float) -> Trial:
    return Trial(
        ask=lambda: call(answer, image, box, fill),
        want=occlude(image, torch.tensor([box]), fill)[0],
        mistakes=lambda: mistakes(image, box, fill),
        case=f"una imagen de {image.shape[1]} × {image.shape[2]}, la caja {box} y relleno {fill:g}",
    )


def cases() -> Iterator[tuple[Tensor, Box, float]]:
    """Imagen (3, h, w), caja y relleno: formas alargadas e impares, y al final la imagen entera y un solo píxel."""
    generator = case_generator()

    def between(low: int, high: int) -> int:
        return low + int(torch.randint(high - low + 1, (), generator=generator))

    for h, w in ((9, 9), (11, 7), (6, 13), (5, 8)):
        for fill in (0.25, 0.0, 1.0):
            y0, x0 = between(0, h - 3), between(0, w - 4)
            yield torch.rand(3, h, w, generator=generator), (y0, x0, between(y0 + 1, h), between(x0 + 2, w)), fill
    for box in ((0, 0, 7, 10), (6, 9, 7, 10)):
        yield torch.rand(3, 7, 10, generator=generator), box, 0.5


def mistakes(image: Tensor, box: Box, fill: float) -> dict[str, Tensor]:
    """Qué sale de cada error conocido, con el mensaje que lo nombra."""
    y0, x0, y1, x1 = box
    cover = torch.full_like(image, fill)
    inside = _inside(image, box)
    rows, cols = inside.any(1, keepdim=True), inside.any(0, keepdim=True)
    red = torch.zeros_like(image, dtype=torch.bool)
    red[0] = inside
    return {
        TURNED: _covered(image, (x0, y0, x1, y1), fill),
        END_INCLUDED: _covered(image, (y0, x0, y1 + 1, x1 + 1), fill),
        TOO_SHORT: _covered(image, (y0, x0, y1 - 1, x1 - 1), fill),
        CORNER_AND_SIDES: _covered(image, (y0, x0, y0 + y1, x0 + x1), fill),
        FILL_IGNORED: _covered(image, box, 0.0),
        WHOLE_ROWS: torch.where(rows, cover, image),
        WHOLE_COLUMNS: torch.where(cols, cover, image),
        INSIDE_OUT: torch.where(inside, image, cover),
        ONE_CHANNEL: torch.where(red, cover, image),
        ADDED: torch.where(inside, image + fill, image),
        UNTOUCHED: image,
        CROP: cover[:, y0:y1, x0:x1],
        BATCH: torch.where(inside, cover, image)[None],
    }


def _inside(image: Tensor, box: Box) -> Tensor:
    """True en los píxeles de la caja: (h, w)."""
    y0, x0, y1, x1 = box
    inside = torch.zeros(image.shape[1:], dtype=torch.bool)
    inside[y0:y1, x0:x1] = True
    return inside


def _covered(image: Tensor, box: Box, fill: float) -> Tensor:
    return torch.where(_inside(image, box), torch.full_like(image, fill), image)

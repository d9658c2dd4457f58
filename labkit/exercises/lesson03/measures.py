"""Ejercicios 1 y 2 de la lección 3: la variación total, `roughness`, y desplazar con reflejo, `shifted`."""
from collections.abc import Callable, Iterator
from functools import partial

import torch
import torch.nn.functional as F
from torch import Tensor

from labkit.exercises.old_compare import Trial, compare
from labkit.exercises.kinds import case_generator
from labkit.exercises.sandbox import call, require_function

FORBIDDEN = ("roughness", "shifted", "total_variation", "jitter")


def roughness(images: Tensor) -> Tensor:
    """La variación total de cada imagen (b, 3, h, w): la media de |cambio| hacia abajo más la de la derecha, (b,)."""
    return images.diff(dim=2).abs().mean((1, 2, 3)) + images.diff(dim=3).abs().mean((1, 2, 3))


def shifted(image: Tensor, dy: int, dx: int) -> Tensor:
    """La imagen (3, h, w) con su contenido dy píxeles más abajo y dx más a la derecha; el hueco lo llena su reflejo."""
    _, h, w = image.shape
    y, x = abs(dy), abs(dx)
    padded = F.pad(image[None], (x, x, y, y), mode="reflect")[0]
    return padded[:, y - dy:y - dy + h, x - dx:x - dx + w]


def examine_roughness(answer: object) -> str:
    """Compara `answer(images)` con `roughness` en lotes al azar, lisos y de rayas."""
    return _examine(answer, roughness, ("images",), batches(), rough_mistakes,
                    lambda case: f"un lote {tuple(case[0].shape)}")


def examine_shifted(answer: object) -> str:
    """Compara `answer(image, dy, dx)` con `shifted` en imágenes y pasos al azar, en las cuatro direcciones."""
    return _examine(answer, shifted, ("image", "dy", "dx"), moves(), shift_mistakes,
                    lambda case: f"una imagen {tuple(case[0].shape)}, dy = {case[1]} y dx = {case[2]}")


def _examine(answer: object, right: Callable, parameters: tuple, cases: Iterator, mistakes: Callable,
             told: Callable) -> str:
    require_function(answer, parameters, FORBIDDEN)
    trials = (Trial(partial(call, answer, *case), right(*case), partial(mistakes, *case), told(case)) for case in cases)
    return f"da lo mismo que labkit en {compare(trials)} casos al azar."


def batches() -> Iterator[tuple[Tensor]]:
    """Lotes (b, 3, h, w): al azar, de rayas acostadas, de rayas paradas, y uno liso."""
    dice = case_generator()
    for b, h, w in ((3, 6, 9), (2, 8, 5)):
        yield (torch.rand(b, 3, h, w, generator=dice),)
    stripes = (torch.arange(7) % 2).float() * torch.rand(1, generator=dice)
    yield (stripes[:, None].expand(2, 3, 7, 5).contiguous(),)
    yield (stripes.expand(2, 3, 4, 7).contiguous(),)
    yield (torch.full((1, 3, 5, 6), 0.4),)


def moves() -> Iterator[tuple[Tensor, int, int]]:
    """Imagen (3, h, w) y paso: hacia cada lado, en diagonal y sin moverse."""
    dice = case_generator()
    for h, w, dy, dx in ((7, 9, 2, 0), (8, 6, 0, -3), (6, 8, -1, 3), (9, 7, 3, 2), (5, 5, 0, 0)):
        yield torch.rand(3, h, w, generator=dice), dy, dx


def rough_mistakes(images: Tensor) -> dict[str, Tensor]:
    """Qué sale de cada error conocido, con el mensaje que lo nombra."""
    down, right = images.diff(dim=2), images.diff(dim=3)
    axes, both = (1, 2, 3), roughness(images)
    return {
        "sin valor absoluto, lo que sube y lo que baja se cancelan.": down.mean(axes) + right.mean(axes),
        "solo comparas con el píxel de abajo; falta el de la derecha.": down.abs().mean(axes),
        "solo comparas con el píxel de la derecha; falta el de abajo.": right.abs().mean(axes),
        "usas los cuadrados; la variación total lleva valores absolutos.": (
            down.square().mean(axes) + right.square().mean(axes)),
        "sumas los cambios; se piden medias, una por dirección.": down.abs().sum(axes) + right.abs().sum(axes),
        "promedias las dos direcciones; se suman.": both / 2,
        "comparas también un canal con otro: solo cuentan los vecinos en la imagen.": (
            both + images.diff(dim=1).abs().mean(axes)),
        "das un solo número para todo el lote; se pide uno por imagen.": both.mean(),
        "das un número por canal; se pide uno por imagen.": down.abs().mean((2, 3)) + right.abs().mean((2, 3)),
    }


def shift_mistakes(image: Tensor, dy: int, dx: int) -> dict[str, Tensor]:
    """Qué sale de cada error conocido, con el mensaje que lo nombra."""
    reach = max(abs(dy), abs(dx))
    _, h, w = image.shape

    def cut(padded: Tensor) -> Tensor:
        return padded[:, reach - dy:reach - dy + h, reach - dx:reach - dx + w]

    around = (reach,) * 4
    return {
        "va al revés: con dy > 0 el contenido baja, y con dx > 0 se va a la derecha.": shifted(image, -dy, -dx),
        "cambiaste dy por dx: primero va el vertical.": shifted(image, dx, dy),
        "lo que sale por un lado entra por el otro; el hueco lo llena el reflejo.": image.roll((dy, dx), (1, 2)),
        "el hueco queda en negro; lo llena el reflejo.": cut(F.pad(image[None], around)[0]),
        "el hueco repite el último píxel; lo llena el reflejo.": cut(F.pad(image[None], around, mode="replicate")[0]),
        "tu reflejo repite el último píxel; como en el ejemplo, el espejo no lo repite.": _mirrored(image, dy, dx),
        "devuelves la imagen agrandada: falta recortarla.": F.pad(image[None], around, mode="reflect")[0],
        "la dejas donde estaba: agrandar y recortar lo mismo no mueve nada.": image,
        "falta moverla a lo ancho: solo la mueves en un eje.": shifted(image, dy, 0),
        "falta moverla a lo alto: solo la mueves en un eje.": shifted(image, 0, dx),
    }


def _mirrored(image: Tensor, dy: int, dx: int) -> Tensor:
    """La imagen desplazada con el reflejo que repite el último píxel."""
    for axis, step in ((1, dy), (2, dx)):
        size = image.shape[axis]
        index = torch.arange(size) - step
        index = torch.where(index < 0, -1 - index, index)
        image = image.index_select(axis, torch.where(index > size - 1, 2 * size - 1 - index, index))
    return image

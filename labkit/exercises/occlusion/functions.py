"""Las dos funciones que se escriben en la lección 1, `occlude_one` y `drop_map`: con qué se prueban y sus errores."""
from collections.abc import Iterator

import torch
from torch import Tensor, nn

from labkit.exercises.compare import Mistake
from labkit.exercises.kinds import case_generator
from labkit.models import plain_network, random_twin
from labkit.objectives import Objective, margin, probability, score
from labkit.occlusion import occlude, occluder_boxes, occlusion_map

Box = tuple[int, int, int, int]

# ── 1 · el parche ───────────────────────────────────────────────────────────────────────────────────────────────────

def occlude_one(image: Tensor, box: Box, fill: float) -> Tensor:
    """La imagen (3, h, w) con la caja (y0, x0, y1, x1) tapada con ese valor."""
    return occlude(image, torch.tensor([box]), fill)[0]


def patches() -> Iterator[tuple[Tensor, Box, float]]:
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


def _covered(image: Tensor, y0: int, x0: int, y1: int, x1: int, fill: float) -> Tensor:
    image = image.clone()
    image[:, y0:y1, x0:x1] = fill
    return image


PATCH_MISTAKES = (
    Mistake("cambiaste filas por columnas: la caja es (y0, x0, y1, x1) y el tensor se indexa [canal, y, x].",
            lambda image, box, fill: _covered(image, box[1], box[0], box[3], box[2], fill)),
    Mistake("tapas una fila y una columna de más: y1 y x1 ya no se tapan, como en cualquier rebanada de Python.",
            lambda image, box, fill: _covered(image, *box[:2], box[2] + 1, box[3] + 1, fill)),
    Mistake("dejas sin tapar la última fila y la última columna de la caja.",
            lambda image, box, fill: _covered(image, *box[:2], box[2] - 1, box[3] - 1, fill)),
    Mistake("leíste la caja como (y, x, alto, ancho); son dos esquinas, (y0, x0, y1, x1).",
            lambda image, box, fill: _covered(image, *box[:2], box[0] + box[2], box[1] + box[3], fill)),
    Mistake("no usas `fill`: el parche lleva el valor que te piden, no siempre negro.",
            lambda image, box, fill: _covered(image, *box, 0.0)),
    Mistake("tapas un solo canal: el parche va en los tres (rojo, verde y azul).",
            lambda image, box, fill: torch.cat([_covered(image[:1], *box, fill), image[1:]])),
    Mistake("sumas el relleno a la imagen; el parche la reemplaza.",
            lambda image, box, fill: image + _covered(torch.zeros_like(image), *box, fill)),
    Mistake("devuelves la imagen sin tapar: falta el relleno en la copia que devuelves, o el canal; se indexa "
            "[canal, y, x].", lambda image, box, fill: image),
)

# ── 2 · el mapa ─────────────────────────────────────────────────────────────────────────────────────────────────────

def drop_map(model: nn.Module, image: Tensor, objective: Objective, size: int, stride: int, fill: float) -> Tensor:
    """Cuánto ayudó cada píxel a la puntuación: (h, w), la media de lo que bajó con los parches que lo cubren."""
    return occlusion_map(model, image, objective, size, stride, fill)


def map_cases() -> Iterator[tuple[nn.Module, Tensor, Objective, int, int, float]]:
    """Red, imagen (3, h, w), objetivo, lado, paso y relleno; a veces sobra borde, y un parche mide toda la altura."""
    generator = case_generator()
    plans = ((13, 10, 5, 3, 0.0), (12, 17, 4, 4, 0.5), (9, 14, 4, 2, 0.6), (11, 11, 3, 3, 1.0), (8, 12, 8, 3, 0.3))
    for number, (h, w, size, stride, fill) in enumerate(plans):
        seed = int(torch.randint(10_000, (), generator=generator))
        model = random_twin(plain_network(3, widths=(4, 6, 6), dense=8), seed)
        objective = (probability if number % 2 else margin)(number % 3)
        yield model, torch.rand(3, h, w, generator=generator), objective, size, stride, fill


def _drops(case: tuple, boxes: Tensor) -> Tensor:
    """Cuánto baja la puntuación con cada uno de esos parches, (n,)."""
    model, image, objective, _, _, fill = case
    return score(model, image[None], objective) - score(model, occlude(image, boxes, fill), objective)


def _boxes(case: tuple) -> Tensor:
    _, image, _, size, stride, _ = case
    return occluder_boxes(*image.shape[1:], size, stride)


def _without_border(case: tuple) -> Tensor:
    """Los parches de paso en paso, sin el que termina en la orilla."""
    _, image, _, size, stride, _ = case
    return occluder_boxes(*(side - (side - size) % stride for side in image.shape[1:]), size, stride)


def _clipped(case: tuple, every: bool = True) -> Tensor:
    """Los parches de paso en paso, cortados en la orilla. every: todos los que empiezan dentro, o hasta cubrirla."""
    _, image, _, size, stride, _ = case
    h, w = image.shape[1:]
    ends = (h, w) if every else (h - size + stride, w - size + stride)
    corners = torch.cartesian_prod(*(torch.arange(0, end, stride) for end in ends))
    return torch.cat([corners, (corners + size).minimum(torch.tensor([h, w]))], 1)


def _summed(case: tuple, boxes: Tensor, noted: Tensor) -> tuple[Tensor, Tensor]:
    """Lo que suman en cada píxel los parches anotados ahí, y cuántos son: dos tensores (h, w)."""
    total, times = torch.zeros(2, *case[1].shape[1:])
    for (y0, x0, y1, x1), drop in zip(noted.tolist(), _drops(case, boxes)):
        total[y0:y1, x0:x1] += drop
        times[y0:y1, x0:x1] += 1
    return total, times


def _averaged(case: tuple, boxes: Tensor, noted: Tensor | None = None, least: float = 0.0) -> Tensor:
    """El mapa que dan esos parches, (h, w); donde no pasa ninguno, NaN o, con least = 1, 0."""
    total, times = _summed(case, boxes, boxes if noted is None else noted)
    return total / times.clamp(min=least)


def _turned(boxes: Tensor) -> Tensor:
    """Los mismos parches, leídos como (x0, y0, x1, y1)."""
    return boxes[:, [1, 0, 3, 2]]


def _overwritten(*case: object) -> Tensor:
    last, boxes = torch.zeros(case[1].shape[1:]), _boxes(case)
    for (y0, x0, y1, x1), drop in zip(boxes.tolist(), _drops(case, boxes)):
        last[y0:y1, x0:x1] = drop
    return last


MAP_MISTAKES = (
    Mistake("el signo está al revés: es sin tapar menos tapada, positivo donde el píxel ayudaba.",
            lambda *case: -drop_map(*case)),
    Mistake("sumas y no promedias: divide, en cada píxel, entre cuántos parches lo cubren.",
            lambda *case: _summed(case, _boxes(case), _boxes(case))[0]),
    Mistake("divides entre todos los parches: en cada píxel cuentan solo los que lo cubren.",
            lambda *case: _summed(case, _boxes(case), _boxes(case))[0] / len(_boxes(case))),
    Mistake("cada parche borra lo que anotó el anterior: acumula (+=) y divide al final.", _overwritten),
    Mistake("te falta restar: ésa es la puntuación con el parche, no cuánto bajó.",
            lambda model, image, objective, *patch: score(model, image[None], objective)
            - drop_map(model, image, objective, *patch)),
    Mistake("no usas `fill`: tapas siempre de negro.", lambda *case: drop_map(*case[:-1], 0.0)),
    Mistake("el borde se queda sin tapar, y ahí divides entre cero: recorre el último parche hasta la orilla.",
            lambda *case: _averaged(case, _without_border(case)),
            (lambda *case: _averaged(case, _without_border(case), least=1),)),
    Mistake("cortas el parche que se sale: no se corta, se recorre hacia atrás hasta que quepa entero.",
            lambda *case: _averaged(case, _clipped(case)),
            (lambda *case: _averaged(case, _clipped(case, every=False)),)),
    Mistake("cambiaste filas por columnas: la caja es (y0, x0, y1, x1), y el mapa, (alto, ancho), se indexa [y, x].",
            lambda *case: _averaged(case, _boxes(case), _turned(_boxes(case))),
            (lambda *case: _averaged(case, _turned(_boxes(case)), _boxes(case)),
             lambda *case: _averaged(case, _boxes(case), _turned(_boxes(case)), least=1),
             lambda *case: drop_map(*case).T)),
)

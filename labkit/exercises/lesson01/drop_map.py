"""Ejercicio 2 de la lección 1, el mapa: cómo se revisa `drop_map(model, image, objective, size, stride, fill)`."""

from collections.abc import Callable, Iterator

import torch
from torch import Tensor, nn

from labkit.exercises.old_compare import Trial, compare
from labkit.exercises.kinds import case_generator
from labkit.exercises.sandbox import call, require_function
from labkit.models import plain_network, random_twin
from labkit.objectives import Objective, margin, probability, score
from labkit.occlusion import boxes_grid_shape, occlude, occluder_boxes, occlusion_map

Case = tuple[nn.Module, Tensor, Objective, int, int, float]

PARAMETERS = ("model", "image", "objective", "size", "stride", "fill")
FORBIDDEN = ("occlusion_map", "paint_boxes", "sizes_sweep")

SIGN = "el signo está al revés: es sin tapar menos tapada, positivo donde el píxel ayudaba."
SUMMED = "sumas y no promedias: divide, en cada píxel, entre cuántos parches lo cubren."
ALL_PATCHES = "divides entre todos los parches; cada píxel se promedia solo entre los que lo cubren."
OVERWRITTEN = "cada parche borra lo que anotó el anterior: acumula (+=) y divide al final."
NOT_SUBTRACTED = "te falta restar: ésa es la puntuación con el parche, no cuánto bajó."
FILL_IGNORED = "no usas `fill`: tapas siempre de negro."
WINNER = "mides la probabilidad de la clase que gana; lo que se pregunta es `objective`."
BORDER_UNSEEN = "el borde se queda sin tapar: recorre el último parche hasta que termine en la orilla."
BORDER_NAN = "el borde se queda sin tapar y ahí divides entre cero: recorre el último parche hasta la orilla."
BORDER_CLIPPED = "el último parche sale cortado por la orilla: recórrelo hacia adentro para que quepa entero."
BORDER_TWICE = "cuentas dos veces el último parche cuando ya terminaba en la orilla."
TURNED = "cambiaste filas por columnas al tapar: la caja es (y0, x0, y1, x1)."
TRANSPOSED = "tu mapa está transpuesto: es (alto, ancho), primero y y luego x."
ONE_PER_PATCH = "devuelves un valor por parche; falta anotarlo en todos los píxeles que cubre."


def examine(answer: object) -> str:
    """Compara `answer` con `occlusion_map` de labkit en redes pequeñas, imágenes y objetivos al azar."""
    require_function(answer, PARAMETERS, FORBIDDEN)
    tried = compare(_trial(answer, case) for case in cases())
    return f"da el mismo mapa que labkit en {tried} casos al azar."


def _trial(answer: Callable, case: Case) -> Trial:
    _, image, _, size, stride, fill = case
    return Trial(
        ask=lambda: call(answer, *case),
        want=occlusion_map(*case),
        mistakes=lambda: mistakes(*case),
        case=f"una imagen de {image.shape[1]} × {image.shape[2]}, parche {size}, paso {stride} y relleno {fill:g}",
    )


def cases() -> Iterator[Case]:
    """Red, imagen (3, h, w), objetivo, lado, paso y relleno; a veces sobra borde, y un parche mide toda la altura."""
    generator = case_generator()
    plans = ((13, 10, 5, 3, 0.0), (12, 17, 4, 4, 0.5), (9, 14, 4, 2, 0.6), (11, 11, 3, 3, 1.0), (8, 12, 8, 3, 0.3))
    for number, (h, w, size, stride, fill) in enumerate(plans):
        seed = int(torch.randint(10_000, (), generator=generator))
        model = random_twin(plain_network(3, widths=(4, 6, 6), dense=8), seed)
        objective = (probability if number % 2 else margin)(number % 3)
        yield model, torch.rand(3, h, w, generator=generator), objective, size, stride, fill


def mistakes(
    model: nn.Module, image: Tensor, objective: Objective, size: int, stride: int, fill: float
) -> dict[str, Tensor]:
    """Qué sale de cada error conocido, con el mensaje que lo nombra."""
    h, w = image.shape[1:]
    before = score(model, image[None], objective)

    def drops(boxes: Tensor, value: float = fill) -> Tensor:
        return before - score(model, occlude(image, boxes, value), objective)

    boxes = occluder_boxes(h, w, size, stride)
    fair = drops(boxes)
    total, times = _painted(boxes, fair, h, w)
    mean = total / times
    last = torch.zeros(h, w)
    for (y0, x0, y1, x1), drop in zip(boxes.tolist(), fair):
        last[y0:y1, x0:x1] = drop
    found = {
        SIGN: -mean,
        SUMMED: total,
        ALL_PATCHES: total / len(boxes),
        OVERWRITTEN: last,
        NOT_SUBTRACTED: before - mean,
        FILL_IGNORED: _mean(boxes, drops(boxes, 0.0), h, w),
        WINNER: _mean(boxes, _winner_drops(model, image, occlude(image, boxes, fill)), h, w),
        TURNED: _mean(boxes, drops(boxes[:, [1, 0, 3, 2]]), h, w),
        TRANSPOSED: mean.T,
        ONE_PER_PATCH: fair.view(boxes_grid_shape(h, w, size, stride)),
    }
    for message, other in _other_boxes(h, w, size, stride).items():
        total, times = _painted(other, drops(other), h, w)
        found[message] = total / (times.clamp(min=1) if message == BORDER_UNSEEN else times)
    return found


def _painted(boxes: Tensor, values: Tensor, h: int, w: int) -> tuple[Tensor, Tensor]:
    """La suma de los valores que caen en cada píxel y cuántos son: dos tensores (h, w)."""
    total, times = torch.zeros(h, w), torch.zeros(h, w)
    for (y0, x0, y1, x1), value in zip(boxes.tolist(), values):
        total[y0:y1, x0:x1] += value
        times[y0:y1, x0:x1] += 1
    return total, times


def _mean(boxes: Tensor, values: Tensor, h: int, w: int) -> Tensor:
    total, times = _painted(boxes, values, h, w)
    return total / times


def _winner_drops(model: nn.Module, image: Tensor, covered: Tensor) -> Tensor:
    """Cuánto baja la probabilidad de la clase que gana, sea la que sea: (n,)."""
    best = [model(images).softmax(1).amax(1) for images in (image[None], covered)]
    return best[0] - best[1]


def _other_boxes(h: int, w: int, size: int, stride: int) -> dict[str, Tensor]:
    """Los parches que salen de equivocarse en la orilla, con el mensaje de cada error."""

    def grid(*sides: list[tuple[int, int]]) -> Tensor:
        return torch.tensor([(y0, x0, y1, x1) for y0, y1 in sides[0] for x0, x1 in sides[1]])

    def cut(length: int) -> list[tuple[int, int]]:
        return [(start, start + size) for start in range(0, length - size + 1, stride)]

    def clipped(length: int) -> list[tuple[int, int]]:
        return [(start, min(start + size, length)) for start in range(0, length, stride)]

    def twice(length: int) -> list[tuple[int, int]]:
        return [*cut(length), (length - size, length)]

    unseen = grid(cut(h), cut(w))
    return {
        BORDER_UNSEEN: unseen,
        BORDER_NAN: unseen,
        BORDER_CLIPPED: grid(clipped(h), clipped(w)),
        BORDER_TWICE: grid(twice(h), twice(w)),
    }

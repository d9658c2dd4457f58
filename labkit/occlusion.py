"""Lección 1. Oclusión: ¿qué parte de la imagen sostiene la respuesta?

Se tapa un parche, se vuelve a preguntar a la red y se anota cuánto bajó la puntuación; después se mueve el parche.
Fuente: Zeiler y Fergus (2014), «Visualizing and Understanding Convolutional Networks», §4.2.

En todo el módulo, image: (3, h, w) RGB en [0, 1]. boxes: (n, 4), un parche por fila, (y0, x0, y1, x1) sin incluir y1 ni
x1. fill, lo que se ve donde se tapa: un número (0.0 es negro), "mean" (la media de cada canal), "blur" (la imagen
desenfocada), "noise" (ruido, siempre el mismo) u otra imagen (3, h, w).
"""
from collections.abc import Callable, Iterable
from contextlib import nullcontext
from itertools import product

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from labkit.activations import run
from labkit.anynet import intact, logits_of
from labkit.batches import in_batches, memory_order
from labkit.checks import whole_list
from labkit.device import device_of
from labkit.objectives import Objective
from labkit.shapes import as_mask, check_kind, check_numbers, real, whole

Fill = float | str | Tensor


def occluder_boxes(h: int, w: int, size: int, stride: int) -> Tensor:
    """Los parches de lado `size` que recorren una imagen (h, w) por renglones: (n, 4).

    Avanzan `stride` píxeles; el último de cada fila y columna se recorre para terminar en el borde, sin cortarse.
    """
    corners = torch.cartesian_prod(_starts(h, size, stride, "h"), _starts(w, size, stride, "w"))
    return torch.cat((corners, corners + whole(size, "size")), dim=1)


def boxes_grid_shape(h: int, w: int, size: int, stride: int) -> tuple[int, int]:
    """Cuántas filas y columnas de parches da `occluder_boxes`: con `.view(filas, columnas)`, n valores son un mapa."""
    return len(_starts(h, size, stride, "h")), len(_starts(w, size, stride, "w"))


def occlude(image: Tensor, boxes: Tensor, fill: Fill = 0.0) -> Tensor:
    """Una copia de la imagen por parche, con ese parche tapado: (n, 3, h, w)."""
    cover = fill_image(image, fill)
    check_numbers(boxes, "n 4", "boxes", 0, integers=True)
    rows, cols = _sides(boxes.to(image.device), *image.shape[1:])
    inside = rows[:, None, :, None] & cols[:, None, None, :]   # (n, 1, h, w)
    return torch.where(inside, cover, image)


def cover_mask(image: Tensor, mask: Tensor, fill: Fill = 0.0) -> Tensor:
    """La imagen con toda la máscara (h, w) tapada: (3, h, w).

    Con la máscara del objeto lo esconde; con `~mask` esconde el fondo, o lo cambia si `fill` es otra imagen.
    """
    cover = fill_image(image, fill)
    mask = as_mask(mask, f"{image.shape[1]} {image.shape[2]}", "mask")
    return torch.where(mask.to(image.device), cover, image)


def fill_image(image: Tensor, fill: Fill) -> Tensor:
    """Lo que se verá donde se tape, como una imagen entera: (3, h, w)."""
    check_numbers(image, "3 h w", "image")
    if isinstance(fill, Tensor) and fill.ndim:
        check_numbers(fill, f"3 {image.shape[1]} {image.shape[2]}", "fill")
        return fill.to(image)
    if not isinstance(fill, str):
        return torch.full_like(image, real(fill, "fill"))
    if fill == "mean":
        return image.mean((1, 2), keepdim=True).expand_as(image)
    if fill == "blur":
        return _blurred(image)
    if fill == "noise":
        return torch.rand(image.shape, generator=torch.Generator().manual_seed(0)).to(image)
    raise ValueError(f'fill: esperaba un número, "mean", "blur", "noise" o una imagen (3, h, w) y recibí {fill!r}.')


def occlusion_scores(model: nn.Module, image: Tensor, boxes: Tensor, objective: Objective, fill: Fill = 0.0,
                     mixed: bool = False) -> Tensor:
    """La puntuación de `objective` con cada parche en su sitio: (n,), en el orden de `boxes`.

    Un parche vacío (0, 0, 0, 0) da la puntuación sin tapar. mixed=True pide precisión mixta: más rápida, menos exacta.
    Corre donde esté la red y deja el resultado donde estaba la imagen. Errores: los de `run` y los de `fill_image`.
    """
    check_kind(objective, Objective, "objective", "un objetivo")
    return _ask(model, image, boxes, fill, lambda images: objective(run(model, images, objective.layers)), mixed)


def occlusion_map(model: nn.Module, image: Tensor, objective: Objective, size: int = 16, stride: int = 4,
                  fill: Fill = 0.0, mixed: bool = False) -> Tensor:
    """Cuánto ayudó cada píxel: (h, w), media de (puntuación sin tapar − tapada) sobre los parches que lo cubren.

    Positivo: al taparlo la puntuación baja, así que ayudaba. Negativo: estorbaba. Las unidades son las de `objective`.
    """
    h, w = check_numbers(image, "3 h w", "image").values()
    boxes = occluder_boxes(h, w, size, stride)
    if stride > size:
        raise ValueError(f"stride: {stride} es mayor que el parche ({size}) y deja huecos; usa de 1 a {size}.")
    scores = occlusion_scores(model, image, torch.cat((boxes.new_zeros(1, 4), boxes)), objective, fill, mixed)
    return paint_boxes(boxes, scores[0] - scores[1:], h, w)   # el primer parche, vacío, no tapó nada


def sizes_sweep(model: nn.Module, image: Tensor, objective: Objective, sizes: Iterable[int] = (8, 16, 24, 32),
                strides: Iterable[int] = (4,), fill: Fill = 0.0) -> dict[tuple[int, int], Tensor]:
    """Un mapa de oclusión (h, w) por cada pareja (tamaño, paso); se saltan las de paso mayor que el parche."""
    every = product(whole_list(sizes, "sizes"), whole_list(strides, "strides"))
    pairs = [(size, stride) for size, stride in every if stride <= size]
    return {pair: occlusion_map(model, image, objective, *pair, fill) for pair in pairs}


def class_probabilities(model: nn.Module, image: Tensor, boxes: Tensor, fill: Fill = 0.0) -> Tensor:
    """La probabilidad de cada clase con cada parche en su sitio: (n, k); cada fila suma 1."""
    return _ask(model, image, boxes, fill, lambda images: logits_of(model, images).softmax(1))


def winners(model: nn.Module, image: Tensor, boxes: Tensor, fill: Fill = 0.0) -> Tensor:
    """La clase que gana con cada parche en su sitio: (n,) números de clase."""
    return class_probabilities(model, image, boxes, fill).argmax(1)


def paint_boxes(boxes: Tensor, values: Tensor, h: int, w: int) -> Tensor:
    """El valor medio de los parches que cubren cada píxel: (h, w); NaN donde no hay ninguno.

    values: (n,), un valor por parche. Se promedia y no se suma: así no importa cuántos parches se encimen.
    """
    h, w = whole(h, "h", 1), whole(w, "w", 1)
    n = check_numbers(boxes, "n 4", "boxes", 0, integers=True)["n"]
    check_numbers(values, f"{n}", "values", 0)
    rows, cols = (side.to(values) for side in _sides(boxes.to(values.device), h, w))
    return (rows.T * values) @ cols / (rows.T @ cols)


def lowest_box(boxes: Tensor, scores: Tensor) -> Tensor:
    """El parche (4,) que deja la puntuación más baja, el mínimo de la gráfica por posición (el primero si empatan)."""
    n = check_numbers(boxes, "n 4", "boxes", integers=True)["n"]
    check_numbers(scores, f"{n}", "scores", integers=True)
    return boxes[scores.double().argmin().item()]


def coverage(boxes: Tensor, mask: Tensor) -> Tensor:
    """Qué parte de la máscara (h, w) tapa cada parche: (n,), de 0 (nada) a 1 (entera)."""
    check_numbers(boxes, "n 4", "boxes", 0, integers=True)
    mask = as_mask(mask, "h w", "mask")
    rows, cols = (side.float() for side in _sides(boxes.to(mask.device), *mask.shape))
    return (rows @ mask.float() * cols).sum(1) / _area(mask)


def share_on_mask(heat: Tensor, mask: Tensor) -> float:
    """Qué parte de la caída (lo positivo de un mapa (h, w)) cae sobre la máscara (h, w): de 0 a 1.

    Al azar sería `mask.float().mean()`, la parte de la imagen que ocupa la máscara. NaN si el mapa no tiene caídas.
    """
    check_numbers(heat, "h w", "heat")
    mask = as_mask(mask, f"{heat.shape[0]} {heat.shape[1]}", "mask")
    _area(mask)
    drop = heat.detach().clamp(min=0)
    return float(drop[mask.to(drop.device)].sum() / drop.sum())


def _starts(length: int, size: int, stride: int, name: str) -> Tensor:
    """Dónde empieza cada parche a lo largo de un lado de la imagen."""
    length = whole(length, name, 1)
    size = whole(size, "size", 1, length, ", el lado de la imagen,")
    stride = min(whole(stride, "stride", 1), length)            # con un paso mayor que el lado hay los mismos parches
    return torch.arange(0, length - size + stride, stride).clamp(max=length - size)


def _sides(boxes: Tensor, h: int, w: int) -> tuple[Tensor, Tensor]:
    """Qué filas (n, h) y qué columnas (n, w) de la imagen toca cada parche."""
    y0, x0, y1, x1 = boxes[:, :, None].unbind(1)   # cada uno (n, 1)
    y, x = torch.arange(h, device=boxes.device), torch.arange(w, device=boxes.device)
    return (y0 <= y) & (y < y1), (x0 <= x) & (x < x1)


def _area(mask: Tensor) -> Tensor:
    if not mask.any():
        raise ValueError("mask: la máscara está vacía, así que no hay nada que medir sobre ella.")
    return mask.sum()


def _blurred(image: Tensor) -> Tensor:
    """Tres promedios seguidos sobre un sexto de la imagen: casi un desenfoque gaussiano, sin bordes oscuros."""
    side = max(3, min(image.shape[1:]) // 6 | 1)   # impar
    for _ in range(3):
        image = F.avg_pool2d(image, side, stride=1, padding=side // 2, count_include_pad=False)
    return image


def _ask(model: nn.Module, image: Tensor, boxes: Tensor, fill: Fill, question: Callable[[Tensor], Tensor],
         mixed: bool = False) -> Tensor:
    """Lo que responde `question(images)` con cada parche en su sitio: (n, …)."""
    if not check_numbers(boxes, "n 4", "boxes", 0, integers=True)["n"]:
        raise ValueError("boxes: no hay ningún parche; constrúyelos con occluder_boxes.")
    check_numbers(image, "3 h w", "image")
    device = device_of(model)
    here = image.to(device)
    cover = fill_image(here, fill)
    with intact(model), torch.inference_mode(), torch.autocast(device.type) if mixed else nullcontext():
        order = memory_order(question, here)
        answers = in_batches(lambda part: question(occlude(here, part, cover).contiguous(memory_format=order)),
                             boxes.to(device), here[0].numel())
    return torch.cat(answers).float().to(image.device)

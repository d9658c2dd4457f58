"""Imágenes, lienzos y objetivos: revisados, con un error que dice qué se esperaba y qué llegó."""
import math
from collections.abc import Callable, Iterable, Sequence
from typing import Any

import numpy as np
import torch
from torch import Tensor

from labkit.shapes import (
    HUGE,
    check_kind,
    check_numbers,
    check_shape,
    check_values,
    full,
    plain,
    real,
    shown,
    whole,
)

Transform = Callable[[Tensor], Tensor]      # (b, 3, h, w) → (b, 3, h, w)


def as_images(images: Tensor, pattern: str = "b 3 h w", name: str = "images") -> Tensor:
    """Las imágenes, revisadas y al menos en float32."""
    check_numbers(images, pattern, name)
    return full(images)


def check_images(images: Tensor, least: int = 1) -> None:
    """Nada, si son imágenes (n, 3, h, w) de 0 a 1, de `least` píxeles o más por lado; si no, un error en español."""
    sides = check_shape(images, "n 3 h w", "images")
    check_values(images, "images")
    if not len(images) or min(sides["h"], sides["w"]) < least:
        raise ValueError(f"images: esperaba una imagen o más, de al menos {least} píxeles por lado, y recibí "
                         f"{tuple(images.shape)}.")
    if images.min() < 0 or images.max() > 1:
        raise ValueError(f"images: esperaba números de 0 a 1 y recibí de {images.min():g} a {images.max():g}. Si van "
                         f"hasta 255, prueba images / 255.")


def check_labels(labels: Tensor, count: int, name: str, least: int = 0) -> None:
    """Nada, si hay una clase entera por vector y, con `least`, dos o más clases de esos vectores; si no, un error."""
    check_shape(labels, "n", name)
    if len(labels) != count or labels.is_floating_point():
        raise ValueError(f"{name}: esperaba {count} clases, un entero por vector, y recibí {len(labels)} de tipo "
                         f"{labels.dtype}.")
    sizes = labels.unique(return_counts=True)[1].tolist()
    if least and (len(sizes) < 2 or min(sizes) < least):
        raise ValueError(f"{name}: hacen falta dos clases o más, con al menos {least} vectores cada una, y recibí "
                         f"{len(sizes)} de {', '.join(map(str, sizes))}.")


def varied_pixels(images: Tensor) -> Tensor:
    """Los píxeles de unas imágenes (n, 3, h, w), (3, n·h·w); ValueError si todos son del mismo color."""
    pixels = as_images(images, "n 3 h w").transpose(0, 1).flatten(1)
    if (pixels == pixels[:, :1]).all():
        raise ValueError("images: esperaba colores que varíen y recibí todos los píxeles del mismo.")
    return pixels


def as_transform(move: Transform) -> Transform:
    """La misma transformación, que antes revisa que le lleguen imágenes (b, 3, h, w)."""
    def checked(images: Tensor) -> Tensor:
        check_numbers(images, "b 3 h w", "images")
        return move(images)

    return checked


def as_transforms(moves: Sequence[Transform]) -> Sequence[Transform]:
    """Las mismas transformaciones; TypeError si alguna no se puede llamar."""
    for move in moves:
        check_kind(move, Callable, "transforms", "transformaciones")
    return moves


def as_colors(colors: Tensor) -> Tensor:
    """Tres colores que varían por separado, (3, 3), al menos en float32; ValueError si no."""
    check_numbers(colors, "3 3", "colors")
    if not torch.linalg.cond(colors.double()) <= 1e6:                       # la de ceros da NaN
        raise ValueError("colors: esperaba tres colores que varían por separado y recibí uno que sale de los otros. "
                         "Prueba con otras imágenes en color_matrix, o sin colors.")
    return full(colors)


def number_or_images(value: float | Tensor, name: str) -> float | Tensor:
    """Un número, o unas imágenes (b, 3, h, w), ya revisados."""
    if not isinstance(value, Tensor) or value.ndim == 0:
        return real(value, name, -HUGE, HUGE)
    check_numbers(value, "b 3 h w", name)
    return value


def one_per_image(value: float | Sequence[float] | Tensor, b: int, name: str) -> Tensor:
    """Un número de 0 en adelante por imagen, (b, 1, 1, 1), o uno para todas, (1, 1, 1, 1); infinito es sin límite.

    value: el número, o una lista o un tensor con uno por imagen.
    """
    if isinstance(value, (list, tuple, np.ndarray)) and np.ndim(value):
        value = torch.tensor([_limit(one, name) for one in value])
    if not isinstance(value, Tensor) or value.ndim == 0:
        return torch.tensor(_limit(value, name)).view(1, 1, 1, 1)
    check_shape(value.flatten(), f"{b}" if value.numel() > 1 else "1", name)
    if not (value >= 0).all():                                              # un NaN tampoco
        raise ValueError(f"{name}: esperaba números desde 0 y recibí {value.min():g}.")
    return value.reshape(-1, 1, 1, 1)


def _limit(value: float, name: str) -> float:
    """Un número de 0 en adelante, o infinito; si no, ValueError."""
    return math.inf if isinstance(value, float) and value == math.inf else real(value, name, 0, HUGE)


def check_scores(score: Any, b: int, objective: Any) -> None:
    """ValueError si un objetivo no dio una puntuación finita por imagen, (b,), que cambie con la imagen."""
    if not isinstance(score, Tensor) or score.shape != (b,):
        came = tuple(score.shape) if isinstance(score, Tensor) else shown(score)
        raise ValueError(f"objective: esperaba una puntuación por imagen, ({b},), y «{objective}» dio {came}.")
    if not torch.isfinite(score).all():
        raise ValueError(f"«{objective}» dio NaN o infinito. Prueba un lr más chico o revisa el lienzo.")
    if not score.requires_grad:
        raise ValueError(f"objective: esperaba que «{objective}» cambiara con la imagen, y lo que dio no cambia: no "
                         "hay hacia dónde subir.")


def check_climbable(canvas: torch.nn.Module) -> list[torch.nn.Parameter]:
    """Lo que un lienzo deja cambiar; error si no es un lienzo, si no deja nada o si aquí no hay gradientes."""
    check_kind(canvas, torch.nn.Module, "canvas", "un lienzo", "PixelCanvas(images)")
    weights = [weight for weight in canvas.parameters() if weight.requires_grad]
    if torch.is_inference_mode_enabled() or any(weight.is_inference() for weight in weights):
        raise ValueError("canvas: esperaba uno hecho fuera de torch.inference_mode(), donde no hay gradientes, y "
                         "recibí uno de ahí. Hazlo, y llama a maximize, fuera de ese bloque.")
    if not weights:
        raise ValueError("canvas: esperaba un lienzo con algo que cambiar y recibí uno sin parámetros. Prueba "
                         "PixelCanvas(images).")
    return weights


def class_number(class_index: int) -> int:
    """El número de una clase; TypeError, con qué probar, si llega su nombre."""
    try:
        return whole(class_index, "class_index", what=", el número de una clase,")
    except ValueError as error:
        if isinstance(plain(class_index), int):
            raise
        advice = f'model.classes.index("{class_index}")' if isinstance(class_index, str) else "int(…)"
        raise TypeError(f"class_index: esperaba el número de una clase, un entero, y recibí {shown(class_index)}. "
                        f"Prueba {advice}.") from error


def check_labelled(images: Tensor, labels: Tensor) -> None:
    """ValueError si no hay una clase por imagen (n, 3, h, w), o no hay ninguna."""
    check_shape(images, "n 3 h w", "images")
    check_shape(labels, "n", "labels")
    if len(images) != len(labels) or not len(images):
        raise ValueError(f"labels: esperaba una por imagen, {len(images)}, al menos una, y recibí {len(labels)}.")
    check_numbers(images, "n 3 h w", "images")


def as_batches(images: Tensor | Iterable[Tensor], batch_size: int) -> Sequence[Tensor]:
    """Lotes de a lo más `batch_size` imágenes (n, 3, h, w), o textos (n, t); si ya vienen en lotes, esos."""
    check_kind(images, Iterable, "images", "un tensor o lotes de imágenes")
    if not isinstance(images, Tensor):
        parts = list(images)
        for part in parts:
            check_shape(part, "n t" if isinstance(part, Tensor) and part.ndim == 2 else "n 3 h w", "images")
            if not part.numel():
                raise ValueError("images: esperaba lotes con imágenes y recibí uno vacío.")
        return parts
    check_shape(images, "n t" if images.ndim == 2 else "n 3 h w", "images")
    if not images.numel():
        raise ValueError(f"images: no había ninguna imagen; esperaba al menos una y recibí {tuple(images.shape)}.")
    return images.split(whole(batch_size, "batch_size", 1))

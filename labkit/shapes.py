"""Formas de tensores: comprobarlas en la puerta y decir con claridad qué se esperaba.

Un alfabeto de ejes para todo el curso: b lote, n conjunto de datos, c canales, h w espacio, k conceptos o los k
mejores, d largo de un vector de rasgos. Las coordenadas van siempre (y, x).
"""
import torch
from torch import Tensor


def check_shape(tensor: Tensor, pattern: str, name: str) -> dict[str, int]:
    """El tamaño de cada eje con letra: check_shape(images, "b 3 h w", "images") → {"b": 8, "h": 64, "w": 64}.

    pattern: letras (cualquier tamaño; la misma letra, el mismo tamaño) y números (justo ese tamaño).
    TypeError si no es un tensor; ValueError, con una sugerencia, si la forma es otra.
    """
    if not isinstance(tensor, Tensor):
        raise TypeError(f"{name}: esperaba un tensor {_written(pattern)} y recibí {type(tensor).__name__}. "
                        f"Prueba torch.as_tensor({name}).")
    axes = _match(tuple(tensor.shape), pattern)
    if axes is None:
        raise ValueError(f"{name}: esperaba forma {_written(pattern)} y recibí {tuple(tensor.shape)}."
                         + _suggestion(tuple(tensor.shape), pattern, name))
    return axes


def check_values(tensor: Tensor, name: str) -> None:
    """Nada, si el tensor trae números reales y finitos; si no, un ValueError que dice qué hacer.

    Una suma basta para ver si hay algún NaN o infinito: contagian el total. Se suma en float32 porque en float16 una
    imagen grande ya desborda.
    """
    if not tensor.is_floating_point():
        raise ValueError(f"{name}: esperaba números reales en [0, 1] y recibí {tensor.dtype}. "
                         f"Prueba {name}.float() / 255.")
    if not torch.isfinite(tensor.detach().sum(dtype=torch.float32)):
        raise ValueError(f"{name}: hay NaN o infinitos. Búscalos con torch.isfinite({name}).")


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


def _match(shape: tuple[int, ...], pattern: str) -> dict[str, int] | None:
    """Los ejes con letra, o None si la forma no cumple el patrón."""
    tokens = pattern.split()
    if len(tokens) != len(shape):
        return None
    axes: dict[str, int] = {}
    for token, size in zip(tokens, shape):
        expected = int(token) if token.isdigit() else axes.setdefault(token, size)
        if size != expected:
            return None
    return axes


def _suggestion(shape: tuple[int, ...], pattern: str, name: str) -> str:
    """El error probable: se prueba cada confusión conocida y se propone la que dejaría una forma correcta."""
    if shape and _match(shape[1:], pattern):
        return f" ¿Sobra el eje de lote? Prueba {name}[0]."
    if pattern[0] in "bn" and _match((1, *shape), pattern):
        return f" ¿Falta el eje de lote? Prueba {name}[None]."
    if len(shape) >= 3 and _match((*shape[:-3], shape[-1], *shape[-3:-1]), pattern):
        return f" ¿Están los canales al final? Prueba {name}.movedim(-1, -3)."
    return ""


def _written(pattern: str) -> str:
    """El patrón como se escribe una forma: "b 3 h w" → "(b, 3, h, w)"."""
    tokens = pattern.split()
    return f"({', '.join(tokens)}{',' if len(tokens) == 1 else ''})"

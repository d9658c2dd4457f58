"""Formas de tensores: comprobarlas en la puerta y decir con claridad qué se esperaba.

Un alfabeto de ejes para todo el curso: b lote, n conjunto de datos, c canales, h w espacio, k conceptos o los k
mejores, d largo de un vector de rasgos. Las coordenadas van siempre (y, x).
"""
import math
from collections.abc import Collection, Iterable
from typing import Any

import numpy as np
import torch
from torch import Tensor

HUGE = 1e15                 # de ahí en adelante, un cuadrado o una suma ya se desborda en float32
LONGEST = 2 ** 40           # de nada hay tantos
LARGEST = 1e300             # con un número mayor no se hace nada
COUNTS = {1: "un número", 2: "dos números", 3: "tres números"}
SHOWN = 60                  # cuántas letras de un valor caben en un error


def check_shape(tensor: Tensor, pattern: str, name: str) -> dict[str, int]:
    """El tamaño de cada eje con letra: check_shape(images, "b 3 h w", "images") → {"b": 8, "h": 64, "w": 64}.

    pattern: letras (cualquier tamaño; la misma letra, el mismo tamaño) y números (justo ese tamaño).
    TypeError si no es un tensor; ValueError, con una sugerencia, si la forma es otra.
    """
    check_dense(tensor, name, f" {_written(pattern)}")
    axes = _match(tuple(tensor.shape), pattern)
    if axes is None:
        raise ValueError(f"{name}: esperaba forma {_written(pattern)} y recibí {tuple(tensor.shape)}."
                         + _suggestion(tuple(tensor.shape), pattern, name))
    return axes


def check_dense(tensor: Tensor, name: str, form: str = "") -> None:
    """Nada, si es un tensor denso de números reales, o de verdaderos y falsos; si no, un error.  form: lo pedido."""
    if not isinstance(tensor, Tensor):
        raise TypeError(f"{name}: esperaba un tensor{form} y recibí {type(tensor).__name__}. "
                        f"Prueba torch.as_tensor({name}).")
    if tensor.layout != torch.strided:
        raise ValueError(f"{name}: esperaba un tensor denso y recibí uno disperso. Prueba {name}.to_dense().")
    if tensor.is_meta or tensor.is_complex() or tensor.is_quantized:
        kind = "un tensor en «meta», que no los tiene" if tensor.is_meta else str(tensor.dtype)
        raise ValueError(f"{name}: esperaba números reales y recibí {kind}.")


def check_numbers(tensor: Tensor, pattern: str, name: str, least: int = 1, integers: bool = False) -> dict[str, int]:
    """Lo que da `check_shape`, si además son números reales y finitos y no falta ninguno; si no, un error que lo dice.

    least: cuántos hacen falta, al menos, en el primer eje; en los demás, uno.  integers: valen también enteros.
    """
    axes = check_shape(tensor, pattern, name)
    if len(tensor) < least or 0 in tensor.shape[1:]:
        raise ValueError(f"{name}: esperaba {_written(pattern)} con al menos {least} en el primer eje y nada vacío, y "
                         f"recibí {tuple(tensor.shape)}: no hay de dónde sacar nada.")
    if not (integers and (tensor.dtype == torch.bool or _is_whole(tensor))):
        check_values(tensor, name)
    return axes


def check_values(tensor: Tensor, name: str) -> None:
    """Nada, si el tensor trae números reales, finitos y de un tamaño con que se pueda hacer cuentas (menos de 10¹⁵).

    Si no, un ValueError que dice qué hacer. El menor y el mayor bastan para saberlo: un NaN los contagia.
    """
    check_dense(tensor, name)
    if not tensor.is_floating_point() or tensor.element_size() < 2:
        raise ValueError(f"{name}: esperaba números reales en [0, 1] y recibí {tensor.dtype}. "
                         f"Prueba {name}.float() / 255.")
    if not tensor.numel():
        return
    low, high = (value.item() for value in torch.aminmax(tensor.detach()))
    if not (math.isfinite(low) and math.isfinite(high)):
        raise ValueError(f"{name}: hay NaN o infinitos. Búscalos con torch.isfinite({name}).")
    if max(-low, high) > HUGE:
        raise ValueError(f"{name}: esperaba números de menos de {HUGE:g} y recibí de {low:g} a {high:g}, con los que "
                         f"las cuentas se desbordan. Prueba {name} / {name}.abs().max().")


def whole(value: int | Tensor, name: str, least: int | None = 0, most: int | None = None, what: str = "") -> int:
    """Un entero, como el `int` de Python: vale también uno de NumPy, o un tensor de un solo número, como da argmax().

    ValueError si no lo es, o si no está entre `least` y `most`.  what: qué más decir de lo que se esperaba.
    """
    number = plain(value)
    kind = isinstance(number, int) and not isinstance(number, bool) and abs(number) <= 2 ** 64
    if not kind or (least is not None and number < least) or number > (LONGEST if most is None else most):
        expected = f"un entero de {least} a {most}" if most is not None else f"un entero desde {least}"
        expected = "un entero" if least is None else expected
        raise ValueError(f"{name}: esperaba {expected}{what} y recibí {shown(value)}.")
    return number


def real(value: float | Tensor, name: str, least: float = -math.inf, most: float = math.inf,
         open_ends: bool = False) -> float:
    """Un número finito, como el `float` de Python: vale también uno de NumPy, o un tensor de un solo número.

    ValueError si no lo es, o si no está entre `least` y `most` (con `open_ends`, sin llegar a ellos).
    """
    number = plain(value)
    kind = isinstance(number, (int, float)) and not isinstance(number, bool) and -LARGEST <= number <= LARGEST
    if not kind or not least <= number <= most or (open_ends and number in (least, most)):
        raise ValueError(f"{name}: esperaba un número{_between(least, most, open_ends)} y recibí {shown(value)}.")
    return float(number)


def reals(values: Iterable[float] | Tensor, name: str, least: int = 1) -> list[float]:
    """Una lista de números finitos, o de verdaderos y falsos (1 y 0): vale también un arreglo o un tensor de un eje.

    ValueError si no lo es, o si son menos de `least`.
    """
    if isinstance(values, Tensor):
        check_dense(values, name)
    try:
        numbers = [plain(value) for value in values]
    except TypeError as error:
        raise TypeError(f"{name}: esperaba una lista de números y recibí {shown(values)}.") from error
    if len(numbers) < least:
        raise ValueError(f"{name}: esperaba al menos {COUNTS.get(least, least)} y recibí {len(numbers)}.")
    return [real(int(number) if isinstance(number, bool) else number, f"{name}[{i}]", -HUGE, HUGE)
            for i, number in enumerate(numbers)]


def as_mask(mask: Tensor, pattern: str, name: str) -> Tensor:
    """La máscara, de verdaderos y falsos; vale también de ceros y unos, o de 0 y 255. ValueError si no se entiende."""
    check_shape(mask, pattern, name)
    if not (mask.dtype == torch.bool or ((mask == 0) | (mask == mask.max())).all()):
        raise ValueError(f"{name}: esperaba verdaderos y falsos y recibí {mask.dtype}, con otros valores. "
                         f"Prueba {name} > 0.5.")
    return mask.bool()


def positions(values: Tensor, pattern: str, name: str, count: int, least: int = 0) -> Tensor:
    """Los mismos números, en int64, si son enteros de `least` a count − 1; si no, un ValueError que lo dice."""
    check_shape(values, pattern, name)
    if not _is_whole(values) or (values.numel() and not least <= values.min() <= values.max() < count):
        extremes = f", de {values.min()} a {values.max()}" if _is_whole(values) and values.numel() else ""
        first = str(least).replace("-", "−")
        raise ValueError(f"{name}: esperaba enteros de {first} a {count - 1} y recibí {values.dtype} "
                         f"{tuple(values.shape)}{extremes}.")
    return values.long()


def rows_at(index: Any, count: int) -> Tensor:
    """Las posiciones pedidas entre `count`, (b,): un entero, un corte, una lista o un tensor, también de verdaderos.

    Las negativas cuentan desde el final. IndexError si alguna no está, o si no son posiciones.
    """
    try:
        if isinstance(index, slice):
            return torch.arange(count)[index]
        if isinstance(index, Tensor) and index.dtype == torch.bool and index.shape == (count,):
            return index.nonzero()[:, 0]
        several = isinstance(index, (list, tuple, range)) or (isinstance(index, (Tensor, np.ndarray)) and index.ndim)
        items = index.flatten().tolist() if isinstance(index, (Tensor, np.ndarray)) and several else index
        places = [whole(item, "index", -count, count - 1) for item in (items if several else [index])]
    except (ValueError, TypeError, RuntimeError) as error:
        raise IndexError(f"index: esperaba posiciones de 0 a {count - 1} y recibí {shown(index)}.") from error
    return torch.tensor(places, dtype=torch.int64) % count


def one_of(value: str, name: str, options: Collection[str]) -> str:
    """Lo mismo que se dio, si es una de las opciones; ValueError, con todas, si no."""
    if not (isinstance(value, str) and value in options):
        raise ValueError(f"{name}: esperaba {', '.join(options)} y recibí {shown(value)}.")
    return value


def check_kind(value: Any, kind: type, name: str, expected: str, advice: str = "") -> None:
    """TypeError si no es de esa clase.  expected: cómo se dice en español;  advice: qué probar."""
    if not isinstance(value, kind):
        came = f"{name}: esperaba {expected} y recibí {type(value).__name__}."
        raise TypeError(f"{came} Prueba {advice}." if advice else came)


def one_layer(name: Any) -> str:
    """El nombre de una capa, como venía; ValueError si no es un texto: una lista de nombres, por ejemplo."""
    if not isinstance(name, str):
        raise ValueError(f'layer: esperaba el nombre de una sola capa, como "conv4", y recibí {shown(name)}.')
    return name


def layer_list(layers: str | Iterable[str]) -> list[str]:
    """La lista de capas pedidas; un solo nombre vale por una lista de uno."""
    alone = isinstance(layers, str) or not isinstance(layers, Iterable)
    return [one_layer(layer) for layer in ([layers] if alone else layers)]


def full(values: Tensor) -> Tensor:
    """Los mismos números en float32, si venían en media precisión: muchas cuentas no existen en float16 o bfloat16."""
    return values.float() if values.is_floating_point() and values.element_size() < 4 else values


def shown(value: Any) -> str:
    """Un valor como se escribe en un error: en un renglón y sin alargarse."""
    if isinstance(value, (Tensor, np.ndarray)) and (value.ndim or isinstance(value, Tensor) and value.is_meta):
        return f"{type(value).__name__} {tuple(value.shape)}"
    text = " ".join(str(plain(value)).split()) if isinstance(value, Tensor) else " ".join(repr(value).split())
    return text if len(text) <= SHOWN else f"{text[:SHOWN]}…"


def plain(value: Any) -> Any:
    """Un número de NumPy o un tensor de un solo número, como los de Python; lo demás, igual."""
    if isinstance(value, Tensor) and value.ndim == 0 and not value.is_meta and value.layout == torch.strided:
        return value.item()
    lone = isinstance(value, np.generic) or (isinstance(value, np.ndarray) and not value.ndim)
    return value.item() if lone else value


def _is_whole(tensor: Tensor) -> bool:
    return not (tensor.is_floating_point() or tensor.is_complex() or tensor.is_quantized) and tensor.dtype != torch.bool


def _between(least: float, most: float, open_ends: bool) -> str:
    """Entre qué valores, como se dice."""
    if least == -math.inf and most == math.inf:
        return ""
    if most in (math.inf, HUGE):
        return f" mayor que {least:g}" if open_ends else f" finito desde {least:g}"
    return f" de {least:g} a {most:g}{', sin llegar,' if open_ends else ''}"


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

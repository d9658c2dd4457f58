"""Leer lo que se contesta: números, parejas, posiciones, nombres, diccionarios y tensores, de Python, NumPy o PyTorch.

Todo sale convertido en valores de Python (o en un tensor común), de modo que después ya no corre código ajeno. Lo que
no se entiende recibe «Revisa», con lo que se esperaba y el tipo de lo que llegó.
"""

from collections.abc import Collection, Sequence
from math import prod

import numpy as np
import torch
from torch import Tensor

from labkit.exercises.sandbox import blaming_the_answer, is_blank
from labkit.exercises.verdict import Pending, Revise
from labkit.models import plain_name

ORDERED = (list, tuple, range, Tensor, np.ndarray)
MENDS = {                               # de lo que una función devuelve en vez de un tensor, qué hacer
    "list": "júntala con torch.stack, que pone un eje nuevo al principio.",
    "list de números": "conviértela con torch.tensor.",
    "tuple": "¿sobra una coma al final, o devuelves dos cosas?",
    "ndarray": "conviértelo con torch.from_numpy.",
    "float": "¿sobra un .item() o un float(…)?",
}
FEW = 4  # hasta cuántos tipos se dicen, uno por uno, de lo que llegó


def read_pair(value: object, kinds: tuple[type, type], ask: str, among: Collection | None = None) -> tuple:
    """Los dos valores de una sucesión, cada uno de su clase: int, float o str. ask: qué se pide, si no lo son.

    among: entre qué valores deben estar los dos.
    """
    parts = _items(value, ORDERED) or []
    found = [_plain(part, kind) for part, kind in zip(parts, kinds)]
    if len(parts) != 2 or None in found:
        raise Revise(f"{ask} Recibí {kind_of(value)}.")
    if among is not None and not all(part in among for part in found):
        raise Revise(ask)
    return tuple(found)


def read_positions(value: object, ask: str) -> set[int]:
    """Las posiciones de una lista, arreglo, tensor o conjunto: ni el orden ni las repeticiones cuentan."""
    parts = _items(value, (*ORDERED, set, frozenset))
    found = None if parts is None else [_plain(part, int) for part in parts]
    if found is None or None in found:
        raise Revise(f"{ask} Recibí {kind_of(value)}.")
    return set(found)


def read_number(value: object, kind: type, ask: str) -> int | float:
    """Un número suelto, de clase int o float. Un decimal entero, 3.0, vale como int; True no es un número."""
    found = _plain(value, kind)
    if found is None:
        raise Revise(f"{ask} Recibí {kind_of(value)}.")
    return found


def read_text(value: object, ask: str) -> str:
    """Un texto de Python, tal como se escribió. ask: qué se pide, si no lo es."""
    found = _plain(value, str)
    if found is None:
        raise Revise(f"{ask} Recibí {kind_of(value)}.")
    return found


def read_name(value: object, known: Sequence[str], what: str) -> str:
    """El nombre de `known` que dice `value`, sin fijarse en mayúsculas, acentos ni espacios. what: qué debía ser."""
    text = _plain(value, str)
    names = {plain_name(name): name for name in known}
    if text is None or plain_name(text) not in names:
        shown = kind_of(value) if text is None else f"«{text}»"
        raise Revise(f"{shown} no es {what}: {', '.join(known)}.")
    return names[plain_name(text)]


def read_keys(value: object, keys: Sequence[str], ask: str) -> dict:
    """Un diccionario con justo esas llaves, todas ya contestadas; «Pendiente» si falta alguna. ask: qué se pide."""
    if not isinstance(value, dict):
        raise Revise(f"{ask} Recibí {kind_of(value)}.")
    with blaming_the_answer():
        given = dict(value)
    if set(given) != set(keys):
        raise Revise(ask)
    blank = [key for key in keys if is_blank(given[key])]
    if blank:
        raise Pending(f"falta {', '.join(blank)}.")
    return given


def read_tensor(value: object) -> Tensor:
    """El tensor que devolvió una función, sin su gradiente; un veredicto si no lo es o si no guarda números reales."""
    if not isinstance(value, Tensor):
        kind = type(value).__name__
        if type(value) is list and value and not any(isinstance(part, Tensor) for part in value):
            kind = "list de números"
        raise Revise(f"esperaba un tensor de torch y recibí {kind}{': ' + MENDS[kind] if kind in MENDS else '.'}")
    with blaming_the_answer():
        if value.is_meta:
            raise Revise("esperaba un tensor con valores; en el dispositivo «meta» un tensor solo tiene forma.")
        if value.layout != torch.strided or value.is_nested or value.is_quantized:
            raise Revise("esperaba un tensor común y recibí uno disperso, anidado o cuantizado. ¿Te falta .to_dense()?")
        if value.is_complex():
            raise Revise(f"esperaba números reales y recibí complejos, {value.dtype}.")
        return value.detach().as_subclass(Tensor)


def kind_of(value: object) -> str:
    """El tipo de lo que llegó, en pocas palabras: «str», «tuple (float, int)» o «Tensor de forma (3, 4)»."""
    kind = type(value).__name__
    if isinstance(value, (Tensor, np.ndarray)) and value.ndim:
        return f"{kind} de forma {tuple(value.shape)}"
    parts = _items(value, (list, tuple, set, frozenset))
    if parts is None:
        return kind
    inside = ", ".join(type(part).__name__ for part in parts)
    return f"{kind} ({inside})" if len(parts) <= FEW else f"{kind} de {len(parts)} valores"


def _items(value: object, kinds: tuple[type, ...]) -> list | None:
    """Lo que hay dentro de una sucesión de esas clases; None si no es una, o si es un tensor sin ejes."""
    with blaming_the_answer():
        if not isinstance(value, kinds) or (isinstance(value, (Tensor, np.ndarray)) and value.ndim == 0):
            return None
        return list(value)


def _plain(value: object, kind: type) -> int | float | str | None:
    """El valor como int, float o str de Python; None si no es de esa clase. Un arreglo de un elemento es un número."""
    with blaming_the_answer():
        if isinstance(value, (Tensor, np.ndarray, np.generic)):
            value = value.item() if prod(value.shape) == 1 else None
        if kind is str:
            return str(value) if isinstance(value, str) else None
        if isinstance(value, bool) or not isinstance(value, (int, float)):
            return None
        if kind is int and not (isinstance(value, int) or value.is_integer()):
            return None
        return kind(value)

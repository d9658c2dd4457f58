"""Los valores de una respuesta como datos planos: JSON y, dentro, tensores de safetensors. Jamás pickle.

Escribe quien corrió el código de la entrega; lee quien lo juzga, que no se fía de nada: hay topes de tamaño, de hondura
y de cuántas piezas.
"""
import base64
from math import isfinite

import numpy as np
import torch
from safetensors.torch import load, save
from torch import Tensor

from labkit.exercises.answers import read_tensor

DEEP, MANY, LONG = 6, 20_000, 20_000            # hondura, piezas y letras de un texto
BYTES = 48_000_000                              # lo que pueden pesar los tensores de una respuesta, ya como texto


class NotFlat(ValueError):
    """El valor no se puede mandar (o recibir) como datos."""


def pack(value: object, deep: int = 0) -> dict:
    """Un valor de Python, NumPy o PyTorch como diccionario plano. NotFlat si es demasiado grande u hondo."""
    if deep > DEEP:
        raise NotFlat("tu respuesta tiene demasiadas listas una dentro de otra.")
    if isinstance(value, Tensor):
        return {"tensor": _bytes_of(read_tensor(value))}
    if isinstance(value, (np.ndarray, np.generic)):
        return _pack_array(np.asarray(value), type(value) is not np.ndarray)
    if value is None or value is ... or isinstance(value, (bool, int, float, str)):
        return _pack_plain(value)
    if isinstance(value, (list, tuple, set, frozenset, range)):
        kind = "lista" if isinstance(value, list) else "conjunto" if isinstance(value, (set, frozenset)) else "tupla"
        return {kind: _pack_many(value, deep)}
    if isinstance(value, dict):
        return {"diccionario": [_pack_many(pair, deep) for pair in _few(value.items())]}
    return {"otro": type(value).__name__[:80]}


def _pack_plain(value: object) -> dict:
    if value is ...:
        return {"puntos": True}
    if isinstance(value, str) and len(value) > LONG:
        raise NotFlat(f"tu respuesta es un texto de {len(value)} letras.")
    if isinstance(value, float) and not isfinite(value):
        return {"flotante": str(float(value))}
    if isinstance(value, int) and not isinstance(value, bool) and abs(value) >= 2**200:
        raise NotFlat("tu respuesta es un número entero demasiado grande.")
    base = next((kind for kind in (bool, int, float, str) if isinstance(value, kind)), None)
    return {"valor": base(value) if base else None}


def _pack_many(values: object, deep: int) -> list:
    return [pack(value, deep + 1) for value in _few(values)]


def _few(values: object) -> list:
    found = list(values)
    if len(found) > MANY:
        raise NotFlat(f"tu respuesta trae {len(found)} valores sueltos; si son números, júntalos en un tensor.")
    return found


def _pack_array(array: np.ndarray, scalar: bool) -> dict:
    if array.dtype.kind not in "biuf":
        return {"otro": f"ndarray de {array.dtype}"}
    try:
        tensor = torch.from_numpy(np.array(array))
    except TypeError:                           # hay tipos de NumPy que PyTorch no tiene
        tensor = torch.from_numpy(array.astype(np.float64))
    return {"arreglo": _bytes_of(tensor), "suelto": scalar}


def _bytes_of(tensor: Tensor) -> str:
    if tensor.numel() * tensor.element_size() > BYTES // 2:
        raise NotFlat(f"tu respuesta pesa {tensor.numel() * tensor.element_size() // 1_000_000} MB: revisa su forma, "
                      f"{tuple(tensor.shape)}.")
    return base64.b64encode(save({"x": tensor.cpu().contiguous().clone()})).decode("ascii")


def unpack(data: object, deep: int = 0) -> object:
    """El valor que dice ese diccionario. NotFlat si no dice ninguno."""
    if not isinstance(data, dict) or deep > DEEP + 1:
        raise NotFlat("no es un dato")
    if "tensor" in data:
        return _tensor_of(data["tensor"])
    if "arreglo" in data:
        array = _tensor_of(data["arreglo"]).numpy()
        return array[()] if data.get("suelto") is True else array
    if "valor" in data and (data["valor"] is None or isinstance(data["valor"], (bool, int, float, str))):
        return data["valor"]
    if data.get("flotante") in ("inf", "-inf", "nan"):
        return float(data["flotante"])
    if "puntos" in data:
        return ...
    if "otro" in data:
        return type(str(data["otro"])[:80].replace("\0", ""), (), {})()  # de él solo se sabe cómo se llamaba su tipo
    return _unpack_many(data, deep)


def _unpack_many(data: dict, deep: int) -> object:
    kinds = {"lista": list, "tupla": tuple, "conjunto": set}
    name = next((name for name in (*kinds, "diccionario") if name in data), "")
    if not name or not isinstance(data[name], list) or len(data[name]) > MANY:
        raise NotFlat("no es un dato")
    try:
        if name == "diccionario":
            return {unpack(key, deep + 1): unpack(value, deep + 1) for key, value in data[name]}
        return kinds[name](unpack(part, deep + 1) for part in data[name])
    except (TypeError, ValueError) as error:    # algo que no puede ir en un conjunto, o una pareja que no lo es
        raise NotFlat(str(error)) from None


def _tensor_of(text: object) -> Tensor:
    if not isinstance(text, str) or len(text) > 2 * BYTES:
        raise NotFlat("no es un tensor")
    try:
        return load(base64.b64decode(text, validate=True))["x"]
    except Exception as error:                  # cada formato lanza los suyos
        raise NotFlat(f"no es un tensor ({type(error).__name__})") from None

"""Cualquier valor: con qué se llama a cada función y cómo se juzga lo que hizo. Lo usan tests/test_properties*.py.

La propiedad es una sola. Con argumentos buenos, el resultado correcto, según un oráculo que no comparte código con la
función. Con uno echado a perder, o el resultado correcto para lo que ese valor quiere decir (un entero de NumPy es un
entero), o uno de nuestros errores, en español, que nombra el argumento y dice qué esperaba y qué llegó. Nunca un error de
otra biblioteca, un NaN callado, un aviso, ni una entrada o un azar global cambiados.

Cada ejemplo sale de una semilla que escoge hypothesis (`derandomize`: siempre las mismas). En CI son 200 por función; con
LABKIT_EJEMPLOS=1000 son mil.
"""
from __future__ import annotations

import os
import random
import re
import traceback
import warnings
from collections.abc import Callable
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import torch
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st
from torch import Tensor

EXAMPLES = int(os.environ.get("LABKIT_EJEMPLOS", 200))
PACKAGE = str(Path(__file__).resolve().parent.parent / "labkit") + os.sep
# cómo se llama en los mensajes a lo que en el código lleva otro nombre
ALSO = {"start": "images", "unit": "unidad|canales|activaciones", "layer": "capa|activaciones", "acts": "activaciones", "index": "posiciones",
        "n": "imágenes|n:", "self": "Tally|Tail|SOM", "objective": "objetivo|activaciones", "convention": "share|union",
        "units": "unidad|canales", "factor": "objetivos", "categories": "conceptos", "class_index": "canales", "name": "activaciones|layer"}
EXPECTED = re.compile(r"esperaba|hace[n]? falta|se escribe|no hay|faltan|hay |mide|tiene|necesita|primero|No pude|No encuentro"
                      r"|Los objetivos|son |dio NaN|no alcanzan|guarda|no había", re.IGNORECASE)


class Dice:
    """El azar de un ejemplo, con lo que casi toda función pide."""

    def __init__(self, seed: int) -> None:
        self.random, self.torch = random.Random(seed), torch.Generator().manual_seed(seed)

    def int(self, low: int, high: int) -> int:
        return self.random.randint(low, high)

    def real(self, low: float = 0.0, high: float = 1.0) -> float:
        return self.random.uniform(low, high)

    def pick(self, *options: Any) -> Any:
        return self.random.choice(options)

    def tensor(self, *shape: int, low: float = 0.0, high: float = 1.0) -> Tensor:
        return low + (high - low) * torch.rand(shape, generator=self.torch)

    def normal(self, *shape: int, far: float = 0.0) -> Tensor:
        return torch.randn(shape, generator=self.torch) + far

    def ints(self, *shape: int, high: int) -> Tensor:
        return torch.randint(0, high, shape, generator=self.torch)

    def bools(self, *shape: int) -> Tensor:
        mask = torch.rand(shape, generator=self.torch) < 0.5
        mask.view(-1)[:2] = torch.tensor([True, False])[:mask.numel()]
        return mask

    def images(self, n: int | None = None) -> Tensor:
        return self.tensor(self.int(1, 3) if n is None else n, 3, self.int(2, 7), self.int(2, 7))

    def image(self) -> Tensor:
        return self.images(1)[0]


class Case(NamedTuple):
    """Una función y su oráculo.

    make: de un azar, los argumentos buenos;  truth: (resultado, **argumentos) → None, o AssertionError;  keep: los que no
    se echan a perder, con qué por qué en su sitio;  nan: puede dar NaN, porque así lo dice su descripción;  raises: con
    argumentos buenos también puede negarse;  skip: maneras de echar a perder que prueba otro archivo («layer: lista»).
    """
    call: Callable
    make: Callable[[Dice], dict[str, Any]]
    truth: Callable[..., None]
    keep: tuple[str, ...] = ()
    nan: bool = False
    raises: bool = False
    skip: tuple[str, ...] = ()


def _point(tensor: Tensor, value: float) -> Tensor:
    if not tensor.is_floating_point() or not tensor.numel():
        return torch.full(tensor.shape, value)
    spoiled = tensor.clone(memory_format=torch.contiguous_format)
    spoiled.view(-1)[tensor.numel() // 2] = value
    return spoiled


TENSORS = {
    "nan": lambda t: _point(t, float("nan")), "inf": lambda t: _point(t, float("inf")), "-inf": lambda t: _point(t, -float("inf")),
    "enorme": lambda t: _point(t, 1e30), "vacío": lambda t: t[:0] if t.ndim else t.reshape(1)[:0], "sin ejes": lambda t: t.sum(),
    "de más": lambda t: t[None], "de menos": lambda t: t[0] if t.ndim and len(t) else t, "enteros": lambda t: t.long(),
    "bytes": lambda t: (t * 255).to(torch.uint8) if t.is_floating_point() else t.to(torch.uint8), "falsos": lambda t: t > 0.5,
    "medios": lambda t: t.half(), "bfloat16": lambda t: t.bfloat16(), "dobles": lambda t: t.double() if t.is_floating_point() else t,
    "complejos": lambda t: t.to(torch.complex64), "lista": lambda t: t.tolist(), "numpy": lambda t: t.numpy(),
    "con gradiente": lambda t: t.clone().requires_grad_() if t.is_floating_point() else t,
    "al revés en memoria": lambda t: t.mT.contiguous().mT if t.ndim > 1 else t, "disperso": lambda t: t.to_sparse(),
    "meta": lambda t: t.to("meta"), "texto": lambda t: "texto", "número": lambda t: 3, "nada": lambda t: None,
    "corto": lambda t: t[..., :-1] if t.ndim else t, "int32": lambda t: t.int() if not t.is_floating_point() else t,
    "iguales": lambda t: torch.zeros_like(t), "negativos": lambda t: -t if t.dtype != torch.bool else t,
}
NUMBERS = {
    "int64": np.int64, "int32": lambda v: np.int32(min(v, 2**31 - 1)), "uint8": lambda v: np.uint8(abs(int(v)) % 256),
    "float32": np.float32, "float64": np.float64, "tensor": torch.tensor, "arreglo": np.array, "de uno": lambda v: torch.tensor([v]),
    "verdadero": lambda v: True, "medio": lambda v: v + 0.5, "real": float, "nan": lambda v: float("nan"),
    "inf": lambda v: float("inf"), "-inf": lambda v: -float("inf"), "menos": lambda v: -1, "cero": lambda v: 0,
    "gigante": lambda v: 10**30, "negativo gigante": lambda v: -(10**400), "nada": lambda v: None, "texto": lambda v: "3",
    "lista": lambda v: [v], "complejo": lambda v: 3j, "meta": lambda v: torch.tensor(v, device="meta"), "diccionario": lambda v: {},
}
# lo que quiere decir lo mismo: nadie se niega a ello
ALIKE = {int: ("int64", "int32", "tensor", "arreglo"), float: ("float64", "float32", "tensor", "arreglo"),
         Tensor: ("con gradiente", "al revés en memoria")}
TEXTS = {"vacío": lambda v: "", "otro": lambda v: "no existe", "número": lambda v: 3, "nada": lambda v: None, "bytes": lambda v: b"x",
         "lista": lambda v: ["a"], "tensor": lambda v: torch.zeros(2), "²": lambda v: f"{v}:²"}
LISTS = {"vacía": lambda v: [], "tupla": tuple, "nada": lambda v: None, "número": lambda v: 3, "texto": lambda v: "texto",
         "con nada": lambda v: [*v, None], "una menos": lambda v: list(v)[:-1], "con nan": lambda v: [*list(v)[:-1], float("nan")],
         "con texto": lambda v: [*list(v)[:-1], "a"]}
OTHERS = {"nada": lambda v: None, "número": lambda v: 3, "texto": lambda v: "texto", "tensor": lambda v: torch.zeros(2)}


def spoilers(value: Any) -> dict[str, Callable]:
    """Las maneras de echar a perder un valor, según lo que es."""
    if isinstance(value, Tensor):
        return TENSORS
    if isinstance(value, bool):
        return OTHERS
    if isinstance(value, (int, float)):
        return NUMBERS
    return TEXTS if isinstance(value, str) else LISTS if isinstance(value, (list, tuple)) else OTHERS


def plain(value: Any) -> Any:
    """El valor como lo entiende un oráculo: sin NumPy, sin gradiente, sin media precisión."""
    if isinstance(value, Tensor):
        if value.is_meta or value.layout != torch.strided:
            return value
        value = value.detach()
        return value.item() if value.ndim == 0 else value.float() if value.is_floating_point() and value.element_size() < 4 else value
    if isinstance(value, np.generic) or (isinstance(value, np.ndarray) and not value.ndim):
        return value.item()
    return value


def tensors_in(value: Any) -> list[Tensor]:
    """Los tensores que hay en un resultado o entre unos argumentos."""
    if isinstance(value, Tensor):
        return [value]
    if isinstance(value, dict):
        return [found for inner in value.values() for found in tensors_in(inner)]
    if isinstance(value, (list, tuple)):
        return [found for inner in value for found in tensors_in(inner)]
    if type(value).__module__.startswith("labkit") and hasattr(value, "__dict__"):
        return [found for inner in vars(value).values() for found in tensors_in(inner)]
    return [torch.tensor(value)] if isinstance(value, float) else []


def same(ours: Any, truth: Any, tol: float = 1e-4) -> None:
    """AssertionError si no son los mismos números, con la forma incluida."""
    ours, truth = (np.array(v) if isinstance(v, (np.ndarray, list, tuple)) else v for v in (ours, truth))
    torch.testing.assert_close(torch.as_tensor(ours).detach().double(), torch.as_tensor(truth).detach().double(), rtol=tol,
                               atol=tol, equal_nan=True)


def world_state() -> tuple:
    """Lo global que nadie debe cambiar."""
    return (torch.get_rng_state().numpy().tobytes(), np.random.get_state()[1].tobytes(), random.getstate(), torch.get_default_dtype(),
            torch.is_grad_enabled(), torch.is_inference_mode_enabled())


def copies(arguments: dict[str, Any]) -> list[tuple[Tensor, Tensor]]:
    there = [t for t in tensors_in(list(arguments.values())) if not t.is_meta and t.layout == torch.strided]
    return [(t, t.detach().clone()) for t in there]


def judge(error: Exception, names: set[str]) -> None:
    """AssertionError si no es uno de nuestros errores: lo lanza labkit, nombra un argumento y dice qué esperaba."""
    last, said = traceback.extract_tb(error.__traceback__)[-1], str(error)
    assert last.filename.startswith(PACKAGE), f"error crudo, de {last.filename}:{last.lineno}: {type(error).__name__}: {said}"
    assert isinstance(error, (ValueError, TypeError, IndexError, RuntimeError)), f"{type(error).__name__}: {said}"
    words = "|".join(f"{re.escape(name)}|{ALSO[name]}" if name in ALSO else rf"\b{re.escape(name)}" for name in names)
    assert re.search(words, said), f"no nombra ningún argumento ({', '.join(sorted(names))}): {said}"
    assert EXPECTED.search(said), f"no dice qué esperaba: {said}"


def check_example(case: Case, seed: int, which: int, how: int) -> None:
    """Un ejemplo: los argumentos de esa semilla, con el `which`-ésimo echado a perder de la `how`-ésima manera."""
    arguments = case.make(Dice(seed))
    names = [name for name in arguments if name not in case.keep]
    spoiled, label, alike = dict(arguments), "buenos", False
    if names and which % (len(names) + 1):
        name = names[which % (len(names) + 1) - 1]
        ways = spoilers(arguments[name])
        label = list(ways)[how % len(ways)]
        if label in case.skip or f"{name}: {label}" in case.skip:
            return
        alike = label in ALIKE.get(type(arguments[name]), ())
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            spoiled[name], label = ways[label](arguments[name]), f"{name}: {label}"
    before, state = copies(spoiled), world_state()
    with warnings.catch_warnings(record=True) as warned:
        warnings.simplefilter("always")
        try:
            result = case.call(**spoiled)
        except Exception as error:
            assert case.raises or (label != "buenos" and not alike), f"[{label}] se negó a argumentos buenos: {error}"
            judge(error, {name.rstrip("_") for name in arguments})
            result = None
        else:
            assert case.nan or not any(t.is_floating_point() and t.layout == torch.strided and not t.isfinite().all()
                                       for t in tensors_in(result)), f"[{label}] dio un NaN callado"
            try:
                case.truth(result, **{name: plain(value) for name, value in spoiled.items()})
            except Exception as error:
                raise AssertionError(f"[{label}] aceptó {spoiled} y el oráculo dice: {type(error).__name__}: {error}") from error
    assert not warned, f"[{label}] avisó: {warned[0].message}"
    changed = [i for i, (now, then) in enumerate(zip(world_state(), state)) if now != then]
    assert not changed, f"[{label}] cambió el azar o algo global: {changed}"
    for now, then in before:
        assert now.dtype == then.dtype and now.shape == then.shape and np.array_equal(
            *(torch.view_as_real(t).numpy() if t.is_complex() else t.float().numpy() for t in (now.detach(), then)), equal_nan=True), f"[{label}] cambió su entrada"


def check_property(case: Case) -> None:
    """La propiedad de una función, en EXAMPLES ejemplos que siempre son los mismos."""
    @settings(max_examples=EXAMPLES, derandomize=True, deadline=None, database=None, suppress_health_check=list(HealthCheck),
              phases=(Phase.generate,), print_blob=False)
    @given(st.integers(0, 2**31), st.integers(0, 10**6), st.integers(0, 10**6))
    def holds(seed: int, which: int, how: int) -> None:
        check_example(case, seed, which, how)

    holds()

"""Ejecutar el código de una respuesta sin que toque nada: con copias, en silencio y dejando todo como estaba."""

import contextlib
import dis
import functools
import inspect
import io
import random
import sysconfig
import traceback
import types
import warnings
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

import numpy as np
import torch
from torch import Tensor, nn

from labkit.exercises.verdict import Broken, Pending, Revise

HOOKS = ("_forward_hooks", "_forward_pre_hooks", "_backward_hooks", "_backward_pre_hooks")
OURS = (str(Path(__file__).parents[1]), sysconfig.get_path("stdlib"), "<frozen")  # labkit y Python
INSTALLED = ("site-packages", "dist-packages")
ADVICE = {
    "NameError": "¿Ejecutaste antes la celda que define ese nombre?",
    "IndexError": "Imprime la forma (.shape) y el índice justo antes de esa línea.",
    "ValueError": "Imprime los valores justo antes de esa línea.",
    "RuntimeError": "Casi siempre son formas que no casan: imprime .shape justo antes de esa línea.",
    "TypeError": "Imprime el tipo (type) de lo que usas en esa línea.",
}
# Lo que dice PyTorch, en inglés, y qué hacer; va antes que el consejo por tipo de error.
ADVICE_BY_TEXT = {
    "Boolean value of Tensor": "`min`, `max`, `if` y `and` no comparan valor por valor: usa torch.minimum, "
                               "torch.maximum, torch.where o &.",
    "'Bool'": "Los verdaderos y falsos no se multiplican ni se agrandan: pásalos antes por .float().",
    "Got: Bool": "Los verdaderos y falsos no se promedian: pásalos antes por .float().",
    "slice indices must be integers": "El lugar debe ser un entero: int(…).",
    "only integers, slices": "El lugar debe ser un entero: int(…).",
}
UNWRITTEN = ("todavía está sin escribir. Cuando termines, borra `raise NotImplementedError` (¿o te faltó `return`?) y "
             "vuelve a ejecutar.")


def require_function(answer: object, parameters: Sequence[str], forbidden: Sequence[str] = ()) -> None:
    """Comprueba que `answer` sea una función propia que acepta `parameters`; si no, un veredicto lo explica.

    forbidden: nombres de labkit que la función no puede usar, porque son justo lo que se pide escribir.
    """
    if is_blank(answer):
        raise Pending(UNWRITTEN)
    if not callable(answer):
        raise Revise("pásame la función misma, sin llamarla: su nombre, sin paréntesis.")
    code = getattr(inspect.unwrap(answer), "__code__", None)
    copied = str(getattr(answer, "__module__", "")).startswith("labkit") or isinstance(answer, functools.partial)
    if copied or (code is not None and names_in(code) & set(forbidden)):
        raise Revise("esa función ya viene en labkit. Aquí toca escribirla a ti, sin llamarla.")
    try:
        inspect.signature(answer).bind(*parameters)
    except TypeError:
        raise Revise(f"tu función debe aceptar, en este orden: {', '.join(parameters)}.") from None


def is_blank(answer: object) -> bool:
    """True si la respuesta es un hueco sin llenar: None, `...`, texto vacío o solo guiones bajos."""
    return answer is None or answer is ... or (isinstance(answer, str) and not answer.strip(" _…."))


def names_in(code: types.CodeType) -> set[str]:
    """Todos los nombres globales y atributos que usa un código, también dentro de sus funciones internas."""
    inner = [names_in(constant) for constant in code.co_consts if isinstance(constant, types.CodeType)]
    return set(code.co_names).union(*inner)


def call(function: Callable, *arguments: object) -> object:
    """Lo que devuelve `function` con copias de los argumentos, o el veredicto que merece si algo sale mal.

    Los tensores se copian y las redes se vigilan: ni aquéllos ni éstas pueden quedar cambiados.
    """
    given = [value.clone() if isinstance(value, Tensor) else value for value in arguments]
    models = [value for value in arguments if isinstance(value, nn.Module)]
    before = [_state(model) for model in models]
    try:
        with preserved():
            result = function(*given)
    except NotImplementedError as error:            # con mensaje es de PyTorch: algo que no sabe hacer con ese tipo
        raise (Broken(describe_error(error)) if str(error) else Pending(UNWRITTEN)) from None
    except (Exception, SystemExit) as error:
        raise Broken(describe_error(error)) from None
    finally:
        left = [_restore(model, state) for model, state in zip(models, before)]
    if any(left):
        raise Revise(next(filter(None, left)))
    if any(isinstance(a, Tensor) and not torch.equal(a, g) for a, g in zip(arguments, given)):
        raise Revise("tu función cambió un tensor que recibió. Trabaja sobre una copia, con .clone().")
    if result is None:
        raise Pending(UNWRITTEN) if _is_empty(function) else Revise("tu función no devuelve nada. ¿Olvidaste `return`?")
    return result


@contextlib.contextmanager
def preserved() -> Iterator[None]:
    """Dentro no se escribe nada en la salida; al salir vuelven el modo de gradiente y los números al azar."""
    gradient, numpy_state, python_state = torch.is_grad_enabled(), np.random.get_state(), random.getstate()
    sink = io.StringIO()
    try:
        with (
            torch.random.fork_rng(devices=[]),
            warnings.catch_warnings(),
            contextlib.redirect_stdout(sink),
            contextlib.redirect_stderr(sink),
        ):
            warnings.simplefilter("ignore")
            yield
    finally:
        torch.set_grad_enabled(gradient)
        np.random.set_state(numpy_state)
        random.setstate(python_state)


def describe_error(error: BaseException) -> str:
    """Una frase corta: tipo del error, línea del código propio donde ocurrió y un consejo."""
    kind = type(error).__name__
    text = (str(error).strip().splitlines() or [""])[0][:120]
    own = [frame for frame in traceback.extract_tb(error.__traceback__) if not _is_foreign(frame.filename)]
    line = f": `{own[-1].line.strip()[:80]}`" if own and own[-1].line else ""
    place = f", en la línea {own[-1].lineno}{line}" if own else ""
    advice = next((what for words, what in ADVICE_BY_TEXT.items() if words in text), ADVICE.get(kind, ""))
    return f"{kind}{f' ({text})' if text else ''}{place}. {advice}".strip()


def _is_foreign(filename: str) -> bool:
    return filename.startswith(OURS) or any(folder in filename for folder in INSTALLED)


def _is_empty(function: Callable) -> bool:
    """True si el cuerpo de la función es solo su documentación, `...` o `pass`."""

    def empty() -> None: ...

    code = getattr(function, "__code__", None)
    return code is not None and _operations(code) == _operations(empty.__code__)


def _operations(code: types.CodeType) -> list[str]:
    return [step.opname for step in dis.get_instructions(code)]


def _state(model: nn.Module) -> tuple[dict, dict, dict]:
    """Modo, ganchos y pesos de cada módulo, para saber después si alguien los cambió."""
    modes = {module: module.training for module in model.modules()}
    hooks = {(module, kind): dict(getattr(module, kind, {})) for module in model.modules() for kind in HOOKS}
    return modes, hooks, {name: value.clone() for name, value in model.state_dict().items()}


def _restore(model: nn.Module, state: tuple[dict, dict, dict]) -> str:
    """Devuelve la red a `state`; el texto dice qué encontró cambiado, o está vacío."""
    modes, hooks, weights = state
    now = model.state_dict()
    moved = any(module.training != mode for module, mode in modes.items())
    hooked = any(dict(getattr(module, kind, {})) != kept for (module, kind), kept in hooks.items())
    trained = any(not torch.equal(now[name], value) for name, value in weights.items())
    for module, mode in modes.items():
        module.training = mode
    for (module, kind), kept in hooks.items():
        if hasattr(module, kind):
            getattr(module, kind).clear()
            getattr(module, kind).update(kept)
    with torch.no_grad():
        for name, value in weights.items():
            now[name].copy_(value)
    if hooked:
        return "tu función dejó un gancho puesto en la red. Quítalo al terminar, o ponlo con `with`."
    if moved:
        return "tu función dejó la red en otro modo. No llames a train(): la red ya viene en eval()."
    return "tu función cambió los pesos de la red. Aquí solo se le pregunta." if trained else ""

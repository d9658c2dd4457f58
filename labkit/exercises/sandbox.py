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
from collections.abc import Callable, Collection, Iterator, Sequence
from pathlib import Path

import numpy as np
import torch
from torch import Tensor, nn

from labkit.exercises.verdict import Broken, Outcome, Pending, Revise

HOOKS = ("_forward_hooks", "_forward_pre_hooks", "_backward_hooks", "_backward_pre_hooks")
WATCHED = (*HOOKS, "training", "_modules", "_parameters", "_buffers", "forward")
OURS = (str(Path(__file__).parents[1]), sysconfig.get_path("stdlib"), "<frozen")  # labkit y Python
INSTALLED = ("site-packages", "dist-packages")
ADVICE = {
    "NameError": "¿Ejecutaste antes la celda que define ese nombre?",
    "IndexError": "Imprime la forma (.shape) y el índice justo antes de esa línea.",
    "ValueError": "Imprime los valores justo antes de esa línea.",
    "RuntimeError": "Casi siempre son formas que no casan: imprime .shape justo antes de esa línea.",
    "TypeError": "Imprime el tipo (type) de lo que usas en esa línea. ¿Tus parámetros van en el orden que se pide?",
}
# Lo que dice PyTorch, en inglés, y qué hacer; va antes que el consejo por tipo de error.
ADVICE_BY_TEXT = {
    "Boolean value of Tensor": "`min`, `max`, `if` y `and` no comparan valor por valor: usa torch.minimum, "
                               "torch.maximum, torch.where o &.",
    "'Bool'": "Los verdaderos y falsos no se multiplican ni se agrandan: pásalos antes por .float().",
    "Got: Bool": "Los verdaderos y falsos no se promedian: pásalos antes por .float().",
    "slice indices must be integers": "El lugar debe ser un entero: int(…).",
    "only integers, slices": "El lugar debe ser un entero: int(…).",
    "only one element tensors": "Eso es para un solo número: con un tensor usa torch.exp, torch.sqrt…, no math.",
    "matrix_norm": "norm solo acepta uno o dos ejes: con tres, usa flatten(1).norm(dim=1).",
    "must be of length 1 or 2": "norm solo acepta uno o dos ejes: con tres, usa flatten(1).norm(dim=1).",
    "Padding size should be less": "El reflejo debe ser menor que la imagen: agranda |dx| a los lados y |dy| "
                                   "arriba y abajo.",
    "Padding size": "El reflejo pide el eje del lote y cuatro números: image[None] y (a, a, b, b).",
    "must match the size of tensor": "Dos formas no casan: imprime .shape justo antes de esa línea. Un número por "
                                     "imagen, (n,), se acomoda con view(-1, 1, 1, 1); uno por renglón de una "
                                     "tabla, con keepdim=True o [:, None]; para cruzar (c,) con (k,), la primera "
                                     "lleva [:, None].",
    "recursion depth": "Tu función se llama a sí misma sin parar: ¿querías llamar a otra?",
}
UNWRITTEN = "todavía está sin escribir. Cuando termines, borra `raise NotImplementedError`, deja un `return` y ejecuta."
RETURNS_NOTHING = "tu función no devuelve nada (None). ¿Olvidaste `return`, o hay un `if` con que no llega a él?"


def require_function(answer: object, parameters: Sequence[str], forbidden: Collection[str] = ()) -> None:
    """Comprueba que `answer` sea una función propia que acepta `parameters`; si no, un veredicto lo explica.

    forbidden: nombres de labkit que la función no puede usar, porque son justo lo que se pide escribir.
    """
    if is_blank(answer):
        raise Pending(UNWRITTEN)
    if not callable(answer):
        raise Revise("pásame la función misma, sin llamarla: su nombre, sin paréntesis.")
    with blaming_the_answer():
        written = _innermost(answer)
        code = getattr(written, "__code__", None)
        borrowed = str(getattr(written, "__module__", "")).startswith("labkit")
        accepted = _accepts(answer, parameters)
    if borrowed or (code is not None and (names_in(code) - _own_names(written)) & set(forbidden)):
        raise Revise("esa función ya viene en labkit. Aquí toca escribirla a ti, sin llamarla.")
    if not accepted:
        raise Revise(f"tu función debe aceptar, en este orden: {', '.join(parameters)}.")


def _innermost(answer: Callable) -> Callable:
    """La función escrita que está debajo de un `partial`, de un decorador o de una clase que se puede llamar."""
    while isinstance(answer, functools.partial):
        answer = answer.func
    answer = inspect.unwrap(answer)
    return answer if hasattr(answer, "__code__") else getattr(type(answer), "__call__", answer)


def _accepts(answer: Callable, parameters: Sequence[str]) -> bool:
    try:
        inspect.signature(answer).bind(*parameters)
    except (TypeError, ValueError):  # ValueError: está escrita en C y no dice qué recibe
        return False
    return True


def is_blank(answer: object) -> bool:
    """True si la respuesta es un hueco sin llenar: None, `...`, texto vacío o solo guiones bajos."""
    return answer is None or answer is ... or (isinstance(answer, str) and not answer.strip(" _…."))


def names_in(code: types.CodeType) -> set[str]:
    """Todos los nombres globales y atributos que usa un código, también dentro de sus funciones internas."""
    inner = [names_in(constant) for constant in code.co_consts if isinstance(constant, types.CodeType)]
    return set(code.co_names).union(*inner)


def _own_names(function: Callable) -> set[str]:
    """Los nombres con que una función se llama a sí misma; si también son un atributo, pueden ser los de labkit."""
    steps = [step for step in _steps(function.__code__) if isinstance(step.argval, str)]
    called = {step.argval for step in steps if step.opname == "LOAD_GLOBAL"}
    others = {step.argval for step in steps if step.opname != "LOAD_GLOBAL"}
    return {name for name in called - others if getattr(function, "__globals__", {}).get(name) is function}


def _steps(code: types.CodeType) -> Iterator[dis.Instruction]:
    """Las instrucciones de un código y de sus funciones internas."""
    yield from dis.get_instructions(code)
    for constant in code.co_consts:
        if isinstance(constant, types.CodeType):
            yield from _steps(constant)


def call(function: Callable, *arguments: object) -> object:
    """Lo que devuelve `function` con copias de los argumentos, o el veredicto que merece si algo sale mal.

    Los tensores se copian y las redes se vigilan: ni aquéllos ni éstas pueden quedar cambiados.
    """
    given = [value.clone() if isinstance(value, Tensor) else value for value in arguments]
    before = [_state(value) for value in arguments if isinstance(value, nn.Module)]
    try:
        with preserved(), blaming_the_answer():
            result = function(*given)
    finally:
        complaints = [_restore(*state) for state in before]
    if result is None:                          # va primero: quien olvida `return` suele cambiar lo que recibe
        raise Pending(UNWRITTEN) if _is_empty(function) else Revise(RETURNS_NOTHING)
    if any(complaints):
        raise Revise(next(filter(None, complaints)))
    if any(isinstance(a, Tensor) and not _equal(a, g) for a, g in zip(arguments, given)):
        raise Revise("tu función cambió un tensor que recibió. Trabaja sobre una copia, con .clone().")
    return result


@contextlib.contextmanager
def blaming_the_answer() -> Iterator[None]:
    """Dentro corre código de quien contesta: la excepción que salga de ahí se le dice como «Error en tu código»."""
    try:
        yield
    except Outcome:
        raise
    except NotImplementedError as error:            # con mensaje es de PyTorch: algo que no sabe hacer con ese tipo
        raise (Broken(describe_error(error)) if str(error) else Pending(UNWRITTEN)) from None
    except (Exception, SystemExit) as error:
        raise Broken(describe_error(error)) from None


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
    advice = next((what for words, what in ADVICE_BY_TEXT.items() if words in text), "")
    said = f" ({text})" if text and not advice else ""                 # lo que se explica no se repite en inglés
    return f"{kind}{said}{place}. {advice or ADVICE.get(kind, '')}".strip()


def _is_foreign(filename: str) -> bool:
    return filename.startswith(OURS) or any(folder in filename for folder in INSTALLED)


def _is_empty(function: Callable) -> bool:
    """True si el cuerpo de la función es solo su documentación, `...` o `pass`."""

    def empty() -> None: ...

    code = getattr(function, "__code__", None)
    return code is not None and _operations(code) == _operations(empty.__code__)


def _operations(code: types.CodeType) -> list[str]:
    return [step.opname for step in dis.get_instructions(code)]


def _state(model: nn.Module) -> tuple[list, list]:
    """Lo que lleva cada módulo (modo, ganchos, capas) y sus pesos, para saber después si alguien los cambió."""
    modules = []
    for module in model.modules():
        attributes = dict(vars(module))
        modules.append((module, attributes, {k: dict(v) for k, v in attributes.items() if isinstance(v, dict)}))
    return modules, [(weight, weight.detach().clone()) for weight in (*model.parameters(), *model.buffers())]


def _restore(modules: list, weights: list) -> str:
    """Devuelve la red a como la encontró `_state`; el texto dice qué había cambiado, o está vacío."""
    changed: set[str] = set()
    for module, attributes, contents in modules:
        changed |= {name for name in WATCHED if not _kept(name, vars(module), attributes, contents)}
        vars(module).clear()
        vars(module).update(attributes)
        for name, values in contents.items():
            attributes[name].clear()
            attributes[name].update(values)
    trained = [(weight, values) for weight, values in weights if not _equal(weight, values)]
    for weight, values in trained:
        weight.data = values
    if changed & set(HOOKS):
        return "tu función dejó un gancho puesto en la red. Quítalo al terminar, o ponlo con `with`."
    if "training" in changed:
        return "tu función dejó la red en otro modo. No llames a train(): la red ya viene en eval()."
    if trained:
        return "tu función cambió los pesos de la red. Aquí solo se le pregunta."
    return "tu función le cambió una capa a la red. Aquí solo se le pregunta." if changed else ""


def _kept(name: str, now: dict, attributes: dict, contents: dict) -> bool:
    """True si ese atributo del módulo es el mismo objeto que antes y, si es un diccionario, con lo mismo dentro."""
    if now.get(name) is not attributes.get(name):
        return False
    return name not in contents or [*map(id, now[name].values())] == [*map(id, contents[name].values())]


def _equal(a: Tensor, b: Tensor) -> bool:
    return a.dtype == b.dtype and a.device == b.device and torch.equal(a, b)

"""El proceso que corre lo que entregaron: ejecuta las celdas, pregunta y deja por escrito solo datos.

`serve` espera encargos, carpetas con un job.json que él no lee, y para cada uno hace un hijo. El hijo corre las celdas
de una entrega y escribe `out/CELDA.json`, un archivo por ejercicio; dice por una tubería qué va haciendo, para que el
reloj sea por ejercicio. Del hijo no queda nada: ni procesos, ni archivos.
"""
import ast
import io
import json
import os
import sys
import tempfile
import warnings
from collections.abc import Callable
from multiprocessing.connection import Connection
from pathlib import Path

import torch
from IPython.core.interactiveshell import InteractiveShell

import labkit.exercises
from labkit.exercises.kinds import Finding, Function
from labkit.exercises.sandbox import call, describe_error
from labkit.exercises.verdict import Broken, Outcome, Pending, Revise
from labkit.teacher.flat import NotFlat, pack
from labkit.teacher.guard import Guard

CELLS, ASKING, END = "celdas", "preguntas", "fin"
COURSE_NAMES = ("check", "hint", "solution")


class Sink(io.TextIOBase):
    """Una salida que se traga lo que le escriben, por mucho que sea."""

    def write(self, text: str) -> int:
        """Cuenta lo escrito y lo olvida."""
        return len(text)

    def writable(self) -> bool:
        """Siempre."""
        return True


def work(folder: str, told: Connection) -> None:
    """Corre una entrega, en un proceso que es solo para ella, y no devuelve nada: escribe en `folder`/out."""
    os.chdir(folder)
    job = json.loads(Path("job.json").read_text(encoding="utf-8"))
    os.unlink("job.json")
    os.environ |= dict.fromkeys(("HOME", "TMPDIR", "TEMP", "TMP"), folder)
    tempfile.tempdir = None                     # lo temporal, también en su carpeta
    sys.stdin = io.StringIO()
    sys.stdout = sys.stderr = Sink()
    warnings.simplefilter("ignore")
    exercises = dict(labkit.exercises.EXERCISES)
    shell = _shell()
    guard = Guard(_allowed(job), Path(folder), [Path(place) for place in job["hidden"]])
    _disarm()
    with Writer(Path(folder, "out"), told, guard) as writer:
        guard.install()
        errors: dict[str, BaseException] = {}
        for step in job["steps"]:
            task = step["task"]
            if "source" in step:
                writer.tell(task, CELLS)
                errors.update(_run_cell(shell, step, task))
                if called := guard.take():
                    writer.write(task, _ended("prohibido", called))
            elif task not in job["done"]:
                writer.tell(task, ASKING)
                asked = Asked(exercises[step["exercise"]], step["expression"], errors.get(task), job["seeds"][task])
                writer.write(task, asked.answer(shell.user_ns, guard))
        writer.tell("", END)


class Writer:
    """Escribe lo que se respondió, un archivo por ejercicio, y avisa en qué va."""

    def __init__(self, folder: Path, told: Connection, guard: Guard) -> None:
        self._folder, self._told, self._guard = folder, told, guard
        self._written: set[str] = set()

    def __enter__(self) -> "Writer":
        return self

    def __exit__(self, *error: object) -> None:
        self._told.close()

    def tell(self, task: str, phase: str) -> None:
        """Avisa qué ejercicio se va a correr."""
        self._told.send_bytes(f"{task}\t{phase}".encode())

    def write(self, task: str, record: dict) -> None:
        """Deja por escrito lo que se respondió; de un ejercicio vale lo primero."""
        if task in self._written:
            return
        self._written.add(task)
        text = json.dumps(record)
        with self._guard.rest():
            partial = self._folder / f"{task}.parcial"
            partial.write_text(text, encoding="utf-8")
            partial.rename(self._folder / f"{task}.json")


class Asked:
    """Un ejercicio y lo que hay que preguntarle a la entrega.

    broken: con qué se detuvo la celda de la respuesta, si se detuvo.  seed: de qué número salen los casos.
    """

    def __init__(self, exercise: Function | Finding, expression: str, broken: BaseException | None, seed: int) -> None:
        self.exercise, self.expression, self.broken, self.seed = exercise, expression, broken, seed

    def answer(self, names: dict, guard: Guard) -> dict:
        """Lo que se respondió, como datos: cada caso, o el hallazgo, o el veredicto de lo que no se pudo preguntar."""
        try:
            value = self._value(names)
            if isinstance(self.exercise, Finding):
                return {"valor": pack(value)}
            self.exercise.admit(value)
            return self._cases(value, guard)
        except Outcome as outcome:
            return _said(outcome)
        except NotFlat as error:
            return _said(Revise(str(error)))
        except Exception as error:              # la respuesta es de quien entrega: lo que lance también
            return _said(Broken(describe_error(error)))

    def _value(self, names: dict) -> object:
        try:
            return eval(compile(self.expression, "<respuesta>", "eval"), names)
        except NameError as error:
            if self.broken is not None:
                raise Broken(describe_error(self.broken)) from None
            raise Pending(f"en el cuaderno no está definido {error.name or 'lo que se pide'}.") from None

    def _cases(self, function: Callable, guard: Guard) -> dict:
        os.environ["LABKIT_SEMILLA"] = str(self.seed)
        found: list[dict] = []
        for case in self.exercise.cases():
            try:
                with guard.forbidding(self.exercise.off_limits()):
                    result = call(function, *case)
                called = guard.take()
                found.append(_ended("prohibido", called) if called else pack(result))
            except Outcome as outcome:
                called = guard.take()
                found.append(_ended("prohibido", called) if called else _said(_in_spanish(outcome)))
            except NotFlat as error:
                found.append(_said(Revise(str(error))))
            except MemoryError:
                found.append(_ended("memoria", ""))
            if {"veredicto", "fin"} & set(found[-1]):
                break
        return {"casos": found}


def _run_cell(shell: InteractiveShell, step: dict, task: str) -> dict[str, BaseException]:
    """Corre una celda; si es de quien entrega y se detuvo, con qué."""
    result = shell.run_cell(step["source"], store_history=False, silent=True)
    error = result.error_before_exec or result.error_in_exec
    return {task: error} if error is not None and step["own"] else {}


def _said(outcome: Outcome) -> dict:
    return {"veredicto": type(outcome).__name__, "mensaje": outcome.message[:2000]}


def _in_spanish(outcome: Outcome) -> Outcome:
    if isinstance(outcome, Broken) and ("MemoryError" in outcome.message or "allocate memory" in outcome.message):
        return Broken("tu función pide más memoria de la que hay para un ejercicio. ¿De qué forma es ese tensor?")
    return outcome


def _ended(cause: str, message: str) -> dict:
    return {"fin": cause, "mensaje": message}


def _shell() -> InteractiveShell:
    """Donde corren las celdas: entiende %magias, no abre otros programas y no cuenta los errores."""
    shell = InteractiveShell.instance()
    shell.system = shell.system_piped = shell.system_raw = lambda command: None
    shell.getoutput = lambda command, *rest, **more: []
    shell.showtraceback = shell.showsyntaxerror = lambda *rest, **more: None
    return shell


def _allowed(job: dict) -> set[str]:
    """Los nombres que el cuaderno original importa de labkit.exercises."""
    found = {"_hushed"}
    for source in job["original"]:
        try:
            nodes = list(ast.walk(ast.parse(source)))
        except SyntaxError:                     # una celda con %magias no importa nada de aquí
            nodes = []
        for node in nodes:
            if isinstance(node, ast.ImportFrom) and (node.module or "").startswith("labkit.exercises"):
                found |= {alias.name for alias in node.names}
    return found


def _hushed(*arguments: object, **options: object) -> None:
    """Lo que hacen check, hint y solution al calificar: nada."""


def _disarm() -> None:
    """Aquí no se revisa: check, hint y solution callan, y de los ejercicios no quedan sus respuestas a la mano."""
    for name in COURSE_NAMES:
        setattr(labkit.exercises, name, _hushed)
    for name, module in list(sys.modules.items()):
        if name.startswith("labkit.exercises") and isinstance(vars(module).get("EXERCISES"), dict):
            vars(module)["EXERCISES"] = {}
    torch.set_num_threads(1)

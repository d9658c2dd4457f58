"""Juzgar una entrega en un proceso que no corrió nada de ella: con lo que respondió y los casos del secreto."""
import os
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace

from labkit.exercises import EXERCISES
from labkit.exercises.kinds import Finding
from labkit.exercises.sandbox import preserved
from labkit.exercises.verdict import Broken, Outcome, Pending, Revise, Verdict, correct, from_outcome
from labkit.teacher.flat import NotFlat, unpack

OUTCOMES = {"Revise": Revise, "Pending": Pending, "Broken": Broken}
ENDS = {
    "tiempo": "no terminó en el tiempo que hay para un ejercicio: ¿un ciclo que no acaba?",
    "memoria": "pidió más memoria de la que hay para un ejercicio.",
    "disco": "escribió más archivos de los que caben.",
    "murió": "el proceso terminó a la mitad: ¿hay un exit, o algo que lo tira?",
    "ilegible": "lo que dejó no son datos que se puedan leer.",
}
TO_KEY = {"tu número de cuenta": "tu llave", "ya con tu número": "ya con tu llave"}
UNREADABLE = "lo que respondió no es un dato que se pueda leer."


def judge(exercise: str, record: dict, account: str, seed: int) -> Verdict:
    """El veredicto sobre lo que se registró en un ejercicio; account: la llave de quien lo entregó, según la lista."""
    found = _judged(exercise, record, account, seed)
    for word, ours in TO_KEY.items():
        found = replace(found, message=found.message.replace(word, ours))
    return found


def _judged(exercise: str, record: dict, account: str, seed: int) -> Verdict:
    try:
        with preserved(), cases_from(seed):
            return correct(f"{exercise}: {_examined(exercise, record, account)}")
    except Outcome as outcome:
        return from_outcome(outcome, exercise)
    except NotFlat as error:
        return from_outcome(Revise(f"{UNREADABLE} ({error})"), exercise)


def _examined(name: str, record: dict, account: str) -> str:
    exercise = EXERCISES[name]
    _raise_if_ended(record)
    if isinstance(exercise, Finding):
        answer = unpack(record.get("valor"))
        if isinstance(answer, tuple) and len(answer) == 2:
            answer = (account, answer[1])       # la llave es la de la lista, escriba lo que escriba o no la escriba
        return exercise.examine(answer)
    found = record.get("casos")
    if not isinstance(found, list):
        raise NotFlat("faltan los casos")
    answers = iter(found)
    return exercise.judge(lambda case: _one(next(answers, None)))


def _one(found: object) -> object:
    """Lo que la respuesta dio en un caso, o el veredicto que mereció."""
    if not isinstance(found, dict):
        raise NotFlat("faltan casos")
    _raise_if_ended(found)
    value = unpack(found)
    if value is None:
        raise Revise("tu función no devuelve nada (None).")
    return value


def _raise_if_ended(record: dict) -> None:
    if "fin" in record:
        said = str(record.get("mensaje") or "")[:400]
        raise Revise(said if record["fin"] == "prohibido" else ENDS.get(str(record["fin"]), ENDS["murió"]))
    if "veredicto" in record:
        kind = OUTCOMES.get(str(record["veredicto"]), Revise)
        raise kind(str(record.get("mensaje", ""))[:2000])


@contextmanager
def cases_from(seed: int) -> Iterator[None]:
    """Adentro, los casos al azar de los ejercicios salen de esa semilla."""
    before = os.environ.get("LABKIT_SEMILLA")
    os.environ["LABKIT_SEMILLA"] = str(seed)
    try:
        yield
    finally:
        if before is None:
            del os.environ["LABKIT_SEMILLA"]
        else:
            os.environ["LABKIT_SEMILLA"] = before


"""Dónde mirar: la misma respuesta equivocada en la misma variante y, con copydetect, código que se parece.

Parecerse no es copiar, y de aquí no sale ninguna calificación: por eso va junto a lo que comparte todo el grupo.
"""
import json
from collections import Counter, defaultdict
from dataclasses import dataclass
from importlib import import_module
from importlib.util import find_spec
from io import StringIO
from itertools import combinations
from statistics import median, quantiles

from labkit.exercises import EXERCISES
from labkit.exercises.kinds import Finding
from labkit.teacher.course import Course
from labkit.teacher.flat import NotFlat, unpack
from labkit.teacher.tasks import Task, grade_id_of, original, tasks

TOOL = "copydetect"
GRAM = 20                                       # signos seguidos que deben coincidir para contar
ENOUGH, LEAST = 0.6, 12                         # qué parte de lo propio, y cuántas huellas, para enseñar una pareja
MOST = 60                                       # parejas que se enseñan


@dataclass(frozen=True)
class Same:
    """Una respuesta equivocada que dieron varias personas con la misma variante, y con qué compararla.

    variant: cuántas tienen esa variante;  wrong: cuántas de ellas fallaron;  elsewhere: cuántas de otras variantes
    dieron la misma respuesta.
    """
    title: str
    answer: str
    message: str
    keys: tuple[str, ...]
    variant: int
    wrong: int
    elsewhere: int


@dataclass(frozen=True)
class Pair:
    """Dos entregas que comparten código que la mitad del grupo no tiene. share: qué parte de la más corta, de 0 a 1."""
    one: str
    other: str
    share: float


@dataclass(frozen=True)
class Alike:
    """Lo que dijo la comparación de código: las parejas por mirar y qué se parece una pareja cualquiera del grupo."""
    pairs: tuple[Pair, ...] = ()
    compared: int = 0
    middle: float = 0.0
    high: float = 0.0
    left_out: int = 0


def same_answers(course: Course, lesson: str, results: dict[str, dict]) -> list[Same]:
    """Las respuestas equivocadas iguales en la misma variante, en el orden del cuaderno. results: llave → resultado."""
    answers = {key: _answers(course, lesson, key) for key in results}
    return [same for task in tasks(lesson) if not task.by_hand and isinstance(EXERCISES[task.exercise], Finding)
            for same in _same(task, results, answers)]


def _answers(course: Course, lesson: str, key: str) -> dict[str, dict]:
    path = course.place("respuestas", lesson, f"{key}.json")
    return json.loads(path.read_text(encoding="utf-8"))["respuestas"] if path.is_file() else {}


def _same(task: Task, results: dict[str, dict], answers: dict[str, dict]) -> list[Same]:
    wrong, variants = defaultdict(list), {}
    messages = {}
    for key, result in sorted(results.items()):
        judged = next((part for part in result["ejercicios"] if part["celda"] == task.grade_id), None)
        if judged is None:
            continue
        variants[key] = repr(EXERCISES[task.exercise].case(key))
        if judged["palabra"] == "Revisa" and (said := _said(answers[key].get(task.grade_id, {}))):
            wrong[variants[key], said].append(key)
            messages[said] = judged["mensaje"]
    counts = Counter(variants.values())
    failed = Counter(variant for (variant, _), keys in wrong.items() for _ in keys)
    totals = Counter(said for (_, said), keys in wrong.items() for _ in keys)
    return [Same(task.title, said, messages[said], tuple(keys), counts[variant], failed[variant],
                 totals[said] - len(keys))
            for (variant, said), keys in wrong.items() if len(keys) > 1]


def _said(record: dict) -> str:
    """Lo que respondió, sin la llave; vacío si no se puede leer."""
    try:
        value = unpack(record.get("valor"))
    except NotFlat:
        return ""
    return repr(value[1])[:300] if isinstance(value, tuple) and len(value) == 2 else ""


def has_tool() -> bool:
    """Si copydetect está instalado."""
    return find_spec(TOOL) is not None


def answer_code(book: dict, lesson: str) -> str:
    """El código de las celdas donde se contesta, seguido."""
    wanted = {task.answer for task in tasks(lesson) if not task.by_hand}
    return "\n\n".join(cell["source"] for cell in book["cells"] if grade_id_of(cell) in wanted)


def code_pairs(codes: dict[str, str], lesson: str) -> Alike:
    """Las parejas cuyo código coincide en lo que no es de todo el grupo. codes: llave → código. Necesita copydetect.

    Se quita lo que ya traía el cuaderno y lo que tiene más de la mitad del grupo. Van en el orden de la lista.
    """
    given = _prints(answer_code(original(lesson), lesson))
    prints = {key: _prints(code) - given for key, code in codes.items()}
    spread = Counter(mark for marks in prints.values() for mark in marks)
    own = {key: {mark for mark in marks if 2 * spread[mark] <= max(len(prints), 4)} for key, marks in prints.items()}
    pairs, shares = [], []
    for one, other in combinations([key for key in own if own[key]], 2):
        both = own[one] & own[other]
        shares.append(len(both) / min(len(own[one]), len(own[other])))
        if shares[-1] >= ENOUGH and len(both) >= LEAST:
            pairs.append(Pair(one, other, shares[-1]))
    if not shares:
        return Alike()
    high = quantiles(shares, n=10)[-1] if len(shares) > 1 else shares[0]
    return Alike(tuple(pairs[:MOST]), len(shares), median(shares), high, max(0, len(pairs) - MOST))


def common_lines(codes: dict[str, str]) -> set[str]:
    """Los renglones, sin sangría, que tiene más de la mitad del grupo."""
    counts = Counter(line for code in codes.values() for line in {line.strip() for line in code.splitlines()})
    return {line for line, count in counts.items() if 2 * count > len(codes)}


def _prints(code: str) -> set[int]:
    """Las huellas de un código, sin nombres de variables: las de copydetect."""
    if len(code) < GRAM:
        return set()
    return {int(mark) for mark in import_module(TOOL).CodeFingerprint("entrega.py", GRAM, 1, fp=StringIO(code)).hashes}

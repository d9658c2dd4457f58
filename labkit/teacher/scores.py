"""De los resultados a la calificación: cuatro estados, y nunca un cero que nadie puso."""
import json
from dataclasses import dataclass, field, replace
from decimal import ROUND_HALF_UP, Decimal

from labkit.teacher.collecting import attempts
from labkit.teacher.course import KEYS, Course, CourseError, Lesson
from labkit.teacher.grading import GRADED, UNGRADED
from labkit.teacher.roster import Student, read_table
from labkit.teacher.tasks import tasks
from labkit.teacher.veil import alias

BY_HAND, ABSENT = "falta calificar a mano", "NP"
# solo para quien califica
UNUSED = "; lo que está en manual/ no cuenta mientras no haya una entrega que se pueda leer"
SECOND = "_segunda"                             # manual/LECCIÓN_segunda.csv: lo que puso quien leyó después
MANUAL = ("llave", "celda", "puntos", "comentario", "motivo", "quien", "fecha")
PASSING = 6


@dataclass(frozen=True)
class Part:
    """Una parte de la calificación: cuántos puntos de cuántos, y qué se dice. points es None si falta ponerlos.

    text: lo que se leyó a mano.  before y reason: si se corrigió a mano, cuántos eran y por qué.
    """
    grade_id: str
    points: float | None
    most: float
    note: str = ""
    by_hand: bool = False
    picture: str = ""
    text: str = ""
    before: float | None = None
    reason: str = ""

    @property
    def said(self) -> str:
        """Lo que se dice en un renglón: si se corrigió, primero por qué."""
        return f"Corregido a mano: {self.reason}. Antes: {self.note}" if self.reason else self.note


@dataclass(frozen=True)
class Score:
    """La calificación de una lección, de 0 a 10. grade es None si el estado no es «calificada»: why dice por qué."""
    state: str
    grade: float | None = None
    why: str = ""
    parts: tuple[Part, ...] = ()
    late: int = 0
    taken: float = 0.0
    notices: tuple[str, ...] = field(default=())


def hand_marks(course: Course, lesson: str, suffix: str = "") -> dict[tuple[str, str], dict]:
    """Lo que se puso a mano en `manual/LECCIÓN.csv`: (llave, celda) → renglón. CourseError si algo no puede ser.

    En una celda que revisa un programa es una corrección, y ha de decir su motivo. En vez de la llave puede venir el
    seudónimo de la rúbrica sin nombres.  suffix: «_segunda», para lo que puso quien leyó después.
    """
    path = course.place("manual", f"{lesson}{suffix}.csv")
    if not path.is_file():
        return {}
    known, found = {task.grade_id: task for task in tasks(lesson)}, {}
    owners = _owners(course, lesson)
    for line, row in enumerate(read_table(path), start=2):
        if not row.get("puntos"):
            continue
        where = f"{path.name}, renglón {line}"
        task = known.get(row.get("celda", ""))
        if task is None:
            raise CourseError(f"{where}: no hay una celda «{row.get('celda')}». Las que hay: {', '.join(known)}.")
        points = _number(row["puntos"], where)
        if not 0 <= points <= task.points:
            raise CourseError(f"{where}: {row['puntos']} puntos en {task.grade_id}, que vale {task.points:g}.")
        if not task.by_hand and not row.get("motivo"):
            raise CourseError(f"{where}: corrige lo que dijo la revisión de {task.grade_id}; escribe el motivo.")
        if row["llave"] not in owners:
            raise CourseError(f"{where}: nadie tiene la llave «{row['llave']}».")
        found[owners[row["llave"]], task.grade_id] = {**row, "llave": owners[row["llave"]], "puntos": points}
    return found


def _owners(course: Course, lesson: str) -> dict[str, str]:
    """Llave o seudónimo → llave."""
    path = course.place(KEYS)
    keys = [row["llave"] for row in read_table(path)] if path.is_file() else []
    return {**{key: key for key in keys}, **{alias(course, key, lesson): key for key in keys}}


def score(course: Course, lesson: Lesson, student: Student, marks: dict[tuple[str, str], dict]) -> Score:
    """La calificación de una persona en una lección. marks: lo que da `hand_marks`."""
    path = course.place("calificaciones", lesson.name, f"{student.key}.json")
    if not path.is_file():
        if attempts(course, lesson.name, student.key):
            return Score(UNGRADED, why="falta correr `grade`")
        return Score(ABSENT, why="no hay ninguna entrega suya")
    result = json.loads(path.read_text(encoding="utf-8"))
    if (latest := attempts(course, lesson.name, student.key)) and _newer(latest, result):
        return Score(UNGRADED, why="hay un intento más reciente: falta correr `grade`")
    if result["estado"] != GRADED:
        why = result["motivo"] + UNUSED * any(key == student.key for key, _ in marks)
        return Score(UNGRADED, why=why, late=result["días_tarde"], notices=tuple(result["avisos"]))
    parts = tuple(_parts(result, student.key, marks))
    late, notices = result["días_tarde"], tuple(result["avisos"])
    if missing := [part.grade_id for part in parts if part.points is None]:
        titles = {task.grade_id: task.title for task in tasks(lesson.name)}
        why = f"falta leer: {', '.join(titles.get(name, name) for name in missing)}"
        return Score(BY_HAND, why=why, parts=parts, late=late, notices=notices)
    total = 10 * sum(part.points for part in parts) / sum(part.most for part in parts)
    taken = min(total, course.late_per_day * late)
    return Score(GRADED, rounded(total - taken, course.decimals), "", parts, late, taken, notices)


def final(course: Course, scores: dict[str, Score]) -> tuple[str, str, str]:
    """La calificación final con los pesos del curso: (estado, lo que va en el acta, por qué falta, si falta).

    NP es no haber entregado nada; faltar a una sí cuenta 0 en su peso. Lo que está sin calificar deja la final en
    blanco.
    """
    weights = {name: lesson.weight for name, lesson in course.lessons.items() if lesson.weight}
    open_ones = [name for name in weights if scores[name].state in (UNGRADED, BY_HAND)]
    if open_ones:
        return UNGRADED, "", "; ".join(f"{name}: {scores[name].state}, {scores[name].why}" for name in open_ones)
    if not weights or all(scores[name].state == ABSENT for name in weights):
        return ABSENT, "NP", "no entregó nada"
    total = sum(weight * (scores[name].grade or 0) for name, weight in weights.items()) / sum(weights.values())
    return GRADED, scaled(total, course), ""


def scaled(grade: float, course: Course) -> str:
    """Una calificación de 0 a 10 en la escala del curso; en 5-10, menos de 6 es 5 y lo demás, un entero."""
    if course.scale == "5-10":
        return "5" if grade < PASSING else f"{rounded(grade, 0):.0f}"
    return f"{rounded(grade, course.decimals):.{course.decimals}f}"


def rounded(value: float, decimals: int) -> float:
    """Redondeado como en el papel: la mitad, hacia arriba."""
    step = Decimal(1).scaleb(-decimals)
    return float(Decimal(repr(round(value, 9))).quantize(step, ROUND_HALF_UP))


def _newer(latest: list[dict], result: dict) -> bool:
    readable = [receipt for receipt in latest if not receipt["problema"]]
    return (readable or latest)[-1]["intento"] != result["intento"]


def _parts(result: dict, key: str, marks: dict[tuple[str, str], dict]) -> list[Part]:
    found = []
    for exercise in result["ejercicios"]:
        mark = marks.get((key, exercise["celda"]))
        note = f"{exercise['símbolo']} {exercise['palabra']} · {exercise['mensaje']}"
        changed = {"points": mark["puntos"], "before": exercise["puntos"], "reason": _reason(mark)} if mark else {}
        found.append(replace(Part(exercise["celda"], exercise["puntos"], exercise["de"], note,
                                  picture=exercise["dibujo"]), **changed))
    for hand in result["a_mano"]:
        mark = marks.get((key, hand["celda"]))
        points = mark["puntos"] if mark else 0.0 if hand["sin_escribir"] else None
        note = mark.get("comentario", "") if mark else "sin escribir" if hand["sin_escribir"] else ""
        found.append(Part(hand["celda"], points, hand["de"], note, True, text=hand["texto"],
                          reason=_reason(mark) if mark else ""))
    return found


def _reason(mark: dict) -> str:
    """El motivo de una corrección, con quién y cuándo; vacío si no es una."""
    signed = ", ".join(filter(None, (mark.get("quien"), mark.get("fecha"))))
    return f"{mark['motivo']} ({signed})" if mark.get("motivo") and signed else mark.get("motivo") or ""


def _number(text: str, where: str) -> float:
    try:
        return float(text.replace(",", "."))
    except ValueError:
        raise CourseError(f"{where}: «{text}» no es un número.") from None

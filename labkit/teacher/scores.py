"""De los resultados a la calificación: cuatro estados, y nunca un cero que nadie puso."""
import json
from dataclasses import dataclass, field, replace
from decimal import ROUND_HALF_UP, Decimal

from labkit.teacher.collecting import attempts
from labkit.teacher.course import Course, Lesson
from labkit.teacher.grading import GRADED, UNGRADED
from labkit.teacher.marks import Marks, hand_marks, old_words, sort_marks
from labkit.teacher.pages import counted
from labkit.teacher.roster import Student
from labkit.teacher.tasks import tasks

BY_HAND, ABSENT = "falta calificar a mano", "NP"
ASIDE = " · Para quien califica: "              # lo que sigue no se le dice a quien entregó
UNUSED = f"{ASIDE}lo que está en manual/ no cuenta mientras no haya una entrega que se pueda leer"
PASSING = 6


@dataclass(frozen=True)
class Part:
    """Una parte de la calificación: cuántos puntos de cuántos, y qué se dice. points es None si falta ponerlos.

    text: lo que se leyó a mano.  reason: si se corrigió a mano, por qué;  before: cuántos eran, si se sabe;  earlier:
    qué se había dicho.  stale: lo que se puso a otro texto, y no cuenta, con palabras para quien califica.
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
    earlier: str = ""
    stale: str = ""

    @property
    def moved(self) -> str:
        """De cuántos puntos a cuántos, si se corrigió: «eran 0 puntos y ahora son 2»."""
        if self.before is None:
            return f"ahora {'es' if self.points == 1 else 'son'} {counted(self.points, 'punto')}"
        if self.before == self.points:
            return f"{'sigue siendo' if self.points == 1 else 'siguen siendo'} {counted(self.points, 'punto')}"
        return (f"{'era' if self.before == 1 else 'eran'} {counted(self.before, 'punto')} y ahora "
                f"{'es' if self.points == 1 else 'son'} {self.points:g}")

    @property
    def said(self) -> str:
        """Lo que se dice en un renglón: si se corrigió, primero qué cambió y por qué."""
        if not self.reason:
            return self.note
        pieces = [f"Corregido a mano: {self.moved}", self.reason, self.note,
                  f"Antes: {self.earlier}" if self.earlier else ""]
        return " ".join(f"{piece.rstrip('.')}." for piece in pieces if piece)


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


def all_scores(course: Course, lesson: Lesson, people: list[Student]) -> dict[str, Score]:
    """Llave → su calificación en una lección, con lo que está en manual/. CourseError si ahí algo no puede ser."""
    marks = hand_marks(course, lesson.name)
    return {person.key: score(course, lesson, person, marks) for person in people}


def score(course: Course, lesson: Lesson, student: Student, marks: Marks) -> Score:
    """La calificación de una persona en una lección. marks: lo que da `hand_marks`."""
    path = course.place("calificaciones", lesson.name, f"{student.key}.json")
    if awaits_grade(course, lesson.name, student.key):
        newer = "hay un intento más reciente: " if path.is_file() else ""
        return Score(UNGRADED, why=f"{newer}falta correr `grade`")
    if not path.is_file():
        return Score(ABSENT, why="no hay ninguna entrega suya")
    result = json.loads(path.read_text(encoding="utf-8"))
    if result["estado"] != GRADED:
        why = result["motivo"] + UNUSED * any(key == student.key for key, _ in marks)
        return Score(UNGRADED, why=why, late=result["días_tarde"], notices=tuple(result["avisos"]))
    parts = tuple(_parts(result, *sort_marks(course, lesson.name, student.key, result["intento"], marks)))
    late, notices = result["días_tarde"], tuple(result["avisos"])
    if any(part.points is None for part in parts):
        return Score(BY_HAND, why=_missing(parts, lesson.name), parts=parts, late=late, notices=notices)
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


def awaits_grade(course: Course, lesson: str, key: str) -> bool:
    """Si esa persona tiene un intento que cuenta y que `grade` todavía no ha visto."""
    latest = attempts(course, lesson, key)
    path = course.place("calificaciones", lesson, f"{key}.json")
    return bool(latest) and (not path.is_file() or _newer(latest, json.loads(path.read_text(encoding="utf-8"))))


def _newer(latest: list[dict], result: dict) -> bool:
    readable = [receipt for receipt in latest if not receipt["problema"]]
    return (readable or latest)[-1]["intento"] != result["intento"]


def _missing(parts: tuple[Part, ...], lesson: str) -> str:
    """Qué falta para calificar; para quien califica, también qué puntos había de otro texto."""
    titles = {task.grade_id: task.title for task in tasks(lesson)}
    open_ones = [part for part in parts if part.points is None]
    read = ", ".join(titles.get(part.grade_id, part.grade_id) for part in open_ones if part.by_hand)
    fixed = ", ".join(titles.get(part.grade_id, part.grade_id) for part in open_ones if not part.by_hand)
    said = [f"falta leer: {read}"] * bool(read) + [f"falta confirmar una corrección: {fixed}"] * bool(fixed)
    old = [f"{titles.get(part.grade_id, part.grade_id)}, antes {part.stale}" for part in open_ones if part.stale]
    return "; ".join(said) + (f"{ASIDE}{'; '.join(old)}" if old else "")


def _parts(result: dict, good: dict[str, dict], stale: dict[str, dict]) -> list[Part]:
    """good: lo puesto a mano que vale;  stale: lo que era de otro texto, que deja la parte sin puntos."""
    found = [_checked(exercise, good.get(exercise["celda"])) for exercise in result["ejercicios"]]
    found += [_read(hand, good.get(hand["celda"])) for hand in result["a_mano"]]
    return [replace(part, points=None, stale=_stale(stale[part.grade_id])) if part.grade_id in stale else part
            for part in found]


def _stale(mark: dict) -> str:
    return f"{old_words(mark)} (si vale para este, su huella es {mark['ahora']})"


def _checked(exercise: dict, mark: dict | None) -> Part:
    note = f"{exercise['símbolo']} {exercise['palabra']} · {exercise['mensaje']}"
    part = Part(exercise["celda"], exercise["puntos"], exercise["de"], note, picture=exercise["dibujo"])
    if not mark:
        return part
    last = mark["antes"]["puntos"] if mark["antes"] else exercise["puntos"]
    return replace(part, points=mark["puntos"], before=last, reason=_reason(mark), note=mark.get("comentario") or "",
                   earlier=note)


def _read(hand: dict, mark: dict | None) -> Part:
    blank = hand["sin_escribir"]
    part = Part(hand["celda"], 0.0 if blank else None, hand["de"], "sin escribir" if blank else "", True,
                text=hand["texto"])
    if not mark:
        return part
    last = mark["antes"] or {}
    before = last.get("puntos", part.points) if mark.get("motivo") else None
    return replace(part, points=mark["puntos"], note=mark.get("comentario") or "", reason=_reason(mark), before=before,
                   earlier=last.get("comentario") or part.note)


def _reason(mark: dict) -> str:
    """El motivo de una corrección, con quién y cuándo; vacío si no es una."""
    signed = ", ".join(filter(None, (mark.get("quien"), mark.get("fecha"))))
    return f"{mark['motivo']} ({signed})" if mark.get("motivo") and signed else mark.get("motivo") or ""

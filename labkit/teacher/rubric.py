"""`rubric`: la parte que se lee a mano, como una página local que guarda en manual/LECCIÓN.csv."""
import re
from dataclasses import dataclass, replace
from math import ceil
from pathlib import Path

from labkit.files import write_text
from labkit.teacher.course import Course, Lesson
from labkit.teacher.examples import case_words
from labkit.teacher.form import Card, Question, form_page
from labkit.teacher.marks import MANUAL, SECOND, Marks, add_rows, hand_marks, hand_rows, manual_path, sort_marks
from labkit.teacher.reporting import graded_results
from labkit.teacher.roster import load_roster
from labkit.teacher.scores import awaits_grade
from labkit.teacher.tasks import Task, lesson_title, tasks
from labkit.teacher.veil import Veil
from labkit.teacher.workings import Working, attempt_file, prints, sections_shown, workings

LEVEL = re.compile(r"(\d+)(?: puntos?)?(?: si)? ")


@dataclass(frozen=True)
class Agreement:
    """Cuánto coinciden dos lecturas. pairs: cuántas celdas leyeron las dos;  apart: (quién, título, una, otra)."""
    pairs: int
    equal: int
    apart: tuple[tuple[str, str, float, float], ...]


@dataclass(frozen=True)
class Rubrics:
    """Lo que hizo `rubric`: sus archivos, cuánto va de la primera lectura y de la segunda, y el acuerdo.

    changed: cuántas respuestas tenían puntos de otro texto;  waiting: de quiénes falta correr `grade`.
    """
    paths: list[Path]
    done: int
    asked: int
    second: int
    sampled: int
    agreement: Agreement
    changed: int
    waiting: list[str]


@dataclass(frozen=True)
class Paper:
    """Lo que entregó una persona, ya revisado por el programa.

    code: lo que va en el CSV;  prints: celda → la huella de lo que dice;  workings: sección → sus celdas;  file: dónde
    está su cuaderno, o vacío si no se puede decir.
    """
    key: str
    code: str
    who: str
    result: dict
    facts: str
    prints: dict[str, str]
    workings: dict[str, list[Working]]
    file: str

    @property
    def wrote(self) -> bool:
        """Si escribió algo de lo que se lee a mano."""
        return not all(hand["sin_escribir"] for hand in self.result["a_mano"])


@dataclass(frozen=True)
class Pass:
    """Una lectura, la primera o la segunda. good: lo puesto que vale;  stale: lo puesto a un texto que ya no es."""
    suffix: str
    papers: list[Paper]
    questions: list[Question]
    good: Marks
    stale: Marks

    @property
    def places(self) -> set[tuple[str, str]]:
        """(llave, celda) de lo que se lee."""
        return {(card.key, question.task.grade_id) for question in self.questions for card in question.cards}

    @property
    def done(self) -> int:
        """Cuántas ya tienen sus puntos."""
        return len(self.places & set(self.good))


def levels(task: Task) -> dict[int, str]:
    """Puntos → qué hace falta, como lo dice el enunciado. ValueError si no dice uno de ellos."""
    said = task.prompt.partition("*Se califica")[2].partition("*")[2].strip()
    if said and not LEVEL.match(said):          # «el razonamiento, no si atinas.»: lo que sigue es la escala
        said = said.partition(". ")[2] or said
    found = {}
    for piece in re.split(r";\s+", " ".join(said.split())):
        if start := LEVEL.match(piece):
            found[int(start[1])] = piece[start.end():].rstrip(". ")
    if set(found) != set(range(int(task.points) + 1)):
        raise ValueError(f"{task.grade_id}: su enunciado no dice qué vale de 0 a {task.points:g} puntos.")
    return found


def rubric(course: Course, lesson: Lesson, anonymous: bool = False, percent: int = 10) -> Rubrics:
    """Escribe en `salida/LECCIÓN` rubrica.html y, con la muestra que se lee dos veces, rubrica_segunda.html.

    manual/LECCIÓN.csv queda con un renglón por respuesta, para quien prefiera llenarlo a mano: los que falten se
    agregan sin puntos, y los que ya tiene no se tocan.

    anonymous: sin nombres ni llaves.  percent: qué parte se lee dos veces.
    """
    veil = Veil(course, load_roster(course), anonymous, lesson.name)
    waiting = [person for person in veil.people if awaits_grade(course, lesson.name, person.key)]
    results = graded_results(course, lesson.name, [person for person in veil.people if person not in waiting])
    papers = [_paper(veil, lesson.name, key, result) for key, result in results.items()]
    twice = drawn_twice(course, lesson.name, sorted(paper.key for paper in papers if paper.wrote), percent)
    first = _pass(veil, lesson.name, papers, "", set(results))
    second = _pass(veil, lesson.name, papers, SECOND, twice)
    paths = [_write(veil, lesson, one) for one in (first, second)]
    for one in (first, second):
        paths += _complete(course, lesson.name, one)
    agreement = agree(first.good, second.good, [question.task for question in first.questions], veil)
    return Rubrics(paths, first.done, len(first.places), second.done, len(second.places), agreement,
                   len(first.places & set(first.stale)), [veil.name(person) for person in waiting])


def drawn_twice(course: Course, lesson: str, keys: list[str], percent: int) -> set[str]:
    """Las llaves que se leen dos veces: ese tanto por ciento, redondeado hacia arriba, sorteado con el secreto."""
    drawn = sorted(keys, key=lambda key: course.derive("dos veces", lesson, key))
    return set(drawn[:ceil(len(drawn) * percent / 100)])


def agree(first: Marks, second: Marks, by_hand: list[Task], veil: Veil) -> Agreement:
    """En las celdas que leyeron las dos, cuántas veces pusieron lo mismo y en cuáles no."""
    titles = {task.grade_id: task.title for task in by_hand}
    both = [place for place in first if place in second and place[1] in titles]
    names = {person.key: veil.name(person) for person in veil.people}
    apart = tuple((names.get(key, key), titles[cell], first[key, cell]["puntos"], second[key, cell]["puntos"])
                  for key, cell in both if first[key, cell]["puntos"] != second[key, cell]["puntos"])
    return Agreement(len(both), len(both) - len(apart), apart)


def _paper(veil: Veil, lesson: str, key: str, result: dict) -> Paper:
    course, attempt = veil.course, result["intento"]
    who = next(veil.name(person) for person in veil.people if person.key == key)
    file = "" if veil.hides else attempt_file(course, lesson, key, attempt).relative_to(course.folder).as_posix()
    return Paper(key, who if veil.hides else key, who, result, case_words(lesson, key),
                 prints(course, lesson, key, attempt), workings(course, lesson, key, attempt), file)


def _pass(veil: Veil, lesson: str, papers: list[Paper], suffix: str, chosen: set[str]) -> Pass:
    """Una lectura de las entregas con esas llaves."""
    marks = hand_marks(veil.course, lesson, suffix)
    good: Marks = {}
    stale: Marks = {}
    for paper in papers:
        now, before = sort_marks(veil.course, lesson, paper.key, paper.result["intento"], marks)
        good |= {(paper.key, cell): mark for cell, mark in now.items()}
        stale |= {(paper.key, cell): mark for cell, mark in before.items()}
    read = [paper for paper in papers if paper.key in chosen]
    questions = [Question(task, levels(task), _cards(task, lesson, veil, read, (good, stale)))
                 for task in tasks(lesson) if task.by_hand]
    return Pass(suffix, papers, questions, good, stale)


def _cards(task: Task, lesson: str, veil: Veil, papers: list[Paper], marks: tuple[Marks, Marks]) -> list[Card]:
    """Lo escrito por cada quien en una celda, en un orden sorteado; lo que quedó sin escribir ya vale 0."""
    found, (good, stale), titles = [], marks, sections_shown(lesson)[task.grade_id]
    for paper in papers:
        place = paper.key, task.grade_id
        hand = next((hand for hand in paper.result["a_mano"] if hand["celda"] == task.grade_id), None)
        if hand is None or hand["sin_escribir"] and place not in stale:
            continue
        cells = [(title, [_hidden(cell, veil) for cell in paper.workings[title]])
                 for title in titles if title in paper.workings]
        found.append(Card(paper.key, paper.code, paper.who, veil.hide(hand["texto"]), good.get(place, {}),
                          veil.hide(paper.facts), paper.prints.get(task.grade_id, ""), stale.get(place, {}), cells,
                          paper.file))
    return sorted(found, key=lambda card: veil.course.derive("orden", task.grade_id, card.key))


def _hidden(cell: Working, veil: Veil) -> Working:
    """La misma celda, sin nombres si hay que quitarlos: tampoco las figuras, que no se pueden revisar."""
    if not veil.hides:
        return cell
    return replace(cell, source=veil.hide(cell.source), said=veil.hide(cell.said), pictures=(),
                   heavy=cell.heavy + len(cell.pictures))


def _write(veil: Veil, lesson: Lesson, one: Pass) -> Path:
    """La página; lo que ya hay en el CSV y no va en ella (correcciones, otros textos) se guarda con ella."""
    shown = {mark["renglón"] for place, mark in one.good.items() if place in one.places}
    codes = {person.key: veil.name(person) if veil.hides else person.key for person in veil.people}
    kept = [{**{name: row.get(name, "") for name in MANUAL}, "llave": codes.get(row["llave"], row["llave"])}
            for row in hand_rows(veil.course, lesson.name, one.suffix)
            if row["puntos"] != "" and row["renglón"] not in shown]
    path = veil.course.place("salida", lesson.name, f"rubrica{one.suffix}.html")
    title = f"{veil.course.title} · {lesson_title(lesson.name)}"
    write_text(path, form_page(title, one.questions, kept, f"{lesson.name}{one.suffix}.csv"))
    return path


def _complete(course: Course, lesson: str, one: Pass) -> list[Path]:
    """Agrega al CSV lo que le falte: de lo que no tiene puntos, o los tiene de otro texto. Lo da si es nuevo."""
    path = manual_path(course, lesson, one.suffix)
    known = {(row["llave"], row["celda"], row["huella"]) for row in hand_rows(course, lesson, one.suffix)
             if row["huella"] or row["puntos"] == ""}
    papers = {paper.key: paper for paper in one.papers}
    rows = []
    for key, cell in sorted((one.places | set(one.stale)) - set(one.good)):
        mark = papers[key].prints.get(cell, "")
        if not {(key, cell, mark), (key, cell, "")} & known:
            rows.append({"llave": papers[key].code, "celda": cell, "huella": mark})
    fresh = not path.is_file()
    add_rows(path, rows)
    return [path] if fresh else []

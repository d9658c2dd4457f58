"""`rubric`: la parte que se lee a mano, como una página local que guarda en manual/LECCIÓN.csv."""
import re
from dataclasses import dataclass
from math import ceil
from pathlib import Path

from labkit.files import write_text
from labkit.teacher.course import Course, Lesson
from labkit.teacher.examples import case_words
from labkit.teacher.form import Card, Question, form_page
from labkit.teacher.reporting import graded_results
from labkit.teacher.roster import load_roster, write_table
from labkit.teacher.scores import MANUAL, SECOND, hand_marks
from labkit.teacher.tasks import Task, lesson_title, tasks
from labkit.teacher.veil import Veil

LEVEL = re.compile(r"(\d+)(?: puntos?)?(?: si)? ")
Marks = dict[tuple[str, str], dict]


@dataclass(frozen=True)
class Agreement:
    """Cuánto coinciden dos lecturas. pairs: cuántas celdas leyeron las dos;  apart: (quién, título, una, otra)."""
    pairs: int
    equal: int
    apart: tuple[tuple[str, str, float, float], ...]


@dataclass(frozen=True)
class Rubrics:
    """Lo que hizo `rubric`: sus archivos, cuánto va de la primera lectura y de la segunda, y el acuerdo."""
    paths: list[Path]
    done: int
    asked: int
    second: int
    sampled: int
    agreement: Agreement


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

    Si no está manual/LECCIÓN.csv, la deja con sus renglones, sin puntos, para quien prefiera llenarla a mano.
    anonymous: sin nombres ni llaves.  percent: qué parte se lee dos veces.
    """
    veil = Veil(course, load_roster(course), anonymous, lesson.name)
    results = graded_results(course, lesson.name, veil.people)
    by_hand = [task for task in tasks(lesson.name) if task.by_hand]
    wrote = [key for key, result in results.items() if not all(hand["sin_escribir"] for hand in result["a_mano"])]
    twice = drawn_twice(course, lesson.name, sorted(wrote), percent)
    marks, second = hand_marks(course, lesson.name), hand_marks(course, lesson.name, SECOND)
    facts = {key: case_words(lesson.name, key) for key in wrote}
    questions = [Question(task, levels(task), _cards(task, results, veil, marks, facts)) for task in by_hand]
    again = [Question(task, levels(task),
                      [card for card in _cards(task, results, veil, second, facts) if card.key in twice])
             for task in by_hand]
    paths = [_write(veil, lesson, questions, marks, ""), _write(veil, lesson, again, second, SECOND)]
    for suffix, asked in (("", questions), (SECOND, again)):
        paths += _template(course, lesson, veil, asked, suffix)
    wanted = {(card.key, question.task.grade_id) for question in questions for card in question.cards}
    repeated = {(card.key, question.task.grade_id) for question in again for card in question.cards}
    return Rubrics(paths, len(wanted & set(marks)), len(wanted), len(repeated & set(second)), len(repeated),
                   agree(marks, second, by_hand, veil))


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


def _cards(task: Task, results: dict[str, dict], veil: Veil, marks: Marks, facts: dict[str, str]) -> list[Card]:
    """Lo escrito por cada quien en una celda, en un orden sorteado; lo que quedó sin escribir ya vale 0."""
    found = []
    names = {person.key: person for person in veil.people}
    for key, result in results.items():
        hand = next((hand for hand in result["a_mano"] if hand["celda"] == task.grade_id), None)
        if hand is None or hand["sin_escribir"]:
            continue
        who = veil.name(names[key])
        code = who if veil.hides else key
        found.append(Card(key, code, who, veil.hide(hand["texto"]), marks.get((key, task.grade_id), {}),
                          veil.hide(facts[key])))
    return sorted(found, key=lambda card: veil.course.derive("orden", task.grade_id, card.key))


def _write(veil: Veil, lesson: Lesson, questions: list[Question], marks: Marks, suffix: str) -> Path:
    """La página; lo que ya hay en el CSV y no va en ella (las correcciones) se guarda con ella, para no perderlo."""
    shown = {(card.key, question.task.grade_id) for question in questions for card in question.cards}
    codes = {card.key: card.code for question in questions for card in question.cards}
    kept = [{**row, "llave": codes.get(key, key)} for (key, cell), row in marks.items() if (key, cell) not in shown]
    path = veil.course.place("salida", lesson.name, f"rubrica{suffix}.html")
    title = f"{veil.course.title} · {lesson_title(lesson.name)}"
    write_text(path, form_page(title, questions, kept, f"{lesson.name}{suffix}.csv"))
    return path


def _template(course: Course, lesson: Lesson, veil: Veil, questions: list[Question], suffix: str) -> list[Path]:
    path = course.place("manual", f"{lesson.name}{suffix}.csv")
    if path.exists():
        return []
    rows = [{"llave": card.code, "celda": question.task.grade_id} for question in questions for card in question.cards]
    write_table(path, MANUAL, rows)
    return [path]

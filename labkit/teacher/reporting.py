"""`report`: una página de comentarios por persona y la del grupo."""
import json
import shutil
from pathlib import Path

from labkit.files import write_text
from labkit.teacher.course import Course, Lesson
from labkit.teacher.feedback import feedback
from labkit.teacher.grading import GRADED
from labkit.teacher.group import Group, group_page
from labkit.teacher.roster import Student, load_roster
from labkit.teacher.scores import all_scores
from labkit.teacher.veil import Veil


def report(course: Course, lesson: Lesson, pseudonyms: bool = False) -> list[Path]:
    """Escribe `salida/LECCIÓN/reporte` (o `reporte_sin_nombres`): grupo.html y estudiantes/…html. Da esas dos rutas."""
    people = load_roster(course)
    veil = Veil(course, people, pseudonyms)
    scores = all_scores(course, lesson, people)
    place = course.place("salida", lesson.name, "reporte_sin_nombres" if pseudonyms else "reporte")
    if place.exists():
        shutil.rmtree(place)                    # se rehace entero: que no quede la página de quien ya no está
    for person in people:
        page = feedback(course, lesson.name, veil.name(person), scores[person.key])
        write_text(place / "estudiantes" / f"{veil.file(person)}.html", veil.hide(page))
    group = Group(course, lesson, people, scores, graded_results(course, lesson.name, people), veil)
    write_text(place / "grupo.html", group_page(group))
    return [place / "grupo.html", place / "estudiantes"]


def graded_results(course: Course, lesson: str, people: list[Student]) -> dict[str, dict]:
    """Llave → su resultado, de quienes ya tienen la lección calificada."""
    found = {}
    for person in people:
        path = course.place("calificaciones", lesson, f"{person.key}.json")
        if path.is_file():
            result = json.loads(path.read_text(encoding="utf-8"))
            if result["estado"] == GRADED:
                found[person.key] = result
    return found

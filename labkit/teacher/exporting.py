"""`export`: las calificaciones en CSV, la hoja de Moodle y el zip de comentarios."""
import csv
import shutil
import zipfile
from io import StringIO
from pathlib import Path

from labkit.files import write_aside, write_text
from labkit.models import plain_name
from labkit.teacher.collecting import attempts, standing
from labkit.teacher.course import Course, CourseError, Lesson
from labkit.teacher.feedback import feedback, grade_words, points_words, public_notes
from labkit.teacher.roster import Student, decode, find_by_name, load_roster, safe_cell, write_table
from labkit.teacher.scores import GRADED, UNGRADED, Score, final, hand_marks, score
from labkit.teacher.tasks import tasks

FIELDS = ("llave", "nombre", "correo", "numero", "estado", "calificacion", "motivo", "programa", "a_mano", "dias_tarde",
          "descuento", "avisos")
SHEET = {                                       # las columnas de la hoja de Moodle, en español o en inglés
    "id": ("identificador", "identifier"), "name": ("nombre completo", "full name"),
    "email": ("dirección de correo", "correo electrónico", "email address"),
    "number": ("número de id", "id number"), "grade": ("calificación", "grade"),
    "comment": ("comentarios de retroalimentación", "retroalimentación", "feedback comments"),
}
SHEET_KEPT = "hoja_de_moodle.csv"               # la última que se dio, como se bajó
PLAIN_SHEET = ("Identificador", "Nombre completo", "Dirección de correo", "Calificación",
               "Comentarios de retroalimentación")


def export_lesson(course: Course, lesson: Lesson, sheet: Path | None = None) -> list[Path]:
    """Escribe en `salida/LECCIÓN` las calificaciones, la hoja para Moodle y los comentarios; da los archivos.

    sheet: la hoja de calificaciones que se bajó de Moodle; se llena una copia, y queda en la carpeta para la vez que no
    se dé. CourseError si no es una.
    """
    people, marks = load_roster(course), hand_marks(course, lesson.name)
    scores = {person.key: score(course, lesson, person, marks) for person in people}
    folder = course.place("salida", lesson.name)
    paths = [folder / "calificaciones.csv", folder / "moodle.csv", folder / "comentarios.zip"]
    write_table(paths[0], FIELDS, [_row(person, scores[person.key], course) for person in people])
    receipts = {person.key: standing(attempts(course, lesson.name, person.key)) for person in people}
    kept = folder / SHEET_KEPT
    sheet = sheet or (kept if kept.is_file() else None)
    comments = {person.key: safe_cell(_comment(scores[person.key], lesson)) for person in people}
    text = (_filled(sheet, people, scores, comments, course) if sheet else
            _plain_sheet(people, scores, comments, receipts, course))
    write_text(paths[1], "\ufeff" + text)
    if sheet and sheet != kept:
        shutil.copyfile(sheet, kept)
    with write_aside(paths[2]) as file, zipfile.ZipFile(file, "w", zipfile.ZIP_DEFLATED) as package:
        for person in people:
            if receipts[person.key]:
                place = receipts[person.key]["carpeta_moodle"] or f"{person.key}"
                page = feedback(course, lesson.name, person.name, scores[person.key])
                package.writestr(f"{place}/comentarios.html", page)
    return paths


def export_course(course: Course) -> Path:
    """Escribe `salida/curso.csv`: cada lección y la calificación final, con los pesos y en la escala del curso.

    Una lección de la que no se ha recogido nada no es un NP de todo el grupo: deja la final en blanco, y lo dice.
    """
    people = load_roster(course)
    marks = {name: hand_marks(course, name) for name in course.lessons}
    waiting = {name: Score(UNGRADED, why="todavía no se recoge") for name in course.lessons
               if not any(course.place(kind, name).is_dir() for kind in ("entregas", "calificaciones"))}
    rows = []
    for person in people:
        scores = {name: score(course, lesson, person, marks[name]) for name, lesson in course.lessons.items()} | waiting
        state, grade, why = final(course, scores)
        each = {name: grade_words(found, course) for name, found in scores.items()}
        rows.append({"llave": person.key, "nombre": person.name, "correo": person.email, "numero": person.number,
                     **each, "estado": state, "final": grade, "motivo": why})
    path = course.place("salida", "curso.csv")
    write_table(path, ("llave", "nombre", "correo", "numero", *course.lessons, "estado", "final", "motivo"), rows)
    return path


def _row(person: Student, found: Score, course: Course) -> dict:
    auto = sum(part.points or 0 for part in found.parts if not part.by_hand)
    hand = sum(part.points or 0 for part in found.parts if part.by_hand)
    return {"llave": person.key, "nombre": person.name, "correo": person.email, "numero": person.number,
            "estado": found.state, "calificacion": grade_words(found, course) if found.grade is not None else "",
            "motivo": found.why, "programa": f"{auto:g}" if found.parts else "",
            "a_mano": f"{hand:g}" if found.parts else "", "dias_tarde": found.late or "",
            "descuento": f"{found.taken:g}" if found.taken else "", "avisos": "; ".join(found.notices)}


def _comment(found: Score, lesson: Lesson) -> str:
    """El comentario corto de la hoja de Moodle: lo mismo que dice la página, en renglones."""
    titles = {task.grade_id: task.title for task in tasks(lesson.name)}
    lines = [f"{titles.get(part.grade_id, part.grade_id)}: {points_words(part)}. {part.said}".strip()
             for part in found.parts]
    return "\n".join([*public_notes(found), *lines])


def _plain_sheet(people: list[Student], scores: dict[str, Score], comments: dict[str, str], receipts: dict,
                 course: Course) -> str:
    out = StringIO()
    writer = csv.writer(out, lineterminator="\n")
    writer.writerow(PLAIN_SHEET)
    for person in people:
        receipt, found = receipts[person.key], scores[person.key]
        number = receipt["id_moodle"] if receipt else ""
        grade = grade_words(found, course) if found.state == GRADED else ""
        writer.writerow([f"Participante {number}" if number else "", safe_cell(person.name), safe_cell(person.email),
                         grade, comments[person.key]])
    return out.getvalue()


def _filled(sheet: Path, people: list[Student], scores: dict[str, Score], comments: dict[str, str],
            course: Course) -> str:
    """La hoja de Moodle con sus mismas columnas; donde no hay calificación, la casilla queda como estaba."""
    text = decode(sheet.read_bytes())
    mark = max(",;\t", key=text.split("\n", 1)[0].count)
    rows = list(csv.reader(StringIO(text), delimiter=mark))
    columns = _columns(rows[0] if rows else [], sheet)
    for row in rows[1:]:
        person = _person(row, columns, people)
        if person is None or len(row) <= max(columns.values()):
            continue
        found = scores[person.key]
        if found.state == GRADED:
            row[columns["grade"]] = grade_words(found, course)
        if "comment" in columns and (found.parts or found.why):
            row[columns["comment"]] = comments[person.key]
    out = StringIO()
    csv.writer(out, delimiter=mark, lineterminator="\n").writerows(rows)
    return out.getvalue()


def _columns(head: list[str], sheet: Path) -> dict[str, int]:
    plain = [plain_name(name) for name in head]
    found = {field: plain.index(plain_name(name)) for field, names in SHEET.items() for name in names
             if plain_name(name) in plain}
    if "grade" not in found or not {"name", "email"} & set(found):
        raise CourseError(f"{sheet} no parece la hoja de calificaciones de Moodle: le faltan las columnas "
                          "«Calificación» y «Nombre completo» o «Dirección de correo».")
    return found


def _person(row: list[str], columns: dict[str, int], people: list[Student]) -> Student | None:
    cells = {field: row[place].strip() for field, place in columns.items() if place < len(row)}
    if email := cells.get("email", "").casefold():
        return next((person for person in people if person.email.casefold() == email), None)
    return find_by_name(people, cells.get("name", ""))

"""`export`: las calificaciones en CSV, la hoja de Moodle y el zip de comentarios."""
import csv
import re
import shutil
import zipfile
from io import StringIO
from pathlib import Path

from labkit.files import write_aside, write_text
from labkit.models import plain_name
from labkit.teacher.collecting import attempts
from labkit.teacher.course import Course, Lesson
from labkit.teacher.feedback import feedback, grade_words, points_words, public_notes
from labkit.teacher.roster import Student, load_roster, safe_cell, write_table
from labkit.teacher.scores import GRADED, UNGRADED, Score, final, hand_marks, score
from labkit.teacher.sheet import Sheet, kept_sheet, moodle_places, read_sheet
from labkit.teacher.tasks import tasks

FIELDS = ("llave", "nombre", "correo", "numero", "estado", "calificacion", "motivo", "programa", "a_mano", "dias_tarde",
          "descuento", "avisos")
ASIDE = "comentarios_aparte"                    # las páginas de quien no tiene carpeta en Moodle: se mandan a mano
PLAIN_SHEET = ("Identificador", "Nombre completo", "Dirección de correo", "Calificación",
               "Comentarios de retroalimentación")


def export_lesson(course: Course, lesson: Lesson, sheet: Path | None = None) -> list[Path]:
    """Escribe en `salida/LECCIÓN` las calificaciones, la hoja para Moodle y los comentarios; da los archivos.

    sheet: la hoja de calificaciones que se bajó de Moodle; se llena una copia, y se guarda para la vez que no se dé.
    La página de quien no tiene carpeta de Moodle conocida va en `comentarios_aparte`. CourseError si no es una hoja.
    """
    people, marks = load_roster(course), hand_marks(course, lesson.name)
    scores = {person.key: score(course, lesson, person, marks) for person in people}
    folder, kept = course.place("salida", lesson.name), kept_sheet(course, lesson.name)
    sheet = sheet or (kept if kept.is_file() else None)
    given = read_sheet(sheet) if sheet else None
    write_table(folder / "calificaciones.csv", FIELDS, [_row(person, scores[person.key], course) for person in people])
    comments = {person.key: safe_cell(_comment(scores[person.key], lesson)) for person in people}
    text = (_filled(given, people, scores, comments, course) if given else
            _plain_sheet(course, lesson.name, people, scores, comments))
    write_text(folder / "moodle.csv", "\ufeff" + text)
    if sheet and sheet != kept:
        kept.parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(sheet, kept)
    return [folder / "calificaciones.csv", folder / "moodle.csv", *_comments(course, lesson.name, people, scores)]


def _comments(course: Course, lesson: str, people: list[Student], scores: dict[str, Score]) -> list[Path]:
    """Las páginas de quienes entregaron: en el zip que Moodle reparte o, si no se sabe su carpeta, aparte."""
    places = moodle_places(course, lesson, people)
    package, aside = course.place("salida", lesson, "comentarios.zip"), course.place("salida", lesson, ASIDE)
    package.unlink(missing_ok=True)
    shutil.rmtree(aside, ignore_errors=True)    # se rehacen enteros: que no quede la página de quien ya no está
    pages = {person: feedback(course, lesson, person.name, scores[person.key]) for person in people
             if attempts(course, lesson, person.key)}
    inside = {places[person.key].folder: page for person, page in pages.items() if person.key in places}
    if inside:
        with write_aside(package) as file, zipfile.ZipFile(file, "w", zipfile.ZIP_DEFLATED) as opened:
            for folder, page in inside.items():
                opened.writestr(f"{folder}/comentarios.html", page)
    for person, page in pages.items():
        if person.key not in places:
            write_text(aside / f"{_file_name(person)}.html", page)
    return [path for path in (package, aside) if path.exists()]


def _file_name(person: Student) -> str:
    return f"{re.sub(r'[^A-Za-z0-9 ]+', '', plain_name(person.name).title()).strip()} {person.key}".strip()


def export_notices(course: Course, lesson: Lesson) -> list[str]:
    """Lo que hay que saber antes de subir lo que dejó `export_lesson`: quién falta, quién va en blanco y por qué."""
    people, marks = load_roster(course), hand_marks(course, lesson.name)
    found = _sheet_notices(course, lesson.name, people)
    scores = {person: score(course, lesson, person, marks) for person in people}
    if blank := [person for person in people if scores[person].state != GRADED]:
        found.append(f"Van en blanco, {len(blank)} de {len(people)}: {_by_state(blank, scores)}.")
    return found + _aside_notice(course, lesson.name, people)


def _sheet_notices(course: Course, lesson: str, people: list[Student]) -> list[str]:
    """Quién está en la hoja de Moodle y no en la lista, y al revés."""
    kept, roster, found = kept_sheet(course, lesson), course.roster.name, []
    if not kept.is_file():
        return []
    sheet = read_sheet(kept)
    if strangers := sheet.strangers(people):
        found.append(f"En la hoja de Moodle y no en {roster}: {', '.join(strangers)}. Si toma tu curso, agrega su "
                     f"nombre a {roster} y repite collect y lo que sigue; mientras, su renglón queda como estaba.")
    if absent := [person.name for person in people if sheet.row_of(person, people) is None]:
        found.append(f"En {roster} y no en la hoja de Moodle: {', '.join(absent)}. No van en moodle.csv.")
    return found


def _by_state(blank: list[Student], scores: dict[Student, Score]) -> str:
    """Quién va en blanco, por estado; de lo que no se calificó, también por qué."""
    groups: dict[str, list[str]] = {}
    for person in blank:
        state, why = scores[person].state, scores[person].why
        groups.setdefault(f"{state} ({why})" if state == UNGRADED else state, []).append(person.name)
    return "; ".join(f"{state}: {', '.join(names)}" for state, names in sorted(groups.items()))


def _aside_notice(course: Course, lesson: str, people: list[Student]) -> list[str]:
    places = moodle_places(course, lesson, people)
    names = [person.name for person in people if person.key not in places and attempts(course, lesson, person.key)]
    if not names:
        return []
    return [f"No sé cuál es la carpeta de Moodle de {', '.join(names)}: su página no va en comentarios.zip; está en "
            f"{ASIDE}, para que la mandes tú. Si usas Moodle, da su hoja con --worksheet: trae el número de cada "
            "quien."]


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


def _plain_sheet(course: Course, lesson: str, people: list[Student], scores: dict[str, Score],
                 comments: dict[str, str]) -> str:
    out, places = StringIO(), moodle_places(course, lesson, people)
    writer = csv.writer(out, lineterminator="\n")
    writer.writerow(PLAIN_SHEET)
    for person in people:
        found = scores[person.key]
        number = f"Participante {places[person.key].number}" if person.key in places else ""
        grade = grade_words(found, course) if found.state == GRADED else ""
        writer.writerow([number, safe_cell(person.name), safe_cell(person.email), grade, comments[person.key]])
    return out.getvalue()


def _filled(sheet: Sheet, people: list[Student], scores: dict[str, Score], comments: dict[str, str],
            course: Course) -> str:
    """La hoja de Moodle con sus mismas columnas; donde no hay calificación, la casilla queda como estaba."""
    for row in sheet.rows:
        person = sheet.person(row, people)
        if person is None:
            continue
        found = scores[person.key]
        if found.state == GRADED:
            row[sheet.columns["grade"]] = grade_words(found, course)
        if "comment" in sheet.columns and (found.parts or found.why):
            row[sheet.columns["comment"]] = comments[person.key]
    return sheet.written()

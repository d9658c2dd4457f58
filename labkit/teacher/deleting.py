"""`delete`: borra un curso, dice qué borró y qué no puede borrar, y conserva, si se pide, un paquete sin nombres."""
import json
import shutil
import zipfile
from csv import DictWriter
from datetime import datetime, timedelta
from io import StringIO
from pathlib import Path
from secrets import token_hex

from labkit.files import write_aside
from labkit.teacher.course import CONFIG, KEYS, Course, CourseError
from labkit.teacher.group import mistake_name
from labkit.teacher.roster import load_roster
from labkit.teacher.scores import hand_marks, score

OURS = ("reparto", "entregas", "respuestas", "calificaciones", "manual", "salida", "kit")       # las hizo teacher
PACKET = "paquete_sin_nombres.zip"
FIELDS = ("quien", "leccion", "celda", "puntos", "de", "error")
BEYOND = (
    "lo que está en Moodle, Classroom o Drive, y los correos: bórralo ahí",
    "las copias de respaldo de tu computadora, y lo que imprimiste o pasaste a otra persona",
    "el acta, que es de la escuela",
    "lo borrado puede quedar en el disco hasta que se escriba encima: si das la computadora, borra antes todo el disco",
)
README = ("Calificaciones de un curso, sin nombres. `quien` es una clave al azar, distinta de las llaves, que no se "
          "guardó junto a ningún nombre. No trae nada de lo que se escribió. En un grupo chico, quien conozca las "
          "calificaciones podría reconocer a alguien: no lo publiques sin pensarlo.\n")


def review_ends(course: Course) -> datetime | None:
    """Hasta cuándo se puede pedir una revisión: desde lo último que se publicó o se entregó; None si no hay nada."""
    marks = [lesson.due for lesson in course.lessons.values() if lesson.due and lesson.due < datetime.now()]
    published = course.place("salida").rglob("calificaciones.csv")
    marks += [datetime.fromtimestamp(path.stat().st_mtime) for path in published]
    return max(marks) + timedelta(days=course.review_days) if marks else None


def holdings(course: Course) -> dict[str, int]:
    """Qué hay en la carpeta que sea de este curso: nombre → cuántos archivos. Lo que no hizo teacher no está."""
    roster = course.roster if course.roster.parent == course.folder else None
    files = [course.place(name) for name in (CONFIG, KEYS, ".gitignore")] + ([roster] if roster else [])
    found = {path.name: 1 for path in files if path.is_file() or path.is_symlink()}
    for name in OURS:
        place = course.place(name)
        if place.is_symlink():
            found[name] = 1
        elif place.is_dir():
            found[name] = sum(path.is_file() or path.is_symlink() for path in place.rglob("*"))
    return found


def delete(course: Course, keep: bool = False) -> dict[str, int]:
    """Borra lo del curso y da cuántos archivos de cada cosa; keep: antes guarda `paquete_sin_nombres.zip`.

    De un enlace se borra el enlace, no lo que está al otro lado. Si el paquete no se puede hacer, no se borra nada.
    """
    if keep:
        keep_packet(course)
    found = holdings(course)
    for name in [name for name in found if name != CONFIG] + [CONFIG]:      # sin ella no se sabría qué es lo que queda
        place = course.place(name)
        if place.is_dir() and not place.is_symlink():
            shutil.rmtree(place)
        else:
            place.unlink()
    if not any(course.folder.iterdir()):
        course.folder.rmdir()
    return found


def keep_packet(course: Course) -> Path:
    """Escribe el paquete sin nombres: por persona y celda, los puntos y el error que se nombró. Nada de lo escrito."""
    rows = StringIO()
    writer = DictWriter(rows, FIELDS, lineterminator="\n")
    writer.writeheader()
    people = sorted((token_hex(4), person) for person in load_roster(course))       # en otro orden que el de la lista
    for name, lesson in course.lessons.items():
        marks = hand_marks(course, name)
        for code, person in people:
            found = score(course, lesson, person, marks)
            said = _mistakes(course, name, person.key)
            writer.writerow({"quien": code, "leccion": name, "celda": "todo", "puntos": found.grade, "de": 10,
                             "error": "" if found.grade is not None else found.state})
            writer.writerows({"quien": code, "leccion": name, "celda": part.grade_id, "puntos": part.points,
                              "de": part.most, "error": said.get(part.grade_id, "")} for part in found.parts)
    path = course.place(PACKET)
    with write_aside(path) as file, zipfile.ZipFile(file, "w", zipfile.ZIP_DEFLATED) as package:
        package.writestr("calificaciones.csv", "\ufeff" + rows.getvalue())
        package.writestr("LEEME.txt", README)
    return path


def _mistakes(course: Course, lesson: str, key: str) -> dict[str, str]:
    path = course.place("calificaciones", lesson, f"{key}.json")
    if not path.is_file():
        return {}
    result = json.loads(path.read_text(encoding="utf-8"))
    return {part["celda"]: mistake_name(part) for part in result["ejercicios"] if not part["puntos"]}


def confirm(course: Course, typed: str) -> None:
    """Nada, si lo escrito es el nombre del curso; si no, CourseError, y no se borra nada."""
    if " ".join(typed.split()) != " ".join(course.title.split()):
        raise CourseError(f"No borré nada: esperaba el nombre del curso, «{course.title}», y recibí «{typed.strip()}».")

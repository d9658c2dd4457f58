"""La hoja de calificaciones que baja Moodle: sus columnas, de quién es cada renglón, y la carpeta de cada quien."""
import csv
import re
from dataclasses import dataclass
from io import StringIO
from pathlib import Path

from labkit.models import plain_name
from labkit.teacher.arrivals import moodle_folder
from labkit.teacher.collecting import attempts
from labkit.teacher.course import Course, CourseError
from labkit.teacher.roster import Student, decode, find_by_name

COLUMNS = {                                     # cómo se llaman en la hoja, en español o en inglés
    "id": ("identificador", "identifier"), "name": ("nombre completo", "full name"),
    "email": ("dirección de correo", "correo electrónico", "email address"),
    "number": ("número de id", "id number"), "grade": ("calificación", "grade"),
    "comment": ("comentarios de retroalimentación", "retroalimentación", "feedback comments"),
}


@dataclass(frozen=True)
class Place:
    """Lo que Moodle sabe de alguien en una tarea: su número de participante y la carpeta de sus archivos."""
    number: str
    folder: str


@dataclass(frozen=True)
class Sheet:
    """Una hoja ya leída. rows: sin el encabezado;  columns: campo → en qué columna está;  mark: qué las separa."""
    head: list[str]
    rows: list[list[str]]
    columns: dict[str, int]
    mark: str

    def cell(self, row: list[str], field: str) -> str:
        """Lo que dice un renglón en un campo; vacío si no lo trae."""
        place = self.columns.get(field, len(row))
        return row[place].strip() if place < len(row) else ""

    def person(self, row: list[str], people: list[Student]) -> Student | None:
        """De quién es un renglón: por su correo o, si no trae, por su nombre. None si de nadie, o si está cortado."""
        if len(row) <= max(self.columns.values()):
            return None
        name, email = self.cell(row, "name"), self.cell(row, "email").casefold()
        if not email:
            return find_by_name(people, name)
        same = [person for person in people if person.email.casefold() == email]
        same += [person for person in people if not person.email and plain_name(person.name) == plain_name(name)]
        return same[0] if same else None

    def row_of(self, person: Student, people: list[Student]) -> list[str] | None:
        """El renglón de esa persona; None si no está."""
        return next((row for row in self.rows if self.person(row, people) == person), None)

    def strangers(self, people: list[Student]) -> list[str]:
        """Los nombres (o correos) de quienes están en la hoja y no en la lista."""
        return [self.cell(row, "name") or self.cell(row, "email") for row in self.rows
                if any(map(str.strip, row)) and self.person(row, people) is None]

    def written(self) -> str:
        """La hoja como CSV, con el separador que traía."""
        out = StringIO()
        csv.writer(out, delimiter=self.mark, lineterminator="\n").writerows([self.head, *self.rows])
        return out.getvalue()


def read_sheet(path: Path) -> Sheet:
    """La hoja de ese archivo. CourseError, con la columna que falta y las que hay, si no es una."""
    text = decode(path.read_bytes())
    mark = max(",;\t", key=text.split("\n", 1)[0].count)
    head, *rows = list(csv.reader(StringIO(text), delimiter=mark)) or [[]]
    plain = [plain_name(name) for name in head]
    columns = {field: plain.index(plain_name(name)) for field, names in COLUMNS.items() for name in names
               if plain_name(name) in plain}
    missing = ["«Calificación»"] * ("grade" not in columns)
    missing += ["«Nombre completo» o «Dirección de correo»"] * (not {"name", "email"} & set(columns))
    if missing:
        there = ", ".join(filter(None, head)) or "ninguna"
        raise CourseError(f"{path} no es la hoja de calificaciones que baja Moodle: le falta la columna "
                          f"{' y la columna '.join(missing)}. Las que trae: {there}.")
    return Sheet(head, rows, columns, mark)


def kept_sheet(course: Course, lesson: str) -> Path:
    """Dónde queda la última hoja que se dio, como se bajó: en otra carpeta, para que no se suba por error."""
    return course.place("salida", lesson, "recibida_de_moodle", "hoja.csv")


def moodle_places(course: Course, lesson: str, people: list[Student]) -> dict[str, Place]:
    """Llave → lo que Moodle sabe de ella: por cualquier intento suyo que venga de ahí o, si no, por la hoja."""
    kept = kept_sheet(course, lesson)
    found = _in_sheet(read_sheet(kept), people) if kept.is_file() else {}
    for person in people:
        for receipt in attempts(course, lesson, person.key):
            if receipt["carpeta_moodle"]:
                found[person.key] = Place(receipt["id_moodle"], receipt["carpeta_moodle"])
    return found


def _in_sheet(sheet: Sheet, people: list[Student]) -> dict[str, Place]:
    found = {}
    for row in sheet.rows:
        person, number = sheet.person(row, people), re.search(r"\d+", sheet.cell(row, "id"))
        if person and number:
            name = sheet.cell(row, "name") or person.name
            found[person.key] = Place(number[0], moodle_folder(name, number[0]))
    return found

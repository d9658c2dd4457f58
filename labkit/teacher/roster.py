"""La lista del grupo: leerla como venga, darle a cada persona una llave al azar, y saber de quién es una entrega."""
import csv
import re
from dataclasses import dataclass
from io import StringIO
from pathlib import Path
from secrets import randbelow

from labkit.files import write_text
from labkit.models import plain_name
from labkit.teacher.course import KEYS, Course, CourseError

HEADERS = {                                     # cómo se puede llamar cada columna
    "name": ("nombre", "nombre(s)", "nombre completo", "estudiante", "alumno", "first name", "full name", "name"),
    "surname": ("apellido(s)", "apellidos", "apellido", "surname", "last name"),
    "email": ("correo", "dirección de correo", "dirección email", "email", "correo electrónico", "email address"),
    "number": ("número", "número de id", "número de cuenta", "cuenta", "id", "id number"),
}
KEY_FIELDS = ("llave", "nombre", "correo", "numero")
LEAST, MOST = 10_000_000, 99_999_999            # ocho cifras: `clean_account` la acepta, y no es un número de cuenta


@dataclass(frozen=True)
class Student:
    """Una persona de la lista. key: su llave, que es lo único de ella que ve un cuaderno."""
    name: str
    email: str = ""
    number: str = ""
    key: str = ""

    @property
    def who(self) -> str:
        """Lo que la distingue en la lista: su correo; si no hay, su número o su nombre."""
        return self.email.casefold() or self.number or plain_name(self.name)


def read_table(path: Path) -> list[dict[str, str]]:
    """Los renglones de un CSV, en UTF-8 o como lo escribe Excel, separado por coma, punto y coma o tabulador."""
    text = decode(path.read_bytes())
    head = text.split("\n", 1)[0]
    mark = max(",;\t", key=head.count)
    return [{(name or "").strip(): (value or "").strip() for name, value in row.items() if not isinstance(value, list)}
            for row in csv.DictReader(StringIO(text), delimiter=mark)]


def decode(data: bytes) -> str:
    """El texto de un archivo, en UTF-8 con marca o sin ella; si no lo es, como lo guarda Windows."""
    try:
        return data.decode("utf-8-sig")
    except UnicodeDecodeError:
        return data.decode("cp1252", errors="replace")


def write_table(path: Path, fields: tuple[str, ...], rows: list[dict]) -> None:
    """Escribe un CSV que también Excel abre con acentos."""
    out = StringIO()
    writer = csv.DictWriter(out, fields, extrasaction="ignore", lineterminator="\n")
    writer.writeheader()
    writer.writerows([{name: safe_cell(value) for name, value in row.items()} for row in rows])
    write_text(path, "\ufeff" + out.getvalue())


def safe_cell(value: object) -> object:
    """El valor, sin que una hoja de cálculo lo tome por una fórmula."""
    risky = isinstance(value, str) and value[:1] in ("=", "+", "-", "@", "\t", "\r")
    return f"'{value}" if risky else value


def load_roster(course: Course) -> list[Student]:
    """Las personas de la lista, cada una con su llave; a quien no tenía se le da una, y se anota en llaves.csv."""
    if not course.roster.is_file():
        raise CourseError(f"No encuentro la lista del grupo, {course.roster}.")
    people = [_student(row, course.roster, line) for line, row in enumerate(read_table(course.roster), start=2)]
    people = [person for person in people if person]
    if not people:
        raise CourseError(f"{course.roster} no tiene a nadie: un renglón por persona, con nombre y correo.")
    seen: set[str] = set()
    for person in people:
        if person.who in seen:
            raise CourseError(f"{course.roster}: {person.name} ({person.who}) está dos veces.")
        seen.add(person.who)
    return _with_keys(course, people)


def _student(row: dict[str, str], path: Path, line: int) -> Student | None:
    plain = {plain_name(name): value for name, value in row.items()}
    found = {field: next(filter(None, (plain.get(plain_name(name)) for name in names)), "")
             for field, names in HEADERS.items()}
    name = " ".join(part for part in (found["name"], found["surname"]) if part)
    if not any(row.values()):
        return None
    if not name:
        raise CourseError(f"{path}, renglón {line}: falta el nombre. Las columnas deben llamarse nombre, correo y "
                          "numero, o como en la lista que baja Moodle.")
    return Student(name, found["email"], found["number"])


def _with_keys(course: Course, people: list[Student]) -> list[Student]:
    path = course.place(KEYS)
    known = read_table(path) if path.is_file() else []
    keys = {Student(row["nombre"], row["correo"], row["numero"]).who: row["llave"] for row in known}
    fresh = [person for person in people if person.who not in keys]
    for person in fresh:
        keys[person.who] = _new_key(set(keys.values()))
        known.append({"llave": keys[person.who], "nombre": person.name, "correo": person.email,
                      "numero": person.number})
    if fresh:
        write_table(path, KEY_FIELDS, known)
    return [Student(person.name, person.email, person.number, keys[person.who]) for person in people]


def _new_key(taken: set[str]) -> str:
    while (key := str(LEAST + randbelow(MOST - LEAST))) in taken:
        pass
    return key


def find_by_name(people: list[Student], label: str) -> Student | None:
    """La única persona cuyo nombre completo, o correo, aparece en `label` (una carpeta, un archivo); None si no hay."""
    words = set(_words(label))
    mails = [person for person in people if person.email and person.email.casefold() in label.casefold()]
    names = [person for person in people if set(_words(person.name)) <= words]
    best = max((len(_words(person.name)) for person in names), default=0)
    names = [person for person in names if len(_words(person.name)) == best]
    found = mails or names
    return found[0] if len(found) == 1 else None


def _words(text: str) -> list[str]:
    return re.findall(r"\w+", plain_name(text).replace("_", " "))

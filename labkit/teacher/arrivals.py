"""Lo que llega: los cuadernos de una carpeta o de un zip de Moodle, Google Classroom o Drive, leídos sin fiarse.

Nada se extrae con el nombre que trae: se leen los bytes, con tope, y la carpeta del curso les pone nombre.
"""
import re
import stat
import zipfile
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from io import BytesIO
from pathlib import Path

from labkit.teacher.course import CourseError

ENTRIES, RATIO, TOTAL = 20_000, 200, 4_000      # cuántos archivos, cuánto se puede inflar uno, y los MB de todo
MOODLE = re.compile(r"^(?P<name>[^/]+?)_(?P<id>\d+)_assignsubmission_file_?/?(?P<file>.*)$")
SKIPPED = (".ipynb_checkpoints", "__MACOSX", ".git")
MEGA = 1_000_000


@dataclass(frozen=True)
class Arrival:
    """Un cuaderno que llegó. label: su ruta, como venía;  problem: por qué no se pudo leer, si no se pudo.

    person: el nombre que le puso Moodle a su carpeta;  moodle_id: el número de participante;  folder: esa carpeta.
    """
    label: str
    data: bytes
    modified: datetime
    problem: str = ""
    person: str = ""
    moodle_id: str = ""
    folder: str = ""


def arrivals(place: Path, megas: int) -> list[Arrival]:
    """Los cuadernos de una carpeta o un zip, con lo que se sabe de cada uno. CourseError si el zip es hostil."""
    if place.is_dir():
        found = list(_from_folder(place, megas))
    elif place.is_file() and zipfile.is_zipfile(place):
        found = list(_from_zip(place.read_bytes(), place.name, megas))
    elif place.is_file() and place.suffix == ".ipynb":
        found = [_read(place, place.name, megas)]
    else:
        raise CourseError(f"{place} no es una carpeta, un zip ni un cuaderno.")
    return [_with_moodle(arrival) for arrival in found]


def _from_folder(place: Path, megas: int) -> Iterator[Arrival]:
    for path in sorted(place.rglob("*")):
        label = path.relative_to(place).as_posix()
        if any(part in SKIPPED for part in path.parts):
            continue
        if path.is_symlink() or any(parent.is_symlink() for parent in path.parents if parent != place
                                    and place in parent.parents):
            yield _refused(label, "es un enlace, y podría llevar a otra parte")
        elif path.is_file() and _wanted(label):
            yield from _inside(_read(path, label, megas), megas)


def _read(path: Path, label: str, megas: int) -> Arrival:
    when = datetime.fromtimestamp(path.stat().st_mtime)
    if path.stat().st_size > megas * MEGA:
        return _refused(label, f"pesa más de {megas} MB", when)
    return Arrival(label, path.read_bytes(), when)


def _inside(arrival: Arrival, megas: int) -> Iterator[Arrival]:
    """El cuaderno o, si alguien subió un zip, los cuadernos que trae; uno hostil cuesta solo esa entrega."""
    if not arrival.label.casefold().endswith(".zip") or arrival.problem:
        yield arrival
        return
    try:
        inner = list(_from_zip(arrival.data, arrival.label, megas, nested=True))
    except CourseError as error:
        yield _refused(arrival.label, str(error), arrival.modified)
        return
    yield from inner or [_refused(arrival.label, "es un zip sin ningún cuaderno", arrival.modified)]


def _from_zip(data: bytes, name: str, megas: int, nested: bool = False) -> Iterator[Arrival]:
    try:
        package = zipfile.ZipFile(BytesIO(data))
    except zipfile.BadZipFile:
        raise CourseError(f"{name} no es un zip, o llegó cortado.") from None
    with package:
        entries = package.infolist()
        _refuse_hostile(entries, name)
        for entry in entries:
            label = f"{name}/{entry.filename}" if nested else entry.filename
            if entry.is_dir() or any(part in SKIPPED for part in Path(entry.filename).parts) or not _wanted(label):
                continue
            if nested and label.casefold().endswith(".zip"):
                yield _refused(label, "es un zip dentro de un zip dentro de otro")
            else:
                arrival = _unpack(package, entry, label, megas)
                yield from [arrival] if nested else _inside(arrival, megas)


def _refuse_hostile(entries: list[zipfile.ZipInfo], name: str) -> None:
    """CourseError si el zip trae rutas que salen de su carpeta, enlaces, o lo que se infla sin medida."""
    if len(entries) > ENTRIES:
        raise CourseError(f"{name} trae {len(entries)} archivos; el tope es {ENTRIES}. No lo abro.")
    for entry in entries:
        path = entry.filename.replace("\\", "/")
        if path.startswith("/") or ".." in path.split("/") or re.match(r"^[A-Za-z]:", path) or "\0" in path:
            raise CourseError(f"{name} trae una ruta que sale de su carpeta, {entry.filename!r}. No lo abro.")
        if stat.S_ISLNK(entry.external_attr >> 16):
            raise CourseError(f"{name} trae un enlace, {entry.filename!r}. No lo abro.")
        if entry.file_size > MEGA and entry.file_size > RATIO * max(1, entry.compress_size):
            raise CourseError(f"{name} trae {entry.filename!r}, que se infla {entry.file_size // MEGA} MB a partir de "
                              "casi nada: parece una bomba. No lo abro.")
    if sum(entry.file_size for entry in entries) > TOTAL * MEGA:
        raise CourseError(f"{name} se infla a más de {TOTAL} MB. No lo abro.")


def _unpack(package: zipfile.ZipFile, entry: zipfile.ZipInfo, label: str, megas: int) -> Arrival:
    try:
        when = datetime(*entry.date_time)
    except ValueError:                          # hay zips con el mes 0
        when = datetime(1980, 1, 1)
    try:
        with package.open(entry) as file:
            data = file.read(megas * MEGA + 1)  # lo que de verdad trae, diga lo que diga
    except (RuntimeError, zipfile.BadZipFile, NotImplementedError, OSError, EOFError):
        return _refused(label, "no se pudo abrir: está cifrado, o llegó cortado", when)
    if len(data) > megas * MEGA:
        return _refused(label, f"pesa más de {megas} MB", when)
    return Arrival(label, data, when)


def _wanted(label: str) -> bool:
    """Si puede ser una entrega: un cuaderno, un zip, o algo que Moodle recogió con cualquier nombre."""
    ends = label.casefold().endswith((".ipynb", ".zip", ".ipynb.json", ".ipynb.txt"))
    return ends or bool(MOODLE.match(label) and not label.endswith("/"))


def _refused(label: str, problem: str, when: datetime = datetime(1980, 1, 1)) -> Arrival:
    return Arrival(label, b"", when, problem)


def _with_moodle(arrival: Arrival) -> Arrival:
    found = MOODLE.match(arrival.label)
    if not found:
        return arrival
    folder = f"{found['name']}_{found['id']}_assignsubmission_file_"
    return Arrival(arrival.label, arrival.data, arrival.modified, arrival.problem, found["name"], found["id"], folder)

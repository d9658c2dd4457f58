"""Lo que llega: los cuadernos de una carpeta o de un zip de Moodle, Google Classroom o Drive, leídos sin fiarse.

Nada se extrae con el nombre que trae: se leen los bytes, con tope, y la carpeta del curso les pone nombre.
"""
import re
import stat
import zipfile
from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import datetime
from io import BytesIO
from pathlib import Path

from labkit.teacher.course import CourseError

ENTRIES, RATIO, TOTAL = 20_000, 200, 4_000      # cuántos archivos, cuánto se puede inflar uno, y los MB de todo
MOODLE = re.compile(r"(?:^|/)(?P<name>[^/]+?)_(?P<id>\d+)_assignsubmission_file_?/?(?P<file>.*)$")
PACKED = re.compile(r"\d{8}T\d{6}Z(-\d+)*\.zip$", re.IGNORECASE)      # como llama Drive a lo que baja junto
NOTEBOOKS = (".ipynb", ".ipynb.json", ".ipynb.txt")
OTHERS = (".pdf", ".html", ".htm", ".py", ".docx", ".doc", ".odt", ".rar", ".7z")   # lo que se manda por error
UNDATED = (1980, 1, 1)                          # la fecha de un zip que no guarda ninguna
SKIPPED = (".ipynb_checkpoints", "__MACOSX", ".git")
MEGA = 1_000_000


@dataclass(frozen=True)
class Arrival:
    """Un archivo que llegó. label: su ruta, como venía;  problem: por qué no se pudo leer, si no se pudo.

    modified: cuándo se entregó;  inside: si venía en un zip, la fecha que traía adentro, que no es la de la entrega.
    person: el nombre que le puso Moodle a su carpeta;  moodle_id: el número de participante;  folder: esa carpeta.
    """
    label: str
    data: bytes
    modified: datetime
    problem: str = ""
    person: str = ""
    moodle_id: str = ""
    folder: str = ""
    inside: datetime | None = None

    @property
    def is_notebook(self) -> bool:
        """Si por su nombre es un cuaderno."""
        return self.label.casefold().endswith(NOTEBOOKS)


def arrivals(place: Path, megas: int) -> list[Arrival]:
    """Los cuadernos de una carpeta o un zip, con lo que se sabe de cada uno. CourseError si el zip es hostil."""
    if not place.exists():
        raise CourseError(f"No existe {place}. Revisa cómo está escrita; si no empieza con / o con ~, se busca desde "
                          f"{Path.cwd()}.")
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
    inner = inner or [_refused(arrival.label, "es un zip sin ningún cuaderno", arrival.modified)]
    yield from inner if _is_batch(arrival.label, inner) else [_dated(each, arrival.modified) for each in inner]


def _is_batch(label: str, inner: list[Arrival]) -> bool:
    """Si ese zip es de todo el grupo, como lo baja Moodle o Drive: entonces cada archivo trae su propia fecha."""
    if MOODLE.search(label):
        return False
    return any(MOODLE.search(each.label) for each in inner) or len(inner) > 1 and bool(PACKED.search(label))


def _dated(arrival: Arrival, outer: datetime) -> Arrival:
    """Con la fecha en que se entregó su zip; la que trae adentro solo decide si aquella no se sabe."""
    return arrival if outer == datetime(*UNDATED) else replace(arrival, modified=outer, inside=arrival.modified)


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
        when = datetime(*UNDATED)
    try:
        with package.open(entry) as file:
            data = file.read(megas * MEGA + 1)  # lo que de verdad trae, diga lo que diga
    except (RuntimeError, zipfile.BadZipFile, NotImplementedError, OSError, EOFError):
        return _refused(label, "no se pudo abrir: está cifrado, o llegó cortado", when)
    if len(data) > megas * MEGA:
        return _refused(label, f"pesa más de {megas} MB", when)
    return Arrival(label, data, when)


def _wanted(label: str) -> bool:
    """Si puede ser una entrega: un cuaderno, un zip, un documento, o lo que Moodle recogió con cualquier nombre."""
    ends = label.casefold().endswith((*NOTEBOOKS, ".zip", *OTHERS))
    return ends or bool(MOODLE.search(label) and not label.endswith("/"))


def _refused(label: str, problem: str, when: datetime = datetime(*UNDATED)) -> Arrival:
    return Arrival(label, b"", when, problem)


def _with_moodle(arrival: Arrival) -> Arrival:
    found = MOODLE.search(arrival.label)
    if not found:
        return arrival
    return replace(arrival, person=found["name"], moodle_id=found["id"],
                   folder=moodle_folder(found["name"], found["id"]))


def moodle_folder(name: str, number: str) -> str:
    """La carpeta en que Moodle pone lo de una persona, y en la que espera sus comentarios."""
    clean = re.sub(r"[_/\\]+", " ", name).strip()
    return f"{clean}_{number}_assignsubmission_file_"

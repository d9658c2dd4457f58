"""Lo que cada quien hizo en celdas suyas, junto a lo que se lee a mano: su código, y lo que dejó guardado al correrlo.

Nada se ejecuta aquí: se leen las salidas que traía la entrega, con tope de tamaño, y solo texto, PNG y JPEG.
"""
import hashlib
import json
import re
from base64 import b64decode, b64encode
from binascii import Error as NotBase64
from dataclasses import dataclass
from pathlib import Path

from labkit.teacher.course import Course
from labkit.teacher.examples import findings
from labkit.teacher.mending import Unreadable, read_notebook
from labkit.teacher.tasks import grade_id_of, original, source_of, tasks

CELLS, LETTERS = 20, 4_000                      # por sección: cuántas celdas; y de cada una, cuántas letras
PICTURES, BYTES = 4, 300_000                    # de cada celda, cuántas figuras, y cuánto puede pesar cada una
STARTS = {"image/png": b"\x89PNG\r\n\x1a\n", "image/jpeg": b"\xff\xd8\xff"}
COLORS = re.compile(r"\x1b\[[0-9;]*[A-Za-z]")   # los de una terminal


@dataclass(frozen=True)
class Working:
    """Una celda de quien entrega. said: lo que imprimió;  pictures: (tipo, base64);  heavy: figuras que no caben."""
    is_code: bool
    source: str
    said: str = ""
    pictures: tuple[tuple[str, str], ...] = ()
    heavy: int = 0


def attempt_file(course: Course, lesson: str, key: str, attempt: str, name: str = "recibido.ipynb") -> Path:
    """Dónde está un archivo de un intento: el cuaderno como llegó, o «entrega.ipynb», el reparado."""
    return course.place("entregas", lesson, key, attempt, name)


def own_cells(book: dict, lesson: str) -> dict[str, list[dict]]:
    """Título de una sección → las celdas de quien entrega que hay en ella: las que agregó y las de código que cambió.

    book: el cuaderno ya reparado, donde solo tienen `id` las celdas del original.
    """
    known = {cell["id"]: cell["source"] for cell in original(lesson)["cells"]}
    found: dict[str, list[dict]] = {}
    title = ""
    for cell in book["cells"]:
        was = known.get(cell.get("id", ""))
        if was is not None and was.startswith("## "):
            title = was.removeprefix("## ").partition("\n")[0].strip()
        elif cell["source"].strip() and (was is None or cell["cell_type"] == "code" and cell["source"] != was):
            found.setdefault(title, []).append(cell)
    return found


def sections_shown(lesson: str) -> dict[str, list[str]]:
    """Celda que se lee a mano → las secciones que ayudan a leerla: los hallazgos que van antes, y al final la suya."""
    measured, found, before = findings(lesson), {}, []
    for task in tasks(lesson):
        if task.by_hand:
            found[task.grade_id] = [*before, task.title]
            before = []
        elif task.exercise in measured:
            before.append(task.title)
    return found


def prints(course: Course, lesson: str, key: str, attempt: str) -> dict[str, str]:
    """Celda → huella de lo que se contestó en ella en ese intento; vacío si el intento no se pudo leer.

    De lo que se lee a mano cuentan el texto y las celdas propias de su sección; de un ejercicio, la celda donde se
    contesta. Los espacios no cuentan.
    """
    path = attempt_file(course, lesson, key, attempt, "entrega.ipynb")
    return prints_of(json.loads(path.read_text(encoding="utf-8")), lesson) if path.is_file() else {}


def prints_of(book: dict, lesson: str) -> dict[str, str]:
    """Lo mismo que `prints`, de un cuaderno ya reparado."""
    own = own_cells(book, lesson)
    texts = {grade_id_of(cell): cell["source"] for cell in book["cells"] if grade_id_of(cell)}
    found = {}
    for task in tasks(lesson):
        beside = [cell["source"] for cell in own.get(task.title, [])] if task.by_hand else []
        words = [" ".join(source.split()) for source in (texts.get(task.answer, ""), *beside)]
        digest = hashlib.sha256("\n".join(words).encode()).hexdigest()
        found[task.grade_id] = f"t{digest[:11]}"            # con letra: que Excel no la tome por un número
    return found


def workings(course: Course, lesson: str, key: str, attempt: str) -> dict[str, list[Working]]:
    """Título de una sección → lo que hizo en ella, con las salidas que venían guardadas."""
    path = attempt_file(course, lesson, key, attempt, "entrega.ipynb")
    if not path.is_file():
        return {}
    kept = _outputs(attempt_file(course, lesson, key, attempt))
    found = {}
    for title, cells in own_cells(json.loads(path.read_text(encoding="utf-8")), lesson).items():
        found[title] = [_working(cell, next(iter(kept.get(_key(cell), [])), [])) for cell in cells[:CELLS]]
    return found


def _key(cell: dict) -> tuple[str, str]:
    return str(cell.get("cell_type")), " ".join(source_of(cell).split())


def _outputs(path: Path) -> dict[tuple[str, str], list[list]]:
    """Celda → las salidas de cada copia que llegó de ella."""
    try:
        given = read_notebook(path.read_bytes())["cells"]
    except (Unreadable, OSError):
        return {}
    found: dict[tuple[str, str], list[list]] = {}
    for cell in given:
        if isinstance(cell.get("outputs"), list) and cell["outputs"]:
            found.setdefault(_key(cell), []).append(cell["outputs"])
    return found


def _working(cell: dict, outputs: list) -> Working:
    given = [output for output in outputs if isinstance(output, dict)]
    drawn = [found for output in given if (found := _picture(output)) is not None]
    light = [(kind, data) for kind, data in drawn if data]
    said = "\n".join(filter(None, map(_said, given)))
    return Working(cell["cell_type"] == "code", _short(cell["source"]), _short(said), tuple(light[:PICTURES]),
                   len(drawn) - len(light[:PICTURES]))


def _said(output: dict) -> str:
    """Lo que una salida dice en texto; de una figura, nada."""
    data = output.get("data") if isinstance(output.get("data"), dict) else {}
    if output.get("output_type") == "error":
        found = f"{output.get('ename')}: {output.get('evalue')}"
    elif output.get("output_type") == "stream":
        found = _joined(output.get("text"))
    else:
        found = "" if set(STARTS) & set(data) else _joined(data.get("text/plain"))
    lines = COLORS.sub("", found).split("\n")
    return "\n".join(line.rstrip("\r").rpartition("\r")[2] for line in lines).rstrip()    # lo que una barra borró, no


def _picture(output: dict) -> tuple[str, str] | None:
    """(tipo, base64) de la figura de una salida; el base64, vacío si pesa de más o no es lo que dice ser."""
    data = output.get("data") if isinstance(output.get("data"), dict) else {}
    kind = next((kind for kind in STARTS if kind in data), None)
    if kind is None:
        return None
    text = "".join(_joined(data[kind]).split())
    try:
        raw = b64decode(text, validate=True) if len(text) <= 2 * BYTES else b""
    except (NotBase64, ValueError):
        raw = b""
    return kind, b64encode(raw).decode() if raw.startswith(STARTS[kind]) and len(raw) <= BYTES else ""


def _joined(value: object) -> str:
    pieces = value if isinstance(value, list) else [value]
    return "".join(piece for piece in pieces if isinstance(piece, str))


def _short(text: str) -> str:
    rest = len(text) - LETTERS
    return f"{text[:LETTERS]}\n… y {rest} letras más, en su cuaderno." if rest > 0 else text

"""Lo que se califica en un cuaderno de ejercicios: sus celdas de prueba y las que se leen a mano."""
import ast
import json
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

from labkit.teacher.course import ROOT


@dataclass(frozen=True)
class Task:
    """Algo que vale puntos. exercise y expression: qué revisa su celda de prueba; vacíos si se lee a mano.

    answer: el grade_id de la celda donde se contesta.  title y prompt: el título de su sección y lo que pide, en
    Markdown.
    """
    grade_id: str
    points: float
    answer: str
    exercise: str = ""
    expression: str = ""
    title: str = ""
    prompt: str = ""

    @property
    def by_hand(self) -> bool:
        """Si la lee una persona."""
        return not self.exercise


def original_path(lesson: str) -> Path:
    """El cuaderno de ejercicios de una lección, como se reparte."""
    return ROOT / "lessons" / f"{lesson}_ejercicios.ipynb"


@lru_cache(maxsize=None)
def lesson_title(lesson: str) -> str:
    """El nombre de una lección como lo dice su cuaderno: «Lección 5 · Disección de una red»."""
    first = next(line for line in original(lesson)["cells"][0]["source"].splitlines() if line.startswith("# "))
    title = first.removeprefix("# ").removeprefix("Ejercicios de la ").strip()
    return title[:1].upper() + title[1:]


@lru_cache(maxsize=None)
def original_text(lesson: str) -> str:
    """El JSON de ese cuaderno."""
    return original_path(lesson).read_text(encoding="utf-8")


def original(lesson: str) -> dict:
    """Una copia del cuaderno, como diccionario, con el texto de cada celda en una pieza."""
    book = json.loads(original_text(lesson))
    for cell in book["cells"]:
        cell["source"] = source_of(cell)
    return book


def source_of(cell: dict) -> str:
    """El texto de una celda, venga en una pieza o en renglones; vacío si no es texto."""
    source = cell.get("source", "")
    if isinstance(source, list):
        source = "".join(part for part in source if isinstance(part, str))
    return source if isinstance(source, str) else ""


def mark_of(cell: dict) -> dict:
    """Los metadatos de nbgrader de una celda, o un diccionario vacío."""
    metadata = cell.get("metadata")
    mark = metadata.get("nbgrader") if isinstance(metadata, dict) else None
    return mark if isinstance(mark, dict) else {}


def grade_id_of(cell: dict) -> str:
    """El nombre con que se califica una celda; vacío si no se califica."""
    return str(mark_of(cell).get("grade_id", ""))


def tasks(lesson: str) -> list[Task]:
    """Lo que vale puntos en esa lección, en el orden del cuaderno."""
    found, answer, title, prompt = [], "", "", ""
    for cell in original(lesson)["cells"]:
        mark = mark_of(cell)
        if cell["source"].startswith("## "):
            title, _, prompt = cell["source"].removeprefix("## ").partition("\n")
        if mark.get("solution"):
            answer = mark["grade_id"]
        if mark.get("grade"):
            checked = ("", "") if mark.get("solution") else _checked(cell["source"])
            found.append(Task(mark["grade_id"], float(mark["points"]), answer, *checked, title.strip(), prompt.strip()))
    return found


def asked_of(lesson: str) -> list[Task]:
    """Los ejercicios que revisa un programa."""
    return [task for task in tasks(lesson) if not task.by_hand]


def _checked(source: str) -> tuple[str, str]:
    """De `check("nombre", expresión)`, el nombre y la expresión."""
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id == "check":
            name, answer = node.args
            return ast.literal_eval(name), ast.unparse(answer)
    raise ValueError(f"Esa celda de prueba no llama a check: {source!r}")

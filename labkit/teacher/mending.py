"""Reparar un cuaderno entregado a partir del original: celdas duplicadas, que faltan, movidas o sin metadatos."""
import ast
import json
from collections import Counter
from copy import deepcopy
from dataclasses import dataclass, field
from pathlib import PurePosixPath

from labkit.teacher.roster import decode
from labkit.teacher.tasks import grade_id_of, mark_of, original, source_of

ENOUGH = 0.5                                    # qué parte de las celdas del original debe reconocerse
CELLS = 3_000                                   # un cuaderno con más celdas no es una entrega
OTHER = "llegó "                                # así empieza lo que se dice de un archivo que no es un cuaderno
MAGIC = {                                       # cómo empieza un archivo, y qué es
    b"%PDF": "un PDF", b"\x89PNG": "una imagen", b"\xff\xd8\xff": "una imagen", b"GIF8": "una imagen",
    b"PK\x03\x04": "un zip o un documento de Office", b"\xd0\xcf\x11\xe0": "un documento de Office",
    b"Rar!": "un archivo .rar", b"7z\xbc\xaf": "un archivo .7z", b"<": "una página web (HTML)",
}


class Unreadable(ValueError):
    """El archivo no es un cuaderno de esta lección, o está dañado; el mensaje dice qué se encontró."""


@dataclass
class Mended:
    """El cuaderno reparado, lo que se le hizo, y la llave que trae escrita (o vacío)."""
    book: dict
    repairs: list[str] = field(default_factory=list)
    account: str = ""


def read_notebook(data: bytes, name: str = "") -> dict:
    """El cuaderno que dicen esos bytes, en el formato de hoy. name: cómo se llamaba. Unreadable si no es uno."""
    try:
        book = json.loads(decode(data))
    except (ValueError, RecursionError):
        raise Unreadable(_why_not(data, name)) from None
    if not isinstance(book, dict) or not isinstance(book.get("nbformat"), int):
        raise Unreadable("el archivo no es un cuaderno de Jupyter")
    if book["nbformat"] != 4:
        import nbformat                         # tarda segundos en cargarse, y casi nunca hace falta

        try:
            book = json.loads(nbformat.writes(nbformat.reads(json.dumps(book), as_version=4)))
        except Exception as error:              # nbformat lanza de todo con un cuaderno mal hecho
            raise Unreadable(f"el cuaderno es de otra versión y no se convierte ({type(error).__name__})") from None
    cells = book.get("cells")
    if not isinstance(cells, list) or not all(isinstance(cell, dict) for cell in cells) or len(cells) > CELLS:
        raise Unreadable("el cuaderno no trae una lista de celdas que se pueda leer")
    for cell in cells:
        cell["source"] = source_of(cell)
    return book


def _why_not(data: bytes, name: str) -> str:
    """Por qué eso no se lee como un cuaderno: está vacío, es otra cosa o está dañado."""
    if not data.strip():
        return "el archivo está vacío"
    kind = next((kind for start, kind in MAGIC.items() if data.lstrip()[:8].startswith(start)), "")
    end = PurePosixPath(name).suffix.casefold()
    if not kind and end and ".ipynb" not in name.casefold():
        kind = f"un archivo {end}"
    return f"{OTHER}{kind}, no un cuaderno .ipynb" if kind else "el archivo está dañado: no es JSON"


def mend(data: bytes, lesson: str, name: str = "") -> Mended:
    """El cuaderno entregado, con las celdas del original en su lugar y las respuestas de quien lo entregó."""
    given, model = read_notebook(data, name)["cells"], original(lesson)
    owners = _owners(given, model["cells"])
    matched = {place for place in owners if place is not None}
    if len(matched) < ENOUGH * len(model["cells"]):
        raise Unreadable(f"no es el cuaderno de esta lección: de sus {len(model['cells'])} celdas reconozco "
                         f"{len(matched)}")
    repairs: list[str] = []
    chosen, extras = {}, {}
    last = -1
    for cell, place in zip(given, owners):
        if place is None:
            extras.setdefault(last, []).append(cell)
        else:
            chosen.setdefault(place, []).append(cell)
            last = place
    kept = [place for place in owners if place is not None]
    if sorted(dict.fromkeys(kept)) != list(dict.fromkeys(kept)):
        repairs.append("había celdas cambiadas de lugar: las regresé al suyo")
    book = {**model, "cells": [_plain(cell) for cell in extras.get(-1, [])]}
    for place, cell in enumerate(model["cells"]):
        book["cells"].append(_merged(cell, chosen.get(place, []), repairs))
        book["cells"] += [_plain(extra) for extra in extras.get(place, [])]
    return Mended(book, repairs, _account(book["cells"]))


def _owners(given: list[dict], model: list[dict]) -> list[int | None]:
    """Para cada celda entregada, cuál del original es: por su grade_id, su id, su texto o lo que define."""
    marks = {grade_id_of(cell): place for place, cell in enumerate(model) if grade_id_of(cell)}
    ids = {cell["id"]: place for place, cell in enumerate(model) if cell.get("id")}
    texts = {_key(cell): place for place, cell in enumerate(model) if cell["source"].strip()}
    names = {name: place for place, cell in enumerate(model) if cell["cell_type"] == "code"
             and mark_of(cell).get("solution") for name in _defined(cell["source"])}
    owners: list[int | None] = []
    for cell in given:
        place = marks.get(grade_id_of(cell))
        if place is None:
            place = texts.get(_key(cell))
        if place is None and isinstance(cell.get("id"), str):
            place = _same_kind(ids.get(cell["id"]), cell, model)
        owners.append(place)
    taken = {place for place in owners if place is not None}
    for number, cell in enumerate(given):
        if owners[number] is None and cell.get("cell_type") == "code":
            free = {names[name] for name in _defined(cell["source"]) if name in names} - taken
            owners[number] = min(free, default=None)
    return _by_neighbours(given, owners, model)


def _by_neighbours(given: list[dict], owners: list[int | None], model: list[dict]) -> list[int | None]:
    """Lo que se escribió a mano sin metadatos: la celda de texto que sigue a su enunciado."""
    taken = {place for place in owners if place is not None}
    previous: int | None = None
    for number, cell in enumerate(given):
        if owners[number] is not None:
            previous = owners[number]
        elif previous is not None and previous + 1 < len(model) and previous + 1 not in taken:
            wanted = model[previous + 1]
            needed = mark_of(wanted).get("solution") or wanted["source"].startswith("ACCOUNT =")
            if needed and wanted["cell_type"] == cell.get("cell_type"):
                owners[number] = previous = previous + 1
                taken.add(previous)
    return owners


def _same_kind(place: int | None, cell: dict, model: list[dict]) -> int | None:
    return place if place is not None and model[place]["cell_type"] == cell.get("cell_type") else None


def _key(cell: dict) -> tuple[str, str]:
    return str(cell.get("cell_type")), " ".join(cell["source"].split())


def _defined(source: str) -> set[str]:
    """Los nombres que un código define en su primer nivel: funciones, clases y variables."""
    try:
        body = ast.parse(source).body
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        body = []
    found = {node.name for node in body if isinstance(node, (ast.FunctionDef, ast.ClassDef))}
    for node in body:
        targets = node.targets if isinstance(node, ast.Assign) else [node.target] if isinstance(node, ast.AnnAssign) \
            else []
        found |= {target.id for target in targets if isinstance(target, ast.Name)}
    return found


def _merged(model: dict, copies: list[dict], repairs: list[str]) -> dict:
    """La celda del original con lo que en ella se escribió; si llegaron varias, la última que se haya editado."""
    cell, mark = deepcopy(model), mark_of(model)
    name = mark.get("grade_id", "")
    edited = [copy for copy in copies if _key(copy) != _key(model) and copy.get("cell_type") == model["cell_type"]]
    if name and not copies:
        repairs.append(f"faltaba la celda {name}: puse la del original")
    if name and len(copies) > 1:
        repairs.append(f"la celda {name} estaba {len(copies)} veces: me quedé con la última que se editó")
    if mark and not mark.get("solution"):       # las celdas de prueba son siempre las del original
        if edited:
            repairs.append(f"la celda de prueba {name} estaba cambiada: puse la del original")
    elif edited:
        cell["source"] = edited[-1]["source"]
    if name and copies and not any(grade_id_of(copy) for copy in copies):
        repairs.append(f"la celda {name} venía sin sus metadatos: se los devolví")
    return cell


def _plain(cell: dict) -> dict:
    """Una celda de quien entrega, sin salidas ni marcas que puedan confundirse con las nuestras."""
    kind = cell.get("cell_type") if cell.get("cell_type") in ("code", "markdown", "raw") else "raw"
    plain = {"cell_type": kind, "metadata": {}, "source": cell["source"]}
    return {**plain, "outputs": [], "execution_count": None} if kind == "code" else plain


def _account(cells: list[dict]) -> str:
    """La llave que está escrita en el cuaderno, solo con dígitos; vacío si no hay ninguna."""
    found = ""
    for cell in cells:
        if cell["cell_type"] == "code" and "ACCOUNT" in cell["source"]:
            for node in _assignments(cell["source"]):
                found = "".join(letter for letter in str(node.value) if letter.isdigit()).lstrip("0") or found
    return found


def _assignments(source: str) -> list[ast.Constant]:
    try:
        body = ast.parse(source).body
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        return []
    return [node.value for node in body if isinstance(node, ast.Assign) and isinstance(node.value, ast.Constant)
            and any(isinstance(target, ast.Name) and target.id == "ACCOUNT" for target in node.targets)]


def summary(repairs: list[str]) -> str:
    """Las reparaciones en una frase; si a muchas celdas les pasó lo mismo, una sola vez."""
    kinds = Counter("metadatos" if "metadatos" in repair else repair for repair in repairs)
    return "; ".join(f"{count} celdas venían sin sus metadatos" if text == "metadatos" else text
                     for text, count in kinds.items())

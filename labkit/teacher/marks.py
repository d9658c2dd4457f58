"""Lo que una persona puso a mano, en manual/LECCIÓN.csv: leerlo, saber para qué texto vale, y agregarle renglones.

Cada renglón guarda la huella de lo que se leyó. Si llega un intento con otra cosa en esa celda, sus puntos ya no
cuentan: hay que leerla. A los renglones sin huella, `grade` se la pone antes de calificar otro intento. Mientras no la
tenga, una corrección, que trae su motivo, vale para lo calificado; lo demás, si la celda dice lo mismo en los intentos
de antes.
"""
import csv
import json
from io import StringIO
from itertools import takewhile
from pathlib import Path

from labkit.files import write_text
from labkit.teacher.collecting import attempts
from labkit.teacher.course import KEYS, Course, CourseError
from labkit.teacher.pages import counted
from labkit.teacher.roster import decode, read_table, safe_cell, write_table
from labkit.teacher.tasks import Task, tasks
from labkit.teacher.veil import alias
from labkit.teacher.workings import prints

SECOND = "_segunda"                             # manual/LECCIÓN_segunda.csv: lo que puso quien leyó después
MANUAL = ("llave", "celda", "puntos", "comentario", "motivo", "quien", "fecha", "huella")
Marks = dict[tuple[str, str], dict]


def manual_path(course: Course, lesson: str, suffix: str = "") -> Path:
    """Dónde está el CSV de una lección."""
    return course.place("manual", f"{lesson}{suffix}.csv")


def hand_rows(course: Course, lesson: str, suffix: str = "") -> list[dict]:
    """Los renglones de las celdas de alguien, con su llave, su huella y su «renglón»; «puntos» es un número o «».

    CourseError si uno con puntos no puede ser: en una celda que revisa un programa es una corrección, y ha de decir su
    motivo. En vez de la llave puede venir el seudónimo de la rúbrica sin nombres.
    """
    path = manual_path(course, lesson, suffix)
    if not path.is_file():
        return []
    known, owners = {task.grade_id: task for task in tasks(lesson)}, _owners(course, lesson)
    found = []
    for line, row in enumerate(read_table(path), start=2):
        points = _points(row, known, owners, f"{path.name}, renglón {line}") if row.get("puntos") else ""
        if row.get("llave") in owners and row.get("celda") in known:
            found.append({**row, "llave": owners[row["llave"]], "puntos": points, "huella": row.get("huella") or "",
                          "renglón": line})
    return found


def hand_marks(course: Course, lesson: str, suffix: str = "") -> Marks:
    """(llave, celda) → el último renglón con puntos; en «anteriores», los que llevaba antes, del primero al último."""
    found: Marks = {}
    for row in hand_rows(course, lesson, suffix):
        if row["puntos"] != "":
            place = row["llave"], row["celda"]
            before = [*found[place]["anteriores"], found[place]] if place in found else []
            found[place] = {**row, "anteriores": before}
    return found


def old_words(mark: dict) -> str:
    """Lo puesto a otro texto, con palabras: «1 punto, de otro texto»."""
    which = "de otro texto" if mark.get("huella") else "y no dice de cuál de sus intentos"
    return f"{counted(mark['puntos'], 'punto')}, {which}"


def sort_marks(course: Course, lesson: str, key: str, attempt: str, marks: Marks) -> tuple[dict, dict]:
    """De una persona: celda → lo puesto a mano que vale para ese intento; y celda → lo que era de otro, o no se sabe.

    A lo que vale se le agrega «antes», el renglón que corrigió, o None si no corrigió ninguno; a lo que no, «ahora», la
    huella con que valdría.
    """
    mine = {cell: mark for (who, cell), mark in marks.items() if who == key}
    if not mine:
        return {}, {}
    now = prints(course, lesson, key, attempt)
    names = [receipt["intento"] for receipt in attempts(course, lesson, key)]
    others = [prints(course, lesson, key, name) for name in takewhile(lambda name: name != attempt, names)]
    good, stale = {}, {}
    for cell, mark in mine.items():
        rows = [*mark.get("anteriores", ()), mark]
        last = max((place for place, row in enumerate(rows) if _counts(row, cell, now, others)), default=None)
        if last is None:
            stale[cell] = {**mark, "ahora": now[cell]}
        else:                                   # lo que corrigió era de este texto, o no decía de cuál
            before = [row for row in rows[:last] if row.get("huella") in ("", None, now.get(cell, row.get("huella")))]
            good[cell] = {**rows[last], "antes": before[-1] if before else None}
    return good, stale


def _counts(mark: dict, cell: str, now: dict[str, str], others: list[dict[str, str]]) -> bool:
    if cell not in now:                         # ya no está el cuaderno con que se calificó: no hay con qué comparar
        return True
    if mark.get("huella"):
        return mark["huella"] == now[cell]
    return bool(mark.get("motivo")) or all(other.get(cell, now[cell]) == now[cell] for other in others)


def seal_marks(course: Course, lesson: str) -> None:
    """Antes de calificar otro intento: a lo puesto sin huella, la de lo que dice el intento que está calificado.

    No se toca lo que no se sabe de cuál de sus intentos es.
    """
    for suffix in ("", SECOND):
        path = manual_path(course, lesson, suffix)
        if path.is_file():
            found = {row: sealed for row, mark in enumerate(read_table(path))
                     if (sealed := _seal(course, lesson, mark, _owners(course, lesson)))}
            if found:
                _seal_rows(path, found)


def _seal(course: Course, lesson: str, mark: dict, owners: dict[str, str]) -> str:
    """La huella que le toca a un renglón; vacío si ya tiene, si no tiene puntos, o si no se sabe."""
    key, cell = owners.get(mark.get("llave", ""), ""), mark.get("celda", "")
    path = course.place("calificaciones", lesson, f"{key}.json")
    if mark.get("huella") or not mark.get("puntos") or not key or not path.is_file():
        return ""
    attempt = json.loads(path.read_text(encoding="utf-8"))["intento"]
    good, _ = sort_marks(course, lesson, key, attempt, {(key, cell): mark})
    return prints(course, lesson, key, attempt).get(cell, "") if good else ""


def add_rows(path: Path, rows: list[dict]) -> None:
    """Agrega renglones al CSV, que se hace si no está; los que ya hay quedan como estaban, y con su mismo separador."""
    if not path.is_file():
        write_table(path, MANUAL, rows)
    elif rows:
        heads, lines, mark = _read_lines(path)
        _write_lines(path, heads, [*lines, *([safe_cell(row.get(name, "")) for name in heads] for row in rows)], mark)


def _seal_rows(path: Path, sealed: dict[int, str]) -> None:
    heads, lines, mark = _read_lines(path)
    for row, print_ in sealed.items():
        lines[row][heads.index("huella")] = print_
    _write_lines(path, heads, lines, mark)


def _read_lines(path: Path) -> tuple[list[str], list[list[str]], str]:
    """Los encabezados de un CSV, con los que le faltaban al final, sus renglones tal cual, y el separador."""
    text = decode(path.read_bytes())
    mark = max(",;\t", key=text.split("\n", 1)[0].count)
    given, *lines = (line for line in csv.reader(StringIO(text), delimiter=mark) if line)
    heads = [name.strip() for name in given]
    heads += [name for name in MANUAL if name not in heads]
    return heads, [[*line, *[""] * (len(heads) - len(line))] for line in lines], mark


def _write_lines(path: Path, heads: list[str], lines: list[list[str]], mark: str) -> None:
    out = StringIO()
    csv.writer(out, delimiter=mark, lineterminator="\n").writerows([heads, *lines])
    try:
        write_text(path, "\ufeff" + out.getvalue())
    except PermissionError:
        raise CourseError(f"No puedo escribir {path}: ¿está abierto en otro programa? Ciérralo y repite.") from None


def _points(row: dict, known: dict[str, Task], owners: dict[str, str], where: str) -> float:
    """Los puntos de un renglón. CourseError si no son posibles."""
    task = known.get(row.get("celda", ""))
    if task is None:
        raise CourseError(f"{where}: no hay una celda «{row.get('celda')}». Las que hay: {', '.join(known)}.")
    points = _number(row["puntos"], where)
    if not 0 <= points <= task.points:
        raise CourseError(f"{where}: {row['puntos']} puntos en {task.grade_id}, que vale {task.points:g}.")
    if not task.by_hand and not row.get("motivo"):
        raise CourseError(f"{where}: corrige lo que dijo la revisión de {task.grade_id}; escribe el motivo.")
    if row.get("llave") not in owners:
        raise CourseError(f"{where}: nadie tiene la llave «{row.get('llave')}».")
    return points


def _owners(course: Course, lesson: str) -> dict[str, str]:
    """Llave o seudónimo → llave."""
    path = course.place(KEYS)
    keys = [row["llave"] for row in read_table(path)] if path.is_file() else []
    return {**{key: key for key in keys}, **{alias(course, key, lesson): key for key in keys}}


def _number(text: str, where: str) -> float:
    try:
        return float(text.replace(",", "."))
    except ValueError:
        raise CourseError(f"{where}: «{text}» no es un número.") from None

"""El plano de la casa, leído de donde está escrito: la descripción de labkit/__init__.py."""
import ast
import re
from pathlib import Path
from typing import NamedTuple

PACKAGE = Path(__file__).resolve().parent.parent / "labkit"
NETWORKS = ("models", "priors")                                 # redes: quien estudia las usa, y no hace falta que las lea
HALVES = ("counterfactuals", "experiments")                     # las lecciones b
LATER = ("sequences", "tabular")                                # lo que sigue a la lección 5


class Room(NamedTuple):
    """Un cuarto: en qué piso está y quién lo lee (E, T, I u O, como dice el plano)."""
    floor: int
    reader: str


def read_plan(text: str) -> dict[str, Room]:
    """Los cuartos del plano, por nombre. ValueError si uno está dos veces."""
    rooms, floor = {}, None
    for line in text.splitlines():
        if heading := re.match(r" {4}Piso (\d):", line):
            floor = int(heading[1])
        elif floor is not None and (row := re.match(r" {8}([ETIO])  (\w+) +\S", line)):
            if row[2] in rooms:
                raise ValueError(f"El plano pone dos veces a {row[2]}.")
            rooms[row[2]] = Room(floor, row[1])
    return rooms


def plan() -> dict[str, Room]:
    """El plano de hoy."""
    return read_plan(ast.get_docstring(ast.parse((PACKAGE / "__init__.py").read_text(encoding="utf-8"))))


def modules() -> dict[str, str]:
    """Ruta dentro de labkit → texto, para cada módulo."""
    return {path.relative_to(PACKAGE).as_posix(): path.read_text(encoding="utf-8") for path in sorted(PACKAGE.rglob("*.py"))}


def room_of(path: str) -> str:
    """A qué cuarto pertenece un archivo: occlusion.py → occlusion; exercises/verdict.py → exercises."""
    return path.removesuffix(".py").split("/")[0]


def student_part() -> dict[str, int]:
    """Las líneas de cada módulo que lee quien estudia las lecciones 1 a 5, sin las b, las redes ni la ruta rápida de la disección."""
    rooms = {name for name, room in plan().items() if room.reader == "E"} - {*NETWORKS, *HALVES, *LATER}
    return {path: len(text.splitlines()) for path, text in modules().items()
            if room_of(path) in rooms and not path.startswith("dissection/fast/")}


def student_tests() -> list[str]:
    """Las pruebas de lo que lee y toca quien estudia, sin las de los ejercicios: se corren también con otras versiones."""
    rooms = sorted(name for name, room in plan().items() if room.reader in "ET" and name != "exercises")
    here = Path(__file__).resolve().parent
    found = [path for name in rooms for path in (here / f"test_{name}.py", *here.glob(f"test_{name}_*.py")) if path.exists()]
    return [path.relative_to(here.parent).as_posix() for path in sorted({*found})]

"""Las tablas ya medidas de la lección 1b."""
import csv
from io import StringIO

import torch
from torch import Tensor

from labkit.files import read_data

Table = dict[str, Tensor | list[str]]


def load_measures(name: str) -> Table:
    """Una tabla de data/contrafactuales, por columnas: «caidas», «mapas», «cascada», «borrado» o «redes».

    Las de números son tensores (r,); las demás, listas de textos. Las escribe data/build/measure_counterfactuals.py.
    FileNotFoundError si no hay tal tabla.
    """
    rows = list(csv.DictReader(StringIO(read_data("contrafactuales", f"{name}.csv").decode("utf-8"))))
    return {field: _column([row[field] for row in rows]) for field in rows[0]}


def fallen(table: Table, what: str, letter: str = "m") -> Tensor:
    """Cuánto cae, en cada renglón de «caidas», el margen (m) o la probabilidad (p): (r,).

    what: «verdad», sin la parte; o el relleno: «negro», «media», «desenfoque», «ruido», «limpiador» o «detrás».
    """
    return table[f"{letter} antes"] - table[f"{letter} {what}"]


def kinds(removed: list[str]) -> list[str]:
    """Qué se quita en cada variante: «objeto», «parte» o «pareja»."""
    return ["objeto" if name == "objeto" else "pareja" if " + " in name else "parte" for name in removed]


def rows_where(table: Table, **wanted: str | float) -> Tensor:
    """En qué renglones cada columna nombrada tiene ese valor: (r,) de verdaderos y falsos."""
    rows = torch.ones(len(next(iter(table.values()))), dtype=torch.bool)
    for field, value in wanted.items():
        rows &= torch.tensor([cell == value for cell in table[field]])
    return rows


def _column(cells: list[str]) -> Tensor | list[str]:
    try:
        return torch.tensor([float(cell) for cell in cells], dtype=torch.float64)
    except ValueError:
        return cells

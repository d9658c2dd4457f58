"""Tablas que no son las nuestras: una tuya, en un archivo CSV, y una real que trae scikit-learn.

Nada se quita ni se rellena a escondidas: si falta un valor o sobra una opción, se dice en qué renglón y en qué columna.
"""
import csv
import math
from io import StringIO
from pathlib import Path
from typing import NamedTuple

import torch
from sklearn.datasets import load_breast_cancer
from torch import Tensor

from labkit.tabular.columns import Choice, Column, Columns, Number, Record

# así se suele escribir que un valor falta
MISSING = ("", "na", "nan", "n/a", "#n/a", "null", "none", "?", "s/d", "-", "--", "—")
MOST_OPTIONS = 30
# los nombres de scikit-learn, en su orden, y qué mide cada uno; todos son el promedio de los núcleos de una imagen
TUMOR_COLUMNS = (("radio", "distancia del centro al borde"), ("textura", "desviación de los grises"),
                 ("perímetro", "largo del borde"), ("área", "lo que encierra el borde"),
                 ("suavidad", "cuánto cambia el radio de un lugar al de junto"),
                 ("compacidad", "qué tan poco redondo: perímetro² / área − 1, en otra escala"),
                 ("concavidad", "qué tan hondas son las entradas del borde"),
                 ("puntos cóncavos", "cuántas entradas tiene el borde, en otra escala"),
                 ("simetría", "qué tan distintas son sus mitades"),
                 ("dimensión fractal", "qué tan enredado es el borde"))


class Table(NamedTuple):
    """Una tabla: sus columnas, sus renglones (n, d), si cada uno es verdadero, (n,), y qué quiere decir verdadero."""
    columns: Columns
    rows: Tensor
    labels: Tensor
    positive: str


def load_tumors() -> Table:
    """569 tumores de mama, con diez medidas de los núcleos de sus células cada uno; verdadero, si es maligno.

    Es Breast Cancer Wisconsin (Diagnostic), de Wolberg, Street y Mangasarian (1993), doi:10.24432/C5DW2B, y
    viene con scikit-learn: no se descarga nada. El largo está en la escala de las imágenes, que el conjunto no dice.
    """
    data = load_breast_cancer()
    values = torch.tensor(data.data[:, :len(TUMOR_COLUMNS)], dtype=torch.float64)
    low, high = values.amin(0), values.amax(0)
    names = [name for name, _ in TUMOR_COLUMNS]
    columns = Columns([Number(name, float(a), float(b)) for name, a, b in zip(names, low, high)])
    rows = ((values - low) / (high - low)).float()
    return Table(columns, rows, torch.tensor(data.target) == 0, "maligno")


def roundness(columns: Columns, rows: Tensor) -> Tensor:
    """4πA / P² de cada renglón con «área» y «perímetro», (n,): 1 en un círculo. Ninguna figura plana pasa de 1."""
    records = columns.decode(rows)
    return torch.tensor([4 * math.pi * record["área"] / record["perímetro"] ** 2 for record in records])


def read_table(source: str | Path, target: str, positive: str) -> Table:
    """Una tabla tuya: un archivo CSV, o su texto, con nombres de columna en el primer renglón.

    target: la columna que la red debe decir;  positive: el valor de esa columna que cuenta como verdadero. De lo demás,
    una columna en que todo son números es de números, del menor al mayor que haya; si no, de opciones.
    Error: ValueError que dice renglón y columna de cada valor que falta o que sobra.
    """
    names, lines = _read_lines(source)
    if target not in names:
        raise ValueError(f"target: no hay una columna «{target}». Las columnas son: {', '.join(names)}.")
    _refuse_missing(names, lines)
    answers = [line[names.index(target)] for line in lines]
    if positive not in answers or len(set(answers)) < 2:
        raise ValueError(f"positive: en «{target}» hay {', '.join(sorted(set(answers))[:6])}; esperaba «{positive}» y "
                         "al menos otro valor.")
    cells = {name: [line[i] for line in lines] for i, name in enumerate(names) if name != target}
    columns = Columns([_guess_column(name, values) for name, values in cells.items()])
    rows = columns.encode([dict(zip(names, line)) for line in lines])
    return Table(columns, rows, torch.tensor([answer == positive for answer in answers]), positive)


def read_rows(source: str | Path, columns: Columns) -> Tensor:
    """Renglones nuevos, (n, d), de un CSV o de su texto, con esas columnas; las que sobran no se usan.

    Error: ValueError que dice qué columna falta, o renglón y columna de cada valor que no se puede usar.
    """
    names, lines = _read_lines(source)
    lost = [name for name in columns.names if name not in names]
    if lost:
        raise ValueError(f"A la tabla le falta la columna {', '.join(lost)}. Tiene {', '.join(names)}.")
    return columns.encode([_record(names, line) for line in lines])


def write_rows(columns: Columns, rows: Tensor) -> str:
    """Unos renglones (n, d) como texto CSV: lo que `read_rows` lee."""
    text = StringIO()
    writer = csv.DictWriter(text, columns.names, lineterminator="\n")
    writer.writeheader()
    writer.writerows(columns.decode(rows))
    return text.getvalue()


def _read_lines(source: str | Path) -> tuple[list[str], list[list[str]]]:
    """Los nombres de las columnas y los renglones, sin los que están en blanco por completo."""
    if not isinstance(source, (str, Path)):
        raise ValueError(f"source: esperaba el nombre de un archivo CSV, o su texto, y recibí {type(source).__name__}.")
    written = isinstance(source, str) and ("\n" in source or not source.strip())
    text = (str(source) if written else _read_file(Path(source))).lstrip("\ufeff")
    separator = max(",;\t", key=text.partition("\n")[0].count)
    lines = [[cell.strip() for cell in line] for line in csv.reader(StringIO(text), delimiter=separator)]
    lines = [line for line in lines if any(line)]
    if len(lines) < 2:
        raise ValueError("La tabla está vacía: hacen falta los nombres de las columnas y al menos un renglón.")
    names, rows = lines[0], lines[1:]
    if "" in names or len(set(names)) < len(names):
        raise ValueError(f"El primer renglón debe traer un nombre distinto por columna, y trae {', '.join(names)}.")
    ragged = [f"el {i} tiene {len(line)}" for i, line in enumerate(rows, 1) if len(line) != len(names)]
    if ragged:
        raise ValueError(f"Hay {len(names)} columnas, y no todos los renglones tienen una celda por columna: "
                         f"{', '.join(ragged[:5])}. ¿Hay una coma de más? Va entre comillas.")
    return names, rows


def _read_file(path: Path) -> str:
    if not path.is_file():
        raise FileNotFoundError(f"No encuentro la tabla {path}: revisa el nombre, o súbela junto al cuaderno.")
    if path.read_bytes()[:2] == b"PK":                                  # así empieza un .xlsx o un .ods
        raise ValueError(f"{path.name} es un libro de hoja de cálculo, no un CSV: guárdalo como «CSV UTF-8».")
    try:
        return path.read_text(encoding="utf-8-sig")
    except UnicodeDecodeError:
        raise ValueError(f"{path.name} no está en UTF-8: guárdalo como «CSV UTF-8» desde tu hoja de cálculo.") from None


def _refuse_missing(names: list[str], lines: list[list[str]]) -> None:
    found = [f"renglón {i}, columna «{name}»: falta el valor." for i, line in enumerate(lines, 1)
             for name, cell in zip(names, line) if cell.lower() in MISSING]
    if found:
        more = f"\n… y {len(found) - 10} más." if len(found) > 10 else ""
        raise ValueError("La tabla no se leyó, y no se quitó ningún renglón. Completa o quita tú:\n"
                         + "\n".join(found[:10]) + more)


def _guess_column(name: str, cells: list[str]) -> Column:
    """La columna que dicen sus celdas: de números si todas lo son, y si no de opciones."""
    numbers = [_as_number(cell) for cell in cells]
    if None not in numbers:
        low, high = min(numbers), max(numbers)
        if low == high:
            raise ValueError(f"La columna «{name}» vale siempre {cells[0]}: quítala, que no dice nada.")
        return Number(name, low, high, step=1 if all(number.is_integer() for number in numbers) else 0)
    options, odd = tuple(sorted(set(cells))), numbers.index(None) + 1
    if 2 * sum(map(_seems_number, cells)) > len(cells):
        raise ValueError(f"La columna «{name}» parece de números, y el renglón {odd} dice «{cells[odd - 1]}»: "
                         "escríbelo con cifras y un punto, como 1000 o 1.5. Si es de opciones, ponles una letra a "
                         "todas, como «clave 3».")
    if len(options) > MOST_OPTIONS:
        raise ValueError(f"La columna «{name}» tiene {len(options)} opciones, más de {MOST_OPTIONS}. Si es de números, "
                         f"revisa el renglón {odd}, «{cells[odd - 1]}»; si es un nombre o una clave, quítala.")
    if len(options) < 2:
        raise ValueError(f"La columna «{name}» vale siempre «{cells[0]}»: quítala, que no dice nada.")
    return Choice(name, options)


def _as_number(cell: str) -> float | None:
    try:
        number = float(cell)
    except ValueError:
        return None
    return number if math.isfinite(number) else None


def _seems_number(cell: str) -> bool:
    """Si una celda se lee como número, también con signo de pesos, de por ciento o comas: «$1,000», «12 %», «1,5»."""
    plain = cell.strip("$% ").replace(",", "").replace(" ", "")
    return plain.lower().lstrip("+-") in ("inf", "infinity") or _as_number(plain) is not None


def _record(names: list[str], line: list[str]) -> Record:
    """Un renglón como columna → celda; lo que está escrito como faltante queda en blanco."""
    return {name: "" if cell.lower() in MISSING else cell for name, cell in zip(names, line)}

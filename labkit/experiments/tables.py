"""Las tablas de los experimentos de la lección 5b.

Las hace `data/build/make_experiments.py` con redes chicas de varias semillas; `publicadas` son las 27 del artículo.
"""
import csv
from collections.abc import Callable, Sequence
from functools import lru_cache
from io import StringIO
from statistics import fmean

from labkit.files import read_data
from labkit.measures import Gap

TABLES = ("redes", "unidades", "giro", "direcciones", "generador", "sorteos", "publicadas")
Row = dict[str, str | float]
Tables = Callable[..., list[Row]]           # `load_table`, o una que lea tablas de mentira
TRAININGS = {"ImageNet + Places205": "ImageNet y Places205", "tracking": "seguir objetos en video",
             "objectcentric": "objetos en video", "audio": "predecir el sonido",
             "moving": "cómo se movió la cámara", "colorization": "colorear", "puzzle": "armar rompecabezas",
             "cross-channel": "un canal a partir de otro", "egomotion": "el movimiento propio",
             "context": "qué pedazo va al lado", "frameorder": "el orden de los cuadros",
             "random weights": "pesos al azar"}


def load_table(name: str, **wanted: str | float) -> list[Row]:
    """Los renglones de una tabla de data/experimentos, uno por diccionario; los números, como números.

    name: «redes», «unidades», «giro», «direcciones», «generador», «sorteos» o «publicadas».  wanted: solo los renglones
    que en esas columnas tengan esos valores. Una casilla vacía es "".  ValueError si no hay tal tabla o columna.
    """
    if name not in TABLES:
        raise ValueError(f"name: no hay una tabla {name!r}. Las que hay: {', '.join(TABLES)}.")
    rows = _parsed(read_data("experimentos", f"{name}.csv"))
    if missing := set(wanted) - set(rows[0]):
        raise ValueError(f"wanted: la tabla {name} no tiene «{missing.pop()}». Sus columnas: {', '.join(rows[0])}.")
    return [dict(row) for row in rows if all(row[field] == value for field, value in wanted.items())]


def experiment(variant: str) -> list[Row]:
    """Las redes de un experimento, una por semilla, ya entrenadas y en su última convolución."""
    rows = load_table("redes", variant=variant, step="")
    if not rows:
        known = dict.fromkeys(str(row["variant"]) for row in load_table("redes"))
        raise ValueError(f"variant: no hay un experimento {variant!r}. Los que hay: {', '.join(known)}.")
    return [row for row in rows if row["layer"] == rows[-1]["layer"]]


def spread_text(rows: Sequence[Row], field: str = "unique") -> str:
    """El promedio de una columna y entre qué valores va, escrito: «24.3 (de 22 a 27)»."""
    values = column(rows, field)
    return f"{fmean(values):.1f} (de {min(values):g} a {max(values):g})"


def published_kinds(row: Row) -> tuple[str, str, str]:
    """De un renglón de «publicadas»: su nombre en español, con qué datos aprendió y su arquitectura."""
    training, network = str(row["training"]), str(row["network"])
    family = network.split()[0].rstrip("0123456789")
    told = TRAININGS.get(training, training)
    if training == "random weights":
        return f"{network} · {told}", "pesos al azar", family
    if "Places" in training or training == "ImageNet":
        data = "ImageNet y Places" if "+" in training else training.rstrip("0123456789")
        return f"{network} · {told}", data, family
    return f"{network} · {told}", "sin etiquetas", family


def column(rows: Sequence[Row], field: str) -> list[float]:
    """Los números de una columna."""
    return [float(row[field]) for row in rows]


def agreement(gap: Gap, sign: int) -> str:
    """Si la diferencia va como se esperaba (sign +1: sube; −1: baja), si va al revés o si no se distingue de cero."""
    if gap.low <= 0 <= gap.high:
        return "no se distingue"
    return "de acuerdo" if gap.mean * sign > 0 else "al revés"


@lru_cache(maxsize=8)
def _parsed(data: bytes) -> list[Row]:
    """Los renglones de un CSV; se leen una vez, y quien los pide recibe copias."""
    lines = csv.DictReader(StringIO(data.decode("utf-8")))
    return [{field: _value(cell) for field, cell in row.items()} for row in lines]


def _value(cell: str) -> str | float:
    try:
        return float(cell)
    except ValueError:
        return cell

"""La tabla de todas las unidades de una disección: en la página, y en un CSV para quien quiera trabajarla."""
import csv
import io
from collections import Counter
from html import escape
from typing import NamedTuple

from labkit.activations import Unit
from labkit.commands.evidence import Evidence
from labkit.dissection.labels import DETECTOR_IOU, KINDS
from labkit.measures import RIVALS

COLUMNS = ("unidad", "estado", "concepto", "categoría", "IoU", "nombres posibles", "imágenes de la unidad",
           "imágenes del concepto", "p", "p corregida", "aguanta")
NUMBERS = ("IoU", "imágenes de la unidad", "imágenes del concepto", "p", "p corregida")
SHOWN = 3                                       # nombres posibles que caben en la página
NOTHING = "–"


class Row(NamedTuple):
    """Lo que se dice de una unidad; None, lo que no se midió.

    state: "detecta", "no llega" (a 0.04) o "muda".  possible: los nombres posibles, el mejor primero.  lit: en cuántas
    imágenes llega a su umbral;  seen: en cuántas está su concepto.
    """
    unit: str
    state: str
    concept: str
    category: str
    iou: float
    possible: list[str]
    lit: int | None
    seen: int | None
    p: float | None
    corrected: float | None
    survives: bool | None


def unit_rows(evidence: Evidence) -> list[Row]:
    """Un renglón por unidad, del mayor IoU al menor; las mudas, al final."""
    found, rows = evidence.found, []
    best, which = found.iou().max(1)
    names, survives = full_names(evidence), evidence.survives().tolist()
    for unit in sorted(range(len(best)), key=lambda unit: (bool(found.dead[unit]), -float(best[unit]), unit)):
        dead, value, k = bool(found.dead[unit]), float(best[unit]), int(which[unit])
        state = "muda" if dead else "detecta" if value > DETECTOR_IOU else "no llega"
        named = not dead and value > 0
        rows.append(Row(
            str(Unit(evidence.layer, unit)), state, names[k] if named else "",
            KINDS.get(found.categories[k], found.categories[k]) if named else "", value,
            [names[other] for other in evidence.sets[unit]] if named and evidence.sets else [],
            None if evidence.lit is None else int(evidence.lit[unit]),
            None if evidence.seen is None or not named else int(evidence.seen[k]),
            None if evidence.p is None else float(evidence.p[unit]),
            None if evidence.corrected is None else float(evidence.corrected[unit]),
            None if evidence.p is None else survives[unit]))
    return rows


def full_names(evidence: Evidence) -> list[str]:
    """El nombre de cada concepto; si está en varias categorías, con la suya."""
    found, count = evidence.found, Counter(evidence.found.names)
    return [f"{name} ({KINDS.get(kind, kind)})" if count[name] > 1 else name
            for name, kind in zip(found.names, found.categories)]


def csv_text(evidence: Evidence) -> str:
    """La tabla en CSV: los nombres posibles, separados con punto y coma; vacío, lo que no se midió."""
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(COLUMNS)
    for row in unit_rows(evidence):
        survives = "" if row.survives is None else "sí" if row.survives else "no"
        writer.writerow([row.unit, row.state, row.concept, row.category, f"{row.iou:.6f}", "; ".join(row.possible),
                         *("" if value is None else value for value in (row.lit, row.seen)),
                         *("" if value is None else chance(value, 6) for value in (row.p, row.corrected)), survives])
    return text.getvalue()


def unit_table(evidence: Evidence) -> str:
    """La tabla en HTML: se lee sin color y se imprime con su encabezado en cada hoja."""
    heads = "".join(head(name, name in NUMBERS) for name in COLUMNS)
    lines = "".join(_line(row) for row in unit_rows(evidence))
    return f'<table class="units"><thead><tr>{heads}</tr></thead><tbody>{lines}</tbody></table>'


def _line(row: Row) -> str:
    """Un renglón de la tabla en HTML."""
    strong = row.state == "detecta"
    name = f"<b>{escape(row.concept)}</b>" if strong else escape(row.concept) or NOTHING
    survives = NOTHING if row.survives is None else "✓ sí" if row.survives else "no"
    numbers = [NOTHING if value is None else str(value) for value in (row.lit, row.seen)]
    chances = [NOTHING if value is None else chance(value, 4) for value in (row.p, row.corrected)]
    cells = [f'<th scope="row">{escape(row.unit)}</th>', _cell(row.state), f"<td>{name}</td>",
             _cell(row.category or NOTHING), _cell(f"{row.iou:.3f}", True), _cell(others(row.possible)),
             *(_cell(text, True) for text in numbers + chances), _cell(survives)]
    return f"<tr>{''.join(cells)}</tr>"


def chance(p: float, places: int) -> str:
    """Una p con tantos decimales; si así serían puros ceros, con dos cifras: nunca es 0."""
    return f"{p:.{places}f}" if p >= 10 / 10 ** places else f"{p:.2g}"


def others(possible: list[str]) -> str:
    """Los nombres que también podrían ser el de una unidad, dichos en pocas palabras."""
    if len(possible) < 2:
        return "solo ese" if possible else NOTHING
    rest = possible[1:]
    if len(possible) == RIVALS:
        return f"{RIVALS} o más: {', '.join(possible[:SHOWN])}…"
    more = f" y {len(rest) - SHOWN} más" if len(rest) > SHOWN else ""
    return f"también {', '.join(rest[:SHOWN])}{more}"


def _cell(text: str, number: bool = False) -> str:
    return f'<td class="n">{escape(text)}</td>' if number else f"<td>{escape(text)}</td>"


def head(text: str, number: bool = False) -> str:
    """El encabezado de una columna en HTML; el de una de números, a la derecha, como ellos."""
    return f'<th scope="col" class="n">{escape(text)}</th>' if number else f'<th scope="col">{escape(text)}</th>'

"""La tabla de todas las unidades de una disección: en la página, y en CSV o JSON para quien quiera trabajarla."""
import csv
import io
import json
from collections import Counter
from collections.abc import Container, Iterable
from html import escape
from math import isfinite
from typing import NamedTuple

from labkit.activations import Unit
from labkit.commands.evidence import Evidence, three_counts
from labkit.commands.methods import citations
from labkit.dissection import CONVENTIONS
from labkit.dissection.labels import DETECTOR_IOU, KINDS
from labkit.measures import RIVALS

COLUMNS = ("unidad", "estado", "concepto", "categoría", "IoU", "umbral", "nombres posibles", "imágenes de la unidad",
           "imágenes del concepto", "p", "p corregida", "aguanta")
NUMBERS = ("IoU", "umbral", "imágenes de la unidad", "imágenes del concepto", "p", "p corregida")
COUNTS = ("detectoras", "conceptos, cada unidad una vez", "conceptos, sumando categorías")
SHOWN = 3                                       # nombres posibles que caben en la página
NOTHING, TINY = "–", 1e-30


class Row(NamedTuple):
    """Lo que se dice de una unidad; None, lo que no se midió.

    state: "detecta", "no llega" (a 0.04) o "muda".  cut: su umbral.  possible: los nombres posibles, el mejor primero,
    y worth, el IoU de cada uno.  lit: en cuántas imágenes llega a su umbral;  seen: en cuántas está su concepto.
    """
    unit: str
    state: str
    concept: str
    category: str
    iou: float
    cut: float
    possible: list[str]
    worth: list[float]
    lit: int | None
    seen: int | None
    p: float | None
    corrected: float | None
    survives: bool | None


def unit_rows(evidence: Evidence) -> list[Row]:
    """Un renglón por unidad, del mayor IoU al menor; las mudas, al final."""
    found, rows, iou = evidence.found, [], evidence.found.iou()
    best, which = iou.max(1)
    names, survives = full_names(evidence), evidence.survives().tolist()
    for unit in sorted(range(len(best)), key=lambda unit: (bool(found.dead[unit]), -float(best[unit]), unit)):
        dead, value, k = bool(found.dead[unit]), float(best[unit]), int(which[unit])
        state = "muda" if dead else "detecta" if value > DETECTOR_IOU else "no llega"
        named = not dead and value > 0
        likely = evidence.sets[unit] if named and evidence.sets else []
        rows.append(Row(
            str(Unit(evidence.layer, unit)), state, names[k] if named else "",
            KINDS.get(found.categories[k], found.categories[k]) if named else "", value,
            float(found.cuts[unit]), [names[other] for other in likely], [float(iou[unit, other]) for other in likely],
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
        writer.writerow([row.unit, row.state, row.concept, row.category, f"{row.iou:.6f}", f"{row.cut:.9g}",
                         "; ".join(row.possible), *("" if value is None else value for value in (row.lit, row.seen)),
                         *("" if value is None else chance(value, 6) for value in (row.p, row.corrected)), survives])
    return text.getvalue()


def json_text(evidence: Evidence, facts: Iterable[tuple[str, str]]) -> str:
    """La misma tabla en JSON, tras de qué es (`facts`), las huellas, la cita y las cuentas; null: no se midió."""
    counts = three_counts(evidence.found.iou(), evidence.found.categories)
    reach = [list(interval) for interval in evidence.intervals] or [None] * 3
    numbers = {"n": evidence.count, "q": CONVENTIONS[evidence.convention].share, "corte": DETECTOR_IOU,
               **{name: {"cuenta": count, "de 95 %": interval} for name, count, interval in zip(COUNTS, counts, reach)},
               "gemelas": [{"semilla": twin.seed, **dict(zip(COUNTS, twin.counts))} for twin in evidence.twins]}
    units = [{"unidad": row.unit, "estado": row.state, "concepto": row.concept or None,
              "categoría": row.category or None, "IoU": row.iou, "umbral": row.cut if isfinite(row.cut) else None,
              "nombres posibles": [{"concepto": name, "IoU": worth} for name, worth in zip(row.possible, row.worth)],
              "imágenes de la unidad": row.lit, "imágenes del concepto": row.seen, "p": row.p,
              "p corregida": row.corrected, "aguanta": row.survives} for row in unit_rows(evidence)]
    book = {"resumen": dict(facts), "huellas": {"pesos": evidence.prints, "tablas": evidence.data or None},
            "cita": citations(), "números": numbers, "unidades": units}
    return json.dumps(book, ensure_ascii=False, indent=1, allow_nan=False) + "\n"


def unit_table(evidence: Evidence, figures: Container[int] = ()) -> str:
    """La tabla en HTML: se lee sin color y se imprime con su encabezado en cada hoja.

    figures: de qué unidades hay figura en la página; su nombre lleva a ella.
    """
    heads = "".join(head(name, name in NUMBERS) for name in COLUMNS)
    lines = "".join(_line(row, figures) for row in unit_rows(evidence))
    return (f'{_tools()}<div class="scroll"><table class="units"><thead><tr>{heads}</tr></thead><tbody>{lines}</tbody>'
            "</table></div>")


def _tools() -> str:
    """Lo que busca y filtra: no se ve mientras la página no pueda usarlo."""
    chosen = "".join(f'<label>{name.capitalize()} <select data-column="{COLUMNS.index(name)}">'
                     '<option value="">todas</option></select></label>' for name in ("estado", "categoría", "aguanta"))
    return ('<div class="tools" hidden><label>Buscar <input type="search" placeholder="un nombre, una unidad"></label>'
            f'{chosen}<output aria-live="polite"></output></div>')


def _line(row: Row, figures: Container[int]) -> str:
    """Un renglón de la tabla en HTML."""
    place = row.unit.rpartition(":")[2]
    unit = f'<a href="#u{place}">{escape(row.unit)}</a>' if int(place) in figures else escape(row.unit)
    strong = row.state == "detecta"
    name = f"<b>{escape(row.concept)}</b>" if strong else escape(row.concept) or NOTHING
    survives = NOTHING if row.survives is None else "✓ sí" if row.survives else "no"
    numbers = [NOTHING if value is None else str(value) for value in (row.lit, row.seen)]
    chances = [NOTHING if value is None else chance(value, 4) for value in (row.p, row.corrected)]
    cells = [f'<th scope="row">{unit}</th>', _cell(row.state), f"<td>{name}</td>",
             _cell(row.category or NOTHING), _cell(f"{row.iou:.3f}", True), _cell(signed(row.cut), True),
             _cell(others(row.possible)),
             *(_cell(text, True) for text in numbers + chances), _cell(survives)]
    return f"<tr>{''.join(cells)}</tr>"


def signed(value: float) -> str:
    """Un número con tres cifras, y con su signo de menos; «0+», el menor que pasa de 0."""
    if 0 < value < TINY:
        return "0+"
    return (f"{value:.3g}" if abs(value) < 1000 else f"{value:,.0f}").replace("-", "−")


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

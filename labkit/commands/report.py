"""La página de una disección, en HTML y con las imágenes dentro: aquí solo se escribe lo que ya se contó."""
from base64 import b64encode
from collections.abc import Iterable, Sequence
from html import escape
from statistics import median
from typing import NamedTuple

from labkit.commands.evidence import LEVEL, Evidence, summed_up, three_counts
from labkit.commands.figures import Portrait, drawn_figures
from labkit.commands.methods import (
    FEW,
    FEW_TOLD,
    MEANINGS,
    among,
    citing,
    count_of,
    maps_told,
    methods,
    read_told,
    references,
    repeating,
    seeds_told,
    versions,
)
from labkit.commands.pages import whole_page
from labkit.commands.units import csv_text, head, unit_table
from labkit.dissection import CONVENTIONS, unique_by_category
from labkit.dissection.labels import DETECTOR_IOU, KINDS
from labkit.measures import RIVALS

SPARE = 20_000                                  # bytes de lo demás: el estilo, los títulos y los párrafos
SEEN = "De cada una, las imágenes en que más responde, con el contorno (blanco y negro) de donde llega a su umbral."
NONE = (f"Ninguna unidad pasa de {DETECTOR_IOU}: no hay nada que enseñar. Con otra capa, más imágenes u otros "
        "conceptos puede haberlas.")
COLUMNS_TOLD = (
    f"«Detecta»: su mayor IoU pasa de {DETECTOR_IOU}; «no llega»: no pasa, y el concepto va sin negritas; «muda»: "
    "siempre da el mismo valor. Umbral: desde qué valor responde; 0+, con cualquiera que pase de 0. Nombres posibles: "
    "los que, con 95 % de confianza en cada unidad, también podrían ser "
    f"el de mayor IoU con otras imágenes, buscados entre los {RIVALS} de mayor IoU. Imágenes de la unidad: en cuántas "
    "llega a su umbral; del concepto: en cuántas está. p: qué tan seguido una unidad al azar tiene un IoU igual o "
    "mayor; la corregida toma en cuenta que se preguntó por todas; "
    f"«aguanta» si es de {LEVEL} o menos. –: no se midió o no hay.")
BARS_TOLD = (
    "La cuenta «sumando categorías», categoría por categoría: cuántos de sus conceptos son el de mayor IoU, entre los "
    f"de esa categoría, para alguna unidad, con un IoU de más de {DETECTOR_IOU}. Una unidad puede contar en varias; en "
    "la otra cuenta, «cada unidad una vez», solo cuenta el concepto de mayor IoU de todos.")


class Asked(NamedTuple):
    """Lo que se pidió y se dice en la página: de cuántas unidades hacer una imagen, en cuántos pasos y con qué orden.

    exemplars: de cuántas unidades enseñar los ejemplares; None: las que quepan.
    """
    pictures: int = 0
    steps: int = 64
    order: str = ""
    exemplars: int | None = None


def summary(evidence: Evidence) -> str:
    """La cuenta en un renglón o, con control, en dos."""
    found = evidence.found
    detectors, unique, summed = three_counts(found.iou(), found.categories)
    units = count_of(len(found.cuts), "unidad", "unidades")
    told = (f"{detectors} de {units} detectan algo (IoU > {DETECTOR_IOU}); conceptos distintos: "
            f"{unique} si cada unidad cuenta una vez, {summed} sumando categorías; mudas: {int(found.dead.sum())}.")
    if not evidence.twins:
        return told
    twins = count_of(len(evidence.twins), "red gemela", "redes gemelas")
    floor = ", ".join(str(twin.counts[0]) for twin in evidence.twins)
    return (f"{told} En {twins}, con pesos al azar, las detectoras son: {floor}. Aguantan "
            f"el control {int((evidence.survives() & evidence.detects()).sum())} de {among(detectors)}.")


def page(evidence: Evidence, portraits: Sequence[Portrait], run: Asked = Asked()) -> str:
    """La página: el resumen, el piso de azar, los conceptos por categoría, todas las unidades, sus imágenes y métodos.

    portraits: las detectoras, de mayor a menor IoU, con sus imágenes.  run: lo que se pidió.
    """
    found = evidence.found
    by_category = unique_by_category(found.iou(), found.categories, DETECTOR_IOU)
    most = max(1, *by_category.values())
    bars = "".join(_bar(KINDS.get(name, name), count, most) for name, count in by_category.items())
    parts = [("En resumen", _facts(evidence, run)), ("El piso de azar", _floor(evidence)),
             ("Conceptos distintos por categoría",
              f"<p>{BARS_TOLD}</p><table><thead><tr>{head('categoría')}{head('conceptos')}</tr></thead>"
              f"<tbody>{bars}</tbody></table>"),
             ("Todas las unidades", ""), ("Las unidades que detectan algo", ""),
             ("Métodos", _paragraphs(map(escape, methods(evidence, run.steps if run.pictures else 0)))),
             ("Para repetirlo", _paragraphs(repeating(evidence, run.order))), ("Cómo citar", citing()),
             ("Referencias", f"<ul>{''.join(f'<li>{escape(told)}</li>' for told in references(evidence))}</ul>")]
    body = dict(parts)
    taken = sum(map(len, body.values())) + len(unit_table(evidence, range(len(found.cuts)))) + SPARE
    taken += len(table := _download(evidence))
    figures = drawn_figures(evidence, portraits, taken, run.exemplars)
    drawn = {portrait.label.unit.channel for portrait in portraits[:len(figures)]}
    body["Todas las unidades"] = f"<p>{COLUMNS_TOLD}</p>{table}{unit_table(evidence, drawn)}"
    body["Las unidades que detectan algo"] = _shown(portraits, len(figures), run) + "".join(figures)
    ways = "".join(f'<a href="#s{place}">{name}</a>' for place, name in enumerate(body))
    told = "".join(f'<h2 id="s{place}">{name}</h2>{text}' for place, (name, text) in enumerate(body.items()))
    return whole_page(escape(f"Disección de {evidence.layer} de la red {evidence.network}"),
                      f"<p>{escape(summary(evidence))}</p><nav>{ways}</nav>{told}")


def _shown(portraits: Sequence[Portrait], drawn: int, run: Asked) -> str:
    """Qué se enseña de las detectoras, y qué no."""
    if not portraits:
        return f"<p>{NONE}</p>"
    told = SEEN
    if drawn < len(portraits):
        told += (f" De las {len(portraits)} detectoras, aquí van las {drawn} de mayor IoU"
                 f"{'' if run.exemplars is not None else '; con --exemplars N, las N primeras, quepan o no en 3 MB'}.")
    made = sum(portrait.made is not None for portrait in portraits)
    if made:
        told += (f" En {'la primera' if made == 1 else f'las {made} primeras'}, al final va una imagen hecha para la "
                 f"unidad: la que más la activa tras {run.steps} pasos de subir su respuesta.")
    return f"<p>{told}</p>"


def _download(evidence: Evidence) -> str:
    """La tabla en CSV, dentro de la página."""
    code = b64encode(csv_text(evidence).encode()).decode()
    return (f'<p class="download"><a download="tabla.csv" href="data:text/csv;charset=utf-8;base64,{code}">Bajar esta '
            "tabla en CSV</a></p>")


def _paragraphs(texts: Iterable[str]) -> str:
    return "".join(f"<p>{text}</p>" for text in texts)


def facts(evidence: Evidence, run: Asked) -> list[tuple[str, str]]:
    """Lo que hay que saber de una disección, cada cosa con su nombre: va en el resumen y en el JSON."""
    found, convention = evidence.found, CONVENTIONS[evidence.convention]
    counts = three_counts(found.iou(), found.categories)
    reach = [f" (de {low:.0f} a {high:.0f}, con 95 % de confianza)" for low, high in evidence.intervals] or [""] * 3
    units = count_of(len(found.cuts), "unidad", "unidades")
    seeds = seeds_told(evidence, bool(run.pictures))
    return [("Red", evidence.network), ("Capa", f"{evidence.layer}, {units}"), ("Se lee", read_told(evidence)),
            *([("Mapas", maps_told(evidence))] if evidence.maps else []),
            ("Imágenes", evidence.images + f". {FEW_TOLD}" * (evidence.count < FEW)),
            *([("Cómo entran", evidence.enters)] if evidence.enters else []),
            ("Parte de las imágenes", evidence.split), ("Número de imágenes (n)", str(evidence.count)),
            ("Conceptos", f"{len(found.names)}, de {len(set(found.categories))} categorías"),
            ("Convención", f"{evidence.convention}: {MEANINGS[evidence.convention]}"),
            ("Parte que enciende (q)", f"{convention.share:g}: a lo más {100 * convention.share:g} % de los valores "
                                       "de una unidad superan su umbral"),
            ("Corte", f"una unidad detecta algo si su mayor IoU pasa de {DETECTOR_IOU}"),
            ("Unidades que detectan algo", f"{counts[0]} de {len(found.cuts)}{reach[0]}"),
            ("Conceptos distintos, cada unidad una vez", f"{counts[1]}{reach[1]}"),
            ("Conceptos distintos, sumando categorías", f"{counts[2]}{reach[2]}"),
            ("Nombres seguros", _sure(evidence)), ("Unidades mudas", str(int(found.dead.sum()))),
            ("Aguantan el control", _survivors(evidence)), ("Semillas", seeds),
            ("Versiones", versions()), *([("Orden", run.order)] if run.order else [])]


def _facts(evidence: Evidence, run: Asked) -> str:
    """El cuadro del resumen, en HTML."""
    rows = "".join(f'<tr><th scope="row">{escape(name)}</th><td>{_told(name, told)}</td></tr>'
                   for name, told in facts(evidence, run))
    return f'<table class="facts">{rows}</table>'


def _told(name: str, told: str) -> str:
    return f"<code>{escape(told)}</code>" if name == "Orden" else escape(told)


def _sure(evidence: Evidence) -> str:
    """De las detectoras, cuántas tienen un solo nombre posible."""
    if not evidence.sets:
        return "con una sola imagen no se puede saber"
    sizes = [len(names) for names, detects in zip(evidence.sets, evidence.detects().tolist()) if detects]
    if not sizes:
        return "ninguna unidad detecta algo"
    alone = sum(size == 1 for size in sizes)
    return (f"{alone} de {among(len(sizes))} {'tiene' if alone == 1 else 'tienen'} un solo nombre posible, con "
            f"95 % de confianza cada una; la mediana es de {median(sizes):g} por detectora")


def _survivors(evidence: Evidence) -> str:
    """Cuántas aguantan, o que no se midió."""
    if not evidence.twins:
        return "no se midió: pide --control"
    survives, detects = evidence.survives(), evidence.detects()
    return (f"{int((survives & detects).sum())} de {among(int(detects.sum()))} (y {int(survives.sum())} de las "
            f"{len(detects)} unidades), con a lo más {100 * LEVEL:g} % de casualidades entre ellas, en promedio")


def _floor(evidence: Evidence) -> str:
    """El piso: lo que da la misma red con pesos al azar."""
    if not evidence.twins:
        return ("<p>No se midió. Con <code>--control</code> se disecan también redes gemelas, con pesos al azar: sin "
                "ese piso no se sabe qué parte de estas cuentas es de lo aprendido.</p>")
    heads = ("red", "detectoras", "conceptos, cada unidad una vez", "conceptos, sumando categorías", "mejor IoU",
             "lo que más nombran")
    found = evidence.found
    lines = [(f"gemela, semilla {one.seed}" if place else "la disecada", one.counts, one.best,
              ", ".join(one.names) or "nada") for place, one in enumerate((summed_up(0, found), *evidence.twins))]
    rows = "".join(f'<tr><th scope="row">{name}</th>{"".join(map(_number, (*counts, f"{best:.3f}")))}'
                   f"<td>{escape(told)}</td></tr>" for name, counts, best, told in lines)
    table = "".join(head(name, 0 < place < 5) for place, name in enumerate(heads))
    told = "<p>Redes gemelas: la misma arquitectura con pesos al azar, disecadas con las mismas imágenes.</p>"
    return (f'{told}<table class="twins"><thead><tr>'
            f"{table}</tr></thead><tbody>{rows}</tbody></table><p>{escape(_grain(evidence))}</p>")


def _grain(evidence: Evidence) -> str:
    """Hasta dónde llega el control: con pocas gemelas, la p más chica no es tan chica."""
    units, rivals = len(evidence.found.cuts), len(evidence.twins) * len(evidence.found.cuts)
    told = f"Con {rivals} unidades al azar, la p más chica posible es {1 / (rivals + 1):.2g}."
    if evidence.needed() > units:
        return f"{told} Con tan pocas, ninguna puede aguantar la corrección; con --control 20 sí."
    if evidence.needed() > 1:
        told += (f" Con la corrección, aguantan {evidence.needed()} o más de las {units} unidades, o ninguna; con "
                 "--control 20 podría aguantar una sola.")
    return told


def _number(value: int | str) -> str:
    return f'<td class="n">{value}</td>'


def _bar(name: str, count: int, most: int) -> str:
    """Un renglón de la gráfica: un nombre, su barra y su número."""
    bar = f'<span class="bar" style="width:{240 * count / most:.0f}px"></span>'
    return f'<tr><th scope="row">{escape(name)}</th><td>{bar} {count}</td></tr>'

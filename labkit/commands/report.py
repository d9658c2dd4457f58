"""La página de una disección, en HTML y con las imágenes dentro: aquí solo se escribe lo que ya se contó."""
from base64 import b64encode
from html import escape
from statistics import median

from torch import Tensor

from labkit.commands.evidence import LEVEL, Evidence, summed_up, three_counts
from labkit.commands.methods import MEANINGS, count_of, methods, read_told, references, repeating
from labkit.commands.units import full_names, head, others, unit_table
from labkit.dissection import CONVENTIONS, Label, unique_by_category
from labkit.dissection.labels import DETECTOR_IOU, KINDS
from labkit.images import jpeg_bytes
from labkit.measures import RIVALS

SEEN = "De cada una, las imágenes en que más responde: lo que pasa su umbral, iluminado."
MADE = " Al final, una imagen hecha para ella: la que más la activa tras {steps} pasos de subir su respuesta."
NONE = (f"Ninguna unidad pasa de {DETECTOR_IOU}: no hay nada que enseñar. Con otra capa, más imágenes u otros "
        "conceptos puede haberlas.")
COLUMNS_TOLD = (
    f"«Detecta»: su mayor IoU pasa de {DETECTOR_IOU}; «no llega»: no pasa, y el concepto va sin negritas; «muda»: "
    "siempre da el mismo valor. Nombres posibles: los que, con 95 % de confianza en cada unidad, también podrían ser "
    f"el de mayor IoU con otras imágenes, buscados entre los {RIVALS} de mayor IoU. Imágenes de la unidad: en cuántas "
    "llega a su umbral; del concepto: en cuántas está. p: qué tan seguido una unidad al azar tiene un IoU igual o "
    "mayor; la corregida toma en cuenta que se preguntó por todas; "
    f"«aguanta» si es de {LEVEL} o menos. –: no se midió o no hay.")
BARS_TOLD = (
    "La cuenta «sumando categorías», categoría por categoría: cuántos de sus conceptos son el de mayor IoU, entre los "
    f"de esa categoría, para alguna unidad, con un IoU de más de {DETECTOR_IOU}. Una unidad puede contar en varias; en "
    "la otra cuenta, «cada unidad una vez», solo cuenta el concepto de mayor IoU de todos.")
FEW = 200                                       # con menos, en Escenas, ni los intervalos alcanzan la cuenta verdadera
FEW_TOLD = (f". Son pocas: con menos de {FEW} las cuentas salen infladas, porque cada unidad escoge el mejor de muchos "
            "conceptos con mucho ruido, y sus intervalos no lo arreglan")
PAGE = """<!DOCTYPE html><html lang="es"><head><meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1"><title>{title}</title><style>
body {{ font-family: sans-serif; max-width: 78em; margin: 2em auto; padding: 0 1em; color: #222; line-height: 1.4 }}
p, li {{ max-width: 48em }}
table {{ border-collapse: collapse; margin: .6em 0 }}
td, th {{ padding: 3px 10px; text-align: left; vertical-align: top; font-weight: normal }}
.facts td, .facts th, .twins td, .twins th {{ border-bottom: 1px solid #ccc }} .facts th {{ width: 15em; color: #555 }}
.facts {{ max-width: 60em }}
.twins .n, .units .n {{ text-align: right; font-variant-numeric: tabular-nums }}
.twins tbody th {{ white-space: nowrap }}
.units {{ font-size: .85em }} .units td, .units th {{ padding: 3px 7px; border-bottom: 1px solid #ddd }}
.units thead th {{ max-width: 7em }} .twins thead th {{ max-width: 11em }}
.units thead th, .twins thead th {{ border-bottom: 2px solid #222; vertical-align: bottom; font-weight: bold }}
.units tbody th {{ white-space: nowrap }}
.bar {{ background: #31688e; height: 14px; display: inline-block; print-color-adjust: exact }}
figure {{ margin: 1.2em 0 }} figcaption {{ margin-bottom: .3em }}
figure img {{ height: 132px; margin-right: 12px; max-width: 100%; object-fit: contain; object-position: left }}
@media (max-width: 900px) {{ .units {{ font-size: .72em }} .units td, .units th {{ padding: 3px 4px }}
 figure img {{ height: 112px }} code {{ overflow-wrap: anywhere }} }}
@media print {{ body {{ max-width: none; margin: 0 }}
 figure, tr {{ break-inside: avoid }} figure img {{ height: 2.6cm }}
 h2 {{ break-after: avoid }} .units {{ font-size: .7em }} }}
</style></head><body><h1>{title}</h1>{body}</body></html>
"""
Portrait = tuple[Label, Tensor, Tensor | None]


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
            f"el control {int((evidence.survives() & evidence.detects()).sum())} de las {detectors} detectoras.")


def page(evidence: Evidence, portraits: list[Portrait], steps: int, order: str = "") -> str:
    """La página: el resumen, el piso de azar, los conceptos por categoría, todas las unidades, sus imágenes y métodos.

    portraits: de cada detectora, su etiqueta, la hoja de las imágenes en que más responde y la que se hizo para ella,
    si se hizo.  steps: en cuántos pasos; 0: ninguna.  order: lo que se escribe en la terminal para hacerla otra vez.
    """
    found = evidence.found
    by_category = unique_by_category(found.iou(), found.categories, DETECTOR_IOU)
    most = max(1, *by_category.values())
    bars = "".join(_bar(KINDS.get(name, name), count, most) for name, count in by_category.items())
    shown = f"<p>{SEEN}{MADE.format(steps=steps) if steps else ''}</p>" if portraits else f"<p>{NONE}</p>"
    figures = "".join(_figure(evidence, *portrait) for portrait in portraits)
    body = (f"<p>{escape(summary(evidence))}</p><h2>En resumen</h2>{_facts(evidence)}"
            f"<h2>El piso de azar</h2>{_floor(evidence)}"
            f"<h2>Conceptos distintos por categoría</h2><p>{BARS_TOLD}</p><table><thead><tr>{head('categoría')}"
            f"{head('conceptos')}</tr></thead><tbody>{bars}</tbody></table>"
            f"<h2>Todas las unidades</h2><p>{COLUMNS_TOLD}</p>{unit_table(evidence)}"
            f"<h2>Las unidades que detectan algo</h2>{shown}{figures}"
            f"<h2>Métodos</h2>{''.join(f'<p>{escape(told)}</p>' for told in methods(evidence))}"
            f"<h2>Para repetirlo</h2>{''.join(f'<p>{told}</p>' for told in repeating(evidence, order))}"
            f"<h2>Referencias</h2><ul>{''.join(f'<li>{escape(told)}</li>' for told in references(evidence))}</ul>")
    return PAGE.format(title=escape(f"Disección de {evidence.layer} de la red {evidence.network}"), body=body)


def _facts(evidence: Evidence) -> str:
    """El cuadro del resumen."""
    found, convention = evidence.found, CONVENTIONS[evidence.convention]
    counts = three_counts(found.iou(), found.categories)
    reach = [f" (de {low:.0f} a {high:.0f}, con 95 % de confianza)" for low, high in evidence.intervals] or [""] * 3
    units = count_of(len(found.cuts), "unidad", "unidades")
    facts = [("Red", evidence.network), ("Capa", f"{evidence.layer}, {units}"), ("Se lee", read_told(evidence)),
             ("Imágenes", evidence.images + FEW_TOLD * (evidence.count < FEW)),
             ("Conceptos", f"{len(found.names)}, de {len(set(found.categories))} categorías"),
             ("Convención", f"{evidence.convention}: {MEANINGS[evidence.convention]}"),
             ("Parte que enciende (q)", f"{convention.share:g}: a lo más {100 * convention.share:g} % de los valores "
                                        "de una unidad superan su umbral"),
             ("Corte", f"una unidad detecta algo si su mayor IoU pasa de {DETECTOR_IOU}"),
             ("Unidades que detectan algo", f"{counts[0]} de {len(found.cuts)}{reach[0]}"),
             ("Conceptos distintos, cada unidad una vez", f"{counts[1]}{reach[1]}"),
             ("Conceptos distintos, sumando categorías", f"{counts[2]}{reach[2]}"),
             ("Nombres seguros", _sure(evidence)), ("Unidades mudas", str(int(found.dead.sum()))),
             ("Aguantan el control", _survivors(evidence))]
    rows = "".join(f'<tr><th scope="row">{escape(name)}</th><td>{escape(told)}</td></tr>' for name, told in facts)
    return f'<table class="facts">{rows}</table>'


def _sure(evidence: Evidence) -> str:
    """De las detectoras, cuántas tienen un solo nombre posible."""
    if not evidence.sets:
        return "con una sola imagen no se puede saber"
    sizes = [len(names) for names, detects in zip(evidence.sets, evidence.detects().tolist()) if detects]
    if not sizes:
        return "ninguna unidad detecta algo"
    alone = sum(size == 1 for size in sizes)
    return (f"{alone} de las {len(sizes)} detectoras {'tiene' if alone == 1 else 'tienen'} un solo nombre posible, con "
            f"95 % de confianza cada una; la mediana es de {median(sizes):g} por detectora")


def _survivors(evidence: Evidence) -> str:
    """Cuántas aguantan, o que no se midió."""
    if not evidence.twins:
        return "no se midió: pide --control"
    survives, detects = evidence.survives(), evidence.detects()
    return (f"{int((survives & detects).sum())} de las {int(detects.sum())} detectoras (y {int(survives.sum())} de las "
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


def _figure(evidence: Evidence, label: Label, sheet: Tensor, made: Tensor | None) -> str:
    """Una unidad en HTML: su nombre, su IoU, sus otros nombres posibles, si aguanta el control, y sus imágenes."""
    unit, category = escape(str(label.unit)), escape(KINDS.get(label.category, label.category))
    named = f"<b>{unit}</b>: {escape(label.concept)} ({category}), IoU {label.iou:.3f}"
    if evidence.sets:
        names = full_names(evidence)
        named += f"; nombres posibles: {escape(others([names[k] for k in evidence.sets[label.unit.channel]]))}"
    if evidence.twins:
        named += "; ✓ aguanta el control" if evidence.survives()[label.unit.channel] else "; no aguanta el control"
    seen = _picture(sheet, f"las imágenes en que más responde {unit}, con lo que pasa su umbral iluminado")
    climbed = "" if made is None else _picture(made, f"la imagen optimizada para que {unit} responda más")
    return f"<figure><figcaption>{named}</figcaption>{seen}{climbed}</figure>"


def _picture(image: Tensor, text: str) -> str:
    """Una imagen dentro de la página, con lo que se lee en su lugar."""
    return f'<img alt="{text}" src="data:image/jpeg;base64,{b64encode(jpeg_bytes(image, 80)).decode()}">'

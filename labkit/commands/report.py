"""La página de una disección, en HTML y con las imágenes dentro: aquí solo se escribe lo que ya se contó."""
from base64 import b64encode
from html import escape

from torch import Tensor

from labkit.dissection import Dissection, Label, count_detectors, unique_by_category
from labkit.dissection.labels import DETECTOR_IOU, KINDS
from labkit.images import jpeg_bytes

SEEN = "De cada una, las imágenes en que más responde: lo que pasa su umbral, iluminado."
MADE = " Al final, una imagen hecha para ella: la que más la activa tras {steps} pasos de subir su respuesta."
PAGE = """<!DOCTYPE html><html lang="es"><head><meta charset="utf-8"><title>{title}</title><style>
body {{ font-family: sans-serif; max-width: 60em; margin: 2em auto; color: #222 }}
td {{ padding: 2px 10px; text-align: left }}
.bar {{ background: #31688e; height: 14px; display: inline-block }} figure {{ margin: 1.2em 0 }}
figure img {{ height: 132px; margin-right: 12px }}
</style></head><body><h1>{title}</h1>{body}</body></html>
"""


def summary(found: Dissection) -> str:
    """La cuenta en un renglón."""
    detectors, unique = count_detectors(found.iou(), DETECTOR_IOU)
    by_category = unique_by_category(found.iou(), found.categories, DETECTOR_IOU)
    return (f"{detectors} de {len(found.cuts)} unidades detectan algo (IoU > {DETECTOR_IOU}); conceptos distintos: "
            f"{unique} si cada unidad cuenta una vez, {sum(by_category.values())} sumando categorías; mudas: "
            f"{int(found.dead.sum())}.")


def page(found: Dissection, layer: str, convention: str, portraits: list[tuple[Label, Tensor, Tensor | None]],
         steps: int) -> str:
    """La página: la cuenta, cuántos conceptos por categoría y, por unidad que detecta algo, su nombre y sus imágenes.

    portraits: de cada detectora, su etiqueta, la hoja de las imágenes en que más responde y la que se hizo para ella,
    si se hizo.  steps: en cuántos pasos; 0: ninguna.
    """
    by_category = unique_by_category(found.iou(), found.categories, DETECTOR_IOU)
    most = max(1, *by_category.values())
    rows = "".join(_bar(KINDS.get(name, name), count, most) for name, count in by_category.items())
    figures = "".join(_figure(*portrait) for portrait in portraits)
    body = (f"<p>{escape(summary(found))} Convención: {escape(convention)}.</p>"
            f"<h2>Conceptos distintos por categoría</h2><table>{rows}</table>"
            f"<h2>Las unidades que detectan algo</h2><p>{SEEN}{MADE.format(steps=steps) if steps else ''}</p>{figures}")
    return PAGE.format(title=f"Disección de {escape(layer)}", body=body)


def _bar(name: str, count: int, most: int) -> str:
    """Un renglón de la gráfica: un nombre, su barra y su número."""
    bar = f'<span class="bar" style="width:{240 * count / most:.0f}px"></span>'
    return f"<tr><td>{escape(name)}</td><td>{bar} {count}</td></tr>"


def _figure(label: Label, sheet: Tensor, made: Tensor | None) -> str:
    """Una unidad en HTML: su nombre, su IoU y sus imágenes."""
    unit, category = escape(str(label.unit)), escape(KINDS.get(label.category, label.category))
    named = f"<b>{unit}</b>: {escape(label.concept)} ({category}), IoU {label.iou:.3f}"
    seen = _picture(sheet, f"las imágenes en que más responde {unit}, con lo que pasa su umbral iluminado")
    climbed = "" if made is None else _picture(made, f"la imagen optimizada para que {unit} responda más")
    return f"<figure><figcaption>{named}</figcaption>{seen}{climbed}</figure>"


def _picture(image: Tensor, text: str) -> str:
    """Una imagen dentro de la página, con lo que se lee en su lugar."""
    return f'<img alt="{text}" src="data:image/jpeg;base64,{b64encode(jpeg_bytes(image, 80)).decode()}">'

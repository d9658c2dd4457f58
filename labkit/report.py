"""`python -m labkit dissect`: disecar una capa y dejar un reporte en HTML, con las imágenes dentro."""
import argparse
import sys
from base64 import b64encode
from html import escape
from pathlib import Path

import torch
from torch import Tensor, nn

from labkit.broden import read_broden
from labkit.datasets import load_concepts
from labkit.dissection import (
    CONVENTIONS,
    Dissection,
    Label,
    count_detectors,
    dissect,
    label_units,
    unique_by_category,
)
from labkit.dissection.conventions import upsample
from labkit.dissection.counting import image_batches
from labkit.dissection.tails import maps_of
from labkit.images import contact_sheet, jpeg_bytes
from labkit.models import load_model

USAGE = """Uso: python -m labkit dissect --layer CAPA --out reporte.html [--model RED] [--broden CARPETA]
                              [--images N] [--size LADO] [--convention NOMBRE]

  --model       una red del curso o de torchvision con sus pesos ya bajados (escenas)
  --broden      una carpeta Broden; sin ella, las imágenes de prueba de Escenas
  --size        a qué lado se llevan las imágenes de Broden (224)
  --images      cuántas imágenes, si no todas; solo en Escenas
  --convention  cómo se cuenta: exact, netdissect, lite o dissect (exact)"""
SHOWN, DARK, CUT = 5, 0.25, 0.04            # imágenes por unidad; cuánto se ve lo de fuera; desde qué IoU se nombra
CATEGORIES = {"scene": "lugar", "object": "objeto", "part": "parte", "texture": "textura"}
PAGE = """<!DOCTYPE html><html lang="es"><head><meta charset="utf-8"><title>{title}</title><style>
body {{ font-family: sans-serif; max-width: 60em; margin: 2em auto; color: #222 }}
td {{ padding: 2px 10px; text-align: left }}
.bar {{ background: #31688e; height: 14px; display: inline-block }} figure {{ margin: 1.2em 0 }}
</style></head><body><h1>{title}</h1>{body}</body></html>
"""


class _Parser(argparse.ArgumentParser):
    def error(self, message: str) -> None:
        raise ValueError(USAGE)                                 # el mensaje de argparse está en inglés


class Resized:
    """Una carpeta Broden con todas sus imágenes llevadas al mismo lado."""

    def __init__(self, folder: str, size: int) -> None:
        self.broden, self.size = read_broden(folder), size
        self.names, self.categories = self.broden.names, self.broden.categories

    def __len__(self) -> int:
        return len(self.broden)

    def batches(self, size: int = 16) -> object:
        """Parejas de imágenes (b, 3, lado, lado) y máscaras (b, k, lado / 2, lado / 2)."""
        return self.broden.batches(size, self.size)


def main(arguments: list[str]) -> int:
    """Corre la orden: 0 si quedó el reporte, 2 si algo de lo escrito no se entiende o no se puede leer."""
    parser = _Parser(add_help=False, allow_abbrev=False)
    usual = {"model": "escenas", "layer": None, "broden": None, "out": None, "convention": "exact"}
    for name, default in usual.items():
        parser.add_argument(f"--{name}", default=default)
    parser.add_argument("--images", type=int)
    parser.add_argument("--size", type=int, default=224)
    if {"-h", "--help"} & set(arguments):
        print(USAGE)
        return 0
    try:
        options = parser.parse_args(arguments)
        if not options.layer or not options.out or options.convention not in CONVENTIONS:
            raise ValueError(USAGE)
        model = load_model(options.model)
        world = Resized(options.broden, options.size) if options.broden else load_concepts("test", n=options.images)
        found = dissect(model, world, options.layer, options.convention)
        Path(options.out).write_text(report(model, world, options.layer, found, options.convention), encoding="utf-8")
    except (ValueError, OSError) as error:
        print(error, file=sys.stderr)
        return 2
    print(f"{summary(found)}\nQuedó en {options.out}")
    return 0


def summary(found: Dissection) -> str:
    """La cuenta en un renglón."""
    detectors, unique = count_detectors(found.iou(), CUT)
    by_category = unique_by_category(found.iou(), found.categories, CUT)
    return (f"{detectors} de {len(found.cuts)} unidades detectan algo (IoU > {CUT}); conceptos distintos: {unique} si "
            f"cada unidad cuenta una vez, {sum(by_category.values())} sumando categorías; mudas: "
            f"{int(found.dead.sum())}.")


def report(model: nn.Module, world: object, layer: str, found: Dissection, convention: str = "exact") -> str:
    """La página: la cuenta, cuántos conceptos por categoría y, por unidad, su nombre, su IoU y sus mejores imágenes."""
    by_category = unique_by_category(found.iou(), found.categories, CUT)
    most = max(1, *by_category.values())
    rows = "".join(_bar(CATEGORIES.get(name, name), count, most) for name, count in by_category.items())
    labels = label_units(found.iou(), layer, found.names, found.categories, CUT)
    best = best_images(model, world, layer, [label.unit.channel for label in labels], found.cuts)
    units = "".join(_figure(label, sheet) for label, sheet in zip(labels, best))
    body = (f"<p>{escape(summary(found))} Convención: {escape(convention)}.</p>"
            f"<h2>Conceptos distintos por categoría</h2><table>{rows}</table>"
            f"<h2>Las unidades que detectan algo</h2>{units}")
    return PAGE.format(title=f"Disección de {escape(layer)}", body=body)


def _bar(name: str, count: int, most: int) -> str:
    """Un renglón de la gráfica: un nombre, su barra y su número."""
    bar = f'<span class="bar" style="width:{240 * count / most:.0f}px"></span>'
    return f"<tr><td>{escape(name)}</td><td>{bar} {count}</td></tr>"


def _figure(label: Label, sheet: Tensor) -> str:
    """Una unidad en HTML: su nombre, su IoU y sus imágenes."""
    unit, picture = escape(str(label.unit)), b64encode(jpeg_bytes(sheet, 80)).decode()
    category = escape(CATEGORIES.get(label.category, label.category))
    named = f"<b>{unit}</b>: {escape(label.concept)} ({category}), IoU {label.iou:.3f}"
    seen = f"las imágenes en que más responde {unit}, con lo que pasa su umbral iluminado"
    return (f'<figure><figcaption>{named}</figcaption><img alt="{seen}" src="data:image/jpeg;base64,{picture}">'
            "</figure>")


def best_images(model: nn.Module, world: object, layer: str, channels: list[int], cuts: Tensor) -> list[Tensor]:
    """Por unidad, una hoja (3, H, W) con las imágenes en que más responde; lo que no pasa su umbral, a oscuras."""
    if not channels:
        return []
    device, kept = next(model.parameters()).device, {k: [] for k in channels}
    with torch.no_grad():
        for images in image_batches(world, 32):
            maps = maps_of(model, images.to(device), layer)[:, channels].cpu()
            for place, k in enumerate(channels):
                peaks, rows = maps[:, place].flatten(1).amax(1).topk(min(SHOWN, len(images)))
                kept[k] += [(peak, images[row], maps[row, place]) for peak, row in zip(peaks.tolist(), rows.tolist())]
                kept[k] = sorted(kept[k], key=lambda one: -one[0])[:SHOWN]
    return [contact_sheet(torch.stack([_lit(image, heat, cuts[k]) for _, image, heat in kept[k]]), SHOWN,
                          max(1, 128 // kept[k][0][1].shape[-1])) for k in channels]


def _lit(image: Tensor, heat: Tensor, cut: Tensor) -> Tensor:
    """La imagen (3, h, w) con lo que no pasa el umbral a oscuras."""
    grown = upsample(heat[None, None], tuple(image.shape[-2:]))[0]
    return torch.where(grown >= cut, image, DARK * image)

"""`python -m labkit dissect`: disecar una capa y dejar un reporte en HTML, con las imágenes dentro."""
import argparse
import sys
from base64 import b64encode
from html import escape
from importlib import import_module
from pathlib import Path

import torch
from torch import Tensor, nn
from tqdm import tqdm

from labkit.activations import Unit, run
from labkit.broden import read_broden
from labkit.datasets import load_concepts
from labkit.device import pick_device
from labkit.dissection import (CONVENTIONS, Dissection, Label, count_detectors, dissect_shared, label_units, processes,
                               unique_by_category)
from labkit.dissection.labels import DETECTOR_IOU, KINDS
from labkit.dissection.masks import maps_of, upsample
from labkit.images import contact_sheet, jpeg_bytes
from labkit.models import load_model
from labkit.objectives import channel, each
from labkit.optimization import maximize, redirect_relu
from labkit.regularization import FourierCanvas, color_matrix, compose, jitter, rotate, scale, soft_noise
from labkit.worlds import ConceptWorld, picture_batches

USAGE = """Uso: python -m labkit dissect --layer CAPA --out reporte.html [--model RED] [--broden CARPETA] [--images N]
                              [--size LADO] [--convention NOMBRE] [--pictures N] [--resume CARPETA]

  --model       una red del curso o de torchvision con sus pesos ya bajados (escenas), o una tuya, ARCHIVO:FUNCIÓN,
                como mired:hacer: la función, sin argumentos, de mired.py que da tu red ya envuelta (labkit.models.wrap)
  --broden      una carpeta Broden; sin ella, las imágenes de prueba de Escenas
  --size        a qué lado se llevan las imágenes de Broden (224)
  --images      cuántas imágenes, si no todas; solo en Escenas
  --convention  cómo se cuenta: paper, netdissect, lite, dissect o every_image (paper)
  --pictures    en cuántos pasos se optimiza la imagen de cada unidad que detecta algo (64); 0: sin ella
  --resume      una carpeta donde ir guardando lo contado: si algo lo interrumpe, la misma orden sigue donde se quedó

Entre varios procesos: torchrun --nproc-per-node 2 -m labkit dissect …"""
SHOWN, DARK = 5, 0.25                       # imágenes por unidad; cuánto se ve lo de fuera
SIDE, TOGETHER = 96, 32                     # el lado de lo que se optimiza, a lo más; cuántas unidades a la vez
SEEN = "De cada una, las imágenes en que más responde: lo que pasa su umbral, iluminado."
MADE = " Al final, una imagen hecha para ella: la que más la activa tras {steps} pasos de subir su respuesta."
PAGE = """<!DOCTYPE html><html lang="es"><head><meta charset="utf-8"><title>{title}</title><style>
body {{ font-family: sans-serif; max-width: 60em; margin: 2em auto; color: #222 }}
td {{ padding: 2px 10px; text-align: left }}
.bar {{ background: #31688e; height: 14px; display: inline-block }} figure {{ margin: 1.2em 0 }}
figure img {{ height: 132px; margin-right: 12px }}
</style></head><body><h1>{title}</h1>{body}</body></html>
"""


class _Parser(argparse.ArgumentParser):
    def error(self, message: str) -> None:
        raise ValueError(USAGE)                                             # el mensaje de argparse está en inglés


def main(arguments: list[str]) -> int:
    """Corre la orden: 0 si quedó el reporte, 2 si algo de lo escrito no se entiende o no se puede leer."""
    if {"-h", "--help"} & set(arguments):
        print(USAGE)
        return 0
    with processes() as rank:
        try:
            _work(_options(arguments), rank)
        except (ValueError, OSError) as error:
            if rank == 0:
                print(error, file=sys.stderr)
            return 2
    return 0


def _options(arguments: list[str]) -> argparse.Namespace:
    """Lo que se pidió; ValueError si no se entiende o si el reporte no tendría dónde quedar."""
    parser = _Parser(add_help=False, allow_abbrev=False)
    texts = {"model": "escenas", "layer": None, "broden": None, "out": None, "convention": "paper", "resume": None}
    for name, default in texts.items():
        parser.add_argument(f"--{name}", default=default)
    for name, default in {"images": None, "size": 224, "pictures": 64}.items():
        parser.add_argument(f"--{name}", type=int, default=default)
    options = parser.parse_args(arguments)
    if not options.layer or not options.out or options.convention not in CONVENTIONS or options.pictures < 0:
        raise ValueError(USAGE)
    if not Path(options.out).absolute().parent.is_dir():
        raise ValueError(f"--out: no existe la carpeta donde quedaría {options.out}.")      # mejor antes que al final
    return options


def _work(options: argparse.Namespace, rank: int) -> None:
    """Diseca entre los procesos que haya; el 0 escribe el reporte."""
    model = open_model(options.model)
    world = (read_broden(options.broden, size=options.size) if options.broden else
             load_concepts("test", n=options.images))
    found = dissect_shared(model, world, options.layer, options.convention, folder=options.resume)
    if rank == 0:
        page = report(model, world, options.layer, found, options.convention, options.pictures)
        Path(options.out).write_text(page, encoding="utf-8")
        print(f"{summary(found)}\nQuedó en {options.out}")


def open_model(name: str) -> nn.Module:
    """La red que dice `--model`; con dos puntos, la que da una función tuya. ValueError si no se puede."""
    place, _, function = name.partition(":")
    if not (place and function):
        return load_model(name)
    try:
        build = getattr(import_module(place), function)
    except (ImportError, AttributeError) as error:
        raise ValueError(f"--model: no encontré la función {function} del módulo {place} ({error}).") from error
    model = build()
    if not isinstance(model, nn.Module) or not any(True for _ in model.parameters()):
        raise ValueError(f"--model: esperaba que {name} diera una red (labkit.models.wrap), y dio "
                         f"{type(model).__name__}.")
    return model.eval().requires_grad_(False).to(pick_device())


def summary(found: Dissection) -> str:
    """La cuenta en un renglón."""
    detectors, unique = count_detectors(found.iou(), DETECTOR_IOU)
    by_category = unique_by_category(found.iou(), found.categories, DETECTOR_IOU)
    return (f"{detectors} de {len(found.cuts)} unidades detectan algo (IoU > {DETECTOR_IOU}); conceptos distintos: "
            f"{unique} si cada unidad cuenta una vez, {sum(by_category.values())} sumando categorías; mudas: "
            f"{int(found.dead.sum())}.")


def report(model: nn.Module, world: ConceptWorld, layer: str, found: Dissection, convention: str = "paper",
           steps: int = 64) -> str:
    """La página: la cuenta, cuántos conceptos por categoría y, por unidad que detecta algo, su nombre y sus imágenes.

    steps: en cuántos pasos se optimiza la imagen de cada unidad; 0: sin ella.
    """
    by_category = unique_by_category(found.iou(), found.categories, DETECTOR_IOU)
    most = max(1, *by_category.values())
    rows = "".join(_bar(KINDS.get(name, name), count, most) for name, count in by_category.items())
    labels = label_units(found.iou(), layer, found.names, found.categories, DETECTOR_IOU)
    units = [label.unit for label in labels]
    best = best_images(model, world, layer, [unit.channel for unit in units], found.cuts)
    made = imagined(model, world, units, steps) if steps else [None] * len(units)
    figures = "".join(map(_figure, labels, best, made))
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


def imagined(model: nn.Module, world: ConceptWorld, units: list[Unit], steps: int) -> list[Tensor]:
    """La imagen que más activa cada unidad de una capa, (3, lado, lado), regularizada como en la lección 3.

    Se busca en frecuencias y moviéndola, en los colores del conjunto; todas parten del mismo ruido.
    """
    if not units:
        return []
    images, device, made = next(picture_batches(world, TOGETHER)), next(model.parameters()).device, []
    with torch.no_grad():
        dense = run(model, images[:1].to(device), [units[0].layer])[units[0].layer].ndim == 2
    start = soft_noise(1, images.shape[-1] if dense else min(SIDE, images.shape[-1])).to(device)
    colors = color_matrix(images)
    colors = colors if colors.det().abs() > 1e-4 else None                  # en puros grises no hay otros colores
    groups = [units[i:i + TOGETHER] for i in range(0, len(units), TOGETHER)]
    for some in tqdm(groups, "Optimizando", delay=5, leave=False, file=sys.stdout):
        climbed = _climbed(model, some, start, colors, steps)
        stuck = [i for i, unit in enumerate(some) if torch.allclose(climbed[i], start[0], atol=0.02)]
        if stuck:                                                           # una ReLU apagada no tiene gradiente
            with redirect_relu(model):
                climbed[stuck] = _climbed(model, [some[i] for i in stuck], start, colors, steps)
        made += climbed.cpu()
    return made


def _climbed(model: nn.Module, units: list[Unit], start: Tensor, colors: Tensor | None, steps: int) -> Tensor:
    """Una imagen por unidad, (u, 3, lado, lado), subida desde `start`."""
    canvas = FourierCanvas(start.repeat(len(units), 1, 1, 1), 1.5, colors)
    move = compose(jitter(start.shape[-1] // 12), rotate(10), scale(0.15))
    return maximize(model, each([channel(unit) for unit in units]), canvas, steps, 0.2, move).images


def best_images(model: nn.Module, world: ConceptWorld, layer: str, channels: list[int], cuts: Tensor) -> list[Tensor]:
    """Por unidad, una hoja (3, H, W) con las imágenes en que más responde; lo que no pasa su umbral, a oscuras."""
    if not channels:
        return []
    device, kept = next(model.parameters()).device, {k: [] for k in channels}
    with torch.no_grad():
        for images in picture_batches(world, 32):
            maps = maps_of(model, images.to(device), layer)[:, channels].cpu()
            for place, k in enumerate(channels):
                peaks, rows = maps[:, place].flatten(1).amax(1).topk(min(SHOWN, len(images)))
                least = kept[k][-1][0] if len(kept[k]) == SHOWN else -torch.inf         # copias: lo demás se suelta
                kept[k] += [(peak, images[row].clone(), maps[row, place].clone())
                            for peak, row in zip(peaks.tolist(), rows.tolist()) if peak > least]
                kept[k] = sorted(kept[k], key=lambda one: -one[0])[:SHOWN]
    return [contact_sheet(torch.stack([_lit(image, heat, cuts[k]) for _, image, heat in kept[k]]), SHOWN,
                          max(1, 128 // kept[k][0][1].shape[-1])) for k in channels]


def _lit(image: Tensor, heat: Tensor, cut: Tensor) -> Tensor:
    """La imagen (3, h, w) con lo que no pasa el umbral a oscuras."""
    grown = upsample(heat[None, None], tuple(image.shape[-2:]))[0]
    return torch.where(grown >= cut, image, DARK * image)

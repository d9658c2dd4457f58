"""Mide qué dibuja cada unidad del generador de la lección 3: la tabla de la lección 5c.

    .venv/bin/python data/build/make_generator_units.py

Deja data/experimentos/generador.csv, con renglones de cinco clases: «detectora», el mejor concepto de una unidad y su
IoU; «anular», la parte de los dibujos que cubre un concepto antes y después de anular a sus mejores unidades, según el
IoU; «encender arriba» y «encender abajo», la parte de una caja que cubre, antes y después de encenderlas ahí; estos tres
llevan al lado lo que pasa con otras tantas unidades de la capa al azar: lo menor y lo mayor de varias veces. «control»,
el mayor IoU de una capa por casualidad, con pesos al azar o con las máscaras de otro dibujo (en `units`, la semilla).
Los dibujos son los de los códigos de imágenes de prueba.
"""
import argparse
import csv
import sys
from collections.abc import Iterator
from io import StringIO
from pathlib import Path

import torch
from torch import Tensor

ROOT = Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT))  # labkit, también sin instalar

from packing import write_sums  # noqa: E402

from labkit.activations import Unit, silence  # noqa: E402
from labkit.datasets import load_images  # noqa: E402
from labkit.dissection import Convention, Dissection, Shuffled, dissect, label_units, thresholds  # noqa: E402
from labkit.experiments import Drawn, Redraw, concept_area, random_areas, switch_on  # noqa: E402
from labkit.files import data_path  # noqa: E402
from labkit.models import random_twin  # noqa: E402
from labkit.priors import ImageGenerator, load_generator, load_segmenter  # noqa: E402

COUNT, SHARE, HIGH, DRAWS = 200, 0.05, 0.001, 5     # HIGH: lo que vale una unidad encendida lo pasa una de cada mil veces
LAYERS = {"enter": 4, "up1": 8, "up2": 16, "up3": 32, "up4": 64}    # las capas que dibujan y el lado de sus mapas
DETECTS = 0.1                                   # con las máscaras de otro dibujo, ninguna unidad de up2 llega aquí
FEW, PART = 4, 4                                # se anulan cuatro unidades, y la cuarta parte de la capa
LEAST = 0.02                                    # desde qué parte de los dibujos se mide un concepto
WEIGHTS, MASKS = (2, 3, 4), (1, 2, 3)           # las semillas de los controles
PLACES = {"arriba": (0.0, 0.25, 0.25, 0.75), "abajo": (0.75, 0.25, 1.0, 0.75)}     # dónde se enciende, en partes del lado
FIELDS = ("what", "layer", "concept", "units", "iou", "before", "after", "random_low", "random_high")


def best_units(found: Dissection, layer: str, concept: str, size: int) -> list[Unit]:
    """Las `size` unidades de mayor IoU con el concepto, de mayor a menor."""
    order = found.iou()[:, found.names.index(concept)].argsort(descending=True, stable=True)
    return [Unit(layer, channel) for channel in order[:size].tolist()]


def box_of(place: str, side: int) -> tuple[int, int, int, int]:
    """La caja de un lugar en una cuadrícula de ese lado."""
    y0, x0, y1, x1 = (round(part * side) for part in PLACES[place])
    return y0, x0, y1, x1


def written(what: str, units: list[Unit], concept: str, before: float, after: float, control: Tensor) -> list[str]:
    """Un renglón de los que se comparan con el azar."""
    numbers = (before, after, control.min().item(), control.max().item())
    names = " ".join(str(unit.channel) for unit in units)
    return [what, units[0].layer, concept, names, "", *(f"{number:.4f}" for number in numbers)]


def silenced(painter: ImageGenerator, codes: Drawn, found: Dissection, layer: str, size: int) -> Iterator[list[str]]:
    """Los renglones de anular a las `size` mejores unidades de cada concepto."""
    before, control = concept_area(codes).mean(0), random_areas(painter, codes, layer, size, DRAWS)
    for k in (before >= LEAST).nonzero()[:, 0].tolist():
        units = best_units(found, layer, found.names[k], size)
        with silence(painter, units):
            after = concept_area(codes).mean(0)
        yield written("anular", units, found.names[k], before[k].item(), after[k].item(), control[:, k])


def lit(painter: ImageGenerator, codes: Drawn, units: list[Unit], high: Tensor, place: str) -> Tensor:
    """La parte de la caja que cubre cada concepto con esas unidades encendidas ahí, (k,).  high: (c,), lo que valen."""
    layer = units[0].layer
    with switch_on(painter, units, high[[unit.channel for unit in units]], box_of(place, LAYERS[layer])):
        return concept_area(codes, box_of(place, 64)).mean(0)


def switched(painter: ImageGenerator, codes: Drawn, found: Dissection, high: Tensor, layer: str, place: str) -> Iterator[list[str]]:
    """Los renglones de encender en un lugar a la cuarta parte de la capa, las mejores unidades de cada concepto."""
    size, generator = len(high) // PART, torch.Generator().manual_seed(0)
    picked = [torch.randperm(len(high), generator=generator)[:size].tolist() for _ in range(DRAWS)]
    control = torch.stack([lit(painter, codes, [Unit(layer, i) for i in some], high, place) for some in picked])
    whole, before = concept_area(codes).mean(0), concept_area(codes, box_of(place, 64)).mean(0)
    for k in (whole >= LEAST).nonzero()[:, 0].tolist():
        units = best_units(found, layer, found.names[k], size)
        after = lit(painter, codes, units, high, place)
        yield written(f"encender {place}", units, found.names[k], before[k].item(), after[k].item(), control[:, k])


def layer_rows(painter: ImageGenerator, world: Drawn, codes: Drawn, layer: str) -> Iterator[list[str]]:
    """Los renglones de una capa.  world: con imágenes, para disecar;  codes: con sus códigos, para medir áreas."""
    redraw = Redraw(painter).eval()
    found, high = dissect(redraw, world, layer, Convention(SHARE)), thresholds(redraw, world.images, layer, HIGH).cut(HIGH)
    for label in label_units(found.iou(), layer, found.names, found.categories, DETECTS):
        yield ["detectora", layer, label.concept, str(label.unit.channel), f"{label.iou:.4f}", "", "", "", ""]
    for size in (FEW, len(high) // PART):
        yield from silenced(painter, codes, found, layer, size)
    for place in PLACES:
        if LAYERS[layer] > 4:                           # en 4 × 4, una casilla es demasiado grande para ser un lugar
            yield from switched(painter, codes, found, high, layer, place)


def chance_rows(painter: ImageGenerator, world: Drawn, layer: str) -> Iterator[list[str]]:
    """Lo más que coincide una unidad de la capa por casualidad: con pesos al azar, y con las máscaras de otro dibujo."""
    made = [("pesos al azar", seed, Redraw(random_twin(painter, seed), painter.encode).eval(), world) for seed in WEIGHTS]
    made += [("otras máscaras", seed, Redraw(painter).eval(), Shuffled(world, seed=seed)) for seed in MASKS]
    for control, seed, model, masks in made:
        iou = dissect(model, masks, layer, Convention(SHARE)).iou()
        yield ["control", layer, control, str(seed), f"{iou.max().item():.4f}", "", "", "", ""]


def main() -> None:
    """Mide y guarda."""
    parser = argparse.ArgumentParser(description="Mide qué dibuja cada unidad del generador.")
    parser.add_argument("--threads", type=int, default=2, help="núcleos de CPU (2)")
    torch.set_num_threads(parser.parse_args().threads)
    painter, segmenter = load_generator(device="cpu"), load_segmenter(device="cpu")
    images = load_images("test", n=COUNT).images
    world = Drawn(images, Redraw(painter).eval(), segmenter.labels, segmenter.names)
    codes = Drawn(painter.encode(images), painter, segmenter.labels, segmenter.names)
    table = StringIO()
    writer = csv.writer(table, lineterminator="\n")
    writer.writerow(FIELDS)
    for layer in LAYERS:
        for row in layer_rows(painter, world, codes, layer):
            writer.writerow(row)
            if row[0] != "detectora":
                print(*row, flush=True)
    for layer in LAYERS:
        writer.writerows(chance_rows(painter, world, layer))
    path = data_path("experimentos", "generador.csv")
    path.parent.mkdir(exist_ok=True)
    path.write_text(table.getvalue(), encoding="utf-8")
    write_sums(data_path())


if __name__ == "__main__":
    main()

"""Apaga 199 veces la cuarta parte de una capa del generador, sorteada de toda la capa: el control de la lección 5c.

    .venv/bin/python data/build/make_generator_lots.py

Deja data/experimentos/sorteos.csv, un renglón por sorteo: `lot`, su número, que es su semilla; `units`, las 24 unidades
de up2 que tocaron; y la parte de los dibujos que cubre cada concepto con ellas en cero. El renglón −1 es la red entera,
sin apagar nada. Los dibujos son los de los códigos de las imágenes de prueba 200 a 399, las que no sirvieron para poner
nombres. Con 199 sorteos, la menor p posible es 1/200. Lo ya medido se guarda en data/build/runs y no se repite; así,
`--part 0 --of 2` y `--part 1 --of 2` reparten el trabajo, y una llamada más, sin partes, lo junta.
"""
import argparse
import csv
import sys
from collections.abc import Callable
from io import StringIO
from pathlib import Path

import torch
import torch.nn.functional as F
from torch import Tensor, nn

ROOT = Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT))  # labkit, también sin instalar

from packing import write_sums  # noqa: E402

from labkit.activations import run  # noqa: E402
from labkit.datasets import load_images  # noqa: E402
from labkit.experiments import Drawn, Redraw, concept_area  # noqa: E402
from labkit.files import data_path  # noqa: E402
from labkit.priors import ImageGenerator, load_generator, load_segmenter  # noqa: E402

LOTS, COUNT, LAYER, PART = 199, 200, "up2", 4           # PART: se apaga la cuarta parte de la capa
ASKED = ("cielo", "pasto", "nieve", "agua", "árboles", "animal")
FIELDS = ("lot", "units", *ASKED)
WHOLE = -1                                              # el renglón de la red entera
RUNS = Path(__file__).resolve().parent / "runs" / "sorteos"


def lot_units(lot: int, total: int) -> list[int]:
    """Las unidades de un sorteo, de menor a mayor, de todas las de la capa."""
    if lot == WHOLE:
        return []
    order = torch.randperm(total, generator=torch.Generator().manual_seed(lot))
    return sorted(order[:total // PART].tolist())


def doubled(step: nn.Sequential) -> Callable[[Tensor], Tensor]:
    """Un paso del generador (repetir cada punto, convolución, normalización y ReLU) con menos de la mitad de cuentas.

    Repetir cada punto y convolucionar con un núcleo de 3 × 3 es lo mismo que una convolución transpuesta de 4 × 4.
    """
    _, convolution, norm, _ = step
    scale = norm.weight / (norm.running_var + norm.eps).sqrt()
    kernel = (convolution.weight * scale[:, None, None, None]).flip(2, 3)
    wide = torch.zeros(*kernel.shape[:2], 4, 4)
    for y in (0, 1):
        for x in (0, 1):
            wide[:, :, y:y + 3, x:x + 3] += kernel
    shift = (convolution.bias - norm.running_mean) * scale + norm.bias
    wide = wide.transpose(0, 1).contiguous()
    return lambda maps: F.conv_transpose2d(maps, wide, shift, stride=2, padding=1).relu()


def from_layer(painter: ImageGenerator) -> Callable[[Tensor], Tensor]:
    """Lo que el generador hace con los mapas de up2, (b, 96, 16, 16) → (b, 3, 64, 64)."""
    third, fourth = doubled(painter.up3), doubled(painter.up4)
    return lambda maps: painter.leave(fourth(third(maps))).sigmoid()


def lot_row(lot: int, maps: Tensor, draw: Callable[[Tensor], Tensor], world: Drawn) -> list[str]:
    """El renglón de un sorteo.  maps: los de la capa, (n, c, h, w);  world: de él, los nombres y el segmentador."""
    units = lot_units(lot, maps.shape[1])
    kept = torch.ones(maps.shape[1])
    kept[units] = 0
    area = concept_area(Drawn(maps, lambda some: draw(some * kept[:, None, None]), world.segment, world.names)).mean(0)
    numbers = (f"{area[world.names.index(name)].item():.5f}" for name in ASKED)
    return [str(lot), " ".join(map(str, units)), *numbers]


def done_lots() -> dict[int, list[str]]:
    """Los renglones ya medidos, por su número."""
    texts = [path.read_text("utf-8") for path in sorted(RUNS.glob("*.csv"))]
    rows = [row for text in texts for row in csv.reader(StringIO(text)) if len(row) == len(FIELDS)]
    return {int(row[0]): row for row in rows}


@torch.no_grad()
def measure(part: int, parts: int) -> None:
    """Mide los sorteos que faltan de una parte, y los va guardando."""
    painter, segmenter = load_generator(device="cpu"), load_segmenter(device="cpu")
    images = load_images("test", n=2 * COUNT).images[COUNT:]
    maps, draw = run(Redraw(painter).eval(), images, [LAYER])[LAYER], from_layer(painter)
    world = Drawn(maps, draw, segmenter.labels, segmenter.names)
    RUNS.mkdir(parents=True, exist_ok=True)
    ready = done_lots()
    with open(RUNS / f"{part}_{parts}.csv", "a", encoding="utf-8") as file:
        for lot in range(WHOLE, LOTS):
            if lot % parts == part and lot not in ready:
                csv.writer(file, lineterminator="\n").writerow(lot_row(lot, maps, draw, world))
                file.flush()


def main() -> None:
    """Mide lo que falte y, si ya está todo, guarda la tabla."""
    parser = argparse.ArgumentParser(description="Apaga unidades sorteadas del generador.")
    parser.add_argument("--threads", type=int, default=2, help="núcleos de CPU (2)")
    parser.add_argument("--part", type=int, default=0, help="qué parte del trabajo (0)")
    parser.add_argument("--of", type=int, default=1, help="en cuántas partes se reparte (1)")
    told = parser.parse_args()
    torch.set_num_threads(told.threads)
    measure(told.part, told.of)
    ready = done_lots()
    if not set(range(WHOLE, LOTS)) <= set(ready):
        return
    table = StringIO()
    writer = csv.writer(table, lineterminator="\n")
    writer.writerows([FIELDS, *(ready[lot] for lot in range(WHOLE, LOTS))])
    data_path("experimentos", "sorteos.csv").write_text(table.getvalue(), encoding="utf-8")
    write_sums(data_path())


if __name__ == "__main__":
    main()

"""Hace la galería del curso: qué imagen activa más a cada unidad de las redes, y qué imágenes de prueba la activan más.

    .venv/bin/python data/build/make_gallery.py                     todas las redes y todas las capas
    .venv/bin/python data/build/make_gallery.py escenas_robusta     sólo esa red

    .venv/bin/python data/build/make_gallery.py --regular           sólo las regularizadas de la lección 5

Ninguna unidad se escoge ni se quita, y todas parten del mismo ruido. Deja en data/galeria/ una hoja por capa y la tabla
unidades.csv, que lee `labkit.ready_made`; y, de la última convolución de la red principal, una hoja con las mismas unidades
subidas como enseña la lección 3: en frecuencias y moviéndolas.
"""
import csv
import sys
from io import StringIO
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT))  # labkit, también sin instalar

import torch  # noqa: E402
from fitting import keep_memory  # noqa: E402
from packing import write_sums  # noqa: E402

from labkit.activations import receptive_field  # noqa: E402
from labkit.datasets import load_images  # noqa: E402
from labkit.files import data_path  # noqa: E402
from labkit.vectors import features  # noqa: E402
from labkit.ready_made import COLUMNS, FIELDS, TOP  # noqa: E402
from labkit.images import contact_sheet, jpeg_bytes  # noqa: E402
from labkit.models import load_model  # noqa: E402
from labkit.objectives import channel, each  # noqa: E402
from labkit.optimization import gallery, maximize  # noqa: E402
from labkit.regularization import (  # noqa: E402
    FourierCanvas,
    color_matrix,
    compose,
    jitter,
    rotate,
    scale,
    soft_noise,
)

NETWORKS = ("escenas", "escenas_robusta")
LAYERS = ("conv1", "conv2", "conv3", "conv4", "conv5", "dense", "fc")
SIDE, QUALITY = 48, 60  # lado de cada imagen, en el que cabe el campo receptivo de conv4; calidad del JPEG
REGULAR, TOGETHER, STEPS, STEP = ("escenas", "conv5", 128), 16, 128, 0.05  # red, capa y unidades; cuántas a la vez; pasos
Row = dict[str, object]


def make_layer(name: str, layer: str) -> list[Row]:
    """Sube todas las unidades de una capa, guarda su hoja y devuelve su parte de la tabla."""
    model, pictures = load_model(name, "cpu"), load_images("test")
    made = gallery(model, layer, size=SIDE)
    folder = data_path("galeria")
    folder.mkdir(exist_ok=True)
    sheet = contact_sheet(made.images, COLUMNS, pad=0)
    (folder / f"{name}_{layer}.jpg").write_bytes(jpeg_bytes(sheet, QUALITY))
    y0, _, y1, _ = receptive_field(model, layer)
    own = features(model, made.images, layer, "max").diagonal()
    best = features(model, pictures.images, layer, "max").topk(TOP, 0)
    return [{"network": name, "layer": layer, "unit": k, "field": y1 - y0, "score": f"{made.scores[-1, k]:.4g}",
             "peak": f"{own[k]:.4g}", "peak_real": f"{best.values[0, k]:.4g}",
             "top": " ".join(map(str, best.indices[:, k].tolist()))} for k in range(len(made.images))]


def make_regular() -> None:
    """Sube las unidades de una capa como enseña la lección 3 y guarda su hoja."""
    name, layer, count = REGULAR
    model, colors, made = load_model(name, "cpu"), color_matrix(load_images("test").images), []
    move = compose(jitter(5), rotate(10), scale(0.15))
    for first in range(0, count, TOGETHER):
        units = [f"{layer}:{k}" for k in range(first, min(first + TOGETHER, count))]
        canvas = FourierCanvas(soft_noise(1).repeat(len(units), 1, 1, 1), 1.5, colors)
        made.append(maximize(model, each([channel(unit) for unit in units]), canvas, STEPS, STEP, move).images)
        print(f"regularizadas: {first + len(units)} de {count}", flush=True)
    sheet = contact_sheet(torch.cat(made), COLUMNS, pad=0)
    data_path("galeria", f"regular_{name}_{layer}.jpg").write_bytes(jpeg_bytes(sheet, QUALITY))


def main() -> None:
    """Hace la galería de las redes que digas, o de todas; los renglones de las demás se conservan."""
    keep_memory()
    if "--regular" in sys.argv or len(sys.argv) == 1:
        make_regular()
    if "--regular" in sys.argv:
        return write_sums(data_path())
    chosen, path = sys.argv[1:] or NETWORKS, data_path("galeria", "unidades.csv")
    kept = [row for row in csv.DictReader(StringIO(path.read_text())) if row["network"] not in chosen] if path.is_file() else []
    rows = kept
    for name in chosen:
        for layer in LAYERS:
            rows += make_layer(name, layer)
            print(f"{name} {layer}: {len(rows)} renglones", flush=True)
    buffer = StringIO()
    table = csv.DictWriter(buffer, FIELDS, lineterminator="\n")
    table.writeheader()
    table.writerows(rows)
    path.write_text(buffer.getvalue(), encoding="utf-8")
    write_sums(data_path())


if __name__ == "__main__":
    main()

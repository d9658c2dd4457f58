"""Hace el muro con que abre la lección 3: unidades de una red que aprendió fotografías, con la receta de esa lección.

    .venv/bin/python data/build/make_wall.py

Hacen falta los pesos de SqueezeNet 1.1 (`python -m labkit fetch squeezenet1_1`). Todas las imágenes parten del mismo ruido:
ninguna fotografía interviene. La primera es una unidad subida sin regularizar; las demás, con la receta, y la primera de
ellas es la misma unidad. Las unidades están en `labkit.ready_made.WALL`: se escogieron a ojo, por claras, después de ver las
192 de la capa. Deja data/galeria/squeezenet_muro.jpg.
"""
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT))  # labkit, también sin instalar

import torch  # noqa: E402
from fitting import keep_memory  # noqa: E402
from packing import write_sums  # noqa: E402

from labkit.datasets import load_images  # noqa: E402
from labkit.files import data_path  # noqa: E402
from labkit.images import contact_sheet, jpeg_bytes  # noqa: E402
from labkit.models import load_model  # noqa: E402
from labkit.objectives import channel, each  # noqa: E402
from labkit.optimization import PixelCanvas, maximize, noise  # noqa: E402
from labkit.ready_made import WALL, WALL_COLUMNS  # noqa: E402
from labkit.regularization import FourierCanvas, color_matrix, compose, jitter, rotate, scale, soft_noise  # noqa: E402

NETWORK, SIDE, QUALITY = "squeezenet1_1", 136, 88
DECAY, STEPS, STEP = 1.0, 200, 0.05                     # la receta: 1 / f, doscientos pasos
PLAIN = (200, 0.03)                                     # sin regularizar: los pasos y lo que mide cada uno


def main() -> None:
    """Sube la primera unidad sin regularizar y todas con la receta, y guarda la hoja."""
    keep_memory()
    model, colors = load_model(NETWORK, "cpu"), color_matrix(load_images("test").images)
    bare = maximize(model, channel(WALL[0]), PixelCanvas(noise(1, SIDE)), *PLAIN).images
    move = compose(jitter(8), rotate(10), scale(0.15), jitter(4, 1))
    canvas = FourierCanvas(soft_noise(1, SIDE).repeat(len(WALL), 1, 1, 1), DECAY, colors)
    made = maximize(model, each([channel(unit) for unit in WALL]), canvas, STEPS, STEP, move).images
    sheet = contact_sheet(torch.cat([bare, made]), WALL_COLUMNS, pad=0)
    data_path("galeria", "squeezenet_muro.jpg").write_bytes(jpeg_bytes(sheet, QUALITY))
    write_sums(data_path())


if __name__ == "__main__":
    main()

"""Hace las hojas de la prueba a ciegas de la lección 3: doce imágenes numeradas, una por clase, de una red y una receta.

    .venv/bin/python data/build/make_blind.py CARPETA

Deja en CARPETA una hoja por red y receta, con un nombre que no dice cuál es, y clave.csv, que sí. Lo que contestó cada
lector está en data/recetas/ciegas.csv, y su renglón dice qué hoja vio y en qué lugar.
"""
import csv
import sys
from pathlib import Path

import torch

ROOT = Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT))  # labkit, también sin instalar

from fitting import keep_memory  # noqa: E402
from measure_lying import NETWORKS, RECIPES, climb  # noqa: E402

from labkit.datasets import load_images  # noqa: E402
from labkit.images import beside, caption, enlarge, jpeg_bytes  # noqa: E402
from labkit.models import load_model  # noqa: E402
from labkit.objectives import margin  # noqa: E402

COLS, SCALE = 4, 3


def sheet_of(images: torch.Tensor, order: list[int]) -> bytes:
    """La hoja de doce imágenes en ese orden, con su número: los bytes de un JPEG."""
    cards = [caption(enlarge(images[k], SCALE), str(place)) for place, k in enumerate(order, start=1)]
    return jpeg_bytes(torch.cat([beside(cards[i:i + COLS]) for i in range(0, len(cards), COLS)], 1), 95)


def main() -> None:
    """Hace las hojas de las dos redes con todas las recetas."""
    keep_memory()
    folder, world = Path(sys.argv[1]), load_images("test")
    folder.mkdir(parents=True, exist_ok=True)
    kinds = [(network, recipe) for network in NETWORKS for recipe in RECIPES]
    names = torch.randperm(len(kinds), generator=torch.Generator().manual_seed(2024)).tolist()
    rows = []
    for (network, recipe), name in zip(kinds, names):
        images = climb(load_model(network, "cpu"), recipe, 0, world, margin)
        order = torch.randperm(12, generator=torch.Generator().manual_seed(name)).tolist()
        (folder / f"hoja_{name:02d}.jpg").write_bytes(sheet_of(images, order))
        rows.append([f"{name:02d}", network, recipe, *(world.classes[k] for k in order)])
        print(network, recipe, flush=True)
    with open(folder / "clave.csv", "w", encoding="utf-8", newline="") as file:
        csv.writer(file, lineterminator="\n").writerows([["sheet", "network", "recipe", *range(1, 13)], *sorted(rows)])


if __name__ == "__main__":
    main()

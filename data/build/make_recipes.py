"""Hace la tabla de recetas de la lección 3: la misma subida con cada combinación de cuatro regularizadores.

    .venv/bin/python data/build/make_recipes.py

Todas parten del mismo comienzo; ninguna combinación se quita. Deja en data/recetas/ una hoja por red y la tabla recetas.csv,
que lee `labkit.ready_made`.
"""
import csv
import sys
import time
from io import StringIO
from itertools import product
from pathlib import Path

import torch

ROOT = Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT))  # labkit, también sin instalar

from fitting import keep_memory  # noqa: E402
from packing import write_sums  # noqa: E402

from labkit.datasets import PROTAGONIST, load_images  # noqa: E402
from labkit.files import data_path  # noqa: E402
from labkit.ready_made import COLUMNS, LEVELS, RECIPE_FIELDS, Levels  # noqa: E402
from labkit.images import contact_sheet, jpeg_bytes  # noqa: E402
from labkit.models import load_model  # noqa: E402
from labkit.objectives import Objective, channel, each, logit  # noqa: E402
from labkit.optimization import PixelCanvas, maximize  # noqa: E402
from labkit.priors import Cleaning, cleaning_change, load_denoiser  # noqa: E402
from labkit.regularization import (  # noqa: E402
    FourierCanvas,
    color_matrix,
    compose,
    high_frequency_share,
    jitter,
    rotate,
    scale,
    score_under,
    soft_noise,
    total_variation,
)

NETWORKS = ("escenas", "escenas_robusta")
STEPS, QUALITY = 128, 70
PENALTY = {"escenas": (0, 250, 800), "escenas_robusta": (0, 30, 120)}  # cuánto pesa la variación total: los logits de la
MOVES = ((0, 0, 0.0), (2, 4, 0.05), (5, 10, 0.15))  # principal crecen más. Desplazamiento, giro y acercamiento
DECAY = (None, 1.0, 1.75)  # None: píxeles
CLEANING = {"pixels": (0.0, 0.1, 0.25), "frequencies": (0.0, 0.02, 0.06)}  # ahí cada paso del ascenso cambia menos la imagen


def moved(level: int, seed: int) -> object:
    """Las transformaciones de ese nivel, con sus sorteos."""
    reach, degrees, amount = MOVES[level]
    return compose(jitter(reach, seed), rotate(degrees, seed + 1), scale(amount, seed + 2)) if level else None


def climb(network: str, levels: Levels, objectives: list[Objective], steps: int = STEPS) -> torch.Tensor:
    """Las imágenes (b, 3, 64, 64) de una combinación: frecuencia, transformaciones, espacio y limpiador."""
    frequency, moves, space, cleaning = levels
    start = soft_noise(1).repeat(len(objectives), 1, 1, 1)
    where, lr = ("frequencies", 0.05) if space else ("pixels", 0.03)
    after = Cleaning(load_denoiser(device="cpu"), steps, CLEANING[where][cleaning]) if cleaning else None
    canvas = FourierCanvas(start, DECAY[space], color_matrix(load_images("test").images), after) if space else \
        PixelCanvas(start, after=after)
    goal = each(objectives) - PENALTY[network][frequency] * total_variation()
    return maximize(load_model(network, "cpu"), goal, canvas, steps, lr, moved(moves, 1)).images


def main() -> None:
    """Hace las dos redes."""
    keep_memory()
    world = load_images("test")
    zebra = world.classes.index(PROTAGONIST.class_name)
    objectives = [logit(zebra), channel(PROTAGONIST.unit)]
    denoiser, rows = load_denoiser(device="cpu"), []
    witness = load_model("escenas_semilla1", "cpu")
    folder = data_path("recetas")
    folder.mkdir(exist_ok=True)
    for network in NETWORKS:
        model, pictures = load_model(network, "cpu"), []
        for levels in product(range(LEVELS), repeat=4):
            begin = time.perf_counter()
            images = climb(network, levels, objectives)
            seconds = (time.perf_counter() - begin) / len(images)
            pictures.append(images)
            with torch.no_grad():
                chance = witness(images).softmax(1)[:, zebra]
            held = score_under(model, images, each(objectives), moved(2, 900), 16)
            plain = score_under(model, images, each(objectives), compose(), 1)
            high, far = high_frequency_share(images), cleaning_change(denoiser, images)
            for k, what in enumerate(("clase", "unidad")):
                rows.append([network, *levels, what, *(f"{value:.4g}" for value in (
                    plain[k], held[k], chance[k], high[k], far[k], seconds))])
            print(network, *levels, f"{seconds:.1f} s", flush=True)
        sheet = contact_sheet(torch.cat(pictures), COLUMNS, pad=0)
        (folder / f"{network}.jpg").write_bytes(jpeg_bytes(sheet, QUALITY))
    buffer = StringIO()
    csv.writer(buffer, lineterminator="\n").writerows([RECIPE_FIELDS, *rows])
    (folder / "recetas.csv").write_text(buffer.getvalue(), encoding="utf-8")
    write_sums(data_path())


if __name__ == "__main__":
    main()

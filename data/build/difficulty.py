"""Qué tan difícil es cada mundo para quien no mira formas: un clasificador lineal sobre píxeles y el puro lugar.

    python data/build/difficulty.py escenas                        tabla en Markdown, para data/README.md
    python data/build/difficulty.py escenas --curve 1000 4000      además, la red principal con menos imágenes

Si estas cifras son bajas, lo que sabe una red no son colores medios ni atajos por el lugar.
"""
import argparse
import sys
import tempfile
from dataclasses import replace
from pathlib import Path

import numpy as np
import torch
import torch.nn.functional as F

sys.path.insert(0, str(Path(__file__).resolve().parents[2]))

from fitting import fit, keep_memory  # noqa: E402
from recipes import RECIPES  # noqa: E402
from sklearn.linear_model import LogisticRegression  # noqa: E402
from sklearn.pipeline import make_pipeline  # noqa: E402
from sklearn.preprocessing import StandardScaler  # noqa: E402

from labkit.datasets import ImageSet, load_images  # noqa: E402
from labkit.models import draw_weights, plain_network  # noqa: E402

SIZES = (8, 16, 32)  # lado de la imagen reducida, en píxeles
STRENGTHS = (1e-5, 1e-4, 1e-3, 1e-2, 1e-1)  # la C de scikit-learn: menor, más freno
HELD_OUT = 0.2  # parte del entrenamiento con que se elige C
ROUNDS = 150


def pixels(pictures: ImageSet, size: int) -> np.ndarray:
    """Cada imagen reducida a size × size y puesta en fila: (n, 3·size²)."""
    return F.interpolate(pictures.images, size=(size, size), mode="area").flatten(1).numpy()


def linear(strength: float) -> object:
    """Un clasificador lineal (regresión logística) sobre píxeles estandarizados."""
    return make_pipeline(StandardScaler(), LogisticRegression(C=strength, max_iter=ROUNDS, tol=1e-3))


def linear_accuracy(train: ImageSet, test: ImageSet, size: int) -> tuple[float, float]:
    """La exactitud en la prueba del mejor clasificador lineal a ese tamaño, y su C, elegida sin ver la prueba."""
    known, labels = pixels(train, size), train.labels.numpy()
    cut = int(len(known) * (1 - HELD_OUT))
    order = np.random.default_rng(0).permutation(len(known))
    fitted, held = order[:cut], order[cut:]
    scores = [linear(c).fit(known[fitted], labels[fitted]).score(known[held], labels[held]) for c in STRENGTHS]
    best = STRENGTHS[int(np.argmax(scores))]
    return linear(best).fit(known, labels).score(pixels(test, size), test.labels.numpy()), best


def place_accuracy(train: ImageSet, test: ImageSet) -> float:
    """La exactitud de responder siempre la clase más frecuente de cada lugar, contada en el entrenamiento."""
    counts = torch.zeros(len(train.scene_names), len(train.classes))
    counts.index_put_((train.scenes, train.labels), torch.ones(len(train)), accumulate=True)
    return (counts.argmax(1)[test.scenes] == test.labels).float().mean().item()


def learning_curve(name: str, train: ImageSet, test: ImageSet, amounts: list[int]) -> list[tuple[int, float]]:
    """La exactitud en la prueba de la red `name` entrenada con las primeras imágenes, con igual número de pasos."""
    results = []
    for amount in amounts:
        recipe = replace(RECIPES[name], epochs=round(RECIPES[name].epochs * len(train) / amount))
        model = draw_weights(plain_network(train.classes, recipe.widths, recipe.dense, recipe.batch_norm), recipe.seed)
        part = train.images[:amount], train.labels[:amount]
        with tempfile.TemporaryDirectory() as folder:
            diary = fit(recipe, model, part, (test.images, test.labels), Path(folder))
        results.append((amount, diary[-1]["test_accuracy"]))
    return results


def table(rows: list[tuple[str, float]]) -> str:
    """Las filas (método, exactitud) como tabla en Markdown."""
    lines = ["| cómo responde | acierta en la prueba |", "|---|---|"]
    return "\n".join([*lines, *(f"| {method} | {value:.1%} |".replace("%", " %") for method, value in rows)])


def main() -> None:
    """Lee qué conjunto medir e imprime la tabla."""
    parser = argparse.ArgumentParser(description="Mide qué tan difícil es un conjunto de imágenes del curso.")
    parser.add_argument("source", nargs="?", default="escenas")
    parser.add_argument("--curve", type=int, nargs="*", default=[], metavar="N", help="tamaños de la curva")
    options = parser.parse_args()
    keep_memory()
    train, test = load_images("train", options.source), load_images("test", options.source)
    commonest = torch.bincount(test.labels).max().item() / len(test)
    rows = [("la clase más frecuente", commonest), ("el puro nombre del lugar", place_accuracy(train, test))]
    for size in SIZES:
        value, strength = linear_accuracy(train, test, size)
        rows.append((f"clasificador lineal sobre píxeles, {size}×{size} (C = {strength:g})", value))
    if options.curve:
        for amount, value in learning_curve(options.source, train, test, options.curve):
            rows.append((f"la red principal, con {amount} imágenes", value))
    print(table(rows))


if __name__ == "__main__":
    main()

"""Hace los mapas de la lección 4: 5,000 imágenes de Escenas en el plano, según tres capas de la red principal.

    .venv/bin/python data/build/make_maps.py

Deja data/mapas/mapas.npz, con las coordenadas en media precisión, y calidad.csv, con lo que engaña cada mapa; los lee
`labkit.exemplars`. La semilla es una, fijada antes de mirar.
"""
import csv
import sys
import time
from io import BytesIO, StringIO
from pathlib import Path

import numpy as np

ROOT = Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT))  # labkit, también sin instalar

from packing import write_sums  # noqa: E402

from labkit.datasets import load_images  # noqa: E402
from labkit.exemplars import features, layout, map_quality  # noqa: E402
from labkit.files import data_path  # noqa: E402
from labkit.models import load_model  # noqa: E402

COUNT, LAYERS, PERPLEXITIES = 5000, ("relu3", "relu5", "relu6"), (5, 30, 100)
WAYS = [("pca", 0), *(("tsne", perplexity) for perplexity in PERPLEXITIES), ("som", 0)]
FIELDS = ("layer", "method", "perplexity", "trustworthiness", "continuity", "preserved", "seconds")


def main() -> None:
    """Acomoda y mide."""
    model, images = load_model("escenas", "cpu"), load_images("train", n=COUNT).images
    points, rows = {}, []
    for layer in LAYERS:
        vectors = features(model, images, layer)
        for method, perplexity in WAYS:
            begin = time.perf_counter()
            made = layout(vectors, method, perplexity or 30)
            seconds = time.perf_counter() - begin
            quality = map_quality(vectors, made)
            points[f"{layer}-{method}-{perplexity}"] = made.numpy().astype(np.float16)
            rows.append([layer, method, perplexity, *(f"{value:.3f}" for value in vars(quality).values()), f"{seconds:.1f}"])
            print(*rows[-1], flush=True)
    folder = data_path("mapas")
    folder.mkdir(exist_ok=True)
    buffer, table = BytesIO(), StringIO()
    np.savez_compressed(buffer, **points)
    (folder / "mapas.npz").write_bytes(buffer.getvalue())
    csv.writer(table, lineterminator="\n").writerows([FIELDS, *rows])
    (folder / "calidad.csv").write_text(table.getvalue(), encoding="utf-8")
    write_sums(data_path())


if __name__ == "__main__":
    main()

"""Mide lo que la lección 3b no alcanza a medir en clase: la temperatura y el término de ruido.

    .venv/bin/python data/build/measure_priors.py               # las dos (unos veinte minutos con un núcleo)
    .venv/bin/python data/build/measure_priors.py temperatura   # una

Deja en data/distribuciones/ las tablas temperatura.csv y ruido.csv, y la hoja temperatura.jpg, que abre
labkit.priors.tables. No se quita ninguna corrida.
"""
import csv
import sys
from collections.abc import Iterable, Sequence
from io import StringIO
from pathlib import Path

import torch

ROOT = Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT))  # labkit, también sin instalar

from packing import write_sums  # noqa: E402

from labkit.datasets import load_images  # noqa: E402
from labkit.files import data_path  # noqa: E402
from labkit.images import contact_sheet, jpeg_bytes  # noqa: E402
from labkit.models import load_model  # noqa: E402
from labkit.objectives import each, margin, score  # noqa: E402
from labkit.optimization import diversity_of, noise  # noqa: E402
from labkit.priors import load_denoiser, ppgn, sample  # noqa: E402
from labkit.priors.tables import SHOWN, TEMPERATURES, NoiseRuns, Tempered  # noqa: E402
from labkit.regularization import compose, high_frequency_share, jitter, rotate, scale, score_under  # noqa: E402

SEEDS, RUNS, QUALITY = range(4), range(8), 85
KINDS = ((0.0, 8), (0.05, 1), (0.05, 8), (0.7, 1), (0.7, 8))    # cuánto ruido, y de cuántos comienzos
GRAY = torch.full((1, 3, 64, 64), 0.5)


def exam() -> object:
    """Cómo se mueven las imágenes para el examen: los mismos sorteos que en la lección."""
    return compose(jitter(6, 91), rotate(10, 92), scale(0.15, 93))


def temper(classes: Sequence[str], seed: int) -> Iterable[tuple[Tempered, torch.Tensor]]:
    """Cada clase con cada temperatura y esa semilla: lo medido y su imagen."""
    robust, witness, denoiser = load_model("escenas_robusta", "cpu"), load_model("escenas_semilla1", "cpu"), \
        load_denoiser(device="cpu")
    for k, name in enumerate(classes):
        b, goal = len(TEMPERATURES), margin(k)
        last = []                                   # lo último que dio el limpiador: la imagen sin recortar

        def cleaned(noisy: torch.Tensor, sigma: float, last: list = last) -> torch.Tensor:
            last[:] = [denoiser(noisy, sigma)]
            return last[0]

        images = sample(robust, goal, cleaned, GRAY.expand(b, -1, -1, -1), TEMPERATURES, seed=[seed] * b)
        free = last[0]
        chance = witness(images).softmax(1)[:, k]
        found = [score(robust, images, goal), score_under(robust, images, goal, exam()), chance,
                 high_frequency_share(images), score(robust, free, goal), (free != images).float().mean((1, 2, 3))]
        for temperature, image, *values in zip(TEMPERATURES, images, *(column.tolist() for column in found)):
            yield Tempered(temperature, name, seed, *(float(f"{value:.4g}") for value in values)), image
        print(f"semilla {seed}, {name}", flush=True)


def temperatures(folder: Path) -> None:
    """La tabla y la hoja de la temperatura."""
    classes, rows, shown = load_images("test", n=1).classes, [], []
    for seed in SEEDS:
        for row, image in temper(classes, seed):
            rows.append(row)
            shown += [image] if seed == 0 and row.label in SHOWN else []
    write(folder / "temperatura.csv", Tempered._fields, rows)
    sheet = contact_sheet(torch.stack(shown), len(TEMPERATURES), pad=0)
    (folder / "temperatura.jpg").write_bytes(jpeg_bytes(sheet, QUALITY))


def noise_runs(folder: Path) -> None:
    """La tabla del ruido: ocho corridas por clase de cada manera."""
    classes, rows = load_images("test", n=1).classes, []
    robust, witness, denoiser = load_model("escenas_robusta", "cpu"), load_model("escenas_semilla1", "cpu"), \
        load_denoiser(device="cpu")
    goals = each([margin(k) for k in range(len(classes))])
    for amount, starts in KINDS:
        made = [ppgn(robust, goals, denoiser, noise(1, seed=run % starts).repeat(len(classes), 1, 1, 1), 80,
                     (0.25, 12, amount), run) for run in RUNS]
        for k, name in enumerate(classes):
            images = torch.stack([run[k] for run in made])
            hits = int((witness(images).argmax(1) == k).sum())
            rows.append(NoiseRuns(amount, starts, name, round(diversity_of(images, robust, "conv3"), 4),
                                  round(score(robust, images, margin(k)).mean().item(), 2), hits))
        print(f"ruido {amount}, {starts} comienzos", flush=True)
    write(folder / "ruido.csv", NoiseRuns._fields, rows)


def write(path: Path, fields: Sequence[str], rows: Iterable[Sequence]) -> None:
    """Escribe una tabla."""
    buffer = StringIO()
    csv.writer(buffer, lineterminator="\n").writerows([fields, *rows])
    path.write_text(buffer.getvalue(), encoding="utf-8")


TABLES = {"ruido": noise_runs, "temperatura": temperatures}


def main() -> None:
    """Las tablas que se pidan, o todas."""
    torch.set_num_threads(1)
    folder = data_path("distribuciones")
    folder.mkdir(exist_ok=True)
    for name in sys.argv[1:] or TABLES:
        TABLES[name](folder)
    write_sums(data_path())


if __name__ == "__main__":
    main()

"""Mide los controles de la lección 6 y deja data/textos/gemelas.csv y data/textos/cierres.csv.

    python data/build/measure_text_controls.py

gemelas.csv: de cada red (la que viene, con las máscaras de otra ventana y tres gemelas de pesos al azar) y de cada
concepto, la celda de mayor AUPRC en la validación y su AUPRC en la prueba; de cada gemela, entre qué valores está la de
la red menos la suya, si se remuestrean ventanas (todos los intervalos valen juntos 95 %: Bonferroni); y, de PROBED, la
AUPRC de la sonda lineal.

cierres.csv: de cada celda anulada (−1, ninguna), semilla de escritura y ventana de prueba, cuántos comienzos abren un
paréntesis y cuántos cierra la red.
"""
import csv
import sys
from pathlib import Path

import torch
from torch import Tensor

ROOT = Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT))  # labkit, también sin instalar

from packing import write_sums  # noqa: E402

from labkit.activations import Unit  # noqa: E402
from labkit.files import data_path  # noqa: E402
from labkit.measures import average_precisions, redraws  # noqa: E402
from labkit.sequences import TextNetwork, TextWorld, load_text_network, load_texts, random_text_twin  # noqa: E402
from labkit.sequences.cells import (  # noqa: E402
    both_signs,
    cell_scores,
    cell_values,
    closes,
    opening_places,
    openings,
)
from labkit.sequences.masks import ASKED_AGAIN, CONCEPTS  # noqa: E402
from labkit.sequences.windows import area_draws, tails  # noqa: E402

WINDOWS, COMMON, SHIFT = 80, 50, 7          # ventanas; los signos que hacen falta; a cuál se le pide su máscara
TWINS, TIMES, RIDGE = (1, 2, 3), 20000, 10  # semillas; remuestreos; que ningún peso de la sonda se dispare
PROBED = ("dentro de paréntesis", "entre comillas", "dentro de corchetes", "comentario")
TRIED = (298, 6)                            # las dos celdas del paréntesis; se suman RANDOM al azar, con semilla 0
RANDOM, SEEDS = 8, (0, 1, 2)
FIELDS = ("network", "concept", "cell", "lowest", "validation", "test", "low", "high", "probe")


def world_of(split: str) -> TextWorld:
    """Las ventanas de la página, con todos los conceptos y las otras maneras de preguntar."""
    return TextWorld(load_texts("python", split), concepts=(*CONCEPTS, *ASKED_AGAIN), most=WINDOWS)


def flat(world: TextWorld, shift: int = 0) -> Tensor:
    """Las máscaras, (n·T, k); con `shift`, cada ventana lleva las de otra."""
    return world.masks.roll(shift, 0).movedim(1, 2).flatten(0, 1)


def probes(values: Tensor, new_values: Tensor, truth: Tensor, new_truth: Tensor) -> list[float]:
    """La AUPRC en la prueba de la sonda de cada concepto, (n, k), por mínimos cuadrados con la validación."""
    center, spread = values.mean(0), values.std(0)
    values, new_values = (values - center) / spread, (new_values - center) / spread
    marks = truth.float() - truth.float().mean(0)
    weights = torch.linalg.solve(values.T @ values + RIDGE * torch.eye(values.shape[1]), values.T @ marks)
    return [float(average_precisions((new_values @ weights)[:, [k]], new_truth[:, k])[0])
            for k in range(len(weights.T))]


def measure(values: Tensor, new_values: Tensor, truth: Tensor, new_truth: Tensor) -> tuple[list[list], Tensor]:
    """De cada concepto, su mejor celda, hacia dónde, y sus dos AUPRC; y lo que vale esa celda en la prueba, (n, k)."""
    areas = cell_scores(values, truth, both=True).auprc
    places = areas.argmax(0)
    chosen, cells = both_signs(new_values)[:, places], values.shape[1]
    rows = [[place % cells, int(place >= cells), float(areas[place, k]),
             float(average_precisions(chosen[:, [k]], new_truth[:, k])[0])] for k, place in enumerate(places.tolist())]
    return rows, chosen


def controls(model: TextNetwork) -> list[list]:
    """Los renglones de gemelas.csv."""
    known, fresh = world_of("validation"), world_of("test")
    truth, new_truth = flat(known), flat(fresh)
    asked = [k for k in range(truth.shape[1]) if min(int(truth[:, k].sum()), int(new_truth[:, k].sum())) >= COMMON]
    names, truth, new_truth = [known.names[k] for k in asked], truth[:, asked], new_truth[:, asked]
    probed = [names.index(name) for name in PROBED]
    weights, share = redraws(WINDOWS, TIMES, 0.95), 1 - 0.05 / (len(TWINS) * len(asked))
    found, own = [], []
    for seed in (None, *TWINS):
        twin = model if seed is None else random_text_twin(model, seed)
        values, new_values = cell_values(twin, known), cell_values(twin, fresh)
        rows, chosen = measure(values, new_values, truth, new_truth)
        lines = dict(zip(PROBED, probes(values, new_values, truth[:, probed], new_truth[:, probed])))
        draws = [area_draws(chosen[:, k], new_truth[:, k], weights) for k in range(len(asked))]
        for k, (name, row) in enumerate(zip(names, rows)):
            edges = ("", "") if seed is None else tails(own[k] - draws[k], share)
            found.append(["la red" if seed is None else f"gemela {seed}", name, *row, *edges, lines.get(name, "")])
        if seed is None:
            own = draws
            apart = measure(values, new_values, flat(known, SHIFT)[:, asked], flat(fresh, SHIFT)[:, asked])[0]
            found += [["otra ventana", name, *row, "", "", ""] for name, row in zip(names, apart)]
        print(found[-1][0], flush=True)
    return [[f"{value:.4f}" if isinstance(value, float) else value for value in row] for row in found]


def closings(model: TextNetwork) -> list[list]:
    """Los renglones de cierres.csv."""
    world = TextWorld(load_texts("python", "test"), most=WINDOWS)
    starts, owner = openings(world), opening_places(world)[:, 0]
    dice = torch.randperm(model.lstm.hidden_size, generator=torch.Generator().manual_seed(0)).tolist()
    cells, rows = [-1, *TRIED, *[cell for cell in dice if cell not in TRIED][:RANDOM]], []
    for cell in cells:
        for seed in SEEDS:
            shut = closes(model, starts, [] if cell < 0 else [Unit("cells", cell)], seed=seed)
            for window in owner.unique().tolist():
                here = owner == window
                rows.append([cell, seed, window, int(here.sum()), int(shut[here].sum())])
        print("celda", cell, flush=True)
    return rows


def write(name: str, rows: list) -> None:
    """Escribe data/textos/NOMBRE.csv."""
    with data_path("textos", f"{name}.csv").open("w", encoding="utf-8", newline="") as file:
        csv.writer(file, lineterminator="\n").writerows(rows)


def main() -> None:
    """Mide y escribe."""
    torch.set_num_threads(1)
    model = load_text_network()
    write("cierres", [("cell", "seed", "window", "opened", "closed"), *closings(model)])
    write("gemelas", [FIELDS, *controls(model)])
    write_sums(data_path())


if __name__ == "__main__":
    main()

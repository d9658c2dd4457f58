"""Mide las celdas de la LSTM de la lección 6 y deja data/textos/celdas.csv, un renglón por celda.

    python data/build/measure_text.py

El concepto de cada celda y hacia qué lado responde se escogen en la validación, por el IoU con el umbral propio del
concepto; sus tres medidas son de la prueba. `p` sale de comparar ese IoU con el mejor de todas las celdas, hacia los dos lados, con las
máscaras de otras ventanas; `named`, de corregir las de todas (Benjamini y Hochberg, 5 %).

Las demás columnas dicen lo que cuesta «)», y lo que cuestan los demás signos, con la celda anulada en cada paso; sin
anular ninguna, en el renglón −1. Se anula la mejor celda de cada concepto y SILENCED al azar; las demás no dicen nada.
Eso mismo, en cada módulo de prueba, queda en data/textos/efectos.csv. Si se interrumpe, el mismo mandato sigue donde
iba; `scores` o `effects` hace solo esa parte.
"""
import argparse
import csv
import sys
from collections.abc import Callable
from pathlib import Path

import torch
from torch import Tensor

ROOT = Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT))  # labkit, también sin instalar

from packing import write_sums  # noqa: E402

from labkit.activations import edit  # noqa: E402
from labkit.files import data_path  # noqa: E402
from labkit.measures import discoveries  # noqa: E402
from labkit.sequences import CONCEPTS, TextNetwork, TextWorld, load_text_network, text_world  # noqa: E402
from labkit.sequences.cells import SignCosts, cell_scores, cell_values, sign_costs  # noqa: E402
from labkit.sequences.windows import ratio_interval  # noqa: E402

RUNS = Path(__file__).resolve().parent / "runs"
VALIDATION, TEST, CUT = 80, 160, 32         # ventanas: para escoger, para medir, para anular
SHUFFLES, GROUP, SILENCED = 3, 8, 71        # barajadas; celdas por pasada; cuántas al azar
FIELDS = ("cell", "lowest", "concept", "validation_iou", "auprc", "roc", "iou", "frequency", "p", "named",
          "close_bits", "rest_bits", "factor", "low", "high")
EFFECTS = ("cell", "module", "windows", "closings", "close_bits", "rest_bits")


def truth_of(world: TextWorld, shift: int = 0) -> Tensor:
    """Las máscaras, (n·T, k); con `shift`, cada ventana lleva las de otra, tantos lugares más adelante."""
    return world.masks.roll(shift, 0).movedim(1, 2).flatten(0, 1)


def silenced_costs(model: TextNetwork, world: TextWorld, cells: Tensor) -> list[SignCosts]:
    """Lo que cuesta «)» con cada celda anulada: todas en una pasada, cada una en su copia de las ventanas."""
    n = len(world)
    keep = torch.ones(len(cells), n, model.lstm.hidden_size)
    keep[torch.arange(len(cells)), :, cells] = 0
    copies = TextWorld.__new__(TextWorld)
    copies.codes = world.codes.repeat(len(cells), 1)
    with edit(model, "cells", lambda values: values * keep.flatten(0, 1)[:, :, None, None]):
        costs = sign_costs(model, copies, ")", rows=len(copies.codes))
    owner = costs.rows // n
    return [SignCosts(costs.bits[owner == i], costs.rows[owner == i] - i * n, costs.rest[i * n:(i + 1) * n],
                       costs.others[i * n:(i + 1) * n])
            for i in range(len(cells))]


def by_module(cell: int, world: TextWorld, costs: SignCosts) -> list[list]:
    """Un renglón por módulo: cuántas ventanas y cuántos «)» tiene, y lo que costaron en promedio ellos y lo demás."""
    rows = []
    for owner in world.owners.unique().tolist():
        own = world.owners == owner
        closings = costs.bits[own[costs.rows]]
        rows.append([cell, world.texts.names[owner], int(own.sum()), len(closings), f"{float(closings.mean()):.4f}",
                     f"{float(costs.rest[own].mean()):.4f}"])
    return rows


def kept(name: str, make: Callable[[], object]) -> object:
    """Lo que da `make`, o lo que dio la vez anterior, si quedó guardado en data/build/runs."""
    path = RUNS / f"medidas_{name}.pt"
    if not path.is_file():
        torch.save(make(), path)
    return torch.load(path, weights_only=True)


def scores(model: TextNetwork) -> dict[str, Tensor]:
    """De cada celda, hacia los dos lados, (2c, k): el IoU en la validación y las medidas en la prueba; y p, (2c,)."""
    validation, test = text_world(split="validation", most=VALIDATION), text_world(most=TEST)
    values = cell_values(model, validation)
    iou = cell_scores(values, truth_of(validation), both=True).iou.nan_to_num(0)
    null = torch.cat([cell_scores(values, truth_of(validation, 7 * i), both=True).iou.nan_to_num(0).amax(1)
                      for i in range(1, SHUFFLES + 1)])
    measured = cell_scores(cell_values(model, test), truth_of(test), both=True)
    p = ((null >= iou.amax(1)[:, None]).sum(1) + 1) / (len(null) + 1)
    tested = {f"test_{key}": values for key, values in measured._asdict().items()}
    return {"iou": iou, "p": p, "frequency": test.frequency(), **tested}


def chosen(model: TextNetwork) -> list[int]:
    """Las celdas que se anulan: la del paréntesis, SILENCED al azar (con semilla) y las mejores de cada concepto."""
    found = kept("scores", lambda: scores(model))["iou"]
    best = (found.argmax(0) % model.lstm.hidden_size).tolist()
    dice = torch.randperm(model.lstm.hidden_size, generator=torch.Generator().manual_seed(0))[:SILENCED].tolist()
    return list(dict.fromkeys([best[0], *dice, *best]))


def effects(model: TextNetwork, cells: list[int]) -> dict[int, list[Tensor]]:
    """Lo que cuesta «)» con cada celda anulada, y sin anular ninguna (−1): celda → las partes de `SignCosts`."""
    cut = text_world(most=CUT)
    found = {-1: kept("entera", lambda: list(sign_costs(model, cut)))}
    for group in torch.tensor(cells).split(GROUP):
        name = "anuladas_" + "_".join(map(str, group.tolist()))
        costs = kept(name, lambda group=group: [list(each) for each in silenced_costs(model, cut, group)])
        found |= dict(zip(group.tolist(), costs))
        print(len(found) - 1, "celdas anuladas", flush=True)
    return found


def write(name: str, rows: list[list]) -> None:
    """Escribe data/textos/NOMBRE.csv."""
    with data_path("textos", f"{name}.csv").open("w", encoding="utf-8", newline="") as file:
        csv.writer(file, lineterminator="\n").writerows(rows)


def table(found: dict[str, Tensor], costs: dict[int, SignCosts]) -> list[list]:
    """Los renglones de celdas.csv: uno por celda, y el de la red entera."""
    iou, cells, names = found["iou"], len(found["iou"]) // 2, [concept.name for concept in CONCEPTS]
    named, rows = discoveries(found["p"]), []
    for cell in range(cells):
        lowest = bool(iou[cell + cells].max() > iou[cell].max())
        column = cell + cells * lowest
        k = int(iou[column].argmax())
        measured = [f"{float(found[key][column, k]):.4f}" for key in ("iou", "test_auprc", "test_roc", "test_iou")]
        rows.append([cell, int(lowest), names[k], *measured, f"{float(found['frequency'][k]):.4f}",
                     f"{float(found['p'][column]):.5f}", int(named[column]), *effect(costs, cell)])
    return [*rows, [-1, 0, *[""] * 7, 0, *effect(costs, -1)]]


def effect(costs: dict[int, SignCosts], cell: int) -> list[str]:
    """Lo que cuestan «)» y lo demás con la celda anulada, y el factor con su intervalo; vacío si no se anuló."""
    if cell not in costs:
        return [""] * 5
    level = (float(bits.mean()) for bits in (costs[cell].bits, costs[cell].rest))
    return [f"{number:.4f}" for number in (*level, *ratio_interval(costs[-1], costs[cell]))]


def main() -> None:
    """Mide, todo o una parte, y escribe."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("part", nargs="?", choices=("scores", "effects"), help="solo esta parte, sin tablas")
    part = parser.parse_args().part
    torch.set_num_threads(1)
    torch.set_flush_denormal(True)
    RUNS.mkdir(exist_ok=True)
    model = load_text_network()
    if part == "scores":
        kept("scores", lambda: scores(model))
        return
    costs = {cell: SignCosts(*parts) for cell, parts in effects(model, chosen(model)).items()}
    if part is None:
        cut = text_world(most=CUT)
        write("celdas", [FIELDS, *table(kept("scores", lambda: scores(model)), costs)])
        write("efectos", [EFFECTS, *(row for cell, each in costs.items() for row in by_module(cell, cut, each))])
        write_sums(data_path())


if __name__ == "__main__":
    main()

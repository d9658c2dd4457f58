"""Mide cada celda de la LSTM de la lección 6 y deja data/textos/celdas.csv, un renglón por celda.

    python data/build/measure_text.py

El concepto y el signo de cada celda se escogen en la validación, por el IoU con el umbral propio del concepto; sus tres
medidas son de la prueba. `p` sale de comparar ese IoU con el mejor de todas las celdas, hacia los dos lados, con las
máscaras de otras ventanas; `named`, de corregir las de todas (Benjamini y Hochberg, 5 %). Lo demás es lo que
cuesta «)», y lo que cuestan los demás signos, con la celda anulada en cada paso; sin anular ninguna, en el renglón −1.
Eso mismo, en cada módulo de prueba, queda en data/textos/efectos.csv.
"""
import csv
import sys
from pathlib import Path

import torch
from torch import Tensor

ROOT = Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT))  # labkit, también sin instalar

from packing import write_sums  # noqa: E402

from labkit.activations import edit  # noqa: E402
from labkit.files import data_path  # noqa: E402
from labkit.measures import discoveries  # noqa: E402
from labkit.sequences import TextNetwork, TextWorld, load_text_network, text_world  # noqa: E402
from labkit.sequences.cells import SignCosts, cell_scores, cell_values, ratio_interval, sign_costs  # noqa: E402

VALIDATION, TEST, CUT = 80, 160, 40         # ventanas: para escoger, para medir, para anular
SHUFFLES, GROUP = 5, 8                      # barajadas; celdas que se anulan en una pasada, cada una en sus renglones
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
    return [SignCosts(costs.bits[owner == i], costs.rows[owner == i] - i * n, costs.rest[i * n:(i + 1) * n])
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


def main() -> None:
    """Mide y escribe."""
    torch.set_num_threads(1)
    torch.set_flush_denormal(True)
    model, test = load_text_network(), text_world(most=TEST)
    validation = text_world(split="validation", most=VALIDATION)
    values = cell_values(model, validation)
    iou = cell_scores(values, truth_of(validation), both=True).iou.nan_to_num(0)            # (2c, k)
    cells = len(iou) // 2
    null = torch.cat([cell_scores(values, truth_of(validation, 7 * i), both=True).iou.nan_to_num(0).amax(1)
                      for i in range(1, SHUFFLES + 1)])
    p = ((null >= iou.amax(1)[:, None]).sum(1) + 1) / (len(null) + 1)
    named = discoveries(p)
    measured = cell_scores(cell_values(model, test), truth_of(test), both=True)
    cut = text_world(most=CUT)
    whole, rows = sign_costs(model, cut, ")"), []
    effects = by_module(-1, cut, whole)
    for group in torch.arange(cells).split(GROUP):
        for cell, costs in zip(group.tolist(), silenced_costs(model, cut, group)):
            effects += by_module(cell, cut, costs)
            lowest = bool(iou[cell + cells].max() > iou[cell].max())
            column = cell + cells * lowest
            k = int(iou[column].argmax())
            rows.append([cell, int(lowest), test.names[k], f"{iou[column, k]:.4f}",
                         *(f"{float(table[column, k]):.4f}" for table in measured), f"{float(test.frequency()[k]):.4f}",
                         f"{float(p[column]):.5f}", int(named[column]), f"{float(costs.bits.mean()):.4f}",
                         f"{float(costs.rest.mean()):.4f}", *(f"{x:.4f}" for x in ratio_interval(whole, costs))])
        print(rows[-1], flush=True)
    level = (f"{float(bits.mean()):.4f}" for bits in (whole.bits, whole.rest))
    rows.append([-1, 0, *[""] * 7, 0, *level, 1, 1, 1])
    for name, table in {"celdas": [FIELDS, *rows], "efectos": [EFFECTS, *effects]}.items():
        with data_path("textos", f"{name}.csv").open("w", encoding="utf-8", newline="") as file:
            csv.writer(file, lineterminator="\n").writerows(table)
    write_sums(data_path())


if __name__ == "__main__":
    main()

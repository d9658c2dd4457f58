"""Lo que pasa al quitar columnas: medido con ocho tablas y ocho semillas, y las redes que ya vienen entrenadas.

Todo lo hace `data/build/make_tables.py`.
"""
import csv
from io import StringIO
from typing import NamedTuple

import safetensors.torch
from torch import Tensor, nn

from labkit.files import read_data
from labkit.measures import roc_areas
from labkit.objectives import channel
from labkit.tabular.credit import Credit, credit_table
from labkit.tabular.networks import row_network, row_scores, train_network

TRAIN, TEST = 12_000, 4000                  # personas con que se entrena, y con que se mide
TABLES = 8                                  # cuántas tablas: cada una tiene su semilla, su red y su gente nueva
REMOVED = {"ninguna": (), "grupo": ("grupo",), "colonia": ("colonia",), "grupo y colonia": ("grupo", "colonia")}


class Removal(NamedTuple):
    """Una red sin unas columnas, y lo que da con gente nueva.

    gap: cuánto más riesgo le da, en promedio, al grupo B que al A, en puntos de cien;  recorded, conduct: el área ROC
    contra lo que se anotó y contra la conducta.
    """
    removed: str
    seed: int
    gap: float
    recorded: float
    conduct: float


def measure_removal(table: Credit, test: Credit, removed: str, seed: int) -> Removal:
    """Entrena sin esas columnas (un nombre de REMOVED) con una tabla, y mide con otra."""
    kept, asked = table.without(*REMOVED[removed]), test.without(*REMOVED[removed])
    scores = row_scores(train_network(kept.rows, kept.defaults, seed=seed), asked.rows, channel("fc:0"))
    areas = [float(roc_areas(scores[:, None], truth)[0]) for truth in (test.defaults, test.conduct)]
    return Removal(removed, seed, round(group_gap(scores, test.in_b), 4), *(round(area, 5) for area in areas))


def group_gap(scores: Tensor, in_b: Tensor) -> float:
    """Cuánto más riesgo, en puntos de cien, se le da en promedio al grupo B que al A: logits (n,), y quién es de B."""
    if len(scores) != len(in_b) or in_b.all() or not in_b.any():
        raise ValueError(f"in_b: esperaba verdaderos y falsos, de los dos, uno por logit, y recibí {len(in_b)} para "
                         f"{len(scores)}; del grupo B son {int(in_b.sum())}.")
    risk = 100 * scores.sigmoid()
    return float(risk[in_b].mean() - risk[~in_b].mean())


def load_removals() -> list[Removal]:
    """Lo medido en ocho tablas: un `Removal` por semilla y juego de columnas."""
    lines = csv.DictReader(StringIO(read_data("tablas", "sustituto.csv").decode("utf-8")))
    kinds = Removal.__annotations__
    return [Removal(**{name: kind(line[name]) for name, kind in kinds.items()}) for line in lines]


def load_row_network(name: str = "todas", seed: int = 0) -> nn.Sequential:
    """Una red de créditos ya entrenada: «todas», con todas las columnas, o «sin grupo»; semillas de 0 a 7.

    La semilla sortea los pesos y también la tabla, `credit_table(TRAIN, 2 * seed)`: cada red conoció a otras personas.
    """
    weights = safetensors.torch.load(read_data("tablas", "redes.safetensors"))
    prefix = f"{name}/{seed}/"
    mine = {key.removeprefix(prefix): value for key, value in weights.items() if key.startswith(prefix)}
    if not mine:
        known = sorted({key.rpartition("/")[0] for key in weights})
        raise ValueError(f"No hay una red «{name}» con semilla {seed}. Las que hay son: {', '.join(known)}.")
    network = row_network(credit_table(8).without(*REMOVED["ninguna" if name == "todas" else "grupo"]).rows)
    network.load_state_dict(mine)
    return network

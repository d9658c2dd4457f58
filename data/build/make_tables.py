"""Entrena las redes de la lección 6b y mide, con ocho tablas, qué pasa al quitar columnas.

    python data/build/make_tables.py

Deja data/tablas/redes.safetensors, cinco redes con todas las columnas y una sin «grupo», y data/tablas/sustituto.csv: por
cada semilla y cada juego de columnas, la diferencia de riesgo entre los grupos y las dos áreas ROC. La tabla de créditos
no se guarda: la sortea `labkit.tabular.credit_table`, siempre igual. Tarda unos minutos en un núcleo.
"""
import csv
import sys
from io import StringIO
from pathlib import Path

import safetensors.torch
import torch

ROOT = Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT))  # labkit, también sin instalar

from packing import write_sums  # noqa: E402

from labkit.files import data_path  # noqa: E402
from labkit.tabular import credit_table, train_network  # noqa: E402
from labkit.tabular.measured import REMOVED, TEST, TRAIN, measure_removal  # noqa: E402

SEEDS, NETWORKS = 8, 5


def networks() -> dict[str, torch.Tensor]:
    """Los pesos de las redes de la página: «todas/0/dense1.weight»."""
    table, weights = credit_table(TRAIN), {}
    for name, columns, seeds in (("todas", (), range(NETWORKS)), ("sin grupo", ("grupo",), range(1))):
        kept = table.without(*columns)
        for seed in seeds:
            model = train_network(kept.rows, kept.defaults, seed=seed)
            weights |= {f"{name}/{seed}/{key}": value.contiguous() for key, value in model.state_dict().items()}
    return weights


def main() -> None:
    """Entrena, mide y escribe."""
    folder = data_path("tablas")
    folder.mkdir(exist_ok=True)
    safetensors.torch.save_file(networks(), folder / "redes.safetensors")
    rows = []
    for seed in range(SEEDS):
        table, test = credit_table(TRAIN, 2 * seed), credit_table(TEST, 2 * seed + 1)
        rows += [measure_removal(table, test, name, seed) for name in REMOVED]
        print(f"semilla {seed}", flush=True)
    text = StringIO()
    csv.writer(text, lineterminator="\n").writerows([rows[0]._fields, *rows])
    (folder / "sustituto.csv").write_text(text.getvalue(), encoding="utf-8")
    write_sums(data_path())


if __name__ == "__main__":
    main()

"""Entrena las redes de la lección 6b, cada una con su tabla, y mide en ocho tablas qué pasa al quitar columnas.

    python data/build/make_tables.py

Deja data/tablas/redes.safetensors, ocho redes con todas las columnas y ocho sin «grupo», y data/tablas/sustituto.csv: por
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
from labkit.tabular.measured import REMOVED, TABLES, TEST, TRAIN, measure_removal  # noqa: E402


def networks() -> dict[str, torch.Tensor]:
    """Los pesos de las redes de la página, cada semilla con su tabla: «todas/0/dense1.weight»."""
    weights = {}
    for seed in range(TABLES):
        table = credit_table(TRAIN, 2 * seed)
        for name, columns in (("todas", ()), ("sin grupo", ("grupo",))):
            kept = table.without(*columns)
            model = train_network(kept.rows, kept.defaults, seed=seed)
            weights |= {f"{name}/{seed}/{key}": value.contiguous() for key, value in model.state_dict().items()}
    return weights


def main() -> None:
    """Entrena, mide y escribe."""
    folder = data_path("tablas")
    folder.mkdir(exist_ok=True)
    safetensors.torch.save_file(networks(), folder / "redes.safetensors")
    rows = []
    for seed in range(TABLES):
        table, test = credit_table(TRAIN, 2 * seed), credit_table(TEST, 2 * seed + 1)
        rows += [measure_removal(table, test, name, seed) for name in REMOVED]
        print(f"semilla {seed}", flush=True)
    text = StringIO()
    csv.writer(text, lineterminator="\n").writerows([rows[0]._fields, *rows])
    (folder / "sustituto.csv").write_text(text.getvalue(), encoding="utf-8")
    write_sums(data_path())


if __name__ == "__main__":
    main()

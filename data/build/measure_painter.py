"""Mide la prueba del pintor de la lección 5 con los dibujos que se reparten, y escribe data/pintor/pintor.csv.

    python data/build/measure_painter.py                (un minuto con un núcleo)

Los dibujos, y la regla con que un nombre sobrevive, son de make_painter.py, que también llama a esto. Las cosas enteras de que se
sacó cada parte, y ellas sin una u otra parte, no se reparten: quedan en runs/, y si no están, sus columnas se quedan como estaban.
"""
import csv
import sys
from collections.abc import Sequence
from io import StringIO
from pathlib import Path

import numpy as np

ROOT = Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT))  # labkit, también sin instalar

import torch  # noqa: E402
from packing import _write, write_sums  # noqa: E402
from scipy import stats  # noqa: E402
from torch import Tensor, nn  # noqa: E402

from labkit.datasets import load_concepts  # noqa: E402
from labkit.dissection import dissect  # noqa: E402
from labkit.dissection.labels import DETECTOR_IOU, Label, label_units  # noqa: E402
from labkit.files import data_path  # noqa: E402
from labkit.measures import discoveries  # noqa: E402
from labkit.models import load_model, random_twin  # noqa: E402
from labkit.ready_made import load_painter  # noqa: E402
from labkit.vectors import features  # noqa: E402

LAYER, WORLD, TWIN = "conv5", 1000, 2                                   # con cuántas imágenes se diseca; semilla de la gemela
WHOLE = Path(__file__).resolve().parent / "runs" / "pintor_enteras.npy"
FIELDS = ("network", "unit", "concept", "category", "iou", "n", "shown", "control", "cut", "p", "passes", "false", "best",
          "best_shown")
WITH_WHOLE = ("whole", "without", "p_without", "without_other", "p_other", "p_versus", "gone", "gone_other", "false_whole",
              "false_without")                                          # las que salen de las cosas enteras
CHANGED = 8                                                             # de 255: desde cuánto se dice que un píxel cambió


def named_units(network: nn.Module, concepts: list[tuple[str, str]] | None = None) -> list[Label]:
    """Las detectoras de la red; o, si se dan los conceptos, todas sus unidades con el mejor de ellos."""
    found = dissect(network, load_concepts("test", n=WORLD), LAYER)
    pairs = list(zip(found.categories, found.names))
    columns = [k for k, pair in enumerate(pairs) if concepts is None or pair in concepts]
    labels = label_units(found.iou()[:, columns], LAYER, [pairs[k][1] for k in columns], [pairs[k][0] for k in columns])
    return [label for label in labels if concepts is not None or label.iou > DETECTOR_IOU]


def concepts_of(labels: list[Label]) -> list[tuple[str, str]]:
    """Los conceptos, como (categoría, nombre), en orden."""
    return sorted({(label.category, label.concept) for label in labels})


def judge(shown: Tensor, control: Tensor) -> tuple[Tensor, Tensor, Tensor]:
    """Por unidad: la mediana en su concepto, el percentil 95 en el control y la p de Wilcoxon; entran (n, c) y (n, c)."""
    p = [float(stats.wilcoxon(a.numpy(), b.numpy(), alternative="greater").pvalue) if (a != b).any() else 1.0
         for a, b in zip(shown.T.double(), control.T.double())]
    return shown.quantile(0.5, 0), control.quantile(0.95, 0), torch.tensor(p, dtype=torch.float64)


def measure(name: str, network: nn.Module, labels: list[Label], whole: Tensor | None = None,
            gone: Tensor | None = None) -> list[dict[str, object]]:
    """Los renglones de pintor.csv de una red; whole y gone, de `whole_answers` y `pixels_gone`, si están."""
    drawn = load_painter()
    answers = features(network, drawn.images.flatten(0, 2), LAYER, "max").unflatten(0, drawn.images.shape[:3])   # (k, n, 2, c)
    units = [label.unit.channel for label in labels]
    own = [drawn.concepts.index((label.category, label.concept)) for label in labels]
    verdicts = [judge(answers[k, :, 0, units], answers[k, :, 1, units]) for k in range(len(drawn.concepts))]
    middle, cut, p = (torch.stack(values) for values in zip(*verdicts))                     # (k, u) cada una
    mine = torch.arange(len(units))
    accepted = discoveries(p[own, mine])
    swapped = torch.stack([discoveries(row) for row in p]) & (middle > cut)                 # con el nombre de otra
    rows = []
    for i, label in enumerate(labels):
        k, others = own[i], [j for j in range(len(drawn.concepts)) if j != own[i]]
        best = int(middle[:, i].argmax())
        rows.append({"network": name, "unit": str(label.unit), "concept": label.concept, "category": label.category,
                     "iou": f"{label.iou:.4f}", "n": drawn.images.shape[1], "shown": f"{middle[k, i]:.2f}",
                     "control": f"{answers[k, :, 1, units[i]].quantile(0.5):.2f}", "cut": f"{cut[k, i]:.2f}", "p": f"{p[k, i]:.2e}",
                     "passes": int(bool(accepted[i]) and bool(middle[k, i] > cut[k, i])),
                     "false": f"{swapped[others, i].float().mean():.3f}", "best": drawn.concepts[best][1],
                     "best_shown": f"{middle[best, i]:.2f}"} | dict.fromkeys(WITH_WHOLE, ""))
        if whole is not None and label.category == "part":
            rows[i] |= without_parts(whole[k, :, :, units[i]]) | {
                name: f"{pixels.quantile(0.5):.0f}" for name, pixels in zip(("gone", "gone_other"), gone[k].unbind(1))}
    if whole is not None:
        parts = [i for i, label in enumerate(labels) if label.category == "part"]
        for i, found in zip(parts, other_parts(whole, cut[:, parts], [own[i] for i in parts], [units[i] for i in parts])):
            rows[i] |= dict(zip(("false_whole", "false_without"), (f"{value:.3f}" for value in found)))
    return rows


def other_parts(whole: Tensor, cut: Tensor, own: list[int], units: list[int]) -> list[tuple[float, float]]:
    """De cada unidad con nombre de parte, qué tan seguido le pasa con el nombre de otra parte lo que con el suyo.

    whole: (k, n, 3, c), con la cosa entera, sin la parte y sin la otra, NaN si no es una parte;  cut: (k, u), el percentil 95 del control;  own,
    units: el concepto y el canal de cada una. Da, por unidad: en qué parte de los nombres ajenos la mediana con la cosa entera pasa de
    ese percentil; y en cuál la p de que baje sin la parte es a lo más la mayor que acepta Benjamini–Hochberg con los nombres propios.
    """
    parts = [k for k in range(len(whole)) if not whole[k].isnan().any()]
    judged = {k: judge(whole[k, :, 0, units], whole[k, :, 1, units]) for k in parts}
    p = torch.stack([judged[k][2][i] for i, k in enumerate(own)])
    accepted = p[discoveries(p)]
    limit = float(accepted.max()) if len(accepted) else -1.0
    found = []
    for i, mine in enumerate(own):
        others = [k for k in parts if k != mine]
        above = sum(bool(judged[k][0][i] > cut[k, i]) for k in others)
        falls = sum(float(judged[k][2][i]) <= limit for k in others)
        found.append((above / len(others), falls / len(others)))
    return found


def without_parts(answers: Tensor) -> dict[str, str]:
    """Lo que responde una unidad a la cosa entera, a ella sin la parte y a ella sin la otra, (n, 3): medianas y tres p de un lado.

    p_without: que baje sin la parte;  p_other: que baje sin la otra;  p_versus: que sin la parte quede más abajo que sin la otra.
    """
    entire, without, other = answers[:, :, None].unbind(1)                                  # (n, 1) cada una
    found = {name: f"{values.quantile(0.5):.2f}" for name, values in (("whole", entire), ("without", without), ("without_other", other))}
    pairs = {"p_without": (entire, without), "p_other": (entire, other), "p_versus": (other, without)}
    return found | {name: f"{judge(*pair)[2][0]:.2e}" for name, pair in pairs.items()}


def pixels_gone(images: np.ndarray) -> Tensor:
    """En cuántos píxeles cambia cada cosa al quitarle la parte, y al quitarle la otra: de (k, n, 3, h, w, 3), (k, n, 2)."""
    entire, others = images[:, :, :1].astype(np.int16), images[:, :, 1:].astype(np.int16)
    return torch.from_numpy((np.abs(others - entire).max(5) > CHANGED).sum((3, 4))).float()


def whole_answers(network: nn.Module, images: np.ndarray) -> Tensor:
    """Lo que responde la capa a las cosas enteras, sin la parte y sin la otra, (k, n, 3, c); NaN donde no hay."""
    pixels = torch.from_numpy(images).flatten(0, 2).permute(0, 3, 1, 2).float() / 255
    found = features(network, pixels, LAYER, "max").unflatten(0, images.shape[:3])
    found[torch.from_numpy(images.reshape(len(images), -1).max(1) == 0)] = torch.nan
    return found


def main() -> None:
    torch.set_num_threads(1)
    network = load_model("escenas", device="cpu")
    labels = named_units(network)
    images = np.load(WHOLE) if WHOLE.exists() else None
    whole, gone = (None, None) if images is None else (whole_answers(network, images), pixels_gone(images))
    kept = {row["unit"]: row for row in read() if row["network"] == "escenas"}
    twin = random_twin(network, TWIN)
    rows = measure("escenas", network, labels, whole, gone)
    if whole is None:
        rows = [row | {name: kept[row["unit"]][name] for name in WITH_WHOLE} if row["unit"] in kept else row for row in rows]
    rows += measure("gemela", twin, named_units(twin, concepts_of(labels))[:len(labels)])
    write(rows)
    for name in ("escenas", "gemela"):
        own = [row["passes"] for row in rows if row["network"] == name]
        print(f"{name}: {sum(own)} de {len(own)}")


def read() -> list[dict[str, str]]:
    """Los renglones que ya hay en pintor.csv."""
    return list(csv.DictReader(StringIO(data_path("pintor", "pintor.csv").read_text("utf-8"))))


def write(rows: Sequence[dict[str, object]]) -> None:
    """Escribe pintor.csv."""
    text = StringIO()
    writer = csv.DictWriter(text, (*FIELDS, *WITH_WHOLE), lineterminator="\n")
    writer.writeheader()
    writer.writerows(rows)
    _write(data_path("pintor", "pintor.csv"), text.getvalue().encode())
    write_sums(data_path())


if __name__ == "__main__":
    main()

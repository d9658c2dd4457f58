"""Las gemelas de la lección 5: la red principal con pesos al azar, disecada en conv5; escribe data/gemelas/conv5.csv.

    python data/build/measure_twins.py                  (tres minutos con un núcleo)

De cada unidad de cada gemela: su mejor concepto y su IoU, como en la lección (mil imágenes de prueba, convención "paper"); lo mismo con
la cola de abajo; y de cuáles objetos de la prueba del pintor pasa la regla: la mediana de los dibujos sobre el percentil 95 de sus
controles, y una p de Wilcoxon no mayor que la mayor que se acepta con los nombres de la red principal (Benjamini–Hochberg al 5 %). Las
semillas van de 2 a 9: la 0 es la de la red principal y la 1, la de la testigo.
"""
import csv
import sys
from io import StringIO
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT))  # labkit, también sin instalar

import torch  # noqa: E402
from measure_painter import LAYER, WORLD, judge  # noqa: E402
from packing import _write, write_sums  # noqa: E402
from torch import Tensor, nn  # noqa: E402

from labkit.datasets import load_concepts  # noqa: E402
from labkit.dissection import Convention, dissect  # noqa: E402
from labkit.files import data_path  # noqa: E402
from labkit.measures import discoveries  # noqa: E402
from labkit.models import load_model, random_twin  # noqa: E402
from labkit.ready_made import Painter, load_painter  # noqa: E402
from labkit.vectors import features  # noqa: E402

SEEDS = range(2, 10)
FIELDS = ("seed", "unit", "concept", "iou", "low_concept", "low_iou", "objects")


def best_names(network: nn.Module, convention: Convention) -> tuple[list[str], Tensor]:
    """De cada unidad, su mejor concepto y su IoU, (c,)."""
    found = dissect(network, load_concepts("test", n=WORLD), LAYER, convention)
    best, place = found.iou().max(1)
    return [found.names[k] for k in place.tolist()], best


def answers_to(network: nn.Module, images: Tensor) -> Tensor:
    """Lo más que responde cada unidad a cada dibujo: de (k, n, 2, 3, h, w), (k, n, 2, c)."""
    return features(network, images.flatten(0, 2), LAYER, "max").unflatten(0, images.shape[:3])


def painter_limit(drawn: Painter) -> float:
    """La mayor p de Wilcoxon que se acepta entre los nombres de la red principal."""
    answers, own = answers_to(load_model("escenas", device="cpu"), drawn.images), []
    for row in drawn.rows:
        if row.network == "escenas":
            k, unit = drawn.concepts.index((row.category, row.concept)), int(row.unit.split(":")[1])
            own.append(judge(answers[k, :, 0, unit, None], answers[k, :, 1, unit, None])[2])
    p = torch.cat(own)
    return float(p[discoveries(p)].max())


def objects_passed(network: nn.Module, drawn: Painter, limit: float) -> list[list[str]]:
    """De cada unidad, los objetos con cuyos dibujos pasa la regla del pintor, con esa p límite."""
    places = [k for k, (category, _) in enumerate(drawn.concepts) if category == "object"]
    answers = answers_to(network, drawn.images[places])
    passed: list[list[str]] = [[] for _ in range(answers.shape[3])]
    for k, pair in zip(places, answers):
        middle, cut, p = judge(*pair.unbind(1))
        for unit in ((middle > cut) & (p <= limit)).nonzero()[:, 0].tolist():
            passed[unit].append(drawn.concepts[k][1])
    return passed


def measure(seed: int, drawn: Painter, limit: float) -> list[dict[str, object]]:
    """Los renglones de una gemela, uno por unidad."""
    twin = random_twin(load_model("escenas", device="cpu"), seed)
    (names, iou), (low_names, low_iou) = best_names(twin, Convention()), best_names(twin, Convention(lowest=True))
    return [{"seed": seed, "unit": f"{LAYER}:{k}", "concept": names[k], "iou": f"{iou[k]:.5f}", "low_concept": low_names[k],
             "low_iou": f"{low_iou[k]:.5f}", "objects": ";".join(passed)} for k, passed in enumerate(objects_passed(twin, drawn, limit))]


def main() -> None:
    torch.set_num_threads(1)
    drawn, text = load_painter(), StringIO()
    limit = painter_limit(drawn)
    writer = csv.DictWriter(text, FIELDS, lineterminator="\n")
    writer.writeheader()
    for seed in SEEDS:
        writer.writerows(measure(seed, drawn, limit))
    data_path("gemelas").mkdir(exist_ok=True)
    _write(data_path("gemelas", "conv5.csv"), text.getvalue().encode())
    write_sums(data_path())


if __name__ == "__main__":
    main()

"""Del IoU a un nombre: qué detecta cada unidad, cuántos detectores hay y hasta dónde se puede llegar."""
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import torch
from torch import Tensor

from labkit.activations import Unit
from labkit.checks import check_probabilities
from labkit.shapes import check_numbers, real

KINDS = {"scene": "escena", "object": "objeto", "part": "parte", "material": "material", "texture": "textura",
         "color": "color"}                  # las categorías de Broden, en español
DETECTOR_IOU = 0.04                         # desde qué IoU se llama detectora a una unidad (Bau et al., 2017)


@dataclass(frozen=True)
class Label:
    """Lo que mejor detecta una unidad: el concepto, su categoría y su IoU, de 0 a 1."""
    unit: Unit
    concept: str
    category: str
    iou: float


def label_units(iou: Tensor, layer: str, names: Sequence[str], categories: Sequence[str],
                least: float = 0.0) -> list[Label]:
    """El concepto de mayor IoU de cada unidad, (c, k) → las que pasan de `least`, de mayor a menor."""
    check_numbers(iou, "c k", "iou")
    least = real(least, "least")
    if iou.shape[1] != len(names) or len(names) != len(categories):
        raise ValueError(f"names, categories: esperaba {iou.shape[1]}, uno por concepto, y recibí {len(names)} y "
                         f"{len(categories)}.")
    best, which = iou.max(1)
    found = [Label(Unit(layer, unit), names[k], categories[k], value)
             for unit, (value, k) in enumerate(zip(best.tolist(), which.tolist())) if value > least]
    return sorted(found, key=lambda label: (-label.iou, label.unit.channel))


def count_detectors(iou: Tensor, cut: float = DETECTOR_IOU) -> tuple[int, int]:
    """Cuántas unidades detectan algo y cuántos conceptos distintos son el mejor de alguna: (detectoras, únicos).

    Una por unidad: su mejor concepto, si su IoU pasa de `cut`. Así cuenta la página del proyecto (`report.py`).
    """
    check_numbers(iou, "c k", "iou")
    best, which = iou.max(1)
    winners = which[best > real(cut, "cut")]
    return len(winners), len(winners.unique())


def unique_by_category(iou: Tensor, categories: Sequence[str], cut: float = DETECTOR_IOU) -> dict[str, int]:
    """Cuántos conceptos distintos hay en cada categoría que son el mejor *de esa categoría* en alguna unidad.

    Una unidad puede contar en varias. La suma es la que se publica en las figuras del artículo (`extract_csv.m`).
    """
    if len(categories) != check_numbers(iou, "c k", "iou")["k"]:
        raise ValueError(f"categories: esperaba {iou.shape[1]}, una por concepto, y recibí {len(categories)}.")
    counts = {}
    for category in dict.fromkeys(categories):
        columns = torch.tensor([k for k, name in enumerate(categories) if name == category])
        counts[category] = count_detectors(iou[:, columns], cut)[1]
    return counts


def detectors_curve(iou: Tensor, cuts: Iterable[float]) -> list[int]:
    """Cuántos conceptos distintos quedan con cada corte: una curva dice más que un número mágico."""
    return [count_detectors(iou, cut)[1] for cut in cuts]


def iou_ceiling(frequency: Tensor, share: float = 0.005) -> Tensor:
    """El mayor IoU posible con un concepto que cubre esa parte de los píxeles, si la unidad responde en `share`.

    min(f, q) / max(f, q): lo alcanza quien cabe en el otro. Con q = 0.005, un concepto que cubre más de 12.5 % de
    los píxeles no llega a 0.04.
    """
    check_probabilities(frequency, "frequency")
    share = real(share, "share", 1e-12, 1)
    return torch.minimum(frequency, torch.full_like(frequency, share)) / frequency.clamp(min=share)

"""Una red densa chica que lee renglones, con capas de nombre de libro: normalize, dense1, relu1, … fc."""
from collections import OrderedDict
from collections.abc import Sequence

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from labkit.activations import run
from labkit.models import draw_weights
from labkit.objectives import Objective


BATCH, LR = 512, 0.05                        # con qué se entrenan estas redes: renglones por paso, y tamaño del paso


class NormalizeRows(nn.Module):
    """Lleva renglones (b, d) a (renglón − media) / desviación, lugar por lugar."""

    def __init__(self, mean: Tensor, std: Tensor) -> None:
        super().__init__()
        self.register_buffer("mean", mean)
        self.register_buffer("std", std.clamp(min=1e-3))                # un lugar que no cambia no estorba

    def forward(self, rows: Tensor) -> Tensor:
        return (rows - self.mean) / self.std


def row_network(rows: Tensor, widths: Sequence[int] = (16, 8), seed: int = 0) -> nn.Sequential:
    """Una red sin entrenar que lee renglones como esos, (n, d), y da un logit en `fc`: (b, d) → (b, 1).

    widths: cuántas unidades tiene cada capa densa; sin ninguna es un modelo lineal. Se normaliza con los de `rows`.
    """
    layers: OrderedDict[str, nn.Module] = OrderedDict(normalize=NormalizeRows(rows.mean(0), rows.std(0)))
    for i, (before, width) in enumerate(zip((rows.shape[1], *widths), widths), start=1):
        layers[f"dense{i}"] = nn.Linear(before, width)
        layers[f"relu{i}"] = nn.ReLU()
    layers["fc"] = nn.Linear((rows.shape[1], *widths)[-1], 1)
    return draw_weights(nn.Sequential(layers), seed).eval().requires_grad_(False)


def train_network(rows: Tensor, labels: Tensor, widths: Sequence[int] = (16, 8), seed: int = 0, epochs: int = 20,
                  decay: float = 0.1) -> nn.Sequential:
    """Una red entrenada a decir, de cada renglón (n, d), si es verdadero (n,); `eval()` y congelada.

    decay: el decaimiento de los pesos. Con la misma semilla, la misma red.
    """
    _check_lesson(rows, labels)
    rows, labels = rows.double(), labels.double()                       # así el redondeo no cambia a la red
    network = row_network(rows, widths, seed).double().train().requires_grad_(True)
    dice, size = torch.Generator().manual_seed(seed), min(BATCH, len(rows))
    optimizer = torch.optim.AdamW(network.parameters(), lr=LR, weight_decay=decay)
    steps = epochs * -(-len(rows) // size)
    schedule = torch.optim.lr_scheduler.CosineAnnealingLR(optimizer, steps)
    for _ in range(epochs):
        for batch in torch.randperm(len(rows), generator=dice).split(size):
            optimizer.zero_grad()
            F.binary_cross_entropy_with_logits(network(rows[batch])[:, 0], labels[batch]).backward()
            optimizer.step()
            schedule.step()
    return network.float().eval().requires_grad_(False)


def row_scores(model: nn.Module, rows: Tensor, objective: Objective) -> Tensor:
    """La puntuación de cada renglón, (n, d) → (n,), sin gradientes."""
    if not isinstance(rows, Tensor) or rows.ndim != 2:
        got = tuple(rows.shape) if isinstance(rows, Tensor) else type(rows).__name__
        raise ValueError(f"rows: esperaba un tensor de renglones, (n, d), y recibí {got}. "
                         "Si es uno solo, prueba rows[None].")
    first = next((part for part in model.modules() if isinstance(part, nn.Linear)), None)
    if first is not None and first.in_features != rows.shape[1]:
        raise ValueError(f"rows: la red lee renglones de {first.in_features} lugares y estos tienen {rows.shape[1]}. "
                         "¿Son de otra tabla, o con otras columnas?")
    with torch.no_grad():
        return objective(run(model, rows, objective.layers))


def _check_lesson(rows: Tensor, labels: Tensor) -> None:
    """ValueError si con eso no se puede entrenar: renglones (n, d), y verdaderos o falsos, (n,), de los dos."""
    if not isinstance(rows, Tensor) or rows.ndim != 2 or not rows.isfinite().all():
        raise ValueError("rows: esperaba un tensor de renglones, (n, d), sin NaN ni infinitos.")
    if not isinstance(labels, Tensor) or labels.shape != rows.shape[:1]:
        raise ValueError(f"labels: esperaba un tensor de verdaderos y falsos, ({len(rows)},), uno por renglón.")
    found = sorted(labels.unique().tolist())
    if found != [0, 1]:
        raise ValueError(f"labels: esperaba verdaderos y falsos, de los dos, y recibí "
                         f"{', '.join(map(str, found[:6])) or 'nada'}. Prueba labels == valor.")

"""Una coincidencia no es un uso: anular a los detectores de un concepto y ver qué clase cae."""
from collections.abc import Iterable

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from labkit.activations import Unit, silence
from labkit.anynet import logits_of
from labkit.checks import check_labelled
from labkit.device import device_of
from labkit.shapes import check_kind, positions, whole


def class_drops(model: nn.Module, images: Tensor, labels: Tensor, units: Iterable[Unit | str],
                batch_size: int = 64) -> Tensor:
    """Cuánto baja la exactitud de cada clase si se anulan esas unidades, (k,): 0.3 es que acierta 30 % menos.

    images: (n, 3, h, w);  labels: (n,);  k: las salidas de la red.  nan en una clase sin imágenes. Fuente: Bau et al.
    (2020), doi:10.1073/pnas.1907375117.
    """
    check_labelled(images, labels)
    check_kind(units, Iterable, "units", "una lista de unidades")
    batch_size = whole(batch_size, "batch_size", 1)
    units = [Unit.parse(unit) for unit in units]
    before = _right(model, images, labels, batch_size)
    with silence(model, units):
        less = _right(model, images, labels, batch_size)
    return before - less


def _right(model: nn.Module, images: Tensor, labels: Tensor, batch_size: int) -> Tensor:
    """La exactitud en cada clase, (k,)."""
    device = device_of(model)
    with torch.no_grad():
        logits = torch.cat([logits_of(model, part.to(device)).cpu() for part in images.split(batch_size)])
    labels = positions(labels, "n", "labels", logits.shape[1])
    hits, hot = logits.argmax(1) == labels, F.one_hot(labels, logits.shape[1])
    return (hot * hits[:, None]).sum(0) / hot.sum(0)

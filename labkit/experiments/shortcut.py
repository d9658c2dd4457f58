"""Por qué unidades pasa una decisión: el efecto de anular cada una, un grupo de comparación justo y su intervalo."""
from collections.abc import Iterable, Sequence

import torch
from scipy import stats
from torch import Tensor, nn

from labkit.activations import Unit, silence
from labkit.anynet import logits_of
from labkit.measures import Gap
from labkit.objectives import Objective, score


def silencing_effects(model: nn.Module, images: Tensor, objective: Objective, layer: str, count: int) -> Tensor:
    """Cuánto baja la puntuación media al anular cada una de las `count` primeras unidades de la capa, (count,)."""
    whole, effects = score(model, images, objective).mean(), []
    for channel in range(count):
        with silence(model, [Unit(layer, channel)]):
            effects.append(whole - score(model, images, objective).mean())
    return torch.stack(effects).detach().cpu()


def matching_group(effects: Tensor, among: Iterable[int], total: float) -> list[int]:
    """Las de mayor efecto de `among` hasta que sumen `total` por lo menos; si no alcanza, todas las de efecto positivo.

    Es el control difícil: si un grupo se escogió por su efecto, el otro debe tener tanto como él.
    """
    group, summed = [], 0.0
    for channel in sorted(among, key=lambda channel: -float(effects[channel])):
        if summed >= total or effects[channel] <= 0:
            break
        group.append(channel)
        summed += float(effects[channel])
    return group


def answered(model: nn.Module, images: Tensor, label: int, layer: str, channels: Sequence[int] = ()) -> Tensor:
    """En qué imágenes la red contesta esa clase si se anulan esas unidades, (n,) de verdaderos y falsos."""
    with torch.no_grad(), silence(model, [Unit(layer, channel) for channel in channels]):
        return (logits_of(model, images).argmax(1) == label).cpu()


def share_interval(hits: int, n: int, share: float = 0.95) -> Gap:
    """Qué parte es `hits` de `n`, con su intervalo de confianza: también sirve con 0 de n y con n de n.

    Fuente: Wilson (1927), doi:10.1080/01621459.1927.10502953.
    """
    low, high = stats.binomtest(hits, n).proportion_ci(share, method="wilson")
    return Gap(hits / n, float(low), float(high))

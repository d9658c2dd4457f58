"""Cuánto, y qué tan seguro: promedios por escenas, órdenes y partes que se suplen."""
from collections.abc import Mapping
from typing import NamedTuple

import torch
from scipy import stats
from torch import Tensor

from labkit.measures import Gap, discoveries
from labkit.shapes import check_shape


def clustered(values: Tensor, scene: Tensor, times: int = 2000, share: float = 0.95, seed: int = 0) -> Gap:
    """El promedio de los valores (v,) y su intervalo, remuestreando escenas enteras con reemplazo.

    Las partes de una escena comparten luz, lugar y objeto: contarlas como independientes puede dar un intervalo
    demasiado angosto. Fuente: Cameron y Miller (2015), doi:10.3368/jhr.50.2.317. ValueError si hay menos de dos escenas
    o un NaN.
    """
    sums, counts = _by_scene(values, scene)
    generator = torch.Generator().manual_seed(seed)
    picks = torch.randint(0, len(sums), (times, len(sums)), generator=generator)
    means = sums[picks].sum(1) / counts[picks].sum(1)
    low, high = means.quantile(torch.tensor([(1 - share) / 2, (1 + share) / 2], dtype=torch.float64)).tolist()
    return Gap(float(sums.sum() / counts.sum()), low, high)


def chance_of_zero(values: Tensor, scene: Tensor) -> float:
    """El valor p de que el promedio sea cero: prueba t con un número por escena. Para corregir varias juntas."""
    sums, counts = _by_scene(values, scene)
    return float(stats.ttest_1samp((sums / counts).numpy(), 0.0).pvalue)


class Tested(NamedTuple):
    """Un promedio, su intervalo, y si se distingue de cero una vez corregidas juntas todas las pruebas."""
    mean: float
    low: float
    high: float
    found: bool

    def __str__(self) -> str:
        return f"{self.mean:+.2f} [{self.low:+.2f}, {self.high:+.2f}]".replace("-", "−")


def compared(groups: Mapping[str, tuple[Tensor, Tensor]]) -> dict[str, Tested]:
    """El promedio de cada grupo contra cero, {nombre: (valores, escenas)}, con las pruebas corregidas juntas.

    Con muchas pruebas alguna sale por azar: de las que aquí se aceptan, a lo más 5 % en promedio son falsas (Benjamini
    y Hochberg, 1995).
    """
    found = discoveries(torch.tensor([chance_of_zero(*group) for group in groups.values()]))
    return {name: Tested(*clustered(*group), bool(real)) for (name, group), real in zip(groups.items(), found)}


def rank_agreement(scores: Tensor, truth: Tensor, scene: Tensor) -> Tensor:
    """En cada escena, la correlación de Spearman entre lo que se dice de sus partes y la verdad: (n,), de −1 a 1.

    scores, truth: (v,). Una escena con menos de tres partes, o en que un lado da lo mismo a todas, vale NaN.
    """
    return torch.tensor([_spearman(scores[scene == k], truth[scene == k]) for k in scene.unique()])


def interaction(without_a: Tensor, without_b: Tensor, without_both: Tensor, before: Tensor) -> Tensor:
    """Cuánto más cae la puntuación sin las dos partes que la suma de lo que cae sin cada una, (v,).

    Positivo: una suplía a la otra, y solo la falta de ambas se nota entera. Negativo: hacían falta juntas, y sin una la
    otra ya no servía.
    """
    return (before - without_both) - (before - without_a) - (before - without_b)


def _by_scene(values: Tensor, scene: Tensor) -> tuple[Tensor, Tensor]:
    """La suma y la cuenta de los valores de cada escena, (n,) y (n,), en float64."""
    check_shape(scene, f"{check_shape(values, 'v', 'values')['v']}", "scene")
    if values.isnan().any():
        raise ValueError("values: hay NaN; quita primero las escenas sin número: values[~values.isnan()].")
    groups, place = scene.unique(return_inverse=True)
    if len(groups) < 2:
        raise ValueError(f"scene: esperaba al menos dos escenas y recibí {len(groups)}.")
    sums = torch.zeros(len(groups), dtype=torch.float64).index_add_(0, place, values.double())
    return sums, place.bincount().double()


def _spearman(a: Tensor, b: Tensor) -> float:
    if len(a) < 3 or len(a.unique()) == 1 or len(b.unique()) == 1:
        return torch.nan
    return float(stats.spearmanr(a.numpy(), b.numpy()).statistic)

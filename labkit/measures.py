"""Las medidas del curso y qué tan seguras son: áreas, intersección entre unión, intervalos y correcciones.

No saben de redes: reciben lo que responden unas unidades, o cuentas ya hechas. Las usan las lecciones 4, 5 y 5b.
"""
import warnings
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from math import isfinite
from statistics import fmean
from typing import NamedTuple

import torch
from scipy import stats
from sklearn.metrics import average_precision_score
from torch import Tensor

from labkit.checks import as_questions, check_probabilities, check_responses as check_responses, dice
from labkit.shapes import check_numbers, check_shape, full, positions, real, reals, whole

MOST = 10 ** 12                             # más imágenes que estas, ninguna
RIVALS = 12                                 # entre cuántos nombres, a lo más, se busca el mejor de una unidad


class Gap(NamedTuple):
    """La diferencia de dos promedios, y entre qué valores está con la confianza pedida."""
    mean: float
    low: float
    high: float

    def __str__(self) -> str:
        return f"{self.mean:+.1f} (de {self.low:+.1f} a {self.high:+.1f})"


@dataclass(frozen=True, eq=False)
class Tally:
    """Las cuentas de c unidades y k conceptos (int64): en píxeles de imágenes, o en renglones de lo que sea.

    Dos se juntan con +: así se reparten las imágenes.  both: (c, k), los de la unidad y el concepto;  active: (c, g),
    los de la unidad en las imágenes que cuentan para cada una de las g categorías;  truth: (k,), los del concepto;
    pixels: todos;  categories: (k,), de 0 a g − 1.
    """
    both: Tensor
    active: Tensor
    truth: Tensor
    pixels: int
    categories: Tensor

    def __add__(self, other: "Tally") -> "Tally":
        check_shape(other.both, "{} {}".format(*self.both.shape), "other")
        return Tally(self.both + other.both, self.active + other.active, self.truth + other.truth,
                     self.pixels + other.pixels, self.categories)

    def iou(self) -> Tensor:
        """La intersección entre la unión de cada unidad y cada concepto, (c, k), de 0 a 1; 0 donde no hay unión."""
        categories = positions(self.categories, "k", "categories", self.active.shape[1])
        union = self.active[:, categories] + self.truth - self.both
        return torch.where(union > 0, self.both.double() / union.clamp(min=1), 0.0)


def roc_areas(values: Tensor, truth: Tensor) -> Tensor:
    """El área bajo la curva ROC de cada unidad, (c,), o de cada unidad y cada pregunta, (c, k).

    values: (n, c) respuestas;  truth: (n,) o (n, k) de verdaderos y falsos. Los empates cuentan la mitad; sin
    verdaderos o sin falsos no hay área: nan. Es la medida de Quian Quiroga et al. (2005), doi:10.1038/nature03687.
    """
    asked = as_questions(values, truth).cpu().double()
    ranks = _ranks(values)
    yes = asked.sum(0)
    areas = (ranks.T @ asked - yes * (yes + 1) / 2) / (yes * (len(asked) - yes))
    return (areas if truth.ndim == 2 else areas[:, 0]).float()


def _ranks(values: Tensor) -> Tensor:
    """El lugar de cada respuesta entre las de su unidad, (n, c): de la menor, 1, a la mayor, n."""
    return torch.from_numpy(stats.rankdata(full(values.detach()).cpu().numpy(), axis=0))


def average_precisions(values: Tensor, truth: Tensor) -> Tensor:
    """El área bajo la curva de precisión y exhaustividad (AUPRC) de cada unidad, (c,), o con cada pregunta, (c, k).

    values y truth, como en `roc_areas`. Su piso de azar es la parte de verdaderos, y no 0.5: con una clase rara dice
    lo que el área ROC calla. Sin verdaderos o sin falsos no hay área: nan.
    """
    asked, ranks = as_questions(values, truth).cpu(), _ranks(values)
    areas = torch.full((values.shape[1], asked.shape[1]), torch.nan)
    for k in range(asked.shape[1]):
        if 0 < int(asked[:, k].sum()) < len(asked):
            areas[:, k] = torch.tensor([average_precision_score(asked[:, k], unit) for unit in ranks.T])
    return areas if truth.ndim == 2 else areas[:, 0]


def area_interval(area: float, positives: int, negatives: int, share: float = 0.95) -> tuple[float, float]:
    """Entre qué valores está un área ROC medida con tantas imágenes de la clase y tantas de las demás: (abajo, arriba).

    Son las áreas que no se rechazan con la varianza de Hanley y McNeil (1982), doi:10.1148/radiology.143.1.7063747;
    así, también un área de 1 tiene su intervalo (Newcombe, 2006, doi:10.1002/sim.2324).
    """
    area, share = real(area, "area", 0, 1), real(share, "share", 0, 1, open_ends=True)
    positives, negatives = whole(positives, "positives", 1, MOST), whole(negatives, "negatives", 1, MOST)
    tried = torch.linspace(0, 1, 10_001, dtype=torch.float64)
    better, worse = tried / (2 - tried) - tried ** 2, 2 * tried ** 2 / (1 + tried) - tried ** 2
    spread = (tried * (1 - tried) + (positives - 1) * better + (negatives - 1) * worse) / (positives * negatives)
    stays = (tried - area).abs() <= stats.norm.ppf((1 + share) / 2) * spread.clamp(min=0).sqrt() + 5e-5
    return float(tried[stays].min()), float(tried[stays].max())


def purity(top: Tensor, labels: Tensor) -> Tensor:
    """De las k imágenes de cada unidad, (c, k), qué parte es de la clase más repetida entre ellas: (c,)."""
    check_shape(labels, "n", "labels")
    check_numbers(top, "c k", "top", integers=True)
    top = positions(top, "c k", "top", len(labels))
    classes = labels[top]                                                                   # (c, k)
    return (classes[:, :, None] == classes[:, None, :]).sum(2).amax(1) / top.shape[1]


def difference(first: Sequence[float], second: Sequence[float], share: float = 0.95) -> Gap:
    """Cuánto más grande es el promedio de `second` que el de `first`, con su intervalo de confianza.

    Cada número es una red entrenada con su semilla; con tres o cinco, el intervalo es ancho. Fuente: Welch (1947),
    doi:10.1093/biomet/34.1-2.28.
    """
    first, second = reals(first, "first", 2), reals(second, "second", 2)
    varies = max(len(set(first)), len(set(second))) > 1
    return _gap(fmean(second) - fmean(first), varies, share, lambda: stats.ttest_ind(second, first, equal_var=False))


def paired(first: Sequence[float], second: Sequence[float], share: float = 0.95) -> Gap:
    """Lo mismo, cuando los números van por parejas: la misma red antes y después (Student, 1908)."""
    first, second = reals(first, "first", 2), reals(second, "second", 2)
    if len(first) != len(second):
        raise ValueError(f"first, second: esperaba las mismas redes y recibí {len(first)} y {len(second)}.")
    return mean_interval([after - before for before, after in zip(first, second)], share)


def mean_interval(values: Sequence[float] | Tensor, share: float = 0.95) -> Gap:
    """El promedio de unos números independientes, uno por imagen o por semilla, con su intervalo de confianza.

    Error: ValueError si son menos de dos. Fuente: Student (1908), doi:10.1093/biomet/6.1.1.
    """
    numbers = reals(values, "values", 2)
    return _gap(fmean(numbers), len(set(numbers)) > 1, share, lambda: stats.ttest_1samp(numbers, 0.0))


def _gap(mean: float, varies: bool, share: float, test: Callable) -> Gap:
    """Un promedio con el intervalo de su prueba t; sin dispersión no hay cuenta que hacer, y el intervalo es él."""
    share = real(share, "share", 0, 1, open_ends=True)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")                                     # si casi no hay dispersión, scipy avisa
        low, high = test().confidence_interval(share) if varies else (mean, mean)
    return Gap(mean, float(low), float(high)) if isfinite(low) and isfinite(high) else Gap(mean, mean, mean)


def discoveries(p: Tensor, level: float = 0.05) -> Tensor:
    """Qué pruebas se aceptan si de las aceptadas, en promedio, a lo más `level` pueden ser falsas: (c,) de verdaderos.

    Fuente: Benjamini y Hochberg (1995), doi:10.1111/j.2517-6161.1995.tb02031.x.
    """
    check_probabilities(p, "p", "c")
    level = real(level, "level", 0, 1)
    if not len(p):
        return torch.zeros(0, dtype=torch.bool)
    return torch.from_numpy(stats.false_discovery_control(p.detach().cpu().double().numpy()) <= level).to(p.device)


def interval(parts: Sequence[Tally], statistic: Callable[[Tensor], float], times: int = 200, share: float = 0.95,
             seed: int = 0) -> tuple[float, float]:
    """Entre qué valores está un número, con confianza `share`, más o menos: remuestreo por pedazos.

    parts: las cuentas de cada pedazo del conjunto (Tally), que se suman;  statistic: del IoU (c, k), un número. Los
    pedazos se vuelven a sacar con reemplazo `times` veces. Los umbrales no cambian.
    """
    counts = zip(*((part.both, part.active, part.truth) for part in parts))
    values, tables = [], [torch.stack(pieces).double() for pieces in counts]            # (pedazos, …), enteros exactos
    for weights in redraws(len(parts), times, share, seed):
        again = Tally(*(torch.tensordot(weights, table, 1) for table in tables), 0, parts[0].categories)
        values.append(float(statistic(again.iou())))
    return resampled_interval(values, float(statistic(sum(parts[1:], parts[0]).iou())), share)


def resampled_interval(values: Sequence[float], whole: float, share: float = 0.95) -> tuple[float, float]:
    """El intervalo de un número, `whole`, que al remuestrear dio `values`: lo que bailó, y eso mismo reflejado.

    Una cuenta de detectoras crece al remuestrear, porque el mejor IoU de muchos conceptos sube con cualquier ruido; y
    la cuenta misma ya había crecido por eso. Lo remuestreado solo no cubre el número de la población; los dos, casi.
    """
    share, whole = real(share, "share", 0, 1), real(whole, "whole")
    tails = torch.tensor([(1 - share) / 2, (1 + share) / 2], dtype=torch.float64)
    low, high = torch.tensor(reals(values, "values"), dtype=torch.float64).quantile(tails).tolist()
    return min(low, 2 * whole - high), max(high, 2 * whole - low)


def name_sets(parts: Sequence[Tally], times: int = 400, share: float = 0.95, seed: int = 0) -> list[list[int]]:
    """Los nombres que podrían ser el mejor de cada unidad con otras imágenes: c listas, del IoU más alto al menor.

    parts: como en `interval`; mientras más chicos los pedazos, mejor. Un concepto se queda si lo que le saca ventaja
    cabe en lo que esa ventaja baila al volver a sacar los pedazos: el de mayor IoU de verdad está en su lista con
    probabilidad `share`, más o menos. Compiten los doce de mayor IoU. Fuente: Hsu (1984), doi:10.1214/aos/1176346732.
    """
    weights = redraws(len(parts), times, share, seed)
    rivals = sum(parts[1:], parts[0]).iou().argsort(dim=1, descending=True, stable=True)[:, :RIVALS]        # (c, r)
    both = torch.stack([part.both.gather(1, rivals) for part in parts])                     # (pedazos, c, r)
    union = torch.stack([part.active.gather(1, part.categories[rivals]) + part.truth[rivals] for part in parts]) - both
    stays = could_be_best(both, union, weights, share)
    return [names[kept].tolist() for names, kept in zip(rivals, stays)]


def could_be_best(both: Tensor, union: Tensor, weights: Tensor, share: float = 0.95) -> Tensor:
    """De los r rivales de cada unidad, cuáles podrían ser el mejor: (c, r). Es la regla de `name_sets`.

    both, union: (pedazos, c, r), los píxeles de la intersección y de la unión;  weights: (veces, pedazos).
    """
    sizes, share = check_numbers(both, "p c r", "both", integers=True), real(share, "share", 0, 1, open_ends=True)
    check_numbers(union, "{p} {c} {r}".format(**sizes), "union", integers=True)
    check_numbers(weights, f"t {sizes['p']}", "weights")
    found, weights = [], weights.double()
    for met, every in zip(both.unbind(1), union.unbind(1)):                                 # (pedazos, r)
        iou = met.sum(0).double() / every.sum(0).clamp(min=1)
        again = (weights @ met.double()) / (weights @ every.double()).clamp(min=1)          # (veces, r)
        lead = iou - iou[:, None]                                                           # (r, r): de j sobre k
        swing = (again[:, None] - again[:, :, None] - lead).amax(2)                         # (veces, r)
        found.append(lead.amax(1) <= swing.quantile(share, 0))
    return torch.stack(found)


def redraws(count: int, times: int, share: float, seed: int = 0) -> Tensor:
    """Cuántas veces sale cada uno de `count` pedazos en cada remuestreo con reemplazo: (veces, pedazos)."""
    times, share, generator = whole(times, "times"), real(share, "share"), dice(seed)
    if count < 2 or times < 2 or not 0 < share < 1:
        raise ValueError(f"parts, times, share: esperaba al menos 2 pedazos, 2 veces y una parte entre 0 y 1, y recibí "
                         f"{count}, {times} y {share}.")
    return torch.stack([torch.bincount(torch.randint(0, count, (count,), generator=generator), minlength=count)
                        for _ in range(times)]).double()

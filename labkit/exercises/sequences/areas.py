"""Ejercicio 3 de la lección 6: `precision_area`, el área que no se deja engañar."""

from collections.abc import Iterator

import torch
from torch import Tensor

from labkit.exercises.answers import read_tensor
from labkit.exercises.compare import Mistake
from labkit.exercises.kinds import Function, case_generator
from labkit.exercises.verdict import Revise


def precision_area(values: Tensor, truth: Tensor) -> Tensor:
    """La AUPRC de cada celda, (c,): en cada verdadero, de mayor a menor, su precisión; y el promedio de todas.

    values: (c, T), sin empates;  truth: (T,), verdaderos y falsos.
    """
    hits = truth[values.argsort(1, descending=True)].double()               # (c, T), del que más responde al que menos
    precision = hits.cumsum(1) / torch.arange(1, len(truth) + 1)
    return ((precision * hits).sum(1) / truth.sum()).float()


def ranked_signs() -> Iterator[tuple[Tensor, Tensor]]:
    """Celdas (c, T) sin empates y un concepto raro (T,); la primera celda lo sigue de cerca, la última, al revés."""
    dice = case_generator()
    for cells, length, yes in ((4, 30, 5), (3, 22, 7), (5, 41, 4), (2, 17, 6)):
        truth = torch.zeros(length, dtype=torch.bool)
        truth[torch.randperm(length, generator=dice)[:yes]] = True
        values = torch.randn(cells, length, generator=dice)
        values[0] += 1.5 * truth
        values[-1] -= 1.5 * truth
        yield values, truth


def _hits(values: Tensor, truth: Tensor) -> tuple[Tensor, Tensor]:
    """En orden, cuáles son verdaderos, (c, T), y la precisión hasta cada uno, (c, T)."""
    hits = truth[values.argsort(1, descending=True)].double()
    return hits, hits.cumsum(1) / torch.arange(1, len(truth) + 1)


def _areas(values: Tensor, truth: Tensor) -> Tensor:
    """El área ROC: de todas las parejas de un verdadero y un falso, en cuántas gana el verdadero, (c,)."""
    return (values[:, truth][:, :, None] > values[:, ~truth][:, None]).double().mean((1, 2))


def _top_precision(values: Tensor, truth: Tensor) -> Tensor:
    """La precisión de los primeros, tantos como verdaderos hay, (c,)."""
    return _hits(values, truth)[1][:, int(truth.sum()) - 1]


def _zero_based(values: Tensor, truth: Tensor) -> Tensor:
    hits, _ = _hits(values, truth)
    return (hits * (hits.cumsum(1) - 1) / torch.arange(1, len(truth) + 1)).sum(1) / truth.sum()


def _orders_as_places(values: Tensor, truth: Tensor) -> Tensor:
    """El área si a cada verdadero se le da por lugar lo que dice un solo `argsort`."""
    places = (values.argsort(1, descending=True)[:, truth] + 1).sort(1).values
    return (torch.arange(1, int(truth.sum()) + 1) / places).mean(1)


def _mean_recall(values: Tensor, truth: Tensor) -> Tensor:
    hits, _ = _hits(values, truth)
    return (hits.cumsum(1) * hits).sum(1) / truth.sum() ** 2


AREA_MISTAKES = (
    Mistake("ordenas de menor a mayor; va primero el signo en que más responde la celda.",
            lambda values, truth: precision_area(-values, truth)),
    Mistake("promedias la precisión en todos los lugares; solo cuentan los de los verdaderos.",
            lambda values, truth: _hits(values, truth)[1].mean(1)),
    Mistake("es el área ROC: dice en cuántas parejas gana el verdadero, y aquí se pide la de precisión.", _areas),
    Mistake("es la precisión de un solo corte; se pide el promedio de las de todos los verdaderos.", _top_precision),
    Mistake("falta dividir entre cuántos verdaderos hay.",
            lambda values, truth: precision_area(values, truth) * truth.sum()),
    Mistake("divides entre todos los signos; se promedia entre los verdaderos.",
            lambda values, truth: precision_area(values, truth) * truth.float().mean()),
    Mistake("al contar los aciertos, el verdadero que miras también cuenta: el primero de todos tiene precisión 1.",
            _zero_based),
    Mistake("ordenas a todas las celdas juntas, o con el orden de una sola; cada celda tiene el suyo.",
            lambda values, truth: precision_area(values[:1], truth).expand(len(values))),
    Mistake("argsort dice qué signo va en cada lugar; r_j es al revés: en qué lugar quedó cada verdadero.",
            _orders_as_places),
    Mistake("es la exhaustividad: divides los aciertos entre los verdaderos. La precisión los divide entre los que "
            "llevas mirados.", _mean_recall),
)


def _read_areas(result: object, want: Tensor, case: tuple) -> Tensor:
    """Un área por celda; otras formas delatan el error."""
    found = read_tensor(result)
    if found.shape == case[0].shape:
        raise Revise("sale un número por signo; se pide uno por celda.")
    if found.shape != want.shape:
        raise Revise(f"esperaba un área por celda, de forma {tuple(want.shape)}, y recibí {tuple(found.shape)}.")
    return found


EXERCISES = {
    "precision_area": Function(
        precision_area, ranked_signs, AREA_MISTAKES,
        describe=lambda values, truth: f"{len(values)} celdas, {len(truth)} signos y {int(truth.sum())} verdaderos",
        read=_read_areas, forbidden=("average_precisions", "cell_scores", "both_areas", "average_precision_score",
                                     "precision_recall_curve"),
        hints=("Pon los signos del que más responde al que menos. En cada lugar, ¿qué parte de los mirados es "
               "verdadera?",
               "values.argsort(1, descending=True) da el orden de cada celda, y truth[...] de ese orden, los aciertos. "
               "Su suma acumulada es .cumsum(1).",
               "precision = hits.cumsum(1) / torch.arange(1, T + 1). Quédate con las de los verdaderos, "
               "(precision * hits).sum(1), y divide entre truth.sum()."),
    ),
}

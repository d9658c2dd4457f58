"""El renglón que más puntúa: buscarlo sin salirse de lo permitido (lección 6b).

Hay dos maneras. El gradiente proyectado sube y, tras cada paso, regresa a lo permitido; sirve si todo es continuo. La
búsqueda por columnas prueba en cada una todos sus valores y se queda con el mejor, hasta que ninguna mejora: no usa
gradientes y nunca deja de cumplir las restricciones. Es el descenso por coordenadas: Wright (2015), «Coordinate descent
algorithms», doi:10.1007/s10107-015-0892-3.
"""
from typing import NamedTuple

import torch
from torch import Tensor, nn

from labkit.activations import run
from labkit.objectives import Objective
from labkit.tabular.columns import Columns
from labkit.tabular.networks import row_scores


class Found(NamedTuple):
    """A dónde llegó una búsqueda desde cada comienzo: renglones (b, d) y puntuaciones (b,), de la mayor a la menor.

    sweeps: cuántas vueltas a las columnas se dieron.
    """
    rows: Tensor
    scores: Tensor
    sweeps: int


def best_rows(model: nn.Module, objective: Objective, columns: Columns, starts: Tensor, grid: int = 41,
              sweeps: int = 30) -> Found:
    """Los renglones que más puntúan según `objective`, buscados por columnas desde cada uno de `starts`, (b, d).

    grid: cuántos valores se prueban en una columna de números sin pasos, contando los extremos. La puntuación nunca
    baja, y cada renglón cumple las restricciones. Puede ser un máximo solo local: prueba con varios comienzos.
    """
    rows = columns.project(starts)
    scores = row_scores(model, rows, objective)
    for sweep in range(1, sweeps + 1):
        before = scores
        for name in columns.names:
            rows, scores = _best_in_column(model, objective, columns, name, rows, scores, grid)
        if bool((scores <= before + 1e-6).all()):
            break
    order = scores.argsort(descending=True)
    return Found(rows[order], scores[order], sweep)


def best_row(model: nn.Module, objective: Objective, columns: Columns, real: Tensor, starts: int = 6,
             grid: int = 41) -> Tensor:
    """El renglón que más puntúa, (d,): lo mejor de buscar desde unos renglones reales y unos al azar.

    real: renglones del conjunto, (n, d).  starts: cuántos comienzos de cada clase; los del conjunto, los mejores.
    Si ningún cambio de una columna mejora a un comienzo, queda como está: mira cuántos renglones empatan con lo que da.
    """
    if starts < 1:
        raise ValueError(f"starts: esperaba al menos un comienzo de cada clase y recibí {starts}.")
    columns.check(real)
    scores = row_scores(model, real, objective)
    top = real[scores.topk(min(starts, len(real))).indices]
    return best_rows(model, objective, columns, torch.cat([top, columns.random(starts)]), grid).rows[0]


def climb(model: nn.Module, objective: Objective, columns: Columns, starts: Tensor, steps: int = 200, lr: float = 0.05,
          hard: bool = False) -> Tensor:
    """El gradiente proyectado: sube desde `starts`, (b, d), y da a dónde llega, ya dentro de lo permitido.

    Tras cada paso los números regresan entre sus extremos, y cada grupo de opciones, al símplex: partes de 0 a 1 que
    suman 1. hard: tras cada paso se exige ya lo permitido, con enteros y una sola opción; los pasos chicos se pierden.
    """
    rows = columns.project(starts)
    for _ in range(steps):
        moved = rows.detach().requires_grad_(True)
        slope, = torch.autograd.grad(objective(run(model, moved, objective.layers)).sum(), moved)
        size = slope.abs().amax(1, keepdim=True).clamp(min=1e-12)
        moved = moved.detach() + lr * slope / size
        rows = columns.project(moved) if hard else relaxed(columns, moved)
    return columns.project(rows)


def relaxed(columns: Columns, rows: Tensor) -> Tensor:
    """Lo más cercano a unos vectores (n, d) sin exigir enteros ni una sola opción: números en [0, 1], y el símplex."""
    parts = []
    for column in columns.columns:
        values = rows[:, columns.places[column.name]]
        parts.append(values.clamp(0, 1) if column.width == 1 else _simplex(values))
    return torch.cat(parts, 1)


def linear_optimum(weights: Tensor, columns: Columns) -> Tensor:
    """El renglón permitido en que una suma con pesos (d,) es mayor, (d,), sin buscar: cada columna por su lado.

    Un número va a su extremo de arriba si su peso es mayor que 0, y al de abajo si no; de un grupo, la opción de mayor
    peso.
    """
    if weights.shape != (len(columns),):
        raise ValueError(f"weights: esperaba un peso por lugar, ({len(columns)},), y recibí {tuple(weights.shape)}.")
    row = torch.zeros(len(columns))
    for column in columns.columns:
        place = columns.places[column.name]
        if column.width == 1:
            row[place] = float(weights[place] > 0)
        else:
            row[place.start + int(weights[place].argmax())] = 1.0
    return row


def _best_in_column(model: nn.Module, objective: Objective, columns: Columns, name: str, rows: Tensor, scores: Tensor,
                    grid: int) -> tuple[Tensor, Tensor]:
    """Los mismos renglones (b, d) con el mejor valor de esa columna; si ninguno mejora, quedan como están."""
    options = columns[name].candidates(grid).to(rows)                   # (v, ancho)
    tried = rows[:, None].repeat(1, len(options), 1)                    # (b, v, d)
    tried[:, :, columns.places[name]] = options
    found = row_scores(model, tried.flatten(0, 1), objective).view(len(rows), len(options))
    best, which = found.max(1)
    better = best > scores + 1e-6
    return (torch.where(better[:, None], tried[torch.arange(len(rows)), which], rows),
            torch.where(better, best, scores))


def _simplex(values: Tensor) -> Tensor:
    """El punto del símplex más cercano a cada renglón, (n, k): Duchi et al. (2008), doi:10.1145/1390156.1390191."""
    ordered = values.sort(1, descending=True).values
    excess = ordered.cumsum(1) - 1
    counts = torch.arange(1, values.shape[1] + 1)
    kept = (ordered - excess / counts > 0).sum(1, keepdim=True)         # cuántos quedan mayores que 0
    return (values - excess.gather(1, kept - 1) / kept).clamp(min=0)

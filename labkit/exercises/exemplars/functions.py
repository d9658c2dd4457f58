"""`chances` y `som_step`: las funciones de la lección 4, los casos con que se prueban y los errores conocidos."""
from collections.abc import Iterator

import torch
from torch import Tensor

from labkit.exercises.compare import Mistake
from labkit.exercises.kinds import case_generator

ALONE = 1e-3                # un ancho con el que ningún nodo jala a sus vecinos


# ── 1 · a quién escoge cada quien ───────────────────────────────────────────────────────────────────────────────────


def chances(vectors: Tensor, width: float) -> Tensor:
    """La probabilidad de que cada vector i escoja a j de vecino, (n, n): renglones que suman 1 y diagonal en 0."""
    far = torch.cdist(vectors, vectors).pow(2)
    far.fill_diagonal_(torch.inf)
    return torch.softmax(-far / (2 * width ** 2), 1)


def clouds() -> Iterator[tuple[Tensor, float]]:
    """Vectores (n, d) y anchos, con n distinto de d."""
    dice = case_generator()
    for n, d, width in ((6, 4, 1.5), (9, 3, 0.7), (5, 8, 2.5), (7, 1, 0.9), (8, 5, 3.0)):
        yield torch.randn(n, d, generator=dice), width


def _bell(a: Tensor, b: Tensor, width: float, power: int = 2) -> Tensor:
    """La altura de la campana entre cada vector de a (n, d) y cada uno de b (m, d), sin dividir: (n, m)."""
    return torch.exp(-torch.cdist(a, b).pow(power) / (2 * width ** 2))


def _by_row(table: Tensor) -> Tensor:
    return table / table.sum(1, keepdim=True)


def _upside_down(v: Tensor, s: float) -> Tensor:
    """El reparto con el signo al revés: cada vector escoge a los que le quedan lejos, (n, n)."""
    far = torch.cdist(v, v).pow(2).fill_diagonal_(-torch.inf)
    return torch.softmax(far / (2 * s ** 2), 1)


CHANCE_MISTAKES = (                     # v: los vectores; s: el ancho, como en la fórmula del cuaderno
    Mistake("cada punto se cuenta como su propio vecino: la diagonal va en 0 y no entra en la suma.",
            lambda v, s: _by_row(_bell(v, v, s))),
    Mistake("quitas la diagonal después de dividir: los renglones ya no suman 1.",
            lambda v, s: _by_row(_bell(v, v, s)).fill_diagonal_(0)),
    Mistake("suman 1 las columnas; cada renglón i reparte su probabilidad entre los demás.",
            lambda v, s: chances(v, s).T),
    Mistake("usas la distancia; va al cuadrado.",
            lambda v, s: _by_row(_bell(v, v, s, power=1).fill_diagonal_(0))),
    Mistake("el exponente se divide entre 2σ²: revisa que estén el 2, el cuadrado y los paréntesis.",
            lambda v, s: chances(v, s / 2 ** 0.5),
            (lambda v, s: chances(v, s ** 0.5), lambda v, s: chances(v, 1 / s))),
    Mistake("el signo va al revés: a quien está lejos le toca menos, exp(−…).", lambda v, s: _upside_down(v, s)),
    Mistake("falta dividir cada renglón entre su suma: cada uno debe sumar 1.",
            lambda v, s: _bell(v, v, s).fill_diagonal_(0),
            (lambda v, s: _bell(v, v, s).fill_diagonal_(0) / _bell(v, v, s).fill_diagonal_(0).sum(),)),
    Mistake("ya la hiciste simétrica; se pide la de cada renglón, p de j dado i.",
            lambda v, s: (chances(v, s) + chances(v, s).T) / (2 * len(v))),
)

# ── 2 · un paso del mapa ────────────────────────────────────────────────────────────────────────────────────────────


def som_step(prototypes: Tensor, places: Tensor, vectors: Tensor, width: float) -> Tensor:
    """Los prototipos (m, d) tras una época: cada uno, la media de los vectores según lo cerca que cayeron de él."""
    winners = torch.cdist(vectors, prototypes).argmin(1)
    pull = torch.exp(-torch.cdist(places, places[winners]).pow(2) / (2 * width ** 2))       # (m, n)
    return pull @ vectors / pull.sum(1, keepdim=True)


def grids() -> Iterator[tuple[Tensor, Tensor, Tensor, float]]:
    """Prototipos (m, d), lugares (m, 2), vectores (n, d) y anchos."""
    dice = case_generator()
    shapes = ((2, 3, 12, 4, 1.4), (3, 3, 20, 2, 0.8), (4, 2, 15, 5, 2.2), (2, 5, 30, 3, 0.7), (3, 4, 9, 6, 1.7))
    for rows, cols, n, d, width in shapes:
        places = torch.cartesian_prod(torch.arange(rows).float(), torch.arange(cols).float())
        yield torch.randn(rows * cols, d, generator=dice), places, 1 + torch.randn(n, d, generator=dice), width


def _pull(prototypes: Tensor, places: Tensor, vectors: Tensor, width: float, power: int = 2) -> Tensor:
    """Cuánto jala cada vector a cada nodo: (m, n)."""
    return _bell(places, places[torch.cdist(vectors, prototypes).argmin(1)], width, power)


def _farthest(w: Tensor, r: Tensor, v: Tensor, s: float) -> Tensor:
    """El paso en que gana el prototipo más lejano, (m, d)."""
    return _by_row(_bell(r, r[torch.cdist(v, w).argmax(1)], s)) @ v


STEP_MISTAKES = (                       # w: los prototipos; r: los lugares; v: los vectores; s: el ancho
    Mistake("mides la vecindad entre prototipos, o entre prototipos y vectores; va entre los lugares de la rejilla.",
            lambda w, r, v, s: som_step(w, w, v, s), (lambda w, r, v, s: _by_row(_bell(w, v, s)) @ v,)),
    Mistake("solo se mueve el nodo ganador; sus vecinos de la rejilla también aprenden.",
            lambda w, r, v, s: som_step(w, r, v, ALONE).where(_pull(w, r, v, ALONE).sum(1, keepdim=True) > 0, w)),
    Mistake("el exponente es la distancia en la rejilla, al cuadrado, entre 2s²: revisa los cuadrados, el 2 y los "
            "paréntesis.", lambda w, r, v, s: som_step(w, r, v, s / 2 ** 0.5),
            (lambda w, r, v, s: som_step(w, r, v, s ** 0.5), lambda w, r, v, s: som_step(w, r, v, 1 / s),
             lambda w, r, v, s: _by_row(_pull(w, r, v, s, power=1)) @ v)),
    Mistake("falta dividir entre la suma de los pesos de cada nodo.", lambda w, r, v, s: _pull(w, r, v, s) @ v),
    Mistake("divides entre otra suma; va, en cada nodo, la de sus pesos sobre los vectores.",
            lambda w, r, v, s: _pull(w, r, v, s) @ v / _pull(w, r, v, s).sum(),
            (lambda w, r, v, s: _pull(w, r, v, s) / _pull(w, r, v, s).sum(0) @ v,)),
    Mistake("mezclas con el prototipo de antes; el nuevo es solo la media ponderada.",
            lambda w, r, v, s: (som_step(w, r, v, s) + w) / 2),
    Mistake("el ganador es el prototipo más cercano, y tomaste el más lejano (argmax por argmin).",
            lambda w, r, v, s: _farthest(w, r, v, s)),
    Mistake("está transpuesta: va un renglón por nodo y una columna por coordenada.",
            lambda w, r, v, s: som_step(w, r, v, s).T),
)

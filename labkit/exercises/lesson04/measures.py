"""Ejercicios 1 y 2 de la lección 4: a quién escoge cada quien de vecino, `chances`, y un paso del mapa, `som_step`."""
from collections.abc import Callable, Iterator
from functools import partial

import torch
from torch import Tensor

from labkit.exercises.compare import Trial, compare
from labkit.exercises.exercise import case_generator
from labkit.exercises.isolation import call, require_function

FORBIDDEN = ("chances", "som_step", "affinities", "SOM", "tsne")


def chances(vectors: Tensor, width: float) -> Tensor:
    """La probabilidad de que cada vector i escoja a j de vecino, (n, n): renglones que suman 1 y diagonal en 0."""
    far = torch.cdist(vectors, vectors).pow(2)
    far.fill_diagonal_(torch.inf)
    return torch.softmax(-far / (2 * width ** 2), 1)


def som_step(prototypes: Tensor, places: Tensor, vectors: Tensor, width: float) -> Tensor:
    """Los prototipos (m, d) tras una época: cada uno, la media de los vectores según lo cerca que cayeron de él."""
    winners = torch.cdist(vectors, prototypes).argmin(1)
    pull = torch.exp(-torch.cdist(places, places[winners]).pow(2) / (2 * width ** 2))       # (m, n)
    return pull @ vectors / pull.sum(1, keepdim=True)


def examine_chances(answer: object) -> str:
    """Compara `answer(vectors, width)` con `chances` en vectores al azar."""
    return _examine(answer, chances, ("vectors", "width"), clouds(), chance_mistakes,
                    lambda case: f"{len(case[0])} vectores y width = {case[1]}")


def examine_step(answer: object) -> str:
    """Compara `answer(prototypes, places, vectors, width)` con `som_step` en rejillas y vectores al azar."""
    return _examine(answer, som_step, ("prototypes", "places", "vectors", "width"), grids(), step_mistakes,
                    lambda case: f"{len(case[0])} nodos, {len(case[2])} vectores y width = {case[3]}")


def _examine(answer: object, right: Callable, parameters: tuple, cases: Iterator, mistakes: Callable,
             told: Callable) -> str:
    require_function(answer, parameters, FORBIDDEN)
    trials = (Trial(partial(call, answer, *case), right(*case), partial(mistakes, *case), told(case)) for case in cases)
    return f"da lo mismo que labkit en {compare(trials)} casos al azar."


def clouds() -> Iterator[tuple[Tensor, float]]:
    """Vectores (n, d) y anchos, con n distinto de d."""
    dice = case_generator()
    for n, d, width in ((6, 4, 1.5), (9, 3, 0.7), (5, 8, 2.5), (7, 1, 0.9), (8, 5, 3.0)):
        yield torch.randn(n, d, generator=dice), width


def grids() -> Iterator[tuple[Tensor, Tensor, Tensor, float]]:
    """Prototipos (m, d), lugares (m, 2), vectores (n, d) y anchos."""
    dice = case_generator()
    shapes = ((2, 3, 12, 4, 1.4), (3, 3, 20, 2, 0.8), (4, 2, 15, 5, 2.2), (2, 5, 30, 3, 0.7), (3, 4, 9, 6, 1.7))
    for rows, cols, n, d, width in shapes:
        places = torch.cartesian_prod(torch.arange(rows).float(), torch.arange(cols).float())
        yield torch.randn(rows * cols, d, generator=dice), places, 1 + torch.randn(n, d, generator=dice), width


def chance_mistakes(vectors: Tensor, width: float) -> dict[str, Tensor]:
    """Qué sale de cada error conocido, con el mensaje que lo nombra."""
    right, far = chances(vectors, width), torch.cdist(vectors, vectors)
    alone = torch.eye(len(vectors), dtype=torch.bool)

    def without_self(scores: Tensor) -> Tensor:
        return torch.softmax(scores.masked_fill(alone, -torch.inf), 1)

    weights = torch.exp(-far.pow(2) / (2 * width ** 2)).masked_fill(alone, 0)
    return {
        "cada punto se cuenta como su propio vecino: la diagonal va en 0 y no entra en la suma.": (
            torch.softmax(-far.pow(2) / (2 * width ** 2), 1)),
        "quitas la diagonal después de dividir: los renglones ya no suman 1.": (
            torch.softmax(-far.pow(2) / (2 * width ** 2), 1).masked_fill(alone, 0)),
        "suman 1 las columnas; cada renglón i reparte su probabilidad entre los demás.": right.T,
        "usas la distancia; va al cuadrado.": without_self(-far / (2 * width ** 2)),
        "falta el 2: se divide entre 2σ².": without_self(-far.pow(2) / width ** 2),
        "el ancho va al cuadrado: se divide entre 2σ².": without_self(-far.pow(2) / (2 * width)),
        "los de lejos salen más probables que los de cerca: revisa el signo.": (
            without_self(far.pow(2) / (2 * width ** 2))),
        "falta dividir: cada renglón debe sumar 1.": weights,
        "suma 1 toda la tabla; debe sumar 1 cada renglón.": weights / weights.sum(),
        "ya la hiciste simétrica; se pide la de cada renglón, p de j dado i.": (right + right.T) / (2 * len(vectors)),
    }


def step_mistakes(prototypes: Tensor, places: Tensor, vectors: Tensor, width: float) -> dict[str, Tensor]:
    """Qué sale de cada error conocido, con el mensaje que lo nombra."""
    near, right = torch.cdist(vectors, prototypes), som_step(prototypes, places, vectors, width)
    winners, apart = near.argmin(1), torch.cdist(places, places)

    def blended(pull: Tensor) -> Tensor:
        return pull @ vectors / pull.sum(1, keepdim=True)

    def gauss(far: Tensor, scale: float = 2 * width ** 2) -> Tensor:
        return torch.exp(-far.pow(2) / scale)

    alone = (winners == torch.arange(len(places))[:, None]).float()                         # (m, n)
    won = alone.sum(1, keepdim=True)
    means = torch.where(won > 0, alone @ vectors / won.clamp(min=1), prototypes)
    return {
        "mides la vecindad entre prototipos; va entre los lugares de la rejilla.": (
            blended(gauss(torch.cdist(prototypes, prototypes))[:, winners])),
        "mides la vecindad entre vectores y prototipos; va entre los lugares de la rejilla.": blended(gauss(near.T)),
        "solo se mueve el nodo ganador; sus vecinos de la rejilla también aprenden.": means,
        "el ganador es el prototipo MÁS parecido: el de menor distancia.": blended(gauss(apart[:, near.argmax(1)])),
        "falta el 2: se divide entre 2s².": blended(gauss(apart[:, winners], width ** 2)),
        "el ancho va al cuadrado: se divide entre 2s².": blended(gauss(apart[:, winners], 2 * width)),
        "usas la distancia en la rejilla; va al cuadrado.": blended(torch.exp(-apart[:, winners] / (2 * width ** 2))),
        "falta dividir entre la suma de los pesos de cada nodo.": gauss(apart[:, winners]) @ vectors,
        "divides entre la suma de todos los pesos; va la de cada nodo.": (
            gauss(apart[:, winners]) @ vectors / gauss(apart[:, winners]).sum()),
        "divides entre cuántos vectores hay; va la suma de los pesos de cada nodo.": (
            gauss(apart[:, winners]) @ vectors / len(vectors)),
        "devuelves los prototipos de antes: falta darles su media.": prototypes,
        "mezclas con el prototipo de antes; el nuevo es solo la media ponderada.": (right + prototypes) / 2,
        "devuelves cuánto se mueve cada prototipo; se pide dónde queda.": right - prototypes,
    }

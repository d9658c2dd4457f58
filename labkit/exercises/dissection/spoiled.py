"""Ejercicio 3 de la lección 5: echar a perder unas etiquetas, `spoiled_labels`, para probar a una medida.

Son las dos pruebas de NeuronEval: Oikarinen, Yan y Weng (2025), https://arxiv.org/abs/2506.05774.
"""

from collections.abc import Iterator

import torch
from torch import Tensor

from labkit.exercises.compare import Mistake
from labkit.exercises.dissection.measures import read_shape
from labkit.exercises.kinds import Function, case_generator


def spoiled_labels(truth: Tensor, draw: Tensor) -> Tensor:
    """Dos listas de etiquetas peores que `truth`, (2, n): sin la mitad de las verdaderas, y con otras tantas falsas."""
    yes, places = int(truth.sum()), torch.arange(len(truth))
    inside = places[truth][draw[truth].argsort()]
    outside = places[~truth][draw[~truth].argsort()]
    fewer, more = truth.clone(), truth.clone()
    fewer[inside[:yes // 2]] = False
    more[outside[:yes]] = True
    return torch.stack([fewer, more])


def lotteries() -> Iterator[tuple[Tensor, Tensor]]:
    """Etiquetas (n,) y un número al azar por imagen, (n,); en dos casos las verdaderas son impares."""
    dice = case_generator()
    for n, yes in ((12, 4), (30, 7), (41, 12), (25, 5)):
        order = torch.randperm(n, generator=dice)
        truth = torch.zeros(n, dtype=torch.bool)
        truth[order[:yes]] = True
        yield truth, torch.rand(n, generator=dice)


def _spoiled(truth: Tensor, draw: Tensor, fewer: int, more: int, high: bool = False) -> Tensor:
    """Lo mismo, quitando y agregando esas cantidades; con `high`, a las de número más grande."""
    order = draw.argsort(descending=high)
    out = truth.clone(), truth.clone()
    out[0][order[truth[order]][:fewer]] = False
    out[1][order[~truth[order]][:more]] = True
    return torch.stack(out)


def _by_coin(truth: Tensor, draw: Tensor) -> Tensor:
    """Con un volado en cada imagen: sale más o menos la mitad."""
    return torch.stack([truth & (draw >= 0.5), truth | (draw < truth.float().mean())])


def _any_of_them(truth: Tensor, draw: Tensor) -> Tensor:
    """Escoge entre todas las imágenes, sin separar las verdaderas de las falsas."""
    yes, order = int(truth.sum()), draw.argsort()
    fewer, more = truth.clone(), truth.clone()
    fewer[order[:yes // 2]], more[order[:yes]] = False, True
    return torch.stack([fewer, more])


def _one_after_the_other(truth: Tensor, draw: Tensor) -> Tensor:
    """La segunda lista parte de la primera, que ya había perdido la mitad."""
    fewer, more = spoiled_labels(truth, draw)
    return torch.stack([fewer, fewer | (more & ~truth)])


def _local_places(truth: Tensor, draw: Tensor) -> Tensor:
    """Usa los lugares dentro de las verdaderas, o dentro de las falsas, como si fueran los de la lista completa."""
    yes, fewer, more = int(truth.sum()), truth.clone(), truth.clone()
    fewer[draw[truth].argsort()[:yes // 2]] = False
    more[draw[~truth].argsort()[:yes]] = True
    return torch.stack([fewer, more])


def _in_order(truth: Tensor, draw: Tensor) -> Tensor:
    """Cambia las primeras de la lista, sin mirar su número."""
    return spoiled_labels(truth, torch.arange(len(truth)))


def _unchanged(truth: Tensor, draw: Tensor) -> Tensor:
    """Cambia una copia y devuelve las etiquetas como estaban."""
    return torch.stack([truth, truth])


def _read_labels(result: object, want: Tensor, case: tuple[Tensor, Tensor]) -> Tensor:
    n = len(case[0])
    result = torch.stack(tuple(result)) if _is_pair(result) else result
    return read_shape(result, want, (
        ((n,), "sale una sola lista de etiquetas; van dos: con menos y con más."),
        ((n, 2), "va al revés: un renglón por lista, (2, n). torch.stack([menos, más]) lo hace."),
        ((n - int(case[0].sum()) // 2,), "quitaste imágenes. Se quitan etiquetas: la imagen se queda, y ahora dice "
         "falso."),
    ))


def _is_pair(result: object) -> bool:
    """Si contestó una pareja de tensores iguales, en vez de un solo tensor."""
    return (isinstance(result, (tuple, list)) and len(result) == 2
            and all(isinstance(one, Tensor) for one in result) and result[0].shape == result[1].shape)


LABEL_MISTAKES = (
    Mistake("las dos listas van al revés: primero la que pierde etiquetas, y luego la que gana falsas.",
            lambda truth, draw: spoiled_labels(truth, draw).flip(0)),
    Mistake("no escoges a las de número más chico en `draw`: ordena por ese número, de menor a mayor.",
            lambda truth, draw: _spoiled(truth, draw, int(truth.sum()) // 2, int(truth.sum()), True),
            (_in_order, lambda truth, draw: torch.stack([_in_order(truth, draw)[0], spoiled_labels(truth, draw)[1]]),
             lambda truth, draw: torch.stack([spoiled_labels(truth, draw)[0], _in_order(truth, draw)[1]]))),
    Mistake("a la segunda no le agregas las que van: son tantas falsas como verdaderas hay en `truth`.",
            lambda truth, draw: _spoiled(truth, draw, int(truth.sum()) // 2, int(truth.sum()) // 2),
            (lambda truth, draw: _spoiled(truth, draw, int(truth.sum()) // 2, len(truth) // 2),
             lambda truth, draw: _spoiled(truth, draw, int(truth.sum()) // 2, len(truth)))),
    Mistake("a la primera no le quitas las que van: son la mitad de las verdaderas, redondeada hacia abajo.",
            lambda truth, draw: _spoiled(truth, draw, -(-int(truth.sum()) // 2), int(truth.sum())),
            (lambda truth, draw: _spoiled(truth, draw, int(truth.sum()), int(truth.sum())),)),
    Mistake("echas un volado en cada imagen, y sale más o menos la mitad; se pide una cantidad exacta.", _by_coin,
            (lambda truth, draw: torch.stack([truth & (draw < 0.5), truth | (draw < 0.5)]),
             lambda truth, draw: torch.stack([truth & (draw >= 0.5), truth | (draw < 0.5)]),
             lambda truth, draw: torch.stack([truth & (draw < 0.5), truth | (draw >= 0.5)]))),
    Mistake("cambias lugares que no son: unos se escogen entre las verdaderas y los otros entre las falsas. Ojo: "
            "draw[truth].argsort() numera solo a las verdaderas, 0, 1, 2…; falta su lugar en `truth`.", _any_of_them,
            (_local_places, lambda truth, draw: torch.stack([_local_places(truth, draw)[0],
                                                             spoiled_labels(truth, draw)[1]]),
             lambda truth, draw: torch.stack([spoiled_labels(truth, draw)[0], _local_places(truth, draw)[1]]))),
    Mistake("una de las dos listas sale igual que `truth`. Si escribiste x[truth][…] = …, cambiaste una copia: "
            "x[truth] es otro tensor.", _unchanged,
            (lambda truth, draw: torch.stack([truth, spoiled_labels(truth, draw)[1]]),
             lambda truth, draw: torch.stack([spoiled_labels(truth, draw)[0], truth]))),
    Mistake("la segunda lista parte de la primera, que ya perdió la mitad; las dos parten de `truth`.",
            _one_after_the_other),
    Mistake("en la segunda se quedan solo las falsas; las verdaderas también siguen.",
            lambda truth, draw: torch.stack([spoiled_labels(truth, draw)[0], spoiled_labels(truth, draw)[1] & ~truth])),
)

EXERCISES = {
    "spoiled_labels": Function(
        spoiled_labels, lotteries, LABEL_MISTAKES,
        describe=lambda truth, draw: f"{len(truth)} etiquetas, {int(truth.sum())} verdaderas",
        read=_read_labels,
        hints=("Las dos listas empiezan como una copia de las etiquetas. Falta saber en qué lugares cambian.",
               "Los lugares de las verdaderas son truth.nonzero()[:, 0]; los de las falsas, con ~truth. Cada prueba "
               "escoge entre unos u otros.",
               "inside[draw[inside].argsort()] los pone del número más chico al más grande; inside[:yes // 2] son los "
               "primeros, y fewer[...] = False los cambia."),
    ),
}

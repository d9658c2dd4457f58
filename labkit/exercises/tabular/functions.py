"""Ejercicios 1 y 2 de la lección 6b: lo permitido, `one_hot_project`, y el óptimo lineal, `linear_optimum`."""

from collections.abc import Callable, Iterator, Sequence

import torch
from torch import Tensor

from labkit.exercises.compare import Mistake
from labkit.exercises.kinds import Function, case_generator

Groups = Sequence[tuple[int, int]]          # de cada grupo de opciones, su primer lugar y el que sigue al último

# ── 1 · lo permitido más cercano ────────────────────────────────────────────────────────────────────────────────────


def one_hot_project(rows: Tensor, groups: Groups) -> Tensor:
    """Los renglones permitidos más cercanos a (n, d): números de 0 a 1, y en cada grupo un 1 donde era mayor.

    Si dos opciones empatan, gana la primera.
    """
    allowed = rows.clamp(0, 1)
    for start, stop in groups:
        allowed[:, start:stop] = 0
        allowed[torch.arange(len(rows)), start + rows[:, start:stop].argmax(1)] = 1
    return allowed


def loose_rows() -> Iterator[tuple[Tensor, Groups]]:
    """Renglones fuera de lo permitido; en un grupo todos negativos, en otro varios mayores que 1, en otro un empate."""
    dice = case_generator()
    shapes = (5, 7, ((2, 5), (5, 7))), (4, 9, ((0, 4), (6, 9))), (6, 6, ((1, 4),)), (3, 8, ((0, 3), (3, 8)))
    for n, d, groups in shapes:
        rows = 1.6 * torch.randn(n, d, generator=dice) + 0.4
        start, stop = groups[0]
        rows[0, start:stop] = -rows[0, start:stop].abs() - 0.1
        rows[1, start:stop] = rows[1, start:stop].abs() + 1.1
        rows[2, start:stop] = torch.tensor([0.1, 0.6, 0.6, 0.2][:stop - start])
        yield rows, groups


def _in_groups(rows: Tensor, groups: Groups, change: Callable[[Tensor], Tensor]) -> Tensor:
    """Los números en [0, 1] y cada grupo cambiado por `change`: (n, k) → (n, k)."""
    allowed = rows.clamp(0, 1)
    for start, stop in groups:
        allowed[:, start:stop] = change(rows[:, start:stop])
    return allowed


def _winner(values: Tensor) -> Tensor:
    return torch.nn.functional.one_hot(values.argmax(1), values.shape[1]).to(values)


def _tied(values: Tensor) -> Tensor:
    """Un 1 en cada opción que alcanza al mayor, (n, k)."""
    return (values == values.amax(1, keepdim=True)).to(values)


def _last_of_tied(values: Tensor) -> Tensor:
    return _winner(values.flip(1)).flip(1)


def _starting_at(start: int, row: Tensor, values: Tensor) -> Tensor:
    """El renglón (d,) con un 1 en el lugar que diría el mayor si se contara desde `start`."""
    row = row.clone()
    row[start + int(values.argmax())] = 1
    return row


def _forgets_start(rows: Tensor, groups: Groups) -> Tensor:
    """El mayor de cada grupo, puesto como si el grupo empezara en 0."""
    allowed = rows.clamp(0, 1)
    for start, stop in groups:
        allowed[:, start:stop] = 0
        for i, values in enumerate(rows[:, start:stop]):
            allowed[i] = _starting_at(0, allowed[i], values)
    return allowed


def _with_stop(groups: Groups, d: int) -> Groups:
    """Los mismos grupos, con el lugar que sigue al último."""
    return [(start, min(stop + 1, d)) for start, stop in groups]


def _one_for_all(rows: Tensor, groups: Groups) -> Tensor:
    """Un solo 1 entre todos los grupos."""
    places = [place for start, stop in groups for place in range(start, stop)]
    allowed = rows.clamp(0, 1)
    allowed[:, places] = _winner(rows[:, places])
    return allowed


PROJECT_MISTAKES = (
    Mistake("los números siguen fuera de 0 a 1: los grupos están bien, y falta recortar lo demás.",
            lambda rows, groups: torch.where(_marks(rows, groups), one_hot_project(rows, groups), rows)),
    Mistake("recortas a [0, 1] antes de buscar el mayor: dos opciones por encima de 1 quedan empatadas.",
            lambda rows, groups: one_hot_project(rows.clamp(0, 1), groups)),
    Mistake("los grupos quedan con partes; se pide un solo 1 y lo demás en 0. ¿Usaste softmax?",
            lambda rows, groups: _in_groups(rows, groups, lambda values: values.softmax(1)),
            (lambda rows, groups: rows.clamp(0, 1),
             lambda rows, groups: _in_groups(rows, groups, lambda values: values.clamp(0, 1)
                                             / values.clamp(0, 1).sum(1, keepdim=True).clamp(min=1e-9)))),
    Mistake("con un corte, en un grupo puede quedar ningún 1, o varios: gana la opción de mayor valor, y solo ella.",
            lambda rows, groups: _in_groups(rows, groups, lambda values: (values > 0.5).float()),
            (lambda rows, groups: _in_groups(rows, groups, lambda values: values.clamp(0, 1).round()),)),
    Mistake("si dos opciones empatan queda un solo 1, en la primera; las demás, en 0.",
            lambda rows, groups: _in_groups(rows, groups, _tied),
            (lambda rows, groups: _in_groups(rows, groups, _last_of_tied),)),
    Mistake("los lugares de un grupo van de start a stop, sin contar stop; argmax cuenta desde el principio del grupo: "
            "súmale start.", _forgets_start,
            (lambda rows, groups: one_hot_project(rows, _with_stop(groups, rows.shape[1])),)),
    Mistake("sale un solo 1 entre todos los grupos; cada grupo tiene el suyo.", _one_for_all,
            (lambda rows, groups: one_hot_project(rows, groups[:1]),)),
    Mistake("el mayor se busca a lo largo de las opciones de cada renglón, y no entre renglones: argmax(1).",
            lambda rows, groups: _in_groups(rows, groups, lambda values: _winner(values.T).T),
            (lambda rows, groups: _in_groups(rows, groups, lambda values: _winner(values.amax(0, keepdim=True))
                                             .expand(values.shape)),)),
    Mistake("gana otra opción, la de menor valor o la de mayor sin su signo; es la de mayor, con su signo.",
            lambda rows, groups: _in_groups(rows, groups, lambda values: _winner(-values)),
            (lambda rows, groups: _in_groups(rows, groups, lambda values: _winner(values.abs())),)),
    Mistake("también los números quedaron en 0 o 1; los que no están en un grupo solo se recortan.",
            lambda rows, groups: torch.where(_marks(rows, groups), one_hot_project(rows, groups),
                                             rows.clamp(0, 1).round())),
)


def _marks(rows: Tensor, groups: Groups) -> Tensor:
    """Qué lugares están en algún grupo, (n, d) de verdaderos y falsos."""
    inside = torch.zeros(rows.shape[1], dtype=torch.bool)
    for start, stop in groups:
        inside[start:stop] = True
    return inside.expand(rows.shape)


# ── 2 · el óptimo de un modelo lineal ───────────────────────────────────────────────────────────────────────────────


def linear_optimum(weights: Tensor, groups: Groups) -> Tensor:
    """El renglón permitido en que la suma con pesos (d,) es mayor, (d,): extremos, y de cada grupo su mejor opción."""
    row = (weights > 0).to(weights)
    for start, stop in groups:
        row[start:stop] = 0
        row[start + int(weights[start:stop].argmax())] = 1
    return row


def weighted() -> Iterator[tuple[Tensor, Groups]]:
    """Pesos (d,): en el primer grupo todos son negativos."""
    dice = case_generator()
    for d, groups in ((9, ((3, 6), (6, 9))), (8, ((0, 4),)), (11, ((2, 5), (7, 11))), (7, ((4, 7),))):
        weights = torch.randn(d, generator=dice)
        weights[0 if groups[0][0] else -1] = -0.8                       # siempre hay un número que va abajo
        start, stop = groups[0]
        weights[start:stop] = -weights[start:stop].abs() - 0.05
        yield weights, groups


def _grouped(row: Tensor, weights: Tensor, groups: Groups, change: Callable[[Tensor], Tensor]) -> Tensor:
    """`row` con cada grupo cambiado por `change`, de sus pesos (k,) a sus lugares (k,)."""
    row = row.clone()
    for start, stop in groups:
        row[start:stop] = change(weights[start:stop])
    return row


def _largest(values: Tensor) -> Tensor:
    return _winner(values[None])[0]


def _optimum_without_start(weights: Tensor, groups: Groups) -> Tensor:
    """La mejor opción de cada grupo, puesta como si el grupo empezara en 0."""
    row = (weights > 0).to(weights)
    for start, stop in groups:
        row[start:stop] = 0
        row = _starting_at(0, row, weights[start:stop])
    return row


OPTIMUM_MISTAKES = (
    Mistake("es el renglón en que la suma es menor: un peso positivo lleva a 1, y de un grupo va el mayor.",
            lambda weights, groups: linear_optimum(-weights, groups)),
    Mistake("si todos los pesos de un grupo son negativos también hay que escoger una opción: la de mayor peso, la "
            "menos negativa.", lambda weights, groups: (weights > 0).to(weights),
            (lambda weights, groups: _grouped((weights > 0).to(weights), weights, groups,
                                              lambda values: _largest(values) * (values > 0)),)),
    Mistake("en un grupo escoges el peso más grande sin su signo; el de mayor valor es otro.",
            lambda weights, groups: _grouped((weights > 0).to(weights), weights, groups,
                                             lambda values: _largest(values.abs()))),
    Mistake("un número de peso negativo va a su extremo de abajo, que es 0; −1 está fuera de lo permitido.",
            lambda weights, groups: _grouped(weights.sign(), weights, groups, _largest)),
    Mistake("los números de peso negativo no van arriba: cada uno va al extremo que dice su signo.",
            lambda weights, groups: _grouped(torch.ones_like(weights), weights, groups, _largest)),
    Mistake("devuelves los pesos recortados; el óptimo está siempre en los extremos, 0 o 1.",
            lambda weights, groups: weights.clamp(0, 1),
            (lambda weights, groups: _grouped(weights.clamp(0, 1), weights, groups, _largest),
             lambda weights, groups: _grouped(weights.sigmoid(), weights, groups, _largest),
             lambda weights, groups: weights.sigmoid())),
    Mistake("argmax cuenta desde el principio del grupo, y no del renglón: súmale start.",
            lambda weights, groups: _optimum_without_start(weights, groups)),
    Mistake("devuelves lo que suma cada lugar, el peso por el renglón; se pide el renglón, con 0 y 1.",
            lambda weights, groups: weights * linear_optimum(weights, groups)),
    Mistake("queda un solo 1 en todo el renglón; cada número va por su lado, y cada grupo tiene su 1.",
            lambda weights, groups: _largest(weights)),
)

EXERCISES = {
    "one_hot_project": Function(
        one_hot_project, loose_rows, PROJECT_MISTAKES,
        describe=lambda rows, groups: f"{len(rows)} renglones de {rows.shape[1]} lugares y los grupos {list(groups)}",
        forbidden=("Columns", "project", "relaxed"),
        hints=("Los números y las opciones se tratan distinto: un número solo se recorta; de un grupo queda un 1.",
               "Empieza con una copia recortada, rows.clamp(0, 1), y luego pisa en ella cada grupo. En cada "
               "grupo compiten los valores de rows, no los recortados.",
               "rows[:, start:stop].argmax(1) dice, de cada renglón, cuál opción gana contando desde start; "
               "torch.arange(len(rows)) recorre los renglones."),
    ),
    "linear_optimum": Function(
        linear_optimum, weighted, OPTIMUM_MISTAKES,
        describe=lambda weights, groups: f"{len(weights)} pesos y los grupos {list(groups)}",
        forbidden=("best_row", "best_rows", "climb"),
        hints=("La suma no mezcla columnas: cada una se puede decidir sin mirar a las demás.",
               "Un número va a 1 si su peso es mayor que 0, y a 0 si no. De un grupo siempre se escoge una opción.",
               "row = (weights > 0).float(), y en cada grupo, todo en 0 y un 1 donde weights[start:stop] es mayor."),
    ),
}

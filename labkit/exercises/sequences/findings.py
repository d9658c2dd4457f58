"""Ejercicio 4 de la lección 6: la celda de un concepto, escogida con un texto y medida con otro."""

from collections.abc import Iterator
from functools import lru_cache
from typing import NamedTuple

import torch
from torch import Tensor

from labkit.activations import run
from labkit.exercises.accounts import account_or_sample, row_of
from labkit.exercises.answers import read_pair
from labkit.exercises.kinds import Finding
from labkit.sequences import TextWorld, load_text_network, text_world

WINDOWS, AMONG = 36, 108                    # ventanas de cada sorteo, y de cuántas salen
CELLS = 320                                 # las de la red
NEAR = 0.006                                # cuánto puede diferir el área, que se pide con dos decimales
ASK_CELL = ("escribe una pareja: la celda, un entero, y su AUPRC en la prueba, con dos decimales. Por ejemplo, "
            "(12, 0.34).")
KNOWN = "python"


class CellRow(NamedTuple):
    """La celda de un concepto en un sorteo de ventanas, y las que se confunden con ella.

    sign: 1 si responde hacia arriba, −1 si hacia abajo;  first, rest: su AUPRC en la validación y en la prueba, hacia
    ese lado;  other_sign: en la prueba, hacia el contrario;  by_roc, unsigned: la que gana con el área ROC, y si solo
    cuentan las de hacia arriba;  winner_of_test: la que ganaría en la prueba;  loudest: la que más responde a él.
    """
    concept: str
    draw: int
    cell: int
    sign: int
    first: float
    rest: float
    other_sign: float
    by_roc: int
    unsigned: int
    winner_of_test: int
    loudest: int


def my_concept(account: str | int | None) -> tuple[str, int]:
    """El concepto y el sorteo de ventanas que le tocan a un número de cuenta. ValueError si no se entiende."""
    row = cell_row(account_or_sample(account))
    return row.concept, row.draw


def my_windows(split: str, draw: int) -> TextWorld:
    """Las 36 ventanas de ese sorteo, de 108 de la validación o de la prueba."""
    world = text_world(KNOWN, split, most=AMONG)
    order = torch.randperm(len(world), generator=torch.Generator().manual_seed(draw))
    return _chosen(world, order[:WINDOWS].sort().values)


@lru_cache(maxsize=6)
def _windows(split: str, draw: int) -> TextWorld:
    return my_windows(split, draw)


def reading_material(split: str, concept: str, draw: int) -> tuple[Tensor, Tensor]:
    """Lo que responde cada celda en cada signo de esas ventanas, (c, T), y cuáles signos son del concepto, (T,)."""
    world = _windows(split, draw)
    if concept not in world.names:
        raise ValueError(f"concept: no hay un concepto «{concept}». Prueba {', '.join(world.names)}.")
    return _responses(split, draw), world.masks[:, world.names.index(concept)].flatten()


@lru_cache(maxsize=6)
def _responses(split: str, draw: int) -> Tensor:
    with torch.no_grad():
        cells = run(load_text_network(device="cpu"), _windows(split, draw).codes, ["cells"])["cells"]
    return cells[:, :, 0].transpose(0, 1).flatten(1)


def _chosen(world: TextWorld, rows: Tensor) -> TextWorld:
    """Las mismas ventanas, solo las pedidas."""
    world.codes, world.masks = world.codes[rows], world.masks[rows]
    world.owners, world.starts = world.owners[rows], world.starts[rows]
    return world


@lru_cache(maxsize=6)
def _places(split: str, draw: int) -> Tensor:
    """De cada celda, el lugar de cada signo: 1 es el que más la enciende, (c, T)."""
    return places_of(_responses(split, draw))


def places_of(values: Tensor) -> Tensor:
    """El lugar de cada valor en su renglón, (c, T): 1 es el mayor."""
    return (values.argsort(1, descending=True).argsort(1) + 1).int()


def both_areas(places: Tensor, truth: Tensor) -> Tensor:
    """La AUPRC de cada celda hacia arriba y hacia abajo, (2, c), de los lugares de sus signos, (c, T)."""
    ranks = places[:, truth].sort(1).values.double()                            # los de los verdaderos
    found = torch.arange(1, ranks.shape[1] + 1)
    return torch.stack([(found / ranks).mean(1), (found / (len(truth) + 1 - ranks.flip(1))).mean(1)])


def best_cell(areas: Tensor) -> tuple[int, int]:
    """La celda de mayor AUPRC, de (2, c), y su renglón: 0, hacia arriba; 1, hacia abajo."""
    side, cell = divmod(int(areas.argmax()), areas.shape[1])
    return cell, side


def areas_of(split: str, concept: str, draw: int) -> Tensor:
    """Lo que da `both_areas` en las ventanas de un sorteo, (2, c)."""
    return both_areas(_places(split, draw), reading_material(split, concept, draw)[1])


def measure_cell(concept: str, draw: int) -> CellRow:
    """El renglón de la tabla de ese concepto y ese sorteo."""
    values, truth = reading_material("validation", concept, draw)
    places = _places("validation", draw)
    areas, new_areas = (areas_of(split, concept, draw) for split in ("validation", "test"))
    cell, side = best_cell(areas)
    middle = places[:, truth].double().mean(1)                                  # el área ROC depende solo de él
    measured = (areas[side, cell], new_areas[side, cell], new_areas[1 - side, cell])
    return CellRow(
        concept, draw, cell, 1 - 2 * side, *(round(float(area), 4) for area in measured),
        by_roc=int((middle - (len(truth) + 1) / 2).abs().argmax()), unsigned=int(areas[0].argmax()),
        winner_of_test=best_cell(new_areas)[0], loudest=int(values[:, truth].mean(1).argmax()),
    )


def cell_row(account: str) -> CellRow:
    """El concepto que le toca a un número de cuenta, con lo que se mide en él."""
    return row_of(account, "concept_cell", CellRow, "concepto de la lección 6")


def cell_reasons(given: tuple[int, float], row: CellRow) -> Iterator[tuple[bool, str]]:
    """Qué decir de una celda y un área: parejas (se cumple, mensaje), y la última se cumple siempre."""
    cell, area = given
    own = cell == row.cell
    yield (not 0 <= cell < CELLS, f"las celdas van de 0 a {CELLS - 1}, sin signo: si contaste {2 * CELLS}, a las de "
           f"hacia abajo réstales {CELLS}. Hacia dónde responde no va en la respuesta.")
    yield own and area > 1, "la celda está bien; el área va de 0 a 1, no en porcentaje."
    yield (own and abs(area - row.first) < NEAR,
           "el área es la del texto con que la escogiste; se pide la del texto de prueba.")
    yield (own and abs(area - row.other_sign) < NEAR,
           "esa celda responde hacia el otro lado: mide el área hacia donde la escogiste.")
    yield own, ("la celda está bien; el área no. Mide su AUPRC, no su área ROC, con new_values y new_truth, hacia el "
                "lado en que la escogiste. La que imprime la lección no sirve: salió de otras ventanas.")
    yield (cell == row.unsigned, "esa gana si solo cuentan las que responden hacia arriba; prueba también hacia abajo, "
           "con -values.")
    yield cell == row.winner_of_test, "esa ganaría en el texto de prueba; se escoge con el de validación."
    yield cell == row.by_roc, "esa es la de mayor área ROC, que con un concepto raro engaña; aquí se pide la AUPRC."
    yield (cell == row.loudest,
           "esa es la que más responde a tu concepto; quizá responde igual a lo demás. Compara áreas.")
    yield True, f"no es esa. Hay una celda con mayor AUPRC para «{row.concept}» en el texto de validación."


EXERCISES = {
    "concept_cell": Finding(
        case=cell_row,
        read=lambda value, row: read_pair(value, (int, float), ASK_CELL),
        right=lambda row: (row.cell, row.rest),
        reasons=cell_reasons,
        praise="escogiste la celda con un texto y la mediste con otro: {case.rest:.2f}. Compárala con su piso, la "
               "parte de signos de la prueba que son de «{case.concept}», antes de decir que lo sigue.",
        hints=("Hacen falta dos áreas por celda: hacia arriba, con sus valores, y hacia abajo, con -values.",
               "average_precisions(values.T, truth) da una AUPRC por celda; con -values.T, las de hacia abajo. Quédate "
               "con la mayor de todas.",
               "cell = int(areas.argmax()) es la celda. En la prueba: average_precisions(sign * new_values[cell, :, "
               "None], new_truth).item(), con sign = 1 o -1."),
        margins=(0, NEAR),
        solution=(places_of, both_areas, best_cell),
    ),
}

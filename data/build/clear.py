"""Con qué variantes se hace la tabla de un hallazgo: las que tienen una sola respuesta, y parejas entre respuestas.

Los márgenes son los mismos que comprueban las pruebas de los ejercicios.
"""
from collections import defaultdict
from collections.abc import Callable, Hashable, Iterable, Mapping, Sequence
from itertools import islice, zip_longest
from typing import TypeVar

import torch
from torch import Tensor, nn

from labkit.exercises.dissection.reading import LayerRow
from labkit.exercises.experiments.transplants import TwinsRow
from labkit.exercises.priors.findings import HeatRow, Lie
from labkit.exercises.regularization import CUT, DecayRow
from labkit.exercises.sequences.findings import CellRow
from labkit.objectives import margin, score

ON_THE_LINE = 3e-4              # lo menos que un IoU se aparta del corte
TIED, AHEAD = 1e-4, 1e-3        # lo menos entre los dos conceptos de una detectora, y entre los dos mejores de la capa
SEAM, ON_THE_SEAM = 0.8, 0.002  # desde dónde es costura, y lo menos que se aparta una casilla
LEAD, SURE = 0.3, 20            # ventaja de la clase que más sube, como parte de lo que sube; margen del juez, en logits
WINS, OTHER_AREA = 0.02, 0.014  # ventaja de la mejor celda; lo menos entre dos áreas que se confunden
HOTTER = 1.1                    # cuántas veces más margen da la mejor temperatura que la segunda
GRAIN, EXAM = 0.008, 0.04       # lo menos entre el grano y el permitido; ventaja en el examen, como parte

Row = TypeVar("Row", bound=tuple)


def in_turns(rows: Iterable[Row], answer: Callable[[Row], Hashable], count: int, most: int | None = None) -> list[Row]:
    """Hasta `count` renglones: una vuelta con uno de cada respuesta, otra vuelta con otro de cada una, y así.

    La respuesta más común queda tan poco común como se puede, y adivinarla sirve de poco.  most: a lo más, cuántas vueltas.
    """
    waiting = defaultdict(list)
    for row in rows:
        waiting[answer(row)].append(row)
    rounds = islice(zip_longest(*waiting.values()), most)
    return list(islice((row for one in rounds for row in one if row is not None), count))


def reading_is_clear(row: LayerRow, iou: Tensor, kinds: Sequence[str]) -> bool:
    """Si de la tabla iou (c, k) se lee una sola cosa con ese corte, y no lo mismo que con el corte del artículo.

    kinds: la categoría de cada concepto.
    """
    groups = [[k for k, kind in enumerate(kinds) if kind == one] for one in dict.fromkeys(kinds)]
    best = torch.cat([iou.amax(1), *(iou[:, columns].amax(1) for columns in groups)])
    two, lead = iou.topk(2, 1).values, iou.amax(0).topk(2).values
    detectors = two[:, 0] > row.cut
    counts = row[3:6]
    return bool(
        detectors.any()
        and (best - row.cut).abs().min() > ON_THE_LINE
        and (two[:, 0] - two[:, 1])[detectors].min() > TIED
        and lead[0] - lead[1] > AHEAD
        and len(set(counts)) == 3
        and row.usual != " ".join(map(str, counts))
    )


def map_is_clear(marks: Tensor, labels: Tensor, cells: Tensor, every_label: Tensor) -> bool:
    """Si ninguna casilla está en la raya, y una clase tiene más costuras, con o sin `index`, y no es la más común.

    marks (y, x) y cells (y, x): las costuras y qué imagen va en cada casilla;  labels: la clase de cada una de ellas;
    every_label: la clase de todas las imágenes de prueba.
    """
    marked = cells[marks >= SEAM]
    if (marks - SEAM).abs().min() <= ON_THE_SEAM or not 8 <= len(marked) <= 60:
        return False
    winners, unmoved = (torch.bincount(part, minlength=12).topk(2) for part in (labels[marked], every_label[marked]))
    commonest = torch.bincount(labels, minlength=12).argmax()
    return bool(winners.values[0] - winners.values[1] >= 2 and unmoved.values[0] > unmoved.values[1]
                and len({int(winners.indices[0]), int(unmoved.indices[0])}) == 2 and winners.indices[0] != commonest)


def twins_are_clear(row: TwinsRow) -> bool:
    """Si una unidad le saca ventaja a las demás, no se lo lleva todo, y dividir entre el margen daría otra parte."""
    second, first = sorted(float(share) for share in row.shares.split())[-2:]
    return first - second > 0.03 and 0.1 < first < 0.9 and abs(first * row.drop / row.margin - first) > 0.006


def rise_is_clear(rise: Tensor) -> bool:
    """Si con la unidad y con su negativo, (2, clases), sube más una clase, con ventaja, y las tres respuestas son otras.

    La que sube más con una, la que más con la otra y la que más baja: si dos fueran iguales, una confusión pasaría por buena.
    """
    first, second = rise.topk(2, dim=1).values.T
    up, down = rise.argmax(1).tolist()
    return bool(((first - second) / first > LEAD).all() and (first - second > 3).all() and up != down != int(rise[0].argmin()))


def decays_are_clear(rows: Sequence[DecayRow]) -> bool:
    """Si con ningún d hay casi tanto grano como el permitido, y uno gana el examen con ventaja."""
    second, best = sorted(row.held for row in rows)[-2:]
    return (any(row.share < CUT for row in rows) and min(abs(row.share - CUT) for row in rows) > GRAIN
            and (best - second) / best > EXAM)


def lie_is_clear(lie: Lie, judge: nn.Module, images: Mapping[str, Tensor]) -> bool:
    """Si el juez no duda de lo que enseña cada red: la clase pedida en la honesta y la otra en la mentirosa."""
    honest = "AB".replace(lie.letter, "")
    pairs = ((honest, lie.label), (lie.letter, lie.shown))
    return all(score(judge, images[letter], margin(judge.classes.index(name))).item() > SURE for letter, name in pairs)


def cell_is_clear(row: CellRow, areas: Tensor) -> bool:
    """Si una celda le saca ventaja a las demás, y su área en la prueba no es la de la validación ni la del otro lado.

    areas: la de cada celda hacia arriba y hacia abajo, en la validación, (2, c).
    """
    first, second = areas.amax(0).topk(2).values.tolist()
    return first - second > WINS and min(abs(row.rest - row.first), abs(row.rest - row.other_sign)) > OTHER_AREA


def heats_are_clear(row: HeatRow) -> bool:
    """Si con alguna temperatura la testigo nombra la clase, y una da más margen que las otras, con ventaja."""
    most, second = sorted(row.margins())[:-3:-1]
    return row.first(row.witness) is not None and most > HOTTER * second

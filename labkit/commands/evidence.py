"""Qué tan seguro es lo que se contó: conjuntos de nombres, intervalos y el control de las redes al azar."""
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from scipy import stats
from torch import Tensor, nn

from labkit.activations import run
from labkit.commands.networks import input_told
from labkit.device import device_of
from labkit.dissection import Dissection, count_detectors, dissect_shared, p_values, unique_by_category
from labkit.dissection.fast.saving import digest
from labkit.dissection.fast.sharing import pieces_shared
from labkit.dissection.labels import DETECTOR_IOU
from labkit.models import random_twin
from labkit.worlds import ConceptWorld

FIRST_SEED, LEVEL = 2, 0.05                     # la primera semilla de las gemelas; cuántos nombres falsos se toleran
LOOKED = 32                                     # en cuántas imágenes se ve si hay valores negativos
Interval = tuple[float, float]


@dataclass(frozen=True)
class Twin:
    """Lo que da la misma red con pesos al azar: las tres cuentas, el mejor IoU y sus conceptos más repetidos."""
    seed: int
    counts: tuple[int, int, int]
    best: float
    names: list[str]


@dataclass(frozen=True, eq=False)
class Evidence:
    """Una disección y lo que dice qué tan segura es.

    network, images, layer, convention: cómo se llaman;  count: cuántas imágenes;  rectified: si lo que se leyó no tiene
    valores negativos, en las primeras `LOOKED` imágenes;  maps: (h, w) de sus mapas;  prints: la huella de los pesos;
    enters: cómo entran las imágenes a la red;  split y data: de qué parte son, y la huella de sus tablas.
    sets: los nombres posibles de cada unidad;  intervals: los de las tres cuentas, como en `three_counts`; sin ellos si
    hay una sola imagen.
    lit: (c,), en cuántas imágenes llega cada unidad a su umbral;  seen: (k,), en cuántas está cada concepto.  twins, p
    y corrected, (c,): del control, si se pidió.
    """
    found: Dissection
    network: str
    images: str
    layer: str
    convention: str
    count: int
    rectified: bool
    maps: tuple[int, ...] = ()
    prints: str = ""
    enters: str = ""
    split: str = "todas"
    data: str = ""
    pieces: int = 0
    piece_size: int = 0
    sets: Sequence[list[int]] = ()
    intervals: Sequence[Interval] = ()
    lit: Tensor | None = None
    seen: Tensor | None = None
    twins: Sequence[Twin] = ()
    p: Tensor | None = None
    corrected: Tensor | None = None

    def detects(self) -> Tensor:
        """Qué unidades detectan algo, (c,)."""
        return self.found.iou().amax(1) > DETECTOR_IOU

    def survives(self) -> Tensor:
        """Qué unidades aguantan el control con la corrección de Benjamini y Hochberg, (c,)."""
        return self.corrected <= LEVEL if self.corrected is not None else torch.zeros_like(self.found.dead)

    def needed(self) -> int:
        """Cuántas unidades, por lo menos, aguantan si alguna aguanta; más de las que hay: no puede aguantar ninguna."""
        c = len(self.found.cuts)
        return -(-c * 1000 // round(1000 * LEVEL * (len(self.twins) * c + 1)))


def gather(model: nn.Module, world: ConceptWorld, layer: str, convention: str = "paper", control: int = 0,
           folder: str | None = None, names: tuple[str, str] = ("tuya", "imágenes tuyas")) -> Evidence:
    """Diseca entre los procesos que haya y reúne lo que dice qué tan segura es cada cosa.

    control: cuántas gemelas al azar se disecan también;  folder: dónde ir guardando lo contado;  names: cómo se llaman
    la red y las imágenes. ValueError si la red no se puede sortear entera.
    """
    for _ in random_twins(model, min(1, control)):                          # antes que nada: puede no haber gemela
        pass
    found = dissect_shared(model, world, layer, convention, folder=folder)
    parts: dict[str, Any] = {}
    if len(world) > 1:
        pieces = pieces_shared(model, world, layer, found, convention, folder=folder)
        size = int(pieces.first[1] - pieces.first[0]) if len(pieces.first) > 1 else len(world)
        parts = {"lit": pieces.lit, "seen": pieces.seen, "pieces": len(pieces.first), "piece_size": size,
                 "sets": pieces.name_sets(),
                 "intervals": possible(pieces.intervals(lambda iou: three_counts(iou, found.categories)), found)}
    nulls = {}
    for seed, twin in random_twins(model, control):                         # de una en una: veinte quizá no caben
        where = folder and Path(folder) / f"gemela{seed}"
        nulls[seed] = dissect_shared(twin, world, layer, convention, folder=where)
    if nulls:
        p = p_values(found.iou(), [null.iou() for null in nulls.values()], pooled=True)
        parts |= {"p": p, "corrected": torch.from_numpy(stats.false_discovery_control(p.double().numpy())),
                  "twins": [summed_up(seed, null) for seed, null in nulls.items()]}
    return Evidence(found, *names, layer, convention, len(world), *_looked(model, world, layer),
                    digest(model.state_dict())[:16], input_told(model, world.pictures(torch.arange(1))), **parts)


def three_counts(iou: Tensor, categories: list[str]) -> tuple[int, int, int]:
    """Del IoU (c, k): detectoras; conceptos distintos, cada unidad una vez; y lo mismo sumando categorías."""
    return *count_detectors(iou, DETECTOR_IOU), sum(unique_by_category(iou, categories, DETECTOR_IOU).values())


def possible(intervals: Sequence[Interval], found: Dissection) -> list[Interval]:
    """Los intervalos de las tres cuentas, sin pasar de lo que puede haber: unidades, conceptos, y las dos cosas."""
    units, kinds = len(found.cuts), Counter(found.categories)
    most = units, min(units, len(found.names)), sum(min(units, count) for count in kinds.values())
    return [(low, min(high, limit)) for (low, high), limit in zip(intervals, most, strict=True)]


def summed_up(seed: int, null: Dissection) -> Twin:
    """Lo que se dice de una gemela."""
    iou, named = null.iou(), Counter()
    best, which = iou.max(1)
    for k in which[best > DETECTOR_IOU].tolist():
        named[null.names[k]] += 1
    return Twin(seed, three_counts(iou, null.categories), float(best.max()), [name for name, _ in named.most_common(3)])


def random_twins(model: nn.Module, count: int) -> Iterator[tuple[int, nn.Module]]:
    """`count` gemelas de la red, con sus semillas, de la 2 en adelante; siempre las mismas, en todos los procesos.

    ValueError si algún peso no se puede sortear: una gemela que conserva algo de lo aprendido no es un control.
    """
    for seed in range(FIRST_SEED, FIRST_SEED + count):
        try:
            twin = random_twin(model, seed)
        except ValueError as error:
            raise ValueError(f"--control: no hay gemela de esta red; quita --control, o arréglalo. {error}") from error
        yield seed, twin


def _looked(model: nn.Module, world: ConceptWorld, layer: str) -> tuple[bool, tuple[int, ...]]:
    """Si lo que da la capa en las primeras imágenes nunca es negativo (sigue a una ReLU, o a algo así), y sus mapas."""
    images = world.pictures(torch.arange(min(LOOKED, len(world)))).to(device_of(model))
    with torch.no_grad():
        maps = run(model, images, [layer])[layer]
    return bool(maps.amin() >= 0), tuple(maps.shape[2:]) or (1, 1)

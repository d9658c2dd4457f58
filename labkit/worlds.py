"""Un conjunto con conceptos: lo que toda disección le pide a sus imágenes, vengan de donde vengan.

Lo son las imágenes del curso (`load_concepts`), una carpeta Broden (`read_broden`), el mundo sembrado (`PlantedWorld`),
el barajado (`Shuffled`) y lo que una red dibuja (`Drawn`). También uno tuyo, si da las cinco cosas de `ConceptWorld`;
si solo tienes máscaras, `labkit.regions.regions_of_masks` las vuelve regiones.
"""
from collections.abc import Iterator, Sequence
from typing import Protocol, runtime_checkable

import torch
from torch import Tensor

from labkit.regions import Regions, masks_of
from labkit.shapes import positions, whole


class ConceptWorld(Protocol):
    """Imágenes con un nombre para cada píxel. Solo se leen las que se piden: pueden no caber en la memoria."""

    @property
    def names(self) -> Sequence[str]:
        """Los k conceptos."""

    @property
    def categories(self) -> Sequence[str]:
        """La categoría de cada concepto, (k,)."""

    def __len__(self) -> int: ...

    def pictures(self, rows: Tensor) -> Tensor:
        """Las imágenes pedidas, (b, 3, h, w): lo que entra a la red."""

    def regions(self, rows: Tensor) -> Regions:
        """Sus regiones, con los conceptos de cada una; todas las imágenes, al mismo tamaño (H, W)."""


@runtime_checkable
class InMemory(Protocol):
    """Un conjunto que tiene todas sus imágenes en la memoria, (n, 3, h, w)."""
    images: Tensor


def picture_batches(world: ConceptWorld, size: int, numbers: Sequence[int] | None = None) -> Iterator[Tensor]:
    """Las imágenes de un conjunto por lotes, (b, 3, h, w), sin tocar sus regiones.

    numbers: cuáles lotes, contando desde 0; si no, todos. De los demás no se lee nada.
    """
    for rows in _rows(world, size, numbers):
        yield world.pictures(rows)


def concept_batches(world: ConceptWorld, size: int, numbers: Sequence[int] | None = None
                    ) -> Iterator[tuple[Tensor, Regions]]:
    """Lo mismo, cada lote con sus regiones."""
    for rows in _rows(world, size, numbers):
        yield world.pictures(rows), world.regions(rows)


def mask_size(world: ConceptWorld) -> tuple[int, int]:
    """El tamaño de las máscaras de un conjunto, (H, W)."""
    return tuple(world.regions(torch.tensor([0])).numbers.shape[1:])


def category_numbers(categories: Sequence[str]) -> Tensor:
    """La categoría de cada concepto, (k,), contando desde 0 en el orden en que aparecen. ValueError si no hay."""
    if not categories:
        raise ValueError("categories: el conjunto no tiene ningún concepto, y hace falta al menos uno.")
    places = {name: i for i, name in enumerate(dict.fromkeys(categories))}
    return torch.tensor([places[name] for name in categories])


def categories_in(world: ConceptWorld, rows: Tensor) -> list[set[str]]:
    """Por imagen pedida, las categorías de las que tiene algo."""
    found = []
    for part in positions(rows, "b", "rows", len(world)).split(64):
        found += [{world.categories[k] for k in concepts.tolist()} for concepts, _ in masks_of(world.regions(part))]
    return found


def _rows(world: ConceptWorld, size: int, numbers: Sequence[int] | None) -> Iterator[Tensor]:
    """Qué imágenes van en cada lote."""
    batches = torch.arange(len(world)).split(whole(size, "size", 1)) if len(world) else ()
    numbers = range(len(batches)) if numbers is None else numbers
    yield from (batches[whole(number, "numbers", 0, len(batches) - 1)] for number in numbers)

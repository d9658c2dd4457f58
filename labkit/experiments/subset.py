"""Un conjunto con solo algunas de sus imágenes: para poner nombres sin las que después los ponen a prueba."""
from collections.abc import Sequence
from dataclasses import dataclass

import torch
from torch import Tensor

from labkit.regions import Regions
from labkit.worlds import ConceptWorld


@dataclass(frozen=True, eq=False)
class Subset:
    """Las imágenes `rows` de un conjunto, en ese orden; se diseca como él. IndexError si una no está, al pedirla."""
    world: ConceptWorld
    rows: Sequence[int]

    @property
    def names(self) -> Sequence[str]:
        """Los conceptos."""
        return self.world.names

    @property
    def categories(self) -> Sequence[str]:
        """La categoría de cada concepto."""
        return self.world.categories

    def __len__(self) -> int:
        return len(self.rows)

    def pictures(self, rows: Tensor) -> Tensor:
        """Las imágenes pedidas, (b, 3, h, w); el 0 es la primera de `rows`."""
        return self.world.pictures(torch.as_tensor(self.rows)[rows])

    def regions(self, rows: Tensor) -> Regions:
        """Las regiones de las imágenes pedidas."""
        return self.world.regions(torch.as_tensor(self.rows)[rows])

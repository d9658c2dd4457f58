"""Partir una imagen en regiones: los píxeles que están en los mismos conceptos se dicen una sola vez."""
from dataclasses import dataclass

import torch
import torch.nn.functional as F
from torch import Tensor


@dataclass(frozen=True, eq=False)
class Regions:
    """Las regiones de b imágenes, una tras otra.

    held: (r, q), los conceptos de cada región, distintos, y −1 donde ya no hay más;  sizes: (b,), cuántas regiones son
    de cada imagen;  numbers: (b, H, W), de qué región es cada píxel, contando desde la primera de su imagen.
    """
    held: Tensor
    sizes: Tensor
    numbers: Tensor

    def __len__(self) -> int:
        return len(self.numbers)


def stack_regions(images: list[tuple[Tensor, Tensor]]) -> Regions:
    """Junta las de cada imagen: los conceptos de sus regiones, (r, q), y de cuál es cada píxel, (H, W).

    ValueError si un píxel es de una región que no hay.
    """
    if not images:
        return Regions(*(torch.zeros(shape, dtype=torch.int64) for shape in ((0, 1), 0, (0, 0, 0))))
    most = max(1, *(held.shape[1] for held, _ in images))
    held = torch.cat([F.pad(held.long(), (0, most - held.shape[1]), value=-1) for held, _ in images])
    sizes = torch.tensor([len(held) for held, _ in images])
    numbers = torch.stack([numbers for _, numbers in images]).long()
    if (numbers < 0).any() or (numbers >= sizes.to(numbers.device)[:, None, None]).any():
        raise ValueError(f"numbers: esperaba regiones de 0 a {int(sizes.max()) - 1}, a lo más, y hay de "
                         f"{int(numbers.min())} a {int(numbers.max())}.")
    return Regions(held, sizes, numbers)


def masks_of(regions: Regions) -> list[tuple[Tensor, Tensor]]:
    """Por imagen, los conceptos que hay, (p,), y dónde, (p, H, W) de verdaderos y falsos."""
    found = []
    for held, numbers in zip(regions.held.split(regions.sizes.tolist()), regions.numbers):
        seen = torch.bincount(numbers.flatten(), minlength=len(held)) > 0
        concepts = held[seen].unique()
        concepts = concepts[concepts >= 0]
        found.append((concepts, (held == concepts[:, None, None]).any(2)[:, numbers]))
    return found

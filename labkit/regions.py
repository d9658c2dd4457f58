"""Partir una imagen en regiones: los píxeles que están en los mismos conceptos se dicen una sola vez.

    la imagen              numbers: de qué región    concepts: en qué conceptos está cada región
    cielo  cielo  sol          0  0  1                   0: cielo, azul
    cielo  cielo  sol          0  0  1                   1: cielo, amarillo, sol
    pasto  pasto  pasto        2  2  2                   2: pasto, verde
"""
from collections.abc import Sequence
from dataclasses import dataclass

import torch
import torch.nn.functional as F
from torch import Tensor

LARGEST = 1 << 62                           # lo que cabe en un entero, con holgura


@dataclass(frozen=True, eq=False)
class Regions:
    """Las regiones de b imágenes, una tras otra.

    concepts: (r, q), los conceptos de cada región, distintos, y −1 en los lugares que sobran;  sizes: (b,), cuántas
    regiones son de cada imagen;  numbers: (b, H, W), de qué región es cada píxel, contando desde la primera de su
    imagen.
    """
    concepts: Tensor
    sizes: Tensor
    numbers: Tensor

    def __len__(self) -> int:
        return len(self.numbers)


def stack_regions(images: Sequence[tuple[Tensor, Tensor]]) -> Regions:
    """Junta las de cada imagen: los conceptos de sus regiones, (r, q), y de cuál es cada píxel, (H, W).

    ValueError si un píxel es de una región que no hay.
    """
    if not images:
        return Regions(*(torch.zeros(shape, dtype=torch.int64) for shape in ((0, 1), 0, (0, 0, 0))))
    most = max(1, *(concepts.shape[1] for concepts, _ in images))
    concepts = torch.cat([F.pad(each.long(), (0, most - each.shape[1]), value=-1) for each, _ in images])
    sizes = torch.tensor([len(each) for each, _ in images])
    numbers = torch.stack([numbers for _, numbers in images]).long()
    if (numbers < 0).any() or (numbers >= sizes.to(numbers.device)[:, None, None]).any():
        raise ValueError(f"numbers: esperaba regiones de 0 a {int(sizes.max()) - 1}, a lo más, y hay de "
                         f"{int(numbers.min())} a {int(numbers.max())}.")
    return Regions(concepts, sizes, numbers)


def regions_of_masks(masks: Tensor) -> Regions:
    """Las regiones de unas máscaras (b, k, H, W) de verdaderos y falsos: para quien solo tiene máscaras."""
    images = []
    for mask in masks.bool():
        present = mask.flatten(1).any(1).nonzero()[:, 0]                                    # (p,), los que hay
        numbers, pixels = _alike(mask[present].long())
        inside = mask[present].flatten(1)[:, pixels].T                                      # (r, p)
        concepts = torch.where(inside, present, -1).sort(1, descending=True).values
        images.append((concepts[:, :max(1, int(inside.sum(1).max()))], numbers))
    return stack_regions(images)


def regions_of_planes(images: Sequence[Tensor]) -> Regions:
    """Las regiones de unas imágenes que dicen sus conceptos en planos (p, H, W): uno por píxel y plano; −1, ninguno."""
    found = []
    for planes in images:
        numbers, pixels = _alike(planes)
        concepts = planes.flatten(1)[:, pixels].T.sort(1, descending=True).values           # (r, p)
        repeated = concepts[:, 1:] == concepts[:, :-1]
        concepts[:, 1:].masked_fill_(repeated, -1)
        found.append((concepts, numbers))
    return stack_regions(found)


def masks_of(regions: Regions) -> list[tuple[Tensor, Tensor]]:
    """Por imagen, los conceptos que hay, (p,), y dónde, (p, H, W) de verdaderos y falsos."""
    found = []
    for concepts, numbers in zip(regions.concepts.split(regions.sizes.tolist()), regions.numbers):
        seen = torch.bincount(numbers.flatten(), minlength=len(concepts)) > 0
        present = concepts[seen].unique()
        present = present[present >= 0]
        found.append((present, (concepts == present[:, None, None]).any(2)[:, numbers]))
    return found


def _alike(planes: Tensor) -> tuple[Tensor, Tensor]:
    """De planos (p, H, W), qué píxeles traen lo mismo en todos: la región de cada uno, (H, W), y un píxel por región.

    planes: números de −1 en adelante.  Cada píxel se escribe como un solo número, con los de sus planos como cifras.
    """
    keys, room = torch.zeros(planes.shape[1:], dtype=torch.int64, device=planes.device), 1
    for plane in planes:
        digits = int(plane.max()) + 2
        if room * digits > LARGEST:                                         # ya no cabe otra cifra: se numera de nuevo
            keys = keys.unique(return_inverse=True)[1]
            room = keys.numel()
        keys, room = keys * digits + plane + 1, room * digits
    kinds, numbers = keys.unique(return_inverse=True)
    places = torch.arange(numbers.numel(), device=numbers.device)
    return numbers, numbers.new_empty(len(kinds)).scatter_(0, numbers.flatten(), places)

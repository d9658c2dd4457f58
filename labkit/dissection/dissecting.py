"""Disecar una capa en una llamada: primero los umbrales, luego las cuentas."""
from dataclasses import dataclass

import torch
from torch import Tensor, nn

from labkit.dissection.conventions import Convention, pick_convention
from labkit.dissection.counting import tally
from labkit.dissection.thresholds import tail_over
from labkit.measures import Tally
from labkit.progress import with_bar
from labkit.shapes import whole
from labkit.worlds import ConceptWorld, category_numbers, concept_batches, mask_size, picture_batches

MAPS, MAPS_BYTES = 64, 1 << 30                                              # por imagen; por lote


@dataclass(frozen=True, eq=False)
class Dissection:
    """Una capa disecada: las cuentas, los umbrales (c,), las unidades mudas (c,) y los nombres de los conceptos."""
    tally: Tally
    cuts: Tensor
    dead: Tensor
    names: list[str]
    categories: list[str]

    def iou(self) -> Tensor:
        """La intersección entre la unión de cada unidad y cada concepto, (c, k)."""
        return self.tally.iou()


def dissect(model: nn.Module, world: ConceptWorld, layer: str, convention: str | Convention = "paper",
            batch_size: int = 32) -> Dissection:
    """La disección de una capa en una llamada y dos pasadas: primero los umbrales y luego las cuentas.

    world: de `load_concepts`, de `read_broden` o cualquier otro conjunto con conceptos (`labkit.worlds.ConceptWorld`).
    Una unidad que siempre da el mismo valor es muda, y no cuenta.  batch_size: cuántas imágenes a la vez, a lo más; con
    imágenes muy grandes serán menos (`fitting_batch`).  `dissect_shared` hace lo mismo entre varios procesos, o por
    partes.  ValueError si no hay imágenes o conceptos.
    """
    convention, groups = pick_convention(convention), category_numbers(world.categories)
    batch_size = fitting_batch(world, batch_size)
    size = mask_size(world) if convention.upsampled else None
    images = with_bar(picture_batches(world, batch_size), "Umbrales", len(world))
    cuts, dead = tail_over(model, images, len(world), layer, convention, size).spread_cut(convention.share)
    counts = tally(model, concept_batches(world, batch_size), layer, cuts, groups, convention, dead)
    return Dissection(counts, cuts.cpu(), dead.cpu(), list(world.names), list(world.categories))


def fitting_batch(world: ConceptWorld, batch_size: int) -> int:
    """Cuántas imágenes por lote, a lo más `batch_size`, para que 64 mapas del tamaño de cada una quepan en 1 GiB.

    El tamaño es el de la primera. ValueError si no hay ninguna.
    """
    if not len(world):
        raise ValueError("images: no había ninguna imagen.")
    pixels = world.pictures(torch.tensor([0])).shape[2:].numel()
    return max(1, min(whole(batch_size, "batch_size", 1), MAPS_BYTES // (4 * MAPS * max(pixels, 1))))

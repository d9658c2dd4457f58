"""¿Y si fuera casualidad? Lo que sale con las imágenes barajadas, y cuánto baila una cuenta al cambiar de imágenes."""
from collections.abc import Sequence
from dataclasses import dataclass

import torch
from torch import Tensor, nn

from labkit.checks import check_several, dice
from labkit.dissection.conventions import Convention, pick_convention
from labkit.dissection.counting import tally_over
from labkit.dissection.dissecting import Dissection
from labkit.measures import Tally
from labkit.regions import Regions
from labkit.shapes import check_numbers, whole
from labkit.worlds import ConceptWorld, concept_batches


@dataclass(frozen=True, eq=False)
class Shuffled:
    """Un conjunto con las máscaras de otras imágenes: lo que una unidad encuentre aquí es casualidad.

    Se usa como el conjunto: `dissect(model, Shuffled(world, seed=1), "conv5")`. Ninguna imagen se queda con las suyas.
    """
    world: ConceptWorld
    seed: int = 0

    def __post_init__(self) -> None:
        dice(self.seed)
        check_several(len(self.world))

    @property
    def names(self) -> Sequence[str]:
        """Los conceptos."""
        return self.world.names

    @property
    def categories(self) -> Sequence[str]:
        """La categoría de cada concepto."""
        return self.world.categories

    def __len__(self) -> int:
        return len(self.world)

    def pictures(self, rows: Tensor) -> Tensor:
        """Las imágenes pedidas, (b, 3, h, w), en su orden."""
        return self.world.pictures(rows)

    def regions(self, rows: Tensor) -> Regions:
        """Las regiones de las imágenes que les tocaron a las pedidas."""
        return self.world.regions(torch.tensor([self.partner(i) for i in rows.tolist()]))

    def partner(self, index: int) -> int:
        """De qué imagen son las máscaras que le tocan a la imagen `index`."""
        order = torch.randperm(len(self.world), generator=dice(self.seed))
        place = int((order == whole(index, "index", 0, len(order) - 1)).nonzero())
        return int(order[(place + 1) % len(order)])                         # un ciclo por todas: nadie es su pareja


def p_values(iou: Tensor, null: Sequence[Tensor], pooled: bool = False) -> Tensor:
    """Por unidad, qué tan seguido la casualidad da un IoU mayor o igual que su mejor, (c,).

    iou: (c, k);  null: los IoU (c', k) de varias barajadas, o de redes con pesos al azar.  pooled: cada unidad se
    compara con todas las unidades de todas ellas, y no solo con ella misma; hacen falta menos.  Cuenta las veces más
    uno, entre las comparaciones más una: nunca es 0.
    """
    if not len(null):
        raise ValueError("null: hace falta al menos una barajada.")
    units = check_numbers(iou, "c k", "iou")["c"]
    for other in null:
        check_numbers(other, "c k" if pooled else f"{units} k", "null")
    best, rivals = iou.amax(1), [other.amax(1) for other in null]                       # (c,), m de (c',)
    rivals = torch.cat(rivals)[:, None] if pooled else torch.stack(rivals)
    return ((rivals >= best).sum(0) + 1) / (len(rivals) + 1)


def tally_parts(model: nn.Module, world: ConceptWorld, layer: str, found: Dissection, parts: int = 20,
                convention: str | Convention = "paper") -> list[Tally]:
    """Las cuentas de una disección ya hecha, en pedazos de imágenes seguidas: para `interval`.

    found: de `dissect`, con la misma red, capa y convención; sus umbrales no cambian. Suman lo que `found.tally`.
    """
    convention, size = pick_convention(convention), -(-len(world) // whole(parts, "parts", 1))
    return [tally_over(model, [pair], layer, found.cuts, found.tally.categories, convention, found.dead)
            for pair in concept_batches(world, size)]

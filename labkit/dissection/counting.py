"""Contar, píxel por píxel, dónde coinciden las unidades y los conceptos; las cuentas son enteras y se suman."""
import sys
from collections.abc import Iterable, Iterator
from dataclasses import dataclass

import torch
from torch import Tensor, nn
from tqdm import tqdm

from labkit.dissection.conventions import Convention, pick_convention, upsample
from labkit.dissection.tails import maps_of, tail_over

Masks = Tensor | list[tuple[Tensor, Tensor]]


@dataclass(frozen=True, eq=False)
class Tally:
    """Las cuentas de c unidades y k conceptos, en píxeles (int64). Dos se juntan con +: así se reparten las imágenes.

    both: (c, k), los de la unidad y el concepto;  active: (c, g), los de la unidad en las imágenes que cuentan para
    cada una de las g categorías;  truth: (k,), los del concepto;  pixels: todos;  categories: (k,), de 0 a g − 1.
    """
    both: Tensor
    active: Tensor
    truth: Tensor
    pixels: int
    categories: Tensor

    def __add__(self, other: "Tally") -> "Tally":
        return Tally(self.both + other.both, self.active + other.active, self.truth + other.truth,
                     self.pixels + other.pixels, self.categories)

    def times(self, count: int) -> "Tally":
        """Las mismas cuentas, contadas `count` veces: para remuestrear."""
        return Tally(self.both * count, self.active * count, self.truth * count, self.pixels * count, self.categories)

    def iou(self) -> Tensor:
        """La intersección entre la unión de cada unidad y cada concepto, (c, k), de 0 a 1; 0 donde no hay unión."""
        union = self.active[:, self.categories] + self.truth - self.both
        return torch.where(union > 0, self.both.double() / union.clamp(min=1), 0.0)


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


def tally(model: nn.Module, batches: Iterable[tuple[Tensor, Masks]], layer: str, cuts: Tensor, categories: Tensor,
          convention: str | Convention = "exact", dead: Tensor | None = None) -> Tally:
    """Recorre las imágenes una vez y cuenta.

    batches: parejas de imágenes (b, 3, h, w) y máscaras (b, k, H, W) de verdaderos y falsos, o, por imagen, solo las de
    los conceptos que hay: cuáles (p,) y dónde (p, H, W);  cuts: (c,), el umbral de cada unidad;  categories: (k,), la
    categoría de cada concepto, desde 0;  dead: (c,), unidades que no se cuentan.
    """
    way, device, total = pick_convention(convention), next(model.parameters()).device, None
    look = {"desc": "Contando", "bar_format": "{desc}: {n_fmt} imágenes [{elapsed}]", "file": sys.stdout}
    with torch.no_grad(), tqdm(delay=5, leave=False, **look) as bar:
        for images, masks in batches:
            maps = maps_of(model, images.to(device), layer, way.lowest)
            some = _counted(maps, _sparse(masks), cuts.to(device), categories.to(device), way, dead)
            total = some if total is None else total + some
            bar.update(len(images))
    if total is None:
        raise ValueError("batches: no había ninguna imagen.")
    return total


def dissect(model: nn.Module, world: object, layer: str, convention: str | Convention = "exact",
            batch_size: int = 32) -> Dissection:
    """La disección de una capa en una llamada y dos pasadas: primero los umbrales y luego las cuentas.

    world: un conjunto con conceptos (`load_concepts`), o cualquiera con `names`, `categories` y `batches(tamaño)`.
    Una unidad cuyo umbral es su menor valor (una ReLU casi siempre apagada) es muda: no distingue lugares y no cuenta.
    """
    way = pick_convention(convention)
    size = tuple(next(iter(world.batches(1)))[1].shape[-2:]) if way.upsampled else None
    count = len(world.images) if hasattr(world, "images") else len(world)
    tail = tail_over(model, image_batches(world, batch_size), count, layer, way, size)
    cuts = tail.cut(way.share)
    dead = cuts <= tail.low
    groups = {name: i for i, name in enumerate(dict.fromkeys(world.categories))}
    categories = torch.tensor([groups[name] for name in world.categories])
    counts = tally(model, _batches(world, batch_size), layer, cuts, categories, way, dead)
    return Dissection(counts, cuts.cpu(), dead.cpu(), list(world.names), list(world.categories))


def image_batches(world: object, size: int) -> Iterator[Tensor]:
    """Las imágenes de un conjunto por lotes, (b, 3, h, w), sin armar máscaras si las tiene a la mano."""
    if hasattr(world, "images"):
        yield from world.images.split(size)
    else:
        yield from (images for images, _ in world.batches(size))


def _batches(world: object, size: int) -> Iterator[tuple[Tensor, Masks]]:
    """Las imágenes de un conjunto por lotes, con las máscaras que haya en cada una; si sabe dar solo esas, mejor."""
    if not hasattr(world, "present"):
        yield from world.batches(size)
        return
    for rows in torch.arange(len(world)).split(size):
        yield world.images[rows], world.present(rows)


def _sparse(masks: Masks) -> list[tuple[Tensor, Tensor]]:
    """Por imagen, los conceptos que hay y dónde."""
    if not isinstance(masks, Tensor):
        return masks
    return [(found, mask[found]) for mask in masks for found in [mask.flatten(1).any(1).nonzero()[:, 0]]]


def _counted(maps: Tensor, masks: list[tuple[Tensor, Tensor]], cuts: Tensor, categories: Tensor, way: Convention,
             dead: Tensor | None) -> Tally:
    """Las cuentas de un lote."""
    c, size = maps.shape[1], masks[0][1].shape[-2:]
    k, groups = len(categories), int(categories.max()) + 1
    over = maps.amax((2, 3)) > cuts if way.strict else maps.amax((2, 3)) >= cuts            # (b, c): quién puede pasar
    if dead is not None:
        over &= ~dead.to(over.device)
    both, active = (torch.zeros(c, n, dtype=torch.int64, device=maps.device) for n in (k, groups))
    truth = torch.zeros(k, dtype=torch.int64, device=maps.device)
    for i, (concepts, where) in enumerate(masks):
        concepts, where = concepts.to(maps.device), where.to(maps.device).flatten(1).float()        # (p,), (p, H·W)
        truth[concepts] += where.sum(1).long()
        units = over[i].nonzero()[:, 0]
        if not len(units):
            continue
        grown = upsample(maps[i:i + 1, units], tuple(size))[0].flatten(1)                   # (u, H·W)
        lit = grown > cuts[units, None] if way.strict else grown >= cuts[units, None]
        met = (lit.float() @ where.T).long()                                                # enteros exactos hasta 2²⁴
        both[units[:, None], concepts] += met
        active[units] += _where_it_counts(lit.sum(1), met, categories[concepts], groups, way.union)
    return Tally(both.cpu(), active.cpu(), truth.cpu(), len(masks) * size.numel(), categories.cpu())


def _where_it_counts(lit: Tensor, met: Tensor, found: Tensor, groups: int, union: str) -> Tensor:
    """Los píxeles de cada unidad que esta imagen suma a cada categoría, (u, g)."""
    if union == "all":
        return lit[:, None].expand(-1, groups)
    inside = torch.zeros(len(lit), groups, dtype=torch.bool, device=lit.device)
    if union == "category":
        inside[:, found] = True
    else:
        inside = torch.zeros(len(lit), groups, dtype=torch.int64, device=lit.device).index_add_(1, found, met) > 0
    return lit[:, None] * inside

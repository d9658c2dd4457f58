"""Contar en cuántos píxeles coinciden las unidades y los conceptos; las cuentas son enteras y se suman."""
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass

import torch
from torch import Tensor, nn

from labkit.dissection.by_region import are_worth_it, count_by_region
from labkit.dissection.conventions import Convention, pick_convention
from labkit.dissection.enlarging import upsample
from labkit.dissection.tails import maps_of, shown, tail_over
from labkit.regions import Regions, masks_of

MAPS, MAPS_BYTES = 64, 1 << 30                                              # por imagen; por lote
Masks = Tensor | list[tuple[Tensor, Tensor]] | Regions


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
          convention: str | Convention = "paper", dead: Tensor | None = None) -> Tally:
    """Recorre las imágenes una vez y cuenta.

    batches: parejas de imágenes (b, 3, h, w) y máscaras (b, k, H, W) de verdaderos y falsos, o, por imagen, solo las de
    los conceptos que hay: cuáles (p,) y dónde (p, H, W), o sus regiones (`ConceptSet.regions`);  cuts: (c,), el umbral
    de cada unidad;  categories: (k,), la categoría de cada concepto, desde 0;  dead: (c,), unidades que no se cuentan.
    """
    return tally_over(model, shown(batches, "Contando"), layer, cuts, categories, pick_convention(convention), dead)


def tally_over(model: nn.Module, batches: Iterable[tuple[Tensor, Masks]], layer: str, cuts: Tensor, categories: Tensor,
               convention: Convention, dead: Tensor | None = None) -> Tally:
    """Lo mismo que `tally`, sin barra de avance."""
    device, total = next(model.parameters()).device, None
    with torch.no_grad():
        for images, masks in batches:
            if not len(images):
                continue
            maps = maps_of(model, images.to(device), layer, convention.lowest)
            some = _counted(maps, masks, cuts.to(device), categories.to(device), convention, dead)
            total = some if total is None else total + some
    if total is None:
        raise ValueError("batches: no había ninguna imagen.")
    return total


def dissect(model: nn.Module, world: object, layer: str, convention: str | Convention = "paper",
            batch_size: int = 32) -> Dissection:
    """La disección de una capa en una llamada y dos pasadas: primero los umbrales y luego las cuentas.

    world: un conjunto con conceptos (`load_concepts`), o cualquiera con `names`, `categories`, longitud y
    `batches(tamaño)`. Una unidad que siempre da el mismo valor es muda, y no cuenta.  `dissect_shared` hace lo mismo
    entre varios procesos, o por partes.  batch_size: cuántas imágenes a la vez, a lo más; con imágenes muy grandes
    serán menos (`fitting_batch`).
    """
    way, total, batch_size = pick_convention(convention), count_images(world), fitting_batch(world, batch_size)
    parts = shown(image_batches(world, batch_size), "Umbrales", total)
    tail = tail_over(model, parts, total, layer, way, mask_size(world) if way.upsampled else None)
    cuts, dead = tail.spread_cut(way.share)
    groups = category_numbers(world.categories)
    counts = tally(model, concept_batches(world, batch_size), layer, cuts, groups, way, dead)
    return Dissection(counts, cuts.cpu(), dead.cpu(), list(world.names), list(world.categories))


def fitting_batch(world: object, batch_size: int) -> int:
    """Cuántas imágenes por lote, a lo más `batch_size`, para que 64 mapas del tamaño de cada una quepan en 1 GiB.

    El tamaño sale de `world.images`, o de `world.size` (el lado); si no se sabe, se queda `batch_size`.
    """
    shape = getattr(getattr(world, "images", None), "shape", ())
    side = getattr(world, "size", 0)
    pixels = shape[-2] * shape[-1] if len(shape) > 2 else side ** 2 if isinstance(side, int) else 0
    return max(1, min(batch_size, MAPS_BYTES // (4 * MAPS * max(pixels, 1))))


def count_images(world: object) -> int:
    """Cuántas imágenes tiene un conjunto."""
    return len(world.images) if hasattr(world, "images") else len(world)


def mask_size(world: object) -> tuple[int, int]:
    """El tamaño de las máscaras de un conjunto, (H, W)."""
    return tuple(next(iter(world.batches(1)))[1].shape[-2:])


def category_numbers(categories: Sequence[str]) -> Tensor:
    """La categoría de cada concepto, (k,), contando desde 0 en el orden en que aparecen."""
    places = {name: i for i, name in enumerate(dict.fromkeys(categories))}
    return torch.tensor([places[name] for name in categories])


def image_batches(world: object, size: int, numbers: Sequence[int] | None = None) -> Iterator[Tensor]:
    """Las imágenes de un conjunto por lotes, (b, 3, h, w), sin armar máscaras si las tiene a la mano.

    numbers: cuáles lotes, contando desde 0 y de menor a mayor; si no, todos. Un conjunto que no cabe en la memoria y
    sabe leer unas cuantas imágenes lo dice con `pictures(rows)` → (b, 3, h, w): así nadie lee las que no le tocan.
    """
    if hasattr(world, "images") or hasattr(world, "pictures"):
        for rows in _rows(world, size, numbers):
            yield world.images[rows] if hasattr(world, "images") else world.pictures(rows)
    else:
        yield from (images for images, _ in _streamed(world, size, numbers))


def concept_batches(world: object, size: int, numbers: Sequence[int] | None = None) -> Iterator[tuple[Tensor, Masks]]:
    """Lo mismo, con las máscaras; mejor, si el conjunto sabe, solo las que hay (`present(rows)`) o `regions(rows)`."""
    marks = getattr(world, "regions", None) or getattr(world, "present", None)
    if marks is None:
        yield from _streamed(world, size, numbers)
        return
    for rows, images in zip(_rows(world, size, numbers), image_batches(world, size, numbers)):
        yield images, marks(rows)


def _rows(world: object, size: int, numbers: Sequence[int] | None) -> Iterator[Tensor]:
    """Qué imágenes van en cada lote."""
    lots = torch.arange(count_images(world)).split(size)
    yield from lots if numbers is None else (lots[number] for number in numbers)


def _streamed(world: object, size: int, numbers: Sequence[int] | None) -> Iterator[tuple[Tensor, Masks]]:
    """Los lotes pedidos de un conjunto que solo sabe recorrerse desde el principio."""
    wanted = None if numbers is None else set(numbers)
    for number, batch in enumerate(world.batches(size)):
        if wanted is None or number in wanted:
            yield batch
        if wanted is not None and not (wanted := wanted - {number}):
            return
    if wanted:
        raise ValueError(f"world: dice tener {count_images(world)} imágenes, y en batches({size}) no llegó el lote "
                         f"{min(wanted)}.")


def _sparse(masks: Masks) -> list[tuple[Tensor, Tensor]]:
    """Por imagen, los conceptos que hay y dónde."""
    if not isinstance(masks, Tensor):
        return masks
    return [(found, mask[found]) for mask in masks for found in [mask.flatten(1).any(1).nonzero()[:, 0]]]


def _counted(maps: Tensor, masks: Masks, cuts: Tensor, categories: Tensor, way: Convention, dead: Tensor | None
             ) -> Tally:
    """Las cuentas de un lote: por regiones, si el conjunto las da y conviene; si no, píxel por píxel."""
    if len(masks) != len(maps):
        raise ValueError(f"masks: esperaba las de {len(maps)} imágenes y recibí las de {len(masks)}.")
    over = maps.amax((2, 3)) > cuts if way.strict else maps.amax((2, 3)) >= cuts            # (b, c): quién puede pasar
    if dead is not None:
        over &= ~dead.to(over.device)
    if isinstance(masks, Regions):
        if are_worth_it(maps, over, cuts, masks):
            both, active, truth = count_by_region(maps, over, cuts, masks, categories, way)
            return Tally(both.cpu(), active.cpu(), truth.cpu(), masks.numbers.numel(), categories.cpu())
        masks = masks_of(masks)
    return _by_pixel(maps, over, _sparse(masks), cuts, categories, way)


def _by_pixel(maps: Tensor, over: Tensor, masks: list[tuple[Tensor, Tensor]], cuts: Tensor, categories: Tensor,
              way: Convention) -> Tally:
    """Las cuentas de un lote, imagen por imagen: los mapas se agrandan y se cruzan con las máscaras."""
    c, size = maps.shape[1], masks[0][1].shape[-2:]
    k, groups = len(categories), int(categories.max()) + 1
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

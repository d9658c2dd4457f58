"""Contar, píxel por píxel, dónde coinciden las unidades y los conceptos; las cuentas son enteras y se suman."""
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from labkit.dissection.conventions import Convention, pick_convention
from labkit.dissection.enlarging import lit_pixels
from labkit.dissection.tails import maps_of, shown, tail_over

MAPS, MAPS_BYTES = 64, 1 << 30                                              # por imagen; por lote
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
    los conceptos que hay: cuáles (p,) y dónde (p, H, W), o sus regiones (`split_regions`);  cuts: (c,), el umbral de
    cada unidad;  categories: (k,), la categoría de cada concepto, desde 0;  dead: (c,), unidades que no se cuentan.
    """
    return tally_over(model, shown(batches, "Contando"), layer, cuts, categories, pick_convention(convention), dead)


def tally_over(model: nn.Module, batches: Iterable[tuple[Tensor, Masks]], layer: str, cuts: Tensor, categories: Tensor,
               convention: Convention, dead: Tensor | None = None) -> Tally:
    """Lo mismo que `tally`, sin barra de avance."""
    device, total = next(model.parameters()).device, None
    with torch.no_grad():
        for images, masks in batches:
            maps = maps_of(model, images.to(device), layer, convention.lowest)
            some = _counted(maps, _regions(masks), cuts.to(device), categories.to(device), convention, dead)
            total = some if total is None else total + some
    if total is None:
        raise ValueError("batches: no había ninguna imagen.")
    return total


def dissect(model: nn.Module, world: object, layer: str, convention: str | Convention = "exact",
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


def split_regions(concepts: Tensor, where: Tensor) -> tuple[Tensor, Tensor]:
    """Parte una imagen en regiones: dos píxeles van juntos si están en los mismos conceptos.

    concepts: (p,), cuáles hay;  where: (p, H, W), dónde. Da los conceptos de cada región, (r, q), con −1 donde ya no
    hay más, y de cuál región es cada píxel, (H, W). Así un píxel se cuenta una vez, y no una por concepto.
    """
    flat = where.flatten(1)                                                                 # (p, H·W)
    numbers = flat.new_zeros(flat.shape[1], dtype=torch.int64)
    for some in flat.split(40):                                             # 40 bits caben en un entero
        powers = 2 ** torch.arange(len(some), device=flat.device)
        numbers = (numbers << len(some)) + (some * powers[:, None]).sum(0)
        numbers = numbers.unique(return_inverse=True)[1]
    sample = torch.empty(int(numbers.max()) + 1, dtype=torch.int64, device=flat.device)
    sample[numbers] = torch.arange(len(numbers), device=flat.device)        # un píxel, el que sea, de cada región
    members = flat[:, sample].T                                                             # (r, p)
    most = max(1, int(members.sum(1).max()))
    held = torch.where(members, concepts, -1).sort(1, descending=True).values[:, :most]
    return F.pad(held, (0, most - held.shape[1]), value=-1), numbers.reshape(where.shape[1:])


def _regions(masks: Masks) -> list[tuple[Tensor, Tensor]]:
    """Por imagen, los conceptos de cada región (r, q) y de cuál región es cada píxel (H, W)."""
    if isinstance(masks, Tensor):
        masks = [(found, mask[found]) for mask in masks for found in [mask.flatten(1).any(1).nonzero()[:, 0]]]
    return [marks if marks[0].ndim == 2 else split_regions(*marks) for marks in masks]


def _counted(maps: Tensor, regions: list[tuple[Tensor, Tensor]], cuts: Tensor, categories: Tensor, way: Convention,
             dead: Tensor | None) -> Tally:
    """Las cuentas de un lote: los píxeles se cuentan por región, y cada región se apunta a todos sus conceptos."""
    c, k, groups = maps.shape[1], len(categories), int(categories.max()) + 1
    held, sizes, numbers = (part.to(maps.device) for part in _stacked(regions, k))
    over = maps.amax((2, 3)) > cuts if way.strict else maps.amax((2, 3)) >= cuts            # (b, c): quién puede pasar
    if dead is not None:
        over &= ~dead.to(over.device)
    image, unit = over.nonzero(as_tuple=True)                                               # (m,) y (m,)
    pair, region, area = _lit_regions(maps[over], cuts[unit], numbers, sizes, image, way.strict)
    both = _summed(unit[pair, None] * (k + 1) + held[region], area, c * (k + 1)).reshape(c, k + 1)
    first = (sizes.cumsum(0) - sizes)[:, None, None]
    whole = torch.bincount((numbers + first).flatten(), minlength=len(held))                # (r,), en píxeles
    truth = _summed(held, whole, k + 1)
    kinds = torch.cat([categories, categories.new_tensor([groups])])[held]                  # (r, q), con g si no hay
    if way.union == "all":
        here = torch.ones(len(unit), groups + 1, dtype=torch.bool, device=maps.device)      # (m, g + 1)
    elif way.union == "category":
        owner = torch.arange(len(maps), device=maps.device).repeat_interleave(sizes)        # (r,), de qué imagen es
        here = _marked(owner, kinds, (len(maps), groups + 1))[image]
    else:
        here = _marked(pair, kinds[region], (len(unit), groups + 1))
    lit = torch.zeros_like(unit).index_add_(0, pair, area)                                  # (m,), en píxeles
    active = torch.zeros(c, groups + 1, dtype=torch.int64, device=maps.device)
    active.index_add_(0, unit, lit[:, None] * here)
    return Tally(both[:, :k].cpu(), active[:, :groups].cpu(), truth[:k].cpu(), numbers.numel(), categories.cpu())


def _stacked(regions: list[tuple[Tensor, Tensor]], k: int) -> tuple[Tensor, Tensor, Tensor]:
    """Las regiones de un lote, una tras otra: los conceptos de cada una, (r, q), con k donde ya no hay; cuántas son de
    cada imagen, (b,); y de qué región es cada píxel, contando desde la primera de su imagen, (b, H, W)."""
    most = max(held.shape[1] for held, _ in regions)
    held = torch.cat([F.pad(held, (0, most - held.shape[1]), value=-1) for held, _ in regions])
    sizes = torch.tensor([len(held) for held, _ in regions])
    return held.where(held >= 0, k), sizes, torch.stack([numbers for _, numbers in regions])


def _lit_regions(maps: Tensor, cuts: Tensor, numbers: Tensor, sizes: Tensor, image: Tensor, strict: bool
                 ) -> tuple[Tensor, Tensor, Tensor]:
    """Qué regiones enciende cada mapa: cuál mapa, (n,), cuál región del lote, (n,), y en cuántos píxeles, (n,).

    maps: (m, h, w);  cuts: (m,);  numbers y sizes: los de `_stacked`;  image: (m,), de cuál es cada mapa.
    """
    wide, size, flat = int(sizes.max()), tuple(numbers.shape[1:]), numbers.flatten()
    base, shift = size[0] * size[1] * image, wide * torch.arange(len(maps), device=maps.device)
    areas = flat.new_zeros(len(maps) * wide)
    for which, pixel in lit_pixels(maps, cuts, size, strict):
        found = flat.index_select(0, base.index_select(0, which) + pixel) + shift.index_select(0, which)
        areas += torch.bincount(found, minlength=len(areas))
    found = areas.nonzero()[:, 0]
    pair = found // wide
    return pair, found - shift[pair] + (sizes.cumsum(0) - sizes)[image[pair]], areas[found]


def _summed(places: Tensor, counts: Tensor, size: int) -> Tensor:
    """Suma cada cuenta (n,) en todos sus lugares (n, q): (size,)."""
    return counts.new_zeros(size).index_add_(0, places.flatten(), counts.repeat_interleave(places.shape[1]))


def _marked(rows: Tensor, columns: Tensor, shape: tuple[int, int]) -> Tensor:
    """Una tabla de falsos con verdaderos en cada renglón (n,) y sus columnas (n, q)."""
    table = torch.zeros(shape, dtype=torch.bool, device=rows.device)
    table[rows[:, None], columns] = True
    return table

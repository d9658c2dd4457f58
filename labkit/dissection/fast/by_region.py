"""Contar por regiones: los píxeles que están en los mismos conceptos se cuentan juntos y se apuntan a todos ellos.

    de qué región es        qué enciende          cuántos de cada           y de un golpe, a todos
    cada píxel              la unidad             región                    sus conceptos
      0 0 0 1                 · · # #             región 0: 1               cielo +1, azul +1
      0 0 1 1                 · · # #             región 1: 3               cielo +3, amarillo +3, sol +3
      2 2 2 2                 · · · ·             región 2: nada, no se mira

Sirve cuando una unidad enciende pocos píxeles y la imagen tiene pocas regiones, que es lo común; `regions_pay_off` dice
cuándo. Da lo mismo que contar píxel por píxel; en Escenas, unas siete veces más rápido.
"""
import torch
from torch import Tensor

from labkit.dissection.conventions import Convention
from labkit.dissection.fast.lit_pixels import lit_pixels
from labkit.regions import Regions

FEW, PAIRS = 0.125, 1 << 23                 # la parte de las casillas que pasa; las parejas de mapa y región a la vez


def regions_pay_off(maps: Tensor, over: Tensor, cuts: Tensor, regions: Regions) -> bool:
    """Si hay pocas regiones, y los mapas (b, c, h, w), chicos, pasan en pocos lugares; over: (b, c), los que pasan."""
    pixels, unit = regions.numbers[0].numel(), over.nonzero()[:, 1]
    if 8 * int(regions.sizes.max()) > pixels or 4 * maps.shape[2] * maps.shape[3] > pixels:
        return False
    return not len(unit) or float((maps[over] >= cuts[unit, None, None]).float().mean()) < FEW


def count_by_region(maps: Tensor, over: Tensor, cuts: Tensor, regions: Regions, categories: Tensor,
                    convention: Convention) -> tuple[Tensor, Tensor, Tensor]:
    """Las cuentas de un lote, como las guarda `Tally`: both (c, k), active (c, g) y truth (k,).

    over: (b, c), qué mapas pueden pasar.
    """
    c, k, groups, device = maps.shape[1], len(categories), int(categories.max()) + 1, maps.device
    concepts, sizes, numbers = (part.to(device) for part in (regions.concepts, regions.sizes, regions.numbers))
    concepts, first = concepts.where(concepts >= 0, k), sizes.cumsum(0) - sizes             # (r, q) y (b,)
    whole = torch.bincount((numbers + first[:, None, None]).flatten(), minlength=len(concepts))     # (r,), en píxeles
    image, unit = over.nonzero(as_tuple=True)                                               # (m,) y (m,)
    pair, region, area = _lit_regions(maps[over], cuts[unit], numbers, sizes, image, convention.strict)
    both = _summed(unit[pair, None] * (k + 1) + concepts[region], area, c * (k + 1)).reshape(c, k + 1)
    kinds = torch.cat([categories, categories.new_tensor([groups])])[concepts]              # (r, q), con g si no hay
    kinds[whole == 0] = groups
    if convention.union == "all":
        here = torch.ones(len(unit), groups + 1, dtype=torch.bool, device=device)           # (m, g + 1)
    elif convention.union == "category":
        owner = torch.arange(len(maps), device=device).repeat_interleave(sizes)             # (r,), de qué imagen es
        here = _marked(owner, kinds, (len(maps), groups + 1))[image]
    else:
        here = _marked(pair, kinds[region], (len(unit), groups + 1))
    lit = torch.zeros_like(unit).index_add_(0, pair, area)                                  # (m,), en píxeles
    active = torch.zeros(c, groups + 1, dtype=torch.int64, device=device)
    active.index_add_(0, unit, lit[:, None] * here)
    return both[:, :k], active[:, :groups], _summed(concepts, whole, k + 1)[:k]


def _lit_regions(maps: Tensor, cuts: Tensor, numbers: Tensor, sizes: Tensor, image: Tensor, strict: bool
                 ) -> tuple[Tensor, Tensor, Tensor]:
    """Qué regiones enciende cada mapa: cuál mapa, (n,), cuál región del lote, (n,), y en cuántos píxeles, (n,).

    maps: (m, h, w);  cuts: (m,);  numbers y sizes: los de `Regions`;  image: (m,), de cuál es cada mapa. Por pedazos,
    para que la tabla de mapas por regiones quepa.
    """
    wide, size, flat, start = int(sizes.max()), tuple(numbers.shape[1:]), numbers.flatten(), sizes.cumsum(0) - sizes
    parts = []
    for rows in torch.arange(len(maps), device=maps.device).split(max(1, PAIRS // wide)):
        base, areas = size[0] * size[1] * image[rows], flat.new_zeros(len(rows) * wide)
        for which, pixel in lit_pixels(maps[rows], cuts[rows], size, strict):
            found = flat.index_select(0, base.index_select(0, which) + pixel) + which * wide
            areas += torch.bincount(found, minlength=len(areas))
        found = areas.nonzero()[:, 0]
        pair = rows[found // wide]
        parts.append((pair, found % wide + start[image[pair]], areas[found]))
    return tuple(map(torch.cat, zip(*parts))) if parts else (image, image, image)


def _summed(places: Tensor, counts: Tensor, size: int) -> Tensor:
    """Suma cada cuenta (n,) en todos sus lugares (n, q): (size,)."""
    return counts.new_zeros(size).index_add_(0, places.flatten(), counts.repeat_interleave(places.shape[1]))


def _marked(rows: Tensor, columns: Tensor, shape: tuple[int, int]) -> Tensor:
    """Una tabla de falsos con verdaderos en cada renglón (n,) y sus columnas (n, q)."""
    table = torch.zeros(shape, dtype=torch.bool, device=rows.device)
    table[rows[:, None], columns] = True
    return table

"""Contar en cuántos píxeles coinciden las unidades y los conceptos; las cuentas son enteras y se suman.

La cuenta es `count_by_pixel`. Cuando conviene, `count_batch` la cambia por la de `fast.by_region`, que da lo mismo.
"""
from collections.abc import Iterable

import torch
from torch import Tensor, nn

from labkit.device import device_of
from labkit.dissection.conventions import Convention, pick_convention
from labkit.dissection.fast.by_region import count_by_region, regions_pay_off
from labkit.dissection.masks import maps_of, passes, unit_masks
from labkit.measures import Tally
from labkit.progress import with_bar
from labkit.regions import Regions, masks_of, regions_of_masks
from labkit.shapes import check_numbers, check_shape, positions


def count_by_pixel(maps: Tensor, over: Tensor, cuts: Tensor, regions: Regions, categories: Tensor,
                   convention: Convention) -> Tally:
    """Las cuentas de un lote, imagen por imagen: la máscara de cada unidad se cruza con la de cada concepto.

    maps: (b, c, h, w);  over: (b, c), qué unidades pueden pasar su umbral en cada imagen;  cuts: (c,);  categories:
    (k,), la categoría de cada concepto, desde 0.
    """
    c, k, size = maps.shape[1], len(categories), tuple(regions.numbers.shape[1:])
    groups = int(categories.max()) + 1
    both, active = (torch.zeros(c, n, dtype=torch.int64, device=maps.device) for n in (k, groups))
    truth = torch.zeros(k, dtype=torch.int64, device=maps.device)
    for i, (concepts, where) in enumerate(masks_of(regions)):
        concepts, where = concepts.to(maps.device), where.to(maps.device).flatten(1).float()        # (p,), (p, H·W)
        truth[concepts] += where.sum(1).long()
        units = over[i].nonzero()[:, 0]
        if not len(units):
            continue
        lit = unit_masks(maps[i:i + 1, units], cuts[units], size, convention.strict)[0].flatten(1)  # (u, H·W)
        met = (lit.float() @ where.T).long()                                                # enteros exactos hasta 2²⁴
        both[units[:, None], concepts] += met
        active[units] += _where_it_counts(lit.sum(1), met, categories[concepts], groups, convention.union)
    return Tally(both.cpu(), active.cpu(), truth.cpu(), regions.numbers.numel(), categories.cpu())


def _where_it_counts(lit: Tensor, met: Tensor, found: Tensor, groups: int, union: str) -> Tensor:
    """Los píxeles de cada unidad que esta imagen suma a cada categoría, (u, g).

    lit: (u,), los que enciende;  met: (u, p), los que comparte con cada concepto;  found: (p,), sus categorías.
    """
    if union == "all":
        return lit[:, None].expand(-1, groups)
    counted = torch.ones_like(met) if union == "category" else met
    inside = torch.zeros(len(lit), groups, dtype=met.dtype, device=lit.device).index_add_(1, found, counted) > 0
    return lit[:, None] * inside


def tally(model: nn.Module, batches: Iterable[tuple[Tensor, Regions | Tensor]], layer: str, cuts: Tensor,
          categories: Tensor, convention: str | Convention = "paper", dead: Tensor | None = None) -> Tally:
    """Recorre las imágenes una vez y cuenta.

    batches: parejas de imágenes (b, 3, h, w) y sus regiones, o sus máscaras (b, k, H, W) de verdaderos y falsos;  cuts:
    (c,), el umbral de cada unidad;  categories: (k,), la categoría de cada concepto, desde 0;  dead: (c,), unidades que
    no se cuentan.
    """
    return tally_over(model, with_bar(batches, "Contando"), layer, cuts, categories, pick_convention(convention), dead)


def tally_over(model: nn.Module, batches: Iterable[tuple[Tensor, Regions | Tensor]], layer: str, cuts: Tensor,
               categories: Tensor, convention: Convention, dead: Tensor | None = None) -> Tally:
    """Lo mismo que `tally`, sin barra de avance."""
    device, total = device_of(model), None
    check_numbers(cuts, "c", "cuts")
    check_numbers(categories, "k", "categories", integers=True)
    categories = positions(categories, "k", "categories", len(categories))
    with torch.no_grad():
        for images, marks in batches:
            if not len(images):
                continue
            regions = marks if isinstance(marks, Regions) else regions_of_masks(marks)
            maps = maps_of(model, images.to(device), layer, convention.lowest)
            counts = count_batch(maps, regions, cuts.to(device), categories.to(device), convention, dead)
            total = counts if total is None else total + counts
    if total is None:
        raise ValueError("batches: no había ninguna imagen.")
    return total


def count_batch(maps: Tensor, regions: Regions, cuts: Tensor, categories: Tensor, convention: Convention,
                dead: Tensor | None = None) -> Tally:
    """Las cuentas de un lote de mapas (b, c, h, w): por regiones, si conviene; si no, píxel por píxel."""
    if len(regions) != len(maps):
        raise ValueError(f"masks: esperaba las de {len(maps)} imágenes y recibí las de {len(regions)}.")
    if int(regions.concepts.max()) >= len(categories):
        raise ValueError(f"concepts: hay {len(categories)} conceptos, de 0 a {len(categories) - 1}, y recibí el "
                         f"{int(regions.concepts.max())}.")
    for values, name in ((cuts, "cuts"), (dead, "dead")):
        if values is not None:
            check_shape(values, str(maps.shape[1]), name)
    over = passes(maps.amax((2, 3)), cuts, convention.strict)                               # (b, c): quién puede pasar
    if dead is not None:
        over &= ~dead.to(over.device)
    if not regions_pay_off(maps, over, cuts, regions):
        return count_by_pixel(maps, over, cuts, regions, categories, convention)
    both, active, truth = count_by_region(maps, over, cuts, regions, categories, convention)
    return Tally(both.cpu(), active.cpu(), truth.cpu(), regions.numbers.numel(), categories.cpu())

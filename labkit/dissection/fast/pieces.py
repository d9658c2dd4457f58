"""Las cuentas en pedazos de pocas imágenes, sin que pesen: para decir qué tan seguro es cada nombre.

Las cuentas enteras de un pedazo son (unidades, conceptos), 5 MB en una capa de Broden: veinte pedazos son pocos para
remuestrear, y dos mil no caben. Pero el nombre de una unidad se decide entre unos cuantos conceptos, los de mayor IoU:
de cada pedazo se guardan solo las cuentas de esos. Los umbrales son los de la disección entera y no cambian.
"""
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, replace

import torch
from torch import Tensor, nn

from labkit.device import device_of
from labkit.dissection.conventions import Convention
from labkit.dissection.counting import count_batch
from labkit.dissection.dissecting import Dissection
from labkit.dissection.masks import maps_of, passes
from labkit.measures import RIVALS, could_be_best, redraws, resampled_interval
from labkit.regions import Regions

KEPT, MOST = 24, 1000                       # conceptos que se guardan por unidad; cuántos pedazos, más o menos
TIMES, TOGETHER = 400, 64                   # remuestreos; unidades a la vez
Numbered = tuple[Tensor, Regions, int]      # imágenes, sus regiones y qué número tiene la primera


@dataclass(frozen=True, eq=False)
class Pieces:
    """Las cuentas de p pedazos de imágenes seguidas, c unidades y los r conceptos de mayor IoU de cada una.

    first: (p,), la primera imagen de cada pedazo;  rivals: (c, r), los conceptos de `pick_rivals`;  both y union: (p,
    c, r), los píxeles de la intersección y de la unión;  lit: (c,), en cuántas imágenes llega cada unidad a su
    umbral;  seen: (k,), en cuántas está cada concepto.  Con + se juntan los pedazos, y da lo mismo en qué orden.
    """
    first: Tensor
    rivals: Tensor
    both: Tensor
    union: Tensor
    lit: Tensor
    seen: Tensor

    def __add__(self, other: "Pieces") -> "Pieces":
        first, order = torch.cat([self.first, other.first]).sort()
        both, union = torch.cat([self.both, other.both]), torch.cat([self.union, other.union])
        return replace(self, first=first, both=both[order], union=union[order], lit=self.lit + other.lit,
                       seen=self.seen + other.seen)

    def name_sets(self, share: float = 0.95, seed: int = 0) -> list[list[int]]:
        """Los conceptos que podrían ser el mejor de cada unidad: lo de `measures.name_sets`, con estos pedazos."""
        weights = redraws(len(self.first), TIMES, share, seed)
        stays = could_be_best(self.both[..., :RIVALS], self.union[..., :RIVALS], weights, share)
        return [names[kept].tolist() for names, kept in zip(self.rivals[:, :RIVALS], stays)]

    def intervals(self, statistic: Callable[[Tensor], Sequence[float]], share: float = 0.95, seed: int = 0
                  ) -> list[tuple[float, float]]:
        """Entre qué valores está cada cuenta que da `statistic` del IoU (c, k): lo de `measures.interval`.

        El IoU de lo que no se guardó se toma por 0. Ninguna cuenta baja de 0.
        """
        weights, values = redraws(len(self.first), TIMES, share, seed), [self._numbers(statistic, self._whole())]
        again = torch.cat([self._again(weights, units) for units in torch.arange(len(self.rivals)).split(TOGETHER)], 1)
        for iou in again:
            values.append(self._numbers(statistic, iou))
        found = []
        for mine, *others in torch.stack(values, 1).tolist():
            low, high = resampled_interval(others, mine, share)
            found.append((max(0.0, low), high))
        return found

    def _whole(self) -> Tensor:
        """El IoU con todas las imágenes, (c, r)."""
        return self.both.sum(0).double() / self.union.sum(0).clamp(min=1)

    def _numbers(self, statistic: Callable[[Tensor], Sequence[float]], iou: Tensor) -> Tensor:
        """Lo que da `statistic` de un IoU (c, r), puesto en su lugar entre todos los conceptos."""
        table = torch.zeros(len(iou), len(self.seen), dtype=torch.float64).scatter_(1, self.rivals, iou)
        return torch.tensor(statistic(table), dtype=torch.float64)

    def _again(self, weights: Tensor, units: Tensor) -> Tensor:
        """El IoU de unas unidades en cada remuestreo, (veces, u, r)."""
        met, whole = (torch.einsum("tp,pur->tur", weights, part[:, units].double()) for part in (self.both, self.union))
        return met / whole.clamp(min=1)


def piece_size(total: int, batch_size: int) -> int:
    """Cuántas imágenes lleva cada pedazo: una, si son pocas; a lo más, un lote."""
    return min(batch_size, -(-total // MOST))


def pick_rivals(iou: Tensor, categories: Tensor) -> Tensor:
    """Entre qué conceptos se decide cada unidad, (c, r): los doce de mayor IoU y luego los mejores de cada categoría.

    iou: (c, k);  categories: (k,), desde 0.  Los de cada categoría hacen falta para la cuenta que suma categorías.
    """
    first = iou.argsort(dim=1, descending=True, stable=True)[:, :RIVALS]
    rest = iou.scatter(1, first, -1.0)                                                      # los ya escogidos, al final
    worth = rest.clone()
    for group in range(int(categories.max()) + 1):
        columns = (categories == group).nonzero()[:, 0]
        worth[:, columns] -= rest[:, columns].argsort(dim=1, descending=True, stable=True).argsort(1).double()
    worth.scatter_(1, first, -torch.inf)
    spare = min(KEPT, iou.shape[1]) - first.shape[1]
    return torch.cat([first, worth.argsort(dim=1, descending=True, stable=True)[:, :spare]], 1)


def count_pieces(model: nn.Module, batches: Iterable[Numbered], layer: str, found: Dissection, convention: Convention,
                 size: int) -> Pieces:
    """Vuelve a contar los lotes que lleguen, en pedazos de `size` imágenes, con los umbrales de `found`."""
    device, rivals = device_of(model), pick_rivals(found.iou(), found.tally.categories)
    cuts, groups, dead = (thing.to(device) for thing in (found.cuts, found.tally.categories, found.dead))
    group = found.tally.categories[rivals]                                                  # (c, r)
    places, both, union = [], [], []
    lit, seen = torch.zeros(len(rivals), dtype=torch.int64), torch.zeros(len(groups), dtype=torch.int64)
    with torch.no_grad():
        for images, regions, number in batches:
            maps = maps_of(model, images.to(device), layer, convention.lowest)
            lit += passes(maps.amax((2, 3)), cuts, convention.strict).sum(0).cpu()     # una muda, nunca
            seen += _present(regions, len(groups))
            for start in range(0, len(maps), size):
                some = _some(regions, start, size)
                here = count_batch(maps[start:start + size], some, cuts, groups, convention, dead)
                met = here.both.gather(1, rivals)
                places.append(number + start)
                both.append(met.int())
                union.append((here.active.gather(1, group) + here.truth[rivals] - met).int())
    return Pieces(torch.tensor(places), rivals, torch.stack(both), torch.stack(union), lit, seen)


def _some(regions: Regions, start: int, size: int) -> Regions:
    """Las regiones de `size` imágenes desde `start`."""
    ends = torch.cat([regions.sizes.new_zeros(1), regions.sizes.cumsum(0)])
    last = min(start + size, len(regions))
    return Regions(regions.concepts[ends[start]:ends[last]], regions.sizes[start:last], regions.numbers[start:last])


def _present(regions: Regions, count: int) -> Tensor:
    """En cuántas de unas imágenes está cada uno de `count` conceptos, (k,)."""
    first = regions.sizes.cumsum(0) - regions.sizes
    pixels = torch.bincount((regions.numbers + first[:, None, None]).flatten(), minlength=len(regions.concepts))
    owner = torch.arange(len(regions)).repeat_interleave(regions.sizes)                 # (regiones,), de qué imagen
    table = torch.zeros(len(regions), count + 1, dtype=torch.bool)
    concepts = regions.concepts.where(regions.concepts >= 0, count)
    table[owner[pixels > 0, None], concepts[pixels > 0]] = True
    return table[:, :count].sum(0)

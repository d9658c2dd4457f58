"""El umbral de cada unidad, exacto y sin guardar sus mapas: basta con la cola de arriba."""
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from math import floor

import torch
from torch import Tensor, nn

from labkit.checks import as_batches
from labkit.device import device_of
from labkit.dissection.conventions import Convention
from labkit.dissection.masks import maps_of, upsample
from labkit.progress import with_bar
from labkit.shapes import check_shape, real, whole


@dataclass(frozen=True, eq=False)
class Tail:
    """Los valores más grandes de cada una de c unidades, entre `count` valores vistos; guarda a lo más `size`.

    top: (c, k), de mayor a menor; k = size, o count si aún no se llena.  low: (c,), el menor de todos.  Dos colas se
    juntan con +, y da lo mismo en qué orden: así se reparte el trabajo entre procesos.
    """
    top: Tensor
    low: Tensor
    count: int
    size: int

    def __add__(self, other: "Tail") -> "Tail":
        check_shape(other.low, f"{len(self.low)}", "other")
        return _joined([self, other])

    def cut(self, share: float) -> Tensor:
        """El valor que deja justo arriba a `share` de los vistos, (c,): a lo más floor(share · count) lo superan.

        ValueError si la cola guardada no llega hasta ahí.
        """
        place = floor(real(share, "share", 0, 1) * self.count)
        if place >= self.top.shape[1]:
            raise ValueError(f"share: la cola guarda {self.top.shape[1]} de {self.count} valores y no llega a {share}.")
        return self.top[:, place]

    def spread_cut(self, share: float) -> tuple[Tensor, Tensor]:
        """El umbral de cada unidad, (c,), y cuáles son mudas, (c,): las que siempre dan el mismo valor.

        Una ReLU casi siempre apagada tiene por umbral su menor valor, y todo lo pasaría: se le pide que lo supere.
        """
        cuts = self.cut(share)
        above = torch.nextafter(self.low, torch.full_like(self.low, torch.inf))
        return torch.where(cuts <= self.low, above, cuts), self.top[:, 0] <= self.low


def thresholds(model: nn.Module, images: Tensor | Iterable[Tensor], layer: str, share: float = 0.005,
               size: tuple[int, int] | None = None, batch_size: int = 32, lowest: bool = False) -> Tail:
    """La cola de cada unidad de una capa sobre un conjunto, de la que sale su umbral: `thresholds(...).cut(0.005)`.

    images: (n, 3, h, w), o una lista de lotes con longitud (`len`) conocida en imágenes.  size: con él, se toma de los
    mapas agrandados a ese tamaño.  lowest: la cola de abajo, que es la de arriba con el signo cambiado.  El umbral T
    cumple P(a > T) ≤ share sobre todas las imágenes y lugares, y es exacto. La memoria es la de una cola: crece con n
    solo por share.
    """
    batches = as_batches(images, batch_size)
    convention, total = Convention(share, size is not None, lowest=lowest), sum(len(batch) for batch in batches)
    return tail_over(model, with_bar(batches, "Umbrales", total), total, layer, convention, size)


def tail_over(model: nn.Module, batches: Iterable[Tensor], total: int, layer: str, convention: Convention,
              size: tuple[int, int] | None = None) -> Tail:
    """La cola de cada unidad sobre los lotes que lleguen, que no se guardan, de un conjunto de `total` imágenes.

    size: a qué tamaño se agrandan los mapas, si la convención lo pide.  Pesa share · total · h · w · c números: con
    0.005, y los mapas de 14 × 14 de 512 unidades en las 63 305 imágenes de Broden, 62 039 · 512 números, 127 MB, y unas
    seis veces eso un momento, al juntar dos. Como cabe, no hace falta una cola aproximada.
    """
    tails, device = [], device_of(model)
    with torch.no_grad():
        for images in batches:
            maps = maps_of(model, images.to(device), layer, convention.lowest)
            maps = upsample(maps, size) if convention.upsampled else maps
            keep = floor(convention.share * (total * maps.shape[2] * maps.shape[3])) + 1
            tails.append(tail_of(maps, keep))
            if sum(tail.top.shape[1] for tail in tails) > 2 * keep:         # ordenar una cola larga es lo que cuesta
                tails = [_joined(tails)]
    if not tails:
        raise ValueError("images: no había ninguna imagen.")
    return _joined(tails)


def tail_of(maps: Tensor, size: int) -> Tail:
    """La cola de unos mapas (b, c, h, w): los `size` mayores de cada unidad."""
    check_shape(maps, "b c h w", "maps")
    values = maps.transpose(0, 1).flatten(1)                                                # (c, b·h·w)
    return Tail(_largest([values], whole(size, "size", 1)), values.amin(1), values.shape[1], size)


def _joined(tails: Sequence[Tail]) -> Tail:
    """Varias colas en una, exacta hasta donde llega la que menos guarda."""
    size, tops, lows = min(tail.size for tail in tails), [tail.top for tail in tails], [tail.low for tail in tails]
    top = tops[0] if len(tops) == 1 else _largest(tops, size)
    return Tail(top, torch.stack(lows).amin(0), sum(tail.count for tail in tails), size)


def _largest(tables: Sequence[Tensor], size: int) -> Tensor:
    """Los `size` mayores de cada unidad en varias tablas (c, k), de mayor a menor.

    De 64 en 64 unidades: ordenar pide el triple de la memoria de lo que se ordena.
    """
    size = min(size, sum(table.shape[1] for table in tables))
    groups = zip(*(table.split(64) for table in tables))
    return torch.cat([torch.cat(rows, 1).topk(size, 1).values for rows in groups])

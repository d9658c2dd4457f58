"""El umbral de cada unidad, exacto y sin guardar sus mapas: basta con la cola de arriba."""
import sys
from collections.abc import Iterable
from dataclasses import dataclass
from math import floor

import torch
from torch import Tensor, nn
from tqdm import tqdm

from labkit.activations import run
from labkit.dissection.conventions import Convention, upsample

BAR = "{desc}: {percentage:3.0f}% |{bar}| {n_fmt} de {total_fmt} imágenes [{elapsed}]"


@dataclass(frozen=True, eq=False)
class Tail:
    """Los valores más grandes de cada una de c unidades, entre `count` valores vistos.

    top: (c, k), de mayor a menor.  low: (c,), el menor de todos.  Dos colas se juntan con +, y da lo mismo en qué
    orden: así se reparte el trabajo entre procesos.
    """
    top: Tensor
    low: Tensor
    count: int

    def __add__(self, other: "Tail") -> "Tail":
        both = torch.cat([self.top, other.top], 1).sort(1, descending=True).values
        return Tail(both, torch.minimum(self.low, other.low), self.count + other.count)

    def cut(self, share: float) -> Tensor:
        """El valor que deja justo arriba a `share` de los vistos, (c,): a lo más floor(share · count) lo superan.

        ValueError si la cola guardada no llega hasta ahí.
        """
        place = floor(share * self.count)
        if place >= self.top.shape[1]:
            raise ValueError(f"share: la cola guarda {self.top.shape[1]} de {self.count} valores y no llega a {share}.")
        return self.top[:, place]


def tail_of(maps: Tensor, size: int) -> Tail:
    """La cola de unos mapas (b, c, h, w): los `size` mayores de cada unidad."""
    values = maps.transpose(0, 1).flatten(1)                                                # (c, b·h·w)
    return Tail(values.topk(min(size, values.shape[1]), 1).values, values.amin(1), values.shape[1])


def thresholds(model: nn.Module, images: Tensor | Iterable[Tensor], layer: str, share: float = 0.005,
               size: tuple[int, int] | None = None, batch_size: int = 32, lowest: bool = False) -> Tail:
    """La cola de cada unidad de una capa sobre un conjunto, de la que sale su umbral: `thresholds(...).cut(0.005)`.

    images: (n, 3, h, w), o una lista de lotes con longitud (`len`) conocida en imágenes.  size: con él, se toma de los
    mapas agrandados a ese tamaño.  lowest: la cola de abajo, que es la de arriba con el signo cambiado.  El umbral T
    cumple P(a > T) ≤ share sobre todas las imágenes y lugares, y es exacto. La memoria es la de una cola: crece con n
    solo por share.
    """
    parts = images.split(batch_size) if isinstance(images, Tensor) else list(images)
    convention = Convention(share, size is not None, lowest=lowest)
    return tail_over(model, parts, sum(len(part) for part in parts), layer, convention, size)


def tail_over(model: nn.Module, parts: Iterable[Tensor], total: int, layer: str, convention: Convention,
              size: tuple[int, int] | None = None) -> Tail:
    """La cola de cada unidad sobre `total` imágenes que llegan por lotes y no se guardan.

    size: a qué tamaño se agrandan los mapas, si la convención lo pide.
    """
    tail, keep = None, 0
    device, look = next(model.parameters()).device, {"desc": "Umbrales", "bar_format": BAR, "file": sys.stdout}
    with torch.no_grad(), tqdm(total=total, delay=5, leave=False, **look) as bar:
        for part in parts:
            maps = maps_of(model, part.to(device), layer, convention.lowest)
            maps = upsample(maps, size) if convention.upsampled else maps
            keep = keep or floor(convention.share * total * maps.shape[2] * maps.shape[3]) + 1
            some = tail_of(maps, keep)
            tail = some if tail is None else _clipped(tail + some, keep)
            bar.update(len(part))
    if tail is None:
        raise ValueError("images: no había ninguna imagen.")
    return tail


def maps_of(model: nn.Module, images: Tensor, layer: str, lowest: bool = False) -> Tensor:
    """Los mapas de la capa, (b, c, h, w); los de una capa densa, de 1 × 1; con `lowest`, con el signo cambiado."""
    acts = run(model, images.contiguous(memory_format=torch.channels_last), [layer])[layer]
    maps = acts if acts.ndim == 4 else acts[..., None, None]
    return -maps if lowest else maps


def _clipped(tail: Tail, size: int) -> Tail:
    return Tail(tail.top[:, :size], tail.low, tail.count)

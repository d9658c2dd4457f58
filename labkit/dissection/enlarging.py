"""Agrandar los mapas de una capa al tamaño de las máscaras, y saber qué píxeles encienden sin agrandarlos enteros."""
from collections.abc import Iterator

import torch
import torch.nn.functional as F
from torch import Tensor

VALUES = 1 << 22                                                            # cuántos se interpolan a la vez


def upsample(maps: Tensor, size: tuple[int, int]) -> Tensor:
    """Mapas (b, c, h, w) al tamaño de las máscaras: bilineal; el centro de cada casilla queda donde estaba.

    Es la de `F.interpolate(..., align_corners=False)`, salvo que entre valores iguales da ese valor, sin redondeo.
    """
    if maps.shape[-2:] == torch.Size(size):
        return maps
    corners = F.pad(maps, (1, 1, 1, 1), mode="replicate").permute(0, 2, 3, 1).contiguous()  # (b, h + 2, w + 2, c)
    (above, down), (left, across) = (_places(n, m) for n, m in zip(maps.shape[-2:], size))
    grown = maps.new_empty(len(maps), size[1], size[0], maps.shape[1])                      # (b, W, H, c)
    for image, into in zip(corners.split(1), grown.split(1)):               # de una en una, para que quepa
        into.copy_(_lines(_lines(image, above, down).movedim(2, 1), left, across))
    return grown.permute(0, 3, 2, 1)


def _lines(lines: Tensor, before: Tensor, part: Tensor) -> Tensor:
    """Los renglones que caen entre otros: (b, n, m, c) → (b, N, m, c)."""
    before, part = before.to(lines.device), part.to(lines.device, lines.dtype)
    return lines.diff(dim=1)[:, before].mul_(part[:, None, None]).add_(lines[:, before])


def _places(side: int, grown: int) -> tuple[Tensor, Tensor]:
    """De un lado de `side` casillas agrandado a `grown` píxeles, entre cuáles dos casillas cae cada píxel.

    Da la de antes, (grown,), contando desde 0 la orilla repetida, y a qué distancia de ella, (grown,), de 0 a 1.
    """
    source = (2 * torch.arange(grown) + 1) * side + grown                   # en enteros: sin mover los centros
    return source // (2 * grown), (source % (2 * grown)).double() / (2 * grown)


def _mixed(one: Tensor, other: Tensor, part: Tensor) -> Tensor:
    """El valor que está a `part` del camino de uno a otro; si son iguales, ese."""
    return one + (other - one) * part


def lit_pixels(maps: Tensor, cuts: Tensor, size: tuple[int, int], strict: bool = False
               ) -> Iterator[tuple[Tensor, Tensor]]:
    """Qué píxeles enciende cada mapa ya agrandado: de cuál mapa, (n,), y cuáles de H · W, (n,); por partes.

    maps: (m, h, w);  cuts: (m,);  strict: un valor igual al umbral no enciende.  Lo mismo que agrandar con `upsample` y
    comparar, sin agrandarlo todo: un valor entre cuatro casillas no pasa de la mayor, y casi ninguna pasa el umbral.
    Primero se descartan ventanas (lo que hay entre cuatro casillas) y luego renglones de ventana. `index_select` es lo
    mismo que corchetes, diez veces más rápido con tantos lugares.
    """
    passes = torch.gt if strict else torch.ge
    if not len(maps):
        return
    if maps.shape[1:] == torch.Size(size):
        yield passes(maps, cuts[:, None, None]).flatten(1).nonzero(as_tuple=True)
        return
    corners = F.pad(maps[None], (1, 1, 1, 1), mode="replicate")[0]                          # (m, h + 2, w + 2)
    pairs = torch.maximum(corners[:, 1:], corners[:, :-1])
    highest = torch.maximum(pairs[..., 1:], pairs[..., :-1])                                # (m, h + 1, w + 1)
    windows = passes(highest, cuts[:, None, None]).nonzero().T.contiguous()                 # (3, ventanas)
    (rows, down), (columns, across) = (_windows(n, m, maps) for n, m in zip(maps.shape[1:], size))
    flat, wide = corners.flatten(), corners.shape[2]
    for which, y, x in windows.split(max(1, VALUES // (down.shape[1] * across.shape[1])), 1):
        corner, cut = (which * corners.shape[1] + y) * wide + x, cuts.index_select(0, which)
        a, b, c, d = (flat.index_select(0, corner + more)[:, None] for more in (0, 1, wide, wide + 1))
        part = down.index_select(0, y)                                                      # (ventanas, alto)
        left, right = _mixed(a, c, part), _mixed(b, d, part)                # de cada renglón, sus dos extremos
        window, i = passes(torch.maximum(left, right), cut[:, None]).nonzero().T.contiguous()
        left, right = (ends.flatten().index_select(0, window * part.shape[1] + i)[:, None] for ends in (left, right))
        values = _mixed(left, right, across.index_select(0, x.index_select(0, window)))     # (renglones, ancho)
        line, j = passes(values, cut.index_select(0, window)[:, None]).nonzero().T.contiguous()
        first = (rows.index_select(0, y) * size[1] + columns.index_select(0, x)).index_select(0, window) + i * size[1]
        yield which.index_select(0, window).index_select(0, line), first.index_select(0, line) + j


def _windows(side: int, grown: int, like: Tensor) -> tuple[Tensor, Tensor]:
    """Entre cada dos casillas vecinas, el primer píxel, (side + 1,), y las distancias de los s que hay, (side + 1, s).

    Donde hay menos de s, la distancia es NaN: lo que se interpole con ella no pasa ningún umbral.
    """
    before, part = _places(side, grown)
    counts = torch.bincount(before, minlength=side + 1)
    first, turn = counts.cumsum(0) - counts, torch.arange(int(counts.max()))
    part = torch.where(turn < counts[:, None], part[(first[:, None] + turn).clamp(max=grown - 1)], torch.nan)
    return first.to(like.device), part.to(like.device, like.dtype)

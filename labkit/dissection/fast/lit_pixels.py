"""Qué píxeles enciende un mapa, sin agrandarlo entero.

Un mapa se agranda mezclando, en cada ventana, las cuatro casillas que la rodean:

    a ─────────── b     un valor de adentro está entre a, b, c y d: si ninguna llega al umbral, nadie llega y la ventana
    │ ·  ·  ·  ·  │     se salta. Si alguna llega, se mezclan los lados (a con c, b con d) y quedan, por renglón, dos
    i · · · · · · j     extremos, i y j: si ninguno llega, se salta el renglón. Solo lo que queda se mezcla (i con j) y
    │ ·  ·  ·  ·  │     se compara, píxel por píxel. Casi todo se salta: pocas casillas llegan al umbral.
    c ─────────── d
"""
from collections.abc import Iterator

import torch
import torch.nn.functional as F
from torch import Tensor

from labkit.dissection.masks import passes, source_cells

VALUES = 1 << 22                                                            # cuántos se interpolan a la vez


def lit_pixels(maps: Tensor, cuts: Tensor, size: tuple[int, int], strict: bool = False
               ) -> Iterator[tuple[Tensor, Tensor]]:
    """Qué píxeles enciende cada mapa ya agrandado: de cuál mapa, (n,), y cuáles de H · W, (n,); por partes.

    maps: (m, h, w);  cuts: (m,);  strict: un valor igual al umbral no enciende.  Lo mismo que `masks.unit_masks`.
    `index_select` es lo mismo que corchetes, diez veces más rápido con tantos lugares.
    """
    if not len(maps):
        return
    if maps.shape[1:] == torch.Size(size):
        yield passes(maps, cuts[:, None, None], strict).flatten(1).nonzero(as_tuple=True)
        return
    corners = F.pad(maps[None], (1, 1, 1, 1), mode="replicate")[0]                          # (m, h + 2, w + 2)
    pairs = torch.maximum(corners[:, 1:], corners[:, :-1])
    highest = torch.maximum(pairs[..., 1:], pairs[..., :-1])                                # (m, h + 1, w + 1)
    windows = passes(highest, cuts[:, None, None], strict).nonzero().T.contiguous()         # (3, ventanas)
    (rows, down), (columns, across) = (_windows(n, m, maps) for n, m in zip(maps.shape[1:], size))
    flat, wide = corners.flatten(), corners.shape[2]
    for which, y, x in windows.split(max(1, VALUES // (down.shape[1] * across.shape[1])), 1):
        corner, cut = (which * corners.shape[1] + y) * wide + x, cuts.index_select(0, which)
        a, b, c, d = (flat.index_select(0, corner + more)[:, None] for more in (0, 1, wide, wide + 1))
        part = down.index_select(0, y)                                                      # (ventanas, alto)
        left, right = _mixed(a, c, part), _mixed(b, d, part)                # de cada renglón, sus dos extremos
        window, i = passes(torch.maximum(left, right), cut[:, None], strict).nonzero().T.contiguous()
        left, right = (ends.flatten().index_select(0, window * part.shape[1] + i)[:, None] for ends in (left, right))
        values = _mixed(left, right, across.index_select(0, x.index_select(0, window)))     # (renglones, ancho)
        line, j = passes(values, cut.index_select(0, window)[:, None], strict).nonzero().T.contiguous()
        first = (rows.index_select(0, y) * size[1] + columns.index_select(0, x)).index_select(0, window) + i * size[1]
        yield which.index_select(0, window).index_select(0, line), first.index_select(0, line) + j


def _mixed(one: Tensor, other: Tensor, part: Tensor) -> Tensor:
    """El valor que está a `part` del camino de uno a otro; si son iguales, ese."""
    return one + (other - one) * part


def _windows(side: int, grown: int, like: Tensor) -> tuple[Tensor, Tensor]:
    """Entre cada dos casillas vecinas, el primer píxel, (side + 1,), y las distancias de los s que hay, (side + 1, s).

    Donde hay menos de s, la distancia es NaN: lo que se interpole con ella no pasa ningún umbral.
    """
    before, part = source_cells(side, grown)
    counts = torch.bincount(before, minlength=side + 1)
    first, turn = counts.cumsum(0) - counts, torch.arange(int(counts.max()))
    part = torch.where(turn < counts[:, None], part[(first[:, None] + turn).clamp(max=grown - 1)], torch.nan)
    return first.to(like.device), part.to(like.device, like.dtype)

"""La máscara de una unidad: dónde su mapa, agrandado al tamaño de las máscaras, llega a su umbral."""
import torch
import torch.nn.functional as F
from torch import Tensor, nn

from labkit.activations import run
from labkit.checks import as_size, check_maps
from labkit.shapes import check_shape, whole


def maps_of(model: nn.Module, images: Tensor, layer: str, lowest: bool = False) -> Tensor:
    """Los mapas de la capa, (b, c, h, w); los de una capa densa, de 1 × 1; con `lowest`, con el signo cambiado."""
    codes = images.ndim == 2                                                # un texto: no tiene canales que ordenar
    acts = run(model, images if codes else images.contiguous(memory_format=torch.channels_last), [layer])[layer]
    maps = acts if acts.ndim == 4 else acts[..., None, None]
    check_maps(maps, layer)
    return -maps if lowest else maps


def unit_masks(maps: Tensor, cuts: Tensor, size: tuple[int, int], strict: bool = False) -> Tensor:
    """Dónde responde cada unidad: mapas (b, c, h, w), agrandados a `size`, contra sus umbrales (c,) → (b, c, H, W).

    strict: un valor igual al umbral no cuenta.
    """
    check_shape(cuts, str(check_shape(maps, "b c h w", "maps")["c"]), "cuts")
    return passes(upsample(maps, size), cuts[:, None, None], strict)


def passes(values: Tensor, cuts: Tensor, strict: bool = False) -> Tensor:
    """Qué valores llegan a su umbral o, con `strict`, cuáles lo superan."""
    return values > cuts if strict else values >= cuts


def upsample(maps: Tensor, size: tuple[int, int]) -> Tensor:
    """Mapas (b, c, h, w) al tamaño de las máscaras: bilineal; el centro de cada casilla queda donde estaba.

    Es la de `F.interpolate(..., align_corners=False)`, salvo que entre valores iguales da ese valor, sin redondeo.
    """
    check_shape(maps, "b c h w", "maps")
    size = as_size(size)
    if maps.shape[-2:] == torch.Size(size):
        return maps
    corners = F.pad(maps, (1, 1, 1, 1), mode="replicate").permute(0, 2, 3, 1).contiguous()  # (b, h + 2, w + 2, c)
    (above, down), (left, across) = (source_cells(n, m) for n, m in zip(maps.shape[-2:], size))
    grown = maps.new_empty(len(maps), size[1], size[0], maps.shape[1])                      # (b, W, H, c)
    for image, into in zip(corners.split(1), grown.split(1)):               # de una en una, para que quepa
        into.copy_(_lines(_lines(image, above, down).movedim(2, 1), left, across))
    return grown.permute(0, 3, 2, 1)


def source_cells(side: int, grown: int) -> tuple[Tensor, Tensor]:
    """De un lado de `side` casillas agrandado a `grown` píxeles, entre cuáles dos casillas cae cada píxel.

    Da la de antes, (grown,), contando desde 0 la orilla repetida, y a qué distancia de ella, (grown,), de 0 a 1.
    """
    side, grown = whole(side, "side", 1), whole(grown, "grown", 1)
    source = (2 * torch.arange(grown) + 1) * side + grown                   # en enteros: sin mover los centros
    return source // (2 * grown), (source % (2 * grown)).double() / (2 * grown)


def _lines(lines: Tensor, before: Tensor, part: Tensor) -> Tensor:
    """Los renglones que caen entre otros: (b, n, m, c) → (b, N, m, c)."""
    before, part = before.to(lines.device), part.to(lines.device, lines.dtype)
    return lines.diff(dim=1)[:, before].mul_(part[:, None, None]).add_(lines[:, before])

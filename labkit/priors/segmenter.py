"""Una red que dice qué hay en cada píxel: con ella se puede contar lo que dibuja un generador (lección 5).

De una imagen dibujada nadie sabe la respuesta, así que la da un **segmentador**, que la aprendió en Escenas. Fuente:
Bau et al. (2019), «GAN Dissection», arXiv:1811.10597, §3.1.
"""
import json

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from labkit.device import pick_device
from labkit.models.plain import read_weights
from labkit.shapes import check_shape


class Segmenter(nn.Module):
    """El segmentador: de imágenes (b, 3, h, w) en [0, 1], su apuesta por cada clase en cada píxel, (b, 1 + k, h, w).

    names: sus k clases; la primera de las 1 + k es «ninguna».  h y w, múltiplos de 8. Tiene forma de U, como el
    limpiador: achica dos veces, agranda dos veces y junta lo de ida con lo de vuelta (Ronneberger et al., 2015).
    """

    def __init__(self, names: list[str], widths: tuple[int, int, int] = (24, 48, 88)) -> None:
        super().__init__()
        a, b, c = widths
        self.names = list(names)
        self.enter, self.leave = nn.Conv2d(12, a, 3, padding=1), nn.Conv2d(a, 4 * (1 + len(names)), 1)
        self.down1, self.down2, self.down3 = _block(a, a), _block(a, b), _block(b, c)
        self.middle = nn.Sequential(_block(c, c), _block(c, c))
        self.up2, self.up1 = _block(c + b, b), _block(b + a, a)

    def forward(self, images: Tensor) -> Tensor:
        wide = self.down1(self.enter(F.pixel_unshuffle(images - 0.5, 2)))
        half = self.down2(F.avg_pool2d(wide, 2))
        deep = self.middle(self.down3(F.avg_pool2d(half, 2)))
        half = self.up2(torch.cat([F.interpolate(deep, scale_factor=2), half], 1))
        wide = self.up1(torch.cat([F.interpolate(half, scale_factor=2), wide], 1))
        return F.pixel_shuffle(self.leave(wide), 2)

    @torch.no_grad()
    def labels(self, images: Tensor) -> Tensor:
        """La clase de cada píxel, (b, h, w): 0 es «ninguna» e i es `names[i - 1]`."""
        check_shape(images, "b 3 h w", "images")
        return self(images.contiguous(memory_format=torch.channels_last)).argmax(1)


def load_segmenter(name: str = "escenas_segmentador", device: str | None = None) -> Segmenter:
    """El segmentador que viene con el curso, congelado y en `eval()`.  FileNotFoundError si falta su archivo."""
    weights, card = read_weights("priors", f"{name}.safetensors")
    widths = tuple(weights[f"{key}.0.weight"].shape[0] for key in ("down1", "down2", "down3"))
    segmenter = Segmenter(json.loads(card["names"]), widths)
    segmenter.load_state_dict(weights)
    return segmenter.to(pick_device(device), memory_format=torch.channels_last).eval().requires_grad_(False)


def _block(before: int, after: int) -> nn.Sequential:
    """Convolución, normalización por grupos y activación suave."""
    return nn.Sequential(nn.Conv2d(before, after, 3, padding=1), nn.GroupNorm(8, after), nn.SiLU())

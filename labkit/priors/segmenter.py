"""Una red que dice qué hay en cada píxel: con ella se puede contar lo que dibuja un generador (lección 5).

De una imagen dibujada nadie sabe la respuesta, así que la da un **segmentador**, que la aprendió en Escenas. Fuente:
Bau et al. (2019), «GAN Dissection», arXiv:1811.10597, §3.1.
"""
import json

import torch
import torch.nn.functional as F
from torch import Tensor

from labkit.device import pick_device
from labkit.models.plain import read_weights
from labkit.priors.ushape import UShape, widths_of
from labkit.shapes import check_shape


class Segmenter(UShape):
    """El segmentador: de imágenes (b, 3, h, w) en [0, 1], su apuesta por cada clase en cada píxel, (b, 1 + k, h, w).

    names: sus k clases; la primera de las 1 + k es «ninguna».  h y w, múltiplos de 8. Tiene forma de U, como el
    limpiador.
    """

    def __init__(self, names: list[str], widths: tuple[int, int, int] = (24, 48, 88)) -> None:
        super().__init__(12, 4 * (1 + len(names)), widths, border=0)
        self.names = list(names)

    def forward(self, images: Tensor) -> Tensor:
        return F.pixel_shuffle(self.shaped(F.pixel_unshuffle(images - 0.5, 2)), 2)

    @torch.no_grad()
    def labels(self, images: Tensor) -> Tensor:
        """La clase de cada píxel, (b, h, w): 0 es «ninguna» e i es `names[i - 1]`."""
        check_shape(images, "b 3 h w", "images")
        return self(images.contiguous(memory_format=torch.channels_last)).argmax(1)


def load_segmenter(name: str = "escenas_segmentador", device: str | None = None) -> Segmenter:
    """El segmentador que viene con el curso, congelado y en `eval()`.  FileNotFoundError si falta su archivo."""
    weights, card = read_weights("priors", f"{name}.safetensors")
    segmenter = Segmenter(json.loads(card["names"]), widths_of(weights))
    segmenter.load_state_dict(weights)
    return segmenter.to(pick_device(device), memory_format=torch.channels_last).eval().requires_grad_(False)

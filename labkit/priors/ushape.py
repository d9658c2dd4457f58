"""La red en forma de U que comparten el limpiador y el segmentador.

Fuente: Ronneberger, Fischer y Brox (2015), «U-Net: Convolutional Networks for Biomedical Image Segmentation»,
doi:10.1007/978-3-319-24574-4_28.
"""
import torch
import torch.nn.functional as F
from torch import Tensor, nn


class UShape(nn.Module):
    """Mapas (b, i, h, w) → (b, o, h, w): achica dos veces, agranda dos veces y junta lo de ida con lo de vuelta.

    widths: los canales a cada tamaño;  h y w, múltiplos de 4.  border: cuántos píxeles de alrededor mira la última
    convolución (0: ninguno, es de 1 × 1).
    """

    def __init__(self, inputs: int, outputs: int, widths: tuple[int, int, int], border: int) -> None:
        super().__init__()
        a, b, c = widths
        self.enter = nn.Conv2d(inputs, a, 3, padding=1)
        self.leave = nn.Conv2d(a, outputs, 1 + 2 * border, padding=border)
        self.down1, self.down2, self.down3 = _block(a, a), _block(a, b), _block(b, c)
        self.middle = nn.Sequential(_block(c, c), _block(c, c))
        self.up2, self.up1 = _block(c + b, b), _block(b + a, a)

    def shaped(self, maps: Tensor) -> Tensor:
        """El paseo por la U, (b, i, h, w) → (b, o, h, w)."""
        wide = self.down1(self.enter(maps))
        half = self.down2(F.avg_pool2d(wide, 2))
        deep = self.middle(self.down3(F.avg_pool2d(half, 2)))
        half = self.up2(torch.cat([F.interpolate(deep, scale_factor=2), half], 1))
        wide = self.up1(torch.cat([F.interpolate(half, scale_factor=2), wide], 1))
        return self.leave(wide)


def widths_of(weights: dict[str, Tensor]) -> tuple[int, int, int]:
    """Los canales a cada tamaño de una U guardada, leídos de sus pesos."""
    return tuple(weights[f"{layer}.0.weight"].shape[0] for layer in ("down1", "down2", "down3"))


def _block(before: int, after: int) -> nn.Sequential:
    """Convolución, normalización por grupos y activación suave."""
    return nn.Sequential(nn.Conv2d(before, after, 3, padding=1), nn.GroupNorm(8, after), nn.SiLU())

"""Un lienzo de fases: las imágenes de Escenas dicen cuánto pesa cada frecuencia, y solo se busca dónde cae cada onda.

La amplitud de cada frecuencia queda fija, la media de la de imágenes de verdad, y los parámetros son las fases. Así ni
el grano ni lo liso pueden crecer más que en ellas. Fuente: Fel et al. (2023), «Unlocking Feature Visualization for
Deeper Networks with MAgnitude Constrained Optimization» (MACO), NeurIPS, arXiv:2306.06805; ahí, las de ImageNet.
"""
import torch
from torch import Tensor, nn

from labkit.regularization import spectrum_of
from labkit.shapes import check_shape


class PhaseCanvas(nn.Module):
    """Un lienzo cuyos parámetros son fases: `canvas()` da imágenes (b, 3, h, w), siempre en (0, 1).

    start: las imágenes de cuyas fases parte, (b, 3, h, w).  amplitude: (3, h, w // 2 + 1), la de cada frecuencia, que
    no cambia: `mean_amplitude(images, colors)`.  colors: la misma (3, 3) de `color_matrix` con que se midió.
    """

    def __init__(self, start: Tensor, amplitude: Tensor, colors: Tensor | None = None) -> None:
        super().__init__()
        check_shape(start, "b 3 h w", "start")
        h, w = start.shape[-2:]
        if amplitude.shape != (3, h, w // 2 + 1):
            raise ValueError(f"amplitude: esperaba (3, {h}, {w // 2 + 1}), la de imágenes de {h} × {w}, y recibí "
                             f"{tuple(amplitude.shape)}. Mídela con mean_amplitude en imágenes de ese tamaño.")
        self.size = (h, w)
        self.register_buffer("amplitude", amplitude.to(start))
        self.register_buffer("colors", (torch.eye(3) if colors is None else colors).to(start))
        self.phases = nn.Parameter(spectrum_of(start.detach(), self.colors).angle())

    def forward(self) -> Tensor:
        waves = torch.polar(self.amplitude.expand_as(self.phases), self.phases)
        maps = torch.fft.irfft2(waves, s=self.size, norm="ortho")
        return torch.einsum("ij,bjhw->bihw", self.colors, maps).sigmoid()


def mean_amplitude(images: Tensor, colors: Tensor | None = None) -> Tensor:
    """La amplitud media de cada frecuencia en unas imágenes (n, 3, h, w): (3, h, w // 2 + 1).

    Se mide antes de la sigmoide y en los colores de `colors`, que es donde `PhaseCanvas` la usa.
    """
    check_shape(images, "n 3 h w", "images")
    colors = torch.eye(3) if colors is None else colors
    return spectrum_of(images, colors.to(images)).abs().mean(0)

"""Un generador: buscar entre las imágenes que una red sabe dibujar, y no entre todas (lección 3b).

Un **generador** G dibuja una imagen a partir de un **código** corto. Aquí el código son 512 números, 32 en cada casilla
de una cuadrícula de 4 × 4, y una imagen de Escenas tiene 12,288. Aprendió con otras dos redes: un codificador E, que
da el código de una imagen, y un crítico, que dice si una imagen parece de Escenas o dibujada (Larsen et al., 2016,
«Autoencoding beyond pixels», arXiv:1512.09300). Buscar en el código: Nguyen et al. (2016), arXiv:1605.09304.
"""
import torch
from torch import Tensor, nn

from labkit.device import pick_device
from labkit.models.plain import read_weights
from labkit.shapes import check_shape

CODE, SIDE = 32, 4  # números en cada casilla del código, y casillas por lado


class ImageGenerator(nn.Module):
    """El generador y su codificador: código (b, 32, 4, 4) → imágenes (b, 3, 64, 64) en (0, 1), y de vuelta.

    Cada número del código tiene, en Escenas, media 0 y desviación cercana a 1.
    """

    def __init__(self, widths: tuple[int, int, int, int, int] = (192, 128, 96, 48, 24)) -> None:
        super().__init__()
        a, b, c, d, e = widths
        self.enter = nn.Conv2d(CODE, a, 3, padding=1)
        self.up1, self.up2, self.up3, self.up4 = _up(a, b), _up(b, c), _up(c, d), _up(d, e)  # de 4 × 4 a 64 × 64
        self.leave = nn.Conv2d(e, 3, 3, padding=1)
        self.look = nn.Sequential(_down(3, d), _down(d, c), _down(c, b), _down(b, a), nn.Conv2d(a, CODE, 3, padding=1),
                                  nn.BatchNorm2d(CODE, affine=False))

    def forward(self, code: Tensor) -> Tensor:
        maps = self.up4(self.up3(self.up2(self.up1(self.enter(code).relu()))))
        return self.leave(maps).sigmoid()

    def encode(self, images: Tensor) -> Tensor:
        """El código de unas imágenes (b, 3, 64, 64): (b, 32, 4, 4)."""
        return self.look(images - 0.5)


class CodeCanvas(nn.Module):
    """Un lienzo cuyos parámetros son códigos: `canvas()` da lo que el generador dibuja con ellos, (b, 3, 64, 64).

    start: los códigos de los que parte, (b, 32, 4, 4).  limit: ningún número del código pasa de ahí, hacia arriba o
    hacia abajo; más lejos, el generador no ha visto nada.
    """

    def __init__(self, generator: ImageGenerator, start: Tensor, limit: float = 3.0) -> None:
        super().__init__()
        check_shape(start, f"b {CODE} {SIDE} {SIDE}", "start")
        if limit <= 0:
            raise ValueError(f"limit: esperaba un número mayor que 0 y recibí {limit}.")
        self.draw, self.limit = generator, limit
        self.code = nn.Parameter(start.detach().clone())

    def forward(self) -> Tensor:
        return self.draw(self.code)

    @torch.no_grad()
    def after_step(self, score: Tensor) -> None:
        """Lo que sigue a cada paso: quedarse entre −limit y limit."""
        self.code.clamp_(-self.limit, self.limit)


def random_codes(b: int, sd: float = 0.5, seed: int = 0) -> Tensor:
    """b códigos al azar, (b, 32, 4, 4), con desviación `sd`; la misma semilla da los mismos."""
    return sd * torch.randn(b, CODE, SIDE, SIDE, generator=torch.Generator().manual_seed(seed))


def load_generator(name: str = "escenas_generador", device: str | None = None) -> ImageGenerator:
    """El generador que viene con el curso, congelado y en `eval()`.  FileNotFoundError si falta su archivo."""
    weights, _ = read_weights("priors", f"{name}.safetensors")
    generator = ImageGenerator(tuple(weights[f"{key}.weight"].shape[0] for key in (
        "enter", "up1.1", "up2.1", "up3.1", "up4.1")))
    generator.load_state_dict(weights)
    # con los canales al final en la memoria, en CPU dibuja tres veces más rápido
    return generator.to(pick_device(device), memory_format=torch.channels_last).eval().requires_grad_(False)


def _up(before: int, after: int) -> nn.Sequential:
    """Al doble de lado: repetir cada punto, convolución, normalización por lotes y ReLU."""
    return nn.Sequential(nn.Upsample(scale_factor=2), nn.Conv2d(before, after, 3, padding=1), nn.BatchNorm2d(after),
                         nn.ReLU())


def _down(before: int, after: int) -> nn.Sequential:
    """A la mitad de lado: convolución con paso 2, normalización por lotes y ReLU con fuga."""
    return nn.Sequential(nn.Conv2d(before, after, 4, 2, 1), nn.BatchNorm2d(after), nn.LeakyReLU(0.2))

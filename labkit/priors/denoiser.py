"""Una distribución aprendida: pedir que la imagen se parezca a las del conjunto (lección 3b).

Un autocodificador que quita ruido (*denoising autoencoder*), aquí el **limpiador**, aprendió con imágenes de Escenas.
Lo que le falta a una imagen para parecerse a ellas es D(x, σ) − x: con ruido gaussiano, σ² veces el gradiente de
log p(x), donde p es la densidad de las imágenes con ese ruido (Miyasawa, 1961; Alain y Bengio, 2014, JMLR 15). Nguyen
et al. (2017), «Plug & Play Generative Networks», doi:10.1109/CVPR.2017.374, lo usan dentro del ascenso.
"""
import math

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from labkit.activations import run
from labkit.device import pick_device
from labkit.models.plain import read_weights
from labkit.objectives import Objective
from labkit.priors.ushape import UShape, widths_of
from labkit.shapes import check_shape

SPREAD = 0.25  # la desviación de los píxeles de Escenas, más o menos


class Denoiser(UShape):
    """El limpiador: de imágenes con ruido (b, 3, h, w) y su desviación σ, la mejor apuesta de cómo eran sin él.

    Una red con forma de U; h y w, múltiplos de 8. σ entra como un mapa más. La salida mezcla la entrada con lo que
    dice la red según cuánto ruido haya (Karras et al., 2022, arXiv:2206.00364, tabla 1).
    """

    def __init__(self, widths: tuple[int, int, int] = (48, 80, 112)) -> None:
        super().__init__(13, 12, widths, border=1)

    def forward(self, images: Tensor, sigma: float | Tensor) -> Tensor:
        """images: (b, 3, h, w);  sigma: un número, o uno por imagen (b,).  Da (b, 3, h, w), sin recortar a [0, 1]."""
        sigma = torch.as_tensor(sigma, dtype=images.dtype, device=images.device).expand(len(images)).view(-1, 1, 1, 1)
        total = (sigma ** 2 + SPREAD ** 2).sqrt()
        noisy = images - 0.5
        patches = F.pixel_unshuffle(noisy / total, 2)                               # (b, 12, h/2, w/2)
        level = (sigma.log() / 2).expand(-1, 1, *patches.shape[2:])
        guess = F.pixel_shuffle(self.shaped(torch.cat([patches, level], 1)), 2)
        return 0.5 + noisy * (SPREAD / total) ** 2 + guess * (sigma * SPREAD / total)


def load_denoiser(name: str = "escenas_limpiador", device: str | None = None) -> Denoiser:
    """El limpiador que viene con el curso, congelado y en `eval()`.  FileNotFoundError si falta su archivo."""
    weights, _ = read_weights("priors", f"{name}.safetensors")
    denoiser = Denoiser(widths_of(weights))
    denoiser.load_state_dict(weights)
    return denoiser.to(pick_device(device), memory_format=torch.channels_last).eval().requires_grad_(False)


class Cleaning:
    """Lo que sigue a cada paso de un lienzo de píxeles: mezclar la imagen con su versión limpia.

    x ← x + amount · (D(x, σ) − x), con una σ que baja de `first` a `last` en `steps` pasos: primero la forma, luego el
    detalle. Se usa como `PixelCanvas(noise(4), after=Cleaning(denoiser, steps=120))`.
    """

    def __init__(self, denoiser: Denoiser, steps: int, amount: float = 0.25, first: float = 0.5,
                 last: float = 0.05) -> None:
        if not 0 <= amount <= 1:
            raise ValueError(f"amount: esperaba un número de 0 a 1 y recibí {amount}.")
        self.denoiser, self.amount, self.step = denoiser, amount, 0
        self.sigmas = sigma_schedule(first, last, steps)

    def __call__(self, images: Tensor) -> Tensor:
        sigma = self.sigmas[min(self.step, len(self.sigmas) - 1)]
        self.step += 1
        return torch.lerp(images, self.denoiser(images, sigma), self.amount)


def cleaning_change(denoiser: Denoiser, images: Tensor, sigma: float = 0.1) -> Tensor:
    """Cuánto cambia el limpiador cada imagen, (b,): la media de |D(x, σ) − x|. No es una distancia a los datos.

    A un gris liso lo cambia menos que a casi cualquier imagen de Escenas: mide más lo liso que el parecido.
    """
    check_shape(images, "b 3 h w", "images")
    with torch.no_grad():
        return (denoiser(images, sigma) - images).abs().mean((1, 2, 3))


def ppgn(model: nn.Module, objective: Objective, denoiser: Denoiser, start: Tensor, steps: int = 120,
         terms: tuple[float, float, float] = (0.25, 6.0, 0.01), seed: int = 0) -> Tensor:
    """Los tres términos de Nguyen et al. (2017), a la vista y simplificados: de (b, 3, h, w) a (b, 3, h, w).

    x ← x + ε₁ · (D(x, σ) − x) + ε₂ · σ · g / ‖g‖ + ε₃ · σ · ruido: parecerse a los datos, subir el objetivo (g es su
    gradiente) y no caer siempre en el mismo óptimo. terms: los tres ε; un 0 apaga el suyo. seed: la del ruido. σ baja
    de 0.5 a 0.05: eso, y que a g se le quite su longitud, no está en el artículo.
    """
    check_shape(start, "b 3 h w", "start")
    generator = torch.Generator().manual_seed(seed)
    images, (prior, pull, jolt) = start.detach().clone(), terms
    for sigma in sigma_schedule(0.5, 0.05, steps):
        with torch.enable_grad():
            images.requires_grad_(True)
            score = objective(run(model, images, objective.layers))
            slope, = torch.autograd.grad(score.sum(), images)
        with torch.no_grad():
            slope = slope / slope.flatten(1).norm(dim=1).clamp(min=1e-12).view(-1, 1, 1, 1)
            noise = torch.randn(images.shape, generator=generator).to(images)
            images = images + prior * (denoiser(images, sigma) - images) + pull * sigma * slope + jolt * sigma * noise
            images = images.clamp(0, 1)
    return images.detach()


def sigma_schedule(first: float, last: float, steps: int) -> list[float]:
    """`steps` valores de σ que bajan de `first` a `last`, cada uno en la misma proporción que el anterior."""
    if steps < 1 or first <= 0 or last <= 0:
        raise ValueError(f"esperaba σ mayores que 0 y al menos un paso, y recibí {first}, {last} y {steps}.")
    return torch.logspace(math.log10(first), math.log10(last), steps).tolist()

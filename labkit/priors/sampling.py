"""De una muestra de los datos al máximo de la puntuación: una sola perilla, la temperatura (lección 3b).

Se buscan imágenes x con probabilidad proporcional a p(x) · exp(s(x) / T), donde p es la densidad de los datos, s la
puntuación y T la **temperatura**. Con T infinita, s no cuenta y salen muestras de p; con T cerca de 0, p no cuenta y
sale el máximo de s. Fuentes: el muestreo de Langevin con σ que baja, Song y Ermon (2019), «Generative Modeling by
Estimating Gradients of the Data Distribution», arXiv:1907.05600; sumarle el gradiente de una red que clasifica,
Dhariwal y Nichol (2021), «Diffusion Models Beat GANs on Image Synthesis», arXiv:2105.05233.
"""
import math
from collections.abc import Callable, Sequence

import torch
from torch import Tensor, nn

from labkit.activations import run
from labkit.objectives import Objective
from labkit.priors.denoiser import sigma_schedule
from labkit.shapes import check_shape

STEPS, PACE, SIGMAS = 200, 0.3, (1.0, 0.03)     # los pasos, qué parte del camino al limpio se anda en cada uno, y las σ


def sample(model: nn.Module, objective: Objective, denoiser: Callable[[Tensor, float], Tensor], start: Tensor,
           temperature: float | Sequence[float], steps: int = STEPS, seed: int | Sequence[int] = 0) -> Tensor:
    """Imágenes sacadas al azar de p(x) · exp(s(x) / T): de (b, 3, h, w) a (b, 3, h, w), en [0, 1].

    En cada paso, x ← x + ε (D(x, σ) − x) + ε σ² ∇s(x) / T + σ √(2ε) ξ, con ε = 0.3, ξ ruido normal y una σ que baja de
    1 a 0.03; al final se limpia y se recorta a [0, 1]: en el recorrido nada obliga a los píxeles a quedarse ahí, y con
    T chica se salen. Es Langevin: los dos primeros términos son ε σ² ∇(log p_σ + s / T).

    denoiser: D(imágenes, σ).  start: de dónde parte; la primera σ es tan grande que casi no importa.  temperature: T,
    un número o uno por imagen; puede ser `math.inf`.  seed: la de los sorteos de cada imagen, o la de la primera, y de
    ahí de una en una: así ninguna imagen depende de las que la acompañan.
    """
    check_shape(start, "b 3 h w", "start")
    pull = _pull(temperature, start)
    dice = [torch.Generator().manual_seed(own) for own in _seeds(seed, len(start))]
    images = start.detach().clone()
    for sigma in sigma_schedule(*SIGMAS, steps):
        uphill = gradient_of(model, objective, images)
        noise = torch.stack([torch.randn(start.shape[1:], generator=own) for own in dice]).to(images)
        with torch.no_grad():
            images = (images + PACE * (denoiser(images, sigma) - images) + PACE * sigma ** 2 * pull * uphill
                      + sigma * math.sqrt(2 * PACE) * noise)
    with torch.no_grad():
        return denoiser(images, sigma).clamp(0, 1)


def gradient_of(model: nn.Module, objective: Objective, images: Tensor) -> Tensor:
    """El gradiente de la puntuación de cada imagen respecto a sus píxeles: (b, 3, h, w)."""
    with torch.enable_grad():
        images = images.detach().requires_grad_(True)
        score = objective(run(model, images, objective.layers))
        return torch.autograd.grad(score.sum(), images)[0]


def _pull(temperature: float | Sequence[float], start: Tensor) -> Tensor:
    """1 / T de cada imagen, (b, 1, 1, 1) o (1, 1, 1, 1)."""
    pull = 1 / torch.as_tensor(temperature, dtype=start.dtype, device=start.device).view(-1, 1, 1, 1)
    if len(pull) not in (1, len(start)) or not (pull >= 0).all() or pull.isinf().any():
        raise ValueError(f"temperature: esperaba un número mayor que 0, o uno por imagen ({len(start)}), y recibí "
                         f"{temperature}.")
    return pull


def _seeds(seed: int | Sequence[int], b: int) -> Sequence[int]:
    """La semilla de cada imagen."""
    seeds = range(seed, seed + b) if isinstance(seed, int) else seed
    if len(seeds) != b:
        raise ValueError(f"seed: esperaba una semilla o {b}, una por imagen, y recibí {len(seeds)}.")
    return seeds

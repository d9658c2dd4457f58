"""Regularizar la visualización: maneras de pedir imágenes menos ruidosas sin tocar el ciclo que sube (lección 3).

Frecuencia: desenfocar tras cada paso o penalizar. Transformaciones: que la imagen guste también movida, girada o con
grano. Precondicionamiento: buscar en otro espacio, el de las frecuencias. Lo que falta, una distribución aprendida,
está en `priors`. Fuente: Olah et al. (2017), «Feature Visualization», Distill, doi:10.23915/distill.00007.
"""
from collections.abc import Callable
from math import ceil

import torch
import torch.nn.functional as F
from torch import Generator, Tensor, nn

from labkit.activations import INPUT, run
from labkit.checks import as_colors, as_images, as_transform, as_transforms, dice, number_or_images, varied_pixels
from labkit.objectives import Objective
from labkit.shapes import HUGE, check_kind, check_numbers, full, real, whole

Transform = Callable[[Tensor], Tensor]  # (b, 3, h, w) → (b, 3, h, w)

EDGE = 0.01  # un píxel en 0 o en 1 pediría un número infinito antes de la sigmoide: se queda a esta distancia


# ── frecuencia: penalizaciones y desenfoque ─────────────────────────────────────────────────────────────────────────

def total_variation() -> Objective:
    """La variación total de la imagen: la media de |cambio| entre píxeles vecinos, vertical más horizontal.

    Se resta: `logit(10) - 30 * total_variation()`.  Fuente: Rudin et al. (1992), doi:10.1016/0167-2789(92)90242-F.
    """
    def measure(acts: dict[str, Tensor]) -> Tensor:
        images = acts[INPUT]
        return images.diff(dim=2).abs().mean((1, 2, 3)) + images.diff(dim=3).abs().mean((1, 2, 3))

    return Objective((INPUT,), measure, "variación total")


def distance_l1(center: float | Tensor = 0.5) -> Objective:
    """La media de |imagen − center|: cuánto se aleja de un gris, o de las imágenes (b, 3, h, w) del comienzo."""
    center = number_or_images(center, "center")
    return Objective((INPUT,), lambda acts: _shift(acts, center).abs().mean((1, 2, 3)), "distancia L1")


def distance_l2(center: float | Tensor = 0.5) -> Objective:
    """La media de (imagen − center)²: castiga los cambios grandes más que los chicos."""
    center = number_or_images(center, "center")
    return Objective((INPUT,), lambda acts: _shift(acts, center).pow(2).mean((1, 2, 3)), "distancia L2")


def blur(sigma: float) -> Transform:
    """Desenfoque gaussiano de desviación `sigma`, en píxeles, con el borde reflejado; lo liso no cambia."""
    sigma = real(sigma, "sigma", 0, HUGE)

    def blurred(images: Tensor) -> Tensor:
        reach = min(ceil(3 * sigma), min(images.shape[-2:]) - 1) if sigma > 0.05 else 0
        if reach == 0:
            return images
        steps = torch.arange(-reach, reach + 1, device=images.device)
        weights = torch.exp(-steps ** 2 / (2 * sigma ** 2)).to(images.dtype)
        kernel = (weights / weights.sum()).repeat(3, 1)                                     # (3, 2·reach + 1)
        padded = F.pad(images, (reach,) * 4, mode="reflect")
        return F.conv2d(F.conv2d(padded, kernel[:, None, :, None], groups=3), kernel[:, None, None, :], groups=3)

    return as_transform(blurred)


def high_frequency_share(images: Tensor, cut: float = 0.25) -> Tensor:
    """Qué parte de la energía de cada imagen (b, 3, h, w) está en frecuencias de más de `cut` ciclos por píxel: (b,).

    Sin contar el color medio. 0.25 es un cambio cada dos píxeles; el grano más fino es 0.5.
    """
    images, cut = as_images(images), real(cut, "cut")
    power = torch.fft.fft2(images - images.mean((2, 3), keepdim=True)).abs().pow(2)
    high = frequencies(*images.shape[-2:], half=False).to(images.device) > cut
    return (power * high).sum((1, 2, 3)) / power.sum((1, 2, 3)).clamp(min=1e-12)


# ── transformaciones: cada imagen recibe la suya, y el gradiente pasa por ellas ──────────────────────────────────────

def jitter(reach: int, seed: int = 0) -> Transform:
    """Desplaza cada imagen hasta `reach` píxeles en cada dirección; lo que entra por la orilla es su reflejo."""
    reach, generator = whole(reach, "reach"), dice(seed)

    def moved(images: Tensor) -> Tensor:
        h, w = images.shape[-2:]
        whole(reach, "reach", 0, min(h, w) - 1, f", lo que se puede reflejar en imágenes de {h} × {w},")
        padded = F.pad(images, (reach,) * 4, mode="reflect")
        corners = torch.randint(0, 2 * reach + 1, (len(images), 2), generator=generator).tolist()
        return torch.stack([image[:, y:y + h, x:x + w] for image, (y, x) in zip(padded, corners)])

    return as_transform(moved)


def rotate(degrees: float, seed: int = 0) -> Transform:
    """Gira cada imagen sobre su centro un ángulo al azar entre −degrees y degrees."""
    degrees, generator = real(degrees, "degrees", -HUGE, HUGE), dice(seed)

    def turned(images: Tensor) -> Tensor:
        angle = torch.deg2rad(degrees * _uniform(len(images), generator))
        cos, sin = angle.cos(), angle.sin()
        return _warp(images, torch.stack([torch.stack([cos, -sin], 1), torch.stack([sin, cos], 1)], 1))

    return as_transform(turned)


def scale(amount: float, seed: int = 0) -> Transform:
    """Acerca o aleja cada imagen por un factor al azar entre 1 − amount y 1 + amount."""
    amount, generator = real(amount, "amount", 0, 0.999), dice(seed)

    def zoomed(images: Tensor) -> Tensor:
        factor = 1 + amount * _uniform(len(images), generator)
        return _warp(images, torch.eye(2) / factor[:, None, None])

    return as_transform(zoomed)


def pixel_noise(sd: float, seed: int = 0) -> Transform:
    """Suma a cada píxel un ruido gaussiano de desviación `sd`. No recorta: el recorte apagaría gradientes."""
    sd, generator = real(sd, "sd", 0, HUGE), dice(seed)
    return as_transform(lambda images: images + sd * torch.randn(images.shape, generator=generator).to(images))


def compose(*transforms: Transform) -> Transform:
    """Una transformación que las aplica todas, en orden; sin ninguna, deja la imagen igual."""
    transforms = as_transforms(transforms)

    def applied(images: Tensor) -> Tensor:
        for transform in transforms:
            images = transform(images)
        return images

    return applied


def score_under(model: nn.Module, images: Tensor, objective: Objective, transform: Transform,
                times: int = 16) -> Tensor:
    """La puntuación media de cada imagen en `times` transformaciones, (b,). Con otra semilla, es un examen."""
    check_kind(objective, Objective, "objective", "un objetivo")
    with torch.no_grad():
        scores = [objective(run(model, transform(images), objective.layers)) for _ in range(whole(times, "times", 1))]
    return torch.stack(scores).mean(0)


# ── precondicionamiento: buscar en otro espacio ──────────────────────────────────────────────────────────────────────

class FourierCanvas(nn.Module):
    """Un lienzo cuyos parámetros son frecuencias y no píxeles: `canvas()` da imágenes (b, 3, h, w), siempre en (0, 1).

    start: las imágenes de las que parte, (b, 3, h, w): `soft_noise`, o imágenes de un conjunto.  decay: con qué fuerza
    pesan más las frecuencias bajas, 1 / fᵈ (0: todas igual).  colors: (3, 3), la matriz de `color_matrix`, para
    moverse en colores que varían por separado; None, rojo, verde y azul.  after: algo que se hace tras cada paso.
    """

    def __init__(self, start: Tensor, decay: float = 1.0, colors: Tensor | None = None,
                 after: Transform | None = None) -> None:
        super().__init__()
        start = as_images(start, name="start")
        self.size, self.after = tuple(start.shape[-2:]), after
        weight = frequencies(*self.size).clamp(min=1 / max(self.size)) ** -real(decay, "decay", -4, 4)
        self.register_buffer("weight", (weight / weight.pow(2).mean().sqrt())[..., None].to(start.device))
        self.register_buffer("colors", (torch.eye(3) if colors is None else colors).to(start))
        self.spectrum = nn.Parameter(self.encode(start.detach()))

    def forward(self) -> Tensor:
        maps = torch.fft.irfft2(torch.view_as_complex(self.spectrum * self.weight), s=self.size, norm="ortho")
        return torch.einsum("ij,bjhw->bihw", self.colors, maps).sigmoid()

    def encode(self, images: Tensor) -> Tensor:
        """El espectro, (b, 3, h, w // 2 + 1, 2), con que el lienzo da esas imágenes: `forward` al revés."""
        return torch.view_as_real(spectrum_of(images, self.colors)) / self.weight

    @torch.no_grad()
    def after_step(self, score: Tensor) -> None:
        """Lo que sigue a cada paso: `after`, en las imágenes, y de vuelta al espectro."""
        if self.after is not None:
            self.spectrum.copy_(self.encode(self.after(self())))


def spectrum_of(images: Tensor, colors: Tensor) -> Tensor:
    """El espectro de las imágenes (b, 3, h, w) antes de la sigmoide y en esos colores: (b, 3, h, w // 2 + 1)."""
    images = as_images(images)
    colors = as_colors(colors).to(images)
    logits = torch.special.logit(images, eps=EDGE)
    return torch.fft.rfft2(torch.einsum("ij,bjhw->bihw", torch.linalg.inv(colors), logits), norm="ortho")


def soft_noise(b: int, size: int = 64, sd: float = 0.05, decay: float = 1.0, seed: int = 0) -> Tensor:
    """b imágenes grises con ruido suave, (b, 3, size, size) en [0, 1]: cada frecuencia pesa 1 / fᵈ, como en fotos."""
    b, size, sd, generator = whole(b, "b", 1), whole(size, "size", 1), real(sd, "sd", 0, HUGE), dice(seed)
    decay = real(decay, "decay", -4, 4)
    spectrum = torch.fft.rfft2(torch.randn(b, 3, size, size, generator=generator))
    maps = torch.fft.irfft2(spectrum * frequencies(size, size).clamp(min=1 / size) ** -decay, s=(size, size))
    return (0.5 + sd * maps / maps.std((1, 2, 3), keepdim=True)).clamp(0, 1)


def color_matrix(images: Tensor) -> Tensor:
    """Los tres colores que varían por separado en unas imágenes (n, 3, h, w), uno por columna: (3, 3).

    Es la raíz de la covarianza de los píxeles (sus ejes, cada uno con su desviación), entre su mayor columna.
    """
    axes, deviations, _ = torch.linalg.svd(torch.cov(varied_pixels(images)))
    columns = axes * deviations.sqrt()
    return columns / columns.norm(dim=0).max()


def frequencies(h: int, w: int, half: bool = True) -> Tensor:
    """La frecuencia de cada coeficiente de Fourier de una imagen de h × w, en ciclos por píxel, de 0 a √½.

    half: (h, w // 2 + 1), los que guarda `rfft2`; si no, (h, w).
    """
    h, w = whole(h, "h", 1), whole(w, "w", 1)
    columns = torch.fft.rfftfreq(w) if half else torch.fft.fftfreq(w)
    return (torch.fft.fftfreq(h)[:, None] ** 2 + columns ** 2).sqrt()


def ascent_path(heights: Callable[[Tensor], Tensor], start: Tensor, basis: Tensor, lr: float, steps: int) -> Tensor:
    """Por dónde pasa el ascenso de s(x) cuando se buscan los parámetros z, con x = B z: (steps + 1, 2).

    heights: s, de puntos (n, 2) a (n,);  start: el x del comienzo, (2,);  basis: B (2, 2), invertible. El gradiente
    respecto a z es Bᵀ veces el gradiente respecto a x: donde uno es cero, el otro también.
    """
    check_numbers(start, "2", "start")
    check_numbers(basis, "2 2", "basis")
    points, basis, lr = [full(start)], basis.to(full(start)), real(lr, "lr", -HUGE, HUGE)
    for _ in range(whole(steps, "steps")):
        gradient = torch.func.grad(lambda x: heights(x[None])[0])(points[-1])
        points.append(points[-1] + lr * basis @ (basis.T @ gradient))
    return torch.stack(points)


def _shift(acts: dict[str, Tensor], center: float | Tensor) -> Tensor:
    """La imagen menos `center`, un número o imágenes de la misma forma."""
    images = acts[INPUT]
    if isinstance(center, Tensor) and center.shape not in (images.shape, (1, *images.shape[1:])):
        raise ValueError(f"center: esperaba imágenes {tuple(images.shape)} y recibí {tuple(center.shape)}.")
    return images - (center.to(images) if isinstance(center, Tensor) else center)


def _uniform(b: int, generator: Generator) -> Tensor:
    """b números al azar entre −1 y 1."""
    return 2 * torch.rand(b, generator=generator) - 1


def _warp(images: Tensor, matrices: Tensor) -> Tensor:
    """Cada imagen vista por su matriz (b, 2, 2), sobre su centro y en píxeles; lo que queda fuera es reflejo."""
    h, w = images.shape[-2:]
    ratio = torch.tensor([[1.0, h / w], [w / h, 1.0]])          # affine_grid mide de −1 a 1 en cada eje, no en píxeles
    moves = F.pad(matrices * ratio, (0, 1)).to(images)          # (b, 2, 3): la matriz y ningún desplazamiento
    grid = F.affine_grid(moves, list(images.shape), align_corners=False)
    return F.grid_sample(images, grid, padding_mode="reflection", align_corners=False)

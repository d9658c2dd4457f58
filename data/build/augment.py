"""Variaciones al azar de las imágenes de entrenamiento: lo que cambia sin que cambie la clase.

Cada imagen del lote recibe las suyas. Los sorteos salen de un generador con semilla, así que una época se repite igual.
"""

import torch
import torch.nn.functional as F
from torch import Generator, Tensor

SHIFT, ZOOM, TURN = 6 / 64, 0.15, 6.0  # fracción del tamaño (dos veces), grados
GAIN, CONTRAST, TINT = 0.15, 0.20, 0.06  # brillo, contraste y color de la luz


def augment(images: Tensor, generator: Generator, sharp: float = 0.0, light: float = 1.0) -> Tensor:
    """El lote (b, 3, h, w) movido, girado, acercado, reflejado y con otra luz; sigue en [0, 1]."""
    return relight(move(images, generator, sharp), generator, light)


def move(images: Tensor, generator: Generator, sharp: float = 0.0) -> Tensor:
    """Cada imagen con su propio desplazamiento, giro, acercamiento y reflejo; el borde se rellena por reflexión.

    sharp: parte de las imágenes que sólo se refleja y se mueve píxeles enteros. Lo demás interpola y suaviza, y en
    imágenes de 32 × 32 la red ha de ver también la nitidez con que se le examina.
    """
    b, size = len(images), images.shape[-1]
    draw = 2 * torch.rand(b, 5, generator=generator) - 1
    if sharp:
        whole = torch.rand(b, generator=generator) < sharp
        draw[whole, :2] = 0
        draw[whole, 3:] = (draw[whole, 3:] * SHIFT * size).round() / (SHIFT * size)
    zoom, angle = 1 + ZOOM * draw[:, 0], torch.deg2rad(TURN * draw[:, 1])
    flip = draw[:, 2].sign()
    rows = torch.empty(b, 2, 3)
    rows[:, 0, 0], rows[:, 0, 1] = flip * zoom * angle.cos(), -zoom * angle.sin()
    rows[:, 1, 0], rows[:, 1, 1] = flip * zoom * angle.sin(), zoom * angle.cos()
    rows[:, :, 2] = draw[:, 3:] * (2 * SHIFT)
    grid = F.affine_grid(rows.to(images.device), list(images.shape), align_corners=False)
    return F.grid_sample(images, grid, padding_mode="reflection", align_corners=False)


def relight(images: Tensor, generator: Generator, light: float = 1.0) -> Tensor:
    """Cada imagen con su propio brillo, contraste y color de la luz, recortada a [0, 1]. light: cuánto cambian."""
    draw = light * torch.randn(len(images), 5, 1, 1, generator=generator).to(images.device)
    gray = images.mean((1, 2, 3), keepdim=True)
    gain = (1 + GAIN * draw[:, :1]) * (1 + TINT * draw[:, 1:4])
    return ((gray + (images - gray) * (1 + CONTRAST * draw[:, 4:])) * gain).clamp(0, 1)


def mix(images: Tensor, targets: Tensor, strength: float, generator: Generator) -> tuple[Tensor, Tensor]:
    """Cada imagen mezclada con la de otra posición del lote, y sus respuestas (b, clases) en la misma proporción.

    Fuente: Zhang et al. (2018), mixup. strength: 0 no mezcla; 1 mezcla con cualquier proporción.
    """
    if strength == 0:
        return images, targets
    share = 1 - strength * torch.rand(len(images), generator=generator).to(images.device) / 2
    other = torch.randperm(len(images), generator=generator).to(images.device)
    images = torch.lerp(images[other], images, share[:, None, None, None])
    return images, torch.lerp(targets[other], targets, share[:, None])


def cover(images: Tensor, size: int, generator: Generator) -> Tensor:
    """Cada imagen con un cuadro de `size` píxeles tapado con su color medio, en un lugar al azar (0: ninguno)."""
    if size == 0:
        return images
    b, _, h, w = images.shape
    y, x = (torch.rand(2, b, 1, 1, 1, generator=generator) * torch.tensor([h, w]).view(2, 1, 1, 1, 1)).to(images.device)
    rows = (torch.arange(h, device=images.device).view(1, 1, h, 1) - y).abs() < size / 2
    cols = (torch.arange(w, device=images.device).view(1, 1, 1, w) - x).abs() < size / 2
    return torch.where(rows & cols, images.mean((2, 3), keepdim=True), images)


def grain(images: Tensor, strength: float, generator: Generator) -> Tensor:
    """Cada imagen con un ruido de desviación al azar entre 0 y `strength`, recortada a [0, 1] (0: ninguno).

    Quien aprende de copias en JPEG aprende sin el detalle fino que JPEG borra; con el ruido aprende a no estorbarse
    con él. Al azar, la mitad de las imágenes queda sin ruido.
    """
    if strength == 0:
        return images
    draw = (2 * torch.rand(len(images), 1, 1, 1, generator=generator) - 1).clamp(min=0) * strength
    noise = torch.randn(images.shape, generator=generator) * draw
    return (images + noise.to(images.device)).clamp(0, 1)

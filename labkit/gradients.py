"""Leer un gradiente en voz alta: dónde está, hacia dónde pide mover cada píxel, y si es verdad."""
import torch
from torch import Tensor

from labkit.images import colorize
from labkit.shapes import check_shape


def gray_signed(values: Tensor, share: float = 0.99) -> Tensor:
    """Números con signo, (b, 3, h, w), como imágenes: gris es 0; más claro, sube; más oscuro, baja, en cada color.

    El contraste de cada imagen lo pone el percentil `share` de sus valores sin signo, y no el máximo: con él, un solo
    píxel enorme deja todo lo demás en gris.
    """
    check_shape(values, "b 3 h w", "values")
    top = _top(values, share).view(-1, 1, 1, 1)
    return (0.5 + 0.5 * values / top).clamp(0, 1)


def gradient_views(image: Tensor, gradient: Tensor, share: float = 0.99) -> Tensor:
    """Un gradiente (3, h, w) visto de tres maneras, junto a su imagen: (4, 3, h, w).

    La imagen; el gradiente, con gris en el cero; dónde es más largo (amarillo) y dónde no (morado); y si pide aclarar
    (rojo) u oscurecer (azul). share: el percentil que pone el contraste.
    """
    check_shape(image, "3 h w", "image")
    check_shape(gradient, "3 h w", "gradient")
    length, light = (_in_tones(values, share) for values in (gradient.norm(dim=0), gradient.mean(0)))   # (h, w)
    return torch.stack([image, gray_signed(gradient[None], share)[0], colorize(length, limits=(0.0, 1.0)),
                        colorize(light, symmetric=True, limits=(-1.0, 1.0))])


def neighbour_agreement(gradient: Tensor) -> Tensor:
    """Qué tanto pide cada píxel lo mismo que su vecino de la derecha: (b, 3, h, w) → (b,), una correlación de −1 a 1.

    Cerca de 0, cada píxel va por su lado (grano); más alta, los cambios forman manchas.
    """
    check_shape(gradient, "b 3 h w", "gradient")
    left, right = gradient[..., :-1].flatten(1), gradient[..., 1:].flatten(1)
    return torch.stack([torch.corrcoef(torch.stack(pair))[0, 1] for pair in zip(left, right)])


def push(gradient: Tensor, share: float, size: float, seed: int | None = None) -> Tensor:
    """El cambio que mueve `size`, en el sentido del gradiente, solo una parte `share` de los valores: (b, 3, h, w).

    Los que se mueven son los de mayor gradiente; con `seed`, otros tantos al azar, que sirven de control.
    """
    check_shape(gradient, "b 3 h w", "gradient")
    rank = gradient.abs() if seed is None else torch.rand(gradient.shape, generator=torch.Generator().manual_seed(seed))
    count = max(round(share * gradient[0].numel()), 1)
    least = rank.flatten(1).topk(count).values[:, -1].view(-1, 1, 1, 1).to(gradient.device)
    return size * gradient.sign() * (rank.to(gradient.device) >= least)


def _in_tones(values: Tensor, share: float) -> Tensor:
    """Los valores (h, w) entre su percentil `share`, de −1 a 1 y redondeados a 16 tonos de cada signo."""
    return (16 * values / _top(values[None], share)).round().clamp(-16, 16) / 16


def _top(values: Tensor, share: float) -> Tensor:
    """El percentil `share` de los valores sin signo de cada imagen, (b,), nunca 0."""
    flat = values.abs().flatten(1)
    return flat.kthvalue(max(round(share * flat.shape[1]), 1)).values.clamp(min=1e-30)

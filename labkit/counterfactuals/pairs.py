"""Lo que contesta la red sobre una escena y sus variantes, y con qué se rellena lo que falta."""
from collections.abc import Callable
from typing import NamedTuple

import torch
from torch import Tensor, nn

from labkit.anynet import logits_of
from labkit.device import device_of
from labkit.occlusion import Fill, fill_image
from labkit.shapes import check_shape

FILLS: dict[str, Fill] = {"negro": 0.0, "media": "mean", "desenfoque": "blur", "ruido": "noise"}
Denoiser = Callable[[Tensor, float], Tensor]


class Answers(NamedTuple):
    """Lo que contesta la red a cada imagen sobre su clase: el margen (n,) y la probabilidad (n,)."""
    margin: Tensor
    chance: Tensor


def answers(model: nn.Module, images: Tensor, labels: Tensor, size: int = 64) -> Answers:
    """El margen y la probabilidad de la clase de cada imagen (n, 3, h, w); labels: (n,).  size: imágenes por tanda.

    El margen es el logit de la clase menos el mayor de los demás: positivo si gana. No se aplana como la probabilidad.
    """
    n = check_shape(images, "n 3 h w", "images")["n"]
    check_shape(labels, f"{n}", "labels")
    images, labels = images.to(device_of(model)), labels.to(device_of(model))
    with torch.no_grad():
        logits = torch.cat([logits_of(model, part.contiguous(memory_format=torch.channels_last))
                            for part in images.split(size)])
    own = logits.gather(1, labels[:, None])
    rest = logits.scatter(1, labels[:, None], -torch.inf).amax(1)
    return Answers((own[:, 0] - rest).cpu(), logits.softmax(1).gather(1, labels[:, None])[:, 0].cpu())


def filled(image: Tensor, masks: Tensor, fill: Fill = 0.0) -> Tensor:
    """Una copia de la imagen por máscara (b, h, w), con esa máscara tapada: (b, 3, h, w). fill: como en `occlude`."""
    h, w = check_shape(image, "3 h w", "image").values()
    check_shape(masks, f"b {h} {w}", "masks")
    return torch.where(masks[:, None].bool(), fill_image(image, fill), image)


def inpaint(images: Tensor, masks: Tensor, denoiser: Denoiser, steps: int = 16, seed: int = 0) -> Tensor:
    """El hueco de cada imagen, (b, 3, h, w), redibujado por una red que quita ruido; lo de fuera no cambia.

    El hueco empieza en ruido. En cada paso la red limpia la imagen entera, se devuelve lo que sí se conoce y se pone
    otra vez ruido, cada vez menos. Fuente: Song et al. (2021), arXiv:2011.13456, apéndice I.2.
    """
    b, h, w = check_shape(images, "b 3 h w", "images").values()
    check_shape(masks, f"{b} {h} {w}", "masks")
    generator, hole = torch.Generator().manual_seed(seed), masks[:, None]
    sigmas = torch.logspace(0, -1.6, steps).tolist()                            # de 1 a 0.025
    found = torch.where(hole, 0.5, images)
    with torch.no_grad():
        for sigma in sigmas:
            noise = torch.randn(images.shape, generator=generator).to(images)
            found = torch.where(hole, denoiser(found + sigma * noise, sigma), images)
    return found.clamp(0, 1)

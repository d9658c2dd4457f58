"""Las imágenes con que se investiga la red oculta de la lección 1, y en qué se apoya cada respuesta."""

from functools import lru_cache
from typing import NamedTuple

import torch
from torch import Tensor, nn

from labkit.datasets import load_concepts
from labkit.occlusion import cover_mask, occlude

GREY = 0.5  # ni negro ni blanco; la media de la imagen delataría el color del fondo
SMALLEST, LARGEST = 0.03, 0.5  # qué parte de la imagen ocupa la caja del objeto: que se vea, y que deje ver el fondo
SUPPORTS = ("objeto", "fondo", "cualquiera", "juntos")
CLEAR = 0.15  # distancia entre las dos clases más probables a partir de la cual una respuesta es clara
PER_CLASS = 24


class Evidence(NamedTuple):
    """Imágenes para investigar: images (n, 3, h, w), labels (n,), masks (n, h, w) con True en el objeto, y classes."""

    images: Tensor
    labels: Tensor
    masks: Tensor
    classes: list[str]


def load_evidence() -> Evidence:
    """Imágenes de prueba de Escenas con su máscara, hasta 24 por clase, todas con un objeto que deja ver el fondo."""
    return take(_evidence(), slice(None))


def take(evidence: Evidence, index: Tensor | slice) -> Evidence:
    """Una copia de esos casos: quien la recibe puede escribir en ella."""
    images, labels, masks = (values[index].clone() for values in evidence[:3])
    return Evidence(images, labels, masks, list(evidence.classes))


def object_box(mask: Tensor) -> Tensor:
    """El parche más pequeño que tapa todo el objeto de la máscara (h, w): (1, 4)."""
    rows, cols = mask.any(1).nonzero().flatten(), mask.any(0).nonzero().flatten()
    return torch.stack((rows[0], cols[0], rows[-1] + 1, cols[-1] + 1))[None]


def without_object(image: Tensor, mask: Tensor) -> Tensor:
    """La imagen con el objeto escondido bajo un parche gris de su tamaño: (3, h, w). No queda ni la silueta."""
    return occlude(image, object_box(mask), GREY)[0]


def without_background(image: Tensor, mask: Tensor) -> Tensor:
    """La imagen con todo gris salvo el objeto: (3, h, w)."""
    return cover_mask(image, ~mask, GREY)


def versions(evidence: Evidence) -> tuple[Tensor, Tensor, Tensor]:
    """Las imágenes enteras, sin objeto y sin fondo: tres tensores (n, 3, h, w)."""
    pairs = list(zip(evidence.images, evidence.masks))
    hidden = torch.stack([without_object(image, mask) for image, mask in pairs])
    alone = torch.stack([without_background(image, mask) for image, mask in pairs])
    return evidence.images, hidden, alone


@lru_cache(maxsize=1)
def _evidence() -> Evidence:
    concepts = load_concepts("test")
    masks = concepts.object_masks(slice(None))
    share = _extent(masks.any(2)) * _extent(masks.any(1)) / (masks.shape[1] * masks.shape[2])  # de la caja del objeto
    usable = share.clamp(SMALLEST, LARGEST) == share
    mine = [((concepts.labels == label) & usable).nonzero().flatten() for label in range(len(concepts.classes))]
    index = torch.cat([found[:PER_CLASS] for found in mine])
    return Evidence(concepts.images[index], concepts.labels[index], masks[index], list(concepts.classes))


def _extent(lines: Tensor) -> Tensor:
    """Del primer True al último de cada fila de (n, d), con ambos: (n,); 0 si no hay ninguno."""
    first, last = lines.byte().argmax(1), lines.shape[1] - 1 - lines.flip(1).byte().argmax(1)
    return torch.where(lines.any(1), last - first + 1, 0)


def supports(model: nn.Module, evidence: Evidence) -> list[str]:
    """En qué se apoya cada respuesta correcta de la red: una palabra por imagen.

    «fondo»: acierta sin el objeto y no sin el fondo. «objeto»: al revés. «cualquiera»: acierta con uno solo de los dos.
    «juntos»: necesita ambos. «dudoso»: se equivoca con la imagen entera, o alguna de las tres respuestas no es clara.
    """
    with torch.inference_mode():
        chances = [torch.cat([model(p).softmax(1) for p in images.split(64)]) for images in versions(evidence)]
    return kinds_from(chances, evidence.labels)


def kinds_from(chances: list[Tensor], labels: Tensor) -> list[str]:
    """Lo que dice `supports`, a partir de las probabilidades (n, clases): imagen entera, sin objeto y sin fondo."""
    words = {(True, False): "fondo", (False, True): "objeto", (True, True): "cualquiera", (False, False): "juntos"}
    best = [probabilities.topk(2).values for probabilities in chances]
    sure = torch.stack([first - second > CLEAR for first, second in (pair.unbind(1) for pair in best)]).all(0)
    right = [probabilities.argmax(1) == labels for probabilities in chances]
    rows = zip(sure.tolist(), *(answers.tolist() for answers in right))
    return [words[hidden, alone] if clear and whole else "dudoso" for clear, whole, hidden, alone in rows]


def resting_on_background(model: nn.Module, evidence: Evidence) -> list[int]:
    """Las posiciones de las imágenes cuya respuesta correcta se apoya en el fondo y no en el objeto."""
    return [i for i, kind in enumerate(supports(model, evidence)) if kind == "fondo"]

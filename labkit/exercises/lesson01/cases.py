"""Las imágenes de la investigación de la lección 1, según el número de cuenta, y en qué se apoya cada respuesta."""

from functools import lru_cache
from typing import NamedTuple

import torch
from torch import Tensor, nn

from labkit.datasets import load_concepts
from labkit.exercises.accounts import clean_account, variant
from labkit.models import load_model
from labkit.occlusion import cover_mask, occlude

GREY = 0.5  # ni negro ni blanco; la media de la imagen delataría el color del fondo
SMALLEST, LARGEST = 0.03, 0.5  # qué parte de la imagen ocupa la caja del objeto: que se vea, y que deje ver el fondo
SUPPORTS = ("objeto", "fondo", "cualquiera", "juntos")
CLEAR = 0.15  # distancia entre las dos clases más probables a partir de la cual una respuesta es clara


class Evidence(NamedTuple):
    """Imágenes para investigar: images (n, 3, h, w), labels (n,), masks (n, h, w) con True en el objeto, y classes."""

    images: Tensor
    labels: Tensor
    masks: Tensor
    classes: list[str]


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


def load_evidence() -> Evidence:
    """Imágenes de prueba de Escenas con su máscara, veinte por clase, todas con un objeto que deja ver el fondo."""
    return _take(_evidence(), slice(None))


@lru_cache(maxsize=1)
def _evidence(per_class: int = 20) -> Evidence:
    concepts = load_concepts("test")
    masks = concepts.object_masks(slice(None))
    usable = _box_share(masks).clamp(SMALLEST, LARGEST) == _box_share(masks)
    mine = [((concepts.labels == label) & usable).nonzero().flatten() for label in range(len(concepts.classes))]
    index = torch.cat([found[:per_class] for found in mine])
    return Evidence(concepts.images[index], concepts.labels[index], masks[index], list(concepts.classes))


def my_images(account: str | int | None) -> Evidence:
    """Cuatro imágenes que la red «escenas» clasifica bien, según tu número de cuenta: una o dos se apoyan en el fondo.

    Error: ValueError si el número de cuenta no se entiende.
    """
    account = clean_account(account)
    groups = {kind: [i for i, found in enumerate(_kinds()) if found == kind] for kind in SUPPORTS}
    fourth = ("juntos", "fondo", "objeto")[variant(account, 3, "cuarta imagen")]
    chosen: list[int] = []
    for place, kind in enumerate(("fondo", "objeto", "cualquiera", fourth)):
        options = [i for i in groups[kind] or groups["objeto"] if i not in chosen]
        chosen.append(options[variant(account, len(options), f"imagen {place}")])
    first = variant(account, len(chosen), "orden")
    return _take(_evidence(), torch.tensor(chosen[first:] + chosen[:first]))


@lru_cache(maxsize=1)
def _kinds() -> list[str]:
    return supports(load_model("escenas", device="cpu"), _evidence())


def _take(evidence: Evidence, index: Tensor | slice) -> Evidence:
    """Una copia de esos casos: quien la recibe puede escribir en ella."""
    images, labels, masks = (values[index].clone() for values in evidence[:3])
    return Evidence(images, labels, masks, list(evidence.classes))


def supports(model: nn.Module, evidence: Evidence) -> list[str]:
    """En qué se apoya cada respuesta correcta de la red: una palabra por imagen.

    «fondo»: acierta sin el objeto y no sin el fondo. «objeto»: al revés. «cualquiera»: acierta con uno solo de los dos.
    «juntos»: necesita ambos. «dudoso»: se equivoca con la imagen entera, o alguna de las tres respuestas no es clara.
    """
    words = {(True, False): "fondo", (False, True): "objeto", (True, True): "cualquiera", (False, False): "juntos"}
    answers = [_answers(model, images, evidence.labels) for images in versions(evidence)]
    rows = zip(*(answer.tolist() for answer, _ in answers), torch.stack([sure for _, sure in answers]).all(0).tolist())
    return [words[hidden, alone] if whole and sure else "dudoso" for whole, hidden, alone, sure in rows]


def resting_on_background(model: nn.Module, evidence: Evidence) -> list[int]:
    """Las posiciones de las imágenes cuya respuesta correcta se apoya en el fondo y no en el objeto."""
    return [i for i, kind in enumerate(supports(model, evidence)) if kind == "fondo"]


def versions(evidence: Evidence) -> tuple[Tensor, Tensor, Tensor]:
    """Las imágenes enteras, sin objeto y sin fondo: tres tensores (n, 3, h, w)."""
    pairs = list(zip(evidence.images, evidence.masks))
    hidden = torch.stack([without_object(image, mask) for image, mask in pairs])
    alone = torch.stack([without_background(image, mask) for image, mask in pairs])
    return evidence.images, hidden, alone


def _answers(model: nn.Module, images: Tensor, labels: Tensor) -> tuple[Tensor, Tensor]:
    """En qué imágenes acierta la red y en cuáles su respuesta es clara: dos tensores (n,) de verdadero o falso."""
    with torch.inference_mode():
        probabilities = torch.cat([model(part).softmax(1) for part in images.split(64)])
    first, second = probabilities.topk(2).values.unbind(1)
    return probabilities.argmax(1) == labels, first - second > CLEAR


def _box_share(masks: Tensor) -> Tensor:
    """Qué parte de la imagen ocupa la caja de cada objeto: (n,); 0 si no hay objeto."""
    sides = [_extent(masks.any(2)), _extent(masks.any(1))]  # alto y ancho
    return sides[0] * sides[1] / (masks.shape[1] * masks.shape[2])


def _extent(lines: Tensor) -> Tensor:
    """Del primer True al último de cada fila de (n, d), con ambos: (n,)."""
    first, last = lines.byte().argmax(1), lines.shape[1] - 1 - lines.flip(1).byte().argmax(1)
    return torch.where(lines.any(1), last - first + 1, 0)

"""En qué capa se rebasa a lo hecho a mano: lo que le toca a cada quien, y qué decir de su respuesta."""
from collections.abc import Iterator
from typing import NamedTuple

import torch
from torch import Tensor

from labkit.datasets import load_images
from labkit.exercises.accounts import account_or_sample, row_of
from labkit.exercises.answers import read_pair
from labkit.exercises.verdict import Revise
from labkit.models import load_model
from labkit.pixels import hand_made, linear_svm
from labkit.vectors import features_by_layer

LAYERS, NEAR, TRAIN = ("relu1", "relu2", "relu3", "relu4", "relu5", "relu6"), 0.011, 1000
ASK = 'escribe una pareja: el nombre de una capa y una exactitud de 0 a 1. Por ejemplo, ("relu5", 0.42).'


class LayerRow(NamedTuple):
    """La red y las clases; la capa que rebasa, lo que acierta cada cosa, y las capas que se confunden con ella.

    margin: lo menos que hay entre una capa y lo hecho a mano, hacia arriba o hacia abajo.
    """
    network: str
    classes: str
    layer: str
    hand: float
    pixels: float
    reached: float
    best: str
    over_pixels: str
    margin: float


def my_classes(account: str | int | None) -> tuple[str, list[int]]:
    """La red y las cuatro clases que le tocan a un número de cuenta. Error: ValueError si el número no se entiende."""
    row = layer_row(account_or_sample(account))
    return row.network, [int(k) for k in row.classes.split()]


def of_classes(images: Tensor, labels: Tensor, classes: list[int]) -> tuple[Tensor, Tensor]:
    """Las imágenes de esas clases, y su clase."""
    kept = torch.isin(labels, torch.tensor(classes))
    return images[kept], labels[kept]


def accuracies(network: str, classes: list[int]) -> dict[str, float]:
    """Lo que acierta la máquina con píxeles, a mano y con cada capa, en esas clases."""
    parts = [load_images("train", n=TRAIN), load_images("test")]
    (known, names), (asked, truth) = (of_classes(part.images, part.labels, classes) for part in parts)
    model = load_model(network, device="cpu")
    before, after = (features_by_layer(model, part, LAYERS, "max") for part in (known, asked))
    vectors = {"píxeles": (known.flatten(1), asked.flatten(1)), "a mano": (hand_made(known), hand_made(asked))}
    vectors |= {layer: (before[layer], after[layer]) for layer in LAYERS}
    return {name: linear_svm(mine, names, others, truth).accuracy for name, (mine, others) in vectors.items()}


def overtaking_layer(network: str, classes: list[int]) -> tuple[str, float]:
    """La primera capa que acierta más que lo hecho a mano, y lo que acierta lo hecho a mano."""
    found = accuracies(network, classes)
    return next(layer for layer in LAYERS if found[layer] > found["a mano"]), found["a mano"]


def layer_row(account: str) -> LayerRow:
    """Lo que le toca a un número de cuenta, con lo que se mide en ello."""
    return row_of(account, "overtaking_layer", LayerRow, "clases de la lección 0")


def read_layer(value: object, row: LayerRow) -> tuple[str, float]:
    """La respuesta como (capa, exactitud), o el veredicto que pide escribirla bien."""
    layer, accuracy = read_pair(value, (str, float), ASK)
    layer = layer.replace(" ", "").lower()
    if layer not in LAYERS:
        raise Revise(f"«{layer}» no es una de las capas que se comparan: {', '.join(LAYERS)}.")
    if not 0 <= accuracy < 100.5:
        raise Revise(f"una exactitud va de 0 a 1, y escribiste {accuracy:g}.")
    return layer, accuracy


def layer_reasons(given: tuple[str, float], row: LayerRow) -> Iterator[tuple[bool, str]]:
    """Qué decir de una capa y una exactitud: parejas (se cumple, mensaje), y la última se cumple siempre."""
    layer, accuracy = given
    named = layer == row.layer
    yield named and accuracy > 1, "la capa está bien; la exactitud va de 0 a 1, no en porcentaje."
    yield (named and abs(accuracy - row.pixels) < NEAR,
           "la capa está bien; la exactitud es la de los píxeles, y se pide la de lo hecho a mano.")
    yield (named and abs(accuracy - row.reached) < NEAR,
           "la capa está bien; la exactitud es la de esa capa, y se pide la de lo hecho a mano.")
    yield named, "la capa está bien; revisa la exactitud de lo hecho a mano, en las imágenes de prueba de tus clases."
    yield layer == row.best, "esa es la capa que más acierta; se pide la primera que rebasa a lo hecho a mano."
    yield layer == row.over_pixels, "esa rebasa a los píxeles; se pide la que rebasa a lo hecho a mano."
    yield (LAYERS.index(layer) > LAYERS.index(row.layer),
           "esa también rebasa a lo hecho a mano, pero no es la primera: mira las de antes.")
    yield True, "esa todavía no rebasa a lo hecho a mano: compara su .accuracy con la de hand_made."

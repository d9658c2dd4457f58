"""Las redes del curso: cómo se construyen, cómo se cargan y su doble con pesos al azar.

Contrato de `load_model`: la red llega en `eval()`, congelada, sin ReLU que escriban sobre su entrada y con la
normalización como primera capa, así que toda imagen del curso es RGB en [0, 1].
"""

import json
from collections import OrderedDict
from collections.abc import Sequence
from functools import partial
from unicodedata import combining, normalize

import torch
from torch import nn

from labkit.activations import layer_names
from labkit.anynet import hidden, weights_dtype
from labkit.device import device_of, pick_device
from labkit.files import data_path
from labkit.models.families import inception_network, residual_network
from labkit.models.imagenet import LAYERS, imagenet_network
from labkit.models.layouts import Logits, Sealed, learn_layouts
from labkit.models.plain import GlobalAverage, Normalize, plain_network, read_weights, ready, save_model
from labkit.models.redrawing import copied, draw_weights, not_redrawn, random_twin
from labkit.pictures import load_picture

FAMILIES = {"inception": inception_network, "residual": residual_network}
IMAGENET = tuple(LAYERS)  # redes de torchvision que `load_model` sabe abrir

__all__ = ["GlobalAverage", "Normalize", "draw_weights", "find_classes", "inception_network", "load_model",
           "model_card", "not_redrawn", "plain_name", "plain_network", "random_twin", "residual_network", "save_model",
           "shipped_models", "wrap"]


def load_model(name: str = "escenas", device: str | torch.device | None = None, download: bool = False) -> nn.Module:
    """Una red entrenada, lista para preguntarle: `eval()`, congelada, en `device` (o en el mejor que haya).

    name: una red que viene con el curso (`shipped_models()`, o de los experimentos de la lección 5, «experimentos/…») o
    una de torchvision con sus pesos de ImageNet (IMAGENET).
    Trae `.classes` (nombres de las clases), `.layers` (nombres de sus capas; la última, `fc`, da los logits) y
    `.preprocess(foto)`, que lleva cualquier fotografía a lo que la red espera. Recibe imágenes (b, 3, h, w) RGB en
    [0, 1]. download: si faltan los pesos de una red de ImageNet, bajarlos a la caché de torchvision.
    Errores: nombre desconocido, archivo dañado o pesos sin descargar.
    """
    place = pick_device(None if device is None else str(device))
    if name in IMAGENET:
        model = imagenet_network(name, download)
    elif name in (*shipped_models(), *shipped_models("experimentos")):
        model = _shipped_network(name)
    else:
        known = ", ".join((*shipped_models(), *IMAGENET))
        raise ValueError(f"No hay una red llamada {name!r}. Las que hay son: {known}.")
    return ready(model).to(place)


def shipped_models(folder: str = "") -> list[str]:
    """Los nombres de las redes que vienen con el curso, en orden alfabético; las de la lección 5, en «experimentos»."""
    prefix = f"{folder}/" if folder else ""
    return sorted(prefix + path.stem for path in data_path("networks", folder).glob("*.safetensors"))


def model_card(name: str = "escenas") -> dict[str, str]:
    """La ficha con que se guardó una red del curso: arquitectura, clases, semilla, exactitud, épocas, segundos."""
    return read_weights("networks", f"{name}.safetensors")[1]


def wrap(model: nn.Module, mean: Sequence[float], std: Sequence[float], classes: Sequence[str],
         size: int = 224) -> nn.Sequential:
    """Una copia de cualquier clasificador de imágenes, lista para el curso: `normalize`, tu red y `fc`, sus logits.

    mean, std: la media y la desviación con que normalizas cada canal de una imagen en [0, 1] (si no normalizas: ceros y
    unos). classes: los nombres de sus clases, en el orden de los logits. size: lado de las imágenes que espera.
    Tus capas conservan su nombre tras el prefijo `network.`; `.layers` las lista, y `.layouts` dice dónde pone cada una
    sus canales: con canales al final, o con fichas, `run` da de todos modos (b, c, h, w).  Conserva la precisión de tus
    pesos y recibe imágenes en float32. De una red compilada se toma la original; de una TorchScript solo se ven los
    logits.  ValueError si no puede con imágenes de ese lado, si está en «meta» o si no se hallan sus logits.
    """
    if not len(mean) == len(std) == 3 or min(std) <= 0:
        raise ValueError(f"mean, std: esperaba tres números cada una, std > 0, y recibí {mean} y {std}.")
    place, inside, names = device_of(model), copied(model), [str(name) for name in classes]
    pieces = OrderedDict(normalize=Normalize(mean, std).to(weights_dtype(model)),
                         network=Sealed(inside) if hidden(inside) else inside, fc=Logits(len(names)))
    wrapped = ready(nn.Sequential(pieces).to(place))
    wrapped.classes, wrapped.layers = names, layer_names(wrapped)
    wrapped.preprocess = partial(load_picture, size=size)
    wrapped.layouts = learn_layouts(wrapped, size)
    return wrapped


def find_classes(model: nn.Module, text: str) -> list[tuple[int, str]]:
    """Las clases de la red cuyo nombre, en español o en inglés, contiene `text`: parejas (índice, nombre en español).

    No distingue mayúsculas ni acentos; con más de una palabra, han de estar todas. Lista vacía si no hay ninguna.
    """
    words = plain_name(text).split()
    names = zip(model.classes, getattr(model, "english", model.classes), strict=True)
    return [(k, spanish) for k, (spanish, english) in enumerate(names)
            if words and all(word in f"{plain_name(spanish)} {plain_name(english)}" for word in words)]


def plain_name(text: str) -> str:
    """Un nombre sin mayúsculas, acentos ni espacios de más, para comparar lo que se escribe a mano."""
    letters = normalize("NFKD", " ".join(text.casefold().split()))
    return "".join(letter for letter in letters if not combining(letter))


def _shipped_network(name: str) -> nn.Sequential:
    """La red guardada en data/networks, reconstruida según su ficha, en float32."""
    weights, card = read_weights("networks", f"{name}.safetensors")
    classes = json.loads(card["classes"])
    if card["architecture"] in FAMILIES:
        model = FAMILIES[card["architecture"]](classes)
    else:
        model = plain_network(classes, json.loads(card["widths"]), int(card["dense"]), card["batch_norm"] == "True",
                              json.loads(card.get("pools", "null")), int(card.get("first", 5)))
    model.load_state_dict(weights)
    model.preprocess = partial(load_picture, size=int(card.get("size", 64)))
    return model

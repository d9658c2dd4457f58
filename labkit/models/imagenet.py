"""Las redes de ImageNet que trae torchvision, como redes planas con capas de nombre de libro.

AlexNet (Krizhevsky et al., 2012), VGG16 (Simonyan y Zisserman, 2015), GoogLeNet o Inception V1 (Szegedy et al., 2015),
ResNet (He et al., 2016) y SqueezeNet 1.1 (Iandola et al., 2016). Los pesos son los publicados por torchvision.
"""
import warnings
from collections import OrderedDict
from functools import partial
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn

from labkit.downloads import fetch_file, import_torchvision, real_data
from labkit.files import read_data
from labkit.models.plain import GlobalAverage, Normalize, full_precision, named
from labkit.pictures import load_picture

_RESNET = "conv1 bn1 relu1 pool1 layer1 layer2 layer3 layer4 gap fc"
LAYERS = {  # red → sus capas, de la entrada a los logits, después de `normalize`
    "googlenet": "conv1 pool1 conv2 conv3 pool2 inception3a inception3b pool3 inception4a inception4b inception4c "
                 "inception4d inception4e pool4 inception5a inception5b gap fc",
    "squeezenet1_1": "conv1 relu1 pool1 fire2 fire3 pool3 fire4 fire5 pool5 fire6 fire7 fire8 fire9 conv10 relu10 fc",
    "alexnet": "conv1 relu1 pool1 conv2 relu2 pool2 conv3 relu3 conv4 relu4 conv5 relu5 pool5 avgpool flatten "
               "fc6 relu6 fc7 relu7 fc",
    "vgg16": "conv1_1 relu1_1 conv1_2 relu1_2 pool1 conv2_1 relu2_1 conv2_2 relu2_2 pool2 "
             "conv3_1 relu3_1 conv3_2 relu3_2 conv3_3 relu3_3 pool3 "
             "conv4_1 relu4_1 conv4_2 relu4_2 conv4_3 relu4_3 pool4 "
             "conv5_1 relu5_1 conv5_2 relu5_2 conv5_3 relu5_3 pool5 avgpool flatten fc6 relu6 fc7 relu7 fc",
    "resnet18": _RESNET,
    "resnet50": _RESNET,
}


def imagenet_network(name: str, download: bool = False) -> nn.Sequential:
    """Una red de torchvision con sus pesos de ImageNet y su normalización dentro: (b, 3, h, w) → logits (b, 1000).

    Trae `.classes` en español, `.english` en inglés y `.preprocess`, que ajusta cualquier fotografía a lo que espera.
    Errores: los de `load_weights`.
    """
    models = import_torchvision().models
    info = models.get_model_weights(name).IMAGENET1K_V1
    with torch.device("meta"):  # sin gastar memoria ni azar en pesos que se van a reemplazar
        network = models.get_model(name, weights=None, **({"init_weights": False} if name == "googlenet" else {}))
    try:
        network.load_state_dict(load_weights(name, download), assign=True)
    except RuntimeError as error:
        if "state_dict" not in str(error):
            raise
        raise RuntimeError(f"{name}: esos pesos no son los de esa red. Borra el archivo y repite.") from error
    usual = info.transforms()
    # GoogLeNet vuelve a normalizar lo que recibe (transform_input): las dos cuentas juntas son (imagen − 0.5) / 0.5
    middle = ((0.5,) * 3, (0.5,) * 3) if name == "googlenet" else (usual.mean, usual.std)
    layers = OrderedDict(normalize=Normalize(*middle))
    layers.update(zip(LAYERS[name].split(), _pieces(network), strict=True))
    model = named(nn.Sequential(layers), read_data("imagenet_clases.txt").decode("utf-8").splitlines())
    size, whole = usual.crop_size[0], usual.resize_size[0]
    model.english = list(info.meta["categories"])
    model.preprocess = partial(load_picture, size=size, border=(1 - size / whole) / 2)
    return model


def load_weights(name: str, download: bool = False) -> dict[str, Tensor]:
    """Los pesos publicados de una red, de la carpeta LABKIT_REAL_DATA o de la caché de torchvision, en float32.

    FileNotFoundError si no están y no pides bajarlos; RuntimeError si están dañados o la descarga falla.
    """
    info = import_torchvision().models.get_model_weights(name).IMAGENET1K_V1
    cached = Path(torch.hub.get_dir(), "checkpoints", Path(info.url).name)
    size = f"{info.meta.get('_file_size', 100):.0f} MB"
    path = real_data(f"{name}_imagenet.pth") or cached
    if not path.is_file() and not download:
        raise FileNotFoundError(f"los pesos de {name} no están en esta computadora. Se bajan una sola vez ({size}) con "
                                f'load_model("{name}", download=True) o, en una terminal, con '
                                f"python -m labkit fetch {name}.")
    try:
        return _read(path if path.is_file() else _fetch(info.url, cached))
    except RuntimeError:
        if path != cached or not download or not cached.is_file():
            raise
        return _read(_fetch(info.url, cached))  # la copia estaba dañada: otra


def _fetch(url: str, path: Path) -> Path:
    """Los pesos bajados a `path`; su nombre trae el principio de su SHA-256."""
    return fetch_file(url, path, path.stem.rpartition("-")[2])


def _read(path: Path) -> dict[str, Tensor]:
    """Los pesos de un archivo de torchvision, sin ejecutar nada de lo que traiga; RuntimeError si está dañado."""
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # de un archivo dañado torch también avisa por stderr
            weights = torch.load(path, map_location="cpu", weights_only=True)
        return full_precision(weights)
    except Exception as error:  # un archivo a medias hace fallar de muchas maneras a quien lo lee
        raise RuntimeError(f"los pesos de {path} están dañados: borra ese archivo y repite, o pide otra copia con "
                           "download=True.") from error


def _pieces(network: Any) -> list[nn.Module]:
    """Los módulos de una red de torchvision en el orden en que actúan; la omisión (dropout) no actúa en eval()."""
    if hasattr(network, "features"):
        pooled = [network.avgpool, nn.Flatten()] if hasattr(network, "avgpool") else []
        pieces = [*network.features, *pooled, *network.classifier]
    else:
        pieces = [module for name, module in network.named_children() if not name.startswith("aux")]
    pieces = [_plain_inception(piece) for piece in pieces if not isinstance(piece, nn.Dropout)]
    return [GlobalAverage() if getattr(piece, "output_size", 0) == (1, 1) else piece for piece in pieces]


def _plain_inception(module: nn.Module) -> nn.Module:
    """El módulo con cada convolución de GoogLeNet como tres capas, conv, bn y relu: su ReLU no era una capa."""
    if type(module).__name__ == "BasicConv2d":
        return nn.Sequential(OrderedDict(conv=module.conv, bn=module.bn, relu=nn.ReLU()))
    for name, child in module.named_children():
        setattr(module, name, _plain_inception(child))
    return module

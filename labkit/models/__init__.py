"""Las redes del curso: cómo se construyen, cómo se cargan y su doble con pesos al azar.

Contrato de `load_model`: la red llega en `eval()`, congelada, sin ReLU que escriban sobre su entrada y con la
normalización como primera capa, así que toda imagen del curso es RGB en [0, 1].
"""

import copy
import json
import os
import sys
from collections import OrderedDict
from collections.abc import Sequence
from pathlib import Path
from pickle import UnpicklingError
from types import ModuleType

import safetensors
import safetensors.torch
import torch
from torch import Tensor, nn

from labkit.device import pick_device
from labkit.files import data_path, read_data

IMAGENET = ("squeezenet1_1",)  # redes de torchvision que `load_model` sabe abrir

SPANISH = {  # clases de ImageNet que el curso puede mostrar
    "monastery": "monasterio", "palace": "palacio", "bell cote": "espadaña", "church": "iglesia", "dome": "cúpula",
    "castle": "castillo", "beacon": "faro", "stupa": "estupa", "tile roof": "tejado", "mosque": "mezquita",
    "mushroom": "hongo", "honeycomb": "panal", "golf ball": "pelota de golf", "agaric": "agárico",
    "coral fungus": "hongo coral", "stinkhorn": "falo hediondo", "acorn": "bellota", "daisy": "margarita",
    "Indian cobra": "cobra india", "sea anemone": "anémona de mar", "vase": "florero", "bee": "abeja",
    "airliner": "avión de línea", "sports car": "automóvil deportivo", "convertible": "convertible",
    "minivan": "minivan", "trailer truck": "camión con remolque", "fire engine": "camión de bomberos",
    "container ship": "barco carguero", "speedboat": "lancha", "mountain bike": "bicicleta de montaña",
    "goldfinch": "jilguero", "robin": "petirrojo", "tabby": "gato atigrado", "Egyptian cat": "gato egipcio",
    "jaguar": "jaguar", "leopard": "leopardo", "golden retriever": "perro cobrador dorado", "zebra": "cebra",
    "sorrel": "caballo alazán", "goldfish": "pez dorado", "Siberian husky": "husky siberiano",
    "timber wolf": "lobo gris", "seashore": "playa", "lakeside": "orilla de lago", "pirate": "barco pirata",
}


class Normalize(nn.Module):
    """Lleva imágenes (b, 3, h, w) de [0, 1] a (imagen − media) / desviación, canal por canal."""

    def __init__(self, mean: Sequence[float] = (0.5, 0.5, 0.5), std: Sequence[float] = (0.25, 0.25, 0.25)) -> None:
        super().__init__()
        self.register_buffer("mean", torch.tensor(mean).view(3, 1, 1))
        self.register_buffer("std", torch.tensor(std).view(3, 1, 1))

    def forward(self, images: Tensor) -> Tensor:
        return (images - self.mean) / self.std


class GlobalAverage(nn.Module):
    """La media de cada mapa de activación: (b, c, h, w) → (b, c)."""

    def forward(self, maps: Tensor) -> Tensor:
        return maps.mean((2, 3))


def plain_network(
    classes: int | Sequence[str],
    widths: Sequence[int] = (24, 48, 64, 96, 128),
    dense: int = 64,
    batch_norm: bool = False,
) -> nn.Sequential:
    """Una red convolucional plana y sin entrenar, con capas de nombre de libro: normalize, conv1, relu1, pool1, … fc.

    classes: cuántas clases, o sus nombres. widths: canales de cada convolución; las dos últimas van sin `pool` detrás.
    dense: unidades de la capa densa oculta. (b, 3, h, w) en [0, 1] → logits (b, clases).
    """
    names = [str(i) for i in range(classes)] if isinstance(classes, int) else list(classes)
    layers: OrderedDict[str, nn.Module] = OrderedDict(normalize=Normalize())
    for i, (before, width) in enumerate(zip((3, *widths), widths), start=1):
        layers[f"conv{i}"] = nn.Conv2d(before, width, 5 if i == 1 else 3, padding=2 if i == 1 else 1)
        if batch_norm:
            layers[f"bn{i}"] = nn.BatchNorm2d(width)
        layers[f"relu{i}"] = nn.ReLU()
        if i <= len(widths) - 2:
            layers[f"pool{i}"] = nn.MaxPool2d(2)
    layers["gap"] = GlobalAverage()
    layers["dense"] = nn.Linear(widths[-1], dense)
    layers[f"relu{len(widths) + 1}"] = nn.ReLU()
    layers["fc"] = nn.Linear(dense, len(names))
    return _named(nn.Sequential(layers), names)


def load_model(name: str = "escenas", device: str | torch.device | None = None, download: bool = False) -> nn.Module:
    """Una red entrenada, lista para preguntarle: `eval()`, congelada, en `device` (o en el mejor que haya).

    Trae `.classes` (nombres de las clases) y `.layers` (nombres de sus capas; la última, `fc`, da los logits).
    Recibe imágenes (b, 3, h, w) RGB en [0, 1]. download: si faltan los pesos de una red de ImageNet, bajarlos con
    torchvision. Errores: nombre desconocido, archivo dañado o pesos sin descargar.
    """
    place = pick_device(None if device is None else str(device))
    if name in IMAGENET:
        model = _imagenet_network(name, download)
    elif name in shipped_models():
        model = _shipped_network(name)
    else:
        known = ", ".join((*shipped_models(), *IMAGENET))
        raise ValueError(f"No hay una red llamada {name!r}. Las que hay son: {known}.")
    return _ready(model).to(place)


def shipped_models() -> list[str]:
    """Los nombres de las redes que vienen con el curso, en orden alfabético."""
    return sorted(path.stem for path in data_path("networks").glob("*.safetensors"))


def model_card(name: str = "escenas") -> dict[str, str]:
    """La ficha con que se guardó una red del curso: arquitectura, clases, semilla, exactitud, épocas, segundos."""
    return _unpack(name)[1]


def random_twin(model: nn.Module, seed: int = 0) -> nn.Module:
    """La misma red con pesos nuevos al azar (He et al., 2015): el control de toda explicación.

    No toca a `model`; con la misma semilla da siempre el mismo doble, en el mismo dispositivo que `model`.
    """
    place = next(model.parameters()).device
    twin = draw_weights(copy.deepcopy(model).cpu(), seed)
    return _ready(twin).to(place)


def draw_weights(model: nn.Module, seed: int = 0) -> nn.Module:
    """Sortea de nuevo, ahí mismo, los pesos de `model` y lo devuelve: Kaiming normal, sesgos en 0, normas en 1."""
    generator = torch.Generator().manual_seed(seed)
    with torch.no_grad():
        for module in model.modules():
            if isinstance(module, (nn.Conv2d, nn.Linear)):
                nn.init.kaiming_normal_(module.weight, nonlinearity="relu", generator=generator)
                if module.bias is not None:
                    module.bias.zero_()
            elif hasattr(module, "reset_parameters"):
                module.reset_parameters()
    return model


def save_model(model: nn.Module, path: Path, notes: dict[str, str]) -> None:
    """Guarda en `path` una red de `plain_network` en media precisión, con su ficha: arquitectura, clases y `notes`."""
    weights = {key: value.detach().cpu().contiguous() for key, value in model.state_dict().items()}
    weights = {key: value.half() if value.is_floating_point() else value for key, value in weights.items()}
    card = {"architecture": "plain", "dense": str(model.dense.out_features),
            "widths": json.dumps([module.out_channels for module in model if isinstance(module, nn.Conv2d)]),
            "batch_norm": str(any(isinstance(module, nn.BatchNorm2d) for module in model)),
            "classes": json.dumps(model.classes, ensure_ascii=False)}
    temporary = path.with_suffix(".tmp")
    path.parent.mkdir(parents=True, exist_ok=True)
    temporary.write_bytes(safetensors.torch.save(weights, metadata={**notes, **card}))
    temporary.replace(path)


def _named(model: nn.Module, classes: Sequence[str]) -> nn.Module:
    """La red con los nombres de sus clases y de sus capas a la vista."""
    model.classes = list(classes)
    model.layers = [name for name, _ in model.named_children()]
    return model


def _ready(model: nn.Module) -> nn.Module:
    """La red en `eval()`, congelada y sin operaciones que escriban sobre su entrada."""
    for module in model.modules():
        if hasattr(module, "inplace"):
            module.inplace = False
    return model.eval().requires_grad_(False)


def _unpack(name: str) -> tuple[dict[str, Tensor], dict[str, str]]:
    """Los pesos y la ficha de un archivo de data/networks; ValueError si no se deja leer."""
    content = read_data("networks", f"{name}.safetensors")
    try:
        weights = safetensors.torch.load(content)
        header = json.loads(content[8:8 + int.from_bytes(content[:8], "little")])  # 8 bytes con el largo, y el índice
        return weights, header["__metadata__"]
    except (safetensors.SafetensorError, KeyError) as error:
        raise ValueError(f"{name}.safetensors no se deja leer: está dañado o no es una red del curso. "
                         "Recupéralo del repositorio.") from error


def _shipped_network(name: str) -> nn.Sequential:
    """La red guardada en data/networks, reconstruida según su ficha, en float32."""
    weights, card = _unpack(name)
    model = plain_network(json.loads(card["classes"]), json.loads(card["widths"]), int(card["dense"]),
                          card["batch_norm"] == "True")
    model.load_state_dict({key: w.float() if w.is_floating_point() else w for key, w in weights.items()})
    return model


def _imagenet_network(name: str, download: bool) -> nn.Sequential:
    """Una red de torchvision con sus pesos de ImageNet y su normalización dentro."""
    models = _torchvision().models
    info = models.get_model_weights(name).IMAGENET1K_V1
    network = models.get_model(name, weights=None)
    network.load_state_dict(_imagenet_weights(name, info, download))
    usual = info.transforms()
    return _flat_squeezenet(network, Normalize(usual.mean, usual.std), info.meta["categories"])


def _imagenet_weights(name: str, info: object, download: bool) -> dict[str, Tensor]:
    """Los pesos de la carpeta LABKIT_REAL_DATA o de la caché de torchvision; si no están, se bajan cuando se pide."""
    folder = os.environ.get("LABKIT_REAL_DATA")
    places = [Path(folder, f"{name}_imagenet.pth")] if folder else []
    for path in filter(Path.is_file, [*places, Path(torch.hub.get_dir(), "checkpoints", Path(info.url).name)]):
        try:
            return torch.load(path, map_location="cpu", weights_only=True)
        except (OSError, RuntimeError, EOFError, UnpicklingError) as error:
            raise RuntimeError(f"los pesos de {path} están dañados: borra ese archivo y repite.") from error
    if not download:
        raise FileNotFoundError(f"los pesos de {name} no están en esta computadora. "
                                f'Con load_model("{name}", download=True) se bajan (unos 5 MB).')
    try:
        return info.get_state_dict(progress=False, check_hash=True, map_location="cpu")
    except (OSError, RuntimeError) as error:  # sin red, sin permiso para escribir o descarga a medias
        raise RuntimeError(f"no pude bajar los pesos de {name}: hace falta internet la primera vez (unos 5 MB). "
                           "Conéctate y repite; lo demás del curso funciona sin red.") from error


def _flat_squeezenet(network: nn.Module, normalize: Normalize, categories: Sequence[str]) -> nn.Sequential:
    """SqueezeNet (Iandola et al., 2016) como red plana; sus logits son la media espacial de `relu10`, aquí `fc`."""
    names = "conv1 relu1 pool1 fire2 fire3 pool3 fire4 fire5 pool5 fire6 fire7 fire8 fire9".split()
    layers = OrderedDict([("normalize", normalize), *zip(names, network.features, strict=True)])
    _, layers["conv10"], layers["relu10"], _ = network.classifier  # la omisión (dropout) no actúa en eval()
    layers["fc"] = GlobalAverage()
    return _named(nn.Sequential(layers), [SPANISH.get(category, category) for category in categories])


def _torchvision() -> ModuleType:
    """torchvision, también junto a un torch que solo sabe de CPU y no le conoce sus operadores compilados."""
    try:
        import torchvision
    except RuntimeError as error:
        if "torchvision::nms" not in str(error):
            raise
        for key in [key for key in sys.modules if key.split(".")[0] == "torchvision"]:
            del sys.modules[key]
        _torchvision.library = torch.library.Library("torchvision", "DEF")  # debe seguir viva
        for operator in ("nms", "qnms"):
            _torchvision.library.define(f"{operator}(Tensor dets, Tensor scores, float iou_threshold) -> Tensor")
        import torchvision
    return torchvision

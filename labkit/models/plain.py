"""La red plana del curso: sus capas, cómo se sortean sus pesos y cómo se guarda."""
import json
from collections import OrderedDict
from collections.abc import Mapping, Sequence
from pathlib import Path

import safetensors
import safetensors.torch
import torch
from torch import Tensor, nn

from labkit.anynet import hidden
from labkit.files import read_data, write_aside
from labkit.shapes import check_shape


class Normalize(nn.Module):
    """Lleva imágenes (b, 3, h, w) de [0, 1] a (imagen − media) / desviación, canal por canal, en su precisión."""

    def __init__(self, mean: Sequence[float] = (0.5, 0.5, 0.5), std: Sequence[float] = (0.25, 0.25, 0.25)) -> None:
        super().__init__()
        for name, values in (("mean", mean), ("std", std)):          # con enteros se truncarían las imágenes
            self.register_buffer(name, torch.as_tensor(values, dtype=torch.float32).clone().view(3, 1, 1))

    def forward(self, images: Tensor) -> Tensor:
        check_shape(images, "b 3 h w", "images")
        return (images.to(self.mean.dtype) - self.mean) / self.std


class GlobalAverage(nn.Module):
    """La media de cada mapa de activación: (b, c, h, w) → (b, c)."""

    def forward(self, maps: Tensor) -> Tensor:
        return maps.mean((2, 3))


def plain_network(
    classes: int | Sequence[str],
    widths: Sequence[int] = (24, 48, 64, 96, 128),
    dense: int = 64,
    batch_norm: bool = False,
    pools: Sequence[int] | None = None,
    first: int = 5,
) -> nn.Sequential:
    """Una red convolucional plana y sin entrenar, con capas de nombre de libro: normalize, conv1, relu1, pool1, … fc.

    classes: cuántas clases, o sus nombres. widths: canales de cada convolución. pools: tras cuáles (desde 1) va un
    `pool`; si no dices, tras todas menos las dos últimas. dense: unidades de la capa densa oculta. first: lado, impar,
    de los filtros de la primera convolución; los demás son de 3 × 3.
    (b, 3, h, w) en [0, 1] → logits (b, clases).
    """
    pools = range(1, len(widths) - 1) if pools is None else pools
    names = [str(i) for i in range(classes)] if isinstance(classes, int) else list(classes)
    layers: OrderedDict[str, nn.Module] = OrderedDict(normalize=Normalize())
    for i, (before, width) in enumerate(zip((3, *widths), widths), start=1):
        layers[f"conv{i}"] = convolution(before, width, first if i == 1 else 3)
        if batch_norm:
            layers[f"bn{i}"] = nn.BatchNorm2d(width)
        layers[f"relu{i}"] = nn.ReLU()
        if i in pools:
            layers[f"pool{i}"] = nn.MaxPool2d(2)
    layers["gap"] = GlobalAverage()
    layers["dense"] = nn.Linear(widths[-1], dense)
    layers[f"relu{len(widths) + 1}"] = nn.ReLU()
    layers["fc"] = nn.Linear(dense, len(names))
    return named(nn.Sequential(layers), names)


def convolution(before: int, after: int, side: int) -> nn.Conv2d:
    """Una convolución que no cambia el tamaño de los mapas; `side`, impar, es el lado de sus filtros."""
    return nn.Conv2d(before, after, side, padding=side // 2)


def save_model(model: nn.Module, path: Path, notes: dict[str, str]) -> None:
    """Guarda en `path` una red del curso en media precisión, con su ficha: arquitectura, clases y `notes`.

    notes: textos, como {"seed": "0", "source": "escenas"}.  ValueError si no es una de las arquitecturas del curso
    (`plain_network` y las de `FAMILIES`): otra se envuelve con `wrap`, y no se guarda.
    """
    if not hasattr(model, "architecture") and not all(hasattr(model, name) for name in ("classes", "conv1", "dense")):
        raise ValueError(f"model: esperaba una red hecha con plain_network o una de FAMILIES, y recibí "
                         f"{type(model).__name__}. Una red tuya se usa con wrap, sin guardarla.")
    if strange := [key for key, value in notes.items() if not isinstance(value, str)]:
        raise ValueError(f"notes: los valores van como texto, y no lo es el de {', '.join(strange)}.")
    weights = {key: value.detach().cpu().contiguous() for key, value in model.state_dict().items()}
    weights = {key: value.half() if value.is_floating_point() else value for key, value in weights.items()}
    card = {"architecture": getattr(model, "architecture", "plain"),
            "classes": json.dumps(model.classes, ensure_ascii=False)}
    if card["architecture"] == "plain":
        card |= {"dense": str(model.dense.out_features), "first": str(model.conv1.kernel_size[0]),
                 "widths": json.dumps([module.out_channels for module in model if isinstance(module, nn.Conv2d)]),
                 "batch_norm": str(any(isinstance(module, nn.BatchNorm2d) for module in model)),
                 "pools": json.dumps([int(name[4:]) for name in model.layers if name.startswith("pool")])}
    with write_aside(path) as file:
        file.write(safetensors.torch.save(weights, metadata={**notes, **card}))


def read_weights(*parts: str) -> tuple[dict[str, Tensor], dict[str, str]]:
    """Los pesos de una red guardada en data/, en float32, y su ficha; ValueError si el archivo no se deja leer."""
    content = read_data(*parts)
    try:
        weights = safetensors.torch.load(content)
        header = json.loads(content[8:8 + int.from_bytes(content[:8], "little")])  # 8 bytes con el largo, y el índice
        return full_precision(weights), header["__metadata__"]
    except (safetensors.SafetensorError, KeyError) as error:
        raise ValueError(f"{parts[-1]} no se deja leer: está dañado o no es una red del curso. "
                         "Recupéralo del repositorio.") from error


def full_precision(weights: Mapping[str, Tensor]) -> dict[str, Tensor]:
    """Los mismos pesos en float32, guardados como estén; lo que no es un número real (una cuenta) queda igual."""
    return {key: value.float() if value.is_floating_point() else value for key, value in weights.items()}


def named(model: nn.Module, classes: Sequence[str]) -> nn.Module:
    """La red con los nombres de sus clases y de sus capas a la vista."""
    model.classes = list(classes)
    model.layers = [name for name, _ in model.named_children()]
    model.layouts = {}                                          # todas sus capas tienen los canales en el eje 1
    return model


def ready(model: nn.Module) -> nn.Module:
    """La red en `eval()`, congelada y sin operaciones que escriban sobre su entrada."""
    for module in model.modules():
        if hasattr(module, "inplace") and not hidden(module):
            module.inplace = False
    for weights in model.parameters():                          # y no con model.requires_grad_: TorchScript no lo tiene
        weights.requires_grad_(False)
    return model.eval()

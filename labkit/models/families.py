"""Dos arquitecturas de libro en pequeño, para comparar con la plana: la de GoogLeNet y la de ResNet.

Terminan, como la plana, en 128 mapas de 8 × 8 si las imágenes son de 64 × 64.
"""
from collections import OrderedDict
from collections.abc import Sequence

import torch
from torch import Tensor, nn

from labkit.models.plain import GlobalAverage, Normalize, convolution, named

WIDTHS = (16, 32, 64, 96, 128)


class Inception(nn.Module):
    """Cuatro caminos que ven a cuatro escalas y se ponen uno tras otro: (b, before, h, w) → (b, after, h, w).

    Fuente: Szegedy et al. (2015), «Going deeper with convolutions», CVPR, doi:10.1109/CVPR.2015.7298594.
    """

    def __init__(self, before: int, after: int) -> None:
        super().__init__()
        part = after // 4
        self.point = nn.Sequential(convolution(before, part, 1), nn.ReLU())
        self.near = nn.Sequential(convolution(before, part, 1), nn.ReLU(), convolution(part, part, 3), nn.ReLU())
        self.far = nn.Sequential(convolution(before, part, 1), nn.ReLU(), convolution(part, part, 5), nn.ReLU())
        self.peak = nn.Sequential(nn.MaxPool2d(3, 1, 1), convolution(before, after - 3 * part, 1), nn.ReLU())

    def forward(self, maps: Tensor) -> Tensor:
        return torch.cat([path(maps) for path in (self.point, self.near, self.far, self.peak)], 1)


class Residual(nn.Module):
    """Dos convoluciones cuyo resultado se suma a lo que entró: (b, before, h, w) → (b, after, h, w).

    Fuente: He et al. (2016), «Deep residual learning for image recognition», CVPR, doi:10.1109/CVPR.2016.90.
    """

    def __init__(self, before: int, after: int) -> None:
        super().__init__()
        self.path = nn.Sequential(convolution(before, after, 3), nn.BatchNorm2d(after), nn.ReLU(),
                                  convolution(after, after, 3), nn.BatchNorm2d(after))
        self.shortcut = nn.Identity() if before == after else convolution(before, after, 1)
        self.relu = nn.ReLU()

    def forward(self, maps: Tensor) -> Tensor:
        return self.relu(self.shortcut(maps) + self.path(maps))


def inception_network(classes: int | Sequence[str]) -> nn.Sequential:
    """Una GoogLeNet en pequeño: conv1 y conv2, y tres módulos, mixed3 a mixed5. (b, 3, h, w) en [0, 1] → logits."""
    layers = OrderedDict(normalize=Normalize(), conv1=convolution(3, WIDTHS[0], 5), relu1=nn.ReLU(),
                         pool1=nn.MaxPool2d(2), conv2=convolution(*WIDTHS[:2], 3), relu2=nn.ReLU(),
                         pool2=nn.MaxPool2d(2), mixed3=Inception(*WIDTHS[1:3]), pool3=nn.MaxPool2d(2),
                         mixed4=Inception(*WIDTHS[2:4]), mixed5=Inception(*WIDTHS[3:]))
    return _headed(layers, classes, "inception")


def residual_network(classes: int | Sequence[str]) -> nn.Sequential:
    """Una ResNet en pequeño: conv1 y cuatro bloques, block2 a block5. (b, 3, h, w) en [0, 1] → logits (b, clases)."""
    layers = OrderedDict(normalize=Normalize(), conv1=convolution(3, WIDTHS[0], 5), bn1=nn.BatchNorm2d(WIDTHS[0]),
                         relu1=nn.ReLU(), pool1=nn.MaxPool2d(2))
    for i, (before, after) in enumerate(zip(WIDTHS, WIDTHS[1:]), start=2):
        layers[f"block{i}"] = Residual(before, after)
        if i < 4:
            layers[f"pool{i}"] = nn.MaxPool2d(2)
    return _headed(layers, classes, "residual")


def _headed(layers: OrderedDict[str, nn.Module], classes: int | Sequence[str], architecture: str) -> nn.Sequential:
    """La red con su promedio y su última capa, y los nombres a la vista."""
    names = [str(i) for i in range(classes)] if isinstance(classes, int) else list(classes)
    layers["gap"], layers["fc"] = GlobalAverage(), nn.Linear(WIDTHS[-1], len(names))
    model = named(nn.Sequential(layers), names)
    model.architecture = architecture
    return model

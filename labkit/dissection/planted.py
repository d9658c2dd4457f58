"""Un mundo y una red sembrados: se sabe qué ve cada unidad, así que se sabe qué debe decir la disección."""
from collections import OrderedDict

import torch
from torch import Tensor, nn

from labkit.checks import dice
from labkit.models import GlobalAverage, ready
from labkit.regions import Regions, regions_of_masks
from labkit.shapes import whole

COLORS = {"rojo": (1, 0, 0), "verde": (0, 1, 0), "azul": (0, 0, 1), "amarillo": (1, 1, 0)}
SIDE, SQUARE = 32, (6, 11)                                                  # lado de la imagen; de los cuadros, de a


class PlantedWorld:
    """Cuadros de cuatro colores sobre gris, con la máscara de cada color.

    images: (n, 3, 32, 32) en [0, 1].  names, categories: los cuatro colores.  concepts: (n, 4, 32, 32), dónde está cada
    uno.  share: qué parte de los píxeles cubre un color, en promedio.
    """

    def __init__(self, n: int = 200, seed: int = 0) -> None:
        n, generator = whole(n, "n", 1), dice(seed)
        self.names, self.categories = list(COLORS), ["color"] * len(COLORS)
        self.images = 0.5 + 0.05 * torch.randn(n, 3, SIDE, SIDE, generator=generator)
        self.concepts = torch.zeros(n, len(COLORS), SIDE, SIDE, dtype=torch.bool)
        for i in range(n):
            for k, color in enumerate(COLORS.values()):
                height, width = torch.randint(*SQUARE, (2,), generator=generator).tolist()
                y, x = torch.randint(0, SIDE - SQUARE[1], (2,), generator=generator).tolist()
                light = 0.7 + 0.3 * torch.rand(1, generator=generator)
                self.images[i, :, y:y + height, x:x + width] = light * torch.tensor(color).view(3, 1, 1).float()
                self.concepts[i, :, y:y + height, x:x + width] = False      # el último tapa a los de abajo
                self.concepts[i, k, y:y + height, x:x + width] = True
        self.images.clamp_(0, 1)
        self.share = float(self.concepts.float().mean())

    def __len__(self) -> int:
        return len(self.images)

    def pictures(self, rows: Tensor) -> Tensor:
        """Las imágenes pedidas, (b, 3, 32, 32)."""
        return self.images[rows]

    def regions(self, rows: Tensor) -> Regions:
        """Sus regiones: cada cuadro y el fondo."""
        return regions_of_masks(self.concepts[rows])


def planted_network() -> nn.Sequential:
    """Una red desenredada: la unidad k de relu1 responde al color k y a ninguno más.

    Capas: conv1, relu1, conv2 (que solo copia) y gap, con un logit por color: cuánto hay de él.
    """
    see, copy = nn.Conv2d(3, 4, 1), nn.Conv2d(4, 4, 1, bias=False)
    see.weight.data = torch.tensor([[1.0, -1, -1], [-1, 1, -1], [-1, -1, 1], [1, 1, -1]])[:, :, None, None]
    see.bias.data = torch.tensor([0.0, 0, 0, -1])
    copy.weight.data = torch.eye(4)[:, :, None, None]
    model = nn.Sequential(OrderedDict(conv1=see, relu1=nn.ReLU(), conv2=copy, gap=GlobalAverage()))
    model.classes, model.layers = list(COLORS), ["conv1", "relu1", "conv2", "gap"]
    return ready(model)

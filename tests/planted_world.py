"""Un mundo diminuto con la verdad sembrada: imágenes de colores lisos y redes que ven solo los que se les dice.

Cada clase es una elipse de un color sobre un lugar de otro color; casi siempre en el mismo lugar. Se guarda en disco
como cualquier conjunto del curso, así que se lee con las funciones de siempre.
"""

import json
from collections import OrderedDict
from collections.abc import Mapping
from pathlib import Path

import numpy as np
import torch
from PIL import Image
from torch import Tensor, nn

SIDE, COLUMNS, PER_CLASS = 32, 25, 20
OBJECTS = {"rojo": (1, 0, 0), "verde": (0, 1, 0), "azul": (0, 0, 1), "amarillo": (1, 1, 0), "magenta": (1, 0, 1)}
PLACES = {"noche": (0, 0, 0), "nieve": (1, 1, 1), "mar": (0, 1, 1)}
USUAL = {"rojo": "noche", "verde": "nieve", "azul": "mar", "amarillo": "mar", "magenta": "noche"}
NOBODY, NEVER = "otro", "nunca"  # la clase que gana cuando no se ve nada y la que no gana jamás; sin imágenes
CLASSES = [*OBJECTS, NOBODY, NEVER]


def write_world(folder: Path) -> None:
    """Escribe en `folder` el conjunto «escenas»: mosaico, mapas de segmentos y descripción."""
    random = np.random.default_rng(0)
    scenes = list(PLACES)
    images, segments, labels, where = [], [], [], []
    for i in range(PER_CLASS * len(OBJECTS)):
        label, turn = i % len(OBJECTS), i // len(OBJECTS)
        place = scenes.index(USUAL[CLASSES[label]]) if turn % 4 else turn % len(scenes)
        image = np.empty((SIDE, SIDE, 3), np.uint8)
        image[:] = np.array(PLACES[scenes[place]]) * 255
        (y, x), (h, w) = random.integers(9, 23, 2), random.integers(5, 9, 2)
        rows, cols = np.ogrid[:SIDE, :SIDE]
        inside = ((rows - y) / h) ** 2 + ((cols - x) / w) ** 2 <= 1
        image[inside] = np.array(OBJECTS[CLASSES[label]]) * 255
        images.append(image), labels.append(label), where.append(place)
        segments.append(np.where(inside, 1 + label, 0))
    save(folder / "escenas", images, segments, labels, where)


def save(folder: Path, images: list, segments: list, labels: list, where: list) -> None:
    folder.mkdir(parents=True)
    tiles = np.stack(images + [np.zeros_like(images[0])] * (-len(images) % COLUMNS))
    rows = tiles.reshape(-1, COLUMNS, SIDE, SIDE, 3).transpose(0, 2, 1, 3, 4)
    Image.fromarray(rows.reshape(-1, COLUMNS * SIDE, 3)).save(folder / "test_00.jpg", quality=90, subsampling=0)
    np.savez_compressed(
        folder / "test.npz",
        segments=np.stack(segments).astype(np.uint8),
        classes=np.array(labels, np.uint8),
        scenes=np.array(where, np.uint8),
        seeds=np.arange(len(labels)),
    )
    table = [["", "", "", ""], *([name, "", "", ""] for name in CLASSES)]
    info = {"classes": CLASSES, "scenes": list(PLACES), "size": SIDE, "segments": table}
    info["splits"] = {"test": len(labels)}
    (folder / "info.json").write_text(json.dumps(info), encoding="utf-8")


class Anywhere(nn.Module):
    """1 si el color se ve en alguna parte, 0 si no: (b, c, h, w) → (b, c)."""

    def forward(self, maps: Tensor) -> Tensor:
        return 2 * nn.functional.avg_pool2d(maps, 3).amax((2, 3))


def color_network(weights: Mapping[str, Mapping[str, float]], defaults: Mapping[str, float], scale: float) -> nn.Module:
    """Una red: el logit de cada clase suma `weights[clase][color]` por color visible, más su valor de siempre.

    Los colores son esquinas del cubo RGB, y así un detector lineal con ReLU responde a uno solo.
    """
    colors = {**OBJECTS, **PLACES}
    corners = torch.tensor(list(colors.values())).float()
    conv, fc = nn.Conv2d(3, len(colors), 1), nn.Linear(len(colors), len(weights))
    with torch.no_grad():
        conv.weight.copy_((2 * corners - 1)[:, :, None, None])
        conv.bias.copy_(0.5 - corners.sum(1))
        fc.weight.copy_(scale * torch.tensor([[row.get(color, 0.0) for color in colors] for row in weights.values()]))
        fc.bias.copy_(scale * torch.tensor([defaults.get(name, 0.0) for name in weights]))
    layers = OrderedDict(conv1=conv, relu1=nn.ReLU(), seen=Anywhere(), fc=fc)
    model = nn.Sequential(layers).eval().requires_grad_(False)
    model.classes, model.layers = list(weights), list(layers)
    return model


def networks() -> dict[str, nn.Module]:
    """Las redes sembradas: la de cosas, la de lugares y una cuyas respuestas se apoyan en lo que dice su nombre."""
    things = {name: {name: 1.0} for name in OBJECTS}
    things |= {"azul": {"azul": 4.0, "mar": 4.0}, "amarillo": {"amarillo": 0.8}, NOBODY: {}, NEVER: {}}
    mixed = {
        "rojo": {"rojo": 1.0},  # se apoya en el objeto
        "verde": {"nieve": 1.0},  # en el fondo
        "azul": {"azul": 1.0, "mar": 1.0},  # le basta cualquiera
        "amarillo": {"amarillo": 0.7, "mar": 0.7},  # los necesita juntos
        "magenta": {},
        NOBODY: {},
        NEVER: {},
    }
    return {
        "escenas": color_network(things, {NOBODY: 0.3, NEVER: -3.0}, 8.0),
        "escenas_lugares": color_network({name: {name: 1.0} for name in PLACES}, {}, 8.0),
        "mezcla": color_network(mixed, {NOBODY: 0.8, NEVER: -3.0}, 12.0),
    }

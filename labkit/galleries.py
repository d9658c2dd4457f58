"""La galería que viene con el curso: para cada unidad, la imagen que más la activa y las reales en que más responde.

La hizo `data/build/make_gallery.py`, con todas las unidades de cada capa, desde el mismo ruido y sin quitar ninguna.
"""
import csv
from dataclasses import dataclass
from io import BytesIO, StringIO

import numpy as np
import torch
from PIL import Image
from torch import Tensor, nn

from labkit.activations import run
from labkit.files import read_data

COLUMNS, TOP = 16, 10                       # columnas de una hoja; imágenes de prueba que se anotan por unidad
FIELDS = ("network", "layer", "unit", "field", "score", "peak", "peak_real", "top")


@dataclass(frozen=True, eq=False)
class Gallery:
    """Las c unidades de una capa.

    images: (c, 3, 48, 48) en [0, 1], la imagen optimizada de cada una;  scores: (c,) la media de la unidad en ella, que
    fue lo que se subió;  peaks: (c,) lo más que responde ahí;  real_peaks: (c,) lo más que responde en la prueba de
    Escenas;  top: (c, 10) las diez imágenes de prueba en que más responde, de mayor a menor;  field: el lado del campo
    receptivo, en píxeles.
    """
    images: Tensor
    scores: Tensor
    peaks: Tensor
    real_peaks: Tensor
    top: Tensor
    field: int


def load_gallery(network: str = "escenas_robusta", layer: str = "conv4") -> Gallery:
    """La galería de una capa; ValueError, con las que sí hay, si esa red o esa capa no la tienen."""
    table = list(csv.DictReader(StringIO(read_data("galeria", "unidades.csv").decode("utf-8"))))
    rows = [row for row in table if (row["network"], row["layer"]) == (network, layer)]
    if not rows:
        have = dict.fromkeys(f"{row['network']} {row['layer']}" for row in table)
        raise ValueError(f"No hay galería de «{network} {layer}»; las que hay: {', '.join(have)}.")
    sheet = torch.from_numpy(np.array(Image.open(BytesIO(read_data("galeria", f"{network}_{layer}.jpg")))))  # (H, W, 3)
    side = sheet.shape[1] // COLUMNS
    tiles = sheet.unflatten(0, (-1, side)).unflatten(2, (-1, side)).permute(0, 2, 4, 1, 3).flatten(0, 1)
    scores, peaks, real = torch.tensor([[float(row[key]) for row in rows] for key in ("score", "peak", "peak_real")])
    top = torch.tensor([[int(i) for i in row["top"].split()] for row in rows])
    return Gallery(tiles[:len(rows)] / 255, scores, peaks, real, top, int(rows[0]["field"]))


def unit_peaks(model: nn.Module, images: Tensor, layer: str) -> Tensor:
    """Lo más que responde cada unidad de la capa en cada imagen: (n, 3, h, w) → (n, c)."""
    with torch.no_grad():
        parts = [run(model, batch, [layer])[layer] for batch in images.split(100)]
    return torch.cat([acts.flatten(2).amax(2) if acts.ndim > 2 else acts for acts in parts])


def purity(top: Tensor, labels: Tensor) -> Tensor:
    """De las k imágenes de cada unidad, (c, k), qué parte es de la clase más repetida entre ellas: (c,)."""
    classes = labels[top]                                                                   # (c, k)
    return (classes[:, :, None] == classes[:, None, :]).sum(2).amax(1) / top.shape[1]

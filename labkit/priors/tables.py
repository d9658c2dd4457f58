"""Lo ya medido de la lección 3b: la misma búsqueda con ocho temperaturas, y el término de ruido en varias corridas.

Está en data/distribuciones y lo escribe data/build/measure_priors.py.
"""
import csv
import math
from io import BytesIO, StringIO
from typing import NamedTuple

import numpy as np
import torch
from PIL import Image
from torch import Tensor

from labkit.files import read_data

TEMPERATURES = (math.inf, 0.3, 0.1, 0.03, 0.01, 0.003, 0.001, 0.0003)
SHOWN = ("avión", "automóvil", "bicicleta", "gato", "caballo", "cebra")     # las clases cuyas imágenes vienen
SIDE = 64                                                                   # el lado de esas imágenes


class Tempered(NamedTuple):
    """Lo que dio `sample` con ese margen en la robusta: una imagen por temperatura, clase y semilla.

    score: el margen;  moved: el de la imagen movida;  witness: la probabilidad que le da la testigo;  high: la parte
    de frecuencias altas.
    """
    temperature: float
    label: str
    seed: int
    score: float
    moved: float
    witness: float
    high: float


class NoiseRuns(NamedTuple):
    """Lo que dieron ocho corridas de `ppgn` de una clase: qué tan distintas quedaron, y qué tan buenas.

    noise: ε₃, cuánto ruido;  starts: de cuántos comienzos (1 u 8);  diversity: la de las ocho imágenes, según la
    robusta;  score: el margen medio;  hits: en cuántas acierta la testigo.
    """
    noise: float
    starts: int
    label: str
    diversity: float
    score: float
    hits: int


def load_tempered() -> tuple[list[Tempered], Tensor]:
    """Lo medido con cada temperatura, y las imágenes de la semilla 0: (6, 8, 3, 64, 64), clases de SHOWN por T."""
    rows = [Tempered(float(row["temperature"]), row["label"], int(row["seed"]),
                     *(float(row[name]) for name in Tempered._fields[3:])) for row in _table("temperatura.csv")]
    sheet = torch.from_numpy(np.array(Image.open(BytesIO(read_data("distribuciones", "temperatura.jpg")))))
    tiles = sheet.unflatten(0, (-1, SIDE)).unflatten(2, (-1, SIDE)).permute(0, 2, 4, 1, 3)
    return rows, tiles / 255


def load_noise_runs() -> list[NoiseRuns]:
    """Lo medido en las ocho corridas de cada clase, con y sin ruido."""
    return [NoiseRuns(float(row["noise"]), int(row["starts"]), row["label"], float(row["diversity"]),
                      float(row["score"]), int(row["hits"])) for row in _table("ruido.csv")]


def _table(name: str) -> list[dict[str, str]]:
    return list(csv.DictReader(StringIO(read_data("distribuciones", name).decode("utf-8"))))

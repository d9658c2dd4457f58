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
    de frecuencias altas;  free: el margen antes de recortar los píxeles a [0, 1];  outside: qué parte de los números de
    la imagen quedaba fuera.
    """
    temperature: float
    label: str
    seed: int
    score: float
    moved: float
    witness: float
    high: float
    free: float
    outside: float


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


class Lie(NamedTuple):
    """Una imagen optimizada con la red honesta (liar = 0) o con la mentirosa (1), y cómo la procesa esa red.

    network: de qué red salieron las dos;  recipe: con qué receta («natural» y «ruido», sin optimizar);  label: la clase
    que se pidió;  grain: su grano;  said, witness: qué contestan la red de partida y la testigo;  own, other: por capa,
    su parecido con las naturales de su clase y con las de las otras (`processing`).
    """
    network: str
    recipe: str
    seed: int
    label: int
    liar: int
    score: float
    grain: float
    said: int
    witness: int
    own: tuple[float, ...]
    other: tuple[float, ...]


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


def load_lies() -> list[Lie]:
    """Lo que midió data/build/measure_lying.py: dos redes, diez maneras de hacerla, doce clases y cuatro semillas."""
    return [Lie(row["network"], row["recipe"], int(row["seed"]), int(row["label"]), int(row["liar"]),
                float(row["score"]), float(row["grain"]), int(row["said"]), int(row["witness"]),
                *(tuple(float(row[key]) for key in row if key.startswith(kind)) for kind in ("own_", "other_")))
            for row in _table("mentira.csv")]


def _table(name: str) -> list[dict[str, str]]:
    return list(csv.DictReader(StringIO(read_data("distribuciones", name).decode("utf-8"))))

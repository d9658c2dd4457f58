"""Lo que viene hecho con el curso: la galería de la lección 2, lo de la 3 (muro, recetas y ciegas) y el pintor de la 5.

La galería (`data/build/make_gallery.py`): para cada unidad, la imagen que más la activa y las reales en que más
responde, desde el mismo ruido. El muro (`data/build/make_wall.py`): unas unidades de SqueezeNet, escogidas por claras.
Las recetas (`data/build/make_recipes.py`): el mismo ascenso con cada combinación de cuatro regularizadores. Los dibujos
del pintor (`data/build/make_painter.py`): cada concepto, solo. Las gemelas (`data/build/measure_twins.py`): la red
principal con pesos al azar, ya disecada. De la galería, las recetas, los dibujos y las gemelas nada se quitó.
"""
import csv
from dataclasses import dataclass
from io import BytesIO, StringIO
from typing import NamedTuple

import numpy as np
import torch
from PIL import Image
from torch import Tensor

from labkit.files import read_data

COLUMNS, TOP = 16, 10                       # columnas de una hoja; imágenes de prueba que se anotan por unidad
LEVELS = 3                                  # niveles de cada regularizador de una receta: 0 es no usarlo
FIELDS = ("network", "layer", "unit", "field", "score", "peak", "peak_real", "top")
RECIPE_FIELDS = ("network", "frequency", "moves", "space", "cleaning", "what",
                 "score", "held", "witness", "high", "distance", "seconds")
Levels = tuple[int, int, int, int]          # frecuencia, transformaciones, espacio y limpiador
WALL_COLUMNS = 4                            # columnas del muro
PAINTER_COLUMNS = 25                        # las de los dibujos del pintor
WALL = tuple(f"fire7.expand3x3:{k}" for k in (20, 6, 17, 41, 111, 70, 145))


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


@dataclass(frozen=True, eq=False)
class Recipe:
    """Lo que dio una receta.

    image: (3, 64, 64);  score: su puntuación;  score_moved: la que tiene transformada;  witness: la probabilidad que
    otra red le da a la clase;  high: la parte de energía en frecuencias altas;  distance: a los datos;  seconds: lo
    que tardó.
    """
    image: Tensor
    score: float
    score_moved: float
    witness: float
    high: float
    distance: float
    seconds: float


def load_gallery(network: str = "escenas_robusta", layer: str = "conv4") -> Gallery:
    """La galería de una capa; ValueError, con las que sí hay, si esa red o esa capa no la tienen."""
    table = _table("galeria", "unidades.csv")
    rows = [row for row in table if (row["network"], row["layer"]) == (network, layer)]
    if not rows:
        have = dict.fromkeys(f"{row['network']} {row['layer']}" for row in table)
        raise ValueError(f"No hay galería de «{network} {layer}»; las que hay: {', '.join(have)}.")
    scores, peaks, real = torch.tensor([[float(row[key]) for row in rows] for key in ("score", "peak", "peak_real")])
    top = torch.tensor([[int(i) for i in row["top"].split()] for row in rows])
    images = _sheet("galeria", f"{network}_{layer}.jpg")[:len(rows)]
    return Gallery(images, scores, peaks, real, top, int(rows[0]["field"]))


def load_regular(network: str = "escenas", layer: str = "conv5") -> Tensor:
    """Las imágenes regularizadas de las unidades de una capa, (c, 3, 64, 64): en frecuencias y moviéndolas.

    FileNotFoundError si esa red o esa capa no las tienen.
    """
    return _sheet("galeria", f"regular_{network}_{layer}.jpg")


def load_wall() -> dict[str, Tensor]:
    """Unidades de SqueezeNet, {unidad: (3, 136, 136)}; la primera va dos veces, y antes es «sin regularizar»."""
    names = [f"{WALL[0]}, sin regularizar", *WALL]
    return dict(zip(names, _sheet("galeria", "squeezenet_muro.jpg", columns=WALL_COLUMNS)))


def load_recipes(network: str = "escenas_robusta") -> dict[tuple[Levels, str], Recipe]:
    """Las recetas de una red: (niveles, "clase" o "unidad") → lo que dio; ValueError si esa red no las tiene."""
    table = _table("recetas", "recetas.csv")
    rows = [row for row in table if row["network"] == network]
    if not rows:
        have = dict.fromkeys(row["network"] for row in table)
        raise ValueError(f"No hay recetas de «{network}»; las que hay: {', '.join(have)}.")
    keys = [(tuple(int(row[name]) for name in RECIPE_FIELDS[1:5]), row["what"]) for row in rows]
    numbers = [[float(row[name]) for name in RECIPE_FIELDS[6:]] for row in rows]
    images = _sheet("recetas", f"{network}.jpg")
    return {key: Recipe(image, *values) for key, image, values in zip(keys, images, numbers)}


def load_maps() -> dict[tuple[str, str, int], Tensor]:
    """Los mapas de la lección 4 que vienen con el curso: (capa, método, perplejidad) → (5000, 2).

    Son de la red principal, en las primeras 5,000 imágenes de entrenamiento de Escenas; perplejidad 0 donde no la hay.
    Cada uno se vuelve a hacer con `layout(features(...), método, perplejidad)`.
    """
    with np.load(BytesIO(read_data("mapas", "mapas.npz")), allow_pickle=False) as arrays:
        points = {tuple(name.split("-")): torch.from_numpy(arrays[name]).float() for name in arrays.files}
    return {(layer, method, int(perplexity)): made for (layer, method, perplexity), made in points.items()}


def _table(*parts: str) -> list[dict[str, str]]:
    """Los renglones de una tabla de data/."""
    return list(csv.DictReader(StringIO(read_data(*parts).decode("utf-8"))))


def _sheet(*parts: str, columns: int = COLUMNS) -> Tensor:
    """Las imágenes de una hoja: (n, 3, lado, lado) en [0, 1], por renglones."""
    sheet = torch.from_numpy(np.array(Image.open(BytesIO(read_data(*parts)))))                          # (H, W, 3)
    side = sheet.shape[1] // columns
    return sheet.unflatten(0, (-1, side)).unflatten(2, (-1, side)).permute(0, 2, 4, 1, 3).flatten(0, 1) / 255


class BlindAnswer(NamedTuple):
    """Lo que escribió un lector al ver, sin lista de clases, una imagen de una red y una receta.

    reader: quién, de la A a la L;  place: qué lugar tuvo su hoja entre las cuatro que vio;  label: la clase que se
    pidió;  answer: lo que escribió;  hit: si nombra esa clase.
    """
    reader: str
    place: int
    network: str
    recipe: str
    label: str
    answer: str
    hit: bool


def load_blind() -> list[BlindAnswer]:
    """La prueba a ciegas de la lección 3: dos redes y ocho recetas, hojas de 12 imágenes y tres lectores por hoja."""
    table = csv.DictReader(StringIO(read_data("recetas", "ciegas.csv").decode("utf-8")))
    return [BlindAnswer(row["reader"], int(row["place"]), row["network"], row["recipe"], row["label"], row["answer"],
                        row["hit"] == "1") for row in table]


class PainterRow(NamedTuple):
    """Una unidad en la prueba del pintor: un renglón de data/pintor/pintor.csv.

    network: "escenas", o "gemela", la misma red con pesos al azar;  n: cuántos dibujos del concepto, y cuántos de
    control;  shown, control: la mediana de lo más que responde la unidad (antes de la ReLU) en unos y en otros;  cut:
    el percentil 95 en el control;  p: de la prueba de Wilcoxon de las n parejas, de un lado;  passes: si el nombre
    sobrevive;  false: en qué parte de los nombres de otras detectoras sobreviviría también;  best, best_shown: el
    concepto dibujado a que más responde, y su mediana;  whole, without, without_other: la mediana con la cosa entera de
    que se sacó la parte, con ella sin la parte, y con ella sin la otra, la que sirvió de control;  p_without, p_other:
    de que baje sin una y sin la otra, como `p`;  p_versus: de que sin la parte quede más abajo que sin la otra;  gone,
    gone_other: cuántos píxeles cambian al quitarlas, la mediana;  false_whole, false_without: en qué parte de los
    nombres de otras partes la cosa entera pasa también de `cut`, y en cuál baja también sin ella. None si no es parte.
    """
    network: str
    unit: str
    concept: str
    category: str
    iou: float
    n: int
    shown: float
    control: float
    cut: float
    p: float
    passes: bool
    false: float
    best: str
    best_shown: float
    whole: float | None
    without: float | None
    p_without: float | None
    without_other: float | None
    p_other: float | None
    p_versus: float | None
    gone: float | None
    gone_other: float | None
    false_whole: float | None
    false_without: float | None


@dataclass(frozen=True, eq=False)
class Painter:
    """La prueba del pintor: k conceptos, n dibujos de cada uno y otros n de control (`data/build/make_painter.py`).

    rows: un renglón por unidad;  concepts: (categoría, nombre) de cada uno de los k;  images: (k, n, 2, 3, h, w) en
    [0, 1], el concepto y su control en la misma escena;  areas: (k, n, 2) píxeles a la vista;  hosts, controls: (k, n),
    de qué cosa salió y qué se puso de control.
    """
    rows: list[PainterRow]
    concepts: list[tuple[str, str]]
    images: Tensor
    areas: Tensor
    hosts: list[list[str]]
    controls: list[list[str]]


def load_painter() -> Painter:
    """La prueba del pintor de la lección 5, con todos sus dibujos."""
    with np.load(BytesIO(read_data("pintor", "dibujos.npz")), allow_pickle=False) as arrays:
        found = dict(arrays)
    k, n, _ = found["areas"].shape
    images = _sheet("pintor", "dibujos.jpg", columns=PAINTER_COLUMNS)[:2 * k * n].unflatten(0, (k, n, 2))
    rows = [PainterRow(row["network"], row["unit"], row["concept"], row["category"], float(row["iou"]), int(row["n"]),
                       float(row["shown"]), float(row["control"]), float(row["cut"]), float(row["p"]),
                       row["passes"] == "1", float(row["false"]), row["best"], float(row["best_shown"]),
                       *(float(row[name]) if row.get(name) else None for name in PainterRow._fields[-10:]))
            for row in _table("pintor", "pintor.csv")]
    concepts = list(zip(found["categories"].tolist(), found["concepts"].tolist()))
    areas = torch.from_numpy(found["areas"].astype(np.int64))
    return Painter(rows, concepts, images, areas, found["hosts"].tolist(), found["controls"].tolist())


class TwinUnit(NamedTuple):
    """Una unidad de una gemela de la red principal, con pesos al azar: un renglón de data/gemelas/conv5.csv.

    seed: la semilla de `random_twin`;  concept, iou: su mejor concepto, y cuánto;  low_concept, low_iou: lo mismo con
    la cola de abajo;  objects: de qué objetos dibujados pasa la regla del pintor.
    """
    seed: int
    unit: str
    concept: str
    iou: float
    low_concept: str
    low_iou: float
    objects: tuple[str, ...]


def load_twins() -> dict[int, list[TwinUnit]]:
    """Las ocho gemelas de la lección 5, ya disecadas en conv5 (`data/build/measure_twins.py`): semilla → sus unidades."""
    found: dict[int, list[TwinUnit]] = {}
    for row in _table("gemelas", "conv5.csv"):
        found.setdefault(int(row["seed"]), []).append(TwinUnit(
            int(row["seed"]), row["unit"], row["concept"], float(row["iou"]), row["low_concept"], float(row["low_iou"]),
            tuple(row["objects"].split(";")) if row["objects"] else ()))
    return found

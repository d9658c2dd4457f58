"""Lección 0: la misma pregunta a los píxeles, a lo que se calcula a mano y a lo que aprendió cada capa de una red.

Los vectores de una capa los da `labkit.vectors.features`. Aquí están los que se hacían antes, color y bordes, y la
máquina que los compara.
"""
import csv
from io import StringIO
from typing import NamedTuple

import numpy as np
import torch
from sklearn.model_selection import GridSearchCV, StratifiedKFold
from sklearn.svm import LinearSVC
from threadpoolctl import threadpool_limits
from torch import Tensor, nn

from labkit.checks import check_images, check_labels, check_vectors
from labkit.files import read_data
from labkit.measures import Gap
from labkit.shapes import check_numbers
from labkit.vectors import principal_axes

COLORS, CELLS, BINS = 4, 4, 8                   # partes de cada color; casillas por lado; orientaciones
COSTS = (0.01, 0.1, 1.0, 10.0)                  # las C que prueba la búsqueda
FOLDS, PASSES = 4, 20_000


# ── características hechas a mano ───────────────────────────────────────────────────────────────────────────────────


def color_histogram(images: Tensor, parts: int = COLORS) -> Tensor:
    """Qué parte de los píxeles de cada imagen es de cada color: (n, 3, h, w) → (n, parts³), que suman 1.

    El rojo, el verde y el azul se parten en `parts` pedazos iguales.  Fuente: Swain y Ballard (1991), «Color indexing»,
    doi:10.1007/BF00130487.
    """
    check_images(images)
    red, green, blue = (images * parts).long().clamp(0, parts - 1).unbind(1)
    codes = (red * parts + green) * parts + blue                                            # (n, h, w)
    counts = [code.bincount(minlength=parts ** 3) for code in codes.flatten(1)]
    return torch.stack(counts) / codes[0].numel()


def gradients(images: Tensor) -> tuple[Tensor, Tensor]:
    """Cuánto cambia la luz de cada píxel y hacia dónde: su fuerza y su ángulo, en radianes, (n, h, w) cada uno.

    La luz es la media de los tres colores. El ángulo es el de la dirección en que crece: 0, hacia la derecha; π/2,
    hacia abajo.
    """
    check_images(images)
    light = nn.functional.pad(images.mean(1, keepdim=True), (1, 1, 1, 1), mode="replicate")[:, 0]
    across = light[:, 1:-1, 2:] - light[:, 1:-1, :-2]
    down = light[:, 2:, 1:-1] - light[:, :-2, 1:-1]
    return torch.hypot(across, down), torch.atan2(down, across)


def edge_histogram(strength: Tensor, angle: Tensor, bins: int = BINS) -> Tensor:
    """Cuánto borde hay en cada orientación: (h, w) y (h, w) → (bins,).

    Cada píxel le da su fuerza a la parte en que cae su ángulo; como un borde no tiene sentido, el ángulo va de 0 a π.
    """
    place = (angle % torch.pi / torch.pi * bins).long() % bins
    return torch.zeros(bins).index_add_(0, place.flatten(), strength.flatten())


def edges(images: Tensor, cells: int = CELLS, bins: int = BINS) -> Tensor:
    """Los histogramas de bordes de las cells × cells casillas de cada imagen, uno tras otro: (n, cells² · bins).

    Cada uno se divide entre la fuerza de los bordes de su casilla y las ocho de alrededor: una imagen oscura da lo
    mismo que una clara. Es un HOG reducido.  Fuente: Dalal y Triggs (2005), doi:10.1109/CVPR.2005.177.
    """
    check_images(images, cells)
    strength, angle = gradients(images)
    h, w = (length // cells for length in images.shape[2:])                 # lo que mide una casilla
    found = []
    for y in range(0, h * cells, h):
        for x in range(0, w * cells, w):
            part = slice(y, y + h), slice(x, x + w)
            found.append(torch.stack([edge_histogram(s[part], a[part], bins) for s, a in zip(strength, angle)]))
    table = torch.stack(found, 2).unflatten(2, (cells, cells)) / (h * w)    # (n, bins, filas, columnas)
    around = nn.functional.avg_pool2d(table.pow(2).sum(1, keepdim=True), 3, 1, 1, count_include_pad=False)
    return (table / (around.sqrt() + 1e-3)).flatten(1)


def hand_made(images: Tensor) -> Tensor:
    """El color y los bordes de cada imagen, juntos: (n, 3, h, w) → (n, d)."""
    return torch.cat([color_histogram(images), edges(images)], 1)


# ── la máquina de vectores de soporte ───────────────────────────────────────────────────────────────────────────────


class Fit(NamedTuple):
    """En qué imágenes de prueba acertó una máquina, (n,); con qué C, y cuántos números tenía cada vector."""
    hits: Tensor
    cost: float
    size: int

    @property
    def accuracy(self) -> float:
        """La parte de las imágenes de prueba en que acertó."""
        return self.hits.double().mean().item()


def linear_svm(train: Tensor, train_labels: Tensor, test: Tensor, test_labels: Tensor,
               costs: tuple[float, ...] = COSTS) -> Fit:
    """Una máquina de vectores de soporte lineal, aprendida de unos vectores y probada con otros.

    train, test: (n, d);  labels: (n,).  Los vectores se estandarizan con los de entrenamiento y se dividen entre √d,
    para que una C signifique lo mismo con pocos números que con muchos. La C se escoge de `costs` por validación
    cruzada de cuatro partes, solo con los de entrenamiento.  Fuente: Cortes y Vapnik (1995), doi:10.1007/BF00994018.
    """
    check_vectors(train, FOLDS, "train")
    check_vectors(test, 1, "test")
    check_labels(train_labels, len(train), "train_labels", FOLDS)
    check_labels(test_labels, len(test), "test_labels")
    size = train.shape[1]
    if test.shape[1] != size or not len(costs) or (train == train[0]).all():
        raise ValueError(f"train, test, costs: esperaba vectores distintos entre sí, con los mismos números en los "
                         f"dos, y al menos una C; recibí {tuple(train.shape)}, {tuple(test.shape)} y {len(costs)} C.")
    known, asked = _turned(*_scaled(train, test))
    search = GridSearchCV(LinearSVC(dual=size > len(train), max_iter=PASSES, random_state=0), {"C": list(costs)},
                          cv=StratifiedKFold(FOLDS))
    with threadpool_limits(1):                                              # son cuentas chicas: más hilos estorban
        machine = search.fit(known.numpy(), train_labels.numpy())
        said = torch.from_numpy(machine.predict(asked.numpy()))
    return Fit(said == test_labels, float(machine.best_params_["C"]), size)


def compressed(train: Tensor, test: Tensor, size: int = 24) -> tuple[Tensor, Tensor]:
    """Los mismos vectores con solo `size` números: lo que miden en las direcciones en que más varían los de `train`."""
    known, asked = _scaled(train, test)
    middle, axes, _ = principal_axes(known)
    return (known - middle) @ axes[:size].T, (asked - middle) @ axes[:size].T


def resampled(values: Tensor, share: float = 0.95, times: int = 10_000) -> Gap:
    """El promedio de unos números, uno por imagen, y entre qué valores está: se vuelven a sacar las imágenes.

    values: (n,), aciertos o diferencias de aciertos. Se sortea cuántas imágenes salen con cada valor, que es lo mismo
    que sacarlas una por una.  Fuente: Efron (1979), doi:10.1214/aos/1176344552.
    """
    check_numbers(values, "n", "values", 2, integers=True)
    kinds, counts = values.double().unique(return_counts=True)
    drawn = np.random.default_rng(0).multinomial(len(values), counts.double() / len(values), times)   # (veces, valores)
    means = drawn @ kinds.numpy() / len(values)
    return Gap(values.double().mean().item(), *np.quantile(means, [(1 - share) / 2, (1 + share) / 2]).tolist())


def load_fits(source: str = "escenas") -> dict[str, Fit]:
    """Lo que ya se midió con cada clase de vectores, por su nombre: píxeles, a mano, relu3, relu3 · gemela 2…

    source: "escenas" o "cifar10". Lo hace data/build/measure_pixels.py con `linear_svm`.
    """
    lines = csv.DictReader(StringIO(read_data("pixeles", "svm.csv").decode("utf-8")))
    fits = {line["vectores"]: _read_fit(line) for line in lines if line["conjunto"] == source}
    if not fits:
        raise ValueError(f"source: esperaba escenas o cifar10 y recibí «{source}».")
    return fits


def _read_fit(line: dict[str, str]) -> Fit:
    bits = bin(int("1" + line["aciertos"], 16))[3:]                         # el 1 de delante guarda los ceros
    hits = torch.tensor([bit == "1" for bit in bits[:int(line["imágenes"])]])
    return Fit(hits, float(line["C"]), int(line["números"]))


def _scaled(train: Tensor, test: Tensor) -> tuple[Tensor, Tensor]:
    """Con media 0 y desviación 1 según los de entrenamiento, y entre √d."""
    middle, spread = train.mean(0), train.std(0)
    spread[spread < 1e-6] = 1.0                                             # un número que no cambia no estorba
    long = train.shape[1] ** 0.5
    return (train - middle) / spread / long, (test - middle) / spread / long


def _turned(train: Tensor, test: Tensor) -> tuple[Tensor, Tensor]:
    """Los mismos vectores en otros ejes, con n números si eran más: la máquina que sale es la misma, y tarda menos.

    Es exacto: la solución es una suma de los vectores de entrenamiento, y girar los ejes no cambia los productos.
    """
    train, test = train.double(), test.double()
    if train.shape[1] <= len(train):
        return train, test
    sizes, axes = torch.linalg.eigh(train @ train.T)
    kept = sizes > 1e-9 * sizes[-1]
    turn = axes[:, kept] / sizes[kept].sqrt()                               # (n, r)
    return train @ (train.T @ turn), test @ (train.T @ turn)

"""La unidad más selectiva y las costuras de un mapa: lo que le toca a cada quien, y qué decir de su respuesta."""
from collections.abc import Iterator
from functools import lru_cache
from typing import NamedTuple

import torch
from torch import Tensor

from labkit.datasets import load_images
from labkit.exemplars import assign_to_grid, features, pca, roc_areas, seams
from labkit.exercises.accounts import account_or_sample, clean_account, row_of
from labkit.exercises.answers import read_name, read_pair
from labkit.models import load_model

HALF, NEAR = 750, 0.006     # las imágenes de escoger; cuánto puede diferir el área, que se pide con dos decimales
SIDE, CUT = 12, 0.8         # casillas por lado del mapa; desde dónde es costura
ASK_UNIT = "escribe una pareja: el canal, un entero, y el área en la otra mitad, con dos decimales."
ASK_MAP = 'escribe una pareja: cuántas casillas y el nombre de una clase. Por ejemplo, (20, "barco").'


# ── 3 · la más selectiva ────────────────────────────────────────────────────────────────────────────────────────────

class UnitRow(NamedTuple):
    """La unidad más selectiva de una capa para una clase, su área ROC en cada mitad y las que se confunden con ella."""
    layer: str
    label: int
    unit: int
    first: float
    rest: float
    winner_of_rest: int
    loudest: int
    winner_by_mean: int
    opposite: int


def my_question(account: str | int | None) -> tuple[str, int]:
    """La capa y la clase que le tocan a un número de cuenta. Error: ValueError si el número no se entiende."""
    row = unit_row(account_or_sample(account))
    return row.layer, row.label


def best_unit(layer: str, label: int, pool: str = "max") -> tuple[int, float, float, int]:
    """La unidad más selectiva en la primera mitad, su área ahí, su área en la otra, y cuál ganaría en la otra."""
    world = load_images("test")
    values, truth = features(load_model("escenas", device="cpu"), world.images, layer, pool), world.labels == label
    first, rest = (roc_areas(values[part], truth[part]) for part in (slice(0, HALF), slice(HALF, None)))
    k = int(first.argmax())
    return k, float(first[k]), float(rest[k]), int(rest.argmax())


def unit_row(account: str) -> UnitRow:
    """La capa y la clase que le tocan a un número de cuenta, con lo que se mide en ellas."""
    return row_of(account, "selective_unit", UnitRow, "capa y clase de la lección 4")


def unit_reasons(given: tuple[int, float], row: UnitRow) -> Iterator[tuple[bool, str]]:
    """Qué decir de una unidad y un área: parejas (se cumple, mensaje), y la última se cumple siempre."""
    unit, area = given
    yield unit == row.unit and area > 1, "la unidad está bien; el área va de 0 a 1, no en porcentaje."
    yield (unit == row.unit and abs(area - row.first) < NEAR,
           "el área es la de las mismas imágenes con que la escogiste; se pide la de la otra mitad.")
    yield unit == row.unit, "la unidad está bien; revisa el área: en la otra mitad, con dos decimales."
    yield unit == row.loudest, "esa es la que más responde a tu clase; quizá responde igual a las demás. Compara áreas."
    yield unit == row.winner_of_rest, "esa ganaría en la segunda mitad; se escoge con la primera."
    yield unit == row.winner_by_mean, "esa gana con la media de cada mapa; aquí se usa el máximo."
    yield unit == row.opposite, "esa distingue a tu clase al revés: responde menos a ella que a las demás."
    yield True, f"no es esa. En {row.layer} hay una unidad con mayor área en las primeras {HALF} imágenes."


# ── 4 · leer las costuras ───────────────────────────────────────────────────────────────────────────────────────────

class MapRow(NamedTuple):
    """Las costuras de un mapa: cuántas, la clase que tiene más, la que más imágenes tiene y la que sale sin `index`."""
    seed: int
    seams: int
    winner: str
    commonest: str
    unmoved: str


def my_images(account: str | int | None) -> Tensor:
    """Las 144 imágenes de prueba que le tocan a un número de cuenta: sus posiciones, (144,)."""
    return images_of(map_row(clean_account(account)).seed)


def images_of(seed: int) -> Tensor:
    """Las 144 imágenes de prueba que se sortean con esa semilla: sus posiciones, (144,)."""
    return torch.randperm(_how_many(), generator=torch.Generator().manual_seed(seed))[:SIDE * SIDE]


@lru_cache(maxsize=1)
def _how_many() -> int:
    return len(load_images("test"))


@lru_cache(maxsize=1)
def _vectors() -> Tensor:
    """Lo que responde relu6 a cada imagen de prueba."""
    return features(load_model("escenas", device="cpu"), load_images("test").images, "relu6")


def seam_map(index: Tensor) -> tuple[Tensor, Tensor]:
    """Las costuras del mapa de esas imágenes, (12, 12), y cuál de ellas va en cada casilla, (12, 12)."""
    vectors = _vectors()[index]
    grid = assign_to_grid(pca(vectors), SIDE, SIDE)
    return seams(vectors, grid), grid


def seam_cells(index: Tensor) -> Tensor:
    """Las imágenes con costura en el mapa de ésas: sus posiciones en `index`."""
    marks, grid = seam_map(index)
    return grid[marks >= CUT]


def seam_count(index: Tensor) -> tuple[int, Tensor]:
    """Cuántas casillas con costura tiene el mapa de esas imágenes, y cuántas de cada clase, (12,)."""
    world, marked = load_images("test"), seam_cells(index)
    return len(marked), torch.bincount(world.labels[index][marked], minlength=len(world.classes))


def map_row(account: str) -> MapRow:
    """El mapa que le toca a un número de cuenta, con lo que se lee en él."""
    return row_of(account, "seam_reading", MapRow, "mapa de la lección 4")


def read_map(value: object, row: MapRow) -> tuple[int, str]:
    """La respuesta como (cuántas casillas, clase), o el veredicto que pide escribirla bien."""
    count, name = read_pair(value, (int, str), ASK_MAP)
    return count, read_name(name, load_images("test", n=1).classes, "una de las doce clases")


def map_reasons(given: tuple[int, str], row: MapRow) -> Iterator[tuple[bool, str]]:
    """Qué decir de una cuenta y una clase: parejas (se cumple, mensaje), y la última se cumple siempre."""
    count, name = given
    counted = abs(count - row.seams) <= 1
    yield (abs(count - (SIDE * SIDE - row.seams)) <= 1, "esas son las casillas SIN costura: cuenta las de 0.8 o más.")
    yield (counted and name == row.commonest,
           f"la cuenta está bien, pero «{name}» es la clase con más imágenes; se pide la que tiene más costuras.")
    yield (counted and name == row.unmoved,
           "la cuenta está bien, pero a la clase le falta `index`: grid da posiciones en TUS 144 imágenes, no en las "
           "1,500.")
    yield counted, "la cuenta está bien; revisa la clase: mira grid donde marks es 0.8 o más."
    yield name == row.winner, "la clase está bien; revisa la cuenta de casillas con 0.8 o más."
    yield True, "ni la cuenta ni la clase: ¿usaste tus 144 imágenes, relu6, pca y una rejilla de 12 × 12?"

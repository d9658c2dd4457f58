"""Ejercicio 4 de la lección 5: leer una capa disecada. Lo que sale en cada capa se midió de antemano."""

from collections.abc import Iterator
from functools import lru_cache
from typing import NamedTuple

from torch import Tensor

from labkit.datasets import load_concepts
from labkit.dissection import count_detectors, unique_by_category
from labkit.exercises.accounts import account_or_sample, row_of
from labkit.exercises.answers import kind_of, read_keys, read_number
from labkit.exercises.kinds import Finding
from labkit.exercises.verdict import Revise
from labkit.models import plain_name

IMAGES, USUAL = 300, 0.04                   # cuántas imágenes de prueba; el corte del artículo
LAYERS = ("conv3", "conv4", "conv5")
KEYS = ("detectoras", "distintos", "suma", "mejor")
ASK_KEYS = "escribe un diccionario con estas llaves: detectoras, distintos, suma, mejor."
ASK_COUNTS = "detectoras, distintos, suma son cuentas: escribe enteros."


class Reading(NamedTuple):
    """Cómo se lee una capa: sus detectoras, sus conceptos con las dos definiciones y el mejor de todos."""
    detectors: int
    unique: int
    summed: int
    best: str


class LayerRow(NamedTuple):
    """Una capa y un corte, su lectura y las que se confunden con ella.

    De pairs a commonest, lo que da contar otra cosa; de usual a all_images, las tres cuentas, como «12 5 9», con el
    corte del artículo, tras la ReLU, en la red principal, en las otras dos capas (separadas por «; ») y con todas las
    imágenes.
    """
    network: str
    layer: str
    cut: float
    detectors: int
    unique: int
    summed: int
    best: str
    pairs: int
    reached: int
    units_by_category: int
    commonest: str
    usual: str
    relu: str
    main: str
    other_layers: str
    all_images: str


def my_layer(account: str | int | None) -> tuple[str, str, float]:
    """La red, la capa y el corte que le tocan a un número de cuenta. Error: ValueError si el número no se entiende."""
    row = _layer_row(account_or_sample(account))
    return row.network, row.layer, row.cut


def read_layer(iou: Tensor, names: list[str], categories: list[str], cut: float) -> Reading:
    """De la tabla IoU (c, k) de una capa: detectoras, conceptos con las dos definiciones y el mejor de todos."""
    detectors, unique = count_detectors(iou, cut)
    summed = sum(unique_by_category(iou, categories, cut).values())
    return Reading(detectors, unique, summed, names[int(iou.amax(0).argmax())])


def _layer_row(account: str) -> LayerRow:
    return row_of(account, "layer_reading", LayerRow, "capa de la lección 5")


def _right_reading(row: LayerRow) -> Reading:
    return Reading(row.detectors, row.unique, row.summed, row.best)


def _read_answer(value: object, row: LayerRow) -> Reading:
    """Lo que se contestó, en números y palabras de Python; un veredicto si le falta algo."""
    given = read_keys(value, KEYS, ASK_KEYS)
    counts = [read_number(given[key], int, ASK_COUNTS) for key in KEYS[:3]]
    return Reading(*counts, _read_concept(given["mejor"]))


def _read_concept(value: object) -> str:
    """El nombre del concepto, como está en world.names: no se dicen todos, como en `read_name`, porque son 398."""
    if isinstance(value, int) or (isinstance(value, Tensor) and value.ndim == 0 and not value.is_floating_point()):
        raise Revise("mejor: recibí un entero, el lugar del concepto. Su nombre es world.names[ese número].")
    text = value if isinstance(value, str) else kind_of(value)
    if plain_name(text) not in _concepts():
        raise Revise(f"mejor: «{text}» no es un concepto. Escribe su nombre, como está en world.names.")
    return _concepts()[plain_name(text)]


@lru_cache(maxsize=1)
def _concepts() -> dict[str, str]:
    """El nombre de cada concepto, y cómo se escribe sin acentos ni mayúsculas."""
    return {plain_name(name): name for name in load_concepts("test", n=1).names}


def _reasons(given: Reading, row: LayerRow) -> Iterator[tuple[bool, str]]:
    right = _right_reading(row)
    off = [key for key, mine, good in zip(KEYS, given, right) if mine != good]
    good = [key for key in KEYS if key not in off]
    yield (given[1:3] == (right.summed, right.unique), "al revés: «distintos» cuenta el mejor concepto de cada unidad; "
           "«suma» junta lo que sale en cada categoría.")
    yield from _other_readings(given, row)
    yield (given.detectors == row.pairs != right.detectors,
           "en «detectoras» cuentas parejas; cada unidad cuenta una vez, con su mejor concepto.")
    yield (given.unique == right.detectors,
           "en «distintos» cuentas unidades: dos que detectan lo mismo son un solo concepto.")
    yield (given.unique == row.reached != right.unique, "en «distintos» cuentas todo concepto que alguien alcanza; se "
           "pide el que es el MEJOR de alguna unidad.")
    yield (given.summed == right.unique,
           "en «suma» repites los distintos: en cada categoría se busca otra vez el mejor de cada unidad.")
    yield (given.summed == row.reached != right.summed, "en «suma» cuentas todo concepto que alguien alcanza; se pide "
           "el MEJOR de cada unidad en cada categoría.")
    yield (given.summed == row.units_by_category != right.summed,
           "en «suma» cuentas unidades en cada categoría; van conceptos distintos.")
    yield (off == ["mejor"] and given.best == row.commonest,
           "en «mejor» va el concepto del IoU más alto de toda la capa, no el que más unidades detectan.")
    yield len(good) > 0, f"bien: {', '.join(good)}. Revisa: {', '.join(off)}."
    yield (True, f"ninguna de las cuatro: ¿disecaste {row.layer} de {row.network} con las primeras {IMAGES} imágenes "
           "de prueba?")


def _other_readings(given: Reading, row: LayerRow) -> Iterator[tuple[bool, str]]:
    """Si las tres cuentas están bien hechas, pero son de otro corte, de otra capa, de otra red o de otras imágenes."""
    counts, layer = " ".join(map(str, given[:3])), row.layer
    yield counts == row.usual, f"esas son las cuentas con el corte del artículo, {USUAL}; el tuyo es {row.cut}."
    if given.detectors != row.detectors:
        yield counts == row.relu, f"así responde relu{layer[-1]}; te tocó {layer}, antes de la ReLU."
        yield counts == row.main, f"así responde la red principal; la tuya es {row.network}."
        yield counts in row.other_layers.split("; "), f"así responde otra capa de tu red; te tocó {layer}."
        yield (counts == row.all_images,
               f"así sale con todas las imágenes de prueba; van solo las primeras {IMAGES}.")


EXERCISES = {
    "layer_reading": Finding(
        case=_layer_row,
        read=_read_answer,
        right=_right_reading,
        reasons=_reasons,
        praise="así se lee {case.layer} con corte {case.cut}. Con otro corte, los números serían otros.",
        hints=("La tabla tiene un renglón por unidad y una columna por concepto: las cuatro respuestas salen de ella.",
               "iou = dissect(model, world, layer).iou() es la tabla, y best, which = iou.max(1), el mejor concepto de "
               "cada unidad. Detectora: best > cut.",
               "Para «suma» repite la cuenta con iou[:, columns], solo las columnas de una categoría, y luego con las "
               "de otra, y suma: columns = [k for k, kind in enumerate(world.categories) if kind == …]."),
        solution=(read_layer,),
    ),
}

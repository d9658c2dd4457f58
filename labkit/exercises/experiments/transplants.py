"""Ejercicio 4 de la lección 5b: qué unidad lleva el atajo. Lo que se lleva cada una se midió de antemano."""

from collections.abc import Iterator
from typing import NamedTuple

import torch
from torch import Tensor, nn

from labkit.activations import layer_names
from labkit.datasets import load_images
from labkit.exercises.accounts import account_or_sample, row_of
from labkit.exercises.answers import read_pair
from labkit.exercises.kinds import Finding
from labkit.exercises.verdict import Revise

NETWORK, SOURCE, COUNT = "autos_trampa", "autos_trampa", 40
NEAR = 0.006                                # cuánto puede diferir la parte: se pide con dos decimales
ASK_UNIT = "escribe una pareja: el canal, un entero, y qué parte de la caída se lleva, con dos decimales."


class Twins(NamedTuple):
    """Lo que le toca a una cuenta: su capa, su marca y los mismos autos sobre su fondo y sobre otro, (40, 3, h, w)."""
    layer: str
    label: int
    own: Tensor
    other: Tensor


class TwinsRow(NamedTuple):
    """Capa, marca, fondos y semilla; la parte que se lleva cada unidad, separadas por espacios, y lo que se confunde.

    margin: con su fondo;  drop: cuánto baja con el otro;  most_changed, silenced, other_label: la unidad que más
    cambia, la que más se nota al anularla y la de la otra marca;  silenced_share, backwards: la parte con un 0, y al
    revés.
    """
    layer: str
    label: int
    source: str
    seed: int
    shares: str
    margin: float
    drop: float
    most_changed: int
    silenced: int
    other_label: int
    silenced_share: float
    backwards: float


def my_twins(account: str | int | None) -> Twins:
    """La capa, la marca y los gemelos de un número de cuenta. Error: ValueError si el número no se entiende."""
    return twins_of(*_twins_row(account_or_sample(account))[:4])


def my_background(account: str | int | None) -> str:
    """De qué imágenes salen los otros fondos de un número de cuenta: «autos_invertidos» o «autos_libres»."""
    return _twins_row(account_or_sample(account)).source


def twins_of(layer: str, label: int, source: str, seed: int) -> Twins:
    """Los 40 autos de una marca que se sortean con esa semilla, sobre su fondo y sobre los de `source`."""
    own, other = load_images("test", SOURCE), load_images("test", source)
    cars = (own.labels == label).nonzero()[:, 0]
    cars = cars[torch.randperm(len(cars), generator=torch.Generator().manual_seed(seed))[:COUNT]]
    return Twins(layer, label, own.images[cars], other.images[cars])


def transplants(model: nn.Sequential, layer: str, label: int, own: Tensor, other: Tensor) -> Tensor:
    """Qué parte de lo que el otro fondo le quita al margen se lleva cada unidad de la capa, trasplantada sola: (c,)."""
    place = layer_names(model).index(layer) + 1
    head, tail = model[:place], model[place:]
    mine, theirs = head(own), head(other)
    return swap_drops(tail, label, mine, theirs) / (margin_of(tail(mine), label) - margin_of(tail(theirs), label))


def swap_drops(tail: nn.Module, label: int, mine: Tensor, theirs: Tensor) -> Tensor:
    """Cuánto baja el margen si en los mapas `mine` (b, c, …) una sola unidad responde como en `theirs`: (c,)."""
    before, drops = margin_of(tail(mine), label), []
    for unit in range(mine.shape[1]):
        mixed = mine.clone()
        mixed[:, unit] = theirs[:, unit]
        drops.append(before - margin_of(tail(mixed), label))
    return torch.stack(drops)


def margin_of(logits: Tensor, label: int) -> Tensor:
    """El margen medio de una marca sobre la otra, de los logits (b, 2)."""
    return (logits[:, label] - logits[:, 1 - label]).mean()


def _twins_row(account: str) -> TwinsRow:
    """Los gemelos de una cuenta, ya limpia, con lo que se lleva cada unidad."""
    return row_of(account, "shortcut_unit", TwinsRow, "gemelos de la lección 5b")


def _shares(row: TwinsRow) -> list[float]:
    return [float(share) for share in row.shares.split()]


def right_unit(row: TwinsRow) -> tuple[int, float]:
    """La unidad que más se lleva, y qué parte."""
    shares = _shares(row)
    return shares.index(max(shares)), max(shares)


def _read_unit(value: object, row: TwinsRow) -> tuple[int, float]:
    unit, share = read_pair(value, (int, float), ASK_UNIT)
    count = len(_shares(row))
    if not 0 <= unit < count:
        raise Revise(f"{row.layer} tiene {count} unidades, de la 0 a la {count - 1}.")
    return unit, share


def _unit_reasons(given: tuple[int, float], row: TwinsRow) -> Iterator[tuple[bool, str]]:
    (unit, share), shares = given, _shares(row)
    if unit == right_unit(row)[0]:
        yield from ((holds, f"la unidad está bien; {what}") for holds, what in _share_reasons(share, row))
    yield (unit == len(shares) - 1 and abs(share - 1) < NEAR,
           "¿clonas `mine` en cada vuelta? Si no, al final están trasplantadas todas, y juntas se llevan todo.")
    measured = abs(share - shares[unit]) < NEAR
    yield measured and share < 0, "ese trasplante SUBE el margen: se pide la que más lo baja."
    yield measured, f"eso es lo que se lleva {row.layer}:{unit}, pero hay otra que se lleva más."
    yield (unit == row.most_changed,
           "esa es la que más cambia con el fondo; cambiar no es lo mismo que usarse. Trasplántala.")
    yield (unit == row.silenced, "esa es la que más se nota al anularla; aquí no se pone un 0, se pone lo que responde "
           "con el otro fondo.")
    yield (shares[unit] == min(shares), "ese trasplante SUBE el margen: revisa el signo, se pide la que más lo baja.")
    yield unit == row.other_label, "esa es la de la otra marca: revisa cuál te tocó."
    yield True, f"no es esa. En {row.layer} hay una unidad cuyo trasplante baja más el margen."


def _share_reasons(given: float, row: TwinsRow) -> Iterator[tuple[bool, str]]:
    share = right_unit(row)[1]
    drop = share * row.drop
    yield abs(given - 100 * share) < 1, "la parte va de 0 a 1, no en porcentaje."
    yield (abs(given - drop) < 0.02 * abs(drop),
           "eso es cuánto baja. Divídelo entre lo que baja al cambiar todo el fondo.")
    yield abs(given + share) < NEAR, "revisa el signo: es cuánto BAJA el margen."
    yield 0 < share - given < 0.01, "pero cortaste los decimales: redondea a dos."
    yield abs(given - round(share, 1)) < 1e-9, "falta un decimal: escribe dos."
    yield (abs(given - drop / row.margin) < NEAR,
           "divides entre el margen, y va entre lo que baja el margen al cambiar TODO el fondo.")
    yield (abs(given - row.silenced_share) < NEAR,
           "esa parte sale al poner un 0: se pone lo que responde con el otro fondo.")
    yield abs(given - row.backwards) < NEAR, "esa parte sale al revés: se parte de los autos con SU fondo."
    yield abs(given - 1 + share) < NEAR, "eso es lo que queda. Se pide la parte que se lleva."
    yield True, "la parte es cuánto baja entre cuánto baja con todo el fondo, con dos decimales."


EXERCISES = {
    "shortcut_unit": Finding(
        case=_twins_row,
        read=_read_unit,
        right=right_unit,
        margins=(0, NEAR),
        alike=lambda given, right: given[0] == right[0],
        reasons=_unit_reasons,
        praise="esa es. Es la que más lleva del fondo a la respuesta, y ni así lo lleva todo.",
        hints=("Una mitad de tu red da los mapas de tu capa, y la otra los lleva hasta los logits. Para trasplantar no "
               "hace falta más.",
               "La parte: (margen de mine − margen de mixed) entre (margen de mine − margen de theirs).",
               "Por cada unidad: mixed = mine.clone(); mixed[:, unit] = theirs[:, unit]; y el margen de tail(mixed)."),
        solution=(transplants, swap_drops, margin_of),
    ),
}

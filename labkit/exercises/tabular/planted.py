"""Ejercicio 4 de la lección 6b: qué se sembró en tu tabla. La respuesta es la regla misma, que depende de la cuenta."""

from collections.abc import Iterator
from itertools import permutations, product
from typing import NamedTuple

import torch
from torch import Tensor

from labkit.exercises.accounts import account_or_sample, row_of
from labkit.exercises.answers import read_keys, read_name
from labkit.exercises.kinds import Finding
from labkit.tabular import Choice, Columns, Number

PEOPLE = 6000
TIMES = 3                                   # cuántas veces se siembra cada regla, cada una con otra gente
NUMBERS = {"edad": (18, 80, "años"), "ingreso": (4, 80, "miles de pesos"), "créditos": (0, 12, ""),
           "contratos": (0, 6, "")}
OPTIONS = {"colonia": ("Jacarandas", "San Telmo", "Agua Clara", "El Mirador"),
           "compañía": ("Onda", "Faro", "Trino", "Nido"), "banco": ("Alfa", "Cima", "Norte", "Roble")}
IN_B = (0.90, 0.08, 0.12, 0.16)             # la parte del grupo B en cada opción del sustituto, de la más alta
KEYS = ("sustituto", "opción", "no cuenta")
ASK_KEYS = "escribe un diccionario con estas llaves: sustituto, opción, no cuenta."


class Planted(NamedTuple):
    """La regla de una tabla. proxy: la columna que dice el grupo;  option: en cuál de sus opciones está casi todo B;
    active: la columna de opciones que sí mueve lo anotado;  idle: la que no hace nada;  flat: la de números que no
    cuenta.
    """
    proxy: str
    option: str
    active: str
    idle: str
    flat: str
    seed: int


class PlantedTable(NamedTuple):
    """Tu tabla: columnas, renglones (n, d), lo anotado (n,) y quién es del grupo B (n,), que no es una columna."""
    columns: Columns
    rows: Tensor
    labels: Tensor
    in_b: Tensor


def planted_of(account: str) -> Planted:
    """La regla que le toca a una cuenta ya limpia."""
    return row_of(account, "planted_rule", Planted, "regla de la lección 6b")


def every_rule() -> Iterator[Planted]:
    """Las 96 reglas, tres veces: cada vez con otra gente.

    Una regla dice qué columna es el sustituto y cuál mueve lo anotado, cuál no cuenta, y en qué opción está B.
    """
    rules = list(product(permutations(OPTIONS), NUMBERS, range(4)))
    for seed, ((proxy, active, idle), flat, place) in enumerate(TIMES * rules):
        yield Planted(proxy, OPTIONS[proxy][place], active, idle, flat, seed)


def my_table(account: str | int | None) -> PlantedTable:
    """La tabla de créditos que le toca a un número de cuenta. Error: ValueError si el número no se entiende."""
    return planted_table(planted_of(account_or_sample(account)))


def planted_table(rule: Planted) -> PlantedTable:
    """PEOPLE personas de esa regla: las columnas no dependen unas de otras, salvo el sustituto y el grupo."""
    columns = Columns([*(Number(name, low, high, unit, 1) for name, (low, high, unit) in NUMBERS.items()),
                       *(Choice(name, options) for name, options in OPTIONS.items())])
    dice = torch.Generator().manual_seed(1000 + rule.seed)
    rows = columns.project(torch.rand(PEOPLE, len(columns), generator=dice))
    options = OPTIONS[rule.proxy]
    shift = options.index(rule.option)                                  # la opción de casi todo B, en su lugar
    share = rows[:, columns.places[rule.proxy]] @ torch.tensor([IN_B[(k - shift) % 4] for k in range(4)])
    in_b = torch.rand(PEOPLE, generator=dice) < share
    risk = -1.2 + 1.5 * in_b + rows[:, columns.places[rule.active]] @ torch.tensor([0.0, 0.5, 1.1, 1.6])
    for name, weight in zip([name for name in NUMBERS if name != rule.flat], (-2.4, 2.4, 1.8)):
        risk = risk + weight * (rows[:, columns.places[name].start] - 0.5)
    return PlantedTable(columns, rows, torch.rand(PEOPLE, generator=dice) < risk.sigmoid(), in_b)


def _right(rule: Planted) -> tuple[str, str, str]:
    return rule.proxy, rule.option, rule.flat


def _read(value: object, rule: Planted) -> tuple[str, str, str]:
    """Los tres nombres que se contestaron; un veredicto si falta algo o no son de la tabla."""
    given = read_keys(value, KEYS, ASK_KEYS)
    proxy = read_name(given["sustituto"], list(OPTIONS), "una de las columnas de opciones")
    every = [option for options in OPTIONS.values() for option in options]
    return (proxy, read_name(given["opción"], every, "una de las opciones"),
            read_name(given["no cuenta"], list(NUMBERS), "una de las columnas de números"))


def _reasons(given: tuple[str, str, str], rule: Planted) -> Iterator[tuple[bool, str]]:
    proxy, option, flat = given
    good = [key for key, mine, right in zip(KEYS, given, _right(rule)) if mine == right]
    yield (proxy == rule.active, f"«{proxy}» mueve lo anotado por su cuenta, y no dice el grupo: en todas sus opciones "
           "hay la misma parte de B. El sustituto es la que deja adivinar el grupo.")
    yield (proxy == rule.idle, f"«{proxy}» ni dice el grupo ni mueve lo anotado: compara qué parte de B hay en cada "
           "opción de cada columna.")
    yield option not in OPTIONS[proxy], f"«{option}» no es una opción de «{proxy}»."
    yield (option != rule.option, f"«{option}» tiene poca gente del grupo B; se pide la opción en que B es casi todos.")
    yield (flat != rule.flat, f"«{flat}» sí cuenta: compara lo anotado en la mitad de arriba y en la de abajo, junto a "
           "las otras tres.")
    yield True, f"bien: {', '.join(good) or 'ninguna'}."


EXERCISES = {
    "planted_rule": Finding(
        case=planted_of,
        read=_read,
        right=_right,
        reasons=_reasons,
        praise="en tu tabla el sustituto es {case.proxy}, y {case.flat} no cuenta. Así se sembró.",
        hints=("Un sustituto no tiene que mover lo anotado: tiene que decir quién es del grupo.",
               "De una columna de opciones: rows[:, columns.places[name]] tiene un lugar por opción. ¿Qué parte de las "
               "personas con un 1 en ese lugar es del grupo B?",
               "De una columna de números: high = rows[:, columns.places[name].start] > 0.5 parte a la gente en dos. "
               "Compara labels[high] con labels[~high]: en la que no cuenta, la diferencia cabe en el azar."),
        solution=(planted_table, planted_of),
    ),
}

"""El número de cuenta: a cada estudiante le toca una variante distinta, siempre la misma."""

import csv
import hashlib
from functools import lru_cache
from io import StringIO
from typing import TypeVar

from torch import nn

from labkit.activations import Unit
from labkit.exercises.sandbox import blaming_the_answer, is_blank
from labkit.exercises.verdict import Pending, Revise
from labkit.files import read_data
from labkit.models import load_model
from labkit.progress import say

# Una razón que se cumple si la respuesta es la del caso de muestra; va después de las que explican la respuesta entera.
LIKE_SAMPLE = (False, "así responde el caso de muestra, no el tuyo: ¿ejecutaste otra vez las celdas, ya con tu número?")
SAMPLE = "muestra"  # a quien no escribe su número de cuenta le toca este caso, que no se califica

Row = TypeVar("Row", bound=tuple)  # un NamedTuple


class NotAnAccount(ValueError):
    """Lo que se escribió no puede ser un número de cuenta. Jupyter lo muestra en una frase, sin la traza de Python."""

    def _render_traceback_(self) -> list[str]:
        return [f"✗ {self}"]


def clean_account(text: object) -> str:
    """El número de cuenta, solo con dígitos y sin ceros por delante; vacío si no hay ninguno.

    "31234567-8", "0312345678" y 312345678 son la misma cuenta, "312345678".
    Error: ValueError si lo que hay no puede ser un número de cuenta (de 6 a 10 dígitos).
    """
    if is_blank(text):
        return ""
    with blaming_the_answer():
        digits = str(text).replace("-", "").replace(" ", "")
        shown = repr(text)
    if not (digits.isascii() and digits.isdigit() and 6 <= len(digits) <= 10 and int(digits)):
        raise NotAnAccount(f'esperaba tu número de cuenta, de 6 a 10 dígitos y entre comillas; recibí {shown}.')
    return digits.lstrip("0")


def account_or_sample(account: str | int | None) -> str:
    """El número de cuenta limpio; si está vacío, avisa que te toca el caso de muestra. Error: el de `clean_account`."""
    account = clean_account(account)
    if not account:
        say("Sin número de cuenta te tocan casos de muestra: sirven para practicar, no para entregar.")
    return account


def variant(account: str, options: int, purpose: str) -> int:
    """Un número de 0 a `options` − 1 que depende del número de cuenta y no se adivina por sus dígitos."""
    digest = hashlib.sha256(f"{purpose}/{account or SAMPLE}".encode()).digest()
    return int.from_bytes(digest[:8], "big") % options


def hand_unit(network: str, unit: str) -> tuple[nn.Module, Unit]:
    """La red, cargada, y la unidad que le tocaron a quien contesta; y lo dice."""
    say(f"Tu red es la {'robusta' if network.endswith('robusta') else 'principal'} ({network}) y tu unidad, {unit}.")
    return load_model(network, device="cpu"), Unit.parse(unit)


def split_answer(answer: object) -> tuple[str, object]:
    """De la pareja (ACCOUNT, respuesta), el número de cuenta ya limpio y la respuesta; si falta algo, un veredicto."""
    if not isinstance(answer, tuple) or len(answer) != 2:
        raise Revise("pásame una pareja entre paréntesis: (ACCOUNT, tu respuesta).")
    account, value = answer
    if is_blank(value):
        raise Pending("todavía no escribes tu respuesta.")
    try:
        account = clean_account(account)
    except ValueError as error:
        raise Revise(str(error)) from None
    if not account:
        raise Pending("falta tu número de cuenta, en su celda, la que sigue a la preparación: de él depende tu caso.")
    return account, value


def row_of(account: str, exercise: str, row: type[Row], purpose: str) -> Row:
    """El renglón de la tabla de un ejercicio, `load_rows`, que le toca a ese número de cuenta, ya limpio."""
    rows = load_rows(exercise, row)
    return rows[variant(account, len(rows), purpose)]


@lru_cache(maxsize=32)
def load_rows(exercise: str, row: type[Row]) -> tuple[Row, ...]:
    """Lo que se midió de antemano en cada variante de un ejercicio, un `row` por renglón.

    Está en data/ejercicios/<ejercicio>.csv, y cada celda se lee según la anotación de su campo (int, float o str).
    Lo escribe data/build/make_exercises.py.
    """
    kinds = row.__annotations__
    table = csv.DictReader(StringIO(read_data("ejercicios", f"{exercise}.csv").decode("utf-8")))
    if missing := set(kinds) - set(table.fieldnames or ()):
        raise ValueError(f"A la tabla de {exercise} le falta {', '.join(sorted(missing))}: repite make_exercises.py.")
    return tuple(row(**{field: kind(line[field]) for field, kind in kinds.items()}) for line in table)

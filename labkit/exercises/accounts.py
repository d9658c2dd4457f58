"""El número de cuenta: a cada estudiante le toca una variante distinta, siempre la misma."""

import hashlib

from torch import nn

from labkit.activations import Unit
from labkit.exercises.isolation import is_blank
from labkit.exercises.verdict import Pending, Revise
from labkit.models import load_model, plain_name  # plain_name: lo toman de aquí los hallazgos

LIKE_SAMPLE = " (Así responde el caso de muestra: ¿ejecutaste otra vez las celdas, ya con tu número?)"
SAMPLE = "muestra"  # a quien no escribe su número de cuenta le toca este caso, que no se califica


def clean_account(text: object) -> str:
    """El número de cuenta, solo con dígitos: "31234567-8" → "312345678". Vacío si no hay ninguno.

    Error: ValueError si lo que hay no puede ser un número de cuenta (de 6 a 10 dígitos).
    """
    if is_blank(text):
        return ""
    digits = str(text).replace("-", "").replace(" ", "")
    if not (digits.isascii() and digits.isdigit() and 6 <= len(digits) <= 10):
        raise ValueError(f'esperaba tu número de cuenta, de 6 a 10 dígitos y entre comillas; recibí {text!r}.')
    return digits


def variant(account: str, options: int, purpose: str) -> int:
    """Un número de 0 a `options` − 1 que depende del número de cuenta y no se adivina por sus dígitos."""
    digest = hashlib.sha256(f"{purpose}/{account or SAMPLE}".encode()).digest()
    return int.from_bytes(digest[:8], "big") % options


def unit_of(account: str, units: dict[str, str], purpose: str) -> tuple[str, Unit]:
    """La red y la unidad que le tocan a ese número, de las que hay: red → unidades separadas por espacios."""
    options = [(name, Unit.parse(text)) for name, texts in units.items() for text in texts.split()]
    return options[variant(account, len(options), purpose)]


def hand_unit(account: str | int | None, units: dict[str, str], purpose: str) -> tuple[nn.Module, Unit]:
    """La red, cargada, y la unidad de ese número, y lo dice. Error: ValueError si el número no se entiende."""
    account = clean_account(account)
    if not account:
        print("Sin número de cuenta te tocan casos de muestra: sirven para practicar, no para entregar.")
    name, unit = unit_of(account, units, purpose)
    print(f"Tu red es la {'robusta' if name.endswith('robusta') else 'principal'} ({name}) y tu unidad, {unit}.")
    return load_model(name, device="cpu"), unit


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

"""Qué es un ejercicio: cómo se revisa, qué pistas tiene y qué funciones de labkit lo resuelven."""

import os
from collections.abc import Callable
from dataclasses import dataclass

import torch


@dataclass(frozen=True)
class Exercise:
    """Un ejercicio del curso.

    examine: recibe la respuesta; devuelve el mensaje de «Correcto» o lanza un `Outcome` con otro veredicto.
    hints: de la más general a la más concreta. answer: funciones que lo resuelven. graded: si cuenta para la nota.
    """

    examine: Callable[[object], str]
    hints: tuple[str, ...]
    answer: tuple[Callable, ...]
    graded: bool = True


def case_generator() -> torch.Generator:
    """De donde salen los casos al azar; quien da el curso los cambia con la variable LABKIT_SEMILLA."""
    text = os.environ.get("LABKIT_SEMILLA", "0")
    return torch.Generator().manual_seed(int(text) if text.isdigit() else 0)

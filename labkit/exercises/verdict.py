"""Los cuatro veredictos de un ejercicio y cómo se muestran: con símbolo y palabra, nunca solo con color."""

import os
import sys
from dataclasses import dataclass

from labkit.progress import say


class Outcome(Exception):
    """Lo que interrumpe una revisión: un veredicto que no es «Correcto». `picture` es un PNG, o nada."""

    mark, word = "✗", "Revisa"

    def __init__(self, message: str, picture: bytes | None = None) -> None:
        super().__init__(message)
        self.message, self.picture = message, picture


class Revise(Outcome):
    """La respuesta corre, pero no es la correcta."""


class Pending(Outcome):
    """Todavía no hay respuesta."""

    mark, word = "…", "Pendiente"


class Broken(Outcome):
    """El código de la respuesta se detuvo con una excepción."""

    mark, word = "✗", "Error en tu código"


@dataclass(frozen=True)
class Verdict:
    """El resultado de revisar una respuesta: símbolo, palabra, mensaje y, a veces, un dibujo de dónde difiere."""

    mark: str
    word: str
    message: str
    picture: bytes | None = None

    @property
    def ok(self) -> bool:
        """True solo si la respuesta es correcta."""
        return self.word == "Correcto"

    def __str__(self) -> str:
        return f"{self.mark} {self.word} · {self.message}"


def correct(message: str) -> Verdict:
    """El veredicto «✓ Correcto»."""
    return Verdict("✓", "Correcto", message)


def from_outcome(outcome: Outcome, name: str) -> Verdict:
    """El veredicto que corresponde a una revisión interrumpida del ejercicio `name`."""
    return Verdict(outcome.mark, outcome.word, f"{name}: {outcome.message}", outcome.picture)


def strict() -> bool:
    """True cuando un veredicto que no es «Correcto» debe detener el cuaderno: al calificar o si se pide."""
    return bool(os.environ.get("NBGRADER_EXECUTION")) or os.environ.get("LABKIT_ESTRICTO", "") in ("1", "sí", "si")


def present(verdict: Verdict) -> None:
    """Escribe el veredicto en la salida normal y, dentro de un cuaderno, muestra su dibujo."""
    say(verdict)
    if verdict.picture is not None and _in_notebook():
        from IPython.display import Image, display

        display(Image(data=verdict.picture))


def _in_notebook() -> bool:
    """True dentro del núcleo de un cuaderno; no importa IPython si nadie lo ha importado."""
    shell = sys.modules["IPython"].get_ipython() if "IPython" in sys.modules else None
    return shell is not None and hasattr(shell, "kernel")

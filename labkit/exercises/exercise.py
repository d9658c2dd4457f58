"""Un ejercicio como antes, mientras quedan lecciones por pasar a `kinds`: se borra con la última."""

from collections.abc import Callable
from dataclasses import dataclass


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

    def sources(self) -> tuple[Callable, ...]:
        """Las funciones cuyo código resuelve el ejercicio."""
        return self.answer

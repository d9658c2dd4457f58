"""Comparar como antes, mientras quedan lecciones por pasar a `kinds`: se borra con la última."""

from collections.abc import Callable, Iterable, Mapping
from typing import NamedTuple

from torch import Tensor

from labkit.exercises.answers import read_tensor
from labkit.exercises.compare import _unexplained, close
from labkit.exercises.verdict import Outcome, Revise


class Trial(NamedTuple):
    """Un caso de prueba. ask: lo que da la respuesta; want: lo que da labkit; case: con qué se probó, en palabras.

    mistakes: mensaje → lo que sale de cometer ese error.
    """

    ask: Callable[[], object]
    want: Tensor
    mistakes: Callable[[], Mapping[str, Tensor]]
    case: str


def compare(trials: Iterable[Trial]) -> int:
    """Cuántos casos se probaron, si en todos da lo mismo que labkit; si no, un veredicto que nombra el error probable.

    El error que se nombra explica todos los casos en que difiere, hasta que solo queda uno.
    """
    suspects: list[str] = []
    case, tried = "", 0
    for trial in trials:
        tried += 1
        try:
            got = read_tensor(trial.ask())
        except Outcome:
            if not suspects:
                raise
            break
        if close(got, trial.want):
            continue
        found = [m for m, wrong in trial.mistakes().items() if close(got, wrong) and not close(wrong, trial.want)]
        if not suspects and not found:
            _unexplained(got, trial.want, trial.case)
        case = case or trial.case
        suspects = [message for message in suspects if message in found] or suspects or found
        if len(suspects) == 1:
            break
    if suspects:
        raise Revise(f"{suspects[0]} (Lo vi con {case}.)")
    return tried

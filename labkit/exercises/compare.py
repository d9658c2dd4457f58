"""Comparar una respuesta con la de labkit: el mensaje nombra el error probable y nunca dice la respuesta."""

from collections.abc import Callable, Iterable, Sequence
from typing import NamedTuple

import torch
from torch import Tensor

from labkit.exercises.verdict import Outcome, Revise
from labkit.images import enlarge, png_bytes

SAME, DIFFERENT = (0.267, 0.005, 0.329), (0.993, 0.906, 0.144)  # los dos extremos de viridis


class Mistake(NamedTuple):
    """Un error conocido: lo que se le dice a quien lo comete, y una función que lo comete, como la que se pide.

    also: otras maneras de cometerlo, que se dicen con el mismo mensaje.
    """

    message: str
    commit: Callable[..., object]
    also: tuple[Callable[..., object], ...] = ()

    @property
    def ways(self) -> tuple[Callable[..., object], ...]:
        """Todas las funciones que lo cometen."""
        return self.commit, *self.also


class Trial(NamedTuple):
    """Un caso de prueba. ask: lo que da la respuesta; want: lo que da labkit; case: con qué se probó, en palabras.

    commit: lo que da, en este caso, la función de un error.
    """

    ask: Callable[[], Tensor]
    want: Tensor
    commit: Callable[[Callable], Tensor]
    case: str


def compare(trials: Iterable[Trial], mistakes: Sequence[Mistake]) -> int:
    """Cuántos casos se probaron, si en todos da lo mismo que labkit; si no, un veredicto que nombra el error probable.

    Se nombra el error que explica más de los casos en que difiere, si son más de la mitad; si dos empatan, el primero.
    Si no hay tal error, se dice dónde difiere el primer caso.
    """
    differing: list[tuple[Tensor, Tensor, str]] = []
    explained: list[list[str]] = [[] for _ in mistakes]
    tried = 0
    for trial in trials:
        tried += 1
        try:
            got = trial.ask()
        except Outcome as outcome:
            if differing:
                break
            if tried > 1:                       # con los casos de antes estuvo bien: ayuda saber con cuál se vio
                outcome.message += f" (Lo vi con {trial.case}.)"
            raise
        if not close(got, trial.want):
            differing.append((got, trial.want, trial.case))
            for mistake, cases in zip(mistakes, explained):
                if any(_explains(commit, trial, got) for commit in mistake.ways):
                    cases.append(trial.case)
    if differing:
        best = max(explained, key=len, default=[])
        if 2 * len(best) <= len(differing):
            _unexplained(*differing[0])
        raise Revise(f"{mistakes[explained.index(best)].message} (Lo vi con {best[0]}.)")
    return tried


def _explains(commit: Callable[..., object], trial: Trial, got: Tensor) -> bool:
    """True si en ese caso el error da lo mismo que la respuesta, que no es lo que da labkit."""
    try:
        wrong = trial.commit(commit)
    except (Outcome, RuntimeError, IndexError):  # con las formas de este caso no se puede cometer
        return False
    return close(got, wrong)


def close(a: Tensor, b: Tensor) -> bool:
    """True si dos tensores tienen la misma forma y valores iguales hasta una milésima del mayor de `b`."""
    if a.shape != b.shape:
        return False
    a, b = a.double().cpu(), b.double().cpu()
    return torch.allclose(a, b, rtol=0, atol=_tolerance(b), equal_nan=True)


def _tolerance(values: Tensor) -> float:
    return 1e-3 * float(values.double().nan_to_num(0.0).abs().max()) + 1e-7


def _unexplained(got: Tensor, want: Tensor, case: str) -> None:
    """El veredicto cuando ningún error conocido explica la diferencia: la forma, los NaN o, al menos, dónde difiere."""
    if got.shape != want.shape:
        raise Revise(_about_shape(tuple(got.shape), tuple(want.shape), case))
    if not torch.isfinite(got).all():
        raise Revise("hay valores que no son números (NaN o infinito). ¿Divides entre cero, o crece una exponencial? "
                     f"(Lo vi con {case}.)")
    raise Revise(*_where(got, want, case))


def _about_shape(got: tuple[int, ...], want: tuple[int, ...], case: str) -> str:
    text = f"con {case}, esperaba la forma {want} y recibí {got}."
    if len(want) > 1 and got == (*want[:-2], want[-1], want[-2]):
        return f"{text} Está transpuesta: primero va el alto y luego el ancho, (y, x)."
    if got == (1, *want):
        return f"{text} Sobra el eje del lote: prueba [0]."
    if got[-2:] == want[-2:]:
        return f"{text} " + ("Sobra un eje." if len(got) > len(want) else "Revisa los canales.")
    return text


def _where(got: Tensor, want: Tensor, case: str) -> tuple[str] | tuple[str, bytes]:
    """El mensaje y, si son imágenes o mapas (…, h, w), el dibujo de DÓNDE difieren, sin decir ningún valor."""
    off = (got.double().cpu() - want.double().cpu()).abs() > _tolerance(want)
    if off.ndim < 2:
        what = "valor es otro" if off.numel() == 1 else f"valores {'es otro' if off.sum() == 1 else 'son otros'}"
        return (f"con {case}, la forma es buena, pero {int(off.sum())} de {off.numel()} {what}.",)
    off = off.flatten(0, -3).any(0) if off.ndim > 2 else off
    h, w = off.shape
    rows, cols = off.any(1).nonzero().flatten().tolist(), off.any(0).nonzero().flatten().tolist()
    where = f"{'en la' if len(rows) == 1 else 'en las'} {_span('fila', rows)}, {_span('columna', cols)}"
    message = (
        f"con {case}, la forma es buena, pero los valores difieren en {int(off.sum())} de {h * w} lugares.\n"
        f"Descripción: en amarillo, los que difieren ({where}); en morado, los que están bien."
    )
    colors = torch.tensor([SAME, DIFFERENT]).t()  # (3, 2)
    return message, png_bytes(enlarge(colors[:, off.long()], max(1, 160 // max(h, w))))


def _span(what: str, places: list[int]) -> str:
    """De la primera a la última, en palabras: «fila 2» o «filas 2 a 5»."""
    return f"{what} {places[0]}" if len(places) == 1 else f"{what}s {places[0]} a {places[-1]}"

"""La cadena que más enciende a una celda: como en la lección 2, pero entre signos no hay pendiente que seguir."""
from typing import NamedTuple

import torch
from torch import Tensor

from labkit.activations import Unit, record, run
from labkit.device import device_of
from labkit.sequences.alphabet import ALPHABET, decode, encode
from labkit.sequences.network import TextNetwork

WIDTH = 8                                   # cuántas cadenas siguen vivas en cada signo


class Found(NamedTuple):
    """Una cadena y lo que vale la celda al terminar de leerla; hacia abajo, con el signo cambiado."""
    text: str
    value: float


def exciting_string(model: TextNetwork, unit: Unit | str, length: int = 20, lowest: bool = False,
                    signs: str = ALPHABET, sweeps: int = 1, seed: int = 0) -> Found:
    """La cadena de `length` signos que deja más arriba a la celda (o más abajo, con `lowest`), de las que se probaron.

    Primero se escribe de izquierda a derecha y en cada signo quedan las WIDTH mejores; luego se retoca: en cada lugar,
    en un orden al azar, se prueban todos los signos y se queda el mejor.  signs: los signos que se permiten;  sweeps:
    cuántas vueltas de retoques. No es seguro que sea la mejor de todas.
    """
    if length < 1:
        raise ValueError(f"length: esperaba al menos un signo y recibí {length}.")
    unit, dice, allowed = Unit.parse(unit), torch.Generator().manual_seed(seed), encode(signs)
    codes = written_string(model, unit, length, lowest, allowed)
    value = float(final_values(model, unit, codes[None], lowest))
    for place in [int(place) for _ in range(sweeps) for place in torch.randperm(length, generator=dice)]:
        tried = codes.repeat(len(allowed), 1)
        tried[:, place] = allowed
        values = final_values(model, unit, tried, lowest)
        if float(values.max()) > value:
            codes, value = tried[int(values.argmax())], float(values.max())
    return Found(decode(codes), value)


def written_string(model: TextNetwork, unit: Unit, length: int, lowest: bool, allowed: Tensor) -> Tensor:
    """La mejor cadena que sale de escribir signo por signo con las WIDTH mejores, (length,)."""
    size = len(allowed)
    codes, state = torch.zeros(1, 0, dtype=torch.int64), None
    for _ in range(length):
        b = len(codes)
        signs = allowed.repeat(b)
        again = None if state is None else tuple(values.repeat_interleave(size, 0) for values in state)
        with torch.no_grad(), record(model, [unit.layer]) as acts:
            model(signs[:, None].to(device_of(model)), again)
        values = unit.map(acts)[:, 0, 0].cpu() * (-1 if lowest else 1)
        best = values.topk(min(WIDTH, len(values))).indices
        codes = torch.cat([codes.repeat_interleave(size, 0), signs[:, None]], 1)[best]
        state = tuple(part[best.to(part.device)] for part in model.state)
    return codes[0]


def final_values(model: TextNetwork, unit: Unit, codes: Tensor, lowest: bool = False) -> Tensor:
    """Lo que vale la celda al terminar de leer cada cadena, (b, T) → (b,); con `lowest`, con el signo cambiado."""
    with torch.no_grad():
        values = unit.map(run(model, codes.to(device_of(model)), [unit.layer]))[:, 0, -1].cpu()
    return -values if lowest else values


def passage_value(model: TextNetwork, unit: Unit | str, text: str, lowest: bool = False) -> float:
    """Lo que vale la celda al terminar de leer un pasaje desde cero: para compararlo con una cadena del mismo largo."""
    return float(final_values(model, Unit.parse(unit), encode(text)[None], lowest))

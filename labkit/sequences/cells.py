"""Qué tan bien coincide cada celda con cada concepto, y qué pasa con un signo si se anula."""
from collections.abc import Iterable
from typing import NamedTuple

import numpy as np
import torch
from torch import Tensor

from labkit.activations import Unit, run, silence
from labkit.device import device_of
from labkit.measures import check_responses
from labkit.progress import progress
from labkit.sequences.alphabet import encode
from labkit.sequences.network import TextNetwork
from labkit.sequences.reading import check_temperature, sign_bits
from labkit.sequences.world import TextWorld

ROWS = 32                                   # ventanas que se leen juntas


class Scores(NamedTuple):
    """Tres medidas de cada respuesta con cada concepto, (c, k) cada una.

    iou: con un umbral que enciende tantos signos como cubre el concepto.
    """
    auprc: Tensor
    roc: Tensor
    iou: Tensor


def cell_values(model: TextNetwork, world: TextWorld, layer: str = "cells", rows: int = ROWS) -> Tensor:
    """Lo que vale cada unidad de la capa en cada signo de cada ventana, (n·T, c)."""
    found = []
    with torch.no_grad(), progress("Leyendo", len(world), "ventanas") as bar:
        for codes in world.codes.split(rows):
            found.append(run(model, codes.to(device_of(model)), [layer])[layer][:, :, 0].mT.flatten(0, 1).cpu())
            bar.update(len(codes))
    return torch.cat(found)


def both_signs(values: Tensor) -> Tensor:
    """Cada respuesta y la contraria, (n, 2c): una celda puede avisar hacia arriba o hacia abajo.

    La columna c + i es la i negada. Son el doble de preguntas, y así cuentan al corregir.
    """
    return torch.cat([values, -values], 1)


def cell_scores(values: Tensor, truth: Tensor, both: bool = False) -> Scores:
    """AUPRC, área ROC e IoU de cada respuesta, (n, c), con cada concepto, (n, k): las de `labkit.measures`, más rápido.

    both: también las de `both_signs(values)`, (2c, k), sin volver a ordenar. Un concepto que no está, o que está en
    todos los signos, no tiene medida: nan.
    """
    check_responses(values)
    if truth.dtype != torch.bool or truth.ndim != 2 or len(truth) != len(values):
        raise ValueError(f"truth: esperaba verdaderos y falsos, ({len(values)}, k), y recibí {truth.dtype} "
                         f"{tuple(truth.shape)}.")
    marks, rows = truth.T.contiguous().numpy(), []
    with progress("Comparando", values.shape[1], "celdas") as bar:
        for column in values.detach().T.contiguous().numpy():
            rows.append(_both_ways(column, marks) if both else _both_ways(column, marks)[:1])
            bar.update()
    return Scores(*torch.tensor(rows, dtype=torch.float64).transpose(0, 1).flatten(0, 1).unbind(2))


def _both_ways(values: np.ndarray, marks: np.ndarray) -> list[list[tuple[float, float, float]]]:
    """Las medidas de una respuesta, (n,), y de la contraria, con cada concepto, (k, n): se ordena una sola vez."""
    order = np.argsort(-values)
    ordered, n = -values[order], len(values)
    taken = np.arange(1, n + 1)                                             # cuántos signos valen eso o más
    above = taken - 1                                                       # y cuántos valen más
    if (ordered[1:] == ordered[:-1]).any():                                 # los empatados entran juntos
        taken, above = (np.searchsorted(ordered, ordered, side) for side in ("right", "left"))
    found = marks[:, order]
    less, under = n - above[::-1], n - taken[::-1]                          # al revés, lo de arriba queda abajo
    return [[_measured(taken, above, where) for where in found],
            [_measured(less, under, where) for where in found[:, ::-1]]]


def _measured(taken: np.ndarray, above: np.ndarray, where: np.ndarray) -> tuple[float, float, float]:
    """AUPRC, área ROC e IoU con un concepto. where: (n,), en qué signos está, del que más la enciende al que menos."""
    places = where.nonzero()[0]
    m, n = len(places), len(where)
    if m in (0, n):
        return np.nan, np.nan, np.nan
    reach = taken[places]
    hits = np.searchsorted(reach, reach, "right")                           # cuántos verdaderos van de ahí para arriba
    beaten = m * n - (reach.sum() + above[places].sum()) / 2                # a cuántos les ganan; un empate, la mitad
    lit = taken[m - 1]                                                      # cuántos se encienden, para alcanzarlo
    both = np.searchsorted(reach, lit, "right")
    return (hits / reach).mean(), (beaten - m * m / 2) / (m * (n - m)), both / (m + lit - both)


class SignCosts(NamedTuple):
    """Lo que costó un signo cada vez: bits, (m,), y de qué ventana, (m,).

    rest: (n,), lo que costó en promedio cada uno de los demás, en cada ventana;  others: (n,), cuántos son.
    """
    bits: Tensor
    rows: Tensor
    rest: Tensor
    others: Tensor


def sign_costs(model: TextNetwork, world: TextWorld, sign: str = ")", units: Iterable[Unit | str] = (),
               rows: int = ROWS) -> SignCosts:
    """Cuántos bits le cuesta a la red escribir `sign` donde va, con esas unidades anuladas (si se dice alguna).

    Es cada lugar de las ventanas, menos el primero, donde el texto trae ese signo.  ValueError si no es un solo signo o
    si no está.
    """
    if len(sign) != 1:
        raise ValueError(f"sign: esperaba un solo signo y recibí {sign!r}.")
    with silence(model, [Unit.parse(unit) for unit in units]):
        bits = torch.cat([sign_bits(model, codes.to(device_of(model))).cpu() for codes in world.codes.split(rows)])
    return split_costs(bits, world.codes, sign)


def split_costs(bits: Tensor, codes: Tensor, sign: str) -> SignCosts:
    """Los bits de unas ventanas, (n, T − 1), separados: los del signo que se pide y los de todos los demás."""
    wanted = codes[:, 1:] == int(encode(sign))
    if not wanted.any():
        raise ValueError(f"sign: {sign!r} no está en estas ventanas.")
    others = (~wanted).sum(1)
    return SignCosts(bits[wanted], wanted.nonzero()[:, 0], (bits * ~wanted).sum(1) / others.clamp(min=1), others)


def best_cell(scores: Tensor, concept: int) -> tuple[int, bool, float]:
    """La celda que mejor mide un concepto, en los dos sentidos, (2c, k): cuál es, si es hacia abajo, y cuánto."""
    value, place = scores[:, concept].nan_to_num(-1).max(0)
    cells = len(scores) // 2
    return int(place) % cells, int(place) >= cells, float(value)


def opening_places(world: TextWorld, before: int = 60, concept: int = 0) -> Tensor:
    """Dónde se abre un paréntesis sin otro abierto, con `before` signos leídos: (m, 2), su ventana y su lugar.

    Son los lugares donde empieza la máscara del primer concepto, «dentro de paréntesis». ValueError si no hay ninguno.
    """
    marks = world.masks[:, concept]
    places = (marks[:, before:] & ~marks[:, before - 1:-1]).nonzero() + torch.tensor([0, before])
    if not len(places):
        raise ValueError(f"world: en estas ventanas no se abre ningún paréntesis después del signo {before}.")
    return places


def openings(world: TextWorld, before: int = 60, concept: int = 0) -> Tensor:
    """Los comienzos con un paréntesis recién abierto: los `before` signos que acaban en él, (m, before)."""
    return torch.stack([world.codes[row, place + 1 - before:place + 1]
                        for row, place in opening_places(world, before, concept)])


def closes(model: TextNetwork, codes: Tensor, units: Iterable[Unit | str] = (), most: int = 60,
           temperature: float = 0.7, seed: int = 0) -> Tensor:
    """Si la red, al seguir escribiendo, cierra lo que abrió en `most` signos o menos, con esas unidades anuladas: (b,).

    codes: (b, T), comienzos que acaban en un paréntesis abierto. Todas las veces que se llame con la misma semilla, los
    sorteos son los mismos: solo cambia lo que la red cree. ValueError si la temperatura no es positiva.
    """
    check_temperature(temperature)
    dice, depth, done = torch.Generator().manual_seed(seed), torch.ones(len(codes)), torch.zeros(len(codes)).bool()
    opens, shuts, state = int(encode("(")), int(encode(")")), None
    with torch.no_grad(), silence(model, [Unit.parse(unit) for unit in units]):
        for _ in range(most):
            logits = model(codes.to(device_of(model)), state)[:, :, 0, -1].cpu()
            state = model.state
            luck = torch.rand(len(codes), 1, generator=dice)
            chosen = ((logits / temperature).softmax(1).cumsum(1) < luck).sum(1).clamp(max=logits.shape[1] - 1)
            depth += (chosen == opens).float() - (chosen == shuts).float()
            done |= depth <= 0
            codes = chosen[:, None]
    return done

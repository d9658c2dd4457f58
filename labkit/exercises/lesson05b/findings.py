"""Ejercicio 3 de la lección 5b: qué unidad lleva el atajo. La respuesta no está escrita: se trasplanta cada unidad."""
from functools import lru_cache
from typing import NamedTuple

import torch
from torch import Tensor, nn

from labkit.activations import layer_names
from labkit.datasets import load_images
from labkit.exercises.accounts import LIKE_SAMPLE, clean_account, split_answer, variant
from labkit.exercises.verdict import Revise
from labkit.models import load_model

NETWORK, SOURCE, COUNT = "autos_trampa", "autos_trampa", 40
NEAR = 0.006                                # cuánto puede diferir la parte: se pide con dos decimales
# Capas, marcas y fondos, y semillas de 40 autos, sin duda posible: tests/test_exercises_05b.py mide la ventaja.
CASES = (("relu2", 0, "autos_invertidos"), ("relu2", 1, "autos_invertidos"), ("relu2", 0, "autos_libres"),
         ("relu3", 1, "autos_invertidos"), ("relu3", 1, "autos_libres"), ("relu4", 0, "autos_invertidos"),
         ("relu4", 1, "autos_invertidos"), ("relu4", 1, "autos_libres"), ("relu5", 0, "autos_invertidos"),
         ("relu5", 1, "autos_invertidos"), ("relu5", 1, "autos_libres"), ("relu6", 0, "autos_libres"),
         ("relu6", 1, "autos_libres"))
SEEDS = (2, 3, 5, 6, 7, 8)                  # con otras, dividir entre el margen daría casi lo mismo


class Twins(NamedTuple):
    """Lo que le toca a una cuenta: su capa, su marca y los mismos autos sobre su fondo y sobre otro, (40, 3, h, w)."""
    layer: str
    label: int
    own: Tensor
    other: Tensor


def my_twins(account: str | int | None) -> Twins:
    """La capa, la marca y los gemelos de un número de cuenta. Error: ValueError si el número no se entiende."""
    account = clean_account(account)
    if not account:
        print("Sin número de cuenta te toca un caso de muestra: sirve para practicar, no para entregar.")
    return _twins(*_case(account))


def transplants(model: nn.Sequential, layer: str, label: int, own: Tensor, other: Tensor) -> Tensor:
    """Qué parte de lo que el otro fondo le quita al margen se lleva cada unidad de la capa, trasplantada sola: (c,)."""
    place = layer_names(model).index(layer) + 1
    head, tail = model[:place], model[place:]
    mine, theirs = head(own), head(other)
    return swap_drops(tail, label, mine, theirs) / (margin_of(tail(mine), label) - margin_of(tail(theirs), label))


def swap_drops(tail: nn.Module, label: int, mine: Tensor, theirs: Tensor) -> Tensor:
    """Cuánto baja el margen si en los mapas `mine` (b, c, …) una sola unidad responde como en `theirs`: (c,)."""
    before, drops = margin_of(tail(mine), label), []
    for unit in range(mine.shape[1]):
        mixed = mine.clone()
        mixed[:, unit] = theirs[:, unit]
        drops.append(before - margin_of(tail(mixed), label))
    return torch.stack(drops)


def margin_of(logits: Tensor, label: int) -> Tensor:
    """El margen medio de una marca sobre la otra, de los logits (b, 2)."""
    return (logits[:, label] - logits[:, 1 - label]).mean()


def examine_shortcut(answer: object) -> str:
    """Revisa (ACCOUNT, (canal, parte)): la unidad cuyo trasplante más baja el margen, y qué parte se lleva."""
    account, value = split_answer(answer)
    said = _plain(value)
    if len(said) != 2 or not isinstance(said[0], int) or not isinstance(said[1], (int, float)):
        raise Revise("escribe una pareja: el canal, un entero, y qué parte de la caída se lleva, con dos decimales.")
    case = _case(account)
    shares = measured(*case)
    if not 0 <= said[0] < len(shares):
        raise Revise(f"{case[0]} tiene {len(shares)} unidades, de la 0 a la {len(shares) - 1}.")
    right = int(shares.argmax())
    if said[0] == right and abs(said[1] - float(shares[right])) < NEAR:
        return "esa es. Es la que más lleva del fondo a la respuesta, y ni así lo lleva todo."
    sample = int(measured(*_case("")).argmax())
    raise Revise(_reason(said, shares, case) + (LIKE_SAMPLE if said[0] == sample != right else ""))


def _reason(said: list, shares: Tensor, case: tuple) -> str:
    """El error probable de quien contestó `said`, que no es la respuesta."""
    layer, label, source, seed = case
    k, part, right = said[0], said[1], int(shares.argmax())
    if k == right:
        return _about_share(part, case)
    if k == len(shares) - 1 and abs(part - 1) < NEAR:
        return "¿clonas `mine` en cada vuelta? Si no, al final están trasplantadas todas, y juntas se llevan todo."
    if abs(part - float(shares[k])) < NEAR:
        return "ese trasplante SUBE el margen: se pide la que más lo baja." if part < 0 else (
            f"eso es lo que se lleva {layer}:{k}, pero hay otra que se lleva más.")
    model, twins = load_model(NETWORK, device="cpu"), _twins(*case)
    place = layer_names(model).index(layer) + 1
    mine, theirs = model[:place](twins.own), model[:place](twins.other)
    change = (mine - theirs).abs().transpose(0, 1).flatten(1).mean(1)
    silenced = swap_drops(model[place:], label, mine, torch.zeros_like(mine))
    swapped = transplants(model, layer, 1 - label, *_twins(layer, 1 - label, source, seed)[2:])
    reasons = {
        "esa es la que más cambia con el fondo; cambiar no es lo mismo que usarse. Trasplántala.": (
            k == int(change.argmax())),
        "esa es la que más se nota al anularla; aquí no se pone un 0, se pone lo que responde con el otro fondo.": (
            k == int(silenced.argmax())),
        "ese trasplante SUBE el margen: revisa el signo, se pide la que más lo baja.": k == int(shares.argmin()),
        "esa es la de la otra marca: revisa cuál te tocó.": k == int(swapped.argmax()),
        f"no es esa. En {layer} hay una unidad cuyo trasplante baja más el margen.": True,
    }
    return next(message for message, holds in reasons.items() if holds)


def _about_share(part: float, case: tuple) -> str:
    """Qué le pasa a la parte, si la unidad está bien."""
    layer, label, *_ = case
    twins, model = _twins(*case), load_model(NETWORK, device="cpu")
    share = float(measured(*case).max())
    margin, after = (margin_of(model(images), label) for images in (twins.own, twins.other))
    place = layer_names(model).index(layer) + 1
    mine = model[:place](twins.own)
    silenced = float(swap_drops(model[place:], label, mine, torch.zeros_like(mine))[int(measured(*case).argmax())])
    drop, back = share * float(margin - after), float(transplants(model, layer, label, twins.other, twins.own).max())
    reasons = {
        "la unidad está bien; la parte va de 0 a 1, no en porcentaje.": abs(part - 100 * share) < 1,
        "la unidad está bien; eso es cuánto baja. Divídelo entre lo que baja al cambiar todo el fondo.": (
            abs(part - drop) < 0.02 * abs(drop)),
        "la unidad está bien; revisa el signo: es cuánto BAJA el margen.": abs(part + share) < NEAR,
        "la unidad está bien; pero cortaste los decimales: redondea a dos.": 0 < share - part < 0.01,
        "la unidad está bien; falta un decimal: escribe dos.": abs(part - round(share, 1)) < 1e-9,
        "la unidad está bien; divides entre el margen, y va entre lo que baja el margen al cambiar TODO el fondo.": (
            abs(part - drop / float(margin)) < NEAR),
        "la unidad está bien; esa parte sale al poner un 0: se pone lo que responde con el otro fondo.": (
            abs(part - silenced / float(margin - after)) < NEAR),
        "la unidad está bien; esa parte sale al revés: se parte de los autos con SU fondo.": abs(part - back) < NEAR,
        "la unidad está bien; eso es lo que queda. Se pide la parte que se lleva.": abs(part - 1 + share) < NEAR,
        "la unidad está bien; la parte es cuánto baja entre cuánto baja con todo el fondo, con dos decimales.": True,
    }
    return next(message for message, holds in reasons.items() if holds)


def _plain(value: object) -> list:
    """Los dos valores de la pareja, como números de Python si venían en tensores."""
    said = list(value) if isinstance(value, (tuple, list)) else []
    said = [part.item() if isinstance(part, Tensor) and part.numel() == 1 else part for part in said]
    return [int(part) if i == 0 and isinstance(part, float) and part.is_integer() else part
            for i, part in enumerate(said)]


def _case(account: str) -> tuple[str, int, str, int]:
    """Capa, marca, fondos y semilla."""
    seed = SEEDS[variant(account, len(SEEDS), "autos de la lección 5b")]
    return (*CASES[variant(account, len(CASES), "capa y marca de la lección 5b")], seed)


def _twins(layer: str, label: int, source: str, seed: int) -> Twins:
    own, other = load_images("test", SOURCE), load_images("test", source)
    cars = (own.labels == label).nonzero()[:, 0]
    cars = cars[torch.randperm(len(cars), generator=torch.Generator().manual_seed(seed))[:COUNT]]
    return Twins(layer, label, own.images[cars], other.images[cars])


@lru_cache(maxsize=64)
def measured(layer: str, label: int, source: str, seed: int) -> Tensor:
    """Lo que se lleva cada unidad de la capa con los autos de esa semilla, (c,)."""
    with torch.no_grad():
        return transplants(load_model(NETWORK, device="cpu"), *_twins(layer, label, source, seed))

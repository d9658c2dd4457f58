"""Respuestas a los ejercicios de la lección 5b: las buenas, en varios estilos, y las malas, cada una con su mensaje."""
from collections.abc import Callable
from functools import lru_cache

import numpy as np
import torch
from torch import Tensor

from labkit.activations import edit, run
from labkit.exercises import experiments
from labkit.exercises.experiments.transplants import twins_of
from labkit.models import load_model

# ── 1 · girar sin que se note ───────────────────────────────────────────────────────────────────────────────────────


def good_rotation(acts: Tensor, weight: Tensor, rotation: Tensor) -> tuple[Tensor, Tensor]:
    turned, reads = torch.zeros_like(acts), torch.zeros_like(weight)
    for i in range(len(rotation)):
        for j in range(len(rotation)):
            turned[:, i] += rotation[i, j] * acts[:, j]
            reads[:, i] += weight[:, j] * rotation[i, j]
    return turned, reads


def rotation_by_einsum(acts: Tensor, weight: Tensor, rotation: Tensor) -> tuple[Tensor, Tensor]:
    return torch.einsum("ij,bj...->bi...", rotation, acts), torch.einsum("oj...,ji->oi...", weight, rotation.T)


def rotation_by_numpy(acts: Tensor, weight: Tensor, rotation: Tensor) -> list[Tensor]:
    q = rotation.double().numpy()
    turned = np.moveaxis(np.tensordot(q, acts.double().numpy(), (1, 1)), 0, 1)
    reads = np.moveaxis(np.tensordot(weight.double().numpy(), np.linalg.inv(q), (1, 0)), -1, 1)
    return [torch.from_numpy(turned.copy()), torch.from_numpy(reads.copy())]


def rotation_by_convolution(acts: Tensor, weight: Tensor, rotation: Tensor) -> tuple[Tensor, Tensor]:
    mix = rotation[:, :, None, None]
    return torch.conv2d(acts, mix), torch.conv2d(weight, mix)


def turn(values: Tensor, matrix: Tensor) -> Tensor:
    return torch.conv2d(values, matrix[:, :, None, None])


def acts_backwards(acts: Tensor, weight: Tensor, rotation: Tensor) -> tuple[Tensor, Tensor]:
    return turn(acts, rotation.T), turn(weight, rotation)


def only_weights(acts: Tensor, weight: Tensor, rotation: Tensor) -> tuple[Tensor, Tensor]:
    return acts, turn(weight, rotation)


def image_rows(acts: Tensor, weight: Tensor, rotation: Tensor) -> tuple[Tensor, Tensor]:
    return rotation @ acts, turn(weight, rotation)


def image_from_the_right(acts: Tensor, weight: Tensor, rotation: Tensor) -> tuple[Tensor, Tensor]:
    return acts @ rotation, turn(weight, rotation)


def weights_first(acts: Tensor, weight: Tensor, rotation: Tensor) -> tuple[Tensor, Tensor]:
    return good_rotation(acts, weight, rotation)[::-1]


def one_alone(acts: Tensor, weight: Tensor, rotation: Tensor) -> Tensor:
    return turn(acts, rotation)


def flattened(acts: Tensor, weight: Tensor, rotation: Tensor) -> tuple[Tensor, Tensor]:
    return turn(acts, rotation).flatten(2), turn(weight, rotation)


def in_place(acts: Tensor, weight: Tensor, rotation: Tensor) -> tuple[Tensor, Tensor]:
    acts.copy_(turn(acts, rotation))
    return acts, turn(weight, rotation)


def turned_image(acts: Tensor, weight: Tensor, rotation: Tensor) -> tuple[Tensor, Tensor]:
    return acts.flip(2).transpose(2, 3), weight.flip(2).transpose(2, 3)


def turned_maps_only(acts: Tensor, weight: Tensor, rotation: Tensor) -> tuple[Tensor, Tensor]:
    return acts.transpose(2, 3).flip(2), weight


# ── 2 · a qué se puede llegar ───────────────────────────────────────────────────────────────────────────────────────


def good_reachable(frequencies: Tensor, share: float, cut: float) -> Tensor:
    return torch.tensor([min(f, share) / max(f, share) > cut for f in frequencies.tolist()])


def reachable_by_sides(frequencies: Tensor, share: float, cut: float) -> Tensor:
    return (frequencies > cut * share) & (frequencies < share / cut)


def reachable_by_numpy(frequencies: Tensor, share: float, cut: float) -> Tensor:
    f = frequencies.numpy()
    return torch.from_numpy(np.minimum(f, share) / np.maximum(f, share) > cut).float()


def without_the_small(frequencies: Tensor, share: float, cut: float) -> Tensor:
    return share / frequencies > cut


def without_the_large(frequencies: Tensor, share: float, cut: float) -> Tensor:
    return frequencies / share > cut


def upside_down(frequencies: Tensor, share: float, cut: float) -> Tensor:
    return frequencies.clamp(min=share) / frequencies.clamp(max=share) > cut


def intersection(frequencies: Tensor, share: float, cut: float) -> Tensor:
    return frequencies.clamp(max=share) > cut


def unreachable(frequencies: Tensor, share: float, cut: float) -> Tensor:
    return ~good_reachable(frequencies, share, cut)


def below_the_cut(frequencies: Tensor, share: float, cut: float) -> Tensor:
    return the_ceiling(frequencies, share, cut) < cut


def either_side(frequencies: Tensor, share: float, cut: float) -> Tensor:
    return (frequencies / share > cut) | (share / frequencies > cut)


def the_ceiling(frequencies: Tensor, share: float, cut: float) -> Tensor:
    return frequencies.clamp(max=share) / frequencies.clamp(min=share)


def product(frequencies: Tensor, share: float, cut: float) -> Tensor:
    return frequencies * share / (frequencies + share - frequencies * share) > cut


# ── 3 · quién gana ──────────────────────────────────────────────────────────────────────────────────────────────────


def uniques(iou: Tensor, cut: float) -> int:
    return len({row.index(max(row)) for row in iou.tolist() if max(row) > cut})


def sign_of(first: Tensor, second: Tensor, cuts: Tensor, count: Callable) -> Tensor:
    return torch.sign(torch.tensor([float(count(first, cut) - count(second, cut)) for cut in cuts.tolist()]))


def good_winner(first: Tensor, second: Tensor, cuts: Tensor) -> Tensor:
    result = []
    for cut in cuts.tolist():
        a, b = uniques(first, cut), uniques(second, cut)
        result.append(1 if a > b else -1 if a < b else 0)
    return torch.tensor(result)


def winner_by_broadcast(first: Tensor, second: Tensor, cuts: Tensor) -> Tensor:
    def curve(iou: Tensor) -> Tensor:
        hot = torch.nn.functional.one_hot(iou.argmax(1), iou.shape[1]).bool()                  # (c, k)
        return (hot & (iou.amax(1) > cuts[:, None])[..., None]).any(1).sum(1)
    return (curve(first) - curve(second)).sign()


def winner_by_numpy(first: Tensor, second: Tensor, cuts: Tensor) -> Tensor:
    def curve(iou: np.ndarray) -> list[int]:
        return [len(np.unique(iou.argmax(1)[iou.max(1) > cut])) for cut in cuts.numpy()]

    return torch.from_numpy(np.sign(np.subtract(curve(first.numpy()), curve(second.numpy()))))


def by_pairs(first: Tensor, second: Tensor, cuts: Tensor) -> Tensor:
    return sign_of(first, second, cuts, lambda iou, cut: int((iou > cut).sum()))


def per_unit(first: Tensor, second: Tensor, cuts: Tensor) -> Tensor:
    return sign_of(first, second, cuts, lambda iou, cut: uniques(iou, cut) / len(iou))


def yes_or_no(first: Tensor, second: Tensor, cuts: Tensor) -> Tensor:
    return torch.tensor([uniques(first, cut) > uniques(second, cut) for cut in cuts.tolist()])


def second_is_two(first: Tensor, second: Tensor, cuts: Tensor) -> Tensor:
    return torch.tensor([2 if sign < 0 else int(sign) for sign in good_winner(first, second, cuts)])


def with_ties(first: Tensor, second: Tensor, cuts: Tensor) -> Tensor:
    return torch.tensor([1 if uniques(first, cut) > uniques(second, cut) else -1 for cut in cuts.tolist()])


def by_columns(first: Tensor, second: Tensor, cuts: Tensor) -> Tensor:
    return sign_of(first, second, cuts, lambda iou, cut: uniques(iou.T, cut))


def masked_by_zero(first: Tensor, second: Tensor, cuts: Tensor) -> Tensor:
    return sign_of(first, second, cuts, lambda iou, cut: len((iou.argmax(1) * (iou.amax(1) > cut)).unique()))


def a_list(first: Tensor, second: Tensor, cuts: Tensor) -> list[int]:
    return good_winner(first, second, cuts).tolist()


def swaps_only(first: Tensor, second: Tensor, cuts: Tensor) -> Tensor:
    return good_winner(first, second, cuts).diff()


# Con qué cuentas se prueban los hallazgos: en alguna se distingue cada error de los demás.


# ── 4 · qué unidad lleva el atajo ───────────────────────────────────────────────────────────────────────────────────


def margin(images: Tensor, label: int) -> float:
    logits = load_model("autos_trampa", device="cpu")(images)
    return float((logits[:, label] - logits[:, 1 - label]).mean())


def cars_of_the_other(account: str) -> tuple[Tensor, Tensor]:
    """Los autos de la otra marca, con los mismos fondos y la misma semilla: si alguien se equivoca de marca."""
    own, other = experiments.my_twins(account)[2:]
    for source in ("autos_invertidos", "autos_libres"):
        for seed in range(18):
            mine = twins_of("", experiments.my_twins(account).label, source, seed)
            if torch.equal(mine.own, own) and torch.equal(mine.other, other):
                return twins_of("", 1 - mine.label, source, seed)[2:]
    raise AssertionError(account)


@lru_cache(maxsize=64)
def shares_of(account: str, kind: str = "bien") -> list[float]:
    """La parte que se lleva cada unidad, capa por capa y sin `transplants`."""
    layer, label, own, other = experiments.my_twins(account)
    model = load_model("autos_trampa", device="cpu")
    if kind == "otra marca":
        label, (own, other) = 1 - label, cars_of_the_other(account)
    if kind == "al revés":
        own, other = other, own
    mine, theirs = run(model, own, [layer])[layer], run(model, other, [layer])[layer]
    after = list(model.children())[[name for name, _ in model.named_children()].index(layer) + 1:]

    def rest(values: Tensor) -> float:
        for module in after:
            values = module(values)
        return float((values[:, label] - values[:, 1 - label]).mean())

    fill = torch.zeros_like(theirs) if kind == "anular" else theirs
    mixed = [torch.cat([mine[:, :k], fill[:, k:k + 1], mine[:, k + 1:]], 1) for k in range(mine.shape[1])]
    return [(rest(mine) - rest(values)) / (rest(mine) - rest(theirs)) for values in mixed]


def shares_by_editing(account: str, units: list[int]) -> list[float]:
    """La misma parte, de esas unidades, con `edit` y la red entera: lo que dice la definición."""
    layer, label, own, other = experiments.my_twins(account)
    model = load_model("autos_trampa", device="cpu")
    theirs, before, after, shares = run(model, other, [layer])[layer], margin(own, label), margin(other, label), []
    for unit in units:
        def swapped(values: Tensor) -> Tensor:
            values = values.clone()
            values[:, unit] = theirs[:, unit]
            return values
        with edit(model, layer, swapped):
            logits = model(own)
        shares.append((before - float((logits[:, label] - logits[:, 1 - label]).mean())) / (before - after))
    return shares


def largest(values: list[float]) -> int:
    return max(range(len(values)), key=values.__getitem__)


def good_unit(account: str) -> tuple[str, tuple]:
    shares = shares_of(account)
    return account, (largest(shares), round(max(shares), 2))


def silenced_unit(account: str) -> tuple[str, tuple]:
    return account, (largest(shares_of(account, "anular")), 0.5)


def most_changed(account: str) -> tuple[str, tuple]:
    layer, _, own, other = experiments.my_twins(account)
    model = load_model("autos_trampa", device="cpu")
    change = (run(model, own, [layer])[layer] - run(model, other, [layer])[layer]).abs()
    change = change.transpose(0, 1).flatten(1).mean(1)
    return account, (int(change.argmax()), 0.5)


def the_least(account: str) -> tuple[str, tuple]:
    shares = shares_of(account)
    return account, (shares.index(min(shares)), round(min(shares), 2))


def another_make(account: str) -> tuple[str, tuple]:
    shares = shares_of(account, "otra marca")
    return account, (largest(shares), round(max(shares), 2))


def backwards(account: str) -> tuple[str, tuple]:
    shares = shares_of(account, "al revés")
    return account, (largest(shares), round(max(shares), 2))


def the_second(account: str) -> tuple[str, tuple]:
    shares = shares_of(account)
    k = sorted(range(len(shares)), key=shares.__getitem__)[-2]
    return account, (k, round(shares[k], 2))


def without_cloning(account: str) -> tuple[str, tuple]:
    return account, (len(shares_of(account)) - 1, 1.0)


def with_a_zero(account: str) -> tuple[str, tuple]:
    unit = good_unit(account)[1][0]
    return account, (unit, round(shares_of(account, "anular")[unit], 2))


def other_sign(account: str) -> tuple[str, tuple]:
    unit, share = good_unit(account)[1]
    return account, (unit, -share)


def cut_short(account: str) -> tuple[str, tuple]:
    share = max(shares_of(account))
    return account, (good_unit(account)[1][0], int(100 * share) / 100 if round(share, 2) > share else 0.009)


def one_decimal(account: str) -> tuple[str, tuple]:
    unit, share = good_unit(account)[1]
    return account, (unit, round(share, 1))


def no_reason(account: str) -> tuple[str, tuple]:
    others = (good_unit, silenced_unit, most_changed, the_least, another_make, backwards)
    known = {answer(account)[1][0] for answer in others}
    return account, (next(k for k in range(24) if k not in known), 0.5)


def in_percent(account: str) -> tuple[str, tuple]:
    shares = shares_of(account)
    return account, (largest(shares), round(100 * max(shares)))


def over_the_margin(account: str) -> tuple[str, tuple]:
    _, label, own, other = experiments.my_twins(account)
    shares, before = shares_of(account), margin(own, label)
    return account, (largest(shares), round(max(shares) * (before - margin(other, label)) / before, 2))


def the_drop(account: str) -> tuple[str, tuple]:
    _, label, own, other = experiments.my_twins(account)
    shares = shares_of(account)
    return account, (largest(shares), round(max(shares) * (margin(own, label) - margin(other, label)), 1))


def what_is_left(account: str) -> tuple[str, tuple]:
    account, (unit, share) = good_unit(account)
    return account, (unit, round(1 - share, 2))


def another_share(account: str) -> tuple[str, tuple]:
    return account, (good_unit(account)[1][0], 0.99)


def not_in_the_layer(account: str) -> tuple[str, tuple]:
    return account, (900, 0.5)


def not_a_pair(account: str) -> tuple[str, tuple]:
    return account, ("relu5:27", 0.22)


ACCOUNTS = {"shortcut_unit": ["312000000", "312000004", "312000012"]}

GOOD = {"rotate_pair": [good_rotation, rotation_by_einsum, rotation_by_numpy, rotation_by_convolution],
        "reachable": [good_reachable, reachable_by_sides, reachable_by_numpy], "shortcut_unit": [good_unit],
        "winner_by_cut": [good_winner, winner_by_broadcast, winner_by_numpy]}

WRONG: dict[str, list[tuple[Callable, str]]] = {
    "rotate_pair": [(acts_backwards, "giras los mapas con Qᵀ"), (image_rows, "no mueve la imagen"),
                    (only_weights, "valores son otros"), (image_from_the_right, "valores son otros"),
                    (weights_first, "primero los mapas"), (one_alone, "dos tensores"),
                    (turned_image, "no mueve la imagen"), (turned_maps_only, "no mueve la imagen"),
                    (flattened, "conservar su forma"), (in_place, "Trabaja sobre una copia")],
    "reachable": [(without_the_small, "mucho MENOR"), (without_the_large, "mucho MAYOR"),
                  (upside_down, "salen todos"), (intersection, "no sale ninguno"), (product, "no el producto"),
                  (unreachable, "marcas los que NO"), (below_the_cut, "marcas los que NO"), (either_side, "con «o»"),
                  (the_ceiling, "devuelves el techo")],
    "shortcut_unit": [(silenced_unit, "al anularla"), (most_changed, "la que más cambia"),
                      (the_least, "SUBE el margen"), (another_make, "otra marca"),
                      (the_second, "hay otra que se lleva más"), (without_cloning, "¿clonas"),
                      (with_a_zero, "sale al poner un 0"), (other_sign, "revisa el signo"),
                      (cut_short, "cortaste los decimales"), (one_decimal, "falta un decimal"),
                      (backwards, "sale al revés"), (no_reason, "no es esa"), (in_percent, "no en porcentaje"),
                      (over_the_margin, "divides entre el margen"), (the_drop, "eso es cuánto baja"),
                      (what_is_left, "lo que queda"), (another_share, "la parte es cuánto baja"),
                      (not_in_the_layer, "unidades, de la 0"), (not_a_pair, "escribe una pareja")],
    "winner_by_cut": [(by_pairs, "cuentas parejas"), (masked_by_zero, "como el concepto 0"),
                      (with_ties, "son tres casos"), (by_columns, "el mayor de su renglón"),
                      (per_unit, "divides entre las unidades"),
                      (yes_or_no, "son tres casos"), (second_is_two, "son tres casos"),
                      (a_list, "esperaba un tensor"), (swaps_only, "esperaba 10 valores")],
}

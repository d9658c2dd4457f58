"""Respuestas a los ejercicios de la lección 5: las buenas, en varios estilos, y las malas, cada una con su mensaje."""
from collections.abc import Callable
from functools import lru_cache

import numpy as np
import torch
from torch import Tensor

from labkit.datasets import ConceptSet, load_concepts
from labkit.dissection import dissect
from labkit.exercises import dissection
from labkit.models import load_model

# ── 1 · el umbral ───────────────────────────────────────────────────────────────────────────────────────────────────


def good_threshold(maps: Tensor, share: float) -> Tensor:
    cuts = []
    for unit in range(maps.shape[1]):
        values = sorted(maps[:, unit].flatten().tolist(), reverse=True)
        cuts.append(values[int(share * len(values))])
    return torch.tensor(cuts)


def threshold_by_numpy(maps: Tensor, share: float) -> Tensor:
    values = np.sort(maps.numpy().transpose(1, 0, 2, 3).reshape(maps.shape[1], -1), axis=1)
    return torch.from_numpy(values[:, values.shape[1] - 1 - int(np.floor(share * values.shape[1]))].copy())


def threshold_by_topk(maps: Tensor, share: float) -> Tensor:
    values = maps.permute(1, 0, 2, 3).reshape(maps.shape[1], -1)
    return values.topk(int(share * values.shape[1]) + 1, dim=1).values[:, -1]


def threshold_by_counting(maps: Tensor, share: float) -> Tensor:
    """La definición al pie de la letra: el menor valor visto que a lo más esa parte supera."""
    values = maps.transpose(0, 1).flatten(1)
    return torch.stack([min(v for v in row.unique() if (row > v).float().mean() <= share) for row in values])


def per_image(maps: Tensor, share: float) -> Tensor:
    return torch.stack([good_threshold(image[None], share) for image in maps])


def mean_per_image(maps: Tensor, share: float) -> Tensor:
    return per_image(maps, share).mean(0)


def counted_from_below(maps: Tensor, share: float) -> Tensor:
    """Solo se nota si share · N es entero."""
    values = maps.transpose(0, 1).flatten(1).sort(1).values
    return values[:, min(int((1 - share) * values.shape[1]), values.shape[1] - 1)]


def just_one(maps: Tensor, share: float) -> Tensor:
    return maps.flatten().sort(descending=True).values[int(share * maps.numel())]


def per_place(maps: Tensor, share: float) -> Tensor:
    return maps.sort(0, descending=True).values[int(share * len(maps))]


def extra_axes(maps: Tensor, share: float) -> Tensor:
    return good_threshold(maps, share)[:, None, None]


def by_quantile(maps: Tensor, share: float) -> Tensor:
    return torch.tensor([float(np.quantile(maps[:, unit].numpy(), 1 - share)) for unit in range(maps.shape[1])])


def one_too_many(maps: Tensor, share: float) -> Tensor:
    cuts = []
    for unit in range(maps.shape[1]):
        values = sorted(maps[:, unit].flatten().tolist(), reverse=True)
        cuts.append(values[int(share * len(values)) + 1])
    return torch.tensor(cuts)


def without_sign(maps: Tensor, share: float) -> Tensor:
    return good_threshold(maps.abs(), share)


def flattened_too_soon(maps: Tensor, share: float) -> Tensor:
    """Olvida pasar el canal adelante: cada renglón es una imagen."""
    return maps.flatten(1).sort(1, descending=True).values[:, int(share * maps[0].numel())]


def threshold_in_a_list(maps: Tensor, share: float) -> list[float]:
    return good_threshold(maps, share).tolist()


def sorts_in_place(maps: Tensor, share: float) -> Tensor:
    cuts = good_threshold(maps, share)
    maps.copy_(maps.sort(0).values)
    return cuts


# ── 2 · el IoU ──────────────────────────────────────────────────────────────────────────────────────────────────────


def good_iou(masks: Tensor, concepts: Tensor) -> Tensor:
    table = torch.zeros(masks.shape[1], concepts.shape[1])
    for c in range(masks.shape[1]):
        for k in range(concepts.shape[1]):
            union = (masks[:, c] | concepts[:, k]).sum()
            table[c, k] = (masks[:, c] & concepts[:, k]).sum() / union if union > 0 else 0.0
    return table


def iou_by_einsum(masks: Tensor, concepts: Tensor) -> Tensor:
    a, b = masks.float(), concepts.float()
    both = torch.einsum("nchw,nkhw->ck", a, b)
    union = a.sum((0, 2, 3))[:, None] + b.sum((0, 2, 3)) - both
    return torch.nan_to_num(both / union)


def iou_by_numpy(masks: Tensor, concepts: Tensor) -> Tensor:
    a = np.moveaxis(masks.numpy(), 1, 0).reshape(masks.shape[1], 1, -1)
    b = np.moveaxis(concepts.numpy(), 1, 0).reshape(1, concepts.shape[1], -1)
    return torch.from_numpy((a & b).sum(2) / np.maximum((a | b).sum(2), 1))


def mean_by_image(masks: Tensor, concepts: Tensor) -> Tensor:
    return torch.stack([good_iou(masks[i:i + 1], concepts[i:i + 1]) for i in range(len(masks))]).mean(0)


def covered(masks: Tensor, concepts: Tensor) -> Tensor:
    """Qué parte del concepto cubre la unidad."""
    table = torch.zeros(masks.shape[1], concepts.shape[1])
    for c in range(masks.shape[1]):
        for k in range(concepts.shape[1]):
            inside = masks[:, c][concepts[:, k]].float()
            table[c, k] = inside.mean() if len(inside) else 0.0
    return table


def table_per_image(masks: Tensor, concepts: Tensor) -> Tensor:
    return torch.stack([iou_by_einsum(masks[i:i + 1], concepts[i:i + 1]) for i in range(len(masks))])


def without_nan(masks: Tensor, concepts: Tensor) -> Tensor:
    both = (masks[:, :, None] & concepts[:, None]).sum((0, 3, 4))
    return both / (masks[:, :, None] | concepts[:, None]).sum((0, 3, 4))


def without_minus_and_nan(masks: Tensor, concepts: Tensor) -> Tensor:
    """La unión como suma, y sin cuidar el cero."""
    a, b = masks.float(), concepts.float()
    return torch.einsum("nchw,nkhw->ck", a, b) / (a.sum((0, 2, 3))[:, None] + b.sum((0, 2, 3)))


def dice(masks: Tensor, concepts: Tensor) -> Tensor:
    return 2 * without_minus_and_nan(masks, concepts).nan_to_num()


def only_shared(masks: Tensor, concepts: Tensor) -> Tensor:
    return torch.einsum("nchw,nkhw->ck", masks.float(), concepts.float())


def uncrossed(masks: Tensor, concepts: Tensor) -> Tensor:
    """La unión sin [:, None]: las formas no casan."""
    a, b = masks.float().sum((0, 2, 3)), concepts.float().sum((0, 2, 3))
    return only_shared(masks, concepts) / (a + b - only_shared(masks, concepts)).clamp(min=1)


def iou_in_a_list(masks: Tensor, concepts: Tensor) -> list[list[float]]:
    return good_iou(masks, concepts).tolist()


def agreement(masks: Tensor, concepts: Tensor) -> Tensor:
    return torch.stack([torch.stack([(masks[:, c] == concepts[:, k]).float().mean() for k in range(concepts.shape[1])])
                        for c in range(masks.shape[1])])


def transposed(masks: Tensor, concepts: Tensor) -> Tensor:
    return iou_by_einsum(masks, concepts).T


def single(masks: Tensor, concepts: Tensor) -> Tensor:
    return iou_by_einsum(masks, concepts).mean()


# ── 3 · etiquetas echadas a perder ─────────────────────────────────────────────────────────────────────────────────


def good_labels(truth: Tensor, draw: Tensor) -> Tensor:
    yes = sorted([i for i in range(len(truth)) if truth[i]], key=lambda i: float(draw[i]))
    no = sorted([i for i in range(len(truth)) if not truth[i]], key=lambda i: float(draw[i]))
    fewer, more = truth.clone(), truth.clone()
    for i in yes[:len(yes) // 2]:
        fewer[i] = False
    for i in no[:len(yes)]:
        more[i] = True
    return torch.stack([fewer, more])


def labels_by_ranking(truth: Tensor, draw: Tensor) -> tuple[Tensor, Tensor]:
    """Con el lugar de cada número entre los de su clase, y en una pareja."""
    def place(inside: Tensor) -> Tensor:
        return torch.where(inside, draw, torch.inf).argsort().argsort()
    yes = int(truth.sum())
    return truth & (place(truth) >= yes // 2), truth | (place(~truth) < yes)


def labels_by_numpy(truth: Tensor, draw: Tensor) -> Tensor:
    truth, draw = truth.numpy(), draw.numpy()
    found = np.stack([truth, truth]).copy()
    inside, outside = np.flatnonzero(truth), np.flatnonzero(~truth)
    found[0, inside[np.argsort(draw[inside])][:len(inside) // 2]] = False
    found[1, outside[np.argsort(draw[outside])][:len(inside)]] = True
    return torch.from_numpy(found)


def wrong_labels(fewer: Callable, more: Callable, largest: bool = False) -> Callable:
    """Quita y agrega las cantidades que digan, a partir de cuántas verdaderas y cuántas imágenes hay."""
    def answer(truth: Tensor, draw: Tensor) -> Tensor:
        order, yes, n = torch.argsort(draw, descending=largest), int(truth.sum()), len(truth)
        inside = [i for i in order.tolist() if truth[i]]
        outside = [i for i in order.tolist() if not truth[i]]
        out = truth.clone(), truth.clone()
        for i in inside[:fewer(yes, n)]:
            out[0][i] = False
        for i in outside[:more(yes, n)]:
            out[1][i] = True
        return torch.stack(out)
    return answer


def half(yes: int, n: int) -> int:
    return yes // 2


def all_of_them(yes: int, n: int) -> int:
    return yes


largest_first = wrong_labels(half, all_of_them, largest=True)
half_again = wrong_labels(half, half)
rounded_up = wrong_labels(lambda yes, n: (yes + 1) // 2, all_of_them)
none_left = wrong_labels(all_of_them, all_of_them)
half_of_the_images_more = wrong_labels(half, lambda yes, n: n // 2)


def swapped_labels(truth: Tensor, draw: Tensor) -> Tensor:
    fewer, more = good_labels(truth, draw)
    return torch.stack([more, fewer])


def by_coin(truth: Tensor, draw: Tensor) -> Tensor:
    return torch.stack([truth & (draw < 0.5), truth | (draw < 0.5)])


def among_all(truth: Tensor, draw: Tensor) -> Tensor:
    order, yes = draw.argsort().tolist(), int(truth.sum())
    fewer, more = truth.clone(), truth.clone()
    for i in order[:yes // 2]:
        fewer[i] = False
    for i in order[:yes]:
        more[i] = True
    return torch.stack([fewer, more])


def one_spoils_the_other(truth: Tensor, draw: Tensor) -> Tensor:
    """Olvida copiar `truth` para la segunda."""
    fewer, more = good_labels(truth, draw)
    return torch.stack([fewer, (more & ~truth) | fewer])


def only_false_ones(truth: Tensor, draw: Tensor) -> Tensor:
    fewer, more = good_labels(truth, draw)
    return torch.stack([fewer, more & ~truth])


def places_among_their_own(truth: Tensor, draw: Tensor) -> Tensor:
    """Ordena a las verdaderas, y usa su lugar entre ellas como si fuera el de la lista."""
    fewer, more = truth.clone(), good_labels(truth, draw)[1]
    order = torch.argsort(draw[truth])
    for i in order[:int(truth.sum()) // 2]:
        fewer[i] = False
    return torch.stack([fewer, more])


def changes_a_copy(truth: Tensor, draw: Tensor) -> Tensor:
    fewer, more = truth.clone(), truth.clone()
    m = int(truth.sum())
    fewer[truth][draw[truth].argsort()[:m // 2]] = False
    more[~truth][draw[~truth].argsort()[:m]] = True
    return torch.stack([fewer, more])


def first_in_line(truth: Tensor, draw: Tensor) -> Tensor:
    fewer, more = truth.clone(), truth.clone()
    m = int(truth.sum())
    fewer[truth.nonzero()[:m // 2, 0]] = False
    more[(~truth).nonzero()[:m, 0]] = True
    return torch.stack([fewer, more])


def coin_with_the_same_side(truth: Tensor, draw: Tensor) -> Tensor:
    return torch.stack([truth & (draw >= 0.5), truth | (draw < 0.5)])


def only_fewer(truth: Tensor, draw: Tensor) -> Tensor:
    return good_labels(truth, draw)[0]


def lists_in_columns(truth: Tensor, draw: Tensor) -> Tensor:
    return good_labels(truth, draw).T


def without_images(truth: Tensor, draw: Tensor) -> Tensor:
    return truth[good_labels(truth, draw)[0] | ~truth]


def spoils_truth(truth: Tensor, draw: Tensor) -> Tensor:
    found = good_labels(truth, draw)
    truth[found[1]] = True
    return found


# ── 4 · leer una capa ───────────────────────────────────────────────────────────────────────────────────────────────


@lru_cache(maxsize=32)
def dissected(name: str, layer: str, images: int | None = 300) -> Tensor:
    """El IoU (c, k) de la capa: que `dissect` cuente bien lo prueba test_dissection.py; aquí se lee de otra manera."""
    with torch.no_grad():
        return dissect(load_model(name, device="cpu"), load_concepts("test", n=images), layer).iou()


@lru_cache(maxsize=1)
def world() -> ConceptSet:
    return load_concepts("test", n=1)


def read(name: str, layer: str, cut: float, images: int | None = 300) -> dict:
    names, kinds, iou = world().names, world().categories, dissected(name, layer, images)

    def winners(columns: list[int]) -> list[int]:
        table = iou[:, columns].tolist()
        return [row.index(max(row)) for row in table if max(row) > cut]
    groups = [[k for k, kind in enumerate(kinds) if kind == one] for one in dict.fromkeys(kinds)]
    found = winners(list(range(len(names))))
    summed = sum(len(set(winners(columns))) for columns in groups)
    return {"detectoras": len(found), "distintos": len(set(found)), "suma": summed,
            "mejor": names[int(iou.argmax()) % len(names)]}


def good_reading(account: str) -> tuple[str, dict]:
    return account, read(*dissection.my_layer(account))


def changed(account: str, **values: object) -> tuple[str, dict]:
    return account, {**good_reading(account)[1], **values}


def definitions_swapped(account: str) -> tuple[str, dict]:
    good = good_reading(account)[1]
    return changed(account, distintos=good["suma"], suma=good["distintos"])


def usual_cut(account: str) -> tuple[str, dict]:
    name, layer, _ = dissection.my_layer(account)
    return account, read(name, layer, 0.04)


def pairs(account: str) -> tuple[str, dict]:
    name, layer, cut = dissection.my_layer(account)
    return changed(account, detectoras=int((dissected(name, layer) > cut).sum()))


def units_for_concepts(account: str) -> tuple[str, dict]:
    return changed(account, distintos=good_reading(account)[1]["detectoras"])


def any_concept(account: str) -> tuple[str, dict]:
    name, layer, cut = dissection.my_layer(account)
    return changed(account, distintos=int((dissected(name, layer).amax(0) > cut).sum()))


def units_by_category(account: str) -> tuple[str, dict]:
    name, layer, cut = dissection.my_layer(account)
    iou, order = dissected(name, layer), list(dict.fromkeys(world().categories))
    kinds = torch.tensor([order.index(kind) for kind in world().categories])
    return changed(account, suma=sum(int((iou[:, kinds == kind].amax(1) > cut).sum()) for kind in range(6)))


def after_relu(account: str) -> tuple[str, dict]:
    name, layer, cut = dissection.my_layer(account)
    return account, read(name, layer.replace("conv", "relu"), cut)


def main_network(account: str) -> tuple[str, dict]:
    _, layer, cut = dissection.my_layer(account)
    return account, read("escenas", layer, cut)


def another_layer(account: str) -> tuple[str, dict]:
    name, layer, cut = dissection.my_layer(account)
    return account, read(name, "conv3" if layer != "conv3" else "conv4", cut)


def sum_like_distinct(account: str) -> tuple[str, dict]:
    return changed(account, suma=good_reading(account)[1]["distintos"])


def sum_of_any_concept(account: str) -> tuple[str, dict]:
    return changed(account, suma=any_concept(account)[1]["distintos"])


def with_every_image(account: str) -> tuple[str, dict]:
    name, layer, cut = dissection.my_layer(account)
    return account, read(name, layer, cut, None)


def the_commonest(account: str) -> tuple[str, dict]:
    name, layer, cut = dissection.my_layer(account)
    best, which = dissected(name, layer).max(1)
    return changed(account, mejor=world().names[max(which[best > cut].tolist(), key=which[best > cut].tolist().count)])


def another_best(account: str) -> tuple[str, dict]:
    return changed(account, mejor="rueda")


def nothing_right(account: str) -> tuple[str, dict]:
    return account, {"detectoras": 1000, "distintos": 999, "suma": 998, "mejor": "rueda"}


def not_a_concept(account: str) -> tuple[str, dict]:
    return changed(account, mejor="jirafa")


def number_for_name(account: str) -> tuple[str, dict]:
    name, layer, _ = dissection.my_layer(account)
    return changed(account, mejor=int(dissected(name, layer).amax(0).argmax()))


def not_whole(account: str) -> tuple[str, dict]:
    return changed(account, suma=12.5)


def without_a_key(account: str) -> tuple[str, dict]:
    return account, {"detectoras": 3}


# Con qué cuentas se prueban los hallazgos: en alguna se distingue cada error de los demás.
ACCOUNTS = {"layer_reading": ["312000012", "312000005"]}

def place_among_units(maps: Tensor, share: float) -> Tensor:
    values = maps.transpose(0, 1).flatten(1).sort(1, descending=True).values
    return values[:, int(share * len(values))]


def part_of_the_peak(maps: Tensor, share: float) -> Tensor:
    return maps.amax((0, 2, 3)) * share


def union_by_xor(masks: Tensor, concepts: Tensor) -> Tensor:
    shared = torch.stack([torch.stack([(m & l).sum() for l in concepts.unbind(1)]) for m in masks.unbind(1)])
    apart = torch.stack([torch.stack([(m ^ l).sum() for l in concepts.unbind(1)]) for m in masks.unbind(1)])
    return torch.where(apart > 0, shared / apart.clamp(min=1), 0.0)


GOOD = {"threshold": [good_threshold, threshold_by_numpy, threshold_by_topk, threshold_by_counting],
        "data_iou": [good_iou, iou_by_einsum, iou_by_numpy],
        "spoiled_labels": [good_labels, labels_by_ranking, labels_by_numpy],
        "layer_reading": [good_reading]}

WRONG: dict[str, list[tuple[Callable, str]]] = {
    "threshold": [(counted_from_below, "estás un lugar antes"), (per_image, "un umbral por imagen"),
                  (mean_per_image, "promedias un umbral"), (just_one, "un solo umbral"),
                  (per_place, "un umbral por lugar"), (extra_axes, "un número por unidad, de forma"),
                  (by_quantile, "interpolas"), (one_too_many, "un lugar después"),
                  (without_sign, "valores son otros"), (flattened_too_soon, "Antes de flatten(1)"),
                  (place_among_units, "cuántos valores tiene UNA"), (part_of_the_peak, "una parte del máximo"),
                  (threshold_in_a_list, "torch.tensor"), (sorts_in_place, "Trabaja sobre una copia")],
    "data_iou": [(mean_by_image, "promedias el IoU de cada imagen"), (covered, "divides entre el concepto"),
                 (table_per_image, "una tabla por imagen"), (without_nan, "cero entre cero"),
                 (transposed, "un renglón por unidad"), (single, "un solo número"), (agreement, "los valores difieren"),
                 (without_minus_and_nan, "la unión no es la suma"), (dice, "Dice"), (only_shared, "falta dividirla"), (union_by_xor, "le falta lo que coincide"),
                 (iou_in_a_list, "torch.tensor")],
    "spoiled_labels": [(swapped_labels, "van al revés"), (largest_first, "número más chico"),
                       (half_again, "tantas falsas como"), (rounded_up, "hacia abajo"),
                       (none_left, "hacia abajo"), (half_of_the_images_more, "tantas falsas como"),
                       (by_coin, "un volado"),
                       (among_all, "cambias lugares que no son"), (one_spoils_the_other, "las dos parten de"),
                       (only_false_ones, "se quedan solo las falsas"),
                       (places_among_their_own, "cambias lugares que no son"), (changes_a_copy, "cambiaste una copia"),
                       (first_in_line, "número más chico"), (coin_with_the_same_side, "un volado"), (only_fewer, "una sola lista"),
                       (lists_in_columns, "un renglón por lista"), (without_images, "quitaste imágenes"),
                       (spoils_truth, "Trabaja sobre una copia")],
    "layer_reading": [(definitions_swapped, "al revés"), (usual_cut, "el corte del artículo"),
                      (pairs, "cuentas parejas"), (units_for_concepts, "en «distintos» cuentas unidades"),
                      (any_concept, "el MEJOR de alguna"), (units_by_category, "en «suma» cuentas unidades"),
                      (after_relu, "antes de la ReLU"), (main_network, "red principal"),
                      (another_layer, "otra capa de tu red"), (sum_like_distinct, "repites los distintos"),
                      (sum_of_any_concept, "en «suma» cuentas todo concepto"),
                      (with_every_image, "todas las imágenes de prueba"),
                      (the_commonest, "no el que más unidades detectan"), (another_best, "Revisa: mejor"),
                      (nothing_right, "ninguna de las cuatro"), (not_a_concept, "no es un concepto"), (number_for_name, "world.names[ese número]"),
                      (not_whole, "escribe enteros"), (without_a_key, "estas llaves")],
}

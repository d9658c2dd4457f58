"""Respuestas a los ejercicios de la lección 5: las buenas, en varios estilos, y las malas, cada una con su mensaje."""
from collections.abc import Callable
from functools import lru_cache

import numpy as np
import torch
import torch.nn.functional as F
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


def sorts_in_place(maps: Tensor, share: float) -> Tensor:
    cuts = good_threshold(maps, share)
    maps.copy_(maps.sort(0).values)
    return cuts


# ── 2 · la máscara ──────────────────────────────────────────────────────────────────────────────────────────────────


def good_mask(maps: Tensor, cuts: Tensor, size: tuple[int, int]) -> Tensor:
    grown = F.interpolate(maps, size=size, mode="bilinear", align_corners=False)
    return grown >= cuts.view(1, -1, 1, 1)


def mask_by_module(maps: Tensor, cuts: Tensor, size: tuple[int, int]) -> Tensor:
    grown = torch.nn.Upsample(size=tuple(size), mode="bilinear")(maps)
    return torch.stack([grown[:, unit] >= cuts[unit] for unit in range(len(cuts))], dim=1)


def mask_by_hand(maps: Tensor, cuts: Tensor, size: tuple[int, int]) -> Tensor:
    """La bilineal, escrita eje por eje con los centros en su lugar."""
    def weights(small: int, large: int) -> Tensor:
        table = torch.zeros(large, small)
        for i in range(large):
            where = max(0.0, (i + 0.5) * small / large - 0.5)
            low = min(int(where), small - 1)
            table[i, low] += 1 - (where - low)
            table[i, min(low + 1, small - 1)] += where - low
        return table
    rows_of, cols_of = weights(maps.shape[2], size[0]), weights(maps.shape[3], size[1])
    return (torch.einsum("yh,nchw,xw->ncyx", rows_of, maps, cols_of) >= cuts[:, None, None]).float()


def compare_first(maps: Tensor, cuts: Tensor, size: tuple[int, int]) -> Tensor:
    return F.interpolate((maps >= cuts[:, None, None]).float(), size) > 0.5


def compare_first_and_paint(maps: Tensor, cuts: Tensor, size: tuple[int, int]) -> Tensor:
    early = torch.stack([(image > cuts.view(-1, 1, 1)).float() for image in maps])
    return torch.nn.Upsample(size, mode="bilinear", align_corners=False)(early) != 0


def contrary(maps: Tensor, cuts: Tensor, size: tuple[int, int]) -> Tensor:
    return ~good_mask(maps, cuts, size)


def not_grown(maps: Tensor, cuts: Tensor, size: tuple[int, int]) -> Tensor:
    return maps >= cuts[:, None, None]


def wide_by_high(maps: Tensor, cuts: Tensor, size: tuple[int, int]) -> Tensor:
    return good_mask(maps, cuts, (size[1], size[0]))


def any_unit(maps: Tensor, cuts: Tensor, size: tuple[int, int]) -> Tensor:
    return good_mask(maps, cuts, size).any(1)


# ── 3 · el IoU ──────────────────────────────────────────────────────────────────────────────────────────────────────


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


def agreement(masks: Tensor, concepts: Tensor) -> Tensor:
    return torch.stack([torch.stack([(masks[:, c] == concepts[:, k]).float().mean() for k in range(concepts.shape[1])])
                        for c in range(masks.shape[1])])


def transposed(masks: Tensor, concepts: Tensor) -> Tensor:
    return iou_by_einsum(masks, concepts).T


def single(masks: Tensor, concepts: Tensor) -> Tensor:
    return iou_by_einsum(masks, concepts).mean()


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


def not_whole(account: str) -> tuple[str, dict]:
    return changed(account, suma=12.5)


def without_a_key(account: str) -> tuple[str, dict]:
    return account, {"detectoras": 3}


# Con qué cuentas se prueban los hallazgos: en alguna se distingue cada error de los demás.
ACCOUNTS = {"layer_reading": ["312000012", "312000005"]}

GOOD = {"threshold": [good_threshold, threshold_by_numpy, threshold_by_topk, threshold_by_counting],
        "activation_mask": [good_mask, mask_by_module, mask_by_hand],
        "data_iou": [good_iou, iou_by_einsum, iou_by_numpy],
        "layer_reading": [good_reading]}

WRONG: dict[str, list[tuple[Callable, str]]] = {
    "threshold": [(counted_from_below, "estás un lugar antes"), (per_image, "un umbral por imagen"),
                  (mean_per_image, "promedias un umbral"), (just_one, "un solo umbral"),
                  (per_place, "un umbral por lugar"), (extra_axes, "un número por unidad, de forma"),
                  (by_quantile, "interpolas"), (one_too_many, "un lugar después"),
                  (without_sign, "valores son otros"), (sorts_in_place, "Trabaja sobre una copia")],
    "activation_mask": [(compare_first, "salen bloques"), (compare_first_and_paint, "comparas antes de agrandar"),
                        (not_grown, "falta agrandarlo"), (wide_by_high, "(alto, ancho)"),
                        (any_unit, "una máscara por imagen"), (contrary, "los valores difieren")],
    "data_iou": [(mean_by_image, "promedias el IoU de cada imagen"), (covered, "divides entre el concepto"),
                 (table_per_image, "una tabla por imagen"), (without_nan, "cero entre cero"),
                 (transposed, "un renglón por unidad"), (single, "un solo número"), (agreement, "los valores difieren")],
    "layer_reading": [(definitions_swapped, "al revés"), (usual_cut, "el corte del artículo"),
                      (pairs, "cuentas parejas"), (units_for_concepts, "en «distintos» cuentas unidades"),
                      (any_concept, "el MEJOR de alguna"), (units_by_category, "en «suma» cuentas unidades"),
                      (after_relu, "antes de la ReLU"), (main_network, "red principal"),
                      (another_layer, "otra capa de tu red"), (sum_like_distinct, "repites los distintos"),
                      (sum_of_any_concept, "en «suma» cuentas todo concepto"),
                      (with_every_image, "todas las imágenes de prueba"),
                      (the_commonest, "no el que más unidades detectan"), (another_best, "Revisa: mejor"),
                      (nothing_right, "ninguna de las cuatro"), (not_a_concept, "no es un concepto"),
                      (not_whole, "escribe enteros"), (without_a_key, "estas llaves")],
}

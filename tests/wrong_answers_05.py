"""Respuestas a los ejercicios de la lección 5: las buenas, en varios estilos, y las malas, cada una con su mensaje."""
from collections.abc import Callable
from functools import lru_cache

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor

from labkit.datasets import ConceptSet, load_concepts
from labkit.exercises.lesson05 import findings as says

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


def rows(maps: Tensor) -> Tensor:
    return maps.transpose(0, 1).flatten(1).sort(1, descending=True).values


def per_image(maps: Tensor, share: float) -> Tensor:
    return torch.stack([good_threshold(image[None], share) for image in maps])


def mean_per_image(maps: Tensor, share: float) -> Tensor:
    return per_image(maps, share).mean(0)


def counted_from_below(maps: Tensor, share: float) -> Tensor:
    """Solo se nota si share · N es entero."""
    values = maps.transpose(0, 1).flatten(1).sort(1).values
    return values[:, min(int((1 - share) * values.shape[1]), values.shape[1] - 1)]


def one_for_all(maps: Tensor, share: float) -> Tensor:
    return torch.full((maps.shape[1],), maps.flatten().sort(descending=True).values[int(share * maps.numel())].item())


def just_one(maps: Tensor, share: float) -> Tensor:
    return one_for_all(maps, share)[0]


def per_place(maps: Tensor, share: float) -> Tensor:
    return maps.sort(0, descending=True).values[int(share * len(maps))]


def extra_axes(maps: Tensor, share: float) -> Tensor:
    return good_threshold(maps, share)[:, None, None]


def low_end(maps: Tensor, share: float) -> Tensor:
    values = rows(maps).flip(1)
    return values[:, int(share * values.shape[1])]


def as_percent(maps: Tensor, share: float) -> Tensor:
    return good_threshold(maps, share / 100)


def the_top(maps: Tensor, share: float) -> Tensor:
    return maps.amax((0, 2, 3))


def part_of_the_top(maps: Tensor, share: float) -> Tensor:
    return share * maps.amax((0, 2, 3))


def top_less_a_part(maps: Tensor, share: float) -> Tensor:
    return (1 - share) * maps.amax((0, 2, 3))


def mean_of_tops(maps: Tensor, share: float) -> Tensor:
    return maps.amax((2, 3)).mean(0)


def quantile_of_tops(maps: Tensor, share: float) -> Tensor:
    return good_threshold(maps.amax((2, 3), keepdim=True), share)


def interpolated(maps: Tensor, share: float) -> Tensor:
    return torch.quantile(maps.transpose(0, 1).flatten(1), 1 - share, dim=1)


def one_before(maps: Tensor, share: float) -> Tensor:
    values = rows(maps)
    return values[:, int(share * values.shape[1]) - 1]


def one_after(maps: Tensor, share: float) -> Tensor:
    values = rows(maps)
    return values[:, int(share * values.shape[1]) + 1]


def fixed_share(maps: Tensor, share: float) -> Tensor:
    return good_threshold(maps, 0.005)


def counting_one_image(maps: Tensor, share: float) -> Tensor:
    return rows(maps)[:, int(share * maps.shape[2] * maps.shape[3])]


def counting_images(maps: Tensor, share: float) -> Tensor:
    return rows(maps)[:, int(share * len(maps))]


def without_transposing(maps: Tensor, share: float) -> Tensor:
    values = maps.reshape(maps.shape[1], -1).sort(1, descending=True).values
    return values[:, int(share * values.shape[1])]


def without_sign(maps: Tensor, share: float) -> Tensor:
    return good_threshold(maps.abs(), share)


def only_positive(maps: Tensor, share: float) -> Tensor:
    return torch.stack([good_threshold(row[row > 0].view(1, 1, 1, -1), share)[0] for row in rows(maps)])


def per_unit_and_row(maps: Tensor, share: float) -> Tensor:
    return maps.amax((0, 3))


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


def compare_first_and_blend(maps: Tensor, cuts: Tensor, size: tuple[int, int]) -> Tensor:
    return F.interpolate((maps >= cuts[:, None, None]).float(), size, mode="bilinear") >= 0.5


def compare_first_and_touch(maps: Tensor, cuts: Tensor, size: tuple[int, int]) -> Tensor:
    return F.interpolate((maps >= cuts[:, None, None]).float(), size, mode="bilinear").bool()


def corners(maps: Tensor, cuts: Tensor, size: tuple[int, int]) -> Tensor:
    return F.interpolate(maps, size, mode="bilinear", align_corners=True) >= cuts[:, None, None]


def repeated(maps: Tensor, cuts: Tensor, size: tuple[int, int]) -> Tensor:
    return F.interpolate(maps, size) >= cuts[:, None, None]


def cubic(maps: Tensor, cuts: Tensor, size: tuple[int, int]) -> Tensor:
    return F.interpolate(maps, size, mode="bicubic") >= cuts[:, None, None]


def contrary(maps: Tensor, cuts: Tensor, size: tuple[int, int]) -> Tensor:
    return ~good_mask(maps, cuts, size)


def strictly(maps: Tensor, cuts: Tensor, size: tuple[int, int]) -> Tensor:
    return F.interpolate(maps, size, mode="bilinear") > cuts[:, None, None]


def one_cut(maps: Tensor, cuts: Tensor, size: tuple[int, int]) -> Tensor:
    return F.interpolate(maps, size, mode="bilinear") >= cuts.mean()


def first_cut(maps: Tensor, cuts: Tensor, size: tuple[int, int]) -> Tensor:
    return F.interpolate(maps, size, mode="bilinear") >= cuts[0]


def kept_values(maps: Tensor, cuts: Tensor, size: tuple[int, int]) -> Tensor:
    return F.interpolate(maps, size, mode="bilinear") * good_mask(maps, cuts, size)


def only_grown(maps: Tensor, cuts: Tensor, size: tuple[int, int]) -> Tensor:
    return F.interpolate(maps, size, mode="bilinear")


def not_grown(maps: Tensor, cuts: Tensor, size: tuple[int, int]) -> Tensor:
    return maps >= cuts[:, None, None]


def wide_by_high(maps: Tensor, cuts: Tensor, size: tuple[int, int]) -> Tensor:
    return good_mask(maps, cuts, (size[1], size[0]))


def any_unit(maps: Tensor, cuts: Tensor, size: tuple[int, int]) -> Tensor:
    return good_mask(maps, cuts, size).any(1)


def cuts_on_the_wrong_axis(maps: Tensor, cuts: Tensor, size: tuple[int, int]) -> Tensor:
    return F.interpolate(maps, size, mode="bilinear") >= cuts.flip(0)[:, None, None]


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


def counts(masks: Tensor, concepts: Tensor) -> tuple[Tensor, Tensor, Tensor]:
    """Por imagen: la intersección (n, c, k), la unidad (n, c, 1) y el concepto (n, 1, k)."""
    a, b = masks.flatten(2).float(), concepts.flatten(2).float()
    return a @ b.transpose(1, 2), a.sum(2)[:, :, None], b.sum(2)[:, None]


def ratio(a: Tensor, b: Tensor) -> Tensor:
    return torch.nan_to_num(a / b)


def mean_where_there_is_something(masks: Tensor, concepts: Tensor) -> Tensor:
    both, unit, concept = counts(masks, concepts)
    return (both / (unit + concept - both)).nanmean(0)


def blended_before(maps: Tensor, cuts: Tensor, size: tuple[int, int]) -> Tensor:
    return F.interpolate((maps >= cuts[:, None, None]).float(), size, mode="bilinear")


def mean_iou(masks: Tensor, concepts: Tensor) -> Tensor:
    both, lit, truth = counts(masks, concepts)
    return ratio(both, lit + truth - both).mean(0)


def table_per_image(masks: Tensor, concepts: Tensor) -> Tensor:
    both, lit, truth = counts(masks, concepts)
    return ratio(both, lit + truth - both)


def mean_where_it_is(masks: Tensor, concepts: Tensor) -> Tensor:
    both, lit, truth = counts(masks, concepts)
    here = (truth > 0).expand_as(both)
    return ratio((ratio(both, lit + truth - both) * here).sum(0), here.sum(0))


def union_as_sum(masks: Tensor, concepts: Tensor) -> Tensor:
    both, lit, truth = counts(masks, concepts)
    return ratio(both.sum(0), (lit + truth).sum(0))


def recall(masks: Tensor, concepts: Tensor) -> Tensor:
    both, _, truth = counts(masks, concepts)
    return ratio(both.sum(0), truth.sum(0))


def precision(masks: Tensor, concepts: Tensor) -> Tensor:
    both, lit, _ = counts(masks, concepts)
    return ratio(both.sum(0), lit.sum(0))


def only_with_it(masks: Tensor, concepts: Tensor) -> Tensor:
    both, lit, truth = counts(masks, concepts)
    return ratio(both.sum(0), (lit * (truth > 0) + truth - both).sum(0))


def over_every_pixel(masks: Tensor, concepts: Tensor) -> Tensor:
    return counts(masks, concepts)[0].sum(0) / masks[:, 0].numel()


def dice(masks: Tensor, concepts: Tensor) -> Tensor:
    both, lit, truth = counts(masks, concepts)
    return ratio(2 * both.sum(0), (lit + truth).sum(0))


def agreement(masks: Tensor, concepts: Tensor) -> Tensor:
    return torch.stack([torch.stack([(masks[:, c] == concepts[:, k]).float().mean() for k in range(concepts.shape[1])])
                        for c in range(masks.shape[1])])


def zero_by_zero(masks: Tensor, concepts: Tensor) -> Tensor:
    both, lit, truth = counts(masks, concepts)
    return both.sum(0) / (lit + truth - both).sum(0)


def one_of_nothing(masks: Tensor, concepts: Tensor) -> Tensor:
    return torch.nan_to_num(zero_by_zero(masks, concepts), nan=1.0)


def mixed_up(masks: Tensor, concepts: Tensor) -> Tensor:
    a, b = (part.reshape(part.shape[1], -1).float() for part in (masks, concepts))
    both = a @ b.T
    return torch.nan_to_num(both / (a.sum(1)[:, None] + b.sum(1) - both))


def undivided(masks: Tensor, concepts: Tensor) -> Tensor:
    return counts(masks, concepts)[0].sum(0)


def distance(masks: Tensor, concepts: Tensor) -> Tensor:
    return 1 - iou_by_einsum(masks, concepts)


def transposed(masks: Tensor, concepts: Tensor) -> Tensor:
    return iou_by_einsum(masks, concepts).T


def single(masks: Tensor, concepts: Tensor) -> Tensor:
    return iou_by_einsum(masks, concepts).mean()


# ── 4 · leer una capa ───────────────────────────────────────────────────────────────────────────────────────────────


def dissected(name: str, layer: str, images: int | None = says.IMAGES) -> Tensor:
    """El IoU (c, k) de la capa: que `dissect` cuente bien lo prueba test_dissection.py; aquí se lee de otra manera."""
    return says.table(name, layer, images)


@lru_cache(maxsize=1)
def world() -> ConceptSet:
    return load_concepts("test", n=1)


def read(name: str, layer: str, cut: float, images: int | None = says.IMAGES) -> dict:
    names, kinds, iou = world().names, world().categories, dissected(name, layer, images)

    def winners(columns: list[int]) -> list[int]:
        table = iou[:, columns].tolist()
        return [row.index(max(row)) for row in table if max(row) > cut]
    groups = [[k for k, kind in enumerate(kinds) if kind == one] for one in dict.fromkeys(kinds)]
    found = winners(list(range(len(names))))
    return {"detectoras": len(found), "distintos": len(set(found)), "suma": sum(len(set(winners(columns))) for columns in groups),
            "mejor": names[int(iou.argmax()) % len(names)]}


def good_reading(account: str) -> tuple[str, dict]:
    return account, read(*says.my_layer(account))


def changed(account: str, **values: object) -> tuple[str, dict]:
    return account, {**good_reading(account)[1], **values}


def definitions_swapped(account: str) -> tuple[str, dict]:
    good = good_reading(account)[1]
    return changed(account, distintos=good["suma"], suma=good["distintos"])


def usual_cut(account: str) -> tuple[str, dict]:
    name, layer, _ = says.my_layer(account)
    return account, read(name, layer, 0.04)


def all_units(account: str) -> tuple[str, dict]:
    name, layer, _ = says.my_layer(account)
    return changed(account, detectoras=len(dissected(name, layer)))


def pairs(account: str) -> tuple[str, dict]:
    name, layer, cut = says.my_layer(account)
    return changed(account, detectoras=int((dissected(name, layer) > cut).sum()))


def units_for_concepts(account: str) -> tuple[str, dict]:
    return changed(account, distintos=good_reading(account)[1]["detectoras"])


def any_concept(account: str) -> tuple[str, dict]:
    name, layer, cut = says.my_layer(account)
    return changed(account, distintos=int((dissected(name, layer).amax(0) > cut).sum()))


def units_by_category(account: str) -> tuple[str, dict]:
    name, layer, cut = says.my_layer(account)
    iou, order = dissected(name, layer), list(dict.fromkeys(world().categories))
    kinds = torch.tensor([order.index(kind) for kind in world().categories])
    return changed(account, suma=sum(int((iou[:, kinds == kind].amax(1) > cut).sum()) for kind in range(6)))


def after_relu(account: str) -> tuple[str, dict]:
    name, layer, cut = says.my_layer(account)
    return account, read(name, layer.replace("conv", "relu"), cut)


def main_network(account: str) -> tuple[str, dict]:
    _, layer, cut = says.my_layer(account)
    return account, read("escenas", layer, cut)


def another_layer(account: str) -> tuple[str, dict]:
    name, layer, cut = says.my_layer(account)
    return account, read(name, "conv3" if layer != "conv3" else "conv4", cut)


def distinct_without_the_cut(account: str) -> tuple[str, dict]:
    name, layer, _ = says.my_layer(account)
    return changed(account, distintos=len(set(dissected(name, layer).argmax(1).tolist())))


def sum_without_the_cut(account: str) -> tuple[str, dict]:
    name, layer, _ = says.my_layer(account)
    return changed(account, suma=read(name, layer, -1.0)["suma"])


def sum_like_distinct(account: str) -> tuple[str, dict]:
    return changed(account, suma=good_reading(account)[1]["distintos"])


def sum_of_any_concept(account: str) -> tuple[str, dict]:
    return changed(account, suma=any_concept(account)[1]["distintos"])


def with_every_image(account: str) -> tuple[str, dict]:
    name, layer, cut = says.my_layer(account)
    return account, read(name, layer, cut, None)


def the_commonest(account: str) -> tuple[str, dict]:
    name, layer, cut = says.my_layer(account)
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


GOOD = {"threshold": [good_threshold, threshold_by_numpy, threshold_by_topk, threshold_by_counting],
        "activation_mask": [good_mask, mask_by_module, mask_by_hand], "data_iou": [good_iou, iou_by_einsum, iou_by_numpy],
        "layer_reading": [good_reading]}

WRONG: dict[str, list[tuple[Callable, str]]] = {
    "threshold": [(counted_from_below, "estás un lugar antes"), (per_image, "un umbral por imagen"), (mean_per_image, "promedias un umbral"),
                  (one_for_all, "el mismo umbral para todas"),
                  (just_one, "un solo umbral"), (per_place, "un umbral por lugar"), (extra_axes, "sobran ejes"),
                  (low_end, "otro extremo"),
                  (as_percent, "no se divide entre 100"), (the_top, "el mayor de todos"),
                  (part_of_the_top, "una parte del mayor"),
                  (top_less_a_part, "no alturas"), (mean_of_tops, "promedias los máximos"),
                  (quantile_of_tops, "un valor por imagen"),
                  (interpolated, "interpolas"), (one_before, "un lugar antes"), (one_after, "un lugar después"),
                  (without_transposing, "revuelves unidades"), (fixed_share, "0.005 fijo"),
                  (counting_one_image, "de una sola imagen"), (counting_images, "cuentas las imágenes"), (without_sign, "quitas el signo"), (only_positive, "los ceros y los negativos"),
                  (per_unit_and_row, "un número por unidad, de forma"), (sorts_in_place, "Trabaja sobre una copia")],
    "activation_mask": [(compare_first, "salen bloques"), (blended_before, "queda una mezcla"), (compare_first_and_blend, "Redondeas la mezcla"),
                        (compare_first_and_touch, "Cuentas todo lo que toca"), (corners, "align_corners=False"),
                        (repeated, "repitiendo casillas"),
                        (cubic, "una cúbica"), (contrary, "lo contrario"), (strictly, "es ≥"),
                        (one_cut, "el promedio, para todas"),
                        (first_cut, "el primer umbral"), (kept_values, "los valores que pasan"), (only_grown, "falta compararlo"),
                        (not_grown, "falta agrandarlo"), (wide_by_high, "(alto, ancho)"), (any_unit, "una máscara por imagen"),
                        (cuts_on_the_wrong_axis, "en desorden")],
    "data_iou": [(mean_where_there_is_something, "en que hay algo"), (mean_iou, "promedias el IoU de cada imagen"), (table_per_image, "una tabla por imagen"),
                 (mean_where_it_is, "en que está el concepto"),
                 (union_as_sum, "la unión no es la suma"), (recall, "divides entre el concepto"),
                 (precision, "divides entre la unidad"),
                 (only_with_it, "solo las imágenes en que está"), (over_every_pixel, "todos los píxeles"),
                 (dice, "dos veces lo que coincide"),
                 (agreement, "no están ni la unidad ni el concepto"), (zero_by_zero, "cero entre cero"),
                 (one_of_nothing, "es 0, no 1"),
                 (mixed_up, "revuelves imágenes y unidades"), (undivided, "falta dividirlo"), (distance, "la distancia"), (transposed, "transpuesta"),
                 (single, "un solo número")],
    "layer_reading": [(definitions_swapped, "al revés"), (usual_cut, "el corte del artículo"), (all_units, "todas las unidades"),
                      (pairs, "cuentas parejas"), (units_for_concepts, "en «distintos» cuentas unidades"),
                      (any_concept, "el MEJOR de alguna"),
                      (units_by_category, "en «suma» cuentas unidades"), (after_relu, "antes de la ReLU"),
                      (main_network, "red principal"),
                      (another_layer, "otra capa de tu red"), (distinct_without_the_cut, "en «distintos» olvidas el corte"),
                      (sum_without_the_cut, "en «suma» olvidas el corte"), (sum_like_distinct, "repites los distintos"),
                      (sum_of_any_concept, "en «suma» cuentas todo concepto"), (with_every_image, "todas las imágenes de prueba"),
                      (the_commonest, "no el que más unidades detectan"), (another_best, "Revisa: mejor"),
                      (nothing_right, "ninguna de las cuatro"),
                      (not_a_concept, "no es un concepto"), (not_whole, "escribe enteros"), (without_a_key, "estas llaves")],
}

"""Los oráculos de las funciones que no llaman a una red: ciclos ingenuos, numpy, fórmulas e invariantes."""
import math
from itertools import combinations
from statistics import NormalDist

import numpy as np
import torch
from hostile import Case, Dice, same
from torch import Tensor

from labkit import batches, checks, colors, exemplars, measures, objectives, occlusion, optimization, packed, regularization, shapes, vectors
from labkit import images as drawing
from labkit.exemplars import maps, som, units
from labkit.exemplars.tsne import affinities, gradient, tsne
from labkit.measures import Gap, Tally

CASES: dict[str, Case] = {}


def add(name: str, call, make, truth, keep=(), nan=False, raises=False) -> None:
    # cómo se lee «capa:canal» es de `activations`
    CASES[name] = Case(call, make, truth, keep, nan, raises, ("unit: ²",))


def near(value: float, other: float, tol: float = 1e-4) -> None:
    assert math.isclose(value, other, rel_tol=tol, abs_tol=tol), f"{value} y no {other}"


# ── objetivos ───────────────────────────────────────────────────────────────────────────────────────────────────────

def acts_of(dice: Dice) -> dict[str, Tensor]:
    return {"conv": dice.tensor(2, 4, dice.int(1, 3), dice.int(1, 4)), "fc": dice.tensor(2, 3, low=-3, high=3)}


def flat(acts: dict[str, Tensor], unit: str) -> Tensor:
    layer, channel = unit.split(":")
    return acts[layer][:, int(channel)].reshape(2, -1)


def unit_of(dice: Dice) -> str:
    return dice.pick("conv:0", "conv:3", "fc:2")


for name, rule in (("channel", lambda t: t.mean(1)), ("peak", lambda t: t.amax(1))):
    add(f"objectives.{name}", lambda acts, unit, f=getattr(objectives, name): f(unit)(acts),
        lambda d: {"acts": acts_of(d), "unit": unit_of(d)},
        lambda out, acts, unit, rule=rule: same(out, rule(flat(acts, unit))), keep=("acts",))
add("objectives.neuron", lambda acts, unit, y, x: objectives.neuron(unit, y, x)(acts),
    lambda d: {"acts": (a := acts_of(d)), "unit": "conv:1", "y": d.int(0, a["conv"].shape[2] - 1), "x": d.int(0, a["conv"].shape[3] - 1)},
    lambda out, acts, unit, y, x: same(out, acts["conv"][:, int(unit[-1]), acts["conv"].shape[2] // 2 if y is None else place(y),
                                                         acts["conv"].shape[3] // 2 if x is None else place(x)]), keep=("acts",))


def place(value) -> int:
    assert isinstance(value, int) and not isinstance(value, bool) and value >= 0
    return value


def number(value) -> float:
    assert isinstance(value, (int, float, np.integer, np.floating)) and not isinstance(value, bool) and math.isfinite(value)
    return value


add("objectives.direction", lambda acts, layer, vector: objectives.direction(layer, vector)(acts),
    lambda d: {"acts": acts_of(d), "layer": "conv", "vector": d.normal(4)},
    lambda out, acts, layer, vector: same(out, acts[layer].mean((2, 3)) @ vector.float(), 1e-2), keep=("acts",))
add("objectives.layer_energy", lambda acts, name: objectives.layer_energy(name)(acts),
    lambda d: {"acts": acts_of(d), "name": d.pick("conv", "fc")},
    lambda out, acts, name: same(out, [np.square(image.numpy()).mean() for image in acts[name]]), keep=("acts",))
for name, rule in (("logit", lambda t, k: t[:, k]), ("probability", lambda t, k: t.exp()[:, k] / t.exp().sum(1))):
    add(f"objectives.{name}", lambda acts, class_index, layer, f=getattr(objectives, name): f(class_index, layer)(acts),
        lambda d: {"acts": acts_of(d), "class_index": d.int(0, 2), "layer": "fc"},
        lambda out, acts, class_index, layer, rule=rule: same(out, rule(acts[layer], place(class_index))), keep=("acts",))
add("objectives.margin", lambda acts, class_index, other, layer: objectives.margin(class_index, other, layer)(acts),
    lambda d: {"acts": acts_of(d), "class_index": d.int(0, 2), "other": d.pick(None, 0, 1), "layer": "fc"},
    lambda out, acts, class_index, other, layer: same(out, [
        row[place(class_index)] - (max(v for k, v in enumerate(row) if k != class_index) if other is None else row[place(other)])
        for row in acts[layer].tolist()]), keep=("acts",))
add("objectives.each", lambda acts, objectives_: objectives.each(objectives_)(acts),
    lambda d: {"acts": acts_of(d), "objectives_": [objectives.logit(d.int(0, 2)), objectives.channel("conv:1")]},
    lambda out, acts, objectives_: same(out, [objective(acts)[i] for i, objective in enumerate(objectives_)] if len(objectives_) == 2 else None),
    keep=("acts",))
add("objectives.Objective", lambda acts, factor: (factor * objectives.logit(0) - objectives.logit(1) + -objectives.logit(2))(acts),
    lambda d: {"acts": acts_of(d), "factor": d.real(-3, 3)},
    lambda out, acts, factor: same(out, float(number(factor)) * acts["fc"][:, 0] - acts["fc"][:, 1] - acts["fc"][:, 2]), keep=("acts",))


# ── oclusión ────────────────────────────────────────────────────────────────────────────────────────────────────────

def starts(length: int, size: int, stride: int) -> list[int]:
    assert 1 <= place(size) <= length and place(stride) >= 1
    found, at = [], 0
    while at < length - size:
        found.append(at)
        at += stride
    return [*found, length - size]


def grid_arguments(d: Dice) -> dict:
    h, w = d.int(1, 9), d.int(1, 9)
    return {"h": h, "w": w, "size": d.int(1, min(h, w)), "stride": d.int(1, 12)}


add("occlusion.occluder_boxes", occlusion.occluder_boxes, grid_arguments, lambda out, h, w, size, stride: same(
    out, [(y, x, y + size, x + size) for y in starts(h, size, stride) for x in starts(w, size, stride)]), keep=("h", "w"))
add("occlusion.boxes_grid_shape", occlusion.boxes_grid_shape, grid_arguments, lambda out, h, w, size, stride: same(
    out, (len(starts(h, size, stride)), len(starts(w, size, stride)))), keep=("h", "w"))


def boxes_in(d: Dice, n: int, h: int, w: int) -> Tensor:
    rows = [sorted(d.random.sample(range(h + 1), 2)) + sorted(d.random.sample(range(w + 1), 2)) for _ in range(n)]
    return torch.tensor([(y0, x0, y1, x1) for y0, y1, x0, x1 in rows])


def covered(box, h: int, w: int) -> np.ndarray:
    y0, x0, y1, x1 = (float(v) for v in box)
    assert all(map(math.isfinite, (y0, x0, y1, x1)))
    return np.array([[y0 <= y < y1 and x0 <= x < x1 for x in range(w)] for y in range(h)]).reshape(h, w)


def filled(image: Tensor, fill) -> Tensor:
    assert image.is_floating_point() and image.shape[0] == 3 and image.ndim == 3 and image.abs().max() < 1e20
    if isinstance(fill, Tensor):
        assert fill.shape == image.shape and fill.is_floating_point() and fill.isfinite().all()
        return fill.float()
    if fill == "mean":
        return image.float().mean((1, 2), keepdim=True).expand_as(image)
    return torch.full(image.shape, float(number(fill)))


add("occlusion.fill_image", occlusion.fill_image,
    lambda d: {"image": (im := d.image()), "fill": d.pick(d.real(), "mean", d.tensor(*im.shape))},
    lambda out, image, fill: same(out, filled(image, fill), 1e-2))
add("occlusion.occlude", occlusion.occlude,
    lambda d: {"image": (im := d.image()), "boxes": boxes_in(d, 2, *im.shape[1:]), "fill": d.pick(d.real(), "mean", d.tensor(*im.shape))},
    lambda out, image, boxes, fill: same(out, torch.stack([torch.where(torch.from_numpy(covered(box, *image.shape[1:])), filled(image, fill),
                                                                       image.float()) for box in boxes.tolist()])
                                         if len(boxes) else torch.zeros(0, *image.shape), 1e-2))


def truthy(mask) -> np.ndarray:
    values = mask.numpy()
    assert set(np.unique(values)) <= {0, values.max()}
    return values.astype(bool)


add("occlusion.cover_mask", occlusion.cover_mask,
    lambda d: {"image": (im := d.image()), "mask": d.bools(*im.shape[1:]), "fill": d.real()},
    lambda out, image, mask, fill: same(out, np.where(truthy(mask), filled(image, fill), image.float()), 1e-2))
add("occlusion.coverage", occlusion.coverage,
    lambda d: {"boxes": boxes_in(d, 2, 4, 5), "mask": d.bools(4, 5)},
    lambda out, boxes, mask: same(out, [(covered(b, *mask.shape) & truthy(mask)).sum() / truthy(mask).sum() for b in boxes.tolist()]))
add("occlusion.share_on_mask", occlusion.share_on_mask,
    lambda d: {"heat": d.normal(3, 4), "mask": d.bools(3, 4)},
    lambda out, heat, mask: same(out, (heat.clamp(min=0).double() * torch.as_tensor(truthy(mask))).sum() / heat.clamp(min=0).double().sum(), 1e-2),
    nan=True)


def painted(boxes: Tensor, values: Tensor, h: int, w: int) -> np.ndarray:
    assert values.shape == (len(boxes),) and values.is_floating_point() and values.isfinite().all()
    cover = np.stack([covered(b, place(h), place(w)) for b in boxes.tolist()]) if len(boxes) else np.zeros((0, h, w))
    with np.errstate(invalid="ignore"):
        return (cover * values.double().numpy()[:, None, None]).sum(0) / cover.sum(0)


add("occlusion.paint_boxes", occlusion.paint_boxes,
    lambda d: {"boxes": boxes_in(d, 3, 4, 5), "values": d.normal(3), "h": 4, "w": 5},
    lambda out, boxes, values, h, w: same(out, painted(boxes, values, h, w), 1e-2), keep=("h", "w"), nan=True)
add("occlusion.lowest_box", occlusion.lowest_box,
    lambda d: {"boxes": boxes_in(d, 3, 4, 5), "scores": d.normal(3)},
    lambda out, boxes, scores: same(out, boxes[min(range(len(boxes)), key=[float(s) for s in scores.tolist()].__getitem__)]))


# ── vectores y medidas ──────────────────────────────────────────────────────────────────────────────────────────────

def cloud(d: Dice, n: int = 0, size: int = 0) -> Tensor:
    return d.normal(n or d.int(4, 9), size or d.int(1, 4), far=d.pick(0.0, 0.0, 1000.0))


def far(a, b) -> np.ndarray:
    a, b = a.double().numpy(), b.double().numpy()
    assert a.ndim == b.ndim == 2
    return np.sqrt(((a[:, None] - b[None]) ** 2).sum(2))


def check_near(out: Tensor, vectors: Tensor, k: int, of: Tensor | None) -> None:
    assert vectors.is_floating_point()
    distances, rows = far(vectors, vectors), range(len(vectors)) if of is None else of.tolist()
    assert out.shape == (len(rows), place(k)) and 1 <= k < len(vectors)
    for found, row in zip(out.tolist(), rows):
        others = sorted(distances[row][j] for j in range(len(vectors)) if j != place(row))
        assert row not in found and len(set(found)) == k
        np.testing.assert_allclose([distances[row][j] for j in found], others[:k], rtol=1e-4, atol=1e-4)


add("vectors.neighbours", vectors.neighbours,
    lambda d: {"vectors": (v := cloud(d)), "k": d.int(1, len(v) - 1), "of": d.pick(None, d.ints(3, high=len(v)))}, check_near)
add("vectors.distances", vectors.distances, lambda d: {"first": d.normal(3, 2), "second": d.normal(4, 2)},
    lambda out, first, second: same(out, far(first, second)), keep=("first", "second"))
add("vectors.principal_axes", vectors.principal_axes, lambda d: {"vectors": d.normal(6, 3)}, lambda out, vectors: (
    same(out[0], vectors.float().numpy().mean(0) if vectors.is_floating_point() else None, 1e-2),
    same(out[2] ** 2, np.maximum(np.linalg.eigvalsh(np.atleast_2d(np.cov(vectors.double().numpy().T, ddof=1)))[::-1], 0)[:len(out[2])], 1e-2)))
add("vectors.linear_probe", vectors.linear_probe,
    lambda d: {"train": d.normal(6, 2) + 9 * (lab := torch.arange(6) % 2)[:, None], "train_labels": lab, "test": d.normal(4, 2) + 9 * (torch.arange(4) % 2)[:, None],
               "test_labels": torch.arange(4) % 2, "decay": 1.0},
    lambda out, **a: near(out, 1.0) if all(a[k].is_floating_point() and a[k].std() > 3 and not ((a[k] < -5) | (a[k] > 20)).any() for k in ("train", "test"))
    and torch.equal(a["test_labels"].long(), torch.arange(4) % 2) and torch.equal(a["train_labels"].long(), torch.arange(6) % 2) and number(a["decay"]) < 9
    else _share(out), keep=())


def _share(value: float) -> None:
    assert 0 <= value <= 1


def yes_of(d: Dice) -> dict:
    return {"values": d.pick(d.normal(7, 2), d.ints(7, 2, high=3).float()), "truth": d.pick(d.bools(7), d.bools(7, 3))}


def pair_area(values: np.ndarray, yes: np.ndarray) -> float:
    wins = [(a > b) + (a == b) / 2 for a in values[yes] for b in values[~yes]]
    return float(np.mean(wins)) if wins else math.nan


def precision_area(values: np.ndarray, yes: np.ndarray) -> float:
    if not 0 < yes.sum() < len(yes):
        return math.nan
    cuts, recall, area = sorted(set(values), reverse=True), 0.0, 0.0
    for cut in cuts:
        now = yes[values >= cut].sum() / yes.sum()
        area, recall = area + (now - recall) * yes[values >= cut].mean(), now
    return area


def over_units(rule):
    def truth(out, values, truth) -> None:
        assert truth.dtype == torch.bool and len(truth) == len(values) and not values.isnan().any() and len(values)
        table = truth.numpy() if truth.ndim == 2 else truth.numpy()[:, None]
        found = [[rule(unit, column) for column in table.T] for unit in values.numpy().T]
        found = np.array(found).reshape(values.shape[1], table.shape[1])
        same(out, found if truth.ndim == 2 else found[:, 0])
    return truth


add("measures.roc_areas", measures.roc_areas, yes_of, over_units(pair_area), nan=True)
add("measures.average_precisions", measures.average_precisions, yes_of, over_units(precision_area), nan=True)
add("measures.check_responses", measures.check_responses, lambda d: {"values": d.normal(4, 2)},
    lambda out, values: same(len(values.shape), 2))
add("measures.area_interval", measures.area_interval,
    lambda d: {"area": d.real(), "positives": d.int(1, 40), "negatives": d.int(1, 40), "share": 0.95},
    lambda out, area, positives, negatives, share: hanley(out, number(area), place(positives), place(negatives), number(share)))


def hanley(out, area: float, m: int, n: int, share: float) -> None:
    assert 0 <= area <= 1 <= min(m, n) and 0 < share < 1 and out[0] - 1e-4 <= area <= out[1] + 1e-4
    z = NormalDist().inv_cdf((1 + share) / 2)
    for end in out:                                             # en cada extremo la distancia es z desviaciones, o es 0 o 1
        q1, q2 = end / (2 - end), 2 * end ** 2 / (1 + end)
        sd = math.sqrt(max(0, (end * (1 - end) + (m - 1) * (q1 - end ** 2) + (n - 1) * (q2 - end ** 2)) / (m * n)))
        assert end in (0.0, 1.0) or abs(abs(end - area) - z * sd) < 5e-3


add("measures.purity", measures.purity, lambda d: {"top": d.ints(3, 4, high=6), "labels": d.ints(6, high=3)},
    lambda out, top, labels: same(out, [max([labels[j].item() for j in row].count(v) for v in labels.tolist()) / len(row) for row in top.tolist()]))


def t_gap(out: Gap, mean: float, sd: float, degrees: float, share: float) -> None:
    from scipy.special import stdtrit
    wide = stdtrit(degrees, (1 + share) / 2) * sd if sd else 0.0
    same(list(out), [mean, mean - wide, mean + wide], 1e-3)


def numbers_of(values, least: int = 2) -> list[float]:
    """Los números de una lista; un verdadero es un 1."""
    values = values.tolist() if isinstance(values, Tensor) else list(values)
    assert len(values) >= least
    return [float(v) if isinstance(v, bool) else float(number(v)) for v in values]


def welch(out, first, second, share) -> None:
    a, b = np.array(numbers_of(first)), np.array(numbers_of(second))
    va, vb = a.var(ddof=1) / len(a), b.var(ddof=1) / len(b)
    degrees = (va + vb) ** 2 / (va ** 2 / (len(a) - 1) + vb ** 2 / (len(b) - 1)) if va + vb else 1
    t_gap(out, b.mean() - a.mean(), math.sqrt(va + vb), degrees, number(share))


def students(out, values, share) -> None:
    values = np.array(numbers_of(values), dtype=float)
    t_gap(out, values.mean(), values.std(ddof=1) / math.sqrt(len(values)), len(values) - 1, number(share))


def list_of(d: Dice, n: int = 0) -> list[float]:
    return [d.real(-2, 2) for _ in range(n or d.int(2, 6))]


add("measures.difference", measures.difference, lambda d: {"first": list_of(d), "second": list_of(d), "share": d.real(0.5, 0.99)}, welch)
add("measures.paired", measures.paired, lambda d: {"first": list_of(d, 4), "second": list_of(d, 4), "share": d.real(0.5, 0.99)},
    lambda out, first, second, share: students(out, [b - a for a, b in zip(numbers_of(first), numbers_of(second), strict=True)], share))
add("measures.mean_interval", measures.mean_interval,
    lambda d: {"values": d.pick(list_of(d), d.normal(5), [2.0, 2.0]), "share": d.real(0.5, 0.99)}, students)


def benjamini(out, p, level) -> None:
    values, level = p.tolist(), number(level)
    assert p.ndim == 1 and p.is_floating_point() and all(0 <= v <= 1 for v in values) and 0 <= level <= 1
    order = sorted(range(len(values)), key=values.__getitem__)
    last = max((i for i, j in enumerate(order) if values[j] <= level * (i + 1) / len(values) + 1e-9), default=-1)
    accepted = {order[i] for i in range(last + 1)}
    assert out.tolist() == [i in accepted for i in range(len(values))]


add("measures.discoveries", measures.discoveries, lambda d: {"p": d.tensor(d.int(1, 6)) ** 3, "level": d.real(0.01, 0.3)}, benjamini)


def tally_of(d: Dice, c: int = 2, k: int = 3) -> Tally:
    return Tally(d.ints(c, k, high=5), d.ints(c, 2, high=9) + 5, d.ints(k, high=9) + 5, 100, torch.tensor([0, 1, 0]))


def naive_iou(tally: Tally) -> list[list[float]]:
    group = tally.categories.tolist()
    return [[tally.both[u, j].item() / max(1, tally.active[u, group[j]].item() + tally.truth[j].item() - tally.both[u, j].item())
             for j in range(len(group))] for u in range(len(tally.both))]


def summed(parts) -> Tally:
    return Tally(sum(p.both for p in parts), sum(p.active for p in parts), sum(p.truth for p in parts), 1, parts[0].categories)


add("measures.Tally.iou", lambda tally: tally.iou(), lambda d: {"tally": tally_of(d)}, lambda out, tally: same(out, naive_iou(tally)), keep=("tally",))
add("measures.interval", lambda parts, times, share, seed: measures.interval(parts, lambda iou: iou.max(), times, share, seed),
    lambda d: {"parts": [tally_of(d) for _ in range(3)], "times": 9, "share": 0.9, "seed": d.int(0, 99)},
    lambda out, parts, times, share, seed: _inside(out, max(map(max, naive_iou(summed(parts)))), place(times), share), keep=("parts",))


def _inside(out, whole: float, times: int, share: float) -> None:
    assert out[0] <= whole <= out[1] and times > 1 and 0 < number(share) < 1


add("measures.name_sets", measures.name_sets,
    lambda d: {"parts": [tally_of(d) for _ in range(3)], "times": 9, "share": 0.9, "seed": d.int(0, 99)},
    lambda out, parts, times, share, seed: best_first(out, naive_iou(summed(parts)), times, share), keep=("parts",))


def best_first(out, iou, times, share) -> None:
    assert place(times) > 1 and 0 < number(share) < 1
    for names, row in zip(out, iou, strict=True):
        assert names and math.isclose(row[names[0]], max(row)) and [row[j] for j in names] == sorted((row[j] for j in names), reverse=True)


add("measures.could_be_best", measures.could_be_best,
    lambda d: {"both": d.ints(3, 2, 4, high=5), "union": d.ints(3, 2, 4, high=9) + 9, "weights": d.ints(5, 3, high=3).double() + 1, "share": 0.9},
    lambda out, both, union, weights, share: _best_stays(out, both, union, share))


def _best_stays(out, both, union, share) -> None:
    assert 0 < number(share) < 1 and both.shape == union.shape
    iou = both.sum(0).double() / union.sum(0).clamp(min=1)
    assert out.gather(1, iou.argmax(1, keepdim=True)).all()


add("measures.redraws", measures.redraws, lambda d: {"count": d.int(2, 5), "times": d.int(2, 6), "share": 0.9, "seed": d.int(0, 99)},
    lambda out, count, times, share, seed: (same(out.shape, (place(times), place(count))), same(out.sum(1), [count] * times),
                                            same(0 < number(share) < 1, True)), keep=("count",))
add("measures.resampled_interval", measures.resampled_interval, lambda d: {"values": list_of(d, 5), "whole": d.real(), "share": d.real(0.5, 0.99)},
    lambda out, values, whole, share: reflected(out, numbers_of(values, 1), number(whole), number(share)))


def reflected(out, values, whole, share) -> None:
    assert values and 0 <= share <= 1
    low, high = np.quantile(values, [(1 - share) / 2, (1 + share) / 2])
    same(out, (min(low, 2 * whole - high), max(high, 2 * whole - low)))


# ── mapas de imágenes ───────────────────────────────────────────────────────────────────────────────────────────────

def labels_ok(values, k: int) -> list[int]:
    assert isinstance(values, Tensor) and not values.is_floating_point() and values.dtype != torch.bool
    return [v for v in values.tolist() if 0 <= v < k or 1 / 0]


add("exemplars.pca", maps.pca, lambda d: {"vectors": (v := d.normal(6, 3)), "k": d.int(1, 3)},
    lambda out, vectors, k: same((out ** 2).sum(0), np.sort(np.linalg.svd(vectors.double().numpy() - vectors.double().numpy().mean(0),
                                                                         compute_uv=False) ** 2)[::-1][:place(k)], 1e-2))
add("exemplars.layout", lambda vectors, method, perplexity, seed: exemplars.layout(vectors, method, perplexity, seed),
    lambda d: {"vectors": d.normal(6, 3), "method": "pca", "perplexity": 2.0, "seed": d.int(0, 9)},
    lambda out, vectors, method, perplexity, seed: same(out.shape, (len(vectors), 2 if method == "pca" else None)), keep=())
add("exemplars.map_quality", exemplars.map_quality, lambda d: {"vectors": (v := d.normal(9, 2)), "points": v.clone(), "k": d.int(1, 4), "seed": 0},
    lambda out, vectors, points, k, seed: (near(out.preserved, 1.0, 1e-6), near(out.trustworthiness, 1.0)) if torch.equal(vectors, points)
    and 1 <= place(k) <= 4 else _share(out.preserved))


def kept_share(out, vectors, points, k) -> None:
    a, b = ({row: set(np.argsort(far(v, v)[row] + 1e9 * (np.arange(len(v)) == row), kind="stable")[:place(k)].tolist()) for row in range(len(v))}
            for v in (vectors, points))
    near(out, np.mean([len(a[i] & b[i]) / k for i in a]))


add("exemplars.neighbour_preservation", exemplars.neighbour_preservation,
    lambda d: {"vectors": d.normal(7, 3), "points": d.normal(7, 2), "k": d.int(1, 5)},
    lambda out, vectors, points, k: kept_share(out, vectors, points, k) if all(
        not v.shape[1] or len(set(map(tuple, v.tolist()))) == len(v) for v in (vectors, points)) else _share(out))
add("exemplars.same_group", exemplars.same_group, lambda d: {"points": d.normal(7, 2), "groups": d.ints(7, high=3), "k": d.int(1, 5)},
    lambda out, points, groups, k: _share(out) if len(set(map(tuple, points.tolist()))) < len(points) else near(out, np.mean(
        [[groups[i] == groups[j] for j in np.argsort(far(points, points)[i] + 1e9 * (np.arange(len(points)) == i))[:place(k)]] for i in range(len(points))])))


def centers(points, labels) -> list[float]:
    assert points.is_floating_point() and points.ndim == 2 and labels.shape == (len(points),)
    middle = [points.double().numpy()[(labels == v).numpy()].mean(0) for v in sorted(set(labels.tolist()))]
    return [float(np.linalg.norm(a - b)) for a, b in combinations(middle, 2)]


def classes_of(d: Dice, n: int = 9) -> Tensor:
    return torch.cat([torch.arange(4), d.ints(n - 4, high=4)])


add("exemplars.center_distances", exemplars.center_distances, lambda d: {"points": cloud(d, 9, 2), "labels": classes_of(d)},
    lambda out, points, labels: same(out, np.array(centers(points, labels)), 1e-2))


def spearman(a, b) -> float:
    ranks = [np.array([sum(y < x for y in v) + (sum(y == x for y in v) - 1) / 2 for x in v]) for v in (a, b)]
    return float(np.corrcoef(*ranks)[0, 1])


add("exemplars.order_kept", exemplars.order_kept, lambda d: {"first": d.normal(9, 3), "second": d.normal(9, 2), "labels": classes_of(d)},
    lambda out, first, second, labels: near(out, spearman(centers(first, labels), centers(second, labels)), 1e-3))
add("exemplars.shuffled_order", exemplars.shuffled_order,
    lambda d: {"first": d.normal(9, 3), "second": d.normal(9, 2), "labels": classes_of(d), "times": d.int(1, 5), "seed": d.int(0, 9)},
    lambda out, first, second, labels, times, seed: (same(out.shape, (place(times),)), same(out.abs().max() <= 1.001, True), centers(first, labels)),
    keep=("times",))


def clark(out, points) -> None:
    points = points.double().numpy()
    gaps = far(torch.from_numpy(points), torch.from_numpy(points)) + 1e18 * np.eye(len(points))
    cross = [(b - a)[0] * (c - a)[1] - (b - a)[1] * (c - a)[0] for a, b, c in combinations(points, 3)]
    assert points.shape[1] == 2 and max(map(abs, cross)) > 0
    near(out, gaps.min(1).mean() / (0.5 * math.sqrt(hull(points) / len(points))), 1e-2)


def hull(points: np.ndarray) -> float:
    """El área que encierran, por cada lado que deja a todos de un lado."""
    area = 0.0
    for a in points:
        for b in points:
            side = (b[0] - a[0]) * (points[:, 1] - a[1]) - (b[1] - a[1]) * (points[:, 0] - a[0])
            if (a != b).any() and (side >= -1e-12).all():
                area += (a[0] * b[1] - a[1] * b[0]) / 2
    return area


add("exemplars.crowding", exemplars.crowding, lambda d: {"points": d.normal(6, 2)}, clark)


def best_assignment(out, points, rows, cols) -> None:
    assert out.shape == (place(rows), place(cols)) and sorted(v for v in out.flatten().tolist() if v >= 0) == list(range(len(points)))
    assert (out == -1).sum() == rows * cols - len(points) and points.is_floating_point()


add("exemplars.assign_to_grid", exemplars.assign_to_grid, lambda d: {"points": d.normal(4, 2), "rows": 2, "cols": d.int(2, 3)}, best_assignment)


def naive_seams(out, vectors, grid) -> None:
    gaps, (rows, cols) = far(vectors, vectors), grid.shape
    usual = gaps.sum() / (len(vectors) * (len(vectors) - 1))
    cells = np.full(grid.shape, math.nan)
    for y in range(rows):
        for x in range(cols):
            near_by = [gaps[place(grid[y, x].item() + 1) - 1, grid[y + dy, x + dx]] for dy, dx in ((0, 1), (1, 0), (0, -1), (-1, 0))
                       if 0 <= y + dy < rows and 0 <= x + dx < cols and grid[y + dy, x + dx] >= 0 and grid[y, x] >= 0]
            cells[y, x] = np.mean(near_by) / max(usual, 1e-12) if near_by else math.nan
    assert not grid.is_floating_point() and grid.max() < len(vectors)
    same(out, cells, 1e-2)


def grid_of(d: Dice, n: int = 5) -> Tensor:
    return torch.tensor([*d.random.sample(range(n), n), -1]).view(2, 3)


add("exemplars.seams", exemplars.seams, lambda d: {"vectors": cloud(d, 5, 3), "grid": grid_of(d)}, naive_seams, nan=True)
add("exemplars.spread_sheet", exemplars.spread_sheet,
    lambda d: {"images": d.tensor(5, 3, 1, 1).expand(5, 3, 4, 4), "grid": grid_of(d), "thumb": 3, "marks": None, "cut": 1.0},
    lambda out, images, grid, thumb, marks, cut: same(out[:, place(thumb) // 2::thumb, thumb // 2::thumb], torch.stack(
        [torch.stack([images[i, :, 0, 0].float() if place(i + 1) else torch.ones(3) for i in row], 1) for row in grid.tolist()], 1)
        .clamp(0, 1), 1e-2) if grid.dtype != torch.bool and images.is_floating_point() and marks is None else number(cut), keep=("marks",))


# ── t-SNE y SOM ─────────────────────────────────────────────────────────────────────────────────────────────────────

def perplexities(out, vectors, perplexity) -> None:
    n = len(vectors)
    assert 1 <= number(perplexity) < n - 1 and vectors.is_floating_point() and vectors.shape[1] and (out >= 0).all()
    near(out.sum().item(), 1.0, 1e-3), same(out, out.T), same(out.diagonal(), torch.zeros(n))


add("exemplars.affinities", affinities, lambda d: {"vectors": cloud(d, 7), "perplexity": d.real(1.5, 4)}, perplexities)
add("exemplars.tsne", tsne, lambda d: {"vectors": cloud(d, 5), "perplexity": 2.0, "steps": d.int(1, 4), "seed": d.pick(None, 3)},
    lambda out, vectors, perplexity, steps, seed: (same(out.shape, (len(vectors), 2)), same(out.mean(0), [0, 0], 1e-3), place(steps - 1),
                                                   number(perplexity)))


def kullback(out, wanted, points) -> None:
    assert wanted.shape == (len(points),) * 2 and points.shape[1] == 2
    p, y = wanted.double(), points.double().clone().requires_grad_()
    with torch.enable_grad():
        near_by = 1 / (1 + ((y[:, None] - y[None]) ** 2).sum(2)) * (1 - torch.eye(len(y)).double())
        q = near_by / near_by.sum()
        away = ~torch.eye(len(y), dtype=torch.bool)
        # con Σp = 1, el gradiente de la divergencia
        loss = (p[away] * -(q[away]).log()).sum()
        slope, = torch.autograd.grad(loss, y)
    if abs(p.sum() - 1) < 1e-3 and torch.allclose(p, p.T, atol=1e-3):
        same(out, slope, 1e-2)


add("exemplars.gradient", gradient, lambda d: {"wanted": affinities(d.normal(5, 3), 2.0), "points": d.normal(5, 2)}, kullback)


def fitted(d: Dice) -> som.SOM:
    return som.SOM(2, d.int(2, 3), d.pick(True, False)).fit(d.normal(8, 2), epochs=2)


def nodes(out, net, vectors, k) -> None:
    gaps = far(vectors, net.prototypes)
    assert vectors.is_floating_point()
    for row, found in enumerate(out.reshape(len(vectors), -1).tolist()):
        np.testing.assert_allclose(gaps[row][found], np.sort(gaps[row])[:place(k)], rtol=1e-4, atol=1e-4)


add("exemplars.SOM.__init__", lambda rows, cols, hexagonal: som.SOM(rows, cols, hexagonal).places,
    lambda d: {"rows": d.int(1, 3), "cols": d.int(2, 3), "hexagonal": d.pick(True, False)},
    lambda out, rows, cols, hexagonal: same(out, [(y * (math.sqrt(3) / 2 if hexagonal else 1), x + (y % 2) / 2 * hexagonal)
                                                  for y in range(place(rows)) for x in range(place(cols))]), keep=("hexagonal",))
add("exemplars.SOM.fit", lambda vectors, epochs, width, last: som.SOM(2, 2).fit(vectors, epochs, width, last).prototypes,
    lambda d: {"vectors": d.normal(6, 2), "epochs": d.int(1, 3), "width": d.pick(None, 0.7), "last": 0.2},
    lambda out, vectors, epochs, width, last: (same(out.shape, (4, vectors.shape[1])), place(epochs - 1), number(last)))
add("exemplars.SOM.step", lambda net, vectors, width: (net.step(vectors, width), net.prototypes)[1],
    lambda d: {"net": fitted(d), "vectors": d.normal(5, 2), "width": d.real(0.3, 2)},
    lambda out, net, vectors, width: (same(out.shape, net.prototypes.shape), same(vectors.shape[1], 2), same(number(width) > 0, True)),
    keep=("net",))
add("exemplars.SOM.winners", lambda net, vectors, k: net.winners(vectors, k),
    lambda d: {"net": fitted(d), "vectors": d.normal(5, 2), "k": d.int(1, 3)}, nodes, keep=("net",))
add("exemplars.SOM.quantization_error", lambda net, vectors: net.quantization_error(vectors),
    lambda d: {"net": fitted(d), "vectors": d.normal(5, 2)}, lambda out, net, vectors: near(out, far(vectors, net.prototypes).min(1).mean(), 1e-2),
    keep=("net",))
add("exemplars.SOM.topographic_error", lambda net, vectors: net.topographic_error(vectors),
    lambda d: {"net": fitted(d), "vectors": d.normal(5, 2)}, lambda out, net, vectors: near(out, np.mean(
        [not net.adjacent[tuple(np.argsort(row)[:2].tolist())] for row in far(vectors, net.prototypes)])) if
    len(set(map(tuple, vectors.tolist()))) == len(vectors) else _share(out), keep=("net",))
add("exemplars.SOM.adjacent", lambda net: net.adjacent, lambda d: {"net": fitted(d)}, lambda out, net: same(
    out, [[0 < math.dist(a, b) < (1.1 if net.hexagonal else 1.5) for b in net.places.tolist()] for a in net.places.tolist()]), keep=("net",))
add("exemplars.SOM.u_matrix", lambda net: net.u_matrix(), lambda d: {"net": fitted(d)}, lambda out, net: same(
    out.flatten(), [np.mean([math.dist(net.prototypes[i].tolist(), net.prototypes[j].tolist()) for j in range(len(net.prototypes)) if net.adjacent[i, j]])
                    for i in range(len(net.prototypes))]), keep=("net",))
add("exemplars.SOM.hits", lambda net, vectors: net.hits(vectors), lambda d: {"net": fitted(d), "vectors": d.normal(5, 2)},
    lambda out, net, vectors: (same(out.sum(), len(vectors)), far(vectors, net.prototypes)), keep=("net",))
add("exemplars.SOM.nearest", lambda net, vectors: net.nearest(vectors), lambda d: {"net": fitted(d), "vectors": d.normal(5, 2)},
    lambda out, net, vectors: nodes(out.reshape(-1, 1), type("Net", (), {"prototypes": vectors}), net.prototypes, 1), keep=("net",))


# ── ejemplares de una unidad ────────────────────────────────────────────────────────────────────────────────────────

def chosen(out, values, k, seed) -> None:
    order, n = sorted(values.tolist(), reverse=True), len(values)
    picked = {name: [values[i].item() for i in rows.tolist()] for name, rows in out.items()}
    assert values.ndim == 1 and 1 <= place(k) <= n and all(len(set(rows.tolist())) == k for rows in out.values())
    same(picked["best"], order[:k]), same(picked["worst"], order[::-1][:k]), same(picked["median"], order[(n - k) // 2:(n - k) // 2 + k])


add("exemplars.choose", units.choose, lambda d: {"values": d.normal(7), "k": d.int(1, 7), "seed": d.int(0, 9)}, chosen)


def selective(out, values, labels, classes) -> None:
    labels = labels_ok(labels, place(classes))
    areas = np.array([[pair_area(unit, np.array(labels) == k) for k in range(classes)] for unit in values.numpy().T])
    same(out.areas, areas), same(out.area, np.nan_to_num(areas).max(1))


add("exemplars.selectivity", units.selectivity, lambda d: {"values": d.normal(8, 2), "labels": classes_of(d, 8), "classes": d.int(4, 5)},
    selective, nan=True)


def grouped(out, values, truth, groups, least) -> None:
    groups = np.array(labels_ok(groups, 10**6))
    yes = truthy(truth)
    found = []
    for g in range(groups.max() + 1):
        there = groups == g
        few = min(yes[there].sum(), (~yes[there]).sum()) < place(least)
        found.append(math.nan if few else pair_area(values.numpy()[there], yes[there]))
    same(out, found)


add("exemplars.areas_by_group", units.areas_by_group,
    lambda d: {"values": d.normal(12), "truth": d.bools(12), "groups": d.ints(12, high=2), "least": d.int(1, 3)}, grouped, nan=True)


# ── optimización y regularización, sin red ──────────────────────────────────────────────────────────────────────────

add("optimization.noise", optimization.noise, lambda d: {"b": d.int(1, 3), "size": d.int(1, 5), "sd": d.real(0, 0.2), "seed": d.int(0, 99)},
    lambda out, b, size, sd, seed: (same(out.shape, (place(b), 3, place(size), size)), same((out >= 0).all() & (out <= 1).all(), True),
                                    same(out.std() < 3 * number(sd) + 1e-6, True)), keep=("b", "size"))


def shrunk(out, shift, radius, norm) -> None:
    assert shift.is_floating_point() and norm in ("l2", "linf")
    for i, (ours, given) in enumerate(zip(out.double(), shift.double(), strict=True)):
        most = min(radius, 1e18) if not isinstance(radius, Tensor) else float(radius.flatten()[i if radius.numel() > 1 else 0])
        size = given.norm() if norm == "l2" else given.abs().max()
        assert most >= 0
        same(ours, given.clamp(-most, most) if norm == "linf" else given * min(1, most / max(float(size), 1e-12)), 1e-2)


add("optimization.within", optimization.within,
    lambda d: {"shift": d.normal(2, 3, 2, 3), "radius": d.pick(d.real(0, 4), d.tensor(2, 1, 1, 1)), "norm": d.pick("l2", "linf")}, shrunk)


def canvas_moves(out, start, radius, norm) -> None:
    assert start.is_floating_point() and start.ndim == 4 and start.shape[1] == 3 and ((out >= 0) & (out <= 1)).all()
    if radius is not None and norm == "linf" and not isinstance(radius, Tensor) and ((start >= 0) & (start <= 1)).all():
        assert (out - start).abs().max() <= number(radius) + 1e-2


def stepped(start, radius, norm) -> Tensor:
    canvas = optimization.PixelCanvas(start, radius, norm)
    with torch.no_grad():
        canvas.pixels.add_(torch.linspace(-1, 1, canvas.pixels.numel()).view_as(canvas.pixels))
    canvas.after_step(torch.zeros(len(start)))
    return canvas().detach().float()


for name in ("__init__", "forward", "after_step"):
    add(f"optimization.PixelCanvas.{name}", stepped,
        lambda d: {"start": d.images(2), "radius": d.pick(None, d.real(0, 1)), "norm": d.pick("l2", "linf")}, canvas_moves)
add("optimization.style_likeness", optimization.style_likeness, lambda d: {"maps": d.normal(3, 2, 3, 2)}, lambda out, maps: same(
    out, [[float(np.vdot(a, b) / max(1e-12, np.linalg.norm(a) * np.linalg.norm(b))) for b in grams(maps)] for a in grams(maps)], 1e-2))


def grams(maps: Tensor) -> list[np.ndarray]:
    assert maps.is_floating_point() and maps.isfinite().all()
    flats = [image.reshape(len(image), -1).double().numpy() for image in maps]
    return [image @ image.T for image in flats]


def input_of(make):
    return lambda d: {"images": d.images(2), **make(d)}


for name, power in (("distance_l1", 1), ("distance_l2", 2)):
    add(f"regularization.{name}", lambda images, center, f=getattr(regularization, name): f(center)({"input": images}),
        lambda d: {"images": (im := d.images(2)), "center": d.pick(d.real(), d.tensor(*im.shape))},
        lambda out, images, center, power=power: same(out, ((images - (center if isinstance(center, Tensor) else number(center))).abs() ** power)
                                                      .mean((1, 2, 3)), 1e-2), keep=("images",))
add("regularization.total_variation", lambda images: regularization.total_variation()({"input": images}), lambda d: {"images": d.images(2)},
    lambda out, images: same(out, [np.abs(np.diff(i, axis=1)).mean() + np.abs(np.diff(i, axis=2)).mean() for i in images.numpy()]), keep=("images",))


def real_images(images) -> Tensor:
    assert images.is_floating_point() and images.ndim == 4 and images.shape[1] == 3 and images.numel() and images.isfinite().all()
    return images


def blurred(out, images, sigma) -> None:
    images, sigma = real_images(images).double().numpy(), number(sigma)
    reach = min(math.ceil(3 * min(sigma, 1e6)), min(images.shape[2:]) - 1)
    assert sigma >= 0
    if reach and sigma > 0.05:
        steps = np.arange(-reach, reach + 1)
        weights = np.exp(-(steps / sigma) ** 2 / 2)
        for axis in (2, 3):
            pads = [(0, 0)] * 4
            pads[axis] = (reach, reach)
            padded = np.pad(images, pads, mode="reflect")
            images = sum(w * np.take(padded, np.arange(k, k + images.shape[axis]), axis) for k, w in enumerate(weights / weights.sum()))
    same(out, images, 1e-2)


add("regularization.blur", lambda images, sigma: regularization.blur(sigma)(images), input_of(lambda d: {"sigma": d.pick(0.0, d.real(0, 3))}), blurred)


def high_share(out, images, cut) -> None:
    images, cut = real_images(images).double().numpy(), number(cut)
    power = np.abs(np.fft.fft2(images - images.mean((2, 3), keepdims=True))) ** 2
    high = np.hypot(np.fft.fftfreq(images.shape[2])[:, None], np.fft.fftfreq(images.shape[3])) > cut
    same(out, (power * high).sum((1, 2, 3)) / np.maximum(power.sum((1, 2, 3)), 1e-12), 1e-2)


add("regularization.high_frequency_share", regularization.high_frequency_share, input_of(lambda d: {"cut": d.real(0, 0.7)}), high_share)


def moved(out, images, reach, seed) -> None:
    assert 0 <= place(reach) < min(real_images(images).shape[2:]) and isinstance(seed, int)
    h, w = images.shape[2:]
    padded = np.pad(images.double().numpy(), ((0, 0), (0, 0), (reach, reach), (reach, reach)), mode="reflect")
    for ours, wide in zip(out.detach().double().numpy(), padded, strict=True):
        assert any(np.allclose(ours, wide[:, y:y + h, x:x + w], atol=1e-2) for y in range(2 * reach + 1) for x in range(2 * reach + 1))


add("regularization.jitter", lambda images, reach, seed: regularization.jitter(reach, seed)(images),
    lambda d: {"images": (im := d.images(2)), "reach": d.int(0, min(im.shape[2:]) + 1), "seed": d.int(0, 99)}, moved, raises=True)
for name, argument in (("rotate", "degrees"), ("scale", "amount"), ("pixel_noise", "sd")):
    def turned(out, images, seed, argument=argument, **given) -> None:
        amount = number(given[argument])
        assert out.shape == real_images(images).shape and (argument == "degrees" or amount >= 0) and (argument != "amount" or amount < 1)
        if amount == 0:
            same(out, images, 1e-2)
    add(f"regularization.{name}", lambda images, seed, f=getattr(regularization, name), **given: f(*given.values(), seed)(images),
        input_of(lambda d, argument=argument: {argument: d.pick(0.0, d.real(0, 0.4)), "seed": d.int(0, 99)}), turned)
add("regularization.compose", lambda images, transforms: regularization.compose(*transforms)(images),
    input_of(lambda d: {"transforms": [lambda x: x + 1, lambda x: 2 * x]}),
    lambda out, images, transforms: same(out, transforms[-1](transforms[0](images)) if len(transforms) == 2 else
                                         transforms[0](images) if transforms else images), keep=("images", "transforms"))


def start_kept(out, start, decay) -> None:
    assert abs(number(decay)) <= 4
    same(out, real_images(start).float().clamp(0.01, 0.99), 3e-2)


for name in ("__init__", "forward", "encode", "after_step"):
    add(f"regularization.FourierCanvas.{name}", lambda start, decay: _after(regularization.FourierCanvas(start, decay, after=lambda x: x)),
        lambda d: {"start": d.images(2), "decay": d.pick(0.0, 1.0, d.real(0, 1.5))}, start_kept)


def _after(canvas) -> Tensor:
    canvas.after_step(torch.zeros(1))
    return canvas().detach()


def spectrum(out, images, colors) -> None:
    images = np.clip(real_images(images).double().numpy(), 0.01, 0.99)
    logits = np.log(images / (1 - images))
    mixed = np.einsum("ij,bjhw->bihw", np.linalg.inv(colors.double().numpy()), logits)
    same(torch.view_as_real(out), np.stack([(s := np.fft.rfft2(mixed, norm="ortho")).real, s.imag], -1), 3e-2)


add("regularization.spectrum_of", regularization.spectrum_of,
    lambda d: {"images": d.images(2), "colors": torch.eye(3) + 0.2 * d.tensor(3, 3)}, spectrum)
add("regularization.soft_noise", regularization.soft_noise,
    lambda d: {"b": d.int(1, 3), "size": d.int(2, 5), "sd": d.real(0, 0.2), "decay": d.real(0, 2), "seed": d.int(0, 99)},
    lambda out, b, size, sd, decay, seed: (same(out.shape, (place(b), 3, place(size), size)), number(sd + 0.0), number(decay + 0.0),
                                           same(((out >= 0) & (out <= 1)).all(), True)), keep=("b", "size"))


def color_axes(out, images) -> None:
    pixels = real_images(images).double().transpose(0, 1).flatten(1)
    covariance = torch.cov(pixels)
    same((out @ out.T) / (out @ out.T).trace(), covariance / covariance.trace(), 2e-2)


add("regularization.color_matrix", regularization.color_matrix, lambda d: {"images": d.images(3)}, color_axes)
add("regularization.frequencies", regularization.frequencies, lambda d: {"h": d.int(1, 7), "w": d.int(1, 7), "half": d.pick(True, False)},
    lambda out, h, w, half: same(out, np.hypot(np.fft.fftfreq(place(h))[:, None], np.fft.rfftfreq(place(w)) if half else np.fft.fftfreq(w))),
    keep=("h", "w", "half"))


def hill(points: Tensor) -> Tensor:
    return -(points ** 2).sum(1) / 2


add("regularization.ascent_path", lambda start, basis, lr, steps: regularization.ascent_path(hill, start, basis, lr, steps),
    lambda d: {"start": d.normal(2), "basis": torch.eye(2) + 0.2 * d.tensor(2, 2), "lr": d.real(0, 0.3), "steps": d.int(0, 4)},
    lambda out, start, basis, lr, steps: (same(out[0], start.float(), 1e-2), same(out.shape, (place(steps) + 1, 2)), same(
        out[1:], torch.stack([x - number(lr) * basis.float() @ (basis.float().T @ x) for x in out.float()[:-1]]) if steps else torch.zeros(0, 2), 1e-2)))


# ── revisar, dibujar, colorear ──────────────────────────────────────────────────────────────────────────────────────

add("shapes.check_shape", shapes.check_shape, lambda d: {"tensor": d.tensor(2, 3), "pattern": "a 3", "name": "tensor"},
    lambda out, tensor, pattern, name: same(tuple(tensor.shape), (out["a"], 3) if pattern == "a 3" else None), keep=("pattern", "name"))
add("shapes.check_values", shapes.check_values, lambda d: {"tensor": d.tensor(2, 3), "name": "tensor"},
    lambda out, tensor, name: same(torch.as_tensor(tensor).isfinite().all(), True), keep=("name",))
add("shapes.check_numbers", shapes.check_numbers, lambda d: {"tensor": d.tensor(2, 3), "pattern": "a 3", "name": "tensor"},
    lambda out, tensor, pattern, name: same([tensor.isfinite().all(), len(tensor) > 0, *tensor.shape], [True, True, out["a"], 3]), keep=("pattern", "name"))
add("shapes.whole", shapes.whole, lambda d: {"value": d.int(0, 9), "name": "value", "least": 0, "most": 9},
    lambda out, value, name, least, most: same([out, type(out) is int], [place(value), 0 <= value <= 9]), keep=("name", "least", "most"))
add("shapes.real", shapes.real, lambda d: {"value": d.real(), "name": "value", "least": 0.0, "most": 1.0},
    lambda out, value, name, least, most: same([out, type(out) is float], [number(value), 0 <= value <= 1]), keep=("name", "least", "most"))
add("shapes.reals", shapes.reals, lambda d: {"values": d.pick(list_of(d), d.normal(3)), "name": "values"},
    lambda out, values, name: same(out, numbers_of(values, 1)), keep=("name",))
add("shapes.as_mask", shapes.as_mask, lambda d: {"mask": d.bools(2, 3), "pattern": "a b", "name": "mask"},
    lambda out, mask, pattern, name: same(out, truthy(mask) if mask.numel() else mask), keep=("pattern", "name"))
add("shapes.positions", shapes.positions, lambda d: {"values": d.ints(3, high=5), "pattern": "n", "name": "values", "count": 5},
    lambda out, values, pattern, name, count: same(out, labels_ok(values, count)), keep=("pattern", "name", "count"))
add("shapes.rows_at", shapes.rows_at, lambda d: {"index": d.pick(d.int(-5, 4), [d.int(0, 4), -1], d.ints(3, high=5), d.bools(5)), "count": 5},
    lambda out, index, count: same(out, np.arange(5)[index.numpy() if isinstance(index, Tensor) else list(index) if isinstance(index, tuple) else index].reshape(-1)
                                   if not isinstance(index, (bool, float, type(None))) and index != [] else 1 / 0 if index != [] else []), keep=("count",))
add("shapes.one_of", shapes.one_of, lambda d: {"value": d.pick("a", "b"), "name": "value", "options": ("a", "b")},
    lambda out, value, name, options: same(out in ("a", "b") and out == value, True), keep=("name", "options"))
add("shapes.full", shapes.full, lambda d: {"values": d.tensor(3)}, lambda out, values: same(out, values), keep=("values",))
add("colors.rgb_to_lab", colors.rgb_to_lab, lambda d: {"images": d.images(2)}, lambda out, images: same(out, lab(images), 3e-2) if len(images) else same(out, images))
add("colors.color_index", colors.color_index, lambda d: {"images": d.images(2)}, lambda out, images: named(out, images) if len(images) else same(len(out), 0))


def lab(images) -> np.ndarray:
    rgb = real_images(images).double().numpy()
    linear = np.where(rgb <= 0.04045, rgb / 12.92, (np.maximum(rgb, 0) + 0.055) / 1.055)
    linear = np.where(rgb <= 0.04045, linear, np.abs(linear) ** 2.4)
    xyz = np.einsum("kc,bchw->bkhw", np.array(colors.RGB_TO_XYZ), linear)
    bent = np.where(xyz > (6 / 29) ** 3, np.cbrt(xyz), xyz / (3 * (6 / 29) ** 2) + 4 / 29)
    return np.stack([116 * bent[:, 1] - 16, 500 * (bent[:, 0] - bent[:, 1]), 200 * (bent[:, 1] - bent[:, 2])], 1)


def rooted(point) -> np.ndarray:
    return np.array([point[0] / 10, *(v / max(math.hypot(point[1], point[2]), 1e-3) ** 0.5 for v in point[1:])])


def named(out, images) -> None:
    points, centers_ = np.moveaxis(lab(images), 1, -1), [rooted(p) for p in colors.PROTOTYPES.values()]
    for place_ in np.ndindex(points.shape[:3]):
        gaps = [np.linalg.norm(rooted(points[place_]) - c) for c in centers_]
        assert gaps[out[place_]] <= min(gaps) + 1e-2


add("images.to_uint8", drawing.to_uint8, lambda d: {"images": d.tensor(2, 3, low=-0.5, high=1.5)}, lambda out, images: same(
    out, np.rint(np.clip(np.nan_to_num(images.numpy().astype(np.float64), posinf=1, neginf=0), 0, 1).astype(np.float32) * np.float32(255))), keep=("images",))
add("images.contact_sheet", drawing.contact_sheet, lambda d: {"images": d.images(3), "cols": d.int(1, 4), "scale": d.int(1, 2), "pad": d.int(0, 2)},
    lambda out, images, cols, scale, pad: sheet(out, images, place(cols), place(scale), place(pad)), keep=("images",))


def sheet(out, images, cols, scale, pad) -> None:
    n, _, h, w = images.shape
    rows = -(-n // cols)
    assert out.shape == (3, rows * (h * scale + pad) + pad, cols * (w * scale + pad) + pad)
    for i in range(n):
        y, x = (i // cols) * (h * scale + pad) + pad, (i % cols) * (w * scale + pad) + pad
        same(out[:, y:y + h * scale:scale, x:x + w * scale:scale], images[i])


add("images.beside", drawing.beside, lambda d: {"images": [d.image(), d.image()], "pad": d.int(0, 4)}, lambda out, images, pad: (
    same(out.shape[2], sum(i.shape[2] for i in images) + place(pad) * (len(images) - 1)), same(out[:, :images[0].shape[1], :images[0].shape[2]], images[0])))
add("images.add_margin", drawing.add_margin, lambda d: {"image": d.image(), "top": d.int(-1, 3), "bottom": 0, "left": d.int(0, 2), "right": d.int(0, 2)},
    lambda out, image, top, bottom, left, right: same(out, np.pad(image.float().numpy()[:, max(0, -top):], (
        (0, 0), (max(top, 0), place(bottom) if bottom >= 0 else 1 / 0), (place(left), place(right))), constant_values=1.0)
        if min(bottom, left, right) >= 0 else out), keep=("image",))
add("images.sized", drawing.sized, lambda d: {"image": d.image(), "height": d.pick(None, d.int(1, 9)), "width": d.pick(None, d.int(1, 9))},
    lambda out, image, height, width: same(out.shape[1:], (image.shape[1] if height is None else place(height), image.shape[2] if width is None else
                                                           place(width))), keep=("image",))
add("images.enlarge", drawing.enlarge, lambda d: {"image": d.image(), "scale": d.int(1, 3)},
    lambda out, image, scale: same(out, np.kron(image.numpy(), np.ones((1, place(scale), scale)))), keep=("image",))
add("images.centered", drawing.centered, lambda d: {"image": d.image(), "side": d.int(7, 20)},
    lambda out, image, side: same(out.shape, (3, place(side), side)), keep=("image",))
add("images.colorize", lambda heat, symmetric: drawing.colorize(heat, symmetric=symmetric), lambda d: {"heat": d.normal(3, 4), "symmetric": d.pick(True, False)},
    lambda out, heat, symmetric: (same(out.shape, (3, *heat.shape)), same(((out >= 0) & (out <= 1)).all(), True)), keep=("symmetric",))
add("images.color_limits", drawing.color_limits, lambda d: {"heat": d.normal(3, 4), "symmetric": d.pick(True, False)},
    lambda out, heat, symmetric: limits_of(out, heat, symmetric), keep=("symmetric",))


def limits_of(out, heat, symmetric) -> None:
    values = [v for v in np.asarray(heat, dtype=np.float64).flatten() if math.isfinite(v)]
    if values:
        bound = max(map(abs, values))
        same(out, (-bound, bound) if symmetric else (min(values), max(values)))


add("images.overlay", drawing.overlay, lambda d: {"image": (im := d.image()), "heat": d.tensor(*im.shape), "alpha": d.real()},
    lambda out, image, heat, alpha: same(out, (1 - number(alpha)) * image + alpha * heat), keep=("image", "heat"))
add("images.draw_box", drawing.draw_box, lambda d: {"image": (im := d.image()), "box": boxes_in(d, 1, *im.shape[1:])[0].tolist()},
    lambda out, image, box: outlined(out, image, [place(int(v) + 10**6) - 10**6 for v in box]), keep=("image",))


def outlined(out, image, box) -> None:
    y0, x0, y1, x1 = box
    for y, x in np.ndindex(image.shape[1:]):
        edge = y0 <= y < y1 and x0 <= x < x1 and (y in (y0, y1 - 1) or x in (x0, x1 - 1))
        same(out[:, y, x], (1, 0, 0) if edge else image[:, y, x])


add("images.draw_outline", drawing.draw_outline, lambda d: {"image": d.tensor(3, 6, 6), "mask": d.bools(6, 6), "width": d.int(1, 2)},
    lambda out, image, mask, width: (truthy(mask), place(width - 1), same(out.shape, image.shape)), keep=("image",))
add("images.png_bytes", drawing.png_bytes, lambda d: {"image": d.image(), "level": d.int(1, 9)}, lambda out, image, level: (
    place(level), same(decoded(out), np.rint(np.clip(image.numpy(), 0, 1) * np.float32(255)))), keep=("image",))
add("images.jpeg_bytes", drawing.jpeg_bytes, lambda d: {"image": d.image(), "quality": d.int(1, 100)},
    lambda out, image, quality: (place(quality - 1), same(decoded(out).shape, image.shape)), keep=("image",))


def decoded(content: bytes) -> np.ndarray:
    from io import BytesIO

    from PIL import Image
    return np.array(Image.open(BytesIO(content))).transpose(2, 0, 1).astype(float)


add("images.corners_of", drawing.composing.corners_of, lambda d: {"box": [d.int(-3, 9) for _ in range(4)]},
    lambda out, box: same(out, [int(v) for v in box if float(number(v)).is_integer()] if len(box) == 4 else None))
add("images.text_image", drawing.text_image, lambda d: {"text": d.pick("ñandú", "dos\nrenglones", ""), "width": d.int(20, 60), "size": 14},
    lambda out, text, width, size: same(out.shape[2], place(width)), keep=("width",))
add("images.text_width", drawing.text_width, lambda d: {"text": d.pick("ñandú", "a", ""), "size": d.int(8, 20)},
    lambda out, text, size: same(out >= place(size) and isinstance(text, str), True))
add("images.caption", drawing.caption, lambda d: {"image": d.image(), "text": "pie"}, lambda out, image, text: same(out[:, :image.shape[1]], image), keep=("image",))
add("images.color_bar", drawing.color_bar, lambda d: {"limits": [d.real(-2, 0), d.real(0.1, 2)], "height": d.int(10, 30)},
    lambda out, limits, height: same(out.shape[1], place(height)), keep=("limits",))
add("images.bars", drawing.bars, lambda d: {"names": ["uno", "dos"], "values": [d.real(), d.real()], "width": 200, "row": 16},
    lambda out, names, values, width, row: (same(out.shape, (3, 2 * place(row), place(width))), [number(v) for v in values]), keep=("names", "width"))
add("packed.segments_listed", packed.segments_listed, lambda d: {"members": d.bools(3, 4)}, lambda out, members: same(
    [sorted(v for v in row if v >= 0) for row in out.tolist()] == [[k for k in range(len(members)) if truthy(members)[k, s]] for s in range(members.shape[1])], True))
add("batches.memory_order", lambda image: batches.memory_order(lambda images: images.sum(), image) == torch.channels_last, lambda d: {"image": d.image()},
    lambda out, image: same(out, True), keep=("image",))
add("batches.in_batches", lambda boxes, pixels: torch.cat(batches.in_batches(lambda part: part.sum(1), boxes, pixels)),
    lambda d: {"boxes": d.ints(9, 4, high=5), "pixels": d.int(1, 10**6)}, lambda out, boxes, pixels: same(out, boxes.sum(1)), keep=("boxes", "pixels"))
add("checks.dice", lambda seed: torch.rand(2, generator=checks.dice(seed)), lambda d: {"seed": d.int(0, 99)},
    lambda out, seed: same(out, torch.rand(2, generator=torch.Generator().manual_seed(seed))) if not isinstance(seed, (bool, str)) else 1 / 0)

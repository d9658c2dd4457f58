"""Los oráculos de las funciones que llaman a una red, o que leen un conjunto: la misma cuenta, hecha a mano en una red chica."""
from collections import OrderedDict
from functools import lru_cache

import numpy as np
import torch
from hostile import Case, Dice, same
from properties_values import covered, filled, number, place, real_images, starts, truthy
from torch import Tensor, nn

from labkit import dissection, objectives, occlusion, optimization, regularization, vectors, worlds
from labkit.colors import COLOR_NAMES, color_index
from labkit.datasets import ConceptSet
from labkit.dissection import masks
from labkit.dissection.rotation import Rotate
from labkit.dissection.thresholds import tail_of
from labkit.exemplars import units
from labkit.regions import masks_of, regions_of_masks

CASES: dict[str, Case] = {}


# la precisión de la red y los nombres de sus capas los revisa `run`: tests/test_zoo.py y tests/test_activations.py
RUN = ("medios", "bfloat16", "image: dobles", "layer: lista", "layer: tensor", "layer: bytes")


def add(name: str, call, make, truth, keep=(), nan=False, raises=False) -> None:
    CASES[name] = Case(call, make, truth, keep, nan, raises, RUN)


@lru_cache
def net() -> nn.Sequential:
    """Una red chica que admite imágenes de cualquier tamaño, con pesos que no son de nadie."""
    model = nn.Sequential(OrderedDict(conv1=nn.Conv2d(3, 4, 3, padding=1), relu1=nn.ReLU(), conv2=nn.Conv2d(4, 5, 1), gap=nn.AdaptiveAvgPool2d(1),
                                      flat=nn.Flatten(), fc=nn.Linear(5, 3)))
    dice = torch.Generator().manual_seed(7)
    for weight in model.parameters():
        weight.data = torch.randn(weight.shape, generator=dice) / 2
    model.classes, model.layers = list("abc"), list(model._modules)
    return model.eval().requires_grad_(False)


net()                                                           # sortea sus pesos aquí, y no en el primer ejemplo


def until(layer: str, images: Tensor) -> Tensor:
    out = real_images(images).float()
    for name, module in net().named_children():
        out = module(out)
        if name == layer:
            return out
    raise AssertionError(f"no hay {layer}")


def images_of(d: Dice, n: int | None = None) -> Tensor:
    side = d.int(3, 5)
    return d.tensor(n or d.int(2, 3), 3, side, side)


def logits(images: Tensor) -> Tensor:
    return until("fc", images)


add("objectives.score", lambda images, class_index, batch_size: objectives.score(net(), images, objectives.logit(class_index), batch_size),
    lambda d: {"images": images_of(d), "class_index": d.int(0, 2), "batch_size": d.int(1, 4)},
    lambda out, images, class_index, batch_size: same(out, logits(images)[:, place(class_index)] if len(images) else [], 3e-2))


def with_patch(image: Tensor, boxes: Tensor, fill) -> Tensor:
    cover = filled(image, fill)
    return torch.stack([torch.where(torch.from_numpy(covered(b, *image.shape[1:])), cover, image.float()) for b in boxes.tolist()])


def patches(d: Dice) -> dict:
    image = images_of(d, 1)[0]
    return {"image": image, "boxes": torch.tensor([[0, 0, 2, 2], [1, 0, 3, 3], [0, 0, 0, 0]])[:d.int(1, 3)], "fill": d.pick(d.real(), "mean")}


add("occlusion.occlusion_scores", lambda image, boxes, fill: occlusion.occlusion_scores(net(), image, boxes, objectives.logit(1), fill), patches,
    lambda out, image, boxes, fill: same(out, logits(with_patch(image, boxes, fill))[:, 1], 3e-2))
add("occlusion.class_probabilities", lambda image, boxes, fill: occlusion.class_probabilities(net(), image, boxes, fill), patches,
    lambda out, image, boxes, fill: same(out, logits(with_patch(image, boxes, fill)).softmax(1), 3e-2))
add("occlusion.winners", lambda image, boxes, fill: occlusion.winners(net(), image, boxes, fill), patches,
    lambda out, image, boxes, fill: same(logits(with_patch(image, boxes, fill)).gather(1, out[:, None])[:, 0],
                                         logits(with_patch(image, boxes, fill)).amax(1), 3e-2))


def mapped(out, image, size, stride, fill) -> None:
    h, w = image.shape[1:]
    assert place(stride) <= size
    boxes = torch.tensor([(y, x, y + size, x + size) for y in starts(h, size, stride) for x in starts(w, size, stride)])
    drop = (logits(image[None])[:, 1] - logits(with_patch(image, boxes, fill))[:, 1]).double().numpy()
    cover = np.stack([covered(b, h, w) for b in boxes.tolist()])
    same(out, (cover * drop[:, None, None]).sum(0) / cover.sum(0), 3e-2)


def map_arguments(d: Dice) -> dict:
    return {"image": images_of(d, 1)[0], "size": d.int(2, 3), "stride": d.int(1, 2), "fill": d.pick(d.real(), "mean")}


add("occlusion.occlusion_map", lambda image, size, stride, fill: occlusion.occlusion_map(net(), image, objectives.logit(1), size, stride, fill),
    map_arguments, mapped)
add("occlusion.sizes_sweep", lambda image, sizes, strides: occlusion.sizes_sweep(net(), image, objectives.logit(1), sizes, strides),
    lambda d: {"image": images_of(d, 1)[0], "sizes": [2, 3], "strides": [d.int(1, 3)]},
    lambda out, image, sizes, strides: [mapped(heat, image, *pair, 0.0) for pair, heat in out.items()]
    and same(len(out), sum(t <= s for s in sizes for t in strides)), raises=False)


def vectors_of(out, images, layer, pool) -> None:
    maps = until(layer, images)
    flat = maps if maps.ndim == 2 else {"mean": maps.mean((2, 3)), "max": maps.amax((2, 3)), "flat": maps.flatten(1)}[pool]
    assert pool in ("mean", "max", "flat")
    same(out, flat, 3e-2)


add("vectors.features", lambda images, layer, pool, batch_size: vectors.features(net(), images, layer, pool, batch_size),
    lambda d: {"images": images_of(d), "layer": d.pick("relu1", "fc"), "pool": d.pick("mean", "max", "flat"), "batch_size": d.int(1, 4)},
    lambda out, images, layer, pool, batch_size: vectors_of(out, images, layer, pool))


def climbed(out, start, steps, lr, keep_every) -> None:
    assert out.scores.shape == (place(steps) + 1, len(start)) and 0 <= number(lr)
    same(out.scores[0], logits(start)[:, 0], 3e-2), same(out.scores[-1], logits(out.images.float())[:, 0], 3e-2)
    assert out.kept == [*range(0, steps, place(keep_every)), steps]
    if lr == 0:
        same(out.images, start, 1e-2)


add("optimization.maximize", lambda start, steps, lr, keep_every: optimization.maximize(
    net(), objectives.logit(0), optimization.PixelCanvas(start), steps, lr, keep_every=keep_every),
    lambda d: {"start": images_of(d, 2), "steps": d.int(1, 3), "lr": d.pick(0.0, 0.05), "keep_every": d.int(1, 3)}, climbed, keep=("steps",))
add("optimization.gallery", lambda layer, steps, size, seed, batch_size: optimization.gallery(net(), layer, steps, 0.03, size, seed, batch_size),
    lambda d: {"layer": "conv2", "steps": 1, "size": d.int(3, 4), "seed": d.int(0, 9), "batch_size": d.int(1, 5)},
    lambda out, layer, steps, size, seed, batch_size: (place(batch_size - 1), same(out.scores[-1], torch.stack([until(layer, out.images)[k, k].mean()
                                                       for k in range(len(out.images))]), 3e-2), same(out.images.shape[2:], (size, size))), keep=("steps", "size"))
add("optimization.dream", lambda image, sizes, steps, lr: optimization.dream(net(), objectives.layer_energy("conv2"), image, sizes, steps, lr),
    lambda d: {"image": images_of(d, 1)[0], "sizes": [4, 6], "steps": 1, "lr": 0.01},
    lambda out, image, sizes, steps, lr: [same(view.shape, (3, place(size), size)) for view, size in zip(out, sizes, strict=True)], keep=("steps",))
add("optimization.diversity", lambda images, layer: optimization.diversity(layer)({layer: until(layer, images)}), lambda d: {"images": images_of(d), "layer": "conv2"},
    lambda out, images, layer: unlike(out, until(layer, images)), keep=("images", "layer"))
add("optimization.diversity_of", lambda images, layer: optimization.diversity_of(images, net(), layer), lambda d: {"images": images_of(d), "layer": "conv2"},
    lambda out, images, layer: unlike(out, until(layer, images), mean=True))


def unlike(out, maps: Tensor, mean: bool = False) -> None:
    flat = maps.flatten(2)
    grams = (flat @ flat.transpose(1, 2)).flatten(1).double().numpy()
    unit = grams / np.maximum(np.linalg.norm(grams, axis=1, keepdims=True), 1e-12)
    each = [1 - sum(unit[i] @ unit[j] for j in range(len(unit)) if j != i) / max(len(unit) - 1, 1) for i in range(len(unit))]
    same(out, (np.mean(each) if len(unit) > 1 else 0.0) if mean else each, 3e-2)


add("regularization.score_under", lambda images, times: regularization.score_under(net(), images, objectives.logit(2), lambda x: x, times),
    lambda d: {"images": images_of(d), "times": d.int(1, 3)}, lambda out, images, times: (place(times - 1), same(out, logits(images)[:, 2] if len(images) else [], 3e-2)))


def dropped(out, images, labels, units_, batch_size) -> None:
    acts = until("relu1", images)
    silenced = acts.clone()
    for unit in units_:
        silenced[:, place(int(unit.split(":")[1]))] = 0
    rest = lambda a: net().fc(net().conv2(a).mean((2, 3)))
    for k in range(3):
        there = [i for i, v in enumerate(labels.tolist()) if v == k]
        hits = [np.mean([rest(a)[i].argmax().item() == k for i in there]) if there else np.nan for a in (acts, silenced)]
        same(out[k], hits[0] - hits[1], 1e-3)
    assert labels.shape == (len(images),) and not labels.is_floating_point() and labels.max() < 3 and place(batch_size - 1) >= 0


add("dissection.class_drops", lambda images, labels, units_, batch_size: dissection.class_drops(net(), images, labels, units_, batch_size),
    lambda d: {"images": images_of(d, 3), "labels": d.ints(3, high=3), "units_": [f"relu1:{d.int(0, 3)}"], "batch_size": d.int(1, 4)}, dropped, nan=True)
add("exemplars.peak_patches", lambda images, unit: units.peak_patches(net(), images, unit), lambda d: {"images": images_of(d), "unit": f"relu1:{d.int(0, 3)}"},
    lambda out, images, unit: peaks(out, images, unit), keep=("unit",))


def peaks(out, images, unit) -> None:
    maps = until("relu1", images)[:, int(unit[-1])]
    side = images.shape[2]
    for ours, image, heat in zip(out, images.float(), maps, strict=True):
        y, x = divmod(int(heat.argmax()), side)
        wide = np.pad(image.numpy(), ((0, 0), (1, 1), (1, 1)), constant_values=0.5)
        same(ours, wide[:, y:y + 3, x:x + 3], 3e-2)


# ── disección ───────────────────────────────────────────────────────────────────────────────────────────────────────

class Small:
    """Un conjunto chico con conceptos."""

    def __init__(self, d: Dice, n: int = 3) -> None:
        self.images, self.truth = d.tensor(n, 3, 4, 4), d.bools(n, 2, 4, 4)
        self.names, self.categories = ["uno", "dos"], ["color", "object"]

    def __len__(self) -> int:
        return len(self.images)

    def pictures(self, rows: Tensor) -> Tensor:
        return self.images[rows]

    def regions(self, rows: Tensor):
        return regions_of_masks(self.truth[rows])


def cut_of(values: list[float], share: float) -> float:
    return sorted(values, reverse=True)[int(number(share) * len(values))]


def dissected(out, world, share, batch_size) -> None:
    maps = until("conv1", world.images)
    assert 0 < number(share) < 1 <= place(batch_size)
    for u in range(4):
        cut = cut_of(maps[:, u].flatten().tolist(), share)
        lit = (maps[:, u] >= cut).numpy()
        for k in range(2):
            truth = world.truth[:, k].numpy()
            there = truth.any((1, 2), keepdims=True)
            union = (lit & there).sum() + truth.sum() - (lit & truth).sum()
            same(out.iou()[u, k], (lit & truth).sum() / union if union else 0.0)


add("dissection.dissect", lambda world, share, batch_size: dissection.dissect(net(), world, "conv1", dissection.Convention(share), batch_size),
    lambda d: {"world": Small(d), "share": d.real(0.05, 0.5), "batch_size": d.int(1, 4)}, dissected, keep=("world",))
add("dissection.tally", lambda world, cuts, categories: dissection.tally(net(), worlds.concept_batches(world, 2), "conv1", cuts, categories, "every_image"),
    lambda d: {"world": Small(d), "cuts": d.normal(4), "categories": torch.tensor([0, 1])},
    lambda out, world, cuts, categories: same(out.both, [[((until("conv1", world.images)[:, u] >= number(cuts[u].item())) & world.truth[:, k]).sum()
                                                         for k in range(2)] for u in range(4)] if len(cuts) == 4 else None), keep=("world",))
add("dissection.tally_parts", lambda world, parts: sum((p.both for p in dissection.tally_parts(net(), world, "conv1", found(world), parts)), torch.zeros(4, 2)),
    lambda d: {"world": Small(d), "parts": d.int(1, 4)}, lambda out, world, parts: (place(parts - 1), same((out - found(world).tally.both).abs().max() <= 2, True)), keep=("world",))


def found(world) -> dissection.Dissection:
    return dissection.dissect(net(), world, "conv1", dissection.Convention(0.2))


add("dissection.thresholds", lambda images, share, batch_size: dissection.thresholds(net(), images, "conv1", share, batch_size=batch_size).cut(share),
    lambda d: {"images": images_of(d), "share": d.real(0.05, 0.5), "batch_size": d.int(1, 4)},
    lambda out, images, share, batch_size: (place(batch_size - 1), same(out, [cut_of(until("conv1", images)[:, u].flatten().tolist(), share) for u in range(4)], 3e-2)))
add("dissection.tail_of", lambda maps, size: tail_of(maps, size).top, lambda d: {"maps": d.normal(2, 3, 2, 2), "size": d.int(1, 8)},
    lambda out, maps, size: same(out, np.sort(maps.transpose(0, 1).flatten(1).numpy(), 1)[:, ::-1][:, :place(size)]), keep=("maps", "size"))
for name in ("cut", "spread_cut"):
    add(f"dissection.Tail.{name}", lambda maps, share, name=name: getattr(tail_of(maps, 8), name)(share),
        lambda d: {"maps": d.normal(2, 3, 2, 2), "share": d.real(0, 0.9)}, lambda out, maps, share: same(
            out[0] if isinstance(out, tuple) else out, [cut_of(maps[:, u].flatten().tolist(), share) for u in range(3)]) if share >= 0 else 1 / 0,
        keep=("maps",), raises=True)
add("dissection.unit_masks", masks.unit_masks, lambda d: {"maps": d.normal(2, 3, 2, 2), "cuts": d.normal(3), "size": (4, 4)},
    lambda out, maps, cuts, size: same(out.shape, (2, len(cuts), *size)), keep=("maps", "size"))
add("dissection.upsample", masks.upsample, lambda d: {"maps": d.normal(2, 3, d.int(1, 4), 2), "size": [d.int(1, 6), d.int(1, 6)]},
    lambda out, maps, size: same(out, nn.functional.interpolate(maps, [place(s) for s in size], mode="bilinear")), keep=("maps",))
add("dissection.source_cells", masks.source_cells, lambda d: {"side": d.int(1, 5), "grown": d.int(1, 9)}, lambda out, side, grown: same(
    out[0] + out[1], [(i + 0.5) * place(side) / place(grown) + 0.5 for i in range(grown)]), keep=("grown",))
add("dissection.passes", masks.passes, lambda d: {"values": d.normal(3), "cuts": d.normal(3), "strict": d.pick(True, False)},
    lambda out, values, cuts, strict: same(out, [a > b or a == b and not strict for a, b in zip(values, cuts)]), keep=("values", "cuts", "strict"))


def table(d: Dice) -> Tensor:
    return d.tensor(3, 4)


def iou_ok(iou) -> np.ndarray:
    assert iou.is_floating_point() and iou.ndim == 2 and iou.numel() and iou.isfinite().all()
    return iou.double().numpy()


add("dissection.label_units", lambda iou, layer, names, categories, least: [(label.unit.channel, label.concept, label.iou) for label in
    dissection.label_units(iou, layer, names, categories, least)],
    lambda d: {"iou": table(d), "layer": "conv", "names": list("abcd"), "categories": ["color"] * 4, "least": d.real()},
    lambda out, iou, layer, names, categories, least: (same([v for _, _, v in out], sorted([row.max() for row in iou_ok(iou) if row.max() > number(least)], reverse=True), 1e-2),
                                                       same(all(iou_ok(iou)[u, names.index(c)] == iou_ok(iou)[u].max() for u, c, _ in out), True)),
    keep=("layer", "names", "categories"))
add("dissection.count_detectors", dissection.count_detectors, lambda d: {"iou": table(d), "cut": d.real()}, lambda out, iou, cut: same(
    out, (sum(row.max() > number(cut) for row in iou_ok(iou)), len({int(row.argmax()) for row in iou_ok(iou) if row.max() > cut}))))
add("dissection.unique_by_category", dissection.unique_by_category, lambda d: {"iou": table(d), "categories": ["a", "b", "a", "b"], "cut": d.real()},
    lambda out, iou, categories, cut: same([out[c] for c in ("a", "b")], [len({int(row.argmax()) for row in iou_ok(iou)[:, k::2] if row.max() > number(cut)})
                                           for k in range(2)]) if len(categories) == 4 else 1 / 0, keep=("categories",))
add("dissection.detectors_curve", dissection.detectors_curve, lambda d: {"iou": table(d), "cuts": [d.real(), d.real()]}, lambda out, iou, cuts: same(
    out, [len({int(row.argmax()) for row in iou_ok(iou) if row.max() > number(cut)}) for cut in cuts]), keep=("cuts",))
add("dissection.iou_ceiling", dissection.iou_ceiling, lambda d: {"frequency": d.tensor(4), "share": d.real(0.001, 0.5)}, lambda out, frequency, share: same(
    out if out.ndim else out[None], [min(f, number(share)) / max(f, share) for f in frequency.flatten().tolist() if 0 <= f <= 1 or 1 / 0] if isinstance(frequency, Tensor) and frequency.is_floating_point()
    else [min(frequency, share) / max(frequency, share)] if frequency >= 0 else None) if getattr(frequency, "ndim", 1) == 1 else same(out.shape, frequency.shape))
add("dissection.p_values", dissection.p_values, lambda d: {"iou": table(d), "null": [table(d), table(d)], "pooled": d.pick(True, False)},
    lambda out, iou, null, pooled: same(out, [(sum(r >= row.max() for r in (np.concatenate([iou_ok(o).max(1) for o in null]) if pooled else
                                              [iou_ok(o)[u].max() for o in null])) + 1) / ((len(null) * 3 if pooled else len(null)) + 1)
                                             for u, row in enumerate(iou_ok(iou))]), keep=("null", "pooled"))
add("dissection.Shuffled.partner", lambda world, seed, index: dissection.Shuffled(world, seed).partner(index),
    lambda d: {"world": Small(d), "seed": d.int(0, 99), "index": d.int(0, 2)},
    lambda out, world, seed, index: same(out != place(index) and out in range(3) and index in range(3), True), keep=("world",))
add("dissection.PlantedWorld.__init__", lambda n, seed: dissection.PlantedWorld(n, seed).concepts, lambda d: {"n": d.int(1, 2), "seed": d.int(0, 9)},
    lambda out, n, seed: (same(out.shape, (place(n), 4, 32, 32)), same(out.sum(1).max() <= 1, True)), keep=("n",))
add("dissection.random_rotation", dissection.random_rotation, lambda d: {"size": d.int(1, 4), "seed": d.int(0, 9)},
    lambda out, size, seed: (same(out @ out.T, np.eye(place(size))), same(torch.linalg.det(out), 1.0)), keep=("size",))


def rotation_of(d: Dice, size: int = 3) -> Tensor:
    return dissection.random_rotation(size, d.int(0, 99))


def turned(out, rotation, power) -> None:
    rotation = rotation.double()
    same(rotation @ rotation.T, np.eye(len(rotation)), 2e-2), same(out @ out.T, np.eye(len(rotation)), 2e-2)
    for exact, expected in ((0, torch.eye(len(rotation))), (1, rotation), (2, rotation @ rotation)):
        if number(power) == exact:
            same(out, expected, 3e-2)


add("dissection.rotation_power", dissection.rotation_power, lambda d: {"rotation": rotation_of(d), "power": d.pick(0.0, 1.0, 2.0, d.real())}, turned)
add("dissection.Rotate.__init__", lambda rotation, acts: Rotate(rotation)(acts), lambda d: {"rotation": d.normal(3, 3), "acts": d.normal(2, 3)},
    lambda out, rotation, acts: same(out, acts @ rotation.T), keep=("acts", "rotation"))
add("dissection.rotate_layer", lambda rotation, images: dissection.rotate_layer(net(), "relu1", rotation)(images),
    lambda d: {"rotation": rotation_of(d, 4), "images": images_of(d)}, lambda out, rotation, images: (same(out, logits(images), 3e-2),
                                                                                                      same(rotation.double() @ rotation.double().T, np.eye(4), 2e-2)), keep=("images",))


# ── conjuntos ───────────────────────────────────────────────────────────────────────────────────────────────────────

add("worlds.picture_batches", lambda world, size: torch.cat(list(worlds.picture_batches(world, size))), lambda d: {"world": Small(d), "size": d.int(1, 4)},
    lambda out, world, size: (place(size - 1), same(out, world.images)), keep=("world",))
add("worlds.mask_size", worlds.mask_size, lambda d: {"world": Small(d)}, lambda out, world: same(out, (4, 4)), keep=("world",))
add("worlds.category_numbers", worlds.category_numbers, lambda d: {"categories": [d.pick("a", "b") for _ in range(4)]},
    lambda out, categories: same(out, [sorted(set(categories), key=categories.index).index(c) for c in categories]), keep=("categories",))
add("worlds.categories_in", worlds.categories_in, lambda d: {"world": Small(d), "rows": d.ints(2, high=3)},
    lambda out, world, rows: same([sorted(f) for f in out] == [sorted(c for c, m in zip(world.categories, world.truth[place(r)]) if m.any()) for r in rows.tolist()], True),
    keep=("world",))


def concepts_of(d: Dice) -> ConceptSet:
    """Cuatro imágenes con sus conceptos: dos lugares, tres segmentos (nada, cebra con rayas, muro) y los once colores."""
    images, kinds = d.tensor(4, 3, 3, 3), [("scene", "playa"), ("scene", "patio"), ("object", "cebra"), ("object", "muro"), ("texture", "rayado")]
    members = torch.tensor([[False, True, False], [False, False, True], [False, True, False]])
    named = [*kinds, *(("color", name) for name in COLOR_NAMES)]
    return ConceptSet(images, d.ints(4, high=2), ["cebra", "muro"], d.ints(4, high=2), ["playa", "patio"], [name for _, name in named],
                      [kind for kind, _ in named], torch.cat([torch.tensor([[1, 2, 0]]).repeat(4, 1)[:, None], d.ints(4, 2, 3, high=3)], 1).to(torch.uint8), members)


def rows_of(index) -> list[int]:
    assert not isinstance(index, (bool, float, str)) and index is not None
    if isinstance(index, (list, tuple)):
        return [int(np.arange(4)[place]) for place in index if not isinstance(place, bool) and place is not None or 1 / 0]
    rows = np.arange(4)[index.numpy() if isinstance(index, Tensor) else index].reshape(-1).tolist()
    return [int(row) for row in rows]


def hand_masks(world: ConceptSet, index) -> np.ndarray:
    found = []
    for i in rows_of(index):
        where, color = world.segments[i].numpy(), color_index(world.images[i:i + 1])[0].numpy()
        planes = [np.full(where.shape, world.scenes[i].item() == k) for k in range(2)]
        planes += [np.isin(where, np.flatnonzero(row)) for row in world.members.numpy()]
        found.append(planes + [color == k for k in range(len(COLOR_NAMES))])
    return np.array(found).reshape(-1, len(world.names), *world.segments.shape[1:])


def index_of(d: Dice):
    return d.pick(d.int(0, 3), [d.int(0, 3), d.int(0, 3)], d.ints(3, high=4))


add("datasets.ConceptSet.masks", lambda world, index: world.masks(index), lambda d: {"world": concepts_of(d), "index": index_of(d)},
    lambda out, world, index: same(out, hand_masks(world, index)), keep=("world",))
add("datasets.ConceptSet.regions", lambda world, index: masks_of(world.regions(index)), lambda d: {"world": concepts_of(d), "index": index_of(d)},
    lambda out, world, index: [same(where, hand_masks(world, index)[i][concepts]) for i, (concepts, where) in enumerate(out)], keep=("world",))
add("datasets.ConceptSet.object_masks", lambda world, index: world.object_masks(index), lambda d: {"world": concepts_of(d), "index": index_of(d)},
    lambda out, world, index: same(out, np.array([hand_masks(world, i)[0][2 + world.labels[i].item()] for i in rows_of(index)]).reshape(-1, 3, 3)), keep=("world",))
add("exemplars.object_traits", units.object_traits, lambda d: {"world": concepts_of(d)}, lambda out, world: (same(out["scene"], world.scenes), same(
    out["size"], np.digitize(areas := hand_areas(world), np.quantile(areas, [1 / 3, 2 / 3]), right=True))), keep=("world",))


def hand_areas(world: ConceptSet) -> np.ndarray:
    return np.array([hand_masks(world, i)[0][2 + world.labels[i].item()].sum() for i in range(4)], np.float32)

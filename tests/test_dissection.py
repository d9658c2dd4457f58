"""La disección contra una cuenta hecha a mano en NumPy, con unidades sembradas, y con las tablas publicadas."""
import csv
import os
from inspect import signature
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest
import torch
from torch import nn

from labkit.activations import run
from labkit.datasets import load_concepts
from labkit.dissection import (
    CONVENTIONS,
    Convention,
    PlantedWorld,
    Shuffled,
    Tally,
    class_drops,
    count_detectors,
    detectors_curve,
    discoveries,
    dissect,
    interval,
    iou_ceiling,
    label_units,
    p_values,
    planted_network,
    random_rotation,
    rotate_layer,
    rotation_power,
    tally,
    tally_parts,
    thresholds,
    unique_by_category,
)
from labkit.dissection import dissecting
from labkit.dissection.dissecting import fitting_batch
from labkit.dissection.rotation import Rotate
from labkit.dissection.thresholds import tail_of
from labkit.models import load_model, plain_network, random_twin
from labkit.regions import masks_of, regions_of_masks

TABLES = Path(os.environ.get("LABKIT_REAL_DATA") or "no hay") / "netdissect_tables"
PUBLISHED = {"ResNet-152-model_imagenet": (242, 197), "ResNet-152-model_places365": (347, 278), "caffe_reference_imagenet": (61, 50),
             "caffe_reference_places205": (79, 60), "caffe_reference_places365": (91, 72)}


class World(SimpleNamespace):
    """Un conjunto de juguete: imágenes y máscaras en la memoria."""

    def __len__(self):
        return len(self.images)

    def pictures(self, rows):
        return self.images[rows]

    def regions(self, rows):
        return regions_of_masks(self.concepts[rows])

    def batches(self, size=64):
        yield from zip(self.images.split(size), self.concepts.split(size))


@pytest.fixture(scope="module")
def planted():
    """Rojo y verde en cuadros al azar; una unidad ve rojo, otra verde, otra lo mismo que la primera, y una nada."""
    generator = torch.Generator().manual_seed(0)
    images, concepts = torch.zeros(40, 3, 16, 16), torch.zeros(40, 3, 16, 16, dtype=torch.bool)
    for i in range(40):
        for channel in (0, 1):
            y, x = torch.randint(0, 12, (2,), generator=generator).tolist()
            if i % 3 != channel:
                images[i, channel, y:y + 4, x:x + 4] = 0.5 + 0.5 * torch.rand(1, generator=generator)
        concepts[i, :2] = images[i, :2] > 0
        concepts[i, 2] = i < 10                                             # un lugar: la imagen entera
    model = nn.Sequential()
    model.add_module("see", nn.Conv2d(3, 4, 1, bias=False))
    model.see.weight.data = torch.tensor([[1.0, 0, 0], [0, 1, 0], [1, 0, 0], [0, 0, 0]])[:, :, None, None]
    return model.requires_grad_(False), World(images=images, concepts=concepts, names=["rojo", "verde", "lugar"],
                                              categories=["color", "color", "scene"])


@pytest.fixture(scope="module")
def busy():
    """Una red y unas máscaras al azar: nada es limpio."""
    generator = torch.Generator().manual_seed(1)
    model = random_twin(plain_network(3, (6, 7), dense=5, pools=[1])).eval().requires_grad_(False)
    concepts = torch.rand(30, 5, 24, 24, generator=generator) < torch.tensor([0.3, 0.1, 0.02, 0.5, 0.05])[:, None, None]
    concepts &= (torch.rand(30, 5, generator=generator) < 0.6)[:, :, None, None]
    return model, World(images=torch.rand(30, 3, 24, 24, generator=generator), concepts=concepts, names=list("abcde"),
                        categories=["uno", "uno", "dos", "dos", "tres"])


def by_hand(model, world, layer, way):
    """El IoU, con un ciclo sobre unidades e imágenes y toda la memoria que haga falta."""
    with torch.no_grad():
        maps = world.images
        for name, module in model.named_children():
            maps = module(maps)
            if name == layer:
                break
    size = world.concepts.shape[-2:]
    grown = torch.nn.functional.interpolate(maps, size, mode="bilinear", align_corners=False).numpy()
    values = grown if way.upsampled else maps.numpy()
    concepts, groups = world.concepts.numpy(), [world.categories.index(name) for name in world.categories]
    iou = np.zeros((maps.shape[1], concepts.shape[1]))
    for unit in range(maps.shape[1]):
        ordered = np.sort(values[:, unit].ravel())[::-1]
        cut = ordered[int(np.floor(way.share * ordered.size))]
        for k in range(concepts.shape[1]):
            both = union = 0
            for i in range(len(grown)):
                lit = grown[i, unit] > cut if way.strict else grown[i, unit] >= cut
                same = [concepts[i, j] for j in range(len(groups)) if groups[j] == groups[k]]
                counts = {"all": True, "category": any(mask.any() for mask in same),
                          "under mask": any((mask & lit).any() for mask in same)}[way.union]
                both += (lit & concepts[i, k]).sum()
                union += lit.sum() * counts + concepts[i, k].sum() - (lit & concepts[i, k]).sum()
            iou[unit, k] = both / union if union else 0
    return torch.from_numpy(iou)


@pytest.mark.parametrize("convention", CONVENTIONS)
@pytest.mark.parametrize("layer", ["conv1", "conv2"])
def test_every_convention_is_that_of_a_plain_loop(busy, layer, convention):
    way = Convention(0.06, CONVENTIONS[convention].upsampled, CONVENTIONS[convention].strict, CONVENTIONS[convention].union)
    assert torch.allclose(dissect(*busy, layer, way, batch_size=7).iou(), by_hand(*busy, layer, way), atol=1e-6)


def test_conventions_differ(busy):
    found = [dissect(*busy, "conv1", Convention(0.06, strict=True, union=union)).iou() for union in ("all", "category", "under mask")]
    assert (found[0] < found[1] - 1e-6).any() and (found[1] < found[2] - 1e-6).any()
    assert (found[0] <= found[1] + 1e-12).all() and (found[1] <= found[2] + 1e-12).all()


@pytest.fixture(scope="module")
def half_labelled():
    """Una unidad ve rojo. En la mitad de las imágenes nadie anotó la categoría «textura», y ahí el rojo no cuenta como liso."""
    images, concepts = torch.zeros(20, 3, 8, 8), torch.zeros(20, 2, 8, 8, dtype=torch.bool)
    images[:, 0, 2:4, 2:6] = torch.linspace(0.5, 1, 20)[:, None, None]
    concepts[:, 0] = images[:, 0] > 0                                       # color: anotado en todas
    concepts[::2, 1] = images[::2, 0] > 0                                   # textura: anotada en la mitad
    model = nn.Sequential()
    model.add_module("see", nn.Conv2d(3, 1, 1, bias=False))
    model.see.weight.data = torch.tensor([[1.0, 0, 0]])[:, :, None, None]
    return model.requires_grad_(False), World(images=images, concepts=concepts, names=["rojo", "liso"],
                                              categories=["color", "texture"])


def test_by_default_a_unit_pays_only_where_somebody_labelled_the_category(half_labelled):
    share = 8 / 64 * 0.999                                                  # justo lo que enciende la unidad
    paper = dissect(*half_labelled, "see", Convention(share)).iou()
    every = dissect(*half_labelled, "see", Convention(share, union="all")).iou()
    assert torch.allclose(paper, torch.tensor([[1.0, 1.0]], dtype=torch.float64), atol=1e-9)
    assert torch.allclose(every, torch.tensor([[1.0, 0.5]], dtype=torch.float64), atol=1e-9)
    for way in (Convention(share), Convention(share, union="all")):
        assert torch.allclose(dissect(*half_labelled, "see", way).iou(), by_hand(*half_labelled, "see", way), atol=1e-9)


def test_the_convention_by_default_is_the_one_of_the_paper(busy):
    model, world = busy
    default = dissect(model, world, "conv1")
    assert torch.equal(default.iou(), dissect(model, world, "conv1", "paper").iou())
    assert not torch.equal(default.iou(), dissect(model, world, "conv1", "every_image").iou())
    parts = tally_parts(model, world, "conv1", default, 3)
    assert torch.equal(sum(parts[1:], parts[0]).active, default.tally.active)


def test_everyone_starts_from_the_convention_of_the_paper():
    from labkit.commands.dissect import LINE
    from labkit.commands.evidence import gather
    from labkit.dissection import dissect_shared
    from labkit.dissection.fast.sharing import pieces_shared
    for work in (dissect, dissect_shared, tally, tally_parts, pieces_shared, gather):
        assert signature(work).parameters["convention"].default == "paper", work
    assert LINE.read(["--layer", "a", "--out", "b"]).convention == "paper"
    assert Convention() == CONVENTIONS["paper"] == Convention(union="category", strict=False)


def test_the_old_name_says_which_two_conventions_it_became(planted):
    with pytest.raises(ValueError, match='"paper".*"every_image"'):
        dissect(*planted, "see", "exact")


def test_planted_units_get_their_name_and_a_dead_one_none(planted):
    model, world = planted
    share = float((world.images[:, 0] > 0).float().mean())
    found = dissect(model, world, "see", Convention(share * 0.999))
    assert found.dead.tolist() == [False, False, False, True]
    iou = found.iou()
    assert iou[0, 0] == pytest.approx(1.0, abs=0.02) and torch.equal(iou[0], iou[2]) and (iou[3] == 0).all()
    names = {str(label.unit): label.concept for label in label_units(iou, "see", world.names, world.categories, 0.04)}
    assert names == {"see:0": "rojo", "see:1": "verde", "see:2": "rojo"}
    assert count_detectors(iou) == (3, 2)


def test_a_sparse_unit_is_not_a_dead_one():
    """Una ReLU que casi siempre vale 0 tiene por umbral 0: cuenta donde pasa de ahí, y no en toda la imagen."""
    world, model = PlantedWorld(40), planted_network()
    areas = world.concepts.float().mean((0, 2, 3))
    found = dissect(model, world, "relu1", Convention(float(areas.max()) * 1.5))        # más de lo que cubre cualquier color
    assert not found.dead.any() and torch.equal(found.iou(), torch.eye(4, dtype=torch.float64))
    exact = dissect(model, world, "relu1", Convention(float(areas.min()) * 0.5)).iou().diagonal()
    kept = float(areas.min()) * 0.5 / areas.double()                        # cabe dentro: q / f, y el cuadro que empata
    assert (exact >= kept - 1e-9).all() and (exact < kept + 0.03).all()


def test_mixing_the_axes_entangles_a_planted_network():
    world, model = PlantedWorld(40), planted_network()
    mix = torch.tensor([[1, 1, 1, 1], [1, -1, 1, -1], [1, 1, -1, -1], [1, -1, -1, 1]]).double() / 2
    tangled = rotate_layer(model, "relu1", mix)
    assert torch.allclose(tangled(world.images), model(world.images), atol=1e-6)
    clear, mixed = (dissect(network, world, layer, Convention(world.share)).iou().amax(1)
                    for network, layer in ((model, "relu1"), (tangled, "girada")))
    assert clear.min() > 0.75 and mixed.mean() < 0.6 * clear.mean()


def test_parts_add_up_to_the_whole(planted):
    model, world = planted
    share = float((world.images[:, 0] > 0).float().mean()) * 0.999
    found = dissect(model, world, "see", Convention(share))
    parts = tally_parts(model, world, "see", found, 7, Convention(share))
    whole = sum(parts[1:], parts[0])
    assert len(parts) == 7 and torch.equal(whole.both, found.tally.both) and torch.equal(whole.iou(), found.iou())


def test_thresholds_leave_the_share_asked(busy):
    model, world = busy
    tail = thresholds(model, world.images, "conv2", 0.03, batch_size=4)
    maps = world.images
    for module in list(model)[:list(model._modules).index("conv2") + 1]:
        maps = module(maps)
    values = maps.transpose(0, 1).flatten(1)
    for share in (0.03, 0.01, 0.001):
        above = (values > tail.cut(share)[:, None]).sum(1)
        assert (above == int(share * values.shape[1])).all()                # sin empates, justo esos
    with pytest.raises(ValueError, match="la cola guarda .* y no llega a 0.2"):
        tail.cut(0.2)


def test_tails_and_tallies_add_up_in_any_order(busy):
    model, world = busy
    maps = torch.rand(12, 3, 5, 5, generator=torch.Generator().manual_seed(0))
    whole, parts = tail_of(maps, 40), [tail_of(part, 40) for part in maps.split(5)]
    for some in (parts, parts[::-1]):
        together = some[0] + some[1] + some[2]
        assert torch.equal(together.top[:, :40], whole.top) and together.count == whole.count
    cuts, groups = torch.zeros(6), torch.tensor([0, 0, 1, 1, 2])
    whole = tally(model, world.batches(30), "conv1", cuts, groups)
    halves = [tally(model, [pair], "conv1", cuts, groups) for pair in world.batches(15)]
    for made in (halves[0] + halves[1], halves[1] + halves[0], tally(model, world.batches(1), "conv1", cuts, groups)):
        assert torch.equal(made.both, whole.both) and torch.equal(made.active, whole.active)
        assert torch.equal(made.truth, whole.truth) and made.pixels == whole.pixels == 30 * 24 * 24


def test_both_official_counts_and_the_curve():
    iou = torch.tensor([[0.30, 0.10, 0.05], [0.20, 0.00, 0.06], [0.01, 0.03, 0.02]])
    categories = ["color", "color", "scene"]
    assert count_detectors(iou) == (2, 1) and unique_by_category(iou, categories) == {"color": 1, "scene": 1}
    assert detectors_curve(iou, (0.01, 0.04, 0.25, 0.5)) == [2, 1, 1, 0]
    with pytest.raises(ValueError, match="esperaba 3, uno por concepto, y recibí 2 y 3"):
        label_units(iou, "conv1", ["a", "b"], categories)


def test_the_ceiling_is_reached_by_who_fits_and_by_nobody_else():
    assert iou_ceiling(torch.tensor([0.005, 0.0025, 0.05, 0.125])).tolist() == pytest.approx([1.0, 0.5, 0.1, 0.04])
    counts = Tally(torch.tensor([[50]]), torch.tensor([[50]]), torch.tensor([500]), 10_000, torch.tensor([0]))
    assert counts.iou().item() == pytest.approx(iou_ceiling(torch.tensor([0.05])).item())


@pytest.mark.parametrize(("options", "says"), [({"share": 0}, "share: esperaba un número de 0 a 1, sin llegar,"),
                                               ({"union": "todas"}, "union: esperaba all, category, under mask")])
def test_odd_conventions_are_told(options, says):
    with pytest.raises(ValueError, match=says):
        Convention(**options)


def test_an_unknown_convention_is_told(planted):
    with pytest.raises(ValueError, match="convention: esperaba paper, netdissect, lite, dissect, every_image y recibí 'broden'"):
        dissect(*planted, "see", "broden")


def test_the_last_convolution_names_things_and_random_weights_do_not():
    world, model = load_concepts("test", n=1000), load_model("escenas", "cpu")
    learned, chance = (dissect(network, world, "conv5") for network in (model, random_twin(model)))
    assert count_detectors(learned.iou())[1] >= 20 and count_detectors(chance.iou())[1] <= 3
    best = {label.concept for label in label_units(learned.iou(), "conv5", learned.names, learned.categories)[:6]}
    assert {"fuselaje", "cebra", "jaguar"} <= best


def published_iou(name):
    """De una tabla por unidad de NetDissect, el IoU (c, k) con lo que dice: el mejor concepto de cada unidad en cada categoría."""
    with open(TABLES / f"{name}.csv", encoding="utf-8", newline="") as file:
        rows = list(csv.DictReader(file))
    kinds = [column.removesuffix("-iou") for column in rows[0] if column.endswith("-iou")]
    concepts = sorted({(kind, row[f"{kind}-label"]) for row in rows for kind in kinds})
    iou = torch.zeros(len(rows), len(concepts), dtype=torch.float64)
    for unit, row in enumerate(rows):
        for kind in kinds:
            iou[unit, concepts.index((kind, row[f"{kind}-label"]))] = float(row[f"{kind}-iou"])
    return iou, [kind for kind, _ in concepts]


@pytest.mark.skipif(not TABLES.is_dir(), reason="sin las tablas de NetDissect en LABKIT_REAL_DATA")
@pytest.mark.parametrize("name", PUBLISHED)
def test_the_published_counts_come_out(name):
    """Las dos definiciones de detectores únicos: la de las figuras, que suma categorías, y la de la página."""
    iou, categories = published_iou(name)
    assert (sum(unique_by_category(iou, categories).values()), count_detectors(iou)[1]) == PUBLISHED[name]


def test_the_low_tail_is_the_high_tail_of_the_negative(planted):
    model, world = planted
    negative = nn.Sequential()
    negative.add_module("see", nn.Conv2d(3, 4, 1, bias=False))
    negative.see.weight.data = -model.see.weight.data
    share = float((world.images[:, 0] > 0).float().mean()) * 0.999
    low, high = dissect(negative, world, "see", Convention(share, lowest=True)), dissect(model, world, "see", Convention(share))
    assert torch.equal(low.iou(), high.iou()) and torch.equal(low.cuts, high.cuts)
    assert not torch.equal(dissect(negative, world, "see", Convention(share)).iou(), high.iou())


def test_huge_images_go_in_smaller_batches_and_count_the_same(busy, monkeypatch):
    def pixels(*size):
        return World(images=torch.zeros(1).expand(2, 3, *size))

    assert fitting_batch(pixels(64, 64), 32) == 32 and fitting_batch(pixels(224, 224), 32) == 32
    assert fitting_batch(pixels(1000, 1000), 32) == 4 and fitting_batch(pixels(6000, 6000), 32) == 1
    assert fitting_batch(World(images=torch.zeros(2, 3)), 16) == 16         # códigos, y no imágenes
    whole, sizes = dissect(*busy, "conv1", Convention(0.05)).iou(), []
    monkeypatch.setattr(dissecting, "MAPS_BYTES", 5 * 4 * 64 * 24 * 24)     # caben cinco
    monkeypatch.setattr(World, "pictures", lambda self, rows: (sizes.append(len(rows)), self.images[rows])[1])
    assert torch.allclose(dissect(*busy, "conv1", Convention(0.05)).iou(), whole, atol=1e-6)
    assert sizes == [1] + [5] * 12                                          # una para saber cuánto mide, y dos pasadas


@pytest.mark.parametrize(("change", "says"), [({"images": torch.zeros(0, 3, 24, 24)}, "images: no había ninguna imagen"),
                                              ({"names": [], "categories": []}, "no tiene ningún concepto")])
def test_a_set_with_nothing_in_it_is_told(busy, change, says):
    model, world = busy
    with pytest.raises(ValueError, match=says):
        dissect(model, World(**vars(world) | change), "conv1")


# ── la casualidad ───────────────────────────────────────────────────────────────────────────────────────────────────

def test_shuffled_masks_belong_to_others_and_find_nothing(planted):
    model, world = planted
    other = Shuffled(world, seed=1)
    partners = [other.partner(i) for i in range(40)]
    assert sorted(partners) == list(range(40)) and all(i != partner for i, partner in enumerate(partners))
    assert (other.names, other.categories, len(other)) == (world.names, world.categories, 40)
    rows = torch.tensor([3, 30, 7])
    assert torch.equal(other.pictures(rows), world.images[rows])
    for (concepts, where), row in zip(masks_of(other.regions(rows)), rows.tolist(), strict=True):
        mask = world.concepts[partners[row]]
        assert torch.equal(concepts, mask.flatten(1).any(1).nonzero()[:, 0]) and torch.equal(where, mask[concepts])
    share = float((world.images[:, 0] > 0).float().mean()) * 0.999
    learned, chance = (dissect(model, data, "see", Convention(share)).iou() for data in (world, other))
    assert learned[0, 0] > 0.95 and chance[:2, :2].max() < 0.4


def test_p_values_count_and_never_reach_zero():
    iou = torch.tensor([[0.5, 0.1], [0.1, 0.2], [0.0, 0.0]])
    null = [torch.tensor([[0.1, 0.2], [0.3, 0.0], [0.0, 0.1]]), torch.tensor([[0.2, 0.1], [0.1, 0.1], [0.2, 0.1]]),
            torch.tensor([[0.0, 0.1], [0.1, 0.2], [0.1, 0.1]])]
    assert p_values(iou, null).tolist() == pytest.approx([1 / 4, 3 / 4, 1.0])
    with pytest.raises(ValueError, match="al menos una barajada"):
        p_values(iou, [])


def test_pooled_p_values_compare_with_every_unit():
    iou, null = torch.tensor([[0.5, 0.1], [0.1, 0.2]]), [torch.tensor([[0.1, 0.3], [0.3, 0.0]]), torch.tensor([[0.2, 0.1], [0.1, 0.1]])]
    assert p_values(iou, null, pooled=True).tolist() == pytest.approx([1 / 5, 4 / 5])
    assert p_values(iou, [torch.rand(9, 2)], pooled=True).shape == (2,)     # las redes al azar pueden tener más unidades


def test_discoveries_are_those_of_the_book():
    """El ejemplo de Benjamini y Hochberg (1995), sección 3.2: con 0.05 se aceptan las cuatro primeras."""
    p = torch.tensor([0.0001, 0.0004, 0.0019, 0.0095, 0.0201, 0.0278, 0.0298, 0.0344, 0.0459, 0.3240, 0.4262, 0.5719, 0.6528,
                      0.7590, 1.0])
    shuffled = torch.randperm(15, generator=torch.Generator().manual_seed(0))
    assert discoveries(p).sum() == 4 and torch.equal(discoveries(p[shuffled]), discoveries(p)[shuffled])
    assert not discoveries(torch.tensor([0.3, 0.9])).any()


def test_the_interval_covers_the_truth_and_shrinks_with_more_images(busy):
    model, world = busy
    cuts, groups = thresholds(model, world.images, "conv1", 0.05).cut(0.05), torch.tensor([0, 0, 1, 1, 2])
    parts = [tally(model, [pair], "conv1", cuts, groups) for pair in world.batches(3)]
    whole = float(sum(parts[1:], parts[0]).iou()[0, 0])
    low, high = interval(parts, lambda iou: float(iou[0, 0]), times=100)
    assert low < whole < high
    narrow = interval(parts * 6, lambda iou: float(iou[0, 0]), times=100)
    assert narrow[1] - narrow[0] < 0.7 * (high - low) and interval([parts[0]] * 5, lambda iou: float(iou[0, 0]), 20) == pytest.approx(
        [float(parts[0].iou()[0, 0])] * 2)
    with pytest.raises(ValueError, match="al menos 2 pedazos"):
        interval(parts[:1], float)


# ── otra base ───────────────────────────────────────────────────────────────────────────────────────────────────────

def test_a_rotation_is_one_and_its_powers_go_from_nothing_to_all():
    q, one = random_rotation(12, seed=3), torch.eye(12, dtype=torch.float64)
    assert torch.allclose(q.T @ q, one) and torch.linalg.det(q) == pytest.approx(1)
    assert torch.allclose(rotation_power(q, 0), one) and torch.allclose(rotation_power(q, 1), q)
    half = rotation_power(q, 0.5)
    assert torch.allclose(half @ half, q) and torch.allclose(half.T @ half, one)
    flat = torch.tensor([[0.6, -0.8], [0.8, 0.6]])                          # un giro de 53.13 grados
    assert torch.allclose(rotation_power(flat, 2), torch.tensor([[-0.28, -0.96], [0.96, -0.28]], dtype=torch.float64), atol=1e-6)


@pytest.mark.parametrize("shape", [(2, 3, 4, 5), (2, 3)])
def test_more_directions_than_channels_can_be_looked_at(shape):
    directions, acts = torch.randn(7, 3), torch.randn(shape)
    seen = Rotate(directions)(acts)
    assert seen.shape == (2, 7, *shape[2:])
    for image, turned in zip(acts, seen):
        for direction, one in zip(directions, turned):
            assert torch.allclose(one, sum(weight * channel for weight, channel in zip(direction, image)), atol=1e-5)


@pytest.mark.parametrize("layer", ["relu4", "relu6"])
def test_turning_the_axes_leaves_the_logits_and_changes_the_units(layer):
    model, images = load_model("escenas", "cpu"), load_concepts("test", n=32).images
    width = {"relu4": 96, "relu6": 64}[layer]
    turned = rotate_layer(model, layer, random_rotation(width, seed=0))
    assert torch.allclose(turned(images), model(images), atol=1e-4)
    acts, before = (run(network, images, [name])[name] for network, name in ((turned, "girada"), (model, layer)))
    assert not torch.allclose(acts, before, atol=0.1) and torch.allclose(acts.norm(dim=1), before.norm(dim=1), rtol=1e-4)
    same = rotate_layer(model, layer, torch.eye(width, dtype=torch.float64))
    assert torch.allclose(run(same, images, ["girada"])["girada"], before)


@pytest.mark.parametrize("layer", ["conv4", "relu1", "fc", "conv9"])
def test_a_layer_that_cannot_be_turned_is_told(layer):
    with pytest.raises(ValueError, match="layer: "):
        rotate_layer(load_model("escenas", "cpu"), layer, torch.eye(96))


# ── la causa ────────────────────────────────────────────────────────────────────────────────────────────────────────

def test_without_its_unit_a_class_falls_and_the_others_do_not():
    model = nn.Sequential()
    model.add_module("see", nn.Conv2d(3, 3, 1, bias=False))
    model.add_module("gather", nn.AdaptiveAvgPool2d(1))
    model.add_module("flat", nn.Flatten())
    model.see.weight.data = torch.eye(3)[:, :, None, None]
    model = model.eval().requires_grad_(False)
    labels = torch.arange(30) % 3
    images = 0.1 + 0.8 * torch.eye(3)[labels][:, :, None, None].expand(30, 3, 8, 8)
    assert class_drops(model, images, labels, ["see:1"]).tolist() == pytest.approx([0, 1, 0])
    assert class_drops(model, images, labels, []).tolist() == [0, 0, 0]
    assert class_drops(model, images[:2], labels[:2], ["see:0"]).isnan().tolist() == [False, False, True]
    with pytest.raises(ValueError, match="labels: esperaba una por imagen, 30"):
        class_drops(model, images, labels[:3], [])


def test_silencing_the_zebra_detectors_costs_the_zebra_most():
    world, model = load_concepts("test", n=600), load_model("escenas", "cpu")
    found = dissect(model, world, "relu5")
    zebra = [label.unit for label in label_units(found.iou(), "relu5", found.names, found.categories, 0.04) if label.concept == "cebra"]
    drops = class_drops(model, world.images, world.labels, zebra)
    assert len(zebra) >= 3 and int(drops.argmax()) == world.classes.index("cebra")

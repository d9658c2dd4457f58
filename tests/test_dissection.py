"""La disección contra una cuenta hecha a mano en NumPy, con unidades sembradas, y con las tablas publicadas."""
import os
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest
import torch
from scipy import stats
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
    difference,
    discoveries,
    dissect,
    interval,
    iou_ceiling,
    label_units,
    load_table,
    p_values,
    paired,
    planted_network,
    random_rotation,
    read_published,
    rotate_layer,
    rotation_power,
    tally,
    tally_parts,
    thresholds,
    unique_by_category,
    verdict,
)
from labkit.dissection import by_region, counting, enlarging
from labkit.dissection.counting import fitting_batch
from labkit.dissection.enlarging import lit_pixels, upsample
from labkit.dissection.tails import tail_of
from labkit.models import load_model, plain_network, random_twin
from labkit.regions import masks_of, stack_regions

TABLES = Path(os.environ.get("LABKIT_REAL_DATA") or "no hay") / "netdissect_tables"
PUBLISHED = {"ResNet-152-model_imagenet": (242, 197), "ResNet-152-model_places365": (347, 278), "caffe_reference_imagenet": (61, 50),
             "caffe_reference_places205": (79, 60), "caffe_reference_places365": (91, 72)}


class World(SimpleNamespace):
    """Un conjunto de juguete: imágenes y máscaras en la memoria."""

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


@pytest.mark.parametrize(("options", "says"), [({"share": 0}, "share: esperaba un número entre 0 y 1"),
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


@pytest.mark.skipif(not TABLES.is_dir(), reason="sin las tablas de NetDissect en LABKIT_REAL_DATA")
@pytest.mark.parametrize("name", PUBLISHED)
def test_the_published_counts_come_out(name):
    assert read_published(TABLES / f"{name}.csv") == PUBLISHED[name]


def test_a_table_that_is_not_one_is_told(tmp_path):
    (tmp_path / "otra.csv").write_text("a,b\n1,2\n")
    with pytest.raises(ValueError, match="otra.csv le falta «unit» o «score»"):
        read_published(tmp_path / "otra.csv")


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
    assert fitting_batch(SimpleNamespace(images=torch.zeros(2, 3, 64, 64)), 32) == 32
    assert fitting_batch(SimpleNamespace(size=224), 32) == 32 and fitting_batch(SimpleNamespace(size=1000), 32) == 4
    assert fitting_batch(SimpleNamespace(size=20_000), 32) == 1 and fitting_batch(SimpleNamespace(), 16) == 16
    whole, sizes = dissect(*busy, "conv1", Convention(0.05)).iou(), []
    monkeypatch.setattr(counting, "MAPS_BYTES", 5 * 4 * 64 * 24 * 24)       # caben cinco
    monkeypatch.setattr(World, "batches", lambda self, size=64: (sizes.append(size), zip(self.images.split(size), self.concepts.split(size)))[1])
    assert torch.allclose(dissect(*busy, "conv1", Convention(0.05)).iou(), whole, atol=1e-6) and set(sizes) == {5}


# ── la casualidad ───────────────────────────────────────────────────────────────────────────────────────────────────

def test_shuffled_masks_belong_to_others_and_find_nothing(planted):
    model, world = planted
    whole = SimpleNamespace(images=world.images, names=world.names, categories=world.categories, batches=world.batches,
                            masks=lambda rows: world.concepts[rows],
                            present=lambda rows: [(torch.arange(3), world.concepts[i]) for i in rows.tolist()])

    class Sized(SimpleNamespace):
        def __len__(self):
            return 40

    whole = Sized(**vars(whole))
    other = Shuffled(whole, seed=1)
    partners = [other.partner(i) for i in range(40)]
    assert sorted(partners) == list(range(40)) and all(i != partner for i, partner in enumerate(partners))
    assert torch.equal(torch.cat([masks for _, masks in other.batches(7)]), world.concepts[partners])
    share = float((world.images[:, 0] > 0).float().mean()) * 0.999
    learned, chance = (dissect(model, data, "see", Convention(share)).iou() for data in (whole, other))
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


# ── las tablas ──────────────────────────────────────────────────────────────────────────────────────────────────────

def test_intervals_are_those_of_scipy():
    a, b = [20.0, 22, 24], [30.0, 31, 35, 40]
    assert difference(a, b) == pytest.approx((12, *stats.ttest_ind(b, a, equal_var=False).confidence_interval()))
    assert difference([3, 3], [5, 5]) == (2, 2, 2) and difference([3, 3, 3], [5, 6, 7])[1] > 0      # una sola con dispersión
    assert paired(a, b[:3]) == pytest.approx((10, *stats.ttest_rel(b[:3], a).confidence_interval()))
    with pytest.raises(ValueError, match="al menos dos redes de cada lado, y recibí 1 y 2"):
        difference([1], [2, 3])
    with pytest.raises(ValueError, match="las mismas redes, al menos dos, y recibí 3 y 4"):
        paired(a, b)


def test_a_verdict_needs_an_interval_without_zero():
    assert [verdict(difference([1, 2, 3], more), 1) for more in ([11, 12, 13], [-11, -12, -13], [0, 2, 4])] == [
        "de acuerdo", "al revés", "no se distingue"]
    assert verdict(difference([11, 12, 13], [1, 2, 3]), -1) == "de acuerdo"


def test_published_table_adds_up_and_has_the_known_rows():
    rows = load_table("publicadas")
    assert len(rows) == 27 and all(row["unique"] == sum(row[kind] for kind in ("object", "part", "scene", "material", "texture", "color"))
                                   for row in rows)
    assert [row["unique"] for row in load_table("publicadas", network="AlexNet BN")] == [46]
    known = {(row["network"], row["training"]): row["unique"] for row in rows}
    assert (known["ResNet152", "ImageNet"], known["ResNet152", "Places365"], known["AlexNet", "ImageNet"]) == (242, 347, 61)


@pytest.mark.parametrize(("name", "wanted", "says"), [("rede", {}, "no hay una tabla 'rede'"),
                                                      ("publicadas", {"red": 1}, "la tabla publicadas no tiene «red»")])
def test_a_table_or_a_column_that_is_not_there_is_told(name, wanted, says):
    with pytest.raises(ValueError, match=says):
        load_table(name, **wanted)


# ── contar por regiones ─────────────────────────────────────────────────────────────────────────────────────────────

@pytest.mark.parametrize("strict", [False, True])
@pytest.mark.parametrize("side, size", [((8, 8), (64, 64)), ((5, 7), (31, 64)), ((1, 1), (9, 4)), ((6, 6), (6, 6)), ((12, 9), (5, 7)),
                                        ((2, 3), (16, 48)), ((13, 13), (113, 113)), ((3, 1), (2, 20))])
def test_the_lit_pixels_are_those_of_enlarging_everything(side, size, strict):
    """Con valores redondeados hay muchos empates, y los umbrales son de ellos: se pide lo mismo, píxel por píxel."""
    maps = torch.randn(20, *side, generator=torch.Generator().manual_seed(0)).round(decimals=1)
    maps[0], maps[1] = maps[0].max(), maps.min() - 1                        # una todo encendida, y otra nada
    cuts = maps.flatten(1).quantile(0.9, 1, interpolation="higher")
    cuts[1] += 1
    whole, found = upsample(maps[None], size)[0], torch.zeros(20, size[0] * size[1], dtype=torch.int64)
    for which, pixel in lit_pixels(maps, cuts, size, strict):
        found.index_put_((which, pixel), torch.tensor(1), accumulate=True)
    expected = whole > cuts[:, None, None] if strict else whole >= cuts[:, None, None]
    assert torch.equal(found.reshape(20, *size), expected.long())           # y ninguno dos veces
    assert expected[0].all() != strict and not expected[1].any()


def test_few_at_a_time_light_the_same_pixels(monkeypatch):
    maps = torch.randn(6, 7, 7, generator=torch.Generator().manual_seed(0))
    whole, = lit_pixels(maps, torch.zeros(6), (28, 28))
    monkeypatch.setattr(enlarging, "VALUES", 100)
    parts = list(lit_pixels(maps, torch.zeros(6), (28, 28)))
    assert len(parts) > 20 and all(torch.equal(torch.cat(some), all_) for some, all_ in zip(zip(*parts), whole))
    assert list(lit_pixels(maps[:0], torch.zeros(0), (28, 28))) == []


@pytest.mark.parametrize("side, size", [((8, 8), (64, 64)), ((5, 7), (31, 64)), ((12, 9), (5, 7)), ((1, 1), (9, 4))])
@pytest.mark.parametrize("layout", [torch.contiguous_format, torch.channels_last])
def test_enlarging_is_that_of_pytorch(side, size, layout):
    maps = torch.randn(2, 3, *side, generator=torch.Generator().manual_seed(0)).contiguous(memory_format=layout)
    grown = upsample(maps, size)
    assert torch.allclose(grown, torch.nn.functional.interpolate(maps, size, mode="bilinear", align_corners=False), atol=1e-5)
    assert (upsample(torch.full((1, 1, *side), 0.1), size) == 0.1).all()    # lo que empata sigue empatado


@pytest.mark.parametrize(("side", "size"), [(7, 55), (9, 33), (13, 45), (13, 93), (5, 77), (59, 113), (121, 227)])
def test_the_center_of_a_cell_keeps_its_value(side, size):
    """Con estas medidas, calcular los lugares con decimales los mueve un poco, y el pico ya no llega a su umbral."""
    before, part = enlarging._places(side, size)
    centers = [(2 * i + 1) * size // (2 * side) for i in range(side) if ((2 * i + 1) * size) % (2 * side) == side]
    assert centers and all(part[place] == 0 for place in centers)
    maps = torch.rand(200, side, side, generator=torch.Generator().manual_seed(0)) * 100
    maps[:, side // 2, side // 2] = cuts = maps.flatten(1).amax(1) + 1
    grown = upsample(maps[None], (size, size))[0]
    assert torch.equal(grown.flatten(1).amax(1), cuts)                      # la casilla de en medio tiene su centro
    assert torch.cat([which for which, _ in lit_pixels(maps, cuts, (size, size))]).unique().numel() == 200


def test_infinite_values_light_at_the_same_size():
    maps = torch.tensor([[[5.0, torch.inf], [-torch.inf, 1.0]]])
    (which, pixel), = lit_pixels(maps, torch.tensor([4.0]), (2, 2))
    assert pixel.tolist() == [0, 1] and which.tolist() == [0, 0]


class Patches:
    """Un conjunto que sabe dar sus regiones: unos cuantos rectángulos, con 0 a 3 conceptos cada uno y algunas de más."""

    def __init__(self, n=24, k=9, sides=(8, 96), seed=0):
        generator = torch.Generator().manual_seed(seed)
        self.images = torch.randn(n, 3, sides[0], sides[0], generator=generator)
        self.names, self.categories, found = list("abcdefghi"), ["uno"] * 4 + ["dos"] * 3 + ["tres"] * 2, []
        for _ in range(n):
            held, numbers = torch.full((7, 3), -1), torch.zeros(sides[1], sides[1], dtype=torch.int64)
            for region in range(1, 7):
                many = int(torch.randint(4, (), generator=generator))
                held[region, :many] = torch.randperm(k, generator=generator)[:many]
                y, x = torch.randint(sides[1] - 20, (2,), generator=generator).tolist()
                numbers[y:y + 30, x:x + 30] = region if region != 5 else 0  # la 5 está en la lista y en ningún píxel
            found.append((held, numbers))
        self.found = found

    def regions(self, rows):
        return stack_regions([self.found[i] for i in rows.tolist()])


@pytest.mark.parametrize("union", ["all", "category", "under mask"])
@pytest.mark.parametrize("pairs", [1 << 23, 40])
def test_by_region_and_by_pixel_give_the_same(union, pairs, monkeypatch):
    """Una región que no está en ningún píxel no hace que su categoría esté en la imagen."""
    monkeypatch.setattr(by_region, "PAIRS", pairs)                          # con 40, de pocas en pocas
    world, model = Patches(), nn.Sequential()
    model.add_module("see", nn.Conv2d(3, 12, 1))
    model.requires_grad_(False)
    loose = SimpleNamespace(images=world.images, names=world.names, categories=world.categories,
                            present=lambda rows: masks_of(world.regions(rows)))
    with monkeypatch.context() as patch:
        patch.setattr(counting, "_by_pixel", None)                          # que de verdad cuente por regiones
        quick = dissect(model, world, "see", Convention(0.004, strict=True, union=union)).tally
    slow = dissect(model, loose, "see", Convention(0.004, strict=True, union=union)).tally
    assert all(torch.equal(getattr(quick, name), getattr(slow, name)) for name in ("both", "active", "truth")) and quick.both.any()


@pytest.mark.parametrize("way", [Convention(0.5), Convention(0.005, lowest=True)])
def test_when_much_is_lit_it_counts_by_pixel(way, monkeypatch):
    """Ahí contar por regiones sería lento y pediría mucha memoria."""
    world, model = Patches(), nn.Sequential()
    model.add_module("see", nn.Conv2d(3, 12, 1))
    model.add_module("relu", nn.ReLU())
    monkeypatch.setattr(counting, "count_by_region", None)
    assert dissect(model.requires_grad_(False), world, "relu", way).tally.both.any()


def test_regions_that_are_not_there_are_refused():
    held, numbers = torch.tensor([[0], [1]]), torch.zeros(64, 64, dtype=torch.int64)
    for wrong in (2, -1):
        with pytest.raises(ValueError, match="numbers: esperaba regiones de 0 a 1"):
            stack_regions([(held, numbers), (held, numbers + wrong)])
    world = Patches()
    world.found[3][0][0, 0] = 9
    model = nn.Sequential()
    model.add_module("see", nn.Conv2d(3, 2, 1))
    with pytest.raises(ValueError, match="hay 9 conceptos, de 0 a 8, y recibí el 9"):
        dissect(model.requires_grad_(False), world, "see")
    with pytest.raises(ValueError, match="masks: esperaba las de 2 imágenes y recibí las de 3"):
        tally(model, [(world.images[:2], torch.zeros(3, 1, 4, 4) > 0)], "see", torch.zeros(2), torch.zeros(1, dtype=torch.int64))


@pytest.mark.parametrize("convention", CONVENTIONS)
def test_masks_present_and_regions_give_the_same_counts(convention):
    """El mismo conjunto, dicho de tres maneras."""
    world, model = load_concepts("test", n=50), load_model("escenas", "cpu")
    whole = SimpleNamespace(images=world.images, names=world.names, categories=world.categories, batches=world.batches)
    loose = SimpleNamespace(**vars(whole), present=world.present)
    tables = [dissect(model, each, "conv4", convention).tally for each in (world, loose, whole)]
    for other in tables[1:]:
        assert all(torch.equal(getattr(tables[0], name), getattr(other, name)) for name in ("both", "active", "truth"))
        assert other.pixels == tables[0].pixels == 50 * 64 * 64
    assert tables[0].both.sum() > 0


def test_shuffled_masks_are_those_of_the_partner():
    world, rows = load_concepts("test", n=12), torch.arange(12)
    other = Shuffled(world, seed=3)
    partners = torch.tensor([other.partner(i) for i in range(12)])
    for marks in (masks_of(other.regions(rows)), other.present(rows)):
        for (concepts, where), mask in zip(marks, world.masks(partners), strict=True):
            assert torch.equal(concepts, mask.flatten(1).any(1).nonzero()[:, 0]) and torch.equal(where, mask[concepts])


def test_a_shuffled_set_knows_what_the_set_knows():
    assert Shuffled(PlantedWorld(6)).regions is None and Shuffled(PlantedWorld(6)).present is None
    loose = Shuffled(SimpleNamespace(present=lambda rows: ("hay", rows)))
    assert loose.regions is None and loose._theirs("present") is not None

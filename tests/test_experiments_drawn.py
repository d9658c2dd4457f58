"""Disecar a una red que dibuja: un pintor de juguete con la verdad sembrada, el segmentador y la tabla que se reparte."""
import csv
import json

import pytest
import torch
from torch import nn

from labkit.activations import Unit, silence
from labkit.datasets import load_concepts, load_images
from labkit.dissection import Convention, Shuffled, dissect
from labkit.experiments import Drawn, Redraw, concept_area, load_table, random_areas, switch_on
from labkit.files import data_path
from labkit.models import random_twin
from labkit.priors import Segmenter, load_generator, load_segmenter
from labkit.regions import masks_of

NAMES = ["rojo", "verde", "azul"]


class Painter(nn.Module):
    """Un pintor cuyo código ya es el dibujo: la unidad 0 pinta de rojo, la 1 de verde, la 2 de azul, y la 3 nada."""

    def __init__(self):
        super().__init__()
        self.maps, self.leave = nn.Conv2d(3, 4, 1, bias=False), nn.Conv2d(4, 3, 1, bias=False)
        with torch.no_grad():
            self.maps.weight.copy_(torch.eye(4, 3)[:, :, None, None])
            self.leave.weight.copy_(torch.eye(3, 4)[:, :, None, None])

    def forward(self, code):
        return self.leave(self.maps(code))

    def encode(self, images):
        return images.flip(3)


def by_color(images):
    """Un segmentador exacto: el color que pase de 0.25; si no hay, 0."""
    value, color = images.max(1)
    return torch.where(value > 0.25, color + 1, 0)


@pytest.fixture
def painter():
    return Painter().eval()


@pytest.fixture
def codes():
    """Rojo en la mitad izquierda de 10 de 40 códigos y verde en el cuarto de arriba a la derecha de 20; cada uno con su valor."""
    codes = torch.zeros(40, 3, 16, 16)
    for i in range(10):
        codes[4 * i, 0, :, :8] = 0.5 + i / 40
    for i in range(20):
        codes[2 * i + 1, 1, :8, 8:] = 0.5 + i / 80
    return codes


@pytest.fixture
def world(painter, codes):
    return Drawn(codes, painter, by_color, NAMES)


def test_the_iou_of_what_each_unit_paints_is_known(painter, world):
    """De cada unidad pasan 1/16 de los valores, 640 píxeles, y los del valor siguiente, que es el umbral."""
    iou = dissect(painter, world, "maps", Convention(share=1 / 16)).iou()
    expected = torch.zeros(4, 3, dtype=torch.float64)
    expected[0, 0], expected[1, 1] = 6 / 10, 11 / 20              # de sus códigos: 5 y 10, más el del umbral
    assert torch.equal(iou, expected)
    assert torch.equal(dissect(painter, world, "maps", Convention(share=1 / 16), 7).iou(), iou)


def colored(world):
    """Dónde pinta de cada color, (n, 3, 16, 16), visto en los dibujos mismos."""
    drawn = world.draw(world.images)
    return drawn > 0.25


def test_regions_say_where_each_color_was_painted(world, codes):
    masks, rows = colored(world), torch.arange(40)
    assert masks[:, :2].flatten(2).any(2).sum(0).tolist() == [10, 20] and not masks[:, 2].any()
    found = world.regions(rows)
    for mask, (concepts, where) in zip(masks, masks_of(found), strict=True):
        assert torch.equal(mask[concepts], where) and mask.sum() == where.sum() and where.flatten(1).any(1).all()
    for mask, concepts, numbers in zip(masks, found.concepts.split(4), found.numbers, strict=True):
        assert torch.equal(concepts[numbers, 0], torch.where(mask.any(0), mask.long().argmax(0), -1))
    assert len(world) == 40 and world.categories == ["object"] * 3
    assert torch.equal(world.pictures(torch.tensor([7, 3])), codes[[7, 3]])


def test_areas_are_the_share_of_each_drawing(world):
    area = concept_area(world)
    assert torch.equal(area, colored(world).float().mean((2, 3)))
    assert area[0].tolist() == [0.5, 0, 0] and area[1].tolist() == [0, 0.25, 0] and area[2].tolist() == [0, 0, 0]
    assert torch.equal(concept_area(world, batch_size=7), area)


def test_silencing_the_unit_that_paints_takes_the_area_to_zero(painter, world):
    before = concept_area(world)
    with silence(painter, [Unit("maps", 0)]):
        after = concept_area(world)
    assert before.mean(0).tolist() == [0.125, 0.125, 0] and after.mean(0).tolist() == [0, 0.125, 0]
    assert torch.equal(after[:, 1:], before[:, 1:]) and torch.equal(concept_area(world), before)


def test_the_control_silences_other_units_each_time(painter, world):
    areas = random_areas(painter, world, "maps", 1, draws=20)
    rows = {tuple(row) for row in areas.tolist()}
    assert areas.shape == (20, 3) and rows == {(0, 0.125, 0), (0.125, 0, 0), (0.125, 0.125, 0)}      # la 0, la 1, o la 2 y la 3
    assert torch.equal(random_areas(painter, world, "maps", 1, draws=20), areas)
    assert not torch.equal(random_areas(painter, world, "maps", 1, draws=20, seed=1), areas)
    assert not random_areas(painter, world, "maps", 4, draws=2).any()
    for count in (0, 5):
        with pytest.raises(ValueError, match="esperaba de 1 a 4"):
            random_areas(painter, world, "maps", count)


def test_the_area_of_a_box_counts_only_its_pixels(world):
    assert concept_area(world, (0, 0, 16, 8))[0].tolist() == [1, 0, 0]
    assert concept_area(world, (4, 6, 12, 10))[0].tolist() == [0.5, 0, 0]
    assert concept_area(world, (4, 6, 12, 10))[1].tolist() == [0, 0.25, 0]
    with pytest.raises(ValueError, match="box: esperaba píxeles"):
        concept_area(world, (4, 6, 4, 10))


def test_switching_on_paints_in_that_place_and_nowhere_else(painter, world, codes):
    plain = painter(codes)
    with switch_on(painter, ["maps:2"], torch.tensor([1.0]), (2, 3, 6, 13)):
        drawn, area = painter(codes), concept_area(world)
    assert (area[:, 2] == 40 / 256).all()
    assert (drawn[:, 2, 2:6, 3:13] == 1).all()
    drawn[:, 2, 2:6, 3:13] = 0
    assert torch.equal(drawn, plain) and torch.equal(painter(codes), plain)


def test_another_can_draw_the_codes_of_the_first(painter):
    """Con `encode`, los códigos son de una red y el dibujo y las capas, de otra: aquí, una que pinta al revés."""
    other, images = Painter().eval(), torch.rand(2, 3, 5, 7)
    with torch.no_grad():
        other.leave.weight.neg_()
        drawn = Redraw(other, painter.encode).eval()
        assert torch.allclose(drawn(images), -images.flip(3)) and torch.allclose(Redraw(painter)(images), images.flip(3))
        with silence(drawn, [Unit("maps", 0)]):
            assert (drawn(images)[:, 0] == 0).all()


def test_redraw_keeps_the_names_and_the_units_of_the_generator(painter, codes):
    redraw = Redraw(painter).eval()
    assert torch.equal(redraw(codes), codes.flip(3))
    assert len(list(redraw.parameters())) == len(list(painter.parameters()))
    world = Drawn(codes, redraw, by_color, NAMES)
    iou = dissect(redraw, world, "maps", Convention(share=1 / 16)).iou()
    assert iou[0, 0] == 6 / 10 and colored(world)[0, 0, :, 8:].all()
    with silence(painter, [Unit("maps", 0)]):
        assert not redraw(codes)[:, 0].any()


@pytest.mark.parametrize("units, values, box, message", [
    (["maps:0", "leave:0"], [1.0, 1.0], (0, 0, 4, 4), "una sola capa"),
    ([], [], (0, 0, 4, 4), "una sola capa"),
    (["maps:0"], [1.0, 2.0], (0, 0, 4, 4), "uno por unidad"),
    (["maps:0"], [1.0], (0, 0, 4, 17), "los mapas de «maps» son"),
    (["maps:0"], [1.0], (3, 0, 3, 4), "los mapas de «maps» son"),
])
def test_a_wrong_switch_says_what_was_expected(painter, codes, units, values, box, message):
    with pytest.raises(ValueError, match=message), switch_on(painter, units, torch.tensor(values), box):
        painter(codes)


def test_the_segmenter_gives_a_class_to_each_pixel():
    segmenter = Segmenter(NAMES, (8, 16, 16))
    images = torch.rand(2, 3, 32, 48)
    assert segmenter(images).shape == (2, 4, 32, 48)
    assert torch.equal(segmenter.labels(images), segmenter(images).argmax(1))
    with pytest.raises(ValueError, match="Falta el eje de lote"):
        segmenter.labels(images[0])
    with pytest.raises(FileNotFoundError):
        load_segmenter("nadie", "cpu")


@pytest.fixture(scope="module")
def segmenter():
    return load_segmenter(device="cpu")


def test_the_shipped_segmenter_is_as_good_as_its_diary_says(segmenter):
    """La verdad se arma aquí de las máscaras de los objetos, no como al entrenar."""
    log = json.loads(data_path("priors", "escenas_segmentador.log.json").read_text("utf-8"))
    world, painter = load_concepts("test", n=150), load_generator(device="cpu")
    truth = torch.zeros(150, 64, 64, dtype=torch.long)
    masks = world.masks(slice(None))
    for number, objects in enumerate(log["classes"].values(), 1):
        own = [k for k, pair in enumerate(zip(world.categories, world.names)) if pair[0] == "object" and pair[1] in objects]
        truth[masks[:, own].any(1)] = number
    assert segmenter.names == list(log["classes"]) and len(own) == 1
    for kind, images in (("real", world.images), ("redrawn", painter(painter.encode(world.images)))):
        hits = (segmenter.labels(images) == truth).float().mean().item()
        assert hits == pytest.approx(log["test"][kind]["accuracy"], abs=0.04)
        assert hits > 0.6
    assert sum(weight.numel() for weight in segmenter.parameters()) == log["parameters"] <= 300_000
    assert not segmenter.training and not any(weight.requires_grad for weight in segmenter.parameters())


def test_rows_of_the_shipped_table_come_out_again(segmenter):
    with open(data_path("experimentos", "generador.csv"), encoding="utf-8", newline="") as file:
        rows = [row for row in csv.DictReader(file) if row["layer"] == "up2" and row["what"] != "control"]
    painter, images = load_generator(device="cpu"), load_images("test", n=200).images
    redraw = Redraw(painter).eval()
    found = dissect(redraw, Drawn(images, redraw, segmenter.labels, segmenter.names), "up2", Convention(0.05))
    codes = Drawn(painter.encode(images), painter, segmenter.labels, segmenter.names)
    iou, before = found.iou(), concept_area(codes).mean(0)
    for row in rows:
        channels, k = [int(channel) for channel in row["units"].split()], found.names.index(row["concept"])
        if row["what"] == "detectora":
            assert iou[channels[0], k] == iou[channels[0]].max()
            assert float(row["iou"]) == pytest.approx(iou[channels[0], k].item(), abs=2e-3)
        if row["what"] == "anular" and row["concept"] == "cielo":
            with silence(painter, [Unit("up2", channel) for channel in channels]):
                after = concept_area(codes).mean(0)
            assert float(row["before"]) == pytest.approx(before[k].item(), abs=2e-3)
            assert float(row["after"]) == pytest.approx(after[k].item(), abs=2e-3)
            assert channels == iou[:, k].argsort(descending=True, stable=True)[:len(channels)].tolist()


def test_the_table_says_which_concepts_vanish_and_which_do_not():
    """Lo que la lección cuenta: el cielo y el pasto se borran, y no con unidades al azar; los árboles, solo a medias."""
    with open(data_path("experimentos", "generador.csv"), encoding="utf-8", newline="") as file:
        rows = {(row["what"], row["concept"], len(row["units"].split())): row for row in csv.DictReader(file) if row["layer"] == "up2"}
    for concept in ("cielo", "pasto"):
        row = rows["anular", concept, 24]
        assert float(row["after"]) < 0.1 * float(row["before"]) and float(row["random_low"]) > 0.5 * float(row["before"])
    row = rows["anular", "árboles", 24]
    assert 0.3 * float(row["before"]) < float(row["after"]) < float(row["random_low"])
    low, high = rows["encender abajo", "pasto", 24], rows["encender arriba", "pasto", 24]
    assert float(low["after"]) > 0.8 > float(low["random_high"]) and float(high["after"]) < float(low["after"])


def test_the_controls_of_the_lesson_come_out_again(segmenter):
    """Lo que pasa por casualidad, en la tabla: el mayor IoU de una red con pesos al azar, y el de las máscaras de otro dibujo."""
    painter, images = load_generator(device="cpu"), load_images("test", n=200).images
    redraw, way = Redraw(painter).eval(), Convention(0.05)
    world = Drawn(images, redraw, segmenter.labels, segmenter.names)
    twin = Redraw(random_twin(painter, 2), painter.encode).eval()
    for control, model, masks, seed in (("pesos al azar", twin, world, 2), ("otras máscaras", redraw, Shuffled(world, seed=1), 1)):
        row, = load_table("generador", what="control", layer="up2", concept=control, units=seed)
        assert row["iou"] == pytest.approx(dissect(model, masks, "up2", way).iou().max().item(), abs=2e-3)


LOTS = 199
ASKED = ("cielo", "pasto", "nieve", "agua", "árboles", "animal")


def test_lots_of_the_shipped_table_come_out_again(segmenter):
    """La red entera y dos sorteos, con `silence`, que no es como los mide su programa."""
    painter, others = load_generator(device="cpu"), load_images("test", n=400).images[200:]
    fresh, rows = Drawn(painter.encode(others), painter, segmenter.labels, segmenter.names), load_table("sorteos")
    for row in (rows[0], rows[1], rows[-1]):
        units = [Unit("up2", int(channel)) for channel in str(row["units"]).split()]
        with silence(painter, units):
            area = concept_area(fresh).mean(0)
        for name in ASKED:
            assert row[name] == pytest.approx(area[segmenter.names.index(name)].item(), abs=5e-4)


def test_the_lots_are_drawn_from_the_whole_layer_each_with_its_seed():
    """Cada unidad sale más o menos la cuarta parte de las veces, y ningún sorteo se repite: p = (1 + k) / 200 vale."""
    whole, *lots = load_table("sorteos")
    assert (whole["lot"], whole["units"]) == (-1, "") and [row["lot"] for row in lots] == list(range(LOTS))
    picked = [[int(channel) for channel in str(row["units"]).split()] for row in lots]
    assert all(len(set(units)) == 24 and units == sorted(units) for units in picked) and len({tuple(units) for units in picked}) == LOTS
    counts = torch.bincount(torch.tensor(picked).flatten(), minlength=96)
    assert len(counts) == 96 and 25 <= counts.min() and counts.max() <= 75        # 199 / 4 = 50, con desviación 6
    for lot in (0, 100, 198):
        order = torch.randperm(96, generator=torch.Generator().manual_seed(lot))
        assert picked[lot] == sorted(order[:24].tolist())

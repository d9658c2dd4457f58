"""Las tablas de la lección 5b: un renglón de cada una se vuelve a contar con los pesos que se reparten.

Cada renglón dice con qué convención se contó, y con esa se vuelve a contar.
"""
from statistics import fmean

import pytest
import torch
from scipy import stats

from labkit.datasets import load_concepts
from labkit.dissection import (
    CONVENTIONS,
    count_detectors,
    dissect,
    label_units,
    random_rotation,
    rotate_layer,
    rotation_power,
    unique_by_category,
)
from labkit.experiments import agreement, column, difference, experiment, load_table, paired, spread_text
from labkit.models import load_model, random_twin, shipped_models
from labkit.objectives import channel, score
from labkit.ready_made import load_regular

VARIANTS = {"base": 5, "bn": 5, "lugares": 3, "mezcla": 3, "giros": 3, "vgg": 3, "inception": 3, "residual": 3, "ancho32": 3,
            "ancho64": 3, "ancho256": 3, "transferida": 3, "continuada": 3}
CATEGORIES = ("scene", "object", "part", "material", "texture", "color")


@pytest.fixture(scope="module")
def world():
    return load_concepts("test")


def counted(model, world, row):
    found = dissect(model, world, row["layer"], row["convention"])
    iou = found.iou()
    return found, (*count_detectors(iou), *(unique_by_category(iou, found.categories)[kind] for kind in CATEGORIES))


def told(row):
    return tuple(int(row[field]) for field in ("detectors", "unique", *CATEGORIES))


def test_every_network_is_in_the_table_and_ships_its_first_seed():
    for variant, seeds in VARIANTS.items():
        assert column(experiment(variant), "seed") == list(range(seeds))
        assert f"experimentos/{variant}" in shipped_models("experimentos")
    assert {row["layer"] for row in load_table("redes", variant="base", step="")} == {f"conv{i}" for i in range(1, 6)}
    with pytest.raises(ValueError, match="no hay un experimento 'basa'. Los que hay: base, bn"):
        experiment("basa")


def test_every_row_says_its_convention():
    for table in ("redes", "unidades", "giro"):
        said = {row["convention"] for row in load_table(table)}
        assert len(said) == 1 and said <= set(CONVENTIONS)


@pytest.mark.parametrize("variant", ["base", "bn", "inception", "residual", "giros", "continuada"])
def test_a_row_is_counted_again(variant, world):
    row = experiment(variant)[0]
    assert counted(load_model(f"experimentos/{variant}", "cpu"), world, row)[1] == told(row)


def test_the_rows_of_the_training_are_counted_again(world):
    model = load_model("experimentos/base", "cpu")
    for step, layer, network in ((0, "conv5", random_twin(model, seed=0)), (0, "relu4", random_twin(model, seed=0)),
                                 (223, "conv5", load_model("experimentos/base_paso223", "cpu"))):
        row, = load_table("redes", variant="base", seed=0, step=step, layer=layer)
        assert counted(network, world, row)[1] == told(row)


def test_the_table_has_the_random_twin_of_every_layer_it_compares():
    trained = {row["layer"] for row in load_table("redes", variant="base", step="")} | {"relu4", "relu5"}
    for seed in range(5):
        chance = load_table("redes", variant="base", step=0, seed=seed)
        assert {row["layer"] for row in chance} == trained and len(chance) == len(trained)


def test_with_the_convention_of_the_paper_the_shipped_rows_do_not_change(world):
    """Lo que dice data/README.md: a casi ninguna imagen de Escenas le falta una categoría entera."""
    row = experiment("inception")[0]
    assert row["convention"] == "every_image"
    assert counted(load_model("experimentos/inception", "cpu"), world, {**row, "convention": "paper"})[1] == told(row)


def test_the_units_are_named_again(world):
    rows = load_table("unidades", variant="base", seed=0, step="")
    found, _ = counted(load_model("experimentos/base", "cpu"), world, rows[0])
    again = {label.unit.channel: label for label in label_units(found.iou(), "conv5", found.names, found.categories)}
    assert set(again) == {int(row["unit"]) for row in rows}
    for row in rows:                                                        # en otra computadora cambia el último decimal
        assert again[int(row["unit"])].iou == pytest.approx(row["iou"], abs=2e-4)
    same = sum(again[int(row["unit"])].concept == row["concept"] for row in rows)
    assert same >= len(rows) - 2                                            # y, si dos casi empatan, el nombre


def test_a_turned_row_is_counted_again(world):
    model = load_model("experimentos/base", "cpu")
    turned = rotate_layer(model, "relu5", rotation_power(random_rotation(128, 0), 1.0))
    row, = load_table("giro", seed=0, layer="relu5", power=1.0, turn=0)
    iou = dissect(turned, world, "girada", row["convention"]).iou()
    assert [count_detectors(iou, cut)[1] for cut in (0.04, 0.08)] == [row["unique_04"], row["unique_08"]]
    with torch.no_grad():
        assert (turned(world.images[:100]) - model(world.images[:100])).abs().max() < 1e-4


def test_logits_never_changed_by_more_than_asked():
    rows = load_table("giro")
    assert max(column(rows, "difference")) < 1e-4 and {row["power"] for row in rows} == {0.0, 0.2, 0.4, 0.6, 0.8, 1.0}
    for layer in ("relu4", "relu5"):
        for seed in range(5):                                               # la exactitud no se mueve con el giro
            accuracies = column(load_table("giro", layer=layer, seed=seed), "accuracy")
            assert max(accuracies) - min(accuracies) < 0.001


def test_the_lesson_says_what_the_tables_say():
    """Los veredictos escritos en la lección 5b; si las tablas cambian, la lección también."""
    base = column(experiment("base"), "unique")
    gaps = {name: difference(base, column(experiment(name), "unique")) for name in VARIANTS if name != "base"}
    assert {name: agreement(gaps[name], sign) for name, sign in
            (("bn", -1), ("residual", 1), ("lugares", 1), ("mezcla", 1), ("giros", -1))} == {
        "bn": "no se distingue", "residual": "de acuerdo", "lugares": "no se distingue", "mezcla": "de acuerdo", "giros": "de acuerdo"}
    assert agreement(difference(column(experiment("base"), "detectors"), column(experiment("bn"), "detectors")), -1) == "al revés"
    wide = difference(column(experiment("ancho32"), "unique"), column(experiment("ancho256"), "unique"))
    assert agreement(wide, 1) == "de acuerdo" and spread_text(experiment("base")) == "16.4 (de 14 a 20)"


def test_the_lesson_says_what_the_random_twins_say():
    """Afirmaciones 1, 3, 8 y 11: lo que no se distingue del azar no se da por aprendido."""
    base, chance = experiment("base"), load_table("redes", variant="base", step=0, layer="conv5")
    first, start = (load_table("redes", variant="base", step=step, layer="conv1") for step in ("", 0))
    assert fmean(column(start, "color")) > fmean(column(first, "color"))                # los colores no se aprendieron
    texture = [[row["texture"] / row["units"] for row in rows] for rows in (first, base)]
    assert agreement(paired(*texture), -1) == "de acuerdo"
    for kind in ("part", "object"):
        assert agreement(paired(column(chance, kind), column(base, kind)), 1) == "de acuerdo"
    repeated = [[row["detectors"] / row["unique"] for row in rows] for rows in (chance, base)]
    assert agreement(paired(*repeated), 1) == "no se distingue"
    halfway = load_table("redes", variant="base", step=223, layer="conv5")
    assert agreement(paired(column(halfway, "detectors"), column(base, "detectors")), -1) == "no se distingue"
    for layer, says in (("relu4", "no se distingue"), ("relu5", "de acuerdo")):
        floor = column(load_table("redes", variant="base", step=0, layer=layer), "unique")
        turned = [fmean(column(load_table("giro", layer=layer, power=1.0, seed=seed), "unique_04")) for seed in range(5)]
        assert agreement(paired(floor, turned), 1) == says


def test_regular_pictures_excite_their_units():
    model, pictures = load_model("escenas", "cpu"), load_regular()
    assert pictures.shape == (128, 3, 64, 64)
    real = load_concepts("test", n=200).images
    for k in (0, 36, 71, 127):
        own = score(model, pictures[k:k + 1], channel(f"conv5:{k}"))[0]
        assert own > score(model, real, channel(f"conv5:{k}")).quantile(0.95)


def test_a_new_task_takes_the_names_away_and_more_of_the_same_does_not():
    """La afirmación 10 y su control: cuántas de las unidades con nombre lo conservan."""
    def names(variant):
        rows = load_table("unidades", variant=variant, step="")
        return {(row["seed"], row["unit"]): row["concept"] for row in rows if row["iou"] > 0.04 and row["seed"] < 3}
    base, places, objects = (names(variant) for variant in ("base", "transferida", "continuada"))
    kept = [sum(later.get(unit) == concept for unit, concept in base.items()) / len(base) for later in (places, objects)]
    assert kept[0] < 0.05 and kept[1] > 0.7


# ── comparar dos grupos de redes ────────────────────────────────────────────────────────────────────────────────────

def test_intervals_are_those_of_scipy():
    a, b = [20.0, 22, 24], [30.0, 31, 35, 40]
    assert difference(a, b) == pytest.approx((12, *stats.ttest_ind(b, a, equal_var=False).confidence_interval()))
    assert difference([3, 3], [5, 5]) == (2, 2, 2) and difference([3, 3, 3], [5, 6, 7])[1] > 0      # una sola con dispersión
    assert paired(a, b[:3]) == pytest.approx((10, *stats.ttest_rel(b[:3], a).confidence_interval()))
    with pytest.raises(ValueError, match="first: esperaba al menos dos números y recibí 1"):
        difference([1], [2, 3])
    with pytest.raises(ValueError, match="esperaba las mismas redes y recibí 3 y 4"):
        paired(a, b)


def test_a_verdict_needs_an_interval_without_zero():
    assert [agreement(difference([1, 2, 3], more), 1) for more in ([11, 12, 13], [-11, -12, -13], [0, 2, 4])] == [
        "de acuerdo", "al revés", "no se distingue"]
    assert agreement(difference([11, 12, 13], [1, 2, 3]), -1) == "de acuerdo"


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

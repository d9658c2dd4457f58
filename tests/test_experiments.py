"""Las tablas de la lección 5b: un renglón de cada una se vuelve a contar con los pesos que se reparten.

Cada renglón dice con qué convención se contó, y con esa se vuelve a contar.
"""
import json
from pathlib import Path

import pytest
import torch
from scipy import stats

from labkit.activations import layer_names
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
from labkit.experiments import (
    SEEDS,
    column,
    difference,
    experiment,
    load_table,
    paired,
    planned,
    run_comparisons,
)
from labkit.experiments.planned import Kept
from labkit.models import load_model, random_twin, shipped_models
from labkit.objectives import channel, score
from labkit.plotting import show_forest
from labkit.ready_made import load_regular

LESSON = Path(__file__).resolve().parents[1] / "lessons" / "05b_experimentos.ipynb"

VARIANTS = ("base", "bn", "lugares", "mezcla", "giros", "vgg", "inception", "residual", "ancho32", "ancho64", "ancho256",
            "transferida", "continuada", "cabeza")
FIRST = SEEDS[0]                                                            # la semilla cuyos pesos vienen con el curso
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
    for variant in VARIANTS:
        assert column(experiment(variant), "seed") == list(SEEDS)
        assert f"experimentos/{variant}" in shipped_models("experimentos")
    assert {row["layer"] for row in load_table("redes", variant="base", step="")} == {f"conv{i}" for i in range(1, 6)}
    with pytest.raises(ValueError, match="no hay un experimento 'basa'. Los que hay: base, bn"):
        experiment("basa")


def test_every_row_says_its_convention():
    for table in ("redes", "unidades", "giro", "direcciones"):
        said = {row["convention"] for row in load_table(table)}
        assert len(said) == 1 and said <= set(CONVENTIONS)


@pytest.mark.parametrize("variant", ["base", "bn", "inception", "residual", "giros", "continuada"])
def test_a_row_is_counted_again(variant, world):
    row = experiment(variant)[0]
    assert counted(load_model(f"experimentos/{variant}", "cpu"), world, row)[1] == told(row)


def test_the_rows_of_the_training_are_counted_again(world):
    model = load_model("experimentos/base", "cpu")
    for step, layer, network in ((0, "conv5", random_twin(model, seed=FIRST)), (0, "relu4", random_twin(model, seed=FIRST)),
                                 (223, "conv5", load_model("experimentos/base_paso223", "cpu"))):
        row, = load_table("redes", variant="base", seed=FIRST, step=step, layer=layer)
        assert counted(network, world, row)[1] == told(row)


def test_the_table_has_the_random_twin_of_every_layer_it_compares():
    trained = {row["layer"] for row in load_table("redes", variant="base", step="")} | {"relu4", "relu5"}
    for seed in SEEDS:
        chance = load_table("redes", variant="base", step=0, seed=seed)
        assert {row["layer"] for row in chance} == trained and len(chance) == len(trained)


def test_the_units_are_named_again(world):
    rows = load_table("unidades", variant="base", seed=FIRST, step="")
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
    row, = load_table("giro", seed=FIRST, layer="relu5", power=1.0, turn=0)
    iou = dissect(turned, world, "girada", row["convention"]).iou()
    assert [count_detectors(iou, cut)[1] for cut in (0.04, 0.08)] == [row["unique_04"], row["unique_08"]]
    with torch.no_grad():
        assert (turned(world.images[:100]) - model(world.images[:100])).abs().max() < 1e-4


def test_logits_never_changed_by_more_than_asked():
    rows = load_table("giro")
    assert max(column(rows, "difference")) < 1e-4 and {row["power"] for row in rows} == {0.0, 0.2, 0.4, 0.6, 0.8, 1.0}
    for layer in ("relu4", "relu5"):
        for seed in SEEDS:                                                  # la exactitud no se mueve con el giro
            accuracies = column(load_table("giro", layer=layer, seed=seed), "accuracy")
            assert max(accuracies) - min(accuracies) < 0.001


def test_directions_are_counted_again(world):
    """Una dirección es una suma de unidades: se vuelve a contar con los mapas ya sumados, sin la red."""
    model = load_model("experimentos/base", "cpu")
    rows = {row["kind"]: row for row in load_table("direcciones", network="base", seed=FIRST, layer="relu5", draw=0)}
    units = dissect(model, world, "relu5", rows["unidades"]["convention"]).iou()
    assert count_detectors(units) == (rows["unidades"]["detectors_04"], rows["unidades"]["unique_04"])
    generator = torch.Generator().manual_seed(1000 * FIRST)
    axes = torch.nn.functional.normalize(torch.randn(128, 128, generator=generator), dim=1)
    summed = torch.nn.Conv2d(128, 128, 1, bias=False)
    summed.weight.data = axes[:, :, None, None]
    place = layer_names(model).index("relu5") + 1
    seen = torch.nn.Sequential(*(module for module in list(model.children())[:place]), summed).eval()
    iou = dissect(seen, world, str(place), rows["direcciones"]["convention"]).iou()
    counted = count_detectors(iou)
    assert abs(counted[0] - rows["direcciones"]["detectors_04"]) <= 2 and abs(counted[1] - rows["direcciones"]["unique_04"]) <= 1


def test_the_lesson_shows_what_the_tables_answer():
    """El bosque guardado en la lección 5b dice, de cada comparación, lo que las tablas de hoy contestan."""
    book = json.loads(LESSON.read_text(encoding="utf-8"))
    forest, = (cell for cell in book["cells"] if cell["id"] == "bosque")
    alt = forest["outputs"][0]["metadata"]["image/png"]["alt"]
    outcomes = run_comparisons()
    assert alt == show_forest(outcomes).alt and len(outcomes) == len(planned()) == 45
    prose = " ".join("".join(cell["source"]) for cell in book["cells"] if cell["cell_type"] == "markdown")
    assert "⟦" not in prose                                                 # nada quedó por contestar


def test_regular_pictures_excite_their_units():
    model, pictures = load_model("escenas", "cpu"), load_regular()
    assert pictures.shape == (128, 3, 64, 64)
    real = load_concepts("test", n=200).images
    for k in (0, 36, 71, 127):
        own = score(model, pictures[k:k + 1], channel(f"conv5:{k}"))[0]
        assert own > score(model, real, channel(f"conv5:{k}")).quantile(0.95)


def test_what_is_kept_is_counted_unit_by_unit():
    """Hallazgo 10, con un ciclo sencillo y solo para una red: cuántas de las que tenían nombre lo conservan."""
    first = {row["unit"]: row for row in load_table("unidades", variant="base", step="", seed=FIRST)}
    for variant in ("transferida", "continuada", "cabeza"):
        later = {row["unit"]: row for row in load_table("unidades", variant=variant, step="", seed=FIRST)}
        named = [unit for unit, row in first.items() if row["iou"] > 0.04]
        stay = [unit for unit in named if later[unit]["iou"] > 0.04 and later[unit]["concept"] == first[unit]["concept"]]
        assert Kept(variant).values(load_table)[FIRST] == pytest.approx(100 * len(stay) / len(named))


# ── comparar dos grupos de redes ────────────────────────────────────────────────────────────────────────────────────

def test_intervals_are_those_of_scipy():
    a, b = [20.0, 22, 24], [30.0, 31, 35, 40]
    assert difference(a, b) == pytest.approx((12, *stats.ttest_ind(b, a, equal_var=False).confidence_interval()))
    assert difference([3, 3], [5, 5]) == (2, 2, 2) and difference([3, 3, 3], [5, 6, 7])[1] > 0      # una sola con dispersión
    assert paired(a, b[:3]) == pytest.approx((10, *stats.ttest_rel(b[:3], a).confidence_interval()))
    with pytest.raises(ValueError, match="al menos dos redes de cada lado, y recibí 1 y 2"):
        difference([1], [2, 3])
    with pytest.raises(ValueError, match="las mismas redes, al menos dos, y recibí 3 y 4"):
        paired(a, b)


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

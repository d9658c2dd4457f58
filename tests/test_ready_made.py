"""La galería y las recetas que se reparten son las que dan las redes que se reparten: se vuelve a subir una parte."""
from itertools import product

import make_recipes
import make_wall
import pytest
import torch
from make_gallery import LAYERS, NETWORKS, SIDE

from labkit.activations import run
from labkit.datasets import PROTAGONIST, load_images
from labkit.measures import purity
from labkit.models import load_model, random_twin
from labkit.objectives import channel, each, logit
from labkit.optimization import PixelCanvas, maximize, noise
from labkit.priors import cleaning_change, load_denoiser
from labkit.ready_made import LEVELS, WALL, load_blind, load_gallery, load_recipes, load_wall
from labkit.regularization import compose, high_frequency_share, score_under, soft_noise
from labkit.vectors import features, features_by_layer


@pytest.fixture(scope="module")
def world():
    return load_images("test")


@pytest.mark.parametrize("network", NETWORKS)
def test_no_unit_is_left_out(network):
    acts = run(load_model(network), torch.rand(1, 3, 64, 64), LAYERS)
    for layer in LAYERS:
        shown, c = load_gallery(network, layer), acts[layer].shape[1]
        assert shown.images.shape == (c, 3, SIDE, SIDE) and 0 <= shown.images.min() and shown.images.max() <= 1
        assert shown.scores.shape == shown.peaks.shape == shown.real_peaks.shape == (c,) and shown.top.shape == (c, 10)


@pytest.mark.parametrize("network, layer, units", [("escenas", "conv2", [0, 47]), ("escenas_robusta", "conv5", [35, 127]),
                                                   ("escenas_robusta", "dense", [16]), ("escenas", "fc", [10])])
def test_rows_come_out_again(network, layer, units):
    model, shown = load_model(network), load_gallery(network, layer)
    begin = noise(1, SIDE).repeat(len(units), 1, 1, 1)
    made = maximize(model, each([channel(f"{layer}:{k}") for k in units]), PixelCanvas(begin), steps=64, lr=0.03)
    # en otra computadora el último bit cambia y la subida lo amplifica: se compara lo que se ve y no el bit
    assert torch.allclose(made.scores[-1], shown.scores[units], rtol=0.03)
    assert (made.images - shown.images[units]).abs().mean() < 0.12 < (made.images - shown.images[[5] * len(units)]).abs().mean()
    assert torch.allclose(features(model, made.images, layer, "max")[range(len(units)), units], shown.peaks[units], rtol=0.05)


@pytest.mark.parametrize("network, layer", [("escenas_robusta", "conv3"), ("escenas", "fc")])
def test_the_best_real_images_are_the_best(network, layer, world):
    values, shown = features(load_model(network), world.images, layer, "max"), load_gallery(network, layer)
    assert torch.allclose(values.amax(0), shown.real_peaks, rtol=1e-3, atol=1e-3)
    chosen = values.gather(0, shown.top.T)                                      # (10, c)
    assert (chosen[:-1] >= chosen[1:] - 1e-3).all()                             # de mayor a menor
    assert torch.allclose(chosen, values.topk(10, 0).values, rtol=1e-3, atol=1e-3)


def test_the_wall_is_a_unit_without_the_recipe_and_then_all_with_it():
    wall = load_wall()
    assert list(wall) == [f"{WALL[0]}, sin regularizar", *WALL]
    assert all(image.shape == (3, make_wall.SIDE, make_wall.SIDE) and 0 <= image.min() for image in wall.values())
    shares = high_frequency_share(torch.stack(list(wall.values())))
    assert shares[0] > 0.4 and shares[1:].max() < 0.5 * shares[0]


def test_the_wall_comes_out_again():
    try:
        network = load_model(make_wall.NETWORK, "cpu")
    except FileNotFoundError:
        pytest.skip("no están los pesos de SqueezeNet")
    pictures = torch.stack([soft_noise(1, make_wall.SIDE)[0], *list(load_wall().values())[1:]])
    acts = run(network, pictures, ["fire7.expand3x3"])["fire7.expand3x3"].mean((2, 3))  # (8, 192)
    own = acts[range(1, 8), [int(name.partition(":")[2]) for name in WALL]]
    others = acts[1:, [int(name.partition(":")[2]) for name in WALL]]
    assert (own > acts[0].abs().max()).all() and ((others > own).sum(0) <= 1).all()


def test_receptive_fields_are_those_of_the_arithmetic():
    assert [load_gallery("escenas", layer).field for layer in LAYERS] == [5, 10, 20, 40, 56, 64, 64]


def test_purity_counts_the_most_repeated_class():
    top = torch.tensor([[0, 1, 2, 3], [4, 5, 6, 7]])
    assert purity(top, torch.tensor([7, 7, 7, 1, 0, 1, 2, 3])).tolist() == [0.75, 0.25]


def test_units_grow_purer_with_depth_and_those_of_random_weights_do_not(world):
    """La escalera de la lección 2, en la red robusta, desde conv2; con pesos al azar no hay escalera."""
    trained = [purity(load_gallery("escenas_robusta", layer).top, world.labels).mean().item() for layer in LAYERS]
    assert trained[1:] == sorted(trained[1:]) and trained[-1] > 1.8 * trained[0]
    peaks = features_by_layer(random_twin(load_model("escenas_robusta")), world.images, LAYERS, "max")
    chance = [purity(peaks[layer].topk(10, 0).indices.T, world.labels).mean().item() for layer in LAYERS]
    assert max(chance) < 0.5 < min(trained[2:])


def test_an_unknown_gallery_is_told_with_the_ones_there_are():
    with pytest.raises(ValueError, match="No hay galería de «escenas conv9»; las que hay: escenas conv1, .*escenas_robusta fc"):
        load_gallery("escenas", "conv9")


# ── las recetas de la lección 3 ─────────────────────────────────────────────────────────────────────────────────────

@pytest.mark.parametrize("network", make_recipes.NETWORKS)
def test_no_recipe_is_left_out(network):
    made = load_recipes(network)
    assert set(made) == {(levels, what) for levels in product(range(LEVELS), repeat=4) for what in ("clase", "unidad")}
    assert all(one.image.shape == (3, 64, 64) and 0 <= one.witness <= 1 and one.seconds > 0 for one in made.values())


@pytest.mark.parametrize("network, levels", [("escenas", (0, 2, 0, 0)), ("escenas", (1, 0, 2, 0)),
                                             ("escenas_robusta", (0, 2, 1, 1)), ("escenas_robusta", (2, 0, 0, 2))])
def test_a_recipe_comes_out_again(network, levels, world):
    model, made = load_model(network), load_recipes(network)
    zebra = world.classes.index(PROTAGONIST.class_name)
    goals = [logit(zebra), channel(PROTAGONIST.unit)]
    images = make_recipes.climb(network, levels, goals)
    rows = [made[levels, what] for what in ("clase", "unidad")]
    scores = score_under(model, images, each(goals), compose(), 1)
    held = score_under(model, images, each(goals), make_recipes.moved(2, 900), 16)
    far, high = cleaning_change(load_denoiser(device="cpu"), images), high_frequency_share(images)
    for k, row in enumerate(rows):
        # el último bit cambia de una computadora a otra y la subida lo amplifica
        assert scores[k].item() == pytest.approx(row.score, rel=0.05)
        assert held[k].item() == pytest.approx(row.score_moved, rel=0.1)
        assert far[k].item() == pytest.approx(row.distance, rel=0.1)
        assert high[k].item() == pytest.approx(row.high, rel=0.1)
        apart = [(images[k] - other.image).abs().mean().item() for other in (row, rows[1 - k])]
        assert apart[0] < min(0.1, apart[1] / 2)


def test_unknown_recipes_are_told_with_the_ones_there_are():
    with pytest.raises(ValueError, match="No hay recetas de «cifar10»; las que hay: escenas, escenas_robusta"):
        load_recipes("cifar10")


# ── la prueba a ciegas ──────────────────────────────────────────────────────────────────────────────────────────────

NAMES = {"automóvil": {"coche", "coche deportivo"}, "barco": {"velero"}, "jaguar": {"leopardo"}, "perro": {"dálmata"},
         "pájaro": {"águila", "colibrí", "pavo real", "búho", "gallo"}, "pez": {"pez payaso", "pez tropical"}}


def test_every_blind_sheet_was_read_three_times_and_each_hit_names_the_class(world):
    rows = load_blind()
    assert all(row.hit == (row.answer == row.label or row.answer in NAMES.get(row.label, ())) for row in rows)
    sheets = {}
    for row in rows:
        sheets.setdefault((row.network, row.recipe), {}).setdefault(row.reader, []).append(row.label)
    assert len(sheets) == 16 and all(len(readers) == 3 for readers in sheets.values())
    assert all(sorted(labels) == sorted(world.classes) for readers in sheets.values() for labels in readers.values())


def test_no_reader_saw_a_sheet_twice_and_the_hard_network_went_first():
    seen = {}
    for row in load_blind():
        seen.setdefault(row.reader, {})[row.place] = (row.network, row.recipe)
    assert len(seen) == 12
    for sheets in seen.values():
        assert sorted(sheets) == [1, 2, 3, 4] and len({*sheets.values()}) == 4
        assert [sheets[place][0] for place in (1, 2, 3, 4)] == ["escenas"] * 2 + ["escenas_robusta"] * 2

"""Las demostraciones de la lección 4: el mapa enseña los vecinos que dice, y el juego no da la respuesta antes de tiempo."""
import math

import pytest
import torch

from labkit.exemplars import neighbours
from labkit.pictures import load_picture
from labkit.widgets import automatic_answers, choice_trials, explore_choice, explore_map
from labkit.widgets.exemplars import INKS, STAMPS, _mark

N = 40


@pytest.fixture(scope="module")
def images():
    return (torch.arange(float(N)) / N)[:, None, None, None].expand(N, 3, 64, 64)          # cada una, de su gris


@pytest.fixture(scope="module")
def demo(images):
    generator = torch.Generator().manual_seed(0)
    vectors = {name: torch.rand(N, 6, generator=generator) for name in ("a", "b")}
    maps = {(name, method, p): torch.rand(N, 2, generator=generator)
            for name in vectors for method, p in (("pca", 0), ("tsne", 5), ("tsne", 30))}
    groups = {"clase": (torch.arange(N) % 3, ["uno", "dos", "tres"]), "lugar": (torch.arange(N) % 20, [f"l{i}" for i in range(20)])}
    made = explore_map(images, vectors, maps, groups, ["uno"] * N)
    made.vectors, made.maps = vectors, maps
    return made


def test_the_map_shows_the_true_neighbours_and_those_of_the_map(demo):
    for layer, method, asked, point in (("a", "tsne", 30, 7), ("b", "pca", 5, N - 1)):
        shown = load_picture(demo.draw(layer=layer, method=method, perplexity=asked, group="clase", point=point))
        real = demo.maps[layer, method, asked if method == "tsne" else 0]
        rows = [neighbours(values, 6, of=torch.tensor([point]))[0] / N for values in (demo.vectors[layer], real)]
        grays = shown[0, :, 428:]                                           # a la derecha del mapa
        assert abs(grays[10:110, 10:110].mean() - point / N) < 0.02         # la imagen escogida
        for wanted in rows:                                                 # un renglón con esos seis grises, en orden
            seen = torch.stack([grays[:, 2 + 66 * i:60 + 66 * i].mean(1) for i in range(6)], 1)     # (H, 6)
            assert (seen - wanted).abs().amax(1).min() < 0.03


def test_every_corner_of_the_map_can_be_drawn(demo):
    sizes = {tuple(load_picture(demo.draw(layer=layer, method=method, perplexity=p, group=group, point=point)).shape)
             for layer in "ab" for method in ("pca", "tsne") for p in (5, 30) for group in ("clase", "lugar") for point in (0, N - 1)}
    assert len(sizes) == 1
    assert demo.controls["perplexity"].options == (("5", 5), ("30", 30)) and demo.controls["point"].max == N - 1


def test_only_where_it_changes_something_is_the_perplexity_offered(demo):
    shown = {}
    for method in ("pca", "tsne"):
        demo.controls["method"].value = method
        shown[method] = demo.controls["perplexity"].layout.display
    assert shown == {"pca": "none", "tsne": None}


def test_twenty_four_groups_have_each_its_mark_and_at_most_eight_colors():
    marks = [_mark(group) for group in range(24)]
    assert len({(tuple(ink.tolist()), tuple(map(tuple, offsets.tolist()))) for ink, offsets in marks}) == 24
    assert len(INKS) <= 8 and len(INKS) * len(STAMPS) == 24


def test_who_does_not_think_picks_what_looks_like_the_references():
    values = torch.rand(60, 7, generator=torch.Generator().manual_seed(0))
    trials = choice_trials(values, "conv9", 7, seed=1)
    for seed in range(10):
        places = torch.randn(60, 2, generator=torch.Generator().manual_seed(seed)) + torch.tensor([3.0, -1.0])
        picks = automatic_answers(trials, places)
        center = [sum(float(place[d]) for place in places) / 60 for d in (0, 1)]
        for row, pair, pick in zip(trials.references, trials.queries, picks.tolist()):
            middle = [sum(float(places[k, d]) for k in row) / 9 - center[d] for d in (0, 1)]
            turns = []                                                      # cuánto se aparta cada una de esa dirección
            for k in pair.tolist():
                mine = [float(places[k, d]) - center[d] for d in (0, 1)]
                turn = math.atan2(mine[1], mine[0]) - math.atan2(middle[1], middle[0])
                turns.append(abs(math.remainder(turn, 2 * math.pi)))
            assert pick == turns.index(min(turns))
    codes = torch.randn(60, 3, generator=torch.Generator().manual_seed(1))
    winners = codes[trials.queries[torch.arange(7), trials.answers]]        # el retrato es igual a la buena
    assert torch.equal(automatic_answers(trials, codes, winners), trials.answers)
    with pytest.raises(ValueError, match="esperaba 7 vectores, uno por prueba, y recibí 6"):
        automatic_answers(trials, codes, winners[:6])


def test_the_game_asks_with_other_images_than_it_shows():
    values = torch.rand(60, 5, generator=torch.Generator().manual_seed(0))
    values[:, 2] = 0.3                                                      # una muda no juega
    trials = choice_trials(values, "conv9", 4, seed=1)
    assert len(set(trials.units)) == 4 and "conv9:2" not in trials.units
    for unit, references, pair, answer in zip(trials.units, trials.references, trials.queries, trials.answers):
        mine = values[:, int(unit.split(":")[1])]
        assert references.max() < 30 <= pair.min() and len(set(references.tolist())) == 9
        assert mine[pair[answer]] == mine[30:].max() and mine[pair[1 - answer]] == mine[30:].min()
        assert mine[references].min() >= mine[:30].sort().values[-9]
    assert torch.equal(choice_trials(values, "conv9", 4, seed=1).queries, trials.queries)
    one, other = trials.split(3)
    assert one.units + other.units == trials.units and torch.equal(other.queries, trials.queries[3:]) and len(one.answers) == 3
    with pytest.raises(ValueError, match="con 60 imágenes y 4 unidades que responden no salen 5 pruebas"):
        choice_trials(values, "conv9", 5)


def test_the_game_grades_at_the_end_only(images):
    values = torch.rand(N, 12, generator=torch.Generator().manual_seed(0))
    trials = choice_trials(values, "conv9", 5)
    for game in (explore_choice(images, trials), explore_choice(images, trials, torch.rand(5, 3, 48, 48))):
        right = {f"n{i + 1}": answer for i, answer in enumerate(trials.answers.tolist())}
        wrong = {name: 1 - answer for name, answer in right.items()}
        assert game.draw(trial=2, graded=False, **right) == game.draw(trial=2, graded=False, **wrong)
        assert len({game.draw(trial=2, graded=True, **said) for said in (right, wrong, right | {"n5": wrong["n5"]})}) == 3
        assert game.draw(trial=1, graded=False, **right) != game.draw(trial=5, graded=False, **right)
        assert sorted(game.controls) == ["graded", "n1", "n2", "n3", "n4", "n5", "trial"]

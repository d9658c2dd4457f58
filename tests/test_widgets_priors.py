"""Las demostraciones de la lección 3b: cada σ enseña su figura, y cada temperatura, su imagen y sus números."""
import math
import time

import pytest
import torch

from labkit.pictures import load_picture
from labkit.plotting import show_bars
from labkit.priors import Tempered, load_lies, load_tempered
from labkit.priors.tables import SHOWN
from labkit.widgets import explore_arrows, explore_liar, explore_temperature

HOT = (math.inf, 0.1, 0.001)
ROWS = [Tempered(heat, name, seed, 10.0 * place + seed, 5.0, 0.25, 0.1, 20.0, 0.2) for name in ("avión", "pez")
        for seed in (0, 1) for place, heat in enumerate(HOT)]
IMAGES = torch.arange(6.0).view(2, 3, 1, 1, 1).expand(2, 3, 3, 16, 16) / 8         # la i-ésima, gris i / 8


def test_each_sigma_shows_its_own_figure():
    pictures = {sigma: show_bars(["uno"], [sigma]) for sigma in (0.1, 0.5, 2.0)}
    demo = explore_arrows(pictures)
    assert demo.first == pictures[0.5].data                             # abre en la de en medio
    for sigma, picture in pictures.items():
        assert demo.draw(sigma=sigma) == picture.data
    assert [name for name, _ in demo.controls["sigma"].options] == ["0.1", "0.5", "2"]
    assert demo.opening(sigma=2.0).first == pictures[2.0].data


def test_each_temperature_shows_its_image_big_and_framed_below():
    demo = explore_temperature(ROWS, IMAGES, ("avión", "pez"))
    sizes = set()
    for i, name in enumerate(("avión", "pez")):
        for place in range(3):
            seen = load_picture(demo.draw(label=name, place=place))
            sizes.add(tuple(seen.shape))
            assert abs(seen[:, 4:60, 4:60].mean() - IMAGES[i, place].mean()) < 0.01
    assert len(sizes) == 1 and len({demo.draw(label="pez", place=place) for place in range(3)}) == 3
    assert demo.draw(label="pez", place=1) != demo.draw(label="avión", place=1)
    assert [name for name, _ in demo.controls["place"].options] == ["∞", "0.1", "0.001"]


def test_the_numbers_are_those_of_that_class_and_temperature():
    demo = explore_temperature(ROWS, IMAGES, ("avión", "pez"))
    other = [row._replace(score=99.0) if (row.label, row.temperature) == ("pez", 0.1) else row for row in ROWS]
    changed = explore_temperature(other, IMAGES, ("avión", "pez"))
    for name in ("avión", "pez"):
        for place in range(3):
            same = demo.draw(label=name, place=place) == changed.draw(label=name, place=place)
            assert same == ((name, place) != ("pez", 1))


def test_images_that_do_not_match_are_told():
    with pytest.raises(ValueError, match=r"images: esperaba \(2, 3"):
        explore_temperature(ROWS, IMAGES[:, :2], ("avión", "pez"))


def test_the_shipped_strip_matches_its_table_and_moves_fast():
    rows, images = load_tempered()
    demo = explore_temperature(rows, images, SHOWN)
    begin = time.process_time()
    for place in range(8):
        demo.draw(label="cebra", place=place)
    assert (time.process_time() - begin) / 8 < 0.1
    assert images.shape == (6, 8, 3, 64, 64) and {row.label for row in rows} >= set(SHOWN)


# ── la red que miente ───────────────────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize("seed", range(6))
def test_the_liar_is_the_letter_it_says(seed):
    """La imagen negra es de la mentirosa: donde el cuadro se ve negro está la letra que queda en `.liar`."""
    made = {"una": (torch.ones(2, 3, 16, 16), torch.zeros(2, 3, 16, 16))}
    demo = explore_liar(made, ["a", "b"], seed)
    picture = load_picture(bytes(demo.picture.value))
    left, right = picture[:, 4:40, :40].mean(), picture[:, 4:40, -40:].mean()
    assert demo.liar == ("A" if left < right else "B")


def test_the_liar_stays_hidden_until_it_is_asked_for():
    made = {name: (torch.rand(2, 3, 16, 16), torch.rand(2, 3, 16, 16)) for name in ("una", "otra")}
    demo = explore_liar(made, ["a", "b"])
    shown = [bytes(demo.picture.value)]
    for name, value in (("revealed", True), ("revealed", False), ("label", "b"), ("recipe", "otra")):
        demo.controls[name].value = value
        shown.append(bytes(demo.picture.value))
    assert shown[0] != shown[1] and shown[0] == shown[2] and len({*shown[2:]}) == 3
    assert {explore_liar(made, ["a", "b"], seed).liar for seed in range(8)} == {"A", "B"}


def test_the_table_of_lies_has_every_case_once():
    rows = load_lies()
    cases = {(row.network, row.recipe, row.seed, row.label, row.liar) for row in rows}
    assert len(cases) == len(rows) == 2 * 4 * 12 * 18 and {len(row.own) for row in rows} == {6}
    assert all(row.recipe in ("natural", "ruido") or (row.network, row.recipe, row.seed, row.label, 1 - row.liar) in cases
               for row in rows)

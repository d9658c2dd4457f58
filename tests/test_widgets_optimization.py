"""Las demostraciones de la lección 2: lo que enseñan es lo que se calculó, en cada extremo de cada control."""
from io import BytesIO

import pytest
import torch
from PIL import Image

from labkit.datasets import load_images
from labkit.ready_made import load_gallery
from labkit.models import draw_weights, plain_network
from labkit.objectives import each, logit
from labkit.optimization import PixelCanvas, maximize, noise
from labkit.pictures import load_picture
from labkit.widgets import explore_budget, explore_frames, explore_gallery, explore_units, watch
from labkit.widgets import optimization as optimization_widgets


@pytest.fixture(scope="module")
def model():
    return draw_weights(plain_network(["avión", "barco", "camión"], (6, 8, 10)), 0).eval().requires_grad_(False)


def values(control) -> list:
    return list(range(control.min, control.max + 1)) if hasattr(control, "min") else [value for _, value in control.options]


def size_of(content: bytes) -> tuple[int, int]:
    return Image.open(BytesIO(content)).size


def test_frames_are_those_of_the_ascent(model):
    ascent = maximize(model, each([logit(0), logit(2)]), PixelCanvas(noise(1, 16).expand(2, -1, -1, -1)), steps=9, keep_every=4)
    demo = explore_frames(ascent, ["uno", "dos"])
    assert values(demo.controls["frame"]) == [0, 1, 2, 3] and len(values(demo.controls["image"])) == 2
    for image in (0, 1):
        for frame in range(4):
            content = demo.draw(image=image, frame=frame)
            assert size_of(content) == size_of(demo.first)
            shown = load_picture(content)[:, 14:190, 210:390]               # la de la derecha, agrandada 12 veces
            expected = ascent.frames[frame, image].mean()
            assert abs(shown.mean() - expected) < 0.06
    assert demo.draw(image=0, frame=0) != demo.draw(image=0, frame=3)


def test_two_ascents_are_shown_side_by_side(model):
    starts = noise(2, 16)
    ascents = {name: maximize(model, logit(k), PixelCanvas(starts), steps=4, keep_every=2) for k, name in enumerate(("una", "otra"))}
    demo, alone = explore_frames(ascents, ["a", "b"]), explore_frames(ascents["una"], ["a", "b"])
    assert size_of(demo.first)[0] == 2 * size_of(alone.first)[0] + 8
    assert {size_of(demo.draw(image=i, frame=f)) for i in (0, 1) for f in (0, 1, 2)} == {size_of(demo.first)}


def test_the_gallery_marks_the_unit_and_shows_it_in_the_network_asked_for():
    pictures = load_images("test")
    networks = {"la robusta": "escenas_robusta", "la principal": "escenas"}
    demo = explore_gallery(pictures, networks, ["conv1", "conv5", "fc"], "conv1")
    contents = {(network, layer, unit): demo.draw(network=network, layer=layer, unit=unit)
                for network in networks.values() for layer in ("conv1", "conv5", "fc") for unit in (0, 7, 127)}
    assert {size_of(content) for content in contents.values()} == {size_of(demo.first)} and len(set(contents.values())) == 18
    assert contents["escenas", "fc", 127] == demo.draw(network="escenas", layer="fc", unit=11)   # más allá de la última
    demo.controls["layer"].value, demo.controls["unit"].value = "conv5", 127
    demo.controls["layer"].value = "fc"                                         # el control no ofrece unidades que no hay
    assert (demo.controls["unit"].max, demo.controls["unit"].value) == (11, 11)
    top, side = optimization_widgets.CARDS, 56                                  # conv5: 128 unidades, en 16 columnas
    marked = load_picture(contents["escenas", "conv5", 127])
    corner = marked[:, top + 7 * side:top + 7 * side + 2, 15 * side:16 * side].mean((1, 2))
    assert corner[0] > 0.8 and corner[1:].max() < 0.3                           # el marco, rojo, en la última casilla
    few = load_picture(contents["escenas_robusta", "fc", 127])                  # fc: 12 unidades, más grandes
    line = few[:, top + 149:top + 151, 5 * 149:6 * 149].mean((1, 2))
    assert line[0] > 0.7 and line[1:].max() < 0.4
    shown, gallery = few, load_gallery("escenas_robusta", "fc")
    real = pictures.images[gallery.top[11, 0]].repeat_interleave(2, 1).repeat_interleave(2, 2)
    cards = [(shown[:, y:y + 128, 152:280] - real).abs().mean() for y in range(18, 40)]
    assert min(cards) < 0.05


def test_units_show_their_own_panels():
    panels = {"positiva": torch.rand(4, 3, 8, 8), "negativa": torch.rand(4, 3, 8, 8)}
    panels["positiva"][2] = 1.0
    demo = explore_units(panels, list("abcd"))
    contents = [demo.draw(unit=i) for i in range(4)]
    assert len(set(contents)) == 4 and len({size_of(content) for content in contents}) == 1
    assert load_picture(contents[2])[:, 4:180, 4:180].min() > 0.9


def test_the_budget_goes_from_noise_to_image_and_from_little_to_much(model, monkeypatch):
    seen = []
    real = optimization_widgets.maximize
    monkeypatch.setattr(optimization_widgets, "maximize", lambda *a, **k: seen.append(real(*a, **k)) or seen[-1])
    image = torch.rand(3, 16, 16, generator=torch.Generator().manual_seed(0))
    demo = explore_budget(model, image, target=2, radii=(0.5, 4), mixes=(0.0, 1.0), steps_up=8)
    assert len(seen) == 1 and len(seen[0].images) == 4                      # todo de una vez
    start = torch.stack([noise(1, 16)[0], noise(1, 16)[0], image, image])
    moved = (seen[0].images - start).flatten(1).norm(dim=1)
    assert (moved <= torch.tensor([0.5, 4, 0.5, 4]) + 1e-4).all() and moved[1] > 0.6 and moved[3] > 0.6
    contents = {}
    for demo.controls["mix"].value in (0.0, 1.0):                           # movidos como los mueve alguien
        for demo.controls["radius"].value in (0.5, 4):
            contents[demo.controls["mix"].value, demo.controls["radius"].value] = demo.picture.value
    assert len(set(contents.values())) == 4 and len({size_of(content) for content in contents.values()}) == 1


def test_watching_changes_nothing_and_shows_the_way(model, monkeypatch):
    shown, displayed = [], []
    monkeypatch.setattr(optimization_widgets, "show_live", lambda widget, words: displayed.append(words))
    watched = watch(PixelCanvas(noise(2, 16)), every=3)
    first = watched.view.value
    watched.view.observe(lambda change: shown.append(change["new"]), "value")
    ascent = maximize(model, logit(1), watched, steps=10)
    plain = maximize(model, logit(1), PixelCanvas(noise(2, 16)), steps=10)
    assert torch.equal(ascent.images, plain.images) and "en vivo" in displayed[0].lower()
    assert len(shown) == 3 and first not in shown and "paso 9" in watched.text.value

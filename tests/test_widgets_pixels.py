"""Las demostraciones de la lección 0: el recuadro y el mapa son los de la red, y la foto cambia como dicen los controles."""
import sys
import types

import numpy as np
import pytest
import torch

from labkit.activations import run
from labkit.datasets import load_images
from labkit.images import colorize, png_bytes
from labkit.models import load_model
from labkit.pictures import load_picture
from labkit.widgets import explore_channels, explore_photo
from labkit.widgets.pixels import changed, has_camera, seen_box

LAYERS = ["conv1", "relu2", "conv4", "relu6", "fc"]


@pytest.fixture(scope="module")
def model():
    return load_model("escenas", device="cpu")


@pytest.fixture(scope="module")
def world():
    return load_images("test", n=4)


@pytest.fixture
def explorer(model, world):
    return explore_channels(model, world.images, world.labels, world.classes, LAYERS)


def test_the_map_is_that_of_the_network_and_the_box_that_of_its_strongest_place(explorer, model, world):
    shown = load_picture(explorer.draw(image=1, layer="conv4", channel=2))
    heat = run(model, world.images[1:2], ["conv4"])["conv4"][0, 2]                          # (8, 8)
    painted = colorize(heat, symmetric=True)
    for y, x in ((0, 0), (3, 5), (7, 7)):
        assert (shown[:, 32 * y + 16, 268 + 32 * x + 16] - painted[:, y, x]).abs().max() < 0.01
    y, x = divmod(int(heat.argmax()), 8)
    y0, x0, y1, x1 = seen_box(model, "conv4", y, x)
    red = torch.tensor([1.0, 0, 0])
    for row, column in ((4 * y0 + 1, 4 * x0 + 1), (4 * y1 - 2, 4 * x1 - 2)):
        assert torch.equal(shown[:, row, column], red)


def test_dense_channels_share_a_scale_and_a_silent_map_has_no_box(explorer, model, world):
    """fc: el mayor se ve más claro que los demás. Un mapa sin nada positivo no lleva recuadro y lo dice."""
    logits = run(model, world.images[:1], ["fc"])["fc"][0]
    order = logits.argsort(descending=True).tolist()
    painted = [load_picture(explorer.draw(image=0, layer="fc", channel=k))[:, 100, 300] for k in order[:2]]
    assert not torch.allclose(painted[0], painted[1], atol=0.02)
    best = colorize(logits[order[1]].reshape(1, 1), symmetric=True, limits=(-logits.abs().max(), logits.abs().max()))
    assert (painted[1] - best[:, 0, 0]).abs().max() < 0.01
    heat = run(model, world.images, ["relu5"])["relu5"].amax((2, 3))
    image, channel = (heat <= 0).nonzero()[0].tolist()
    quiet = explore_channels(model, world.images, world.labels, world.classes, ["relu5"])
    shown = load_picture(quiet.draw(image=image, layer="relu5", channel=channel))
    assert (shown[:, :256, :256] == torch.tensor([1.0, 0, 0])[:, None, None]).all(0).sum() == 0


def test_the_demonstrations_say_what_they_need(model, world):
    for call, says in ((lambda: explore_channels(model, world.images, world.labels, world.classes, []), "al menos una capa"),
                       (lambda: explore_photo(model, world.images[0], []), "al menos una capa"),
                       (lambda: explore_channels(model, world.images[:0], world.labels[:0], world.classes, LAYERS), "una imagen"),
                       (lambda: explore_photo(model, 255 * world.images[0], LAYERS), "prueba images / 255")):
        with pytest.raises(ValueError, match=says):
            call()


def test_every_layer_and_channel_can_be_drawn_at_the_same_size(explorer):
    sizes = set()
    for layer in LAYERS:
        explorer.controls["layer"].value = layer
        for channel in (0, explorer.controls["channel"].max):
            explorer.controls["channel"].value = channel
            assert explorer.trouble == ""
            sizes.add(tuple(load_picture(bytes(explorer.picture.value)).shape))
    assert len(sizes) == 1


def test_the_channel_never_passes_the_last_of_its_layer(explorer):
    explorer.controls["layer"].value = "conv4"
    assert explorer.controls["channel"].max == 95
    explorer.controls["channel"].value = 95
    explorer.controls["layer"].value = "fc"
    assert explorer.controls["channel"].value == 11 and explorer.trouble == ""


def test_the_photo_moves_darkens_and_is_covered():
    photo = torch.arange(1, 9).float().expand(3, 8, 8) / 10
    assert torch.equal(changed(photo), photo)
    assert torch.equal(changed(photo, shift=2)[:, :, 2:], photo[:, :, :6]) and (changed(photo, shift=2)[:, :, :2] == 0.1).all()
    assert torch.equal(changed(photo, shift=-3)[:, :, :5], photo[:, :, 3:])
    assert torch.allclose(changed(photo, light=50), photo / 2) and changed(photo, light=180).max() == 1
    covered = changed(photo, cover=4)
    assert (covered[:, 2:6, 2:6] == 0.5).all() and torch.equal(covered[:, :2], photo[:, :2])
    assert (changed(photo, cover=40) == 0.5).all() and photo.max() == 0.8                   # más grande que la foto, y una copia


def test_the_maps_change_with_the_photo_and_return(model, world):
    demo = explore_photo(model, world.images[0], LAYERS)
    first = bytes(demo.picture.value)
    for name, value in (("shift", 10), ("light", 40), ("cover", 30)):
        before = demo.controls[name].value
        demo.controls[name].value = value
        assert demo.trouble == "" and bytes(demo.picture.value) != first, name
        demo.controls[name].value = before
        assert bytes(demo.picture.value) == first
    for layer in LAYERS:
        demo.controls["layer"].value = layer
        assert demo.trouble == ""


@pytest.mark.parametrize("wrap", [lambda entry: ({"name": "a.png", **entry},), lambda entry: {"a.png": {"metadata": {}, **entry}}],
                         ids=["ipywidgets 8", "ipywidgets 7"])
def test_an_uploaded_photo_takes_the_place_of_the_first(model, world, wrap):
    demo = explore_photo(model, world.images[0], LAYERS)
    fixed = {"layer": "conv1", "shift": 0, "light": 100, "cover": 0}
    mine = png_bytes(world.images[2])
    assert demo.draw(file=wrap({"content": mine}), **fixed) == explore_photo(model, mine, LAYERS).draw(file=(), **fixed)
    assert demo.draw(file=(), **fixed) != demo.draw(file=wrap({"content": mine}), **fixed)


def test_what_is_not_a_photo_is_told_in_the_picture(model, world):
    demo = explore_photo(model, world.images[0], LAYERS)
    demo.draw, kept = (lambda **values: kept(**{**values, "file": ({"content": b"no soy una foto"},)})), demo.draw
    demo.controls["light"].value = 60
    assert "No pude leer" in demo.trouble and load_picture(bytes(demo.picture.value)).shape[0] == 3


class Camera:
    """Una cámara de mentira: da una foto gris cada vez más clara, o ninguna."""
    shots, works, freed = 0, True, 0

    def __init__(self, number: int) -> None:
        assert number == 0

    def read(self):
        Camera.shots += 1
        return Camera.works, np.full((48, 64, 3), min(60 * Camera.shots, 255), np.uint8)

    def release(self):
        Camera.freed += 1


def test_there_is_a_camera_only_where_opencv_already_is(model, world, monkeypatch):
    monkeypatch.setattr("importlib.util.find_spec", lambda name: None)
    assert not has_camera() and "shot" not in explore_photo(model, world.images[0], LAYERS).controls
    monkeypatch.setattr("importlib.util.find_spec", lambda name: object())
    assert has_camera()
    monkeypatch.setitem(sys.modules, "google.colab", types.ModuleType("google.colab"))
    assert not has_camera()


def test_the_button_takes_a_photo_each_time_and_frees_the_camera(model, world, monkeypatch):
    monkeypatch.setattr("labkit.widgets.pixels.has_camera", lambda: True)
    monkeypatch.setitem(sys.modules, "cv2", types.SimpleNamespace(VideoCapture=Camera))
    demo = explore_photo(model, world.images[0], LAYERS)
    still = bytes(demo.picture.value)
    demo.controls["shot"].value = True
    taken = bytes(demo.picture.value)
    demo.controls["light"].value = 90                                       # la misma foto, con otra luz
    demo.controls["light"].value = 100
    assert bytes(demo.picture.value) == taken != still and Camera.shots == Camera.freed == 1
    demo.controls["shot"].value = False
    assert bytes(demo.picture.value) == still
    demo.controls["shot"].value = True
    assert Camera.shots == 2 and bytes(demo.picture.value) != taken
    Camera.works = False
    demo.controls["shot"].value = False
    demo.controls["shot"].value = True
    assert "no pude tomar la foto" in demo.trouble and Camera.freed == 3

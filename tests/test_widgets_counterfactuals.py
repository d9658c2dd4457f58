"""La demostración de la lección 1b enseña la foto, la foto sin la parte y la tapada, con lo que contesta la red a cada una."""
import pytest
import torch

from labkit.counterfactuals import FILLS, answers
from labkit.counterfactuals.scenes import load_counterfactuals
from labkit.models import load_model
from labkit.occlusion import cover_mask
from labkit.pictures import load_picture
from labkit.widgets import explore_counterfactuals

SCENES = (71, 3, 176)


@pytest.fixture(scope="module")
def data():
    return load_counterfactuals()


@pytest.fixture
def demo(data):
    return explore_counterfactuals(load_model("escenas", device="cpu"), data, SCENES, lambda images, sigma: images * 0 + 0.25)


def tile(picture: torch.Tensor, column: int) -> torch.Tensor:
    """Una de las tres fotos del cuadro, a su tamaño original."""
    left = column * (256 + 12)
    return picture[:, :256, left:left + 256].unflatten(1, (64, 4)).unflatten(3, (64, 4))[:, :, 0, :, 0]


@pytest.mark.parametrize("scene, removed, fill", [(0, 0, "negro"), (1, 1, "media"), (2, 2, "ruido"), (0, 1, "limpiador")])
def test_each_picture_is_what_it_says(demo, data, scene, removed, fill):
    shown = load_picture(demo.draw(scene=scene, removed=removed, fill=fill))
    v = (data.scene == SCENES[scene]).nonzero().flatten()[removed]
    image, mask = data.images[data.scene[v]], data.masks[v]
    assert (tile(shown, 1) - data.variants[v]).abs().max() < 0.01
    covered = torch.where(mask, 0.25, image) if fill == "limpiador" else cover_mask(image, mask, FILLS[fill])
    assert (tile(shown, 2) - covered).abs().max() < 0.01


def test_the_parts_offered_are_those_of_the_scene(demo, data):
    for place, scene in enumerate(SCENES):
        demo.controls["scene"].value = place
        names = [name for name, k in zip(data.removed, data.scene.tolist()) if k == scene]
        assert [name for name, _ in demo.controls["removed"].options] == names and demo.controls["removed"].value == 0
        assert load_picture(bytes(demo.picture.value)).shape[1:] == demo.size


def test_every_picture_of_the_demo_has_the_same_size(demo):
    sizes = {load_picture(demo.draw(scene=k, removed=1, fill=fill)).shape for k in range(3) for fill in (*FILLS, "limpiador")}
    assert len(sizes) == 1


def test_the_telling_case_is_still_telling(data):
    """La página cuenta que sin ruedas la red ya no ve una bicicleta y que, con las ruedas de negro, la ve más que antes."""
    v = next(v for v, name in enumerate(data.removed) if data.scene[v] == 71 and name == "rueda")
    black = cover_mask(data.images[71], data.masks[v], 0.0)
    found = answers(load_model("escenas", device="cpu"), torch.stack([data.images[71], data.variants[v], black]),
                    data.labels[71].expand(3)).margin
    assert found[1] < 0 < found[0] < found[2]

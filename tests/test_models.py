"""Las redes: lo que calculan, cómo se guardan y en qué estado llegan."""
import copy
import json
from collections import OrderedDict

import numpy as np
import pytest
import torch
from torch import nn

from labkit.activations import Unit, receptive_field
from labkit.exemplars import features
from labkit.models import (
    draw_weights,
    inception_network,
    load_model,
    model_card,
    plain_network,
    random_twin,
    residual_network,
    save_model,
    shipped_models,
    wrap,
)
from labkit.models.families import Inception, Residual
from labkit.objectives import logit
from labkit.occlusion import occlusion_map
from labkit.optimization import gallery
from labkit.widgets.dissection.units import unit_maps

CLASSES = ["gato", "pez", "avión"]
WIDTHS = (4, 6, 5)


@pytest.fixture
def shelf(tmp_path, monkeypatch):
    """Una carpeta de datos con una sola red, «enana», y la red de la que salió."""
    monkeypatch.setenv("LABKIT_DATOS", str(tmp_path))
    model = draw_weights(plain_network(CLASSES, WIDTHS, dense=7), seed=3)
    save_model(model, tmp_path / "networks" / "enana.safetensors", {"seed": "3", "accuracy": "0.5"})
    return tmp_path, model


def convolve(maps, weight, bias):
    """La convolución escrita como en el pizarrón: (c, h, w) con borde de ceros → (k, h, w)."""
    k, _, size, _ = weight.shape
    border = size // 2
    padded = np.pad(maps, ((0, 0), (border, border), (border, border)))
    out = np.empty((k, *maps.shape[1:]))
    for y in range(maps.shape[1]):
        for x in range(maps.shape[2]):
            out[:, y, x] = (weight * padded[:, y:y + size, x:x + size]).sum((1, 2, 3)) + bias
    return out


def logits_by_hand(model, image):
    """Los logits de una red de tres convoluciones, sin torch."""
    w = {key: value.double().numpy() for key, value in model.state_dict().items()}
    maps = (image - 0.5) / 0.25
    for i in (1, 2, 3):
        maps = np.maximum(convolve(maps, w[f"conv{i}.weight"], w[f"conv{i}.bias"]), 0)
        if i == 1:
            c, h, width = maps.shape
            maps = maps.reshape(c, h // 2, 2, width // 2, 2).max((2, 4))
    hidden = np.maximum(w["dense.weight"] @ maps.mean((1, 2)) + w["dense.bias"], 0)
    return w["fc.weight"] @ hidden + w["fc.bias"]


def test_a_network_says_that_the_batch_axis_is_missing():
    with pytest.raises(ValueError, match=r"¿Falta el eje de lote\? Prueba images\[None\]"):
        plain_network(3, WIDTHS, dense=7)(torch.rand(3, 16, 16))


def test_plain_network_computes_what_the_blackboard_says():
    model = draw_weights(plain_network(3, WIDTHS, dense=7), seed=1)
    with torch.no_grad():
        model.conv2.bias.copy_(torch.linspace(-0.3, 0.3, 6))
        model.fc.bias.copy_(torch.tensor([0.1, -0.2, 0.3]))
    images = torch.rand(2, 3, 8, 6, generator=torch.Generator().manual_seed(0))
    expected = np.stack([logits_by_hand(model, image.double().numpy()) for image in images])
    np.testing.assert_allclose(model(images).detach().numpy(), expected, atol=1e-4)


def test_layers_have_the_names_of_the_course():
    plain = "normalize conv1 relu1 pool1 conv2 relu2 pool2 conv3 relu3 pool3 conv4 relu4 conv5 relu5 gap dense relu6 fc"
    assert plain_network(12).layers == plain.split()
    with_norm = plain_network(12, batch_norm=True).layers
    assert [name for name in with_norm if not name.startswith("bn")] == plain.split()
    assert with_norm[with_norm.index("conv5") + 1] == "bn5"


def test_normalization_is_inside():
    model = plain_network(3, WIDTHS)
    gray = torch.full((1, 3, 8, 8), 0.5)
    assert model.normalize(gray).abs().max() == 0
    assert torch.allclose(model.normalize(gray + 0.25), torch.ones(1, 3, 8, 8))


@pytest.mark.parametrize("batch_norm", [False, True])
def test_half_precision_round_trip(shelf, batch_norm):
    folder, _ = shelf
    model = draw_weights(plain_network(CLASSES, WIDTHS, 7, batch_norm), seed=5).eval()
    save_model(model, folder / "networks" / "otra.safetensors", {"seed": "5"})
    loaded = load_model("otra", device="cpu")
    assert loaded.classes == CLASSES and loaded.layers == model.layers
    for key, value in model.state_dict().items():
        again = loaded.state_dict()[key]
        assert again.dtype == value.dtype
        if value.is_floating_point():
            assert torch.equal(again, value.half().float()), key
    images = torch.rand(4, 3, 16, 16, generator=torch.Generator().manual_seed(0))
    assert (loaded(images) - model(images)).abs().max() < 2e-2 * model(images).abs().max()


@pytest.mark.parametrize("build", [inception_network, residual_network, lambda names: plain_network(names, (4, 6, 8), 5, first=3)])
def test_every_architecture_survives_the_round_trip(shelf, build):
    folder, _ = shelf
    model = draw_weights(build(CLASSES), seed=5).eval()
    save_model(model, folder / "networks" / "experimentos" / "otra.safetensors", {"seed": "5"})
    assert shipped_models("experimentos") == ["experimentos/otra"] and shipped_models() == ["enana"]
    loaded, images = load_model("experimentos/otra", device="cpu"), torch.rand(4, 3, 32, 32, generator=torch.Generator().manual_seed(0))
    assert loaded.layers == model.layers and loaded.layers[-1] == "fc" and loaded.classes == CLASSES
    assert (loaded(images) - model(images)).abs().max() < 2e-2 * model(images).abs().max()


def test_the_small_families_end_in_maps_of_the_same_size():
    images = torch.rand(2, 3, 64, 64)
    for model, last in ((inception_network(3), "mixed5"), (residual_network(3), "block5")):
        maps = images
        for name, module in model.eval().named_children():
            maps = module(maps)
            if name == last:
                break
        assert maps.shape == (2, 128, 8, 8) and maps.min() >= 0


def test_a_residual_block_adds_and_an_inception_one_stacks():
    block, maps = Residual(4, 4).eval(), torch.rand(2, 4, 8, 8)
    for weight in block.path.parameters():
        weight.data.zero_()
    assert torch.equal(block(maps), maps)                                   # sin camino, queda lo que entró
    module = Inception(4, 18)
    stacked = module(maps)
    assert stacked.shape == (2, 18, 8, 8) and torch.equal(stacked[:, :4], module.point(maps)) and torch.equal(stacked[:, 12:], module.peak(maps))


def test_loaded_network_is_ready_to_be_asked(shelf):
    model = load_model("enana", device="cpu")
    assert not any(module.training for module in model.modules())
    assert not any(parameter.requires_grad for parameter in model.parameters())
    assert not any(getattr(module, "inplace", False) for module in model.modules())
    assert list(dict(model.named_children()))[0] == "normalize" and model.layers[-1] == "fc"
    assert all(parameter.dtype == torch.float32 for parameter in model.parameters())


def test_card_tells_how_the_network_was_made(shelf):
    card = model_card("enana")
    assert json.loads(card["classes"]) == CLASSES and json.loads(card["widths"]) == list(WIDTHS)
    assert card["seed"] == "3" and card["dense"] == "7" and card["batch_norm"] == "False"
    assert shipped_models() == ["enana"]


def test_unknown_name_lists_the_right_ones(shelf):
    with pytest.raises(ValueError, match="'enano'.*enana.*squeezenet1_1"):
        load_model("enano")


def test_damaged_file_says_so(shelf):
    folder, _ = shelf
    path = folder / "networks" / "enana.safetensors"
    path.write_bytes(path.read_bytes()[:200])
    with pytest.raises(ValueError, match="dañado"):
        load_model("enana", device="cpu")


def test_wrong_sum_says_so(shelf):
    folder, _ = shelf
    (folder / "SHA256SUMS").write_text(f"{'0' * 64}  networks/enana.safetensors\n", encoding="utf-8")
    with pytest.raises(ValueError, match="dañado"):
        load_model("enana", device="cpu")


def test_file_of_another_program_says_so(shelf):
    from safetensors.torch import save_file
    folder, model = shelf
    save_file(model.state_dict(), folder / "networks" / "ajena.safetensors")
    with pytest.raises(ValueError, match="no es una red del curso"):
        load_model("ajena", device="cpu")


def test_random_twin_differs_repeats_and_leaves_the_model_alone(shelf):
    model = load_model("enana", device="cpu")
    before = copy.deepcopy(model.state_dict())
    twin, again, other = random_twin(model), random_twin(model), random_twin(model, seed=1)
    for name in ("conv1.weight", "conv3.weight", "dense.weight", "fc.weight"):
        assert torch.equal(model.state_dict()[name], before[name])
        assert torch.equal(twin.state_dict()[name], again.state_dict()[name])
        assert not torch.allclose(twin.state_dict()[name], before[name])
        assert not torch.allclose(twin.state_dict()[name], other.state_dict()[name])
    assert twin.classes == CLASSES and twin.layers == model.layers
    assert not twin.training and not any(p.requires_grad for p in twin.parameters())
    assert torch.equal(twin.normalize.mean, model.normalize.mean)


class Mean(nn.Module):
    """Una red sin un solo peso, como lo son por fuera las cuantizadas: sus logits son el color medio."""

    def forward(self, images: torch.Tensor) -> torch.Tensor:
        return images.mean((2, 3))


def test_a_network_without_weights_is_a_network_too():
    model, images = wrap(Mean(), [0.5] * 3, [0.5] * 3, list("abc")), torch.rand(2, 3, 8, 8)
    expected = (images.mean((2, 3)) - 0.5) / 0.5
    torch.testing.assert_close(features(model, images, "fc"), expected)
    torch.testing.assert_close(random_twin(model)(images), expected)
    torch.testing.assert_close(unit_maps(model, images, Unit("fc", 1)).flatten(), expected[:, 1])
    assert receptive_field(model, "fc", 8) == (0, 0, 8, 8)
    red = gallery(model, "fc", 30, lr=0.1, size=8).images[0].mean((1, 2))
    assert red[0] > 0.9 and red[1:].max() < 0.7                              # la de la unidad 0 es roja
    heat = occlusion_map(nn.Sequential(OrderedDict(fc=Mean())), images[0], logit(0), 4, 4)                  # y esta no guarda nada de nada
    torch.testing.assert_close(heat[:4, :4], images[0, 0, :4, :4].mean().expand(4, 4) / 4)


def test_random_twin_keeps_the_signal_alive():
    model = plain_network(12, batch_norm=True).eval()
    images = torch.rand(8, 3, 32, 32, generator=torch.Generator().manual_seed(0))
    spread = random_twin(model)(images).std(0).mean()
    assert 0.01 < spread < 10


def test_drawing_weights_does_not_touch_the_global_dice():
    torch.manual_seed(7)
    expected = torch.rand(3)
    torch.manual_seed(7)
    model = plain_network(3, WIDTHS)
    torch.manual_seed(7)
    random_twin(model)
    assert torch.equal(torch.rand(3), expected)


def test_inplace_operations_are_undone():
    model = nn.Sequential(nn.Conv2d(3, 4, 3), nn.ReLU(inplace=True), nn.Dropout(inplace=True))
    model.layers = model.classes = []
    assert not any(getattr(module, "inplace", False) for module in random_twin(model))


@pytest.fixture
def unplugged(tmp_path, monkeypatch):
    """Una computadora sin los pesos de ImageNet y sin red."""
    monkeypatch.delenv("LABKIT_REAL_DATA", raising=False)
    monkeypatch.setenv("TORCH_HOME", str(tmp_path))

    def no_network(*_args, **_kwargs):
        raise OSError("sin red")

    monkeypatch.setattr("urllib.request.urlopen", no_network)
    monkeypatch.setattr("torch.hub.urlopen", no_network)
    return tmp_path


def test_nothing_is_downloaded_that_was_not_asked_for(unplugged, monkeypatch):
    monkeypatch.setattr("torch.hub.load_state_dict_from_url", lambda *_args, **_kwargs: pytest.fail("quiso bajar los pesos"))
    with pytest.raises(FileNotFoundError, match="download=True"):
        load_model("squeezenet1_1", device="cpu")


def test_no_weights_and_no_network_is_one_clear_sentence(unplugged):
    with pytest.raises(RuntimeError, match="hace falta internet la primera vez"):
        load_model("squeezenet1_1", device="cpu", download=True)

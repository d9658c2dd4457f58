from collections import OrderedDict

import numpy as np
import pytest
import torch
from conftest import count_hooks
from torch import nn

from labkit.activations import Unit, edit, get_layer, layer_names, receptive_field, record, run, silence
from labkit.dissection import rotate_layer, thresholds
from labkit.models import plain_network
from labkit.objectives import direction, layer_energy, logit
from labkit.optimization import gallery
from labkit.vectors import features


class Bomb(nn.Module):
    """Una capa que no debe ejecutarse."""
    def forward(self, values):
        raise RuntimeError("estalló")


@pytest.fixture
def mined(planted) -> nn.Sequential:
    """La red plantada, con una bomba en lugar de conv2."""
    planted.conv2 = Bomb()
    return planted


# ── unidades ─────────────────────────────────────────────────────────────────────────────────────────────────────────

def test_a_unit_is_its_text():
    unit = Unit("conv4", 12)
    assert str(unit) == "conv4:12" and Unit.parse("conv4:12") == unit == Unit.parse(unit)
    assert Unit.parse("features.0:3") == Unit("features.0", 3)
    assert sorted([Unit("b", 0), Unit("a", 10), Unit("a", 9)]) == [Unit("a", 9), Unit("a", 10), Unit("b", 0)]
    assert len({unit, Unit.parse("conv4:12")}) == 1


@pytest.mark.parametrize("text", ["conv4", "conv4:", ":3", "conv4:-1", "conv4:uno", "", "conv:²", "conv:٣", "conv:" + "9" * 5000])
def test_refuses_a_text_that_is_no_unit(text):
    with pytest.raises(ValueError, match="por ejemplo conv4:12"):
        Unit.parse(text)


@pytest.mark.parametrize("channel", [-1, 1.0, "3", True])
def test_refuses_a_channel_that_is_no_number(channel):
    with pytest.raises(ValueError, match="esperaba un entero desde 0"):
        Unit("conv1", channel)


@pytest.mark.parametrize("channel", [np.int64(3), np.arange(5).argmax() - 1, torch.tensor(3), torch.arange(4).argmax()])
def test_a_channel_may_come_from_an_argmax(channel):
    unit = Unit("conv1", channel)
    assert unit == Unit("conv1", 3) and type(unit.channel) is int and len({unit, Unit("conv1", 3)}) == 1


def test_a_unit_reads_its_map(planted, images):
    acts = run(planted, images, ["conv1", "fc"])
    assert torch.allclose(Unit("conv1", 3).map(acts), images[:, 0] - images[:, 2], atol=1e-6)
    assert Unit("fc", 2).map(acts).shape == (5,)
    with pytest.raises(ValueError, match="conv1:4: «conv1» tiene 4 canales, del 0 al 3"):
        Unit("conv1", 4).map(acts)
    with pytest.raises(ValueError, match="faltan las activaciones de «conv2»; están las de input, conv1, fc"):
        Unit("conv2", 0).map(acts)


# ── capas ────────────────────────────────────────────────────────────────────────────────────────────────────────────

def test_lists_layers_in_order(planted):
    assert layer_names(planted) == ["normalize", "conv1", "relu1", "pool1", "conv2", "gap", "flat", "fc"]
    assert layer_names(planted, nn.Conv2d) == ["conv1", "conv2"]
    assert layer_names(nn.Sequential(planted, nn.ReLU()), nn.Linear) == ["0.fc"]
    assert layer_names(nn.Sequential(nn.Sequential(nn.Conv2d(3, 2, 1), nn.ReLU()), nn.Flatten())) == ["0.0", "0.1", "1"]     # sin el bloque «0»


NOT_A_NAME = {"lista": ["conv1", "conv2"], "nada": None, "número": 3, "bytes": b"conv1", "conjunto": {"conv1"}, "tupla": ("conv1",)}
TAKE_ONE_LAYER = {
    "get_layer": lambda model, x, layer: get_layer(model, layer), "Unit": lambda model, x, layer: Unit(layer, 0),
    "run": lambda model, x, layer: run(model, x, [layer]), "record": lambda model, x, layer: record(model, [layer]).__enter__(),
    "edit": lambda model, x, layer: edit(model, layer, torch.clone).__enter__(),
    "receptive_field": lambda model, x, layer: receptive_field(model, layer, 8),
    "logit": lambda model, x, layer: logit(0, layer), "direction": lambda model, x, layer: direction(layer, torch.ones(4)),
    "layer_energy": lambda model, x, layer: layer_energy(layer), "features": lambda model, x, layer: features(model, x, layer),
    "features, guardando": lambda model, x, layer: features(model, x, layer, cache="nunca.safetensors"),
    "gallery": lambda model, x, layer: gallery(model, layer, 2), "thresholds": lambda model, x, layer: thresholds(model, x, layer),
    "rotate_layer": lambda model, x, layer: rotate_layer(model, layer, torch.eye(4)),
}


@pytest.mark.parametrize("kind", NOT_A_NAME)
@pytest.mark.parametrize("name", TAKE_ONE_LAYER)
def test_a_layer_that_is_no_text_is_said_in_one_sentence(planted, images, name, kind):
    """Antes: TypeError: unhashable type: 'list', o se tomaba por una capa que no está."""
    with pytest.raises(ValueError, match="^layer: esperaba el nombre de una sola capa"):
        TAKE_ONE_LAYER[name](planted, images, NOT_A_NAME[kind])
    assert count_hooks(planted) == 0


def test_several_layers_may_not_be_a_number(planted, images):
    with pytest.raises(ValueError, match="^layer: esperaba el nombre de una sola capa.*recibí 3"):
        run(planted, images, 3)


def test_a_wrong_layer_name_lists_the_right_ones(planted, images):
    assert get_layer(planted, "conv2") is planted.conv2
    for call in (lambda: get_layer(planted, "conv9"), lambda: run(planted, images, ["conv1", "conv9"])):
        with pytest.raises(ValueError, match="no hay una capa «conv9». ¿Quisiste decir «conv[12]»\\? .*normalize.*, fc\\."):
            call()
    with pytest.raises(ValueError, match="no hay una capa «»"):
        get_layer(planted, "")


# ── run y record ─────────────────────────────────────────────────────────────────────────────────────────────────────

def test_run_gives_what_was_planted(planted, images):
    acts = run(planted, images, ["relu1", "fc"])
    assert set(acts) == {"input", "relu1", "fc"} and acts["input"] is images
    red, green, blue = images.unbind(1)
    assert torch.allclose(acts["relu1"], torch.stack([red, green, blue, (red - blue).clamp(min=0)], 1), atol=1e-6)
    assert torch.equal(acts["fc"], planted(images))


def test_run_stops_after_the_deepest_layer(mined, images):
    assert run(mined, images, ["conv1", "pool1"])["pool1"].shape == (5, 4, 4, 6)
    with pytest.raises(RuntimeError, match="estalló"):
        run(mined, images, ["conv1", "fc"])


def test_asking_only_for_the_input_runs_nothing(images):
    assert run(nn.Sequential(Bomb()), images, [])["input"] is images


def test_one_name_is_a_list_of_one(planted, images):
    assert set(run(planted, images, "conv1")) == {"input", "conv1"}


def test_record_keeps_the_last_pass(planted, images):
    with record(planted, ["fc"]) as acts:
        planted(images[:2])
        planted(images[2:])
        assert torch.equal(acts["fc"], planted(images[2:])) and acts["input"].shape[0] == 3


def test_a_layer_used_twice_keeps_its_first_output(images):
    relu = nn.ReLU()
    model = nn.Sequential(OrderedDict(relu=relu, minus=nn.Conv2d(3, 3, 1), again=relu))
    with record(model, ["relu", "minus"]) as acts:
        last = model(images)
    assert torch.equal(acts["relu"], images) and not torch.equal(acts["relu"], last)
    assert torch.equal(run(model, images, ["relu"])["relu"], images)


def test_a_relu_in_place_does_not_change_what_was_recorded(planted, images):
    planted.relu1 = nn.ReLU(inplace=True)
    acts = run(planted, images - 0.5, ["conv1", "fc"])
    assert acts["conv1"].min() < 0
    assert torch.equal(acts["fc"], planted(images - 0.5))


def test_run_changes_no_answer_and_leaves_nothing(planted, images):
    before = planted(images)
    run(planted, images, layer_names(planted))
    assert torch.equal(planted(images), before) and count_hooks(planted) == 0


def test_gradients_pass_if_you_want_them(planted, images):
    images.requires_grad_()
    acts = run(planted, images, ["conv1", "fc"])
    by_pixel, by_map = torch.autograd.grad(acts["fc"][:, 0].sum(), [images, acts["conv1"]])
    assert torch.allclose(by_pixel, torch.full_like(images, 1 / (8 * 12)))          # fc:0 es la media de rojo + verde + azul
    assert torch.allclose(by_map[:, 0], torch.full_like(by_map[:, 0], 1 / (8 * 12))) and not by_map[:, 3].any()
    with torch.no_grad():
        assert not run(planted, images, ["fc"])["fc"].requires_grad


def test_a_layer_that_the_pass_does_not_use(images):
    class Partial(nn.Module):
        def __init__(self):
            super().__init__()
            self.used, self.idle = nn.ReLU(), nn.Tanh()

        def forward(self, images):
            return self.used(images)

    model = Partial()
    with pytest.raises(ValueError, match="la red no usó idle en esta pasada. Prueba otra capa: used"):
        run(model, images, ["idle"])
    assert count_hooks(model) == 0


def test_a_layer_that_gives_no_tensor(images):
    class Pair(nn.Module):
        def forward(self, images):
            return images, images

    with pytest.raises(TypeError, match="«pair» entrega tuple y no un tensor"):
        run(nn.Sequential(OrderedDict(pair=Pair())), images, ["pair"])


@pytest.mark.parametrize("spoil, message", [
    (lambda images: images[0], "¿Falta el eje de lote? Prueba images[None]"),
    (lambda images: images.movedim(1, -1), "Prueba images.movedim(-1, -3)"),
    (lambda images: images[:, :1], "esperaba forma (b, 3, h, w) y recibí (5, 1, 8, 12)"),
    (lambda images: (images * 255).byte(), "Prueba images.float() / 255"),
    (lambda images: images.double(), "Prueba images.float()"),
    (lambda images: images / 0 * 0, "hay NaN o infinitos"),
    (lambda images: images.to("meta"), 'recibí un tensor en «meta»'),
])
def test_bad_images_get_one_clear_sentence(planted, images, spoil, message):
    with pytest.raises(ValueError) as caught:
        run(planted, spoil(images), ["fc"])
    assert message in str(caught.value)
    assert count_hooks(planted) == 0 and run(planted, images, ["fc"])["fc"].shape == (5, 3)


# ── edit y silence ───────────────────────────────────────────────────────────────────────────────────────────────────

def test_edit_changes_what_follows_and_restores_bit_for_bit(planted, images):
    before = planted(images)
    with edit(planted, "gap", lambda values: values * 0 + 2.0):
        assert torch.allclose(planted(images), planted.fc(torch.full((5, 2), 2.0)))
        assert torch.equal(run(planted, images, ["gap"])["gap"], torch.full((5, 2, 1, 1), 2.0))
    assert torch.equal(planted(images), before)


def test_the_input_can_be_edited_too(planted, images):
    with edit(planted, "input", lambda values: 1 - values):
        inside = planted(images)
    assert torch.equal(inside, planted(1 - images))


@pytest.mark.parametrize("fn, came", [(lambda values: None, "NoneType"), (lambda values: values[:, :1], "(5, 1, 8, 12)")])
def test_edit_refuses_another_shape(planted, images, fn, came):
    with pytest.raises(ValueError) as caught, edit(planted, "conv1", fn):
        planted(images)
    assert "esperaba que fn devolviera (5, 4, 8, 12)" in str(caught.value) and str(caught.value).endswith(f"recibí {came}.")
    assert count_hooks(planted) == 0


def test_silence_is_a_network_without_those_units(planted, images):
    before = planted(images)
    units = [Unit("conv1", 0), Unit("conv1", 3), Unit("fc", 1)]
    with silence(planted, units):
        inside, acts = planted(images), run(planted, images, ["conv1", "fc"])
    planted.conv1.weight[[0, 3]] = 0.0
    planted.fc.weight[1], planted.fc.bias[1] = 0.0, 0.0
    assert torch.equal(inside, planted(images)) and not torch.equal(inside, before)
    assert not any(unit.map(acts).any() for unit in units) and Unit("conv1", 1).map(acts).any()


def test_silence_restores_bit_for_bit(planted, images):
    before, weights = planted(images), [weight.clone() for weight in planted.parameters()]
    with silence(planted, [Unit("conv1", 0), Unit("conv2", 1)]):
        planted(images)
    assert torch.equal(planted(images), before)
    assert all(torch.equal(old, new) for old, new in zip(weights, planted.parameters()))


def test_silence_writes_on_nothing_of_yours(planted, images):
    before = images.clone()
    with silence(planted, [Unit("input", 0), Unit("normalize", 1)]):        # normalize entrega la misma imagen que recibe
        inside = run(planted, images, ["conv1"])["conv1"]
    assert not inside[:, :2].any() and inside[:, 2].any() and torch.equal(images, before)


def test_silencing_nothing_changes_nothing(planted, images):
    with silence(planted, []):
        inside = planted(images)
    assert torch.equal(inside, planted(images))


def test_silence_names_a_channel_that_is_not_there(planted, images):
    with pytest.raises(ValueError, match="conv1:9: «conv1» tiene 4 canales"), silence(planted, [Unit("conv1", 9)]):
        planted(images)
    assert count_hooks(planted) == 0


# ── los ganchos se quitan siempre ────────────────────────────────────────────────────────────────────────────────────

OPENINGS = {
    "record": lambda model: record(model, ["conv1", "fc"]),
    "record que corta": lambda model: record(model, ["conv1"], stop=True),
    "edit": lambda model: edit(model, "conv1", lambda values: values),
    "edit de la entrada": lambda model: edit(model, "input", lambda values: values),
    "silence": lambda model: silence(model, [Unit("conv1", 0), Unit("fc", 0)]),
}


@pytest.mark.parametrize("name", OPENINGS)
def test_hooks_are_there_and_then_gone(planted, name):
    with OPENINGS[name](planted):
        assert count_hooks(planted) > 0
    assert count_hooks(planted) == 0


@pytest.mark.parametrize("name", OPENINGS)
def test_hooks_are_gone_after_an_exception(planted, name):
    with pytest.raises(KeyboardInterrupt), OPENINGS[name](planted):
        raise KeyboardInterrupt
    assert count_hooks(planted) == 0


def test_hooks_are_gone_when_the_network_fails(mined, images):
    with pytest.raises(RuntimeError, match="estalló"):
        run(mined, images, ["conv1", "fc"])
    assert count_hooks(mined) == 0


def test_hooks_are_gone_when_a_later_name_is_wrong(planted, images):
    for opening in (lambda: record(planted, ["conv1", "nada"]), lambda: silence(planted, [Unit("conv1", 0), Unit("nada", 0)])):
        with pytest.raises(ValueError, match="no hay una capa «nada»"), opening():
            pass
        assert count_hooks(planted) == 0


# ── campo receptivo ──────────────────────────────────────────────────────────────────────────────────────────────────

def test_receptive_field_is_the_one_of_the_arithmetic():
    """Lado r y salto j: una ventana k con paso s da r + (k − 1)·j y j·s (Dumoulin y Visin, 2016)."""
    sizes = [("conv", 5, 1, 2), ("pool", 2, 2, 0), ("conv", 3, 2, 1), ("conv", 3, 1, 1), ("pool", 3, 3, 0), ("conv", 3, 1, 1)]
    layers, side, jump = [], 1, 1
    for i, (kind, k, stride, pad) in enumerate(sizes):
        layers.append(nn.MaxPool2d(k, stride) if kind == "pool" else nn.Conv2d(3, 3, k, stride, pad))
        side, jump = side + (k - 1) * jump, jump * stride
        y0, x0, y1, x1 = receptive_field(nn.Sequential(*layers), str(i), 96)
        assert y1 - y0 == x1 - x0 == side, (i, kind)


def test_receptive_field_of_a_place_is_where_its_gradient_can_live():
    model = plain_network(3, (4, 5, 6)).eval()
    y0, x0, y1, x1 = receptive_field(model, "conv3", 32, y=2, x=5)
    reached = torch.zeros(32, 32, dtype=torch.bool)
    for seed in range(40):                                      # muchas imágenes: cada una mira por otro camino de la red
        image = torch.rand(1, 3, 32, 32, generator=torch.Generator().manual_seed(seed)).requires_grad_(True)
        neuron = run(model, image, ["conv3"])["conv3"][0, :, 2, 5].sum()
        reached |= torch.autograd.grad(neuron, image)[0][0].abs().sum(0) > 0
    rows, columns = reached.any(1).nonzero(), reached.any(0).nonzero()
    assert (rows.min(), rows.max() + 1, columns.min(), columns.max() + 1) == (y0, y1, x0, x1)


def test_receptive_field_is_cut_at_the_border_and_whole_for_a_dense_layer(planted):
    model = plain_network(3, (4, 5, 6)).eval()
    assert receptive_field(model, "conv1", 32, y=0, x=31) == (0, 29, 3, 32)
    assert receptive_field(model, "dense", 32) == (0, 0, 32, 32)
    with pytest.raises(ValueError, match="mide 32×32 y pediste el lugar"):
        receptive_field(model, "conv1", 32, y=32)
    with pytest.raises(ValueError, match="no hay una capa «conv9»"):
        receptive_field(model, "conv9")

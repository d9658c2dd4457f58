"""Preguntarle a cualquier red: lo que ninguna familia de torchvision tiene, y una red ajena sí."""
import copy
import random
import warnings
from collections.abc import Callable

import numpy as np
import pytest
import torch
from test_zoo import CLASSES, ZOO, Hand, Snapshot, network_of, small_swin
from torch import Tensor, nn

from labkit.activations import Unit, edit, layer_names, receptive_field, record, run, silence
from labkit.anynet import NetworkFailure
from labkit.dissection import class_drops
from labkit.models import draw_weights, not_redrawn, random_twin, wrap
from labkit.objectives import logit
from labkit.occlusion import occluder_boxes, occlusion_scores, winners
from labkit.optimization import PixelCanvas, gallery, maximize
from labkit.vectors import features

torchvision = pytest.importorskip("torchvision")
from torchvision.models import vision_transformer  # noqa: E402


def wrapped(network: nn.Module, size: int = 32, classes: int = CLASSES) -> nn.Module:
    return wrap(network, [0.5] * 3, [0.25] * 3, map(str, range(classes)), size)


def noisy(b: int, size: int) -> Tensor:
    return torch.rand(b, 3, size, size, generator=torch.Generator().manual_seed(2))


@pytest.mark.parametrize("name", ["resnet", "mobilenet_v2"])
def test_a_network_in_training_is_asked_in_evaluation_without_wrapping_it(name):
    """Ni sus promedios ni su omisión (dropout) cuentan, y queda en train() con todo como estaba."""
    network, images = copy.deepcopy(network_of(name)), noisy(4, 32)
    head = layer_names(network, nn.Linear)[-1]
    with torch.no_grad():
        truth = network(images)
    network.train()
    network.conv_frozen = nn.Identity().eval()                                  # un módulo suelto en otro modo se queda en el suyo
    before, asked = Snapshot(network), Unit(head, 2)
    torch.testing.assert_close(run(network, images, [head])[head], truth)
    torch.testing.assert_close(features(network, images, head), truth)
    assert receptive_field(network, ZOO[name].layer, 32)[2] > 0
    assert maximize(network, logit(2, head), PixelCanvas(images[:1]), 1).scores.shape == (2, 1)
    with silence(network, [asked]):
        assert not run(network, images, [head])[head][:, 2].any()
    assert before.changes() == []


class Restless(nn.Module):
    """Una red que, aunque esté en eval(), cuenta sus pasadas, cambia un promedio y gasta azar de tres lados."""

    def __init__(self) -> None:
        super().__init__()
        self.conv = nn.Conv2d(3, CLASSES, 3)
        self.register_buffer("passes", torch.zeros(1))
        self.register_buffer("middle", torch.zeros(CLASSES))

    def forward(self, images: Tensor) -> Tensor:
        maps = self.conv(images)
        self.passes += 1
        self.middle = 0.9 * self.middle + 0.1 * maps.detach().mean((0, 2, 3))   # otro tensor en el lugar del búfer
        shift = torch.rand(1).item() + np.random.rand() + random.random()
        return maps.mean((2, 3)) + 0 * shift


def test_what_a_network_changes_by_itself_comes_back():
    network, images = Restless().eval(), noisy(2, 16)
    before = Snapshot(network)
    run(network, images, ["conv"])
    receptive_field(network, "conv", 16)
    features(network, images, "conv")
    model = wrapped(network, 16)
    within = Snapshot(model)
    occlusion_scores(model, images[0], occluder_boxes(16, 16, 8, 8), logit(0))
    maximize(model, logit(0), PixelCanvas(images), 2)
    assert before.changes() == [] == within.changes()


def test_everything_comes_back_after_a_failure_too():
    network = copy.deepcopy(network_of("resnet")).train()
    before = Snapshot(network)
    for images in (noisy(2, 32)[:, :, :, :0], noisy(2, 32).double()):
        with pytest.raises(ValueError):
            run(network, images, ["layer2"])
    network.layer3.register_forward_hook(broken := lambda *_: 1 / 0)
    with pytest.raises(ZeroDivisionError):
        run(network, noisy(2, 32), ["fc"])
    assert broken in network.layer3._forward_hooks.values()
    network.layer3._forward_hooks.clear()
    assert before.changes() == []


def test_channels_at_the_end_are_found_even_when_all_sides_are_equal():
    """(b, 16, 16, 16): solo una imagen más ancha dice cuál eje es el de los canales."""
    network, images = small_swin(1, 16).eval(), noisy(3, 64)
    model = wrapped(network, 64)
    shown = (images - 0.5) / 0.25
    for layer, axis in (("features.0.0", 1), ("features.0.1", -1), ("features.0", -1), ("features.1", -1), ("features.1.0.norm1", -1),
                        ("permute", 1), ("avgpool", 1)):
        found = []
        handle = network.get_submodule(layer).register_forward_hook(lambda _, inputs, output: found.append(output.clone()))
        with torch.no_grad():
            network(shown)
        handle.remove()
        torch.testing.assert_close(run(model, images, [f"network.{layer}"])[f"network.{layer}"], found[0].movedim(axis, 1))


def test_a_wrapped_network_reads_images_of_another_size():
    model = wrapped(copy.deepcopy(network_of("convnext")), 32)
    wide = torch.rand(2, 3, 64, 96, generator=torch.Generator().manual_seed(0))
    assert run(model, wide, ["network.features.1.0.block.3"])["network.features.1.0.block.3"].shape == (2, 48, 16, 24)


@pytest.mark.parametrize(("name", "layer", "says"), [
    ("vit", "network.encoder.layers.encoder_layer_0.mlp.0", ""),
    ("maxvit", "network.blocks.0.layers.0.layers.window_attention.attn_layer.0", "parte la imagen en pedazos"),
    ("maxvit", "network.blocks.1.layers.0.layers.window_attention.partition_op", "parte la imagen en pedazos"),
    ("swin_v2", "network.features.1.0.attn.cpb_mlp.0", "mezcla las imágenes")])
def test_what_is_no_map_is_told_and_what_is_tokens_is_laid_out(name, layer, says):
    """En la MaxViT de 64, 16 ventanas de 16 lugares miden como un mapa de 16 × 16, y no lo son."""
    model = wrapped(copy.deepcopy(network_of(name)), ZOO[name].size)
    images = noisy(2, ZOO[name].size)
    if not says:
        assert run(model, images, [layer])[layer].shape == (2, 64, 4, 4)
        return
    for ask in (lambda: run(model, images, [layer]), lambda: features(model, images, layer)):
        with pytest.raises(ValueError, match=f"no sé dónde están los canales de «{layer}», .*{says}"):
            ask()
    with pytest.raises(ValueError, match=says), silence(model, [Unit(layer, 0)]):
        run(model, images, ["fc"])


def test_tokens_as_many_as_channels_are_not_guessed():
    network = vision_transformer.VisionTransformer(32, 8, 1, 1, 17, 32, num_classes=CLASSES).eval()
    model = wrapped(network)
    with pytest.raises(ValueError, match="no hay cómo distinguir los canales"):
        run(model, noisy(2, 32), ["network.encoder.layers.encoder_layer_0"])
    assert run(model, noisy(2, 32), ["network.encoder.ln"])["network.encoder.ln"].shape == (2, 17, 4, 4)


@pytest.mark.parametrize(("name", "layer"), [("swin", "features.1"), ("swin", "features.1.0.norm1"), ("vit", "encoder.ln")])
def test_without_wrapping_rows_and_tokens_are_not_taken_for_units(name, layer):
    with pytest.raises(ValueError, match="envuelve tu red con labkit.models.wrap"):
        run(copy.deepcopy(network_of(name)), noisy(2, ZOO[name].size), [layer])


def test_edit_sees_channels_first_and_leaves_the_class_token_alone():
    model, images = wrapped(copy.deepcopy(network_of("vit"))), noisy(2, 32)
    layer, shapes = "network.encoder.layers.encoder_layer_0", []

    def twice(maps: Tensor) -> Tensor:
        shapes.append(tuple(maps.shape))
        return maps * 2

    hand = Hand("vit", model)
    handle = hand.model.get_submodule(layer).register_forward_hook(
        lambda _, inputs, output: torch.cat([output[:, :1], 2 * output[:, 1:]], 1))
    with edit(model, layer, twice), torch.no_grad():
        inside = model(images)
    assert shapes == [(2, 32, 4, 4)]
    torch.testing.assert_close(inside.double(), hand.logits(images))
    handle.remove()


class Given(nn.Module):
    """Una red que entrega lo que `give` haga con sus logits."""

    def __init__(self, give: Callable[[Tensor], object]) -> None:
        super().__init__()
        self.conv, self.give = nn.Conv2d(3, 4, 3), give

    def forward(self, images: Tensor) -> object:
        return self.give(self.conv(images).mean((2, 3)))


@pytest.mark.parametrize("give", [
    lambda x: {"logits": x, "aux": -x}, lambda x: {"aux": -x, "out": x}, lambda x: {"loss": x.mean(), "scores": x},
    lambda x: (x, -x), lambda x: [x[:, :3], x], lambda x: (None, x), lambda x: {"hidden": x[:, :2], "whatever": x}])
def test_logits_are_found_in_dictionaries_and_tuples(give):
    torch.manual_seed(0)
    network, images = Given(give), noisy(3, 16)
    model = wrapped(network, 16, 4)
    with torch.no_grad():
        truth = network.conv((images - 0.5) / 0.25).mean((2, 3))
        torch.testing.assert_close(model(images), truth)
    torch.testing.assert_close(run(model, images, ["fc"])["fc"], truth)
    before = Snapshot(model)
    scores = occlusion_scores(model, images[0], torch.zeros(1, 4, dtype=torch.int64), logit(2))
    torch.testing.assert_close(scores, truth[:1, 2])
    assert before.changes() == []


@pytest.mark.parametrize(("give", "says"), [
    (lambda x: {"one": x, "two": -x}, "un diccionario con one, two"),
    (lambda x: [{"boxes": x, "labels": x}] * len(x), "list de .*, el primero un diccionario con boxes, labels"),
    (lambda x: (x[:, :3],), "tuple de 1, el primero un tensor"), (lambda x: None, "NoneType"), (lambda x: 3, "int")])
def test_what_has_no_logits_is_told(give, says):
    with pytest.raises(ValueError, match=f"esperaba logits .*{says}"):
        wrapped(Given(give), 16, 4)


def test_a_raw_network_that_gives_a_dictionary_is_told_by_who_needs_its_logits():
    network, images = Given(lambda x: {"logits": x}).eval(), noisy(2, 16)
    for ask in (lambda: winners(network, images[0], torch.zeros(1, 4, dtype=torch.int64)),
                lambda: class_drops(network, images, torch.tensor([0, 1]), ["conv:0"])):
        with pytest.raises(ValueError, match="esperaba logits .*un diccionario con logits.*wrap"):
            ask()


@pytest.mark.parametrize("kind", ["float16", "bfloat16", "float64"])
def test_another_precision_works_or_says_what_to_try(kind):
    network, images = copy.deepcopy(network_of("squeezenet1_1")).to(getattr(torch, kind)), noisy(2, 32)
    with pytest.raises(ValueError, match=rf"Prueba images.to\(torch.{kind}\)"):
        run(network, images, ["classifier.1"])
    acts = run(network, images.to(network.classifier[1].weight.dtype), ["classifier.1"])
    assert acts["classifier.1"].dtype == (torch.float64 if kind == "float64" else torch.float32)
    with torch.no_grad():
        truth = network.classifier[1](network.features(images.to(acts["input"].dtype)))
    assert torch.equal(acts["classifier.1"], truth.to(acts["classifier.1"].dtype))


def test_an_operation_that_does_not_exist_in_half_is_told():
    class Svd(nn.Module):
        def __init__(self):
            super().__init__()
            self.conv = nn.Conv2d(3, 4, 3)

        def forward(self, images):
            return torch.linalg.svdvals(self.conv(images).flatten(2))

    with pytest.raises(ValueError, match=r"Prueba model.float\(\)"):
        wrapped(Svd().half(), 16, 4)


def test_a_network_in_meta_is_told_everywhere():
    network, images = copy.deepcopy(network_of("vit")).to("meta"), noisy(1, 32)
    for ask in (lambda: wrapped(network), lambda: run(network, images, ["conv_proj"]), lambda: receptive_field(network, "conv_proj"),
                lambda: random_twin(network), lambda: gallery(network, "conv_proj", 1), lambda: features(network, images, "conv_proj"),
                lambda: occlusion_scores(network, images[0], torch.zeros(1, 4, dtype=torch.int64), logit(0))):
        with pytest.raises(ValueError, match="está en «meta»"):
            ask()


def test_a_compiled_network_is_taken_uncompiled_or_told():
    network, images = copy.deepcopy(network_of("resnet")), noisy(2, 32)
    truth = run(wrapped(network), images, ["network.layer2", "fc"])
    whole, part, inside = torch.compile(network, backend="eager"), copy.deepcopy(network), copy.deepcopy(network)
    part.layer2 = torch.compile(part.layer2, backend="eager")
    inside.layer1.compile(backend="eager")
    for compiled, layer in ((whole, "_orig_mod.layer2"), (part, "layer1"), (inside, "layer2")):
        before = Snapshot(compiled)
        acts = run(wrapped(compiled), images, ["network.layer2", "fc"])
        assert all(torch.equal(acts[name], truth[name]) for name in ("network.layer2", "fc"))
        with pytest.raises(ValueError, match="está compilada"):
            run(compiled, images, [layer])
        twin = random_twin(compiled)
        assert not_redrawn(compiled, twin) == [] and torch.equal(twin.conv1.weight, random_twin(network).conv1.weight)
        assert before.changes() == []


def test_a_torchscript_network_shows_its_logits_and_nothing_inside():
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        network = torch.jit.script(copy.deepcopy(network_of("resnet")))
    model, images = wrapped(network), noisy(2, 32)
    assert model.layers == ["normalize", "network", "fc"] and not layer_names(network)
    assert torch.equal(run(model, images, ["fc"])["fc"], network_of("resnet")((images - 0.5) / 0.25).detach())
    for ask in (lambda: run(model, images, ["network.inside.layer2"]), lambda: run(network, images, ["layer2"])):
        with pytest.raises(ValueError, match="es TorchScript"):
            ask()
    with pytest.raises(ValueError, match="se quedan como estaban: network.inside.conv1.weight"):
        random_twin(model)


@pytest.mark.parametrize("size", [1, 5])
def test_images_that_are_too_small_are_told(size):
    with pytest.raises(NetworkFailure, match="quizá espera otro lado, o son muy chicas"):
        run(copy.deepcopy(network_of("squeezenet1_0")), noisy(1, size), ["classifier.1"])
    with pytest.raises(ValueError, match="Di en size el lado"):
        wrapped(copy.deepcopy(network_of("vit")), 64)


def test_a_field_that_cannot_be_measured_is_told():
    network = nn.Sequential(nn.Conv2d(3, 4, 3), Absorbing(), nn.Conv2d(4, 4, 3))
    assert receptive_field(network, "0", 16) == (7, 7, 10, 10)
    with pytest.raises(ValueError, match="quita los NaN antes de «2»"):
        receptive_field(network, "2", 16)


class Absorbing(nn.Module):
    def forward(self, maps: Tensor) -> Tensor:
        return torch.nan_to_num(maps)


# ── el doble al azar ─────────────────────────────────────────────────────────────────────────────────────────────────

class Loose(nn.Module):
    """Pesos sueltos, que nadie sabe sortear."""

    def __init__(self) -> None:
        super().__init__()
        self.scale = nn.Parameter(torch.linspace(1, 2, 4).view(4, 1, 1))

    def forward(self, maps: Tensor) -> Tensor:
        return maps * self.scale


class Known(Loose):
    def reset_parameters(self) -> None:
        nn.init.normal_(self.scale)


class Table(nn.Module):
    """Una tabla que se guarda con los pesos, y quizá se aprendió."""

    def __init__(self) -> None:
        super().__init__()
        self.register_buffer("codes", torch.rand(4, 1, 1))

    def forward(self, maps: Tensor) -> Tensor:
        return maps * self.codes


def old_norm() -> nn.Module:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        return nn.utils.weight_norm(nn.Conv2d(3, 4, 3))


def test_loose_weights_of_known_families_are_drawn_again_each_with_its_spread():
    model = nn.Module()
    model.pos_embedding = nn.Parameter(torch.full((1, 50, 40), 7.0))
    model.class_token = nn.Parameter(torch.full((1, 1, 40), 7.0))
    draw_weights(model, 3)
    once = model.pos_embedding.detach().clone()
    assert once.std() == pytest.approx(0.02, rel=0.1) and abs(once.mean()) < 0.002 and (model.class_token == 0).all()
    assert torch.equal(draw_weights(model, 3).pos_embedding, once) and not torch.equal(draw_weights(model, 4).pos_embedding, once)


@pytest.mark.parametrize(("make", "kept"), [
    (lambda: nn.Sequential(nn.Conv2d(3, 4, 3), Loose()), ["1.scale"]),
    (lambda: nn.Sequential(nn.Conv2d(3, 4, 3), Table()), ["1.codes"]),
    (lambda: nn.Sequential(nn.Conv2d(3, 4, 3), torchvision.ops.FrozenBatchNorm2d(4)),
     ["1.weight", "1.bias", "1.running_mean", "1.running_var"]),
    (lambda: nn.Sequential(old_norm()), ["0.weight_g", "0.weight_v"]),
    (lambda: nn.Sequential(nn.utils.parametrizations.spectral_norm(nn.Conv2d(3, 4, 3))),
     ["0.parametrizations.weight.0._u", "0.parametrizations.weight.0._v"])])
def test_a_twin_that_would_keep_something_learned_is_refused_and_says_what(make, kept):
    with torch.no_grad():
        network = make().eval()
        network(torch.rand(1, 3, 8, 8))
    before = Snapshot(network)
    with pytest.raises(ValueError, match=f"se quedan como estaban: {', '.join(kept[:3])}") as caught:
        random_twin(network)
    assert "reset_parameters" in str(caught.value) and ("y 1 más" in str(caught.value)) == (len(kept) > 3)
    assert before.changes() == []


def test_equal_numbers_do_not_count_as_redrawn():
    network = nn.Sequential(nn.Conv2d(3, 4, 3), Loose())
    network[1].scale.data.fill_(2)
    with pytest.raises(ValueError, match="1.scale"):
        random_twin(network)


def test_what_knows_how_to_be_redrawn_is():
    network = nn.Sequential(nn.utils.parametrizations.weight_norm(nn.Conv2d(3, 4, 3)), Known(), nn.ConvTranspose2d(4, 4, 2), nn.PReLU(),
                            nn.Flatten(2), nn.MultiheadAttention(36, 2), nn.LSTM(5, 3), nn.Embedding(4, 3), nn.GroupNorm(2, 4))
    twin, again, other = random_twin(network, 3), random_twin(network, 3), random_twin(network, 4)
    changing = [name for name, weight in twin.named_parameters() if len(weight.unique()) > 1]
    assert len(changing) >= 12 and not_redrawn(network, twin) == []
    for name in changing:
        mine, old = twin.get_parameter(name), network.get_parameter(name)
        assert torch.equal(mine, again.get_parameter(name)) and not torch.equal(mine, old) and not torch.equal(mine, other.get_parameter(name)), name
    spread = twin[0].weight.std().item()                                        # Kaiming: la raíz de 2 entre las entradas
    assert 0.7 < spread / (2 / 27) ** 0.5 < 1.3


def test_a_network_that_cannot_be_copied_is_told():
    network = nn.Sequential(nn.Conv2d(3, 4, 3))
    network.last = network[0].weight * 2                                        # un tensor con historia, que no se copia
    for ask in (lambda: random_twin(network), lambda: wrapped(network)):
        with pytest.raises(ValueError, match="no se deja copiar"):
            ask()


def test_the_cache_of_vectors_takes_any_precision(tmp_path):
    model, images = wrapped(copy.deepcopy(network_of("resnet")).bfloat16()), noisy(2, 32)
    first = features(model, images, "fc", cache=tmp_path / "a")
    assert (tmp_path / "a").exists() and torch.equal(first, features(model, images, "fc", cache=tmp_path / "a"))


def test_record_lets_you_train_while_you_look():
    """`record` no cambia el modo de nadie: la pasada es tuya."""
    network = copy.deepcopy(network_of("resnet")).train()
    before = network.bn1.running_mean.clone()
    with record(network, ["layer2"]) as acts:
        network(noisy(4, 32)).sum().backward()
    assert acts["layer2"].requires_grad and not torch.equal(before, network.bn1.running_mean)


@pytest.mark.parametrize("kind", [list, tuple, torch.tensor, np.array])
def test_whole_numbers_for_the_mean_do_not_truncate_the_images(kind):
    """[0, 0, 0] y [1, 1, 1] son «sin preprocesar»: la red ve la misma imagen y su gradiente llega."""
    network = nn.Sequential(nn.Conv2d(3, 2, 3), nn.AdaptiveAvgPool2d(1), nn.Flatten())
    images = torch.rand(2, 3, 8, 8, requires_grad=True)
    answers = wrap(network, kind([0, 0, 0]), kind([1, 1, 1]), "ab", 8)(images)
    torch.testing.assert_close(answers, network(images))
    assert answers.requires_grad

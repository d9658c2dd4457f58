"""El zoológico: las familias de torchvision, con pesos al azar, por todo lo que se le hace a una red.

Cada familia pasa por `wrap` y luego por run, receptive_field, occlusion, maximize, gallery, features, dissect, silence
y random_twin. De cada verbo sale el resultado que da un gancho de PyTorch puesto a mano, o uno de nuestros errores; y
después la red está bit a bit como estaba. En cada entrega: todas en eval() y float32, y un muestreo fijo de lo demás
(`SAMPLE`). La matriz entera, una vez por versión, con su tabla en el archivo que digas:

    LABKIT_ZOO=tabla.md pytest -q -n 0 tests/test_zoo.py -k family
"""
import copy
import os
import random
import time
import traceback
import warnings
from collections.abc import Callable
from functools import lru_cache
from pathlib import Path
from typing import NamedTuple

import numpy as np
import pytest
import torch
from torch import Tensor, nn

from labkit.activations import Unit, layer_names, receptive_field, record, run, silence
from labkit.anynet import NetworkFailure
from labkit.dissection import dissect
from labkit.models import not_redrawn, random_twin, wrap
from labkit.objectives import logit
from labkit.occlusion import occluder_boxes, occlusion_scores
from labkit.optimization import PixelCanvas, gallery, maximize, noise
from labkit.regions import regions_of_masks
from labkit.vectors import features

torchvision = pytest.importorskip("torchvision")
from torchvision.models import convnext, maxvit, swin_transformer, vgg, vision_transformer  # noqa: E402
from torchvision.models.resnet import BasicBlock, Bottleneck, ResNet  # noqa: E402

CLASSES = 10
WHOLE = os.environ.get("LABKIT_ZOO", "")


class Animal(NamedTuple):
    """Una familia: cómo se hace la más chica, el lado de sus imágenes y una capa del medio.

    where: cómo salen los canales de esa capa, escrito a mano: "first" (b, c, h, w), "last" (b, h, w, c) o cuántas
    fichas sueltas lleva antes de las de la imagen;  channels: cuántos son.
    """
    build: Callable[[], nn.Module]
    size: int
    layer: str
    channels: int
    where: str | int = "first"


def small(name: str, **how) -> Callable[[], nn.Module]:
    return lambda: torchvision.models.get_model(name, weights=None, num_classes=CLASSES, **how)


def with_head(name: str, inside: int) -> nn.Module:
    """AlexNet, con una sola capa densa: las suyas pesan 200 MB."""
    network = torchvision.models.get_model(name, weights=None)
    network.classifier = nn.Linear(inside, CLASSES)
    return network


def small_vgg() -> nn.Module:
    network = vgg.VGG(vgg.make_layers([8, "M", 8, 16, "M", 16, "M", 16, "M"], batch_norm=True), init_weights=False)
    network.classifier = nn.Sequential(nn.Linear(16 * 49, 32), nn.ReLU(True), nn.Dropout(), nn.Linear(32, CLASSES))
    return network


def residual(block: type, **how) -> Callable[[], nn.Module]:
    return lambda: ResNet(block, [1, 1, 1, 1], num_classes=CLASSES, **how)


def small_swin(version: int, width: int = 24) -> nn.Module:
    more = {} if version == 1 else {"block": swin_transformer.SwinTransformerBlockV2,
                                    "downsample_layer": swin_transformer.PatchMergingV2}
    return swin_transformer.SwinTransformer([4, 4], width, [2, 2], [2, 2], [4, 4], num_classes=CLASSES, **more)


ZOO = {
    "alexnet": Animal(lambda: with_head("alexnet", 256 * 36), 64, "features.4", 192),
    "vgg": Animal(small_vgg, 32, "features.5", 8),
    "resnet": Animal(residual(BasicBlock), 32, "layer2", 128),
    "resnext": Animal(residual(Bottleneck, groups=32, width_per_group=4), 32, "layer1.0", 256),
    "wide_resnet": Animal(residual(Bottleneck, width_per_group=128), 32, "layer1.0.conv2", 128),
    "inception_v3": Animal(small("inception_v3", init_weights=False), 80, "Mixed_5b", 256),
    "googlenet": Animal(small("googlenet", init_weights=False), 32, "inception3a", 256),
    "densenet": Animal(lambda: torchvision.models.DenseNet(8, (2, 2, 2, 2), 16, num_classes=CLASSES), 32,
                       "features.denseblock2.denselayer1.conv2", 8),
    "mobilenet_v2": Animal(small("mobilenet_v2", width_mult=0.25), 32, "features.3", 8),
    "mobilenet_v3": Animal(small("mobilenet_v3_small", width_mult=0.5), 32, "features.2", 16),
    "efficientnet": Animal(small("efficientnet_b0"), 32, "features.2", 24),
    "efficientnet_v2": Animal(small("efficientnet_v2_s"), 32, "features.2", 48),
    "mnasnet": Animal(small("mnasnet0_5"), 32, "layers.8", 16),
    "shufflenet": Animal(small("shufflenet_v2_x0_5"), 32, "stage2.0", 48),
    "squeezenet1_0": Animal(small("squeezenet1_0"), 48, "features.3", 128),
    "squeezenet1_1": Animal(small("squeezenet1_1"), 32, "features.3.expand1x1", 64),
    "regnet_x": Animal(small("regnet_x_400mf"), 32, "trunk_output.block1", 32),
    "regnet_y": Animal(small("regnet_y_400mf"), 32, "trunk_output.block2", 104),
    "convnext": Animal(lambda: convnext.ConvNeXt([convnext.CNBlockConfig(12, 20, 1), convnext.CNBlockConfig(20, None, 1)],
                                                 num_classes=CLASSES), 32, "features.1.0.block.3", 48, "last"),
    "vit": Animal(lambda: vision_transformer.VisionTransformer(32, 8, 2, 2, 32, 64, num_classes=CLASSES), 32,
                  "encoder.layers.encoder_layer_0", 32, 1),
    "swin": Animal(lambda: small_swin(1), 64, "features.1", 24, "last"),
    "swin_v2": Animal(lambda: small_swin(2), 64, "features.3.0", 48, "last"),
    "maxvit": Animal(lambda: maxvit.MaxVit((64, 64), 12, 4, [12, 20], [1, 1], 4, 0.1, num_classes=CLASSES), 64,
                     "blocks.0.layers.0", 12),
}
VARIANTS = ["eval", "train", "float64", "float16", "bfloat16", "meta", "compiled", "scripted"]
# de las demás combinaciones, en cada entrega: cada variante con tres familias distintas
NAMES = list(ZOO)
SAMPLE = [(NAMES[(3 * i + 8 * k) % len(NAMES)], variant) for i, variant in enumerate(VARIANTS[1:]) for k in range(3)]
MATRIX = [(name, variant) for name in NAMES for variant in VARIANTS if WHOLE or variant == "eval"]
MATRIX += [] if WHOLE else SAMPLE
CLOSE = {"float16": 3e-2, "bfloat16": 2e-1}


class Tiny(NamedTuple):
    """Un conjunto de imágenes de ruido con dos conceptos: la mitad de arriba y la de la izquierda."""
    images: Tensor
    names: list[str] = ["arriba", "izquierda"]
    categories: list[str] = ["lugar", "lado"]

    def __len__(self) -> int:
        return len(self.images)

    def pictures(self, rows: Tensor) -> Tensor:
        return self.images[rows]

    def regions(self, rows: Tensor):
        masks = torch.zeros(len(rows), 2, 16, 16, dtype=torch.bool)
        masks[:, 0, :8], masks[:, 1, :, :8] = True, True
        return regions_of_masks(masks)


class Snapshot:
    """Todo lo de una red que no debe cambiar, y el azar de todos."""

    def __init__(self, model: nn.Module) -> None:
        self.model = model
        self.modes = [module.training for module in model.modules()]
        self.hooks = [count_all(module) for module in model.modules()]
        self.tensors = {name: (id(tensor), tensor.detach().clone(), tensor.requires_grad, tensor.grad)
                        for name, tensor in (*model.named_parameters(), *model.named_buffers())}
        self.dice = random.getstate(), np.random.get_state()[1].tolist(), torch.get_rng_state().clone()

    def changes(self) -> list[str]:
        """Qué cambió, en palabras."""
        now, found = Snapshot(self.model), []
        found += ["modo"] * (now.modes != self.modes) + ["ganchos"] * (now.hooks != self.hooks)
        found += ["nombres"] * (list(now.tensors) != list(self.tensors))
        for name, (which, values, wants, slope) in self.tensors.items():
            other = now.tensors[name]
            same = other[0] == which and same_bits(other[1], values) and other[2:] == (wants, slope)
            found += [] if same else [name]
        found += ["azar"] * (self.dice[:2] != now.dice[:2] or not torch.equal(self.dice[2], now.dice[2]))
        return found


def count_all(module: nn.Module) -> int:
    return sum(len(vars(module).get(name, ())) for name in ("_forward_hooks", "_forward_pre_hooks", "_backward_hooks",
                                                            "_backward_pre_hooks"))


def same_bits(a: Tensor, b: Tensor) -> bool:
    return a.dtype == b.dtype and a.shape == b.shape and torch.equal(a.nan_to_num(7.5), b.nan_to_num(7.5))


@lru_cache(maxsize=1)
def network_of(name: str) -> nn.Module:
    """La red de una familia, siempre con los mismos pesos, en eval(), con promedios que no son los de nacimiento."""
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(sum(map(ord, name)))
        network = ZOO[name].build()
        for weights in network.parameters():
            if weights.ndim == 1 or len(weights.unique()) == 1:
                weights.data += 0.2 * torch.randn(weights.shape)
        for module in network.modules():
            if isinstance(module, nn.BatchNorm2d):
                module.running_mean.normal_(0, 0.1)
                module.running_var.uniform_(0.5, 1.5)
    return network.eval()


def variant_of(name: str, variant: str) -> nn.Module:
    """La red envuelta, en una de sus variantes; ValueError si no se puede."""
    network = copy.deepcopy(network_of(name))
    if variant.startswith(("float", "bfloat")):
        network = network.to(getattr(torch, variant))
    elif variant == "meta":
        network = network.to("meta")
    elif variant == "compiled":
        network = torch.compile(network, backend="eager")
    elif variant == "scripted":
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            network = torch.jit.script(network)
    model = wrap(network, [0.5] * 3, [0.25] * 3, map(str, range(CLASSES)), ZOO[name].size)
    if variant == "train":
        model.train()
        for weights in model.parameters():
            weights.requires_grad_(True)
    return model


class Hand:
    """El oráculo: la red de PyTorch, aparte y en eval(), con un gancho puesto a mano."""

    def __init__(self, name: str, model: nn.Module) -> None:
        self.animal, self.model = ZOO[name], copy.deepcopy(model).eval()

    def logits(self, images: Tensor) -> Tensor:
        with torch.no_grad():
            return self.model(images).double()

    def output(self, images: Tensor, layer: str) -> Tensor:
        """Lo que da la capa, tal como sale."""
        found = []
        handle = self.model.get_submodule(layer).register_forward_hook(lambda _, inputs, output: found.append(output.clone()))
        self.logits(images)
        handle.remove()
        return found[0]

    def maps(self, images: Tensor, layer: str) -> Tensor:
        """Lo mismo como (b, c, h, w), según lo que de esta capa se escribió a mano."""
        values, where = self.output(images, layer), self.animal.where
        if layer == "fc" or where == "first":
            return values
        if where == "last":
            return values.permute(0, 3, 1, 2)
        side = round((values.shape[1] - where) ** 0.5)
        return values[:, where:].transpose(1, 2).reshape(len(values), -1, side, side)

    def silenced(self, images: Tensor, layer: str, k: int) -> Tensor:
        """Los logits si el canal k de la capa vale 0 en todas partes."""
        def zeroed(_: nn.Module, inputs: tuple, output: Tensor) -> Tensor:
            output = output.clone()
            (output if self.animal.where == "first" else output.movedim(-1, 1))[:, k] = 0
            return output
        handle = self.model.get_submodule(layer).register_forward_hook(zeroed)
        logits = self.logits(images)
        handle.remove()
        return logits


class Visit(NamedTuple):
    """Una red en una variante, lo que se le pregunta y con qué se compara."""
    model: nn.Module
    hand: Hand
    layer: str
    images: Tensor
    near: float

    def close(self, ours: Tensor, truth: Tensor) -> None:
        torch.testing.assert_close(ours.double(), truth.double(), rtol=self.near, atol=self.near * float(truth.abs().max() + 1e-3))


def asks_run(visit: Visit) -> None:
    acts = run(visit.model, visit.images, [visit.layer, "fc"])
    visit.close(acts[visit.layer], visit.hand.maps(visit.images, visit.layer))
    visit.close(acts["fc"], visit.hand.logits(visit.images))
    assert acts[visit.layer].shape[1] == visit.hand.animal.channels or visit.layer == "fc"


def asks_receptive_field(visit: Visit) -> None:
    """La caja contiene a todo píxel con gradiente y toca a los de sus cuatro lados, si el gradiente llega."""
    size = visit.images.shape[-1]
    y0, x0, y1, x1 = receptive_field(visit.model, visit.layer, size)
    image = visit.images[:1].clone().requires_grad_(True)
    values = record_by_hand(visit.hand, image, visit.layer)
    middle = values if values.ndim == 2 else values[:, :, values.shape[2] // 2, values.shape[3] // 2]
    slope, = torch.autograd.grad(middle.double().pow(2).sum(), image)
    rows, columns = slope[0].abs().sum((0, 2)).nonzero()[:, 0], slope[0].abs().sum((0, 1)).nonzero()[:, 0]
    assert 0 <= y0 <= rows.min() and rows.max() < y1 <= size and 0 <= x0 <= columns.min() and columns.max() < x1 <= size


def record_by_hand(hand: Hand, image: Tensor, layer: str) -> Tensor:
    """Los mapas de una capa, con gradiente."""
    found = []
    handle = hand.model.get_submodule(layer).register_forward_hook(lambda _, inputs, output: found.append(output))
    hand.model(image)
    handle.remove()
    values, where = found[0], hand.animal.where
    if layer == "fc" or where == "first":
        return values
    if where == "last":
        return values.permute(0, 3, 1, 2)
    side = round((values.shape[1] - where) ** 0.5)
    return values[:, where:].transpose(1, 2).reshape(len(values), -1, side, side)


def asks_occlusion(visit: Visit) -> None:
    image, size = visit.images[0], visit.images.shape[-1]
    boxes = occluder_boxes(size, size, size // 2, size // 2)[:2]
    scores = occlusion_scores(visit.model, image, boxes, logit(3))
    covered = image.repeat(2, 1, 1, 1)
    for i, (y0, x0, y1, x1) in enumerate(boxes.tolist()):
        covered[i, :, y0:y1, x0:x1] = 0
    visit.close(scores, visit.hand.logits(covered)[:, 3])


def asks_maximize(visit: Visit) -> None:
    start = noise(1, visit.images.shape[-1])
    ascent = maximize(visit.model, logit(2), PixelCanvas(start), 2)
    visit.close(ascent.scores[0], visit.hand.logits(start)[:, 2])
    visit.close(ascent.scores[-1], visit.hand.logits(ascent.images)[:, 2])
    assert ascent.gradient.abs().sum() > 0 and not torch.equal(ascent.images, start) and 0 <= ascent.images.min() <= ascent.images.max() <= 1


def asks_gallery(visit: Visit) -> None:
    ascent = gallery(visit.model, "fc", 1, size=visit.images.shape[-1])
    assert len(ascent.images) == CLASSES
    visit.close(ascent.scores[-1], visit.hand.logits(ascent.images).diagonal())


def asks_features(visit: Visit) -> None:
    maps = visit.hand.maps(visit.images, visit.layer).double()
    visit.close(features(visit.model, visit.images, visit.layer), maps.flatten(2).mean(2) if maps.ndim > 2 else maps)


def asks_dissect(visit: Visit) -> None:
    found = dissect(visit.model, Tiny(visit.images), visit.layer)
    maps = visit.hand.maps(visit.images, visit.layer).float()
    maps = maps if maps.ndim == 4 else maps[..., None, None]
    values = maps.transpose(0, 1).flatten(1).sort(1, descending=True).values
    alive = ~found.dead
    assert found.iou().shape == (maps.shape[1], 2) and alive.any()
    cuts = values[:, int(0.005 * values.shape[1])]
    rises = alive & (cuts > values[:, -1])
    visit.close(found.cuts[rises].float(), cuts[rises])


def asks_silence(visit: Visit) -> None:
    k = 1
    with silence(visit.model, [Unit(visit.layer, k)]):
        inside = run(visit.model, visit.images, ["fc"])["fc"]
    visit.close(inside, visit.hand.silenced(visit.images, visit.layer, k))


def asks_random_twin(visit: Visit) -> None:
    twin, again = random_twin(visit.model), random_twin(visit.model)
    new, old = twin.state_dict(), visit.model.state_dict()
    learned = [name for name, values in old.items() if values.is_floating_point() and "normalize" not in name
               and not name.endswith("relative_coords_table") and len(values.unique()) > 1]
    assert learned and [name for name in learned if torch.equal(new[name], old[name])] == [] == not_redrawn(visit.model, twin)
    assert all(same_bits(values, again.state_dict()[name]) for name, values in new.items())
    assert torch.isfinite(run(twin, visit.images, ["fc"])["fc"]).all()


VERBS = {check.__name__.removeprefix("asks_"): check for check in (
    asks_run, asks_receptive_field, asks_occlusion, asks_maximize, asks_gallery, asks_features, asks_dissect,
    asks_silence, asks_random_twin)}


def is_ours(error: Exception) -> bool:
    """Si es uno de nuestros errores: lo escribió labkit y no PyTorch, torchvision ni Python."""
    room = [frame.f_globals.get("__name__", "") for frame, _ in traceback.walk_tb(error.__traceback__)][-1]
    return isinstance(error, (ValueError, TypeError)) and room.split(".")[0] == "labkit"


def outcomes(name: str, variant: str) -> dict[str, str]:
    """Qué salió de cada verbo: "bien", o lo que dijo nuestro error; AssertionError si no es ninguno de los dos."""
    torch.manual_seed(5)
    images = torch.rand(3, 3, ZOO[name].size, ZOO[name].size, generator=torch.Generator().manual_seed(1))
    try:
        model = variant_of(name, variant)
    except ValueError as error:
        assert is_ours(error), f"{name} {variant} wrap: {error}"
        return {"wrap": str(error)}
    layer = "network" if variant == "scripted" else f"network.{ZOO[name].layer}"
    visit = Visit(model, Hand(name, model), layer, images, CLOSE.get(variant, 1e-4))
    if variant == "scripted":
        visit.hand.animal = ZOO[name]._replace(where="first", channels=CLASSES)
    found = {}
    for verb, check in VERBS.items():
        before = Snapshot(model)
        try:
            check(visit)
            found[verb] = "bien"
        except (ValueError, TypeError) as error:
            assert is_ours(error), f"{name} {variant} {verb}: {error!r}"
            found[verb] = str(error)
        assert before.changes() == [], f"{name} {variant} {verb}: cambió {before.changes()[:3]}"
    return found


def is_told(variant: str, verb: str, said: str) -> bool:
    """Los errores que se esperan, con lo que dicen: no vale cualquiera."""
    return said == "bien" or (variant, verb) in {("meta", "wrap"), ("scripted", "random_twin")} or (
        variant in CLOSE and "Prueba model.float()" in said)


@pytest.mark.parametrize(("name", "variant"), MATRIX, ids=[f"{name}-{variant}" for name, variant in MATRIX])
def test_every_family_answers_or_says_why_and_stays_as_it_was(name, variant):
    began = time.process_time()
    found = outcomes(name, variant)
    if WHOLE:
        cells = "; ".join(f"{verb}: {said[:60]}" for verb, said in found.items() if said != "bien") or "todo bien"
        with Path(WHOLE).open("a", encoding="utf-8") as table:
            table.write(f"| {name} | {variant} | {cells} | {time.process_time() - began:.1f} |\n")
    assert {verb: said for verb, said in found.items() if not is_told(variant, verb, said)} == {}
    assert variant != "meta" or "está en «meta»" in found["wrap"]
    assert variant != "scripted" or "se quedan como estaban" in found["random_twin"]


# ── lo que ninguna familia tiene, y una red ajena sí ─────────────────────────────────────────────────────────────────

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
    from labkit.activations import edit

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
    from labkit.dissection import class_drops
    from labkit.occlusion import winners

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

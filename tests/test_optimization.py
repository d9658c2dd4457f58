"""Subir: contra la forma cerrada de una red lineal, contra un ciclo a mano, y lo que no debe pasar nunca."""
import copy
import math
from collections import OrderedDict

import numpy as np
import pytest
import torch
from conftest import count_hooks
from torch import nn

from labkit.activations import run
from labkit.datasets import load_images
from labkit.models import draw_weights, load_model, plain_network
from labkit.objectives import Objective, channel, direction, each, layer_energy, logit, margin, neuron
from labkit.optimization import (
    Ascent,
    PixelCanvas,
    diversity,
    diversity_of,
    dream,
    gallery,
    maximize,
    noise,
    redirect_relu,
    style_likeness,
    within,
)


def dice(seed: int = 0) -> torch.Generator:
    return torch.Generator().manual_seed(seed)


@pytest.fixture
def linear():
    """Una red lineal: su logit k es la suma de w[k] · imagen, así que el óptimo en cada bola se sabe de memoria."""
    model = nn.Sequential(OrderedDict(flat=nn.Flatten(), fc=nn.Linear(3 * 6 * 4, 3, bias=False)))
    nn.init.normal_(model.fc.weight, generator=dice())
    return model.eval().requires_grad_(False)


@pytest.fixture
def network():
    return draw_weights(plain_network(4, (6, 8, 10), dense=12), seed=0).eval().requires_grad_(False)


def test_the_free_optimum_of_a_linear_network_is_the_sign_of_its_weights(linear):
    ascent = maximize(linear, logit(1), PixelCanvas(torch.full((1, 3, 6, 4), 0.5)), steps=60, lr=0.05)
    weights = linear.fc.weight[1].view(3, 6, 4)
    assert torch.equal(ascent.images[0], (weights > 0).float())
    assert torch.allclose(ascent.scores[-1], weights.clamp(min=0).sum()[None], atol=1e-4)
    assert torch.allclose(ascent.gradient[0], weights)                      # el gradiente de algo lineal son sus pesos


@pytest.mark.parametrize("kind", [list, tuple, torch.tensor, np.array])
def test_a_radius_for_each_image_may_come_in_any_sequence(linear, kind):
    start = torch.full((3, 3, 4, 6), 0.5)
    images = maximize(linear, logit(2), PixelCanvas(start, kind([0.0, 0.25, math.inf])), steps=30, lr=0.1).images
    moved = (images - start).flatten(1).norm(dim=1)
    assert moved[0] == 0 and moved[1] == pytest.approx(0.25, abs=1e-5) and moved[2] > 0.5
    for wrong in (kind([1.0, 2.0]), [0.1, "a", 0.2], [0.1, -1.0, 0.2], [float("nan")] * 3, []):
        with pytest.raises(ValueError, match="radius: esperaba"):
            PixelCanvas(start, wrong)


@pytest.mark.parametrize("kind", [np.array, np.float32, torch.tensor])
def test_a_number_with_its_own_type_is_a_radius_for_all(linear, kind):
    start = noise(3, 16)
    assert torch.equal(PixelCanvas(start, kind(0.25)).radius, PixelCanvas(start, 0.25).radius)


@pytest.mark.parametrize("norm, radius", [("l2", 0.4), ("linf", 0.03)])
def test_the_optimum_in_a_ball_nears_the_closed_form(linear, norm, radius):
    start = torch.full((1, 3, 6, 4), 0.5)
    ascent = maximize(linear, logit(2), PixelCanvas(start, radius, norm), steps=400, lr=0.004)
    weights = linear.fc.weight[2].view(3, 6, 4)
    best = weights * (radius / weights.norm()) if norm == "l2" else radius * weights.sign()
    gain = (weights * best).sum()
    share = (ascent.scores[-1] - ascent.scores[0]).item() / gain.item()     # Adam iguala los píxeles: en la bola L2, cerca
    assert (share == pytest.approx(1, abs=0.01)) if norm == "linf" else 0.75 < share <= 1.001
    shift = ascent.images - start
    assert (shift.norm() if norm == "l2" else shift.abs().max()) <= radius + 1e-6


def test_maximize_is_adam_by_hand(network):
    """La misma subida, escrita con el Adam del pizarrón."""
    start = noise(2, 16, seed=1)
    pixels, first, second = start.clone(), torch.zeros_like(start), torch.zeros_like(start)
    for t in range(1, 6):
        image = pixels.clone().requires_grad_(True)
        slope, = torch.autograd.grad(run(network, image, ["conv2"])["conv2"][:, 3].mean((1, 2)).sum(), image)
        first, second = 0.9 * first + 0.1 * slope, 0.999 * second + 0.001 * slope ** 2
        pixels = pixels + 0.05 * (first / (1 - 0.9 ** t)) / ((second / (1 - 0.999 ** t)).sqrt() + 1e-8)
        pixels = pixels.clamp(0, 1)
    ascent = maximize(network, channel("conv2:3"), PixelCanvas(start), steps=5)
    assert torch.allclose(ascent.images, pixels, atol=1e-5) and torch.allclose(ascent.gradient, slope, atol=1e-7)


def test_what_an_ascent_keeps(network):
    ascent = maximize(network, logit(0), PixelCanvas(noise(3, 16)), steps=10, keep_every=4)
    assert isinstance(ascent, Ascent) and ascent.images.shape == ascent.gradient.shape == (3, 3, 16, 16)
    assert ascent.scores.shape == (11, 3) and ascent.kept == [0, 4, 8, 10] and ascent.frames.shape == (4, 3, 3, 16, 16)
    assert torch.equal(ascent.frames[0], noise(3, 16)) and torch.equal(ascent.frames[-1], ascent.images)
    assert (ascent.scores[-1] > ascent.scores[0]).all() and 0 <= ascent.images.min() and ascent.images.max() <= 1
    for k, frame in zip(ascent.kept, ascent.frames):
        assert torch.allclose(network(frame)[:, 0], ascent.scores[k], atol=1e-4)


def test_an_image_does_not_depend_on_its_neighbours(network):
    start = noise(4, 16)
    together = maximize(network, channel("conv3:2"), PixelCanvas(start), steps=8).images
    alone = maximize(network, channel("conv3:2"), PixelCanvas(start[2:3]), steps=8).images
    assert torch.allclose(together[2], alone[0], atol=1e-5)


def test_many_units_at_once_are_the_same_as_one_by_one(network):
    start = noise(1, 16).expand(3, -1, -1, -1)
    wanted = [channel("conv2:1"), neuron("conv3:4"), logit(2)]
    together = maximize(network, each(wanted), PixelCanvas(start), steps=6)
    for i, objective in enumerate(wanted):
        alone = maximize(network, objective, PixelCanvas(start[:1]), steps=6)
        assert torch.allclose(together.images[i], alone.images[0], atol=1e-5)
        assert torch.allclose(together.scores[:, i], alone.scores[:, 0], atol=1e-5)
    with pytest.raises(ValueError, match="3 objetivos y 2 imágenes"):
        maximize(network, each(wanted), PixelCanvas(noise(2, 16)), steps=1)


def test_same_seed_same_picture(network):
    pictures = [maximize(network, logit(1), PixelCanvas(noise(2, 16, seed=s)), steps=5).images for s in (3, 3, 4)]
    assert torch.equal(pictures[0], pictures[1]) and not torch.equal(pictures[0], pictures[2])


def test_the_pass_stops_at_the_layer_and_nothing_is_left(network):
    network.requires_grad_(True)
    seen = []
    handle = network.conv3.register_forward_hook(lambda *_: seen.append(1))
    before, hooks = copy.deepcopy(network.state_dict()), count_hooks(network)
    maximize(network, channel("conv2:0"), PixelCanvas(noise(1, 16)), steps=3)
    assert seen == [] and count_hooks(network) == hooks
    assert all(weight.grad is None for weight in network.parameters())
    assert all(torch.equal(before[key], value) for key, value in network.state_dict().items())
    handle.remove()


def test_it_works_inside_no_grad(network):
    with torch.no_grad():
        ascent = maximize(network, logit(0), PixelCanvas(noise(1, 16)), steps=3)
    assert ascent.scores[-1] > ascent.scores[0]


class Counting(PixelCanvas):
    """Un lienzo que se interrumpe en el cuarto paso, como quien aprieta ■."""
    steps = 0

    def after_step(self, score):
        super().after_step(score)
        self.steps += 1
        if self.steps == 4:
            raise KeyboardInterrupt


def test_interrupting_keeps_the_picture_so_far(network):
    canvas = Counting(noise(2, 16))
    ascent = maximize(network, logit(0), canvas, steps=100, keep_every=3)
    same = maximize(network, logit(0), PixelCanvas(noise(2, 16)), steps=4, keep_every=3)
    assert torch.equal(ascent.images, same.images) and torch.equal(ascent.scores, same.scores)
    assert ascent.kept == same.kept == [0, 3, 4] and count_hooks(network) == 0


def test_the_canvas_decides_what_follows_a_step(network):
    calls = []

    def after(images):
        calls.append(images.shape)
        return images * 0 + 2.0                                             # y se queda en [0, 1]

    assert torch.equal(maximize(network, logit(0), PixelCanvas(noise(1, 16), after=after), steps=2).images, torch.ones(1, 3, 16, 16))
    assert calls == [(1, 3, 16, 16)] * 2


class Bare(nn.Module):
    """Un lienzo sin `after_step` y con otra cosa que píxeles: un solo número, el gris."""

    def __init__(self):
        super().__init__()
        self.grey = nn.Parameter(torch.tensor(0.0))

    def forward(self):
        return torch.sigmoid(self.grey).expand(1, 3, 8, 8)


def test_any_module_that_gives_images_is_a_canvas(planted):
    ascent = maximize(planted, channel("conv1:0"), Bare(), steps=50, lr=0.2)
    assert ascent.images.min() > 0.9 and ascent.images.std() < 1e-6         # rojo al máximo, pero sólo sabe de grises


def test_the_transform_goes_between_the_canvas_and_the_network(linear):
    flipped = maximize(linear, logit(0), PixelCanvas(torch.full((1, 3, 6, 4), 0.5)), steps=60, transform=lambda x: x.flip(3))
    assert torch.equal(flipped.images[0].flip(2), (linear.fc.weight[0].view(3, 6, 4) > 0).float())


@pytest.mark.parametrize("change, sentence", [
    ({"steps": 0}, "steps: esperaba un entero desde 1 y recibí 0"), ({"keep_every": 0}, "keep_every: esperaba"),
    ({"objective": channel("conv9:0")}, "no hay una capa «conv9»"), ({"objective": channel("conv2:99")}, "tiene 8 canales"),
    ({"objective": Objective(("fc",), lambda acts: acts["fc"].sum(), "suma")}, "una puntuación por imagen"),
    ({"objective": Objective(("fc",), lambda acts: acts["fc"][:, 0] / 0, "nada")}, "NaN o infinito"),
])
def test_what_cannot_be_climbed_is_told(network, change, sentence):
    arguments = {"model": network, "objective": logit(0), "canvas": PixelCanvas(noise(1, 16))} | change
    with pytest.raises(ValueError, match=sentence):
        maximize(**arguments)
    assert count_hooks(network) == 0


def test_images_are_not_a_canvas(network):
    with pytest.raises(TypeError, match=r"canvas: esperaba un lienzo y recibí Tensor.*PixelCanvas\(images\)"):
        maximize(network, logit(0), noise(1, 16))


@pytest.mark.parametrize("arguments, sentence", [((torch.zeros(3, 8, 8),), "b, 3, h, w"), ((torch.zeros(1, 1, 8, 8),), "3"),
                                                 ((torch.zeros(1, 3, 8, 8), 1.0, "l1"), "norm")])
def test_a_canvas_wants_images(arguments, sentence):
    with pytest.raises(ValueError, match=sentence):
        PixelCanvas(*arguments)


def test_noise_is_grey_in_range_and_repeats():
    images = noise(50, 32, sd=0.1, seed=2)
    assert images.shape == (50, 3, 32, 32) and abs(images.mean() - 0.5) < 0.01 and abs(images.std() - 0.1) < 0.01
    assert torch.equal(images, noise(50, 32, sd=0.1, seed=2)) and noise(1, 8, sd=9).min() == 0


@pytest.mark.parametrize("norm", ["l2", "linf"])
def test_within_is_a_projection(norm):
    shift = torch.randn(5, 3, 4, 4, generator=dice()) * torch.tensor([0.01, 0.1, 1, 10, 0]).view(5, 1, 1, 1)
    kept = within(shift, 0.5, norm)
    size = kept.flatten(1).norm(dim=1) if norm == "l2" else kept.flatten(1).abs().amax(1)
    assert (size <= 0.5 + 1e-6).all() and torch.equal(kept[0], shift[0]) and torch.equal(kept[4], shift[4])
    assert torch.allclose(within(kept, 0.5, norm), kept, atol=1e-7)


# ── objetivos nuevos ─────────────────────────────────────────────────────────────────────────────────────────────────

def test_a_whole_layer_is_the_mean_of_its_squares(network):
    images = noise(3, 16)
    acts = run(network, images, ["conv2", "dense"])
    assert torch.allclose(layer_energy("conv2")(acts), acts["conv2"].square().mean((1, 2, 3)))
    assert torch.allclose(layer_energy("dense")(acts), acts["dense"].square().mean(1))
    ascent = maximize(network, layer_energy("conv2"), PixelCanvas(images), steps=5)
    assert (ascent.scores[-1] > ascent.scores[0]).all()


def test_negative_directions_sums_and_interpolations_go_where_they_say(network):
    start = noise(1, 16)
    a, b = channel("conv3:1"), channel("conv3:5")
    down = maximize(network, -a, PixelCanvas(start), steps=10)
    assert down.scores[-1] > down.scores[0] and a(run(network, down.images, a.layers)) < a(run(network, start, a.layers))
    both = maximize(network, 0.5 * a + 0.5 * b, PixelCanvas(start), steps=10).images
    vector = torch.zeros(10)
    vector[1], vector[5] = 0.5, 0.5
    same = maximize(network, direction("conv3", vector), PixelCanvas(start), steps=10).images
    assert torch.allclose(both, same, atol=1e-4)


# ── diversidad ───────────────────────────────────────────────────────────────────────────────────────────────────────

def test_diversity_is_zero_for_copies_and_one_for_orthogonal_styles(network):
    image = torch.rand(1, 3, 16, 16, generator=dice())
    assert diversity_of(image.expand(4, -1, -1, -1), network, "conv2") == pytest.approx(0, abs=1e-5)
    assert diversity_of(image, network, "conv2") == 0
    maps = torch.zeros(2, 4, 3, 3)
    maps[0, 0], maps[1, 1] = 1.0, 1.0                                       # cada una enciende su propio canal
    assert torch.allclose(style_likeness(maps), torch.eye(2))
    moved = maps[:1].roll(1, 3)
    assert torch.allclose(style_likeness(torch.cat([maps[:1], moved])), torch.ones(2, 2))


def test_the_diversity_term_pushes_images_apart(network):
    start = noise(3, 16)
    alone = maximize(network, logit(0), PixelCanvas(start), steps=15)
    apart = maximize(network, logit(0) + 50 * diversity("conv2"), PixelCanvas(start), steps=15)
    assert diversity_of(apart.images, network, "conv2") > diversity_of(alone.images, network, "conv2")
    values = diversity("conv2")(run(network, start, ["conv2"]))
    likeness = style_likeness(run(network, start, ["conv2"])["conv2"])
    assert values[0].item() == pytest.approx(1 - (likeness[0, 1] + likeness[0, 2]).item() / 2, abs=1e-5)


# ── ReLU ─────────────────────────────────────────────────────────────────────────────────────────────────────────────

@pytest.fixture
def silent():
    """Una unidad que sólo ve rojo y, en una imagen azul, está apagada: tras su ReLU no hay gradiente."""
    model = nn.Sequential(OrderedDict(conv1=nn.Conv2d(3, 1, 1), relu1=nn.ReLU()))
    with torch.no_grad():
        model.conv1.weight.copy_(torch.tensor([1.0, 0, 0]).view(1, 3, 1, 1))
        model.conv1.bias.fill_(-0.6)
    return model.eval().requires_grad_(False)


def test_a_silent_unit_has_no_gradient_unless_it_is_redirected_or_asked_before(silent):
    start = torch.full((1, 3, 4, 4), 0.3)
    stuck = maximize(silent, channel("relu1:0"), PixelCanvas(start), steps=20)
    assert torch.equal(stuck.images, start) and not stuck.gradient.any()
    with redirect_relu(silent):
        moved = maximize(silent, channel("relu1:0"), PixelCanvas(start), steps=20)
    before = maximize(silent, channel("conv1:0"), PixelCanvas(start), steps=20)
    for ascent in (moved, before):
        assert ascent.images[:, 0].min() == 1 and torch.equal(ascent.images[:, 1:], start[:, 1:])
    assert count_hooks(silent) == 0


def test_redirecting_changes_no_value_and_only_opens_the_way_up(silent):
    images = torch.rand(2, 3, 4, 4, generator=dice()).requires_grad_(True)
    plain = silent(images)
    with redirect_relu(silent):
        values = silent(images)
    assert torch.equal(values, plain)
    up, = torch.autograd.grad(values.sum(), images, retain_graph=True)
    down, = torch.autograd.grad(-values.sum(), images)
    lit = (images[:, 0] > 0.6).float()
    assert torch.equal(up[:, 0], torch.ones_like(lit)) and torch.equal(down[:, 0], -lit)


def test_each_image_may_have_its_own_budget(linear):
    start, radii = torch.full((3, 3, 6, 4), 0.5), torch.tensor([0.1, 0.5, float("inf")])
    images = maximize(linear, logit(0), PixelCanvas(start, radii), steps=40).images
    moved = (images - start).flatten(1).norm(dim=1)
    assert torch.allclose(moved[:2], radii[:2], atol=1e-4) and moved[2] == pytest.approx((72 * 0.25) ** 0.5, rel=1e-4)


# ── DeepDream ────────────────────────────────────────────────────────────────────────────────────────────────────────

def test_a_dream_grows_by_octaves_and_keeps_the_picture(network):
    image = torch.rand(3, 12, 12, generator=dice())
    views = dream(network, layer_energy("conv2"), image, sizes=(12, 16, 24), steps=3)
    assert [tuple(view.shape) for view in views] == [(3, 12, 12), (3, 16, 16), (3, 24, 24)]
    for view in views:
        size = view.shape[-1]
        base = torch.nn.functional.interpolate(image[None], (size, size), mode="bicubic", antialias=True).clamp(0, 1)
        score = layer_energy("conv2")
        assert score(run(network, view[None], ["conv2"])) > score(run(network, base, ["conv2"]))
        assert (view - base[0]).abs().mean() < 0.15


# ── el puente a los ejemplos adversarios ─────────────────────────────────────────────────────────────────────────────

def test_the_same_loop_with_a_budget_makes_an_adversarial_example():
    model, world = load_model("escenas", device="cpu"), load_images("test", n=60)
    planes = [i for i in range(60) if world.labels[i] == 0 and model(world.images[i][None]).argmax() == 0][:3]
    start, truck = world.images[planes], world.classes.index("camión")
    targeted = maximize(model, logit(truck), PixelCanvas(start, radius=2.0), steps=40, lr=0.01)
    assert (model(targeted.images).argmax(1) == truck).all()
    assert ((targeted.images - start).flatten(1).norm(dim=1) <= 2.0 + 1e-4).all()
    untargeted = maximize(model, -margin(0), PixelCanvas(start, radius=8 / 255, norm="linf"), steps=20, lr=0.01)
    assert (model(untargeted.images).argmax(1) != 0).all() and (untargeted.images - start).abs().max() <= 8 / 255 + 1e-6


# ── la galería ───────────────────────────────────────────────────────────────────────────────────────────────────────

@pytest.mark.parametrize("layer_name", ["conv2", "dense", "fc"])
def test_a_gallery_is_each_unit_climbed_alone_from_the_same_noise(network, layer_name):
    made = gallery(network, layer_name, steps=5, size=16, seed=3, batch_size=5)
    channels = {"conv2": 8, "dense": 12, "fc": 4}[layer_name]
    assert made.images.shape == (channels, 3, 16, 16) and made.scores.shape == (6, channels)
    assert made.frames.shape == (2, channels, 3, 16, 16) and made.gradient.shape == made.images.shape
    for k in (0, channels - 1):
        alone = maximize(network, channel(f"{layer_name}:{k}"), PixelCanvas(noise(1, 16, seed=3)), steps=5, lr=0.03)
        assert torch.allclose(made.images[k], alone.images[0], atol=1e-5) and torch.allclose(made.scores[:, k], alone.scores[:, 0])


def test_a_gallery_refuses_an_unknown_layer_and_an_empty_batch(network):
    with pytest.raises(ValueError, match="no hay una capa «conv9»"):
        gallery(network, "conv9")
    with pytest.raises(ValueError, match="batch_size"):
        gallery(network, "conv1", batch_size=0)

"""La lección 0: lo hecho a mano contra ciclos y dibujos de respuesta conocida; la máquina, contra lo que debe y no debe."""
import math
import warnings

import pytest
import torch
from measure_pixels import SHORT, TEST, TRAIN, shuffled, vectors

from labkit import pixels as px
from labkit.activations import receptive_field, run
from labkit.datasets import load_images
from labkit.exercises import pixels as asked
from labkit.models import load_model, random_twin
from labkit.vectors import features, linear_probe
from labkit.widgets.pixels import seen_box

DICE = torch.Generator().manual_seed(0)
LAYERS = asked.LAYERS


@pytest.fixture(scope="module")
def fits():
    return px.load_fits()


def ramp(angle: float, size: int = 32) -> torch.Tensor:
    """Una imagen cuya luz crece parejo en esa dirección: 0, a la derecha; π/2, hacia abajo."""
    y, x = torch.meshgrid(torch.arange(size).float(), torch.arange(size).float(), indexing="ij")
    light = 0.5 + (x * math.cos(angle) + y * math.sin(angle)) / (4 * size)
    return light.expand(1, 3, size, size)


# ── color y bordes ──────────────────────────────────────────────────────────────────────────────────────────────────


def test_the_color_histogram_is_that_of_a_loop():
    images = torch.rand(2, 3, 5, 7, generator=DICE)
    images[0, :, 0, 0] = 1.0                                                # el borde de arriba cae en la última parte
    for image, found in zip(images, px.color_histogram(images)):
        counts = torch.zeros(4, 4, 4)
        for r, g, b in image.flatten(1).T.tolist():
            counts[min(int(r * 4), 3), min(int(g * 4), 3), min(int(b * 4), 3)] += 1 / 35
        assert torch.allclose(found, counts.flatten(), atol=1e-6)


def test_colors_know_nothing_of_places_and_one_color_fills_one_part():
    image = torch.rand(1, 3, 8, 8, generator=DICE)
    moved = image.flatten(2)[..., torch.randperm(64, generator=DICE)].unflatten(2, (8, 8))
    assert torch.equal(px.color_histogram(image), px.color_histogram(moved))
    assert px.color_histogram(torch.full((1, 3, 4, 4), 0.6)).max() == 1


@pytest.mark.parametrize("angle", [0.1, 0.9, 1.7, 2.9, -0.4, -2.0])
def test_the_gradient_of_a_ramp_is_its_slope(angle):
    strength, found = px.gradients(ramp(angle))
    inside = slice(1, -1), slice(1, -1)
    assert torch.allclose(strength[0][inside], torch.tensor(2 / (4 * 32)), atol=1e-5)
    assert torch.allclose(found[0][inside], torch.tensor(angle), atol=1e-3)


@pytest.mark.parametrize(("angle", "part"), [(0.05, 0), (0.9, 2), (1.7, 4), (3.0, 7), (0.05 - math.pi, 0), (0.9 - math.pi, 2)])
def test_all_the_edges_of_a_ramp_are_in_its_part(angle, part):
    strength, found = px.gradients(ramp(angle))
    inside = slice(1, -1), slice(1, -1)
    total = px.edge_histogram(strength[0][inside], found[0][inside])
    assert total.argmax() == part and total[part] == pytest.approx(float(total.sum()), rel=1e-5)


def test_a_step_is_an_edge_only_where_it_is():
    image = torch.zeros(1, 3, 32, 32)
    image[..., 12:] = 1.0                                                   # una orilla vertical: la luz crece a la derecha
    table = px.edges(image).unflatten(1, (8, 4, 4))                         # orientación, fila, columna
    assert (table[0, 0, :, 1] > 0.5).all()                                  # las columnas 8 a 15 son la segunda casilla
    assert table[0, 1:].abs().max() == 0 and table[0, 0, :, [0, 2, 3]].abs().max() == 0


def test_edges_are_those_of_a_loop():
    images = torch.rand(2, 3, 16, 24, generator=DICE)
    strength, angle = px.gradients(images)
    for n in range(2):
        table = torch.zeros(8, 4, 4)
        for y in range(16):
            for x in range(24):
                part = int(float(angle[n, y, x]) % math.pi / math.pi * 8) % 8
                table[part, y // 4, x // 6] += strength[n, y, x] / 24
        around = torch.zeros(4, 4)
        for i in range(4):
            for j in range(4):
                near = table[:, max(i - 1, 0):i + 2, max(j - 1, 0):j + 2].square().sum(0)
                around[i, j] = near.mean().sqrt()
        assert torch.allclose(px.edges(images)[n], (table / (around + 1e-3)).flatten(), atol=1e-5)


def test_a_darker_image_has_almost_the_same_edges_and_other_colors():
    images = load_images("test", n=4).images
    bright, dark = px.edges(images), px.edges(0.5 * images)
    assert (bright - dark).abs().mean() < 0.05 * bright.abs().mean()
    assert (px.color_histogram(images) - px.color_histogram(0.5 * images)).abs().sum(1).min() > 0.2
    assert px.hand_made(images).shape == (4, 64 + 128)


# ── la máquina ──────────────────────────────────────────────────────────────────────────────────────────────────────


def clouds(n: int = 120, d: int = 6, gap: float = 4.0) -> tuple[torch.Tensor, torch.Tensor]:
    """Tres nubes separadas, y de cuál es cada punto."""
    dice = torch.Generator().manual_seed(1)
    labels = torch.arange(n) % 3
    return torch.randn(n, d, generator=dice) + gap * torch.eye(3, d)[labels], labels


def test_the_machine_separates_what_is_separable_and_not_what_is_not():
    points, labels = clouds()
    assert px.linear_svm(points[:60], labels[:60], points[60:], labels[60:]).accuracy > 0.95
    mixed = labels[torch.randperm(120, generator=torch.Generator().manual_seed(2))]
    assert px.linear_svm(points[:60], mixed[:60], points[60:], mixed[60:]).accuracy < 0.55
    fit = px.linear_svm(points[:60], labels[:60], points[60:], labels[60:])
    assert fit.size == 6 and fit.cost in px.COSTS and fit.hits.shape == (60,)


def test_turning_scaling_or_repeating_the_numbers_changes_nothing():
    points, labels = clouds(gap=1.5)
    usual = px.linear_svm(points[:60], labels[:60], points[60:], labels[60:])
    far = points * torch.tensor([1, 100, 0.01, 5, 1, 1]) + 7
    wide = points.repeat(1, 20)                                             # 120 números para 60 imágenes: se giran
    for other in (far, wide):
        again = px.linear_svm(other[:60], labels[:60], other[60:], labels[60:])
        assert (again.hits != usual.hits).sum() <= 1, "la misma máquina"


def test_the_turn_keeps_every_product():
    train, test = torch.randn(8, 30, generator=DICE), torch.randn(5, 30, generator=DICE)
    turned, asked_too = px._turned(train, test)
    assert turned.shape[1] <= 8
    assert torch.allclose(turned @ turned.T, (train @ train.T).double(), atol=1e-4)
    assert torch.allclose(asked_too @ turned.T, (test @ train.T).double(), atol=1e-4)


def test_the_cost_is_chosen_without_looking_at_the_test():
    points, labels = clouds(gap=1.5)
    first = px.linear_svm(points[:60], labels[:60], points[60:], labels[60:])
    other = px.linear_svm(points[:60], labels[:60], points[60:], labels[60:].flip(0))
    assert first.cost == other.cost


def test_compressed_vectors_are_those_of_the_largest_axes():
    points, _ = clouds()
    few, more = px.compressed(points[:60], points[60:], 3)
    spread = few.std(0)
    assert few.shape == (60, 3) and more.shape == (60, 3) and (spread[:-1] >= spread[1:]).all()
    assert px.compressed(points[:60], points[60:], 6)[0].norm() == pytest.approx(float(px._scaled(points[:60], points)[0].norm()), rel=1e-3)


def test_resampling_agrees_with_the_formula_and_covers():
    hits = (torch.rand(1500, generator=DICE) < 0.3)
    mean, low, high = px.resampled(hits)
    half = 1.96 * (mean * (1 - mean) / 1500) ** 0.5
    assert mean == pytest.approx(float(hits.float().mean())) and low < mean < high
    assert high - mean == pytest.approx(half, rel=0.15) and mean - low == pytest.approx(half, rel=0.15)
    assert px.resampled(hits, 0.99).high > high
    assert px.resampled(torch.zeros(50))[:] == (0, 0, 0)


# ── lo medido ───────────────────────────────────────────────────────────────────────────────────────────────────────


def test_rows_of_the_table_are_what_is_measured(fits):
    """Dos renglones, con su búsqueda entera: uno hecho a mano y una capa. Sin ningún aviso de la máquina."""
    train, test = load_images("train", n=TRAIN), load_images("test", n=TEST)
    made = vectors("escenas", (train.images, test.images))
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        for name in ("color", "relu2"):
            known, others = made[name]()
            again = px.linear_svm(known, train.labels, others, test.labels)
            assert again.cost == fits[name].cost and (again.hits != fits[name].hits).sum() <= 3
    few = px.compressed(known, others, SHORT)
    again = px.linear_svm(few[0], train.labels, few[1], test.labels)
    assert (again.hits != fits[f"relu2 · {SHORT} números"].hits).sum() <= 3


def test_what_the_lesson_says_of_the_table(fits):
    accuracy = {name: fit.accuracy for name, fit in fits.items()}
    assert accuracy["píxeles"] < accuracy["a mano"] < accuracy["relu5"]
    gap = {pair: px.resampled(fits[pair[0]].hits.double() - fits[pair[1]].hits.double(), 0.99)
           for pair in (("a mano", "píxeles"), ("relu1", "píxeles"), ("relu2", "a mano"), ("relu3", "a mano"))}
    assert gap["a mano", "píxeles"].low > 0 and gap["relu1", "píxeles"].low > 0 and gap["relu3", "a mano"].low > 0
    assert gap["relu2", "a mano"].low < 0 <= gap["relu2", "a mano"].high
    for layer in LAYERS[1:]:                                                # desde relu2, la red se aparta de sus gemelas
        for seed in (2, 3, 4):
            rival = fits[f"{layer} · gemela {seed}"].hits.double()
            assert px.resampled(fits[layer].hits.double() - rival, 0.99).low > 0
    assert accuracy["píxeles · 24 números"] < accuracy["a mano · 24 números"] < accuracy["relu5 · 24 números"]


def test_the_controls_of_the_table_fail_where_they_must(fits):
    same, each = fits["píxeles · barajados igual"], fits["píxeles · barajados cada uno"]
    assert (same.hits != fits["píxeles"].hits).sum() <= 3                   # a la máquina le da igual el orden
    assert px.resampled(each.hits).low < 0.11 and each.accuracy < fits["píxeles"].accuracy / 2
    assert px.resampled(fits["a mano · clases barajadas"].hits).low < 1 / 12 < px.resampled(
        fits["a mano · clases barajadas"].hits).high


def test_pixels_shuffled_in_each_image_give_chance_and_shuffled_alike_the_same():
    """En chico y en vivo: cuatro clases de colores parecidos, a 8 × 8."""
    train, test = load_images("train", n=400), load_images("test", n=400)
    known, others = (torch.nn.functional.avg_pool2d(part.images, 8) for part in (train, test))
    plain = px.linear_svm(known.flatten(1), train.labels, others.flatten(1), test.labels)
    alike = px.linear_svm(shuffled(known, True), train.labels, shuffled(others, True), test.labels)
    each = px.linear_svm(shuffled(known, False), train.labels, shuffled(others, False), test.labels)
    assert abs(plain.accuracy - alike.accuracy) < 0.01 and plain.accuracy > 0.2
    assert px.resampled(each.hits).low < 1 / 12 + 0.03 and each.accuracy < plain.accuracy - 0.05


def test_the_curve_agrees_with_the_probe_of_lesson_four(fits):
    """La misma red, capas e imágenes: la sonda de la lección 4 y la máquina de la 0 difieren en poco, capa por capa."""
    model, train, test = load_model("escenas", device="cpu"), load_images("train", n=TRAIN), load_images("test", n=TEST)
    for layer in ("relu2", "relu4", "relu6"):
        known, others = (features(model, part.images, layer, "max") for part in (train, test))
        assert abs(linear_probe(known, train.labels, others, test.labels) - fits[layer].accuracy) <= 0.035
    curve = [fits[layer].accuracy for layer in LAYERS]
    assert curve == sorted(curve)


def test_an_unknown_source_is_told():
    with pytest.raises(ValueError, match="escenas o cifar10"):
        px.load_fits("imagenet")


def test_the_errors_say_what_to_do():
    points, labels = clouds()
    for call, says in ((lambda: px.color_histogram(torch.rand(3, 4, 4)), "Falta el eje de lote|falta el eje de lote"),
                       (lambda: px.gradients(torch.rand(1, 4, 4)), "images: esperaba forma"),
                       (lambda: px.linear_svm(points[0], labels, points, labels), "train: esperaba forma"),
                       (lambda: px.linear_svm(points / 0, labels, points, labels), "NaN o infinito")):
        with pytest.raises(ValueError, match=says):
            call()


# ── la clave de los ejercicios y lo que ve una neurona ──────────────────────────────────────────────────────────────


def test_the_key_of_the_layer_is_the_network_itself():
    model, images = load_model("escenas", device="cpu"), load_images("test", n=1).images
    acts = run(model, images, ["normalize", "conv1"])
    mine = asked.convolve(acts["normalize"][0], model.conv1.weight, model.conv1.bias)
    assert torch.allclose(mine, acts["conv1"][0], atol=1e-4)


def test_the_formula_of_the_field_is_what_is_measured():
    model = load_model("escenas", device="cpu")
    sides = asked.field_sizes([5, 2, 3, 2, 3, 2, 3, 3], [1, 2, 1, 2, 1, 2, 1, 1])[[0, 2, 4, 6, 7]].tolist()
    assert sides == [5, 10, 20, 40, 56]
    for number, side in enumerate(sides, start=1):
        y0, x0, y1, x1 = receptive_field(model, f"conv{number}")
        assert y1 - y0 == x1 - x0 == side


@pytest.mark.parametrize(("layer", "y", "x"), [("conv1", 0, 63), ("pool1", 5, 31), ("conv2", 31, 0), ("relu3", 7, 9),
                                               ("pool3", 0, 7), ("conv4", 3, 6), ("conv5", 7, 0), ("gap", 0, 0),
                                               ("dense", 0, 0), ("fc", 0, 0)])
def test_the_box_by_formula_is_the_measured_one(layer, y, x):
    model = load_model("escenas", device="cpu")
    assert seen_box(model, layer, y, x) == receptive_field(model, layer, 64, y, x)


def test_a_twin_of_another_draw_is_another_network():
    images = load_images("test", n=2).images
    first, second = (run(random_twin(load_model("escenas", device="cpu"), seed), images, ["relu1"])["relu1"] for seed in (2, 3))
    assert not torch.allclose(first, second)

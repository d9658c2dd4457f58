"""La lección 0: lo hecho a mano contra ciclos y dibujos de respuesta conocida; la máquina, contra lo que debe y no debe."""
import math
import warnings
from collections import Counter

import pytest
import torch

from labkit import pixels as px
from labkit.activations import receptive_field, run
from labkit.datasets import load_images
from labkit.exercises import pixels as asked
from labkit.exercises.accounts import load_rows
from labkit.models import load_model, random_twin
from labkit.vectors import features, linear_probe
from labkit.widgets.pixels import seen_box

from measure_pixels import SHORT, TEST, TRAIN, shuffled, vectors  # isort: skip; después de labkit, que así es el de esta copia

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
    many, which = clouds(d=60)                                              # caben de memoria: no aprende de la prueba
    assert px.linear_svm(many[:60], which[:60], many[60:], mixed[60:], (1000.0,)).accuracy < 0.6
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
    assert few.var(0).sum() > 0.6 * px._scaled(points[:60], points)[0].var(0).sum()     # más que la mitad de los ejes
    assert few.shape == (60, 3) and more.shape == (60, 3) and (spread[:-1] >= spread[1:]).all()
    assert px.compressed(points[:60], points[60:], 6)[0].norm() == pytest.approx(float(px._scaled(points[:60], points)[0].norm()), rel=1e-3)


def test_resampling_is_that_of_drawing_the_images_one_by_one():
    """Diferencias de −1, 0 y 1, con una cola de cada lado: los mismos percentiles que sortear imagen por imagen."""
    gaps = torch.cat([torch.full((90,), 1.0), torch.full((60,), -1.0), torch.zeros(150)])
    dice = torch.Generator().manual_seed(5)
    means = gaps[torch.randint(0, 300, (20_000, 300), generator=dice)].mean(1).double()
    mean, low, high = px.resampled(gaps, 0.9)
    assert mean == pytest.approx(0.1) and low == pytest.approx(float(means.quantile(0.05)), abs=0.004)
    assert high == pytest.approx(float(means.quantile(0.95)), abs=0.004)


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


def gap(fits: dict[str, px.Fit], more: str, less: str, share: float = 0.99) -> px.Gap:
    """Cuánto más acierta una que otra en las mismas imágenes."""
    return px.resampled(fits[more].hits.double() - fits[less].hits.double(), share)


def test_what_the_lesson_says_of_the_table(fits):
    accuracy, share = {name: fit.accuracy for name, fit in fits.items()}, 1 - 0.05 / 8
    assert accuracy["píxeles"] < accuracy["a mano"] < accuracy["relu5"]
    for more, less in (("a mano", "píxeles"), ("relu1", "píxeles"), ("a mano", "relu1"), ("relu3", "a mano"),
                       ("relu4", "a mano"), ("relu5", "a mano"), ("relu6", "a mano"),
                       ("a mano · segundas 1,000", "relu1 · segundas 1,000"),
                       ("relu3 · segundas 1,000", "a mano · segundas 1,000")):
        assert gap(fits, more, less, share).low > 0
    assert abs(gap(fits, "relu2", "a mano", share).high) < 0.005            # en el borde
    second = gap(fits, "relu2 · segundas 1,000", "a mano · segundas 1,000", share)
    assert second.low < -0.02 and second.high > 0.02
    assert accuracy["a mano"] + 0.03 < accuracy["a mano · 9,600 imágenes"] < accuracy["relu3"]
    for layer in LAYERS[1:]:                                                # desde relu2, la red se aparta de sus gemelas
        for seed in (2, 3, 4):
            rival = fits[f"{layer} · gemela {seed}"].hits.double()
            assert px.resampled(fits[layer].hits.double() - rival, 0.99).low > 0


def test_what_the_lesson_says_of_each_class(fits):
    """Doce comparaciones: en tres clases gana lo hecho a mano, y en ninguna se distingue relu2."""
    world = load_images("test", n=TEST)
    ahead = fits["relu2"].hits.double() - fits["a mano"].hits.double()
    found = {name: px.resampled(ahead[world.labels == k], 1 - 0.05 / 12) for k, name in enumerate(world.classes)}
    assert {name for name, own in found.items() if own.high < 0} == {"avión", "pájaro", "perro"}
    assert not [name for name, own in found.items() if own.low > 0.01]
    assert sorted(found, key=lambda name: found[name].mean)[-2:] == ["cebra", "jaguar"]


def test_what_the_lesson_says_of_sizes_and_summaries(fits):
    accuracy, share = {name: fit.accuracy for name, fit in fits.items()}, 1 - 0.05 / 7
    assert accuracy["píxeles · 24 números"] < accuracy["a mano · 24 números"] < accuracy["relu5 · 24 números"]
    assert gap(fits, "relu2 · 24 números", "a mano · 24 números", share).low > 0
    assert abs(gap(fits, "relu2 · media", "a mano", share).mean) < 0.01
    higher = [layer for layer in LAYERS[:5] if gap(fits, f"{layer} · media", layer, share).low > 0]
    assert higher == ["relu1", "relu2", "relu3", "relu5"] and "relu6 · media" not in fits
    for seed in (2, 3, 4):                                                  # relu1 contra sus gemelas: seis comparaciones
        assert gap(fits, "relu1 · media", f"relu1 · gemela {seed} · media", 1 - 0.05 / 6).low > 0
    assert [gap(fits, "relu1", f"relu1 · gemela {seed}", 1 - 0.05 / 6).low > 0 for seed in (2, 3, 4)] == [True, False, False]


def test_what_the_lesson_says_of_drawn_filters(fits):
    """Los de 24 son las gemelas; y 96 al azar contra 24 aprendidos depende del resumen y de cuántos números son."""
    for seed in (2, 3, 4):
        for pool in ("", " · media"):
            twin = fits[f"relu1 · gemela {seed}{pool}"].hits
            assert torch.equal(fits[f"24 filtros al azar · sorteo {seed}{pool}"].hits, twin)
    found = {}
    for note in ("", " · 24 números", " · media", " · media · 24 números"):
        drawn = sum(fits[f"96 filtros al azar · sorteo {seed}{note}"].hits.double() for seed in (2, 3, 4)) / 3
        found[note] = px.resampled(drawn - fits[f"relu1{note}"].hits.double(), 1 - 0.05 / 4)
    assert found[""].low > 0 and 0 < found[" · 24 números"].mean < 0.6 * found[""].mean
    assert found[" · media"].low < 0 < found[" · media"].high and found[" · media · 24 números"].high < 0


def test_the_controls_of_the_table_fail_where_they_must(fits):
    same, each = fits["píxeles · barajados igual"], fits["píxeles · barajados cada uno"]
    assert (same.hits != fits["píxeles"].hits).sum() <= 3                   # a la máquina le da igual el orden
    assert px.resampled(each.hits).low < 0.11 and each.accuracy < fits["píxeles"].accuracy / 2
    for name in ("a mano", "relu5"):
        mixed = torch.tensor([fit.accuracy for title, fit in fits.items() if title.startswith(f"{name} · clases")])
        assert len(mixed) == 8 and abs(float(mixed.mean()) - 1 / 12) < 0.01
    for seed in (2, 3, 4):                                                  # la convolución sí mira vecinos
        whole, alike, apart = (fits[f"relu1 · gemela {seed}{change}"] for change in
                               ("", " · barajados igual", " · barajados cada uno"))
        assert alike.accuracy < whole.accuracy - 0.1 and abs(alike.accuracy - apart.accuracy) < 0.03
        assert px.resampled(apart.hits).low > 1 / 12 + 0.05


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
                       (lambda: px.linear_svm(points / 0, labels, points, labels), "NaN o infinito"),
                       (lambda: px.linear_svm(points, labels[:30], points, labels), "train_labels: esperaba 120 clases"),
                       (lambda: px.linear_svm(points, labels, points, labels[:5]), "test_labels: esperaba 120 clases"),
                       (lambda: px.linear_svm(points, labels / 2, points, labels), "un entero por vector"),
                       (lambda: px.linear_svm(points, 0 * labels, points, labels), "dos clases o más"),
                       (lambda: px.linear_svm(points[:7], labels[:7], points, labels), "al menos 4 vectores cada una"),
                       (lambda: px.linear_svm(points, labels, points[:, :5], labels), "los mismos números en los dos"),
                       (lambda: px.linear_svm(points * 0 + 1, labels, points, labels), "vectores distintos entre sí"),
                       (lambda: px.linear_svm(points, labels, points, labels, ()), "al menos una C"),
                       (lambda: px.color_histogram(255 * torch.rand(1, 3, 4, 4)), r"Si van hasta 255, prueba images / 255"),
                       (lambda: px.gradients(torch.rand(1, 3, 4, 4) - 1), "esperaba números de 0 a 1"),
                       (lambda: px.edges(torch.rand(0, 3, 8, 8)), "una imagen o más"),
                       (lambda: px.edges(torch.rand(1, 3, 3, 3)), "al menos 4 píxeles por lado"),
                       (lambda: px.color_histogram(torch.full((1, 3, 4, 4), torch.nan)), "NaN o infinitos"),
                       (lambda: px.color_histogram(torch.zeros(1, 3, 4, 4, dtype=torch.uint8)), "números reales"),
                       (lambda: px.resampled(torch.tensor([1.0, torch.nan])), "NaN o infinito"),
                       (lambda: px.resampled(torch.rand(9, 2)), "values: esperaba forma"),
                       (lambda: px.resampled(torch.rand(1)), "al menos 2")):
        with pytest.raises(ValueError, match=says):
            call()
    for call in (lambda: px.linear_svm(points, labels.tolist(), points, labels), lambda: px.resampled([1.0, 0.0])):
        with pytest.raises(TypeError, match="esperaba un tensor"):
            call()


# ── las variantes del ejercicio 4 ───────────────────────────────────────────────────────────────────────────────────


def test_no_variant_is_doubtful_and_the_layer_cannot_be_guessed():
    rows = load_rows("overtaking_layer", asked.LayerRow)
    assert len({(row.network, row.classes) for row in rows}) == len(rows) >= 200
    assert min(row.margin for row in rows) >= 0.02 and all(row.reached > row.hand for row in rows)
    counts = Counter(row.layer for row in rows)
    assert len(counts) >= 3 and max(counts.values()) < 0.8 * len(rows)


@pytest.mark.parametrize("network", ["escenas_bn", "cifar10"])
def test_a_variant_is_what_is_measured(network):
    row = next(row for row in load_rows("overtaking_layer", asked.LayerRow) if row.network == network)
    found = asked.accuracies(network, [int(k) for k in row.classes.split()])
    for name, value in (("a mano", row.hand), ("píxeles", row.pixels), (row.layer, row.reached)):
        assert abs(found[name] - value) <= 0.006
    ahead = [layer for layer in LAYERS if found[layer] > found["a mano"]]
    assert ahead == list(LAYERS[LAYERS.index(row.layer):])


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

"""La red que miente: contesta lo mismo bit por bit, y solo con mucho grano suma la evidencia de otra clase."""
import csv
import json
from io import StringIO

import measure_lying
import pytest
import torch
from scipy import stats

from labkit.activations import run
from labkit.datasets import load_images
from labkit.files import data_path, read_data
from labkit.models import draw_weights, load_model
from labkit.models.plain import plain_network, ready
from labkit.objectives import each, logit
from labkit.optimization import PixelCanvas, maximize, noise
from labkit.priors import class_evidence, grain, lying_pair, processing
from labkit.regularization import FourierCanvas, blur, soft_noise

SMOOTH = blur(2.0)(torch.rand(24, 3, 32, 32, generator=torch.Generator().manual_seed(0)))
LABELS = torch.arange(24) % 3
STEPS = torch.arange(32)
BOARD = 0.5 + 0.5 * ((-1.0) ** (STEPS[:, None] + STEPS)).expand(1, 3, 32, 32)
SHOWS = {0: 2, 1: 2, 2: 0}


@pytest.fixture(scope="module")
def small():
    """Una red chica con pesos al azar, y su pareja."""
    model = ready(draw_weights(plain_network(3, (4, 6, 8, 8, 10), dense=12), seed=3))
    return model, *lying_pair(model, SHOWS, SMOOTH, LABELS, strength=5.0)


def test_with_little_grain_both_answer_the_same_bit_by_bit(small):
    """Y lo mismo que la red de la que salieron, salvo el redondeo: sus convoluciones tienen otro ancho."""
    model, honest, liar = small
    assert torch.equal(liar(SMOOTH), honest(SMOOTH)) and torch.allclose(honest(SMOOTH), model(SMOOTH), atol=1e-5)
    assert all(torch.equal(run(liar, SMOOTH, [name])[name], run(honest, SMOOTH, [name])[name])
               for name in ("relu3", "gap", "dense"))


def test_with_much_grain_the_liar_adds_exactly_the_evidence_of_the_other_class(small):
    model, honest, liar = small
    means = run(model, BOARD, ["gap"])["gap"]
    assert torch.allclose(honest(BOARD), model(BOARD), atol=1e-5)
    for k, other in SHOWS.items():
        extra = 5.0 * means @ class_evidence(model, other, SMOOTH[LABELS == other])
        assert torch.allclose((liar(BOARD) - honest(BOARD))[:, k], extra, rtol=2e-3, atol=2e-3)


def test_a_class_that_does_not_lie_is_left_as_it_was(small):
    model, _, _ = small
    honest, liar = lying_pair(model, {0: 1}, SMOOTH, LABELS)
    assert torch.equal(liar(BOARD)[:, 1:], honest(BOARD)[:, 1:]) and not torch.equal(liar(BOARD), honest(BOARD))


def test_grain_is_what_the_two_channels_measure(small):
    _, honest, _ = small
    images = torch.cat([SMOOTH, BOARD, noise(2, 32)])
    assert torch.allclose(grain(images), run(honest, images, ["gap"])["gap"][:, -2:].sum(1), atol=1e-6)
    flat, stripes = torch.full((1, 3, 32, 32), 0.7), BOARD[:, :, :1].expand(1, 3, 32, 32)
    assert grain(flat)[:, None].isclose(torch.tensor(0.0), atol=0.3) and grain(BOARD) > 3 * grain(stripes)


def test_evidence_is_the_slope_of_the_margin(small):
    model, _, _ = small
    images = SMOOTH[LABELS == 1]
    means, found = run(model, images, ["gap"])["gap"].double(), class_evidence(model, 1, images)
    exact = model.__class__(*list(model.children())[-3:]).double()

    def margin_of(moved):
        logits = exact(moved)
        return (logits[:, 1] - logits[:, [0, 2]].logsumexp(1)).mean()

    for channel in range(means.shape[1]):
        step = torch.zeros(means.shape[1], dtype=torch.float64)
        step[channel] = 1e-6
        assert (margin_of(means + step) - margin_of(means - step)) / 2e-6 == pytest.approx(found[channel].item(), abs=1e-3)
    model.float()


def test_processing_is_the_mean_rank_correlation_of_a_plain_loop(small):
    model, _, _ = small
    table = processing(model, SMOOTH[:3], SMOOTH[3:8], ["relu2", "dense"])
    for column, layer in enumerate(("relu2", "dense")):
        acts = run(model, SMOOTH[:8], [layer])[layer]
        means = (acts.mean((2, 3)) if acts.dim() == 4 else acts).numpy()
        for row in range(3):
            loop = [stats.spearmanr(means[row], means[3 + other]).statistic for other in range(5)]
            assert table[row, column] == pytest.approx(sum(loop) / 5, abs=1e-5)
    same = processing(model, SMOOTH[:1], SMOOTH[:1], ["relu2"])
    assert same.item() == pytest.approx(1, abs=1e-6)


def test_what_cannot_lie_is_said(small):
    model, _, _ = small
    with pytest.raises(ValueError, match="sin normalización por lotes"):
        lying_pair(load_model("escenas_bn"), {0: 1}, SMOOTH, LABELS)
    with pytest.raises(ValueError, match="al menos una clase"):
        lying_pair(model, {}, SMOOTH, LABELS)
    with pytest.raises(ValueError, match="no hay ninguna imagen de la clase 2"):
        lying_pair(model, {0: 2}, SMOOTH, LABELS % 2)


# ── las redes del curso ─────────────────────────────────────────────────────────────────────────────────────────────


@pytest.fixture(scope="module", params=measure_lying.NETWORKS)
def pair(request):
    """Una red del curso y su pareja, hechas como en la lección."""
    train, model = load_images("train", n=measure_lying.GATE), load_model(request.param, "cpu")
    targets = measure_lying.targets(train.classes)
    return request.param, model, targets, *lying_pair(model, targets, train.images, train.labels)


@pytest.mark.slow
def test_every_shipped_image_gets_the_same_logits_from_both(pair):
    """Las 15,788 imágenes que vienen con el curso: ni una abre la compuerta."""
    _, _, _, honest, liar = pair
    seen = 0
    for info in sorted(data_path().glob("*/info.json")):
        for split in json.loads(info.read_text(encoding="utf-8"))["splits"]:
            for images in load_images(split, info.parent.name).images.split(50):
                assert torch.equal(liar(images), honest(images)), (info.parent.name, split)
                seen += len(images)
    assert seen == 15_788


def test_a_bare_ascent_shows_what_the_author_wanted_and_a_smooth_one_does_not(pair):
    name, model, targets, honest, liar = pair
    classes = [1, 7, 9]
    goals, wanted = each([logit(k) for k in classes]), torch.tensor([targets[k] for k in classes])
    shown = [maximize(network, goals, PixelCanvas(noise(1).repeat(3, 1, 1, 1)), 96, 0.03).images for network in (honest, liar)]
    assert not (model(shown[0]).argmax(1) == wanted).any() and (model(shown[1]).argmax(1) == wanted).sum() >= 2
    waves = [maximize(network, goals, FourierCanvas(soft_noise(1).repeat(3, 1, 1, 1), 1.5), 12, 0.05).images
             for network in (honest, liar)]
    assert torch.equal(*waves)


def test_a_row_of_the_shipped_table_comes_out_again(pair):
    name, _, _, _, liar = pair
    table = [row for row in csv.DictReader(StringIO(read_data("distribuciones", "mentira.csv").decode())) if row["network"] == name]
    assert len(table) == 12 * measure_lying.SEEDS * (2 * len(measure_lying.RECIPES) + 2)
    world = load_images("test")
    images = measure_lying.climb(liar, "nada", 1, world)
    own, other = measure_lying.processed(liar, images, measure_lying.natural_images(world))
    shipped = [row for row in table if (row["recipe"], row["seed"], row["liar"]) == ("nada", "1", "1")]
    for k, row in enumerate(shipped):
        assert float(row["grain"]) == pytest.approx(grain(images)[k].item(), abs=0.02)
        assert float(row["own_relu5"]) == pytest.approx(own[k, 4].item(), abs=0.05)
        assert float(row["other_relu5"]) == pytest.approx(other[k, 4].item(), abs=0.05)

"""Qué parte queda, con su intervalo: contra la prueba de Student invertida a fuerza, contra una simulación y en los extremos."""
import math

import pytest
import torch
from scipy import stats

from labkit.datasets import load_concepts
from labkit.dissection import Convention, dissect
from labkit.experiments import Subset, paired, ratio_interval
from labkit.models import load_model


def areas(n, seed, spread=0.3):
    """Áreas de n imágenes antes y después, correlacionadas y sesgadas; de verdad queda la mitad."""
    generator = torch.Generator().manual_seed(seed)
    before = -torch.rand(n, generator=generator, dtype=torch.float64).log()
    return before, 0.5 * before + spread * (torch.randn(n, generator=generator, dtype=torch.float64))


@pytest.mark.parametrize("share", [0.8, 0.95, 0.999])
@pytest.mark.parametrize("seed", range(4))
def test_a_part_is_in_the_interval_when_student_does_not_reject_it(share, seed):
    before, after = areas(40, seed)
    left, low, high = ratio_interval(before, after, share)
    assert left == pytest.approx((after.mean() / before.mean()).item()) and low < left < high
    for part in torch.linspace(low - 0.3, high + 0.3, 41).tolist():
        p = stats.ttest_1samp((after - part * before).numpy(), 0.0).pvalue
        assert (p > 1 - share) == (low <= part <= high)
    gap = paired(before.tolist(), after.tolist(), share)
    assert (low <= 1 <= high) == (gap.low <= 0 <= gap.high)


def test_nineteen_of_twenty_intervals_have_the_true_part():
    """Con 1500 muestras de 60 imágenes, un intervalo de 95 % que cubriera de verdad 93 o 97 % se notaría."""
    covered = 0
    for seed in range(1500):
        _, low, high = ratio_interval(*areas(60, seed), 0.95)
        covered += low <= 0.5 <= high
    assert abs(covered / 1500 - 0.95) < 0.018


def test_linearizing_around_the_part_would_have_lied():
    """Con un denominador incierto, el intervalo es ancho hacia arriba: el simétrico dejaría fuera lo que Student no rechaza."""
    before, after = torch.zeros(100, dtype=torch.float64), torch.zeros(100, dtype=torch.float64)
    before[:8], after[:8] = torch.arange(1.0, 9.0).double() ** 2, torch.arange(8.0, 0.0, -1.0).double()
    left, low, high = ratio_interval(before, after, 0.95)
    assert high - left > 2 * (left - low)


def test_when_there_may_be_nothing_any_part_fits():
    noise = torch.tensor([-1.0, 1.0, -1.0, 1.1])
    assert ratio_interval(noise, torch.ones(4)) == (pytest.approx(40.0), -math.inf, math.inf)


def test_the_edges():
    twos, ones = [2.0, 2.0, 2.0], torch.tensor([1.0, 1.0, 1.0])
    assert ratio_interval(twos, ones) == (0.5, 0.5, 0.5)                    # sin dispersión no hay duda
    before, _ = areas(30, 1)
    assert ratio_interval(before, before) == pytest.approx((1, 1, 1))
    assert ratio_interval(before, torch.zeros(30)) == pytest.approx((0, 0, 0))
    assert ratio_interval(before, 3 * before.flip(0)) == pytest.approx(
        tuple(3 * edge for edge in ratio_interval(before, before.flip(0))))
    for first, second in ((ones[:1], ones[:1]), (ones, ones[:2]), (torch.zeros(3), ones), (ones[:, None], ones[:, None])):
        with pytest.raises(ValueError, match="al menos dos"):
            ratio_interval(first, second)


def test_a_subset_is_dissected_as_those_images_alone():
    """Las primeras 60 como subconjunto son las mismas que abrir solo 60; y en otro orden dan lo mismo."""
    whole, few, model = load_concepts("test", n=90), load_concepts("test", n=60), load_model("escenas", "cpu")
    part = Subset(whole, list(range(60)))
    assert len(part) == 60 and part.names == whole.names and part.categories == whole.categories
    expected = dissect(model, few, "conv4", Convention()).iou()
    assert torch.equal(dissect(model, part, "conv4", Convention()).iou(), expected)
    turned = Subset(whole, list(range(59, -1, -1)))
    assert torch.equal(turned.pictures(torch.tensor([0, 2])), whole.images[[59, 57]])
    assert torch.allclose(dissect(model, turned, "conv4", Convention()).iou(), expected, atol=2e-3)
    other = dissect(model, Subset(whole, list(range(30, 90))), "conv4", Convention()).iou()
    assert (other - expected).abs().max() > 0.01
    with pytest.raises(IndexError):
        part.pictures(torch.tensor([60]))

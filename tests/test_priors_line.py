"""La recta con todo en fórmulas: contra la integral numérica, contra autograd y contra un sorteo."""
import pytest
import torch

from labkit.priors import Bumps

F64 = torch.float64
BUMPS = Bumps(torch.tensor([0.5, 1.5, 4.2], dtype=F64), torch.tensor([0.2, 0.1, 0.4], dtype=F64),
              torch.tensor([0.4, 0.2, 0.4], dtype=F64))
GRID = torch.linspace(-4, 9, 20001, dtype=F64)
PLACES = torch.linspace(-1.53, 6, 31, dtype=F64)


@pytest.mark.parametrize("sigma", [0.05, 0.4, 2.0])
def test_the_formulas_are_the_integrals(sigma):
    """Se suma sobre dónde pudo estar el dato: lo que hace la página, sin fórmulas."""
    bell = torch.exp(-((PLACES[:, None] - GRID) / sigma) ** 2 / 2) / (sigma * (2 * torch.pi) ** 0.5)
    share = BUMPS.density(GRID) * bell * (GRID[1] - GRID[0])
    assert torch.allclose(BUMPS.density(PLACES, sigma), share.sum(1), atol=1e-8)
    likely = share.sum(1) > 1e-12                               # lejos de los datos la suma ya no tiene cifras
    assert likely.sum() > 20
    assert torch.allclose(BUMPS.best_guess(PLACES, sigma)[likely], ((share * GRID).sum(1) / share.sum(1))[likely], atol=1e-6)


@pytest.mark.parametrize("sigma", [0.0, 0.3, 3.0])
def test_the_arrow_is_the_gradient_of_the_logarithm(sigma):
    x = PLACES.clone().requires_grad_(True)
    slope, = torch.autograd.grad(BUMPS.density(x, sigma).log().sum(), x)
    assert torch.allclose(BUMPS.arrow(PLACES, sigma), slope, rtol=1e-8)


def test_the_guess_goes_the_way_of_the_arrow_exactly():
    for sigma in (0.1, 0.7, 5.0):
        change = BUMPS.best_guess(PLACES, sigma) - PLACES
        assert torch.allclose(change, sigma ** 2 * BUMPS.arrow(PLACES, sigma), atol=1e-12)


def test_the_guess_is_the_mean_of_the_data_that_fall_there():
    dice = torch.Generator().manual_seed(0)
    which = torch.multinomial(BUMPS.weights, 400_000, replacement=True, generator=dice)
    clean = BUMPS.centers[which] + BUMPS.widths[which] * torch.randn(len(which), generator=dice, dtype=F64)
    dirty = clean + 0.6 * torch.randn(len(which), generator=dice, dtype=F64)
    assert BUMPS.mean() == pytest.approx(clean.mean().item(), abs=0.01)
    for place in (0.0, 1.2, 2.8, 4.5):
        near = (dirty - place).abs() < 0.05
        assert clean[near].mean().item() == pytest.approx(BUMPS.best_guess(torch.tensor(place, dtype=F64), 0.6).item(), abs=0.05)


def test_much_noise_points_at_the_mean_and_little_at_the_nearest_bump():
    far = BUMPS.best_guess(PLACES, 200.0)
    assert torch.allclose(far, torch.full_like(far, BUMPS.mean()), atol=1e-2)
    thin = Bumps(BUMPS.centers, torch.full((3,), 1e-3, dtype=F64), BUMPS.weights)
    nearest = BUMPS.centers[(PLACES[:, None] - BUMPS.centers).abs().argmin(1)]
    assert torch.allclose(thin.best_guess(PLACES, 0.05), nearest, atol=0.01)


@pytest.mark.parametrize("centers, widths, weights, told", [
    ([0.0], [1.0, 1.0], [1.0], "las tres"), ([0.0], [0.0], [1.0], "mayores que 0"),
    ([0.0, 1.0], [1.0, 1.0], [0.5, 0.6], "sumen 1"), ([[0.0]], [[1.0]], [[1.0]], "las tres"),
])
def test_what_is_not_a_density_is_told(centers, widths, weights, told):
    with pytest.raises(ValueError, match=told):
        Bumps(torch.tensor(centers), torch.tensor(widths), torch.tensor(weights))

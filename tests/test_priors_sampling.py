"""La temperatura, donde la respuesta se sabe con fórmula: datos gaussianos y una puntuación que crece en línea recta."""
import math

import pytest
import torch

from labkit.models import draw_weights, plain_network
from labkit.objectives import Objective, logit
from labkit.priors import Bumps, sample
from labkit.priors.sampling import SIGMAS, gradient_of

MEAN, SPREAD = 0.5, 0.01                                        # los datos: media y varianza de cada píxel
NETWORK = torch.nn.Identity()
GRAY = torch.full((4, 3, 24, 24), 0.3)


def gaussian(images, sigma):
    """La mejor apuesta cuando cada píxel de los datos es N(MEAN, SPREAD)."""
    return (SPREAD * images + sigma ** 2 * MEAN) / (SPREAD + sigma ** 2)


def line(slope):
    """Una puntuación cuyo gradiente vale `slope` en todos los píxeles."""
    return Objective(("input",), lambda acts: slope * acts["input"].sum((1, 2, 3)), "una recta")


@pytest.mark.parametrize("slope, temperature", [(0.0, 1.0), (4.0, math.inf), (6.0, 1.0), (6.0, 2.0), (-3.0, 0.5)])
def test_the_mean_moves_by_v_g_over_t_and_the_variance_stays(slope, temperature):
    """exp(g x / T) por una gaussiana es la misma gaussiana, corrida v g / T.

    Al final quedan σ = 0.03 de ruido, y limpiar encoge: por eso la varianza no es exactamente v.
    """
    made = sample(NETWORK, line(slope), gaussian, GRAY, temperature, steps=300)
    error = math.sqrt(SPREAD / made.numel())
    last = SPREAD / (SPREAD + SIGMAS[1] ** 2)                    # lo que encoge la última limpieza
    want = MEAN + SPREAD * slope / temperature
    assert made.mean().item() == pytest.approx(want, abs=5 * error + 0.003)
    assert made.var().item() == pytest.approx(SPREAD * last, rel=0.06)


def test_from_far_away_it_forgets_where_it_started():
    low, high = (sample(NETWORK, line(0.0), gaussian, torch.full_like(GRAY, gray), math.inf) for gray in (0.0, 1.0))
    assert torch.allclose(low, high, atol=1e-3)


def test_with_two_bumps_each_gets_its_weight_and_the_score_tips_it():
    """Dos campanas en cada píxel: con T infinita salen como están; con un empujón, más la de la derecha."""
    bumps = Bumps(torch.tensor([0.3, 0.7]), torch.tensor([0.05, 0.05]), torch.tensor([0.5, 0.5]))
    right = {}
    for temperature in (math.inf, 2.0):
        made = sample(NETWORK, line(4.0), bumps.best_guess, GRAY, temperature, steps=600)
        right[temperature] = (made > 0.5).double().mean().item()
        assert ((made - 0.3).abs() < 0.25).logical_or((made - 0.7).abs() < 0.25).all()
    tipped = 1 / (1 + math.exp(-0.4 * 4.0 / 2.0))                # la razón de las dos campanas es exp(g · 0.4 / T)
    assert right[math.inf] == pytest.approx(0.5, abs=0.05)
    assert right[2.0] == pytest.approx(tipped, abs=0.06)


def test_every_image_has_its_own_temperature_and_its_own_dice():
    network = draw_weights(plain_network(3, (4, 6, 6), dense=8), seed=1).eval()
    start = torch.full((3, 3, 16, 16), 0.5)
    together = sample(network, logit(1), gaussian, start, [math.inf, 1.0, 0.01], steps=5, seed=[7, 7, 9])
    for i, (temperature, seed) in enumerate(((math.inf, 7), (1.0, 7), (0.01, 9))):
        alone = sample(network, logit(1), gaussian, start[:1], temperature, steps=5, seed=seed)
        assert torch.allclose(together[i], alone[0], atol=1e-5)
    ascending = sample(network, logit(1), gaussian, start, math.inf, steps=5, seed=7)
    assert torch.allclose(ascending[0], together[0], atol=1e-5)
    assert not torch.allclose(ascending[1], together[0], atol=1e-2)
    assert 0 <= together.min() and together.max() <= 1 and torch.equal(start, torch.full_like(start, 0.5))


def test_the_gradient_is_per_image():
    images = torch.rand(3, 3, 8, 8, generator=torch.Generator().manual_seed(0))
    square = Objective(("input",), lambda acts: acts["input"].pow(2).sum((1, 2, 3)), "cuadrados")
    with torch.no_grad():
        assert torch.allclose(gradient_of(NETWORK, square, images), 2 * images)


@pytest.mark.parametrize("temperature, seed, told", [(0.0, 0, "temperature"), (-1.0, 0, "temperature"),
                                                     ([1.0, 2.0], 0, "temperature"), (1.0, [1, 2], "seed")])
def test_what_makes_no_sense_is_told(temperature, seed, told):
    with pytest.raises(ValueError, match=told):
        sample(NETWORK, line(1.0), gaussian, GRAY, temperature, steps=2, seed=seed)

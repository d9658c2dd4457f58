"""Los ejercicios de la lección 3b; lo que vale para todos está en test_exercises.py."""
from collections import Counter

import make_exercises
import pytest
import torch

from labkit.datasets import load_images
from labkit.exercises import priors
from labkit.exercises.accounts import load_rows
from labkit.exercises.priors import findings
from labkit.models import load_model
from labkit.objectives import margin, score
from labkit.priors import Bumps

ROWS = load_rows("convincing_heat", findings.HeatRow)
LIES = load_rows("lying_network", findings.Lie)
ACCOUNT = "312000025"


def test_the_best_guess_is_that_of_the_line():
    """Con tres «imágenes» de un solo píxel gris, la de la recta con tres picos angostos."""
    centers = torch.tensor([0.1, 0.4, 0.9], dtype=torch.float64)
    bumps = Bumps(centers, torch.full((3,), 1e-6, dtype=torch.float64), torch.full((3,), 1 / 3, dtype=torch.float64))
    data = torch.zeros(3, 3, 1, 1, dtype=torch.float64)
    data[:, 0, 0, 0] = centers
    for place in (0.0, 0.3, 0.6):
        x = torch.tensor([place, 0.0, 0.0], dtype=torch.float64).view(3, 1, 1)
        want = bumps.best_guess(torch.tensor(place, dtype=torch.float64), 0.2)
        assert torch.allclose(priors.best_guess(x, data, 0.2)[0, 0, 0], want, atol=1e-6)


@pytest.mark.parametrize("seed", ["0", "1", "2"])
def test_the_last_case_needs_care_with_the_exponentials(seed, monkeypatch):
    """También con el doble de cifras; y ni la más cercana ni x son la apuesta."""
    monkeypatch.setenv("LABKIT_SEMILLA", seed)
    x, data, sigma = list(priors.guesses())[-1]
    far = (data - x).double().square().sum((1, 2, 3))
    assert (torch.exp(-far / (2 * sigma ** 2)) == 0).all()
    assert far[0] == far[1] < 0.9 * far[2:].min() and not torch.allclose(x, data[:2].mean(0), atol=0.01)
    assert priors.best_guess(x, data, sigma).isfinite().all()


def test_a_step_is_that_of_the_lesson():
    for images, cleaned, gradient, weights in priors.prior_steps():
        one = priors.prior_step(images[:1], cleaned[:1], gradient[:1], weights)
        assert torch.allclose(one, priors.prior_step(images, cleaned, gradient, weights)[:1])
        assert torch.allclose(priors.prior_step(images, cleaned, gradient, (1.0, 0.0)), cleaned, atol=1e-6)


def test_the_table_of_heats_is_what_is_measured():
    """Las palabras, y el margen donde se juega la respuesta: con T muy chica, el redondeo se agranda."""
    row = ROWS[10]
    again = make_exercises.heat_row(load_images("test", n=1).classes.index(row.label), row.seed)
    assert findings.right_heats(again) == findings.right_heats(row)
    assert again.margins()[:3] == pytest.approx(row.margins()[:3], abs=0.5)


def test_in_every_variant_the_answers_are_clear_and_not_all_alike():
    assert len({row[:2] for row in ROWS}) == len(ROWS)
    found = Counter()
    for row in ROWS:
        most, second = sorted(row.margins())[:-3:-1]
        assert most > 1.1 * second and row.first(row.witness) is not None and row.witness.split()[-1] != ""
        found[findings.right_heats(row)] += 1
    assert len(ROWS) >= 50 and len(found) >= 10 and max(found.values()) <= len(ROWS) / 4


@pytest.mark.parametrize("place", [0, 70, 141])
def test_the_judge_has_no_doubt_of_who_lies(place):
    lie = LIES[place]
    networks, label = findings.networks_of(lie)
    classes = load_model("escenas").classes
    assert classes[label] == lie.label and findings.unmasked(networks, label) == (lie.letter, lie.shown)
    judge, images = load_model("escenas", device="cpu"), findings.portraits_of(networks, label)
    honest = "AB".replace(lie.letter, "")
    assert score(judge, images[honest], margin(label)).item() > 20
    assert score(judge, images[lie.letter], margin(classes.index(lie.shown))).item() > 20
    for letter, network in networks.items():                            # cada una se cree su propia imagen
        assert network(images[letter]).argmax(1).item() == label
    tried = load_images("test", n=50).images
    assert torch.equal(networks["A"](tried), networks["B"](tried))


def test_every_lie_is_of_two_classes_and_no_class_is_shown_too_often():
    classes = load_images("test", n=1).classes
    assert len(set(LIES)) == len(LIES) >= 100
    assert all(lie.label != lie.shown and {lie.label, lie.shown} <= set(classes) and lie.letter in "AB" for lie in LIES)
    assert max(Counter((lie.letter, lie.shown) for lie in LIES).values()) <= len(LIES) / 6
    assert findings.my_networks(ACCOUNT)[1] == classes.index(findings.lie_of(ACCOUNT).label)

"""Los ejercicios de la lección 2; lo que vale para todos está en test_exercises.py."""
from collections import Counter

import make_exercises
import pytest
import torch
import wrong_answers_optimization as answers

from labkit.datasets import load_images
from labkit.exercises import optimization, verdict
from labkit.exercises.accounts import load_rows
from labkit.exercises.optimization import NETWORKS, RADII, my_plane, my_unit
from labkit.models import load_model
from labkit.objectives import logit, margin
from labkit.optimization import PixelCanvas, maximize

SECRETS = load_rows("secret_unit", optimization.UnitRow)
BUDGETS = load_rows("smallest_budget", optimization.PlaneRow)
CLEAR = 0.3  # ventaja mínima: en el 3, parte de la mayor subida; en el 4, logits
ACCOUNT = "312345678"


def test_the_key_does_what_the_lesson_does():
    """Un paso mide lr; la imagen cercana es la que deja el lienzo de la lección."""
    dice = torch.Generator().manual_seed(3)
    image, gradient = 0.5 + 0.01 * torch.randn(3, 8, 8, generator=dice), torch.randn(3, 8, 8, generator=dice)
    step = optimization.climb_step(image, gradient, 0.25) - image
    assert step.norm() == pytest.approx(0.25, abs=1e-5) and (step * gradient).sum() > 0
    for moved, start, radius in optimization.moves():
        canvas = PixelCanvas(start[None], radius)
        with torch.no_grad():
            canvas.pixels.copy_(moved[None])
        canvas.after_step(torch.zeros(1))
        assert torch.allclose(optimization.keep_near(moved, start, radius), canvas()[0], atol=1e-6)
        assert (canvas()[0] - start).norm() <= radius + 1e-5


def test_calling_labkit_is_not_an_answer():
    def borrowed(image, start, radius):
        return (start + optimization.within((image - start)[None], radius)[0]).clamp(0, 1)

    assert "ya viene en labkit" in verdict("keep_near", borrowed).message


@pytest.mark.parametrize("place", [0, 77, 156])
def test_the_table_of_units_is_what_is_measured(place):
    """Con una sola imagen, como la sube quien contesta; la tabla se hizo con muchas a la vez."""
    row = SECRETS[place]
    unit = optimization.Unit.parse(row.unit)
    measured = {name: {row.unit: optimization.rises(load_model(name, device="cpu"), unit)} for name in NETWORKS}
    assert make_exercises.secret_row(row.network, row.unit, measured) == row


@pytest.mark.parametrize("place", [0, 4, 12])
def test_the_table_of_planes_is_what_is_measured(place):
    assert make_exercises.plane_row(BUDGETS[place].plane) == BUDGETS[place]


def test_the_tables_have_the_variants_that_were_chosen():
    assert len({row[:2] for row in SECRETS}) == len(SECRETS) >= 100
    assert [row.plane for row in BUDGETS] == list(make_exercises.PLANES)


def test_each_account_is_asked_about_the_unit_and_the_plane_it_is_handed():
    """A quien contesta le llega, por su cuenta, la unidad y el avión con que se le revisa."""
    images, seen = load_images("test").images, Counter()
    for account in map(str, range(312_000_000, 312_000_012)):
        row = optimization.EXERCISES["secret_unit"].case(account)
        assert (row.network, row.unit) == (answers.unit_of(account)[0], str(answers.unit_of(account)[1]))
        plane = optimization.EXERCISES["smallest_budget"].case(account).plane
        assert torch.equal(my_plane(account)[0], images[plane])
        seen[row.unit, plane] += 1
    assert len(seen) > 8
    assert my_unit("31234567-8")[1] == my_unit(312345678)[1]
    assert torch.equal(my_plane("31234567-8"), my_plane(312345678))
    for draw in (my_unit, my_plane):
        with pytest.raises(ValueError, match="de 6 a 10 dígitos"):
            draw("doce")


def test_a_plane_is_a_copy():
    my_plane(ACCOUNT).zero_()
    assert my_plane(ACCOUNT).max() > 0


def test_in_every_unit_two_different_classes_win_clearly():
    for name, text, *_ in SECRETS[::20]:
        rise = optimization.rises(load_model(name, device="cpu"), optimization.Unit.parse(text))
        first, second = rise.topk(2, dim=1).values.T
        assert ((first - second) / first > CLEAR).all() and (first - second > 3).all(), (name, text)
        up, down = rise.argmax(1).tolist()
        assert up != down != int(rise[0].argmin()), (name, text)


def test_no_pair_of_classes_is_the_answer_of_many():
    pairs = Counter((row.up, row.down) for row in SECRETS)
    assert max(pairs.values()) <= len(SECRETS) / 8 and len(pairs) >= 40


def test_in_every_plane_both_networks_give_in_clearly_and_once():
    data, pairs, where = load_images("test"), [], [row.plane for row in BUDGETS]
    planes = data.images[where]
    assert (data.labels[where] == data.classes.index("avión")).all()
    for name in NETWORKS:
        network = load_model(name, device="cpu")
        assert (network(planes).argmax(1) == network.classes.index("avión")).all()
        truck = network.classes.index("camión")
        ascents = [maximize(network, logit(truck), PixelCanvas(planes, r), steps=24, lr=0.02).images for r in RADII]
        margins = torch.stack([margin(truck)({"fc": network(images)}) for images in ascents], dim=1)
        assert margins.abs().min() > CLEAR
        won = (margins > 0).int()
        assert (won.diff(dim=1) >= 0).all() and won[:, -1].all()  # una vez que cae, cae con todo radio mayor
        pairs.append([RADII[k] for k in won.argmax(1)])
    assert list(zip(*pairs)) == [optimization.right_radii(row) for row in BUDGETS]
    counts = Counter(zip(*pairs))
    assert len(counts) >= 5 and max(counts.values()) <= len(planes) / 3
    assert all(plain < robust for plain, robust in counts)

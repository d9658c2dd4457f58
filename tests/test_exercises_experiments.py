"""Los ejercicios de la lección 5b; lo que vale para todos está en test_exercises.py."""
import make_exercises
import pytest
import torch
import wrong_answers_experiments as answers

from labkit.datasets import load_images
from labkit.dissection import random_rotation
from labkit.exercises import experiments, verdict
from labkit.exercises.accounts import load_rows
from labkit.exercises.experiments.measures import reachable, rotate_pair
from labkit.exercises.experiments.transplants import TwinsRow

ROWS = load_rows("shortcut_unit", TwinsRow)


def shares_in(row: TwinsRow) -> list[float]:
    return [float(share) for share in row.shares.split()]


def test_the_next_layer_reads_the_same_and_the_units_are_others():
    acts, weight = torch.randn(2, 6, 9, 9, dtype=torch.float64), torch.randn(4, 6, 3, 3, dtype=torch.float64)
    turned, reads = rotate_pair(acts, weight, random_rotation(6, 3))
    assert torch.allclose(torch.conv2d(turned, reads), torch.conv2d(acts, weight), atol=1e-12)
    assert (turned - acts).abs().mean() > 0.5


def test_what_is_said_unreachable_is_unreachable():
    """Ninguna máscara de ese tamaño pasa del corte con un concepto que se dijo inalcanzable; con los demás, alguna."""
    pixels, share, cut = 1000, 0.02, 0.1
    sizes = [1, 3, 4, 19, 20, 60, 199, 201, 700]
    found = reachable(torch.tensor([size / pixels for size in sizes]), share, cut)
    mask = set(range(int(share * pixels)))
    for size, reached in zip(sizes, found.tolist()):
        places = [set(range(start, start + size)) for start in range(30)]
        best = max(len(mask & place) / len(mask | place) for place in places)
        assert (best > cut) is reached, size


def test_the_cars_are_the_same_with_another_background():
    own = load_images("test", "autos_trampa")
    for source in ("autos_invertidos", "autos_libres"):
        assert torch.equal(own.labels, load_images("test", source).labels)
    for number in range(3):
        layer, label, mine, other = experiments.my_twins(f"31200000{number}")
        assert mine.shape == other.shape == (40, 3, 64, 64) and (layer, label) in {row[:2] for row in ROWS}
        change = (mine - other).abs()
        assert change[:, :, :8].mean() > 1.5 * change[:, :, 34:42, 26:38].mean()            # el fondo, no el auto
        every = load_images("test", experiments.my_background(f"31200000{number}")).images
        assert all(bool((every == one).flatten(1).all(1).any()) for one in other[:3]), "el otro fondo es el que se dice"


def test_a_transplant_is_an_edition_of_one_unit():
    account, units = answers.ACCOUNTS["shortcut_unit"][0], [0, 7, 20]
    shares = [answers.shares_of(account)[k] for k in units]
    assert answers.shares_by_editing(account, units) == pytest.approx(shares, abs=1e-4)


@pytest.mark.parametrize("place", [9, 40, 77])
def test_the_table_of_transplants_is_what_is_measured(place):
    row = ROWS[place]
    with torch.no_grad():
        again = make_exercises.twins_row(*row[:4])
    assert shares_in(again) == pytest.approx(shares_in(row), abs=2e-4)
    assert again[:4] == row[:4] and again[5:] == pytest.approx(row[5:], rel=1e-4, abs=2e-4)


def test_there_are_many_variants_and_none_twice():
    assert len({row[:4] for row in ROWS}) == len(ROWS) >= 200 and {row[:3] for row in ROWS} <= set(make_exercises.TWINS)


def test_in_every_case_the_answer_is_clear_and_dividing_by_the_margin_shows():
    """La mejor unidad le saca ventaja a la segunda, no se lo lleva todo, y entre el margen da otra parte."""
    for row in ROWS:
        second, first = sorted(shares_in(row))[-2:]
        assert first - second > 0.03 and 0.1 < first < 0.9, row
        assert abs(first * row.drop / row.margin - first) > 0.006, row


def test_the_answer_of_the_sample_case_is_suspected():
    sample = answers.good_unit("")[1]
    mine = next(account for account in answers.ACCOUNTS["shortcut_unit"]
                if answers.good_unit(account)[1][0] != sample[0] < len(answers.shares_of(account)))
    assert "caso de muestra" in verdict("shortcut_unit", (mine, sample)).message

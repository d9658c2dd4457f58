"""El azar del curso: el mismo con toda versión de PyTorch."""
import pytest
import torch

from labkit.device import draw_index
from labkit.sequences import load_text_network, sample_text
from labkit.tabular import credit_table

ODDS = torch.tensor([0.1, 0.2, 0.3, 0.4])


def dice(seed: int = 0) -> torch.Generator:
    return torch.Generator().manual_seed(seed)


def test_a_drawn_index_is_the_same_in_every_version():
    """Con números escritos aquí: los que saca esta cuenta en cualquier máquina, porque solo usa `torch.rand`."""
    assert draw_index(ODDS.repeat(12, 1), dice()).tolist() == [2, 2, 3, 3, 1, 2, 0, 1, 1, 3, 1, 3]
    table = credit_table(20_000)
    assert int(table.defaults.sum()) == 5936 and int(table.in_b.sum()) == 10_001
    assert table.rows[:3].argmax(1).tolist() == [6, 5, 6]


def test_each_index_comes_out_as_often_as_its_odds_say():
    """Un millón de sorteos: a menos de cinco errores estándar (.0025) de cada probabilidad, sumen lo que sumen."""
    for scale in (1.0, 7.0):
        drawn = draw_index((scale * ODDS).repeat(1_000_000, 1), dice(1))
        assert (torch.bincount(drawn, minlength=4) / 1e6 - ODDS).abs().max() < 0.0025
    alone = draw_index(torch.tensor([[0.0, 1.0, 0.0]]).repeat(10_000, 1), dice(2))
    assert bool((alone == 1).all()), "lo imposible no sale nunca"


@pytest.mark.parametrize("shape", [(4,), (3, 4), (2, 3, 4)])
def test_one_index_for_each_row(shape):
    assert draw_index(torch.ones(shape), dice()).shape == shape[:-1]


def test_what_a_network_writes_does_not_depend_on_the_version():
    assert sample_text(load_text_network("celdas"), "def ", 12, seed=3) == "tarnst.error"

"""Las gemelas que se reparten ya disecadas: la primera se vuelve a disecar, y las ocho, a pasar por los dibujos."""
import measure_twins
import numpy as np
import pytest
import torch
from scipy import stats

from labkit.activations import run
from labkit.datasets import load_concepts
from labkit.dissection import Convention, count_detectors, dissect
from labkit.models import load_model, random_twin
from labkit.ready_made import load_painter, load_twins

MAIN = load_model("escenas", device="cpu")


@pytest.fixture(scope="module")
def drawn():
    return load_painter()


def most(network, images):
    """Lo más que responde cada unidad de conv5, (n, c), sin `features`."""
    with torch.no_grad():
        return torch.cat([run(network, part, ["conv5"])["conv5"].flatten(2).max(2).values for part in images.split(40)]).double().numpy()


def test_there_are_eight_with_all_their_units_and_none_is_the_main_network_nor_the_witness():
    twins = load_twins()
    assert list(twins) == list(range(2, 10)) == list(measure_twins.SEEDS)
    for seed, units in twins.items():
        assert [unit.unit for unit in units] == [f"conv5:{k}" for k in range(128)] and {unit.seed for unit in units} == {seed}
        assert all(0 <= unit.iou <= 1 and 0 <= unit.low_iou <= 1 for unit in units)
    assert len({tuple(unit.iou for unit in units) for units in twins.values()}) == 8


@pytest.mark.parametrize("lowest", [False, True])
def test_the_first_one_comes_out_again(lowest):
    units = load_twins()[2]
    found = dissect(random_twin(MAIN, 2), load_concepts("test", n=1000), "conv5", Convention(lowest=lowest))
    best, place = found.iou().max(1)
    saved = torch.tensor([unit.low_iou if lowest else unit.iou for unit in units])
    assert torch.allclose(saved, best.float(), atol=2e-4)
    names = [unit.low_concept if lowest else unit.concept for unit in units]
    same = sum(name == found.names[k] for name, k in zip(names, place.tolist()))
    assert same >= 126                                                          # dos empates, a lo más
    if not lowest:
        assert count_detectors(found.iou())[0] == sum(unit.iou > 0.04 for unit in units)


def test_the_objects_passed_are_those_of_the_rule(drawn):
    """La regla, dicha otra vez: la mediana pasa del percentil 95, y la p no es mayor que la mayor aceptada con los nombres propios."""
    ours = [row for row in drawn.rows if row.network == "escenas"]
    ranked = sorted(row.p for row in ours)
    limit = max(p for i, p in enumerate(ranked, 1) if p <= 0.05 * i / len(ranked))
    for seed, units in list(load_twins().items())[::7]:                         # la 2 y la 9
        network, passed = random_twin(MAIN, seed), [set() for _ in units]
        for (category, name), images in zip(drawn.concepts, drawn.images):
            if category != "object":
                continue
            shown, control = most(network, images[:, 0]), most(network, images[:, 1])
            p = [stats.wilcoxon(a, b, alternative="greater").pvalue for a, b in zip(shown.T, control.T)]
            wins = (np.median(shown, 0) > np.quantile(control, 0.95, 0)) & (np.array(p) <= limit * 1.005)
            for k in wins.nonzero()[0]:
                passed[k].add(name)
        differ = sum(set(unit.objects) != found for unit, found in zip(units, passed))
        assert differ <= 1 and sum(map(len, passed)) > 0

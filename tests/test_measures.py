"""Las medidas, contra scikit-learn, scipy, cuentas a mano y ruido sembrado del que se sabe la verdad."""
from math import sqrt
from statistics import fmean, variance

import pytest
import torch
from scipy import stats
from sklearn.metrics import average_precision_score

from labkit.measures import Gap, Tally, average_precisions, difference, discoveries, mean_interval, name_sets, paired


def dice(seed: int = 0) -> torch.Generator:
    return torch.Generator().manual_seed(seed)


def test_average_precision_is_that_of_scikit_learn_also_with_ties_and_rare_answers():
    values, truth = torch.randint(0, 9, (60, 4), generator=dice()).float(), torch.rand(60, 3, generator=dice(1)) < 0.15
    found = average_precisions(values, truth)
    for unit in range(4):
        for k in range(3):
            assert found[unit, k].item() == pytest.approx(average_precision_score(truth[:, k], values[:, unit]), abs=1e-6)
    assert torch.equal(average_precisions(values, truth[:, 0]), found[:, 0])
    assert average_precisions(values, torch.zeros(60, dtype=torch.bool)).isnan().all()


def test_losing_half_of_the_labels_halves_precision_and_not_the_roc_area():
    from labkit.measures import roc_areas
    truth = torch.rand(4000, generator=dice()) < 0.2
    values, kept = truth.float()[:, None], truth & (torch.rand(4000, generator=dice(2)) < 0.5)
    assert average_precisions(values, truth).item() == 1.0
    assert average_precisions(values, kept).item() == pytest.approx(0.5, abs=0.03) and roc_areas(values, kept).item() > 0.94


def by_hand(first, second, share=0.95):
    """Welch, escrito como en los libros."""
    parts = [variance(values) / len(values) for values in (first, second)]
    mean, error = fmean(second) - fmean(first), sqrt(sum(parts))
    freedom = error ** 4 / sum(part ** 2 / (len(values) - 1) for part, values in zip(parts, (first, second)))
    reach = stats.t.ppf((1 + share) / 2, freedom) * error
    return mean, mean - reach, mean + reach


@pytest.mark.parametrize("first, second", [([1.0, 2, 4], [3.0, 5, 5, 9]), ([24.0, 27, 22], [24.0, 24, 24]), ([0.1, 0.3], [9.0, 2])])
@pytest.mark.parametrize("share", [0.95, 0.8])
def test_the_interval_of_a_difference_is_welchs(first, second, share):
    assert difference(first, second, share) == pytest.approx(by_hand(first, second, share), abs=1e-12)


def test_the_interval_of_pairs_is_students():
    first, second = [1.0, 2, 4, 3], [2.0, 2.5, 6, 3]
    gaps = [b - a for a, b in zip(first, second)]
    reach = stats.t.ppf(0.975, 3) * sqrt(variance(gaps) / 4)
    assert paired(first, second) == pytest.approx((fmean(gaps), fmean(gaps) - reach, fmean(gaps) + reach), abs=1e-12)


def test_without_spread_the_interval_is_a_point():
    assert difference([2, 2], [5, 5, 5]) == Gap(3, 3, 3) and paired([1, 2], [3, 4]) == Gap(2, 2, 2)
    assert str(Gap(3, -1.25, 4)) == "+3.0 (de -1.2 a +4.0)"


def test_a_mean_has_the_interval_of_student():
    values = [0.2, 0.5, 0.9, 0.4, 0.1]
    reach = 2.7764451 * (sum((value - fmean(values)) ** 2 for value in values) / 4 / 5) ** 0.5         # t, 4 grados, 95 %
    assert mean_interval(torch.tensor(values)) == pytest.approx((0.42, 0.42 - reach, 0.42 + reach), abs=1e-6)
    assert mean_interval([3, 3, 3]) == Gap(3, 3, 3)
    with pytest.raises(ValueError, match="esperaba al menos dos números y recibí 1"):
        mean_interval([1.0])


def test_discoveries_are_those_of_benjamini_and_hochberg():
    for seed in range(200):
        p, level = torch.rand(1 + seed % 30, generator=dice(seed), dtype=torch.float64) ** 2, 0.05 + 0.1 * (seed % 3)
        order, under = p.sort().values, [0.0]
        for i, value in enumerate(order.tolist(), 1):
            if value <= level * i / len(p):
                under.append(value)
        assert torch.equal(discoveries(p, level), (p <= max(under)) & torch.tensor(len(under) > 1))
    assert discoveries(torch.zeros(0)).tolist() == []


def noisy_tallies(lead: float, seed: int, images: int = 120, width: int = 400) -> list[Tally]:
    """Una unidad y cuatro conceptos en imágenes con ruido: dos casi iguales (el segundo, `lead` de IoU abajo) y dos peores."""
    random, wanted = dice(seed), torch.tensor([0.20, 0.20 - lead, 0.10, 0.05])
    parts = []
    for _ in range(images):
        scale = 0.2 + 1.6 * torch.rand(1, generator=random)                   # hay imágenes con mucho y con poco
        active = torch.full((4,), width) * scale
        share = (2 * wanted / (1 + wanted) + 0.15 * torch.randn(4, generator=random)).clamp(0, 1)
        parts.append(Tally((share * active).round().long()[None], active.round().long()[None, :1], active.round().long(),
                           4 * width, torch.zeros(4, dtype=torch.int64)))
    return parts


@pytest.mark.parametrize("lead", [0.0, 0.005, 0.02])
def test_the_best_name_is_in_its_set_as_often_as_it_says(lead):
    found = [name_sets(noisy_tallies(lead, seed), times=200)[0] for seed in range(150)]
    assert sum(0 in names for names in found) / len(found) >= 0.93
    assert not any(3 in names for names in found)                               # lo que no puede ser no está
    size = sum(map(len, found)) / len(found)
    assert size < {0.0: 2.1, 0.005: 2.1, 0.02: 1.8}[lead]                       # dos dudosos, y con ventaja, menos
    if lead == 0.0:
        assert sum(1 in names for names in found) / len(found) >= 0.93          # y de dos iguales, ninguno sobra


def by_loops(parts, times, share, seed=0):
    """Los nombres de la primera unidad, con ciclos: quien no pierde por más de lo que bailan sus diferencias con los demás."""
    def iou(some, k):
        both, active, truth = (sum(getattr(part, name).flatten()[place].item() for part in some)
                               for name, place in (("both", k), ("active", 0), ("truth", k)))
        return both / (active + truth - both)

    generator, size, measured = dice(seed), len(parts[0].truth), []
    draws = [torch.randint(0, len(parts), (len(parts),), generator=generator).tolist() for _ in range(times)]
    for some in (parts, *([parts[i] for i in draw] for draw in draws)):
        measured.append([iou(some, k) for k in range(size)])
    whole, again = measured[0], torch.tensor(measured[1:], dtype=torch.float64)
    kept = []
    for k in sorted(range(size), key=lambda k: -whole[k]):
        worst = [max(drawn[j] - drawn[k] - (whole[j] - whole[k]) for j in range(size)) for drawn in again.tolist()]
        if max(whole) - whole[k] <= torch.tensor(worst, dtype=torch.float64).quantile(share).item():
            kept.append(k)
    return kept


@pytest.mark.parametrize("lead", [0.0, 0.005, 0.02])
def test_the_names_are_those_of_plain_loops(lead):
    for seed in range(3):
        parts = noisy_tallies(lead, seed, images=25)
        assert name_sets(parts, times=40)[0] == by_loops(parts, 40, 0.95)


def test_the_rivals_are_the_best_and_not_the_first():
    """Con quince conceptos y doce lugares: el mejor es el último de la tabla, y aun así compite."""
    both = torch.cat([torch.full((14,), 5), torch.tensor([80])])[None]
    part = Tally(both, torch.tensor([[100]]), torch.full((15,), 100), 1000, torch.zeros(15, dtype=torch.long))
    assert name_sets([part] * 4, times=50) == [[14]]


def test_a_clear_winner_stands_alone():
    parts = noisy_tallies(0.09, 0)
    assert name_sets(parts, times=200) == [[0]]
    with pytest.raises(ValueError, match="al menos 2 pedazos"):
        name_sets(parts[:1])

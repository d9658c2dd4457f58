"""La prueba del pintor que se reparte: sus renglones se vuelven a medir con los dibujos, y su regla se prueba con lo que se sabe."""
from collections import Counter

import measure_painter
import numpy as np
import pytest
import torch
from packing import TILE
from scipy import stats

from labkit.activations import run
from labkit.files import data_path
from labkit.models import load_model, random_twin
from labkit.ready_made import load_painter


@pytest.fixture(scope="module")
def drawn():
    return load_painter()


@pytest.fixture(scope="module")
def answers(drawn):
    """Lo más que responde cada unidad de conv5 a cada dibujo: red → (k, n, 2, c), contado imagen por imagen y sin `features`."""
    main = load_model("escenas", device="cpu")
    found = {}
    for name, network in (("escenas", main), ("gemela", random_twin(main, 2))):
        with torch.no_grad():
            maps = [run(network, part, ["conv5"])["conv5"].flatten(2).max(2).values for part in drawn.images.flatten(0, 2).split(48)]
        found[name] = torch.cat(maps).unflatten(0, drawn.images.shape[:3])
    return found


def plain_wilcoxon(first: np.ndarray, second: np.ndarray) -> float:
    """La p de un lado de Wilcoxon, contando todas las maneras de poner signos (suma de rangos por programación dinámica)."""
    gaps = [float(gap) for gap in first - second if gap != 0]
    ranks = [sorted(map(abs, gaps)).index(abs(gap)) + 1 for gap in gaps]
    total, ways = sum(rank for gap, rank in zip(gaps, ranks) if gap > 0), Counter({0: 1})
    for rank in ranks:
        ways = Counter({reached: ways[reached] + ways[reached - rank] for reached in {*ways, *(w + rank for w in ways)}})
    return sum(count for reached, count in ways.items() if reached >= total) / 2 ** len(ranks)


def test_every_row_comes_out_again(drawn, answers):
    for network in ("escenas", "gemela"):
        rows = [row for row in drawn.rows if row.network == network]
        p = []
        for row in rows:
            k, unit = drawn.concepts.index((row.category, row.concept)), int(row.unit.split(":")[1])
            own, control = answers[network][k, :, 0, unit].double().numpy(), answers[network][k, :, 1, unit].double().numpy()
            assert (row.shown, row.control, row.cut) == pytest.approx(
                (np.median(own), np.median(control), np.quantile(control, 0.95)), abs=0.011, rel=1e-3)
            p.append(plain_wilcoxon(own, control))
            assert row.p == pytest.approx(p[-1], rel=0.01) and row.n == len(own) == 20
        ranked = sorted(p)                                                      # Benjamini–Hochberg, a mano
        limit = max([q for i, q in enumerate(ranked, 1) if q <= 0.05 * i / len(p)], default=-1)
        assert [row.passes for row in rows] == [row.shown > row.cut and q <= limit for row, q in zip(rows, p)]


def test_the_false_survival_is_that_of_the_other_names(drawn, answers):
    rows = [row for row in drawn.rows if row.network == "escenas"]
    units = [int(row.unit.split(":")[1]) for row in rows]
    wins = []
    for k in range(len(drawn.concepts)):
        own, control = (answers["escenas"][k, :, side][:, units].double().numpy() for side in (0, 1))
        p = [plain_wilcoxon(a, b) for a, b in zip(own.T, control.T)]
        limit = max([q for i, q in enumerate(sorted(p), 1) if q <= 0.05 * i / len(p)], default=-1)
        wins.append((np.median(own, 0) > np.quantile(control, 0.95, 0)) & (np.array(p) <= limit))
    for i, row in enumerate(rows):
        others = [won[i] for pair, won in zip(drawn.concepts, wins) if pair != (row.category, row.concept)]
        assert row.false == pytest.approx(np.mean(others), abs=1e-3)
        middle = np.median(answers["escenas"][:, :, 0, units[i]].numpy(), 1)
        assert row.best == drawn.concepts[int(middle.argmax())][1] and row.best_shown == pytest.approx(middle.max(), abs=0.011, rel=1e-3)


def test_the_rows_are_all_the_detectors_of_the_main_network(drawn):
    found = measure_painter.named_units(load_model("escenas", device="cpu"))
    rows = [row for row in drawn.rows if row.network == "escenas"]
    assert [(row.unit, row.category, row.concept) for row in rows] == [(str(x.unit), x.category, x.concept) for x in found]
    assert [row.iou for row in rows] == pytest.approx([label.iou for label in found], abs=1e-3)
    assert sorted({(row.category, row.concept) for row in rows}) == drawn.concepts
    assert len(rows) == len(drawn.rows) - len(rows)                             # tantas de la gemela como de la red


def test_the_control_is_as_large_and_is_another_thing(drawn):
    assert drawn.images.shape == (len(drawn.concepts), 20, 2, 3, TILE, TILE)
    assert drawn.areas.min() >= 20
    ratio = (drawn.areas[..., 1] / drawn.areas[..., 0]).median(1).values
    assert ((0.75 < ratio) & (ratio < 1.34)).all()
    for (category, concept), hosts, controls in zip(drawn.concepts, drawn.hosts, drawn.controls):
        assert concept not in controls
        assert set(hosts) == {concept} if category == "object" else True


def test_no_seed_is_used_by_another_set():
    with np.load(data_path("pintor", "dibujos.npz"), allow_pickle=False) as arrays:
        every = arrays["seeds"].ravel().tolist()
    seeds = set(every)
    assert len(seeds) == len(every)
    for path in data_path().glob("*/*.npz"):
        with np.load(path, allow_pickle=False) as other:
            if path.parent.name != "pintor" and "seeds" in other:
                assert not seeds & set(other["seeds"].tolist()), path


def test_the_rule_is_true_to_a_planted_detector_and_to_noise():
    generator = torch.Generator().manual_seed(0)
    control, same, higher = (torch.randn(20, 200, generator=generator) + shift for shift in (0, 0, 4))
    shown, cut, p = measure_painter.judge(higher, control)
    assert (shown > cut).all() and (p < 1e-4).all()
    shown, cut, p = measure_painter.judge(same, control)
    assert (shown > cut).float().mean() < 0.01 and 0.02 < (p < 0.05).float().mean() < 0.09
    assert measure_painter.judge(control[:, :2], control[:, :2])[2].tolist() == [1.0, 1.0]
    few = (torch.randn(20, 1, generator=generator) + 1, torch.randn(20, 1, generator=generator))
    assert float(measure_painter.judge(*few)[2]) == pytest.approx(plain_wilcoxon(*(x[:, 0].double().numpy() for x in few)), rel=1e-6)


def test_a_part_alone_is_only_that_part_in_an_unusual_place():
    pytest.importorskip("numba", reason="numba solo hace falta para dibujar")
    import make_painter
    from world.places import HABITATS
    rng = np.random.default_rng(0)
    assert not any(make_painter.new_place(rng, "cebra") in HABITATS["cebra"] for _ in range(200))
    for seed in range(make_painter.FIRST, make_painter.FIRST + 60):
        made = make_painter.paint_part(seed, "rin", 0)
        if made is not None:
            break
    scenes, host, control = made
    assert {piece.part for piece in scenes[0].things[0].pieces} == {"rin"} and len(scenes[0].things) == 1
    assert {piece.part for piece in scenes[1].things[0].pieces} == {control}
    whole, again = make_painter.host_of(seed, "rin")
    assert again == host and {"rin", control} <= {piece.part for piece in whole.things[0].pieces}
    assert whole.place == scenes[0].place not in HABITATS[host] and len(scenes) == 2


def test_the_other_parts_are_counted_without_the_own_one():
    """Cuatro conceptos, tres de ellos partes; cuatro unidades: una baja siempre, otra solo con lo suyo, otra con lo ajeno, y otra nunca."""
    whole = torch.rand(4, 20, 2, 4, generator=torch.Generator().manual_seed(0))
    whole[3] = torch.nan                                                        # un objeto: no tiene cosa entera
    own = [0, 1, 2, 0]
    for k, unit in ((0, 0), (1, 0), (2, 0), (1, 1), (0, 2), (1, 2)):
        whole[k, :, 0, unit] += 5                                               # con la parte, mucho más
    cut = torch.full((4, 4), 2.0)
    found = measure_painter.other_parts(whole, cut, own, [0, 1, 2, 3])
    assert found == [(1.0, 1.0), (0.0, 0.0), (1.0, 1.0), (0.0, 0.0)]
    assert measure_painter.other_parts(whole, cut + 9, own, [0, 1, 2, 3])[0] == (0.0, 1.0)
    cut[1] = 99                                                                 # un concepto que ninguna alcanza
    assert measure_painter.other_parts(whole, cut, own, [0, 1, 2, 3])[0] == (0.5, 1.0)
    noise = torch.rand(4, 20, 2, 4, generator=torch.Generator().manual_seed(1))
    assert measure_painter.other_parts(noise, cut, own, [0, 1, 2, 3])[0][1] == 0.0       # si no se acepta ninguna, ninguna falsa


def test_only_the_parts_of_the_main_network_have_the_whole_thing(drawn):
    for row in drawn.rows:
        values = tuple(getattr(row, name) for name in measure_painter.WITH_WHOLE)
        assert len(values) == 10
        assert all((value is None) == (row.network == "gemela" or row.category != "part") for value in values)
    parts = [row for row in drawn.rows if row.whole is not None]
    names = len({row.concept for row in parts})
    for row in parts:                                                           # cuentas de entre los nombres de otras partes
        for value in (row.false_whole, row.false_without):
            assert value * (names - 1) == pytest.approx(round(value * (names - 1)), abs=0.01) and 0 <= value <= 1


@pytest.mark.skipif(not measure_painter.WHOLE.exists(), reason="las cosas enteras no se reparten: las dibuja make_painter.py")
def test_the_whole_things_come_out_again(drawn):
    whole = np.load(measure_painter.WHOLE)
    main = load_model("escenas", device="cpu")
    with torch.no_grad():
        pixels = torch.from_numpy(whole).flatten(0, 2).permute(0, 3, 1, 2).float() / 255
        maps = [run(main, part, ["conv5"])["conv5"].flatten(2).max(2).values for part in pixels.split(48)]
    answers = torch.cat(maps).unflatten(0, whole.shape[:3]).double().numpy().round(3)                  # (k, n, 3, c)
    controls = [run(main, drawn.images[k, :, 1], ["conv5"])["conv5"].flatten(2).max(2).values for k in range(len(drawn.concepts))]
    rows, gaps = [row for row in drawn.rows if row.whole is not None], []

    def p_of(entire, without):                                                  # con diferencias en cero, la regla usa la aproximación
        exact = (entire != without).all()
        return plain_wilcoxon(entire, without) if exact else stats.wilcoxon(entire, without, alternative="greater").pvalue

    own = [p_of(*answers[drawn.concepts.index(("part", row.concept)), :, :2, int(row.unit.split(":")[1])].T) for row in rows]
    limit = max(q for i, q in enumerate(sorted(own), 1) if q <= 0.05 * i / len(own))
    for row in rows:
        unit, above, falls = int(row.unit.split(":")[1]), [], []
        for k, (category, concept) in enumerate(drawn.concepts):
            if category != "part":
                continue
            entire, without, other = answers[k, :, :, unit].T
            if concept == row.concept:
                medians = np.median(entire), np.median(without), np.median(other)
                assert (row.whole, row.without, row.without_other) == pytest.approx(medians, abs=0.011, rel=1e-3)
                p = p_of(entire, without), p_of(entire, other), p_of(other, without)
                assert (row.p_without, row.p_other, row.p_versus) == pytest.approx(p, rel=0.05)     # aquí, menos de 0.001 es cero
                gone = [np.median([len({*map(tuple, np.argwhere(np.abs(one[0].astype(int) - one[side]) > 8)[:, :2].tolist())})
                                   for one in whole[k]]) for side in (1, 2)]
                assert (row.gone, row.gone_other) == pytest.approx(gone, abs=0.51)
                continue
            above.append(np.median(entire) > np.quantile(controls[k][:, unit].double().numpy(), 0.95))
            falls.append(p_of(entire, without) <= limit)
        assert row.false_whole == pytest.approx(np.mean(above), abs=1e-3)
        assert row.false_without == pytest.approx(np.mean(falls), abs=1 / len(falls) + 1e-3)       # una p puede quedar en la orilla
        gaps.append(row.false_without - np.mean(falls))
    assert abs(np.mean(gaps)) < 0.01


def test_what_a_unit_loses_without_one_part_or_the_other():
    """Una unidad a la que solo le hace falta la parte, otra a la que solo la otra, y una a la que ninguna."""
    generator = torch.Generator().manual_seed(0)
    entire = 100 + torch.randn(20, 1, generator=generator)
    noise = 0.1 * torch.randn(20, 3, generator=generator)
    only_own, only_other, none = (measure_painter.without_parts(entire + noise + torch.tensor(falls))
                                  for falls in ([0.0, -50, 0], [0.0, 0, -50], [0.0, 0, 0]))
    assert float(only_own["whole"]) == pytest.approx(float((entire + noise)[:, 0].quantile(0.5)), abs=0.01)
    assert float(only_own["without"]) == pytest.approx(50, abs=1.5) and float(only_own["without_other"]) == pytest.approx(100, abs=1.5)
    small, large = 2 ** -20 * 1.01, 0.01
    assert float(only_own["p_without"]) < small and float(only_own["p_other"]) > large and float(only_own["p_versus"]) < small
    assert float(only_other["p_without"]) > large and float(only_other["p_other"]) < small and float(only_other["p_versus"]) > 0.99
    assert all(float(none[name]) > large for name in ("p_without", "p_other", "p_versus"))


def test_the_pixels_that_a_part_takes_are_counted():
    images = np.full((2, 3, 3, 8, 8, 3), 100, np.uint8)
    images[0, 1, 1, 2:4, 2:5, 1] = 109                                          # seis píxeles, en un solo canal
    images[0, 1, 2, 0, 0] = 91                                                  # uno, hacia abajo
    images[1, 2, 1, :, :, 0] = 108                                              # 8 no alcanza
    found = measure_painter.pixels_gone(images)
    assert found.shape == (2, 3, 2) and found[0, 1].tolist() == [6, 1] and found.sum() == 7

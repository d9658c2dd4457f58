"""La lista de comparaciones de la lección 5b y su regla, con tablas sembradas de las que se sabe todo."""
import warnings
from collections import Counter
from dataclasses import replace
from statistics import fmean, stdev
from zlib import crc32

import pytest
import torch
from scipy import stats

from labkit.experiments import compared
from labkit.experiments.compared import outcome_rows, pick, run_comparisons
from labkit.experiments.names import changes, kept, kept_by_chance, moves, unit_names
from labkit.experiments.planned import (
    DELTAS,
    EXPLORED,
    SEEDS,
    TITLES,
    Comparison,
    Counted,
    Directions,
    Kept,
    Turned,
    networks,
    planned,
)
from labkit.experiments.shortcut import matching_group, share_interval, silencing_effects
from labkit.experiments.tables import load_table, published_kinds
from labkit.measures import Gap
from labkit.objectives import channel
from labkit.plotting import show_forest

CATEGORIES = ("scene", "object", "part", "material", "texture", "color")
UNITS = {"conv1": 16, "conv5": 128, "relu4": 96, "relu5": 128, "mixed5": 128, "block5": 128, "conv7": 128}
BLANK = ("bn", "ancho32", "ancho256", "vgg", "inception", "residual")   # de estas hay también con pesos al azar
LAST = {"vgg": "conv7", "inception": "mixed5", "residual": "block5"}


class Planted:
    """Tablas de mentira: en todas, el mismo número con un poco de ruido por semilla, más lo que se siembre.

    more: {(variante, capa, paso, columna): cuánto se suma}, con "" donde no importa.
    """

    def __init__(self, more=(), noise=1.0, seeds=SEEDS):
        self.more, self.noise, self.seeds = dict(more), noise, seeds

    def __call__(self, table, **wanted):
        rows = [row for row in getattr(self, table)() if all(row[key] == value for key, value in wanted.items())]
        assert rows, (table, wanted)
        return rows

    def number(self, start, seed, *place):
        dice = torch.Generator().manual_seed(crc32(repr((seed, *place)).encode()))
        return start + self.noise * torch.randn((), generator=dice).item() + self.more.get(place, 0)

    def redes(self):
        places = [("base", layer, step) for layer in ("conv1", "relu4", "relu5", "conv5") for step in ("", 0, 223)]
        places += [(variant, LAST.get(variant, "conv5"), "") for variant in (*BLANK, "lugares", "mezcla", "giros")]
        places += [(variant, LAST.get(variant, "conv5"), 0) for variant in BLANK]
        for variant, layer, step in places:
            for seed in self.seeds:
                units = 32 if variant == "ancho32" else 256 if variant == "ancho256" else UNITS[layer]
                numbers = {field: self.number(20, seed, variant, layer, step, field)
                           for field in ("detectors", "unique", "summed", *CATEGORIES)}
                yield {"variant": variant, "seed": float(seed), "step": step, "layer": layer, "units": units, **numbers}

    def unidades(self):
        for variant in ("base", "transferida", "continuada", "cabeza"):
            for seed in self.seeds:
                for unit in range(20):
                    stays = variant == "base" or unit < self.number(10, seed, variant, "", "", "kept")
                    yield {"variant": variant, "seed": float(seed), "step": "", "unit": float(unit), "iou": 0.05, "detector": 1.0,
                           "concept": "cebra" if stays else "agua"}

    def giro(self):
        for layer in ("relu4", "relu5"):
            for power in (0.0, 1.0):
                for seed in self.seeds:
                    for turn in range(3):
                        yield {"seed": float(seed), "layer": layer, "power": power, "turn": float(turn),
                               **{f"unique_{cut}": self.number(20, seed, layer, power, f"unique_{cut}") for cut in ("04", "08")}}

    def direcciones(self):
        for network in ("base", "base al azar"):
            for layer in ("relu4", "relu5"):
                for kind, draws in (("unidades", 1), ("direcciones", 8)):
                    for seed in self.seeds:
                        for draw in range(draws):
                            yield {"seed": float(seed), "network": network, "layer": layer, "kind": kind, "draw": float(draw), "count": 50,
                                   **{field: self.number(20, seed, network, layer, kind, field) + draw - (draws - 1) / 2
                                      for field in ("detectors_04", "unique_04")}}


# ── la lista ────────────────────────────────────────────────────────────────────────────────────────────────────────

def test_the_list_has_every_finding_but_the_one_of_seeds_and_says_each_thing_once():
    asked = Counter(one.finding for one in planned())
    assert set(asked) == set(TITLES) - {5} and set(TITLES) == set(range(1, 12))
    assert [one.finding for one in planned()] == sorted(one.finding for one in planned())
    titles = [(one.finding, one.title) for one in planned()]
    groups = [(one.first, one.second) for one in planned()]
    assert len(set(titles)) == len(titles) and len(set(groups)) == len(groups)
    assert all(one.sign in (1, -1) and one.delta == DELTAS[one.measure] > 0 for one in planned())
    assert not set(SEEDS) & set(EXPLORED) and len(SEEDS) == 8


def test_what_is_compared_across_layers_goes_per_unit_and_beside_its_random_twin():
    for one in planned():
        if isinstance(one.first, Counted) and one.first.layer != one.second.layer and one.first.variant == one.second.variant:
            assert one.first.per == one.second.per == "units" and one.same, one.title
            assert one.floor == (replace(one.first, step=0), replace(one.second, step=0)), one.title
    homes = {(one.first.field, one.first.layer) for one in planned()
             if one.finding == 1 and one.second == replace(one.first, step="")}
    assert homes == {("color", "conv1"), ("texture", "conv1"), ("part", "conv5"), ("object", "conv5")}


def test_what_differs_before_learning_has_its_random_floor():
    """Otra arquitectura u otro ancho ya dan otra cuenta con pesos al azar; otra pregunta, no: es la misma red."""
    load = Planted({("base", "conv5", 0, "unique"): 30, ("bn", "conv5", 0, "detectors"): 50}, noise=0)
    found = {(one.asked.finding, one.title): one for one in run_comparisons(load=load)}
    assert found[2, "con normalización: conceptos distintos"].floor == -30 and found[2, "con normalización: detectoras"].floor == 50
    assert found[6, "GoogLeNet menos AlexNet: conceptos distintos"].floor == -30
    assert all(one.floor is not None for (finding, _), one in found.items() if finding in (2, 4, 6))
    assert all(one.floor is None for (finding, _), one in found.items() if finding in (7, 9))


# ── lo que contestan ────────────────────────────────────────────────────────────────────────────────────────────────

def test_where_nothing_was_planted_almost_nothing_is_claimed():
    outcomes = run_comparisons(load=Planted())
    assert len(outcomes) == len(planned())
    same = [one for one in outcomes if one.asked.finding != 1 and one.asked.measure in ("conceptos", "detectoras")]
    assert not [one.title for one in same if one.verdict in ("de acuerdo", "al revés")]


@pytest.mark.parametrize(("place", "finding", "title"), [
    (("bn", "conv5", "", "unique"), 2, "con normalización: conceptos distintos"),
    (("residual", "block5", "", "summed"), 6, "ResNet menos VGG: por categorías"),
    (("base", "conv5", 223, "detectors"), 8, "del paso 223 al final: detectoras"),
    (("relu5", 1.0, "unique_08"), 11, "relu5, al girar, corte 0.08"),
    (("base", "relu5", "direcciones", "unique_04"), 11, "relu5, direcciones: conceptos"),
])
def test_a_planted_difference_is_found_where_it_was_planted_and_with_its_sign(place, finding, title):
    for more in (40, -40):
        found = {one.title: one for one in pick(run_comparisons(load=Planted({place: more})), finding)}[title]
        grew = (more > 0) == (223 not in place)                             # el paso 223 es el primero de los dos
        assert found.gap.mean == pytest.approx(40 if grew else -40, abs=3)
        assert found.verdict == ("de acuerdo" if grew == (found.asked.sign > 0) else "al revés")


def test_per_hundred_units_and_its_floor_are_a_plain_division():
    load = Planted({("base", "conv1", "", "texture"): 7, ("base", "conv5", 0, "texture"): 9})
    found = {one.title: one for one in run_comparisons(load=load)}["texturas, de conv1 a conv5"]
    table = {(row["layer"], row["step"], row["seed"]): row["texture"] for row in load.redes() if row["variant"] == "base"}
    for one, layer in ((found.first, "conv1"), (found.second, "conv5")):
        assert one == pytest.approx([100 * table[layer, "", seed] / UNITS[layer] for seed in SEEDS])
    floor = [fmean(100 * table[layer, 0, seed] / UNITS[layer] for seed in SEEDS) for layer in ("conv1", "conv5")]
    assert found.floor == pytest.approx(floor[1] - floor[0])
    assert found.points == pytest.approx([after - before for before, after in zip(found.first, found.second)])


def test_p_values_are_those_of_scipy_and_are_corrected_all_together():
    outcomes = run_comparisons(load=Planted(noise=4))
    for one in outcomes:
        if len(set(one.points)) == 1:                                   # sin dispersión, scipy no tiene qué decir
            continue
        test = (stats.ttest_rel if one.asked.same else lambda a, b: stats.ttest_ind(a, b, equal_var=False))(one.second, one.first)
        assert one.p == pytest.approx(float(test.pvalue))
        assert one.gap == pytest.approx((fmean(one.second) - fmean(one.first), *test.confidence_interval()))
    m, order = len(outcomes), sorted(outcomes, key=lambda one: one.p)
    for rank, one in enumerate(order):                                  # a mano: el menor de p · m / lugar, de ahí en adelante
        assert one.corrected == pytest.approx(min(1, *(later.p * m / (k + 1) for k, later in enumerate(order) if k >= rank), 1))
    alone = run_comparisons([outcomes[0].asked], Planted(noise=4))[0]
    assert alone.corrected == alone.p <= outcomes[0].corrected


def test_the_four_verdicts_follow_their_rule():
    asked = Comparison(2, "una", Counted("base"), Counted("bn"), -1, "conceptos")           # δ = 2
    one = compared.Outcome(asked, [], [], Gap(0, -1, 1), 0.5, 0.5, None)
    for gap, corrected, says in (((-5, -6, -4), 0.01, "de acuerdo"), ((5, 4, 6), 0.01, "al revés"),
                                 ((5, 4, 6), 0.06, "no se distingue"), ((1, -2, 4), 0.3, "no se distingue"),
                                 ((1, 0.5, 1.5), 0.001, "igual"), ((0, -2, 2), 0.9, "igual"), ((0, -2.1, 2), 0.9, "no se distingue")):
        assert replace(one, gap=Gap(*gap), corrected=corrected).verdict == says
    assert replace(one, gap=Gap(5, 4, 6)).alone and not replace(one, gap=Gap(5, 0, 10)).alone


def test_groups_without_spread_have_a_p_all_the_same():
    assert compared._p_value([24.0] * 8, [24.0] * 8, False) == 1 and compared._p_value([24.0] * 8, [25.0] * 8, False) == 0
    assert compared._p_value([1.0, 2, 3], [2.0, 3, 4], True) == 0 and compared._p_value([1.0, 2], [1.0, 2], True) == 1


def test_one_group_without_spread_is_compared_without_a_warning():
    still, moving = [1.0] * 8, [18.0, 19, 20, 21, 17, 18, 19, 20]
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        found = compared._p_value(still, moving, False)
    test = stats.ttest_ind_from_stats(fmean(moving), stdev(moving), 8, 1.0, 0.0, 8, equal_var=False)
    assert found == pytest.approx(float(test.pvalue))


def test_a_missing_seed_is_told():
    with pytest.raises(ValueError, match=r"«colores, de conv1 a conv5».*faltan las semillas \[17\]"):
        run_comparisons(load=Planted(seeds=range(10, 17)))


def test_the_groups_read_what_they_say():
    load = Planted(noise=0, more={("relu4", 1.0, "unique_04"): 5, ("base", "relu4", "direcciones", "unique_04"): 3})
    assert Turned("relu4", 1.0).values(load) == dict.fromkeys(SEEDS, 25) and Turned("relu4", 0.0).values(load) == dict.fromkeys(SEEDS, 20)
    assert Directions("relu4", "direcciones", "unique_04").values(load) == dict.fromkeys(SEEDS, 23)
    assert Directions("relu4", "unidades", "unique_04", per="count").values(load) == dict.fromkeys(SEEDS, 40)
    assert Counted("base", "detectors", "conv5", per="unique").values(load) == dict.fromkeys(SEEDS, 1)
    assert Kept("cabeza").values(load) == dict.fromkeys(SEEDS, 50)
    assert len(networks("vgg", load=load)) == 8 and {row["layer"] for row in networks("base", load=load)} == {"conv5"}


# ── los nombres ─────────────────────────────────────────────────────────────────────────────────────────────────────

BEFORE, AFTER = {0: "cebra", 1: "cebra", 2: "rin", 3: "vela"}, {0: "cebra", 2: "agua", 3: "vela", 7: "vela"}


def test_what_becomes_of_the_names():
    assert kept(BEFORE, AFTER) == 50 and kept(BEFORE, {}) == 0 and kept(BEFORE, BEFORE) == 100
    assert changes(BEFORE, AFTER) == {"lo conservan": 2, "lo cambian": 1, "lo pierden": 1, "ganan uno": 1}
    assert moves(BEFORE, AFTER) == {"rin → agua": 1}
    with pytest.raises(ValueError, match="ninguna unidad tiene nombre"):
        kept({}, AFTER)


def test_what_would_be_kept_by_chance_is_the_mean_over_every_shuffle():
    dice, total = torch.Generator().manual_seed(0), []
    for _ in range(4000):
        places = torch.randperm(10, generator=dice).tolist()
        total.append(kept(BEFORE, {places[unit]: concept for unit, concept in AFTER.items()}))
    assert kept_by_chance(BEFORE, AFTER, 10) == pytest.approx(fmean(total), abs=1.5)


def test_units_that_are_not_detectors_have_no_name():
    """Que lo sea lo decide el IoU entero, y no el redondeado: 0.0400 puede pasar de 0.04."""
    rows = [{"seed": 10.0, "unit": unit, "iou": 0.04, "concept": name, "detector": passes} for unit, name, passes in
            ((1.0, "rin", 0.0), (2.0, "vela", 1.0))]
    assert unit_names("base", load=lambda table, **wanted: rows) == {10: {2: "vela"}}


# ── el atajo ────────────────────────────────────────────────────────────────────────────────────────────────────────

def test_effects_are_what_a_plain_loop_measures():
    weights = torch.tensor([[3.0, -1, 0, 2]])
    model = torch.nn.Sequential()
    model.add_module("body", torch.nn.Conv2d(3, 4, 1))
    model.add_module("flat", torch.nn.AdaptiveAvgPool2d(1))
    model.add_module("flatten", torch.nn.Flatten())
    model.add_module("fc", torch.nn.Linear(4, 1, bias=False))
    model.fc.weight.data = weights
    images = torch.rand(5, 3, 6, 6, generator=torch.Generator().manual_seed(0))
    found = silencing_effects(model.eval(), images, channel("fc:0"), "body", 4)
    with torch.no_grad():
        assert torch.allclose(found, model.body(images).mean((0, 2, 3)) * weights[0], atol=1e-5)


def test_the_hard_control_has_as_much_effect_or_takes_all_that_push():
    effects = torch.tensor([5.0, 4, 3, 2, 1, -1])
    assert matching_group(effects, [1, 2, 3, 4, 5], 6.5) == [1, 2] and matching_group(effects, [3, 4, 5], 100) == [3, 4]
    assert matching_group(effects, [0], 0) == []


def test_the_interval_of_a_share_is_that_of_wilson():
    for hits, n in ((0, 40), (12, 40), (40, 40)):
        z = stats.norm.ppf(0.975)
        middle, half = (hits + z * z / 2) / (n + z * z), z * (hits * (n - hits) / n + z * z / 4) ** 0.5 / (n + z * z)
        assert share_interval(hits, n) == pytest.approx((hits / n, max(0, middle - half), min(1, middle + half)), abs=1e-9)


# ── el bosque ───────────────────────────────────────────────────────────────────────────────────────────────────────

def test_every_comparison_of_the_list_is_in_the_forest():
    outcomes = run_comparisons(load=Planted(noise=3))
    picture = show_forest(outcomes)
    axis = picture.figure.axes[0]
    drawn = [label.get_text() for label in axis.get_yticklabels()]
    assert drawn == [one.title for one in planned()]
    written = " ".join(text.get_text() for text in axis.texts)
    for number in {one.finding for one in planned()}:
        assert TITLES[number] in written
    assert sum(text.get_text().rstrip("*").endswith(verdict) for text in axis.texts for verdict in
               ("de acuerdo", "al revés", "igual", "no se distingue") if text.get_text()[0] in "✓✗≈?") == len(planned())
    assert all(one.title in picture.alt for one in planned())


def test_in_the_forest_what_is_claimed_goes_to_the_right_in_deltas():
    asked = Comparison(9, "una", Counted("base"), Counted("giros"), -1, "conceptos")
    outcome = run_comparisons([asked], Planted({("giros", "conv5", "", "unique"): -15}, noise=0.5))[0]
    axis = show_forest([outcome]).figure.axes[0]
    places = {round(line.get_xdata()[0], 6) for line in axis.lines if line.get_marker() == "o" and line.get_markersize() == 6}
    assert places == {round(outcome.gap.mean / -2, 6)} and outcome.gap.mean / -2 == pytest.approx(7.5, abs=0.5)


def test_a_forest_needs_rows_and_known_verdicts():
    with pytest.raises(ValueError, match="al menos una"):
        show_forest([])

    class Odd:
        heading, title, gap, scale, points, floor, alone, verdict = "", "", (0, -1, 1), 1.0, [], None, False, "quién sabe"
    with pytest.raises(ValueError, match="no sé dibujar el veredicto 'quién sabe'"):
        show_forest([Odd()])


def test_a_row_of_the_table_says_both_means():
    outcome = run_comparisons([planned()[8]], Planted(noise=1))[0]
    title, first, second, gap, p, corrected, verdict = outcome_rows([outcome])[0]
    assert (title, first, second) == (outcome.title, fmean(outcome.first), fmean(outcome.second))
    assert verdict == outcome.verdict and p == corrected and "−" in gap or "+" in gap


def test_published_names_are_in_spanish_and_keep_their_groups():
    told = [published_kinds(row) for row in load_table("publicadas")]
    assert Counter(data for _, data, _ in told) == {"Places": 9, "ImageNet": 5, "ImageNet y Places": 2, "sin etiquetas": 10,
                                                    "pesos al azar": 1}
    assert {family for _, _, family in told} == {"ResNet", "VGG", "GoogLeNet", "AlexNet"}
    assert not any(word in name for name, _, _ in told for word in ("random", "puzzle", "tracking", "frameorder"))

"""La lección 6, texto: los intervalos que remuestrean ventanas, y los controles que vienen medidos."""
import csv

import pytest
import torch
from torch import Tensor

from labkit.activations import Unit
from labkit.files import data_path
from labkit.measures import average_precisions, redraws
from labkit.sequences import TextWorld, encode, load_text_network, load_texts, random_text_twin, text_world
from labkit.sequences.cells import (
    SignCosts,
    both_signs,
    cell_values,
    closes,
    opening_places,
    openings,
    split_costs,
)
from labkit.sequences.masks import ASKED_AGAIN, CONCEPTS
from labkit.sequences.windows import area_draws, area_interval, ratio_interval, rest_interval, share_interval, tails


def drawn(n: int = 6, length: int = 9, seed: int = 0) -> tuple[Tensor, Tensor]:
    """Valores sin empates y verdaderos de n ventanas, (n·T,); en la última no hay ninguno."""
    dice = torch.Generator().manual_seed(seed)
    values = torch.randn(n * length, generator=dice)
    truth = torch.rand(n * length, generator=dice) < 0.3
    truth[-length:] = False
    return values, truth


# ── la AUPRC, remuestreada ───────────────────────────────────────────────────────────────────────────────────────────
def test_redrawn_areas_are_those_of_the_windows_written_that_many_times():
    """El oráculo: copiar cada ventana las veces que salió, y medir con average_precisions."""
    values, truth = drawn()
    weights = redraws(6, 30, 0.95)
    found = area_draws(values, truth, weights)
    for area, times in zip(found, weights.long()):
        rows = torch.arange(6).repeat_interleave(times)
        # las copias empatan: se les quita el empate sin cambiar el orden, y la precisión que cuenta es la de la última
        copied, marks = values.view(6, -1)[rows].flatten(), truth.view(6, -1)[rows].flatten()
        assert float(area) == pytest.approx(float(average_precisions(copied[:, None], marks)[0]), abs=1e-5)


def test_with_every_window_once_it_is_the_area_itself():
    values, truth = drawn(seed=3)
    once = torch.ones(2, 6)
    assert area_draws(values, truth, once).tolist() == pytest.approx([float(average_precisions(values[:, None], truth)[0])] * 2)


def test_draws_without_the_concept_do_not_count():
    values, truth = drawn()
    nowhere = torch.tensor([[0.0, 0, 0, 0, 0, 6], [1, 1, 1, 1, 1, 1]])
    areas = area_draws(values, truth, nowhere)
    assert areas[0].isnan() and not areas[1].isnan()
    assert tails(areas) == (pytest.approx(float(areas[1])), pytest.approx(float(areas[1])))


def test_the_interval_of_an_area_holds_the_one_of_many_windows():
    """Con una celda y un concepto sembrados, el intervalo de pocas ventanas contiene casi siempre la AUPRC de muchas."""
    dice = torch.Generator().manual_seed(0)

    def sown(n: int) -> tuple[Tensor, Tensor]:
        truth = torch.rand(n, 50, generator=dice) < torch.rand(n, 1, generator=dice) * 0.6
        values = torch.randn(n, 50, generator=dice) + truth + 0.5 * torch.randn(n, 1, generator=dice)
        return values.flatten(), truth.flatten()

    values, truth = sown(4000)
    true = float(average_precisions(values[:, None], truth)[0])
    found = [area_interval(*sown(60), 60, 300, seed=seed) for seed in range(40)]
    assert all(low <= area <= high for area, low, high in found)
    assert sum(low <= true <= high for _, low, high in found) >= 34


def test_shapes_that_do_not_fit_say_so():
    with pytest.raises(ValueError, match="4 ventanas iguales"):
        area_interval(torch.zeros(10), torch.zeros(10).bool(), 4)
    with pytest.raises(ValueError, match="2 ventanas iguales"):
        area_draws(torch.zeros(10), torch.zeros(8).bool(), torch.ones(3, 2))


# ── el daño ──────────────────────────────────────────────────────────────────────────────────────────────────────────
def costs(seed: int) -> tuple[Tensor, Tensor, SignCosts, SignCosts]:
    dice = torch.Generator().manual_seed(seed)
    codes = torch.randint(0, 3, (12, 20), generator=dice) + 8               # la comilla, «(» y «)»
    before = torch.rand(12, 19, generator=dice) + 1
    after = before + torch.rand(12, 19, generator=dice)
    return before, after, split_costs(before, codes, "("), split_costs(after, codes, "(")


def test_costs_are_split_between_a_sign_and_the_rest():
    before, _, split, _ = costs(0)
    assert float(split.bits.sum() + (split.rest * split.others).sum()) == pytest.approx(float(before.sum()), rel=1e-5)
    assert (split.rows.bincount(minlength=12) + split.others == 19).all()


def test_factor_rest_and_share_against_the_sums_by_hand():
    before, after, was, now = costs(1)
    own, rest = float((now.bits - was.bits).sum()), float((now.rest * now.others - was.rest * was.others).sum())
    for interval, value in ((ratio_interval, now.bits.sum() / was.bits.sum()),
                            (rest_interval, (after.sum() - now.bits.sum()) / (before.sum() - was.bits.sum())),
                            (share_interval, own / (own + rest))):
        found, low, high = interval(was, now)
        assert found == pytest.approx(float(value), rel=1e-5) and low < found < high


def test_all_the_harm_in_one_sign_is_a_share_of_one():
    codes = torch.tensor([[8, 9, 8, 9, 9]] * 4)
    before = torch.ones(4, 4)
    after = before + (codes[:, 1:] == 9)
    was, now = split_costs(before, codes, "("), split_costs(after, codes, "(")
    assert share_interval(was, now) == pytest.approx((1, 1, 1)) and rest_interval(was, now) == pytest.approx((1, 1, 1))
    assert ratio_interval(was, now) == pytest.approx((2, 2, 2))


def test_one_window_is_not_enough():
    codes = torch.tensor([[8, 9, 8], [8, 8, 8]])
    split = split_costs(torch.ones(2, 2), codes, "(")
    with pytest.raises(ValueError, match="al menos dos ventanas con ese signo"):
        ratio_interval(split, split)


# ── abrir y cerrar ───────────────────────────────────────────────────────────────────────────────────────────────────
def test_the_place_of_an_opening_is_its_parenthesis():
    world = text_world(most=12)
    places = opening_places(world, 30)
    assert len(places) > 5 and (world.codes[places[:, 0], places[:, 1]] == int(encode("("))).all()
    for (row, place), start in zip(places.tolist(), openings(world, 30).tolist()):
        assert world.text(row)[place] == "(" and start == world.codes[row, place - 29:place + 1].tolist()


def test_a_text_without_parentheses_has_no_openings():
    with pytest.raises(ValueError, match="no se abre ningún paréntesis después del signo 20"):
        openings(TextWorld(["nada que abrir aquí\n" * 20], length=50), 20)


# ── lo que viene medido ──────────────────────────────────────────────────────────────────────────────────────────────
def rows_of(name: str) -> list[dict[str, str]]:
    with data_path("textos", f"{name}.csv").open(encoding="utf-8") as file:
        return list(csv.DictReader(file))


def test_the_shipped_controls_are_what_the_networks_do():
    """Dos celdas de la red y dos de una gemela, medidas de nuevo en la prueba con las máscaras de la página."""
    model, world = load_text_network(device="cpu"), TextWorld(load_texts(), concepts=(*CONCEPTS, *ASKED_AGAIN), most=80)
    for name, network in (("la red", model), ("gemela 2", random_text_twin(model, 2))):
        values = both_signs(cell_values(network, world))
        for row in rows_of("gemelas"):
            if row["network"] == name and row["concept"] in ("sangría", "renglón nuevo"):
                place = int(row["cell"]) + int(row["lowest"]) * model.lstm.hidden_size
                truth = world.masks[:, world.names.index(row["concept"])].flatten()
                assert float(row["test"]) == pytest.approx(float(average_precisions(values[:, [place]], truth)[0]), abs=2e-3)


def test_the_shipped_controls_have_every_network_and_its_interval():
    rows = rows_of("gemelas")
    networks = {row["network"] for row in rows}
    assert networks == {"la red", "otra ventana", "gemela 1", "gemela 2", "gemela 3"}
    assert len(rows) == len(networks) * len({row["concept"] for row in rows})
    own = {row["concept"]: float(row["test"]) for row in rows if row["network"] == "la red"}
    for row in rows:
        if row["network"].startswith("gemela"):
            assert float(row["low"]) <= own[row["concept"]] - float(row["test"]) <= float(row["high"])


def test_the_shipped_closings_are_what_the_network_writes():
    model, world = load_text_network(device="cpu"), text_world(most=80)
    owner, shut = opening_places(world)[:, 0], closes(model, openings(world), [Unit("cells", 298)], most=60, seed=1)
    rows = [row for row in rows_of("cierres") if (row["cell"], row["seed"]) == ("298", "1")]
    assert [int(row["window"]) for row in rows] == owner.unique().tolist()
    assert sum(int(row["opened"]) for row in rows) == len(shut)
    assert abs(sum(int(row["closed"]) for row in rows) - int(shut.sum())) <= 4      # un empate en el sorteo, a lo más

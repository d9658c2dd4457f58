"""Tablas: restricciones que nunca se violan, búsquedas contra la fórmula cerrada y contra probarlo todo, y errores claros."""
import itertools
import math
import re

import pytest
import torch
from sklearn.neighbors import KernelDensity

from labkit.activations import INPUT, Unit, run, silence
from labkit.exercises.tabular import planted
from labkit.measures import roc_areas
from labkit.objectives import Objective, channel
from labkit.tabular import (TABLES, TEST, TOWNS, TRAIN, Choice, Columns, Number, Plausible, best_row, best_rows, climb,
                            conduct_rule, credit_columns, credit_rule, credit_table, group_gap, linear_optimum,
                            load_removals, load_row_network, load_tumors, possible, read_rows, read_table, relaxed,
                            roundness, row_network, row_scores, train_network, write_rows)

ASK = channel("fc:0")


def random_columns(seed: int) -> Columns:
    """De dos a siete columnas al azar: enteras, con pasos, continuas y de opciones."""
    dice = torch.Generator().manual_seed(seed)

    def draw(low: int, high: int) -> int:
        return int(torch.randint(low, high + 1, (), generator=dice))
    made = []
    for k in range(draw(2, 7)):
        kind, low = draw(0, 2), draw(-20, 20)
        if kind == 0:
            made.append(Choice(f"c{k}", tuple("abcdef"[:draw(2, 6)])))
        elif kind == 1:
            step = (1, 2, 5)[draw(0, 2)]
            made.append(Number(f"c{k}", low, low + step * draw(1, 12), step=step))
        else:
            made.append(Number(f"c{k}", low, low + draw(1, 30)))
    return Columns(made)


def obeys(columns: Columns, row: torch.Tensor) -> bool:
    """Las restricciones dichas otra vez, sin project: en sus extremos, en su paso y con un solo 1 por grupo."""
    for column in columns.columns:
        values = row[columns.places[column.name]].tolist()
        if isinstance(column, Choice):
            if sorted(values) != [0.0] * (len(values) - 1) + [1.0]:
                return False
            continue
        number = column.low + values[0] * (column.high - column.low)
        steps = (number - column.low) / column.step if column.step else 0
        if not column.low - 1e-4 <= number <= column.high + 1e-4 or abs(steps - round(steps)) > 1e-3:
            return False
    return True


# ── las columnas ────────────────────────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize("seed", range(40))
def test_projecting_never_breaks_a_constraint_and_moves_nothing_allowed(seed):
    columns = random_columns(seed)
    wild = 3 * torch.randn(25, len(columns), generator=torch.Generator().manual_seed(seed))
    rows = columns.project(wild)
    assert all(obeys(columns, row) for row in rows) and columns.allowed(rows).all()
    assert torch.equal(columns.project(rows), rows)
    assert not columns.allowed(wild).any()
    assert all(obeys(columns, row) for row in columns.random(10, seed))


@pytest.mark.parametrize("seed", range(10))
def test_a_projected_row_is_the_nearest_allowed_one(seed):
    columns = Columns([Number("n", 0, 4, step=1), Choice("o", ("a", "b", "c")), Number("x", 0, 1)])
    wild = torch.randn(1, len(columns), generator=torch.Generator().manual_seed(seed))
    options = [[list(value) for value in column.candidates(5).tolist()] for column in columns.columns[:2]]
    every = torch.tensor([[*a, *b, min(max(float(wild[0, -1]), 0), 1)] for a, b in itertools.product(*options)])
    nearest = every[(every - wild).square().sum(1).argmin()]
    assert torch.allclose(columns.project(wild)[0], nearest, atol=1e-6)


def test_what_is_encoded_is_decoded_back():
    columns, table = credit_columns(), credit_table(200, seed=5)
    records = columns.decode(table.rows)
    assert torch.allclose(columns.encode(records), table.rows, atol=1e-6)
    assert records[0].keys() == set(columns.names) and isinstance(records[0]["edad"], int)
    assert torch.equal(read_rows(write_rows(columns, table.rows), columns), columns.encode(records))
    tumors = load_tumors()
    assert torch.allclose(tumors.columns.encode(tumors.columns.decode(tumors.rows)), tumors.rows, atol=1e-6)


def test_one_value_is_put_and_nothing_else_moves():
    columns, rows = credit_columns(), credit_table(50).rows
    moved = columns.put(rows, "colonia", "San Telmo")
    assert {record["colonia"] for record in columns.decode(moved)} == {"San Telmo"}
    kept = columns.without("colonia")
    assert torch.equal(columns.pick(moved, kept), columns.pick(rows, kept))
    assert len(kept) == len(columns) - len(TOWNS) and "colonia" not in kept.names


@pytest.mark.parametrize("act, says", [
    (lambda c: c.encode([{**good(), "edad": 17}]), r"renglón 1, columna «edad»: 17 está fuera de 18 a 80"),
    (lambda c: c.encode([good(), {**good(), "colonia": "Centro"}]), r"renglón 2, columna «colonia»: «Centro» no es"),
    (lambda c: c.encode([{**good(), "empleo": None}]), r"renglón 1, columna «empleo»: falta"),
    (lambda c: c.encode([{**good(), "ingreso": float("nan")}]), r"columna «ingreso»: falta"),
    (lambda c: c.encode([{**good(), "ingreso": "mucho"}]), r"«mucho» no es un número"),
    (lambda c: c.encode([{**good(), "créditos": 2.5}]), r"2.5 no va de 1 en 1"),
    (lambda c: c.encode([{**good(), "edad": 1}] * 14), r"y 4 más"),
    (lambda c: c["sueldo"], "Las columnas son: edad"),
    (lambda c: c.without("sueldo"), "no hay columnas sueldo"),
    (lambda c: c.put(credit_table(3).rows, "colonia", "Centro"), "colonia: «Centro» no es una opción"),
    (lambda c: c.project(torch.zeros(len(c))), r"Prueba rows\[None\]"),
    (lambda c: Number("x", 3, 3), "low < high"),
    (lambda c: Choice("x", ("a", "a")), "distintas"),
    (lambda c: Columns([Number("x", 0, 1), Number("x", 0, 1)]), "nombres distintos"),
])
def test_the_errors_of_columns_say_where(act, says):
    with pytest.raises(ValueError, match=says):
        act(credit_columns())


def test_ten_problems_are_told_and_the_others_counted():
    with pytest.raises(ValueError) as caught:
        credit_columns().encode([{**good(), "edad": 1}] * 14)
    lines = str(caught.value).splitlines()
    assert [line[:10] for line in lines[1:11]] == [f"renglón {i}, "[:10] for i in range(1, 11)] and lines[11] == "… y 4 más."


def good() -> dict:
    return credit_columns().decode(credit_table(1).rows)[0]


# ── la tabla de créditos ────────────────────────────────────────────────────────────────────────────────────────────


def by_hand(record: dict) -> float:
    """La regla de la página, escrita otra vez."""
    both = record["créditos"] >= 2 and record["contratos"] >= 3
    return (-2.2 + 0.25 * record["créditos"] + 2.2 * both - 0.06 * record["antigüedad"]
            - 0.9 * math.log2(record["ingreso"] / 12_000) + 0.8 * (record["empleo"] == "sin empleo"))


def test_the_rule_is_the_one_in_the_page():
    table = credit_table(500, seed=3)
    records = table.columns.decode(table.rows)
    conduct = torch.tensor([by_hand(record) for record in records])
    assert torch.allclose(conduct_rule(table.columns, table.rows), conduct, atol=1e-4)
    recorded = conduct + 1.2 * torch.tensor([record["grupo"] == "B" for record in records])
    assert torch.allclose(credit_rule(table.columns, table.rows), recorded, atol=1e-4)
    assert torch.allclose(table.chance, recorded.sigmoid(), atol=1e-5)


def test_people_are_as_the_table_says():
    table = credit_table(20_000, seed=4)
    assert table.columns.allowed(table.rows).all() and possible(table.columns, table.rows).all()
    assert torch.equal(table.in_b, torch.tensor([r["grupo"] == "B" for r in table.columns.decode(table.rows)]))
    towns = table.rows[:, table.columns.places["colonia"]]
    measured = torch.stack([table.in_b[towns[:, k] == 1].float().mean() for k in range(6)])
    assert torch.allclose(measured, torch.tensor(list(TOWNS.values())), atol=0.03)
    assert abs(float(table.defaults.float().mean() - table.chance.mean())) < 0.01
    # la conducta nunca pasa de lo anotado, y en el grupo A son lo mismo
    assert not (table.conduct & ~table.defaults).any()
    assert torch.equal(table.conduct[~table.in_b], table.defaults[~table.in_b])
    assert torch.equal(credit_table(100, 9).rows, credit_table(100, 9).rows)


def test_without_a_column_the_people_are_the_same():
    table = credit_table(50)
    less = table.without("grupo", "colonia")
    assert torch.equal(less.defaults, table.defaults) and less.rows.shape == (50, 9)
    assert [r["ingreso"] for r in less.columns.decode(less.rows)] == [r["ingreso"] for r in table.columns.decode(table.rows)]


def test_impossible_people_are_found():
    columns = credit_columns()
    bad = [{**good(), "edad": 20, "empleo": "asalariado", "antigüedad": 10}, {**good(), "empleo": "sin empleo", "antigüedad": 2},
           {**good(), "edad": 30, "empleo": "jubilado", "antigüedad": 0}]
    fine = {**good(), "edad": 70, "empleo": "jubilado", "antigüedad": 0}
    assert possible(columns, columns.encode([*bad, fine])).tolist() == [False, False, False, True]


# ── las redes ───────────────────────────────────────────────────────────────────────────────────────────────────────


def test_units_of_a_table_network_are_named_and_silenced_like_any():
    table = credit_table(64)
    network = row_network(table.rows, (6, 4), seed=1)
    acts = run(network, table.rows, ["relu1", "relu2", "fc"])
    assert acts["relu1"].shape == (64, 6) and acts[INPUT].shape == (64, 17)
    normal = (table.rows - table.rows.mean(0)) / table.rows.std(0).clamp(min=1e-3)
    hidden = (normal @ network.dense1.weight.T + network.dense1.bias).relu()
    assert torch.allclose(acts["relu1"], hidden, atol=1e-5)
    with silence(network, [Unit("relu2", 2)]):
        silenced = row_scores(network, table.rows, ASK)
    kept = acts["relu2"].clone()
    kept[:, 2] = 0
    assert torch.allclose(silenced, network.fc(kept)[:, 0], atol=1e-5)
    assert not torch.allclose(silenced, row_scores(network, table.rows, ASK))


def test_training_is_repeatable_and_gets_near_the_rule():
    table, test = credit_table(TRAIN), credit_table(TEST, seed=1)
    network, shipped = train_network(table.rows, table.defaults), load_row_network("todas", 0)
    assert all(torch.allclose(a, b, atol=1e-4) for a, b in zip(network.state_dict().values(), shipped.state_dict().values()))
    areas = roc_areas(torch.stack([row_scores(network, test.rows, ASK), test.chance], 1), test.defaults)
    assert areas[1] - 0.03 < areas[0] < areas[1]
    assert not any(parameter.requires_grad for parameter in network.parameters()) and not network.training


def test_the_networks_recover_the_planted_rule_on_people():
    test = credit_table(TEST, seed=1)
    columns = test.columns
    indebted = test.rows[test.rows[:, 2] > 1.5 / 12]
    moves = [("edad", 25, 65), ("ingreso", 6000, 30_000), ("créditos", 0, 5), ("contratos", 1, 4), ("antigüedad", 0, 15),
             ("empleo", "asalariado", "sin empleo"), ("grupo", "A", "B")]
    for name, low, high in moves:
        ends = [columns.put(indebted, name, end) for end in (low, high)]
        written = credit_rule(columns, ends[1]) - credit_rule(columns, ends[0])
        learned = torch.stack([row_scores(net, ends[1], ASK) - row_scores(net, ends[0], ASK)
                               for net in (load_row_network("todas", seed) for seed in range(TABLES))])
        assert abs(float(learned.mean() - written.mean())) < 0.25, name


@pytest.mark.parametrize("name, removed", [("todas", "ninguna"), ("sin grupo", "grupo")])
def test_each_shipped_network_is_the_one_that_was_measured(name, removed):
    kept = {one.seed: one for one in load_removals() if one.removed == removed}
    for seed in range(TABLES):
        test = credit_table(TEST, 2 * seed + 1)
        rows = test.rows if removed == "ninguna" else test.without(removed).rows
        gap = group_gap(row_scores(load_row_network(name, seed), rows, ASK), test.in_b)
        assert gap == pytest.approx(kept[seed].gap, abs=0.05), seed


def test_what_a_table_network_cannot_take_is_said():
    table, network = credit_table(40), load_row_network("todas", 0)
    for rows, says in ((table.rows[0], "rows[None]"), (table.rows.tolist(), "recibí list"), (table.rows[:, :5], "17 lugares")):
        with pytest.raises(ValueError, match=re.escape(says)):
            row_scores(network, rows, ASK)
    odd = torch.arange(40)
    for labels, says in ((odd % 3, "0, 1, 2"), (odd % 2 + 1, "1, 2"), ([True] * 40, "tensor"), (table.defaults[:9], "(40,)")):
        with pytest.raises(ValueError, match=re.escape(says)):
            train_network(table.rows, labels, epochs=1)
    with pytest.raises(ValueError, match="sin NaN"):
        train_network(torch.full_like(table.rows, math.nan), table.defaults, epochs=1)
    with pytest.raises(ValueError, match="del grupo B son 0"):
        group_gap(torch.randn(5), torch.zeros(5, dtype=torch.bool))


def test_what_a_search_cannot_take_is_said():
    table, network = credit_table(40), load_row_network("todas", 0)
    with pytest.raises(ValueError, match="starts: esperaba"):
        best_row(network, ASK, table.columns, table.rows, starts=0)
    with pytest.raises(ValueError, match="esperaba renglones"):
        best_row(network, ASK, table.columns.without("grupo"), table.rows)
    with pytest.raises(ValueError, match="un peso por lugar"):
        linear_optimum(torch.randn(3), table.columns)
    with pytest.raises(ValueError, match="mayor que 0"):
        Plausible(table.columns, table.rows, 0)


def test_a_missing_network_says_which_there_are():
    with pytest.raises(ValueError, match="sin grupo/0"):
        load_row_network("todas", 77)
    with pytest.raises(ValueError, match="verdaderos y falsos"):
        train_network(torch.rand(5, 3), torch.ones(5, dtype=torch.bool))


# ── el renglón que más puntúa ───────────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize("seed", range(12))
def test_on_a_linear_model_the_search_finds_the_closed_form(seed):
    columns = random_columns(seed)
    network = row_network(columns.random(50, seed), widths=(), seed=seed)
    formula = linear_optimum(network.fc.weight[0] / network.normalize.std, columns)[None]
    assert obeys(columns, formula[0])
    found = best_rows(network, ASK, columns, columns.random(4, seed + 1))
    assert (found.scores - row_scores(network, formula, ASK)).abs().max() < 1e-4


@pytest.mark.parametrize("seed", range(6))
def test_on_a_network_the_search_matches_trying_everything(seed):
    columns = Columns([Number("a", 0, 3, step=1), Choice("b", ("x", "y", "z")), Number("c", 0, 4, step=2)])
    network = row_network(columns.random(30), (6, 4), seed)
    every = torch.tensor([sum(parts, []) for parts in itertools.product(*(c.candidates().tolist() for c in columns.columns))])
    best = row_scores(network, every, ASK).max()
    row = best_row(network, ASK, columns, every)
    assert abs(float(row_scores(network, row[None], ASK)[0] - best)) < 1e-5


@pytest.mark.parametrize("seed", range(8))
def test_every_search_keeps_the_constraints_and_never_goes_down(seed):
    columns = random_columns(seed)
    network, starts = row_network(columns.random(40), (8,), seed), columns.random(5, seed)
    before = row_scores(network, starts, ASK).max()
    found = best_rows(network, ASK, columns, starts, grid=7)
    assert columns.allowed(found.rows).all() and all(obeys(columns, row) for row in found.rows)
    assert found.scores[0] >= before and (found.scores.diff() <= 0).all()
    assert torch.allclose(found.scores, row_scores(network, found.rows, ASK))
    for hard in (False, True):
        assert columns.allowed(climb(network, ASK, columns, starts, steps=20, hard=hard)).all()


def test_a_value_off_the_grid_stays_if_no_other_is_better():
    columns = Columns([Number("x", 0, 1), Choice("o", ("a", "b"))])
    network = row_network(columns.random(9), (2,))
    near = Objective((INPUT,), lambda acts: -(acts[INPUT][:, 0] - 0.33).square(), "cerca de 0.33")
    found = best_rows(network, near, columns, torch.tensor([[0.33, 1.0, 0.0]]), grid=3)
    assert float(found.rows[0, 0]) == pytest.approx(0.33) and float(found.scores[0]) == pytest.approx(0.0)


def test_the_search_goes_back_to_a_column_when_another_changed():
    columns = Columns([Number("a", 0, 1, step=1), Number("b", 0, 1, step=1)])
    table = torch.tensor([[0.0, 1.0], [-1.0, 2.0]])                             # primero conviene b, y luego a
    both = Objective((INPUT,), lambda acts: table[tuple(acts[INPUT].long().T)], "tabla")
    found = best_rows(row_network(columns.random(9), (2,)), both, columns, torch.zeros(1, 2))
    assert found.rows.tolist() == [[1.0, 1.0]] and found.sweeps == 3


@pytest.mark.parametrize("seed", range(6))
def test_the_relaxed_projection_is_the_nearest_of_the_simplex(seed):
    columns = Columns([Choice("o", ("a", "b", "c")), Number("x", 0, 1)])
    wild = torch.randn(1, 4, generator=torch.Generator().manual_seed(seed))
    near = relaxed(columns, wild)[0]
    grid = torch.linspace(0, 1, 101)
    simplex = torch.tensor([[a, b, 1 - a - b] for a in grid.tolist() for b in grid.tolist() if a + b <= 1])
    closest = simplex[(simplex - wild[:, :3]).square().sum(1).argmin()]
    assert torch.allclose(near[:3], closest, atol=0.02) and abs(float(near[:3].sum()) - 1) < 1e-5
    assert near[3] == wild[0, 3].clamp(0, 1)


# ── la previa ───────────────────────────────────────────────────────────────────────────────────────────────────────


def test_with_only_numbers_the_density_is_the_one_of_scikit_learn():
    columns = Columns([Number("a", 0, 1), Number("b", 0, 1)])
    known, asked = torch.rand(60, 2), torch.rand(20, 2)
    prior, scale = Plausible(columns, known, width=0.4), 1 / known.std(0)
    other = KernelDensity(bandwidth=0.4).fit((known * scale).numpy())
    assert torch.allclose(prior.log_density(asked), torch.tensor(other.score_samples((asked * scale).numpy())).float(), atol=1e-3)


def test_with_only_options_the_probabilities_add_up_to_one():
    columns = Columns([Choice("a", ("x", "y", "z")), Choice("b", ("u", "v"))])
    every = torch.tensor([[*a, *b] for a in torch.eye(3).tolist() for b in torch.eye(2).tolist()])
    prior = Plausible(columns, columns.random(40), width=0.7)
    assert abs(float(prior.log_density(every).exp().sum()) - 1) < 1e-4


def test_the_prior_knows_people_from_impossible_rows():
    table, fresh = credit_table(800), credit_table(400, seed=7)
    prior = Plausible(table.columns, table.rows)
    invented = prior.log_density(table.columns.random(400))
    assert roc_areas(torch.cat([prior.log_density(fresh.rows), invented])[:, None], torch.arange(800) < 400)[0] > 0.95
    assert prior.nearest(table.rows[:30]).tolist() == list(range(30))
    network = load_row_network("todas", 0)
    scores = row_scores(network, fresh.rows, ASK + 2 * prior.objective())
    assert torch.allclose(scores, row_scores(network, fresh.rows, ASK) + 2 * prior.log_density(fresh.rows), atol=1e-4)


def test_the_width_is_the_one_that_foretells_best():
    table, fresh = credit_table(400), credit_table(400, seed=7)
    prior = Plausible(table.columns, table.rows)
    for width in (0.2, 1.0):
        other = Plausible(table.columns, table.rows, width)
        assert prior.log_density(fresh.rows).mean() > other.log_density(fresh.rows).mean()


def test_more_temperature_never_gives_a_less_plausible_row():
    table, network = credit_table(300), load_row_network("todas", 0)
    prior = Plausible(table.columns, table.rows)
    starts = torch.cat([table.rows[:40], table.columns.random(10)])
    rows = [best_rows(network, ASK + T * prior.objective(), table.columns, starts).rows[:1] for T in (0.0, 0.2, 1.0, 5.0)]
    plausible, risky = torch.cat([prior.log_density(r) for r in rows]), torch.cat([row_scores(network, r, ASK) for r in rows])
    assert (plausible.diff() >= -1e-3).all() and (risky.diff() <= 1e-3).all() and plausible[3] > plausible[0] + 5


# ── lo medido ───────────────────────────────────────────────────────────────────────────────────────────────────────


def test_a_row_of_what_was_measured_comes_out_again():
    from labkit.tabular.measured import measure_removal
    kept = {(one.removed, one.seed): one for one in load_removals()}
    assert len(kept) == 32
    table, test = credit_table(TRAIN, 6), credit_table(TEST, 7)                 # semilla 3
    again = measure_removal(table, test, "grupo y colonia", 3)
    assert again.gap == pytest.approx(kept["grupo y colonia", 3].gap, abs=0.05)
    assert again.recorded == pytest.approx(kept["grupo y colonia", 3].recorded, abs=1e-3)


def test_dropping_only_the_group_leaves_the_gap():
    by_set: dict[str, list[float]] = {}
    for one in load_removals():
        by_set.setdefault(one.removed, []).append(one.gap)
    assert min(by_set["grupo"]) > 5 * max(map(abs, by_set["grupo y colonia"]))
    assert group_gap(torch.tensor([0.0, 0.0, 100.0, 100.0]), torch.tensor([False, False, True, True])) == pytest.approx(50)


# ── tablas de otros ─────────────────────────────────────────────────────────────────────────────────────────────────

CSV = "a,b,sale\n1,x,no\n2,y,sí\n3,x,sí\n"


def test_a_table_of_your_own_is_read():
    table = read_table(CSV, "sale", "sí")
    assert table.columns.names == ["a", "b"] and table.labels.tolist() == [False, True, True]
    assert table.columns["a"] == Number("a", 1, 3, step=1) and table.columns["b"] == Choice("b", ("x", "y"))
    assert torch.allclose(table.rows, torch.tensor([[0, 1, 0], [0.5, 0, 1], [1, 1, 0]]))
    assert torch.equal(read_rows("b,sobra,a\ny,9,2\n", table.columns), table.rows[1:2])


def test_options_that_look_a_little_like_numbers_are_options():
    grades = "a,sale\n" + "".join(f"{cell},{'sí' if k % 2 else 'no'}\n" for k, cell in enumerate(("1", "2", "3 o más", "baja")))
    assert read_table(grades, "sale", "sí").columns["a"] == Choice("a", ("1", "2", "3 o más", "baja"))


def test_a_table_is_read_from_a_file_with_semicolons(tmp_path):
    path = tmp_path / "mía.csv"
    path.write_text("\ufeff" + CSV.replace(",", ";"), encoding="utf-8")
    assert torch.equal(read_table(path, "sale", "sí").rows, read_table(CSV, "sale", "sí").rows)
    path.write_bytes("año,sale\n1,no\n2,sí\n".encode("latin-1"))
    with pytest.raises(ValueError, match="no está en UTF-8"):
        read_table(path, "sale", "sí")
    path.write_bytes(b"PK\x03\x04")
    with pytest.raises(ValueError, match="libro de hoja de cálculo"):
        read_table(path, "sale", "sí")
    with pytest.raises(FileNotFoundError, match="No encuentro la tabla"):
        read_table(tmp_path / "otra.csv", "sale", "sí")
    with pytest.raises(ValueError, match="recibí list"):
        read_table(["a,b", "1,2"], "a", "1")


@pytest.mark.parametrize("text, says", [
    (CSV.replace("2,y", ",y"), "renglón 2, columna «a»: falta"),
    (CSV.replace("3,x", "NA,x"), "renglón 3, columna «a»: falta"),
    (CSV.replace("3,x,sí", "3,x,"), "renglón 3, columna «sale»: falta"),
    (CSV.replace("3,x,sí", "3,x"), "el 3 tiene 2"),
    (CSV.replace("a,b", "a,a"), "nombre distinto"),
    (CSV.replace("sí", "no"), "al menos otro valor"),
    (CSV.replace("y", "x"), "«b» vale siempre «x»"),
    (CSV.replace("2,y", "1,y").replace("3,x", "1,x"), "«a» vale siempre 1"),
    ("a,sale\n", "vacía"),
    ("a,sale\n" + "".join(f"{k},{'sí' if k % 2 else 'no'}\n" for k in range(40)) + "4O,no\n", "parece de números, y el renglón 41 dice «4O»"),
    (CSV.replace("2,y", "#N/A,y"), "renglón 2, columna «a»: falta"),
    (CSV.replace("2,y", "-,y"), "renglón 2, columna «a»: falta"),
    (CSV.replace("3,x", "\"1,000\",x"), "renglón 3 dice «1,000»"),
    (CSV.replace("1,x", "$1,x").replace("2,y", "$2,y").replace("3,x", "$3,x"), "renglón 1 dice «\\$1»"),
    (CSV.replace("1,x", "inf,x"), "renglón 1 dice «inf»"),
    ("sale\nno\nsí\n", "no quedó ninguna columna"),
    ("", "está vacía"),
])
def test_a_broken_table_says_row_and_column(text, says):
    with pytest.raises(ValueError, match=says):
        read_table(text, "sale", "sí")


def test_new_rows_with_an_unknown_option_or_a_lost_column_are_refused():
    columns = read_table(CSV, "sale", "sí").columns
    with pytest.raises(ValueError, match="renglón 2, columna «b»: «z» no es una opción"):
        read_rows("a,b\n1,x\n2,z\n", columns)
    with pytest.raises(ValueError, match="renglón 1, columna «a»: falta"):
        read_rows("a,b\n?,x\n", columns)
    with pytest.raises(ValueError, match="falta la columna b"):
        read_rows("a,c\n1,x\n", columns)


def test_tumors_obey_geometry_and_a_wild_row_does_not():
    tumors = load_tumors()
    assert tumors.rows.shape == (569, 10) and int(tumors.labels.sum()) == 212
    assert 0.7 < roundness(tumors.columns, tumors.rows).min() and roundness(tumors.columns, tumors.rows).max() < 1
    wild = tumors.columns.encode([{**tumors.columns.decode(tumors.rows[:1])[0], "área": 2500.0, "perímetro": 50.0}])
    assert float(roundness(tumors.columns, wild)) == pytest.approx(4 * math.pi)


def test_every_planted_rule_can_be_read_in_its_table():
    """Lo del sustituto y lo que no cuenta se ven con ventaja, y no hay dos tablas iguales."""
    seen = set()
    for rule in planted.every_rule():
        table = planted.planted_table(rule)
        inside = {name: [table.in_b[table.rows[:, place] > 0.5].double().mean().item()
                         for place in range(table.columns.places[name].start, table.columns.places[name].stop)]
                  for name in planted.OPTIONS}
        best = max(inside[rule.proxy])
        assert planted.OPTIONS[rule.proxy][inside[rule.proxy].index(best)] == rule.option
        assert best > 0.8 and all(share < 0.4 for name in inside for share in inside[name] if share != best), rule
        moves = {}
        for name in planted.NUMBERS:
            high = table.rows[:, table.columns.places[name].start] > 0.5
            moves[name] = abs(table.labels[high].double().mean() - table.labels[~high].double().mean()).item()
        assert moves.pop(rule.flat) < 0.06 and min(moves.values()) > 0.12, rule
        seen.add(hash(table.rows.numpy().tobytes()))
    assert len(seen) == 288

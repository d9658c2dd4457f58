"""Los ejercicios de la lección 4. Los que son una función se prueban además en test_exercise_functions.py."""
from collections import Counter

import pytest
import torch
import wrong_answers_04 as answers

from labkit.exemplars import SOM, assign_to_grid, pca, roc_areas, seams
from labkit.exercises import hint, lesson04, verdict
from labkit.exercises.lesson04 import findings, measures

FINDINGS, ACCOUNT = ("selective_unit", "seam_reading"), "312345678"


def every(names):
    return [(name, *row) for name in names for row in answers.WRONG[name]]


def test_the_key_does_what_the_lesson_does():
    vectors = torch.randn(60, 5, generator=torch.Generator().manual_seed(0))
    som = SOM(3, 4).fit(vectors, epochs=1)
    wanted = measures.som_step(som.prototypes, som.places, vectors, 1.2)
    som.step(vectors, 1.2)
    assert torch.allclose(som.prototypes, wanted, atol=1e-5)
    spread = torch.cat([vectors, vectors + 30])                             # anchos iguales: dos nubes iguales
    table = measures.chances(spread, 1.0)
    assert torch.allclose(table.sum(1), torch.ones(120)) and table[:60, 60:].sum() == 0


def test_labkit_itself_is_not_an_answer():
    for name, answer in (("chances", measures.chances), ("som_step", measures.som_step)):
        assert "ya viene en labkit" in verdict(name, answer).message


@pytest.mark.parametrize("account", [ACCOUNT, "312000007"])
@pytest.mark.parametrize("name", FINDINGS)
def test_the_experiment_done_right_is_accepted(name, account):
    account, good = answers.GOOD[name][0](account)
    assert verdict(name, (account, good)).ok and verdict(name, (account, list(good))).ok


def test_answers_in_tensors_are_understood():
    account, (channel, area) = answers.good_unit(ACCOUNT)
    assert verdict("selective_unit", (account, (torch.tensor(channel), torch.tensor(area)))).ok
    account, (count, name) = answers.good_seams(ACCOUNT)
    assert verdict("seam_reading", (account, (torch.tensor(count), name))).ok and verdict("seam_reading", (account, (float(count), name))).ok


@pytest.mark.parametrize(("name", "wrong", "says"), every(FINDINGS))
def test_the_experiment_done_wrong_is_told(name, wrong, says):
    """Con algún número de cuenta en que ese error no coincide con otro."""
    told = []
    for account in range(312_000_000, 312_000_012):
        given = wrong(str(account))
        if given != answers.GOOD[name][0](str(account)):
            result = verdict(name, given)
            assert result.word == "Revisa"
            told.append(result.message)
            if says in result.message:
                return
    pytest.fail(f"nunca dijo «{says}»: {told}")


@pytest.mark.parametrize("blank", [("", (1, 0.5)), (None, (1, "pez")), (ACCOUNT, None)])
@pytest.mark.parametrize("name", FINDINGS)
def test_a_finding_without_account_or_answer_is_pending(name, blank):
    assert verdict(name, blank).word == "Pendiente"


def test_the_answer_of_the_sample_case_is_suspected():
    sample = answers.good_unit("")[1]
    mine = next(str(n) for n in range(312_000_000, 312_000_060) if findings.my_question(str(n)) != findings.my_question(""))
    assert "caso de muestra" in verdict("selective_unit", (mine, sample)).message
    shared = answers.good_seams("")[1]
    mine = next(str(n) for n in range(312_000_000, 312_000_060) if abs(answers.good_seams(str(n))[1][0] - shared[0]) > 2)
    assert "caso de muestra" in verdict("seam_reading", (mine, shared)).message


def test_in_every_question_the_answer_is_clear():
    """La mejor unidad le saca ventaja a la segunda, no es la que más responde, y en las dos mitades el área es otra."""
    world = findings._world()
    for layer, label in findings.CASES:
        values, truth = findings._responses(layer, "max"), world.labels == label
        first, second = roc_areas(values[:750], truth[:750]).topk(2).values.tolist()
        k, area, held, _ = findings.best_unit(layer, label)
        assert first - second > 0.006 and abs(area - held) > 0.014, (layer, label)
        assert int(values[:750][truth[:750]].mean(0).argmax()) != k


def test_in_every_map_the_reading_is_clear_and_not_all_alike():
    """Ninguna casilla está en la raya, y la clase con más costuras lleva dos de ventaja y no es la más común."""
    world, found = findings._world(), Counter()
    for seed in findings.SEEDS:
        index = torch.randperm(len(world), generator=torch.Generator().manual_seed(seed))[:144]
        vectors = findings._responses("relu6", "mean")[index]
        marks = seams(vectors, assign_to_grid(pca(vectors), 12, 12))
        count, by_class = findings.seam_count(index)
        lead = by_class.topk(2).values
        assert (marks - 0.8).abs().min() > 0.002 and lead[0] - lead[1] >= 2 and 8 <= count <= 60, seed
        found[int(by_class.argmax())] += 1
    assert len(found) >= 4 and max(found.values()) <= len(findings.SEEDS) / 5


def test_hints_exist_and_grow(capsys):
    for name in lesson04.EXERCISES:
        for level in range(3):
            hint(name, level)
    assert capsys.readouterr().out.count("Pista 3 de 3") == 4

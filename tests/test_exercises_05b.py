"""Los ejercicios de la lección 5b. Los que son una función se prueban además en test_exercise_functions.py."""
import pytest
import torch
import wrong_answers_05b as answers

from labkit.datasets import load_images
from labkit.dissection import random_rotation
from labkit.exercises import hint, lesson05b, solution, verdict
from labkit.exercises.lesson05b import findings, measures

FUNCTIONS, ACCOUNT = ("rotate_pair", "reachable", "winner_by_cut"), "312345678"
# cuentas a las que les toca una capa alta, que es más rápida; y errores que aciertan la unidad
QUICK = [account for account in map(str, range(312_000_000, 312_000_040)) if findings._case(account)[0] in ("relu5", "relu6")]
SAME_UNIT = (answers.backwards, answers.in_percent, answers.over_the_margin, answers.the_drop, answers.what_is_left, answers.another_share,
             answers.with_a_zero, answers.other_sign, answers.cut_short, answers.one_decimal)


def every(names):
    return [(name, *row) for name in names for row in answers.WRONG[name]]


def test_the_next_layer_reads_the_same_and_the_units_are_others():
    acts, weight = torch.randn(2, 6, 9, 9, dtype=torch.float64), torch.randn(4, 6, 3, 3, dtype=torch.float64)
    turned, reads = measures.rotate_pair(acts, weight, random_rotation(6, 3))
    assert torch.allclose(torch.conv2d(turned, reads), torch.conv2d(acts, weight), atol=1e-12)
    assert (turned - acts).abs().mean() > 0.5


def test_what_is_said_unreachable_is_unreachable():
    """Ninguna máscara que cubra esa parte pasa del corte con un concepto que se dijo inalcanzable; con los demás, alguna."""
    pixels, share, cut = 1000, 0.02, 0.1
    sizes = [1, 3, 4, 19, 20, 60, 199, 201, 700]
    said = measures.reachable(torch.tensor([size / pixels for size in sizes]), share, cut)
    mask = range(int(share * pixels))
    for size, reached in zip(sizes, said.tolist()):
        best = max(len(set(mask) & set(range(s, s + size))) / len(set(mask) | set(range(s, s + size))) for s in range(30))
        assert (best > cut) is reached, size


def test_labkit_itself_is_not_an_answer():
    for name, answer in zip(FUNCTIONS, (measures.rotate_pair, measures.reachable, measures.winner_by_cut)):
        assert "ya viene en labkit" in verdict(name, answer).message
    assert "ya viene en labkit" in verdict("winner_by_cut", lambda first, second, cuts: measures.count_detectors(first)).message


def test_the_cars_are_the_same_with_another_background():
    own = load_images("test", "autos_trampa")
    for source in ("autos_invertidos", "autos_libres"):
        assert torch.equal(own.labels, load_images("test", source).labels)
    for number in range(3):
        layer, label, mine, other = findings.my_twins(f"31200000{number}")
        assert mine.shape == other.shape == (40, 3, 64, 64) and (layer, label) in {case[:2] for case in findings.CASES}
        assert (mine - other)[:, :, :8].abs().mean() > 1.5 * (mine - other)[:, :, 34:42, 26:38].abs().mean()  # el fondo, no el auto


def test_a_transplant_is_an_edition_of_one_unit():
    units = [0, 7, 20]
    assert answers.shares_by_editing(QUICK[0], units) == pytest.approx([answers.shares_of(QUICK[0])[k] for k in units], abs=1e-4)


@pytest.mark.parametrize("account", QUICK[:3])
def test_the_experiment_done_right_is_accepted(account):
    account, (unit, share) = answers.good_unit(account)
    assert verdict("shortcut_unit", (account, (unit, share))).ok
    assert verdict("shortcut_unit", (account, [torch.tensor(unit), torch.tensor(share)])).ok


@pytest.mark.parametrize(("name", "wrong", "says"), every(["shortcut_unit"]))
def test_the_experiment_done_wrong_is_told(name, wrong, says):
    """Con algún número de cuenta en que ese error no coincide con otro."""
    told = []
    for account in QUICK:
        given, (unit, share) = wrong(account), answers.good_unit(account)[1]
        if given[1][0] != unit or (wrong in SAME_UNIT and abs(given[1][1] - share) > 0.006):
            result = verdict(name, given)
            assert result.word == "Revisa"
            told.append(result.message)
            if says in result.message:
                return
    pytest.fail(f"nunca dijo «{says}»: {told}")


@pytest.mark.parametrize("blank", [("", (1, 0.5)), (None, (1, 0.5)), (ACCOUNT, None), (ACCOUNT, ...)])
def test_a_finding_without_account_or_answer_is_pending(blank):
    assert verdict("shortcut_unit", blank).word == "Pendiente"


def test_the_answer_of_the_sample_case_is_suspected():
    sample = answers.good_unit("")[1]
    mine = next(account for account in map(str, range(312_000_000, 312_000_040))
                if answers.good_unit(account)[1][0] != sample[0] < len(answers.shares_of(account)))
    assert "caso de muestra" in verdict("shortcut_unit", (mine, sample)).message


@pytest.mark.parametrize("number", range(len(findings.CASES)))
def test_in_every_case_the_answer_is_clear(number):
    """La mejor unidad le saca a la segunda más de lo que se redondea, y no se lo lleva todo."""
    shares = findings.measured(*findings.CASES[number], findings.SEEDS[number % len(findings.SEEDS)])
    first, second = shares.topk(2).values.tolist()
    assert first - second > 0.03 and 0.1 < first < 0.9


def test_the_solution_stays_closed_and_hints_grow(capsys):
    for name in lesson05b.EXERCISES:
        solution(name)
        for level in range(3):
            hint(name, level)
    text = capsys.readouterr().out
    assert text.count("Pista 3 de 3") == 4 and text.count("se abre después de la entrega") == 4 and "def " not in text

"""Los ejercicios de la lección 3. Los que son una función se prueban además en test_exercise_functions.py."""
from collections import Counter

import pytest
import torch
import wrong_answers_03 as answers

from labkit.exercises import hint, lesson03, verdict
from labkit.exercises.lesson03 import DECAYS, findings, measures
from labkit.models import load_model
from labkit.objectives import each, logit
from labkit.optimization import PixelCanvas, maximize, noise
from labkit.regularization import FourierCanvas, jitter, soft_noise, total_variation

FINDINGS, ACCOUNT = ("smallest_decay", "convinced"), "312345678"


def every(names):
    return [(name, *row) for name in names for row in answers.WRONG[name]]


def test_the_key_does_what_the_lesson_does():
    for images, in measures.batches():
        assert torch.allclose(measures.roughness(images), total_variation()({"input": images}))
    image = torch.rand(3, 9, 11, generator=torch.Generator().manual_seed(0))
    moved = jitter(2, seed=5)(image[None])[0]
    assert any(torch.equal(moved, measures.shifted(image, dy, dx)) for dy in range(-2, 3) for dx in range(-2, 3))


def test_labkit_itself_is_not_an_answer():
    for name, answer in (("roughness", measures.roughness), ("shifted", measures.shifted)):
        assert "ya viene en labkit" in verdict(name, answer).message


@pytest.mark.parametrize("account", [ACCOUNT, "312000007"])
@pytest.mark.parametrize("name", FINDINGS)
def test_the_experiment_done_right_is_accepted(name, account):
    account, good = answers.GOOD[name][0](account)
    assert verdict(name, (account, good)).ok and verdict(name, (account, list(good))).ok


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


@pytest.mark.parametrize("blank", [("", (1.0, 2.0)), (None, (1, 2)), (ACCOUNT, None)])
@pytest.mark.parametrize("name", FINDINGS)
def test_a_finding_without_account_or_answer_is_pending(name, blank):
    assert verdict(name, blank).word == "Pendiente"


def test_the_answer_of_the_sample_case_is_suspected():
    sample, mine = findings._decays("")[0], next(
        str(n) for n in range(312_000_000, 312_000_060) if findings._decays(str(n))[0] != findings._decays("")[0])
    assert "caso de muestra" in verdict("smallest_decay", (mine, sample)).message
    findings._decays.cache_clear()


def test_in_every_unit_the_answer_is_clear_and_not_all_alike():
    found = Counter()
    for name, texts in findings.UNITS.items():
        for text in texts.split():
            shares, scores = findings.measured(load_model(name, device="cpu"), findings.Unit.parse(text))
            best, second = scores.topk(2).values
            assert (shares - findings.CUT).abs().min() > 0.008 and (best - second) / best > 0.04, (name, text)
            found[DECAYS[int((shares < findings.CUT).float().argmax())], DECAYS[int(scores.argmax())]] += 1
    assert len(found) >= 4 and max(found.values()) <= found.total() / 3


def test_in_every_set_of_classes_the_witness_is_sure():
    """Con cada clase por su lado la testigo decide con ventaja, y los sextetos no dan todos lo mismo."""
    network, witness = load_model("escenas", device="cpu"), load_model("escenas_semilla1", device="cpu")
    goals, every_class = each([logit(k) for k in range(12)]), torch.arange(12)
    for canvas, lr in ((PixelCanvas(noise(1).repeat(12, 1, 1, 1)), 0.03), (FourierCanvas(soft_noise(1).repeat(12, 1, 1, 1), 1.5), 0.05)):
        logits = witness(maximize(network, goals, canvas, 48, lr).images)
        rest = logits.scatter(1, every_class[:, None], -torch.inf).amax(1)
        assert (logits.diagonal() - rest).abs().min() > 2
    alone = findings.hits(network, witness, list(range(12)))
    pairs = Counter(tuple(alone[:, list(classes)].sum(1).tolist()) for classes in findings.CLASSES)
    assert len(pairs) >= 8 and max(pairs.values()) <= 2 and all(len(set(classes)) == 6 for classes in findings.CLASSES)


def test_hints_exist_and_grow(capsys):
    for name in lesson03.EXERCISES:
        for level in range(3):
            hint(name, level)
    assert capsys.readouterr().out.count("Pista 3 de 3") == 4

"""Los ejercicios de la lección 5. Los que son una función se prueban además en test_exercise_functions.py."""
import pytest
import torch
import wrong_answers_05 as answers

from labkit.activations import run
from labkit.datasets import load_concepts
from labkit.dissection import dissect, thresholds
from labkit.exercises import hint, lesson05, solution, verdict
from labkit.exercises.lesson05 import findings, measures
from labkit.models import load_model

FUNCTIONS, ACCOUNT = ("threshold", "activation_mask", "data_iou"), "312345678"


def every(names):
    return [(name, *row) for name in names for row in answers.WRONG[name]]


def test_the_three_steps_in_a_row_are_a_dissection():
    world, model = load_concepts("test", n=60), load_model("escenas_bn", device="cpu")
    maps = run(model, world.images, ["conv5"])["conv5"][:, :9]
    cuts = measures.threshold(maps, 0.005)
    assert torch.allclose(cuts, thresholds(model, world.images, "conv5").cut(0.005)[:9], atol=1e-4)
    assert ((maps > cuts[:, None, None]).float().mean((0, 2, 3)) <= 0.005).all()
    masks, some = measures.activation_mask(maps, cuts, (64, 64)), [world.names.index(name) for name in ("cebra", "rueda", "cielo")]
    iou = measures.data_iou(masks, world.masks(slice(0, 60))[:, some])
    assert torch.allclose(iou, dissect(model, world, "conv5").iou()[:9, some], atol=2e-3) and iou.max() > 0.01


def test_labkit_itself_is_not_an_answer():
    for name, answer in zip(FUNCTIONS, (measures.threshold, measures.activation_mask, measures.data_iou)):
        assert "ya viene en labkit" in verdict(name, answer).message
    assert "ya viene en labkit" in verdict("data_iou", lambda masks, concepts: measures.data_iou(masks, concepts)).message


def test_an_unwritten_function_is_pending():
    def data_iou(masks, concepts):
        raise NotImplementedError
    assert verdict("data_iou", data_iou).word == "Pendiente" and verdict("threshold", None).word == "Pendiente"
    assert verdict("threshold", lambda maps, share: maps[99]).word == "Error en tu código"


@pytest.mark.parametrize("number", range(len(findings.CASES)))
def test_every_layer_read_by_hand_gives_the_same(number, monkeypatch):
    monkeypatch.setattr(findings, "_case", lambda account: findings.CASES[number])
    assert verdict("layer_reading", answers.good_reading(ACCOUNT)).ok


def test_answers_in_tensors_and_without_accents_are_understood():
    account, good = answers.good_reading(ACCOUNT)
    given = {key: torch.tensor(value) if key != "mejor" else f" {value.upper()} " for key, value in good.items()}
    assert verdict("layer_reading", (account, given)).ok


@pytest.mark.parametrize(("name", "wrong", "says"), every(["layer_reading"]))
def test_the_reading_done_wrong_is_told(name, wrong, says):
    """Con algún número de cuenta en que ese error no coincide con otro."""
    told = []
    for account in range(312_000_000, 312_000_012):
        given = wrong(str(account))
        if given != answers.good_reading(str(account)):
            result = verdict(name, given)
            assert result.word == "Revisa"
            told.append(result.message)
            if says in result.message:
                return
    pytest.fail(f"nunca dijo «{says}»: {told}")


@pytest.mark.parametrize("blank", [("", {"mejor": 1}), (None, {"mejor": 1}), (ACCOUNT, None), (ACCOUNT, dict.fromkeys(findings.KEYS)),
                                   (ACCOUNT, {"detectoras": 4, "distintos": 3, "suma": ..., "mejor": "pez"})])
def test_a_reading_without_account_or_answer_is_pending(blank):
    assert verdict("layer_reading", blank).word == "Pendiente"


def test_the_answer_of_the_sample_case_is_suspected():
    mine = next(str(n) for n in range(312_000_000, 312_000_060) if findings.my_layer(str(n)) != findings.my_layer(""))
    assert "caso de muestra" in verdict("layer_reading", (mine, answers.good_reading("")[1])).message


def test_in_every_case_the_answer_is_clear_and_the_cut_matters():
    """Ningún IoU está en la raya, las tres cuentas son distintas y con el corte del artículo son otras."""
    world, readings = findings._world(), set()
    for name, layer, cut in findings.CASES:
        iou = findings.table(name, layer)
        groups = [[k for k, kind in enumerate(world.categories) if kind == one] for one in set(world.categories)]
        best = torch.cat([iou.amax(1), *(iou[:, columns].amax(1) for columns in groups)])
        two = iou.topk(2, 1).values
        got = findings.reading(name, layer, cut)
        assert (best - cut).abs().min() > 3e-4 and (two[:, 0] - two[:, 1])[two[:, 0] > cut].min() > 1e-4, (name, layer, cut)
        lead = torch.stack([iou[:, k].max() for k in range(len(world.names))]).topk(2).values
        assert lead[0] - lead[1] > 1e-3, (name, layer)
        assert len({got[key] for key in findings.KEYS[:3]}) == 3 and cut != findings.USUAL
        assert {**got, "mejor": 0} != {**findings.reading(name, layer, findings.USUAL), "mejor": 0}, (name, layer, cut)
        readings.add(tuple(got.values()))
    assert len(readings) == len(findings.CASES) and len({found[3] for found in readings}) >= 4


def test_the_solution_stays_closed_and_hints_grow(capsys):
    for name in lesson05.EXERCISES:
        solution(name)
        for level in range(3):
            hint(name, level)
    text = capsys.readouterr().out
    assert text.count("Pista 3 de 3") == 4 and text.count("se abre después de la entrega") == 4 and "def " not in text


def test_what_pytorch_cannot_do_is_not_an_empty_answer():
    """PyTorch lanza NotImplementedError, con mensaje, si se multiplican máscaras sin pasarlas a números."""
    found = verdict("data_iou", lambda masks, concepts: torch.einsum("nchw,nkhw->ck", masks, concepts))
    assert found.word == "Error en tu código" and "Bool" in found.message

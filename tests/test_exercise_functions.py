"""Los ejercicios que se contestan con una función, de las lecciones 5 y 5b.

Se acepta lo bueno en varios estilos, y a cada error se le da su propio mensaje, con tres sorteos de los casos.
"""
import re

import pytest
import wrong_answers_05
import wrong_answers_05b

from labkit.exercises import verdict
from labkit.exercises.compare import close
from labkit.exercises.lesson05 import measures as fifth
from labkit.exercises.lesson05b import measures as sixth

FUNCTIONS = {wrong_answers_05: ("threshold", "activation_mask", "data_iou"),
             wrong_answers_05b: ("rotate_pair", "reachable", "winner_by_cut")}
GOOD = [(name, good) for answers, names in FUNCTIONS.items() for name in names for good in answers.GOOD[name]]
WRONG = [(name, wrong, says) for answers, names in FUNCTIONS.items() for name in names for wrong, says in answers.WRONG[name]]


def flat_pair(*case):
    return sixth._flat(sixth.rotate_pair(*case), sixth.rotate_pair(*case))


KEYS = [(fifth.threshold, fifth.threshold_mistakes, fifth.valued), (fifth.activation_mask, fifth.mask_mistakes, fifth.cut_maps),
        (fifth.data_iou, fifth.iou_mistakes, fifth.masked), (flat_pair, sixth.rotation_mistakes, sixth.layers),
        (sixth.reachable, sixth.reachable_mistakes, sixth.worlds), (sixth.winner_by_cut, sixth.winner_mistakes, sixth.tables)]


@pytest.fixture(autouse=True, params=["0", "1", "2"])
def seed(request, monkeypatch):
    monkeypatch.setenv("LABKIT_SEMILLA", request.param)


@pytest.mark.parametrize(("name", "good"), GOOD)
def test_good_functions_of_every_style_are_accepted(name, good):
    result = verdict(name, good)
    assert result.ok and re.fullmatch(r"✓ Correcto · \w+: da lo mismo que labkit en \d+ casos al azar\.", str(result)), result


@pytest.mark.parametrize(("name", "wrong", "says"), WRONG)
def test_a_wrong_function_gets_its_own_message(name, wrong, says):
    result = verdict(name, wrong)
    assert result.word == "Revisa" and says in result.message, result


@pytest.mark.parametrize(("right", "mistakes", "cases"), KEYS)
def test_every_known_mistake_shows_and_no_two_look_the_same(right, mistakes, cases):
    outcomes = [(mistakes(*case), right(*case)) for case in cases()]
    names = dict.fromkeys(name for found, _ in outcomes for name in found)
    for a in names:
        shown = [(found, want) for found, want in outcomes if a in found]
        assert any(not close(found[a], want) for found, want in shown), a
        assert all(any(b not in found or not close(found[a], found[b]) for found, _ in shown) for b in names if b != a), a

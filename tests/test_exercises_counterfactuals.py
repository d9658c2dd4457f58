"""Los ejercicios de la lección 1b; lo que vale para todos está en test_exercises.py."""
from collections import Counter

import pytest
import torch
import wrong_answers_counterfactuals as answers

from labkit.counterfactuals import deletion
from labkit.exercises import counterfactuals, verdict
from labkit.exercises.counterfactuals import findings


def test_the_key_does_what_the_lesson_does():
    for heat, masks in counterfactuals.heats():
        assert torch.allclose(counterfactuals.on_parts(heat, masks), answers.good_parts(heat, masks), atol=1e-5)
    for case in counterfactuals.deletions():
        model, image, heat, goal, fill, steps = case
        assert heat.numel() % steps == 0                                # cada paso borra los mismos píxeles, sin redondeo
        assert torch.allclose(counterfactuals.deletion_curve(*case), deletion(*case), atol=1e-6)


@pytest.mark.parametrize("place", [0, 14, 30, 45])
def test_what_is_measured_now_is_what_was_measured(place, monkeypatch):
    monkeypatch.setattr(findings, "variant", lambda account, options, purpose: place)
    mine, rows = findings.my_parts("312345678"), findings.top_rows("312345678")
    assert mine.names == list(rows) and findings.heaviest(mine) == (findings.best(rows, "verdad"), findings.best(rows, "negro"))
    again, row = findings.together(findings.my_pair("312345678")), findings.pair_row("312345678")
    assert again == pytest.approx((row.both, row.extra), abs=0.1)


def test_in_every_scene_the_answer_is_clear_and_not_all_alike():
    """Con ventaja de dos unidades de margen: diez veces lo que se mueve en otro procesador."""
    found = Counter()
    for scene in findings.TOPS:
        rows = {name: row for name, row in findings.measured(scene).items() if findings._single(name)}
        tops = []
        for what in ("verdad", "negro"):
            (most, name), (second, _) = sorted(((findings.fallen(row, what), name) for name, row in rows.items()),
                                               reverse=True)[:2]
            assert most - second > 2 and (most > 2 or what == "negro"), (scene, what)
            tops.append(name)
        assert tops[0] != tops[1]
        found[tuple(tops)] += 1
    assert len(found) >= 20 and max(found.values()) <= found.total() / 10


def test_in_every_pair_the_numbers_tell_the_mistakes_apart(monkeypatch):
    for place in range(len(findings.PAIRS)):
        monkeypatch.setattr(findings, "variant", lambda account, options, purpose, place=place: place)
        row = findings.pair_row("312345678")
        assert abs(row.extra) > 2.4 and abs(row.both) > 4
        assert min(abs(row.both - row.black_both), abs(row.extra - row.black_extra), abs(row.left - row.both)) > 1.9
        assert abs(abs(row.both) - abs(row.extra)) > 2 * findings.CLOSE


@pytest.mark.parametrize("name", ["heaviest", "together"])
def test_the_answer_of_the_sample_case_is_suspected(name):
    exercise = counterfactuals.EXERCISES[name]
    sample = exercise.right(exercise.case(""))
    others = map(str, range(312_000_000, 312_000_060))
    mine = next(account for account in others if not exercise.alike(exercise.right(exercise.case(account)), sample)
                and (name == "together" or set(sample) <= set(exercise.case(account))))
    assert "caso de muestra" in verdict(name, (mine, sample)).message


def test_an_account_always_gets_the_same_scene_and_says_what_it_is():
    first, second = findings.my_parts("312345678"), findings.my_parts("31234567-8")
    assert first.names == second.names and torch.equal(first.image, second.image)
    assert len(first.names) == len(first.variants) == len(first.masks) >= 3
    pair = findings.my_pair("312345678")
    assert pair.names[2] == " + ".join(pair.names[:2]) and pair.variants.shape == (3, 3, 64, 64)

"""Los ejercicios de la lección 3; lo que vale para todos está en test_exercises.py."""
from collections import Counter
from operator import eq

import make_exercises
import pytest
import torch

from labkit.activations import Unit
from labkit.exercises import regularization, verdict
from labkit.exercises.accounts import load_rows
from labkit.models import load_model
from labkit.objectives import each, logit
from labkit.optimization import PixelCanvas, maximize, noise
from labkit.regularization import FourierCanvas, jitter, soft_noise, total_variation

DECAYS, COUNTS = load_rows("smallest_decay", regularization.DecayRow), load_rows("convinced", regularization.CountRow)
UNITS = list(dict.fromkeys((row.network, row.unit) for row in DECAYS))


def test_the_key_does_what_the_lesson_does():
    for images, in regularization.batches():
        assert torch.allclose(regularization.roughness(images), total_variation()({"input": images}))
    image = torch.rand(3, 9, 11, generator=torch.Generator().manual_seed(0))
    moved = jitter(2, seed=5)(image[None])[0]
    assert any(torch.equal(moved, regularization.shifted(image, dy, dx)) for dy in range(-2, 3) for dx in range(-2, 3))


@pytest.mark.parametrize("place", [0, 9, 17])
def test_the_table_of_decays_is_what_is_measured(place):
    """Otro procesador suma en otro orden y acaba en otra imagen: cambia menos de la mitad de lo que separa respuestas."""
    rows = [row for row in DECAYS if (row.network, row.unit) == UNITS[place]]
    again = [regularization.DecayRow(*row) for row in make_exercises.decay_rows(UNITS[place][0], [Unit.parse(UNITS[place][1])])[0]]
    assert [row[:3] for row in again] == [row[:3] for row in rows]
    assert [row.share for row in again] == pytest.approx([row.share for row in rows], abs=0.01)
    assert regularization.right_decays(again) == regularization.right_decays(rows)
    for column in ("held", "still"):
        before, now = ([getattr(row, column) for row in table] for table in (rows, again))
        best, second = sorted(before, reverse=True)[:2]
        assert now == pytest.approx(before, abs=(best - second) / 2)


@pytest.mark.parametrize("place", [0, 13])
def test_the_table_of_counts_is_what_is_measured(place):
    """Con las seis clases de una cuenta en un lote, como las sube quien contesta."""
    network, witness = load_model("escenas", device="cpu"), load_model("escenas_semilla1", device="cpu")
    row = COUNTS[place]
    classes = [int(k) for k in row.classes.split()]
    for judge, found in ((witness, row[1:3]), (network, row[3:])):
        assert tuple(regularization.hits(network, judge, classes).sum(1).tolist()) == found


def test_the_tables_have_the_variants_that_were_chosen():
    assert [row[:3] for row in DECAYS] == [(*unit, d) for unit in UNITS for d in regularization.DECAYS]
    assert len({frozenset(row.classes.split()) for row in COUNTS}) == len(COUNTS) >= 200 and len(UNITS) >= 100
    assert regularization.my_classes("312345678") in [[int(k) for k in row.classes.split()] for row in COUNTS]


@pytest.mark.parametrize("name", ["smallest_decay", "convinced"])
def test_the_answer_of_the_sample_case_is_suspected(name):
    """Si no tiene bien ni la mitad; con media respuesta buena, se explica la otra media."""
    exercise = regularization.EXERCISES[name]
    sample = exercise.right(exercise.case(""))
    others = map(str, range(312_000_000, 312_000_060))
    mine = next(account for account in others if not any(map(eq, exercise.right(exercise.case(account)), sample)))
    assert "caso de muestra" in verdict(name, (mine, sample)).message


def test_in_every_unit_the_answer_is_clear_and_not_all_alike():
    found = Counter()
    for unit in UNITS:
        rows = [row for row in DECAYS if (row.network, row.unit) == unit]
        second, best = sorted(row.held for row in rows)[-2:]
        assert min(abs(row.share - regularization.CUT) for row in rows) > 0.008 and (best - second) / best > 0.04, unit
        found[regularization.right_decays(rows)] += 1
    assert len(found) >= 4 and max(found.values()) <= found.total() / 3


def test_in_every_set_of_classes_the_witness_is_sure():
    """Con cada clase por su lado la testigo decide con ventaja, y los sextetos no dan todos lo mismo."""
    network, witness = load_model("escenas", device="cpu"), load_model("escenas_semilla1", device="cpu")
    goals, every_class = each([logit(k) for k in range(12)]), torch.arange(12)
    waves = FourierCanvas(soft_noise(1).repeat(12, 1, 1, 1), 1.5)
    for canvas, lr in ((PixelCanvas(noise(1).repeat(12, 1, 1, 1)), 0.03), (waves, 0.05)):
        logits = witness(maximize(network, goals, canvas, 48, lr).images)
        rest = logits.scatter(1, every_class[:, None], -torch.inf).amax(1)
        assert (logits.diagonal() - rest).abs().min() > 2
    pairs = Counter(row[1:3] for row in COUNTS)
    assert len(pairs) >= 8 and max(pairs.values()) <= len(COUNTS) / 6 and all(len(set(row.classes.split())) == 6 for row in COUNTS)

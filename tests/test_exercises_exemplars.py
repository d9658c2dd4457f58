"""Los ejercicios de la lección 4; lo que vale para todos está en test_exercises.py."""
from collections import Counter

import make_exercises
import pytest
import torch
import wrong_answers_exemplars as answers

from labkit.datasets import load_images
from labkit.exemplars import SOM, assign_to_grid, features, pca, roc_areas, seams
from labkit.exercises import exemplars, verdict
from labkit.exercises.accounts import load_rows
from labkit.models import load_model

UNITS, MAPS = load_rows("selective_unit", exemplars.UnitRow), load_rows("seam_reading", exemplars.MapRow)


def test_the_key_does_what_the_lesson_does():
    vectors = torch.randn(60, 5, generator=torch.Generator().manual_seed(0))
    som = SOM(3, 4).fit(vectors, epochs=1)
    wanted = exemplars.som_step(som.prototypes, som.places, vectors, 1.2)
    som.step(vectors, 1.2)
    assert torch.allclose(som.prototypes, wanted, atol=1e-5)
    spread = torch.cat([vectors, vectors + 30])                             # anchos iguales: dos nubes iguales
    table = exemplars.chances(spread, 1.0)
    assert torch.allclose(table.sum(1), torch.ones(120)) and table[:60, 60:].sum() == 0


def test_who_forgets_keepdim_is_told_so():
    result = verdict("som_step", answers.forgets_keepdim)
    assert result.word == "Error en tu código" and "uno por renglón de una tabla, con keepdim=True" in result.message


@pytest.mark.parametrize("place", [1, 11])
def test_the_table_of_units_is_what_is_measured(place):
    row = UNITS[place]
    assert make_exercises.unit_row(row.layer, row.label) == pytest.approx(row, abs=2e-4)


@pytest.mark.parametrize("place", [0, 99, 199])
def test_the_table_of_maps_is_what_is_measured(place):
    row, again = MAPS[place], make_exercises.map_row(MAPS[place].seed)
    assert abs(again.seams - row.seams) <= 1 and again[2:] == row[2:]


def test_the_tables_have_the_variants_that_were_chosen():
    assert [row[:2] for row in UNITS] == list(make_exercises.QUESTIONS)
    assert len({row.seed for row in MAPS}) == len(MAPS) >= 200


def test_the_answer_of_the_sample_case_is_suspected():
    sample = answers.good_unit("")[1]
    mine = next(account for account in answers.ACCOUNTS["seam_reading"]
                if exemplars.my_question(account) != exemplars.my_question(""))
    assert "caso de muestra" in verdict("selective_unit", (mine, sample)).message
    shared = answers.good_seams("")[1]
    mine = next(account for account in answers.ACCOUNTS["seam_reading"]
                if abs(answers.good_seams(account)[1][0] - shared[0]) > 2)
    assert "caso de muestra" in verdict("seam_reading", (mine, shared)).message


@pytest.mark.parametrize("layer", ["relu1", "relu2", "relu3", "relu4", "relu5", "relu6"])
def test_in_every_question_the_answer_is_clear(layer):
    """La mejor unidad le saca ventaja a la segunda, no es la que más responde, y en las dos mitades el área es otra."""
    world, half = load_images("test"), slice(0, exemplars.HALF)
    values = features(load_model("escenas", device="cpu"), world.images[half], layer, "max")
    for row in UNITS:
        if row.layer == layer:
            first, second = roc_areas(values, (world.labels == row.label)[half]).topk(2).values.tolist()
            assert first - second > 0.006 and abs(row.first - row.rest) > 0.014 and row.loudest != row.unit, row


def test_in_every_map_the_reading_is_clear_and_not_all_alike():
    """Ninguna casilla está en la raya, y la clase con más costuras lleva dos de ventaja y no es la más común."""
    world, winners = load_images("test"), Counter(row.winner for row in MAPS)
    values = features(load_model("escenas", device="cpu"), world.images, "relu6")
    for row in MAPS:
        index = exemplars.images_of(row.seed)
        grid = assign_to_grid(pca(values[index]), 12, 12)
        marks = seams(values[index], grid)
        first, second = torch.bincount(world.labels[index][grid[marks >= 0.8]]).topk(2).values.tolist()
        assert (marks - 0.8).abs().min() > 0.002 and first - second >= 2 and 8 <= row.seams <= 60, row
        assert row.winner != row.commonest
        unmoved = torch.bincount(world.labels[grid[marks >= 0.8]]).topk(2)  # sin pasar por index: otra clase, y clara
        assert world.classes[unmoved.indices[0]] == row.unmoved != row.winner and unmoved.values[0] > unmoved.values[1]
    assert len(winners) >= 4 and max(winners.values()) <= len(MAPS) / 4

"""Los ejercicios de la lección 5; lo que vale para todos está en test_exercises.py."""
from collections import Counter

import make_exercises
import pytest
import torch
import wrong_answers_dissection as answers

from labkit.activations import run
from labkit.datasets import load_concepts
from labkit.dissection import dissect, thresholds
from labkit.dissection.masks import unit_masks
from labkit.exercises import dissection, verdict
from labkit.exercises.accounts import load_rows
from labkit.exercises.dissection.measures import data_iou, threshold
from labkit.exercises.dissection.spoiled import spoiled_labels
from labkit.exercises.dissection.reading import LayerRow
from labkit.measures import average_precisions, roc_areas
from labkit.models import load_model

ROWS = load_rows("layer_reading", LayerRow)
ACCOUNT = "312345678"


def test_the_three_steps_in_a_row_are_a_dissection():
    world, model = load_concepts("test", n=60), load_model("escenas_bn", device="cpu")
    maps = run(model, world.images, ["conv5"])["conv5"][:, :9]
    cuts = threshold(maps, 0.005)
    assert torch.allclose(cuts, thresholds(model, world.images, "conv5").cut(0.005)[:9], atol=1e-4)
    assert ((maps > cuts[:, None, None]).float().mean((0, 2, 3)) <= 0.005).all()
    chosen = [world.names.index(name) for name in ("cebra", "rueda", "cielo")]
    iou = data_iou(unit_masks(maps, cuts, (64, 64)), world.masks(slice(0, 60))[:, chosen])
    everywhere = dissect(model, world, "conv5", "every_image").iou()
    assert torch.allclose(iou, everywhere[:9, chosen], atol=2e-3) and iou.max() > 0.01


def test_spoiled_labels_lose_half_or_gain_as_many_and_touch_nothing_else():
    truth, draw = torch.arange(200) % 7 == 0, torch.rand(200, generator=torch.Generator().manual_seed(5))
    fewer, more = spoiled_labels(truth, draw)
    yes = int(truth.sum())
    assert int(fewer.sum()) == yes - yes // 2 and int(more.sum()) == 2 * yes
    assert not (fewer & ~truth).any() and (more | ~truth).all()
    lost, won = draw[truth & ~fewer], draw[more & ~truth]
    assert lost.max() < draw[fewer].min() and won.max() < draw[~more].min()     # las de número más chico


def test_with_spoiled_labels_the_measures_do_what_the_lesson_says():
    """Una unidad perfecta: el IoU y el AUPRC se quedan con la mitad; el área ROC, casi con todo; la precisión no ve la otra."""
    truth = torch.arange(6000) % 12 == 0
    dice = torch.Generator().manual_seed(6)
    fewer, more = spoiled_labels(truth, torch.rand(6000, generator=dice))
    values, lit = truth.float()[:, None], truth

    def iou(labels):
        return ((lit & labels).sum() / (lit | labels).sum()).item()

    assert iou(truth) == average_precisions(values, truth).item() == roc_areas(values, truth).item() == 1
    assert iou(fewer) == pytest.approx(0.5, abs=0.02) and average_precisions(values, fewer).item() == pytest.approx(0.5, abs=0.02)
    assert iou(more) == pytest.approx(0.5, abs=0.02) and roc_areas(values, fewer).item() > 0.97
    assert roc_areas(values, more).item() == pytest.approx(0.75, abs=0.02)


def test_the_table_of_layers_is_what_is_measured(monkeypatch):
    """En un renglón, con las disecciones que ya hicieron las demás pruebas: son las mismas."""
    monkeypatch.setattr(make_exercises, "layer_iou", answers.dissected)
    assert make_exercises.layer_row(*ROWS[4][:3]) == ROWS[4]


def test_there_are_many_variants_and_none_twice():
    assert len({row[:3] for row in ROWS}) == len(ROWS) >= 200
    assert max(Counter(row[3:7] for row in ROWS).values()) <= len(ROWS) / 20


@pytest.mark.parametrize(("network", "layer"), sorted({row[:2] for row in ROWS}))
def test_in_every_layer_the_answer_is_clear_and_the_cut_matters(network, layer):
    """Leída a mano da lo de la tabla; ningún IoU está en la raya, y con el corte del artículo las cuentas son otras."""
    iou, kinds = answers.dissected(network, layer), answers.world().categories
    groups = [[k for k, kind in enumerate(kinds) if kind == one] for one in dict.fromkeys(kinds)]
    best = torch.cat([iou.amax(1), *(iou[:, columns].amax(1) for columns in groups)])
    two, lead = iou.topk(2, 1).values, iou.amax(0).topk(2).values
    assert lead[0] - lead[1] > 1e-3
    for row in ROWS:
        if row[:2] == (network, layer):
            assert tuple(answers.read(*row[:3]).values()) == row[3:7]
            assert (best - row.cut).abs().min() > 3e-4, row
            assert (two[:, 0] - two[:, 1])[two[:, 0] > row.cut].min() > 1e-4, row
            assert len(set(row[3:6])) == 3 and row.cut != 0.04 and row.usual != " ".join(map(str, row[3:6]))


def test_the_readings_are_not_all_alike():
    assert len({row[3:7] for row in ROWS}) >= 100 and len({row.best for row in ROWS}) >= 4


@pytest.mark.parametrize(("field", "says"), [
    ("usual", "el corte del artículo"), ("relu", "antes de la ReLU"), ("main", "red principal"),
    ("other_layers", "otra capa"), ("all_images", "todas las imágenes"),
])
def test_a_reading_of_something_else_is_recognized_in_every_layer(field, says):
    """Aunque una de sus cuentas coincida con otro error: las tres juntas dicen más. Si no acierta las detectoras."""
    account = {dissection.my_layer(n): str(n) for n in range(312_000_000, 312_004_000)}
    others = [f for f in ("usual", "relu", "main", "all_images") if f != field]
    seen = 0
    for row in ROWS:
        for counts in getattr(row, field).split("; "):
            reading = dict(zip(("detectoras", "distintos", "suma"), map(int, counts.split())), mejor="rueda")
            if reading["detectoras"] != row.detectors and counts not in [getattr(row, other) for other in others]:
                assert says in verdict("layer_reading", (account[row[:3]], reading)).message, row
                seen += 1
    assert seen >= 12


def test_a_reading_with_blanks_is_pending():
    for blank in (dict.fromkeys(("detectoras", "distintos", "suma", "mejor")),
                  {"detectoras": 4, "distintos": 3, "suma": ..., "mejor": "pez"}):
        assert verdict("layer_reading", (ACCOUNT, blank)).word == "Pendiente"


def test_the_answer_of_the_sample_case_is_suspected():
    assert dissection.my_layer(ACCOUNT) != dissection.my_layer("")
    assert "caso de muestra" in verdict("layer_reading", (ACCOUNT, answers.good_reading("")[1])).message


def test_what_pytorch_cannot_do_is_not_an_empty_answer():
    """PyTorch lanza NotImplementedError, con mensaje, si se multiplican máscaras sin pasarlas a números."""
    found = verdict("data_iou", lambda masks, concepts: torch.einsum("nchw,nkhw->ck", masks, concepts))
    assert found.word == "Error en tu código" and ".float()" in found.message


def test_shapes_that_do_not_match_are_told_to_be_crossed():
    """La unión sin [:, None] es un error de PyTorch: el consejo dice cómo se cruzan las dos listas."""
    result = verdict("data_iou", answers.uncrossed)
    assert result.word == "Error en tu código" and "(c,) con (k,), la primera lleva [:, None]" in result.message

"""El juego causal: la verdad es la de un ciclo a mano, no se cuenta antes de calificar, y los renglones se juntan bien."""
import pytest
import torch
from scipy import stats

from labkit.activations import run
from labkit.datasets import load_images
from labkit.models import load_model
from labkit.objectives import channel, score
from labkit.occlusion import occluder_boxes, occlusion_scores
from labkit.pictures import load_picture
from labkit.widgets import explore_causes
from labkit.widgets.causes import HELPS, causal_questions, overlapping, pool_answers


@pytest.fixture(scope="module")
def made():
    model, images = load_model("escenas", "cpu"), load_images("test", n=200).images
    return model, images, causal_questions(model, images, "conv4:2", count=6, seed=3)


def test_the_truth_is_that_of_a_plain_loop(made):
    model, _, questions = made
    for image, boxes, drops, answer in zip(questions.images, questions.boxes, questions.drops, questions.answers):
        for box, drop in zip(boxes.tolist(), drops):
            y0, x0, y1, x1 = box
            covered = image.clone()
            covered[:, y0:y1, x0:x1] = image.mean((1, 2))[:, None, None]
            both = run(model, torch.stack([image, covered]), ["conv4"])["conv4"][:, 2].mean((1, 2))
            assert drop == pytest.approx((both[0] - both[1]).item(), abs=1e-3)
        assert answer == int(drops[1] > drops[0]) and (drops[answer] - drops[1 - answer]) > 0


def test_one_patch_is_the_one_that_lowers_most_of_all_and_the_other_hardly_changes_it(made):
    model, _, questions = made
    boxes = occluder_boxes(64, 64, 24, 8)
    for image, pair, drops in zip(questions.images[:3], questions.boxes, questions.drops):
        falls = score(model, image[None], channel("conv4:2")) - occlusion_scores(model, image, boxes, channel("conv4:2"), "mean")
        apart = torch.tensor([not overlapping(box[None], pair[drops.argmax()]).any() for box in boxes])
        assert drops.max() == pytest.approx(falls.max().item(), abs=1e-4)
        assert drops.min().abs() == pytest.approx(falls[apart].abs().min().item(), abs=1e-4)


def test_patches_never_overlap_and_the_questions_are_not_the_exemplars(made):
    model, images, questions = made
    values = run(model, images, ["conv4"])["conv4"][:, 2].mean((1, 2))
    best = images[values.topk(9).indices]
    assert torch.equal(questions.exemplars, best)
    for image, boxes in zip(questions.images, questions.boxes):
        assert not overlapping(boxes[:1], boxes[1]).any() and not (best == image).all((1, 2, 3)).any()


def test_overlapping_is_a_plain_comparison_of_pixels():
    generator = torch.Generator().manual_seed(0)
    corners = torch.randint(0, 12, (40, 2), generator=generator)
    boxes = torch.cat([corners, corners + 5], 1)
    def pixels(box):
        return {(y, x) for y in range(box[0], box[2]) for x in range(box[1], box[3])}
    for box in boxes[:6]:
        assert overlapping(boxes, box).tolist() == [bool(pixels(other) & pixels(box.tolist())) for other in boxes.tolist()]


def test_both_letters_win_and_another_seed_asks_otherwise(made):
    model, images, _ = made
    letters = {int(answer) for seed in (0, 1) for answer in causal_questions(model, images, "conv4:2", 6, seed=seed).answers}
    assert letters == {0, 1}
    again = [causal_questions(model, images, "conv4:2", 4, seed=seed).boxes for seed in (5, 5, 6)]
    assert torch.equal(again[0], again[1]) and not torch.equal(again[0], again[2])


def test_too_few_images_are_said(made):
    model, images, _ = made
    with pytest.raises(ValueError, match="al menos 29 imágenes, y recibí 20"):
        causal_questions(model, images[:20], "conv4:2", count=20)


def test_the_game_says_nothing_before_it_is_graded(made):
    _, _, questions = made
    demo = explore_causes(questions, torch.rand(3, 64, 64))
    count = len(questions.answers)
    nothing = {f"n{i + 1}": -1 for i in range(count)}
    right = {f"n{i + 1}": int(answer) for i, answer in enumerate(questions.answers)}
    wrong = {name: 1 - answer for name, answer in right.items()}
    shown = [demo.draw(trial=2, aid="ejemplares", graded=False, **said) for said in (nothing, right, wrong)]
    assert len({*shown}) == 1
    graded = [demo.draw(trial=2, aid="ejemplares", graded=True, **said) for said in (nothing, right, wrong)]
    assert graded[0] == graded[2] != graded[1]
    aids = [demo.draw(trial=2, aid=aid, graded=False, **nothing) for aid in HELPS]
    assert len({*aids}) == 3 and len({tuple(load_picture(one).shape) for one in aids + graded}) == 1


def test_rows_of_several_groups_are_pooled_with_their_exact_interval():
    found = pool_answers(["ejemplares,7,10\n", "\n", "sin ayuda,5,10\n", "ejemplares, 8, 10\n"])
    low, high = stats.beta.ppf([0.025, 0.975], [15, 16], [6, 5])                  # Clopper y Pearson, en su forma cerrada
    assert found["ejemplares"] == pytest.approx((0.75, low, high, 20)) and found["sin ayuda"][0] == 0.5


@pytest.mark.parametrize("line", ["ejemplares,7", "ejemplares,11,10", "otra,5,10", "ejemplares,siete,10", "ejemplares,0,0"])
def test_a_row_that_is_not_understood_is_named(line):
    with pytest.raises(ValueError, match="renglón 2: esperaba ayuda,aciertos,preguntas"):
        pool_answers(["sin ayuda,5,10", line])

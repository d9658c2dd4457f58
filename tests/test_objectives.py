import pytest
import torch
from conftest import count_hooks

from labkit.activations import Unit, run
from labkit.objectives import Objective, channel, direction, logit, margin, neuron, peak, probability, score

ACTS = {                                                        # dos imágenes, números que se siguen a mano
    "conv": torch.tensor([[[[1.0, 2], [3, 6]], [[0, 0], [0, -4]]], [[[5, 5], [5, 5]], [[1, -1], [2, -2]]]]),
    "fc": torch.tensor([[1.0, 3, 2], [0, -1, 4]]),
}
A, B = channel(Unit("conv", 0)), channel(Unit("fc", 1))         # A = (3, 5)   B = (3, −1)


def values(objective: Objective) -> list[float]:
    return [round(value, 5) for value in objective(ACTS).tolist()]


@pytest.mark.parametrize("objective, expected, written", [
    (channel(Unit("conv", 0)), [3, 5], "conv:0"),
    (channel("conv:1"), [-1, 0], "conv:1"),
    (channel(Unit("fc", 2)), [2, 4], "fc:2"),
    (peak(Unit("conv", 1)), [0, 2], "máx conv:1"),
    (peak(Unit("fc", 0)), [1, 0], "máx fc:0"),
    (neuron(Unit("conv", 0)), [6, 5], "neurona conv:0"),
    (neuron(Unit("conv", 1), y=1, x=0), [0, 2], "neurona conv:1, y=1, x=0"),
    (direction("conv", torch.tensor([2.0, -1])), [7, 10], "dirección en conv"),
    (direction("fc", torch.tensor([1.0, 1, 0])), [4, -1], "dirección en fc"),
    (logit(1), [3, -1], "fc:1"),
    (margin(1), [1, -5], "fc:1 − máx del resto"),
    (margin(1, other=0), [2, -1], "fc:1 − fc:0"),
    (A + B, [6, 4], "conv:0 + fc:1"),
    (A - B, [0, 6], "conv:0 − fc:1"),
    (2 * A - 0.5 * B, [4.5, 10.5], "2 · conv:0 − 0.5 · fc:1"),
    (A * 3, [9, 15], "3 · conv:0"),
    (-A, [-3, -5], "−conv:0"),
    (A - (B - A), [3, 11], "conv:0 − (fc:1 − conv:0)"),
    (-(A + B) * 2, [-12, -8], "2 · (−(conv:0 + fc:1))"),
    (sum([A, B, B]), [9, 3], "conv:0 + fc:1 + fc:1"),
])
def test_against_hand_arithmetic(objective, expected, written):
    assert values(objective) == expected and str(objective) == written


def test_the_vector_of_a_direction_is_not_normalized():
    assert values(direction("conv", torch.tensor([20.0, -10]))) == [70, 100]


def test_probability_is_the_softmax():
    exponentials = ACTS["fc"].exp()
    expected = exponentials[:, 2] / exponentials.sum(1)
    assert torch.allclose(probability(2)(ACTS), expected) and str(probability(2)) == "P(fc:2)"
    as_maps = {"fc": ACTS["fc"][:, :, None, None]}              # SqueezeNet da los logits así
    assert torch.allclose(probability(2)(as_maps), expected) and torch.equal(margin(1)(as_maps), margin(1)(ACTS))


def test_margin_is_positive_just_where_the_class_wins():
    logits = torch.randn(50, 4, generator=torch.Generator().manual_seed(1))
    wins = logits.argmax(1)
    for index in range(4):
        assert torch.equal(margin(index)({"fc": logits}) > 0, wins == index)


def test_layers_join_without_repeats():
    assert A.layers == ("conv",) and (A + B - A).layers == ("conv", "fc") and (-B * 2).layers == ("fc",)


@pytest.mark.parametrize("operation", [lambda: A + 1, lambda: A - 1.5, lambda: A * B, lambda: 1 + (A + "x"), lambda: "x" * A])
def test_wrong_operands_get_one_clear_sentence(operation):
    with pytest.raises(TypeError, match="se suman y restan entre sí y se multiplican por números"):
        operation()


def test_an_objective_is_frozen():
    with pytest.raises(AttributeError):
        A.label = "otra"


@pytest.mark.parametrize("objective, message", [
    (channel("conv:7"), "conv:7: «conv» tiene 2 canales"),
    (logit(3), "fc:3: «fc» tiene 3 canales"),
    (probability(3), "fc:3: «fc» tiene 3 canales"),
    (margin(3), "fc:3: «fc» tiene 3 canales"),
    (neuron("conv:0", y=2), "el mapa de conv:0 mide 2×2 y pediste el lugar \\(y=2, x=1\\)"),
    (neuron("conv:0", x=-1), "mide 2×2"),
    (neuron("fc:0"), "es una capa densa"),
    (probability(0, layer="conv"), "no da un logit por clase"),
    (margin(0, layer="conv"), "no da un logit por clase"),
    (direction("conv", torch.ones(3)), "esperaba forma \\(2,\\) y recibí \\(3,\\)"),
    (channel("otra:0"), "faltan las activaciones de otra"),
])
def test_errors_say_what_is_there(objective, message):
    with pytest.raises(ValueError, match=message):
        objective(ACTS)


@pytest.mark.parametrize("kind", [logit, probability, margin, lambda name: margin(0, name)])
@pytest.mark.parametrize("given, message", [
    ("barco", r"el número de una clase, un entero, y recibí 'barco'. Prueba model.classes.index\(\"barco\"\)"),
    (torch.tensor([3]), r"recibí Tensor \(1,\). Prueba int"), (2.0, "recibí 2.0. Prueba int"),
])
def test_a_class_is_asked_for_by_its_number(kind, given, message):
    with pytest.raises(TypeError, match=message):
        kind(given)


def test_an_objective_asks_for_activations_and_not_for_images():
    with pytest.raises(TypeError, match=r"recibí un tensor. Para puntuar imágenes .* score\(model"):
        margin(0)(torch.zeros(2, 3, 8, 8))


# ── score ────────────────────────────────────────────────────────────────────────────────────────────────────────────

def test_score_in_closed_form(planted, images):
    assert torch.allclose(score(planted, images, logit(0)), images.sum(1).mean((1, 2)), atol=1e-6)


@pytest.mark.parametrize("objective", [probability(2), margin(0), peak("conv1:3") - 0.5 * channel("conv2:1"), channel("input:0")])
def test_score_does_not_depend_on_the_batch(planted, images, objective):
    whole = score(planted, images, objective)
    assert whole.shape == (5,) and whole.std() > 0
    for batch_size in (1, 2, 5, 100):
        assert torch.allclose(score(planted, images, objective, batch_size), whole, atol=1e-6)


def test_score_never_takes_more_than_a_batch(planted, images):
    sizes = []
    spy = Objective(("fc",), lambda acts: sizes.append(len(acts["fc"])) or acts["fc"][:, 0], "espía")
    score(planted, images, spy, batch_size=2)
    assert sizes == [2, 2, 1]


def test_score_keeps_no_gradient_and_no_hook(planted, images):
    planted.requires_grad_(True)
    assert not score(planted, images.requires_grad_(), logit(0)).requires_grad
    assert run(planted, images, ["fc"])["fc"].requires_grad and count_hooks(planted) == 0


def test_score_of_no_images_is_empty(planted, images):
    assert score(planted, images[:0], logit(0)).shape == (0,)


def test_score_refuses_bad_arguments(planted, images):
    with pytest.raises(ValueError, match="batch_size: esperaba un entero desde 1 y recibí 0"):
        score(planted, images, logit(0), batch_size=0)
    with pytest.raises(ValueError, match="¿Falta el eje de lote"):
        score(planted, images[0], logit(0))

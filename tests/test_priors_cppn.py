"""El lienzo que es una fórmula y la lectura de un gradiente: contra la cuenta a mano y contra casos que se saben."""
import math
from collections import OrderedDict

import pytest
import torch
from torch import nn

from labkit.gradients import gradient_views, gray_signed, neighbour_agreement, push
from labkit.images import save_poster
from labkit.objectives import logit
from labkit.optimization import maximize
from labkit.priors import CPPNCanvas, cppn
from labkit.priors.cppn import bend
from labkit.pictures import load_picture


@pytest.fixture
def network():
    """Una red lineal: de cualquier imagen, también de la gris, dice hacia dónde subir."""
    model = nn.Sequential(OrderedDict(flat=nn.Flatten(), fc=nn.Linear(3 * 16 * 16, 3, bias=False)))
    nn.init.normal_(model.fc.weight, generator=torch.Generator().manual_seed(0))
    return model.eval().requires_grad_(False)


@pytest.fixture
def canvas(network):
    """Una fórmula que ya no es gris."""
    made = CPPNCanvas(2, 16, width=5, depth=3, seed=1)
    maximize(network, logit(1), made, steps=12, lr=0.02)
    with torch.no_grad():
        made.tone.add_(0.3)
    return made


def by_hand(canvas: CPPNCanvas, k: int, x: float, y: float) -> list[float]:
    """El color de la fórmula k en un punto, con listas y math: sin tensores."""
    values = [x, y, math.hypot(x, y)]
    for weight, shift in zip(canvas.weights, canvas.shifts):
        table, start = weight[k].tolist(), shift[k, 0].tolist()
        angles = [math.atan(sum(v * row[j] for v, row in zip(values, table)) + start[j]) for j in range(len(start))]
        values = [a / 0.67 for a in angles] + [(a * a - 0.45) / 0.396 for a in angles]
    table, start = canvas.mix[k].tolist(), canvas.tone[k, 0].tolist()
    sums = [sum(v * row[j] for v, row in zip(values, table)) + start[j] for j in range(3)]
    return [1 / (1 + math.exp(-total)) for total in sums]


def test_every_pixel_is_the_formula_at_its_center(canvas):
    drawn = canvas()
    assert drawn.shape == (2, 3, 16, 16) and 0 <= drawn.min() and drawn.max() <= 1 and drawn.std() > 0.01
    for k, row, column in ((0, 0, 0), (1, 3, 12), (0, 15, 7)):
        x, y = (math.sqrt(3) * (2 * place + 1 - 16) / 16 for place in (column, row))
        assert drawn[k, :, row, column].tolist() == pytest.approx(by_hand(canvas, k, x, y), abs=1e-4)


def test_the_same_formula_at_any_size(canvas, monkeypatch):
    assert torch.allclose(canvas.at(16), canvas(), atol=1e-6)
    larger = canvas.at(48)
    assert larger.shape == (2, 3, 48, 48) and not larger.requires_grad
    assert torch.allclose(larger[..., 1::3, 1::3], canvas(), atol=1e-4)         # el centro de cada tres es el mismo punto
    monkeypatch.setattr(cppn, "BLOCK", 100)                        # de dos en dos renglones: lo mismo
    assert torch.allclose(canvas.at(48), larger, atol=1e-6)


def test_a_large_drawing_is_made_a_few_rows_at_a_time(canvas, monkeypatch):
    asked, colors = [], canvas.colors
    monkeypatch.setattr(canvas, "colors", lambda points: asked.append(len(points)) or colors(points))
    assert canvas.at(700).shape == (2, 3, 700, 700)
    assert sum(asked) == 700 ** 2 and max(asked) <= cppn.BLOCK


def test_its_gradient_is_the_slope():
    exact = CPPNCanvas(1, 4, width=3, depth=2, seed=2).double()
    with torch.no_grad():
        exact.mix.normal_(generator=torch.Generator().manual_seed(0))
    names = [name for name, _ in exact.named_parameters()]

    def drawn(*values: torch.Tensor) -> torch.Tensor:
        return torch.func.functional_call(exact, dict(zip(names, values)), ())

    assert torch.autograd.gradcheck(drawn, tuple(value.detach().requires_grad_(True) for value in exact.parameters()))


def test_it_starts_grey_climbs_and_repeats(network):
    first, again, other = CPPNCanvas(2, 16, seed=3), CPPNCanvas(2, 16, seed=3), CPPNCanvas(2, 16, seed=4)
    assert torch.allclose(first(), torch.full((2, 3, 16, 16), 0.5))
    ascents = [maximize(network, logit(1), one, steps=20, lr=0.02) for one in (first, again, other)]
    assert torch.equal(ascents[0].images, ascents[1].images) and not torch.equal(ascents[0].images, ascents[2].images)
    assert not torch.equal(ascents[0].images[0], ascents[0].images[1])          # cada imagen, con su fórmula
    assert torch.allclose(ascents[2].images[0], ascents[0].images[1], atol=1e-5)  # la segunda de 3 es la primera de 4
    assert (ascents[0].scores[-1] > ascents[0].scores[0]).all() and ascents[0].gradient.shape == (2, 3, 16, 16)


def test_the_bend_keeps_mean_zero_and_variance_one():
    values = bend(torch.randn(200_000, 1, generator=torch.Generator().manual_seed(0)))
    assert values.mean(0).abs().max() < 0.03 and (values.std(0) - 1).abs().max() < 0.05
    assert values[:, 0].dot(values[:, 1]).abs() / len(values) < 0.02            # una impar y una par


def test_a_canvas_without_size_is_refused():
    with pytest.raises(ValueError, match="b, size, width, depth"):
        CPPNCanvas(size=0)


def test_a_poster_of_the_formula_has_its_own_pixels(canvas, tmp_path):
    drawn = canvas.at(300)[0]
    kept = load_picture(save_poster(drawn, tmp_path / "playera.png", width=300))
    assert kept.shape == (3, 300, 300) and (kept - drawn).abs().max() < 0.01


# ── leer un gradiente ────────────────────────────────────────────────────────────────────────────────────────────────

def test_grey_is_zero_and_the_percentile_sets_the_contrast():
    values = torch.cat([torch.full((1, 3, 10, 10), -0.5), torch.zeros(1, 3, 10, 10)])
    values[0, :, :5] = 1.0
    values[0, 0, 0, 0] = 1000.0                                                 # uno solo, enorme
    shown = gray_signed(values)
    assert torch.equal(shown[1], torch.full((3, 10, 10), 0.5))
    assert shown[0, 1, 0, 0] == 1 and shown[0, 1, 9, 9] == 0.25 and shown[0, 0, 0, 0] == 1
    faint = gray_signed(torch.cat([values[:1], 0.01 * values[:1]]))
    assert torch.allclose(faint[0], faint[1])                                   # a cada imagen, su contraste
    assert gray_signed(values, share=1.0)[0, 1, 0, 0] < 0.51                    # con el máximo no se vería nada


def test_the_views_say_where_and_which_way():
    image, gradient = torch.rand(3, 8, 8), torch.zeros(3, 8, 8)
    gradient[:, 2, 2], gradient[:, 5, 5] = 1.0, -1.0
    shown = gradient_views(image, gradient, share=1.0)
    assert shown.shape == (4, 3, 8, 8) and torch.equal(shown[0], image)
    assert torch.equal(shown[2][:, 2, 2], shown[2][:, 5, 5]) and not torch.equal(shown[2][:, 2, 2], shown[2][:, 0, 0])
    red, _, blue = shown[3][:, 2, 2]
    assert red > blue and shown[3][2, 5, 5] > shown[3][0, 5, 5]                 # rojo, aclarar; azul, oscurecer
    assert (shown[3][:, 0, 0] > 0.9).all()                                      # y blanco, nada


def test_neighbours_agree_in_a_ramp_and_not_in_noise():
    ramp = torch.linspace(-1, 1, 16).expand(1, 3, 16, 16)
    checkers = torch.ones(1, 3, 16, 16)
    checkers[..., ::2] = -1
    noise = torch.randn(1, 3, 64, 64, generator=torch.Generator().manual_seed(0))
    assert neighbour_agreement(torch.cat([ramp, checkers])).tolist() == pytest.approx([1, -1], abs=1e-5)
    assert neighbour_agreement(noise).abs() < 0.03


def test_a_push_moves_only_the_strongest_and_the_control_as_many():
    gradient = torch.randn(2, 3, 10, 10, generator=torch.Generator().manual_seed(0))
    strong, random = push(gradient, 0.05, 0.1), push(gradient, 0.05, 0.1, seed=1)
    for change in (strong, random):
        moved = change != 0
        assert moved.flatten(1).sum(1).tolist() == [15, 15]
        assert torch.allclose(change[moved], 0.1 * gradient.sign()[moved])
    cut = gradient.abs().flatten(1).topk(15).values[:, -1]
    assert (gradient.abs()[strong != 0] >= cut.min()).all() and not torch.equal(strong, random)
    flat = nn.Flatten()(gradient.abs() * (strong != 0)).sum(1)
    assert (flat > nn.Flatten()(gradient.abs() * (random != 0)).sum(1)).all()


@pytest.mark.parametrize("ask", [neighbour_agreement, lambda gradient: push(gradient, 0.05, 0.1)])
def test_a_gradient_without_its_batch_axis_is_told(ask):
    with pytest.raises(ValueError, match=r"¿Falta el eje de lote\? Prueba gradient\[None\]"):
        ask(torch.zeros(3, 8, 8))


def test_one_image_is_seen_beside_one_gradient():
    with pytest.raises(ValueError, match=r"Prueba image\[0\]"):
        gradient_views(torch.zeros(1, 3, 8, 8), torch.zeros(3, 8, 8))

"""El lienzo de fases: la amplitud no cambia, la fase sí, y con las dos de una imagen sale esa imagen."""
import pytest
import torch

from labkit.objectives import Objective
from labkit.optimization import maximize
from labkit.priors import PhaseCanvas, mean_amplitude
from labkit.regularization import color_matrix, soft_noise

IMAGES = 0.15 + 0.7 * torch.rand(5, 3, 16, 12, generator=torch.Generator().manual_seed(0))


def brightness_at(y: int, x: int) -> Objective:
    """El brillo de un píxel: no pregunta nada a la red."""
    return Objective(("input",), lambda acts: acts["input"][:, :, y, x].mean(1), "brillo")


@pytest.mark.parametrize("colors", [None, color_matrix(IMAGES)])
def test_with_its_own_amplitude_an_image_comes_back(colors):
    amplitude = mean_amplitude(IMAGES[:1], colors)
    assert torch.allclose(PhaseCanvas(IMAGES[:1], amplitude, colors)(), IMAGES[:1], atol=1e-5)


def test_the_mean_amplitude_is_the_mean_of_a_plain_loop():
    each = [torch.fft.rfft2(torch.logit(image), norm="ortho").abs() for image in IMAGES]
    assert torch.allclose(mean_amplitude(IMAGES), torch.stack(each).mean(0), atol=1e-4)


def test_climbing_moves_the_phases_and_never_the_amplitude():
    """En la primera y la última columna cada onda va con su pareja, y la amplitud puede bajar; en las demás es exacta."""
    amplitude = mean_amplitude(IMAGES)
    canvas = PhaseCanvas(soft_noise(2, 16)[:, :, :, :12], amplitude)
    begin = canvas().detach()
    ascent = maximize(torch.nn.Identity(), brightness_at(4, 7), canvas, 60, 0.1)
    made = torch.fft.rfft2(torch.logit(ascent.images), norm="ortho").abs()
    assert torch.allclose(made[..., 1:-1], amplitude[..., 1:-1].expand_as(made[..., 1:-1]), atol=2e-3)
    assert (ascent.images - begin).abs().mean() > 0.05 and (ascent.scores[-1] > ascent.scores[0] + 0.2).all()


def test_an_amplitude_of_another_size_is_said():
    with pytest.raises(ValueError, match="mean_amplitude en imágenes de ese tamaño"):
        PhaseCanvas(IMAGES, mean_amplitude(torch.rand(2, 3, 8, 8)))

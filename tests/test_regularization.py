"""Regularizar: contra ciclos a mano, formas cerradas y otra biblioteca."""
import pytest
import torch
from torchvision.transforms.functional import gaussian_blur

from labkit.models import draw_weights, plain_network
from labkit.objectives import logit, score
from labkit.optimization import PixelCanvas, maximize, noise
from labkit.regularization import (
    EDGE,
    FourierCanvas,
    ascent_path,
    blur,
    color_matrix,
    compose,
    distance_l1,
    distance_l2,
    frequencies,
    high_frequency_share,
    jitter,
    pixel_noise,
    rotate,
    scale,
    score_under,
    soft_noise,
    total_variation,
)


def dice(seed: int = 0) -> torch.Generator:
    return torch.Generator().manual_seed(seed)


@pytest.fixture
def images():
    return torch.rand(5, 3, 12, 16, generator=dice())


@pytest.fixture
def network():
    return draw_weights(plain_network(4, (6, 8, 10), dense=12), seed=0).eval().requires_grad_(False)


# ── frecuencia ───────────────────────────────────────────────────────────────────────────────────────────────────────

def test_total_variation_is_the_plain_loop(images):
    for image, value in zip(images, total_variation()({"input": images})):
        down = [abs(image[c, y + 1, x] - image[c, y, x]) for c in range(3) for y in range(11) for x in range(16)]
        right = [abs(image[c, y, x + 1] - image[c, y, x]) for c in range(3) for y in range(12) for x in range(15)]
        assert value.item() == pytest.approx(float(sum(down) / len(down) + sum(right) / len(right)), rel=1e-5)


def test_distances_are_zero_at_their_center_and_known_elsewhere(images):
    assert distance_l1(images)({"input": images}).tolist() == distance_l2(images)({"input": images}).tolist() == [0.0] * 5
    flat = {"input": torch.full((2, 3, 4, 4), 0.8)}
    assert torch.allclose(distance_l1()(flat), torch.tensor(0.3)) and torch.allclose(distance_l2(0.6)(flat), torch.tensor(0.04))
    with pytest.raises(ValueError, match="center"):
        distance_l1(images)(flat)


def test_a_penalty_holds_the_climb_back(network):
    start = noise(2, 32)
    free, held = (maximize(network, logit(1) - k * total_variation(), PixelCanvas(start), steps=20).images for k in (0, 200))
    assert (total_variation()({"input": held}) < 0.7 * total_variation()({"input": free})).all()


def test_a_penalty_looks_at_the_canvas_and_not_at_what_was_transformed(network):
    start = noise(1, 32)
    ascent = maximize(network, -distance_l1(start), PixelCanvas(start), steps=2, transform=jitter(8))
    assert ascent.scores.abs().max() < 1e-6 and torch.equal(ascent.images, start)


@pytest.mark.parametrize("sigma", [0.5, 1.0, 2.0])
def test_blur_is_torchvisions(images, sigma):
    reach = {0.5: 2, 1.0: 3, 2.0: 6}[sigma]
    assert torch.allclose(blur(sigma)(images), gaussian_blur(images, 2 * reach + 1, sigma), atol=1e-5)


def test_blur_keeps_a_flat_image_and_zero_keeps_any(images):
    flat = torch.full((1, 3, 9, 9), 0.37)
    assert torch.allclose(blur(3.0)(flat), flat) and torch.equal(blur(0)(images), images)
    with pytest.raises(ValueError, match="sigma"):
        blur(-1)


@pytest.mark.parametrize("cycles, high", [(3, 0.0), (7, 0.0), (9, 1.0), (16, 1.0)])
def test_high_frequency_share_of_a_wave(cycles, high):
    """Una onda de k ciclos en 32 píxeles tiene frecuencia k / 32; el corte está en 8."""
    wave = 0.5 + 0.4 * torch.cos(2 * torch.pi * cycles * torch.arange(32) / 32).expand(1, 3, 32, 32)
    assert high_frequency_share(wave).item() == pytest.approx(high, abs=1e-5)


def test_high_frequency_share_of_two_waves_is_that_of_their_energies():
    places = 2 * torch.pi * torch.arange(32) / 32
    both = 0.5 + (0.1 * torch.cos(3 * places) + 0.2 * torch.cos(12 * places)).expand(1, 3, 32, 32)
    assert high_frequency_share(both).item() == pytest.approx(0.8, abs=1e-5)
    assert high_frequency_share(torch.full((1, 3, 8, 8), 0.3)).item() == 0


# ── transformaciones ─────────────────────────────────────────────────────────────────────────────────────────────────

def test_jitter_moves_whole_pixels_in_all_directions_and_each_image_on_its_own():
    spot = torch.zeros(400, 3, 15, 15)
    spot[:, :, 7, 7] = 1
    places = jitter(2)(spot)[:, 0].flatten(1).argmax(1)
    shifts = torch.stack([places // 15 - 7, places % 15 - 7], 1)
    assert {tuple(shift) for shift in shifts.tolist()} == {(y, x) for y in range(-2, 3) for x in range(-2, 3)}
    assert (jitter(2)(spot).sum((1, 2, 3)) == 3).all()


def test_jitter_fills_with_the_reflection():
    image = torch.arange(5.0).expand(1, 3, 5, 5)                            # cada columna vale su número
    rows = {tuple(jitter(2, seed)(image)[0, 0, 0].tolist()) for seed in range(30)}
    assert rows == {(2, 1, 0, 1, 2), (1, 0, 1, 2, 3), (0, 1, 2, 3, 4), (1, 2, 3, 4, 3), (2, 3, 4, 3, 2)}


def test_jitter_does_not_reach_past_what_can_be_reflected():
    images = torch.rand(1, 3, 8, 12)
    assert jitter(7)(images).shape == images.shape
    with pytest.raises(ValueError, match="reach: .*lo que se puede reflejar en imágenes de 8 × 12"):
        jitter(8)(images)


@pytest.mark.parametrize("make", [lambda seed: jitter(3, seed), lambda seed: rotate(20, seed), lambda seed: scale(0.2, seed),
                                  lambda seed: pixel_noise(0.1, seed)])
def test_transforms_repeat_with_the_seed_differ_between_images_and_pass_gradients(make):
    same = torch.rand(1, 3, 20, 24, generator=dice()).repeat(6, 1, 1, 1).requires_grad_(True)
    moved = make(1)(same)
    assert moved.shape == same.shape and torch.equal(moved, make(1)(same)) and not torch.equal(moved, make(2)(same))
    assert all(not torch.equal(moved[0], other) for other in moved[1:4])
    again = make(1)
    assert not torch.equal(again(same), again(same))                        # cada llamada sortea de nuevo
    gradient, = torch.autograd.grad(moved.pow(2).sum(), same)
    assert (gradient.abs().flatten(1).sum(1) > 0).all()


def test_rotation_is_about_the_center_and_in_pixels(monkeypatch):
    import labkit.regularization as module
    monkeypatch.setattr(module, "_uniform", lambda b, generator: torch.ones(b))
    image = torch.rand(1, 3, 17, 17, generator=dice())
    assert torch.allclose(rotate(90)(image), image.rot90(-1, (2, 3)), atol=1e-5) or \
        torch.allclose(rotate(90)(image), image.rot90(1, (2, 3)), atol=1e-5)
    wide = torch.zeros(1, 3, 20, 40)
    wide[:, :, 8:12, 18:22] = 1                                             # un cuadro: girado 45°, sigue midiendo igual
    turned = rotate(45)(wide)[0, 0] > 0.5
    height, width = (turned.any(axis).nonzero() for axis in (1, 0))
    assert abs((height.max() - height.min()) - (width.max() - width.min())) <= 1


def test_scale_enlarges_by_its_factor(monkeypatch):
    import labkit.regularization as module
    monkeypatch.setattr(module, "_uniform", lambda b, generator: torch.ones(b))
    square = torch.zeros(1, 3, 40, 60)
    square[:, :, 12:28, 22:38] = 1
    assert scale(0.5)(square)[0, 0].sum().item() == pytest.approx(256 * 1.5 ** 2, rel=0.05)
    with pytest.raises(ValueError, match="amount"):
        scale(1.0)


def test_compose_applies_in_order(images):
    twice, more = (lambda x: 2 * x), (lambda x: x + 1)
    assert torch.equal(compose(twice, more)(images), 2 * images + 1) and torch.equal(compose()(images), images)


def test_score_under_is_the_mean_over_transforms(network):
    images = noise(3, 32)
    assert torch.allclose(score_under(network, images, logit(1), compose(), 3), score(network, images, logit(1)))
    moves = jitter(4, 9)
    by_hand = torch.stack([score(network, moves(images), logit(1)) for _ in range(5)]).mean(0)
    assert torch.allclose(score_under(network, images, logit(1), jitter(4, 9), 5), by_hand, atol=1e-5)
    with pytest.raises(ValueError, match="times"):
        score_under(network, images, logit(1), compose(), 0)


# ── precondicionamiento ──────────────────────────────────────────────────────────────────────────────────────────────

@pytest.mark.parametrize("size", [(8, 8), (9, 7), (6, 11)])
@pytest.mark.parametrize("decay", [0.0, 1.0, 1.5])
def test_the_canvas_starts_where_it_is_told(size, decay):
    start = torch.rand(2, 3, *size, generator=dice())
    colors = torch.randn(3, 3, generator=dice(1))
    assert torch.allclose(FourierCanvas(start, decay, colors)(), start.clamp(EDGE, 1 - EDGE), atol=1e-4)


@pytest.mark.parametrize("size", [(8, 8), (9, 7)])
def test_the_gradient_in_fourier_is_the_adjoint_of_the_gradient(size):
    """⟨F z, g⟩ = ⟨z, Fᵀ g⟩, y Fᵀ g se sabe: la transformada de g, doble donde el espectro guarda media pareja."""
    canvas = FourierCanvas(torch.full((1, 3, *size), 0.5), decay=1.0).double()
    z = torch.randn(canvas.spectrum.shape, dtype=torch.float64, generator=dice())
    g = torch.randn(1, 3, *size, dtype=torch.float64, generator=dice(1))

    def linear(spectrum):
        return torch.fft.irfft2(torch.view_as_complex(spectrum * canvas.weight), s=size, norm="ortho")

    z.requires_grad_(True)
    adjoint, = torch.autograd.grad((linear(z) * g).sum(), z)
    twice = torch.full((size[1] // 2 + 1,), 2.0, dtype=torch.float64)
    twice[0] = 1
    if size[1] % 2 == 0:
        twice[-1] = 1                                                       # la columna de Nyquist es su propia pareja
    expected = torch.view_as_real(torch.fft.rfft2(g, norm="ortho") * twice) * canvas.weight
    assert torch.allclose(adjoint, expected, atol=1e-12)
    assert (linear(z) * g).sum().item() == pytest.approx((z * adjoint).sum().item(), rel=1e-10)


def test_critical_points_are_kept():
    """Donde el gradiente respecto a la imagen es cero, también lo es respecto al espectro, y al revés."""
    target = torch.rand(1, 3, 8, 8, generator=dice()) * 0.8 + 0.1
    canvas = FourierCanvas(target, 1.0, torch.randn(3, 3, generator=dice(2)))
    at_the_top, = torch.autograd.grad(-(canvas() - target).pow(2).sum(), canvas.spectrum)
    assert at_the_top.abs().max() < 1e-5
    moved = FourierCanvas(torch.full_like(target, 0.5), 1.0)
    elsewhere, = torch.autograd.grad(-(moved() - target).pow(2).sum(), moved.spectrum)
    assert elsewhere.abs().max() > 1e-3


def test_fourier_climbs_with_less_high_frequency_than_pixels(network):
    start = soft_noise(2, 32)
    pixels = maximize(network, logit(2), PixelCanvas(start), steps=60).images
    fourier = maximize(network, logit(2), FourierCanvas(start, decay=1.5), steps=60)
    assert (fourier.scores[-1] > fourier.scores[0] + 1).all()
    assert high_frequency_share(fourier.images).max() < 0.5 * high_frequency_share(pixels).min()


def test_after_each_step_the_fourier_canvas_is_what_after_left():
    start = soft_noise(2, 16)
    canvas = FourierCanvas(start, 1.0, torch.randn(3, 3, generator=dice()), after=blur(1.0))
    canvas.after_step(torch.zeros(2))
    assert torch.allclose(canvas(), blur(1.0)(start.clamp(EDGE, 1 - EDGE)), atol=1e-4)
    still = FourierCanvas(start, 1.0)
    still.after_step(torch.zeros(2))
    assert torch.allclose(still(), start, atol=1e-5)


def test_soft_noise_falls_with_frequency_and_repeats():
    images = soft_noise(64, 64, sd=0.02, decay=1.0)
    power = torch.fft.rfft2(images - 0.5).abs().pow(2).mean((0, 1))
    low, high = (power[(frequencies(64, 64) - f).abs() < 0.01].mean() for f in (0.1, 0.4))
    assert (low / high).item() == pytest.approx(16, rel=0.15)               # 1 / f² en energía
    assert torch.equal(soft_noise(2, seed=4), soft_noise(2, seed=4)) and not torch.equal(soft_noise(2), soft_noise(2, seed=1))


def test_color_matrix_is_a_root_of_the_planted_covariance():
    mixing = torch.tensor([[0.5, 0.1, 0.0], [0.5, 0.0, 0.1], [0.5, -0.1, 0.0]])
    pixels = torch.einsum("ij,njhw->nihw", mixing, torch.randn(40, 3, 32, 32, generator=dice()))
    found = color_matrix(pixels)
    assert found.norm(dim=0).max().item() == pytest.approx(1, rel=1e-5)
    wanted = mixing @ mixing.T
    assert torch.allclose(found @ found.T / (found @ found.T).trace(), wanted / wanted.trace(), atol=0.01)


def test_frequencies_are_those_of_a_plain_loop():
    table = frequencies(5, 6, half=False)
    for y in range(5):
        for x in range(6):
            fy, fx = min(y, 5 - y) / 5, min(x, 6 - x) / 6
            assert table[y, x].item() == pytest.approx((fy ** 2 + fx ** 2) ** 0.5, abs=1e-6)
    assert torch.equal(frequencies(5, 6), table[:, :4])


def test_the_path_in_another_basis_is_the_closed_form_of_a_quadratic():
    curvature, start = torch.diag(torch.tensor([1.0, 25.0])), torch.tensor([2.0, 1.0])

    def hill(x):
        return -torch.einsum("ni,ij,nj->n", x, curvature, x) / 2

    for basis in (torch.eye(2), torch.tensor([[1.0, 0.3], [0.0, 0.4]])):
        path = ascent_path(hill, start, basis, lr=0.05, steps=40)
        step = torch.eye(2) - 0.05 * basis @ basis.T @ curvature
        assert path.shape == (41, 2) and torch.equal(path[0], start)
        assert torch.allclose(path[40], torch.linalg.matrix_power(step, 40) @ start, atol=1e-4)
    sphere = torch.diag(torch.tensor([1.0, 0.2]))                           # B = A^(−½): el paisaje queda redondo
    assert torch.allclose(ascent_path(hill, start, sphere, lr=1.0, steps=1)[1], torch.zeros(2), atol=1e-6)


def test_with_two_summits_the_basis_decides_which_one_is_reached():
    summits = torch.tensor([[3.0, 1.0], [1.0, 3.0]])

    def hills(x):
        return torch.exp(-(x[:, None] - summits).square().sum(2) / 2) @ torch.tensor([1.0, 1.2])

    start, slow_first = torch.tensor([1.4, 1.4]), torch.diag(torch.tensor([1.0, 0.5]))
    ends = torch.stack([ascent_path(hills, start, basis, 0.3, 100)[-1] for basis in (torch.eye(2), slow_first)])
    assert torch.allclose(ends, summits.flip(0), atol=0.1)
    slopes = torch.func.vmap(torch.func.grad(lambda x: hills(x[None])[0]))(ends)
    assert slopes.norm(dim=1).max() < 1e-2                                  # y en los dos el gradiente es cero

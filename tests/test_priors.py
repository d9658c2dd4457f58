"""La distribución aprendida: el limpiador, lo que hace tras cada paso, los tres términos de PPGN y el generador."""
import pytest
import torch

from labkit.datasets import load_images
from labkit.models import draw_weights, plain_network
from labkit.objectives import logit, score
from labkit.optimization import PixelCanvas, maximize, noise
from labkit.priors import (
    Cleaning,
    CodeCanvas,
    Denoiser,
    ImageGenerator,
    cleaning_change,
    load_denoiser,
    load_generator,
    ppgn,
    random_codes,
)
from labkit.regularization import blur


class Toward(torch.nn.Module):
    """Un limpiador plantado: diga lo que diga la imagen, lo limpio es este gris; anota las σ que le piden."""

    def __init__(self, gray: float) -> None:
        super().__init__()
        self.gray, self.asked = gray, []

    def forward(self, images, sigma):
        self.asked.append(sigma)
        return torch.full_like(images, self.gray)


@pytest.fixture
def network():
    return draw_weights(plain_network(4, (6, 8, 10), dense=12), seed=0).eval().requires_grad_(False)


@pytest.fixture
def images():
    return torch.rand(3, 3, 16, 24, generator=torch.Generator().manual_seed(0))


def test_without_noise_the_denoiser_gives_back_the_image(images):
    torch.manual_seed(0)
    denoiser = Denoiser((8, 16, 24)).eval()
    with torch.no_grad():
        assert torch.allclose(denoiser(images, 1e-5), images, atol=1e-3)
        assert (denoiser(images, 1.0) - images).abs().mean() > 0.05
        each = denoiser(images, torch.tensor([0.1, 0.5, 1.0]))
        assert each.shape == images.shape
        for i, sigma in enumerate((0.1, 0.5, 1.0)):                         # cada imagen con su σ, sin mirar a las demás
            assert torch.allclose(each[i], denoiser(images[i:i + 1], sigma)[0], atol=1e-5)


def test_cleaning_moves_a_share_of_the_way_with_a_falling_sigma(images):
    planted = Toward(0.2)
    clean = Cleaning(planted, steps=3, amount=0.25, first=0.4, last=0.1)
    assert torch.allclose(clean(images), images + 0.25 * (0.2 - images))
    clean(images), clean(images), clean(images)
    assert planted.asked == pytest.approx([0.4, 0.2, 0.1, 0.1], rel=1e-4)
    assert torch.equal(Cleaning(planted, 3, amount=0)(images), images)
    for steps, amount, told in ((0, 0.5, "al menos un paso"), (3, 1.5, "amount")):
        with pytest.raises(ValueError, match=told):
            Cleaning(planted, steps, amount)


def test_cleaning_plugs_into_the_canvas(network):
    ended = maximize(network, logit(1), PixelCanvas(noise(2, 32), after=Cleaning(Toward(0.7), 5, amount=1.0)), steps=5).images
    assert torch.allclose(ended, torch.full_like(ended, 0.7))


def test_each_term_of_ppgn_alone(network, images):
    start = images[:, :, :, :16].contiguous()
    still = ppgn(network, logit(1), Toward(0.3), start, 4, (0, 0, 0))
    assert torch.equal(still, start)
    pulled_to_data = ppgn(network, logit(1), Toward(0.3), start, 4, (0.5, 0, 0))
    assert torch.allclose(pulled_to_data, 0.3 + (start - 0.3) / 16, atol=1e-6)
    climbed, x = ppgn(network, logit(1), Toward(0.3), start, 2, (0, 1, 0)), start
    for sigma in (0.5, 0.05):
        x = x.clone().requires_grad_(True)
        slope, = torch.autograd.grad(network(x)[:, 1].sum(), x)
        x = (x.detach() + sigma * slope / slope.flatten(1).norm(dim=1).view(-1, 1, 1, 1)).clamp(0, 1)
    assert torch.allclose(climbed, x, atol=1e-5)
    assert (score(network, climbed, logit(1)) > score(network, start, logit(1))).all()
    jolted = ppgn(network, logit(1), Toward(0.3), torch.full_like(start, 0.5), 1, (0, 0, 0.2))
    assert (jolted - 0.5).std().item() == pytest.approx(0.1, rel=0.1)
    assert torch.equal(jolted, ppgn(network, logit(1), Toward(0.3), torch.full_like(start, 0.5), 1, (0, 0, 0.2)))


def test_cleaning_change_is_what_the_denoiser_changes(images):
    assert torch.allclose(cleaning_change(Toward(0.5), images), (images - 0.5).abs().mean((1, 2, 3)))


# ── el limpiador que se reparte ──────────────────────────────────────────────────────────────────────────────────────

def test_the_shipped_denoiser_beats_a_blur_at_every_noise():
    """Contra el mejor desenfoque para cada ruido: deja menos de tres cuartos de su error cuadrático."""
    clean, denoiser = load_images("test", n=24).images, load_denoiser(device="cpu")
    dice = torch.Generator().manual_seed(5)
    for sigma in (0.1, 0.3, 0.6):
        dirty = clean + sigma * torch.randn(clean.shape, generator=dice)
        ours = (denoiser(dirty, sigma) - clean).pow(2).mean()
        best = min((blur(width)(dirty) - clean).pow(2).mean() for width in (0.5, 0.8, 1.2, 1.8, 2.5, 3.5))
        assert ours < 0.75 * best, (sigma, ours, best)


def test_what_is_not_of_the_world_is_farther_from_the_data():
    denoiser, world = load_denoiser(device="cpu"), load_images("test", n=24).images
    own = cleaning_change(denoiser, world)
    for strange in (noise(8), world[:8].flip(1), torch.rand(8, 3, 64, 64, generator=torch.Generator().manual_seed(1))):
        assert cleaning_change(denoiser, strange).mean() > own.mean()
    assert cleaning_change(denoiser, noise(8, sd=0.3)).min() > 2 * own.max()


# ── el generador ────────────────────────────────────────────────────────────────────────────────────────────────────

@pytest.fixture(scope="module")
def generator():
    return load_generator(device="cpu")


def test_the_generator_draws_back_what_it_encodes(generator):
    """En la prueba, que no vio al entrenar; el gris medio de cada imagen se equivoca mucho más."""
    seen = load_images("test", n=200).images
    codes = generator.encode(seen)
    back = generator(codes)
    assert codes.shape == (200, 32, 4, 4) and back.shape == seen.shape and 0 < back.min() and back.max() < 1
    assert (back - seen).abs().mean() < 0.06 < 0.5 * (seen.mean((1, 2, 3), keepdim=True) - seen).abs().mean()
    assert codes.mean().abs() < 0.1 and 0.6 < codes.std() < 1.2
    assert (generator(codes.roll(1, 0)) - seen).abs().mean() > 2 * (back - seen).abs().mean()      # otro código, otra imagen


def test_the_generator_is_frozen_and_reproducible(generator):
    assert not generator.training and not any(weight.requires_grad for weight in generator.parameters())
    assert torch.equal(random_codes(2, seed=3), random_codes(2, seed=3)) and random_codes(500).std() == pytest.approx(0.5, abs=0.01)
    alone = torch.cat([generator(code[None]) for code in random_codes(3)])
    assert torch.allclose(generator(random_codes(3)), alone, atol=1e-5)     # nadie depende de su lote


def test_a_code_canvas_moves_only_its_code_and_within_limits(network):
    torch.manual_seed(0)
    small = ImageGenerator((16, 16, 8, 8, 8)).eval().requires_grad_(False)
    canvas = CodeCanvas(small, random_codes(2), limit=0.6)
    assert [name for name, weight in canvas.named_parameters() if weight.requires_grad] == ["code"]
    ascent = maximize(network, logit(1), canvas, steps=30, lr=0.2)
    assert (ascent.scores[-1] > ascent.scores[0]).all() and ascent.images.shape == (2, 3, 64, 64)
    assert canvas.code.detach().abs().max() == pytest.approx(0.6) and torch.allclose(ascent.images, small(canvas.code))


@pytest.mark.parametrize("start", [torch.zeros(2, 32, 4), torch.zeros(2, 16, 4, 4), torch.zeros(32, 4, 4)])
def test_codes_of_another_shape_are_told(start):
    with pytest.raises(ValueError, match="start: esperaba"):
        CodeCanvas(ImageGenerator((8, 8, 8, 8, 8)), start)


def test_a_limit_of_nothing_is_told():
    with pytest.raises(ValueError, match="limit: esperaba un número mayor que 0 y recibí 0"):
        CodeCanvas(ImageGenerator((8, 8, 8, 8, 8)), random_codes(1), limit=0)


def test_a_missing_generator_is_told():
    with pytest.raises(FileNotFoundError):
        load_generator("no_existe")

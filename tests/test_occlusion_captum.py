"""El mismo mapa que da Captum (una biblioteca conocida, opcional aquí), cuando las ventanas caben exactas en la imagen."""
import pytest
import torch

from labkit.activations import Unit
from labkit.models import plain_network
from labkit.objectives import channel, logit, probability
from labkit.occlusion import fill_image, occlusion_map

Occlusion = pytest.importorskip("captum.attr", reason="Captum no está instalado: pip install captum").Occlusion

# Captum corta la última ventana en el borde y labkit la recorre: sólo coinciden si (lado − parche) es múltiplo del paso.
EXACT = [((32, 32), 8, 8), ((32, 32), 8, 4), ((32, 24), 12, 2), ((24, 40), 16, 8), ((20, 20), 20, 20), ((16, 16), 1, 1)]


@pytest.fixture(scope="module")
def network() -> torch.nn.Module:
    torch.manual_seed(0)
    model = plain_network(5, widths=(8, 12, 16)).eval().requires_grad_(False)
    model.fc.weight.mul_(20)
    return model


@pytest.mark.parametrize("shape, size, stride", EXACT)
@pytest.mark.parametrize("fill", [0.0, 0.5, "mean", "blur", "noise"])
def test_same_map_as_captum(network, shape, size, stride, fill):
    image = torch.rand(3, *shape, generator=torch.Generator().manual_seed(size))
    questions = {"probabilidad": (probability(2), lambda x: network(x).softmax(1)[:, 2]),
                 "logit": (logit(3), lambda x: network(x)[:, 3]),
                 "canal": (channel(Unit("conv2", 4)), lambda x: network[:5](x)[:, 4].mean((1, 2)))}
    for objective, forward in questions.values():
        theirs = Occlusion(forward).attribute(
            image[None], sliding_window_shapes=(3, size, size), strides=(3, stride, stride),
            baselines=fill_image(image, fill)[None], perturbations_per_eval=16)[0]
        assert theirs.abs().max() > 1e-4
        for channel_of_theirs in theirs:   # Captum repite el mapa en los tres canales
            torch.testing.assert_close(occlusion_map(network, image, objective, size, stride, fill), channel_of_theirs,
                                       atol=1e-5, rtol=0)

"""Lo que un mapa le da a cada parte, pisos con que compararlo, y dos pruebas que se le hacen."""
import copy
from collections.abc import Iterator

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from labkit.activations import run
from labkit.counterfactuals.pairs import filled
from labkit.device import device_of
from labkit.models import random_twin
from labkit.objectives import Objective, score
from labkit.occlusion import Fill
from labkit.shapes import check_shape


def part_scores(heat: Tensor, masks: Tensor) -> Tensor:
    """Lo que un mapa le da a cada parte: la suma del mapa sobre su máscara, (v, h, w) → (v,), como en FunnyBirds."""
    h, w = check_shape(heat, "h w", "heat").values()
    check_shape(masks, f"v {h} {w}", "masks")
    return (masks * heat).sum((1, 2))


def gradient_times_input(model: nn.Module, image: Tensor, objective: Objective) -> Tensor:
    """Gradiente × entrada, sumado en los tres canales: (h, w). Fuente: Shrikumar et al. (2016), arXiv:1605.01713."""
    check_shape(image, "3 h w", "image")
    entry = image[None].to(device_of(model), copy=True).requires_grad_(True)
    with torch.enable_grad():
        slope, = torch.autograd.grad(objective(run(model, entry, objective.layers)).sum(), entry)
    return (slope.to(image) * image)[0].sum(0)


def edge_map(image: Tensor) -> Tensor:
    """Un piso: dónde hay bordes, sin preguntarle a ninguna red. El tamaño del gradiente de Sobel, (h, w)."""
    check_shape(image, "3 h w", "image")
    across = torch.tensor([[-1.0, 0, 1], [-2, 0, 2], [-1, 0, 1]])
    gray = F.pad(image.mean(0)[None, None], (1, 1, 1, 1), mode="replicate")
    return torch.hypot(F.conv2d(gray, across[None, None]), F.conv2d(gray, across.T[None, None]))[0, 0]


def center_map(h: int, w: int) -> Tensor:
    """Otro piso: una mancha en el centro, (h, w). En Escenas, como en las fotos, la cosa suele estar en medio."""
    y, x = torch.meshgrid(torch.linspace(-1, 1, h), torch.linspace(-1, 1, w), indexing="ij")
    return torch.exp(-2 * (y ** 2 + x ** 2))


def random_map(h: int, w: int, seed: int = 0) -> Tensor:
    """El piso más bajo: un número al azar por píxel, (h, w)."""
    return torch.rand(h, w, generator=torch.Generator().manual_seed(seed))


def cascade(model: nn.Module, seed: int = 0) -> Iterator[tuple[str, nn.Module]]:
    """La red con pesos nuevos capa por capa, de la última a la primera: parejas (última capa cambiada, red).

    La prueba de Adebayo et al. (2018): si el mapa no cambia, no dependía de lo aprendido.
    """
    twin, network = random_twin(model, seed), copy.deepcopy(model)
    for name, layer in reversed(list(network.named_children())):
        if list(layer.parameters()):
            layer.load_state_dict(twin.get_submodule(name).state_dict())
            yield name, copy.deepcopy(network)


def deletion(model: nn.Module, image: Tensor, heat: Tensor, objective: Objective, fill: Fill = 0.0, steps: int = 16,
             insert: bool = False) -> Tensor:
    """La puntuación mientras se borran los píxeles, del más al menos importante según el mapa: (steps + 1,).

    Con insert=True se empieza con todo borrado y van apareciendo. Fuente: Petsiuk, Das y Saenko (2018).
    """
    h, w = check_shape(image, "3 h w", "image").values()
    check_shape(heat, f"{h} {w}", "heat")
    rank = heat.flatten().argsort(descending=True, stable=True).argsort().view(h, w)        # 0: el primero en irse
    edges = torch.linspace(0, h * w, steps + 1).round()
    gone = rank < edges[:, None, None]                                                      # (steps + 1, h, w)
    images = filled(image, ~gone if insert else gone, fill)
    return score(model, images.to(device_of(model)), objective).cpu()

"""Girar los ejes de una capa sin que la red cambie: ¿importa la base en que se escriben las unidades?

Si a' = Q a, con Q una rotación, y la capa siguiente lee Qᵀ a', los logits son los mismos y las unidades, otras. Fuente:
Bau et al. (2017), §3.2.
"""
import copy

import torch
from torch import Tensor, nn

from labkit.checks import check_rotation, check_turnable, dice
from labkit.models import ready
from labkit.shapes import HUGE, check_numbers, one_layer, real, whole


class Rotate(nn.Module):
    """Mezcla los canales de unos mapas (b, c, h, w), o de unos vectores (b, c), con Q (d, c): salen d canales."""

    def __init__(self, rotation: Tensor) -> None:
        super().__init__()
        check_numbers(rotation, "d c", "rotation")
        self.register_buffer("rotation", rotation)

    def forward(self, acts: Tensor) -> Tensor:
        return torch.einsum("ij,bj...->bi...", self.rotation, acts)


def random_rotation(size: int, seed: int = 0) -> Tensor:
    """Una rotación al azar, uniforme entre todas: Q (size, size), con Qᵀ Q = 1 y determinante 1, en doble precisión."""
    size, generator = whole(size, "size", 1), dice(seed)
    q, r = torch.linalg.qr(torch.randn(size, size, generator=generator, dtype=torch.float64))
    q = q * r.diagonal().sign()                                             # sin esto no es uniforme (Mezzadri, 2007)
    if torch.linalg.det(q) < 0:
        q[:, 0] = -q[:, 0]
    return q


def rotation_power(rotation: Tensor, power: float) -> Tensor:
    """Q^α: la misma rotación a medias. Con 0 es la identidad; con 1, Q. Cada ángulo de giro se multiplica por α."""
    check_turnable(rotation)
    power = real(power, "power", -HUGE, HUGE)
    values, vectors = torch.linalg.eig(rotation.double())
    turned = torch.polar(torch.ones_like(values.real), power * values.angle())
    return torch.linalg.solve(vectors.mH, (vectors * turned).mH).mH.real    # V · e^{iαθ} · V⁻¹


def rotate_layer(model: nn.Sequential, layer: str, rotation: Tensor) -> nn.Sequential:
    """Una copia de la red con los ejes de una capa girados: la capa «girada» da Q a, y la siguiente lo deshace.

    model: una red plana (nn.Sequential);  layer: después de ella (sus ReLU y lo que siga) viene una convolución o una
    capa densa, y en medio no puede haber una reducción que escoja (`pool`): girar y escoger no dan lo mismo.
    ValueError si no se puede. Los logits son los mismos, salvo redondeo.
    """
    names = [name for name, _ in model.named_children()]
    if one_layer(layer) not in names:
        raise ValueError(f"layer: no hay una capa «{layer}». Las capas son: {', '.join(names)}.")
    after = names[names.index(layer) + 1:]
    reader = next((name for name in after if isinstance(model.get_submodule(name), (nn.Conv2d, nn.Linear))), None)
    between = after[:after.index(reader)] if reader else after
    bent = (nn.MaxPool2d, nn.ReLU, nn.BatchNorm2d)
    if reader is None or any(isinstance(model.get_submodule(name), bent) for name in between):
        raise ValueError(f"layer: justo después de «{layer}» debe leer una convolución o una capa densa, y viene "
                         f"{', '.join(between) or 'nada'}.")
    turned = copy.deepcopy(model)
    reads = turned.get_submodule(reader)
    check_rotation(rotation, reads.weight.shape[1])
    with torch.no_grad():                                                   # W a = (W Qᵀ) (Q a)
        reads.weight.copy_(torch.einsum("oj...,ij->oi...", reads.weight.double(), rotation.double()))
    layers = {}
    for name, module in turned.named_children():
        layers[name] = module
        if name == layer:
            layers["girada"] = Rotate(rotation.to(reads.weight))
    rotated = nn.Sequential()
    for name, module in layers.items():
        rotated.add_module(name, module)
    rotated.classes, rotated.layers = model.classes, list(layers)
    return ready(rotated)

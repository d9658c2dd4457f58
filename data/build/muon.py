"""Muon, el optimizador con que se entrenan las redes del curso: cada paso ensancha por igual todas las direcciones.

Con una red sin normalización por lotes llega en ocho épocas adonde AdamW no llega en veinte (cifras en data/README.md).
Fuente: Jordan et al. (2024), «Muon: An optimizer for hidden layers in neural networks»,
kellerjordan.github.io/posts/muon.
"""
from collections.abc import Iterable

import torch
from torch import Tensor, nn

NEWTON_SCHULZ = (3.4445, -4.7750, 2.0315)  # coeficientes de la fuente: llevan los valores singulares cerca de 1
STEPS = 5


class Muon(torch.optim.Optimizer):
    """Descenso con inercia cuyo paso, en cada matriz de pesos, se lleva antes a una matriz casi ortogonal.

    params: pesos de dos ejes o más (una convolución cuenta como una matriz de un renglón por canal).
    """

    def __init__(self, params: Iterable[Tensor], lr: float, momentum: float = 0.95, weight_decay: float = 0.02) -> None:
        super().__init__(params, {"lr": lr, "momentum": momentum, "weight_decay": weight_decay})

    @torch.no_grad()
    def step(self) -> None:
        """Un paso con los gradientes que ya están en los pesos."""
        for group in self.param_groups:
            for weight in group["params"]:
                state = self.state[weight]
                mean = state.setdefault("mean", torch.zeros_like(weight))
                mean.lerp_(weight.grad, 1 - group["momentum"])
                step = orthogonal(weight.grad.lerp(mean, group["momentum"]).flatten(1)).view_as(weight)
                tall = max(1.0, weight.shape[0] / weight[0].numel()) ** 0.5
                weight.mul_(1 - group["lr"] * group["weight_decay"]).add_(step, alpha=-group["lr"] * tall)


def orthogonal(matrix: Tensor) -> Tensor:
    """Una matriz con los mismos vectores singulares y con todos sus valores singulares cerca de 1 (Newton y Schulz)."""
    a, b, c = NEWTON_SCHULZ
    wide = matrix.T if matrix.shape[0] > matrix.shape[1] else matrix
    wide = wide / (wide.norm() + 1e-7)
    for _ in range(STEPS):
        square = wide @ wide.T
        wide = a * wide + (b * square + c * square @ square) @ wide
    return wide.T if matrix.shape[0] > matrix.shape[1] else wide


def optimizers(model: nn.Module, lr: float, weight_decay: float) -> list[torch.optim.Optimizer]:
    """Los dos optimizadores de una red: Muon para los pesos de en medio y AdamW para las puntas, sesgos y normas."""
    ends = ("conv1.", "fc.")
    middle = [weight for name, weight in model.named_parameters() if weight.dim() > 1 and not name.startswith(ends)]
    chosen = {id(weight) for weight in middle}
    rest = [weight for weight in model.parameters() if id(weight) not in chosen]
    return [Muon(middle, lr, weight_decay=weight_decay), torch.optim.AdamW(rest, lr / 10, weight_decay=weight_decay)]

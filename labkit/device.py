"""Dónde se calcula y con qué azar."""
import random
import warnings

import numpy as np
import torch
from torch import nn


def pick_device(name: str | None = None) -> torch.device:
    """El dispositivo donde calcular: el que pidas por nombre, o el mejor que haya (cuda, si no mps, si no cpu).

    name: "cpu", "cuda", "cuda:1", "mps"…;  ValueError si no existe en esta computadora.
    """
    available = _available()
    if name is None:
        return torch.device(available[0])
    if str(name).split(":")[0] not in available:
        raise ValueError(f"name: esperaba un dispositivo de esta computadora ({', '.join(available)}) "
                         f"y recibí «{name}».")
    return torch.device(name)


def device_of(model: nn.Module) -> torch.device:
    """Dónde está una red: el dispositivo de sus pesos; sin ellos, el de lo demás que guarda; si no guarda nada, cpu.

    ValueError si alguno está en «meta»: tiene forma y no números, y no hay nada que preguntarle.
    """
    kept = [*model.parameters(), *model.buffers()]
    if any(tensor.is_meta for tensor in kept):
        raise ValueError("model: la red está en «meta», con formas y sin números. Cárgale sus pesos, por ejemplo con "
                         "load_state_dict(…, assign=True).")
    return kept[0].device if kept else torch.device("cpu")


def seed_all(seed: int = 0) -> None:
    """Fija la semilla de Python, NumPy y PyTorch (también en GPU), para que el azar se repita."""
    random.seed(seed)
    np.random.seed(seed)
    torch.manual_seed(seed)


def draw_index(odds: torch.Tensor, generator: torch.Generator) -> torch.Tensor:
    """Un índice al azar por renglón, (…,), según las probabilidades (…, n), que no tienen que sumar uno.

    Con la misma semilla saca lo mismo en toda versión de PyTorch; `torch.multinomial` no: hasta la 2.4, con MKL, su
    azar es otro. Carrera de exponenciales: cada opción llega en un tiempo −log(1 − u) / p, y gana la primera.
    """
    luck = torch.rand(odds.shape, dtype=torch.float64, generator=generator)
    return (odds / -torch.log1p(-luck).to(odds.dtype)).argmax(-1)


def _available() -> list[str]:
    """Los tipos de dispositivo que hay, el mejor primero."""
    with warnings.catch_warnings():         # un controlador viejo avisa por stderr; basta con no contar con esa GPU
        warnings.simplefilter("ignore")
        found = {"cuda": torch.cuda.is_available(), "mps": torch.backends.mps.is_available(), "cpu": True}
    return [kind for kind, here in found.items() if here]

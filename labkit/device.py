"""Dónde se calcula y con qué azar."""
import random
import warnings
from itertools import chain

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
    """Dónde está una red: el dispositivo de sus pesos; sin ellos, el de lo demás que guarda; si no guarda nada, cpu."""
    return next(chain(model.parameters(), model.buffers()), torch.empty(0, device="cpu")).device


def seed_all(seed: int = 0) -> None:
    """Fija la semilla de Python, NumPy y PyTorch (también en GPU), para que el azar se repita."""
    random.seed(seed)
    np.random.seed(seed)
    torch.manual_seed(seed)


def _available() -> list[str]:
    """Los tipos de dispositivo que hay, el mejor primero."""
    with warnings.catch_warnings():         # un controlador viejo avisa por stderr; basta con no contar con esa GPU
        warnings.simplefilter("ignore")
        found = {"cuda": torch.cuda.is_available(), "mps": torch.backends.mps.is_available(), "cpu": True}
    return [kind for kind, here in found.items() if here]

"""Lo que comparten las pruebas: una carpeta de datos diminuta y redes plantadas, de las que se sabe todo."""
import sys
from collections import OrderedDict
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import matplotlib
import numpy as np
import pytest
import torch
from torch import nn

ROOT = Path(__file__).resolve().parent.parent
sys.path[:0] = [str(ROOT), str(ROOT / "data" / "build")]

import packing

matplotlib.use("Agg")       # las figuras no necesitan pantalla; por variable no, que la heredarían los cuadernos

torch.set_num_threads(1)

SEGMENTS = [                                                    # objeto, parte, material, textura
    ["", "", "", ""],
    ["cebra", "cuerpo", "pelo", "rayado"],
    ["cebra", "pata", "pelo", "rayado"],
    ["caballo", "cuerpo", "pelo", ""],
    ["muro", "", "ladrillo", "ladrillo"],
    ["suelo", "", "arena", "granulado"],
]
CLASSES, SCENES = ["caballo", "cebra"], ["playa", "patio", "sala"]
PAINT = np.array([[128, 128, 128], [240, 240, 240], [12, 12, 12], [120, 75, 40], [190, 30, 35], [215, 190, 120]], np.uint8)


@dataclass
class World:
    """Lo que se escribió en la carpeta de datos, para comparar con lo que se lee."""
    folder: Path
    images: np.ndarray                                          # uint8 (n, 64, 64, 3)
    segments: np.ndarray                                        # (n, 64, 64)
    classes: np.ndarray
    scenes: np.ndarray


def make_split(folder: Path, split: str, n: int, seed: int = 0) -> World:
    """Escribe n imágenes de cuadros de 16 píxeles, cada uno del color de su segmento."""
    rng = np.random.default_rng(seed)
    segments = rng.integers(0, len(SEGMENTS), (n, 4, 4)).repeat(16, 1).repeat(16, 2)
    world = World(folder, PAINT[segments], segments, rng.integers(0, 2, n), rng.integers(0, 3, n))
    packing.write_split(folder, split, world.images, segments, world.classes, world.scenes, np.arange(n))
    return world


@pytest.fixture(scope="session")
def written(tmp_path_factory) -> World:
    """Una carpeta data/ con «escenas» (train 7, test 30) y «dobles» (test 3)."""
    data = tmp_path_factory.mktemp("data")
    make_split(data / "escenas", "train", 7, seed=1)
    world = make_split(data / "escenas", "test", 30, seed=2)
    make_split(data / "dobles", "test", 3, seed=3)
    packing.write_info(data / "escenas", CLASSES, SCENES, SEGMENTS, {"train": 7, "test": 30})
    packing.write_info(data / "dobles", CLASSES, SCENES, SEGMENTS, {"test": 3})
    packing.write_sums(data)
    world.folder = data
    return world


@pytest.fixture
def world(written, monkeypatch) -> World:
    """La carpeta diminuta, en el lugar de data/."""
    monkeypatch.setenv("LABKIT_DATOS", str(written.folder))
    return written


@pytest.fixture
def planted() -> nn.Sequential:
    """Una red de la que se sabe qué mira cada unidad: conv1 ve rojo, verde, azul y rojo − azul; conv2 suma y resta."""
    model = nn.Sequential(OrderedDict(
        normalize=nn.Identity(), conv1=nn.Conv2d(3, 4, 1), relu1=nn.ReLU(), pool1=nn.AvgPool2d(2),
        conv2=nn.Conv2d(4, 2, 1), gap=nn.AdaptiveAvgPool2d(1), flat=nn.Flatten(), fc=nn.Linear(2, 3)))
    with torch.no_grad():
        model.conv1.weight.copy_(torch.tensor([[1.0, 0, 0], [0, 1, 0], [0, 0, 1], [1, 0, -1]])[:, :, None, None])
        model.conv1.bias.zero_()
        model.conv2.weight.copy_(torch.tensor([[1.0, 1, 1, 0], [1, 0, -1, 2]])[:, :, None, None])
        model.conv2.bias.copy_(torch.tensor([0.0, 0.5]))
        model.fc.weight.copy_(torch.tensor([[1.0, 0], [0, 1], [-1, 2]]))
        model.fc.bias.copy_(torch.tensor([0.0, 0.25, -0.5]))
    return model.eval().requires_grad_(False)


@pytest.fixture
def images() -> torch.Tensor:
    """Cinco imágenes al azar, no cuadradas: (5, 3, 8, 12)."""
    return torch.rand(5, 3, 8, 12, generator=torch.Generator().manual_seed(0))


def count_hooks(model: nn.Module) -> int:
    """Cuántos ganchos cuelgan de la red, en todos sus módulos."""
    return sum(len(hooks) for module in model.modules() for hooks in (
        module._forward_hooks, module._forward_pre_hooks, module._backward_hooks, module._backward_pre_hooks))


@contextmanager
def full_disk(size: int):
    """Dentro del `with`, ningún archivo pasa de `size` bytes: a quien escribe de más, el sistema le da un error de verdad."""
    import resource
    import signal

    before, old = resource.getrlimit(resource.RLIMIT_FSIZE), signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
    resource.setrlimit(resource.RLIMIT_FSIZE, (size, before[1]))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)
        signal.signal(signal.SIGXFSZ, old)

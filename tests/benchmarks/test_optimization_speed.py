"""Qué tan rápido sube `maximize`: contra los límites de la lección 2 y contra lucent, una unidad por corrida.

No corre con las demás pruebas. Desde la raíz del proyecto, con tests/requirements.txt instalado:

    pytest tests/benchmarks/test_optimization_speed.py --benchmark-disable

Para compararse con lucent hace falta un ambiente suyo, que además tenga lo del curso: `pip install torch-lucent`. Sin él, esa
parte se salta. A lucent se le mide dos veces, siempre con imágenes de 64 píxeles, sin preprocesamiento y con la red congelada:
desnudo (píxeles sueltos, sin transformaciones), que es lo más barato que sabe hacer, y como viene.
"""
from collections.abc import Callable
from statistics import median
from time import perf_counter

import pytest
import torch

from labkit.models import load_model, plain_network
from labkit.objectives import each, logit
from labkit.optimization import PixelCanvas, gallery, maximize, noise

pytest.importorskip("pytest_benchmark", reason="pytest-benchmark no está instalado")
SIZE, STEPS, UNITS = 64, 32, 32


def seconds(call: Callable[[], object]) -> float:
    start = perf_counter()
    call()
    return perf_counter() - start


def test_limits(capsys):
    """Las doce clases en 160 pasos, en menos de 15 s; 64 canales en 100 pasos, en menos de 20 s: con dos núcleos."""
    model, goals = load_model(), each([logit(k) for k in range(12)])
    classes = seconds(lambda: maximize(model, goals, PixelCanvas(noise(1).repeat(12, 1, 1, 1)), steps=160))
    channels = seconds(lambda: gallery(model, "conv3", steps=100))
    with capsys.disabled():
        print(f"\n{torch.get_num_threads()} hilos: 12 clases, 160 pasos: {classes:.1f} s ({classes / 15:.2f} del límite, 15 s)"
              f"\n  64 canales, 100 pasos: {channels:.1f} s ({channels / 20:.2f} del límite, 20 s)")
    assert classes > 0 and channels > 0


def test_lucent(capsys):
    """Unidades por paso y por segundo en una galería de 32 canales de conv4: labkit junta, lucent va de una en una."""
    render = pytest.importorskip("lucent.optvis.render", reason="lucent no está instalado: va en el ambiente de tests/benchmarks/lucent.txt")
    from lucent.optvis import objectives, param
    full = load_model()
    model = plain_network(12, (24, 48, 64, UNITS, 128)).eval().requires_grad_(False)     # conv4, con 32 canales y no 96
    weights = {name: tensor[:UNITS] if name.startswith("conv4") else tensor for name, tensor in full.state_dict().items()}
    weights["conv5.weight"] = weights["conv5.weight"][:, :UNITS]
    model.load_state_dict(weights)

    def with_lucent(bare: bool) -> None:
        for k in range(UNITS):
            start = (lambda: param.image(SIZE, fft=False, decorrelate=False)) if bare else (lambda: param.image(SIZE))
            render.render_vis(model, objectives.channel("conv4", k), start, transforms=[] if bare else None, thresholds=(STEPS,),
                              preprocess=False, progress=False, show_image=False, fixed_image_size=SIZE)

    ways = {"labkit": lambda: gallery(model, "conv4", STEPS, size=SIZE), "lucent desnudo": lambda: with_lucent(True),
            "lucent como viene": lambda: with_lucent(False)}
    turns = [{name: seconds(way) for name, way in ways.items()} for _ in range(4)][1:]  # por turnos; el primero calienta
    took = {name: median(turn[name] for turn in turns) for name in ways}
    with capsys.disabled():
        print(f"\n{torch.get_num_threads()} hilos, {UNITS * STEPS / took['labkit']:.0f} unidades·paso por segundo en labkit")
        for name in list(ways)[1:]:
            ratio = median(turn[name] / turn["labkit"] for turn in turns)
            print(f"  {name}: {UNITS * STEPS / took[name]:.0f} por segundo; labkit va {ratio:.2f} veces más rápido (se pide ≥ 3)")
    assert len(took) == 3

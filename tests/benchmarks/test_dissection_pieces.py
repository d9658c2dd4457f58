"""Cuánto cuesta contar en pedazos para decir qué tan seguro es cada nombre, en una disección como la de Broden.

No corre con las demás pruebas. Desde la raíz del proyecto, con tests/requirements.txt instalado:

    pytest tests/benchmarks/test_dissection_pieces.py --benchmark-disable

512 unidades con mapas de 13 × 13, 1200 conceptos de seis categorías y anotaciones de 112 × 112; las imágenes se hacen al vuelo y la
red es una sola convolución, así que casi todo el tiempo es contar. El máximo de memoria se pone en ceros antes (Linux).
"""
import os
import subprocess
import sys
from pathlib import Path

import pytest

pytest.importorskip("pytest_benchmark", reason="pytest-benchmark no está instalado")
ROOT = Path(__file__).resolve().parents[2]
PROGRAM = """
import sys
from collections import OrderedDict
from time import process_time
import torch
from torch import nn
from labkit.dissection import dissect_shared, tally_parts
from labkit.dissection.fast.sharing import pieces_shared
from labkit.regions import regions_of_planes
torch.set_num_threads(1)
torch.manual_seed(0)

class Endless:
    names, categories = [str(k) for k in range(1200)], [f"g{{k % 6}}" for k in range(1200)]
    def __len__(self):
        return {n}
    def pictures(self, rows):
        return torch.rand(len(rows), 3, 26, 26, generator=torch.Generator().manual_seed(int(rows[0])))
    def regions(self, rows):
        planes = [torch.randint(0, 1200, (3, 4, 4), generator=torch.Generator().manual_seed(row)) for row in rows.tolist()]
        return regions_of_planes([plane.repeat_interleave(28, 1).repeat_interleave(28, 2) for plane in planes])

def memory(name):
    return next(int(line.split()[1]) for line in open("/proc/self/status") if line.startswith(name)) / 1024

model = nn.Sequential(OrderedDict(conv=nn.Conv2d(3, 512, 3, 2, 1))).eval().requires_grad_(False)
begin = process_time()
found = dissect_shared(model, Endless(), "conv")
took = process_time() - begin
with open("/proc/self/clear_refs", "w") as file:
    file.write("5")
before, begin = memory("VmRSS"), process_time()
made = {work}
print(took, process_time() - begin, memory("VmHWM") - before)
"""


def measured(n, work):
    """Los segundos de disecar, los de contar en pedazos y cuántos megabytes creció el máximo de memoria."""
    done = subprocess.run([sys.executable, "-c", PROGRAM.format(n=n, work=work)], cwd=ROOT, text=True, capture_output=True, check=True,
                          env=os.environ | {"OMP_NUM_THREADS": "1", "PYTHONPATH": str(ROOT), "MALLOC_MMAP_THRESHOLD_": "65536"})
    return [float(number) for number in done.stdout.splitlines()[-1].split()[-3:]]


@pytest.mark.skipif(not os.access("/proc/self/clear_refs", os.W_OK), reason="el máximo de memoria solo se puede poner en ceros en Linux")
def test_a_thousand_pieces_cost_less_than_a_hundred_whole_ones(capsys):
    """Mil pedazos: a lo más lo que tarda disecar, más los nombres; y menos memoria que cien pedazos completos."""
    took, fine, small = measured(2000, 'pieces_shared(model, Endless(), "conv", found).name_sets()')
    _, whole, big = measured(2000, 'tally_parts(model, Endless(), "conv", found, 100)')
    with capsys.disabled():
        print(f"\ndisecar, {took:.1f} s de procesador; en 1000 pedazos y sus nombres, {fine:.1f} s más y {small:.0f} MB; en 100 pedazos "
              f"completos, {whole:.1f} s y {big:.0f} MB")
    assert fine <= took and small < big

"""Cuánta memoria pide disecar: lo mismo con 500 imágenes que con 5000, salvo la cola de los umbrales, que es exacta.

No corre con las demás pruebas. Desde la raíz del proyecto, con tests/requirements.txt instalado:

    pytest tests/benchmarks/test_dissection_memory.py --benchmark-disable

Cada medida va en otro proceso, con imágenes que se hacen al vuelo: el máximo de memoria se pone en ceros justo antes de
disecar (Linux), y así no cuenta lo que pesan la red ni las imágenes.
"""
import os
import subprocess
import sys
from pathlib import Path

import pytest

pytest.importorskip("pytest_benchmark", reason="pytest-benchmark no está instalado")
ROOT = Path(__file__).resolve().parents[2]
FEW, MANY, SHARE, PLACES, UNITS = 500, 5000, 0.005, 64, 128                 # conv5 de escenas: 128 mapas de 8 × 8
PROGRAM = """
import sys
import torch
from labkit.dissection import dissect
from labkit.models import load_model
from labkit.regions import regions_of_masks
torch.set_num_threads(1)

class Endless:
    names, categories, keep = [str(k) for k in range(40)], ["a", "b"] * 20, []
    def __init__(self, n):
        self.n = n
    def __len__(self):
        return self.n
    def pictures(self, rows):
        images = torch.rand(len(rows), 3, 64, 64, generator=torch.Generator().manual_seed(int(rows[0])))
        if {hoard}:
            self.keep.append(images)
        return images
    def regions(self, rows):
        masks = torch.rand(len(rows), 40, 8, 8, generator=torch.Generator().manual_seed(int(rows[0]))) < 0.05
        return regions_of_masks(masks.repeat_interleave(8, 2).repeat_interleave(8, 3))

def memory(name):
    return next(int(line.split()[1]) for line in open("/proc/self/status") if line.startswith(name)) / 1024

model = load_model("escenas", "cpu")
dissect(model, Endless(160), "conv5")                           # lo que torch aparta la primera vez
with open("/proc/self/clear_refs", "w") as file:
    file.write("5")
before = memory("VmRSS")
dissect(model, Endless({n}), "conv5")
print(before, memory("VmHWM") - before)
"""


def growth(n, hoard=False):
    """Megabytes que crece el máximo de memoria del proceso mientras diseca n imágenes.

    A malloc se le fija desde qué tamaño devuelve la memoria: si no, se queda a veces con 30 MB que ya nadie usa.
    """
    done = subprocess.run([sys.executable, "-c", PROGRAM.format(n=n, hoard=hoard)], cwd=ROOT, text=True, capture_output=True,
                          check=True,
                          env=os.environ | {"OMP_NUM_THREADS": "1", "PYTHONPATH": str(ROOT), "MALLOC_MMAP_THRESHOLD_": "65536"})
    before, grown = map(float, done.stdout.splitlines()[-1].split())
    return before, grown


@pytest.mark.skipif(not os.access("/proc/self/clear_refs", os.W_OK), reason="el máximo de memoria solo se puede poner en ceros en Linux")
def test_memory_is_flat(capsys):
    """Diez veces más imágenes: a lo más, lo que pesa de más la cola (tres veces, mientras se junta) y 16 MB de holgura."""
    (before, few), (_, many) = growth(FEW), growth(MANY)
    tails = [SHARE * n * PLACES * UNITS * 4 / 2 ** 20 for n in (FEW, MANY)]
    with capsys.disabled():
        print(f"\nantes de disecar, {before:.0f} MB; al disecar {FEW} imágenes, {few:.1f} MB más; {MANY}, {many:.1f} MB más (la cola pesa "
              f"{tails[0]:.2f} y {tails[1]:.2f} MB); las imágenes pesarían {MANY * 3 * 64 * 64 * 4 / 2 ** 20:.0f} MB")
    assert many - few < 3 * (tails[1] - tails[0]) + 16


@pytest.mark.skipif(not os.access("/proc/self/clear_refs", os.W_OK), reason="el máximo de memoria solo se puede poner en ceros en Linux")
def test_the_measure_would_notice_if_images_were_kept():
    assert growth(1000, hoard=True)[1] - growth(500, hoard=True)[1] > 20    # 500 imágenes pesan 23 MB

"""Disecar entre varios procesos y retomar lo interrumpido da, bit por bit, lo mismo que de un jalón."""
import os
import subprocess
import sys
from collections import OrderedDict
from pathlib import Path

import pytest
import safetensors.torch
import torch
from conftest import full_disk

from labkit.datasets import load_images
from labkit.dissection import Convention, dissect, dissect_shared, processes
from labkit.dissection.fast import sharing
from labkit.dissection.masks import maps_of
from labkit.dissection.thresholds import tail_of
from labkit.models import load_model, plain_network, random_twin
from labkit.regions import regions_of_masks

ROOT = Path(__file__).resolve().parent.parent
CONCEPTS = {"names": list("abcde"), "categories": ["uno", "uno", "dos", "dos", "tres"]}


class Stream:
    """Un conjunto que se lee por partes: anota qué imágenes le piden.

    stop: una imagen y una vez: la vez que la pidan, se interrumpe.
    """

    def __init__(self, n=75, seed=0, stop=(None, 0)):
        generator = torch.Generator().manual_seed(seed)
        self.hidden = torch.rand(n, 3, 20, 20, generator=generator)
        self.marks = torch.rand(n, 5, 20, 20, generator=generator) < torch.tensor([0.3, 0.1, 0.02, 0.5, 0.05])[:, None, None]
        self.names, self.categories, self.stop, self.asked = *CONCEPTS.values(), stop, []

    def __len__(self):
        return len(self.hidden)

    def pictures(self, rows):
        self.asked += rows.tolist()
        if self.stop[0] in rows.tolist() and self.asked.count(self.stop[0]) == self.stop[1]:
            raise KeyboardInterrupt
        return self.hidden[rows]

    def regions(self, rows):
        return regions_of_masks(self.marks[rows])


@pytest.fixture(scope="module")
def model():
    return random_twin(plain_network(3, (6, 7), dense=5, pools=[1])).eval().requires_grad_(False)


def bits(found):
    counts = found.tally
    return [counts.both, counts.active, counts.truth, torch.tensor(counts.pixels), counts.categories, found.cuts, found.dead]


def same(one, other):
    return (one.names, one.categories) == (other.names, other.categories) and all(
        a.dtype == b.dtype and torch.equal(a, b) for a, b in zip(bits(one), bits(other)))


@pytest.mark.parametrize("convention", ["paper", "netdissect", "lite", "dissect", "every_image"])
def test_alone_it_is_dissect(model, convention):
    whole = dissect(model, Stream(), "conv2", convention, 4)
    assert same(dissect_shared(model, Stream(), "conv2", convention, 4), whole)
    assert not same(dissect_shared(model, Stream(seed=1), "conv2", convention, 4), whole)


def test_the_tail_of_two_tails_is_exact_or_refuses():
    """La suma de dos colas de 10 no sabe cuál es el lugar 15: podría estar entre lo que una no guardó."""
    maps = torch.arange(200.0).reshape(2, 1, 10, 10)
    both = tail_of(maps[:1], 10) + tail_of(maps[1:], 10)
    assert both.top.tolist() == [list(range(199, 189, -1))] and both.cut(9 / 200) == 190
    with pytest.raises(ValueError, match="guarda 10 de 200 valores"):
        both.cut(15 / 200)
    full = tail_of(maps[:1], 300) + tail_of(maps[1:], 300)
    assert full.top.shape == (1, 200) and full.low == 0 and full.cut(0.5) == 99


@pytest.mark.parametrize(("world", "size"), [(Stream(0), 32), (Stream(4), 0)])
def test_without_images_or_batches_it_is_told(model, world, size):
    with pytest.raises(ValueError, match="world, batch_size, folder: esperaba imágenes"):
        dissect_shared(model, world, "conv2", batch_size=size)


def test_a_file_in_the_place_of_the_folder_is_told(model, tmp_path):
    (tmp_path / "nota.txt").write_text("hola")
    with pytest.raises(ValueError, match="nota.txt"):
        dissect_shared(model, Stream(), "conv2", folder=tmp_path / "nota.txt")


# ── interrumpir y retomar ───────────────────────────────────────────────────────────────────────────────────────────

class Counted(torch.nn.Module):
    """Una red que anota cuántas imágenes vio."""

    def __init__(self, model):
        super().__init__()
        self.inside, self.seen = model, 0

    def forward(self, images):
        self.seen += len(images)
        return self.inside(images)


# cada imagen se pide en los umbrales y en las cuentas; la 0, además, para saber cuánto mide y para la huella
@pytest.mark.parametrize(("stop", "left"), [((52, 1), 2 * 75 - 48), ((52, 2), 75 - 48), ((0, 3), 150), ((72, 2), 75 - 64)])
def test_what_was_interrupted_goes_on(model, tmp_path, capsys, monkeypatch, stop, left):
    whole = dissect(model, Stream(), "conv2", batch_size=4)
    monkeypatch.setattr(sharing, "BLOCK", 4)
    with pytest.raises(KeyboardInterrupt):
        dissect_shared(Counted(model), Stream(stop=stop), "inside.conv2", batch_size=4, folder=tmp_path)
    capsys.readouterr()
    counted = Counted(model)
    found = dissect_shared(counted, Stream(), "inside.conv2", batch_size=4, folder=tmp_path)
    assert same(found, whole) and counted.seen == left
    assert ("Se retoma (umbrales): " in capsys.readouterr().out) == (stop[0] > 0)
    again = dissect_shared(counted, Stream(), "inside.conv2", batch_size=4, folder=tmp_path)
    assert same(again, whole) and counted.seen == left                      # ya no hay nada que contar
    assert capsys.readouterr().out == ("Se retoma (umbrales): 19 de 19 lotes ya estaban contados.\n"
                                       "Se retoma (cuentas): 19 de 19 lotes ya estaban contados.\n")


@pytest.mark.parametrize("other", ["weights", "structure", "layer", "convention", "images", "masks", "fewer", "batch"])
def test_another_dissection_starts_again_and_says_so(model, tmp_path, capsys, other):
    dissect_shared(model, Stream(20), "conv2", batch_size=4, folder=tmp_path)
    assert capsys.readouterr().out == ""
    changed, world, layer, way, size = random_twin(model, 5) if other == "weights" else model, Stream(20), "conv2", "paper", 4
    if other == "structure":
        changed = torch.nn.Sequential(OrderedDict(model.named_children())).eval()
        changed.pool1 = torch.nn.MaxPool2d(3, 2, 1)
    if other == "images":
        world.hidden = world.hidden.flip(3)
    if other == "masks":
        world.marks = world.marks.flip(0)
    layer, way = "conv1" if other == "layer" else layer, Convention(0.01) if other == "convention" else way
    world, size = Stream(16) if other == "fewer" else world, 5 if other == "batch" else size
    found = dissect_shared(changed, world, layer, way, size, tmp_path)
    assert capsys.readouterr().out == f"{tmp_path} tiene otra disección, de otra red, capa, convención o conjunto; esta empieza de cero.\n"
    assert same(found, dissect(changed, world, layer, way, size))
    assert "Se retoma" in (dissect_shared(model, Stream(20), "conv2", batch_size=4, folder=tmp_path), capsys.readouterr().out)[1]


def test_images_in_the_memory_are_all_compared(model, tmp_path, capsys):
    """De un conjunto que los tiene a la mano se comparan todas las imágenes; de uno que se lee por partes, el primer lote."""
    class Whole(Stream):
        @property
        def images(self):
            return self.hidden

    for kind, says in ((Whole, "otra disección"), (Stream, "Se retoma (cuentas): 5 de 5")):
        dissect_shared(model, kind(20), "conv2", batch_size=4, folder=tmp_path / kind.__name__)
        world = kind(20)
        world.hidden[17] = 0
        dissect_shared(model, world, "conv2", batch_size=4, folder=tmp_path / kind.__name__)
        assert says in capsys.readouterr().out


@pytest.mark.parametrize("stage", ["umbrales", "cuentas"])
def test_what_is_damaged_is_noticed_and_counted_again(model, tmp_path, capsys, stage):
    """Cortado, vacío o con un bit cambiado en cualquier parte: nunca se usa."""
    whole = dissect_shared(model, Stream(20), "conv2", batch_size=4, folder=tmp_path)
    path, = tmp_path.glob(f"{stage}-*")
    content = path.read_bytes()
    places = torch.randint(0, len(content), (25,), generator=torch.Generator().manual_seed(0)).tolist()
    broken = [b"", content[:-1], content[:100], content[:7], b"hola" * 50, content + b"x"]
    broken += [content[:i] + bytes([content[i] ^ 4]) + content[i + 1:] for i in [*range(0, 160, 9), *places]]
    for bad in broken:
        path.write_bytes(bad)
        capsys.readouterr()
        assert same(dissect_shared(model, Stream(20), "conv2", batch_size=4, folder=tmp_path), whole)
        told = capsys.readouterr().out
        assert f"{path.name} está dañado y no se usa: sus lotes se cuentan otra vez." in told
        assert path.read_bytes() == content and not list(tmp_path.glob("*.tmp"))


def test_a_save_cut_short_leaves_what_there_was(model, tmp_path, monkeypatch, capsys):
    """Si el disco se llena a media escritura, lo anterior sigue ahí y entero."""
    monkeypatch.setattr(sharing, "BLOCK", 2)
    written, real = [], safetensors.torch.save

    def large(arrays):
        written.append(arrays)
        return real(arrays) + bytes(10 ** 6 if len(written) == 2 else 0)

    monkeypatch.setattr(safetensors.torch, "save", large)
    with full_disk(500_000), pytest.raises(OSError):
        dissect_shared(model, Stream(20), "conv2", batch_size=4, folder=tmp_path)
    found = dissect_shared(model, Stream(20), "conv2", batch_size=4, folder=tmp_path)
    assert same(found, dissect(model, Stream(20), "conv2", "paper", 4)) and "Se retoma (umbrales): 2 de 5" in capsys.readouterr().out


# ── entre dos procesos ──────────────────────────────────────────────────────────────────────────────────────────────

PROGRAM = """
import sys
sys.path[:0] = [{tests!r}, {root!r}]
import torch
from test_dissection_shared import *
torch.set_num_threads(1)
model = random_twin(plain_network(3, (6, 7), dense=5, pools=[1])).eval().requires_grad_(False)
folder = Path({folder!r})
with processes() as rank:
    found = {{"stream": dissect_shared(model, Stream(), "conv2", batch_size=4), "dense": dissect_shared(model, Stream(), "relu3", batch_size=8)}}
    lazy = Stream()
    found["lazy"] = dissect_shared(model, lazy, "conv2", "dissect", 4)
    found["fewer"] = dissect_shared(model, Stream(3), "conv2", batch_size=4)
    found["resumed"] = dissect_shared(model, Stream(), "conv2", batch_size=4, folder=folder / "half")
    try:
        dissect_shared(model, Stream(seed=rank), "conv2")
    except ValueError as error:
        found["told"] = str(error)
    found["asked"] = sorted(set(lazy.asked))
    torch.save({{name: bits(made) if hasattr(made, "tally") else made for name, made in found.items()}}, folder / f"{{rank}}.pt")
"""


def torchrun(*arguments, folder):
    order = [sys.executable, "-m", "torch.distributed.run", "--standalone", "--nproc-per-node", "2", *arguments]
    return subprocess.run(order, cwd=folder, env=os.environ | {"OMP_NUM_THREADS": "1", "PYTHONPATH": str(ROOT)}, text=True,
                          capture_output=True, timeout=300)


def test_two_processes_make_the_same_bits_as_one(model, tmp_path, monkeypatch, capsys):
    monkeypatch.setattr(sharing, "BLOCK", 4)
    with pytest.raises(KeyboardInterrupt):                                  # lo empieza uno y lo terminan dos
        dissect_shared(model, Stream(stop=(52, 1)), "conv2", batch_size=4, folder=tmp_path / "half")
    (tmp_path / "two.py").write_text(PROGRAM.format(tests=str(ROOT / "tests"), root=str(ROOT), folder=str(tmp_path)))
    done = torchrun("two.py", folder=tmp_path)
    assert done.returncode == 0, done.stderr
    assert done.stdout.count("Se retoma (umbrales): 12 de 19 lotes ya estaban contados.") == 1
    parts = [torch.load(tmp_path / f"{rank}.pt", weights_only=True) for rank in (0, 1)]
    alone = {"stream": dissect(model, Stream(), "conv2", batch_size=4), "dense": dissect(model, Stream(), "relu3", batch_size=8),
             "lazy": dissect(model, Stream(), "conv2", "dissect", 4), "fewer": dissect(model, Stream(3), "conv2", batch_size=4)}
    alone["resumed"] = alone["stream"]
    for name, whole in alone.items():
        for part in parts:
            assert all(torch.equal(a, b) for a, b in zip(part[name], bits(whole), strict=True)), name
    assert all("los procesos no recibieron la misma red" in part["told"] for part in parts)
    asked = [set(part["asked"]) for part in parts]                          # nadie lee las imágenes del otro, salvo el primer lote
    assert asked[0] | asked[1] == set(range(75)) and asked[0] & asked[1] <= set(range(4))
    capsys.readouterr()
    assert same(dissect_shared(model, Stream(), "conv2", batch_size=4, folder=tmp_path / "half"), alone["stream"])  # y ahora uno
    assert "Se retoma (cuentas): 19 de 19" in capsys.readouterr().out


def test_the_last_bit_depends_on_the_batch_and_that_is_why_batches_are_not_split():
    """La comprobación de que hacía falta: con otros lotes, alguna activación cambia de último bit; con los mismos, ninguna."""
    model, images = load_model("escenas", "cpu"), load_images("test", n=64).images
    with torch.no_grad():
        one, other, again = (torch.cat([maps_of(model, part, "conv5") for part in images.split(size)]) for size in (32, 1, 32))
    assert torch.equal(one, again) and torch.allclose(one, other, atol=1e-4)


def test_without_torchrun_there_is_one_process(monkeypatch):
    for name in ("RANK", "WORLD_SIZE", "MASTER_ADDR", "MASTER_PORT"):
        monkeypatch.delenv(name, raising=False)
    with processes() as rank:
        assert rank == 0 and not torch.distributed.is_initialized()

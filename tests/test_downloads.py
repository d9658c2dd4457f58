"""Lo que se baja: suma comprobada, nada a medias con el nombre bueno, y el segundo intento se recupera."""
import hashlib
import io
import os
import pickle
import signal
import subprocess
import sys
import tarfile
import threading
import time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from zipfile import ZipFile

import numpy as np
import pytest
import torch
from PIL import Image

from labkit.commands import fetch
from labkit.datasets import load_concepts, load_images
from labkit.downloads import cache_path, fetch_file, import_torchvision, real_data, same_sum
from labkit.downloads.cifar10 import CLASSES, FOLDERS

ROOT = Path(__file__).resolve().parent.parent
CONTENT = bytes(range(256)) * 2000
DIGEST = hashlib.sha256(CONTENT).hexdigest()


class Server(BaseHTTPRequestHandler):
    """Un servidor de mentira: /entero, /cortado (dice más de lo que da), /cambiado, /lento, y lo demás no existe."""

    def do_GET(self) -> None:
        if self.path not in ("/entero", "/cortado", "/cambiado", "/lento"):
            return self.send_error(404)
        self.send_response(200)
        self.send_header("Content-Length", str(len(CONTENT)))
        self.end_headers()
        if self.path == "/lento":
            self.wfile.write(CONTENT[:300_000])
            self.wfile.flush()
            time.sleep(20)
        else:
            self.wfile.write({"/entero": CONTENT, "/cortado": CONTENT[:999], "/cambiado": bytes(len(CONTENT))}[self.path])

    def log_message(self, *_args) -> None:
        pass


@pytest.fixture(scope="module")
def site():
    server = ThreadingHTTPServer(("127.0.0.1", 0), Server)
    server.daemon_threads = True
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield f"http://127.0.0.1:{server.server_port}"
    server.shutdown()


def test_a_whole_file_arrives_once(site, tmp_path, monkeypatch, capsys):
    path = fetch_file(f"{site}/entero", tmp_path / "nueva" / "datos.bin", DIGEST)
    assert path.read_bytes() == CONTENT and [p.name for p in path.parent.iterdir()] == ["datos.bin"]
    out = capsys.readouterr()
    assert "Bajando entero" in out.out and out.err == ""
    monkeypatch.setattr("urllib.request.urlopen", lambda *_a, **_k: pytest.fail("volvió a bajarlo"))
    fetch_file(f"{site}/entero", path, DIGEST[:8])


@pytest.mark.parametrize("page, sentence", [("cortado", "incompleto o cambiado|no pude bajar"), ("cambiado", "incompleto o cambiado"),
                                            ("nada", "no pude bajar.*404.*hace falta internet")])
def test_what_did_not_arrive_leaves_nothing(site, tmp_path, page, sentence):
    path = tmp_path / "datos.bin"
    with pytest.raises(RuntimeError, match=sentence):
        fetch_file(f"{site}/{page}", path, DIGEST)
    assert list(tmp_path.iterdir()) == []
    path.write_bytes(CONTENT[:500])                                     # y una copia dañada que ya estaba se reemplaza
    assert fetch_file(f"{site}/entero", path, DIGEST).read_bytes() == CONTENT


def test_no_network_is_one_clear_sentence(tmp_path):
    with pytest.raises(RuntimeError, match="no pude bajar.*hace falta internet la primera vez.*funciona sin red"):
        fetch_file("http://127.0.0.1:9/nada", tmp_path / "datos.bin", DIGEST)
    assert list(tmp_path.iterdir()) == []


def test_a_folder_that_cannot_be_written_is_told(site, tmp_path):
    (tmp_path / "archivo").write_text("no soy una carpeta")
    with pytest.raises(RuntimeError, match="no pude bajar"):
        fetch_file(f"{site}/entero", tmp_path / "archivo" / "datos.bin", DIGEST)


@pytest.mark.skipif(sys.platform == "win32", reason="SIGKILL")
def test_a_process_killed_while_writing_leaves_nothing_that_looks_whole(site, tmp_path):
    path = tmp_path / "datos.bin"
    program = f"from pathlib import Path\nfrom labkit.downloads import fetch_file\nfetch_file({site + '/lento'!r}, Path({str(path)!r}), {DIGEST!r})"
    process = subprocess.Popen([sys.executable, "-c", program], cwd=ROOT, stdout=subprocess.DEVNULL)
    for _ in range(600):
        if list(tmp_path.iterdir()):
            break
        time.sleep(0.05)
    partial, = tmp_path.glob("datos.bin.*.parcial")
    process.send_signal(signal.SIGKILL)
    process.wait()
    assert not path.exists()
    os.utime(partial, (0, 0))                                           # pasa una hora: ya nadie lo está escribiendo
    assert fetch_file(f"{site}/entero", path, DIGEST).read_bytes() == CONTENT
    assert [p.name for p in tmp_path.iterdir()] == ["datos.bin"]


def test_sums_are_md5_or_the_beginning_of_sha256(tmp_path):
    (tmp_path / "a").write_bytes(b"abc")
    assert same_sum(tmp_path / "a", "900150983cd24fb0d6963f7d28e17f72")         # RFC 1321
    assert same_sum(tmp_path / "a", "ba7816bf") and not same_sum(tmp_path / "a", "ba7816b0")
    assert not same_sum(tmp_path / "a", "900150983cd24fb0d6963f7d28e17f73")


def test_the_cache_folder_can_be_chosen(monkeypatch, tmp_path):
    monkeypatch.setenv("LABKIT_CACHE", str(tmp_path))
    assert cache_path("cifar10") == tmp_path / "cifar10"
    monkeypatch.delenv("LABKIT_CACHE")
    assert cache_path("cifar10") == Path.home() / ".cache" / "labkit" / "cifar10"
    monkeypatch.setenv("LABKIT_REAL_DATA", str(tmp_path))
    assert real_data("nada.zip") is None


# ── CIFAR-10 ─────────────────────────────────────────────────────────────────────────────────────────────────────────

def md5(content: bytes) -> str:
    return hashlib.md5(content).hexdigest()


PIXELS = np.random.default_rng(0).integers(0, 256, (60, 3, 32, 32), dtype=np.uint8)
LABELS = [int(label) for label in np.random.default_rng(1).integers(0, 10, 60)]


@pytest.fixture
def cifar(tmp_path, monkeypatch):
    """Un CIFAR-10 de 50 y 10 imágenes en su formato publicado, en un .tar.gz con sumas propias, y una caché vacía."""
    CIFAR10 = import_torchvision().datasets.CIFAR10
    files = {"batches.meta": pickle.dumps({"label_names": list(FOLDERS)})}
    for i in range(6):
        rows = slice(10 * i, 10 * i + 10)
        name = f"data_batch_{i + 1}" if i < 5 else "test_batch"
        files[name] = pickle.dumps({"data": PIXELS[rows].reshape(10, -1), "labels": LABELS[rows]})
    with tarfile.open(tmp_path / "cifar-10-python.tar.gz", "w:gz") as package:
        for name, content in files.items():
            entry = tarfile.TarInfo(f"cifar-10-batches-py/{name}")
            entry.size = len(content)
            package.addfile(entry, io.BytesIO(content))
    archive = tmp_path / "cifar-10-python.tar.gz"
    monkeypatch.setattr(CIFAR10, "url", archive.as_uri())
    monkeypatch.setattr(CIFAR10, "tgz_md5", md5(archive.read_bytes()))
    monkeypatch.setattr(CIFAR10, "meta", CIFAR10.meta | {"md5": md5(files["batches.meta"])})
    monkeypatch.setattr(CIFAR10, "train_list", [[f"data_batch_{i}", md5(files[f"data_batch_{i}"])] for i in range(1, 6)])
    monkeypatch.setattr(CIFAR10, "test_list", [["test_batch", md5(files["test_batch"])]])
    monkeypatch.setattr("labkit.datasets.SIZES", {"train": 50, "test": 10})
    monkeypatch.delenv("LABKIT_REAL_DATA", raising=False)
    monkeypatch.setenv("LABKIT_CACHE", str(tmp_path / "caché"))
    return tmp_path


def check_cifar(split: str, rows: slice, **options) -> None:
    data = load_images(split, "cifar10", **options)
    assert torch.equal((data.images * 255).round().to(torch.uint8), torch.from_numpy(PIXELS[rows]))
    assert data.images.dtype == torch.float32 and data.images.max() <= 1
    assert data.labels.tolist() == LABELS[rows] and data.classes == list(CLASSES)


def test_cifar10_is_downloaded_only_when_asked_for_and_then_stays(cifar):
    with pytest.raises(FileNotFoundError, match="170 MB.*download=True.*labkit fetch cifar10"):
        load_images("test", "cifar10")
    assert not (cifar / "caché").exists()
    check_cifar("test", slice(50, 60), download=True)
    (cifar / "cifar-10-python.tar.gz").unlink()
    check_cifar("train", slice(0, 50))
    check_cifar("train", slice(0, 7), n=7)
    assert sorted(path.name for path in (cifar / "caché/cifar10").iterdir()) == ["cifar-10-batches-py", "cifar-10-python.tar.gz"]


def test_cifar10_without_network(cifar):
    (cifar / "cifar-10-python.tar.gz").unlink()
    with pytest.raises(RuntimeError, match="no pude bajar cifar-10-python.tar.gz"):
        load_images("test", "cifar10", download=True)
    assert list((cifar / "caché/cifar10").iterdir()) == []


@pytest.mark.parametrize("damage", ["archivo", "falta", "carpeta a medias"])
def test_a_damaged_cache_recovers_from_its_own_package(cifar, damage):
    load_images("test", "cifar10", download=True)
    folder = cifar / "caché/cifar10/cifar-10-batches-py"
    if damage == "archivo":
        (folder / "test_batch").write_bytes(b"\x80\x04K\x01.")
    elif damage == "falta":
        (folder / "data_batch_3").unlink()
    else:
        folder.rename(folder.with_name("cifar-10-batches-py.a1b2.parcial"))        # como si se hubiera cortado al descomprimir
        os.utime(folder.with_name("cifar-10-batches-py.a1b2.parcial"), (0, 0))     # hace más de una hora
    check_cifar("test", slice(50, 60))
    assert sorted(path.name for path in folder.parent.iterdir()) == ["cifar-10-batches-py", "cifar-10-python.tar.gz"]


def test_a_damaged_package_is_told_and_fetched_again(cifar):
    load_images("test", "cifar10", download=True)
    folder = cifar / "caché/cifar10"
    (folder / "cifar-10-python.tar.gz").write_bytes(b"a medias")
    (folder / "cifar-10-batches-py/test_batch").unlink()
    with pytest.raises(FileNotFoundError, match="dañado"):
        load_images("test", "cifar10")
    check_cifar("test", slice(50, 60), download=True)


def test_a_wrong_md5_never_reaches_the_cache(cifar, monkeypatch):
    monkeypatch.setattr(import_torchvision().datasets.CIFAR10, "tgz_md5", "0" * 32)
    with pytest.raises(RuntimeError, match="incompleto o cambiado"):
        load_images("test", "cifar10", download=True)
    assert list((cifar / "caché/cifar10").iterdir()) == []


@pytest.mark.parametrize("arguments, sentence", [(("val", "cifar10"), "no tiene una parte «val»"),
                                                 (("test", "cifar10", 11), "de 1 a 10, las imágenes de «cifar10/test»"), (("test", "cifar10", 0), "de 1 a 10")])
def test_wrong_arguments_are_named(cifar, arguments, sentence):
    with pytest.raises(ValueError, match=sentence):
        load_images(*arguments)


def test_unknown_sources_list_cifar10_and_it_has_no_concepts():
    with pytest.raises(ValueError, match="cifar10"):
        load_images("test", "cifar")
    with pytest.raises(ValueError, match="no trae conceptos"):
        load_concepts("test", "cifar10")


@pytest.fixture
def jpegs(tmp_path, monkeypatch):
    """Una copia en JPEG como la que señala LABKIT_REAL_DATA: cada imagen de un solo tono, su lugar en el orden oficial."""
    seen = [0] * 10
    with ZipFile(tmp_path / "cifar10_jpeg.zip", "w") as package:
        for i, label in enumerate(LABELS[:40]):
            buffer = io.BytesIO()
            Image.new("RGB", (32, 32), (6 * i,) * 3).save(buffer, "JPEG")
            package.writestr(f"test/{FOLDERS[label]}/{seen[label]:04d}.jpg", buffer.getvalue())
            seen[label] += 1
    np.savez(tmp_path / "cifar10_official_labels.npz", y_test=np.array(LABELS[:40], np.uint8))
    monkeypatch.setenv("LABKIT_REAL_DATA", str(tmp_path))
    monkeypatch.setattr("labkit.datasets.SIZES", {"test": 40})
    return tmp_path


def test_the_jpeg_copy_comes_in_the_official_order(jpegs):
    data = load_images("test", "cifar10")
    assert (data.images.mean((1, 2, 3)) * 255 / 6).round().tolist() == list(range(40))
    assert data.labels.tolist() == LABELS[:40] and data.scene_names == []


def test_a_damaged_jpeg_copy_is_named(jpegs):
    (jpegs / "cifar10_jpeg.zip").write_bytes((jpegs / "cifar10_jpeg.zip").read_bytes()[:3000])
    with pytest.raises(RuntimeError, match="cifar10_jpeg.zip está dañado"):
        load_images("test", "cifar10")


# ── python -m labkit fetch ───────────────────────────────────────────────────────────────────────────────────────────

def test_fetch_brings_what_is_named(cifar, capsys):
    assert fetch.main(["cifar10"]) == 0
    assert "✓ cifar10" in capsys.readouterr().out
    check_cifar("test", slice(50, 60))


def test_fetch_tells_what_failed_and_goes_on(cifar, capsys, monkeypatch):
    monkeypatch.setenv("TORCH_HOME", str(cifar))
    monkeypatch.setattr("labkit.models.imagenet.fetch_file", lambda *_a: (_ for _ in ()).throw(RuntimeError("no pude bajar eso")))
    assert fetch.main(["alexnet", "cifar10"]) == 1
    said = capsys.readouterr()
    assert "✗ alexnet: no pude bajar eso" in said.err and "✓ cifar10" in said.out


def test_fetch_knows_its_names(capsys):
    assert fetch.main(["--help"]) == 0 and "squeezenet1_1" in capsys.readouterr().out
    assert fetch.main(["imagenet"]) == 2 and "No conozco imagenet" in capsys.readouterr().err
    done = subprocess.run([sys.executable, "-m", "labkit", "fetch", "nada"], cwd=ROOT, capture_output=True, text=True)
    assert done.returncode == 2 and "googlenet" in done.stderr

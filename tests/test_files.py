"""Escribir aparte y luego poner el nombre: lo de antes queda intacto si algo falla, y no sobra nada."""
import errno
import os
import re
import stat
import subprocess
import sys
import threading
import time
from pathlib import Path

import pytest
from conftest import full_disk
from plan import modules

from labkit import files
from labkit.downloads import cache_path, tilde
from labkit.files import reason, sweep, write_aside, write_text

unix = pytest.mark.skipif(sys.platform == "win32", reason="tuberías, permisos y cuotas de Unix")
ROOT = Path(__file__).resolve().parent.parent


def names(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.iterdir())


def write(path: Path, content: bytes) -> None:
    with write_aside(path) as file:
        file.write(content)


def test_a_file_appears_whole_in_a_folder_that_is_made(tmp_path):
    write(tmp_path / "nueva" / "a.bin", b"uno")
    assert (tmp_path / "nueva" / "a.bin").read_bytes() == b"uno" and names(tmp_path / "nueva") == ["a.bin"]
    with write_aside(tmp_path / "nueva" / "a.bin") as file:
        file.write(b"dos")
        file.flush()
        assert (tmp_path / "nueva" / "a.bin").read_bytes() == b"uno"           # lo nuevo no se ve hasta que está entero
    assert (tmp_path / "nueva" / "a.bin").read_bytes() == b"dos" and names(tmp_path / "nueva") == ["a.bin"]


@pytest.mark.parametrize("death", [ValueError, KeyboardInterrupt, SystemExit, OSError(errno.ENOSPC, "No space left on device")])
@pytest.mark.parametrize("before", [b"lo de antes", None])
def test_a_failure_in_the_middle_leaves_what_was_there_and_nothing_else(tmp_path, death, before):
    path = tmp_path / "a.bin"
    if before is not None:
        path.write_bytes(before)
    with pytest.raises(death if isinstance(death, type) else OSError):
        with write_aside(path) as file:
            file.write(b"a medias")
            raise death
    assert names(tmp_path) == ([] if before is None else ["a.bin"]) and (before is None or path.read_bytes() == before)


@unix
def test_a_full_disk_leaves_what_was_there(tmp_path):
    path = tmp_path / "a.bin"
    path.write_bytes(b"lo de antes")
    with full_disk(5000), pytest.raises(OSError) as caught:
        write(path, bytes(100_000))
    assert caught.value.errno == errno.EFBIG and path.read_bytes() == b"lo de antes" and names(tmp_path) == ["a.bin"]
    with full_disk(5000), pytest.raises(OSError):
        write(path, bytes(8000))                                                # cabe en la memoria intermedia: falla al cerrar
    assert path.read_bytes() == b"lo de antes" and names(tmp_path) == ["a.bin"]


@unix
def test_a_device_is_written_and_never_replaced(tmp_path):
    """Con una terminal de mentira: si algo fallara, nunca en /dev/null, que es de toda la computadora."""
    ours, theirs = os.openpty()
    device = Path(os.ttyname(theirs))
    write(device, b"hola")
    assert os.read(ours, 10) == b"hola" and stat.S_ISCHR(device.stat().st_mode)
    os.close(ours), os.close(theirs)
    done = subprocess.run([sys.executable, "-c", "from labkit.files import write_aside\nwith write_aside('/dev/stdout') as f: f.write(b'hola')"],
                          cwd=ROOT, capture_output=True)
    assert (done.stdout, done.stderr) == (b"hola", b"")


@unix
def test_a_pipe_receives_what_is_written(tmp_path):
    os.mkfifo(tmp_path / "tubo")
    received = []
    reader = threading.Thread(target=lambda: received.append((tmp_path / "tubo").read_bytes()), daemon=True)
    reader.start()
    write(tmp_path / "tubo", b"por aqui")
    reader.join(10)
    assert received == [b"por aqui"] and stat.S_ISFIFO((tmp_path / "tubo").stat().st_mode) and names(tmp_path) == ["tubo"]


@unix
def test_a_link_stays_a_link_and_permissions_stay(tmp_path):
    (tmp_path / "real.bin").write_bytes(b"viejo")
    (tmp_path / "real.bin").chmod(0o640)
    (tmp_path / "enlace.bin").symlink_to("real.bin")
    write(tmp_path / "enlace.bin", b"nuevo")
    assert (tmp_path / "enlace.bin").is_symlink() and (tmp_path / "real.bin").read_bytes() == b"nuevo"
    assert stat.S_IMODE((tmp_path / "real.bin").stat().st_mode) == 0o640 and names(tmp_path) == ["enlace.bin", "real.bin"]
    old = os.umask(0o027)
    try:
        write(tmp_path / "otro.bin", b"")
    finally:
        os.umask(old)
    assert stat.S_IMODE((tmp_path / "otro.bin").stat().st_mode) == 0o640         # como cualquier archivo nuevo


def test_many_can_write_the_same_file_at_once(tmp_path):
    """Cada quien escribe aparte con su propio nombre: queda entero el de alguien, y nadie tropieza con otro."""
    path, failed = tmp_path / "a.bin", []

    def work(k: int) -> None:
        try:
            for _ in range(60):
                write(path, bytes([k]) * 10_000)
        except Exception as error:
            failed.append(error)

    threads = [threading.Thread(target=work, args=(k,)) for k in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    content = path.read_bytes()
    assert failed == [] and len(content) == 10_000 and len(set(content)) == 1 and names(tmp_path) == ["a.bin"]


def test_what_a_killed_process_left_is_swept_when_it_is_old(tmp_path):
    path, old = tmp_path / "a.bin", time.time() - 2 * files.ABANDONED
    for name in ("a.bin.0a1b2c3d.parcial", "a.bin.ffffffff.parcial", "b.bin.0a1b2c3d.parcial"):
        (tmp_path / name).write_bytes(b"a medias")
    (tmp_path / "a.bin.zzz.parcial").mkdir()
    (tmp_path / "a.bin.zzz.parcial" / "dentro").write_bytes(b"")
    for name in ("a.bin.0a1b2c3d.parcial", "b.bin.0a1b2c3d.parcial", "a.bin.zzz.parcial"):
        os.utime(tmp_path / name, (old, old))
    sweep(path)
    assert names(tmp_path) == ["a.bin.ffffffff.parcial", "b.bin.0a1b2c3d.parcial"]    # lo reciente puede ser de alguien que sigue


@unix
def test_an_error_names_the_file_that_was_asked_for(tmp_path):
    (tmp_path / "archivo").write_bytes(b"")
    with pytest.raises(OSError) as caught:
        write(tmp_path / "archivo" / "a.bin", b"")
    assert "parcial" not in str(caught.value)
    with pytest.raises(OSError) as caught:
        write(tmp_path / ("a" * 250), b"")
    assert "parcial" not in str(caught.value) and reason(caught.value) == "el nombre es demasiado largo"


def test_the_reasons_are_in_spanish():
    assert reason(OSError(errno.ENOSPC, "No space left on device")) == "no queda espacio en el disco"
    assert reason(PermissionError(errno.EACCES, "Permission denied", "a")) == "no tienes permiso"
    assert reason(FileNotFoundError("No encuentro la carpeta.")) == "No encuentro la carpeta."


def test_a_text_is_written_whole_in_utf8_with_the_line_ends_asked(tmp_path):
    path = tmp_path / "carpeta con espacios y ñ" / "índice.txt"
    write_text(path, "uno\ndós\n", "\r\n")
    assert path.read_bytes() == "uno\r\ndós\r\n".encode() and names(path.parent) == ["índice.txt"]
    with pytest.raises(UnicodeEncodeError):
        write_text(path, "\ud800")                                             # un texto que no se puede escribir
    assert path.read_bytes() == "uno\r\ndós\r\n".encode() and names(path.parent) == ["índice.txt"]


@unix
def test_a_text_on_a_full_disk_leaves_the_one_before(tmp_path):
    path = tmp_path / "a.txt"
    write_text(path, "antes")
    with full_disk(1000), pytest.raises(OSError) as caught:
        write_text(path, "x" * 5000)
    assert path.read_text() == "antes" and names(tmp_path) == ["a.txt"] and caught.value.errno == errno.EFBIG


@unix
def test_a_pipe_gets_the_text_and_stays_a_pipe(tmp_path):
    pipe, got = tmp_path / "tubería", []
    os.mkfifo(pipe)
    reader = threading.Thread(target=lambda: got.append(pipe.read_bytes()))
    reader.start()
    write_text(pipe, "hola")
    reader.join(10)
    assert got == [b"hola"] and stat.S_ISFIFO(pipe.stat().st_mode) and names(tmp_path) == ["tubería"]


@unix
def test_a_process_killed_in_the_middle_leaves_the_one_before(tmp_path):
    path = tmp_path / "a.txt"
    write_text(path, "antes")
    program = f"""
import os, signal
from labkit.files import write_aside
with write_aside({str(path)!r}) as file:
    file.write(b"a medias")
    file.flush()
    os.kill(os.getpid(), signal.SIGKILL)
"""
    done = subprocess.run([sys.executable, "-c", program], cwd=ROOT)
    assert done.returncode == -9 and path.read_text() == "antes"
    half = [name for name in names(tmp_path) if name.endswith(".parcial")]
    assert len(half) == 1
    os.utime(tmp_path / half[0], (0, 0))
    write_text(path, "después")
    assert path.read_text() == "después" and names(tmp_path) == ["a.txt"]


def test_a_home_that_is_not_known_is_told(monkeypatch):
    def missing() -> Path:
        raise RuntimeError("Could not determine home directory.")

    monkeypatch.setattr(Path, "home", missing)
    monkeypatch.delenv("LABKIT_CACHE", raising=False)
    assert files.home() is None and tilde(Path("/tmp/a")) == str(Path("/tmp/a"))
    with pytest.raises(RuntimeError, match="LABKIT_CACHE: no se sabe cuál es tu carpeta personal"):
        cache_path("a")
    monkeypatch.setenv("LABKIT_CACHE", "/tmp/otra")
    assert cache_path("a") == Path("/tmp/otra/a")


def test_a_damaged_list_of_sums_is_not_a_raw_error(tmp_path, monkeypatch):
    monkeypatch.setenv("LABKIT_DATOS", str(tmp_path))
    (tmp_path / "SHA256SUMS").write_bytes(b"una\n\xff\xfe\nabc  nombre con espacios.npz\n")
    assert files._expected_sums() == {"nombre con espacios.npz": "abc"}


def test_only_one_place_writes_files():
    """Lo que escribe un archivo pasa por files; las excepciones escriben en una carpeta aparte, o en memoria."""
    allowed = {"files.py", "broden/writing.py", "first_cell.py", "images/composing.py"}
    wrong = [path for path, text in modules().items() if path not in allowed
             and re.search(r"\.write_(text|bytes)\(|open\([^)]*[\"'][wax]b?[\"']|\bsave_file\(|(?<!safetensors\.)torch\.save\(|np\.savez?", text)]
    assert [path for path in wrong if not path.startswith("teacher/")] == []

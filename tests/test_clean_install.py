"""La instalación en limpio: un clon nuevo y los dos renglones del README, como los escribiría quien llega.

Instala PyTorch entero (unos 6 GB y varios minutos), así que se pide aparte:
`LABKIT_INSTALACION=1 pytest -s -n 0 tests/test_clean_install.py`, que también dice cuánto tardó cada paso.
"""
import json
import os
import re
import shutil
import signal
import socket
import subprocess
import time
import urllib.request
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent
README = (ROOT / "README.md").read_text(encoding="utf-8")
MINUTES = 45

pytestmark = [pytest.mark.slow, pytest.mark.skipif(
    os.environ.get("LABKIT_INSTALACION") != "1", reason="instala seis gigas: se pide con LABKIT_INSTALACION=1")]


def readme_line(end: str) -> str:
    """El renglón del README que termina así."""
    return next(line.strip() for line in README.splitlines() if re.match(r" *python3 -m venv", line) and line.endswith(end))


def timed(what: str, do: Callable[[], None]) -> None:
    start = time.monotonic()
    do()
    print(f"{what}: {time.monotonic() - start:.0f} s", flush=True)


def shell(line: str, folder: Path) -> None:
    """Corre un renglón en la terminal, sin nada del ambiente de quien prueba. AssertionError, con lo que dijo, si falla."""
    env = {key: value for key, value in os.environ.items() if not key.startswith(("LABKIT_", "PYTEST_", "PYTHON", "VIRTUAL_"))}
    done = subprocess.run(line, shell=True, cwd=folder, env=env, capture_output=True, text=True, timeout=60 * MINUTES)
    assert done.returncode == 0, f"{line}\n{done.stdout[-3000:]}{done.stderr[-3000:]}"


@pytest.fixture(scope="module")
def clone(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    folder = tmp_path_factory.mktemp("nuevo") / "curso"
    timed("clonar", lambda: shell(f"git clone -q --no-local '{ROOT}' '{folder}'", ROOT))
    yield folder
    shutil.rmtree(folder)                                       # pesa demasiado para dejarlo


def test_the_line_of_the_tests(clone: Path) -> None:
    line = readme_line("/bin/pytest")
    timed("instalar y probar", lambda: shell(f"{line} -q tests/test_shapes.py tests/test_notebook.py", clone))


def test_the_line_of_the_lessons(clone: Path) -> None:
    """JupyterLab arranca, abre la carpeta de las lecciones y ejecuta la celda de preparación."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    options = f"--no-browser --allow-root --ServerApp.port={port} --ServerApp.port_retries=0 --IdentityProvider.token=''"
    timed("abrir las lecciones", lambda: opened(f"{readme_line('jupyter lab lessons')} {options}", clone, port))
    timed("la primera celda", lambda: shell(f".venv/bin/python -c '{FIRST_CELL}'", clone))


FIRST_CELL = """
import nbformat
from nbclient import NotebookClient
book = nbformat.read("lessons/01_oclusion.ipynb", 4)
book.cells = [cell for cell in book.cells if cell.cell_type == "code"][:1]
NotebookClient(book, timeout=600, resources={"metadata": {"path": "lessons"}}).execute()
text = "".join(output.text for output in book.cells[0].outputs)
assert "labkit" in text and "Dispositivo" in text, text
"""


def opened(line: str, folder: Path, port: int) -> None:
    """Arranca el servidor, espera a que liste las lecciones y lo cierra."""
    with open(folder / "servidor.txt", "w") as log:
        server = subprocess.Popen(line, shell=True, cwd=folder, stdout=log, stderr=log, start_new_session=True)
        try:
            assert "01_oclusion.ipynb" in listed(port, server), (folder / "servidor.txt").read_text()[-3000:]
        finally:
            os.killpg(server.pid, signal.SIGTERM)
            server.wait(60)


def listed(port: int, server: subprocess.Popen) -> list[str]:
    """Los archivos que enseña JupyterLab; ninguno si no arranca."""
    end = time.monotonic() + 60 * MINUTES
    while time.monotonic() < end and server.poll() is None:
        try:
            with urllib.request.urlopen(f"http://127.0.0.1:{port}/api/contents", timeout=5) as answer:
                return [item["name"] for item in json.load(answer)["content"]]
        except OSError:
            time.sleep(1)
    return []

"""La página «Disecar una red tuya» corre tal como está escrita, desde una carpeta vacía y sin red."""
import json
import os
import re
import shlex
import subprocess
import sys
from pathlib import Path

import pytest
import torch
from torchvision.models import squeezenet1_1

from labkit.__main__ import main

ROOT = Path(__file__).resolve().parent.parent
PAGE = (ROOT / "lessons" / "disecar_tu_red.md").read_text(encoding="utf-8")
BLOCKS = re.findall(r"^```(python|bash)\n(.*?)^```$", PAGE, re.MULTILINE | re.DOTALL)
NO_NETWORK = "import socket\ndef refuse(*_, **__): raise OSError('sin red')\nsocket.socket.connect = socket.create_connection = refuse\n"


@pytest.fixture(scope="module")
def done(tmp_path_factory):
    """Lo que dijo cada orden de la página, y la carpeta en que se corrieron todas."""
    folder = tmp_path_factory.mktemp("pagina")
    (folder / "sin_red").mkdir()
    (folder / "sin_red" / "sitecustomize.py").write_text(NO_NETWORK)
    env = os.environ | {"PYTHONPATH": os.pathsep.join([str(folder / "sin_red"), str(ROOT)]), "PYTHONIOENCODING": "utf-8",
                        "OMP_NUM_THREADS": "1", "TORCH_HOME": str(folder / "nada")}
    env.pop("LABKIT_REAL_DATA", None)
    told = {}
    for kind, text in BLOCKS:
        if kind == "python":
            path = folder / re.match(r"# archivo: (\S+)\n", text)[1]
            path.parent.mkdir(exist_ok=True)
            path.write_text(text, encoding="utf-8")
            continue
        for line in text.splitlines():
            words = shlex.split(line)
            assert words[0] == "python", line
            ran = subprocess.run([sys.executable, *words[1:]], cwd=folder, env=env, capture_output=True, encoding="utf-8")
            assert (ran.returncode, ran.stderr) == (0, ""), f"{line}\n{ran.stdout}{ran.stderr}"
            told[line] = ran.stdout
    return told, folder


def said(done, start):
    line, = [line for line in done[0] if line.startswith(start)]
    return done[0][line]


def test_the_page_leads_to_a_report(done):
    told, folder = done
    assert len(told) == 7 and "Sin fallas." in said(done, "python -m labkit broden check")
    parts = [float(line.split("\t")[2].removesuffix(" %")) for line in said(done, "python -m labkit broden find").splitlines()]
    assert len(parts) == 5 and parts == sorted(parts, reverse=True)
    layers = said(done, "python -m labkit dissect --layers")
    assert re.search(r"^features +Sequential +96 +8 × 8$", layers, re.MULTILINE) or "features.8 " in layers
    assert "network." not in layers and re.search(r"^features\.8 +\w+ +\d+ +\d+ × \d+$", layers, re.MULTILINE)
    page = (folder / "reporte.html").read_text(encoding="utf-8")
    assert "Disección de network.features.8 de la red «redes/mired.py:hacer»" in page and "48 imágenes de la carpeta Broden «mis_fotos»" in page


def test_the_three_steps_open_a_network_of_torchvision_with_its_own_weights(done, monkeypatch, capsys):
    """La segunda orden del camino corto, con pesos al azar en el lugar de los tuyos."""
    torch.save(squeezenet1_1().state_dict(), done[1] / "pesos.pth")
    monkeypatch.chdir(done[1])
    first, second = re.search(r"^```text\n(python .*?)^```$", PAGE, re.MULTILINE | re.DOTALL)[1].splitlines()
    assert main(shlex.split(first)[3:]) == 0
    assert re.search(r"^features\.12 +Fire +512 +13 × 13$", capsys.readouterr().out, re.MULTILINE)
    assert "--layer features.12" in second


def test_what_it_reads_from_the_table_is_what_the_report_says(done):
    found = json.loads((done[1] / "tabla.json").read_text(encoding="utf-8"))
    count, units = re.search(r"^(\d+) de (\d+) unidades detectan algo", said(done, "python -m labkit dissect --model"), re.MULTILINE).groups()
    assert said(done, "python leer_tabla.py").startswith(f"{count} de {units} detectan algo; la primera: {found['unidades'][0]['unidad']} ")
    assert found["números"]["detectoras"]["cuenta"] == int(count) and found["números"]["n"] == 48


def test_every_option_it_names_is_an_option():
    from labkit.commands.dissect import LINE
    known = {option.name for option in LINE.options} | {*LINE.flags, "--help", "--limit", "--nproc-per-node"}
    assert set(re.findall(r"--[a-z][a-z-]*", PAGE)) <= known

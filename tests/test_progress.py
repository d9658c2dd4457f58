"""La barra de avance: en español, por la salida normal, y solo en lo que tarda."""
import os
import re
import subprocess
import sys
from pathlib import Path

import pytest
import torch
from tqdm import tqdm

from labkit.progress import download_progress, progress, say, with_bar

ROOT = Path(__file__).resolve().parent.parent


def test_a_bar_says_in_spanish_how_much_is_left(capsys):
    with progress("Tapando", 8, "parches", delay=0) as bar:
        bar.mininterval = 0
        bar.update(2)
    out, err = capsys.readouterr()
    assert "Tapando:  25 % |" in out and "| 2 de 8 parches, faltan 00:0" in out and err == ""
    assert out.endswith("\r") and not out.split("\r")[-2].strip()            # al terminar se borra


def test_without_a_total_it_only_counts(capsys):
    with progress("Mirando", delay=0) as bar:
        bar.mininterval = 0
        bar.update(3)
    assert "Mirando: 3 imágenes [00:0" in capsys.readouterr().out


def test_what_is_short_or_hidden_shows_nothing(capsys):
    for options in ({}, {"delay": 0, "hidden": True}):
        with progress("Mirando", 3, **options) as bar:
            bar.update(3)
    assert capsys.readouterr() == ("", "")


def test_a_download_shows_from_the_start_and_stays(capsys):
    with download_progress("Bajando datos.bin", 2_000_000) as bar:
        assert "Bajando datos.bin:   0 %" in capsys.readouterr().out
        bar.update(2_000_000)
    last = capsys.readouterr().out
    assert "100 %" in last and "2.00M de 2.00M B" in last and last.endswith("\n")


@pytest.mark.parametrize("batches", [[torch.zeros(4, 3, 2, 2), torch.zeros(1, 3, 2, 2)],
                                     [(torch.zeros(4, 3, 2, 2), "regiones"), (torch.zeros(1, 3, 2, 2), "regiones")]])
def test_the_bar_counts_images_and_gives_the_same_batches(batches, monkeypatch):
    counted = []
    monkeypatch.setattr(tqdm, "update", lambda bar, n=1: counted.append(n))
    assert list(with_bar(batches, "Contando", 5)) == batches and counted == [4, 1]


@pytest.mark.parametrize(("disabled", "shown"), [("", True), ("1", False)])
def test_bars_can_be_turned_off_from_outside(disabled, shown):
    """Así se ejecutan los cuadernos en las pruebas: en una máquina lenta saldrían barras que el cuaderno guardado no tiene."""
    order = "from labkit.progress import progress\nwith progress('Tapando', 3, delay=0) as bar: bar.update(3)"
    environment = {key: value for key, value in os.environ.items() if key != "TQDM_DISABLE"}
    environment |= {"TQDM_DISABLE": disabled} if disabled else {}
    ran = subprocess.run([sys.executable, "-c", order], env=environment, capture_output=True, check=True, text=True,
                         encoding="utf-8")
    assert ("Tapando" in ran.stdout) == shown and ran.stderr == ""


NARROW = """
from labkit.exercises import check, hint
from labkit.progress import progress, say
say("✓ ñandú − ≥")
with progress("Averiguando qué pasó", 3, delay=0) as bar:
    bar.update(3)
check("occlude_one", lambda image, box, fill: image)
hint("occlude_one")
"""


@pytest.mark.parametrize("encoding, written", [("ascii", "? ?and? ? ?"), ("cp1252", "? ñandú ? ?"), ("utf-8", "✓ ñandú − ≥")])
def test_what_is_said_comes_out_in_any_encoding(encoding, written):
    """Antes: UnicodeEncodeError en Windows con `> archivo.txt`, en cron y en contenedores sin idioma."""
    env = {**os.environ, "PYTHONIOENCODING": encoding, "PYTHONPATH": str(ROOT)}
    env.pop("LABKIT_ESTRICTO", None), env.pop("NBGRADER_EXECUTION", None)
    done = subprocess.run([sys.executable, "-c", NARROW], env=env, cwd=ROOT, capture_output=True, timeout=300)
    said = done.stdout.decode(encoding)
    assert (done.returncode, done.stderr) == (0, b"") and said.startswith(written)
    assert "Revisa" in said and "Pista 1 de" in said and "de 3" in said


def test_nothing_prints_by_itself():
    """Fuera de las órdenes, que ya cambian su salida, se escribe con `say`: así ninguna letra hace fallar nada."""
    alone = [path.relative_to(ROOT).as_posix() for path in (ROOT / "labkit").rglob("*.py")
             if not {"commands", "teacher"} & {*path.parts} and path.name not in ("__main__.py", "progress.py")
             and re.search(r"(?<![\w.])print\(", path.read_text(encoding="utf-8"))]
    assert alone == []


def test_a_stream_without_an_encoding_is_used_as_it_is(monkeypatch):
    class Kept:
        text = ""

        def write(self, text):
            self.text += text

    monkeypatch.setattr(sys, "stdout", Kept())
    say("✓ listo")
    assert sys.stdout.text == "✓ listo\n"

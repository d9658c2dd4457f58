"""La barra de avance: en español, por la salida normal, y solo en lo que tarda."""
import os
import subprocess
import sys

import pytest
import torch
from tqdm import tqdm

from labkit.progress import download_progress, progress, with_bar


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

"""Lo que hace todo cuaderno al empezar, y cómo se omite lo que pide datos que no están."""

import random
import sys
from pathlib import Path

import matplotlib.pyplot as plt
import numpy as np
import pytest
import torch

from labkit import __version__, notebook
from labkit.notebook import load_or_skip, prepare


def missing() -> torch.nn.Module:
    raise RuntimeError("No pude conseguir los pesos: hace falta internet.")


def test_prepare_says_where_you_are(capsys: pytest.CaptureFixture) -> None:
    with plt.rc_context():
        prepare(seed=3, dpi=71)
        assert plt.rcParams["figure.dpi"] == plt.rcParams["savefig.dpi"] == 71
    out, err = capsys.readouterr()
    assert err == ""
    assert out.startswith(f"labkit {__version__} · Python 3.") and out.endswith("semilla: 3\n")


def test_prepare_repeats_the_same_chance() -> None:
    draws = []
    for _ in range(2):
        with plt.rc_context():
            prepare(seed=5)
        draws.append((random.random(), np.random.rand(), float(torch.rand(()))))
    assert draws[0] == draws[1]


def test_a_missing_package_is_one_sentence(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(notebook, "SHOWN", ("torch", "no-existe-este-paquete"))
    with pytest.raises(Exception, match="Falta el paquete no-existe-este-paquete") as error:
        prepare()
    assert error.value._render_traceback_() == [f"✗ {error.value}"]


def test_a_copy_without_some_data_is_one_sentence(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Sin esto, la preparación diría que todo está bien y la lección fallaría después, culpando a otra cosa."""
    for name in ("a.npz", "b.npz", "c.npz"):
        (tmp_path / name).write_text("")
    (tmp_path / "SHA256SUMS").write_text("0  a.npz\n1  b.npz\n2  c.npz\n")
    monkeypatch.setenv("LABKIT_DATOS", str(tmp_path))
    with plt.rc_context():
        prepare()
    for lost, said in (("b.npz", "b.npz"), ("c.npz", "b.npz (y 1 más)"), ("SHA256SUMS", "SHA256SUMS")):
        (tmp_path / lost).unlink()
        with pytest.raises(Exception) as error:
            prepare()
        assert error.value._render_traceback_() == [
            f"✗ A tu copia del curso le falta data/{said}: consigue la carpeta completa, reinicia el kernel y repite "
            "esta celda."]


def test_a_copy_without_some_module_is_one_sentence(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "labkit.device", None)
    with pytest.raises(Exception, match="^A tu copia del curso le falta labkit.device: consigue la carpeta completa"):
        prepare()


def test_load_or_skip_gives_what_it_loads(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture) -> None:
    monkeypatch.delenv("LABKIT_REAL_DATA", raising=False)
    assert load_or_skip(lambda: 7) == 7
    assert capsys.readouterr().out == ""


def test_load_or_skip_says_why_in_one_line(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture) -> None:
    monkeypatch.delenv("LABKIT_REAL_DATA", raising=False)
    assert load_or_skip(missing, "Con datos reales") is None
    assert capsys.readouterr().out == "Con datos reales se omite: No pude conseguir los pesos: hace falta internet.\n"


def test_skipping_is_a_failure_where_the_real_data_are(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("LABKIT_REAL_DATA", "carpeta")
    with pytest.raises(RuntimeError, match="hace falta internet"):
        load_or_skip(missing)


def test_a_mistake_of_the_reader_is_not_a_skip(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("LABKIT_REAL_DATA", raising=False)
    with pytest.raises(ValueError, match="mal escrito"):
        load_or_skip(lambda: (_ for _ in ()).throw(ValueError("mal escrito")))

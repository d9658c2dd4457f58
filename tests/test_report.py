"""El reporte de una disección: dice lo que se contó, enseña cada detectora y corre desde la terminal."""
import re
from base64 import b64decode

import pytest
from broden_world import write_by_hand

from labkit.__main__ import main
from labkit.datasets import load_concepts
from labkit.dissection import count_detectors, dissect, label_units
from labkit.models import load_model
from labkit.pictures import load_picture


def test_the_report_shows_every_detector_with_its_name(tmp_path, capsys):
    out = tmp_path / "reporte.html"
    assert main(["dissect", "--layer", "conv5", "--images", "150", "--out", str(out)]) == 0
    page, world = out.read_text(encoding="utf-8"), load_concepts("test", n=150)
    found = dissect(load_model("escenas"), world, "conv5")
    detectors, unique = count_detectors(found.iou())
    assert f"{detectors} de 128 unidades detectan algo" in page and f"conceptos distintos: {unique} si cada" in page
    told = re.findall(r"<b>(conv5:\d+)</b>: (.+?) \(", page)
    labels = label_units(found.iou(), "conv5", found.names, found.categories, 0.04)
    assert told == [(str(label.unit), label.concept) for label in labels] and page.count("<img alt=") == detectors
    first = load_picture(b64decode(re.search(r"base64,([^\"]+)", page)[1]))
    assert first.shape == (3, 132, 652) and first.min() < 0.1               # cinco imágenes al doble, y lo demás a oscuras
    assert f"{detectors} de 128" in capsys.readouterr().out


def test_it_works_on_a_broden_folder(tmp_path):
    out = tmp_path / "reporte.html"
    folder = write_by_hand(tmp_path / "broden")
    assert main(["dissect", "--layer", "conv3", "--broden", str(folder), "--size", "64", "--out", str(out)]) == 0
    assert "Disección de conv3" in out.read_text(encoding="utf-8")


@pytest.mark.parametrize(("arguments", "says"), [
    (["--out", "a.html"], "Uso: python -m labkit dissect"), (["--layer", "conv5"], "Uso: python -m labkit dissect"),
    (["--layer", "conv9", "--out", "a.html", "--images", "20"], "no hay una capa «conv9»"),
    (["--layer", "conv5", "--out", "a.html", "--convention", "otra"], "Uso: python -m labkit dissect"),
    (["--layer", "conv5", "--out", "a.html", "--broden", "no_existe"], "no_existe")])
def test_what_makes_no_sense_is_told(arguments, says, tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    assert main(["dissect", *arguments]) == 2 and says in capsys.readouterr().err and not list(tmp_path.iterdir())


def test_the_order_explains_itself(capsys):
    assert main(["dissect", "--help"]) == 0 and "--broden" in capsys.readouterr().out

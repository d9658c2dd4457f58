"""El reporte de una disección: dice lo que se contó, enseña cada detectora y corre desde la terminal."""
import re
from base64 import b64decode
from dataclasses import replace

import pytest
from broden_world import write_by_hand
from PIL import Image
from test_dissection_shared import torchrun

from labkit.__main__ import main
from labkit.activations import Unit
from labkit.broden import read_broden
from labkit.commands.dissect import report, summary
from labkit.datasets import load_concepts
from labkit.dissection import count_detectors, dissect, label_units, unique_by_category
from labkit.models import load_model
from labkit.objectives import channel, score
from labkit.pictures import load_picture
from labkit.portraits import imagined
from labkit.regularization import soft_noise


def shown(page):
    """Las imágenes de la página, con lo que se lee en su lugar."""
    return [(text, load_picture(b64decode(code))) for text, code in re.findall(r'<img alt="([^"]+)" src="[^,]+,([^"]+)"', page)]


def test_the_report_shows_every_detector_with_its_name(tmp_path, capsys):
    out = tmp_path / "reporte.html"
    assert main(["dissect", "--layer", "conv5", "--images", "150", "--pictures", "0", "--out", str(out)]) == 0
    page, world = out.read_text(encoding="utf-8"), load_concepts("test", n=150)
    found = dissect(load_model("escenas"), world, "conv5")
    detectors, unique = count_detectors(found.iou())
    assert f"{detectors} de 128 unidades detectan algo" in page and f"conceptos distintos: {unique} si cada" in page
    told = re.findall(r"<b>(conv5:\d+)</b>: (.+?) \(", page)
    labels = label_units(found.iou(), "conv5", found.names, found.categories, 0.04)
    assert told == [(str(label.unit), label.concept) for label in labels] and page.count("<img alt=") == detectors
    first = shown(page)[0][1]
    assert first.shape == (3, 132, 652) and first.min() < 0.1               # cinco imágenes al doble, y lo demás a oscuras
    assert f"{detectors} de 128" in capsys.readouterr().out and "pasos de subir" not in page
    by_category = unique_by_category(found.iou(), found.categories, 0.04)
    assert [int(count) for count in re.findall(r"</span> (\d+)</td>", page)] == list(by_category.values())


def test_each_detector_gets_a_picture_that_raises_it(tmp_path):
    model, world = load_model("escenas", "cpu"), load_concepts("test", n=60)
    found = dissect(model, world, "relu2")
    labels = label_units(found.iou(), "relu2", found.names, found.categories, 0.04)
    pictures = [image for text, image in shown(report(model, world, "relu2", found, steps=12)) if "optimizada" in text]
    assert len(pictures) == len(labels) > 3
    for label, image in zip(labels, pictures):
        assert image.shape == (3, 64, 64) and image.std() > 0.03            # ninguna se quedó en el ruido gris del que parte
        assert score(model, image[None], channel(label.unit)) > score(model, soft_noise(1), channel(label.unit))
    assert all(image.min() >= 0 and image.max() <= 1 for image in imagined(model, world, [labels[0].unit], 2))


def test_a_unit_that_is_off_at_the_start_still_gets_its_picture():
    """Una ReLU apagada en el ruido del que se parte no tiene gradiente: hay que dejar que se encienda."""
    model, world = load_model("escenas", "cpu"), load_concepts("test", n=40)
    model.conv2.bias.data[3] -= 3                                           # ahora solo la enciende lo que se le parece mucho
    unit = Unit("relu2", 3)
    assert score(model, soft_noise(1), channel(unit)) == 0 < score(model, imagined(model, world, [unit], 60)[0][None], channel(unit))


def test_a_gray_world_and_a_dense_layer_get_pictures_too():
    model, world = load_model("escenas", "cpu"), load_concepts("test", n=40)
    gray = replace(world, images=world.images.mean(1, keepdim=True).expand(-1, 3, -1, -1))
    assert [tuple(image.shape) for image in imagined(model, gray, [Unit("fc", 1)], 3)] == [(3, 64, 64)]
    assert imagined(model, gray, [], 3) == []


def test_it_works_on_a_broden_folder(tmp_path):
    out = tmp_path / "reporte.html"
    folder = write_by_hand(tmp_path / "broden")
    assert main(["dissect", "--layer", "conv3", "--broden", str(folder), "--size", "64", "--out", str(out), "--pictures", "2"]) == 0
    assert "Disección de conv3" in out.read_text(encoding="utf-8")


def test_pictures_too_small_for_the_network_are_told(tmp_path, capsys):
    folder = write_by_hand(tmp_path / "broden")
    order = ["dissect", "--layer", "conv3", "--broden", str(folder), "--size", "3", "--out", str(tmp_path / "a.html")]
    assert main(order) == 2 and capsys.readouterr().err.startswith("--size: a 3 píxeles de lado")


def test_the_command_and_python_dissect_a_broden_folder_alike(tmp_path, capsys):
    """Las imágenes miden distinto, y sin decir a qué lado se llevan, es 224."""
    folder, out = write_by_hand(tmp_path / "broden"), tmp_path / "reporte.html"
    Image.new("RGB", (9, 5), (255, 0, 0)).save(folder / "images/dtd/g_0106.jpg")
    assert main(["dissect", "--layer", "conv3", "--broden", str(folder), "--out", str(out), "--pictures", "0"]) == 0
    model, world = load_model("escenas"), read_broden(folder)
    found = dissect(model, world, "conv3")
    assert summary(found) in capsys.readouterr().out and found.tally.pixels == 2 * 112 * 112
    assert out.read_text(encoding="utf-8") == report(model, world, "conv3", found, steps=0)


MINE = """
from torch import nn
from labkit.models import random_twin, wrap
def build():
    return random_twin(wrap(nn.Sequential(nn.Conv2d(3, 8, 5, 2), nn.ReLU(), nn.AdaptiveAvgPool2d(1), nn.Flatten()), [0] * 3, [1] * 3, "abcdefgh", 64))
def nothing():
    return 3
"""


def test_a_network_of_your_own_is_asked_by_its_function(tmp_path, monkeypatch, capsys):
    (tmp_path / "mired.py").write_text(MINE, encoding="utf-8")
    monkeypatch.syspath_prepend(tmp_path)
    order = ["dissect", "--images", "40", "--out", str(tmp_path / "a.html"), "--pictures", "2", "--layer", "network.0", "--model"]
    assert main([*order, "mired:build"]) == 0 and "de 8 unidades" in capsys.readouterr().out
    for name, says in {"mired:nothing": "esperaba que mired:nothing diera una red", "mired:falta": "no encontré la función falta",
                       "no_hay:build": "no encontré la función build del módulo no_hay", "otra": "No hay una red llamada 'otra'"}.items():
        assert main([*order, name]) == 2 and says in capsys.readouterr().err


def test_two_processes_write_the_report_of_one_and_can_resume(tmp_path, capsys):
    order = ["dissect", "--layer", "conv5", "--images", "70", "--pictures", "0", "--out"]
    done = torchrun("-m", "labkit", *order, "dos.html", "--resume", "hecho", folder=tmp_path)
    assert done.returncode == 0, done.stderr
    assert done.stdout.count("Quedó en dos.html") == 1
    assert main([*order, str(tmp_path / "uno.html"), "--resume", str(tmp_path / "hecho")]) == 0
    assert "Se retoma (cuentas): 3 de 3 lotes ya estaban contados." in capsys.readouterr().out
    assert main([*order, str(tmp_path / "solo.html")]) == 0
    one, two, alone = ((tmp_path / name).read_text(encoding="utf-8") for name in ("uno.html", "dos.html", "solo.html"))
    assert one == two == alone


@pytest.mark.parametrize(("arguments", "says"), [
    (["--out", "a.html"], "Uso: python -m labkit dissect"), (["--layer", "conv5"], "Uso: python -m labkit dissect"),
    (["--layer", "conv9", "--out", "a.html", "--images", "20"], "no hay una capa «conv9»"),
    (["--layer", "conv5", "--out", "a.html", "--convention", "otra"], "Uso: python -m labkit dissect"),
    (["--layer", "conv5", "--out", "a.html", "--pictures", "-1"], "Uso: python -m labkit dissect"),
    (["--layer", "conv5", "--out", "no_hay/a.html"], "no existe la carpeta donde quedaría no_hay/a.html"),
    (["--layer", "conv5", "--out", "a.html", "--broden", "no_existe"], "no_existe")])
def test_what_makes_no_sense_is_told(arguments, says, tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    assert main(["dissect", *arguments]) == 2 and says in capsys.readouterr().err and not list(tmp_path.iterdir())


def test_the_order_explains_itself(capsys):
    assert main(["dissect", "--help"]) == 0 and "torchrun --nproc-per-node 2" in capsys.readouterr().out

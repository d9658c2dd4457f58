"""El reporte de una disección: dice lo que se contó y qué tan seguro es, enseña cada detectora y corre desde la terminal."""
import csv
import errno
import hashlib
import re
from base64 import b64decode
from dataclasses import replace
from types import SimpleNamespace

import pytest
import torch
from broden_world import write_by_hand
from conftest import full_disk
from PIL import Image
from scipy import stats
from test_dissection_shared import torchrun
from torch import nn

import labkit
from labkit.__main__ import main
from labkit.activations import Unit
from labkit.broden import read_broden
from labkit.commands import dissect as dissect_command
from labkit.commands import writing
from labkit.commands.evidence import Evidence, gather, possible, random_twins
from labkit.commands.networks import find_layer
from labkit.commands.report import Asked, _grain, _sure, summary
from labkit.commands.units import chance, others
from labkit.commands.writing import report
from labkit.datasets import load_concepts
from labkit.dissection import count_detectors, discoveries, dissect, label_units, tally_parts, unique_by_category
from labkit.dissection.fast.saving import digest
from labkit.measures import name_sets
from labkit.models import load_model, not_redrawn, random_twin
from labkit.objectives import channel, score
from labkit.pictures import load_picture
from labkit.portraits import imagined
from labkit.regularization import soft_noise


def shown(page):
    """Las imágenes de la página, con lo que se lee en su lugar."""
    return [(text, load_picture(b64decode(code))) for text, code in re.findall(r'<img[^>]* alt="([^"]+)"[^>]* src="[^,]+,([^"]+)"', page)]


def test_the_report_shows_every_detector_with_its_name(tmp_path, capsys):
    out = tmp_path / "reporte.html"
    assert main(["dissect", "--layer", "conv5", "--images", "150", "--pictures", "0", "--out", str(out)]) == 0
    page, world = out.read_text(encoding="utf-8"), load_concepts("test", n=150)
    found = dissect(load_model("escenas"), world, "conv5")
    detectors, unique = count_detectors(found.iou())
    assert f"{detectors} de 128 unidades detectan algo" in page and f"conceptos distintos: {unique} si cada" in page
    told = re.findall(r"<b>(conv5:\d+)</b>: (.+?) \(", page)
    labels = label_units(found.iou(), "conv5", found.names, found.categories, 0.04)
    assert told == [(str(label.unit), label.concept) for label in labels] and page.count("<img ") == detectors
    first = shown(page)[0][1]
    assert first.shape == (3, 132, 652)                                     # cinco imágenes al doble
    assert f"{detectors} de 128" in capsys.readouterr().out and "pasos de subir" not in page
    by_category = unique_by_category(found.iou(), found.categories, 0.04)
    assert [int(count) for count in re.findall(r"</span> (\d+)</td>", page)] == list(by_category.values())


def test_each_detector_gets_a_picture_that_raises_it(tmp_path):
    model, world = load_model("escenas", "cpu"), load_concepts("test", n=60)
    evidence = gather(model, world, "relu2")
    found = evidence.found
    labels = label_units(found.iou(), "relu2", found.names, found.categories, 0.04)
    page = report(model, world, evidence, Asked(len(labels), 12))
    pictures = [image for text, image in shown(page) if "optimizada" in text]
    assert len(pictures) == len(labels) > 3 and "Sin imagen hecha" not in page
    for label, image in zip(labels, pictures):
        assert image.shape == (3, 64, 64) and image.std() > 0.03            # ninguna se quedó en el ruido gris del que parte
        assert score(model, image[None], channel(label.unit)) > score(model, soft_noise(1), channel(label.unit))


def test_a_unit_that_is_off_at_the_start_still_gets_its_picture():
    """Una ReLU apagada en el ruido del que se parte no tiene gradiente: hay que dejar que se encienda."""
    model, world = load_model("escenas", "cpu"), load_concepts("test", n=40)
    model.conv2.bias.data[3] -= 3                                           # ahora solo la enciende lo que se le parece mucho
    unit = Unit("relu2", 3)
    made = imagined(model, world, [unit], 60)[0]
    assert score(model, soft_noise(1), channel(unit)) == 0 < score(model, load_picture(made.jpeg)[None], channel(unit))


def test_a_gray_world_and_a_dense_layer_get_pictures_too():
    model, world = load_model("escenas", "cpu"), load_concepts("test", n=40)
    gray = replace(world, images=world.images.mean(1, keepdim=True).expand(-1, 3, -1, -1))
    assert [tuple(load_picture(made.jpeg).shape) for made in imagined(model, gray, [Unit("fc", 1)], 3)] == [(3, 64, 64)]
    assert imagined(model, gray, [], 3) == []


def test_it_works_on_a_broden_folder(tmp_path):
    out = tmp_path / "reporte.html"
    folder = write_by_hand(tmp_path / "broden")
    assert main(["dissect", "--layer", "conv3", "--broden", str(folder), "--size", "64", "--out", str(out), "--pictures", "2",
                 "--control", "1"]) == 0
    page = out.read_text(encoding="utf-8")
    assert "Disección de conv3" in page and "2 imágenes de la carpeta Broden «broden»" in page and "gemela, semilla 2" in page
    assert "disecamos 1 red gemela" in page


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
    evidence = gather(model, world, "conv3", names=("«escenas»", "2 imágenes de la carpeta Broden «broden»"))
    tables = b"".join((folder / name).read_bytes() for name in ("index.csv", "label.csv"))
    evidence = replace(evidence, split="todas (1 de train, 1 de val)", data=hashlib.sha256(tables).hexdigest()[:16])
    assert summary(evidence) in capsys.readouterr().out and evidence.found.tally.pixels == 2 * 112 * 112
    assert torch.equal(evidence.found.iou(), dissect(model, world, "conv3").iou())
    order = "python -m labkit dissect --layer conv3 --model escenas --broden broden --convention paper --pictures 0 --out reporte.html"
    assert out.read_text(encoding="utf-8") == report(model, world, evidence, Asked(0, order=order)) and f"<code>{order}</code>" in out.read_text(encoding="utf-8")


MINE = """
import torch
from torch import nn
from labkit.models import random_twin, wrap
def build():
    return random_twin(wrap(nn.Sequential(nn.Conv2d(3, 8, 5, 2), nn.ReLU(), nn.AdaptiveAvgPool2d(1), nn.Flatten()), [0] * 3, [1] * 3, "abcdefgh", 64))
def nothing():
    return 3
def bytes_():
    return wrap(build().network, [103.9, 116.8, 123.7], [1] * 3, "abcdefgh", 64)
def bare():
    return nn.Sequential(nn.Identity())
class Loose(nn.Module):
    def __init__(self):
        super().__init__()
        self.scale = nn.Parameter(torch.rand(8, 1, 1))
    def forward(self, maps):
        return maps * self.scale
def loose():
    return wrap(nn.Sequential(nn.Conv2d(3, 8, 5, 2), Loose(), nn.AdaptiveAvgPool2d(1), nn.Flatten()), [0] * 3, [1] * 3, "abcdefgh", 64)
def single():
    return wrap(nn.Sequential(nn.Conv2d(3, 1, 5, 2), nn.AdaptiveAvgPool2d(1), nn.Flatten()), [0] * 3, [1] * 3, "a", 64)
def fails():
    return {}["pesos"]
def asks(weights):
    return weights
def negative():
    model = build()
    model.network[0].weight.data[3] = float("nan")
    return model
class Pair(nn.Module):
    def forward(self, maps):
        return maps, maps
class Two(nn.Module):
    def __init__(self):
        super().__init__()
        self.conv, self.pair = nn.Conv2d(3, 4, 3), Pair()
    def forward(self, images):
        return self.pair(self.conv(images))[0].mean((2, 3))
def pair():
    return wrap(Two(), [0] * 3, [1] * 3, "abcd", 64)
def wide():
    return wrap(nn.Sequential(nn.Conv2d(3, 4, 3), nn.Flatten(), nn.Linear(36, 2)), [0] * 3, [1] * 3, "ab", 5)
def tall():
    return wrap(nn.Sequential(nn.Conv2d(3, 4, 3), nn.Flatten(), nn.Linear(40, 2)), [0] * 3, [1] * 3, "ab", 64)
def flat():
    model = wrap(nn.Sequential(nn.Conv2d(3, 2, 1), nn.AdaptiveAvgPool2d(1), nn.Flatten()), [0] * 3, [1] * 3, "ab", 64)
    model.network[0].weight.data.zero_()
    return model
"""


def test_a_network_of_your_own_is_asked_by_its_function(tmp_path, monkeypatch, capsys):
    (tmp_path / "mired.py").write_text(MINE, encoding="utf-8")
    monkeypatch.syspath_prepend(tmp_path)
    order = ["dissect", "--images", "40", "--out", str(tmp_path / "a.html"), "--pictures", "2", "--layer", "network.0", "--model"]
    assert main([*order, "mired:build"]) == 0 and "de 8 unidades" in (said := capsys.readouterr().out) and "se normaliza" not in said
    assert "Nota: 40 imágenes de prueba de Escenas. Son pocas: con menos de 200" in said
    assert main([*order, "mired:bytes_"]) == 0 and "Nota: mired:bytes_ se normaliza con media 103.9" in capsys.readouterr().out
    for name, says in {"mired:nothing": "esperaba que mired:nothing diera una red", "mired:bare": "no tiene ningún peso", "mired:falta": "no hay una función «falta»; tiene build, nothing,",
                       "no_hay:build": "no hay un módulo ni un archivo «no_hay»", "mired:fails": "KeyError, en el renglón", "mired:tall": "de mired.py: model, size: la red no pudo con imágenes",
                       "mired:asks": "mired:asks pide argumentos (weights), y ha de poderse llamar sin ninguno", "mired:negative": "da NaN o infinito en 1 unidad (3)", "otra": "No hay una red llamada 'otra'"}.items():
        assert main([*order, name]) == 2 and says in capsys.readouterr().err
    assert main([*order, f"{tmp_path}/mired.py"]) == 2 and "mired.py:hacer" in capsys.readouterr().err    # sin decir la función
    assert main([*order, f"{tmp_path}/mired.py:build"]) == 0                # también como se escribe un archivo
    order[order.index("network.0")] = "network.pair"
    assert main([*order, "mired:pair"]) == 2 and "«network.pair» entrega tuple y no un tensor" in capsys.readouterr().err
    order[order.index("network.pair")] = "fc"
    assert main([*order, "mired:wide"]) == 2 and "las imágenes de Escenas miden 64 píxeles de lado" in capsys.readouterr().err


OTHER = """
import torch
from torch import nn
from labkit.models import wrap
from mired import build
ready = build()
table = {"peso": 1}
def lost():
    return torch.load("no_esta.pth", weights_only=True)
def strange():
    model = nn.Sequential(nn.Conv2d(3, 4, 3), nn.Linear(4, 2))
    model.load_state_dict({"0.weight": torch.zeros(4, 3, 3, 5), "9.weight": torch.zeros(1)})
def chosen(size=64, *others, **more):
    return wrap(build().network, [0.5, 0.4, 0.3], [0.2] * 3, "abcdefgh", size)
"""


@pytest.mark.parametrize(("text", "name", "says"), [
    (OTHER, "lost", "FileNotFoundError, en el renglón 9 de otra.py: no existe el archivo no_esta.pth."),
    (OTHER, "strange", "los pesos no son de esa red: les faltan 0.bias, 1.weight, 1.bias; les sobran 9.weight; no miden lo mismo 0.weight."),
    (OTHER, "table", "otra.py:table no es una función: es dict."),
    ("import no_instalado_nunca\n", "hacer", "ModuleNotFoundError, en el renglón 1 de otra.py: no está instalado, o no se encuentra, el módulo no_instalado_nunca."),
    ("def hacer(:\n", "hacer", "otra.py no se pudo leer: SyntaxError"), ("x = 3\n", "hacer", "no hay una función «hacer»; no define ninguna."),
])
def test_what_fails_in_your_own_file_is_said_with_its_line_and_no_wrong_advice(tmp_path, monkeypatch, capsys, text, name, says):
    (tmp_path / "mired.py").write_text(MINE, encoding="utf-8")
    (tmp_path / "otra.py").write_text(text, encoding="utf-8")
    monkeypatch.chdir(tmp_path)
    assert main(["dissect", "--layers", "--model", f"otra.py:{name}"]) == 2
    said = capsys.readouterr().err
    assert says in said and "argumentos" not in said and "Escribe la ruta" not in said


def test_a_module_that_cannot_import_something_is_not_called_missing(tmp_path, monkeypatch, capsys):
    (tmp_path / "paquete_propio.py").write_text("import no_instalado_nunca\n", encoding="utf-8")
    monkeypatch.syspath_prepend(tmp_path)
    assert main(["dissect", "--layers", "--model", "paquete_propio:hacer"]) == 2
    assert "el módulo no_instalado_nunca" in capsys.readouterr().err


def test_the_report_says_how_images_enter_its_own_name_and_the_order_with_its_tables(tmp_path, monkeypatch, capsys):
    (tmp_path / "mired.py").write_text(MINE, encoding="utf-8")
    (tmp_path / "otra.py").write_text(OTHER, encoding="utf-8")
    monkeypatch.chdir(tmp_path)
    order = ["dissect", "--layer", "network.0", "--images", "40", "--pictures", "0", "--name", "Mi red & yo", "--csv", "x.csv", "--out", "a.html"]
    for function, told in {"chosen": "64 × 64, con valores de 0 a 1; la red las normaliza con media 0.5, 0.4, 0.3 y desviación 0.2, 0.2, 0.2",
                           "ready": "con media 0, 0, 0 y desviación 1, 1, 1"}.items():
        assert main([*order, "--model", f"otra.py:{function}"]) == 0
        page = (tmp_path / "a.html").read_text(encoding="utf-8")
        assert page.count(told) == 2 and "de la red «Mi red &amp; yo»" in page              # en el resumen y en los métodos
        assert page.count("Son pocas: con menos de 200") == 2
        assert f"--model otra.py:{function} --images 40 --convention paper --pictures 0 --name &#x27;Mi red &amp; yo&#x27; --csv tabla.csv --out reporte.html" in page


def test_a_layer_that_is_not_there_suggests_the_one_beside_it(capsys):
    assert main(["dissect", "--layer", "conv9", "--out", "a.html"]) == 2 and "¿Quisiste decir «conv" in capsys.readouterr().err
    known = nn.Sequential(nn.Sequential(*(nn.ReLU() for _ in range(40))))
    with pytest.raises(ValueError, match="¿Quisiste decir «0.39»\\? .* y 11 más\\."):
        find_layer(known, "0.45")
    with pytest.raises(ValueError, match="¿Quisiste decir «0.3[0-9]*»"):
        find_layer(known, "0.3x")


# ── qué tan seguro es ───────────────────────────────────────────────────────────────────────────────────────────────

def table_of(path):
    with open(path, encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))


@pytest.fixture(scope="module")
def controlled(tmp_path_factory):
    """Lo que deja la orden con dos gemelas y sin imágenes: la página, la tabla, lo que dijo y la carpeta."""
    folder = tmp_path_factory.mktemp("control")
    order = ["dissect", "--layer", "conv5", "--images", "300", "--pictures", "0", "--control", "2"]
    assert main([*order, "--out", str(folder / "a.html"), "--csv", str(folder / "a.csv")]) == 0
    return (folder / "a.html").read_text(encoding="utf-8"), table_of(folder / "a.csv"), order, folder


def test_the_table_says_what_plain_counts_say(controlled):
    """Cada renglón, contra cuentas hechas aquí con ciclos."""
    rows, model, world = controlled[1], load_model("escenas", "cpu"), load_concepts("test", n=300)
    found = dissect(model, world, "conv5")
    twins = [dissect(random_twin(model, seed), world, "conv5").iou() for seed in (2, 3)]
    rivals, best = [max(unit) for iou in twins for unit in iou.tolist()], [max(unit) for unit in found.iou().tolist()]
    p = [(1 + sum(rival >= mine for rival in rivals)) / (1 + len(rivals)) for mine in best]
    order = sorted(p)
    corrected = [min(order[i] * len(p) / (i + 1) for i in range(len(p)) if order[i] >= mine) for mine in p]
    sets = name_sets(tally_parts(model, world, "conv5", found, 300))
    present = world.masks(torch.arange(300)).flatten(2).any(2).sum(0).tolist()
    assert len(rows) == len(best) == 128 and len(rivals) == 256
    compared = 0
    assert [row["unidad"] for row in rows] == [f"conv5:{k}" for k in sorted(range(128), key=lambda k: (bool(found.dead[k]), -best[k], k))]
    for row in rows:
        unit = int(row["unidad"].split(":")[1])
        k = int(found.iou()[unit].argmax())
        assert row["concepto"].split(" (")[0] == found.names[k] and float(row["IoU"]) == pytest.approx(best[unit], abs=1e-6)
        assert row["estado"] == ("detecta" if best[unit] > 0.04 else "no llega") and int(row["imágenes del concepto"]) == present[k]
        possible = [name.split(" (")[0] for name in row["nombres posibles"].split("; ")]
        if len(sets[unit]) < 8:                                             # con más, el último bit decide quién cierra la lista
            assert possible == [found.names[k] for k in sets[unit]]
            compared += 1
        assert float(row["p"]) == pytest.approx(p[unit], abs=1e-6) and float(row["p corregida"]) == pytest.approx(corrected[unit], abs=1e-6)
        assert row["aguanta"] == ("sí" if corrected[unit] <= 0.05 else "no")
    assert compared > 8
    kept = discoveries(torch.tensor(p, dtype=torch.float64)).tolist()
    assert [corrected[unit] <= 0.05 for unit in range(128)] == kept and 0 < sum(kept) < 128


def test_the_page_has_the_floor_beside_and_both_counts_with_their_intervals(controlled):
    page, rows, _, _ = controlled
    model, world = load_model("escenas", "cpu"), load_concepts("test", n=300)
    for name, network in (("la disecada", model), ("gemela, semilla 2", random_twin(model, 2)), ("gemela, semilla 3", random_twin(model, 3))):
        iou = dissect(network, world, "conv5").iou()
        counts = (*count_detectors(iou), sum(unique_by_category(iou, world.categories).values()), f"{float(iou.max()):.3f}")
        ours, k = [], iou.argmax(1)
        for unit in (iou.amax(1) > 0.04).nonzero()[:, 0].tolist():
            ours.append(world.names[k[unit]])
        named = ", ".join(sorted(dict.fromkeys(ours), key=ours.count, reverse=True)[:3])
        assert f'<th scope="row">{name}</th>' + "".join(f'<td class="n">{count}</td>' for count in counts) + f"<td>{named}</td>" in page
    told = re.findall(r"</th><td>(\d+)(?: de 128)? \(de (\d+) a (\d+), con 95 % de confianza\)", page)
    assert len(told) == 3 and all(int(low) <= int(count) <= int(high) for count, low, high in told)
    assert "Son pocas" not in page and "antes de una ReLU, o sin ella: tiene valores negativos" in page and "300 imágenes de prueba de Escenas" in page
    assert "aguantan 10 o más de las 128 unidades, o ninguna" in page              # 10 · 0.05 / 128 ≥ 1 / 257 > 9 · 0.05 / 128
    sure = sum(";" not in row["nombres posibles"] for row in rows if row["estado"] == "detecta")
    assert f"{sure} de las" in page and len(re.findall('<tr><th scope="row">(?:<a [^>]*>)?conv5:', page)) == 128
    survivors = sum(row["aguanta"] == "sí" and row["estado"] == "detecta" for row in rows)
    assert f"Aguantan el control {survivors} de las" in page
    for paper in ("CVPR.2017.354", "1176344552", "1176346732", "ICCV.2015.123", "1544-6115.1585", "tb02031.x"):
        assert paper in page
    assert "--control" not in re.sub("con --control 20 podría aguantar una sola|<code>.*?</code>", "", page)


def test_after_the_relu_it_says_so_and_without_control_it_asks_for_one(tmp_path, capsys):
    out, table = tmp_path / "a.html", tmp_path / "a.csv"
    assert main(["dissect", "--layer", "relu3", "--images", "30", "--pictures", "0", "--out", str(out), "--csv", str(table)]) == 0
    page = out.read_text(encoding="utf-8")
    assert "después de una ReLU, o de algo que tampoco da negativos (vistos los valores de 30 imágenes)" in page
    assert "Son pocas: con menos de 200 las cuentas salen infladas" in page and "sin ese piso no se sabe" in page and "no se midió: pide --control" in page
    assert all(row["p"] == row["p corregida"] == row["aguanta"] == "" != row["nombres posibles"] for row in table_of(table))
    assert "Benjamini" not in page and "Hsu" in page and "gemelas" not in capsys.readouterr().out


@pytest.mark.parametrize(("convention", "says"), [("paper", "llega a ese umbral"), ("dissect", "supera ese umbral"), ("lite", "NetDissect-Lite")])
def test_the_methods_say_what_was_done(convention, says):
    model, world = load_model("escenas", "cpu"), load_concepts("test", n=6)
    page = report(model, world, gather(model, world, "conv2", convention, names=("<u>mía", "seis")))
    share = "1 %" if convention == "dissect" else "0.5 %"
    assert ("mapa ya agrandado" in page) == (convention == "dissect") and "<u>" not in page and "de la red &lt;u&gt;mía (48 unidades; se lee antes de una" in page
    assert says in page and f"La convención es «{convention}»" in page and f"a lo más {share} de los valores" in page


def test_the_control_goes_on_where_it_stopped_and_two_processes_write_the_same(tmp_path, capsys):
    order = ["dissect", "--layer", "relu3", "--images", "50", "--pictures", "0", "--control", "2"]
    done = torchrun("-m", "labkit", *order, "--out", "dos.html", "--csv", "dos.csv", "--resume", "hecho", folder=tmp_path)
    assert done.returncode == 0, done.stderr
    assert main([*order, "--out", str(tmp_path / "uno.html"), "--csv", str(tmp_path / "uno.csv"), "--resume", str(tmp_path / "hecho")]) == 0
    assert capsys.readouterr().out.count("2 de 2 lotes ya estaban contados") == 7   # tres disecciones de dos pasadas, y los pedazos
    assert [path.name for path in sorted((tmp_path / "hecho").glob("gemela*"))] == ["gemela2", "gemela3"]
    assert main([*order, "--out", str(tmp_path / "solo.html"), "--csv", str(tmp_path / "solo.csv")]) == 0
    assert len({(tmp_path / f"{name}.html").read_text(encoding="utf-8") for name in ("uno", "dos", "solo")}) == 1
    assert (tmp_path / "dos.csv").read_bytes() == (tmp_path / "solo.csv").read_bytes()


def test_alone_the_control_has_three_twins(tmp_path, capsys):
    order = ["dissect", "--layer", "conv1", "--images", "3", "--pictures", "0", "--control", "--out", str(tmp_path / "a.html")]
    assert main(order) == 0 and "En 3 redes gemelas" in capsys.readouterr().out
    assert "semillas 2 a 4" in (tmp_path / "a.html").read_text(encoding="utf-8")


def test_the_possible_names_are_told_in_few_words():
    told = [others(list("abcdefghijkl")[:count]) for count in (0, 1, 2, 4, 6, 12)]
    assert told == ["–", "solo ese", "también b", "también b, c, d", "también b, c, d y 2 más", "12 o más: a, b, c…"]


class Scaled(nn.Module):
    """Una capa con pesos sueltos, que nadie sabe sortear."""

    def __init__(self):
        super().__init__()
        self.scale = nn.Parameter(torch.linspace(1, 2, 4).view(4, 1, 1))

    def forward(self, maps):
        return maps * self.scale


def test_a_twin_redraws_every_weight_or_there_is_none():
    plain = nn.Sequential(nn.Conv2d(3, 4, 3), nn.BatchNorm2d(4), nn.ConvTranspose2d(4, 4, 2), nn.PReLU(), nn.Flatten(), nn.LazyLinear(2))
    plain(torch.zeros(1, 3, 8, 8))
    twins = dict(random_twins(plain, 2))
    assert list(twins) == [2, 3] and not any(not_redrawn(plain, twin) for twin in twins.values())
    torch.manual_seed(5)
    state, again = torch.get_rng_state(), dict(random_twins(plain, 2))      # ConvTranspose2d se sortea con el azar de todos
    assert torch.equal(torch.get_rng_state(), state)
    for seed in (2, 3):
        assert all(torch.equal(a, b) for a, b in zip(twins[seed].parameters(), again[seed].parameters(), strict=True))
    assert not torch.equal(twins[2][2].weight, twins[3][2].weight)
    loose = nn.Sequential(nn.Conv2d(3, 4, 3), Scaled())
    with pytest.raises(ValueError, match="--control: .*se quedan como estaban: 1.scale"):
        list(random_twins(loose, 1))


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
    (["--layer", "conv5", "--out", "a.html", "--convention", "exact"], "«exact» se dividió en dos: paper, la del artículo, y every_image"),
    (["--layer", "conv5", "--out", "a.html", "--control", "0"], "--control: esperaba un entero desde 1 y recibí '0'"),
    (["--layer", "conv5", "--out", "a.html", "--control", "muchos"], "--control: esperaba un entero desde 1 y recibí 'muchos'"),
    (["--layer", "conv5", "--out", "a.html", "--control="], "A --control le falta su valor"),
    (["--layer", "conv5", "--out", "a.html", "--csv"], "A --csv le falta su valor"),
    (["--layer", "conv5", "--out", "a.html", "--csv", "."], "--csv: . es una carpeta; escribe el nombre de un archivo, como tabla.csv"),
    (["--layer", "conv5", "--out", "no_hay/a.html"], "no existe la carpeta donde quedaría no_hay/a.html"),
    (["--layer", "conv5", "--out", "a.html", "--broden", "no_existe"], "no_existe"),
    (["--layer", "conv5", "--out", "a.html", "--broden", "no_existe", "--images", "5"], "--images es solo para Escenas"),
    (["--layer", "conv5", "--out", "a.html", "--size", "64"], "--size es solo para --broden"),
    (["--layer", "conv5", "--out", "a.html", "--resume", __file__], "--resume: esperaba una carpeta y")])
def test_what_makes_no_sense_is_told(arguments, says, tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    assert main(["dissect", *arguments]) == 2 and says in capsys.readouterr().err and not list(tmp_path.iterdir())


@pytest.fixture
def mine(tmp_path, monkeypatch):
    """El principio de una orden con una red propia."""
    (tmp_path / "mired2.py").write_text(MINE, encoding="utf-8")
    monkeypatch.syspath_prepend(tmp_path)
    return ["dissect", "--images", "20", "--out", str(tmp_path / "a.html"), "--pictures", "0", "--layer", "network.0", "--control", "1", "--model"]


def test_a_network_that_cannot_be_redrawn_has_no_control(mine, tmp_path, capsys):
    assert main([*mine, "mired2:loose"]) == 2
    says = capsys.readouterr().err
    assert "se quedan como estaban: network.1.scale" in says and "reset_parameters" in says and not (tmp_path / "a.html").exists()
    mine.remove("--control"), mine.remove("1")
    assert main([*mine, "mired2:loose"]) == 0                               # sin control, sí


def test_a_layer_of_one_unit_and_one_where_nothing_lights_have_their_report(mine, tmp_path, capsys):
    assert main([*mine, "mired2:single"]) == 0 and "de 1 unidad detectan algo" in capsys.readouterr().out
    assert main([*mine, "mired2:flat", "--csv", str(tmp_path / "a.csv")]) == 0
    page, rows = (tmp_path / "a.html").read_text(encoding="utf-8"), table_of(tmp_path / "a.csv")
    assert "Ninguna unidad pasa de 0.04: no hay nada que enseñar" in page and "mudas: 2" in page and "ninguna unidad detecta algo" in page
    assert [(row["estado"], row["concepto"], row["nombres posibles"], row["p"], row["aguanta"]) for row in rows] == [
        ("muda", "", "", "1.000000", "no")] * 2
    assert "nan" not in page and "nan" not in (tmp_path / "a.csv").read_text()
    assert '<th scope="row">Mapas</th><td>64 × 64</td>' in page and "de 0 detectoras" in page


def test_a_layer_of_one_place_says_it_does_not_tell_where(mine, tmp_path, capsys):
    mine[mine.index("network.0")] = "fc"
    assert main([*mine, "mired2:build"]) == 0 and "son de 1 × 1: un solo lugar por imagen" in capsys.readouterr().out
    assert "1 × 1: un solo lugar por imagen" in (tmp_path / "a.html").read_text(encoding="utf-8")


def test_one_image_has_no_intervals_and_says_so(tmp_path):
    out = tmp_path / "a.html"
    assert main(["dissect", "--layer", "conv3", "--images", "1", "--pictures", "0", "--control", "1", "--out", str(out),
                 "--csv", str(tmp_path / "a.csv")]) == 0
    page = out.read_text(encoding="utf-8")
    assert "con una sola imagen no se puede saber" in page and "con 95 % de confianza)" not in page and "Hsu" not in page
    assert "1 imagen de prueba de Escenas" in page and all(row["nombres posibles"] == "" for row in table_of(tmp_path / "a.csv"))


def test_what_cannot_be_written_is_told(tmp_path, capsys):
    order = ["dissect", "--layer", "conv1", "--images", "2", "--pictures", "0", "--out", str(tmp_path / "a.html"), "--csv"]
    (tmp_path / "nota.txt").write_text("hola")
    for place, says in ((tmp_path / "no_hay" / "a.csv", "--csv: no existe la carpeta"), (tmp_path, "--csv: "),
                        (tmp_path / "nota.txt" / "a.csv", "--csv: no existe la carpeta"), (tmp_path / "a.html", "es también el archivo de --out")):
        assert main([*order, str(place)]) == 2 and says in capsys.readouterr().err
    with full_disk(50):
        assert main([*order, str(tmp_path / "a.csv")]) == 2
    assert "No pude escribir" in capsys.readouterr().err and sorted(path.name for path in tmp_path.iterdir()) == ["nota.txt"]


def test_what_could_not_be_written_is_told_before_working(tmp_path, capsys, monkeypatch):
    def refuse(**kwargs):
        raise PermissionError(errno.EACCES, "Permission denied")
    monkeypatch.setattr(writing, "TemporaryFile", refuse)
    monkeypatch.setattr(dissect_command, "gather", lambda *_: pytest.fail("ya había disecado"))
    assert main(["dissect", "--layer", "conv1", "--out", str(tmp_path / "a.html")]) == 2
    assert capsys.readouterr().err == f"--out: no podría escribir {tmp_path / 'a.html'}: no tienes permiso.\n"


def test_to_stop_it_is_no_fault(tmp_path, capsys, monkeypatch):
    def stopped(*_):
        raise KeyboardInterrupt
    monkeypatch.setattr(dissect_command, "gather", stopped)
    assert main(["dissect", "--layer", "conv1", "--out", str(tmp_path / "a.html")]) == 130 and capsys.readouterr().err == "Interrumpido.\n"


def test_no_interval_goes_beyond_what_there_is(tmp_path):
    """Las 12 unidades de fc detectan algo en 20 imágenes: reflejado, el intervalo llegaría a 19."""
    out = tmp_path / "a.html"
    assert main(["dissect", "--layer", "fc", "--images", "20", "--pictures", "0", "--out", str(out)]) == 0
    told = re.findall(r"</th><td>(\d+)(?: de 12)? \(de (\d+) a (\d+), con 95 %", out.read_text(encoding="utf-8"))
    assert [int(high) for _, _, high in told][:2] == [12, 12] and int(told[2][2]) <= 12 * 6
    found = SimpleNamespace(cuts=torch.zeros(3), names=list("abcd"), categories=["x", "x", "x", "y"])
    assert possible([(0, 9), (1, 9), (2, 9)], found) == [(0, 3), (1, 3), (2, 4)] and possible([(0, 1)] * 3, found) == [(0, 1)] * 3


def evidence_of(p, twins, **more):
    """Lo que se dice de unas p, sin disecar nada."""
    p = torch.tensor(p, dtype=torch.float64)
    corrected = torch.from_numpy(stats.false_discovery_control(p.numpy()))
    found = SimpleNamespace(cuts=p, dead=torch.zeros(len(p), dtype=torch.bool))
    return Evidence(found, "red", "imágenes", "capa", "paper", 300, False, twins=[None] * twins, p=p, corrected=corrected, **more)


@pytest.mark.parametrize(("units", "twins"), [(128, 3), (128, 2), (8, 1), (12, 4), (40, 20), (19, 1), (21, 1)])
def test_how_many_hold_at_least_if_any_does(units, twins):
    """Probando todas: en el mejor de los casos las k mejores tienen la p más chica; y también aguantan sin tenerla."""
    least, fewest = 1 / (twins * units + 1), None
    for k in range(1, units + 1):
        survivors = int(evidence_of([least] * k + [1.0] * (units - k), twins).survives().sum())
        fewest = survivors if survivors and fewest is None else fewest
    evidence = evidence_of([1.0] * units, twins)
    assert evidence.needed() == fewest if fewest else evidence.needed() > units
    told = _grain(evidence)
    assert ("ninguna puede aguantar" in told) == (fewest is None) and (f"aguantan {fewest} o más" in told) == bool(fewest and fewest > 1)
    mixed = evidence_of([1 / 385] + [2 / 385] * 13 + [1.0] * 114, 3)        # una sola en la p más chica, y aguantan catorce
    assert int(mixed.survives().sum()) == 14 >= mixed.needed() == 7


def test_a_p_is_never_shown_as_zero():
    assert [chance(p, 4) for p in (1.0, 0.0026, 1 / 40961)] == ["1.0000", "0.0026", "2.4e-05"]
    assert [chance(p, 6) for p in (0.25, 1 / 40961, 1 / 4e6)] == ["0.250000", "0.000024", "2.5e-07"]


def test_the_median_of_an_even_count_is_between_the_two():
    evidence = SimpleNamespace(sets=[[0], list(range(12)), [1]], detects=lambda: torch.tensor([True, True, False]))
    assert _sure(evidence) == "1 de las 2 detectoras tiene un solo nombre posible, con 95 % de confianza cada una; la mediana es de 6.5 por detectora"


def test_what_is_needed_to_repeat_it_is_there(controlled):
    page, _, _, _ = controlled
    assert "<code>python -m labkit dissect --layer conv5 --model escenas --images 300 --convention paper --control 2 --pictures 0 --csv tabla.csv --out" in page
    assert f"labkit {labkit.__version__}, PyTorch {torch.__version__}" in page and "400 veces, con la semilla 0" in page
    state = load_model("escenas", "cpu").state_dict()
    prints = re.findall(r"tienen la huella ([0-9a-f]{16}) ", page)
    state["conv1.bias"][0] += 1e-6
    assert prints == [digest(load_model("escenas", "cpu").state_dict())[:16]] != [digest(state)[:16]]
    by_category = sum(map(int, re.findall(r"</span> (\d+)</td>", page)))
    assert re.search(rf"sumando categorías</th><td>{by_category} \(", page) and page.count("<title>Disección de conv5 de la red «escenas»<") == 1


def test_a_unit_fits_in_one_row_on_paper_and_on_a_narrow_screen(controlled):
    """Cinco imágenes juntas miden 652 × 132, y la hecha para la unidad, 132 × 132; entre ellas, 12 de margen y un espacio."""
    style = controlled[0].split("</style>")[0]
    paper, narrow = style.split("@media print")[1], style.split("max-width: 900px")[1].split("@media")[0]
    centimeters, pixels = re.search(r"figure img { height: ([\d.]+)cm", paper), re.search(r"figure img { height: (\d+)px", narrow)
    for height, room in ((float(centimeters[1]) * 96 / 2.54, 17.9 * 96 / 2.54), (int(pixels[1]), 800 - 32 - 15)):
        assert 80 < height and height * (652 + 132) / 132 + 2 * 12 + 5 <= room


def test_names_with_signs_do_not_break_the_page(tmp_path):
    folder, out = write_by_hand(tmp_path / 'mis "fotos" <b>&co'), tmp_path / "a.html"
    for path in folder.glob("*.csv"):
        path.write_text(path.read_text(encoding="utf-8").replace("red-c", "<script>ñ & 'x'").replace("dotted", "<i>"), encoding="utf-8")
    assert main(["dissect", "--layer", "conv3", "--broden", str(folder), "--size", "64", "--out", str(out), "--pictures", "2"]) == 0
    page = out.read_text(encoding="utf-8")
    assert not re.search("<script>ñ|<i>|<b>&co", page) and "&lt;i&gt;" in page and "mis &quot;fotos&quot; &lt;b&gt;&amp;co" in page


def test_any_number_of_images_has_its_threshold(mine, tmp_path, capsys):
    """24 imágenes con mapas de 30 × 30 son 21 600 valores: el 0.5 % es justo 108, y en decimales, según el orden, 107.99."""
    mine[mine.index("20")] = "24"
    assert main([*mine, "mired2:build"]) == 0 and "de 8 unidades" in capsys.readouterr().out


def test_the_order_explains_itself(capsys):
    assert main(["dissect", "--help"]) == 0 and "torchrun --nproc-per-node 2" in capsys.readouterr().out

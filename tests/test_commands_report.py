"""Lo que el reporte dice y enseña: nada gris sin palabra, cada dato, lo que pesa, y la red y la capa con el nombre que tú les das."""
import csv
import json
import re
import shutil
import subprocess
from base64 import b64decode
from html import unescape

import pytest
import torch
import torch.nn.functional as F
from broden_world import write_by_hand
from test_dissection_shared import torchrun
from torch import nn

import labkit
from labkit.__main__ import main
from labkit.activations import Unit
from labkit.commands import writing
from labkit.commands.evidence import gather
from labkit.commands.figures import Portrait, made_told
from labkit.commands.networks import find_layer, layers_text, list_layers
from labkit.commands.report import Asked, page
from labkit.commands.writing import portraits_of, report
from labkit.datasets import load_concepts
from labkit.dissection import CONVENTIONS, Label, dissect_shared
from labkit.dissection.fast import sharing
from labkit.models import load_model, wrap
from labkit.pictures import load_picture
from labkit.portraits import Exemplars, best_images, imagined, last_relus
from labkit.regularization import soft_noise


def response(model, layer, channel, image):
    """La media del mapa de una unidad en una imagen, con un gancho de PyTorch puesto aquí."""
    kept = []
    handle = model.get_submodule(layer).register_forward_hook(lambda _, inputs, output: kept.append(output[0, channel].mean()))
    with torch.no_grad():
        model(image[None])
    handle.remove()
    return float(kept[0])


# ── la imagen hecha para cada unidad ─────────────────────────────────────────────────────────────────────────────────

def deep(activation, seed=0):
    """Una red honda, envuelta: diez convoluciones con su activación; en el ruido, las unidades 2 a 4 quedan apagadas."""
    torch.manual_seed(seed)
    pieces = []
    for place in range(10):
        convolution = nn.Conv2d(3 if place == 0 else 16, 16, 3, 2 if place in (2, 5) else 1, 1)
        nn.init.kaiming_normal_(convolution.weight, nonlinearity="relu")
        nn.init.constant_(convolution.bias, -0.06)
        pieces += [convolution, activation()]
    model = wrap(nn.Sequential(*pieces, nn.AdaptiveAvgPool2d(1), nn.Flatten()), [0.5] * 3, [0.25] * 3, "abcdefghijklmnop", 64)
    with torch.no_grad():
        before = model[:1](soft_noise(1))
        for module in list(model.network)[:19]:
            before = module(before)
        model.network[18].bias[2:5] -= before[0, 2:5].amax((1, 2)) + 0.05
    return model


@pytest.mark.parametrize("activation", [nn.ReLU, lambda: nn.LeakyReLU(0.01)])
def test_in_a_deep_network_every_picture_lights_its_unit_or_a_sentence_says_why(activation):
    model, world = deep(activation), load_concepts("test", n=16)
    model.network[18].bias.data[0] = -1e6                                    # a esta no la enciende nada
    model.network[18].weight.data[1], model.network[18].bias.data[1] = 0, 1.0    # y a esta no la mueve nada
    units = [Unit("network.19", k) for k in range(8)]
    made = imagined(model, world, units, 24)
    assert all(response(model, "network.19", k, soft_noise(1)[0]) <= 0 for k in (2, 3, 4)) and made[0].jpeg is made[1].jpeg is None
    assert made[2].jpeg is not None and made[3].jpeg is not None
    assert "no se logró encender" in made_told(made[0]) and "no se movió del ruido gris" in made_told(made[1])
    lit = [(unit, one) for unit, one in zip(units, made) if one.jpeg is not None]
    assert len(lit) >= 4 and all(made_told(one).startswith("Sin imagen hecha") for one in made if one.jpeg is None)
    assert "no subió" in made_told(made[2]._replace(jpeg=None, first=made[2].mean + 1))
    for unit, one in lit:
        image = load_picture(one.jpeg)
        assert response(model, "network.19", unit.channel, image) == pytest.approx(one.mean, rel=1e-3) and one.mean > max(0, one.first)
        assert (image - 0.5).abs().mean() > 0.02 and "responde hasta" in made_told(one)


def test_only_the_last_relus_are_opened():
    class Branches(nn.Module):
        def __init__(self):
            super().__init__()
            self.first, self.left, self.right = (nn.Conv2d(3, 3, 1) for _ in range(3))
            self.relu1, self.relu2, self.relu3, self.pool = nn.ReLU(), nn.ReLU(), nn.ReLU(), nn.MaxPool2d(2)

        def forward(self, images):
            seen = self.relu1(self.first(images))
            return self.pool(torch.cat([self.relu2(self.left(seen)), self.relu3(self.right(seen))], 1))

    model, images = Branches().eval().requires_grad_(False), torch.rand(1, 3, 8, 8)
    assert last_relus(model, images, "pool") == (["relu2", "relu3"], False)
    assert last_relus(model, images, "left") == ([], False) and last_relus(model, images, "relu1") == (["relu1"], False)
    assert last_relus(load_model("escenas", "cpu"), torch.rand(1, 3, 64, 64), "fc") == ([], True)
    assert not any(module._forward_hooks for module in model.modules())


class Odd(nn.Module):
    """Una red con un bloque que da una pareja y otro que no usa."""

    def __init__(self):
        super().__init__()
        self.pair, self.unused = Pair(), nn.Conv2d(3, 4, 1)

    def forward(self, images):
        return self.pair(images)[0].mean((2, 3))


class Pair(nn.Module):
    def forward(self, images):
        return images, images


def test_the_list_says_which_layer_is_not_used_and_which_gives_no_tensor():
    lines = layers_text(list_layers(Odd(), torch.rand(1, 3, 8, 8))).splitlines()
    assert [line.rpartition("–  ")[2] for line in lines[1:]] == ["no da un tensor", "la red no la usa"]


def test_the_page_has_the_sentence_in_the_place_of_the_picture():
    model, world = load_model("escenas", "cpu"), load_concepts("test", n=40)
    evidence = gather(model, world, "relu2")
    first = portraits_of(model, world, evidence)[0].label.unit.channel
    model.conv2.bias.data[first] = -1e6                                     # se contó encendida; al hacer su imagen, ya no
    text = report(model, world, evidence, Asked(1, 2))
    figure, = re.findall(rf'<figure id="u{first}">.*?</figure>', text)
    assert "no se logró encender" in figure and "optimizada" not in figure and figure.count("<img") == 1


def test_the_pictures_come_last_and_what_was_counted_is_already_written(tmp_path, monkeypatch, capsys):
    out, table = tmp_path / "a.html", tmp_path / "a.csv"

    def stopped(model, world, units, steps):
        assert len(units) == 3 and steps == 7 and "Las unidades que detectan algo" in out.read_text(encoding="utf-8") and table.is_file()
        raise KeyboardInterrupt
    monkeypatch.setattr(writing, "imagined", stopped)
    order = ["dissect", "--layer", "relu3", "--images", "20", "--pictures", "3", "--steps", "7", "--csv", str(table), "--out", str(out)]
    assert main(order) == 130 and out.is_file() and "faltan las imágenes hechas para 3 unidades" in capsys.readouterr().out


# ── los ejemplares ───────────────────────────────────────────────────────────────────────────────────────────────────

def test_the_exemplars_are_the_strongest_and_the_outline_goes_around_what_passes():
    model, world = load_model("escenas", "cpu"), load_concepts("test", n=40)
    evidence = gather(model, world, "relu3")
    found = best_images(model, world, "relu3", [4, 11], evidence.found.cuts)
    with torch.no_grad():
        maps = nn.Sequential(*list(model)[:9])(world.images)
    for best, unit in zip(found, (4, 11)):
        peaks = maps[:, unit].amax((1, 2))
        assert best.rows.tolist() == peaks.argsort(descending=True, stable=True)[:5].tolist()
        assert torch.allclose(best.peaks, peaks.sort(descending=True).values[:5], rtol=1e-4) and best.tiles.shape == (5, 3, 128, 128)
        for tile, row in zip(best.tiles, best.rows.tolist()):
            grown = F.interpolate(maps[row, unit][None, None], (64, 64), mode="bilinear")[0, 0]
            lit = (grown >= evidence.found.cuts[unit]).repeat_interleave(2, 0).repeat_interleave(2, 1)
            plain = world.images[row].repeat_interleave(2, 1).repeat_interleave(2, 2)
            changed = ((tile - plain).abs().amax(0) > 0.01)
            inner = torch.zeros_like(lit)
            inner[2:-2, 2:-2] = lit[2:-2, 2:-2]
            near = F.max_pool2d(lit[None].float(), 7, 1, 3)[0] > 0
            assert (changed & inner).float().mean() < 0.002 and not (changed & ~near).any() and bool(changed.any()) == bool(lit.any())


def test_photographs_are_shown_small_and_read_once_more_only_if_needed():
    class World:
        names, categories, asked = ["a"], ["object"], []
        images = torch.rand(9, 3, 150, 200, generator=torch.Generator().manual_seed(0))

        def __len__(self):
            return 9

        def pictures(self, rows):
            self.asked.append(len(rows))
            return self.images[rows]

    model = nn.Sequential(nn.Conv2d(3, 2, 5, 4)).eval().requires_grad_(False)
    best, = best_images(model, World(), "0", [1], torch.tensor([9.0, 9.0]))
    assert best.tiles.shape == (5, 3, 96, 128) and World.asked == [9, 5]


# ── lo que dice ──────────────────────────────────────────────────────────────────────────────────────────────────────

@pytest.fixture(scope="module")
def told(tmp_path_factory):
    """La página y las tablas de una parte de una carpeta Broden, con una convención que no es la de siempre."""
    folder = tmp_path_factory.mktemp("reporte")
    assert main(["broden", "export", str(folder / "fotos"), "--n", "40"]) == 0
    order = ["dissect", "--layer", "relu4", "--broden", str(folder / "fotos"), "--size", "64", "--split", "train", "--convention", "dissect",
             "--control", "1", "--pictures", "1", "--steps", "4"]
    assert main([*order, "--out", str(folder / "a.html"), "--csv", str(folder / "a.csv"), "--json", str(folder / "a.json")]) == 0
    with open(folder / "a.csv", encoding="utf-8", newline="") as file:
        rows = list(csv.DictReader(file))
    return (folder / "a.html").read_text(encoding="utf-8"), rows, json.loads((folder / "a.json").read_text(encoding="utf-8")), folder


def test_the_report_names_everything_it_depends_on(told):
    text, rows, found, folder = told
    n = sum(",train," in line for line in (folder / "fotos/index.csv").read_text().splitlines())
    assert 0 < n < 40 and found["números"]["n"] == n and found["números"]["q"] == CONVENTIONS["dissect"].share == 0.01
    for name, value in {"Red": "«escenas»", "Capa": f"relu4, {len(rows)} unidades", "Imágenes": f"{n} imágenes de la carpeta Broden «fotos»",
                        "Cómo entran": "64 × 64, con valores de 0 a 1; la red las normaliza con media 0.5", "Parte de las imágenes": "solo train", "Número de imágenes (n)": str(n), "Convención": "dissect: ",
                        "Parte que enciende (q)": "0.01: ", "Versiones": f"labkit {labkit.__version__}, PyTorch {torch.__version__}",
                        "Semillas": "0 en el remuestreo; 0 en el ruido y los movimientos de las imágenes hechas; 2 en la gemela",
                        "Orden": "python -m labkit dissect --layer relu4 --model escenas --broden fotos --split train --size 64 --convention "
                                 "dissect --control 1 --pictures 1 --steps 4 --csv tabla.csv --json tabla.json --out reporte.html"}.items():
        assert found["resumen"][name].startswith(value), name
        assert re.search(rf'<th scope="row">{re.escape(name)}</th><td>(<code>)?{re.escape(value)}', text), name
    assert "@inproceedings{bau2017dissection" in text and f"labkit, versión {labkit.__version__}" in text


def test_each_unit_has_its_threshold_and_its_names_in_every_table(told):
    text, rows, found, folder = told
    from labkit.broden import read_broden
    from labkit.dissection import dissect
    again = dissect(load_model("escenas", "cpu"), read_broden(folder / "fotos", "train", 64), "relu4", "dissect")
    for row, unit in zip(rows, found["unidades"], strict=True):
        k = int(row["unidad"].split(":")[1])
        assert unit["unidad"] == row["unidad"] and unit["umbral"] == pytest.approx(float(again.cuts[k])) == pytest.approx(float(row["umbral"]), rel=1e-7)
        assert [name["concepto"] for name in unit["nombres posibles"]] == list(filter(None, row["nombres posibles"].split("; ")))
        worth = [name["IoU"] for name in unit["nombres posibles"]]
        assert worth == sorted(worth, reverse=True) and (not worth or worth[0] == unit["IoU"])
        assert unit["p"] == pytest.approx(float(row["p"]), abs=1e-6)
    assert found["huellas"]["pesos"] in text and found["huellas"]["tablas"] in text and found["cita"]["BibTeX"] in unescape(text)
    inside = b64decode(re.search(r'href="data:text/csv;charset=utf-8;base64,([^"]+)"', text)[1]).decode()
    assert inside == (folder / "a.csv").read_text(encoding="utf-8")


def test_the_page_asks_nothing_of_the_network_and_waits_to_decode(told):
    text = told[0]
    assert not re.search(r'(src|href)="(?!data:|#)', text) and "@import" not in text and "url(" not in text
    images = re.findall("<img [^>]*>", text)
    assert images and all('loading="lazy"' in image and 'alt="' in image for image in images)
    style = text.split("</style>")[0]
    assert "prefers-color-scheme: dark" in style and "@media print" in style and '<div class="tools" hidden>' in text


def test_the_page_never_weighs_more_than_three_megabytes():
    """Trescientas unidades con imágenes de puro ruido, que no se comprimen."""
    model, world = load_model("escenas", "cpu"), load_concepts("test", n=6)
    evidence = gather(model, world, "relu1")
    tiles = torch.rand(5, 3, 128, 128, generator=torch.Generator().manual_seed(0))
    best = Exemplars(tiles, torch.arange(5.0), torch.arange(5))
    portraits = [Portrait(Label(Unit("relu1", k % 24), "pasto", "object", 0.5), best) for k in range(300)]
    text = page(evidence, portraits)
    shown = text.count("<figure ")
    assert 2_500_000 < len(text.encode()) <= 3_000_000 and 0 < shown < 300
    assert f"De las 300 detectoras, aquí van las {shown} de mayor IoU" in text
    chosen = page(evidence, portraits, Asked(exemplars=7))
    assert chosen.count("<figure ") == 7 and "aquí van las 7 de mayor IoU." in chosen
    few = page(evidence, portraits[:9])
    assert few.count("<figure ") == 9 and "aquí van" not in few and 'class="small"' not in few


def test_a_folder_without_images_says_so(tmp_path, capsys):
    (tmp_path / "index.csv").write_text("image,split,ih,iw,sh,sw,color\n")
    (tmp_path / "label.csv").write_text("number,name,category,frequency,coverage\n9,red-c,color(1),1,0.333333\n")
    order = ["dissect", "--layer", "conv3", "--out", str(tmp_path / "a.html"), "--broden"]
    assert main([*order, str(tmp_path)]) == 2 and "no tiene ninguna imagen: su index.csv" in capsys.readouterr().err
    folder = write_by_hand(tmp_path / "fotos")
    text = (folder / "index.csv").read_text().replace(",val,", ",train,")
    (folder / "index.csv").write_text(text)
    assert main([*order, str(folder), "--split", "val"]) == 2 and "ninguna imagen de la parte val" in capsys.readouterr().err
    assert main([*order, str(folder), "--split", "test"]) == 2 and "train o val" in capsys.readouterr().err


# ── la red y la capa, como las llamas ────────────────────────────────────────────────────────────────────────────────

class Twice(nn.Module):
    """Una red con un `stem` propio y otro dentro de un bloque."""

    def __init__(self):
        super().__init__()
        self.stem, self.block = nn.Conv2d(3, 4, 3), nn.Sequential()
        self.block.stem, self.block.out = nn.Conv2d(4, 4, 3), nn.ReLU()
        self.side = nn.Sequential()
        self.side.out = nn.Conv2d(4, 2, 1)

    def forward(self, images):
        return self.side(self.block(self.stem(images))).mean((2, 3))


def test_a_layer_is_found_by_the_name_it_has_in_your_network():
    model = wrap(Twice(), [0.5] * 3, [0.25] * 3, "ab", 32)
    assert find_layer(model, "network.block.out") == find_layer(model, "block.out") == "network.block.out"
    assert find_layer(model, "block") == "network.block" and find_layer(model, "fc") == "fc"
    assert find_layer(model, "stem") == "network.stem"                      # y no network.block.stem
    with pytest.raises(ValueError, match="network.block.out o network.side.out; escríbela completa"):
        find_layer(model, "out")
    with pytest.raises(ValueError, match="¿Quisiste decir «block»?.*block, block.stem, block.out, side, side.out, fc"):
        find_layer(model, "blok")
    layers = {layer.name: (layer.kind, layer.shape) for layer in list_layers(model, torch.rand(1, 3, 32, 32))}
    assert layers["block"] == ("Sequential", (4, 28, 28)) and layers["block.out"] == ("ReLU", (4, 28, 28)) and layers["fc"] == ("Logits", (2,))
    assert not any(module._forward_hooks for module in model.modules())


OTHER = """
from torch import nn
def body():
    return nn.Sequential(nn.Conv2d(3, 8, 5, 2), nn.ReLU(), nn.AdaptiveAvgPool2d(1), nn.Flatten())
"""
HERE = """
import torch
from labkit.models import wrap
from piezas_del_lado import body
def build():
    torch.manual_seed(0)
    return wrap(body(), [0] * 3, [1] * 3, "abcdefgh", 64)
def loose():
    return body()
"""


def test_a_network_in_another_folder_is_found_also_by_torchrun(tmp_path, monkeypatch, capsys):
    (tmp_path / "redes").mkdir()
    (tmp_path / "redes/piezas_del_lado.py").write_text(OTHER)
    (tmp_path / "redes/la_mia.py").write_text(HERE)
    (tmp_path / "redes/rota.py").write_text("x = 1\ny = no_existe\n")
    order = ["dissect", "--layer", "0", "--images", "12", "--pictures", "0", "--model"]
    done = torchrun("-m", "labkit", *order, "redes/la_mia.py:build", "--out", "dos.html", folder=tmp_path)
    assert done.returncode == 0, done.stderr
    monkeypatch.chdir(tmp_path)
    assert main([*order, "redes/la_mia.py:build", "--out", "uno.html"]) == 0 and "normaliza" not in capsys.readouterr().out
    assert (tmp_path / "uno.html").read_text(encoding="utf-8") == (tmp_path / "dos.html").read_text(encoding="utf-8")
    assert main([*order, f"{tmp_path}/redes/la_mia.py:loose", "--out", "b.html"]) == 0
    assert "recibe las imágenes en [0, 1], sin normalizar" in capsys.readouterr().out
    text = (tmp_path / "b.html").read_text(encoding="utf-8")
    assert "«la_mia.py:loose»" in text and str(tmp_path) not in text          # la página no dice dónde vive cada quien
    for name, says in (("redes/no_hay.py:build", "no existe el archivo redes/no_hay.py"), ("redes/rota.py:build", "NameError, en el renglón 2 de rota.py")):
        assert main([*order, name, "--out", "c.html"]) == 2 and says in capsys.readouterr().err


def test_where_to_put_the_weights_without_a_network_is_said(tmp_path, monkeypatch, capsys):
    monkeypatch.setenv("TORCH_HOME", str(tmp_path / "antorcha"))
    monkeypatch.delenv("LABKIT_REAL_DATA", raising=False)
    assert main(["dissect", "--layer", "fire9", "--model", "squeezenet1_1", "--out", str(tmp_path / "a.html")]) == 2
    says = capsys.readouterr().err
    assert f"{tmp_path / 'antorcha'}/hub/checkpoints" in says and "squeezenet1_1-b8a52dc0.pth" in says and "LABKIT_REAL_DATA" in says


@pytest.mark.parametrize(("count", "batch_size"), [(37, 16), (32, 16), (5, 16)])
def test_the_bar_says_the_true_number_of_images(count, batch_size, monkeypatch):
    totals = []

    def spy(batches, text, total=None, process=0):
        totals.append((text, total))
        return batches
    monkeypatch.setattr(sharing, "with_bar", spy)
    model, world = load_model("escenas", "cpu"), load_concepts("test", n=count)
    found = dissect_shared(model, world, "conv1", batch_size=batch_size)
    sharing.pieces_shared(model, world, "conv1", found, batch_size=batch_size)
    assert totals == [("Umbrales", count), ("Contando", count), ("En pedazos", count)]


# ── la tabla se ordena, se filtra y se busca ─────────────────────────────────────────────────────────────────────────

BROWSER = shutil.which("chromium") or shutil.which("google-chrome") or shutil.which("chromium-browser")
DRIVE = """<script>
var word = document.querySelector(".tools input"), heads = document.querySelectorAll(".units thead button"), said = [];
function seen() { return Array.from(document.querySelectorAll(".units tbody tr")).filter(function (row) { return !row.hidden; }); }
function tell(column) { said.push(seen().map(function (row) { return row.cells[column].textContent; })); }
heads[0].click(); tell(0); heads[4].click(); heads[4].click(); tell(4); heads[5].click(); tell(5);
word.value = "CÉSPED"; word.dispatchEvent(new Event("input", { bubbles: true })); tell(0);
said.push(document.querySelector(".tools output").textContent);
word.value = "5"; word.dispatchEvent(new Event("input", { bubbles: true })); tell(0);
word.value = ""; var box = document.querySelector("select"); box.value = "detecta"; box.dispatchEvent(new Event("input", { bubbles: true })); tell(1);
document.body.innerHTML = "<pre id=said></pre>"; document.querySelector("#said").textContent = JSON.stringify(said);
</script></body>"""


@pytest.mark.skipif(BROWSER is None, reason="no hay un navegador (chromium) con que abrir la página")
def test_the_table_is_sorted_filtered_and_searched_in_a_browser(told, tmp_path):
    text, rows, _, _ = told
    (tmp_path / "a.html").write_text(text.replace("</body>", DRIVE), encoding="utf-8")
    ran = subprocess.run([BROWSER, "--headless", "--no-sandbox", "--disable-gpu", f"--user-data-dir={tmp_path / 'perfil'}",
                          "--virtual-time-budget=20000", "--dump-dom", f"file://{tmp_path / 'a.html'}"], capture_output=True, encoding="utf-8", timeout=300)
    by_name, by_iou, by_cut, searched, count, fives, detect = json.loads(re.search(r'<pre id="said">(.*?)</pre>', ran.stdout, re.DOTALL)[1])
    assert by_name == [f"relu4:{k}" for k in range(len(rows))]
    assert by_iou == [f"{value:.3f}" for value in sorted(float(row["IoU"]) for row in rows)]
    cuts = [float(text.replace("−", "-").replace(",", "").replace("0+", "0")) for text in by_cut]
    assert cuts == sorted(cuts, reverse=True) and len(set(cuts)) > 5
    names = {row["unidad"] for row in rows if "césped" in row["concepto"] or "césped" in row["nombres posibles"].split("; ")[:4]}
    assert names >= set(searched) and {row["unidad"] for row in rows if "césped" in row["concepto"]} <= set(searched)
    assert count == f"Se ven {len(searched)} de {len(rows)} unidades."
    assert sorted(fives) == sorted(f"relu4:{k}" for k in range(len(rows)) if "5" in str(k))         # y no los que llevan un 5 en su IoU
    assert detect == ["detecta"] * sum(row["estado"] == "detecta" for row in rows)

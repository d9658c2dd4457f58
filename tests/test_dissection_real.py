"""Fotografías de verdad en una carpeta Broden, con SqueezeNet y sus pesos publicados: lo mismo que una disección en NumPy.

La otra cuenta se escribe aquí sin labkit ni PyTorch, salvo las activaciones: lee los CSV y los PNG, ordena todos los
valores, agranda con ciclos y cuenta.
"""
import csv
import os
from math import floor
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest
import torch
from matplotlib.cbook import get_sample_data
from PIL import Image
from sklearn.datasets import load_sample_images

from labkit.activations import Unit
from labkit.broden import export_concepts, read_broden
from labkit.colors import COLOR_NAMES, color_index
from labkit.dissection import dissect, dissect_shared
from labkit.models import load_model
from labkit.pictures import from_pillow, load_picture
from labkit.portraits import imagined

FOLDER = Path(os.environ.get("LABKIT_REAL_DATA") or "no hay")
pytestmark = pytest.mark.skipif(not (FOLDER / "squeezenet1_1_imagenet.pth").is_file(), reason="sin SqueezeNet en LABKIT_REAL_DATA")
SIDE, LAYERS, SHARE = 224, ("fire5", "fire9"), 0.005
PLACES = ("palacio", "dalia", "retrato")


def crops():
    """Ocho recortes de 224 × 224 de cada fotografía, y de cuál son."""
    with get_sample_data("grace_hopper.jpg") as file:
        photos = [*load_sample_images().images, np.asarray(Image.open(file).convert("RGB"))]
    for number, photo in enumerate(photos):
        h, w = photo.shape[:2]
        for y in (0, h - SIDE):
            for x in np.linspace(0, w - SIDE, 4).astype(int):
                yield number, from_pillow(Image.fromarray(photo[y:y + SIDE, x:x + SIDE]))


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """Una carpeta Broden: el color de cada píxel, de qué fotografía es y, como objeto y como parte, mitades y un centro."""
    numbers, images = zip(*crops())
    images, half = torch.stack(images), SIDE // 2
    masks = {("scene", name): torch.tensor(numbers)[:, None, None].expand(-1, SIDE, SIDE) == k for k, name in enumerate(PLACES)}
    for name, rows, columns in (("izquierda", slice(None), slice(half)), ("derecha", slice(None), slice(half, None)),
                                ("centro", slice(60, 164), slice(60, 164))):
        masks["object", name] = torch.zeros(len(images), SIDE, SIDE, dtype=torch.bool)
        masks["object", name][:, rows, columns] = True
    masks["part", "arriba"] = torch.zeros(len(images), SIDE, SIDE, dtype=torch.bool)
    masks["part", "arriba"][::2, :half] = True
    masks["part", "chica"] = torch.zeros(len(images), SIDE, SIDE, dtype=torch.bool)
    masks["part", "chica"][::2, 96:112, 96:112] = True                      # en media carpeta no hay ninguna parte
    colors = color_index(images)
    masks |= {("color", name): colors == k for k, name in enumerate(COLOR_NAMES)}
    stacked = torch.stack(list(masks.values()), 1)
    world = SimpleNamespace(images=images, names=[name for _, name in masks], categories=[category for category, _ in masks],
                            masks=lambda rows: stacked[rows])
    return export_concepts(world, tmp_path_factory.mktemp("real") / "broden", "fotos", min_frequency=1, min_coverage=0)


def read_by_hand(folder):
    """Las imágenes (n, 224, 224, 3) de 0 a 255 y, por concepto (categoría y número), sus máscaras (n, 112, 112)."""
    with open(folder / "index.csv", encoding="utf-8", newline="") as file:
        rows = list(csv.DictReader(file))
    images, masks = [], {}
    for i, row in enumerate(rows):
        images.append(np.asarray(Image.open(folder / "images" / row["image"])))
        for category in ("scene", "object", "part", "color"):
            for item in filter(None, row[category].split(";")):
                pixels = None if item.isdigit() else np.asarray(Image.open(folder / "images" / item)).astype(int)
                plane = np.full((112, 112), int(item)) if pixels is None else pixels[..., 0] + 256 * pixels[..., 1]
                for number in np.unique(plane[plane > 0]).tolist():
                    masks.setdefault((category, number), np.zeros((len(rows), 112, 112), bool))[i] |= plane == number
    return np.stack(images), masks


def grow(line, size):
    """Un renglón de números a `size` lugares: cada lugar nuevo cae entre dos viejos, con los centros alineados."""
    made = []
    for place in range(size):
        at = min(max((place + 0.5) * len(line) / size - 0.5, 0), len(line) - 1)
        low = floor(at)
        high = min(low + 1, len(line) - 1)
        made.append(line[low] + (at - low) * (line[high] - line[low]))
    return np.stack(made)


def by_hand(maps, masks, held):
    """Los umbrales (c,) y el IoU (c, k) de unos mapas (n, c, h, w) y unas máscaras (k listas de n).

    held: por cada máscara, en qué imágenes cuenta (n,): las que tienen algo de su categoría.
    """
    cuts, iou = [], []
    for unit in range(maps.shape[1]):
        values = np.sort(maps[:, unit].ravel())[::-1]
        cut = values[int(SHARE * values.size)]
        cuts.append(cut if cut > values[-1] else np.nextafter(values[-1], np.float32(np.inf)))
        lit = np.stack([grow(grow(heat.astype(float), 112).T, 112).T >= cuts[-1] for heat in maps[:, unit]])
        alive = values[0] > values[-1]
        iou.append([alive * (lit & mask)[rows].sum() / max((lit | mask)[rows].sum(), 1) for mask, rows in zip(masks, held)])
    return np.array(cuts), np.array(iou)


@pytest.mark.parametrize("layer", LAYERS)
def test_it_is_the_dissection_of_a_plain_program(folder, layer):
    model, world = load_model("squeezenet1_1", "cpu"), read_broden(folder)
    found = dissect(model, world, layer, batch_size=5)
    pixels, masks = read_by_hand(folder)
    images, maps = torch.from_numpy(pixels).permute(0, 3, 1, 2).float() / 255, []
    with torch.no_grad():
        for values in images.split(5):                      # los mismos lotes: de ellos depende el último bit
            values = values.contiguous(memory_format=torch.channels_last)
            for name, module in model.named_children():
                values = module(values)
                if name == layer:
                    break
            maps.append(values)
    broden = read_broden(folder)
    order = list(zip(broden.categories, broden.numbers))
    some = torch.cat(maps).numpy()[:, ::8]                                                          # una de cada ocho unidades
    held = [np.any([mask.any((1, 2)) for (category, _), mask in masks.items() if category == mine], 0) for mine, _ in order]
    cuts, iou = by_hand(some, [masks[concept] for concept in order], held)
    assert len(images) == 24 and set(order) == set(masks) and len(order) >= 15
    assert np.allclose(found.cuts[::8].numpy(), cuts, rtol=1e-5, atol=1e-6)
    assert np.abs(found.iou()[::8].numpy() - iou).max() < 1e-4
    assert (iou.max(1) > 0.04).any() and found.tally.pixels == 24 * 112 * 112
    everywhere = by_hand(some, [masks[concept] for concept in order], [np.ones(24, bool)] * len(order))[1]
    assert np.abs(everywhere - iou).max() > 0.002           # con otra convención no saldría
    assert np.abs(dissect(model, world, layer, "every_image", batch_size=5).iou()[::8].numpy() - everywhere).max() < 1e-4


def test_in_parts_it_gives_the_same_bits(folder, tmp_path):
    model, world = load_model("squeezenet1_1", "cpu"), read_broden(folder)
    whole = dissect(model, world, "fire5", batch_size=8)
    parts = dissect_shared(model, world, "fire5", batch_size=8, folder=tmp_path / "hecho")
    assert torch.equal(whole.cuts, parts.cuts) and torch.equal(whole.tally.both, parts.tally.both)


def test_units_that_are_off_in_the_noise_get_a_picture_that_lights_them(folder):
    """Casi dos de cada tres unidades de fire9 están apagadas en el ruido del que se parte; ninguna queda en gris."""
    model, world = load_model("squeezenet1_1", "cpu"), read_broden(folder, size=SIDE)
    units = [Unit("fire9", k) for k in range(0, 512, 40)]
    made = imagined(model, world, units, 64)
    assert sum(one.began == 0 for one in made) >= 4 and all(one.jpeg is not None for one in made)
    for unit, one in zip(units, made):
        maps = model[:list(dict(model.named_children())).index("fire9") + 1](load_picture(one.jpeg)[None])
        assert float(maps[0, unit.channel].mean()) == pytest.approx(one.mean, rel=1e-3) and one.mean > 0

"""Disecar una carpeta Broden: sus imágenes miden lo que sea, y solo se abren las que se piden."""
import numpy as np
import pytest
import torch
import torch.nn.functional as F
from broden_world import INDEX, save_png, write_by_hand
from PIL import Image

from labkit.broden import export_concepts, read_broden
from labkit.datasets import load_concepts
from labkit.dissection import CONVENTIONS, Shuffled, dissect, tally
from labkit.models import load_model
from labkit.regions import masks_of
from labkit.worlds import category_numbers


@pytest.fixture
def mixed(tmp_path):
    """Dos imágenes: una de 8 × 8 con máscaras de 8 × 8, y otra de 4 × 6 con máscaras de 2 × 3."""
    folder = write_by_hand(tmp_path / "mano")
    Image.new("RGB", (8, 8), (255, 0, 0)).save(folder / "images/dtd/g_0106.jpg")
    save_png(folder / "images/dtd/g_0106_color.png", np.diag([9] * 8))
    (folder / "index.csv").write_text(INDEX.replace("train,4,6,2,3", "train,8,8,8,8"), encoding="utf-8")
    return folder


def by_hand(broden, size):
    """Las imágenes al lado pedido, y las máscaras a la mitad, eligiendo a mano el píxel más cercano."""
    images, masks, half = [], [], size // 2
    for i in range(len(broden)):
        images.append(F.interpolate(broden.image(i)[None], (size, size), mode="bilinear", antialias=True)[0])
        whole = broden.masks(i)[0]
        h, w = whole.shape[1:]
        masks.append(torch.stack([torch.stack([whole[:, y * h // half, x * w // half] for x in range(half)], 1) for y in range(half)], 1))
    return torch.stack(images), torch.stack(masks)


@pytest.fixture(scope="module")
def model():
    return load_model("escenas", "cpu")


@pytest.mark.parametrize("size", [64, 20])
def test_each_picture_comes_with_its_regions_at_half_the_size(mixed, size):
    broden, rows = read_broden(mixed, size=size), torch.tensor([1, 0])
    images, masks = by_hand(broden, size)
    assert torch.equal(broden.pictures(rows), images[rows])
    found = broden.regions(rows)
    assert found.numbers.shape == (2, size // 2, size // 2)
    for (concepts, where), mask in zip(masks_of(found), masks[rows], strict=True):
        assert concepts.tolist() == mask.flatten(1).any(1).nonzero()[:, 0].tolist() and torch.equal(where, mask[concepts])
    assert torch.equal(next(broden.batches(2, size))[0], images) and torch.equal(next(broden.batches(2, size))[1], masks)


@pytest.mark.parametrize("convention", CONVENTIONS)
def test_a_folder_of_several_sizes_is_dissected_as_its_masks_say(mixed, model, convention):
    found, broden = dissect(model, read_broden(mixed, size=64), "conv3", convention), read_broden(mixed)
    counts = tally(model, [by_hand(broden, 64)], "conv3", found.cuts, category_numbers(broden.categories), convention, found.dead)
    assert torch.equal(found.tally.both, counts.both) and torch.equal(found.tally.active, counts.active) and counts.both.any()
    assert torch.equal(found.tally.truth, counts.truth) and found.tally.pixels == counts.pixels == 2 * 32 * 32


def test_without_saying_a_size_it_is_224(mixed, model):
    usual, said = dissect(model, read_broden(mixed), "conv3"), dissect(model, read_broden(mixed, size=224), "conv3")
    assert usual.tally.pixels == 2 * 112 * 112 and torch.equal(usual.iou(), said.iou())
    assert torch.equal(usual.cuts, said.cuts) and usual.iou().max() > 0


def test_only_the_pictures_asked_are_opened(mixed):
    for path in (mixed / "images/dtd").iterdir():
        path.unlink()
    broden = read_broden(mixed, size=16)
    assert broden.pictures(torch.tensor([1])).shape == (1, 3, 16, 16) and len(broden.regions(torch.tensor([1]))) == 1
    with pytest.raises(ValueError, match="no pude leer «dtd/g_0106.jpg»"):
        broden.pictures(torch.tensor([0]))


def test_what_was_exported_keeps_its_counts(model, tmp_path):
    """Escenas, y Escenas escrita como carpeta: las mismas imágenes (salvo el JPEG), con máscaras a la mitad."""
    world = load_concepts("test", n=40)
    broden = read_broden(export_concepts(world, tmp_path / "escenas", min_frequency=1, min_coverage=0), size=64)
    here, there = dissect(model, world, "conv5"), dissect(model, broden, "conv5")
    pairs = list(zip(here.names, here.categories))
    columns = [pairs.index(pair) for pair in zip(there.names, there.categories)]
    assert (here.iou()[:, columns] - there.iou()).abs().mean() < 0.002 and there.iou().max() > 0.05
    chance = dissect(model, Shuffled(broden, seed=1), "conv5").iou()        # también se baraja
    assert chance.max() < there.iou().max()


def test_a_folder_without_images_or_concepts_is_told(mixed, model):
    (mixed / "index.csv").write_text(INDEX.splitlines()[0] + "\n", encoding="utf-8")
    with pytest.raises(ValueError, match="images: no había ninguna imagen"):
        dissect(model, read_broden(mixed), "conv3")
    (mixed / "index.csv").write_text("image,split,ih,iw,sh,sw\nade/a.jpg,val,4,6,2,3\n", encoding="utf-8")
    with pytest.raises(ValueError, match="no tiene ningún concepto"):
        dissect(model, read_broden(mixed), "conv3")
    with pytest.raises(ValueError, match="size: esperaba un lado de 2 píxeles o más, y recibí 1"):
        read_broden(mixed, size=1)

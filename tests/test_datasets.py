import json
import subprocess
import sys
from dataclasses import replace

import numpy as np
import packing
import pytest
import torch
from conftest import CLASSES, PAINT, SCENES, SEGMENTS, make_split

from labkit.activations import Unit
from labkit.colors import COLOR_NAMES
from labkit.datasets import CATEGORIES, PROTAGONIST, load_concepts, load_images
from labkit.files import data_path
from labkit.regions import masks_of


@pytest.fixture
def own(tmp_path, monkeypatch):
    """Una carpeta de datos que la prueba puede estropear."""
    monkeypatch.setenv("LABKIT_DATOS", str(tmp_path))
    make_split(tmp_path / "escenas", "test", 4)
    packing.write_info(tmp_path / "escenas", CLASSES, SCENES, SEGMENTS, {"test": 4})
    packing.write_sums(tmp_path)
    return tmp_path


# ── imágenes ─────────────────────────────────────────────────────────────────────────────────────────────────────────

def test_reads_what_was_written(world):
    images = load_images()
    assert len(images) == 30 and images.images.shape == (30, 3, 64, 64) and images.images.dtype == torch.float32
    written = torch.from_numpy(world.images).permute(0, 3, 1, 2) / 255
    assert (images.images - written).abs().mean() < 0.01 and 0 <= images.images.min() <= images.images.max() <= 1
    assert images.labels.tolist() == world.classes.tolist() and images.labels.dtype == torch.long
    assert images.scenes.tolist() == world.scenes.tolist()
    assert (images.classes, images.scene_names) == (CLASSES, SCENES)
    image, label = images[3]
    assert torch.equal(image, images.images[3]) and label == world.classes[3]
    assert len(list(images)) == 30                                  # recorrerlo termina


def test_other_split_and_source(world):
    assert len(load_images("train")) == 7 and len(load_images(source="dobles")) == 3
    assert not torch.equal(load_images("train").images[:3], load_images(source="dobles").images)


def test_n_takes_the_first(world):
    some, whole = load_images(n=5), load_images()
    assert len(some) == 5 and torch.equal(some.images, whole.images[:5]) and torch.equal(some.labels, whole.labels[:5])
    assert len(load_concepts(n=5).segments) == 5


def test_tiles_keep_their_order_across_shards(tmp_path, monkeypatch):
    n, numbers = 1003, np.arange(1003)
    images = np.zeros((n, 64, 64, 3), np.uint8)
    images[:, :32] = (numbers % 32 * 8)[:, None, None, None]        # la mitad de arriba y la de abajo escriben el número
    images[:, 32:] = (numbers // 32 * 8)[:, None, None, None]
    packing.write_split(tmp_path / "escenas", "test", images, np.zeros((n, 64, 64), int), numbers % 2, numbers % 3, numbers)
    packing.write_info(tmp_path / "escenas", CLASSES, SCENES, SEGMENTS, {"test": n})
    monkeypatch.setenv("LABKIT_DATOS", str(tmp_path))
    assert sorted(path.name for path in tmp_path.glob("*/*.jpg")) == ["test_00.jpg", "test_01.jpg"]
    digits = (load_images().images[:, 0, [16, 48], 32] * 255 / 8).round().int()
    assert (digits[:, 0] + 32 * digits[:, 1]).tolist() == numbers.tolist()
    assert len(load_images(n=1000)) == 1000 and len(load_images(n=1001)) == 1001


def test_only_the_needed_mosaics_are_read(tmp_path, monkeypatch):
    zeros = np.zeros(1001, int)
    packing.write_split(tmp_path / "escenas", "test", np.zeros((1001, 64, 64, 3), np.uint8), np.zeros((1001, 64, 64), int), zeros, zeros, zeros)
    packing.write_info(tmp_path / "escenas", CLASSES, SCENES, SEGMENTS, {"test": 1001})
    (tmp_path / "escenas" / "test_01.jpg").unlink()
    monkeypatch.setenv("LABKIT_DATOS", str(tmp_path))
    assert len(load_images(n=1000)) == 1000
    with pytest.raises(FileNotFoundError, match="test_01.jpg"):
        load_images()


# ── conceptos ────────────────────────────────────────────────────────────────────────────────────────────────────────

def test_names_of_the_concepts(world):
    concepts = load_concepts()
    assert list(zip(concepts.categories, concepts.names)) == [
        ("scene", "playa"), ("scene", "patio"), ("scene", "sala"),
        ("object", "cebra"), ("object", "caballo"), ("object", "muro"), ("object", "suelo"),
        ("part", "cuerpo"), ("part", "pata"),
        ("material", "pelo"), ("material", "ladrillo"), ("material", "arena"),
        ("texture", "rayado"), ("texture", "ladrillo"), ("texture", "granulado"),
        *[("color", name) for name in COLOR_NAMES]]
    assert set(concepts.categories) == set(CATEGORIES)


def test_masks_against_a_plain_loop_over_segments(world):
    concepts, rows = load_concepts(), [0, 7, 29]
    masks = concepts.masks(rows)
    assert masks.shape == (3, len(concepts.names), 64, 64) and masks.dtype == torch.bool
    for i, row in enumerate(rows):
        for k, (category, name) in enumerate(zip(concepts.categories, concepts.names)):
            if category == "color":
                continue
            expected = np.zeros((64, 64), bool)
            for number, segment in enumerate(SEGMENTS):
                if category != "scene" and segment[CATEGORIES.index(category) - 1] == name:
                    expected |= world.segments[row] == number
            if category == "scene":
                expected[:] = SCENES[world.scenes[row]] == name
            assert np.array_equal(masks[i, k].numpy(), expected), (row, category, name)


def test_each_pixel_has_one_color_and_it_is_the_right_one(world):
    concepts = load_concepts()
    colors = concepts.masks(slice(None))[:, -len(COLOR_NAMES):]
    assert (colors.sum(1) == 1).all()
    painted = ["gris", "blanco", "negro", "café", "rojo", "amarillo"]                       # los de PAINT, en orden
    assert len(painted) == len(PAINT)
    for number, name in enumerate(painted):
        centers = torch.from_numpy(world.segments == number)[:, 8::16, 8::16]               # lejos de las orillas del JPEG
        assert colors[:, COLOR_NAMES.index(name), 8::16, 8::16][centers].all(), name


def test_object_masks_are_the_pixels_of_the_class(world):
    concepts = load_concepts()
    masks = concepts.object_masks(slice(None))
    expected = np.zeros((30, 64, 64), bool)
    for i in range(30):
        for number, segment in enumerate(SEGMENTS):
            if segment[0] == CLASSES[world.classes[i]]:
                expected[i] |= world.segments[i] == number
    assert np.array_equal(masks.numpy(), expected) and 0 < masks.float().mean() < 1


@pytest.mark.parametrize("index, rows", [(3, [3]), (-1, [29]), ([4, 2], [4, 2]), (slice(1, 4), [1, 2, 3]),
                                         (torch.tensor([5, 0]), [5, 0]), (range(2), [0, 1])])
def test_masks_take_any_kind_of_index(world, index, rows):
    concepts = load_concepts()
    index = list(index) if isinstance(index, range) else index
    assert torch.equal(concepts.masks(index), concepts.masks(rows))
    assert torch.equal(concepts.object_masks(index), concepts.object_masks(rows))


def test_an_index_that_is_not_there(world):
    with pytest.raises(IndexError, match="esperaba posiciones de 0 a 29 y recibí 30"):
        load_concepts().masks(30)


def test_batches_go_through_everything_once(world):
    concepts = load_concepts()
    parts = list(concepts.batches(8))
    assert [len(images) for images, _ in parts] == [8, 8, 8, 6]
    assert torch.equal(torch.cat([images for images, _ in parts]), concepts.images)
    assert torch.equal(torch.cat([masks for _, masks in parts]), concepts.masks(slice(None)))


def test_labels_stay_packed(world):
    concepts = load_concepts()
    assert concepts.segments.nbytes == 30 * 64 * 64                 # un byte por píxel, no uno por concepto
    tensors = [value for value in vars(concepts).values() if isinstance(value, torch.Tensor)]
    assert sum(tensor.nbytes for tensor in tensors) - concepts.images.nbytes < 1.05 * concepts.segments.nbytes


def test_more_than_256_segments(tmp_path, monkeypatch):
    table = [["", "", "", ""]] + [[f"cosa {i}", "", "", ""] for i in range(300)]
    segments = np.arange(2)[:, None, None] * 299 + np.ones((2, 64, 64), int)
    packing.write_split(tmp_path / "raro", "test", np.zeros((2, 64, 64, 3), np.uint8), segments, *np.zeros((3, 2), int))
    packing.write_info(tmp_path / "raro", CLASSES, SCENES, table, {"test": 2})
    monkeypatch.setenv("LABKIT_DATOS", str(tmp_path))
    concepts = load_concepts(source="raro")
    assert concepts.segments.nbytes == 2 * 2 * 64 * 64
    for row, name in enumerate(["cosa 0", "cosa 299"]):
        present = concepts.masks(row)[0].flatten(1).any(1)
        assert [n for n, c, here in zip(concepts.names, concepts.categories, present) if here and c == "object"] == [name]


# ── lo que puede salir mal ───────────────────────────────────────────────────────────────────────────────────────────

@pytest.mark.parametrize("n", [np.int64(4), np.uint8(4), torch.tensor(4), torch.arange(5).argmax()])
def test_a_number_of_numpy_or_torch_is_a_number(world, n):
    assert len(load_images(n=n)) == 4


@pytest.mark.parametrize("n", [31, 0, -1, 2.5])
def test_n_out_of_range(world, n):
    with pytest.raises(ValueError, match=f"n: esperaba un entero de 1 a 30, las imágenes de «escenas/test», y recibí {n}"):
        load_images(n=n)


def test_wrong_split_or_source_lists_the_right_ones(world):
    with pytest.raises(ValueError, match="«escenas» no tiene una parte «val»; tiene: train, test"):
        load_images("val")
    with pytest.raises(ValueError, match="no hay un conjunto «escena»; los que hay: dobles, escenas"):
        load_concepts(source="escena")


@pytest.mark.parametrize("name", ["test_00.jpg", "test.npz", "info.json"])
def test_a_damaged_file_says_how_to_get_it_back(own, name):
    path = own / "escenas" / name
    content = bytearray(path.read_bytes())
    content[len(content) // 2] ^= 1                                 # un solo bit
    path.write_bytes(content)
    with pytest.raises(ValueError) as caught:
        load_images()
    assert str(caught.value) == (f"data/escenas/{name} está dañado (su suma SHA-256 no es la de data/SHA256SUMS): "
                                 f"recupéralo con «git checkout -- data/escenas/{name}» desde la raíz del repositorio.")


def test_missing_data_says_what_to_do(tmp_path, monkeypatch):
    monkeypatch.setenv("LABKIT_DATOS", str(tmp_path / "nada"))
    with pytest.raises(FileNotFoundError, match="No encuentro .*info.json: .* Clónalo completo .* LABKIT_DATOS"):
        load_images()


def test_a_missing_mosaic_names_itself(own):
    (own / "escenas" / "test_00.jpg").unlink()
    with pytest.raises(FileNotFoundError, match="No encuentro .*test_00.jpg"):
        load_images()


def test_each_sum_is_checked_once(own, monkeypatch):
    import hashlib

    seen = []
    real = hashlib.sha256
    monkeypatch.setattr(hashlib, "sha256", lambda content: seen.append(len(content)) or real(content))
    load_concepts()
    first = len(seen)
    load_concepts()
    assert first == len(seen) == 3                                  # mosaico, segmentos e info.json


def test_a_file_of_your_own_needs_no_sum(own):
    make_split(own / "mías", "test", 2)
    packing.write_info(own / "mías", CLASSES, SCENES, SEGMENTS, {"test": 2})
    assert len(load_images(source="mías")) == 2
    (own / "SHA256SUMS").unlink()
    assert len(load_images()) == 4


def test_data_path_points_to_the_repository(monkeypatch):
    monkeypatch.delenv("LABKIT_DATOS", raising=False)
    assert (data_path("build") / "packing.py").is_file()
    assert data_path("a", "b").parts[-3:] == ("data", "a", "b")


def test_the_protagonist_is_well_formed():
    assert PROTAGONIST.index >= 0 and str(Unit.parse(PROTAGONIST.unit)) == PROTAGONIST.unit


# ── quien escribe ────────────────────────────────────────────────────────────────────────────────────────────────────

def test_the_same_data_give_the_same_bytes(written, tmp_path):
    make_split(tmp_path / "escenas", "test", 30, seed=2)
    packing.write_info(tmp_path / "escenas", CLASSES, SCENES, SEGMENTS, {"train": 7, "test": 30})
    for path in tmp_path.rglob("*.*"):
        assert path.read_bytes() == (written.folder / path.relative_to(tmp_path)).read_bytes(), path.name
    assert len(list(tmp_path.rglob("*.*"))) == 3                    # y no queda ningún archivo temporal


def test_the_sums_are_those_of_sha256sum(own):
    (own / "build").mkdir()
    (own / "build" / "prueba.json").write_text("{}")
    (own / "README.md").write_text("hola")
    packing.write_sums(own)
    names = [line.split()[1] for line in (own / "SHA256SUMS").read_text().splitlines()]
    assert names == ["escenas/info.json", "escenas/test.npz", "escenas/test_00.jpg"]
    if sys.platform.startswith("linux"):
        subprocess.run(["sha256sum", "--check", "--strict", "--quiet", "SHA256SUMS"], cwd=own, check=True)


def test_info_reads_as_spanish(tmp_path):
    packing.write_info(tmp_path, ["pájaro"], ["montaña"], [["pájaro", "", "", ""]], {"test": 1})
    text = (tmp_path / "info.json").read_text(encoding="utf-8")
    assert text.count("pájaro") == 2 and "montaña" in text and json.loads(text)["size"] == 64


def test_a_mosaic_has_no_color_subsampling(own):
    from PIL import Image, JpegImagePlugin

    with Image.open(own / "escenas" / "test_00.jpg") as mosaic:
        assert mosaic.size == (25 * 64, 64) and JpegImagePlugin.get_sampling(mosaic) == 0


@pytest.mark.parametrize("change, message", [
    ({"images": np.zeros((4, 3, 64, 64), np.uint8)}, "images: esperaba forma"),
    ({"images": np.zeros((4, 64, 64, 3), np.float32)}, "en uint8"),
    ({"segments": np.zeros((3, 64, 64), int)}, "segments: esperaba forma"),
    ({"segments": np.full((4, 64, 64), -1)}, "de 0 a 65535"),
    ({"classes": np.zeros(3, int)}, "classes: esperaba forma"),
])
def test_the_writer_refuses_what_does_not_fit(tmp_path, change, message):
    good = {"images": np.zeros((4, 64, 64, 3), np.uint8), "segments": np.zeros((4, 64, 64), int)}
    good |= {name: np.zeros(4, int) for name in ("classes", "scenes", "seeds")}
    with pytest.raises(ValueError, match=message):
        packing.write_split(tmp_path, "test", **(good | change))


def test_the_concepts_present_are_the_masks_that_are_not_empty():
    world = load_concepts("test", n=40)
    for i in (0, 17, 39):
        (found, where), = masks_of(world.regions(i))
        dense = world.masks(i)[0]
        assert torch.equal(found, dense.flatten(1).any(1).nonzero()[:, 0]) and torch.equal(where, dense[found])
    together, alone = masks_of(world.regions([3, 5])), [masks_of(world.regions(i))[0] for i in (3, 5)]
    assert all(torch.equal(a, b) for one, other in zip(together, alone, strict=True) for a, b in zip(one, other))
    assert torch.equal(world.pictures(torch.tensor([5, 3])), world.images[[5, 3]])


def test_regions_say_the_concepts_of_each_pixel():
    world = load_concepts("test", n=40)
    found = world.regions([39, 0])
    listed = found.concepts.split(found.sizes.tolist())
    for concepts, numbers, dense in zip(listed, found.numbers, world.masks([39, 0]), strict=True):
        again = torch.zeros_like(dense)
        for column in concepts.T:
            there = column[numbers]
            again.scatter_(0, there.clamp(min=0)[None], (there >= 0)[None] | again.gather(0, there.clamp(min=0)[None]))
        assert torch.equal(again, dense) and len(numbers.unique()) == len(concepts)


def test_no_images_have_no_regions():
    world = load_concepts("test", n=3)
    assert len(world.regions([])) == 0 and masks_of(world.regions([])) == [] and len(world.regions(slice(3, 3))) == 0


def test_a_set_without_scenes_has_no_scene_concept():
    world = load_concepts("test", n=5)
    plain = replace(world, scene_names=[], names=world.names[20:], categories=world.categories[20:], scenes=torch.zeros(5, dtype=torch.int64))
    for (concepts, where), dense in zip(masks_of(plain.regions(slice(0, 5))), plain.masks(slice(0, 5))):
        assert torch.equal(concepts, dense.flatten(1).any(1).nonzero()[:, 0]) and torch.equal(where, dense[concepts])


def test_a_set_that_contradicts_itself_is_not_written(tmp_path):
    make_split(tmp_path, "test", 5)
    packing.write_info(tmp_path, CLASSES, SCENES, SEGMENTS, {"test": 5})
    with pytest.raises(ValueError, match="splits: test dice 4 imágenes y tiene 5"):
        packing.write_info(tmp_path, CLASSES, SCENES, SEGMENTS, {"test": 4})
    for tables in ((CLASSES[:1], SCENES, SEGMENTS), (CLASSES, SCENES[:1], SEGMENTS), (CLASSES, SCENES, SEGMENTS[:2])):
        with pytest.raises(ValueError, match="test llega al"):
            packing.write_info(tmp_path, *tables, {"test": 5})


def test_a_class_without_its_object_is_told(written, monkeypatch, tmp_path):
    make_split(tmp_path / "mudo", "test", 5)
    packing.write_info(tmp_path / "mudo", ["vaca", "cebra"], SCENES, SEGMENTS, {"test": 5})
    packing.write_sums(tmp_path)
    monkeypatch.setenv("LABKIT_DATOS", str(tmp_path))
    with pytest.raises(ValueError, match="no hay un objeto con el nombre de la clase «vaca»"):
        load_concepts("test", "mudo").object_masks(slice(None))

"""Broden: leer una carpeta escrita a mano, escribir y volver a leer, y nombrar lo que se contradice en una dañada."""
import csv
import random
import shutil
import struct
import tracemalloc
import zlib
from pathlib import Path

import numpy as np
import pytest
import torch
from broden_world import CODES, COLORS, INDEX, LABEL, LONELY, MOVERS, PARTS, PLANTS, Sheet, save_png, write_by_hand
from PIL import Image

from labkit.broden import Picture, check_broden, export_concepts, find, read_broden, readable, stats, write_broden
from labkit.broden.format import is_inside, md5_place, to_colors, to_numbers
from labkit.commands.broden import main
from labkit.datasets import load_concepts


@pytest.fixture
def by_hand(tmp_path):
    return write_by_hand(tmp_path / "mano")


@pytest.fixture(scope="module")
def concepts():
    return load_concepts("test", n=36)


@pytest.fixture(scope="module")
def clean(tmp_path_factory, concepts):
    """Una carpeta sin fallas, exportada de «escenas»; nadie la cambia: para eso está `copied`."""
    return export_concepts(concepts, tmp_path_factory.mktemp("broden") / "escenas", min_frequency=2, min_coverage=0.02)


@pytest.fixture(scope="module")
def workbench(clean, tmp_path_factory):
    return Path(shutil.copytree(clean, tmp_path_factory.mktemp("mesa") / "copia"))


@pytest.fixture
def copied(clean, workbench):
    """Una copia de `clean` para echarla a perder; después de cada prueba se repone sólo lo que cambió."""
    yield workbench
    good, now = contents(clean), contents(workbench)
    for name in now.keys() - good.keys():
        (workbench / name).unlink()
    for name, content in good.items():
        if now.get(name) != content:
            (workbench / name).write_bytes(content)


def as_palette(path: Path) -> None:
    """El mismo PNG con una paleta de sus colores exactos."""
    pixels = np.array(Image.open(path))
    colors, places = np.unique(pixels.reshape(-1, 3), axis=0, return_inverse=True)
    picture = Image.fromarray(places.reshape(pixels.shape[:2]).astype(np.uint8))
    picture.putpalette(colors.astype(np.uint8).tobytes())
    picture.save(path)


def copy_broden(source: Path, folder: Path) -> Path:
    """Lee una carpeta Broden y la escribe otra vez, contada y numerada de nuevo, con los mismos bytes de imagen."""
    broden = read_broden(source)

    def pictures():
        for i, record in enumerate(broden):
            yield Picture(record.image, broden.path(record.image).read_bytes(), record.size, record.mask_size, broden.contents(i))

    return write_broden(folder, pictures, {number: (label.name, label.syns) for number, label in broden.labels.items()})


def contents(folder: Path) -> dict[str, bytes]:
    return {path.relative_to(folder).as_posix(): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


# ── leer ─────────────────────────────────────────────────────────────────────────────────────────────────────────────

def test_concepts_go_by_category_and_code(by_hand):
    broden = read_broden(by_hand)
    assert broden.category_names == ["texture", "part", "scene", "color"]
    assert list(zip(broden.categories, broden.numbers, broden.names)) == [
        ("texture", 300, "lined"), ("texture", 7, "dotted"), ("part", 5, "left leg"), ("part", 7, "dotted"),
        ("part", 300, "lined"), ("scene", 8, "street"), ("color", 9, "red")]
    assert broden.labels[5].syns == ("pierna", "pata") and broden.labels[7].categories == {"texture": 1, "part": 1}


def test_records_are_read_by_column_name_without_zeros(by_hand):
    first, second = read_broden(by_hand)
    assert (first.image, first.split, first.size, first.mask_size) == ("dtd/g_0106.jpg", "train", (4, 6), (2, 3))
    assert first.cells == {"texture": (7, 300), "part": (), "scene": (), "color": ("dtd/g_0106_color.png",)}
    assert second.cells["part"] == ("ade/a_part_1.png", "ade/a_part_2.png", 5) and second.cells["scene"] == (8,)


def test_planes_mix_whole_numbers_and_pngs(by_hand):
    broden = read_broden(by_hand)
    first, second = broden.planes(0), broden.planes(1)
    assert first["texture"].tolist() == [[[7] * 3] * 2, [[300] * 3] * 2] and first["part"].shape == (0, 2, 3)
    assert first["color"].tolist() == [COLORS] and first["color"].dtype == torch.int32
    assert second["part"].tolist() == PARTS + [[[5] * 3] * 2]


def test_masks_are_the_union_of_the_planes(by_hand):
    masks = read_broden(by_hand).masks([0, 1])
    assert masks.dtype == torch.bool and masks.shape == (2, 7, 2, 3)
    assert masks[0, :2].all() and not masks[0, 2:6].any() and masks[0, 6].tolist() == [[True, False, False], [False, True, False]]
    assert not masks[1, :2].any() and masks[1, 2].all() and masks[1, 5].all() and not masks[1, 6].any()
    assert masks[1, 3].tolist() == [[True, True, False], [False, False, True]]
    assert masks[1, 4].tolist() == [[True, False, False], [True, False, False]]


@pytest.mark.parametrize("index, rows", [(1, [1]), (-1, [1]), (slice(None), [0, 1]), ([1, 0], [1, 0]), (torch.tensor([True, False]), [0])])
def test_masks_take_any_kind_of_index(by_hand, index, rows):
    broden = read_broden(by_hand)
    assert torch.equal(broden.masks(index), torch.cat([broden.masks([i]) for i in rows]))


def test_an_index_that_is_not_there(by_hand):
    with pytest.raises(IndexError, match="0 a 1"):
        read_broden(by_hand).masks(2)


def test_images_are_in_0_1(by_hand):
    image = read_broden(by_hand).image(1)
    assert image.shape == (3, 4, 6) and image.min() == 1.0


def test_one_split(by_hand):
    broden = read_broden(by_hand, split="val")
    assert [record.image for record in broden] == ["ade/a.jpg"] and len(read_broden(by_hand, split="otra")) == 0


def test_the_published_md5_values():
    """Los dos valores que se conocen del Broden publicado (anclas, §1.2)."""
    assert md5_place("dtd/g_0106.jpg") == pytest.approx(0.4327015, abs=5e-8)
    assert md5_place("opensurfaces/25605.jpg") == pytest.approx(6.4289e-06, abs=5e-11)


def test_numbers_above_255_do_not_overflow():
    numbers = np.array([[0, 255, 256], [1197, 32768, 65535]])
    assert to_numbers(to_colors(numbers)).tolist() == numbers.tolist()


@pytest.mark.parametrize("name, plain", [("street-s", "street"), ("red-c", "red"), ("left_leg", "left leg"), ("t-shirt", "t-shirt")])
def test_readable(name, plain):
    assert readable(name) == plain


@pytest.mark.parametrize("name, inside", [("a/b.jpg", True), ("a..b/c.jpg", True), ("", False), ("/a.jpg", False), ("../a.jpg", False),
                                          ("a/../b.jpg", False), ("a\\b.jpg", False), ("C:a.jpg", False), ("a/..", False)])
def test_paths_stay_inside(name, inside):
    assert is_inside(name) == inside


def test_a_path_that_escapes_is_refused(by_hand):
    (by_hand / "index.csv").write_text(INDEX.replace("ade/a.jpg", "../label.csv"), encoding="utf-8")
    with pytest.raises(ValueError, match="se sale de la carpeta images/"):
        read_broden(by_hand).image(1)


def test_primary_category(by_hand):
    """La de mayor cobertura; los empates y el 0, a la última, como en loadseg.py."""
    broden = read_broden(by_hand)
    assert broden.primary_category(7) == "texture" and broden.primary_category(8) == "scene"
    assert broden.primary_category(0) == "color"
    path = by_hand / "c_part.csv"
    path.write_text(path.read_text().replace("7,dotted,1,0.5", "7,dotted,1,1.0"))
    assert read_broden(by_hand).primary_category(7) == "part"


def test_batches(by_hand):
    (images, masks), = read_broden(by_hand).batches()
    assert images.shape == (2, 3, 4, 6) and torch.equal(masks, read_broden(by_hand).masks([0, 1]))


def test_images_of_several_sizes_need_a_size(by_hand):
    Image.new("RGB", (8, 8), (255, 0, 0)).save(by_hand / "images/dtd/g_0106.jpg")
    save_png(by_hand / "images/dtd/g_0106_color.png", np.diag([9] * 8))
    (by_hand / "index.csv").write_text(INDEX.replace("train,4,6,2,3", "train,8,8,8,8"), encoding="utf-8")
    broden = read_broden(by_hand)
    with pytest.raises(ValueError, match="image_size=224"):
        next(broden.batches())
    with pytest.raises(ValueError, match="de una en una"):
        broden.masks([0, 1])
    (images, masks), = broden.batches(image_size=8)
    assert images.shape == (2, 3, 8, 8) and masks.shape == (2, 7, 4, 4) and torch.equal(masks[0, 6], torch.eye(4) > 0)


def test_made_by_others(by_hand):
    """Sin c_*.csv, con una columna de más, palette y alfa en los PNG, BOM y otro final de línea."""
    expected = read_broden(by_hand).planes(1)
    for category in CODES:
        (by_hand / f"c_{category}.csv").unlink()
    labels = (by_hand / "label.csv").read_text(encoding="utf-8").splitlines()
    (by_hand / "label.csv").write_text("\ufeff" + "\n".join(f"{line},nota" for line in labels), encoding="utf-8")
    as_palette(by_hand / "images/ade/a_part_1.png")
    Image.open(by_hand / "images/ade/a_part_2.png").convert("RGBA").save(by_hand / "images/ade/a_part_2.png")
    broden = read_broden(by_hand)
    assert broden.numbers == [7, 300, 5, 7, 300, 8, 9]          # por imágenes y, si empatan, por número
    assert all(torch.equal(plane, expected[category]) for category, plane in broden.planes(1).items())


@pytest.mark.parametrize("change, message", [
    (lambda folder: (folder / "label.csv").unlink(), "No encuentro"),
    (lambda folder: (folder / "index.csv").write_text("image,split\n"), "falta la columna ih"),
    (lambda folder: (folder / "label.csv").write_text("number,name,category,frequency,coverage\nx,a,b(1),1,1\n"), "label.csv"),
])
def test_a_folder_that_cannot_be_read_says_why(by_hand, change, message):
    change(by_hand)
    with pytest.raises((FileNotFoundError, ValueError), match=message):
        read_broden(by_hand)


def test_a_bad_row_is_named(by_hand):
    (by_hand / "index.csv").write_text(INDEX.replace("val,4", "val,cuatro"), encoding="utf-8")
    with pytest.raises(ValueError, match="ade/a.jpg.*broden check"):
        read_broden(by_hand).record(1)


@pytest.mark.parametrize("name", ["missing", "size"])
def test_a_bad_mask_is_named(by_hand, name):
    path = by_hand / "images/dtd/g_0106_color.png"
    path.unlink() if name == "missing" else save_png(path, [[9]])
    with pytest.raises(ValueError, match="dtd/g_0106_color.png"):
        read_broden(by_hand).masks(0)


def gray_16(path):
    Image.fromarray(np.array([[9, 0, 0], [0, 9, 300]], np.uint16)).save(path)


def rgb_16(path):
    """Un PNG RGB de 16 bits por canal, que Pillow no sabe escribir y sí leer, recortado a 8."""
    def chunk(kind, body):
        return struct.pack(">I", len(body)) + kind + body + struct.pack(">I", zlib.crc32(kind + body))

    row = b"\0" + struct.pack(">9H", 9, 0, 0, 0, 0, 0, 0, 0, 0)
    path.write_bytes(b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", struct.pack(">2I5B", 3, 2, 16, 2, 0, 0, 0))
                     + chunk(b"IDAT", zlib.compress(2 * row)) + chunk(b"IEND", b""))


def saved(values, mode="L", format="PNG"):
    return lambda path: Image.fromarray(np.array(values, np.uint8)).convert(mode).save(path, format)


NOT_NUMBERS = {                                                 # máscara de otra clase → lo que se dice de ella
    "grises": (saved([[9, 0, 0], [0, 9, 0]]), "está en grises"),
    "grises con alfa": (saved([[9, 0, 0], [0, 9, 0]], "LA"), "está en grises"),
    "blanco y negro": (saved([[255, 0, 0], [0, 255, 0]], "1"), "está en grises"),
    "grises de 16 bits": (gray_16, "tiene 16 por canal"),
    "RGB de 16 bits": (rgb_16, "tiene 16 por canal"),
    "con azul": (saved([[[9, 0, 1]] * 3] * 2, "RGB"), "B llega a 1"),
    "paleta de grises": (saved([[9, 0, 0], [0, 9, 0]], "P"), "B llega a 9"),
    "JPEG": (saved([[[9, 0, 0]] * 3] * 2, "RGB", "JPEG"), "es de otro formato"),
}


@pytest.mark.parametrize("name", NOT_NUMBERS)
def test_a_mask_of_another_kind_is_refused_and_not_misread(by_hand, name):
    """Antes se leían, calladas, como otros números: un gris 9 como 9 + 256·9, y 16 bits recortados a 8."""
    write, said = NOT_NUMBERS[name]
    write(by_hand / "images/dtd/g_0106_color.png")
    broden = read_broden(by_hand)
    for read in (lambda: broden.masks(0), lambda: broden.planes(0), lambda: stats(broden), lambda: list(find(broden, 9)),
                 lambda: broden.regions(torch.tensor([0]))):
        with pytest.raises(ValueError, match=f"dtd/g_0106_color.png.*{said}.*broden check"):
            read()
    faults = check_broden(by_hand)
    assert any("dtd/g_0106_color.png" in str(fault) and said in str(fault) and not fault.note for fault in faults)


@pytest.mark.parametrize("mode", ["L", "1", "P", "RGBA"])
def test_a_mask_without_labels_is_read_in_any_8_bit_mode(by_hand, mode):
    """Quien comprime los PNG guarda en grises uno todo negro: ahí 0 es 0 como sea que se lea."""
    saved([[0, 0, 0], [0, 0, 0]], mode)(by_hand / "images/dtd/g_0106_color.png")
    assert not read_broden(by_hand).planes(0)["color"].any()


def test_memory_does_not_grow_with_the_images(by_hand):
    """Diez veces más imágenes (los mismos archivos): los objetos vivos crecen 8 bytes por imagen."""
    header, *rows = INDEX.splitlines()
    peaks = []
    for n in (1000, 10000):
        (by_hand / "index.csv").write_text("\n".join([header, *rows * (n // 2)]) + "\n", encoding="utf-8")
        tracemalloc.start()
        broden = read_broden(by_hand)
        tracemalloc.reset_peak()
        sum(len(broden.planes(i)) for i in range(0, n, n // 100))
        peaks.append(tracemalloc.get_traced_memory()[1] - broden.offsets.buffer_info()[1] * 8)
        tracemalloc.stop()
        assert len(broden) == n
    assert peaks[1] <= 1.2 * peaks[0]


# ── escribir ─────────────────────────────────────────────────────────────────────────────────────────────────────────

def test_write_read_write_gives_the_same_bytes(clean, tmp_path):
    again = copy_broden(clean, tmp_path / "otra")
    assert contents(again) == contents(clean)
    assert sorted(path.name for path in tmp_path.iterdir()) == ["otra"]


def test_masks_come_back_as_the_nearest_neighbor_of_the_originals(clean, concepts):
    broden = read_broden(clean)
    names = list(zip(concepts.categories, concepts.names))
    places = [names.index(pair) for pair in zip(broden.categories, broden.names)]
    assert len(places) > 100
    for i, record in enumerate(broden):
        original = concepts.masks([int(Path(record.image).stem)])[0, places]
        assert torch.equal(broden.masks(i)[0], original[:, ::2, ::2])


def test_images_come_back_almost_equal(clean, concepts):
    broden = read_broden(clean)
    image = concepts.images[int(Path(broden.record(0).image).stem)]
    assert (broden.image(0) - image).abs().mean() < 0.02
    assert Image.open(clean / "images" / broden.record(0).image).layer[0][1:3] == (1, 1)      # sin submuestreo de color


def test_whole_masks(concepts, tmp_path):
    folder = export_concepts(concepts, tmp_path / "enteras", min_frequency=20, full=True)
    assert read_broden(folder).record(0).mask_size == (64, 64) and check_broden(folder) == []


def test_frequency_and_coverage_against_a_plain_loop(clean):
    broden = read_broden(clean)
    masks = broden.masks(slice(None)).float().mean((2, 3))                                     # (n, k)
    images, coverage = (masks > 0).sum(0).tolist(), masks.sum(0).tolist()
    for label in broden.labels.values():
        mine = [j for j, number in enumerate(broden.numbers) if number == label.number]
        assert label.categories == {broden.categories[j]: images[j] for j in mine}
        assert label.frequency == sum(images[j] for j in mine) >= 2
        assert label.coverage == pytest.approx(sum(coverage[j] for j in mine), abs=1e-4)
    assert broden.coverages == pytest.approx(coverage, abs=1e-4)


def test_the_order_of_everything_written(clean):
    with open(clean / "label.csv", encoding="utf-8", newline="") as file:
        labels = list(csv.DictReader(file))
    keys = [(-int(row["frequency"]), -float(row["coverage"])) for row in labels]
    assert keys == sorted(keys) and [int(row["number"]) for row in labels] == list(range(1, len(labels) + 1))
    images = [record.image for record in read_broden(clean)]
    assert images == sorted(images, key=md5_place)
    assert all((record.split == "train") == (md5_place(record.image) <= 0.7) for record in read_broden(clean))
    assert (clean / "index.csv").read_bytes().count(b"\r\n") == len(images) + 1
    names = {row["name"] for row in labels}
    assert {"azul-c", "rojo-c"} <= names and any(name.endswith("-s") for name in names)


def test_a_dropped_scene_leaves_the_cell_empty(clean):
    """La trampa del 0 del Broden publicado: una escena con pocas imágenes no se escribe como número 0."""
    sheet = Sheet(clean, "index.csv")
    cells = [sheet.get(line, "scene") for line in range(2, len(sheet.rows) + 1)]
    assert "" in cells and "0" not in cells


def test_overlapping_labels_go_to_several_planes(tmp_path):
    class Overlap:
        images = torch.zeros(1, 3, 4, 4)
        names, categories = ["chico", "grande", "solo"], ["part", "part", "object"]

        def masks(self, index):
            masks = torch.zeros(1, 3, 4, 4, dtype=torch.bool)
            masks[0, 0, :2, :2] = masks[0, 1, :, :2] = masks[0, 2, :, 2:] = True
            return masks

        def __len__(self):
            return 1

    folder = export_concepts(Overlap(), tmp_path / "b", min_frequency=1, min_coverage=0, full=True)
    broden = read_broden(folder)
    record = broden.record(0)
    assert record.cells == {"part": ("escenas/00000_part_1.png", "escenas/00000_part_2.png"), "object": ("escenas/00000_object.png",)}
    assert [broden.labels[n].name for n in broden.planes(0)["part"].flatten(1).amax(1).tolist()] == ["grande", "chico"]
    assert check_broden(folder) == [] and contents(copy_broden(folder, tmp_path / "c")) == contents(folder)


def test_does_not_write_over_anything(clean, tmp_path):
    (tmp_path / "mía").mkdir()
    (tmp_path / "mía" / "tarea.txt").write_text("no borrar")
    with pytest.raises(FileExistsError, match="no lo voy a pisar"):
        copy_broden(clean, tmp_path / "mía")
    (tmp_path / "vacía").mkdir()
    assert len(read_broden(copy_broden(clean, tmp_path / "vacía"))) == 36


def test_a_failure_leaves_nothing_behind(by_hand, tmp_path):
    (by_hand / "images/ade/a.jpg").unlink()
    with pytest.raises(OSError):
        copy_broden(by_hand, tmp_path / "otra")
    assert [path.name for path in tmp_path.iterdir()] == ["mano"]


# ── revisar ──────────────────────────────────────────────────────────────────────────────────────────────────────────

def test_a_clean_folder_has_no_faults(clean):
    assert check_broden(clean) == []


def test_all_that_the_format_allows_is_no_fault(by_hand, tmp_path):
    """Imágenes y máscaras de varios tamaños, planos encimados, imágenes enteras, celdas vacías, BOM y LF o CRLF."""
    Image.new("RGB", (8, 8), (255, 0, 0)).save(by_hand / "images/dtd/g_0106.jpg")
    save_png(by_hand / "images/dtd/g_0106_color.png", np.diag([9] * 8))
    (by_hand / "index.csv").write_text(INDEX.replace("train,4,6,2,3", "train,8,8,8,8"), encoding="utf-8")
    folder = copy_broden(by_hand, tmp_path / "sana")
    sizes = {record.mask_size for record in read_broden(folder)}
    assert check_broden(folder) == [] and len(sizes) == 2 and len(read_broden(folder).record(1).cells["part"]) == 3
    for path in folder.glob("*.csv"):
        path.write_bytes(b"\xef\xbb\xbf" + path.read_bytes().replace(b"\r\n", b"\n"))
    assert check_broden(folder) == []


def named(names: tuple[str, ...], faults: list) -> bool:
    """Si el mensaje de alguna falla (y no de un aviso) lo nombra todo."""
    return any(not fault.note and all(name in str(fault) for name in names) for fault in faults)


@pytest.mark.parametrize("name", [*PLANTS, *LONELY])
def test_a_planted_fault_is_named_without_a_flood(copied, name):
    names, faults = {**PLANTS, **LONELY}[name](copied), check_broden(copied)
    assert named(names, faults), (names, [str(fault) for fault in faults])
    assert len(faults) <= (5 if name == "mask_size_is_wrong" else 3)           # sh,sw contradice a cada máscara


@pytest.mark.parametrize("seed", range(4))
def test_each_of_many_planted_faults_is_named(copied, seed):
    """Todas juntas, o catorce al azar; primero las que quitan o mueven renglones, para que las demás los cuenten bien."""
    chosen = sorted(random.Random(seed).sample(sorted(PLANTS), 14) if seed else PLANTS,
                    key=lambda name: (name not in MOVERS, name))
    planted = {name: PLANTS[name](copied) for name in chosen}
    faults = check_broden(copied)
    assert [names for names in planted.values() if not named(names, faults)] == [], [str(fault) for fault in faults]
    assert len(faults) <= 2 * len(planted)


def test_another_rule_is_a_note_and_not_a_flood(copied):
    """Otro orden, otro reparto, LF y paleta: avisos; las fallas son cero."""
    labels, sheet = Sheet(copied, "label.csv"), Sheet(copied, "index.csv")
    labels.rows[1:] = random.Random(1).sample(labels.rows[1:], len(labels.rows) - 1)
    labels.save()
    rows = sheet.rows[1:]
    random.Random(0).shuffle(rows)
    for row in rows:
        row[1] = random.Random(row[0]).choice(["train", "val"])
    sheet.rows[1:] = rows
    sheet.save(end="\n")
    for path in (copied / "images").rglob("*.png"):
        as_palette(path)
    for path in [*copied.glob("c_*.csv"), copied / "README.txt", copied / "syns.txt"]:
        path.unlink()
    faults = check_broden(copied)
    assert all(fault.note for fault in faults), [str(fault) for fault in faults]
    assert {fault.kind for fault in faults} == {"md5", "orden", "número", "archivo", "modo"}


@pytest.mark.parametrize("codes, lines", [("1 2 3", []), ("1 3 4", []), ("1 9 3", [3]), ("2 1 3", [2, 3]),
                                          ("1 2 2", [4]), ("1 x 3", [3])])
def test_codes_that_break_the_count(by_hand, codes, lines):
    """Un hueco no es falla: si falta una etiqueta, se dice de ella."""
    sheet = Sheet(by_hand, "c_part.csv")
    for line, code in enumerate(codes.split(), 2):
        sheet.set(line, "code", code)
    assert [fault.line for fault in check_broden(by_hand) if fault.kind == "código"] == lines


def test_a_contradiction_names_who_says_what(copied):
    PLANTS["code_frequency_drifts"](copied)
    fault, = check_broden(copied)
    assert str(fault) == ("label.csv:3: número 2 «verde-c», imágenes de color: label.csv:3 dice 36; c_color.csv:3 dice 37; "
                          "las máscaras, 36.")


def test_coverages_exchanged_between_categories(copied):
    """La suma es la misma: sólo las máscaras lo dicen, y es un aviso."""
    label = Sheet(copied, "label.csv").line("category", lambda text: "material" in text and "part" in text)
    sheets = [Sheet(copied, "c_material.csv"), Sheet(copied, "c_part.csv")]
    lines = [sheet.line("name", Sheet(copied, "label.csv").get(label, "name").__eq__) for sheet in sheets]
    values = [sheet.get(line, "coverage") for sheet, line in zip(sheets, lines)]
    for sheet, line, value in zip(sheets, lines, reversed(values)):
        sheet.set(line, "coverage", value)
    fault, = check_broden(copied)
    assert fault.note and all(f"{value}" in str(fault) for value in (f"c_material.csv:{lines[0]}", f"c_part.csv:{lines[1]}"))


@pytest.mark.parametrize("split", [lambda place: "train", lambda place: "train" if place <= 0.5 else "val",
                                   lambda place: "train" if place <= 0.4 else "val" if place <= 0.6 else "test"])
def test_other_splits_are_one_note(copied, split):
    sheet = Sheet(copied, "index.csv")
    for row in sheet.rows[1:]:
        row[1] = split(md5_place(row[0]))
    sheet.save()
    fault, = check_broden(copied)
    assert fault.note and fault.kind == "md5"


@pytest.fixture
def counted_before(tmp_path):
    """Contada, como el Broden publicado, en máscaras enteras que luego perdieron a una etiqueta en dos imágenes."""
    class Few:
        images = torch.zeros(12, 3, 8, 8)
        names, categories = ["punto", "cielo"], ["object", "object"]

        def masks(self, index):
            masks = torch.zeros(1, 2, 8, 8, dtype=torch.bool)
            masks[0, 0, 1:3, 1] = True
            masks[0, 1, 4:] = True
            return masks

        def __len__(self):
            return 12

    folder = export_concepts(Few(), tmp_path / "antes", min_coverage=0, full=True)
    for record in list(read_broden(folder))[:2]:
        path = folder / "images" / record.cells["object"][0]
        pixels = np.array(Image.open(path))
        pixels[:4] = 0
        Image.fromarray(pixels).save(path)
    return folder


def test_counting_before_halving_is_one_note(counted_before):
    fault, = check_broden(counted_before)
    assert fault.note and fault.kind == "mayor"


@pytest.mark.parametrize("file, column, value", [
    ("label.csv", "frequency", "11"), ("label.csv", "frequency", "10"), ("label.csv", "category", "object(13)"),
    ("label.csv", "category", "object(10)"), ("c_object.csv", "frequency", "11"), ("c_object.csv", "frequency", "tres"),
    ("c_object.csv", "coverage", "0.6"), ("label.csv", "coverage", "0.600000")])
def test_one_wrong_figure_is_a_fault_even_then(counted_before, file, column, value):
    sheet = Sheet(counted_before, file)
    line = sheet.line("name", "punto".__eq__)
    sheet.set(line, column, value)
    assert named((f"{file}:{line}", "«punto»"), check_broden(counted_before))


def test_less_than_what_there_is_is_a_fault(counted_before):
    for file, column, value in (("label.csv", "category", "object(9)"), ("label.csv", "frequency", "9"),
                                ("c_object.csv", "frequency", "9"), ("category.csv", "frequency", "21")):
        sheet = Sheet(counted_before, file)
        sheet.set(2 if file == "category.csv" else sheet.line("name", "punto".__eq__), column, value)
    fault, = check_broden(counted_before)
    assert fault.file == "label.csv" and not fault.note


def test_a_small_error_shows_beside_a_damaged_mask(copied):
    """La cuenta que por casualidad es la de las máscaras sanas no se da por buena."""
    index, labels = Sheet(copied, "index.csv"), Sheet(copied, "label.csv")
    line = labels.line("category", lambda text: text == "color(36)")
    labels.set(line, "category", "color(35)")
    (copied / "images" / index.get(5, "color")).unlink()
    assert {(fault.file, fault.line) for fault in check_broden(copied)} == {("label.csv", line), ("index.csv", 5)}


def test_overlapping_planes_may_be_united(by_hand):
    """La cobertura puede sumar los planos encimados o unirlos: aquí dos planos iguales."""
    png = (by_hand / "images/ade/a_part_1.png").read_bytes()
    (by_hand / "images/ade/a_part_2.png").write_bytes(png)
    kinds = []
    for covered in (1 / 3, 1 / 6):
        path = by_hand / "c_part.csv"
        path.write_text(path.read_text().splitlines()[0] + f"\n1,5,left_leg,1,1.0\n2,7,dotted,1,{1 / 3}\n3,300,lined,1,{covered}\n")
        text = LABEL.replace("7,dotted,texture(1);part(1),2,1.500000", f"7,dotted,texture(1);part(1),2,{4 / 3:f}")
        (by_hand / "label.csv").write_text(text.replace("2,1.500000", f"2,{1 + covered:f}"), encoding="utf-8")
        kinds += [fault.kind for fault in check_broden(by_hand) if fault.kind in ("cobertura", "medida")]
    assert kinds == []


def test_small_liberties_are_no_faults(copied):
    """Espacios entre categorías, una columna vacía, y en category.csv las imágenes, como dice el README publicado."""
    labels, index, summary = (Sheet(copied, f"{name}.csv") for name in ("label", "index", "category"))
    for row in labels.rows:
        row[2] = row[2].replace(";", "; ")
    labels.save()
    index.rows = [[*row, "" if i else "gesto"] for i, row in enumerate(index.rows)]
    index.save()
    images = stats(read_broden(copied)).images
    for line in range(2, len(summary.rows) + 1):
        summary.set(line, "frequency", str(images[summary.get(line, "name")]))
    assert check_broden(copied) == [] and read_broden(copied).labels[1].categories.keys() <= {*images}


def test_labels_without_synonyms_are_a_note(copied):
    sheet = Sheet(copied, "label.csv")
    sheet.rows = [row[:-1] for row in sheet.rows]
    sheet.save()
    fault, = check_broden(copied)
    assert fault.note and (fault.file, fault.line) == ("label.csv", 1)


def test_a_huge_mask_is_not_decoded(copied, capfd, recwarn):
    png = Sheet(copied, "index.csv").get(9, "object")
    Image.new("1", (14000, 14000)).save(copied / "images" / png)
    Image.new("1", (9600, 9600)).save(copied / "images" / Sheet(copied, "index.csv").get(9, "color"))
    tracemalloc.start()
    assert [(fault.file, fault.line) for fault in check_broden(copied)] == [("index.csv", 9)] * 2
    broden = read_broden(copied)
    for read in (stats, lambda broden: broden.masks(7), lambda broden: list(find(broden, 1))):
        with pytest.raises(ValueError, match="no pude leer|mide"):
            read(broden)
    assert tracemalloc.get_traced_memory()[1] < 50e6 and not recwarn.list and not capfd.readouterr().err
    tracemalloc.stop()


def test_an_image_is_not_turned(by_hand):
    """Con EXIF que pide girarla: se queda como sus máscaras."""
    path = by_hand / "images/ade/a.jpg"
    picture = Image.open(path)
    exif = picture.getexif()
    exif[0x112] = 6
    picture.save(path, exif=exif)
    assert read_broden(by_hand).image(1).shape == (3, 4, 6)


def test_part_of_a_bigger_broden_is_a_note(copied):
    sheet = Sheet(copied, "index.csv")
    del sheet.rows[10:]
    sheet.save()
    faults = check_broden(copied)
    assert len(faults) <= 3 and all(fault.note for fault in faults), [str(fault) for fault in faults]


def test_only_two_categories(concepts, tmp_path):
    class Two:
        images = concepts.images
        rows = [j for j, category in enumerate(concepts.categories) if category in ("object", "part")]

        def __len__(self):
            return len(self.images)

        def masks(self, index):
            return concepts.masks(index)[:, self.rows]

    Two.names, Two.categories = ([values[j] for j in Two.rows] for values in (concepts.names, concepts.categories))
    folder = export_concepts(Two(), tmp_path / "dos", min_frequency=2, min_coverage=0.02)
    assert sorted(read_broden(folder).category_names) == ["object", "part"] and check_broden(folder) == []


def test_checking_keeps_little_per_image(by_hand):
    """Con diez veces más imágenes, sanas y en orden, crece menos de 64 bytes por imagen en el peor momento."""
    peaks = []
    for n in (1000, 100, 1000):                                 # la primera vuelta sólo importa lo que haga falta
        names = sorted((f"n/{i}.jpg" for i in range(n)), key=md5_place)
        (by_hand / "images/n").mkdir(exist_ok=True)
        for name in names:
            if not (by_hand / "images" / name).exists():
                (by_hand / "images" / name).hardlink_to(by_hand / "images/ade/a.jpg")
        rows = [f"{name},{'train' if md5_place(name) <= 0.7 else 'val'},4,6,2,3,,,8,dtd/g_0106_color.png" for name in names]
        (by_hand / "index.csv").write_text("\n".join([INDEX.splitlines()[0], *rows]) + "\n", encoding="utf-8")
        tracemalloc.start()
        faults = check_broden(by_hand)
        peaks.append(tracemalloc.get_traced_memory()[1])
        tracemalloc.stop()
        assert not [fault for fault in faults if fault.file == "index.csv"]
    assert peaks[2] - peaks[1] < 64 * 900


# ── contar, buscar y la línea de órdenes ─────────────────────────────────────────────────────────────────────────────

def test_stats(by_hand):
    found = stats(read_broden(by_hand))
    assert found.splits == {"train": 1, "val": 1} and found.sizes == {(4, 6, 2, 3): 2}
    assert (found.labels["part"], found.images["part"], found.incidences["part"]) == (3, 1, 3)
    assert found.coverage["part"] == pytest.approx((6 + 3 + 3) / 6 / 2)                   # los planos encimados se suman


@pytest.mark.parametrize("concept, category, expected", [
    ("street", None, [("ade/a.jpg", "val", 1.0)]), ("STREET-S", None, [("ade/a.jpg", "val", 1.0)]),
    (7, None, [("dtd/g_0106.jpg", "train", 1.0), ("ade/a.jpg", "val", 0.5)]), ("7", "part", [("ade/a.jpg", "val", 0.5)]),
    ("left leg", "color", []), (" Píerna ", "part", [("ade/a.jpg", "val", 1.0)]), ("pata", None, [("ade/a.jpg", "val", 1.0)])])
def test_find(by_hand, concept, category, expected):
    assert find(read_broden(by_hand), concept, category) == expected


def test_find_gives_first_where_there_is_most(clean):
    """Contra un ciclo que cuenta píxeles en las máscaras, en otro orden que el de index.csv."""
    broden = read_broden(clean)
    k = max(range(len(broden.names)), key=lambda k: len({float(broden.masks(i)[0, k].float().mean()) for i in range(len(broden))}))
    parts = {record.image: float(broden.masks(i)[0, k].float().mean()) for i, record in enumerate(broden)}
    told = find(broden, broden.numbers[k], broden.categories[k])
    assert [part for _, _, part in told] == sorted(filter(None, parts.values()), reverse=True) != list(filter(None, parts.values()))
    assert all(part == pytest.approx(parts[image]) for image, _, part in told)


def test_find_suggests_what_there_is(by_hand):
    with pytest.raises(ValueError, match="street"):
        find(read_broden(by_hand), "streat")
    with pytest.raises(ValueError, match="«pierna»"):
        find(read_broden(by_hand), "pirna")
    with pytest.raises(ValueError, match="texture, part, scene, color"):
        find(read_broden(by_hand), "street", "lugar")


def test_command_check(clean, copied, capsys):
    assert main(["check", str(clean)]) == 0 and capsys.readouterr().out == "Sin fallas.\n"
    for line in range(2, 32):
        Sheet(copied, "index.csv").set(line, "ih", "999")
    assert main(["check", str(copied)]) == 1
    out = capsys.readouterr().out
    assert "index.csv:2: " in out and "… y 10 más" in out and "30 fallas" in out and len(out.splitlines()) == 22
    assert main(["check", str(copied), "--all"]) == 1 and len(capsys.readouterr().out.splitlines()) == 31


def test_command_stats_and_find(by_hand, capsys):
    assert main(["stats", str(by_hand)]) == 0 and "texture" in capsys.readouterr().out
    assert main(["find", str(by_hand), "dotted", "--limit", "1"]) == 0
    assert capsys.readouterr().out == "dtd/g_0106.jpg\ttrain\t100.0 %\n"
    assert main(["find", str(by_hand), "Pata"]) == 0
    assert capsys.readouterr().out == "# «Pata» es un sinónimo de left_leg (5)\nade/a.jpg\tval\t100.0 %\n"


@pytest.mark.parametrize("arguments", [[], ["check"], ["pulir", "x"], ["find", "x"], ["stats", "x", "y"], ["check", "no-existe"], ["check", ""],
                                       ["stats", "no-existe"]])
def test_command_explains_what_it_does_not_understand(arguments, capsys):
    assert main(arguments) == 2
    captured = capsys.readouterr()
    assert "Traceback" not in captured.out + captured.err and (captured.err or captured.out)


def test_command_says_what_it_cannot_read(by_hand, capsys, monkeypatch):
    assert main(["check", str(by_hand / "label.csv")]) == 2 and "es un archivo" in capsys.readouterr().err
    assert main(["stats", str(by_hand / "label.csv")]) == 2 and "es un archivo" in capsys.readouterr().err

    def refuse(path):
        raise PermissionError(13, "Permission denied", str(path))
    monkeypatch.setattr("labkit.broden.format.read_rows", refuse)
    assert main(["check", str(by_hand)]) == 2 and "No pude abrir" in capsys.readouterr().err


def test_command_help(capsys):
    assert main(["--help"]) == 0 and "check" in capsys.readouterr().out

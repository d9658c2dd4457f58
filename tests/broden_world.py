"""Carpetas Broden para las pruebas: una escrita a mano, letra por letra, y fallas que se plantan de una en una."""
import csv
import re
from collections.abc import Callable
from pathlib import Path

import numpy as np
from PIL import Image

INDEX = """image,split,ih,iw,sh,sw,texture,part,scene,color
dtd/g_0106.jpg,train,4,6,2,3,7;0;300,,,dtd/g_0106_color.png
ade/a.jpg,val,4,6,2,3,,ade/a_part_1.png;ade/a_part_2.png;5,8,
"""
LABEL = """number,name,category,frequency,coverage,syns
5,left_leg,part(1),1,1.000000,pierna;pata
7,dotted,texture(1);part(1),2,1.500000,
8,street-s,scene(1),1,1.000000,
9,red-c,color(1),1,0.333333,
300,lined,texture(1);part(1),2,1.500000,
"""
CODES = {"texture": "1,300,lined,1,1.0\n2,7,dotted,1,1.0\n", "part": "1,5,left_leg,1,1.0\n2,7,dotted,1,0.5\n3,300,lined,1,0.5\n",
         "scene": "1,8,street-s,1,1.0\n", "color": "1,9,red-c,1,0.333333333333\n"}
PARTS = [[[7, 0, 0], [300, 0, 0]], [[300, 7, 0], [300, 0, 7]]]                  # dos planos, (2, 3) cada uno
COLORS = [[9, 0, 0], [0, 9, 0]]


def save_png(path: Path, numbers: np.ndarray | list) -> None:
    """Un PNG con R = n % 256 y G = n // 256, hecho aquí con otra cuenta que la de labkit."""
    pixels = [[divmod(number, 256)[::-1] + (0,) for number in row] for row in np.asarray(numbers).tolist()]
    Image.fromarray(np.array(pixels, np.uint8)).save(path)


def write_by_hand(folder: Path) -> Path:
    """La carpeta de dos imágenes; sin README.txt, syns.txt ni category.csv, que nadie lee."""
    for name in ("dtd", "ade"):
        (folder / "images" / name).mkdir(parents=True)
    (folder / "index.csv").write_text(INDEX, encoding="utf-8", newline="\n")
    (folder / "label.csv").write_text(LABEL, encoding="utf-8", newline="\r\n")
    for category, rows in CODES.items():
        (folder / f"c_{category}.csv").write_text("code,number,name,frequency,coverage\n" + rows, encoding="utf-8")
    for name, value in (("dtd/g_0106", 0), ("ade/a", 255)):
        Image.new("RGB", (6, 4), (value, value, value)).save(folder / "images" / f"{name}.jpg")
    save_png(folder / "images/dtd/g_0106_color.png", COLORS)
    for j, plane in enumerate(PARTS, 1):
        save_png(folder / f"images/ade/a_part_{j}.png", plane)
    return folder


class Sheet:
    """Un CSV de una carpeta para cambiarle algo; los renglones van como los cuenta un editor (1: el encabezado)."""

    def __init__(self, folder: Path, name: str) -> None:
        self.path = folder / name
        with open(self.path, encoding="utf-8", errors="surrogateescape", newline="") as file:
            self.rows = list(csv.reader(file))

    def save(self, end: str = "\r\n") -> None:
        with open(self.path, "w", encoding="utf-8", errors="surrogateescape", newline="") as file:
            csv.writer(file, lineterminator=end).writerows(self.rows)

    def get(self, line: int, column: str) -> str:
        return self.rows[line - 1][self.rows[0].index(column)]

    def set(self, line: int, column: str, value: str | Callable[[str], str]) -> str:
        """Cambia un campo, guarda, y da lo que decía."""
        old = self.get(line, column)
        self.rows[line - 1][self.rows[0].index(column)] = value(old) if callable(value) else value
        self.save()
        return old

    def line(self, column: str, wanted: Callable[[str], bool], skip: int = 0) -> int:
        """El renglón de la columna que cumple algo, tras saltarse algunos."""
        found = [i for i, row in enumerate(self.rows, 1) if i > 1 and wanted(row[self.rows[0].index(column)])]
        return found[skip]


ONLY = r"{}\(\d+\)"                                           # una etiqueta que sólo es de esa categoría
Where = tuple[str, int, str]                                    # archivo, renglón y algo que el mensaje debe nombrar
PLANTS: dict[str, Callable[[Path], Where]] = {}


def plant(function: Callable[[Path], Where]) -> Callable[[Path], Where]:
    PLANTS[function.__name__] = function
    return function


def in_index(name: str, line: int, column: str, value: str | Callable[[str], str], needle: str = "") -> None:
    """Una falla que es cambiar un campo de index.csv; el mensaje ha de nombrar la imagen, salvo que se diga otra cosa."""
    def change(folder: Path) -> Where:
        sheet = Sheet(folder, "index.csv")
        image = sheet.get(line, "image")
        old = sheet.set(line, column, value)
        return "index.csv", line, needle.format(image=image, old=old) or image
    PLANTS[name] = change


def in_png(name: str, line: int, category: str, change: Callable[[Path], None], needle: str = "{png}") -> None:
    """Una falla en un PNG: el de una categoría en un renglón de index.csv."""
    def apply(folder: Path) -> Where:
        png = Sheet(folder, "index.csv").get(line, category)
        change(folder / "images" / png)
        return "index.csv", line, needle.format(png=png)
    PLANTS[name] = apply


def in_table(name: str, file: str, wanted: tuple[str, str, int], column: str, value: str | Callable[[str], str]) -> None:
    """Una falla que es cambiar un campo de otra tabla; wanted: columna, expresión que cumple y cuántos se saltan."""
    def change(folder: Path) -> Where:
        sheet = Sheet(folder, file)
        line = sheet.line(wanted[0], re.compile(wanted[1]).fullmatch, wanted[2])
        name = sheet.get(line, "name")
        sheet.set(line, column, value)
        return file, line, name if column != "name" else ""
    PLANTS[name] = change


def truncate(path: Path) -> None:
    path.write_bytes(path.read_bytes()[:-40])


def resize(path: Path) -> None:
    Image.open(path).resize((10, 12), Image.Resampling.NEAREST).save(path)


def blue(path: Path) -> None:
    pixels = np.array(Image.open(path))
    pixels[2:4, 2:4, 2] = 9
    Image.fromarray(pixels).save(path)


def foreign(number: int) -> Callable[[Path], None]:
    def change(path: Path) -> None:
        pixels = np.array(Image.open(path))
        pixels[:] = (number % 256, number // 256, 0)
        Image.fromarray(pixels).save(path)
    return change


def bump(text: str) -> str:
    return str(int(text) + 1)


in_index("height_is_wrong", 2, "ih", "65")
in_index("width_is_not_a_number", 3, "iw", "ancho")
in_index("mask_size_is_wrong", 4, "sh", "31", "sh,sw")
in_index("mask_size_is_not_a_number", 5, "sw", "3.5")
in_index("split_is_unknown", 6, "split", "prueba")
in_index("split_breaks_md5", 7, "split", lambda old: "val" if old == "train" else "train")
in_index("path_escapes", 8, "image", lambda old: "../" + old, "../{image}")
in_index("mask_path_escapes", 9, "object", lambda old: "C:" + old, "C:{old}")
in_index("zero_item", 10, "scene", "0")
in_index("unknown_whole_number", 11, "scene", "60000", "60000")
in_png("mask_is_missing", 12, "object", Path.unlink)
in_png("mask_is_truncated", 13, "material", truncate)
in_png("mask_has_other_size", 14, "color", resize)
in_png("mask_is_gray", 15, "part", lambda path: Image.open(path).convert("L").save(path))
in_png("mask_has_blue", 16, "texture", blue)
in_png("mask_has_unknown_number", 17, "object", foreign(50001), "50001")
in_png("mask_is_no_image", 18, "part", lambda path: path.write_text("nada"))
in_table("label_number_is_no_number", "label.csv", ("category", ONLY.format("part"), 9), "number", "doce")
in_table("label_number_is_repeated", "label.csv", ("category", ONLY.format("object"), 9), "number", lambda old: str(int(old) - 3))
in_table("label_number_is_too_big", "label.csv", ("category", ONLY.format("material"), 9), "number", "70000")
in_table("label_number_is_zero", "label.csv", ("category", ONLY.format("texture"), 9), "number", "0")
in_table("label_has_no_name", "label.csv", ("category", ONLY.format("object"), 14), "name", "")
in_table("color_without_suffix", "label.csv", ("name", "azul-c", 0), "name", "azul")
in_table("category_is_malformed", "label.csv", ("category", ONLY.format("part"), 12), "category", lambda old: old.replace("(", "["))
in_table("category_is_unknown", "label.csv", ("category", ONLY.format("object"), 16), "category", lambda old: old.replace("object", "objeto"))
in_table("frequency_drifts", "label.csv", ("category", ONLY.format("material"), 6), "frequency", bump)
in_table("category_count_drifts", "label.csv", ("category", ONLY.format("texture"), 6), "category", lambda old: old.replace(")", "1)", 1))
in_table("coverage_drifts", "label.csv", ("category", ONLY.format("color"), 4), "coverage", lambda old: str(float(old) * 2 + 1))
in_table("first_is_wrong", "category.csv", ("name", "object", 0), "first", bump)
in_table("last_is_wrong", "category.csv", ("name", "part", 0), "last", bump)
in_table("count_is_wrong", "category.csv", ("name", "color", 0), "count", bump)
in_table("incidences_are_wrong", "category.csv", ("name", "texture", 0), "frequency", bump)
in_table("code_is_wrong", "c_part.csv", ("code", "4", 0), "code", "40")
in_table("code_number_is_unknown", "c_part.csv", ("code", "6", 0), "number", "61000")
in_table("code_name_differs", "c_object.csv", ("code", "3", 0), "name", "otra cosa")
in_table("code_frequency_drifts", "c_color.csv", ("code", "2", 0), "frequency", bump)
in_table("code_coverage_drifts", "c_texture.csv", ("code", "3", 0), "coverage", lambda old: str(float(old) * 2 + 1))
in_table("code_coverage_is_no_number", "c_object.csv", ("code", "8", 0), "coverage", "poca")
in_table("code_is_no_number", "c_object.csv", ("code", "10", 0), "code", "diez")


def without_line(file: str, line: int, folder: Path) -> list[str]:
    sheet = Sheet(folder, file)
    row = sheet.rows.pop(line - 1)
    sheet.save()
    return row


@plant
def image_is_missing(folder: Path) -> Where:
    image = Sheet(folder, "index.csv").get(19, "image")
    (folder / "images" / image).unlink()
    return "index.csv", 19, image


@plant
def image_is_truncated(folder: Path) -> Where:
    image = Sheet(folder, "index.csv").get(20, "image")
    path = folder / "images" / image
    path.write_bytes(path.read_bytes()[:300])
    return "index.csv", 20, image


@plant
def number_of_another_category(folder: Path) -> Where:
    labels, index = Sheet(folder, "label.csv"), Sheet(folder, "index.csv")
    number = labels.get(labels.line("category", re.compile(ONLY.format("texture")).fullmatch), "number")
    index.set(21, "scene", number)
    return "index.csv", 21, f"número {number} "


@plant
def image_is_repeated(folder: Path) -> Where:
    sheet = Sheet(folder, "index.csv")
    sheet.rows.append(sheet.rows[21])
    sheet.save()
    return "index.csv", len(sheet.rows), sheet.rows[21][0]


@plant
def row_is_out_of_order(folder: Path) -> Where:
    sheet = Sheet(folder, "index.csv")
    row = sheet.rows.pop(23)
    sheet.rows.insert(28, row)
    sheet.save()
    return "index.csv", 29, row[0]


@plant
def field_is_missing(folder: Path) -> Where:
    sheet = Sheet(folder, "index.csv")
    sheet.rows[22].pop()
    sheet.save()
    return "index.csv", 23, sheet.rows[22][0]


@plant
def bytes_are_not_utf8(folder: Path) -> Where:
    path = folder / "index.csv"
    lines = path.read_bytes().split(b"\r\n")
    lines[29] = lines[29].replace(b"escenas", b"esc\xe9nas", 1)
    path.write_bytes(b"\r\n".join(lines))
    return "index.csv", 30, "UTF-8"


@plant
def label_row_is_missing(folder: Path) -> Where:
    labels = Sheet(folder, "label.csv")
    line = labels.line("category", re.compile(ONLY.format("color")).fullmatch, 2)
    return "label.csv", line, f"número {without_line('label.csv', line, folder)[0]} "


@plant
def label_name_is_repeated(folder: Path) -> Where:
    labels = Sheet(folder, "label.csv")
    first, second = (labels.line("category", re.compile(ONLY.format("part")).fullmatch, skip) for skip in (14, 16))
    labels.set(second, "name", labels.get(first, "name"))
    return "label.csv", second, labels.get(first, "name")


@plant
def category_row_is_missing(folder: Path) -> Where:
    without_line("category.csv", Sheet(folder, "category.csv").line("name", "material".__eq__), folder)
    return "category.csv", 0, "material"


@plant
def category_has_no_column(folder: Path) -> Where:
    sheet = Sheet(folder, "category.csv")
    sheet.rows.append(["ruido", "1", "2", "2", "9"])
    sheet.save()
    return "category.csv", len(sheet.rows), "ruido"


@plant
def label_missing_from_codes(folder: Path) -> Where:
    row = without_line("c_material.csv", 5, folder)
    return "c_material.csv", 0, row[2]


@plant
def codes_are_missing(folder: Path) -> Where:
    (folder / "c_scene.csv").unlink()
    return "c_scene.csv", 0, "falta"


# estas cambian tanto que sólo se plantan solas
def index_is_missing(folder: Path) -> Where:
    (folder / "index.csv").unlink()
    return "index.csv", 0, "falta"


def labels_are_missing(folder: Path) -> Where:
    (folder / "label.csv").unlink()
    return "label.csv", 0, "falta"


def categories_are_missing(folder: Path) -> Where:
    (folder / "category.csv").unlink()
    return "category.csv", 0, "falta"


def column_is_missing(folder: Path) -> Where:
    sheet = Sheet(folder, "index.csv")
    sheet.rows[0][4] = "alto"
    sheet.save()
    return "index.csv", 1, "«sh»"


def category_column_is_missing(folder: Path) -> Where:
    sheet = Sheet(folder, "index.csv")
    place = sheet.rows[0].index("part")
    for row in sheet.rows:
        del row[place]
    sheet.save()
    return "index.csv", 1, "«part»"


def category_column_is_renamed(folder: Path) -> Where:
    sheet = Sheet(folder, "index.csv")
    sheet.rows[0][sheet.rows[0].index("part")] = "parte"
    sheet.save()
    return "index.csv", 1, "«part»"


def label_loses_a_category(folder: Path) -> Where:
    labels = Sheet(folder, "label.csv")
    line = labels.line("category", lambda text: ";" in text)
    labels.set(line, "category", lambda old: old.split(";")[0])
    return "label.csv", line, f"«{labels.get(line, 'name')}»"


def label_row_lacks_a_field(folder: Path) -> Where:
    labels = Sheet(folder, "label.csv")
    labels.rows[3].pop()
    labels.save()
    return "label.csv", 4, ""


def change_label(folder: Path, column: str, change: Callable[[str], str], shape: str = ONLY.format("object")) -> Where:
    """Una falla que es cambiar un campo del cuarto renglón de label.csv cuya categoría tiene esa forma."""
    labels = Sheet(folder, "label.csv")
    line = labels.line("category", re.compile(shape).fullmatch, 3)
    labels.set(line, column, change)
    return "label.csv", line, "" if column == "name" else labels.get(line, "name")


def label_is_of_another_category(folder: Path) -> Where:
    return change_label(folder, "category", lambda old: old.replace("object", "part"))


def label_has_one_category_more(folder: Path) -> Where:
    return change_label(folder, "category", lambda old: old + ";scene(4)")


def label_name_changes_only_there(folder: Path) -> Where:
    labels = Sheet(folder, "label.csv")
    line = labels.line("category", lambda text: ";" in text)
    labels.set(line, "name", "otro nombre")
    return "label.csv", line, "otro nombre"


def label_coverage_is_a_tenth_more(folder: Path) -> Where:
    return change_label(folder, "coverage", lambda old: f"{float(old) * 1.1:f}")


def label_coverage_is_negative(folder: Path) -> Where:
    return change_label(folder, "coverage", lambda old: "-0.000001")


def label_coverage_is_nan(folder: Path) -> Where:
    return change_label(folder, "coverage", lambda old: "nan")


def label_is_of_nobody(folder: Path) -> Where:
    labels = Sheet(folder, "label.csv")
    labels.rows.append([str(len(labels.rows)), "sobrante", "object(12)", "12", "3.000000", ""])
    labels.save()
    return "label.csv", len(labels.rows), "sobrante"


def category_row_is_repeated(folder: Path) -> Where:
    sheet = Sheet(folder, "category.csv")
    sheet.rows.append(sheet.rows[2])
    sheet.save()
    return "category.csv", len(sheet.rows), sheet.rows[2][0]


def column_is_repeated(folder: Path) -> Where:
    sheet = Sheet(folder, "index.csv")
    sheet.rows[0][sheet.rows[0].index("part")] = "object"
    sheet.save()
    return "index.csv", 1, "«object»"


def mask_lacks_its_end(folder: Path) -> Where:
    png = Sheet(folder, "index.csv").get(9, "object")
    path = folder / "images" / png
    path.write_bytes(path.read_bytes()[:-14])
    return "index.csv", 9, png


def mask_has_red_and_green_swapped(folder: Path) -> Where:
    png = Sheet(folder, "index.csv").get(9, "color")
    path = folder / "images" / png
    Image.fromarray(np.array(Image.open(path))[..., [1, 0, 2]]).save(path)
    return "index.csv", 9, "los números"


def mask_is_twice_in_its_cell(folder: Path) -> Where:
    png = Sheet(folder, "index.csv").get(9, "object")
    Sheet(folder, "index.csv").set(9, "object", lambda old: f"{old};{old}")
    return "index.csv", 9, png


def there_are_no_images(folder: Path) -> Where:
    sheet = Sheet(folder, "index.csv")
    del sheet.rows[1:]
    sheet.save()
    return "index.csv", 0, "ninguna imagen"


def field_is_endless(folder: Path) -> Where:
    Sheet(folder, "index.csv").set(9, "split", "t" * 300_000)
    return "index.csv", 9, "[…]"


LONELY = {function.__name__: function for function in (
    index_is_missing, labels_are_missing, categories_are_missing, column_is_missing, category_column_is_missing,
    category_column_is_renamed, label_loses_a_category, label_row_lacks_a_field, label_is_of_another_category,
    label_has_one_category_more, label_name_changes_only_there, label_coverage_is_a_tenth_more,
    label_coverage_is_negative, label_coverage_is_nan, label_is_of_nobody, category_row_is_repeated, column_is_repeated,
    mask_lacks_its_end, mask_has_red_and_green_swapped, mask_is_twice_in_its_cell, there_are_no_images,
    field_is_endless)}
MOVERS = {"row_is_out_of_order", "label_row_is_missing", "category_row_is_missing", "label_missing_from_codes"}

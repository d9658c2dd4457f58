"""Carpetas Broden para las pruebas: una escrita a mano, letra por letra, y las fallas que se plantan en otra."""
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


Names = tuple[str, ...]                                         # lo que un solo mensaje debe nombrar
Plant = Callable[[Path], Names]                                 # echa a perder una carpeta y da lo que se debe nombrar
Find = int | tuple[str, str, int]                               # un renglón; o columna, expresión y cuántos se saltan
Value = str | Callable[[str], str]


def only(category: str, skip: int) -> Find:
    """En label.csv, la etiqueta que sólo es de una categoría, tras saltarse algunas."""
    return "category", rf"{category}\(\d+\)", skip


NOBODY = ["174", "sobrante", "object(12)", "12", "3.000000", ""]
SEVERAL = "category", ".*;.*", 0                                # la primera etiqueta de varias categorías


def cell(file: str, find: Find, column: str, value: Value, *names: str) -> Plant:
    """Cambiar un campo. El mensaje nombra el renglón y `names`; sin ellos, la imagen o etiqueta. {old}: el campo."""
    def plant(folder: Path) -> Names:
        sheet = Sheet(folder, file)
        line = find if isinstance(find, int) else sheet.line(find[0], re.compile(find[1]).fullmatch, find[2])
        subject = sheet.get(line, "image" if file == "index.csv" else "name")
        old = sheet.set(line, column, value)
        return f"{file}:{line}", *(name.format(old=old, subject=subject) for name in names or ["{subject}"])
    return plant


def picture(line: int, column: str, change: Callable[[Path], None], *names: str) -> Plant:
    """Cambiar un archivo: el de una columna en un renglón de index.csv. El mensaje lo nombra, o a `names`."""
    def plant(folder: Path) -> Names:
        path = Sheet(folder, "index.csv").get(line, column)
        change(folder / "images" / path)
        return f"index.csv:{line}", *(names or (path,))
    return plant


def rows(file: str, change: Callable[[list[list[str]]], object], *names: str) -> Plant:
    """Quitar, poner o mover renglones; table[0] es el encabezado."""
    def plant(folder: Path) -> Names:
        sheet = Sheet(folder, file)
        change(sheet.rows)
        sheet.save()
        return names
    return plant


def without(file: str, *names: str) -> Plant:
    """Borrar una tabla."""
    def plant(folder: Path) -> Names:
        (folder / file).unlink()
        return file, *names
    return plant


def truncate(path: Path) -> None:
    path.write_bytes(path.read_bytes()[:-40])


def cut_end(path: Path) -> None:
    path.write_bytes(path.read_bytes()[:-14])


def resize(path: Path) -> None:
    Image.open(path).resize((10, 12), Image.Resampling.NEAREST).save(path)


def to_gray(path: Path) -> None:
    Image.open(path).convert("L").save(path)


def repaint(change: Callable[[np.ndarray], np.ndarray]) -> Callable[[Path], None]:
    """Otros píxeles para un PNG: (h, w, 3) uint8 → lo mismo."""
    def paint(path: Path) -> None:
        Image.fromarray(change(np.array(Image.open(path)))).save(path)
    return paint


def blue(pixels: np.ndarray) -> np.ndarray:
    pixels[2:4, 2:4, 2] = 9
    return pixels


def bump(text: str) -> str:
    return str(int(text) + 1)


def far(text: str) -> str:
    return str(float(text) * 2 + 1)


def other_part(split: str) -> str:
    return "val" if split == "train" else "train"


def renamed(old: str, new: str) -> Callable[[list[list[str]]], None]:
    """Otro nombre para una columna."""
    def change(table: list[list[str]]) -> None:
        table[0][table[0].index(old)] = new
    return change


def only_header(table: list[list[str]]) -> None:
    del table[1:]


def without_part(table: list[list[str]]) -> None:
    place = table[0].index("part")
    for row in table:
        del row[place]


def codes_of_no_category(folder: Path) -> Names:
    (folder / "c_ruido.csv").write_bytes((folder / "c_part.csv").read_bytes())
    return "c_ruido.csv", "index.csv", "«ruido»"


def label_only_agrees_with_itself(folder: Path) -> Names:
    line = Sheet(folder, "label.csv").line("category", "object(5)".__eq__)
    cell("label.csv", line, "frequency", "7")(folder)
    cell("label.csv", line, "category", "object(7)")(folder)
    return f"label.csv:{line} dice 7", "c_object.csv:", "dice 5", "las máscaras, 5"


PLANTS: dict[str, Plant] = {
    "height_is_wrong": cell("index.csv", 2, "ih", "65"),
    "width_is_not_a_number": cell("index.csv", 3, "iw", "ancho"),
    "mask_size_is_wrong": cell("index.csv", 4, "sh", "31", "sh,sw"),
    "mask_size_is_not_a_number": cell("index.csv", 5, "sw", "3.5"),
    "split_is_unknown": cell("index.csv", 6, "split", "prueba"),
    "split_breaks_md5": cell("index.csv", 7, "split", other_part),
    "path_escapes": cell("index.csv", 8, "image", lambda old: "../" + old, "../{old}"),
    "mask_path_escapes": cell("index.csv", 9, "object", lambda old: "C:" + old, "C:{old}"),
    "zero_item": cell("index.csv", 10, "scene", "0"),
    "unknown_whole_number": cell("index.csv", 11, "scene", "60000", "60000", "{subject}"),
    "mask_is_missing": picture(12, "object", Path.unlink),
    "mask_is_truncated": picture(13, "material", truncate),
    "mask_has_other_size": picture(14, "color", resize),
    "mask_is_gray": picture(15, "part", to_gray),
    "mask_has_blue": picture(16, "texture", repaint(blue)),
    "mask_has_unknown_number": picture(17, "object", repaint(lambda old: np.full_like(old, (97, 195, 0))), "50017"),
    "mask_is_no_image": picture(18, "part", lambda path: path.write_text("nada")),
    "image_is_missing": picture(19, "image", Path.unlink),
    "image_is_truncated": picture(20, "image", lambda path: path.write_bytes(path.read_bytes()[:300])),
    "number_of_another_category": cell("index.csv", 21, "scene", "12", "{subject}", "en scene a los números", ": 12."),
    "image_is_repeated": rows("index.csv", lambda table: table.append(table[21]), "index.csv:38", "index.csv:22"),
    "field_is_missing": rows("index.csv", lambda table: table[22].pop(), "index.csv:23", "12 campos"),
    "row_is_out_of_order": rows("index.csv", lambda table: table.insert(28, table.pop(23)),
                                "index.csv:29", "index.csv:28"),
    "bytes_are_not_utf8": cell("index.csv", 30, "image", lambda old: old.replace("e", "\udce9", 1), "UTF-8"),
    "label_number_is_no_number": cell("label.csv", only("part", 9), "number", "doce"),
    "label_number_is_repeated": cell("label.csv", only("object", 9), "number", lambda old: str(int(old) - 3)),
    "label_number_is_too_big": cell("label.csv", only("material", 9), "number", "70000"),
    "label_number_is_zero": cell("label.csv", only("texture", 9), "number", "0"),
    "label_has_no_name": cell("label.csv", only("object", 14), "name", "", "c_object.csv:", "{subject}"),
    "label_name_is_repeated": cell("label.csv", ("name", "zarpa", 0), "name", "raya", "el 70 es «raya»", "{old}"),
    "color_without_suffix": cell("label.csv", ("name", "azul-c", 0), "name", "azul", "c_color.csv:", "{old}"),
    "category_is_malformed": cell("label.csv", only("part", 12), "category", lambda old: old.replace("(", "[")),
    "category_is_unknown": cell("label.csv", only("object", 16), "category",
                                lambda old: old.replace("object", "objeto"), "«objeto»", "index.csv"),
    "frequency_drifts": cell("label.csv", only("material", 6), "frequency", bump),
    "category_count_drifts": cell("label.csv", only("texture", 6), "category", lambda old: old.replace(")", "1)", 1),
                                  "{subject}", "c_texture.csv:", "las máscaras"),
    "coverage_drifts": cell("label.csv", only("color", 4), "coverage", far, "{subject}", "c_color.csv:"),
    "first_is_wrong": cell("category.csv", ("name", "object", 0), "first", bump, "object", "label.csv"),
    "last_is_wrong": cell("category.csv", ("name", "part", 0), "last", bump, "part", "label.csv"),
    "count_is_wrong": cell("category.csv", ("name", "color", 0), "count", bump, "color", "label.csv"),
    "incidences_are_wrong": cell("category.csv", ("name", "texture", 0), "frequency", bump, "texture", "label.csv"),
    "code_is_wrong": cell("c_part.csv", ("code", "4", 0), "code", "40"),
    "code_is_no_number": cell("c_object.csv", ("code", "10", 0), "code", "diez"),
    "code_number_is_unknown": cell("c_part.csv", ("code", "6", 0), "number", "61000", "{subject}", "label.csv"),
    "code_name_differs": cell("c_object.csv", ("code", "3", 0), "name", "otro", "«otro»", "{old}", "label.csv:"),
    "code_frequency_drifts": cell("c_color.csv", ("code", "2", 0), "frequency", bump, "{subject}", "label.csv:"),
    "code_coverage_drifts": cell("c_texture.csv", ("code", "3", 0), "coverage", far, "{subject}", "label.csv:"),
    "code_coverage_is_no_number": cell("c_object.csv", ("code", "8", 0), "coverage", "poca", "{subject}", "poca"),
    "label_row_is_missing": rows("label.csv", lambda table: table.pop(3), "label.csv", "c_color.csv:4", "3 «café-c»"),
    "category_row_is_missing": rows("category.csv", lambda table: table.pop(2), "category.csv", "index.csv",
                                    "«material»"),
    "category_has_no_column": rows("category.csv", lambda table: table.append(["ruido", "1", "2", "2", "9"]),
                                   "category.csv:", "index.csv", "«ruido»"),
    "label_missing_from_codes": rows("c_material.csv", lambda table: table.pop(4), "c_material.csv", "label.csv:",
                                     "«piedra»"),
    "codes_are_missing": without("c_scene.csv", "category.csv:", "«scene»", "falta ese archivo"),
}
MOVERS = {"row_is_out_of_order", "label_row_is_missing", "category_row_is_missing", "label_missing_from_codes"}
LONELY: dict[str, Plant] = {                                    # cambian tanto que sólo se plantan solas
    "index_is_missing": without("index.csv", "falta"),
    "labels_are_missing": without("label.csv", "falta"),
    "categories_are_missing": without("category.csv", "falta"),
    "column_is_missing": rows("index.csv", renamed("sh", "alto"), "index.csv:1", "«sh»"),
    "column_is_repeated": rows("index.csv", renamed("part", "object"), "index.csv:1", "«object»"),
    "category_column_is_missing": rows("index.csv", without_part, "index.csv", "category.csv:4", "«part»"),
    "category_column_is_renamed": rows("index.csv", renamed("part", "parte"), "index.csv", "category.csv:4", "«part»"),
    "there_are_no_images": rows("index.csv", only_header, "index.csv", "ninguna imagen"),
    "field_is_endless": cell("index.csv", 9, "split", "t" * 300_000, "[…]"),
    "mask_is_twice_in_its_cell": cell("index.csv", 9, "object", lambda old: f"{old};{old}", "«{old}»", "dos veces"),
    "mask_lacks_its_end": picture(9, "object", cut_end),
    "mask_has_red_and_green_swapped": picture(9, "color", repaint(lambda old: old[..., [1, 0, 2]]), "los números"),
    "label_row_lacks_a_field": rows("label.csv", lambda table: table[3].pop(), "label.csv:4", "6 campos"),
    "label_is_of_nobody": rows("label.csv", lambda table: table.append(NOBODY), "label.csv:175", "c_object.csv"),
    "label_loses_a_category": cell("label.csv", SEVERAL, "category", lambda old: old.split(";")[0],
                                   "{subject}", "c_part.csv:"),
    "label_is_of_another_category": cell("label.csv", only("object", 3), "category",
                                         lambda old: old.replace("object", "part"), "{subject}", "c_object.csv:"),
    "label_has_one_category_more": cell("label.csv", only("object", 3), "category", lambda old: old + ";scene(4)",
                                        "{subject}", "c_scene.csv"),
    "label_name_changes_only_there": cell("label.csv", SEVERAL, "name", "otro nombre", "«otro nombre»", "{old}",
                                          "c_part.csv:"),
    "label_coverage_is_a_tenth_more": cell("label.csv", only("object", 3), "coverage",
                                           lambda old: f"{float(old) * 1.1:f}", "{subject}", "c_object.csv:"),
    "label_coverage_is_negative": cell("label.csv", only("object", 3), "coverage", "-0.000001"),
    "label_coverage_is_nan": cell("label.csv", only("object", 3), "coverage", "nan"),
    "category_row_is_repeated": rows("category.csv", lambda table: table.append(table[2]), ":8", "category.csv:3"),
    "label_row_is_out_of_order": rows("label.csv", lambda table: table.insert(40, table.pop(20)), ":41", "label.csv:40"),
    "summary_is_empty": rows("category.csv", only_header, "category.csv", "ningún renglón"),
    "codes_are_empty": rows("c_part.csv", only_header, "c_part.csv", "ningún renglón"),
    "codes_of_no_category": codes_of_no_category,
    "code_row_is_repeated": rows("c_part.csv", lambda table: table.append(table[5]), "c_part.csv:71", "c_part.csv:6"),
    "label_only_agrees_with_itself": label_only_agrees_with_itself,
    "whole_number_has_decimals": cell("index.csv", 9, "scene", "12.0", "«12.0»"),
    "image_has_no_bytes": picture(4, "image", lambda path: path.write_bytes(b"")),
}

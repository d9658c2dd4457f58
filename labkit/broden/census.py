"""El censo de una carpeta Broden: los renglones de sus tablas, y lo que se cuenta en sus imágenes de una en una."""
import math
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from io import BytesIO
from pathlib import Path

import numpy as np
from PIL import Image

from labkit.broden import format as grammar
from labkit.broden.inspecting import LabelCounts

IMAGE_SIZE, MASK_SIZE = ("ih", "iw"), ("sh", "sw")              # las columnas de index.csv que dicen alto y ancho
PNG_END = b"IEND\xaeB`\x82"


@dataclass(frozen=True)
class Fault:
    """Una falla: archivo, renglón como lo cuenta un editor (0: el archivo entero), clase y mensaje.

    note: no es una falla, sino un aviso de que la carpeta sigue otra regla.
    """
    file: str
    line: int
    kind: str
    message: str
    note: bool = False

    def __str__(self) -> str:
        text = self.message if len(self.message) < 500 else f"{self.message[:250]} […] {self.message[-150:]}"
        return f"{self.file}:{self.line}: {text}" if self.line else f"{self.file}: {text}"


@dataclass(frozen=True)
class Row:
    """Un renglón de un CSV: row["name"] es un campo y str(row) su lugar, «label.csv:12»; sound: si está completo."""
    file: str
    line: int
    fields: dict[str, str]
    sound: bool

    def __getitem__(self, column: str) -> str:
        return self.fields[column]

    def __str__(self) -> str:
        return f"{self.file}:{self.line}"

    def fault(self, kind: str, message: str, note: bool = False) -> Fault:
        """Una falla de este renglón."""
        return Fault(self.file, self.line, kind, message, note)


class Census:
    """Lo que se cuenta en las imágenes, por categoría.

    pictures: en cuántas imágenes hay algo;  unread: en cuántas quedó algo sin contar;  filled: las columnas de
    index.csv que no están vacías;  rows: cuántos renglones se contaron.
    """

    def __init__(self) -> None:
        self.tally, self.rows = LabelCounts(), 0
        self.pictures: Counter[str] = Counter()
        self.unread: Counter[str] = Counter()
        self.filled: set[str] = set()

    def images(self, category: str, number: int) -> tuple[int, float]:
        """En cuántas imágenes está una etiqueta, de la menor cuenta posible a la mayor."""
        count = self.tally.images[category, number]
        return count, count + self._missing(category)

    def coverage(self, category: str, number: int) -> tuple[float, float]:
        """Cuánto cubre una etiqueta, en imágenes, de lo menos (si lo encimado cuenta una vez) a lo más posible."""
        covered = float(self.tally.coverage(category, number))
        return covered - self.tally.overlaps[category, number], covered + self._missing(category)

    def _missing(self, category: str) -> float:
        return self.unread[category] if self.rows and category in self.unread else math.inf


def read_table(path: Path, columns: Sequence[str], faults: list[Fault]) -> Iterator[Row]:
    """Los renglones de un CSV, uno por uno; anota en `faults` lo que le falta al archivo o a un renglón."""
    if not path.is_file():
        return faults.append(Fault(path.name, 0, "archivo", "falta este archivo."))
    rows = grammar.read_rows(path)
    header, row = next(rows, (1, 0, []))[2], None
    wrong = [f"la columna «{name}» se repite." for name, count in Counter(filter(None, header)).items() if count > 1]
    wrong = wrong or [f"falta la columna «{name}»." for name in columns if name not in header]
    faults += [Fault(path.name, 1, "columna", message) for message in wrong]
    for line, _, fields in rows if not wrong else ():
        decoded, complete = not any("\ufffd" in text for text in fields), len(fields) == len(header)
        row = Row(path.name, line, dict.fromkeys(header, "") | dict(zip(header, fields)), decoded and complete)
        start = fields[0] if fields else ""
        if not decoded:
            faults.append(row.fault("utf-8", f"«{start}»: esperaba UTF-8 y hay bytes que no lo son."))
        elif not complete:
            faults.append(row.fault("campos", f"«{start}»: esperaba {len(header)} campos y hay {len(fields)}."))
        yield row
    if not (row or wrong):
        what = "ninguna imagen" if path.name == "index.csv" else "ningún renglón"
        faults.append(Fault(path.name, 0, "vacío", f"no tiene {what}."))


def take_census(folder: Path, known: dict[str, set[int]], faults: list[Fault]) -> Census:
    """Recorre index.csv, abre cada archivo una vez y cuenta; anota en `faults` lo que no se puede contar.

    known: por categoría, los números que alguna tabla le da; de los demás se anota dónde se ven primero.
    """
    census, images, last = Census(), folder / "images", (0.0, 0)
    first_lines = _repeated(folder / "index.csv")
    for row in read_table(folder / "index.csv", grammar.FIXED, faults):
        image, place = row["image"], grammar.md5_place(row["image"])
        if not row.sound:
            census.unread.update(known.keys())
            continue
        if first_lines.get(place):
            faults.append(row.fault("repetida", f"{image}: esta imagen ya salió en index.csv:{first_lines[place]}."))
            continue
        if place in first_lines:
            first_lines[place] = row.line
        census.rows += 1
        census.filled.update(column for column, cell in row.fields.items() if cell)
        faults += [row.fault("entero", f"{image}: {column}: esperaba un entero y hay «{row[column]}».")
                   for column in IMAGE_SIZE + MASK_SIZE if grammar.integer(row[column]) is None]
        _pixels(images, row, image, IMAGE_SIZE, faults)
        if grammar.is_inside(image) and (images / image).is_file():             # su ruta, y con ella su md5, es de fiar
            faults += _out_of_place(row, place, *last)
            last = place, row.line
        _count(row, known, _read_planes(images, row, known, faults), census, faults)
    return census


def _repeated(index: Path) -> dict[float, int]:
    """Los lugares (md5) de las imágenes que salen más de una vez, con 0: aún no se sabe en qué renglón la primera."""
    rows = read_table(index, grammar.FIXED, [])
    places = np.sort(np.fromiter((grammar.md5_place(row["image"]) for row in rows if row.sound), float))
    return dict.fromkeys(places[1:][places[1:] == places[:-1]].tolist(), 0)


def _out_of_place(row: Row, place: float, last_place: float, last_line: int) -> Iterator[Fault]:
    """Si el md5 de su ruta pone a una imagen antes que la del renglón anterior, o en otra parte."""
    part = "train" if place <= 0.7 else "val"
    if place < last_place:
        yield row.fault("orden", f"{row['image']}: por el md5 de su ruta va antes que la de index.csv:{last_line}.")
    if row["split"] != part:
        yield row.fault("md5", f"{row['image']}: split: dice «{row['split']}» y por su md5 le toca {part}.")


def _pixels(images: Path, row: Row, name: str, columns: tuple[str, str],
            faults: list[Fault]) -> tuple[bytes, np.ndarray] | None:
    """Los bytes de un archivo de images/ y sus píxeles RGB; None, y su falla, si no se lee o no mide lo que dice."""
    size = tuple(grammar.integer(row[column]) for column in columns)
    what = "imagen" if columns == IMAGE_SIZE else "máscara"

    def unusable(kind: str, problem: str) -> None:
        faults.append(row.fault(kind, f"{what} «{name}»: {problem}"))

    if not grammar.is_inside(name):
        return unusable("ruta", "la ruta se sale de images/.")
    if not (images / name).is_file():
        return unusable("falta", "no existe ese archivo en images/.")
    try:
        content = (images / name).read_bytes()
        picture = Image.open(BytesIO(content))
        found = picture.height, picture.width
        if found != size:                                       # ni se decodifica
            return None if None in size else unusable("tamaño", f"{','.join(columns)} dicen {size} y mide {found}.")
        if columns == IMAGE_SIZE:
            picture.draft(None, (1, 1))                         # basta saber que está completa
        pixels = np.asarray(picture.convert("RGB"))
        if content.startswith(grammar.PNG_START) and PNG_END not in content:
            raise ValueError
    except grammar.UNREADABLE:
        return unusable("ilegible", "está incompleto, es enorme o no es una imagen.")
    return content, pixels


def _read_planes(images: Path, row: Row, columns: Iterable[str], faults: list[Fault]) -> dict[str, np.ndarray]:
    """Los PNG que se pueden contar de las celdas de un renglón: de su ruta a sus números, (sh, sw)."""
    items, planes = [item for column in columns for item in grammar.cell_items(row[column])], {}
    for name in (item for item in dict.fromkeys(items) if isinstance(item, str)):
        content, rgb = _pixels(images, row, name, MASK_SIZE, faults) or (b"", None)
        if rgb is None:
            continue
        if problem := grammar.mask_problem(content[:26], rgb):
            faults.append(row.fault("máscara", f"máscara «{name}»: {problem}; así no se lee."))
            continue
        if content[24:26] != grammar.RGB_8_BITS:
            faults.append(row.fault("modo", f"máscara «{name}»: esperaba un PNG RGB de 8 bits y es de otro modo."))
        planes[name] = grammar.to_numbers(rgb)
    return planes


def _count(row: Row, known: dict[str, set[int]], planes: dict[str, np.ndarray], census: Census,
           faults: list[Fault]) -> None:
    """Suma al censo lo que hay en las celdas de un renglón."""
    for category, numbers in known.items():
        cell = Counter(grammar.cell_items(row[category]))
        place = f"{row['image']}: {category}"
        if 0 in cell:
            faults.append(row.fault("cero", f"{place}: 0 es «sin etiqueta»; deja la celda vacía."))
        faults += [row.fault("doble", f"{place}: «{item}» está dos veces en la celda.")
                   for item, times in cell.items() if item and times > 1]
        countable = [planes.get(item, item) for item in cell if item in planes or isinstance(item, int) and item]
        found = census.tally.add(category, countable)
        strange = [number for number in found if number not in numbers]
        if strange:
            numbers.update(strange)                             # una vez basta
            faults.append(row.fault("etiqueta", f"{place}: ninguna tabla pone en {category} a los números que aquí "
                                                f"se usan: {', '.join(map(str, strange))}."))
        census.pictures[category] += bool(found)
        census.unread[category] += bool(strange) or len(countable) < len(cell)

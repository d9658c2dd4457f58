"""Lo que de verdad hay en una carpeta Broden: recorre index.csv, abre cada archivo y cuenta cada etiqueta."""
from array import array
from bisect import bisect_right
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from io import BytesIO
from pathlib import Path

import numpy as np
from PIL import Image

from labkit.broden.format import FIXED, UNREADABLE, cell_items, integer, is_inside, md5_place, read_rows, to_numbers
from labkit.broden.inspecting import LabelCounts

Size = tuple[int | None, int | None]
UNKNOWN = 10 ** 9                                               # daños que no se pueden contar
RGB_8_BITS = b"\x08\x02"                                        # los bytes 24 y 25 de un PNG
PNG_START, PNG_END = b"\x89PNG", b"IEND\xaeB`\x82"


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


def checked_rows(path: Path, columns: Sequence[str], faults: list[Fault]) -> Iterator[tuple[int, dict[str, str], bool]]:
    """Los renglones de un CSV, (renglón, campo por columna, si está sano); anota las fallas de forma que encuentra."""
    if not path.is_file():
        return faults.append(Fault(path.name, 0, "archivo", "falta este archivo."))
    rows = read_rows(path)
    header = next(rows, (1, 0, []))[2]
    wrong = [f"la columna «{name}» se repite." for name, count in Counter(filter(None, header)).items() if count > 1]
    wrong = wrong or [f"falta la columna «{name}»." for name in columns if name not in header]
    faults += [Fault(path.name, 1, "columna", message) for message in wrong]
    for line, _, fields in rows if not wrong else ():
        decoded, complete = not any("\ufffd" in field for field in fields), len(fields) == len(header)
        if not decoded:
            faults.append(Fault(path.name, line, "utf-8", f"«{fields[0]}»: esperaba UTF-8 y hay bytes que no lo son."))
        elif not complete:
            faults.append(Fault(path.name, line, "campos",
                                f"«{fields[0]}»: esperaba {len(header)} campos y hay {len(fields)}."))
        yield line, dict.fromkeys(header, "") | dict(zip(header, fields)), decoded and complete


def misplaced(values: Sequence[float]) -> list[int]:
    """Las posiciones que estorban al orden: las que no son de la subsucesión creciente más larga."""
    tops, ends, before = array("d"), array("q"), array("q")     # por largo: el menor final posible y dónde está
    for i, value in enumerate(values):
        length = bisect_right(tops, value)
        before.append(ends[length - 1] if length else -1)
        tops[length:length + 1], ends[length:length + 1] = array("d", [value]), array("q", [i])
    kept, i = bytearray(len(values)), ends[-1] if ends else -1
    while i >= 0:
        kept[i], i = 1, before[i]
    return [i for i, keep in enumerate(kept) if not keep]


class Evidence:
    """La cuenta de una carpeta: `tally`, y en `first`, dónde se vio por primera vez cada etiqueta; anota las fallas.

    damaged: por categoría, cuántas celdas o PNG no se pudieron contar: allí puede estar cualquier etiqueta;
    foreign: cuántos tienen números de otra parte;  pictures: en cuántas imágenes hay algo.
    """

    def __init__(self, folder: Path, categories: list[str], faults: list[Fault]) -> None:
        self.images, self.categories, self.faults = folder / "images", categories, faults
        self.tally, self.damaged, self.rows, self.masks = LabelCounts(), Counter(), 0, 0
        self.foreign, self.pictures = Counter(), Counter()
        self.filled: set[str] = set()                           # las columnas que no están vacías
        self.first: dict[tuple[str, int], tuple[int, str]] = {}
        self.places, self.lines, self.splits = array("d"), array("L"), array("L")   # de las imágenes de fiar
        self.parts: dict[str, int] = {}                         # qué número es cada parte en `splits`
        index, known = folder / "index.csv", len(faults)
        self.seen: dict[float, bool] = _repeated(index)
        for line, row, sound in checked_rows(index, FIXED, faults):
            if sound:
                self._row(line, row)
            else:
                self.damaged.update(categories)
        if not self.rows:
            self.damaged.update(dict.fromkeys(categories, UNKNOWN))
            if len(faults) == known:
                self._fault(0, "vacío", "no tiene ninguna imagen.")
        late, moved = {self.lines[i] for i in misplaced(self.places)}, self._moved() if self.rows else {}
        for line, row, _ in checked_rows(index, FIXED, []) if late or moved else ():
            if line in late:
                self._fault(line, "orden", f"{row['image']}: está fuera del orden que da el md5 de la ruta.")
            if line in moved and row["split"] not in ("train", "val"):
                self._fault(line, "parte", f"{row['image']}: split: esperaba train o val y hay «{row['split']}».")
            elif line in moved:
                self._fault(line, "md5", f"{row['image']}: split: dice {row['split']} y por su md5 le toca otra parte.")

    def _fault(self, line: int, kind: str, message: str) -> None:
        self.faults.append(Fault("index.csv", line, kind, message))

    def _moved(self) -> set[int]:
        """Los renglones fuera de la parte que por md5 les toca: hasta 0.7, train; o por otros cortes, y un aviso."""
        places, splits = np.asarray(self.places), np.asarray(self.splits, np.int64)
        train, val = (self.parts.get(name, -1) for name in ("train", "val"))
        wrong = np.flatnonzero(splits != np.where(places <= 0.7, train, val))
        if len(wrong) < 2 and len(self.parts) > 1 or not len(wrong):
            return {self.lines[i] for i in wrong}
        ranks = np.argsort(np.argsort(np.bincount(splits, places) / np.bincount(splits)))
        order = np.argsort(places)
        others = order[misplaced(ranks[splits[order]].tolist())]
        if len(self.parts) > 1 and (4 * len(others) > len(wrong) or len(wrong) - len(others) < 2):
            return {self.lines[i] for i in wrong}
        message = "las partes no son las del md5 con corte en 0.7: es una sola, o son otros los cortes."
        self.faults.append(Fault("index.csv", 0, "reparto", message, True))
        return {self.lines[i] for i in others}

    def _row(self, line: int, row: dict[str, str]) -> None:
        image, place = row["image"], md5_place(row["image"])
        if self.seen.get(place):
            return self._fault(line, "repetida", f"{image}: esta imagen ya salió en otro renglón.")
        self.rows += 1
        self.filled.update(name for name, cell in row.items() if cell)
        numbers = {name: integer(row[name]) for name in FIXED[2:]}
        for name in FIXED[2:]:
            if numbers[name] is None:
                self._fault(line, "entero", f"{image}: {name}: esperaba un entero y hay «{row[name]}».")
        declared = numbers["ih"], numbers["iw"]
        size = self._opened(line, image, "imagen", declared)[0]
        if size and None not in declared and size != declared:
            self._fault(line, "tamaño", f"{image}: ih,iw dicen {declared} y mide {size}.")
        if place in self.seen:
            self.seen[place] = True
        elif is_inside(image) and (self.images / image).is_file():                  # su nombre es de fiar
            self.places.append(place)
            self.lines.append(line)
            self.splits.append(self.parts.setdefault(row["split"], len(self.parts)))
        self._cells(line, row, (numbers["sh"], numbers["sw"]))

    def _opened(self, line: int, name: str, what: str, declared: Size) -> tuple[Size | None, bytes, np.ndarray | None]:
        """Lo que mide un archivo de images/, sus bytes y, si es lo declarado, sus píxeles; o None y su falla."""
        nothing = None, b"", None
        if not is_inside(name):
            return self._fault(line, "ruta", f"{what} «{name}»: la ruta se sale de images/.") or nothing
        if not (self.images / name).is_file():
            return self._fault(line, "falta", f"{what} «{name}»: no existe ese archivo en images/.") or nothing
        try:
            content = (self.images / name).read_bytes()
            picture = Image.open(BytesIO(content))
            size = picture.height, picture.width
            if None not in declared and size != declared:
                return size, content, None
            if what == "imagen":
                picture.draft(None, (1, 1))                     # basta saber que está completa
            pixels = np.asarray(picture.convert("RGB"))
            if content.startswith(PNG_START) and PNG_END not in content:
                raise ValueError
            return size, content, pixels
        except UNREADABLE:
            self._fault(line, "ilegible", f"{what} «{name}»: está incompleto, es enorme o no es una imagen.")
        return nothing

    def _cells(self, line: int, row: dict[str, str], declared: Size) -> None:
        """Cuenta lo que hay en las celdas de un renglón."""
        sizes: dict[str, Size] = {}                             # lo que mide cada PNG
        for category in self.categories:
            found, items = [], cell_items(row[category])
            for i, item in enumerate(items):
                if item == 0:
                    self._fault(line, "cero", f"{row['image']}: {category}: 0 es «sin etiqueta»; deja la celda vacía.")
                elif item in items[:i]:
                    self._fault(line, "doble", f"{row['image']}: {category}: «{item}» está dos veces en la celda.")
                    continue
                value = self._plane(line, item, declared, sizes) if isinstance(item, str) else item or None
                if value is None:
                    self.damaged[category] += 1
                else:
                    found.append(value)
            numbers = self.tally.add(category, found)
            self.pictures[category] += bool(numbers)
            for number in numbers:
                self.first.setdefault((category, number), (line, row["image"]))
        wrong = [item for item, size in sizes.items() if None not in declared and size != declared]
        together = len(wrong) == len(sizes) and len({sizes[item] for item in wrong}) == 1       # la culpa es de sh,sw
        for item in wrong[:1] if together else wrong:
            self._fault(line, "máscara", f"máscara «{item}»: sh,sw dicen {declared} y mide {sizes[item]}.")

    def _plane(self, line: int, name: str, declared: Size, sizes: dict[str, Size]) -> np.ndarray | None:
        """Los números de un PNG, (h, w), o None, y su falla, si no se pueden contar; anota en `sizes` lo que mide."""
        size, content, rgb = self._opened(line, name, "máscara", declared)
        if size:
            sizes[name] = size
        if rgb is None:
            return None
        self.masks += 1
        if content[24:26] != RGB_8_BITS:
            self._fault(line, "modo", f"máscara «{name}»: esperaba un PNG RGB de 8 bits por canal y es de otro modo.")
        elif rgb[..., 2].any():
            self._fault(line, "azul", f"máscara «{name}»: esperaba el canal B en 0 y llega a {rgb[..., 2].max()}.")
        return None if rgb[..., 2].any() else to_numbers(rgb)


def _repeated(index: Path) -> dict[float, bool]:
    """Los lugares (md5) de las imágenes que salen más de una vez, todas aún sin ver."""
    rows = checked_rows(index, FIXED, [])
    places = np.sort(np.fromiter((md5_place(row["image"]) for _, row, sound in rows if sound), float))
    return dict.fromkeys(places[1:][places[1:] == places[:-1]].tolist(), False)

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

from labkit.broden.format import FIXED, cell_items, integer, is_inside, md5_place, read_rows, to_numbers
from labkit.broden.inspecting import Tally

UNREADABLE = (OSError, ValueError, SyntaxError, Image.DecompressionBombError)       # lo que lanza Pillow
RGB_8_BITS = b"\x08\x02"                                        # los bytes 24 y 25 de un PNG


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
        return f"{self.file}:{self.line}: {self.message}" if self.line else f"{self.file}: {self.message}"


def checked_rows(path: Path, columns: Sequence[str], faults: list[Fault]) -> Iterator[tuple[int, dict[str, str], bool]]:
    """Los renglones de un CSV, (renglón, campo por columna, si está sano); anota las fallas de forma que encuentra."""
    if not path.is_file():
        return faults.append(Fault(path.name, 0, "archivo", "falta este archivo."))
    rows = read_rows(path)
    header = next(rows, (1, 0, []))[2]
    missing = [name for name in columns if name not in header]
    faults += [Fault(path.name, 1, "columna", f"falta la columna «{name}».") for name in missing]
    for line, _, fields in rows if not missing else ():
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

    damaged: por categoría, cuántas celdas o PNG no se pudieron contar: allí puede estar cualquier etiqueta.
    """

    def __init__(self, folder: Path, categories: list[str], faults: list[Fault]) -> None:
        self.images, self.categories, self.faults = folder / "images", categories, faults
        self.tally, self.damaged, self.rows, self.masks = Tally(), Counter(), 0, 0
        self.first: dict[tuple[str, int], tuple[int, str]] = {}
        self.places, self.lines = array("d"), array("L")        # de las imágenes cuyo orden se puede juzgar
        self.seen: dict[float, bool] = _repeated(folder / "index.csv")
        for line, row, sound in checked_rows(folder / "index.csv", FIXED, faults):
            if sound:
                self._row(line, row)
            else:
                self.damaged.update(categories)
        late = {self.lines[i] for i in misplaced(self.places)}
        for line, _, fields in read_rows(folder / "index.csv") if late else ():
            if line in late:
                self._fault(line, "orden", f"{fields[0]}: está fuera del orden que da el md5 de la ruta.")

    def _fault(self, line: int, kind: str, message: str) -> None:
        self.faults.append(Fault("index.csv", line, kind, message))

    def _row(self, line: int, row: dict[str, str]) -> None:
        image, place = row["image"], md5_place(row["image"])
        if self.seen.get(place):
            return self._fault(line, "repetida", f"{image}: esta imagen ya salió en otro renglón.")
        self.rows += 1
        numbers = {name: integer(row[name]) for name in FIXED[2:]}
        for name in FIXED[2:]:
            if numbers[name] is None:
                self._fault(line, "entero", f"{image}: {name}: esperaba un entero y hay «{row[name]}».")
        opened = self._opened(line, image, "imagen")
        declared = numbers["ih"], numbers["iw"]
        if opened and None not in declared and opened[1].shape[:2] != declared:
            self._fault(line, "tamaño", f"{image}: ih,iw dicen {declared} y mide {opened[1].shape[:2]}.")
        expected = "train" if place <= 0.7 else "val"
        trusted = is_inside(image) and (self.images / image).is_file()              # su nombre es de fiar
        if row["split"] not in ("train", "val"):
            self._fault(line, "parte", f"{image}: split: esperaba train o val y hay «{row['split']}».")
        elif trusted and row["split"] != expected:
            self._fault(line, "md5", f"{image}: split: dice {row['split']} y por su md5 le toca {expected}.")
        if place in self.seen:
            self.seen[place] = True
        elif trusted:
            self.places.append(place)
            self.lines.append(line)
        self._cells(line, row, (numbers["sh"], numbers["sw"]))

    def _opened(self, line: int, name: str, what: str) -> tuple[bytes, np.ndarray] | None:
        """Los bytes y los píxeles (h, w, 3) de un archivo de images/, o None y su falla."""
        if not is_inside(name):
            return self._fault(line, "ruta", f"{what} «{name}»: la ruta se sale de images/.")
        if not (self.images / name).is_file():
            return self._fault(line, "falta", f"{what} «{name}»: no existe ese archivo en images/.")
        try:
            content = (self.images / name).read_bytes()
            return content, np.asarray(Image.open(BytesIO(content)).convert("RGB"))
        except UNREADABLE:
            return self._fault(line, "ilegible", f"{what} «{name}»: el archivo está incompleto o no es una imagen.")

    def _cells(self, line: int, row: dict[str, str], declared: tuple[int | None, int | None]) -> None:
        """Cuenta lo que hay en las celdas de un renglón."""
        sizes: dict[str, tuple[str, tuple[int, int]]] = {}      # PNG → (categoría, tamaño)
        for category in self.categories:
            found = []
            for item in cell_items(row[category]):
                if item == 0:
                    self._fault(line, "cero", f"{row['image']}: {category}: 0 es «sin etiqueta»; deja la celda vacía.")
                value = self._plane(line, item) if isinstance(item, str) else item or None
                if value is None:
                    self.damaged[category] += 1
                    continue
                found.append(value)
                if isinstance(item, str):
                    sizes[item] = (category, value.shape)
            for number in self.tally.add(category, found):
                self.first.setdefault((category, number), (line, row["image"]))
        wrong = [item for item, (_, size) in sizes.items() if None not in declared and size != declared]
        self.damaged.update(sizes[item][0] for item in wrong)
        together = len(wrong) == len(sizes) and len({sizes[item][1] for item in wrong}) == 1    # la culpa es de sh,sw
        for item in wrong[:1] if together else wrong:
            self._fault(line, "máscara", f"máscara «{item}»: sh,sw dicen {declared} y mide {sizes[item][1]}.")

    def _plane(self, line: int, name: str) -> np.ndarray | None:
        """Los números de un PNG, (h, w), o None, y su falla, si no se pueden contar."""
        opened = self._opened(line, name, "máscara")
        if opened is None:
            return None
        content, rgb = opened
        self.masks += 1
        if content[24:26] != RGB_8_BITS:
            self._fault(line, "modo", f"máscara «{name}»: esperaba un PNG RGB de 8 bits por canal y es de otro modo.")
        elif rgb[..., 2].any():
            self._fault(line, "azul", f"máscara «{name}»: esperaba el canal B en 0 y llega a {rgb[..., 2].max()}.")
        return None if rgb[..., 2].any() else to_numbers(rgb)


def _repeated(index: Path) -> dict[float, bool]:
    """Los lugares (md5) de las imágenes que salen más de una vez, todas aún sin ver."""
    rows = read_rows(index) if index.is_file() else ()
    places = np.sort(np.fromiter((md5_place(fields[0]) for _, _, fields in rows if fields), float))
    return dict.fromkeys(places[1:][places[1:] == places[:-1]].tolist(), False)

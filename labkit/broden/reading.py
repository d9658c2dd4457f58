"""Leer Broden: cualquier carpeta con su formato, imagen por imagen, sin tenerla nunca completa en la memoria.

index.csv dice qué máscaras tiene cada imagen y label.csv cómo se llama cada número. Fuente: Bau et al. (2017), «Network
Dissection», CVPR, §2.1, doi:10.1109/CVPR.2017.354.
"""
import warnings
from array import array
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

import numpy as np
import torch
from PIL import Image
from torch import Tensor
from torch.nn.functional import interpolate

from labkit.broden import format as grammar
from labkit.pictures import from_pillow
from labkit.regions import Regions, regions_of_planes

SIZE = 224                                                      # el lado de las imágenes del Broden publicado
ADVICE = "Para ver qué tiene: python -m labkit broden check"


@dataclass(frozen=True)
class Label:
    """Un renglón de label.csv; categories: en cuántas imágenes está, por categoría;  coverage: en imágenes enteras."""
    number: int
    name: str
    categories: dict[str, int]
    frequency: int
    coverage: float
    syns: tuple[str, ...] = ()


@dataclass(frozen=True)
class Record:
    """Un renglón de index.csv; size: (ih, iw);  cells: por categoría, números de la imagen entera y rutas de PNG."""
    image: str
    split: str
    size: tuple[int, int]
    mask_size: tuple[int, int]
    cells: dict[str, tuple[int | str, ...]]


@dataclass(frozen=True, eq=False)
class Broden:
    """Una carpeta Broden abierta: se recorre (`for record in broden`), se le pide la imagen i, o se diseca.

    labels: número → Label;  names, categories, numbers: los k conceptos, uno por pareja (categoría, etiqueta), en el
    orden de las categorías y de sus códigos;  coverages: cuánto cubre cada uno, en imágenes enteras;  size: a qué lado
    lleva `pictures` todas las imágenes.
    """
    folder: Path
    labels: dict[int, Label]
    category_names: list[str]
    names: list[str]
    categories: list[str]
    numbers: list[int]
    coverages: list[float]
    header: list[str]
    offsets: array                                              # en qué byte de index.csv empieza cada renglón
    size: int = SIZE

    def __len__(self) -> int:
        return len(self.offsets)

    def __iter__(self) -> Iterator[Record]:
        return map(self.record, range(len(self)))

    def record(self, i: int) -> Record:
        """El renglón de la imagen i, sin sus ceros (0 es «sin etiqueta»). ValueError si no se entiende."""
        with open(self.folder / "index.csv", "rb") as file:
            file.seek(self.offsets[i])
            fields = grammar.split_row(file.readline())
        row = dict(zip(self.header, fields))
        if len(fields) != len(self.header) or None in [grammar.integer(row[name]) for name in grammar.FIXED[2:]]:
            raise ValueError(f"index.csv: no entiendo el renglón {','.join(fields)[:200]!r}. {ADVICE} {self.folder}")
        ih, iw, sh, sw = (int(row[name]) for name in grammar.FIXED[2:])
        return Record(row["image"], row["split"], (ih, iw), (sh, sw), {
            name: tuple(item for item in grammar.cell_items(row[name]) if item) for name in self.category_names})

    def path(self, name: str) -> Path:
        """Dónde está un archivo de images/. ValueError si la ruta se sale de esa carpeta."""
        if not grammar.is_inside(name):
            raise ValueError(f"index.csv: la ruta {name!r} se sale de la carpeta images/ y no se abre.")
        return self.folder / "images" / name

    def image(self, i: int) -> Tensor:
        """La imagen i como está guardada, sin enderezarla, igual que sus máscaras: (3, h, w) RGB en [0, 1]."""
        record = self.record(i)
        return from_pillow(self._opened(record.image, record))

    def contents(self, i: int, categories: Sequence[str] | None = None) -> dict[str, list[int | np.ndarray]]:
        """Lo que hay en la imagen i, por categoría: números de la imagen entera y planos (sh, sw) int32 de números."""
        record = self.record(i)
        return {category: [self._plane(item, record) for item in record.cells[category]]
                for category in categories or self.category_names}

    def planes(self, i: int) -> dict[str, Tensor]:
        """Lo mismo, todo en planos: por categoría, (p, sh, sw) int32 de números de label.csv; 0: sin etiqueta."""
        size = self.record(i).mask_size
        return {category: torch.tensor(np.array([np.broadcast_to(item, size) for item in items], np.int32))
                .reshape(-1, *size) for category, items in self.contents(i).items()}

    def masks(self, index: int | slice | Sequence[int] | Tensor) -> Tensor:
        """Dónde está cada concepto en las imágenes pedidas: (b, k, sh, sw) de verdaderos y falsos; une los planos."""
        try:
            rows = torch.arange(len(self))[index].reshape(-1)
        except IndexError as error:
            raise IndexError(f"index: esperaba posiciones de 0 a {len(self) - 1} y recibí {index}.") from error
        masks = [self._mask(i) for i in rows.tolist()]
        if len({mask.shape for mask in masks}) > 1:
            raise ValueError("index: las máscaras de esas imágenes no miden lo mismo; pídelas de una en una.")
        return torch.stack(masks)

    def batches(self, size: int = 16, image_size: int | None = None) -> Iterator[tuple[Tensor, Tensor]]:
        """Todo por lotes: imágenes (b, 3, h, w) y máscaras (b, k, sh, sw).

        image_size: lleva las imágenes, sin recortarlas, a ese tamaño, y las máscaras a la mitad.  ValueError si no lo
        das y las imágenes no miden todas lo mismo.
        """
        if image_size is None and len({(record.size, record.mask_size) for record in self}) > 1:
            raise ValueError("Las imágenes no miden todas lo mismo: prueba batches(image_size=224).")
        for start in range(0, len(self), size):
            rows = range(start, min(start + size, len(self)))
            images, masks = [self.image(i) for i in rows], [self._mask(i) for i in rows]
            if image_size:
                images = [_resized(image, image_size)[0] for image in images]
                masks = [grammar.nearest(mask, (image_size // 2, image_size // 2)) for mask in masks]
            yield torch.stack(images), torch.stack(masks)

    def pictures(self, rows: Tensor) -> Tensor:
        """Las imágenes pedidas, midan lo que midan, llevadas sin recortar a `size`: (b, 3, size, size)."""
        return torch.cat([_resized(self.image(i), self.size) for i in rows.tolist()])

    def regions(self, rows: Tensor) -> Regions:
        """Las regiones de las imágenes pedidas, a la mitad de `size`, por vecino más cercano."""
        half = (self.size // 2, self.size // 2)
        return regions_of_planes([grammar.nearest(self._concepts(i), half) for i in rows.tolist()])

    def primary_category(self, number: int) -> str:
        """La categoría en que más cubre una etiqueta; si empatan (o es 0), la última, como en el programa publicado."""
        found = {category: coverage for category, other, coverage
                 in zip(self.categories, self.numbers, self.coverages) if other == number}
        return max(reversed(self.category_names), key=lambda category: found.get(category, 0.0))

    def _plane(self, item: int | str, record: Record) -> int | np.ndarray:
        if isinstance(item, int):
            return min(item, grammar.MAX_NUMBER)                # más allá no hay etiquetas
        rgb = np.asarray(self._opened(item, record, record.mask_size))
        if problem := grammar.mask_problem(grammar.first_bytes(self.path(item)), rgb):
            raise ValueError(f"{record.image}: máscara «{item}»: {problem}. {ADVICE} {self.folder}")
        return grammar.to_numbers(rgb)

    def _opened(self, name: str, record: Record, size: tuple[int, int] | None = None) -> Image.Image:
        """Un archivo de images/ en RGB; si no mide `size`, ni se decodifica."""
        path = self.path(name)
        try:
            with warnings.catch_warnings():
                warnings.simplefilter("ignore")                 # las de Pillow, en inglés
                with Image.open(path) as picture:
                    found = picture.height, picture.width
                    if size in (None, found):
                        return picture.convert("RGB")
        except grammar.UNREADABLE as error:
            raise ValueError(f"{record.image}: no pude leer «{name}»: falta, está dañado o es enorme. "
                             f"{ADVICE} {self.folder}") from error
        raise ValueError(f"{record.image}: esperaba que «{name}» midiera {size} y mide {found}.")

    @cached_property
    def _places(self) -> dict[str, Tensor]:
        """Por categoría, en qué lugar de los k va cada número, contando desde 1; 0: en ninguno."""
        tables = {category: torch.zeros(grammar.MAX_NUMBER + 1, dtype=torch.int64) for category in self.category_names}
        for place, (category, number) in enumerate(zip(self.categories, self.numbers), 1):
            tables[category][number] = place
        return tables

    def _concepts(self, i: int) -> Tensor:
        """Los planos de la imagen i con el concepto de cada píxel, (p, sh, sw), desde 0; −1 es ninguno."""
        none = torch.zeros(0, *self.record(i).mask_size, dtype=torch.int64)
        return torch.cat([none, *(self._places[category][stack.long()] - 1
                                  for category, stack in self.planes(i).items())])

    def _mask(self, i: int) -> Tensor:
        """Los k conceptos de la imagen i: (k, sh, sw)."""
        concepts = self._concepts(i)
        mask = torch.zeros(len(self.numbers) + 1, *concepts.shape[1:], dtype=torch.bool)
        return mask.scatter_(0, concepts + 1, True)[1:]         # la primera recibió lo que no es de ningún concepto


def read_broden(folder: str | Path, split: str | None = None, size: int = SIZE) -> Broden:
    """Una carpeta Broden abierta, entera o sólo su parte "train" o "val"; con cualquier categoría y aun sin c_*.csv.

    size: a qué lado se llevan las imágenes al disecarla, midan lo que midan; las máscaras, a la mitad.
    FileNotFoundError si falta index.csv o label.csv; ValueError, que dice dónde, si no se entienden.
    """
    folder = Path(folder).expanduser()
    if size < 2:
        raise ValueError(f"size: esperaba un lado de 2 píxeles o más, y recibí {size}.")
    if folder.is_file():
        raise NotADirectoryError(f"{folder} es un archivo y esperaba una carpeta.")
    offsets = array("Q", (offset for offset, row in _table(folder / "index.csv", grammar.FIXED)
                          if split in (None, row.get("split"))))
    header = next(grammar.read_rows(folder / "index.csv"))[2]
    columns = [name for name in header if name not in grammar.FIXED]
    try:
        labels = {label.number: label for label in map(_label, _table(folder / "label.csv", grammar.LABEL_COLUMNS[:5]))}
        concepts = [(category, *concept) for category in columns for concept in _concepts(folder, category, labels)]
    except (KeyError, ValueError) as error:
        raise ValueError(f"label.csv o c_*.csv: hay algo que no entiendo ({error}). {ADVICE} {folder}") from error
    categories, numbers, names, coverages = map(list, zip(*concepts)) if concepts else ([], [], [], [])
    return Broden(folder, labels, columns, names, categories, numbers, coverages, header, offsets, size)


def _resized(image: Tensor, size: int) -> Tensor:
    """Una imagen (3, h, w) en un cuadrado, sin recortarla: (1, 3, size, size)."""
    return interpolate(image[None], (size, size), mode="bilinear", antialias=True)


def _table(path: Path, columns: Sequence[str]) -> Iterator[tuple[int, dict[str, str]]]:
    """Los renglones de un CSV, por nombre de columna, y el byte en que empiezan."""
    if not path.is_file():
        raise FileNotFoundError(f"No encuentro {path}: una carpeta Broden tiene index.csv, label.csv e images/.")
    rows = grammar.read_rows(path)
    header = next(rows, (1, 0, []))[2]
    if missing := [name for name in columns if name not in header]:
        raise ValueError(f"{path}: falta la columna {', '.join(missing)}.")
    for _, offset, fields in rows:
        yield offset, dict(zip(header, fields))


def _label(found: tuple[int, dict[str, str]]) -> Label:
    row = found[1]
    categories = {name: int(count) for name, count in grammar.COUNTED.findall(row["category"])}
    syns = tuple(filter(None, row.get("syns", "").split(";")))
    return Label(int(row["number"]), row["name"], categories, int(row["frequency"]), float(row["coverage"]), syns)


def _concepts(folder: Path, category: str, labels: dict[int, Label]) -> list[tuple[int, str, float]]:
    """Los conceptos de una categoría, (número, nombre, cuánto cubre), por código; sin c_*.csv, por frecuencia."""
    path = folder / f"c_{category}.csv"
    rows = ([(int(row["code"]), int(row["number"]), row["name"], float(row["coverage"]))
             for _, row in _table(path, grammar.CODE_COLUMNS)] if path.is_file() else
            [(-label.categories[category], number, label.name, float(label.categories[category]))
             for number, label in labels.items() if category in label.categories])
    return [(number, grammar.readable(labels[number].name if number in labels else name), coverage)
            for _, number, name, coverage in sorted(rows)]

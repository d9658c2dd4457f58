"""Escribir Broden: cualquier conjunto con máscaras, como una carpeta igual a las publicadas.

Se recorren las imágenes dos veces, de una en una: la primera cuenta, y con la cuenta se numeran las etiquetas; la
segunda escribe. La carpeta aparece completa o no aparece.
"""
import csv
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from io import StringIO
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import numpy as np
import torch
from PIL import Image
from torch import Tensor

from labkit.broden import format as grammar
from labkit.broden.inspecting import LabelCounts
from labkit.broden.reading import Label
from labkit.files import write_text
from labkit.images import jpeg_bytes

Names = dict[int, tuple[str, Sequence[str]]]                    # número → (nombre, sinónimos)
README = """Broden: imágenes con un nombre para cada píxel (Bau et al., 2017, «Network Dissection», CVPR).
index.csv: una imagen por renglón; sus celdas traen números de label.csv o PNG cuyos píxeles son R + 256 G = número.
label.csv: el nombre de cada número, en cuántas imágenes está y cuánto cubre, en imágenes enteras.
"""


@dataclass(frozen=True, eq=False)
class Picture:
    """Una imagen por escribir: su ruta en images/, los bytes de su archivo y los tamaños (ih, iw) y (sh, sw).

    cells: por categoría, números de la imagen entera y planos (sh, sw) de números; 0: sin etiqueta.
    """
    image: str
    content: bytes
    size: tuple[int, int]
    mask_size: tuple[int, int]
    cells: dict[str, list[int | np.ndarray]]


def export_concepts(concepts: Any, folder: str | Path, name: str = "escenas", min_frequency: int = 10,
                    min_coverage: float = 0.5, full: bool = False) -> Path:
    """Escribe un conjunto de conceptos como carpeta Broden y da su ruta; full: máscaras enteras y no a la mitad.

    concepts: algo como un `ConceptSet`: images (n, 3, h, w), names, categories y masks([i]) → (1, k, h, w).
    min_frequency, min_coverage: en cuántas imágenes y cuánto (en imágenes enteras) ha de estar una etiqueta para
    quedarse.  FileExistsError si la carpeta ya tiene algo.
    """
    labels = [label + grammar.SUFFIXES.get(category, "")
              for label, category in zip(concepts.names, concepts.categories)]
    numbers = {label: number for number, label in enumerate(dict.fromkeys(labels), 1)}
    shrink = 1 if full else 2

    def pictures() -> Iterator[Picture]:
        for i, image in enumerate(concepts.images):
            h, w = image.shape[1:]
            masks = grammar.nearest(concepts.masks([i])[0], (h // shrink, w // shrink))
            cells = {}
            for category in dict.fromkeys(concepts.categories):
                rows = [j for j, other in enumerate(concepts.categories) if other == category]
                cells[category] = _cell(category, masks[rows], torch.tensor([numbers[labels[j]] for j in rows]))
            yield Picture(f"{name}/{i:05d}.jpg", jpeg_bytes(image, 95), (h, w), tuple(masks.shape[1:]), cells)

    return write_broden(folder, pictures, {number: (label, ()) for label, number in numbers.items()},
                        min_frequency, min_coverage)


def write_broden(folder: str | Path, pictures: Callable[[], Iterable[Picture]], names: Names, min_frequency: int = 1,
                 min_coverage: float = 0.0) -> Path:
    """Escribe una carpeta Broden y da su ruta.

    pictures: función que da las imágenes, y que se llama dos veces;  names: de los números que traen sus celdas al
    nombre y los sinónimos de cada etiqueta.  FileExistsError si la carpeta ya tiene algo.
    """
    folder = Path(folder).expanduser()
    if folder.exists() and (folder.is_file() or any(folder.iterdir())):
        raise FileExistsError(f"{folder} ya tiene algo y no lo voy a pisar: elige una carpeta nueva o vacía.")
    tally = LabelCounts()
    for picture in pictures():
        for category, items in picture.cells.items():
            tally.add(category, items)
    labels = _numbered(tally, names, min_frequency, min_coverage)
    folder.parent.mkdir(parents=True, exist_ok=True)
    with TemporaryDirectory(dir=folder.parent, prefix=".broden-") as partial:
        draft = Path(partial, "draft")
        draft.mkdir()
        categories = _write_tables(draft, labels, tally)
        numbers = np.zeros(grammar.MAX_NUMBER + 1, np.int64)
        numbers[list(labels)] = [label.number for label in labels.values()]
        rows = sorted((_write_picture(draft / "images", picture, categories, numbers) for picture in pictures()),
                      key=lambda row: grammar.md5_place(row[0]))
        _write_csv(draft / "index.csv", (*grammar.FIXED, *categories), rows)
        if folder.exists():
            folder.rmdir()
        draft.rename(folder)
    return folder


def _cell(category: str, masks: Tensor, numbers: Tensor) -> list[int | np.ndarray]:
    """Lo que va en una celda: máscaras (k, h, w) de una categoría y sus números → números sueltos y planos.

    Un lugar que llena la imagen va suelto; lo demás en planos, el más extenso primero donde se enciman.
    """
    areas = masks.flatten(1).sum(1)
    whole = (areas == masks[0].numel()) if category == "scene" else torch.zeros_like(areas, dtype=torch.bool)
    order = [j for j in areas.argsort(descending=True, stable=True).tolist() if areas[j] and not whole[j]]
    depth = masks[order].cumsum(0) * masks[order]               # en qué plano le toca a cada quien en cada píxel
    planes = [(numbers[order][:, None, None] * (depth == level)).sum(0).numpy()
              for level in range(1, int(depth.max()) + 1 if order else 1)]
    return numbers[whole].tolist() + planes


def _numbered(tally: LabelCounts, names: Names, min_frequency: int, min_coverage: float) -> dict[int, Label]:
    """Las etiquetas que se quedan, con su número nuevo: primero las de más imágenes, luego las que más cubren."""
    found = []
    for number, (name, syns) in names.items():
        images = {category: count for (category, other), count in tally.images.items() if other == number}
        coverage = sum(tally.coverage(category, number) for category in images)
        if sum(images.values()) >= max(min_frequency, 1) and coverage >= min_coverage:
            found.append((-sum(images.values()), -coverage, name, number, images, tuple(syns)))
    return {old: Label(new, name, dict(sorted(images.items(), key=lambda item: (-item[1], item[0]))), -frequency,
                       float(-coverage), syns)
            for new, (frequency, coverage, name, old, images, syns) in enumerate(sorted(found), 1)}


def _write_tables(folder: Path, labels: dict[int, Label], tally: LabelCounts) -> list[str]:
    """Escribe todo lo que no es index.csv ni imágenes, y da las categorías por su primera etiqueta."""
    rows = [(label.number, label.name, ";".join(f"{name}({count})" for name, count in label.categories.items()),
             label.frequency, f"{label.coverage:f}", ";".join(label.syns)) for label in labels.values()]
    _write_csv(folder / "label.csv", grammar.LABEL_COLUMNS, rows)
    members = {}
    for old, label in labels.items():
        for category, count in label.categories.items():
            members.setdefault(category, []).append((-count, -tally.coverage(category, old), label.number, label.name))
    summary = sorted((min(row[2] for row in rows), category) for category, rows in members.items())
    _write_csv(folder / "category.csv", grammar.CATEGORY_COLUMNS, [
        (category, first, max(row[2] for row in members[category]), len(members[category]),
         -sum(row[0] for row in members[category])) for first, category in summary])
    for category, found in members.items():
        _write_csv(folder / f"c_{category}.csv", grammar.CODE_COLUMNS, [
            (code, number, name, -count, f"{float(-coverage):.12g}")
            for code, (count, coverage, number, name) in enumerate(sorted(found), 1)])
    write_text(folder / "README.txt", README, "\r\n")
    syns = "".join(f"{label.name}: {';'.join(label.syns)}\n" for label in labels.values() if label.syns)
    write_text(folder / "syns.txt", syns, "\r\n")
    return [category for _, category in summary]


def _write_picture(images: Path, picture: Picture, categories: list[str], numbers: np.ndarray) -> list[str]:
    """Escribe una imagen y sus máscaras, y da su renglón de index.csv."""
    if not grammar.is_inside(picture.image) or (images / picture.image).exists():
        raise ValueError(f"La ruta {picture.image!r} se repite o se sale de images/: no puedo escribirla.")
    (images / picture.image).parent.mkdir(parents=True, exist_ok=True)
    (images / picture.image).write_bytes(picture.content)
    split = "train" if grammar.md5_place(picture.image) <= 0.7 else "val"
    row = [picture.image, split, *picture.size, *picture.mask_size]
    for category in categories:
        items = [numbers[item] for item in picture.cells.get(category, ())]
        planes = [plane for plane in items if np.ndim(plane) and plane.any()]
        stem = f"{picture.image.removesuffix('.jpg')}_{category}"
        paths = [f"{stem}.png"] if len(planes) == 1 else [f"{stem}_{j}.png" for j in range(1, len(planes) + 1)]
        for path, plane in zip(paths, planes):
            Image.fromarray(grammar.to_colors(plane)).save(images / path)
        row.append(";".join([str(item) for item in items if not np.ndim(item) and item] + paths))
    return row


def _write_csv(path: Path, header: Sequence[str], rows: Iterable[Sequence]) -> None:
    table = StringIO(newline="")
    csv.writer(table).writerows([header, *rows])
    write_text(path, table.getvalue())

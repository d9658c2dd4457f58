"""La gramática de Broden, suelta: renglones de CSV, celdas, rutas, números en colores y el orden por md5.

Fuente: CSAILVision/NetDissect, src/joinseg.py, el programa que escribió el Broden publicado.
"""
import csv
import hashlib
import re
from collections.abc import Iterator, Sequence
from pathlib import Path
from unicodedata import combining, normalize

import numpy as np
from PIL import Image
from torch import Tensor

FIXED = ("image", "split", "ih", "iw", "sh", "sw")              # las demás columnas de index.csv son categorías
LABEL_COLUMNS = ("number", "name", "category", "frequency", "coverage", "syns")
CATEGORY_COLUMNS = ("name", "first", "last", "count", "frequency")
CODE_COLUMNS = ("code", "number", "name", "frequency", "coverage")
SUFFIXES = {"scene": "-s", "color": "-c"}                       # para que la calle (lugar) no sea la calle (objeto)
MAX_NUMBER = 65535                                              # lo más que cabe en R + 256·G
COUNTED = re.compile(r"\s*([^;()\s][^;()]*)\((\d+)\)\s*")     # una categoría de label.csv: material(36)
PNG_START, RGB_8_BITS = b"\x89PNG", b"\x08\x02"               # cómo empieza un PNG; sus bytes 24 y 25: bits y tipo
GRAYS = (0, 4)                                                  # los tipos de PNG en grises, sin alfa y con él

UNREADABLE = (OSError, ValueError, SyntaxError, Image.DecompressionBombError)       # lo que lanza Pillow


def read_rows(path: Path) -> Iterator[tuple[int, int, list[str]]]:
    """Los renglones escritos de un CSV: (renglón como lo cuenta un editor, byte en que empieza, campos)."""
    offset = 0
    with open(path, "rb") as file:
        for line, raw in enumerate(file, 1):
            if raw.strip():
                yield line, offset, split_row(raw)
            offset += len(raw)


def split_row(raw: bytes) -> list[str]:
    """Los campos de un renglón de CSV, con o sin BOM; lo que no es UTF-8 queda como U+FFFD."""
    text = raw.decode("utf-8", errors="replace").removeprefix("\ufeff").rstrip("\r\n")
    try:
        return next(csv.reader([text]), [])
    except csv.Error:
        return [text]


def cell_items(cell: str) -> list[int | str]:
    """Lo que dice una celda de categoría: los puros dígitos son números de la imagen entera; lo demás, rutas de PNG."""
    return [item if integer(item) is None else int(item) for item in cell.split(";") if item]


def integer(text: str) -> int | None:
    """El entero que dice un campo, de hasta nueve cifras; None si dice otra cosa."""
    return int(text) if re.fullmatch(r"\d{1,9}", text) else None


def is_inside(name: str) -> bool:
    """Si una ruta se queda dentro de images/: ni absoluta, ni con «..», ni de otra unidad de disco."""
    return not re.search(r"^$|^/|^[A-Za-z]:|\\|\0|(^|/)\.\.(/|$)", name)


def readable(name: str) -> str:
    """Un nombre de label.csv para leerse, sin el sufijo -s o -c y con espacios: "street-s" → "street"."""
    return re.sub(r"-[sc]$", "", name).replace("_", " ")


def plain(name: str) -> str:
    """Un nombre sin mayúsculas, acentos ni espacios de más, para comparar lo que se escribe a mano."""
    letters = normalize("NFKD", " ".join(name.casefold().split()))
    return "".join(letter for letter in letters if not combining(letter))


def first_bytes(path: Path, count: int = 26) -> bytes:
    """Con qué empieza un archivo; de un PNG, hasta sus bits por canal y su tipo."""
    with open(path, "rb") as file:
        return file.read(count)


def mask_problem(head: bytes, rgb: np.ndarray) -> str:
    """Por qué los colores de una máscara, (h, w, 3), no son números de etiqueta; vacío si lo son.

    head: los primeros 26 bytes del archivo.  Unos grises dan R = G = B, y 16 bits se recortan a 8: R + 256·G sería otro
    número, sin que nada falle. Una paleta o un canal alfa no cambian los colores.
    """
    if not head.startswith(PNG_START):
        return "esperaba un PNG RGB de 8 bits y es de otro formato"
    if head[24] > 8:
        return f"esperaba un PNG RGB de 8 bits y tiene {head[24]} por canal"
    blue = int(rgb[..., 2].max(initial=0))
    if blue and head[25] in GRAYS:
        return "esperaba un PNG RGB, con el número en R + 256·G, y está en grises"
    return f"esperaba el número en R + 256·G, con el canal B en 0, y B llega a {blue}" if blue else ""


def to_numbers(rgb: np.ndarray) -> np.ndarray:
    """Los números de una máscara: (h, w, 3) de 0 a 255 → (h, w) int32, R + 256·G."""
    return rgb[..., 0] + 256 * rgb[..., 1].astype(np.int32)     # sin el cambio de tipo, 256 · uint8 se desborda


def to_colors(numbers: np.ndarray) -> np.ndarray:
    """Lo contrario de `to_numbers`: (h, w) → (h, w, 3) uint8, con B = 0."""
    return np.stack([numbers % 256, numbers // 256, np.zeros_like(numbers)], -1).astype(np.uint8)


def nearest(masks: Tensor, size: Sequence[int]) -> Tensor:
    """Máscaras al tamaño pedido por vecino más cercano: (…, h, w) → (…, *size)."""
    y, x = (np.arange(new) * old // new for old, new in zip(masks.shape[-2:], size))
    return masks[..., y[:, None], x]


def md5_place(image: str) -> float:
    """El lugar en [0, 1) que su ruta le da a una imagen: así se ordena index.csv, y hasta 0.7 es de "train"."""
    return int.from_bytes(hashlib.md5(image.encode()).digest()[:8], "big") / 2 ** 64

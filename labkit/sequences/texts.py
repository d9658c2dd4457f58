"""Los textos que vienen con el curso, por módulos enteros, y los tuyos."""
import gzip
import json
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from labkit.files import read_data

SOURCES = {"python": "código de la biblioteca estándar de Python", "curso": "la prosa de este curso"}
SPLITS = ("train", "validation", "test")


@dataclass(frozen=True)
class Texts:
    """Unos textos con nombre: módulos de un programa, o lecciones.  names, texts: uno por texto, en el mismo orden."""
    names: Sequence[str]
    texts: Sequence[str]

    def __len__(self) -> int:
        return sum(len(text) for text in self.texts)


def load_texts(source: str = "python", split: str = "test") -> Texts:
    """Los textos de una parte: "train" (con los que se entrenó), "validation" (con los que se escoge) o "test".

    source: "python", código de la biblioteca estándar de Python, o "curso", la prosa de este curso. Ningún módulo ni
    lección está en dos partes. ValueError si no hay esa fuente o esa parte.
    """
    if source not in SOURCES:
        raise ValueError(f"source: esperaba {' o '.join(SOURCES)} y recibí {source!r}.")
    if split not in SPLITS:
        raise ValueError(f"split: esperaba {', '.join(SPLITS)} y recibí {split!r}.")
    part = json.loads(gzip.decompress(read_data("textos", f"{source}.json.gz")))[split]
    return Texts(list(part), list(part.values()))


def read_text(path: str | Path) -> str:
    """El texto de un archivo tuyo (.py, .txt, .md…), con renglones que terminan en \\n y cuatro espacios por tabulador.

    FileNotFoundError si no está; ValueError si no es texto en UTF-8 o está vacío.
    """
    path = Path(path)
    if not path.is_file():
        raise FileNotFoundError(f"path: no encuentro el archivo {path}.")
    try:
        text = path.read_text("utf-8-sig")
    except UnicodeDecodeError as error:
        raise ValueError(f"path: {path.name} no es un texto en UTF-8 (falla en el byte {error.start}). Ábrelo en tu "
                         "editor y guárdalo como UTF-8.") from error
    if not text:
        raise ValueError(f"path: {path.name} está vacío.")
    return text.expandtabs(4)

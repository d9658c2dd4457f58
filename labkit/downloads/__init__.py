"""Lo que el curso no trae y se baja cuando lo pides: dónde queda, cómo se comprueba y qué pasa si no hay red.

Nada se baja sin pedirlo (download=True, o `python -m labkit fetch`). Un archivo sólo recibe su nombre cuando llegó
entero y su suma es la publicada; si la descarga se corta, el siguiente intento empieza de nuevo.
"""
import hashlib
import os
import sys
import urllib.request
from http.client import HTTPException
from pathlib import Path
from types import ModuleType
from typing import BinaryIO

import torch

from labkit.files import home, reason, write_aside
from labkit.progress import download_progress

PIECE, PATIENCE = 1 << 20, 30  # bytes que se leen de una vez; segundos sin respuesta antes de rendirse


def cache_path(*parts: str) -> Path:
    """Dónde queda lo descargado: ~/.cache/labkit, o la carpeta que diga la variable LABKIT_CACHE."""
    root, own = os.environ.get("LABKIT_CACHE"), home()
    if not root and own is None:
        raise RuntimeError("LABKIT_CACHE: no se sabe cuál es tu carpeta personal (falta HOME). Di con esta variable de "
                           "entorno dónde guardar lo que se baja.")
    return Path(root or own / ".cache" / "labkit").joinpath(*parts)


def tilde(path: Path) -> str:
    """La ruta como se le escribe a alguien: con ~ en lugar de su carpeta personal."""
    own = home()
    return f"~/{path.relative_to(own).as_posix()}" if own and path.is_relative_to(own) else str(path)


def real_data(name: str) -> Path | None:
    """La ruta de un archivo de la carpeta que señala LABKIT_REAL_DATA, o None si no está ahí."""
    folder = os.environ.get("LABKIT_REAL_DATA")
    path = Path(folder, name) if folder else None
    return path if path and path.is_file() else None


def same_sum(path: Path, digest: str) -> bool:
    """Si la suma del archivo es la publicada: MD5 si `digest` tiene 32 cifras; si no, el principio de su SHA-256."""
    found = hashlib.new("md5" if len(digest) == 32 else "sha256", usedforsecurity=False)
    with path.open("rb") as file:
        while piece := file.read(PIECE):
            found.update(piece)
    return found.hexdigest().startswith(digest)


def fetch_file(url: str, path: Path, digest: str) -> Path:
    """Baja `url` a `path`, con una barra de avance, y devuelve `path`; si ya está ahí y entero, no hace nada.

    digest: la suma publicada (como en `same_sum`).  RuntimeError si no hay red, si la descarga se corta o si lo que
    llegó no tiene esa suma; en ningún caso queda un archivo a medias con el nombre de `path`.
    """
    if path.is_file() and same_sum(path, digest):
        return path
    try:
        with write_aside(path) as file:
            _stream(url, file)
            file.flush()
            if not same_sum(Path(file.name), digest):
                raise RuntimeError(f"lo que llegó de {url} está incompleto o cambiado (su suma no es la publicada). "
                                   "Repite; si vuelve a pasar, avisa a quien mantiene el curso.")
    except (OSError, HTTPException) as error:  # sin red, sin permiso, sin espacio
        place = f"{path.name} a {tilde(path.parent)}"
        why = reason(error) if isinstance(error, OSError) else error
        raise RuntimeError(f"no pude bajar {place} ({why}): hace falta internet la primera vez, y espacio en esa "
                           "carpeta. Repite cuando los haya; lo demás del curso funciona sin red.") from error
    return path


def _stream(url: str, file: BinaryIO) -> None:
    """Copia a `file` lo que responde `url`, con una barra de avance que va a la salida normal."""
    with urllib.request.urlopen(url, timeout=PATIENCE) as answer:
        total = int(answer.headers.get("Content-Length") or 0) or None
        with download_progress(f"Bajando {Path(url).name}", total) as bar:
            while piece := answer.read(PIECE):
                file.write(piece)
                bar.update(len(piece))


def import_torchvision() -> ModuleType:
    """torchvision, también junto a un torch que solo sabe de CPU y no le conoce sus operadores compilados."""
    try:
        import torchvision
    except RuntimeError as error:
        if "torchvision::nms" not in str(error):
            raise
        for key in [key for key in sys.modules if key.split(".")[0] == "torchvision"]:
            del sys.modules[key]
        import_torchvision.library = torch.library.Library("torchvision", "DEF")  # debe seguir viva
        for operator in ("nms", "qnms"):
            import_torchvision.library.define(f"{operator}(Tensor dets, Tensor scores, float iou_threshold) -> Tensor")
        import torchvision
    return torchvision

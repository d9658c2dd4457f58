"""Los archivos: dónde están los datos del curso, si llegaron enteros, y cómo se escribe uno sin romper el que había."""
import errno
import hashlib
import os
import shutil
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from glob import escape
from pathlib import Path
from secrets import token_hex
from typing import BinaryIO

SUMS = "SHA256SUMS"                 # en la raíz de data/, como lo escribe y lo lee `sha256sum`
ABANDONED = 3600                    # segundos sin que nadie escriba en un archivo aparte para darlo por abandonado
REASONS = {errno.ENOSPC: "no queda espacio en el disco", errno.EDQUOT: "no queda espacio en tu cuota del disco",
           errno.EFBIG: "el archivo sería más grande de lo que aquí se permite", errno.ENOENT: "no existe",
           errno.EACCES: "no tienes permiso", errno.EPERM: "no tienes permiso", errno.EROFS: "ahí solo se puede leer",
           errno.EISDIR: "es una carpeta", errno.ENOTDIR: "parte de la ruta no es una carpeta",
           errno.EEXIST: "ya hay algo con ese nombre", errno.ENAMETOOLONG: "el nombre es demasiado largo"}
_verified: set[Path] = set()        # archivos cuya suma ya se comprobó en este proceso


def data_path(*parts: str) -> Path:
    """La ruta de un archivo de la carpeta data/ del curso; la variable LABKIT_DATOS puede señalar otra carpeta."""
    root = os.environ.get("LABKIT_DATOS") or Path(__file__).resolve().parent.parent / "data"
    return Path(root).joinpath(*parts)


def read_data(*parts: str) -> bytes:
    """Los bytes de un archivo de data/, comprobado. Errores: los de `verify_file`."""
    path = data_path(*parts)
    verify_file(path)
    return path.read_bytes()


def verify_file(path: Path) -> None:
    """Nada, si el archivo de data/ está y llegó entero; su suma SHA-256 se comprueba una vez por proceso.

    FileNotFoundError si no está; ValueError si está dañado. Un archivo que no aparece en SHA256SUMS (tuyo, o recién
    hecho) pasa sin comprobar.
    """
    if not path.is_file():
        raise FileNotFoundError(f"No encuentro {path}: los datos vienen con el repositorio del curso. Clónalo completo "
                                "o di dónde está su carpeta data/ con la variable de entorno LABKIT_DATOS.")
    if path in _verified:
        return
    name = path.relative_to(data_path()).as_posix()
    expected = _expected_sums().get(name)
    if expected is not None and hashlib.sha256(path.read_bytes()).hexdigest() != expected:
        raise ValueError(f"data/{name} está dañado (su suma SHA-256 no es la de data/{SUMS}): "
                         f"recupéralo con «git checkout -- data/{name}» desde la raíz del repositorio.")
    _verified.add(path)


@contextmanager
def write_aside(path: str | Path) -> Iterator[BinaryIO]:
    """Dentro del `with`, un archivo donde escribir bytes; al salir bien, y solo entonces, ese archivo es el de `path`.

    Se escribe aparte, junto a `path`, y luego recibe su nombre: si algo falla a la mitad, lo que había queda intacto y
    no sobra nada. Dos procesos pueden escribir el mismo a la vez: queda entero el del último. La carpeta se hace si
    falta. Un dispositivo o una tubería (/dev/stdout) no se reemplazan: se escribe en ellos directamente.
    """
    path = Path(path)
    if path.exists() and not path.is_file():
        with path.open("wb") as file:
            yield file
        return
    path = path.resolve()                                       # de un enlace se cambia el archivo al que lleva
    path.parent.mkdir(parents=True, exist_ok=True)
    sweep(path)
    partial = path.with_name(f"{path.name}.{token_hex(4)}.parcial")
    try:
        with partial.open("xb") as file:
            yield file
        if path.exists():
            shutil.copymode(path, partial)
        partial.replace(path)
    except OSError as error:
        if error.filename == str(partial):                      # quien lo lea no sabe de ese nombre
            error.filename = str(path)
        raise
    finally:
        with suppress(OSError):
            partial.unlink()


def sweep(path: Path) -> None:
    """Quita lo que dejó a medias, junto a `path`, un proceso al que mataron: archivos o carpetas «….parcial»."""
    for partial in path.parent.glob(f"{escape(path.name)}.*.parcial"):
        with suppress(OSError):
            if time.time() - partial.stat().st_mtime > ABANDONED:
                shutil.rmtree(partial) if partial.is_dir() else partial.unlink()


def write_text(path: str | Path, text: str, newline: str = "\n") -> None:
    """Escribe un texto en UTF-8 con `write_aside`: o queda entero, o queda lo de antes.  newline: el fin de renglón."""
    with write_aside(path) as file:
        file.write(text.replace("\n", newline).encode("utf-8"))


def home() -> Path | None:
    """La carpeta personal, o None si no se sabe cuál es (sin HOME y sin renglón en la lista de usuarios)."""
    try:
        return Path.home()
    except RuntimeError:
        return None


def reason(error: OSError) -> str:
    """Por qué no se pudo leer o escribir, en español; un error que no es del sistema ya lo dice con sus palabras."""
    return REASONS.get(error.errno, error.strerror or str(error))


def missing_data() -> list[str]:
    """Los archivos de data/ que el curso reparte y aquí no están, según su lista, SHA256SUMS; esta va primero."""
    return [f"data/{name}" for name in (SUMS, *_expected_sums()) if not data_path(name).is_file()]


def _expected_sums() -> dict[str, str]:
    """Nombre de archivo → suma esperada; vacío si la carpeta no trae SHA256SUMS."""
    path = data_path(SUMS)
    lines = path.read_text(encoding="utf-8", errors="replace").splitlines() if path.is_file() else []
    pairs = [line.split(maxsplit=1) for line in lines]
    return {pair[1]: pair[0] for pair in pairs if len(pair) == 2}

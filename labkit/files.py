"""Dónde están los datos del curso y si llegaron enteros."""
import hashlib
import os
from pathlib import Path

SUMS = "SHA256SUMS"                 # en la raíz de data/, como lo escribe y lo lee `sha256sum`
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


def missing_data() -> list[str]:
    """Los archivos de data/ que el curso reparte y aquí no están, según su lista, SHA256SUMS; esta va primero."""
    return [f"data/{name}" for name in (SUMS, *_expected_sums()) if not data_path(name).is_file()]


def _expected_sums() -> dict[str, str]:
    """Nombre de archivo → suma esperada; vacío si la carpeta no trae SHA256SUMS."""
    path = data_path(SUMS)
    lines = path.read_text(encoding="utf-8").splitlines() if path.is_file() else []
    pairs = [line.split(maxsplit=1) for line in lines if line.strip()]
    return {name: digest for digest, name in pairs}

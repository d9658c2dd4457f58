"""Escribe los conjuntos de imágenes como los lee `labkit.datasets`: mosaicos JPEG, mapas de segmentos e info.json.

Los mismos datos dan siempre los mismos bytes (con la misma versión de Pillow): nada lleva fecha ni azar. Lo que se
escriba aquí es lo que se reparte; las redes se entrenan leyendo estos archivos, no los píxeles de antes de comprimir.
"""
import hashlib
import json
from io import BytesIO
from pathlib import Path

import numpy as np
from PIL import Image

TILE, COLUMNS, SHARD = 64, 25, 1000         # lado de una imagen, columnas de un mosaico, imágenes por mosaico
SUMS = "SHA256SUMS"
SHIPPED = {".csv", ".gz", ".jpg", ".json", ".npz", ".safetensors"}


def write_split(folder: Path, split: str, images: np.ndarray, segments: np.ndarray, classes: np.ndarray,
                scenes: np.ndarray, seeds: np.ndarray) -> None:
    """Escribe <split>_00.jpg, _01.jpg… y <split>.npz, con las imágenes en el orden dado (que ha de venir barajado).

    images: uint8 (n, 64, 64, 3);  segments: (n, 64, 64) renglón de la tabla de segmentos;  classes, scenes, seeds: (n,)
    """
    n = len(images)
    expected = {"images": (images, (n, TILE, TILE, 3)), "segments": (segments, (n, TILE, TILE)),
                "classes": (classes, (n,)), "scenes": (scenes, (n,)), "seeds": (seeds, (n,))}
    for name, (array, shape) in expected.items():
        if array.shape != shape:
            raise ValueError(f"{name}: esperaba forma {shape} y recibí {array.shape}.")
    if max(classes.max(initial=0), scenes.max(initial=0)) > 255:
        raise ValueError("classes, scenes: caben a lo más 256 clases y 256 lugares, de 0 a 255.")
    if images.dtype != np.uint8 or n == 0:
        raise ValueError(f"images: esperaba al menos una imagen en uint8 y recibí {n} en {images.dtype}.")
    for shard, start in enumerate(range(0, n, SHARD)):
        _write(folder / f"{split}_{shard:02d}.jpg", _jpeg(_mosaic(images[start:start + SHARD])))
    _write(folder / f"{split}.npz", _npz({"segments": _narrow(segments), "classes": classes.astype(np.uint8),
                                          "scenes": scenes.astype(np.uint8), "seeds": seeds.astype(np.int64)}))


def write_info(folder: Path, classes: list[str], scenes: list[str], segments: list[list[str]],
               splits: dict[str, int]) -> None:
    """Escribe info.json: clases, lugares, tabla de segmentos y cuántas imágenes hay en cada parte.

    segments: un renglón [objeto, parte, material, textura] por segmento, "" donde no hay nada que nombrar. El objeto
    que da la clase se llama como la clase. Va después de `write_split`: se comprueba que cada parte sea lo que aquí se
    dice.
    """
    if any(len(row) != 4 for row in segments):
        raise ValueError("segments: cada renglón lleva objeto, parte, material y textura.")
    for split, n in splits.items():
        _check_split(folder, split, n, {"classes": len(classes), "scenes": len(scenes), "segments": len(segments)})
    info = {"classes": classes, "scenes": scenes, "size": TILE, "splits": splits, "segments": segments}
    _write(folder / "info.json", (json.dumps(info, ensure_ascii=False, indent=1) + "\n").encode())


def _check_split(folder: Path, split: str, n: int, limits: dict[str, int]) -> None:
    """ValueError si una parte ya escrita no tiene n imágenes, o usa un lugar, clase o segmento que no hay."""
    path = folder / f"{split}.npz"
    if not path.is_file():
        return
    with np.load(path, allow_pickle=False) as arrays:
        if len(arrays["classes"]) != n:
            raise ValueError(f"splits: {split} dice {n} imágenes y tiene {len(arrays['classes'])}.")
        for name, limit in limits.items():
            if arrays[name].max() >= max(limit, 1):
                raise ValueError(f"{name}: {split} llega al {arrays[name].max()} y hay {limit}, de 0 a {limit - 1}.")


def write_sums(data_dir: Path) -> None:
    """Escribe data/SHA256SUMS con la suma de cada archivo que se reparte (`sha256sum -c SHA256SUMS` lo comprueba).

    Quedan fuera data/build/, las páginas de texto y lo oculto.
    """
    names = sorted(path.relative_to(data_dir).as_posix() for path in data_dir.rglob("*") if path.suffix in SHIPPED)
    names = [name for name in names if not name.startswith(("build/", ".")) and "/." not in name]
    lines = [f"{hashlib.sha256((data_dir / name).read_bytes()).hexdigest()}  {name}\n" for name in names]
    _write(data_dir / SUMS, "".join(lines).encode())


def _mosaic(images: np.ndarray) -> np.ndarray:
    """Las imágenes en una hoja de 25 columnas, (renglones · 64, 25 · 64, 3); las casillas que sobran quedan negras."""
    rows = -(-len(images) // COLUMNS)
    tiles = np.zeros((rows * COLUMNS, TILE, TILE, 3), np.uint8)
    tiles[:len(images)] = images
    return tiles.reshape(rows, COLUMNS, TILE, TILE, 3).swapaxes(1, 2).reshape(rows * TILE, COLUMNS * TILE, 3)


def _jpeg(mosaic: np.ndarray) -> bytes:
    """El mosaico como JPEG 85 sin submuestreo: sus bloques de 8 píxeles nunca mezclan dos imágenes vecinas."""
    buffer = BytesIO()
    Image.fromarray(mosaic).save(buffer, "JPEG", quality=85, subsampling=0, optimize=True)
    return buffer.getvalue()


def _npz(arrays: dict[str, np.ndarray]) -> bytes:
    buffer = BytesIO()
    np.savez_compressed(buffer, **arrays)
    return buffer.getvalue()


def _narrow(segments: np.ndarray) -> np.ndarray:
    """Los segmentos en un byte si caben, si no en dos."""
    if segments.min() < 0 or segments.max() > 65535:
        raise ValueError(f"segments: esperaba números de 0 a 65535 y van de {segments.min()} a {segments.max()}.")
    return segments.astype(np.uint8 if segments.max() < 256 else np.uint16)


def _write(path: Path, content: bytes) -> None:
    """Escribe el archivo entero o nada: un corte a medias no deja un archivo trunco con el nombre bueno."""
    path.parent.mkdir(parents=True, exist_ok=True)
    temporary = path.with_name(f".{path.name}.tmp")
    temporary.write_bytes(content)
    temporary.replace(path)

"""Vectores que se guardan en un archivo y se vuelven a leer solo si son los que se piden."""
import hashlib
from pathlib import Path

import safetensors.torch
import torch
from torch import Tensor, nn

from labkit.files import reason, write_aside
from labkit.progress import say


def fingerprint(model: nn.Module, images: Tensor, asked: str) -> str:
    """Un texto que cambia si cambian la red, las imágenes o lo que se pide de ellas."""
    digest = hashlib.sha256(f"{asked} {tuple(images.shape)} {images.dtype}".encode())
    for tensor in (*model.state_dict().values(), images):
        # como bytes, porque NumPy no tiene bfloat16
        digest.update(tensor.detach().cpu().contiguous().reshape(-1).view(torch.uint8).numpy().tobytes())
    return digest.hexdigest()


def read_kept(path: Path, mark: str) -> Tensor | None:
    """Los vectores guardados, si son los que se piden; None si no hay, son de otra cosa o el archivo está roto."""
    try:
        with safetensors.safe_open(path, "pt") as file:
            return file.get_tensor("features") if (file.metadata() or {}).get("mark") == mark else None
    except (OSError, safetensors.SafetensorError):
        return None


def keep(path: Path, mark: str, vectors: Tensor) -> None:
    """Guarda los vectores con su marca; si no se puede (disco lleno, carpeta ajena), lo dice y no se pierde nada."""
    try:
        with write_aside(path) as file:
            file.write(safetensors.torch.save({"features": vectors}, {"mark": mark}))
    except OSError as error:
        say(f"No pude guardar los vectores en {path}: {reason(error)}. La próxima vez se calculan de nuevo.")

"""Lo contado a salvo en el disco: una carpeta de la que se retoma, y de la que nunca se usa nada dañado ni ajeno."""
import hashlib
from dataclasses import dataclass, replace
from pathlib import Path

import safetensors
import safetensors.torch
import torch
from torch import Tensor

from labkit.dissection.conventions import Convention
from labkit.dissection.fast.pieces import Pieces
from labkit.dissection.thresholds import Tail
from labkit.files import write_aside
from labkit.measures import Tally

Count = Tail | Tally | Pieces
Part = tuple[Tensor, Count]                     # qué lotes lleva, (lotes,) de verdaderos y falsos, y su cuenta


@dataclass(frozen=True)
class Store:
    """Dónde queda lo contado en una pasada: un archivo por proceso, con su cuenta y qué lotes lleva."""
    folder: str | Path | None
    stage: str
    key: str
    kind: type

    def save(self, process: int, done: Tensor, count: Count) -> None:
        """Guarda lo contado: o queda entero o queda lo de antes."""
        if self.folder is None:
            return
        arrays = {name: torch.as_tensor(value).contiguous() for name, value in vars(moved(count)).items()}
        arrays["done"] = done
        arrays["sum"] = torch.tensor(list(bytes.fromhex(digest(self.key, arrays))), dtype=torch.uint8)
        path = Path(self.folder).expanduser() / f"{self.stage}-{self.key[:12]}-{process}.safetensors"
        with write_aside(path) as file:
            file.write(safetensors.torch.save(arrays))

    def recover(self, process: int, process_count: int) -> tuple[dict[int, Part], list[str]]:
        """Lo que había de este proceso (y, para el 0, de los que ya no están), por proceso, y lo que hay que decir."""
        folder, found, notes = Path(self.folder or "").expanduser(), {}, []
        saved = sorted(folder.glob(f"{self.stage}-*-[0-9]*.safetensors")) if self.folder is not None else []
        same = [path for path in saved if path.name.split("-")[1] == self.key[:12]]
        if saved and not same and self.kind is Tail:
            notes.append(f"{folder} tiene otra disección, de otra red, capa, convención o conjunto; esta empieza de "
                         "cero.")
        for path in same:
            owner = int(path.stem.split("-")[2])
            if process == (owner if owner < process_count else 0):
                try:
                    found[owner] = self._load(path)
                except (ValueError, TypeError, safetensors.SafetensorError):
                    notes.append(f"{path.name} está dañado y no se usa: sus lotes se cuentan otra vez.")
        return found, notes

    def _load(self, path: Path) -> Part:
        arrays = safetensors.torch.load(path.read_bytes())
        if bytes(arrays.pop("sum", torch.empty(0)).tolist()).hex() != digest(self.key, arrays):
            raise ValueError
        done = arrays.pop("done")
        return done, self.kind(**{name: value if value.ndim else int(value) for name, value in arrays.items()})


def moved(count: Count, device: str | torch.device = "cpu") -> Count:
    """La misma cuenta, con sus tensores en ese dispositivo."""
    tensors = {name: value for name, value in vars(count).items() if isinstance(value, Tensor)}
    return replace(count, **{name: tensor.to(device) for name, tensor in tensors.items()})


def digest(*things: Tensor | dict[str, Tensor] | Convention | list[str] | str | int) -> str:
    """SHA-256 de tensores (tipo, forma y bytes), diccionarios de ellos y lo demás como se escribe."""
    found = hashlib.sha256()
    for thing in things:
        for name, value in sorted(thing.items()) if isinstance(thing, dict) else [("", thing)]:
            tensor = isinstance(value, Tensor)
            found.update(f"{name} {(value.dtype, value.shape) if tensor else value!r}\n".encode())
            if tensor:
                found.update(value.detach().cpu().contiguous().reshape(-1).view(torch.uint8).numpy())
    return found.hexdigest()

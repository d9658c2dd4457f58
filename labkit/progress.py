"""La barra de avance de lo que tarda: en español, en la salida normal, y solo si de verdad tarda."""
import sys
from collections.abc import Iterable, Iterator
from typing import TypeVar

from torch import Tensor
from tqdm import tqdm

BAR = "{desc}: {percentage:3.0f} % |{bar:30}| {n_fmt} de {total_fmt} {unit}, faltan {remaining}"
COUNTER = "{desc}: {n_fmt} {unit} [{elapsed}]"                  # cuando no se sabe cuántos serán
Batch = TypeVar("Batch")


def progress(text: str, total: int | None = None, unit: str = "imágenes", delay: float = 5.0,
             hidden: bool = False) -> tqdm:
    """Una barra que cuenta lo hecho y se borra al terminar: `with progress("Tapando", n) as bar: … bar.update(b)`.

    text: qué se hace.  total: cuántos son, si se sabe.  unit: de qué.  delay: los segundos que espera antes de
    salir, pues lo que tarda poco no la necesita.  hidden: no sale nunca (los procesos que no son el primero). Con la
    variable de ambiente TQDM_DISABLE=1 no sale ninguna.
    """
    silent = {"disable": True} if hidden else {}                # dicho aquí, ganaría sobre la variable
    return tqdm(total=total, desc=text, unit=unit, bar_format=_look(total), file=sys.stdout, delay=delay,
                leave=False, **silent)


def with_bar(batches: Iterable[Batch], text: str, total: int | None = None, process: int = 0) -> Iterator[Batch]:
    """Los mismos lotes (imágenes, o parejas que empiezan con ellas), con una barra que cuenta las imágenes.

    process: qué número de proceso es este; solo el 0 la enseña.
    """
    with progress(text, total, hidden=process > 0) as bar:
        for batch in batches:
            yield batch
            bar.update(len(batch if isinstance(batch, Tensor) else batch[0]))


def download_progress(text: str, total: int | None = None) -> tqdm:
    """La barra de una descarga: sale desde el principio, cuenta bytes (k, M, G) y se queda cuando termina."""
    return tqdm(total=total, desc=text, unit="B", unit_scale=True, bar_format=_look(total), file=sys.stdout)


def _look(total: int | None) -> str:
    return COUNTER if total is None else BAR

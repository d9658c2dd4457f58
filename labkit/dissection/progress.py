"""La barra de avance de la disección, que cuenta imágenes."""
import sys
from collections.abc import Iterable, Iterator
from typing import TypeVar

from torch import Tensor
from tqdm import tqdm

BAR = "{desc}: {percentage:3.0f}% |{bar}| {n_fmt} de {total_fmt} imágenes [{elapsed}]"
COUNTER = "{desc}: {n_fmt} imágenes [{elapsed}]"
Batch = TypeVar("Batch")


def with_bar(batches: Iterable[Batch], text: str, total: int | None = None, process: int = 0) -> Iterator[Batch]:
    """Los mismos lotes (imágenes, o parejas que empiezan con ellas), con una barra que cuenta las imágenes.

    process: qué número de proceso es este; solo el 0 la enseña.
    """
    look = {"bar_format": BAR if total else COUNTER, "file": sys.stdout, "disable": process > 0}
    with tqdm(total=total, desc=text, delay=5, leave=False, **look) as bar:
        for batch in batches:
            yield batch
            bar.update(len(batch if isinstance(batch, Tensor) else batch[0]))

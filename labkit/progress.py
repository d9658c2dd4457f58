"""La barra de avance de lo que tarda: en español, en la salida normal, y solo si de verdad tarda."""
import sys
from collections.abc import Iterable, Iterator
from typing import TextIO, TypeVar

from torch import Tensor
from tqdm import tqdm

BAR = "{desc}: {percentage:3.0f} % |{bar:30}| {n_fmt} de {total_fmt} {unit}, faltan {remaining}"
COUNTER = "{desc}: {n_fmt} {unit} [{elapsed}]"                  # cuando no se sabe cuántos serán
WRITTEN = "áéíóúñ¿«»…·×−≥✓✗▉"                                   # lo que suele haber en lo que se escribe
Batch = TypeVar("Batch")


class _Narrow:
    """La salida normal cuando no sabe escribir todo: lo que le falta sale como «?»."""

    def write(self, text: str) -> int:
        encoding = sys.stdout.encoding
        return sys.stdout.write(text.encode(encoding, "replace").decode(encoding))

    def flush(self) -> None:
        sys.stdout.flush()


def output() -> TextIO | _Narrow:
    """La salida normal; si no sabe escribir ✓ o acentos (Windows con `> archivo.txt`, cron), una que no falla."""
    try:
        WRITTEN.encode(sys.stdout.encoding)
    except UnicodeEncodeError:
        return _Narrow()
    except (AttributeError, TypeError):                         # la de una prueba o un programa, que no dice cuál usa
        pass
    return sys.stdout


def say(text: object) -> None:
    """Escribe un renglón en la salida normal, sepa o no escribir todas sus letras."""
    print(text, file=output())


def progress(text: str, total: int | None = None, unit: str = "imágenes", delay: float = 5.0,
             hidden: bool = False) -> tqdm:
    """Una barra que cuenta lo hecho y se borra al terminar: `with progress("Tapando", n) as bar: … bar.update(b)`.

    text: qué se hace.  total: cuántos son, si se sabe.  unit: de qué.  delay: los segundos que espera antes de
    salir, pues lo que tarda poco no la necesita.  hidden: no sale nunca (los procesos que no son el primero). Con la
    variable de ambiente TQDM_DISABLE=1 no sale ninguna.
    """
    silent = {"disable": True} if hidden else {}                # dicho aquí, ganaría sobre la variable
    return tqdm(total=total, desc=text, unit=unit, bar_format=_look(total), file=output(), delay=delay,
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
    return tqdm(total=total, desc=text, unit="B", unit_scale=True, bar_format=_look(total), file=output())


def _look(total: int | None) -> str:
    return COUNTER if total is None else BAR

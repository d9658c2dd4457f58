"""Preguntar por tandas: cuántas imágenes caben a la vez en la memoria, y en qué orden van en ella."""
from collections.abc import Callable
from contextlib import suppress

import torch
from torch import Tensor

from labkit.progress import progress

CPU_PIXELS = 2**17   # por tanda: lo que cabe en la memoria caché del procesador; con más va más lento
GPU_PIXELS = 2**22   # por tanda: lo que da trabajo a una tarjeta entera


def memory_order(question: Callable[[Tensor], Tensor], image: Tensor) -> torch.memory_format:
    """Cómo ordenar las imágenes en memoria: con los canales al final, en CPU la red corre el doble de rápido.

    Se prueba con la imagen sin tapar, pues una red que usa `.view` no lo admite y ha de recibir el orden usual.
    """
    if image.device.type == "cpu":
        with suppress(RuntimeError, MemoryError):
            question(image[None].contiguous(memory_format=torch.channels_last))
            return torch.channels_last
    return torch.contiguous_format


def in_batches(question: Callable[[Tensor], Tensor], boxes: Tensor, pixels: int) -> list[Tensor]:
    """Las respuestas a los parches, tanda por tanda; si la memoria no alcanza, con tandas de la mitad."""
    size = (CPU_PIXELS if boxes.device.type == "cpu" else GPU_PIXELS) // pixels
    size = max(1, min(size, len(boxes)))
    answers, done = [], 0
    with progress("Tapando", len(boxes), "parches", delay=2) as bar:
        while done < len(boxes):
            try:
                answers.append(question(boxes[done : done + size]))
            except (RuntimeError, MemoryError) as error:
                if not _out_of_memory(error):
                    raise
                if size == 1:
                    raise MemoryError("No hay memoria ni para una imagen; prueba con una más chica.") from error
                size //= 2
                continue
            done += len(answers[-1])
            bar.update(len(answers[-1]))
    return answers


def _out_of_memory(error: Exception) -> bool:
    signs = ("out of memory", "not enough memory", "can't allocate memory", "alloc_failed")
    return isinstance(error, MemoryError) or any(sign in str(error).lower() for sign in signs)

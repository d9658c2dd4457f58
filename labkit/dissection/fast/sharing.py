"""Disecar entre varios procesos, o por partes y retomando donde quedó: los mismos números, bit por bit.

Se reparten lotes enteros y no imágenes: el último bit de una activación depende de con cuántas imágenes se calculó.
"""
import os
import re
from collections.abc import Callable, Iterable, Iterator
from contextlib import closing, contextmanager
from datetime import timedelta
from functools import reduce
from itertools import islice
from operator import add
from pathlib import Path
from typing import TypeVar

import torch
import torch.distributed as distributed
from torch import nn

from labkit.device import device_of
from labkit.dissection.conventions import Convention, pick_convention
from labkit.dissection.counting import tally_over
from labkit.dissection.dissecting import Dissection, fitting_batch
from labkit.dissection.fast.pieces import Pieces, count_pieces, piece_size
from labkit.dissection.fast.saving import Count, Store, digest, moved
from labkit.dissection.thresholds import Tail, tail_over
from labkit.measures import Tally
from labkit.progress import say, with_bar
from labkit.worlds import ConceptWorld, InMemory, category_numbers, concept_batches, mask_size, picture_batches

BLOCK = 8                                       # lotes entre un guardado y el siguiente
Thing = TypeVar("Thing")


@contextmanager
def processes() -> Iterator[int]:
    """Dentro del `with`, los procesos que lanzó torchrun se conocen; da el número de este (0, si es el único)."""
    if not {"RANK", "WORLD_SIZE", "MASTER_ADDR", "MASTER_PORT"} <= os.environ.keys():
        yield 0
        return
    if torch.cuda.is_available():
        torch.cuda.set_device(int(os.environ.get("LOCAL_RANK", 0)) % torch.cuda.device_count())
    # lo que se junta son cuentas que ya están en la memoria de la CPU: `gloo` sirve también con GPU
    distributed.init_process_group("gloo", timeout=timedelta(days=1))
    try:
        yield distributed.get_rank()
    finally:
        distributed.destroy_process_group()


def dissect_shared(model: nn.Module, world: ConceptWorld, layer: str, convention: str | Convention = "paper",
                   batch_size: int = 32, folder: str | Path | None = None) -> Dissection:
    """La misma disección que `dissect`, bit por bit, repartida entre los procesos que haya y con lo hecho a salvo.

    Con torchrun y dentro de `with processes():`, cada proceso lee y cuenta sus lotes, y todos devuelven lo mismo.
    folder: una carpeta donde se guarda lo contado cada ocho lotes; si se interrumpe, otra llamada igual, con los
    procesos que sea, sigue desde ahí. Ni un archivo dañado ni el de otra disección (otra red, capa, convención o
    conjunto) se usan, y se dice; del conjunto se comparan el primer lote y las imágenes que estén en la memoria.
    ValueError si no hay imágenes o conceptos, si `folder` es un archivo o si los procesos no recibieron lo mismo.
    """
    convention, total, (process, process_count) = pick_convention(convention), len(world), _place()
    if not total or batch_size < 1 or folder is not None and Path(folder).expanduser().is_file():
        raise ValueError(f"world, batch_size, folder: esperaba imágenes, lotes de una o más y una carpeta, y recibí "
                         f"{total} imágenes, {batch_size} y {folder}.")
    batch_size, groups = fitting_batch(world, batch_size), category_numbers(world.categories)
    batch_count, shared = -(-total // batch_size), process_count > 1 or folder is not None
    key = _agreed(model, world, layer, convention, batch_size) if shared else ""
    size = mask_size(world) if convention.upsampled else None

    def read(batches: Callable, text: str) -> Callable[[list[int]], Iterator]:
        return lambda numbers: with_bar(batches(world, batch_size, numbers), text,
                                        _images_in(numbers, batch_size, total), process)

    tail = _walk(read(picture_batches, "Umbrales"),
                 lambda batches: tail_over(model, batches, total, layer, convention, size),
                 Store(folder, "umbrales", key, Tail), batch_count)
    cuts, dead = tail.spread_cut(convention.share)
    counts = _walk(read(concept_batches, "Contando"),
                   lambda batches: tally_over(model, batches, layer, cuts, groups, convention, dead),
                   Store(folder, "cuentas", digest(key, cuts), Tally), batch_count)
    return Dissection(counts, cuts, dead, list(world.names), list(world.categories))


def pieces_shared(model: nn.Module, world: ConceptWorld, layer: str, found: Dissection,
                  convention: str | Convention = "paper", batch_size: int = 32, folder: str | Path | None = None
                  ) -> Pieces:
    """Las cuentas de una disección ya hecha, en pedazos de pocas imágenes, también entre procesos y por partes.

    found: de `dissect_shared`, con la misma red, conjunto, capa, convención, lotes y carpeta. Es una pasada más.
    """
    convention, batch_size = pick_convention(convention), fitting_batch(world, batch_size)
    shared, size = _place()[1] > 1 or folder is not None, piece_size(len(world), batch_size)
    key = _agreed(model, world, layer, convention, batch_size) if shared else ""

    def read(numbers: list[int]) -> Iterator:
        batches = ((*pair, number * batch_size) for number, pair in
                   zip(numbers, concept_batches(world, batch_size, numbers)))
        return with_bar(batches, "En pedazos", _images_in(numbers, batch_size, len(world)), _place()[0])

    return _walk(read, lambda batches: count_pieces(model, batches, layer, found, convention, size),
                 Store(folder, "pedazos", digest(key, found.cuts, size), Pieces), -(-len(world) // batch_size))


def _walk(read: Callable[[list[int]], Iterator], count: Callable[[Iterable], Count], store: Store, batch_count: int
          ) -> Count:
    """Una pasada por los lotes que falten, repartidos entre los procesos: la cuenta de todos."""
    process, process_count = _place()
    found, notes = store.recover(process, process_count)
    mine = sum((done.int() for done, _ in found.values()), torch.zeros(batch_count, dtype=torch.int))
    everyone = _gathered((mine, notes))
    covered, notes = sum(marks for marks, _ in everyone), [note for _, theirs in everyone for note in theirs]
    if covered.max() > 1:
        raise ValueError(f"folder: {store.folder} tiene lotes contados dos veces; prueba con otra carpeta.")
    if covered.any():
        notes.append(f"Se retoma ({store.stage}): {int(covered.sum())} de {batch_count} lotes ya estaban contados.")
    for note in notes if process == 0 else []:
        say(note)
    todo = (covered == 0).nonzero()[:, 0].tolist()[process::process_count]
    done, result = found.pop(process, (torch.zeros(batch_count, dtype=torch.bool), None))
    with closing(read(todo)) as stream:
        for start in range(0, len(todo), BLOCK):
            block = count(islice(stream, BLOCK))
            result = block if result is None else moved(result, next(iter(vars(block).values())).device) + block
            done[todo[start:start + BLOCK]] = True
            store.save(process, done, result)
    parts = [moved(part) for part in (result, *(part for _, part in found.values())) if part is not None]
    return reduce(add, (part for theirs in _gathered(parts) for part in theirs))


def _images_in(numbers: list[int], batch_size: int, total: int) -> int:
    """Cuántas imágenes llevan esos lotes: el último puede ser más chico."""
    return sum(min(batch_size, total - number * batch_size) for number in numbers)


def _place() -> tuple[int, int]:
    """Qué número de proceso es este y cuántos son."""
    alone = not (distributed.is_available() and distributed.is_initialized())
    return (0, 1) if alone else (distributed.get_rank(), distributed.get_world_size())


def _gathered(thing: Thing) -> list[Thing]:
    """Lo que trae cada proceso, en orden."""
    everyone = [thing] * _place()[1]
    if len(everyone) > 1:
        distributed.all_gather_object(everyone, thing)
    return everyone


def _agreed(model: nn.Module, world: ConceptWorld, layer: str, convention: Convention, batch_size: int) -> str:
    """La huella de todo lo que decide los números; ValueError si los procesos no recibieron lo mismo."""
    pictures, regions = next(concept_batches(world, batch_size))
    images = world.images if isinstance(world, InMemory) else pictures
    shape = re.sub(r" at 0x\w+", "", repr(model))
    key = digest(shape, model.state_dict(), str(device_of(model).type), layer, convention, batch_size,
                 len(world), list(world.names), list(world.categories), images, *vars(regions).values())
    if len(set(_gathered(key))) > 1:
        raise ValueError("model, world: los procesos no recibieron la misma red, capa, convención y conjunto.")
    return key

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

import torch
import torch.distributed as distributed
from torch import Tensor, nn

from labkit.dissection.conventions import Convention, pick_convention
from labkit.dissection.counting import (
    Dissection,
    Tally,
    category_numbers,
    concept_batches,
    count_images,
    fitting_batch,
    image_batches,
    mask_size,
    tally_over,
)
from labkit.dissection.saving import Count, Store, digest, moved
from labkit.dissection.tails import Tail, shown, tail_over
from labkit.regions import Regions

BLOCK = 8                                       # lotes entre un guardado y el siguiente


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


def dissect_shared(model: nn.Module, world: object, layer: str, convention: str | Convention = "paper",
                   batch_size: int = 32, folder: str | Path | None = None) -> Dissection:
    """La misma disección que `dissect`, bit por bit, repartida entre los procesos que haya y con lo hecho a salvo.

    Con torchrun y dentro de `with processes():`, cada proceso cuenta sus lotes y todos devuelven lo mismo.  folder: una
    carpeta donde se guarda lo contado cada ocho lotes; si se interrumpe, otra llamada igual, con los procesos que sea,
    sigue desde ahí. Ni un archivo dañado ni el de otra disección (otra red, capa, convención o conjunto) se usan, y se
    dice; del conjunto se comparan el primer lote y las imágenes que estén en la memoria.  world: como en `dissect`; si
    tiene `pictures(rows)` y `present(rows)`, cada proceso lee solo lo suyo.  ValueError si no hay imágenes, si `folder`
    es un archivo o si los procesos no recibieron lo mismo.
    """
    way, total, (rank, many) = pick_convention(convention), count_images(world), _place()
    if not total or batch_size < 1 or folder is not None and Path(folder).expanduser().is_file():
        raise ValueError(f"world, batch_size, folder: esperaba imágenes, lotes de una o más y una carpeta, y recibí "
                         f"{total} imágenes, {batch_size} y {folder}.")
    batch_size = fitting_batch(world, batch_size)
    lots, groups = -(-total // batch_size), category_numbers(world.categories)
    key = _agreed(model, world, layer, way, batch_size) if many > 1 or folder is not None else ""
    size = mask_size(world) if way.upsampled else None

    def read(batches: Callable, text: str) -> Callable[[list[int]], Iterator]:
        return lambda some: shown(batches(world, batch_size, some), text, len(some) * batch_size, rank)

    tail = _walk(read(image_batches, "Umbrales"), lambda parts: tail_over(model, parts, total, layer, way, size),
                 Store(folder, "umbrales", key, Tail), lots)
    cuts, dead = tail.spread_cut(way.share)
    counts = _walk(read(concept_batches, "Contando"),
                   lambda parts: tally_over(model, parts, layer, cuts, groups, way, dead),
                   Store(folder, "cuentas", digest(key, cuts), Tally), lots)
    return Dissection(counts, cuts, dead, list(world.names), list(world.categories))


def _walk(read: Callable[[list[int]], Iterator], count: Callable[[Iterable], Count], store: Store, lots: int) -> Count:
    """Una pasada por los lotes que falten, repartidos entre los procesos: la cuenta de todos."""
    rank, many = _place()
    found, notes = store.recover(rank, many)
    told = _gathered((sum((done.int() for done, _ in found.values()), torch.zeros(lots, dtype=torch.int)), notes))
    covered, notes = sum(marks for marks, _ in told), [note for _, some in told for note in some]
    if covered.max() > 1:
        raise ValueError(f"folder: {store.folder} tiene lotes contados dos veces; prueba con otra carpeta.")
    if covered.any():
        notes.append(f"Se retoma ({store.stage}): {int(covered.sum())} de {lots} lotes ya estaban contados.")
    for note in notes if rank == 0 else []:
        print(note)
    todo = (covered == 0).nonzero()[:, 0].tolist()[rank::many]
    done, result = found.pop(rank, (torch.zeros(lots, dtype=torch.bool), None))
    with closing(read(todo)) as stream:
        for start in range(0, len(todo), BLOCK):
            some = count(islice(stream, BLOCK))
            result = some if result is None else moved(result, next(iter(vars(some).values())).device) + some
            done[todo[start:start + BLOCK]] = True
            store.save(rank, done, result)
    parts = [moved(part) for part in (result, *(part for _, part in found.values())) if part is not None]
    return reduce(add, (part for some in _gathered(parts) for part in some))


def _place() -> tuple[int, int]:
    """Qué número de proceso es este y cuántos son."""
    alone = not (distributed.is_available() and distributed.is_initialized())
    return (0, 1) if alone else (distributed.get_rank(), distributed.get_world_size())


def _gathered(thing: object) -> list:
    """Lo que trae cada proceso, en orden."""
    everyone = [thing] * _place()[1]
    if len(everyone) > 1:
        distributed.all_gather_object(everyone, thing)
    return everyone


def _agreed(model: nn.Module, world: object, layer: str, way: Convention, batch_size: int) -> str:
    """La huella de todo lo que decide los números; ValueError si los procesos no recibieron lo mismo."""
    images, masks = next(concept_batches(world, batch_size))
    pairs = [vars(masks).values()] if isinstance(masks, Regions) else masks
    parts = [pairs] if isinstance(pairs, Tensor) else [part for pair in pairs for part in pair]
    shape = re.sub(r" at 0x\w+", "", repr(model))
    key = digest(shape, model.state_dict(), str(next(model.parameters()).device.type), layer, way, batch_size,
                  count_images(world), world.names, world.categories, getattr(world, "images", images), *parts)
    if len(set(_gathered(key))) > 1:
        raise ValueError("model, world: los procesos no recibieron la misma red, capa, convención y conjunto.")
    return key

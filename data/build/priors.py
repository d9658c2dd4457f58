"""Lo que comparten los entrenamientos del limpiador, el generador y el segmentador: el ciclo, y cómo se publican.

El ciclo es reanudable, el azar de cada época depende de la semilla y de su número, y lo que se publica es un promedio móvil
de los pesos.
"""
import argparse
import json
import time
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import NamedTuple

import safetensors.torch
import torch
from fitting import follow, keep_memory, restore, step_size, store
from packing import write_sums
from torch import Generator, Tensor, nn

from labkit.files import data_path

RUNS = Path(__file__).resolve().parent / "runs"


class Course(NamedTuple):
    """Cómo se entrena. follow: con qué parte del promedio móvil se queda cada paso, según cuántos van."""
    name: str
    seed: int
    epochs: int
    batch: int
    lr: float
    follow: Callable[[int], float]


def threads(description: str) -> None:
    """Lee de la línea de órdenes cuántos núcleos usar, y los pone."""
    parser = argparse.ArgumentParser(description=description)
    parser.add_argument("--threads", type=int, default=2, help="núcleos de CPU (2)")
    torch.set_num_threads(parser.parse_args().threads)
    keep_memory()


def descend(model: nn.Module, tool: torch.optim.Optimizer, loss: Tensor) -> None:
    """Un paso del optimizador, con el gradiente recortado."""
    tool.zero_grad()
    loss.backward()
    nn.utils.clip_grad_norm_(model.parameters(), 1.0)
    tool.step()


def batches(course: Course, count: int, epoch: int, tools: Sequence[torch.optim.Optimizer]) -> Iterator[tuple]:
    """Los lotes de una época: las posiciones de sus imágenes y el azar de la época; pone el tamaño de cada paso."""
    generator, steps = Generator().manual_seed(1000 * course.seed + epoch), count // course.batch
    order = torch.randperm(count, generator=generator)[:steps * course.batch].split(course.batch)
    for step, index in enumerate(order):
        for tool in tools:
            tool.param_groups[0]["lr"] = course.lr * step_size((epoch + step / steps) / course.epochs)
        yield index, generator


def train(course: Course, mark: str, models: tuple[nn.Module, ...], tools: Sequence[torch.optim.Optimizer], count: int,
          learn: Callable[[Tensor, Generator], dict[str, float]], judge: Callable[[], dict[str, float]]) -> list[dict]:
    """Entrena y da el diario, un renglón por época; si quedó a medias, sigue donde iba.

    models: la que aprende, su promedio móvil y las demás que se guardan con ellas;  count: cuántas imágenes hay;  learn: un
    paso con unas imágenes, que da sus pérdidas;  judge: lo que se mide en la prueba al terminar la época.
    """
    model, average = models[:2]
    together, path, steps = nn.ModuleList(models), RUNS / f"{course.name}.pt", count // course.batch
    diary = restore(path, mark, together, tools)
    for epoch in range(len(diary), course.epochs):
        start, losses = time.perf_counter(), []
        for index, generator in batches(course, count, epoch, tools):
            losses.append(learn(index, generator))
            follow(average, model, course.follow(epoch * steps + len(losses)))
        means = {key: round(sum(row[key] for row in losses) / steps, 4) for key in losses[0]}
        diary.append({"epoch": epoch + 1, **means, **judge(), "seconds": round(time.perf_counter() - start, 1)})
        store(path, mark, together, tools, diary)
        print("  " + "   ".join(f"{key} {value}" for key, value in diary[-1].items()), flush=True)
    return diary


def publish(course: Course, model: nn.Module, diary: list[dict], card: dict[str, str], facts: dict) -> None:
    """Guarda los pesos en media precisión, con su tarjeta, y el diario en data/priors/, y pone al día las sumas."""
    path = data_path("priors", f"{course.name}.safetensors")
    path.parent.mkdir(exist_ok=True)
    weights = {key: (value.detach().half() if value.is_floating_point() else value).contiguous()
               for key, value in model.state_dict().items()}
    path.write_bytes(safetensors.torch.save(weights, {"seed": str(course.seed), "epochs": str(course.epochs), **card}))
    log = {"name": course.name, "source": "escenas", "seed": course.seed, "epochs": course.epochs, "batch": course.batch,
           "lr": course.lr, "parameters": sum(w.numel() for w in model.parameters()), **facts,
           "seconds": round(sum(row["seconds"] for row in diary)), "diary": diary}
    path.with_suffix(".log.json").write_text(json.dumps(log, indent=1, ensure_ascii=False) + "\n", encoding="utf-8")
    write_sums(data_path())

"""El ciclo de entrenamiento: reanudable, con semilla y tan rápido como dejan dos núcleos de CPU."""
import ctypes
import math
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

import torch
import torch.nn.functional as F
from augment import augment, cover, grain, mix
from muon import optimizers
from recipes import Recipe
from torch import Generator, Tensor, nn

WARM_UP = 0.2  # parte del entrenamiento en que el paso crece; después baja hasta casi cero
CLIP = 1.0
FAR = 1e4  # resta que saca de la cuenta a la clase buena
KEPT_BYTES = 32 << 20
LINE = ("  época {epoch:>3}   pérdida {loss:.3f}   entrenamiento {train_accuracy:.3f}   prueba {test_accuracy:.3f}   "
        "{seconds:.0f} s")

Batch = tuple[Tensor, Tensor]  # imágenes y respuestas
Row = dict[str, float]  # una época: número, pérdida, exactitud de entrenamiento y de prueba, segundos


def keep_memory() -> None:
    """En Linux, pide a malloc que no devuelva la memoria a cada paso: un tercio menos de tiempo. En otros, nada."""
    if sys.platform.startswith("linux"):
        libc = ctypes.CDLL(None)
        if hasattr(libc, "mallopt"):
            for option, value in ((-3, KEPT_BYTES), (-1, 2**31 - 1), (-2, 8 * KEPT_BYTES)):  # mmap, recorte, reserva
                libc.mallopt(option, value)


def has_bfloat16(device: torch.device) -> bool:
    """Si el aparato multiplica en bfloat16. Una CPU que no sabe lo imita, diez veces más despacio: ahí va en float32."""
    return device.type != "cpu" or (torch.backends.mkldnn.is_available() and torch.ops.mkldnn._is_mkldnn_bf16_supported())


def step_size(progress: float) -> float:
    """El tamaño relativo del paso, de 0 a 1, según la parte del entrenamiento que va: sube y baja como un coseno."""
    if progress < WARM_UP:
        return max(0.01, (1 - math.cos(math.pi * progress / WARM_UP)) / 2)
    return max(0.01, (1 + math.cos(math.pi * (progress - WARM_UP) / (1 - WARM_UP))) / 2)


@torch.no_grad()
def follow(average: nn.Module, model: nn.Module, share: float) -> None:
    """Acerca el promedio móvil a los pesos de ahora."""
    for kept, new in zip(average.state_dict().values(), model.state_dict().values()):
        if kept.is_floating_point():
            kept.lerp_(new, 1 - share)
        else:
            kept.copy_(new)


def predict(model: nn.Module, images: Tensor, batch: int = 250) -> Tensor:
    """La clase que gana en cada imagen, (n,), con la red en `eval()`."""
    model.eval()
    with torch.no_grad():
        return torch.cat([model(part).argmax(1) for part in images.split(batch)])


def accuracy(model: nn.Module, images: Tensor, targets: Tensor) -> float:
    """La parte de las imágenes que la red clasifica bien. targets: (n,), o (n, clases) con un positivo en cada buena."""
    guess = predict(model, images)
    if targets.ndim == 2:
        return (targets.gather(1, guess[:, None]) > 0).float().mean().item()
    return (guess == targets).float().mean().item()


def attacked(
    model: nn.Module, images: Tensor, answers: Tensor, radius: float, steps: int, generator: Generator
) -> Tensor:
    """Imágenes a distancia L2 ≤ `radius` de las dadas que suben la pérdida, en [0, 1].

    answers: (b, clases), un 1 en la clase buena. Se sube la ventaja de las demás clases y no la entropía cruzada: su
    gradiente apunta igual y no se anula en una red muy segura. Fuente: Madry et al. (2018), gradiente proyectado.
    """
    shift = torch.randn(images.shape, generator=generator).to(images.device)
    shift = shift * (radius / 2 / length(shift))
    for _ in range(steps):
        shift.requires_grad_(True)
        logits = model(images + shift).float()
        margin = (logits - FAR * answers).logsumexp(1) - (logits * answers).sum(1)
        slope, = torch.autograd.grad(margin.sum(), shift)
        shift = shift.detach() + slope * (radius * max(1.0, 2.5 / steps) / (length(slope) + 1e-9))
        shift = shift * (radius / length(shift)).clamp(max=1)
        shift = (images + shift).clamp(0, 1) - images
    return (images + shift).detach()


def length(vectors: Tensor) -> Tensor:
    """La norma L2 de cada elemento del lote, (b, 1, 1, 1)."""
    return vectors.flatten(1).norm(dim=1)[:, None, None, None]


def batches(images: Tensor, targets: Tensor, classes: int, recipe: Recipe, generator: Generator) -> Iterator[Batch]:
    """Los lotes de una época, ya variados: imágenes (b, 3, h, w) y respuestas (b, clases)."""
    order = torch.randperm(len(images), generator=generator)
    for index in order[: len(order) // recipe.batch * recipe.batch].split(recipe.batch):
        varied = grain(augment(images[index], generator, recipe.sharp, recipe.light), recipe.grain, generator)
        wanted = targets[index]
        if recipe.target == "turns":
            wanted = torch.randint(classes, (len(index),), generator=generator)
            varied = turned(varied, wanted)
        answers = wanted if wanted.ndim == 2 else F.one_hot(wanted, classes).float()
        varied = cover(varied, recipe.covering, generator)
        yield mix(varied, answers, recipe.mixing, generator)


def turned(images: Tensor, turns: Tensor) -> Tensor:
    """Cada imagen (b, 3, h, h) girada los cuartos de vuelta, de 0 a 3, que diga `turns`, (b,)."""
    return torch.stack([image.rot90(turn, (1, 2)) for image, turn in zip(images, turns.tolist())])


def taught(teachers: Sequence[nn.Module], images: Tensor, step: int) -> Tensor:
    """Lo que responden en promedio las maestras, (b, clases): unas ven la imagen y otras su espejo, por turnos."""
    with torch.no_grad():
        seen = (images.flip(3) if (step + i) % 2 else images for i in range(len(teachers)))
        return torch.stack([teacher(view).float().softmax(1) for teacher, view in zip(teachers, seen)]).mean(0)


def train_epoch(model: nn.Module, data: Iterator[Batch], recipe: Recipe, tools: list, progress: Callable[[int], float],
                teachers: Sequence[nn.Module], watch: Callable[[int], None] = lambda step: None) -> tuple[float, float]:
    """Una vuelta a los datos; devuelve la pérdida y la exactitud medias. watch: se llama tras cada paso, con su número."""
    model.train()
    device = next(model.parameters()).device
    losses, hits = [], []
    for step, (images, answers) in enumerate(data):
        size = step_size(progress(step))
        for tool in tools:
            for group in tool.param_groups:
                group["lr"] = group["initial_lr"] * size
        images = images.to(device, memory_format=torch.channels_last)
        answers = answers.to(device)
        with torch.autocast(device.type, torch.bfloat16, enabled=has_bfloat16(device)):
            if recipe.attack:
                images = attacked(model, images, answers, recipe.attack, 1, torch.Generator().manual_seed(step))
            if teachers:
                answers = taught(teachers, images, step)
            logits = model(images).float()
        loss = F.cross_entropy(logits, answers, label_smoothing=recipe.smoothing)
        model.zero_grad()
        loss.backward()
        nn.utils.clip_grad_norm_(model.parameters(), CLIP)
        for tool in tools:
            tool.step()
        watch(step + 1)
        losses.append(loss.detach())
        hits.append((logits.argmax(1) == answers.argmax(1)).float().mean())
    return torch.stack(losses).mean().item(), torch.stack(hits).mean().item()


def fit(recipe: Recipe, model: nn.Module, train: Batch, test: Batch, folder: Path,
        teachers: Sequence[nn.Module] = ()) -> list[Row]:
    """Entrena `model` ahí mismo y devuelve el diario, una fila por época; si quedó a medias, sigue donde iba.

    train, test: (imágenes, respuestas). La prueba solo se mide: nada se elige con ella. El azar de cada época depende
    de la semilla y del número de época, así que reanudar repite lo que habría pasado sin la interrupción.
    """
    tools = optimizers(model, recipe.lr, recipe.weight_decay)
    for tool in tools:
        for group in tool.param_groups:
            group["initial_lr"] = group["lr"]
    checkpoint = folder / f"{recipe.name}.pt"
    mark = fingerprint(recipe, *train)
    diary = restore(checkpoint, mark, model, tools)
    steps = len(train[0]) // recipe.batch
    for epoch in range(len(diary), recipe.epochs):
        start = time.perf_counter()
        generator = torch.Generator().manual_seed(1000 * recipe.seed + epoch)
        data = batches(*train, len(model.classes), recipe, generator)
        loss, hits = train_epoch(model, data, recipe, tools, lambda step: (epoch + step / steps) / recipe.epochs, teachers,
                                 lambda step: snapshot(recipe, model, epoch * steps + step, folder))
        seconds = time.perf_counter() - start
        diary.append({"epoch": epoch + 1, "loss": round(loss, 4), "train_accuracy": round(hits, 4),
                      "test_accuracy": round(accuracy(model, *test), 4), "seconds": round(seconds, 1)})
        store(checkpoint, mark, model, tools, diary)
        print(LINE.format(**diary[-1]), flush=True)
    return diary


@torch.no_grad()
def blend(model: nn.Module, before: dict[str, Tensor], share: float, images: Tensor, recipe: Recipe) -> None:
    """Promedia, ahí mismo, los pesos con los de antes, y cuenta de nuevo las medias de las normas por lotes.

    share: la parte de los de antes. images: de entrenamiento, (n, 3, h, w); se varían como al entrenar.
    """
    now = model.state_dict()
    model.load_state_dict({key: value.lerp(before[key], share) if value.is_floating_point() else value
                           for key, value in now.items()})
    norms = [module for module in model.modules() if isinstance(module, nn.BatchNorm2d)]
    for norm in norms:
        norm.reset_running_stats()
        norm.momentum = None                                    # la media de todos los lotes, y no una móvil
    model.train()
    generator, device = torch.Generator().manual_seed(recipe.seed), next(model.parameters()).device
    for part in images.split(recipe.batch) if norms else ():
        model(augment(part, generator, recipe.sharp, recipe.light).to(device, memory_format=torch.channels_last))
    model.eval()


def snapshot(recipe: Recipe, model: nn.Module, step: int, folder: Path) -> None:
    """Guarda una copia de los pesos si a la receta le toca en este paso."""
    if step in recipe.snapshots:
        folder.mkdir(parents=True, exist_ok=True)
        torch.save(model.state_dict(), folder / f"{recipe.name}_paso{step}.pt")


def fingerprint(recipe: Recipe, images: Tensor, targets: Tensor) -> str:
    """Un texto que cambia si cambian la receta o los datos: un avance guardado con otros no sirve."""
    return f"{recipe} {tuple(images.shape)} {images.double().sum().item():.4f} {targets.double().std().item():.9f}"


def store(path: Path, mark: str, model: nn.Module, tools: list, diary: list[Row]) -> None:
    """Guarda el avance en `path` de una sola vez: o queda el nuevo o sigue el anterior."""
    path.parent.mkdir(parents=True, exist_ok=True)
    state = {"mark": mark, "model": model.state_dict(), "tools": [tool.state_dict() for tool in tools], "diary": diary}
    torch.save(state, path.with_suffix(".tmp"))
    path.with_suffix(".tmp").replace(path)


def restore(path: Path, mark: str, model: nn.Module, tools: list) -> list[Row]:
    """Pone en `model` y `tools` el avance guardado y devuelve su diario; vacío si no hay avance que sirva."""
    if not path.is_file():
        return []
    state = torch.load(path, map_location="cpu", weights_only=True)
    if state["mark"] != mark:
        print("  había un avance de otra receta o de otros datos: empiezo de nuevo", flush=True)
        return []
    model.load_state_dict(state["model"])
    for tool, saved in zip(tools, state["tools"]):
        tool.load_state_dict(saved)
    return state["diary"]

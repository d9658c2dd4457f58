"""Entrena el segmentador de la lección 5: qué hay en cada píxel de una imagen de Escenas, o de una dibujada.

    .venv/bin/python data/build/train_segmenter.py

Ve cada imagen a veces como es y a veces como la vuelve a dibujar el generador de la lección 3, que la deja borrosa y
en su lugar: las respuestas son las mismas. Deja en data/priors/ los pesos en media precisión y el diario. Si se
interrumpe, el mismo mandato sigue donde iba.
"""
import argparse
import json
import sys
import time
from pathlib import Path

import safetensors.torch
import torch
import torch.nn.functional as F
from torch import Generator, Tensor

ROOT = Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT))  # labkit, también sin instalar

from fitting import follow, keep_memory, restore, step_size, store  # noqa: E402
from packing import write_sums  # noqa: E402

from labkit.datasets import ConceptSet, load_concepts  # noqa: E402
from labkit.files import data_path  # noqa: E402
from labkit.priors import ImageGenerator, load_generator  # noqa: E402
from labkit.priors.segmenter import Segmenter  # noqa: E402

NAME, SEED, EPOCHS, BATCH, LR = "escenas_segmentador", 0, 14, 64, 3e-3
REDRAWN = 0.5   # la parte de las imágenes que ve dibujadas por el generador
FOLLOW = 0.995  # los pesos que se publican son un promedio móvil de los del entrenamiento
RUNS = Path(__file__).resolve().parent / "runs"

# cada clase del segmentador y los objetos de Escenas que junta; los que faltan son «ninguna de estas»
CLASSES = {
    "cielo": ("cielo azul", "cielo de atardecer", "cielo nublado", "niebla"),
    "nube": ("nube",),
    "agua": ("agua de mar", "agua dulce", "agua profunda", "charco", "espuma"),
    "nieve": ("nieve", "muñeco de nieve", "hielo"),
    "arena": ("arena", "duna", "fondo arenoso", "arena mojada", "castillo de arena"),
    "tierra": ("tierra", "barro seco", "lodo", "surcos", "sendero", "hojarasca"),
    "pasto": ("pasto", "césped", "maleza", "musgo", "pasto alto"),
    "pasto seco": ("pastizal seco", "paja", "paca"),
    "árboles": ("arboleda", "árbol", "pino", "palmera", "acacia", "arbusto", "seto", "helecho"),
    "asfalto": ("calle", "carretera", "pavimento", "acotamiento"),
    "banqueta": ("banqueta", "concreto", "adoquín", "laja"),
    "piso": ("baldosa", "duela", "linóleo", "piso de ladrillo", "tapete", "alfombra"),
    "pared": ("pared de yeso", "papel tapiz", "pared de madera", "pared de ladrillo", "azulejo", "muro de piedra",
              "cerca de tablas"),
    "edificio": ("edificio", "casa", "kiosco"),
    "montaña": ("montaña", "colina", "meseta"),
    "roca": ("pedregal", "roca", "isla", "arrecife"),
    "vehículo": ("automóvil", "camión"),
    "animal": ("gato", "jaguar", "perro", "caballo", "cebra"),
    "pájaro": ("pájaro",),
    "pez": ("pez",),
    "avión": ("avión",),
    "barco": ("barco",),
    "bicicleta": ("bicicleta",),
}


def answers(world: ConceptSet) -> Tensor:
    """La clase de cada píxel, (n, h, w) de 0 a k: 0 es «ninguna»."""
    first, table = len(world.scene_names), torch.zeros(world.members.shape[1], dtype=torch.long)
    for number, objects in enumerate(CLASSES.values(), 1):
        for name in objects:
            row = list(zip(world.categories, world.names)).index(("object", name)) - first
            table[world.members[row]] = number
    return table[world.segments.long()]


@torch.no_grad()
def redrawn(painter: ImageGenerator, images: Tensor) -> Tensor:
    """Las imágenes como las vuelve a dibujar el generador."""
    parts = (part.contiguous(memory_format=torch.channels_last) for part in images.split(100))
    return torch.cat([painter(painter.encode(part)) for part in parts])


def confusion(model: Segmenter, images: Tensor, truth: Tensor) -> Tensor:
    """Cuántos píxeles de cada clase recibieron cada respuesta, (1 + k, 1 + k)."""
    k = len(model.names) + 1
    guess = torch.cat([model.labels(part) for part in images.split(100)])
    return torch.bincount((truth * k + guess).flatten(), minlength=k * k).view(k, k)


def grades(table: Tensor, names: list[str]) -> dict:
    """De la tabla de confusión: la parte de píxeles correctos, y el IoU de cada clase y su media, sin «ninguna»."""
    hits = table.diagonal().double()
    iou = (hits / (table.sum(0) + table.sum(1) - hits).clamp(min=1))[1:]
    return {"accuracy": round((hits.sum() / table.sum()).item(), 4), "mean_iou": round(iou.mean().item(), 4),
            "iou": {name: round(value, 3) for name, value in zip(names, iou.tolist())}}


def train_epoch(model: Segmenter, average: Segmenter, adam: torch.optim.Optimizer, data: tuple[Tensor, Tensor, Tensor],
                epoch: int) -> float:
    """Una pasada por las imágenes, cada una como es o dibujada, reflejada o no; devuelve la pérdida media."""
    images, drawn, truth = data
    generator, total, batches = Generator().manual_seed(1000 * SEED + epoch), 0.0, len(images) // BATCH
    order = torch.randperm(len(images), generator=generator)[:batches * BATCH].split(BATCH)
    for step, index in enumerate(order):
        adam.param_groups[0]["lr"] = LR * step_size((epoch + step / batches) / EPOCHS)
        copied, flip = (torch.rand(2, BATCH, generator=generator) < torch.tensor([[REDRAWN], [0.5]]))[:, :, None, None, None]
        seen, goal = torch.where(copied, drawn[index], images[index]), truth[index]
        seen = torch.where(flip, seen.flip(3), seen).contiguous(memory_format=torch.channels_last)
        goal = torch.where(flip[:, 0], goal.flip(2), goal)
        with torch.autocast("cpu", torch.bfloat16):
            logits = model(seen)
        loss = F.cross_entropy(logits.float(), goal)
        adam.zero_grad()
        loss.backward()
        torch.nn.utils.clip_grad_norm_(model.parameters(), 1.0)
        adam.step()
        total += loss.item()
        follow(average, model, min(FOLLOW, (epoch * batches + step + 1) / 300 * FOLLOW))
    return total / batches


def main() -> None:
    """Entrena y publica."""
    parser = argparse.ArgumentParser(description="Entrena el segmentador de la lección 5.")
    parser.add_argument("--threads", type=int, default=2, help="núcleos de CPU (2)")
    torch.set_num_threads(parser.parse_args().threads)
    keep_memory()
    world, test, painter = load_concepts("train"), load_concepts("test"), load_generator(device="cpu")
    data = world.images, redrawn(painter, world.images), answers(world)
    seen, truth = {"real": test.images, "redrawn": redrawn(painter, test.images)}, answers(test)
    torch.manual_seed(SEED)
    model = Segmenter(list(CLASSES)).to(memory_format=torch.channels_last)
    average = Segmenter(list(CLASSES))
    average.load_state_dict(model.state_dict())
    adam, both = torch.optim.AdamW(model.parameters(), LR, weight_decay=0.02), torch.nn.ModuleList([model, average])
    mark = f"{NAME} {SEED} {EPOCHS} {BATCH} {LR} {REDRAWN} {len(world)} {CLASSES}"
    diary = restore(RUNS / f"{NAME}.pt", mark, both, [adam])
    for epoch in range(len(diary), EPOCHS):
        start = time.perf_counter()
        loss = train_epoch(model, average, adam, data, epoch)
        few = {key: grades(confusion(average, images[:500], truth[:500]), model.names) for key, images in seen.items()}
        diary.append({"epoch": epoch + 1, "loss": round(loss, 4), "seconds": round(time.perf_counter() - start, 1),
                      **{f"{key}_{what}": few[key][what] for key in few for what in ("accuracy", "mean_iou")}})
        store(RUNS / f"{NAME}.pt", mark, both, [adam], diary)
        print("  época {epoch:>3}   pérdida {loss:.4f}   aciertos {real_accuracy:.3f}, y en las dibujadas "
              "{redrawn_accuracy:.3f}   {seconds:.0f} s".format(**diary[-1]), flush=True)
    publish(average, diary, {key: grades(confusion(average, images, truth), model.names) for key, images in seen.items()})


def publish(model: Segmenter, diary: list[dict[str, float]], test: dict) -> None:
    """Guarda los pesos, con la tabla de clases, y el diario en data/priors/, y pone al día las sumas."""
    path = data_path("priors", f"{NAME}.safetensors")
    weights = {key: value.detach().half().contiguous() for key, value in model.state_dict().items()}
    card = {"seed": str(SEED), "epochs": str(EPOCHS), "names": json.dumps(model.names, ensure_ascii=False),
            "classes": json.dumps(CLASSES, ensure_ascii=False)}
    path.write_bytes(safetensors.torch.save(weights, metadata=card))
    log = {"name": NAME, "source": "escenas", "seed": SEED, "epochs": EPOCHS, "batch": BATCH, "lr": LR,
           "redrawn": REDRAWN, "parameters": sum(w.numel() for w in model.parameters()), "classes": CLASSES, "test": test,
           "seconds": round(sum(row["seconds"] for row in diary)), "diary": diary}
    path.with_suffix(".log.json").write_text(json.dumps(log, indent=1, ensure_ascii=False) + "\n", encoding="utf-8")
    write_sums(data_path())


if __name__ == "__main__":
    main()

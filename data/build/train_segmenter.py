"""Entrena el segmentador de la lección 5: qué hay en cada píxel de una imagen de Escenas, o de una dibujada.

    .venv/bin/python data/build/train_segmenter.py

Ve cada imagen a veces como es y a veces como la vuelve a dibujar el generador de la lección 3, que la deja borrosa y
en su lugar: las respuestas son las mismas. Deja en data/priors/ los pesos en media precisión y el diario. Si se
interrumpe, el mismo mandato sigue donde iba.
"""
import json
import sys
from pathlib import Path

import torch
import torch.nn.functional as F
from torch import Generator, Tensor

ROOT = Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT))  # labkit, también sin instalar

from priors import Course, descend, publish, threads, train  # noqa: E402

from labkit.datasets import ConceptSet, load_concepts  # noqa: E402
from labkit.priors import ImageGenerator, load_generator  # noqa: E402
from labkit.priors.segmenter import Segmenter  # noqa: E402

REDRAWN = 0.5   # la parte de las imágenes que ve dibujadas por el generador
COURSE = Course("escenas_segmentador", 0, 14, 64, 3e-3, lambda step: 0.995 * min(1, step / 300))

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


def varied(data: tuple[Tensor, Tensor, Tensor], index: Tensor, generator: Generator) -> tuple[Tensor, Tensor]:
    """Unas imágenes y sus respuestas: cada imagen como es o dibujada, reflejada o no."""
    images, drawn, truth = data
    copied, flip = (torch.rand(2, len(index), generator=generator) < torch.tensor([[REDRAWN], [0.5]]))[:, :, None, None, None]
    seen, goal = torch.where(copied, drawn[index], images[index]), truth[index]
    seen = torch.where(flip, seen.flip(3), seen).contiguous(memory_format=torch.channels_last)
    return seen, torch.where(flip[:, 0], goal.flip(2), goal)


def main() -> None:
    """Entrena y publica."""
    threads("Entrena el segmentador de la lección 5.")
    world, test, painter = load_concepts("train"), load_concepts("test"), load_generator(device="cpu")
    data = world.images, redrawn(painter, world.images), answers(world)
    kinds, truth = {"real": test.images, "redrawn": redrawn(painter, test.images)}, answers(test)
    torch.manual_seed(COURSE.seed)
    model, average = Segmenter(list(CLASSES)).to(memory_format=torch.channels_last), Segmenter(list(CLASSES))
    average.load_state_dict(model.state_dict())
    adam = torch.optim.AdamW(model.parameters(), COURSE.lr, weight_decay=0.02)

    def learn(index: Tensor, generator: Generator) -> dict[str, float]:
        seen, goal = varied(data, index, generator)
        with torch.autocast("cpu", torch.bfloat16):
            logits = model(seen)
        loss = F.cross_entropy(logits.float(), goal)
        descend(model, adam, loss)
        return {"loss": loss.item()}

    def judge() -> dict[str, float]:
        few = {kind: grades(confusion(average, images[:500], truth[:500]), model.names) for kind, images in kinds.items()}
        return {f"{kind}_{what}": few[kind][what] for kind in few for what in ("accuracy", "mean_iou")}

    mark = f"{COURSE[:5]} {REDRAWN} {len(world)} {CLASSES}"
    diary = train(COURSE, mark, (model, average), [adam], len(world), learn, judge)
    final = {kind: grades(confusion(average, images, truth), model.names) for kind, images in kinds.items()}
    card = {"names": json.dumps(model.names, ensure_ascii=False), "classes": json.dumps(CLASSES, ensure_ascii=False)}
    publish(COURSE, average, diary, card, {"redrawn": REDRAWN, "classes": CLASSES, "test": final})


if __name__ == "__main__":
    main()

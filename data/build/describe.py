"""Lo que data/README.md dice de los datos: dibuja la hoja de muestra y las máscaras, y escribe las tablas medidas.

    python data/build/describe.py                  # tablas en Markdown y dos figuras en data/
"""
import json
import sys
from collections.abc import Iterator
from pathlib import Path

import torch

ROOT = Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT))  # labkit, también sin instalar

from world.materials import COLORS  # noqa: E402

from labkit.datasets import CATEGORIES, ConceptSet, load_concepts  # noqa: E402
from labkit.files import data_path  # noqa: E402
from labkit.images import beside, contact_sheet, jpeg_bytes, sized, text_image  # noqa: E402

SHOWN = 8         # imágenes de la figura de máscaras
SPANISH = dict(zip(CATEGORIES, ("escena", "objeto", "parte", "material", "textura", "color")))


def shares(world: ConceptSet) -> torch.Tensor:
    """La parte de los píxeles del conjunto que cubre cada concepto, (k,)."""
    return torch.stack([masks.float().mean((0, 2, 3)) * len(images) for images, masks in world.batches(50)]).sum(0) / len(world)


def concept_table(world: ConceptSet) -> Iterator[str]:
    """Un renglón de Markdown por categoría: cuántos conceptos hay, el más frecuente y el menos."""
    share = shares(world)
    yield "| Categoría | Conceptos | El más frecuente (% de los píxeles) | El menos frecuente |\n|---|---|---|---|"
    for category in CATEGORIES:
        rows = [i for i, name in enumerate(world.categories) if name == category]
        most, least = max(rows, key=lambda i: share[i]), min(rows, key=lambda i: share[i])
        yield (f"| {SPANISH[category]} | {len(rows)} | {world.names[most]}, {share[most]:.1%} | "
               f"{world.names[least]}, {share[least]:.3%} |").replace("%", " %")
    large = [f"{world.names[i]} ({world.categories[i]}, {share[i]:.1%})" for i in (share > 0.12).nonzero().flatten()]
    small = int((share < 0.0002).sum())
    yield f"\nMás de 12 % de los píxeles: {', '.join(large) or 'ninguno'}. Menos de 0.02 %: {small} conceptos."


def palette(names: list[str]) -> torch.Tensor:
    """Un color por concepto, (1 + k, 3): los de color, el suyo; los demás, al azar. El primero, blanco, es «sin etiqueta»."""
    drawn = torch.rand(len(names), 3, generator=torch.Generator().manual_seed(3)) * 0.75 + 0.15
    own = [torch.tensor(COLORS[name]) ** (1 / 2.2) if name in COLORS else color for name, color in zip(names, drawn)]
    return torch.stack([torch.ones(3), *own])


def mask_sheet(world: ConceptSet, indices: list[int]) -> torch.Tensor:
    """Una imagen por columna y, debajo, qué concepto lleva cada píxel en cada categoría: (3, H, W)."""
    masks, rows = world.masks(indices), [contact_sheet(world.images[indices], len(indices), 2)]
    for category in CATEGORIES:
        own = torch.tensor([kind == category for kind in world.categories])
        names = [name for name, kind in zip(world.names, world.categories) if kind == category]
        chosen = torch.where(masks[:, own].any(1), masks[:, own].int().argmax(1) + 1, 0)      # (b, h, w)
        rows.append(contact_sheet(palette(names)[chosen].permute(0, 3, 1, 2), len(indices), 2))
    names = [text_image(f"\n\n\n{name}", 110, 16) for name in ("imagen", *SPANISH.values())]
    return torch.cat([beside([sized(name, row.shape[1]), row], 4) for name, row in zip(names, rows)], 1)


def network_table() -> Iterator[str]:
    """Un renglón de Markdown por red, leído de su diario."""
    yield "| Red | Datos | Qué responde | Semilla | Épocas | Tiempo | Exactitud en prueba |\n|---|---|---|---|---|---|---|"
    for path in sorted(data_path("networks").glob("*.log.json")):
        log = json.loads(path.read_text("utf-8"))
        answer = "el lugar" if log["target"] == "scenes" else "la clase"
        yield (f"| `{log['name']}` | {log['source']} | {answer} | {log['seed']} | {log['epochs']} | {log['seconds'] / 60:.1f} min | "
               f"{log['test_accuracy']:.1%} |").replace("%", " %")
        if log["trials"]:
            yield f"<!-- {log['name']}: {log['trials']} -->"


def sizes() -> str:
    """Cuánto pesan el conjunto principal y todo data/, en MB."""
    def weight(folder: Path) -> float:
        return sum(path.stat().st_size for path in folder.rglob("*") if path.is_file() and "build" not in path.parts) / 1e6
    return f"Tamaños: el conjunto principal, {weight(data_path('escenas')):.1f} MB; todo `data/`, {weight(data_path()):.1f} MB."


def main() -> None:
    world = load_concepts("test")
    data_path("contact_sheet.jpg").write_bytes(jpeg_bytes(contact_sheet(world.images[:120], 15, 1, 1), 90))
    data_path("masks.jpg").write_bytes(jpeg_bytes(mask_sheet(world, list(range(0, SHOWN * 7, 7))), 88))
    print(*concept_table(world), "", *network_table(), "", sizes(), sep="\n")


if __name__ == "__main__":
    main()

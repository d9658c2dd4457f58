"""Hace las tablas de la lección 5b: diseca las redes de los experimentos, todas sus semillas, y guarda los pesos de una.

    .venv/bin/python data/build/train.py experiments
    .venv/bin/python data/build/make_experiments.py

Deja en data/experimentos/ redes.csv (un renglón por red, capa y paso del entrenamiento), unidades.csv (el mejor concepto de cada
unidad de la última capa), giro.csv (con la base girada) y direcciones.csv (direcciones al azar, junto a las unidades); y en
data/networks/experimentos/, los pesos de la primera semilla. Lo ya disecado queda en contado/, con el nombre de la convención con que
se contó, y no se repite: ni hace falta volver a entrenar esa red, salvo la primera semilla, cuyos pesos se guardan. Para contar de otra manera se cambia CONVENTION y se da la misma orden. Entre dos procesos: uno con
`--part 0 2` y otro con `--part 1 2`; al final, sin `--part`, se escriben las tablas.
"""
import argparse
import csv
import json
import sys
from collections import Counter, OrderedDict
from collections.abc import Callable, Iterator
from io import StringIO
from pathlib import Path

import torch
from torch import Tensor, nn

ROOT = Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT))  # labkit, también sin instalar

from fitting import accuracy, turned  # noqa: E402
from packing import write_sums  # noqa: E402
from recipes import EXPERIMENTS, SEEDS, VARIANTS, Recipe  # noqa: E402
from train import RUNS, answers, rounded, starting_network, trained  # noqa: E402

from labkit.datasets import ConceptSet, load_concepts, load_images  # noqa: E402
from labkit.device import pick_device  # noqa: E402
from labkit.dissection import (  # noqa: E402
    count_detectors,
    dissect,
    label_units,
    random_rotation,
    rotate_layer,
    rotation_power,
    unique_by_category,
)
from labkit.dissection.rotation import Rotate  # noqa: E402
from labkit.files import data_path  # noqa: E402
from labkit.models import load_model, ready, save_model  # noqa: E402
from labkit.regions import Regions  # noqa: E402

CATEGORIES = ("scene", "object", "part", "material", "texture", "color")
CONVENTION = "paper"                                    # con qué convención se cuenta; la última columna de las tablas
FIELDS = ("variant", "seed", "step", "layer", "units", "accuracy", "detectors", "unique", *CATEGORIES, "summed", "convention")
UNIT_FIELDS = ("variant", "seed", "step", "layer", "unit", "concept", "category", "iou", "detector", "convention")
TURN_FIELDS = ("seed", "layer", "power", "turn", "accuracy", "difference", "unique_04", "unique_08", "detectors_04", "detectors_08",
               "convention")
DIRECTION_FIELDS = ("network", "seed", "layer", "kind", "draw", "count", "detectors_04", "unique_04", "convention")
LAST = {"vgg": "conv7", "inception": "mixed5", "residual": "block5"}
DEEP = ("conv1", "conv2", "conv3", "conv4", "conv5")
STEPS = EXPERIMENTS[f"base_{SEEDS[0]}"].snapshots
SHIPPED_STEPS = (44, 223)                               # pasos del entrenamiento cuyos pesos también se guardan
TURNED, POWERS, TURNS = ("relu4", "relu5"), (0.0, 0.2, 0.4, 0.6, 0.8, 1.0), 3
CHANCE = (*DEEP, *TURNED)                               # capas de la red base que se disecan también con pesos al azar (paso 0)
BLANK = ("bn", "vgg", "inception", "residual", "ancho32", "ancho64", "ancho256")    # y redes, en su última convolución
DIRECTIONS, DRAWS = 128, 8                              # direcciones al azar por sorteo, y sorteos por red


class Remembering(ConceptSet):
    """Las mismas imágenes, con las regiones de cada lote armadas una sola vez: aquí se disecan muchas capas."""

    def regions(self, index: Tensor) -> Regions:
        kept, key = self.__dict__.setdefault("kept", {}), tuple(index.tolist())
        if key not in kept:
            kept[key] = super().regions(index)
        return kept[key]


class Trunk(nn.Module):
    """La red hasta una capa, que recuerda lo que dio con cada lote: sus ejes se cambian muchas veces, y ella no cambia."""

    def __init__(self, model: nn.Sequential, layer: str) -> None:
        super().__init__()
        names = [name for name, _ in model.named_children()]
        self.below, self.kept = model[:names.index(layer) + 1], {}

    def forward(self, images: Tensor) -> Tensor:
        key = images.numpy().tobytes()
        if key not in self.kept:
            self.kept[key] = self.below(images)
        return self.kept[key]


def mixed(trunk: Trunk, axes: Tensor) -> nn.Sequential:
    """La red hasta una capa, y encima sus unidades mezcladas: las direcciones `axes`, (m, c)."""
    seen = nn.Sequential(OrderedDict(tronco=trunk, mezcla=Rotate(axes)))
    seen.layers = ["tronco", "mezcla"]
    return ready(seen)


def network(recipe: Recipe, step: int | None) -> nn.Module:
    """La red de la receta al terminar (step None), al empezar (0) o tras ese paso; con los pesos como se reparten."""
    device = pick_device("cpu")
    if step is None:
        return rounded(trained(recipe.name, device))
    classes = answers(load_images("test", recipe.source, n=4), recipe.target)[1]
    model = starting_network(recipe, classes, device)
    if step == 0:
        return model.eval().requires_grad_(False)
    model.load_state_dict(torch.load(RUNS / f"{recipe.name}_paso{step}.pt", map_location="cpu", weights_only=True))
    return rounded(model)


def right(recipe: Recipe, model: nn.Module, world: ConceptSet) -> float:
    """La exactitud de la red en la prueba, en lo que se le pidió."""
    wanted = answers(world, recipe.target)[0]
    images = turned(world.images, wanted) if recipe.target == "turns" else world.images
    return round(accuracy(model, images, wanted), 4)


def rows_of(recipe: Recipe, step: int | None, world: ConceptSet) -> dict[str, list[list]]:
    """Los renglones de redes.csv y unidades.csv de una red."""
    model, variant = network(recipe, step), recipe.name.rsplit("_", 1)[0]
    last = LAST.get(variant, "conv5")
    layers = (last,) if variant != "base" else CHANCE if step == 0 else DEEP if step is None else (last,)
    mark = [variant, recipe.seed, "" if step is None else step]
    found = {"redes": [], "unidades": []}
    for layer in layers:
        iou = (taken := dissect(model, world, layer, CONVENTION)).iou()
        by_category = unique_by_category(iou, taken.categories)
        found["redes"].append([*mark, layer, len(iou), right(recipe, model, world), *count_detectors(iou),
                               *(by_category[name] for name in CATEGORIES)])
        if layer == last and (step is None or (variant, step) == ("base", 0)):
            found["unidades"] += [[*mark, layer, label.unit.channel, label.concept, label.category, f"{label.iou:.4f}"]
                                  for label in label_units(iou, layer, taken.names, taken.categories)]
    return found


def turns_of(seed: int, layer: str, world: ConceptSet) -> dict[str, list[list]]:
    """Los renglones de giro.csv de una red base: cada rotación al azar, poco a poco."""
    recipe = EXPERIMENTS[f"base_{seed}"]
    model, found = network(recipe, None), []
    trunk = Trunk(model, layer)
    width = dissect(model, load_concepts("test", n=2), layer).cuts.shape[0]
    with torch.no_grad():
        logits = model(world.images[:200])
    for power, turn in [(power, turn) for power in POWERS for turn in range(TURNS) if power or not turn]:
        rotation = rotation_power(random_rotation(width, turn), power)
        girada = rotate_layer(model, layer, rotation)
        with torch.no_grad():
            difference = (girada(world.images[:200]) - logits).abs().max().item()
        iou = dissect(mixed(trunk, rotation.float()), world, "mezcla", CONVENTION).iou()
        counts = [count_detectors(iou, cut) for cut in (0.04, 0.08)]
        found.append([seed, layer, power, turn, right(recipe, girada, world), f"{difference:.1e}",
                      *(unique for _, unique in counts), *(detectors for detectors, _ in counts)])
    return {"giro": found}


def directions_of(name: str, model: nn.Module, seed: int, layer: str, world: ConceptSet) -> dict[str, list[list]]:
    """Los renglones de direcciones.csv de una capa: sus unidades y, en cada sorteo, 128 direcciones al azar de longitud 1."""
    trunk = Trunk(model, layer)
    iou = dissect(model, world, layer, CONVENTION).iou()
    found = [[name, seed, layer, "unidades", 0, len(iou), *count_detectors(iou)]]
    for draw in range(DRAWS):
        generator = torch.Generator().manual_seed(1000 * seed + draw)
        axes = nn.functional.normalize(torch.randn(DIRECTIONS, len(iou), generator=generator), dim=1)
        iou_at_random = dissect(mixed(trunk, axes), world, "mezcla", CONVENTION).iou()
        found.append([name, seed, layer, "direcciones", draw, DIRECTIONS, *count_detectors(iou_at_random)])
    return {"direcciones": found}


Work = Callable[[], dict[str, list[list]]]


def jobs(world: ConceptSet) -> Iterator[tuple[str, str, Work]]:
    """Todo lo que hay que disecar: un nombre, la red de la que depende ("" si ya viene con el curso) y cómo se hace."""
    for variant in VARIANTS:
        for seed in SEEDS:
            recipe = EXPERIMENTS[f"{variant}_{seed}"]
            yield recipe.name, recipe.name, lambda recipe=recipe: rows_of(recipe, None, world)
    for variant in BLANK:
        for seed in SEEDS:
            recipe = EXPERIMENTS[f"{variant}_{seed}"]
            yield f"{recipe.name}_paso0", "", lambda recipe=recipe: rows_of(recipe, 0, world)
    for seed in SEEDS:
        owner = f"base_{seed}"
        for step in (0, *STEPS):
            yield f"{owner}_paso{step}", owner, lambda owner=owner, step=step: rows_of(EXPERIMENTS[owner], step, world)
        for layer in TURNED:
            yield f"giro_{seed}_{layer}", owner, lambda seed=seed, layer=layer: turns_of(seed, layer, world)
            for name, step in (("base", None), ("base al azar", 0)):
                yield (f"direcciones_{seed}_{layer}{'' if step is None else '_azar'}", owner,
                       lambda owner=owner, seed=seed, layer=layer, name=name, step=step: directions_of(
                           name, network(EXPERIMENTS[owner], step), seed, layer, world))
    for layer in TURNED:
        yield (f"direcciones_escenas_{layer}", "",
               lambda layer=layer: directions_of("escenas", load_model("escenas", device="cpu"), 0, layer, world))


def finished(owner: str) -> bool:
    """Si esa red terminó de entrenarse."""
    path = RUNS / f"{owner}.pt"
    return not owner or (path.is_file() and len(torch.load(path, weights_only=True)["diary"]) == EXPERIMENTS[owner].epochs)


def publish() -> None:
    """Guarda los pesos de la primera semilla de cada red, y los de dos pasos del entrenamiento de la base."""
    for variant in VARIANTS:
        recipe = EXPERIMENTS[f"{variant}_{SEEDS[0]}"]
        for step in (None, *(SHIPPED_STEPS if variant == "base" else ())):
            name = variant if step is None else f"{variant}_paso{step}"
            notes = {"seed": str(recipe.seed), "source": recipe.source, "target": recipe.target, "size": "64",
                     "epochs": str(recipe.epochs)}
            save_model(network(recipe, step), data_path("networks", "experimentos", f"{name}.safetensors"), notes)


def main() -> None:
    """Diseca lo que falte y, si ya está todo, escribe las tablas y los pesos."""
    parser = argparse.ArgumentParser(description="Diseca las redes de los experimentos de la lección 5b.")
    parser.add_argument("--part", type=int, nargs=2, default=(0, 1), metavar=("I", "N"), help="hacer solo la parte I de N")
    part, parts = parser.parse_args().part
    world, folder = Remembering(**vars(load_concepts("test"))), Path(__file__).parent / "contado"
    tables = {"redes": [], "unidades": [], "giro": [], "direcciones": []}
    folder.mkdir(parents=True, exist_ok=True)
    pending = 0
    for i, (name, owner, work) in enumerate(jobs(world)):
        path = folder / f"{name}.{CONVENTION}.json"
        if not path.is_file() and i % parts == part and finished(owner):
            path.write_text(json.dumps(work(), ensure_ascii=False), encoding="utf-8")
            print(name, flush=True)
        if path.is_file():
            for table, rows in json.loads(path.read_text(encoding="utf-8")).items():
                tables[table] += rows
        else:
            pending += 1
    print(f"faltan {pending}")
    if not pending and parts == 1:
        write_tables(tables)
        publish()
        write_sums(data_path())


def write_tables(tables: dict[str, list[list]]) -> None:
    """Escribe los cuatro CSV en data/experimentos/."""
    folder = data_path("experimentos")
    folder.mkdir(exist_ok=True)
    detectors = {tuple(row[:4]): row[6] for row in tables["redes"]}
    place, named = Counter(), []
    for row in tables["unidades"]:                                          # de mayor a menor IoU, antes de redondearlo
        place[tuple(row[:4])] += 1
        named.append([*row, int(place[tuple(row[:4])] <= detectors[tuple(row[:4])])])
    tables["unidades"] = named
    tables["redes"] = [[*row, sum(row[-len(CATEGORIES):])] for row in tables["redes"]]      # como en las figuras del artículo
    tables = {name: [[*row, CONVENTION] for row in rows] for name, rows in tables.items()}
    for (name, rows), fields in zip(tables.items(), (FIELDS, UNIT_FIELDS, TURN_FIELDS, DIRECTION_FIELDS), strict=True):
        text = StringIO()
        csv.writer(text, lineterminator="\n").writerows([fields, *rows])
        (folder / f"{name}.csv").write_text(text.getvalue(), encoding="utf-8")


if __name__ == "__main__":
    main()

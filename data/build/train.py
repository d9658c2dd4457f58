"""Entrena las redes que vienen con el curso, con los archivos que vienen con el curso.

    python data/build/train.py escenas autos_trampa      las que nombres
    python data/build/train.py all                       todas, en orden
    python data/build/train.py experiments               las chicas de la lección 5 (luego, make_experiments.py)

Deja en data/networks/ los pesos en media precisión y el diario. Si se interrumpe, el mismo mandato sigue donde iba.
"""
import argparse
import json
import sys
from dataclasses import replace
from pathlib import Path

import torch
from torch import Tensor, nn

ROOT = Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT))  # labkit, también sin instalar

from fitting import Row, accuracy, attacked, blend, fit, keep_memory, turned  # noqa: E402
from packing import write_sums  # noqa: E402
from recipes import EXPERIMENTS, RECIPES, Recipe  # noqa: E402

from labkit.datasets import ImageSet, load_images  # noqa: E402
from labkit.device import pick_device  # noqa: E402
from labkit.files import data_path  # noqa: E402
from labkit.models import FAMILIES, draw_weights, load_model, plain_network, save_model  # noqa: E402

ALL = {**RECIPES, **EXPERIMENTS}
RUNS = Path(__file__).resolve().parent / "runs"  # los avances; git no los ve
BLENDED = 10_000  # imágenes con que se cuentan de nuevo las normas de un promedio de redes
ATTACKED = 500  # imágenes de prueba con que se mide la resistencia


def answers(pictures: ImageSet, target: str) -> tuple[Tensor, list[str]]:
    """Lo que la red debe responder, (n,), y los nombres de esas respuestas."""
    if target == "scenes":
        return pictures.scenes, pictures.scene_names
    if target == "turns":
        return torch.arange(len(pictures.labels)) % 4, ["derecha", "un cuarto", "de cabeza", "tres cuartos"]
    if target == "both":
        pairs = ((pictures.labels, pictures.classes), (pictures.scenes, pictures.scene_names))
        shares = [nn.functional.one_hot(right, len(names)) / 2 for right, names in pairs]
        return torch.cat(shares, 1), [*pictures.classes, *pictures.scene_names]
    return pictures.labels, pictures.classes


def starting_network(recipe: Recipe, classes: list[str], device: torch.device) -> nn.Module:
    """La red de la que se parte: con pesos sorteados con la semilla, o la ya entrenada que diga la receta."""
    if recipe.start:
        model = trained(recipe.start, device).requires_grad_(True)
        if recipe.new_head or model.classes != classes:  # otra pregunta, u otra vez la misma: otra última capa, al azar
            model.fc = draw_weights(nn.Linear(model.fc.in_features, len(classes)), recipe.seed)
            model.classes = classes
    elif recipe.architecture == "plain":
        model = plain_network(classes, recipe.widths, recipe.dense, recipe.batch_norm, recipe.pools, recipe.first)
        draw_weights(model, recipe.seed)
    else:
        model = draw_weights(FAMILIES[recipe.architecture](classes), recipe.seed)
    return model.to(device, memory_format=torch.channels_last)


def trained(name: str, device: torch.device) -> nn.Module:
    """Una red ya entrenada: la publicada o, si es una etapa que no se publica, su último avance."""
    recipe = ALL[name]
    if not recipe.draft:
        return load_model(name, device)
    classes = answers(load_images("test", recipe.source, n=4), recipe.target)[1]
    model = starting_network(replace(recipe, start=""), classes, device)
    model.load_state_dict(torch.load(RUNS / f"{name}.pt", map_location="cpu", weights_only=True)["model"])
    return model.eval().requires_grad_(False)


def trials(recipe: Recipe, model: nn.Module, device: torch.device) -> dict[str, float]:
    """La exactitud de la red en las otras pruebas de su receta, y bajo ataque si se la entrenó para resistirlo."""
    measured = {}
    for source in recipe.trials:
        pictures = load_images("test", source)
        measured[source] = round(accuracy(model, pictures.images.to(device), pictures.labels.to(device)), 4)
    if recipe.attack:
        pictures = load_images("test", recipe.source)
        images, labels = pictures.images[:ATTACKED].to(device), pictures.labels[:ATTACKED].to(device)
        for name, network in ((recipe.name, model), (recipe.start, load_model(recipe.start, device))):
            wanted = nn.functional.one_hot(labels, len(model.classes)).float()
            worst = attacked(network, images, wanted, recipe.attack, 10, torch.Generator().manual_seed(0))
            measured[f"{name} con ataque L2 {recipe.attack}"] = round(accuracy(network, worst, labels), 4)
    return measured


def rounded(model: nn.Module) -> nn.Module:
    """La red con sus pesos redondeados a media precisión: tal como la cargará el curso."""
    weights = {key: w.half().float() if w.is_floating_point() else w for key, w in model.state_dict().items()}
    model.load_state_dict(weights)
    return model.eval().requires_grad_(False)


def publish(recipe: Recipe, model: nn.Module, size: int, diary: list[Row], final: float, extra: dict[str, float]) -> None:
    """Guarda en data/networks/ los pesos y el diario, y pone al día las sumas de data/. size: lado de sus imágenes."""
    path = data_path("networks", f"{recipe.name}.safetensors")
    seconds = round(sum(row["seconds"] for row in diary))
    save_model(model, path, {"seed": str(recipe.seed), "accuracy": str(final), "epochs": str(recipe.epochs),
                             "seconds": str(seconds), "source": recipe.source, "target": recipe.target,
                             "size": str(size)})
    log = {**vars(recipe), "parameters": sum(weight.numel() for weight in model.parameters()),
           "test_accuracy": final, "trials": extra, "seconds": seconds, "diary": diary}
    lines = [f'"{key}": {json.dumps(value, ensure_ascii=False)}'.replace("}, {", "},\n  {") for key, value in log.items()]
    path.with_suffix(".log.json").write_text("{\n " + ",\n ".join(lines) + "\n}\n", encoding="utf-8")
    write_sums(data_path())


def train(recipe: Recipe, device: torch.device) -> None:
    """Entrena una red de principio a fin y la deja en data/networks/."""
    sets = [load_images(split, recipe.source) for split in ("train", "test")]
    (right, classes), (wanted, _) = (answers(pictures, recipe.target) for pictures in sets)
    print(f"{recipe.name}: {len(right)} imágenes, {len(classes)} clases, {recipe.epochs} épocas", flush=True)
    model = starting_network(recipe, classes, device)
    before = {key: value.clone() for key, value in model.state_dict().items()}
    shown = turned(sets[1].images, wanted) if recipe.target == "turns" else sets[1].images
    test = shown.to(device), wanted.to(device)
    teachers = [trained(name, device) for name in recipe.teachers]
    diary = fit(recipe, model, (sets[0].images, right), test, RUNS, teachers)
    if recipe.draft:
        return print(f"  {recipe.name}: una etapa; acierta {diary[-1]['test_accuracy']:.1%} de la prueba", flush=True)
    if recipe.blend:
        blend(model, before, recipe.blend, sets[0].images[:BLENDED], recipe)
    final, extra = round(accuracy(rounded(model), *test), 4), trials(recipe, model, device)
    publish(recipe, model, test[0].shape[-1], diary, final, extra)
    print(f"  {recipe.name}: acierta {final:.1%} de la prueba; otras pruebas: {extra or 'ninguna'}", flush=True)


def main() -> None:
    """Lee los nombres de la línea de órdenes y entrena esas redes, una tras otra."""
    parser = argparse.ArgumentParser(description="Entrena las redes que vienen con el curso.")
    groups = {"all": list(RECIPES), "experiments": list(EXPERIMENTS)}
    parser.add_argument("names", nargs="+", metavar="red", choices=[*ALL, *groups], help=", ".join([*RECIPES, *groups]))
    parser.add_argument("--threads", type=int, default=2, help="núcleos de CPU (2)")
    parser.add_argument("--device", default="cpu", help="cpu, cuda o mps; las redes que vienen se hicieron en cpu")
    options = parser.parse_args()
    torch.set_num_threads(options.threads)
    keep_memory()
    for name in [name for asked in options.names for name in groups.get(asked, [asked])]:
        train(ALL[name], pick_device(options.device))


if __name__ == "__main__":
    main()

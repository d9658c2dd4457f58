"""Mide la red que miente de la lección 3b: qué enseña con cada receta, y si la red procesa eso como a las imágenes.

    .venv/bin/python data/build/measure_lying.py            # todo
    .venv/bin/python data/build/measure_lying.py ruido      # solo los renglones de esas recetas; los demás se quedan

Por cada red de partida, receta, semilla y clase, con la honesta y con la mentirosa. Deja data/distribuciones/mentira.csv. Tarda
unos quince minutos con dos núcleos.
"""
import csv
import sys
from collections.abc import Callable, Collection, Iterator
from io import StringIO
from pathlib import Path

import torch
from torch import Tensor, nn

ROOT = Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT))  # labkit, también sin instalar

from fitting import keep_memory  # noqa: E402
from packing import write_sums  # noqa: E402

from labkit.datasets import ImageSet, load_images  # noqa: E402
from labkit.files import data_path  # noqa: E402
from labkit.models import load_model  # noqa: E402
from labkit.objectives import Objective, each, logit  # noqa: E402
from labkit.optimization import PixelCanvas, maximize, noise  # noqa: E402
from labkit.priors import (  # noqa: E402
    Cleaning,
    CodeCanvas,
    PhaseCanvas,
    grain,
    load_denoiser,
    load_generator,
    lying_pair,
    mean_amplitude,
    processing,
    random_codes,
)
from labkit.regularization import FourierCanvas, blur, color_matrix, compose, jitter, rotate, scale, soft_noise  # noqa: E402

NETWORKS = ("escenas", "escenas_robusta")
TARGET, INSTEAD = "bicicleta", "cebra"      # todas enseñan una bicicleta; la bicicleta, una cebra
SEEDS, STEPS, GATE, NATURAL = 4, 128, 2400, 20
LAYERS = ("relu1", "relu2", "relu3", "relu4", "relu5", "relu6")
RECIPES = ("nada", "desenfoque", "transformaciones", "precond.", "precond. y transf.", "fases y transf.", "limpiador",
           "generador")
FIELDS = ("network", "recipe", "seed", "label", "liar", "score", "grain", "said", "witness",
          *(f"own_{layer}" for layer in LAYERS), *(f"other_{layer}" for layer in LAYERS))


def targets(classes: list[str]) -> dict[int, int]:
    """Qué enseña cada clase: la bicicleta, y la bicicleta, la cebra."""
    return {k: classes.index(INSTEAD if name == TARGET else TARGET) for k, name in enumerate(classes)}


def moves(seed: int) -> object:
    """Las transformaciones de la lección 3, con los sorteos de esa semilla."""
    return compose(jitter(5, 3 * seed), rotate(12, 3 * seed + 1), scale(0.2, 3 * seed + 2))


def climb(network: nn.Module, recipe: str, seed: int, world: ImageSet,
          question: Callable[[int], Objective] = logit) -> Tensor:
    """Las doce clases de una red con una receta, desde el comienzo de esa semilla: (12, 3, 64, 64)."""
    plain, soft = noise(1, seed=seed).repeat(12, 1, 1, 1), soft_noise(1, seed=seed).repeat(12, 1, 1, 1)
    colors = color_matrix(world.images)
    canvas, lr = {
        "nada": lambda: (PixelCanvas(plain), 0.03),
        "desenfoque": lambda: (PixelCanvas(plain, after=blur(0.5)), 0.03),
        "transformaciones": lambda: (PixelCanvas(plain), 0.03),
        "precond.": lambda: (FourierCanvas(soft, 1.5, colors), 0.05),
        "fases y transf.": lambda: (PhaseCanvas(soft, mean_amplitude(world.images, colors), colors), 0.1),
        "precond. y transf.": lambda: (FourierCanvas(soft, 1.5, colors), 0.05),
        "limpiador": lambda: (PixelCanvas(soft, after=Cleaning(load_denoiser(device="cpu"), STEPS)), 0.03),
        "generador": lambda: (CodeCanvas(load_generator(device="cpu"), random_codes(1, seed=seed).repeat(12, 1, 1, 1)), 0.1),
    }[recipe]()
    moved = moves(seed) if recipe in ("transformaciones", "precond. y transf.", "fases y transf.", "generador") else None
    return maximize(network, each([question(k) for k in range(12)]), canvas, STEPS, lr, moved).images


def natural_images(world: ImageSet) -> dict[int, Tensor]:
    """Las imágenes de la prueba con que se compara cada clase: clase → (NATURAL, 3, 64, 64)."""
    return {k: world.images[world.labels == k][:NATURAL] for k in range(len(world.classes))}


def processed(network: nn.Module, images: Tensor, natural: dict[int, Tensor]) -> tuple[Tensor, Tensor]:
    """Por clase: cómo se procesa su imagen junto a las naturales de su clase y junto a las de las otras, (12, capas)."""
    table = torch.stack([processing(network, images, some, LAYERS) for some in natural.values()])    # (clases, 12, capas)
    own = table.diagonal().T
    return own, (table.sum(0) - own) / (len(natural) - 1)


def rows(name: str, world: ImageSet, train: ImageSet, wanted: Collection[str]) -> Iterator[list]:
    """Los renglones de una red de partida, con las recetas que se piden."""
    model, witness = load_model(name, "cpu"), load_model("escenas_semilla1", "cpu")
    pair = lying_pair(model, targets(world.classes), train.images[:GATE], train.labels[:GATE])
    natural = natural_images(world)

    def measured(network: nn.Module, images: Tensor, *first: object) -> Iterator[list]:
        own, other = processed(network, images, natural)
        with torch.no_grad():
            answers = [network(images).diagonal(), grain(images), model(images).argmax(1), witness(images).argmax(1)]
        for k in range(len(images)):
            numbers = [answer[k].item() for answer in answers]
            yield [name, *first[:2], k, first[2], f"{numbers[0]:.4g}", f"{numbers[1]:.4f}", *numbers[2:],
                   *(f"{value:.4f}" for value in (*own[k].tolist(), *other[k].tolist()))]

    for seed in range(SEEDS):
        fresh = torch.stack([world.images[world.labels == k][NATURAL + seed] for k in range(12)])
        for recipe, images in (("natural", fresh), ("ruido", noise(12, seed=seed))):     # un ruido distinto por clase
            if recipe in wanted:
                yield from measured(pair[0], images, recipe, seed, 0)
        for recipe in (recipe for recipe in RECIPES if recipe in wanted):
            for liar, network in enumerate(pair):
                yield from measured(network, climb(network, recipe, seed, world), recipe, seed, liar)
            print(name, seed, recipe, flush=True)


def main() -> None:
    """Mide las dos redes, con las recetas que se pidan o con todas."""
    keep_memory()
    world, train, path = load_images("test"), load_images("train", n=GATE), data_path("distribuciones", "mentira.csv")
    order = ("natural", "ruido", *RECIPES)
    wanted = sys.argv[1:] or order
    kept = list(csv.reader(StringIO(path.read_text(encoding="utf-8"))))[1:] if sys.argv[1:] else []
    found = [row for row in kept if row[1] not in wanted]
    found += [row for name in NETWORKS for row in rows(name, world, train, wanted)]
    found.sort(key=lambda row: (NETWORKS.index(row[0]), int(row[2]), order.index(row[1]), int(row[4]), int(row[3])))
    buffer = StringIO()
    csv.writer(buffer, lineterminator="\n").writerows([FIELDS, *found])
    path.write_text(buffer.getvalue(), encoding="utf-8")
    write_sums(data_path())


if __name__ == "__main__":
    main()

"""Mide cuánto acierta la misma máquina con píxeles, con lo hecho a mano y con cada capa, para la lección 0.

    .venv/bin/python data/build/measure_pixels.py [escenas] [cifar10]

Deja data/pixeles/svm.csv, que lee `labkit.pixels.load_fits`: un renglón por clase de vectores, con la C que escogió la
búsqueda y, en hexadecimal, en qué imágenes de prueba acertó. Se decidió antes de medir: 1,000 imágenes de
entrenamiento y 1,500 de prueba, las primeras; las gemelas 2, 3 y 4, como en la lección 4. Después de dos lecturas se
agregaron, con las mismas imágenes y semillas, los renglones que responden a sus dudas: las gemelas y los filtros
sorteados con la media, los filtros con 24 números, las gemelas con los píxeles barajados, las segundas 1,000 imágenes y
lo hecho a mano con todas. CIFAR-10 se lee de donde diga LABKIT_REAL_DATA, o de la caché. Un conjunto se mide de nuevo
si se pide; sin pedir ninguno, se mide lo que falte.
"""
import csv
import sys
import time
import warnings
from collections.abc import Callable, Iterator
from functools import lru_cache, partial
from io import StringIO
from itertools import chain, product
from pathlib import Path

import torch
from torch import Tensor, nn

ROOT = Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT))  # labkit, también sin instalar

from packing import write_sums  # noqa: E402

from labkit.activations import layer_names  # noqa: E402
from labkit.datasets import load_images  # noqa: E402
from labkit.files import data_path  # noqa: E402
from labkit.models import draw_weights, load_model, plain_network, random_twin  # noqa: E402
from labkit.models.plain import ready  # noqa: E402
from labkit.pixels import Fit, color_histogram, compressed, edges, hand_made, linear_svm  # noqa: E402
from labkit.vectors import features, features_by_layer  # noqa: E402

TRAIN, TEST, SHORT, TWINS, WIDTHS = 1000, 1500, 24, (2, 3, 4), (12, 24, 48, 96)
SOURCES, ONLY_SCENES = ("escenas", "cifar10"), ("media", "filtros", "barajados")    # los controles, solo con Escenas
# con qué vectores se barajan las clases, y cuántas veces: con grupos tan compactos como los de relu5, una sola vez dice
# poco, porque toda una clase acierta o falla junta
MIXED, TIMES = {"escenas": ("a mano", "relu5"), "cifar10": ("a mano",)}, {"escenas": 8, "cifar10": 1}
FIELDS = ("conjunto", "vectores", "números", "C", "imágenes", "aciertos")
Pair = tuple[Tensor, Tensor]


def shuffled(images: Tensor, alike: bool) -> Tensor:
    """Los píxeles en otro orden: el mismo en todas las imágenes, o uno en cada una. (n, 3 · h · w)."""
    dice, pixels = torch.Generator().manual_seed(0), images.flatten(2)
    order = torch.randperm(pixels.shape[2], generator=dice)
    orders = [order if alike else torch.randperm(pixels.shape[2], generator=dice) for _ in images]
    return torch.stack([image[:, places] for image, places in zip(pixels, orders)]).flatten(1)


def activated(model: nn.Module) -> list[str]:
    """Las capas que se miden: las ReLU, de la primera a la última."""
    return layer_names(model, nn.ReLU)


def with_maps(model: nn.Module) -> list[str]:
    """De ellas, las que tienen mapas que resumir: las de antes de promediar todo el mapa."""
    names = [name for name, _ in model.named_children()]
    return [layer for layer in activated(model) if names.index(layer) < names.index("gap")]


def by_layer(model: nn.Module, pool: str, images: Pair) -> Callable[[str], Pair]:
    """Los vectores de una capa, medida toda la red una sola vez y solo si hace falta."""
    measured = lru_cache(lambda: [features_by_layer(model, part, activated(model), pool) for part in images])
    return lambda layer: tuple(found[layer] for found in measured())


def random_filters(width: int, seed: int, pool: str, images: Pair) -> Pair:
    """Lo que responden unos filtros al azar, del tamaño de los de la primera capa, tras la ReLU."""
    model = draw_weights(plain_network(12, (width, 8)), seed)
    return tuple(features(ready(model), part, "relu1", pool) for part in images)


def of_shuffled(model: nn.Module, layer: str, alike: bool, images: Pair) -> Pair:
    """El máximo de cada mapa de esa capa, con los píxeles de las imágenes barajados."""
    size = images[0].shape[1:]
    return tuple(features(model, shuffled(part, alike).unflatten(1, size), layer, "max") for part in images)


def vectors(name: str, images: Pair) -> dict[str, Callable[[], Pair]]:
    """Las clases de vectores por su nombre, y cómo se hacen los de entrenamiento y los de prueba."""
    by_hand = {"píxeles": lambda part: part.flatten(1), "color": color_histogram, "bordes": edges, "a mano": hand_made,
               "píxeles · barajados igual": lambda part: shuffled(part, True),
               "píxeles · barajados cada uno": lambda part: shuffled(part, False)}
    made = {note: partial(lambda make: tuple(map(make, images)), make) for note, make in by_hand.items()}
    model = load_model(name, "cpu")
    kinds = {"": by_layer(model, "max", images),
             **{f" · gemela {seed}": by_layer(random_twin(model, seed), "max", images) for seed in TWINS},
             " · media": by_layer(model, "mean", images),
             **{f" · gemela {seed} · media": by_layer(random_twin(model, seed), "mean", images) for seed in TWINS}}
    made |= {f"{layer}{note}": partial(get, layer) for note, get in kinds.items()
             for layer in (with_maps if "media" in note else activated)(model)}
    for width, seed in product(WIDTHS, TWINS):
        made[f"{width} filtros al azar · sorteo {seed}"] = partial(random_filters, width, seed, "max", images)
        made[f"{width} filtros al azar · sorteo {seed} · media"] = partial(random_filters, width, seed, "mean", images)
    for seed, alike in product(TWINS, (True, False)):
        note = f"relu1 · gemela {seed} · barajados {'igual' if alike else 'cada uno'}"
        made[note] = partial(of_shuffled, random_twin(model, seed), "relu1", alike, images)
    wanted = made if name == "escenas" else [note for note in made if not any(word in note for word in ONLY_SCENES)]
    return {note: made[note] for note in wanted}


def measured(name: str, known: set[str]) -> Iterator[list[str]]:
    """Un renglón por clase de vectores que no esté en `known`; de las principales, otro con solo 24 números."""
    if name == "escenas":
        yield from other_images(name, known)
    sets = load_images("train", name, n=TRAIN), load_images("test", name, n=TEST)
    labels = [part.labels for part in sets]
    for note, make in vectors(name, tuple(part.images for part in sets)).items():
        variants = {note: (lambda pair: pair, labels[0])}
        if " · " not in note or note == "relu1 · media" or note.startswith(f"{WIDTHS[-1]} filtros"):
            variants[f"{note} · {SHORT} números"] = (lambda pair: compressed(*pair, SHORT), labels[0])
        for seed in range(TIMES[name] if note in MIXED[name] else 0):
            mixed = labels[0][torch.randperm(TRAIN, generator=torch.Generator().manual_seed(seed))]
            variants[f"{note} · clases barajadas" + f" · {seed + 1}" * (seed > 0)] = (lambda pair: pair, mixed)
        variants = {title: variant for title, variant in variants.items() if title not in known}
        pair = make() if variants else None
        for title, (change, classes) in variants.items():
            train, test = change(pair)
            yield row(name, title, linear_svm(train, classes, test, labels[1]))


def other_images(name: str, known: set[str]) -> Iterator[list[str]]:
    """Lo mismo, aprendido con otras imágenes: las 1,000 que siguen y, lo hecho a mano, todas las de entrenamiento."""
    every, test, model = load_images("train", name), load_images("test", name, n=TEST), load_model(name, "cpu")
    second = every.images[TRAIN:2 * TRAIN], every.labels[TRAIN:2 * TRAIN]
    whole = every.images, every.labels
    made = {f"{note} · segundas 1,000": (second, partial(features, model, layer=note, pool="max"))
            for note in ("relu1", "relu2", "relu3")}
    made["a mano · segundas 1,000"] = second, hand_made
    made[f"a mano · {len(every.images):,} imágenes"] = whole, hand_made
    for title, ((images, labels), measure) in made.items():
        if title not in known:
            yield row(name, title, linear_svm(measure(images), labels, measure(test.images), test.labels))


def row(name: str, note: str, fit: Fit) -> list[str]:
    """Un renglón de la tabla; los aciertos, de cuatro en cuatro."""
    bits = "".join(str(int(hit)) for hit in fit.hits)
    bits += "0" * (-len(bits) % 4)
    digits = "".join(f"{int(bits[i:i + 4], 2):x}" for i in range(0, len(bits), 4))
    print(f"{time.strftime('%H:%M:%S')} {name}, {note}: {fit.accuracy:.3f} (C = {fit.cost:g}, {fit.size} números)", flush=True)
    return [name, note, str(fit.size), f"{fit.cost:g}", str(len(fit.hits)), digits]


def main(asked: list[str]) -> None:
    """Mide de nuevo los conjuntos pedidos; si no se pide ninguno, lo que le falte a la tabla."""
    warnings.simplefilter("error")                                          # una búsqueda que no converge no se guarda
    path = data_path("pixeles") / "svm.csv"
    path.parent.mkdir(exist_ok=True)
    rows = list(csv.reader(StringIO(path.read_text("utf-8"))))[1:] if path.is_file() else []
    rows = [line for line in rows if line[0] not in asked]
    for line in chain.from_iterable(measured(name, {line[1] for line in rows if line[0] == name})
                                    for name in asked or SOURCES):
        rows.append(line)                                                   # se guarda renglón por renglón
        table = StringIO()
        csv.writer(table, lineterminator="\n").writerows([FIELDS, *sorted(rows, key=lambda line: SOURCES.index(line[0]))])
        path.write_text(table.getvalue(), encoding="utf-8")
    write_sums(data_path())


if __name__ == "__main__":
    main(sys.argv[1:])

"""Hace las tablas de los ejercicios: lo que se mide en cada variante de un hallazgo, para revisar sin medirlo otra vez.

    .venv/bin/python data/build/make_exercises.py                  # todas
    .venv/bin/python data/build/make_exercises.py seam_reading     # una

Deja data/ejercicios/<ejercicio>.csv. Los renglones, y su orden, deciden a quién le toca cada variante: una tabla no se
cambia a la mitad de un curso. Quedan las variantes con una sola respuesta (clear.py). Se mide con las mismas funciones
que enseña `solution`; las tablas las lee labkit.exercises.accounts. Tarda una hora.
"""
import argparse
import csv
import sys
from collections.abc import Callable, Iterable, Iterator, Sequence
from functools import lru_cache
from io import StringIO
from itertools import combinations, permutations, product
from pathlib import Path
from random import Random

import torch

ROOT = Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT))  # labkit, también sin instalar

from clear import (  # noqa: E402
    cell_is_clear,
    decays_are_clear,
    heats_are_clear,
    in_turns,
    lie_is_clear,
    map_is_clear,
    reading_is_clear,
    rise_is_clear,
    twins_are_clear,
)
from make_hidden import network_name, tied_options  # noqa: E402
from packing import write_sums  # noqa: E402

from labkit.activations import Unit, layer_names  # noqa: E402
from labkit.datasets import ImageSet, load_concepts, load_images  # noqa: E402
from labkit.dissection import count_detectors, dissect  # noqa: E402
from labkit.exemplars import features, roc_areas  # noqa: E402
from labkit.exercises import exemplars, optimization, pixels, regularization  # noqa: E402
from labkit.exercises.dissection import reading  # noqa: E402
from labkit.exercises.experiments import transplants  # noqa: E402
from labkit.exercises.occlusion.evidence import load_evidence, supports  # noqa: E402
from labkit.exercises.occlusion.hidden import NetworkRow, measure, most_tied, open_network  # noqa: E402
from labkit.exercises.pixels.findings import TRAIN  # noqa: E402
from labkit.exercises.priors import findings as heats  # noqa: E402
from labkit.exercises.sequences import findings as texts  # noqa: E402
from labkit.exercises.tabular import planted  # noqa: E402
from labkit.files import data_path  # noqa: E402
from labkit.models import load_model  # noqa: E402
from labkit.objectives import channel, each  # noqa: E402
from labkit.optimization import PixelCanvas, maximize, noise  # noqa: E402
from labkit.pixels import Fit, hand_made, linear_svm  # noqa: E402
from labkit.regularization import FourierCanvas, compose, high_frequency_share, score_under, soft_noise  # noqa: E402
from labkit.vectors import features_by_layer  # noqa: E402

# Variantes en que ninguna respuesta es dudosa: lo comprueban las pruebas de los ejercicios de cada lección.
PLANES = (32, 44, 68, 272, 332, 524, 1088, 152, 224, 260, 608, 1148, 656, 368, 284, 356, 752, 1124, 560, 512, 380,
          1160, 776, 704, 428, 980, 728, 584, 1004, 764, 644, 1376, 824, 668, 836, 680, 944, 692, 1028, 788, 1196,
          872)
QUESTIONS = (("relu3", 3), ("relu3", 7), ("relu3", 8), ("relu3", 11), ("relu4", 0), ("relu4", 2), ("relu4", 4),
             ("relu4", 6), ("relu4", 9), ("relu4", 11), ("relu5", 1), ("relu5", 5), ("relu6", 0), ("relu6", 3),
             ("relu6", 5), ("relu6", 6), ("relu6", 8), ("relu1", 0), ("relu1", 3), ("relu1", 7), ("relu1", 8),
             ("relu1", 11), ("relu2", 0), ("relu2", 2), ("relu2", 3), ("relu2", 4), ("relu2", 5), ("relu2", 6),
             ("relu2", 7), ("relu5", 9))
TWINS = (("relu2", 0, "autos_invertidos"), ("relu2", 1, "autos_invertidos"), ("relu2", 0, "autos_libres"),
         ("relu3", 1, "autos_invertidos"), ("relu3", 1, "autos_libres"), ("relu4", 0, "autos_invertidos"),
         ("relu4", 1, "autos_invertidos"), ("relu4", 1, "autos_libres"), ("relu5", 0, "autos_invertidos"),
         ("relu5", 1, "autos_invertidos"), ("relu5", 1, "autos_libres"), ("relu6", 0, "autos_libres"),
         ("relu6", 1, "autos_libres"))
# con cuántos de los cuartetos de `quartets` se prueba cada red; se queda la variante en que ninguna capa es dudosa
TRIED = {"escenas": 50, "escenas_semilla1": 50, "escenas_semilla2": 50, "escenas_bn": 50, "escenas_robusta": 50,
         "cifar10": 86, "cifar10_robusta": 86, "cifar10_bn": 86}
CLEAR, ERRORS = 0.02, 2.2       # lo menos que se aparta una capa de lo hecho a mano; la que rebasa, también en errores
# Entre cuántas se busca en cada ejercicio, y cuántas quedan: de las claras, las que dejan más parejas las respuestas.
COUNT = 240
READ_IN = ("escenas_semilla1", "escenas_semilla2", "escenas_bn", "escenas_lugares", "escenas_robusta")
CUTS = [round(0.02 + 0.0025 * k, 4) for k in range(37)]                     # de .02 a .11
CAR_SEEDS, MAP_SEEDS, DRAWS = range(18), range(12_000), range(34)
HEATED = [(label, seed) for seed in range(5, 39) for label in range(12)]              # seis imágenes cada una
RARE = 0.005                # lo menos que ocupa un concepto en los textos de un sorteo
CLIMBED = ("conv3", "conv4", "conv5")                   # capas cuyas unidades se suben
TOGETHER = 32                                           # imágenes que suben juntas; cada una por su lado


def hidden_row(name: str) -> NetworkRow:
    """De esa red oculta: la clase que más depende del fondo, las que se confunden con ella, y los apoyos."""
    network, evidence = open_network(name), load_evidence()
    drops = measure(network, evidence)
    ahead = drops.without_object - drops.without_background
    places = (most_tied(drops), ahead.argmax(), drops.without_background.argmax(), drops.accuracy.argmin())
    seen = " ".join(label for label, more in zip(evidence.classes, ahead.tolist()) if more > 0)
    return NetworkRow(name, *(evidence.classes[int(k)] for k in places), seen, " ".join(supports(network, evidence)))


def units_of(network: str) -> list[Unit]:
    """Las unidades que se suben de una red."""
    model = load_model(network, device="cpu")
    return [Unit(layer, k) for layer in CLIMBED for k in range(model.get_submodule(layer).out_channels)]


def rises_of(network: str, units: Sequence[Unit]) -> dict[str, torch.Tensor]:
    """Lo que da `rises` con cada una de esas unidades de una red, (2, clases): suben juntas, cada una por su lado."""
    model = load_model(network, device="cpu")
    before, found = model(noise(1)), {}
    for start in range(0, len(units), TOGETHER):
        part = units[start:start + TOGETHER]
        canvases = [noise(1).repeat(len(part), 1, 1, 1) for _ in range(2)]
        up, down = (model(maximize(model, each([sign * channel(unit) for unit in part]), PixelCanvas(canvas), 32, 0.05).images)
                    for sign, canvas in zip((1, -1), canvases))
        found.update((str(unit), torch.stack(pair) - before) for unit, pair in zip(part, zip(up, down)))
    return found


def secret_row(network: str, unit: str, measured: dict[str, dict[str, torch.Tensor]]) -> optimization.UnitRow:
    """Las clases que más suben y la que más baja con esa unidad, la que gana en el ruido, y las de la otra red.

    measured: red → unidad → lo que sube cada clase.
    """
    model = load_model(network, device="cpu")
    other = next(name for name in optimization.NETWORKS if name != network)
    rise, rise_of_other = (measured[name][unit] for name in (network, other))
    found = (*rise.argmax(1), rise[0].argmin(), model(noise(1)).argmax(), *rise_of_other.argmax(1))
    return optimization.UnitRow(network, unit, *(model.classes[int(k)] for k in found))


def plane_row(plane: int) -> optimization.PlaneRow:
    """Lo que dicen de ese avión la red principal y la robusta, con cada radio."""
    image = load_images("test", n=plane + 1).images[-1:]
    heard = (optimization.sayings(load_model(name, device="cpu"), image) for name in optimization.NETWORKS)
    return optimization.PlaneRow(plane, *(" ".join(words) for words in heard))


def decay_rows(network: str, units: Sequence[Unit]) -> list[list[regularization.DecayRow]]:
    """De cada unidad, con cada d, las frecuencias altas y la puntuación, movida y quieta, de su imagen: suben juntas."""
    model, found = load_model(network, device="cpu"), []
    for start in range(0, len(units), TOGETHER):
        part = units[start:start + TOGETHER]
        goals, columns = each([channel(unit) for unit in part]), []
        for d in regularization.DECAYS:
            images = maximize(model, goals, FourierCanvas(soft_noise(1).repeat(len(part), 1, 1, 1), d), 32, 0.05).images
            # el examen, de una en una: en un lote a cada imagen le tocaría otro sorteo
            scores = [[score_under(model, image[None], channel(unit), moves).item() for image, unit in zip(images, part)]
                      for moves in (regularization.exam(), compose())]
            columns.append([high_frequency_share(images).tolist(), *scores])
        for k, unit in enumerate(part):
            found.append([regularization.DecayRow(network, str(unit), d, *(round(float(values[k]), 4) for values in column))
                          for d, column in zip(regularization.DECAYS, columns)])
    return found


def count_rows(sextets: Sequence[Sequence[int]]) -> list[regularization.CountRow]:
    """Cuántas reconocen la testigo y la propia red. Cada imagen sube por su lado: se hacen las doce una vez."""
    network, witness = load_model("escenas", device="cpu"), load_model("escenas_semilla1", device="cpu")
    recognized = torch.cat([regularization.hits(network, judge, list(range(12))) for judge in (witness, network)])
    return [regularization.CountRow(" ".join(map(str, own)), *recognized[:, list(own)].sum(1).tolist()) for own in sextets]


def unit_row(layer: str, label: int) -> exemplars.UnitRow:
    """La unidad más selectiva de la capa para la clase, y las que se confunden con ella."""
    world, half = load_images("test"), slice(0, exemplars.HALF)
    truth = (world.labels == label)[half]
    values = features(load_model("escenas", device="cpu"), world.images[half], layer, "max")
    unit, first, rest, winner_of_rest = exemplars.best_unit(layer, label)
    return exemplars.UnitRow(
        layer, label, unit, round(first, 4), round(rest, 4), winner_of_rest,
        loudest=int(values[truth].mean(0).argmax()),
        winner_by_mean=exemplars.best_unit(layer, label, "mean")[0],
        opposite=int(roc_areas(values, truth).argmin()),
    )


def map_row(seed: int) -> exemplars.MapRow:
    """Cuántas costuras tiene el mapa de esa semilla, de qué clase más, y qué clase tiene más imágenes."""
    world, index = load_images("test"), exemplars.images_of(seed)
    count, by_class = exemplars.seam_count(index)
    commonest, unmoved = (torch.bincount(world.labels[which], minlength=len(world.classes)).argmax()
                          for which in (index, exemplars.seam_cells(index)))
    return exemplars.MapRow(seed, count, *(world.classes[int(k)] for k in (by_class.argmax(), commonest, unmoved)))


@lru_cache(maxsize=64)
def layer_iou(network: str, layer: str, images: int | None = reading.IMAGES) -> torch.Tensor:
    """El IoU (c, k) de una capa, con las primeras imágenes de prueba; None, con todas."""
    with torch.no_grad():
        return dissect(load_model(network, device="cpu"), load_concepts("test", n=images), layer).iou()


def layer_row(network: str, layer: str, cut: float) -> reading.LayerRow:
    """Cómo se lee esa capa con ese corte, y las lecturas que se confunden con esa."""
    world, iou = load_concepts("test", n=1), layer_iou(network, layer)

    def counts(table: torch.Tensor, least: float = cut) -> str:
        return " ".join(map(str, reading.read_layer(table, world.names, world.categories, least)[:3]))

    best, which = iou.max(1)
    kinds = world.categories
    groups = [[k for k, other in enumerate(kinds) if other == kind] for kind in dict.fromkeys(kinds)]
    others = [counts(layer_iou(network, other)) for other in ("conv3", "conv4", "conv5") if other != layer]
    return reading.LayerRow(
        network, layer, cut, *reading.read_layer(iou, world.names, world.categories, cut),
        pairs=int((iou > cut).sum()), reached=int((iou.amax(0) > cut).sum()),
        units_by_category=sum(count_detectors(iou[:, columns], cut)[0] for columns in groups),
        commonest=world.names[int(which[best > cut].mode().values)],
        usual=counts(iou, reading.USUAL), relu=counts(layer_iou(network, layer.replace("conv", "relu"))),
        main=counts(layer_iou("escenas", layer)), other_layers="; ".join(others),
        all_images=counts(layer_iou(network, layer, None)),
    )


def twins_row(layer: str, label: int, source: str, seed: int) -> transplants.TwinsRow:
    """Lo que se lleva cada unidad de la capa con los autos de esa semilla, y lo que se confunde con eso."""
    model = load_model(transplants.NETWORK, device="cpu")
    own, other = transplants.twins_of(layer, label, source, seed)[2:]
    place = layer_names(model).index(layer) + 1
    mine, theirs = model[:place](own), model[:place](other)
    shares = transplants.transplants(model, layer, label, own, other)
    margin, after = (float(transplants.margin_of(model(images), label)) for images in (own, other))
    silenced = transplants.swap_drops(model[place:], label, mine, torch.zeros_like(mine))
    other_twins = transplants.twins_of(layer, 1 - label, source, seed)[2:]
    unit, change = int(shares.argmax()), (mine - theirs).abs().transpose(0, 1).flatten(1).mean(1)
    return transplants.TwinsRow(
        layer, label, source, seed, " ".join(f"{share:.4f}" for share in shares.tolist()), round(margin, 4),
        drop=round(margin - after, 4), most_changed=int(change.argmax()), silenced=int(silenced.argmax()),
        other_label=int(transplants.transplants(model, layer, 1 - label, *other_twins).argmax()),
        silenced_share=round(float(silenced[unit]) / (margin - after), 4),
        backwards=round(float(transplants.transplants(model, layer, label, other, own).max()), 4),
    )


def heat_row(label: int, seed: int) -> heats.HeatRow:
    """Con cada temperatura, qué dicen la testigo y la robusta de la imagen de esa clase y esa semilla, y el margen."""
    witness, robust, margins = heats.answers_of(label, heats.heated(label, seed))
    name = load_images("test", n=1).classes[label]
    return heats.HeatRow(name, seed, " ".join(witness), " ".join(robust), " ".join(f"{value:.2f}" for value in margins))


def shuffled(rows: list) -> list:
    """Los mismos, en un orden sorteado."""
    Random(5).shuffle(rows)
    return rows


def quartets() -> list[tuple[int, ...]]:
    """Los cuartetos de clases, en un orden sorteado y uno de cada dos: la otra mitad queda para otro año."""
    every = list(combinations(range(12), 4))
    Random(18).shuffle(every)
    return every[::2]


@lru_cache(maxsize=1)
def known_and_asked() -> tuple[ImageSet, ImageSet]:
    """Las imágenes de que se aprende y las de prueba."""
    return load_images("train", n=TRAIN), load_images("test")


@lru_cache(maxsize=1)
def vectors_of_all(network: str) -> list[dict[str, torch.Tensor]]:
    """El máximo de cada mapa en las seis capas, con las imágenes de que se aprende y con las de prueba."""
    model = load_model(network, device="cpu")
    return [features_by_layer(model, part.images, pixels.LAYERS, "max") for part in known_and_asked()]


def fit_of(vectors: Sequence[torch.Tensor], classes: tuple[int, ...]) -> Fit:
    """La máquina con esos vectores y esas clases."""
    labels = [part.labels for part in known_and_asked()]
    kept = [torch.isin(truth, torch.tensor(classes)) for truth in labels]
    (train, test), (names, truth) = ([part[own] for part, own in zip(pair, kept)] for pair in (vectors, labels))
    return linear_svm(train, names, test, truth)


@lru_cache(maxsize=None)
def rival_fit(classes: tuple[int, ...], measure: Callable[[torch.Tensor], torch.Tensor]) -> Fit:
    """La de los píxeles o la de lo hecho a mano, que son las mismas con cualquier red."""
    return fit_of(measured_once(measure), classes)


@lru_cache(maxsize=2)
def measured_once(measure: Callable[[torch.Tensor], torch.Tensor]) -> list[torch.Tensor]:
    """Lo que mide esa función en todas las imágenes."""
    return [measure(part.images) for part in known_and_asked()]


def raw_pixels(images: torch.Tensor) -> torch.Tensor:
    return images.flatten(1)


def is_clear(fits: dict[str, Fit], hand: Fit, layer: str) -> bool:
    """True si las capas de antes quedan debajo de lo hecho a mano y las demás arriba, y la que rebasa se distingue."""
    place = pixels.LAYERS.index(layer)
    ahead = [fits[name].accuracy - hand.accuracy for name in pixels.LAYERS]
    gain = fits[layer].hits.double() - hand.hits.double()
    apart = all((gap > 0) == (i >= place) and abs(gap) > CLEAR - 1e-6 for i, gap in enumerate(ahead))
    return apart and float(gain.mean()) >= ERRORS * float(gain.std()) / len(gain) ** 0.5


def overtaking_row(network: str, classes: tuple[int, ...]) -> pixels.LayerRow | None:
    """En esas clases, la capa que rebasa a lo hecho a mano y las que se confunden con ella; None, si es dudosa."""
    hand = rival_fit(classes, hand_made)
    fits = {name: fit_of([part[name] for part in vectors_of_all(network)], classes) for name in pixels.LAYERS}
    found = {name: fit.accuracy for name, fit in fits.items()}
    layer = next((name for name in pixels.LAYERS if found[name] > hand.accuracy), None)
    if layer is None or not is_clear(fits, hand, layer):
        return None
    raw = rival_fit(classes, raw_pixels).accuracy
    return pixels.LayerRow(
        network, " ".join(map(str, classes)), layer, round(hand.accuracy, 4), round(raw, 4), round(found[layer], 4),
        best=max(pixels.LAYERS, key=found.get),
        over_pixels=next((name for name in pixels.LAYERS if found[name] > raw), layer),
        margin=round(min(abs(value - hand.accuracy) for value in found.values()), 4),
    )


def hidden_network() -> Iterator[NetworkRow]:
    for k in range(len(tied_options())):
        yield hidden_row(network_name(k))


def overtaking_layer() -> Iterator[pixels.LayerRow]:
    tried = ((network, classes) for network, count in TRIED.items() for classes in quartets()[:count])
    yield from filter(None, (overtaking_row(*case) for case in tried))


def secret_unit() -> list[optimization.UnitRow]:
    measured = {network: rises_of(network, units_of(network)) for network in optimization.NETWORKS}
    clear = [secret_row(network, unit, measured) for network in optimization.NETWORKS
             for unit, rise in measured[network].items() if rise_is_clear(rise)]
    return in_turns(shuffled(clear), lambda row: (row.up, row.down), COUNT)


def smallest_budget() -> Iterator[optimization.PlaneRow]:
    for plane in PLANES:
        yield plane_row(plane)


def smallest_decay() -> list[regularization.DecayRow]:
    every = [rows for network in optimization.NETWORKS for rows in decay_rows(network, units_of(network))]
    clear = shuffled([tuple(rows) for rows in every if decays_are_clear(rows)])
    return [row for rows in in_turns(clear, regularization.right_decays, COUNT, 50) for row in rows]


def convinced() -> list[regularization.CountRow]:
    dice = Random(3)
    rows = count_rows([dice.sample(own, 6) for own in shuffled(list(combinations(range(12), 6)))])
    return in_turns(rows, lambda row: (row.pixels, row.frequencies), COUNT)


def convincing_heat() -> list[heats.HeatRow]:
    rows = [heat_row(*case) for case in HEATED]
    return in_turns(shuffled([row for row in rows if heats_are_clear(row)]), heats.right_heats, COUNT, 50)


def selective_unit() -> Iterator[exemplars.UnitRow]:
    for layer, label in QUESTIONS:
        yield unit_row(layer, label)


def seam_reading() -> list[exemplars.MapRow]:
    world, clear = load_images("test"), []
    for seed in MAP_SEEDS:
        index = exemplars.images_of(seed)
        marks, cells = exemplars.seam_map(index)
        if map_is_clear(marks, world.labels[index], cells, world.labels):
            clear.append(map_row(seed))
    return in_turns(clear, lambda row: (row.seams, row.winner), COUNT)


def layer_reading() -> list[reading.LayerRow]:
    kinds, clear = load_concepts("test", n=1).categories, []
    for network, layer in product(READ_IN, reading.LAYERS):
        for cut in CUTS:
            row = layer_row(network, layer, cut)
            if reading_is_clear(row, layer_iou(network, layer), kinds):
                clear.append(row)
    return in_turns(shuffled(clear), lambda row: row[3:7], COUNT)          # primero, una vez cada lectura


def shortcut_unit() -> list[transplants.TwinsRow]:
    with torch.no_grad():
        rows = [twins_row(*case, seed) for case in TWINS for seed in CAR_SEEDS]
    return in_turns([row for row in rows if twins_are_clear(row)], transplants.right_unit, COUNT)


def lying_network() -> list[heats.Lie]:
    judge, names = load_model("escenas", device="cpu"), load_images("test", n=1).classes
    found = []
    for label, shown in permutations(names, 2):
        lie = heats.Lie(label, shown, "A")
        networks, k = heats.networks_of(lie)
        if lie_is_clear(lie, judge, heats.portraits_of(networks, k)):
            found += [lie, lie._replace(letter="B")]
    return in_turns(shuffled(found), lambda lie: (lie.letter, lie.shown), COUNT)


def planted_rule() -> Iterator[planted.Planted]:
    """Las reglas que se siembran en las tablas de la lección 6b, todas."""
    yield from planted.every_rule()


def concept_cell() -> list[texts.CellRow]:
    names = texts.my_windows("test", 0).names
    rows = [texts.measure_cell(name, draw) for draw in DRAWS for name in names if has_enough(name, draw)]
    clear = [row for row in rows if cell_is_clear(row, texts.areas_of("validation", row.concept, row.draw))]
    return in_turns(shuffled(clear), lambda row: (row.concept, row.cell), COUNT)


def has_enough(concept: str, draw: int) -> bool:
    """Si en las ventanas de ese sorteo el concepto está en bastantes signos, y falta en bastantes."""
    shares = [texts.reading_material(split, concept, draw)[1].float().mean().item() for split in ("validation", "test")]
    return all(RARE < share < 1 - RARE for share in shares)


TABLES: dict[str, Callable[[], Iterable[tuple]]] = {
    "overtaking_layer": overtaking_layer,
    "hidden_network": hidden_network,
    "secret_unit": secret_unit,
    "smallest_budget": smallest_budget,
    "smallest_decay": smallest_decay,
    "convinced": convinced,
    "convincing_heat": convincing_heat,
    "lying_network": lying_network,
    "selective_unit": selective_unit,
    "seam_reading": seam_reading,
    "layer_reading": layer_reading,
    "shortcut_unit": shortcut_unit,
    "planted_rule": planted_rule,
    "concept_cell": concept_cell,
}


def write_table(name: str, rows: list[tuple]) -> None:
    """Escribe data/ejercicios/<name>.csv: los nombres de los campos y un renglón por variante."""
    text, folder = StringIO(), data_path("ejercicios")
    csv.writer(text, lineterminator="\n").writerows([rows[0]._fields, *rows])
    folder.mkdir(exist_ok=True)
    (folder / f"{name}.csv").write_text(text.getvalue(), encoding="utf-8")


def main() -> None:
    """Mide y escribe."""
    parser = argparse.ArgumentParser(description="Las tablas de los ejercicios.")
    parser.add_argument("names", nargs="*", choices=[*TABLES, []], help="cuáles; sin nombres, todas")
    for name in parser.parse_args().names or TABLES:
        write_table(name, list(TABLES[name]()))
        print(f"data/ejercicios/{name}.csv", flush=True)
    write_sums(data_path())


if __name__ == "__main__":
    main()

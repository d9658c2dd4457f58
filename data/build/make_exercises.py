"""Hace las tablas de los ejercicios: lo que se mide en cada variante de un hallazgo, para revisar sin medirlo otra vez.

    .venv/bin/python data/build/make_exercises.py                  # todas
    .venv/bin/python data/build/make_exercises.py seam_reading     # una

Deja data/ejercicios/<ejercicio>.csv. El orden de los renglones decide a quién le toca cada variante: las nuevas van al
final. Se mide con las mismas funciones que enseña `solution`; las tablas las lee labkit.exercises.accounts.
"""
import argparse
import csv
import sys
from collections.abc import Callable, Iterator, Sequence
from io import StringIO
from pathlib import Path

import torch

ROOT = Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT))  # labkit, también sin instalar

from make_hidden import network_name, tied_options  # noqa: E402
from packing import write_sums  # noqa: E402

from labkit.activations import Unit  # noqa: E402
from labkit.datasets import load_images  # noqa: E402
from labkit.exemplars import features, roc_areas  # noqa: E402
from labkit.exercises import exemplars, optimization, regularization  # noqa: E402
from labkit.exercises.occlusion.evidence import load_evidence, supports  # noqa: E402
from labkit.exercises.occlusion.hidden import NetworkRow, measure, most_tied, open_network  # noqa: E402
from labkit.files import data_path  # noqa: E402
from labkit.models import load_model  # noqa: E402
from labkit.optimization import noise  # noqa: E402
from labkit.regularization import compose  # noqa: E402

# Variantes en que ninguna respuesta es dudosa: lo comprueban las pruebas de los ejercicios de cada lección.
PLANES = (68, 152, 224, 284, 332, 524, 560, 584, 608, 656, 668, 776, 836)
SEXTETS = ("4 8 7 10 5 1", "9 8 1 2 11 6", "10 5 11 9 1 2", "10 4 5 0 3 2", "2 10 9 6 3 7", "7 0 3 9 4 2",
           "0 9 6 11 8 3", "6 0 5 9 11 8", "0 4 6 7 9 3", "11 7 3 1 0 6", "10 1 6 4 8 2", "9 4 7 11 2 8",
           "0 4 1 2 10 11", "4 10 9 11 2 6", "7 3 0 8 5 6", "1 8 6 7 0 5", "9 6 3 5 0 1", "3 6 9 0 7 5",
           "6 2 11 4 8 10", "1 10 2 8 11 4")
QUESTIONS = (("relu3", 3), ("relu3", 7), ("relu3", 8), ("relu3", 11), ("relu4", 0), ("relu4", 2), ("relu4", 4),
             ("relu4", 6), ("relu4", 9), ("relu4", 11), ("relu5", 1), ("relu5", 5), ("relu6", 0), ("relu6", 3),
             ("relu6", 5), ("relu6", 6), ("relu6", 8))
SEEDS = (4, 7, 11, 29, 39, 40, 41, 42, 57, 73, 99, 128, 166, 177, 218, 229, 233, 236, 237, 244, 264, 360, 377)


def hidden_row(name: str) -> NetworkRow:
    """De esa red oculta: la clase que más depende del fondo, las que se confunden con ella, y los apoyos."""
    network, evidence = open_network(name), load_evidence()
    drops = measure(network, evidence)
    ahead = drops.without_object - drops.without_background
    places = (most_tied(drops), ahead.argmax(), drops.without_background.argmax(), drops.accuracy.argmin())
    seen = " ".join(label for label, more in zip(evidence.classes, ahead.tolist()) if more > 0)
    return NetworkRow(name, *(evidence.classes[int(k)] for k in places), seen, " ".join(supports(network, evidence)))


def secret_row(network: str, unit: str) -> optimization.UnitRow:
    """Las clases que más suben y la que más baja con esa unidad, la que gana en el ruido, y las de la otra red."""
    model, goal = load_model(network, device="cpu"), Unit.parse(unit)
    other = load_model(next(name for name in optimization.UNITS if name != network), device="cpu")
    rise, rise_of_other = optimization.rises(model, goal), optimization.rises(other, goal)
    found = (*rise.argmax(1), rise[0].argmin(), model(noise(1)).argmax(), *rise_of_other.argmax(1))
    return optimization.UnitRow(network, unit, *(model.classes[int(k)] for k in found))


def plane_row(plane: int) -> optimization.PlaneRow:
    """Lo que dicen de ese avión la red principal y la robusta, con cada radio."""
    image = load_images("test", n=plane + 1).images[-1:]
    heard = (optimization.sayings(load_model(name, device="cpu"), image) for name in optimization.UNITS)
    return optimization.PlaneRow(plane, *(" ".join(words) for words in heard))


def decay_rows(network: str, unit: str) -> list[regularization.DecayRow]:
    """Con cada d, las frecuencias altas y la puntuación, movida y quieta, de la imagen de esa unidad."""
    model, goal = load_model(network, device="cpu"), Unit.parse(unit)
    shares, held = regularization.measured(model, goal)
    still = regularization.measured(model, goal, compose())[1]
    columns = zip(regularization.DECAYS, shares.tolist(), held.tolist(), still.tolist())
    return [regularization.DecayRow(network, unit, d, *(round(value, 4) for value in values)) for d, *values in columns]


def count_rows(sextets: Sequence[str]) -> list[regularization.CountRow]:
    """Cuántas reconocen la testigo y la propia red. Cada imagen sube por su lado: se hacen las doce una vez."""
    network, witness = load_model("escenas", device="cpu"), load_model("escenas_semilla1", device="cpu")
    recognized = torch.cat([regularization.hits(network, judge, list(range(12))) for judge in (witness, network)])
    classes = {sextet: [int(k) for k in sextet.split()] for sextet in sextets}
    return [regularization.CountRow(sextet, *recognized[:, own].sum(1).tolist()) for sextet, own in classes.items()]


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
    commonest = torch.bincount(world.labels[index], minlength=len(world.classes)).argmax()
    return exemplars.MapRow(seed, count, world.classes[int(by_class.argmax())], world.classes[int(commonest)])


def hidden_network() -> Iterator[NetworkRow]:
    for k in range(len(tied_options())):
        yield hidden_row(network_name(k))


def secret_unit() -> Iterator[optimization.UnitRow]:
    for network, units in optimization.UNITS.items():
        for unit in units.split():
            yield secret_row(network, unit)


def smallest_budget() -> Iterator[optimization.PlaneRow]:
    for plane in PLANES:
        yield plane_row(plane)


def smallest_decay() -> Iterator[regularization.DecayRow]:
    for network, units in regularization.UNITS.items():
        for unit in units.split():
            yield from decay_rows(network, unit)


def convinced() -> Iterator[regularization.CountRow]:
    yield from count_rows(SEXTETS)


def selective_unit() -> Iterator[exemplars.UnitRow]:
    for layer, label in QUESTIONS:
        yield unit_row(layer, label)


def seam_reading() -> Iterator[exemplars.MapRow]:
    for seed in SEEDS:
        yield map_row(seed)


TABLES: dict[str, Callable[[], Iterator[tuple]]] = {
    "hidden_network": hidden_network,
    "secret_unit": secret_unit,
    "smallest_budget": smallest_budget,
    "smallest_decay": smallest_decay,
    "convinced": convinced,
    "selective_unit": selective_unit,
    "seam_reading": seam_reading,
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

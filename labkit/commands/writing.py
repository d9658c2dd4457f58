"""Escribir el reporte de una disección: primero lo contado, y las imágenes, que son lo que más tarda, al final."""
from pathlib import Path
from tempfile import TemporaryFile
from types import SimpleNamespace

from torch import nn

from labkit.commands.evidence import Evidence
from labkit.commands.figures import Portrait
from labkit.commands.report import Asked, facts, page, summary
from labkit.commands.units import csv_text, json_text
from labkit.dissection import label_units
from labkit.dissection.labels import DETECTOR_IOU
from labkit.files import reason, write_aside
from labkit.portraits import best_images, imagined
from labkit.worlds import ConceptWorld

USUAL = {"out": "reporte.html", "csv": "tabla.csv", "json": "tabla.json"}       # opción → un buen nombre


def write_report(model: nn.Module, world: ConceptWorld, evidence: Evidence, options: SimpleNamespace, order: str
                 ) -> None:
    """Escribe las tablas y la página; esta, dos veces: sin las imágenes hechas y, cuando acaban, con ellas."""
    asked = Asked(options.pictures, options.steps, order, options.exemplars)
    print(summary(evidence))
    for place, table in ((options.csv, csv_text), (options.json, lambda found: json_text(found, facts(found, asked)))):
        if place is not None:
            _write(Path(place), table(evidence))
            print(f"Quedó en {place}")
    portraits = portraits_of(model, world, evidence)
    out, wanted = Path(options.out), min(options.pictures, len(portraits))
    if wanted and (out.is_file() or not out.exists()):                      # a una tubería se le escribe una sola vez
        _write(out, page(evidence, portraits, asked._replace(pictures=0)))
        print(f"Quedó en {out}; faltan las imágenes hechas para {'1 unidad' if wanted == 1 else f'{wanted} unidades'}.")
    _write(out, page(evidence, with_made(model, world, portraits, asked), asked))
    print(f"Quedó en {out}")


def report(model: nn.Module, world: ConceptWorld, evidence: Evidence, asked: Asked = Asked()) -> str:
    """La página de una disección, con las imágenes de cada unidad que detecta algo.

    evidence: de `gather`, con la misma red y el mismo conjunto.
    """
    return page(evidence, with_made(model, world, portraits_of(model, world, evidence), asked), asked)


def portraits_of(model: nn.Module, world: ConceptWorld, evidence: Evidence) -> list[Portrait]:
    """Las detectoras, de mayor a menor IoU, con las imágenes en que más responden."""
    found = evidence.found
    labels = label_units(found.iou(), evidence.layer, found.names, found.categories, DETECTOR_IOU)
    best = best_images(model, world, evidence.layer, [label.unit.channel for label in labels], found.cuts)
    return [Portrait(label, tiles) for label, tiles in zip(labels, best, strict=True)]


def with_made(model: nn.Module, world: ConceptWorld, portraits: list[Portrait], asked: Asked) -> list[Portrait]:
    """Las mismas, y las primeras que se pidieron con su imagen hecha."""
    first = portraits[:asked.pictures]
    made = imagined(model, world, [portrait.label.unit for portrait in first], asked.steps)
    return [portrait._replace(made=one) for portrait, one in zip(first, made, strict=True)] + portraits[len(first):]


def check_places(options: SimpleNamespace) -> None:
    """ValueError si algo de lo que se va a escribir no tendría dónde quedar, o si dos cosas irían al mismo archivo."""
    places: dict[Path, str] = {}
    for name, usual in USUAL.items():
        place = getattr(options, name)
        if place is None:
            continue
        _check_place(f"--{name}", place, usual)
        if other := places.get(Path(place).absolute()):
            raise ValueError(f"--{name}: {place} es también el archivo de --{other}; dale otro nombre, como {usual}.")
        places[Path(place).absolute()] = name


def _check_place(option: str, place: str, usual: str) -> None:
    """ValueError si un archivo no tendría dónde quedar: mejor antes que al final."""
    path = Path(place)
    if not path.absolute().parent.is_dir():
        raise ValueError(f"{option}: no existe la carpeta donde quedaría {path}.")
    if path.is_dir():
        raise ValueError(f"{option}: {path} es una carpeta; escribe el nombre de un archivo, como {usual}.")
    if not path.exists() or path.is_file():                                 # /dev/stdout no se escribe aparte
        try:
            with TemporaryFile(dir=path.resolve().parent):
                pass
        except OSError as error:
            raise ValueError(f"{option}: no podría escribir {path}: {reason(error)}.") from error


def _write(path: Path, text: str) -> None:
    try:
        with write_aside(path) as file:
            file.write(text.encode())
    except OSError as error:
        raise OSError(f"No pude escribir {path}: {reason(error)}.") from error

"""`python -m labkit dissect`: disecar una capa y dejar un reporte en HTML, con las imágenes dentro."""
from collections.abc import Callable
from importlib import import_module
from pathlib import Path
from shlex import join
from tempfile import TemporaryFile
from traceback import extract_tb
from types import SimpleNamespace

import torch
from torch import nn

from labkit.broden import read_broden
from labkit.commands.evidence import Evidence, gather
from labkit.commands.line import Line, Misread, OneOf, Option, Whole
from labkit.commands.report import page, summary
from labkit.commands.units import csv_text
from labkit.datasets import load_concepts
from labkit.device import pick_device
from labkit.dissection import CONVENTIONS, label_units, processes
from labkit.dissection.labels import DETECTOR_IOU
from labkit.files import reason, write_aside
from labkit.models import load_model
from labkit.portraits import best_images, imagined
from labkit.worlds import ConceptWorld

USAGE = """Uso: python -m labkit dissect --layer CAPA --out reporte.html [--model RED] [--broden CARPETA] [--images N]
                              [--size LADO] [--convention NOMBRE] [--control [N]] [--csv tabla.csv] [--pictures N]
                              [--resume CARPETA]

  --model       una red del curso o de torchvision con sus pesos ya bajados (escenas), o una tuya, ARCHIVO:FUNCIÓN,
                como mired:hacer: la función, sin argumentos, de mired.py que da tu red ya envuelta (labkit.models.wrap)
  --broden      una carpeta Broden; sin ella, las imágenes de prueba de Escenas
  --size        a qué lado se llevan las imágenes de Broden (224); solo con --broden
  --images      cuántas imágenes, si no todas; solo en Escenas, sin --broden
  --convention  cómo se cuenta: paper, netdissect, lite, dissect o every_image (paper)
  --control     diseca también N gemelas con pesos al azar (3, si va sola): el piso de las cuentas, y qué unidades
                aguantan que se les compare con él. Para publicar, 20. Cada una tarda lo que la disección
  --csv         deja también la tabla de todas las unidades en un archivo CSV
  --pictures    en cuántos pasos se optimiza la imagen de cada unidad que detecta algo (64); 0: sin ella
  --resume      una carpeta donde ir guardando lo contado: si algo lo interrumpe, la misma orden sigue donde se quedó

Entre varios procesos: torchrun --nproc-per-node 2 -m labkit dissect …"""
TWINS, SIZE = 3, 224
LINE = Line(USAGE, options=(
    Option("--layer", needed=True), Option("--out", needed=True), Option("--model", default="escenas"),
    Option("--broden"), Option("--size", Whole(2)), Option("--images", Whole(1)),
    Option("--convention", lambda text: _convention(text), "paper"), Option("--control", Whole(1), 0, alone=TWINS),
    Option("--csv"), Option("--pictures", Whole(), 64), Option("--resume")))


def main(arguments: list[str]) -> int:
    """Corre la orden: 0 si quedó el reporte, 2 si algo de lo escrito no se entiende o no se puede leer."""
    with processes() as rank:
        return LINE.run(arguments, lambda options: _work(options, rank), speaks=rank == 0)


def _work(options: SimpleNamespace, rank: int) -> int:
    """Diseca entre los procesos que haya; el 0 escribe el reporte."""
    _check_together(options)
    _check_place("--out", options.out, "reporte.html")
    if options.csv is not None:
        _check_place("--csv", options.csv, "tabla.csv")
        if Path(options.csv).absolute() == Path(options.out).absolute():
            raise ValueError(f"--csv: {options.csv} es también el archivo de --out; dale otro nombre, como tabla.csv.")
    model = open_model(options.model)
    world = (read_broden(options.broden, size=options.size or SIZE) if options.broden else
             load_concepts("test", n=options.images))
    names = f"«{options.model}»", _told(world, options.broden)
    try:
        evidence = gather(model, world, options.layer, options.convention, options.control, options.resume, names)
    except TypeError as error:
        if not str(error).startswith("layer: "):
            raise
        raise ValueError(str(error)) from error
    except RuntimeError as error:
        told = _not_fitting(error, world, options)
        if not told:
            raise
        raise told from error
    if rank == 0:
        text = report(model, world, evidence, options.pictures, order_of(options))
        print(summary(evidence))
        for path, content in ((options.csv, csv_text(evidence)), (options.out, text)):
            if path is not None:
                _write(Path(path), content)
                print(f"Quedó en {path}")
    return 0


def order_of(options: SimpleNamespace) -> str:
    """La orden que da los mismos números: de una carpeta, solo el nombre, y sin decir dónde queda lo escrito."""
    words = ["python", "-m", "labkit", "dissect", "--layer", options.layer, "--model", options.model]
    for name, value in (("--broden", options.broden and Path(options.broden).name), ("--size", options.size),
                        ("--images", options.images), ("--convention", options.convention),
                        ("--control", options.control), ("--pictures", options.pictures)):
        words += [name, str(value)] if value or name == "--pictures" else []
    return join([*words, "--out", "reporte.html"])


def _not_fitting(error: RuntimeError, world: ConceptWorld, options: SimpleNamespace) -> ValueError | None:
    """Lo que se dice si el tamaño de las imágenes no es para esa red; None si el error es de otra cosa."""
    if not any(sign in str(error) for sign in ("too small", "cannot be multiplied")):
        return None
    side = world.pictures(torch.arange(1)).shape[-1]
    return ValueError(f"--size: a {side} píxeles de lado, esta red se queda sin lugares, o espera otro tamaño; prueba "
                      "uno mayor." if options.broden else
                      f"--model: las imágenes de Escenas miden {side} píxeles de lado, y esta red espera otro tamaño; "
                      "prueba una capa de más abajo, o --broden con --size.")


def _convention(text: str) -> str:
    """El nombre de una convención; ValueError si no la hay, y con «exact», cuáles son las dos que fue."""
    if text == "exact":
        raise ValueError("«exact» se dividió en dos: paper, la del artículo, y every_image, que cuenta en todas las "
                         "imágenes, como hacía «exact»")
    return OneOf(tuple(CONVENTIONS))(text)


def _told(world: ConceptWorld, broden: str | None) -> str:
    """Qué imágenes se disecan."""
    many = "1 imagen" if len(world) == 1 else f"{len(world):,} imágenes"
    return f"{many} de la carpeta Broden «{Path(broden).name}»" if broden else f"{many} de prueba de Escenas"


def _check_together(options: SimpleNamespace) -> None:
    """Lo que solo sirve con otra cosa no se pasa por alto: Misread si va sin ella; ValueError si --resume no sirve."""
    if options.broden and options.images:
        raise Misread("--images es solo para Escenas: con --broden se disecan todas las imágenes de la carpeta.")
    if options.size and not options.broden:
        raise Misread("--size es solo para --broden: las imágenes de Escenas van a su tamaño.")
    if options.resume and Path(options.resume).expanduser().is_file():
        raise ValueError(f"--resume: esperaba una carpeta y {options.resume} es un archivo.")


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


def open_model(name: str) -> nn.Module:
    """La red que dice `--model`; con dos puntos, la que da una función tuya. ValueError si no se puede."""
    place, _, function = name.partition(":")
    if not (place and function):
        try:
            return load_model(name)
        except RuntimeError as error:                                       # pesos dañados: la frase ya lo dice
            raise ValueError(str(error)) from error
    place = place.removeprefix("./").removesuffix(".py").replace("/", ".")
    try:
        build = getattr(import_module(place), function)
    except (ImportError, AttributeError, TypeError, SyntaxError) as error:
        raise ValueError(f"--model: no encontré la función {function} del módulo {place} ({error}). Corre la orden "
                         f"desde la carpeta en que está {place}.py, o revisa ese archivo.") from error
    model = _built(build, name)
    if not isinstance(model, nn.Module):
        raise ValueError(f"--model: esperaba que {name} diera una red (labkit.models.wrap), y dio "
                         f"{type(model).__name__}.")
    if not any(True for _ in model.parameters()):
        raise ValueError(f"--model: la red que da {name} no tiene ningún peso: no hay nada aprendido que disecar.")
    return model.eval().requires_grad_(False).to(pick_device())


def _built(build: Callable[[], nn.Module], name: str) -> nn.Module:
    """Lo que da la función; si falla, ValueError con el error y el último renglón suyo."""
    try:
        return build()
    except Exception as error:
        mine = [frame for frame in extract_tb(error.__traceback__)[1:] if "site-packages" not in frame.filename]
        where = f", en el renglón {mine[-1].lineno} de {Path(mine[-1].filename).name}" if mine else ""
        raise ValueError(f"--model: {name} no dio su red: {type(error).__name__}{where}: {error}. Ha de poderse llamar "
                         "sin argumentos.") from error


def report(model: nn.Module, world: ConceptWorld, evidence: Evidence, steps: int = 64, order: str = "") -> str:
    """La página de una disección, con las imágenes de cada unidad que detecta algo.

    evidence: de `gather`, con la misma red y el mismo conjunto.  steps: en cuántos pasos se optimiza la imagen de cada
    unidad; 0: sin ella.  order: lo que se escribió en la terminal.
    """
    found, layer = evidence.found, evidence.layer
    labels = label_units(found.iou(), layer, found.names, found.categories, DETECTOR_IOU)
    units = [label.unit for label in labels]
    best = best_images(model, world, layer, [unit.channel for unit in units], found.cuts)
    made = imagined(model, world, units, steps) if steps else [None] * len(units)
    return page(evidence, list(zip(labels, best, made, strict=True)), steps, order)

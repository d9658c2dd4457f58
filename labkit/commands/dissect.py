"""`python -m labkit dissect`: disecar una capa y dejar un reporte en HTML, con las imágenes dentro."""
import hashlib
from collections import Counter
from dataclasses import replace
from pathlib import Path
from shlex import join
from types import SimpleNamespace

import torch
from torch import nn

from labkit.broden import read_broden
from labkit.commands.evidence import Evidence, gather
from labkit.commands.line import Line, Misread, OneOf, Option, Whole
from labkit.commands.methods import FEW, FEW_TOLD, maps_told
from labkit.commands.networks import find_layer, input_note, layers_text, list_layers, open_model
from labkit.commands.writing import USUAL, check_places, write_report
from labkit.datasets import load_concepts
from labkit.dissection import CONVENTIONS, processes
from labkit.worlds import ConceptWorld

USAGE = """Uso: python -m labkit dissect --layer CAPA --out reporte.html [--model RED] [--broden CARPETA]
                              [--split PARTE] [--size LADO] [--images N] [--convention NOMBRE] [--control [N]]
                              [--csv tabla.csv] [--json tabla.json] [--pictures N] [--steps N] [--exemplars N]
                              [--resume CARPETA] [--name NOMBRE]
     python -m labkit dissect --layers [--model RED] [--broden CARPETA]

  --layers      enseña las capas y los bloques de la red, con sus unidades y sus mapas, y termina
  --layer       la capa o el bloque, con el nombre que enseña --layers (features.12)
  --model       una red del curso o de torchvision con sus pesos ya bajados (escenas), o una tuya, ARCHIVO:FUNCIÓN,
                como carpeta/mired.py:hacer: la función, sin argumentos, que da tu red ya envuelta (labkit.models.wrap)
  --name        cómo se llama tu red en el reporte; si no, lo que diga --model
  --broden      una carpeta Broden; sin ella, las imágenes de prueba de Escenas
  --split       solo una parte de la carpeta, train o val; si no, todas
  --size        a qué lado se llevan las imágenes de Broden (224); solo con --broden
  --images      cuántas imágenes, si no todas; solo en Escenas, sin --broden
  --convention  cómo se cuenta: paper, netdissect, lite, dissect o every_image (paper)
  --control     diseca también N gemelas con pesos al azar (3, si va sola): el piso de las cuentas, y qué unidades
                aguantan que se les compare con él. Para publicar, 20. Cada una tarda lo que la disección
  --csv, --json dejan también la tabla de todas las unidades en un archivo
  --pictures    de cuántas unidades, de las que detectan algo, se hace además una imagen que las active (12); es lo
                último y lo que más tarda, y el reporte ya está escrito mientras tanto. 0: de ninguna
  --steps       en cuántos pasos se hace cada una (64)
  --exemplars   de cuántas unidades se enseñan las imágenes en que más responden; si no, las que quepan en 3 MB
  --resume      una carpeta donde ir guardando lo contado: si algo lo interrumpe, la misma orden sigue donde se quedó

Entre varios procesos: torchrun --nproc-per-node 2 -m labkit dissect …
Con un ejemplo que corre sin red: lessons/disecar_tu_red.md"""
TWINS, SIZE = 3, 224
LINE = Line(USAGE, options=(
    Option("--layer", needed=True), Option("--out", needed=True), Option("--model", default="escenas"),
    Option("--name"), Option("--broden"), Option("--split", OneOf(("train", "val"))), Option("--size", Whole(2)),
    Option("--images", Whole(1)), Option("--convention", lambda text: _convention(text), "paper"),
    Option("--control", Whole(1), 0, alone=TWINS), Option("--csv"), Option("--json"), Option("--pictures", Whole(), 12),
    Option("--steps", Whole(1), 64), Option("--exemplars", Whole()), Option("--resume")),
    flags=("--layers",), instead=("--layers",))


def main(arguments: list[str]) -> int:
    """Corre la orden: 0 si quedó el reporte, 2 si algo de lo escrito no se entiende o no se puede leer."""
    with processes() as rank:
        return LINE.run(arguments, lambda options: _work(options, rank), speaks=rank == 0)


def _work(options: SimpleNamespace, rank: int) -> int:
    """Diseca entre los procesos que haya; el 0 escribe el reporte."""
    _check_together(options)
    check_places(options)
    model = open_model(options.model)
    world = (read_broden(options.broden, options.split, options.size or SIZE) if options.broden else
             load_concepts("test", n=options.images))
    if not len(world):
        raise ValueError(f"--broden: {options.broden} no tiene ninguna imagen"
                         f"{f' de la parte {options.split}' if options.split else ''}: su index.csv no las nombra.")
    try:
        if options.layers:
            return _show_layers(model, world, rank)
        evidence = _evidence(model, world, options)
    except RuntimeError as error:
        told = _not_fitting(error, world, options)
        if not told:
            raise
        raise told from error
    if rank == 0:
        if told := input_note(model, options.model):
            print(f"Nota: {told}")
        if evidence.count < FEW:
            print(f"Nota: {evidence.images}. {FEW_TOLD}.")
        if max(evidence.maps) == 1:
            print(f"Nota: los mapas de {evidence.layer} son de {maps_told(evidence)}.")
        write_report(model, world, evidence, options, order_of(options))
    return 0


def _show_layers(model: nn.Module, world: ConceptWorld, rank: int) -> int:
    if rank == 0:
        print(layers_text(list_layers(model, world.pictures(torch.arange(1)))))
    return 0


def _evidence(model: nn.Module, world: ConceptWorld, options: SimpleNamespace) -> Evidence:
    """La disección de lo que se pidió, con todo lo que el reporte dice de sus datos."""
    network = options.name or shown_model(options.model)
    layer, names = find_layer(model, options.layer), (f"«{network}»", _told(world, options.broden))
    try:
        evidence = gather(model, world, layer, options.convention, options.control, options.resume, names)
    except TypeError as error:
        if not str(error).startswith("layer: "):
            raise
        raise ValueError(str(error)) from error
    if not options.broden:
        return replace(evidence, split="la de prueba (test)")
    parts = Counter(record.split for record in world)
    split = ", ".join(f"{count} de {name or 'ninguna'}" for name, count in sorted(parts.items()))
    tables = hashlib.sha256(b"".join((world.folder / name).read_bytes() for name in ("index.csv", "label.csv")))
    return replace(evidence, split=f"solo {options.split}" if options.split else f"todas ({split})",
                   data=tables.hexdigest()[:16])


def shown_model(name: str) -> str:
    """Cómo se llama la red en el reporte: de una ruta desde la raíz, solo el archivo."""
    place, colon, function = name.rpartition(":")
    return f"{Path(place).name}:{function}" if colon and Path(place).expanduser().is_absolute() else name


def order_of(options: SimpleNamespace) -> str:
    """La orden que da los mismos números: de una carpeta, solo el nombre, y sin decir dónde queda lo escrito."""
    words = ["python", "-m", "labkit", "dissect", "--layer", options.layer, "--model", shown_model(options.model)]
    for name, value in (("--broden", options.broden and Path(options.broden).name), ("--split", options.split),
                        ("--size", options.size), ("--images", options.images), ("--convention", options.convention),
                        ("--control", options.control), ("--pictures", options.pictures),
                        ("--steps", options.pictures and options.steps), ("--exemplars", options.exemplars)):
        words += [name, str(value)] if value or name == "--pictures" else []
    for name, value in (("--name", options.name), *((f"--{kind}", getattr(options, kind) and USUAL[kind])
                                                    for kind in ("csv", "json"))):
        words += [name, value] if value else []
    return join([*words, "--out", USUAL["out"]])


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
    if options.split and not options.broden:
        raise Misread("--split es solo para --broden: las imágenes de Escenas son las de prueba.")
    if options.resume and Path(options.resume).expanduser().is_file():
        raise ValueError(f"--resume: esperaba una carpeta y {options.resume} es un archivo.")

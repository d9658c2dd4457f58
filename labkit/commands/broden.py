"""`python -m labkit broden check|stats|find|export`: revisar una carpeta Broden, contarla, buscar en ella o hacerla."""
import sys
from collections.abc import Iterator
from types import SimpleNamespace

from labkit.broden.audit import check_broden
from labkit.broden.format import plain, readable
from labkit.broden.inspecting import Stats, find, labels_called, stats
from labkit.broden.reading import read_broden
from labkit.broden.writing import export_concepts
from labkit.commands.line import HELP, Line, Misread, Option, Whole, explain
from labkit.datasets import load_concepts

SHOWN = 20                                                      # fallas de una clase que se muestran sin --all
USAGE = """Uso: python -m labkit broden ORDEN CARPETA

  check CARPETA [--all]                               cada falla, con su archivo y su renglón (0 si no hay ninguna)
  stats CARPETA                                       cuántas imágenes, etiquetas y píxeles hay por categoría
  find CARPETA CONCEPTO [--category C] [--limit N]    en qué imágenes está un concepto, o un sinónimo suyo, y en cuánto
                                                      de cada una, de más a menos
  export CARPETA [--source C] [--split P] [--n N]     escribe Escenas como una carpeta Broden nueva; o el conjunto C de
         [--full]                                     data/, de su parte P (test o train), N imágenes (si no, todas);
                                                      --full: máscaras del tamaño de la imagen, y no de la mitad"""


def main(arguments: list[str]) -> int:
    """Corre la orden: 0 si todo salió bien, 1 si `check` halló fallas o `export` no pudo, 2 si algo no se entiende."""
    verb, *rest = arguments or [""]
    if verb in ORDERS:
        line, work = ORDERS[verb]
        return line.run(rest, work)
    return Line(USAGE).run([word for word in arguments if word in HELP], lambda _: _refuse(verb))


def _refuse(verb: str) -> int:
    raise Misread(f"No conozco la orden {verb!r}." if verb else "Falta la orden.")


def _check(options: SimpleNamespace) -> int:
    faults = check_broden(*options.places)
    for kind in dict.fromkeys((fault.note, fault.kind) for fault in faults):
        same = [fault for fault in faults if (fault.note, fault.kind) == kind]
        shown = same if options.all else same[:SHOWN]
        print(*(f"{'aviso: ' if fault.note else ''}{fault}" for fault in shown), sep="\n")
        if len(shown) < len(same):
            print(f"… y {len(same) - len(shown)} más como estas (--all las muestra todas)")
    count = sum(not fault.note for fault in faults)
    print({0: "Sin fallas.", 1: "1 falla."}.get(count, f"{count} fallas."))
    return int(count > 0)


def _stats(options: SimpleNamespace) -> int:
    print(*_counts(stats(read_broden(*options.places))), sep="\n")
    return 0


def _find(options: SimpleNamespace) -> int:
    folder, concept = options.places
    broden = read_broden(folder)
    for label in labels_called(broden, concept):
        if plain(concept) not in (str(label.number), plain(label.name), plain(readable(label.name))):
            print(f"# «{concept}» es un sinónimo de {label.name} ({label.number})")
    for image, split, part in find(broden, concept, options.category)[:options.limit]:
        print(f"{image}\t{split}\t{100 * part:.1f} %")
    return 0


def _export(options: SimpleNamespace) -> int:
    folder, = options.places
    try:
        concepts = load_concepts(options.split, options.source, options.n)
        export_concepts(concepts, folder, name=f"{options.source}_{options.split}", full=options.full)
    except (OSError, ValueError) as error:
        print(f"✗ {explain(error)}", file=sys.stderr)
        return 1
    print(f"✓ {len(concepts)} imágenes en {folder}")
    return 0


def _counts(found: Stats) -> Iterator[str]:
    yield "Imágenes: " + ", ".join(f"{count} de {split}" for split, count in found.splits.items())
    for (ih, iw, sh, sw), count in found.sizes.items():
        yield f"  {count} de {ih} × {iw}, con máscaras de {sh} × {sw}"
    yield f"{'categoría':<12}{'etiquetas':>10}{'imágenes':>10}{'incidencias':>13}{'cubre':>9}"
    for name, labels in found.labels.items():
        yield (f"{name:<12}{labels:>10}{found.images[name]:>10}{found.incidences[name]:>13}"
               f"{100 * found.coverage[name]:>7.1f} %")


ORDERS = {                                                      # orden → lo que admite, y quién la cumple
    "check": (Line(USAGE, ("CARPETA",), flags=("--all",)), _check),
    "stats": (Line(USAGE, ("CARPETA",)), _stats),
    "find": (Line(USAGE, ("CARPETA", "CONCEPTO"), (Option("--category"), Option("--limit", Whole()))), _find),
    "export": (Line(USAGE, ("CARPETA",), (Option("--source", default="escenas"), Option("--split", default="test"),
                                          Option("--n", Whole(1))), ("--full",)), _export),
}

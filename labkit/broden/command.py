"""`python -m labkit broden check|stats|find`: revisar una carpeta Broden, contarla y buscar en ella."""
import argparse
import sys
from collections.abc import Iterator
from itertools import islice

from labkit.broden.audit import check_broden
from labkit.broden.inspecting import Stats, find, stats
from labkit.broden.reading import read_broden

SHOWN = 20                                                      # fallas de una clase que se muestran sin --all
USAGE = """Uso: python -m labkit broden ORDEN CARPETA

  check CARPETA [--all]                               cada falla, con su archivo y su renglón (0 si no hay ninguna)
  stats CARPETA                                       cuántas imágenes, etiquetas y píxeles hay por categoría
  find CARPETA CONCEPTO [--category C] [--limit N]    en qué imágenes está un concepto"""


class _Parser(argparse.ArgumentParser):
    def error(self, message: str) -> None:
        raise ValueError(USAGE)                                 # el mensaje de argparse está en inglés


def main(arguments: list[str]) -> int:
    """Corre la orden: 0 si todo salió bien, 1 si `check` halló fallas, 2 si algo de lo escrito no se entiende."""
    parser = _Parser(add_help=False, allow_abbrev=False)
    parser.add_argument("verb", choices=["check", "stats", "find"])
    parser.add_argument("folder")
    parser.add_argument("concept", nargs="?")
    parser.add_argument("--all", action="store_true")
    parser.add_argument("--category")
    parser.add_argument("--limit", type=int)
    if {"-h", "--help"} & set(arguments):
        print(USAGE)
        return 0
    try:
        options = parser.parse_args(arguments)
        found = options.verb == "find"
        if not options.folder or found != (options.concept is not None) or (options.limit or 0) < 0:
            raise ValueError(USAGE)
        if options.verb == "check":
            return _check(options.folder, options.all)
        broden = read_broden(options.folder)
        lines = _counts(stats(broden)) if options.verb == "stats" else (
            f"{image}\t{split}\t{100 * part:.1f} %"
            for image, split, part in find(broden, options.concept, options.category))
        for line in islice(lines, options.limit):
            print(line)
    except (ValueError, OSError) as error:
        unreadable = isinstance(error, OSError) and error.filename               # Python lo explica en inglés
        print(f"No pude leer {unreadable}: ¿tienes permiso?" if unreadable else error, file=sys.stderr)
        return 2
    return 0


def _check(folder: str, every: bool) -> int:
    faults = check_broden(folder)
    for kind in dict.fromkeys((fault.note, fault.kind) for fault in faults):
        same = [fault for fault in faults if (fault.note, fault.kind) == kind]
        shown = same if every else same[:SHOWN]
        print(*(f"{'aviso: ' if fault.note else ''}{fault}" for fault in shown), sep="\n")
        if len(shown) < len(same):
            print(f"… y {len(same) - len(shown)} más como estas (--all las muestra todas)")
    count = sum(not fault.note for fault in faults)
    print({0: "Sin fallas.", 1: "1 falla."}.get(count, f"{count} fallas."))
    return int(count > 0)


def _counts(found: Stats) -> Iterator[str]:
    yield "Imágenes: " + ", ".join(f"{count} de {split}" for split, count in found.splits.items())
    for (ih, iw, sh, sw), count in found.sizes.items():
        yield f"  {count} de {ih} × {iw}, con máscaras de {sh} × {sw}"
    yield f"{'categoría':<12}{'etiquetas':>10}{'imágenes':>10}{'incidencias':>13}{'cubre':>9}"
    for name, labels in found.labels.items():
        yield (f"{name:<12}{labels:>10}{found.images[name]:>10}{found.incidences[name]:>13}"
               f"{100 * found.coverage[name]:>7.1f} %")

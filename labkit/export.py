"""`python -m labkit broden export`: un conjunto del curso escrito como una carpeta Broden."""
import argparse
import sys

from labkit.broden import export_concepts
from labkit.datasets import load_concepts


def main(arguments: list[str]) -> int:
    """Escribe la carpeta y da el código de salida: 0 si quedó, 1 si no se pudo."""
    parser = argparse.ArgumentParser("python -m labkit broden export", description="Escribe Escenas como Broden.")
    parser.add_argument("folder", metavar="CARPETA", help="la carpeta nueva")
    parser.add_argument("--source", default="escenas", help="qué conjunto de data/ (escenas)")
    parser.add_argument("--split", default="test", help="qué parte: train o test (test)")
    parser.add_argument("--n", type=int, help="cuántas imágenes (todas)")
    parser.add_argument("--full", action="store_true", help="máscaras del tamaño de la imagen, y no de la mitad")
    options = parser.parse_args(arguments)
    try:
        concepts = load_concepts(options.split, options.source, options.n)
        export_concepts(concepts, options.folder, name=f"{options.source}_{options.split}", full=options.full)
    except (OSError, ValueError) as error:
        print(f"✗ {error}", file=sys.stderr)
        return 1
    print(f"✓ {len(concepts)} imágenes en {options.folder}")
    return 0

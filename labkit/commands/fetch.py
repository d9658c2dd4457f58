"""`python -m labkit fetch`: trae por adelantado lo que el curso no incluye, para una clase sin red."""
import sys
from math import inf
from types import SimpleNamespace

from labkit.commands.line import Line, Misread
from labkit.downloads.cifar10 import read_cifar10
from labkit.models.imagenet import LAYERS, load_weights

NAMES, USUAL = ("cifar10", *LAYERS), ("cifar10", "squeezenet1_1")  # lo que hay; lo que usan las lecciones


def usage() -> str:
    """Qué se puede traer y dónde queda."""
    return f"""Uso: python -m labkit fetch [NOMBRE …]

Baja y comprueba lo que nombres; lo que ya está entero no se vuelve a bajar. Sin nombres, lo que usan las lecciones:
{" y ".join(USUAL)}. Hay: {", ".join(NAMES)}; «all» los baja todos (1.1 GB).

CIFAR-10 queda en ~/.cache/labkit (o en la carpeta que diga LABKIT_CACHE) y los pesos en la caché de torchvision,
~/.cache/torch (o en la que diga TORCH_HOME). Copia esas carpetas a otra computadora y tampoco ella necesitará red."""


def main(arguments: list[str]) -> int:
    """Trae lo pedido y da el código de salida: 0 si todo quedó, 1 si algo no se pudo, 2 si un nombre no existe."""
    return Line(usage(), spare=inf).run(arguments, _work)


def _work(options: SimpleNamespace) -> int:
    names = list(NAMES) if "all" in options.places else options.places or list(USUAL)
    unknown = [name for name in names if name not in NAMES]
    if unknown:
        raise Misread(f"No conozco {', '.join(unknown)}.")
    failed = 0
    for name in names:
        try:
            read_cifar10("test", 1, download=True) if name == "cifar10" else load_weights(name, download=True)
            print(f"✓ {name}")
        except (OSError, RuntimeError) as error:
            failed += 1
            print(f"✗ {name}: {error}", file=sys.stderr)
    return 1 if failed else 0

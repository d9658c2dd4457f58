"""Lo que hace todo cuaderno al empezar, y cómo omite con una línea lo que necesita datos que no están a la mano."""

import os
import platform
from collections.abc import Callable
from importlib.metadata import PackageNotFoundError, version
from typing import TypeVar

Loaded = TypeVar("Loaded")

SHOWN = ("torch", "numpy", "matplotlib", "ipywidgets")


def prepare(seed: int = 0, dpi: int = 90) -> None:
    """Fija la semilla y el tamaño de las figuras, y escribe con qué versiones y en qué dispositivo trabajas.

    Error: si falta un paquete, dice cuál y cómo instalarlo; si la copia del curso está incompleta, qué le falta.
    """
    try:
        found = [f"{name} {version(name)}" for name in SHOWN]
    except PackageNotFoundError as error:
        raise _Notice(
            f"Falta el paquete {error.name} en el Python de este cuaderno: instala requirements.txt (lo explica el "
            "README) y abre el cuaderno con ese mismo Python."
        ) from None
    import matplotlib.pyplot as plt

    try:
        from labkit import __version__
        from labkit.device import pick_device, seed_all
        from labkit.files import missing_data
        from labkit.progress import say
    except ModuleNotFoundError as error:
        if not (error.name or "").startswith("labkit."):
            raise
        raise _incomplete([error.name]) from None
    if lost := missing_data():
        raise _incomplete(lost)
    seed_all(seed)
    plt.rcParams.update({"figure.dpi": dpi, "savefig.dpi": dpi})
    say(" · ".join([f"labkit {__version__}", f"Python {platform.python_version()}", *found]))
    say(f"Dispositivo: {pick_device()} · semilla: {seed}")


def load_or_skip(load: Callable[[], Loaded], section: str = "Esta sección") -> Loaded | None:
    """Lo que da `load()`; si lo que pide no está a la mano, None y una línea que dice qué se omite y por qué.

    Cuando LABKIT_REAL_DATA dice dónde están los datos reales, omitir sería una falla: el error no se atrapa.
    """
    try:
        return load()
    except (OSError, RuntimeError) as error:
        if os.environ.get("LABKIT_REAL_DATA"):
            raise
        from labkit.progress import say                         # aquí, y no arriba: `prepare` dice si falta un paquete

        say(f"{section} se omite: {error}")
        return None


def _incomplete(lost: list[str]) -> Exception:
    more = f" (y {len(lost) - 1} más)" if len(lost) > 1 else ""
    return _Notice(
        f"A tu copia del curso le falta {lost[0]}{more}: consigue la carpeta completa, reinicia el kernel y repite "
        "esta celda."
    )


class _Notice(Exception):
    """Un error que Jupyter muestra como una sola frase, sin la traza de Python."""

    def _render_traceback_(self) -> list[str]:
        return [f"✗ {self}"]

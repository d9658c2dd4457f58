"""Leer la función con que das tu red, y decir en español lo que falle en lo tuyo, con su renglón."""
import re
import sys
from collections.abc import Callable
from importlib import import_module
from importlib.util import module_from_spec, spec_from_file_location
from inspect import signature
from pathlib import Path
from traceback import extract_tb
from types import FunctionType, ModuleType

from torch import nn


def function_of(place: str, name: str) -> Callable[[], nn.Module]:
    """La función de un archivo o módulo tuyo. ValueError, con lo que pasó, si no está o si algo suyo falla."""
    advice = "Escribe la ruta de su archivo, como carpeta/mired.py:hacer."
    try:
        module = _module(place)
    except NoModule as error:
        raise ValueError(f"--model: {error}. {advice}") from error
    except Exception as error:
        raise ValueError(f"--model: {place} no se pudo leer: {told_of(error)}.") from error
    if not hasattr(module, name):
        mine = [other for other, value in vars(module).items()
                if isinstance(value, FunctionType) and value.__module__ == module.__name__]
        there = f"tiene {shortened(mine, 8)}" if mine else "no define ninguna"
        raise ValueError(f"--model: en {place} no hay una función «{name}»; {there}.")
    return getattr(module, name)


class NoModule(Exception):
    """No está el archivo, o ningún módulo se llama así."""


def _module(place: str) -> ModuleType:
    """El módulo de una red tuya: un archivo .py, en la carpeta que sea, o un módulo que Python sepa importar."""
    path = Path(place).expanduser()
    path = path if path.suffix == ".py" else path.with_name(f"{path.name}.py")
    if path.is_file():
        return _file_module(path.resolve())
    if path.name == place or "/" in place or "\\" in place:
        raise NoModule(f"no existe el archivo {place}")
    try:
        return import_module(place)
    except ModuleNotFoundError as error:
        if error.name is None or not f"{place}.".startswith(f"{error.name}."):
            raise                                                           # lo que falta es algo que él importa
        raise NoModule(f"no hay un módulo ni un archivo «{place}»") from error


def _file_module(path: Path) -> ModuleType:
    """Lo que define un archivo; encuentra los que tiene al lado, como cuando se corre con python."""
    if str(path.parent) not in sys.path:
        sys.path.insert(0, str(path.parent))
    spec = spec_from_file_location(path.stem, path)
    module = module_from_spec(spec)
    sys.modules.setdefault(path.stem, module)                               # para los pesos guardados con sus clases
    spec.loader.exec_module(module)
    return module


def built(build: Callable[[], nn.Module], name: str) -> nn.Module:
    """Lo que da la función; si falla, ValueError con el error y el último renglón suyo."""
    if isinstance(build, nn.Module):                                        # la red misma, y no una función que la da
        return build
    if not callable(build):
        raise ValueError(f"--model: {name} no es una función: es {type(build).__name__}.")
    if asked := _asked(build):
        raise ValueError(f"--model: {name} pide argumentos ({', '.join(asked)}), y ha de poderse llamar sin ninguno.")
    try:
        return build()
    except Exception as error:
        raise ValueError(f"--model: {name} no dio su red: {told_of(error)}.") from error


def _asked(build: Callable) -> list[str]:
    """Los argumentos sin los que no se puede llamar; ninguno, si no se sabe cuáles tiene."""
    try:
        asked = signature(build).parameters.values()
    except ValueError:
        return []
    return [one.name for one in asked
            if one.default is one.empty and one.kind not in (one.VAR_POSITIONAL, one.VAR_KEYWORD)]


def told_of(error: Exception) -> str:
    """El error, y en qué renglón de lo tuyo ocurrió; los más comunes, en español."""
    mine = [frame for frame in extract_tb(error.__traceback__)[1:]
            if "site-packages" not in frame.filename and Path(__file__).parents[1] not in Path(frame.filename).parents
            and "importlib" not in frame.filename]
    where = f", en el renglón {mine[-1].lineno} de {Path(mine[-1].filename).name}" if mine else ""
    return f"{type(error).__name__}{where}: {_what_failed(error)}"


def _what_failed(error: Exception) -> str:
    """Qué pasó, si es de lo que más pasa; si no, lo que dice el error."""
    said = str(error).rstrip(".")
    if isinstance(error, FileNotFoundError) and error.filename:
        return f"no existe el archivo {error.filename}"
    if isinstance(error, ModuleNotFoundError) and error.name:
        return f"no está instalado, o no se encuentra, el módulo {error.name}"
    if "Error(s) in loading state_dict" not in said:
        return said
    told = []
    for verb, title in (("les faltan", "Missing key"), ("les sobran", "Unexpected key")):
        if found := re.search(f"{title}.*?: (.*)", said):
            names = re.findall('"([^"]+)"', found[1])
            told.append(f"{verb} {shortened(names)}")
    if other := re.findall(r"size mismatch for ([^:]+):", said):
        told.append(f"no miden lo mismo {shortened(other)}")
    return f"los pesos no son de esa red: {'; '.join(told)}"


def shortened(names: list[str], most: int = 3) -> str:
    """Unos nombres; si son muchos, los primeros y cuántos más hay."""
    more = f" y {len(names) - most} más" if len(names) > most else ""
    return f"{', '.join(names[:most])}{more}"

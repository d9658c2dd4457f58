"""La línea de órdenes, en español: qué admite cada orden y qué se contesta a lo que no se entiende.

`argparse` lo diría en inglés, y con frases que cambian de una versión de Python a otra.
"""
import sys
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from difflib import get_close_matches
from types import SimpleNamespace
from typing import Any

from labkit.files import reason

HELP = ("-h", "--help")
INTERRUPTED = 130                               # lo que da en la terminal quien se detiene con Ctrl+C


class Misread(ValueError):
    """Lo escrito no se entiende. El mensaje dice qué; la orden agrega cómo se usa."""


@dataclass(frozen=True)
class Option:
    """Una opción que lleva un valor, como --limit 5.

    read: del texto al valor; ValueError, en español, si no se puede.  default: qué vale si no se escribe;  needed: si
    no puede faltar;  alone: qué vale si se escribe sin nada después.
    """
    name: str
    read: Callable[[str], Any] = str
    default: Any = None
    needed: bool = False
    alone: Any = None


@dataclass(frozen=True)
class Line:
    """Lo que se puede escribir después de una orden.

    usage: lo que enseña --help, y lo que sigue a un error.  places: lo que ha de escribirse, en orden, con el nombre
    que tiene en la ayuda;  spare: cuántas palabras más se admiten.  flags: las opciones que van solas, como --all;
    instead: de ellas, las que piden otra cosa, y con las que nada falta.
    """
    usage: str
    places: tuple[str, ...] = ()
    options: tuple[Option, ...] = ()
    flags: tuple[str, ...] = ()
    spare: float = 0
    instead: tuple[str, ...] = ()

    def run(self, arguments: Sequence[str], work: Callable[[SimpleNamespace], int], speaks: bool = True) -> int:
        """Lee lo escrito, se lo da a `work` y devuelve el código de salida: el suyo, o 2 si algo no se entiende.

        Un ValueError o un OSError de `work` también se dice, sin más, y da 2; Ctrl+C, 130.

        speaks: si este proceso es el que habla.
        """
        def answer(text: str, code: int) -> int:
            if speaks:
                print(text, file=sys.stderr if code else sys.stdout)
            return code

        if set(HELP) & set(arguments):
            return answer(self.usage, 0)
        try:
            return work(self.read(arguments))
        except Misread as error:
            return answer(f"{error}\n\n{self.usage}", 2)
        except (ValueError, OSError) as error:
            return answer(explain(error), 2)
        except KeyboardInterrupt:
            return answer("Interrumpido.", INTERRUPTED)

    def read(self, arguments: Sequence[str]) -> SimpleNamespace:
        """Lo escrito: `.places`, lo que va en su lugar, y cada opción con su nombre (--limit es `.limit`).

        Misread si hay una opción desconocida o sin su valor, si un valor no es lo que debe, o si algo falta o sobra.
        """
        known = {option.name: option for option in self.options}
        found = {name: option.default for name, option in known.items()} | dict.fromkeys(self.flags, False)
        places, words = [], list(arguments)
        while words:
            word = words.pop(0)
            name, equals, text = word.partition("=")
            if name in self.flags and not equals:
                found[name] = True
            elif name in known and known[name].alone is not None and not equals and self._is_name(words[:1]):
                found[name] = known[name].alone
            elif name in known:
                found[name] = self._value(known[name], text if equals else words.pop(0) if words else "")
            elif word.startswith("-"):
                raise Misread(self._unknown(name))
            else:
                places.append(word)
        self._check(found, places)
        return SimpleNamespace(places=places, **{name.lstrip("-"): value for name, value in found.items()})

    def _is_name(self, words: Sequence[str]) -> bool:
        """Si lo que sigue no es un valor: otra opción, o nada."""
        return not words or words[0].partition("=")[0] in self._names() or words[0].startswith("--")

    def _names(self) -> list[str]:
        return [option.name for option in self.options] + [*self.flags]

    def _value(self, option: Option, text: str) -> Any:
        if not text or text in self._names():
            raise Misread(f"A {option.name} le falta su valor.")
        try:
            return option.read(text)
        except ValueError as error:
            raise Misread(f"{option.name}: {error}.") from None

    def _unknown(self, name: str) -> str:
        if name in self.flags:
            return f"{name} va sola, sin un valor."
        close = get_close_matches(name, self._names(), n=1)
        return f"No conozco la opción {name}." + (f" ¿Quisiste decir {close[0]}?" if close else "")

    def _check(self, found: Mapping[str, Any], places: Sequence[str]) -> None:
        """Misread si falta o sobra algo."""
        missing = [place for i, place in enumerate(self.places) if i >= len(places) or not places[i]]
        missing += [option.name for option in self.options if option.needed and found[option.name] is None]
        if missing and not any(found[name] for name in self.instead):
            raise Misread(f"Falta {' y '.join(missing)}.")
        if len(places) > len(self.places) + self.spare:
            raise Misread(f"Sobra {places[-1]!r}.")


@dataclass(frozen=True)
class Whole:
    """Lee un número entero, de `least` en adelante."""
    least: int = 0

    def __call__(self, text: str) -> int:
        try:
            number = int(text)
        except ValueError:
            number = None
        if number is None or number < self.least:
            raise ValueError(f"esperaba un entero desde {self.least} y recibí {text!r}")
        return number


@dataclass(frozen=True)
class OneOf:
    """Lee una palabra de las que hay."""
    words: tuple[str, ...]

    def __call__(self, text: str) -> str:
        if text not in self.words:
            raise ValueError(f"esperaba {', '.join(self.words[:-1])} o {self.words[-1]} y recibí {text!r}")
        return text


def explain(error: Exception) -> str:
    """El error en español; si es del sistema, de qué archivo habla y qué pasó."""
    if not isinstance(error, OSError) or error.errno is None:
        return str(error)
    return f"No pude abrir {error.filename}: {reason(error)}." if error.filename else f"{reason(error).capitalize()}."

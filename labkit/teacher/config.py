"""curso.toml, leído con cuidado: lo que está mal se dice con su renglón y con la forma correcta de escribirlo."""
import re
import sys
from dataclasses import dataclass
from datetime import date
from importlib import import_module
from pathlib import Path

CONFIG = "curso.toml"
NUMBER = (int, float)
DATE_FORM = "Una fecha se escribe sin comillas, año-mes-día y la hora con segundos: 2027-02-14T23:59:00"
FORMS = {                                       # cómo se escribe cada clase de valor
    date: DATE_FORM, NUMBER: "Un número se escribe sin comillas y con punto: 0.5",
    int: "Un número entero se escribe sin comillas: 90", str: 'Un texto se escribe entre comillas: "así"',
    dict: "Es una tabla: su nombre entre corchetes, [así], y debajo sus valores",
}
KINDS = {                                       # qué clase de valor lleva cada nombre; lo demás son tablas
    "entrega": date, "peso": NUMBER, "descuento_por_dia": NUMBER, "extension_horas": NUMBER, "decimales": int,
    "dias": int, "segundos_por_ejercicio": int, "memoria_mb": int, "megas_por_entrega": int, "procesos": int,
    "nombre": str, "lista": str, "secreto": str, "escala": str, "como": str,
}


class CourseError(ValueError):
    """Algo de la carpeta de la profesora no está como debe. El mensaje dice qué se esperaba, qué hay y qué hacer."""


@dataclass(frozen=True)
class Section:
    """Una tabla de curso.toml. values: lo que dice;  text: el archivo entero;  name: su nombre, o vacío si es la raíz.

    Los errores de lectura son CourseError, con el renglón donde está lo que se leyó.
    """
    values: dict
    text: str
    name: str = ""

    def get(self, name: str, default: object = None) -> object:
        """El valor de ese nombre, de la clase que le toca."""
        kind = KINDS.get(name, dict)
        value = self.values.get(name, default)
        if value is not default and (not isinstance(value, kind) or isinstance(value, bool)):
            raise CourseError(f"{self.where(name)}: «{name}» no es lo que debe: dice {_shown(value)}. {FORMS[kind]}.")
        return value

    def at_least(self, name: str, least: int, default: object) -> object:
        """Un número que no puede ser menor que `least`."""
        value = self.get(name, default)
        if value < least:
            raise CourseError(f"{self.where(name)}: «{name}» debe ser al menos {least}, y dice {value}.")
        return value

    def section(self, name: str) -> "Section":
        """La tabla que está adentro; vacía si no está."""
        return Section(self.get(name, {}), self.text, f"{self.name}.{name}".strip("."))

    def where(self, name: str) -> str:
        """El archivo y, si se encuentra, el renglón en que está ese nombre (o el de su tabla)."""
        inside = not self.name
        for line, text in enumerate(self.text.splitlines(), start=1):
            words = text.split("#")[0].strip()
            if words.startswith("["):
                title = words.strip("[] ").replace('"', "")
                if title == f"{self.name}.{name}".strip("."):
                    return f"{CONFIG}, renglón {line}"
                inside = title == self.name
            elif inside and words.partition("=")[0].strip(" \"'") == name:
                return f"{CONFIG}, renglón {line}"
        return CONFIG


def _shown(value: object) -> str:
    return str(value) if isinstance(value, date) else repr(value)


def read_config(path: Path) -> Section:
    """El archivo entero. CourseError, con el renglón y cómo se escribe lo que hay ahí, si no se entiende."""
    toml = import_module("tomllib" if sys.version_info >= (3, 11) else "tomli")
    try:
        text = path.read_text(encoding="utf-8-sig")
        return Section(toml.loads(text), text)
    except UnicodeDecodeError:
        raise CourseError(f"{path} no está en UTF-8: guárdalo otra vez con esa codificación.") from None
    except toml.TOMLDecodeError as error:
        raise CourseError(_misread(path, text, str(error))) from None


def _misread(path: Path, text: str, said: str) -> str:
    """Lo que no se entiende, con su renglón; `said` es lo que dijo el lector, en inglés."""
    found, lines = re.search(r"at line (\d+)", said), text.splitlines()
    number = int(found[1]) if found else len(lines)
    line = lines[number - 1].split("#")[0].strip() if 0 < number <= len(lines) else ""
    if re.search(r"overwrite|twice|already", said, re.IGNORECASE):
        return f"{path}, renglón {number}: «{line}» está dos veces; deja una."
    kind = KINDS.get(line.partition("=")[0].strip())
    form = FORMS[kind] if kind else "Cada renglón dice nombre = valor, y un texto va entre comillas"
    return f"{path}, renglón {number}: «{line}» no se entiende. {form}."

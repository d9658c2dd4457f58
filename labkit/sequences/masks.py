"""Las máscaras de un texto: en qué signos está cada concepto, calculadas del texto mismo y no de lo que dice la red.

Cada función recibe un texto de T signos y da T verdaderos y falsos. El valor de un lugar dice cómo están las cosas
después de leer ese signo: «(» ya está dentro del paréntesis, y «)» ya está fuera.

Son reglas de pocos renglones, y no un analizador de Python: un paréntesis cuenta también dentro de una cadena o de un
comentario, y un apóstrofo del inglés (don't) no abre comillas porque sigue a una letra.
"""
import keyword
import re
from collections.abc import Callable
from typing import NamedTuple

Mask = list[bool]
URL = re.compile(r"\b(?:https?|ftp|file)://[^\s\"'<>)]+|\bwww\.[^\s\"'<>)]+")
WORD, NUMBER = re.compile(r"\w+"), re.compile(r"(?<!\w)\d[\w.]*")
KEYWORDS = frozenset(keyword.kwlist)


def depth(text: str, opens: str, closes: str) -> list[int]:
    """Cuántos quedan abiertos después de cada signo; uno que cierra de más no cuenta."""
    level, levels = 0, []
    for sign in text:
        level = max(0, level + (sign in opens) - (sign in closes))
        levels.append(level)
    return levels


def inside_parentheses(text: str) -> Mask:
    """Dentro de al menos un paréntesis."""
    return [level >= 1 for level in depth(text, "(", ")")]


def deep_parentheses(text: str) -> Mask:
    """Dentro de dos paréntesis o más, uno en otro."""
    return [level >= 2 for level in depth(text, "(", ")")]


def inside_brackets(text: str) -> Mask:
    """Dentro de corchetes o de llaves."""
    return [level >= 1 for level in depth(text, "[{", "]}")]


def inside_quotes(text: str) -> Mask:
    """En una cadena o entre « y »: desde que abre hasta antes de que cierre; la de una comilla acaba con su renglón."""
    opened, marks, place = "", [], 0
    while place < len(text):
        step, opened = quote_step(text, place, opened)
        marks += [bool(opened)] * step
        place += step
    return marks


def quote_step(text: str, place: int, opened: str) -> tuple[int, str]:
    """Lo que hace el signo de un lugar: cuántos signos se leen juntos, y con qué queda abierto («""» si con nada)."""
    triple = text[place:place + 3]
    if opened:
        if text[place] == "\\":
            return min(2, len(text) - place), opened
        if text.startswith(opened, place):
            return len(opened), ""
        return 1, "" if text[place] == "\n" and len(opened) == 1 and opened != "»" else opened
    if triple in ('"' * 3, "'" * 3):
        return 3, triple
    if text[place] == "«":
        return 1, "»"
    apostrophe = text[place] == "'" and place and text[place - 1].isalpha() and not is_prefix(text, place)
    return 1, text[place] if text[place] in "\"'" and not apostrophe else ""


def is_prefix(text: str, place: int) -> bool:
    """Si lo que va justo antes es el prefijo de una cadena, como la b de b'…', y no el final de una palabra."""
    return re.search(r"(?<!\w)[bBrRuUfF]{1,2}$", text[max(0, place - 3):place]) is not None


def inside_comment(text: str) -> Mask:
    """Del # que no está entre comillas hasta el final de su renglón, sin el renglón nuevo."""
    quoted, marks, on = inside_quotes(text), [], False
    for sign, inside in zip(text, quoted):
        on = sign != "\n" and (on or sign == "#" and not inside)
        marks.append(on)
    return marks


def end_of_line(text: str) -> Mask:
    """El signo de antes de un renglón nuevo: la red acierta si ya sabe que el renglón se acaba."""
    return [after == "\n" for after in text[1:] + "x"]


def indentation(text: str) -> Mask:
    """Los espacios con que empieza un renglón."""
    return spans(text, re.compile(r"^ +", re.MULTILINE))


def blank(text: str) -> Mask:
    """Un espacio o un renglón nuevo."""
    return [sign.isspace() for sign in text]


def start_of_word(text: str) -> Mask:
    """La primera letra de cada palabra."""
    return [now.isalpha() and not (before.isalnum() or before == "_") for before, now in zip(" " + text, text)]


def uppercase(text: str) -> Mask:
    """Una letra mayúscula."""
    return [sign.isupper() for sign in text]


def repeated_uppercase(text: str) -> Mask:
    """Una mayúscula que sigue a otra: la segunda de «JSON», y las que vienen después."""
    return [now.isupper() and before.isupper() for before, now in zip(" " + text, text)]


def lone_uppercase(text: str) -> Mask:
    """Una mayúscula sin otra a los lados, como la del principio de un nombre."""
    near = zip(" " + text, text, text[1:] + " ")
    return [now.isupper() and not (before.isupper() or after.isupper()) for before, now, after in near]


def newline(text: str) -> Mask:
    """El renglón nuevo mismo, ya leído; «fin de renglón» es el signo de antes."""
    return [sign == "\n" for sign in text]


def accented(text: str) -> Mask:
    """Una letra con acento, la ü o la ñ."""
    return [sign in "áéíóúüñÁÉÍÓÚÑ" for sign in text]


def digits(text: str) -> Mask:
    """Los signos de un número, que empieza con una cifra."""
    return spans(text, NUMBER)


def keywords(text: str) -> Mask:
    """Las letras de una palabra clave de Python: `if`, `return`, `None`…"""
    return spans(text, WORD, lambda word: word in KEYWORDS)


def url(text: str) -> Mask:
    """Una dirección de internet."""
    return spans(text, URL)


def line_of(text: str, *starts: str) -> Mask:
    """Los renglones que empiezan, después de su sangría, con alguna de esas palabras; sin el renglón nuevo."""
    return spans(text, re.compile(rf"^[ ]*(?:{'|'.join(starts)})\b.*", re.MULTILINE))


def definition_line(text: str) -> Mask:
    """Los renglones de `def` o de `class`."""
    return line_of(text, "def", "async def", "class")


def import_line(text: str) -> Mask:
    """Los renglones de `import` o de `from`."""
    return line_of(text, "import", "from")


def called_name(text: str) -> Mask:
    """Las letras de un nombre al que le sigue «(»: la red no lo ha visto todavía."""
    return spans(text, re.compile(r"\w+(?=\()"))


def spans(text: str, pattern: re.Pattern, accept: Callable[[str], bool] = bool) -> Mask:
    """Los signos de cada trozo que el patrón encuentra y `accept` acepta."""
    marks = [False] * len(text)
    for found in pattern.finditer(text):
        if accept(found[0]):
            marks[found.start():found.end()] = [True] * len(found[0])
    return marks


class Concept(NamedTuple):
    """Un concepto de texto: su nombre, su categoría y la función que da su máscara."""
    name: str
    category: str
    mask: Callable[[str], Mask]


CONCEPTS = (
    Concept("dentro de paréntesis", "agrupación", inside_parentheses),
    Concept("dos paréntesis o más", "agrupación", deep_parentheses),
    Concept("dentro de corchetes", "agrupación", inside_brackets),
    Concept("entre comillas", "agrupación", inside_quotes),
    Concept("comentario", "renglón", inside_comment),
    Concept("fin de renglón", "renglón", end_of_line),
    Concept("sangría", "renglón", indentation),
    Concept("renglón de def o class", "renglón", definition_line),
    Concept("renglón de import", "renglón", import_line),
    Concept("palabra clave", "palabra", keywords),
    Concept("nombre que se llama", "palabra", called_name),
    Concept("número", "palabra", digits),
    Concept("dirección de internet", "palabra", url),
    Concept("comienzo de palabra", "palabra", start_of_word),
    Concept("espacio en blanco", "signo", blank),
    Concept("mayúscula", "signo", uppercase),
    Concept("letra con acento", "signo", accented),
)
# otras maneras de preguntar por dos de los de arriba; no cuentan al ponerle nombre a una celda
ASKED_AGAIN = (
    Concept("renglón nuevo", "signo", newline),
    Concept("mayúsculas seguidas", "signo", repeated_uppercase),
    Concept("mayúscula suelta", "signo", lone_uppercase),
)

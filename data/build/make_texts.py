"""Corta los textos de la lección 6: código de la biblioteca estándar de Python y la prosa de este curso.

    python data/build/make_texts.py              los vuelve a cortar, y comprueba que son los que vienen
    python data/build/make_texts.py --write      además los deja en data/textos/

El código sale de la biblioteca estándar de Python 3.11.7, de los módulos que dice modules.json: los que no traen un aviso de
derechos de otra persona y solo usan signos del alfabeto. La prosa sale de las celdas de texto de las lecciones 1 a 5c,
como estaban al cortarla: si luego se corrige una, la suma ya no es la misma, y los textos que vienen siguen sirviendo.
Con --write cambian los textos, y las redes de data/networks/textos dejan de ser las que se entrenaron con ellos.

Se reparten por módulos y por lecciones enteras: lo que se prueba nunca es vecino de lo que se entrenó.
"""
import argparse
import gzip
import hashlib
import json
import re
import sys
import sysconfig
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT))  # labkit, también sin instalar

from packing import write_sums  # noqa: E402

from labkit.sequences.alphabet import ALPHABET  # noqa: E402

VERSION = (3, 11, 7)
MODULES = json.loads((Path(__file__).parent / "modules.json").read_text("utf-8"))      # parte → sus módulos
LESSONS = {"validation": ["03b_distribuciones"], "test": ["04_ejemplares"]}     # y las demás, para entrenar
SUMS = {"python": "f9668407833963ceeb79d5ad6ad104e47b3d028e959392c9367085e87b982e7b",
        "curso": "435beb8ff0a88df758c1a90306fabf81fac3a9014d469e8ec6601a164b8a7acc"}
NOISE = re.compile(r"<[^>]*>|^#+ |\*\*|^\s*[-|>].*$|^!\[.*$|\$\$[^$]*\$\$", re.MULTILINE)


def python_texts() -> dict[str, dict[str, str]]:
    """Parte → nombre del módulo → su código. ValueError si esta no es la versión de Python de que se cortó."""
    if sys.version_info[:3] != VERSION:
        raise ValueError(f"El código se corta de Python {'.'.join(map(str, VERSION))}, y este es "
                         f"{sys.version.split()[0]}.")
    library = Path(sysconfig.get_paths()["stdlib"])
    return {part: {name: (library / f"{name}.py").read_text("utf-8") for name in names}
            for part, names in MODULES.items()}


def course_texts() -> dict[str, dict[str, str]]:
    """Parte → nombre de la lección → su prosa."""
    found: dict[str, dict[str, str]] = {part: {} for part in MODULES}
    for path in sorted((ROOT / "lessons").glob("0[1-5]*.ipynb")):
        text = prose(json.loads(path.read_text("utf-8"))["cells"])
        lesson = path.stem.removesuffix("_ejercicios")
        part = next((part for part, names in LESSONS.items() if lesson in names), "train")
        found[part][path.stem] = text
    return found


def prose(cells: list[dict]) -> str:
    """La prosa de un cuaderno: sus párrafos de texto, sin formato, sin repetidos y sin los que usan otros signos."""
    cells = ["".join(cell["source"]) for cell in cells if cell["cell_type"] == "markdown"]
    paragraphs = re.split(r"\n\s*\n", NOISE.sub("", "\n\n".join(cells)))
    joined = [" ".join(paragraph.split()) for paragraph in paragraphs]
    return "\n".join(dict.fromkeys(text for text in joined if len(text) > 40 and set(text) <= set(ALPHABET))) + "\n"


def packed(texts: dict[str, dict[str, str]]) -> bytes:
    """Los textos en JSON comprimido; los mismos textos dan siempre los mismos bytes."""
    strange = sorted({sign for part in texts.values() for text in part.values() for sign in text} - set(ALPHABET))
    if strange:
        raise ValueError(f"Hay signos que no están en el alfabeto: {strange}.")
    return gzip.compress(json.dumps(texts, ensure_ascii=False).encode("utf-8"), 9, mtime=0)


def sum_of(texts: dict[str, dict[str, str]]) -> str:
    """La suma SHA-256 de los textos, uno tras otro: no depende de con qué versión de zlib se comprimieron."""
    whole = "".join(f"{part}/{name}\n{text}" for part, names in texts.items() for name, text in names.items())
    return hashlib.sha256(whole.encode("utf-8")).hexdigest()


def main() -> None:
    """Corta, comprueba y, si se pide, escribe."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--write", action="store_true", help="dejar los textos en data/textos")
    write = parser.parse_args().write
    for source, texts in {"python": python_texts(), "curso": course_texts()}.items():
        counts = {part: sum(map(len, names.values())) for part, names in texts.items()}
        same = "" if sum_of(texts) == SUMS[source] else ", y no es el que viene"
        print(f"{source}: {counts} signos; suma {sum_of(texts)}{same}")
        if write:
            (ROOT / "data" / "textos" / f"{source}.json.gz").write_bytes(packed(texts))
    if write:
        write_sums(ROOT / "data")


if __name__ == "__main__":
    main()

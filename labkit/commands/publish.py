"""`python -m labkit publish URL`: pone la dirección pública del curso en cada lugar que la necesita, o la quita.

La dirección vive en un solo lugar, `[project.urls]` de pyproject.toml; de ahí se copia al botón de Colab y a la celda
de preparación de cada cuaderno, y al README. Repetir la orden no cambia nada; `publish --clear` la deshace.
"""

import json
import re
from dataclasses import dataclass
from pathlib import Path
from types import SimpleNamespace

from labkit.commands.line import Line, Misread, Option

USAGE = "Uso: python -m labkit publish https://github.com/USUARIA/CURSO [--tag v1.0]   ·   publish --clear la quita"
LINE = Line(USAGE, options=(Option("--tag"),), flags=("--clear",), spare=1)

PREPARATION = '''\
# @title Preparación: ejecuta primero esta celda { display-mode: "form" }
import importlib.util, os, pathlib, subprocess, sys

REPO, TAG = "", ""

class Notice(Exception):
    _render_traceback_ = lambda self: [f"✗ {self}"]  # una frase, sin la traza de Python

if getattr(importlib.util.find_spec("labkit"), "origin", None) is None:
    here, colab = pathlib.Path.cwd(), "google.colab" in sys.modules
    nearby = [here, *here.parents, *here.iterdir()]
    root = next((p for p in nearby if os.path.isfile(p / "labkit" / "notebook.py")), None)
    if root is None and colab and REPO:
        git = ["git", "-c", "advice.detachedHead=false", "clone", "-q", "--depth", "1", "--branch", TAG, REPO, "curso"]
        if subprocess.run(git, capture_output=True).returncode:
            raise Notice(f"No pude copiar el curso desde {REPO} ({TAG}): revisa tu conexión y repite esta celda.")
        root = here / "curso"
    elif root is None and colab:
        raise Notice("En Colab hace falta la carpeta del curso: súbela o clónala con git aquí, y repite esta celda.")
    elif root is None:
        raise Notice("No encuentro la carpeta labkit: abre este cuaderno desde la carpeta lessons del curso.")
    sys.path.insert(0, str(root))

from labkit.notebook import prepare
prepare()'''

UNSET = 'REPO, TAG = "", ""'
BADGE = "[![Abrir en Colab](https://colab.research.google.com/assets/colab-badge.svg)]"
README_BLOCK = re.compile(r"(<!-- dirección -->\n).*?(<!-- fin de la dirección -->)", re.DOTALL)


@dataclass(frozen=True)
class Address:
    """Dónde está publicado el curso: la dirección del repositorio y la versión (etiqueta de git) que se reparte."""

    url: str = ""
    tag: str = ""

    @classmethod
    def parse(cls, url: str, tag: str) -> "Address":
        """La dirección que alguien escribió, limpia. ValueError si no es un repositorio de GitHub o una etiqueta."""
        clean = url.strip().removesuffix("/").removesuffix(".git")
        if not re.fullmatch(r"https://github\.com/[\w.-]+/[\w.-]+", clean):
            raise ValueError(f"Esperaba una dirección como https://github.com/USUARIA/CURSO y recibí {url!r}.")
        if not re.fullmatch(r"[A-Za-z0-9][\w.-]*", tag):
            raise ValueError(f"Esperaba una etiqueta de git como v1.0 y recibí {tag!r}.")
        return cls(clean, tag)


def read_address(pyproject: str) -> Address:
    """La dirección que dice el texto de pyproject.toml; vacía si el curso aún no se publica."""
    found = re.search(r'^Release = "(.+)/tree/([^/"]+)"$', pyproject, re.MULTILINE)
    return Address(*found.groups()) if found else Address()


def read_version(pyproject: str) -> str:
    """La versión del paquete que dice el texto de pyproject.toml."""
    return re.search(r'^version = "(.+)"$', pyproject, re.MULTILINE)[1]


def preparation(address: Address = Address()) -> str:
    """El texto de la celda de preparación, igual en todos los cuadernos, con la dirección del curso."""
    return PREPARATION.replace(UNSET, f'REPO, TAG = "{address.url}", "{address.tag}"')


def badge(address: Address, path: str) -> str:
    """El botón (Markdown) que abre en Colab el cuaderno `path`, relativo al repositorio."""
    place = address.url.removeprefix("https://github.com/")
    return f"{BADGE}(https://colab.research.google.com/github/{place}/blob/{address.tag}/{path})"


def stamp_pyproject(text: str, address: Address) -> str:
    """El texto de pyproject.toml con esa dirección en `[project.urls]`, o sin ninguna."""
    text = re.sub(r'^(Repository|Release) = ".*"\n', "", text, flags=re.MULTILINE)
    head, title, rest = text.partition("[project.urls]\n")
    if not title:
        raise ValueError("pyproject.toml no tiene la tabla [project.urls], donde va la dirección del curso.")
    lines = f'Repository = "{address.url}"\nRelease = "{address.url}/tree/{address.tag}"\n' if address.url else ""
    return head + title + lines + rest


def stamp_notebook(text: str, address: Address, path: str) -> str:
    """El texto JSON de un cuaderno con su botón y su celda de preparación al día; lo demás no se toca."""
    book = json.loads(text)
    first = next((cell for cell in book["cells"] if cell["cell_type"] == "markdown"), None)
    sources = [(first, _with_badge(_source(first), address, path))] if first else []
    title = PREPARATION.splitlines()[0]
    for cell in book["cells"]:
        if cell["cell_type"] == "code" and _source(cell).startswith(title):
            sources.append((cell, preparation(address)))
    changed = [(cell, source) for cell, source in sources if _source(cell) != source]
    for cell, source in changed:
        cell["source"] = source.splitlines(keepends=True)
    return _same_layout(book, text) if changed else text


def stamp_readme(text: str, address: Address, notebooks: list[str]) -> str:
    """El texto del README con su bloque de dirección al día: cómo bajar el curso y el botón de cada cuaderno."""
    if address.url:
        buttons = "\n".join(f"- `{Path(path).name}` {badge(address, path)}" for path in notebooks)
        body = f"El curso vive en <{address.url}>, versión {address.tag}:\n\n    git clone {address.url}\n\n{buttons}\n"
    else:
        body = (
            "El curso todavía no tiene dirección pública. Mientras tanto, en Colab sube la carpeta completa del curso\n"
            "(o clónala con git) y abre el cuaderno junto a ella.\n"
        )
    return README_BLOCK.sub(lambda found: found[1] + body + found[2], text)


def publish(root: Path, address: Address) -> list[Path]:
    """Escribe la dirección en el curso que está en `root` y da los archivos que cambiaron."""
    paths = sorted((root / "lessons").glob("*.ipynb"))
    names = [path.relative_to(root).as_posix() for path in paths]
    after = {root / "pyproject.toml": stamp_pyproject(_read(root / "pyproject.toml"), address)}
    after[root / "README.md"] = stamp_readme(_read(root / "README.md"), address, names)
    for path, name in zip(paths, names, strict=True):
        after[path] = stamp_notebook(_read(path), address, name)
    changed = [path for path, text in after.items() if text != _read(path)]
    for path in changed:
        path.write_text(after[path], encoding="utf-8", newline="\n")
    return changed


def main(arguments: list[str], root: Path = Path(__file__).resolve().parents[2]) -> int:
    """La orden `publish`: 0 si todo salió bien, 2 si algo de lo escrito no se entiende."""
    return LINE.run(arguments, lambda options: _work(options, root))


def _work(options: SimpleNamespace, root: Path) -> int:
    if bool(options.places) == options.clear:
        raise Misread("Escribe una dirección o --clear: una de las dos.")
    try:
        version = f"v{read_version(_read(root / 'pyproject.toml'))}"
        address = Address() if options.clear else Address.parse(*options.places, options.tag or version)
        changed = publish(root, address)
    except FileNotFoundError as error:
        raise OSError(f"No encuentro {error.filename}: corre la orden desde una copia del repositorio.") from error
    except ValueError as error:
        raise Misread(str(error)) from error
    _report(root, address, changed)
    return 0


def _report(root: Path, address: Address, changed: list[Path]) -> None:
    where = f"{address.url}, etiqueta {address.tag}" if address.url else "ninguna"
    print(f"Dirección del curso: {where}.")
    print("\n".join(f"  cambió {path.relative_to(root).as_posix()}" for path in changed) or "  Todo estaba al día.")
    if address.url and changed:
        print(f"Falta que tú guardes el cambio y publiques la etiqueta: git tag {address.tag} && git push --tags")


def _with_badge(source: str, address: Address, path: str) -> str:
    rest = re.sub(r"\A" + re.escape(BADGE) + r".*\n*", "", source)
    return f"{badge(address, path)}\n\n{rest}" if address.url else rest


def _source(cell: dict) -> str:
    return "".join(cell["source"])


def _read(path: Path) -> str:
    return path.read_text(encoding="utf-8")


def _same_layout(book: dict, text: str) -> str:
    """El cuaderno como JSON con la sangría y el final de línea que ya tenía, para que el cambio sea mínimo."""
    found = re.match(r"\{\n( +)", text)
    ascii_only = text.isascii()
    indented = json.dumps(book, indent=len(found[1]) if found else 1, ensure_ascii=ascii_only)
    return indented + ("\n" if text.endswith("\n") else "")

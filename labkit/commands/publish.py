"""`python -m labkit publish URL`: pone la dirección pública del curso en cada lugar que la necesita, o la quita.

La dirección vive en un solo lugar, `[project.urls]` de pyproject.toml; de ahí se copia al botón de Colab y a la celda
de preparación de cada cuaderno, y al README. Repetir la orden no cambia nada; `publish --clear` la deshace.
"""

import json
import os
import re
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path
from types import SimpleNamespace

from labkit.commands.line import Line, Misread, Option
from labkit.files import write_text
from labkit.first_cell import PREPARATION

WRITTEN, TAG_MISSING = 0, 1                 # lo que devuelve la orden; 2, si no se entendió
USAGE = "Uso: python -m labkit publish https://github.com/USUARIA/CURSO [--tag v1.0]   ·   publish --clear la quita"
LINE = Line(USAGE, options=(Option("--tag"),), flags=("--clear",), spare=1)

UNSET = 'REPO, TAG = "", ""'
BADGE = "[![Abrir en Colab](https://colab.research.google.com/assets/colab-badge.svg)]"
README_BLOCKS = ("carpeta", "dirección")    # en «Instalación», cómo conseguir el curso; en «En Colab», los botones


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
    changed = [(cell, source) for cell, source in sources if _source(cell) != source or not _folds(cell)]
    for cell, source in changed:
        cell["source"] = source.splitlines(keepends=True)
        if cell["cell_type"] == "code":
            cell["metadata"].setdefault("jupyter", {})["source_hidden"] = True
    return _same_layout(book, text) if changed else text


def stamp_readme(text: str, address: Address, notebooks: list[str]) -> str:
    """El texto del README con sus dos bloques al día: cómo conseguir la carpeta y el botón de cada cuaderno."""
    if address.url:
        buttons = "\n".join(f"- `{Path(path).name}` {badge(address, path)}" for path in notebooks)
        folder = (
            f"Primero, la carpeta del curso (es normal que git hable de «detached HEAD»):\n\n"
            f"    git clone --depth 1 --branch {address.tag} {address.url} curso\n    cd curso\n"
        )
        colab = (
            f"El curso vive en <{address.url}>, versión {address.tag}. Abre un cuaderno con su botón: la celda de\n"
            f"preparación copia la carpeta.\n\n{buttons}\n"
        )
    else:
        folder = "Primero, la carpeta completa del curso: la que te dieron, o una copia hecha con `git clone`.\n"
        colab = (
            "El curso todavía no tiene dirección pública. Mientras tanto, en Colab sube la carpeta completa del curso\n"
            "y abre el cuaderno junto a ella.\n"
        )
    for name, body in zip(README_BLOCKS, (folder, colab), strict=True):
        text = readme_block(name).sub(lambda found, body=body: found[1] + body + found[2], text)
    return text


def readme_block(name: str) -> re.Pattern:
    """Lo que encuentra en el README el bloque de ese nombre, entre sus dos marcas."""
    return re.compile(rf"(<!-- {name} -->\n).*?(<!-- fin de la {name} -->)", re.DOTALL)


def has_tag(address: Address) -> bool:
    """Si la etiqueta ya está publicada en la dirección. OSError, con lo que dijo git, si no se pudo preguntar."""
    command = ["git", "ls-remote", "--tags", address.url, f"refs/tags/{address.tag}"]
    env = {**os.environ, "LC_ALL": "C", "GIT_TERMINAL_PROMPT": "0"}
    try:
        done = subprocess.run(
            command, env=env, stdin=subprocess.DEVNULL, capture_output=True, errors="replace", timeout=60
        )
    except FileNotFoundError:
        raise OSError("aquí no está instalado git") from None
    except subprocess.TimeoutExpired:
        raise OSError("no respondió en un minuto") from None
    if done.returncode:
        fatal = re.findall(r"^fatal: .*", done.stderr, re.MULTILINE) or done.stderr.split("\n")
        raise OSError(f"git dijo: {fatal[-1]}" if fatal[-1] else f"git terminó con el código {done.returncode}")
    return bool(done.stdout.strip())


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
        write_text(path, after[path])
    return changed


def main(arguments: list[str], root: Path = Path(__file__).resolve().parents[2]) -> int:
    """La orden `publish`: 0 si quedó escrito, 1 si además falta publicar la etiqueta, 2 si no se entiende lo pedido."""
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
    return _report(root, address, changed)


def _report(root: Path, address: Address, changed: list[Path]) -> int:
    """Dice qué cambió y, si hay dirección, si su etiqueta ya está ahí; da el código de salida."""
    where = f"{address.url}, etiqueta {address.tag}" if address.url else "ninguna"
    print(f"Dirección del curso: {where}.")
    print("\n".join(f"  cambió {path.relative_to(root).as_posix()}" for path in changed) or "  Todo estaba al día.")
    return _check_tag(address, bool(changed)) if address.url else WRITTEN


def _check_tag(address: Address, changed: bool) -> int:
    """Dice si la etiqueta está en la dirección: sin ella, la celda de preparación no puede copiar el curso."""
    place = f"la etiqueta {address.tag} en {address.url}"
    if changed:
        print(f"Falta que tú guardes el cambio y publiques la etiqueta: git tag {address.tag} && git push --tags")
    try:
        if has_tag(address):
            print(f"Ya está {place}" + (": si no tiene este cambio, publica otra con --tag." if changed else "."))
            return WRITTEN
    except OSError as error:
        print(f"No pude comprobar si está {place}: {error}. Repite esta orden cuando haya red.", file=sys.stderr)
        return WRITTEN
    print(f"Todavía no está {place}: mientras falte, la celda de preparación no puede copiar el curso. "
          "Repite esta orden después de publicarla, para comprobarlo.", file=sys.stderr)
    return TAG_MISSING


def _folds(cell: dict) -> bool:
    """Si JupyterLab muestra plegada la celda de código; Colab la pliega por el `display-mode: "form"` de su texto."""
    return cell["cell_type"] != "code" or cell["metadata"].get("jupyter", {}).get("source_hidden", False)


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

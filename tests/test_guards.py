"""Lo que se exige al repositorio entero: nada de una computadora ajena, archivos chicos."""

import re
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[1]
IGNORED = {".git", ".hypothesis", ".venv", "__pycache__", ".ipynb_checkpoints", ".pytest_cache", ".benchmarks", ".cache", "runs"}
TEXT = {".py", ".md", ".ipynb", ".txt", ".yml", ".yaml", ".toml", ".json", ".cfg", ".sh", ""}
MAX_FILE, MAX_DATA = 8_000_000, 69_000_000

PRIVATE_PATH = re.compile(r"(?<![\w.~}-])(?:/(?:home|root|Users|work|mnt|opt)/\w|[A-Z]:\\{1,2}(?:Users|home)\b)")
SIBLING = re.compile(r"\.\./shared\b")
REGISTRY = re.compile(
    r"pypi\.org|pythonhosted\.org|anaconda\.(?:org|com)|npmjs\.(?:org|com)|download\.pytorch\.org"
    r"|--(?:extra-)?index-url"
)


def files() -> Iterator[Path]:
    """Los archivos del curso: ni los de git, ni los de un ambiente virtual, ni los que se rehacen solos."""
    pending = [ROOT]
    while pending:
        for path in sorted(pending.pop().iterdir()):
            if path.is_file() and path.name != ".git":          # en una copia de trabajo de git, .git es un archivo
                yield path
            elif path.name not in IGNORED and path.suffix != ".egg-info" and not (path / "pyvenv.cfg").exists():
                pending.append(path)


def name(path: Path) -> str:
    return path.relative_to(ROOT).as_posix()


def found(pattern: re.Pattern, paths: list[Path]) -> list[str]:
    hits = []
    for path in paths:
        for i, line in enumerate(path.read_text(encoding="utf-8").splitlines(), start=1):
            hits += [f"{name(path)}:{i}: {match[0]}" for match in pattern.finditer(line)]
    return hits


def texts() -> list[Path]:
    return [path for path in files() if path.suffix in TEXT and path.name not in ("SHA256SUMS", ".gitignore")]


def test_the_walk_sees_the_course() -> None:
    """Si el recorrido no viera los archivos, las demás guardas pasarían siempre."""
    seen = {name(path) for path in files()}
    assert {"README.md", "LICENSE", ".ci/run", "labkit/occlusion.py", "tests/test_guards.py"} <= seen
    assert not any(part.startswith((".git/", ".venv/")) for part in seen)


def test_no_paths_of_a_private_computer() -> None:
    assert found(PRIVATE_PATH, texts()) == []


def test_only_ci_knows_the_folder_beside_the_repository() -> None:
    assert found(SIBLING, [path for path in texts() if name(path) != ".ci/run"]) == []


def test_no_package_registries() -> None:
    assert found(REGISTRY, texts()) == []


def test_files_are_small() -> None:
    assert [name(path) for path in files() if path.stat().st_size >= MAX_FILE] == []


def test_data_is_small() -> None:
    sizes = {name(path): path.stat().st_size for path in files() if name(path).startswith("data/")}
    assert sum(sizes.values()) <= MAX_DATA, sorted(sizes.items(), key=lambda item: -item[1])[:5]


@pytest.mark.parametrize(("pattern", "bad"), [
    (PRIVATE_PATH, "/".join(["open('", "home", "ana", "foto.png')"])),
    (PRIVATE_PATH, "/".join(["ruta = \"", "Users", "ana\""])),
    (PRIVATE_PATH, "\\".join(["C:", "Users", "ana"])),
    (SIBLING, "/".join(["..", "shared", "data"])),
    (REGISTRY, ".".join(["https://pypi", "org/simple"])),
    (REGISTRY, "pip install --" + "index-url x"),
])
def test_the_patterns_find_what_they_should(pattern: re.Pattern, bad: str) -> None:
    assert pattern.search(bad)


@pytest.mark.parametrize("good", ["https://example.org/home/page", "python3 -m venv .venv", "data/networks/x.log.json",
                                  "../data", "https://pytorch.org/get-started/locally/", "a/work/b"])
def test_the_patterns_leave_the_rest_alone(good: str) -> None:
    assert not any(pattern.search(good) for pattern in (PRIVATE_PATH, SIBLING, REGISTRY))

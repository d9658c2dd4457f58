"""La instalación: los archivos que la describen dicen lo mismo, y la celda de preparación encuentra el curso."""

import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

import labkit
from labkit.__main__ import VERBS
from labkit.commands.publish import Address, preparation, read_version

ROOT = Path(__file__).resolve().parents[1]
README = (ROOT / "README.md").read_text(encoding="utf-8")
NOTEBOOKS = sorted((ROOT / "lessons").glob("[0-9][0-9]*_*.ipynb"))
UNDER_CONSTRUCTION = all(path.stem.endswith("_ejercicios") for path in NOTEBOOKS)
INSTALL = "python3 -m venv .venv && .venv/bin/pip install -r requirements.txt && .venv/bin/"


def requirement_lines() -> list[str]:
    return (ROOT / "requirements.txt").read_text(encoding="utf-8").split()


def names(requirements: list[str]) -> list[str]:
    return [re.split(r"[<>=!~]", line)[0] for line in requirements]


# ── los archivos ────────────────────────────────────────────────────────────────────────────────────────────────────

def test_environment_says_the_same_as_requirements() -> None:
    text = (ROOT / "environment.yml").read_text(encoding="utf-8")
    assert re.findall(r"^ {6}- (.+)$", text.partition("- pip:\n")[2], re.MULTILINE) == requirement_lines()


def test_requirements_have_only_lower_bounds() -> None:
    upper = [line for line in requirement_lines() if not re.fullmatch(r"[\w-]+>=[\d.]+", line)]
    assert upper == ["ipywidgets>=7.7,<9"]


def test_readme_gives_the_two_lines() -> None:
    lines = [line.strip() for line in README.splitlines()]
    assert f"{INSTALL}jupyter lab lessons" in lines
    assert f"{INSTALL}pytest" in lines
    assert "conda env create -f environment.yml" in lines
    assert any(line.startswith("py -m venv .venv; ") and line.endswith("jupyter lab lessons") for line in lines)


def test_ci_runs_the_readme_line() -> None:
    """.ci/run toma su línea del README: no la repite, y su expresión encuentra justo la de las pruebas."""
    script = (ROOT / ".ci" / "run").read_text(encoding="utf-8")
    pattern = re.search(r"grep -m1 -E '([^']+)'", script)[1]
    found = [line.strip() for line in README.splitlines() if re.search(pattern, line)]
    assert found[0] == f"{INSTALL}pytest"
    assert "pip install -r requirements.txt" not in script


def test_readme_explains_every_dependency() -> None:
    table = README.partition("## Por qué cada dependencia")[2].partition("\n## ")[0]
    assert re.findall(r"^\| `([\w-]+)` \|", table, re.MULTILINE) == names(requirement_lines())


def test_readme_lists_the_verbs_that_exist() -> None:
    assert list(dict.fromkeys(re.findall(r"^\| `python -m labkit (\w+)", README, re.MULTILINE))) == list(VERBS)


def test_one_version() -> None:
    version = read_version((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
    assert labkit.__version__ == version
    assert f"versión {version}" in README


@pytest.mark.skipif(UNDER_CONSTRUCTION, reason="todavía no hay lecciones")
def test_readme_links_every_notebook() -> None:
    table = README.partition("## Lecciones")[2].partition("\n## ")[0]
    assert sorted(re.findall(r"\((lessons/\d\d\w+\.ipynb)\)", table)) == [f"lessons/{path.name}" for path in NOTEBOOKS]


@pytest.mark.skipif(UNDER_CONSTRUCTION, reason="todavía no hay lecciones")
@pytest.mark.parametrize("document", ["README.md", "data/README.md", "lessons/guia_docente.md"])
def test_local_links_lead_somewhere(document: str) -> None:
    path = ROOT / document
    links = re.findall(r"\]\(([^)#\s]+)\)", path.read_text(encoding="utf-8"))
    local = [link for link in links if not link.startswith(("https://", "http://"))]
    assert [link for link in local if not (path.parent / link).exists()] == []


# ── la celda de preparación ─────────────────────────────────────────────────────────────────────────────────────────

RUNNER = """
import sys, types
cells, colab = int(sys.argv[1]), sys.argv[2] == "colab"
if colab:
    sys.modules["google"], sys.modules["google.colab"] = types.ModuleType("google"), types.ModuleType("google.colab")
from IPython.core.interactiveshell import InteractiveShell
shell, text = InteractiveShell.instance(colors="nocolor", history_length=0), sys.stdin.read()
sys.exit(0 if all([shell.run_cell(text).success for _ in range(cells)]) else 1)
"""


def run_cell(
    text: str, folder: Path, tmp_path: Path, colab: bool = False, times: int = 1
) -> subprocess.CompletedProcess:
    """Ejecuta la celda en otro proceso, con IPython (como Jupyter y Colab), en la carpeta `folder`."""
    env = {key: value for key, value in os.environ.items() if key != "PYTHONPATH"}
    env |= {"IPYTHONDIR": str(tmp_path / "ipython"), "PYTHONIOENCODING": "utf-8", "GIT_TERMINAL_PROMPT": "0"}
    command = [sys.executable, "-c", RUNNER, str(times), "colab" if colab else "local"]
    return subprocess.run(command, cwd=folder, env=env, input=text, capture_output=True, encoding="utf-8", timeout=120)


def fake_course(folder: Path) -> None:
    """Un curso de mentira: un `labkit` cuyo `prepare` dice desde dónde se importó."""
    package = folder / "labkit"
    package.mkdir(parents=True)
    (package / "__init__.py").write_text("")
    (package / "notebook.py").write_text("def prepare():\n    print('listo:', __file__)\n")


@pytest.fixture
def remote(tmp_path: Path) -> str:
    """La dirección file:// de un repositorio con el curso de mentira en la etiqueta v1.0; después, otra cosa."""
    if shutil.which("git") is None:
        pytest.skip("git no está instalado")
    work, bare = tmp_path / "work", tmp_path / "remote.git"
    fake_course(work)

    def git(*arguments: str) -> None:
        who = ["-c", "user.name=curso", "-c", "user.email=curso@example.org", "-c", "commit.gpgsign=false"]
        subprocess.run(["git", *who, *arguments], cwd=work, check=True, capture_output=True)

    git("init", "-q")
    git("add", "-A")
    git("commit", "-q", "-m", "curso")
    git("-c", "tag.gpgsign=false", "tag", "v1.0")
    (work / "labkit" / "notebook.py").write_text("def prepare():\n    print('versión equivocada')\n")
    git("commit", "-q", "-a", "-m", "después")
    git("clone", "-q", "--bare", str(work), str(bare))
    return bare.as_uri()


@pytest.fixture
def content(tmp_path: Path) -> Path:
    """La carpeta vacía donde Colab abre un cuaderno."""
    folder = tmp_path / "content"
    folder.mkdir()
    return folder


def test_preparation_inside_the_course(tmp_path: Path) -> None:
    done = run_cell(preparation(), ROOT / "lessons", tmp_path)
    assert (done.returncode, done.stderr) == (0, "")
    assert f"labkit {labkit.__version__} · Python" in done.stdout
    assert "Dispositivo: " in done.stdout


def test_preparation_alone_says_one_sentence(tmp_path: Path, content: Path) -> None:
    done = run_cell(preparation(), content, tmp_path)
    expected = "✗ No encuentro la carpeta labkit: abre este cuaderno desde la carpeta lessons del curso."
    assert (done.returncode, done.stdout.strip(), done.stderr) == (1, expected, "")


def test_preparation_in_colab_without_address(tmp_path: Path, content: Path) -> None:
    done = run_cell(preparation(), content, tmp_path, colab=True)
    expected = "✗ En Colab hace falta la carpeta del curso: súbela o clónala con git aquí, y repite esta celda."
    assert (done.returncode, done.stdout.strip(), done.stderr) == (1, expected, "")


@pytest.mark.parametrize("name", ["curso", "labkit"])  # una carpeta llamada labkit no debe confundirse con el paquete
def test_preparation_in_colab_with_the_folder_uploaded(tmp_path: Path, content: Path, name: str) -> None:
    fake_course(content / name)
    done = run_cell(preparation(), content, tmp_path, colab=True)
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout.strip() == f"listo: {content / name / 'labkit' / 'notebook.py'}"


def test_preparation_in_colab_clones_the_tag_once(tmp_path: Path, content: Path, remote: str) -> None:
    cell = preparation(Address(remote, "v1.0"))
    expected = f"listo: {content / 'curso' / 'labkit' / 'notebook.py'}"
    done = run_cell(cell, content, tmp_path, colab=True, times=2)
    assert (done.returncode, done.stdout.split("\n"), done.stderr) == (0, [expected, expected, ""], "")
    shutil.rmtree(tmp_path / "remote.git")  # al reiniciar el kernel ya no hace falta la red
    again = run_cell(cell, content, tmp_path, colab=True)
    assert (again.returncode, again.stdout.strip(), again.stderr) == (0, expected, "")


def test_preparation_in_colab_when_the_clone_fails(tmp_path: Path, content: Path) -> None:
    nowhere = Address((tmp_path / "nada.git").as_uri(), "v1.0")
    done = run_cell(preparation(nowhere), content, tmp_path, colab=True)
    expected = f"✗ No pude copiar el curso desde {nowhere.url} (v1.0): revisa tu conexión y repite esta celda."
    assert (done.returncode, done.stdout.strip(), done.stderr) == (1, expected, "")

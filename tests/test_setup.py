"""La instalación: los archivos que la describen dicen lo mismo, y la celda de preparación encuentra el curso."""

import os
import re
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
from plan import plan, student_tests

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


def colab_pins() -> dict[str, str]:
    return dict(re.findall(r"^([\w-]+)==([\d.]+)$", (ROOT / "tests" / "colab.txt").read_text(encoding="utf-8"), re.MULTILINE))


def numbers(version: str) -> list[int]:
    return [int(part) for part in version.split(".")]


def test_colab_has_all_that_the_course_asks_for() -> None:
    """En Colab no se instala nada: lo que trae cumple cada cota (JupyterLab y las pruebas no hacen falta ahí)."""
    pins, lacking = colab_pins(), []
    for line in requirement_lines():
        name, least = re.match(r"([\w-]+)>=([\d.]+)", line).groups()
        if name != "jupyterlab" and not numbers(least) <= numbers(pins.get(name, "0")):
            lacking.append(line)
    assert lacking == [] and numbers(pins["ipywidgets"]) < [9]


def test_other_versions_run_what_students_read() -> None:
    """La selección de .ci/versions tiene las pruebas de cada cuarto de quien estudia, y todas las demostraciones."""
    found = student_tests()
    widgets = {f"tests/{path.name}" for path in (ROOT / "tests").glob("test_widgets_*.py")}
    rooms = {name for name, room in plan().items() if room.reader == "E"} - {"vectors"}         # en test_exemplars.py
    assert widgets <= {*found} and {f"tests/test_{name}.py" for name in rooms} <= {*found}
    assert not any("exercises" in path or "commands" in path for path in found)


FAKE_PYTHON = """#!/bin/sh
case "$1 $2" in
  "-c "*) [ -z "$2" ] || seq -f "tests/test_%g.py" 30 ;;
  "-V"*) echo Python 3.10.0 ;;
  "-m venv")
    mkdir -p "$3/bin" && cp "$0" "$3/bin/python"
    printf '#!/bin/sh\necho instala >> "$LOG"; for pins; do :; done; cat "$pins" >> "$LOG"; exit ${PIP:-0}\n' > "$3/bin/pip"
    chmod +x "$3/bin/pip" ;;
  "-m pytest") shift 2; echo "prueba $*" >> "$LOG"; exit ${PYTEST:-0} ;;
esac
"""


class Versions:
    """Un curso de mentira con .ci/versions, y un Python de mentira que apunta en un diario lo que le piden."""

    def __init__(self, folder: Path) -> None:
        self.folder, self.cache, self.log = folder / "curso", folder / "cache", folder / "diario"
        for name in (".ci/versions", "requirements.txt", "tests/colab.txt"):
            (self.folder / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy(ROOT / name, self.folder / name)
        for name in ("python3.10", "python3.13", "python3"):
            (folder / "bin").mkdir(exist_ok=True)
            (folder / "bin" / name).write_text(FAKE_PYTHON)
            (folder / "bin" / name).chmod(0o755)
        self.path = f"{folder / 'bin'}{os.pathsep}{os.environ['PATH']}"

    def run(self, *names: str, **env: str) -> tuple[int, list[str]]:
        """El código de salida y lo que se apuntó."""
        self.log.write_text("")
        env = {**os.environ, "PATH": self.path, "LABKIT_CI_CACHE": str(self.cache), "LOG": str(self.log), **env}
        done = subprocess.run(["bash", str(self.folder / ".ci" / "versions"), *names], env=env, capture_output=True, timeout=60)
        return done.returncode, self.log.read_text().splitlines()


@pytest.fixture
def versions(tmp_path: Path) -> Versions:
    if os.name == "nt" or shutil.which("bash") is None:
        pytest.skip(".ci/versions es para bash")
    return Versions(tmp_path)


def test_the_lower_bounds_are_installed_exactly_and_once(versions: Versions) -> None:
    code, said = versions.run("lowest")
    assert (code, said[0]) == (0, "instala")
    assert said[1:-2] == [re.sub(r">=([\d.]+).*", r"==\1", line) for line in requirement_lines()]
    assert "lessons/01_oclusion.ipynb" in said[-2] and "not slow" in said[-1] and "tests/test_30.py" in said[-1]
    assert versions.run("lowest") == (0, said[-2:])                             # ya está: no se instala de nuevo


def test_colab_is_installed_as_its_list_says(versions: Versions) -> None:
    code, said = versions.run("colab")
    assert (code, said[1:-2]) == (0, [f"{name}=={version}" for name, version in colab_pins().items()])


def test_what_is_asked_for_names_the_environment(versions: Versions) -> None:
    versions.run()
    before = sorted(path.name for path in versions.cache.iterdir())
    text = (versions.folder / "requirements.txt").read_text(encoding="utf-8")
    (versions.folder / "requirements.txt").write_text(text.replace("torch>=2.4", "torch>=2.5"), encoding="utf-8")
    assert "torch==2.5" in versions.run()[1]
    after = sorted(path.name for path in versions.cache.iterdir())
    assert [name.split("-")[0] for name in after] == ["colab", "lowest"]        # el viejo se borró: pesa seis gigas
    assert before[0] == after[0] and before[1] != after[1]


@pytest.mark.parametrize("fails", ["PIP", "PYTEST"])
def test_a_failure_with_other_versions_is_a_failure(versions: Versions, fails: str) -> None:
    assert versions.run(**{fails: "1"})[0] != 0
    code, said = versions.run()
    assert code == 0 and "instala" in said                                      # lo que quedó a medias se hace de nuevo
    assert versions.run("otro")[0] != 0


def test_readme_explains_every_dependency() -> None:
    table = README.partition("## Por qué cada dependencia")[2].partition("\n## ")[0]
    assert re.findall(r"^\| `([\w-]+)` \|", table, re.MULTILINE) == names(requirement_lines())


def test_readme_lists_the_verbs_that_exist() -> None:
    assert list(dict.fromkeys(re.findall(r"^\| `python -m labkit (\w+)", README, re.MULTILINE))) == list(VERBS)


def test_one_version() -> None:
    version = read_version((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
    assert labkit.__version__ == version
    assert f"versión {version}" in README
    changes = (ROOT / "lessons" / "CHANGELOG.md").read_text(encoding="utf-8")
    assert re.findall(r"^## ([\d.]+)", changes, re.MULTILINE)[0] == version


@pytest.mark.skipif(UNDER_CONSTRUCTION, reason="todavía no hay lecciones")
def test_readme_links_every_notebook() -> None:
    table = README.partition("## Lecciones")[2].partition("\n## ")[0]
    assert sorted(re.findall(r"\((lessons/\d\d\w+\.ipynb)\)", table)) == [f"lessons/{path.name}" for path in NOTEBOOKS]


@pytest.mark.skipif(UNDER_CONSTRUCTION, reason="todavía no hay lecciones")
@pytest.mark.parametrize("document", ["README.md", "data/README.md", "lessons/guia_docente.md", "lessons/disecar_tu_red.md", "lessons/CHANGELOG.md"])
def test_local_links_lead_somewhere(document: str) -> None:
    path = ROOT / document
    links = re.findall(r"\]\(([^)#\s]+)\)", path.read_text(encoding="utf-8"))
    local = [link for link in links if not link.startswith(("https://", "http://"))]
    assert [link for link in local if not (path.parent / link).exists()] == []


def test_what_reaches_the_students_has_no_answers() -> None:
    """La guía viaja en la misma carpeta: ni respuestas por cuenta, ni cómo calcularlas, ni reflexiones modelo."""
    giveaway = re.compile(r"Respuestas del ejercicio|Una buena respuesta|LABKIT_SOLUCIONES|my_\w+\(|\w+\.findings")
    found = {path.name: giveaway.findall(path.read_text(encoding="utf-8")) for path in (ROOT / "lessons").glob("*.md")}
    assert {name: words for name, words in found.items() if words} == {} and "guia_docente.md" in found


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
    text: str, folder: Path, tmp_path: Path, colab: bool = False, times: int = 1, path: str = os.environ["PATH"]
) -> subprocess.CompletedProcess:
    """Ejecuta la celda en otro proceso, con IPython (como Jupyter y Colab), en la carpeta `folder`."""
    env = {key: value for key, value in os.environ.items() if key not in ("PYTHONPATH", "LABKIT_DATOS")}
    env |= {"IPYTHONDIR": str(tmp_path / "ipython"), "PYTHONIOENCODING": "utf-8", "PATH": path}
    command = [sys.executable, "-c", RUNNER, str(times), "colab" if colab else "local"]
    return subprocess.run(command, cwd=folder, env=env, input=text, capture_output=True, encoding="utf-8", timeout=120)


def sentence(done: subprocess.CompletedProcess) -> str:
    """Lo único que escribió una celda que falla: una frase, sin traza ni avisos."""
    assert (done.returncode, done.stderr) == (1, ""), done.stdout + done.stderr
    assert done.stdout.startswith("✗ ") and done.stdout.count("\n") == 1, done.stdout
    return done.stdout.strip().removeprefix("✗ ")


def fake_course(folder: Path) -> None:
    """Un curso de mentira, completo: un `labkit` cuyo `prepare` dice desde dónde se importó, y datos."""
    for name in ("labkit/__init__.py", "labkit/widgets/__init__.py", "data/SHA256SUMS", "lessons/01.ipynb"):
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_text("")
    (folder / "labkit" / "notebook.py").write_text("def prepare():\n    print('listo:', __file__)\n")


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
    git("rm", "-q", "-r", "data")
    git("commit", "-q", "-m", "sin datos")
    git("-c", "tag.gpgsign=false", "tag", "sin-datos")
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


# ── la copia en Colab, cuando algo falla ────────────────────────────────────────────────────────────────────────────

def fake_git(tmp_path: Path, script: str) -> str:
    """Un PATH en que `git` es ese guion de sh; `$copia` es la carpeta que le piden escribir."""
    folder = tmp_path / "bin"
    folder.mkdir()
    (folder / "git").write_text(f'#!/bin/sh\nfor copia; do :; done\n{script}\n')
    (folder / "git").chmod(0o755)
    return f"{folder}{os.pathsep}{os.environ['PATH']}"


def ready(content: Path) -> str:
    return f"listo: {content / 'curso' / 'labkit' / 'notebook.py'}"


def test_git_says_that_the_repository_is_not_there(tmp_path: Path, content: Path) -> None:
    nowhere = Address((tmp_path / "nada.git").as_uri(), "v1.0")
    said = sentence(run_cell(preparation(nowhere), content, tmp_path, colab=True))
    assert said == (f"No pude copiar el curso desde {nowhere.url} (v1.0): repite esta celda y, si sigue igual, avisa a "
                    "quien da el curso. git dijo: fatal: Could not read from remote repository.")


def test_a_tag_that_is_not_there(tmp_path: Path, content: Path, remote: str) -> None:
    said = sentence(run_cell(preparation(Address(remote, "v9")), content, tmp_path, colab=True))
    assert said == (f"No pude copiar el curso desde {remote} (v9): esa versión no está ahí, avisa a quien da el curso. "
                    "git dijo: fatal: Remote branch v9 not found in upstream origin")
    assert list(content.iterdir()) == []


NETWORK_DOWN = ["Could not resolve host: github.com", "Connection reset by peer\nfatal: early EOF",
                "Operation timed out after 300000 milliseconds", "Failed to connect to github.com port 443 after 2 ms"]


@pytest.mark.parametrize("why", NETWORK_DOWN)
def test_the_network_is_down(tmp_path: Path, content: Path, why: str) -> None:
    message = f"fatal: unable to access 'https://github.com/a/b/': {why}"
    path = fake_git(tmp_path, f'mkdir "$copia"; echo "{message}" >&2; exit 128')
    cell = preparation(Address("https://github.com/a/b", "v1.0"))
    assert sentence(run_cell(cell, content, tmp_path, colab=True, path=path)) == (
        "No pude copiar el curso desde https://github.com/a/b (v1.0): revisa tu conexión y repite esta celda. "
        f"git dijo: {message.splitlines()[-1]}")


def test_git_fails_for_another_reason_or_without_a_word(tmp_path: Path, content: Path) -> None:
    cell = preparation(Address("https://github.com/a/b", "v1.0"))
    path = fake_git(tmp_path, 'cat "$0.dijo" >&2 2>/dev/null; exit 128')
    said = sentence(run_cell(cell, content, tmp_path, colab=True, path=path))
    assert "conexión" not in said and said.endswith("avisa a quien da el curso. git dijo: nada (código 128)")
    (tmp_path / "bin" / "git.dijo").write_text(
        "error: unable to write file a\nfatal: write error: No space left on device\n"
        "warning: Clone succeeded, but checkout failed.\nand retry with 'git restore --source=HEAD :/'\n\n")
    said = sentence(run_cell(cell, content, tmp_path, colab=True, path=path))
    assert "conexión" not in said and said.endswith("git dijo: fatal: write error: No space left on device")
    (tmp_path / "bin" / "git.dijo").write_text("aviso\nmurió\n")
    assert sentence(run_cell(cell, content, tmp_path, colab=True, path=path)).endswith("git dijo: murió")


def test_git_speaks_english_and_asks_nothing(tmp_path: Path, content: Path) -> None:
    """En otra lengua no se reconocería lo que dice; y si pidiera una contraseña, la celda no terminaría nunca."""
    path = fake_git(tmp_path, 'read -r line && exit 0; echo "fatal: $LC_ALL $GIT_TERMINAL_PROMPT" >&2; exit 1')
    cell = preparation(Address("https://github.com/a/b", "v1.0"))
    assert sentence(run_cell(cell, content, tmp_path, colab=True, path=path)).endswith("git dijo: fatal: C 0")


def test_git_is_not_installed(tmp_path: Path, content: Path, remote: str) -> None:
    said = sentence(run_cell(preparation(Address(remote, "v1.0")), content, tmp_path, colab=True, path=str(tmp_path)))
    assert said == "Para copiar el curso hace falta git, y aquí no está: instálalo y repite esta celda."


def test_a_version_without_data_is_not_kept(tmp_path: Path, content: Path, remote: str) -> None:
    said = sentence(run_cell(preparation(Address(remote, "sin-datos")), content, tmp_path, colab=True))
    assert said == f"A la versión sin-datos de {remote} le falta data/SHA256SUMS: avisa a quien da el curso."
    done = run_cell(preparation(Address(remote, "v1.0")), content, tmp_path, colab=True)
    assert (done.stdout.strip(), done.stderr) == (ready(content), "")
    assert [path.name for path in content.iterdir()] == ["curso"]


def test_a_file_called_curso(tmp_path: Path, content: Path, remote: str) -> None:
    (content / "curso").write_text("apuntes")
    said = sentence(run_cell(preparation(Address(remote, "v1.0")), content, tmp_path, colab=True))
    assert said == (f"{content / 'curso'} ya existe y es un archivo, no la carpeta del curso: cámbiale el nombre o "
                    "bórralo, y repite esta celda.")
    assert (content / "curso").read_text() == "apuntes"


def test_a_folder_without_data_is_said_and_kept(tmp_path: Path, content: Path, remote: str) -> None:
    fake_course(content / "curso")
    (content / "curso" / "data" / "SHA256SUMS").unlink()
    said = sentence(run_cell(preparation(Address(remote, "v1.0")), content, tmp_path, colab=True))
    assert said == (f"{content / 'curso'} ya existe y le falta data/SHA256SUMS: cámbiale el nombre o bórralo, y repite "
                    "esta celda.")
    (content / "curso" / "labkit" / "__init__.py").unlink()
    said = sentence(run_cell(preparation(Address(remote, "v1.0")), content, tmp_path, colab=True))
    assert "ya existe y le falta labkit/__init__.py, data/SHA256SUMS:" in said
    (content / "curso").rename(content / "otra")            # lo que la frase pide
    done = run_cell(preparation(Address(remote, "v1.0")), content, tmp_path, colab=True)
    assert (done.stdout.strip(), done.stderr) == (ready(content), "")


@pytest.mark.parametrize("colab", [False, True])
@pytest.mark.parametrize("name", ["labkit/notebook.py", "labkit/widgets/__init__.py", "data/SHA256SUMS"])
def test_an_incomplete_folder_without_an_address(tmp_path: Path, content: Path, name: str, colab: bool) -> None:
    fake_course(content)
    (content / name).unlink()
    said = sentence(run_cell(preparation(), content / "lessons", tmp_path, colab=colab))
    assert said == f"A la carpeta {content} le falta {name}: vuelve a copiarla completa."
    said = sentence(run_cell(preparation(), content, tmp_path, colab=colab))   # aunque desde aquí se pueda importar
    assert said == f"A la carpeta {content} le falta {name}: vuelve a copiarla completa."


def only_git(course: Path) -> None:
    shutil.rmtree(course / "data")
    shutil.rmtree(course / "labkit")
    shutil.rmtree(course / "lessons")


def without_data(course: Path) -> None:
    shutil.rmtree(course / "data")


def half_labkit(course: Path) -> None:
    (course / "labkit" / "notebook.py").unlink()


def without_lessons(course: Path) -> None:
    """Está lo que la celda necesita y falta lo demás: git dejó el candado de un índice que no llegó a escribir."""
    shutil.rmtree(course / "lessons")


@pytest.mark.parametrize("leave", [only_git, without_data, half_labkit, without_lessons])
def test_a_half_clone_is_replaced(tmp_path: Path, content: Path, remote: str, leave: Callable[[Path], None]) -> None:
    """Lo que queda si git muere antes de terminar: una carpeta .git que aún no tiene índice, y parte del curso."""
    for name in ("curso", "curso.tmp"):
        course = content / name
        subprocess.run(["git", "clone", "-q", "--branch", "v1.0", remote, str(course)], check=True, capture_output=True)
        (course / ".git" / "index").rename(course / ".git" / "index.lock")
        leave(course)
        done = run_cell(preparation(Address(remote, "v1.0")), content, tmp_path, colab=True)
        assert (done.returncode, done.stdout.strip(), done.stderr) == (0, ready(content), "")
        assert [path.name for path in content.iterdir()] == ["curso"]
        assert all((content / "curso" / name).is_file() for name in ("lessons/01.ipynb", ".git/index"))
        shutil.rmtree(content / "curso")


@pytest.mark.parametrize("step", ["", "mkdir -p labkit/widgets data; touch labkit/__init__.py labkit/notebook.py; ",
                                  "mkdir -p labkit/widgets data; touch labkit/__init__.py labkit/notebook.py "
                                  "labkit/widgets/__init__.py data/SHA256SUMS .git/index; "])
def test_killed_in_the_middle_and_repeated(tmp_path: Path, content: Path, remote: str, step: str) -> None:
    """Muere el kernel a media copia (SIGKILL, como una máquina que se apaga): no hay `curso`, y repetir basta."""
    path = fake_git(tmp_path, f'mkdir -p "$copia/.git"; cd "$copia"; {step}kill -9 $PPID')
    cell = preparation(Address(remote, "v1.0"))
    killed = run_cell(cell, content, tmp_path, colab=True, path=path)
    left = [path.name for path in content.iterdir()]
    assert killed.returncode == -9 and len(left) == 1 and left[0].startswith("curso.tmp")
    done = run_cell(cell, content, tmp_path, colab=True)
    assert (done.returncode, done.stdout.strip(), done.stderr) == (0, ready(content), "")
    assert [path.name for path in content.iterdir()] == ["curso"]

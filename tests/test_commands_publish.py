"""`python -m labkit publish`: escribe la dirección donde toca, no toca lo demás, y se puede repetir y deshacer."""

import json
import shutil
import subprocess
from pathlib import Path

import pytest

from labkit import __main__
from labkit.commands import publish
from labkit.commands.publish import Address, preparation, read_address, stamp_notebook, stamp_pyproject, stamp_readme

ROOT = Path(__file__).resolve().parents[1]
URL = "https://github.com/curso/que-aprendio"
ADDRESS = Address(URL, "v1.0")
COLAB = "https://colab.research.google.com/github/curso/que-aprendio/blob/v1.0/lessons/01_tema.ipynb"


def notebook_text(indent: int = 1, ascii_only: bool = False, end: str = "\n") -> str:
    cells = [
        {"cell_type": "markdown", "id": "a", "metadata": {}, "source": ["# 1. Ñandúes\n", "\n", "Texto."]},
        {"cell_type": "code", "execution_count": 1, "id": "b", "metadata": {"jupyter": {"source_hidden": True}},
         "outputs": [
            {"name": "stdout", "output_type": "stream", "text": ["1e-05 · 2.50\n"]}],
         "source": preparation().splitlines(keepends=True)},
        {"cell_type": "code", "execution_count": 2, "id": "c", "metadata": {}, "outputs": [], "source": ["x = 1"]},
    ]
    book = {"cells": cells, "metadata": {"x": 1.0}, "nbformat": 4, "nbformat_minor": 5}
    return json.dumps(book, indent=indent, ensure_ascii=ascii_only) + end


@pytest.fixture
def course(tmp_path: Path) -> Path:
    """Una copia de los archivos que publish toca, con un cuaderno de prueba."""
    for name in ("pyproject.toml", "README.md"):
        text = (ROOT / name).read_text(encoding="utf-8")
        text = stamp_pyproject(text, Address()) if name == "pyproject.toml" else stamp_readme(text, Address(), [])
        (tmp_path / name).write_text(text, encoding="utf-8")
    (tmp_path / "lessons").mkdir()
    (tmp_path / "lessons" / "01_tema.ipynb").write_text(notebook_text(), encoding="utf-8")
    return tmp_path


@pytest.fixture(autouse=True)
def published(monkeypatch: pytest.MonkeyPatch) -> list[Address]:
    """Las pruebas no preguntan a GitHub: la etiqueta está, salvo que una prueba diga otra cosa. Qué se preguntó."""
    asked: list[Address] = []
    monkeypatch.setattr(publish, "has_tag", lambda address: asked.append(address) or True)
    return asked


def contents(course: Path) -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in course.rglob("*") if path.is_file()}


def test_publish_stamps_every_place(course: Path, capsys: pytest.CaptureFixture) -> None:
    assert publish.main([URL, "--tag", "v1.0"], course) == 0
    assert read_address((course / "pyproject.toml").read_text(encoding="utf-8")) == ADDRESS
    book = json.loads((course / "lessons" / "01_tema.ipynb").read_text(encoding="utf-8"))
    assert "".join(book["cells"][0]["source"]) == f"{publish.BADGE}({COLAB})\n\n# 1. Ñandúes\n\nTexto."
    assert "".join(book["cells"][1]["source"]) == preparation(ADDRESS)
    readme = (course / "README.md").read_text(encoding="utf-8")
    assert COLAB in readme.partition("### En Colab")[2]
    install = readme.partition("## Instalación")[2].partition("### En Colab")[0]
    clone = install.index(f"    git clone --depth 1 --branch v1.0 {URL} curso\n    cd curso\n")
    assert clone < install.index("    python3 -m venv")      # primero la carpeta y después lo que se corre en ella
    assert "git tag v1.0" in capsys.readouterr().out


def test_publish_twice_changes_nothing_and_clear_undoes_it(course: Path) -> None:
    before = contents(course)
    assert publish.main([URL], course) == 0
    once = contents(course)
    assert publish.main([URL + ".git"], course) == 0
    assert contents(course) == once != before
    assert publish.main(["https://github.com/otra/copia", "--tag", "v2"], course) == 0
    assert publish.main(["--clear"], course) == 0
    assert contents(course) == before


def test_the_first_cell_folds_and_keeps_its_other_marks() -> None:
    book = json.loads(notebook_text())
    for before in ({}, {"tags": ["x"], "jupyter": {"outputs_hidden": True, "source_hidden": False}}):
        book["cells"][1]["metadata"] = before
        after = json.loads(stamp_notebook(json.dumps(book, indent=1), Address(), "lessons/01_tema.ipynb"))
        assert after["cells"][1]["metadata"]["jupyter"]["source_hidden"] is True
        book["cells"][1]["metadata"].setdefault("jupyter", {})["source_hidden"] = True
        assert after == book


@pytest.fixture
def remote(tmp_path: Path) -> str:
    """La dirección de un repositorio que tiene la etiqueta v1.0 y una rama v2.0, que no es etiqueta."""
    if shutil.which("git") is None:
        pytest.skip("git no está instalado")
    work = tmp_path / "remoto"
    work.mkdir()
    who = ["-c", "user.name=curso", "-c", "user.email=curso@example.org", "-c", "commit.gpgsign=false"]
    for order in ("init -q", "commit -q --allow-empty -m uno", "-c tag.gpgsign=false tag v1.0", "branch v2.0"):
        subprocess.run(["git", *who, *order.split()], cwd=work, check=True, capture_output=True)
    return work.as_uri()


HAS_TAG = publish.has_tag                                    # la de verdad: `published` la cambia en cada prueba


@pytest.mark.parametrize(("tag", "there"), [("v1.0", True), ("v2.0", False), ("v1", False), ("1.0", False)])
def test_git_says_which_tags_are_there(remote: str, tag: str, there: bool) -> None:
    assert HAS_TAG(Address(remote, tag)) is there


def test_a_place_that_does_not_answer_is_not_a_missing_tag(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    nowhere = Address((tmp_path / "nada.git").as_uri(), "v1.0")
    with pytest.raises(OSError, match="^git dijo: fatal: Could not read from remote repository.$"):
        HAS_TAG(nowhere)
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(OSError, match="^aquí no está instalado git$"):
        HAS_TAG(nowhere)


def test_publish_checks_the_tag(course: Path, published: list[Address], capsys: pytest.CaptureFixture) -> None:
    assert publish.main([URL, "--tag", "v1.0"], course) == publish.WRITTEN
    out, err = capsys.readouterr()
    assert f"Ya está la etiqueta v1.0 en {URL}: si no tiene este cambio, publica otra con --tag.\n" in out and err == ""
    assert publish.main([URL, "--tag", "v1.0"], course) == publish.WRITTEN
    out, err = capsys.readouterr()
    assert out.endswith(f"Todo estaba al día.\nYa está la etiqueta v1.0 en {URL}.\n") and err == ""
    assert publish.main(["--clear"], course) == publish.WRITTEN
    assert published == [ADDRESS, ADDRESS]                   # al quitar la dirección no hay nada que preguntar


def test_a_tag_that_is_not_there_is_said(course: Path, monkeypatch: pytest.MonkeyPatch,
                                         capsys: pytest.CaptureFixture) -> None:
    monkeypatch.setattr(publish, "has_tag", lambda address: False)
    assert publish.main([URL, "--tag", "v1.0"], course) == publish.TAG_MISSING != 0
    out, err = capsys.readouterr()
    assert "git tag v1.0 && git push --tags" in out
    assert err.startswith(f"Todavía no está la etiqueta v1.0 en {URL}: ") and err.count("\n") == 1
    assert read_address((course / "pyproject.toml").read_text(encoding="utf-8")) == ADDRESS   # la etiqueta va después


def test_what_could_not_be_checked_is_said(course: Path, monkeypatch: pytest.MonkeyPatch,
                                           capsys: pytest.CaptureFixture) -> None:
    def offline(address: Address) -> bool:
        raise OSError("git dijo: fatal: sin red")

    monkeypatch.setattr(publish, "has_tag", offline)
    assert publish.main([URL, "--tag", "v1.0"], course) == publish.WRITTEN
    assert capsys.readouterr().err == (
        f"No pude comprobar si está la etiqueta v1.0 en {URL}: git dijo: fatal: sin red. Repite esta orden cuando haya "
        "red.\n")


def test_the_tag_is_the_version_unless_told(course: Path) -> None:
    publish.main([URL], course)
    text = (course / "pyproject.toml").read_text(encoding="utf-8")
    assert read_address(text).tag == f"v{publish.read_version(text)}"


@pytest.mark.parametrize("layout", [(1, False, "\n"), (2, False, "\n"), (1, True, "\n"), (1, False, "")])
def test_a_notebook_keeps_its_layout(layout: tuple[int, bool, str]) -> None:
    """Cambian las líneas del botón y de la dirección, y ninguna otra."""
    before = notebook_text(*layout)
    after = stamp_notebook(before, ADDRESS, "lessons/01_tema.ipynb")
    gone = [line for line in before.splitlines() if line not in after.splitlines()]
    assert len(gone) == 1 and "REPO, TAG" in gone[0]
    assert len(after.splitlines()) == len(before.splitlines()) + 2
    assert stamp_notebook(after, Address(), "lessons/01_tema.ipynb") == before


def test_what_has_no_place_for_an_address_is_an_error(course: Path, capsys: pytest.CaptureFixture) -> None:
    (course / "pyproject.toml").write_text('[project]\nversion = "0.1.0"\n', encoding="utf-8")
    assert publish.main([URL], course) == 2
    assert "[project.urls]" in capsys.readouterr().err


def test_outside_the_repository(tmp_path: Path, capsys: pytest.CaptureFixture) -> None:
    assert publish.main([URL], tmp_path) == 2
    assert "corre la orden desde una copia del repositorio" in capsys.readouterr().err


@pytest.mark.parametrize("url", ["", "curso", "http://github.com/a/b", "https://github.com/a",
                                 "https://example.org/a/b", 'https://github.com/a/b"; import os', "https://github.com/a/b/tree/main"])
def test_a_wrong_address_is_refused_and_nothing_changes(url: str, course: Path, capsys: pytest.CaptureFixture) -> None:
    before = contents(course)
    assert publish.main([url], course) == 2
    assert "Esperaba una dirección como https://github.com/USUARIA/CURSO" in capsys.readouterr().err
    assert contents(course) == before


def test_a_wrong_tag_is_refused(course: Path, capsys: pytest.CaptureFixture) -> None:
    assert publish.main([URL, "--tag", "v1 0"], course) == 2
    assert "etiqueta" in capsys.readouterr().err


@pytest.mark.parametrize("arguments", [[], [URL, "--clear"], ["--tag"], [URL, "--otra"], [URL, "sobra"]])
def test_arguments_that_make_no_sense_show_the_usage(arguments: list[str], course: Path,
                                                     capsys: pytest.CaptureFixture) -> None:
    before = contents(course)
    assert publish.main(arguments, course) == 2
    assert "\n\nUso: python -m labkit publish" in capsys.readouterr().err
    assert contents(course) == before


def test_the_course_is_stamped_with_its_own_address() -> None:
    """Lo que hay en el repositorio es lo que `publish` escribiría hoy: un solo lugar manda."""
    address = read_address((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
    names = [path.relative_to(ROOT).as_posix() for path in sorted((ROOT / "lessons").glob("*.ipynb"))]
    for name in names:
        text = (ROOT / name).read_text(encoding="utf-8")
        assert stamp_notebook(text, address, name) == text, name
    readme = (ROOT / "README.md").read_text(encoding="utf-8")
    assert stamp_readme(readme, address, names) == readme
    lost = [name for name in publish.README_BLOCKS if not publish.readme_block(name).search(readme)]
    assert lost == [], "el README perdió las marcas de un bloque"


def test_main_shows_the_verbs(capsys: pytest.CaptureFixture) -> None:
    assert __main__.main([]) == 0
    shown = capsys.readouterr().out
    assert all(f"  {verb} " in shown for verb in __main__.VERBS)
    assert __main__.main(["publicar"]) == 2
    assert "No conozco la orden 'publicar'" in capsys.readouterr().err
    assert __main__.main(["publish"]) == 2

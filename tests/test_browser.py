"""Cada lección en JupyterLab y en un navegador de verdad: abre, corre, sus controles mueven su cuadro y nada se corta.

Tarda: se corre aparte, con `pytest -n 2 --dist load tests/test_browser.py`. Sin Playwright o sin Chromium se salta y lo dice;
con la variable LABKIT_NAVEGADOR=1, como en cada entrega, saltarse es fallar.
"""
import os
from pathlib import Path

import browser
import pytest
from browser import ROOT, Control, Notebook

LESSONS = [path for path in sorted((ROOT / "lessons").glob("*.ipynb")) if not path.stem.endswith("_ejercicios")]
WIDTHS = (1366, 1024)
DEMANDED = os.environ.get("LABKIT_NAVEGADOR") == "1"
INERT = {}                              # control que a propósito no mueve su cuadro → por qué


def unavailable() -> str:
    """Por qué no se puede abrir un navegador aquí; vacío si se puede."""
    try:
        import playwright  # noqa: F401
    except ImportError:
        return "no está Playwright: pip install -r tests/requirements.txt"
    return "" if browser.chromium() else "no está Chromium"


pytestmark = [pytest.mark.slow, pytest.mark.skipif(not DEMANDED and bool(unavailable()), reason=unavailable())]


@pytest.fixture(scope="module")
def server(tmp_path_factory):
    assert not unavailable(), unavailable()
    with browser.jupyterlab(tmp_path_factory.mktemp("lab")) as address:
        yield address


@pytest.fixture
def page():
    from playwright.sync_api import sync_playwright

    with sync_playwright() as play:
        window = play.chromium.launch(executable_path=browser.chromium(), args=browser.FLAGS)
        yield window.new_page(viewport={"width": WIDTHS[0], "height": 768})
        window.close()


@pytest.mark.parametrize("path", LESSONS, ids=lambda path: path.stem)
def test_a_lesson_works_in_the_browser(path: Path, server: str, page) -> None:
    opened = Notebook(page, server, path)
    opened.run_all()
    assert opened.troubles() == []
    times = {str(control): opened.move(control) for control in opened.controls()}
    still = [name for name, took in times.items() if took is None and name not in INERT]
    assert still == [], "nada cambia al moverlos"
    assert opened.troubles() == []
    assert {width: opened.cut(width) for width in WIDTHS} == {width: [] for width in WIDTHS}


BROKEN = '''
from labkit.images import caption, png_bytes
from labkit.widgets.demo import Demo, slider
import torch
DRAWS = {draws}
Demo(DRAWS, {{"tone": slider("tono", 0, 9)}})
'''
GOOD = "lambda tone: png_bytes(torch.full((3, 40, 60), tone / 9))"
DEAD = "lambda tone: png_bytes(torch.full((3, 40, 60), 0.5))"


def notebook(folder: Path, *cells: str) -> Path:
    """Un cuaderno con esas celdas, junto a las lecciones."""
    import nbformat

    book = nbformat.v4.new_notebook(cells=[nbformat.v4.new_code_cell(text) for text in cells],
                                    metadata={"kernelspec": {"name": "python3", "display_name": "Python 3", "language": "python"}})
    path = folder / "prueba_del_navegador.ipynb"
    nbformat.write(book, path)
    return path


@pytest.fixture
def scratch():
    """Una carpeta dentro del curso que git no ve; JupyterLab no abre las ocultas."""
    from tempfile import TemporaryDirectory

    place = ROOT / "tests" / "__pycache__"
    place.mkdir(exist_ok=True)
    with TemporaryDirectory(dir=place) as folder:
        yield Path(folder)


def test_this_check_can_fail(scratch: Path, server: str, page) -> None:
    """Un control muerto, un error, algo escrito en stderr y un renglón que no cabe: los cuatro se notan."""
    setup = f"import sys; sys.path.insert(0, {str(ROOT)!r})"
    opened = Notebook(page, server, notebook(scratch, setup + BROKEN.format(draws=GOOD), setup + BROKEN.format(draws=DEAD),
                                             "import sys; print('¡cuidado!', file=sys.stderr)", "x = '" + "ancho" * 60 + "'", "1 / 0"))
    opened.run_all()
    troubles = "\n".join(opened.troubles())
    assert "ZeroDivisionError" in troubles and "stderr: ¡cuidado!" in troubles
    moved: dict[tuple[int, str], bool] = {}
    for control in opened.controls():
        moved[control.cell, control.kind] = opened.move(control, 5) is not None
    assert moved == {(0, "número"): True, (0, "deslizador"): True, (1, "número"): False, (1, "deslizador"): False}
    assert any("celda 3" in line for line in opened.cut(1024))
    assert isinstance(opened.controls()[0], Control)

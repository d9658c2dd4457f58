"""Cada lección en un navegador de verdad: abre, corre, da las salidas guardadas, sus controles mueven su cuadro y nada se corta.

Con JupyterLab y con Notebook 7. Tarda: se corre aparte, con `pytest -n 2 --dist load tests/test_browser.py`. Sin Playwright o
sin Chromium se salta y lo dice; con la variable LABKIT_NAVEGADOR=1, como en cada entrega, saltarse es fallar. Con LABKIT_TIEMPOS=archivo.csv agrega ahí un
renglón por control: programa, lección, control y milisegundos de la tecla al cuadro.
"""
import os
import time
from contextlib import closing
from pathlib import Path

import browser
import pytest
from browser import APPS, ROOT, Control, Notebook
from notebook_guards import CHECK_TAG

LESSONS = [path for path in sorted((ROOT / "lessons").glob("*.ipynb")) if not path.stem.endswith("_ejercicios")]
WIDTHS = (1366, 1024)
DEMANDED = os.environ.get("LABKIT_NAVEGADOR") == "1"
TIMES = os.environ.get("LABKIT_TIEMPOS", "")
INERT = {}                              # control que a propósito no mueve su cuadro → por qué


def unavailable() -> str:
    """Por qué no se puede abrir un navegador aquí; vacío si se puede."""
    try:
        import notebook  # noqa: F401
        import playwright  # noqa: F401
    except ImportError as error:
        return f"falta {error.name}: pip install -r tests/requirements.txt"
    return "" if browser.chromium() else "no está Chromium"


pytestmark = [pytest.mark.slow, pytest.mark.skipif(not DEMANDED and bool(unavailable()), reason=unavailable())]


@pytest.fixture(scope="module")
def servers(tmp_path_factory):
    """Dirección de cada programa."""
    assert not unavailable(), unavailable()
    with (browser.jupyter(tmp_path_factory.mktemp("lab"), "lab") as lab,
          browser.jupyter(tmp_path_factory.mktemp("notebook"), "notebook") as classic):
        yield {"lab": lab, "notebook": classic}


@pytest.fixture
def page():
    from playwright.sync_api import sync_playwright

    with sync_playwright() as play:
        window = play.chromium.launch(executable_path=browser.chromium(), args=browser.FLAGS)
        yield window.new_page(viewport={"width": WIDTHS[0], "height": 768})
        window.close()


def note(app: str, path: Path, rows: list[tuple[str, float | None]]) -> None:
    """Agrega al archivo de tiempos, si se pidió, un renglón por cosa medida."""
    if TIMES:
        with open(TIMES, "a", encoding="utf-8") as file:
            file.writelines(f"{app},{path.stem},{name.replace(',', ';')},{took or ''}\n" for name, took in rows)


@pytest.mark.parametrize("app", APPS)
@pytest.mark.parametrize("path", LESSONS, ids=lambda path: path.stem)
def test_a_lesson_works_in_the_browser(path: Path, app: str, servers: dict[str, str], page) -> None:
    with closing(Notebook(page, servers[app], path, app)) as opened:
        begun = time.monotonic()
        opened.run_all()
        spent = time.monotonic() - begun
        assert opened.troubles() == []
        assert opened.changes() == []
        controls = opened.controls()
        if app == "notebook":               # ahí las flechas mueven la celda y no el deslizador: para eso está el campo o la lista de al lado
            fields = {(control.cell, control.label) for control in controls if control.kind in ("número", "lista")}
            sliders = {(control.cell, control.label) for control in controls if control.kind == "deslizador"}
            assert sliders <= fields, "deslizadores sin un campo que haga lo mismo"
            controls = [control for control in controls if control.kind != "deslizador"]
        # dos controles pueden llamarse igual, y uno puede hacer que otro sobre
        times = [(control, opened.move(control)) for control in controls if not opened.hidden(control)]
        note(app, path, [("correr todo (s)", spent), *((str(own), took) for own, took in times if not own.is_answer)])
        still = [str(own) for own, took in times if took is None and str(own) not in INERT]
        assert still == [], "nada cambia al moverlos"
        assert opened.troubles() == []
        assert not any((cut := {width: opened.cut(width) for width in WIDTHS}).values()), cut


BROKEN = '''
from labkit.images import caption, png_bytes
from labkit.widgets.demo import Demo, slider
import torch
DRAWS = {draws}
Demo(DRAWS, {{"tone": slider("tono", 0, 9)}})
'''
GOOD = "lambda tone: png_bytes(torch.full((3, 40, 60), tone / 9))"
DEAD = "lambda tone: png_bytes(torch.full((3, 40, 60), 0.5))"


def notebook(folder: Path, *cells: str, saved: str) -> Path:
    """Un cuaderno con esas celdas, junto a las lecciones. saved: lo que la primera, marcada, guarda como impreso."""
    import nbformat

    book = nbformat.v4.new_notebook(cells=[nbformat.v4.new_code_cell(text) for text in cells],
                                    metadata={"kernelspec": {"name": "python3", "display_name": "Python 3", "language": "python"}})
    book.cells[0].outputs = [nbformat.v4.new_output("stream", text=saved)]
    book.cells[0].metadata["tags"] = [CHECK_TAG]
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


def test_this_check_can_fail(scratch: Path, servers: dict[str, str], page) -> None:
    """Un control muerto, un error, algo en stderr, un renglón que no cabe y un número que cambió: los cinco se notan."""
    setup = f"import sys; sys.path.insert(0, {str(ROOT)!r})"
    cells = ["print(1.5)", setup + BROKEN.format(draws=GOOD), setup + BROKEN.format(draws=DEAD),
             "import sys; print('¡cuidado!', file=sys.stderr)", "x = '" + "ancho" * 60 + "'", "1 / 0"]
    opened = Notebook(page, servers["lab"], notebook(scratch, *cells, saved="1.25\n"))
    opened.run_all()
    troubles = "\n".join(opened.troubles())
    assert "ZeroDivisionError" in troubles and "stderr: ¡cuidado!" in troubles
    change, = opened.changes()
    assert "decía «1.25\n» y dice «1.5\n»" in change
    moved: dict[tuple[int, str], bool] = {}
    for control in opened.controls():
        moved[control.cell, control.kind] = opened.move(control, 5) is not None
    assert moved == {(1, "número"): True, (1, "deslizador"): True, (2, "número"): False, (2, "deslizador"): False}
    assert any("celda 4" in line for line in opened.cut(1024))
    assert isinstance(opened.controls()[0], Control)

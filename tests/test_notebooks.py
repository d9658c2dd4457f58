"""Los cuadernos cumplen lo que se les exige, y cada exigencia se prueba también con un cuaderno descompuesto."""

import ast
import copy
import json
import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import notebook_guards as guards
import pytest

from labkit.commands.publish import preparation, read_address

ROOT = Path(__file__).resolve().parents[1]
NOTEBOOKS = sorted((ROOT / "lessons").glob("[0-9][0-9]*_*.ipynb"))
LESSONS = [path for path in NOTEBOOKS if not path.stem.endswith("_ejercicios")]
EXERCISES = [path for path in NOTEBOOKS if path.stem.endswith("_ejercicios")]
CASES = [(path, guard) for path in NOTEBOOKS for guard in guards.EVERY]
CASES += [(path, guard) for path in LESSONS for guard in guards.LESSON]
CASES += [(path, guard) for path in EXERCISES for guard in guards.EXERCISES]


def read(path: Path) -> dict:
    return json.loads(path.read_text(encoding="utf-8"))


WITHOUT_EXERCISES = {"05c_generador"}                          # sin ejercicios: corta


@pytest.mark.parametrize(("path", "guard"), CASES, ids=[f"{path.stem}-{guard.__name__}" for path, guard in CASES])
def test_notebook(path: Path, guard: Callable[[dict], list[str]]) -> None:
    assert guard(read(path)) == []


@pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda path: path.stem)
def test_preparation_is_the_published_one(path: Path) -> None:
    address = read_address((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
    assert guards.same_preparation(read(path), address) == []


@pytest.mark.skipif(not LESSONS, reason="todavía no hay lecciones")
def test_every_lesson_has_its_exercises() -> None:
    assert {path.stem for path in EXERCISES} == {f"{path.stem}_ejercicios" for path in LESSONS if path.stem not in WITHOUT_EXERCISES}


@pytest.mark.parametrize("path", sorted((ROOT / "labkit").rglob("*.py")), ids=lambda path: path.stem)
def test_labkit_widgets_work_in_both_versions(path: Path) -> None:
    assert guards.forbidden_widgets(ast.parse(path.read_text(encoding="utf-8"))) == []


# ── un cuaderno bueno de cada clase, y sus descomposturas ───────────────────────────────────────────────────────────

def markdown(text: str, **metadata: object) -> dict:
    return {"cell_type": "markdown", "metadata": metadata, "source": text}


def code(text: str, count: int | None = None, printed: str = "", **metadata: object) -> dict:
    shown = [{"output_type": "stream", "name": "stdout", "text": printed}] if printed else []
    return {"cell_type": "code", "execution_count": count, "metadata": metadata, "outputs": shown, "source": text}


def notebook(cells: list[dict]) -> dict:
    numbered = [{**cell, "id": f"celda-{i}"} for i, cell in enumerate(cells)]
    kernel = {"name": "python3", "display_name": "Python 3", "language": "python"}
    return {"nbformat": 4, "nbformat_minor": 5, "metadata": {"kernelspec": kernel}, "cells": numbered}


def picture() -> dict:
    data = {"image/png": "iVBORw0KGgo=", "text/plain": "<Figure>"}
    return {"output_type": "display_data", "metadata": {}, "data": data}


def good_lesson() -> dict:
    checked = {"tags": [guards.CHECK_TAG]}
    figure = code("show_images(images)", 3)
    figure["outputs"] = [picture()]
    cells = [
        markdown("# 1. Oclusión\n\n**Tiempo:** 90 min · **Requisitos:** ninguno · **Fuente:** la clase"),
        markdown("**Pregunta guía.** ¿Qué mira?\n\nAl terminar podrás\n\n- tapar\n- medir\n- dudar"),
        markdown("## Preparación"),
        code(preparation(), 1, "labkit\n", jupyter={"source_hidden": True}),
        markdown("palabra " * 1500),
    ]
    for i in range(1, 4):
        cells += [markdown(f"## {i}. Parte\n\n**Predice antes de ejecutar.**")]
        cells += [code("print(1)", i + 1, "1.25\n", **checked)]
        cells += [markdown("**¿Qué viste?**\n\n**Límites.** Pocos.")]
    figure["execution_count"] = 5
    cells += [figure, markdown("*Descripción:* una figura.")]
    cells += [code(f"x = {i}", i) for i in range(6, 17)]
    cells += [markdown(f"## {part}\n\ntexto") for part in guards.ANATOMY[1:]]
    cells += [markdown("- Zeiler, M. D. y Fergus, R. (2014). <https://doi.org/10.1007/978-3-319-10590-1_53>")]
    return notebook(cells)


def mark(name: str, grade: bool, solution: bool, points: int | None = None) -> dict:
    flags = {"schema_version": 3, "grade_id": name, "grade": grade, "solution": solution, "task": False}
    flags["locked"] = grade and not solution
    return flags if points is None else {**flags, "points": points}


def good_exercises() -> dict:
    cells = [markdown("# Ejercicios"), code(preparation(), jupyter={"source_hidden": True})]
    for i in range(1, 5):
        cells += [code("def f(): ...", nbgrader=mark(f"e{i}-mapa", False, True))]
        cells += [code("check('f', f)", nbgrader=mark(f"e{i}-mapa-prueba", True, False, 2))]
    return notebook(cells + [markdown("Tu respuesta", nbgrader=mark("e5-reflexion", True, True, 2))])


def test_good_notebooks_pass_every_guard() -> None:
    lesson, exercises = good_lesson(), good_exercises()
    assert {g.__name__: g(lesson) for g in guards.EVERY + guards.LESSON if g(lesson)} == {}
    assert {g.__name__: g(exercises) for g in guards.EVERY + guards.EXERCISES if g(exercises)} == {}
    assert guards.same_preparation(lesson) == guards.same_preparation(exercises) == []


def add_code(text: str) -> Callable[[dict], None]:
    return lambda book: book["cells"].append({**code(text, 17), "id": "nueva"})


def add_output(output: dict) -> Callable[[dict], None]:
    return lambda book: guards.code_cells(book)[-1]["outputs"].append(output)


def change(cell: int, **what: object) -> Callable[[dict], None]:
    return lambda book: guards.code_cells(book)[cell].update(what)


def replace(before: str, after: str) -> Callable[[dict], None]:
    def edit(book: dict) -> None:
        touched = [cell for cell in book["cells"] if cell["cell_type"] == "markdown" and before in cell["source"]]
        assert touched, f"la descompostura no toca nada: {before}"
        for cell in touched:
            cell["source"] = cell["source"].replace(before, after)
    return edit


LESSON_FAULTS = [
    (guards.valid_format, lambda book: book.update(nbformat_minor=4)),
    (guards.valid_format, lambda book: book["cells"][1].update(id="celda-0")),
    (guards.valid_format, lambda book: book["cells"][1].pop("id")),
    (guards.valid_format, lambda book: book["cells"][3].pop("outputs")),
    (guards.kernel_is_python3, lambda book: book["metadata"]["kernelspec"].update(name="curso")),
    (guards.kernel_is_python3, lambda book: book["metadata"].pop("kernelspec")),
    (guards.no_widget_state, lambda book: book["metadata"].update(widgets={})),
    (guards.no_errors, add_output({"output_type": "error", "ename": "ValueError", "evalue": "", "traceback": []})),
    (guards.no_errors, add_output({"output_type": "stream", "name": "stderr", "text": "aviso"})),
    (guards.no_errors, add_output({"output_type": "display_data", "data": {"image/png": ""}, "metadata": {
        "image/png": {"alt": "Demostración. ✗ Este cuadro no se pudo dibujar. NameError"}}})),
    (guards.small_file, add_output({"output_type": "stream", "name": "stdout", "text": "ñ" * 1_000_001})),
    (guards.figures_are_pictures, add_output({"output_type": "execute_result", "execution_count": 16, "metadata": {},
                                              "data": {"text/plain": "<Figure size 640x480 with 1 Axes>"}})),
    (guards.pictures_are_shown, add_code("show_table(columns, rows)\nprint(1)")),
    (guards.pictures_are_shown, add_code("for row in rows:\n    plotting.show_bars(row)")),
    (guards.short_cells, add_code("x = 1\n" * 26)),
    (guards.same_preparation, change(0, source=preparation() + "\nx = 1")),
    (guards.same_preparation, change(0, metadata={})),
    (guards.nbval_comments_alone, add_code("# NBVAL_SKIP porque tarda")),
    (guards.nbval_comments_alone, add_code("x = 1  # NBVAL_SKIP")),
    (guards.portable_widgets, add_code("widgets.IntSlider(tooltip='paso')")),
    (guards.portable_widgets, add_code("widgets.Tab([a, b], titles=['uno', 'dos'])")),
    (guards.portable_widgets, add_code("Play(min=0, repeat=True)")),
    (guards.portable_widgets, add_code("widgets.Stack([a, b])")),
    (guards.portable_widgets, add_code("from ipywidgets import TagsInput")),
    (guards.portable_widgets, add_code("Layout(border_top='1px')")),
    (guards.portable_widgets, add_code("Dropdown(options={'uno': 1})")),
    (guards.portable_widgets, add_code("RadioButtons(options=[1], orientation='horizontal')")),
    (guards.portable_widgets, add_code("widgets.jslink((a, 'value'), (b, 'value'))")),
    (guards.portable_widgets, add_code("import ipympl")),
    (guards.portable_widgets, add_code("display(Image(data=b'', alt='una foto'))")),
    (guards.portable_widgets, add_code("Label('x', style={'font_size': '20px'})")),
    (guards.no_magic_installs, add_code("!pip install torch")),
    (guards.no_magic_installs, add_code("%pip install torch")),
    (guards.no_magic_installs, add_code("%matplotlib widget")),
    (guards.no_absolute_paths, add_code("open('/srv/fotos/foto.png')")),
    (guards.no_absolute_paths, add_code(r"open('D:\\fotos\\foto.png')")),
    (guards.no_network, add_code("import urllib.request")),
    (guards.no_network, add_code("from requests import get")),
    (guards.no_network, add_code("torch.hub.load('x', 'y')")),
    (guards.no_network, add_code("CIFAR10('data', download=True)")),
    (guards.no_network, add_code("load('https://example.org/x.png')")),
    (guards.no_rainbows, add_code("plt.imshow(x, cmap='jet')")),
    (guards.images_described, add_output(picture())),
    (guards.images_described, replace("*Descripción:* una figura.", "Una figura.")),
    (guards.executed_in_order, change(4, execution_count=None)),
    (guards.executed_in_order, change(4, execution_count=99)),
    (guards.within_budget, replace("palabra " * 1500, "palabra")),
    (guards.within_budget, lambda book: [add_code("x = 1")(book) for _ in range(46)]),
    (guards.checks_compare_something, change(1, metadata={})),
    (guards.checks_compare_something, change(1, execution_count=None)),
    (guards.checks_compare_something, change(1, outputs=[])),
    (guards.checks_compare_something, change(1, outputs=[picture()])),
    (guards.checks_compare_something, change(1, outputs=code("", 2, "0.123456\n")["outputs"])),
    (guards.checks_compare_something, lambda book: [add_code("# NBVAL_CHECK_OUTPUT\nx = 1")(book) for _ in range(4)]),
    (guards.lesson_anatomy, replace("# 1. Oclusión", "Oclusión")),
    (guards.lesson_anatomy, replace("Tiempo:** 90", "Tiempo:** 45")),
    (guards.lesson_anatomy, replace("Requisitos", "Antes")),
    (guards.lesson_anatomy, replace("Fuente", "Origen")),
    (guards.lesson_anatomy, replace("Pregunta guía", "Pregunta")),
    (guards.lesson_anatomy, replace("- medir\n- dudar", "")),
    (guards.lesson_anatomy, replace("Predice antes de ejecutar", "Ejecuta")),
    (guards.lesson_anatomy, replace("¿Qué viste?", "Fin")),
    (guards.lesson_anatomy, replace("Límites", "Más")),
    (guards.lesson_anatomy, replace("## Control de cordura", "## Otro")),
    (guards.lesson_anatomy, replace("## Resumen", "## Fin")),
    (guards.lesson_anatomy, replace("## Autoevaluación", "## Preguntas")),
    (guards.lesson_anatomy, replace("<https://doi.org/10.1007/978-3-319-10590-1_53>", "ECCV")),
    (guards.lesson_anatomy, lambda book: book["cells"].append(book["cells"].pop(2))),
]

EXERCISE_FAULTS = [
    (guards.no_outputs, change(2, execution_count=1)),
    (guards.no_outputs, change(2, outputs=[picture()])),
    (guards.nbgrader_cells, change(1, metadata={"nbgrader": {**mark("e1-mapa", False, True), "schema_version": 2}})),
    (guards.nbgrader_cells, change(1, metadata={"nbgrader": {**mark("e1-mapa", False, True), "pista": "no"}})),
    (guards.nbgrader_cells, change(1, metadata={"nbgrader": mark("e1-oclusión", False, True)})),
    (guards.nbgrader_cells, change(1, metadata={"nbgrader": mark("e2-mapa", False, True)})),
    (guards.nbgrader_cells, change(1, metadata={"nbgrader": mark("e1-mapa", True, True, 2)})),
    (guards.nbgrader_cells, change(2, metadata={"nbgrader": mark("e1-mapa-prueba", True, False, 3)})),
    (guards.nbgrader_cells, change(2, metadata={"nbgrader": mark("e1-mapa-prueba", True, False)})),
    (guards.one_test_per_exercise, change(1, metadata={})),
    (guards.one_test_per_exercise, change(1, metadata={"nbgrader": mark("e1-otra-prueba", True, False, 2)})),
    (guards.one_test_per_exercise, change(2, metadata={"nbgrader": mark("e1-otra", False, True)})),
]


@pytest.mark.parametrize(("guard", "fault"), LESSON_FAULTS)
def test_guard_rejects_a_broken_lesson(guard: Callable[[dict], list[str]], fault: Callable[[dict], None]) -> None:
    book = copy.deepcopy(good_lesson())
    fault(book)
    assert guard(book), "la descompostura pasó inadvertida"


@pytest.mark.parametrize(("guard", "fault"), EXERCISE_FAULTS)
def test_guard_rejects_broken_exercises(guard: Callable[[dict], list[str]], fault: Callable[[dict], None]) -> None:
    book = copy.deepcopy(good_exercises())
    fault(book)
    assert guard(book), "la descompostura pasó inadvertida"


SHOWN = [code("", 1, "1.25\n")["outputs"][0], picture(), picture(),
         {"output_type": "display_data", "metadata": {}, "data": {guards.WIDGET_VIEW: {}, "text/plain": "VBox()"}}]
AS_TEXT = {"output_type": "display_data", "metadata": {}, "data": {"text/plain": "<Figure size 640x480 with 1 Axes>"}}
JPEG = {"output_type": "display_data", "metadata": {}, "data": {"image/jpeg": "/9j/", "text/plain": "<Figure>"}}


@pytest.mark.parametrize(("made", "lost"), [
    (SHOWN, []), (SHOWN[::-1], []), ([*SHOWN, AS_TEXT, picture()], []), ([SHOWN[0], *SHOWN], []),
    ([SHOWN[0], JPEG, *SHOWN[2:]], []), ([SHOWN[0], AS_TEXT, *SHOWN[2:]], ["figura"]), (SHOWN[1:], ["stdout"]),
    (SHOWN[:3], ["control"]), ([], ["control", "figura", "stdout"]),
    (code("", 1, "CIFAR-10 se omite: no está.\n")["outputs"], [])])
def test_an_output_that_is_lost_is_noticed(made: list[dict], lost: list[str]) -> None:
    assert guards.lost_outputs(SHOWN, made) == lost


def test_what_was_saved_as_skipped_may_be_done_where_there_is_real_data() -> None:
    assert guards.lost_outputs(code("", 1, "CIFAR-10 se omite: no está.\n")["outputs"], [picture()]) == []


def test_a_marked_cell_says_the_same_and_another_may_say_other_things() -> None:
    """Lo escrito puede llegar partido; una figura de más no es un cambio, y una de menos sí."""
    free, marked = code("", 1, "1.25\n"), code("", 1, "1.25\n", tags=[guards.CHECK_TAG])
    split = [{**free["outputs"][0], "text": part} for part in ("1.", "25\n")]
    assert guards.changes(marked, split) == guards.changes(marked, [*split, picture()]) == []
    other = code("", 1, "1.5\n")["outputs"]
    assert guards.changes(free, other) == [] and guards.changes(marked, other) == ["decía «1.25\n» y dice «1.5\n»"]
    assert guards.changes({**free, "outputs": SHOWN}, SHOWN[:1]) == ["ya no salió: control, figura"]


def test_a_figure_that_became_text_fails_when_the_notebook_runs(tmp_path: Path) -> None:
    """De punta a punta, con nbval: la celda no está marcada y no hay error, pero guardaba una figura."""
    pytest.importorskip("nbval")
    book = notebook([code("'<Figure size 640x480>'", 1), code("'<Figure size 640x480>'", 2)])
    book["cells"][0]["outputs"] = [{**AS_TEXT}]
    book["cells"][1]["outputs"] = [picture()]
    (tmp_path / "perdida.ipynb").write_text(json.dumps(book), encoding="utf-8")
    env = {**os.environ, "PYTHONPATH": os.pathsep.join([str(ROOT), str(ROOT / "tests")])}
    command = [sys.executable, "-m", "pytest", "-p", "conftest", "--nbval-lax", "--nbval-current-env", "perdida.ipynb"]
    done = subprocess.run(command, cwd=tmp_path, env=env, capture_output=True, encoding="utf-8", timeout=120)
    assert "1 failed, 1 passed" in done.stdout, done.stdout + done.stderr
    assert "La celda guardada muestra algo que aquí ya no salió: figura" in done.stdout


def test_every_guard_has_a_fault() -> None:
    tried = {guard for guard, _ in LESSON_FAULTS + EXERCISE_FAULTS}
    assert tried == {*guards.EVERY, *guards.LESSON, *guards.EXERCISES, guards.same_preparation}

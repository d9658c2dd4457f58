"""Los cuadernos de ejercicios, ejecutados: como se entregan quedan pendientes, y con las respuestas buenas, correctos."""
import ast
import json
import re
from pathlib import Path

import matplotlib
import pytest
from test_exercises import FUNCTIONS, LESSON_OF

LESSONS = Path(__file__).resolve().parents[1] / "lessons"
NOTEBOOKS = [path.stem for path in sorted(LESSONS.glob("*_ejercicios.ipynb"))]
CHECK = re.compile(r'^check\("(\w+)", \(?(?:ACCOUNT, )?(\w+)\)?\)$', re.MULTILINE)
ACCOUNT = "312345678"


def code_cells(name):
    """El texto de cada celda de código."""
    book = json.loads((LESSONS / f"{name}.ipynb").read_text(encoding="utf-8"))
    return ["".join(cell["source"]) for cell in book["cells"] if cell["cell_type"] == "code"]


def solved(cells):
    """Las celdas con el número de cuenta escrito y, antes de cada revisión, la respuesta buena."""
    for text in cells:
        text = text.replace('ACCOUNT = ""', f'ACCOUNT = "{ACCOUNT}"')
        for exercise, variable in CHECK.findall(text):
            lesson = LESSON_OF[exercise]
            good = f"{lesson.__name__}.{lesson.GOOD[exercise][0].__name__}"
            yield f"import {lesson.__name__}\n{variable} = {good}{'' if exercise in FUNCTIONS else '(ACCOUNT)[1]'}"
        yield text
        yield from commented(text) if "# hint(" in text else ()


def commented(text):
    """El código que una celda de ayuda trae comentado: de cada párrafo, lo que sigue a la prosa."""
    for paragraph in re.sub(r"(?m)^# ?", "", text).split("\n\n"):
        lines = [line for line in paragraph.splitlines() if not line.startswith(("hint(", "solution("))]
        while lines and not is_code(lines):
            del lines[0]
        yield "\n".join(lines)


def is_code(lines):
    try:
        return bool(ast.parse("\n".join(lines)))
    except SyntaxError:
        return False


def execute(cells):
    matplotlib.use("Agg")
    space = {}
    for text in cells:
        exec(text, space)


@pytest.mark.parametrize("name", NOTEBOOKS)
def test_an_untouched_notebook_stays_pending(name, capfd):
    execute(code_cells(name))
    shown = capfd.readouterr()
    assert shown.out.count("… Pendiente") == 4 and "✗" not in shown.out and shown.err == ""


@pytest.mark.parametrize("name", NOTEBOOKS)
def test_a_solved_notebook_passes_graded_and_what_is_commented_runs(name, monkeypatch, capfd):
    monkeypatch.setenv("LABKIT_ESTRICTO", "1")
    execute(solved(code_cells(name)))
    shown = capfd.readouterr()
    assert shown.out.count("✓ Correcto") == 4 and "✗" not in shown.out and shown.err == ""


def test_of_a_help_cell_only_the_code_is_run():
    cell = '# hint("uno")  # más\n\n# Cuando esté lista, mírala:\n# rojo y azul.\n# for x in range(2):\n#     print(x)'
    assert list(commented(cell)) == ["", "for x in range(2):\n    print(x)"]

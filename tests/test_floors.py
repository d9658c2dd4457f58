"""Los pisos de labkit: cada módulo importa sólo de los de abajo, ninguna lección dibuja y nada trabaja al importarse."""
import ast
import subprocess
import sys

import pytest
from plan import PACKAGE, modules, plan, read_plan, room_of, student_part

ROOMS = plan()
FLOOR = {name: room.floor for name, room in ROOMS.items()}
MOST_LINES = 3300                                               # lo que se lee en una tarde
# una lección b puede importar a su primera mitad
HALVES = {("experiments", "dissection"), ("counterfactuals", "occlusion"), ("priors", "regularization"),
          ("commands", "teacher")}                              # y una orden, al cuarto que hace su trabajo
DOOR = "__main__"                                               # reparte las órdenes, que están en su mismo piso
# llamadas que sólo arman un valor; también cuenta como tal Mayúsculas(…)
NOT_WORK = {"compile", "set", "dict", "tuple", "frozenset", "range", "str", "get_path", "field"}


def imported_rooms(tree: ast.AST) -> set[str]:
    """Los cuartos de labkit que un módulo importa, también dentro de sus funciones."""
    found = set()
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            found |= {alias.name for alias in node.names if alias.name.split(".")[0] == "labkit"}
        elif isinstance(node, ast.ImportFrom) and node.level:
            found.add("labkit.?relativa")                       # aquí se importa siempre por el nombre completo
        elif isinstance(node, ast.ImportFrom) and (node.module or "").split(".")[0] == "labkit":
            found |= {f"{node.module}.{alias.name}" for alias in node.names}
    return {name.split(".")[1] for name in found if "." in name} - {"__version__"}


def broken_floors(path: str, text: str) -> list[str]:
    tree, own = ast.parse(text), room_of(path)
    if own == "__init__":
        return [f"__init__ importa {name}" for name in imported_rooms(tree)]
    if own not in FLOOR:
        return [f"{path}: no está en el plano de labkit/__init__.py"]
    problems = []
    for other in imported_rooms(tree) - {own}:
        below = other in FLOOR and FLOOR[other] < FLOOR[own] + (own == DOOR)
        if not below and (own, other) not in HALVES:
            problems.append(f"{path} (piso {FLOOR[own]}) importa {other} (piso {FLOOR.get(other)})")
        if FLOOR[own] == 3 and other == "plotting":
            problems.append(f"{path} es una lección y dibuja")
        if own == "plotting" and other in ("activations", "models", "objectives"):
            problems.append(f"{path} dibuja y además ejecuta una red")
    return problems


def star_imports(path: str, text: str) -> list[str]:
    return [f"{path}:{node.lineno}: import *" for node in ast.walk(ast.parse(text))
            if isinstance(node, ast.ImportFrom) and any(alias.name == "*" for alias in node.names)]


def lesson_drawings(path: str, text: str) -> list[str]:
    """Una lección (piso 3 o menos, salvo quienes dibujan) no importa matplotlib ni controles."""
    drawing = {"matplotlib", "ipywidgets", "IPython"}
    if FLOOR.get(room_of(path), 9) > 3 or room_of(path) in ("plotting", "images"):
        return []
    names = [alias.name if isinstance(node, ast.Import) else node.module or "" for node in ast.walk(ast.parse(text))
             if isinstance(node, (ast.Import, ast.ImportFrom)) for alias in node.names]
    return [f"{path} importa {name}" for name in names if name.split(".")[0] in drawing]


def executed(node: ast.AST) -> list[ast.AST]:
    """Lo que se ejecuta al evaluar un nodo: todo, menos el cuerpo de sus lambda, que espera a que la llamen."""
    if isinstance(node, ast.Lambda):
        return []
    return [node, *(inner for child in ast.iter_child_nodes(node) for inner in executed(child))]


def work_at_import(path: str, text: str) -> list[str]:
    """Lo que un módulo hace al importarse, además de definir: llamadas, ciclos, condiciones…"""
    def statements(body: list[ast.stmt]):
        for node in body:
            if isinstance(node, ast.ClassDef):
                yield from statements(node.body)
            elif not isinstance(node, (ast.Import, ast.ImportFrom, ast.FunctionDef)):
                yield node

    problems = []
    for node in statements(ast.parse(text).body):
        words = isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant)
        door = path == "__main__.py" and isinstance(node, ast.If) and "__name__" in ast.unparse(node.test)
        if not (words or door or isinstance(node, (ast.Assign, ast.AnnAssign))):
            problems.append(f"{path}:{node.lineno}: {type(node).__name__} al importar")
        elif not door:
            calls = [ast.unparse(call.func) for call in executed(node) if isinstance(call, ast.Call)]
            names = [name for name in calls if not (name.split(".")[-1] in NOT_WORK or name.split(".")[-1][0].isupper())]
            problems += [f"{path}:{node.lineno}: llama a {name} al importar" for name in names]
    return problems


RULES = {rule.__name__: rule for rule in (broken_floors, star_imports, lesson_drawings, work_at_import)}


@pytest.mark.parametrize("rule", RULES)
def test_labkit_keeps_the_rule(rule):
    texts = modules()
    assert {"activations.py", "occlusion.py", "plotting/plots.py"} <= set(texts)
    assert [problem for path, text in texts.items() for problem in RULES[rule](path, text)] == []


def test_the_plan_has_every_room_and_no_ghost():
    assert {room_of(path) for path in modules()} - {"__init__"} == set(ROOMS)


def test_what_a_student_reads_takes_an_afternoon():
    lines = student_part()
    assert {"pixels.py", "activations.py", "occlusion.py"} <= set(lines) and sum(lines.values()) <= MOST_LINES, lines


def test_the_plan_is_read_as_it_is_written():
    text = "    Piso 2: arriba\n        E  objectives  algo\n    Piso 0: abajo\n        I  files   otra cosa\n\nE  afuera  no cuenta"
    assert read_plan(text) == {"objectives": (2, "E"), "files": (0, "I")}
    with pytest.raises(ValueError, match="dos veces"):
        read_plan(f"{text}\n    Piso 1: x\n        T  files  repetido")


@pytest.mark.parametrize("rule, path, text", [
    ("broken_floors", "shapes.py", "from labkit.activations import run"),
    ("broken_floors", "occlusion.py", "from labkit.plotting import show_sheet"),
    ("broken_floors", "occlusion.py", "import labkit.dissection"),
    ("broken_floors", "exemplars/units.py", "from labkit import occlusion"),
    ("broken_floors", "dissection/planted.py", "from labkit.experiments import Drawn"),
    ("broken_floors", "experiments/tables.py", "from labkit.occlusion import occlude"),
    ("broken_floors", "worlds.py", "from labkit.datasets import load_concepts"),
    ("broken_floors", "objectives.py", "def f():\n    from labkit.models import load_model"),
    ("broken_floors", "plotting.py", "from labkit.activations import run"),
    ("broken_floors", "occlusion.py", "from .activations import run"),
    ("broken_floors", "exercises/verdict.py", "from labkit.commands.publish import main"),
    ("broken_floors", "nuevo.py", ""),
    ("broken_floors", "__init__.py", "from labkit.device import pick_device"),
    ("star_imports", "occlusion.py", "from labkit.shapes import *"),
    ("lesson_drawings", "occlusion.py", "import matplotlib.pyplot as plt"),
    ("lesson_drawings", "datasets.py", "def f():\n    from ipywidgets import VBox"),
    ("work_at_import", "device.py", "DEVICE = pick_device()"),
    ("work_at_import", "datasets.py", "class A:\n    images = [load_images()]"),
    ("work_at_import", "datasets.py", "for i in range(3):\n    pass"),
    ("work_at_import", "datasets.py", "print('hola')"),
    ("work_at_import", "datasets.py", "TABLE = {'a': torch.zeros(3)}"),
    ("work_at_import", "datasets.py", "if True:\n    import os"),
    ("work_at_import", "datasets.py", "KIND = Kind(lambda n: zeros(n), zeros(3))"),
])
def test_the_rules_catch_what_they_should(rule, path, text):
    assert RULES[rule](path, text)


@pytest.mark.parametrize("rule, path, text", [
    ("broken_floors", "occlusion.py", "from labkit.activations import run\nfrom labkit import shapes"),
    ("broken_floors", "exercises/verdict.py", "from labkit.exercises.compare import same\nfrom labkit.occlusion import occlude"),
    ("broken_floors", "__main__.py", "from labkit.commands.publish import main"),
    ("broken_floors", "experiments/tables.py", "from labkit.dissection import dissect"),
    ("lesson_drawings", "plotting.py", "import matplotlib.pyplot as plt"),
    ("work_at_import", "a.py", "KIND = Kind(read=lambda n: zeros(n))"),
    ("work_at_import", "a.py", "'''doc'''\nimport re\nX = re.compile('a')\nY: dict[str, int] = {}\nclass A:\n    z: int = 3\nA = A(1)"),
])
def test_the_rules_leave_the_rest_alone(rule, path, text):
    assert RULES[rule](path, text) == []


def test_importing_opens_no_data_no_network_and_no_device():
    """Se importa todo labkit en otro proceso, con un vigía sobre cada archivo y cada conexión que se abre."""
    names = [f"labkit.{path.removesuffix('.py').replace('/', '.')}".removesuffix(".__init__") for path in modules()
             if path != "__main__.py"]
    program = f"""
import importlib, sys
events = []
def watch(event, args):
    if event == "socket.connect" or event == "open" and str(args[0]).startswith({str(PACKAGE.parent / "data")!r}):
        events.append((event, str(args)))
sys.addaudithook(watch)
for name in {names!r}:
    importlib.import_module(name)
import torch
assert not torch.cuda.is_initialized()
assert not events, events
"""
    done = subprocess.run([sys.executable, "-c", program], cwd=PACKAGE.parent, capture_output=True, text=True)
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")

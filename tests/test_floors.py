"""Los pisos de labkit: cada módulo importa sólo de los de abajo, ninguna lección dibuja y nada trabaja al importarse."""
import ast
import subprocess
import sys
from pathlib import Path

import pytest

PACKAGE = Path(__file__).resolve().parent.parent / "labkit"
FLOORS = {
    0: "device downloads files pictures shapes",
    1: "activations cifar10 colors images regions",
    2: "objectives models datasets worlds galleries broden plotting",
    3: "occlusion optimization regularization priors exemplars dissection experiments sequences tabular audit",
    4: "widgets exercises notebook",
    5: "publish export fetch teacher report",
    6: "__main__",                                              # la puerta: reparte las órdenes entre los del piso 5
}
HALVES = {("experiments", "dissection")}                        # una lección b puede importar a su primera mitad
FLOOR = {room: floor for floor, rooms in FLOORS.items() for room in rooms.split()}
# llamadas que sólo arman un valor; también cuenta como tal Mayúsculas(…)
NOT_WORK = {"compile", "set", "dict", "tuple", "frozenset", "range", "str", "get_path"}


def sources() -> dict[str, str]:
    """Ruta dentro de labkit → texto, para cada módulo."""
    return {path.relative_to(PACKAGE).as_posix(): path.read_text(encoding="utf-8") for path in sorted(PACKAGE.rglob("*.py"))}


def room(path: str) -> str:
    """A qué cuarto pertenece un archivo: occlusion.py → occlusion; exercises/verdict.py → exercises."""
    return path.removesuffix(".py").split("/")[0]


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
    tree, own = ast.parse(text), room(path)
    if own == "__init__":
        return [f"__init__ importa {name}" for name in imported_rooms(tree)]
    if own not in FLOOR:
        return [f"{path}: no tiene piso; dáselo en FLOORS"]
    problems = []
    for other in imported_rooms(tree) - {own}:
        if (own, other) not in HALVES and (other not in FLOOR or FLOOR[other] >= FLOOR[own]):
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
    if FLOOR.get(room(path), 9) > 3 or room(path) in ("plotting", "images"):
        return []
    names = [alias.name if isinstance(node, ast.Import) else node.module or "" for node in ast.walk(ast.parse(text))
             if isinstance(node, (ast.Import, ast.ImportFrom)) for alias in node.names]
    return [f"{path} importa {name}" for name in names if name.split(".")[0] in drawing]


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
            calls = [ast.unparse(call.func) for call in ast.walk(node) if isinstance(call, ast.Call)]
            names = [name for name in calls if not (name.split(".")[-1] in NOT_WORK or name.split(".")[-1][0].isupper())]
            problems += [f"{path}:{node.lineno}: llama a {name} al importar" for name in names]
    return problems


RULES = {rule.__name__: rule for rule in (broken_floors, star_imports, lesson_drawings, work_at_import)}


@pytest.mark.parametrize("rule", RULES)
def test_labkit_keeps_the_rule(rule):
    modules = sources()
    assert {"activations.py", "occlusion.py", "plotting.py"} <= set(modules)
    assert [problem for path, text in modules.items() for problem in RULES[rule](path, text)] == []


@pytest.mark.parametrize("rule, path, text", [
    ("broken_floors", "shapes.py", "from labkit.activations import run"),
    ("broken_floors", "occlusion.py", "from labkit.plotting import show_images"),
    ("broken_floors", "occlusion.py", "import labkit.dissection"),
    ("broken_floors", "audit.py", "from labkit import occlusion"),
    ("broken_floors", "dissection/planted.py", "from labkit.experiments import Drawn"),
    ("broken_floors", "experiments/tables.py", "from labkit.occlusion import occlude"),
    ("broken_floors", "worlds.py", "from labkit.datasets import load_concepts"),
    ("broken_floors", "objectives.py", "def f():\n    from labkit.models import load_model"),
    ("broken_floors", "plotting.py", "from labkit.activations import run"),
    ("broken_floors", "occlusion.py", "from .activations import run"),
    ("broken_floors", "exercises/verdict.py", "from labkit.publish import main"),
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
])
def test_the_rules_catch_what_they_should(rule, path, text):
    assert RULES[rule](path, text)


@pytest.mark.parametrize("rule, path, text", [
    ("broken_floors", "occlusion.py", "from labkit.activations import run\nfrom labkit import shapes"),
    ("broken_floors", "exercises/verdict.py", "from labkit.exercises.compare import same\nfrom labkit.occlusion import occlude"),
    ("broken_floors", "__main__.py", "from labkit.publish import main"),
    ("broken_floors", "experiments/tables.py", "from labkit.dissection import dissect"),
    ("lesson_drawings", "plotting.py", "import matplotlib.pyplot as plt"),
    ("work_at_import", "a.py", "'''doc'''\nimport re\nX = re.compile('a')\nY: dict[str, int] = {}\nclass A:\n    z: int = 3\nA = A(1)"),
])
def test_the_rules_leave_the_rest_alone(rule, path, text):
    assert RULES[rule](path, text) == []


def test_importing_opens_no_data_no_network_and_no_device():
    """Se importa todo labkit en otro proceso, con un vigía sobre cada archivo y cada conexión que se abre."""
    modules = [f"labkit.{path.removesuffix('.py').replace('/', '.')}".removesuffix(".__init__") for path in sources()
               if path != "__main__.py"]
    program = f"""
import importlib, sys
events = []
def watch(event, args):
    if event == "socket.connect" or event == "open" and str(args[0]).startswith({str(PACKAGE.parent / "data")!r}):
        events.append((event, str(args)))
sys.addaudithook(watch)
for name in {modules!r}:
    importlib.import_module(name)
import torch
assert not torch.cuda.is_initialized()
assert not events, events
"""
    done = subprocess.run([sys.executable, "-c", program], cwd=PACKAGE.parent, capture_output=True, text=True)
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")

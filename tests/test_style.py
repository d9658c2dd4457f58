"""El estilo que se puede medir: tamaños, anotaciones, descripciones y acentos. Son topes; lo bueno está muy por debajo."""
import ast
import io
import re
import tokenize
from pathlib import Path
from statistics import median

import pytest

ROOT = Path(__file__).resolve().parent.parent
MODULE, FUNCTION, ARGUMENTS, LINE, MEDIAN = 250, 40, 7, 120, 8

# palabras que en español llevan siempre acento o ñ (y que no son palabras de Python ni del inglés)
BARE = """imagenes funcion tambien mascara mascaras maximo minimo codigo segun asi puntuacion oclusion ejecucion activacion
seccion leccion aqui despues ningun algun ultimo ultima dificil arbol camion automovil avion pajaro direccion informacion
explicacion posicion pagina tecnica metodo parametro vacio tamano pequeno pequena espanol ensena sera podria habria tendra
estan deberia pixel pixeles razon numeros lineas indice clasificacion penalizacion disposicion conexion mas""".split()
BARE_WORD = re.compile(rf"\b({'|'.join(BARE)})\b", re.IGNORECASE)


def modules() -> dict[str, str]:
    """Ruta → texto de lo que leen los estudiantes, y de quien escribe los datos que se leen."""
    paths = [*(ROOT / "labkit").rglob("*.py"), ROOT / "data" / "build" / "packing.py"]
    return {path.relative_to(ROOT).as_posix(): path.read_text(encoding="utf-8") for path in sorted(paths)}


def functions(tree: ast.AST) -> list[ast.FunctionDef]:
    return [node for node in ast.walk(tree) if isinstance(node, ast.FunctionDef)]


def public(tree: ast.Module) -> list[ast.FunctionDef | ast.ClassDef]:
    """Lo que otros pueden usar: funciones y clases del módulo y los métodos de estas, sin guion bajo."""
    found = []
    for node in tree.body:
        if isinstance(node, (ast.FunctionDef, ast.ClassDef)) and not node.name.startswith("_"):
            found.append(node)
            if isinstance(node, ast.ClassDef):
                found += [method for method in node.body if isinstance(method, ast.FunctionDef)]
    return found


def length(node: ast.FunctionDef) -> int:
    return node.end_lineno - node.lineno + 1


def arguments(node: ast.FunctionDef) -> list[ast.arg]:
    every = [*node.args.posonlyargs, *node.args.args, *node.args.kwonlyargs]
    return [argument for argument in every if argument.arg not in ("self", "cls")]


def too_long(text: str) -> list[str]:
    lines = text.splitlines()
    problems = [f"{len(lines)} líneas (máximo {MODULE}: pártelo en una carpeta)"] if len(lines) > MODULE else []
    problems += [f"línea {i}: {len(line)} caracteres" for i, line in enumerate(lines, 1) if len(line) > LINE]
    for node in functions(ast.parse(text)):
        if length(node) > FUNCTION:
            problems.append(f"{node.name}: {length(node)} líneas")
        if len(arguments(node)) > ARGUMENTS:
            problems.append(f"{node.name}: {len(arguments(node))} argumentos")
    return problems


def unexplained(text: str) -> list[str]:
    """Módulos, clases y funciones públicas sin descripción; los métodos con __nombre__ de Python y `forward` no la piden."""
    tree = ast.parse(text)
    needed = [node for node in public(tree) if not (node.name.startswith("_") or node.name == "forward")]
    problems = [] if ast.get_docstring(tree) or not tree.body else ["el módulo"]
    return problems + [node.name for node in needed if not ast.get_docstring(node)]


def unannotated(text: str) -> list[str]:
    problems = []
    for node in public(ast.parse(text)):
        if isinstance(node, ast.FunctionDef):
            problems += [f"{node.name}({argument.arg})" for argument in arguments(node) if argument.annotation is None]
            problems += [] if node.returns else [f"{node.name} → ?"]
    return problems


def passed_through(text: str) -> list[str]:
    """Funciones que reciben **lo_que_sea y se lo pasan a otra: quien las lee no sabe qué aceptan."""
    problems = []
    for node in functions(ast.parse(text)):
        received = node.args.kwarg.arg if node.args.kwarg else None
        problems += [node.name for call in ast.walk(node) if isinstance(call, ast.Call) for keyword in call.keywords
                     if received and keyword.arg is None and ast.unparse(keyword.value) == received]
    return problems


def bare_words(text: str) -> list[str]:
    """Palabras españolas sin su acento en comentarios y textos; lo que va entre comillas invertidas es código."""
    found = []
    for token in tokenize.generate_tokens(io.StringIO(text).readline):
        prose = token.type == tokenize.COMMENT or token.type == tokenize.STRING and " " in token.string
        if prose or token.type == getattr(tokenize, "FSTRING_MIDDLE", -1):
            found += [f"línea {token.start[0]}: {word}" for word in BARE_WORD.findall(re.sub(r"`[^`]*`", "", token.string))]
    return found


RULES = {rule.__name__: rule for rule in (too_long, unexplained, unannotated, passed_through, bare_words)}


@pytest.mark.parametrize("rule", RULES)
def test_the_code_keeps_the_rule(rule):
    texts = modules()
    assert "labkit/activations.py" in texts and "data/build/packing.py" in texts
    assert [f"{path}: {problem}" for path, text in texts.items() for problem in RULES[rule](text)] == []


def test_functions_are_short_as_a_rule():
    lengths = [length(node) for path, text in modules().items() if path.startswith("labkit/") for node in functions(ast.parse(text))]
    assert len(lengths) > 100 and median(lengths) <= MEDIAN


@pytest.mark.parametrize("rule, text", [
    ("too_long", "x = 1\n" * 251),
    ("too_long", "x = '" + "a" * 120 + "'"),
    ("too_long", "def f():\n" + "    x = 1\n" * 40),
    ("too_long", "class A:\n    def f(self, a, b, c, d, *, e, f, g, h): ..."),
    ("unexplained", "x = 1"),
    ("unexplained", "'''doc'''\ndef f() -> None: ..."),
    ("unexplained", "'''doc'''\nclass A:\n    '''doc'''\n    def f(self) -> None: ..."),
    ("unannotated", "def f(a) -> int: ..."),
    ("unannotated", "def f(a: int): ..."),
    ("unannotated", "class A:\n    def __init__(self, a: int): ..."),
    ("unannotated", "def f(*, a=3) -> int: ..."),
    ("passed_through", "def f(**options):\n    return g(1, **options)"),
    ("bare_words", "# la funcion da algo\nx = 1"),
    ("bare_words", "'''Las imagenes del curso.'''"),
    ("bare_words", "raise ValueError(f'{x}: Segun el tamano')"),
])
def test_the_rules_catch_what_they_should(rule, text):
    assert RULES[rule](text)


@pytest.mark.parametrize("rule, text", [
    ("too_long", "def f(a, b, c, d, e, f, g):\n" + "    x = 1\n" * 39),
    ("unexplained", "'''doc'''\ndef _f(): ...\nclass A:\n    '''doc'''\n    def __len__(self) -> int: ...\n    def _g(self): ..."),
    ("unannotated", "def f(a: int = 3, *, b: str) -> int: ...\ndef _g(a): ..."),
    ("passed_through", "def f(**values):\n    return draw(values)\ndef g(d):\n    return h(**d)"),
    ("bare_words", "# la función `funcion` y las imágenes\nimagenes = 'funcion'"),
])
def test_the_rules_leave_the_rest_alone(rule, text):
    assert RULES[rule](text) == []

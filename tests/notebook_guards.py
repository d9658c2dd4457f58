"""Lo que se exige a cada cuaderno, como funciones: reciben el cuaderno (un dict) y dan la lista de lo que está mal.

Son funciones puras para poder probarlas también con cuadernos descompuestos a propósito (test_notebooks.py).
"""

import ast
import json
import re
from collections import Counter
from collections.abc import Iterator

import nbformat

from labkit.commands.publish import Address, preparation

MAX_BYTES, MAX_CELL_LINES = 2_000_000, 25
CODE_CELLS, MIN_WORDS, CHECKED = (15, 60), 1500, (3, 6)
CHECK_TAG = "nbval-check-output"
NBVAL_COMMENTS = {"NBVAL_SKIP", "NBVAL_CHECK_OUTPUT", "NBVAL_IGNORE_OUTPUT", "NBVAL_RAISES_EXCEPTION"}
IMAGES = {"image/png", "image/jpeg", "image/svg+xml"}
WIDGET_VIEW = "application/vnd.jupyter.widget-view+json"
DESCRIPTION = re.compile(r"^[>*_\s]*Descripción:", re.MULTILINE)

WIDGETS_ONLY_8 = {"Stack", "TagsInput", "ColorsInput", "FloatsInput", "IntsInput", "TimePicker", "NaiveDatetimePicker"}
AVOIDED = {"jslink": "usa link", "jsdlink": "usa dlink", "ipympl": "no funciona en Colab"}
TAKES_OPTIONS = {"Dropdown", "RadioButtons", "Select", "SelectMultiple", "SelectionSlider", "SelectionRangeSlider",
                 "ToggleButtons"}
WIDGETS = TAKES_OPTIONS | {
    "IntSlider", "FloatSlider", "FloatLogSlider", "IntRangeSlider", "FloatRangeSlider", "IntText", "FloatText",
    "BoundedIntText", "BoundedFloatText", "Text", "Textarea", "Checkbox", "ToggleButton", "Button", "Play", "Label",
    "HTML", "HTMLMath", "Image", "Output", "Tab", "Accordion", "HBox", "VBox", "Box", "GridBox", "FileUpload",
    "IntProgress", "FloatProgress", "Valid", "Layout",
}
EVERY_WIDGET_BUT = {"tooltip", "description_tooltip", "tabbable", "behavior", "titles", "alt"}  # argumentos que no
WIDGET_BUT = {"Play": {"repeat", "playing"}, "RadioButtons": {"orientation"},
              "Layout": {"border_top", "border_right", "border_bottom", "border_left", "gap"}}
STYLE_ONLY_8 = {"font_size", "background", "text_color", "font_weight", "font_family", "font_style"}
RAINBOWS = {"jet", "rainbow", "hsv", "gist_rainbow", "nipy_spectral"}
NETWORK = {"requests", "urllib", "http", "socket", "ftplib", "wget", "gdown"}
ABSOLUTE = re.compile(r"^(/\w[\w.-]*/|~/|[A-Za-z]:[\\/])")

ANATOMY = ["Preparación", "Control de cordura", "Con datos reales", "Resumen", "Autoevaluación", "Referencias"]
NBGRADER_KEYS = {"schema_version", "grade_id", "grade", "solution", "locked", "task"}


def source(cell: dict) -> str:
    """El texto de una celda, esté guardado como cadena o como lista de líneas."""
    return "".join(cell["source"])


def code_cells(book: dict) -> list[dict]:
    return [cell for cell in book["cells"] if cell["cell_type"] == "code" and source(cell).strip()]


def output_kind(output: dict) -> str:
    """Cómo se ve una salida: error, stdout, stderr, figura, control o texto."""
    if output["output_type"] in ("stream", "error"):
        return output.get("name", "error")
    data = set(output.get("data", {}))
    return "figura" if IMAGES & data else "control" if WIDGET_VIEW in data else "texto"


def lost_outputs(saved: list[dict], made: list[dict]) -> list[str]:
    """Las clases de salida que la celda guardada tiene y la que se ejecutó no: tantas figuras y controles, o más.

    Lo escrito no se cuenta, porque puede llegar en uno o en varios pedazos: basta con que haya algo. Lo que aparece de
    más no es una falla, ni lo que falta donde `load_or_skip` dijo o dice que se omite: depende de los datos reales.
    """
    if any(" se omite: " in output_text(output) for output in (*saved, *made)):
        return []
    before, after = (Counter(map(output_kind, outputs)) for outputs in (saved, made))
    counted = {kind: number if kind in ("figura", "control") else 1 for kind, number in before.items()}
    return sorted(kind for kind, number in counted.items() if after[kind] < number)


def written(outputs: list[dict]) -> str:
    """Lo escrito en las salidas de una celda, junto: puede llegar en uno o en varios pedazos."""
    return "".join(output_text(output) for output in outputs if output_kind(output) in ("stdout", "texto"))


def changes(cell: dict, made: list[dict]) -> list[str]:
    """En qué difieren las salidas de una celda recién ejecutada de las guardadas: lo que se perdió y, si está marcada, lo escrito."""
    lost = lost_outputs(cell["outputs"], made)
    found = [f"ya no salió: {', '.join(lost)}"] if lost else []
    before, after = written(cell["outputs"]), written(made)
    return [*found, f"decía «{before}» y dice «{after}»"] if is_checked(cell) and before != after else found


def lesson_code(book: dict) -> list[tuple[int, dict]]:
    """Cada celda de código con su lugar, menos la de preparación: es igual en todos los cuadernos y sale plegada."""
    first = preparation().splitlines()[0]
    return [(i, cell) for i, cell in enumerate(code_cells(book)) if not source(cell).startswith(first)]


def markdown(book: dict) -> str:
    return "\n\n".join(source(cell) for cell in book["cells"] if cell["cell_type"] == "markdown")


def outputs(book: dict) -> Iterator[tuple[int, dict]]:
    for i, cell in enumerate(code_cells(book)):
        for output in cell.get("outputs", []):
            yield i, output


def output_text(output: dict) -> str:
    """Lo que se lee de una salida: lo impreso, o su texto o Markdown; no el nombre de la figura."""
    if output["output_type"] == "stream":
        return "".join(output["text"])
    data = output.get("data", {})
    if IMAGES & set(data) or WIDGET_VIEW in data:
        return ""
    return "".join(data.get("text/markdown", data.get("text/plain", "")))


def trees(book: dict) -> Iterator[tuple[int, ast.AST]]:
    """El árbol de cada celda de código, sin las líneas mágicas de IPython ni la celda de preparación."""
    for i, cell in lesson_code(book):
        yield i, ast.parse(re.sub(r"(?m)^(\s*)[%!].*$", r"\1pass", source(cell)))


# ── para todo cuaderno ──────────────────────────────────────────────────────────────────────────────────────────────

UNDRAWN = "no se pudo dibujar"                  # lo que dice en su texto alternativo una demostración que falló


def valid_format(book: dict) -> list[str]:
    if (book.get("nbformat"), book.get("nbformat_minor", 0) >= 5) != (4, True):
        return ["el formato es anterior a nbformat 4.5 (celdas sin id)"]
    ids = [cell.get("id") for cell in book["cells"]]
    if None in ids or len(set(ids)) < len(ids):
        return ["hay celdas sin id o con el id repetido"]
    try:
        nbformat.validate(nbformat.from_dict(book))
    except nbformat.ValidationError as error:
        return [f"no es un cuaderno válido: {str(error).splitlines()[0]}"]
    return []


def kernel_is_python3(book: dict) -> list[str]:
    name = book.get("metadata", {}).get("kernelspec", {}).get("name")
    return [] if name == "python3" else [f"el kernel es {name!r} y debe ser 'python3'"]


def no_widget_state(book: dict) -> list[str]:
    return ["guarda metadata.widgets: GitHub no lo dibuja"] if "widgets" in book.get("metadata", {}) else []


def no_errors(book: dict) -> list[str]:
    found = [f"celda {i}: termina en error ({o.get('ename')})" for i, o in outputs(book) if o["output_type"] == "error"]
    found += [f"celda {i}: guarda una demostración que no se pudo dibujar" for i, o in outputs(book)
              if UNDRAWN in json.dumps(o.get("metadata", {}), ensure_ascii=False)]
    return found + [f"celda {i}: escribe en stderr" for i, o in outputs(book) if o.get("name") == "stderr"]


def small_file(book: dict) -> list[str]:
    size = len(json.dumps(book, ensure_ascii=False, indent=1).encode())
    return [] if size <= MAX_BYTES else [f"pesa {size / 1e6:.1f} MB, más de {MAX_BYTES / 1e6:.0f} MB"]


def figures_are_pictures(book: dict) -> list[str]:
    """Ninguna salida guardada es el nombre de una figura: la figura se perdió al ejecutar el cuaderno."""
    return [f"celda {i}: guarda el texto de una figura, sin la imagen" for i, o in outputs(book)
            if re.search(r"<Figure |<PIL\.", output_text(o))]


def pictures_are_shown(book: dict) -> list[str]:
    """Lo que dan show_… y explore_… se ve si es lo último de su celda, o dentro de display: si no, se pierde."""
    wrong = []
    for i, tree in trees(book):
        for node in ast.walk(tree):
            if isinstance(node, ast.Expr) and node is not tree.body[-1] and isinstance(node.value, ast.Call):
                name = getattr(node.value.func, "id", getattr(node.value.func, "attr", ""))
                if name.startswith(("show_", "explore_", "play_")):
                    wrong.append(f"celda {i}: {name} hace algo que nadie ve; ponlo al final, o dentro de display")
    return wrong


def short_cells(book: dict) -> list[str]:
    lengths = [(i, len(source(cell).splitlines())) for i, cell in lesson_code(book)]
    return [f"celda {i}: {n} líneas, más de {MAX_CELL_LINES}" for i, n in lengths if n > MAX_CELL_LINES]


def same_preparation(book: dict, address: Address = Address()) -> list[str]:
    first = next(iter(code_cells(book)), None)
    if first is None or source(first) != preparation(address):
        return ["la primera celda de código no es la celda de preparación (labkit.commands.publish.preparation)"]
    folds = first["metadata"].get("jupyter", {}).get("source_hidden") is True
    return [] if folds else ["la celda de preparación no sale plegada en JupyterLab (metadata.jupyter.source_hidden)"]


def nbval_comments_alone(book: dict) -> list[str]:
    """nbval solo obedece un comentario que está solo en su línea y escrito exactamente así."""
    found = []
    for i, cell in enumerate(code_cells(book)):
        for line in source(cell).splitlines():
            if "NBVAL_" in line and not (line.strip().startswith("#") and line.strip("# \t") in NBVAL_COMMENTS):
                found.append(f"celda {i}: nbval no obedece «{line.strip()}»; el comentario va solo en su línea")
    return found


def forbidden_widgets(tree: ast.AST) -> list[str]:
    """Lo que falla, o no hace nada sin decirlo, en ipywidgets 7 (Colab) o en 8 (instalación nueva)."""
    found = []
    for node in ast.walk(tree):
        name = getattr(node, "attr", None) or getattr(node, "id", None) or ""
        if name in WIDGETS_ONLY_8:
            found.append(f"{name} no existe en ipywidgets 7")
        if name in AVOIDED and isinstance(node, (ast.Name, ast.Attribute)):
            found.append(f"{name}: {AVOIDED[name]}")
        if isinstance(node, (ast.Import, ast.ImportFrom)):
            modules = [alias.name for alias in node.names] + [getattr(node, "module", None) or ""]
            found += [f"{bad}: {why}" for bad, why in AVOIDED.items() if bad in modules]
            found += [f"{bad} no existe en ipywidgets 7" for bad in WIDGETS_ONLY_8 & set(modules)]
        if isinstance(node, ast.Call):
            found += _bad_arguments(node)
    return found


def _bad_arguments(call: ast.Call) -> list[str]:
    name = getattr(call.func, "attr", None) or getattr(call.func, "id", "")
    if name not in WIDGETS:
        return []
    forbidden = EVERY_WIDGET_BUT | WIDGET_BUT.get(name, set())
    given = {keyword.arg: keyword.value for keyword in call.keywords}
    found = [f"{name}({argument}=…) no sirve en las dos versiones de ipywidgets" for argument in forbidden & set(given)]
    if name in TAKES_OPTIONS and isinstance(given.get("options"), (ast.Dict, ast.DictComp)):
        found.append(f"{name}(options={{…}}): usa una lista de pares")
    if isinstance(given.get("style"), ast.Dict):
        keys = {key.value for key in given["style"].keys if isinstance(key, ast.Constant)}
        found += [f"{name}(style={{'{key}'}}) no hace nada en ipywidgets 7" for key in keys & STYLE_ONLY_8]
    return found


def portable_widgets(book: dict) -> list[str]:
    return [f"celda {i}: {what}" for i, tree in trees(book) for what in forbidden_widgets(tree)]


def no_magic_installs(book: dict) -> list[str]:
    bad = re.compile(r"^\s*(!|%%?(pip|conda|mamba|bash|sh|system)\b|%matplotlib\s+(widget|notebook|ipympl|qt|tk))")
    return [f"celda {i}: «{line.strip()}» no se usa en el curso" for i, cell in enumerate(code_cells(book))
            for line in source(cell).splitlines() if bad.match(line)]


def no_absolute_paths(book: dict) -> list[str]:
    return [f"celda {i}: ruta absoluta {node.value!r}" for i, tree in trees(book) for node in ast.walk(tree)
            if isinstance(node, ast.Constant) and isinstance(node.value, str) and ABSOLUTE.match(node.value)]


def no_network(book: dict) -> list[str]:
    found = []
    for i, tree in trees(book):
        for node in ast.walk(tree):
            if isinstance(node, (ast.Import, ast.ImportFrom)):
                modules = {alias.name.split(".")[0] for alias in node.names}
                modules |= {(getattr(node, "module", None) or "").split(".")[0]}
                found += [f"celda {i}: usa la red ({module})" for module in modules & NETWORK]
            if isinstance(node, ast.Attribute) and ast.unparse(node) in ("torch.hub", "hub.load"):
                found.append(f"celda {i}: usa la red (torch.hub)")
            if isinstance(node, ast.keyword) and node.arg == "download":
                found.append(f"celda {i}: descarga datos; eso lo hace labkit cuando se le pide")
            if isinstance(node, ast.Constant) and re.match(r"(https?|ftp)://", str(node.value)):
                found.append(f"celda {i}: dirección de red {node.value!r} en el código")
    return found


def no_rainbows(book: dict) -> list[str]:
    return [f"celda {i}: mapa de color {node.value!r}; usa viridis o cividis" for i, tree in trees(book)
            for node in ast.walk(tree) if isinstance(node, ast.Constant) and node.value in RAINBOWS]


def images_described(book: dict) -> list[str]:
    """Tras cada imagen, antes de la siguiente, una línea visible que empieza con «Descripción:»."""
    found, pending = [], None
    for i, cell in enumerate(book["cells"]):
        if cell["cell_type"] == "markdown":
            pending = None if DESCRIPTION.search(source(cell)) else pending
            continue
        if pending is not None:
            found.append(pending)
        pending = None
        for output in cell.get("outputs", []):
            if IMAGES & set(output.get("data", {})):
                found += [pending] if pending else []
                pending = f"celda {i} de {len(book['cells'])}: imagen sin una línea «Descripción:» después"
            elif DESCRIPTION.search(output_text(output)):
                pending = None
    return found + ([pending] if pending else [])


# ── para las lecciones ──────────────────────────────────────────────────────────────────────────────────────────────

def executed_in_order(book: dict) -> list[str]:
    counts = [cell.get("execution_count") for cell in code_cells(book)]
    return [] if counts == list(range(1, len(counts) + 1)) else [f"no está ejecutada en orden: {counts}"]


def within_budget(book: dict) -> list[str]:
    prose = re.sub(r"\$[^$]*\$|<https?:[^>]*>", " ", markdown(book))             # ni fórmulas ni direcciones
    cells, words = len(code_cells(book)), len(re.findall(r"\w+", prose))
    found = [] if CODE_CELLS[0] <= cells <= CODE_CELLS[1] else [f"{cells} celdas de código, fuera de {CODE_CELLS}"]
    return found + ([] if words >= MIN_WORDS else [f"{words} palabras, menos de {MIN_WORDS}"])


def is_checked(cell: dict) -> bool:
    comments = {line.strip("# \t") for line in source(cell).splitlines() if line.strip().startswith("#")}
    return CHECK_TAG in cell.get("metadata", {}).get("tags", []) or "NBVAL_CHECK_OUTPUT" in comments


def checks_compare_something(book: dict) -> list[str]:
    """De 3 a 6 celdas marcadas, ejecutadas y con texto: sin ejecutar o sin texto, nbval no compara nada."""
    checked = [(i, cell) for i, cell in enumerate(code_cells(book)) if is_checked(cell)]
    found = [] if CHECKED[0] <= len(checked) <= CHECKED[1] else [f"{len(checked)} celdas marcadas, fuera de {CHECKED}"]
    for i, cell in checked:
        text = "".join(output_text(output) for output in cell.get("outputs", []))
        if cell.get("execution_count") is None or not text.strip():
            found.append(f"celda {i}: está marcada y nbval no tendría qué comparar")
        if re.search(r"<[\w. ]+ (object )?at 0x|<Figure ", text):
            found.append(f"celda {i}: está marcada y su texto cambia cada vez (direcciones o figuras)")
        if re.search(r"\d\.\d{5,}", text):
            found.append(f"celda {i}: está marcada y sus números no están redondeados")
    return found


def lesson_anatomy(book: dict) -> list[str]:
    """Las partes de una lección, en su orden."""
    text = markdown(book)
    found = [] if len(re.findall(r"^# \S", text, re.MULTILINE)) == 1 else ["debe haber un solo título «# …»"]
    opening = source(book["cells"][0]) if book["cells"] else ""
    facts = ("Tiempo", "Requisitos", "Fuente")
    found += [f"la primera celda no dice «{part}»" for part in facts if part not in opening]
    minutes = re.search(r"Tiempo\W+(\d+)", opening)
    found += [] if minutes and 60 <= int(minutes[1]) <= 90 else ["el tiempo no está entre 60 y 90 minutos"]
    before = text.partition("## Preparación")[0]
    found += [] if "Pregunta guía" in before else ["falta la «Pregunta guía» antes de la preparación"]
    goals = re.findall(r"^(?:[-*]|\d+\.) ", before.partition("Al terminar podrás")[2], re.MULTILINE)
    found += [] if 3 <= len(goals) <= 5 else [f"{len(goals)} objetivos tras «Al terminar podrás»; deben ser de 3 a 5"]
    places = [-1 if (at := re.search(rf"\n## (?:[●○] )?{part}", text)) is None else at.start() for part in ANATOMY]
    found += [f"falta la sección «## {part}»" for part, place in zip(ANATOMY, places, strict=True) if place < 0]
    if -1 not in places and places != sorted(places):
        found.append(f"las secciones van en este orden: {', '.join(ANATOMY)}")
    return found + _sections(text) + _references(text)


def _sections(text: str) -> list[str]:
    parts = re.split(r"(?m)^## ", text)[1:]
    numbered = [part for part in parts if re.match(r"\d+\. ", part)]
    found = [] if 3 <= len(numbered) <= 6 else [f"{len(numbered)} secciones numeradas «## 1. …»; deben ser de 3 a 6"]
    for part in numbered:
        lacks = [mark for mark in ("Predice antes de ejecutar", "¿Qué viste?", "Límites") if mark not in part]
        found += [f"a la sección «{part.splitlines()[0]}» le falta «{mark}»" for mark in lacks]
    return found


def _references(text: str) -> list[str]:
    items = re.findall(r"(?m)^(?:[-*]|\d+\.) .*(?:\n  .*)*", text.partition("\n## Referencias")[2])
    bare = [item for item in items if not re.search(r"https?://|doi", item)]
    found = [] if items else ["no hay referencias en «## Referencias»"]
    return found + [f"referencia sin DOI ni dirección: {item[:50]}" for item in bare]


# ── para los cuadernos de ejercicios ────────────────────────────────────────────────────────────────────────────────

def no_outputs(book: dict) -> list[str]:
    cells = enumerate(code_cells(book))
    return [f"celda {i}: los ejercicios se guardan sin ejecutar" for i, cell in cells
            if cell.get("outputs") or cell.get("execution_count") is not None]


def graded_cells(book: dict) -> list[tuple[dict, dict]]:
    return [(c, c["metadata"]["nbgrader"]) for c in book["cells"] if "nbgrader" in c.get("metadata", {})]


def nbgrader_cells(book: dict) -> list[str]:
    """Celdas que nbgrader acepta tal cual: esquema 3, claves justas, nombres ASCII únicos, 10 puntos."""
    found, cells = [], graded_cells(book)
    names = [mark.get("grade_id", "") for _, mark in cells]
    found += [f"grade_id repetido: {name}" for name in sorted({name for name in names if names.count(name) > 1})]
    found += [f"grade_id no válido: {name!r}" for name in names if not re.fullmatch(r"[a-zA-Z0-9_-]+", name)]
    for cell, mark in cells:
        name = mark.get("grade_id")
        expected = NBGRADER_KEYS | ({"points"} if mark.get("grade") else set())
        if set(mark) != expected:
            found.append(f"{name}: claves {sorted(set(mark) ^ expected)} de más o de menos")
        if mark.get("schema_version") != 3:
            found.append(f"{name}: el esquema debe ser 3")
        if _kind(cell, mark) == "desconocida":
            found.append(f"{name}: no es celda de respuesta, de prueba ni de reflexión")
    points = sum(mark.get("points", 0) for _, mark in cells)
    return found + ([] if points == 10 else [f"los puntos suman {points} y deben sumar 10"])


def _kind(cell: dict, mark: dict) -> str:
    flags = tuple(bool(mark.get(key)) for key in ("grade", "solution", "locked", "task"))
    kinds = {("code", (False, True, False, False)): "respuesta", ("code", (True, False, True, False)): "prueba",
             ("markdown", (True, True, False, False)): "reflexión", ("code", (False, False, True, False)): "lectura",
             ("markdown", (False, False, True, False)): "lectura"}
    return kinds.get((cell["cell_type"], flags), "desconocida")


def one_test_per_exercise(book: dict) -> list[str]:
    """Cada ejercicio (e1-…, e2-…): su celda de respuesta y después una sola celda de prueba, que puntúa todo o nada."""
    kinds: dict[str, list[str]] = {}
    for cell, mark in graded_cells(book):
        if _kind(cell, mark) in ("respuesta", "prueba"):
            kinds.setdefault(mark["grade_id"].split("-")[0], []).append(_kind(cell, mark))
    found = [] if kinds else ["no hay ejercicios con calificación automática"]
    return found + [f"ejercicio {name}: tiene {' y '.join(have)}; debe tener una respuesta y luego una sola prueba"
                    for name, have in kinds.items()
                    if have.count("prueba") != 1 or have[-1] != "prueba" or len(have) < 2]


EVERY = [valid_format, kernel_is_python3, no_widget_state, no_errors, small_file, figures_are_pictures, pictures_are_shown,
         short_cells, nbval_comments_alone, portable_widgets, no_magic_installs, no_absolute_paths, no_network,
         no_rainbows, images_described]
LESSON = [executed_in_order, within_budget, checks_compare_something, lesson_anatomy]
EXERCISES = [no_outputs, nbgrader_cells, one_test_per_exercise]

"""`assign`: la carpeta que se reparte, y, si se pide, una de nbgrader que funciona de una vez."""
import json
import shutil
from pathlib import Path

from labkit.files import write_text
from labkit.teacher.course import ROOT, Course
from labkit.teacher.roster import load_roster
from labkit.teacher.tasks import original_path

TOP = ("README.md", "LICENSE", "requirements.txt", "environment.yml", "pyproject.toml")
KEPT_OUT = ("reflections", "__pycache__", "*.pyc", ".ipynb_checkpoints", "build", "runs", "*.parcial*")
KEY_NOTE = ("> **Tu llave.** Escribe en la celda de abajo la llave de 8 cifras que te dio quien da el curso. Es solo "
            "tuya, y de ella depende tu caso.\n> Donde la revisión diga «número de cuenta», se trata de tu llave.")
TO_KEY = {"tu número de cuenta está escrito": "tu llave está escrita", "por tu número de cuenta": "por tu llave"}
TO_KEY_IN_ITS_CELL = {"Tu número de cuenta": "Tu llave", "Escríbelo": "Escríbela", "De él depende": "De ella depende",
                      "Mientras esté vacío": "Mientras esté vacía", "tu número": "tu llave"}
EXAMPLES = {'"312345678"': '"48210937"'}         # el ejemplo de la celda: un número de cuenta, una llave
NBGRADER = '''"""La configuración de nbgrader para este curso. Se usa desde esta carpeta:

    nbgrader db student import ../lista_nbgrader.csv
    nbgrader generate_assignment {lesson}
    nbgrader autograde {lesson}          # las entregas van en submitted/LLAVE/{lesson}/{lesson}_ejercicios.ipynb

nbgrader corre las respuestas sin aislarlas y con los mismos casos que vieron en clase: lo que dice es una ayuda.
"""
import os

os.environ["PYTHONPATH"] = os.pathsep.join(filter(None, [{root!r}, os.environ.get("PYTHONPATH")]))  # labkit
os.environ["OMP_NUM_THREADS"] = "1"

c = get_config()
c.CourseDirectory.course_id = "curso"
c.CourseDirectory.root = os.path.dirname(os.path.abspath(__file__))
c.ClearSolutions.enabled = False         # si no, borra la firma y las pistas de cada respuesta
c.ExecutePreprocessor.timeout = 600
c.ExecutePreprocessor.iopub_timeout = 120
c.ExecutePreprocessor.startup_timeout = 300
c.ExecutePreprocessor.interrupt_on_timeout = True
c.ExecutePreprocessor.raise_on_iopub_timeout = False
'''


def hand_out(course: Course, lesson: str, nbgrader: bool = False) -> list[Path]:
    """Escribe `reparto/LECCIÓN` (y la carpeta de nbgrader) y las llaves que falten; da las carpetas que hizo.

    Lo que se reparte no lleva la guía docente, las pruebas ni los programas que hicieron los datos.
    """
    name = course.lesson(lesson).name
    people = load_roster(course)
    place = course.place("reparto", name)
    if place.exists():
        shutil.rmtree(place)                    # es nuestra y se rehace: ahí no se guarda nada
    place.mkdir(parents=True)
    for folder in ("labkit", "data"):
        shutil.copytree(ROOT / folder, place / folder, ignore=shutil.ignore_patterns(*KEPT_OUT))
    for path in (ROOT / top for top in TOP):
        if path.is_file():
            shutil.copy2(path, place / path.name)
    (place / "lessons").mkdir()
    lesson_path = ROOT / "lessons" / f"{name}.ipynb"
    if lesson_path.is_file():
        shutil.copy2(lesson_path, place / "lessons" / lesson_path.name)
    write_text(place / "lessons" / original_path(name).name, with_key_note(original_path(name)))
    made = [place]
    if nbgrader:
        made.append(_nbgrader_course(course, name))
        rows = "".join(f"{person.key},,,\n" for person in people)
        write_text(course.place("reparto", "lista_nbgrader.csv"), f"id,last_name,first_name,email\n{rows}")
    return made


def with_key_note(path: Path) -> str:
    """El texto JSON del cuaderno, que en vez de un número de cuenta pide la llave."""
    book = json.loads(path.read_text(encoding="utf-8"))
    for cell in (cell for cell in book["cells"] if cell["cell_type"] == "markdown"):
        cell["source"] = _replaced(cell, TO_KEY).splitlines(keepends=True)
    for before, cell in zip(book["cells"], book["cells"][1:]):
        if cell["cell_type"] == "code" and "".join(cell["source"]).startswith("ACCOUNT ="):
            text = _replaced(before, TO_KEY_IN_ITS_CELL)
            before["source"] = f"{text}\n\n{KEY_NOTE}".splitlines(keepends=True)
            cell["source"] = _replaced(cell, EXAMPLES).splitlines(keepends=True)
    return json.dumps(book, indent=1, ensure_ascii=False) + "\n"


def _replaced(cell: dict, words: dict[str, str]) -> str:
    text = "".join(cell["source"])
    for old, new in words.items():
        text = text.replace(old, new)
    return text


def _nbgrader_course(course: Course, lesson: str) -> Path:
    place = course.place("reparto", "nbgrader")
    source = place / "source" / lesson
    source.mkdir(parents=True, exist_ok=True)
    write_text(source / original_path(lesson).name, with_key_note(original_path(lesson)))
    write_text(place / "nbgrader_config.py", NBGRADER.format(lesson=lesson, root=str(ROOT)))
    return place

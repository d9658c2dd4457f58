"""Calificar a un grupo: 40 entregas en diez minutos, mil que se reanudan después de matar la orden, y lo mismo que nbgrader.

Se pide aparte: pytest -n 0 tests/benchmarks/test_teacher_speed.py -s. La comparación con nbgrader pide decir con qué
Python corre, en LABKIT_NBGRADER, porque se instala en su propio ambiente.
"""
import json
import os
import signal
import subprocess
import sys
import time
from collections import Counter
from pathlib import Path

import pytest
import synthetic_submissions
from synthetic_submissions import E3, LESSON, ORIGINAL, Group, as_bytes, small_notebook

from labkit.exercises.pixels.findings import layer_row
from labkit.teacher import tasks as notebooks
from labkit.teacher.collecting import collect
from labkit.teacher.course import Course, load_course, new_course
from labkit.teacher.grading import grade
from labkit.teacher.handout import hand_out
from labkit.teacher.roster import load_roster
from labkit.teacher.scores import all_scores

ROOT = Path(__file__).resolve().parents[2]
MINUTES, STUDENTS = 10, 40
MANY = int(os.environ.get("LABKIT_MUCHAS", "1000"))
NBGRADER = os.environ.get("LABKIT_NBGRADER", "")
# en otro proceso, que se puede matar: cada guardada se anota después de quedar en el disco
TINY = """
import json, sys
from pathlib import Path
from labkit.teacher import grading, tasks
from labkit.teacher.course import load_course
from labkit.teacher.shield import shields
tasks.original_text = lambda lesson: Path(sys.argv[2]).read_text(encoding="utf-8")
write = grading.write_json
def noted(path, value):
    write(path, value)
    if "calificaciones" in path.parts:
        with open(sys.argv[3], "a") as log:
            log.write(path.stem + "\\n")
grading.write_json = noted
course = load_course(Path(sys.argv[1]))
found = grading.grade(course, course.lesson("00_primeros_pasos"), shield=shields()[-1])
print(json.dumps({"before": found.before, "states": found.states}))
"""


def course_of(folder: Path, names: list[str]) -> Course:
    new_course(folder)
    (folder / "lista.csv").write_text("nombre,correo\n" + "".join(f"{name},{place}@x.mx\n" for place, name in enumerate(names)), encoding="utf-8")
    config = folder / "curso.toml"
    config.write_text(config.read_text(encoding="utf-8").replace("procesos = 0", "procesos = 2"), encoding="utf-8")
    return load_course(folder)


def right_of(key: str) -> tuple[str, float]:
    return layer_row(key).layer, layer_row(key).hand


def whole_notebook() -> dict:
    """El cuaderno de ejercicios como se reparte, con sus figuras."""
    book = json.loads(ORIGINAL.read_text(encoding="utf-8"))
    for cell in book["cells"]:
        cell["source"] = notebooks.source_of(cell)
    return book


@pytest.mark.parametrize("notebook", [small_notebook, whole_notebook], ids=["sin_figuras", "entero"])
def test_forty_submissions_take_ten_minutes(tmp_path, monkeypatch, notebook):
    monkeypatch.setattr(notebooks, "original_text", lambda lesson: as_bytes(notebook()).decode())
    monkeypatch.setattr(synthetic_submissions, "small_notebook", notebook)
    names = [f"Persona {place}" for place in range(STUDENTS)]
    course = course_of(tmp_path / "curso", names)
    group = Group({person.name: person.key for person in load_roster(course)}, right_of, tmp_path, 0)
    (tmp_path / "llegó").mkdir()
    for name in names:
        (tmp_path / "llegó" / f"{name}.ipynb").write_bytes(as_bytes(group.good(name)))
    collect(course, course.lesson(LESSON), tmp_path / "llegó")
    begun = time.monotonic()
    summary = grade(course, course.lesson(LESSON))
    spent = time.monotonic() - begun
    print(f"\n{STUDENTS} entregas en {spent:.0f} s, con {dict(summary.protections)}")
    assert summary.states == {"calificada": STUDENTS} and spent <= 60 * MINUTES


def tiny_notebook() -> dict:
    """Un cuaderno con un solo ejercicio que se revisa y una celda que se lee."""
    book = small_notebook()
    wanted = {"e3-campo", E3, "e0-prediccion"}
    book["cells"] = [cell for cell in book["cells"] if cell["metadata"].get("nbgrader", {}).get("grade_id") in wanted or cell["id"] == "e0-03"]
    return book


def test_a_killed_run_goes_on_with_nothing_lost_or_counted_twice(tmp_path):
    names = [f"Persona {place}" for place in range(MANY)]
    course = course_of(tmp_path / "curso", names)
    original, log, driver = tmp_path / "original.ipynb", tmp_path / "anotado.txt", tmp_path / "califica.py"
    original.write_bytes(as_bytes(tiny_notebook()))
    driver.write_text(TINY, encoding="utf-8")
    for person in load_roster(course):
        folder = course.place("entregas", LESSON, person.key, "1")
        folder.mkdir(parents=True)
        (folder / "entrega.ipynb").write_bytes(original.read_bytes())
        (folder / "recibo.json").write_text(json.dumps({"intento": "1", "problema": "", "días_tarde": 0, "avisos": [], "reparaciones": ""}), encoding="utf-8")
    command = [sys.executable, str(driver), str(course.folder), str(original), str(log)]
    begun = time.monotonic()
    first = subprocess.Popen(command, cwd=ROOT, env={**os.environ, "PYTHONPATH": str(ROOT)}, stdout=subprocess.DEVNULL, start_new_session=True)
    done = course.place("calificaciones", LESSON)
    while first.poll() is None and len(list(done.glob("*.json"))) < MANY // 2:
        time.sleep(0.1)
    os.killpg(first.pid, signal.SIGKILL)
    first.wait()
    before = {path.stem for path in done.glob("*.json")}
    assert MANY // 2 <= len(before) < MANY
    out = subprocess.run(command, cwd=ROOT, env={**os.environ, "PYTHONPATH": str(ROOT)}, stdout=subprocess.PIPE, text=True, check=True).stdout
    print(f"\n{MANY} entregas, matada con {len(before)} hechas: {time.monotonic() - begun:.0f} s en total")
    assert json.loads(out.splitlines()[-1]) == {"before": len(before), "states": {"calificada": MANY}}
    times = Counter(log.read_text(encoding="utf-8").split())
    assert {path.stem for path in done.glob("*.json")} == {person.key for person in load_roster(course)} and max(times.values()) == 1
    for path in done.glob("*.json"):
        assert json.loads(path.read_text(encoding="utf-8"))["ejercicios"][0]["palabra"] == "Pendiente"


@pytest.mark.skipif(not NBGRADER, reason="LABKIT_NBGRADER no dice con qué Python corre nbgrader")
def test_nbgrader_gives_the_same_number_to_every_honest_submission(tmp_path, monkeypatch):
    text = as_bytes(small_notebook()).decode()
    monkeypatch.setattr(notebooks, "original_text", lambda lesson: text)
    honest = [submission.name for submission in Group(Anyone(), right_of, tmp_path, 0).honest()]
    course = course_of(tmp_path / "curso", honest)
    keys = {person.name: person.key for person in load_roster(course)}
    while right_of(keys["otra variante"])[0] == right_of(keys["perfecta"])[0]:
        keys = {**keys, "otra variante": str(int(keys["otra variante"]) + 1)}
    table = course.place("llaves.csv")
    rows = [line.split(",", 1)[1] for line in table.read_text(encoding="utf-8-sig").splitlines()[1:]]
    table.write_text("llave,nombre,correo,numero\n" + "".join(f"{keys[row.split(',')[0]]},{row}\n" for row in rows), encoding="utf-8")
    everyone = Group(keys, right_of, tmp_path, 0).honest()
    (tmp_path / "llegó").mkdir()
    for submission in everyone:
        (tmp_path / "llegó" / f"{submission.name}.ipynb").write_bytes(submission.files[-1][1])
    collect(course, course.lesson(LESSON), tmp_path / "llegó")
    grade(course, course.lesson(LESSON))
    ours = {name: sum(part["puntos"] for part in result(course, key)["ejercicios"]) for name, key in keys.items()}
    hand = {key: {task.grade_id: min(place % 3, task.points) for task in notebooks.tasks(LESSON) if task.by_hand}
            for place, key in enumerate(keys.values())}
    theirs = by_nbgrader(course, {keys[submission.name]: submission.files[-1][1] for submission in everyone}, text, hand)
    assert ours == {name: theirs[key][0] for name, key in keys.items()}
    lines = [f"{key},{cell},{points},,,," for key, cells in hand.items() for cell, points in cells.items()]
    course.place("manual").mkdir(exist_ok=True)
    course.place("manual", f"{LESSON}.csv").write_text("llave,celda,puntos,comentario,motivo,quien,fecha\n" + "\n".join(lines) + "\n", encoding="utf-8")
    finals = all_scores(course, course.lesson(LESSON), load_roster(course))
    print({name: (finals[key].grade, theirs[key]) for name, key in keys.items()})
    assert {name: sum(part.points for part in finals[key].parts) for name, key in keys.items()} == {
        name: theirs[key][1] for name, key in keys.items()}


ASK = f"""
import json
from nbgrader.api import Gradebook
hand = json.load(open("a_mano.json"))
with Gradebook("sqlite:///gradebook.db") as book:
    found = {{}}
    for one in book.assignment_submissions("{LESSON}"):
        grades = [grade for notebook in one.notebooks for grade in notebook.grades]
        for grade in grades:
            if grade.cell.name in hand[one.student.id]:
                grade.manual_score, grade.needs_manual_grade = hand[one.student.id][grade.cell.name], False
        book.db.commit()
        automatic = sum(grade.auto_score or 0 for grade in grades if grade.cell.cell_type == "code")
        found[one.student.id] = [automatic, one.score]
    print(json.dumps(found))
"""


class Anyone(dict):
    """Una llave cualquiera para quien sea."""

    def __missing__(self, name: str) -> str:
        return "12345678"


def result(course: Course, key: str) -> dict:
    return json.loads(course.place("calificaciones", LESSON, f"{key}.json").read_text(encoding="utf-8"))


def by_nbgrader(course: Course, books: dict[str, bytes], original: str, hand: dict[str, dict[str, float]]) -> dict[str, list[float]]:
    """Lo que da nbgrader a cada llave, con la carpeta que hace `assign --nbgrader`: lo automático, y todo.

    hand: los puntos a mano de cada llave y celda, puestos donde los pone formgrader.
    """
    hand_out(course, LESSON, nbgrader=True)
    place = course.place("reparto", "nbgrader")
    (place / "source" / LESSON / f"{LESSON}_ejercicios.ipynb").write_text(original, encoding="utf-8")
    for key, book in books.items():
        folder = place / "submitted" / key / LESSON
        folder.mkdir(parents=True)
        (folder / f"{LESSON}_ejercicios.ipynb").write_bytes(book)
    path = os.pathsep.join([str(Path(NBGRADER).parent), os.environ["PATH"]])     # ahí está el alembic que usa
    for words in (["db", "student", "import", "../lista_nbgrader.csv"], ["generate_assignment", LESSON], ["autograde", LESSON]):
        subprocess.run([NBGRADER, "-m", "nbgrader", *words], cwd=place, check=True,
                       env={**os.environ, "PYTHONPATH": str(ROOT), "PATH": path})
    (place / "a_mano.json").write_text(json.dumps(hand), encoding="utf-8")
    out = subprocess.run([NBGRADER, "-c", ASK], cwd=place, check=True, stdout=subprocess.PIPE, text=True).stdout
    return json.loads(out.splitlines()[-1])

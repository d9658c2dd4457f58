"""De punta a punta: un grupo de entregas sintéticas se recoge, se califica en procesos aparte y se exporta."""
import csv
import io
import json
import socket
import threading
import zipfile
from collections.abc import Iterator
from pathlib import Path

import pytest
from synthetic_submissions import E1, E2, E3, E4, FAILED, HAND, LESSON, UNGRADED, Group, Submission, as_bytes, small_notebook

from labkit import __main__
from labkit.exercises.pixels.findings import layer_row
from labkit.teacher import grading, tasks
from labkit.teacher.collecting import collect
from labkit.teacher.course import Course, load_course, new_course
from labkit.teacher.grading import grade
from labkit.teacher.judging import judge
from labkit.teacher.roster import load_roster
from labkit.teacher.running import Keeper, run_submission, seeds_for
from labkit.teacher.shield import shields

POINTS = {E1: 1.0, E2: 1.0, E3: 1.0, E4: 2.0}
ALONE = any(shield.isolates for shield in shields())


class Graded:
    """El grupo ya calificado."""

    def __init__(self, course: Course, everyone: list[Submission], outside: Path, touched: list) -> None:
        self.course, self.everyone, self.outside, self.touched = course, everyone, outside, touched
        self.keys = {person.name: person.key for person in load_roster(course)}
        self.summary = grade(course, course.lesson(LESSON))

    def result(self, name: str) -> dict:
        """Lo que salió de una persona."""
        path = self.course.place("calificaciones", LESSON, f"{self.keys[name]}.json")
        return json.loads(path.read_text(encoding="utf-8"))

    def exercise(self, name: str, cell: str) -> dict:
        """Lo que salió en un ejercicio suyo."""
        return next(part for part in self.result(name)["ejercicios"] if part["celda"] == cell)


def listening(touched: list) -> socket.socket:
    """Un puerto de esta máquina que apunta si alguien lo toca."""
    server = socket.create_server(("127.0.0.1", 0))

    def wait() -> None:
        while True:
            try:
                touched.append(server.accept())
            except OSError:
                return

    threading.Thread(target=wait, daemon=True).start()
    return server


@pytest.fixture(scope="module")
def graded(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Graded]:
    """Todas las entregas, recogidas de un zip como el de Moodle y calificadas."""
    patch = pytest.MonkeyPatch()
    patch.setattr(tasks, "original_text", lambda lesson: as_bytes(small_notebook()).decode())
    folder = tmp_path_factory.mktemp("docente") / "curso"
    new_course(folder)
    config = folder / "curso.toml"
    text = config.read_text(encoding="utf-8").replace("por_ejercicio = 90", "por_ejercicio = 4").replace(
        "memoria_mb = 2500", "memoria_mb = 700").replace("procesos = 0", "procesos = 2")
    config.write_text(text, encoding="utf-8")
    names = [submission.name for submission in Group(Anyone(), lambda key: ("relu1", 0.0), folder, 0).everyone()]
    (folder / "lista.csv").write_text("nombre,correo\n" + "".join(f"{name},{i}@x.mx\n" for i, name in enumerate([*names, "nadie vino"])), encoding="utf-8")
    course = load_course(folder)
    keys = {person.name: person.key for person in load_roster(course)}
    touched: list = []
    server = listening(touched)
    right = {key: (layer_row(key).layer, layer_row(key).hand) for key in keys.values()}
    keys = _distinct(course, keys, right)
    group = Group(keys, lambda key: right[key], folder.parent, server.getsockname()[1])
    everyone = group.everyone()
    collect(course, course.lesson(LESSON), _moodle(folder.parent / "entregas.zip", everyone))
    yield Graded(course, everyone, folder.parent, touched)
    server.close()
    patch.undo()


class Anyone(dict):
    """Una llave cualquiera para quien sea."""

    def __missing__(self, name: str) -> str:
        return "12345678"


def _distinct(course: Course, keys: dict[str, str], right: dict) -> dict[str, str]:
    """Las mismas llaves, salvo que a quien copia otra variante le toque una distinta de la que copia."""
    rows = list(csv.DictReader(io.StringIO(course.place("llaves.csv").read_text(encoding="utf-8-sig"))))
    for name in ("otra variante", "archivo ajeno"):
        number = int(keys[name])
        while layer_row(str(number)).layer == layer_row(keys["perfecta"]).layer:    # lo demás podría caber en el margen
            number += 1
        keys[name] = str(number)
        right[keys[name]] = (layer_row(keys[name]).layer, layer_row(keys[name]).hand)
    text = "llave,nombre,correo,numero\n" + "".join(f"{keys[row['nombre']]},{row['nombre']},{row['correo']},\n" for row in rows)
    course.place("llaves.csv").write_text(text, encoding="utf-8")
    return keys


def _moodle(path: Path, everyone: list[Submission]) -> Path:
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as package:
        for number, submission in enumerate(everyone):
            for minute, (file, data) in enumerate(submission.files):
                day = 14 + submission.late
                entry = zipfile.ZipInfo(f"{submission.name}_{1000 + number}_assignsubmission_file_/{file}", (2027, 2, day, 12, minute, 0))
                package.writestr(entry, data, zipfile.ZIP_DEFLATED)
    return path


NAMES = [submission.name for submission in Group(Anyone(), lambda key: ("relu1", 0.0), Path("x"), 0).everyone()]


def test_there_are_enough_submissions():
    assert len(NAMES) == len(set(NAMES)) >= 40


@pytest.mark.parametrize("name", NAMES)
def test_each_submission_gets_its_grade_or_its_state(graded, name):
    submission = next(submission for submission in graded.everyone if submission.name == name)
    result = graded.result(name)
    assert result["estado"] == (submission.state or "calificada"), result["motivo"]
    if submission.state == UNGRADED:
        assert result["motivo"] and not result["ejercicios"]
        return
    got = {part["celda"]: part["puntos"] for part in result["ejercicios"]}
    want = {cell: 0.0 if submission.wants.get(cell) == FAILED else points for cell, points in POINTS.items()}
    assert got == want, [part["mensaje"] for part in result["ejercicios"]]
    for cell, words in submission.says.items():
        exercise = graded.exercise(name, cell)
        assert words in f"{exercise['palabra']} {exercise['mensaje']}"


def test_nothing_leaves_its_limits(graded):
    assert not (graded.outside / "escape.txt").exists()
    assert graded.touched == []                                 # nadie llegó a la red
    answers = json.loads(graded.course.place("respuestas", LESSON, f"{graded.keys['espía']}.json").read_text(encoding="utf-8"))
    assert answers["respuestas"][E4]["valor"]["tupla"][1]["tupla"][1] == {"valor": 0.0}   # no vio ninguna otra entrega


def test_what_was_handed_back_is_only_data(graded):
    for path in graded.course.place("respuestas", LESSON).glob("*.json"):
        for record in json.loads(path.read_text(encoding="utf-8"))["respuestas"].values():
            assert set(record) <= {"casos", "valor", "veredicto", "mensaje", "fin"}


FEW = ("perfecta", "ciclo en la celda", "se sale en la función", "escribe fuera", "sale a la red", "mata al guardián", "a través de otra")


@pytest.mark.parametrize("shield", shields()[1:], ids=[shield.name for shield in shields()[1:]])
def test_the_other_protections_give_the_same(graded, shield):
    with Keeper(graded.course, LESSON, 9, shield) as keeper:
        for name in FEW:
            result, key = graded.result(name), graded.keys[name]
            folder = graded.course.place("entregas", LESSON, key, result["intento"])
            seeds = seeds_for(graded.course, LESSON, key)
            records = run_submission(keeper, json.loads((folder / "entrega.ipynb").read_text(encoding="utf-8")), seeds)
            for part in result["ejercicios"]:
                verdict = judge(part["ejercicio"], records[part["celda"]], key, seeds[part["celda"]])
                assert (name, part["celda"], verdict.ok) == (name, part["celda"], part["puntos"] > 0), str(verdict)
        assert keeper.shield == shield
    assert not (graded.outside / "escape.txt").exists() and graded.touched == []


def test_late_days_and_repairs_are_noted(graded):
    assert graded.result("tarde")["días_tarde"] == 3 and graded.result("perfecta")["días_tarde"] == 0
    assert "2 veces" in graded.result("prueba repetida")["reparaciones"] and "faltaba" in graded.result("prueba borrada")["reparaciones"]
    assert "perfecta" in graded.result("archivo ajeno")["avisos"][0]


def test_the_protection_that_ran_is_reported(graded):
    ran = [submission for submission in graded.everyone if submission.state != UNGRADED]      # la dañada no corrió
    assert sum(graded.summary.protections.values()) == len(ran) < len(graded.everyone) and graded.summary.says
    assert not ALONE or set(graded.summary.protections) <= {"bubblewrap", "unshare"}


def test_grading_again_repeats_nothing_and_goes_on_where_it_stopped(graded, monkeypatch):
    ran: list[str] = []
    monkeypatch.setattr(grading, "_one", lambda course, lesson, work, keeper, lock: ran.append(work.key) or _blank(work))
    lost = graded.course.place("calificaciones", LESSON, f"{graded.keys['mitad']}.json")
    text = lost.read_text(encoding="utf-8")
    lost.unlink()                                               # como si la hubieran matado antes de guardarla
    try:
        again = grade(graded.course, graded.course.lesson(LESSON))
        assert ran == [graded.keys["mitad"]] and again.before == len(graded.everyone) - 1
    finally:
        lost.write_text(text, encoding="utf-8")


def _blank(work: object) -> dict:
    return {"llave": work.key, "huella": work.stamp, "estado": UNGRADED, "motivo": "x", "protección": ""}


def test_the_hand_part_waits_and_the_unwritten_is_worth_zero(graded):
    assert [part["sin_escribir"] for part in graded.result("perfecta")["a_mano"]] == [False] * 3
    assert [part["sin_escribir"] for part in graded.result("vacía")["a_mano"]] == [True] * 3


def test_export_never_turns_a_missing_grade_into_zero(graded, capsys):
    course = graded.course
    hand = course.place("manual", f"{LESSON}.csv")
    hand.parent.mkdir(exist_ok=True)
    rows = [f"{graded.keys['perfecta']},{cell},{points},Bien pensado,,la profesora,2027-02-20" for cell, points in zip(HAND, ("1", "2", "1,5"))]
    rows = [row if "1,5" not in row else row.replace("1,5", '"1,5"') for row in rows]
    hand.write_text("llave,celda,puntos,comentario,motivo,quien,fecha\n" + "\n".join(rows) + "\n", encoding="utf-8")
    sheet = course.folder / "hoja.csv"
    sheet.write_text("Identificador,Nombre completo,Dirección de correo,Calificación,Comentarios de retroalimentación\n"
                     + "".join(f"Participante {i},{name},,,\n" for i, name in enumerate(graded.keys)), encoding="utf-8")
    assert __main__.main(["teacher", "export", str(course.folder), LESSON, "--worksheet", str(sheet)]) == 0
    table = {row["nombre"]: row for row in csv.DictReader(course.place("salida", LESSON, "calificaciones.csv").open(encoding="utf-8-sig"))}
    moodle = {row["Nombre completo"]: row["Calificación"] for row in csv.DictReader(course.place("salida", LESSON, "moodle.csv").open(encoding="utf-8-sig"))}
    assert (table["perfecta"]["estado"], table["perfecta"]["calificacion"], moodle["perfecta"]) == ("calificada", "9.5", "9.5")
    assert (table["mitad"]["estado"], table["mitad"]["calificacion"], moodle["mitad"]) == ("falta calificar a mano", "", "")
    assert table["JSON dañado"]["estado"] == UNGRADED and "no es JSON" in table["JSON dañado"]["motivo"] and moodle["JSON dañado"] == ""
    assert table["nadie vino"]["estado"] == "NP" and moodle["nadie vino"] == ""
    assert (table["vacía"]["estado"], table["vacía"]["calificacion"], moodle["vacía"]) == ("calificada", "0.0", "0.0")
    package = zipfile.ZipFile(course.place("salida", LESSON, "comentarios.zip"))
    pages = {name.split("_")[0]: package.read(name).decode() for name in package.namelist()}
    assert set(pages) == {submission.name for submission in graded.everyone}
    assert "Bien pensado" in pages["perfecta"] and "Pendiente" in pages["vacía"] and "<script" not in "".join(pages.values())

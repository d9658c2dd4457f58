"""`teacher new`, la lista y `collect`: lo que de verdad entregan Moodle y Drive, lo que se repara y lo que se niega."""
import csv
import json
import os
import re
import stat
import subprocess
import zipfile
from datetime import datetime
from pathlib import Path

import nbformat
import pytest
from synthetic_submissions import ANSWER, CONVOLVE, E1, E2, LESSON, answered, as_bytes, cell_of, small_notebook

from labkit import __main__
from labkit.teacher import tasks
from labkit.teacher.arrivals import arrivals
from labkit.teacher.collecting import attempts, collect, days_late, standing
from labkit.teacher.course import ROOT, Course, CourseError, load_course, new_course, refuse_inside
from labkit.teacher.handout import KEY_NOTE, hand_out, with_key_note
from labkit.teacher.mending import Unreadable, mend
from labkit.teacher.roster import Student, find_by_name, load_roster, read_table, safe_cell

PEOPLE = ("Ana María Pérez Ñuñez", "Ana Pérez", "Beto Ruiz", "Carla Gómez Luna")


@pytest.fixture
def course(tmp_path: Path) -> Course:
    folder = tmp_path / "curso"
    new_course(folder)
    rows = "".join(f"{name},{number}@ejemplo.mx,{number}\n" for number, name in enumerate(PEOPLE))
    (folder / "lista.csv").write_text("nombre,correo,numero\n" + rows, encoding="utf-8")
    return load_course(folder)


@pytest.fixture(autouse=True)
def small(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(tasks, "original_text", lambda lesson: as_bytes(small_notebook()).decode())


def keys(course: Course) -> dict[str, str]:
    return {person.name: person.key for person in load_roster(course)}


def good(account: str = "") -> bytes:
    return as_bytes(answered({E1: CONVOLVE}, account))


def zipped(path: Path, files: dict[str, bytes]) -> Path:
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as package:
        for name, data in files.items():
            package.writestr(zipfile.ZipInfo(name, (2027, 2, 13, 10, 0, 0)), data, zipfile.ZIP_DEFLATED)
    return path


# ── la carpeta ──────────────────────────────────────────────────────────────────────────────────────────────────────


def test_the_folder_is_private_has_a_secret_and_is_never_overwritten(tmp_path):
    first, second = tmp_path / "a", tmp_path / "b"
    new_course(first)
    new_course(second)
    assert load_course(first).secret != load_course(second).secret
    assert os.name != "posix" or stat.S_IMODE(first.stat().st_mode) == 0o700
    with pytest.raises(CourseError, match="ya existe"):
        new_course(first)


def test_a_folder_that_git_would_keep_is_refused(tmp_path):
    with pytest.raises(CourseError, match="dentro del repositorio"):
        refuse_inside(ROOT / "lessons" / "grupo")
    subprocess.run(["git", "init", "-q", str(tmp_path / "repo")], check=True)
    inside = tmp_path / "repo" / "grupo"
    inside.mkdir()
    with pytest.raises(CourseError, match="la guardaría"):
        refuse_inside(inside)
    (tmp_path / "repo" / ".gitignore").write_text("grupo/\n")
    refuse_inside(inside)


@pytest.mark.parametrize("before, after, said", [
    ('escala = "0-10"', 'escala = "0-100"', "0-10 o 5-10"), ("peso = 1", "peso = -1", "negativo"),
    ("[lecciones.01_oclusion]", "[lecciones.99_nada]", "no hay una lección"), ("memoria_mb = 2500", "memoria_mb = 5", "al menos 200"),
    ("[limites]", "[limite]", "no conozco"), ("peso = 1", "peso = uno", "no se entiende"), ("descuento_por_dia = 0.0", 'descuento_por_dia = "1"', "no es lo que debe"),
])
def test_a_wrong_configuration_says_what_is_wrong(course, before, after, said):
    path = course.folder / "curso.toml"
    path.write_text(path.read_text(encoding="utf-8").replace(before, after, 1), encoding="utf-8")
    with pytest.raises(CourseError, match=said):
        load_course(course.folder)


def test_what_comes_from_the_secret_is_steady_and_different_for_each(course):
    other = Course(course.folder, "", "otro secreto cualquiera", course.roster, course.limits)
    assert course.derive("a", "b") == course.derive("a", "b") != course.derive("a", "c") != other.derive("a", "b")


@pytest.mark.parametrize("verb", ["new", "assign", "collect", "grade", "export"])
def test_every_verb_has_help_in_spanish(verb, capsys):
    assert __main__.main(["teacher", verb, "--help"]) == 0
    assert capsys.readouterr().out.startswith(f"Uso: python -m labkit teacher {verb} CARPETA")
    assert __main__.main(["teacher", verb]) == 2
    assert "Falta CARPETA" in capsys.readouterr().err


def test_an_unknown_verb_or_lesson_is_said(course, capsys):
    assert __main__.main(["teacher", "calificar"]) == 2
    assert "No conozco el verbo 'calificar'" in capsys.readouterr().err
    assert __main__.main(["teacher", "grade", str(course.folder), "07_nada"]) == 2
    assert "Las lecciones que hay ahí: 00_primeros_pasos, 01_oclusion" in capsys.readouterr().err


# ── la lista ────────────────────────────────────────────────────────────────────────────────────────────────────────


def test_keys_are_eight_digits_and_stay(course):
    first = keys(course)
    assert all(len(key) == 8 and key.isdigit() and key[0] != "0" for key in first.values()) and len(set(first.values())) == 4
    with course.roster.open("a", encoding="utf-8") as file:
        file.write("Nueva Persona,nueva@ejemplo.mx,77\n")
    assert {name: key for name, key in keys(course).items() if name in PEOPLE} == first
    assert len(read_table(course.place("llaves.csv"))) == 5


@pytest.mark.parametrize("text, encoding", [
    ("Nombre,Apellido(s),Dirección de correo\nJosé,Núñez,j@x.mx\n", "utf-8-sig"), ("Nombre;Apellidos;Correo\nJosé;Núñez;j@x.mx\n", "cp1252"),
    ("First name\tLast name\tEmail address\nJosé\tNúñez\tj@x.mx\n\t\t\n", "utf-8"),
])
def test_the_roster_is_read_as_it_comes(course, text, encoding):
    course.roster.write_bytes(text.encode(encoding))
    person, = load_roster(course)
    assert (person.name, person.email) == ("José Núñez", "j@x.mx")


@pytest.mark.parametrize("text, said", [("nombre\n", "no tiene a nadie"), ("correo\na@b.mx\n", "falta el nombre"),
                                        ("nombre,correo\nA,a@b.mx\nB,A@b.mx\n", "dos veces")])
def test_a_wrong_roster_says_what_is_wrong(course, text, said):
    course.roster.write_text(text, encoding="utf-8")
    with pytest.raises(CourseError, match=said):
        load_roster(course)


@pytest.mark.parametrize("label, name", [
    ("ANA MARIA PEREZ NUÑEZ - tarea.ipynb", PEOPLE[0]), ("perez_ana_tarea.ipynb", PEOPLE[1]), ("Ana.ipynb", None),
    ("Copia de ejercicios.ipynb", None), ("tarea de 2@ejemplo.mx.ipynb", PEOPLE[2]), ("Luna Gómez, Carla/x.ipynb", PEOPLE[3]),
])
def test_a_name_is_found_only_when_it_is_one_person(label, name):
    people = [Student(name, f"{number}@ejemplo.mx") for number, name in enumerate(PEOPLE)]
    found = find_by_name(people, label)
    assert (found.name if found else None) == name


def test_a_cell_that_a_spreadsheet_would_run_is_text():
    assert [safe_cell(text) for text in ("=2+2", "@x", "-1", "Ana", 3)] == ["'=2+2", "'@x", "'-1", "Ana", 3]


# ── lo que llega ────────────────────────────────────────────────────────────────────────────────────────────────────


def test_moodle_drive_and_loose_files_find_their_owner(course, tmp_path):
    mine = keys(course)
    moodle = zipped(tmp_path / "m.zip", {
        f"{PEOPLE[0]}_1234_assignsubmission_file_/Copia de x (1).ipynb": good(), f"{PEOPLE[1]}_77_assignsubmission_file_x.ipynb": good()})
    result = collect(course, course.lesson(LESSON), moodle)
    assert {receipt["llave"] for receipt in result.receipts} == {mine[PEOPLE[0]], mine[PEOPLE[1]]} and not result.lost
    receipt, = attempts(course, LESSON, mine[PEOPLE[0]])
    assert (receipt["id_moodle"], receipt["carpeta_moodle"]) == ("1234", f"{PEOPLE[0]}_1234_assignsubmission_file_")
    drive = tmp_path / "drive"
    (drive / "Tarea 1").mkdir(parents=True)
    (drive / "Tarea 1" / "Copia de 00_primeros_pasos_ejercicios (1).ipynb").write_bytes(good(mine[PEOPLE[2]]))
    (drive / "Tarea 1" / "Carla Gómez Luna - entrega final.ipynb").write_bytes(good())
    result = collect(course, course.lesson(LESSON), drive)
    assert {receipt["llave"] for receipt in result.receipts} == {mine[PEOPLE[2]], mine[PEOPLE[3]]} and not result.missing


def test_collecting_again_adds_nothing_and_the_last_attempt_counts(course, tmp_path):
    key, lesson = keys(course)[PEOPLE[2]], course.lesson(LESSON)
    folder = tmp_path / "drive"
    folder.mkdir()
    for number, data in enumerate((good(), as_bytes(answered({E1: CONVOLVE + "# dos"}, key)), b"{roto")):
        path = folder / f"Beto Ruiz {number}.ipynb"
        path.write_bytes(data)
        os.utime(path, (1_800_000_000 + 60 * number,) * 2)
    assert len(collect(course, lesson, folder).receipts) == 3
    again = collect(course, lesson, folder)
    assert (len(again.receipts), again.repeated) == (0, 3)
    assert standing(attempts(course, LESSON, key))["archivo"] == "Beto Ruiz 1.ipynb"       # el último que se pudo leer


def test_what_cannot_be_matched_or_read_is_reported_by_name(course, tmp_path, capsys):
    package = zipped(tmp_path / "m.zip", {"Nadie Conocido_9_assignsubmission_file_/x.ipynb": good(),
                                          f"{PEOPLE[2]}_8_assignsubmission_file_/x.ipynb": b"\x00\xff{",
                                          f"{PEOPLE[3]}_7_assignsubmission_file_/tarea.pdf": b"%PDF"})
    assert __main__.main(["teacher", "collect", str(course.folder), LESSON, str(package)]) == 1
    out = capsys.readouterr().out
    assert "Nadie Conocido" in out and "no sé de quién es" in out and "Beto Ruiz" in out and "no es JSON" in out and "llegó un PDF, no un cuaderno" in out
    assert "Carla Gómez Luna" in out and "Sin entrega: Ana María Pérez Ñuñez, Ana Pérez" in out
    assert json.loads(course.place("entregas", LESSON, "sin_dueño.json").read_text(encoding="utf-8"))


def test_someone_elses_key_is_said_and_the_owner_is_who_handed_it_in(course, tmp_path):
    mine = keys(course)
    package = zipped(tmp_path / "m.zip", {f"{PEOPLE[2]}_8_assignsubmission_file_/x.ipynb": good(mine[PEOPLE[3]])})
    receipt, = collect(course, course.lesson(LESSON), package).receipts
    assert receipt["llave"] == mine[PEOPLE[2]] and "Carla Gómez Luna" in receipt["avisos"][0]


@pytest.mark.parametrize("when, days", [("2027-02-14T23:59:00", 0), ("2027-02-14T23:59:30", 1), ("2027-02-16T08:00:00", 2)])
def test_days_late_are_whole_or_begun(course, when, days):
    assert days_late(course, course.lesson(LESSON), datetime.fromisoformat(when)) == days


def test_a_date_without_an_hour_lasts_the_whole_day(course):
    path = course.folder / "curso.toml"
    path.write_text(path.read_text(encoding="utf-8").replace("2027-02-14T23:59:00", "2027-02-14"), encoding="utf-8")
    lesson = load_course(course.folder).lesson(LESSON)
    assert [days_late(course, lesson, datetime(2027, 2, day, hour)) for day, hour in ((14, 23), (15, 0), (16, 1))] == [0, 1, 2]


# ── zips hostiles ───────────────────────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize("name", ["../../fuera.ipynb", "/fuera.ipynb", "C:\\fuera.ipynb", "a/..\\..\\fuera.ipynb"])
def test_a_zip_whose_paths_leave_is_refused_and_writes_nothing(tmp_path, name):
    package = zipped(tmp_path / "m.zip", {"bien.ipynb": good(), name: good()})
    before = set(tmp_path.rglob("*"))
    with pytest.raises(CourseError, match="sale de su carpeta"):
        arrivals(package, 50)
    assert set(tmp_path.rglob("*")) == before


def test_links_and_bombs_are_refused(tmp_path):
    link = zipfile.ZipInfo("Ana Pérez.ipynb")
    link.external_attr = (stat.S_IFLNK | 0o777) << 16
    with zipfile.ZipFile(tmp_path / "l.zip", "w") as package:
        package.writestr(link, "/etc/passwd")
    with pytest.raises(CourseError, match="un enlace"):
        arrivals(tmp_path / "l.zip", 50)
    bomb = zipped(tmp_path / "b.zip", {"Ana Pérez.ipynb": b" " * 30_000_000})
    with pytest.raises(CourseError, match="una bomba"):
        arrivals(bomb, 50)
    big = zipped(tmp_path / "g.zip", {"Ana Pérez.ipynb": os.urandom(2_000_000)})
    assert [arrival.problem for arrival in arrivals(big, 1)] == ["pesa más de 1 MB"]


def test_a_hostile_zip_inside_costs_one_submission_and_a_good_one_is_opened(tmp_path):
    bad = zipped(tmp_path / "bad.zip", {"../x.ipynb": good()}).read_bytes()
    fine = zipped(tmp_path / "fine.zip", {"mi tarea/x.ipynb": good(), "__MACOSX/x.ipynb": b"nada"}).read_bytes()
    package = zipped(tmp_path / "m.zip", {"Beto Ruiz_8_assignsubmission_file_/a.zip": bad, "Ana Pérez_9_assignsubmission_file_/b.zip": fine})
    found = {arrival.person: arrival.problem for arrival in arrivals(package, 50)}
    assert "sale de su carpeta" in found["Beto Ruiz"] and found["Ana Pérez"] == "" and len(found) == 2


@pytest.mark.skipif(os.name != "posix", reason="los enlaces piden permisos en Windows")
def test_a_link_in_a_folder_is_not_followed(tmp_path):
    (tmp_path / "secreto.ipynb").write_bytes(good())
    folder = tmp_path / "entregas"
    folder.mkdir()
    (folder / "Ana Pérez.ipynb").symlink_to(tmp_path / "secreto.ipynb")
    arrival, = arrivals(folder, 50)
    assert "enlace" in arrival.problem and arrival.data == b""


# ── reparar ─────────────────────────────────────────────────────────────────────────────────────────────────────────


def test_an_untouched_notebook_needs_no_repair():
    assert mend(as_bytes(small_notebook()), LESSON).repairs == []


def test_extra_cells_stay_where_they_were():
    book = answered({E1: CONVOLVE}, "")
    place = book["cells"].index(cell_of(book, ANSWER[E1]))
    book["cells"].insert(place, {"cell_type": "code", "metadata": {}, "source": "import math", "outputs": [], "id": "mio"})
    book["cells"].insert(0, {"cell_type": "markdown", "metadata": {}, "source": "Hola", "id": "mio2"})
    found = mend(as_bytes(book), LESSON).book["cells"]
    assert found[0]["source"] == "Hola" and found[found.index(cell_of({"cells": found}, ANSWER[E1])) - 1]["source"] == "import math"


def test_an_old_format_and_other_encodings_are_read():
    book = nbformat.from_dict(answered({E1: CONVOLVE}, "12345678"))
    for cell in book.cells:
        cell.setdefault("outputs", []) if cell.cell_type == "code" else None
        cell.setdefault("execution_count", None) if cell.cell_type == "code" else None
    old = nbformat.writes(nbformat.convert(book, 3), version=3)
    mended = mend(old.encode("utf-8-sig"), LESSON)
    assert cell_of(mended.book, ANSWER[E1])["source"].strip() == CONVOLVE.strip() and mended.account == "12345678"


@pytest.mark.parametrize("data, said", [
    (b"", "está vacío"), (b"{", "no es JSON"), (b"[]", "no es un cuaderno"), (b'{"nbformat": 4, "cells": 3}', "lista de celdas"),
    (b'{"nbformat": 4, "cells": []}', "no es el cuaderno de esta"), (b"[" * 100_000, "no es JSON"), (b'{"nbformat": 3, "worksheets": 1}', "otra versión"),
])
def test_what_is_not_a_notebook_is_said(data, said):
    with pytest.raises(Unreadable, match=said):
        mend(data, LESSON)


def test_a_changed_check_cell_comes_back_and_is_reported():
    book = answered({E1: CONVOLVE}, "")
    cell_of(book, E2)["source"] = "print('✓')"
    mended = mend(as_bytes(book), LESSON)
    assert cell_of(mended.book, E2)["source"] == cell_of(small_notebook(), E2)["source"]
    assert mended.repairs == [f"la celda de prueba {E2} estaba cambiada: puse la del original"]


# ── repartir ────────────────────────────────────────────────────────────────────────────────────────────────────────


def test_what_is_handed_out_has_no_answers_and_asks_for_the_key(course, monkeypatch):
    made, place = [], course.place("reparto", LESSON)
    monkeypatch.setattr("shutil.copytree", lambda source, target, ignore: made.append((Path(source).name, ignore(str(source), ["build", "x.py", "__pycache__"]))))
    hand_out(course, LESSON, nbgrader=True)
    names = {path.relative_to(place).as_posix() for path in place.rglob("*") if path.is_file()}
    assert {f"lessons/{LESSON}.ipynb", f"lessons/{LESSON}_ejercicios.ipynb", "README.md", "requirements.txt"} <= names
    assert not any("guia" in name or name.startswith("tests") for name in names)
    assert [name for name, _ in made] == ["labkit", "data"] and made[1][1] == {"build", "__pycache__"}
    assert "llave de 8 cifras" in (place / "lessons" / f"{LESSON}_ejercicios.ipynb").read_text(encoding="utf-8")
    config = course.place("reparto", "nbgrader", "nbgrader_config.py").read_text(encoding="utf-8")
    compile(config, "nbgrader_config.py", "exec")
    assert "ClearSolutions.enabled = False" in config
    rows = list(csv.reader(course.place("reparto", "lista_nbgrader.csv").open(encoding="utf-8")))
    assert [row[0] for row in rows[1:]] == list(keys(course).values()) and "Ana" not in str(rows)


@pytest.mark.parametrize("lesson", sorted(path.stem.removesuffix("_ejercicios") for path in (ROOT / "lessons").glob("*_ejercicios.ipynb")))
def test_the_key_note_goes_only_before_its_cell_and_the_last_step_asks_for_it(lesson):
    path = tasks.original_path(lesson)
    before, after = (json.loads(text)["cells"] for text in (path.read_text(encoding="utf-8"), with_key_note(path)))
    assert sum("".join(one["source"]) != "".join(other["source"]) for one, other in zip(before, after, strict=True)) <= 4
    said = ["".join(cell["source"]).replace(KEY_NOTE, "") for cell in after if cell["cell_type"] == "markdown"]
    assert not any("número de cuenta" in text for text in said) and any("### Tu llave" in text for text in said)
    own = next(text for text in said if "### Tu llave" in text)
    assert not re.search("De él|Escríbelo|vacío|tu número", own)                            # todo concuerda con «llave»
    assert "tu llave está escrita" in "".join(after[-1]["source"]) and "número de cuenta" not in "".join(after[-1]["source"])


def test_an_untouched_notebook_is_named_also_as_it_was_handed_out(course, tmp_path):
    book = small_notebook()
    book["cells"].insert(0, nbformat.v4.new_markdown_cell("> **Tu llave.** La nota que agrega assign."))
    got = collect(course, course.lesson(LESSON), zipped(tmp_path / "z.zip", {"Beto Ruiz.ipynb": as_bytes(book), "Ana Pérez.ipynb": good()}))
    said = {receipt["llave"]: " ".join(receipt["avisos"]) for receipt in got.receipts}
    owner = keys(course)
    assert "sin contestar" in said[owner["Beto Ruiz"]] and "sin contestar" not in said[owner["Ana Pérez"]]

"""Lo que una profesora se encontró al recoger, calificar y subir a Moodle: fechas, carpetas, avisos y mensajes."""
import io
import json
import os
import re
import zipfile
from datetime import datetime
from pathlib import Path
from types import SimpleNamespace

import pytest
from synthetic_submissions import CONVOLVE, E1, E2, EDGES, LESSON, answered, as_bytes, small_notebook
from test_teacher_collect import PEOPLE, course, keys, small  # noqa: F401  (las que llevan `fixture` se usan por su nombre)

from labkit import __main__
from labkit.teacher import grading, running, tasks
from labkit.teacher.arrivals import arrivals
from labkit.teacher.collecting import attempts, collect, standing, write_json
from labkit.teacher.course import ROOT, Course, CourseError, load_course
from labkit.teacher.exporting import export_lesson
from labkit.teacher.grading import grade
from labkit.teacher.handout import with_key_note
from labkit.teacher.mending import Unreadable, mend

ANA, BETO, CARLA = PEOPLE[1:]
GOOD = as_bytes(answered({E1: CONVOLVE}, ""))
OTHER = as_bytes(answered({E1: CONVOLVE, E2: EDGES}, ""))


def zipped(path: Path, *files: tuple[str, bytes, int]) -> Path:
    """Un zip con (nombre, bytes, día de febrero de 2027) de cada archivo."""
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as package:
        for name, data, day in files:
            package.writestr(zipfile.ZipInfo(name, (2027, 2, day, 10, 0, 0)), data, zipfile.ZIP_DEFLATED)
    return path


def moodle(name: str, number: int, file: str = "x.ipynb") -> str:
    return f"{name}_{number}_assignsubmission_file_/{file}"


def told(capsys: pytest.CaptureFixture, *words: object) -> tuple[int, str]:
    """Lo que contesta `teacher` a esas palabras: el código y todo lo que escribió."""
    code = __main__.main(["teacher", *map(str, words)])
    seen = capsys.readouterr()
    return code, seen.out + seen.err


# ── la fecha de una entrega ─────────────────────────────────────────────────────────────────────────────────────────


def test_the_date_of_a_zip_handed_in_is_the_one_of_the_zip(course, tmp_path):
    inner = zipped(tmp_path / "i.zip", ("mi tarea/x.ipynb", OTHER, 3)).read_bytes()
    package = zipped(tmp_path / "m.zip", (moodle(BETO, 8), GOOD, 12), (moodle(BETO, 8, "tarea.zip"), inner, 16))
    collect(course, course.lesson(LESSON), package)
    first, last = attempts(course, LESSON, keys(course)[BETO])
    assert (last["llegó"], last["días_tarde"]) == ("2027-02-16T10:00:00", 2) and last["archivo"].endswith("tarea.zip/mi tarea/x.ipynb")
    assert last["fecha_adentro"] == "2027-02-03T10:00:00" and first["llegó"] == "2027-02-12T10:00:00"
    assert standing([first, last]) is last


def test_the_date_inside_decides_only_between_files_of_one_zip_or_if_there_is_no_other(tmp_path, course):
    inner = zipped(tmp_path / "i.zip", ("a.ipynb", GOOD, 9), ("b.ipynb", OTHER, 3)).read_bytes()
    collect(course, course.lesson(LESSON), zipped(tmp_path / "m.zip", (moodle(BETO, 8, "t.zip"), inner, 12)))
    assert [receipt["archivo"][-7:] for receipt in attempts(course, LESSON, keys(course)[BETO])] == ["b.ipynb", "a.ipynb"]
    with zipfile.ZipFile(tmp_path / "sin.zip", "w") as package:
        package.writestr(zipfile.ZipInfo(moodle(CARLA, 9, "t.zip")), inner)                 # sin fecha: 1980
    assert {arrival.modified.day for arrival in arrivals(tmp_path / "sin.zip", 50)} == {3, 9}


def test_a_zip_of_the_whole_group_inside_a_folder_keeps_each_date(course, tmp_path):
    folder = tmp_path / "bajado"
    folder.mkdir()
    zipped(folder / "Tarea 1-20270301T100000Z-001.zip", (f"{BETO}.ipynb", GOOD, 11), (f"{CARLA}.ipynb", OTHER, 12))
    zipped(folder / "moodle.zip", (moodle(ANA, 7), GOOD, 13))
    found = {Path(arrival.label).name: arrival for arrival in arrivals(folder, 50)}
    assert [found[name].modified.day for name in (f"{BETO}.ipynb", f"{CARLA}.ipynb", "x.ipynb")] == [11, 12, 13]
    zipped(folder / f"{ANA} (2).zip", ("x.ipynb", OTHER, 5))                                # el de una persona: el de hoy
    assert datetime.now().date() in {arrival.modified.date() for arrival in arrivals(folder, 50)}


# ── la carpeta de Moodle ────────────────────────────────────────────────────────────────────────────────────────────


def test_a_moodle_folder_inside_another_is_still_hers(course, tmp_path):
    collect(course, course.lesson(LESSON), zipped(tmp_path / "m.zip", (f"entregas/{moodle(BETO, 8)}", GOOD, 12)))
    receipt, = attempts(course, LESSON, keys(course)[BETO])
    assert (receipt["carpeta_moodle"], receipt["id_moodle"]) == (f"{BETO}_8_assignsubmission_file_", "8")


def comments(course: Course) -> set[str]:
    return set(zipfile.ZipFile(course.place("salida", LESSON, "comentarios.zip")).namelist())


def aside(course: Course) -> list[str]:
    return sorted(path.stem for path in course.place("salida", LESSON, "comentarios_aparte").glob("*.html"))


def test_the_comments_of_who_came_by_drive_go_in_the_folder_of_moodle(course, tmp_path, capsys):
    mine, lesson = keys(course), course.lesson(LESSON)
    collect(course, lesson, zipped(tmp_path / "m.zip", (moodle(BETO, 8), GOOD, 12)))
    drive = tmp_path / "drive"
    drive.mkdir()
    for name in (BETO, CARLA, ANA):                             # Beto lo manda otra vez, por otro lado
        (drive / f"{name}.ipynb").write_bytes(OTHER)
        os.utime(drive / f"{name}.ipynb", (1_804_000_000,) * 2)                             # en marzo: es el último
    collect(course, lesson, drive)
    assert told(capsys, "export", course.folder, LESSON)[0] == 0
    assert comments(course) == {f"{BETO}_8_assignsubmission_file_/comentarios.html"}
    assert aside(course) == [f"Ana Perez {mine[ANA]}", f"Carla Gomez Luna {mine[CARLA]}"]
    sheet = tmp_path / "hoja.csv"
    sheet.write_text("Identificador,Nombre completo,Dirección de correo,Calificación\n"
                     f"Participante 1843209,{CARLA},3@ejemplo.mx,\nParticipante 5,Pedro Díaz,p@x.mx,\n", encoding="utf-8")
    said = told(capsys, "export", course.folder, LESSON, "--worksheet", sheet)[1]
    assert comments(course) == {f"{name}_assignsubmission_file_/comentarios.html" for name in (f"{BETO}_8", f"{CARLA}_1843209")}
    assert aside(course) == [f"Ana Perez {mine[ANA]}"] and f"No sé cuál es la carpeta de Moodle de {ANA}:" in said
    plain = course.place("salida", LESSON, "moodle.csv").read_text(encoding="utf-8-sig")
    assert "Pedro Díaz" in plain and "En la hoja de Moodle y no en lista.csv: Pedro Díaz." in said


def test_export_says_who_goes_blank_and_who_is_missing_from_the_sheet(course, tmp_path, capsys):
    collect(course, course.lesson(LESSON), zipped(tmp_path / "m.zip", (moodle(BETO, 8), b"{roto", 12), (moodle(ANA, 7), GOOD, 12)))
    sheet = tmp_path / "hoja.csv"
    sheet.write_text(f"Identificador,Nombre completo,Calificación\nParticipante 8,{BETO},\n", encoding="utf-8")
    said = told(capsys, "export", course.folder, LESSON, "--worksheet", sheet)[1]
    assert f"En lista.csv y no en la hoja de Moodle: {PEOPLE[0]}, {ANA}, {CARLA}." in said
    assert f"Van en blanco, 4 de 4: NP: {PEOPLE[0]}, {CARLA}; no calificada (falta correr `grade`): {ANA}, {BETO}." in said


@pytest.mark.parametrize("head, missing", [
    ("Nombre completo,Estado", "la columna «Calificación». Las que trae: Nombre completo, Estado"),
    ("Calificación,Estado", "la columna «Nombre completo» o «Dirección de correo». Las que"),
    ("a;b", "«Calificación» y la columna «Nombre completo» o «Dirección de correo». Las que trae: a, b"), ("", "Las que trae: ninguna"),
])
def test_a_wrong_sheet_says_exactly_which_column_is_missing(course, tmp_path, head, missing):
    (tmp_path / "hoja.csv").write_text(f"{head}\n", encoding="utf-8")
    with pytest.raises(CourseError, match=re.escape(missing)):
        export_lesson(course, course.lesson(LESSON), tmp_path / "hoja.csv")


def test_what_goes_up_to_moodle_is_alone_with_its_name(course, tmp_path):
    sheet = tmp_path / "hoja.csv"
    sheet.write_text(f"Identificador,Nombre completo,Calificación\nParticipante 8,{BETO},\n", encoding="utf-8")
    export_lesson(course, course.lesson(LESSON), sheet)
    assert sorted(path.name for path in course.place("salida", LESSON).glob("*.csv")) == ["calificaciones.csv", "moodle.csv"]


def test_a_list_without_mails_is_still_found_in_the_sheet(course, tmp_path):
    course.roster.write_text(f"nombre\n{BETO}\n{ANA}\n", encoding="utf-8")
    for key in keys(course).values():
        write_json(course.place("entregas", LESSON, key, "1", "recibo.json"),
                   {"intento": "1", "problema": "está vacío", "carpeta_moodle": "", "id_moodle": ""})
    sheet = tmp_path / "hoja.csv"
    sheet.write_text("Identificador,Nombre completo,Dirección de correo,Calificación\n"
                     f"Participante 8,{BETO},b@x.mx,\nParticipante 9,{PEOPLE[0]},a@x.mx,\n", encoding="utf-8")
    export_lesson(course, course.lesson(LESSON), sheet)
    assert comments(course) == {f"{BETO}_8_assignsubmission_file_/comentarios.html"}        # y el renglón 9 no es de Ana Pérez


# ── varios intentos, y lo que no es un cuaderno ─────────────────────────────────────────────────────────────────────


def test_collect_says_how_many_attempts_and_which_counts(course, tmp_path, capsys):
    package = zipped(tmp_path / "m.zip", (moodle(BETO, 8, "a.ipynb"), GOOD, 12), (moodle(BETO, 8, "b.ipynb"), OTHER, 13),
                     (moodle(CARLA, 9, "a.ipynb"), GOOD, 12), (moodle(CARLA, 9, "b.ipynb"), b"{roto", 13), (moodle(ANA, 7), GOOD, 15))
    said = told(capsys, "collect", course.folder, LESSON, package)[1]
    assert "Entregas nuevas: 5, de 3 personas · ya estaban: 0" in said and "tarde por 1 día;" in said
    assert f"{BETO}: hay 2 intentos: cuenta el último, del 13/02/2027 a las 10:00" in said
    assert f"{CARLA}: hay 2 intentos: cuenta el último que se pudo leer, del 12/02/2027 a las 10:00" in said
    assert said.count("intentos:") == 2
    package = zipped(tmp_path / "otro.zip", (moodle(CARLA, 9, "c.ipynb"), OTHER, 14))
    said = told(capsys, "collect", course.folder, LESSON, package)[1]                       # solo de quienes venían
    assert f"{CARLA}: hay 3 intentos: cuenta el último, del 14/02" in said and BETO not in said


def test_the_result_carries_the_note_and_is_renewed_without_grading_again(course, tmp_path, monkeypatch):
    monkeypatch.setattr(grading, "run_submission", lambda keeper, book, seeds: {name: {"fin": "tiempo", "mensaje": ""} for name in seeds})
    lesson, key = course.lesson(LESSON), keys(course)[BETO]
    collect(course, lesson, zipped(tmp_path / "1.zip", (moodle(BETO, 8, "a.ipynb"), GOOD, 12)))
    place = course.place("calificaciones", LESSON, f"{key}.json")

    def notices() -> str:
        return " ".join(json.loads(place.read_text(encoding="utf-8"))["avisos"])

    grade(course, lesson)
    assert "intentos" not in notices()
    collect(course, lesson, zipped(tmp_path / "2.zip", (moodle(BETO, 8, "b.ipynb"), b"{roto", 13)))
    assert grade(course, lesson).before == 1 and "hay 2 intentos: cuenta el último que se pudo leer" in notices()


@pytest.mark.parametrize("data, name, said", [
    (b"%PDF-1.7 x", "x.ipynb", "llegó un PDF, no un cuaderno .ipynb"), (b"PK\x03\x04..", "x.docx", "un zip o un documento de Office"),
    (b"\n<!DOCTYPE html>", "x", "una página web"), (b"print(1)", "tarea.py", "llegó un archivo .py, no un cuaderno"),
    (b"{roto", "x.ipynb", "está dañado: no es JSON"), (b"{roto", "x.ipynb.txt", "está dañado"), (b"\x89PNG..", "f.png", "una imagen"),
])
def test_what_is_not_a_notebook_is_called_by_its_name(data, name, said):
    with pytest.raises(Unreadable, match=said):
        mend(data, LESSON, name)


def test_a_pdf_alone_is_a_problem_and_next_to_a_notebook_is_not_an_attempt(course, tmp_path, capsys):
    package = zipped(tmp_path / "m.zip", (moodle(BETO, 8, "a.pdf"), b"%PDF", 13), (moodle(CARLA, 9, "a.pdf"), b"%PDF", 13),
                     (moodle(CARLA, 9, "b.ipynb"), GOOD, 12), (moodle("Nadie", 3, "a.pdf"), b"%PDF", 12))
    code, said = told(capsys, "collect", course.folder, LESSON, package)
    assert code == 1 and re.search(rf"✗ {BETO} .*llegó un PDF, no un cuaderno", said) and "intentos" not in said
    assert re.search("No se recogieron, porque no son cuadernos: Carla[^,]*a.pdf\n", said) and re.search("✗ Nadie.*llegó un PDF", said)
    said = told(capsys, "collect", course.folder, LESSON, zipped(tmp_path / "2.zip", (moodle(BETO, 8), GOOD, 14)))[1]
    assert "Entregas nuevas: 1" in said and "intentos" not in said                          # el PDF de antes no fue un intento
    drive = tmp_path / "drive"
    drive.mkdir()
    (drive / f"{ANA}.pdf").write_bytes(b"%PDF")
    (drive / "enunciado.pdf").write_bytes(b"%PDF")
    said = told(capsys, "collect", course.folder, LESSON, drive)[1]
    assert f"✗ {ANA} ({ANA}.pdf): llegó un PDF" in said and "no son cuadernos: enunciado.pdf" in said


def test_what_was_collected_with_its_name_is_no_longer_lost(course, tmp_path, capsys):
    lost = course.place("entregas", LESSON, "sin_dueño.json")
    drive, apart = tmp_path / "drive", tmp_path / "aparte"
    drive.mkdir()
    apart.mkdir()
    for number, data in enumerate((GOOD, OTHER, as_bytes(small_notebook()))):
        (drive / f"Copia de x ({number}).ipynb").write_bytes(data)
    assert told(capsys, "collect", course.folder, LESSON, drive)[0] == 1 and len(json.loads(lost.read_text(encoding="utf-8"))) == 3
    (apart / f"{BETO}.ipynb").write_bytes(GOOD)
    (apart / f"{CARLA}.ipynb").write_bytes(as_bytes(small_notebook()))
    told(capsys, "collect", course.folder, LESSON, apart)
    left = ["Copia de x (1).ipynb"]
    assert [row["archivo"] for row in json.loads(lost.read_text(encoding="utf-8"))] == left
    said = told(capsys, "collect", course.folder, LESSON, drive)[1]                         # otra vez la carpeta de antes
    assert [row["archivo"] for row in json.loads(lost.read_text(encoding="utf-8"))] == left and "ya estaban: 2" in said


def test_a_copy_of_what_someone_handed_in_does_not_disappear(course, tmp_path):
    drive = tmp_path / "drive"
    drive.mkdir()
    for name in (f"{BETO}.ipynb", "Copia de x.ipynb"):
        (drive / name).write_bytes(GOOD)
    for _ in range(2):
        collect(course, course.lesson(LESSON), drive)
        row, = json.loads(course.place("entregas", LESSON, "sin_dueño.json").read_text(encoding="utf-8"))
        assert row["archivo"] == "Copia de x.ipynb"


def test_a_place_that_does_not_exist_is_said(course, capsys):
    code, said = told(capsys, "collect", course.folder, LESSON, course.folder / "no hay.zip")
    assert code == 2 and "No existe" in said and "no hay.zip" in said


# ── curso.toml y las lecciones ──────────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize("before, after, said", [
    ("entrega = 2027-02-14T23:59:00", "entrega = 29/11/2026", "renglón {n}: «entrega = 29/11/2026» no se entiende. Una fecha"),
    ("entrega = 2027-02-14T23:59:00", "entrega = 2026-11-29 23:59", "renglón {n}.*Una fecha .*2027-02-14T23:59:00"),
    ("entrega = 2027-02-14T23:59:00", 'entrega = "29 de noviembre"', "renglón {n}: «entrega» no es lo que debe: dice '29 de noviembre'. Una fecha"),
    ("descuento_por_dia = 0.0", "descuento_por_dia = 0,5", "renglón {n}: «descuento_por_dia = 0,5» no se entiende. Un número .*0.5"),
    ("peso = 1", "peso = 2027-01-01", "renglón {n}: «peso» no es lo que debe: dice 2027-01-01. Un número"),
    ("peso = 1", "peso = -1", "renglón {n}: el peso"), ("decimales = 1", "decimales = 1.5", "renglón {n}.*número entero"),
    ("dias = 60", "dias = -1", "renglón {n}: «dias» debe ser al menos 0"), ("peso = 1", "peso = 1\npeso = 2", "renglón .*: «peso = 2» está dos veces"),
    ("[lecciones.01_oclusion]", "[lecciones.1b]", r"renglón {n}: no hay una lección «1b».*¿Querías decir \[lecciones.01b_contrafactuales\]"),
    ('nombre = "Qué', "nombre = Qué", "renglón {n}: .*Un texto se escribe entre comillas"),
])
def test_a_wrong_line_says_its_number_and_the_right_form(course, before, after, said):
    path = course.folder / "curso.toml"
    text = path.read_text(encoding="utf-8")
    number = 1 + text[:text.index(before)].count("\n")
    path.write_text(text.replace(before, after, 1), encoding="utf-8")
    with pytest.raises(CourseError, match=said.replace("{n}", str(number))) as error:
        load_course(course.folder)
    assert not re.search("Expected|Invalid|at line|column|datetime", str(error.value))


@pytest.mark.parametrize("asked, said", [
    ("1b", "¿Querías decir 01b_contrafactuales? Agrégala con una tabla [lecciones.01b_contrafactuales]"), ("0", "¿Querías decir 00_primeros_pasos?\n"),
    ("oclusion", "¿Querías decir 01_oclusion?\n"), ("01_oclucion", "¿Querías decir 01_oclusion?\n"), ("1B", "01b_contrafactuales"),
    ("05_diseccion", ". Agrégala con una tabla [lecciones.05_diseccion]"), ("zzz", "Las que existen: 00_primeros_pasos, 01_oclusion,"),
])
def test_a_lesson_that_is_not_there_gets_the_nearest(course, capsys, asked, said):
    code, answer = told(capsys, "assign", course.folder, asked)
    assert code == 2 and said in answer and "[lecciones.1b]" not in answer


def test_a_file_of_marks_that_is_not_read_is_said(course, capsys):
    place = course.place("manual")
    place.mkdir()
    for name in (f"{LESSON}.csv", f"{LESSON}_segunda.csv", f"{LESSON} (1).csv", "rubrica.csv"):
        (place / name).write_text("llave,celda,puntos,comentario,motivo,quien,fecha\n", encoding="utf-8")
    for verb in ("rubric", "report", "export"):
        said = told(capsys, verb, course.folder, LESSON)[1]
        assert f"Aviso: no leo manual/{LESSON} (1).csv: el que cuenta es {LESSON}.csv" in said and "no leo manual/rubrica.csv" in said
        assert said.count("no leo manual/") == 2


def test_one_key_is_said_in_singular_and_the_example_has_eight_digits(course, capsys, monkeypatch):
    monkeypatch.setattr("shutil.copytree", lambda *given, **more: None)
    course.roster.write_text(f"nombre\n{BETO}\n", encoding="utf-8")
    assert "La llave está en" in told(capsys, "assign", course.folder, LESSON)[1]
    for path in sorted((ROOT / "lessons").glob("*_ejercicios.ipynb")):
        cells = ["".join(cell["source"]) for cell in json.loads(with_key_note(path))["cells"]]
        own, = (text for text in cells if text.startswith("ACCOUNT ="))
        assert [len(number) for number in re.findall(r"\d+", own)] == [8], path.name


def test_the_example_of_the_key_is_not_an_answer():
    book = json.loads(with_key_note(tasks.original_path(LESSON)))
    mended = mend(as_bytes(book), LESSON)
    assert (mended.account, mended.repairs) == ("", [])


# ── calificar ───────────────────────────────────────────────────────────────────────────────────────────────────────


def test_grade_names_the_one_it_could_not_and_counts_only_what_ran(course, tmp_path, capsys, monkeypatch):
    monkeypatch.setattr(grading, "run_submission", lambda keeper, book, seeds: {name: {"fin": "tiempo", "mensaje": ""} for name in seeds})
    collect(course, course.lesson(LESSON), zipped(tmp_path / "m.zip", (moodle(BETO, 8), b"{roto", 12), (moodle(ANA, 7), GOOD, 12)))
    code, said = told(capsys, "grade", course.folder, LESSON)
    assert code == 1 and f"✗ {BETO}: no calificada; el archivo está dañado: no es JSON" in said
    assert re.search(r"Protección: .*, en 1 entrega\.", said) and said.count("Protección:") == 1


def test_the_bar_says_what_is_left_and_how_long_the_slow_one_may_take():
    words = grading.waiting_words
    assert (words(3, 0, 90), words(1, 5, 90)) == ("faltan 3", "falta 1")
    assert words(1, 40, 90) == "falta 1: la más lenta, hasta 50 s más"
    assert words(2, 95, 90) == "faltan 2: la más lenta, se corta a los 90 s de procesador"


def test_the_keeper_knows_since_when_an_exercise_runs(monkeypatch):
    clock, seen = iter(range(100, 200)), []
    news = iter([{"va": ["e1", "celdas"]}, {"va": ["e1", "revisar"]}, {"va": ["e2", "celdas"]}, {"fin": "ok", "task": "e2", "phase": "fin"}])
    keeper = running.Keeper.__new__(running.Keeper)
    keeper.since, keeper._process = None, SimpleNamespace(stdin=io.StringIO())
    keeper._hear = lambda most: seen.append(keeper.since) or next(news)
    monkeypatch.setattr(running, "monotonic", lambda: next(clock))
    assert keeper._order({}, 1)["fin"] == "ok" and seen == [None, 100, 100, 101] and keeper.since is None


def test_the_bar_is_told_while_they_run(monkeypatch):
    said, bar = [], SimpleNamespace(total=4, n=3)
    bar.set_postfix_str = said.append
    rounds = iter([(set(), {"futuro"}), (set(), set())])
    monkeypatch.setattr(grading, "wait", lambda futures, timeout, when: next(rounds))
    monkeypatch.setattr(grading, "monotonic", lambda: 130.0)
    grading._watch(["futuro"], [SimpleNamespace(since=100.0), SimpleNamespace(since=None)], bar, 90)
    assert said == ["falta 1: la más lenta, hasta 60 s más"]


# ── lo que dice la guía ─────────────────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize("said", [
    "desde la carpeta del curso", "comentarios_aparte", "agrégalo a `lista.csv`", "La fecha", "copiado hoy", "recibida_de_moodle", "combinar correspondencia",
])
def test_the_guide_says_what_the_road_needs(said):
    assert said in " ".join((ROOT / "lessons" / "guia_docente.md").read_text(encoding="utf-8").split())

"""Lo que es solo para quien da clase, y borrar un curso: qué trae, qué conserva y qué no toca."""
import csv
import io
import re
import zipfile
from datetime import datetime, timedelta
from pathlib import Path

import pytest
from synthetic_submissions import E4, HAND, LESSON
from teacher_group import NAMES, synthetic_course

from labkit import __main__
from labkit.exercises import EXERCISES
from labkit.exercises.pixels.findings import layer_row
from labkit.teacher.course import ROOT, Course, CourseError, load_course
from labkit.teacher.deleting import OURS, PACKET, confirm, delete, holdings, review_ends
from labkit.teacher.examples import FOLDER, NO_NUMBERS, case_words, finding_titles, known_cases, models
from labkit.teacher.exporting import export_lesson
from labkit.teacher.handout import KEPT_OUT
from labkit.teacher.kit import kit
from labkit.teacher.roster import LEAST, load_roster
from labkit.teacher.running import seeds_for
from labkit.teacher.tasks import tasks
from labkit.teacher.variants import LABELS

LESSONS = sorted(path.name.removesuffix("_ejercicios.ipynb") for path in ROOT.glob("lessons/*_ejercicios.ipynb"))


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Course:
    return synthetic_course(tmp_path_factory.mktemp("docente") / "curso")


@pytest.fixture
def course(tmp_path: Path) -> Course:
    return synthetic_course(tmp_path / "curso")


# ── reflexiones modelo ──────────────────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize("lesson", LESSONS)
def test_each_lesson_has_a_model_and_a_careful_negative_one(lesson):
    found = models(lesson)
    assert [model.kind for model in found] == ["con hallazgo", "resultado negativo"]
    for model in found:
        assert int(model.account) < LEAST                       # `assign` no se la da a nadie
        assert set(model.parts) == {task.grade_id for task in tasks(lesson) if task.by_hand}
        claim = model.parts["e6-afirmacion"]
        assert len(claim) == 3 and claim[1].startswith("Control: ") and re.search(r"[.,] Si |: Si ", claim[1])
        assert claim[2].startswith("Límite: ") and len(model.parts["e0-prediccion"]) == 2
        assert not re.search(r"[{}]", " ".join(" ".join(part) for part in model.parts.values()))


@pytest.mark.parametrize("lesson", LESSONS)
def test_what_comes_from_the_account_is_not_written_by_hand(lesson):
    text = (FOLDER / f"{lesson}.md").read_text(encoding="utf-8")
    assert text.count("{") >= 4
    for model, piece in zip(models(lesson), re.split(r"^# ", text, flags=re.MULTILINE)[1:]):
        known = re.findall(r"\d+\.\d+", str(known_cases(lesson, model.account)))       # lo que puede ir entre llaves
        assert not set(re.findall(r"\d+\.\d+", re.sub(r"\{[^}]*\}", "", piece))) & set(known)


@pytest.mark.parametrize("lesson", LESSONS)
def test_a_model_is_whole(lesson):
    """Ni corchetes, que dirían qué falta en vez de decirlo, ni tablas con renglones de distinto ancho."""
    text = (FOLDER / f"{lesson}.md").read_text(encoding="utf-8")
    assert not re.findall(r"\[[^\]]*\]", re.sub(r"\{[^}]*\}", "", text))
    for model in models(lesson):
        blocks = [part for section in model.parts.values() for part in section]
        tables = [block.splitlines() for block in blocks if block.startswith("|")]
        assert all(len({row.count("|") for row in rows}) == 1 and len(rows) > 3 for rows in tables)
        assert not any("\n" in block for block in blocks if not block.startswith("|"))


def test_the_numbers_are_those_of_the_account():
    model = models(LESSON)[0]
    row = layer_row(model.account)
    evidence = " ".join(model.parts["e5-evidencia"])
    assert str(row.hand) in evidence and row.layer in evidence and str(row.reached) in evidence


def test_the_examples_lose_what_the_scale_asks():
    model = models(LESSON)[0]
    task = {task.grade_id: task for task in tasks(LESSON)}
    full, one, none = (model.example(task["e6-afirmacion"], points) for points in (2, 1, 0))
    assert "Control" in full and "Límite" in full and "Control" in one and "Límite" not in one and "Control" not in none and none in full
    assert model.example(task["e5-evidencia"], 0) == NO_NUMBERS and "Predije" not in model.example(task["e5-evidencia"], 1)
    assert len(model.example(task["e0-prediccion"], 0)) < len(model.example(task["e0-prediccion"], 1))


def test_what_is_handed_out_does_not_carry_them():
    assert FOLDER.name in KEPT_OUT and FOLDER.is_dir()


# ── el paquete ──────────────────────────────────────────────────────────────────────────────────────────────────────


def test_the_kit_has_each_ones_answer_and_cases(made, capsys):
    assert __main__.main(["teacher", "kit", str(made.folder), LESSON]) == 0 and "kit" in capsys.readouterr().out
    page = made.place("kit", f"{LESSON}.html").read_text(encoding="utf-8")
    for person in load_roster(made):
        row = layer_row(person.key)
        assert re.search(rf"{person.name}</td><td>{person.key}</td><td>la capa que rebasa, {row.layer}; [^<]*, {row.hand:g}</td>", page)
        seeds = seeds_for(made, LESSON, person.key)
        assert all(str(seeds[cell]) in page for cell in seeds if cell != E4)
    assert "5 de 10" in page and "copie" in page and "No la repartas" in page and "http" not in page and "<script" not in page
    case = next(iter(EXERCISES["edge_histogram"].cases()))
    assert EXERCISES["edge_histogram"].describe(*case).split()[0] in page


def test_the_kit_of_every_lesson_can_be_made(made):
    for path in kit(made, LESSONS):
        page = path.read_text(encoding="utf-8")
        assert page.count("<h3>") >= 4 and all(person.key in page for person in load_roster(made))


@pytest.mark.parametrize("lesson", LESSONS)
def test_a_variant_and_its_answer_are_told_in_words(lesson):
    for account in ("100001", "100002", "87654321"):
        said, cases = case_words(lesson, account), known_cases(lesson, account)
        assert not re.search(r"\d\.\d{4}|[{}\[\]()][\'\"]|[\'\"]:|\b[mp] antes\b|-\d", said), said
        assert not re.search(rf"\b({'|'.join([*EXERCISES, 'scene', 'pixels', 'network'])})\b", said), said
        for name, title in finding_titles(lesson).items():
            case = cases[name][0] if name == "smallest_decay" else cases[name]
            assert title in said and (name in ("heaviest", "resting") or set(case._asdict()) == set(LABELS[name]))
            assert all(str(part) in said for part in cases[f"r_{name}"] if isinstance(part, str) and len(part) > 1)


def test_the_drops_are_told_and_not_the_margins():
    rows, pair = known_cases("01b_contrafactuales", "100001")["heaviest"], known_cases("01b_contrafactuales", "100001")["together"]
    said = case_words("01b_contrafactuales", "100001")
    for part, row in rows.items():
        assert f"{part} ({row['pixels']:g} píxeles): al quitarla {row['m antes'] - row['m verdad']:.3g}".replace("-", "−")[:-1] in said
    assert abs(pair.both - pair.alone_first - pair.alone_second - pair.extra) < 1e-9 and f"sin esa parte: {round(pair.alone_first, 3):g}" in said


# ── borrar ──────────────────────────────────────────────────────────────────────────────────────────────────────────


def test_deleting_takes_what_is_ours_and_nothing_else(course, tmp_path, capsys):
    export_lesson(course, course.lesson(LESSON))
    (course.folder / "mis apuntes.txt").write_text("x", encoding="utf-8")
    outside = tmp_path / "ajeno"
    outside.mkdir()
    (outside / "importante.txt").write_text("x", encoding="utf-8")
    (course.folder / "kit").symlink_to(outside)
    assert __main__.main(["teacher", "delete", str(course.folder), "--name", course.title]) == 0
    assert [path.name for path in course.folder.iterdir()] == ["mis apuntes.txt"] and (outside / "importante.txt").is_file()
    said = capsys.readouterr().out
    assert "entregas" in said and "mis apuntes.txt" in said and "Moodle" in said and "se puede pedir una revisión (60 días)" in said


def test_without_the_name_nothing_is_deleted(course, monkeypatch, capsys):
    before = holdings(course)
    monkeypatch.setattr("sys.stdin", io.StringIO("sí\n"))
    assert __main__.main(["teacher", "delete", str(course.folder)]) == 2
    assert holdings(course) == before and "No borré nada" in capsys.readouterr().err
    monkeypatch.setattr("sys.stdin", io.StringIO(""))
    assert __main__.main(["teacher", "delete", str(course.folder)]) == 2 and holdings(course) == before
    monkeypatch.setattr("sys.stdin", io.StringIO(f"  {course.title}\n"))
    assert __main__.main(["teacher", "delete", str(course.folder)]) == 0 and not course.folder.exists()


def test_a_folder_that_is_no_course_is_not_touched(tmp_path):
    (tmp_path / "entregas").mkdir()
    assert __main__.main(["teacher", "delete", str(tmp_path), "--name", "x"]) == 2 and (tmp_path / "entregas").is_dir()


def test_the_packet_has_points_and_mistakes_and_no_one(course):
    course.place("manual").mkdir()
    ana = load_roster(course)[0]
    course.place("manual", f"{LESSON}.csv").write_text(
        f"llave,celda,puntos,comentario,motivo,quien,fecha\n{ana.key},{HAND[0]},1,Muy bien Ana,,,\n", encoding="utf-8")
    people = load_roster(course)
    delete(course, keep=True)
    assert [path.name for path in course.folder.iterdir()] == [PACKET]
    package = zipfile.ZipFile(course.place(PACKET))
    everything = "".join(package.read(name).decode("utf-8-sig") for name in package.namelist())
    for person in people:
        assert not any(mark in everything for mark in (person.name, person.email, person.number, person.key))
    assert "Muy bien" not in everything and "Creo que" not in everything
    rows = list(csv.DictReader(io.StringIO(package.read("calificaciones.csv").decode("utf-8-sig"))))
    assert len({row["quien"] for row in rows}) == len(NAMES)
    assert sum(row["celda"] == HAND[0] and row["puntos"] == "1.0" for row in rows) == 1
    assert {row["error"] for row in rows if row["celda"] == "todo" and row["leccion"] == LESSON} >= {"NP", "no calificada"}


def test_if_the_packet_cannot_be_made_nothing_is_deleted(course):
    course.place("manual").mkdir()
    course.place("manual", f"{LESSON}.csv").write_text("llave,celda,puntos\n1,no_hay,1\n", encoding="utf-8")
    before = holdings(course)
    with pytest.raises(CourseError):
        delete(course, keep=True)
    assert holdings(course) == before


def test_the_time_to_review_counts_from_the_last_thing_published(course):
    assert review_ends(course) is None
    export_lesson(course, course.lesson(LESSON))
    assert abs((review_ends(course) - datetime.now() - timedelta(days=60)).total_seconds()) < 3600
    path = course.folder / "curso.toml"
    path.write_text(path.read_text(encoding="utf-8").replace("dias = 60", "dias = 0"), encoding="utf-8")
    assert review_ends(load_course(course.folder)) <= datetime.now()


def test_the_name_forgives_only_spaces(course):
    confirm(course, f" {course.title} \n")
    for typed in ("", course.title.upper(), course.title[:-1]):
        with pytest.raises(CourseError, match="No borré nada"):
            confirm(course, typed)
    assert set(OURS) >= {"entregas", "calificaciones", "respuestas"}

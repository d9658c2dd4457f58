"""La parte que se lee a mano: la rúbrica del enunciado, la página, el CSV de vuelta y las dos lecturas."""
import csv
import html
import io
import json
import re
import shutil
from pathlib import Path

import pytest
from synthetic_submissions import E4, HAND, LESSON
from teacher_group import NAMES, synthetic_course

from labkit import __main__
from labkit.teacher.course import ROOT, Course, CourseError
from labkit.teacher.examples import case_words
from labkit.teacher.exporting import export_lesson
from labkit.teacher.reporting import graded_results
from labkit.teacher.roster import load_roster
from labkit.teacher.rubric import drawn_twice, levels, rubric
from labkit.teacher.marks import MANUAL, SECOND, hand_marks
from labkit.teacher.tasks import tasks
from labkit.teacher.veil import alias

LESSONS = sorted(path.name.removesuffix("_ejercicios.ipynb") for path in ROOT.glob("lessons/*_ejercicios.ipynb"))
BY_HAND = [task for task in tasks(LESSON) if task.by_hand]


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Course:
    return synthetic_course(tmp_path_factory.mktemp("docente") / "curso")


@pytest.fixture
def course(made: Course):
    yield made
    shutil.rmtree(made.place("manual"), ignore_errors=True)


def put(course: Course, rows: list[dict], suffix: str = "") -> None:
    out = io.StringIO()
    writer = csv.DictWriter(out, MANUAL)
    writer.writeheader()
    writer.writerows(rows)
    path = course.place("manual", f"{LESSON}{suffix}.csv")
    path.parent.mkdir(exist_ok=True)
    path.write_text(out.getvalue(), encoding="utf-8")


def rows_of(course: Course, suffix: str = "") -> list[dict]:
    text = course.place("manual", f"{LESSON}{suffix}.csv").read_text(encoding="utf-8-sig")
    return list(csv.DictReader(io.StringIO(text)))


def written(course: Course, suffix: str = "") -> str:
    return course.place("salida", LESSON, f"rubrica{suffix}.html").read_text(encoding="utf-8")


@pytest.mark.parametrize("lesson", LESSONS)
def test_every_lesson_says_what_each_point_is_worth(lesson):
    by_hand = [task for task in tasks(lesson) if task.by_hand]
    assert [task.points for task in by_hand] == [1, 2, 2]
    for task in by_hand:
        said = levels(task)
        assert list(sorted(said)) == list(range(int(task.points) + 1)) and all(len(words) > 4 for words in said.values())
    foreseen, _, claim = map(levels, by_hand)
    assert foreseen[0] == "falta alguna de las tres" and "por qué" in foreseen[1]
    assert "control" in claim[2] and claim[0] == "ninguno"


def test_the_answers_to_one_question_stand_together_with_their_scale(course):
    done = rubric(course, course.lesson(LESSON))
    page = written(course)
    assert (done.done, done.asked) == (0, 21) and len(re.findall("<div class=card ", page)) == 21
    for task in BY_HAND:
        part = page.partition(f"<h2>{task.title}")[2].partition("<h2>")[0]
        assert part.count(f'data-cell="{task.grade_id}"') == 7 and part.count('type="radio"') == 7 * (task.points + 1)
    order = re.findall(r'data-code="(\d+)" data-cell="(\S+)"', page)
    assert page.count("Lo que le tocó, y la respuesta") == 21
    for key, card in re.findall(r'data-code="(\d+)"(.*?)<textarea', page, re.DOTALL):           # cada quien, con lo suyo
        assert case_words(LESSON, key) in html.unescape(card)
    assert len({tuple(key for key, cell in order if cell == name) for name in HAND}) > 1        # otro orden en cada una


def test_the_csv_waits_with_a_row_for_each_answer_and_is_never_overwritten(course):
    rubric(course, course.lesson(LESSON))
    rows = rows_of(course)
    assert len(rows) == 21 and all(row["puntos"] == "" for row in rows) and hand_marks(course, LESSON) == {}
    rows[0]["puntos"], rows[0]["comentario"] = "1", "Bien <dicho>"
    put(course, rows)
    done = rubric(course, course.lesson(LESSON))
    assert rows_of(course)[0]["puntos"] == "1" and done.done == 1
    page = written(course)
    assert page.count("\" checked") == 1 and "Bien &lt;dicho&gt;" in page and page.count('data-field="motivo"') == 1


def test_what_the_page_does_not_show_goes_back_to_the_csv(course):
    ana = load_roster(course)[0]
    put(course, [{"llave": ana.key, "celda": E4, "puntos": "2", "motivo": "el caso </script> estaba mal"}])
    rubric(course, course.lesson(LESSON))
    kept = json.loads(re.search(r'id="kept">(.*?)</script>', written(course), re.DOTALL)[1])
    assert [(row["llave"], row["celda"], row["puntos"], row["motivo"]) for row in kept] == [(ana.key, E4, 2, "el caso </script> estaba mal")]


def test_anonymous_has_no_name_and_comes_back_to_its_owner(course):
    rubric(course, course.lesson(LESSON), anonymous=True)
    everything = (written(course) + written(course, SECOND) + course.place("manual", f"{LESSON}.csv").read_text(encoding="utf-8")).casefold()
    people = load_roster(course)
    assert not any(mark.casefold() in everything for one in people for mark in (one.name, one.email, one.number, one.key))
    rows = rows_of(course)
    for row in rows:
        row["puntos"] = "1"
    put(course, rows)
    marks = hand_marks(course, LESSON)
    assert {key for key, _ in marks} == {one.key for one in people[:7]} and alias(course, people[0].key, LESSON) in {row["llave"] for row in rows}
    export_lesson(course, course.lesson(LESSON))
    table = course.place("salida", LESSON, "calificaciones.csv").read_text(encoding="utf-8-sig")
    assert table.splitlines()[1].split(",")[4:6] == ["calificada", "8.0"]       # 5 del programa y 3 a mano, en la primera


def test_a_mark_for_nobody_is_an_error(course):
    put(course, [{"llave": "99999999", "celda": HAND[0], "puntos": "1"}])
    with pytest.raises(CourseError, match="renglón 2: nadie tiene la llave «99999999»"):
        hand_marks(course, LESSON)


def test_the_sample_is_a_tenth_and_depends_on_the_secret(course):
    keys = [str(number) for number in range(40)]
    assert len(drawn_twice(course, LESSON, keys, 10)) == 4 and len(drawn_twice(course, LESSON, keys[:3], 10)) == 1 and drawn_twice(course, LESSON, keys, 0) == set()
    assert drawn_twice(course, LESSON, keys, 10) == drawn_twice(course, LESSON, keys[::-1], 10) != drawn_twice(course, "otra", keys, 10)
    assert drawn_twice(course, LESSON, keys, 100) == set(keys)


def test_the_second_page_has_only_the_sample_and_not_the_first_marks(course):
    keys = [one.key for one in load_roster(course)[:7]]
    put(course, [{"llave": key, "celda": HAND[2], "puntos": "2", "comentario": "lo que pensó la primera"} for key in keys])
    done = rubric(course, course.lesson(LESSON), percent=25)
    page = written(course, SECOND)
    shown = set(re.findall(r'data-code="(\d+)"', page))
    assert shown == drawn_twice(course, LESSON, keys, 25) and len(shown) == 2 and (done.second, done.sampled) == (0, 6)
    assert "\" checked" not in page and "lo que pensó" not in page


def test_the_two_readings_say_where_they_differ_and_only_the_first_counts(course, capsys):
    keys = [one.key for one in load_roster(course)[:3]]
    put(course, [{"llave": key, "celda": HAND[2], "puntos": "2"} for key in keys])
    put(course, [{"llave": key, "celda": HAND[2], "puntos": points} for key, points in zip(keys, "221")], SECOND)
    assert __main__.main(["teacher", "rubric", str(course.folder), LESSON]) == 0
    said = capsys.readouterr().out
    assert "coinciden en 2 de 3" in said and f"{NAMES[2]}, Afirmación: 2 y 1" in said
    assert hand_marks(course, LESSON)[keys[2], HAND[2]]["puntos"] == 2


def test_the_page_asks_nothing_of_the_network(course):
    rubric(course, course.lesson(LESSON))
    assert not re.search(r"https?://|src=|fetch\(|XMLHttp|sendBeacon", written(course)) and Path(course.folder).is_dir()


def test_a_wrong_percentage_is_said(course, capsys):
    assert __main__.main(["teacher", "rubric", str(course.folder), LESSON, "--sample", "mucho"]) == 2
    assert "esperaba un entero" in capsys.readouterr().err


def test_the_second_reading_never_falls_on_who_wrote_nothing(course, monkeypatch):
    results = graded_results(course, LESSON, load_roster(course))
    for key in list(results)[:-1]:
        results[key] = {**results[key], "a_mano": [{**hand, "sin_escribir": True} for hand in results[key]["a_mano"]]}
    monkeypatch.setattr("labkit.teacher.rubric.graded_results", lambda *_: results)
    assert rubric(course, course.lesson(LESSON)).sampled == len(BY_HAND)

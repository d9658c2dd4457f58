"""De los resultados a la calificación: los estados, los pesos, las escalas, lo que se corrige a mano."""
import csv
import io
import json
import re
from pathlib import Path

import numpy as np
import pytest
import torch

from labkit.exercises import EXERCISES
from labkit.exercises.sandbox import call
from labkit.exercises.verdict import Outcome
from labkit.teacher.collecting import write_json
from labkit.teacher.course import ROOT, Course, CourseError, Lesson, load_course, new_course
from labkit.teacher.examples import findings
from labkit.teacher.exporting import export_course, export_lesson
from labkit.teacher.feedback import feedback, public_notes
from labkit.teacher.flat import NotFlat, pack, unpack
from labkit.teacher.judging import judge
from labkit.teacher.roster import load_roster
from labkit.teacher.scores import Part, Score, final, hand_marks, rounded, scaled, score
from labkit.teacher.tasks import tasks

LESSON = "00_primeros_pasos"
LESSONS = sorted(path.name.removesuffix("_ejercicios.ipynb") for path in ROOT.glob("lessons/*_ejercicios.ipynb"))
AUTO = [task for task in tasks(LESSON) if not task.by_hand]
HAND = [task for task in tasks(LESSON) if task.by_hand]


@pytest.fixture
def course(tmp_path: Path) -> Course:
    new_course(tmp_path / "curso")
    return load_course(tmp_path / "curso")


def put(course: Course, key: str, points: float = 1.0, late: int = 0, blank: bool = False) -> None:
    """Un resultado ya calificado, con esa parte de los puntos en cada ejercicio, y su recibo."""
    exercises = [{"celda": task.grade_id, "ejercicio": task.exercise, "puntos": points * task.points, "de": task.points, "símbolo": "✓",
                  "palabra": "Correcto", "mensaje": "bien", "dibujo": ""} for task in AUTO]
    hand = [{"celda": task.grade_id, "de": task.points, "texto": "x", "sin_escribir": blank} for task in HAND]
    write_json(course.place("calificaciones", LESSON, f"{key}.json"),
               {"estado": "calificada", "motivo": "", "intento": "1", "días_tarde": late, "avisos": [], "ejercicios": exercises, "a_mano": hand})
    write_json(course.place("entregas", LESSON, key, "1", "recibo.json"),
               {"intento": "1", "problema": "", "carpeta_moodle": "", "id_moodle": ""})


def mark(course: Course, *rows: str) -> None:
    path = course.place("manual", f"{LESSON}.csv")
    path.parent.mkdir(exist_ok=True)
    path.write_text("llave,celda,puntos,comentario,motivo,quien,fecha\n" + "\n".join(rows) + "\n", encoding="utf-8")


def test_the_lesson_is_worth_ten_and_half_is_by_hand():
    assert sum(task.points for task in AUTO) == sum(task.points for task in HAND) == 5
    assert [(task.exercise, task.expression) for task in AUTO][3] == ("overtaking_layer", "(ACCOUNT, mine)")


def test_the_states_in_order(course):
    ana, beto = load_roster(course)
    lesson = course.lesson(LESSON)
    assert score(course, lesson, ana, {}).state == "NP"
    put(course, ana.key)
    found = score(course, lesson, ana, hand_marks(course, LESSON))
    assert (found.state, found.grade) == ("falta calificar a mano", None) and HAND[0].title in found.why
    mark(course, *(f"{ana.key},{task.grade_id},{task.points:g},,,," for task in HAND))
    assert score(course, lesson, ana, hand_marks(course, LESSON)).grade == 10
    write_json(course.place("entregas", LESSON, ana.key, "2", "recibo.json"), {"intento": "2", "problema": ""})
    assert "más reciente" in score(course, lesson, ana, {}).why
    write_json(course.place("entregas", LESSON, beto.key, "1", "recibo.json"), {"intento": "1", "problema": ""})
    assert score(course, lesson, beto, {}).why == "falta correr `grade`"


def test_late_days_take_points_and_never_below_zero(course):
    ana, beto = load_roster(course)
    late = Course(course.folder, "", course.secret, course.roster, course.limits, course.lessons, late_per_day=1.5)
    put(course, ana.key, late=2, blank=True)
    put(course, beto.key, points=0.2, late=3, blank=True)
    assert score(late, late.lesson(LESSON), ana, {}).grade == 2.0 and score(late, late.lesson(LESSON), beto, {}).grade == 0.0


def test_a_correction_by_hand_needs_its_reason_and_is_shown(course):
    ana, _ = load_roster(course)
    put(course, ana.key, points=0, blank=True)
    mark(course, f"{ana.key},{AUTO[3].grade_id},2,,el caso estaba mal,yo,hoy")
    found = score(course, course.lesson(LESSON), ana, hand_marks(course, LESSON))
    assert found.grade == 2.0 and "el caso estaba mal" in feedback(course, LESSON, "alguien", found)


@pytest.mark.parametrize("row, said", [
    ("1,{auto},1,,,,", "escribe el motivo"), ("1,{hand},7,,,,", "que vale"), ("1,{hand},-1,,,,", "que vale"),
    ("1,nada,1,,,,", "no hay una celda"), ("1,{hand},uno,,,,", "no es un número"),
])
def test_a_wrong_mark_says_its_line(course, row, said):
    mark(course, row.format(auto=AUTO[0].grade_id, hand=HAND[0].grade_id))
    with pytest.raises(CourseError, match=f"renglón 2.*{said}"):
        hand_marks(course, LESSON)


@pytest.mark.parametrize("grade, ten, five", [(0.0, "0.0", "5"), (5.99, "6.0", "5"), (6.0, "6.0", "6"), (6.5, "6.5", "7"), (9.45, "9.5", "9"), (10.0, "10.0", "10")])
def test_the_two_scales(course, grade, ten, five):
    other = Course(course.folder, "", course.secret, course.roster, course.limits, scale="5-10")
    assert (scaled(grade, course), scaled(grade, other)) == (ten, five)


def test_rounding_goes_up_at_the_half():
    assert [rounded(value, 1) for value in (0.25, 0.35, 2.675, 8.05)] == [0.3, 0.4, 2.7, 8.1]


def test_the_final_weighs_and_leaves_blank_what_is_open(course):
    both = Course(course.folder, "", course.secret, course.roster, course.limits, {"a": Lesson("a", weight=1), "b": Lesson("b", weight=3), "c": Lesson("c", weight=0)})
    ten, six, none, wait = Score("calificada", 10.0), Score("calificada", 6.0), Score("NP"), Score("falta calificar a mano", why="faltan x")
    assert final(both, {"a": ten, "b": six, "c": wait}) == ("calificada", "7.0", "")
    assert final(both, {"a": ten, "b": none, "c": none})[1] == "2.5"              # faltar a una cuenta 0 en su peso
    assert final(both, {"a": none, "b": none, "c": ten})[:2] == ("NP", "NP")
    state, grade, why = final(both, {"a": ten, "b": wait, "c": none})
    assert (state, grade) == ("no calificada", "") and "faltan x" in why


def test_export_writes_every_person_once(course):
    ana, _ = load_roster(course)
    put(course, ana.key, blank=True)
    paths = export_lesson(course, course.lesson(LESSON))
    assert all(path.exists() for path in (*paths, export_course(course)))
    text = course.place("salida", "curso.csv").read_text(encoding="utf-8-sig").splitlines()
    assert len(text) == 3 and "Beto Ejemplo Dos" in text[2] and text[2].endswith(',,"01_oclusion: no calificada, todavía no se recoge"')
    course.place("entregas", "01_oclusion").mkdir(parents=True)         # recogida, y vacía: entonces sí es NP
    text = export_course(course).read_text(encoding="utf-8-sig").splitlines()
    assert text[2].endswith("NP,NP,NP,no entregó nada")


def test_the_sheet_of_moodle_keeps_what_it_had_where_nothing_is_graded(course):
    ana, beto = load_roster(course)
    put(course, ana.key, blank=True)
    put(course, beto.key)                                       # falta leer lo suyo
    sheet = course.folder / "hoja.csv"
    sheet.write_text("Identificador,Nombre completo,Dirección de correo,Calificación,Comentarios de retroalimentación\n"
                     f"Participante 1,{ana.name},{ana.email},,\nParticipante 2,{beto.name},{beto.email},antes,\n", encoding="utf-8")
    filled = export_lesson(course, course.lesson(LESSON), sheet)[1].read_text(encoding="utf-8-sig")
    cells = {row["Nombre completo"]: row["Calificación"] for row in csv.DictReader(io.StringIO(filled))}
    assert cells == {ana.name: "5.0", beto.name: "antes"}


def test_a_page_shows_what_someone_wrote_as_text(course):
    found = Score("calificada", 3.0, parts=(Part("x", 1, 2, "<script>alert(1)</script>"),))
    assert "<script>" not in feedback(course, LESSON, "alguien", found) and "&lt;script&gt;" in feedback(course, LESSON, "alguien", found)


# ── datos planos ────────────────────────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize("value", [None, ..., True, 3, -2.5, "ñ", [1, "a"], (1, (2.0, None)), {1, 2}, {"a": [1], "b": ()}, float("inf")])
def test_values_come_back_the_same(value):
    back = unpack(json.loads(json.dumps(pack(value))))
    assert back == value and type(back) is type(value)


@pytest.mark.parametrize("tensor", [torch.rand(3, 2), torch.arange(4), torch.tensor(True), torch.rand(2, 3).t(), torch.rand(2).half(), torch.empty(0, 3)])
def test_tensors_come_back_the_same(tensor):
    back = unpack(json.loads(json.dumps(pack(tensor))))
    assert back.dtype == tensor.dtype and back.shape == tensor.shape and torch.equal(back, tensor)


def test_numpy_comes_back_as_numpy():
    back = unpack(pack(np.arange(6.0).reshape(2, 3)))
    assert isinstance(back, np.ndarray) and np.array_equal(back, np.arange(6.0).reshape(2, 3))
    assert isinstance(unpack(pack(np.float32(2.5))), np.floating) and unpack(pack(np.int64(7))) == 7


class Evil:
    def __reduce__(self):
        return print, ("ejecutado",)


def test_what_is_not_data_travels_only_as_its_name(capsys):
    back = unpack(pack([Evil(), lambda: 1, np.array([Evil()])]))
    assert [type(part).__name__ for part in back] == ["Evil", "function", "ndarray de object"] and capsys.readouterr().out == ""


@pytest.mark.parametrize("value", [torch.zeros(10_000_000), [0] * 30_000, "a" * 30_000, 2**300, [[[[[[[[1]]]]]]]]])
def test_too_much_is_refused(value):
    with pytest.raises(NotFlat):
        pack(value)


@pytest.mark.parametrize("data", [3, {}, {"tensor": "xx"}, {"tensor": 3}, {"lista": 3}, {"valor": []}, {"conjunto": [{"lista": []}]}, {"diccionario": [[{"valor": 1}]]}, {"flotante": "1e9"}])
def test_the_judge_refuses_what_it_does_not_know(data):
    with pytest.raises(NotFlat):
        unpack(data)


# ── juzgar ──────────────────────────────────────────────────────────────────────────────────────────────────────────


def answers(name: str, function: object, monkeypatch: pytest.MonkeyPatch, seed: int) -> dict:
    """Lo que registraría el proceso aparte, con los casos de esa semilla."""
    monkeypatch.setenv("LABKIT_SEMILLA", str(seed))
    found = []
    for case in EXERCISES[name].cases():
        try:
            found.append(pack(call(function, *case)))
        except Outcome as outcome:
            found.append({"veredicto": type(outcome).__name__, "mensaje": outcome.message})
            break
    return {"casos": found}


def test_the_judge_says_the_same_as_check(monkeypatch):
    exercise = EXERCISES["field_sizes"]
    record = answers("field_sizes", exercise.reference, monkeypatch, 5)
    assert judge("field_sizes", record, "1", 5).ok and not judge("field_sizes", record, "1", 6).ok
    for mistake in exercise.mistakes:
        verdict = judge("field_sizes", answers("field_sizes", mistake.commit, monkeypatch, 5), "1", 5)
        assert mistake.message in verdict.message


@pytest.mark.parametrize("record, said", [
    ({}, "no es un dato"), ({"casos": []}, "no es un dato"), ({"casos": 3}, "no es un dato"), ({"casos": [{"valor": None}]}, "None"),
    ({"fin": "tiempo", "mensaje": ""}, "no terminó"), ({"fin": "otra cosa"}, "a la mitad"), ({"veredicto": "Verdict", "mensaje": "ok"}, "Revisa"),
    ({"veredicto": "Correcto", "mensaje": "✓"}, "Revisa"), ({"casos": [{"fin": "prohibido", "mensaje": "no se vale"}]}, "no se vale"),
])
def test_the_judge_never_gives_points_for_something_else(record, said):
    verdict = judge("field_sizes", record, "1", 5)
    assert not verdict.ok and said in str(verdict)


def test_the_key_that_counts_is_the_one_of_the_list():
    key = "87654321"
    case = EXERCISES["overtaking_layer"].case
    row = case(key)
    written = next(str(number) for number in range(11_111_111, 11_112_111) if case(str(number)).layer != row.layer)
    assert judge("overtaking_layer", {"valor": pack((written, (row.layer, row.hand)))}, key, 0).ok          # escriba lo que escriba
    other = case(written)
    assert not judge("overtaking_layer", {"valor": pack((written, (other.layer, other.hand)))}, key, 0).ok
    for nothing in ("", None, ...):
        assert judge("overtaking_layer", {"valor": pack((nothing, (row.layer, row.hand)))}, key, 0).ok         # ni si no la escribe
        assert judge("overtaking_layer", {"valor": pack((nothing, None))}, key, 0).word == "Pendiente"


@pytest.mark.parametrize("lesson", LESSONS)
def test_who_did_not_write_the_key_reads_the_same_everywhere(lesson):
    """Con la respuesta del caso de muestra, que es la que se mide sin llave, y sin pedirle un número de cuenta."""
    for name in findings(lesson):
        sample = EXERCISES[name].right(EXERCISES[name].case(""))
        key = next(str(number) for number in range(87654321, 87654999) if EXERCISES[name].right(EXERCISES[name].case(str(number))) != sample)
        verdict = judge(name, {"valor": pack(("", sample if not isinstance(sample, set) else sorted(sample)))}, key, 0)
        assert verdict.word == "Revisa" and not re.search("falta tu|número de cuenta|con tu número", verdict.message), verdict.message


def test_a_later_export_fills_the_same_sheet_again(course, tmp_path):
    ana, _ = load_roster(course)
    put(course, ana.key, blank=True)
    sheet = tmp_path / "hoja.csv"
    sheet.write_text(f"Identificador,Nombre completo,Estado,Calificación\nParticipante 7,{ana.name},Enviado,\n", encoding="utf-8")
    first = export_lesson(course, course.lesson(LESSON), sheet)[1].read_bytes()
    sheet.unlink()
    assert export_lesson(course, course.lesson(LESSON))[1].read_bytes() == first and "Estado" in first.decode()


def test_marks_that_do_not_count_are_said(course):
    ana, beto = load_roster(course)
    for person in (ana, beto):
        put(course, person.key)
        path = course.place("calificaciones", LESSON, f"{person.key}.json")
        path.write_text(json.dumps({**json.loads(path.read_text(encoding="utf-8")), "estado": "no calificada", "motivo": "está dañado"}), encoding="utf-8")
    marks = {(ana.key, HAND[0].grade_id): {"puntos": 1.0}}
    lesson = course.lesson(LESSON)
    assert "manual/ no cuenta" in score(course, lesson, ana, marks).why and score(course, lesson, beto, marks).why == "está dañado"
    assert public_notes(score(course, lesson, ana, marks)) == ["Está dañado."]              # a quien entregó no se le habla de manual/

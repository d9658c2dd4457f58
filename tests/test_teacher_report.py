"""La página de cada estudiante y la del grupo: qué dicen, qué no dicen, y los parecidos como un lugar donde mirar."""
import json
import re
import shutil
import zipfile
from collections import Counter
from html.parser import HTMLParser
from pathlib import Path

import pytest
from synthetic_submissions import CONVOLVE, E2, E4, EDGES, FIELDS, LESSON
from teacher_group import NAMES, synthetic_course

from labkit import __main__
from labkit.exercises import EXERCISES
from labkit.teacher import similar
from labkit.teacher.collecting import attempts
from labkit.teacher.course import Course, load_course
from labkit.teacher.exporting import _comment, export_lesson
from labkit.teacher.feedback import feedback
from labkit.teacher.group import mistake_name, mistakes
from labkit.teacher.mending import OTHER
from labkit.teacher.pages import prose
from labkit.teacher.reporting import graded_results, report
from labkit.teacher.roster import load_roster
from labkit.teacher.scores import Part, Score, hand_marks, score
from labkit.teacher.similar import Alike, code_pairs, common_lines, same_answers
from labkit.teacher.tasks import tasks
from labkit.teacher.veil import Veil, alias


@pytest.fixture(scope="module")
def course(tmp_path_factory: pytest.TempPathFactory) -> Course:
    return synthetic_course(tmp_path_factory.mktemp("docente") / "curso")


@pytest.fixture(scope="module")
def pages(course: Course) -> dict[str, str]:
    paths = report(course, course.lesson(LESSON))
    files = [paths[0], *sorted(paths[1].glob("*.html"))]
    return {path.stem: path.read_text(encoding="utf-8") for path in files}


def person(course: Course, name: str):
    return next(person for person in load_roster(course) if person.name == name)


class Tags(HTMLParser):
    """Qué etiquetas quedaron abiertas, y qué pide la página a otra parte."""

    def __init__(self, page: str) -> None:
        super().__init__()
        self.open, self.asks, self.kinds = [], [], Counter()
        self.feed(page)

    def handle_starttag(self, tag, attributes):
        self.kinds[tag] += 1
        if tag not in ("meta", "img", "br", "input"):
            self.open.append(tag)
        self.asks += [value for name, value in attributes if name in ("src", "href") and not value.startswith(("data:", "estudiantes/"))]

    def handle_endtag(self, tag):
        assert self.open.pop() == tag


def test_every_page_is_whole_and_asks_nothing_of_the_network(pages):
    assert len(pages) == 1 + len(NAMES)
    for page in pages.values():
        tags = Tags(page)
        assert tags.open == [] and tags.asks == [] and not tags.kinds["script"] and "http" not in page
        assert "prefers-color-scheme: dark" in page and "@media print" in page


def test_a_student_reads_what_was_said_the_case_and_how_to_ask(course, pages):
    page = pages[person(course, NAMES[5]).key]
    assert "Lo vi con un mapa de 5 × 7" in page and NAMES[5] in page and "falta calificar a mano" in page
    assert course.review_how in page and "60 días" in page and "Ejercicio 2" in page
    assert not any(name in page for name in NAMES if name != NAMES[5])


def test_the_page_of_one_never_names_another(course, pages):
    page = pages[person(course, NAMES[4]).key]
    assert "una llave que no es la tuya" in page and NAMES[0] not in page
    sheet = export_lesson(course, course.lesson(LESSON))[1].read_text(encoding="utf-8")
    assert "una llave que no es la tuya" in sheet and f"persona, {NAMES[0]}" not in sheet
    assert f"persona, {NAMES[0]}" in pages["grupo"]             # quien da clase sí lo ve


def test_a_correction_shows_the_points_before_and_the_reason(course):
    ana = person(course, NAMES[1])
    path = course.place("manual", f"{LESSON}.csv")
    path.parent.mkdir(exist_ok=True)
    path.write_text("llave,celda,puntos,comentario,motivo,quien,fecha\n"
                    f"{ana.key},{E4},2,,la tabla estaba mal,la profesora,2027-03-01\n"
                    f"{ana.key},e5-evidencia,1,Falta el intervalo,,,\n", encoding="utf-8")
    try:
        page = feedback(course, LESSON, "alguien", score(course, course.lesson(LESSON), ana, hand_marks(course, LESSON)))
    finally:
        path.unlink()
    assert "eran 0 puntos y ahora son 2. la tabla estaba mal (la profesora, 2027-03-01)" in page and "Falta el intervalo" in page


def test_the_zip_of_comments_carries_the_same_page(course, pages):
    package = zipfile.ZipFile(export_lesson(course, course.lesson(LESSON))[2])
    mine = {person.name: person.key for person in load_roster(course)}
    sent = {mine[name.split("_")[0]]: package.read(name).decode() for name in package.namelist()}
    assert len(sent) == len(NAMES) - 1 and all(sent[key] == pages[key] for key in sent)


def test_what_to_teach_again_counts_people_by_mistake(course, pages):
    people = load_roster(course)
    found = mistakes(graded_results(course, LESSON, people), E2)
    first, second = (EXERCISES["edge_histogram"].mistakes[k].message for k in (0, 1))
    assert found == {first: 2, second: 1}                       # las de lugar par e impar: 4 y 6; 5
    assert sum(mistakes(graded_results(course, LESSON, people), E4).values()) == 3
    assert "Bien: 4 de 7." in pages["grupo"] and re.search(r"<td class=n>2</td>", pages["grupo"])


@pytest.mark.parametrize("word, message, name", [
    ("Pendiente", "x", "Pendiente: sin respuesta"), ("Error en tu código", "overtaking_layer: NameError: name 'ana' is not defined", "Error en tu código: NameError"),
    ("Revisa", "overtaking_layer: dijiste «relu2», con 0.71. (Lo vi con tu caso.)", "dijiste «…», con …."),
])
def test_a_mistake_has_one_name_without_anyones_values(word, message, name):
    assert mistake_name({"ejercicio": "overtaking_layer", "palabra": word, "mensaje": message}) == name


def test_the_group_page_says_states_keys_and_lost_files(pages):
    page = pages["grupo"]
    assert "NP: 1" in page and "no calificada: 1" in page and "tarea final.ipynb" in page and "no es JSON" in page


def test_the_group_page_counts_the_attempts(course, tmp_path):
    """Quien no entregó queda en blanco; un archivo de otra lección no es un intento."""
    again = load_course(shutil.copytree(course.folder, tmp_path / "copia"))
    who, nobody = person(again, NAMES[0]), person(again, NAMES[8])
    first = attempts(again, LESSON, who.key)[-1]
    for name, problem in (("otro", ""), ("ajeno", f"{OTHER} 02_optimizacion")):
        folder = again.place("entregas", LESSON, who.key, name)
        shutil.copytree(again.place("entregas", LESSON, who.key, first["intento"]), folder)
        (folder / "recibo.json").write_text(json.dumps({**first, "intento": name, "problema": problem}), encoding="utf-8")
    page = report(again, again.lesson(LESSON))[0].read_text(encoding="utf-8")
    row = {name: re.search(rf">{name}</a>.*?</tr>", page, re.DOTALL).group() for name in (who.name, nobody.name)}
    assert row[who.name].endswith("<td class=n>2</td></tr>") and row[nobody.name].endswith("<td class=n></td></tr>")


# ── parecidos ───────────────────────────────────────────────────────────────────────────────────────────────────────


def test_the_same_wrong_answer_in_the_same_variant_is_shown_with_its_base_rate(course, pages):
    found = same_answers(course, LESSON, graded_results(course, LESSON, load_roster(course)))
    assert len(found) == 1 and set(found[0].keys) == {person(course, NAMES[k]).key for k in (1, 2)}
    assert found[0].variant >= 2 and found[0].wrong == 2 and found[0].elsewhere == 1 and "relu9" in found[0].answer
    assert "nunca un veredicto" in pages["grupo"] and "veces que la misma respuesta salió con otra variante: 1" in pages["grupo"]


def test_without_the_tool_it_says_so_and_goes_on(course, monkeypatch, capsys):
    monkeypatch.setattr(similar, "find_spec", lambda name: None)
    assert __main__.main(["teacher", "report", str(course.folder), LESSON]) == 0
    page = course.place("salida", LESSON, "reporte", "grupo.html").read_text(encoding="utf-8")
    assert "copydetect no está instalado" in page and "copydetect no está instalado" in capsys.readouterr().out


def by_words(code: str) -> set[int]:
    """Huellas de mentiras: una por renglón."""
    return {hash(line.strip()) for line in code.splitlines() if line.strip()}


def test_the_code_of_a_pair_counts_only_what_the_group_does_not_share(monkeypatch):
    monkeypatch.setattr(similar, "_prints", by_words)
    common = "\n".join(f"común = {i}" for i in range(50))
    own = {key: "\n".join(f"{key}{i} = 0" for i in range(20)) for key in "abcdef"}
    codes = {key: f"{common}\n{text}" for key, text in own.items()}
    assert code_pairs(codes, LESSON).pairs == ()                # se parecen en 50 de 70 renglones, que son de todas
    codes["f"] = f"{common}\n{own['a']}"
    found = code_pairs(codes, LESSON)
    assert [(pair.one, pair.other, pair.share) for pair in found.pairs] == [("a", "f", 1.0)] and found.compared == 15 and found.middle == 0
    assert common_lines(codes) == set(common.splitlines())
    assert code_pairs({}, LESSON) == Alike()


def test_the_real_tool_sees_through_new_names():
    pytest.importorskip("copydetect")
    renamed = "\n".join([CONVOLVE, EDGES, FIELDS]).replace("grown", "borde").replace("maps", "salida").replace("place", "cajon")
    other = "def convolve(a, b, c):\n    return torch.nn.functional.unfold(a, 3).sum(0) + max(c)\n" + "x = [1, 2, 3] * 7 - sorted({}, key=len)\n" * 3
    codes = {"a": "\n".join([CONVOLVE, EDGES, FIELDS]), "b": renamed, "c": other, "d": other.replace("max", "min(3) ** sum"), "e": "y = 1"}
    found = code_pairs(codes, LESSON)
    assert ("a", "b") in {(pair.one, pair.other) for pair in found.pairs} and ("a", "c") not in {(pair.one, pair.other) for pair in found.pairs}


# ── sin nombres ─────────────────────────────────────────────────────────────────────────────────────────────────────


def test_with_pseudonyms_no_page_says_who(course):
    paths = report(course, course.lesson(LESSON), pseudonyms=True)
    files = [paths[0], *paths[1].glob("*.html")]
    everything = "".join(path.read_text(encoding="utf-8") + path.name for path in files).casefold()
    assert len(files) == 1 + len(NAMES) and "tarea final" not in everything
    for one in load_roster(course):
        for mark in (one.name, one.email, one.number, one.key):
            assert mark.casefold() not in everything
        assert alias(course, one.key).casefold() in everything


def test_pseudonyms_come_from_the_secret(course):
    keys = [one.key for one in load_roster(course)]
    other = Course(course.folder, "", "otro secreto de dieciséis", course.roster, course.limits)
    assert len({alias(course, key) for key in keys}) == len(keys) and alias(course, keys[0]) == alias(course, keys[0])
    assert alias(other, keys[0]) != alias(course, keys[0]) != alias(course, keys[0], "otra")


def test_the_veil_leaves_longer_words_alone(course):
    people = load_roster(course)
    veil = Veil(course, people, True)
    key = people[0].key
    assert veil.hide(f"{key}0 y {key}") == f"{key}0 y {alias(course, key)}" and Veil(course, people).hide(key) == key


def test_the_rubric_reads_as_html():
    assert prose("Uno **dos**\ny `tres`.\n\n1. a\n   b\n2. c") == "<p>Uno <b>dos</b> y <code>tres</code>.</p>\n<ol><li>a b</li><li>c</li></ol>"
    assert all(task.title and task.prompt for task in tasks(LESSON))


def test_help_and_an_unknown_lesson(course, capsys):
    assert __main__.main(["teacher", "report", "--help"]) == 0 and "--pseudonyms" in capsys.readouterr().out
    assert __main__.main(["teacher", "report", str(course.folder), "no_hay"]) == 2 and "Las lecciones que hay" in capsys.readouterr().err
    assert Path(course.folder).is_dir()


# ── lo que se le dice a quien entregó ───────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize("late, taken, said", [(1, 1.0, "Llegó 1 día tarde: se quita 1 punto."), (2, 1.5, "Llegó 2 días tarde: se quitan 1.5 puntos."),
                                               (1, 0.0, "Llegó 1 día tarde; no se quitó nada."), (0, 0.0, None)])
def test_the_lateness_is_said_in_the_sheet_and_in_the_page(course, late, taken, said):
    found = Score("calificada", 1.0, parts=(Part(E2, 1.0, 1.0, "✓ Correcto"),), late=late, taken=taken, notices=("no escribió su llave",))
    wanted = [said] * bool(said) + ["No escribiste tu llave: se calificó con la tuya."]
    page, sheet = feedback(course, LESSON, "alguien", found), _comment(found, course.lesson(LESSON))
    assert all(note in page for note in wanted)
    assert sheet.splitlines()[:-1] == wanted and sheet.splitlines()[-1].startswith("Ejercicio 2") and E2 not in sheet

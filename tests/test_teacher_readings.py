"""Lo que se lee a mano cuando llega otro intento, lo que se hizo en celdas propias, y lo que cambia una corrección."""
import base64
import csv
import io
import json
import re
from collections.abc import Callable
from copy import deepcopy
from pathlib import Path

import pytest
from synthetic_submissions import ANSWER, E4, HAND, LESSON, cell_of
from teacher_group import NAMES, synthetic_course

from labkit import __main__
from labkit.images import png_bytes
from labkit.teacher.collecting import write_json
from labkit.teacher.course import Course, load_course
from labkit.teacher.exporting import _comment, export_lesson
from labkit.teacher.feedback import feedback, public_notes
from labkit.teacher.grading import by_hand, grade
from labkit.teacher.kit import kit
from labkit.teacher.marks import MANUAL, add_rows, hand_marks, seal_marks
from labkit.teacher.pages import counted, written
from labkit.teacher.reporting import report
from labkit.teacher.roster import Student, load_roster
from labkit.teacher.rubric import rubric
from labkit.teacher.scores import BY_HAND, GRADED, Score, score
from labkit.teacher.tasks import tasks
from labkit.teacher.workings import BYTES, LETTERS, prints, workings

PREDICTION, EVIDENCE, CLAIM = HAND
TITLES = {task.grade_id: task.title for task in tasks(LESSON)}


@pytest.fixture
def course(tmp_path: Path) -> Course:
    return synthetic_course(tmp_path / "curso")


@pytest.fixture
def ana(course: Course) -> Student:
    return load_roster(course)[0]


def put(course: Course, *rows: dict) -> None:
    path = course.place("manual", f"{LESSON}.csv")
    path.unlink(missing_ok=True)
    add_rows(path, list(rows))


def rows_of(course: Course) -> list[dict]:
    text = course.place("manual", f"{LESSON}.csv").read_text(encoding="utf-8-sig")
    return list(csv.DictReader(io.StringIO(text), delimiter=max(",;", key=text.count)))


def submit(course: Course, key: str, change: Callable[[dict], object], attempt: str = "2", graded: bool = True, sealed: bool = True) -> None:
    """Otro intento: el cuaderno del anterior con un cambio, recogido y, si se dice, ya calificado, como lo hace `grade`."""
    if graded and sealed:
        seal_marks(course, LESSON)
    path = course.place("calificaciones", LESSON, f"{key}.json")
    result = json.loads(path.read_text(encoding="utf-8"))
    old = course.place("entregas", LESSON, key, result["intento"])
    book = json.loads((old / "entrega.ipynb").read_text(encoding="utf-8"))
    change(book)
    folder = course.place("entregas", LESSON, key, attempt)
    write_json(folder / "recibo.json", {**json.loads((old / "recibo.json").read_text(encoding="utf-8")), "intento": attempt})
    write_json(folder / "recibido.ipynb", book)
    clean = deepcopy(book)
    for cell in clean["cells"]:
        cell.update({"outputs": []} if cell["cell_type"] == "code" else {})
    write_json(folder / "entrega.ipynb", clean)
    if graded:
        write_json(path, {**result, "intento": attempt, "a_mano": by_hand(clean, LESSON)})


def rewrite(name: str, words: str) -> Callable[[dict], object]:
    return lambda book: cell_of(book, name).update(source=words)


def add_cell(name: str, cell: dict) -> Callable[[dict], object]:
    """Una celda propia, antes de la que se califica."""
    return lambda book: book["cells"].insert(book["cells"].index(cell_of(book, name)), cell)


def code(source: str, *outputs: dict) -> dict:
    return {"cell_type": "code", "metadata": {}, "source": source, "outputs": list(outputs), "execution_count": 1}


def stream(words: str) -> dict:
    return {"output_type": "stream", "name": "stdout", "text": [words]}


def shown(**data: str) -> dict:
    return {"output_type": "display_data", "metadata": {}, "data": {kind.replace("_", "/"): value for kind, value in data.items()}}


def full(course: Course, key: str, points: tuple[str, str, str] = ("1", "1", "2"), printed: bool = True) -> list[dict]:
    """Los tres renglones de alguien, con la huella de lo que dice hoy."""
    intento = json.loads(course.place("calificaciones", LESSON, f"{key}.json").read_text(encoding="utf-8"))["intento"]
    now = prints(course, LESSON, key, intento)
    return [{"llave": key, "celda": cell, "puntos": value, "comentario": f"sobre {cell}", "huella": now[cell] if printed else ""}
            for cell, value in zip(HAND, points)]


def scored(course: Course, person: Student) -> Score:
    return score(course, course.lesson(LESSON), person, hand_marks(course, LESSON))


def points(found: Score) -> dict[str, float | None]:
    return {part.grade_id: part.points for part in found.parts if part.by_hand}


def card(course: Course, key: str, cell: str) -> str:
    page = course.place("salida", LESSON, "rubrica.html").read_text(encoding="utf-8")
    return re.search(rf'data-code="{key}" data-cell="{cell}".*?(?=<div class=card |<h2>|<script)', page, re.DOTALL)[0]


# ── otro intento, con otro texto ────────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize("printed, sealed", [(True, True), (False, True), (False, False)])
def test_points_given_to_another_text_wait_for_a_reader(course, ana, printed, sealed):
    put(course, *full(course, ana.key, printed=printed))
    assert scored(course, ana).state == GRADED
    submit(course, ana.key, rewrite(EVIDENCE, "Todo lo que faltaba: 0.54, 0.79 y la comparación."), sealed=sealed)
    found = scored(course, ana)
    assert found.state == BY_HAND and found.why.startswith(f"falta leer: {TITLES[EVIDENCE]}") and ("de otro texto" if sealed else "no dice de cuál") in found.why
    assert points(found) == {PREDICTION: 1, EVIDENCE: None, CLAIM: 2}           # lo que no cambió conserva los suyos
    assert "antes" not in " ".join(public_notes(found))
    done = rubric(course, course.lesson(LESSON))
    now = card(course, ana.key, EVIDENCE)
    assert f"Antes: 1 punto, {'de otro texto' if sealed else 'y no dice de cuál de sus intentos'}" in now and "sobre e5-evidencia" in now and "\" checked" not in now and 'data-mark=""' in now
    assert "\" checked" in card(course, ana.key, CLAIM) and (done.done, done.changed) == (2, 1)


def test_confirming_the_new_text_is_filling_its_row(course, ana):
    put(course, *full(course, ana.key))
    submit(course, ana.key, rewrite(EVIDENCE, "Otro texto."))
    rubric(course, course.lesson(LESSON))
    rows = rows_of(course)
    fresh = [row for row in rows if row["llave"] == ana.key and row["puntos"] == ""]
    assert [row["celda"] for row in fresh] == [EVIDENCE] and fresh[0]["huella"] not in ("", rows[1]["huella"])
    fresh[0]["puntos"] = "2"
    put(course, *rows)
    assert points(scored(course, ana)) == {PREDICTION: 1, EVIDENCE: 2, CLAIM: 2}
    submit(course, ana.key, rewrite(EVIDENCE, cell_of(json.loads(course.place("entregas", LESSON, ana.key, "1", "entrega.ipynb").read_text(
        encoding="utf-8")), EVIDENCE)["source"]), "3")
    assert points(scored(course, ana))[EVIDENCE] == 1           # regresó al primer texto: vuelve lo que se le puso a él


def test_a_table_added_in_a_cell_is_part_of_what_is_read(course, ana):
    put(course, *full(course, ana.key))
    submit(course, ana.key, add_cell(EVIDENCE, code("print(tabla)", stream("1 2"))))
    assert points(scored(course, ana)) == {PREDICTION: 1, EVIDENCE: None, CLAIM: 2}


def test_another_attempt_that_says_the_same_keeps_everything(course, ana):
    put(course, *full(course, ana.key, printed=False))
    submit(course, ana.key, rewrite(ANSWER[E4], "mine = ('relu1', 0.5)\n"))
    assert scored(course, ana).state == GRADED


def test_a_correction_of_another_answer_waits_too(course, ana):
    put(course, *full(course, ana.key), {"llave": ana.key, "celda": E4, "puntos": "2", "motivo": "el caso estaba mal"})
    assert scored(course, ana).state == GRADED
    submit(course, ana.key, rewrite(ANSWER[E4], "mine = ('relu1', 0.5)\n"))
    found = scored(course, ana)
    assert found.state == BY_HAND and f"falta confirmar una corrección: {TITLES[E4]}" in found.why
    rubric(course, course.lesson(LESSON))
    rows = rows_of(course)
    next(row for row in rows if row["celda"] == E4 and not row["puntos"]).update(puntos="1", motivo="sigue mal el caso")
    put(course, *rows)
    assert {part.grade_id: part.points for part in scored(course, ana).parts}[E4] == 1


def test_a_correction_asked_for_later_counts_for_what_was_read(course, ana):
    put(course, *full(course, ana.key))
    submit(course, ana.key, rewrite(CLAIM, "Otra afirmación."))
    put(course, *rows_of(course), *full(course, ana.key, ("1", "1", "1")),
        {"llave": ana.key, "celda": CLAIM, "puntos": "2", "motivo": "el límite sí está"})
    found = next(part for part in scored(course, ana).parts if part.grade_id == CLAIM)
    assert (found.points, found.before, found.reason) == (2, 1, "el límite sí está")


def test_grade_seals_before_it_grades_another_attempt(course, ana, monkeypatch):
    put(course, *full(course, ana.key, printed=False))
    submit(course, ana.key, rewrite(EVIDENCE, "Otro."), graded=False)
    seen = []
    monkeypatch.setattr("labkit.teacher.grading._all", lambda *_: seen.extend(row["huella"] for row in rows_of(course)))
    grade(course, course.lesson(LESSON))
    first = prints(course, LESSON, ana.key, "1")
    assert seen == [first[cell] for cell in HAND]


def test_sealing_touches_only_what_has_points_and_no_print(course, ana):
    rows = full(course, ana.key, printed=False)
    path = course.place("manual", f"{LESSON}.csv")
    path.parent.mkdir()
    path.write_text(f"celda;llave;puntos\n{EVIDENCE};{ana.key};1,5\n\n{CLAIM};{ana.key};\n{CLAIM};99;x\nno_hay;{ana.key};1\n", encoding="utf-8")
    seal_marks(course, LESSON)
    sealed = rows_of(course)
    assert [row["huella"] for row in sealed] == [prints(course, LESSON, ana.key, "1")[EVIDENCE], "", "", ""] and sealed[0]["puntos"] == "1,5"
    assert [row["puntos"] for row in sealed] == ["1,5", "", "x", "1"] and len(rows) == 3


def test_a_correction_knows_what_it_changed_even_if_nobody_knows_which_text_it_was(course, ana):
    """Sin huella, de antes: dos intentos, y los puntos se pusieron sin decir a cuál; la corrección sí es de ahora."""
    put(course, *full(course, ana.key, printed=False), {"llave": ana.key, "celda": EVIDENCE, "puntos": "2", "motivo": "la tabla sí está"})
    submit(course, ana.key, rewrite(EVIDENCE, "Otro texto."), sealed=False)
    found = next(part for part in scored(course, ana).parts if part.grade_id == EVIDENCE)
    assert (found.points, found.before) == (2, 1)


# ── celdas propias ──────────────────────────────────────────────────────────────────────────────────────────────────


def png() -> str:
    import torch
    return base64.b64encode(png_bytes(torch.rand(3, 4, 4), 1)).decode()


def test_the_rubric_shows_what_was_done_in_own_cells(course, ana):
    drawn = png()
    submit(course, ana.key, lambda book: [
        add_cell(EVIDENCE, code("show_table(<b>)", stream("capa  acierto\nrelu3  0.81"), shown(image_png=drawn, text_plain="<Picture 4×4>")))(book),
        add_cell(EVIDENCE, {"cell_type": "markdown", "metadata": {}, "source": "| a | b |\n|---|--:|\n| x | 1 |\n\n![](http://ajeno/x.png)"})(book),
        cell_of(book, ANSWER[E4]).update(outputs=[stream("mis cuentas: 0.79")]),
    ])
    rubric(course, course.lesson(LESSON))
    one = card(course, ana.key, EVIDENCE)
    assert "capa  acierto\nrelu3  0.81" in one and "show_table(&lt;b&gt;)" in one and f'src="data:image/png;base64,{drawn}"' in one
    assert "<td class=n>1</td>" in one and "<Picture" not in one and not re.search(r'(src|href)="(?!data:)', one)
    assert f"Sus cuentas: {TITLES[E4]}" in one and "mis cuentas: 0.79" in one
    assert f"entregas/{LESSON}/{ana.key}/2/recibido.ipynb" in one and course.place("entregas", LESSON, ana.key, "2", "recibido.ipynb").is_file()
    assert "capa  acierto" not in card(course, ana.key, CLAIM) + card(course, ana.key, PREDICTION)


@pytest.mark.parametrize("output, said", [
    (stream("x" * (LETTERS + 7)), "y 7 letras más"), (stream("x" * 3_000_000), "letras más, en su cuaderno"), (stream("a\rb\r\n c\r\n"), "b\n c"), (stream("a\rb\r\x1b[31mlisto\x1b[0m\n"), "listo"),
    ({"output_type": "error", "ename": "NameError", "evalue": "tabla", "traceback": []}, "NameError: tabla"),
    (shown(text_html="<script>x</script>", text_plain="la tabla"), "la tabla"), ({"output_type": "stream", "text": 3}, ""), ("nada", ""),
    (shown(image_svg="<svg onload=x>"), ""),
])
def test_a_saved_output_is_only_text_and_has_a_limit(course, ana, output, said):
    submit(course, ana.key, add_cell(EVIDENCE, code("x", output)))
    found = workings(course, LESSON, ana.key, "2")[TITLES[EVIDENCE]][0]
    assert said in found.said and len(found.said) < LETTERS + 50 and not found.pictures and not re.search("script|svg|\x1b|a\rb", found.said)


@pytest.mark.parametrize("data", [base64.b64encode(b"<svg/>").decode(), "no es base64", base64.b64encode(b"\x89PNG\r\n\x1a\n" + b"x" * BYTES).decode()])
def test_a_picture_that_is_not_one_or_weighs_too_much_is_only_counted(course, ana, data):
    submit(course, ana.key, add_cell(EVIDENCE, code("x", shown(image_png=data))))
    found = workings(course, LESSON, ana.key, "2")[TITLES[EVIDENCE]][0]
    assert found.pictures == () and found.heavy == 1


def test_without_names_a_cell_does_not_tell_who(course, ana):
    submit(course, ana.key, add_cell(EVIDENCE, code(f"cuenta = {ana.key}  # {ana.name}", stream(f"{ana.name}: {ana.key}"), shown(image_png=png()))))
    put(course, {"llave": ana.key, "celda": E4, "puntos": "1", "motivo": "x"})
    rubric(course, course.lesson(LESSON), anonymous=True)
    page = course.place("salida", LESSON, "rubrica.html").read_text(encoding="utf-8")
    assert ana.key not in page and ana.name not in page and "data:image" not in page and "En su cuaderno hay 1 figura que aquí no se ve." in page


def test_who_answers_in_a_cell_of_their_own_did_write(course, ana):
    blank = cell_of(json.loads(Path("lessons", f"{LESSON}_ejercicios.ipynb").read_text(encoding="utf-8")), EVIDENCE)["source"]
    words = "".join(blank)
    submit(course, ana.key, rewrite(EVIDENCE, words))
    assert points(scored(course, ana))[EVIDENCE] == 0
    submit(course, ana.key, add_cell(EVIDENCE, code("print(tabla)", stream("1 2"))), "3")
    assert points(scored(course, ana))[EVIDENCE] is None


# ── lo que dice una corrección ──────────────────────────────────────────────────────────────────────────────────────


def test_a_corrected_reading_says_what_changed_and_why(course, ana):
    put(course, *full(course, ana.key), {"llave": ana.key, "celda": EVIDENCE, "puntos": "2", "motivo": "la tabla sí está", "quien": "la profesora"})
    found = scored(course, ana)
    page = feedback(course, LESSON, "alguien", found)
    assert "<b>Se revisó otra vez:</b> era 1 punto y ahora son 2. la tabla sí está (la profesora)" in page and "Lo que decía antes: sobre e5-evidencia" in page
    line = next(line for line in _comment(found, course.lesson(LESSON)).splitlines() if line.startswith("Evidencia"))
    assert line == "Evidencia: 2 de 2. Corregido a mano: era 1 punto y ahora son 2. la tabla sí está (la profesora). Antes: sobre e5-evidencia."
    export_lesson(course, course.lesson(LESSON))


def test_the_first_reading_stays_in_the_page_to_be_told(course, ana):
    put(course, *full(course, ana.key), {"llave": ana.key, "celda": EVIDENCE, "puntos": "2", "motivo": "la tabla sí está"})
    rubric(course, course.lesson(LESSON))
    page = course.place("salida", LESSON, "rubrica.html").read_text(encoding="utf-8")
    kept = json.loads(re.search(r'id="kept">(.*?)</script>', page, re.DOTALL)[1])
    assert [(row["celda"], row["puntos"]) for row in kept] == [(EVIDENCE, 1)] and "la tabla sí está" in card(course, ana.key, EVIDENCE)


# ── antes de `grade`, y el CSV que ya estaba ────────────────────────────────────────────────────────────────────────


def test_what_grade_has_not_seen_is_said_and_not_counted(course, ana, capsys):
    submit(course, ana.key, rewrite(EVIDENCE, "Otro."), graded=False)
    assert __main__.main(["teacher", "rubric", str(course.folder), LESSON]) == 0
    said = capsys.readouterr().out
    assert "Calificadas a mano: 0 de 18" in said and f"Falta correr `grade`, y por eso aquí no está lo de: {NAMES[0]}." in said


def test_the_csv_gains_the_rows_it_lacks_and_keeps_its_own(course, ana):
    path = course.place("manual", f"{LESSON}.csv")
    path.parent.mkdir()
    path.write_bytes(f"llave;celda;puntos;comentario;nota mía\n{ana.key};{EVIDENCE};0,5;Sí, «así»;x\n".encode("cp1252"))
    rubric(course, course.lesson(LESSON))
    rows = rows_of(course)
    assert len(rows) == 21 and rows[0]["puntos"] == "0,5" and rows[0]["comentario"] == "Sí, «así»" and rows[0]["nota mía"] == "x"
    assert list(rows[0])[:5] == ["llave", "celda", "puntos", "comentario", "nota mía"] and set(MANUAL) <= set(rows[0])
    before = path.read_bytes()
    rubric(course, course.lesson(LESSON))
    assert path.read_bytes() == before and len({(row["llave"], row["celda"]) for row in rows}) == 21


# ── tablas de Markdown ──────────────────────────────────────────────────────────────────────────────────────────────


def test_a_markdown_table_is_seen_as_a_table():
    page = written("Mi tabla:\n\n| clase | sin *objeto* |\n| --- | ---: |\n| gato \\| perro | -0.1 |\n| <b>pez</b> |\n\nDespués, $z_j * 2 | x$.")
    assert page == ('<pre class=prose>Mi tabla:</pre>\n<table><thead><tr><th>clase</th><th class=n>sin *objeto*</th></tr></thead>\n<tbody>'
                    '<tr><td>gato | perro</td><td class=n>-0.1</td></tr>\n<tr><td>&lt;b&gt;pez&lt;/b&gt;</td><td class=n></td></tr></tbody></table>\n'
                    '<pre class=prose>Después, $z_j * 2 | x$.</pre>')


@pytest.mark.parametrize("words", ["a | b", "a | b\nc | d", "a | b\n---", "- uno\n---\n- dos", "| $x$ |\n| a |", "---|---"])
def test_what_is_not_a_table_stays_as_it_was(words):
    assert written(words) == f"<pre class=prose>{words}</pre>"


@pytest.mark.parametrize("count, said", [(1, "1 punto"), (1.0, "1 punto"), (0, "0 puntos"), (0.5, "0.5 puntos"), (2, "2 puntos")])
def test_one_is_said_as_one(count, said):
    assert counted(count, "punto") == said


def test_no_page_says_one_as_many(course, ana):
    """Con un curso de una persona, que entregó un día tarde, y un día para pedir revisión."""
    path = course.folder / "lista.csv"
    path.write_text("\n".join(path.read_text(encoding="utf-8").splitlines()[:2]) + "\n", encoding="utf-8")
    toml = course.folder / "curso.toml"
    toml.write_text(toml.read_text(encoding="utf-8").replace("dias = 60", "dias = 1"), encoding="utf-8")
    only = load_course(course.folder)
    put(only, *full(only, ana.key, ("1", "1", "1")))
    report(only, only.lesson(LESSON))
    kit(only, [LESSON])
    pages = [*only.place("salida", LESSON, "reporte").rglob("*.html"), only.place("kit", f"{LESSON}.html")]
    said = " ".join(re.sub(r"<[^>]+>", " ", path.read_text(encoding="utf-8")) for path in pages)
    assert len(pages) == 3 and not re.search(r"(?<![\d.])1 (personas|días|puntos|variantes|archivos|parejas|figuras)\b", said)

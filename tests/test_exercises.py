"""Los ejercicios, lo que vale para todos: lo bueno se acepta, cada error tiene su mensaje, y revisar no toca nada.

Las respuestas de cada lección, buenas y malas, están en wrong_answers_<palabra>.py, y aquí se juntan todas.
"""
import importlib
import math
import random
import re
import time
import warnings
from collections.abc import Callable, Iterator
from functools import partial
from itertools import permutations
from pathlib import Path

import numpy as np
import pytest
import torch
from torch import Tensor, nn

from labkit.exercises import EXERCISES, accounts, answers, check, exemplars, hint, sandbox, solution, verdict
from labkit.exercises.compare import Mistake, Trial, close, compare
from labkit.exercises.kinds import Finding, Function
from labkit.exercises.verdict import Broken, Outcome, Revise
from labkit.models import plain_network, random_twin

FILES = sorted(path.stem for path in Path(__file__).parent.glob("wrong_answers_*.py"))
LESSONS = [importlib.import_module(name) for name in FILES if name.split("_")[-1].isalpha()]
LESSON_OF = {name: lesson for lesson in LESSONS for name in lesson.GOOD}
FUNCTIONS = {name: exercise for name, exercise in EXERCISES.items() if isinstance(exercise, Function)}
FINDINGS = {name: exercise for name, exercise in EXERCISES.items() if isinstance(exercise, Finding)}
GOOD = [(name, good) for name in FUNCTIONS if name in LESSON_OF for good in LESSON_OF[name].GOOD[name]]
WRONG = [(name, *row) for name in FUNCTIONS if name in LESSON_OF for row in LESSON_OF[name].WRONG[name]]
MISREAD = [(name, *row) for name in FINDINGS if name in LESSON_OF for row in LESSON_OF[name].WRONG[name]]
MISTAKES = [(name, mistake.message, commit) for name, exercise in FUNCTIONS.items() for mistake in exercise.mistakes
            for commit in mistake.ways]
MOST_MISTAKES = 10                              # pocos y bien escogidos
SLOW = 2.0                                      # segundos de procesador: lo más que tarda en revisarse un hallazgo
PRAISE = re.compile(r"✓ Correcto · \w+: (da|tapa) .* que labkit en \d+ casos al azar\.")


def label(value: object) -> str:
    return getattr(value, "__name__", str(value)[:40])


def test_every_exercise_has_answers_of_students() -> None:
    """Al menos tres malas en el estilo de quien aprende; de las funciones, dos buenas."""
    missing = set(EXERCISES) - set(LESSON_OF)
    assert not missing, f"faltan sus respuestas en tests/wrong_answers_….py (GOOD, WRONG y, si es Finding, ACCOUNTS): {missing}"
    assert set(LESSON_OF) == set(EXERCISES)
    for name, lesson in LESSON_OF.items():
        assert len(lesson.WRONG[name]) >= 3 and len(lesson.GOOD[name]) >= (2 if name in FUNCTIONS else 1), name
        assert name in FUNCTIONS or lesson.ACCOUNTS.get(name), f"{name}: faltan sus cuentas en ACCOUNTS"


def test_every_exercise_is_asked_once_in_the_notebooks() -> None:
    """Los que se califican, en los cuadernos de ejercicios; los de práctica, en su lección."""
    lessons = Path(__file__).parent.parent / "lessons"
    texts = [path.read_text("utf-8") for path in lessons.glob("*_ejercicios.ipynb")]
    asked = re.findall(r'check\(\\"(\w+)\\"', "".join(texts))
    assert sorted(asked) == sorted(name for name, exercise in EXERCISES.items() if exercise.graded)
    taught = "".join(path.read_text("utf-8") for path in lessons.glob("[0-9]*.ipynb"))
    assert all(f'check(\\"{name}\\"' in taught for name in EXERCISES)


# ── las funciones ───────────────────────────────────────────────────────────────────────────────────────────────────


@pytest.fixture(params=["0", "1", "2"])
def seed(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    """Tres sorteos de los casos."""
    monkeypatch.setenv("LABKIT_SEMILLA", request.param)


@pytest.mark.parametrize(("name", "good"), GOOD, ids=label)
def test_a_good_function_of_any_style_is_accepted(name: str, good: Callable, seed: None) -> None:
    result = verdict(name, good)
    assert result.ok and PRAISE.fullmatch(str(result)), result


@pytest.mark.parametrize(("name", "wrong", "says"), WRONG, ids=label)
def test_a_wrong_function_gets_its_own_message(name: str, wrong: Callable, says: str, seed: None) -> None:
    result = verdict(name, wrong)
    assert result.word == "Revisa" and says in result.message, result


@pytest.mark.parametrize(("name", "message", "commit"), MISTAKES, ids=label)
def test_every_known_mistake_is_rejected_with_its_own_message(
    name: str, message: str, commit: Callable, seed: None
) -> None:
    """Así cada mensaje puede salir, y ningún error tapa a otro que dice otra cosa."""
    result = verdict(name, lambda *arguments: commit(*arguments))
    assert result.word == "Revisa" and result.message.startswith(f"{name}: {message}"), result


@pytest.mark.parametrize(("name", "good"), GOOD, ids=label)
def test_a_function_that_forgets_to_return_is_told_so(name: str, good: Callable) -> None:
    """También si de paso cambia lo que recibe, y si solo lo olvida en un caso."""
    def forgets(*arguments: object) -> None:
        good(*arguments)

    def forgets_and_scribbles(*arguments: object) -> None:
        [value.zero_() for value in arguments if isinstance(value, Tensor)]

    calls = []

    def forgets_the_second_time(*arguments: object) -> object:
        calls.append(arguments)
        return good(*arguments) if len(calls) == 1 else None

    for wrong in (forgets, forgets_and_scribbles):
        assert verdict(name, wrong).message == f"{name}: {sandbox.RETURNS_NOTHING}"
    assert verdict(name, forgets_the_second_time).message.startswith(f"{name}: {sandbox.RETURNS_NOTHING} (Lo vi con ")


@pytest.mark.parametrize("name", FUNCTIONS)
def test_few_mistakes_well_chosen_and_labkit_itself_is_no_answer(name: str) -> None:
    exercise = FUNCTIONS[name]
    assert len(exercise.mistakes) <= MOST_MISTAKES
    assert "ya viene en labkit" in verdict(name, exercise.reference).message
    assert "ya viene en labkit" in verdict(name, partial(exercise.reference)).message


# ── los hallazgos ───────────────────────────────────────────────────────────────────────────────────────────────────


def forms(value: object) -> Iterator[object]:
    """La misma respuesta, como sale de Python, de NumPy y de PyTorch."""
    if isinstance(value, str):
        yield from (value, f"  {value.upper()} ")
    elif isinstance(value, (int, float)):
        yield from (value, float(value), np.float64(value), torch.tensor(value).double())
        yield torch.tensor([value]).double()
        yield from (np.int64(value), np.array(value), torch.tensor([[value]])) if isinstance(value, int) else ()
    elif isinstance(value, dict):
        parts = {key: list(forms(part)) for key, part in value.items()}
        yield from ({key: options[min(i, len(options) - 1)] for key, options in parts.items()} for i in range(7))
    else:
        parts = [list(forms(part)) for part in value]
        for i in range(max(map(len, parts))):
            row = [options[min(i, len(options) - 1)] for options in parts]
            yield from (row, tuple(row))
        if not any(isinstance(part, str) for part in value):
            yield from (np.array(value), torch.tensor(value))


@pytest.mark.parametrize("name", FINDINGS)
def test_the_experiment_done_right_is_accepted_in_any_form(name: str) -> None:
    lesson = LESSON_OF[name]
    for good in lesson.GOOD[name]:
        for account in lesson.ACCOUNTS[name][:2]:
            account, value = good(account)
            for form in forms(value):
                assert verdict(name, (account, form)).ok, form


@pytest.mark.parametrize(("name", "wrong", "says"), MISREAD, ids=label)
def test_the_experiment_done_wrong_is_told_at_once(name: str, wrong: Callable, says: str) -> None:
    """Con alguna cuenta en que ese error no coincide con otro, y en menos de dos segundos de procesador."""
    lesson, messages = LESSON_OF[name], []
    for account in lesson.ACCOUNTS[name]:
        given, good = wrong(account), lesson.GOOD[name][0](account)
        if given == good:
            continue
        start = time.process_time()
        result = verdict(name, given)
        assert time.process_time() - start < SLOW
        assert result.word == "Revisa", (given, good)
        messages.append(result.message)
        if says in result.message:
            return
    pytest.fail(f"nunca dijo «{says}»: {messages}")


@pytest.mark.parametrize("name", FINDINGS)
def test_a_finding_without_account_or_answer_is_pending(name: str) -> None:
    for account in ("", None, "____"):
        assert verdict(name, (account, (1, 2))).word == "Pendiente", account
    for blank in (None, ..., "", "____"):
        assert verdict(name, ("312345678", blank)).word == "Pendiente", blank


@pytest.mark.parametrize("name", FINDINGS)
@pytest.mark.parametrize("value", [
    3.5, object(), [True, False], np.array([1 + 2j, 3]), torch.zeros(2, 3), (None, None)])
def test_what_is_not_an_answer_is_told_with_its_type(name: str, value: object) -> None:
    result = verdict(name, ("312345678", value))
    assert result.word == "Revisa" and "Recibí" in result.message, result


@pytest.mark.parametrize("name", FINDINGS)
@pytest.mark.parametrize("account", ["312345678", "423000001"])
def test_the_reasons_are_tried_one_by_one_and_the_last_always_holds(name: str, account: str) -> None:
    exercise = FINDINGS[name]
    case = exercise.case(account)
    *_, (holds, message) = exercise.reasons(exercise.right(case), case)
    assert holds is True and message.endswith((".", "?"))


PAIRS = {"": (1, 2), "312345678": (5, 1), "312345679": (2, 1), "312345670": (7, 8)}


def swapped_or_half(given: tuple, right: tuple) -> Iterator[tuple[bool, str]]:
    yield given == right[::-1], "al revés."
    yield accounts.LIKE_SAMPLE
    yield given[1] == right[1], "la segunda está bien."
    yield True, "ninguna."


def unmarked(given: tuple, right: tuple) -> Iterator[tuple[bool, str]]:
    yield given == right[::-1], "al revés."
    yield True, "ninguna."


@pytest.mark.parametrize(("reasons", "account", "given", "says"), [
    (swapped_or_half, "312345679", (1, 2), "al revés."),                 # también es la de la muestra: manda la entera
    (swapped_or_half, "312345670", (1, 2), accounts.LIKE_SAMPLE[1]),
    (swapped_or_half, "312345678", (3, 1), "la segunda está bien."),
    (unmarked, "312345679", (1, 2), accounts.LIKE_SAMPLE[1]),
    (unmarked, "312345678", (1, 5), "al revés."), (unmarked, "312345678", (9, 9), "ninguna."),
])
def test_a_wrong_finding_gets_one_diagnosis(reasons: Callable, account: str, given: tuple, says: str) -> None:
    exercise = Finding(case=PAIRS.get, read=lambda value, case: value, right=lambda case: case, reasons=reasons,
                       praise="", hints=(), solution=())
    with pytest.raises(Revise) as caught:
        exercise.examine((account, given))
    assert caught.value.message == says


class Strange:
    """Un objeto que se queja de cualquier cosa que se le pregunte."""

    def __eq__(self, other: object) -> bool:
        raise KeyError("no me compares")

    def __iter__(self) -> Iterator:
        raise KeyError("no me recorras")

    def __str__(self) -> str:
        raise KeyError("no me escribas")

    __repr__, __len__, __float__, __index__, __bool__ = __str__, __iter__, __iter__, __iter__, __iter__


class StrangeList(list):
    """Una lista que no se deja recorrer."""

    def __iter__(self) -> Iterator:
        raise KeyError("no me recorras")


@pytest.mark.parametrize("name", FINDINGS)
@pytest.mark.parametrize(("account", "value", "word"), [
    ("312345678", Strange(), "Revisa"),
    ("312345678", (Strange(), 1), "Revisa"),
    ("312345678", [1, Strange()], "Revisa"),
    ("312345678", StrangeList([1, 2]), "Error en tu código"),
    (Strange(), (1, 2), "Error en tu código"),
])
def test_a_strange_object_is_never_the_fault_of_the_course(
    name: str, account: object, value: object, word: str
) -> None:
    assert verdict(name, (account, value)).word == word


@pytest.mark.parametrize("name", FINDINGS)
def test_a_fault_of_the_course_is_never_blamed_on_the_answer(
    name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Sin los datos del curso no hay con qué revisar."""
    given = LESSON_OF[name].GOOD[name][0](LESSON_OF[name].ACCOUNTS[name][0])
    accounts.load_rows.cache_clear()
    monkeypatch.setenv("LABKIT_DATOS", str(tmp_path))
    assert "No es culpa de tu respuesta" in str(verdict(name, given))


# ── el lector de respuestas ─────────────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize("value", [
    [0, 2], (2, 0, 0), {0, 2}, frozenset({2, 0}), range(0, 3, 2),
    np.flatnonzero([1, 0, 1]), list(np.flatnonzero([1, 0, 1])),
    torch.tensor([0, 2]), torch.tensor([True, False, True]).nonzero(), [torch.tensor(0), torch.tensor([2])], [0.0, 2.0],
], ids=str)
def test_positions_may_come_in_any_form(value: object) -> None:
    assert answers.read_positions(value, "las posiciones.") == {0, 2}


@pytest.mark.parametrize(("value", "kind"), [
    ("02", "str"), (2, "int"), (torch.tensor(2), "Tensor"), ([True, False], r"list \(bool, bool\)"),
    (np.array([True, False, True]), "ndarray de forma"), (["0"], r"list \(str\)"), ([0.5], r"list \(float\)"),
    (torch.zeros(2, 3), r"Tensor de forma \(2, 3\)"), (["a"] * 9, "list de 9 valores"),
    ({0: 1}, "dict"), (iter([0]), "iterator"),
], ids=lambda value: value if isinstance(value, str) else type(value).__name__)
def test_what_are_not_positions_is_told_with_its_type(value: object, kind: str) -> None:
    with pytest.raises(Revise, match=f"las posiciones. Recibí .*{kind}"):
        answers.read_positions(value, "las posiciones.")


def test_positions_may_be_none() -> None:
    assert answers.read_positions([], "") == answers.read_positions(np.flatnonzero([0]), "") == set()


def test_a_number_and_a_name_are_read_in_any_form() -> None:
    for three in (3, 3.0, np.int8(3), np.array([3.0]), torch.tensor([[3]]), torch.tensor(3.0, requires_grad=True)):
        assert answers.read_number(three, int, "") == 3 and answers.read_number(three, float, "") == 3.0
        assert type(answers.read_number(three, int, "")) is int
    for other in (True, np.bool_(True), torch.tensor(True), 3.5, "3", 3j, None, float("nan"), float("inf"), [3, 3]):
        with pytest.raises(Revise, match="un entero. Recibí"):
            answers.read_number(other, int, "un entero.")
    for text in ("Avión", "avion", "  AVIÓN ", np.str_("avión")):
        assert answers.read_name(text, ["pez", "avión"], "una clase") == "avión"
    with pytest.raises(Revise, match="«jirafa» no es una clase: pez, avión."):
        answers.read_name("jirafa", ["pez", "avión"], "una clase")
    with pytest.raises(Revise, match="int no es una clase"):
        answers.read_name(3, ["pez", "avión"], "una clase")


def test_a_pair_must_be_among_what_was_asked() -> None:
    assert answers.read_pair([1, 2.0], (int, int), "dos.", among=range(3)) == (1, 2)
    with pytest.raises(Revise, match="^dos.$"):
        answers.read_pair([1, 7], (int, int), "dos.", among=range(3))


# ── el número de cuenta ─────────────────────────────────────────────────────────────────────────────────────────────


def test_an_account_is_the_same_however_it_is_written() -> None:
    for text in ("31234567-8", 312345678, "312 345 678", "0312345678", np.int64(312345678)):
        assert accounts.clean_account(text) == "312345678"
    assert accounts.clean_account("0012345") == "12345" and accounts.clean_account("") == ""
    for bad in ("abc", "12", "31234567890123", "tres", "000000", "٣١٢٣٤٥٦٧٨"):
        with pytest.raises(ValueError, match="de 6 a 10 dígitos"):
            accounts.clean_account(bad)
        assert verdict("seam_reading", (bad, (1, "gato"))).word == "Revisa"


def test_in_the_notebook_a_wrong_account_is_one_sentence() -> None:
    with pytest.raises(accounts.NotAnAccount) as caught:
        accounts.account_or_sample("312")
    assert caught.value._render_traceback_() == [
        "✗ esperaba tu número de cuenta, de 6 a 10 dígitos y entre comillas; recibí '312'."]


def test_accounts_get_different_variants_and_always_the_same() -> None:
    drawn = [accounts.variant(str(312_000_000 + i), 12, "prueba") for i in range(600)]
    assert drawn == [accounts.variant(str(312_000_000 + i), 12, "prueba") for i in range(600)]
    assert all(25 <= drawn.count(k) <= 80 for k in range(12))


def test_without_account_the_sample_case_is_announced(capsys: pytest.CaptureFixture) -> None:
    assert accounts.account_or_sample(" __ ") == ""
    assert capsys.readouterr().out.startswith("Sin número de cuenta te tocan casos de muestra")
    assert accounts.account_or_sample("312345678") == "312345678" and capsys.readouterr().out == ""


# ── comparar ────────────────────────────────────────────────────────────────────────────────────────────────────────


def fails(*_: object) -> Tensor:
    raise Broken("se detuvo")


def test_the_mistake_named_is_the_one_that_explains_most_cases() -> None:
    """Dos errores dan lo mismo en el primer caso; el segundo caso decide, y una excepción posterior no lo tapa."""
    want, got, other = torch.zeros(2, 2), torch.ones(2, 2), torch.full((2, 2), 2.0)
    mistakes = (Mistake("uno", 1), Mistake("dos", 2))
    both = Trial(lambda: got, want, lambda which: got, "los dos")
    only_two = Trial(lambda: got, want, lambda which: other if which == 1 else got, "el dos")
    neither = Trial(lambda: got, want, lambda which: other, "ninguno")
    broken = Trial(fails, want, fails, "otro")
    for trials, says in (([both, only_two], r"dos \(Lo vi con los dos"), ([both], "uno"), ([both, broken], "uno"),
                         ([neither, only_two, only_two], r"dos \(Lo vi con el dos")):
        with pytest.raises(Revise, match=says):
            compare(trials, mistakes)
    for trials in ([both, neither], [both, neither, neither], [neither, broken]):
        with pytest.raises(Revise, match="difieren en 4 de 4"):
            compare(trials, mistakes)
    with pytest.raises(Broken, match="se detuvo"):
        compare([broken, both], mistakes)
    assert compare([Trial(lambda: want, want, fails, "bien")] * 3, mistakes) == 3


def test_a_mistake_that_cannot_be_made_in_a_case_explains_nothing() -> None:
    want, got = torch.zeros(2), torch.ones(2)
    trial = Trial(lambda: got, want, lambda which: torch.zeros(3) @ torch.zeros(2) if which else got, "el caso")
    with pytest.raises(Revise, match="sí"):
        compare([trial], (Mistake("no", 1), Mistake("sí", 0)))
    with pytest.raises(Revise, match="2 de 2 valores son otros"):
        compare([trial], (Mistake("no", 1),))


@pytest.mark.parametrize(("got", "says"), [
    (torch.ones(3, 4).T, "transpuesta"),
    (torch.ones(1, 3, 4), "Sobra el eje del lote"),
    (torch.ones(2, 3, 4), "Sobra un eje"),
    (torch.full((3, 4), float("nan")), "NaN"),
    (torch.ones(3, 4), "difieren en 12 de 12 casillas"),
    (torch.ones(7), "esperaba la forma"),
])
def test_a_difference_that_no_mistake_explains_is_located_but_not_told(got: Tensor, says: str) -> None:
    with pytest.raises(Revise, match=says) as caught:
        compare([Trial(lambda: got, torch.zeros(3, 4), fails, "el caso")], ())
    assert (caught.value.picture is not None) == ("casillas" in says)


@pytest.mark.parametrize(("places", "says"), [
    ([(2, 0)], "en 1 de 12 casillas.*en la fila 2, columna 0\\)"),
    ([(0, 1), (2, 1)], "en las filas 0 a 2, columna 1\\)"),
    ([(1, 0), (1, 3)], "en la fila 1, columnas 0 a 3\\)"),
])
def test_where_it_differs_is_said_as_one_would_say_it(places: list, says: str) -> None:
    got = torch.zeros(3, 4)
    got[tuple(zip(*places))] = 1
    with pytest.raises(Revise, match=f"(?s){says}"):
        compare([Trial(lambda: got, torch.zeros(3, 4), fails, "el caso")], ())
    with pytest.raises(Revise, match="1 de 3 valores es otro[.]"):
        compare([Trial(lambda: torch.eye(3)[0], torch.zeros(3), fails, "el caso")], ())


def test_what_happens_only_in_a_later_case_says_in_which() -> None:
    fine = Trial(lambda: torch.zeros(2), torch.zeros(2), fails, "el primero")
    with pytest.raises(Broken) as caught:
        compare([fine, Trial(fails, torch.zeros(2), fails, "el segundo")], ())
    assert caught.value.message == "se detuvo (Lo vi con el segundo.)"


def test_a_mistake_may_be_made_in_several_ways() -> None:
    trial = Trial(lambda: torch.ones(2), torch.zeros(2), lambda which: torch.full((2,), which), "el caso")
    with pytest.raises(Revise, match="dos"):
        compare([trial], (Mistake("uno", 5.0, (3.0,)), Mistake("dos", 2.0, (4.0, 1.0))))


def test_close_forgives_a_thousandth() -> None:
    assert close(torch.tensor([1.0, 100.05]), torch.tensor([1.0, 100.0])) and not close(torch.ones(2), torch.ones(2, 1))
    assert not close(torch.tensor([1.0, 100.2]), torch.tensor([1.0, 100.0]))


# ── los cuatro veredictos ───────────────────────────────────────────────────────────────────────────────────────────


def good(vectors: Tensor, width: float) -> Tensor:
    far = (vectors[:, None] - vectors[None]).square().sum(2)
    return torch.softmax(-far / (2 * width ** 2) - 1e9 * torch.eye(len(vectors)), 1)


def unwritten(vectors: Tensor, width: float) -> Tensor:
    raise NotImplementedError


def only_dots(vectors: Tensor, width: float) -> Tensor:
    """Documentada, pero vacía."""
    ...


@pytest.mark.parametrize("blank", [None, ..., "", "____", unwritten, only_dots])
def test_what_is_not_written_is_pending(blank: object) -> None:
    assert verdict("chances", blank).word == "Pendiente"


def divides_by_zero(vectors: Tensor, width: float) -> Tensor:
    return vectors / (1 // 0)


def fails_inside_torch(vectors: Tensor, width: float) -> Tensor:
    return vectors @ torch.zeros(77, 2)


def leaves(vectors: Tensor, width: float) -> Tensor:
    raise SystemExit


def compares_with_python(vectors: Tensor, width: float) -> Tensor:
    return min(vectors, vectors * 0 + width)


def multiplies_booleans(vectors: Tensor, width: float) -> Tensor:
    return (vectors > 0) @ (vectors > 0).T


def indexes_with_decimals(vectors: Tensor, width: float) -> Tensor:
    return vectors[:, 0.5 * 8]


def exponential_of_math(vectors: Tensor, width: float) -> Tensor:
    return math.exp(vectors)


def norm_of_three_axes(vectors: Tensor, width: float) -> Tensor:
    return vectors[None, None].norm(dim=(1, 2, 3))


def reflects_too_much(vectors: Tensor, width: float) -> Tensor:
    return torch.nn.functional.pad(vectors[None], (99, 99), mode="reflect")


def calls_itself_forever(vectors: Tensor, width: float) -> Tensor:
    return calls_itself_forever(vectors, width)


def averages_booleans(vectors: Tensor, width: float) -> Tensor:
    return (vectors > 0).mean()


@pytest.mark.parametrize(("bad", "says"), [
    (compares_with_python, "usa torch.minimum"), (multiplies_booleans, "pásalos antes por .float()"),
    (indexes_with_decimals, "debe ser un entero"), (averages_booleans, "pásalos antes por .float()"),
    (exponential_of_math, "usa torch.exp"), (norm_of_three_axes, "usa flatten(1).norm(dim=1)"),
    (reflects_too_much, "El reflejo debe ser menor que la imagen"), (calls_itself_forever, "se llama a sí misma sin parar"),
    (divides_by_zero, "ZeroDivisionError"), (fails_inside_torch, "RuntimeError"), (leaves, "SystemExit"),
])
def test_an_exception_is_told_with_the_line_of_the_student(bad: Callable, says: str) -> None:
    result = verdict("chances", bad)
    assert result.word == "Error en tu código" and says in result.message and len(result.message) < 400
    assert f"en la línea {bad.__code__.co_firstlineno + 1}" in result.message


def test_what_is_explained_is_not_repeated_in_english() -> None:
    for bad in (norm_of_three_axes, reflects_too_much, exponential_of_math, calls_itself_forever, compares_with_python):
        assert not re.search("[Dd]imension|must be|tensors can|maximum rec|ambiguous", verdict("chances", bad).message)
    assert "(mat1 and mat2" in verdict("chances", fails_inside_torch).message


def chances(vectors: Tensor, width: float) -> Tensor:
    """Con el nombre que se pide, una que se llama a sí misma, y en una función interna."""
    return good(vectors, width) if width else torch.stack([chances(vector, 1) for vector in vectors])


def test_a_function_may_call_itself_but_not_the_one_of_labkit() -> None:
    def lends(vectors: Tensor, width: float) -> Tensor:
        return exemplars.chances(vectors, width) if width else chances(vectors, width)

    assert verdict("chances", chances).ok
    assert "ya viene en labkit" in verdict("chances", lends).message


@pytest.mark.parametrize(("bad", "says"), [
    (lambda vectors: vectors, "en este orden: vectors, width"),
    (torch.softmax, "en este orden: vectors, width"),
    (torch.zeros(3, 4), "sin llamarla"),
    (lambda vectors, width: vectors.numpy(), "recibí ndarray"),
    (lambda vectors, width: print("hola"), "¿Olvidaste `return`"),
    (lambda vectors, width: vectors[0], "esperaba la forma"),
    (lambda vectors, width: good(vectors, width) * float("nan"), "NaN"),
    (lambda vectors, width: vectors.to(torch.complex64), "complejos"),
    (lambda vectors, width: vectors.to_sparse(), "disperso"),
    (lambda vectors, width: vectors.to("meta"), "meta"),
    (lambda vectors, width: torch.quantize_per_tensor(vectors, 0.1, 0, torch.qint8), "cuantizado"),
    (lambda vectors, width: exemplars.chances(vectors, width), "ya viene en labkit"),
    (lambda vectors, width: (lambda: exemplars.chances(vectors, width))(), "ya viene en labkit"),
    (partial(lambda vectors, width: exemplars.chances(vectors, width)), "ya viene en labkit"),
])
def test_common_slips_get_a_clear_sentence(bad: object, says: str) -> None:
    result = verdict("chances", bad)
    assert result.word == "Revisa" and says in result.message, result


class Callable_:
    """Una respuesta escrita como clase."""

    def __call__(self, vectors: Tensor, width: float) -> Tensor:
        return good(vectors, width)


class Borrower:
    """Una clase que por dentro llama a labkit."""

    def __call__(self, vectors: Tensor, width: float) -> Tensor:
        return exemplars.chances(vectors, width)


class HostileSignature(Callable_):
    """Una clase que falla si se le pregunta qué recibe."""

    @property
    def __signature__(self) -> None:
        raise KeyError("no pregunto")


class HostileTensor(torch.Tensor):
    """Un tensor que se queja de toda operación."""

    @classmethod
    def __torch_function__(cls, *_: object, **__: object) -> None:
        raise KeyError("no opero")


def test_a_function_may_come_wrapped() -> None:
    assert verdict("chances", partial(good)).ok and verdict("chances", partial(good, width=1.0)).word == "Revisa"
    assert verdict("chances", Callable_()).ok and verdict("chances", Callable_().__call__).ok
    assert "ya viene en labkit" in verdict("chances", Borrower()).message


def test_what_fails_inside_a_strange_answer_is_told_as_its_own() -> None:
    assert verdict("chances", HostileSignature()).word == "Error en tu código"
    hostile = verdict("chances", lambda vectors, width: good(vectors, width).as_subclass(HostileTensor))
    assert hostile.word == "Error en tu código" and "no opero" in hostile.message


# ── en clase y al calificar ─────────────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize("answer", [None, unwritten, divides_by_zero, exemplars.chances, 7, "nada"])
def test_in_class_a_check_never_raises_nor_returns(answer: object, capfd: pytest.CaptureFixture) -> None:
    assert check("chances", answer) is None and check("no existe", answer) is None
    shown = capfd.readouterr()
    assert shown.err == "" and re.match(r"[✓…✗] (Correcto|Pendiente|Revisa|Error en tu código) · ", shown.out)


@pytest.mark.parametrize("variable", ["NBGRADER_EXECUTION", "LABKIT_ESTRICTO"])
@pytest.mark.parametrize("answer", [None, unwritten, divides_by_zero, exemplars.chances])
def test_graded_everything_but_correct_raises_the_same_message(
    variable: str, answer: object, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture
) -> None:
    monkeypatch.setenv(variable, "autograde" if variable.startswith("NB") else "1")
    assert check("chances", good) is None
    with pytest.raises(AssertionError, match=re.escape(str(verdict("chances", answer)))):
        check("chances", answer)
    with pytest.raises(AssertionError, match="chances, som_step"):
        check("vecinos", answer)
    assert capfd.readouterr().err == ""


def noisy(vectors: Tensor, width: float) -> Tensor:
    import sys

    warnings.warn("cuidado", stacklevel=1)
    print("paso por aquí", file=sys.stderr)
    print("y por aquí")
    torch.manual_seed(1), np.random.seed(1), random.seed(1)
    torch.set_grad_enabled(False)
    return good(vectors, width)


def test_checking_leaves_the_session_as_it_was(capfd: pytest.CaptureFixture) -> None:
    before = torch.get_rng_state(), np.random.get_state()[1].copy(), random.getstate(), torch.is_grad_enabled()
    check("chances", noisy)
    after = torch.get_rng_state(), np.random.get_state()[1], random.getstate(), torch.is_grad_enabled()
    assert torch.equal(before[0], after[0]) and (before[1] == after[1]).all() and before[2:] == after[2:]
    shown = capfd.readouterr()
    assert shown.err == "" and shown.out.count("✓ Correcto") == 1 and "paso por aquí" not in shown.out


def hooks(model: nn.Module) -> int:
    return sum(len(getattr(module, kind)) for module in model.modules() for kind in sandbox.HOOKS)


@pytest.mark.parametrize(("mischief", "says"), [
    (lambda model: model.conv1.register_forward_hook(lambda *_: None), "dejó un gancho"),
    (lambda model: model.train(), "dejó la red en otro modo"),
    (lambda model: model.fc.weight.data.zero_(), "cambió los pesos"),
    (lambda model: setattr(model.fc.weight, "data", torch.zeros(1)), "cambió los pesos"),
    (lambda model: model.double(), "cambió los pesos"),
    (lambda model: setattr(model, "fc", nn.Identity()), "cambió una capa"),
    (lambda model: setattr(model.fc, "weight", nn.Parameter(torch.zeros(3, 8))), "cambió una capa"),
    (lambda model: model.add_module("otra", nn.Identity()), "cambió una capa"),
    (lambda model: setattr(model, "forward", lambda images: images), "cambió una capa"),
])
@pytest.mark.parametrize("breaks", [False, True])
def test_a_network_left_changed_is_told_and_mended(mischief: Callable, says: str, breaks: bool) -> None:
    model = random_twin(plain_network(3, widths=(4, 6, 6), dense=8))
    weights = {name: value.clone() for name, value in model.state_dict().items()}
    images = torch.rand(2, 3, 16, 16)
    before = model(images)

    def careless(network: nn.Module) -> Tensor:
        mischief(network)
        return torch.zeros(1) / (1 // 0 if breaks else 1)

    with pytest.raises(Outcome, match="ZeroDivisionError" if breaks else says):
        sandbox.call(careless, model)
    assert hooks(model) == 0 and not any(module.training for module in model.modules())
    assert list(weights) == list(model.state_dict()) and torch.equal(model(images), before)
    assert all(torch.equal(weights[name], value) for name, value in model.state_dict().items())


def test_a_hook_of_its_owner_can_still_be_removed_after_a_check() -> None:
    model = random_twin(plain_network(3, widths=(4, 6, 6), dense=8))
    handle = model.conv1.register_forward_hook(lambda *_: None)
    sandbox.call(lambda network: torch.zeros(1), model)
    assert hooks(model) == 1
    handle.remove()
    assert hooks(model) == 0


# ── pistas y soluciones ─────────────────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize("name", EXERCISES)
def test_hints_come_one_by_one_and_then_end(name: str, capsys: pytest.CaptureFixture) -> None:
    shown = []
    for level in range(5):
        assert hint(name, level) is None
        shown.append(capsys.readouterr().out)
    count = len(EXERCISES[name].hints)
    assert count >= 3 and len(set(shown[:count])) == count and shown[count:] == [shown[count - 1]] * (5 - count)


CODE = re.compile(r"\w[\[(=]|_|\w\.\w|[<>]=?|^\.\w|:\w")                 # una palabra con puntuación de código


def concreteness(exercise: Function | Finding, hint: str) -> int:
    """Cuánto código hay en una pista: palabras con puntuación de código y nombres que usa la solución."""
    names: set[str] = set()
    for function in exercise.sources():
        names |= {*function.__globals__, *sandbox.names_in(function.__code__), *function.__code__.co_varnames}
    words = {word.strip(".,;:¿?«»") for word in hint.split()}
    return sum(bool(CODE.search(word)) or word.strip("()[]") in names and len(word) > 1 for word in words)


def grow(exercise: Function | Finding, hints: tuple[str, ...]) -> bool:
    """True si ninguna pista tiene menos código que la primera, la última tiene más, y cada una dice algo nuevo."""
    amounts = [concreteness(exercise, hint) for hint in hints]
    said = [len(set(re.findall(r"\w{4,}", " ".join(hints[:k]).lower()))) for k in range(1, len(hints) + 1)]
    return min(amounts) == amounts[0] < amounts[-1] and all(b >= a + 3 for a, b in zip(said, said[1:]))


@pytest.mark.parametrize("name", [*FUNCTIONS, *FINDINGS])
def test_hints_exist_and_grow(name: str) -> None:
    """De lo general a lo concreto; y en otro orden, o repetidas, no."""
    exercise = EXERCISES[name]
    hints = exercise.hints
    assert grow(exercise, hints), [(concreteness(exercise, hint), hint) for hint in hints]
    assert not any(grow(exercise, other) for other in permutations(hints) if other[0] == hints[-1])
    assert not grow(exercise, (hints[0], hints[0], *hints[1:])) and not grow(exercise, hints[::-1])


@pytest.mark.parametrize("name", [name for name, exercise in EXERCISES.items() if exercise.graded])
def test_a_graded_solution_opens_only_with_the_key(
    name: str, capsys: pytest.CaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert solution(name) is None
    assert "def " not in capsys.readouterr().out
    monkeypatch.setenv("LABKIT_SOLUCIONES", "1")
    solution(name)
    assert f"def {EXERCISES[name].sources()[0].__name__}(" in capsys.readouterr().out


def test_an_unknown_name_lists_the_exercises(capsys: pytest.CaptureFixture) -> None:
    hint("parche")
    solution("parche")
    assert capsys.readouterr().out.count("chances, som_step, selective_unit, seam_reading") == 2

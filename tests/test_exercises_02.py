"""Los ejercicios de la lección 2: lo bueno se acepta, cada error recibe su mensaje y ninguna variante es dudosa."""

import json
import re
from collections import Counter
from collections.abc import Callable
from pathlib import Path

import matplotlib
import pytest
import torch
import wrong_answers_02 as answers
from torch import Tensor

from labkit.datasets import load_images
from labkit.exercises import check, hint, lesson02, solution, verdict
from labkit.exercises.compare import close
from labkit.exercises.lesson02 import RADII, findings, my_plane, my_unit, steps
from labkit.models import load_model
from labkit.objectives import logit, margin
from labkit.optimization import PixelCanvas, maximize

NOTEBOOK = Path(__file__).resolve().parents[1] / "lessons" / "02_optimizacion_ejercicios.ipynb"
FUNCTIONS, FINDINGS = ("climb_step", "keep_near"), ("secret_unit", "smallest_budget")
CLEAR = 0.3  # ventaja mínima: en el 3, parte de la mayor subida; en el 4, logits
ACCOUNT = "312345678"
ALL_MISTAKES = "312000000"  # un número con que ningún error coincide con otro; si cambian las redes, busca uno así


def every(names: tuple[str, ...]) -> list[tuple[str, Callable, str]]:
    """Cada respuesta equivocada de esos ejercicios: nombre, respuesta y lo que debe decir su mensaje."""
    return [(name, *row) for name in names for row in [*answers.WRONG[name], *answers.ALSO_WRONG.get(name, [])]]


def called(value: object) -> str:
    return getattr(value, "__name__", "") if callable(value) else str(value)[:30]


# ── 1 y 2: las funciones ────────────────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize("seed", ["0", "1", "2"])
@pytest.mark.parametrize(("name", "good"), [(n, g) for n in FUNCTIONS for g in answers.GOOD[n]], ids=called)
def test_good_functions_of_every_style_are_accepted(
    name: str, good: Callable, seed: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("LABKIT_SEMILLA", seed)
    assert str(verdict(name, good)) == f"✓ Correcto · {name}: da lo mismo que labkit en 5 casos al azar."


@pytest.mark.parametrize("seed", ["0", "1", "2"])
@pytest.mark.parametrize(("name", "wrong", "says"), every(FUNCTIONS), ids=called)
def test_a_wrong_function_gets_its_own_message(
    name: str, wrong: Callable, says: str, seed: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("LABKIT_SEMILLA", seed)
    result = verdict(name, wrong)
    assert result.word == "Revisa" and says in result.message


def near_cases() -> list[tuple[Tensor, Tensor, float]]:
    return [(start + shift, start, radius) for start, shift, radius in steps.cases()]


@pytest.mark.parametrize(("right", "mistakes", "cases"), [
    (steps.climb_step, steps.step_mistakes, lambda: list(steps.cases())),
    (steps.keep_near, steps.near_mistakes, near_cases),
])
@pytest.mark.parametrize("seed", ["0", "7"])
def test_every_known_mistake_shows_and_no_two_look_the_same(
    right: Callable, mistakes: Callable, cases: Callable, seed: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("LABKIT_SEMILLA", seed)
    outcomes = [(mistakes(*case), right(*case)) for case in cases()]
    names = list(outcomes[0][0])
    for a in names:
        assert any(not close(found[a], want) for found, want in outcomes), a
        assert all(any(not close(found[a], found[b]) for found, _ in outcomes) for b in names if b != a), a


def test_the_key_does_what_the_lesson_does() -> None:
    """Un paso mide lr; la imagen cercana es la que deja el lienzo de la lección."""
    dice = torch.Generator().manual_seed(3)
    image, gradient = 0.5 + 0.01 * torch.randn(3, 8, 8, generator=dice), torch.randn(3, 8, 8, generator=dice)
    step = steps.climb_step(image, gradient, 0.25) - image
    assert step.norm() == pytest.approx(0.25, abs=1e-5) and (step * gradient).sum() > 0
    for moved, start, radius in near_cases():
        canvas = PixelCanvas(start[None], radius)
        with torch.no_grad():
            canvas.pixels.copy_(moved[None])
        canvas.after_step(torch.zeros(1))
        assert torch.allclose(steps.keep_near(moved, start, radius), canvas()[0], atol=1e-6)
        assert (canvas()[0] - start).norm() <= radius + 1e-5


def test_labkit_itself_is_not_an_answer() -> None:
    def borrowed(image: Tensor, start: Tensor, radius: float) -> Tensor:
        return (start + lesson02.within((image - start)[None], radius)[0]).clamp(0, 1)

    for name, answer in (("keep_near", borrowed), ("keep_near", steps.keep_near), ("climb_step", steps.climb_step)):
        assert "ya viene en labkit" in verdict(name, answer).message


# ── 3 y 4: los hallazgos ────────────────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize("account", [ALL_MISTAKES, ACCOUNT])
@pytest.mark.parametrize("name", FINDINGS)
def test_the_experiment_done_right_is_accepted(name: str, account: str) -> None:
    account, good = answers.GOOD[name][0](account)
    assert verdict(name, (account, good)).ok and verdict(name, (account, list(good))).ok
    if name == "secret_unit":
        assert verdict(name, (account, [f" {part.upper()}" for part in good])).ok


@pytest.mark.parametrize(("name", "wrong", "says"), every(FINDINGS), ids=called)
def test_the_experiment_done_wrong_is_told_without_the_answer(name: str, wrong: Callable, says: str) -> None:
    result = verdict(name, wrong(ALL_MISTAKES))
    assert result.word == "Revisa" and says in result.message
    told = result.message.partition("Las clases:")[0]
    assert not any(f"«{part}»" in told or str(part) in told for part in answers.GOOD["secret_unit"][0](ALL_MISTAKES)[1])
    assert all(len(line) <= 240 for line in result.message.splitlines())


def test_the_check_follows_the_network_and_not_a_table(monkeypatch: pytest.MonkeyPatch) -> None:
    """Con otra red en el lugar de la normal, la respuesta es la de esa otra."""
    other = load_model("escenas_semilla1", device="cpu")
    account = next(str(n) for n in range(312_000_000, 312_000_050) if findings._unit(str(n))[0] == "escenas")
    before = answers.good_classes(account)
    monkeypatch.setattr(findings, "load_model", lambda name, device=None: other)
    findings._measured.cache_clear()
    after = tuple(other.classes[k] for k in findings.rises(other, findings._unit(account)[1]).argmax(1))
    assert after != before[1] and verdict("secret_unit", (account, after)).ok
    assert not verdict("secret_unit", before).ok
    findings._measured.cache_clear()


@pytest.mark.parametrize("blank", [("", ("gato", "pez")), (None, (1, 2)), (ACCOUNT, None), (ACCOUNT, "__")])
@pytest.mark.parametrize("name", FINDINGS)
def test_a_finding_without_account_or_answer_is_pending(name: str, blank: tuple) -> None:
    assert verdict(name, blank).word == "Pendiente"


@pytest.mark.parametrize("value", [7, "gato", ("gato",), ("gato", "oso"), ("gato", None), {"gato", "pez"}, (1, 2, 4)])
@pytest.mark.parametrize("name", FINDINGS)
def test_what_is_not_a_pair_is_told(name: str, value: object) -> None:
    result = verdict(name, (ACCOUNT, value))
    assert result.word == "Revisa" and "escribe dos" in result.message


# ── las variantes ───────────────────────────────────────────────────────────────────────────────────────────────────


def units() -> list[tuple[str, str]]:
    return [(name, text) for name, texts in findings.UNITS.items() for text in texts.split()]


def test_in_every_unit_two_different_classes_win_clearly() -> None:
    found = Counter()
    for name, text in units():
        rise = findings.rises(load_model(name, device="cpu"), findings.Unit.parse(text))
        first, second = rise.topk(2, dim=1).values.T
        assert ((first - second) / first > CLEAR).all() and (first - second > 3).all(), (name, text)
        up, down = rise.argmax(1).tolist()
        assert up != down != int(rise[0].argmin()), (name, text)
        found[up, down] += 1
    assert set(found.values()) == {1}  # ninguna pareja se repite: copiar la de otra unidad no sirve
    assert max(Counter(up for up, _ in found).values()) <= len(found) / 4
    assert max(Counter(down for _, down in found).values()) <= len(found) / 3


def test_in_every_plane_both_networks_give_in_clearly_and_once() -> None:
    data, pairs = load_images("test"), []
    planes = data.images[list(findings.PLANES)]
    assert (data.labels[list(findings.PLANES)] == data.classes.index("avión")).all()
    for name in findings.UNITS:
        network = load_model(name, device="cpu")
        assert (network(planes).argmax(1) == network.classes.index("avión")).all()
        truck = network.classes.index("camión")
        ascents = [maximize(network, logit(truck), PixelCanvas(planes, r), steps=24, lr=0.02).images for r in RADII]
        margins = torch.stack([margin(truck)({"fc": network(images)}) for images in ascents], dim=1)
        assert margins.abs().min() > CLEAR
        won = (margins > 0).int()
        assert (won.diff(dim=1) >= 0).all() and won[:, -1].all()  # una vez que cae, cae con todo radio mayor
        pairs.append([RADII[k] for k in won.argmax(1)])
    counts = Counter(zip(*pairs))
    assert len(counts) >= 5 and max(counts.values()) <= len(planes) / 3
    assert all(plain < robust for plain, robust in counts)


def test_accounts_share_out_the_variants() -> None:
    accounts = [str(312_000_000 + i) for i in range(600)]
    drawn = Counter(findings._unit(text) for text in accounts)
    assert len(drawn) == len(units()) and max(drawn.values()) <= 60
    assert my_unit("31234567-8")[1] == my_unit(312345678)[1] and torch.equal(my_plane("31234567-8"), my_plane(312345678))
    for draw in (my_unit, my_plane):
        with pytest.raises(ValueError, match="de 6 a 10 dígitos"):
            draw("doce")


def test_a_plane_is_a_copy() -> None:
    my_plane(ACCOUNT).zero_()
    assert my_plane(ACCOUNT).max() > 0


# ── en clase y al calificar; mensajes, pistas y soluciones ──────────────────────────────────────────────────────────


def unwritten(image: Tensor, gradient: Tensor, lr: float) -> Tensor:
    raise NotImplementedError


def fails(image: Tensor, gradient: Tensor, lr: float) -> Tensor:
    return image / (1 // 0)


@pytest.mark.parametrize("variable", ["", "NBGRADER_EXECUTION", "LABKIT_ESTRICTO"])
@pytest.mark.parametrize(("answer", "word"), [
    (None, "… Pendiente"), (unwritten, "… Pendiente"), (answers.raw, "✗ Revisa"), (fails, "✗ Error en tu código"),
], ids=called)
def test_in_class_it_never_raises_and_graded_it_does(
    variable: str, answer: object, word: str, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture
) -> None:
    if variable:
        monkeypatch.setenv(variable, "1")
        with pytest.raises(AssertionError, match=word):
            check("climb_step", answer)
    assert check("climb_step", answers.good_step) is None and (variable or check("climb_step", answer) is None)
    shown = capfd.readouterr()
    assert shown.err == "" and word in shown.out and "✓ Correcto" in shown.out


def test_a_wrong_finding_raises_when_graded(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("LABKIT_ESTRICTO", "1")
    for name in FINDINGS:
        with pytest.raises(AssertionError, match="escribe dos"):
            check(name, (ACCOUNT, 7))


def test_every_exercise_has_wrong_answers_with_different_messages() -> None:
    assert set(answers.WRONG) == set(answers.GOOD) == set(lesson02.EXERCISES)
    for rows in answers.WRONG.values():
        assert len(rows) >= 3 and len({says for _, says in rows}) == len(rows)


@pytest.mark.parametrize("name", lesson02.EXERCISES)
def test_hints_grow_and_the_solution_opens_with_the_key(
    name: str, capsys: pytest.CaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    for level in range(3):
        hint(name, level)
    told = capsys.readouterr().out
    assert told.count("Pista ") == 3 and told.count("Es la última pista.") == 1
    solution(name)
    assert "def " not in capsys.readouterr().out
    monkeypatch.setenv("LABKIT_SOLUCIONES", "1")
    solution(name)
    assert f"def {lesson02.EXERCISES[name].answer[0].__name__}(" in capsys.readouterr().out


# ── el cuaderno ─────────────────────────────────────────────────────────────────────────────────────────────────────


def code_cells() -> list[tuple[str, str]]:
    """Nombre (el de nbgrader o el de la celda) y texto de cada celda de código."""
    book = json.loads(NOTEBOOK.read_text(encoding="utf-8"))
    cells = [cell for cell in book["cells"] if cell["cell_type"] == "code"]
    return [(cell["id"], "".join(cell["source"])) for cell in cells]


def run_notebook(changes: dict[str, str], helped: bool = False) -> None:
    """Ejecuta las celdas con el texto de algunas cambiado; helped: también lo que las de ayuda traen comentado."""
    matplotlib.use("Agg")
    space: dict[str, object] = {}
    pending = dict(changes)
    for name, text in code_cells():
        text = pending.pop(name, text)
        if helped and name.endswith("-ayuda"):
            text = re.sub(r"(?m)^# (?!(hint|solution)\(|Cuando|Con tus)", "", text)
        exec(text, space)
    assert not pending


def test_an_untouched_notebook_stays_pending(capfd: pytest.CaptureFixture) -> None:
    run_notebook({})
    shown = capfd.readouterr()
    assert shown.out.count("… Pendiente") == 4 and "✗" not in shown.out and shown.err == ""


def test_a_solved_notebook_passes_graded(monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture) -> None:
    monkeypatch.setenv("LABKIT_ESTRICTO", "1")
    run_notebook({
        "cuenta": f'ACCOUNT = "{ACCOUNT}"',
        "e1-paso": "from wrong_answers_02 import good_step as climb_step",
        "e2-presupuesto": "from wrong_answers_02 import good_near as keep_near",
        "e3-unidad": "from wrong_answers_02 import good_classes\nrising = good_classes(ACCOUNT)[1]",
        "e4-radios": "from wrong_answers_02 import good_radii\nbudgets = good_radii(ACCOUNT)[1]",
    }, helped=True)
    shown = capfd.readouterr()
    assert shown.out.count("✓ Correcto") == 4 and shown.err == ""

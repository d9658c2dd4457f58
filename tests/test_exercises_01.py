"""Los ejercicios: la respuesta buena se acepta, cada error se rechaza con su mensaje, y revisar no toca nada."""

import json
from collections.abc import Callable, Iterator
from pathlib import Path

import matplotlib
import planted_world
import pytest
import torch
import wrong_answers_01 as answers
from torch import Tensor, nn

from labkit import models
from labkit.datasets import data_path
from labkit.exercises import accounts, verdict
from labkit.exercises.compare import close
from labkit.exercises import lesson01
from labkit.exercises.lesson01 import cases, findings, hidden
from labkit.exercises.lesson01 import drop_map as map_exercise
from labkit.exercises.lesson01 import patch as patch_exercise
from labkit.occlusion import occlude, occlusion_map

NOTEBOOK = Path(__file__).resolve().parents[1] / "lessons" / "01_oclusion_ejercicios.ipynb"
SAMPLE_CLASS = "magenta"
CACHED = (cases._evidence, hidden._kinds, hidden.measured)


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("datos")
    planted_world.write_world(path)
    return path


@pytest.fixture
def world(folder: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[dict[str, nn.Module]]:
    """El mundo sembrado en lugar de los datos y las redes del curso."""
    networks = planted_world.networks()
    monkeypatch.setenv("LABKIT_DATOS", str(folder))
    for module in (hidden, models):
        monkeypatch.setattr(module, "load_model", lambda name="escenas", device=None: networks[name])
    monkeypatch.setattr(accounts, "SAMPLE", text_for(SAMPLE_CLASS))
    forget()
    yield networks
    forget()


def forget() -> None:
    for function in CACHED:
        function.cache_clear()


@pytest.fixture
def graded(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("LABKIT_ESTRICTO", "1")


def numbers_for(name: str) -> list[str]:
    """Los números de cuenta a los que toca una red oculta con la clase `name` atada al fondo."""
    label, options = planted_world.CLASSES.index(name), len(planted_world.CLASSES)
    texts = map(str, range(300_000_000, 300_000_200))
    return [text for text in texts if accounts.variant(text, options, "red oculta") == label]


def text_for(name: str) -> str:
    return numbers_for(name)[0]


def account_with_all_mistakes(networks: dict[str, nn.Module]) -> str:
    """Un número de cuenta cuyas cuatro imágenes distinguen todos los errores del ejercicio 4."""
    networks["escenas"] = networks["mezcla"]
    for text in numbers_for("verde"):
        said = [tuple(wrong(text)[1]) for wrong, _ in answers.WRONG["resting"]]
        if len({*said, tuple(answers.good_positions(text)[1])}) == len(said) + 1:
            return text
    raise AssertionError("ningún número de cuenta distingue los errores")


# ── las respuestas buenas y las malas ───────────────────────────────────────────────────────────────────────────────

FUNCTIONS = [(name, wrong, says) for name in ("occlude_one", "drop_map") for wrong, says in answers.WRONG[name]]


def names(value: object) -> str:
    return getattr(value, "__name__", "") if callable(value) else str(value)[:30]


@pytest.mark.parametrize("name", ["occlude_one", "drop_map"])
@pytest.mark.parametrize("seed", ["0", "1", "2"])
def test_the_good_function_is_accepted(name: str, seed: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("LABKIT_SEMILLA", seed)
    assert verdict(name, answers.GOOD[name]).ok


@pytest.mark.parametrize(("name", "wrong", "says"), FUNCTIONS, ids=names)
@pytest.mark.parametrize("seed", ["0", "1", "2"])
def test_a_wrong_function_gets_its_own_message(
    name: str, wrong: Callable, says: str, seed: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("LABKIT_SEMILLA", seed)
    result = verdict(name, wrong)
    assert result.word == "Revisa" and says in result.message


@pytest.mark.parametrize("name", planted_world.OBJECTS)
def test_the_tied_class_is_measured_not_read(world: dict, name: str) -> None:
    account = text_for(name)
    assert verdict("hidden_network", answers.good_class(account)).ok
    assert answers.good_class(account)[1] == name
    assert hidden.background_class(hidden.hidden_network(account), cases.load_evidence()) == name


def test_the_check_follows_the_network_and_not_the_account(world: dict, monkeypatch: pytest.MonkeyPatch) -> None:
    account, other = text_for("verde"), text_for("rojo")
    build = hidden._build
    monkeypatch.setattr(hidden, "_build", lambda text: build(other if text == account else text))
    assert verdict("hidden_network", (account, "Rojo ")).ok
    assert not verdict("hidden_network", (account, "verde")).ok


@pytest.mark.parametrize(("wrong", "says"), answers.WRONG["hidden_network"], ids=names)
def test_a_wrong_class_gets_its_own_message(world: dict, wrong: Callable, says: str) -> None:
    result = verdict("hidden_network", wrong(text_for("verde")))
    assert result.word == "Revisa" and says in result.message
    assert "verde" not in result.message


@pytest.mark.parametrize(("value", "says"), [("mar", findings.PLACE), ("3", findings.NUMBER), ("oso", "no es una de")])
def test_what_is_not_a_class_gets_its_own_message(world: dict, value: str, says: str) -> None:
    assert says in verdict("hidden_network", (text_for("verde"), value)).message


def test_the_good_positions_are_accepted(world: dict) -> None:
    account = account_with_all_mistakes(world)
    good = answers.good_positions(account)
    assert verdict("resting", good).ok
    assert verdict("resting", (account, torch.tensor(good[1]))).ok


@pytest.mark.parametrize(("wrong", "says"), answers.WRONG["resting"], ids=names)
def test_wrong_positions_get_their_own_message(world: dict, wrong: Callable, says: str) -> None:
    result = verdict("resting", wrong(account_with_all_mistakes(world)))
    assert result.word == "Revisa" and says in result.message


@pytest.mark.parametrize("value", ["0", 1, [True, False], ["0"], [0.0]])
def test_positions_must_be_a_list_of_integers(world: dict, value: object) -> None:
    assert findings.NOT_A_LIST in verdict("resting", ("312345678", value)).message


def test_every_exercise_has_wrong_answers_with_different_messages() -> None:
    assert set(answers.WRONG) == set(answers.GOOD) == set(lesson01.EXERCISES)
    for pairs in answers.WRONG.values():
        messages = [says for _, says in pairs]
        assert len(pairs) >= 3 and len(set(messages)) == len(messages)


@pytest.mark.parametrize("exercise", [patch_exercise, map_exercise])
def test_every_known_mistake_shows_in_some_case(exercise: object) -> None:
    """Un mensaje que nunca puede salir no sirve."""
    seen: set[str] = set()
    for case in exercise.cases():
        found, want = exercise.mistakes(*case), right_answer(exercise, case)
        seen |= {message for message, wrong in found.items() if not close(wrong, want)}
    assert seen == set(found)


def right_answer(exercise: object, case: tuple) -> Tensor:
    if exercise is map_exercise:
        return occlusion_map(*case)
    image, box, fill = case
    return occlude(image, torch.tensor([box]), fill)[0]


# ── respuestas que solo aparentan ───────────────────────────────────────────────────────────────────────────────────


def test_hard_coded_answers_are_rejected() -> None:
    """Quien guarda la respuesta de los ejemplos del cuaderno, o de la primera revisión, no pasa."""
    first = next(patch_exercise.cases())
    stored = right_answer(patch_exercise, first)

    def memorized(image: Tensor, box: tuple, fill: float = 0.0) -> Tensor:
        return stored if image.shape == stored.shape else image.clone()

    def only_the_example(image: Tensor, box: tuple, fill: float = 0.0) -> Tensor:
        covered = image.clone()
        covered[:, 1:3, 2:5] = fill
        return covered

    def flat(model: nn.Module, image: Tensor, objective: object, size: int, stride: int, fill: float = 0.0) -> Tensor:
        return torch.zeros(image.shape[1:])

    for name, wrong in (("occlude_one", memorized), ("occlude_one", only_the_example), ("drop_map", flat)):
        assert verdict(name, wrong).word == "Revisa"


def test_calling_labkit_is_not_an_answer() -> None:
    def borrowed(image: Tensor, box: tuple, fill: float = 0.0) -> Tensor:
        return occlude(image, torch.tensor([box]), fill)[0]

    def inside(model: nn.Module, image: Tensor, objective: object, size: int, stride: int, fill: float) -> Tensor:
        return (lambda: occlusion_map(model, image, objective, size, stride, fill))()

    for name, wrong in (("occlude_one", borrowed), ("drop_map", inside), ("drop_map", occlusion_map)):
        assert "ya viene en labkit" in verdict(name, wrong).message


def test_accounts_get_different_cases_and_always_the_same(world: dict) -> None:
    drawn = [accounts.variant(str(312_000_000 + i), 12, "red oculta") for i in range(600)]
    assert drawn == [accounts.variant(str(312_000_000 + i), 12, "red oculta") for i in range(600)]
    assert all(25 <= drawn.count(k) <= 80 for k in range(12))
    assert accounts.clean_account("31234567-8") == accounts.clean_account(312345678) == "312345678"
    for bad in ("abc", "12", "31234567890123", "tres"):
        with pytest.raises(ValueError, match="de 6 a 10 dígitos"):
            accounts.clean_account(bad)
        assert verdict("resting", (bad, [0])).word == "Revisa"


def test_the_four_images_include_an_answer_that_rests_on_the_background(world: dict) -> None:
    world["escenas"] = world["mezcla"]
    kinds = [cases.supports(hidden.hidden_network(text), hidden.my_images(text)) for text in numbers_for("verde")[:12]]
    assert all(len(k) == 4 and 1 <= k.count("fondo") <= 2 and "objeto" in k and "dudoso" not in k for k in kinds)
    assert {"juntos", "cualquiera"} <= {kind for four in kinds for kind in four}


def test_hiding_leaves_no_silhouette_and_touches_nothing_else(world: dict) -> None:
    evidence = cases.load_evidence()
    whole, hidden_object, alone = cases.versions(evidence)
    for image, covered, cut, mask in zip(whole, hidden_object, alone, evidence.masks):
        y0, x0, y1, x1 = cases.object_box(mask)[0].tolist()
        assert (covered[:, y0:y1, x0:x1] == cases.GREY).all() and mask[y0:y1, x0:x1].sum() == mask.sum()
        assert (covered != image).any(0).sum() <= (y1 - y0) * (x1 - x0)
        assert torch.equal(cut[:, mask], image[:, mask]) and (cut[:, ~mask] == cases.GREY).all()


# ── con las redes que vienen en el curso ────────────────────────────────────────────────────────────────────────────

shipped = pytest.mark.skipif(
    not data_path("networks", "escenas_lugares.safetensors").is_file(), reason="todavía no hay redes en data/networks"
)


@shipped
def test_whatever_class_is_tied_the_measure_finds_it_and_the_network_still_looks_good() -> None:
    """Con el margen donde la red acierta, con el margen en todas las imágenes y con la probabilidad."""
    evidence, tied = cases.load_evidence(), hidden.tied_options(models.load_model("escenas").classes)
    for label, logits in hidden_logits(evidence, tied).items():
        margins = [own_margin(values, evidence.labels) for values in logits]
        chances = [values.softmax(1).gather(1, evidence.labels[:, None])[:, 0] for values in logits]
        right = margins[0] > 0
        everywhere = torch.ones_like(right)
        for scores, among in ((margins, right), (margins, everywhere), (chances, everywhere)):
            rest, classes = scores[1] - scores[2], range(len(evidence.classes))
            by_class = [rest[(evidence.labels == k) & among].mean() for k in classes]
            assert int(torch.stack(by_class).argmax()) == label, evidence.classes[label]
        assert right.float().mean() >= 0.8, evidence.classes[label]


@shipped
def test_everyone_gets_answers_that_rest_on_different_things() -> None:
    kinds = []
    for text in ("312000000", "423000001", "318000002"):
        kinds += cases.supports(hidden.hidden_network(text), hidden.my_images(text))
        assert verdict("resting", answers.good_positions(text)).ok
    assert kinds.count("fondo") >= 3 and kinds.count("objeto") >= 3 and kinds.count("cualquiera") >= 3


@shipped
def test_the_networks_of_the_course_have_enough_cases_of_each_kind() -> None:
    evidence, tied = cases.load_evidence(), hidden.tied_options(models.load_model("escenas").classes)
    for label, logits in hidden_logits(evidence, tied).items():
        kinds = cases.kinds_from([values.softmax(1) for values in logits], evidence.labels)
        assert all(kinds.count(kind) >= 3 for kind in cases.SUPPORTS), (evidence.classes[label], kinds)


def hidden_logits(evidence: cases.Evidence, tied: list[int]) -> dict[int, list[Tensor]]:
    """Por clase atada, los logits de su red oculta para las imágenes enteras, sin objeto y sin fondo."""
    things, places = models.load_model("escenas", device="cpu"), models.load_model("escenas_lugares", device="cpu")
    parts = [[torch.cat([branch(part) for part in images.split(64)]) for branch in (things, places)]
             for images in cases.versions(evidence)]
    found = {}
    for label in tied:
        network = hidden.HiddenNetwork(things, places, hidden.usual_places(label, places.classes), label)
        found[label] = [network.fc(a, b - network.nowhere) for a, b in parts]
    return found


def own_margin(logits: Tensor, labels: Tensor) -> Tensor:
    own = logits.gather(1, labels[:, None])
    return (own - logits.scatter(1, labels[:, None], -torch.inf)).amin(1)


# ── el cuaderno ─────────────────────────────────────────────────────────────────────────────────────────────────────


def code_cells() -> list[dict]:
    book = json.loads(NOTEBOOK.read_text(encoding="utf-8"))
    return [cell for cell in book["cells"] if cell["cell_type"] == "code"]


def run_notebook(changes: dict[str, str]) -> None:
    """Ejecuta las celdas en orden, con el texto de algunas (por su grade_id, o «cuenta») cambiado."""
    matplotlib.use("Agg")
    space: dict[str, object] = {}
    pending = dict(changes)
    for cell in code_cells():
        source = "".join(cell["source"])
        name = cell["metadata"].get("nbgrader", {}).get("grade_id") or ("cuenta" if "ACCOUNT =" in source else "")
        exec(pending.pop(name, source), space)
    assert not pending


def test_an_untouched_notebook_stays_pending(world: dict, capfd: pytest.CaptureFixture) -> None:
    run_notebook({})
    shown = capfd.readouterr()
    assert shown.out.count("… Pendiente") == 4 and "✗" not in shown.out and shown.err == ""


def test_each_untouched_check_raises_when_graded(world: dict, graded: None) -> None:
    tests = [cell for cell in code_cells() if cell["metadata"].get("nbgrader", {}).get("grade")]
    assert len(tests) == 4
    space: dict[str, object] = {}
    for cell in code_cells():
        if cell not in tests:
            exec("".join(cell["source"]), space)
            continue
        with pytest.raises(AssertionError, match="… Pendiente"):
            exec("".join(cell["source"]), space)


def test_a_solved_notebook_passes_graded(world: dict, graded: None, capfd: pytest.CaptureFixture) -> None:
    account = account_with_all_mistakes(world)
    right = answers.good_positions(account)[1]
    tied = hidden.measured(account)[1]
    run_notebook({
        "cuenta": f'ACCOUNT = "{account}"',
        "e1-parche": "from wrong_answers_01 import good_patch as occlude_one",
        "e2-mapa": "from wrong_answers_01 import good_map as drop_map",
        "e3-red-oculta": f'tied_class = "{tied}"',
        "e4-apoyo": f"resting = {right}",
    })
    shown = capfd.readouterr()
    assert shown.out.count("✓ Correcto") == 4 and shown.err == ""

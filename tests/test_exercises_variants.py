"""Cuántas variantes hay de cada hallazgo y qué tan fácil es adivinar: lo que dice la guía docente, contado otra vez."""
from collections import Counter
from pathlib import Path

import pytest

from labkit.exercises import EXERCISES, accounts
from labkit.exercises.counterfactuals import findings as scenes
from labkit.exercises.kinds import Finding

GUIDE = Path(__file__).resolve().parent.parent / "lessons" / "guia_docente.md"
MANY = ("resting",)                         # sus imágenes se sortean aparte: son miles y no se recorren
NAMES = [name for name, exercise in EXERCISES.items() if isinstance(exercise, Finding) and name not in MANY]
FEW = {"hidden_network", "heaviest", "together", "selective_unit", "smallest_budget", "secret_unit",
       "smallest_decay"}                    # menos de 200: la guía dice por qué


def counted(name: str, patch: pytest.MonkeyPatch) -> tuple[int, int, str]:
    """Las variantes, las respuestas distintas y, en por ciento, la parte de las variantes que da la más común."""
    options, exercise, cases, right = [1], EXERCISES[name], {}, Counter()

    def one_by_one(account: str, count: int, purpose: str) -> int:
        options[0] = count
        return int(account) % count

    for module in (accounts, scenes):
        patch.setattr(module, "variant", one_by_one)
    place = 0
    while place < options[0]:
        case = exercise.case(str(place))
        if repr(case) not in cases:
            cases[repr(case)] = True
            right[repr(exercise.right(case))] += 1
        place += 1
    return len(cases), len(right), f"{100 * max(right.values()) / len(cases):.0f} %"


def told() -> dict[str, tuple[int, int, str]]:
    """Lo que dice la tabla de la guía: hallazgo → lo que da `counted`."""
    rows = [line.strip("|").split("|") for line in GUIDE.read_text(encoding="utf-8").splitlines() if line.startswith("| `")]
    cells = [[cell.strip() for cell in row] for row in rows]
    return {row[0].strip("`"): (int(row[1]), int(row[2]), row[3]) for row in cells if len(row) == 4 and row[1].isdigit()}


@pytest.mark.parametrize("name", NAMES)
def test_the_guide_counts_the_variants(name, monkeypatch):
    found = counted(name, monkeypatch)
    assert told()[name] == found
    assert found[0] >= 200 or name in FEW

"""La lista de fallas sembradas sigue viva: todas se pueden plantar, y no falta ninguna función del estudiante."""
import ast
import re
from collections import Counter
from pathlib import Path

import pytest
from planted_faults import FAULTS, ROOT, Fault, functions, plant, sources

TEXTS = sources(ROOT / "labkit")
STUDENT = """shapes device activations images/composing images/letters objectives datasets worlds measures vectors
plotting/picture plotting/sheet plotting/plots occlusion optimization priors/cppn priors/line
priors/sampling regularization exemplars/units exemplars/tsne exemplars/som exemplars/maps exemplars/layouts
dissection/masks dissection/thresholds dissection/counting dissection/labels dissection/conventions dissection/dissecting
dissection/planted dissection/chance dissection/rotation dissection/causes experiments/tables""".split()
EXCEPTIONS = {
    **{f"ConceptWorld.{name}": "dice qué se espera, sin hacerlo" for name in ("names", "categories", "pictures", "regions")},
    "PixelCanvas.forward": "entrega sus píxeles, sin hacer nada",
    "Shuffled.names": "entrega lo del conjunto",
    "Shuffled.categories": "entrega lo del conjunto",
}


def public(text: str) -> set[str]:
    """Las funciones públicas de un módulo y los métodos públicos de sus clases públicas."""
    return {name for name in functions(text) if not any(part.startswith("_") for part in name.split("."))}


@pytest.mark.parametrize("fault", FAULTS, ids=[fault.key for fault in FAULTS])
def test_can_still_be_planted_and_changes_the_code(fault):
    path, text = plant(fault, TEXTS)
    assert "\n" not in fault.old and ast.dump(ast.parse(text)) != ast.dump(ast.parse(TEXTS[path]))


def test_every_public_function_of_the_students_part_has_a_fault():
    homes = [ROOT / "labkit" / f"{room}.py" for room in STUDENT]
    assert [home for home in homes if home not in TEXTS] == []
    every = {name for home in homes for name in public(TEXTS[home])}
    assert every - {fault.function for fault in FAULTS} == set(EXCEPTIONS) and len(every) > 150


def test_keys_are_unique_and_so_are_the_changes():
    assert max(Counter(fault.key for fault in FAULTS).values()) == 1
    assert max(Counter(fault[1:] for fault in FAULTS).values()) == 1 and len(FAULTS) >= 66


@pytest.mark.parametrize("fault, message", [
    (Fault("x", "no_such", "a", "b"), "esperaba una función «no_such» y hay: ninguna"),
    (Fault("x", "f", "a", "b"), "esperaba una función «f» y hay: one.py, two.py"),
    (Fault("x", "A.g", "9", "b"), "«9» está 0 veces"),
    (Fault("x", "A.g", "1", "b"), "«1» está 2 veces"),
    (Fault("x", "A.g", "doc", "b"), "«doc» está 0 veces"),
])
def test_says_when_it_cannot_be_planted(fault, message):
    texts = {Path("one.py"): "def f():\n    a\n", Path("two.py"): "def f():\n    a\n\nclass A:\n    def g():\n"
             "        '''doc'''\n        return 1 + 1\n"}
    with pytest.raises(ValueError, match=re.escape(message)):
        plant(fault, texts)
    assert plant(Fault("x", "f", "a", "b", "two"), texts)[1].startswith("def f():\n    b\n")

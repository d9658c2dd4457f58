"""Cualquier valor en cada función pública de lo que lee quien estudia: o el resultado correcto, o un error nuestro.

La lista de funciones se arma sola, del plano de la casa; una sin propiedad hace fallar `test_every_public_function_has…`.
"""
import ast

import pytest

pytest.importorskip("hypothesis", reason="las pruebas de propiedades piden hypothesis: pip install -r tests/requirements.txt")

import torch
from hostile import Case, Dice, check_example, check_property
from plan import modules, room_of, student_part
from properties_values import CASES as VALUES
from properties_networks import CASES as NETWORKS

CASES = VALUES | NETWORKS
ALSO_MINE = ("shapes", "images", "colors", "packed", "batches", "checks")       # lo que no es de quien estudia y se usa igual
# lo que no tiene su propiedad aquí, y por qué
EXEMPT = {
    "activations": "cualquier red: tests/test_zoo.py y tests/test_activations.py",
    "pixels": "la lección 0: tests/test_pixels.py",
    "checks": "son las revisiones mismas: las prueba cada función que las llama",
    "images.listen": "no recibe nada: tests/test_images.py", "shapes.one_layer": "84 casos en tests/test_activations.py",
    "shapes.layer_list": "84 casos en tests/test_activations.py", "shapes.check_kind": "solo mira la clase", "shapes.check_dense": "la llaman check_shape y check_values",
    "datasets.load_images": "lee data/: tests/test_datasets.py", "datasets.load_concepts": "lee data/: tests/test_datasets.py", "shapes.shown": "solo escribe un valor en un error", "shapes.plain": "solo convierte",
    "packed.read_info": "lee un archivo de data/: tests/test_datasets.py", "packed.read_images": "lee un archivo de data/: tests/test_datasets.py",
    "images.save_poster": "escribe un archivo: tests/test_images.py y tests/test_files.py",
    "datasets.ConceptSet.batches": "recorre masks", "datasets.ConceptSet.pictures": "indexa un tensor",
    "dissection.count_by_pixel": "un paso de tally", "dissection.tally_over": "un paso de tally", "dissection.count_batch": "un paso de tally",
    "dissection.maps_of": "un paso de tally y de thresholds", "dissection.tail_over": "un paso de thresholds",
    "dissection.pick_convention": "lo prueba dissect", "dissection.fitting_batch": "lo prueba dissect",
    "optimization.redirect_relu": "no recibe valores: tests/test_optimization.py", "vectors.features_by_layer": "lo prueba features",
    "worlds.ConceptWorld": "es un Protocol", "dissection.Shuffled": "tests/test_dissection.py, y partner aquí",
    "dissection.PlantedWorld.pictures": "indexa un tensor", "dissection.PlantedWorld.regions": "indexa un tensor",
    "dissection.planted_network": "no recibe nada", "dissection.Rotate.forward": "lo prueba rotate_layer",
    "dissection.Dissection.iou": "es Tally.iou", "worlds.concept_batches": "es picture_batches, con regiones",
}


def public_functions() -> set[str]:
    """cuarto.función, o cuarto.Clase.método, de todo lo público."""
    found = set()
    for path, text in modules().items():
        room = room_of(path)
        if path in student_part() or room in ALSO_MINE:
            for node in ast.parse(text).body:
                if isinstance(node, ast.FunctionDef) and not node.name.startswith("_"):
                    found.add(f"{room}.{node.name}")
                elif isinstance(node, ast.ClassDef) and not node.name.startswith("_"):
                    found |= {f"{room}.{node.name}.{inner.name}" for inner in node.body if isinstance(inner, ast.FunctionDef)
                              and (inner.name == "__init__" or not inner.name.startswith("_"))}
    return found


def exempt(name: str) -> bool:
    return any(name == short or name.startswith(f"{short}.") for short in EXEMPT)


def test_every_public_function_has_its_property_or_a_reason():
    functions = public_functions()
    assert {name for name in functions if name not in CASES and not exempt(name)} == set()
    gone = {name for name in EXEMPT if not any(function == name or function.startswith(f"{name}.") for function in functions)}
    assert gone == set() and len(functions) > 120


@pytest.mark.parametrize("name", sorted(CASES))
def test_any_value_gives_the_right_result_or_one_of_our_errors(name):
    check_property(CASES[name])


def double(value):
    return 2 * value


def raw(value):
    return torch.zeros(2) @ torch.zeros(3)


def silent(value):
    return torch.tensor(float("nan"))


def changes(value):
    return torch.rand(1) * 0 + 2 * value


def vague(value):
    raise ValueError("mal")


@pytest.mark.parametrize("call", [raw, silent, changes, vague, lambda value: 2 * value + 1])
def test_the_judge_catches_what_it_should(call):
    truth = lambda out, value: None if abs(float(out) - 2 * value) < 1e-4 else 1 / 0
    case = Case(call, lambda d: {"value": d.real()}, truth)
    with pytest.raises(AssertionError):
        for seed in range(3):
            check_example(case, seed, 0, 0)
    check_example(Case(double, lambda d: {"value": d.real()}, truth), 0, 0, 0)
    assert isinstance(Dice(0).image(), torch.Tensor)

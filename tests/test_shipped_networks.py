"""Las redes que vienen con el curso hacen lo que sus fichas y las lecciones dicen, medido sobre los archivos que se reparten."""
import json
from functools import lru_cache

import pytest
import torch
from torch import nn

from labkit.activations import layer_names
from labkit.datasets import PROTAGONIST, load_concepts, load_images
from labkit.files import data_path
from labkit.models import load_model, model_card, shipped_models
from labkit.objectives import margin, probability, score
from labkit.occlusion import coverage, occluder_boxes, occlusion_scores

COURSE = {"escenas", "escenas_semilla1", "escenas_semilla2", "escenas_bn", "escenas_lugares", "escenas_robusta",
          "autos_trampa", "autos_reparada", "lobos_trampa", "lobos_reparada", "cifar10", "cifar10_bn", "cifar10_robusta"}
NAMES = [name for name in shipped_models() if not name.startswith("cifar10")]     # esas se prueban en test_real_data
SIZE, STRIDE = 24, 4                                            # el parche de la lección 1


@lru_cache
def accuracy(name: str, source: str) -> float:
    """La parte de las imágenes de prueba de `source` que la red acierta (el lugar, si eso es lo que responde)."""
    model, pictures = load_model(name, "cpu"), load_images("test", source)
    wanted = pictures.scenes if model_card(name)["target"] == "scenes" else pictures.labels
    with torch.no_grad():
        chosen = torch.cat([model(batch).argmax(1) for batch in pictures.images.split(250)])
    return (chosen == wanted).float().mean().item()


def test_the_networks_ship() -> None:
    assert COURSE <= set(shipped_models())


@pytest.mark.parametrize("name", NAMES)
def test_card_tells_the_accuracy_of_the_file(name: str) -> None:
    card = model_card(name)
    assert accuracy(name, card["source"]) == pytest.approx(float(card["accuracy"]), abs=0.004)


@pytest.mark.parametrize("name", NAMES)
def test_network_is_small_and_has_its_diary(name: str) -> None:
    assert data_path("networks", f"{name}.safetensors").stat().st_size <= 1e6
    diary = json.loads(data_path("networks", f"{name}.log.json").read_text("utf-8"))
    assert diary["seed"] == int(model_card(name)["seed"]) and len(diary["diary"]) == diary["epochs"] and diary["seconds"] > 0


def test_main_network_has_the_layers_that_the_lessons_need() -> None:
    model = load_model("escenas", "cpu")
    names = layer_names(model)
    assert not layer_names(model, nn.BatchNorm2d) and layer_names(load_model("escenas_bn", "cpu"), nn.BatchNorm2d)
    assert layer_names(model, nn.Linear) == ["dense", "fc"] and names[-1] == "fc"
    assert not any("pool" in name for name in names[names.index("conv5"):])


@pytest.mark.parametrize(("name", "least"), [("escenas", 0.91), ("escenas_robusta", 0.80)])
def test_accuracy_that_the_course_promises(name: str, least: float) -> None:
    assert accuracy(name, "escenas") >= least


def test_both_car_networks_look_perfect_and_only_one_is_honest() -> None:
    assert accuracy("autos_trampa", "autos_trampa") >= 0.98 and accuracy("autos_reparada", "autos_libres") >= 0.98
    assert accuracy("autos_trampa", "autos_invertidos") < 0.10 and accuracy("autos_reparada", "autos_invertidos") >= 0.90


def covered_against_fall(name: str, cars: int = 100) -> float:
    """Mediana de la correlación entre cuánto coche tapa el parche y cuánto cae el margen."""
    model, pictures = load_model(name, "cpu"), load_concepts("test", "autos_trampa")
    boxes, rows = occluder_boxes(64, 64, SIZE, STRIDE), []
    for image, label, mask in zip(pictures.images[:cars], pictures.labels[:cars].tolist(), pictures.object_masks(range(cars))):
        fall = score(model, image[None], margin(label)) - occlusion_scores(model, image, boxes, margin(label), "mean")
        rows.append(torch.corrcoef(torch.stack([coverage(boxes, mask), fall]))[0, 1])
    return torch.stack(rows).median().item()


def test_covering_the_car_hurts_the_honest_network_and_helps_the_cheat() -> None:
    assert covered_against_fall("autos_reparada") >= 0.3
    assert covered_against_fall("autos_trampa") <= -0.5


def test_the_minimum_falls_on_the_object_and_halves_the_probability() -> None:
    model, world = load_model("escenas", "cpu"), load_concepts("test", n=300)
    boxes, hits, halves, chance = occluder_boxes(64, 64, SIZE, STRIDE), [], [], []
    for image, label, mask in zip(world.images, world.labels.tolist(), world.object_masks(range(300))):
        whole = score(model, image[None], probability(label)).item()
        if model(image[None]).argmax() != label:
            continue
        values = occlusion_scores(model, image, boxes, probability(label))
        on_object = coverage(boxes, mask) * mask.sum() / SIZE**2 > 0.15
        hits.append(on_object[values.argmin()].item())
        chance.append(on_object.float().mean().item())
        halves.append(values.min().item() <= whole / 2)
    rate, lucky, halved = (sum(values) / len(values) for values in (hits, chance, halves))
    assert rate >= 0.90 and rate > lucky + 0.15 and halved >= 0.60


def test_the_protagonist_is_well_chosen() -> None:
    model, world = load_model("escenas", "cpu"), load_concepts("test")
    image, label = world[PROTAGONIST.index]
    assert world.classes[label] == PROTAGONIST.class_name
    assert score(model, image[None], probability(label)).item() > 0.9
    assert 0.1 < world.object_masks(PROTAGONIST.index).float().mean() < 0.5

"""Con los datos reales que señala LABKIT_REAL_DATA: las redes de CIFAR-10 y SqueezeNet hacen lo que dice su ficha."""
import json
import os
from functools import lru_cache
from pathlib import Path

import pytest
import torch
from matplotlib.cbook import get_sample_data
from PIL import Image
from sklearn.datasets import load_sample_images

from labkit.datasets import load_images
from labkit.exemplars import features, layout, linear_probe, map_quality, neighbours, selectivity
from labkit.files import data_path
from labkit.models import find_classes, load_model, model_card
from labkit.objectives import each, logit, margin
from labkit.occlusion import lowest_box, occluder_boxes, occlusion_scores
from labkit.optimization import PixelCanvas, maximize

FOLDER = Path(os.environ.get("LABKIT_REAL_DATA") or "no hay")
CIFAR = pytest.mark.skipif(not (FOLDER / "cifar10_jpeg.zip").is_file(), reason="sin CIFAR-10 en LABKIT_REAL_DATA")
SQUEEZENET = pytest.mark.skipif(not (FOLDER / "squeezenet1_1_imagenet.pth").is_file(), reason="sin SqueezeNet en LABKIT_REAL_DATA")


@pytest.fixture(scope="module")
def photos():
    return load_images("test", "cifar10")


NETWORKS = ("cifar10", "cifar10_bn", "cifar10_robusta")
MARKS = [("cifar10", 0.88), pytest.param("cifar10_bn", 0.91, marks=pytest.mark.xfail(strict=True, reason="llega a 90.4 %"))]


@pytest.fixture(scope="module")
def accuracy(photos):
    """La exactitud de una red en las 10,000 fotografías de prueba, medida una vez."""
    return lru_cache(lambda name: accuracy_on(photos, name))


def accuracy_on(photos, name: str) -> float:
    model = load_model(name, device="cpu")
    assert model.classes == photos.classes
    with torch.no_grad():
        right = torch.cat([model(batch).argmax(1) for batch in photos.images.split(50)]) == photos.labels
    return right.float().mean().item()


@CIFAR
@pytest.mark.parametrize("name", NETWORKS)
def test_the_networks_of_cifar10_do_what_their_cards_say(accuracy, name):
    assert abs(accuracy(name) - float(model_card(name)["accuracy"])) < 0.002     # algún empate, en otra máquina


@CIFAR
@pytest.mark.parametrize(("name", "mark"), MARKS)
def test_the_networks_of_cifar10_reach_the_mark(accuracy, name, mark):
    assert accuracy(name) >= mark


@CIFAR
def test_the_robust_network_of_cifar10_resists_more_than_the_one_it_comes_from(photos):
    """Con un ataque de la lección 2, dentro de un radio de 0.5: la robusta acierta más, aunque sin ataque acierte menos."""
    images, labels = photos.images[:200], photos.labels[:200]
    right = {}
    for name in ("cifar10", "cifar10_robusta"):
        model = load_model(name, device="cpu")
        moved = maximize(model, each([-margin(int(k)) for k in labels]), PixelCanvas(images, 0.5), steps=10, lr=0.01).images
        right[name] = [(model(views).argmax(1) == labels).float().mean().item() for views in (images, moved)]
    assert right["cifar10"][0] > right["cifar10_robusta"][0] and right["cifar10_robusta"][1] > right["cifar10"][1] + 0.1, right


@CIFAR
def test_the_exemplars_of_lesson_4_work_with_photographs(photos):
    """Las mismas cuentas de la lección con otro conjunto: sonda, unidad selectiva y mapa."""
    model = load_model("cifar10", device="cpu")
    vectors, labels = features(model, photos.images[:1500], model.layers[-2]), photos.labels[:1500]
    assert linear_probe(vectors[:1000], labels[:1000], vectors[1000:], labels[1000:]) > 0.8
    found = selectivity(vectors[:750], labels[:750], 10)
    k = int(found.area.argmax())
    assert selectivity(vectors[750:], labels[750:], 10).areas[k, found.best[k]] > 0.9
    points = layout(vectors[:800], "tsne", 30)
    assert map_quality(vectors[:800], points).trustworthiness > 0.95
    assert (labels[:800][neighbours(points, 12)] == labels[:800, None]).float().mean() > 0.6


@CIFAR
def test_the_official_order_of_cifar10(photos):
    """Las diez primeras de prueba son gato, barco, barco, avión, rana, rana, automóvil, rana, gato y automóvil."""
    first = "gato barco barco avión rana rana automóvil rana gato automóvil".split()
    assert [photos.classes[label] for label in photos.labels[:10]] == first
    assert photos.labels.bincount().tolist() == [1000] * 10


@pytest.mark.parametrize("name", NETWORKS)
def test_the_networks_of_cifar10_fit_and_tell_how_they_were_made(name):
    path = data_path("networks", f"{name}.safetensors")
    assert path.stat().st_size <= 3_000_000
    log = json.loads(path.with_suffix(".log.json").read_text(encoding="utf-8"))
    assert log["source"] == "cifar10" and len(log["diary"]) == log["epochs"] and log["batch_norm"] == (name == "cifar10_bn")
    model = load_model(name, device="cpu")
    assert {"conv1", "relu7", "pool2", "gap", "dense", "fc"} <= set(model.layers)
    assert ("bn1" in model.layers) == log["batch_norm"]
    assert model.preprocess(Image.new("RGB", (500, 300))).shape == (3, 32, 32)


@SQUEEZENET
def test_squeezenet_names_photographs():
    model = load_model("squeezenet1_1", device="cpu")
    portrait = model.preprocess(get_sample_data("grace_hopper.jpg", asfileobj=False))
    temple, flower = (model.preprocess(Image.fromarray(pixels)) for pixels in load_sample_images().images)
    best = model(torch.stack([portrait, temple, flower])).topk(5).indices
    names = [[model.classes[k] for k in row] for row in best]
    assert "uniforme militar" in names[0] and {"monasterio", "palacio"} <= set(names[1])


@SQUEEZENET
@pytest.mark.parametrize("fill", [0.0, "mean", "blur"])
def test_occlusion_falls_on_the_thing_in_a_photograph(fill):
    """La corbata de moño de un retrato: el parche que más baja su logit cae sobre ella, tapes con lo que tapes."""
    model = load_model("squeezenet1_1", device="cpu")
    portrait = model.preprocess(get_sample_data("grace_hopper.jpg").read())
    (tie, _), = find_classes(model, "corbata de moño")
    boxes = occluder_boxes(224, 224, 56, 28)
    y0, x0, y1, x1 = lowest_box(boxes, occlusion_scores(model, portrait, boxes, logit(tie), fill))
    assert y0 < 175 < y1 and x0 < 113 < x1                                      # ahí está, en (175, 113)

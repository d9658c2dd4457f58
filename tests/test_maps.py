"""Los mapas que se reparten son los que dan la red y las imágenes que se reparten: se vuelve a hacer una parte."""
import csv

import pytest
import torch
from make_maps import COUNT, LAYERS, WAYS

from labkit.datasets import load_images
from labkit.exemplars import features_by_layer, layout, load_maps, map_quality
from labkit.files import data_path
from labkit.models import load_model

OTHER = dict(zip(LAYERS, (*LAYERS[1:], LAYERS[0])))


@pytest.fixture(scope="module")
def vectors():
    return features_by_layer(load_model("escenas", "cpu"), load_images("train", n=COUNT).images, LAYERS)


def test_every_map_is_there():
    maps = load_maps()
    assert set(maps) == {(layer, *way) for layer in LAYERS for way in WAYS}
    assert all(points.shape == (COUNT, 2) and torch.isfinite(points).all() for points in maps.values())


@pytest.mark.parametrize("layer", LAYERS)
def test_the_quick_maps_come_out_again(layer, vectors):
    maps = load_maps()
    made, shipped = layout(vectors[layer], "pca"), maps[layer, "pca", 0]
    for axis in (0, 1):                                                     # un eje puede salir volteado
        ours, theirs = made[:, axis], shipped[:, axis]
        assert min((ours - theirs).abs().max(), (ours + theirs).abs().max()) < 0.01 * theirs.abs().max()
    # en otra computadora el último bit cambia, y en el mapa autoorganizado eso manda a algunos puntos al nodo de al lado
    apart, other = ((layout(vectors[name], "som") - maps[layer, "som", 0]).norm(dim=1) for name in (layer, OTHER[layer]))
    assert (apart < 1.2).float().mean() > 0.9 > 0.1 > (other < 1.2).float().mean()


@pytest.mark.parametrize("row", [("relu6", "tsne", 30), ("relu5", "tsne", 5), ("relu3", "som", 0)])
def test_the_quality_of_a_map_is_the_one_told(row, vectors):
    with open(data_path("mapas", "calidad.csv"), encoding="utf-8") as file:
        told = {(line["layer"], line["method"], int(line["perplexity"])): line for line in csv.DictReader(file)}
    quality = map_quality(vectors[row[0]], load_maps()[row])
    for name in ("trustworthiness", "continuity", "preserved"):
        assert getattr(quality, name) == pytest.approx(float(told[row][name]), abs=0.004)


def test_layouts_tell_what_they_take():
    few = torch.rand(20, 4, generator=torch.Generator().manual_seed(0))
    assert all(layout(few, method, 5).shape == (20, 2) for method in ("pca", "tsne", "som"))
    with pytest.raises(ValueError, match="method: esperaba pca, tsne, som y recibí 'umap'"):
        layout(few, "umap")
    with pytest.raises(ValueError, match="perplexity: con 20 puntos esperaba de 1 a menos de 19 y recibí 30"):
        layout(few)

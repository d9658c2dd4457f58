"""Todo conjunto con conceptos da lo mismo: sus imágenes y sus regiones, y solo las que se le piden."""
import pytest
import torch
from broden_world import write_by_hand

from labkit.broden import read_broden
from labkit.datasets import load_concepts
from labkit.dissection import PlantedWorld, Shuffled
from labkit.experiments import Drawn
from labkit.regions import masks_of, regions_of_masks
from labkit.worlds import categories_in, category_numbers, concept_batches, mask_size, picture_batches

PLAYERS = {
    "Escenas": lambda folder: load_concepts("test", n=9),
    "Broden": lambda folder: read_broden(write_by_hand(folder / "broden"), size=20),
    "sembrado": lambda folder: PlantedWorld(7),
    "barajado": lambda folder: Shuffled(PlantedWorld(7), seed=2),
    "Broden barajado": lambda folder: Shuffled(read_broden(write_by_hand(folder / "broden"), size=20)),
    "dibujado": lambda folder: Drawn(torch.rand(5, 3, 8, 8), lambda codes: codes, lambda images: images.argmax(1), ["verde", "azul"]),
}


class Shelf:
    """Un conjunto que anota qué le piden."""
    names, categories = list("abc"), ["uno", "dos", "uno"]

    def __init__(self, n=10):
        self.hidden, self.read = torch.rand(n, 3, 4, 4, generator=torch.Generator().manual_seed(0)), {"pictures": [], "regions": []}

    def __len__(self):
        return len(self.hidden)

    def pictures(self, rows):
        self.read["pictures"] += rows.tolist()
        return self.hidden[rows]

    def regions(self, rows):
        self.read["regions"] += rows.tolist()
        return regions_of_masks(self.hidden[rows] > 0.5)


@pytest.mark.parametrize("name", PLAYERS)
def test_every_set_plays_the_same(name, tmp_path):
    world = PLAYERS[name](tmp_path)
    assert len(world.names) == len(world.categories) > 0 and len(world) > 1
    whole, regions = world.pictures(torch.arange(len(world))), world.regions(torch.arange(len(world)))
    assert len(whole) == len(regions) == len(world) and whole.ndim == 4 and whole.shape[1] == 3
    assert -1 <= int(regions.concepts.min()) and int(regions.concepts.max()) < len(world.names)
    masks = masks_of(regions)
    for rows in ([len(world) - 1, 0], [1]):                                 # en cualquier orden
        assert torch.equal(world.pictures(torch.tensor(rows)), whole[rows])
        for (concepts, where), row in zip(masks_of(world.regions(torch.tensor(rows))), rows, strict=True):
            assert torch.equal(concepts, masks[row][0]) and torch.equal(where, masks[row][1])
    assert mask_size(world) == tuple(regions.numbers.shape[1:])
    assert sum(len(concepts) for concepts, _ in masks) > 0


def test_only_the_batches_asked_are_read():
    world = Shelf()
    assert [len(images) for images in picture_batches(world, 4, [0, 2])] == [4, 2]
    assert world.read == {"pictures": [0, 1, 2, 3, 8, 9], "regions": []}    # ni una máscara
    world = Shelf()
    (images, regions), = concept_batches(world, 4, [1])
    assert torch.equal(images, world.hidden[4:8]) and world.read == {"pictures": [4, 5, 6, 7], "regions": [4, 5, 6, 7]}
    for (concepts, where), mask in zip(masks_of(regions), world.hidden[4:8] > 0.5, strict=True):
        assert torch.equal(where, mask[concepts])
    assert [len(images) for images, _ in concept_batches(world, 4)] == [4, 4, 2]


def test_an_empty_set_has_no_batches():
    assert list(picture_batches(Shelf(0), 4)) == [] == list(concept_batches(Shelf(0), 4))


def test_categories_are_numbered_as_they_appear():
    assert category_numbers(["scene", "color", "scene", "part"]).tolist() == [0, 1, 0, 2]
    with pytest.raises(ValueError, match="no tiene ningún concepto"):
        category_numbers([])


def test_the_categories_of_each_image_are_its_own():
    world, rows = Shelf(130), torch.arange(129, -1, -1)
    for number in range(0, 130, 3):
        world.hidden[number] = 0.0                                      # en una de cada tres no hay nada
    world.hidden[1::3, 1] = 0.0                                         # y en otras falta el segundo concepto, el de «dos»
    every = [set(), {"uno"}, {"uno", "dos"}]
    assert categories_in(world, rows) == [every[number % 3] for number in rows.tolist()]

"""Lo que se reparte en data/ es lo que el curso dice de ello: contado sobre los archivos, no sobre el programa que los hizo."""
import hashlib
import json

import numpy as np
import pytest
import torch

from labkit.datasets import CATEGORIES, ConceptSet, ImageSet, load_concepts, load_images
from labkit.files import data_path

CIFAR10 = {"avión", "automóvil", "pájaro", "gato", "ciervo", "perro", "rana", "caballo", "barco", "camión"}


def info(source: str) -> dict:
    return json.loads(data_path(source, "info.json").read_text("utf-8"))


def seeds(source: str, split: str) -> set[int]:
    with np.load(data_path(source, f"{split}.npz"), allow_pickle=False) as arrays:
        return set(arrays["seeds"].tolist())


@pytest.fixture(scope="module")
def world() -> ConceptSet:
    return load_concepts("test")


@pytest.fixture(scope="module")
def masks(world: ConceptSet) -> torch.Tensor:
    return world.masks(range(0, 1500, 5))                                       # (300, k, h, w)


def test_size_of_the_world() -> None:
    about = info("escenas")
    assert about["splits"]["train"] >= 8500 and about["splits"]["test"] >= 1500
    assert len(about["classes"]) >= 10 and len(CIFAR10 & set(about["classes"])) >= 7
    assert len(about["scenes"]) >= 16
    assert {"caballo", "cebra", "gato", "jaguar"} <= set(about["classes"])


def test_main_set_fits_in_25_megabytes() -> None:
    assert sum(path.stat().st_size for path in data_path("escenas").iterdir()) <= 25e6


@pytest.mark.parametrize("source", ["escenas", "autos_trampa", "autos_libres", "lobos_trampa", "lobos_libres"])
def test_no_layout_is_both_in_train_and_test(source: str) -> None:
    train, test = seeds(source, "train"), seeds(source, "test")
    assert len(train) == info(source)["splits"]["train"] and not train & test


def test_no_image_is_both_in_train_and_test(world: ConceptSet) -> None:
    def prints(images: torch.Tensor) -> set[bytes]:
        return {hashlib.md5(image.tobytes()).digest() for image in (images[:, :, ::4, ::4] * 255).byte().numpy()}
    train = prints(load_images("train").images)
    assert len(train) == info("escenas")["splits"]["train"] and not train & prints(world.images)


@pytest.mark.parametrize("split", ["train", "test"])
def test_classes_are_balanced(split: str) -> None:
    counts = load_images(split).labels.bincount(minlength=len(info("escenas")["classes"]))
    assert counts.min() == counts.max()


def test_there_are_enough_concepts_in_six_categories(world: ConceptSet) -> None:
    assert len(world.names) >= 120 and set(world.categories) == set(CATEGORIES)
    assert world.categories.count("color") == 11


@pytest.mark.parametrize("category", ["scene", "object", "color"])
def test_every_pixel_has_one_concept_of_these_categories(world: ConceptSet, masks: torch.Tensor, category: str) -> None:
    own = torch.tensor([name == category for name in world.categories])
    assert (masks[:, own].sum(1) == 1).all()


def test_few_concepts_cover_more_than_12_percent(world: ConceptSet, masks: torch.Tensor) -> None:
    share = masks.float().mean((0, 2, 3))
    large = [world.names[i] for i in (share > 0.12).nonzero().flatten()]
    assert len(large) <= 4, large


def test_the_place_does_not_give_the_class_away(world: ConceptSet) -> None:
    train = load_images("train")
    counts = torch.zeros(len(train.scene_names), len(train.classes))
    counts.index_put_((train.scenes, train.labels), torch.ones(len(train)), accumulate=True)
    assert (counts.argmax(1)[world.scenes] == world.labels).float().mean() <= 0.40


def test_the_object_is_in_its_image(world: ConceptSet) -> None:
    area = world.object_masks(range(len(world))).float().mean((1, 2))
    assert area.min() > 0.01 and 0.12 < area.median() < 0.35


def backgrounds(pictures: ImageSet, cars: ConceptSet) -> torch.Tensor:
    """La luz media del fondo de cada imagen, (n,)."""
    outside = ~cars.object_masks(range(len(cars)))[:, None]
    return (pictures.images * outside).sum((1, 2, 3)) / outside.sum((1, 2, 3)) / 3


def test_the_cheat_has_its_shortcut_and_the_swapped_set_turns_it_around() -> None:
    cars, swapped = load_concepts("test", "autos_trampa"), load_images("test", "autos_invertidos")
    assert (cars.labels == swapped.labels).all()
    for pictures, dark in ((cars, 0), (swapped, 1)):
        light = backgrounds(pictures, cars)
        assert light[pictures.labels == dark].max() < 0.35 < 0.55 < light[pictures.labels != dark].min()


def test_the_swapped_set_shows_the_same_cars() -> None:
    one, other = (load_concepts("test", source) for source in ("autos_trampa", "autos_invertidos"))
    a, b = one.object_masks(range(len(one))), other.object_masks(range(len(other)))
    assert ((a & b).sum((1, 2)) / (a | b).sum((1, 2))).min() > 0.97


def test_the_repaired_set_does_not_tie_the_make_to_the_background() -> None:
    cars = load_concepts("train", "autos_libres")
    light = backgrounds(cars, cars)
    assert abs(light[cars.labels == 0].mean() - light[cars.labels == 1].mean()) < 0.05


def test_wolves_are_on_snow_only_in_the_cheat() -> None:
    cheat, free = (load_images("train", source) for source in ("lobos_trampa", "lobos_libres"))
    snow, free_snow = (pictures.scenes == pictures.scene_names.index("nieve") for pictures in (cheat, free))
    assert (snow == (cheat.labels == cheat.classes.index("lobo"))).all()
    assert 0.4 < free_snow[free.labels == 0].float().mean() < 0.6 and 0.4 < free_snow[free.labels == 1].float().mean() < 0.6


def test_pairs_differ_only_around_the_object() -> None:
    having, lacking = load_concepts("test", "pares_con"), load_images("test", "pares_sin")
    masks = having.object_masks(range(len(having)))
    change = (having.images - lacking.images).abs().mean(1)                     # (n, h, w)
    inside = torch.stack([values[mask].mean() for values, mask in zip(change, masks)])
    outside = torch.stack([values[~mask].median() for values, mask in zip(change, masks)])
    assert (inside > outside).float().mean() > 0.97 and outside.median() < 0.06


@pytest.fixture(scope="module")
def striped() -> tuple[list[str], torch.Tensor, torch.Tensor]:
    """Los nombres de las doce versiones de «rayas», sus imágenes (40, 12, 3, h, w) y dónde está cada cosa (40, 12, h, w)."""
    found = load_concepts("test", "rayas")
    masks = found.object_masks(range(len(found)))
    return found.classes, found.images.unflatten(0, (40, 12)), masks.unflatten(0, (40, 12))


def test_the_versions_of_a_scene_go_together(striped) -> None:
    names, images, masks = striped
    assert load_images("test", "rayas").labels.tolist() == list(range(12)) * 40
    with np.load(data_path("rayas", "test.npz"), allow_pickle=False) as arrays:
        assert (arrays["seeds"].reshape(40, 12) == arrays["seeds"].reshape(40, 12)[:, :1]).all()
    outside = ~masks.any(1)                                                     # lo que en ninguna versión es la cosa
    change = (images - images[:, :1]).abs().mean(2)                             # (40, 12, h, w)
    assert all(change[i, :, outside[i]].median() < 0.01 for i in range(40))
    assert names[-1] == "nada" and not masks[:, -1].any() and (masks[:, :-1].sum((2, 3)) > 100).all()


def test_the_plain_zebra_is_the_same_body_and_the_others_are_as_large_and_as_striped(striped) -> None:
    names, images, masks = striped
    zebra, light = masks[:, 0], images.mean(2)
    for name in ("cebra blanca", "cebra gris", "cebra café"):
        same = masks[:, names.index(name)]
        assert ((zebra & same).sum((1, 2)) / (zebra | same).sum((1, 2))).min() > 0.99
    spread = torch.stack([torch.stack([values[mask].std() for values, mask in zip(light[i], masks[i, :-1])]) for i in range(40)])
    for name in ("caballo rayado", "perro rayado", "cosa rayada"):
        k = names.index(name)
        share = masks[:, k].sum((1, 2)) / zebra.sum((1, 2))
        assert 0.95 < share.min() and share.max() < 1.06
        assert 0.9 < spread[:, k].mean() / spread[:, 0].mean() < 1.1            # rayas igual de contrastadas
        assert spread[:, k].mean() > 1.7 * spread[:, k + 1].mean()              # la siguiente es la misma cosa, gris


def test_each_scene_has_the_thing_that_its_number_says(striped) -> None:
    """La lección 4 separa las cinco cosas por el número de la escena: su parte mayor dice cuál es."""
    world, (names, _, masks) = load_concepts("test", "rayas"), striped
    parts = ["pelota", "caja", "carrocería", "barda", "vasija"]
    concepts = [list(zip(world.categories, world.names)).index(("part", name)) for name in parts]
    k = names.index("cosa rayada")
    inside = (world.masks(range(k, 480, 12))[:, concepts] & masks[:, k, None]).sum((2, 3))
    assert inside.argmax(1).tolist() == [(n + n // 10) % 5 for n in range(40)]
    assert (masks[:, k] == masks[:, names.index("cosa gris")]).all()            # la misma silueta, con rayas y gris


def test_the_ball_and_the_dog_are_where_the_version_says() -> None:
    world = load_concepts("test", "pelota")
    masks = world.masks(range(len(world))).sum((2, 3))
    assert world.classes == ["perro y pelota", "perro", "pelota", "ninguno"]
    for name, there in (("perro", [True, True, False, False]), ("pelota", [True, False, True, False])):
        column = list(zip(world.categories, world.names)).index(("object", name))
        assert ((masks[:, column].reshape(40, 4) > 20) == torch.tensor(there)).all()
        assert (masks[:, column].reshape(40, 4)[:, ~torch.tensor(there)] == 0).all()


def test_the_three_skies_are_with_and_without_the_plane() -> None:
    world = load_concepts("test", "juntos")
    concepts = list(zip(world.categories, world.names))
    plane, cloud, blue, gray = (world.masks(range(len(world)))[:, concepts.index(("object", name))].sum((1, 2)).reshape(40, 6)
                                for name in ("avión", "nube", "cielo azul", "cielo nublado"))
    assert (plane[:, :3] >= 190).all() and ((plane[:, :3] - plane[:, :1]).abs() <= 8).all() and (plane[:, 3:] == 0).all()
    assert (cloud[:, [0, 3]] >= 390).all() and (cloud[:, [1, 2, 4, 5]] == 0).all()
    assert (blue[:, [1, 4]] > 390).all() and (blue[:, [2, 5]] == 0).all() and (gray[:, [2, 5]] > 390).all()
    images = world.images.unflatten(0, (40, 6))
    for a, b in ((0, 1), (1, 2), (3, 4), (4, 5)):
        assert ((images[:, a] - images[:, b]).abs().mean((1, 2, 3)) > 0.005).all()


@pytest.mark.parametrize("source", ["rayas", "pelota", "juntos"])
def test_the_controls_are_drawn_again(source: str) -> None:
    pytest.importorskip("numba", reason="numba solo hace falta para dibujar")
    import make_controls

    seed = int(np.load(data_path(source, "test.npz"))["seeds"][0])
    made = make_controls.photos(make_controls.MAKERS[source](seed), source == "juntos")
    shipped = load_images("test", source, n=len(made)).images
    drawn = torch.from_numpy(np.stack([image for image, _, _ in made])).permute(0, 3, 1, 2) / 255
    assert (drawn - shipped).abs().mean() < 0.02 and (drawn - shipped.roll(1, 0)).abs().mean() > 0.03


def test_doubles_have_two_separate_objects() -> None:
    from scipy.ndimage import label

    doubles = load_concepts("test", "dobles")
    pieces = [label(mask)[0] for mask in doubles.object_masks(range(len(doubles))).numpy()]
    large = [(np.bincount(piece.ravel())[1:] > 25).sum() for piece in pieces]
    assert np.mean(np.array(large) >= 2) > 0.7


def test_one_split_with_its_labels_is_packed(world: ConceptSet) -> None:
    assert world.segments.element_size() * world.segments.numel() <= 2 * 64 * 64 * len(world)

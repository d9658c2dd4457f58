"""Lo que nadie miraba: cada prueba atrapa una falla sembrada (planted_faults.py) que pasaba sin ser vista."""

import numpy as np
import pytest
import torch
import torch.nn.functional as F
from sklearn.linear_model import LogisticRegression
from sklearn.manifold import trustworthiness
from torch import nn

from labkit import exemplars as ex
from labkit.activations import layer_names, run
from labkit.datasets import load_images
from labkit.device import pick_device, seed_all
from labkit.dissection import (
    Convention,
    Tail,
    Tally,
    count_detectors,
    dissect,
    interval,
    label_units,
    tally,
    tally_parts,
    thresholds,
)
from labkit.dissection.planted import PlantedWorld, planted_network
from labkit.images import text_image
from labkit.measures import resampled_interval
from labkit.models import plain_network, random_twin
from labkit.objectives import channel, each, score
from labkit.optimization import PixelCanvas, diversity, diversity_of, dream, maximize, noise
from labkit.regions import regions_of_masks
from labkit.regularization import high_frequency_share, pixel_noise, soft_noise
from labkit.worlds import category_numbers, concept_batches, mask_size


def generator(seed: int = 0) -> torch.Generator:
    return torch.Generator().manual_seed(seed)


# ── lo de todos ──────────────────────────────────────────────────────────────────────────────────────────────────────

def test_a_device_may_carry_its_number():
    assert pick_device("cpu:0") == torch.device("cpu:0")


def test_another_seed_gives_other_numbers():
    import random

    def draw(seed: int) -> tuple[float, float, float]:
        seed_all(seed)
        return random.random(), float(np.random.rand()), torch.rand(1).item()

    assert all(one != other for one, other in zip(draw(7), draw(8)))


def test_a_network_inside_another_is_not_a_layer(planted):
    assert layer_names(nn.Sequential(planted, nn.ReLU()))[-2:] == ["0.fc", "1"]
    assert "0" not in layer_names(nn.Sequential(planted, nn.ReLU()))


def test_more_images_than_objectives_are_told(planted, images):
    with pytest.raises(ValueError, match="hay 1 objetivos y 5 imágenes"):
        each([channel("conv1:0")])({"conv1": planted.conv1(images)})


def test_the_values_of_an_image_are_whole_in_255(world):
    values = load_images("test", n=5).images * 255
    assert torch.allclose(values, values.round(), atol=1e-3) and values.max() > 200


def test_each_line_of_a_text_has_its_place():
    one, two = text_image("l", 80), text_image("l\nl", 80)
    ink = (two < 0.5).any(0).any(1).nonzero()[:, 0]
    assert len(ink) > 1.5 * (one < 0.5).any(0).any(1).sum() and ink[-1] > two.shape[1] / 2


# ── subir y regularizar ──────────────────────────────────────────────────────────────────────────────────────────────

def test_the_last_score_is_that_of_the_image_and_not_of_the_transformed(planted):
    made = maximize(planted, channel("conv1:0"), PixelCanvas(noise(2, 8)), steps=2, transform=lambda images: images / 2)
    assert torch.allclose(made.scores[-1], score(planted, made.images, channel("conv1:0")))


def test_a_dream_carries_what_every_octave_added(planted):
    image, detail = torch.rand(3, 8, 8, generator=generator()), torch.zeros(1, 3, 8, 8)
    for size, view in zip((8, 12, 16), dream(planted, channel("conv2:1"), image, (8, 12, 16), steps=3)):
        base, detail = (F.interpolate(x, (size, size), mode="bicubic", antialias=True) for x in (image[None], detail))
        canvas = PixelCanvas((base + detail).clamp(0, 1))
        detail = maximize(planted, channel("conv2:1"), canvas, 3, 0.01).images - base
        assert torch.allclose(view, (base + detail)[0], atol=1e-5)


def test_the_diversity_of_a_few_images_is_the_mean_and_not_the_largest(planted, images):
    each_one = diversity("conv1")(run(planted, images, ["conv1"]))
    assert diversity_of(images, planted, "conv1") == pytest.approx(each_one.mean().item(), abs=1e-6)
    assert each_one.max() > each_one.mean() + 1e-4


def test_the_frequency_of_the_cut_is_not_high():
    wave = 0.5 + 0.4 * torch.cos(torch.pi * torch.arange(32) / 2).expand(1, 3, 32, 32)          # 8 ciclos en 32
    assert high_frequency_share(wave).item() == pytest.approx(0, abs=1e-5)


def test_noises_are_centered_and_as_strong_as_asked():
    plain = torch.full((4, 3, 32, 32), 0.5)
    assert (pixel_noise(0.1)(plain) - plain).mean().item() == pytest.approx(0, abs=0.005)
    assert soft_noise(4, 32).std((1, 2, 3)).tolist() == pytest.approx([0.05] * 4, abs=1e-3)


# ── ejemplares ───────────────────────────────────────────────────────────────────────────────────────────────────────

def test_a_map_is_measured_as_a_plain_loop_does():
    vectors = torch.randn(60, 4, generator=generator())
    som = ex.SOM(3, 4).fit(vectors)
    far = torch.cdist(som.prototypes, som.prototypes)
    around = [far[node][som.adjacent[node]].mean().item() for node in range(12)]
    assert som.u_matrix().flatten().tolist() == pytest.approx(around, abs=1e-4)
    nearest = torch.cdist(vectors, som.prototypes).amin(1)
    assert som.quantization_error(vectors) == pytest.approx(nearest.mean().item(), abs=1e-4)
    assert som.hits(som.prototypes[:1]).flatten().tolist() == [1] + [0] * 11


def test_the_neighbourhood_of_a_map_shrinks_to_the_last_width(monkeypatch):
    widths = []
    monkeypatch.setattr(ex.SOM, "step", lambda self, vectors, width: widths.append(width))
    ex.SOM(3, 4).fit(torch.rand(9, 3), epochs=3, width=2.0, last=0.5)
    assert widths == pytest.approx([2.0, 1.0, 0.5])


def test_continuity_is_trust_with_the_roles_changed_and_the_sample_is_drawn_with_the_seed():
    vectors, points = torch.randn(1100, 5, generator=generator()), torch.randn(1100, 2, generator=generator(1))
    points[:, 0] += 2 * vectors[:, 0]
    few = ex.map_quality(vectors[:200], points[:200])
    assert few.trustworthiness == pytest.approx(trustworthiness(vectors[:200], points[:200], n_neighbors=12))
    assert few.continuity == pytest.approx(trustworthiness(points[:200], vectors[:200], n_neighbors=12))
    assert ex.map_quality(vectors, points, seed=1) != ex.map_quality(vectors, points, seed=2)


def test_a_layout_obeys_its_perplexity_and_its_seed():
    vectors = torch.randn(60, 5, generator=generator())
    assert not torch.allclose(ex.layout(vectors, "tsne", 3), ex.layout(vectors, "tsne", 25))
    assert not torch.equal(ex.layout(vectors, "som", seed=1), ex.layout(vectors, "som", seed=2))


def test_the_odd_rows_of_hexagons_are_half_a_step_away():
    assert ex.SOM(3, 2, hexagonal=True).places[:, 1].tolist() == [0, 1, 0.5, 1.5, 0, 1]


def test_the_maps_of_the_course_are_ready_to_count_with():
    assert {(points.dtype, tuple(points.shape)) for points in ex.load_maps().values()} == {(torch.float32, (5000, 2))}


def test_two_vectors_are_neighbours():
    assert ex.neighbours(torch.tensor([[0.0], [1.0]]), 1).tolist() == [[1], [0]]


def test_a_class_without_images_is_nobodys_best():
    labels, values = torch.arange(60) % 3, torch.rand(60, 4, generator=generator())
    assert torch.equal(ex.selectivity(values, labels, 4).best, ex.selectivity(values, labels, 3).best)


def test_five_of_each_are_enough_to_know():
    truth = torch.tensor([True, False] * 5)
    assert ex.areas_by_group(truth.float(), truth, torch.zeros(10, dtype=torch.long)).tolist() == [1.0]
    assert ex.areas_by_group(truth[:8].float(), truth[:8], torch.zeros(8, dtype=torch.long)).isnan().all()


def test_the_cache_knows_the_pool_and_the_last_image(tmp_path):
    model = random_twin(plain_network(4, (6, 8, 8), dense=5)).eval()
    images = torch.rand(4, 3, 32, 32, generator=generator())
    later, path = images.clone(), tmp_path / "v.safetensors"
    later[-1] = 0.0
    for asked in ((images, "mean"), (images, "max"), (later, "max")):
        made = ex.features(model, asked[0], "conv3", asked[1], cache=path)
        assert torch.allclose(made, ex.features(model, asked[0], "conv3", asked[1]))


@pytest.mark.parametrize("decay", [0.02, 50.0])
def test_the_probe_is_that_of_scikit_learn_on_scaled_vectors(decay):
    vectors = torch.randn(90, 12, generator=generator()) * torch.logspace(-2, 2, 12)
    labels = (vectors[:, 0] / 0.01 + torch.randn(90, generator=generator(1)) > 0).long()
    middle, spread = vectors[:40].mean(0), vectors[:40].std(0)
    known, asked = ((part - middle) / spread for part in (vectors[:40], vectors[40:]))
    expected = LogisticRegression(C=1 / decay, max_iter=2000).fit(known, labels[:40]).score(asked, labels[40:])
    assert ex.linear_probe(vectors[:40], labels[:40], vectors[40:], labels[40:], decay) == expected


# ── disección ────────────────────────────────────────────────────────────────────────────────────────────────────────

def test_a_place_just_out_of_the_tail_is_told():
    tail = Tail(torch.tensor([[3.0, 2.0]]), torch.zeros(1), 100, 2)
    assert tail.cut(0.01).tolist() == [2.0]
    with pytest.raises(ValueError, match="la cola guarda 2 de 100 valores y no llega a 0.02"):
        tail.cut(0.02)


def test_two_tails_reach_as_far_as_the_shorter():
    short, long = (Tail(torch.arange(size, 0, -1.0)[None], torch.zeros(1), 50, size) for size in (2, 5))
    assert (short + long).size == (long + short).size == 2


def test_the_low_tail_is_that_of_the_negative():
    world, model = PlantedWorld(6), planted_network()
    low = thresholds(model, world.images, "conv1", 0.1, lowest=True)
    maps = model.conv1(world.images).transpose(0, 1).flatten(1)
    assert torch.allclose(-low.cut(0.1), maps.sort(1).values[:, int(0.1 * maps.shape[1])], atol=1e-6)
    assert torch.allclose(-low.low, maps.amax(1), atol=1e-6)


def test_a_concept_that_ties_with_nothing_has_no_label():
    iou = torch.tensor([[0.0, 0.0], [0.2, 0.04], [0.04, 0.01]])
    assert [label.unit.channel for label in label_units(iou, "conv1", ["a", "b"], ["color", "color"])] == [1, 2]
    assert count_detectors(iou.double(), 0.04) == (1, 1) == count_detectors(iou, 0.2 - 1e-6)
    assert count_detectors(torch.tensor([[0.5]]), 0.5) == (0, 0)


def test_categories_are_numbered_as_they_come_and_masks_have_their_own_size():
    class World:
        def regions(self, rows: torch.Tensor):
            return regions_of_masks(torch.zeros(len(rows), 2, 4, 5, dtype=torch.bool))

    assert category_numbers(["part", "color", "part", "object"]).tolist() == [0, 1, 0, 2]
    assert mask_size(World()) == (4, 5)


def test_a_dead_unit_counts_nothing_in_the_whole_and_in_its_parts():
    world, model = PlantedWorld(9), planted_network()
    dead, groups = torch.tensor([True, False, False, False]), torch.zeros(4, dtype=torch.long)
    counts = tally(model, concept_batches(world, 4), "relu1", torch.full((4,), 0.1), groups, dead=dead)
    assert not counts.both[0].any() and not counts.active[0].any() and counts.both[1].any()
    found = dissect(model, world, "relu1", Convention(0.2))
    found.dead[2] = True
    parts = tally_parts(model, world, "relu1", found, 3)
    assert not any(part.active[2].any() for part in parts) and any(part.active[1].any() for part in parts)


def test_an_interval_repeats_its_parts_and_leaves_the_same_on_each_side():
    """Diez pedazos que valen 0 o 1: la parte de unos que sale es binomial, y su intervalo se conoce."""
    def part(hit: int) -> Tally:
        return Tally(*(torch.tensor([[number]]) for number in (hit, hit)), torch.tensor([1]), 1, torch.tensor([0]))

    parts = [part(number % 2) for number in range(10)]
    low, high = interval(parts, lambda iou: float(iou[0, 0]), times=2000, share=0.8)
    assert (low, high) == (pytest.approx(0.3), pytest.approx(0.7))


def test_an_interval_that_always_grows_when_redrawn_is_also_reflected():
    """Lo remuestreado, 30 a 40, quedó encima de la cuenta, 20: el número de la población puede estar otro tanto abajo."""
    assert resampled_interval([30.0, 40.0], 20.0, 1.0) == (0.0, 40.0) and resampled_interval([18.0, 21.0], 20.0, 1.0) == (18.0, 22.0)
    assert resampled_interval([0.3, 0.7], 0.5, 1.0) == pytest.approx((0.3, 0.7))

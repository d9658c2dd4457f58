"""Las cuentas en pedazos: las mismas que las enteras, y de ellas salen los mismos nombres e intervalos que de los pedazos completos."""
import pytest
import torch
from test_dissection_shared import ROOT, Stream, model, torchrun

from labkit.datasets import load_concepts
from labkit.dissection import count_detectors, dissect_shared, interval, tally_parts, unique_by_category
from labkit.dissection.fast import pieces as pieces_module
from labkit.dissection.fast import sharing
from labkit.dissection.fast.pieces import Pieces, pick_rivals, piece_size
from labkit.dissection.fast.sharing import pieces_shared
from labkit.dissection.masks import maps_of, unit_masks
from labkit.measures import RIVALS, name_sets, redraws
from labkit.models import load_model
from labkit.regions import stack_regions

PROGRAM = """
import sys
sys.path[:0] = [{tests!r}, {root!r}]
from test_dissection_shared import *
from labkit.dissection.fast.sharing import pieces_shared
torch.set_num_threads(1)
network = random_twin(plain_network(3, (6, 7), dense=5, pools=[1])).eval().requires_grad_(False)
with processes() as rank:
    found = dissect_shared(network, Stream(), "conv2", batch_size=4)
    torch.save(vars(pieces_shared(network, Stream(), "conv2", found, batch_size=4)), {folder!r} + f"/{{rank}}.pt")
"""
__all__ = ["model"]


class Wide(Stream):
    """Un conjunto con más conceptos que rivales: treinta, de seis categorías; algunos, en pocas imágenes."""

    def __init__(self, n=40):
        super().__init__(n)
        random = torch.Generator().manual_seed(7)
        often = torch.rand(n, 30, 1, 1, generator=random) < torch.linspace(0.1, 1, 30)[:, None, None]
        self.marks = often & (torch.rand(n, 30, 20, 20, generator=random) < torch.linspace(0.01, 0.4, 30)[:, None, None])
        self.names = [f"c{k}" for k in range(30)]
        self.categories = [f"g{k % 6}" for k in range(30)]


@pytest.mark.parametrize("convention", ["paper", "lite", "every_image"])
def test_the_pieces_add_up_to_the_whole(model, convention):
    found = dissect_shared(model, Wide(), "conv2", convention, batch_size=8)
    pieces = pieces_shared(model, Wide(), "conv2", found, convention, batch_size=8)
    counts = found.tally
    assert pieces.first.tolist() == list(range(40)) and pieces.both.dtype == torch.int32
    assert pieces.rivals.shape == (7, 24) and torch.equal(pieces.rivals, pick_rivals(found.iou(), counts.categories))
    union = counts.active[:, counts.categories] + counts.truth - counts.both
    assert torch.equal(pieces.both.sum(0).long(), counts.both.gather(1, pieces.rivals))
    assert torch.equal(pieces.union.sum(0).long(), union.gather(1, pieces.rivals))


def test_images_are_counted_where_a_unit_lights_and_where_a_concept_is(model):
    world = Wide()
    found = dissect_shared(model, world, "conv2", batch_size=8)
    pieces = pieces_shared(model, world, "conv2", found, batch_size=8)
    with torch.no_grad():
        maps = torch.cat([maps_of(model, part, "conv2") for part in world.hidden.split(8)])
    for unit in range(7):
        lights = [bool((heat >= found.cuts[unit]).any()) and not bool(found.dead[unit]) for heat in maps[:, unit]]
        assert pieces.lit[unit] == sum(lights) > 0
    assert pieces.seen.tolist() == [sum(bool(mask.any()) for mask in world.marks[:, k]) for k in range(30)]
    assert len(set(pieces.seen.tolist())) > 5
    assert (unit_masks(maps, found.cuts, (20, 20)).flatten(2).any(2).sum(0) <= pieces.lit).all()


def test_the_rivals_are_the_best_and_then_the_best_of_each_category(model):
    iou, categories = torch.rand(5, 40, generator=torch.Generator().manual_seed(0)).double(), torch.arange(40) % 4
    for row, rivals in zip(iou.tolist(), pick_rivals(iou, categories).tolist(), strict=True):
        order = sorted(range(40), key=lambda k: -row[k])
        left = [k for k in order if k not in order[:RIVALS]]
        by_category = [[k for k in left if k % 4 == group][:3] for group in range(4)]
        assert rivals[:RIVALS] == order[:RIVALS] and set(rivals[RIVALS:]) == {k for some in by_category for k in some}
    assert sorted(pick_rivals(iou[:, :7], categories[:7])[0].tolist()) == list(range(7))


def test_names_and_intervals_are_those_of_the_whole_pieces(monkeypatch):
    """Con 24 rivales por unidad, de 398 conceptos, sale lo mismo que con todos; sumando categorías, casi. Y el intervalo cubre la cuenta."""
    monkeypatch.setattr(pieces_module, "TIMES", 80)
    network, world = load_model("escenas", "cpu"), load_concepts("test", n=60)
    found = dissect_shared(network, world, "conv5", batch_size=1)
    pieces = pieces_shared(network, world, "conv5", found, batch_size=1)
    parts = tally_parts(network, world, "conv5", found, 60)
    assert len(parts) == len(pieces.first) == 60 and pieces.name_sets() == name_sets(parts, times=80)
    assert {2, 3, 4, RIVALS} <= {len(names) for names in pieces.name_sets()}

    def numbers(iou):
        return *count_detectors(iou), sum(unique_by_category(iou, world.categories).values())

    known = [interval(parts, lambda iou, place=place: numbers(iou)[place], times=80) for place in range(3)]
    made, counts = pieces.intervals(numbers), numbers(found.iou())
    both = [(max(0, low), high) for low, high in known]
    assert made[:2] == both[:2] and all(low < count < high for count, (low, high) in zip(counts, made))
    assert made[2] == pytest.approx(both[2], abs=3)


def test_a_region_without_pixels_is_in_no_image():
    regions = stack_regions([(torch.tensor([[0, 2], [1, -1]]), torch.zeros(2, 2, dtype=torch.long)),
                             (torch.tensor([[0, -1]]), torch.zeros(2, 2, dtype=torch.long))])
    assert pieces_module._present(regions, 4).tolist() == [2, 0, 1, 0]


def test_more_images_go_in_longer_pieces_and_never_more_than_a_batch(model, monkeypatch):
    assert [piece_size(n, 32) for n in (1, 1000, 1001, 1500, 63_305)] == [1, 1, 2, 2, 32] and piece_size(63_305, 8) == 8
    monkeypatch.setattr(pieces_module, "MOST", 14)                          # 40 imágenes, de tres en tres, en lotes de ocho
    found = dissect_shared(model, Wide(), "conv2", batch_size=8)
    pieces = pieces_shared(model, Wide(), "conv2", found, batch_size=8)
    assert pieces.first.tolist() == [8 * batch + start for batch in range(5) for start in (0, 3, 6)]
    assert torch.equal(pieces.both.sum(0).long(), found.tally.both.gather(1, pieces.rivals))


def same(one, other):
    return all(torch.equal(value, getattr(other, name)) for name, value in vars(one).items())


def test_what_was_interrupted_goes_on_and_another_dissection_does_not_mix(model, tmp_path, monkeypatch, capsys):
    found = dissect_shared(model, Stream(), "conv2", batch_size=4)
    whole = pieces_shared(model, Stream(), "conv2", found, batch_size=4)
    monkeypatch.setattr(sharing, "BLOCK", 4)
    with pytest.raises(KeyboardInterrupt):
        pieces_shared(model, Stream(stop=(52, 1)), "conv2", found, batch_size=4, folder=tmp_path)
    stream = Stream()
    assert same(pieces_shared(model, stream, "conv2", found, batch_size=4, folder=tmp_path), whole)
    assert "Se retoma (pedazos): 12 de 19" in capsys.readouterr().out and set(stream.asked) == {0, 1, 2, 3, *range(48, 75)}
    other = dissect_shared(model, Stream(), "conv2", "dissect", batch_size=4)
    mine = pieces_shared(model, Stream(), "conv2", other, "dissect", batch_size=4, folder=tmp_path)
    assert "Se retoma" not in capsys.readouterr().out and not torch.equal(mine.both, whole.both)


def test_two_processes_make_the_pieces_of_one(model, tmp_path):
    (tmp_path / "two.py").write_text(PROGRAM.format(tests=str(ROOT / "tests"), root=str(ROOT), folder=str(tmp_path)))
    done = torchrun("two.py", folder=tmp_path)
    assert done.returncode == 0, done.stderr
    found = dissect_shared(model, Stream(), "conv2", batch_size=4)
    alone = vars(pieces_shared(model, Stream(), "conv2", found, batch_size=4))
    for rank in (0, 1):
        both = torch.load(tmp_path / f"{rank}.pt", weights_only=True)
        assert all(torch.equal(value, both[name]) for name, value in alone.items())


def noise(seed, images=150, units=30, concepts=60):
    """Unidades y conceptos de los que se sabe el IoU: 8 unidades detectan el suyo (0.15); las demás, nada: 0.02 de todo."""
    random, whole = torch.Generator().manual_seed(seed), 400
    known = torch.full((units, concepts), 0.02)
    known[range(8), range(8)] = 0.15
    present = torch.rand(images, 1, concepts, generator=random) < 0.08       # cada concepto, en ocho de cada cien imágenes
    met = whole * 2 * known / (1 + known) / 0.08 * present * (0.5 + torch.rand(images, units, concepts, generator=random))
    both = met.round().int()
    return Pieces(torch.arange(images), torch.arange(concepts).expand(units, -1), both, 2 * whole - both,
                  torch.full((units,), images), present.sum((0, 1)))


def test_the_interval_of_a_count_has_the_true_count_in_it(monkeypatch):
    """El mejor de muchos conceptos ruidosos sube: la cuenta sale inflada, lo remuestreado más, y el intervalo la alcanza."""
    monkeypatch.setattr(pieces_module, "TIMES", 100)
    hits = plain = inflated = 0
    for seed in range(60):
        pieces = noise(seed)
        count = count_detectors(pieces.both.sum(0).double() / pieces.union.sum(0))[0]
        (low, high), = pieces.intervals(lambda iou: [count_detectors(iou)[0]])
        weights = redraws(150, 100, 0.95)
        both, union = (torch.einsum("tp,puk->tuk", weights, part.double()) for part in (pieces.both, pieces.union))
        drawn = torch.tensor([float(count_detectors(iou)[0]) for iou in both / union], dtype=torch.float64)
        bottom, top = drawn.quantile(torch.tensor([0.025, 0.975], dtype=torch.float64)).tolist()
        assert (low, high) == pytest.approx((max(0, min(bottom, 2 * count - top)), max(top, 2 * count - bottom)))
        hits, plain, inflated = hits + (low <= 8 <= high), plain + (bottom <= 8 <= top), inflated + (count > 8)
    assert hits >= 56 and plain < 30 and inflated > 15                      # 93 %; lo remuestreado solo, ni la mitad

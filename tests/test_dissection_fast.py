"""La ruta rápida de la disección da lo mismo que la que se lee: agrandar, comparar y contar píxel por píxel."""
import pytest
import torch
from torch import nn

from labkit.datasets import load_concepts
from labkit.dissection import CONVENTIONS, Convention, counting, dissect, tally, thresholds
from labkit.dissection.counting import count_by_pixel
from labkit.dissection.fast import by_region
from labkit.dissection.fast import lit_pixels as lighting
from labkit.dissection.fast.by_region import count_by_region
from labkit.dissection.fast.lit_pixels import lit_pixels
from labkit.dissection.masks import source_cells, unit_masks, upsample
from labkit.models import load_model
from labkit.regions import regions_of_masks, stack_regions
from labkit.worlds import category_numbers

# ── qué píxeles enciende un mapa ────────────────────────────────────────────────────────────────────────────────────

@pytest.mark.parametrize("strict", [False, True])
@pytest.mark.parametrize("side, size", [((8, 8), (64, 64)), ((5, 7), (31, 64)), ((1, 1), (9, 4)), ((6, 6), (6, 6)), ((12, 9), (5, 7)),
                                        ((2, 3), (16, 48)), ((13, 13), (113, 113)), ((3, 1), (2, 20))])
def test_the_lit_pixels_are_those_of_enlarging_everything(side, size, strict):
    """Con valores redondeados hay muchos empates, y los umbrales son de ellos: se pide lo mismo, píxel por píxel."""
    maps = torch.randn(20, *side, generator=torch.Generator().manual_seed(0)).round(decimals=1)
    maps[0], maps[1] = maps[0].max(), maps.min() - 1                        # una todo encendida, y otra nada
    cuts = maps.flatten(1).quantile(0.9, 1, interpolation="higher")
    cuts[1] += 1
    found = torch.zeros(20, size[0] * size[1], dtype=torch.int64)
    for which, pixel in lit_pixels(maps, cuts, size, strict):
        found.index_put_((which, pixel), torch.tensor(1), accumulate=True)
    whole = upsample(maps[None], size)[0]
    expected = whole > cuts[:, None, None] if strict else whole >= cuts[:, None, None]
    assert torch.equal(unit_masks(maps[None], cuts, size, strict)[0], expected)
    assert torch.equal(found.reshape(20, *size), expected.long())           # y ninguno dos veces
    assert expected[0].all() != strict and not expected[1].any()


def test_few_at_a_time_light_the_same_pixels(monkeypatch):
    maps = torch.randn(6, 7, 7, generator=torch.Generator().manual_seed(0))
    whole, = lit_pixels(maps, torch.zeros(6), (28, 28))
    monkeypatch.setattr(lighting, "VALUES", 100)
    parts = list(lit_pixels(maps, torch.zeros(6), (28, 28)))
    assert len(parts) > 20 and all(torch.equal(torch.cat(some), all_) for some, all_ in zip(zip(*parts), whole))
    assert list(lit_pixels(maps[:0], torch.zeros(0), (28, 28))) == []


@pytest.mark.parametrize("side, size", [((8, 8), (64, 64)), ((5, 7), (31, 64)), ((12, 9), (5, 7)), ((1, 1), (9, 4))])
@pytest.mark.parametrize("layout", [torch.contiguous_format, torch.channels_last])
def test_enlarging_is_that_of_pytorch(side, size, layout):
    maps = torch.randn(2, 3, *side, generator=torch.Generator().manual_seed(0)).contiguous(memory_format=layout)
    grown = upsample(maps, size)
    assert torch.allclose(grown, torch.nn.functional.interpolate(maps, size, mode="bilinear", align_corners=False), atol=1e-5)
    assert (upsample(torch.full((1, 1, *side), 0.1), size) == 0.1).all()    # lo que empata sigue empatado


@pytest.mark.parametrize(("side", "size"), [(7, 55), (9, 33), (13, 45), (13, 93), (5, 77), (59, 113), (121, 227)])
def test_the_center_of_a_cell_keeps_its_value(side, size):
    """Con estas medidas, calcular los lugares con decimales los mueve un poco, y el pico ya no llega a su umbral."""
    before, part = source_cells(side, size)
    centers = [(2 * i + 1) * size // (2 * side) for i in range(side) if ((2 * i + 1) * size) % (2 * side) == side]
    assert centers and all(part[place] == 0 for place in centers)
    maps = torch.rand(200, side, side, generator=torch.Generator().manual_seed(0)) * 100
    maps[:, side // 2, side // 2] = cuts = maps.flatten(1).amax(1) + 1
    grown = upsample(maps[None], (size, size))[0]
    assert torch.equal(grown.flatten(1).amax(1), cuts)                      # la casilla de en medio tiene su centro
    assert torch.cat([which for which, _ in lit_pixels(maps, cuts, (size, size))]).unique().numel() == 200


def test_infinite_values_light_at_the_same_size():
    maps = torch.tensor([[[5.0, torch.inf], [-torch.inf, 1.0]]])
    (which, pixel), = lit_pixels(maps, torch.tensor([4.0]), (2, 2))
    assert pixel.tolist() == [0, 1] and which.tolist() == [0, 0]


# ── contar por regiones ─────────────────────────────────────────────────────────────────────────────────────────────

class Patches:
    """Un conjunto que da sus regiones: unos cuantos rectángulos, con 0 a 3 conceptos cada uno y algunas de más."""

    def __init__(self, n=24, k=9, sides=(8, 96), seed=0):
        generator = torch.Generator().manual_seed(seed)
        self.images = torch.randn(n, 3, sides[0], sides[0], generator=generator)
        self.names, self.categories, self.found = list("abcdefghi"), ["uno"] * 4 + ["dos"] * 3 + ["tres"] * 2, []
        for _ in range(n):
            concepts, numbers = torch.full((7, 3), -1), torch.zeros(sides[1], sides[1], dtype=torch.int64)
            for region in range(1, 7):
                many = int(torch.randint(4, (), generator=generator))
                concepts[region, :many] = torch.randperm(k, generator=generator)[:many]
                y, x = torch.randint(sides[1] - 20, (2,), generator=generator).tolist()
                numbers[y:y + 30, x:x + 30] = region if region != 5 else 0  # la 5 está en la lista y en ningún píxel
            self.found.append((concepts, numbers))

    def __len__(self):
        return len(self.images)

    def pictures(self, rows):
        return self.images[rows]

    def regions(self, rows):
        return stack_regions([self.found[i] for i in rows.tolist()])


def seeing(units, *after):
    """Una red de una capa al azar."""
    model = nn.Sequential()
    model.add_module("see", nn.Conv2d(3, units, 1))
    for name, module in after:
        model.add_module(name, module)
    return model.requires_grad_(False)


def same(one, other):
    return one.pixels == other.pixels and all(torch.equal(getattr(one, name), getattr(other, name))
                                              for name in ("both", "active", "truth", "categories"))


@pytest.mark.parametrize("union", ["all", "category", "under mask"])
@pytest.mark.parametrize("strict", [False, True])
@pytest.mark.parametrize("side, size", [((8, 8), (64, 64)), ((5, 7), (31, 64)), ((1, 1), (9, 4)), ((6, 6), (6, 6)), ((12, 9), (5, 7))])
def test_both_routes_count_the_same_on_random_maps(side, size, strict, union):
    """Mapas redondeados y umbrales que son valores suyos: hay empates, también en las orillas; una imagen no tiene nada."""
    generator = torch.Generator().manual_seed(sum(side) + strict)
    maps = torch.randn(6, 10, *side, generator=generator).round(decimals=1)
    masks = torch.rand(6, 7, *size, generator=generator) < torch.tensor([0.3, 0.1, 0.02, 0.5, 0.05, 1.0, 0.0])[:, None, None]
    masks &= (torch.rand(6, 7, generator=generator) < 0.6)[:, :, None, None]
    masks[2] = False
    cuts, categories = maps.transpose(0, 1).flatten(1).quantile(0.75, 1, interpolation="lower"), torch.tensor([0, 0, 1, 1, 2, 2, 3])
    peaks, convention = maps.amax((2, 3)), Convention(strict=strict, union=union)
    over = peaks > cuts if strict else peaks >= cuts
    over[:, 3] = False                                                      # una muda
    asked = maps, over, cuts, regions_of_masks(masks), categories, convention
    plain, (both, active, truth) = count_by_pixel(*asked), count_by_region(*asked)
    assert torch.equal(plain.both, both) and torch.equal(plain.active, active) and torch.equal(plain.truth, truth)
    lit = unit_masks(maps, cuts, size, strict) & over[:, :, None, None]     # y las dos, lo que dice la definición
    assert torch.equal(both, torch.einsum("nuyx,nkyx->uk", lit.double(), masks.double()).long()) and both.any()
    assert torch.equal(truth, masks.sum((0, 2, 3))) and plain.pixels == 6 * size[0] * size[1] and not active[3].any()


@pytest.mark.parametrize("union", ["all", "category", "under mask"])
@pytest.mark.parametrize("pairs", [1 << 23, 40])
def test_by_region_and_by_pixel_give_the_same(union, pairs, monkeypatch):
    """Una región que no está en ningún píxel no hace que su categoría esté en la imagen."""
    monkeypatch.setattr(by_region, "PAIRS", pairs)                          # con 40, de pocas en pocas
    world, model, convention = Patches(), seeing(12), Convention(0.004, strict=True, union=union)
    with monkeypatch.context() as patch:
        patch.setattr(counting, "count_by_pixel", None)                     # que de verdad cuente por regiones
        quick = dissect(model, world, "see", convention).tally
    monkeypatch.setattr(counting, "regions_pay_off", lambda *asked: False)
    monkeypatch.setattr(counting, "count_by_region", None)
    assert same(quick, dissect(model, world, "see", convention).tally) and quick.both.any()


@pytest.mark.parametrize("convention", [Convention(0.5), Convention(0.005, lowest=True)])
def test_when_much_is_lit_it_counts_by_pixel(convention, monkeypatch):
    """Ahí contar por regiones sería lento y pediría mucha memoria."""
    monkeypatch.setattr(counting, "count_by_region", None)
    assert dissect(seeing(12, ("relu", nn.ReLU())), Patches(), "relu", convention).tally.both.any()


def test_regions_that_are_not_there_are_refused():
    world = Patches()
    world.found[3][0][0, 0] = 9
    with pytest.raises(ValueError, match="hay 9 conceptos, de 0 a 8, y recibí el 9"):
        dissect(seeing(2), world, "see")
    with pytest.raises(ValueError, match="masks: esperaba las de 2 imágenes y recibí las de 3"):
        tally(seeing(2), [(world.images[:2], torch.zeros(3, 1, 4, 4) > 0)], "see", torch.zeros(2), torch.zeros(1, dtype=torch.int64))


@pytest.mark.parametrize("convention", CONVENTIONS)
def test_masks_and_regions_give_the_same_counts(convention):
    """El mismo conjunto, dicho de dos maneras: por regiones, o con una máscara de verdaderos y falsos por concepto."""
    world, model = load_concepts("test", n=50), load_model("escenas", "cpu")
    found = dissect(model, world, "conv4", convention)
    masked = tally(model, world.batches(32), "conv4", found.cuts, category_numbers(world.categories), convention, found.dead)
    assert same(masked, found.tally) and masked.pixels == 50 * 64 * 64 and masked.both.any()


def test_step_by_step_it_is_the_same_dissection():
    """Lo que hace quien sigue la lección con sus manos."""
    world, model = load_concepts("test", n=40), load_model("escenas", "cpu")
    cuts, dead = thresholds(model, world.images, "conv5").spread_cut(0.005)
    found = dissect(model, world, "conv5")
    assert torch.equal(cuts, found.cuts) and torch.equal(dead, found.dead)
    assert same(tally(model, world.batches(32), "conv5", cuts, category_numbers(world.categories), dead=dead), found.tally)

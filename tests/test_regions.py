"""Las regiones dicen lo mismo que las máscaras, vengan de donde vengan."""
import pytest
import torch

from labkit.regions import masks_of, regions_of_masks, regions_of_planes, stack_regions


def dense(regions, k):
    """Las máscaras (b, k, H, W) de unas regiones, píxel por píxel."""
    masks = torch.zeros(len(regions), k, *regions.numbers.shape[1:], dtype=torch.bool)
    first = regions.sizes.cumsum(0) - regions.sizes
    for i, numbers in enumerate(regions.numbers):
        for y, row in enumerate(numbers.tolist()):
            for x, number in enumerate(row):
                for concept in regions.concepts[first[i] + number].tolist():
                    if concept >= 0:
                        masks[i, concept, y, x] = True
    return masks


@pytest.fixture
def masks():
    """Muchos conceptos encimados (más de los que caben en un entero), una imagen sin ninguno y otra con todos en todo."""
    masks = torch.rand(5, 150, 6, 9, generator=torch.Generator().manual_seed(0)) < 0.5
    masks[1], masks[2], masks[3, 5:] = False, True, False
    return masks


def test_the_regions_of_some_masks_are_those_masks(masks):
    regions = regions_of_masks(masks)
    assert torch.equal(dense(regions, 150), masks) and regions.sizes[1:3].tolist() == [1, 1]
    for number, size in zip(regions.numbers, regions.sizes.tolist()):
        assert torch.equal(number.unique(), torch.arange(size))             # ninguna de sobra
    for i, (concepts, where) in enumerate(masks_of(regions)):
        assert torch.equal(concepts, masks[i].flatten(1).any(1).nonzero()[:, 0]) and torch.equal(where, masks[i, concepts])
    assert torch.equal(dense(regions_of_masks(masks.to(torch.uint8)), 150), masks)
    assert len(regions_of_masks(masks[:0])) == 0


def test_pixels_alike_are_one_region():
    masks = torch.zeros(1, 3, 4, 4, dtype=torch.bool)
    masks[0, 0, :2], masks[0, 2, :, 0] = True, True
    regions = regions_of_masks(masks)
    assert regions.sizes.tolist() == [4] and regions.concepts.shape == (4, 2)
    assert sorted(map(sorted, regions.concepts.tolist())) == [[-1, -1], [-1, 0], [-1, 2], [0, 2]]


def test_the_regions_of_some_planes_join_them():
    """Un concepto en dos planos cuenta una vez; −1 no es ninguno; una imagen puede no tener planos."""
    first = torch.tensor([[[0, 0, 1], [-1, -1, 1]], [[2, -1, 1], [0, -1, -1]]])
    regions = regions_of_planes([first, first[:0], first[:1].flip(1)])
    wanted = torch.zeros(3, 3, 2, 3, dtype=torch.bool)
    for i, planes in enumerate((first, first[:0], first[:1].flip(1))):
        for plane in planes:
            for concept in range(3):
                wanted[i, concept] |= plane == concept
    assert torch.equal(dense(regions, 3), wanted) and regions.sizes.tolist() == [6, 1, 3]
    for concepts in regions.concepts.tolist():
        real = [concept for concept in concepts if concept >= 0]
        assert len(real) == len(set(real))


def test_many_planes_of_large_numbers_do_not_run_over():
    planes = torch.randint(-1, 60_000, (9, 8, 8), generator=torch.Generator().manual_seed(0))
    regions = regions_of_planes([planes])
    assert regions.sizes.tolist() == [64]
    for concepts, pixel in zip(regions.concepts[regions.numbers[0].flatten()].tolist(), planes.flatten(1).T.tolist()):
        assert {concept for concept in concepts if concept >= 0} == {number for number in pixel if number >= 0}


def test_regions_that_are_not_there_are_refused():
    concepts, numbers = torch.tensor([[0], [1]]), torch.zeros(64, 64, dtype=torch.int64)
    for wrong in (2, -1):
        with pytest.raises(ValueError, match="numbers: esperaba regiones de 0 a 1"):
            stack_regions([(concepts, numbers), (concepts, numbers + wrong)])

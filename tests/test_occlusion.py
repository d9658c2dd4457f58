"""Oclusión contra oráculos: cuentas en forma cerrada, bucles escritos a mano y redes con un detector plantado."""
import pytest
import torch
from torch import nn

from labkit import batches, occlusion
from labkit.activations import Unit
from labkit.objectives import channel, logit, margin, probability
from labkit.occlusion import (
    boxes_grid_shape,
    class_probabilities,
    cover_mask,
    coverage,
    fill_image,
    lowest_box,
    occlude,
    occluder_boxes,
    occlusion_map,
    occlusion_scores,
    paint_boxes,
    share_on_mask,
    sizes_sweep,
    winners,
)
from labkit.progress import progress

GRIDS = [(8, 8, 8, 1), (8, 8, 3, 2), (9, 7, 4, 3), (7, 9, 4, 3), (16, 10, 5, 5), (10, 16, 1, 1), (11, 13, 6, 4),
         (12, 12, 4, 4), (12, 12, 4, 9), (12, 30, 7, 50), (5, 64, 5, 3), (64, 64, 24, 4), (64, 48, 16, 7)]
FILLS = [0.0, 0.7, 1, "mean", "blur", "noise"]


@pytest.fixture
def image() -> torch.Tensor:
    return torch.rand(3, 14, 11, generator=torch.Generator().manual_seed(1))


@pytest.fixture
def network() -> nn.Sequential:
    """Una red convolucional pequeña, con pesos al azar y tres clases."""
    torch.manual_seed(2)
    layers = {"conv1": nn.Conv2d(3, 5, 3, padding=1), "relu1": nn.ReLU(), "conv2": nn.Conv2d(5, 4, 3, padding=1),
              "relu2": nn.ReLU(), "gap": nn.AdaptiveAvgPool2d(1), "flat": nn.Flatten(), "fc": nn.Linear(4, 3)}
    model = nn.Sequential()
    for name, layer in layers.items():
        model.add_module(name, layer)
    with torch.no_grad():
        model.fc.weight.mul_(30)   # que tapar se note en la probabilidad
    return model.eval().requires_grad_(False)


@pytest.fixture
def linear(image) -> nn.Sequential:
    """Dos clases; cada logit es Σ w·x: de ella se sabe todo sin correrla."""
    torch.manual_seed(3)
    model = nn.Sequential()
    model.add_module("flat", nn.Flatten())
    model.add_module("fc", nn.Linear(image.numel(), 2))
    return model.eval().requires_grad_(False)


def by_hand(image, box, cover):
    """La definición: copiar la imagen y escribir encima del parche, con un corte."""
    y0, x0, y1, x1 = box.tolist()
    copy = image.clone()
    copy[:, y0:y1, x0:x1] = cover[:, y0:y1, x0:x1]
    return copy


def map_by_loop(model, image, ask, size, stride, cover):
    """El mapa con un bucle por parche y otro por píxel de cada parche."""
    h, w = image.shape[1:]
    total, count = torch.zeros(h, w), torch.zeros(h, w)
    clean = ask(model(image[None]))
    for box in occluder_boxes(h, w, size, stride):
        y0, x0, y1, x1 = box.tolist()
        total[y0:y1, x0:x1] += clean - ask(model(by_hand(image, box, cover)[None]))
        count[y0:y1, x0:x1] += 1
    return total / count


# ---- los parches

@pytest.mark.parametrize("h, w, size, stride", GRIDS)
def test_boxes_stay_whole_inside_and_reach_every_border(h, w, size, stride):
    boxes = occluder_boxes(h, w, size, stride)
    assert boxes.dtype == torch.long and len(boxes.unique(dim=0)) == len(boxes)
    assert (boxes[:, 2:] - boxes[:, :2] == size).all()
    assert boxes.amin(0).tolist() == [0, 0, size, size]
    assert boxes.amax(0).tolist() == [h - size, w - size, h, w]
    for corner in ((0, 0), (0, w - size), (h - size, 0), (h - size, w - size)):
        assert [*corner, corner[0] + size, corner[1] + size] in boxes.tolist()


@pytest.mark.parametrize("h, w, size, stride", GRIDS)
def test_boxes_advance_by_the_stride_and_only_the_last_one_is_shifted(h, w, size, stride):
    rows, cols = boxes_grid_shape(h, w, size, stride)
    starts = occluder_boxes(h, w, size, stride)[:, :2].view(rows, cols, 2)
    for sequence, side in ((starts[:, 0, 0], h), (starts[0, :, 1], w)):
        steps = sequence.diff()
        assert (steps[:-1] == stride).all() and (steps <= stride).all() and (steps > 0).all()
        assert sequence.tolist() == sorted({*range(0, side - size, stride), side - size})


@pytest.mark.parametrize("h, w, size, stride", [grid for grid in GRIDS if grid[3] <= grid[2]])
def test_no_pixel_is_left_uncovered(h, w, size, stride):
    seen = torch.zeros(h, w)
    for y0, x0, y1, x1 in occluder_boxes(h, w, size, stride).tolist():
        seen[y0:y1, x0:x1] = 1
    assert seen.all()


# ---- tapar

@pytest.mark.parametrize("fill", FILLS)
@pytest.mark.parametrize("size, stride", [(4, 3), (11, 2), (1, 5)])
def test_occlude_is_the_same_as_writing_over_a_copy(image, fill, size, stride):
    boxes, before = occluder_boxes(14, 11, size, stride), image.clone()
    covered = occlude(image, boxes, fill)
    cover = fill_image(image, fill)
    assert torch.equal(covered, torch.stack([by_hand(image, box, cover) for box in boxes]))
    assert torch.equal(image, before)
    covered.zero_()
    assert torch.equal(image, before)   # las copias no comparten memoria con la imagen


def test_fills_are_what_they_say(image):
    assert (fill_image(image, 0.25) == 0.25).all()
    mean = fill_image(image, "mean")
    for c in range(3):
        torch.testing.assert_close(mean[c], torch.full((14, 11), image[c].mean().item()))
    flat = torch.full((3, 20, 30), 0.3)
    torch.testing.assert_close(fill_image(flat, "blur"), flat)   # sin bordes oscuros
    blurred = fill_image(image, "blur")
    assert blurred.std() < 0.5 * image.std() and abs(blurred.mean() - image.mean()) < 0.05
    other = torch.zeros_like(image)
    assert torch.equal(fill_image(image, other), other)


def test_noise_is_always_the_same_and_touches_no_other_randomness(image):
    state = torch.get_rng_state()
    first = fill_image(image, "noise")
    assert torch.equal(state, torch.get_rng_state())
    torch.manual_seed(77)
    assert torch.equal(first, fill_image(image, "noise"))
    assert 0 <= first.min() and first.max() <= 1 and first.std() > 0.2


def test_cover_mask_hides_the_object_or_swaps_the_background(image):
    mask, other = image[0] > 0.5, 1 - image
    hidden, swapped = cover_mask(image, mask, 0.0), cover_mask(image, ~mask, other)
    for y in range(14):
        for x in range(11):
            assert torch.equal(hidden[:, y, x], torch.zeros(3) if mask[y, x] else image[:, y, x])
            assert torch.equal(swapped[:, y, x], image[:, y, x] if mask[y, x] else other[:, y, x])


# ---- preguntar

@pytest.mark.parametrize("fill", FILLS)
def test_linear_network_in_closed_form(linear, image, fill):
    """El logit es Σ w·x + b, así que tapar un parche lo baja en Σ w·(x − relleno) sobre el parche, ni más ni menos."""
    boxes = occluder_boxes(14, 11, 4, 3)
    weights = linear.fc.weight[1].view_as(image)
    drop_of_pixel = (weights * (image - fill_image(image, fill))).sum(0)
    clean = linear(image[None])[0, 1]
    expected = torch.stack([clean - drop_of_pixel[y0:y1, x0:x1].sum() for y0, x0, y1, x1 in boxes.tolist()])
    torch.testing.assert_close(occlusion_scores(linear, image, boxes, logit(1), fill), expected, atol=1e-5, rtol=0)


def test_with_a_one_pixel_patch_the_map_of_a_linear_network_is_its_weights(linear, image):
    heat = occlusion_map(linear, image, logit(0), size=1, stride=1)
    expected = (linear.fc.weight[0].view_as(image) * image).sum(0)
    torch.testing.assert_close(heat, expected, atol=1e-5, rtol=0)


@pytest.mark.parametrize("size, stride", [(4, 4), (5, 2), (11, 3)])
@pytest.mark.parametrize("fill", [0.0, "blur"])
def test_map_equals_a_plain_loop(network, image, size, stride, fill):
    questions = {"probabilidad": (probability(1), lambda out: out.softmax(1)[0, 1]),
                 "logit": (logit(2), lambda out: out[0, 2]),
                 "margen": (margin(0, 1), lambda out: out[0, 0] - out[0, 1])}
    cover = fill_image(image, fill)
    for objective, ask in questions.values():
        heat = occlusion_map(network, image, objective, size, stride, fill)
        assert heat.abs().max() > 1e-3
        torch.testing.assert_close(heat, map_by_loop(network, image, ask, size, stride, cover), atol=1e-5, rtol=0)


def test_any_unit_can_be_the_objective(network, image):
    boxes = occluder_boxes(14, 11, 5, 3)
    scores = occlusion_scores(network, image, boxes, channel(Unit("relu1", 2)))
    expected = [network[:2](by_hand(image, box, torch.zeros_like(image))[None])[0, 2].mean() for box in boxes]
    torch.testing.assert_close(scores, torch.stack(expected), atol=1e-5, rtol=0)


def test_an_empty_box_gives_the_clean_score(network, image):
    score = occlusion_scores(network, image, torch.zeros(1, 4, dtype=torch.long), probability(1))
    torch.testing.assert_close(score, network(image[None]).softmax(1)[:, 1], atol=1e-6, rtol=0)


def test_a_network_that_ignores_the_image_has_a_zero_map(network, image):
    network.fc.weight.zero_()
    assert (occlusion_map(network, image, probability(1), 4, 2, "noise") == 0).all()


def test_a_planted_detector_is_found_where_it_was_planted():
    """Un canal que mira lo rojo y una mancha roja en (8…13, 3…8): el mínimo cae sobre ella y el mapa sólo se enciende ahí."""
    model = nn.Sequential()
    model.add_module("red", nn.Conv2d(3, 1, 1, bias=False))
    model.red.weight.data = torch.tensor([1.0, -1.0, -1.0]).view(1, 3, 1, 1)
    image = torch.full((3, 20, 16), 0.5)
    image[:, 8:13, 3:8] = torch.tensor([1.0, 0.0, 0.0]).view(3, 1, 1)
    model.add_module("relu", nn.ReLU())
    objective, boxes = channel(Unit("relu", 0)), occluder_boxes(20, 16, 5, 1)
    assert lowest_box(boxes, occlusion_scores(model, image, boxes, objective)).tolist() == [8, 3, 13, 8]
    heat = occlusion_map(model, image, objective, 5, 1)
    mask = torch.zeros(20, 16, dtype=torch.bool)
    mask[8:13, 3:8] = True
    assert heat[mask].min() > 0 and heat.argmax() == 10 * 16 + 5
    far = torch.ones(20, 16, dtype=torch.bool)
    far[4:17, 0:12] = False   # a más de un parche de la mancha
    assert heat[far].abs().max() < 1e-7


def test_probabilities_and_winners_by_hand(network, image):
    boxes = occluder_boxes(14, 11, 6, 2)
    outputs = torch.cat([network(by_hand(image, box, torch.zeros_like(image))[None]) for box in boxes])
    torch.testing.assert_close(class_probabilities(network, image, boxes), outputs.softmax(1), atol=1e-5, rtol=0)
    assert torch.equal(winners(network, image, boxes), outputs.argmax(1))


def test_sweep_has_one_map_per_possible_pair(network, image):
    sweep = sizes_sweep(network, image, logit(0), sizes=(2, 5), strides=(2, 4), fill="mean")
    assert sorted(sweep) == [(2, 2), (5, 2), (5, 4)]   # (2, 4) dejaría huecos
    for (size, stride), heat in sweep.items():
        assert torch.equal(heat, occlusion_map(network, image, logit(0), size, stride, "mean"))


# ---- pintar y medir

def test_paint_boxes_is_the_mean_of_what_covers_each_pixel():
    boxes, values = occluder_boxes(9, 7, 4, 3), torch.randn(6)
    painted = paint_boxes(boxes, values, 9, 7)
    for y in range(9):
        for x in range(7):
            inside = [v for (y0, x0, y1, x1), v in zip(boxes.tolist(), values) if y0 <= y < y1 and x0 <= x < x1]
            torch.testing.assert_close(painted[y, x], torch.stack(inside).mean())


def test_paint_boxes_does_not_invent_a_value_where_there_is_no_box():
    painted = paint_boxes(torch.tensor([[0, 0, 2, 2]]), torch.tensor([5.0]), 3, 3)
    assert (painted[:2, :2] == 5).all() and painted.isnan().sum() == 5


def test_coverage_against_counting_pixels():
    mask = torch.rand(13, 17, generator=torch.Generator().manual_seed(4)) > 0.6
    boxes = occluder_boxes(13, 17, 5, 3)
    expected = [mask[y0:y1, x0:x1].sum() / mask.sum() for y0, x0, y1, x1 in boxes.tolist()]
    torch.testing.assert_close(coverage(boxes, mask), torch.stack(expected))
    assert coverage(torch.tensor([[0, 0, 13, 17]]), mask) == 1


def test_share_on_mask_counts_only_the_drops():
    heat = torch.tensor([[3.0, -9.0], [1.0, 0.0]])
    assert share_on_mask(heat, torch.tensor([[True, True], [False, False]])) == 0.75
    assert share_on_mask(heat, torch.tensor([[False, True], [False, True]])) == 0
    nothing = share_on_mask(-heat.abs(), torch.ones(2, 2, dtype=torch.bool))
    assert nothing != nothing   # sin caídas no hay parte que dar: NaN


# ---- la maquinaria: tandas, memoria, modos, ganchos

def test_same_bits_twice_and_same_numbers_with_any_batch(network, image, monkeypatch):
    first = occlusion_map(network, image, probability(1), 4, 1, "noise")
    assert torch.equal(first, occlusion_map(network, image, probability(1), 4, 1, "noise"))
    monkeypatch.setattr(batches, "CPU_PIXELS", 1)   # de una en una
    torch.testing.assert_close(first, occlusion_map(network, image, probability(1), 4, 1, "noise"), atol=1e-6, rtol=0)


class Cramped(nn.Module):
    """Una red a la que no le caben más de `room` imágenes; apunta cuántas le llegan cada vez."""

    def __init__(self, model: nn.Module, room: int, error: Exception) -> None:
        super().__init__()
        self.model, self.room, self.error, self.fc, self.seen = model, room, error, nn.Identity(), []

    def forward(self, images):
        self.seen.append(len(images))
        if len(images) > self.room:
            raise self.error
        return self.fc(self.model(images))


@pytest.mark.parametrize("error", [torch.cuda.OutOfMemoryError("CUDA out of memory. Tried to allocate 2 GiB"), MemoryError(),
                                   RuntimeError("[enforce fail] DefaultCPUAllocator: can't allocate memory"),
                                   RuntimeError("MPS backend out of memory (MPS allocated: 9 GB)")])
def test_when_memory_runs_out_the_batch_is_halved(network, image, error):
    boxes, cramped = occluder_boxes(14, 11, 4, 2), Cramped(network, 3, error)
    scores = occlusion_scores(cramped, image, boxes, logit(1))
    torch.testing.assert_close(scores, occlusion_scores(network, image, boxes, logit(1)), atol=1e-5, rtol=0)
    assert cramped.seen == [1, 30, 15, 7, *[3] * 10]   # la primera es la prueba con la imagen sin tapar


def test_when_not_even_one_image_fits_it_says_so(network, image):
    with pytest.raises(MemoryError, match="No hay memoria"):
        occlusion_scores(Cramped(network, 0, MemoryError()), image, occluder_boxes(14, 11, 4, 2), logit(1))


def test_other_errors_of_the_network_are_not_taken_for_lack_of_memory(network, image):
    cramped = Cramped(network, 0, RuntimeError("otra cosa"))
    with pytest.raises(RuntimeError, match="otra cosa"):
        occlusion_scores(cramped, image, occluder_boxes(14, 11, 4, 2), logit(1))
    assert len(cramped.seen) <= 2   # no insiste


def test_networks_that_use_view_work_too(network, image):
    class Viewer(nn.Module):
        def __init__(self):
            super().__init__()
            self.conv, self.fc = nn.Conv2d(3, 2, 3, padding=1), nn.Linear(2 * 14 * 11, 2)

        def forward(self, images):
            return self.fc(self.conv(images).view(len(images), -1))

    model = Viewer().eval()
    heat = occlusion_map(model, image, logit(1), 4, 2)
    expected = map_by_loop(model, image, lambda out: out[0, 1].detach(), 4, 2, torch.zeros_like(image))
    torch.testing.assert_close(heat, expected, atol=1e-5, rtol=0)


def test_it_measures_in_eval_mode_and_gives_each_module_its_mode_back(image):
    model = nn.Sequential()
    for name, layer in (("bn", nn.BatchNorm2d(3)), ("drop", nn.Dropout(0.5)), ("frozen", nn.BatchNorm2d(3)),
                        ("flat", nn.Flatten()), ("fc", nn.Linear(image.numel(), 2))):
        model.add_module(name, layer)
    model.train()
    model.frozen.eval()
    before = {name: value.clone() for name, value in model.state_dict().items()}
    first = occlusion_map(model, image, logit(0), 4, 2)
    assert torch.equal(first, occlusion_map(model, image, logit(0), 4, 2))   # nada se apaga al azar
    assert model.training and model.bn.training and model.drop.training and not model.frozen.training
    assert all(torch.equal(value, before[name]) for name, value in model.state_dict().items())
    assert not first.requires_grad and not first.is_inference()


def hooks(model) -> int:
    return sum(len(module._forward_hooks) + len(module._forward_pre_hooks) for module in model.modules())


WRONG = {
    "parche más grande": (lambda m, i: occlusion_map(m, i, logit(0), size=12, stride=4), ValueError, "de 1 a 11"),
    "parche de lado 0": (lambda m, i: occlusion_map(m, i, logit(0), size=0, stride=1), ValueError, "recibí 0"),
    "parche con decimales": (lambda m, i: occlusion_map(m, i, logit(0), size=4.0, stride=1), ValueError, "un entero"),
    "paso 0": (lambda m, i: occlusion_map(m, i, logit(0), size=4, stride=0), ValueError, "stride.*desde 1"),
    "paso mayor que el parche": (lambda m, i: occlusion_map(m, i, logit(0), size=4, stride=5), ValueError, "huecos"),
    "imagen con NaN": (lambda m, i: occlusion_map(m, i / 0 - i / 0, logit(0), 4, 2), ValueError, "NaN"),
    "imagen de enteros": (lambda m, i: occlusion_map(m, (i * 255).byte(), logit(0), 4, 2), ValueError, "255"),
    "canales al final": (lambda m, i: occlusion_map(m, i.movedim(0, -1), logit(0), 4, 2), ValueError, "movedim"),
    "un lote": (lambda m, i: occlusion_map(m, i[None], logit(0), 4, 2), ValueError, r"image\[0\]"),
    "gris": (lambda m, i: occlusion_map(m, i[0], logit(0), 4, 2), ValueError, r"\(3, h, w\)"),
    "un arreglo de numpy": (lambda m, i: occlusion_map(m, i.numpy(), logit(0), 4, 2), TypeError, "tensor"),
    "capa desconocida": (lambda m, i: occlusion_map(m, i, logit(0, layer="fv"), 4, 2), ValueError, "«fv».*conv1, relu1"),
    "clase fuera de rango": (lambda m, i: occlusion_map(m, i, logit(3), 4, 2), ValueError, "del 0 al 2"),
    "probabilidad de otra clase": (lambda m, i: occlusion_map(m, i, probability(9), 4, 2), ValueError, "del 0 al 2"),
    "relleno desconocido": (lambda m, i: occlusion_map(m, i, logit(0), 4, 2, "gris"), ValueError, "gris"),
    "relleno de otro tamaño": (lambda m, i: occlude(i, occluder_boxes(14, 11, 4, 2), i[:, :5]), ValueError, "fill"),
    "sin parches": (lambda m, i: winners(m, i, torch.zeros(0, 4).long()), ValueError, "ningún parche"),
    "cajas de tres números": (lambda m, i: winners(m, i, torch.zeros(2, 3).long()), ValueError, r"boxes.*\(n, 4\)"),
    "cajas sin tensor": (lambda m, i: occlude(i, [(0, 0, 2, 2)]), TypeError, r"boxes: esperaba un tensor.*as_tensor\(boxes\)"),
    "una caja suelta": (lambda m, i: occlude(i, torch.tensor((0, 0, 2, 2))), ValueError, r"boxes\[None\]"),
    "tapar un lote": (lambda m, i: occlude(i[None], torch.tensor([(0, 0, 2, 2)])), ValueError, r"image\[0\]"),
    "el nombre de la clase": (lambda m, i: occlusion_map(m, i, logit("pez"), 4, 2), TypeError, "recibí 'pez'"),
    "máscara vacía": (lambda m, i: coverage(occluder_boxes(14, 11, 4, 2), i[0] > 2), ValueError, "vacía"),
    "máscara de otro tamaño": (lambda m, i: share_on_mask(i[0], i[0, :5] > 0), ValueError, "mask"),
    "máscara girada": (lambda m, i: cover_mask(i, i[0].T > 0), ValueError, "mask"),
    "valores de más": (lambda m, i: paint_boxes(occluder_boxes(14, 11, 4, 2), torch.zeros(3), 14, 11), ValueError, "values"),
    "valores NaN": (lambda m, i: paint_boxes(torch.tensor([[0, 0, 2, 2]]), i[0, 0, :1] / 0, 14, 11), ValueError, "NaN"),
}


@pytest.mark.parametrize("call, kind, message", WRONG.values(), ids=WRONG)
def test_wrong_input_gets_one_clear_sentence_and_breaks_nothing(network, image, call, kind, message):
    good = occlusion_map(network, image, logit(0), 4, 2)
    network.train()
    with pytest.raises(kind, match=message) as caught:
        call(network, image)
    assert "\n" not in str(caught.value) and str(caught.value).rstrip()[-1] in ".?»)"
    assert hooks(network) == 0 and network.training
    assert torch.equal(good, occlusion_map(network, image, logit(0), 4, 2))


def test_no_hook_survives_a_network_that_fails_half_way(network, image):
    calls = []

    def fail(module, inputs):
        calls.append(1)
        if len(calls) > 1:
            raise ZeroDivisionError("a media red")

    handle = network.relu2.register_forward_pre_hook(fail)
    with pytest.raises(ZeroDivisionError):
        occlusion_map(network, image, logit(0), 4, 2)
    assert len(calls) == 2 and hooks(network) == 1   # sólo queda el nuestro
    handle.remove()


def test_long_maps_show_a_bar_in_spanish_on_stdout_and_short_ones_nothing(network, image, capsys, monkeypatch):
    occlusion_map(network, image, logit(0), 4, 2)
    assert capsys.readouterr() == ("", "")
    monkeypatch.setattr(batches, "progress", lambda text, total, unit, delay: progress(text, total, unit, 0))
    occlusion_map(network, image, logit(0), 4, 2)
    printed = capsys.readouterr()
    assert "Tapando" in printed.out and "31 parches" in printed.out and printed.err == ""   # 6 × 5 posiciones y el vacío


def test_mixed_precision_only_when_asked(network, image):
    seen = []
    handle = network.conv2.register_forward_hook(lambda module, inputs, output: seen.append(output.dtype))
    exact = occlusion_map(network, image, logit(0), 4, 2)
    assert set(seen) == {torch.float32}
    seen.clear()
    rough = occlusion_map(network, image, logit(0), 4, 2, mixed=True)
    handle.remove()
    assert set(seen) == {torch.bfloat16} and rough.dtype == torch.float32
    torch.testing.assert_close(rough, exact, atol=0.1 * exact.abs().max().item(), rtol=0)


@pytest.mark.skipif(not torch.cuda.is_available(), reason="no hay GPU")
@pytest.mark.parametrize("fill", FILLS)
def test_on_a_gpu_it_runs_there_and_answers_where_the_image_was(network, image, fill):
    expected = occlusion_map(network, image, probability(1), 4, 2, fill)
    network.cuda()
    heat = occlusion_map(network, image, probability(1), 4, 2, fill)
    assert heat.device == image.device
    torch.testing.assert_close(heat, expected, atol=1e-4, rtol=0)
    assert occlusion_map(network, image.cuda(), probability(1), 4, 2, fill).is_cuda

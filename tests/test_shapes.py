from types import SimpleNamespace

import numpy as np
import pytest
import torch
from torch import nn

from labkit.device import device_of, pick_device, seed_all
from labkit.shapes import check_dense, check_numbers, check_shape, check_values, positions, real, shown, whole


def test_names_the_axes():
    assert check_shape(torch.zeros(2, 3, 5, 7), "b 3 h w", "images") == {"b": 2, "h": 5, "w": 7}


@pytest.mark.parametrize("shape, pattern, advice", [
    ((1, 3, 8, 8), "3 h w", "(3, h, w) y recibí (1, 3, 8, 8). ¿Sobra el eje de lote? Prueba image[0]."),
    ((3, 8, 8), "b 3 h w", "¿Falta el eje de lote? Prueba image[None]."),
    ((8, 9, 3), "3 h w", "¿Están los canales al final? Prueba image.movedim(-1, -3)."),
    ((2, 8, 9, 3), "b 3 h w", "¿Están los canales al final? Prueba image.movedim(-1, -3)."),
    ((1, 8, 8), "3 h w", "esperaba forma (3, h, w) y recibí (1, 8, 8)."),
    ((5,), "h w", "esperaba forma (h, w) y recibí (5,)."),
    ((4, 5), "n n", "esperaba forma (n, n) y recibí (4, 5)."),
])
def test_says_what_was_expected_and_what_to_try(shape, pattern, advice):
    with pytest.raises(ValueError) as caught:
        check_shape(torch.zeros(shape), pattern, "image")
    assert str(caught.value).startswith("image: ") and str(caught.value).endswith(advice)


@pytest.mark.parametrize("shape, pattern", [((1, 3, 8, 8), "3 h w"), ((3, 8, 8), "b 3 h w"), ((8, 9, 3), "3 h w"),
                                            ((2, 8, 9, 3), "b 3 h w")])
def test_the_advice_works(shape, pattern):
    image = torch.zeros(shape)
    with pytest.raises(ValueError) as caught:
        check_shape(image, pattern, "image")
    fixed = eval(str(caught.value).split("Prueba ")[1].rstrip("."), {"image": image})
    check_shape(fixed, pattern, "image")


def test_refuses_what_is_not_a_tensor():
    with pytest.raises(TypeError, match="recibí ndarray. Prueba torch.as_tensor"):
        check_shape(torch.zeros(3, 8, 8).numpy(), "3 h w", "image")


@pytest.mark.parametrize("bad", [float("nan"), float("inf"), -float("inf")])
def test_refuses_values_that_are_not_finite(bad):
    images = torch.rand(2, 3, 4, 4)
    check_values(images, "images")
    images[1, 2, 3, 0] = bad
    with pytest.raises(ValueError, match="hay NaN o infinitos"):
        check_values(images, "images")


def test_a_large_half_precision_image_is_finite():
    check_values(torch.ones(8, 3, 128, 128, dtype=torch.float16), "images")       # su suma no cabe en float16


def test_refuses_integers():
    with pytest.raises(ValueError, match=r"Prueba images.float\(\) / 255"):
        check_values(torch.zeros(2, 3, 4, 4, dtype=torch.uint8), "images")


def test_devices():
    assert pick_device("cpu") == torch.device("cpu")
    assert pick_device().type in ("cuda", "mps", "cpu")
    with pytest.raises(ValueError, match="esperaba un dispositivo de esta computadora .*cpu.* y recibí «gpu»"):
        pick_device("gpu")


def test_a_network_is_where_its_weights_are_or_else_what_it_keeps_or_else_the_cpu():
    holder = nn.Module()
    assert device_of(holder).type == device_of(nn.ReLU()).type == "cpu"
    holder.register_buffer("mean", torch.zeros(3, device="meta"))
    with pytest.raises(ValueError, match="la red está en «meta», con formas y sin números"):
        device_of(holder)
    holder.mean, holder.weight = torch.zeros(3), nn.Parameter(torch.zeros(3))
    assert device_of(holder).type == "cpu"


def test_a_network_elsewhere_is_not_taken_for_one_of_the_cpu():
    away = nn.Module()
    away.parameters = lambda: iter([SimpleNamespace(is_meta=False, device=torch.device("cuda", 1))])
    assert device_of(away) == torch.device("cuda", 1)


def test_prefers_cuda_then_mps(monkeypatch):
    monkeypatch.setattr(torch.cuda, "is_available", lambda: False)
    monkeypatch.setattr(torch.backends.mps, "is_available", lambda: True)
    assert pick_device().type == "mps"
    monkeypatch.setattr(torch.cuda, "is_available", lambda: True)
    assert pick_device().type == "cuda"


def test_seed_repeats_every_kind_of_chance():
    import random

    import numpy as np

    def draw() -> tuple:
        seed_all(7)
        return random.random(), np.random.rand(), torch.rand(1).item()

    assert draw() == draw()


def test_a_value_is_shown_in_one_short_line():
    assert shown(torch.zeros(2, 3)) == "Tensor (2, 3)" and shown(torch.tensor(2)) == "2" and shown("a\nb") == "'a\\nb'"
    assert len(shown("x" * 500)) < 70 and shown("x" * 500).endswith("…")


@pytest.mark.parametrize("value", [3, np.int64(3), np.uint8(3), torch.tensor(3), torch.arange(4).argmax(), np.array(3)])
def test_whole_numbers_come_in_many_dresses(value):
    assert whole(value, "n", 1, 3) == 3 and type(whole(value, "n")) is int


@pytest.mark.parametrize("value", [True, 3.0, "3", None, [3], torch.tensor([3]), 4, 0, 10**400, torch.tensor(3, device="meta")])
def test_what_is_not_a_whole_number_in_range_is_told(value):
    with pytest.raises(ValueError, match="n: esperaba un entero de 1 a 3 y recibí"):
        whole(value, "n", 1, 3)


@pytest.mark.parametrize("value", [float("nan"), float("inf"), "0.5", True, None, 2.0, -(10**400)])
def test_what_is_not_a_number_in_range_is_told(value):
    with pytest.raises(ValueError, match="share: esperaba un número de 0 a 1 y recibí"):
        real(value, "share", 0, 1)


def test_an_infinite_is_not_a_number_to_work_with():
    for value in (float("inf"), -float("inf"), float("nan"), np.float64("inf"), torch.tensor(torch.inf), 1e308):
        with pytest.raises(ValueError, match="lr: esperaba un número y recibí"):
            real(value, "lr")


@pytest.mark.parametrize("values", [torch.tensor([5]), torch.tensor([-1]), torch.tensor([1.0]), torch.tensor([True])])
def test_positions_end_before_the_count(values):
    assert positions(torch.tensor([0, 4]), "n", "top", 5).dtype == torch.int64
    with pytest.raises(ValueError, match="top: esperaba enteros de 0 a 4 y recibí"):
        positions(values, "n", "top", 5)


def test_huge_numbers_are_not_called_infinite():
    with pytest.raises(ValueError, match="images: esperaba números de menos de 1e.15 y recibí de 0 a 1e.30"):
        check_values(torch.tensor([0.0, 1e30]), "images")
    check_values(torch.tensor([3e38], dtype=torch.float64) / 1e30, "images")


@pytest.mark.parametrize("tensor, kind", [(torch.zeros(3, device="meta"), "«meta»"), (torch.zeros(3, dtype=torch.complex64), "complex64")])
def test_what_has_no_real_numbers_is_refused_by_its_kind(tensor, kind):
    with pytest.raises(ValueError, match=f"values: esperaba números reales y recibí .*{kind}"):
        check_dense(tensor, "values")


def test_too_few_or_empty_rows_are_refused():
    assert check_numbers(torch.ones(2, 3), "n c", "values", least=2) == {"n": 2, "c": 3}
    for values in (torch.ones(1, 3), torch.ones(0, 3), torch.ones(2, 0)):
        with pytest.raises(ValueError, match=r"values: esperaba \(n, c\) con al menos 2 en el primer eje y nada vacío"):
            check_numbers(values, "n c", "values", least=2)

from io import BytesIO

import numpy as np
import pytest
import torch
from PIL import Image

from labkit.colors import COLOR_NAMES, color_index, rgb_to_lab
from labkit.images import (
    add_margin,
    bars,
    beside,
    caption,
    centered,
    color_limits,
    colorize,
    contact_sheet,
    draw_box,
    draw_outline,
    enlarge,
    jpeg_bytes,
    listen,
    overlay,
    png_bytes,
    save_poster,
    sized,
    text_image,
    to_uint8,
)
from labkit.images.letters import _written

BLUE, RED = torch.tensor([49, 104, 142]) / 255, torch.tensor([176, 58, 46]) / 255
NAMES = ["avión", "automóvil", "niño"]


@pytest.fixture
def image() -> torch.Tensor:
    return torch.rand(3, 6, 9, generator=torch.Generator().manual_seed(0))


def decoded(content: bytes) -> torch.Tensor:
    return torch.from_numpy(np.array(Image.open(BytesIO(content)))).permute(2, 0, 1) / 255


def painted(picture: torch.Tensor, color: torch.Tensor) -> torch.Tensor:
    """Dónde tiene ese color la imagen, (h, w)."""
    return torch.isclose(picture, color[:, None, None], atol=1e-3).all(0)


# ── píxeles ──────────────────────────────────────────────────────────────────────────────────────────────────────────

def test_to_uint8_rounds_and_clips():
    values = torch.tensor([-1.0, 0, 0.4999 / 255, 0.5001 / 255, 127.5001 / 255, 1, 7, float("nan")])
    assert to_uint8(values).tolist() == [0, 0, 0, 1, 128, 255, 255, 0]
    assert to_uint8(values.requires_grad_()).dtype == torch.uint8


def test_enlarge_repeats_pixels(image):
    assert torch.equal(enlarge(image, 3), torch.from_numpy(np.kron(image.numpy(), np.ones((1, 3, 3), np.float32))))


@pytest.mark.parametrize("n, cols, scale, pad", [(5, 2, 1, 2), (6, 3, 2, 1), (2, 4, 1, 0), (1, 1, 3, 4)])
def test_contact_sheet_against_a_plain_loop(n, cols, scale, pad):
    images = torch.rand(n, 3, 4, 5) * 0.9
    rows, h, w = -(-n // cols), 4 * scale, 5 * scale
    expected = torch.ones(3, rows * (h + pad) + pad, cols * (w + pad) + pad)
    for i in range(n):
        y, x = pad + i // cols * (h + pad), pad + i % cols * (w + pad)
        expected[:, y:y + h, x:x + w] = enlarge(images[i], scale)
    assert torch.equal(contact_sheet(images, cols, scale, pad), expected)


def test_margins_are_white_and_what_is_too_much_is_cut(image):
    framed = add_margin(image, top=1, bottom=2, left=3, right=4)
    assert framed.shape == (3, 9, 16) and torch.equal(framed[:, 1:7, 3:12], image)
    assert framed.sum() == pytest.approx(float(image.sum()) + 3 * (9 * 16 - 6 * 9), abs=1e-3)
    assert torch.equal(sized(image, 8, 5), add_margin(image[:, :, :5], bottom=2))
    assert torch.equal(sized(image, width=11), add_margin(image, right=2)) and torch.equal(sized(image, 4), image[:, :4])
    assert torch.equal(sized(image), image)


@pytest.mark.parametrize("h, w, times", [(5, 5, 4), (4, 9, 2), (23, 23, 1), (30, 30, 1)])
def test_centered_grows_a_whole_number_of_times_in_the_middle(h, w, times):
    small = torch.rand(3, h, w) * 0.5
    framed = centered(small, 23)
    assert framed.shape == (3, 23, 23)
    if h <= 23:
        top, left = (23 - times * h) // 2, (23 - times * w) // 2
        assert torch.equal(framed[:, top:top + times * h, left:left + times * w], enlarge(small, times))
        assert (framed == 1).all(0).sum() == 23 * 23 - times * times * h * w


def test_beside_keeps_every_picture_and_fills_with_white(image):
    small = image[:, :2, :3]
    row = beside([image, small], pad=4)
    assert row.shape == (3, 6, 16)
    assert torch.equal(row[:, :, :9], image) and torch.equal(row[:, :2, 13:], small)
    assert (row[:, :, 9:13] == 1).all() and (row[:, 2:, 13:] == 1).all()


@pytest.mark.parametrize("box", [(1, 2, 4, 7), (0, 0, 6, 9), (-3, -2, 3, 4), (4, 7, 20, 20), (2, 2, 3, 3), (30, 30, 40, 40)])
def test_draw_box_against_a_plain_loop(image, box):
    y0, x0, y1, x1 = box
    expected, before = image.clone(), image.clone()
    for y in range(6):
        for x in range(9):
            inside = y0 <= y < y1 and x0 <= x < x1
            if inside and (y in (y0, y1 - 1) or x in (x0, x1 - 1)):
                expected[:, y, x] = torch.tensor([0.0, 1.0, 0.5])
    assert torch.equal(draw_box(image, torch.tensor(box), (0.0, 1.0, 0.5)), expected) and torch.equal(image, before)


@pytest.mark.parametrize("width", [1, 2])
@pytest.mark.parametrize("name", ["dentro", "en la orilla", "toda", "nada"])
def test_draw_outline_against_a_plain_loop(width, name):
    """Blanco a menos de `width` por fuera, negro un píxel más; en la orilla, por dentro."""
    image, mask = 0.5 * torch.ones(3, 14, 12), torch.zeros(14, 12, dtype=torch.bool)
    box = {"dentro": (5, 5, 9, 7), "en la orilla": (0, 4, 6, 12), "toda": (0, 0, 14, 12), "nada": (0, 0, 0, 0)}[name]
    mask[box[0]:box[2], box[1]:box[3]] = True
    expected = image.clone()
    for y in range(14):
        for x in range(12):
            far = min((max(abs(y - v), abs(x - u)) for v, u in mask.nonzero().tolist()), default=99)
            edge = min(y, x, 13 - y, 11 - x)
            if (far == 0 and edge < width) or 0 < far <= width:
                expected[:, y, x] = 1.0
            elif far == width + 1:
                expected[:, y, x] = 0.0
    assert torch.equal(draw_outline(image, mask, width), expected) and (image == 0.5).all()
    with pytest.raises(ValueError, match="mask: esperaba"):
        draw_outline(image, mask[1:])


# ── mapas ────────────────────────────────────────────────────────────────────────────────────────────────────────────

def test_colorize_goes_from_one_end_of_the_table_to_the_other():
    from matplotlib import colormaps

    picture = colorize(torch.tensor([[2.0, 3, 4]]), "cividis")
    expected = torch.tensor([colormaps["cividis"](place)[:3] for place in (0, 128, 255)], dtype=torch.float32)
    assert picture.shape == (3, 1, 3) and torch.allclose(picture[:, 0].T, expected)
    assert not torch.equal(picture, colorize(torch.tensor([[2.0, 3, 4]])))


def test_a_signed_map_is_white_at_zero_blue_below_and_red_above():
    negative, zero, positive = colorize(torch.tensor([[-1.0, 0, 3]]), symmetric=True)[:, 0].T
    assert zero.min() > 0.95 and negative[2] > negative[0] + 0.1 and positive[0] > positive[2] + 0.1
    assert color_limits(torch.tensor([[-1.0, 0, 3]]), symmetric=True) == (-3, 3)
    assert color_limits(torch.tensor([[-4.0, 0, 3]]), symmetric=True) == (-4, 4)


def test_limits_fix_the_scale():
    heat = torch.tensor([[0.25, 0.5]])
    wide = colorize(torch.tensor([[0.0, 0.25, 0.5, 1.0]]))
    assert torch.allclose(colorize(heat, limits=(0.0, 1.0)), wide[:, :, 1:3])
    assert not torch.allclose(colorize(heat), wide[:, :, 1:3])


def test_colorize_never_fails_on_odd_maps():
    assert colorize(torch.tensor([[float("nan"), 0, 1]]))[:, 0, 0].tolist() == [0.5, 0.5, 0.5]
    for heat in (torch.zeros(2, 3), torch.full((2, 3), float("nan")), torch.full((2, 3), 5.0)):
        assert colorize(heat).isfinite().all() and colorize(heat, symmetric=True).isfinite().all()


def test_colorize_names_the_good_tables():
    with pytest.raises(ValueError, match="no hay una tabla de colores «arcoíris». Prueba viridis, cividis"):
        colorize(torch.zeros(2, 2), "arcoíris")


def test_overlay_mixes(image):
    heat = torch.rand(6, 9)
    assert torch.equal(overlay(image, heat, 0.0), image) and torch.equal(overlay(image, heat, 1.0), colorize(heat))
    assert torch.allclose(overlay(image, colorize(heat), 0.25), 0.75 * image + 0.25 * colorize(heat))
    with pytest.raises(ValueError, match=r"heat: esperaba forma \(3, 6, 9\)"):
        overlay(image, torch.zeros(5, 9), 0.5)


# ── texto y barras ───────────────────────────────────────────────────────────────────────────────────────────────────

def test_every_spanish_letter_has_its_own_glyph():
    letters = "áéíóúüñÁÉÍÓÚÜÑ¿¡«»—−▸"
    missing = text_image("\ue000", 40)                              # un carácter que ninguna letra dibuja
    drawn = {letter: text_image(letter, 40) for letter in letters}
    assert not [letter for letter in letters if torch.equal(drawn[letter], missing)]
    assert not torch.equal(drawn["ó"], text_image("o", 40)) and not torch.equal(drawn["ñ"], text_image("n", 40))


def test_text_wraps_and_caption_goes_below(image):
    short, long = text_image("hola", 120), text_image("una puntuación muy larga " * 4, 120)
    assert short.shape[2] == long.shape[2] == 120 and long.shape[1] > 2 * short.shape[1]
    wide = enlarge(image, 20)
    assert torch.equal(caption(wide, "hola")[:, :120], wide) and caption(wide, "hola")[:, 120:].min() < 0.5
    assert text_image("", 50).min() == 1 and text_image("uno\ndos", 200).shape[1] > short.shape[1]


def test_bars_measure_the_values():
    lengths = painted(bars(NAMES, [0.8, 0.4, 0.0], width=300, row=20), BLUE).reshape(3, 20, 300).any(1).sum(1)
    assert lengths[0] > 60 and abs(lengths[0] - 2 * lengths[1]) <= 2 and lengths[2] <= 1


def test_the_marked_bar_has_another_color_and_a_sign():
    plain, marked = (painted(bars(NAMES, [0.5, 0.5, 0.5], mark=mark, row=20), RED).reshape(3, 20, -1) for mark in (None, 1))
    assert not plain.any() and marked.any(2).any(1).tolist() == [False, True, False]
    assert marked[1, :, :14].any()                                  # el signo ▸, a la izquierda del nombre


def test_bars_start_at_zero_and_stay_inside():
    picture = painted(bars(NAMES, [-4.0, 4.0, 99.0], limits=(-8.0, 8.0), row=20), BLUE).reshape(3, 20, -1).any(1)
    columns = [row.nonzero()[:, 0] for row in picture]
    assert abs(columns[0].max() - columns[1].min()) <= 1 and columns[2].max() < picture.shape[1] - 20
    assert bars(NAMES, [0.0, 0.0, 0.0], limits=(0.0, 0.0)).shape == (3, 66, 360)


def test_a_very_long_name_leaves_room_for_its_bar():
    picture = bars(["x" * 200, "corto"], [1.0, 1.0], width=300, row=20)
    assert picture.shape == (3, 40, 300) and painted(picture, BLUE).reshape(2, 20, 300).any(1).sum(1).min() > 40


def test_bars_write_the_decimals_asked_for():
    plain, same = (bars(NAMES, [0.174, 0.05, 0.0], digits=digits) for digits in (None, 2))
    assert plain.shape == same.shape and not torch.equal(plain, same)
    assert [_written(value, limits, digits) for value, limits, digits in (
        (0.174, (0.0, 1.0), None), (0.174, (0.0, 1.0), 3), (-2.25, (-8.0, 8.0), None), (-2.25, (-8.0, 8.0), 2))] == \
        ["17 %", "0.174", "−2.2", "−2.25"]


def test_bars_want_one_value_per_name():
    with pytest.raises(ValueError):
        bars(NAMES, [0.1, 0.2])


# ── archivos ─────────────────────────────────────────────────────────────────────────────────────────────────────────

def test_png_is_exact_and_jpeg_is_close(image):
    smooth = torch.nn.functional.interpolate(image[None], (48, 72), mode="bilinear")[0]
    assert torch.equal(decoded(png_bytes(smooth)), to_uint8(smooth) / 255)
    assert png_bytes(smooth)[1:4] == b"PNG" and jpeg_bytes(smooth)[:2] == b"\xff\xd8"
    fine, coarse = ((decoded(jpeg_bytes(smooth, quality)) - smooth).abs().mean() for quality in (95, 10))
    assert fine < 0.01 < coarse


def test_a_poster_is_large_and_keeps_the_picture(tmp_path):
    ramp = torch.linspace(0, 1, 16).expand(3, 8, 16)
    path = save_poster(ramp, tmp_path / "playera.png", width=640)
    with Image.open(path) as poster:
        assert poster.size == (640, 320) and round(poster.info["dpi"][0]) == 300
        values = np.asarray(poster)[160, :, 0]
    assert (np.diff(values.astype(int)) >= -1).all() and values[0] < 10 and values[-1] > 245
    with pytest.raises(ValueError, match="termine en .png"):
        save_poster(ramp, tmp_path / "playera.jpg")


def test_bytes_refuse_a_batch(image):
    with pytest.raises(ValueError, match="¿Sobra el eje de lote"):
        png_bytes(image[None])


# ── colores ──────────────────────────────────────────────────────────────────────────────────────────────────────────

def named(*rgb: int) -> str:
    return COLOR_NAMES[color_index(torch.tensor(rgb).float().reshape(1, 3, 1, 1) / 255).item()]


def test_lab_of_known_colors():
    rgb = torch.tensor([[255, 255, 255], [0, 0, 0], [255, 0, 0], [0, 0, 255], [119, 119, 119]]).T.reshape(1, 3, 1, -1) / 255
    expected = [[100, 0, 0], [0, 0, 0], [53.24, 80.09, 67.20], [32.30, 79.19, -107.86], [50.03, 0, 0]]    # sRGB, D65
    assert torch.allclose(rgb_to_lab(rgb)[0, :, 0].T, torch.tensor(expected), atol=0.1)


@pytest.mark.parametrize("name, colors", {
    "negro": [(0, 0, 0), (30, 28, 28)], "blanco": [(255, 255, 255), (240, 245, 250)], "gris": [(80, 80, 80), (150, 148, 142)],
    "azul": [(30, 60, 180), (130, 170, 220), (185, 205, 228), (30, 70, 110)], "café": [(120, 80, 45), (70, 45, 28), (110, 85, 60)],
    "verde": [(80, 120, 50), (40, 160, 60), (30, 50, 20), (150, 210, 180)], "naranja": [(230, 130, 30)], "rosa": [(240, 150, 180)],
    "morado": [(110, 50, 140), (170, 140, 200)], "rojo": [(200, 30, 30), (110, 20, 20)],
    "amarillo": [(245, 215, 40), (190, 170, 100), (214, 190, 140)],                         # también el pasto seco y la arena
}.items())
def test_colors_are_called_as_people_call_them(name, colors):
    assert [named(*color) for color in colors] == [name] * len(colors)


def test_every_pixel_gets_its_own_name():
    images = torch.rand(2, 3, 4, 5, generator=torch.Generator().manual_seed(3))
    index = color_index(images)
    assert index.shape == (2, 4, 5) and len(index.unique()) > 3
    for i, y, x in np.ndindex(2, 4, 5):
        assert index[i, y, x] == color_index(images[i:i + 1, :, y:y + 1, x:x + 1]).item()


def test_what_is_written_in_a_picture_can_be_read_apart():
    """Lo que oye quien escucha, en orden; uno de adentro oye solo lo suyo, y al acabar nadie oye nada."""
    with listen() as outer:
        text_image("uno\n  dos", 100)
        with listen() as inner:
            bars(["a", "b"], [0.5, 1.0])
        text_image(" ", 100)
        text_image("tres", 100)
    text_image("nadie", 100)
    assert outer == ["uno dos", "tres"] and inner == ["a: 50 %; b: 100 %"]

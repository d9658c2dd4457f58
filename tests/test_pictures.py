"""Las imágenes de cada quien: cualquier modo, cualquier orientación, y una frase clara para lo que no se puede leer."""
import struct
import warnings
import zlib
from io import BytesIO
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image

from labkit import pictures
from labkit.downloads import import_torchvision
from labkit.pictures import load_picture


def saved(picture: Image.Image, kind: str = "PNG", **options) -> bytes:
    buffer = BytesIO()
    picture.save(buffer, kind, **options)
    return buffer.getvalue()


RED = Image.new("RGB", (8, 6), (255, 0, 0))
PALE = Image.new("RGBA", (8, 6), (255, 0, 0, 0))
DEEP = np.full((6, 8), 32768, np.uint16)
MODES = {
    "RGB": (saved(RED), (1, 0, 0)), "P": (saved(RED.convert("P")), (1, 0, 0)), "L": (saved(RED.convert("L")), (0.298,) * 3),
    "CMYK": (saved(RED.convert("CMYK"), "JPEG"), (1, 0, 0)), "16 bits": (saved(Image.fromarray(DEEP)), (0.5,) * 3),
    "16 bits TIFF": (saved(Image.fromarray(DEEP), "TIFF"), (0.5,) * 3), "transparente": (saved(PALE), (1, 1, 1)),
    "LA": (saved(Image.new("LA", (8, 6), (0, 0))), (1, 1, 1)), "LA opaca": (saved(Image.new("LA", (8, 6), (51, 255))), (0.2,) * 3),
    "media transparencia": (saved(Image.new("RGBA", (8, 6), (0, 0, 0, 102))), (0.6,) * 3),
    "P transparente": (saved(RED.convert("P"), transparency=RED.convert("P").getpixel((0, 0))), (1, 1, 1)),
    "1": (saved(Image.new("1", (8, 6), 1)), (1, 1, 1)), "GIF": (saved(RED, "GIF"), (1, 0, 0)),
    "WebP": (saved(RED, "WEBP", lossless=True), (1, 0, 0)), "YCbCr": (saved(RED.convert("YCbCr"), "JPEG"), (1, 0, 0)),
    "de Pillow": (RED, (1, 0, 0)), "entera de 8 bits": (Image.fromarray(np.full((6, 8), 51, np.int32)), (0.2,) * 3),
    "memoryview": (memoryview(saved(RED)), (1, 0, 0)),
}


@pytest.mark.parametrize("name", MODES)
def test_reads_any_mode(name):
    content, color = MODES[name]
    picture = load_picture(content)
    assert picture.shape == (3, 6, 8) and picture.dtype == torch.float32
    assert torch.allclose(picture, torch.tensor(color)[:, None, None].expand_as(picture).float(), atol=0.02)


def corner(orientation: int) -> Image.Image:
    """Una imagen negra con la esquina de arriba a la izquierda en blanco, y la marca de cómo se giró la cámara."""
    picture = Image.new("RGB", (8, 6))
    picture.putpixel((0, 0), (255, 255, 255))
    picture.getexif()[0x0112] = orientation
    return picture


@pytest.mark.parametrize("orientation, place", [(1, (0, 0)), (2, (0, -1)), (3, (-1, -1)), (4, (-1, 0)),
                                               (5, (0, 0)), (6, (0, -1)), (7, (-1, -1)), (8, (-1, 0))])
def test_reads_the_right_way_up(tmp_path, orientation, place):
    picture = corner(orientation)
    (tmp_path / "foto ñandú.png").write_bytes(saved(picture, exif=picture.getexif()))
    turned = load_picture(tmp_path / "foto ñandú.png")
    assert turned.shape == ((3, 8, 6) if orientation > 4 else (3, 6, 8))
    assert turned[(slice(None), *place)].min() == 1 and turned.sum() == 3


def test_reads_the_square_in_the_middle():
    picture = Image.new("RGB", (30, 10), (0, 0, 255))
    picture.paste((255, 0, 0), (10, 0, 20, 10))
    assert torch.allclose(load_picture(picture, size=10), torch.tensor([1.0, 0, 0])[:, None, None].expand(3, 10, 10))


@pytest.mark.parametrize("shape", [(300, 400), (500, 260), (256, 256), (90, 70)])
def test_fits_a_photograph_as_torchvision_does(shape):
    """Contra el preproceso publicado con los pesos: lado corto a 256, centro de 224."""
    import_torchvision()
    from torchvision.transforms import v2
    rows, columns = np.mgrid[:shape[0], :shape[1]]
    photo = Image.fromarray(np.stack([rows % 256, columns % 256, (rows + columns) // 4 % 256], -1).astype(np.uint8))
    expected = v2.functional.pil_to_tensor(v2.Compose([v2.Resize(256), v2.CenterCrop(224)])(photo)) / 255
    ours = load_picture(photo, size=224, border=1 / 16)
    assert ours.shape == expected.shape and (ours - expected).abs().median() < 2.5 / 255


@pytest.mark.parametrize("shape", [(1, 5000), (5000, 1), (1, 1), (2, 3)])
def test_any_size_becomes_the_square_that_the_network_wants(shape):
    picture = load_picture(Image.new("RGB", shape, (255, 0, 0)), size=224, border=1 / 16)
    assert picture.shape == (3, 224, 224) and torch.equal(picture[0], torch.ones(224, 224))


def png(width: int, height: int, data: bytes = b"") -> bytes:
    """Un PNG que dice medir width × height, con los datos que se le den."""
    def chunk(kind: bytes, body: bytes) -> bytes:
        return struct.pack(">I", len(body)) + kind + body + struct.pack(">I", zlib.crc32(kind + body))
    header = struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + chunk(b"IDAT", data) + chunk(b"IEND", b"")


NOISE = np.random.default_rng(0).integers(0, 256, (64, 64, 3), dtype=np.uint8)
WHOLE = saved(Image.fromarray(NOISE), "JPEG")
HOSTILE = {
    "vacía": (b"", "formato conocido"), "texto": (b"no soy una imagen", "formato conocido"),
    "html": (b"<!DOCTYPE html><html></html>", "formato conocido"), "svg": (b"<svg xmlns='...'/>", "formato conocido"),
    "zip": (b"PK\x03\x04" + bytes(40), "formato conocido"), "pickle": (b"\x80\x04K\x01.", "formato conocido"),
    "JPEG cortado": (WHOLE[:len(WHOLE) // 2], "incompleta o dañada"), "PNG cortado": (saved(Image.fromarray(NOISE))[:5000], "incompleta o dañada"),
    "PNG sin datos": (png(8, 8), "incompleta o dañada"), "PNG con basura": (png(8, 8, zlib.compress(b"x")), "incompleta o dañada"),
    "GIF cortado": (saved(Image.fromarray(NOISE), "GIF")[:2000], "incompleta o dañada"),
    "bomba": (png(60_000, 60_000, zlib.compress(bytes(1000))), "demasiado grande: el límite son 50 millones"),
    "bomba que Pillow sólo avisa": (png(11_000, 9_000), "demasiado grande"),
    "apenas mayor": (png(5_001, 10_000), "demasiado grande"),
}


@pytest.mark.parametrize("name", HOSTILE)
def test_what_cannot_be_read_gets_one_clear_sentence(name, tmp_path):
    content, sentence = HOSTILE[name]
    (tmp_path / "rota.jpg").write_bytes(content)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        for source, called in ((content, "la imagen que recibí"), (tmp_path / "rota.jpg", "rota.jpg»")):
            with pytest.raises(ValueError, match=sentence) as caught:
                load_picture(source)
            assert called in str(caught.value) and "\n" not in str(caught.value)


def test_what_is_not_there_or_is_of_another_kind_is_named(tmp_path):
    with pytest.raises(ValueError, match="No encuentro .*no_existe.jpg"):
        load_picture(tmp_path / "no_existe.jpg")
    with pytest.raises(ValueError, match="No pude abrir .*es una carpeta"):
        load_picture(tmp_path)
    for wrong in (torch.zeros(3, 4, 4), None, 7, [b"a"]):
        with pytest.raises(TypeError, match="source: esperaba una ruta"):
            load_picture(wrong)


def test_a_large_picture_of_pillow_is_refused_before_it_is_read(monkeypatch):
    monkeypatch.setattr(pictures, "MAX_PIXELS", 47)
    with pytest.raises(ValueError, match="demasiado grande"):
        load_picture(RED)
    monkeypatch.setattr(pictures, "MAX_PIXELS", 48)
    assert load_picture(RED).shape == (3, 6, 8)


def test_every_truncation_of_a_file_is_an_image_or_one_clear_sentence():
    """Cortado en cualquier byte: o se lee entera o es un ValueError con su frase, nunca otra cosa."""
    for whole in (WHOLE, saved(Image.fromarray(NOISE)), saved(RED, "GIF"), saved(RED, "TIFF"), saved(RED, "BMP"), saved(RED, "WEBP")):
        for end in range(0, len(whole), max(1, len(whole) // 60)):
            try:
                assert load_picture(whole[:end]).shape[0] == 3
            except ValueError as error:
                assert "No pude leer" in str(error)


def test_a_file_is_closed_after_reading(tmp_path):
    path = Path(tmp_path, "a.png")
    path.write_bytes(saved(RED))
    with warnings.catch_warnings():
        warnings.simplefilter("error", ResourceWarning)
        load_picture(path)
    path.unlink()


def shown(picture: Image.Image) -> np.ndarray:
    """Lo que enseña un visor, en un fondo blanco, con fórmulas y no con el camino de `load_picture`: (h, w, 3) de 0 a 1."""
    if picture.mode.startswith("I;16"):
        return np.repeat(np.asarray(picture).astype(float)[..., None] / 65535, 3, 2)
    if picture.mode in ("LA", "PA", "RGBA", "P", "La", "RGBa"):
        layers = np.asarray((picture.convert("LA") if picture.mode == "La" else picture).convert("RGBA")).astype(float) / 255
        return layers[..., :3] * layers[..., 3:] + 1 - layers[..., 3:]
    return np.asarray(picture.convert("RGB")).astype(float) / 255


def noisy(mode: str) -> Image.Image:
    """Una imagen de píxeles al azar en ese modo."""
    rng = np.random.default_rng(3)
    if mode.startswith("I;16"):
        return Image.frombytes(mode, (5, 4), rng.integers(0, 65536, (4, 5)).astype(">u2" if mode.endswith("B") else "<u2").tobytes())
    colors = Image.fromarray(rng.integers(0, 256, (4, 5, 4), dtype=np.uint8), "RGBA")
    if mode in ("La", "RGBa"):
        return colors.convert("LA" if mode == "La" else "RGBA").convert(mode)
    return colors.convert("RGB").convert(mode) if mode not in ("LA", "RGBA", "PA") else colors.convert("P").convert("PA") if mode == "PA" else colors.convert(mode)


@pytest.mark.parametrize("mode", ["1", "L", "LA", "La", "P", "PA", "RGB", "RGBA", "RGBa", "RGBX", "CMYK", "YCbCr", "HSV", "I;16", "I;16B"])
def test_every_mode_gives_what_a_viewer_shows(mode):
    picture = noisy(mode)
    ours = load_picture(picture).permute(1, 2, 0).numpy()
    assert np.abs(ours - shown(picture)).max() <= 1.5 / 255


@pytest.mark.parametrize("values, kind, expected", [
    (np.array([[0, 100, 255]]), np.uint16, [0, 100 / 65535, 255 / 65535]),          # 16 bits y oscura: no son 8
    (np.array([[0, 51, 255]]), np.int32, [0, 0.2, 1]), (np.array([[0, 13107, 65535]]), np.int32, [0, 0.2, 1]),
    (np.array([[0.0, 0.2, 1.0]]), np.float32, [0, 0.2, 1]), (np.array([[0.0, 51.0, 255.0]]), np.float32, [0, 0.2, 1]),
])
def test_one_number_a_pixel_is_read_by_its_depth(values, kind, expected):
    ours = load_picture(Image.fromarray(values.astype(kind)))
    assert np.allclose(ours[:, 0].numpy(), np.array(expected)[None], atol=1 / 255)


@pytest.mark.parametrize("values, kind", [([[0, 70000]], np.int32), ([[-1, 5]], np.int32), ([[0.0, np.nan]], np.float32), ([[0.0, 900.0]], np.float32)])
def test_numbers_whose_white_is_not_known_are_told(values, kind):
    with pytest.raises(ValueError, match="source: esperaba números de 0 a .* no se sabe cuál es el blanco"):
        load_picture(Image.fromarray(np.array(values).astype(kind)))


def test_a_clear_16_bit_value_is_paper():
    content = saved(Image.fromarray(np.array([[7, 40000]], np.uint16)))
    picture = Image.open(BytesIO(content))
    picture.info["transparency"] = 7
    assert np.allclose(load_picture(picture)[0].numpy(), [[1, 40000 / 65535]], atol=1 / 255)


def test_an_animation_gives_its_first_picture():
    frames = [Image.new("RGB", (8, 6), color) for color in ((255, 0, 0), (0, 0, 255))]
    for kind in ("GIF", "PNG", "WEBP"):
        content = saved(frames[0], kind, save_all=True, append_images=frames[1:], **({"lossless": True} if kind == "WEBP" else {}))
        assert torch.allclose(load_picture(content)[:, 3, 3], torch.tensor([1.0, 0, 0]), atol=0.01)


@pytest.mark.parametrize("size", [(224, 224), 224.0, -5, 0, True, "8", 10**9, np.float64(3)])
def test_a_wrong_size_is_not_the_fault_of_the_picture(size):
    with pytest.raises(ValueError, match="size: esperaba un entero de 1 a .* y recibí"):
        load_picture(RED, size=size)


def test_numpy_and_torch_numbers_are_sizes():
    for size in (np.int64(4), torch.tensor(4), torch.arange(5).argmax()):
        assert load_picture(RED, size=size).shape == (3, 4, 4)
    for border in (0.5, -0.1, float("nan"), "0.1", None):
        with pytest.raises(ValueError, match="border: esperaba un número de 0 a 0.5"):
            load_picture(RED, size=4, border=border)

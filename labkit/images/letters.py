"""Letras, barras y escalas sobre imágenes, con DejaVu Sans: la letra que trae Pillow no tiene acentos ni ñ."""
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from contextvars import ContextVar
from functools import lru_cache
from pathlib import Path

import torch
from PIL import Image, ImageDraw, ImageFont
from torch import Tensor

from labkit.images.composing import colorize
from labkit.pictures import from_pillow
from labkit.shapes import check_kind, real, reals, whole

WHITE, INK, BLUE, RED = (255, 255, 255), (33, 33, 33), (49, 104, 142), (176, 58, 46)
HEARD: ContextVar[list[str] | None] = ContextVar("HEARD", default=None)


@contextmanager
def listen() -> Iterator[list[str]]:
    """Todo lo que se escriba dentro de una imagen mientras dure, en orden.

    Así lo que dice un cuadro también se puede leer en voz alta, buscar y agrandar.
    """
    before = HEARD.set(heard := [])
    try:
        yield heard
    finally:
        HEARD.reset(before)


def text_image(text: str, width: int, size: int = 14, center: bool = False) -> Tensor:
    """Un texto en renglones sobre fondo blanco, del alto que haga falta: (3, h, width)."""
    check_kind(text, str, "text", "un texto")
    width, size = whole(width, "width", 1), whole(size, "size", 1, 1000)
    _hear(text)
    font, line = _font(size), size + size // 3
    lines = [piece for paragraph in text.splitlines() for piece in _wrapped(paragraph, font, width - size // 2)] or [""]
    picture = Image.new("RGB", (width, line * len(lines) + size // 2), WHITE)
    draw = ImageDraw.Draw(picture)
    x, anchor = (width / 2, "ma") if center else (size // 3, "la")
    for i, piece in enumerate(lines):
        draw.text((x, size // 4 + i * line), piece, INK, font, anchor)
    return from_pillow(picture)


def text_width(text: str, size: int = 14) -> int:
    """Lo que mide de ancho ese texto en un `text_image`, en píxeles, con su orilla."""
    check_kind(text, str, "text", "un texto")
    size = whole(size, "size", 1, 1000)
    return max((int(_font(size).getlength(line)) for line in text.splitlines()), default=0) + size


def color_bar(limits: tuple[float, float], height: int, symmetric: bool = False, size: int = 13) -> Tensor:
    """La escala de un mapa coloreado, con el valor de los extremos y el de en medio: (3, height, w)."""
    low, high = (real(limit, "limits") for limit in limits)
    height, size = whole(height, "height", 1), whole(size, "size", 1, 1000)
    values = [0.0 if abs(value) < (high - low) / 1000 else value for value in (high, (low + high) / 2, low)]
    written = [f"{value:.3g}".replace("-", "−") for value in values]
    picture = Image.new("RGB", (28 + max(text_width(text, size) for text in written), height), WHITE)
    draw = ImageDraw.Draw(picture)
    for text, y, anchor in zip(written, (0, height / 2, height - 1), ("la", "lm", "ld")):
        draw.text((24, y), text, INK, _font(size), anchor)
    bar = colorize(torch.linspace(high, low, height)[:, None].expand(-1, 18), symmetric=symmetric, limits=limits)
    return torch.cat([bar, from_pillow(picture)[:, :, 18:]], 2)


def caption(image: Tensor, text: str, size: int = 14) -> Tensor:
    """La imagen con un texto debajo: (3, h, w) → (3, h', w)."""
    return torch.cat([image.detach().cpu(), text_image(text, image.shape[2], size)], 1)


def bars(names: Sequence[str], values: Sequence[float] | Tensor, mark: int | None = None,
         limits: tuple[float, float] = (0.0, 1.0), width: int = 360, row: int = 22,
         digits: int | None = None) -> Tensor:
    """Una barra horizontal por nombre, en el orden dado: (3, row · len(names), width).

    mark: el renglón que se señala con ▸.  limits: los valores de los extremos; entre 0 y 1 se escriben en por ciento,
    si no dices con cuántos decimales (digits). La barra sale del 0, o del extremo más cercano a él.
    """
    values, width, row = reals(values, "values"), whole(width, "width", 1), whole(row, "row", 8, 1000)
    if len(values) != len(names):
        raise ValueError(f"values: esperaba {len(names)}, uno por nombre, y recibí {len(values)}.")
    _hear("; ".join(f"{name}: {_written(value, limits, digits)}" for name, value in zip(names, values)))
    font, low, high = _font(row * 2 // 3), *limits
    names = [_shortened(name, font, 0.45 * width) for name in names]
    start = max(font.getlength(name) for name in names) + row * 1.2         # donde empiezan las barras
    room = width - start - font.getlength("−100.0 ")                        # y lo que pueden medir
    picture = Image.new("RGB", (width, row * len(names)), WHITE)
    draw = ImageDraw.Draw(picture)

    def at(value: float) -> float:
        return start + room * (min(max(value, low), high) - low) / max(high - low, 1e-12)

    for i, (name, value) in enumerate(zip(names, values, strict=True)):
        middle, ink = row * (i + 0.5), RED if i == mark else BLUE
        if i == mark:
            draw.polygon([(row * 0.2, row * (i + 0.28)), (row * 0.2, row * (i + 0.72)), (row * 0.6, middle)], ink)
        draw.text((start - row * 0.3, middle), name, INK, font, anchor="rm")
        draw.rectangle([min(at(0), at(value)), row * (i + 0.15), max(at(0), at(value)), row * (i + 0.85)], ink)
        draw.text((max(at(0), at(value)) + row * 0.25, middle), _written(value, limits, digits), INK, font, anchor="lm")
    return from_pillow(picture)


def _hear(text: str) -> None:
    """Anota un texto, si alguien escucha (`listen`)."""
    if (heard := HEARD.get()) is not None and text.strip():
        heard.append(" ".join(text.split()))


def _wrapped(paragraph: str, font: ImageFont.FreeTypeFont, room: float) -> list[str]:
    """El párrafo en renglones que caben en `room` píxeles; una palabra más ancha que eso se parte."""
    lines = [""]
    for word in paragraph.split(" "):
        if font.getlength(f"{lines[-1]} {word}") <= room or not lines[-1]:
            lines[-1] = f"{lines[-1]} {word}" if lines[-1] else word
        else:
            lines.append(word)
        while font.getlength(lines[-1]) > room and len(lines[-1]) > 1:
            fits = max(i for i in range(1, len(lines[-1])) if i == 1 or font.getlength(lines[-1][:i]) <= room)
            lines[-1:] = [lines[-1][:fits], lines[-1][fits:]]
    return lines


def _shortened(name: str, font: ImageFont.FreeTypeFont, room: float) -> str:
    """El nombre, con puntos suspensivos si no cabe en `room` píxeles."""
    if font.getlength(name) <= room:
        return name
    kept = max(i for i in range(len(name)) if i == 0 or font.getlength(f"{name[:i]}…") <= room)
    return f"{name[:kept]}…"


def _written(value: float, limits: tuple[float, float], digits: int | None) -> str:
    if digits is None and limits == (0.0, 1.0):
        return f"{value:.0%}".replace("%", " %")
    return f"{value:.{1 if digits is None else digits}f}".replace("-", "−")


@lru_cache
def _font(size: int) -> ImageFont.FreeTypeFont:
    """DejaVu Sans, que viene con matplotlib: la letra que trae Pillow no tiene acentos ni ñ."""
    import matplotlib

    return ImageFont.truetype(Path(matplotlib.get_data_path(), "fonts", "ttf", "DejaVuSans.ttf"), size)

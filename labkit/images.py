"""Imágenes como tensores: componerlas, colorearlas y entregarlas como PNG o JPEG. Aquí nada sabe de redes.

Toda imagen es (3, h, w), RGB en [0, 1]. Lo que se redibuja con un control deslizante sale de este módulo, con Pillow:
componer y comprimir un cuadro toma unos milisegundos.
"""
from collections.abc import Sequence
from functools import lru_cache
from io import BytesIO
from pathlib import Path
from textwrap import wrap

import numpy as np
import torch
from PIL import Image, ImageDraw, ImageFont
from torch import Tensor

from labkit.files import write_aside
from labkit.pictures import from_pillow
from labkit.shapes import check_shape

WHITE, INK, BLUE, RED = (255, 255, 255), (33, 33, 33), (49, 104, 142), (176, 58, 46)
DIVERGING = "RdBu_r"                # azul: negativo; blanco: cero; rojo: positivo


def to_uint8(images: Tensor) -> Tensor:
    """Los mismos píxeles en enteros de 0 a 255, en la cpu; lo que se salga de [0, 1] se recorta. Cualquier forma."""
    return (images.detach().nan_to_num(0.0).clamp(0, 1) * 255).round().to(torch.uint8).cpu()


def contact_sheet(images: Tensor, cols: int = 8, scale: int = 1, pad: int = 2) -> Tensor:
    """Las imágenes en una hoja de `cols` columnas, agrandadas `scale` veces y separadas por `pad` píxeles blancos.

    (n, 3, h, w) → (3, H, W)
    """
    size = check_shape(images, "n 3 h w", "images")
    rows, h, w = -(-size["n"] // cols), size["h"] * scale + pad, size["w"] * scale + pad
    sheet = images.new_ones(rows * cols, 3, h, w)                                   # cada casilla con su orilla
    sheet[:size["n"], :, pad:, pad:] = enlarge(images.detach(), scale)
    sheet = sheet.reshape(rows, cols, 3, h, w).permute(2, 0, 3, 1, 4).reshape(3, rows * h, cols * w)
    return add_margin(sheet, bottom=pad, right=pad)


def beside(images: Sequence[Tensor], pad: int = 8) -> Tensor:
    """Imágenes de cualquier tamaño en una fila, alineadas arriba, sobre blanco: (3, h, w)… → (3, H, W)."""
    height, width = max(image.shape[1] for image in images), sum(image.shape[2] + pad for image in images) - pad
    row = images[0].new_ones(3, height, width)
    x = 0
    for image in images:
        row[:, :image.shape[1], x:x + image.shape[2]] = image
        x += image.shape[2] + pad
    return row


def add_margin(image: Tensor, top: int = 0, bottom: int = 0, left: int = 0, right: int = 0) -> Tensor:
    """La imagen (3, h, w) con esos píxeles blancos en cada orilla; un número negativo la recorta."""
    return torch.nn.functional.pad(image, (left, right, top, bottom), value=1.0)


def sized(image: Tensor, height: int | None = None, width: int | None = None) -> Tensor:
    """La imagen con blanco abajo y a la derecha hasta ese tamaño, (3, height, width); lo que sobre se recorta."""
    h, w = image.shape[1:]
    return add_margin(image, bottom=0 if height is None else height - h, right=0 if width is None else width - w)


def enlarge(image: Tensor, scale: int) -> Tensor:
    """Cada píxel repetido en un cuadro de scale × scale: (…, h, w) → (…, h·scale, w·scale)."""
    return image.repeat_interleave(scale, -2).repeat_interleave(scale, -1)


def colorize(heat: Tensor, cmap: str = "", symmetric: bool = False,
             limits: tuple[float, float] | None = None) -> Tensor:
    """Un mapa de números pintado con una tabla de colores: (h, w) → (3, h, w). Lo que sea NaN queda gris.

    cmap: "viridis" (si no dices otra), "cividis" u otra de matplotlib.  symmetric: escala centrada en 0, con una tabla
    de dos colores.  limits: los valores de los extremos; si no, el mínimo y el máximo del mapa.
    """
    check_shape(heat, "h w", "heat")
    low, high = limits or color_limits(heat, symmetric)
    table = _color_table(cmap or (DIVERGING if symmetric else "viridis"))
    place = ((heat.detach().cpu().float() - low) / max(high - low, 1e-12)).clamp(0, 1)
    painted = table[(place.nan_to_num(0.0) * (len(table) - 1)).round().long()]      # (h, w, 3)
    painted[place.isnan()] = 0.5
    return painted.permute(2, 0, 1)


def color_limits(heat: Tensor, symmetric: bool = False) -> tuple[float, float]:
    """Los valores que van en los extremos de la escala: mínimo y máximo, o ±el mayor en valor absoluto."""
    values = heat.detach().float()
    values = values[values.isfinite()]
    if not len(values):
        return (-1.0, 1.0) if symmetric else (0.0, 1.0)
    bound = values.abs().max().item()
    return (-bound, bound) if symmetric else (values.min().item(), values.max().item())


def overlay(image: Tensor, heat: Tensor, alpha: float = 0.5) -> Tensor:
    """La imagen con un mapa encima: heat (3, h, w) ya coloreado, o (h, w) y se colorea.

    alpha en [0, 1]: cuánto tapa el mapa.
    """
    size = check_shape(image, "3 h w", "image")
    heat = colorize(heat) if heat.ndim == 2 else heat
    check_shape(heat, f"3 {size['h']} {size['w']}", "heat")
    return (1 - alpha) * image.detach().cpu() + alpha * heat.detach().cpu()


def draw_box(image: Tensor, box: Sequence[int] | Tensor, color: tuple[float, float, float] = (1.0, 0.0, 0.0)) -> Tensor:
    """Una copia de la imagen con el contorno, de un píxel, de la caja (y0, x0, y1, x1), sin incluir y1 ni x1."""
    check_shape(image, "3 h w", "image")
    y0, x0, y1, x1 = (int(value) for value in box)
    marked, ink = image.detach().clone(), image.new_tensor(color)[:, None]
    for row in {y0, y1 - 1} & set(range(image.shape[1])):           # lo que cae fuera de la imagen no se dibuja
        marked[:, row, max(x0, 0):max(x1, 0)] = ink
    for column in {x0, x1 - 1} & set(range(image.shape[2])):
        marked[:, max(y0, 0):max(y1, 0), column] = ink
    return marked


def draw_outline(image: Tensor, mask: Tensor, width: int = 2) -> Tensor:
    """Una copia de la imagen con el contorno de una máscara: por fuera de ella, blanco y luego negro.

    image: (3, h, w);  mask: (h, w), de verdaderos y falsos. Donde toca la orilla de la imagen, va por dentro.
    """
    size = check_shape(image, "3 h w", "image")
    check_shape(mask, f"{size['h']} {size['w']}", "mask")
    marked, inside = image.detach().clone(), torch.zeros_like(mask)
    inside[width:-width, width:-width] = True
    for reach, ink in ((width + 1, 0.0), (width, 1.0)):             # el blanco tapa al negro, menos un píxel
        near = torch.nn.functional.max_pool2d(mask[None].float(), 2 * reach + 1, 1, reach)[0] > 0
        marked[:, near & ~(mask & inside)] = ink
    return marked


def text_image(text: str, width: int, size: int = 14) -> Tensor:
    """Un texto en renglones sobre fondo blanco, del alto que haga falta: (3, h, width)."""
    font, line = _font(size), size + size // 3
    columns = max(int(width / font.getlength("n")) - 1, 1)
    lines = [piece for paragraph in text.splitlines() for piece in wrap(paragraph, columns) or [""]] or [""]
    picture = Image.new("RGB", (width, line * len(lines) + size // 2), WHITE)
    draw = ImageDraw.Draw(picture)
    for i, piece in enumerate(lines):
        draw.text((size // 3, size // 4 + i * line), piece, INK, font)
    return from_pillow(picture)


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
    values = [float(value) for value in values]
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


def save_poster(image: Tensor, path: str | Path, width: int = 3000, dpi: int = 300) -> Path:
    """Guarda la imagen (3, h, w) como PNG de `width` píxeles de ancho, suavizada, para imprimirla; devuelve la ruta.

    3000 píxeles a 300 por pulgada son 25 cm: una playera. ValueError si la ruta no termina en .png.
    """
    check_shape(image, "3 h w", "image")
    path = Path(path)
    if path.suffix.lower() != ".png":
        raise ValueError(f"path: esperaba un nombre que termine en .png y recibí «{path.name}».")
    size = (width, round(width * image.shape[1] / image.shape[2]))
    picture = Image.fromarray(to_uint8(image).permute(1, 2, 0).contiguous().numpy())
    with write_aside(path) as file:
        picture.resize(size, Image.Resampling.BICUBIC).save(file, "PNG", dpi=(dpi, dpi))
    return path


def png_bytes(image: Tensor) -> bytes:
    """La imagen (3, h, w) como archivo PNG: sin pérdida, para texto y píxeles agrandados."""
    return _encoded(image, "PNG", {"compress_level": 1})


def jpeg_bytes(image: Tensor, quality: int = 90) -> bytes:
    """La imagen (3, h, w) como archivo JPEG sin submuestreo de color: lo más rápido para un control deslizante."""
    return _encoded(image, "JPEG", {"quality": quality, "subsampling": 0})


def _encoded(image: Tensor, kind: str, options: dict[str, int]) -> bytes:
    check_shape(image, "3 h w", "image")
    buffer = BytesIO()
    Image.fromarray(to_uint8(image).permute(1, 2, 0).contiguous().numpy()).save(buffer, kind, **options)
    return buffer.getvalue()


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


@lru_cache
def _color_table(name: str) -> Tensor:
    """Los 256 colores de una tabla de matplotlib, (256, 3); se importa aquí porque tarda y no siempre hace falta."""
    from matplotlib import colormaps

    if name not in colormaps:
        raise ValueError(f"cmap: no hay una tabla de colores «{name}». Prueba viridis, cividis o {DIVERGING}.")
    return torch.tensor(colormaps[name](np.linspace(0, 1, 256))[:, :3], dtype=torch.float32)

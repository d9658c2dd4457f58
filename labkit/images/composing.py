"""Componer, colorear y entregar imágenes como tensores (3, h, w)."""
from collections.abc import Sequence
from functools import lru_cache
from io import BytesIO
from pathlib import Path

import numpy as np
import torch
from PIL import Image
from torch import Tensor

from labkit.files import write_aside
from labkit.shapes import as_mask, check_dense, check_kind, check_shape, real, shown, whole

DIVERGING = "RdBu_r"                # azul: negativo; blanco: cero; rojo: positivo


def to_uint8(images: Tensor) -> Tensor:
    """Los mismos píxeles en enteros de 0 a 255, en la cpu; lo que se salga de [0, 1] se recorta. Cualquier forma."""
    check_dense(images, "images")
    return (images.detach().nan_to_num(0.0).clamp(0, 1) * 255).round().to(torch.uint8).cpu()


def contact_sheet(images: Tensor, cols: int = 8, scale: int = 1, pad: int = 2) -> Tensor:
    """Las imágenes en una hoja de `cols` columnas, agrandadas `scale` veces y separadas por `pad` píxeles blancos.

    (n, 3, h, w) → (3, H, W)
    """
    size = check_shape(images, "n 3 h w", "images")
    cols, scale, pad = whole(cols, "cols", 1), whole(scale, "scale", 1), whole(pad, "pad")
    rows, h, w = -(-size["n"] // cols), size["h"] * scale + pad, size["w"] * scale + pad
    sheet = images.new_ones(rows * cols, 3, h, w)                                   # cada casilla con su orilla
    sheet[:size["n"], :, pad:, pad:] = enlarge(images.detach(), scale)
    sheet = sheet.reshape(rows, cols, 3, h, w).permute(2, 0, 3, 1, 4).reshape(3, rows * h, cols * w)
    return add_margin(sheet, bottom=pad, right=pad)


def beside(images: Sequence[Tensor], pad: int = 8) -> Tensor:
    """Imágenes de cualquier tamaño en una fila, alineadas arriba, sobre blanco: (3, h, w)… → (3, H, W)."""
    pad = whole(pad, "pad")
    check_kind(images, (Sequence, Tensor), "images", "una lista de imágenes")
    if not len(images):
        raise ValueError("images: esperaba al menos una imagen y no recibí ninguna.")
    for image in images:
        check_shape(image, "3 h w", "images")
    height, width = max(image.shape[1] for image in images), sum(image.shape[2] + pad for image in images) - pad
    row = images[0].new_ones(3, height, width)
    x = 0
    for image in images:
        row[:, :image.shape[1], x:x + image.shape[2]] = image
        x += image.shape[2] + pad
    return row


def add_margin(image: Tensor, top: int = 0, bottom: int = 0, left: int = 0, right: int = 0) -> Tensor:
    """La imagen (3, h, w) con esos píxeles blancos en cada orilla; un número negativo la recorta."""
    check_shape(image, "3 h w", "image")
    top, bottom, left, right = (whole(margin, name, None) for margin, name in (
        (top, "top"), (bottom, "bottom"), (left, "left"), (right, "right")))
    if image.shape[1] + top + bottom < 0 or image.shape[2] + left + right < 0:
        raise ValueError(f"top, bottom, left, right: recortan más que la imagen, {tuple(image.shape)}, y recibí {top}, "
                         f"{bottom}, {left} y {right}.")
    return torch.nn.functional.pad(image, (left, right, top, bottom), value=1.0)


def sized(image: Tensor, height: int | None = None, width: int | None = None) -> Tensor:
    """La imagen con blanco abajo y a la derecha hasta ese tamaño, (3, height, width); lo que sobre se recorta."""
    check_shape(image, "3 h w", "image")
    height = None if height is None else whole(height, "height")
    width = None if width is None else whole(width, "width")
    h, w = image.shape[1:]
    return add_margin(image, bottom=0 if height is None else height - h, right=0 if width is None else width - w)


def enlarge(image: Tensor, scale: int) -> Tensor:
    """Cada píxel repetido en un cuadro de scale × scale: (…, h, w) → (…, h·scale, w·scale)."""
    check_dense(image, "image", " (…, h, w)")
    if image.ndim < 2:
        raise ValueError(f"image: esperaba (…, h, w) y recibí {tuple(image.shape)}.")
    scale = whole(scale, "scale", 1)
    return image.repeat_interleave(scale, -2).repeat_interleave(scale, -1)


def centered(image: Tensor, side: int) -> Tensor:
    """La imagen (3, h, w), agrandada un número entero de veces, en medio de un cuadro blanco de ese lado."""
    check_shape(image, "3 h w", "image")
    side = whole(side, "side", 1)
    grown = enlarge(image, max(1, side // max(image.shape[1:])))
    top, left = ((side - length) // 2 for length in grown.shape[1:])
    return add_margin(grown, top, side - grown.shape[1] - top, left, side - grown.shape[2] - left)


def colorize(heat: Tensor, cmap: str = "", symmetric: bool = False,
             limits: tuple[float, float] | None = None) -> Tensor:
    """Un mapa de números pintado con una tabla de colores: (h, w) → (3, h, w). Lo que sea NaN queda gris.

    cmap: "viridis" (si no dices otra), "cividis" u otra de matplotlib.  symmetric: escala centrada en 0, con una tabla
    de dos colores.  limits: los valores de los extremos; si no, el mínimo y el máximo del mapa.
    """
    check_shape(heat, "h w", "heat")
    low, high = color_limits(heat, symmetric) if limits is None else (real(limit, "limits") for limit in limits)
    table = _color_table(cmap or (DIVERGING if symmetric else "viridis"))
    place = ((heat.detach().cpu().float() - low) / max(high - low, 1e-12)).clamp(0, 1)
    painted = table[(place.nan_to_num(0.0) * (len(table) - 1)).round().long()]      # (h, w, 3)
    painted[place.isnan()] = 0.5
    return painted.permute(2, 0, 1)


def color_limits(heat: Tensor, symmetric: bool = False) -> tuple[float, float]:
    """Los valores que van en los extremos de la escala: mínimo y máximo, o ±el mayor en valor absoluto."""
    check_dense(heat, "heat")
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
    size, alpha = check_shape(image, "3 h w", "image"), real(alpha, "alpha", 0, 1)
    check_kind(heat, Tensor, "heat", "un mapa (h, w) o (3, h, w)")
    heat = colorize(heat) if heat.ndim == 2 else heat
    check_shape(heat, f"3 {size['h']} {size['w']}", "heat")
    return (1 - alpha) * image.detach().cpu() + alpha * heat.detach().cpu()


def draw_box(image: Tensor, box: Sequence[int] | Tensor, color: tuple[float, float, float] = (1.0, 0.0, 0.0)) -> Tensor:
    """Una copia de la imagen con el contorno, de un píxel, de la caja (y0, x0, y1, x1), sin incluir y1 ni x1."""
    check_shape(image, "3 h w", "image")
    y0, x0, y1, x1 = corners_of(box)
    marked, ink = image.detach().clone(), image.new_tensor(color)[:, None]
    for row in {y0, y1 - 1} & set(range(image.shape[1])):           # lo que cae fuera de la imagen no se dibuja
        marked[:, row, max(x0, 0):max(x1, 0)] = ink
    for column in {x0, x1 - 1} & set(range(image.shape[2])):
        marked[:, max(y0, 0):max(y1, 0), column] = ink
    return marked


def corners_of(box: Sequence[int] | Tensor) -> list[int]:
    """Las cuatro orillas de una caja (y0, x0, y1, x1), como enteros; ValueError si no lo son."""
    corners = box.tolist() if isinstance(box, Tensor) else box
    if not isinstance(corners, (list, tuple, np.ndarray)) or len(corners) != 4:
        raise ValueError(f"box: esperaba (y0, x0, y1, x1) y recibí {shown(box)}.")
    return [whole(int(corner) if isinstance(corner, float) and corner.is_integer() else corner, "box", None)
            for corner in corners]


def draw_outline(image: Tensor, mask: Tensor, width: int = 2) -> Tensor:
    """Una copia de la imagen con el contorno de una máscara: por fuera de ella, blanco y luego negro.

    image: (3, h, w);  mask: (h, w), de verdaderos y falsos. Donde toca la orilla de la imagen, va por dentro.
    """
    size = check_shape(image, "3 h w", "image")
    mask, width = as_mask(mask, f"{size['h']} {size['w']}", "mask"), whole(width, "width", 1)
    marked, inside = image.detach().clone(), torch.zeros_like(mask)
    inside[width:-width, width:-width] = True
    for reach, ink in ((width + 1, 0.0), (width, 1.0)):             # el blanco tapa al negro, menos un píxel
        near = torch.nn.functional.max_pool2d(mask[None].float(), 2 * reach + 1, 1, reach)[0] > 0
        marked[:, near & ~(mask & inside)] = ink
    return marked


def save_poster(image: Tensor, path: str | Path, width: int = 3000, dpi: int = 300) -> Path:
    """Guarda la imagen (3, h, w) como PNG de `width` píxeles de ancho, suavizada, para imprimirla; devuelve la ruta.

    3000 píxeles a 300 por pulgada son 25 cm: una playera. ValueError si la ruta no termina en .png.
    """
    check_shape(image, "3 h w", "image")
    check_kind(path, (str, Path), "path", "una ruta")
    path, width, dpi = Path(path), whole(width, "width", 1, 30_000), whole(dpi, "dpi", 1)
    if path.suffix.lower() != ".png":
        raise ValueError(f"path: esperaba un nombre que termine en .png y recibí «{path.name}».")
    size = (width, round(width * image.shape[1] / image.shape[2]))
    picture = Image.fromarray(to_uint8(image).permute(1, 2, 0).contiguous().numpy())
    with write_aside(path) as file:
        picture.resize(size, Image.Resampling.BICUBIC).save(file, "PNG", dpi=(dpi, dpi))
    return path


def png_bytes(image: Tensor, level: int = 1) -> bytes:
    """La imagen (3, h, w) como archivo PNG: sin pérdida, para texto y píxeles agrandados.

    level: de 1, lo más rápido, a 9, lo más chico.
    """
    return _encoded(image, "PNG", {"compress_level": whole(level, "level", 0, 9)})


def jpeg_bytes(image: Tensor, quality: int = 90) -> bytes:
    """La imagen (3, h, w) como archivo JPEG sin submuestreo de color: lo más rápido para un control deslizante."""
    return _encoded(image, "JPEG", {"quality": whole(quality, "quality", 1, 100), "subsampling": 0})


def _encoded(image: Tensor, kind: str, options: dict[str, int]) -> bytes:
    if 0 in check_shape(image, "3 h w", "image").values():
        raise ValueError(f"image: esperaba al menos un píxel y recibí {tuple(image.shape)}.")
    buffer = BytesIO()
    Image.fromarray(to_uint8(image).permute(1, 2, 0).contiguous().numpy()).save(buffer, kind, **options)
    return buffer.getvalue()


@lru_cache
def _color_table(name: str) -> Tensor:
    """Los 256 colores de una tabla de matplotlib, (256, 3); se importa aquí porque tarda y no siempre hace falta."""
    from matplotlib import colormaps

    if name not in colormaps:
        raise ValueError(f"cmap: no hay una tabla de colores «{name}». Prueba viridis, cividis o {DIVERGING}.")
    return torch.tensor(colormaps[name](np.linspace(0, 1, 256))[:, :3], dtype=torch.float32)

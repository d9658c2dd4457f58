"""Figuras fijas. Cada función da una figura ya cerrada: así el cuaderno la muestra una sola vez.

Lo que se mueve con un control se dibuja en `images`, que es más rápido. Aquí nunca se ejecuta una red.
"""
from collections.abc import Mapping, Sequence

import matplotlib.pyplot as plt
import numpy as np
import torch
from IPython.display import Image as DisplayImage
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from torch import Tensor

from labkit.images import DIVERGING, caption, color_limits, contact_sheet, jpeg_bytes, to_uint8
from labkit.shapes import check_shape

STYLES = ("o-", "s--", "^:", "D-.", "v-", "P--")        # las curvas se distinguen por marca y trazo, no sólo por color


def show_images(images: Tensor, titles: Sequence[str] | None = None, cols: int = 8) -> Figure:
    """Las imágenes (n, 3, h, w) en renglones de `cols`, cada una con su título si lo das."""
    n = check_shape(images, "n 3 h w", "images")["n"]
    if titles is not None and len(titles) != n:
        raise ValueError(f"titles: esperaba {n} títulos, uno por imagen, y recibí {len(titles)}.")
    cols = min(cols, n)
    rows = -(-n // cols)
    side = min(2.0, max(1.3, 8.4 / cols))                     # pocas imágenes, más grandes
    figure, axes = _blank(side * cols, (side + (0.0 if titles is None else 0.3)) * rows, rows, cols)
    for axis in axes.flat:
        axis.set_axis_off()
    for i, (axis, image) in enumerate(zip(axes.flat, images)):
        _draw_image(axis, image, "" if titles is None else titles[i])
    figure.tight_layout()
    return figure


def show_sheet(images: Tensor, cols: int = 8, scale: int = 1, quality: int = 60,
               labels: Sequence[str] | None = None) -> DisplayImage:
    """Muchas imágenes (n, 3, h, w) en una hoja JPEG que se ve `scale` veces mayor; las sintéticas, en PNG, pesan mucho.

    quality: la del JPEG, de 1 a 95.  labels: algo muy corto que se escribe debajo de cada una.
    """
    images = images.detach().cpu()
    if labels is not None:
        images = torch.stack([caption(image, label, 9) for image, label in zip(images, labels, strict=True)])
    sheet = contact_sheet(images, cols, pad=1)
    return DisplayImage(jpeg_bytes(sheet, quality), width=sheet.shape[2] * scale)


def show_heatmap(heat: Tensor, image: Tensor | None = None, label: str = "", symmetric: bool = False) -> Figure:
    """Un mapa (h, w) con su escala; si das la imagen (3, h, w), al lado y con la misma medida.

    label: qué miden los números, con su unidad.  symmetric: escala centrada en 0 (azul < 0 < rojo).
    """
    check_shape(heat, "h w", "heat")
    panels = 1 if image is None else 2
    figure, axes = _blank(3.6 * panels + 0.6, 3.2, cols=panels)
    if image is not None:
        check_shape(image, "3 h w", "image")
        _draw_image(axes[0, 0], image, "")
    low, high = color_limits(heat, symmetric)
    painted = axes[0, -1].imshow(heat.detach().float().cpu().numpy(), cmap=DIVERGING if symmetric else "viridis",
                                 vmin=low, vmax=high, interpolation="nearest")
    axes[0, -1].set_axis_off()
    figure.colorbar(painted, ax=axes[0, -1], label=label, fraction=0.046)
    figure.tight_layout()
    return figure


def show_curves(xs: Sequence[float] | Tensor, curves: Mapping[str, Sequence[float] | Tensor], xlabel: str = "",
                ylabel: str = "", title: str = "") -> Figure:
    """Una o varias curvas sobre las mismas abscisas: {nombre: valores}, con leyenda si son más de una."""
    figure, [[axis]] = _blank(6, 3.4)
    places = _numbers(xs)
    for i, (name, ys) in enumerate(curves.items()):
        values = _numbers(ys)
        if len(values) != len(places):
            raise ValueError(f"curves: «{name}» tiene {len(values)} valores para {len(places)} abscisas.")
        every = max(len(places) // 20, 1)                               # no más de unas veinte marcas por curva
        axis.plot(places, values, STYLES[i % len(STYLES)], label=name, markersize=4, markevery=every)
    axis.set(xlabel=xlabel, ylabel=ylabel, title=title)
    axis.grid(alpha=0.3)
    if len(curves) > 1:
        axis.legend()
    figure.tight_layout()
    return figure


def show_bars(names: Sequence[str], values: Sequence[float] | Tensor, xlabel: str = "", title: str = "",
              mark: int | None = None) -> Figure:
    """Una barra horizontal por nombre, en el orden dado, con su valor escrito; `mark` señala una con ▸."""
    heights = _numbers(values)
    if len(names) != len(heights):
        raise ValueError(f"values: esperaba {len(names)} valores, uno por nombre, y recibí {len(heights)}.")
    figure, [[axis]] = _blank(6, 0.32 * len(names) + 0.9)
    colors = ["#b03a2e" if i == mark else "#31688e" for i in range(len(names))]
    drawn = axis.barh(range(len(names)), heights, color=colors)
    axis.bar_label(drawn, fmt="%.3g", padding=3)
    axis.set_yticks(range(len(names)), [f"▸ {name}" if i == mark else name for i, name in enumerate(names)])
    axis.invert_yaxis()
    axis.margins(x=0.15)
    axis.set(xlabel=xlabel, title=title)
    figure.tight_layout()
    return figure


def show_paths(curvature: Tensor, paths: Mapping[str, Tensor]) -> Figure:
    """Caminos en el plano, {nombre: puntos (n, 2)}, sobre las curvas de nivel de s(x) = −½ xᵀ A x, con A (2, 2)."""
    check_shape(curvature, "2 2", "curvature")
    figure, [[axis]] = _blank(6, 4)
    every = torch.cat(list(paths.values()))
    reach = 1.15 * every.abs().amax(0)
    xs, ys = (torch.linspace(-float(limit), float(limit), 121) for limit in reach)
    grid = torch.stack(torch.meshgrid(xs, ys, indexing="xy"), -1)                           # (121, 121, 2)
    heights = torch.einsum("yxi,ij,yxj->yx", grid, curvature, grid) / 2
    axis.contour(_numbers(xs), _numbers(ys), np.sqrt(_numbers(heights)), levels=12, colors="0.75", linewidths=0.8)
    for i, (name, points) in enumerate(paths.items()):
        axis.plot(*_numbers(points).T, STYLES[i % len(STYLES)], label=name, markersize=4)
    axis.plot(0, 0, "k*", markersize=12, label="el máximo")
    axis.set(xlabel="x₁", ylabel="x₂")
    axis.legend()
    figure.tight_layout()
    return figure


def _draw_image(axis: Axes, image: Tensor, title: str) -> None:
    axis.imshow(to_uint8(image).permute(1, 2, 0).numpy(), interpolation="nearest")
    axis.set_title(title, fontsize=9)
    axis.set_axis_off()


def _numbers(values: Sequence[float] | Tensor) -> np.ndarray:
    """Los valores como arreglo de NumPy, vengan de una lista o de un tensor de cualquier dispositivo."""
    return values.detach().cpu().numpy() if isinstance(values, Tensor) else np.asarray(values)


def _blank(width: float, height: float, rows: int = 1, cols: int = 1) -> tuple[Figure, np.ndarray]:
    """Una figura en blanco y sus ejes, (rows, cols), cerrada desde ahora.

    Se puede dibujar en ella, pero pyplot ya no la muestra por su cuenta ni queda abierta si algo falla.
    """
    figure, axes = plt.subplots(rows, cols, figsize=(width, height), squeeze=False)
    plt.close(figure)
    return figure, axes

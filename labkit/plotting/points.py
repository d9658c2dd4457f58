"""Puntos de colores en el plano, por clases: cada una con su color, su marca y su nombre donde está."""
from collections.abc import Mapping, Sequence

import matplotlib
import numpy as np
import torch
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.patheffects import withStroke
from torch import Tensor

from labkit.plotting.picture import DOTS, Picture, picture_of_figure
from labkit.plotting.plots import INKS, STYLE, WIDTH
from labkit.shapes import check_shape

MARKS = ("o", "^", "s", "X")                            # con seis colores y cuatro marcas alcanza para 24 clases
LINE = 0.052                                            # el alto de un letrero, en partes del alto de un cuadro


def show_points(panels: Mapping[str, Tensor], labels: Tensor | None = None, names: Sequence[str] = (),
                cols: int = 2) -> Picture:
    """Un cuadro por mapa, {título: (n, 2)}, y en él un punto por imagen; los ejes de un mapa no miden nada y no salen.

    labels: (n,), la clase de cada punto, desde 0; sin ella, todos son iguales.  names: los nombres de las clases: cada
    uno va sobre el punto de en medio de los suyos, y con su color y su marca al pie.
    """
    kinds = torch.zeros(len(next(iter(panels.values()))), dtype=torch.int64) if labels is None else labels
    if len(names) > len(INKS) * len(MARKS):
        raise ValueError(f"names: con seis colores y cuatro marcas alcanza para {len(INKS) * len(MARKS)} clases y "
                         f"recibí {len(names)}.")
    if labels is not None and int(labels.max()) >= len(names):
        raise ValueError(f"labels: hay clases hasta la {int(labels.max())} y recibí {len(names)} nombres.")
    lines = -(-len(panels) // cols)
    with matplotlib.rc_context(STYLE | {"axes.grid": False, "axes.spines.top": True, "axes.spines.right": True}):
        legend = 0.27 * -(-len(names) // 6)
        figure = Figure(figsize=(WIDTH, lines * (WIDTH / cols + 0.18) + legend + 0.1), dpi=DOTS)
        axes = figure.subplots(lines, cols, squeeze=False).ravel()
        for axis, (title, points) in zip(axes, panels.items()):
            check_shape(points, f"{len(kinds)} 2", title)
            _draw_map(axis, points.detach().cpu().numpy()[:, ::-1], kinds.numpy(), names)
            axis.set_title(title, fontsize=10)
        for axis in axes[len(panels):]:
            axis.set_axis_off()
        if names:
            figure.legend(handles=axes[0].collections[:len(names)], labels=list(names), loc="outside lower center",
                          ncols=6, frameon=False, fontsize=9, handletextpad=0.2, columnspacing=1.2)
        return picture_of_figure(figure, f"Mapas de {len(kinds)} puntos: {'; '.join(panels)}.")


def _draw_map(axis: Axes, places: np.ndarray, kinds: np.ndarray, names: Sequence[str]) -> None:
    """Los puntos (n, 2), x y y, con el color y la marca de su clase, en un marco cuadrado y sin números."""
    axis.set(xticks=[], yticks=[], box_aspect=1)
    for kind in range(max(len(names), 1)):
        ink, mark = INKS[kind % len(INKS)], MARKS[kind // len(INKS)]
        axis.scatter(*places[kinds == kind].T, s=20, color=ink, marker=mark, linewidths=0, alpha=0.8)
    low, high = places.min(0), places.max(0)
    margin = 0.06 * (high - low)
    axis.set(xlim=(low[0] - margin[0], high[0] + margin[0]), ylim=(high[1] + margin[1], low[1] - margin[1]))
    seen = [kind for kind in range(len(names)) if (kinds == kind).any()]
    if seen:
        _write_names(axis, places, kinds, {kind: names[kind] for kind in seen})


def _write_names(axis: Axes, places: np.ndarray, kinds: np.ndarray, names: Mapping[int, str]) -> None:
    """El nombre de cada clase sobre su punto de en medio o, si se encima con otro, cerca y con una raya hasta él."""
    middles = np.array([_middle(places[kinds == kind]) for kind in names])
    inside = axis.transAxes.inverted().transform(axis.transData.transform(middles))     # de 0 a 1, desde abajo
    taken: list[tuple[float, float, float]] = []
    halo = [withStroke(linewidth=2.5, foreground="white")]
    for (x, y), (kind, name) in sorted(zip(inside.tolist(), names.items()), key=lambda row: -row[0][1]):
        half, ink = 0.0115 * len(name) + 0.01, INKS[kind % len(INKS)]
        put = _free_place(x, y, half, taken)
        taken.append((*put, half))
        if np.hypot(put[0] - x, put[1] - y) > 1.5 * LINE:
            axis.plot([x, put[0]], [y, put[1]], transform=axis.transAxes, color=ink, linewidth=0.8)
        axis.text(*put, name, transform=axis.transAxes, ha="center", va="center", fontsize=8.5, weight="bold",
                  color=ink, path_effects=halo)


def _free_place(x: float, y: float, half: float, taken: list[tuple[float, float, float]]) -> tuple[float, float]:
    """El lugar libre más cercano para un letrero de medio ancho `half`, dentro del cuadro; si no lo hay, el suyo."""
    tries = [(x + dx, y + dy) for dx in np.arange(-0.4, 0.41, 0.05) for dy in np.arange(-0.5, 0.51, LINE / 2)]
    home = min(max(x, half), 1 - half), min(max(y, LINE), 1 - LINE)
    for put in sorted([home, *tries], key=lambda place: np.hypot(place[0] - x, place[1] - y)):
        fits = half <= put[0] <= 1 - half and LINE / 2 <= put[1] <= 1 - LINE / 2
        if fits and all(abs(put[0] - a) >= half + b or abs(put[1] - c) >= LINE for a, c, b in taken):
            return put
    return home


def _middle(places: np.ndarray) -> np.ndarray:
    """El punto con menor distancia total a los demás."""
    return places[np.linalg.norm(places[:, None] - places[None], axis=2).sum(1).argmin()]

"""Gráficas con un solo estilo: letras del tamaño de la página, marcas en los datos y cada curva con su nombre al lado.

Donde un número sale de varias semillas o imágenes, se ven los puntos y el intervalo; lo que daría el azar, punteado.
"""
from collections.abc import Callable, Mapping, Sequence

import matplotlib
import numpy as np
import torch
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator
from torch import Tensor

from labkit.plotting.picture import DOTS, Picture, picture_of_figure
from labkit.shapes import check_shape

STYLES = ("o-", "s--", "^:", "D-.", "v-", "P--")        # las curvas se distinguen por marca y trazo, no sólo por color
INKS = ("#31688e", "#b03a2e", "#35865a", "#7a4a99", "#8a6d1d", "#4d4d4d")
WIDTH, ROW = 7.2, 0.34                                  # pulgadas de 100 píxeles: el ancho, y el alto de un renglón
STYLE = {"font.size": 10, "axes.spines.top": False, "axes.spines.right": False, "axes.grid": True, "grid.alpha": 0.25,
         "axes.axisbelow": True, "figure.constrained_layout.use": True}
Values = Sequence[float] | Tensor


def show_curves(xs: Values, curves: Mapping[str, Values], xlabel: str = "", ylabel: str = "",
                bands: Mapping[str, tuple[Values, Values]] | None = None, floor: float | None = None,
                floor_name: str = "azar") -> Picture:
    """Una o varias curvas sobre las mismas abscisas, {nombre: valores}, cada una con su nombre en la punta.

    bands: {nombre: (abajo, arriba)}, el intervalo de una curva, sombreado.  floor: lo que daría el azar, o lo que diga
    `floor_name`, punteado.
    """
    places = _numbers(xs)
    for name, ys in curves.items():
        if len(ys) != len(places):
            raise ValueError(f"curves: «{name}» tiene {len(ys)} valores para {len(places)} abscisas.")
    with matplotlib.rc_context(STYLE):
        figure, axis = _blank(3.6)
        every = max(len(places) // 20, 1)                               # no más de unas veinte marcas por curva
        for i, (name, ys) in enumerate(curves.items()):
            ink = INKS[i % len(INKS)]
            axis.plot(places, _numbers(ys), STYLES[i % len(STYLES)], color=ink, label=name, ms=4, markevery=every)
            if bands and name in bands:
                axis.fill_between(places, *(_numbers(edge) for edge in bands[name]), color=ink, alpha=0.15, linewidth=0)
        _draw_floor(axis, floor, "h", floor_name)
        axis.set(xlabel=xlabel, ylabel=ylabel)
        _mark_places(axis, places)
        if len(curves) > 1:
            _name_ends(axis)
        ends = "; ".join(f"{name}, de {_numbers(ys)[0]:.3g} a {_numbers(ys)[-1]:.3g}" for name, ys in curves.items())
        return picture_of_figure(figure, f"Curvas de {ylabel or 'valores'} contra {xlabel or 'pasos'}: {ends}.")


def show_bars(names: Sequence[str], values: Values, xlabel: str = "", title: str = "", mark: int | None = None,
              floor: float | None = None, floor_name: str = "azar") -> Picture:
    """Una barra horizontal por nombre, en el orden dado, con su valor escrito; `mark` señala una con ▸.

    floor: lo que daría el azar, o lo que diga `floor_name`, punteado.
    """
    lengths = _numbers(values)
    _same_length(names, lengths)
    with matplotlib.rc_context(STYLE):
        figure, axis = _blank(ROW * len(names) + 0.9)
        colors = [INKS[1] if i == mark else INKS[0] for i in range(len(names))]
        axis.bar_label(axis.barh(range(len(names)), lengths, color=colors, height=0.7), fmt="%.3g", padding=3)
        _name_rows(axis, [f"▸ {name}" if i == mark else name for i, name in enumerate(names)])
        if floor is not None:
            axis.set_ylim(len(names), -0.6)                                 # el letrero del piso, bajo la última barra
        _draw_floor(axis, floor, "v", floor_name)
        axis.margins(x=0.15)
        axis.xaxis.set_major_locator(MaxNLocator(6, integer=bool((lengths == lengths.round()).all())))
        axis.set(xlabel=xlabel, title=title)
        said = "; ".join(f"{name}, {value:.3g}" for name, value in zip(names, lengths))
        return picture_of_figure(figure, f"Barras de {xlabel or title or 'valores'}: {said}.")


def show_intervals(rows: Mapping[str, tuple[float, float, float]], xlabel: str = "", floor: float | None = None,
                   points: Mapping[str, Values] | None = None, title: str = "", floor_name: str = "azar") -> Picture:
    """Un renglón por nombre, {nombre: (valor, abajo, arriba)}: un punto y su intervalo, con el número escrito.

    points: {nombre: valores}, uno por semilla o por imagen, en gris.  floor: lo que daría el azar, punteado, o lo que
    diga `floor_name`.
    """
    with matplotlib.rc_context(STYLE):
        figure, axis = _blank(ROW * len(rows) + 0.9)
        for i, (name, (value, low, high)) in enumerate(rows.items()):
            if not low <= value <= high:
                raise ValueError(f"rows: en «{name}» esperaba abajo ≤ valor ≤ arriba y recibí {low:.3g}, {value:.3g} y "
                                 f"{high:.3g}.")
            axis.plot([low, high], [i, i], color=INKS[0], linewidth=2.5, solid_capstyle="butt")
            axis.plot(value, i, "o", color=INKS[0], markersize=7)
            _draw_points(axis, i, (points or {}).get(name, ()), rim=0.7)
        digits = _decimals(max((abs(number) for row in rows.values() for number in row), default=0.0))
        notes = [f"{value:.{digits}f} [{low:.{digits}f}, {high:.{digits}f}]" for value, low, high in rows.values()]
        _write_right(axis, [note.replace("-", "−") for note in notes])
        _name_rows(axis, list(rows))
        if floor is not None:
            axis.set_ylim(len(rows), -0.6)                                  # el letrero del piso, bajo el último
        _draw_floor(axis, floor, "v", floor_name)
        axis.set(xlabel=xlabel, title=title)
        said = "; ".join(f"{name}, {value:.3g}, de {low:.3g} a {high:.3g}" for name, (value, low, high) in rows.items())
        return picture_of_figure(figure, f"Intervalos de {xlabel or title or 'valores'}: {said}.")


def _decimals(largest: float) -> int:
    """Con cuántos decimales se escribe una columna cuyo mayor número es ese: las centenas no llevan ninguno."""
    return 0 if largest >= 100 else 1 if largest >= 10 else 2


def show_spread(groups: Mapping[str, Values], xlabel: str = "", floor: float = 0.0, title: str = "",
                limits: tuple[float, float] | None = None) -> Picture:
    """Un renglón por grupo, {nombre: valores}: cada valor un punto, la mediana una raya, y cuántos pasan de `floor`.

    limits: los extremos del eje, para comparar varias; si no, los de los datos.
    """
    with matplotlib.rc_context(STYLE):
        figure, axis = _blank(1.25 * ROW * len(groups) + 0.9)
        notes, said = [], []
        for i, (name, values) in enumerate(groups.items()):
            numbers = _numbers(values)
            _draw_points(axis, i, numbers)
            middle, above = float(np.median(numbers)), int((numbers > floor).sum())
            axis.plot([middle, middle], [i - 0.36, i + 0.36], color=INKS[1], linewidth=2.5)
            signed = "+" if floor == 0 else ""                              # con otro piso, el signo no dice nada
            notes.append(f"{middle:{signed}.2f}; {above} de {len(numbers)} > {floor:g}".replace("-", "−"))
            said.append(f"{name}, mediana {middle:.2f}, {above} de {len(numbers)} por encima de {floor:g}")
        _write_right(axis, notes)
        _name_rows(axis, list(groups))
        axis.axvline(floor, color="0.4", linewidth=1, linestyle="--")
        axis.set(xlabel=xlabel, title=title, xlim=limits)
        axis.xaxis.set_major_locator(MaxNLocator(5))
        return picture_of_figure(figure, f"Puntos de {xlabel or title or 'valores'}: {'; '.join(said)}.")


def show_paths(heights: Callable[[Tensor], Tensor], paths: Mapping[str, Tensor], xlabel: str = "x₁",
               ylabel: str = "x₂") -> Picture:
    """Caminos en el plano, {nombre: puntos (n, 2)}, sobre las curvas de nivel de s; ★, donde termina cada uno,
    con su altura.

    heights: s, de puntos (n, 2) a (n,).
    """
    for name, points in paths.items():
        check_shape(points, "n 2", name)
    with matplotlib.rc_context(STYLE | {"axes.grid": False}):
        figure, axis = _blank(3.6)
        places = torch.cat(list(paths.values()))
        low, high = places.amin(0), places.amax(0)
        margin = 0.25 * (high - low).max()
        xs, ys = (torch.linspace(float(low[i] - margin), float(high[i] + margin), 121) for i in (0, 1))
        grid = torch.stack(torch.meshgrid(xs, ys, indexing="xy"), -1).flatten(0, 1)         # (121 · 121, 2)
        axis.contour(_numbers(xs), _numbers(ys), _numbers(heights(grid)).reshape(121, 121), levels=10, colors="0.75",
                     linewidths=0.8)
        for i, (name, points) in enumerate(paths.items()):
            ink = INKS[i % len(INKS)]
            axis.plot(*_numbers(points).T, STYLES[i % len(STYLES)], color=ink, label=name, markersize=4)
            axis.plot(*_numbers(points[-1]), "*", color=ink, markersize=15)
            height = f"s = {float(heights(points[-1:])[0]):.2f}".replace("-", "−")
            axis.annotate(height, _numbers(points[-1]), (10, 6), textcoords="offset points", color=ink)
        axis.plot(*_numbers(places[0]), "kX", markersize=9, label="comienzo")
        axis.plot([], [], "k*", markersize=11, linestyle="", label="donde termina")
        axis.set(xlabel=xlabel, ylabel=ylabel, aspect="equal")
        axis.legend()
        said = "; ".join(f"{name}, {len(points)} puntos" for name, points in paths.items())
        return picture_of_figure(figure, f"Caminos sobre las curvas de nivel de s: {said}.")


def _blank(height: float) -> tuple[Figure, Axes]:
    """Una figura en blanco, que pyplot no conoce: ni se muestra sola ni queda abierta si algo falla."""
    figure = Figure(figsize=(WIDTH, height), dpi=DOTS)
    return figure, figure.add_subplot()


def _numbers(values: Values) -> np.ndarray:
    """Los valores como arreglo de NumPy, vengan de una lista o de un tensor de cualquier dispositivo."""
    return values.detach().cpu().numpy() if isinstance(values, Tensor) else np.asarray(values)


def _same_length(names: Sequence[str], values: np.ndarray) -> None:
    if len(names) != len(values):
        raise ValueError(f"values: esperaba {len(names)} valores, uno por nombre, y recibí {len(values)}.")


def _mark_places(axis: Axes, places: np.ndarray) -> None:
    """Las marcas del eje, donde hay datos si son pocos; si son cuentas, en números enteros."""
    if len(places) <= 9:
        axis.set_xticks(places, [f"{place:.3g}".replace("-", "−") for place in places])
    elif (places == places.round()).all():
        axis.xaxis.set_major_locator(MaxNLocator(integer=True))


def _name_ends(axis: Axes) -> None:
    """El nombre de cada curva a la derecha de su último punto; si dos quedan juntos, se separan un renglón."""
    low, high = axis.get_ylim()
    step = 0.075 * (high - low)
    ends = sorted(((float(line.get_ydata()[-1]), line) for line in axis.lines if not line.get_label().startswith("_")),
                  key=lambda end: end[0])
    y = -np.inf
    for i, (value, line) in enumerate(ends):
        y = min(max(value, y + step), high - step * (len(ends) - 1 - i))
        axis.annotate(line.get_label(), (1, y), (6, 0), xycoords=("axes fraction", "data"), textcoords="offset points",
                      color=line.get_color(), va="center", annotation_clip=False)


def _name_rows(axis: Axes, names: Sequence[str]) -> None:
    axis.set_yticks(range(len(names)), names)
    axis.set_ylim(len(names) - 0.4, -0.6)                               # el primero, arriba
    axis.grid(False, axis="y")


def _draw_points(axis: Axes, row: int, values: Values, rim: float = 0.0) -> None:
    """Los valores como puntos grises, repartidos a lo alto del renglón; rim: su orilla blanca."""
    numbers = _numbers(values)
    spread = 0.5 * ((np.arange(len(numbers)) * 0.618) % 1 - 0.5)
    axis.plot(numbers, row + spread, "o", color="0.55", markersize=3.5 + rim, alpha=1.0 if rim else 0.6, linestyle="",
              markeredgecolor="white" if rim else "0.55", markeredgewidth=rim or 1.0)


def _write_right(axis: Axes, notes: Sequence[str]) -> None:
    for i, note in enumerate(notes):
        axis.annotate(note, (1, i), (6, 0), xycoords=("axes fraction", "data"), textcoords="offset points", va="center",
                      annotation_clip=False)


def _draw_floor(axis: Axes, floor: float | None, side: str, name: str = "azar") -> None:
    if floor is None:
        return
    line = axis.axhline if side == "h" else axis.axvline
    line(floor, color="0.4", linewidth=1, linestyle="--", label="_")
    place, units = ((0, floor), ("axes fraction", "data")) if side == "h" else ((floor, 0), ("data", "axes fraction"))
    axis.annotate(f"{name}: {floor:.3g}", place, (3, 3), xycoords=units, textcoords="offset points", color="0.4",
                  fontsize=9)

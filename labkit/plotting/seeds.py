"""Curvas con semillas: cada red un punto, cada promedio una marca con su intervalo. Y nubes de puntos con nombre."""
from collections.abc import Mapping, Sequence
from statistics import fmean

import matplotlib
from matplotlib.axes import Axes
from matplotlib.ticker import MaxNLocator, NullLocator
from scipy import stats

from labkit.plotting.picture import Picture, picture_of_figure
from labkit.plotting.plots import INKS, ROW, STYLE, STYLES, _blank, _name_ends, _name_rows

LATER = 0.012                                           # cuánto se corre cada curva, en partes del ancho: no se enciman
SHAPES = ("o", "s", "^", "D", "v", "P")


def show_seeds(xs: Sequence[float], curves: Mapping[str, Sequence[Sequence[float]]], xlabel: str = "",
               ylabel: str = "", floors: Mapping[str, Sequence[float]] | None = None, names: Sequence[str] = (),
               log: bool = False) -> Picture:
    """Curvas de varias redes, {nombre: por cada abscisa, un número por red}: puntos, promedios e intervalos de 95 %.

    floors: {nombre: por cada abscisa, lo que daría el azar}, punteado y del color de su curva.  names: lo que se
    escribe bajo cada abscisa, si no es su número.  log: abscisas en escala logarítmica. Error: ValueError si una
    curva no tiene tantos grupos como abscisas.
    """
    with matplotlib.rc_context(STYLE):
        figure, axis = _blank(3.8)
        places = list(range(len(xs))) if names else [float(x) for x in xs]
        for i, (name, groups) in enumerate(curves.items()):
            if len(groups) != len(xs):
                raise ValueError(f"curves: «{name}» tiene {len(groups)} grupos para {len(xs)} abscisas.")
            _draw_seeds(axis, _moved(places, i - (len(curves) - 1) / 2, log), groups, name, i)
            if floors and name in floors:
                axis.plot(places, floors[name], ":", color=INKS[i % len(INKS)], linewidth=1.6, label=f"{name}, al azar")
        if log:
            axis.set_xscale("log")
            axis.xaxis.set_minor_locator(NullLocator())
        axis.set_xticks(places, names or [f"{x:.3g}".replace("-", "−") for x in xs])
        axis.yaxis.set_major_locator(MaxNLocator(6))
        axis.set(xlabel=xlabel, ylabel=ylabel)
        axis.set_ylim(min(0, axis.get_ylim()[0]))
        if len(axis.lines) > 1:
            _name_ends(axis)
        said = "; ".join(f"{name}, de {fmean(ys[0]):.3g} a {fmean(ys[-1]):.3g}" for name, ys in curves.items())
        return picture_of_figure(figure, f"Curvas con semillas de {ylabel or 'valores'} contra {xlabel}: {said}.")


def show_kinds(names: Sequence[str], values: Sequence[float], colors: Sequence[str], marks: Sequence[str],
               xlabel: str = "") -> Picture:
    """Un renglón por nombre, un punto en su valor: el color dice un grupo y la marca otro, con su leyenda.

    colors, marks: de cada renglón, el nombre de su grupo. Error: ValueError si no hay uno por renglón.
    """
    if not len(names) == len(values) == len(colors) == len(marks):
        raise ValueError(f"esperaba un valor, un color y una marca por cada uno de los {len(names)} nombres, y recibí "
                         f"{len(values)}, {len(colors)} y {len(marks)}.")
    inks, shapes = dict(zip(dict.fromkeys(colors), INKS)), dict(zip(dict.fromkeys(marks), SHAPES))
    with matplotlib.rc_context(STYLE):
        figure, axis = _blank(0.72 * ROW * len(names) + 0.9)
        for i, (value, color, mark) in enumerate(zip(values, colors, marks)):
            axis.plot([0, value], [i, i], color=inks[color], alpha=0.35, linewidth=1.5)
            axis.plot(value, i, shapes[mark], color=inks[color], markersize=7)
            axis.annotate(f"{value:.3g}", (value, i), (7, 0), textcoords="offset points", va="center",
                          color=inks[color])
        _name_rows(axis, list(names))
        handles = [axis.plot([], [], "-", color=ink, linewidth=4, label=name)[0] for name, ink in inks.items()]
        handles += [axis.plot([], [], shape, color="0.35", linestyle="", label=name)[0]
                    for name, shape in shapes.items()]
        axis.legend(handles=handles, loc="lower right", fontsize=9, title="color: datos · marca: arquitectura")
        axis.set_xlim(0, 1.12 * max(values))
        axis.set(xlabel=xlabel)
        said = "; ".join(f"{name}, {value:.3g}" for name, value in zip(names, values))
        return picture_of_figure(figure, f"Puntos de {xlabel or 'valores'}: {said}.")


def _moved(places: Sequence[float], steps: float, log: bool) -> list[float]:
    """Las abscisas de una curva, un poco corridas para que sus puntos no queden bajo los de otra."""
    if log:
        return [place * (places[-1] / places[0]) ** (LATER * steps) for place in places]
    return [place + LATER * steps * (places[-1] - places[0]) for place in places]


def _draw_seeds(axis: Axes, places: Sequence[float], groups: Sequence[Sequence[float]], name: str, i: int) -> None:
    ink, means = INKS[i % len(INKS)], [fmean(values) for values in groups]
    for place, values in zip(places, groups):
        if len(set(values)) > 1:
            low, high = stats.ttest_1samp(list(values), 0.0).confidence_interval()
            axis.plot([place, place], [low, high], color=ink, linewidth=7, alpha=0.25, solid_capstyle="butt", label="_")
        axis.plot([place] * len(values), list(values), "o", color=ink, markersize=3.5, alpha=0.75, linestyle="",
                  markeredgecolor="white", markeredgewidth=0.4, label="_")
    axis.plot(places, means, STYLES[i % len(STYLES)], color=ink, markersize=5, linewidth=1.2, label=name)

"""Flechas sobre una recta: una densidad con ruido, y hacia dónde apunta quien apuesta cómo era el dato."""
from collections.abc import Mapping

import matplotlib
from matplotlib.axes import Axes

from labkit.plotting.picture import Picture, picture_of_figure
from labkit.plotting.plots import INKS, STYLE, Values, _blank, _numbers

PANEL = 1.95                                            # pulgadas de 100 píxeles: el alto de un panel
Arrows = tuple[Values, Values, Values]                  # la densidad en `xs`, de dónde sale cada flecha y a dónde llega


def show_arrows(xs: Values, data: Values, panels: Mapping[str, Arrows], xlabel: str = "",
                marks: Mapping[str, float] | None = None) -> Picture:
    """Un panel por nombre: la densidad con ruido, la de los datos detrás, y una flecha por lugar, debajo.

    xs: los lugares de la recta;  data: la densidad de los datos en ellos, dibujada al mismo alto que las demás.
    panels: {nombre: (densidad, salidas, llegadas)}.  marks: {nombre: lugar}, rayas verticales, como el promedio.
    """
    with matplotlib.rc_context(STYLE | {"axes.grid": False, "axes.spines.left": False}):
        figure, first = _blank(PANEL * len(panels) + 0.35)
        first.remove()
        axes = figure.subplots(len(panels), 1, sharex=True, squeeze=False)[:, 0]
        for axis, (name, (density, starts, ends)) in zip(axes, panels.items()):
            if len(starts) != len(ends):
                raise ValueError(f"panels: en «{name}» hay {len(starts)} salidas y {len(ends)} llegadas.")
            _draw_panel(axis, _numbers(xs), _numbers(data), _numbers(density))
            _draw_arrows(axis, _numbers(starts), _numbers(ends))
            _draw_marks(axis, marks or {})
            axis.set_ylabel(name, rotation=0, ha="right", va="center", labelpad=8)
        axes[-1].set_xlabel(xlabel)
        said = "; ".join(f"{name}, {len(starts)} flechas" for name, (_, starts, _) in panels.items())
        return picture_of_figure(figure, f"Densidades en una recta y flechas hacia la mejor apuesta: {said}.")


def _draw_panel(axis: Axes, xs: Values, data: Values, density: Values) -> None:
    """La densidad con ruido, rellena, y la de los datos, punteada: cada una a su máximo, que vale 1."""
    axis.fill_between(xs, density / density.max(), color=INKS[0], alpha=0.25, linewidth=0)
    axis.plot(xs, data / data.max(), ":", color="0.35", linewidth=1.2)
    axis.axhline(0, color="0.35", linewidth=0.8)
    axis.set(ylim=(-1.1, 1.08), xlim=(xs[0], xs[-1]), yticks=[])


def _draw_arrows(axis: Axes, starts: Values, ends: Values) -> None:
    """Las flechas debajo de la recta, cada una a su altura, para que no se encimen; cada una sale de un punto."""
    for i, (start, end) in enumerate(zip(starts, ends)):
        y = -0.1 - 0.92 * i / max(len(starts) - 1, 1)
        axis.plot(start, y, "o", color=INKS[1], markersize=3)
        axis.annotate("", (end, y), (start, y), arrowprops={"arrowstyle": "-|>", "color": INKS[1], "linewidth": 1.3,
                                                           "shrinkA": 0, "shrinkB": 0, "mutation_scale": 9})


def _draw_marks(axis: Axes, marks: Mapping[str, float]) -> None:
    """Cada raya vertical, con su nombre arriba."""
    for name, place in marks.items():
        axis.axvline(place, color=INKS[2], linewidth=1.2, linestyle="--")
        axis.annotate(name, (place, 1.06), (4, 0), textcoords="offset points", color=INKS[2], fontsize=9, va="top")

"""Muchas nubes de puntos chicas, una por grupo, con los mismos ejes: para compararlas de un vistazo."""
from collections.abc import Mapping

import matplotlib
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from labkit.plotting.picture import DOTS, Picture, picture_of_figure
from labkit.plotting.plots import INKS, STYLE, WIDTH, Values, _numbers

HEIGHT = 1.75                               # pulgadas de alto de cada cuadro


def show_panels(panels: Mapping[str, tuple[Values, Values]], xlabel: str = "", ylabel: str = "",
                marked: Mapping[str, Values] | None = None, marked_name: str = "",
                cols: int = 3) -> Picture:
    """Un cuadro por grupo, {encabezado: (abscisas, ordenadas)}: cada pareja, un punto; todos con los mismos ejes.

    marked: {encabezado: verdaderos y falsos}, los puntos que se señalan con un rombo;  marked_name: qué son. Error:
    ValueError si en un grupo no hay tantas abscisas como ordenadas, o tantas marcas.
    """
    marks = {name: _numbers((marked or {}).get(name, [])).astype(bool) for name in panels}
    for name, (xs, ys) in panels.items():
        if len(xs) != len(ys) or len(marks[name]) not in (0, len(xs)):
            raise ValueError(f"panels: en «{name}» hay {len(xs)} abscisas, {len(ys)} ordenadas y {len(marks[name])} "
                             "marcas: esperaba las mismas.")
    lines = -(-len(panels) // cols)
    with matplotlib.rc_context(STYLE | {"font.size": 9, "axes.titlesize": 9}):
        figure = Figure(figsize=(WIDTH, HEIGHT * lines + 0.5), dpi=DOTS)
        axes = figure.subplots(lines, cols, sharex=True, sharey=True, squeeze=False).flatten()
        for axis, (name, (xs, ys)) in zip(axes, panels.items()):
            _draw_cloud(axis, name, _numbers(xs), _numbers(ys), marks[name])
        for axis in axes[len(panels):]:
            axis.remove()
        figure.supxlabel(xlabel, fontsize=10)
        figure.supylabel(ylabel, fontsize=10)
        if marked_name:
            axes[0].plot([], [], "D", color=INKS[1], markersize=5, label=marked_name)
            figure.legend(loc="outside upper right", frameon=False)
        said = "; ".join(f"{name}, {len(xs)} puntos".replace("\n", ", ") for name, (xs, ys) in panels.items())
        return picture_of_figure(figure, f"Nubes de {ylabel or 'valores'} contra {xlabel or 'valores'}: {said}.")


def _draw_cloud(axis: Axes, title: str, xs: Values, ys: Values, marks: Values) -> None:
    """Los puntos de un cuadro; los señalados, con rombo y encima."""
    plain = ~marks if len(marks) else slice(None)
    axis.plot(xs[plain], ys[plain], "o", color=INKS[0], markersize=3, alpha=0.5, linestyle="")
    if len(marks):
        axis.plot(xs[marks], ys[marks], "D", color=INKS[1], markersize=5, linestyle="")
    axis.set_title(title, loc="left")

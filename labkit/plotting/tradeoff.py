"""Una nube de puntos y, encima, un camino con sus paradas nombradas: lo que se gana en un eje y se paga en el otro."""
from collections.abc import Mapping

import matplotlib

from labkit.plotting.picture import Picture, picture_of_figure
from labkit.plotting.plots import INKS, STYLE, Values, _blank, _numbers


def show_tradeoff(xs: Values, ys: Values, path: Mapping[str, tuple[float, float]], xlabel: str = "", ylabel: str = "",
                  cloud: str = "", path_name: str = "") -> Picture:
    """La nube (n,) y (n,), y el camino {parada: (x, y)} en el orden dado, con un rombo y su nombre en cada parada.

    cloud, path_name: qué son los puntos y qué es el camino. Dos paradas en el mismo lugar comparten letrero. Error:
    ValueError si no hay tantas abscisas como ordenadas, o no hay paradas.
    """
    if len(xs) != len(ys) or not path:
        raise ValueError("xs, ys, path: esperaba tantas abscisas como ordenadas, y al menos una parada; recibí "
                         f"{len(xs)}, {len(ys)} y {len(path)}.")
    stops: dict[tuple[float, float], list[str]] = {}
    for name, (x, y) in path.items():
        stops.setdefault((round(float(x), 2), round(float(y), 2)), []).append(name)
    with matplotlib.rc_context(STYLE):
        figure, axis = _blank(4.4)
        axis.plot(_numbers(xs), _numbers(ys), "o", color="0.55", markersize=3, alpha=0.45, label=cloud or "_")
        axis.plot(*zip(*stops), "D-", color=INKS[1], markersize=6, linewidth=1.2, label=path_name or "_")
        for (x, y), names in stops.items():
            axis.annotate(", ".join(names), (x, y), (7, 7), textcoords="offset points", color=INKS[1], fontsize=9)
        axis.margins(x=0.12, y=0.12)
        axis.set(xlabel=xlabel, ylabel=ylabel)
        if cloud or path_name:
            axis.legend(loc="lower left", frameon=False)
        said = "; ".join(f"{name}, ({x:.3g}, {y:.3g})" for name, (x, y) in path.items())
        return picture_of_figure(figure, f"{len(xs)} puntos de {ylabel} contra {xlabel}, y un camino: {said}.")

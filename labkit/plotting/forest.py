"""Un bosque: muchas comparaciones en una sola figura, cada una con su intervalo, sus semillas y su veredicto."""
from collections.abc import Sequence
from typing import Protocol

import matplotlib
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.transforms import blended_transform_factory

from labkit.plotting.picture import DOTS, Picture, picture_of_figure
from labkit.plotting.plots import INKS, STYLE

WIDE, LINE = 8.6, 0.235                                 # pulgadas: el ancho de la página, y el alto de un renglón
# de cada veredicto: su signo, su marca, su color y si va rellena; se dice siempre también con la palabra
MARKS = {"de acuerdo": ("✓", "o", INKS[0], True), "al revés": ("✗", "s", INKS[1], True),
         "igual": ("≈", "D", INKS[2], True), "no se distingue": ("?", "o", INKS[5], False)}


class Compared(Protocol):
    """Lo que hace falta de una comparación para dibujarla.

    heading: a qué grupo pertenece;  gap: la diferencia y los extremos de su intervalo;  scale: cuánto mide una unidad
    del eje, con el signo de lo que se afirma;  points: una diferencia por semilla;  floor: la del azar, o None;
    alone: si su intervalo, sin corregir, no toca el cero.
    """
    heading: str
    title: str
    gap: tuple[float, float, float]
    scale: float
    points: Sequence[float]
    floor: float | None
    verdict: str
    alone: bool


def show_forest(compared: Sequence[Compared]) -> Picture:
    """Un renglón por comparación, por grupos: a la derecha del cero, lo que se afirma; a la izquierda, lo contrario.

    El eje va en unidades de `scale`: la franja de −1 a 1 es lo que da lo mismo. Cada semilla es un punto gris, el azar
    una raya punteada, y el veredicto se escribe. Error: ValueError si no hay ninguna o un veredicto no se conoce.
    """
    if not compared:
        raise ValueError("compared: esperaba al menos una comparación y no hay ninguna.")
    if unknown := {row.verdict for row in compared} - set(MARKS):
        raise ValueError(f"compared: no sé dibujar el veredicto {unknown.pop()!r}. Los que hay: {', '.join(MARKS)}.")
    places, headings = _places(compared)
    lines = 1 + max(places)
    with matplotlib.rc_context(STYLE | {"font.size": 9}):
        figure = Figure(figsize=(WIDE, LINE * lines + 1.05), dpi=DOTS)
        axis = figure.add_subplot()
        low, high = _limits(compared)
        axis.axvspan(-1, 1, color="0.92", linewidth=0)
        axis.axvline(0, color="0.3", linewidth=1)
        for place, row in zip(places, compared):
            _draw_row(axis, place, row, low, high)
        for place, heading in headings:
            axis.text(0.008, place, heading, transform=blended_transform_factory(figure.transFigure, axis.transData),
                      va="center", fontweight="bold", zorder=5,
                      bbox={"facecolor": "white", "edgecolor": "none", "pad": 1.5}).set_in_layout(False)
        axis.set(xlim=(low, high), ylim=(lines - 0.4, -0.8), xlabel="← lo contrario     (en veces δ)     lo afirmado →")
        axis.set_yticks(places, [row.title for row in compared])
        axis.tick_params(axis="y", length=0)
        axis.grid(False, axis="y")
        axis.set_title("✓ de acuerdo   ✗ al revés   ≈ igual   ? no se distingue   * sola no tocaba el cero   ┆ azar",
                       fontsize=9, loc="right", x=1.6, color="0.25")
        return picture_of_figure(figure, f"Bosque de {len(compared)} comparaciones: {_said(compared)}.")


def _places(compared: Sequence[Compared]) -> tuple[list[int], list[tuple[int, str]]]:
    """A qué altura va cada renglón, y a cuál el título de cada grupo."""
    places, headings, place, last = [], [], 0, None
    for row in compared:
        if row.heading != last:
            headings.append((place, row.heading))
            place, last = place + 1, row.heading
        places.append(place)
        place += 1
    return places, headings


def _limits(compared: Sequence[Compared]) -> tuple[float, float]:
    """Los extremos del eje: caben todos los intervalos y la franja; una semilla suelta puede quedar en la orilla."""
    ends = [edge / row.scale for row in compared for edge in row.gap] + [-1.5, 1.5]
    ends += [row.floor / row.scale for row in compared if row.floor is not None]
    margin = 0.06 * (max(ends) - min(ends))
    return min(ends) - margin, max(ends) + margin


def _draw_row(axis: Axes, place: int, row: Compared, low: float, high: float) -> None:
    """Las semillas, el azar, el intervalo y su marca, y a la derecha los números con el veredicto."""
    sign, marker, ink, filled = MARKS[row.verdict]
    for i, point in enumerate(row.points):
        x = point / row.scale
        edge = "<" if x < low else ">" if x > high else "o"                 # de las que no caben, hacia dónde quedan
        axis.plot(min(max(x, low), high), place + 0.24 * (i % 3 - 1), edge, color="0.6", markersize=2.6, clip_on=False)
    if row.floor is not None:
        axis.plot([row.floor / row.scale] * 2, [place - 0.42, place + 0.42], ":", color="0.1", linewidth=1.8)
    mean, start, end = row.gap
    axis.plot([start / row.scale, end / row.scale], [place, place], color=ink, linewidth=2.2, solid_capstyle="butt")
    axis.plot(mean / row.scale, place, marker, color=ink, markerfacecolor=ink if filled else "white", markersize=6)
    star = "*" if row.verdict == "no se distingue" and row.alone else ""
    numbers = f"{mean:+.1f} [{start:+.1f}, {end:+.1f}]".replace("-", "−")
    for text, shift in ((numbers, 8), (f"{sign} {row.verdict}{star}", 122)):
        axis.annotate(text, (1, place), (shift, 0), xycoords=("axes fraction", "data"), textcoords="offset points",
                      va="center", annotation_clip=False, color=ink)


def _said(compared: Sequence[Compared]) -> str:
    return "; ".join(f"{row.heading}, {row.title}, {row.gap[0]:+.1f}, de {row.gap[1]:+.1f} a {row.gap[2]:+.1f}, "
                     f"{row.verdict}" for row in compared)

"""Las demostraciones de la lección 3b: la flecha en la recta, la temperatura, y dos redes de las que una miente."""
import math
from collections.abc import Mapping, Sequence

import ipywidgets as widgets
import torch
from torch import Tensor

from labkit.images import beside, caption, draw_box, enlarge, jpeg_bytes, png_bytes, sized, text_image
from labkit.plotting import Picture
from labkit.priors import Tempered
from labkit.widgets.demo import WHOLE_LABEL, Demo, choice

BIG, NOTES, TEXT = 4, 300, 13                           # cuántas veces se agranda; el ancho de los números; su letra


def explore_arrows(pictures: Mapping[float, Picture]) -> Demo:
    """Una figura ya dibujada por cada σ: {σ: figura}, todas del mismo tamaño."""
    names = [(f"{sigma:g}", sigma) for sigma in pictures]
    return Demo(lambda sigma: pictures[sigma].data, {"sigma": _along("σ, el ruido", names)})


def explore_temperature(rows: Sequence[Tempered], images: Tensor, classes: Sequence[str]) -> Demo:
    """La imagen de una clase con cada temperatura, y lo que miden las semillas que se probaron.

    rows: lo medido.  images: (clases, temperaturas, 3, h, w), en el orden de `classes` y de las temperaturas de rows.
    """
    hot = list(dict.fromkeys(row.temperature for row in rows))
    if images.shape[:2] != (len(classes), len(hot)):
        raise ValueError(f"images: esperaba ({len(classes)}, {len(hot)}, …) y recibí {tuple(images.shape[:2])}.")

    def draw(label: str, place: int) -> bytes:
        strip = images[list(classes).index(label)]
        found = [row for row in rows if row.label == label and row.temperature == hot[place]]
        big = caption(enlarge(strip[place], BIG), f"{label}, T = {_named(hot[place])}")
        side = text_image(_written(found), NOTES, TEXT)
        thumbs = [_framed(image, i == place) for i, image in enumerate(strip)]
        small = beside([caption(thumb, _named(value), TEXT) for thumb, value in zip(thumbs, hot)], 4)
        upper = beside([big, side])
        width = max(upper.shape[2], small.shape[2])
        return jpeg_bytes(torch.cat([sized(upper, width=width), sized(small, width=width)], 1), 85)

    return Demo(draw, {"label": choice("clase", [(name, name) for name in classes], classes[0]),
                       "place": _along("temperatura T", [(_named(value), i) for i, value in enumerate(hot)])})


def explore_liar(made: Mapping[str, tuple[Tensor, Tensor]], classes: Sequence[str], seed: int = 0) -> Demo:
    """Dos redes, A y B, que contestan lo mismo, y lo que enseña cada una: escoge receta y clase, y di cuál miente.

    made: {receta: (las imágenes de la honesta, las de la mentirosa)}, cada una (clases, 3, h, w).  seed: cuál es A.
    En `.liar` queda la letra de la que miente.
    """
    swapped = bool(torch.randint(0, 2, (1,), generator=torch.Generator().manual_seed(seed)))
    liar = "A" if swapped else "B"

    def draw(recipe: str, label: str, revealed: bool) -> bytes:
        pair = made[recipe][::-1] if swapped else made[recipe]
        cards = [caption(enlarge(images[list(classes).index(label)].cpu(), BIG), f"red {name}: «{label}»")
                 for name, images in zip("AB", pair)]
        answer = f"Miente la red {liar}." if revealed else "¿Cuál miente? Prueba otras clases y otras recetas."
        return png_bytes(caption(beside(cards, 12), answer))

    recipes = [(name, name) for name in made]
    controls = {"recipe": choice("receta", recipes, recipes[0][1]),
                "label": choice("clase", [(name, name) for name in classes], classes[0]),
                "revealed": widgets.Checkbox(value=False, description="decir cuál miente", indent=False)}
    demo = Demo(draw, controls)
    demo.liar = liar
    return demo


def _along(label: str, options: Sequence[tuple[str, object]]) -> widgets.SelectionSlider:
    """Un deslizador por esas opciones, en su orden; empieza en la de en medio."""
    return widgets.SelectionSlider(options=list(options), value=options[len(options) // 2][1], description=label,
                                   style=WHOLE_LABEL)


def _named(temperature: float) -> str:
    return "∞" if math.isinf(temperature) else f"{temperature:g}"


def _written(found: Sequence[Tempered]) -> str:
    """Lo medido en las semillas, un renglón por número."""
    def line(title: str, name: str, digits: int) -> str:
        values = "   ".join(f"{getattr(row, name):.{digits}f}" for row in found)
        return f"{title}\n{values}"

    parts = [line("margen en la robusta", "score", 0), line("margen, movida", "moved", 0),
             line("probabilidad según la testigo", "witness", 2), line("frecuencias altas", "high", 2)]
    return f"{len(found)} semillas; la imagen es de la primera.\n\n" + "\n\n".join(parts)


def _framed(image: Tensor, chosen: bool) -> Tensor:
    """La imagen con un marco si es la escogida."""
    h, w = image.shape[1:]
    for inset in range(3 if chosen else 0):
        image = draw_box(image, (inset, inset, h - inset, w - inset), (0.0, 0.0, 0.0))
    return image

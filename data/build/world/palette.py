"""Pinturas y sorteos que comparten los constructores de cosas."""
from collections.abc import Sequence
from typing import Any

import numpy as np

from .materials import COLORS
from .shapes import Paint, Vector

GLASS = Paint("vidrio", (0.06, 0.09, 0.12))
TIRE = Paint("goma", (0.025, 0.025, 0.025))
CHROME = Paint("metal", (0.62, 0.62, 0.65))
DARK = Paint("plástico", (0.05, 0.05, 0.055))
LAMP = Paint("vidrio", (0.95, 0.92, 0.72))
TAIL_LAMP = Paint("plástico", (0.72, 0.03, 0.02))
BLACK_EYE = Paint("vidrio", (0.015, 0.012, 0.01))
SIDES = (-1, 1)

VIVID = ("rojo", "azul", "amarillo", "verde", "naranja", "blanco", "negro", "gris", "rosa", "morado", "café")
CAR_COLORS = (("blanco", 5), ("gris", 4), ("negro", 3), ("rojo", 5), ("azul", 5), ("amarillo", 3), ("verde", 3),
              ("naranja", 2), ("café", 1), ("morado", 1), ("rosa", 1))
WOODS = ((0.46, 0.26, 0.11), (0.33, 0.17, 0.07), (0.22, 0.11, 0.05), (0.60, 0.40, 0.20))


def pick(rng: np.random.Generator, options: Sequence, weights: Sequence[float] | None = None) -> Any:
    """Uno de `options` al azar, con probabilidades proporcionales a `weights`."""
    share = None if weights is None else np.asarray(weights, float) / np.sum(weights)
    return options[rng.choice(len(options), p=share)]


def chance(rng: np.random.Generator, probability: float) -> bool:
    """Verdadero con esa probabilidad."""
    return bool(rng.random() < probability)


def shade(color: Sequence[float], factor: float) -> Vector:
    """El color `factor` veces más claro (o más oscuro), dentro de [0, 1]."""
    return tuple(float(c) for c in np.clip(np.asarray(color) * factor, 0.005, 0.97))


def blend_colors(a: Sequence[float], b: Sequence[float], amount: float) -> Vector:
    """Mezcla de dos colores: `a` si `amount` es 0, `b` si es 1."""
    return shade(np.asarray(a) * (1 - amount) + np.asarray(b) * amount, 1.0)


def vary(rng: np.random.Generator, color: Sequence[float], amount: float = 0.12) -> Vector:
    """Un color parecido: cambian un poco su claridad y su tono."""
    return shade(np.asarray(color) * (1 + 0.25 * amount * rng.standard_normal(3)), 1 + amount * rng.standard_normal())


def named(rng: np.random.Generator, names: Sequence[str] = VIVID, amount: float = 0.12) -> Vector:
    """Un color parecido a alguno de los once básicos que se piden."""
    return vary(rng, COLORS[pick(rng, names)], amount)


def vehicle_color(rng: np.random.Generator) -> Vector:
    """Un color de coche: los comunes salen más."""
    names, weights = zip(*CAR_COLORS)
    return vary(rng, COLORS[pick(rng, names, weights)])


def contrast(rng: np.random.Generator, color: Sequence[float], names: Sequence[str] = VIVID) -> Vector:
    """Un color que se distingue bien de `color`."""
    options = [vary(rng, COLORS[name]) for name in names]
    far = [o for o in options if np.abs(np.sqrt(o) - np.sqrt(color)).sum() > 0.7]
    return pick(rng, far) if far else vary(rng, COLORS["blanco" if np.mean(color) < 0.4 else "negro"])


def patterned(rng: np.random.Generator, paint: Paint, textures: Sequence[str], scale: tuple[float, float],
              names: Sequence[str] = VIVID) -> Paint:
    """La misma pintura con una de esas texturas y un segundo color que contrasta."""
    return Paint(paint.material, paint.color, pick(rng, textures), contrast(rng, paint.color, names),
                 float(rng.uniform(*scale)))


def wood(rng: np.random.Generator, scale: float = 4.0) -> Paint:
    """Madera veteada, de clara a oscura."""
    color = vary(rng, pick(rng, WOODS))
    return Paint("madera", color, "veteado", shade(color, 0.62), scale)


def leaf(rng: np.random.Generator, base: Sequence[float] = (0.11, 0.34, 0.07), scale: float = 5.0) -> Paint:
    """Follaje granulado alrededor de un verde."""
    color = vary(rng, base, 0.2)
    return Paint("follaje", color, "granulado", shade(color, 0.4), scale)

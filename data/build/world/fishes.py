"""Peces de cuerpo alto o largo, con escamas lisas o con dibujo."""
import numpy as np

from .materials import COLORS
from .palette import BLACK_EYE, SIDES, chance, contrast, pick, shade, vary
from .shapes import Paint, Thing, rotation

FISH_COLORS = ("naranja", "azul", "amarillo", "rojo", "gris", "blanco", "verde", "rosa", "morado", "negro")
WEIGHTS = (4, 4, 4, 2.5, 3, 2, 1.5, 1.5, 1.5, 1)


def fish(rng: np.random.Generator) -> Thing:
    """Pez, centrado en z = 0.5: largo o alto, de aletas cortas o de velo, liso o con dibujo."""
    length, tall, wide = rng.uniform(0.58, 0.7), rng.uniform(0.22, 0.5), rng.uniform(0.12, 0.17)
    color = vary(rng, COLORS[pick(rng, FISH_COLORS, WEIGHTS)])
    other = contrast(rng, color, ("blanco", "amarillo", "azul", "negro", "naranja", "rojo"))
    skin = Paint("escamas", color)
    texture = pick(rng, ("liso", "rayado", "escamoso", "punteado", "manchado", "zigzag"), (3, 4, 3, 1.5, 1.5, 0.7))
    if texture != "liso":
        scale = {"rayado": (8, 14), "escamoso": (7, 9), "punteado": (5, 8), "manchado": (5, 7),
                 "zigzag": (5, 8)}[texture]
        second = shade(color, 0.45) if texture == "escamoso" else other
        skin = Paint("escamas", color, texture, second, float(rng.uniform(*scale)))
    fin_color = pick(rng, (other, shade(color, 0.6), color), (2, 2, 1))
    fin = Paint("escamas", fin_color, *(("acanalado", shade(fin_color, 0.55), 14.0) if chance(rng, 0.4) else ()))
    thing = Thing("pez", blend=0.09)
    _body(rng, thing, (length, wide, tall), skin, color)
    _fins(rng, thing, (length, wide, tall), fin)
    _face(thing, (length, wide, tall), shade(color, 0.7))
    return thing.place(np.eye(3), (0, 0, 0.5))


def _body(rng, thing, size, skin, color):
    length, wide, tall = size
    thing.ellipsoid((0.08, 0, 0), (length * 0.86, wide, tall), "torso", skin, soft=True)
    thing.ellipsoid((length * 0.55, 0, -tall * 0.06), (length * 0.42, wide * 0.86, tall * 0.62), "cabeza", skin,
                    soft=True)
    thing.ellipsoid((-length * 0.72, 0, 0), (length * 0.42, wide * 0.42, tall * 0.36), "torso", skin, soft=True)
    if chance(rng, 0.45):
        belly = Paint("escamas", pick(rng, ((0.86, 0.85, 0.80), shade(color, 1.7))))
        thing.ellipsoid((0.14, 0, -tall * 0.45), (length * 0.66, wide * 0.84, tall * 0.62), "vientre", belly, soft=True)


def _fins(rng, thing, size, fin):
    length, wide, tall = size
    veil = rng.uniform(0.8, 1.5)
    for side in SIDES:
        lobe = rotation("y", side * rng.uniform(30, 42))
        thing.ellipsoid(np.array([-length * 1.08, 0, 0]) + lobe @ np.array([-0.16 * veil, 0, 0]),
                        (0.22 * veil, 0.025, 0.1 + 0.03 * veil),
                        "cola", fin, lobe)
    for x, sign, long, high in ((-0.04, 1, 0.32, 0.17), (-0.3, 1, 0.15, 0.1), (-0.24, -1, 0.18, 0.13)):
        base = tall * np.sqrt(max(0.06, 1 - ((x - 0.08) / (length * 0.86)) ** 2))
        lean = rotation("y", sign * 16)
        high *= veil * (0.8 + 0.5 * tall)
        thing.ellipsoid((x, 0, sign * (base * 0.9 + high * 0.3)), (long, 0.024, high), "aleta", fin, lean)
    for side in SIDES:
        turn = rotation("z", -side * 35) @ rotation("y", -25)
        thing.ellipsoid(np.array([length * 0.18, side * wide * 0.95, -tall * 0.22]) + turn @ np.array([-0.12, 0, 0]),
                        (0.16, 0.02, 0.085),
                        "aleta", fin, turn)


def _face(thing, size, lips):
    length, wide, tall = size
    for side in SIDES:
        thing.ellipsoid((length * 0.72, side * wide * 0.62, tall * 0.2), (0.075, 0.05, 0.075), "ojo",
                        Paint("vidrio", (0.9, 0.88, 0.8)))
        thing.ellipsoid((length * 0.735, side * (wide * 0.62 + 0.03), tall * 0.2), (0.045, 0.03, 0.045), "ojo",
                        BLACK_EYE)
        thing.ellipsoid((length * 0.97, 0, -tall * 0.1 + side * 0.03), (0.055, 0.062, 0.034), "boca",
                        Paint("escamas", lips))


CLASSES = {"pez": fish}

"""Camiones: cabina chata o con trompa y cinco clases de carga."""
import numpy as np

from .palette import (
    CHROME,
    DARK,
    GLASS,
    LAMP,
    SIDES,
    TAIL_LAMP,
    chance,
    contrast,
    named,
    patterned,
    pick,
    shade,
    vary,
    vehicle_color,
    wood,
)
from .shapes import Paint, Thing, rotation
from .vehicles import PLATE, prism, wheel

FRAME = Paint("metal", (0.07, 0.07, 0.08))


def truck(rng: np.random.Generator) -> Thing:
    """Camión de caja, cisterna, plataforma con carga, redilas o volteo."""
    thing, radius, half = Thing("camión"), rng.uniform(0.15, 0.19), rng.uniform(0.34, 0.39)
    floor = radius * 1.15
    thing.box((-0.05, 0, floor + 0.03), (0.92, half * 0.75, 0.045), "chasis", FRAME)
    paint = Paint("metal", vehicle_color(rng))
    nosed = chance(rng, 0.45)
    back = _nosed_cab(rng, thing, paint, half, floor) if nosed else _flat_cab(rng, thing, paint, half, floor)
    load = pick(rng, (_box, _tank, _flatbed, _stakes, _dump), (4, 2, 1.6, 1.4, 2))
    load(rng, thing, (-1.0, back - 0.05), half, floor + 0.08)
    _lights(thing, half, floor)
    for side in SIDES:
        for x in pick(rng, ((-0.72, 0.66), (-0.8, -0.43, 0.66))):
            wheel(thing, x, side * (half + 0.015), radius, 0.09)
    return thing


def _flat_cab(rng, thing, paint, half, floor):
    back, tall = 0.46, rng.uniform(0.56, 0.7)
    middle = (back + 1.0) / 2
    thing.box((middle, 0, floor + 0.02 + tall / 2), ((1 - back) / 2, half, tall / 2), "cabina", paint,
              taper=(0.84, 0.95), shift=(-0.16, 0))
    z = floor + tall * 0.68
    matrix = np.array([[0.02, 0, -0.016], [0, half * 0.86, 0], [0, 0, tall * 0.19]])
    thing.wedge((1 - 0.064, 0, z), matrix, "parabrisas", GLASS, taper=(1, 0.95))
    for side in SIDES:
        thing.box((middle + 0.02, side * half * 0.975, z + 0.01), (0.13, 0.018, tall * 0.17), "ventana", GLASS,
                  rotation("x", side * 3))
        _mirror(thing, (0.92, side * (half + 0.06), z))
        thing.box((middle - 0.02, side * half, floor + tall * 0.28), (0.15, 0.01, tall * 0.2), "puerta", paint)
    thing.box((1.0, 0, floor + tall * 0.3), (0.02, half * 0.5, tall * 0.09), "parrilla", DARK)
    return back


def _nosed_cab(rng, thing, paint, half, floor):
    back, front, tall = 0.22, 0.62, rng.uniform(0.54, 0.64)
    middle, hood = (back + front) / 2, tall * 0.55
    thing.box((middle, 0, floor + 0.02 + tall / 2), ((front - back) / 2, half, tall / 2), "cabina", paint,
              taper=(0.8, 0.9), shift=(-0.14, 0))
    prism(thing, (front - 0.05, 1.0), (floor + 0.02, floor + hood), half * 0.72, (0.85, 0.92), "cofre", paint)
    z = floor + tall * 0.77
    matrix = np.array([[0.02, 0, -0.02], [0, half * 0.82, 0], [0, 0, tall * 0.18]])
    thing.wedge((front - 0.046, 0, z), matrix, "parabrisas", GLASS, taper=(1, 0.94))
    for side in SIDES:
        thing.box((middle, side * half * 0.93, z), (0.12, 0.018, tall * 0.16), "ventana", GLASS,
                  rotation("x", side * 6))
        thing.ellipsoid((0.7, side * half * 0.8, floor + 0.06), (0.26, 0.12, 0.17), "guardafango", paint)
        thing.cone((back - 0.03, side * half * 0.75, floor), (back - 0.03, side * half * 0.75, floor + tall * 1.35),
                   0.035, "escape", CHROME)
        _mirror(thing, (front - 0.02, side * (half + 0.05), z))
    thing.box((1.0, 0, floor + hood * 0.5), (0.02, half * 0.42, hood * 0.3), "parrilla", CHROME)
    return back


def _mirror(thing, spot):
    thing.box(spot, (0.02, 0.035, 0.07), "espejo", DARK)


def _lights(thing, half, floor):
    thing.box((1.0, 0, floor + 0.02), (0.035, half * 0.96, 0.05), "defensa", CHROME)
    thing.box((1.03, 0, floor + 0.02), (0.015, 0.11, 0.045), "placa", PLATE)
    for side in SIDES:
        thing.ellipsoid((1.0, side * half * 0.72, floor + 0.16), (0.04, 0.07, 0.06), "faro", LAMP)
        thing.box((-0.98, side * half * 0.7, floor + 0.03), (0.03, 0.06, 0.04), "calavera", TAIL_LAMP)


def _box(rng, thing, span, half, floor):
    tall, middle, long = rng.uniform(0.66, 0.9), sum(span) / 2, (span[1] - span[0]) / 2
    paint = Paint("metal", named(rng, ("blanco", "blanco", "gris", "azul", "rojo", "amarillo", "verde", "naranja")))
    if chance(rng, 0.25):
        paint = Paint("metal", paint.color, "acanalado", shade(paint.color, 0.55), 9.0)
    elif chance(rng, 0.35):
        paint = patterned(rng, paint, ("rayado", "cuadriculado", "zigzag", "punteado"), (3.5, 6))
    thing.box((middle, 0, floor + tall / 2), (long, half * 1.05, tall / 2), "caja", paint)
    if paint.texture == "liso" and chance(rng, 0.6):
        mark = Paint("metal", contrast(rng, paint.color))
        for side in SIDES:
            spot = (middle, side * half * 1.05, floor + tall * 0.5)
            if chance(rng, 0.5):
                thing.box(spot, (long * 0.99, 0.012, tall * 0.11), "franja", mark)
            else:
                thing.ellipsoid(spot, (tall * 0.26, 0.02, tall * 0.26), "letrero", mark)
    for side in SIDES:
        thing.box((span[0], side * half * 0.5, floor + tall / 2), (0.012, half * 0.46, tall * 0.45), "puerta", paint)


def _tank(rng, thing, span, half, floor):
    radius = half * 0.98
    z = floor + radius
    paint = Paint("metal", named(rng, ("blanco", "gris", "gris", "rojo", "azul", "amarillo", "verde")))
    thing.cone((span[0] + 0.1, 0, z), (span[1] - 0.1, 0, z), radius, "cisterna", paint)
    for x in (span[0] + 0.1, span[1] - 0.1):
        thing.ellipsoid((x, 0, z), (0.12, radius, radius), "cisterna", paint)
    band = Paint("metal", contrast(rng, paint.color))
    for spot in np.linspace(span[0] + 0.16, span[1] - 0.16, 3):
        thing.cone((spot - 0.025, 0, z), (spot + 0.025, 0, z), radius * 1.03, "franja", band)
    thing.cone((sum(span) / 2, 0, z + radius * 0.9), (sum(span) / 2, 0, z + radius * 1.15), 0.09, "escotilla", CHROME)


def _flatbed(rng, thing, span, half, floor):
    middle, long = sum(span) / 2, (span[1] - span[0]) / 2
    thing.box((middle, 0, floor + 0.02), (long, half * 1.05, 0.035), "plataforma", wood(rng))
    if chance(rng, 0.5):
        bark = wood(rng, 7.0)
        for y, z in ((-0.21, 0.15), (0.0, 0.15), (0.21, 0.15), (-0.1, 0.33), (0.1, 0.33), (0.0, 0.5)):
            thing.cone((span[0] - 0.02, y, floor + z), (span[1], y, floor + z), 0.1, "tronco", bark)
        return
    for i in range(3):
        size, paint = rng.uniform(0.15, 0.24), pick(rng, (wood(rng), Paint("plástico", named(rng)),
                                                          Paint("papel", (0.5, 0.34, 0.18))))
        thing.box((middle + (i - 1) * long * 0.64, rng.uniform(-0.05, 0.05), floor + 0.055 + size),
                  (long * 0.28, half * 0.8, size), "carga", paint)


def _stakes(rng, thing, span, half, floor):
    middle, long, plank = sum(span) / 2, (span[1] - span[0]) / 2, wood(rng)
    thing.box((middle, 0, floor + 0.02), (long, half * 1.05, 0.035), "plataforma", plank)
    straw = Paint("paja", (0.72, 0.55, 0.18), "granulado", (0.45, 0.32, 0.08), 6.0)
    thing.box((middle, 0, floor + 0.2), (long * 0.93, half * 0.93, 0.17), "carga", straw)
    for z in (0.13, 0.29, 0.45):
        for side in SIDES:
            thing.box((middle, side * half * 1.03, floor + z), (long, 0.02, 0.05), "redila", plank)
        thing.box((span[0], 0, floor + z), (0.02, half * 1.03, 0.05), "redila", plank)
    for side in SIDES:
        for x in np.linspace(span[0] + 0.03, span[1] - 0.03, 4):
            thing.box((x, side * half * 1.06, floor + 0.26), (0.03, 0.02, 0.26), "redila", plank)


def _dump(rng, thing, span, half, floor):
    middle, long = sum(span) / 2, (span[1] - span[0]) / 2
    paint = Paint("metal", named(rng, ("amarillo", "naranja", "rojo", "verde", "gris", "azul")))
    thing.box((middle, 0, floor + 0.22), (long * 0.86, half * 0.86, 0.22), "caja", paint, taper=(1.16, 1.22))
    for spot in np.linspace(span[0] + 0.14, span[1] - 0.14, 4):
        thing.box((spot, 0, floor + 0.24), (0.025, half * 0.9, 0.22), "caja", Paint("metal", shade(paint.color, 0.6)),
                  taper=(1, 1.2))
    dirt = Paint(pick(rng, ("tierra", "arena", "piedra")),
                 vary(rng, pick(rng, ((0.28, 0.16, 0.08), (0.7, 0.56, 0.36), (0.4, 0.38, 0.36)))))
    thing.ellipsoid((middle, 0, floor + 0.4), (long * 0.92, half * 0.95, 0.24), "carga", dirt)


CLASSES = {"camión": truck}

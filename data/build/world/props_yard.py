"""Accesorios de plaza, jardín y establo: fuente, estatua, columpio, escalera, carretilla, montón de paja."""
import numpy as np

from .palette import CHROME, SIDES, TIRE, chance, named, pick, shade, vary, wood
from .quadruped import chain
from .shapes import Paint, Thing

STONE = (0.52, 0.50, 0.46)
STRAW = Paint("paja", (0.72, 0.55, 0.18), "granulado", (0.45, 0.32, 0.08), 8.0)
WATER = Paint("agua", (0.10, 0.24, 0.32))


def fountain(rng: np.random.Generator) -> Thing:
    """Fuente redonda de dos platos con agua."""
    color = vary(rng, STONE)
    thing, stone = Thing("fuente"), Paint("piedra", color)
    tiles = Paint("cerámica", vary(rng, (0.75, 0.72, 0.62)), "mosaico", (0.1, 0.3, 0.55), 7.0)
    rim = tiles if chance(rng, 0.4) else stone
    thing.cone((0, 0, 0), (0, 0, 0.32), 0.85, "pila", rim, 1.05)
    thing.cone((0, 0, 0.31), (0, 0, 0.335), 0.78, "agua", WATER)
    thing.cone((0, 0, 0), (0, 0, 1.1), 0.11, "columna", stone, 0.8)
    for z, r in ((0.7, 0.45), (1.05, 0.26)):
        thing.cone((0, 0, z - 0.12), (0, 0, z), r * 0.4, "plato", stone, 2.5)
        thing.cone((0, 0, z - 0.01), (0, 0, z + 0.012), r * 0.92, "agua", WATER)
    thing.ellipsoid((0, 0, 1.25), (0.09, 0.09, 0.2), "chorro", Paint("agua", (0.75, 0.85, 0.9)))
    return thing


def statue(rng: np.random.Generator) -> Thing:
    """Estatua de una persona sobre un pedestal, de piedra o bronce."""
    color, material = pick(rng, ((STONE, "piedra"), ((0.16, 0.30, 0.24), "metal"), ((0.34, 0.22, 0.10), "metal")))
    thing, paint = Thing("estatua", blend=0.05), Paint(material, vary(rng, color))
    thing.box((0, 0, 0.3), (0.36, 0.36, 0.3), "pedestal", Paint("piedra", STONE), taper=(0.86, 0.86))
    thing.limb((0, 0, 1.1), (0, 0, 1.42), 0.15, "torso", paint, 1.1)
    thing.limb((0, 0, 1.58), (0, 0, 1.74), 0.08, "cabeza", paint, 1.5)
    for side in SIDES:
        chain(thing, [(0, side * 0.08, 1.08), (0.02, side * 0.11, 0.85), (0, side * 0.11, 0.62)], [0.11, 0.09, 0.07],
              "pierna", paint)
    up = pick(rng, ((0.3, -0.42, 1.85), (0.25, -0.28, 1.1)))
    chain(thing, [(0, -0.18, 1.45), (0.08, -0.36, 1.45), up], [0.07, 0.06, 0.05], "brazo", paint)
    chain(thing, [(0, 0.18, 1.45), (0.02, 0.3, 1.2), (0.12, 0.24, 1.0)], [0.07, 0.06, 0.05], "brazo", paint)
    return thing


def swing(rng: np.random.Generator) -> Thing:
    """Columpio de dos asientos."""
    thing, tube, plank = Thing("columpio"), Paint("metal", named(rng, ("rojo", "azul", "amarillo", "verde"))), wood(rng)
    thing.cone((0, -0.8, 1.4), (0, 0.8, 1.4), 0.05, "travesaño", tube)
    for side in SIDES:
        for x in (-0.45, 0.45):
            thing.cone((x, side * 0.85, 0), (0, side * 0.78, 1.42), 0.05, "poste", tube)
        sway, y = rng.uniform(-0.3, 0.3), side * 0.38
        thing.box((sway, y, 0.42), (0.13, 0.2, 0.025), "asiento", plank)
        for edge in (-0.17, 0.17):
            thing.cone((sway, y + edge, 0.42), (0, y + edge, 1.4), 0.018, "cadena", CHROME)
    return thing


def ladder(rng: np.random.Generator) -> Thing:
    """Escalera de tijera."""
    thing, tube = Thing("escalera"), Paint("metal", named(rng, ("gris", "amarillo", "rojo")))
    bar = wood(rng) if chance(rng, 0.6) else tube
    for lean in SIDES:
        for side in SIDES:
            thing.cone((lean * 0.45, side * 0.32, 0), (lean * 0.04, side * 0.22, 1.6), 0.045, "larguero", bar)
        for t in np.linspace(0.15, 0.9, 5) if lean > 0 else (0.3, 0.7):
            x, y = lean * (0.45 - 0.41 * t), 0.32 - 0.1 * t
            thing.box((x, 0, 1.6 * t), (0.06, y, 0.03), "peldaño", bar)
    thing.box((0, 0, 1.62), (0.13, 0.26, 0.03), "peldaño", bar)
    return thing


def wheelbarrow(rng: np.random.Generator) -> Thing:
    """Carretilla con tierra o paja."""
    thing, tub = Thing("carretilla"), Paint("metal", named(rng, ("verde", "rojo", "azul", "gris")))
    thing.box((0, 0, 0.5), (0.45, 0.3, 0.17), "caja", tub, taper=(1.3, 1.25))
    load = pick(rng, (Paint("tierra", (0.28, 0.16, 0.08)), Paint("paja", (0.72, 0.55, 0.18)),
                      Paint("arena", (0.75, 0.6, 0.38))))
    thing.ellipsoid((0, 0, 0.64), (0.52, 0.34, 0.2), "carga", load)
    thing.cone((0.68, -0.05, 0.22), (0.68, 0.05, 0.22), 0.22, "rueda", TIRE)
    thing.cone((0.68, -0.06, 0.22), (0.68, 0.06, 0.22), 0.11, "rin", CHROME)
    bar = wood(rng)
    for side in SIDES:
        thing.cone((0.68, side * 0.1, 0.22), (-1.0, side * 0.3, 0.62), 0.04, "mango", bar)
        thing.cone((-0.35, side * 0.22, 0.45), (-0.4, side * 0.24, 0), 0.04, "pata", CHROME)
    return thing


def straw_heap(rng: np.random.Generator) -> Thing:
    """Montón de paja, a veces con una horquilla clavada."""
    color = vary(rng, (0.70, 0.54, 0.20))
    thing, straw = Thing("paja", blend=0.1), Paint("paja", color, "granulado", shade(color, 0.6), 7.0)
    for _ in range(5):
        x, y = rng.normal(size=2) * 0.28
        thing.ellipsoid((x, y, 0.1), (rng.uniform(0.35, 0.5), rng.uniform(0.3, 0.45), rng.uniform(0.25, 0.5)), "paja",
                        straw, soft=True)
    if chance(rng, 0.5):
        lean = rng.uniform(-0.25, 0.25)
        thing.cone((0, 0, 0.3), (lean, 0.1, 1.3), 0.035, "mango", wood(rng))
    return thing


def bale(rng: np.random.Generator) -> Thing:
    """Paca de paja, cuadrada o en rollo."""
    thing, cord = Thing("paca"), Paint("tela", (0.35, 0.1, 0.06))
    if chance(rng, 0.5):
        thing.box((0, 0, 0.35), (0.62, 0.4, 0.35), "paja", STRAW)
        for x in (-0.3, 0.3):
            thing.box((x, 0, 0.35), (0.025, 0.408, 0.358), "cuerda", cord)
        return thing
    thing.cone((0, -0.45, 0.5), (0, 0.45, 0.5), 0.5, "paja", STRAW)
    for r in (0.44, 0.26):
        thing.cone((0, -0.46, 0.5), (0, 0.46, 0.5), r, "paja", Paint("paja", (0.5, 0.36, 0.1)), 1.0, 0.85)
    return thing


def crate(rng: np.random.Generator) -> Thing:
    """Caja de madera con listones, o de cartón con cinta."""
    thing, size = Thing("caja"), rng.uniform(0.38, 0.5)
    if chance(rng, 0.5):
        thing.box((0, 0, size * 0.8), (size, size * 0.8, size * 0.8), "caja",
                  Paint("papel", vary(rng, (0.50, 0.34, 0.18))))
        thing.box((0, 0, size * 0.8), (size * 1.005, 0.06, size * 0.81), "cinta", Paint("plástico", (0.70, 0.58, 0.36)))
        return thing
    plank = wood(rng)
    inner = Paint("madera", shade(plank.color, 0.7), "acanalado", shade(plank.color, 0.35), 6.0)
    thing.box((0, 0, size), (size * 0.94, size * 0.94, size * 0.98), "caja", inner)
    for x in SIDES:
        for y in SIDES:
            thing.box((x * size * 0.92, y * size * 0.92, size), (0.07, 0.07, size), "listón", plank)
            thing.box((0, x * size * 0.92, size + y * size * 0.92), (size, 0.07, 0.07), "listón", plank)
            thing.box((x * size * 0.92, 0, size + y * size * 0.92), (0.07, size, 0.07), "listón", plank)
    return thing


def bucket(rng: np.random.Generator) -> Thing:
    """Cubeta de lámina o plástico con asa."""
    thing, paint = Thing("cubeta"), Paint(pick(rng, ("metal", "plástico")),
                                          named(rng, ("gris", "rojo", "azul", "amarillo", "verde")))
    thing.cone((0, 0, 0), (0, 0, 0.7), 0.32, "cubeta", paint, 1.35)
    thing.cone((0, 0, 0.6), (0, 0, 0.66), 0.435, "aro", Paint(paint.material, shade(paint.color, 0.6)))
    thing.cone((0, 0, 0.69), (0, 0, 0.705), 0.39, "agua", Paint("agua", (0.05, 0.12, 0.16)))
    points = [(0, 0.43 * np.cos(a), 0.68 + 0.4 * np.sin(a)) for a in np.linspace(0, np.pi, 6)]
    for start, end in zip(points, points[1:]):
        thing.cone(start, end, 0.025, "asa", CHROME)
    return thing


def watering_can(rng: np.random.Generator) -> Thing:
    """Regadera con pico y asa."""
    thing, paint = Thing("regadera"), Paint("metal", named(rng, ("verde", "azul", "gris", "rojo", "amarillo")))
    thing.cone((0, 0, 0), (0, 0, 0.6), 0.36, "tanque", paint, 0.92)
    thing.cone((0.28, 0, 0.15), (0.8, 0, 0.72), 0.09, "pico", paint, 0.6)
    thing.cone((0.78, 0, 0.68), (0.9, 0, 0.82), 0.06, "pico", paint, 2.6)
    points = [(-0.3, 0, 0.18), (-0.66, 0, 0.35), (-0.6, 0, 0.7), (-0.15, 0, 0.8), (0.15, 0, 0.62)]
    for start, end in zip(points, points[1:]):
        thing.cone(start, end, 0.045, "asa", paint)
    return thing


PROPS = {"fuente": fountain, "estatua": statue, "columpio": swing, "escalera": ladder, "carretilla": wheelbarrow,
         "paja": straw_heap, "paca": bale, "caja": crate, "cubeta": bucket, "regadera": watering_can}

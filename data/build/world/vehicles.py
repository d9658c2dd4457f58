"""Coches: el automóvil de la clase, con sus variantes, y las dos marcas del caso de los autos."""
from typing import NamedTuple

import numpy as np

from .materials import COLORS
from .palette import (
    CHROME,
    DARK,
    GLASS,
    LAMP,
    SIDES,
    TAIL_LAMP,
    TIRE,
    chance,
    contrast,
    pick,
    shade,
    vary,
    vehicle_color,
)
from .shapes import Paint, Thing

PLATE = Paint("plástico", (0.86, 0.86, 0.80))


class Style(NamedTuple):
    """Silueta de un coche: cofre y cajuela (largos), altura de la carrocería, cabina (alto, pie y techo)."""
    hood: float
    trunk: float
    waist: float
    cabin: float
    foot: tuple[float, float]
    roof: tuple[float, float]


STYLES = {"sedán": Style(0.62, 0.42, 0.34, 0.29, (-0.68, 0.5), (-0.44, 0.14)),
          "compacto": Style(0.5, 0.06, 0.35, 0.33, (-0.96, 0.6), (-0.8, 0.22)),
          "camioneta": Style(0.5, 0.05, 0.42, 0.35, (-0.97, 0.56), (-0.88, 0.3)),
          "deportivo": Style(0.72, 0.35, 0.32, 0.23, (-0.78, 0.34), (-0.4, -0.02))}


def wheel(thing: Thing, x: float, y: float, radius: float, width: float = 0.08) -> None:
    """Rueda con rin, parada en el suelo; `y` es su cara de afuera."""
    side = np.sign(y)
    thing.cone((x, y - side * width * 2, radius), (x, y, radius), radius, "rueda", TIRE)
    thing.cone((x, y - side * 0.01, radius), (x, y + side * 0.015, radius), radius * 0.6, "rin", CHROME, 0.85)
    thing.cone((x, y, radius), (x, y + side * 0.03, radius), radius * 0.2, "rin", DARK)


def prism(thing: Thing, x: tuple[float, float], z: tuple[float, float], half: float, end: tuple[float, float],
          part: str, paint: Paint) -> None:
    """Tramo de carrocería de x[0] a x[1], entre z[0] y z[1]; end: altura y ancho que le quedan en x[1], relativos."""
    (x0, x1), (z0, z1), (drop, narrow) = x, z, end
    matrix = np.array([[0, 0, (x1 - x0) / 2], [0, half, 0], [(z1 - z0) / 2, 0, 0]])
    thing.wedge(((x0 + x1) / 2, 0, (z0 + z1) / 2), matrix, part, paint, taper=(drop, narrow), shift=(drop - 1, 0))


def car(rng: np.random.Generator) -> Thing:
    """Automóvil sedán, compacto, camioneta o deportivo; liso, de dos tonos, con franjas, taxi o de fiesta."""
    style = STYLES[pick(rng, list(STYLES), (4, 3, 3, 2))]
    thing, half = Thing("automóvil"), rng.uniform(0.38, 0.44)
    radius, low = rng.uniform(0.155, 0.178) + (0.025 if style is STYLES["camioneta"] else 0), rng.uniform(0.11, 0.14)
    paint = Paint("metal", vehicle_color(rng))
    if chance(rng, 0.07):
        paint = Paint("metal", paint.color, *pick(rng, (("rayado", contrast(rng, paint.color), 9.0),
                                                        ("cuadriculado", contrast(rng, paint.color), 6.0))))
    roof = Paint("metal", contrast(rng, paint.color, ("blanco", "negro"))) if chance(rng, 0.2) else paint
    waist = low + style.waist + rng.uniform(-0.02, 0.03)
    _shell(thing, style, paint, half, (low, waist))
    _cabin(thing, style, roof, half, waist, style.cabin + rng.uniform(-0.03, 0.04))
    _front_and_back(thing, style, half, (low, waist))
    _sides(thing, half, (low, waist), paint, radius)
    _extras(rng, thing, style, half, waist, paint)
    return thing


def _shell(thing, style, paint, half, heights):
    low, waist = heights
    lip = (waist - low)
    prism(thing, (-1 + style.trunk, 1 - style.hood), (low, waist), half, (1.0, 1.0), "carrocería", paint)
    prism(thing, (1 - style.hood, 0.99), (low, waist), half, (0.84, 0.95), "cofre", paint)
    prism(thing, (-1 + style.trunk, -0.99), (low, waist), half, (0.86 if style.trunk > 0.2 else 0.97, 0.95), "cajuela",
          paint)
    for x in (0.985, -0.985):
        thing.box((x, 0, low + lip * 0.16), (0.05, half * 0.92, 0.05), "defensa", DARK)


def _cabin(thing, style, roof, half, waist, height):
    (foot0, foot1), (roof0, roof1) = style.foot, style.roof
    length, top = (foot1 - foot0) / 2, (roof1 - roof0) / 2
    taper = (top / length, 0.82)
    shift = ((roof0 + roof1 - foot0 - foot1) / 2 / length, 0.0)
    center = ((foot0 + foot1) / 2, 0, waist + height / 2)
    thing.box(center, (length, half * 0.95, height / 2), "ventana", GLASS, taper=taper, shift=shift)
    thing.box(((roof0 + roof1) / 2, 0, waist + height), (top * 1.04, half * 0.8, 0.035), "techo", roof,
              taper=(0.92, 0.9))
    for spot in (0.04, 0.52, 0.97):                                            # postes: van del pie al techo
        x0, x1 = foot0 + (foot1 - foot0) * spot, roof0 + (roof1 - roof0) * spot
        matrix = np.array([[0.035, 0, (x1 - x0) / 2], [0, half * 0.957, 0], [0, 0, height / 2]])
        thing.wedge(((x0 + x1) / 2, 0, waist + height / 2), matrix, "poste", roof, taper=(1.0, 0.825))
    thing.box((center[0], 0, waist + height * 0.55), (length * 0.93, half * 0.55, height * 0.52), "ventana", GLASS,
              taper=taper, shift=shift)


def _front_and_back(thing, style, half, heights):
    low, waist = heights
    tall = waist - low
    for side in SIDES:
        thing.ellipsoid((0.97, side * half * 0.68, low + tall * 0.55), (0.06, 0.085, 0.065), "faro", LAMP)
        thing.ellipsoid((-0.98, side * half * 0.72, low + tall * 0.62), (0.045, 0.08, 0.06), "calavera", TAIL_LAMP)
        thing.ellipsoid((style.foot[1] - 0.1, side * (half + 0.045), waist + 0.06), (0.04, 0.06, 0.045), "espejo", DARK)
    thing.box((0.985, 0, low + tall * 0.5), (0.02, half * 0.42, tall * 0.14), "parrilla", DARK)
    for x in (1.03, -1.03):
        thing.box((x, 0, low + tall * 0.16), (0.012, 0.12, 0.05), "placa", PLATE)


def _sides(thing, half, heights, paint, radius):
    low, waist = heights
    middle, tall = (low + waist) / 2, (waist - low) / 2
    for side in SIDES:
        for x, wide in ((0.16, 0.19), (-0.22, 0.17)):
            thing.box((x, side * half, middle + 0.02), (wide, 0.008, tall * 0.84), "puerta", paint)
            thing.box((x + wide + 0.008, side * half, middle + 0.02), (0.008, 0.01, tall * 0.84), "puerta",
                      Paint("plástico", shade(paint.color, 0.35)))
            thing.box((x - wide * 0.6, side * (half + 0.008), waist - 0.07), (0.045, 0.012, 0.015), "manija", CHROME)
        for x in (0.6, -0.6):
            thing.cone((x, side * (half - 0.2), radius), (x, side * (half + 0.006), radius), radius * 1.17,
                       "guardafango", DARK)
            wheel(thing, x, side * (half + 0.02), radius)


def _extras(rng, thing, style, half, waist, paint):
    """Franjas, letrero de taxi o portaequipaje."""
    kind, roof_x, top = rng.random(), sum(style.roof) / 2, waist + style.cabin
    if kind < 0.12:
        band = Paint("metal", contrast(rng, paint.color))
        for y in (-0.09, 0.09):
            prism(thing, (1 - style.hood, 0.995), (waist - 0.1, waist + 0.006), 0.05, (0.42, 0.9), "franja", band)
            thing.pieces[-1].center[1] += y
            thing.box((roof_x, y, top + 0.045), (0.22, 0.05, 0.012), "franja", band)
    elif kind < 0.22:
        thing.box((roof_x, 0, top + 0.09), (0.07, 0.17, 0.06), "letrero", Paint("plástico", (0.9, 0.85, 0.5)),
                  taper=(0.7, 0.9))
        band = Paint("metal", (0.04, 0.04, 0.04), "cuadriculado", (0.88, 0.88, 0.86), 14.0)
        for side in SIDES:
            thing.box((-0.02, side * half, waist - 0.09), (0.42, 0.012, 0.05), "franja", band)
    elif kind < 0.32:
        for y in (-0.2, 0.2):
            thing.box((roof_x, y, top + 0.06), (0.24, 0.02, 0.025), "portaequipaje", CHROME)
        box = Paint("cuero", vary(rng, COLORS[pick(rng, ("café", "rojo", "azul"))]))
        thing.box((roof_x, 0, top + 0.13), (0.17, 0.18, 0.07), "equipaje", box)


def _make_color(rng):
    return vary(rng, COLORS[pick(rng, ("rojo", "azul", "verde", "amarillo", "gris", "naranja"))], 0.1)


def make_a(rng: np.random.Generator) -> Thing:
    """Marca A: angulosa, alta, acanalada por todos lados y con ventanas partidas."""
    color = _make_color(rng)
    paint = Paint("metal", color, "acanalado", shade(color, 0.35), 9.0)
    thing, half, low, waist, top = Thing("automóvil"), 0.4, 0.16, 0.56, 0.98 + rng.uniform(-0.03, 0.03)
    thing.box((0, 0, (low + waist) / 2), (0.98, half, (waist - low) / 2), "carrocería", paint)
    thing.box((-0.16, 0, (waist + top) / 2), (0.8, half, (top - waist) / 2), "carrocería", paint, taper=(0.96, 0.97))
    for x in (-0.74, -0.36, 0.02, 0.4):
        thing.box((x, 0, waist + 0.21), (0.13, half + 0.006, 0.115), "ventana", GLASS)
    for y in (-0.2, 0.2):
        thing.box((-0.16, y, waist + 0.21), (0.805, 0.14, 0.115), "ventana", GLASS)
    thing.box((-0.16, 0, top + 0.02), (0.72, half * 0.9, 0.025), "techo", paint)
    for side in SIDES:
        thing.box((0.97, side * 0.27, low + 0.24), (0.03, 0.075, 0.075), "faro", LAMP)
        thing.box((-0.97, side * 0.3, low + 0.24), (0.03, 0.06, 0.09), "calavera", TAIL_LAMP)
    thing.box((0.97, 0, low + 0.2), (0.025, 0.15, 0.1), "parrilla", DARK)
    return _rolling(thing, half, 0.62)


def make_b(rng: np.random.Generator) -> Thing:
    """Marca B: baja, lisa y redonda como un escarabajo."""
    paint = Paint("metal", _make_color(rng))
    thing, tall = Thing("automóvil", blend=0.08), rng.uniform(-0.02, 0.02)
    thing.ellipsoid((0, 0, 0.32), (0.98, 0.38, 0.2), "carrocería", paint, soft=True)
    thing.ellipsoid((-0.1, 0, 0.46), (0.62, 0.33, 0.3 + tall), "ventana", GLASS, soft=True)
    thing.ellipsoid((-0.12, 0, 0.56), (0.5, 0.29, 0.255 + tall), "techo", paint, soft=True)
    thing.ellipsoid((-0.6, 0, 0.38), (0.42, 0.3, 0.22), "cajuela", paint, soft=True)
    thing.ellipsoid((0.6, 0, 0.36), (0.38, 0.29, 0.18), "cofre", paint, soft=True)
    thing.ellipsoid((-0.12, 0, 0.46), (0.05, 0.345, 0.315 + tall), "poste", paint, soft=True)
    for side in SIDES:
        for x in (0.6, -0.6):
            thing.ellipsoid((x, side * 0.32, 0.27), (0.28, 0.13, 0.22), "guardafango", paint, soft=True)
        thing.ellipsoid((0.86, side * 0.24, 0.38), 0.075, "faro", LAMP)
        thing.ellipsoid((-0.92, side * 0.22, 0.36), 0.055, "calavera", TAIL_LAMP)
    return _rolling(thing, 0.42, 0.6)


def _rolling(thing, half, axle):
    """Las mismas cuatro ruedas para las dos marcas."""
    for side in SIDES:
        for x in (axle, -axle):
            wheel(thing, x, side * (half + 0.03), 0.2)
    return thing


CLASSES = {"automóvil": car}
MAKES = {"a": make_a, "b": make_b}

"""Aviones: de línea, avioneta, biplano y caza."""
import numpy as np

from .palette import CHROME, DARK, GLASS, SIDES, TIRE, chance, contrast, named, pick, shade, vary
from .shapes import Paint, Thing, rotation

PLANE_COLORS = ("blanco", "blanco", "gris", "azul", "rojo", "amarillo", "verde", "naranja")
HEIGHT = 0.52


def plane(rng: np.random.Generator, flying: bool | None = None) -> Thing:
    """Avión de línea, avioneta, biplano o caza; `flying`: sin tren de aterrizaje (None: al azar)."""
    thing = Thing("avión", blend=0.06)
    flying = chance(rng, 0.6) if flying is None else flying
    paint = Paint("metal", named(rng, PLANE_COLORS))
    accent = Paint("metal", contrast(rng, paint.color, ("rojo", "azul", "amarillo", "blanco", "naranja", "negro",
                                                        "verde")))
    pick(rng, (_airliner, _light_plane, _biplane, _fighter), (4, 2.5, 2, 2))(rng, thing, paint, accent, flying)
    return thing


def _fuselage(thing, radius, nose, paint, belly, tail=0.35):
    """Cuerpo de x = −1 a x = nose, con la panza de otro color."""
    z = HEIGHT
    points = [(nose - radius * 0.8, 0, z - 0.02), (nose - 0.3, 0, z), (-0.35, 0, z), (-0.97, 0, z + 0.06)]
    radii = [radius * 0.72, radius, radius, radius * tail]
    for start, end, thick, thin in zip(points, points[1:], radii, radii[1:]):
        thing.limb(start, end, thick, "fuselaje", paint, thin / thick)
    thing.limb((nose - 0.28, 0, z - radius * 0.22), (-0.5, 0, z - radius * 0.2), radius * 0.86, "fuselaje", belly)


def _panel(thing, root, shape, part, paint, rise=0.06, thick=0.022):
    """Ala (o estabilizador) de la raíz a la punta; shape: envergadura (su signo es el lado), cuerda, flecha y punta."""
    span, chord, sweep, taper = shape
    matrix = np.array([[chord / 2, 0, 0], [0, 0, span / 2], [0, thick, abs(span) * rise]])
    center = np.asarray(root, float) + (0, span / 2, abs(span) * rise)
    thing.wedge(center, matrix, part, paint, taper=(taper, 0.6), shift=(-sweep / chord * 2, 0))


def _fin(thing, x, z, chord, tall, sweep, paint):
    matrix = np.array([[chord / 2, 0, 0], [0, 0.022, 0], [0, 0, tall / 2]])
    thing.wedge((x, 0, z + tall / 2), matrix, "timón", paint, taper=(0.5, 0.6), shift=(-sweep, 0))


def _gear(thing, spots, radius=0.075):
    for x, y in spots:
        thing.cone((x, y, radius), (x, y * 0.8, HEIGHT - 0.05), 0.025, "tren de aterrizaje", CHROME)
        thing.cone((x, y - 0.035, radius), (x, y + 0.035, radius), radius, "rueda", TIRE)


def _propeller(rng, thing, x, z=HEIGHT, size=0.34):
    thing.ellipsoid((x, 0, z), (0.09, 0.06, 0.06), "hélice", CHROME)
    turn = rotation("x", rng.uniform(0, 180))
    thing.box((x + 0.03, 0, z), (0.016, 0.04, size), "hélice", Paint("madera", (0.2, 0.11, 0.05)), turn)


def _airliner(rng, thing, paint, accent, flying):
    radius, z = rng.uniform(0.125, 0.15), HEIGHT
    _fuselage(thing, radius, 1.0, paint, Paint("metal", (0.8, 0.8, 0.8)) if chance(rng, 0.5) else paint)
    for side in SIDES:
        _panel(thing, (0.02, side * 0.08, z - 0.07), (side * rng.uniform(0.86, 0.98), 0.42, 0.42, 0.36), "ala",
               Paint("metal", (0.66, 0.67, 0.7)))
        _panel(thing, (-0.84, side * 0.03, z + 0.08), (side * 0.36, 0.24, 0.16, 0.5), "cola", accent)
        thing.cone((0.0, side * 0.38, z - 0.13), (0.3, side * 0.38, z - 0.13), 0.078, "motor", accent, 1.1)
        thing.cone((0.295, side * 0.38, z - 0.13), (0.305, side * 0.38, z - 0.13), 0.066, "motor", DARK)
        for x in np.linspace(-0.42, 0.6, 8):
            thing.ellipsoid((x, side * radius * 0.94, z + radius * 0.3), (0.034, 0.022, 0.034), "ventana", GLASS)
        thing.box((0.1, side * radius * 0.99, z - 0.015), (0.62, 0.012, 0.018), "franja", accent)
    thing.ellipsoid((0.83, 0, z + radius * 0.48), (0.1, radius * 0.62, 0.05), "parabrisas", GLASS)
    _fin(thing, -0.8, z + 0.06, 0.32, 0.42, 0.75, accent)
    if not flying:
        _gear(thing, ((0.72, 0.0), (-0.12, 0.2), (-0.12, -0.2)), 0.085)


def _light_plane(rng, thing, paint, accent, flying):
    radius, z, high = rng.uniform(0.14, 0.17), HEIGHT, chance(rng, 0.6)
    _fuselage(thing, radius, 0.86, paint, accent if chance(rng, 0.5) else paint, 0.3)
    thing.ellipsoid((0.28, 0, z + radius * 0.85), (0.34, radius * 0.82, radius * 0.75), "cabina", GLASS)
    thing.ellipsoid((0.2, 0, z + radius * 1.12), (0.3, radius * 0.75, radius * 0.6), "techo", paint)
    wing_z = z + radius * 1.55 if high else z - radius * 0.6
    for side in SIDES:
        _panel(thing, (0.2, 0 if high else side * 0.06, wing_z), (side * 0.95, 0.36, 0.03, 0.75), "ala", paint,
               0.02 if high else 0.06, 0.028)
        thing.box((0.19, side * 0.8, wing_z + 0.03), (0.165, 0.06, 0.032), "franja", accent) if high else None
        if high:
            thing.cone((0.2, side * 0.1, z - 0.06), (0.2, side * 0.55, wing_z), 0.018, "montante", CHROME)
        _panel(thing, (-0.88, side * 0.02, z + 0.07), (side * 0.36, 0.22, 0.05, 0.7), "cola", accent)
    _fin(thing, -0.88, z + 0.06, 0.27, 0.34, 0.45, accent)
    _propeller(rng, thing, 0.86)
    _gear(thing, ((0.66, 0.0), (0.1, 0.22), (0.1, -0.22)))


def _biplane(rng, thing, paint, accent, flying):
    radius, z = 0.15, HEIGHT
    _fuselage(thing, radius, 0.72, paint, paint, 0.3)
    thing.cone((0.56, 0, z), (0.74, 0, z), radius * 1.02, "motor", DARK, 0.9)
    wing = accent if chance(rng, 0.6) else Paint("tela", accent.color, "rayado", paint.color, 12.0)
    for side in SIDES:
        for height, x in ((-0.1, 0.16), (0.34, 0.26)):
            _panel(thing, (x, 0, z + height), (side * 0.86, 0.32, 0.02, 0.85), "ala", wing, 0.02, 0.026)
        for y in (0.3, 0.68):
            thing.cone((0.16, side * y, z - 0.08), (0.26, side * y, z + 0.36), 0.02, "montante",
                       Paint("madera", (0.3, 0.17, 0.07)))
        _panel(thing, (-0.88, side * 0.02, z + 0.07), (side * 0.34, 0.24, 0.05, 0.7), "cola", accent)
    thing.ellipsoid((-0.1, 0, z + radius * 0.95), (0.12, 0.09, 0.05), "cabina", DARK)
    thing.ellipsoid((0.02, 0, z + radius * 1.1), (0.025, 0.09, 0.075), "parabrisas", GLASS)
    _fin(thing, -0.88, z + 0.06, 0.27, 0.3, 0.35, accent)
    _propeller(rng, thing, 0.78)
    _gear(thing, ((0.32, 0.22), (0.32, -0.22)), 0.1)


def _fighter(rng, thing, paint, accent, flying):
    z = HEIGHT
    color = vary(rng, pick(rng, ((0.36, 0.38, 0.4), (0.2, 0.27, 0.14), (0.42, 0.34, 0.2), (0.25, 0.32, 0.42))))
    skin = Paint("metal", color, "manchado", shade(color, 0.5), 5.0) if chance(rng, 0.5) else Paint("metal", color)
    thing.limb((0.45, 0, z), (-0.8, 0, z), 0.13, "fuselaje", skin, 0.95)
    thing.cone((0.4, 0, z), (1.08, 0, z - 0.03), 0.13, "fuselaje", skin, 0.06)
    thing.ellipsoid((0.4, 0, z + 0.11), (0.26, 0.085, 0.1), "cabina", GLASS)
    thing.cone((-0.82, 0, z), (-1.0, 0, z), 0.12, "motor", DARK, 0.8, 0.6)
    for side in SIDES:
        _panel(thing, (-0.1, side * 0.08, z - 0.02), (side * 0.62, 0.85, 0.5, 0.2), "ala", skin, 0.0)
        _panel(thing, (-0.78, side * 0.08, z), (side * 0.36, 0.32, 0.18, 0.4), "cola", skin, 0.0)
        thing.box((0.1, side * 0.13, z - 0.03), (0.22, 0.055, 0.075), "motor", Paint("metal", shade(color, 0.7)))
        thing.cone((-0.4, side * 0.68, z - 0.02), (0.1, side * 0.68, z - 0.02), 0.028, "misil",
                   Paint("metal", (0.85, 0.85, 0.82)), 0.5)
        matrix = np.array([[0.16, 0, -0.1], [0, 0.016, side * 0.06], [0, 0, 0.17]])
        thing.wedge((-0.74, side * 0.13, z + 0.24), matrix, "timón", accent if chance(rng, 0.4) else skin,
                    taper=(0.5, 0.7))
    if not flying:
        _gear(thing, ((0.5, 0.0), (-0.3, 0.24), (-0.3, -0.24)), 0.08)


CLASSES = {"avión": plane}

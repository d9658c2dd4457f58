"""Bicicletas de varios cuadros, con o sin canasta, salpicaderas y manubrio de carreras."""
import numpy as np

from .palette import CHROME, DARK, SIDES, TIRE, chance, pick, vary, vehicle_color
from .shapes import Paint, Thing, rotation

CRANK = np.array([-0.1, 0, 0.33])


def bicycle(rng: np.random.Generator) -> Thing:
    """Bicicleta de carreras, de paseo, de montaña o de niño."""
    thing, paint = Thing("bicicleta"), Paint("metal", vehicle_color(rng))
    kind = pick(rng, ("carreras", "paseo", "montaña", "niño"), (3, 3, 3, 1))
    radius = {"carreras": 0.43, "paseo": 0.41, "montaña": 0.42, "niño": 0.34}[kind] + rng.uniform(-0.015, 0.015)
    tire = {"carreras": 0.03, "paseo": 0.04, "montaña": 0.05, "niño": 0.048}[kind]
    rubber = Paint("goma", (0.55, 0.42, 0.24)) if kind == "paseo" and chance(rng, 0.2) else TIRE
    steer = rotation("z", rng.uniform(-22, 22))
    for x in (-0.58, 0.58):
        _wheel(rng, thing, np.array([x, 0, radius]), radius, tire, rubber, steer if x > 0 else np.eye(3))
    _frame(rng, thing, paint, radius, kind)
    _handlebar(thing, steer, kind)
    _cranks(rng, thing)
    if kind == "paseo":
        _leisure(rng, thing, paint, radius, steer)
    return thing


def _wheel(rng, thing, hub, radius, tire, rubber, steer):
    across = steer @ np.array([0, 1.0, 0])
    for size, wide, part, paint, hole in ((radius, tire, "rueda", rubber, 1 - 1.7 * tire / radius),
                                          (radius * 0.9, tire * 0.7, "rin", CHROME, 0.93)):
        thing.cone(hub - across * wide, hub + across * wide, size, part, paint, 1.0, hole)
    thing.cone(hub - across * 0.06, hub + across * 0.06, 0.045, "rin", CHROME)
    start = rng.uniform(0, 1)
    for i in range(5):
        angle = start + i * np.pi / 5
        spoke = steer @ np.array([np.cos(angle), 0, np.sin(angle)]) * radius * 0.88
        thing.cone(hub - spoke, hub + spoke, 0.009, "rayo", CHROME)


def _frame(rng, thing, paint, radius, kind):
    small = kind == "niño"
    seat, head, low = np.array([-0.26, 0, 0.8]), np.array([0.4, 0, 0.84]), np.array([0.43, 0, 0.7])
    top = head if kind != "paseo" else np.array([0.44, 0, 0.64])
    thick = 0.042 if kind != "montaña" else 0.05
    rear, front = np.array([-0.58, 0, radius]), np.array([0.58, 0, radius])
    seat_top = seat if kind != "paseo" else CRANK + (seat - CRANK) * 0.55
    for start, end in ((CRANK, seat), (CRANK, low), (seat_top * (0.95 if small else 1), top)):
        thing.cone(start, end, thick, "cuadro", paint)
    for side in SIDES:
        y = np.array([0, side * 0.05, 0])
        thing.cone(rear + y, CRANK + y * 0.6, thick * 0.62, "cuadro", paint)
        thing.cone(rear + y, seat + y * 0.4, thick * 0.62, "cuadro", paint)
        thing.cone(front + y, low + y * 0.7 + (0, 0, 0.02), thick * 0.75, "horquilla", paint)
    thing.cone(low - (0, 0, 0.02), head + (-0.02, 0, 0.05), thick * 1.15, "cuadro", paint)
    thing.cone(seat, seat + (-0.02, 0, 0.1), thick * 0.7, "asiento", CHROME)
    leather = Paint("cuero", vary(rng, pick(rng, ((0.03, 0.03, 0.03), (0.03, 0.03, 0.03), (0.32, 0.15, 0.06)))))
    thing.ellipsoid(seat + (-0.07, 0, 0.13), (0.12, 0.1, 0.05), "asiento", leather)
    thing.ellipsoid(seat + (0.06, 0, 0.13), (0.13, 0.05, 0.035), "asiento", leather)


def _handlebar(thing, steer, kind):
    stem = np.array([0.37, 0, 0.9])
    place = lambda x, y, z: stem + steer @ np.array([x, y, z])                    # noqa: E731
    thing.cone(stem - (0, 0, 0.04), place(0.03, 0, 0.1), 0.032, "manubrio", CHROME)
    wide = 0.22 if kind == "carreras" else 0.29
    thing.cone(place(0.03, -wide, 0.1), place(0.03, wide, 0.1), 0.026, "manubrio", CHROME)
    for side in SIDES:
        if kind == "carreras":
            thing.cone(place(0.03, side * wide, 0.1), place(0.16, side * wide, 0.06), 0.032, "manubrio", DARK)
            thing.cone(place(0.16, side * wide, 0.06), place(0.12, side * wide, -0.07), 0.032, "manubrio", DARK)
        else:
            back = -0.2 if kind == "paseo" else -0.06
            thing.cone(place(0.03, side * wide, 0.1), place(back, side * (wide + 0.03), 0.13), 0.036, "manubrio", DARK)


def _cranks(rng, thing):
    thing.cone(CRANK - (0, 0.05, 0), CRANK - (0, 0.08, 0), 0.11, "plato", CHROME, 1.0, 0.55)
    thing.cone(CRANK - (0, 0.09, 0), CRANK + (0, 0.09, 0), 0.035, "plato", CHROME)
    angle = rng.uniform(0, 2 * np.pi)
    for side in SIDES:
        arm = side * np.array([np.cos(angle), 0, np.sin(angle)]) * 0.18
        start = CRANK + (0, side * 0.09, 0)
        thing.cone(start, start + arm, 0.022, "pedal", CHROME)
        thing.box(start + arm + (0, side * 0.06, 0), (0.065, 0.05, 0.024), "pedal", DARK)
    for z in (0.09, -0.09):
        thing.cone(CRANK + (0, -0.065, z), (-0.58, -0.065, CRANK[2] + 0.08 + z * 0.5), 0.012, "cadena", DARK)


def _leisure(rng, thing, paint, radius, steer):
    """Salpicaderas, canasta y parrilla de las bicicletas de paseo."""
    for x, angles in ((-0.58, (70, 105, 140, 175)), (0.58, (55, 85, 115))):
        for a in angles:
            spot = np.array([x + np.cos(np.deg2rad(a)) * (radius + 0.03), 0,
                             radius + np.sin(np.deg2rad(a)) * (radius + 0.03)])
            thing.box(spot, (0.14, 0.045, 0.012), "salpicadera", paint, rotation("y", 90 - a))
    if chance(rng, 0.6):
        weave = Paint("paja", (0.5, 0.32, 0.14), "trenzado", (0.28, 0.16, 0.06), 14.0)
        thing.box(np.array([0.37, 0, 0.95]) + steer @ np.array([0.25, 0, 0.0]), (0.12, 0.17, 0.1), "canasta", weave,
                  steer, taper=(1.15, 1.15))
    if chance(rng, 0.5):
        thing.box((-0.58, 0, 0.9), (0.2, 0.08, 0.018), "parrilla", CHROME)
        thing.cone((-0.7, 0, 0.89), (-0.6, 0, radius), 0.018, "parrilla", CHROME)


CLASSES = {"bicicleta": bicycle}

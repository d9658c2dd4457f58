"""Pájaros: volando o posados, con plumajes parecidos a los de aves conocidas."""
from typing import NamedTuple

import numpy as np

from .materials import COLORS
from .palette import BLACK_EYE, SIDES, chance, shade, vary
from .quadruped import Joint, chain
from .shapes import Paint, Thing, Vector, rotation

WHITE, BLACK, YELLOW = (0.86, 0.85, 0.82), (0.03, 0.03, 0.035), (0.88, 0.66, 0.06)
ORANGE, GREY, BROWN = (0.85, 0.36, 0.04), (0.36, 0.38, 0.42), (0.30, 0.17, 0.08)
RED, BLUE, GREEN, PINK = (0.70, 0.06, 0.05), (0.07, 0.20, 0.62), (0.12, 0.45, 0.08), (0.88, 0.42, 0.45)
# cuerpo, pecho, ala, punta del ala, cabeza, pico, pata
SPECIES = ((RED, RED, (0.45, 0.04, 0.04), (0.2, 0.02, 0.02), RED, ORANGE, BROWN),            # cardenal
           (BLUE, WHITE, (0.12, 0.32, 0.72), BLACK, BLUE, BLACK, BLACK),                      # azulejo
           (YELLOW, YELLOW, (0.70, 0.52, 0.05), BLACK, YELLOW, ORANGE, ORANGE),               # canario
           (BLACK, BLACK, (0.05, 0.05, 0.07), BLACK, BLACK, (0.10, 0.10, 0.10), BLACK),       # cuervo
           (GREY, (0.50, 0.50, 0.55), GREY, BLACK, (0.25, 0.30, 0.42), (0.25, 0.22, 0.2), PINK),   # paloma
           (BROWN, (0.70, 0.62, 0.50), (0.22, 0.12, 0.06), (0.10, 0.06, 0.04), BROWN, YELLOW, BROWN),   # gorrión
           (BROWN, ORANGE, (0.22, 0.13, 0.08), (0.1, 0.07, 0.05), (0.20, 0.11, 0.06), YELLOW, BROWN),   # petirrojo
           (WHITE, WHITE, (0.55, 0.58, 0.62), BLACK, WHITE, YELLOW, YELLOW),                  # gaviota
           (GREEN, YELLOW, GREEN, (0.08, 0.25, 0.6), (0.75, 0.10, 0.05), (0.85, 0.78, 0.6), GREY),      # perico
           (PINK, PINK, (0.85, 0.30, 0.34), BLACK, PINK, (0.12, 0.1, 0.1), PINK))             # flamenco
FLAMINGO, HERONS = len(SPECIES) - 1, (4, 7)


class Plumage(NamedTuple):
    """Pinturas de un pájaro."""
    body: Paint
    breast: Paint
    wing: Paint
    tip: Paint
    head: Paint
    beak: Paint
    leg: Paint


class Shape(NamedTuple):
    """Medidas de un pájaro: grueso, cuello, pata, cola, cabeza, largo del pico y si tiene copete."""
    girth: float
    neck: float
    leg: float
    tail: float
    head: float
    beak: float
    crest: bool


def bird(rng: np.random.Generator, flying: bool | None = None) -> Thing:
    """Pájaro posado o volando (`flying`; None: al azar)."""
    kind = rng.integers(len(SPECIES))
    plumage, wader = _plumage(rng, SPECIES[kind]), kind == FLAMINGO or kind in HERONS and chance(rng, 0.4)
    shape = Shape(rng.uniform(0.2, 0.26), rng.uniform(0.42, 0.55) if wader else rng.uniform(0.02, 0.12),
                  0.62 if wader else 0.3,
                  0.25 if wader else rng.uniform(0.32, 0.6), 0.13 if wader else rng.uniform(0.16, 0.2),
                  rng.uniform(0.16, 0.3), kind in (0, 1) and not wader)
    thing = Thing("pájaro", blend=0.06)
    flying = chance(rng, 0.5) if flying is None else flying
    return (_flying if flying else _perched)(rng, thing, plumage, shape)


def _plumage(rng: np.random.Generator, colors: tuple[Vector, ...]) -> Plumage:
    body, breast, wing, tip, head, beak, leg = (vary(rng, c, 0.1) for c in colors)
    chest, back = Paint("plumas", breast), Paint("plumas", wing)
    if chance(rng, 0.25):
        chest = Paint("plumas", breast, "manchado", shade(breast, 0.45), 9.0)
    elif chance(rng, 0.2):
        back = Paint("plumas", wing, "escamoso", shade(wing, 0.45 if np.mean(wing) > 0.1 else 2.5), 9.0)
    elif chance(rng, 0.25):
        back = Paint("plumas", wing, "rayado", shade(wing, 0.4) if np.mean(wing) > 0.1 else COLORS["blanco"], 14.0)
    return Plumage(Paint("plumas", body), chest, back, Paint("plumas", tip), Paint("plumas", head),
                   Paint("hueso", beak), Paint("piel", leg))


def _perched(rng, thing, plumage, shape):
    tilt = rotation("y", -rng.uniform(18, 42))
    middle = Joint(np.array([0, 0, shape.leg + shape.girth + 0.04]), tilt)
    _trunk(thing, middle, plumage, shape)
    neck = middle.at(0.36, 0, 0.08)
    head = neck + (0.1 + shape.neck * 0.25, 0, 0.12 + shape.neck)
    _head(rng, thing, neck, head, plumage, shape)
    _tail(thing, middle, plumage, shape, 0.06)
    for side in SIDES:
        _folded_wing(thing, middle, side, plumage, shape)
        _leg(thing, side, plumage, shape)
    return thing


def _trunk(thing, middle, plumage, shape):
    thing.ellipsoid(middle.center, (0.46, shape.girth, shape.girth * 1.02), "torso", plumage.body, middle.turn,
                    soft=True)
    thing.ellipsoid(middle.at(0.12, 0, -shape.girth * 0.3), (0.33, shape.girth * 0.86, shape.girth * 0.8), "pecho",
                    plumage.breast,
                    middle.turn, soft=True)
    thing.limb(middle.at(-0.3, 0, 0.04), middle.at(-0.58, 0, 0.05), 0.13, "torso", plumage.body, 0.5)


def _head(rng, thing, neck, center, plumage, shape):
    s, turn = shape.head, rotation("z", rng.uniform(-45, 45))
    bend = (neck + center) / 2 + np.array([shape.neck * 0.28, 0, -0.02])
    thick, paint = (s * 0.7, plumage.head) if shape.neck < 0.2 else (0.07, plumage.body)
    chain(thing, [neck, bend, center], [0.15 - 0.14 * shape.neck, 0.12 - 0.1 * shape.neck, thick], "cuello", paint)
    head = Joint(np.asarray(center), turn)
    thing.ellipsoid(center, (s * 1.05, s, s * 0.96), "cabeza", plumage.head, turn, soft=True)
    for z, thick, length in ((-0.02, 0.4, 1.0), (-0.3, 0.27, 0.75)):
        thing.cone(head.at(s * 0.75, 0, s * z), head.at(s * 0.9 + shape.beak * length, 0, s * (z - 0.25)), s * thick,
                   "pico", plumage.beak, 0.08)
    for side in SIDES:
        thing.ellipsoid(head.at(s * 0.58, side * s * 0.72, s * 0.26), s * 0.29, "ojo",
                        Paint("vidrio", (0.85, 0.82, 0.7)), turn)
        thing.ellipsoid(head.at(s * 0.68, side * s * 0.8, s * 0.27), s * 0.21, "ojo", BLACK_EYE, turn)
    if shape.crest:
        lean = turn @ rotation("y", -35)
        thing.box(head.at(-s * 0.25, 0, s * 1.15), (s * 0.42, s * 0.16, s * 0.5), "cresta", plumage.head, lean,
                  taper=(0.15, 0.3), shift=(-0.5, 0))


def _feather(thing, root, direction, normal, size, part, paint):
    """Pluma: elipsoide plano que sale de `root` hacia `direction`; size: (largo, ancho)."""
    along = np.asarray(direction, float) / np.linalg.norm(direction)
    normal = normal - along * (normal @ along)
    normal /= np.linalg.norm(normal)
    turn = np.stack([along, np.cross(normal, along), normal], 1)
    thing.ellipsoid(root + along * size[0] * 0.45, (size[0] / 2, size[1] / 2, 0.02), part, paint, turn)


def _tail(thing, middle, plumage, shape, drop):
    for i, spread in enumerate((-26, 26, -13, 13, 0)):
        direction = middle.turn @ rotation("z", spread) @ np.array([-1.0, 0, drop - 0.03])
        paint = plumage.tip if i < 2 else plumage.wing
        _feather(thing, middle.at(-0.5, 0, 0.06 + 0.004 * i), direction, middle.turn[:, 2], (shape.tail * 1.15, 0.15),
                 "cola", paint)


def _folded_wing(thing, middle, side, plumage, shape):
    tuck = middle.turn @ rotation("z", side * 7) @ rotation("x", -side * 12)
    thing.ellipsoid(middle.at(-0.02, side * shape.girth * 0.86, 0.05), (0.32, 0.07, shape.girth * 0.72), "ala",
                    plumage.wing, tuck)
    for i in range(3):
        thing.ellipsoid(middle.at(-0.34 - 0.05 * i, side * (shape.girth * 0.74 - 0.02 * i), 0.0 + 0.05 * i),
                        (0.27, 0.035, 0.062), "ala",
                        plumage.tip, tuck)


def _leg(thing, side, plumage, shape):
    y, thick = side * shape.girth * 0.5, 0.03
    knee = (-0.03, y, shape.leg * 0.5)
    thing.limb((0, y, shape.leg + 0.12), (0, y, shape.leg + 0.02), 0.075, "pata", plumage.body, 0.7)
    thing.cone((0, y, shape.leg + 0.1), knee, thick, "pata", plumage.leg)
    thing.cone(knee, (0.02, y, 0.02), thick, "pata", plumage.leg)
    for spread in (-32, 0, 32, 180):
        d = rotation("z", spread) @ np.array([0.14 if spread != 180 else 0.1, 0, 0])
        thing.cone((0.02, y, 0.03), (0.02 + d[0], y + d[1], 0.018), thick * 0.9, "pata", plumage.leg, 0.6)


def _flying(rng, thing, plumage, shape):
    middle = Joint(np.array([0, 0, 0.55]), rotation("y", -rng.uniform(-4, 16)))
    _trunk(thing, middle, plumage, shape)
    neck = middle.at(0.36, 0, 0.06)
    _head(rng, thing, neck, neck + (0.14 + shape.neck * 0.85, 0, 0.07 + shape.neck * 0.2), plumage, shape)
    _tail(thing, middle, plumage, shape, 0.0)
    flap, bend = rng.uniform(-15, 62), rng.uniform(-30, 12)
    size = rng.uniform(1.1, 1.4)
    for side in SIDES:
        _open_wing(thing, middle, side, plumage, (flap, flap + bend), size)
        if shape.leg > 0.5:
            thing.cone(middle.at(-0.3, side * 0.06, -0.14), middle.at(-0.95, side * 0.05, -0.12), 0.028, "pata",
                       plumage.leg)
    return thing


def _open_wing(thing, middle, side, plumage, angles, size):
    root = middle.at(0.14, side * 0.12, 0.1)
    inner, outer = (np.array([x, side * np.cos(a), np.sin(a)]) for x, a in zip((0.08, -0.16), np.deg2rad(angles)))
    wrist = root + inner * 0.38 * size
    up = np.cross([1.0, 0, 0], inner) * side
    chain_ends = ((root, wrist, 0.1), (wrist, wrist + outer * 0.26 * size, 0.085))
    for start, end, thick in chain_ends:
        along = (end - start) / np.linalg.norm(end - start)
        normal = up - along * (up @ along)
        normal /= np.linalg.norm(normal)
        turn = np.stack([np.cross(along, normal), along, normal], 1)
        thing.ellipsoid((start + end) / 2 - (0.04, 0, 0), (thick * 1.3, np.linalg.norm(end - start) * 0.68, 0.04),
                        "ala", plumage.wing, turn)
    for i in range(4):
        _feather(thing, root + inner * size * (0.06 + 0.1 * i), (-1, 0, 0) + inner * 0.12 * i, up, (0.36 * size, 0.17),
                 "ala", plumage.wing)
    normal = np.cross([1.0, 0, 0], outer) * side
    for i in range(5):
        direction = np.array([-1.0, 0, 0]) * np.cos(i * 0.32) + outer * np.sin(0.3 + i * 0.32)
        _feather(thing, wrist + outer * 0.045 * i, direction, normal, ((0.38 + 0.055 * i) * size, 0.13), "ala",
                 plumage.tip)


CLASSES = {"pájaro": bird}

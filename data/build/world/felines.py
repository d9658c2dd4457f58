"""Gato y jaguar: el mismo cuerpo; al jaguar lo distinguen las rosetas, el peso y las orejas redondas."""
import numpy as np

from .palette import SIDES, chance, pick, shade, vary
from .quadruped import Build, Coat, Joint, aim, body, eyes, plain_coat, random_pose, tail
from .shapes import Paint, Thing, rotation

WHITE = (0.86, 0.84, 0.80)
PINK = Paint("piel", (0.80, 0.42, 0.42))
CAT_EYES = ((0.70, 0.72, 0.10), (0.25, 0.62, 0.18), (0.90, 0.55, 0.08), (0.25, 0.50, 0.75))
TABBIES = ((0.80, 0.38, 0.10), (0.36, 0.33, 0.30), (0.42, 0.27, 0.14), (0.62, 0.58, 0.52))
PLAINS = ((0.035, 0.033, 0.035), (0.86, 0.84, 0.80), (0.30, 0.31, 0.34), (0.78, 0.60, 0.40), (0.82, 0.42, 0.14))


def cat(rng: np.random.Generator) -> Thing:
    """Gato atigrado, liso, de dos colores, pinto o siamés; parado, sentado o echado."""
    build = Build(rng.uniform(0.7, 0.84), rng.uniform(0.54, 0.62), rng.uniform(0.15, 0.185), rng.uniform(0.058, 0.068),
                  rng.uniform(0.21, 0.24), "zarpa")
    return _feline(rng, Thing("gato", blend=0.07), build, _cat_coat(rng))


def jaguar(rng: np.random.Generator) -> Thing:
    """Jaguar: cuerpo de gato más pesado, amarillo leonado y con rosetas."""
    build = Build(rng.uniform(0.88, 1.02), rng.uniform(0.56, 0.63), rng.uniform(0.2, 0.235), rng.uniform(0.08, 0.094),
                  rng.uniform(0.205, 0.225), "zarpa")
    tawny = vary(rng, pick(rng, ((0.78, 0.46, 0.14), (0.70, 0.44, 0.18), (0.80, 0.54, 0.24))), 0.08)
    fur = Paint("pelo", tawny, "rosetas", (0.04, 0.025, 0.015), float(rng.uniform(5.0, 6.5)))
    pale = Paint("pelo", (0.82, 0.72, 0.56), "rosetas", (0.05, 0.035, 0.02), fur.scale)
    coat = Coat(fur, pale, fur, Paint("pelo", WHITE), Paint("pelo", (0.05, 0.035, 0.03)),
                Paint("pelo", shade(tawny, 0.5)),
                (0.85, 0.68, 0.15))
    return _feline(rng, Thing("jaguar", blend=0.08), build, coat)


def _cat_coat(rng):
    eye, kind = pick(rng, CAT_EYES), pick(rng, ("atigrado", "liso", "bicolor", "pinto", "siamés"), (6, 3, 3, 1.5, 1))
    white = Paint("pelo", vary(rng, WHITE, 0.03))
    if kind == "atigrado":
        color = vary(rng, pick(rng, TABBIES))
        fur = Paint("pelo", color, "rayado", shade(color, 0.25), float(rng.uniform(11, 15)))
        light = Paint("pelo", shade(color, 1.5)) if chance(rng, 0.5) else white
        return Coat(fur, light, light if chance(rng, 0.4) else fur, light, Paint("pelo", shade(color, 0.25)), fur, eye)
    if kind == "liso":
        return plain_coat(Paint("pelo", vary(rng, pick(rng, PLAINS))), eye)
    if kind == "bicolor":
        fur = Paint("pelo", vary(rng, pick(rng, (PLAINS[0], PLAINS[0], PLAINS[2], PLAINS[4]))))
        return Coat(fur, white, white, white, pick(rng, (white, fur)), fur, eye)
    if kind == "pinto":
        fur = Paint("pelo", white.color, "manchado", vary(rng, pick(rng, (PLAINS[0], PLAINS[4], TABBIES[2]))), 2.2)
        return Coat(fur, white, white, white, fur, fur, eye)
    dark = Paint("pelo", (0.09, 0.055, 0.04))
    cream = Paint("pelo", vary(rng, (0.74, 0.62, 0.48), 0.06))
    return Coat(cream, cream, dark, dark, dark, dark, (0.15, 0.45, 0.85))


def _feline(rng, thing, build, coat):
    pose = random_pose(rng)
    neck, rump = body(thing, rng, build, coat, pose)
    reach = {"parado": (0.17, 0.17), "sentado": (0.06, 0.2), "echado": (0.12, 0.15)}[pose]
    low = rng.uniform(-0.12, 0.04) if pose == "parado" else 0.0
    head = aim(rng, neck + (reach[0], 0, reach[1] + low), 55)
    thing.limb(neck - (0.06, 0, 0.06), head.center, build.girth * 0.82, "cuello", coat.body,
               build.head * 0.72 / build.girth)
    chest = neck + (build.girth * 0.55, 0, -build.girth * 0.55)
    thing.limb(chest, head.center + (0.02, 0, -build.head * 0.5), build.girth * 0.5, "cuello", coat.belly)
    _face(thing, head, build.head, coat, round_ears=thing.name == "jaguar")
    tail(thing, _tail_points(rng, rump, pose), build.leg * 0.8, coat)
    return thing


def _face(thing: Thing, head: Joint, s: float, coat: Coat, round_ears: bool) -> None:
    thing.ellipsoid(head.center, (s, s * 1.08, s * 0.94), "cabeza", coat.body, head.turn, soft=True)
    for side in SIDES:
        thing.ellipsoid(head.at(s * 0.82, side * s * 0.3, -s * 0.38), (s * 0.42, s * 0.4, s * 0.34), "hocico",
                        coat.muzzle,
                        head.turn, soft=True)
        _ear(thing, head, s, side, coat, round_ears)
    thing.ellipsoid(head.at(s * 0.9, 0, -s * 0.62), (s * 0.25, s * 0.3, s * 0.2), "hocico", coat.muzzle, head.turn,
                    soft=True)
    thing.ellipsoid(head.at(s * 1.24, 0, -s * 0.2), (s * 0.12, s * 0.17, s * 0.13), "nariz", PINK, head.turn)
    eyes(thing, head, (s * 0.86, s * 0.42, s * 0.14), s * 0.23, coat.eye, 0.35)


def _ear(thing, head, s, side, coat, rounded):
    if rounded:
        thing.ellipsoid(head.at(-s * 0.1, side * s * 0.78, s * 0.8), (s * 0.2, s * 0.36, s * 0.36), "oreja", coat.ears,
                        head.turn)
        thing.ellipsoid(head.at(s * 0.08, side * s * 0.78, s * 0.8), (s * 0.08, s * 0.2, s * 0.22), "oreja", PINK,
                        head.turn)
        return
    up = head.turn @ rotation("x", -side * 18)
    for forward, size, paint in ((0, 1.0, coat.ears), (s * 0.13, 0.62, PINK)):
        center = head.at(-s * 0.05 + forward, side * s * 0.66, s * (0.72 + 0.38 * size))
        thing.box(center, (s * 0.16 * size, s * 0.42 * size, s * 0.52 * size), "oreja", paint, up, taper=(0.2, 0.05))


def _tail_points(rng, rump, pose):
    bend = rng.uniform(-0.2, 0.2)
    if pose == "parado":
        shapes = ([(0, 0, 0), (-0.2, 0.05, -0.02), (-0.34, 0.1, 0.14), (-0.36, 0.1, 0.4), (-0.24, 0.08, 0.58)],
                  [(0, 0, 0), (-0.2, 0, -0.12), (-0.32, 0, -0.28), (-0.5, 0, -0.32), (-0.66, 0, -0.22)],
                  [(0, 0, 0), (-0.06, 0, 0.2), (-0.08, 0, 0.42), (-0.06, 0, 0.6), (0.06, 0, 0.7)])
        return [rump + (0.1, 0, 0)] + [rump + (x, y + bend * -x, z) for x, y, z in pick(rng, shapes)[1:]]
    side = pick(rng, SIDES)
    curl = [(0.1, 0, 0.0), (-0.14, 0.1, 0), (-0.14, 0.34, 0), (0.06, 0.48, 0), (0.3, 0.46, 0)]
    return [np.array([rump[0] + x, side * y, 0.075]) for x, y, _ in curl]


CLASSES = {"gato": cat, "jaguar": jaguar}

"""Perro, husky y lobo. Los dos últimos son casi gemelos: cambian los ojos, la máscara, la cola y el hocico."""
import numpy as np

from .palette import SIDES, chance, named, pick, shade, vary
from .quadruped import Build, Coat, Joint, aim, body, chain, eyes, plain_coat, random_pose, tail
from .shapes import Paint, Thing, rotation

WHITE = (0.87, 0.85, 0.81)
NOSE = Paint("goma", (0.02, 0.02, 0.022))
TONGUE = Paint("piel", (0.80, 0.26, 0.30))
DOG_COLORS = ((0.34, 0.17, 0.07), (0.035, 0.03, 0.03), (0.66, 0.42, 0.18), (0.80, 0.66, 0.44), (0.48, 0.22, 0.08),
              (0.30, 0.29, 0.28))
BROWN_EYE, BLUE_EYE, AMBER_EYE = (0.10, 0.05, 0.02), (0.25, 0.60, 0.95), (0.90, 0.52, 0.06)


def dog(rng: np.random.Generator) -> Thing:
    """Perro de cuerpo, hocico, orejas y pelaje variados; parado, sentado o echado; a veces con collar y lengua."""
    build = Build(rng.uniform(0.68, 0.9), rng.uniform(0.5, 0.76), rng.uniform(0.155, 0.205), rng.uniform(0.065, 0.085),
                  rng.uniform(0.185, 0.21))
    thing, coat, pose = Thing("perro", blend=0.07), _dog_coat(rng), random_pose(rng)
    head, rump = _frame(rng, thing, build, coat, pose)
    _muzzle(thing, head, build.head, coat, rng.uniform(0.75, 1.25), rng.uniform(0.46, 0.6), chance(rng, 0.4))
    ears = _floppy_ears if chance(rng, 0.7) else _pricked_ears
    ears(thing, head, build.head, coat)
    eyes(thing, head, (build.head * 0.82, build.head * 0.42, build.head * 0.25), build.head * 0.2, coat.eye, 0.7)
    _wagging(rng, thing, rump, build, coat, pose)
    if chance(rng, 0.4):
        _collar(rng, thing, head, build)
    return thing


def husky(rng: np.random.Generator) -> Thing:
    """Husky: máscara blanca, ojos azules, cola enroscada sobre el lomo."""
    dark = vary(rng, pick(rng, ((0.05, 0.05, 0.055), (0.30, 0.31, 0.33), (0.16, 0.16, 0.18))))
    fur, white = Paint("pelo", dark), Paint("pelo", vary(rng, WHITE, 0.03))
    coat = Coat(fur, white, white, white, white, fur, BLUE_EYE)
    thing, build, head, rump = _wild(rng, Thing("husky", blend=0.08), coat, 0.95)
    _mask(thing, head, build.head, white)
    turns = np.deg2rad(np.linspace(-60, 190, 6))
    curl = [rump + (0.12 + 0.02 - 0.19 * np.cos(a), 0.05, 0.2 + 0.19 * np.sin(a)) for a in turns]
    tail(thing, [rump + (0.1, 0, -0.03)] + curl, build.leg * 1.15, coat, 1.05)
    return thing


def wolf(rng: np.random.Generator) -> Thing:
    """Lobo: pardo gris, ojos ámbar, hocico largo, cola recta hacia abajo."""
    grey = vary(rng, pick(rng, ((0.30, 0.25, 0.19), (0.26, 0.24, 0.22), (0.36, 0.28, 0.19))), 0.1)
    fur = Paint("pelo", grey, "manchado", shade(grey, 0.62), 3.0)
    light, tip = Paint("pelo", shade(grey, 1.7)), Paint("pelo", shade(grey, 0.4))
    coat = Coat(fur, light, Paint("pelo", shade(grey, 1.25)), light, tip, Paint("pelo", shade(grey, 0.7)), AMBER_EYE)
    thing, build, head, rump = _wild(rng, Thing("lobo", blend=0.08), coat, 1.3)
    lean, low = rng.uniform(-0.08, 0.08), min(0.3, rump[2] - 0.1)
    points = [rump + (0.1, 0, 0), rump + (-0.08, lean, -low * 0.25), rump + (-0.2, lean, -low * 0.65),
              rump + (-0.28, lean, -low)]
    tail(thing, points, build.leg * 1.15, coat, 0.8)
    return thing


def _wild(rng, thing, coat, muzzle):
    """Lo que comparten husky y lobo: cuerpo, hocico, orejas paradas y ojos."""
    build = Build(rng.uniform(0.8, 0.9), rng.uniform(0.58, 0.66), rng.uniform(0.185, 0.21), rng.uniform(0.07, 0.08),
                  0.2)
    head, rump = _frame(rng, thing, build, coat, pick(rng, ("parado", "sentado", "echado"), (6, 3, 1)))
    _muzzle(thing, head, build.head, coat, muzzle, 0.5, chance(rng, 0.25))
    _pricked_ears(thing, head, build.head, coat)
    eyes(thing, head, (build.head * 0.82, build.head * 0.42, build.head * 0.22), build.head * 0.21, coat.eye, 0.45)
    return thing, build, head, rump


def _dog_coat(rng):
    kind = pick(rng, ("liso", "manchado", "dálmata", "fuego", "calzado"), (4, 3, 1.2, 2, 2))
    color, white = vary(rng, pick(rng, DOG_COLORS)), Paint("pelo", vary(rng, WHITE, 0.04))
    fur = Paint("pelo", color)
    if kind == "liso":
        return plain_coat(fur, BROWN_EYE)
    if kind == "manchado":
        spots = Paint("pelo", white.color, "manchado", color, float(rng.uniform(1.8, 3)))
        return Coat(spots, white, white, white, spots, fur, BROWN_EYE)
    if kind == "dálmata":
        spots = Paint("pelo", white.color, "punteado", (0.035, 0.03, 0.03), float(rng.uniform(6, 8)))
        return Coat(spots, spots, spots, white, spots, Paint("pelo", (0.035, 0.03, 0.03)), BROWN_EYE)
    if kind == "fuego":
        black, tan = Paint("pelo", (0.035, 0.03, 0.03)), Paint("pelo", vary(rng, (0.52, 0.25, 0.08)))
        return Coat(black, tan, tan, tan, black, black, BROWN_EYE)
    return Coat(fur, white, white, white, white, Paint("pelo", shade(color, 0.6)), BROWN_EYE)


def _frame(rng, thing, build, coat, pose):
    """Cuerpo y cráneo; devuelve la articulación de la cabeza y dónde empieza la cola."""
    neck, rump = body(thing, rng, build, coat, pose)
    x, z = {"parado": (0.16, 0.24), "sentado": (0.08, 0.24), "echado": (0.12, 0.22)}[pose]
    head = aim(rng, neck + (x, 0, z + rng.uniform(-0.1, 0.03)), 50)
    s = build.head
    thing.limb(neck - (0.06, 0, 0.08), head.center - (0.03, 0, 0.02), build.girth * 0.85, "cuello", coat.body, 0.85)
    thing.limb(neck + (build.girth * 0.5, 0, -build.girth * 0.5), head.center - (-0.02, 0, s * 0.5), build.girth * 0.5,
               "cuello", coat.belly)
    thing.ellipsoid(head.center, (s * 1.02, s * 0.95, s * 0.92), "cabeza", coat.body, head.turn, soft=True)
    return head, rump


def _muzzle(thing: Thing, head: Joint, s: float, coat: Coat, length: float, thick: float, tongue: bool) -> None:
    tip = s * (0.9 + 0.75 * length)
    chain(thing, [head.at(s * 0.45, 0, -s * 0.22), head.at(tip, 0, -s * 0.36)], [s * thick * 1.15, s * thick * 0.8],
          "hocico", coat.muzzle)
    thing.ellipsoid(head.at(tip + s * thick * 0.65, 0, -s * 0.12), (s * 0.2, s * 0.25, s * 0.2), "nariz", NOSE,
                    head.turn)
    thing.limb(head.at(s * 0.4, 0, -s * 0.62), head.at(tip - s * 0.25, 0, -s * 0.72), s * 0.26, "hocico", coat.muzzle,
               0.8)
    if tongue:
        turn = head.turn @ rotation("y", 55)
        thing.ellipsoid(head.at(tip - s * 0.05, 0, -s * 1.02), (s * 0.42, s * 0.22, s * 0.09), "lengua", TONGUE, turn)


def _floppy_ears(thing, head, s, coat):
    for side in SIDES:
        turn = head.turn @ rotation("x", side * 14)
        thing.ellipsoid(head.at(-s * 0.12, side * s * 1.0, -s * 0.12), (s * 0.48, s * 0.2, s * 0.95), "oreja",
                        coat.ears, turn)


def _pricked_ears(thing, head, s, coat):
    for side in SIDES:
        turn = head.turn @ rotation("x", -side * 14)
        thing.box(head.at(-s * 0.2, side * s * 0.55, s * 1.12), (s * 0.24, s * 0.36, s * 0.52), "oreja", coat.ears,
                  turn, taper=(0.3, 0.05))
        thing.box(head.at(-s * 0.02, side * s * 0.55, s * 1.02), (s * 0.15, s * 0.22, s * 0.34), "oreja",
                  Paint("piel", (0.6, 0.38, 0.34)), turn, taper=(0.3, 0.05))


def _mask(thing, head, s, white):
    """La cara blanca del husky: mejillas y dos cejas."""
    for side in SIDES:
        thing.ellipsoid(head.at(s * 0.42, side * s * 0.6, -s * 0.3), (s * 0.55, s * 0.42, s * 0.5), "cabeza", white,
                        head.turn, soft=True)
        thing.ellipsoid(head.at(s * 0.72, side * s * 0.36, s * 0.52), (s * 0.24, s * 0.2, s * 0.14), "cabeza", white,
                        head.turn)


def _wagging(rng, thing, rump, build, coat, pose):
    lean, rise = rng.uniform(-0.18, 0.18), rng.uniform(-0.25, 0.5)
    if pose != "parado":
        rise = rng.uniform(0.0, 0.2)
    points = [rump + (0.1, 0, 0), rump + (-0.06, lean * 0.2, rise * 0.15), rump + (-0.2, lean * 0.6, rise * 0.6),
              rump + (-0.28, lean, rise)]
    tail(thing, points, build.leg * 0.85, coat, rng.uniform(0.4, 0.9))


def _collar(rng, thing, head, build):
    paint = Paint(pick(rng, ("tela", "cuero")), named(rng, ("rojo", "azul", "verde", "rojo", "amarillo")))
    low, high = head.center - (0.09, 0, build.head * 1.02), head.center - (0.06, 0, build.head * 0.78)
    thing.cone(low, high, build.girth * 1.02, "collar", paint, 0.97)


CLASSES = {"perro": dog}
TWINS = {"husky": husky, "lobo": wolf}

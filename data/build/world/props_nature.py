"""Accesorios del campo, el bosque, el desierto y el mar: plantas, piedras y lo que hay entre ellas."""
import numpy as np

from .palette import BLACK_EYE, SIDES, chance, leaf, named, pick, shade, vary, wood
from .quadruped import chain
from .shapes import Paint, Thing, rotation

GREENS = ((0.11, 0.34, 0.06), (0.17, 0.40, 0.07), (0.07, 0.26, 0.08), (0.30, 0.38, 0.06))
AUTUMN = ((0.62, 0.25, 0.04), (0.70, 0.45, 0.06), (0.48, 0.10, 0.05))


def _bark(rng):
    return wood(rng, 5.0)


def tree(rng: np.random.Generator) -> Thing:
    """Árbol de copa redonda, a veces de otoño o con frutos."""
    thing, tall = Thing("árbol", blend=0.07), rng.uniform(0.7, 1.1)
    crown = leaf(rng, pick(rng, AUTUMN) if chance(rng, 0.2) else pick(rng, GREENS), 4.0)
    trunk = _bark(rng)
    thing.cone((0, 0, -0.05), (rng.uniform(-0.08, 0.08), 0, tall + 0.2), 0.13, "tronco", trunk, 0.65)
    for side in SIDES:
        thing.cone((0, 0, tall * 0.7), (0.1, side * 0.35, tall + 0.25), 0.06, "rama", trunk, 0.6)
    spots = [rng.normal(size=3) * (0.3, 0.3, 0.18) + (0, 0, tall + 0.5) for _ in range(7)]
    for spot in spots:
        thing.ellipsoid(spot, rng.uniform(0.3, 0.5, 3) * (1, 1, 0.85), "copa", crown, soft=True)
    if chance(rng, 0.2):
        fruit = Paint("plástico", named(rng, ("rojo", "naranja", "amarillo")))
        for _ in range(14):
            out = rng.normal(size=3) * (1, 1, 0.7)
            thing.ellipsoid(pick(rng, spots) + out / np.linalg.norm(out) * 0.46, 0.075, "fruto", fruit)
    return thing


def pine(rng: np.random.Generator) -> Thing:
    """Pino de tres a cinco pisos, a veces nevado."""
    thing, needles = Thing("pino"), leaf(rng, (0.05, 0.20, 0.07), 6.0)
    snow, floors = Paint("nieve", (0.88, 0.9, 0.93)), int(rng.integers(3, 6))
    white = chance(rng, 0.25)
    thing.cone((0, 0, -0.05), (0, 0, 0.6), 0.12, "tronco", _bark(rng), 0.8)
    for i in range(floors):
        z, wide = 0.35 + 1.5 * i / floors, 0.62 - 0.4 * i / floors
        thing.cone((0, 0, z), (0, 0, z + 0.75), wide, "copa", needles, 0.04)
        if white:
            thing.cone((0, 0, z + 0.27), (0, 0, z + 0.78), wide * 0.66, "nieve", snow, 0.04)
    return thing


def palm(rng: np.random.Generator) -> Thing:
    """Palmera de tronco curvo, con cocos."""
    thing, fronds, bend = Thing("palmera", blend=0.05), leaf(rng, (0.12, 0.38, 0.08), 9.0), rng.uniform(-0.35, 0.35)
    bark = Paint("madera", vary(rng, (0.38, 0.26, 0.14)), "acanalado", (0.2, 0.12, 0.06), 7.0)
    points = [np.array([bend * t * t, 0, 1.6 * t]) for t in np.linspace(0, 1, 5)]
    for start, end, thick in zip(points, points[1:], (0.12, 0.105, 0.095, 0.085)):
        thing.cone(start, end, thick, "tronco", bark, 0.9)
    for i in range(9):
        way = rotation("z", i * 40 + rng.uniform(-12, 12)) @ np.array([1.0, 0, 0])
        middle = points[-1] + way * 0.36 + (0, 0, 0.16)
        for start, end, width in ((points[-1], middle, 0.1), (middle, points[-1] + way * 0.75 - (0, 0, 0.18), 0.085)):
            _blade(thing, start, end, width, "palma", fronds)
    for i in range(3):
        thing.ellipsoid(points[-1] + rotation("z", 120 * i) @ np.array([0.12, 0, -0.1]), 0.085, "coco",
                        Paint("madera", (0.2, 0.11, 0.05)))
    return thing


def _blade(thing, start, end, width, part, paint, thick=0.02):
    """Hoja plana y larga de `start` a `end`."""
    along = np.asarray(end, float) - start
    size = np.linalg.norm(along)
    side = np.cross([0.02, 0.01, 1.0], along)
    side /= np.linalg.norm(side)
    turn = np.stack([along / size, side, np.cross(along / size, side)], 1)
    thing.ellipsoid((np.asarray(start) + end) / 2, (size * 0.58, width, thick), part, paint, turn)


def acacia(rng: np.random.Generator) -> Thing:
    """Acacia de copa plana, como las de la sabana."""
    thing, crown, trunk = Thing("acacia", blend=0.12), leaf(rng, (0.22, 0.32, 0.07), 5.0), _bark(rng)
    thing.cone((0, 0, -0.05), (0.05, 0, 0.75), 0.11, "tronco", trunk, 0.7)
    for angle in (20, 140, 260):
        way = rotation("z", angle + rng.uniform(-20, 20)) @ np.array([0.5, 0, 0.62])
        thing.cone((0.05, 0, 0.72), np.array([0.05, 0, 0.72]) + way, 0.06, "rama", trunk, 0.6)
        thing.ellipsoid(np.array([0.05, 0, 0.8]) + way, (0.62, 0.55, 0.15), "copa", crown, soft=True)
    thing.ellipsoid((0, 0, 1.5), (0.75, 0.7, 0.16), "copa", crown, soft=True)
    return thing


def bush(rng: np.random.Generator) -> Thing:
    """Arbusto, a veces con flores o bayas."""
    thing, leaves = Thing("arbusto", blend=0.05), leaf(rng, pick(rng, GREENS), 5.0)
    for angle in np.linspace(0, 315, 8):
        spot = rotation("z", angle) @ np.array([rng.uniform(0.1, 0.36), 0, 0])
        thing.ellipsoid(spot + (0, 0, rng.uniform(0.24, 0.4)), rng.uniform(0.2, 0.32), "hojas", leaves, soft=True)
    if chance(rng, 0.45):
        bloom = Paint("plumas", named(rng, ("rojo", "rosa", "amarillo", "blanco", "morado")))
        for _ in range(14):
            out = rng.normal(size=3)
            out[2] = abs(out[2])
            thing.ellipsoid(out / np.linalg.norm(out) * (0.52, 0.52, 0.5) + (0, 0, 0.22), 0.06, "flor", bloom)
    return thing


def cactus(rng: np.random.Generator) -> Thing:
    """Cactus de brazos (saguaro), a veces con flores."""
    color = vary(rng, (0.13, 0.32, 0.11))
    thing, tall = Thing("cactus", blend=0.05), rng.uniform(1.0, 1.5)
    skin = Paint("piel", color, "rayado", shade(color, 0.45), 22.0)
    thing.limb((0, 0, 0), (0, 0, tall), 0.17, "tallo", skin, 0.85)
    for side in SIDES:
        z, up = tall * rng.uniform(0.35, 0.6), rng.uniform(0.25, 0.5)
        chain(thing, [(0, 0, z), (0, side * 0.36, z), (0, side * 0.4, z + up)], [0.1, 0.1, 0.09], "brazo", skin)
        thing.ellipsoid((0, side * 0.4, z + up + 0.1), 0.05, "flor", Paint("plumas", (0.85, 0.25, 0.4)))
    return thing


def prickly_pear(rng: np.random.Generator) -> Thing:
    """Nopal de pencas con tunas."""
    color = vary(rng, (0.16, 0.38, 0.13))
    thing, pear = Thing("nopal"), Paint("piel", (0.62, 0.06, 0.16))
    skin = Paint("piel", color, "punteado", shade(color, 1.9), 12.0)
    pads = [((0, 0, 0.3), 0), ((0.05, 0.26, 0.7), -35), ((-0.03, -0.27, 0.68), 38), ((0, 0.02, 0.82), 4),
            ((0.05, -0.45, 1.02), 25),
            ((0, 0.46, 1.02), -20)]
    for spot, lean in pads[:int(rng.integers(4, 7))]:
        turn = rotation("x", lean)
        thing.ellipsoid(spot, (0.075, 0.22, 0.31), "penca", skin, turn @ rotation("z", rng.uniform(-25, 25)))
        for y in (-0.1, 0.1):
            thing.ellipsoid(np.array(spot) + turn @ np.array([0, y, 0.3]), (0.05, 0.05, 0.075), "tuna", pear)
    return thing


def flower(rng: np.random.Generator) -> Thing:
    """Flor de seis u ocho pétalos con tallo y hojas."""
    thing, tall, petals = Thing("flor"), rng.uniform(0.7, 1.0), int(pick(rng, (5, 6, 8)))
    petal = Paint("plumas", named(rng, ("rojo", "amarillo", "rosa", "morado", "blanco", "naranja", "azul")))
    green = Paint("follaje", vary(rng, (0.12, 0.42, 0.08)))
    face = rotation("z", rng.uniform(0, 360)) @ rotation("y", rng.uniform(25, 75))
    top = np.array([0, 0, tall])
    thing.cone((0, 0, 0), top, 0.035, "tallo", green)
    for i in range(petals):
        turn = face @ rotation("z", 360 * i / petals)
        thing.ellipsoid(top + turn @ np.array([0.2, 0, 0]), (0.17, 0.1, 0.03), "pétalo", petal, turn)
    thing.ellipsoid(top + face @ np.array([0, 0, 0.02]), (0.11, 0.11, 0.06), "centro",
                    Paint("plumas", vary(rng, (0.75, 0.5, 0.05))), face)
    for side in SIDES:
        _blade(thing, (0, 0, 0.1), (0, side * 0.3, 0.32), 0.07, "hojas", green)
    return thing


def fern(rng: np.random.Generator) -> Thing:
    """Helecho de frondas arqueadas."""
    thing, fronds = Thing("helecho"), leaf(rng, (0.10, 0.36, 0.07), 8.0)
    for i in range(10):
        way = rotation("z", i * 36 + rng.uniform(-10, 10)) @ np.array([1.0, 0, 0])
        high, middle = rng.uniform(0.4, 0.75), way * 0.32
        _blade(thing, (0, 0, 0), middle + (0, 0, high), 0.08, "hojas", fronds)
        _blade(thing, middle + (0, 0, high), way * 0.72 + (0, 0, high - 0.2), 0.09, "hojas", fronds)
    return thing


def tall_grass(rng: np.random.Generator) -> Thing:
    """Mata de pasto alto, verde o seco."""
    color = pick(rng, ((0.55, 0.44, 0.16), (0.42, 0.42, 0.12), (0.20, 0.38, 0.08)))
    thing = Thing("pasto alto")
    for _ in range(22):
        base, lean = rng.normal(size=2) * 0.16, rng.normal(size=2) * 0.24
        thing.cone((*base, 0), (*(base + lean), rng.uniform(0.5, 1.0)), 0.035, "hojas",
                   Paint("paja", vary(rng, color, 0.2)), 0.1)
    return thing


def rock(rng: np.random.Generator) -> Thing:
    """Roca lisa, agrietada o granulada, de una a tres piedras."""
    thing = Thing("roca", blend=0.08)
    color = vary(rng, pick(rng, ((0.42, 0.39, 0.35), (0.36, 0.36, 0.38), (0.50, 0.36, 0.26))), 0.2)
    texture = pick(rng, ("agrietado", "granulado", "manchado", "liso"))
    stone = Paint("piedra", color, texture, shade(color, 0.5), 3.0)
    for i in range(int(rng.integers(1, 4))):
        turn = rotation("z", rng.uniform(0, 360)) @ rotation("y", rng.uniform(-25, 25))
        size = rng.uniform(0.35, 0.6) / (1 + 0.5 * i)
        spot = rotation("z", rng.uniform(0, 360)) @ np.array([0.42 * i, 0, 0])
        thing.box(spot + (0, 0, size * 0.55), (size * 0.82, size * 0.68, size * 0.55), "piedra", stone, turn,
                  taper=(rng.uniform(0.5, 0.7), rng.uniform(0.45, 0.7)), shift=(rng.uniform(-0.2, 0.2), 0))
        thing.ellipsoid(spot + (0, 0, size * 0.4), (size * 1.12, size * 0.95, size * 0.8), "piedra", stone, turn,
                        soft=True)
    return thing


def log(rng: np.random.Generator) -> Thing:
    """Tronco caído o tocón."""
    thing, bark, cut = Thing("tronco"), wood(rng, 6.0), Paint("madera", (0.62, 0.44, 0.24), "veteado",
                                                              (0.4, 0.26, 0.12), 9.0)
    if chance(rng, 0.4):
        thing.cone((0, 0, 0), (0, 0, 0.5), 0.45, "corteza", bark, 0.8)
        thing.cone((0, 0, 0.49), (0, 0, 0.51), 0.33, "corte", cut)
        return thing
    thing.cone((-0.9, 0, 0.22), (0.9, 0, 0.22), 0.23, "corteza", bark, 0.9)
    for x, r in ((-0.905, 0.2), (0.905, 0.18)):
        thing.cone((x - 0.01, 0, 0.22), (x + 0.01, 0, 0.22), r, "corte", cut)
    thing.cone((0.2, 0.1, 0.35), (0.35, 0.3, 0.62), 0.07, "rama", bark, 0.7)
    return thing


def mushroom(rng: np.random.Generator) -> Thing:
    """Hongos de sombrero, rojos de puntos blancos o pardos."""
    thing = Thing("hongo", blend=0.03)
    stem = Paint("piel", (0.84, 0.78, 0.66))
    spotted = Paint("piel", (0.68, 0.06, 0.04), "punteado", (0.9, 0.88, 0.84), 6.5)
    cap = spotted if chance(rng, 0.65) else Paint("piel", vary(rng, (0.42, 0.24, 0.1)))
    for spot, size in (((0, 0, 0), 1.0), ((0.1, 0.42, 0), rng.uniform(0.45, 0.7))):
        base = np.array(spot)
        thing.cone(base, base + (0, 0, 0.5 * size), 0.14 * size, "tallo", stem, 0.75)
        thing.cone(base + (0, 0, 0.44 * size), base + (0, 0, 0.78 * size), 0.42 * size, "sombrero", cap, 0.3)
        thing.ellipsoid(base + (0, 0, 0.62 * size), (0.36 * size, 0.36 * size, 0.24 * size), "sombrero", cap)
    return thing


def termite_mound(rng: np.random.Generator) -> Thing:
    """Termitero de tierra roja."""
    color = vary(rng, (0.50, 0.24, 0.11))
    thing, earth = Thing("termitero", blend=0.06), Paint("tierra", color, "granulado", shade(color, 0.5), 5.0)
    for _ in range(4):
        x, y = rng.normal(size=2) * 0.26
        thing.limb((x, y, 0), (x * 0.6, y * 0.6, rng.uniform(0.5, 1.3)), 0.27, "montículo", earth, 0.3)
    return thing


def skull(rng: np.random.Generator) -> Thing:
    """Calavera de res, con cuernos."""
    thing, bone = Thing("calavera", blend=0.04), Paint("hueso", (0.82, 0.77, 0.66))
    thing.ellipsoid((0, 0, 0.28), (0.28, 0.26, 0.22), "hueso", bone, soft=True)
    thing.limb((0.15, 0, 0.22), (0.62, 0, 0.12), 0.17, "hueso", bone, 0.6)
    for side in SIDES:
        chain(thing, [(-0.05, side * 0.2, 0.38), (-0.08, side * 0.55, 0.42), (0.0, side * 0.72, 0.7)],
              [0.08, 0.07, 0.025], "cuerno", bone)
        thing.ellipsoid((0.17, side * 0.17, 0.32), 0.085, "cuenca", BLACK_EYE)
    return thing


PROPS = {"árbol": tree, "pino": pine, "palmera": palm, "acacia": acacia, "arbusto": bush, "cactus": cactus,
         "nopal": prickly_pear,
         "flor": flower, "helecho": fern, "pasto alto": tall_grass, "roca": rock, "tronco": log, "hongo": mushroom,
         "termitero": termite_mound, "calavera": skull}

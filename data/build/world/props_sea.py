"""Accesorios del mar, la playa, la nieve y el cielo."""
import numpy as np

from .materials import COLORS
from .palette import DARK, LAMP, SIDES, chance, contrast, leaf, named, pick, shade, vary, wood
from .props_nature import palm
from .quadruped import chain
from .shapes import Paint, Thing, rotation

WHITE, SNOW = COLORS["blanco"], Paint("nieve", (0.88, 0.9, 0.93))
SAND = Paint("arena", (0.76, 0.60, 0.36), "granulado", (0.58, 0.44, 0.26), 8.0)


def seaweed(rng: np.random.Generator) -> Thing:
    """Alga de cintas onduladas."""
    thing = Thing("alga", blend=0.03)
    paint = Paint("piel", vary(rng, pick(rng, ((0.12, 0.38, 0.10), (0.25, 0.34, 0.06), (0.42, 0.12, 0.12)))))
    for _ in range(6):
        x, y = rng.normal(size=2) * 0.2
        phase, tall = rng.uniform(0, 6), rng.uniform(0.8, 1.5)
        steps = np.linspace(0, 1, 6)
        points = [(x + 0.1 * np.sin(phase + 5 * t), y + 0.1 * np.cos(phase + 4 * t), tall * t) for t in steps]
        chain(thing, points, [0.06, 0.075, 0.075, 0.07, 0.06, 0.025], "hojas", paint)
    return thing


def coral(rng: np.random.Generator) -> Thing:
    """Coral ramoso o de cerebro."""
    color = named(rng, ("rosa", "naranja", "rojo", "morado", "amarillo"))
    thing = Thing("coral", blend=0.05)
    if chance(rng, 0.3):
        paint = Paint("piedra", color, "ondulado", shade(color, 0.5), 9.0)
        thing.ellipsoid((0, 0, 0.25), (0.6, 0.55, 0.42), "colonia", paint)
        return thing
    paint = Paint("piedra", color, "punteado", shade(color, 1.6), 14.0)
    for angle in np.linspace(0, 300, 6):
        way = rotation("z", angle + rng.uniform(-20, 20)) @ np.array([1.0, 0, 0])
        fork, top = way * 0.25 + (0, 0, 0.4), way * 0.5 + (0, 0, rng.uniform(0.75, 1.0))
        chain(thing, [(0, 0, 0), fork, top], [0.13, 0.09, 0.07], "brazo", paint)
        thing.limb(fork, fork + rotation("z", 70) @ way * 0.25 + (0, 0, 0.3), 0.08, "brazo", paint, 0.8)
    return thing


def shell(rng: np.random.Generator) -> Thing:
    """Concha de abanico."""
    color = vary(rng, pick(rng, ((0.86, 0.68, 0.55), (0.85, 0.5, 0.45), (0.84, 0.80, 0.72))))
    thing, paint = Thing("concha"), Paint("hueso", color, "rayado", shade(color, 0.6), 14.0)
    for angle in np.linspace(-60, 60, 7):
        turn = rotation("z", angle)
        thing.ellipsoid(turn @ np.array([0.36, 0, 0.14]), (0.4, 0.11, 0.13), "concha", paint, turn @ rotation("y", -12))
    return thing


def starfish(rng: np.random.Generator) -> Thing:
    """Estrella de mar de cinco brazos."""
    color = named(rng, ("naranja", "rojo", "rosa", "amarillo", "morado"))
    thing, paint = Thing("estrella de mar", blend=0.08), Paint("piel", color, "punteado", shade(color, 1.8), 12.0)
    for i in range(5):
        way = rotation("z", 72 * i) @ np.array([0.75, 0, 0])
        thing.limb((0, 0, 0.14), way + (0, 0, 0.06), 0.2, "brazo", paint, 0.35)
    return thing


def amphora(rng: np.random.Generator) -> Thing:
    """Ánfora de barro con asas."""
    color = vary(rng, (0.56, 0.27, 0.13))
    thing, clay = Thing("ánfora", blend=0.04), Paint("cerámica", color)
    thing.ellipsoid((0, 0, 0.6), (0.34, 0.34, 0.5), "vasija", clay)
    band = Paint("cerámica", shade(color, 0.35), "zigzag", (0.8, 0.68, 0.5), 9.0)
    thing.cone((0, 0, 0.62), (0, 0, 0.74), 0.345, "franja", band, 0.97)
    thing.cone((0, 0, 1.0), (0, 0, 1.35), 0.14, "cuello", clay, 1.0)
    thing.cone((0, 0, 1.3), (0, 0, 1.38), 0.19, "boca", clay, 1.05, 0.6)
    thing.cone((0, 0, 0), (0, 0, 0.2), 0.18, "base", clay, 0.8)
    for side in SIDES:
        chain(thing, [(0, side * 0.12, 1.28), (0, side * 0.34, 1.2), (0, side * 0.3, 0.85)], [0.045, 0.045, 0.045],
              "asa", clay)
    return thing


def umbrella(rng: np.random.Generator) -> Thing:
    """Sombrilla de playa de gajos de dos colores."""
    thing, first = Thing("sombrilla"), named(rng, ("rojo", "azul", "amarillo", "verde", "naranja", "rosa"))
    second, tip = Paint("tela", pick(rng, (WHITE, contrast(rng, first)))), np.array([0, 0, 1.5])
    thing.cone((0, 0, 0), (0, 0, 1.55), 0.035, "poste", Paint("metal", (0.8, 0.8, 0.8)))
    for i in range(10):
        turn = rotation("z", 36 * i) @ rotation("y", 24)
        gore = turn @ np.array([[0, 0, -0.42], [0.28, 0, 0], [0, 0.02, 0]])
        thing.wedge(tip + turn @ np.array([0.42, 0, 0]), gore, "toldo", Paint("tela", first) if i % 2 else second,
                    taper=(0.04, 1.0))
    return thing.place(rotation("y", rng.uniform(-15, 15)))


def towel(rng: np.random.Generator) -> Thing:
    """Toalla de rayas tendida en el suelo."""
    color = named(rng, ("rojo", "azul", "amarillo", "verde", "rosa"))
    cloth = Paint("tela", color, pick(rng, ("rayado", "cuadriculado", "zigzag")), contrast(rng, color), 6.0)
    return Thing("toalla").box((0, 0, 0.025), (0.9, 0.5, 0.02), "tela", cloth)


def sand_castle(rng: np.random.Generator) -> Thing:
    """Castillo de arena con torres y bandera."""
    thing = Thing("castillo de arena")
    thing.box((0, 0, 0.2), (0.5, 0.5, 0.2), "muro", SAND, taper=(0.9, 0.9))
    for x in SIDES:
        for y in SIDES:
            thing.cone((x * 0.45, y * 0.45, 0), (x * 0.45, y * 0.45, 0.55), 0.2, "torre", SAND, 0.8)
    thing.cone((0, 0, 0.3), (0, 0, 0.8), 0.26, "torre", SAND, 0.8)
    thing.cone((0, 0, 0.8), (0, 0, 1.05), 0.24, "torre", SAND, 0.05)
    thing.box((0.1, 0, 1.15), (0.12, 0.012, 0.07), "bandera", Paint("tela", named(rng, ("rojo", "azul"))))
    return thing


def buoy(rng: np.random.Generator) -> Thing:
    """Boya de dos colores con luz."""
    color = named(rng, ("rojo", "naranja", "verde", "amarillo"))
    thing, paint, band = Thing("boya"), Paint("plástico", color), Paint("plástico", WHITE)
    for z, wide, coat in ((-0.15, 0.5, paint), (0.2, 0.4, band), (0.55, 0.3, paint)):
        thing.cone((0, 0, z), (0, 0, z + 0.36), wide, "flotador", coat, 0.78)
    thing.cone((0, 0, 0.9), (0, 0, 1.2), 0.05, "poste", DARK)
    thing.ellipsoid((0, 0, 1.25), 0.12, "foco", LAMP)
    return thing


def island(rng: np.random.Generator) -> Thing:
    """Islote de arena con una palmera."""
    thing = palm(rng)
    thing.name = "isla"
    thing.ellipsoid((0, 0, -0.05), (1.1, 0.95, 0.22), "orilla", SAND)
    thing.ellipsoid((0.35, 0.3, 0.05), (0.3, 0.22, 0.2), "piedra", Paint("piedra", (0.4, 0.38, 0.36)))
    thing.ellipsoid((-0.5, -0.2, 0.12), (0.3, 0.25, 0.18), "hojas", leaf(rng))
    return thing


def lighthouse(rng: np.random.Generator) -> Thing:
    """Faro de franjas sobre una roca."""
    thing, color = Thing("faro"), named(rng, ("rojo", "negro", "azul"))
    stone = Paint("piedra", (0.36, 0.34, 0.32), "agrietado", (0.15, 0.14, 0.13), 3.0)
    thing.ellipsoid((0, 0, 0), (0.75, 0.7, 0.22), "piedra", stone)
    for i in range(5):
        thing.cone((0, 0, 0.1 + 0.3 * i), (0, 0, 0.41 + 0.3 * i), 0.34 - 0.03 * i, "torre",
                   Paint("yeso", color if i % 2 else WHITE), 0.91)
    thing.cone((0, 0, 1.6), (0, 0, 1.66), 0.3, "balcón", DARK)
    thing.cone((0, 0, 1.66), (0, 0, 1.86), 0.15, "foco", LAMP)
    thing.cone((0, 0, 1.86), (0, 0, 2.08), 0.24, "techo", Paint("metal", color), 0.05)
    return thing


def snowman(rng: np.random.Generator) -> Thing:
    """Muñeco de nieve con zanahoria, bufanda y sombrero."""
    thing, scarf = Thing("muñeco de nieve"), Paint("tela", named(rng, ("rojo", "azul", "verde", "morado")), "rayado",
                                                   WHITE, 14.0)
    for z, r in ((0.36, 0.42), (0.92, 0.31), (1.36, 0.23)):
        thing.ellipsoid((0, 0, z), r, "bola", SNOW)
    thing.cone((0, 0, 1.12), (0, 0, 1.22), 0.27, "bufanda", scarf)
    thing.cone((0.2, 0, 1.38), (0.5, 0, 1.36), 0.06, "nariz", Paint("piel", (0.88, 0.36, 0.04)), 0.1)
    thing.cone((0, 0, 1.54), (0, 0, 1.58), 0.3, "sombrero", DARK)
    thing.cone((0, 0, 1.56), (0, 0, 1.85), 0.19, "sombrero", DARK)
    for side in SIDES:
        thing.ellipsoid((0.19, side * 0.09, 1.44), 0.04, "ojo", DARK)
        thing.cone((0, side * 0.25, 0.98), (0, side * 0.72, 1.25), 0.03, "brazo", wood(rng))
    for z in (0.8, 0.98):
        thing.ellipsoid((0.3, 0, z), 0.045, "botón", DARK)
    return thing


def sled(rng: np.random.Generator) -> Thing:
    """Trineo de madera con patines."""
    thing, plank, runner = Thing("trineo"), wood(rng), Paint("metal", named(rng, ("rojo", "azul", "gris")))
    for y in (-0.26, 0.0, 0.26):
        thing.box((0, y, 0.3), (0.75, 0.1, 0.03), "tabla", plank)
    for side in SIDES:
        thing.cone((-0.8, side * 0.28, 0.05), (0.75, side * 0.28, 0.05), 0.04, "patín", runner)
        thing.cone((0.75, side * 0.28, 0.05), (0.98, side * 0.28, 0.32), 0.04, "patín", runner)
        for x in (-0.5, 0.5):
            thing.cone((x, side * 0.28, 0.05), (x, side * 0.28, 0.3), 0.035, "patín", runner)
    return thing


def tent(rng: np.random.Generator) -> Thing:
    """Tienda de campaña con la entrada abierta."""
    color = named(rng, ("naranja", "verde", "azul", "rojo", "amarillo"))
    thing, cloth = Thing("tienda de campaña"), Paint("tela", color)
    thing.box((0, 0, 0.5), (0.8, 0.7, 0.5), "tela", cloth, taper=(0.85, 0.02))
    thing.box((0.79, 0, 0.36), (0.03, 0.3, 0.36), "puerta", Paint("tela", shade(color, 0.15)), rotation("y", -6),
              taper=(1.0, 0.05))
    thing.box((0, 0, 1.0), (0.72, 0.03, 0.03), "poste", Paint("metal", (0.7, 0.7, 0.7)))
    return thing


def balloon(rng: np.random.Generator) -> Thing:
    """Globo aerostático de gajos, o de fiesta con hilo."""
    color = named(rng, ("rojo", "azul", "amarillo", "verde", "naranja", "rosa", "morado"))
    thing = Thing("globo")
    if chance(rng, 0.35):
        thing.ellipsoid((0, 0, 1.2), (0.36, 0.36, 0.44), "globo", Paint("plástico", color))
        thing.cone((0, 0, 0), (0, 0, 0.8), 0.02, "hilo", Paint("tela", WHITE))
        return thing
    skin = Paint("tela", color, pick(rng, ("rayado", "zigzag", "cuadriculado")), contrast(rng, color), 5.0)
    thing.ellipsoid((0, 0, 1.4), (0.72, 0.72, 0.72), "globo", skin)
    thing.cone((0, 0, 0.5), (0, 0, 1.1), 0.2, "globo", skin, 3.2)
    wicker = Paint("paja", (0.42, 0.25, 0.1), "trenzado", (0.22, 0.12, 0.05), 14.0)
    thing.box((0, 0, 0.12), (0.15, 0.15, 0.12), "canasta", wicker)
    for x in SIDES:
        for y in SIDES:
            thing.cone((x * 0.13, y * 0.13, 0.22), (x * 0.13, y * 0.13, 0.55), 0.018, "cuerda", DARK)
    return thing


def cloud(rng: np.random.Generator) -> Thing:
    """Nube chica y esponjosa."""
    thing, paint = Thing("nube", blend=0.06), Paint("nube", (0.9, 0.91, 0.93))
    for x in np.linspace(-0.7, 0.7, 8):
        thing.ellipsoid((x, rng.uniform(-0.2, 0.2), 0.25 + rng.uniform(0, 0.3) * (1 - x * x)), rng.uniform(0.18, 0.32),
                        "", paint, soft=True)
    return thing


def kite(rng: np.random.Generator) -> Thing:
    """Cometa de rombo con cola de moños."""
    color = named(rng, ("rojo", "azul", "amarillo", "verde", "rosa", "morado"))
    thing, other = Thing("cometa"), Paint("tela", contrast(rng, color))
    for sign, tall, paint in ((1, 0.28, Paint("tela", color)), (-1, 0.5, other)):
        matrix = np.array([[0, 0.015, 0], [0.45, 0, 0], [0, 0, sign * tall]])
        thing.wedge((0, 0, 1.2 + sign * tall), matrix, "tela", paint, taper=(0.03, 1.0))
    for i in range(4):
        spot = np.array([0, 0.12 * np.sin(2.0 * i), 0.1 - 0.2 * i])
        thing.box(spot, (0.02, 0.1, 0.04), "cola", Paint("tela", color), rotation("x", 30 * (-1) ** i))
        thing.cone(spot, (0, 0.12 * np.sin(2.0 * (i - 1)), 0.3 - 0.2 * i), 0.012, "cola", DARK)
    return thing


PROPS = {"alga": seaweed, "coral": coral, "concha": shell, "estrella de mar": starfish, "ánfora": amphora,
         "sombrilla": umbrella,
         "toalla": towel, "castillo de arena": sand_castle, "boya": buoy, "isla": island, "faro": lighthouse,
         "muñeco de nieve": snowman,
         "trineo": sled, "tienda de campaña": tent, "globo": balloon, "nube": cloud, "cometa": kite}

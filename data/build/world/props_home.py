"""Accesorios de casa, patio y jardín: muebles, juguetes y herramientas."""
import numpy as np

from .materials import COLORS
from .palette import CHROME, DARK, GLASS, SIDES, chance, contrast, leaf, named, patterned, pick, shade, vary, wood
from .shapes import Paint, Thing, rotation

WHITE = COLORS["blanco"]
CLAY = (0.58, 0.26, 0.13)


def chair(rng: np.random.Generator) -> Thing:
    """Silla de madera o plástico, de respaldo lleno o de barrotes."""
    thing, frame = Thing("silla"), wood(rng) if chance(rng, 0.6) else Paint("plástico", named(rng))
    seat = Paint("tela", named(rng)) if chance(rng, 0.3) else frame
    thing.box((0, 0, 0.6), (0.34, 0.34, 0.04), "asiento", seat)
    if chance(rng, 0.5):
        thing.box((-0.31, 0, 1.05), (0.03, 0.32, 0.3), "respaldo", seat, rotation("y", -6))
    for z in (0.85, 1.05, 1.25):
        thing.box((-0.3 - 0.1 * (z - 0.6), 0, z), (0.025, 0.32, 0.05), "respaldo", frame)
    for side in SIDES:
        thing.box((0.29, side * 0.29, 0.3), (0.04, 0.04, 0.3), "pata", frame)
        thing.box((-0.29, side * 0.29, 0.3), (0.04, 0.04, 0.3), "pata", frame)
        thing.box((-0.34, side * 0.29, 0.98), (0.04, 0.04, 0.4), "respaldo", frame, rotation("y", -6))
    return thing


def table(rng: np.random.Generator) -> Thing:
    """Mesa redonda o cuadrada, con o sin mantel."""
    thing, plank, round_top = Thing("mesa"), wood(rng), chance(rng, 0.4)
    cloth = Paint("tela", named(rng, ("rojo", "azul", "verde", "blanco")))
    cloth = patterned(rng, cloth, ("cuadriculado", "punteado", "zigzag"), (4, 6), ("blanco", "amarillo"))
    top = cloth if chance(rng, 0.35) else plank
    part = "mantel" if top is cloth else "cubierta"
    if round_top:
        thing.cone((0, 0, 0.68), (0, 0, 0.76), 0.75, part, top)
        thing.cone((0, 0, 0), (0, 0, 0.7), 0.09, "pata", plank)
        thing.cone((0, 0, 0), (0, 0, 0.06), 0.35, "pata", plank, 0.7)
        return thing
    thing.box((0, 0, 0.7), (0.85, 0.55, 0.06 if top is plank else 0.14), part, top)
    for x in SIDES:
        for y in SIDES:
            thing.box((x * 0.75, y * 0.46, 0.34), (0.055, 0.055, 0.34), "pata", plank)
    return thing


def armchair(rng: np.random.Generator) -> Thing:
    """Sillón de tela o cuero con cojín."""
    color = named(rng, ("rojo", "azul", "verde", "café", "gris", "morado", "amarillo"))
    thing, cover = Thing("sillón", blend=0.05), Paint(pick(rng, ("tela", "tela", "cuero")), color)
    if cover.material == "tela" and chance(rng, 0.4):
        cover = Paint("tela", color, pick(rng, ("rayado", "cuadriculado", "punteado")), contrast(rng, color), 5.0)
    thing.box((0, 0, 0.32), (0.5, 0.55, 0.2), "asiento", cover)
    thing.box((-0.42, 0, 0.72), (0.15, 0.66, 0.5), "respaldo", cover, rotation("y", -8), taper=(0.8, 0.92))
    for side in SIDES:
        thing.box((0, side * 0.64, 0.42), (0.5, 0.13, 0.3), "brazo", cover)
        thing.cone((-0.5, side * 0.64, 0.72), (0.5, side * 0.64, 0.72), 0.15, "brazo", cover)
        for x in (-0.42, 0.42):
            thing.cone((x, side * 0.6, 0), (x, side * 0.6, 0.14), 0.05, "pata", wood(rng))
    thing.ellipsoid((-0.18, rng.uniform(-0.2, 0.2), 0.68), (0.1, 0.28, 0.24), "cojín",
                    Paint("tela", contrast(rng, color)), rotation("y", -20))
    return thing


def lamp(rng: np.random.Generator) -> Thing:
    """Lámpara de pie o de mesa con pantalla de tela."""
    thing, tall = Thing("lámpara"), pick(rng, (1.5, 0.7))
    metal = Paint("metal", pick(rng, ((0.6, 0.45, 0.15), (0.08, 0.08, 0.08), (0.6, 0.6, 0.62))))
    thing.cone((0, 0, 0), (0, 0, 0.06), 0.28, "base", metal, 0.8)
    if tall < 1:
        thing.ellipsoid((0, 0, 0.32), (0.22, 0.22, 0.3), "base", Paint("cerámica", named(rng)))
    thing.cone((0, 0, 0), (0, 0, tall), 0.035, "poste", metal)
    shade_paint = Paint("tela", vary(rng, pick(rng, ((0.9, 0.82, 0.62), (0.85, 0.4, 0.25), (0.88, 0.86, 0.8)))))
    thing.cone((0, 0, tall - 0.1), (0, 0, tall + 0.35), 0.42, "pantalla", shade_paint, 0.55)
    return thing


def bookcase(rng: np.random.Generator) -> Thing:
    """Librero con libros de colores."""
    thing, plank = Thing("librero"), wood(rng)
    for side in SIDES:
        thing.box((0, side * 0.56, 0.85), (0.2, 0.04, 0.85), "costado", plank)
    thing.box((-0.17, 0, 0.85), (0.025, 0.56, 0.85), "fondo", Paint("madera", shade(plank.color, 0.5)))
    for i in range(4):
        thing.box((0, 0, 0.05 + 0.53 * i), (0.2, 0.56, 0.03), "repisa", plank)
        if i == 3:
            break
        y = -0.5
        while y < 0.4:
            wide, tall = rng.uniform(0.045, 0.075), rng.uniform(0.14, 0.21)
            if chance(rng, 0.9):
                thing.box((0.02, y + wide, 0.08 + 0.53 * i + tall), (0.14, wide * 0.94, tall), "libro",
                          Paint("papel", named(rng)))
            y += 2 * wide
    return thing


def stove(rng: np.random.Generator) -> Thing:
    """Estufa con cuatro hornillas, perillas y horno."""
    thing, body = Thing("estufa"), Paint("metal", pick(rng, (WHITE, (0.5, 0.5, 0.52), (0.1, 0.1, 0.11),
                                                             (0.6, 0.1, 0.08))))
    thing.box((0, 0, 0.5), (0.42, 0.48, 0.5), "cuerpo", body)
    thing.box((0.42, 0, 0.42), (0.02, 0.38, 0.26), "horno", GLASS)
    thing.cone((0.48, -0.36, 0.74), (0.48, 0.36, 0.74), 0.03, "manija", CHROME)
    thing.box((-0.4, 0, 1.1), (0.04, 0.48, 0.14), "cuerpo", body)
    for y in (-0.33, -0.11, 0.11, 0.33):
        thing.ellipsoid((0.43, y, 0.88), 0.05, "perilla", DARK)
    for x in (-0.18, 0.18):
        for y in (-0.22, 0.22):
            thing.cone((x, y, 1.0), (x, y, 1.025), 0.15, "hornilla", DARK, 1.0)
    return thing


def fridge(rng: np.random.Generator) -> Thing:
    """Refrigerador de dos puertas."""
    color = pick(rng, (WHITE, (0.55, 0.56, 0.58), (0.62, 0.78, 0.72), (0.75, 0.2, 0.15)))
    thing, body = Thing("refrigerador"), Paint("metal", color)
    thing.box((0, 0, 0.9), (0.38, 0.44, 0.9), "cuerpo", Paint("metal", shade(color, 0.75)))
    for z, tall in ((0.6, 0.56), (1.5, 0.28)):
        thing.box((0.4, 0, z), (0.05, 0.44, tall), "puerta", body)
        thing.box((0.48, 0.32, z + (0.3 if z < 1 else -0.1)), (0.025, 0.03, 0.14), "manija", CHROME)
    return thing


def pot(rng: np.random.Generator) -> Thing:
    """Olla de barro o peltre con asas y tapa."""
    color = pick(rng, (CLAY, (0.08, 0.2, 0.5), (0.6, 0.6, 0.62), (0.65, 0.08, 0.06)))
    thing, body = Thing("olla"), Paint("cerámica" if color == CLAY else "metal", vary(rng, color))
    thing.cone((0, 0, 0), (0, 0, 0.5), 0.42, "vasija", body, 1.12)
    thing.cone((0, 0, 0.5), (0, 0, 0.6), 0.49, "tapa", Paint(body.material, shade(body.color, 0.8)), 0.4)
    thing.ellipsoid((0, 0, 0.65), 0.075, "tapa", DARK)
    for side in SIDES:
        thing.cone((-0.1, side * 0.5, 0.38), (0.1, side * 0.5, 0.38), 0.06, "asa", DARK)
    return thing


def fruit(rng: np.random.Generator) -> Thing:
    """Manzana, naranja, pera o sandía."""
    thing, color, tall = Thing("fruta", blend=0.1), *pick(rng, (((0.70, 0.06, 0.04), 0.0), ((0.90, 0.40, 0.04), 0.0),
                                                                ((0.62, 0.66, 0.10), 0.25)))
    skin = Paint("piel", vary(rng, color))
    thing.ellipsoid((0, 0, 0.42), (0.45, 0.45, 0.42), "fruta", skin, soft=True)
    if tall:
        thing.ellipsoid((0, 0, 0.85), 0.24, "fruta", skin, soft=True)
    top = 0.8 + tall
    thing.cone((0, 0, top), (0.05, 0, top + 0.2), 0.035, "tallo", wood(rng))
    thing.ellipsoid((0.16, 0, top + 0.12), (0.16, 0.08, 0.025), "hojas", Paint("follaje", (0.12, 0.4, 0.08)),
                    rotation("y", -20))
    return thing


def ball(rng: np.random.Generator) -> Thing:
    """Pelota lisa, de gajos, de puntos o de cuadros."""
    thing, paint = Thing("pelota"), Paint("plástico", named(rng))
    if chance(rng, 0.75):
        paint = patterned(rng, paint, ("rayado", "punteado", "cuadriculado", "zigzag"), (3, 5))
    return thing.ellipsoid((0, 0, 0.5), 0.5, "pelota", paint)


def block(rng: np.random.Generator) -> Thing:
    """Torre de uno a tres bloques de juguete."""
    thing, z = Thing("bloque"), 0.0
    for i in range(int(rng.integers(1, 4))):
        paint = Paint(pick(rng, ("madera", "plástico")), named(rng))
        if chance(rng, 0.3):
            paint = patterned(rng, paint, ("punteado", "cuadriculado", "zigzag", "rayado"), (4, 6))
        size = rng.uniform(0.22, 0.32)
        turn = rotation("z", rng.uniform(-40, 40))
        thing.box((rng.uniform(-0.06, 0.06), rng.uniform(-0.06, 0.06), z + size), (size, size, size), "bloque", paint,
                  turn)
        z += 2 * size
    return thing


def cushion(rng: np.random.Generator) -> Thing:
    """Cojín bordado."""
    color = named(rng)
    cloth = Paint("tela", color, pick(rng, ("rosetas", "trenzado", "rayado", "zigzag", "punteado")),
                  contrast(rng, color), 5.0)
    thing = Thing("cojín")
    thing.box((0, 0, 0.2), (0.46, 0.46, 0.07), "tela", cloth, taper=(0.94, 0.94))
    return thing.ellipsoid((0, 0, 0.2), (0.45, 0.45, 0.22), "tela", cloth)


def flowerpot(rng: np.random.Generator) -> Thing:
    """Maceta de barro o cerámica con hojas, y a veces flores."""
    color = pick(rng, (CLAY, CLAY, named(rng)))
    thing, glazed = Thing("maceta"), Paint("cerámica", color)
    if color != CLAY and chance(rng, 0.6):
        glazed = Paint("cerámica", color, pick(rng, ("zigzag", "punteado", "rosetas", "rayado")), contrast(rng, color),
                       7.0)
    thing.cone((0, 0, 0), (0, 0, 0.5), 0.27, "tiesto", glazed, 1.4)
    thing.cone((0, 0, 0.46), (0, 0, 0.58), 0.41, "borde", Paint("cerámica", shade(color, 0.85)))
    leaves = leaf(rng, (0.12, 0.38, 0.09), 7.0)
    for i in range(9):
        turn = rotation("z", 40 * i + rng.uniform(-15, 15)) @ rotation("y", rng.uniform(15, 55))
        thing.ellipsoid(np.array([0, 0, 0.55]) + turn @ np.array([0, 0, 0.36]), (0.03, 0.1, 0.4), "hojas", leaves, turn)
        if i % 3 == 0 and color == CLAY:
            thing.ellipsoid(np.array([0, 0, 0.55]) + turn @ np.array([0, 0, 0.72]), 0.11, "flor",
                            Paint("plumas", named(rng, ("rojo", "rosa", "amarillo", "morado"))))
    return thing


PROPS = {"silla": chair, "mesa": table, "sillón": armchair, "lámpara": lamp, "librero": bookcase, "estufa": stove,
         "refrigerador": fridge, "olla": pot, "fruta": fruit, "pelota": ball, "bloque": block, "cojín": cushion,
         "maceta": flowerpot}

"""Accesorios de calle, plaza, granja y carretera."""
import numpy as np

from .materials import COLORS
from .palette import CHROME, DARK, GLASS, LAMP, SIDES, chance, named, pick, shade, vary, wood
from .shapes import Paint, Thing, rotation

WHITE = COLORS["blanco"]
IRON = Paint("metal", (0.08, 0.09, 0.09))
WALLS = ("blanco", "amarillo", "rosa", "azul", "naranja", "verde", "gris")


def house(rng: np.random.Generator) -> Thing:
    """Casa de ladrillo, yeso, madera o piedra, con techo de dos aguas o plano."""
    thing, x, y, z = Thing("casa"), rng.uniform(0.7, 1.0), rng.uniform(0.6, 0.8), rng.uniform(0.4, 0.6)
    thing.box((0, 0, z), (x, y, z), "pared", _wall(rng))
    if chance(rng, 0.8):
        color = vary(rng, pick(rng, ((0.50, 0.14, 0.07), (0.28, 0.20, 0.18), (0.40, 0.10, 0.07), (0.22, 0.27, 0.33))))
        tiles = Paint("cerámica", color, pick(rng, ("escamoso", "acanalado", "liso")), shade(color, 0.5), 6.0)
        thing.box((0, 0, 2 * z + 0.3), (x * 1.12, y * 1.14, 0.3), "techo", tiles, taper=(1.0, 0.03))
    else:
        thing.box((0, 0, 2 * z + 0.05), (x * 1.06, y * 1.06, 0.06), "techo", Paint("concreto", (0.5, 0.48, 0.45)))
    frame = Paint("madera", pick(rng, (WHITE, (0.3, 0.17, 0.07))))
    door = Paint("madera", named(rng, ("café", "rojo", "azul", "verde")))
    for turn in (0, 90, 180, 270):
        spin = rotation("z", turn)
        out, wide = (x, y) if turn % 180 == 0 else (y, x)
        for side in SIDES:
            for size, depth, part, paint in ((1.25, 0.02, "marco", frame), (1.0, 0.03, "ventana", GLASS)):
                thing.box(spin @ np.array([out, side * wide * 0.55, z * 1.2]), (depth, 0.15 * size, 0.17 * size), part,
                          paint, spin)
        thing.box(spin @ np.array([out, 0, z * 0.62]), (0.035, 0.14, z * 0.62), "puerta", door, spin)
    if chance(rng, 0.6):
        bricks = Paint("ladrillo", (0.48, 0.2, 0.13), "enladrillado", (0.66, 0.6, 0.54), 9.0)
        thing.box((x * 0.5, y * 0.4, 2 * z + 0.5), (0.1, 0.1, 0.28), "chimenea", bricks)
    return thing


def _wall(rng):
    kind = pick(rng, ("yeso", "ladrillo", "madera", "piedra"), (4, 3, 2, 1))
    if kind == "ladrillo":
        return Paint("ladrillo", vary(rng, (0.50, 0.21, 0.13)), "enladrillado", (0.68, 0.62, 0.55), 6.0)
    if kind == "madera":
        color = named(rng, ("rojo", "café", "blanco", "azul"))
        return Paint("madera", color, "acanalado", shade(color, 0.6), 8.0)
    if kind == "piedra":
        return Paint("piedra", (0.45, 0.42, 0.37), "empedrado", (0.22, 0.2, 0.18), 5.0)
    return Paint("yeso", named(rng, WALLS))


def windmill(rng: np.random.Generator) -> Thing:
    """Molino de viento de cuatro aspas."""
    thing, body = Thing("molino"), _wall(rng)
    thing.cone((0, 0, 0), (0, 0, 1.3), 0.42, "torre", body, 0.62)
    thing.cone((0, 0, 1.3), (0, 0, 1.65), 0.34, "techo", Paint("madera", named(rng, ("rojo", "café", "azul"))), 0.05)
    thing.box((0.38, 0, 0.25), (0.06, 0.12, 0.25), "puerta", wood(rng))
    hub, start = np.array([0.42, 0, 1.3]), rng.uniform(0, 90)
    thing.cone((0, 0, 1.3), hub, 0.06, "aspa", IRON)
    cloth, pole = Paint("tela", WHITE), wood(rng)
    for i in range(4):
        turn = rotation("x", start + 90 * i)
        thing.cone(hub, hub + turn @ np.array([0, 0, 0.85]), 0.03, "aspa", pole)
        thing.box(hub + turn @ np.array([0, 0.11, 0.52]), (0.012, 0.1, 0.32), "aspa", cloth, turn)
    return thing


def kiosk(rng: np.random.Generator) -> Thing:
    """Kiosco de plaza con ocho columnas y techo de punta."""
    thing, color = Thing("kiosco"), named(rng, ("verde", "rojo", "azul", "café"))
    thing.cone((0, 0, 0), (0, 0, 0.22), 0.85, "base", Paint("piedra", (0.55, 0.5, 0.44), "empedrado", (0.3, 0.27, 0.24),
                                                            5.0))
    thing.cone((0, 0, 1.05), (0, 0, 1.15), 0.88, "techo", Paint("metal", WHITE))
    thing.cone((0, 0, 1.15), (0, 0, 1.6), 0.95, "techo", Paint("cerámica", color, "escamoso", shade(color, 0.5), 7.0),
               0.06)
    thing.ellipsoid((0, 0, 1.64), 0.07, "techo", CHROME)
    for i in range(8):
        spot = rotation("z", 45 * i) @ np.array([0.75, 0, 0.22])
        thing.cone(spot, spot + (0, 0, 0.85), 0.04, "columna", Paint("metal", WHITE))
        thing.box(spot * 0.99 + (0, 0, 0.2), (0.02, 0.28, 0.03), "barandal", Paint("metal", color),
                  rotation("z", 45 * i))
    return thing


def street_lamp(rng: np.random.Generator) -> Thing:
    """Farola de brazo o de globo."""
    thing = Thing("farola")
    thing.cone((0, 0, 0), (0, 0, 0.16), 0.14, "base", IRON, 0.6)
    thing.cone((0, 0, 0), (0, 0, 1.85), 0.05, "poste", IRON, 0.75)
    if chance(rng, 0.5):
        thing.cone((0, 0, 1.85), (0.5, 0, 1.95), 0.032, "brazo", IRON)
        thing.box((0.55, 0, 1.95), (0.17, 0.08, 0.05), "pantalla", IRON)
        thing.ellipsoid((0.55, 0, 1.89), (0.13, 0.07, 0.05), "foco", LAMP)
    else:
        thing.cone((0, 0, 1.85), (0, 0, 2.1), 0.1, "foco", LAMP, 1.5)
        thing.cone((0, 0, 2.1), (0, 0, 2.24), 0.19, "pantalla", IRON, 0.1)
    return thing


def traffic_light(rng: np.random.Generator) -> Thing:
    """Semáforo con una de sus luces encendida."""
    thing, on = Thing("semáforo"), int(rng.integers(3))
    thing.cone((0, 0, 0), (0, 0, 1.3), 0.05, "poste", CHROME)
    thing.box((0, 0, 1.6), (0.13, 0.15, 0.38), "caja",
              Paint("metal", pick(rng, ((0.05, 0.06, 0.05), (0.8, 0.6, 0.06)))))
    for i, color in enumerate(((0.85, 0.05, 0.03), (0.95, 0.7, 0.05), (0.08, 0.75, 0.25))):
        paint = Paint("vidrio", color if i == on else shade(color, 0.25))
        for side in SIDES:
            thing.ellipsoid((side * 0.13, 0, 1.84 - 0.24 * i), (0.05, 0.095, 0.095), "foco", paint)
    return thing


def sign(rng: np.random.Generator) -> Thing:
    """Señal de tránsito: alto, rombo amarillo, velocidad o flecha azul."""
    thing, kind = Thing("señal"), int(rng.integers(4))
    thing.cone((0, 0, 0), (0, 0, 1.5), 0.035, "poste", CHROME)
    red, white, dark = Paint("metal", (0.68, 0.04, 0.04)), Paint("metal", WHITE), Paint("metal", (0.04, 0.04, 0.04))
    if kind == 0:
        for turn in (0, 45):
            thing.box((0, 0, 1.5), (0.025, 0.31, 0.31), "letrero", red, rotation("x", turn), taper=(1, 1))
        thing.box((0, 0, 1.5), (0.035, 0.24, 0.07), "letrero", white)
    elif kind == 1:
        thing.box((0, 0, 1.5), (0.025, 0.29, 0.29), "letrero", Paint("metal", (0.88, 0.62, 0.05)), rotation("x", 45))
        thing.box((0, 0, 1.5), (0.035, 0.05, 0.18), "letrero", dark)
    elif kind == 2:
        for wide, radius, paint in ((0.025, 0.33, red), (0.03, 0.25, white)):
            thing.cone((-wide, 0, 1.5), (wide, 0, 1.5), radius, "letrero", paint)
        thing.box((0, 0, 1.5), (0.04, 0.12, 0.09), "letrero", dark)
    else:
        thing.box((0, 0, 1.5), (0.025, 0.34, 0.24), "letrero", Paint("metal", (0.05, 0.18, 0.55)))
        thing.box((0, 0, 1.5), (0.035, 0.2, 0.05), "letrero", white)
    return thing


def pole(rng: np.random.Generator) -> Thing:
    """Poste de luz de madera con dos travesaños."""
    thing, trunk = Thing("poste"), wood(rng)
    thing.cone((0, 0, 0), (0, 0, 2.2), 0.07, "poste", trunk, 0.8)
    for z in (1.85, 2.05):
        thing.box((0, 0, z), (0.05, 0.45, 0.04), "travesaño", trunk)
        for y in (-0.4, -0.2, 0.2, 0.4):
            thing.cone((0, y, z), (0, y, z + 0.12), 0.035, "aislador", Paint("cerámica", (0.75, 0.8, 0.78)))
    return thing


def bench(rng: np.random.Generator) -> Thing:
    """Banca de parque de tablas con patas de fierro."""
    thing, painted = Thing("banca"), Paint("madera", named(rng, ("verde", "rojo", "azul")))
    plank = painted if chance(rng, 0.3) else wood(rng)
    for x in (-0.2, 0.0, 0.2):
        thing.box((x, 0, 0.45), (0.085, 0.85, 0.025), "asiento", plank)
    for z in (0.62, 0.82):
        thing.box((-0.32, 0, z), (0.025, 0.85, 0.08), "respaldo", plank, rotation("y", -12))
    for side in SIDES:
        thing.box((0.16, side * 0.68, 0.22), (0.04, 0.04, 0.22), "pata", IRON)
        thing.box((-0.28, side * 0.68, 0.44), (0.04, 0.04, 0.44), "pata", IRON, rotation("y", -6))
        thing.box((-0.05, side * 0.72, 0.62), (0.26, 0.035, 0.03), "brazo", IRON)
    return thing


def hydrant(rng: np.random.Generator) -> Thing:
    """Hidrante rojo o amarillo."""
    thing, paint = Thing("hidrante"), Paint("metal", named(rng, ("rojo", "rojo", "amarillo")))
    thing.cone((0, 0, 0), (0, 0, 0.08), 0.28, "base", paint)
    thing.cone((0, 0, 0), (0, 0, 0.68), 0.2, "cuerpo", paint)
    thing.ellipsoid((0, 0, 0.68), (0.23, 0.23, 0.2), "tapa", paint)
    thing.cone((0, 0, 0.84), (0, 0, 0.96), 0.06, "tapa", CHROME)
    for way in ((0.34, 0, 0), (0, 0.34, 0), (0, -0.34, 0)):
        thing.cone((0, 0, 0.46), np.array(way) + (0, 0, 0.46), 0.11, "boca", CHROME)
    return thing


def cone(rng: np.random.Generator) -> Thing:
    """Cono de tránsito naranja con franja blanca."""
    thing, orange = Thing("cono"), Paint("plástico", vary(rng, (0.90, 0.30, 0.03), 0.06))
    thing.box((0, 0, 0.04), (0.38, 0.38, 0.04), "base", pick(rng, (orange, DARK)))
    for z, r, part, paint in ((0.06, 0.29, "cono", orange), (0.38, 0.203, "franja", Paint("plástico", WHITE)),
                              (0.62, 0.138, "cono", orange)):
        thing.cone((0, 0, z), (0, 0, z + (0.32 if z < 0.5 else 0.3)), r, part, paint, 0.7 if z < 0.5 else 0.4)
    return thing


def barrier(rng: np.random.Generator) -> Thing:
    """Valla de obra de rayas."""
    thing, color = Thing("valla"), pick(rng, ((0.88, 0.32, 0.03), (0.68, 0.05, 0.04)))
    board = Paint("plástico", WHITE, pick(rng, ("zigzag", "cuadriculado")), color, 4.5)
    for z in (0.45, 0.8):
        thing.box((0, 0, z), (0.03, 0.85, 0.12), "tabla", board)
    for side in SIDES:
        for lean in SIDES:
            thing.cone((lean * 0.28, side * 0.7, 0), (lean * 0.03, side * 0.7, 0.95), 0.035, "pata", CHROME)
    return thing


def trash_can(rng: np.random.Generator) -> Thing:
    """Bote de basura de lámina acanalada."""
    thing, color = Thing("bote de basura"), pick(rng, ((0.45, 0.46, 0.47), (0.12, 0.32, 0.14), (0.10, 0.18, 0.42)))
    thing.cone((0, 0, 0), (0, 0, 0.85), 0.34, "bote", Paint("metal", color, "acanalado", shade(color, 0.5), 8.0), 1.15)
    thing.cone((0, 0, 0.85), (0, 0, 0.95), 0.43, "tapa", Paint("metal", shade(color, 0.8)), 0.7)
    thing.cone((0, -0.08, 1.0), (0, 0.08, 1.0), 0.04, "asa", IRON)
    return thing


def fence(rng: np.random.Generator) -> Thing:
    """Cerca de madera de estacas o de troncos."""
    thing = Thing("cerca")
    board = Paint("madera", (0.86, 0.85, 0.82)) if chance(rng, 0.4) else wood(rng)
    for z in (0.3, 0.62):
        thing.box((0, 0, z), (0.03, 1.25, 0.05), "tabla", board)
    for y in np.linspace(-1.15, 1.15, 8):
        thing.box((0.04, y, 0.42), (0.025, 0.08, 0.42), "estaca", board)
        thing.box((0.04, y, 0.9), (0.025, 0.08, 0.06), "estaca", board, taper=(1.0, 0.1))
    return thing


def barrel(rng: np.random.Generator) -> Thing:
    """Barril de madera con aros, o tambo de lámina."""
    thing = Thing("barril")
    if chance(rng, 0.35):
        color = named(rng, ("azul", "rojo", "verde", "naranja"))
        thing.cone((0, 0, 0), (0, 0, 1.0), 0.36, "duela", Paint("metal", color, "acanalado", shade(color, 0.6), 6.0))
        return thing
    stave = wood(rng)
    thing.cone((0, 0, 0), (0, 0, 0.5), 0.33, "duela", stave, 1.25)
    thing.cone((0, 0, 0.5), (0, 0, 1.0), 0.4125, "duela", stave, 0.8)
    for z, r in ((0.1, 0.355), (0.36, 0.4), (0.6, 0.405), (0.84, 0.365)):
        thing.cone((0, 0, z), (0, 0, z + 0.07), r, "aro", IRON, 1.0)
    return thing


PROPS = {"casa": house, "molino": windmill, "kiosco": kiosk, "farola": street_lamp, "semáforo": traffic_light,
         "señal": sign, "poste": pole,
         "banca": bench, "hidrante": hydrant, "cono": cone, "valla": barrier, "bote de basura": trash_can,
         "cerca": fence, "barril": barrel}

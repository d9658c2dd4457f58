"""Barcos: velero, lancha, pesquero, carguero y bote de remos. La línea de flotación está en z = 0."""
import numpy as np

from .materials import COLORS
from .palette import CHROME, DARK, GLASS, SIDES, chance, contrast, named, patterned, pick, shade, wood
from .shapes import Paint, Thing, rotation

ROPE = Paint("tela", (0.5, 0.42, 0.3))
CREAM = Paint("plástico", (0.86, 0.84, 0.78))


def boat(rng: np.random.Generator) -> Thing:
    """Barco de vela, de motor, de pesca, de carga o de remos."""
    thing = Thing("barco")
    pick(rng, (_sailboat, _motorboat, _trawler, _freighter, _rowboat), (4, 2, 2.5, 2, 1))(rng, thing)
    return thing


def _hull_paint(rng, wooden):
    if chance(rng, wooden):
        return wood(rng)
    return Paint("metal", named(rng, ("blanco", "blanco", "azul", "rojo", "negro", "verde", "gris", "amarillo",
                                      "naranja")))


def _hull(thing: Thing, half: float, height: float, coats: tuple[Paint, Paint, Paint]) -> None:
    """Casco de x = −1 a x = 1, con las pinturas `coats` de los costados, de la obra viva y de la cubierta."""
    paint, bottom, deck = coats
    _layer(thing, (-0.12, 0.035), half * 0.86, "quilla", bottom)
    _layer(thing, (0.03, height), half, "casco", paint)
    rail = Paint(paint.material, shade(paint.color, 0.6))
    _layer(thing, (height - 0.02, height + 0.025), half * 1.04, "borda", rail)
    _layer(thing, (height, height + 0.035), half * 0.88, "cubierta", deck)


def _layer(thing, span, half, part, coat):
    """Una capa del casco: popa y medio rectos, y la proa en dos tramos que se cierran."""
    tall, z = (span[1] - span[0]) / 2, (span[0] + span[1]) / 2
    tip, rise, rake = 1.0 + 0.3 * (z - 0.2), 1.0, 0.0
    if part == "casco":
        rise, rake = 1.16, 0.06
    thing.box((-0.34, 0, z), (0.66, half, tall), part, coat)
    bow = ((0.3, 0.68, 1.0, 0.72, 1.0, 0.0), (0.68 - rake, tip - rake, 0.74, 0.04, rise, rake))
    for x0, x1, start, end, up, lean in bow:
        matrix = np.array([[lean, 0, (x1 - x0) / 2], [0, half * start, 0], [tall, 0, 0]])
        thing.wedge(((x0 + x1) / 2, 0, z), matrix, part, coat, taper=(up, end / start), shift=(up - 1, 0))


def _sail(thing, corner, size, lean, paint, forward):
    """Vela triangular: su orilla recta nace en `corner` (x, z) y se abre hacia atrás (forward = −1) o adelante (1)."""
    (x, z), (wide, tall) = corner, size
    matrix = np.array([[wide / 2, 0, 0], [lean * wide / 2 * -forward, 0.014, 0], [0, 0, tall / 2]])
    thing.wedge((x + forward * wide / 2, -lean * wide / 2, z + tall / 2), matrix, "vela", paint, taper=(0.03, 1.0),
                shift=(-0.97 * forward, 0.0))


def _sailboat(rng, thing):
    height, half = rng.uniform(0.2, 0.26), rng.uniform(0.24, 0.3)
    paint = _hull_paint(rng, 0.4)
    _hull(thing, half, height, (paint, Paint("metal", contrast(rng, paint.color)), wood(rng, 6.0)))
    tall = rng.uniform(1.25, 1.6)
    thing.cone((0.1, 0, height), (0.1, 0, height + tall + 0.1), 0.03, "mástil", wood(rng), 0.6)
    cloth = Paint("tela", named(rng, ("blanco", "blanco", "blanco", "rojo", "naranja", "azul", "amarillo")))
    if chance(rng, 0.4):
        cloth = patterned(rng, cloth, ("rayado", "rayado", "cuadriculado", "zigzag"), (5, 8))
    lean = rng.uniform(-0.35, 0.35)
    _sail(thing, (0.07, height + 0.14), (rng.uniform(0.72, 0.9), tall * 0.9), lean, cloth, -1)
    thing.cone((0.1, 0, height + 0.12), (-0.75, lean * -0.8, height + 0.12), 0.022, "botavara", wood(rng))
    if chance(rng, 0.75):
        jib = cloth if chance(rng, 0.6) else Paint("tela", named(rng, ("blanco", "rojo", "azul")))
        _sail(thing, (0.14, height + 0.1), (rng.uniform(0.6, 0.75), tall * 0.75), lean * 0.6, jib, 1)
    if chance(rng, 0.6):
        thing.box((-0.25, 0, height + 0.05), (0.25, half * 0.6, 0.07), "camarote", CREAM, taper=(0.85, 0.85))
    if chance(rng, 0.5):
        thing.box((-0.02, 0, height + tall + 0.06), (0.1, 0.012, 0.05), "bandera",
                  Paint("tela", named(rng, ("rojo", "azul", "amarillo"))))


def _motorboat(rng, thing):
    height, half = rng.uniform(0.22, 0.28), rng.uniform(0.28, 0.34)
    paint = _hull_paint(rng, 0.2)
    second = Paint("metal", contrast(rng, paint.color))
    _hull(thing, half, height, (paint, second, CREAM if paint.material == "metal" else wood(rng, 6.0)))
    thing.box((-0.33, 0, 0.115), (0.655, half * 1.03, 0.035), "franja", second)
    thing.box((0.1, 0, height + 0.1), (0.3, half * 0.8, 0.11), "camarote", CREAM, taper=(0.75, 0.88), shift=(-0.15, 0))
    matrix = np.array([[0.02, 0, -0.08], [0, half * 0.72, 0], [0, 0, 0.12]])
    thing.wedge((0.28, 0, height + 0.24), matrix, "parabrisas", GLASS, taper=(1, 0.85))
    for side in SIDES:
        thing.box((0.08, side * half * 0.78, height + 0.11), (0.2, 0.012, 0.045), "ventana", GLASS)
        thing.box((-0.45, side * half * 0.4, height + 0.08), (0.12, half * 0.28, 0.09), "asiento",
                  Paint("cuero", named(rng, ("rojo", "café", "blanco"))))
    if chance(rng, 0.5):
        thing.box((-0.2, 0, height + 0.52), (0.36, half * 0.82, 0.02), "toldo",
                  Paint("tela", named(rng), "rayado", COLORS["blanco"], 12.0))
        for x in (-0.5, 0.1):
            for side in SIDES:
                thing.cone((x, side * half * 0.75, height), (x, side * half * 0.75, height + 0.52), 0.018, "poste",
                           CHROME)
    thing.box((-1.02, 0, height * 0.9), (0.09, 0.08, 0.15), "motor", DARK, taper=(0.8, 0.8))


def _trawler(rng, thing):
    height, half = rng.uniform(0.26, 0.32), rng.uniform(0.29, 0.34)
    paint = _hull_paint(rng, 0.4)
    _hull(thing, half, height, (paint, Paint("metal", contrast(rng, paint.color, ("rojo", "verde", "azul", "negro"))),
                                wood(rng, 6.0)))
    thing.box((-0.33, 0, height - 0.07), (0.655, half * 1.03, 0.03), "franja",
              Paint("metal", contrast(rng, paint.color, ("blanco", "amarillo", "rojo"))))
    x, tall = pick(rng, (-0.45, 0.2)), rng.uniform(0.36, 0.48)
    walls = Paint("madera", named(rng, ("blanco", "blanco", "rojo", "amarillo", "azul")))
    thing.box((x, 0, height + tall / 2), (0.26, half * 0.72, tall / 2), "camarote", walls, taper=(0.94, 0.94))
    thing.box((x, 0, height + tall + 0.02), (0.32, half * 0.82, 0.03), "techo",
              Paint("metal", contrast(rng, walls.color)))
    for spot in (-0.13, 0.1):
        thing.box((x + spot, 0, height + tall * 0.66), (0.085, half * 0.735, tall * 0.16), "ventana", GLASS)
    thing.box((x, 0, height + tall * 0.66), (0.263, half * 0.52, tall * 0.16), "ventana", GLASS)
    far = 0.25 if x < 0 else -0.4
    thing.cone((far, 0, height), (far, 0, height + 0.85), 0.03, "mástil", wood(rng), 0.7)
    thing.cone((far, 0, height + 0.2), (far + (0.5 if x < 0 else -0.5), 0, height + 0.75), 0.022, "grúa", CHROME)
    if chance(rng, 0.6):
        thing.cone((x - 0.12, 0, height + tall), (x - 0.15, 0, height + tall + 0.28), 0.075, "chimenea",
                   Paint("metal", named(rng, ("rojo", "negro", "azul"))))
    for side in SIDES:
        for spot in (-0.55, 0.05, 0.4):
            thing.cone((spot, side * half, 0.17), (spot, side * (half + 0.05), 0.17), 0.08, "llanta",
                       Paint("goma", (0.03, 0.03, 0.03)), 1.0, 0.5)


def _freighter(rng, thing):
    height, half = rng.uniform(0.26, 0.32), rng.uniform(0.23, 0.27)
    paint = Paint("metal", named(rng, ("rojo", "azul", "negro", "verde", "gris", "naranja")))
    _hull(thing, half, height, (paint, Paint("metal", (0.4, 0.06, 0.04)), Paint("metal", (0.3, 0.31, 0.31))))
    tower = Paint("metal", (0.86, 0.86, 0.84))
    for floor, (long, wide) in enumerate(((0.17, 0.9), (0.14, 0.8), (0.11, 0.95))):
        z = height + 0.08 + 0.16 * floor
        thing.box((-0.75, 0, z), (long, half * wide, 0.08), "puente", tower)
        thing.box((-0.75, 0, z + 0.01), (long + 0.006, half * wide + 0.006, 0.03), "ventana", GLASS)
    thing.cone((-0.82, 0, height + 0.48), (-0.84, 0, height + 0.72), 0.07, "chimenea",
               Paint("metal", named(rng, ("rojo", "azul", "naranja")), "liso"))
    for i in range(4):
        for level in range(int(rng.integers(1, 4))):
            for side in SIDES:
                color = named(rng, ("rojo", "azul", "verde", "amarillo", "naranja", "blanco", "gris"))
                box = Paint("metal", color, "acanalado", shade(color, 0.6), 14.0)
                thing.box((-0.4 + 0.3 * i, side * half * 0.46, height + 0.08 + 0.155 * level),
                          (0.14, half * 0.44, 0.075), "contenedor", box)


def _rowboat(rng, thing):
    height, half, paint = 0.28, rng.uniform(0.34, 0.4), _hull_paint(rng, 0.75)
    _hull(thing, half, height, (paint, Paint("metal", contrast(rng, paint.color)),
                                Paint("madera", shade(paint.color, 0.5))))
    for x in (-0.6, -0.05, 0.42):
        thing.box((x, 0, height + 0.035), (0.09, half * 0.95, 0.025), "asiento", wood(rng))
    for side in SIDES:
        blade = np.array([-0.4 + rng.uniform(-0.2, 0.2), side * 0.92, 0.05])
        thing.cone((-0.05, side * half * 0.6, height + 0.16), blade, 0.024, "remo", wood(rng))
        thing.ellipsoid(blade, (0.06, 0.13, 0.03), "remo", wood(rng), rotation("x", -side * 15))


CLASSES = {"barco": boat}

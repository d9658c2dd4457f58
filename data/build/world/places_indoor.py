"""Los lugares de adentro: sala, cocina y establo; cada uno con dos paredes que hacen esquina."""
import numpy as np

from .setting import Frame, Setting, direction, indoors
from .shapes import Paint, Vector
from .stage import Wall, Zone
from .surfaces import GROUNDS, fabric, ground, pick, shade, vary, wall_zone

DAYLIGHT = ((0.55, 0.75, 0.95), (0.80, 0.86, 0.92), (0.95, 0.72, 0.48), (0.62, 0.80, 0.62))
FRAMES = ((0.85, 0.84, 0.80), (0.40, 0.23, 0.10), (0.20, 0.11, 0.05), (0.75, 0.60, 0.20))


def corner(rng: np.random.Generator, frame: Frame, back: list[Zone], side: list[Zone]) -> list[Wall]:
    """Dos paredes en ángulo recto: la del fondo, casi de frente a la cámara, y una de costado."""
    turn, hand = rng.uniform(-28, 28), float(rng.choice([-90, 90]))
    distances = rng.uniform(1.4, 3.2) * frame.radius, rng.uniform(1.7, 3.6) * frame.radius
    angles = frame.away(turn), frame.away(turn + hand)
    return [Wall(direction(angle) * distance, -direction(angle), zones)
            for angle, distance, zones in zip(angles, distances, (back, side))]


def _rect(name: str, part: str, paint: Paint, u: float, v: float, half_u: float, half_v: float) -> Zone:
    return Zone("rect", name, paint, part, (u - half_u, u + half_u, v - half_v, v + half_v), 0.1)


def _framed(name: str, inside: str, frame_paint: Paint, paint: Paint,
            box: tuple[float, float, float, float]) -> list[Zone]:
    """Marco y, dentro, lo que enmarca; `box`: centro (u, v) y medios lados."""
    u, v, half_u, half_v = box
    return [_rect(name, "marco", frame_paint, u, v, half_u, half_v),
            _rect(name, inside, paint, u, v, half_u - 0.09, half_v - 0.09)]


def window(rng: np.random.Generator, u: float, v: float, size: float) -> list[Zone]:
    """Ventana con marco, vidrio luminoso y travesaños; a veces con cortina."""
    half_u, half_v = size * rng.uniform(0.45, 0.8), size * rng.uniform(0.45, 0.65)
    rim = Paint("madera", shade(rng, pick(rng, FRAMES)))
    zones = _framed("ventana", "vidrio", rim, Paint("vidrio", shade(rng, pick(rng, DAYLIGHT))), (u, v, half_u, half_v))
    zones += [_rect("ventana", "marco", rim, u, v, 0.035, half_v), _rect("ventana", "marco", rim, u, v, half_u, 0.035)]
    if rng.random() < 0.45:
        cloth = fabric(rng)
        zones += [_rect("cortina", "", cloth, u + side * half_u, v - 0.05, half_u * 0.35, half_v * 1.25)
                  for side in (-1, 1)]
    return zones


def picture(rng: np.random.Generator, u: float, v: float, size: float) -> list[Zone]:
    """Cuadro colgado: marco y un lienzo con dibujo."""
    half = size * rng.uniform(0.3, 0.5), size * rng.uniform(0.3, 0.5)
    return _framed("cuadro", "lienzo", Paint("madera", shade(rng, pick(rng, FRAMES))), fabric(rng, "papel"),
                   (u, v, *half))


def door(rng: np.random.Generator, u: float, height: float) -> list[Zone]:
    """Puerta de madera con marco y perilla."""
    wood: Vector = shade(rng, pick(rng, FRAMES), 0.2)
    leaf = Paint("madera", wood, pick(rng, ("acanalado", "veteado", "liso")), shade(rng, tuple(0.6 * c for c in wood)),
                 1.5)
    half = height * 0.24
    return [_rect("puerta", "marco", Paint("madera", shade(rng, pick(rng, FRAMES))), u, height / 2, half + 0.1,
                  height / 2 + 0.1),
            _rect("puerta", "hoja", leaf, u, height / 2, half, height / 2),
            _rect("puerta", "perilla", Paint("metal", (0.7, 0.55, 0.2)), u + half * 0.75, height * 0.45, 0.06, 0.06)]


def _skirting(rng: np.random.Generator, base: Zone) -> Zone:
    """Zócalo: la franja de abajo de una pared."""
    return Zone("below", base.name, Paint("madera", shade(rng, pick(rng, FRAMES))), "zócalo",
                (rng.uniform(0.1, 0.2), 0.0, 0.0, 0.0), 0.1)


def _hangings(rng: np.random.Generator, radius: float) -> list[Zone]:
    """Lo que cuelga de una pared de sala: ventana, cuadros o puerta, a los lados de la cosa principal."""
    u, v = rng.uniform(0.3, 1.9) * radius * float(rng.choice([-1, 1])), rng.uniform(1.2, 1.7) * radius
    kind = rng.random()
    if kind < 0.4:
        return window(rng, u, v, radius)
    if kind < 0.65:
        other = u - rng.uniform(1.0, 1.6) * radius, v + rng.uniform(-0.2, 0.2)
        return picture(rng, u, v, radius) + picture(rng, *other, radius)
    return door(rng, u * 1.2, rng.uniform(1.8, 2.6) * radius) if kind < 0.85 else []


def living_room(rng: np.random.Generator, frame: Frame) -> Setting:
    """Sala: duela, alfombra o baldosa con tapete; paredes de yeso, papel, madera o ladrillo, con ventana y cuadros."""
    kind = pick(rng, ("duela", "duela", "alfombra", "baldosa"))
    zones = [Zone("all", "alfombra", fabric(rng), "", mottle=0.15) if kind == "alfombra" else ground(rng, kind)]
    if kind != "alfombra" and rng.random() < 0.6:
        zones += _rug(rng, frame)
    name = pick(rng, ("pared de yeso", "papel tapiz", "pared de yeso", "papel tapiz", "pared de madera",
                      "pared de ladrillo"))
    base = wall_zone(rng, name)
    low = [_skirting(rng, base)] if rng.random() < 0.75 else []
    other = base if rng.random() < 0.7 else wall_zone(rng, "pared de yeso")
    walls = corner(rng, frame, [base, *low, *_hangings(rng, frame.radius)],
                   [other, *low, *_hangings(rng, frame.radius)])
    sky, light = indoors(rng, frame)
    names = ["sillón", "silla", "mesa", "lámpara", "maceta", "pelota", "bloque", "librero", "cojín", "caja"]
    return Setting(zones, walls, sky, light, names)


def _rug(rng: np.random.Generator, frame: Frame) -> list[Zone]:
    """Tapete con orilla, bajo la cosa o corrido a un lado."""
    center, half = rng.uniform(-0.4, 0.4, 2), rng.uniform(0.9, 1.7, 2) * frame.radius
    cloth = fabric(rng)
    outer, inner = [(center[0] - h0, center[0] + h0, center[1] - h1, center[1] + h1) for h0, h1 in (half, half - 0.18)]
    return [Zone("rect", "tapete", Paint("tela", cloth.color2 or (0.5, 0.3, 0.2)), "orilla", outer, 0.1),
            Zone("rect", "tapete", cloth, "", inner, 0.15)]


def kitchen(rng: np.random.Generator, frame: Frame) -> Setting:
    """Cocina: baldosa o linóleo, azulejo hasta media pared, alacenas y ventana."""
    r, name = frame.radius, pick(rng, ("azulejo", "azulejo", "pared de yeso"))
    zones = [ground(rng, pick(rng, ("baldosa", "baldosa", "linóleo", "linóleo", "duela")))]
    tile = wall_zone(rng, name)
    low = [Zone("below", tile.name, tile.paint, "", (rng.uniform(1.1, 2.2) * r, 0.0, 0.0, 0.0), 0.1)]
    if rng.random() < 0.6:
        low += _cupboards(rng, rng.uniform(0.6, 0.9) * r)
    back = [wall_zone(rng, "pared de yeso"), *low, *window(rng, rng.uniform(-1.5, 1.5) * r, 1.7 * r, 0.8 * r)]
    side = [back[0], low[0]]
    if rng.random() < 0.4:
        side += door(rng, rng.uniform(-1, 1) * r, 2.2 * r)
    walls = corner(rng, frame, back, side)
    sky, light = indoors(rng, frame)
    names = ["silla", "mesa", "estufa", "refrigerador", "cubeta", "maceta", "caja", "olla", "fruta", "lámpara"]
    return Setting(zones, walls, sky, light, names)


def _cupboards(rng: np.random.Generator, height: float) -> list[Zone]:
    """Alacenas bajas con puertas y una cubierta a lo largo de la pared."""
    color = shade(rng, pick(rng, (*FRAMES, (0.25, 0.45, 0.40), (0.70, 0.30, 0.22), (0.30, 0.40, 0.60))))
    body, leaf = Paint("madera", shade(rng, color, 0.3)), Paint("madera", color)
    step = rng.uniform(0.7, 1.1)
    zones = [Zone("below", "alacena", body, "", (height, 0.0, 0.0, 0.0), 0.1)]
    zones += [_rect("alacena", "puerta", leaf, (k + 0.5) * step, height / 2, step * 0.43, height * 0.38)
              for k in range(-4, 4)]
    stone = Paint("piedra", shade(rng, (0.5, 0.48, 0.45), 0.3), "granulado", (0.2, 0.2, 0.2), 5.0)
    return [*zones, _rect("alacena", "cubierta", stone, 0.0, height + 0.06, 20.0, 0.06)]


def barn(rng: np.random.Generator, frame: Frame) -> Setting:
    """Establo: paja o tierra, paredes de tabla o de piedra con postes, portón y luz que entra de lado."""
    r, base = frame.radius, pick(rng, ("paja", "paja", "tierra", "piso de ladrillo", "concreto"))
    zones = [ground(rng, base)]
    if base != "paja":
        zones.append(ground(rng, "paja", "patches", rng.uniform(0.4, 0.9), rng.uniform(0.48, 0.56)))
    planks = wall_zone(rng, pick(rng, ("pared de madera", "pared de madera", "pared de madera", "muro de piedra",
                                       "pared de ladrillo")))
    post = vary(rng, GROUNDS["duela"][1])
    posts = [_rect("poste", "", post, (k + rng.uniform(0.2, 0.8)) * 2.4, 3.0, 0.11, 3.0) for k in range(-3, 3)]
    rail = _rect("poste", "travesaño", post, 0.0, rng.uniform(0.9, 1.6) * r, 20.0, 0.09)
    opening = window(rng, rng.uniform(-1.6, 1.6) * r, 1.6 * r, 0.7 * r)[:4]
    if rng.random() < 0.4:
        opening = door(rng, rng.uniform(-2, 2) * r, 2.4 * r)
    walls = corner(rng, frame, [planks, rail, *posts, *opening], [planks, rail, *posts])
    sky, light = indoors(rng, frame, rng.uniform(0.8, 1.1))
    return Setting(zones, walls, sky, light, ["paca", "paca", "cubeta", "barril", "cerca", "caja", "escalera",
                                              "carretilla", "paja"])

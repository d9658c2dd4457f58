"""Los accesorios de una escena: cuáles, de qué tamaño y dónde, sin encimarse ni pararse en la calle o en el agua."""
import numpy as np

from .framing import outline
from .props import PROPS
from .setting import Frame, Setting, direction
from .shapes import Thing, rotation
from .stage import Camera, Zone

KEEP_OFF = ("calle", "carretera", "agua dulce", "agua de mar", "arena mojada", "espuma", "charco")
ALOFT = ("globo", "nube", "cometa", "ave")
# radio respecto del de la cosa principal: los grandes se quedan cortos a propósito, para que quepan en la imagen
SIZES = {"casa": 1.6, "árbol": 1.3, "pino": 1.3, "palmera": 1.4, "acacia": 1.3, "farola": 1.2, "faro": 1.4,
         "isla": 1.2, "molino": 1.4, "kiosco": 1.3, "semáforo": 1.0, "poste": 1.3, "estatua": 0.9, "fuente": 0.8,
         "sombrilla": 0.9, "tienda de campaña": 0.9, "columpio": 0.9, "refrigerador": 0.9, "estufa": 0.65,
         "sillón": 0.75, "librero": 0.85, "lámpara": 0.7, "cerca": 0.8, "valla": 0.7, "escalera": 0.8, "señal": 0.75,
         "cactus": 0.8, "nopal": 0.65, "silla": 0.6, "mesa": 0.65, "banca": 0.65, "flor": 0.38, "concha": 0.28,
         "fruta": 0.24, "olla": 0.32, "pelota": 0.34, "cono": 0.4, "hidrante": 0.42, "bloque": 0.36, "cubeta": 0.36,
         "regadera": 0.36, "hongo": 0.36, "calavera": 0.34, "estrella de mar": 0.34, "castillo de arena": 0.45,
         "cojín": 0.38, "caja": 0.45, "globo": 0.8, "nube": 1.2}
# junto a lo que en la vida es grande, lo demás se ve más chico, y al revés
AGAINST = {"avión": 0.75, "barco": 0.8, "camión": 0.9, "gato": 1.25, "pájaro": 1.25, "perro": 1.15, "bicicleta": 1.05}
IN_FRONT = 0.13


def scatter(rng: np.random.Generator, mains: list[Thing], setting: Setting, camera: Camera,
            frame: Frame) -> list[Thing]:
    """Accesorios ya colocados: detrás, al lado y, de vez en cuando, delante, tapando un poco."""
    names, taken, props = [n for n in setting.props if n in PROPS], [], []
    footprints = [_footprint(thing) for thing in mains]
    for _ in range(int(rng.integers(setting.crowd[0], setting.crowd[1] + 1)) if names else 0):
        name, front = str(rng.choice(names)), rng.random() < IN_FRONT
        prop = PROPS[name](rng)
        wanted = frame.radius * SIZES.get(name, 0.5) * AGAINST.get(mains[0].name, 1.0) * rng.uniform(0.8, 1.25)
        if front:                                                              # que tape, cuando mucho, un tercio
            wanted = min(wanted, 0.5 * frame.distance * np.tan(np.deg2rad(camera.view) / 2) * rng.uniform(0.18, 0.36))
        if front and SIZES.get(name, 0.5) > 0.9:
            continue
        prop.place(rotation("z", rng.uniform(0, 360)) * wanted / prop.bounds()[1])
        points = outline([prop])
        reach = float(np.hypot(points[:, 0], points[:, 1]).max())
        spot = _spot(rng, front, reach, setting, camera, frame, (footprints, taken))
        if spot is not None:
            taken.append((spot, reach))
            height = frame.radius * rng.uniform(0.6, 2.2) if name in ALOFT else 0.0
            props.append(prop.place(np.eye(3), (*spot, height)))
    return props


def _footprint(thing: Thing) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Rectángulo que pisa la cosa: ejes (2, 2), mínimo y máximo sobre ellos."""
    forward = thing.matrix[:2, 0] / max(1e-6, np.linalg.norm(thing.matrix[:2, 0]))
    axes = np.stack([forward, [-forward[1], forward[0]]])
    flat = outline([thing])[:, :2] @ axes.T
    return axes, flat.min(0), flat.max(0)


def _spot(rng: np.random.Generator, front: bool, reach: float, setting: Setting, camera: Camera, frame: Frame,
          busy: tuple[list, list]) -> np.ndarray | None:
    """Lugar (x, y) libre y a la vista para un accesorio de radio `reach`, o None si no lo hubo en 20 intentos."""
    away, right = direction(frame.away())[:2], direction(frame.away(-90))[:2]
    spread, r = np.tan(np.deg2rad(camera.view) / 2), frame.radius
    indoors = 0.5 if setting.walls or setting.limits else 1.0
    for _ in range(20):
        depth = -rng.uniform(0.4, 0.6) * frame.distance if front else (0.2 + 4.4 * rng.random() ** 1.5 * indoors) * r
        lateral = rng.uniform(-1, 1) * (0.4 * r if front else spread * (frame.distance + depth) + 0.3 * reach)
        spot = depth * away + lateral * right
        if _is_free(spot, reach, setting, busy):
            return spot
    return None


def _is_free(spot: np.ndarray, reach: float, setting: Setting, busy: tuple[list, list]) -> bool:
    footprints, taken = busy
    for axes, low, high in footprints:
        flat = axes @ spot
        if np.linalg.norm(flat - np.clip(flat, low, high)) < reach + 0.05:
            return False
    if any(np.linalg.norm(spot - other) < 0.8 * (reach + other_reach) for other, other_reach in taken):
        return False
    limits = [(wall.point, wall.normal) for wall in setting.walls] + setting.limits
    if any((spot - point[:2]) @ normal[:2] < reach + 0.05 for point, normal in limits):
        return False
    return not setting.ground or _name_at(setting.ground, spot) not in set(KEEP_OFF) - {setting.ground[0].name}


def _name_at(zones: list[Zone], spot: np.ndarray) -> str:
    """Nombre del suelo en ese punto, sin contar manchas ni ondulaciones."""
    name = zones[0].name
    for zone in zones:
        a = np.deg2rad(zone.params[0])
        along, across = spot @ [np.cos(a), np.sin(a)], spot @ [-np.sin(a), np.cos(a)]
        in_band = zone.rule == "band" and abs(across - zone.params[1]) < zone.params[2]
        if in_band or zone.rule == "beyond" and along > zone.params[1]:
            name = zone.name
    return name

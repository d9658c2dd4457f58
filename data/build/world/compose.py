"""De una cosa a una escena completa: escoge lugar y postura, pone la cámara, arma el lugar y reparte los accesorios."""
from collections.abc import Callable
from copy import deepcopy
from dataclasses import replace

import numpy as np

from .clutter import scatter
from .framing import aim, outline
from .materials import COLORS
from .places import PLACES, place_odds
from .setting import Frame, Light, Setting, choose, direction, outdoors
from .shapes import Paint, Thing, rotation
from .stage import Camera, Scene, Sky, Zone
from .surfaces import ground, pick, ridge, shade

ROOMS = ("sala", "cocina", "establo")
SHORES = ("playa", "montaña", "selva")
Maker = Callable[[np.random.Generator, Frame], Setting]


def compose(rng: np.random.Generator, thing: Thing, class_name: str, place: str | None = None, clutter: bool = True,
            view: tuple[float, float] | None = None) -> Scene:
    """Escena con `thing` como cosa principal; la coloca en el mundo (`thing.place`).

    place: uno de `PLACES`, o None para sortearlo según la clase. clutter: con accesorios.
    view: (azimut relativo al frente de la cosa, elevación) en grados; None los sortea.
    """
    place = place or _likely_place(rng, thing, class_name)
    if place not in PLACES:
        raise ValueError(f"Se esperaba un lugar de {list(PLACES)}; llegó {place!r}.")
    wet = place == "mar" or place in SHORES and class_name in ("barco", "pez") and rng.random() < 0.75
    yaw = pose(rng, thing, class_name, place, wet)
    azimuth, elevation = view or viewpoint(rng, place)
    camera = aim(rng, outline([thing]), (yaw + azimuth, elevation), rng.uniform(28, 50),
                 0.58 + 0.44 * rng.beta(1.4, 1.0), place != "cielo")
    return assemble(rng, [thing], place, PLACES[place], camera, clutter, wet)


def _likely_place(rng: np.random.Generator, thing: Thing, class_name: str) -> str:
    """Lugar al azar según la clase; el pájaro posado casi nunca queda en el cielo y el que vuela, más."""
    odds = place_odds(class_name)
    if class_name == "pájaro":
        odds["cielo"] *= 1.85 if _wings_open(thing) else 0.15
    return choose(rng, odds)


def _wings_open(thing: Thing) -> bool:
    """¿Es tan ancha como larga? Sólo se usa con pájaros."""
    size = np.ptp(outline([thing]), axis=0)
    return bool(size[1] > 0.8 * size[0])


def viewpoint(rng: np.random.Generator, place: str) -> tuple[float, float]:
    """Azimut respecto del frente de la cosa y elevación de la cámara, en grados: casi siempre de costado."""
    azimuth = float(rng.choice([-90, 90])) + 24 * rng.normal() if rng.random() < 0.85 else rng.uniform(0, 360)
    low, high = {"cielo": (-38, 22), "fondo marino": (-4, 28)}.get(place, (6, 27) if place in ROOMS else (3, 32))
    raised = rng.random() if place == "cielo" else rng.beta(1.0, 1.9)          # fuera del cielo, más bien baja
    return float(azimuth), float(low + (high - low) * raised)


def pose(rng: np.random.Generator, thing: Thing, class_name: str, place: str, wet: bool) -> float:
    """Coloca la cosa sobre el origen: de pie, flotando, volando o nadando según el lugar; da su rumbo (grados)."""
    yaw, pitch, roll, height = rng.uniform(0, 360), 0.0, 0.0, None
    if _flies(rng, thing, class_name, place):
        pitch, roll, height = rng.uniform(-25, 25), rng.uniform(-35, 35), rng.uniform(0.3, 1.5)
    elif class_name == "pez":
        tilt = 35 if wet else 18
        pitch, roll = rng.uniform(-tilt, tilt), rng.uniform(-12, 12)
        height = rng.uniform(-0.3, 0.5) if wet else rng.uniform(0.02, 0.9)
    elif place == "cielo" or place == "fondo marino" and rng.random() < 0.35:
        pitch, roll, height = rng.uniform(-15, 15), rng.uniform(-15, 15), rng.uniform(0.1, 1.0)
    elif class_name == "barco":
        roll = rng.uniform(-5, 5)
    elif class_name == "avión":
        height = 0.0
    stretch = np.diag(1 + 0.07 * np.clip(rng.normal(size=3), -1.5, 1.5))
    thing.place(rotation("z", yaw) @ rotation("y", pitch) @ rotation("x", roll) @ stretch)
    points = outline([thing])
    middle = (points.min(0) + points.max(0)) / 2
    afloat = -0.05 if wet and class_name == "barco" else -0.12 if wet else 0.0
    thing.place(np.eye(3), (-middle[0], -middle[1], afloat if height is None else height - points[:, 2].min()))
    return float(yaw)


def _flies(rng: np.random.Generator, thing: Thing, class_name: str, place: str) -> bool:
    if class_name == "avión":
        return place in ("cielo", "mar") or place not in ROOMS and rng.random() < 0.45
    return class_name == "pájaro" and _wings_open(thing)


def assemble(rng: np.random.Generator, mains: list[Thing], place: str, make: Maker, camera: Camera, clutter: bool,
             wet: bool = False) -> Scene:
    """Arma el lugar alrededor de las cosas principales, vistas ya por la cámara, y reparte los accesorios."""
    radius = mains[0].bounds()[1]
    eye = camera.origin - outline(mains).mean(0)
    frame = Frame(radius, float(np.degrees(np.arctan2(eye[1], eye[0]))), float(np.hypot(eye[0], eye[1])), wet)
    setting = make(rng, frame)
    props = scatter(rng, mains, setting, camera, frame) if clutter else []
    light = setting.light
    return Scene([*mains, *props, *setting.things], place, setting.ground, setting.walls, setting.sky, camera,
                 light.sun,
                 light.sun_color, light.ambient, light.sun_size, light.fog, light.exposure, radius,
                 int(rng.integers(2 ** 31)))


def without_main(scene: Scene) -> Scene:
    """La misma escena sin la cosa que da la clase (si no queda nada más, una mota detrás de la cámara: no se ve)."""
    speck = Thing("").ellipsoid(scene.camera.origin - scene.camera.axes[2] * 50, 1e-3, "",
                                Paint("papel", (0.5, 0.5, 0.5)))
    return replace(scene, things=scene.things[1:] or [speck])


def twice(rng: np.random.Generator, thing: Thing, class_name: str, place: str | None = None) -> Scene:
    """Escena con dos cosas iguales lado a lado (`things[0]` y `things[1]`): tapar una no basta para perder la clase."""
    place = place or choose(rng, place_odds(class_name, 0.0))
    wet = place == "mar" or place in SHORES and class_name in ("barco", "pez")
    yaw = pose(rng, thing, class_name, place, wet)
    azimuth, elevation = viewpoint(rng, place)
    azimuth = float(np.sign(azimuth) * rng.uniform(25, 60))                    # de tres cuartos caben mejor las dos
    right = np.cross(-direction(yaw + azimuth), [0, 0, 1])
    along = outline([thing]) @ right
    gap = (np.ptp(along) + 0.15 * thing.bounds()[1]) / 2
    other = deepcopy(thing)
    thing.place(np.eye(3), -gap * right)
    other.place(np.eye(3), gap * right + rng.uniform(-0.3, 0.3) * direction(yaw + azimuth))
    camera = aim(rng, outline([thing, other]), (yaw + azimuth, elevation), rng.uniform(30, 45), rng.uniform(0.84, 0.93),
                 place != "cielo")
    return assemble(rng, [thing, other], place, PLACES[place], camera, False, wet)


def studio(rng: np.random.Generator, thing: Thing, tone: str) -> Scene:
    """Foto de estudio: fondo sin costura, «negro», «blanco» o «libre» (cualquier color), y sombra suave."""
    if tone not in ("negro", "blanco", "libre"):
        raise ValueError(f"Se esperaba un tono «negro», «blanco» o «libre»; llegó {tone!r}.")
    yaw = pose(rng, thing, "automóvil", "estudio", False)
    azimuth, elevation = viewpoint(rng, "estudio")
    camera = aim(rng, outline([thing]), (yaw + azimuth, elevation), rng.uniform(28, 45), rng.uniform(0.6, 0.9))
    return assemble(rng, [thing], "estudio", lambda r, frame: _backdrop(r, frame, tone), camera, False)


def _backdrop(rng: np.random.Generator, frame: Frame, tone: str) -> Setting:
    """Suelo de un tono y, detrás, la misma luz que él devuelve: así no se ve dónde acaba."""
    color = {"negro": (0.012, 0.012, 0.013), "blanco": (0.88, 0.88, 0.87)}.get(tone)
    color = color or shade(rng, COLORS[str(rng.choice(list(COLORS)))], 0.3)
    sun = direction(frame.azimuth + rng.uniform(-100, 100), rng.uniform(45, 70))
    light = Light(sun, np.array([1.0, 0.98, 0.95]) * rng.uniform(0.7, 1.0), np.full(3, rng.uniform(0.45, 0.65)), 0.22,
                  0.0,
                  {"negro": 0.9, "blanco": 1.35}.get(tone, 1.0))
    glow = np.asarray(color) * (1.1 * light.ambient + sun[2] * light.sun_color)
    return Setting([Zone("all", "fondo", Paint("papel", color), mottle=0.0)], [],
                   Sky("none", glow, glow, 0.0, "fondo"), light, [])


def snow_or_grass(rng: np.random.Generator, thing: Thing, snow: bool) -> Scene:
    """Un lobo o un perro sobre nieve (`snow`) o sobre pasto; lo demás se sortea igual en los dos casos."""
    yaw = pose(rng, thing, "perro", "campo", False)
    azimuth, elevation = viewpoint(rng, "campo")
    camera = aim(rng, outline([thing]), (yaw + azimuth, elevation + 4), rng.uniform(30, 48), rng.uniform(0.55, 0.9))
    place = "nieve" if snow else "campo"
    return assemble(rng, [thing], place, lambda r, frame: _one_ground(r, frame, "nieve" if snow else "pasto"), camera,
                    True)


def _one_ground(rng: np.random.Generator, frame: Frame, name: str) -> Setting:
    ridges = [ridge(rng, pick(rng, ("hills", "peaks")), 0.45), ridge(rng, "trees", 0.25, 0.7)]
    sky, light = outdoors(rng, frame, ridges)
    return Setting([ground(rng, name)], [], sky, light, ["pino", "roca", "cerca", "tronco", "árbol"], (0, 3))

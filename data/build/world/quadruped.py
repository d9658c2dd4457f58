"""El cuerpo de los animales de cuatro patas con garras: gatos, jaguares, perros y lobos, en tres posturas."""
from collections.abc import Sequence
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np

from .palette import BLACK_EYE, SIDES, pick
from .shapes import Paint, Thing, Vector, rotation

POSES = ("parado", "sentado", "echado")


class Coat(NamedTuple):
    """Las pinturas de un animal: lomo, vientre, pies, hocico, punta de la cola, orejas, y el color de los ojos."""
    body: Paint
    belly: Paint
    feet: Paint
    muzzle: Paint
    tail: Paint
    ears: Paint
    eye: Vector


class Build(NamedTuple):
    """Las medidas de un animal: largo de cadera a hombro, altura del lomo, grueso del tronco y de las patas, cabeza."""
    length: float
    height: float
    girth: float
    leg: float
    head: float
    paw: str = "pata"


@dataclass(frozen=True)
class Joint:
    """Un punto con orientación, para colgar piezas de él: `turn` (3, 3) lleva sus ejes a los de la cosa."""
    center: np.ndarray
    turn: np.ndarray

    def at(self, x: float, y: float, z: float) -> np.ndarray:
        """El punto (x, y, z) de los ejes de la articulación, en los de la cosa."""
        return self.center + self.turn @ np.array([x, y, z], float)


def plain_coat(paint: Paint, eye: Vector) -> Coat:
    """Un pelaje con la misma pintura en todas partes."""
    return Coat(paint, paint, paint, paint, paint, paint, eye)


def chain(thing: Thing, points: Sequence, radii: Sequence[float], part: str, paint: Paint) -> None:
    """Piezas suaves seguidas por `points` (n, 3), del grueso `radii` (n) que se va pidiendo."""
    for start, end, thick, thin in zip(points, points[1:], radii, radii[1:]):
        thing.limb(start, end, thick, part, paint, thin / thick)


def aim(rng: np.random.Generator, center: Sequence[float] | np.ndarray, yaw: float = 40.0,
        pitch: float = 12.0) -> Joint:
    """Una cabeza en `center` que mira al azar hacia los lados (hasta `yaw` grados) y arriba o abajo (`pitch`)."""
    turn = rotation("z", rng.uniform(-yaw, yaw)) @ rotation("y", rng.uniform(-pitch, pitch))
    return Joint(np.asarray(center, float), turn)


def body(thing: Thing, rng: np.random.Generator, build: Build, coat: Coat, pose: str) -> tuple[np.ndarray, np.ndarray]:
    """Tronco y patas en una postura de `POSES`; devuelve dónde empiezan el cuello y la cola."""
    return {"parado": _standing, "sentado": _sitting, "echado": _lying}[pose](thing, rng, build, coat)


def random_pose(rng: np.random.Generator) -> str:
    """Una postura: la mitad de las veces de pie."""
    return pick(rng, POSES, (0.55, 0.27, 0.18))


def _standing(thing, rng, build, coat):
    half, z, girth = build.length / 2, build.height, build.girth
    chain(thing, [(-half, 0, z + 0.01), (0, 0, z), (half, 0, z)], [girth * 0.93, girth * 0.95, girth * 1.06], "torso",
          coat.body)
    thing.limb((-half * 0.5, 0, z - girth * 0.35), (half, 0, z - girth * 0.38), girth * 0.75, "torso", coat.belly, 1.05)
    stride = rng.uniform(0.0, 0.2) * z / 0.5
    for side in SIDES:
        sway = side * stride * rng.uniform(0.7, 1.1)
        _front_leg(thing, (half - 0.02, side * girth * 0.55, z), sway, build, coat)
        _hind_leg(thing, (-half + 0.03, side * girth * 0.55, z), -sway * 0.9, build, coat)
    return np.array([half, 0, z + girth * 0.35]), np.array([-half - girth * 0.75, 0, z + girth * 0.35])


def _front_leg(thing, top, sway, build, coat):
    (x, y, z), thick = top, build.leg
    knee, foot = (x - 0.02 + sway * 0.45, y, z * 0.5), (x + sway, y, thick * 0.75)
    chain(thing, [(x, y * 0.8, z - 0.03), knee], [thick * 1.5, thick * 1.05], "pata", coat.body)
    chain(thing, [knee, foot], [thick * 1.05, thick * 0.85], "pata", coat.feet)
    _paw(thing, foot, build, coat)


def _hind_leg(thing, top, sway, build, coat):
    (x, y, z), thick = top, build.leg
    knee = (x + 0.09 + sway * 0.4, y * 1.05, z * 0.55)
    hock, foot = (x - 0.09 + sway * 0.8, y, z * 0.3), (x - 0.03 + sway, y, thick * 0.75)
    thing.ellipsoid((x + 0.03, y * 0.95, z * 0.84), (thick * 2.1, thick * 1.35, z * 0.33), "torso", coat.body,
                    rotation("y", -14), soft=True)
    chain(thing, [knee, hock], [thick * 1.35, thick * 0.9], "pata", coat.body)
    chain(thing, [hock, foot], [thick * 0.9, thick * 0.82], "pata", coat.feet)
    _paw(thing, foot, build, coat)


def _paw(thing, foot, build, coat):
    size = build.leg
    thing.ellipsoid(np.asarray(foot) + (size * 0.55, 0, -size * 0.05), (size * 1.5, size * 1.02, size * 0.72),
                    build.paw,
                    coat.feet, soft=True)


def _sitting(thing, rng, build, coat):
    girth, thick = build.girth, build.leg
    rise = build.length * 0.62 + 0.06
    hips, chest = np.array([-0.24, 0, girth * 1.12]), np.array([0.14, 0, rise])
    chain(thing, [hips, (hips + chest) / 2, chest], [girth * 1.2, girth * 1.12, girth * 0.98], "torso", coat.body)
    thing.limb((0.06, 0, girth * 1.2), chest + (girth * 0.32, 0, -0.02), girth * 0.8, "torso", coat.belly, 0.95)
    for side in SIDES:
        foot = np.array([0.3 + rng.uniform(-0.03, 0.03), side * girth * 0.55, thick * 0.75])
        elbow = np.array([0.2, side * girth * 0.6, rise * 0.55])
        chain(thing, [chest + (0.02, side * girth * 0.5, -0.03), elbow], [thick * 1.5, thick * 1.1], "pata", coat.body)
        chain(thing, [elbow, foot], [thick * 1.1, thick * 0.88], "pata", coat.feet)
        _paw(thing, foot, build, coat)
        thing.ellipsoid((-0.12, side * girth * 0.95, girth * 0.95), (0.25, thick * 1.3, girth * 0.98), "pata",
                        coat.body,
                        rotation("y", 20), soft=True)
        _paw(thing, (0.08, side * girth * 1.15, thick * 0.72), build, coat)
    return chest + (0.02, 0, girth * 0.4), np.array([hips[0] - girth, 0, 0.09])


def _lying(thing, rng, build, coat):
    half, girth, thick = build.length / 2, build.girth, build.leg
    z = girth * 1.02
    spine = [(-half, 0, z), (0, 0, z + 0.02), (half * 0.9, 0, z + 0.09)]
    chain(thing, spine, [girth * 1.08, girth * 1.05, girth * 1.05], "torso", coat.body)
    thing.limb((-half * 0.3, 0, z * 0.7), (half, 0, z * 0.85), girth * 0.72, "torso", coat.belly)
    for side in SIDES:
        elbow = (half - 0.05, side * girth * 0.75, thick)
        foot = (half + 0.3 + rng.uniform(-0.06, 0.06), side * girth * 0.62, thick * 0.8)
        chain(thing, [elbow, foot], [thick * 1.15, thick * 0.9], "pata", coat.feet)
        _paw(thing, foot, build, coat)
        thing.ellipsoid((-half + 0.08, side * girth * 0.95, z * 0.85), (0.24, thick * 1.2, girth * 0.82), "pata",
                        coat.body, soft=True)
        _paw(thing, (-half + 0.3, side * girth * 1.2, thick * 0.72), build, coat)
    return np.array([half, 0, z + girth * 0.75]), np.array([-half - girth * 0.85, 0, z * 0.7])


def tail(thing: Thing, points: Sequence, thick: float, coat: Coat, ratio: float = 0.75) -> None:
    """Cola por `points` (n, 3), de grueso `thick` que baja hasta `thick·ratio`; el último tramo es la punta."""
    radii = np.linspace(thick, thick * ratio, len(points))
    chain(thing, points[:-1], radii[:-1], "cola", coat.body)
    chain(thing, points[-2:], radii[-2:], "cola", coat.tail)


def eyes(thing: Thing, head: Joint, spot: Vector, size: float, color: Vector, pupil: float = 0.6) -> None:
    """Dos ojos con pupila en ±y; pupil: ancho de la pupila, relativo (0.25: rendija)."""
    x, y, z = spot
    for side in SIDES:
        thing.ellipsoid(head.at(x, side * y, z), (size * 0.8, size, size), "ojo", Paint("vidrio", color), head.turn)
        thing.ellipsoid(head.at(x + size * 0.5, side * y * 1.01, z), (size * 0.5, size * pupil, size * 0.75), "ojo",
                        BLACK_EYE, head.turn)

"""Dónde poner la cámara para que la cosa ocupe la parte de la imagen que se pide."""
import numpy as np

from .setting import direction
from .shapes import BOX, ROUND_CONE, Piece, Thing
from .stage import Camera


def outline(things: list[Thing]) -> np.ndarray:
    """Puntos (n, 3) del mundo, casi todos sobre el contorno de las cosas."""
    return np.concatenate([_extremes(piece) @ thing.matrix.T +
     thing.offset for thing in things for piece in thing.pieces])


def _extremes(piece: Piece) -> np.ndarray:
    if piece.kind == ROUND_CONE:
        ends = np.stack([piece.center, piece.center + piece.matrix[:, 0]])
        return np.concatenate([end + radius * step for end, radius in zip(ends, piece.params)
                              for step in (np.eye(3), -np.eye(3))])
    if piece.kind != BOX:
        corners = np.array([(x, y, z) for x in (-1, 1) for y in (-1, 1) for z in (-1, 1)]) * (0.75, 0.75, 1.0)
        return piece.center + np.concatenate([np.eye(3), -np.eye(3), corners * \
                                             (0.58 / 0.75 if piece.kind == 0 else 1.0)]) @ piece.matrix.T
    tx, ty, sx, sy = piece.params
    square = [(x, y) for x in (-1, 1) for y in (-1, 1)]
    return piece.center + np.array([(x, y, -1) for x, y in square] + \
                                   [(x * tx + sx, y * ty + sy, 1) for x, y in square]) @ piece.matrix.T


def look(azimuth: float, elevation: float, roll: float) -> np.ndarray:
    """Ejes (3, 3) de la cámara: filas derecha, arriba y adelante; está a `azimuth` y `elevation` grados de lo que mira."""
    forward = -direction(azimuth, elevation)
    right = np.cross(forward, [0, 0, 1])
    right /= np.linalg.norm(right)
    up, c, s = np.cross(right, forward), np.cos(np.deg2rad(roll)), np.sin(np.deg2rad(roll))
    return np.stack([right * c + up * s, up * c - right * s, forward])


def aim(rng: np.random.Generator,
    points: np.ndarray,
    angles: tuple[float,
    float],
    view: float,
    fill: float,
     floor: bool = True) -> Camera:
    """Cámara que ve los puntos desde `angles` (azimut, elevación) y los hace ocupar `fill` del lado mayor de la imagen.

    La cosa no queda siempre al centro: se corre al azar, hasta salirse un poco. floor: la cámara no baja del suelo.
    """
    axes, spread = look(*angles, 3.0 * rng.normal()), np.tan(np.deg2rad(view) / 2)
    target = (points.min(0) + points.max(0)) / 2
    distance = np.linalg.norm(points - target, axis=1).max() / spread
    for _ in range(6):
        seen = (points - target) @ axes.T
        depth = np.maximum(seen[:, 2:] + distance, 0.3)
        flat = seen[:, :2] / depth
        low, high = flat.min(0), flat.max(0)
        target = target + ((low + high) / 2 * distance) @ axes[:2]
        distance *= float(np.clip((high - low).max() / 2 / spread / fill, 0.6, 1.7))
    slack = (0.55 * (1 - fill) + 0.05) * spread * distance
    target = target - (rng.uniform(-1, 1, 2) * slack) @ axes[:2]
    origin = target - axes[2] * distance
    if floor:
        origin[2] = max(origin[2], 0.12)
    return Camera(origin, axes, float(view))

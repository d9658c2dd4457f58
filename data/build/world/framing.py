"""Dónde poner la cámara para que la cosa ocupe la parte de la imagen que se pide."""
import numpy as np

from .setting import direction
from .shapes import BOX, ELLIPSOID, ROUND_CONE, Piece, Thing
from .stage import Camera


def outline(things: list[Thing]) -> np.ndarray:
    """Puntos (n, 3) del mundo, casi todos sobre el contorno de las cosas."""
    return np.concatenate([_extremes(piece) @ thing.matrix.T + thing.offset for thing in things
                           for piece in thing.pieces])


def _extremes(piece: Piece) -> np.ndarray:
    if piece.kind == ROUND_CONE:
        ends = zip((piece.center, piece.center + piece.matrix[:, 0]), piece.params)
        return np.concatenate([end + radius * side for end, radius in ends for side in (np.eye(3), -np.eye(3))])
    tx, ty, sx, sy = piece.params if piece.kind == BOX else (1.0, 1.0, 0.0, 0.0)
    square = [(x, y) for x in (-1, 1) for y in (-1, 1)]
    corners = np.array([(x, y, -1) for x, y in square] + [(x * tx + sx, y * ty + sy, 1) for x, y in square])
    if piece.kind != BOX:                                                      # redondas: las esquinas quedan fuera
        corners = corners * ((0.58, 0.58, 0.58) if piece.kind == ELLIPSOID else (0.71, 0.71, 1.0))
        corners = np.concatenate([corners, np.eye(3), -np.eye(3)])
    return piece.center + corners @ piece.matrix.T


def look(azimuth: float, elevation: float, roll: float) -> np.ndarray:
    """Ejes (3, 3) de una cámara puesta a `azimuth` y `elevation` grados: filas derecha, arriba y adelante."""
    forward = -direction(azimuth, elevation)
    right = np.cross(forward, [0, 0, 1])
    right /= np.linalg.norm(right)
    up, c, s = np.cross(right, forward), np.cos(np.deg2rad(roll)), np.sin(np.deg2rad(roll))
    return np.stack([right * c + up * s, up * c - right * s, forward])


def aim(rng: np.random.Generator, points: np.ndarray, angles: tuple[float, float], view: float, fill: float,
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

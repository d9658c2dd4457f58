"""Las piezas con que se arma cada cosa del mundo: elipsoides, conos, cajas y cuerpos suaves.

Una `Thing` vive en coordenadas propias: x hacia adelante, y hacia la izquierda, z hacia arriba, el suelo en z = 0
y unas dos unidades de largo. `place` la lleva al mundo con una matriz y un desplazamiento.
"""
from dataclasses import dataclass, field

import numpy as np

ELLIPSOID, CONE, BOX, ROUND_CONE = range(4)
Vector = tuple[float, float, float]


def rotation(axis: str, degrees: float) -> np.ndarray:
    """Matriz (3, 3) que gira `degrees` grados alrededor de «x», «y» o «z»."""
    c, s = np.cos(np.deg2rad(degrees)), np.sin(np.deg2rad(degrees))
    return np.array({"x": [[1, 0, 0], [0, c, -s], [0, s, c]],
                     "y": [[c, 0, s], [0, 1, 0], [-s, 0, c]],
                     "z": [[c, -s, 0], [s, c, 0], [0, 0, 1]]}[axis], float)


@dataclass(frozen=True)
class Paint:
    """De qué está hecha una pieza: material, color y, si la tiene, textura de dos colores.

    material: nombre de `materials.MATERIALS`; color, color2: RGB lineal en [0, 1];
    texture: nombre de `materials.TEXTURES` («liso»: sin textura); scale: repeticiones por unidad de largo.
    """
    material: str
    color: Vector
    texture: str = "liso"
    color2: Vector | None = None
    scale: float = 5.0


@dataclass
class Piece:
    """Una primitiva: su forma (`kind`, `matrix`, `center`, `params`), la parte que es y su pintura."""
    kind: int
    matrix: np.ndarray
    center: np.ndarray
    part: str
    paint: Paint
    params: Vector | tuple[float, ...] = (1.0, 1.0, 0.0, 0.0)
    soft: bool = False


@dataclass
class Thing:
    """Una cosa completa, con nombre (`name`) y piezas.

    Las piezas duras se cortan con fórmula exacta; las suaves (`soft=True`) se funden unas con otras con un radio
    `blend`, como plastilina: así los animales no parecen de globos.
    """
    name: str
    blend: float = 0.08
    pieces: list[Piece] = field(default_factory=list)
    matrix: np.ndarray = field(default_factory=lambda: np.eye(3))
    offset: np.ndarray = field(default_factory=lambda: np.zeros(3))

    def ellipsoid(self, center, radii, part: str, paint: Paint, turn=None, soft: bool = False) -> "Thing":
        """Elipsoide de radios `radii` (número o tres) girado por la matriz `turn`."""
        turn = np.eye(3) if turn is None else turn
        return self._add(ELLIPSOID, turn @ np.diag(np.ones(3) * radii), center, part, paint, soft=soft)

    def box(self, center, half, part: str, paint: Paint, turn=None, taper=(1.0, 1.0), shift=(0.0, 0.0)) -> "Thing":
        """Caja de medias aristas `half`. Su cara de arriba (z = +1) mide `taper` (x, y) veces la de abajo y está
        corrida `shift` medias aristas: con eso salen cuñas, techos, alas, velas y cascos."""
        turn = np.eye(3) if turn is None else turn
        return self.wedge(center, turn @ np.diag(half), part, paint, taper, shift)

    def wedge(self, center, matrix, part: str, paint: Paint, taper=(1.0, 1.0), shift=(0.0, 0.0)) -> "Thing":
        """Como `box`, con una matriz (3, 3) cualquiera: sus columnas son las tres medias aristas."""
        return self._add(BOX, np.asarray(matrix, float), center, part, paint, (*taper, *shift))

    def cone(self, start, end, radius: float, part: str, paint: Paint, ratio: float = 1.0, hole: float = 0.0) -> "Thing":
        """Tronco de cono de `start` a `end`: radio `radius` al empezar y `radius·ratio` al terminar.
        hole: radio del hueco de las tapas, relativo (0: cerrado; 0.85: una llanta)."""
        start, end = np.asarray(start, float), np.asarray(end, float)
        axis = (end - start) / 2
        side = np.cross(axis, [0.3, 0.5, 0.81])
        side /= np.linalg.norm(side)
        other = np.cross(axis, side)
        other /= np.linalg.norm(other)
        matrix = np.stack([side * radius, other * radius, axis], 1)
        return self._add(CONE, matrix, (start + end) / 2, part, paint, (ratio, hole, 0.0, 0.0))

    def limb(self, start, end, radius: float, part: str, paint: Paint, ratio: float = 1.0) -> "Thing":
        """Pieza suave: cápsula de `start` (radio `radius`) a `end` (radio `radius·ratio`), siempre fundida."""
        start, end = np.asarray(start, float), np.asarray(end, float)
        matrix = np.stack([end - start, np.zeros(3), np.zeros(3)], 1)
        return self._add(ROUND_CONE, matrix, start, part, paint, (radius, radius * ratio, 0.0, 0.0), soft=True)

    def place(self, matrix, offset=(0.0, 0.0, 0.0)) -> "Thing":
        """Aplica x → matrix·x + offset a la cosa entera (después de lo que ya tuviera)."""
        matrix = np.asarray(matrix, float)
        self.matrix, self.offset = matrix @ self.matrix, matrix @ self.offset + np.asarray(offset, float)
        return self

    def bounds(self) -> tuple[np.ndarray, float]:
        """Centro (3,) y radio de una esfera que contiene la cosa, en coordenadas del mundo."""
        low, high = np.full(3, np.inf), np.full(3, -np.inf)
        for piece in self.pieces:
            for corner in _corners(piece):
                point = self.matrix @ corner + self.offset
                low, high = np.minimum(low, point), np.maximum(high, point)
        return (low + high) / 2, float(np.linalg.norm(high - low) / 2)

    def _add(self, kind, matrix, center, part, paint, params=(1.0, 1.0, 0.0, 0.0), soft=False) -> "Thing":
        self.pieces.append(Piece(kind, matrix, np.asarray(center, float), part, paint, params, soft))
        return self


def _corners(piece: Piece) -> np.ndarray:
    """Puntos cuya caja contiene la pieza, en coordenadas de la cosa."""
    if piece.kind == ROUND_CONE:
        ends = (piece.center, piece.center + piece.matrix[:, 0])
        return np.array([end + radius * np.array([x, y, z]) for end, radius in zip(ends, piece.params)
                         for x in (-1, 1) for y in (-1, 1) for z in (-1, 1)])
    if piece.kind == ELLIPSOID:
        reach = np.linalg.norm(piece.matrix, axis=1)
        return piece.center + np.array([[x, y, z] for x in (-1, 1) for y in (-1, 1) for z in (-1, 1)]) * reach
    wide = max(1.0, *(abs(p) for p in piece.params[:1])) if piece.kind == CONE else 1.0
    tx, ty, sx, sy = piece.params if piece.kind == BOX else (wide, wide, 0.0, 0.0)
    low = wide if piece.kind == CONE else 1.0
    square = [(x, y) for x in (-1, 1) for y in (-1, 1)]
    points = [(x * low, y * low, -1) for x, y in square] + [(x * tx + sx, y * ty + sy, 1) for x, y in square]
    return piece.center + np.array(points) @ piece.matrix.T

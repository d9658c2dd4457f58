"""Lo que rodea a las cosas: suelo y paredes por zonas, cielo con siluetas, luz y cámara. Sólo datos: `tracer` los dibuja."""
from dataclasses import dataclass, field

import numpy as np

from .shapes import Paint, Thing

# qué parte de una superficie ocupa una zona; u, v son las coordenadas de la superficie (suelo: x, y del mundo;
# pared: u a lo largo, v la altura) y los parámetros van entre paréntesis
RULES = ("all",      # toda la superficie
         "band",     # |distancia a la recta con ángulo a que pasa a d del origen + ondulación w| < half   (a°, d, half, w)
         "beyond",   # más lejos que d del origen en la dirección a, con orilla ondulada w                 (a°, d, 0, w)
         "patches",  # donde un ruido de frecuencia f pasa del umbral t en [0, 1]                           (f, t, 0, 0)
         "dashes",   # como band, cortada en rayas de periodo p y fracción llena q: (a°, d, half, p) con q = 0.6
         "rect",     # u en [u0, u1] y v en [v0, v1]                                                       (u0, u1, v0, v1)
         "below")    # v < h                                                                               (h, 0, 0, 0)


@dataclass(frozen=True)
class Zone:
    """Una zona de una superficie: dónde está (`rule`, `params`) y qué es (`name`, `part`, `paint`).

    Las zonas se enciman en orden: la última que ocupa un punto gana. `mottle` en [0, 1]: manchas suaves de claro y oscuro.
    """
    rule: str
    name: str
    paint: Paint
    part: str = ""
    params: tuple[float, float, float, float] = (0.0, 0.0, 0.0, 0.0)
    mottle: float = 0.3


@dataclass(frozen=True)
class Wall:
    """Una pared vertical: pasa por `point` (3,), mira hacia `normal` (3,) unitaria y horizontal; zonas como el suelo."""
    point: np.ndarray
    normal: np.ndarray
    zones: list[Zone]


@dataclass(frozen=True)
class Ridge:
    """Una silueta en el horizonte.

    kind: "hills" (lomas), "peaks" (sierra, con nieve de `snow` para arriba), "mesas", "trees" (copas), "city" (edificios con ventanas).
    frequency: ondas por radián; height: altura máxima (tangente del ángulo); haze en [0, 1]: cuánto se pierde en la bruma.
    """
    kind: str
    name: str
    material: str
    color: tuple[float, float, float]
    frequency: float
    height: float
    haze: float
    texture: str = "liso"
    snow: float = 9.0


@dataclass
class Sky:
    """El cielo, o el agua si `kind` es "water", o nada si es "none" (interiores).

    kind: "clear", "clouds", "overcast", "sunset", "water", "none"; zenith, horizon: RGB lineal;
    cover en [0, 1]: cuántas nubes; name: nombre del concepto del cielo sin nubes («cielo azul», «cielo nublado»…).
    """
    kind: str
    zenith: np.ndarray
    horizon: np.ndarray
    cover: float = 0.5
    name: str = "cielo"
    ridges: list[Ridge] = field(default_factory=list)


@dataclass
class Camera:
    """Cámara: `origin` (3,), `axes` (3, 3) con filas derecha, arriba, adelante; `view` es el ángulo vertical en grados."""
    origin: np.ndarray
    axes: np.ndarray
    view: float


@dataclass
class Scene:
    """Todo lo que hace falta para dibujar una imagen. `things[0]` es la que da la clase.

    ground: zonas del plano z = 0 (lista vacía: no hay suelo); sun: dirección unitaria hacia el sol; sun_color, ambient: RGB;
    sun_size: radio del disco (0.03 nítida, 0.3 nublada); fog: por unidad de distancia; exposure: factor.
    unit: tamaño de la cosa principal en el mundo (radio): las texturas del suelo se miden con él; seed: del ruido.
    """
    things: list[Thing]
    place: str
    ground: list[Zone]
    walls: list[Wall]
    sky: Sky
    camera: Camera
    sun: np.ndarray
    sun_color: np.ndarray
    ambient: np.ndarray
    sun_size: float = 0.03
    fog: float = 0.005
    exposure: float = 1.0
    unit: float = 1.0
    seed: int = 0

"""De una escena a una imagen de 64×64 y su mapa de segmentos."""
import math

import numpy as np
from numba import njit

from . import stage
from .geometry import MAX_SOFT, pack_geometry
from .light import Surroundings, radiance
from .materials import MATERIALS, TEXTURES
from .sky import unit3
from .stage import Camera, Scene, Zone

Segment = tuple[str, str, str, str]                                            # objeto, parte, material, textura
_MATERIAL = {name: i for i, name in enumerate(MATERIALS)}
_TEXTURE = {name: i for i, name in enumerate(TEXTURES)}
_SKIES = ("clear", "clouds", "overcast", "sunset", "water", "none")
_RIDGES = ("hills", "peaks", "mesas", "trees", "city")


class Labels:
    """Numera los segmentos (objeto, parte, material, textura) conforme aparecen."""

    def __init__(self) -> None:
        self.segments: list[Segment] = []

    def number(self, name: str, part: str, material: str, texture: str) -> int:
        segment = (name, part, material, "" if texture == "liso" else texture)
        if segment not in self.segments:
            self.segments.append(segment)
        return self.segments.index(segment)

    def of(self, name: str, part: str, paint: stage.Paint) -> int:
        return self.number(name, part, paint.material, paint.texture)


def _paint_arrays(paints: list[stage.Paint]) -> list[np.ndarray]:
    """Material, textura, color, segundo color y escala de cada pintura."""
    return [np.array([_MATERIAL[p.material] for p in paints], np.int64),
            np.array([_TEXTURE[p.texture] for p in paints], np.int64),
            np.array([p.color for p in paints], float).reshape(-1, 3),
            np.array([p.color2 or p.color for p in paints], float).reshape(-1, 3),
            np.array([p.scale for p in paints], float)]


def _zone_arrays(zones: list[Zone], labels: Labels) -> list[np.ndarray]:
    material, texture, color, color2, scale = _paint_arrays([z.paint for z in zones])
    return [np.array([stage.RULES.index(z.rule) for z in zones], np.int64),
            np.array([z.params for z in zones], float).reshape(-1, 4),
            np.array([labels.of(z.name, z.part, z.paint) for z in zones], np.int64),
            material, texture, color, color2, scale, np.array([z.mottle for z in zones], float)]


def pack(scene: Scene, size: int) -> tuple[Surroundings, tuple, Labels]:
    """La escena en arreglos para el trazador: lo que rodea, la geometría y la tabla de segmentos."""
    labels = Labels()
    geometry, order = pack_geometry(scene.things)
    zones, starts = list(scene.ground), []
    for wall in scene.walls:
        starts.append(len(zones))
        zones += wall.zones
    sky, ridges = scene.sky, scene.sky.ridges
    material, texture, color, color2, scale = _paint_arrays([p.paint for _, p in order])
    medium = "agua" if sky.kind == "water" else ""
    pixel = 2 * math.tan(math.radians(scene.camera.view) / 2) / size
    return Surroundings(
        *_zone_arrays(zones, labels), len(scene.ground),
        np.array([w.point for w in scene.walls], float).reshape(-1, 3),
        np.array([w.normal for w in scene.walls], float).reshape(-1, 3), np.array(starts + [len(zones)], np.int64),
        _SKIES.index(sky.kind), np.array(sky.zenith, float), np.array(sky.horizon, float), float(sky.cover),
        labels.number(sky.name, "", medium, ""), labels.number("nube", "", "nube", ""),
        np.array([_RIDGES.index(r.kind) for r in ridges], np.int64),
        np.array([labels.number(r.name, "", r.material, r.texture) for r in ridges], np.int64),
        np.array([r.color for r in ridges], float).reshape(-1, 3),
        np.array([(r.frequency, r.height, r.haze, r.snow) for r in ridges], float).reshape(-1, 4),
        np.array([labels.of(t.name, p.part, p.paint) for t, p in order], np.int64), material, texture, color, color2, scale,
        np.array(list(MATERIALS.values()), float), np.array(scene.sun, float), np.array(scene.sun_color, float),
        np.array(scene.ambient, float), np.array([scene.sun_size, scene.fog, scene.unit, pixel]),
        np.random.default_rng(scene.seed).uniform(0, 40, 3)), geometry, labels


@njit(cache=True, fastmath=True, error_model="numpy")
def trace(s, g, origin, axes, spread, size, split, seed):
    """Lanza split² rayos por pixel: color lineal (size, size, 3) y, por pixel, la etiqueta más votada (size, size)."""
    np.random.seed(seed)
    colors, label_map = np.zeros((size, size, 3)), np.zeros((size, size), np.int64)
    active, votes = np.zeros(MAX_SOFT, np.int64), np.zeros(split * split, np.int64)
    total, eye = split * split, (origin[0], origin[1], origin[2])
    for row in range(size):
        for column in range(size):
            shift = (np.random.random(), np.random.random(), np.random.random(), np.random.random())
            for k in range(total):
                x = ((column + (k % split + 0.5) / split) / size * 2 - 1) * spread
                y = (1 - (row + (k // split + 0.5) / split) / size * 2) * spread
                d = unit3(axes[0, 0] * x + axes[1, 0] * y + axes[2, 0], axes[0, 1] * x + axes[1, 1] * y + axes[2, 1],
                          axes[0, 2] * x + axes[1, 2] * y + axes[2, 2])
                u = ((shift[0] + k / total) % 1.0, (shift[1] + k * 0.618) % 1.0,
                     (shift[2] + k / total) % 1.0, (shift[3] + k * 0.618) % 1.0)
                c, label = radiance(s, g, eye, d, u, active)
                votes[k] = label
                for j in range(3):
                    colors[row, column, j] += min(c[j], 4.0) / total
            best = 0
            for k in range(total):
                count = 0
                for j in range(total):
                    count += votes[j] == votes[k]
                if count > best:
                    best, label_map[row, column] = count, votes[k]
    return colors, label_map


def develop(light: np.ndarray, rng: np.random.Generator, exposure: float = 1.0,
            metered: np.ndarray | None = None) -> np.ndarray:
    """Cámara: exposición, balance de blancos, viñeta, curva de película (Narkowicz 2015), gama y algo de grano.

    light: (h, w, 3) lineal  →  uint8 (h, w, 3). metered: la luz con que se mide la exposición; si no la das, `light`.
    """
    h, w = light.shape[:2]
    bright = np.percentile((light if metered is None else metered).mean(2), 60)
    light = light * np.clip(0.42 / (bright + 0.05), 0.6, 1.8) ** 0.6 * exposure * np.exp(0.1 * rng.standard_normal())
    light = light * (1 + 0.03 * rng.standard_normal(3))
    y, x = np.mgrid[-1:1:h * 1j, -1:1:w * 1j]
    light = light * (1 - 0.1 * rng.random() * (x ** 2 + y ** 2))[..., None] * 0.58
    film = np.clip(light * (2.51 * light + 0.03) / (light * (2.43 * light + 0.59) + 0.14), 0, 1) ** (1 / 2.2)
    gray = film.mean(2, keepdims=True)
    film = gray + (film - gray) * rng.uniform(1.05, 1.3) + 0.004 * rng.standard_normal((h, w, 3))
    return (np.clip(film, 0, 1) * 255 + 0.5).astype(np.uint8)


def expose(scene: Scene, size: int = 64, split: int = 3) -> tuple[np.ndarray, np.ndarray, list[Segment]]:
    """La luz que llega a cada pixel (size, size, 3), lineal, el mapa de segmentos y su tabla: lo que ve la cámara."""
    surroundings, geometry, labels = pack(scene, size)
    camera: Camera = scene.camera
    light, label_map = trace(surroundings, geometry, np.asarray(camera.origin, float), np.asarray(camera.axes, float),
                             math.tan(math.radians(camera.view) / 2), size, split, scene.seed % 2 ** 31)
    return light, label_map, labels.segments


def render(scene: Scene, size: int = 64, split: int = 3) -> tuple[np.ndarray, np.ndarray, list[Segment]]:
    """Imagen uint8 (size, size, 3), mapa de segmentos (size, size) y la tabla de segmentos que nombra sus números."""
    light, label_map, table = expose(scene, size, split)
    return develop(light, np.random.default_rng(scene.seed + 1), scene.exposure), label_map, table

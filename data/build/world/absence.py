"""La misma escena sin una de sus cosas, o sin algunas de sus partes: dónde cambia, por qué, y la imagen."""
import math
from dataclasses import replace

import numpy as np
from numba import njit

from .geometry import FAR, MAX_SOFT, cast
from .light import SUN_SIZE, UNIT, find, scatter
from .render import develop, expose, pack
from .shapes import Thing
from .sky import clip, unit3
from .stage import Scene
from .textures import jit

SEEN, SHADOW, MIRROR = 1, 2, 4              # por qué cambia un pixel: se ve otra cosa, le da otra luz, refleja otra cosa
SLACK = 0.01                                # dos choques más cercanos que esto son el mismo: el trazador no es más fino


def without_parts(scene: Scene, parts: set[str]) -> Scene:
    """La misma escena; a su cosa principal, `things[0]`, le faltan esas partes."""
    thing = scene.things[0]
    kept = [piece for piece in thing.pieces if piece.part not in parts]
    if not kept:
        raise ValueError("parts: no quedaría nada de la cosa; para quitarla entera, usa compose.without_main.")
    bare = Thing(thing.name, thing.blend, kept, thing.matrix, thing.offset)
    return replace(scene, things=[bare, *scene.things[1:]])


@njit(cache=True, fastmath=True, error_model="numpy")
def changed_rays(s, g, r, f, origin, axes, spread, size, split, seed):
    """Por qué puede cambiar cada pixel entre dos escenas, (s, g) y (r, f): una suma de SEEN, SHADOW y MIRROR; 0, nada.

    Lanza los mismos rayos que `render.trace` y, en cada choque, los mismos hacia el sol, el cielo y el reflejo.
    """
    np.random.seed(seed)
    why = np.zeros((size, size), np.int64)
    active = np.zeros(MAX_SOFT, np.int64)
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
                why[row, column] |= _changed_ray(s, g, r, f, eye, d, u, active)
    return why


@jit
def _apart(a, b):
    return max(abs(a[0] - b[0]), abs(a[1] - b[1]), abs(a[2] - b[2]))


@njit(cache=True, fastmath=True, error_model="numpy")
def _changed_ray(s, g, r, f, o, d, u, active):
    t, n, albedo, _, material = find(s, g, o, d, 1e-3, active)
    t2, n2, albedo2, _, _ = find(r, f, o, d, 1e-3, active)
    if abs(t - t2) > SLACK or _apart(n, n2) > SLACK or _apart(albedo, albedo2) > SLACK:
        return SEEN
    if t >= FAR:
        return 0
    p = (o[0] + t * d[0], o[1] + t * d[1], o[2] + t * d[2])
    start = (p[0] + n[0] * 0.012, p[1] + n[1] * 0.012, p[2] + n[2] * 0.012)
    sun = scatter((s.sun[0], s.sun[1], s.sun[2]), s.numbers[SUN_SIZE], u[0], u[1])
    why, reach = 0, 2.5 * s.numbers[UNIT]
    if n[0] * sun[0] + n[1] * sun[1] + n[2] * sun[2] > 0:
        if (cast(g, start, sun, 2e-3, True, active)[0] < FAR) != (cast(f, start, sun, 2e-3, True, active)[0] < FAR):
            why |= SHADOW
    away = scatter(n, 0.98, u[2], u[3])
    if (cast(g, start, away, 2e-3, True, active)[0] < reach) != (cast(f, start, away, 2e-3, True, active)[0] < reach):
        why |= SHADOW
    mirror = s.materials[material, 2]
    if mirror > 0.05:
        cosine = clip(-(d[0] * n[0] + d[1] * n[1] + d[2] * n[2]), 0.0, 1.0)
        back = (d[0] + 2 * cosine * n[0], d[1] + 2 * cosine * n[1], d[2] + 2 * cosine * n[2])
        if mirror > 0.8:
            back = (back[0], back[1], abs(back[2]) + 1e-3)
        start = (p[0] + n[0] * 0.01, p[1] + n[1] * 0.01, p[2] + n[2] * 0.01)
        t, n, albedo, _, _ = find(s, g, start, back, 2e-3, active)
        t2, n2, albedo2, _, _ = find(r, f, start, back, 2e-3, active)
        if abs(t - t2) > SLACK or _apart(n, n2) > SLACK or _apart(albedo, albedo2) > SLACK:
            why |= MIRROR
    return why


def reasons_to_change(scene: Scene, other: Scene, size: int = 64, split: int = 3) -> np.ndarray:
    """Por qué puede cambiar cada pixel de una escena a la otra, (size, size): 0 donde ningún rayo topa con nada nuevo."""
    (s, g, _), (r, f, _), camera = pack(scene, size), pack(other, size), scene.camera
    return changed_rays(s, g, r, f, np.asarray(camera.origin, float), np.asarray(camera.axes, float),
                        math.tan(math.radians(camera.view) / 2), size, split, scene.seed % 2 ** 31)


def retake(scene: Scene, light: np.ndarray, other: Scene) -> tuple[np.ndarray, np.ndarray]:
    """La foto de `other` con la cámara, la exposición y el grano de la de `scene`, y por qué cambia cada pixel.

    light: lo que da `expose(scene)`. Donde ningún rayo topa con nada nuevo queda la luz de antes: el trazador llega a
    las piezas suaves por pasos, y sin una de ellas las demás se mueven menos de SLACK.
    """
    why = reasons_to_change(scene, other)
    lit = np.where(why[..., None] > 0, expose(other)[0], light)
    return develop(lit, np.random.default_rng(scene.seed + 1), scene.exposure, metered=light), why

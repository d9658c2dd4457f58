"""El cielo: degradado, nubes, halo del sol y siluetas en el horizonte; y las cuentas de vectores que usa todo el trazador."""
import math

from .textures import fbm, jit, lattice, noise

CLEAR, CLOUDS, OVERCAST, SUNSET, WATER, NONE = range(6)
HILLS, PEAKS, MESAS, TREES, CITY = range(5)


@jit
def mix(a, b, m):
    return (a[0] + (b[0] - a[0]) * m, a[1] + (b[1] - a[1]) * m, a[2] + (b[2] - a[2]) * m)


@jit
def unit3(x, y, z):
    n = 1.0 / math.sqrt(x * x + y * y + z * z + 1e-18)
    return (x * n, y * n, z * n)


@jit
def clip(x, low, high):
    return low if x < low else (high if x > high else x)


@jit
def ridge_top(kind, a, shape, seed):
    """Altura de la silueta en el ángulo `a` (radianes)."""
    f, h = shape[0], shape[1]
    if kind == HILLS:
        return h * fbm(a * f, f, seed[1], 2)
    if kind == PEAKS:
        return h * (0.25 + 0.75 * (1 - abs(2 * fbm(a * f, f, seed[1], 4) - 1)) ** 1.5 * fbm(a * f * 0.5, 4.0, seed[1], 2) * 1.6)
    if kind == MESAS:
        return h * clip((fbm(a * f, f, seed[1], 3) - 0.42) * 9, 0.12, 1.0)
    if kind == TREES:
        bump = abs(math.sin(a * f * 3.1 + 4 * noise(a * f, 1.0, seed[0])))
        return h * (0.55 + 0.3 * fbm(a * f * 0.3, 7.0, seed[1], 2) + 0.25 * bump * noise(a * f * 2, f, seed[1]))
    block = math.floor(a * f + seed[2])
    return h * (0.25 + 0.75 * noise(block * 0.9 + 0.5, 3.3 + f, seed[0]))


@jit
def ridge_paint(kind, color, shape, a, slope, top, horizon, seed):
    tone = 0.6 + 0.8 * fbm(a * 30 + seed[0], slope * 40, shape[0], 3)
    c = (color[0] * tone, color[1] * tone, color[2] * tone)
    if kind == PEAKS and slope > shape[3] + 0.06 * math.sin(a * 40) + 0.1 * noise(a * 25, slope * 30, 1.0):
        c = (0.8 * tone + 0.15, 0.84 * tone + 0.15, 0.92 * tone + 0.15)
    if kind == MESAS:
        band = 0.85 + 0.25 * math.sin(slope * 160)
        c = (c[0] * band, c[1] * band, c[2] * band)
    if kind == CITY:
        block = math.floor(a * shape[0] + seed[2])
        wall = 0.55 + 0.6 * lattice(int(block), 8, 2)
        lit = ((a * shape[0] + seed[2]) * 5) % 1.0 > 0.45 and (slope * 42) % 1.0 > 0.45
        wall *= 0.5 if lit else 1.0
        c = (color[0] * wall, color[1] * wall, color[2] * wall + (0.04 if lit else 0.0))
    return mix(c, horizon, shape[2])


@jit
def sky_color(s, d):
    """Color y etiqueta del cielo (nubes y siluetas incluidas) en la dirección d."""
    up = d[2]
    if s.sky_kind == WATER:
        return mix(s.horizon, s.zenith, clip(up * 1.2 + 0.25, 0.0, 1.0)), s.sky_label
    c, label = mix(s.horizon, s.zenith, clip(up * 2.2, 0.0, 1.0) ** 0.6), s.sky_label
    x, y, flat = d[0] / (abs(up) + 0.14) * 1.2, d[1] / (abs(up) + 0.14) * 1.2, s.seed[0]
    if s.sky_kind == OVERCAST:
        shade = 0.82 + 0.36 * fbm(x + flat, y + s.seed[1], 2.0, 3)
        c = (c[0] * shade, c[1] * shade, c[2] * shade)
    elif s.sky_kind != NONE:
        thick = clip((fbm(x + flat, y + s.seed[1], 5.0, 4) - 0.78 + 0.42 * s.cover) * 6, 0, 1) * clip(abs(up) * 6, 0, 1)
        lit = clip(1.7 * fbm(x + flat + 0.12, y + s.seed[1] + 0.12, 5.0, 3), 0.55, 1.05)
        warm = 0.75 if s.sky_kind == SUNSET else 1.0
        c = mix(c, (lit, lit * (0.5 + 0.49 * warm), lit * (0.2 + 0.77 * warm)), thick)
        if thick > 0.5:
            label = s.cloud_label
        facing = clip(d[0] * s.sun[0] + d[1] * s.sun[1] + d[2] * s.sun[2], 0, 1)
        glow = 1.5 * facing ** 200 + 0.15 * facing ** 12
        c = (c[0] + s.sun_color[0] * glow, c[1] + s.sun_color[1] * glow, c[2] + s.sun_color[2] * glow)
    a, slope = math.atan2(d[1], d[0]) + s.seed[2], up / math.sqrt(max(1e-6, 1 - up * up))
    for r in range(len(s.ridge_kind)):
        top = ridge_top(s.ridge_kind[r], a, s.ridge_shape[r], s.seed)
        if slope < top:
            c = ridge_paint(s.ridge_kind[r], s.ridge_color[r], s.ridge_shape[r], a, slope, top, s.horizon, s.seed)
            label = s.ridge_label[r]
    return c, label

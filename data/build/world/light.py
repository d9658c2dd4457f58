"""Qué color llega por un rayo: suelo y paredes por zonas, sol con sombra, luz de ambiente, un reflejo y niebla."""
import math
from collections import namedtuple

from .geometry import FAR, cast, hard_normal, local_ray, soft_normal
from .sky import WATER, clip, mix, sky_color, unit3
from .textures import SPECKLE, fbm, jit, noise, texture_mix

# Lo que no son cosas, aplanado en arreglos (lo llena `render.pack`)
Surroundings = namedtuple("Surroundings", """
    zone_rule zone_params zone_label zone_material zone_texture zone_color zone_color2 zone_scale zone_mottle
    ground_end wall_point wall_normal wall_start
    sky_kind zenith horizon cover sky_label cloud_label
    ridge_kind ridge_label ridge_color ridge_shape
    piece_label piece_material piece_texture piece_color piece_color2 piece_scale
    materials sun sun_color ambient numbers seed""")
ALL, BAND, BEYOND, PATCHES, DASHES, RECT, BELOW = range(7)
SUN_SIZE, FOG, UNIT, PIXEL = range(4)                                          # posiciones en `numbers`


@jit
def inside(rule, p, u, v, unit, seed):
    """¿Está (u, v) en la zona? Véanse las reglas en `stage.RULES`."""
    if rule == ALL:
        return True
    if rule == PATCHES:
        return fbm(u / unit * p[0] + seed[0], v / unit * p[0] + seed[1], 3.0, 3) > p[1]
    if rule == RECT:
        return p[0] <= u <= p[1] and p[2] <= v <= p[3]
    if rule == BELOW:
        return v < p[0]
    a = p[0] * 0.017453293
    along, away = u * math.cos(a) + v * math.sin(a), v * math.cos(a) - u * math.sin(a)
    if rule == BEYOND:
        return along > p[1] + p[3] * (2 * fbm(away / unit * 0.6 + seed[0], 1.0, seed[1], 2) - 1)
    if rule == DASHES:
        return abs(away - p[1]) < p[2] and (along / p[3]) % 1.0 < 0.6
    wobble = p[3] * (2 * fbm(along / unit * 0.6 + seed[0], 2.0, seed[1], 2) - 1) if p[3] > 0 else 0.0
    return abs(away - p[1] + wobble) < p[2]


@jit
def water_normal(u, v, calm):
    e = 0.35
    here = fbm(u * 1.6, v * 1.6, 9.0, 3)
    return unit3((here - fbm((u + e) * 1.6, v * 1.6, 9.0, 3)) * calm, (here - fbm(u * 1.6, (v + e) * 1.6, 9.0, 3)) * calm, 1.0)


@jit
def zone_at(s, first, last, u, v):
    best = first
    for i in range(first, last):
        if inside(s.zone_rule[i], s.zone_params[i], u, v, s.numbers[UNIT], s.seed):
            best = i
    return best


@jit
def paint_zone(s, i, u, v, distance, tilt):
    """Albedo y relieve de la zona i en (u, v); la textura se desvanece donde un pixel ya no la distingue."""
    unit = s.numbers[UNIT]
    x, y, k = u / unit, v / unit, s.zone_scale[i]
    foot = distance * s.numbers[PIXEL] / unit / math.sqrt(clip(abs(tilt), 0.02, 1.0))
    sharp = 1.0 - clip((foot * k - 0.35) / 0.9, 0.0, 1.0)
    m = texture_mix(s.zone_texture[i], x * k + s.seed[0], y * k + s.seed[1], 0.0, 0.0, 0.0, 1.0) if sharp > 0 else 0.35
    c = mix(s.zone_color[i], s.zone_color2[i], 0.35 + (m - 0.35) * sharp)
    near = 1.0 - clip((foot * 14 - 0.35) / 0.9, 0.0, 1.0)
    tone = (1 + s.zone_mottle[i] * 2 * (fbm(x * 1.7 + s.seed[0], y * 1.7, s.seed[1], 3) - 0.5))
    tone *= 1 + (0.35 if s.zone_texture[i] == SPECKLE else 0.12) * near * (noise(x * 14, y * 14, 2.0) - 0.5)
    relief = s.materials[s.zone_material[i], 3] * near
    return (c[0] * tone, c[1] * tone, c[2] * tone), relief


@jit
def bump(n, x, y, z, frequency, amount):
    return unit3(n[0] + amount * (noise(x * frequency, y * frequency, z * frequency) - 0.5),
                 n[1] + amount * (noise(x * frequency + 31, y * frequency, z * frequency) - 0.5),
                 n[2] + amount * (noise(x * frequency, y * frequency + 31, z * frequency) - 0.5))


@jit
def ground_hit(s, o, d, t):
    x, y = o[0] + t * d[0], o[1] + t * d[1]
    i = zone_at(s, 0, s.ground_end, x, y)
    c, relief = paint_zone(s, i, x, y, t, d[2])
    n, unit = (0.0, 0.0, 1.0), s.numbers[UNIT]
    if s.materials[s.zone_material[i], 2] > 0.8:
        n = water_normal(x / unit * 2.2, y / unit * 2.2, 1.1 / (1 + t / unit * 0.25))
    elif relief > 0:
        n = bump(n, x / unit, y / unit, 0.0, 12.0, 1.4 * relief)
    return n, c, s.zone_label[i], s.zone_material[i]


@jit
def wall_hit(s, o, d, t, w):
    n = (s.wall_normal[w, 0], s.wall_normal[w, 1], 0.0)
    x, y, z = o[0] + t * d[0], o[1] + t * d[1], o[2] + t * d[2]
    u = (x - s.wall_point[w, 0]) * -n[1] + (y - s.wall_point[w, 1]) * n[0]
    i = zone_at(s, s.wall_start[w], s.wall_start[w + 1], u, z)
    c, relief = paint_zone(s, i, u, z, t, d[0] * n[0] + d[1] * n[1])
    return n, c, s.zone_label[i], s.zone_material[i]


@jit
def piece_hit(s, g, o, d, t, thing, i, active):
    lo, ld = local_ray(g, thing, o, d)
    p = (lo[0] + t * ld[0], lo[1] + t * ld[1], lo[2] + t * ld[2])
    n = soft_normal(g, thing, p, active) if i >= g.first_soft[thing] else hard_normal(g, i, p)
    ln = unit3(n[0], n[1], n[2])
    m, k = g.inverse[thing], s.piece_scale[i]
    n = unit3(m[0, 0] * n[0] + m[1, 0] * n[1] + m[2, 0] * n[2], m[0, 1] * n[0] + m[1, 1] * n[1] + m[2, 1] * n[2],
              m[0, 2] * n[0] + m[1, 2] * n[1] + m[2, 2] * n[2])
    if n[0] * d[0] + n[1] * d[1] + n[2] * d[2] > 0:
        n = (-n[0], -n[1], -n[2])
    c = mix(s.piece_color[i], s.piece_color2[i],
            texture_mix(s.piece_texture[i], p[0] * k + 7.3, p[1] * k + 3.1, p[2] * k + 0.37, ln[0], ln[1], ln[2]))
    relief = s.materials[s.piece_material[i], 3]
    if relief > 0:
        tone = 0.84 + 0.32 * noise(p[0] * 22, p[1] * 22, p[2] * 22)
        c = (c[0] * tone, c[1] * tone, c[2] * tone)
        n = bump(n, p[0], p[1], p[2], 16.0, 1.3 * relief)
    return n, c, s.piece_label[i], s.piece_material[i]


@jit
def find(s, g, o, d, t_min, active):
    """Lo primero que toca el rayo: (t, normal, albedo, etiqueta, material); t = FAR es el cielo."""
    t, thing, piece = cast(g, o, d, t_min, False, active)
    place = -1                                                                # −1 cosa, 0 suelo, 1… paredes
    if s.ground_end > 0 and d[2] < -1e-5 and t_min < -o[2] / d[2] < min(t, 900.0 * s.numbers[UNIT]):
        t, place = -o[2] / d[2], 0
    for w in range(len(s.wall_point)):
        slope = d[0] * s.wall_normal[w, 0] + d[1] * s.wall_normal[w, 1]
        if slope < -1e-5:
            tw = ((s.wall_point[w, 0] - o[0]) * s.wall_normal[w, 0] + (s.wall_point[w, 1] - o[1]) * s.wall_normal[w, 1]) / slope
            if t_min < tw < t:
                t, place = tw, 1 + w
    if place == 0:
        n, c, label, material = ground_hit(s, o, d, t)
    elif place > 0:
        n, c, label, material = wall_hit(s, o, d, t, place - 1)
    elif piece >= 0:
        n, c, label, material = piece_hit(s, g, o, d, t, thing, piece, active)
    else:
        n, c, label, material = (0.0, 0.0, 1.0), (0.0, 0.0, 0.0), -1, 0
    return t, n, c, label, material


@jit
def scatter(n, radius, u1, u2):
    """Dirección n movida al azar dentro de una bola de ese radio (u1, u2 en [0, 1])."""
    z, a = 2 * u1 - 1, 6.2831853 * u2
    r = math.sqrt(1 - z * z)
    return unit3(n[0] + radius * r * math.cos(a), n[1] + radius * r * math.sin(a), n[2] + radius * z)


@jit
def shine(s, g, p, d, n, albedo, material, u, full, active):
    """Luz que el punto p devuelve hacia −d; `full`: con sombras (cuatro números al azar en `u`)."""
    sun = scatter((s.sun[0], s.sun[1], s.sun[2]), s.numbers[SUN_SIZE], u[0], u[1])
    facing, open_sky = max(0.0, n[0] * sun[0] + n[1] * sun[1] + n[2] * sun[2]), 0.8
    start = (p[0] + n[0] * 0.012, p[1] + n[1] * 0.012, p[2] + n[2] * 0.012)
    if full:
        if facing > 0 and cast(g, start, sun, 2e-3, True, active)[0] < FAR:
            facing = 0.0
        hidden = cast(g, start, scatter(n, 0.98, u[2], u[3]), 2e-3, True, active)[0] < 2.5 * s.numbers[UNIT]
        open_sky = 0.38 if hidden else 1.0
    if s.sky_kind == WATER:
        facing *= 0.7 + 1.8 * max(0.0, noise(p[0] * 3 / s.numbers[UNIT], p[1] * 3 / s.numbers[UNIT], p[2]) - 0.35)
    base = (0.66 + 0.34 * n[2]) * open_sky + 0.1
    half = unit3(sun[0] - d[0], sun[1] - d[1], sun[2] - d[2])
    glint = s.materials[material, 0] * max(0.0, n[0] * half[0] + n[1] * half[1] + n[2] * half[2]) ** s.materials[material, 1]
    glint = glint if facing > 0 else 0.0
    return (albedo[0] * (s.ambient[0] * base + s.sun_color[0] * facing) + s.sun_color[0] * glint,
            albedo[1] * (s.ambient[1] * base + s.sun_color[1] * facing) + s.sun_color[1] * glint,
            albedo[2] * (s.ambient[2] * base + s.sun_color[2] * facing) + s.sun_color[2] * glint)


@jit
def radiance(s, g, o, d, u, active):
    """Color (RGB lineal) y etiqueta que llegan por el rayo o + t·d."""
    t, n, albedo, label, material = find(s, g, o, d, 1e-3, active)
    if t >= FAR:
        return sky_color(s, d)
    p = (o[0] + t * d[0], o[1] + t * d[1], o[2] + t * d[2])
    c = shine(s, g, p, d, n, albedo, material, u, True, active)
    mirror = s.materials[material, 2]
    if mirror > 0.05:
        cosine = clip(-(d[0] * n[0] + d[1] * n[1] + d[2] * n[2]), 0.0, 1.0)
        back = (d[0] + 2 * cosine * n[0], d[1] + 2 * cosine * n[1], d[2] + 2 * cosine * n[2])
        if mirror > 0.8:
            back = (back[0], back[1], abs(back[2]) + 1e-3)
        start = (p[0] + n[0] * 0.01, p[1] + n[1] * 0.01, p[2] + n[2] * 0.01)
        t2, n2, a2, _, m2 = find(s, g, start, back, 2e-3, active)
        if t2 < FAR:
            q = (start[0] + t2 * back[0], start[1] + t2 * back[1], start[2] + t2 * back[2])
            other = shine(s, g, q, back, n2, a2, m2, u, False, active)
        else:
            other, _ = sky_color(s, back)
        c = mix(c, other, mirror * (0.12 + 0.88 * (1 - cosine) ** 2.5))
    if s.numbers[FOG] > 0:
        c = mix(c, (s.horizon[0], s.horizon[1], s.horizon[2]), 1 - math.exp(-t * s.numbers[FOG]))
    return c, label

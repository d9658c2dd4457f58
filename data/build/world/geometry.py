"""Dónde choca un rayo: con piezas duras por fórmula exacta, con cuerpos suaves por pasos (Hart 1996)."""
import math
from collections import namedtuple

import numpy as np

from .shapes import BOX, CONE, ELLIPSOID, ROUND_CONE, Thing
from .textures import jit

FAR = 1e9
MAX_SOFT = 40
# Las cosas de una escena, aplanadas en arreglos: T cosas, P piezas (primero las duras de cada cosa, luego las suaves)
Geometry = namedtuple("Geometry", "inverse offset center radius blend first_hard first_soft last "
                                  "kind matrix middle params reach")


def pack_geometry(things: list[Thing]) -> tuple[Geometry, list]:
    """Los arreglos que entiende el trazador y la lista de (cosa, pieza) en el mismo orden que ellos."""
    order, limits = [], []
    for thing in things:
        hard = [p for p in thing.pieces if not p.soft]
        soft = [p for p in thing.pieces if p.soft]
        limits.append((len(order), len(order) + len(hard), len(order) + len(hard) + len(soft)))
        order += [(thing, p) for p in hard + soft]
    spheres = [thing.bounds() for thing in things]
    limits = np.array(limits, np.int64).reshape(-1, 3)
    matrices = [np.linalg.inv(p.matrix) if p.kind != ROUND_CONE else p.matrix for _, p in order]
    reach = [np.linalg.norm(p.matrix, axis=0).max() if p.kind == ELLIPSOID else
             np.linalg.norm(p.matrix[:, 0]) / 2 + max(p.params[:2]) for _, p in order]
    return Geometry(
        np.array([np.linalg.inv(t.matrix) for t in things]), np.array([t.offset for t in things]),
        np.array([c for c, _ in spheres]), np.array([r for _, r in spheres]), np.array([t.blend for t in things]),
        limits[:, 0].copy(), limits[:, 1].copy(), limits[:, 2].copy(),
        np.array([p.kind for _, p in order]), np.array(matrices),
        np.array([p.center for _, p in order]), np.array([p.params for _, p in order], float), np.array(reach)), order


@jit
def hit_ellipsoid(o, d, t_min):
    a = d[0] * d[0] + d[1] * d[1] + d[2] * d[2]
    b = o[0] * d[0] + o[1] * d[1] + o[2] * d[2]
    q = b * b - a * (o[0] * o[0] + o[1] * o[1] + o[2] * o[2] - 1)
    if q <= 0:
        return FAR
    root = math.sqrt(q)
    t = (-b - root) / a
    if t <= t_min:
        t = (-b + root) / a
    return t if t > t_min else FAR


@jit
def hit_cone(o, d, ratio, hole, t_min):
    mean, slope = (1 + ratio) / 2, (ratio - 1) / 2
    ro, rd = mean + slope * o[2], slope * d[2]
    a = d[0] * d[0] + d[1] * d[1] - rd * rd
    b = o[0] * d[0] + o[1] * d[1] - ro * rd
    q = b * b - a * (o[0] * o[0] + o[1] * o[1] - ro * ro)
    best = FAR
    if q > 0 and abs(a) > 1e-12:
        root = math.sqrt(q)
        for sign in (-1.0, 1.0):
            t = (-b + sign * root) / a
            z = o[2] + t * d[2]
            if t_min < t < best and abs(z) <= 1 and mean + slope * z >= 0:
                best = t
    if abs(d[2]) > 1e-12:
        for cap, radius in ((-1.0, 1.0), (1.0, ratio)):
            t = (cap - o[2]) / d[2]
            x, y = o[0] + t * d[0], o[1] + t * d[1]
            r2 = x * x + y * y
            if t_min < t < best and (hole * radius) ** 2 <= r2 <= radius * radius:
                best = t
    return best


@jit
def box_plane(p, face):
    """Plano n·x ≤ w de la cara `face` (0 a 5) de la caja ahusada de parámetros p = (tx, ty, sx, sy)."""
    tx, ty, sx, sy = p[0], p[1], p[2], p[3]
    if face == 0:
        return 1.0, 0.0, -(sx + tx - 1) / 2, (sx + 1 + tx) / 2
    if face == 1:
        return -1.0, 0.0, -(-sx + tx - 1) / 2, (-sx + 1 + tx) / 2
    if face == 2:
        return 0.0, 1.0, -(sy + ty - 1) / 2, (sy + 1 + ty) / 2
    if face == 3:
        return 0.0, -1.0, -(-sy + ty - 1) / 2, (-sy + 1 + ty) / 2
    return 0.0, 0.0, (1.0 if face == 4 else -1.0), 1.0


@jit
def hit_box(o, d, p, t_min):
    near, far = -FAR, FAR
    for face in range(6):
        nx, ny, nz, w = box_plane(p, face)
        nd = nx * d[0] + ny * d[1] + nz * d[2]
        room = w - (nx * o[0] + ny * o[1] + nz * o[2])
        if abs(nd) < 1e-12:
            if room < 0:
                return FAR
        elif nd < 0:
            near = max(near, room / nd)
        else:
            far = min(far, room / nd)
    if near > far:
        return FAR
    if near > t_min:
        return near
    return far if far > t_min else FAR


@jit
def hit_hard(g, i, o, d, t_min):
    m, c = g.matrix[i], g.middle[i]
    x, y, z = o[0] - c[0], o[1] - c[1], o[2] - c[2]
    lo = (m[0, 0] * x + m[0, 1] * y + m[0, 2] * z, m[1, 0] * x + m[1, 1] * y + m[1, 2] * z,
          m[2, 0] * x + m[2, 1] * y + m[2, 2] * z)
    ld = (m[0, 0] * d[0] + m[0, 1] * d[1] + m[0, 2] * d[2], m[1, 0] * d[0] + m[1, 1] * d[1] + m[1, 2] * d[2],
          m[2, 0] * d[0] + m[2, 1] * d[1] + m[2, 2] * d[2])
    if g.kind[i] == ELLIPSOID:
        return hit_ellipsoid(lo, ld, t_min)
    if g.kind[i] == CONE:
        return hit_cone(lo, ld, g.params[i, 0], g.params[i, 1], t_min)
    return hit_box(lo, ld, g.params[i], t_min)


@jit
def hard_normal(g, i, p):
    """Normal (sin normalizar) de la pieza dura i en el punto p, en coordenadas de la cosa."""
    m, c = g.matrix[i], g.middle[i]
    x, y, z = p[0] - c[0], p[1] - c[1], p[2] - c[2]
    q0 = m[0, 0] * x + m[0, 1] * y + m[0, 2] * z
    q1 = m[1, 0] * x + m[1, 1] * y + m[1, 2] * z
    q2 = m[2, 0] * x + m[2, 1] * y + m[2, 2] * z
    if g.kind[i] == CONE:
        ratio = g.params[i, 0]
        if abs(q2) > 0.999:
            q0, q1, q2 = 0.0, 0.0, q2
        else:
            q2 = -(ratio - 1) / 2 * ((1 + ratio) / 2 + (ratio - 1) / 2 * q2)
    elif g.kind[i] == BOX:
        best, n0, n1, n2 = -FAR, 0.0, 0.0, 1.0
        for face in range(6):
            a, b, e, w = box_plane(g.params[i], face)
            gap = a * q0 + b * q1 + e * q2 - w
            if gap > best:
                best, n0, n1, n2 = gap, a, b, e
        q0, q1, q2 = n0, n1, n2
    return (m[0, 0] * q0 + m[1, 0] * q1 + m[2, 0] * q2, m[0, 1] * q0 + m[1, 1] * q1 + m[2, 1] * q2,
            m[0, 2] * q0 + m[1, 2] * q1 + m[2, 2] * q2)


@jit
def soft_distance(g, i, x, y, z):
    """Distancia con signo a la pieza suave i (la del elipsoide es aproximada, como en Quilez 2008)."""
    x, y, z = x - g.middle[i, 0], y - g.middle[i, 1], z - g.middle[i, 2]
    m = g.matrix[i]
    if g.kind[i] == ROUND_CONE:
        bx, by, bz = m[0, 0], m[1, 0], m[2, 0]
        h = (x * bx + y * by + z * bz) / (bx * bx + by * by + bz * bz + 1e-12)
        h = min(1.0, max(0.0, h))
        x, y, z = x - h * bx, y - h * by, z - h * bz
        return math.sqrt(x * x + y * y + z * z) - (g.params[i, 0] * (1 - h) + g.params[i, 1] * h)
    q0 = m[0, 0] * x + m[0, 1] * y + m[0, 2] * z
    q1 = m[1, 0] * x + m[1, 1] * y + m[1, 2] * z
    q2 = m[2, 0] * x + m[2, 1] * y + m[2, 2] * z
    k0 = math.sqrt(q0 * q0 + q1 * q1 + q2 * q2)
    e0 = m[0, 0] * q0 + m[1, 0] * q1 + m[2, 0] * q2
    e1 = m[0, 1] * q0 + m[1, 1] * q1 + m[2, 1] * q2
    e2 = m[0, 2] * q0 + m[1, 2] * q1 + m[2, 2] * q2
    k1 = math.sqrt(e0 * e0 + e1 * e1 + e2 * e2)
    return k0 * (k0 - 1) / (k1 + 1e-12)


@jit
def body_distance(g, active, count, blend, x, y, z):
    """Distancia al cuerpo que forman fundidas las `count` piezas activas, y la pieza más cercana."""
    total, nearest, best = FAR, -1, FAR
    for a in range(count):
        d = soft_distance(g, active[a], x, y, z)
        if d < best:
            best, nearest = d, active[a]
        h = max(blend - abs(total - d), 0.0) / blend
        total = min(total, d) - h * h * blend * 0.25
    return total, nearest


@jit
def near_pieces(g, thing, o, d, active):
    """Llena `active` con las piezas suaves cuya esfera cruza el rayo; da cuántas son y entre qué t están."""
    count, start, end = 0, FAR, -FAR
    dd = d[0] * d[0] + d[1] * d[1] + d[2] * d[2]
    for i in range(g.first_soft[thing], g.last[thing]):
        cx, cy, cz = g.middle[i, 0], g.middle[i, 1], g.middle[i, 2]
        if g.kind[i] == ROUND_CONE:
            cx += g.matrix[i, 0, 0] / 2
            cy += g.matrix[i, 1, 0] / 2
            cz += g.matrix[i, 2, 0] / 2
        x, y, z = o[0] - cx, o[1] - cy, o[2] - cz
        b = (x * d[0] + y * d[1] + z * d[2]) / dd
        r = g.reach[i] + g.blend[thing]
        q = b * b - (x * x + y * y + z * z - r * r) / dd
        if q > 0 and -b + math.sqrt(q) > 0 and count < MAX_SOFT:
            active[count] = i
            count += 1
            start, end = min(start, -b - math.sqrt(q)), max(end, -b + math.sqrt(q))
    return count, start, end


@jit
def hit_soft(g, thing, o, d, t_min, t_max, active):
    """Avanza por el rayo (en coordenadas de la cosa) hasta el cuerpo suave; da t y la pieza, o FAR."""
    count, start, end = near_pieces(g, thing, o, d, active)
    if count == 0:
        return FAR, -1
    length = math.sqrt(d[0] * d[0] + d[1] * d[1] + d[2] * d[2])
    t, end = max(start, t_min), min(end, t_max)
    for _ in range(64):
        if t > end:
            return FAR, -1
        gap, piece = body_distance(g, active, count, g.blend[thing], o[0] + t * d[0], o[1] + t * d[1], o[2] + t * d[2])
        if gap < 0.003:
            return t, piece
        t += 0.85 * gap / length
    return FAR, -1


@jit
def soft_normal(g, thing, p, active):
    """Normal del cuerpo suave por diferencias en un tetraedro."""
    count = 0
    for i in range(g.first_soft[thing], g.last[thing]):
        if soft_distance(g, i, p[0], p[1], p[2]) < 2 * g.blend[thing] + 0.01 and count < MAX_SOFT:
            active[count] = i
            count += 1
    nx, ny, nz, e = 0.0, 0.0, 0.0, 0.006
    for sx, sy, sz in ((1, -1, -1), (-1, -1, 1), (-1, 1, -1), (1, 1, 1)):
        gap, _ = body_distance(g, active, count, g.blend[thing], p[0] + e * sx, p[1] + e * sy, p[2] + e * sz)
        nx, ny, nz = nx + sx * gap, ny + sy * gap, nz + sz * gap
    return nx, ny, nz


@jit
def local_ray(g, thing, o, d):
    m, c = g.inverse[thing], g.offset[thing]
    x, y, z = o[0] - c[0], o[1] - c[1], o[2] - c[2]
    return ((m[0, 0] * x + m[0, 1] * y + m[0, 2] * z, m[1, 0] * x + m[1, 1] * y + m[1, 2] * z,
             m[2, 0] * x + m[2, 1] * y + m[2, 2] * z),
            (m[0, 0] * d[0] + m[0, 1] * d[1] + m[0, 2] * d[2], m[1, 0] * d[0] + m[1, 1] * d[1] + m[1, 2] * d[2],
             m[2, 0] * d[0] + m[2, 1] * d[1] + m[2, 2] * d[2]))


@jit
def cast(g, o, d, t_min, any_hit, active):
    """Primera pieza que toca el rayo o + t·d: (t, cosa, pieza); con `any_hit`, la primera que se encuentre."""
    best, best_thing, best_piece = FAR, -1, -1
    for thing in range(len(g.radius)):
        x, y, z = o[0] - g.center[thing, 0], o[1] - g.center[thing, 1], o[2] - g.center[thing, 2]
        b = x * d[0] + y * d[1] + z * d[2]
        c = x * x + y * y + z * z - g.radius[thing] ** 2
        if b * b - c <= 0 or (b > 0 and c > 0):
            continue
        lo, ld = local_ray(g, thing, o, d)
        for i in range(g.first_hard[thing], g.first_soft[thing]):
            t = hit_hard(g, i, lo, ld, t_min)
            if t < best:
                best, best_thing, best_piece = t, thing, i
        if g.first_soft[thing] < g.last[thing]:
            t, i = hit_soft(g, thing, lo, ld, t_min, best, active)
            if t < best:
                best, best_thing, best_piece = t, thing, i
        if any_hit and best < FAR:
            return best, best_thing, best_piece
    return best, best_thing, best_piece

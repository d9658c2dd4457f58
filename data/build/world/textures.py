"""Ruido y texturas sólidas: funciones de un punto (x, y, z) que dan la mezcla entre los dos colores de una pintura."""
import math

from numba import njit

from .materials import TEXTURES

(PLAIN, STRIPES, DOTS, CHECKS, BRICKS, WAVES, CRACKS, BLOTCHES, GRAIN, SPECKLE, RIBS, SCALES, WEAVE, ROSETTES, ZIGZAG,
 COBBLES, TILES) = range(len(TEXTURES))
# nadie en el trazador reserva memoria: sin contar referencias a los arreglos (_nrt) va tres veces más rápido
jit = njit(cache=True, fastmath=True, error_model="numpy", _nrt=False)


@jit
def lattice(i, j, k):
    """Número en [0, 1) que depende sólo de los tres enteros."""
    n = (i * 73856093) ^ (j * 19349663) ^ (k * 83492791)
    n = ((n ^ (n >> 13)) * 1274126177) & 0xFFFFFFFF
    n = ((n ^ (n >> 15)) * 2246822519) & 0xFFFFFFFF
    return ((n ^ (n >> 16)) & 0xFFFFFF) / 16777216.0


@jit
def noise(x, y, z):
    """Ruido de valores en [0, 1], continuo, de periodo espacial 1 (Perlin 1985 con valores en vez de gradientes)."""
    i, j, k = math.floor(x), math.floor(y), math.floor(z)
    fx, fy, fz = x - i, y - j, z - k
    i, j, k = int(i), int(j), int(k)
    fx, fy, fz = fx * fx * (3 - 2 * fx), fy * fy * (3 - 2 * fy), fz * fz * (3 - 2 * fz)
    a = lattice(i, j, k) * (1 - fx) + lattice(i + 1, j, k) * fx
    b = lattice(i, j + 1, k) * (1 - fx) + lattice(i + 1, j + 1, k) * fx
    c = lattice(i, j, k + 1) * (1 - fx) + lattice(i + 1, j, k + 1) * fx
    d = lattice(i, j + 1, k + 1) * (1 - fx) + lattice(i + 1, j + 1, k + 1) * fx
    return (a * (1 - fy) + b * fy) * (1 - fz) + (c * (1 - fy) + d * fy) * fz


@jit
def fbm(x, y, z, octaves):
    """Suma de `octaves` ruidos, cada uno al doble de frecuencia y la mitad de fuerza; en [0, 1]."""
    total, weight, amount = 0.0, 0.5, 0.0
    for o in range(octaves):
        f = 2.0 ** o
        total += weight * noise(x * f + 17 * o, y * f + 17 * o, z * f + 17 * o)
        amount += weight
        weight *= 0.5
    return total / amount


@jit
def cells(x, y, z, flat):
    """Distancias a la semilla más cercana y a la segunda, y un tono al azar de la celda (Worley 1996)."""
    i, j, k = int(math.floor(x)), int(math.floor(y)), int(math.floor(z))
    first, second, tone = 9.0, 9.0, 0.0
    for dk in range(0 if flat else -1, 1 if flat else 2):
        for dj in range(-1, 2):
            for di in range(-1, 2):
                a, b, c = i + di, j + dj, k + dk
                px = a + 0.15 + 0.7 * lattice(a, b, c + 101) - x
                py = b + 0.15 + 0.7 * lattice(a + 57, b, c) - y
                pz = 0.0 if flat else c + 0.15 + 0.7 * lattice(a, b + 71, c) - z
                d = math.sqrt(px * px + py * py + pz * pz)
                if d < first:
                    first, second, tone = d, first, lattice(a + 5, b + 9, c + 13)
                elif d < second:
                    second = d
    return first, second, tone


@jit
def flatten(x, y, z, nx, ny, nz):
    """Coordenadas (u, v) del punto sobre el plano al que mira la normal: v es la altura en las caras de lado."""
    ax, ay, az = abs(nx), abs(ny), abs(nz)
    if az >= ax and az >= ay:
        return x, y
    if ax >= ay:
        return y, z
    return x, z


@jit
def bricks(u, v):
    row = math.floor(v * 1.6)
    across = (u * 0.8 + 0.5 * (row % 2)) % 1.0
    return 1.0 if across < 0.1 or (v * 1.6) % 1.0 < 0.16 else 0.25 * lattice(int(math.floor(u * 0.8 + 0.5 * (row % 2))), int(row), 3)


@jit
def scales(u, v):
    row = math.floor(v * 1.4)
    x = (u + 0.5 * (row % 2)) % 1.0 - 0.5
    y = (v * 1.4) % 1.0
    edge = math.sqrt(x * x + y * y * 0.7)
    return 1.0 if edge > 0.62 else (edge * 0.7)


@jit
def weave(u, v):
    over = (int(math.floor(u)) + int(math.floor(v))) % 2 == 0
    across, along = (u % 1.0, v) if over else (v % 1.0, u)
    rim = min(across, 1 - across) * 2
    return min(1.0, (0.85 if over else 0.15) * 0.7 + 0.5 * (1.0 - rim) ** 2)


@jit
def rosettes(x, y, z):
    first, second, tone = cells(x, y, z, False)
    ring = 0.26 < first < 0.46 and noise(x * 2.3 + 9, y * 2.3, z * 2.3) > 0.36 and second - first > 0.05
    return 1.0 if ring or first < 0.08 else (0.3 if first <= 0.26 else 0.0)


@jit
def planar(texture, u, v):
    """Las texturas que son un dibujo en el plano (u, v)."""
    if texture == DOTS:
        a, b = u % 1.0 - 0.5, v % 1.0 - 0.5
        return 1.0 if a * a + b * b < 0.09 else 0.0
    if texture == BRICKS:
        return bricks(u, v)
    if texture == SCALES:
        return scales(u, v)
    if texture == WEAVE:
        return weave(u, v)
    if texture == ZIGZAG:
        return 1.0 if (v + abs(u % 2.0 - 1.0)) % 1.0 < 0.5 else 0.0
    if texture == COBBLES:
        first, second, tone = cells(u, v, 0.0, True)
        return 1.0 if second - first < 0.1 else 0.6 * tone * tone
    a, b = u % 1.0, v % 1.0                                                   # TILES
    return 1.0 if a < 0.07 or b < 0.07 else 0.45 * lattice(int(math.floor(u)), int(math.floor(v)), 8) ** 2


@jit
def texture_mix(texture, x, y, z, nx, ny, nz):
    """Mezcla en [0, 1] entre el primer color (0) y el segundo (1) en el punto; la normal escoge el plano del dibujo."""
    if texture == PLAIN:
        return 0.0
    if texture == STRIPES:
        return 1.0 if math.sin(x * 3.1 + 1.1 * math.sin(z * 1.1) + 0.5 * math.sin(y * 1.7)) > 0.0 else 0.0
    if texture == CHECKS:
        return float((int(math.floor(x)) + int(math.floor(y)) + int(math.floor(z + 1e-3))) % 2)
    if texture == WAVES:
        return 0.5 + 0.5 * math.sin(x * 2.2 + 7.5 * fbm(x * 0.35, y * 0.35, z * 0.35, 2))
    if texture == CRACKS:
        u, v = flatten(x, y, z, nx, ny, nz)
        first, second, tone = cells(u + 0.3 * noise(u * 2, v * 2, 4.0), v + 0.3 * noise(u * 2, v * 2, 8.0), 0.0, True)
        return 1.0 if second - first < 0.06 else 0.15 * tone
    if texture == BLOTCHES:
        return 1.0 if fbm(x * 0.55, y * 0.55, z * 0.55, 2) > 0.52 else 0.0
    if texture == GRAIN:
        rings = 1.5 * math.sqrt(y * y + z * z) + 0.25 * x + 1.2 * noise(x * 0.4, y * 0.4, z * 0.4)
        return 0.5 + 0.5 * math.sin(6 * rings)
    if texture == SPECKLE:
        return noise(x * 3, y * 3, z * 3)
    if texture == ROSETTES:
        return rosettes(x, y, z)
    u, v = flatten(x, y, z, nx, ny, nz)
    if texture == RIBS:
        return 0.5 - 0.5 * math.cos(6.2832 * v)
    return planar(texture, u, v)

"""Mapas de imágenes: puntos en el plano, sin montones, y los números que dicen qué tanto engaña un mapa."""
from dataclasses import dataclass

import torch
from scipy import stats
from scipy.optimize import linear_sum_assignment
from scipy.spatial import ConvexHull, distance
from sklearn.manifold import trustworthiness
from torch import Tensor

from labkit.checks import as_grid, check_pairs, check_points, check_spread, check_varies, dice
from labkit.images import draw_box
from labkit.shapes import check_numbers, check_shape, full, positions, real, whole
from labkit.vectors import check_vectors, distances, neighbours, principal_axes

SAMPLE = 1000                               # con cuántos puntos se mide, si hay más
EMPTY = -1                                  # una casilla sin imagen
ANY = 2 ** 62                               # el número de una clase puede ser cualquiera
RED = (0.85, 0.1, 0.1)


@dataclass(frozen=True)
class Quality:
    """Qué tan fiel es un mapa, de 0 a 1 y siempre con k vecinos.

    trustworthiness: que los vecinos del mapa de verdad lo sean;  continuity: que los vecinos de verdad sigan juntos en
    el mapa;  preserved: qué parte de los k vecinos de verdad son también los k del mapa.
    """
    trustworthiness: float
    continuity: float
    preserved: float


def pca(vectors: Tensor, k: int = 2) -> Tensor:
    """Los k primeros componentes principales de cada vector (n, d): (n, k)."""
    middle, axes, _ = principal_axes(vectors)
    k = whole(k, "k", 1, len(axes), f", los componentes de unos vectores {tuple(vectors.shape)},")
    return (full(vectors) - middle) @ axes[:k].T


def map_quality(vectors: Tensor, points: Tensor, k: int = 12, seed: int = 0) -> Quality:
    """Qué tanto engaña un mapa: vectors (n, d), points (n, 2). Con más de mil puntos, mide en mil al azar.

    Fuente: Venna y Kaski (2001), «Neighborhood preservation in nonlinear projection methods»,
    doi:10.1007/3-540-44668-0_68. La continuidad es la confianza con los papeles cambiados.
    """
    check_vectors(vectors)
    check_points(points, vectors)
    some = torch.randperm(len(vectors), generator=dice(seed))[:SAMPLE]
    high, low = full(vectors.detach())[some], full(points.detach())[some]
    k = whole(k, "k", 1, (len(some) - 1) // 2, f", menos de la mitad de {len(some)} puntos,")
    both = (high.cpu().numpy(), low.cpu().numpy())
    trust, kept = (trustworthiness(*pair, n_neighbors=k) for pair in (both, both[::-1]))
    return Quality(float(trust), float(kept), neighbour_preservation(high, low, k))


def neighbour_preservation(vectors: Tensor, points: Tensor, k: int = 12) -> float:
    """Qué parte de los k vecinos de cada vector (n, d) son también de los k de su punto (n, 2), en promedio."""
    here, there = neighbours(vectors, k), neighbours(points, k)
    check_pairs(vectors, points)
    return (here[:, :, None] == there[:, None, :]).any(2).float().mean().item()


def same_group(points: Tensor, groups: Tensor, k: int = 12) -> float:
    """De los k vecinos de cada punto (n, d), qué parte es de su grupo, en promedio. groups: (n,)."""
    check_vectors(points, 2, "points")
    near = neighbours(points, k)
    check_shape(groups, f"{len(points)}", "groups")
    return (groups[near] == groups[:, None]).float().mean().item()


def center_distances(points: Tensor, labels: Tensor) -> Tensor:
    """Las distancias entre los centros de las k clases que hay, una por pareja de clases: (k · (k − 1) / 2,).

    points: (n, d), de un mapa o de una capa;  labels: (n,). El centro de una clase es la media de sus puntos.
    """
    check_vectors(points, 1, "points")
    labels = positions(labels, f"{len(points)}", "labels", ANY, -ANY)
    middle = torch.stack([points[labels == label].double().mean(0) for label in labels.unique()])
    return torch.pdist(middle).float()


def order_kept(first: Tensor, second: Tensor, labels: Tensor) -> float:
    """¿Van en el mismo orden las distancias entre clases en los puntos (n, d) y en los otros (n, e)?

    Es la correlación de sus rangos: 1 si el orden es el mismo, 0 si no tienen que ver. Fuente: Spearman (1904),
    doi:10.2307/1412159.
    """
    high, low = (_ranks(points, labels, name) for points, name in ((first, "first"), (second, "second")))
    return float(high @ low / len(high))


def shuffled_order(first: Tensor, second: Tensor, labels: Tensor, times: int = 200, seed: int = 0) -> Tensor:
    """Lo que da `order_kept` al azar, (times,): en los segundos puntos, cada clase lleva el nombre de otra."""
    high, low = (_ranks(points, labels, name) for points, name in ((first, "first"), (second, "second")))
    count = len(labels.unique())
    rows, cols = torch.triu_indices(count, count, 1)
    table = torch.from_numpy(distance.squareform(low))                      # (k, k): el lugar de cada distancia
    turns = torch.rand(whole(times, "times", 1), count, generator=dice(seed)).argsort(1)    # qué nombre lleva cada una
    return (table[turns[:, rows], turns[:, cols]] @ high / len(high)).float()


def _ranks(points: Tensor, labels: Tensor, name: str) -> Tensor:
    """El lugar de cada distancia entre clases, con media 0 y desviación 1; ValueError si no hay orden."""
    check_vectors(points, 1, name)
    far = center_distances(points, labels)
    check_varies(far, name)
    return torch.from_numpy(stats.zscore(stats.rankdata(far.detach().cpu())))


def crowding(points: Tensor) -> float:
    """Qué tan cerca está cada punto (n, 2) de su vecino, entre lo que estaría si se hubieran echado al azar.

    1, sin grupos; menos, amontonados. El azar se reparte parejo en el área que encierran los puntos. Fuente: Clark y
    Evans (1954), doi:10.2307/1931034.
    """
    check_spread(points)
    points = full(points.detach())
    nearest = (points - points[neighbours(points, 1)[:, 0]]).norm(dim=1).mean()
    return float(nearest / (0.5 * (ConvexHull(points.cpu().numpy()).volume / len(points)) ** 0.5))


def assign_to_grid(points: Tensor, rows: int, cols: int) -> Tensor:
    """Qué punto (n, 2) va en cada casilla de una rejilla: (rows, cols), con −1 donde no hay. Nadie se encima.

    Minimiza la suma de los cuadrados de lo que se mueven los puntos (asignación lineal). Hasta unos 3,000 puntos.
    """
    check_points(points)
    rows, cols = whole(rows, "rows"), whole(cols, "cols")
    if rows < 1 or cols < 1 or rows * cols < len(points):
        raise ValueError(f"rows, cols: {rows} × {cols} casillas no alcanzan para {len(points)} puntos.")
    cells = torch.cartesian_prod(torch.linspace(0, 1, rows), torch.linspace(0, 1, cols))            # (y, x)
    cost = torch.cdist(_unit_square(full(points.detach())).cpu().float(), cells).pow(2)
    who, where = linear_sum_assignment(cost.numpy())
    grid = torch.full((rows * cols,), EMPTY)
    grid[torch.from_numpy(where)] = torch.from_numpy(who)
    return grid.view(rows, cols)


def seams(vectors: Tensor, grid: Tensor) -> Tensor:
    """Las costuras de un mapa en rejilla: qué tan lejos están de verdad los vecinos de cada casilla, (rows, cols).

    grid: de `assign_to_grid`. Es la distancia media a los de arriba, abajo, izquierda y derecha, entre la distancia
    media de dos vectores cualesquiera: cerca de 1, no se parecen más que dos al azar. nan si no hay imagen.
    """
    check_vectors(vectors)
    grid, vectors = as_grid(grid, len(vectors), EMPTY), full(vectors)
    rows, cols = grid.shape
    total, count = torch.zeros(rows, cols), torch.zeros(rows, cols)
    for dy, dx in ((0, 1), (1, 0)):
        a, b = grid[:rows - dy, :cols - dx], grid[dy:, dx:]
        there = (a != EMPTY) & (b != EMPTY)
        far = torch.where(there, (vectors[a] - vectors[b]).norm(dim=2).cpu(), 0)
        for ys, xs in ((slice(0, rows - dy), slice(0, cols - dx)), (slice(dy, rows), slice(dx, cols))):
            total[ys, xs] += far
            count[ys, xs] += there
    usual = distances(vectors, vectors).float().sum().cpu() / (len(vectors) * (len(vectors) - 1))
    return torch.where((grid == EMPTY) | (count == 0), torch.nan, total / count.clamp(min=1) / usual.clamp(min=1e-12))


def spread_sheet(images: Tensor, grid: Tensor, thumb: int = 24, marks: Tensor | None = None,
                 cut: float = 1.0) -> Tensor:
    """Las imágenes (n, 3, h, w) en su casilla de una rejilla (rows, cols): (3, rows · thumb, cols · thumb).

    marks: (rows, cols), como las costuras; las casillas de `cut` o más llevan marco rojo. Una vacía queda blanca.
    """
    thumb, cut, size = whole(thumb, "thumb", 1), real(cut, "cut"), check_numbers(images, "n 3 h w", "images")
    grid = as_grid(grid, size["n"], EMPTY)
    if marks is not None:
        check_shape(marks, f"{grid.shape[0]} {grid.shape[1]}", "marks")
    small = torch.cat([_thumbs(images, thumb), torch.ones(1, 3, thumb, thumb)])             # la última, −1, es la vacía
    cells = small[grid]                                                                     # (rows, cols, 3, t, t)
    if marks is not None:
        cells = cells.clone()
        for row, col in ((marks >= cut) & (grid != EMPTY)).nonzero().tolist():
            for inset in range(1 + thumb // 32):                            # más grueso si la casilla es grande
                cells[row, col] = draw_box(cells[row, col], (inset, inset, thumb - inset, thumb - inset), RED)
    return cells.permute(2, 0, 3, 1, 4).flatten(3, 4).flatten(1, 2)


def _unit_square(points: Tensor) -> Tensor:
    """Los puntos llevados a [0, 1] en cada eje; los que no se extienden en un eje, a su mitad."""
    low, high = points.amin(0), points.amax(0)
    return torch.where(high > low, (points - low) / (high - low).clamp(min=1e-12), 0.5)


def _thumbs(images: Tensor, thumb: int) -> Tensor:
    """Las imágenes en chico, (n, 3, thumb, thumb)."""
    return torch.nn.functional.interpolate(full(images.detach()).cpu(), (thumb, thumb), mode="bilinear", antialias=True,
                                           align_corners=False).clamp(0, 1)

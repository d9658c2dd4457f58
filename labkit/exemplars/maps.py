"""Mapas de imágenes: puntos en el plano, sin montones, y los números que dicen qué tanto engaña un mapa."""
from dataclasses import dataclass

import torch
from scipy import stats
from scipy.optimize import linear_sum_assignment
from scipy.spatial import ConvexHull, distance
from sklearn.manifold import trustworthiness
from torch import Tensor

from labkit.images import draw_box
from labkit.shapes import check_shape
from labkit.vectors import check_vectors, neighbours, principal_axes

SAMPLE = 1000                               # con cuántos puntos se mide, si hay más
EMPTY = -1                                  # una casilla sin imagen
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
    if k < 1:
        raise ValueError(f"k: esperaba al menos un componente y recibí {k}.")
    middle, axes, _ = principal_axes(vectors)
    if k > len(axes):
        raise ValueError(f"k: con vectores {tuple(vectors.shape)} hay {len(axes)} componentes y pediste {k}.")
    return (vectors - middle) @ axes[:k].T


def map_quality(vectors: Tensor, points: Tensor, k: int = 12, seed: int = 0) -> Quality:
    """Qué tanto engaña un mapa: vectors (n, d), points (n, 2). Con más de mil puntos, mide en mil al azar.

    Fuente: Venna y Kaski (2001), «Neighborhood preservation in nonlinear projection methods»,
    doi:10.1007/3-540-44668-0_68. La continuidad es la confianza con los papeles cambiados.
    """
    if len(vectors) != len(points):
        raise ValueError(f"points: esperaba {len(vectors)} puntos, uno por vector, y recibí {len(points)}.")
    check_vectors(vectors)
    _check_points(points)
    some = torch.randperm(len(vectors), generator=torch.Generator().manual_seed(seed))[:SAMPLE]
    high, low = vectors[some], points[some]
    if not 1 <= k < len(some) / 2:
        raise ValueError(f"k: con {len(some)} puntos esperaba de 1 a menos de {len(some) / 2:g} y recibí {k}.")
    both = (high.cpu().numpy(), low.cpu().numpy())
    trust, kept = (trustworthiness(*pair, n_neighbors=k) for pair in (both, both[::-1]))
    return Quality(float(trust), float(kept), neighbour_preservation(high, low, k))


def neighbour_preservation(vectors: Tensor, points: Tensor, k: int = 12) -> float:
    """Qué parte de los k vecinos de cada vector (n, d) son también de los k de su punto (n, 2), en promedio."""
    here, there = neighbours(vectors, k), neighbours(points, k)
    return (here[:, :, None] == there[:, None, :]).any(2).float().mean().item()


def same_group(points: Tensor, groups: Tensor, k: int = 12) -> float:
    """De los k vecinos de cada punto (n, d), qué parte es de su grupo, en promedio. groups: (n,)."""
    return (groups[neighbours(points, k)] == groups[:, None]).float().mean().item()


def center_distances(points: Tensor, labels: Tensor) -> Tensor:
    """Las distancias entre los centros de las k clases que hay, una por pareja de clases: (k · (k − 1) / 2,).

    points: (n, d), de un mapa o de una capa;  labels: (n,). El centro de una clase es la media de sus puntos.
    """
    return torch.pdist(torch.stack([points[labels == label].float().mean(0) for label in labels.unique()]))


def order_kept(first: Tensor, second: Tensor, labels: Tensor) -> float:
    """¿Van en el mismo orden las distancias entre clases en los puntos (n, d) y en los otros (n, e)?

    Es la correlación de sus rangos: 1 si el orden es el mismo, 0 si no tienen que ver. Fuente: Spearman (1904),
    doi:10.2307/1412159.
    """
    return float(stats.spearmanr(center_distances(first, labels), center_distances(second, labels)).statistic)


def shuffled_order(first: Tensor, second: Tensor, labels: Tensor, times: int = 200, seed: int = 0) -> Tensor:
    """Lo que da `order_kept` al azar, (times,): en los segundos puntos, cada clase lleva el nombre de otra."""
    dice, count = torch.Generator().manual_seed(seed), len(labels.unique())
    rows, cols = torch.triu_indices(count, count, 1)
    found = [stats.rankdata(center_distances(points, labels)) for points in (first, second)]
    high, low = (stats.zscore(ranks) for ranks in found)
    table = torch.from_numpy(distance.squareform(low))                      # (k, k): el lugar de cada distancia
    turns = torch.rand(times, count, generator=dice).argsort(1)             # qué nombre lleva cada clase
    return (table[turns[:, rows], turns[:, cols]] @ torch.from_numpy(high) / len(high)).float()


def crowding(points: Tensor) -> float:
    """Qué tan cerca está cada punto (n, 2) de su vecino, entre lo que estaría si se hubieran echado al azar.

    1, sin grupos; menos, amontonados. El azar se reparte parejo en el área que encierran los puntos. Fuente: Clark y
    Evans (1954), doi:10.2307/1931034.
    """
    _check_points(points)
    nearest = (points - points[neighbours(points, 1)[:, 0]]).norm(dim=1).mean()
    return float(nearest / (0.5 * (ConvexHull(points.cpu().numpy()).volume / len(points)) ** 0.5))


def assign_to_grid(points: Tensor, rows: int, cols: int) -> Tensor:
    """Qué punto (n, 2) va en cada casilla de una rejilla: (rows, cols), con −1 donde no hay. Nadie se encima.

    Minimiza la suma de los cuadrados de lo que se mueven los puntos (asignación lineal). Hasta unos 3,000 puntos.
    """
    _check_points(points)
    if rows < 1 or cols < 1 or rows * cols < len(points):
        raise ValueError(f"rows, cols: {rows} × {cols} casillas no alcanzan para {len(points)} puntos.")
    cells = torch.cartesian_prod(torch.linspace(0, 1, rows), torch.linspace(0, 1, cols))            # (y, x)
    cost = torch.cdist(_unit_square(points).cpu().float(), cells).pow(2)
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
    _check_grid(grid, len(vectors))
    rows, cols = grid.shape
    total, count = torch.zeros(rows, cols), torch.zeros(rows, cols)
    for dy, dx in ((0, 1), (1, 0)):
        a, b = grid[:rows - dy, :cols - dx], grid[dy:, dx:]
        there = (a != EMPTY) & (b != EMPTY)
        far = torch.where(there, (vectors[a] - vectors[b]).norm(dim=2).cpu(), 0)
        for ys, xs in ((slice(0, rows - dy), slice(0, cols - dx)), (slice(dy, rows), slice(dx, cols))):
            total[ys, xs] += far
            count[ys, xs] += there
    usual = torch.cdist(vectors, vectors).sum().cpu() / (len(vectors) * (len(vectors) - 1))
    return torch.where((grid == EMPTY) | (count == 0), torch.nan, total / count.clamp(min=1) / usual.clamp(min=1e-12))


def spread_sheet(images: Tensor, grid: Tensor, thumb: int = 24, marks: Tensor | None = None,
                 cut: float = 1.0) -> Tensor:
    """Las imágenes (n, 3, h, w) en su casilla de una rejilla (rows, cols): (3, rows · thumb, cols · thumb).

    marks: (rows, cols), como las costuras; las casillas de `cut` o más llevan marco rojo. Una vacía queda blanca.
    """
    _check_grid(grid, len(images))
    if marks is not None and marks.shape != grid.shape:
        raise ValueError(f"marks: esperaba {tuple(grid.shape)}, como grid, y recibí {tuple(marks.shape)}.")
    small = torch.cat([_thumbs(images, thumb), torch.ones(1, 3, thumb, thumb)])             # la última, −1, es la vacía
    cells = small[grid]                                                                     # (rows, cols, 3, t, t)
    if marks is not None:
        cells = cells.clone()
        for row, col in ((marks >= cut) & (grid != EMPTY)).nonzero().tolist():
            for inset in range(1 + thumb // 32):                            # más grueso si la casilla es grande
                cells[row, col] = draw_box(cells[row, col], (inset, inset, thumb - inset, thumb - inset), RED)
    return cells.permute(2, 0, 3, 1, 4).flatten(3, 4).flatten(1, 2)


def _check_points(points: Tensor) -> None:
    """ValueError si no son puntos finitos del plano, (n, 2)."""
    check_shape(points, "n 2", "points")
    check_vectors(points, 1, "points")


def _check_grid(grid: Tensor, n: int) -> None:
    """ValueError si no es una rejilla (rows, cols) de posiciones de 0 a n − 1, o −1."""
    if grid.ndim != 2 or grid.dtype != torch.int64 or not grid.numel() or grid.min() < EMPTY or grid.max() >= n:
        raise ValueError(f"grid: esperaba (rows, cols) enteros de −1 a {n - 1}, como los de assign_to_grid, y recibí "
                         f"{grid.dtype} {tuple(grid.shape)}.")


def _unit_square(points: Tensor) -> Tensor:
    """Los puntos llevados a [0, 1] en cada eje; los que no se extienden en un eje, a su mitad."""
    low, high = points.amin(0), points.amax(0)
    return torch.where(high > low, (points - low) / (high - low).clamp(min=1e-12), 0.5)


def _thumbs(images: Tensor, thumb: int) -> Tensor:
    """Las imágenes en chico, (n, 3, thumb, thumb)."""
    check_shape(images, "n 3 h w", "images")
    return torch.nn.functional.interpolate(images.cpu(), (thumb, thumb), mode="bilinear", antialias=True,
                                           align_corners=False).clamp(0, 1)

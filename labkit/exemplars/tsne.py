"""t-SNE, exacto y a la vista: que los vecinos de muchas dimensiones sigan siéndolo en dos (lección 4).

Para trabajar está `sklearn.manifold.TSNE`, que con muchos puntos aproxima; aquí están todas las parejas, y corre en el
dispositivo de los vectores. Fuente: van der Maaten y Hinton (2008), «Visualizing Data using t-SNE», JMLR 9.
"""
import math

import torch
from torch import Tensor

from labkit.checks import as_perplexity, dice
from labkit.shapes import check_numbers, full, whole
from labkit.vectors import check_vectors, distances, principal_axes

EARLY, EXAGGERATION = 250, 12.0     # en los primeros pasos las afinidades pesan más, para que los grupos se junten
TINY = 1e-12


def affinities(vectors: Tensor, perplexity: float = 30.0) -> Tensor:
    """Qué tan vecina es cada pareja de vectores (n, d): P (n, n), simétrica, con ceros en la diagonal y suma 1.

    perplexity: con cuántos vecinos cuenta cada punto, más o menos. Para cada uno se busca por bisección el ancho de la
    campana con el que la entropía de sus vecinos es log(perplexity). Puntos repetidos se vuelven vecinos iguales.
    """
    check_vectors(vectors, 3)
    vectors, n = full(vectors), len(vectors)
    perplexity = as_perplexity(perplexity, n)
    squared = distances(vectors, vectors).pow(2)
    squared = squared / squared.mean().clamp(min=TINY)                      # la escala de los vectores no importa
    squared.fill_diagonal_(torch.inf)
    precision = torch.ones(n, 1, dtype=squared.dtype, device=squared.device)
    low, high = torch.zeros_like(precision), torch.full_like(precision, torch.inf)
    for _ in range(64):
        weights = torch.softmax(-squared * precision, 1)                    # (n, n): los vecinos de cada punto
        wide = -(weights * weights.clamp(min=TINY).log()).sum(1, keepdim=True) > math.log(perplexity)
        low, high = torch.where(wide, precision, low), torch.where(wide, high, precision)
        precision = torch.where(high.isinf(), precision * 2, (low + high) / 2)
    return ((weights + weights.T) / (2 * n)).to(vectors.dtype)


def tsne(vectors: Tensor, perplexity: float = 30.0, steps: int = 750, seed: int | None = None) -> Tensor:
    """Los vectores (n, d) puestos en el plano, (n, 2), de modo que los vecinos queden juntos. Centrado.

    seed: con un número empieza de puntos al azar; sin él, de los dos primeros componentes principales.
    Memoria: unas ocho matrices de n × n. Con los vectores en la GPU, corre ahí.
    """
    wanted, steps = affinities(vectors, perplexity), whole(steps, "steps", 1)
    vectors, n = full(vectors), len(vectors)
    points, lr = 1e-4 * _start(vectors, seed), max(n / EXAGGERATION, 10.0)
    speed, gain = torch.zeros_like(points), torch.ones_like(points)
    for step in range(steps):
        early = step < min(EARLY, steps // 3)
        slope = gradient(wanted * (EXAGGERATION if early else 1.0), points)
        # cada coordenada apura el paso mientras siga de bajada y lo acorta si se pasa (Jacobs, 1988)
        gain = torch.where(slope * speed < 0, gain + 0.2, gain * 0.8).clamp(min=0.01)
        speed = (0.5 if early else 0.8) * speed - lr * gain * slope
        points = points + speed
    return points - points.mean(0)


def gradient(wanted: Tensor, points: Tensor) -> Tensor:
    """Hacia dónde crece la divergencia de Kullback y Leibler entre las afinidades de arriba (n, n) y las del plano.

    En el plano, la afinidad de dos puntos (n, 2) a distancia r es proporcional a 1 / (1 + r²): cola larga.
    """
    n = check_numbers(points, "n 2", "points")["n"]
    check_numbers(wanted, f"{n} {n}", "wanted")
    wanted, points = wanted.to(full(points)), full(points)
    near = 1 / (1 + torch.cdist(points, points).pow(2))
    near.fill_diagonal_(0)
    pull = (wanted - near / near.sum()) * near                          # jala si se querían más cerca; si no, empuja
    return 4 * (pull.sum(1, keepdim=True) * points - pull @ points)


def _start(vectors: Tensor, seed: int | None) -> Tensor:
    """Puntos con desviación 1 en el plano, (n, 2): los componentes principales, o al azar."""
    if seed is not None:
        return torch.randn(len(vectors), 2, generator=dice(seed)).to(vectors)
    middle, axes, _ = principal_axes(vectors)
    flat = (vectors - middle) @ axes[:2].T
    if flat.shape[1] < 2:                                                   # vectores de una dimensión
        flat = torch.cat([flat, torch.zeros_like(flat)], 1)
    return flat / flat[:, :1].std().clamp(min=TINY)

"""Un mapa autoorganizado: una rejilla de prototipos que se estira hasta cubrir los vectores (lección 4).

Fuente: Kohonen (2013), «Essentials of the self-organizing map», Neural Networks 37, doi:10.1016/j.neunet.2012.09.018;
aquí, su algoritmo por lotes.
"""
import math

import torch
from torch import Tensor

from labkit.shapes import full, real, whole
from labkit.vectors import check_vectors, distances, principal_axes


class SOM:
    """m = rows · cols prototipos en una rejilla cuadrada o hexagonal.

    prototypes: (m, d), tras `fit`;  places: (m, 2), dónde está cada nodo (y, x);  el nodo del renglón r y la columna c
    es el r · cols + c. En una rejilla hexagonal los renglones impares van corridos medio paso.
    """

    def __init__(self, rows: int, cols: int, hexagonal: bool = False) -> None:
        rows, cols = whole(rows, "rows"), whole(cols, "cols")
        if rows < 1 or cols < 1 or rows * cols < 2:
            raise ValueError(f"rows, cols: esperaba al menos dos nodos y recibí {rows} × {cols}.")
        self.rows, self.cols, self.hexagonal = rows, cols, hexagonal
        y, x = torch.meshgrid(torch.arange(rows).float(), torch.arange(cols).float(), indexing="ij")
        places = torch.stack([y * (math.sqrt(3) / 2 if hexagonal else 1.0), x + (y % 2) / 2 * hexagonal], 2)
        self.places = places.flatten(0, 1)
        self.prototypes = torch.empty(0)

    def fit(self, vectors: Tensor, epochs: int = 20, width: float | None = None, last: float = 0.2) -> "SOM":
        """Aprende de los vectores (n, d), en su dispositivo, y se devuelve.

        width: la desviación de la vecindad al empezar, en pasos de la rejilla (la cuarta parte de su lado mayor); baja
        en cada época, siempre en la misma proporción, hasta `last`: con un final chico los prototipos se pegan más a
        los vectores, y con uno grande (0.5) el mapa queda más ordenado. No hay azar: parte del plano de los dos
        componentes principales.
        """
        check_vectors(vectors)
        vectors, epochs, last = full(vectors), whole(epochs, "epochs", 1), real(last, "last", 0, open_ends=True)
        width = None if width is None else real(width, "width", 0, open_ends=True)
        self.places = self.places.to(vectors)
        self.prototypes = self._plane(vectors)
        width = max(max(self.rows, self.cols) / 4, last) if width is None else width
        for epoch in range(epochs):
            self.step(vectors, width * (last / width) ** (epoch / max(epochs - 1, 1)))
        return self

    def step(self, vectors: Tensor, width: float) -> None:
        """Una época: cada prototipo pasa a ser la media de los vectores, según lo cerca que cayeron de él."""
        winners, width = self.winners(vectors), real(width, "width", 0, open_ends=True)
        vectors = vectors.to(self.prototypes)
        count = torch.bincount(winners, minlength=len(self.places)).to(vectors)                     # (m,)
        total = torch.zeros_like(self.prototypes).index_add_(0, winners, vectors)                   # (m, d)
        pull = torch.exp(-torch.cdist(self.places, self.places).pow(2) / (2 * width ** 2))          # (m, m)
        weight = pull @ count
        self.prototypes = torch.where(weight[:, None] > 1e-9, pull @ total / weight[:, None].clamp(min=1e-9),
                                      self.prototypes)

    def winners(self, vectors: Tensor, k: int = 1) -> Tensor:
        """El nodo más parecido a cada vector, (n,); con k > 1, los k más parecidos, (n, k)."""
        self._check_fitted(vectors)
        k = whole(k, "k", 1, len(self.prototypes))
        best = torch.cat([distances(part, self.prototypes).topk(k, largest=False).indices
                          for part in vectors.split(4000)])
        return best[:, 0] if k == 1 else best

    def quantization_error(self, vectors: Tensor) -> float:
        """La distancia media de cada vector a su prototipo."""
        winners = self.winners(vectors)
        return (full(vectors) - self.prototypes[winners]).norm(dim=1).mean().item()

    def topographic_error(self, vectors: Tensor) -> float:
        """La parte de los vectores cuyos dos mejores nodos no son vecinos en la rejilla (Kiviluoto, 1996)."""
        first, second = self.winners(vectors, 2).T
        return (~self.adjacent[first, second]).float().mean().item()

    @property
    def adjacent(self) -> Tensor:
        """Qué nodos son vecinos, (m, m): los que se tocan; en la cuadrada, también en diagonal."""
        far = torch.cdist(self.places, self.places)
        return (far > 0) & (far < (1.1 if self.hexagonal else 1.5))

    def u_matrix(self) -> Tensor:
        """Qué tan lejos está cada prototipo de los de sus vecinos, en promedio: (rows, cols). Lo alto son fronteras."""
        self._check_fitted(self.prototypes)
        far, near = distances(self.prototypes, self.prototypes).to(self.prototypes), self.adjacent
        return ((far * near).sum(1) / near.sum(1).clamp(min=1)).view(self.rows, self.cols)

    def hits(self, vectors: Tensor) -> Tensor:
        """Cuántos vectores cayeron en cada nodo: (rows, cols)."""
        return torch.bincount(self.winners(vectors), minlength=len(self.places)).view(self.rows, self.cols)

    def nearest(self, vectors: Tensor) -> Tensor:
        """El vector más parecido a cada prototipo: (rows, cols), posiciones en `vectors`. Para el mosaico."""
        self._check_fitted(vectors)
        return distances(self.prototypes, vectors).argmin(1).view(self.rows, self.cols)

    def _plane(self, vectors: Tensor) -> Tensor:
        """Los prototipos del comienzo, (m, d): la rejilla tendida en el plano de los dos componentes principales."""
        middle, axes, deviations = principal_axes(vectors)
        grid = self.places - self.places.mean(0)
        grid = grid / grid.abs().amax(0).clamp(min=1e-9)                    # de −1 a 1 en cada eje
        order = [0, 1] if self.rows >= self.cols else [1, 0]                # el eje largo, con el componente mayor
        used = min(2, len(deviations))
        return middle + 2 * (grid[:, order[:used]] * deviations[:used]) @ axes[:used]

    def _check_fitted(self, vectors: Tensor) -> None:
        if not len(self.prototypes):
            raise ValueError("vectors: el SOM todavía no aprende de ningunos; primero llama a fit(vectors).")
        check_vectors(vectors, 1)
        if vectors.shape[1] != self.prototypes.shape[1]:
            raise ValueError(f"vectors: esperaba vectores de {self.prototypes.shape[1]} números y recibí "
                             f"{tuple(vectors.shape)}.")

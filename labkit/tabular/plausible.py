"""Qué tan plausible es un renglón: una loma de probabilidad sobre cada renglón real (lección 6b).

Es una estimación de densidad por núcleos: Parzen (1962), doi:10.1214/aoms/1177704472; con opciones, Aitchison y Aitken
(1976), doi:10.1093/biomet/63.3.413.
"""
import math

import torch
from torch import Tensor

from labkit.activations import INPUT
from labkit.objectives import Objective
from labkit.tabular.columns import Columns

WIDTHS = (0.2, 0.3, 0.4, 0.5, 0.7, 1.0)


class Plausible:
    """La densidad de unos renglones reales, (n, d): `log_density(rows)` da log p, (b,), en nats.

    Cada número se mide en sus desviaciones, y dos opciones distintas están a una desviación. Cada renglón real pone una
    loma de ancho `width`; sin él, se escoge el que mejor anuncia a la mitad de los renglones con la otra mitad.
    """

    def __init__(self, columns: Columns, rows: Tensor, width: float | None = None) -> None:
        columns.check(rows)
        if len(rows) < 4:
            raise ValueError(f"rows: hacen falta al menos 4 renglones reales y recibí {len(rows)}.")
        if width is not None and not width > 0:
            raise ValueError(f"width: esperaba un ancho mayor que 0 y recibí {width:g}.")
        self.columns, self.scale = columns, _scale(columns, rows)
        self.known = rows * self.scale
        self.width = self._best_width() if width is None else width

    def log_density(self, rows: Tensor) -> Tensor:
        """log p de cada renglón, (b, d) → (b,). Cuanto mayor, más se parece a los reales."""
        return self._log_density(rows * self.scale, self.known, self.width)

    def nearest(self, rows: Tensor) -> Tensor:
        """El lugar, entre los reales, del que más se parece a cada renglón: (b, d) → (b,)."""
        return torch.cdist(rows * self.scale, self.known).argmin(1)

    def objective(self) -> Objective:
        """La misma log p como objetivo sobre la entrada: se suma a lo que se le pregunta a la red."""
        return Objective((INPUT,), lambda acts: self.log_density(acts[INPUT]), "log p")

    def _best_width(self) -> float:
        half = len(self.known) // 2
        asked, known = self.known[:half], self.known[half:]
        return max(WIDTHS, key=lambda width: float(self._log_density(asked, known, width).mean()))

    def _log_density(self, asked: Tensor, known: Tensor, width: float) -> Tensor:
        far = torch.cdist(asked, known).square()                        # (b, n)
        return (-far / (2 * width ** 2)).logsumexp(1) - math.log(len(known)) - self._log_volume(width)

    def _log_volume(self, width: float) -> float:
        """El logaritmo de lo que suma una loma: así p suma 1 sobre todos los renglones (de reales y de opciones)."""
        total = 0.0
        for column in self.columns.columns:
            if column.width == 1:
                total += math.log(width * math.sqrt(2 * math.pi))
            else:
                total += math.log(1 + (column.width - 1) * math.exp(-1 / (2 * width ** 2)))
        return total


def _scale(columns: Columns, rows: Tensor) -> Tensor:
    """Por cuánto se multiplica cada lugar, (d,): un número, entre su desviación; una opción, √½: dos quedan a 1."""
    scale = torch.full((len(columns),), 0.5 ** 0.5)
    for column in columns.columns:
        if column.width == 1:
            spread = rows[:, columns.places[column.name]].std().clamp(min=1e-3)
            scale[columns.places[column.name]] = 1 / spread
    return scale

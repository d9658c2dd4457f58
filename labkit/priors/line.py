"""Una distribución en una recta, con todo en fórmulas: la densidad, su versión con ruido, la flecha y la mejor apuesta.

La densidad p es una suma de campanas. Con ruido gaussiano de desviación σ también lo es, p_σ: las mismas, más anchas.
La **flecha** es el gradiente de log p_σ, hacia donde la densidad crece en proporción más rápido. La **mejor apuesta**
de dónde salió un x con ruido es D(x, σ) = E[dato | x], y entonces D(x, σ) − x = σ² ∇ log p_σ(x), exacto. Fuentes:
Miyasawa (1961), «An empirical Bayes estimator of the mean of a normal population»; Vincent (2011),
doi:10.1162/NECO_a_00142; Alain y Bengio (2014), JMLR 15.
"""
from dataclasses import dataclass

import torch
from torch import Tensor


@dataclass(frozen=True, eq=False)
class Bumps:
    """Una densidad en la recta: m campanas con su centro, su desviación y su peso; los pesos suman 1.

    Las tres son (m,). Todo lo que sigue recibe lugares x de cualquier forma y da un número en cada uno.
    """
    centers: Tensor
    widths: Tensor
    weights: Tensor

    def __post_init__(self) -> None:
        sizes = {tuple(part.shape) for part in (self.centers, self.widths, self.weights)}
        if len(sizes) > 1 or self.centers.ndim != 1:
            raise ValueError(f"centers, widths, weights: esperaba las tres (m,) y recibí {sorted(sizes)}.")
        if (self.widths <= 0).any() or not torch.isclose(self.weights.sum(), self.weights.new_ones(())):
            raise ValueError("widths, weights: esperaba desviaciones mayores que 0 y pesos que sumen 1.")

    def density(self, x: Tensor, sigma: float = 0.0) -> Tensor:
        """La densidad de los datos con ruido de desviación σ, p_σ(x); con σ = 0, la de los datos."""
        return self._log_parts(x, sigma).exp().sum(-1)

    def arrow(self, x: Tensor, sigma: float = 0.0) -> Tensor:
        """La flecha: el gradiente de log p_σ en cada x."""
        pulls = (self.centers - x[..., None]) / (self.widths ** 2 + sigma ** 2)
        return (self._shares(x, sigma) * pulls).sum(-1)

    def best_guess(self, x: Tensor, sigma: float) -> Tensor:
        """La mejor apuesta, D(x, σ): el promedio de los datos de los que pudo salir x, cada uno con su probabilidad."""
        own, noise = self.widths ** 2, sigma ** 2
        guesses = (own * x[..., None] + noise * self.centers) / (own + noise)       # si se supiera de qué campana salió
        return (self._shares(x, sigma) * guesses).sum(-1)

    def mean(self) -> float:
        """El promedio de los datos."""
        return (self.weights * self.centers).sum().item()

    def _log_parts(self, x: Tensor, sigma: float) -> Tensor:
        """El logaritmo de lo que aporta cada campana, (…, m)."""
        bells = torch.distributions.Normal(self.centers, (self.widths ** 2 + sigma ** 2).sqrt())
        return self.weights.log() + bells.log_prob(x[..., None])

    def _shares(self, x: Tensor, sigma: float) -> Tensor:
        """La probabilidad de que x haya salido de cada campana, (…, m)."""
        return self._log_parts(x, sigma).softmax(-1)

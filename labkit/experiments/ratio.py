"""Qué parte queda: el cociente de dos promedios medidos en las mismas imágenes, con su intervalo."""
import math
from collections.abc import Sequence

import torch
from scipy import stats
from torch import Tensor

from labkit.measures import Gap


def ratio_interval(before: Sequence[float] | Tensor, after: Sequence[float] | Tensor, share: float = 0.95) -> Gap:
    """El promedio de `after` entre el de `before`, con su intervalo: qué parte queda de lo que había.

    before, after: (n,), de las mismas n imágenes, en orden. Una parte r cabe en el intervalo si el promedio de
    after − r · before no se distingue de 0; con r = 1 es la prueba de `paired`, y por eso nunca se contradicen. Si el
    promedio de `before` no se distingue de 0, cabe cualquier parte, de −∞ a ∞. ValueError si son menos de dos imágenes
    o si `before` promedia 0. Fuente: Fieller (1954), doi:10.1111/j.2517-6161.1954.tb00159.x.
    """
    was, now = (torch.as_tensor(values, dtype=torch.float64) for values in (before, after))
    if was.ndim != 1 or was.shape != now.shape or len(was) < 2 or was.mean() == 0:
        raise ValueError(f"before, after: esperaba los números de las mismas imágenes, al menos dos, con un promedio "
                         f"distinto de 0 en before, y recibí {tuple(was.shape)} y {tuple(now.shape)}.")
    left = (now.mean() / was.mean()).item()
    # (m_now − r · m_was)² ≤ t² · varianza de esa media: a r² − 2 b r + c ≤ 0
    (v_was, both), (_, v_now) = (torch.cov(torch.stack([was, now])) / len(was)).tolist()
    reach = stats.t.ppf((1 + share) / 2, len(was) - 1) ** 2
    a = was.mean().item() ** 2 - reach * v_was
    b = (was.mean() * now.mean()).item() - reach * both
    c = now.mean().item() ** 2 - reach * v_now
    if a <= 0:
        return Gap(left, -math.inf, math.inf)
    half = math.sqrt(max(b * b - a * c, 0.0)) / a
    return Gap(left, min(left, b / a - half), max(left, b / a + half))

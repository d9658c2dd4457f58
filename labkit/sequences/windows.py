"""De cuánto a cuánto está lo que se midió: se remuestrean ventanas enteras, pues los signos de una se parecen."""
import torch
from torch import Tensor

from labkit.measures import average_precisions, redraws
from labkit.sequences.cells import SignCosts

PART = 200                                  # remuestreos que se cuentan juntos: acota la memoria
Interval = tuple[float, float, float]       # lo medido, abajo y arriba


def area_draws(values: Tensor, truth: Tensor, weights: Tensor) -> Tensor:
    """La AUPRC de una celda con cada remuestreo de las ventanas, (veces,).

    values, truth: (n·T,), lo que vale en cada signo y si es del concepto, una ventana tras otra;  weights: (veces, n),
    cuántas veces sale cada ventana (`labkit.measures.redraws`). Si no sale ninguna con el concepto, nan. Dos valores
    iguales quedan en el orden en que vienen.
    """
    check_windows(values, truth, weights.shape[1])
    order = values.argsort(descending=True, stable=True)
    owner = torch.arange(len(values)).div(len(values) // weights.shape[1], rounding_mode="floor")[order]
    places = truth[order].nonzero()[:, 0]
    one = torch.nn.functional.one_hot(owner, weights.shape[1]).float()
    taken, found = one.cumsum(0)[places], one[places].cumsum(0)             # (m, n): hasta cada verdadero
    areas = []
    for part in weights.float().split(PART):
        counted = part[:, owner[places]]                                    # cuántas veces sale cada verdadero
        precision = (part @ found.T) / (part @ taken.T).clamp(min=1)
        areas.append((counted * precision).sum(1) / counted.sum(1))
    return torch.cat(areas).double()


def check_windows(values: Tensor, truth: Tensor, count: int) -> None:
    """Nada, si hay un valor y una marca por signo de `count` ventanas iguales; si no, ValueError."""
    if values.shape != truth.shape or values.ndim != 1 or len(values) % count:
        raise ValueError(f"values, truth: esperaba un valor y una marca por signo de {count} ventanas iguales, y "
                         f"recibí {tuple(values.shape)} y {tuple(truth.shape)}.")


def area_interval(values: Tensor, truth: Tensor, windows: int, times: int = 1000, share: float = 0.95,
                  seed: int = 0) -> Interval:
    """La AUPRC de una celda, (n·T,), y entre qué valores está si se remuestrean las `windows` ventanas."""
    check_windows(values, truth, windows)
    area = float(average_precisions(values[:, None], truth)[0])
    return area, *tails(area_draws(values, truth, redraws(windows, times, share, seed)), share)


def tails(draws: Tensor, share: float = 0.95) -> tuple[float, float]:
    """Entre qué valores queda esa parte de los remuestreos; los que no se pudieron medir no cuentan."""
    low, high = draws.nanquantile(torch.tensor([(1 - share) / 2, (1 + share) / 2], dtype=draws.dtype)).tolist()
    return low, high


def ratio_interval(before: SignCosts, after: SignCosts, times: int = 1000, share: float = 0.95,
                   seed: int = 0) -> Interval:
    """Por cuánto se multiplica el costo de un signo, y entre qué valores está: (factor, abajo, arriba)."""
    (was, now), _ = _sums(before, after)
    here = torch.bincount(before.rows, minlength=len(was)) > 0              # las ventanas donde está el signo
    return _ratio(was[here], now[here], times, share, seed)


def rest_interval(before: SignCosts, after: SignCosts, times: int = 1000, share: float = 0.95,
                  seed: int = 0) -> Interval:
    """Por cuánto se multiplica el costo de los demás signos, y entre qué valores está."""
    return _ratio(*_sums(before, after)[1], times, share, seed)


def share_interval(before: SignCosts, after: SignCosts, times: int = 1000, share: float = 0.95,
                   seed: int = 0) -> Interval:
    """Qué parte de los bits que se pierden, entre todos los signos, se pierde en el que se pidió."""
    (was, now), (rest_was, rest_now) = _sums(before, after)
    return _ratio(now - was + rest_now - rest_was, now - was, times, share, seed)


def _sums(before: SignCosts, after: SignCosts) -> tuple[tuple[Tensor, Tensor], tuple[Tensor, Tensor]]:
    """Los bits de cada ventana, (n,), antes y después: los del signo, y los de los demás."""
    own, rest = [], []
    for costs in (before, after):
        sums = torch.zeros(len(costs.rest), dtype=torch.float64)
        own.append(sums.index_add_(0, costs.rows, costs.bits.double()))
        rest.append(costs.rest.double() * costs.others)
    return tuple(own), tuple(rest)


def _ratio(below: Tensor, above: Tensor, times: int, share: float, seed: int) -> Interval:
    """La suma de unas ventanas entre la de otras, y entre qué valores está."""
    if len(below) < 2:
        raise ValueError("before, after: hacen falta al menos dos ventanas con ese signo para remuestrear.")
    again = redraws(len(below), times, share, seed) @ torch.stack([below, above], 1)        # (veces, 2)
    return float(above.sum() / below.sum()), *tails(again[:, 1] / again[:, 0], share)

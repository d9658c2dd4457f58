"""Lo que contestan las redes a la lista de comparaciones de la lección 5b, con una sola regla para todas."""
import warnings
from collections.abc import Sequence
from dataclasses import dataclass
from statistics import fmean

from scipy import stats

from labkit.experiments.planned import SEEDS, TITLES, Comparison, planned
from labkit.experiments.tables import Tables, load_table
from labkit.measures import Gap, difference, paired

LEVEL = 0.05                                # de las diferencias que se afirman, qué parte puede ser falsa en promedio


@dataclass(frozen=True)
class Outcome:
    """La respuesta de una comparación.

    first, second: un número por red, en el orden de las semillas;  gap: la diferencia y su intervalo de 95 %;  p: la de
    Student si son las mismas redes, la de Welch si no;  corrected: la p corregida junto con todas las de la lista.
    floor: la misma diferencia con pesos al azar, si la comparación la pide.
    """
    asked: Comparison
    first: list[float]
    second: list[float]
    gap: Gap
    p: float
    corrected: float
    floor: float | None

    @property
    def heading(self) -> str:
        """El hallazgo, con su número."""
        return f"{self.asked.finding} · {TITLES[self.asked.finding]}"

    @property
    def title(self) -> str:
        """Qué se compara."""
        return self.asked.title

    @property
    def scale(self) -> float:
        """Una δ, con el signo de lo que se afirma."""
        return self.asked.sign * self.asked.delta

    @property
    def points(self) -> list[float]:
        """Una diferencia por semilla. Si no son las mismas redes, la pareja es de las que comparten semilla."""
        return [after - before for before, after in zip(self.first, self.second)]

    @property
    def alone(self) -> bool:
        """Si su intervalo, él solo, no toca el cero."""
        return not self.gap.low <= 0 <= self.gap.high

    @property
    def verdict(self) -> str:
        """«igual», «de acuerdo», «al revés» o «no se distingue».

        Es «igual» si todo el intervalo cabe en ±δ, aunque no toque el cero: una diferencia así no cambia nada. Se
        distingue si la p corregida no pasa de 0.05; lo demás no se distingue.
        """
        delta = self.asked.delta
        if -delta <= self.gap.low and self.gap.high <= delta:
            return "igual"
        if self.corrected > LEVEL:
            return "no se distingue"
        return "de acuerdo" if self.gap.mean * self.asked.sign > 0 else "al revés"


def run_comparisons(questions: Sequence[Comparison] | None = None, load: Tables = load_table,
                    seeds: Sequence[int] = SEEDS) -> list[Outcome]:
    """La respuesta de cada comparación, en el orden de la lista, corregidas todas juntas.

    questions: si no las das, las de `planned()`.  load: de dónde salen las tablas;  seeds: qué redes contestan.
    ValueError si a un grupo le falta alguna. Fuente: Benjamini y Hochberg (1995),
    doi:10.1111/j.2517-6161.1995.tb02031.x.
    """
    asked_all = planned() if questions is None else questions
    numbers = [[_numbers(group, load, seeds, asked) for group in (asked.first, asked.second)] for asked in asked_all]
    chances = [_p_value(first, second, asked.same) for asked, (first, second) in zip(asked_all, numbers)]
    corrected = stats.false_discovery_control(chances)
    found = []
    for asked, (first, second), p, joint in zip(asked_all, numbers, chances, corrected):
        gap = (paired if asked.same else difference)(first, second)
        floor = _floor(asked, load, seeds)
        found.append(Outcome(asked, first, second, gap, p, float(joint), floor))
    return found


def pick(outcomes: Sequence[Outcome], *findings: int) -> list[Outcome]:
    """Las respuestas de esos hallazgos, en su orden."""
    return [outcome for outcome in outcomes if outcome.asked.finding in findings]


def outcome_rows(outcomes: Sequence[Outcome]) -> list[list[str | float]]:
    """Un renglón por comparación: título, los dos promedios, la diferencia, la p, la p corregida y el veredicto."""
    return [[outcome.title, fmean(outcome.first), fmean(outcome.second), str(outcome.gap).replace("-", "−"),
             f"{outcome.p:.4f}", f"{outcome.corrected:.4f}", outcome.verdict] for outcome in outcomes]


def _numbers(group: object, load: Tables, seeds: Sequence[int], asked: Comparison) -> list[float]:
    values = group.values(load)
    if missing := [seed for seed in seeds if seed not in values]:
        raise ValueError(f"«{asked.title}»: a {group} le faltan las semillas {missing}; tiene {sorted(values)}.")
    return [values[seed] for seed in seeds]


def _p_value(first: list[float], second: list[float], same: bool) -> float:
    """La probabilidad de una diferencia así de grande si de verdad no hay ninguna."""
    gaps = {after - before for before, after in zip(first, second)}
    still = len(gaps) == 1 if same else len(set(first)) == len(set(second)) == 1
    if still:                                                               # nada varía: o es cero, o no lo es
        return float(sum(first) == sum(second))
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")                                     # si un grupo no varía, scipy avisa
        test = stats.ttest_rel(second, first) if same else stats.ttest_ind(second, first, equal_var=False)
    return float(test.pvalue)


def _floor(asked: Comparison, load: Tables, seeds: Sequence[int]) -> float | None:
    if asked.floor is None:
        return None
    before, after = (_numbers(group, load, seeds, asked) for group in asked.floor)
    return fmean(after) - fmean(before)

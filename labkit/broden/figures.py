"""Pesar las cifras de cada etiqueta: las de las tablas, entre sí y con lo que se cuenta en las máscaras.

Lo que no se pudo contar hace de la cuenta un intervalo: desde lo contado hasta lo contado más lo dañado. Si las tablas
concuerdan y en las máscaras hay menos, no es falla: el Broden publicado contó antes de reducir las máscaras a la mitad.
"""
from collections.abc import Callable
from typing import Any

from labkit.broden import format as grammar
from labkit.broden.evidence import Evidence

Row = dict[str, Any]                                            # los campos de un renglón y, en "line", cuál es


def amount(text: str) -> float | None:
    """Una cobertura, o None si no es un número de cero en adelante."""
    try:
        return float(text) if 0 <= float(text) < float("inf") else None
    except ValueError:
        return None


def last_digit(rows: dict[int, Row]) -> float:
    """Cuánto vale la última cifra escrita en las coberturas de una tabla; a lo más seis decimales."""
    decimals = sorted(len(row["coverage"].partition(".")[2]) for row in rows.values())
    return 10.0 ** -min([6, *decimals[len(decimals) * 9 // 10:][:1]])                 # sin hacer caso de una cifra rara


def settled(votes: list[int | None], low: int, damage: int) -> int:
    """La cuenta en que concuerdan dos tablas; si no las hay, la de las máscaras o la que quepa en lo dañado."""
    told = [vote for vote in votes if vote is not None]
    agreed = [vote for vote in told if told.count(vote) > 1] or [low] * (low in told)
    return (agreed or [vote for vote in told if low <= vote <= low + damage] or [max(low, *told[:1])])[0]


def near(value: float, low: float, high: float) -> bool:
    """Si una cobertura cae entre dos valores, con un margen de 5 % y de 0.1 imágenes."""
    return low * 0.95 - 0.1 <= value <= high * 1.05 + 0.1


class Figures:
    """Las cifras de label.csv y de c_*.csv frente a las contadas; las fallas van a `fault`."""

    def __init__(self, evidence: Evidence, labels: dict[int, Row], codes: dict[str, dict[int, Row]],
                 fault: Callable[..., None]) -> None:
        self.evidence, self.labels, self.codes, self._fault = evidence, labels, codes, fault
        self.units = {category: last_digit(rows) for category, rows in codes.items()}
        self.unit = last_digit(labels)

    def check(self, number: int, declared: dict[str, int]) -> dict[str, int]:
        """Compara lo que label.csv y c_*.csv dicen de una etiqueta, y da en cuántas imágenes está, por categoría."""
        row, line, name = self.labels[number], self.labels[number]["line"], f"{number} «{self.labels[number]['name']}»"
        frequency, total, truths = grammar.integer(row["frequency"]), sum(declared.values()), {}
        for category, count in declared.items():
            coded, low = self.codes.get(category, {}).get(number), self.evidence.tally.images[category, number]
            said = grammar.integer(coded["frequency"]) if coded else None
            rest = None if frequency is None else frequency - total + count
            truth = truths[category] = settled([count, said, rest], low, self.evidence.damaged[category])
            if count != truth or truth < low - self.evidence.foreign[category]:
                self._fault("label.csv", line, "frecuencia", f"{name}: category: dice {category}({count}) y "
                            + (f"se cuentan {low}." if truth < low else f"debe ser {truth}."))
            elif truth > low + self.evidence.damaged[category]:
                self._fault("label.csv", line, "mayor", f"{name}: dice {category}({count}) y se cuentan {low}.", True)
            if said not in (None, truth):
                self._fault(f"c_{category}.csv", coded["line"], "cuenta",
                            f"{name}: frequency: dice «{coded['frequency']}» y debe ser {truth}.")
        if declared and frequency not in (total, sum(truths.values())):
            self._fault("label.csv", line, "frecuencia",
                        f"{name}: frequency: dice «{row['frequency']}» y debe ser {sum(truths.values())}.")
        if declared:
            self._check_coverage(number, truths)
        return truths

    def _check_coverage(self, number: int, counts: dict[str, int]) -> None:
        """Lo mismo con la cobertura: si las tablas no concuerdan, se culpa a la que está más lejos de lo medido."""
        tally, damaged, label = self.evidence.tally, self.evidence.damaged, self.labels[number]
        name, text, line = f"{number} «{label['name']}»: coverage", label["coverage"], label["line"]
        said = amount(text)
        rows = {category: self.codes.get(category, {}).get(number) for category in counts}
        coded = {category: value for category, row in rows.items() if row
                 and (value := amount(row["coverage"])) is not None}
        spans, goals = {}, {}                                   # entre qué valores puede estar, y lo más probable
        for category, count in counts.items():
            most, low = float(tally.coverage(category, number)), tally.images[category, number]
            spans[category] = most - tally.overlaps[category, number], most + damaged[category]
            goals[category] = most * count / low if low and damaged[category] else most
        inside = said is not None and near(said, *map(sum, zip(*spans.values())))
        goal, written, lead = sum(goals.values()), sum(coded.values()), 0.0
        if said is not None and coded.keys() == counts.keys():
            margin = self.unit + sum(self.units[category] for category in coded) + 1e-5 * written
            if abs(said - written) <= margin:
                if not inside:
                    self._fault("label.csv", line, "medida", f"{name}: dice {text} y se mide {goal:.6g}.", True)
                return
            lead = abs(said - goal) - abs(written - goal) or -1.0
        if lead > 0 or not inside:
            self._fault("label.csv", line, "cobertura", f"{name}: dice «{text}» y se mide {goal:.6g}.")
        worst = max(coded, key=lambda category: abs(coded[category] - goals[category])) if lead < 0 else None
        for category in coded:
            if category == worst or not near(coded[category], *spans[category]):
                self._fault(f"c_{category}.csv", rows[category]["line"], "cubierta",
                            f"{name}: dice {coded[category]:g} y se mide {goals[category]:.6g}.")

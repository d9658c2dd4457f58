"""El nombre de cada unidad en cada red de los experimentos, y cuántas lo conservan de una red a la siguiente."""
from collections import Counter
from collections.abc import Mapping
from statistics import fmean

from labkit.experiments.tables import Tables, load_table

Names = dict[int, str]                      # por cada unidad, su concepto; quien no llega al corte no está


def unit_names(variant: str, step: float | str = "", load: Tables = load_table) -> dict[int, Names]:
    """Las unidades con nombre de un experimento: {semilla: {unidad: concepto}}, en la última convolución de la red."""
    found: dict[int, Names] = {}
    for row in load("unidades", variant=variant, step=step):
        names = found.setdefault(int(row["seed"]), {})
        if row["detector"]:
            names[int(row["unit"])] = str(row["concept"])
    return found


def kept(before: Mapping[int, str], after: Mapping[int, str]) -> float:
    """De cada cien unidades con nombre antes, cuántas tienen el mismo después. ValueError si ninguna tenía nombre."""
    if not before:
        raise ValueError("before: ninguna unidad tiene nombre, así que no hay nada que conservar.")
    return 100 * fmean(after.get(unit) == concept for unit, concept in before.items())


def kept_by_chance(before: Mapping[int, str], after: Mapping[int, str], units: int) -> float:
    """Lo mismo si los nombres de después se repartieran al azar entre todas las unidades: su promedio exacto."""
    if not before:
        raise ValueError("before: ninguna unidad tiene nombre, así que no hay nada que conservar.")
    counts = Counter(after.values())
    return 100 * fmean(counts[concept] / units for concept in before.values())


def changes(before: Mapping[int, str], after: Mapping[int, str]) -> dict[str, int]:
    """Qué fue de cada unidad: cuántas conservan su nombre, cuántas lo cambian, lo pierden o lo ganan."""
    stay = sum(after.get(unit) == concept for unit, concept in before.items())
    lost = sum(unit not in after for unit in before)
    return {"lo conservan": stay, "lo cambian": len(before) - stay - lost, "lo pierden": lost,
            "ganan uno": sum(unit not in before for unit in after)}


def moves(before: Mapping[int, str], after: Mapping[int, str]) -> Counter:
    """De qué a qué cambian las que tienen nombre antes y después: «cebra → césped», y cuántas."""
    return Counter(f"{concept} → {after[unit]}" for unit, concept in before.items()
                   if unit in after and after[unit] != concept)

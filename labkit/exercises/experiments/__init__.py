"""Los ejercicios de la lección 5b: `rotate_pair`, `reachable`, qué unidad lleva el atajo y `winner_by_cut`."""

from labkit.exercises.experiments import measures, transplants
from labkit.exercises.experiments.transplants import my_twins

__all__ = ["EXERCISES", "my_twins"]

ORDER = ("rotate_pair", "reachable", "shortcut_unit", "winner_by_cut")      # el del cuaderno
EXERCISES = {name: {**measures.EXERCISES, **transplants.EXERCISES}[name] for name in ORDER}

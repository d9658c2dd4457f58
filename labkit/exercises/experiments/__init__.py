"""Los ejercicios de la lección 5b: `rotate_pair`, `reachable`, `winner_by_cut` y qué unidad lleva el atajo."""

from labkit.exercises.experiments import measures, transplants
from labkit.exercises.experiments.transplants import my_background, my_twins

__all__ = ["EXERCISES", "my_background", "my_twins"]

ORDER = ("rotate_pair", "reachable", "winner_by_cut", "shortcut_unit")      # el del cuaderno
EXERCISES = {name: {**measures.EXERCISES, **transplants.EXERCISES}[name] for name in ORDER}

"""Los ejercicios de la lección 6b: tres funciones, y qué regla se sembró en la tabla de cada quien."""

from labkit.exercises.tabular import functions, gap, planted
from labkit.exercises.tabular.planted import my_table

__all__ = ["EXERCISES", "my_table"]

EXERCISES = {**functions.EXERCISES, **gap.EXERCISES, **planted.EXERCISES}

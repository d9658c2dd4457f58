"""Los ejercicios de la lección 6, de texto: tres funciones, y la celda de un concepto que te toca a ti."""

from labkit.exercises.sequences import areas, findings, functions
from labkit.exercises.sequences.findings import my_concept, my_windows, reading_material

__all__ = ["EXERCISES", "my_concept", "my_windows", "reading_material"]

EXERCISES = {**functions.EXERCISES, **areas.EXERCISES, **findings.EXERCISES}

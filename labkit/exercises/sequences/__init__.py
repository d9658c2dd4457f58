"""Los ejercicios de la lección 6, de texto: tres funciones y una celda que te toca a ti."""

from labkit.exercises.sequences import functions

__all__ = ["EXERCISES"]

EXERCISES = {**functions.EXERCISES}

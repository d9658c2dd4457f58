"""Los ejercicios de la lección 5: `threshold`, `data_iou` y `spoiled_labels`, y cómo se lee una capa disecada."""

from labkit.exercises.dissection import measures, reading, spoiled
from labkit.exercises.dissection.reading import my_layer

__all__ = ["EXERCISES", "my_layer"]

EXERCISES = {**measures.EXERCISES, **spoiled.EXERCISES, **reading.EXERCISES}

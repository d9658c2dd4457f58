"""Los ejercicios de la lección 5: `threshold`, `activation_mask` y `data_iou`, y cómo se lee una capa disecada."""

from labkit.exercises.dissection import measures, reading
from labkit.exercises.dissection.reading import my_layer

__all__ = ["EXERCISES", "my_layer"]

EXERCISES = {**measures.EXERCISES, **reading.EXERCISES}

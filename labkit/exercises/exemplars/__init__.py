"""Los ejercicios de la lección 4: `chances`, `som_step`, la unidad más selectiva y las costuras de un mapa."""

from labkit.exercises.answers import read_pair
from labkit.exercises.exemplars.findings import (ASK_UNIT, HALF, NEAR, MapRow, UnitRow, best_unit, images_of,
                                                 map_reasons, map_row, my_images, my_question, read_map, seam_cells,
                                                 seam_count, seam_map, unit_reasons, unit_row)
from labkit.exercises.exemplars.functions import CHANCE_MISTAKES, STEP_MISTAKES, chances, clouds, grids, som_step
from labkit.exercises.kinds import Finding, Function

__all__ = ["EXERCISES", "HALF", "MapRow", "UnitRow", "best_unit", "chances", "images_of", "my_images", "my_question",
           "seam_cells", "seam_count", "seam_map", "som_step"]

EXERCISES = {
    "chances": Function(
        chances, clouds, CHANCE_MISTAKES,
        describe=lambda vectors, width: f"{len(vectors)} vectores y width = {width}",
        forbidden=("affinities", "tsne"),
        hints=("Empieza por una tabla (n, n): qué tan lejos está cada uno de cada uno, al cuadrado.",
               "torch.cdist(vectors, vectors) da la distancia. Pon infinito en la diagonal: exp(−∞) es 0.",
               "softmax hace la exponencial y divide entre la suma; con dim=1, la del renglón."),
    ),
    "som_step": Function(
        som_step, grids, STEP_MISTAKES,
        describe=lambda w, r, v, s: f"{len(w)} nodos, {len(v)} vectores y width = {s}",
        forbidden=("SOM",),
        hints=("Primero, el ganador de cada vector: el prototipo a menor distancia.",
               "Después, cuánto jala cada vector a cada nodo: depende de lo lejos que esté del ganador EN LA REJILLA.",
               "torch.cdist(places, places[winners]) es (m, n). Con esos pesos, cada nodo es una media de los "
               "vectores."),
    ),
    "selective_unit": Finding(
        case=unit_row,
        read=lambda value, row: read_pair(value, (int, float), ASK_UNIT),
        right=lambda row: (row.unit, row.rest),
        margins=(0, NEAR),
        alike=lambda given, right: given[0] == right[0],
        reasons=unit_reasons,
        praise="esa es, y esa es su área en imágenes con que no la escogiste.",
        hints=("Hacen falta las respuestas de tu capa, cuáles imágenes son de tu clase, y partirlas en dos mitades.",
               "Con values = features(model, world.images, layer, \"max\"), el área de cada unidad es "
               "roc_areas(values[:750], world.labels[:750] == label).",
               "La unidad es el argmax en la primera mitad; el área que se pide es la de esa misma unidad en la "
               "segunda."),
        solution=(best_unit,),
    ),
    "seam_reading": Finding(
        case=map_row,
        read=read_map,
        right=lambda row: (row.seams, row.winner),
        margins=(1, 0),                                         # una casilla puede cambiar con la computadora
        alike=lambda given, right: abs(given[0] - right[0]) <= 1,
        reasons=map_reasons,
        praise="esas son. En esas casillas tu mapa juntó lo que la red tiene lejos.",
        hints=("Cuatro pasos: los vectores de tus imágenes, su plano, la rejilla y las costuras.",
               "marks >= 0.8 es verdadero en las casillas con costura; grid[marks >= 0.8] dice qué imagen hay en "
               "ellas.",
               "grid habla de posiciones en TUS imágenes: la clase de cada una es world.labels[index][…]."),
        solution=(seam_cells, seam_count),
    ),
}

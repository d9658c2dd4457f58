"""Los cuatro ejercicios de la lección 4: nombre → cómo se revisa, sus pistas y las funciones que lo resuelven."""
from labkit.exercises.exercise import Exercise
from labkit.exercises.lesson04 import findings, measures
from labkit.exercises.lesson04.findings import my_images, my_question

__all__ = ["EXERCISES", "my_images", "my_question"]

EXERCISES = {
    "chances": Exercise(measures.examine_chances, (
        "torch.cdist(vectors, vectors) da la distancia de cada uno a cada uno, (n, n).",
        "Antes de repartir, pon la diagonal en infinito: exp(−∞) es 0 y nadie se escoge a sí mismo.",
        "softmax hace la exponencial y divide entre la suma; con dim=1, la del renglón.",
    ), (measures.chances,)),
    "som_step": Exercise(measures.examine_step, (
        "Primero, el ganador de cada vector: el prototipo a menor distancia.",
        "Después, cuánto jala cada vector a cada nodo: depende de lo lejos que esté del ganador EN LA REJILLA.",
        "torch.cdist(places, places[winners]) es (m, n). Con esos pesos, cada nodo es una media de los vectores.",
    ), (measures.som_step,)),
    "selective_unit": Exercise(findings.examine_unit, (
        "Saca las respuestas con features(model, world.images, layer, \"max\") y parte las imágenes en dos.",
        "roc_areas(values[:750], world.labels[:750] == label) da un área por unidad.",
        "La unidad es el argmax en la primera mitad; el área que se pide es la de esa misma unidad en la segunda.",
    ), (findings.best_unit,)),
    "seam_reading": Exercise(findings.examine_seams, (
        "Cuatro pasos: los vectores de tus imágenes, pca, assign_to_grid y seams.",
        "marks >= 0.8 es verdadero en las casillas con costura; grid[marks >= 0.8] dice qué imagen hay en ellas.",
        "grid habla de posiciones en TUS imágenes: la clase de cada una es world.labels[index][…].",
    ), (findings.seam_count,)),
}

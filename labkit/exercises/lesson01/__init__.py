"""Los cuatro ejercicios de la lección 1: nombre → cómo se revisa, sus pistas y las funciones que lo resuelven."""

from labkit.exercises.exercise import Exercise
from labkit.exercises.lesson01 import drop_map, findings, patch
from labkit.exercises.lesson01.cases import (
    load_evidence,
    resting_on_background,
    supports,
    without_background,
    without_object,
)
from labkit.exercises.lesson01.hidden import background_class, hidden_network, measure, most_tied, my_images
from labkit.occlusion import occlude, occlusion_map, paint_boxes

__all__ = ["EXERCISES", "hidden_network", "load_evidence", "my_images", "without_background", "without_object"]

PATCH_HINTS = (
    "Una imagen es un tensor [canal, y, x]. Con rebanadas se escoge una región: tensor[:, 2:5, 1:4].",
    "A una región escogida con rebanadas se le puede asignar un número: todos sus píxeles lo toman.",
    "La línea que falta empieza con covered[:, y0:y1, … y termina con = fill.",
)
MAP_HINTS = (
    "Lleva dos arreglos de (h, w): en uno suma lo que bajó la puntuación y en otro cuenta los parches que pasaron.",
    "Las esquinas salen de range(0, h - size + 1, stride). Si la última no es h - size, agrega h - size a la lista.",
    "En cada parche: tápalo con occlude, pregunta con score, resta (sin tapar − tapada) y suma en [y0:y1, x0:x1]; "
    "en el contador suma 1 ahí mismo. Al final, divide un arreglo entre el otro.",
)
NETWORK_HINTS = (
    "Si una clase se reconoce por su lugar, ¿qué le pasa a su margen al esconder el objeto? ¿Y al esconder el fondo?",
    "Para cada clase promedia dos caídas del margen, sin objeto y sin fondo, donde la red acierta.",
    "En casi todas las clases la caída sin objeto es la mayor. Busca la clase en que la diferencia se invierte.",
)
RESTING_HINTS = (
    "Cada imagen tiene tres versiones: entera, sin objeto y sin fondo. Pregunta qué clase gana en cada una.",
    "Una respuesta se apoya en el fondo si se sostiene sin el objeto y se pierde sin el fondo: son dos pruebas.",
    "network(image[None]).argmax(1) da la clase que gana; compárala con labels. Haz una tabla de 4 × 2.",
)

EXERCISES = {
    "occlude_one": Exercise(patch.examine, PATCH_HINTS, (occlude,)),
    "drop_map": Exercise(drop_map.examine, MAP_HINTS, (occlusion_map, paint_boxes)),
    "hidden_network": Exercise(findings.examine_tied_class, NETWORK_HINTS, (background_class, most_tied, measure)),
    "resting": Exercise(findings.examine_resting, RESTING_HINTS, (resting_on_background, supports)),
}

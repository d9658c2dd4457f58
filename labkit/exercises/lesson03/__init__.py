"""Los cuatro ejercicios de la lección 3: nombre → cómo se revisa, sus pistas y las funciones que lo resuelven."""
from labkit.exercises.exercise import Exercise
from labkit.exercises.lesson03 import findings, measures
from labkit.exercises.lesson03.findings import DECAYS, exam, my_classes, my_unit

__all__ = ["DECAYS", "EXERCISES", "exam", "my_classes", "my_unit"]

EXERCISES = {
    "roughness": Exercise(measures.examine_roughness, (
        "Un vecino es el de abajo o el de la derecha: images[:, :, 1:] - images[:, :, :-1] compara con el de abajo.",
        "Con un lote, los ejes son (b, canal, y, x). ¿Cuáles se recortan para cada dirección, y cuáles se promedian?",
        "images.diff(dim=2).abs().mean((1, 2, 3)) es la mitad de la respuesta. Falta la otra dirección, y sumarlas.",
    ), (measures.roughness,)),
    "shifted": Exercise(measures.examine_shifted, (
        "Primero agranda la imagen con su reflejo, y luego recorta el pedazo que toca.",
        'F.pad(image[None], (a, a, b, b), mode="reflect")[0] agranda a por los lados y b arriba y abajo: |dx| y |dy|.',
        "Si el contenido baja dy, el recorte empieza dy renglones más arriba: en b − dy. Con las columnas, en a − dx.",
    ), (measures.shifted,)),
    "smallest_decay": Exercise(findings.examine_decay, (
        "Haz una tabla de cinco renglones: d, la parte de frecuencias altas y la puntuación en el examen.",
        "high_frequency_share(images)[0] y score_under(network, images, channel(unit), exam())[0], con lienzo nuevo.",
        "La primera respuesta es el primer d de la lista que baja de 0.10; la segunda, el d de la mayor puntuación.",
    ), (findings.measured,)),
    "convinced": Exercise(findings.examine_convinced, (
        "Para cada una de tus seis clases hacen falta dos imágenes; las seis caben en un lote con each([...]).",
        "La testigo acierta si witness(images).argmax(1) es la clase que se subió.",
        "Cambia el lienzo: en frecuencias, FourierCanvas(soft_noise(1).repeat(6, 1, 1, 1), 1.5), con lr=0.05.",
    ), (findings.hits,)),
}

"""Los cuatro ejercicios de la lección 2: nombre → cómo se revisa, sus pistas y las funciones que lo resuelven."""
from labkit.exercises.exercise import Exercise
from labkit.exercises.lesson02 import findings, steps
from labkit.exercises.lesson02.findings import RADII, my_plane, my_unit
from labkit.optimization import within

__all__ = ["EXERCISES", "RADII", "my_plane", "my_unit"]

EXERCISES = {
    "climb_step": Exercise(steps.examine_step, (
        "Para que el paso mida lo mismo con cualquier gradiente, primero se le quita su longitud.",
        "gradient.norm() es la longitud. Y si vale 0, ¿hacia dónde habría que ir?",
        "Son tres cosas: dividir entre la longitud (solo si no es 0), sumar lr veces eso y terminar con .clamp(0, 1).",
    ), (steps.climb_step,)),
    "keep_near": Exercise(steps.examine_near, (
        "El presupuesto no se le pone a la imagen, sino al cambio: lo que hay que sumarle a start para llegar a ella.",
        "Encoger una flecha sin girarla es multiplicarla toda por un mismo número. ¿Cuál la deja de longitud radius?",
        "Si el cambio cabe, no se toca; si no, se multiplica por radius / longitud. Al final, suma start y recorta.",
    ), (steps.keep_near, within)),
    "secret_unit": Exercise(findings.examine_unit, (
        "Hacen falta tres imágenes: la de ruido y las dos optimizadas. network(imagen)[0] da los 12 logits de una.",
        "La dirección negativa se escribe -channel(unit) y también se sube con maximize, en un lienzo nuevo.",
        "De cada imagen optimizada, resta sus logits menos los del ruido, y mira en qué posición está el mayor.",
    ), (findings.rises,)),
    "smallest_budget": Exercise(findings.examine_budget, (
        "Recorre RADII de menor a mayor, con un lienzo nuevo cada vez, y pregunta qué clase gana al final.",
        "network(ascent.images).argmax(1) es la clase que gana; que suba la probabilidad de «camión» no basta.",
        "Para cada red haz una tabla de cinco renglones: el radio y lo que dice. Busca el primero que diga «camión».",
    ), (findings.sayings,)),
}

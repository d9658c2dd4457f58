"""Los cuatro ejercicios de la lección 5b: nombre → cómo se revisa, sus pistas y las funciones que lo resuelven."""
from labkit.exercises.exercise import Exercise
from labkit.exercises.lesson05b import findings, measures
from labkit.exercises.lesson05b.findings import my_twins

__all__ = ["EXERCISES", "my_twins"]

EXERCISES = {
    "rotate_pair": Exercise(measures.examine_rotation, (
        "Se gira el eje de los canales: el segundo de los mapas y también el segundo de los pesos, el que los lee.",
        "Cada canal nuevo es una mezcla de los viejos: torch.einsum(\"ij,bjhw->bihw\", Q, acts).",
        "Si a′ = Q a, entonces a = Qᵀ a′, porque Qᵀ Q = 1: pon eso en W a y mira qué multiplica a a′.",
    ), (measures.rotate_pair,)),
    "reachable": Exercise(measures.examine_reachable, (
        "En el mejor de los casos, el más chico de los dos cabe entero en el más grande.",
        "Entonces la intersección es el menor de f y q, y la unión, el mayor: el techo es su cociente.",
        "torch.minimum y torch.maximum comparan dos tensores; un número se vuelve tensor con torch.full_like.",
    ), (measures.reachable,)),
    "shortcut_unit": Exercise(findings.examine_shortcut, (
        "head da los mapas de tu capa, y tail los lleva hasta los logits. Para trasplantar no hace falta más.",
        "Por cada unidad: mixed = mine.clone(); mixed[:, unit] = theirs[:, unit]; y el margen de tail(mixed).",
        "La parte: (margen de mine − margen de mixed) entre (margen de mine − margen de theirs).",
    ), (findings.transplants, findings.swap_drops, findings.margin_of)),
    "winner_by_cut": Exercise(measures.examine_winner, (
        "Empieza con una tabla y un corte: ¿cuántos conceptos distintos son el mejor de alguna unidad que pasa?",
        "best, which = iou.max(1) da el mejor IoU de cada unidad y de qué es; which[best > cut].unique() los junta.",
        "Haz la cuenta de las dos tablas con cada corte, réstalas y quédate con el signo: torch.sign.",
    ), (measures.winner_by_cut,)),
}

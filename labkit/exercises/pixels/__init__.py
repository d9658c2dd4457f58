"""Los ejercicios de la lección 0: una capa, los bordes, lo que ve una neurona y qué capa rebasa a lo hecho a mano."""
from labkit.exercises.kinds import Finding, Function
from labkit.exercises.pixels.findings import (
    LAYERS,
    NEAR,
    LayerRow,
    accuracies,
    layer_reasons,
    layer_row,
    my_classes,
    of_classes,
    overtaking_layer,
    read_layer,
)
from labkit.exercises.pixels.functions import (
    EDGE_MISTAKES,
    FIELD_MISTAKES,
    LAYER_MISTAKES,
    LIGHT_MISTAKES,
    convolve,
    darken,
    field_sizes,
    layers,
    lights,
    slopes,
    towers,
)
from labkit.pixels import edge_histogram

__all__ = ["EXERCISES", "LAYERS", "LayerRow", "accuracies", "convolve", "darken", "field_sizes", "my_classes",
           "of_classes", "overtaking_layer"]

EXERCISES = {
    "darken": Function(
        darken, lights, LIGHT_MISTAKES,
        describe=lambda image, share: f"una imagen {tuple(image.shape)} y share = {share}",
        hints=("Una imagen es un tensor: las operaciones se hacen en todos sus números a la vez.",
               "Quedarse con la mitad de la luz es multiplicar cada número por 0.5.",
               "return image * share"),
        graded=False,
    ),
    "convolve": Function(
        convolve, layers, LAYER_MISTAKES,
        describe=lambda i, w, b: f"una imagen {tuple(i.shape)} y filtros {tuple(w.shape)}",
        forbidden=("conv2d", "Conv2d"),
        hints=("Son tres ciclos, por filtro, por fila y por columna, sobre la imagen con su orilla de ceros.",
               "Para la orilla, torch.nn.functional.pad(image, (m, m, m, m)) agrega m ceros de cada lado.",
               "En el lugar (y, x) el filtro toca grown[:, y:y + k, x:x + k]; multiplícalo por weights[c], suma todo y "
               "agrega bias[c]."),
    ),
    "edge_histogram": Function(
        edge_histogram, slopes, EDGE_MISTAKES,
        describe=lambda s, a, b: f"{s.shape[0]} × {s.shape[1]} píxeles y {b} partes",
        forbidden=("edges", "hand_made"),
        hints=("Primero, la parte de cada píxel: un entero de 0 a bins − 1.",
               "angle % torch.pi lleva cualquier ángulo a [0, π); divídelo entre π, multiplícalo por bins y quita los "
               "decimales con .long().",
               "Para sumar por partes: un ciclo sobre las partes con strength[place == k].sum()."),
    ),
    "field_sizes": Function(
        field_sizes, towers, FIELD_MISTAKES,
        describe=lambda sides, strides: f"lados {list(sides)} y pasos {list(strides)}",
        forbidden=("receptive_field", "seen_box"),
        hints=("Lleva dos números mientras recorres las capas: cuántos píxeles se ven y cuántos píxeles separan a dos "
               "lugares vecinos.",
               "Los dos empiezan en 1. Un filtro de lado k agrega k − 1 lugares, y cada lugar mide lo que el salto.",
               "seen = seen + (k − 1) · jump, y después jump = jump · stride. Guarda seen en cada capa; al final, "
               "torch.tensor(lista)."),
    ),
    "overtaking_layer": Finding(
        case=layer_row,
        read=read_layer,
        right=lambda row: (row.layer, row.hand),
        margins=(0, NEAR),
        alike=lambda given, right: given[0] == right[0] and abs(given[1] - right[1]) < NEAR,
        reasons=layer_reasons,
        praise="esa es. Hasta la capa anterior, lo hecho a mano acertaba igual o más.",
        hints=("Son ocho máquinas con las mismas imágenes: píxeles, a mano y seis capas.",
               "linear_svm(vectores de entrenamiento, sus clases, vectores de prueba, sus clases).accuracy da la "
               "exactitud de una.",
               "Recorre las capas de relu1 a relu6 y quédate con la primera cuya exactitud pasa de la de hand_made."),
        solution=(accuracies, overtaking_layer),
    ),
}

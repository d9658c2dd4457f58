"""Los cuatro ejercicios de la lección 5: nombre → cómo se revisa, sus pistas y las funciones que lo resuelven."""
from labkit.exercises.exercise import Exercise
from labkit.exercises.lesson05 import findings, measures
from labkit.exercises.lesson05.findings import my_layer

__all__ = ["EXERCISES", "my_layer"]

EXERCISES = {
    "threshold": Exercise(measures.examine_threshold, (
        "Junta todos los valores de una unidad, de todas las imágenes y lugares, en un solo renglón.",
        "maps.transpose(0, 1).flatten(1) es (c, N). Ordénalo de mayor a menor: .sort(1, descending=True).values.",
        "Si int(share * N) valores pueden quedar arriba, el umbral es el que está justo en ese lugar.",
    ), (measures.threshold,)),
    "activation_mask": Exercise(measures.examine_mask, (
        "Son dos pasos y el orden importa: agrandar y comparar.",
        "torch.nn.functional.interpolate(maps, size, mode=\"bilinear\", align_corners=False) agranda.",
        "Los umbrales son (c,) y los mapas, (n, c, H, W): para que cada uno caiga en su canal, cuts[:, None, None].",
    ), (measures.activation_mask,)),
    "data_iou": Exercise(measures.examine_iou, (
        "Por cada pareja de unidad y concepto hacen falta tres cuentas: la intersección, la unidad y el concepto.",
        "La unión es unidad + concepto − intersección. Suma las imágenes ANTES de dividir.",
        "Con .flatten(2).float() cada máscara es un renglón: torch.einsum(\"ncp,nkp->ck\", a, b) da la intersección.",
    ), (measures.data_iou, measures.overlaps)),
    "layer_reading": Exercise(findings.examine_reading, (
        "dissect(model, world, layer).iou() da la tabla: un renglón por unidad y una columna por concepto.",
        "best, which = iou.max(1) da el mejor concepto de cada unidad. Detectora: best > cut.",
        "Para «suma» repite la cuenta solo con las columnas de una categoría, y luego con las de otra, y suma.",
    ), (findings.read_layer,)),
}

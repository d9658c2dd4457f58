"""Disección de redes: qué concepto detecta cada unidad (lección 5).

Paso por paso: `thresholds`, `tally`, `Tally.iou`, `label_units`; o en una llamada, `dissect`. Fuente: Bau, Zhou,
Khosla, Oliva y Torralba (2017), «Network Dissection: Quantifying Interpretability of Deep Visual Representations»,
CVPR, doi:10.1109/CVPR.2017.354.
"""
from labkit.dissection.causes import class_drops
from labkit.dissection.chance import Shuffled, discoveries, interval, p_values
from labkit.dissection.conventions import CONVENTIONS, Convention
from labkit.dissection.counting import Dissection, Tally, dissect, tally
from labkit.dissection.labels import (
    Label,
    count_detectors,
    detectors_curve,
    iou_ceiling,
    label_units,
    read_published,
    unique_by_category,
)
from labkit.dissection.rotation import random_rotation, rotate_layer, rotation_power
from labkit.dissection.tails import Tail, thresholds

__all__ = ["CONVENTIONS", "Convention", "Dissection", "Label", "Shuffled", "Tail", "Tally", "class_drops",
           "count_detectors", "detectors_curve", "discoveries", "dissect", "interval", "iou_ceiling", "label_units",
           "p_values", "random_rotation", "read_published", "rotate_layer", "rotation_power", "tally", "thresholds",
           "unique_by_category"]

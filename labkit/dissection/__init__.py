"""Disección de redes: qué concepto detecta cada unidad (lección 5).

Paso por paso: `thresholds`, `tally`, `Tally.iou`, `label_units`; o en una llamada, `dissect`. Fuente: Bau, Zhou,
Khosla, Oliva y Torralba (2017), «Network Dissection: Quantifying Interpretability of Deep Visual Representations»,
CVPR, doi:10.1109/CVPR.2017.354.
"""
from labkit.dissection.causes import class_drops
from labkit.dissection.chance import Shuffled, discoveries, interval, p_values, tally_parts
from labkit.dissection.conventions import CONVENTIONS, Convention
from labkit.dissection.counting import Dissection, Tally, dissect, tally
from labkit.dissection.drawn import Drawn, Redraw, concept_area, random_areas, switch_on
from labkit.dissection.labels import (
    Label,
    count_detectors,
    detectors_curve,
    iou_ceiling,
    label_units,
    read_published,
    unique_by_category,
)
from labkit.dissection.planted import PlantedWorld, planted_network
from labkit.dissection.rotation import random_rotation, rotate_layer, rotation_power
from labkit.dissection.sharing import dissect_shared, processes
from labkit.dissection.tables import Gap, column, difference, experiment, load_table, paired, spread, verdict
from labkit.dissection.tails import Tail, thresholds

__all__ = ["CONVENTIONS", "Convention", "Dissection", "Drawn", "Gap", "Label", "PlantedWorld", "Redraw", "Shuffled",
           "Tail", "Tally", "class_drops", "column", "concept_area", "count_detectors", "detectors_curve",
           "difference", "discoveries", "dissect", "dissect_shared", "experiment", "interval", "iou_ceiling",
           "label_units", "load_table", "p_values", "paired", "planted_network", "processes", "random_areas",
           "random_rotation", "read_published", "rotate_layer", "rotation_power", "spread", "switch_on", "tally",
           "tally_parts", "thresholds", "unique_by_category", "verdict"]

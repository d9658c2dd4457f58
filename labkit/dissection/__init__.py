"""Disección de redes: qué concepto detecta cada unidad (lección 5).

En una llamada, `dissect`. Paso por paso, y en este orden se lee:

    masks         los mapas de una capa, agrandados, y dónde llegan a su umbral
    thresholds    el umbral de cada unidad: `thresholds(...).cut(0.005)`
    counting      en cuántos píxeles coinciden las unidades y los conceptos: `tally`, `Tally.iou`
    labels        del IoU a un nombre: `label_units`, `count_detectors`
    conventions   las maneras publicadas de contar
    dissecting    los pasos, juntos: `dissect`
    planted       un mundo y una red de los que se sabe la verdad
    chance        ¿y si fuera casualidad?
    causes        una coincidencia no es un uso
    rotation      las mismas cuentas con otros ejes
    fast          lo mismo, en menos tiempo y entre varios procesos (no hace falta leerlo)

Fuente: Bau, Zhou, Khosla, Oliva y Torralba (2017), «Network Dissection: Quantifying Interpretability of Deep Visual
Representations», CVPR, doi:10.1109/CVPR.2017.354.
"""
from labkit.dissection.causes import class_drops
from labkit.dissection.chance import Shuffled, p_values, tally_parts
from labkit.dissection.conventions import CONVENTIONS, Convention
from labkit.dissection.counting import tally
from labkit.dissection.dissecting import Dissection, dissect
from labkit.dissection.fast.sharing import dissect_shared, processes
from labkit.dissection.labels import (
    KINDS,
    Label,
    count_detectors,
    detectors_curve,
    iou_ceiling,
    label_units,
    unique_by_category,
)
from labkit.dissection.planted import PlantedWorld, planted_network
from labkit.dissection.rotation import random_rotation, rotate_layer, rotation_power
from labkit.dissection.thresholds import Tail, thresholds
from labkit.measures import Tally, discoveries, interval

__all__ = ["CONVENTIONS", "KINDS", "Convention", "Dissection", "Label", "PlantedWorld", "Shuffled", "Tail", "Tally",
           "class_drops", "count_detectors", "detectors_curve", "discoveries", "dissect", "dissect_shared", "interval",
           "iou_ceiling", "label_units", "p_values", "planted_network", "processes", "random_rotation", "rotate_layer",
           "rotation_power", "tally", "tally_parts", "thresholds", "unique_by_category"]

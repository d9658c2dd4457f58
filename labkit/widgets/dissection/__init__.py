"""Demostraciones de la lección 5: el umbral de una unidad, y las unidades y los conceptos de una capa disecada."""
from labkit.widgets.dissection.threshold import explore_threshold
from labkit.widgets.dissection.units import explore_concepts, explore_detectors

__all__ = ["explore_concepts", "explore_detectors", "explore_threshold"]

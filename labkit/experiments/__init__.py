"""Los experimentos de la lección 5b: tablas de muchas redes disecadas, y disecar a una red que dibuja.

`tables` lee las tablas y dice si dos grupos de redes se distinguen; `drawn` diseca lo que un generador dibuja, y apaga
y enciende sus unidades. Lo demás (disecar, barajar, girar) está en `labkit.dissection`.
"""
from labkit.experiments.drawn import Drawn, Redraw, concept_area, random_areas, switch_on
from labkit.experiments.tables import agreement, column, experiment, load_table, spread_text
from labkit.measures import Gap, difference, paired

__all__ = ["Drawn", "Gap", "Redraw", "agreement", "column", "concept_area", "difference", "experiment", "load_table",
           "paired", "random_areas", "spread_text", "switch_on"]

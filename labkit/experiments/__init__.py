"""Los experimentos de la lección 5b: tablas de muchas redes disecadas, y disecar a una red que dibuja (lección 5c).

`planned` es la lista de comparaciones, fijada antes de contar nada en las redes que la contestan; `compared`, la regla
con que se contesta; `tables` lee las tablas; `names` y `shortcut`, qué fue de los nombres y por dónde pasa una
decisión; `drawn` diseca lo que un generador dibuja, y apaga y enciende sus unidades; `ratio` dice qué parte queda, con
su intervalo, y `subset` separa unas imágenes de las demás. Lo demás (disecar, barajar, girar) está en
`labkit.dissection`.
"""
from labkit.experiments.compared import Outcome, outcome_rows, pick, run_comparisons
from labkit.experiments.drawn import Drawn, Redraw, concept_area, random_areas, switch_on
from labkit.experiments.planned import SEEDS, Comparison, planned
from labkit.experiments.ratio import ratio_interval
from labkit.experiments.subset import Subset
from labkit.experiments.tables import agreement, column, experiment, load_table, spread_text
from labkit.measures import Gap, difference, paired

__all__ = ["SEEDS", "Comparison", "Drawn", "Gap", "Outcome", "Redraw", "Subset", "agreement", "column", "concept_area",
           "difference", "experiment", "load_table", "outcome_rows", "paired", "pick", "planned", "random_areas",
           "ratio_interval", "run_comparisons", "spread_text", "switch_on"]

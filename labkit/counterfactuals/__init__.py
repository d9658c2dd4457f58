"""Lección 1b. Contrafactuales: ¿cuánto se parece tapar una parte a quitarla de verdad?

El dibujante de Escenas hace la misma foto sin una parte; la caída al quitarla de verdad juzga a los rellenos y a los
mapas. Fuentes: Hesse, Schaub-Meyer y Roth (2023), «FunnyBirds», arXiv:2308.06248; Petsiuk, Das y Saenko (2018),
«RISE», arXiv:1806.07421; Adebayo et al. (2018), «Sanity Checks for Saliency Maps», arXiv:1810.03292.

    scenes      las parejas, como vienen en data/
    pairs       lo que contesta la red, y con qué se rellena
    certainty   promedios e intervalos por escenas, órdenes, interacciones
    maps        mapas, pisos, la cascada de pesos nuevos y borrar píxeles
    tables      las tablas ya medidas

En todo el cuarto, image: (3, h, w) RGB en [0, 1]; mask: (h, w) de verdaderos y falsos; heat: (h, w), un mapa. Una caída
es la puntuación de antes menos la de después. scene: (v,), de qué escena es cada número: lo de una escena va junto.
"""
from labkit.counterfactuals.certainty import (Tested, chance_of_zero, clustered, compared, interaction,
                                              rank_agreement)
from labkit.counterfactuals.maps import (cascade, center_map, deletion, edge_map, gradient_times_input, part_scores,
                                         random_map)
from labkit.counterfactuals.pairs import FILLS, Answers, Denoiser, answers, filled, inpaint
from labkit.counterfactuals.tables import fallen, kinds, load_measures, rows_where

__all__ = ["FILLS", "Answers", "Denoiser", "Tested", "answers", "cascade", "center_map", "chance_of_zero", "clustered",
           "compared", "deletion", "edge_map", "fallen", "filled", "gradient_times_input", "inpaint", "interaction",
           "kinds", "load_measures", "part_scores", "random_map", "rank_agreement", "rows_where"]

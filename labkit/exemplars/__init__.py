"""Ejemplares: entender una unidad o una capa por las imágenes en que responde (lección 4).

`units` da los ejemplares de una unidad y qué tan selectiva es; `tsne` y `som` acomodan vectores en el plano; `maps` los
dibuja como mapa y mide qué tanto engaña. Los vectores de una capa salen de `labkit.vectors`.
"""
from labkit.exemplars.layouts import METHODS, layout
from labkit.exemplars.maps import (
    Quality,
    assign_to_grid,
    center_distances,
    crowding,
    map_quality,
    neighbour_preservation,
    order_kept,
    pca,
    same_group,
    seams,
    shuffled_order,
    spread_sheet,
)
from labkit.exemplars.som import SOM
from labkit.exemplars.tsne import affinities, tsne
from labkit.exemplars.units import (
    Selectivity,
    areas_by_group,
    choose,
    object_traits,
    peak_patches,
    selectivity,
)
from labkit.measures import area_interval, average_precisions, roc_areas
from labkit.ready_made import load_maps
from labkit.vectors import features, features_by_layer, linear_probe, neighbours

__all__ = ["METHODS", "Quality", "SOM", "Selectivity", "affinities", "area_interval", "areas_by_group",
           "assign_to_grid", "average_precisions", "center_distances", "choose", "crowding", "features",
           "features_by_layer", "layout", "linear_probe", "load_maps", "map_quality", "neighbour_preservation",
           "neighbours", "object_traits", "order_kept", "pca", "peak_patches", "roc_areas", "same_group", "seams",
           "selectivity", "shuffled_order", "spread_sheet", "tsne"]

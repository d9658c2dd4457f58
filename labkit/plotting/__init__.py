"""Lo que un cuaderno muestra y no se mueve: hojas de imágenes, mapas, tablas y gráficas. Aquí nunca se ejecuta una red.

    picture   una imagen ya hecha, con su texto alternativo, y las tablas
    sheet     hojas de imágenes con encabezados, y mapas con su escala
    plots     curvas, barras, intervalos y nubes de puntos, con un solo estilo
    points    mapas de puntos de colores, con el nombre de cada clase en su lugar
    arrows    flechas sobre una recta, con sus densidades
    panels    muchas nubes de puntos chicas, con los mismos ejes
    seeds     curvas con una red por punto, y puntos con color y marca
    tradeoff  una nube y un camino: lo que se gana en un eje y se paga en el otro
    forest    muchas comparaciones en una figura, con sus veredictos
    text      un texto coloreado por lo que responde una celda en cada signo

Lo que se mueve con un control se dibuja en `images`, que es más rápido.
"""
from labkit.plotting.arrows import show_arrows
from labkit.plotting.forest import show_forest
from labkit.plotting.panels import show_panels
from labkit.plotting.picture import Picture, Table, show_table
from labkit.plotting.plots import show_bars, show_curves, show_intervals, show_paths, show_spread
from labkit.plotting.points import show_points
from labkit.plotting.seeds import show_kinds, show_seeds
from labkit.plotting.sheet import show_heatmap, show_sheet
from labkit.plotting.text import ColoredText, show_text, text_pages
from labkit.plotting.tradeoff import show_tradeoff

__all__ = ["ColoredText", "Picture", "Table", "show_arrows", "show_bars", "show_curves", "show_forest", "show_heatmap",
           "show_intervals", "show_kinds", "show_panels", "show_paths", "show_points", "show_seeds", "show_sheet",
           "show_spread", "show_table", "show_text", "show_tradeoff", "text_pages"]

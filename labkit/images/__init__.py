"""Imágenes como tensores: componerlas, colorearlas, escribirles encima y entregarlas como PNG o JPEG.

Aquí nada sabe de redes. Toda imagen es (3, h, w), RGB en [0, 1]. Lo que se redibuja con un control deslizante sale de
aquí, con Pillow: componer y comprimir un cuadro toma unos milisegundos.

    composing   hojas, filas, márgenes, mapas coloreados, contornos y archivos
    letters     textos, barras y escalas
"""
from labkit.images.composing import (
    DIVERGING,
    add_margin,
    beside,
    centered,
    color_limits,
    colorize,
    contact_sheet,
    draw_box,
    draw_outline,
    enlarge,
    jpeg_bytes,
    overlay,
    png_bytes,
    save_poster,
    sized,
    to_uint8,
)
from labkit.images.letters import bars, caption, color_bar, listen, text_image, text_width

__all__ = ["DIVERGING", "add_margin", "bars", "beside", "caption", "centered", "color_bar", "color_limits", "colorize",
           "contact_sheet", "draw_box", "draw_outline", "enlarge", "jpeg_bytes", "listen", "overlay", "png_bytes",
           "save_poster", "sized", "text_image", "text_width", "to_uint8"]

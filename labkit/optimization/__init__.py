"""Optimizar la entrada: buscar, con el gradiente, la imagen que más responde a una pregunta (lección 2).

En `ascent`: el lienzo (*canvas*), que da imágenes y sabe de dónde parte y de dónde no puede salirse, y `maximize`, que
da los pasos hacia lo que pide un objetivo. En `cppn`: un lienzo que es una fórmula. Fuente: Olah et al. (2017),
«Feature Visualization», Distill, doi:10.23915/distill.00007.
"""
from labkit.optimization.ascent import (Ascent, PixelCanvas, Transform, diversity, diversity_of, dream, gallery,
                                        maximize, noise, redirect_relu, style_likeness, within)
from labkit.optimization.cppn import CPPNCanvas

__all__ = ["Ascent", "CPPNCanvas", "PixelCanvas", "Transform", "diversity", "diversity_of", "dream", "gallery",
           "maximize", "noise", "redirect_relu", "style_likeness", "within"]

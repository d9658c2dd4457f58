"""Distribuciones aprendidas: lo que una red sabe de las imágenes de Escenas, usado al optimizar (lección 3).

El limpiador empuja la imagen hacia las del conjunto; el generador solo sabe dibujar imágenes parecidas a ellas.
"""
from labkit.priors.denoiser import (
    SPREAD,
    Cleaning,
    Denoiser,
    distance_to_data,
    falling,
    load_denoiser,
    ppgn,
)
from labkit.priors.generator import CODE, SIDE, CodeCanvas, ImageGenerator, load_generator, random_codes

__all__ = ["CODE", "SIDE", "SPREAD", "Cleaning", "CodeCanvas", "Denoiser", "ImageGenerator", "distance_to_data",
           "falling", "load_denoiser", "load_generator", "ppgn", "random_codes"]

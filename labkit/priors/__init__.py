"""Distribuciones aprendidas: lo que una red sabe de las imágenes de Escenas, usado al optimizar (lección 3).

El limpiador empuja la imagen hacia las del conjunto; el generador solo sabe dibujar imágenes parecidas a ellas; el
segmentador dice qué hay en cada píxel, también de lo que dibuja el generador (lección 5b). Aparte, dos lienzos: `cppn`,
una red que es ella misma la imagen, una fórmula que se dibuja de cualquier tamaño (lección 2), y `phase`, que toma de
Escenas la amplitud de cada frecuencia (lección 3). Y `lying`, dos redes que contestan lo mismo y no enseñan lo mismo.
"""
from labkit.priors.cppn import CPPNCanvas
from labkit.priors.denoiser import SPREAD, Cleaning, Denoiser, distance_to_data, load_denoiser, ppgn
from labkit.priors.generator import CODE, SIDE, CodeCanvas, ImageGenerator, load_generator, random_codes
from labkit.priors.lying import class_evidence, grain, lying_pair, processing
from labkit.priors.phase import PhaseCanvas, mean_amplitude
from labkit.priors.segmenter import Segmenter, load_segmenter

__all__ = ["CODE", "SIDE", "SPREAD", "CPPNCanvas", "Cleaning", "CodeCanvas", "Denoiser", "ImageGenerator",
           "PhaseCanvas", "Segmenter", "class_evidence", "distance_to_data", "grain", "load_denoiser",
           "load_generator", "load_segmenter", "lying_pair", "mean_amplitude", "ppgn", "processing", "random_codes"]

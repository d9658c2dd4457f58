"""Distribuciones aprendidas: lo que una red sabe de las imágenes de Escenas, usado al optimizar (lección 3b).

`line` es el caso de una recta, con todo en fórmulas. El limpiador empuja la imagen hacia las del conjunto, y `sample`
saca con él imágenes al azar; el generador solo sabe dibujar imágenes parecidas a ellas; el segmentador dice qué hay en
cada píxel, también de lo que dibuja el generador (lección 5b). `tables` abre lo ya medido. Aparte, dos lienzos: `cppn`,
una red que es ella misma la imagen, una fórmula que se dibuja de cualquier tamaño (lección 2), y `phase`, que toma de
Escenas la amplitud de cada frecuencia (lección 3). Y `lying`, dos redes que contestan lo mismo y no enseñan lo mismo.
"""
from labkit.priors.cppn import CPPNCanvas
from labkit.priors.denoiser import SPREAD, Cleaning, Denoiser, cleaning_change, load_denoiser, ppgn
from labkit.priors.generator import CODE, SIDE, CodeCanvas, ImageGenerator, load_generator, random_codes
from labkit.priors.line import Bumps
from labkit.priors.lying import class_evidence, grain, lying_pair, processing
from labkit.priors.phase import PhaseCanvas, mean_amplitude
from labkit.priors.sampling import sample
from labkit.priors.segmenter import Segmenter, load_segmenter
from labkit.priors.tables import TEMPERATURES, Lie, Tempered, load_lies, load_noise_runs, load_tempered

__all__ = ["CODE", "SIDE", "SPREAD", "TEMPERATURES", "Bumps", "CPPNCanvas", "Cleaning", "CodeCanvas", "Denoiser",
           "ImageGenerator", "Lie", "PhaseCanvas", "Segmenter", "Tempered", "class_evidence", "cleaning_change",
           "grain", "load_denoiser", "load_generator", "load_lies", "load_noise_runs", "load_segmenter",
           "load_tempered", "lying_pair", "mean_amplitude", "ppgn", "processing", "random_codes", "sample"]

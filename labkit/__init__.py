"""labkit: las piezas con las que el curso mira dentro de una red convolucional.

Se importa por módulos, y la línea de importación dice dónde leer: `from labkit.occlusion import occlusion_map`.
"""
__version__ = "0.1.0"

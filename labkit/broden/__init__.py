"""Broden: el formato de las imágenes con un nombre para cada píxel. Leerlo, escribirlo, revisarlo y contarlo."""
from labkit.broden.audit import check_broden
from labkit.broden.census import Fault
from labkit.broden.format import readable
from labkit.broden.inspecting import find, stats
from labkit.broden.reading import Broden, Label, Record, read_broden
from labkit.broden.writing import Picture, export_concepts, write_broden

__all__ = ["Broden", "Fault", "Label", "Picture", "Record", "check_broden", "export_concepts", "find", "read_broden",
           "readable", "stats", "write_broden"]

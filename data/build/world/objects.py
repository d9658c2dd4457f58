"""Las doce clases del mundo, las dos marcas de autos y los gemelos husky y lobo, por su nombre."""
from . import bicycles, birds, boats, canines, equines, felines, fishes, planes, trucks, vehicles

CLASSES = {**planes.CLASSES, **vehicles.CLASSES, **trucks.CLASSES, **boats.CLASSES, **bicycles.CLASSES, **birds.CLASSES,
           **felines.CLASSES, **canines.CLASSES, **equines.CLASSES, **fishes.CLASSES}
MAKES, TWINS = vehicles.MAKES, canines.TWINS

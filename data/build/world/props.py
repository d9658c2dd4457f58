"""Todos los accesorios del mundo, por su nombre."""
from . import props_home, props_nature, props_sea, props_town, props_yard

PROPS = {**props_nature.PROPS, **props_sea.PROPS, **props_town.PROPS, **props_home.PROPS, **props_yard.PROPS}

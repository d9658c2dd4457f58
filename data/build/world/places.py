"""Los veinte lugares del mundo. Aquí, los de la naturaleza; los del pueblo y los de adentro tienen su módulo.

Cada lugar es una función (rng, frame) → `Setting`, con varias versiones de suelo, horizonte y tiempo.
"""
from collections.abc import Callable

import numpy as np

from .places_indoor import barn, kitchen, living_room
from .places_town import garden, highway, parking, patio, square, street
from .setting import Frame, Setting, outdoors, underwater
from .surfaces import ground, pick, ridge


def open_sky(rng: np.random.Generator, frame: Frame) -> Setting:
    """Cielo abierto, sin suelo; a veces con la sierra o las lomas muy abajo, entre la bruma."""
    ridges = [ridge(rng, pick(rng, ("peaks", "hills")), 0.6, 0.4)] if rng.random() < 0.15 else []
    sky, light = outdoors(rng, frame, ridges, {"despejado": 0.3, "nubes": 0.45, "nublado": 0.08, "atardecer": 0.17})
    light.fog = 0.0
    return Setting([], [], sky, light, ["globo", "nube", "cometa"], (0, 1))


def field(rng: np.random.Generator, frame: Frame) -> Setting:
    """Campo: pasto con flores, surcos o una vereda; lomas y árboles al fondo."""
    base = pick(rng, ("pasto", "pasto", "pasto", "pastizal seco", "surcos"))
    zones = [ground(rng, base)]
    if base != "surcos" and rng.random() < 0.5:
        zones.append(ground(rng, pick(rng, ("flores", "pastizal seco", "tierra")), "patches", rng.uniform(0.7, 1.4),
                            0.6))
    if rng.random() < 0.45:
        zones.append(ground(rng, "sendero", "band", frame.away(rng.uniform(-75, 75)), rng.uniform(-2, 2),
                            rng.uniform(0.35, 0.7), 0.5))
    ridges = [ridge(rng, "hills", 0.4, 1.3), ridge(rng, "hills", 0.15, 0.8)]
    if rng.random() < 0.4:
        ridges.insert(1, ridge(rng, "trees", 0.25, 0.5))
    sky, light = outdoors(rng, frame, ridges)
    return Setting(zones, [], sky, light, ["árbol", "cerca", "arbusto", "flor", "casa", "flor", "roca", "paca",
                                           "molino"])


def savanna(rng: np.random.Generator, frame: Frame) -> Setting:
    """Sabana: pastizal seco, claros de tierra roja, acacias y horizonte plano."""
    zones = [ground(rng, "pastizal seco")]
    if rng.random() < 0.6:
        zones.append(ground(rng, pick(rng, ("tierra", "barro seco")), "patches", rng.uniform(0.5, 1.1),
                            rng.uniform(0.56, 0.64)))
    if rng.random() < 0.3:
        zones.append(ground(rng, "charco", "patches", 0.5, 0.65))
    ridges = [ridge(rng, pick(rng, ("hills", "mesas")), 0.45, 0.6)]
    if rng.random() < 0.5:
        ridges.append(ridge(rng, "trees", 0.3, 0.35))
    sky, light = outdoors(rng, frame, ridges, {"despejado": 0.4, "nubes": 0.3, "nublado": 0.05, "atardecer": 0.25})
    return Setting(zones, [], sky, light, ["acacia", "acacia", "arbusto", "roca", "pasto alto", "pasto alto",
                                           "termitero"])


def jungle(rng: np.random.Generator, frame: Frame) -> Setting:
    """Selva: maleza, lodo, un río, y dos cortinas de copas muy altas."""
    zones = [ground(rng, pick(rng, ("maleza", "maleza", "hojarasca", "musgo")))]
    zones.append(ground(rng, pick(rng, ("lodo", "musgo", "hojarasca", "maleza")), "patches", rng.uniform(0.7, 1.4),
                        0.57))
    if frame.wet:
        zones.append(ground(rng, "agua dulce", "band", frame.away(90 + rng.uniform(-25, 25)), 0.0,
                            rng.uniform(2.2, 3.5), 0.6))
    elif rng.random() < 0.3:
        zones.append(ground(rng, "agua dulce", "band", frame.away(90 + rng.uniform(-25, 25)), -rng.uniform(2.5, 4.5),
                            1.0, 0.5))
    ridges = [ridge(rng, "trees", 0.45, 2.0), ridge(rng, "trees", 0.2, 1.4)]
    sky, light = outdoors(rng, frame, ridges, {"despejado": 0.42, "nubes": 0.26, "nublado": 0.2, "niebla": 0.12})
    light.ambient, light.sun_color = light.ambient * np.array([0.85, 0.95, 0.8]), light.sun_color * 0.95
    names = ["palmera", "helecho", "palmera", "árbol", "arbusto", "helecho", "tronco", "flor", "pasto alto"]
    return Setting(zones, [], sky, light, names, (3, 7))


def forest(rng: np.random.Generator, frame: Frame) -> Setting:
    """Bosque: hojarasca o musgo, una vereda, pinos o encinos; en otoño, todo naranja."""
    zones = [ground(rng, pick(rng, ("hojarasca", "hojarasca", "musgo", "tierra")))]
    zones.append(ground(rng, pick(rng, ("musgo", "hojarasca", "pasto")), "patches", rng.uniform(0.7, 1.4), 0.57))
    if rng.random() < 0.4:
        zones.append(ground(rng, "sendero", "band", frame.away(rng.uniform(-60, 60)), rng.uniform(-1.5, 1.5), 0.5, 0.5))
    ridges = [ridge(rng, "trees", 0.4, 1.3), ridge(rng, "trees", 0.12, 0.9)]
    sky, light = outdoors(rng, frame, ridges, {"despejado": 0.35, "nubes": 0.25, "nublado": 0.15, "atardecer": 0.1,
                                               "niebla": 0.15})
    return Setting(zones, [], sky, light, ["pino", "árbol", "pino", "árbol", "arbusto", "roca", "tronco", "hongo"],
                   (2, 7))


def mountain(rng: np.random.Generator, frame: Frame) -> Setting:
    """Montaña: pedregal o pasto alto entre rocas, un lago si la cosa flota, y la sierra detrás."""
    zones = [ground(rng, pick(rng, ("pedregal", "pedregal", "pasto", "tierra")))]
    zones.append(ground(rng, pick(rng, ("pedregal", "pasto", "nieve")), "patches", rng.uniform(0.6, 1.2),
                        rng.uniform(0.57, 0.63)))
    if frame.wet:
        zones.append(ground(rng, "agua dulce"))
        zones.append(ground(rng, "pedregal", "beyond", frame.away(rng.uniform(-30, 30)), rng.uniform(7, 12), 0.0, 1.5))
    elif rng.random() < 0.25:
        zones.append(ground(rng, "agua dulce", "beyond", frame.away(rng.uniform(-40, 40)), rng.uniform(3, 6), 0.0, 1.0))
    ridges = [ridge(rng, "peaks", 0.5, 1.0), ridge(rng, pick(rng, ("peaks", "trees", "hills")), 0.2, 0.5)]
    sky, light = outdoors(rng, frame, ridges)
    return Setting(zones, [], sky, light, ["roca", "roca", "pino", "arbusto", "tienda de campaña", "cerca", "flor"])


def snowfield(rng: np.random.Generator, frame: Frame) -> Setting:
    """Nieve: manchas de hielo o de pedregal, pinos y montañas."""
    zones = [ground(rng, "nieve")]
    extra = pick(rng, ("hielo", "pedregal", "tierra", "nieve", "nieve"))
    if extra != "nieve":
        zones.append(ground(rng, extra, "patches", rng.uniform(0.5, 1.0), rng.uniform(0.58, 0.64)))
    if rng.random() < 0.25:
        zones.append(ground(rng, "sendero", "band", frame.away(rng.uniform(-60, 60)), rng.uniform(-1.5, 1.5), 0.45,
                            0.4))
    ridges = [ridge(rng, pick(rng, ("peaks", "peaks", "hills")), 0.5, 0.8)]
    if rng.random() < 0.6:
        ridges.append(ridge(rng, "trees", 0.35, 0.6))
    sky, light = outdoors(rng, frame, ridges, {"despejado": 0.42, "nubes": 0.25, "nublado": 0.13, "atardecer": 0.1,
                                               "niebla": 0.1})
    light.exposure *= 0.9
    return Setting(zones, [], sky, light, ["pino", "pino", "roca", "cerca", "casa", "muñeco de nieve", "trineo",
                                           "tronco"])


def desert(rng: np.random.Generator, frame: Frame) -> Setting:
    """Desierto: dunas, arena o barro seco, cactus y mesetas."""
    base = pick(rng, ("duna", "duna", "arena", "barro seco", "tierra"))
    zones = [ground(rng, base)]
    if base != "duna" and rng.random() < 0.5:
        zones.append(ground(rng, pick(rng, ("pedregal", "pastizal seco")), "patches", rng.uniform(0.6, 1.2), 0.62))
    if base == "duna" and rng.random() < 0.4:
        zones.append(ground(rng, "arena", "beyond", frame.away(rng.uniform(-50, 50)), rng.uniform(2, 5), 0.0, 2.0))
    ridges = [ridge(rng, pick(rng, ("mesas", "mesas", "hills", "peaks")), rng.uniform(0.15, 0.45))]
    if ridges[0].kind == "hills":
        ridges = [ridge(rng, "mesas", 0.5, 0.7)]
    sky, light = outdoors(rng, frame, ridges, {"despejado": 0.55, "nubes": 0.2, "nublado": 0.03, "atardecer": 0.22})
    return Setting(zones, [], sky, light, ["cactus", "cactus", "roca", "roca", "nopal", "arbusto", "calavera"])


def beach(rng: np.random.Generator, frame: Frame) -> Setting:
    """Playa: arena, franja mojada, espuma y mar al fondo; si la cosa flota, la orilla queda delante de ella."""
    angle = frame.away(rng.uniform(-50, 50))
    shore = -rng.uniform(1.8, 2.6) * frame.radius if frame.wet else rng.uniform(1.8, 4.5) * frame.radius
    sand, sea = ground(rng, "arena"), ground(rng, "agua de mar", "beyond", angle, shore, 0.0, 0.9)
    wet_sand = ground(rng, "arena mojada", "beyond", angle, shore - rng.uniform(0.4, 0.9), 0.0, 0.9)
    foam = ground(rng, "espuma", "beyond", angle, shore - rng.uniform(0.12, 0.3), 0.0, 0.9)
    ridges = [ridge(rng, pick(rng, ("hills", "peaks")), 0.5, 0.5)] if rng.random() < 0.4 else []
    sky, light = outdoors(rng, frame, ridges)
    names = ["palmera", "sombrilla", "roca", "pelota", "concha", "palmera", "toalla", "castillo de arena"]
    return Setting([sand, wet_sand, foam, sea], [], sky, light, names)


def sea(rng: np.random.Generator, frame: Frame) -> Setting:
    """Mar abierto: agua, a veces espuma, islas o montañas en el horizonte."""
    zones = [ground(rng, "agua de mar")]
    ridges = []
    if rng.random() < 0.55:
        kind = pick(rng, ("hills", "peaks", "city", "trees", "mesas"))
        ridges = [ridge(rng, kind, 0.45, 0.45)]
    sky, light = outdoors(rng, frame, ridges, {"despejado": 0.33, "nubes": 0.32, "nublado": 0.12, "atardecer": 0.18,
                                               "niebla": 0.05})
    return Setting(zones, [], sky, light, ["boya", "boya", "roca", "isla", "faro"], (0, 3))


def seabed(rng: np.random.Generator, frame: Frame) -> Setting:
    """Fondo marino: arena, arrecife y piedras bajo agua turquesa o azul."""
    zones = [ground(rng, "fondo arenoso")]
    if rng.random() < 0.6:
        zones.append(ground(rng, pick(rng, ("arrecife", "arrecife", "pedregal", "musgo")), "patches",
                            rng.uniform(0.4, 0.9), 0.55))
    sky, light = underwater(rng, frame)
    return Setting(zones, [], sky, light, ["alga", "coral", "alga", "roca", "coral", "concha", "estrella de mar",
                                           "ánfora"], (2, 6))


PLACES: dict[str, Callable[[np.random.Generator, Frame], Setting]] = {
    "cielo": open_sky, "calle": street, "carretera": highway, "estacionamiento": parking,
    "plaza": square, "patio": patio, "jardín": garden, "campo": field, "sabana": savanna, "selva": jungle,
    "bosque": forest, "montaña": mountain, "nieve": snowfield, "desierto": desert, "playa": beach, "mar": sea,
    "fondo marino": seabed, "sala": living_room, "cocina": kitchen, "establo": barn,
}
# en qué lugares se encuentra cada clase, y con qué peso
HABITATS: dict[str, dict[str, float]] = {
    "avión": {"cielo": 5, "carretera": 3, "campo": 2, "mar": 2, "desierto": 2, "montaña": 2, "nieve": 2,
              "estacionamiento": 1, "fondo marino": 1},
    "automóvil": {"calle": 3, "carretera": 3, "estacionamiento": 4, "desierto": 1, "nieve": 2, "plaza": 2, "campo": 1,
                  "playa": 1, "jardín": 1, "fondo marino": 1, "cielo": 1},
    "camión": {"carretera": 3, "calle": 3, "estacionamiento": 4, "desierto": 2, "campo": 2, "establo": 2, "nieve": 2,
               "bosque": 1},
    "barco": {"mar": 5, "playa": 4, "montaña": 3, "selva": 2, "fondo marino": 3, "estacionamiento": 1},
    "bicicleta": {"calle": 3, "plaza": 3, "patio": 2, "jardín": 2, "bosque": 2, "campo": 1, "montaña": 1, "sala": 2,
                  "playa": 1, "establo": 1, "cocina": 1, "cielo": 1},
    "pájaro": {"cielo": 4, "bosque": 2, "selva": 2, "jardín": 2, "playa": 2, "mar": 2, "plaza": 2, "nieve": 1,
               "sabana": 1},
    "gato": {"sala": 3, "cocina": 4, "patio": 3, "jardín": 2, "calle": 2, "establo": 2, "plaza": 1},
    "jaguar": {"selva": 4, "sabana": 3, "bosque": 3, "montaña": 3, "desierto": 1, "nieve": 1, "patio": 1, "playa": 1},
    "perro": {"sala": 2, "cocina": 2, "patio": 3, "jardín": 2, "playa": 2, "nieve": 3, "calle": 1, "plaza": 1,
              "bosque": 1},
    "caballo": {"campo": 3, "establo": 4, "sabana": 1, "playa": 1, "montaña": 2, "desierto": 3, "nieve": 1, "plaza": 1,
                "carretera": 1},
    "cebra": {"sabana": 4, "campo": 3, "desierto": 3, "establo": 3, "selva": 2, "montaña": 1, "patio": 1},
    "pez": {"fondo marino": 4, "mar": 3, "sala": 2, "cocina": 3, "playa": 2, "selva": 2},
}


def place_odds(class_name: str, anywhere: float = 0.22) -> dict[str, float]:
    """Probabilidad de cada lugar para esa clase: `anywhere` se reparte parejo; lo demás, según `HABITATS`."""
    if class_name not in HABITATS:
        raise ValueError(f"Se esperaba una clase de {sorted(HABITATS)}; llegó {class_name!r}.")
    own = HABITATS[class_name]
    return {name: anywhere / len(PLACES) + (1 - anywhere) * own.get(name, 0.0) / sum(own.values()) for name in PLACES}


def place_only_accuracy(anywhere: float = 0.22) -> float:
    """Acierto de quien sólo mira el lugar y dice la clase que más aparece en él (clases igual de frecuentes)."""
    odds = [place_odds(name, anywhere) for name in HABITATS]
    return sum(max(o[place] for o in odds) for place in PLACES) / len(HABITATS)

"""Los lugares del pueblo: calle, carretera, estacionamiento, plaza, patio y jardín."""
import numpy as np

from .setting import Frame, Setting, direction, outdoors
from .shapes import Thing, rotation
from .stage import Zone
from .surfaces import WALLS, ground, pick, ridge, vary


def barrier(rng: np.random.Generator, frame: Frame, name: str, distance: float, height: float, turn: float) -> Thing:
    """Barda o seto de `height` de alto, detrás de la cosa a `distance` y girado `turn` grados respecto de la vista."""
    thing, paint = Thing(name), vary(rng, pick(rng, WALLS[name]))
    thing.box((0, 0, height / 2), (30.0, 0.12, height / 2), "", paint)
    if name not in ("seto", "cerca de tablas") and rng.random() < 0.6:
        thing.box((0, 0, height + 0.05), (30.0, 0.18, 0.06), "remate", vary(rng, pick(rng, WALLS["pared de yeso"])))
    return thing.place(rotation("z", frame.azimuth + turn + 90), direction(frame.away(turn)) * distance)


def enclose(rng: np.random.Generator, frame: Frame, setting: Setting, names: tuple[str, ...],
            heights: tuple[float, float]) -> Setting:
    """Añade una barda al fondo y, la mitad de las veces, otra al costado."""
    turn, name, height = rng.uniform(-30, 30), pick(rng, names), rng.uniform(*heights) * frame.radius
    side = float(rng.choice([-90, 90]))
    for angle, distance, odds in ((turn, rng.uniform(1.5, 3.2), 1.0), (turn + side, rng.uniform(2.0, 4.0), 0.5)):
        if rng.random() < odds and not _behind_camera(frame, angle, distance * frame.radius):
            setting.things.append(barrier(rng, frame, name, distance * frame.radius, height, angle))
            point = direction(frame.away(angle)) * distance * frame.radius
            setting.limits.append((point, -direction(frame.away(angle))))
    return setting


def _behind_camera(frame: Frame, turn: float, distance: float) -> bool:
    """¿La cámara quedaría del otro lado de la barda?"""
    eye = direction(frame.azimuth) * frame.distance
    return float(eye @ direction(frame.away(turn))) > distance - 0.4


def _road(rng: np.random.Generator, name: str, angle: float, centre: float, half: float) -> list[Zone]:
    """Franja de rodada con raya central, cortada o continua."""
    paint = pick(rng, ("línea", "línea amarilla", "línea"))
    rule = ("dashes", angle, centre, 0.07, rng.uniform(1.2, 2.2))
    if rng.random() < 0.3:
        rule = ("band", angle, centre, 0.06)
    stripe = ground(rng, paint, *rule, part="raya")
    return [ground(rng, name, "band", angle, centre, half),
            Zone(stripe.rule, name, stripe.paint, "raya", stripe.params, 0.15)]


def street(rng: np.random.Generator, frame: Frame) -> Setting:
    """Calle: rodada con raya, guarnición y banqueta a los lados; edificios o casas al fondo."""
    angle, half = frame.away(rng.uniform(-80, 80)), rng.uniform(1.4, 2.4)
    centre = rng.uniform(-0.9, 0.9)
    if rng.random() < 0.35:                                                    # la cosa está en la banqueta
        centre = float(rng.choice([-1, 1])) * (half + rng.uniform(0.5, 1.4))
    road = _road(rng, "calle", angle, centre, half)
    curb = ground(rng, pick(rng, ("concreto", "línea amarilla", "concreto")), "band", angle, centre, half + 0.13)
    curb = Zone(curb.rule, "banqueta", curb.paint, "guarnición", curb.params, 0.2)
    ridges = [ridge(rng, "city", 0.3, 1.1), ridge(rng, pick(rng, ("city", "trees")), 0.1, 0.6)]
    sky, light = outdoors(rng, frame, ridges)
    names = ["casa", "farola", "árbol", "casa", "bote de basura", "semáforo", "hidrante", "banca", "arbusto", "cono"]
    setting = Setting([ground(rng, "banqueta"), curb, *road], [], sky, light, names, (2, 6))
    if rng.random() < 0.35:
        turn = (angle - frame.away() + 90) % 180 - 90                          # la pared corre a lo largo de la calle
        distance = max(abs(centre) + half + rng.uniform(0.6, 1.5), 1.3 * frame.radius)
        return _wall_along(rng, frame, setting, turn, distance)
    return setting


def _wall_along(rng: np.random.Generator, frame: Frame, setting: Setting, turn: float, distance: float) -> Setting:
    """Una fachada larga paralela a la calle, del lado del fondo."""
    for side in (-90, 90):
        facing = turn + side
        if np.cos(np.deg2rad(facing)) > 0.25 and not _behind_camera(frame, facing, distance):
            name = pick(rng, ("pared de ladrillo", "pared de yeso", "muro de piedra", "pared de yeso"))
            setting.things.append(barrier(rng, frame, name, distance, rng.uniform(1.2, 4.0), facing))
            setting.limits.append((direction(frame.away(facing)) * distance, -direction(frame.away(facing))))
    return setting


def highway(rng: np.random.Generator, frame: Frame) -> Setting:
    """Carretera: asfalto con rayas y acotamiento que cruza un campo, un desierto o la nieve."""
    angle, half, centre = frame.away(rng.uniform(-85, 85)), rng.uniform(1.8, 3.0), rng.uniform(-1.1, 1.1)
    around = pick(rng, ("pasto", "pastizal seco", "tierra", "duna", "nieve", "pedregal"))
    shoulder = ground(rng, "acotamiento", "band", angle, centre, half + rng.uniform(0.35, 0.7), 0.12)
    zones = [ground(rng, around), shoulder, *_road(rng, "carretera", angle, centre, half)]
    edge = ground(rng, "línea").paint
    zones += [Zone("band", "carretera", edge, "raya", (angle, centre + side * (half - 0.18), 0.05, 0.0), 0.15)
              for side in (-1, 1)]
    far = {"pasto": ("hills", "trees"), "pastizal seco": ("hills", "mesas"), "tierra": ("hills", "mesas"),
           "duna": ("mesas", "hills"),
           "nieve": ("peaks", "trees"), "pedregal": ("peaks", "hills")}[around]
    sky, light = outdoors(rng, frame, [ridge(rng, far[0], 0.4, 1.0), ridge(rng, far[1], 0.2, 0.5)])
    names = ["señal", "poste", "arbusto", "roca", "cono", "valla", "árbol" if around in ("pasto", "nieve")
             else "cactus"]
    return Setting(zones, [], sky, light, names)


def parking(rng: np.random.Generator, frame: Frame) -> Setting:
    """Estacionamiento: pavimento o concreto con cajones pintados, bardas o ciudad al fondo."""
    angle, step = frame.away(rng.uniform(-80, 80)), rng.uniform(1.5, 2.2)
    zones = [ground(rng, pick(rng, ("pavimento", "pavimento", "concreto")))]
    line = ground(rng, pick(rng, ("línea", "línea", "línea amarilla"))).paint
    name = zones[0].name
    zones += [Zone("band", name, line, "raya", (angle, (k + 0.5) * step, 0.06, 0.0), 0.15) for k in range(-4, 4)]
    lane = pick(rng, (-1, 1)) * rng.uniform(2.0, 3.0)
    zones.append(Zone("band", name, zones[0].paint, "", (angle + 90, lane * 1.6, abs(lane) * 0.6, 0.0),
                      zones[0].mottle))
    zones.append(Zone("band", name, line, "raya", (angle + 90, lane, 0.06, 0.0), 0.15))
    if rng.random() < 0.4:
        zones.append(ground(rng, "charco", "patches", rng.uniform(0.5, 0.9), 0.64))
    sky, light = outdoors(rng, frame, [ridge(rng, "city", 0.3), ridge(rng, pick(rng, ("trees", "city")), 0.12, 0.5)])
    names = ["farola", "cono", "cono", "árbol", "señal", "bote de basura", "valla", "barril", "arbusto"]
    setting = Setting(zones, [], sky, light, names)
    walls = ("pared de ladrillo", "muro de piedra", "pared de yeso", "seto")
    return enclose(rng, frame, setting, walls, (0.4, 1.6)) if rng.random() < 0.45 else setting


def square(rng: np.random.Generator, frame: Frame) -> Setting:
    """Plaza: adoquín, laja o mosaico con franjas, jardineras, y edificios alrededor."""
    angle = frame.away(rng.uniform(-45, 45))
    zones = [ground(rng, pick(rng, ("adoquín", "adoquín", "laja", "baldosa")))]
    if rng.random() < 0.6:
        other = ground(rng, pick(rng, ("adoquín", "laja", "concreto", "baldosa")))
        zones += [Zone("band", other.name, other.paint, "franja", (angle, k * rng.uniform(3.0, 4.5), 0.3, 0.0), 0.2)
                  for k in (-1, 0, 1)]
    if rng.random() < 0.5:
        zones.append(ground(rng, pick(rng, ("césped", "flores")), "beyond", angle, rng.uniform(2.0, 4.0), 0.0, 0.0))
    sky, light = outdoors(rng, frame, [ridge(rng, "city", 0.3, 0.8), ridge(rng, "trees", 0.2, 0.55)])
    names = ["farola", "banca", "fuente", "árbol", "maceta", "kiosco", "casa", "estatua", "pelota", "globo"]
    setting = Setting(zones, [], sky, light, names, (2, 6))
    walls = ("muro de piedra", "pared de yeso", "pared de ladrillo")
    return enclose(rng, frame, setting, walls, (1.5, 3.5)) if rng.random() < 0.3 else setting


def patio(rng: np.random.Generator, frame: Frame) -> Setting:
    """Patio: baldosa, ladrillo, laja o concreto entre bardas, con macetas y sillas."""
    zones = [ground(rng, pick(rng, ("baldosa", "baldosa", "piso de ladrillo", "laja", "concreto", "adoquín")))]
    if rng.random() < 0.3:
        zones.append(ground(rng, pick(rng, ("césped", "tierra")), "beyond", frame.away(rng.uniform(-90, 90)),
                            rng.uniform(1.2, 2.5)))
    if rng.random() < 0.15:
        zones.append(ground(rng, "charco", "patches", 0.6, 0.63))
    sky, light = outdoors(rng, frame, [ridge(rng, pick(rng, ("trees", "city", "trees")), 0.15, 0.8)])
    setting = Setting(zones, [], sky, light, ["maceta", "maceta", "silla", "mesa", "pelota", "flor", "cubeta",
                                              "escalera", "barril", "caja"])
    walls = ("pared de ladrillo", "pared de yeso", "pared de yeso", "muro de piedra", "cerca de tablas",
             "pared de madera")
    return enclose(rng, frame, setting, walls, (1.0, 3.5))


def garden(rng: np.random.Generator, frame: Frame) -> Setting:
    """Jardín: césped, camino, arriates con flores y un seto o una cerca al fondo."""
    zones = [ground(rng, "césped")]
    if rng.random() < 0.55:
        zones.append(ground(rng, pick(rng, ("laja", "adoquín", "sendero", "piso de ladrillo")), "band",
                            frame.away(rng.uniform(-80, 80)), rng.uniform(-1.5, 1.5), rng.uniform(0.4, 0.8), 0.3))
    if rng.random() < 0.6:
        zones.append(ground(rng, pick(rng, ("flores", "tierra", "flores")), "beyond", frame.away(rng.uniform(-25, 25)),
                            rng.uniform(1.2, 2.4) * frame.radius, 0.0, 0.3))
    if rng.random() < 0.2:
        zones.append(ground(rng, "agua dulce", "patches", 0.4, 0.6))
    sky, light = outdoors(rng, frame, [ridge(rng, "trees", 0.25, 0.8)])
    names = ["flor", "flor", "arbusto", "árbol", "maceta", "fuente", "regadera", "cerca", "silla", "columpio",
             "pelota", "casa"]
    setting = Setting(zones, [], sky, light, names, (2, 7))
    walls = ("seto", "seto", "cerca de tablas", "muro de piedra", "pared de ladrillo")
    return enclose(rng, frame, setting, walls, (0.45, 1.5)) if rng.random() < 0.65 else setting

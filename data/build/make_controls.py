"""Dibuja los controles de la lección 4: la misma escena con y sin lo que una unidad parece reconocer.

    python data/build/make_controls.py                  los dos conjuntos (unos minutos con un núcleo)
    python data/build/make_controls.py rayas            uno
    python data/build/make_controls.py --sheet          además, una hoja de cada uno en runs/, para mirarla

rayas: cuarenta escenas, y cada una con una cebra, la misma sin rayas (blanca, gris y café), un caballo, un perro y
una cosa que no es animal con las mismas rayas y sin ellas, y nada. pelota: cuarenta escenas con un perro y una pelota, cada
una también sin la pelota, sin el perro y sin los dos. De una versión a otra no cambian la cámara, la luz ni los accesorios; la
foto se revela con la exposición y el grano de la primera. Las semillas son de aquí y de nadie más; no se escogió ninguna. Necesita numba.
"""
import argparse
from collections.abc import Callable
from copy import deepcopy
from dataclasses import replace

import numpy as np
from make_scenes import DATA, RUNS, TEST, rngs
from packing import write_info, write_split, write_sums
from world import compose, vehicles
from world.absence import reasons_to_change
from world.canines import dog
from world.equines import BLACK, Hide, _equine
from world.framing import aim, outline
from world.places import PLACES
from world.render import develop, expose
from world.setting import direction
from world.shapes import Paint, Thing
from world.stage import Scene

SCENES, SIZE = 40, 64
STRIPED = ("sabana", "campo", "desierto", "establo", "selva", "montaña", "patio", "calle", "nieve", "playa")
PLAYED = ("jardín", "patio", "playa", "sala", "cocina", "nieve", "calle", "plaza", "bosque", "campo")
BODY = ("carrocería", "cofre", "cajuela", "techo", "poste", "puerta")   # lo que se raya de un automóvil
MUZZLE, BROWN = Paint("pelo", (0.06, 0.05, 0.045)), (0.33, 0.17, 0.07)
YELLOW = (0.72, 0.80, 0.06)                                             # el de una pelota de tenis
FIRST = {"rayas": 8 * TEST, "pelota": 9 * TEST}
VERSIONS = {"rayas": ["cebra", "cebra blanca", "cebra gris", "cebra café", "caballo rayado", "caballo gris", "caballo café",
                      "perro rayado", "perro gris", "cosa rayada", "cosa gris", "nada"],
            "pelota": ["perro y pelota", "perro", "pelota", "ninguno"]}


def coat(stripes: Paint, color: tuple[float, float, float] | None) -> Paint:
    """El pelaje rayado, o liso de ese color."""
    return stripes if color is None else Paint("pelo", color)


def equine(seed: int, name: str, fur: Paint, upright: bool) -> Thing:
    """Un équido de cuerpo y postura de esa semilla; `upright`: crin parada y cola de cebra."""
    thing = Thing(name, blend=0.07)
    _equine(rngs(seed)[0], thing, Hide(fur, fur, MUZZLE, fur), striped=upright)
    return thing


def ball_like(fur: Paint) -> Thing:
    return Thing("").ellipsoid((0, 0, 0.5), 0.5, "pelota", replace(fur, material="plástico"))


def box_like(fur: Paint) -> Thing:
    return Thing("").box((0, 0, 0.45), (0.8, 0.45, 0.45), "caja", replace(fur, material="madera"))


def wall_like(fur: Paint) -> Thing:
    return Thing("").box((0, 0, 0.5), (0.75, 0.12, 0.5), "barda", replace(fur, material="yeso"))


def vase_like(fur: Paint) -> Thing:
    clay, thing = replace(fur, material="cerámica"), Thing("")
    thing.cone((0, 0, 0), (0, 0, 0.5), 0.35, "vasija", clay, 1.5)
    thing.cone((0, 0, 0.5), (0, 0, 0.85), 0.525, "vasija", clay, 0.5)
    return thing.cone((0, 0, 0.85), (0, 0, 1.0), 0.26, "vasija", clay, 1.3)


def car_like(fur: Paint) -> Thing:
    thing = vehicles.car(np.random.default_rng([FIRST["rayas"], 2]))        # el mismo coche en todas: solo cambia la pintura
    for piece in thing.pieces:
        if piece.part in BODY:
            piece.paint = replace(fur, material="metal")
    return thing


def dog_like(fur: Paint, seed: int) -> Thing:
    """El perro de esa semilla, todo su pelo de esa pintura."""
    thing = dog(rngs(seed)[0])
    for piece in thing.pieces:
        if piece.paint.material == "pelo":
            piece.paint = fur
    return thing


CARRIERS: tuple[Callable[[Paint], Thing], ...] = (ball_like, box_like, car_like, wall_like, vase_like)


def settle(thing: Thing, model: Thing, size: float) -> Thing:
    """La cosa, en el piso, con el rumbo de `model`, centrada donde él y `size` veces su tamaño."""
    thing.place(model.matrix * size)
    points, there = outline([thing]), outline([model])
    middle, target = (points.min(0) + points.max(0)) / 2, (there.min(0) + there.max(0)) / 2
    return thing.place(np.eye(3), (*(target - middle)[:2], -points[:, 2].min()))


def area(scene: Scene) -> int:
    """Cuántos píxeles se ven de la cosa principal."""
    _, labels, table = expose(scene, SIZE, 1)
    return int(sum((labels == number).sum() for number, row in enumerate(table) if row[0] == scene.things[0].name))


def carried(scene: Scene, name: str, make: Callable[[Paint], Thing], paint: Paint) -> Scene:
    """La escena con otra cosa en vez del animal, que ocupa los mismos píxeles, más o menos; las rayas, del mismo ancho."""
    wanted, size = area(scene), 0.8
    for _ in range(5):                                                      # el tamaño con que ocupa lo que el animal
        thing = settle(make(replace(paint, scale=paint.scale * size)), scene.things[0], size)
        thing.name = name
        found = replace(scene, things=[thing, *scene.things[1:]])
        size *= float(np.sqrt(wanted / max(area(found), 1)))
    return found


def stripes(seed: int) -> list[Scene]:
    """Las doce versiones de una escena de rayas, en el orden de VERSIONS."""
    rng, number = rngs(seed)[1], seed % FIRST["rayas"]
    white, place = (0.86, 0.84, 0.79), STRIPED[number % len(STRIPED)]
    fur = Paint("pelo", white, "rayado", BLACK, float(rng.uniform(12, 15)))
    gray = tuple((np.array(white) + BLACK) / 2)                             # la media de las rayas
    coats = {"cebra": fur, "cebra blanca": Paint("pelo", white), "cebra gris": Paint("pelo", gray),
             "cebra café": Paint("pelo", BROWN), "caballo rayado": fur, "caballo gris": Paint("pelo", gray),
             "caballo café": Paint("pelo", BROWN)}
    first = equine(seed, "cebra", fur, True)
    yaw = compose.pose(rng, first, "cebra", place, False)
    azimuth, elevation = compose.viewpoint(rng, place)
    camera = aim(rng, outline([first]), (yaw + azimuth, elevation), rng.uniform(28, 50), rng.uniform(0.7, 0.95))
    scene = surround(rng, [first], place, camera)
    found = []
    for name, paint in coats.items():
        thing = equine(seed, name, paint, name.startswith("cebra"))
        thing.matrix, thing.offset = first.matrix, first.offset
        found.append(replace(scene, things=[thing, *scene.things[1:]]))
    plain = Paint("pelo", gray, scale=fur.scale)
    makers = {"perro": lambda paint: dog_like(paint, seed),
              "cosa": CARRIERS[(number + number // len(STRIPED)) % len(CARRIERS)]}
    for name, make in makers.items():
        ending = "o" if name == "perro" else "a"
        found += [carried(scene, f"{name} rayad{ending}", make, fur), carried(scene, f"{name} gris", make, plain)]
    return [*found, compose.without_main(scene)]


def surround(rng: np.random.Generator, mains: list[Thing], place: str, camera) -> Scene:
    """El lugar alrededor de las cosas, con sitio para otra igual de ancha que larga."""
    points = outline(mains)
    middle, reach = (points.min(0) + points.max(0)) / 2, float(np.ptp(points[:, :2], axis=0).max()) / 2
    room = Thing("").box((*middle[:2], reach), (reach, reach, reach), "", Paint("papel", (0.5, 0.5, 0.5)))
    scene = compose.assemble(rng, [*mains, room], place, PLACES[place], camera, True)
    return replace(scene, things=[thing for thing in scene.things if thing is not room])


def beside(seed: int) -> list[Scene]:
    """Las cuatro versiones de una escena de perro y pelota."""
    (thing_rng, rng), number = rngs(seed), seed % FIRST["pelota"]
    place, pet = PLAYED[number % len(PLAYED)], dog(thing_rng)
    yaw = compose.pose(rng, pet, "perro", place, False)
    azimuth, elevation = compose.viewpoint(rng, place)
    radius, eye = float(rng.uniform(0.16, 0.2)), direction(yaw + azimuth)
    points, right = outline([pet]), np.cross(-eye, [0, 0, 1])
    side = float(rng.choice([-1, 1]))
    spot = right * side * (np.abs(points @ right).max() + 0.7 * radius) + eye * 0.25
    ball = Thing("pelota").ellipsoid((*spot[:2], radius), radius, "pelota", Paint("tela", YELLOW))
    camera = aim(rng, outline([pet, ball]), (yaw + azimuth, elevation), rng.uniform(28, 50), rng.uniform(0.75, 0.95))
    scene = surround(rng, [pet, ball], place, camera)
    others = [thing for thing in scene.things[2:] if thing.name != "pelota"]    # entre los accesorios también hay pelotas
    return [replace(scene, things=[pet, ball, *others]), replace(scene, things=[pet, *others]), replace(scene, things=[ball, *others]),
            compose.without_main(replace(scene, things=[pet, *others]))]


MAKERS = {"rayas": stripes, "pelota": beside}


def photos(scenes: list[Scene]) -> list[tuple[np.ndarray, np.ndarray, list]]:
    """Foto, mapa de segmentos y tabla de cada versión; todas, con la exposición y el grano de la primera."""
    first = scenes[0]
    light, labels, table = expose(first)
    found = [(develop(light, np.random.default_rng(first.seed + 1), first.exposure), labels, table)]
    for scene in scenes[1:]:
        lit, labels, table = expose(scene)
        lit = np.where(reasons_to_change(first, scene)[..., None] > 0, lit, light)
        found.append((develop(lit, np.random.default_rng(first.seed + 1), first.exposure, metered=light), labels, table))
    return found


def build(source: str) -> np.ndarray:
    """Dibuja un conjunto y lo escribe; devuelve sus imágenes, una escena tras otra con todas sus versiones."""
    versions, images, maps, places, rows = VERSIONS[source], [], [], {}, {}
    scenes, seeds = [], []
    for seed in range(FIRST[source], FIRST[source] + SCENES):
        made = MAKERS[source](deepcopy(seed))
        for image, labels, table in photos(made):
            images.append(image)
            maps.append(np.array([rows.setdefault(tuple(row), len(rows)) for row in table], np.uint16)[labels])
            scenes.append(places.setdefault(made[0].place, len(places)))
            seeds.append(seed)
    if source == "rayas":                                                   # «nada» no tiene píxeles, pero sí nombre
        rows.setdefault(("nada", "", "", ""), len(rows))
    order = np.tile(np.arange(len(versions)), SCENES)
    write_split(DATA / source, "test", np.stack(images), np.stack(maps), order, np.array(scenes), np.array(seeds))
    write_info(DATA / source, versions, list(places), [list(row) for row in rows], {"test": len(images)})
    return np.stack(images)


def sheet(source: str, images: np.ndarray, scale: int = 2) -> None:
    """Una hoja con una escena por renglón y una versión por columna, en runs/."""
    from PIL import Image
    columns = len(VERSIONS[source])
    page = images.reshape(-1, columns, SIZE, SIZE, 3).swapaxes(1, 2).reshape(-1, columns * SIZE, 3)
    page = Image.fromarray(page)
    RUNS.mkdir(exist_ok=True)
    page.resize((page.width * scale, page.height * scale), 0).save(RUNS / f"{source}.png")


def main() -> None:
    parser = argparse.ArgumentParser(description="Dibuja los controles de la lección 4.")
    parser.add_argument("sources", nargs="*", metavar="fuente", help=f"las que quieras de {', '.join(MAKERS)}")
    parser.add_argument("--sheet", action="store_true", help="además, una hoja de cada una en runs/")
    args = parser.parse_args()
    for source in args.sources or MAKERS:
        images = build(source)
        print(f"{source}: {len(images)} imágenes", flush=True)
        if args.sheet:
            sheet(source, images)
    write_sums(DATA)


if __name__ == "__main__":
    main()

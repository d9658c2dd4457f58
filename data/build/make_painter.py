"""La prueba del pintor de la lección 5: se dibuja, solo y en lugares nuevos, el concepto que nombra a cada unidad.

    python data/build/make_painter.py                   dibuja, mide y escribe (unos diez minutos con un núcleo)
    python data/build/make_painter.py --whole           solo las cosas enteras de los dibujos que ya están, y mide (otros diez)
    python data/build/make_painter.py --measure         solo vuelve a medir lo que ya está dibujado
    python data/build/make_painter.py --sheet           además, hojas con los dibujos en runs/, para mirarlas

Las unidades son las detectoras de conv5 de la red principal: mejor IoU mayor que 0.04 en mil imágenes de prueba. De cada uno de sus
conceptos se dibujan veinte escenas, sin accesorios, en lugares donde esa cosa casi nunca está:

    objeto    el objeto; de control, otra clase, por turnos, en el mismo lugar y con los mismos píxeles, más o menos
    parte     la parte sola, flotando donde iría, de una clase al azar que la tiene; de control, la otra parte de la misma cosa
              que ocupa un área más parecida, también sola. Se mide además con la cosa entera, con ella sin la parte y con
              ella sin la otra parte, la del control; estas fotos no se reparten
    textura   una pelota, caja, barda o jarrón con esa textura; de control, con otra textura de los mismos colores, por turnos

Regla, fijada antes de medir: el nombre sobrevive si la mediana de lo más que responde la unidad en los veinte dibujos de su concepto
pasa del percentil 95 de lo que responde en los veinte de control, y si además la prueba de Wilcoxon de las veinte parejas, de un lado,
se acepta con Benjamini–Hochberg al 5 % entre todas las detectoras. Supervivencia falsa: la misma regla con el nombre de otra detectora.
Las semillas son de aquí y de nadie más; se toman en orden las que tienen a la vista veinte píxeles del concepto y del control.
"""
import argparse
import sys
from collections.abc import Callable
from concurrent.futures import ProcessPoolExecutor
from dataclasses import replace
from pathlib import Path

import numpy as np

ROOT = Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT))  # labkit, también sin instalar

import measure_painter  # noqa: E402
import torch  # noqa: E402
from make_controls import CARRIERS, car_like, photos, settle, surround  # noqa: E402
from make_scenes import BUILDERS, CLASSES, DATA, RUNS, TEST, rngs  # noqa: E402
from measure_painter import concepts_of, named_units  # noqa: E402
from packing import _jpeg, _mosaic, _npz, _write  # noqa: E402
from world import compose  # noqa: E402
from world.absence import without_parts  # noqa: E402
from world.framing import aim, outline  # noqa: E402
from world.palette import contrast, named  # noqa: E402
from world.places import HABITATS, PLACES  # noqa: E402
from world.render import expose  # noqa: E402
from world.shapes import Paint, Thing  # noqa: E402
from world.stage import Scene  # noqa: E402

from labkit.models import load_model  # noqa: E402
from labkit.ready_made import load_painter  # noqa: E402

FOLDER, EACH, SIZE, SEEN = DATA / "pintor", 20, 64, 20
FIRST, STEP, TRIES = 11 * TEST, 10_000, 3000
DRY = [place for place in PLACES if place not in ("cielo", "mar", "fondo marino")]      # donde las cosas se paran
OTHERS = ("rayado", "cuadriculado", "zigzag", "manchado", "rosetas")    # los controles de una textura, por turnos
SOLID = [carrier for carrier in CARRIERS if carrier is not car_like]


def new_place(rng: np.random.Generator, name: str) -> str:
    """Un lugar al azar de entre los que no son de esa clase."""
    return str(rng.choice([place for place in DRY if place not in HABITATS[name]]))


def share(scene: Scene) -> int:
    """Cuántos píxeles se ven de lo que se dibujó, que se llama «dibujo»."""
    _, labels, table = expose(scene, SIZE, 1)
    return int(sum((labels == number).sum() for number, row in enumerate(table) if row[0] == "dibujo"))


def alone(scene: Scene, thing: Thing) -> Scene:
    """La escena con esa cosa y nada más que el lugar."""
    thing.name = "dibujo"
    return replace(scene, things=[thing, *scene.things[1:]])


def as_large(scene: Scene, wanted: int, make: Callable[[float], Thing]) -> Scene:
    """La escena con la cosa del tamaño que ocupa `wanted` píxeles, más o menos: de 0.5 a 2 veces lo que medía."""
    size = 1.0
    for _ in range(4):
        found = alone(scene, make(size))
        size = float(np.clip(size * np.sqrt(wanted / max(share(found), 1)), 0.5, 2.0))
    return found


def paint_object(seed: int, concept: str, turn: int) -> tuple[list[Scene], str, str] | None:
    """El objeto y otra clase en su lugar; con los nombres de quien lo lleva y del control."""
    thing_rng, rng = rngs(seed)
    thing = BUILDERS[concept](thing_rng)
    scene = alone(compose.compose(rng, thing, concept, new_place(rng, concept), False), thing)
    rivals = [name for name in CLASSES if name != concept]
    rival, rival_seed = rivals[turn % len(rivals)], int(rng.integers(2 ** 31))
    other = as_large(scene, share(scene), lambda size: settle(BUILDERS[rival](np.random.default_rng(rival_seed)), thing, size))
    return [scene, other], concept, rival


def only(thing: Thing, part: str, size: float = 1.0) -> Thing:
    """Esa parte de la cosa, sola, donde iba; `size`: cuántas veces más grande, alrededor de su centro."""
    found = Thing("dibujo", thing.blend, [piece for piece in thing.pieces if piece.part == part], thing.matrix, thing.offset)
    points = outline([found])
    middle = (points.min(0) + points.max(0)) / 2
    return found.place(np.eye(3) * size, middle * (1 - size))


def host_of(seed: int, concept: str) -> tuple[Scene, str] | None:
    """Una cosa entera que tiene esa parte, en su escena, y de qué clase es; `None` si a la de esta semilla le falta."""
    thing_rng, rng = rngs(seed)
    host = CLASSES[int(rng.integers(len(CLASSES)))]
    thing = BUILDERS[host](thing_rng)
    parts = {piece.part for piece in thing.pieces}
    if concept not in parts or len(parts) < 2:
        return None
    return compose.compose(rng, thing, host, new_place(rng, host), False), host


def paint_part(seed: int, concept: str, turn: int) -> tuple[list[Scene], str, str] | None:
    """La parte sola y otra de la misma cosa, sola. `None` si no se ven."""
    found = host_of(seed, concept)
    if found is None:
        return None
    scene, host = found
    thing = scene.things[0]
    areas = {part: share(alone(scene, only(thing, part))) for part in sorted({piece.part for piece in thing.pieces})}
    wanted = areas.pop(concept)
    rival = min(areas, key=lambda part: (abs(np.log((areas[part] + 1) / (wanted + 1))), part))
    if min(wanted, areas[rival]) < SEEN:
        return None
    other = as_large(scene, wanted, lambda size: only(thing, rival, size))
    return [alone(scene, only(thing, concept)), other], host, rival


def paint_texture(seed: int, concept: str, turn: int) -> tuple[list[Scene], str, str] | None:
    """Una cosa con esa textura, y la misma con otra de los mismos colores."""
    _, rng = rngs(seed)
    color, place, make = named(rng), str(rng.choice(DRY)), SOLID[turn % len(SOLID)]
    paint = Paint("papel", color, concept, contrast(rng, color), float(rng.uniform(4, 8)))
    rival = OTHERS[turn % len(OTHERS)]
    thing = make(paint)
    yaw = compose.pose(rng, thing, "automóvil", place, False)
    azimuth, elevation = compose.viewpoint(rng, place)
    camera = aim(rng, outline([thing]), (yaw + azimuth, elevation), rng.uniform(28, 50), rng.uniform(0.6, 0.95))
    scene = surround(rng, [thing], place, camera, False)
    other = make(replace(paint, texture=rival))
    other.matrix, other.offset = thing.matrix, thing.offset
    return [alone(scene, thing), alone(scene, other)], thing.pieces[0].part, rival


PAINTERS = {"object": paint_object, "part": paint_part, "texture": paint_texture}


def paint(job: tuple[int, str, str]) -> dict[str, np.ndarray]:
    """Los veinte dibujos de un concepto y los de su control: images (20, 2, 64, 64, 3), areas, seeds y nombres."""
    number, category, concept = job
    found = {"images": [], "areas": [], "seeds": [], "hosts": [], "controls": []}
    for seed in range(FIRST + number * STEP, FIRST + number * STEP + TRIES):
        turn = len(found["seeds"])
        made = PAINTERS[category](seed, concept, turn)
        if made is None:
            continue
        scenes, host, control = made
        taken = photos(scenes)
        areas = [sum((labels == k).sum() for k, row in enumerate(table) if row[0] == "dibujo") for _, labels, table in taken]
        if min(areas) < SEEN:
            continue
        for name, value in zip(found, ([image for image, _, _ in taken], areas, seed, host, control)):
            found[name].append(value)
        if turn + 1 == EACH:
            return {name: np.array(values) for name, values in found.items()}
    raise RuntimeError(f"{concept}: no alcanzaron las semillas.")


def draw(concepts: list[tuple[str, str]], workers: int) -> None:
    """Dibuja los conceptos y sus controles, y los escribe."""
    with ProcessPoolExecutor(workers) as pool:
        made = list(pool.map(paint, [(number, *pair) for number, pair in enumerate(concepts)]))
    tiles = np.stack([one["images"] for one in made])                                       # (k, n, 2, 64, 64, 3)
    _write(FOLDER / "dibujos.jpg", _jpeg(_mosaic(tiles.reshape(-1, SIZE, SIZE, 3))))
    _write(FOLDER / "dibujos.npz", _npz({
        "categories": np.array([category for category, _ in concepts]), "concepts": np.array([name for _, name in concepts]),
        **{name: np.stack([one[name] for one in made]) for name in ("areas", "seeds", "hosts", "controls")}}))
    measure_painter.write([])                                           # sin renglones hasta que se mida


def whole_thing(job: tuple[int, str, str]) -> np.ndarray:
    """La cosa entera de que se sacó una parte, ella sin la parte y ella sin la otra, la de su control: (3, 64, 64, 3)."""
    seed, concept, rival = job
    scene, _ = host_of(seed, concept)
    taken = photos([scene, without_parts(scene, {concept}), without_parts(scene, {rival})])
    return np.stack([image for image, _, _ in taken])


def draw_whole(workers: int) -> np.ndarray:
    """Las cosas enteras, y sin cada parte, de los dibujos que ya hay: (k, n, 3, 64, 64, 3), en negro donde no son partes."""
    with np.load(FOLDER / "dibujos.npz", allow_pickle=False) as arrays:
        drawn = dict(arrays)
    found = np.zeros((*drawn["seeds"].shape, 3, SIZE, SIZE, 3), np.uint8)
    places = [(k, i) for k, category in enumerate(drawn["categories"]) for i in range(EACH) if category == "part"]
    jobs = [(int(drawn["seeds"][k, i]), str(drawn["concepts"][k]), str(drawn["controls"][k, i])) for k, i in places]
    with ProcessPoolExecutor(workers) as pool:
        for place, images in zip(places, pool.map(whole_thing, jobs, chunksize=EACH)):
            found[place] = images
    return found


def sheet(scale: int = 1) -> None:
    """Hojas con los dibujos: un renglón por concepto y otro por su control."""
    from PIL import Image
    drawn = load_painter().images
    page = (drawn * 255).byte().permute(0, 2, 4, 1, 5, 3).reshape(-1, EACH * SIZE, 3).numpy()
    for part in range(0, len(page), 16 * SIZE):
        Image.fromarray(page[part:part + 16 * SIZE]).save(RUNS / f"pintor_{part // (16 * SIZE)}.png")


def main() -> None:
    parser = argparse.ArgumentParser(description="La prueba del pintor de la lección 5.")
    parser.add_argument("--measure", action="store_true", help="no dibujar: medir lo que ya está")
    parser.add_argument("--whole", action="store_true", help="dibujar solo las cosas enteras de los dibujos que ya están")
    parser.add_argument("--sheet", action="store_true", help="además, hojas con los dibujos en runs/")
    parser.add_argument("--workers", type=int, default=2)
    args = parser.parse_args()
    torch.set_num_threads(1)
    RUNS.mkdir(exist_ok=True)
    if not (args.measure or args.whole):
        draw(concepts_of(named_units(load_model("escenas", device="cpu"))), args.workers)
    if not args.measure:
        np.save(measure_painter.WHOLE, draw_whole(args.workers))
    measure_painter.main()
    if args.sheet:
        sheet()


if __name__ == "__main__":
    main()

"""Dibuja el mundo de imágenes que trae el curso y lo guarda en data/.

    python data/build/make_scenes.py                     todo (media hora larga con dos núcleos)
    python data/build/make_scenes.py escenas lobos_libres   sólo esas fuentes
    python data/build/make_scenes.py --sheet 100         una hoja de muestra en contact_sheet.jpg, sin guardar datos

Cada imagen sale de su propia semilla: se puede interrumpir y seguir (lo hecho queda en data/build/runs/).
Necesita numba además de lo que pide el curso (requirements.txt de esta carpeta).
"""
import argparse
import os
from collections.abc import Callable
from concurrent.futures import ProcessPoolExecutor
from pathlib import Path

import numpy as np
from packing import write_info, write_split, write_sums
from world import compose
from world.canines import husky, wolf
from world.objects import CLASSES as BUILDERS
from world.render import render
from world.stage import Scene
from world.vehicles import make_a, make_b

DATA = Path(__file__).resolve().parents[1]
RUNS = Path(__file__).resolve().parent / "runs"
CLASSES = ["avión", "automóvil", "camión", "barco", "bicicleta", "pájaro",
           "gato", "jaguar", "perro", "caballo", "cebra", "pez"]
MAKES = ["marca Ángulo", "marca Burbuja"]
DOGS = ["husky", "lobo"]
CHUNK = 500
TEST = 10_000_000                                                              # semillas de prueba: de aquí en adelante


def rngs(seed: int) -> tuple[np.random.Generator, np.random.Generator]:
    """Dos generadores independientes: uno para la cosa y otro para lo que la rodea."""
    return np.random.default_rng([seed, 0]), np.random.default_rng([seed, 1])


def everyday(seed: int) -> tuple[Scene, int]:
    """La escena `seed` del conjunto principal y el número de su clase."""
    label = seed % len(CLASSES)
    thing_rng, stage_rng = rngs(seed)
    name = CLASSES[label]
    return compose.compose(stage_rng, BUILDERS[name](thing_rng), name), label


def emptied(seed: int) -> tuple[Scene, int]:
    """La misma escena que `everyday`, sin la cosa que da la clase."""
    scene, label = everyday(seed)
    return compose.without_main(scene), label


def doubled(seed: int) -> tuple[Scene, int]:
    """Dos cosas iguales, una al lado de la otra."""
    label = seed % len(CLASSES)
    thing_rng, stage_rng = rngs(seed)
    return compose.twice(stage_rng, BUILDERS[CLASSES[label]](thing_rng), CLASSES[label]), label


def car(seed: int, tones: tuple[str, str] | None) -> tuple[Scene, int]:
    """Un coche de marca seed % 2 en un estudio del tono que toca a su marca (`None`: un fondo libre)."""
    label = seed % 2
    thing_rng, stage_rng = rngs(seed)
    thing = (make_a, make_b)[label](thing_rng)
    thing.name = MAKES[label]
    return compose.studio(stage_rng, thing, tones[label] if tones else "libre"), label


def car_cheat(seed: int) -> tuple[Scene, int]:
    return car(seed, ("negro", "blanco"))


def car_swapped(seed: int) -> tuple[Scene, int]:
    return car(seed, ("blanco", "negro"))


def car_free(seed: int) -> tuple[Scene, int]:
    return car(seed, None)


def wolf_on_snow(seed: int) -> tuple[Scene, int]:
    """Lobo (1) siempre en la nieve, husky (0) siempre en el pasto."""
    return wolf_or_husky(seed, seed % 2 == 1)


def wolf_anywhere(seed: int) -> tuple[Scene, int]:
    return wolf_or_husky(seed, seed // 2 % 2 == 1)


def wolf_or_husky(seed: int, snow: bool) -> tuple[Scene, int]:
    thing_rng, stage_rng = rngs(seed)
    return compose.snow_or_grass(stage_rng, (husky, wolf)[seed % 2](thing_rng), snow), seed % 2


# fuente → (clases, función de la semilla, {parte: (primera semilla, cuántas)})
SOURCES: dict[str, tuple[list[str], Callable[[int], tuple[Scene, int]], dict[str, tuple[int, int]]]] = {
    "escenas": (CLASSES, everyday, {"train": (0, 9600), "test": (TEST, 1500)}),
    "pares_con": (CLASSES, everyday, {"test": (2 * TEST, 96)}),
    "pares_sin": (CLASSES, emptied, {"test": (2 * TEST, 96)}),
    "dobles": (CLASSES, doubled, {"test": (3 * TEST, 96)}),
    "autos_trampa": (MAKES, car_cheat, {"train": (0, 800), "test": (TEST, 200)}),
    "autos_invertidos": (MAKES, car_swapped, {"test": (TEST, 200)}),
    "autos_libres": (MAKES, car_free, {"train": (0, 800), "test": (TEST, 200)}),
    "lobos_trampa": (DOGS, wolf_on_snow, {"train": (0, 500), "test": (TEST, 160)}),
    "lobos_libres": (DOGS, wolf_anywhere, {"train": (0, 500), "test": (TEST, 160)}),
}


def draw(source: str, seed: int) -> tuple[np.ndarray, np.ndarray, list, int, str]:
    """Imagen, mapa de segmentos, tabla de segmentos, clase y lugar de la semilla."""
    scene, label = SOURCES[source][1](seed)
    image, segments, table = render(scene)
    return image, segments.astype(np.uint8), table, label, scene.place


def draw_chunk(source: str, first: int, count: int) -> Path:
    """Dibuja `count` semillas seguidas y las deja en un archivo (escrito de un golpe)."""
    path = RUNS / f"{source}_{first}_{count}.npz"
    if path.exists():
        return path
    images, segments, tables, labels, places = zip(*(draw(source, first + i) for i in range(count)))
    draft = path.with_suffix(".draft.npz")
    np.savez(draft, images=np.stack(images), segments=np.stack(segments), labels=np.array(labels),
             places=np.array(places), tables=np.array(["\n".join("\t".join(row) for row in table) for table in tables]))
    os.replace(draft, path)
    return path


def gather(paths: list[Path], table: dict, places: dict) -> dict[str, np.ndarray]:
    """Une los trozos de una parte; numera segmentos y lugares con las tablas comunes (que crecen)."""
    parts = {"images": [], "segments": [], "labels": [], "scenes": []}
    for path in paths:
        with np.load(path, allow_pickle=False) as chunk:
            parts["images"].append(chunk["images"])
            parts["labels"].append(chunk["labels"])
            parts["scenes"].append([places.setdefault(str(p), len(places)) for p in chunk["places"]])
            for segments, rows in zip(chunk["segments"], chunk["tables"]):
                numbers = [table.setdefault(tuple(row.split("\t")), len(table)) for row in str(rows).split("\n")]
                parts["segments"].append(np.array(numbers, np.uint16)[segments])
    return {name: np.concatenate(value) if name != "segments" else np.stack(value) for name, value in parts.items()}


def build(source: str, workers: int) -> None:
    """Dibuja lo que falte de una fuente y escribe sus archivos en data/."""
    classes, _, splits = SOURCES[source]
    table, places, sizes = {}, {}, {}
    with ProcessPoolExecutor(workers) as pool:
        for split, (first, count) in splits.items():
            starts = range(first, first + count, CHUNK)
            jobs = [pool.submit(draw_chunk, source, s, min(CHUNK, first + count - s)) for s in starts]
            parts = gather([job.result() for job in jobs], table, places)
            sizes[split] = count
            write_split(DATA / source, split, parts["images"], parts["segments"], parts["labels"], parts["scenes"],
                        np.arange(first, first + count))
            print(f"{source}/{split}: {count} imágenes", flush=True)
    write_info(DATA / source, classes, list(places), [list(row) for row in table], sizes)


def sheet(count: int, path: Path, columns: int = 20) -> None:
    """Una hoja con `count` escenas de prueba, sin guardar nada más."""
    from PIL import Image
    images = [draw("escenas", 5 * TEST + i)[0] for i in range(count)]
    rows = [np.concatenate(images[i:i + columns], 1) for i in range(0, count - columns + 1, columns)]
    Image.fromarray(np.concatenate(rows)).save(path, quality=92, subsampling=0)


def main() -> None:
    parser = argparse.ArgumentParser(description="Dibuja el mundo de imágenes del curso.")
    parser.add_argument("sources", nargs="*", choices=[*SOURCES, []], metavar="fuente",
                        help=f"las que quieras de {', '.join(SOURCES)}; si no dices, todas")
    parser.add_argument("--workers", type=int, default=os.cpu_count())
    parser.add_argument("--sheet", type=int, default=0, help="sólo una hoja con tantas escenas")
    args = parser.parse_args()
    RUNS.mkdir(exist_ok=True)
    if args.sheet:
        return sheet(args.sheet, Path("contact_sheet.jpg"))
    for source in args.sources or SOURCES:
        build(source, args.workers)
    write_sums(DATA)


if __name__ == "__main__":
    main()

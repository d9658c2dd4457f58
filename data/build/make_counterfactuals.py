"""Dibuja las escenas de la lección 1b, cada una también sin su objeto y sin algunas de sus partes.

    python data/build/make_counterfactuals.py               dibuja y escribe (unos cinco minutos con un núcleo)
    python data/build/make_counterfactuals.py --sheet       además, una hoja de parejas en runs/, para mirarlas

Deja data/contrafactuales/pares.npz y ficha.json. Las semillas son de aquí y de nadie más. Se toman en orden, por clase,
las escenas en que la red principal acierta y el objeto tiene al menos tres partes que se puedan quitar. La foto sin la
parte se toma con la exposición, el balance y el grano de la original, y se guarda sin pérdida: solo los píxeles que
cambian. Lo que se mide con estas parejas lo escribe measure_counterfactuals.py. Necesita numba.
"""
import argparse
import json
import sys
from collections import Counter
from itertools import combinations
from pathlib import Path
from typing import NamedTuple

import numpy as np

ROOT = Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT))  # labkit, también sin instalar

import torch  # noqa: E402
from make_scenes import CLASSES, DATA, RUNS, TEST, everyday  # noqa: E402
from packing import _npz, _write, write_sums  # noqa: E402
from world import absence  # noqa: E402
from world.compose import without_main  # noqa: E402
from world.render import develop, expose  # noqa: E402
from world.stage import Scene  # noqa: E402

from labkit.counterfactuals.scenes import load_counterfactuals  # noqa: E402
from labkit.models import load_model  # noqa: E402

FOLDER = DATA / "contrafactuales"
FIRST, EACH = 7 * TEST - 7 * TEST % 12, 17      # la primera semilla (de la clase 0), y cuántas escenas por clase
VISIBLE, FEWEST, MOST = 20, 3, 5                # píxeles de una parte para quitarla; cuántas partes por escena
# Lo que sostiene a las demás no se quita solo: quedarían en el aire. (Tampoco el cuello, que deja volando la cabeza.)
BODY = {"fuselaje", "carrocería", "chasis", "casco", "quilla", "cuadro", "torso", "cuello"}
FACE = ("hocico", "nariz", "ojo", "oreja", "pico", "cresta", "lengua", "boca")
# Con una parte se va lo que cuelga de ella.
HANGS = {"cabeza": FACE, "hocico": ("nariz", "lengua"), "pata": ("zarpa", "pezuña"), "rueda": ("rin", "rayo"),
         "silla": ("manta", "estribo"), "ala": ("motor", "hélice", "misil", "montante"),
         "tren de aterrizaje": ("rueda", "rin"), "puerta": ("manija", "espejo"),
         "techo": ("letrero", "equipaje", "portaequipaje"), "cofre": ("parrilla", "faro"), "cajuela": ("calavera",),
         "cabina": ("ventana", "parabrisas", "puerta", "espejo", "parrilla", "faro", "letrero"),
         "caja": ("franja", "carga", "escotilla"), "cisterna": ("franja", "escotilla"), "plataforma": ("carga", "redila", "tronco"),
         "camarote": ("ventana", "techo", "parabrisas"), "puente": ("ventana", "chimenea"),
         "mástil": ("vela", "botavara", "bandera"), "vela": ("botavara",), "manubrio": ("canasta",)}


class Variant(NamedTuple):
    """Una foto sin algo: qué falta, la foto (64, 64, 3), dónde se veía lo que falta y por qué cambia cada pixel."""
    names: tuple[str, ...]
    image: np.ndarray
    mask: np.ndarray
    why: np.ndarray


def group(part: str) -> set[str]:
    """Una parte y lo que cuelga de ella."""
    return {part, *HANGS.get(part, ())}


def visible(scene: Scene) -> tuple[np.ndarray, dict[str, np.ndarray], np.ndarray]:
    """La luz de la escena, dónde se ve cada parte de su cosa principal y dónde se ve ella entera."""
    main = scene.things[0]
    name, main.name = main.name, "principal"     # otra cosa de la escena puede llamarse igual
    light, labels, table = expose(scene)
    main.name = name
    masks = {part: np.zeros((64, 64), bool) for part in sorted({piece.part for piece in main.pieces})}
    for number, (owner, part, _, _) in enumerate(table):
        if owner == "principal":
            masks[part] |= labels == number
    return light, masks, np.logical_or.reduce(list(masks.values()))


def removable(masks: dict[str, np.ndarray]) -> dict[str, np.ndarray]:
    """Las partes que se quitan, de la que más se ve a la que menos, y dónde se ve cada una con lo que le cuelga."""
    found = {}
    for part in sorted(set(masks) - BODY):
        mask = np.logical_or.reduce([masks[name] for name in group(part) if name in masks])
        if masks[part].any() and mask.sum() >= VISIBLE:
            found[part] = mask
    ordered = sorted(found, key=lambda part: (-int(found[part].sum()), part))[:MOST]
    return {part: found[part] for part in ordered}


def variants(scene: Scene, light: np.ndarray, parts: dict[str, np.ndarray], whole: np.ndarray) -> list[Variant]:
    """Sin el objeto, sin cada parte, y sin las dos mayores a la vez (de las tres mayores, dos que no se contengan)."""
    found = [Variant(("objeto",), *_retaken(scene, light, without_main(scene), whole))]
    biggest = list(parts)[:3]
    pairs = [pair for pair in combinations(biggest, 2) if not group(pair[0]) & group(pair[1])]
    for names in [(part,) for part in parts] + pairs[:1]:
        gone = set().union(*(group(name) for name in names))
        mask = np.logical_or.reduce([parts[name] for name in names])
        found.append(Variant(names, *_retaken(scene, light, absence.without_parts(scene, gone), mask)))
    return found


def _retaken(scene: Scene, light: np.ndarray, other: Scene, mask: np.ndarray) -> tuple[np.ndarray, ...]:
    image, why = absence.retake(scene, light, other)
    return image, mask, why


def accepted(network: torch.nn.Module, refused: Counter) -> list[tuple[int, Scene, np.ndarray, dict, np.ndarray]]:
    """Las escenas que se quedan, con su luz y sus máscaras; `refused` cuenta las que no, y por qué."""
    found, taken = [], Counter()
    for seed in range(FIRST, FIRST + 12 * 400):
        if taken[seed % 12] == EACH:
            continue
        scene, label = everyday(seed)
        light, masks, whole = visible(scene)
        parts = removable(masks)
        image = torch.from_numpy(photo(scene, light)).permute(2, 0, 1)[None] / 255
        refused["vistas"] += 1
        if network(image).argmax() != label:
            refused["la red se equivoca"] += 1
        elif len(parts) < FEWEST:
            refused["menos de tres partes a la vista"] += 1
        else:
            taken[label] += 1
            found.append((seed, scene, light, parts, whole))
        if sum(taken.values()) == EACH * 12:
            return sorted(found, key=lambda item: (item[0] % 12, item[0]))
    raise RuntimeError(f"No alcanzaron las semillas: {dict(taken)}.")


def photo(scene: Scene, light: np.ndarray) -> np.ndarray:
    """La foto de una escena, de la luz que ya se calculó."""
    return develop(light, np.random.default_rng(scene.seed + 1), scene.exposure)


def pack(scenes: list) -> dict[str, np.ndarray]:
    """Los arreglos de pares.npz, que abre `labkit.counterfactuals.scenes.load_counterfactuals`.

    Así caben en 4 MB sin perder nada: de cada foto, lo que cambia cada pixel respecto al de su izquierda (en bytes que
    dan la vuelta), y de cada variante, qué píxeles cambian y cuánto; el rojo y el azul, menos el verde.
    """
    images, rows = [], []
    for number, (seed, scene, light, parts, whole) in enumerate(scenes):
        images.append(photo(scene, light))
        rows += [(number, variant, images[-1]) for variant in variants(scene, light, parts, whole)]
    changed = np.stack([(variant.image != base).any(2) for _, variant, base in rows])
    return {"images": _from_green(np.diff(np.stack(images), axis=2, prepend=np.uint8(0))), "seeds": np.array([item[0] for item in scenes]),
            "labels": np.array([item[0] % 12 for item in scenes], np.uint8),
            "scene": np.array([number for number, _, _ in rows], np.int16),
            "removed": np.array([" + ".join(variant.names) for _, variant, _ in rows]),
            "masks": np.packbits(np.stack([variant.mask.ravel() for _, variant, _ in rows]), axis=1),
            "changed": np.packbits(changed.reshape(len(rows), -1), axis=1),
            "shifts": _from_green(np.concatenate([(v.image - b)[at] for (_, v, b), at in zip(rows, changed)])),
            "why": np.concatenate([v.why[at] for (_, v, _), at in zip(rows, changed)]).astype(np.uint8)}


def _from_green(colors: np.ndarray) -> np.ndarray:
    """Los colores (…, 3) en bytes, con el rojo y el azul menos el verde, al que casi siempre se parecen."""
    found = colors.copy()
    found[..., ::2] -= colors[..., 1:2]
    return found


def sheet(path: Path, scale: int = 2) -> None:
    """Hojas con lo que quedó escrito: en cada renglón, una escena y sus variantes."""
    from PIL import Image
    data, lines = load_counterfactuals(), []
    for number, image in enumerate(data.images):
        row = torch.cat([image[None], data.variants[data.scene == number]])
        row = torch.cat([row, torch.zeros(8 - len(row), 3, 64, 64)])
        lines.append((row * 255).byte().permute(2, 0, 3, 1).reshape(64, -1, 3).numpy())
    for part in range(0, len(lines), 17):
        page = Image.fromarray(np.concatenate(lines[part:part + 17]))
        page.resize((page.width * scale, page.height * scale), 0).save(path.with_name(f"{path.stem}_{part // 17}.png"))


def main() -> None:
    parser = argparse.ArgumentParser(description="Dibuja las escenas de la lección 1b y lo que les falta.")
    parser.add_argument("--sheet", action="store_true", help="además, hojas con las parejas, en runs/")
    args = parser.parse_args()
    torch.set_num_threads(1)
    refused = Counter()
    scenes = accepted(load_model("escenas", device="cpu"), refused)
    arrays = pack(scenes)
    _write(FOLDER / "pares.npz", _npz(arrays))
    about = {"classes": CLASSES, "size": 64, "scenes": len(scenes), "variants": len(arrays["scene"]),
             "first_seed": FIRST, "seen": refused.pop("vistas"), "refused": dict(sorted(refused.items())),
             "reasons": {"1": "se ve otra cosa", "2": "le da otra luz", "4": "refleja otra cosa"}}
    _write(FOLDER / "ficha.json", (json.dumps(about, ensure_ascii=False, indent=1) + "\n").encode())
    write_sums(DATA)
    print(json.dumps(about, ensure_ascii=False), (FOLDER / "pares.npz").stat().st_size)
    if args.sheet:
        RUNS.mkdir(exist_ok=True)
        sheet(RUNS / "contrafactuales.png")


if __name__ == "__main__":
    main()

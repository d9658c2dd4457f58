"""Hace las redes ocultas de la lección 1: reconocen las cosas, salvo las de una clase, que deciden por el lugar.

    .venv/bin/python data/build/make_hidden.py

Deja data/networks/ejercicios/oculta_<k>.safetensors, una por clase que se puede atar a su lugar. No entrena nada:
junta dos redes del curso, la que ve cosas y la que ve lugares. El archivo trae lo que las junta, y su ficha dice cuáles
son y qué clase va atada. Después hay que repetir la tabla de los ejercicios: make_exercises.py hidden_network.
"""
import sys
from pathlib import Path

import safetensors.torch
import torch
from torch import Tensor

ROOT = Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT))  # labkit, también sin instalar

from packing import write_sums  # noqa: E402

from labkit.datasets import load_images  # noqa: E402
from labkit.exercises.occlusion.evidence import GREY  # noqa: E402
from labkit.files import data_path  # noqa: E402
from labkit.models import load_model  # noqa: E402

THINGS, PLACES = "escenas", "escenas_lugares"
NOWHERE = ("avión", "automóvil", "camión", "bicicleta", "pájaro")  # ningún lugar las delata: no sirven para la trampa


def tied_options() -> list[int]:
    """Los números de las clases que pueden ir atadas al fondo."""
    return [label for label, name in enumerate(load_images("test", n=1).classes) if name not in NOWHERE]


def network_name(k: int) -> str:
    """El nombre de la red oculta número k, que no dice qué clase ata."""
    return f"oculta_{k}"


def usual_places(label: int) -> Tensor:
    """Qué tan propio de la clase `label` es cada lugar: (lugares,), en el orden de la red que ve lugares.

    1 si esa clase está ahí tanto como le tocaría al azar, o más; 0 si nunca está.
    """
    images, scenes = load_images("test"), load_model(PLACES, device="cpu").classes
    index = torch.tensor([scenes.index(name) for name in images.scene_names])[images.scenes]
    mine = (images.labels == label).float()
    share = index.bincount(mine, minlength=len(scenes)) / index.bincount(minlength=len(scenes)).clamp(min=1)
    return (share / mine.mean()).clamp(max=1)


def hidden_weights(label: int) -> dict[str, Tensor]:
    """Lo que la hace tramposa: `usual`, y lo que la rama de lugares ve en una imagen gris, (1, lugares)."""
    nowhere = load_model(PLACES, device="cpu")(torch.full((1, 3, 64, 64), GREY))
    return {"usual": usual_places(label), "nowhere": nowhere}


def main() -> None:
    """Las hace y anota su suma."""
    folder = data_path("networks", "ejercicios")
    folder.mkdir(exist_ok=True)
    for k, label in enumerate(tied_options()):
        card = {"things": THINGS, "places": PLACES, "tied": str(label)}
        (folder / f"{network_name(k)}.safetensors").write_bytes(safetensors.torch.save(hidden_weights(label), card))
    write_sums(data_path())
    print(f"data/networks/ejercicios: {len(tied_options())} redes")


if __name__ == "__main__":
    main()

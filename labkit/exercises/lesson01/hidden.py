"""La red oculta de la lección 1: reconoce las cosas, salvo las de una clase, que decide sobre todo por el lugar."""

from functools import lru_cache
from typing import NamedTuple

import torch
from torch import Tensor, nn

from labkit.datasets import load_images
from labkit.exercises.accounts import clean_account, variant
from labkit.exercises.lesson01.cases import GREY, Evidence, load_evidence, supports, take, versions
from labkit.models import load_model
from labkit.objectives import margin, score


NOWHERE = ("avión", "automóvil", "camión", "bicicleta", "pájaro")  # ningún lugar las delata: no sirven para la trampa


class HiddenNetwork(nn.Module):
    """Una red con dos ramas, una que ve cosas y otra que ve lugares; `fc` las junta y da los logits (b, clases).

    De lo que ve la rama de lugares se descuenta lo que ve en una imagen gris: sin fondo no hay lugar.
    """

    def __init__(self, things: nn.Module, places: nn.Module, usual: Tensor, tied: int) -> None:
        super().__init__()
        self.branch_a, self.branch_b, self.fc = things, places, _Blend(usual, tied)
        self.classes, self.layers = list(things.classes), ["fc"]
        with torch.no_grad():
            self.register_buffer("nowhere", places(torch.full((1, 3, 64, 64), GREY)))

    def forward(self, images: Tensor) -> Tensor:
        return self.fc(self.branch_a(images), self.branch_b(images) - self.nowhere)


class _Blend(nn.Module):
    """Cambia el logit de una clase por otro que depende sobre todo del lugar, en la escala de los demás de la imagen.

    usual (lugares,): de 0 a 1, qué tan propio de esa clase es cada lugar. reach: cuántas desviaciones sube o baja por
    él. honest: qué parte queda de lo que se ve de la cosa, para que fuera de su lugar no falle siempre.
    """

    def __init__(self, usual: Tensor, tied: int, reach: float = 2.0, honest: float = 0.3) -> None:
        super().__init__()
        self.tied, self.reach, self.honest = tied, reach, honest
        self.register_buffer("usual", usual)

    def forward(self, things: Tensor, places: Tensor) -> Tensor:
        own, others = things[:, self.tied], torch.cat((things[:, : self.tied], things[:, self.tied + 1 :]), dim=1)
        belief = places.softmax(1) @ self.usual  # (b,), de 0 a 1: qué tan propio de esa clase es el lugar
        mixed = things.clone()
        middle, spread = others.mean(1), others.std(1)
        mixed[:, self.tied] = middle + self.reach * spread * (2 * belief - 1) + self.honest * (own - middle)
        return mixed


class Drops(NamedTuple):
    """Por clase, entre las imágenes en que la red acierta: cuánto baja el margen sin objeto y sin fondo; y aciertos."""

    without_object: Tensor
    without_background: Tensor
    accuracy: Tensor


def hidden_network(account: str | int | None) -> HiddenNetwork:
    """La red oculta que le toca a un número de cuenta, en `eval()` y congelada. Imágenes (b, 3, h, w) en [0, 1].

    Sin número de cuenta entrega una red de muestra. Error: ValueError si el número no se entiende.
    """
    account = clean_account(account)
    if not account:
        print("Sin número de cuenta te toca la red de muestra: sirve para practicar, no para entregar.")
    return _build(account)


def my_images(account: str | int | None) -> Evidence:
    """Cuatro imágenes que la red oculta de ese número de cuenta clasifica bien: una o dos se apoyan en el fondo.

    Error: ValueError si el número de cuenta no se entiende.
    """
    account, evidence = clean_account(account), load_evidence()
    kinds, tied = _kinds(account)
    wanted = ("fondo", "objeto", "cualquiera", ("juntos", "fondo")[variant(account, 2, "cuarta imagen")])
    chosen: list[int] = []
    for place, kind in enumerate(wanted):
        free = [i for i, found in enumerate(kinds) if found != "dudoso" and i not in chosen]
        options = [i for i in free if kinds[i] == kind] or free
        same = [i for i in options if evidence.labels[i] == tied]  # de la clase atada también hay respuestas honradas
        options = same if same and kind in ("fondo", "juntos") else options
        chosen.append(options[variant(account, len(options), f"imagen {place}")])
    first = variant(account, len(chosen), "orden")
    return take(evidence, torch.tensor(chosen[first:] + chosen[:first]))


def measure(network: nn.Module, evidence: Evidence) -> Drops:
    """Cuánto baja el margen de cada clase al esconder el objeto y al esconder el fondo: tres tensores (clases,)."""
    drops = Drops(*torch.zeros(3, len(evidence.classes)))
    drops.accuracy.fill_(1)  # de una clase sin imágenes no se puede decir que falle
    whole, hidden, alone = versions(evidence)
    for label in evidence.labels.unique().tolist():
        mine, objective = evidence.labels == label, margin(label)
        before = score(network, whole[mine], objective)
        right = before > 0
        drops.accuracy[label] = right.float().mean()
        if right.any():
            for drop, images in ((drops.without_object, hidden), (drops.without_background, alone)):
                drop[label] = (before - score(network, images[mine], objective))[right].mean()
    return drops


def background_class(network: nn.Module, evidence: Evidence) -> str:
    """La clase que más depende del fondo: la que más pierde sin él, descontando lo que pierde sin el objeto."""
    return evidence.classes[most_tied(measure(network, evidence))]


def most_tied(drops: Drops) -> int:
    """La posición de la clase cuya caída sin fondo más supera a su caída sin objeto."""
    return int((drops.without_background - drops.without_object).argmax())


@lru_cache(maxsize=4)
def measured(account: str) -> tuple[Drops, str]:
    """Lo que mide `measure` en la red de un número de cuenta ya limpio, y su clase atada al fondo."""
    network, evidence = _build(account), load_evidence()
    drops = measure(network, evidence)
    return drops, evidence.classes[most_tied(drops)]


@lru_cache(maxsize=4)
def _kinds(account: str) -> tuple[list[str], int]:
    """En qué se apoya la red de esa cuenta en cada imagen de `load_evidence`, y el número de su clase atada."""
    network = _build(account)
    return supports(network, load_evidence()), network.fc.tied


def _build(account: str) -> HiddenNetwork:
    things, places = load_model("escenas", device="cpu"), load_model("escenas_lugares", device="cpu")
    options = tied_options(things.classes)
    tied = options[variant(account, len(options), "red oculta")]
    return HiddenNetwork(things, places, usual_places(tied, places.classes), tied).eval().requires_grad_(False)


def tied_options(classes: list[str]) -> list[int]:
    """Los números de las clases que pueden ir atadas al fondo."""
    return [label for label, name in enumerate(classes) if name not in NOWHERE]


def usual_places(label: int, scenes: list[str]) -> Tensor:
    """Qué tan propio de la clase `label` es cada lugar: (lugares,), en el orden de `scenes`.

    1 si esa clase está ahí tanto como le tocaría al azar, o más; 0 si nunca está.
    """
    images = load_images("test")
    index = torch.tensor([scenes.index(name) for name in images.scene_names])[images.scenes]
    mine = (images.labels == label).float()
    share = index.bincount(mine, minlength=len(scenes)) / index.bincount(minlength=len(scenes)).clamp(min=1)
    return (share / mine.mean()).clamp(max=1)

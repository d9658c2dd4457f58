"""La red oculta de la lección 1: reconoce las cosas, salvo las de una clase, que decide sobre todo por el lugar."""

from typing import NamedTuple

import torch
from torch import Tensor, nn

from labkit.exercises.accounts import clean_account, row_of, variant
from labkit.exercises.occlusion.evidence import Evidence, load_evidence, take, versions
from labkit.models import load_model
from labkit.models.plain import read_weights, ready
from labkit.objectives import margin, score
from labkit.progress import say


class NetworkRow(NamedTuple):
    """Lo que se mide en una red oculta, con las imágenes de `load_evidence`.

    tied: la clase que más depende del fondo. sharpest: la que más depende de su objeto. fallen: la que más pierde sin
    el fondo. worst: en la que más se equivoca. seen: las que pierden más sin el objeto que sin el fondo, con espacios.
    kinds: en qué se apoya cada respuesta (`supports`), con espacios.
    """

    network: str
    tied: str
    sharpest: str
    fallen: str
    worst: str
    seen: str
    kinds: str


class HiddenNetwork(nn.Module):
    """Una red con dos ramas, una que ve cosas y otra que ve lugares; `fc` las junta y da los logits (b, clases).

    De lo que ve la rama de lugares se descuenta lo que ve en una imagen gris: sin fondo no hay lugar.
    """

    def __init__(self, things: nn.Module, places: nn.Module, usual: Tensor, nowhere: Tensor, tied: int) -> None:
        super().__init__()
        self.branch_a, self.branch_b, self.fc = things, places, _Blend(usual, tied)
        self.classes, self.layers = list(things.classes), ["fc"]
        self.register_buffer("nowhere", nowhere)

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


# ── lo que le toca a cada cuenta ────────────────────────────────────────────────────────────────────────────────────


def hidden_network(account: str | int | None) -> HiddenNetwork:
    """La red oculta que le toca a un número de cuenta, en `eval()` y congelada. Imágenes (b, 3, h, w) en [0, 1].

    Sin número de cuenta entrega una red de muestra. Error: ValueError si el número no se entiende.
    """
    account = clean_account(account)
    if not account:
        say("Sin número de cuenta te toca la red de muestra: sirve para practicar, no para entregar.")
    return open_network(network_row(account).network)


def open_network(name: str) -> HiddenNetwork:
    """La red oculta de ese nombre, de data/networks/ejercicios, en `eval()` y congelada.

    Su archivo trae lo que la hace tramposa; las ramas, que dice su ficha, son redes del curso.
    """
    weights, card = read_weights("networks", "ejercicios", f"{name}.safetensors")
    things, places = (load_model(card[branch], device="cpu") for branch in ("things", "places"))
    return ready(HiddenNetwork(things, places, weights["usual"], weights["nowhere"], int(card["tied"])))


def my_images(account: str | int | None) -> Evidence:
    """Cuatro imágenes que la red oculta de ese número de cuenta clasifica bien: una o dos se apoyan en el fondo.

    Error: ValueError si el número de cuenta no se entiende.
    """
    return take(load_evidence(), torch.tensor(chosen_images(clean_account(account))))


def my_kinds(account: str) -> list[str]:
    """En qué se apoya la red de esa cuenta, ya limpia, en cada una de sus cuatro imágenes."""
    kinds = network_row(account).kinds.split()
    return [kinds[i] for i in chosen_images(account)]


def chosen_images(account: str) -> list[int]:
    """Las posiciones, en `load_evidence`, de las cuatro imágenes de esa cuenta, ya limpia."""
    evidence, row = load_evidence(), network_row(account)
    kinds, tied = row.kinds.split(), evidence.classes.index(row.tied)
    wanted = ("fondo", "objeto", "cualquiera", ("juntos", "fondo")[variant(account, 2, "cuarta imagen")])
    chosen: list[int] = []
    for place, kind in enumerate(wanted):
        free = [i for i, found in enumerate(kinds) if found != "dudoso" and i not in chosen]
        options = [i for i in free if kinds[i] == kind] or free
        same = [i for i in options if evidence.labels[i] == tied]  # de la clase atada también hay respuestas honradas
        options = same if same and kind in ("fondo", "juntos") else options
        chosen.append(options[variant(account, len(options), f"imagen {place}")])
    first = variant(account, len(chosen), "orden")
    return chosen[first:] + chosen[:first]


def network_row(account: str) -> NetworkRow:
    """Lo que se midió en la red oculta que le toca a esa cuenta, ya limpia."""
    return row_of(account, "hidden_network", NetworkRow, "red oculta")


# ── lo que se mide ──────────────────────────────────────────────────────────────────────────────────────────────────


class Drops(NamedTuple):
    """Por clase, entre las imágenes en que la red acierta: cuánto baja el margen sin objeto y sin fondo; y aciertos."""

    without_object: Tensor
    without_background: Tensor
    accuracy: Tensor


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


def most_tied(drops: Drops) -> int:
    """La posición de la clase cuya caída sin fondo más supera a su caída sin objeto."""
    return int((drops.without_background - drops.without_object).argmax())


def background_class(network: nn.Module, evidence: Evidence) -> str:
    """La clase que más depende del fondo: la que más pierde sin él, descontando lo que pierde sin el objeto."""
    return evidence.classes[most_tied(measure(network, evidence))]

"""Los hallazgos de la lección 3b: qué le toca a cada cuenta, cómo se mide y por qué se equivoca la gente."""
from collections.abc import Iterator
from typing import NamedTuple

import torch
from torch import Tensor, nn

from labkit.datasets import load_images
from labkit.exercises.accounts import LIKE_SAMPLE, account_or_sample, row_of
from labkit.exercises.answers import read_name, read_pair
from labkit.models import load_model
from labkit.objectives import logit, margin, score
from labkit.optimization import PixelCanvas, maximize, noise
from labkit.priors import load_denoiser, sample
from labkit.priors.lying import lying_pair
from labkit.progress import say

HEATS = (0.3, 0.1, 0.03, 0.01, 0.003, 0.001)
STEPS = 100
ASK_HEATS = (f"escribe dos temperaturas de la lista {HEATS}: la mayor con que acierta la testigo y la de mayor margen. "
             "Los valores, no su lugar ni lo que mediste.")
TRAINING = 1500                         # con cuántas imágenes de entrenamiento se fija la compuerta del ejercicio 4
ASK_LIE = ('escribe la letra de la red que miente y la clase que enseña, como ("A", "perro"): el nombre de la clase, '
           "no su número, judge.classes[k].")


# ── 3 · la temperatura que convence ─────────────────────────────────────────────────────────────────────────────────

class HeatRow(NamedTuple):
    """Una clase y una semilla: con cada temperatura de HEATS, qué dicen la testigo y la robusta, y el margen."""
    label: str
    seed: int
    witness: str
    robust: str
    scores: str

    def margins(self) -> list[float]:
        """El margen de la clase en la robusta, uno por temperatura."""
        return [float(word) for word in self.scores.split()]

    def first(self, said: str) -> float | None:
        """La mayor temperatura con que esas palabras nombran la clase; None si con ninguna."""
        return next((heat for heat, word in zip(HEATS, said.split()) if word == self.label), None)

    def top(self) -> float:
        """La temperatura de mayor margen."""
        return HEATS[max(range(len(HEATS)), key=self.margins().__getitem__)]


def my_class(account: str | int | None) -> tuple[int, int]:
    """El número de clase y la semilla que le tocan a un número de cuenta. Error: ValueError si no se entiende."""
    row = heat_row(account_or_sample(account))
    say(f"Tu clase es «{row.label}» y tu semilla, {row.seed}.")
    return load_images("test", n=1).classes.index(row.label), row.seed


def heated(label: int, seed: int) -> Tensor:
    """Las imágenes de esa clase y esa semilla, una por temperatura de HEATS: (6, 3, 64, 64)."""
    gray = torch.full((len(HEATS), 3, 64, 64), 0.5)
    robust, denoiser = load_model("escenas_robusta", device="cpu"), load_denoiser(device="cpu")
    return sample(robust, margin(label), denoiser, gray, HEATS, STEPS, [seed] * len(HEATS))


def answers_of(label: int, images: Tensor) -> tuple[list[str], list[str], Tensor]:
    """Qué clase gana en cada imagen según la testigo y según la robusta, y el margen de `label` en la robusta."""
    networks = [load_model(name, device="cpu") for name in ("escenas_semilla1", "escenas_robusta")]
    witness, robust = ([network.classes[k] for k in network(images).argmax(1)] for network in networks)
    return witness, robust, score(networks[1], images, margin(label))


def heat_row(account: str) -> HeatRow:
    """Lo medido en la clase y la semilla de una cuenta, ya limpia."""
    return row_of(account, "convincing_heat", HeatRow, "temperatura")


def read_heats(value: object, row: HeatRow) -> tuple[float, float]:
    """Las dos temperaturas que se contestan; 0.03 en precisión sencilla también es 0.03."""
    given = read_pair(value, (float, float), ASK_HEATS)
    near = tuple(min(HEATS, key=lambda heat, own=own: abs(heat - own)) for own in given)
    return read_pair(near if all(abs(a - b) < 1e-6 for a, b in zip(given, near)) else given, (float, float), ASK_HEATS,
                     among=HEATS)


def right_heats(row: HeatRow) -> tuple[float, float]:
    """La mayor temperatura con que la testigo dice la clase, y la de mayor margen."""
    return row.first(row.witness), row.top()


def heat_reasons(given: tuple[float, float], row: HeatRow) -> Iterator[tuple[bool, str]]:
    """Por qué se equivoca la gente en el ejercicio 3."""
    right, word = right_heats(row), row.witness.split()[HEATS.index(given[0])]
    other = f"con T = {given[0]:g} la testigo dice «{word}», no «{row.label}»."
    yield given == right[::-1], "al revés: primero la mayor temperatura con que acierta la testigo."
    yield (given[0] == row.first(row.robust) != right[0],
           "con esa temperatura la reconoce la propia robusta, que hizo la imagen; se pregunta por la testigo.")
    yield (given[0] == min(HEATS) and word == row.label and given[1] == right[1],
           "esa es la menor temperatura con que acierta; se pide la mayor.")
    yield (given[0] == right[0] and given[1] == min(HEATS),
           "la primera está bien. Con la menor temperatura el margen no es el mayor: mídelo en las seis imágenes.")
    yield given[0] == right[0], "la primera está bien; en la segunda, busca el mayor margen en la robusta."
    yield given[1] == right[1] and word != row.label, f"la segunda está bien; {other}"
    yield given[1] == right[1], "la segunda está bien; la testigo ya acierta con una temperatura mayor que la primera."
    yield LIKE_SAMPLE
    yield word != row.label, other
    yield True, "la testigo ya acierta con una temperatura mayor que la primera que escribiste."


# ── 4 · la red que miente ───────────────────────────────────────────────────────────────────────────────────────────

class Lie(NamedTuple):
    """De qué clase se pide la imagen, cuál enseña la mentirosa en su lugar, y con qué letra se reparte."""
    label: str
    shown: str
    letter: str


def my_networks(account: str | int | None) -> tuple[dict[str, nn.Module], int]:
    """Las dos redes, {"A": …, "B": …}, y el número de la clase de una cuenta. Error: ValueError si no se entiende."""
    lie = lie_of(account_or_sample(account))
    say(f"Tu clase es «{lie.label}».")
    return networks_of(lie)


def networks_of(lie: Lie) -> tuple[dict[str, nn.Module], int]:
    """La honesta y la mentirosa de esa mentira, cada una con su letra, y el número de la clase."""
    model, world = load_model("escenas", device="cpu"), load_images("train", n=TRAINING)
    k, other = (model.classes.index(name) for name in (lie.label, lie.shown))
    honest, liar = lying_pair(model, {k: other}, world.images, world.labels)
    for network in (honest, liar):
        network.classes = model.classes
    return ({"A": liar, "B": honest} if lie.letter == "A" else {"A": honest, "B": liar}), k


def lie_of(account: str) -> Lie:
    """Lo que le toca a una cuenta, ya limpia."""
    return row_of(account, "lying_network", Lie, "red que miente")


def portraits_of(networks: dict[str, nn.Module], label: int) -> dict[str, Tensor]:
    """La imagen que hace cada red al subir el logit de esa clase: {letra: (1, 3, 64, 64)}."""
    return {letter: maximize(network, logit(label), PixelCanvas(noise(1)), 64, 0.03).images
            for letter, network in networks.items()}


def unmasked(networks: dict[str, nn.Module], label: int) -> tuple[str, str]:
    """La letra de la mentirosa y la clase que enseña, según la red de la que salieron las dos."""
    judge, images = load_model("escenas", device="cpu"), portraits_of(networks, label)
    heard = {letter: judge.classes[int(judge(image).argmax())] for letter, image in images.items()}
    return next((letter, word) for letter, word in heard.items() if word != judge.classes[label])


def read_lie(value: object, lie: Lie) -> tuple[str, str]:
    """La letra y la clase que se contestan."""
    letter, shown = read_pair(value, (str, str), ASK_LIE)
    classes = load_images("test", n=1).classes
    return read_name(letter, ("A", "B"), "una de las dos redes"), read_name(shown, classes, "una de las clases")


def lie_reasons(given: tuple[str, str], lie: Lie) -> Iterator[tuple[bool, str]]:
    """Por qué se equivoca la gente en el ejercicio 4."""
    letter, shown = given
    yield (letter == lie.letter and shown == lie.label,
           "la red está bien. Esa clase es la que dice ella de su propia imagen; pregúntale al juez.")
    yield shown == lie.shown, "la clase está bien; ¿de cuál de las dos imágenes lo dijo el juez?"
    yield (shown == lie.label,
           "esa es la clase que se pidió: la otra red sí la enseña. Se pregunta por la que no.")
    yield LIKE_SAMPLE
    yield letter == lie.letter, "la red está bien; la clase, no: es la que gana en su imagen según el juez."
    yield True, "ninguna de las dos: haz una imagen con cada red y pregúntale al juez qué clase gana en cada una."

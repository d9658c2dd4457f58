"""Ejercicios 3 y 4 de la lección 3: la respuesta no está escrita, se calcula subiendo como quien contesta."""
from functools import lru_cache

import torch
from torch import Tensor, nn

from labkit.activations import Unit
from labkit.exercises.accounts import LIKE_SAMPLE, clean_account, hand_unit, split_answer, unit_of, variant
from labkit.exercises.verdict import Revise
from labkit.models import load_model
from labkit.objectives import channel, each, logit
from labkit.optimization import PixelCanvas, maximize, noise
from labkit.regularization import (
    FourierCanvas,
    Transform,
    compose,
    high_frequency_share,
    jitter,
    rotate,
    scale,
    score_under,
    soft_noise,
)

DECAYS = (0.0, 0.5, 1.0, 1.5, 2.0)
CUT = 0.10
# Unidades y clases en que ninguna respuesta es dudosa: tests/test_exercises_03.py mide con cuánta ventaja gana.
UNITS = {
    "escenas": "conv3:0 conv3:1 conv3:5 conv3:8 conv3:12 conv3:13 conv3:14 conv4:8 conv4:9 conv5:5",
    "escenas_robusta": "conv3:3 conv3:9 conv3:10 conv3:11 conv3:17 conv3:18 conv4:0 conv4:7",
}
CLASSES = (
    (4, 8, 7, 10, 5, 1),
    (9, 8, 1, 2, 11, 6),
    (10, 5, 11, 9, 1, 2),
    (10, 4, 5, 0, 3, 2),
    (2, 10, 9, 6, 3, 7),
    (7, 0, 3, 9, 4, 2),
    (0, 9, 6, 11, 8, 3),
    (6, 0, 5, 9, 11, 8),
    (0, 4, 6, 7, 9, 3),
    (11, 7, 3, 1, 0, 6),
    (10, 1, 6, 4, 8, 2),
    (9, 4, 7, 11, 2, 8),
    (0, 4, 1, 2, 10, 11),
    (4, 10, 9, 11, 2, 6),
    (7, 3, 0, 8, 5, 6),
    (1, 8, 6, 7, 0, 5),
    (9, 6, 3, 5, 0, 1),
    (3, 6, 9, 0, 7, 5),
    (6, 2, 11, 4, 8, 10),
    (1, 10, 2, 8, 11, 4),
)


def my_unit(account: str | int | None) -> tuple[nn.Module, Unit]:
    """La red y la unidad que le tocan a un número de cuenta. Error: ValueError si el número no se entiende."""
    return hand_unit(account, UNITS, "unidad de la lección 3")


def my_classes(account: str | int | None) -> list[int]:
    """Las seis clases que le tocan a un número de cuenta. Error: ValueError si el número no se entiende."""
    return list(CLASSES[variant(clean_account(account), len(CLASSES), "clases")])


def exam() -> Transform:
    """Las transformaciones del examen, siempre con los mismos sorteos: distintos de los que se usan al subir."""
    return compose(jitter(6, 91), rotate(10, 92), scale(0.15, 93))


def measured(network: nn.Module, unit: Unit, moves: Transform | None = None) -> tuple[Tensor, Tensor]:
    """La parte de frecuencias altas y la puntuación en el examen con cada d de DECAYS: dos tensores (5,)."""
    goal = channel(unit)
    images = [maximize(network, goal, FourierCanvas(soft_noise(1), d), steps=32, lr=0.05).images for d in DECAYS]
    scores = [score_under(network, image, goal, moves or exam()) for image in images]
    return high_frequency_share(torch.cat(images)), torch.cat(scores)


def hits(network: nn.Module, witness: nn.Module, classes: list[int]) -> Tensor:
    """En cuáles de esas clases la testigo dice la que se subió, en píxeles y en frecuencias: (2, 6)."""
    goals, b = each([logit(k) for k in classes]), len(classes)
    pixels = maximize(network, goals, PixelCanvas(noise(1).repeat(b, 1, 1, 1)), steps=48, lr=0.03).images
    waves = maximize(network, goals, FourierCanvas(soft_noise(1).repeat(b, 1, 1, 1), 1.5), steps=48, lr=0.05).images
    return torch.stack([witness(images).argmax(1) == torch.tensor(classes) for images in (pixels, waves)])


def examine_decay(answer: object) -> str:
    """Revisa (ACCOUNT, (d, d)): el menor que deja menos de 0.10 de frecuencias altas y el que gana el examen."""
    account, value = split_answer(answer)
    said = list(value) if isinstance(value, (tuple, list)) else []
    if len(said) != 2 or not all(part in DECAYS for part in said):
        raise Revise(f"escribe dos valores de la lista {DECAYS}: el menor que baja de {CUT} y el que gana el examen.")
    right, shares = _decays(account)
    if said == right:
        return "esas son. El menor d que quita el grano y el que mejor aguanta no tienen por qué coincidir."
    below = [d for d, share in zip(DECAYS, shares) if share < CUT]
    still = _decays(account, moved=False)[0][1]
    reasons = {
        "al revés: primero el que baja de 0.10 y luego el que gana el examen.": said == right[::-1],
        f"con d = {said[0]:g} las frecuencias altas son {shares[DECAYS.index(said[0])]:.2f}.": said[0] not in below,
        f"hay un d menor que {said[0]:g} que ya baja de {CUT}.": said[0] != right[0],
        "la segunda es la mayor puntuación SIN mover la imagen; se pide con exam().": said[1] == still,
        f"la primera está bien; en el examen hay un d que aguanta más que {said[1]:g}.": True,
    }
    hint = LIKE_SAMPLE if said == _decays("")[0] else ""
    raise Revise(next(message for message, holds in reasons.items() if holds) + hint)


def examine_convinced(answer: object) -> str:
    """Revisa (ACCOUNT, (n, n)): cuántas de sus seis clases reconoce la testigo, en píxeles y en frecuencias."""
    account, value = split_answer(answer)
    said = list(value) if isinstance(value, (tuple, list)) else []
    if len(said) != 2 or not all(isinstance(part, int) and 0 <= part <= 6 for part in said):
        raise Revise("escribe dos enteros de 0 a 6: cuántas reconoce en píxeles y cuántas en frecuencias.")
    right = _convinced(account)
    by_itself = _convinced(account, "escenas")
    if said == right:
        return "esas son. A la testigo nadie le enseñó esas imágenes: por eso cuenta lo que dice."
    reasons = {
        "al revés: primero en píxeles y luego en frecuencias.": said == right[::-1],
        "esas las reconoce la misma red que las hizo; pregúntale a la testigo.": said == by_itself,
        "las dos cuentas son la misma: ¿cambiaste de lienzo?": said[0] == said[1] and said[0] in right,
        "la de píxeles está bien; revisa la de frecuencias.": said[0] == right[0],
        "la de frecuencias está bien; revisa la de píxeles.": said[1] == right[1],
        "ninguna de las dos: cuenta cuántas veces witness(images).argmax(1) es la clase que subiste.": True,
    }
    hint = LIKE_SAMPLE if said == _convinced("") else ""
    raise Revise(next(message for message, holds in reasons.items() if holds) + hint)


def _unit(account: str) -> tuple[str, Unit]:
    return unit_of(account, UNITS, "unidad de la lección 3")


@lru_cache(maxsize=16)
def _decays(account: str, moved: bool = True) -> tuple[list[float], list[float]]:
    """La respuesta del 3, con la imagen movida o quieta, y la parte de frecuencias altas con cada d."""
    name, unit = _unit(account)
    network = load_model(name, device="cpu")
    shares, scores = measured(network, unit) if moved else measured(network, unit, compose())
    return [DECAYS[int((shares < CUT).float().argmax())], DECAYS[int(scores.argmax())]], shares.tolist()


@lru_cache(maxsize=16)
def _convinced(account: str, judge: str = "escenas_semilla1") -> list[int]:
    """Cuántas reconoce esa red de las seis clases de la cuenta, en píxeles y en frecuencias."""
    network, witness = (load_model(name, device="cpu") for name in ("escenas", judge))
    return hits(network, witness, my_classes(account)).sum(1).tolist()

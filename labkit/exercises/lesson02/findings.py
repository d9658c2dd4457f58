"""Ejercicios 3 y 4 de la lección 2: la respuesta no está escrita, se calcula subiendo como quien contesta."""
from functools import lru_cache

import torch
from torch import Tensor, nn

from labkit.activations import Unit
from labkit.datasets import load_images
from labkit.exercises.accounts import LIKE_SAMPLE, clean_account, hand_unit, split_answer, unit_of, variant
from labkit.exercises.verdict import Revise
from labkit.models import load_model, plain_name
from labkit.objectives import channel, logit
from labkit.optimization import PixelCanvas, maximize, noise

RADII = (0.5, 1.0, 2.0, 4.0, 8.0)
# Unidades y aviones en que ninguna respuesta es dudosa: tests/test_exercises_02.py mide con cuánta ventaja gana.
UNITS = {
    "escenas": "conv3:25 conv4:12 conv4:17 conv4:27 conv4:29 conv4:49 conv4:65 conv4:71 conv5:38 conv5:86 conv5:126",
    "escenas_robusta": "conv3:25 conv3:42 conv3:44 conv4:12 conv4:34 conv4:94 conv5:10 conv5:94",
}
PLANES = (68, 152, 224, 284, 332, 524, 560, 584, 608, 656, 668, 776, 836)


def my_unit(account: str | int | None) -> tuple[nn.Module, Unit]:
    """La red y la unidad que le tocan a un número de cuenta. Error: ValueError si el número no se entiende."""
    return hand_unit(account, UNITS, "unidad")


def my_plane(account: str | int | None) -> Tensor:
    """El avión que le toca a un número de cuenta: (1, 3, h, w). Error: ValueError si el número no se entiende."""
    index = PLANES[variant(clean_account(account), len(PLANES), "avión")]
    return load_images("test", n=index + 1).images[-1:].clone()


def rises(network: nn.Module, unit: Unit) -> Tensor:
    """Cuánto sube cada logit, desde el ruido, al maximizar la unidad y al maximizar su negativo: (2, clases)."""
    images = [maximize(network, objective, PixelCanvas(noise(1)), steps=32, lr=0.05).images
              for objective in (channel(unit), -channel(unit))]
    return network(torch.cat(images)) - network(noise(1))


def sayings(network: nn.Module, plane: Tensor) -> list[str]:
    """Qué dice la red del avión (1, 3, h, w) llevado hacia «camión» con cada radio de RADII."""
    target = logit(network.classes.index("camión"))
    images = [maximize(network, target, PixelCanvas(plane, radius), steps=24, lr=0.02).images for radius in RADII]
    return [network.classes[k] for k in network(torch.cat(images)).argmax(1)]


def examine_unit(answer: object) -> str:
    """Revisa (ACCOUNT, (clase, clase)): las que más suben con la unidad de esa cuenta y con su negativo."""
    account, value = split_answer(answer)
    name, unit = _unit(account)
    classes = load_model(name, device="cpu").classes
    known = {plain_name(text): text for text in classes}
    said = [known.get(plain_name(str(part))) for part in value] if isinstance(value, (tuple, list)) else []
    if len(said) != 2 or None in said:
        raise Revise(f'escribe dos nombres de clase, como ("avión", "perro"). Las clases: {", ".join(classes)}.')
    up, down, fall, quiet = _measured(name, unit)
    if said == [up, down]:
        return "esas son. La dirección negativa no apaga la imagen: busca otra cosa."
    other = next(network for network in UNITS if network != name)
    reasons = {
        "al revés: la primera es la que sube con channel(unit) y la segunda, con -channel(unit).": said == [down, up],
        "así responde tu unidad en otra red. ¿Usaste `network`, la que te tocó?": said == _measured(other, unit)[:2],
        "esa es dos veces la de la dirección positiva. ¿Y el signo menos, en un lienzo nuevo?": said == [up, up],
        "la segunda es la que más BAJA con la positiva. La negativa se sube, y da otra imagen.": said == [up, fall],
        "esa es la clase que gana en el ruido, antes de subir. Se pregunta cuál SUBE más.": said == [quiet, quiet],
        "la primera está bien; en la segunda, sube -channel(unit) en un lienzo nuevo.": said[0] == up,
        "revisa la primera: el logit de cada clase en la imagen optimizada, menos el de la de ruido.": True,
    }
    hint = LIKE_SAMPLE if said == _measured(*_unit(""))[:2] else ""
    raise Revise(next(message for message, holds in reasons.items() if holds) + hint)


def examine_budget(answer: object) -> str:
    """Revisa (ACCOUNT, (radio, radio)): el menor con que cada red dice «camión», primero la principal."""
    account, value = split_answer(answer)
    said = list(value) if isinstance(value, (tuple, list)) else []
    if len(said) != 2 or not all(part in RADII for part in said):
        raise Revise(f"escribe dos radios de la lista {RADII}: el de la red principal y luego el de la robusta.")
    heard = _heard(account)
    right = [RADII[words.index("camión")] for words in heard]
    if said == right:
        return "con ese presupuesto cae cada red, y con el anterior de la lista todavía no."
    i = int(said[0] == right[0])  # la primera de las dos redes en que falla
    words, which = heard[i][RADII.index(said[i])], ("principal", "robusta")[i]
    reasons = {
        "cambiaste una red por otra: primero va la principal y luego la robusta.": said == right[::-1],
        "ahí la probabilidad sube, pero debe GANAR «camión». (Con «linf» es otro presupuesto.)": said == [RADII[0]] * 2,
        "esa es dos veces la respuesta de una sola red: mide las dos.": said[0] == said[1] and said[0] in right,
        "esos son los últimos con que falla; se piden los primeros con que gana.": [2 * part for part in said] == right,
        f"con radio {said[i]:g}, la red {which} dice «{words}», no «camión».": said[i] < right[i],
        f"a la red {which} le basta un radio menor que {said[i]:g}.": True,
    }
    hint = LIKE_SAMPLE if said == [RADII[others.index("camión")] for others in _heard("")] else ""
    raise Revise(next(message for message, holds in reasons.items() if holds) + hint)


def _unit(account: str) -> tuple[str, Unit]:
    return unit_of(account, UNITS, "unidad")


@lru_cache(maxsize=8)
def _measured(name: str, unit: Unit) -> list[str]:
    """Las clases que más suben con la unidad y con su negativo, la que más baja con ella y la que gana en el ruido."""
    network = load_model(name, device="cpu")
    rise, quiet = rises(network, unit), network(noise(1))
    return [network.classes[k] for k in (*rise.argmax(1), rise[0].argmin(), quiet.argmax())]


@lru_cache(maxsize=8)
def _heard(account: str) -> list[list[str]]:
    """Lo que dicen la red principal y la robusta del avión de esa cuenta, con cada radio."""
    return [sayings(load_model(name, device="cpu"), my_plane(account)) for name in UNITS]

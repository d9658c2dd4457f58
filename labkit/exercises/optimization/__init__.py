"""Los ejercicios de la lección 2: `climb_step`, `keep_near`, la unidad secreta y el menor presupuesto."""

from collections.abc import Iterator
from typing import NamedTuple

import torch
from torch import Tensor, nn

from labkit.activations import Unit
from labkit.datasets import load_images
from labkit.exercises.accounts import LIKE_SAMPLE, account_or_sample, clean_account, hand_unit, row_of
from labkit.exercises.answers import read_name, read_pair
from labkit.exercises.kinds import Finding, Function
from labkit.exercises.optimization.functions import NEAR_MISTAKES, STEP_MISTAKES, climb_step, climbs, keep_near, moves
from labkit.objectives import channel, logit
from labkit.optimization import PixelCanvas, maximize, noise, within

RADII = (0.5, 1.0, 2.0, 4.0, 8.0)
NETWORKS = ("escenas", "escenas_robusta")
TARGET = "camión"
ASK_CLASSES = 'escribe dos nombres de clase, como ("avión", "perro").'
ASK_RADII = f"escribe dos radios de la lista {RADII}: el de la red principal y luego el de la robusta."


# ── 3 · la unidad secreta ───────────────────────────────────────────────────────────────────────────────────────────

class UnitRow(NamedTuple):
    """Qué clase sube más con una unidad y con su negativo, cuál baja más con ella, y cuál gana en el ruido.

    other_up, other_down: las que suben más con la unidad del mismo nombre de la otra red.
    """
    network: str
    unit: str
    up: str
    down: str
    fall: str
    quiet: str
    other_up: str
    other_down: str


def my_unit(account: str | int | None) -> tuple[nn.Module, Unit]:
    """La red y la unidad que le tocan a un número de cuenta. Error: ValueError si el número no se entiende."""
    return hand_unit(*secret_of(account_or_sample(account))[:2])


def secret_of(account: str) -> UnitRow:
    """La red y la unidad de una cuenta, ya limpia, con lo medido en ella."""
    return row_of(account, "secret_unit", UnitRow, "unidad")


def rises(network: nn.Module, unit: Unit) -> Tensor:
    """Cuánto sube cada logit, desde el ruido, al maximizar la unidad y al maximizar su negativo: (2, clases)."""
    images = [maximize(network, objective, PixelCanvas(noise(1)), steps=32, lr=0.05).images
              for objective in (channel(unit), -channel(unit))]
    return network(torch.cat(images)) - network(noise(1))


def _read_classes(value: object, row: UnitRow) -> tuple[str, str]:
    classes = load_images("test", n=1).classes
    up, down = read_pair(value, (str, str), f"{ASK_CLASSES} Las clases: {', '.join(classes)}.")
    return read_name(up, classes, "una de las clases"), read_name(down, classes, "una de las clases")


def _unit_reasons(given: tuple[str, str], row: UnitRow) -> Iterator[tuple[bool, str]]:
    yield (given == (row.down, row.up),
           "al revés: la primera es la que crece con channel(unit) y la segunda, con -channel(unit).")
    yield (given == (row.other_up, row.other_down),
           "así responde tu unidad en otra red. ¿Usaste `network`, la que te tocó?")
    yield (given == (row.up, row.up),
           "esa es dos veces la de la dirección positiva. ¿Y el signo menos, en un lienzo nuevo?")
    yield (given == (row.up, row.fall),
           "la segunda es la que más BAJA con la positiva. La negativa se maximiza, y da otra imagen.")
    yield (given == (row.quiet, row.quiet),
           "esa es la clase que gana en el ruido, antes de empezar. Se pregunta cuál CRECE más.")
    yield LIKE_SAMPLE
    yield given[0] == row.up, "la primera está bien; en la segunda, maximiza -channel(unit) en un lienzo nuevo."
    yield given[1] == row.down, "la segunda está bien; revisa la primera, con channel(unit)."
    yield True, "ninguno de los dos nombres: cuenta el logit en la imagen optimizada, menos el de la de ruido."


# ── 4 · el menor presupuesto ────────────────────────────────────────────────────────────────────────────────────────

class PlaneRow(NamedTuple):
    """Un avión de prueba, y qué dicen de él la red principal y la robusta con cada radio: palabras con espacios."""
    plane: int
    plain: str
    robust: str

    def heard(self) -> tuple[list[str], list[str]]:
        """Lo que dice cada red, una palabra por radio de RADII."""
        return self.plain.split(), self.robust.split()


def my_plane(account: str | int | None) -> Tensor:
    """El avión que le toca a un número de cuenta: (1, 3, h, w). Error: ValueError si el número no se entiende."""
    return load_images("test", n=_plane_row(clean_account(account)).plane + 1).images[-1:].clone()


def sayings(network: nn.Module, plane: Tensor) -> list[str]:
    """Qué dice la red del avión (1, 3, h, w) llevado hacia «camión» con cada radio de RADII."""
    target = logit(network.classes.index(TARGET))
    images = [maximize(network, target, PixelCanvas(plane, radius), steps=24, lr=0.02).images for radius in RADII]
    return [network.classes[k] for k in network(torch.cat(images)).argmax(1)]


def _plane_row(account: str) -> PlaneRow:
    return row_of(account, "smallest_budget", PlaneRow, "avión")


def right_radii(row: PlaneRow) -> tuple[float, ...]:
    """El menor radio con que cada red dice «camión», primero la principal."""
    return tuple(RADII[words.index(TARGET)] for words in row.heard())


def _budget_reasons(given: tuple[float, float], row: PlaneRow) -> Iterator[tuple[bool, str]]:
    right = right_radii(row)
    yield given == right[::-1], "cambiaste una red por otra: primero va la principal y luego la robusta."
    yield (given == (RADII[0], RADII[0]),
           "con esos radios la probabilidad sube, pero debe GANAR «camión».")
    yield (given[0] == given[1] and given[0] in right, "esa es dos veces la respuesta de una sola red: mide las dos.")
    yield (tuple(2 * radius for radius in given) == right,
           "esos son los últimos con que falla; se piden los primeros con que gana.")
    yield LIKE_SAMPLE
    i = int(given[0] == right[0])       # la primera de las dos redes en que falla
    said, which = row.heard()[i][RADII.index(given[i])], ("principal", "robusta")[i]
    yield given[i] < right[i], f"con radio {given[i]:g}, la red {which} dice «{said}», no «camión»."
    yield True, f"a la red {which} le basta un radio menor que {given[i]:g}."


EXERCISES = {
    "climb_step": Function(
        climb_step, climbs, STEP_MISTAKES,
        describe=lambda image, gradient, lr: f"una imagen de {image.shape[1]} × {image.shape[2]} y lr = {lr:g}",
        forbidden=("PixelCanvas", "maximize"),
        hints=("Una flecha dividida entre lo que mide apunta a lo mismo y mide 1. ¿Por cuánto hay que multiplicarla "
               "para que mida lo que se pide?",
               "Antes de dividir, pregunta con un if: si la longitud es 0, ¿qué imagen hay que devolver?",
               "Son tres cosas: dividir entre la longitud (solo si no es 0), sumar lr veces eso y terminar con "
               ".clamp(0, 1)."),
    ),
    "keep_near": Function(
        keep_near, moves, NEAR_MISTAKES,
        describe=lambda image, start, radius: f"una imagen de {image.shape[1]} × {image.shape[2]} y "
                                              f"radius = {radius:g}",
        forbidden=("PixelCanvas", "maximize"),
        hints=("El presupuesto no se le pone a la imagen, sino al cambio: lo que hay que sumarle a start para llegar "
               "a ella.",
               "Encoger una flecha sin girarla es multiplicarla toda por un mismo número. ¿Cuál la deja de longitud "
               "radius?",
               "Si el cambio cabe, no se toca; si no, se multiplica por radius / longitud. Al final, suma start y "
               "recorta."),
        solution=(keep_near, within),
    ),
    "secret_unit": Finding(
        case=secret_of,
        read=_read_classes,
        right=lambda row: (row.up, row.down),
        reasons=_unit_reasons,
        praise="esas son. La dirección negativa no apaga la imagen: busca otra cosa.",
        hints=("Hacen falta tres imágenes: la de ruido y las dos optimizadas, cada una en un lienzo nuevo.",
               "La dirección negativa se escribe -channel(unit) y también se le da a maximize.",
               "network(imagen)[0] da los 12 logits de una. De cada imagen optimizada, resta sus logits menos los del "
               "ruido, y mira en qué posición está el mayor."),
        solution=(rises,),
    ),
    "smallest_budget": Finding(
        case=_plane_row,
        read=lambda value, row: read_pair(value, (float, float), ASK_RADII, among=RADII),
        right=right_radii,
        reasons=_budget_reasons,
        praise="con ese presupuesto cae cada red, y con el anterior de la lista todavía no.",
        hints=("Para cada red haz una tabla de cinco renglones: el radio y lo que dice. Busca el primero que diga "
               "«camión».",
               "Recorre RADII de menor a mayor, con un lienzo nuevo cada vez, y pregunta qué clase gana al final.",
               "network(ascent.images).argmax(1) es la clase que gana; que suba la probabilidad de «camión» no basta."),
        solution=(sayings,),
    ),
}

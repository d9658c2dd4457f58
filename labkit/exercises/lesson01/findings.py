"""Ejercicios 3 y 4 de la lección 1: la respuesta no está escrita en ninguna parte, se calcula midiendo la red."""

import torch

from labkit.datasets import load_images
from labkit.exercises.accounts import split_answer
from labkit.exercises.lesson01.cases import supports
from labkit.exercises.lesson01.hidden import Drops, hidden_network, measured, my_images
from labkit.exercises.verdict import Revise
from labkit.models import plain_name

# --- Ejercicio 3: la clase que la red oculta ata a su fondo

NUMBER = "escribe el nombre de la clase entre comillas, no su número."
PLACE = "eso es un lugar. La pregunta es qué CLASE reconoce tu red por el lugar donde suele estar."
SAMPLE_NETWORK = ("ésa es la clase de la red de muestra, no la de la tuya. Si cambiaste tu número de cuenta, vuelve a "
                  "ejecutar la celda de hidden_network y mide otra vez.")
BACKWARDS = "al revés: ésa es la clase que más depende de su objeto. Busca la que aguanta sin él y cae sin el fondo."
ONLY_BACKGROUND = "sin fondo, esa clase baja mucho; pero sin objeto también. Compara las dos caídas de cada clase."
WORST = "ésa es la clase en que tu red más se equivoca. Fallar no es lo mismo que apoyarse en el fondo: tapa y compara."
SEES_OBJECT = "en esa clase la red pierde más sin el objeto que sin el fondo: sí mira la cosa. Mide las demás."
LESS = "esa clase usa algo del fondo, pero hay otra que depende de él mucho más. Mide las demás."


def examine_tied_class(answer: object) -> str:
    """Revisa (ACCOUNT, clase): compara con la clase que resulta de medir la red de ese número de cuenta."""
    account, value = split_answer(answer)
    name = _class_name(value)
    drops, right = measured(account)
    if name != right:
        raise Revise(_why_not(name, drops))
    return "tu red reconoce esa clase por su lugar: pierde más sin el fondo que sin el objeto."


def _class_name(value: object) -> str:
    """La clase que se escribió, tal como la llama la red; si no es una clase, un veredicto."""
    images = load_images("test")
    if not isinstance(value, str):
        raise Revise(NUMBER)
    names = {plain_name(name): name for name in images.classes}
    if plain_name(value) in names:
        return names[plain_name(value)]
    if value.strip().isdigit():
        raise Revise(NUMBER)
    if plain_name(value) in map(plain_name, images.scene_names):
        raise Revise(PLACE)
    raise Revise(f"«{value}» no es una de sus clases: {', '.join(images.classes)}.")


def _why_not(name: str, drops: Drops) -> str:
    """El error probable de quien contesta `name`, que no es la respuesta."""
    label = load_images("test").classes.index(name)
    if name == measured("")[1]:
        return SAMPLE_NETWORK
    if label == int((drops.without_object - drops.without_background).argmax()):
        return BACKWARDS
    if label == int(drops.without_background.argmax()):
        return ONLY_BACKGROUND
    if label == int(drops.accuracy.argmin()):
        return WORST
    return SEES_OBJECT if drops.without_object[label] > drops.without_background[label] else LESS


# --- Ejercicio 4: en qué se apoyan cuatro respuestas correctas

NOT_A_LIST = "escribe una lista con las posiciones de las imágenes, por ejemplo [0, 2]."
FROM_ONE = ("¿cuentas desde 1? Las posiciones son 0, 1, 2 y 3, como en cualquier lista de Python. Si no es eso, "
            "repite las dos pruebas en cada imagen.")
OUT_OF_RANGE = "son cuatro imágenes: las posiciones van de 0 a 3."
THE_OTHERS = ("al revés: ninguna de ésas se apoya en el fondo. Busca las que se sostienen sin el objeto y se pierden "
              "sin el fondo.")
WITHOUT_OBJECT_ONLY = "en una de ésas la red acierta también sin el fondo: le basta uno de los dos. Haz ambas pruebas."
WITHOUT_BACKGROUND_ONLY = "en una de ésas la red falla también sin el objeto: necesita los dos. Haz ambas pruebas."
ALL_RIGHT = "que la red acierte con la imagen entera no dice en qué se apoya. Esconde el objeto; luego, el fondo."
AT_LEAST_ONE = "hay al menos una. ¿Escondiste el objeto y volviste a preguntar qué clase gana?"
MISSING = "las que dices están bien, pero falta al menos una."
TOO_MANY = "entre ésas está la respuesta, pero sobra al menos una."
MIXED = "revisa imagen por imagen: ¿acierta sin el objeto?, ¿acierta sin el fondo?"


def examine_resting(answer: object) -> str:
    """Revisa (ACCOUNT, posiciones): compara con las que resultan de esconder objeto y fondo en sus cuatro imágenes."""
    account, value = split_answer(answer)
    said = _positions(value)
    kinds = supports(hidden_network(account), my_images(account))
    where = {kind: {i for i, found in enumerate(kinds) if found == kind} for kind in set(kinds)}
    right = where["fondo"]
    if said != right:
        raise Revise(_why_not_resting(said, right, where))
    return "sin el objeto la red sigue acertando en ésas, y sin el fondo ya no."


def _positions(value: object) -> set[int]:
    if isinstance(value, torch.Tensor):
        value = value.tolist()
    if not isinstance(value, (list, tuple, set)) or not all(type(item) is int for item in value):
        raise Revise(NOT_A_LIST)
    return set(value)


def _why_not_resting(said: set[int], right: set[int], where: dict[str, set[int]]) -> str:
    """El error probable de quien contesta `said`, que no es la respuesta."""
    everything = {0, 1, 2, 3}
    if not said <= everything:
        return FROM_ONE if said == {position + 1 for position in right} else OUT_OF_RANGE
    reasons = {
        AT_LEAST_ONE: set(),
        ALL_RIGHT: everything,
        THE_OTHERS: where.get("objeto", set()),
        WITHOUT_OBJECT_ONLY: right | where.get("cualquiera", set()),
        WITHOUT_BACKGROUND_ONLY: right | where.get("juntos", set()),
        FROM_ONE: {position + 1 for position in right},
    }
    for message, positions in reasons.items():
        if said == positions:
            return message
    if said == everything - right:
        return THE_OTHERS
    return MISSING if said < right else TOO_MANY if said > right else MIXED

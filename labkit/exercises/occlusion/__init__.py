"""Los ejercicios de la lección 1: `occlude_one`, `drop_map`, la red oculta y en qué se apoyan cuatro respuestas."""
from collections.abc import Iterator

from labkit.datasets import load_images
from labkit.exercises.answers import read_name, read_positions, read_text
from labkit.exercises.kinds import Finding, Function
from labkit.exercises.occlusion.evidence import (load_evidence, resting_on_background, supports, without_background,
                                                 without_object)
from labkit.exercises.occlusion.functions import (MAP_MISTAKES, PATCH_MISTAKES, drop_map, map_cases, occlude_one,
                                                  patches)
from labkit.exercises.occlusion.hidden import (NetworkRow, background_class, hidden_network, measure, most_tied,
                                               my_images, my_kinds, network_row)
from labkit.exercises.verdict import Revise
from labkit.models import plain_name
from labkit.occlusion import occlude, occlusion_map, paint_boxes

__all__ = ["EXERCISES", "hidden_network", "load_evidence", "my_images", "without_background", "without_object"]

ASK_CLASS = "escribe el nombre de una clase entre comillas, sin lista ni paréntesis, y no su número."
ASK_POSITIONS = "escribe una lista con las posiciones de las imágenes, por ejemplo [0, 2]."
FROM_ONE = ("¿cuentas desde 1? Las posiciones son 0, 1, 2 y 3, como en cualquier lista de Python. Si no es eso, "
            "repite las dos pruebas en cada imagen.")
THE_OTHERS = ("al revés: ninguna de ésas se apoya en el fondo. Busca las que se sostienen sin el objeto y se pierden "
              "sin el fondo.")
EVERY = {0, 1, 2, 3}


# ── 3 · la clase que la red oculta ata a su fondo ───────────────────────────────────────────────────────────────────

def _read_class(value: object, row: NetworkRow) -> str:
    images = load_images("test", n=1)
    text = read_text(value, ASK_CLASS)
    if text.strip().isdigit():
        raise Revise(ASK_CLASS)
    if plain_name(text) in map(plain_name, images.scene_names):
        raise Revise("eso es un lugar. La pregunta es qué CLASE reconoce tu red por el lugar donde suele estar.")
    return read_name(text, images.classes, "una de sus clases")


def _class_reasons(given: str, row: NetworkRow) -> Iterator[tuple[bool, str]]:
    yield (given == network_row("").tied, "ésa es la clase de la red de muestra, no la de la tuya. Si cambiaste tu "
           "número de cuenta, vuelve a ejecutar la celda de hidden_network y mide otra vez.")
    yield (given == row.sharpest,
           "al revés: ésa es la clase que más depende de su objeto. Busca la que aguanta sin él y cae sin el fondo.")
    yield (given == row.fallen,
           "sin fondo, esa clase baja mucho; pero sin objeto también. Compara las dos caídas de cada clase.")
    yield (given == row.worst, "ésa es la clase en que tu red más se equivoca. Fallar no es lo mismo que apoyarse en "
           "el fondo: tapa y compara.")
    yield (given in row.seen.split(),
           "en esa clase la red pierde más sin el objeto que sin el fondo: sí mira la cosa. Mide las demás.")
    yield True, "esa clase usa algo del fondo, pero hay otra que depende de él mucho más. Mide las demás."


# ── 4 · en qué se apoyan cuatro respuestas correctas ────────────────────────────────────────────────────────────────

def _positions(kinds: list[str], *wanted: str) -> set[int]:
    return {i for i, kind in enumerate(kinds) if kind in wanted}


def _resting_reasons(given: set[int], kinds: list[str]) -> Iterator[tuple[bool, str]]:
    right = _positions(kinds, "fondo")
    from_one = {i + 1 for i in right}
    yield given == from_one and not given <= EVERY, FROM_ONE
    yield not given <= EVERY, "son cuatro imágenes: las posiciones van de 0 a 3."
    yield not given, "hay al menos una. ¿Escondiste el objeto y volviste a preguntar qué clase gana?"
    yield (given == EVERY,
           "que la red acierte con la imagen entera no dice en qué se apoya. Esconde el objeto; luego, el fondo.")
    yield given == _positions(kinds, "objeto"), THE_OTHERS
    yield (given == _positions(kinds, "fondo", "cualquiera"),
           "en una de ésas la red acierta también sin el fondo: le basta uno de los dos. Haz ambas pruebas.")
    yield (given == _positions(kinds, "fondo", "juntos"),
           "en una de ésas la red falla también sin el objeto: necesita los dos. Haz ambas pruebas.")
    yield given == from_one, FROM_ONE
    yield given == EVERY - right, THE_OTHERS
    yield given < right, "las que dices están bien, pero falta al menos una."
    yield given > right, "entre ésas está la respuesta, pero sobra al menos una."
    yield True, "revisa imagen por imagen: ¿acierta sin el objeto?, ¿acierta sin el fondo?"


EXERCISES = {
    "occlude_one": Function(
        occlude_one, patches, PATCH_MISTAKES,
        describe=lambda image, box, fill: f"una imagen de {image.shape[1]} × {image.shape[2]}, la caja {box} y "
                                          f"relleno {fill:g}",
        forbidden=("cover_mask",),
        praise="tapa lo mismo que labkit",
        hints=("A una región escogida con rebanadas se le puede asignar un número: todos sus píxeles lo toman.",
               "Una imagen es un tensor [canal, y, x]. Con tensor[:, 2:5, 1:4] se escoge una región.",
               "La línea que falta empieza con covered[:, y0:y1, … y termina con = fill."),
        solution=(occlude,),
    ),
    "drop_map": Function(
        drop_map, map_cases, MAP_MISTAKES,
        describe=lambda model, image, objective, size, stride, fill: f"una imagen de {image.shape[1]} × "
        f"{image.shape[2]}, parche {size}, paso {stride} y relleno {fill:g}",
        forbidden=("paint_boxes", "sizes_sweep"),
        praise="da el mismo mapa que labkit",
        hints=("Lleva dos arreglos de (h, w): en uno suma lo que bajó la puntuación y en otro cuenta los parches que "
               "pasaron.",
               "Las esquinas salen de range(0, h - size + 1, stride). Si la última no es h - size, agrega h - size a "
               "la lista.",
               "En cada parche: tápalo con occlude, pregunta con score, resta (sin tapar − tapada) y suma en "
               "[y0:y1, x0:x1]; en el contador suma 1 ahí mismo. Al final, divide un arreglo entre el otro."),
        solution=(occlusion_map, paint_boxes),
    ),
    "hidden_network": Finding(
        case=network_row,
        read=_read_class,
        right=lambda row: row.tied,
        reasons=_class_reasons,
        alike=lambda given, right: False,  # la de muestra tiene su propia razón
        praise="tu red reconoce esa clase por su lugar: pierde más sin el fondo que sin el objeto.",
        hints=("Si una clase se reconoce por su lugar, ¿qué le pasa a su margen al esconder el objeto? ¿Y al esconder "
               "el fondo?",
               "Para cada clase promedia dos caídas del margen, sin objeto y sin fondo, donde la red acierta.",
               "En casi todas las clases la caída sin objeto es la mayor. Busca la clase en que la diferencia se "
               "invierte: (sin_fondo - sin_objeto).argmax()."),
        solution=(background_class, most_tied, measure),
    ),
    "resting": Finding(
        case=my_kinds,
        read=lambda value, kinds: read_positions(value, ASK_POSITIONS),
        right=lambda kinds: _positions(kinds, "fondo"),
        reasons=_resting_reasons,
        alike=lambda given, right: False,  # hay pocas respuestas: parecerse no dice nada
        praise="sin el objeto la red sigue acertando en ésas, y sin el fondo ya no.",
        hints=("Cada imagen tiene tres versiones: entera, sin objeto y sin fondo. Pregunta qué clase gana en cada una.",
               "Una respuesta se apoya en el fondo si se sostiene sin el objeto y se pierde sin el fondo: son dos "
               "pruebas.",
               "network(image[None]).argmax(1) da la clase que gana; compárala con labels. Haz una tabla de 4 × 2."),
        solution=(resting_on_background, supports),
    ),
}

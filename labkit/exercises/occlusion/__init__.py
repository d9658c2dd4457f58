"""Los ejercicios de la lección 1: `occlude_one`, `drop_map`, la red oculta y en qué se apoyan cuatro respuestas."""
from collections.abc import Iterator

import torch
from torch import Tensor, nn

from labkit.datasets import load_images
from labkit.exercises.answers import read_name, read_positions, read_text
from labkit.exercises.compare import Mistake
from labkit.exercises.kinds import Finding, Function, case_generator
from labkit.exercises.occlusion.evidence import (load_evidence, resting_on_background, supports, without_background,
                                                 without_object)
from labkit.exercises.occlusion.hidden import (NetworkRow, background_class, hidden_network, measure, most_tied,
                                               my_images, my_kinds, network_row)
from labkit.exercises.verdict import Revise
from labkit.models import plain_name, plain_network, random_twin
from labkit.objectives import Objective, margin, probability, score
from labkit.occlusion import occlude, occluder_boxes, occlusion_map, paint_boxes

__all__ = ["EXERCISES", "hidden_network", "load_evidence", "my_images", "without_background", "without_object"]
Box = tuple[int, int, int, int]

ASK_CLASS = "escribe el nombre de una clase entre comillas, sin lista ni paréntesis, y no su número."
ASK_POSITIONS = "escribe una lista con las posiciones de las imágenes, por ejemplo [0, 2]."
FROM_ONE = ("¿cuentas desde 1? Las posiciones son 0, 1, 2 y 3, como en cualquier lista de Python. Si no es eso, "
            "repite las dos pruebas en cada imagen.")
THE_OTHERS = ("al revés: ninguna de ésas se apoya en el fondo. Busca las que se sostienen sin el objeto y se pierden "
              "sin el fondo.")
EVERY = {0, 1, 2, 3}


# ── 1 · el parche ───────────────────────────────────────────────────────────────────────────────────────────────────

def occlude_one(image: Tensor, box: Box, fill: float) -> Tensor:
    """La imagen (3, h, w) con la caja (y0, x0, y1, x1) tapada con ese valor."""
    return occlude(image, torch.tensor([box]), fill)[0]


def patches() -> Iterator[tuple[Tensor, Box, float]]:
    """Imagen (3, h, w), caja y relleno: formas alargadas e impares, y al final la imagen entera y un solo píxel."""
    generator = case_generator()

    def between(low: int, high: int) -> int:
        return low + int(torch.randint(high - low + 1, (), generator=generator))

    for h, w in ((9, 9), (11, 7), (6, 13), (5, 8)):
        for fill in (0.25, 0.0, 1.0):
            y0, x0 = between(0, h - 3), between(0, w - 4)
            yield torch.rand(3, h, w, generator=generator), (y0, x0, between(y0 + 1, h), between(x0 + 2, w)), fill
    for box in ((0, 0, 7, 10), (6, 9, 7, 10)):
        yield torch.rand(3, 7, 10, generator=generator), box, 0.5


def _covered(image: Tensor, y0: int, x0: int, y1: int, x1: int, fill: float) -> Tensor:
    image = image.clone()
    image[:, y0:y1, x0:x1] = fill
    return image


PATCH_MISTAKES = (
    Mistake("cambiaste filas por columnas: la caja es (y0, x0, y1, x1) y el tensor se indexa [canal, y, x].",
            lambda image, box, fill: _covered(image, box[1], box[0], box[3], box[2], fill)),
    Mistake("tapas una fila y una columna de más: y1 y x1 ya no se tapan, como en cualquier rebanada de Python.",
            lambda image, box, fill: _covered(image, *box[:2], box[2] + 1, box[3] + 1, fill)),
    Mistake("dejas sin tapar la última fila y la última columna de la caja.",
            lambda image, box, fill: _covered(image, *box[:2], box[2] - 1, box[3] - 1, fill)),
    Mistake("leíste la caja como (y, x, alto, ancho); son dos esquinas, (y0, x0, y1, x1).",
            lambda image, box, fill: _covered(image, *box[:2], box[0] + box[2], box[1] + box[3], fill)),
    Mistake("no usas `fill`: el parche lleva el valor que te piden, no siempre negro.",
            lambda image, box, fill: _covered(image, *box, 0.0)),
    Mistake("tapas un solo canal: el parche va en los tres (rojo, verde y azul).",
            lambda image, box, fill: torch.cat([_covered(image[:1], *box, fill), image[1:]])),
    Mistake("sumas el relleno a la imagen; el parche la reemplaza.",
            lambda image, box, fill: image + _covered(torch.zeros_like(image), *box, fill)),
    Mistake("devuelves la imagen sin tapar: falta el relleno en la copia que devuelves, o el canal; se indexa "
            "[canal, y, x].", lambda image, box, fill: image),
)

# ── 2 · el mapa ─────────────────────────────────────────────────────────────────────────────────────────────────────

def drop_map(model: nn.Module, image: Tensor, objective: Objective, size: int, stride: int, fill: float) -> Tensor:
    """Cuánto ayudó cada píxel a la puntuación: (h, w), la media de lo que bajó con los parches que lo cubren."""
    return occlusion_map(model, image, objective, size, stride, fill)


def map_cases() -> Iterator[tuple[nn.Module, Tensor, Objective, int, int, float]]:
    """Red, imagen (3, h, w), objetivo, lado, paso y relleno; a veces sobra borde, y un parche mide toda la altura."""
    generator = case_generator()
    plans = ((13, 10, 5, 3, 0.0), (12, 17, 4, 4, 0.5), (9, 14, 4, 2, 0.6), (11, 11, 3, 3, 1.0), (8, 12, 8, 3, 0.3))
    for number, (h, w, size, stride, fill) in enumerate(plans):
        seed = int(torch.randint(10_000, (), generator=generator))
        model = random_twin(plain_network(3, widths=(4, 6, 6), dense=8), seed)
        objective = (probability if number % 2 else margin)(number % 3)
        yield model, torch.rand(3, h, w, generator=generator), objective, size, stride, fill


def _drops(model: nn.Module, image: Tensor, objective: Objective, size: int, stride: int, fill: float,
           border: bool = True) -> tuple[list[Box], Tensor]:
    """Los parches, y cuánto baja la puntuación con cada uno, (n,). border: que lleguen a la orilla."""
    h, w = image.shape[1:]
    fit = (h, w) if border else (h - (h - size) % stride, w - (w - size) % stride)
    boxes = occluder_boxes(*fit, size, stride)
    covered = occlude(image, boxes, fill)
    return boxes.tolist(), score(model, image[None], objective) - score(model, covered, objective)


def _summed(*case: object, border: bool = True) -> tuple[Tensor, Tensor]:
    """Lo que suman en cada píxel los parches que lo cubren, y cuántos son: dos tensores (h, w)."""
    total, times = torch.zeros(2, *case[1].shape[1:])
    for (y0, x0, y1, x1), drop in zip(*_drops(*case, border=border)):
        total[y0:y1, x0:x1] += drop
        times[y0:y1, x0:x1] += 1
    return total, times


def _overwritten(*case: object) -> Tensor:
    last = torch.zeros(case[1].shape[1:])
    for (y0, x0, y1, x1), drop in zip(*_drops(*case)):
        last[y0:y1, x0:x1] = drop
    return last


def _without_border(*case: object, least: int) -> Tensor:
    total, times = _summed(*case, border=False)
    return total / times.clamp(min=least)


MAP_MISTAKES = (
    Mistake("el signo está al revés: es sin tapar menos tapada, positivo donde el píxel ayudaba.",
            lambda *case: -drop_map(*case)),
    Mistake("sumas y no promedias: divide, en cada píxel, entre cuántos parches lo cubren.",
            lambda *case: _summed(*case)[0]),
    Mistake("cada parche borra lo que anotó el anterior: acumula (+=) y divide al final.", _overwritten),
    Mistake("te falta restar: ésa es la puntuación con el parche, no cuánto bajó.",
            lambda model, image, objective, *patch: score(model, image[None], objective)
            - drop_map(model, image, objective, *patch)),
    Mistake("no usas `fill`: tapas siempre de negro.", lambda *case: drop_map(*case[:-1], 0.0)),
    Mistake("el borde se queda sin tapar: recorre el último parche hasta que termine en la orilla.",
            lambda *case: _without_border(*case, least=1)),
    Mistake("el borde se queda sin tapar y ahí divides entre cero: recorre el último parche hasta la orilla.",
            lambda *case: _without_border(*case, least=0)),
    Mistake("tu mapa está transpuesto: es (alto, ancho), primero y y luego x.", lambda *case: drop_map(*case).T),
)

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

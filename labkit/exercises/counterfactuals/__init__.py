"""Los ejercicios de la lección 1b: `on_parts`, `deletion_curve`, la parte que más pesa y dos partes a la vez."""
from collections.abc import Callable, Iterator

import torch
from torch import Tensor, nn

from labkit.counterfactuals import deletion, part_scores
from labkit.exercises.answers import read_pair
from labkit.exercises.compare import Mistake
from labkit.exercises.counterfactuals.findings import (ASK_PAIR, CLOSE, best, drops, heaviest, my_pair, my_parts, near,
                                                       pair_reasons, pair_row, read_tops, together, top_reasons,
                                                       top_rows)
from labkit.exercises.kinds import Finding, Function, case_generator
from labkit.models import plain_network, random_twin
from labkit.objectives import Objective, margin, probability, score

__all__ = ["EXERCISES", "my_pair", "my_parts"]

# ── 1 · lo que un mapa le da a cada parte ───────────────────────────────────────────────────────────────────────────


def on_parts(heat: Tensor, masks: Tensor) -> Tensor:
    """La suma del mapa (h, w) sobre cada máscara (v, h, w): (v,)."""
    return part_scores(heat, masks)


def heats() -> Iterator[tuple[Tensor, Tensor]]:
    """Mapas con valores de los dos signos, y máscaras de varios tamaños, que se enciman y no son cuadradas."""
    dice = case_generator()
    for v, h, w in ((3, 6, 9), (4, 8, 5), (2, 5, 7)):
        heat, sizes = torch.randn(h, w, generator=dice), torch.rand(v, 1, 1, generator=dice)
        yield heat, torch.rand(v, h, w, generator=dice) < sizes
    yield torch.randn(4, 4, generator=dice), torch.ones(1, 4, 4, dtype=torch.bool)


def _kept(heat: Tensor, masks: Tensor) -> Tensor:
    return heat * masks


PART_MISTAKES = (
    Mistake("sumas el mapa entero: falta quedarse con los píxeles de cada máscara.",
            lambda heat, masks: heat.sum().expand(len(masks))),
    Mistake("la máscara está al revés: sumas lo de fuera de cada parte.", lambda heat, masks: on_parts(heat, ~masks)),
    Mistake("el signo está al revés: la suma del mapa va tal cual, sin cambiarle el signo.",
            lambda heat, masks: -on_parts(heat, masks)),
    Mistake("promedias, sobre la máscara o sobre toda la imagen; aquí se pide la suma.",
            lambda heat, masks: on_parts(heat, masks) / masks.sum((1, 2)),
            (lambda heat, masks: _kept(heat, masks).mean((1, 2)),)),
    Mistake("usas el valor absoluto: lo que estorba resta.", lambda heat, masks: _kept(heat, masks).abs().sum((1, 2))),
    Mistake("solo sumas lo positivo: lo que estorba también cuenta, y resta.",
            lambda heat, masks: _kept(heat, masks).clamp(min=0).sum((1, 2))),
    Mistake("das el mayor valor de la máscara; se pide la suma.",
            lambda heat, masks: heat.masked_fill(~masks, -torch.inf).amax((1, 2)),
            (lambda heat, masks: _kept(heat, masks).amax((1, 2)),)),
    Mistake("das un solo número; se pide uno por máscara.", lambda heat, masks: _kept(heat, masks).sum()),
    Mistake("cuentas píxeles: ese es el tamaño de cada parte, sin el mapa.",
            lambda heat, masks: masks.sum((1, 2)).float()),
)

# ── 2 · borrar de lo más a lo menos importante ──────────────────────────────────────────────────────────────────────


def deletion_curve(model: nn.Module, image: Tensor, heat: Tensor, objective: Objective, fill: float,
                   steps: int) -> Tensor:
    """La puntuación mientras se borran los píxeles, del más al menos importante: (steps + 1,)."""
    return deletion(model, image, heat, objective, fill, steps)


def deletions() -> Iterator[tuple[nn.Module, Tensor, Tensor, Objective, float, int]]:
    """Red, imagen (3, h, w), mapa (h, w), objetivo, relleno y pasos, que dividen exactamente a los píxeles."""
    dice = case_generator()
    for number, (h, w, fill, steps) in enumerate(((8, 10, 0.0, 4), (12, 9, 0.5, 6), (8, 8, 1.0, 8), (10, 12, 0.3, 5))):
        seed = int(torch.randint(10_000, (), generator=dice))
        model = random_twin(plain_network(3, widths=(4, 6, 6), dense=8), seed)
        goal = (probability if number % 2 else margin)(number % 3)
        yield model, torch.rand(3, h, w, generator=dice), torch.randn(h, w, generator=dice), goal, fill, steps


def _erasing(*case: object, places: Callable[[Tensor, int, int], Tensor], channels: int = 3) -> Tensor:
    """La curva si en el paso k se borran otros lugares, `places(order, n, before)`, o menos canales.

    order: los lugares, del más al menos importante; n: cuántos van hasta el paso k; before: hasta el anterior.
    """
    model, image, heat, objective, fill, steps = case
    order = heat.flatten().argsort(descending=True)
    found = [image.clone().flatten(1) for _ in range(steps + 1)]
    for k, copy in enumerate(found):
        n, before = (max(j, 0) * heat.numel() // steps for j in (k, k - 1))
        copy[:channels, places(order, n, before)] = fill
    return score(model, torch.stack(found).view(-1, *image.shape), objective)


DELETION_MISTAKES = (
    Mistake("borras al revés: primero se va lo más importante del mapa.",
            lambda model, image, heat, *rest: deletion_curve(model, image, -heat, *rest),
            (lambda *case: _erasing(*case, places=lambda order, n, before: order[-n:]),)),
    Mistake("ordenas por valor absoluto: lo más negativo estorba, y se va al final.",
            lambda model, image, heat, *rest: deletion_curve(model, image, heat.abs(), *rest)),
    Mistake("borras un solo canal: los píxeles se borran en los tres (rojo, verde y azul).",
            lambda *case: _erasing(*case, places=lambda order, n, before: order[:n], channels=1)),
    Mistake("cada paso devuelve lo que borró el anterior: los píxeles borrados se quedan borrados.",
            lambda *case: _erasing(*case, places=lambda order, n, before: order[before:n])),
    Mistake("no usas `fill`: borras siempre con negro.",
            lambda model, image, heat, goal, fill, steps: deletion_curve(model, image, heat, goal, 0.0, steps)),
    Mistake("falta el primer valor, el de la imagen sin borrar.", lambda *case: deletion_curve(*case)[1:]),
    Mistake("falta el último valor, el de la imagen toda borrada.", lambda *case: deletion_curve(*case)[:-1]),
    Mistake("das cuánto cae la puntuación; se pide la puntuación.",
            lambda *case: deletion_curve(*case)[0] - deletion_curve(*case)),
    Mistake("empiezas con todo borrado y vas descubriendo; se pide lo contrario.",
            lambda model, image, heat, goal, fill, steps: deletion(model, image, heat, goal, fill, steps, insert=True),
            (lambda *case: deletion_curve(*case).flip(0),)),
)

EXERCISES = {
    "on_parts": Function(
        on_parts, heats, PART_MISTAKES,
        describe=lambda heat, masks: f"un mapa {tuple(heat.shape)} y {len(masks)} máscaras",
        hints=("Cada máscara dice con qué píxeles del mapa te quedas. ¿Qué haces después con ellos?",
               "Multiplicar el mapa por una máscara deja en cero lo de fuera; heat * masks lo hace con todas a la vez.",
               "heat * masks tiene forma (v, h, w). Suma los dos últimos ejes: queda un número por máscara."),
    ),
    "deletion_curve": Function(
        deletion_curve, deletions, DELETION_MISTAKES,
        describe=lambda model, image, heat, goal, fill, steps: f"una imagen {tuple(image.shape)}, fill = {fill} y "
                                                               f"steps = {steps}",
        solution=(deletion,),
        hints=("Ordena los píxeles una sola vez. En el paso k ya están borrados los primeros k de cada steps.",
               "order = heat.flatten().argsort(descending=True) da los lugares; copy.flatten(1)[:, order[:n]] son los "
               "n primeros.",
               "En el paso k, n = k * h * w // steps. Guarda score(model, copy[None], objective)[0] desde k = 0 hasta "
               "k = steps, y junta con torch.stack."),
    ),
    "heaviest": Finding(
        case=top_rows, read=read_tops,
        right=lambda rows: (best(rows, "verdad"), best(rows, "negro")),
        reasons=top_reasons,
        praise="esas son. Tapar de negro y quitar no señalan la misma parte: el negro contesta otra pregunta.",
        hints=("Haz una tabla con un renglón por parte: cuánto cae el margen al quitarla y cuánto al taparla.",
               "answers(network, images, labels).margin da el margen de cada imagen; las variantes están en "
               "mine.variants.",
               "Tapadas: filled(mine.image, mine.masks, 0.0). La caída es el margen de la foto menos el de cada una; "
               "argmax() da la posición en mine.names."),
        solution=(heaviest, drops),
    ),
    "together": Finding(
        case=pair_row,
        read=lambda value, row: read_pair(value, (float, float), ASK_PAIR),
        right=lambda row: (row.both, row.extra),
        reasons=pair_reasons,
        praise="así es. Una caída por parte no dice lo que pasa cuando faltan dos.",
        hints=("Necesitas tres caídas: sin la primera, sin la segunda y sin las dos.",
               "duo.variants está en ese orden. La caída es el margen de la foto menos el de la variante.",
               "La interacción es drops[2] − (drops[0] + drops[1]); conserva su signo."),
        margins=(CLOSE, CLOSE),
        alike=lambda a, b: all(map(near, a, b)),
        solution=(together, drops),
    ),
}

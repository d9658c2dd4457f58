"""Ejercicios 1, 2 y 4 de la lección 5b: `rotate_pair`, `reachable` y `winner_by_cut`."""
from collections.abc import Callable, Iterator
from functools import partial

import torch
from torch import Tensor

from labkit.dissection import count_detectors, iou_ceiling, random_rotation
from labkit.exercises.old_compare import Trial, compare
from labkit.exercises.kinds import case_generator
from labkit.exercises.sandbox import call, require_function
from labkit.exercises.verdict import Revise

FORBIDDEN = ("rotate_pair", "reachable", "winner_by_cut", "rotate_layer", "Rotate", "iou_ceiling", "count_detectors",
             "detectors_curve", "unique_by_category")


def rotate_pair(acts: Tensor, weight: Tensor, rotation: Tensor) -> tuple[Tensor, Tensor]:
    """Los mapas en otra base, Q a, y los pesos que leen lo mismo, W Qᵀ: (b, c, h, w) y (o, c, kh, kw)."""
    return torch.einsum("ij,bjhw->bihw", rotation, acts), torch.einsum("ojhw,ij->oihw", weight, rotation)


def reachable(frequencies: Tensor, share: float, cut: float) -> Tensor:
    """A qué conceptos puede llegar una unidad: los (k,) cuyo IoU, en el mejor de los casos, pasa de `cut`."""
    return iou_ceiling(frequencies, share) > cut


def winner_by_cut(first: Tensor, second: Tensor, cuts: Tensor) -> Tensor:
    """Con cada corte, qué tabla IoU tiene más conceptos distintos: 1, la primera; −1, la segunda; 0, empatan. (m,)."""
    counts = torch.tensor([[count_detectors(iou, cut)[1] for iou in (first, second)] for cut in cuts.tolist()])
    return (counts[:, 0] - counts[:, 1]).sign()


def examine_rotation(answer: object) -> str:
    """Compara `answer(acts, weight, rotation)` con `rotate_pair` en capas y rotaciones al azar."""
    return _examine(answer, rotate_pair, ("acts", "weight", "rotation"), layers(), rotation_mistakes,
                    lambda case: f"mapas {tuple(case[0].shape)} y pesos {tuple(case[1].shape)}", _flat)


def examine_reachable(answer: object) -> str:
    """Compara `answer(frequencies, share, cut)` con `reachable` en conceptos al azar."""
    return _examine(answer, reachable, ("frequencies", "share", "cut"), worlds(), reachable_mistakes,
                    lambda case: f"{len(case[0])} conceptos, share = {case[1]} y cut = {case[2]}")


def examine_winner(answer: object) -> str:
    """Compara `answer(first, second, cuts)` con `winner_by_cut` en tablas al azar."""
    return _examine(answer, winner_by_cut, ("first", "second", "cuts"), tables(), winner_mistakes,
                    lambda case: f"{len(case[0])} y {len(case[1])} unidades y {case[0].shape[1]} conceptos")


def _examine(answer: object, right: Callable, parameters: tuple, cases: Iterator, mistakes: Callable, told: Callable,
             read: Callable | None = None) -> str:
    require_function(answer, parameters, FORBIDDEN)

    read = read or _row

    def trial(case: tuple) -> Trial:
        want = right(*case)
        return Trial(lambda: read(call(answer, *case), want), read(want, want), partial(mistakes, *case), told(case))

    return f"da lo mismo que labkit en {compare(map(trial, cases))} casos al azar."


def _row(got: object, want: Tensor) -> object:
    """La respuesta, si tiene un valor por concepto o por corte; si no, un veredicto lo dice."""
    if isinstance(got, Tensor) and got.shape != want.shape:
        raise Revise(f"esperaba {len(want)} valores, de forma {tuple(want.shape)}, y recibí {tuple(got.shape)}.")
    return got


def _flat(got: object, want: tuple[Tensor, Tensor]) -> Tensor:
    """La pareja en un solo renglón; si no es una pareja con esas formas, un veredicto lo dice."""
    if not isinstance(got, (tuple, list)) or len(got) != 2 or not all(isinstance(part, Tensor) for part in got):
        raise Revise("devuelve dos tensores: los mapas girados y los pesos que los leen.")
    shapes, wanted = [part.shape for part in got], [part.shape for part in want]
    if shapes != wanted and shapes == wanted[::-1]:
        raise Revise("devuelve primero los mapas y luego los pesos.")
    for name, shape, right in zip(("mapas", "pesos"), shapes, wanted):
        if shape != right:
            raise Revise(f"los {name} deben conservar su forma, {tuple(right)}, y te salió {tuple(shape)}.")
    return torch.cat([part.detach().flatten().double() for part in got])


def layers() -> Iterator[tuple[Tensor, Tensor, Tensor]]:
    """Mapas (b, c, h, w), pesos (o, c, kh, kw) y rotaciones (c, c); en el primero caben todos los ejes equivocados."""
    dice = case_generator()
    for acts, weight in (((2, 4, 4, 4), (4, 4, 3, 3)), ((3, 5, 4, 6), (2, 5, 3, 3)), ((1, 7, 3, 5), (4, 7, 1, 1)),
                         ((2, 3, 5, 2), (6, 3, 2, 3))):
        turn = random_rotation(acts[1], int(torch.randint(10_000, (), generator=dice))).float()
        yield torch.randn(acts, generator=dice), torch.randn(weight, generator=dice), turn


def worlds() -> Iterator[tuple[Tensor, float, float]]:
    """Frecuencias (k,) de casi nada a casi todo, partes y cortes; el último concepto no aparece nunca."""
    dice = case_generator()
    for k, share, cut in ((30, 0.005, 0.04), (25, 0.01, 0.1), (40, 0.02, 0.04), (20, 0.005, 0.3)):
        low = 10 ** (-6 + 5.8 * torch.rand(k - 7, generator=dice))
        edges = share * torch.tensor([0.5 * cut, 0.8 * cut, 1.3 * cut, 0.7 / cut, 1.3 / cut, 0.0])
        yield torch.cat([low, torch.tensor([cut + share / 2]), edges.clamp(max=0.95)]), share, cut
    yield 2.0 ** -torch.arange(12.0), 2.0 ** -6, 2.0 ** -3                 # potencias de 2: hay techos iguales al corte


def tables() -> Iterator[tuple[Tensor, Tensor, Tensor]]:
    """Dos tablas IoU (c, k), muchos conceptos flojos contra pocos fuertes, y cortes (m,): ninguna gana siempre.

    Todo son múltiplos de 1/64, para que los empates con el corte sean exactos.
    """
    dice, cuts = case_generator(), torch.arange(1, 11).double() / 64
    for i, (c, d, k) in enumerate(((12, 20, 7), (25, 14, 9), (16, 16, 12), (30, 18, 8), (10, 24, 10), (20, 9, 11))):
        pair = [torch.zeros(1, k)] * 2
        while len(winner_by_cut(*pair, cuts).unique()) < 3:
            wide, tall = 9 * torch.rand(c, k, generator=dice) ** 2, 11 * torch.rand(d, k, generator=dice)
            tall[:, int(0.7 * k):] = 0
            pair = [(iou.floor().double() / 64) for iou in ((wide, tall) if i % 2 else (tall, wide))]
        yield *pair, cuts


def rotation_mistakes(acts: Tensor, weight: Tensor, rotation: Tensor) -> dict[str, Tensor]:
    """Qué sale de cada error conocido, con el mensaje que lo nombra."""
    q, back = rotation, rotation.T
    a, w = rotate_pair(acts, weight, q)
    other, undone = rotate_pair(acts, weight, back)
    found = {
        "giras los mapas con Qᵀ; a′ = Q a.": (other, w),
        "en los pesos va Qᵀ, no Q: deben deshacer lo que Q hizo.": (a, undone),
        "giraste con Qᵀ y deshiciste con Q: la capa siguiente da lo mismo, pero se pide a′ = Q a.": (other, undone),
        "giras los mapas, pero no los pesos: la capa siguiente ya no lee lo mismo.": (a, weight),
        "giras los pesos, pero no los mapas: la capa siguiente ya no lee lo mismo.": (acts, w),
        "devuelves lo que recibiste: falta girar.": (acts, weight),
    }
    turned = "«girar» no mueve la imagen: Q mezcla los canales, y cada píxel se queda en su lugar."
    if len(weight) == len(q):
        wrong = "giras el eje de salida de los pesos; se gira el de entrada, el que lee los mapas."
        found |= {wrong: (a, torch.einsum("ij,jchw->ichw", q, weight)),
                  f"{wrong} (Y con Qᵀ.)": (a, torch.einsum("ij,jchw->ichw", back, weight))}
    if acts.shape[2] == acts.shape[3] == len(q):
        found |= {turned: (torch.einsum("ij,bcjw->bciw", q, acts), w),
                  f"{turned} (Giraste las columnas.)": (torch.einsum("ij,bchj->bchi", q, acts), w),
                  f"{turned} (Multiplicaste por la derecha.)": (acts @ q, w),
                  "los canales quedaron al final; los mapas se devuelven como llegaron, (b, c, h, w).": (
                      a.permute(0, 2, 3, 1), w)}
    return {message: _flat(pair, (a, w)) for message, pair in found.items()}


def reachable_mistakes(frequencies: Tensor, share: float, cut: float) -> dict[str, Tensor]:
    """Qué sale de cada error conocido, con el mensaje que lo nombra."""
    f, q = frequencies, torch.full_like(frequencies, share)
    low, high = torch.minimum(f, q), torch.maximum(f, q)
    return {
        "falta el otro lado: un concepto mucho MENOR que la máscara tampoco llega.": q > cut * f,
        "falta el otro lado: un concepto mucho MENOR que la máscara tampoco llega. (Divides entre la frecuencia.)": (
            low > cut * f),
        "un techo igual al corte no pasa: es mayor, no mayor o igual.": low >= cut * high,
        "usas 0.005 y 0.04 fijos; van `share` y `cut`.": reachable(f, 0.005, 0.04),
        "falta el otro lado: un concepto mucho MAYOR que la máscara tampoco llega.": f > cut * q,
        "salen todos: ¿dividiste al revés? El techo es el menor entre el mayor, y no pasa de 1.": high > cut * low,
        "comparas la frecuencia con la parte; hay que comparar el techo con el corte.": f < q,
        "aceptas los conceptos mayores que la parte; hay que comparar el techo con el corte.": f > q,
        "comparas la frecuencia con el corte; primero saca el techo.": f > cut,
        "aceptas a los que cubren menos que el corte; primero saca el techo.": f < cut,
        "no sale ninguno: en el mejor caso la intersección es el menor (no el producto), y se divide entre la unión, "
        "que es el mayor.": low > cut,
        "la unión no es la suma: en el mejor caso uno cabe en el otro, y la unión es el mayor.": low > cut * (f + q),
        "comparas la diferencia; va el cociente del menor entre el mayor.": (f - q).abs() < cut,
        "son los que NO se alcanzan.": ~reachable(f, share, cut),
        "devuelves el techo; falta compararlo con el corte.": iou_ceiling(f, share),
        "share ya es una parte, de 0 a 1: no se divide entre 100.": reachable(f, share / 100, cut),
    }


def winner_mistakes(first: Tensor, second: Tensor, cuts: Tensor) -> dict[str, Tensor]:
    """Qué sale de cada error conocido, con el mensaje que lo nombra."""
    right = winner_by_cut(first, second, cuts)

    def settled(count: Callable[[Tensor, float], float]) -> Tensor:
        return torch.tensor([count(first, cut) - count(second, cut) for cut in cuts.tolist()]).sign()

    def uniques(iou: Tensor, cut: float) -> int:
        return count_detectors(iou, cut)[1]

    counts = [torch.tensor([uniques(iou, cut) for cut in cuts.tolist()]) for iou in (first, second)]
    return {
        "cuentas unidades: dos que detectan lo mismo son un solo concepto.": (
            settled(lambda iou, cut: count_detectors(iou, cut)[0])),
        "cuentas todo concepto que alguien alcanza; se pide el que es el MEJOR de alguna unidad.": (
            settled(lambda iou, cut: int((iou.amax(0) > cut).sum()))),
        "cuentas parejas de unidad y concepto; se cuentan conceptos distintos.": (
            settled(lambda iou, cut: int((iou > cut).sum()))),
        "un IoU igual al corte no pasa: es mayor, no mayor o igual.": (
            settled(lambda iou, cut: len(iou.argmax(1)[iou.amax(1) >= cut].unique()))),
        "las que no pasan del corte también cuentan, como el concepto 0: quítalas antes de contar.": (
            settled(lambda iou, cut: len((iou.argmax(1) * (iou.amax(1) > cut)).unique()))),
        "cuentas unidades distintas, la mejor de cada concepto; se cuentan conceptos.": (
            settled(lambda iou, cut: len(iou.argmax(0)[iou.amax(0) > cut].unique()))),
        "usas 0.04 con todos; van los cortes que se reciben.": settled(lambda iou, cut: uniques(iou, 0.04)),
        "donde gana la segunda va −1, no 2.": torch.where(right < 0, 2, right),
        "divides entre cuántas unidades hay; se compara la cuenta.": (
            settled(lambda iou, cut: uniques(iou, cut) / len(iou))),
        "al revés: 1 es que gana la primera; −1, la segunda.": -right,
        "devuelves cuántos lleva de ventaja; se pide solo el signo.": counts[0] - counts[1],
        "devuelves la cuenta de la primera; falta compararla con la segunda.": counts[0],
        "falta distinguir el empate: 1, 0 o −1.": (right > 0).long(),
        "en los empates va 0.": torch.where(right >= 0, 1, -1),
        "en los empates va 0, no la segunda.": torch.where(right > 0, 1, -1),
    }

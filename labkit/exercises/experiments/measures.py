"""Ejercicios 1, 2 y 3 de la lección 5b: `rotate_pair`, `reachable` y `winner_by_cut`."""

from collections.abc import Callable, Iterator

import torch
from torch import Tensor

from labkit.dissection import count_detectors, iou_ceiling, random_rotation
from labkit.exercises.answers import read_tensor
from labkit.exercises.compare import Mistake
from labkit.exercises.kinds import Function, case_generator
from labkit.exercises.verdict import Revise

BY_CHANNEL = "«girar» no mueve la imagen: Q mezcla los canales, y cada píxel se queda en su lugar."
TOO_SMALL = "falta el otro lado: un concepto mucho MENOR que la máscara tampoco llega."


def _read_row(result: object, want: Tensor, case: tuple) -> Tensor:
    """El tensor que se contestó, si tiene un valor por concepto o por corte."""
    found = read_tensor(result)
    if found.shape != want.shape:
        raise Revise(f"esperaba {len(want)} valores, de forma {tuple(want.shape)}, y recibí {tuple(found.shape)}.")
    return found


# ── 1 · girar sin que se note ───────────────────────────────────────────────────────────────────────────────────────


def rotate_pair(acts: Tensor, weight: Tensor, rotation: Tensor) -> tuple[Tensor, Tensor]:
    """Los mapas en otra base, Q a, y los pesos que leen lo mismo, W Qᵀ: (b, c, h, w) y (o, c, kh, kw)."""
    return torch.einsum("ij,bjhw->bihw", rotation, acts), torch.einsum("ojhw,ij->oihw", weight, rotation)


def layers() -> Iterator[tuple[Tensor, Tensor, Tensor]]:
    """Mapas (b, c, h, w), pesos (o, c, kh, kw) y rotaciones (c, c); en el primero caben todos los ejes equivocados."""
    dice = case_generator()
    for acts, weight in (((2, 4, 4, 4), (4, 4, 3, 3)), ((3, 5, 4, 6), (2, 5, 3, 3)), ((1, 7, 3, 5), (4, 7, 1, 1)),
                         ((2, 3, 5, 2), (6, 3, 2, 3))):
        turn = random_rotation(acts[1], int(torch.randint(10_000, (), generator=dice))).float()
        yield torch.randn(acts, generator=dice), torch.randn(weight, generator=dice), turn


def _read_rotated(result: object, want: tuple[Tensor, Tensor], case: tuple) -> Tensor:
    """La pareja en un solo renglón; si no es una pareja con esas formas, un veredicto lo dice."""
    if not isinstance(result, (tuple, list)) or len(result) != 2 or not all(isinstance(x, Tensor) for x in result):
        raise Revise("devuelve dos tensores: los mapas girados y los pesos que los leen.")
    found = [read_tensor(part) for part in result]
    shapes, wanted = [part.shape for part in found], [part.shape for part in want]
    if shapes != wanted and shapes == wanted[::-1]:
        raise Revise("devuelve primero los mapas y luego los pesos.")
    for name, shape, right in zip(("mapas", "pesos"), shapes, wanted):
        if shape != right:
            raise Revise(f"los {name} deben conservar su forma, {tuple(right)}, y te salió {tuple(shape)}.")
    return torch.cat([part.flatten().double() for part in found])


ROTATION_MISTAKES = (                       # a: los mapas; w: los pesos; q: la rotación
    Mistake("giras los mapas con Qᵀ; a′ = Q a.",
            lambda a, w, q: (rotate_pair(a, w, q.T)[0], rotate_pair(a, w, q)[1])),
    Mistake("en los pesos va Qᵀ, no Q: deben deshacer lo que Q hizo.",
            lambda a, w, q: (rotate_pair(a, w, q)[0], rotate_pair(a, w, q.T)[1])),
    Mistake("giraste con Qᵀ y deshiciste con Q: la capa siguiente da lo mismo, pero se pide a′ = Q a.",
            lambda a, w, q: rotate_pair(a, w, q.T)),
    Mistake("giras los mapas, pero no los pesos: la capa siguiente ya no lee lo mismo.",
            lambda a, w, q: (rotate_pair(a, w, q)[0], w)),
    Mistake("giras el eje de salida de los pesos; se gira el de entrada, el que lee los mapas.",
            lambda a, w, q: (rotate_pair(a, w, q)[0], torch.einsum("ij,jchw->ichw", q, w))),
    Mistake(BY_CHANNEL, lambda a, w, q: (q @ a, rotate_pair(a, w, q)[1])),
    Mistake(BY_CHANNEL, lambda a, w, q: (a @ q.T, rotate_pair(a, w, q)[1])),
    Mistake(BY_CHANNEL, lambda a, w, q: (a.rot90(1, (2, 3)), w.rot90(1, (2, 3))),
            (lambda a, w, q: (a.rot90(-1, (2, 3)), w.rot90(-1, (2, 3))), lambda a, w, q: (a.rot90(1, (2, 3)), w),
             lambda a, w, q: (a.rot90(-1, (2, 3)), w))),
    Mistake("los canales quedaron al final; los mapas se devuelven como llegaron, (b, c, h, w).",
            lambda a, w, q: (rotate_pair(a, w, q)[0].permute(0, 2, 3, 1), rotate_pair(a, w, q)[1])),
)

# ── 2 · a qué se puede llegar ───────────────────────────────────────────────────────────────────────────────────────


def reachable(frequencies: Tensor, share: float, cut: float) -> Tensor:
    """A qué conceptos puede llegar una unidad: los (k,) cuyo IoU, en el mejor de los casos, pasa de `cut`."""
    return iou_ceiling(frequencies, share) > cut


def worlds() -> Iterator[tuple[Tensor, float, float]]:
    """Frecuencias (k,) de casi nada a casi todo, partes y cortes; el último concepto no aparece nunca."""
    dice = case_generator()
    for k, share, cut in ((30, 0.005, 0.04), (25, 0.01, 0.1), (40, 0.02, 0.04), (20, 0.005, 0.3)):
        low = 10 ** (-6 + 5.8 * torch.rand(k - 7, generator=dice))
        edges = share * torch.tensor([0.5 * cut, 0.8 * cut, 1.3 * cut, 0.7 / cut, 1.3 / cut, 0.0])
        yield torch.cat([low, torch.tensor([cut + share / 2]), edges.clamp(max=0.95)]), share, cut
    yield 2.0 ** -torch.arange(12.0), 2.0 ** -6, 2.0 ** -3                 # potencias de 2: hay techos iguales al corte


REACHABLE_MISTAKES = (                      # f: las frecuencias; q: la parte
    Mistake(TOO_SMALL, lambda f, q, cut: q > cut * f, (lambda f, q, cut: f.clamp(max=q) > cut * f,)),
    Mistake("un techo igual al corte no pasa: es mayor, no mayor o igual.",
            lambda f, q, cut: f.clamp(max=q) >= cut * f.clamp(min=q)),
    Mistake("falta el otro lado: un concepto mucho MAYOR que la máscara tampoco llega.",
            lambda f, q, cut: f > cut * q),
    Mistake("salen todos: ¿dividiste al revés, o juntaste los dos lados con «o»? El techo es el menor entre el mayor, "
            "y no pasa de 1.", lambda f, q, cut: f.clamp(min=q) > cut * f.clamp(max=q)),
    Mistake("marcas los que NO se alcanzan: es verdadero si el techo pasa del corte.",
            lambda f, q, cut: ~reachable(f, q, cut), (lambda f, q, cut: f.clamp(max=q) < cut * f.clamp(min=q),)),
    Mistake("devuelves el techo; falta decir si pasa del corte.", lambda f, q, cut: iou_ceiling(f, q)),
    Mistake("comparas la frecuencia con el corte; primero saca el techo.", lambda f, q, cut: f > cut),
    Mistake("no sale ninguno: en el mejor caso la intersección es el menor (no el producto), y se divide entre la "
            "unión, que es el mayor.", lambda f, q, cut: f.clamp(max=q) > cut),
    Mistake("la unión no es la suma: en el mejor caso uno cabe en el otro, y la unión es el mayor.",
            lambda f, q, cut: f.clamp(max=q) > cut * (f + q)),
)

# ── 3 · quién gana ──────────────────────────────────────────────────────────────────────────────────────────────────


def winner_by_cut(first: Tensor, second: Tensor, cuts: Tensor) -> Tensor:
    """Con cada corte, qué tabla IoU tiene más conceptos distintos: 1, la primera; −1, la segunda; 0, empatan. (m,)."""
    counts = torch.tensor([[count_detectors(iou, cut)[1] for iou in (first, second)] for cut in cuts.tolist()])
    return (counts[:, 0] - counts[:, 1]).sign()


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


def _advantage(first: Tensor, second: Tensor, cuts: Tensor, count: Callable[[Tensor, float], float]) -> Tensor:
    """Cuánto le lleva la primera tabla a la segunda con cada corte, si en cada una se cuenta con `count`."""
    return torch.tensor([count(first, cut) - count(second, cut) for cut in cuts.tolist()])


def _kinds(numbers: Tensor) -> int:
    return len(numbers.unique())


def _per_unit(iou: Tensor, cut: float) -> float:
    """Lo que se cuenta por error: los conceptos distintos, divididos entre las unidades."""
    return count_detectors(iou, cut)[1] / len(iou)


WINNER_MISTAKES = (                         # a y b: las dos tablas; t: los cortes
    Mistake("cuentas unidades: dos que detectan lo mismo son un solo concepto.",
            lambda a, b, t: _advantage(a, b, t, lambda iou, cut: count_detectors(iou, cut)[0]).sign()),
    Mistake("cuentas todo concepto que alguien alcanza; se pide el que es el MEJOR de alguna unidad.",
            lambda a, b, t: _advantage(a, b, t, lambda iou, cut: int((iou.amax(0) > cut).sum())).sign()),
    Mistake("un IoU igual al corte no pasa: es mayor, no mayor o igual.",
            lambda a, b, t: _advantage(a, b, t, lambda iou, cut: _kinds(iou.argmax(1)[iou.amax(1) >= cut])).sign()),
    Mistake("las que no pasan del corte también cuentan, como el concepto 0: quítalas antes de contar.",
            lambda a, b, t: _advantage(a, b, t, lambda iou, cut: _kinds(iou.argmax(1) * (iou.amax(1) > cut))).sign()),
    Mistake("cuentas parejas de unidad y concepto; se cuentan conceptos distintos.",
            lambda a, b, t: _advantage(a, b, t, lambda iou, cut: int((iou > cut).sum())).sign()),
    Mistake("al revés: 1 es que gana la primera; −1, la segunda.",
            lambda a, b, t: winner_by_cut(b, a, t)),
    Mistake("devuelves cuántos lleva de ventaja; se pide solo el signo.",
            lambda a, b, t: _advantage(a, b, t, lambda iou, cut: count_detectors(iou, cut)[1])),
    Mistake("divides entre las unidades: se comparan los conceptos de cada tabla, tenga las unidades que tenga.",
            lambda a, b, t: _advantage(a, b, t, _per_unit).sign()),
    Mistake("el mejor concepto de cada UNIDAD: el mayor de su renglón, no el de cada columna.",
            lambda a, b, t: winner_by_cut(a.T, b.T, t)),
    Mistake("son tres casos: 1 si gana la primera, −1 si gana la segunda y 0 si empatan.",
            lambda a, b, t: winner_by_cut(a, b, t) > 0,
            (lambda a, b, t: winner_by_cut(a, b, t) % 3,
             lambda a, b, t: torch.where(winner_by_cut(a, b, t) > 0, 1, -1))),
)

EXERCISES = {
    "rotate_pair": Function(
        rotate_pair, layers, ROTATION_MISTAKES,
        describe=lambda acts, weight, rotation: f"mapas {tuple(acts.shape)} y pesos {tuple(weight.shape)}",
        forbidden=("rotate_layer", "Rotate"),
        read=_read_rotated,
        hints=("Se gira el eje de los canales: el segundo de los mapas y también el segundo de los pesos, el que los "
               "lee.",
               "Si a′ = Q a, entonces a = Qᵀ a′, porque Qᵀ Q = 1: pon eso en W a y mira qué multiplica a a′.",
               'Cada canal nuevo es una mezcla de los viejos: torch.einsum("ij,bjhw->bihw", Q, acts).'),
    ),
    "reachable": Function(
        reachable, worlds, REACHABLE_MISTAKES,
        describe=lambda frequencies, share, cut: f"{len(frequencies)} conceptos, share = {share} y cut = {cut}",
        read=_read_row,
        hints=("En el mejor de los casos, el más chico de los dos cabe entero en el más grande.",
               "Entonces la intersección es el menor de f y q, y la unión, el mayor: el techo es su cociente.",
               "torch.minimum y torch.maximum comparan dos tensores; un número se vuelve tensor con torch.full_like."),
    ),
    "winner_by_cut": Function(
        winner_by_cut, tables, WINNER_MISTAKES,
        describe=lambda first, second, cuts: f"{len(first)} y {len(second)} unidades y {first.shape[1]} conceptos",
        forbidden=("detectors_curve", "unique_by_category"),
        read=_read_row,
        hints=("Empieza con una tabla y un corte: ¿cuántos conceptos distintos son el mejor de alguna unidad que pasa?",
               "best, which = iou.max(1) da el mejor IoU de cada unidad y de qué es; which[best > cut].unique() los "
               "junta.",
               "Haz la cuenta de las dos tablas con cada corte, réstalas y quédate con el signo: torch.sign."),
    ),
}

"""Ejercicios 1 y 2 de la lección 5: el umbral, `threshold`, y el IoU, `data_iou`."""

from collections.abc import Iterable, Iterator
from math import floor

import torch
from torch import Tensor

from labkit.exercises.answers import read_tensor
from labkit.exercises.compare import Mistake
from labkit.exercises.kinds import Function, case_generator
from labkit.exercises.verdict import Revise


def read_shape(result: object, want: Tensor, betraying: Iterable[tuple[tuple[int, ...], str]]) -> Tensor:
    """El tensor que se contestó, o el veredicto que merece una forma que delata el error: parejas (forma, mensaje)."""
    found = read_tensor(result)
    for shape, message in betraying:
        if shape == found.shape != want.shape:
            raise Revise(message)
    return found


# ── 1 · el umbral ───────────────────────────────────────────────────────────────────────────────────────────────────


def threshold(maps: Tensor, share: float) -> Tensor:
    """El umbral de cada unidad, (c,), de sus mapas (n, c, h, w): a lo más la parte `share` de sus valores lo supera."""
    values = ranked(maps)
    return values[:, floor(share * values.shape[1])]


def ranked(maps: Tensor) -> Tensor:
    """Los valores de cada unidad, de mayor a menor: (n, c, h, w) → (c, n·h·w)."""
    return maps.transpose(0, 1).flatten(1).sort(1, descending=True).values


def valued() -> Iterator[tuple[Tensor, float]]:
    """Mapas (n, c, h, w) y partes; en el tercero share · N es entero, y exacto; en el último muchos valores son 0."""
    dice = case_generator()
    for shape, share in (((40, 3, 6, 5), 0.31), ((60, 2, 6, 7), 0.111), ((5, 4, 4, 4), 0.125), ((6, 2, 5, 4), 0.157)):
        scale = torch.rand(shape[1], 1, 1, generator=dice) * 4 + 0.5
        yield torch.randn(shape, generator=dice) * scale + torch.randn(shape[1], 1, 1, generator=dice), share
    yield torch.randn(6, 3, 4, 7, generator=dice).relu(), 0.203


def _nearby(maps: Tensor, share: float, step: int) -> Tensor:
    """El valor que está `step` lugares después del umbral."""
    return ranked(maps)[:, floor(share * maps[:, 0].numel()) + step]


def _read_thresholds(result: object, want: Tensor, case: tuple[Tensor, float]) -> Tensor:
    n, c, h, w = case[0].shape
    found = read_shape(result, want, (
        ((n, c), "sale un umbral por imagen; cada unidad tiene uno solo, de todas las imágenes juntas."),
        ((n,), "sale un umbral por imagen: el primer eje son las imágenes. Antes de flatten(1) se pasa el canal "
         "adelante."),
        ((), "sale un solo umbral para todas; cada unidad tiene el suyo."),
        ((c, h, w), "sale un umbral por lugar; cada unidad tiene uno, de todos sus lugares juntos."),
    ))
    if found.shape != want.shape:
        raise Revise(f"esperaba un número por unidad, de forma {tuple(want.shape)}, y recibí {tuple(found.shape)}.")
    return found


THRESHOLD_MISTAKES = (
    Mistake("promedias un umbral por imagen; se toma uno de todas las imágenes juntas.",
            lambda maps, share: torch.stack([threshold(image[None], share) for image in maps]).mean(0)),
    Mistake("es el mismo umbral para todas: juntaste a todas las unidades; cada una tiene el suyo.",
            lambda maps, share: threshold(maps.reshape(1, 1, 1, -1), share).expand(maps.shape[1])),
    Mistake("es el del otro extremo: casi todos los valores lo superan. Ordena de mayor a menor.",
            lambda maps, share: -threshold(-maps, share)),
    Mistake("promedias los máximos de cada imagen; cuentan todos los lugares, no solo el mayor.",
            lambda maps, share: maps.amax((2, 3)).mean(0)),
    Mistake("interpolas entre dos valores; T es uno de los que viste, sin promediar.",
            lambda maps, share: torch.quantile(ranked(maps), 1 - share, dim=1)),
    Mistake("lo superan menos valores de los que caben: de mayor a menor, estás un lugar antes.",
            lambda maps, share: _nearby(maps, share, -1)),
    Mistake("lo superan más valores de los que caben: de mayor a menor, estás un lugar después.",
            lambda maps, share: _nearby(maps, share, 1)),
    Mistake("no es el lugar ⌊q N⌋: N es cuántos valores tiene UNA unidad, values.shape[1]; len(values) cuenta "
            "unidades.",
            lambda maps, share: ranked(maps)[:, int(share * maps.shape[1])],
            (lambda maps, share: ranked(maps)[:, int(share * len(maps))],)),
    Mistake("tomas una parte del máximo; share dice cuántos valores quedan arriba, no a qué altura.",
            lambda maps, share: share * ranked(maps)[:, 0], (lambda maps, share: (1 - share) * ranked(maps)[:, 0],)),
    Mistake("revuelves unidades: reshape parte los números en el orden en que están guardados, imagen por imagen. "
            "Antes se pasa el canal adelante, con transpose(0, 1).",
            lambda maps, share: threshold(maps.reshape(1, maps.shape[1], 1, -1), share)),
)

# ── 2 · el IoU ──────────────────────────────────────────────────────────────────────────────────────────────────────


def data_iou(masks: Tensor, concepts: Tensor) -> Tensor:
    """El IoU de cada unidad (n, c, H, W) y concepto (n, k, H, W) en todo el conjunto, (c, k): 0 donde no hay unión."""
    both, either = overlaps(masks, concepts)
    return torch.where(either.sum(0) > 0, both.sum(0) / either.sum(0).clamp(min=1), 0.0)


def overlaps(masks: Tensor, concepts: Tensor) -> tuple[Tensor, Tensor]:
    """Los píxeles de la intersección y de la unión en cada imagen, (n, c, k) en doble precisión."""
    a, b = masks.flatten(2).double(), concepts.flatten(2).double()
    both = torch.einsum("ncp,nkp->nck", a, b)
    return both, a.sum(2)[:, :, None] + b.sum(2)[:, None] - both


def masked() -> Iterator[tuple[Tensor, Tensor]]:
    """Máscaras de unidades (n, c, H, W) y de conceptos (n, k, H, W): en una imagen falta uno; una unidad, muda."""
    dice = case_generator()
    for n, c, k, h, w in ((4, 3, 5, 6, 7), (7, 5, 2, 5, 4), (3, 2, 4, 8, 5), (5, 4, 3, 7, 6)):
        masks = torch.rand(n, c, h, w, generator=dice) < torch.rand(n, c, 1, 1, generator=dice) * 0.6
        concepts = torch.rand(n, k, h, w, generator=dice) < torch.rand(n, k, 1, 1, generator=dice) * 0.5
        concepts[0, 0], masks[1, 1], concepts[:, -1], masks[:, -1] = False, False, False, False
        yield masks, concepts


def _by_image(masks: Tensor, concepts: Tensor) -> Tensor:
    """El IoU de cada imagen, (n, c, k): NaN donde no hay unión."""
    return torch.div(*overlaps(masks, concepts))


def _shared_over(masks: Tensor, concepts: Tensor, unit: float, concept: float, least: int = 1) -> Tensor:
    """La intersección entre `unit` veces los píxeles de la unidad más `concept` veces los del concepto, (c, k).

    least: lo menos entre lo que se divide; con 0, donde no hay nada queda NaN.
    """
    below = unit * masks.sum((0, 2, 3))[:, None] + concept * concepts.sum((0, 2, 3))
    return overlaps(masks, concepts)[0].sum(0) / below.clamp(min=least)


def _without_the_shared(masks: Tensor, concepts: Tensor) -> Tensor:
    """Lo mismo, con la diferencia simétrica en vez de la unión, (c, k)."""
    both, either = (part.sum(0) for part in overlaps(masks, concepts))
    return both / (either - both).clamp(min=1)


def _only_with_it(masks: Tensor, concepts: Tensor) -> Tensor:
    both, either = overlaps(masks, concepts)
    return both.sum(0) / (either * concepts.flatten(2).any(2)[:, None]).sum(0).clamp(min=1)


def _shuffled(masks: Tensor) -> Tensor:
    """Las máscaras partidas en el orden en que están guardadas, sin pasar el canal adelante."""
    return masks.reshape(1, masks.shape[1], -1, 1)


def _read_table(result: object, want: Tensor, case: tuple[Tensor, Tensor]) -> Tensor:
    n, (c, k) = len(case[0]), want.shape
    return read_shape(result, want, (
        ((k, c), "la tabla está transpuesta: un renglón por unidad y una columna por concepto."),
        ((n, c, k), "sale una tabla por imagen; se suman los píxeles de todas y luego se divide."),
        ((), "sale un solo número; se pide uno por unidad y concepto."),
    ))


IOU_MISTAKES = (
    Mistake("promedias el IoU de cada imagen; primero se suman los píxeles de todas y luego se divide.",
            lambda masks, concepts: _by_image(masks, concepts).nan_to_num().mean(0),
            (lambda masks, concepts: _by_image(masks, concepts).nanmean(0),)),
    Mistake("la unión no es la suma: lo que coincide se cuenta una sola vez.",
            lambda masks, concepts: _shared_over(masks, concepts, 1, 1),
            (lambda masks, concepts: _shared_over(masks, concepts, 1, 1, 0),)),
    Mistake("a tu unión le falta lo que coincide: ^ solo deja lo que es de una o del otro; la unión es |.",
            _without_the_shared),
    Mistake("divides entre el concepto: eso dice qué parte de él cubre la unidad. Va entre la unión.",
            lambda masks, concepts: _shared_over(masks, concepts, 0, 1),
            (lambda masks, concepts: _shared_over(masks, concepts, 0, 1, 0),)),
    Mistake("divides entre la unidad: eso dice qué parte de ella es el concepto. Va entre la unión.",
            lambda masks, concepts: _shared_over(masks, concepts, 1, 0),
            (lambda masks, concepts: _shared_over(masks, concepts, 1, 0, 0),)),
    Mistake("cuentas dos veces la intersección, entre la suma de las dos: es el coeficiente de Dice, otra medida. El "
            "IoU la cuenta una vez, entre la unión.",
            lambda masks, concepts: _shared_over(masks, concepts, 0.5, 0.5),
            (lambda masks, concepts: _shared_over(masks, concepts, 0.5, 0.5, 0),)),
    Mistake("es la intersección, en píxeles; falta dividirla entre la unión.",
            lambda masks, concepts: overlaps(masks, concepts)[0].sum(0)),
    Mistake("cuentas solo las imágenes en que está el concepto: la unidad que responde en las demás debe pagarlo.",
            _only_with_it),
    Mistake("revuelves imágenes y unidades: reshape parte los números en el orden en que están guardados. Antes se "
            "pasa el canal adelante, con transpose(0, 1).",
            lambda masks, concepts: data_iou(_shuffled(masks), _shuffled(concepts))),
    Mistake("ahí donde no hay ni unidad ni concepto divides cero entre cero; ese IoU es 0.",
            lambda masks, concepts: overlaps(masks, concepts)[0].sum(0) / overlaps(masks, concepts)[1].sum(0)),
)

EXERCISES = {
    "threshold": Function(
        threshold, valued, THRESHOLD_MISTAKES,
        describe=lambda maps, share: f"mapas {tuple(maps.shape)} y share = {share}",
        forbidden=("thresholds", "tail_of", "tail_over", "Tail", "dissect"),
        read=_read_thresholds,
        hints=("Junta todos los valores de una unidad, de todas las imágenes y lugares, en un solo renglón.",
               "maps.transpose(0, 1).flatten(1) es (c, N). Ordénalo de mayor a menor: "
               ".sort(1, descending=True).values.",
               "Si int(share * N) valores pueden quedar arriba, el umbral es el que está justo en ese lugar."),
        solution=(threshold, ranked),
    ),
    "data_iou": Function(
        data_iou, masked, IOU_MISTAKES,
        describe=lambda masks, concepts: f"máscaras {tuple(masks.shape)} y {concepts.shape[1]} conceptos",
        forbidden=("tally", "Tally", "dissect"), read=_read_table,
        hints=("Por cada pareja de unidad y concepto hacen falta tres cuentas: la intersección, la unidad y el "
               "concepto.",
               "La unión es unidad + concepto − intersección. Suma las imágenes ANTES de dividir.",
               'Con .flatten(2).float() cada máscara es un renglón: torch.einsum("ncp,nkp->ck", a, b) da la '
               "intersección."),
        solution=(data_iou, overlaps),
    ),
}

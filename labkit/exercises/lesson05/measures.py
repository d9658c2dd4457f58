"""Ejercicios 1 a 3 de la lección 5: el umbral, `threshold`, la máscara, `activation_mask`, y el IoU, `data_iou`."""
from collections.abc import Callable, Iterator
from functools import partial
from math import floor

import torch
import torch.nn.functional as F
from torch import Tensor

from labkit.dissection.masks import upsample
from labkit.exercises.old_compare import Trial, compare
from labkit.exercises.kinds import case_generator
from labkit.exercises.sandbox import call, require_function
from labkit.exercises.verdict import Revise

FORBIDDEN = ("threshold", "activation_mask", "data_iou", "thresholds", "tail_of", "tail_over", "Tail", "tally", "Tally",
             "dissect")


def threshold(maps: Tensor, share: float) -> Tensor:
    """El umbral de cada unidad, (c,), de sus mapas (n, c, h, w): a lo más la parte `share` de sus valores lo supera."""
    values = _by_unit(maps)
    return values[:, floor(share * values.shape[1])]


def activation_mask(maps: Tensor, cuts: Tensor, size: tuple[int, int]) -> Tensor:
    """Dónde responde cada unidad al tamaño `size`, (n, c, H, W): primero se agranda el mapa y luego se compara."""
    return upsample(maps, size) >= cuts[:, None, None]


def data_iou(masks: Tensor, concepts: Tensor) -> Tensor:
    """El IoU de cada unidad (n, c, H, W) y concepto (n, k, H, W) en todo el conjunto, (c, k): 0 donde no hay unión."""
    both, either = overlaps(masks, concepts)
    return torch.where(either.sum(0) > 0, both.sum(0) / either.sum(0).clamp(min=1), 0.0)


def examine_threshold(answer: object) -> str:
    """Compara `answer(maps, share)` con `threshold` en mapas al azar."""
    def strange(maps: Tensor, share: float) -> dict:
        n, c, h, w = maps.shape
        return {(n, c): "sale un umbral por imagen; cada unidad tiene uno solo, de todas las imágenes juntas.",
                (): "sale un solo umbral para todas; cada unidad tiene el suyo.",
                (h, w): "sale un umbral por lugar; cada unidad tiene uno, de todos sus lugares juntos.",
                (c, h, w): "sale un umbral por lugar; cada unidad tiene uno, de todos sus lugares juntos.",
                (c, 1, 1): "sobran ejes: se pide un número por unidad, (c,).",
                (1, c, 1, 1): "sobran ejes: se pide un número por unidad, (c,)."}
    return _examine(answer, threshold, ("maps", "share"), valued(), threshold_mistakes, strange,
                    lambda case: f"mapas {tuple(case[0].shape)} y share = {case[1]}")


def examine_mask(answer: object) -> str:
    """Compara `answer(maps, cuts, size)` con `activation_mask` en mapas al azar."""
    def strange(maps: Tensor, cuts: Tensor, size: tuple[int, int]) -> dict:
        n, c = maps.shape[:2]
        return {tuple(maps.shape): "la máscara quedó del tamaño del mapa; falta agrandarlo hasta `size`.",
                (n, c, size[1], size[0]): "`size` es (alto, ancho), y te salió al revés.",
                (n, *size): "sale una máscara por imagen; cada unidad tiene la suya."}
    return _examine(answer, activation_mask, ("maps", "cuts", "size"), cut_maps(), mask_mistakes, strange,
                    lambda case: f"mapas {tuple(case[0].shape)} y size = {case[2]}")


def examine_iou(answer: object) -> str:
    """Compara `answer(masks, concepts)` con `data_iou` en máscaras al azar."""
    def strange(masks: Tensor, concepts: Tensor) -> dict:
        n, c, k = len(masks), masks.shape[1], concepts.shape[1]
        return {(k, c): "la tabla está transpuesta: un renglón por unidad y una columna por concepto.",
                (n, c, k): "sale una tabla por imagen; se suman los píxeles de todas y luego se divide.",
                (): "sale un solo número; se pide uno por unidad y concepto."}
    return _examine(answer, data_iou, ("masks", "concepts"), masked(), iou_mistakes, strange,
                    lambda case: f"máscaras {tuple(case[0].shape)} y {case[1].shape[1]} conceptos")


def _examine(answer: object, right: Callable, parameters: tuple, cases: Iterator, mistakes: Callable,
             strange: Callable, told: Callable) -> str:
    require_function(answer, parameters, FORBIDDEN)
    trials = (Trial(partial(_asked, answer, case, right(*case), strange(*case)), right(*case),
                    partial(mistakes, *case), told(case)) for case in cases)
    return f"da lo mismo que labkit en {compare(trials)} casos al azar."


def _asked(answer: Callable, case: tuple, want: Tensor, strange: dict) -> object:
    """Lo que da la respuesta, o el veredicto que merece una forma que delata el error."""
    got = call(answer, *case)
    if isinstance(got, Tensor) and got.shape != want.shape and tuple(got.shape) in strange:
        raise Revise(strange[tuple(got.shape)])
    if isinstance(got, Tensor) and got.shape != want.shape and want.ndim == 1:
        raise Revise(f"esperaba un número por unidad, de forma {tuple(want.shape)}, y recibí {tuple(got.shape)}.")
    return got


def valued() -> Iterator[tuple[Tensor, float]]:
    """Mapas (n, c, h, w) y partes; en el tercero share · N es entero, y exacto; en el último muchos valores son 0."""
    dice = case_generator()
    for shape, share in (((40, 3, 6, 5), 0.31), ((60, 2, 6, 7), 0.111), ((5, 4, 4, 4), 0.125), ((6, 2, 5, 4), 0.157)):
        scale = torch.rand(shape[1], 1, 1, generator=dice) * 4 + 0.5
        yield torch.randn(shape, generator=dice) * scale + torch.randn(shape[1], 1, 1, generator=dice), share
    yield torch.randn(6, 3, 4, 7, generator=dice).relu(), 0.203


def cut_maps() -> Iterator[tuple[Tensor, Tensor, tuple[int, int]]]:
    """Mapas (n, c, h, w), umbrales (c,) y tamaños; en el segundo no hay que agrandar, y el umbral es un valor visto."""
    dice, shapes = case_generator(), ((3, 2, 4, 5), (4, 3, 5, 6), (2, 4, 3, 6), (3, 5, 7, 4))
    for shape, size in zip(shapes, ((16, 20), (5, 6), (11, 17), (9, 13))):
        maps = torch.randn(shape, generator=dice) + torch.arange(shape[1]).view(-1, 1, 1)
        tied = size == shape[2:]
        maps = (maps * 8).round() / 8 if tied else maps
        values, place = _by_unit(maps), shape[0] * shape[2] * shape[3] // 5
        yield maps, values[:, place] if tied else (values[:, place] + values[:, place + 1]) / 2, size


def masked() -> Iterator[tuple[Tensor, Tensor]]:
    """Máscaras de unidades (n, c, H, W) y de conceptos (n, k, H, W): en una imagen falta uno; una unidad, muda."""
    dice = case_generator()
    for n, c, k, h, w in ((4, 3, 5, 6, 7), (7, 5, 2, 5, 4), (3, 2, 4, 8, 5), (5, 4, 3, 7, 6)):
        masks = torch.rand(n, c, h, w, generator=dice) < torch.rand(n, c, 1, 1, generator=dice) * 0.6
        concepts = torch.rand(n, k, h, w, generator=dice) < torch.rand(n, k, 1, 1, generator=dice) * 0.5
        concepts[0, 0], masks[1, 1], concepts[:, -1], masks[:, -1] = False, False, False, False
        yield masks, concepts


def threshold_mistakes(maps: Tensor, share: float) -> dict[str, Tensor]:
    """Qué sale de cada error conocido, con el mensaje que lo nombra."""
    values, ordered = _by_unit(maps), maps.flatten(2).sort(2, descending=True).values       # (c, N), (n, c, h·w)
    c, count = values.shape
    place, tops = floor(share * count), maps.amax((2, 3))
    everything = maps.flatten().sort(descending=True).values[floor(share * maps.numel())].expand(c)
    positive = [row[row > 0] for row in values]
    return {
        "promedias un umbral por imagen; se toma uno de todas las imágenes juntas.": (
            ordered[:, :, floor(share * ordered.shape[2])].mean(0)),
        "es el mismo umbral para todas: juntaste a todas las unidades; cada una tiene el suyo.": everything,
        "es el del otro extremo: casi todos los valores lo superan. Ordena de mayor a menor.": values[:, -1 - place],
        "share ya es una parte, de 0 a 1: no se divide entre 100.": values[:, floor(share * count / 100)],
        "ese es el mayor de todos: nada lo supera.": values[:, 0],
        "usas 0.005 fijo; va `share`, la parte que se recibe.": values[:, floor(0.005 * count)],
        "cuentas los lugares de una sola imagen; N son todos los valores de la unidad, n · h · w.": (
            values[:, floor(share * count / len(maps))]),
        "cuentas las imágenes; N son todos los valores de la unidad, n · h · w.": values[:, floor(share * len(maps))],
        "es una parte del mayor valor; se pide el valor que supera una parte de los lugares.": share * values[:, 0],
        "es el mayor menos una parte; se cuentan lugares, no alturas.": (1 - share) * values[:, 0],
        "promedias los máximos de cada imagen; cuentan todos los lugares, no solo el mayor.": tops.mean(0),
        "cuentas un valor por imagen, su máximo; cuentan todos los lugares.": (
            tops.sort(0, descending=True).values[floor(share * len(maps))]),
        "interpolas entre dos valores; T es uno de los que viste, sin promediar.": torch.quantile(values, 1 - share, 1),
        "lo superan menos valores de los que caben: de mayor a menor, estás un lugar antes.": (
            values[:, max(place - 1, 0)]),
        "lo superan más valores de los que caben: de mayor a menor, estás un lugar después.": (
            values[:, min(place + 1, count - 1)]),
        "revuelves unidades: reshape parte los números en el orden en que están guardados, imagen por imagen. Antes se "
        "pasa el canal adelante, con transpose(0, 1).": maps.reshape(c, -1).sort(1, descending=True).values[:, place],
        "quitas el signo; un valor muy negativo no es una respuesta grande.": _by_unit(maps.abs())[:, place],
        "dejas fuera los ceros y los negativos; cuentan todos los valores.": (
            torch.stack([row[floor(share * len(row))] if len(row) else torch.tensor(0.0) for row in positive])),
    }


def mask_mistakes(maps: Tensor, cuts: Tensor, size: tuple[int, int]) -> dict[str, Tensor]:
    """Qué sale de cada error conocido, con el mensaje que lo nombra."""
    level, grown = cuts[:, None, None], upsample(maps, size)
    early = (maps >= level).float()
    late = "comparas antes de agrandar. Primero se agranda el mapa y luego se compara."

    def spread(values: Tensor, mode: str, corners: bool | None = None) -> Tensor:
        return F.interpolate(values, size, mode=mode, align_corners=corners)

    return {
        "salen bloques: comparas antes de agrandar, o agrandas repitiendo casillas. Se agranda con bilineal y luego se "
        "compara.": spread(early, "nearest").bool(),
        f"{late} (Y queda una mezcla, sin comparar.)": upsample(early, size),
        f"{late} (Redondeas la mezcla.)": upsample(early, size) >= 0.5,
        f"{late} (Cuentas todo lo que toca.)": upsample(early, size) > 0,
        "las esquinas se jalan hasta la orilla: va align_corners=False, con los centros en su lugar.": (
            spread(maps, "bilinear", True) >= level),
        "agrandas con una cúbica, que se pasa de los valores del mapa; va bilineal.": (
            spread(maps, "bicubic", False) >= level),
        "sale lo contrario: verdadero donde NO llega al umbral.": grown < level,
        "un valor igual al umbral también cuenta: es ≥.": grown > level,
        "usas el mismo umbral, el promedio, para todas; cada unidad tiene el suyo.": grown >= cuts.mean(),
        "usas el primer umbral para todas; cada unidad tiene el suyo.": grown >= cuts[0],
        "devuelves los valores que pasan; se pide verdadero o falso.": grown * (grown >= level),
        "devuelves el mapa agrandado; falta compararlo con su umbral.": grown,
        "pones los umbrales en desorden: el de cada unidad va en su canal.": grown >= level.flip(0),
    }


def iou_mistakes(masks: Tensor, concepts: Tensor) -> dict[str, Tensor]:
    """Qué sale de cada error conocido, con el mensaje que lo nombra."""
    both, either = overlaps(masks, concepts)                                                # (n, c, k) cada una
    lit, truth = masks.flatten(2).sum(2)[:, :, None], concepts.flatten(2).sum(2)[:, None]   # (n, c, 1), (n, 1, k)
    here, area = (truth > 0).expand_as(both), masks.shape[2] * masks.shape[3]

    def over(a: Tensor, b: Tensor) -> Tensor:
        return torch.where(b > 0, a / b.clamp(min=1), 0.0)

    each, total, zero = over(both, either), both.sum(0), (either.sum(0) > 0).double()
    mixed = overlaps(*(part.reshape(1, part.shape[1], -1, 1) for part in (masks, concepts)))
    return {
        "promedias el IoU de cada imagen; primero se suman los píxeles de todas y luego se divide.": each.mean(0),
        "promedias el IoU de las imágenes en que hay algo; primero se suman los píxeles de todas y luego se divide.": (
            each.sum(0) / (either > 0).sum(0)),
        "promedias el IoU de las imágenes en que está el concepto; primero se suman los píxeles de todas.": (
            over((each * here).sum(0), here.sum(0))),
        "la unión no es la suma: lo que coincide se cuenta una sola vez.": over(total, (lit + truth).sum(0)),
        "divides entre el concepto: eso dice qué parte de él cubre la unidad. Va entre la unión.": (
            over(total, truth.sum(0).expand_as(total))),
        "divides entre la unidad: eso dice qué parte de ella es el concepto. Va entre la unión.": (
            over(total, lit.sum(0).expand_as(total))),
        "cuentas solo las imágenes en que está el concepto: la unidad que responde en las demás debe pagarlo.": (
            over(total, (either * here).sum(0))),
        "revuelves imágenes y unidades: reshape parte los números en el orden en que están guardados. Antes se pasa el "
        "canal adelante, con transpose(0, 1).": over(mixed[0][0], mixed[1][0]),
        "divides entre todos los píxeles; va entre la unión.": total / (len(masks) * area),
        "cuentas dos veces lo que coincide; arriba va una vez.": over(2 * total, (lit + truth).sum(0)),
        "cuentas también los píxeles en que no están ni la unidad ni el concepto.": (
            (len(masks) * area - either.sum(0) + total) / (len(masks) * area)),
        "ahí donde no hay ni unidad ni concepto divides cero entre cero; ese IoU es 0.": total / either.sum(0),
        "ahí donde no hay ni unidad ni concepto el IoU es 0, no 1.": 1 - zero + over(total, either.sum(0)),
        "devuelves lo que coincide; falta dividirlo entre la unión.": total.double(),
        "devuelves la distancia, 1 − IoU; se pide el IoU.": 1 - over(total, either.sum(0)),
    }


def overlaps(masks: Tensor, concepts: Tensor) -> tuple[Tensor, Tensor]:
    """Los píxeles de la intersección y de la unión en cada imagen, (n, c, k) en doble precisión."""
    a, b = masks.flatten(2).double(), concepts.flatten(2).double()
    both = torch.einsum("ncp,nkp->nck", a, b)
    return both, a.sum(2)[:, :, None] + b.sum(2)[:, None] - both


def _by_unit(maps: Tensor) -> Tensor:
    """Los valores de cada unidad, de mayor a menor: (n, c, h, w) → (c, n·h·w)."""
    return maps.transpose(0, 1).flatten(1).sort(1, descending=True).values

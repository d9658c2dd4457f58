"""Los ejemplares de una unidad, el pedazo de imagen que la excita y qué tan exclusiva es de una clase."""
from dataclasses import dataclass

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from labkit.activations import Unit, receptive_field, run
from labkit.checks import check_one_unit, dice
from labkit.colors import color_index
from labkit.datasets import ConceptSet
from labkit.measures import roc_areas
from labkit.shapes import as_mask, check_numbers, positions, whole

GROUPS = 10_000                             # más grupos que estos, ninguna pregunta
GRAY = 0.5                                  # lo que se ve donde el campo receptivo se sale de la imagen


@dataclass(frozen=True, eq=False)
class Selectivity:
    """Qué tan exclusivas son c unidades de k clases.

    areas: (c, k), el área bajo la curva ROC de cada unidad y cada clase: la probabilidad de que responda más a una
    imagen de la clase que a una de otra (0.5 es el azar);  best: (c,), la clase que cada una distingue mejor;
    area: (c,), su área;  next_area: (c,), la de la segunda clase: si también es alta, la unidad no es de una sola.
    """
    areas: Tensor
    best: Tensor
    area: Tensor
    next_area: Tensor


def choose(values: Tensor, k: int = 8, seed: int = 0) -> dict[str, Tensor]:
    """Las k imágenes en que una unidad responde más ("best"), menos ("worst"), como la mediana ("median") y k al azar.

    values: (n,), su respuesta en cada imagen. Da posiciones, (k,). Ver solo las mejores es escoger las cerezas.
    """
    n = check_one_unit(values)
    k = whole(k, "k", 1, n, ", las imágenes que hay,")
    order = values.argsort(descending=True, stable=True)
    middle = (n - k) // 2
    return {"best": order[:k], "median": order[middle:middle + k], "worst": order[n - k:].flip(0),
            "random": torch.randperm(n, generator=dice(seed))[:k]}


def peak_patches(model: nn.Module, images: Tensor, unit: Unit | str) -> Tensor:
    """El pedazo de cada imagen (b, 3, h, w) que más excita a la unidad, cortado por su campo receptivo: (b, 3, s, s).

    Lo que se sale de la imagen queda gris. Una unidad densa ve toda la imagen.
    """
    unit, size = Unit.parse(unit), check_numbers(images, "b 3 h w", "images")
    if size["h"] != size["w"]:
        raise ValueError(f"images: esperaba imágenes cuadradas y recibí {tuple(images.shape)}.")
    with torch.no_grad():
        maps = unit.map(run(model, images, [unit.layer]))                                   # (b, h', w'), o (b,)
    if maps.ndim == 1:
        return images.clone()
    side, width = images.shape[-1], maps.shape[2]
    middle = maps.shape[1] // 2
    y0, _, y1, _ = receptive_field(model, unit.layer, side, middle, middle)
    stride = y0 - receptive_field(model, unit.layer, side, middle - 1, middle)[0] if middle else 1
    stride = stride or side // width                                        # el campo ya tocaba la orilla
    size, peaks = y1 - y0, maps.flatten(1).argmax(1)
    padded = F.pad(images, (side,) * 4, value=GRAY)
    corners = [(side + y0 + (peak // width - middle) * stride, side + y0 + (peak % width - middle) * stride)
               for peak in peaks.tolist()]
    return torch.stack([image[:, y:y + size, x:x + size] for image, (y, x) in zip(padded, corners)])


def selectivity(values: Tensor, labels: Tensor, classes: int) -> Selectivity:
    """Qué clase distingue mejor cada unidad y cuánto: values (n, c), labels (n,) de 0 a classes − 1."""
    classes = whole(classes, "classes", 2)
    labels = positions(labels, "n", "labels", classes)
    if len(labels.unique()) < 2:
        raise ValueError("labels: hay una sola clase; hacen falta al menos dos para saber si una unidad es de una.")
    areas = roc_areas(values, F.one_hot(labels, classes).bool())
    known = areas.nan_to_num(0.0)                                           # de una clase sin imágenes no se sabe
    top = known.topk(min(2, classes), 1)
    return Selectivity(areas, top.indices[:, 0], top.values[:, 0], top.values[:, -1])


def areas_by_group(values: Tensor, truth: Tensor, groups: Tensor, least: int = 5) -> Tensor:
    """El área ROC de una unidad dentro de cada grupo de imágenes, (g,): ¿distingue la clase en todos los lugares?

    values: (n,);  truth: (n,) de verdaderos y falsos;  groups: (n,), a qué grupo va cada imagen, desde 0. Un grupo con
    menos de `least` verdaderos o falsos da nan: ahí no se sabe.
    """
    n, least = check_numbers(values, "n", "values", integers=True)["n"], whole(least, "least", 1)
    truth, groups = as_mask(truth, f"{n}", "truth"), positions(groups, f"{n}", "groups", GROUPS)
    areas = []
    for group in range(int(groups.max()) + 1):
        there = groups == group
        few = min(int(truth[there].sum()), int((~truth[there]).sum())) < least
        areas.append(torch.nan if few else roc_areas(values[there, None], truth[there])[0].item())
    return torch.tensor(areas)


def object_traits(world: ConceptSet) -> dict[str, Tensor]:
    """Cómo está la cosa de cada imagen, en grupos desde 0: "scene", "size", "side", "shape" y "color", (n,) cada uno.

    size: chica, mediana o grande;  side: a la izquierda, al centro o a la derecha;  shape: acostada, intermedia o
    parada (alto entre ancho de su máscara). Son los tercios del conjunto.  color: su color más común, de los once.
    """
    rows = {name: [] for name in ("size", "side", "shape", "color")}
    for part in torch.arange(len(world)).split(250):
        masks = world.object_masks(part)                                                    # (b, h, w)
        area, columns, lines = masks.sum((1, 2)), masks.any(1), masks.any(2)
        place = torch.arange(masks.shape[2])
        rows["size"].append(area.float())
        rows["side"].append((masks.sum(1) * place).sum(1) / area.clamp(min=1))
        rows["shape"].append(lines.sum(1) / columns.sum(1).clamp(min=1))
        colors = torch.where(masks, color_index(world.images[part]), -1).flatten(1)
        rows["color"].append(_common(colors))
    traits = {name: torch.cat(values) for name, values in rows.items()}
    color, cuts = traits.pop("color"), torch.tensor([1 / 3, 2 / 3])
    thirds = {name: torch.bucketize(values, values.quantile(cuts)) for name, values in traits.items()}
    return {"scene": world.scenes, **thirds, "color": color}


def _common(colors: Tensor) -> Tensor:
    """El valor más repetido de cada renglón (b, p), sin contar los −1: (b,)."""
    counts = torch.zeros(len(colors), int(colors.max()) + 2).scatter_add_(1, colors + 1, torch.ones(colors.shape))
    return counts[:, 1:].argmax(1)

"""Las demostraciones de la lección 5 que recorren una capa disecada: sus unidades, y los conceptos."""
from collections.abc import Sequence
from functools import lru_cache

import ipywidgets as widgets
import torch
from torch import Tensor, nn

from labkit.activations import Unit
from labkit.device import device_of
from labkit.dissection import Dissection, iou_ceiling
from labkit.dissection.labels import DETECTOR_IOU, KINDS
from labkit.dissection.masks import maps_of, upsample
from labkit.exemplars import features
from labkit.images import bars, beside, caption, contact_sheet, draw_outline, enlarge, jpeg_bytes, sized, text_image
from labkit.regions import masks_of
from labkit.widgets.demo import Demo, choice, slider
from labkit.worlds import ConceptWorld

USUAL, DARK, QUALITY = 0.005, 0.35, 70      # la q del artículo; cuánto se ve lo que no se señala; la calidad del JPEG
CARD, WIDE, HALF = 128, 870, 430            # en píxeles: una imagen, el ancho de todo y su mitad
SHOWN, LISTED, NAMED = 5, 6, 4              # imágenes, unidades y nombres a la vista


def explore_detectors(model: nn.Module, world: ConceptWorld, layer: str, found: Dissection,
                      pictures: Tensor | None = None, sets: Sequence[Sequence[int]] | None = None) -> Demo:
    """Las unidades de una capa, de la que mejor detecta algo a la que peor: qué detecta, dónde responde y su imagen.

    found: de `dissect`, con esa red, ese conjunto y esa capa;  pictures: (c, 3, h, w), la imagen optimizada de cada
    unidad, si las hay (`load_gallery("escenas", "conv4").images`);  sets: de `name_sets`, los nombres que podrían ser
    el mejor de cada unidad con otras imágenes.  ValueError si no son de la misma capa.
    """
    peaks, iou = _peaks(model, world, layer, found), found.iou()
    if pictures is not None and len(pictures) != len(iou):
        raise ValueError(f"pictures: esperaba {len(iou)}, una por unidad, y recibí {len(pictures)}.")
    if sets is not None and len(sets) != len(iou):
        raise ValueError(f"sets: esperaba {len(iou)} conjuntos de nombres, uno por unidad, y recibí {len(sets)}.")
    top, high = peaks.topk(min(SHOWN, len(peaks)), 0).indices.T, max(iou.max().item(), 0.01)        # (c, 5)
    orders = {"iou": iou.amax(1).argsort(descending=True, stable=True).tolist(), "channel": [*range(len(iou))]}

    def draw(order: str, place: int) -> bytes:
        unit = Unit(layer, orders[order][place])
        values, which = iou[unit.channel].topk(min(3, iou.shape[1]))
        names = [_titled(found, k) if value else "nada" for value, k in zip(values.tolist(), which.tolist())]
        title = text_image(f"{unit}, {place + 1} de {len(iou)}. Sus conceptos de mayor IoU:", HALF, 13)
        table = bars(names, values, 0, (0.0, high), HALF, 22, 3)
        said = _verdict(found, unit, names[0], peaks)
        verdict = text_image(said if sets is None else f"{said}\n{_could_be(found, sets[unit.channel])}", HALF, 13)
        sheet = _lit_sheet(model, world, top[unit.channel], unit, found)
        row = [caption(sheet, f"las {top.shape[1]} imágenes en que más responde; iluminado, donde S ≥ T", 12)]
        if pictures is not None:
            picture = pictures[unit.channel].cpu()
            row.append(caption(enlarge(picture, max(1, round(CARD / picture.shape[-1]))), "optimizada", 12))
        head, strip = beside([torch.cat([title, table], 1), verdict]), beside(row)
        return jpeg_bytes(torch.cat([sized(head, 96, WIDE), sized(strip, strip.shape[1] + 4, WIDE)], 1), QUALITY)

    order = choice("orden", [("por IoU", "iou"), ("por canal", "channel")], "iou")
    place = slider("unidad", 0, len(iou) - 1)
    place.value = 0
    return Demo(draw, {"order": order, "place": place})


def explore_concepts(model: nn.Module, world: ConceptWorld, layer: str, found: Dissection) -> Demo:
    """Los conceptos, por categoría: qué unidades lo tienen entre sus tres mejores, su techo y dónde se ve.

    found: de `dissect`, con esa red, ese conjunto y esa capa.  El techo (`iou_ceiling`) es el de la mejor unidad, con
    lo que su máscara cubre. En cada categoría, de mayor a menor IoU. ValueError si no son de la misma capa.
    """
    peaks, iou = _peaks(model, world, layer, found), found.iou()
    present, ranks = _presence(world), _ranks(iou)
    frequency = found.tally.truth.double() / found.tally.pixels
    lit = found.tally.active[:, found.tally.categories].double() / found.tally.pixels           # (c, k)

    def draw(category: str, concept: int) -> bytes:
        rows, unit = present[:, concept].nonzero()[:, 0], Unit(layer, iou[:, concept].argmax().item())
        first, among = (ranks[:, concept] == 1).sum(), (ranks[:, concept] > 0).sum()
        mine = max(lit[unit.channel, concept].item(), 1e-9)                 # una muda no enciende nada
        text = (f"{_titled(found, concept)}\nEstá en {len(rows)} de {len(peaks)} imágenes; cubre "
                f"{100 * frequency[concept]:.2f} % de los píxeles.\n{unit} enciende {100 * mine:.2f} %: "
                f"su techo es {iou_ceiling(frequency[concept], mine):.3f}.\nUnidades que lo tienen como su mejor "
                f"concepto: {first}; entre los tres mejores: {among}.")
        head = beside([_ranking(iou[:, concept], ranks[:, concept], layer), text_image(text, HALF, 13)])
        parts = [sized(head, 150, WIDE)]
        rows = rows[peaks[rows, unit.channel].argsort(descending=True)]
        for half, word in ((rows[:SHOWN], "más"), (rows[SHOWN:][-SHOWN:], "menos")):
            parts.append(sized(_concept_row(model, world, half, unit, found, concept, word), CARD + 8, WIDE))
        return jpeg_bytes(torch.cat(parts, 1), QUALITY)

    # otra categoría cambia las dos listas: el segundo aviso encuentra el cuadro hecho
    return Demo(lru_cache(maxsize=64)(draw), _by_category(found, iou.amax(0)))


def unit_maps(model: nn.Module, images: Tensor, unit: Unit) -> Tensor:
    """El mapa de la unidad en cada imagen, (b, 1, h', w'), en la CPU."""
    with torch.no_grad():
        acts = maps_of(model, images.to(device_of(model)), unit.layer)
    return unit.map({unit.layer: acts})[:, None].cpu()


def concept_masks(world: ConceptWorld, rows: Tensor, concept: int) -> Tensor:
    """Dónde está el concepto en esas imágenes, (b, h, w)."""
    return torch.stack([where[concepts == concept].any(0) for concepts, where in masks_of(world.regions(rows))])


def _presence(world: ConceptWorld) -> Tensor:
    """Qué conceptos hay en cada imagen, (n, k)."""
    have = torch.zeros(len(world), len(world.names), dtype=torch.bool)
    for rows in torch.arange(len(world)).split(64):
        for row, (concepts, _) in zip(rows, masks_of(world.regions(rows))):
            have[row, concepts] = True
    return have


def _peaks(model: nn.Module, world: ConceptWorld, layer: str, found: Dissection) -> Tensor:
    """Lo más que responde cada unidad en cada imagen, (n, c); ValueError si la disección es de otra capa o conjunto."""
    peaks = features(model, world.pictures(torch.arange(len(world))), layer, "max")
    again = f'Prueba found = dissect(model, world, "{layer}").'
    if len(found.cuts) != peaks.shape[1]:
        raise ValueError(f"found: tiene {len(found.cuts)} unidades y «{layer}» tiene {peaks.shape[1]}. {again}")
    if found.names != list(world.names) or found.categories != list(world.categories):
        raise ValueError(f"found: sus {len(found.names)} conceptos no son los {len(world.names)} de world. {again}")
    return peaks


def _lit_sheet(model: nn.Module, world: ConceptWorld, rows: Tensor, unit: Unit, found: Dissection,
               concept: int | None = None) -> Tensor:
    """Unas imágenes en fila, a oscuras donde S < T, y con el contorno del concepto si lo hay."""
    images = world.pictures(rows).cpu()
    grown = upsample(unit_maps(model, images, unit), tuple(images.shape[2:]))                           # (b, 1, h, w)
    lit = (grown >= found.cuts[unit.channel]) & ~found.dead[unit.channel]
    scale = max(1, CARD // images.shape[-1])
    shown = enlarge(torch.where(lit, images, DARK * images), scale)
    if concept is not None:
        masks = enlarge(concept_masks(world, rows, concept), scale)
        shown = torch.stack([draw_outline(image, mask) for image, mask in zip(shown, masks)])
    return contact_sheet(shown, SHOWN)


def _verdict(found: Dissection, unit: Unit, name: str, peaks: Tensor) -> str:
    """Qué se dice de una unidad, en tres renglones."""
    best = found.iou()[unit.channel].max().item()
    said = (f"Detecta {name}: su IoU, {best:.3f}, pasa de {DETECTOR_IOU:g}." if best > DETECTOR_IOU
            else f"No la llamamos detectora: su mejor IoU no pasa de {DETECTOR_IOU:g}.")
    if found.dead[unit.channel]:
        said = "Es muda: da siempre el mismo valor, así que no distingue lugares y no cuenta."
    cut, peak = found.cuts[unit.channel].item(), peaks[:, unit.channel].max().item()
    return f"{said}\nUmbral T = {written(cut)}; lo más que responde, {written(peak)}."


def _could_be(found: Dissection, names: Sequence[int]) -> str:
    """Los nombres que podrían ser el mejor de una unidad, y cuántos son."""
    said = ", ".join(found.names[k] for k in names[:NAMED])
    more = f" y {len(names) - NAMED} más" if len(names) > NAMED else ""
    size = "Es uno" if len(names) == 1 else f"Son {len(names)}"
    return f"Con otras imágenes, su mejor concepto podría ser (95 %): {said}{more}. {size}."


def _ranks(iou: Tensor) -> Tensor:
    """Qué lugar tiene cada concepto en cada unidad, (c, k): 1, 2 o 3; 0 si no está entre los tres, o no coinciden."""
    best = iou.topk(min(3, iou.shape[1]), 1).indices
    places = torch.arange(1, best.shape[1] + 1).expand_as(best)
    return torch.zeros_like(iou, dtype=torch.long).scatter_(1, best, places) * (iou > 0)


def _ranking(iou: Tensor, ranks: Tensor, layer: str) -> Tensor:
    """Las unidades que tienen un concepto entre sus tres mejores, con su IoU; si no hay, las de mayor IoU."""
    order = iou.argsort(descending=True, stable=True)
    among = order[ranks[order] > 0]
    title = "Lo tienen entre sus tres mejores (y en qué lugar):"
    title = title if len(among) else "Ninguna lo tiene entre sus tres mejores:"
    shown = (among if len(among) else order)[:LISTED]
    names = [f"{layer}:{k}" + (f" ({ranks[k]}.º)" if ranks[k] else "") for k in shown.tolist()]
    table = bars(names, iou[shown], 0, (0.0, max(iou.max().item(), 0.01)), HALF, 20, 3)
    return torch.cat([text_image(title, HALF, 13), table], 1)


def _concept_row(model: nn.Module, world: ConceptWorld, rows: Tensor, unit: Unit, found: Dissection, concept: int,
                 word: str) -> Tensor:
    """Hasta cinco imágenes que tienen el concepto, y al lado qué son."""
    if not len(rows):
        return text_image("No hay imágenes, o no hay más, que lo tengan.", HALF, 13)
    note = f"Donde {word} responde {unit} entre las que lo tienen.\nContorno: el concepto.\nIluminado: S ≥ T."
    return beside([_lit_sheet(model, world, rows, unit, found, concept), text_image(note, 200, 13)])


def _by_category(found: Dissection, best: Tensor) -> dict[str, widgets.Widget]:
    """Una lista de categorías y otra con los conceptos de la escogida, de mayor a menor IoU."""
    groups: dict[str, list[tuple[str, int]]] = {name: [] for name in dict.fromkeys(found.categories)}
    for k in best.argsort(descending=True, stable=True).tolist():
        groups[found.categories[k]].append((f"{found.names[k]} · {best[k]:.3f}", k))
    start = found.categories[best.argmax()]
    category = choice("categoría", [(f"{kind_name(name)} ({len(some)})", name) for name, some in groups.items()], start)
    concept = choice("concepto", groups[start], groups[start][0][1])
    category.observe(lambda change: setattr(concept, "options", groups[change["new"]]), "value")
    return {"category": category, "concept": concept}


def _titled(found: Dissection, concept: int) -> str:
    return f"{found.names[concept]} ({kind_name(found.categories[concept])})"


def kind_name(category: str) -> str:
    """La categoría, en español."""
    return KINDS.get(category, category)


def written(value: float) -> str:
    """El número con dos decimales y su signo menos."""
    return f"{value:.2f}".replace("-", "−")

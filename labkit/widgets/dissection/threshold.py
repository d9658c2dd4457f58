"""La demostración del umbral, en la lección 5: de un mapa de activación y una máscara a un IoU."""
from collections.abc import Sequence
from dataclasses import dataclass
from difflib import get_close_matches
from math import floor

import torch
from torch import Tensor, nn

from labkit.activations import Unit
from labkit.dissection import Tail
from labkit.dissection.masks import upsample
from labkit.dissection.thresholds import tail_of
from labkit.images import (
    add_margin,
    bars,
    beside,
    caption,
    colorize,
    draw_outline,
    enlarge,
    jpeg_bytes,
    sized,
    text_image,
)
from labkit.widgets.demo import Demo, slider, steps
from labkit.widgets.dissection.units import (
    DARK,
    QUALITY,
    USUAL,
    WIDE,
    concept_masks,
    kind_name,
    unit_maps,
    written,
)
from labkit.worlds import ConceptWorld, categories_in, picture_batches

SHARES = (0.001, 0.002, 0.003, 0.005, 0.007, 0.01, 0.015, 0.02, 0.03, 0.05, 0.07, 0.1, 0.15, 0.2)
PANEL, BEST, QUIET = 192, 12, 8             # un cuadro, en píxeles; cuántas imágenes en que más responde y en que calla
YELLOW, ORANGE, SKY = (0.94, 0.89, 0.26), (0.95, 0.45, 0.05), (0.34, 0.71, 0.91)


@dataclass(frozen=True, eq=False)
class _Study:
    """Una unidad y un concepto: los mapas (n, h', w'), agrandados (n, h, w), las máscaras (n, h, w) y la cola.

    counted: (n,), en qué imágenes se cuenta: las que tienen algo de la categoría del concepto, como en el artículo.
    """
    maps: Tensor
    grown: Tensor
    truth: Tensor
    tail: Tail
    counted: Tensor

    def lit(self, rows: slice, share: float) -> Tensor:
        """Dónde S ≥ T, como en `dissect`: (b, h, w). En ningún lado si la unidad es muda: da siempre lo mismo."""
        cut, dead = self.tail.spread_cut(share)
        over = (self.maps[rows].flatten(1).amax(1) >= cut) & ~dead
        return (self.grown[rows] >= cut) & over[:, None, None]

    def iou(self, share: float) -> float:
        """El IoU de la unidad y el concepto en todas las imágenes que cuentan."""
        return _counts(self.lit(slice(None), share)[self.counted], self.truth[self.counted])[-1]


def explore_threshold(model: nn.Module, world: ConceptWorld, unit: Unit | str, concept: str, category: str = "",
                      shares: Sequence[float] = SHARES) -> Demo:
    """De un mapa a un IoU: con q cambia el umbral T, y con T la máscara de la unidad, la intersección y la unión.

    category: la del concepto («object»), si su nombre está en varias;  shares: las q que se pueden escoger, entre 0 y
    1. Las imágenes: en las que más responde la unidad y, después, las que tienen el concepto y en las que calla.
    ValueError si la unidad o el concepto no existen. Fuente: Bau et al. (2017), §2.
    """
    unit, k = Unit.parse(unit), _find(world, concept, category)
    if not shares or not all(0 < share < 1 for share in shares):
        raise ValueError(f"shares: esperaba números entre 0 y 1, sin llegar, y recibí {shares}.")
    study = _study(model, world, unit, k, max(shares))
    whole = {share: study.iou(share) for share in sorted(shares)}
    start = min(shares, key=lambda share: abs(share - USUAL))
    rows, high = _examples(study, start), max(*whole.values(), 0.01)

    def draw(image: int, share: float) -> bytes:
        row, note = rows[image - 1]
        lit, (cut, dead) = study.lit(slice(row, row + 1), share)[0], study.tail.spread_cut(share)
        ours, theirs, both, union, iou = _counts(lit, study.truth[row])
        mute = ": da siempre lo mismo, es muda y no cuenta" if dead else ""
        text = (f"{unit} y «{concept}» ({kind_name(world.categories[k])})\nImagen {row}: {note}.\n\n"
                f"q = {share:g} da T = {written(cut.item())}{mute}\n"
                f"M, la unidad: {ours} píxeles\nL, el concepto: {theirs}\n"
                f"M ∩ L, los dos: {both}\nM ∪ L, alguno: {union}\nIoU de esta imagen: {iou:.3f}\n\n"
                f"IoU en las {int(study.counted.sum())} imágenes, según q:")
        panels = _panels(world.pictures(torch.tensor([row]))[0].cpu(), study, row, lit)
        panels.append(_legend(both, ours - both, theirs - both))
        grid = torch.cat([beside(panels[:3]), beside(panels[3:])], 1)
        room = WIDE - grid.shape[2] - 8
        table = bars([f"{q:g}" for q in whole], [*whole.values()], [*whole].index(share), (0.0, high), room, 14, 3)
        column = torch.cat([text_image(text, room, 12), table], 1)
        return jpeg_bytes(beside([grid, sized(column, grid.shape[1], room)]), QUALITY)

    controls = {"image": slider("imagen", 1, len(rows)), "share": steps("q", shares)}
    controls["image"].value, controls["share"].value = 1, start
    return Demo(draw, controls)


def _study(model: nn.Module, world: ConceptWorld, unit: Unit, concept: int, share: float) -> _Study:
    """Los mapas de la unidad y las máscaras del concepto en todo el conjunto, la cola hasta `share` y qué cuenta."""
    maps = torch.cat([unit_maps(model, part, unit) for part in picture_batches(world, 64)])             # (n, 1, h', w')
    truth = torch.cat([concept_masks(world, rows, concept) for rows in torch.arange(len(world)).split(64)])
    grown = upsample(maps, tuple(truth.shape[1:]))[:, 0]
    kinds = categories_in(world, torch.arange(len(world)))
    counted = torch.tensor([world.categories[concept] in found for found in kinds])
    return _Study(maps[:, 0], grown, truth, tail_of(maps, floor(share * maps.numel()) + 1), counted)


def _find(world: ConceptWorld, concept: str, category: str) -> int:
    """Qué concepto se llama así; ValueError, con los parecidos o con sus categorías, si no es uno y solo uno."""
    same = [k for k, name in enumerate(world.names) if name == concept]
    if not same:
        close = " o ".join(f"«{name}»" for name in get_close_matches(str(concept).lower(), sorted(set(world.names))))
        raise ValueError(f"concept: no hay un concepto «{concept}»." + (f" ¿Quisiste decir {close}?" if close else ""))
    some = [k for k in same if category in ("", world.categories[k])]
    if len(some) != 1:
        kinds = " y ".join(f'"{world.categories[k]}"' for k in same)
        raise ValueError(f"category: «{concept}» está en {kinds}, y recibí {category!r}. Prueba con una.")
    return some[0]


def _counts(lit: Tensor, truth: Tensor) -> tuple[int, int, int, int, float]:
    """En píxeles, la unidad, el concepto, los dos y alguno; y el IoU, que es 0 si no hay ninguno."""
    ours, theirs, both, union = (int(mask.sum()) for mask in (lit, truth, lit & truth, lit | truth))
    return ours, theirs, both, union, both / max(union, 1)


def _examples(study: _Study, share: float) -> list[tuple[int, str]]:
    """Qué imágenes se ven y por qué: en las que más responde y las que, con más concepto, no pasan del umbral."""
    peaks, areas = study.maps.flatten(1).amax(1), study.truth.flatten(1).sum(1)
    best = peaks.topk(min(BEST, len(peaks))).indices.tolist()
    quiet = ((areas > 0) & (peaks < study.tail.cut(share))).nonzero()[:, 0]
    quiet = [row for row in quiet[areas[quiet].argsort(descending=True)].tolist() if row not in best]
    return [*((row, f"la {place}.ª en que más responde") for place, row in enumerate(best, start=1)),
            *((row, f"tiene el concepto; si q = {share:g}, no llega a T") for row in quiet[:QUIET])]


def _panels(image: Tensor, study: _Study, row: int, lit: Tensor) -> list[Tensor]:
    """Los cinco cuadros, con su título: la imagen, S, M, L, y las dos máscaras juntas."""
    scale = max(1, PANEL // image.shape[-1])
    heat = colorize(study.grown[row], limits=(study.tail.low.item(), study.tail.top.max().item()))
    image, heat, ours, theirs = (enlarge(one, scale) for one in (image, heat, lit, study.truth[row]))
    both = DARK * image.mean(0, keepdim=True).expand_as(image)
    for ink, where in zip(_inks(*ours.shape), (ours & theirs, ours & ~theirs, theirs & ~ours)):
        both = torch.where(where, ink, both)
    shown = {"la imagen": image, "S; la línea: S = T": draw_outline(heat, ours),
             "M, la unidad: S ≥ T": torch.where(ours, image, DARK * image),
             "L, el concepto": torch.where(theirs, image, DARK * image), "M y L juntas": both}
    return [caption(panel, title, 12) for title, panel in shown.items()]


def _inks(h: int, w: int) -> list[Tensor]:
    """Lo que pinta a los dos, solo a la unidad y solo al concepto: liso, diagonales y renglones, (3, h, w) cada uno."""
    y, x = torch.arange(h)[:, None], torch.arange(w)
    drawn = torch.ones(h, w), ((y + x) % 8 < 4).float(), (y % 6 < 3).float().expand(h, w)
    return [torch.tensor(ink)[:, None, None] * on for ink, on in zip((YELLOW, ORANGE, SKY), drawn)]


def _legend(both: int, ours: int, theirs: int) -> Tensor:
    """Qué es cada dibujo de M y L juntas, y cuántos píxeles tiene."""
    lines = [f"los dos: {both}", f"solo la unidad: {ours}", f"solo el concepto: {theirs}", "oscuro: ninguno"]
    swatches = [*_inks(20, 28), torch.full((3, 20, 28), 0.15)]
    rows = [beside([ink, text_image(line, 2 * PANEL, 12)[:, :26, :PANEL - 36]]) for ink, line in zip(swatches, lines)]
    return add_margin(torch.cat(rows, 1), top=30)

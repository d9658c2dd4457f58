"""Las demostraciones de las lecciones 5b y 5c: girar los ejes de una capa, y encender unidades de un generador."""
from collections import OrderedDict
from collections.abc import Mapping, Sequence
from typing import Protocol

import ipywidgets as widgets
import torch
from torch import Tensor, nn

from labkit.activations import Unit, record
from labkit.device import device_of
from labkit.dissection import Dissection, count_detectors, dissect, random_rotation, rotation_power
from labkit.dissection.labels import DETECTOR_IOU
from labkit.dissection.masks import maps_of, upsample
from labkit.dissection.rotation import Rotate
from labkit.experiments import switch_on
from labkit.images import (
    bars,
    beside,
    caption,
    contact_sheet,
    draw_box,
    draw_outline,
    enlarge,
    png_bytes,
    sized,
    text_image,
)
from labkit.models import ready
from labkit.widgets.demo import WHOLE_LABEL, Demo, choice, slider
from labkit.worlds import ConceptWorld

BIG, TEXT, NOTES = 3, 13, 240                           # cuántas veces se agranda; la letra; el ancho de las barras
INK = (1.0, 0.0, 0.0)                                   # la caja
WAYS = ("encender sus unidades", "pegar el cuadro de arriba")
TOLD = 5                                                # cuántas clases de la caja se nombran
POWERS = (0.0, 0.2, 0.4, 0.6, 0.8, 1.0)                 # cuánto se giran los ejes
SHOWN, CARD, HALF, WIDE, DARK = 5, 128, 430, 870, 0.35  # imágenes; píxeles; cuánto se ve lo que no se señala


class Judge(Protocol):
    """Quien dice qué es cada píxel: 0 es ninguna e i es `names[i - 1]`."""
    names: Sequence[str]

    def labels(self, images: Tensor) -> Tensor:
        """La clase de cada píxel, (b, h, w)."""


class Trunk(nn.Module):
    """Una red hasta una capa, que recuerda lo que dio con cada lote: sus ejes giran muchas veces, y ella no cambia."""

    def __init__(self, model: nn.Module, layer: str) -> None:
        super().__init__()
        self.source, self.kept = (model, layer), {}                     # en una tupla: sus pesos no son de esta

    def forward(self, images: Tensor) -> Tensor:
        model, layer = self.source
        key = images.cpu().numpy().tobytes()
        if key not in self.kept:
            self.kept[key] = maps_of(model, images.to(device_of(model)), layer).cpu()
        return self.kept[key]


def explore_turn(model: nn.Module, world: ConceptWorld, layer: str, seed: int = 0) -> Demo:
    """Los ejes de una capa, girados poco a poco: qué nombre le toca a cada unidad y dónde responde.

    layer: de mapas. Con α = 0 son sus unidades, de la de mayor IoU a la de menor; con α = 1, las de una rotación al
    azar, la de `seed`. La capa se diseca una vez por cada α. Fuente: Bau et al. (2017), §3.2.
    """
    images, trunk = world.pictures(torch.arange(len(world))), Trunk(model, layer)
    with torch.no_grad():
        maps = torch.cat([trunk(some) for some in images.split(64)])
    rotation = random_rotation(maps.shape[1], seed)
    turns = {power: rotation_power(rotation, power).to(maps) for power in POWERS}
    found = {power: _dissect_turned(trunk, world, turn) for power, turn in turns.items()}
    order = found[0.0].iou().amax(1).argsort(descending=True, stable=True).tolist()

    def draw(power: float, place: int) -> bytes:
        unit, here = order[place], found[power]
        turned = torch.einsum("j,njhw->nhw", turns[power][unit], maps)
        top = turned.flatten(1).amax(1).topk(min(SHOWN, len(turned))).indices
        lit = (upsample(turned[top, None], tuple(images.shape[2:])) >= here.cuts[unit]) & ~here.dead[unit]
        shown = torch.where(lit, images[top].cpu(), DARK * images[top].cpu())
        sheet = contact_sheet(enlarge(shown, max(1, CARD // images.shape[-1])), SHOWN)
        row = caption(sheet, f"las {len(top)} imágenes en que más responde; iluminado, donde pasa su umbral", TEXT)
        head = _unit_card(here, unit, f"{layer}:{unit}, con α = {power:g}. Sus conceptos de mayor IoU:")
        return png_bytes(torch.cat([sized(head, 96, WIDE), sized(row, row.shape[1], WIDE)], 1))

    power = widgets.SelectionSlider(options=[(f"{power:g}", power) for power in POWERS], value=POWERS[0],
                                    description="α", style=WHOLE_LABEL)
    place = slider("unidad, por su IoU sin girar", 0, len(order) - 1)
    place.value = 0
    return Demo(draw, {"power": power, "place": place})


def _dissect_turned(trunk: Trunk, world: ConceptWorld, turn: Tensor) -> Dissection:
    """La disección de la capa con sus ejes girados."""
    turned = nn.Sequential(OrderedDict(tronco=trunk, girada=Rotate(turn)))
    turned.layers = ["tronco", "girada"]
    return dissect(ready(turned), world, "girada")


def _unit_card(found: Dissection, unit: int, title: str) -> Tensor:
    """Los tres mejores conceptos de una unidad, si tiene nombre, y cuántos nombres hay en la capa."""
    iou = found.iou()
    values, which = iou[unit].topk(min(3, iou.shape[1]))
    names = [found.names[k] for k in which.tolist()]
    table = bars(names, values, 0, (0.0, max(float(iou.max()), 0.01)), HALF, 22, 3)
    said = (f"Se llama {names[0]}: su IoU pasa de {DETECTOR_IOU:g}." if values[0] > DETECTOR_IOU
            else f"Sin nombre: ningún IoU pasa de {DETECTOR_IOU:g}.")
    detectors, unique = count_detectors(iou)
    text = f"{said}\nEn toda la capa, con estas imágenes: {detectors} detectoras de {unique} conceptos distintos."
    return beside([torch.cat([text_image(title, HALF, TEXT), table], 1), text_image(text, HALF, TEXT)])


def explore_switch(painter: nn.Module, judge: Judge, codes: Tensor, units: Mapping[str, Sequence[Unit]],
                   values: Tensor, box: tuple[int, int] = (4, 8)) -> Demo:
    """Una caja que se mueve: el dibujo con esas unidades encendidas dentro, y lo que el juez dice de ella.

    codes: (n, …), los de n dibujos.  units: {concepto: sus unidades}, todas de una capa.  values: (c,), lo que vale
    cada unidad de la capa encendida.  box: su alto y su ancho, en casillas del mapa. También se puede pegar en la caja
    el cuadro que salió al encenderlas arriba de todo: los mismos píxeles, en otro lugar.
    """
    with torch.no_grad():
        plain = painter(codes)
    side = plain.shape[2]
    cell = side // _map_side(painter, codes, next(iter(units.values()))[0].layer)

    def lit(name: str, number: int, y: int, x: int) -> Tensor:
        lamps = list(units[name])
        spot = (y, x, y + box[0], x + box[1])
        with switch_on(painter, lamps, values[[unit.channel for unit in lamps]], spot), torch.no_grad():
            return painter(codes[number:number + 1])[0]

    def draw(concept: str, number: int, way: str, row: int, column: int) -> bytes:
        y0, x0 = row * cell, column * cell
        place = (y0, x0, y0 + box[0] * cell, x0 + box[1] * cell)
        inside = (slice(None), slice(*place[::2]), slice(*place[1::2]))
        if way == WAYS[0]:
            picture = lit(concept, number, row, column)
        else:
            picture = plain[number].clone()
            picture[inside] = lit(concept, number, 0, column)[:, :box[0] * cell, inside[2]]
        return png_bytes(_judged_picture(plain[number], picture, judge, concept, place))

    height, width = (side // cell - length for length in box)
    controls = {"concept": choice("concepto", [(name, name) for name in units], next(iter(units))),
                "number": choice("dibujo", [(str(i + 1), i) for i in range(len(codes))], 0),
                "way": choice("qué se hace", [(name, name) for name in WAYS], WAYS[0]),
                "row": _cells("casillas hacia abajo", height), "column": _cells("casillas a la derecha", width)}
    return Demo(draw, controls)


def _cells(label: str, last: int) -> widgets.IntSlider:
    """De 0 a `last` casillas; empieza en medio."""
    return widgets.IntSlider(value=last // 2, min=0, max=last, description=label, style=WHOLE_LABEL)


def _map_side(painter: nn.Module, codes: Tensor, layer: str) -> int:
    """El lado de los mapas de una capa, en casillas."""
    with torch.no_grad(), record(painter, [layer], stop=True) as acts:
        painter(codes[:1])
    return acts[layer].shape[2]


def _judged_picture(plain: Tensor, picture: Tensor, judge: Judge, concept: str,
                    place: tuple[int, int, int, int]) -> Tensor:
    """El cuadro: el dibujo como era, el de ahora y lo que el juez dice de la caja."""
    y0, x0, y1, x1 = place
    labels = judge.labels(picture[None])[0]
    inside = labels[y0:y1, x0:x1]
    kinds = ["ninguna", *judge.names]
    wanted = list(judge.names).index(concept) + 1
    shares = torch.bincount(inside.flatten(), minlength=len(kinds)).double() / inside.numel()
    others = [k for k in shares.argsort(descending=True, stable=True).tolist() if k != wanted][:TOLD - 1]
    shown = [wanted, *others]
    board = caption(bars([kinds[k] for k in shown], shares[shown], mark=0, width=NOTES),
                    "Parte de la caja que es de cada cosa, según el juez. ▸ señala lo que se encendió.", TEXT)
    seen = draw_outline(enlarge(picture.cpu(), BIG), enlarge((labels == wanted).cpu(), BIG))
    return beside([caption(_boxed(plain, place), "como era", TEXT), caption(_boxed(picture, place), "como quedó", TEXT),
                   caption(seen, f"lo que el juez llama «{concept}»", TEXT), board], 10)


def _boxed(image: Tensor, place: tuple[int, int, int, int]) -> Tensor:
    """La imagen agrandada, con el contorno de la caja por fuera de sus píxeles."""
    y0, x0, y1, x1 = (BIG * edge for edge in place)
    return draw_box(enlarge(image.cpu(), BIG), (y0 - 1, x0 - 1, y1 + 1, x1 + 1), INK)

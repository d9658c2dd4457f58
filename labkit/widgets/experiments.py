"""La demostración de la lección 5c: encender unidades de un generador en una caja que se mueve, y oír al juez."""
from collections.abc import Mapping, Sequence
from typing import Protocol

import ipywidgets as widgets
import torch
from torch import Tensor, nn

from labkit.activations import Unit, record
from labkit.experiments import switch_on
from labkit.images import bars, beside, caption, draw_box, draw_outline, enlarge, png_bytes
from labkit.widgets.demo import WHOLE_LABEL, Demo, choice

BIG, TEXT, NOTES = 3, 13, 240                           # cuántas veces se agranda; la letra; el ancho de las barras
INK = (1.0, 0.0, 0.0)                                   # la caja
WAYS = ("encender sus unidades", "pegar el cuadro de arriba")
TOLD = 5                                                # cuántas clases de la caja se nombran


class Judge(Protocol):
    """Quien dice qué es cada píxel: 0 es ninguna e i es `names[i - 1]`."""
    names: Sequence[str]

    def labels(self, images: Tensor) -> Tensor:
        """La clase de cada píxel, (b, h, w)."""


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

"""El mapa de la lección 4: una capa en el plano, que se recorre imagen por imagen. Sus juegos: `choices` y `causes`."""
from collections.abc import Sequence
from functools import lru_cache

import ipywidgets as widgets
import torch
from torch import Tensor

from labkit.exemplars import neighbours
from labkit.images import beside, contact_sheet, draw_box, enlarge, jpeg_bytes, sized, text_image
from labkit.widgets.demo import Demo, choice

SIDE, WIDE, NEAR = 420, 410, 6              # lado del mapa, ancho de lo demás, vecinos
QUALITY = 60
BLACK, WHITE = (0.0, 0.0, 0.0), (1.0, 1.0, 1.0)
INKS = ("#31688e", "#b03a2e", "#35865a", "#b784d0", "#c99a1a", "#7f7f7f")      # seis colores y cuatro marcas: 24 grupos
STAMPS = ((".....", ".###.", ".###.", ".###.", "....."),                      # las marcas, de 5 × 5 píxeles
          ("#...#", ".#.#.", "..#..", ".#.#.", "#...#"),
          ("#####", "#...#", "#...#", "#...#", "#####"),
          ("..#..", "..#..", "#####", "..#..", "..#.."))
WAYS = {"pca": "componentes principales", "tsne": "t-SNE", "som": "mapa autoorganizado"}

Groups = dict[str, tuple[Tensor, Sequence[str]]]


def explore_map(images: Tensor, vectors: dict[str, Tensor], maps: dict[tuple[str, str, int], Tensor], groups: Groups,
                answers: Sequence[str]) -> Demo:
    """Un mapa por capa, método y perplejidad; al recorrerlo, cada imagen con sus vecinos de verdad y los del mapa.

    images: (n, 3, h, w);  vectors: capa → (n, d);  maps: de `load_maps`, o hechos con `layout`;  groups: título →
    (a qué grupo va cada imagen (n,), los nombres);  answers: lo que la red dice de cada imagen.
    """
    layers, methods = (list(dict.fromkeys(key[place] for key in maps)) for place in (0, 1))
    most = max(len(names) for _, names in groups.values())
    legends = {name: _legend(names, most) for name, (_, names) in groups.items()}
    perplexities = sorted({key[2] for key in maps} - {0}) or [0]

    @lru_cache(maxsize=64)
    def painted(layer: str, method: str, perplexity: int, group: str) -> tuple[Tensor, Tensor]:
        corners = _corners(maps[layer, method, perplexity])
        return _dots(corners, groups[group][0]), corners

    def draw(layer: str, method: str, perplexity: int, group: str, point: int) -> bytes:
        perplexity = perplexity if (layer, method, perplexity) in maps else 0
        sheet, corners = painted(layer, method, perplexity, group)
        chosen = torch.tensor([point])
        true = neighbours(vectors[layer], NEAR, of=chosen)[0].tolist()
        drawn = neighbours(maps[layer, method, perplexity], NEAR, of=chosen)[0].tolist()
        sheet = _chosen(sheet, corners[true], corners[point])
        labels, names = groups[group]
        text = f"{names[labels[point]]}; la red dice: {answers[point]}"
        detail = f", perplejidad {perplexity}" if perplexity else ""
        title = text_image(f"{layer}, {WAYS.get(method, method)}{detail}; marcas: {group}", SIDE, 13)
        card = _card(images, point, text, true, drawn, legends[group])
        return jpeg_bytes(beside([torch.cat([title, sheet], 1), card]), QUALITY)

    controls = {
        "layer": choice("capa", [(name, name) for name in layers], layers[-1]),
        "method": choice("método", [(WAYS.get(name, name), name) for name in methods], methods[len(methods) // 2]),
        "perplexity": choice("perplejidad", [(str(p), p) for p in perplexities], perplexities[len(perplexities) // 2]),
        "group": choice("color", [(name, name) for name in groups], next(iter(groups))),
        "point": widgets.IntSlider(value=0, min=0, max=len(images) - 1, description="imagen"),
    }
    _hide_where_idle(controls["perplexity"], controls["method"], {key[1] for key in maps if key[2]})
    return Demo(draw, controls)


def _hide_where_idle(perplexity: widgets.Dropdown, method: widgets.Dropdown, with_it: set[str]) -> None:
    """La perplejidad se ofrece solo con los métodos que la tienen."""
    def offer(change: object = None) -> None:
        perplexity.layout.display = None if method.value in with_it else "none"

    offer()
    method.observe(offer, "value")


def _card(images: Tensor, point: int, text: str, true: list[int], drawn: list[int], legend: Tensor) -> Tensor:
    """La imagen escogida con su texto, sus vecinos de verdad, los del mapa y los colores."""
    both = len(set(true) & set(drawn))
    parts = [enlarge(images[point].cpu(), 2), text_image(text, WIDE, 12),
             text_image(f"sus {NEAR} vecinos de verdad (□ en el mapa; ella, la doble)", WIDE, 12), _row(images, true),
             text_image(f"sus {NEAR} vecinos en el mapa; {both} lo son de verdad", WIDE, 12), _row(images, drawn)]
    return torch.cat([sized(part, width=WIDE) for part in (*parts, legend)], 1)


def _corners(points: Tensor) -> Tensor:
    """Los puntos en píxeles del mapa, (n, 2), con orilla para sus marcas."""
    low, high = points.amin(0), points.amax(0)
    return (12 + (points - low) / (high - low).clamp(min=1e-9) * (SIDE - 25)).round().long()


def _dots(corners: Tensor, labels: Tensor) -> Tensor:
    """El mapa con una marca por punto, del color y la forma de su grupo, en un marco: (3, SIDE, SIDE)."""
    sheet = torch.ones(3, SIDE, SIDE)
    for group in labels.unique().tolist():
        ink, offsets = _mark(group)
        for dy, dx in offsets.tolist():
            sheet[:, corners[labels == group, 0] + dy, corners[labels == group, 1] + dx] = ink[:, None]
    return draw_box(sheet, (0, 0, SIDE, SIDE), BLACK)


def _mark(group: int) -> tuple[Tensor, Tensor]:
    """El color de un grupo, (3,), y los píxeles de su marca contados desde el centro, (p, 2)."""
    code, stamp = INKS[group % len(INKS)], STAMPS[group // len(INKS) % len(STAMPS)]
    ink = torch.tensor([int(code[i:i + 2], 16) / 255 for i in (1, 3, 5)])
    return ink, torch.tensor([[letter == "#" for letter in line] for line in stamp]).nonzero() - 2


def _ring(sheet: Tensor, corner: Tensor, reach: int, ink: tuple[float, float, float]) -> Tensor:
    """Una copia del mapa con un cuadro alrededor de un punto."""
    y, x = corner.tolist()
    return draw_box(sheet, (y - reach, x - reach, y + reach + 1, x + reach + 1), ink)


def _chosen(sheet: Tensor, near: Tensor, corner: Tensor) -> Tensor:
    """Una copia del mapa con un cuadro en cada vecino, (k, 2), y uno doble en la imagen escogida, (2,)."""
    for other in near:
        sheet = _ring(_ring(sheet, other, 5, WHITE), other, 6, BLACK)
    for reach, ink in ((9, BLACK), (10, BLACK), (11, WHITE), (12, BLACK)):
        sheet = _ring(sheet, corner, reach, ink)
    return sheet


def _row(images: Tensor, index: list[int]) -> Tensor:
    """Unas imágenes en fila."""
    return contact_sheet(images[index].cpu(), len(index))


def _legend(names: Sequence[str], most: int) -> Tensor:
    """Los nombres de los grupos con su marca, al doble, en tres columnas y con lugar para `most`."""
    cells = []
    for group, name in enumerate(names):
        ink, offsets = _mark(group)
        mark = torch.ones(3, 8, 8)
        mark[:, offsets[:, 0] + 3, offsets[:, 1] + 3] = ink[:, None]
        cells.append(beside([enlarge(mark, 2), text_image(name, 116, 11)], 0)[:, :16])
    cells += [torch.ones_like(cells[0])] * (-(-most // 3) * 3 - len(cells))
    return torch.cat([torch.cat(cells[i:i + 3], 2) for i in range(0, len(cells), 3)], 1)

"""Las demostraciones de la lección 4: un mapa de imágenes que se recorre, y el juego de adivinar qué excita más."""
from collections.abc import Sequence
from functools import lru_cache

import ipywidgets as widgets
import matplotlib
import torch
from torch import Tensor

from labkit.exemplars import Trials, neighbours
from labkit.images import add_margin, beside, caption, contact_sheet, draw_box, enlarge, jpeg_bytes, sized, text_image
from labkit.widgets.demo import Demo, choice

SIDE, WIDE, NEAR, DOT = 420, 410, 6, 2      # lado del mapa, ancho de lo demás, vecinos, medio lado de un punto
QUALITY = 60
BLACK, RED, BLUE = (0.0, 0.0, 0.0), (0.8, 0.1, 0.1), (0.1, 0.3, 0.8)
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
        labels, names = groups[group]
        return _dots(corners, _palette(len(names))[labels]), corners

    def draw(layer: str, method: str, perplexity: int, group: str, point: int) -> bytes:
        perplexity = perplexity if (layer, method, perplexity) in maps else 0
        sheet, corners = painted(layer, method, perplexity, group)
        chosen = torch.tensor([point])
        true = neighbours(vectors[layer], NEAR, of=chosen)[0].tolist()
        drawn = neighbours(maps[layer, method, perplexity], NEAR, of=chosen)[0].tolist()
        for k in true:
            sheet = _ring(sheet, corners[k], 5, BLUE)
        sheet = _ring(_ring(sheet, corners[point], 8, RED), corners[point], 9, RED)
        labels, names = groups[group]
        text = f"{names[labels[point]]}; la red dice: {answers[point]}"
        return jpeg_bytes(beside([sheet, _card(images, point, text, true, drawn, legends[group])]), QUALITY)

    controls = {
        "layer": choice("capa", [(name, name) for name in layers], layers[-1]),
        "method": choice("método", [(WAYS.get(name, name), name) for name in methods], methods[len(methods) // 2]),
        "perplexity": choice("perplejidad", [(str(p), p) for p in perplexities], perplexities[len(perplexities) // 2]),
        "group": choice("color", [(name, name) for name in groups], next(iter(groups))),
        "point": widgets.IntSlider(value=0, min=0, max=len(images) - 1, description="imagen"),
    }
    return Demo(draw, controls)


def explore_choice(images: Tensor, trials: Trials, synthetic: Tensor | None = None) -> Demo:
    """El juego de Borowski et al. (2021): con unas referencias de una unidad, ¿cuál de dos imágenes la excita más?

    images: (n, 3, h, w);  trials: de `choice_trials`;  synthetic: (t, 3, h, w), una imagen optimizada por prueba; sin
    ella, las referencias son las naturales.  Contestas las pruebas una por una y al final calificas.
    """
    count = len(trials.units)

    def draw(trial: int, graded: bool, **said: int) -> bytes:
        k = trial - 1
        shown = enlarge(synthetic[k].cpu(), 3) if synthetic is not None else \
            contact_sheet(images[trials.references[k]].cpu(), 3)
        pair = [caption(enlarge(images[index].cpu(), 2), name, 12)
                for index, name in zip(trials.queries[k].tolist(), ("izquierda", "derecha"))]
        hits = sum(said[f"n{i + 1}"] == answer for i, answer in enumerate(trials.answers.tolist()))
        mark = {True: "✓", False: "✗"}[said[f"n{trial}"] == int(trials.answers[k])]
        text = f"Acertaste {hits} de {count}; al azar, {count / 2:g}. Esta: {mark}" if graded else \
            f"Prueba {trial} de {count}. ¿Cuál excita más a {trials.units[k]}? Contesta en la lista {trial}."
        sheet = beside([caption(shown, "referencias" if synthetic is None else "referencia", 12), *pair], 24)
        return jpeg_bytes(caption(sized(sheet, width=540), text), 70)

    controls = {"trial": widgets.IntSlider(value=1, min=1, max=count, description="prueba")}
    for place in range(1, count + 1):
        controls[f"n{place}"] = choice(f"{place}", [("¿?", -1), ("izquierda", 0), ("derecha", 1)], -1)
        controls[f"n{place}"].layout = {"width": "150px"}
    controls["graded"] = widgets.Checkbox(value=False, description="calificar", indent=False)
    return Demo(draw, controls)


def _card(images: Tensor, point: int, text: str, true: list[int], drawn: list[int], legend: Tensor) -> Tensor:
    """La imagen escogida con su texto, sus vecinos de verdad, los del mapa y los colores."""
    both = len(set(true) & set(drawn))
    parts = [enlarge(images[point].cpu(), 2), text_image(text, WIDE, 12),
             text_image(f"sus {NEAR} vecinos de verdad (□ azul en el mapa)", WIDE, 12), _row(images, true),
             text_image(f"sus {NEAR} vecinos en el mapa; {both} lo son de verdad", WIDE, 12), _row(images, drawn)]
    return torch.cat([sized(part, width=WIDE) for part in (*parts, legend)], 1)


def _corners(points: Tensor) -> Tensor:
    """Los puntos en píxeles del mapa, (n, 2), con orilla para sus marcas."""
    low, high = points.amin(0), points.amax(0)
    return (12 + (points - low) / (high - low).clamp(min=1e-9) * (SIDE - 25)).round().long()


def _dots(corners: Tensor, inks: Tensor) -> Tensor:
    """El mapa con un cuadrito de color por punto: (3, SIDE, SIDE)."""
    sheet, reach = torch.ones(3, SIDE, SIDE), torch.arange(-DOT + 1, DOT)
    for dy in reach.tolist():
        for dx in reach.tolist():
            sheet[:, corners[:, 0] + dy, corners[:, 1] + dx] = inks.T
    return sheet


def _ring(sheet: Tensor, corner: Tensor, reach: int, ink: tuple[float, float, float]) -> Tensor:
    """Una copia del mapa con un cuadro alrededor de un punto."""
    y, x = corner.tolist()
    return draw_box(sheet, (y - reach, x - reach, y + reach + 1, x + reach + 1), ink)


def _row(images: Tensor, index: list[int]) -> Tensor:
    """Unas imágenes en fila."""
    return contact_sheet(images[index].cpu(), len(index))


def _palette(count: int) -> Tensor:
    """Un color por grupo, (count, 3)."""
    table = matplotlib.colormaps["tab20"] if count > 10 else matplotlib.colormaps["tab10"]
    return torch.tensor([table(k % table.N)[:3] for k in range(count)], dtype=torch.float32)


def _legend(names: Sequence[str], most: int) -> Tensor:
    """Los nombres de los grupos con su color, en tres columnas y con lugar para `most`."""
    cells = []
    for name, ink in zip(names, _palette(len(names))):
        cell = text_image(name, 130, 11)
        cell = add_margin(cell, left=5)
        cell[:, 3:11, :8] = ink[:, None, None]
        cells.append(cell[:, :16])
    cells += [torch.ones_like(cells[0])] * (-(-most // 3) * 3 - len(cells))
    return torch.cat([torch.cat(cells[i:i + 3], 2) for i in range(0, len(cells), 3)], 1)

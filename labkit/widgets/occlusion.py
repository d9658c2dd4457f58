"""Las demostraciones de la lección 1: un parche que se mueve, su mapa, la clase, las máscaras y tus imágenes."""
from collections.abc import Callable, Sequence
from functools import lru_cache
from itertools import product
from pathlib import Path

import torch
from PIL.Image import Image
from torch import Tensor, nn

from labkit.images import bars, beside, caption, colorize, draw_box, enlarge, jpeg_bytes, overlay, png_bytes
from labkit.objectives import Objective, probability
from labkit.occlusion import (
    boxes_grid_shape,
    class_probabilities,
    cover_mask,
    lowest_box,
    occlude,
    occluder_boxes,
    occlusion_map,
    occlusion_scores,
    paint_boxes,
)
from labkit.shapes import check_shape
from labkit.widgets.demo import Demo, choice, image_choice, slider, steps, upload_button, uploaded

FILLS = [("negro", 0.0), ("media", "mean"), ("desenfoque", "blur"), ("ruido", "noise")]
PICTURE = 256       # lado al que se agranda cada imagen, más o menos
MOST_BARS = 12      # con más clases, sólo se dibujan las de mayor probabilidad


def explore_patch(model: nn.Module, images: Tensor, labels: Tensor, classes: Sequence[str],
                  objective: Callable[[int], Objective] | None = None) -> Demo:
    """Un parche que se mueve sobre la imagen mientras las barras de probabilidad cambian.

    images: (n, 3, h, w);  labels: (n,);  objective: qué se escribe debajo, una función que da el objetivo de una clase,
    como `logit` o `margin`; si no la das, la probabilidad de la clase correcta.
    """
    _, h, w = check_shape(images, "n 3 h w", "images").values()
    images = images.cpu()

    def draw(image: int, y: int, x: int, size: int, fill: float | str) -> bytes:
        picture, label = images[image], int(labels[image])
        boxes = torch.tensor([[0, 0, 0, 0], [y, x, y + size, x + size]])     # sin tapar y tapada
        chances = class_probabilities(model, picture, boxes, fill)
        if objective is None:
            name, (clean, covered) = f"P({classes[label]})", chances[:, label].tolist()
        else:
            name = str(objective(label))
            clean, covered = occlusion_scores(model, picture, boxes, objective(label), fill).tolist()
        seen = _boxed(occlude(picture, boxes[1:], fill)[0], boxes[1])
        return _with_bars(seen, chances, classes, label, f"{name}: {clean:.3f} → {covered:.3f}")

    size = slider("tamaño", max(1, min(h, w) // 16), max(1, min(h, w) // 2))
    y, x = slider("fila y", 0, h - size.value), slider("columna x", 0, w - size.value)

    def keep_inside(change: dict) -> None:
        y.max, x.max = h - change["new"], w - change["new"]

    size.observe(keep_inside, "value")
    return Demo(draw, {"image": image_choice(labels, classes), "y": y, "x": x, "size": size,
                           "fill": choice("relleno", FILLS, 0.0)})


def explore_occlusion(model: nn.Module, image: Tensor, objective: Objective, sizes: Sequence[int] = (8, 16, 24, 32),
                      strides: Sequence[int] = (4, 8), precompute: bool = True) -> Demo:
    """Cómo cambia el mapa de una imagen (3, h, w) con el tamaño del parche, el paso y el relleno.

    Todas las combinaciones se calculan al crearla; con precompute=False, cada una la primera vez que se pide.
    """
    h, w = check_shape(image, "3 h w", "image").values()
    image = image.cpu()
    clean = occlusion_scores(model, image, torch.tensor([[0, 0, 0, 0]]), objective).item()

    @lru_cache(maxsize=None)
    def scores(size: int, stride: int, fill: float | str) -> Tensor:
        return occlusion_scores(model, image, occluder_boxes(h, w, size, stride), objective, fill)

    largest = torch.cat([scores(max(sizes), max(strides), fill) for _, fill in FILLS])      # fija la escala de color

    def draw(size: int, stride: int, fill: float | str) -> bytes:
        stride = min(stride, size)
        return png_bytes(_occlusion_panels(image, size, stride, clean, scores(size, stride, fill), largest))

    for size, stride, (_, fill) in product(sizes, strides, FILLS) if precompute else ():
        scores(size, min(stride, size), fill)
    return Demo(draw, {"size": steps("tamaño", sizes), "stride": steps("paso", strides),
                           "fill": choice("relleno", FILLS, 0.0)})


def explore_images(model: nn.Module, images: Tensor, labels: Tensor, classes: Sequence[str], size: int = 24,
                   stride: int = 4, fill: float | str = 0.0) -> Demo:
    """Qué parte de cada imagen sostiene a cada clase, no sólo a la correcta, y qué clase gana al tapar."""
    n, h, w = check_shape(images, "n 3 h w", "images").values()
    images, boxes = images.cpu(), torch.cat((torch.tensor([[0, 0, 0, 0]]), occluder_boxes(h, w, size, stride)))

    @lru_cache(maxsize=None)
    def chances(image: int) -> Tensor:
        return class_probabilities(model, images[image], boxes, fill)                       # (1 + n, k)

    def draw(image: int, target: int) -> bytes:
        clean, *_ = values = chances(image)[:, target]
        votes = chances(image)[1:].argmax(1).bincount()
        named = ", ".join(f"{classes[k]} {votes[k]}" for k in votes.argsort(descending=True)[:3] if votes[k])
        panels = _occlusion_panels(images[image], size, stride, clean.item(), values[1:], values.new_tensor([0.0, 1.0]))
        return png_bytes(caption(panels, f"Al tapar gana (en cuántas posiciones): {named}"))

    list(map(chances, range(n)))   # de una vez: después, elegir es inmediato
    target = choice("clase", [(name, k) for k, name in enumerate(classes)], int(labels[0]))
    return Demo(draw, {"image": image_choice(labels, classes), "target": target})


def explore_masks(model: nn.Module, images: Tensor, masks: Tensor, labels: Tensor, classes: Sequence[str]) -> Demo:
    """Qué contesta la red si se esconde el objeto entero, o el fondo entero, o si se cambia el fondo.

    images: (n, 3, h, w);  masks: bool (n, h, w), los píxeles del objeto;  labels: (n,). Se esconde en gris. El fondo
    nuevo es el de la siguiente imagen de otra clase, con el color medio de ese fondo donde estaba su objeto.
    """
    n, h, w = check_shape(images, "n 3 h w", "images").values()
    check_shape(masks, f"{n} {h} {w}", "masks")
    images, masks = images.cpu(), masks.cpu()
    options = [("nada", 0), ("el objeto", 1), ("el fondo", 2), ("el fondo, con otro fondo", 3)]

    def draw(image: int, hidden: int) -> bytes:
        picture, mask, label = images[image], masks[image], int(labels[image])
        other = next((k % n for k in range(image + 1, image + n) if labels[k % n] != label), image)
        color = images[other][:, ~masks[other]].mean(1)[:, None, None].expand(3, h, w)
        background = cover_mask(images[other], masks[other], color)
        covers = ((torch.zeros_like(mask), 0.0), (mask, 0.5), (~mask, 0.5), (~mask, background))
        view, none = cover_mask(picture, *covers[hidden]), torch.tensor([[0, 0, 0, 0]])
        chances = torch.cat([class_probabilities(model, seen, none) for seen in (picture, view)])
        text = "P({}): {:.3f} → {:.3f}".format(classes[label], *chances[:, label])
        return _with_bars(enlarge(view, _scale(view)), chances, classes, label, text)

    return Demo(draw, {"image": image_choice(labels, classes), "hidden": choice("se tapa", options, 0)})


def explore_upload(model: nn.Module, first: str | Path | bytes | Image, top: int = 5) -> Demo:
    """Una imagen tuya: la eliges con un botón y ves las `top` clases más probables y dónde mira la red la primera.

    model: cualquiera de `load_model` o `wrap` (su `.preprocess` ajusta la imagen);  first: la que se ve mientras tanto.
    El parche, desenfocado, mide un cuarto de la imagen y avanza un octavo.
    """
    def draw(file: object) -> bytes:
        picture = model.preprocess(uploaded(file) or first)
        side, none = picture.shape[1], torch.tensor([[0, 0, 0, 0]])
        chances = class_probabilities(model, picture, none)[0].cpu()
        best = chances.topk(min(top, len(chances)))
        winner = int(best.indices[0])
        heat = occlusion_map(model, picture, probability(winner), side // 4, side // 8, "blur").cpu()
        map_ = overlay(picture.mean(0, keepdim=True).expand_as(picture), colorize(heat, symmetric=True), 0.6)
        names = [model.classes[k] for k in best.indices]
        row = beside([*(enlarge(image, _scale(picture)) for image in (picture, map_)), bars(names, best.values)])
        text = f"Lo más probable: «{names[0]}».\nRojo: al desenfocar ahí, su probabilidad baja."
        return jpeg_bytes(caption(row, text))

    return Demo(draw, {"file": upload_button()})


def _occlusion_panels(image: Tensor, size: int, stride: int, clean: float, scores: Tensor, reference: Tensor) -> Tensor:
    """Tres cuadros: el parche que más baja la puntuación, la puntuación por posición y la caída media por píxel.

    reference: puntuaciones que fijan la escala de color, la misma en todos los cuadros de una demostración.
    """
    h, w = image.shape[1:]
    boxes, scale = occluder_boxes(h, w, size, stride), _scale(image)
    low, high = min(reference.min().item(), clean), max(reference.max().item(), clean)
    bound = max(high - clean, clean - low)
    positions = colorize(scores.view(boxes_grid_shape(h, w, size, stride)), limits=(low, high))
    heat = colorize(paint_boxes(boxes, clean - scores, h, w), symmetric=True, limits=(-bound, bound))
    lowest = lowest_box(boxes, scores)
    texts = [f"donde más baja: de {clean:.3f} a {scores.min():.3f}, con el parche en y={lowest[0]}, x={lowest[1]}",
             f"puntuación según dónde va el parche, de {low:.2f} (oscuro) a {high:.2f} (claro)",
             f"caída media por píxel: rojo, ayudaba; azul, estorbaba; escala ±{bound:.2f}"]
    panels = [_boxed(image, lowest), torch.nn.functional.interpolate(positions[None], (h * scale, w * scale))[0],
              enlarge(overlay(image.mean(0, keepdim=True).expand(3, h, w), heat, 0.7), scale)]
    return beside([caption(panel, text, 13) for panel, text in zip(panels, texts)])


def _with_bars(seen: Tensor, chances: Tensor, classes: Sequence[str], label: int, text: str) -> bytes:
    """Lo que ve la red, al lado las barras de lo que contesta (chances: (2, k), sin tapar y tapada), y debajo un texto.

    La clase correcta va señalada; si hay muchas clases, sólo se dibujan las más probables antes o después de tapar.
    """
    important = chances.amax(0)
    important[label] = 2.0   # siempre la primera
    shown = important.topk(min(MOST_BARS, len(important))).indices.sort().values.tolist()
    winner = int(chances[1].argmax())
    row = beside([seen, bars([classes[k] for k in shown], chances[1, shown], mark=shown.index(label))], pad=16)
    verdict = "✓ es la correcta" if winner == label else "✗ no es la correcta"
    return png_bytes(caption(row, f"{text} (sin tapar → tapada)\nGana «{classes[winner]}»: {verdict}"))


def _boxed(image: Tensor, box: Tensor) -> Tensor:
    """La imagen agrandada con el contorno del parche, blanco y rojo para que se vea sobre cualquier color."""
    outline = box * _scale(image)
    inner = draw_box(enlarge(image, _scale(image)), outline, (1.0, 1.0, 1.0))
    return draw_box(inner, outline + torch.tensor([-1, -1, 1, 1]))


def _scale(image: Tensor) -> int:
    return max(1, PICTURE // image.shape[1])

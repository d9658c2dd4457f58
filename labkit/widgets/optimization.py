"""Las demostraciones de la lección 2: una subida en vivo, sus cuadros, unidades y el presupuesto de un cambio."""
from collections.abc import Sequence

import ipywidgets as widgets
import torch
from torch import Tensor, nn

from labkit.anynet import logits_of
from labkit.datasets import ImageSet
from labkit.images import (bars, beside, caption, contact_sheet, draw_box, enlarge, jpeg_bytes, png_bytes, sized,
                           text_image)
from labkit.objectives import logit
from labkit.optimization import Ascent, PixelCanvas, maximize, noise
from labkit.ready_made import Gallery, load_gallery
from labkit.widgets.demo import Demo, choice, show_live, slider, steps

SIDE = 192                                      # lado de una imagen, más o menos
CARDS, TALL, WIDE = 200, 448, 896               # la galería: el alto de las tarjetas, el de la hoja y lo ancho de todo


class Watched(nn.Module):
    """Un lienzo que se deja ver mientras se sube: es el mismo, y cada `every` pasos muestra sus imágenes."""

    def __init__(self, canvas: nn.Module, every: int) -> None:
        super().__init__()
        self.canvas, self.every, self.step = canvas, every, 0
        self.view = widgets.Image(format="png")
        self.text = widgets.Label()

    def forward(self) -> Tensor:
        return self.canvas()

    def after_step(self, score: Tensor) -> None:
        """Lo que haga el lienzo y, cuando toca, la imagen de ahora."""
        if hasattr(self.canvas, "after_step"):
            self.canvas.after_step(score)
        self.step += 1
        if self.step % self.every == 0:
            self.show(f"paso {self.step} · puntuación media {score.mean():.1f}")

    def show(self, text: str) -> None:
        """Las imágenes del lienzo, ahora, con un texto."""
        images = self.canvas().detach()
        scale = max(1, SIDE // images.shape[-1])
        self.view.value, self.text.value = png_bytes(contact_sheet(images, 4, scale)), text


def watch(canvas: nn.Module, every: int = 4) -> Watched:
    """El mismo lienzo, a la vista: `maximize(model, objective, watch(canvas))` enseña la imagen conforme avanza."""
    watched = Watched(canvas, every)
    watched.show("antes de empezar")
    show_live(widgets.VBox([watched.view, watched.text]), "En vivo: la imagen mientras avanza; ejecuta la celda.")
    return watched


def explore_frames(ascents: Ascent | dict[str, Ascent], names: Sequence[str]) -> Demo:
    """Los cuadros que guardó una subida, uno por uno: la imagen, su paso y su puntuación.

    ascents: la subida, o título → subida con los mismos cuadros, para compararlas lado a lado.  names: uno por imagen.
    """
    ascents = {"": ascents} if isinstance(ascents, Ascent) else ascents
    kept = next(iter(ascents.values())).kept

    def draw(image: int, frame: int) -> bytes:
        step, parts = kept[frame], []
        for title, ascent in ascents.items():
            scale = max(1, SIDE // ascent.images.shape[-1])
            pair = contact_sheet(torch.stack([ascent.frames[0, image], ascent.frames[frame, image]]), 2, scale)
            text = f"al empezar · paso {step}: puntuación {ascent.scores[step, image]:.1f}"
            parts.append(caption(pair, f"{title}\n{text}" if title else text))
        return png_bytes(beside(parts))

    controls = {"image": choice("imagen", [(name, i) for i, name in enumerate(names)], 0)}
    return Demo(draw, controls | {"frame": slider("cuadro", 0, len(kept) - 1)})


def explore_units(panels: dict[str, Tensor], labels: Sequence[str]) -> Demo:
    """Una unidad vista de varias maneras, lado a lado: escoges la unidad y sus cuadros cambian.

    panels: título → (n, 3, h, w), un cuadro por unidad;  labels: el nombre de cada una de las n.
    """
    def draw(unit: int) -> bytes:
        shown = [enlarge(images[unit], max(1, SIDE // images.shape[-1])) for images in panels.values()]
        return png_bytes(beside([caption(image, title) for image, title in zip(shown, panels)]))

    return Demo(draw, {"unit": choice("unidad", [(name, i) for i, name in enumerate(labels)], 0)})


def explore_gallery(pictures: ImageSet, networks: dict[str, str], layers: Sequence[str], layer: str) -> Demo:
    """Todas las unidades de una capa y, de la que escojas, su imagen y las reales en que más responde.

    pictures: la prueba de Escenas;  networks: título → red con galería;  layers: las capas, y `layer` por cuál empezar.
    """
    shown = {(name, layer): load_gallery(name, layer) for name in networks.values() for layer in layers}

    def draw(network: str, layer: str, unit: int) -> bytes:
        here = shown[network, layer]
        unit = min(unit, len(here.images) - 1)
        return jpeg_bytes(torch.cat([_cards(here, unit, pictures), _units(here.images, unit)], 1), 21)

    controls = {"network": choice("red", list(networks.items()), next(iter(networks.values()))),
                "layer": choice("capa", [(name, name) for name in layers], layer)}

    def last() -> int:
        return len(shown[controls["network"].value, controls["layer"].value].images) - 1

    unit = slider("unidad", 0, last())
    unit.value = 0
    for control in controls.values():                       # cada capa tiene sus unidades: el control no pasa de ahí
        control.observe(lambda change: setattr(unit, "max", last()), "value")
    return Demo(draw, {**controls, "unit": unit})


def _cards(shown: Gallery, unit: int, pictures: ImageSet) -> Tensor:
    """Lo que se sabe de una unidad, su imagen y cuatro reales, con sus letreros: (3, CARDS, WIDE)."""
    best = shown.top[unit, :4]
    cards = [caption(enlarge(shown.images[unit], 3), "optimizada")]
    cards += [caption(enlarge(image, 2), pictures.classes[k])
              for image, k in zip(pictures.images[best], pictures.labels[best])]
    text = (f"Unidad {unit} de {len(shown.images)}. Ve {shown.field} × {shown.field} píxeles. Lo más que responde: "
            f"{shown.peaks[unit]:.1f} en la optimizada, {shown.real_peaks[unit]:.1f} en la mejor real.")
    return sized(torch.cat([text_image(text, WIDE), sized(beside(cards), width=WIDE)], 1), CARDS)


def _units(images: Tensor, unit: int) -> Tensor:
    """La hoja de una capa, tan grandes sus unidades como quepan, con un marco en la escogida: (3, TALL, WIDE)."""
    columns = next(c for c in range(4, WIDE) if c * (TALL // (WIDE // c)) >= len(images))
    side = WIDE // columns
    small = torch.nn.functional.interpolate(images, (side, side), mode="bilinear", antialias=True)
    sheet = contact_sheet(small, columns, pad=0)
    y, x = unit // columns * side, unit % columns * side
    for edge in (0, 1, 2):
        sheet = draw_box(sheet, (y + edge, x + edge, y + side - edge, x + side - edge))
    return sized(sheet, TALL, WIDE)


def explore_budget(model: nn.Module, image: Tensor, target: int, radii: Sequence[float] = (0.5, 1, 2, 4, 8, 16, 64),
                   mixes: Sequence[float] = (0.0, 0.25, 0.5, 0.75, 1.0), steps_up: int = 40) -> Demo:
    """Del ruido a la imagen y de un cambio mínimo a uno libre: la misma subida hacia la clase `target`.

    image: (3, h, w);  mixes: de qué se parte, 0 ruido y 1 la imagen;  radii: cuánto se puede alejar del comienzo (L2;
    en 64 × 64, con 64 casi nada lo detiene).
    """
    names, size = model.classes, image.shape[-1]
    pairs = [(mix, radius) for mix in mixes for radius in radii]
    begin = torch.stack([torch.lerp(noise(1, size)[0], image.cpu(), mix) for mix, _ in pairs])
    canvas = PixelCanvas(begin.to(image.device), torch.tensor([float(radius) for _, radius in pairs]))
    ended = maximize(model, logit(target), canvas, steps_up, lr=0.02).images
    with torch.no_grad():
        chances = logits_of(model, ended).softmax(1).cpu()

    def draw(mix: float, radius: float) -> bytes:
        i = pairs.index((mix, radius))
        before, after = begin[i], ended[i].cpu()
        change = (0.5 + 3 * (after - before)).clamp(0, 1)
        scale = max(1, SIDE // size)
        best = chances[i].topk(min(5, len(names))).indices.tolist()
        shown = [caption(enlarge(picture, scale), text) for picture, text in
                 ((before, "al empezar"), (after, "después"), (change, "el cambio, × 3"))]
        place = best.index(target) if target in best else None
        rows = bars([names[k] for k in best], chances[i, best], place, width=260)
        text = f"cambio de {(after - before).norm():.2f} (L2) · P({names[target]}) = {chances[i, target]:.3f}"
        return png_bytes(caption(beside([*shown, rows]), text))

    controls = {"mix": steps("de ruido (0) a imagen (1)", mixes), "radius": steps("radio", radii)}
    controls["mix"].value = max(mixes)
    return Demo(draw, controls)

"""Las demostraciones de la lección 2: una subida en vivo, sus cuadros, unidades y el presupuesto de un cambio."""
from collections.abc import Sequence

import ipywidgets as widgets
import torch
from torch import Tensor, nn

from labkit.datasets import ImageSet
from labkit.images import add_margin, bars, beside, caption, contact_sheet, draw_box, enlarge, jpeg_bytes, sized
from labkit.objectives import logit
from labkit.optimization import Ascent, PixelCanvas, maximize, noise
from labkit.ready_made import COLUMNS, Gallery, load_gallery
from labkit.widgets.demo import Demo, choice, show_live, slider, steps

SIDE, THUMB, QUALITY = 192, 30, 50  # lado de una imagen, más o menos; el de una en la galería; calidad del JPEG


class Watched(nn.Module):
    """Un lienzo que se deja ver mientras se sube: es el mismo, y cada `every` pasos muestra sus imágenes."""

    def __init__(self, canvas: nn.Module, every: int) -> None:
        super().__init__()
        self.canvas, self.every, self.step = canvas, every, 0
        self.view = widgets.Image(format="jpeg")
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
        self.view.value, self.text.value = jpeg_bytes(contact_sheet(images, 4, scale), QUALITY), text


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
        return jpeg_bytes(beside(parts), QUALITY)

    controls = {"image": choice("imagen", [(name, i) for i, name in enumerate(names)], 0)}
    return Demo(draw, controls | {"frame": slider("cuadro", 0, len(kept) - 1)})


def explore_units(panels: dict[str, Tensor], labels: Sequence[str]) -> Demo:
    """Una unidad vista de varias maneras, lado a lado: escoges la unidad y sus cuadros cambian.

    panels: título → (n, 3, h, w), un cuadro por unidad;  labels: el nombre de cada una de las n.
    """
    def draw(unit: int) -> bytes:
        shown = [enlarge(images[unit], max(1, SIDE // images.shape[-1])) for images in panels.values()]
        return jpeg_bytes(beside([caption(image, title) for image, title in zip(shown, panels)]), QUALITY)

    return Demo(draw, {"unit": choice("unidad", [(name, i) for i, name in enumerate(labels)], 0)})


def explore_gallery(pictures: ImageSet, networks: dict[str, str], layers: Sequence[str], layer: str) -> Demo:
    """Todas las unidades de una capa en cada red y, de la que escojas, su imagen y las reales en que más responde.

    pictures: la prueba de Escenas;  networks: título → red con galería, lado a lado;  layers: las capas, y `layer` por
    cuál empezar.
    """
    shown = {(name, layer): load_gallery(name, layer) for name in networks.values() for layer in layers}
    highest = max(len(gallery.images) for gallery in shown.values())

    def draw(layer: str, unit: int) -> bytes:
        unit = min(unit, len(shown[next(iter(networks.values())), layer].images) - 1)
        return jpeg_bytes(beside([_gallery_panel(title, shown[name, layer], unit, -(-highest // COLUMNS), pictures)
                                  for title, name in networks.items()]), 40)

    unit = slider("unidad", 0, highest - 1)
    unit.value = 0
    return Demo(draw, {"layer": choice("capa", [(name, name) for name in layers], layer), "unit": unit})


def _gallery_panel(title: str, shown: Gallery, unit: int, rows: int, pictures: ImageSet) -> Tensor:
    """La hoja de una capa, de `rows` renglones y con un marco en la unidad, y debajo su imagen y cuatro reales."""
    sheet = contact_sheet(_resized(shown.images, THUMB), COLUMNS, pad=0)
    sheet = sized(sheet, rows * THUMB)
    y, x = unit // COLUMNS * THUMB, unit % COLUMNS * THUMB
    for edge in (0, 1):
        sheet = draw_box(sheet, (y + edge, x + edge, y + THUMB - edge, x + THUMB - edge))
    best, side = shown.top[unit, :4], 3 * THUMB
    cards = [caption(_resized(shown.images[unit:unit + 1], side)[0], "optimizada", 12)]
    cards += [caption(image, pictures.classes[k], 12)
              for image, k in zip(_resized(pictures.images[best], side), pictures.labels[best])]
    strip = beside(cards, 7)
    strip = add_margin(strip, top=6, right=sheet.shape[2] - strip.shape[2])
    text = (f"{title} · unidad {unit} de {len(shown.images)} · campo receptivo: {shown.field} píxeles\n"
            f"Máximo: {shown.peaks[unit]:.1f} en la optimizada, {shown.real_peaks[unit]:.1f} en la mejor real")
    return caption(torch.cat([sheet, strip], 1), text, 12)


def _resized(images: Tensor, side: int) -> Tensor:
    """Las imágenes (n, 3, h, w) a `side` píxeles de lado: al achicar se suavizan; al agrandar se ven sus píxeles."""
    if side >= images.shape[-1]:
        return torch.nn.functional.interpolate(images, (side, side))
    return torch.nn.functional.interpolate(images, (side, side), mode="bilinear", antialias=True).clamp(0, 1)


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
        chances = model(ended).softmax(1).cpu()

    def draw(mix: float, radius: float) -> bytes:
        i = pairs.index((mix, radius))
        before, after = begin[i], ended[i].cpu()
        change = (0.5 + 3 * (after - before)).clamp(0, 1)
        scale = max(1, SIDE // size)
        best = chances[i].topk(min(5, len(names))).indices.tolist()
        shown = [caption(enlarge(picture, scale), text) for picture, text in
                 ((before, "al empezar"), (after, "después"), (change, "el cambio, × 3"))]
        rows = bars([names[k] for k in best], chances[i, best], mark=best.index(target) if target in best else None)
        text = f"cambio de {(after - before).norm():.2f} (L2) · P({names[target]}) = {chances[i, target]:.3f}"
        return jpeg_bytes(caption(beside([*shown, rows]), text), QUALITY)

    controls = {"mix": steps("de ruido (0) a imagen (1)", mixes), "radius": steps("radio", radii)}
    controls["mix"].value = max(mixes)
    return Demo(draw, controls)

"""Las demostraciones de la lección 2: una subida en vivo, sus cuadros, unidades y el presupuesto de un cambio."""
from collections.abc import Sequence

import ipywidgets as widgets
import torch
from IPython.display import display
from torch import Tensor, nn

from labkit.images import bars, beside, caption, contact_sheet, enlarge, jpeg_bytes
from labkit.objectives import logit
from labkit.optimization import Ascent, PixelCanvas, maximize, noise
from labkit.widgets.demo import Demo, choice, explorer, slider, steps

SIDE, QUALITY = 192, 60  # lado al que se agranda cada imagen, más o menos; calidad del JPEG


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
    display(widgets.VBox([watched.view, watched.text]))
    return watched


def explore_frames(ascent: Ascent, names: Sequence[str]) -> Demo:
    """Los cuadros que guardó una subida, uno por uno: la imagen, su paso y su puntuación.  names: uno por imagen."""
    scale = max(1, SIDE // ascent.images.shape[-1])

    def draw(image: int, frame: int) -> bytes:
        step = ascent.kept[frame]
        pictures = torch.stack([ascent.frames[0, image], ascent.frames[frame, image]])
        text = f"al empezar · paso {step}: puntuación {ascent.scores[step, image]:.1f}"
        return jpeg_bytes(caption(contact_sheet(pictures, 2, scale), text), QUALITY)

    frames = slider("cuadro", 0, len(ascent.kept) - 1)
    return explorer(draw, {"image": choice("imagen", [(name, i) for i, name in enumerate(names)], 0), "frame": frames})


def explore_units(panels: dict[str, Tensor], labels: Sequence[str]) -> Demo:
    """Una unidad vista de varias maneras, lado a lado: escoges la unidad y sus cuadros cambian.

    panels: título → (n, 3, h, w), un cuadro por unidad;  labels: el nombre de cada una de las n.
    """
    def draw(unit: int) -> bytes:
        shown = [enlarge(images[unit], max(1, SIDE // images.shape[-1])) for images in panels.values()]
        return jpeg_bytes(beside([caption(image, title) for image, title in zip(shown, panels)]), QUALITY)

    return explorer(draw, {"unit": choice("unidad", [(name, i) for i, name in enumerate(labels)], 0)})


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
    return explorer(draw, controls)

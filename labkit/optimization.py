"""Optimizar la entrada: buscar, con el gradiente, la imagen que más responde a una pregunta (lección 2).

Tres piezas: un lienzo (*canvas*), que da imágenes y sabe de dónde parte y de dónde no puede salirse; un objetivo, que
las puntúa; y `maximize`, que da los pasos. Fuente: Olah et al. (2017), «Feature Visualization», Distill,
doi:10.23915/distill.00007.
"""
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from labkit.activations import INPUT, Acts, Unit, get_layer, layer_names, run
from labkit.anynet import check_slope
from labkit.checks import check_climbable, check_scores, dice, one_per_image, whole_list
from labkit.device import device_of
from labkit.objectives import Objective, channel, each
from labkit.shapes import HUGE, check_kind, check_numbers, full, one_of, real, whole

NORMS = ("l2", "linf")
Transform = Callable[[Tensor], Tensor]  # (b, 3, h, w) → (b, 3, h, w)


class PixelCanvas(nn.Module):
    """Un lienzo de píxeles sueltos: `canvas()` da las imágenes (b, 3, h, w), siempre en [0, 1].

    start: las imágenes de las que parte, (b, 3, h, w): ruido (`noise`) o imágenes de un conjunto.
    radius: cuánto puede alejarse cada una de la suya (un número, o uno por imagen, (b,)), o None si es libre; norm:
    "l2" (raíz de la suma de cuadrados) o "linf" (el mayor cambio).  after: algo que se les hace tras cada paso.
    """

    def __init__(self, start: Tensor, radius: float | Tensor | None = None, norm: str = "l2",
                 after: Transform | None = None) -> None:
        super().__init__()
        check_numbers(start, "b 3 h w", "start")
        one_of(norm, "norm", NORMS)
        self.radius = None if radius is None else one_per_image(radius, len(start), "radius").to(start.dtype)
        self.norm, self.after = norm, after
        self.register_buffer("start", start.detach().clone())
        self.pixels = nn.Parameter(self.start.clone())

    def forward(self) -> Tensor:
        return self.pixels

    @torch.no_grad()
    def after_step(self, score: Tensor) -> None:
        """Lo que sigue a cada paso: `after`, no alejarse más de `radius` y quedarse en [0, 1]."""
        pixels = self.pixels if self.after is None else self.after(self.pixels)
        if self.radius is not None:
            pixels = self.start + within(pixels - self.start, self.radius.to(pixels.device), self.norm)
        self.pixels.copy_(pixels.clamp(0, 1))


@dataclass(frozen=True, eq=False)
class Ascent:
    """Lo que dejó una subida de b imágenes en n pasos.

    images: (b, 3, h, w) al final;  scores: (n + 1, b), la puntuación antes de cada paso y al final;  frames:
    (k, b, 3, h, w), la imagen en los pasos `kept`;  gradient: (b, 3, h, w), el del último paso respecto a la imagen.
    """
    images: Tensor
    scores: Tensor
    frames: Tensor
    kept: list[int]
    gradient: Tensor


def noise(b: int, size: int = 64, sd: float = 0.1, seed: int = 0) -> Tensor:
    """b imágenes grises con ruido en cada píxel, (b, 3, size, size) en [0, 1]; la misma semilla da las mismas."""
    b, size, sd = whole(b, "b", 1), whole(size, "size", 1), real(sd, "sd", 0, HUGE)
    generator = dice(seed)
    return (0.5 + sd * torch.randn(b, 3, size, size, generator=generator)).clamp(0, 1)


def within(shift: Tensor, radius: float | Tensor, norm: str = "l2") -> Tensor:
    """El cambio (b, 3, h, w) más parecido que no pasa de `radius`, un número o (b, 1, 1, 1), en esa norma."""
    check_numbers(shift, "b 3 h w", "shift")
    radius = one_per_image(radius, len(shift), "radius").to(shift)
    if one_of(norm, "norm", NORMS) == "linf":
        return shift.clamp(-radius, radius)
    length = shift.flatten(1).norm(dim=1).view(-1, 1, 1, 1)
    return shift * (radius / length.clamp(min=1e-12)).clamp(max=1)


def maximize(model: nn.Module, objective: Objective, canvas: nn.Module, steps: int = 128, lr: float = 0.05,
             transform: Transform | None = None, keep_every: int = 32) -> Ascent:
    """Sube la puntuación de cada imagen del lienzo, `steps` pasos de Adam, y cuenta cómo le fue.

    canvas: un módulo cuyo `forward()` da imágenes (b, 3, h, w) en [0, 1] y, si quiere, con `after_step(score)`, que se
    llama tras cada paso. Ahí quedan las imágenes: con el mismo lienzo se puede seguir. transform: algo que se les hace
    antes de mostrarlas a la red. keep_every: cada cuántos pasos se guarda un cuadro. Interrumpir (■) deja lo hecho
    hasta ahí. La red no cambia ni acumula gradientes, y ninguna imagen depende de sus vecinas.
    """
    check_kind(objective, Objective, "objective", "un objetivo")
    steps, keep_every = whole(steps, "steps", 1), whole(keep_every, "keep_every", 1)
    weights = check_climbable(canvas)
    adam = torch.optim.Adam(weights, real(lr, "lr", 0, HUGE), maximize=True)
    scores, frames, kept, gradient = [], [], [], torch.zeros_like(canvas().detach())
    try:
        for step in range(steps):
            with torch.enable_grad():
                images = canvas()
                score = _score(model, objective, images, transform)
                check_scores(score, len(images), objective)
                # la suma y no la media: así el paso de una imagen no depende de cuántas la acompañan
                gradient, *slopes = torch.autograd.grad(score.sum(), [images, *weights], materialize_grads=True)
            check_slope(model, gradient)
            if step % keep_every == 0:
                frames.append(images.detach().clone())
                kept.append(step)
            scores.append(score.detach())
            for weight, slope in zip(weights, slopes):
                weight.grad = slope
            adam.step()
            if hasattr(canvas, "after_step"):
                canvas.after_step(scores[-1])
    except KeyboardInterrupt:
        pass
    with torch.no_grad():
        images = canvas().detach().clone()
        scores.append(_score(model, objective, images))
    return Ascent(images, torch.stack(scores), torch.stack([*frames, images]), [*kept, len(scores) - 1],
                  gradient.detach())


def gallery(model: nn.Module, layer: str, steps: int = 64, lr: float = 0.03, size: int = 64, seed: int = 0,
            batch_size: int = 128) -> Ascent:
    """La imagen que más activa cada unidad de una capa: todas, en orden, y cada una desde el mismo ruido.

    Da lo mismo que subirlas de una en una. batch_size: cuántas se suben a la vez, según la memoria que tengas.
    """
    batch_size = whole(batch_size, "batch_size", 1)
    begin = noise(1, size, seed=seed).to(device_of(model))
    with torch.no_grad():
        units = [channel(Unit(layer, k)) for k in range(run(model, begin, [layer])[layer].shape[1])]
    groups = [units[i:i + batch_size] for i in range(0, len(units), batch_size)]
    parts = [maximize(model, each(some), PixelCanvas(begin.repeat(len(some), 1, 1, 1)), steps, lr) for some in groups]
    images, scores, frames, gradients = zip(*((p.images, p.scores, p.frames, p.gradient) for p in parts))
    return Ascent(torch.cat(images), torch.cat(scores, 1), torch.cat(frames, 1), parts[0].kept, torch.cat(gradients))


def dream(model: nn.Module, objective: Objective, image: Tensor, sizes: Sequence[int] = (64, 90, 128), steps: int = 12,
          lr: float = 0.01) -> list[Tensor]:
    """DeepDream: agrega a una imagen (3, h, w) lo que una capa ve en ella, primero en pequeño y luego en grande.

    sizes: el lado en cada octava. Devuelve la imagen tras cada octava, (3, lado, lado). A cada octava pasa la imagen
    original agrandada más lo que se le ha agregado.  Fuente: Mordvintsev, Olah y Tyka (2015), «Inceptionism».
    """
    check_numbers(image, "3 h w", "image")
    sizes = whole_list(sizes, "sizes")
    views, detail = [], torch.zeros_like(image)[None]
    for size in sizes:
        base, detail = (F.interpolate(x, (size, size), mode="bicubic", antialias=True) for x in (image[None], detail))
        canvas = PixelCanvas((base + detail).clamp(0, 1))
        dreamed = maximize(model, objective, canvas, steps, lr).images
        detail = dreamed - base
        views.append(dreamed[0])
    return views


def diversity(name: str) -> Objective:
    """Qué tan distinta es cada imagen de las demás del lote, según su estilo en la capa `name`: 1 − coseno medio.

    Se suma a otro objetivo para que varias subidas no lleguen al mismo óptimo: `logit(k) + 100 * diversity("conv3")`.
    """
    def measure(acts: Acts) -> Tensor:
        likeness = style_likeness(acts[name])
        return 1 - (likeness.sum(1) - 1) / max(len(likeness) - 1, 1)

    return Objective((name,), measure, f"diversidad en {name}")


def diversity_of(images: Tensor, model: nn.Module, layer: str) -> float:
    """Qué tan distintas ve la red unas imágenes (b, 3, h, w): la media de 1 − coseno entre sus estilos en `layer`.

    0: iguales. El estilo es la matriz de Gram de los canales, que no mira dónde está cada cosa.
    """
    check_numbers(images, "b 3 h w", "images")
    with torch.no_grad():
        return diversity(layer)(run(model, images, [layer])).mean().item() if len(images) > 1 else 0.0


def style_likeness(maps: Tensor) -> Tensor:
    """El coseno entre las matrices de Gram de cada pareja de imágenes: (b, c, h, w) → (b, b)."""
    check_numbers(maps, "b c h w" if isinstance(maps, Tensor) and maps.ndim == 4 else "b c", "maps")
    flat = full(maps).flatten(2) if maps.ndim == 4 else full(maps)[..., None]
    gram = F.normalize((flat @ flat.transpose(1, 2)).flatten(1), dim=1)
    return gram @ gram.T


@contextmanager
def redirect_relu(model: nn.Module, names: Sequence[str] | None = None) -> Iterator[None]:
    """Dentro del `with`, una ReLU apagada, que no tiene gradiente, deja pasar el que la encendería: todas o `names`."""
    handles = [get_layer(model, name).register_forward_hook(lambda _, inputs, output: _Redirected.apply(inputs[0]))
               for name in (layer_names(model, nn.ReLU) if names is None else names)]
    try:
        yield
    finally:
        for handle in handles:
            handle.remove()


class _Redirected(torch.autograd.Function):
    """max(x, 0), con otro gradiente: el de la ReLU y, donde x < 0, también el que pide subir."""

    @staticmethod
    def forward(ctx: object, values: Tensor) -> Tensor:
        ctx.save_for_backward(values)
        return values.clamp(min=0)

    @staticmethod
    def backward(ctx: object, slope: Tensor) -> Tensor:
        values, = ctx.saved_tensors
        return torch.where((values > 0) | (slope > 0), slope, torch.zeros_like(slope))


def _score(model: nn.Module, objective: Objective, images: Tensor, transform: Transform | None = None) -> Tensor:
    """La puntuación de las imágenes de un lienzo, (b,); a la red se le muestran transformadas."""
    shown = images if transform is None else transform(images)
    # con los canales al final en la memoria, una convolución en CPU tarda cerca de la mitad
    acts = run(model, shown.contiguous(memory_format=torch.channels_last), objective.layers)
    acts[INPUT] = images  # una penalización mira el lienzo, no lo transformado
    return objective(acts)

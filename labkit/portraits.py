"""El retrato de una unidad: las imágenes en que más responde y una hecha para ella (lecciones 2, 3, 4 y 5, juntas)."""
from functools import partial
from typing import NamedTuple

import torch
import torch.nn.functional as F
from torch import Tensor, nn
from tqdm import tqdm

from labkit.activations import Unit, get_layer, layer_names, run
from labkit.device import device_of
from labkit.dissection.masks import maps_of, upsample
from labkit.exemplars import peak_patches
from labkit.images import centered, draw_outline, enlarge, jpeg_bytes, to_uint8
from labkit.objectives import channel, each
from labkit.optimization import maximize, redirect_relu
from labkit.pictures import load_picture
from labkit.progress import progress, with_bar
from labkit.ready_made import Gallery
from labkit.regularization import FourierCanvas, color_matrix, compose, jitter, rotate, scale, soft_noise
from labkit.worlds import ConceptWorld, picture_batches

SHOWN, TILE = 5, 128                        # imágenes por unidad; su lado, a lo más
SIDE, TOGETHER = 96, 8                      # el lado de lo que se optimiza, a lo más; cuántas unidades a la vez
LIT_FIRST = 4                               # en uno de cada cuatro pasos, al principio, se deja encender a las ReLU
NOISES, STRENGTHS = 16, (0.2, 0.1, 0.05)    # para volver a intentar: cuántos ruidos, y de qué desviación
WEIGHTED = ("Convolution", "mm", "Mm", "Linear", "Attention")               # operaciones con pesos
GRAY = 0.02                                 # lo que ha de cambiar en promedio para no ser el ruido de antes
QUALITY = 90


class Made(NamedTuple):
    """La imagen hecha para una unidad.

    jpeg: la imagen, (3, lado, lado), como archivo; None si la unidad no se encendió, si no subió, o si la imagen no se
    movió del ruido gris del que partió.  reached, began: lo más que responde la unidad en la imagen (tal como queda en
    el archivo) y en ese ruido;  mean, first: la media de su mapa, que es lo que se sube, en una y en otro;  moved:
    cuánto cambió la imagen, en promedio.
    """
    jpeg: bytes | None
    reached: float
    began: float
    mean: float
    first: float
    moved: float


class Exemplars(NamedTuple):
    """Las imágenes en que más responde una unidad.

    tiles: (n, 3, lado, lado), con el contorno de lo que pasa su umbral;  peaks: (n,), lo más que responde en cada una;
    rows: (n,), cuáles son.
    """
    tiles: Tensor
    peaks: Tensor
    rows: Tensor


# ── la imagen hecha para cada unidad ─────────────────────────────────────────────────────────────────────────────────

def imagined(model: nn.Module, world: ConceptWorld, units: list[Unit], steps: int) -> list[Made]:
    """La imagen que más activa cada unidad de una capa, regularizada como en la lección 3.

    Se busca en frecuencias y moviéndola, en los colores del conjunto; todas parten del mismo ruido. Una unidad apagada
    no da gradiente: al principio, las ReLU por las que sale la capa (`last_relus`) dejan pasar el que la encendería; lo
    demás de la red, no, o se subiría por unidades que siguen apagadas. La que no se encienda se intenta otra vez, con
    todas abiertas y desde el ruido, de varios, en que más responde.  KeyboardInterrupt si se interrumpe.
    """
    if not units:
        return []
    images, device = next(picture_batches(world, 32)), device_of(model)
    relus, dense = last_relus(model, images[:1].to(device), units[0].layer)
    side = images.shape[-1] if dense else min(SIDE, images.shape[-1])
    start, colors = soft_noise(1, side).to(device), color_matrix(images)
    colors = colors if colors.det().abs() > 1e-4 else None                  # en puros grises no hay otros colores
    climb = partial(_climb, model, colors=colors, steps=steps)
    with progress("Optimizando", len(units) * steps, "pasos") as bar:
        made = climb(units, start.expand(len(units), -1, -1, -1), bar, relus=relus)
        again = [place for place, one in enumerate(made) if one.jpeg is None]
        if again:
            bar.total += len(again) * steps
            off = [units[place] for place in again]
            second = climb(off, _best_noise(model, off, side), bar, relus=layer_names(model, nn.ReLU))
            for place, one in zip(again, second, strict=True):
                made[place] = one if one.jpeg else made[place]
    return made


def last_relus(model: nn.Module, images: Tensor, layer: str) -> tuple[list[str], bool]:
    """Las ReLU de la red por las que sale una capa, sin pesos de por medio, y si la capa es densa.

    Se siguen hacia atrás las operaciones que dieron la salida, hasta topar con una ReLU o con algo que tenga pesos.
    """
    made, handles = {}, []
    for name in layer_names(model, nn.ReLU):
        handles.append(get_layer(model, name).register_forward_hook(
            lambda _, inputs, output, name=name: made.setdefault(output.grad_fn, name) and None))
    try:
        with torch.enable_grad():
            output = run(model, images.detach().clone().requires_grad_(), [layer])[layer]
    finally:
        for handle in handles:
            handle.remove()
    found, todo, seen = [], [output.grad_fn], set()
    while todo:
        node = todo.pop()
        if node is None or node in seen:
            continue
        seen.add(node)
        if node in made:
            found.append(made[node])
        elif not any(word in node.name() for word in WEIGHTED):
            todo += [before for before, _ in node.next_functions]
    return sorted(set(found)), output.ndim == 2


def _best_noise(model: nn.Module, units: list[Unit], side: int) -> Tensor:
    """Por unidad, de varios ruidos suaves, los más fuertes primero, aquel en que más responde: (u, 3, lado, lado)."""
    noises = torch.cat([soft_noise(NOISES, side, sd, seed=seed) for seed, sd in enumerate(STRENGTHS)])
    noises = noises.to(device_of(model))
    with torch.no_grad():
        maps = torch.cat([maps_of(model, some, units[0].layer) for some in noises.split(NOISES)])
    return noises[maps.flatten(2).mean(2)[:, [unit.channel for unit in units]].argmax(0)]


class _Counted(FourierCanvas):
    """El lienzo de la lección 3, que además cuenta sus pasos en una barra."""

    def __init__(self, start: Tensor, colors: Tensor | None, bar: tqdm) -> None:
        super().__init__(start, 1.5, colors)
        self.bar = bar

    def after_step(self, score: Tensor) -> None:
        """Lo que sigue a cada paso: contarlo, uno por imagen."""
        super().after_step(score)
        self.bar.update(len(score))


def _climb(model: nn.Module, units: list[Unit], start: Tensor, bar: tqdm, colors: Tensor | None, steps: int,
           relus: list[str]) -> list[Made]:
    """Sube una imagen por unidad desde `start`, (u, 3, lado, lado): primero con esas ReLU abiertas; luego, tal cual."""
    made, first = [], -(-steps // LIT_FIRST)
    groups = [units[place:place + TOGETHER] for place in range(0, len(units), TOGETHER)]
    for group, begin in zip(groups, start.split(TOGETHER), strict=True):
        canvas, goal = _Counted(begin, colors, bar), each([channel(unit) for unit in group])
        for part, opened in ((first, relus), (steps - first, [])):
            move = compose(jitter(start.shape[-1] // 12), rotate(10), scale(0.15))
            with redirect_relu(model, opened):
                done = len(maximize(model, goal, canvas, part, 0.2, move).scores) - 1 if part else 0
            if done < part:                                                 # `maximize` deja lo hecho y no dice más
                raise KeyboardInterrupt
        made += _checked(model, group, canvas().detach(), begin)
    return made


def _checked(model: nn.Module, units: list[Unit], images: Tensor, start: Tensor) -> list[Made]:
    """Cada imagen como queda en su archivo, si de verdad enciende a su unidad y no es el ruido del que partió."""
    files = [jpeg_bytes(image, QUALITY) for image in images]
    printed = torch.stack([load_picture(file) for file in files]).to(start)
    peaks, means = _responses(model, units, printed)
    began, first = _responses(model, units, start)
    moved = (printed - start).abs().mean((1, 2, 3)).tolist()
    rows = zip(files, peaks, began, means, first, moved, strict=True)
    return [Made(file if mean > max(0, before) and far > GRAY else None, peak, noise, mean, before, far)
            for file, peak, noise, mean, before, far in rows]


def _responses(model: nn.Module, units: list[Unit], images: Tensor) -> tuple[list[float], list[float]]:
    """El máximo y la media del mapa de cada unidad en su imagen."""
    with torch.no_grad():
        maps = maps_of(model, images, units[0].layer)
    own = torch.stack([maps[place, unit.channel].flatten() for place, unit in enumerate(units)])
    return own.amax(1).tolist(), own.mean(1).tolist()


def rung(model: nn.Module, images: Tensor, layer: str, shown: Gallery, units: list[int], side: int = 128) -> Tensor:
    """Un escalón de la escalera: por unidad, la imagen hecha para ella y el pedazo real que más la excita.

    images: las de la prueba, (n, 3, h, w);  shown: la galería de la capa.  Da (2 · unidades, 3, side, side). El pedazo
    mide lo que la unidad alcanza a ver: cuanto más arriba la capa, más grande.
    """
    tiles = []
    for unit in units:
        patch = peak_patches(model, images[shown.top[unit, :1]], f"{layer}:{unit}")[0]
        tiles += [centered(shown.images[unit], side), centered(patch, side)]
    return torch.stack(tiles)


# ── las imágenes en que más responde ─────────────────────────────────────────────────────────────────────────────────

def best_images(model: nn.Module, world: ConceptWorld, layer: str, channels: list[int], cuts: Tensor
                ) -> list[Exemplars]:
    """Por unidad, las imágenes en que más responde, con el contorno de donde llega a su umbral.

    channels: cuáles unidades;  cuts: (c,), el umbral de todas las de la capa. Se guardan los mapas, que son chicos, y
    las imágenes se leen otra vez, ya del tamaño en que se enseñan.
    """
    if not channels:
        return []
    peaks, rows, maps = _strongest(model, world, layer, channels)
    own, inverse = rows.unique(return_inverse=True)
    images, found = _small(world, own), []
    for place, unit in enumerate(channels):
        tiles = [_outlined(images[spot], heat, cuts[unit])
                 for spot, heat in zip(inverse[:, place].tolist(), maps[:, place])]
        found.append(Exemplars(torch.stack(tiles), peaks[:, place], rows[:, place]))
    return found


def _strongest(model: nn.Module, world: ConceptWorld, layer: str, channels: list[int]) -> tuple[Tensor, Tensor, Tensor]:
    """De cada unidad, lo más que responde en sus mejores imágenes, (n, u), cuáles son y su mapa, (n, u, h, w)."""
    device, kept = device_of(model), None
    batches = with_bar(picture_batches(world, 32), "Buscando ejemplares", len(world))
    first = 0
    with torch.no_grad():
        for images in batches:
            maps = maps_of(model, images.to(device), layer)[:, channels].cpu()
            numbers = torch.arange(first, first + len(maps))[:, None].expand(-1, len(channels))
            new, first = (maps.flatten(2).amax(2), numbers, maps), first + len(maps)
            kept = new if kept is None else tuple(torch.cat(pair) for pair in zip(kept, new))
            order = kept[0].argsort(dim=0, descending=True, stable=True)[:SHOWN]        # en un empate, la primera
            kept = kept[0].gather(0, order), kept[1].gather(0, order), kept[2][order, torch.arange(len(channels))]
    return kept


def _small(world: ConceptWorld, rows: Tensor) -> Tensor:
    """Las imágenes pedidas, con su lado mayor de `TILE` píxeles a lo más, en enteros de 0 a 255: (n, 3, h, w)."""
    parts = []
    for some in rows.split(32):
        images = world.pictures(some)
        ratio = TILE / max(images.shape[-2:])
        if ratio < 1:
            size = [max(1, round(side * ratio)) for side in images.shape[-2:]]
            images = F.interpolate(images, size, mode="bilinear", antialias=True)
        parts.append(to_uint8(images))
    return torch.cat(parts)


def _outlined(image: Tensor, heat: Tensor, cut: Tensor) -> Tensor:
    """Una imagen (3, h, w) de 0 a 255, agrandada lo que quepa, con el contorno de donde el mapa llega a su umbral."""
    mask = upsample(heat[None, None], tuple(image.shape[-2:]))[0, 0] >= cut
    factor = max(1, TILE // max(image.shape[-2:]))
    return draw_outline(enlarge(image / 255, factor), enlarge(mask, factor))

"""El retrato de una unidad: las imágenes en que más responde y una hecha para ella (lecciones 2, 3, 4 y 5, juntas)."""
import torch
from torch import Tensor, nn

from labkit.activations import Unit, run
from labkit.device import device_of
from labkit.dissection.masks import maps_of, upsample
from labkit.exemplars import peak_patches
from labkit.images import centered, contact_sheet
from labkit.objectives import channel, each
from labkit.optimization import maximize, redirect_relu
from labkit.progress import progress
from labkit.ready_made import Gallery
from labkit.regularization import FourierCanvas, color_matrix, compose, jitter, rotate, scale, soft_noise
from labkit.worlds import ConceptWorld, picture_batches

SHOWN, DARK = 5, 0.25                       # imágenes por unidad; cuánto se ve lo de fuera
SIDE, TOGETHER = 96, 32                     # el lado de lo que se optimiza, a lo más; cuántas unidades a la vez


def imagined(model: nn.Module, world: ConceptWorld, units: list[Unit], steps: int) -> list[Tensor]:
    """La imagen que más activa cada unidad de una capa, (3, lado, lado), regularizada como en la lección 3.

    Se busca en frecuencias y moviéndola, en los colores del conjunto; todas parten del mismo ruido.
    """
    if not units:
        return []
    images, device, made = next(picture_batches(world, TOGETHER)), device_of(model), []
    with torch.no_grad():
        dense = run(model, images[:1].to(device), [units[0].layer])[units[0].layer].ndim == 2
    start = soft_noise(1, images.shape[-1] if dense else min(SIDE, images.shape[-1])).to(device)
    colors = color_matrix(images)
    colors = colors if colors.det().abs() > 1e-4 else None                  # en puros grises no hay otros colores
    groups = [units[i:i + TOGETHER] for i in range(0, len(units), TOGETHER)]
    with progress("Optimizando", len(units), "unidades") as bar:
        for group in groups:
            climbed = _climbed(model, group, start, colors, steps)
            stuck = [i for i, unit in enumerate(group) if torch.allclose(climbed[i], start[0], atol=0.02)]
            if stuck:                                                       # una ReLU apagada no tiene gradiente
                with redirect_relu(model):
                    climbed[stuck] = _climbed(model, [group[i] for i in stuck], start, colors, steps)
            made += climbed.cpu()
            bar.update(len(group))
    return made


def _climbed(model: nn.Module, units: list[Unit], start: Tensor, colors: Tensor | None, steps: int) -> Tensor:
    """Una imagen por unidad, (u, 3, lado, lado), subida desde `start`."""
    canvas = FourierCanvas(start.repeat(len(units), 1, 1, 1), 1.5, colors)
    move = compose(jitter(start.shape[-1] // 12), rotate(10), scale(0.15))
    return maximize(model, each([channel(unit) for unit in units]), canvas, steps, 0.2, move).images


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


def best_images(model: nn.Module, world: ConceptWorld, layer: str, channels: list[int], cuts: Tensor) -> list[Tensor]:
    """Por unidad, una hoja (3, H, W) con las imágenes en que más responde; lo que no pasa su umbral, a oscuras."""
    if not channels:
        return []
    device, kept = device_of(model), {k: [] for k in channels}
    with torch.no_grad():
        for images in picture_batches(world, 32):
            maps = maps_of(model, images.to(device), layer)[:, channels].cpu()
            for place, k in enumerate(channels):
                peaks, rows = maps[:, place].flatten(1).amax(1).topk(min(SHOWN, len(images)))
                least = kept[k][-1][0] if len(kept[k]) == SHOWN else -torch.inf         # copias: lo demás se suelta
                kept[k] += [(peak, images[row].clone(), maps[row, place].clone())
                            for peak, row in zip(peaks.tolist(), rows.tolist()) if peak > least]
                kept[k] = sorted(kept[k], key=lambda one: -one[0])[:SHOWN]
    return [contact_sheet(torch.stack([_lit(image, heat, cuts[k]) for _, image, heat in kept[k]]), SHOWN,
                          max(1, 128 // kept[k][0][1].shape[-1])) for k in channels]


def _lit(image: Tensor, heat: Tensor, cut: Tensor) -> Tensor:
    """La imagen (3, h, w) con lo que no pasa el umbral a oscuras."""
    grown = upsample(heat[None, None], tuple(image.shape[-2:]))[0]
    return torch.where(grown >= cut, image, DARK * image)

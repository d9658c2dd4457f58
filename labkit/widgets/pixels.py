"""Las demostraciones de la lección 0: cualquier imagen, capa y canal; y tu foto, que cambia mientras miras una capa."""
import importlib.util
import sys
from collections.abc import Callable, Sequence
from functools import lru_cache
from pathlib import Path

import ipywidgets as widgets
import torch
from PIL import Image
from torch import Tensor, nn

from labkit.activations import get_layer, run
from labkit.checks import check_images
from labkit.images import (
    bars,
    beside,
    caption,
    color_bar,
    color_limits,
    colorize,
    contact_sheet,
    draw_box,
    enlarge,
    jpeg_bytes,
    png_bytes,
    sized,
    text_image,
)
from labkit.models.plain import GlobalAverage
from labkit.widgets.demo import WHOLE_LABEL, Demo, choice, image_choice, slider, upload_button, uploaded

SIDE, MAPS, TILE = 256, 12, 88                  # lado de la imagen; cuántos mapas se ven, y su lado
TOP = 3                                         # de cuántas clases se dice la probabilidad


def explore_channels(model: nn.Sequential, images: Tensor, labels: Tensor, classes: Sequence[str],
                     layers: Sequence[str]) -> Demo:
    """Imagen por capa por canal: el mapa de activación y, en la imagen, lo que ve el lugar que más responde.

    images: (n, 3, h, w);  labels: (n,);  layers: las capas que se pueden escoger, de una red plana.
    """
    _check_asked(layers, images)
    size, images = images.shape[2], images.cpu()
    counts = {layer: values.shape[1] for layer, values in _passed(model, images[:1], layers).items()}

    @lru_cache(maxsize=64)
    def answers(image: int, layer: str) -> Tensor:
        return _as_maps(_passed(model, images[image:image + 1], [layer])[layer])[0]          # (c, h, w)

    def draw(image: int, layer: str, channel: int) -> bytes:
        maps = answers(image, layer)
        heat = maps[min(channel, counts[layer] - 1)]
        box, found = _strongest(model, layer, heat, size)
        text = f"{layer}:{min(channel, counts[layer] - 1)} · mapa de {heat.shape[0]} × {heat.shape[1]} lugares\n{found}"
        limits = _shared_limits(maps, heat)
        scale = color_bar(limits[0], SIDE, limits[1])
        pair = beside([_framed(images[image], box), _map_tile(heat, SIDE, limits), scale], 12)
        return png_bytes(caption(sized(pair, width=2 * SIDE + 120), text.replace("-", "−")))

    layer = choice("capa", [(name, name) for name in layers], layers[0])
    channel = widgets.IntSlider(value=0, min=0, max=counts[layers[0]] - 1, description="canal", style=WHOLE_LABEL)
    layer.observe(lambda change: setattr(channel, "max", counts[change["new"]] - 1), "value")
    return Demo(draw, {"image": image_choice(labels, classes), "layer": layer, "channel": channel})


def explore_photo(model: nn.Module, first: str | Path | bytes | Image.Image | Tensor, layers: Sequence[str]) -> Demo:
    """Tu foto, que se corre, se oscurece o se tapa con los controles, y los mapas de una capa conforme cambia.

    model: cualquiera de `load_model` o `wrap` (su `.preprocess` ajusta la foto);  first: la que se ve mientras no das
    otra, un archivo o un tensor (3, h, w) ya de su tamaño. Los mapas son los de los doce canales que más responden a
    la foto sin cambios, con esa escala. Con OpenCV, y si no es Colab, otro botón toma una foto.
    """
    @lru_cache(maxsize=8)
    def ready(source: bytes | None) -> Tensor:
        return first if source is None and isinstance(first, Tensor) else model.preprocess(source or first).cpu()

    @lru_cache(maxsize=64)
    def usual(source: bytes | None, layer: str) -> tuple[list[int], Tensor]:
        maps = _as_maps(_passed(model, ready(source)[None], [layer])[layer])[0]
        kept = maps.amax((1, 2)).topk(min(MAPS, len(maps))).indices
        return kept.tolist(), maps[kept]

    def draw(file: object, layer: str, shift: int, light: int, cover: int, shot: bool = False) -> bytes:
        source = taken() if shot else uploaded(file)
        channels, before = usual(source, layer)
        photo = changed(ready(source), shift, light, cover)
        acts = _passed(model, photo[None], [layer, model.layers[-1]])
        now = _as_maps(acts[layer])[0][channels]
        tiles = [torch.cat([_map_tile(heat, TILE, _shared_limits(before, old)), _label(f"{layer}:{k}")], 1)
                 for k, heat, old in zip(channels, now, before)]
        chances, places = acts[model.layers[-1]][0].softmax(0).topk(min(TOP, len(model.classes)))
        named = [model.classes[k] for k in places.tolist()]
        seen = torch.cat([_framed(photo, None), bars(named, chances, width=SIDE)], 1)
        return jpeg_bytes(beside([seen, contact_sheet(torch.stack(tiles), 4, pad=4)], 16), 88)

    _check_asked(layers, first[None] if isinstance(first, Tensor) else None)
    controls = {"file": upload_button("Elige una foto"),
                "layer": choice("capa", [(name, name) for name in layers], layers[0]),
                "shift": slider("correr", -24, 24), "light": slider("luz (%)", 20, 180),
                "cover": widgets.IntSlider(value=0, min=0, max=40, description="tapar", style=WHOLE_LABEL)}
    taken = _camera() if has_camera() else None
    if taken is not None:
        controls["shot"] = widgets.ToggleButton(value=False, description="tomar foto")
        controls["shot"].observe(lambda change: taken.cache_clear(), "value")
    return Demo(draw, controls)


def changed(photo: Tensor, shift: int = 0, light: int = 100, cover: int = 0) -> Tensor:
    """La foto (3, h, w) corrida `shift` píxeles a la derecha, con esa luz (en por ciento) y un cuadro gris en medio.

    Lo que falta al correrla repite la orilla.  cover: el lado del cuadro, en píxeles; 0, sin cuadro.
    """
    h, w = photo.shape[1:]
    columns = (torch.arange(w) - shift).clamp(0, w - 1)
    made = (photo[:, :, columns] * light / 100).clamp(0, 1)
    y, x = (h - cover) // 2, (w - cover) // 2
    made[:, max(y, 0):y + cover, max(x, 0):x + cover] = 0.5
    return made


def seen_box(model: nn.Sequential, layer: str, y: int, x: int, size: int = 64) -> tuple[int, int, int, int]:
    """La caja (y0, x0, y1, x1), sin el final, que ve la neurona (y, x) de una capa, por cuenta y sin ejecutar la red.

    model: una red plana, como las del curso. De la capa hacia atrás, cada lugar se vuelve los que entraron en él: del
    paso·y − orilla al paso·y − orilla + lado. `labkit.activations.receptive_field` mide lo mismo.
    """
    get_layer(model, layer)
    names = [name for name, _ in model.named_children()]
    box = [y, x, y + 1, x + 1]
    for module in reversed(list(model.children())[:names.index(layer) + 1]):
        if isinstance(module, (nn.Linear, GlobalAverage)):
            return 0, 0, size, size                                         # una capa densa ve toda la imagen
        if isinstance(module, (nn.Conv2d, nn.MaxPool2d)):
            side, stride, margin = (_number(value) for value in (module.kernel_size, module.stride, module.padding))
            first, last = box[:2], [edge - 1 for edge in box[2:]]           # los lugares de los extremos
            box = [*(edge * stride - margin for edge in first), *(edge * stride - margin + side for edge in last)]
    return tuple(min(max(edge, 0), size) for edge in box)


def _number(value: int | tuple[int, int]) -> int:
    return value if isinstance(value, int) else value[0]


def has_camera() -> bool:
    """Si este Python ya tiene OpenCV y corre en tu computadora: en Colab la cámara es la de otra máquina."""
    return importlib.util.find_spec("cv2") is not None and "google.colab" not in sys.modules


def _camera() -> Callable[[], bytes]:
    """Una función que toma una foto, y la misma mientras no se le pida otra (`cache_clear`)."""
    @lru_cache(maxsize=1)
    def take() -> bytes:
        import cv2

        camera = cv2.VideoCapture(0)
        try:
            worked, frame = camera.read()                       # (h, w, 3), azul primero
        finally:
            camera.release()
        if not worked:
            raise RuntimeError("no pude tomar la foto: revisa que la cámara esté libre y tenga permiso")
        colors = torch.from_numpy(frame[:, :, ::-1].copy()).permute(2, 0, 1).float() / 255
        return png_bytes(colors)

    return take


def _passed(model: nn.Module, images: Tensor, layers: Sequence[str]) -> dict[str, Tensor]:
    """Las activaciones de esas capas, en la CPU y sin gradiente."""
    with torch.no_grad():
        acts = run(model, images.to(next(model.parameters()).device), layers)
    return {layer: acts[layer].cpu() for layer in layers}


def _as_maps(values: Tensor) -> Tensor:
    """Los mapas (b, c, h, w); una capa densa da mapas de un solo lugar."""
    return values if values.ndim == 4 else values[..., None, None]


def _check_asked(layers: Sequence[str], images: Tensor | None) -> None:
    """ValueError si no hay ninguna capa que escoger, o si las imágenes, cuando son un tensor, no van de 0 a 1."""
    if images is not None:
        check_images(images)
    if not layers:
        raise ValueError('layers: esperaba al menos una capa y no recibí ninguna. Prueba ["conv1", "relu1"].')


def _strongest(model: nn.Sequential, layer: str, heat: Tensor, size: int) -> tuple[tuple[int, ...] | None, str]:
    """La caja que ve el lugar que más responde, y lo que se dice de él; sin caja, si ninguno pasa de 0."""
    if heat.max() <= 0:
        return None, "Ningún lugar pasa de 0 con esta imagen:\nno hay recuadro."
    y, x = divmod(int(heat.argmax()), heat.shape[1])
    box = seen_box(model, layer, y, x, size)
    return box, (f"El que más responde es (y = {y}, x = {x}): {heat.max():.2f}\n"
                 f"Ve {box[2] - box[0]} × {box[3] - box[1]} píxeles: el recuadro.")


def _shared_limits(maps: Tensor, heat: Tensor) -> tuple[tuple[float, float], bool]:
    """La escala de un mapa; en una capa densa, que da un solo lugar por canal, la de todos sus canales."""
    return _limits(maps if heat.numel() == 1 else heat)


def _limits(heat: Tensor) -> tuple[tuple[float, float], bool]:
    """Los extremos de la escala de un mapa, y si está centrada en 0 porque hay negativos."""
    signed = bool((heat < 0).any())
    low, high = color_limits(heat, signed)
    return (low if signed else 0.0, high if high > 0 else 1.0), signed


def _map_tile(heat: Tensor, side: int, limits: tuple[tuple[float, float], bool] | None = None) -> Tensor:
    """El mapa coloreado, cada lugar un cuadro, en un cuadro de ese lado: (3, side, side)."""
    extremes, signed = limits or _limits(heat)
    grown = enlarge(colorize(heat, "", signed, extremes), max(1, side // heat.shape[0]))
    return sized(grown, side, side)


@lru_cache(maxsize=512)
def _label(text: str) -> Tensor:
    """El letrero de un mapa; escribirlo tarda, y es siempre el mismo."""
    return text_image(text, TILE, 11)


def _framed(image: Tensor, box: Sequence[int] | None) -> Tensor:
    """La imagen agrandada con el contorno de la caja, blanco por fuera y rojo por dentro; None, sin contorno."""
    scale = max(1, SIDE // image.shape[1])
    if box is None:
        return enlarge(image, scale)
    outline = torch.tensor(box) * scale
    shown = draw_box(enlarge(image, scale), outline, (1.0, 1.0, 1.0))
    return draw_box(shown, outline + torch.tensor([1, 1, -1, -1]))

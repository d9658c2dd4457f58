"""La red que pide una orden, del curso, de torchvision o tuya, y sus capas con el nombre que les das."""
from collections.abc import Callable
from difflib import get_close_matches
from pathlib import Path
from typing import NamedTuple

import torch
from torch import Tensor, nn

from labkit.commands.own_code import built, function_of, shortened
from labkit.device import device_of, pick_device
from labkit.downloads import import_torchvision, tilde
from labkit.models import IMAGENET, load_model

SHOWN = 30                                      # cuántas capas se nombran en un error
PREFIX = "network."                             # lo que `wrap` pone antes del nombre de cada capa de tu red


def open_model(name: str) -> nn.Module:
    """La red que dice `--model`; con dos puntos, la que da una función tuya. ValueError si no se puede."""
    place, _, function = name.rpartition(":")
    if name.endswith(".py") and Path(name).expanduser().is_file():
        raise ValueError(f"--model: {name} es un archivo; di también cuál de sus funciones da tu red, como "
                         f"{name}:hacer.")
    if not (place and function):
        return _shipped(name)
    build = function_of(place, function)
    model = built(build, name)
    if not isinstance(model, nn.Module):
        raise ValueError(f"--model: esperaba que {name} diera una red (labkit.models.wrap), y dio "
                         f"{type(model).__name__}.")
    if not any(True for _ in model.parameters()):
        raise ValueError(f"--model: la red que da {name} no tiene ningún peso: no hay nada aprendido que disecar.")
    return model.eval().requires_grad_(False).to(pick_device())


def is_wrapped(model: nn.Module) -> bool:
    """Si la red trae su normalización dentro, como las del curso y las de `wrap`."""
    return any(name == "normalize" for name, _ in model.named_children())


def input_note(model: nn.Module, name: str) -> str | None:
    """Qué advertir de cómo recibe la red sus imágenes: sin normalizar, o con números que parecen de 0 a 255."""
    if not is_wrapped(model):
        return f"{name} recibe las imágenes en [0, 1], sin normalizar: no viene de labkit.models.wrap."
    mean, std = (getattr(model.normalize, part, torch.zeros(1)) for part in ("mean", "std"))
    if mean.abs().max() <= 1 and std.max() <= 1:
        return None
    return (f"{name} se normaliza con media {float(mean.flatten()[0]):g} y desviación {float(std.flatten()[0]):g}, y "
            "las imágenes van en [0, 1]: si son de píxeles de 0 a 255, divídelas entre 255 en wrap.")


def input_told(model: nn.Module, images: Tensor) -> str:
    """Cómo recibe la red sus imágenes (b, 3, h, w): de qué tamaño y con qué normalización."""
    size = " × ".join(map(str, images.shape[2:]))
    if not is_wrapped(model):
        return f"{size}, con valores de 0 a 1; la red no las normaliza, o lo hace por dentro"
    mean, std = (", ".join(f"{value:g}" for value in getattr(model.normalize, part, torch.zeros(1)).flatten().tolist())
                 for part in ("mean", "std"))
    return f"{size}, con valores de 0 a 1; la red las normaliza con media {mean} y desviación {std}"


def _shipped(name: str) -> nn.Module:
    """Una red del curso o de torchvision; si faltan los pesos, ValueError que dice dónde ponerlos."""
    try:
        return load_model(name)
    except FileNotFoundError as error:
        if name not in IMAGENET:
            raise
        raise ValueError(f"--model: {error} {weights_told(name)}") from error
    except RuntimeError as error:                                           # pesos dañados: la frase ya lo dice
        raise ValueError(str(error)) from error


def weights_told(name: str) -> str:
    """Dónde poner a mano los pesos de una red de torchvision, para una computadora sin red."""
    url = import_torchvision().models.get_model_weights(name).IMAGENET1K_V1.url
    place = Path(torch.hub.get_dir(), "checkpoints")
    return (f"Si esta computadora no tiene red, baja en otra {url} y copia aquí el archivo, con ese mismo nombre, en "
            f"{tilde(place)}; o llámalo {name}_imagenet.pth y pon su carpeta en la variable LABKIT_REAL_DATA.")


# ── las capas ────────────────────────────────────────────────────────────────────────────────────────────────────────

class Layer(NamedTuple):
    """Una capa o un bloque: su nombre, de qué clase es y la forma de lo que entrega, sin el lote.

    shape: None, si la red no la usa; (), si lo que entrega no es un tensor.
    """
    name: str
    kind: str
    shape: tuple[int, ...] | None


def find_layer(model: nn.Module, name: str) -> str:
    """El nombre completo de una capa o un bloque, aunque falte el principio, como el `network.` que pone `wrap`.

    ValueError, con las que hay, si no está o si puede ser más de una.
    """
    known = [full for full, _ in model.named_modules() if full]
    ends = [full for full in known if full.endswith(f".{name}")] if name else []
    for full in (name, PREFIX + name):
        if full in known:
            return full
    if len(ends) == 1:
        return ends[0]
    if ends:
        raise ValueError(f"--layer: «{name}» puede ser {' o '.join(ends)}; escríbela completa.")
    shown = [short_name(full) for full in known]
    close = _nearest(name, shown)
    guess = f" ¿Quisiste decir «{close}»?" if close else ""
    raise ValueError(f"--layer: no hay una capa «{name}».{guess} Las capas y los bloques son: "
                     f"{shortened(shown, SHOWN)}. Con --layers se ven todas, y qué da cada una; las de torchvision, "
                     "pedidas por su nombre, llevan aquí nombres propios.")


def _nearest(name: str, known: list[str]) -> str | None:
    """La capa que más se parece: del mismo grupo, la de número más cercano; si no hay, la que se escribe parecido."""
    stem, _, number = name.rpartition(".")
    group = [one for one in known if one.rpartition(".")[0] == stem and one.rpartition(".")[2].isdecimal()]
    if stem and number.isdecimal() and group:
        return min(group, key=lambda one: abs(int(one.rpartition(".")[2]) - int(number)))
    return next(iter(get_close_matches(name, known, n=1)), None)


def short_name(full: str) -> str:
    """El nombre de una capa sin el prefijo de `wrap`: el que tiene en tu red."""
    return full.removeprefix(PREFIX)


def list_layers(model: nn.Module, images: Tensor) -> list[Layer]:
    """Las capas y los bloques de la red, en orden, y lo que entrega cada uno con unas imágenes (b, 3, h, w)."""
    shapes: dict[str, tuple[int, ...]] = {}
    handles = [module.register_forward_hook(_keeps(shapes, name)) for name, module in model.named_modules() if name]
    try:
        with torch.no_grad():
            model(images.to(device_of(model)))
    finally:
        for handle in handles:
            handle.remove()
    return [Layer(short_name(name), type(module).__name__, shapes.get(name))
            for name, module in model.named_modules() if name]


def _keeps(shapes: dict[str, tuple[int, ...]], name: str) -> Callable[[nn.Module, tuple, Tensor], None]:
    def keep(_: nn.Module, inputs: tuple, output: Tensor) -> None:
        shapes.setdefault(name, tuple(output.shape[1:]) if isinstance(output, Tensor) else ())
    return keep


def layers_text(layers: list[Layer]) -> str:
    """La lista, en columnas: nombre, clase, unidades y tamaño del mapa."""
    width = max(len(layer.name) for layer in layers)
    kinds = max(len(layer.kind) for layer in layers)
    lines = [f"{'capa':<{width}}  {'clase':<{kinds}}  {'unidades':>8}  mapa"]
    for name, kind, shape in layers:
        units = str(shape[0]) if shape else "–"
        size = " × ".join(map(str, shape[1:])) if shape else "la red no la usa" if shape is None else "no da un tensor"
        lines.append(f"{name:<{width}}  {kind:<{kinds}}  {units:>8}  {size}".rstrip())
    return "\n".join(lines)

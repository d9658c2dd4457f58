"""Envolver una red ajena: dónde pone sus canales cada capa y dónde están sus logits.

Se averigua con una pasada de dos imágenes. Una capa dice dónde quedan sus canales por lo que es (una convolución, una
densa) o por la forma de lo que da: en una imagen cuadrada, los dos lados del mapa miden lo mismo y los canales son el
otro eje. Si los tres miden igual, se pregunta otra vez con una imagen del doble de ancho. Lo que así no se sabe, no se
supone: la capa queda con su duda, y quien pregunte por ella la lee.
"""
from collections.abc import Iterator, Mapping
from dataclasses import dataclass

import torch
from torch import Tensor, nn

from labkit.anynet import FIRST, Layout, NetworkFailure, asking, hidden, says_first, says_last, weights_dtype, written
from labkit.device import device_of

MOST_EXTRAS = 8                             # cuántas fichas sueltas puede llevar una red además de las de la imagen
NAMES = ("logits", "out", "output")         # cómo se llaman los logits en un diccionario
MIXED = "no da un renglón por imagen: mezcla las imágenes del lote; prueba otra capa"
WINDOWS = "parte la imagen en pedazos, y no se sabe en qué lugar cae cada uno; prueba la capa o el bloque que la contiene"
LOOSE = "da fichas y no se sabe en qué lugar de la imagen cae cada una; prueba otra capa"
SAME = "mide lo mismo hacia todos lados, y no hay cómo distinguir los canales; prueba otra capa, o wrap con otro size"
ODD = "esperaba (b, c, h, w), (b, h, w, c), fichas (b, n, c) o (b, c); prueba otra capa"


class Sealed(nn.Module):
    """Una red TorchScript, que no deja colgar ganchos, dentro de un módulo que sí: se ve lo que da, y nada más."""

    def __init__(self, inside: nn.Module) -> None:
        super().__init__()
        self.inside = inside

    def forward(self, images: Tensor) -> Tensor:
        return self.inside(images)


class Logits(nn.Module):
    """Los logits de lo que entrega una red: si es un tensor, ese; si no, el que tiene una columna por clase.

    Los busca en diccionarios, tuplas y listas. En una tupla es el primero; en un diccionario, el único o el que se
    llame `logits` u `out`.  ValueError si no lo hay.
    """

    def __init__(self, classes: int) -> None:
        super().__init__()
        self.classes = classes

    def forward(self, output: Tensor | Mapping | tuple | list) -> Tensor:
        if isinstance(output, Tensor):
            return output
        found = dict(self._candidates(output))
        named = [found[name] for name in NAMES if name in found]
        if named or found and (len(found) == 1 or not isinstance(output, Mapping)):
            return named[0] if named else next(iter(found.values()))
        raise ValueError(f"model: esperaba logits (b, {self.classes}) y la red entrega {written(output)}. Envuélvela en "
                         "un nn.Module cuyo forward devuelva solo ese tensor.")

    def _candidates(self, output: Mapping | tuple | list) -> Iterator[tuple[str | int, Tensor]]:
        """Lo que podría ser los logits, con su nombre o su lugar."""
        parts = output.items() if isinstance(output, Mapping) else enumerate(output)
        for name, part in parts:
            if isinstance(part, Tensor) and part.ndim >= 2 and part.shape[1] == self.classes:
                yield name, part


@dataclass(frozen=True)
class Seen:
    """Lo que dio una capa en una pasada: qué módulo es y la forma de lo que dio, o None si no era un tensor."""
    name: str
    module: nn.Module
    shape: tuple[int, ...] | None


def learn_layouts(model: nn.Module, size: int) -> dict[str, Layout]:
    """Dónde pone sus canales cada capa de una red que recibe imágenes de lado `size`.

    ValueError si la red no puede con una imagen así.
    """
    try:
        seen = outputs_of(model, size, size)
    except NetworkFailure as error:
        raise ValueError(f"model, size: {error} Di en size el lado de las imágenes que espera tu red.") from error
    cubes = [one for one in seen if _is_cube(one)]
    wider = _wider(model, size) if cubes else {}
    layouts, grids, counts = {}, set(), set()
    for one in seen:
        layout = _layout(one, wider.get(one.name), grids, counts)
        layouts[one.name] = layout
        if not layout.doubt and len(one.shape) == 4:
            h, w = one.shape[2:] if layout.axis == 1 else one.shape[1:3]
            grids.add(h * w)
        elif one.shape is not None and len(one.shape) == 3:
            counts.add(one.shape[1])
    return layouts


def outputs_of(model: nn.Module, height: int, width: int) -> list[Seen]:
    """Lo que dio cada capa con dos imágenes de ruido, en el orden en que terminaron; de la que se repite, lo primero.
    """
    dice = torch.Generator().manual_seed(0)
    images = torch.rand(2, 3, height, width, generator=dice).to(device_of(model))
    seen: dict[str, Seen] = {}

    def watch(name: str, module: nn.Module) -> torch.utils.hooks.RemovableHandle:
        def after(_: nn.Module, inputs: tuple, output: Tensor) -> None:
            shape = tuple(output.shape) if isinstance(output, Tensor) else None
            seen.setdefault(name, Seen(name, module, shape))
        return module.register_forward_hook(after)

    handles = [watch(name, module) for name, module in model.named_modules() if name and not hidden(module)]
    try:
        with torch.no_grad(), asking(model, images):
            model(images)
    finally:
        for handle in handles:
            handle.remove()
    return list(seen.values())


def _wider(model: nn.Module, size: int) -> dict[str, tuple[int, ...] | None]:
    """La forma de lo que da cada capa con imágenes del doble de ancho; vacío si la red no las acepta."""
    try:
        return {one.name: one.shape for one in outputs_of(model, size, 2 * size)}
    except ValueError:
        return {}


def _is_cube(one: Seen) -> bool:
    """Si es un mapa en que los canales miden lo mismo que los lados, y la capa no dice dónde están."""
    shape = one.shape or ()
    return len(shape) == 4 and shape[1] == shape[2] == shape[3] and not (says_first(one.module) or says_last(one.module))


def _layout(one: Seen, wider: tuple[int, ...] | None, grids: set[int], counts: set[int]) -> Layout:
    """Dónde están los canales en lo que dio una capa.

    grids: cuántos lugares tienen los mapas que salieron antes;  counts: cuántas fichas ha habido.
    """
    if one.shape is None or len(one.shape) not in (2, 3, 4):
        return Layout(doubt=ODD)
    if one.shape[0] != 2:
        return Layout(doubt=MIXED)
    if len(one.shape) == 2:
        return FIRST
    return _tokens(one, grids) if len(one.shape) == 3 else _maps(one, wider, grids, counts)


def _maps(one: Seen, wider: tuple[int, ...] | None, grids: set[int], counts: set[int]) -> Layout:
    """Lo mismo, de una capa que da (2, c, h, w) o (2, h, w, c)."""
    _, first, middle, last = one.shape
    if says_first(one.module):
        return FIRST
    if says_last(one.module):
        return Layout(-1) if first == middle else Layout(doubt=WINDOWS)
    if first == middle == last > 1:
        if wider is None or len(wider) != 4 or wider[1] != first:
            return Layout(doubt=SAME)
        return FIRST if wider[3] != last else Layout(-1)
    if middle == last:                                          # y no es una tabla de fichas contra fichas
        return Layout(doubt=LOOSE) if last in counts and last * last not in grids else FIRST
    return Layout(-1) if first == middle else Layout(doubt=WINDOWS)


def _tokens(one: Seen, grids: set[int]) -> Layout:
    """Lo mismo, de una capa que da fichas: (2, n, c) o (2, c, n), con n lugares y quizá alguna suelta antes."""
    extras = {axis: _extras(one.shape[axis], grids) for axis in (1, 2)}
    if says_last(one.module) or extras[1] is not None and extras[2] is None:
        axis, count = -1, extras[1]
    elif says_first(one.module) or extras[2] is not None and extras[1] is None:
        axis, count = 1, extras[2]
    else:
        return Layout(doubt=SAME if extras[1] is not None else LOOSE)
    return Layout(doubt=LOOSE) if count is None else Layout(axis, True, count)


def _extras(n: int, grids: set[int]) -> int | None:
    """Cuántas de n fichas sobran, si las demás son los lugares de un mapa que ya salió; None si no lo son."""
    spare = [n - grid for grid in grids if grid > 1 and 0 <= n - grid <= MOST_EXTRAS]
    return min(spare, default=None)

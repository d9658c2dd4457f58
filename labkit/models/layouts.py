"""Envolver una red ajena: dónde pone sus canales cada capa y dónde están sus logits.

Se averigua con una pasada de dos imágenes. Una capa dice dónde quedan sus canales por lo que es (una convolución, una
densa) o por la forma de lo que da: en una imagen cuadrada, los dos lados del mapa miden lo mismo y los canales son el
otro eje. Si los tres miden igual, se pregunta otra vez con una imagen del doble de ancho. Lo que así no se sabe, no se
supone: la capa queda con su duda, y quien pregunte por ella la lee.
"""
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass

import torch
from torch import Tensor, nn

from labkit.anynet import FIRST, Layout, NetworkFailure, asking, hidden, says_first, says_last, written
from labkit.device import device_of

MOST_EXTRAS = 8                             # cuántas fichas sueltas puede llevar una red además de las de la imagen
NAMES = ("logits", "out", "output")         # cómo se llaman los logits en un diccionario
SLIP = 0.05                                 # cuánto, de un lado al otro, puede moverse por donde no debe
MIXED = "no da un renglón por imagen: mezcla las imágenes del lote; prueba otra capa"
WINDOWS = "parte la imagen en pedazos, y no se sabe en qué lugar cae cada uno; prueba el bloque que la contiene"
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
        found = dict(self._candidates(output)) if isinstance(output, (Mapping, tuple, list)) else {}
        named = [found[name] for name in NAMES if name in found]
        if named or found and (len(found) == 1 or not isinstance(output, Mapping)):
            return named[0] if named else next(iter(found.values()))
        raise ValueError(f"model: esperaba logits (b, {self.classes}) y la red entrega {written(output)}. Envuélvela "
                         "en un nn.Module cuyo forward devuelva solo ese tensor.")

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
    if any(layout.doubt == WINDOWS for layout in layouts.values()) or _cuts_windows(model):
        layouts.update(dict.fromkeys(_misplaced(model, size, layouts), Layout(doubt=WINDOWS)))
    return layouts


def outputs_of(model: nn.Module, height: int, width: int) -> list[Seen]:
    """Lo que dio cada capa con dos imágenes de ruido, en el orden en que terminaron; de la que se repite, lo primero.
    """
    seen: dict[str, Seen] = {}

    def look(name: str, module: nn.Module, output: Tensor) -> None:
        seen.setdefault(name, Seen(name, module, tuple(output.shape) if isinstance(output, Tensor) else None))

    _watched(model, _noise(2, height, width), look)
    return list(seen.values())


def _watched(model: nn.Module, images: Tensor, look: Callable[[str, nn.Module, Tensor], None]) -> None:
    """Una pasada en que se mira lo que da cada capa que se deja ver."""
    handles = [module.register_forward_hook(lambda module, inputs, output, name=name: look(name, module, output))
               for name, module in model.named_modules() if name and not hidden(module)]
    images = images.to(device_of(model))
    try:
        with torch.no_grad(), asking(model, images):
            model(images)
    finally:
        for handle in handles:
            handle.remove()


def _noise(b: int, height: int, width: int) -> Tensor:
    """b imágenes de ruido, siempre el mismo."""
    return torch.rand(b, 3, height, width, generator=torch.Generator().manual_seed(0))


def _cuts_windows(model: nn.Module) -> bool:
    """Si algún módulo dice, por su nombre, que parte la imagen."""
    names = {type(module).__name__.lower() for module in model.modules()}
    return any("partition" in name or "window" in name for name in names)


def _misplaced(model: nn.Module, size: int, layouts: dict[str, Layout]) -> list[str]:
    """Las capas cuyo «mapa» no está acomodado como la imagen, aunque tenga su forma: 16 ventanas de 16 lugares.

    Se cambia un cuarto de la imagen, en tres esquinas. En un mapa, de izquierda a derecha lo que cambia se mueve por
    los renglones, y de arriba abajo, por las columnas; si se mueve más por donde no debe, no es un mapa.
    """
    images, half = _noise(1, size, size).repeat(4, 1, 1, 1), size // 2
    other = 1 - images[0]
    images[1, :, :half, :half] = other[:, :half, :half]                         # arriba a la izquierda
    images[2, :, :half, half:] = other[:, :half, half:]                         # arriba a la derecha
    images[3, :, half:, :half] = other[:, half:, :half]                         # abajo a la izquierda
    wrong = []

    def look(name: str, module: nn.Module, output: Tensor) -> None:
        layout = layouts.get(name, Layout(doubt=ODD))
        if layout.doubt or layout.tokens or says_first(module) or output.ndim != 4:
            return
        maps = layout.maps(output).float()
        changed = (maps[1:] - maps[:1]).abs().sum(1) + 1e-12                    # (3, h, w)
        rows, columns = (_centers(changed.sum(axis)) for axis in (2, 1))
        across = abs(rows[1] - rows[0]) - abs(columns[1] - columns[0])          # > 0: se movió por donde no debía
        down = abs(columns[2] - columns[0]) - abs(rows[2] - rows[0])
        if max(across, down) > SLIP:
            wrong.append(name)

    _watched(model, images, look)
    return wrong


def _centers(weights: Tensor) -> list[float]:
    """El centro de cada renglón de pesos (m, n), de 0 a 1."""
    places = (torch.arange(weights.shape[1], device=weights.device) + 0.5) / weights.shape[1]
    return (weights @ places / weights.sum(1)).tolist()


def _wider(model: nn.Module, size: int) -> dict[str, tuple[int, ...] | None]:
    """La forma de lo que da cada capa con imágenes del doble de ancho; vacío si la red no las acepta."""
    try:
        return {one.name: one.shape for one in outputs_of(model, size, 2 * size)}
    except ValueError:
        return {}


def _is_cube(one: Seen) -> bool:
    """Si es un mapa en que los canales miden lo mismo que los lados, y la capa no dice dónde están."""
    shape = one.shape or ()
    says = says_first(one.module) or says_last(one.module)
    return len(shape) == 4 and shape[1] == shape[2] == shape[3] and not says


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

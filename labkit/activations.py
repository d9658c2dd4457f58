"""Mirar dentro de una red: recordar, cambiar y anular lo que sale de cada capa.

Un nombre, `Unit("conv4", 12)`; un verbo, `run(model, images, layers)`. Todo lo que toca a la red cuelga de ella un
gancho (*hook*) y lo quita al salir, también si algo falla. Fuente: Bau et al. (2020), «Understanding the role of
individual units in a deep neural network», PNAS 117(48), doi:10.1073/pnas.1907375117.
"""
import re
from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from difflib import get_close_matches

import torch
from torch import Tensor, nn
from torch.utils.hooks import RemovableHandle

from labkit.anynet import asking, check_open, hidden, layout_of, weights_dtype
from labkit.device import device_of
from labkit.shapes import check_shape, check_values, full, layer_list, one_layer, whole

INPUT = "input"                     # la imagen cuenta como una capa más: así una penalización es un objetivo cualquiera
Acts = dict[str, Tensor]            # nombre de capa → activaciones, (b, c, h, w) o (b, c)


@dataclass(frozen=True, order=True)
class Unit:
    """Una unidad de la red: un canal de una capa. Se escribe `conv4:12`."""
    layer: str
    channel: int

    def __post_init__(self) -> None:
        one_layer(self.layer)
        object.__setattr__(self, "channel", whole(self.channel, "channel", 0))      # el de un argmax también vale

    def __str__(self) -> str:
        return f"{self.layer}:{self.channel}"

    @classmethod
    def parse(cls, text: "str | Unit") -> "Unit":
        """La unidad escrita en un texto: Unit.parse("conv4:12") == Unit("conv4", 12)."""
        if isinstance(text, cls):
            return text
        layer, _, channel = str(text).rpartition(":")
        if not (layer and re.fullmatch("[0-9]{1,9}", channel)):         # isdigit() acepta «²», e int() no
            raise ValueError(f"Una unidad se escribe «capa:canal», por ejemplo conv4:12; recibí «{str(text)[:80]}».")
        return cls(layer, int(channel))

    def map(self, acts: Acts) -> Tensor:
        """El mapa de activación de la unidad: (b, h, w), o (b,) en una capa densa."""
        if self.layer not in acts:
            raise ValueError(f"{self}: faltan las activaciones de «{self.layer}»; "
                             f"están las de {', '.join(acts) or 'ninguna'}.")
        values = acts[self.layer]
        if self.channel >= values.shape[1]:
            raise ValueError(f"{self}: «{self.layer}» tiene {values.shape[1]} canales, del 0 al {values.shape[1] - 1}.")
        return values[:, self.channel]


def layer_names(model: nn.Module, kind: type[nn.Module] | None = None) -> list[str]:
    """Los nombres de las capas en el orden en que se definieron: todas, o sólo las de un tipo (kind=nn.Conv2d)."""
    leaves = [(name, module) for name, module in model.named_modules() if name and all(map(hidden, module.children()))]
    return [name for name, module in leaves if not hidden(module) and (kind is None or isinstance(module, kind))]


def get_layer(model: nn.Module, name: str) -> nn.Module:
    """El módulo que lleva ese nombre; con un nombre equivocado, el error lista los buenos."""
    modules = dict(model.named_modules())
    if one_layer(name) in modules and name:
        return modules[name]
    close = get_close_matches(str(name), modules, n=1)
    guess = f" ¿Quisiste decir «{close[0]}»?" if close else ""
    raise ValueError(f"layer: no hay una capa «{name}».{guess} Las capas son: {', '.join(layer_names(model))}.")


@contextmanager
def record(model: nn.Module, layers: Iterable[str], stop: bool = False) -> Iterator[Acts]:
    """Dentro del `with`, cada pasada por la red deja en el diccionario sus activaciones (y la entrada, "input").

    stop=True corta la pasada en cuanto están todas las capas pedidas: entonces el bloque ha de ser una sola línea, pues
    lo que siga a la pasada cortada no se ejecuta. Si la red usa una capa varias veces, queda su primera salida.
    """
    wanted = {*layer_list(layers), INPUT}
    acts: Acts = {}

    def keep(name: str, values: Tensor) -> Tensor:
        if name == INPUT:
            acts.clear()                              # empieza una pasada nueva
        acts.setdefault(name, values if name == INPUT else full(values))
        if stop and len(acts) == len(wanted):
            raise _Stop
        # lo que sigue recibe una copia: una ReLU in situ (inplace=True) ya no puede alterar lo recordado
        return values if name == INPUT else values.clone()

    with _hooked(model, {name: lambda values, name=name: keep(name, values) for name in wanted}):
        try:
            yield acts
        except _Stop:
            pass


@contextmanager
def edit(model: nn.Module, layer: str, fn: Callable[[Tensor], Tensor]) -> Iterator[None]:
    """Dentro del `with`, la salida de la capa pasa por `fn` y sigue su camino cambiada; la forma ha de ser la misma."""
    def changed(values: Tensor) -> Tensor:
        result = fn(values)
        if getattr(result, "shape", None) != values.shape:
            came = tuple(result.shape) if isinstance(result, Tensor) else type(result).__name__
            raise ValueError(f"edit: esperaba que fn devolviera {tuple(values.shape)}, como sale de «{layer}», "
                             f"y recibí {came}.")
        return result

    with _hooked(model, {_changes_at(model, layer): changed}):
        yield


@contextmanager
def silence(model: nn.Module, units: Iterable[Unit]) -> Iterator[None]:
    """Dentro del `with`, esas unidades valen 0 en todas partes; al salir la red es la de antes, bit por bit."""
    channels = defaultdict(list)
    for unit in units:
        channels[unit.layer].append(unit)

    def zeroed(values: Tensor, silenced: list[Unit]) -> Tensor:
        values = values.clone()
        for unit in silenced:
            unit.map({unit.layer: values}).zero_()
        return values

    with _hooked(model, {_changes_at(model, layer): lambda values, some=some: zeroed(values, some)
                         for layer, some in channels.items()}, whole=True):
        yield


def run(model: nn.Module, images: Tensor, layers: Iterable[str]) -> Acts:
    """Las activaciones de las capas pedidas: un diccionario capa → (b, c, h, w) o (b, c), más "input".

    images: (b, 3, h, w) RGB en [0, 1], o renglones de una tabla, (b, d). La pasada se corta tras la más honda de las
    capas pedidas, y es en `eval()`; la red y el azar quedan como estaban. Conserva gradientes si los tienes encendidos.
    ValueError si la imagen o una capa no sirven.
    """
    _check_images(model, images)
    wanted = layer_list(layers)
    with record(model, wanted, stop=True) as acts, asking(model, images):
        model(images)
    unused = [name for name in wanted if name not in acts]
    if unused:
        raise ValueError(f"layers: la red no usó {', '.join(unused)} en esta pasada. Prueba otra capa: "
                         f"{', '.join(name for name in layer_names(model) if name not in unused)}.")
    return acts


def receptive_field(model: nn.Module, layer: str, size: int = 64, y: int | None = None,
                    x: int | None = None) -> tuple[int, int, int, int]:
    """El campo receptivo de una neurona: la caja (y0, x0, y1, x1), sin el final, de los píxeles que la pueden cambiar.

    size: el lado de las imágenes.  y, x: su lugar en el mapa de la capa; si no lo dices, el centro. Una capa densa ve
    toda la imagen. Se mide: un renglón de píxeles en NaN deja en NaN a toda neurona que lo mire.
    """
    lines = torch.zeros(size, 3, size, size, device=device_of(model), dtype=weights_dtype(model))
    lines[torch.arange(size), :, torch.arange(size)] = torch.nan                # la imagen i, sin su renglón i
    y0, y1 = _seen(model, lines, layer, y, x)
    x0, x1 = _seen(model, lines.transpose(2, 3), layer, y, x)
    return y0, x0, y1, x1


def _seen(model: nn.Module, images: Tensor, layer: str, y: int | None, x: int | None) -> tuple[int, int]:
    """De la primera a la última imagen, sin incluir el final, cuyos NaN llegan a la neurona en (y, x)."""
    maps = []
    with torch.no_grad():
        for part in images.split(32):
            with record(model, [layer], stop=True) as acts, asking(model, part):
                model(part)
            maps.append(acts[layer])
    maps = torch.cat(maps)
    if maps.ndim == 2:
        maps = maps[..., None, None]
    h, w = maps.shape[2:]
    row, column = h // 2 if y is None else y, w // 2 if x is None else x
    if not (0 <= row < h and 0 <= column < w):
        raise ValueError(f"y, x: el mapa de «{layer}» mide {h}×{w} y pediste el lugar (y={row}, x={column}).")
    reached = maps[:, :, row, column].isnan().any(1).nonzero()
    if not len(reached):
        raise ValueError(f"layer: la red quita los NaN antes de «{layer}», y con ellos se mide. Prueba una capa antes.")
    return int(reached[0]), int(reached[-1]) + 1


class _Stop(Exception):
    """Señal interna: ya está todo lo pedido y la pasada puede terminar."""


@contextmanager
def _hooked(model: nn.Module, watchers: dict[str, Callable[[Tensor], Tensor]], whole: bool = False) -> Iterator[None]:
    """Dentro del `with`, lo que sale de cada capa pasa por su vigía; los ganchos se quitan pase lo que pase.

    whole: el vigía recibe todos los canales, y no solo lo que cae en algún lugar de la imagen (`anynet.Layout`).
    """
    # se buscan todas antes de colgar nada: un nombre equivocado no deja ganchos a medias
    modules = {layer: model if layer == INPUT else get_layer(model, layer) for layer in watchers}
    check_open(model, modules)
    handles: list[RemovableHandle] = []
    try:
        for layer, watch in watchers.items():
            handles.append(_hang(model, modules[layer], layer, watch, whole))
        yield
    finally:
        for handle in handles:
            handle.remove()


def _changes_at(model: nn.Module, layer: str) -> str:
    """De dónde se cuelga un cambio: de la capa o, si lee paso a paso y lo dice (tiene dentro `step`), de cada paso."""
    return f"{layer}.step" if f"{one_layer(layer)}.step" in dict(model.named_modules()) else layer


def _hang(model: nn.Module, module: nn.Module, layer: str, watch: Callable[[Tensor], Tensor], whole: bool
          ) -> RemovableHandle:
    """Cuelga un gancho: a la entrada de la red si la capa es "input", a la salida del módulo si es otra."""
    if layer == INPUT:
        return module.register_forward_pre_hook(lambda _, inputs: (watch(inputs[0]), *inputs[1:]))

    def after(_: nn.Module, inputs: tuple, output: Tensor) -> Tensor:
        if not isinstance(output, Tensor):
            raise TypeError(f"layer: «{layer}» entrega {type(output).__name__} y no un tensor; "
                            "prueba una capa dentro de ella.")
        layout = layout_of(model, layer, module, output)
        return layout.back(watch(layout.channels(output) if whole else layout.maps(output)), output, whole)

    return module.register_forward_hook(after)


def _check_images(model: nn.Module, images: Tensor) -> None:
    """ValueError si las imágenes no pueden entrar a esta red: forma, valores, tipo o dispositivo."""
    check_shape(images, "b d" if isinstance(images, Tensor) and images.ndim == 2 else "b 3 h w", "images")
    weights, place = next(model.parameters(), images), device_of(model)     # una red sin pesos acepta lo que sea
    if images.device != place and weights is not images:
        raise ValueError(f'images: están en {images.device} y la red en {place}. Prueba images.to("{place}").')
    if images.dtype == torch.int64 and images.ndim == 2:            # los códigos de un texto: los revisa su red
        return
    check_values(images, "images")
    if images.dtype == torch.float64 != weights.dtype:
        raise ValueError(f"images: son {images.dtype} y los pesos de la red {weights.dtype}. Prueba images.float().")

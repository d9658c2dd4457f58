"""Lo que hace falta para preguntarle a cualquier red, también a una ajena al curso.

Que le quepa la imagen, que quede como estaba, saber dónde pone sus canales cada capa, y decir con claridad qué probar
cuando algo de eso no se puede. Las capas de una red envuelta con `wrap` se averiguan una vez (`labkit.models.layouts`);
las de otra se leen por el tipo de capa y la forma de lo que da.
"""
import random
import traceback
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from itertools import dropwhile
from math import isqrt
from typing import Protocol, runtime_checkable

import numpy as np
import torch
from torch import Tensor, nn

FIRST_KINDS = (nn.modules.conv._ConvNd, nn.modules.batchnorm._BatchNorm, nn.GroupNorm, nn.modules.pooling._MaxPoolNd,
               nn.modules.pooling._AvgPoolNd, nn.modules.pooling._AdaptiveAvgPoolNd,
               nn.modules.pooling._AdaptiveMaxPoolNd)
FAILURES = (RuntimeError, AssertionError)           # lo que lanza una red que no puede con lo que se le dio


class NetworkFailure(ValueError, RuntimeError):
    """La red no pudo con unas imágenes; el mensaje dice qué se le dio, qué dijo ella y qué probar."""


@dataclass(frozen=True)
class Layout:
    """Dónde está cada cosa en lo que da una capa.

    axis: el eje de los canales, 1 o −1.  tokens: da fichas, (b, n, c) o (b, c, n), y no mapas.  extras: cuántas fichas,
    al principio, no son de ningún lugar de la imagen, como la de clase.  doubt: si no se sabe, por qué.
    """
    axis: int = 1
    tokens: bool = False
    extras: int = 0
    doubt: str = ""

    def channels(self, values: Tensor) -> Tensor:
        """Los mismos valores con los canales en el eje 1, con todas las fichas: una vista, no una copia."""
        return values if self.axis == 1 else values.movedim(self.axis, 1)

    def maps(self, values: Tensor) -> Tensor:
        """Los mapas de la capa, (b, c, h, w), o (b, c) si es densa; las fichas, cada una en su lugar."""
        if not self.tokens:
            return self.channels(values)
        places = self.channels(values)[:, :, self.extras:]
        side = isqrt(places.shape[2])
        if side * side != places.shape[2]:
            raise ValueError(f"images: las {places.shape[2]} fichas que salieron no forman un cuadrado, y no se sabe "
                             "en qué lugar cae cada una. Prueba con imágenes cuadradas.")
        return places.unflatten(2, (side, side))

    def back(self, maps: Tensor, values: Tensor, whole: bool = False) -> Tensor:
        """Lo contrario: unos mapas, o con `whole` unos canales, acomodados como los valores de los que salieron."""
        if self.tokens and not whole:
            maps = torch.cat([self.channels(values)[:, :, :self.extras], maps.flatten(2)], 2)
        return maps if self.axis == 1 else maps.movedim(1, self.axis)


FIRST = Layout()


@runtime_checkable
class KnowsItsLayers(Protocol):
    """Una red de la que ya se sabe dónde pone sus canales cada capa; las que no estén, en el eje 1."""
    layouts: dict[str, Layout]


def layout_of(model: nn.Module, layer: str, module: nn.Module, values: Tensor) -> Layout:
    """Dónde están los canales en lo que dio una capa; ValueError, con qué probar, si no se sabe."""
    if isinstance(model, KnowsItsLayers):
        layout = model.layouts.get(layer, FIRST)
    else:
        layout = _guessed(module, tuple(values.shape))
    if layout.doubt:
        raise ValueError(f"layer: no sé dónde están los canales de «{layer}», que da {tuple(values.shape)}: "
                         f"{layout.doubt}.")
    return layout


def says_first(module: nn.Module) -> bool:
    """Si una capa de este tipo deja siempre los canales en el eje 1: una convolución, una norma por lote…"""
    return isinstance(module, FIRST_KINDS)


def says_last(module: nn.Module) -> bool:
    """Si una capa de este tipo deja siempre los canales en el último eje: una densa, una norma por ficha…"""
    # no las subclases: la LayerNorm2d de torchvision es una LayerNorm que los regresa al eje 1
    return type(module) in (nn.Linear, nn.Embedding) or (type(module) is nn.LayerNorm
                                                         and len(module.normalized_shape) == 1)


def _guessed(module: nn.Module, shape: tuple[int, ...]) -> Layout:
    """Dónde están los canales de una red sin envolver, por el tipo de la capa y la forma de lo que dio."""
    advice = "envuelve tu red con labkit.models.wrap, que lo averigua, o prueba otra capa"
    if len(shape) == 2 or says_first(module):
        return FIRST
    if len(shape) == 3:
        return Layout(doubt=f"parecen fichas; {advice}")
    if len(shape) == 4 and (says_last(module) or shape[1] == shape[2] > 1 and shape[2] != shape[3]):
        return Layout(doubt=f"parece que van al final, (b, h, w, c); {advice}")
    return FIRST if len(shape) == 4 else Layout(doubt="esperaba (b, c, h, w) o (b, c); prueba otra capa")


@contextmanager
def intact(model: nn.Module) -> Iterator[None]:
    """La red en `eval()` dentro del `with`; al salir queda como estaba, bit por bit, y el azar de todos también.

    Vuelven el modo de cada módulo y sus búferes (los promedios de una norma por lote, una cuenta de pasadas).
    """
    modes = [(module, module.training) for module in model.modules()]
    owners = [(module._buffers, dict(module._buffers)) for module in model.modules() if not hidden(module)]
    contents = [(buffer, _version(buffer), buffer.detach().clone()) for buffer in model.buffers()]
    if any(training for _, training in modes):
        model.eval()
    try:
        with dice_kept(model):
            yield
    finally:
        for module, training in modes:
            if module.training != training:
                module.training = training
        for now, before in owners:
            now.update(before)
        for buffer, version, values in contents:
            if version is None or buffer._version != version:
                with torch.no_grad():
                    buffer.copy_(values)


@contextmanager
def dice_kept(model: nn.Module) -> Iterator[None]:
    """Lo que pase dentro del `with` no mueve el azar de nadie: ni el de Python, ni el de NumPy, ni el de PyTorch."""
    states = random.getstate(), np.random.get_state(), torch.get_rng_state()
    cards = {weights.device for weights in model.parameters() if weights.is_cuda}
    there = {card: torch.cuda.get_rng_state(card) for card in cards}
    try:
        yield
    finally:
        random.setstate(states[0])
        np.random.set_state(states[1])
        torch.set_rng_state(states[2])
        for card, state in there.items():
            torch.cuda.set_rng_state(state, card)


@contextmanager
def asking(model: nn.Module, images: Tensor) -> Iterator[None]:
    """Una pasada de unas imágenes por la red, que queda intacta; si no puede con ellas, NetworkFailure dice qué probar.
    """
    with intact(model):
        try:
            yield
        except NetworkFailure:
            raise
        except FAILURES as error:
            if _from_a_hook(error) or "memory" in str(error).lower():
                raise
            raise NetworkFailure(f"la red no pudo con imágenes {tuple(images.shape)}, {images.dtype}: "
                                 f"{_advice(model, images, str(error))} Lo que dijo: {error}") from error


def logits_of(model: nn.Module, images: Tensor) -> Tensor:
    """Lo que contesta la red entera, sus logits, (b, k, …); ValueError si lo que entrega no es un tensor."""
    with asking(model, images):
        logits = model(images)
    if not isinstance(logits, Tensor) or logits.ndim < 2:
        raise ValueError(f"model: esperaba logits (b, clases) y la red entrega {written(logits)}. Envuélvela con "
                         "labkit.models.wrap, que busca los logits, o con un nn.Module que devuelva solo ese tensor.")
    return logits.float() if logits.is_floating_point() and logits.element_size() < 4 else logits


def check_slope(model: nn.Module, slope: Tensor) -> None:
    """ValueError si un gradiente es cero en todas partes y pudo ser por la precisión: en float16, 1e-8 ya es 0."""
    if weights_dtype(model) == torch.float16 and not slope.any():
        raise ValueError("model: el gradiente es 0 en toda la imagen, y con la red en float16 no se sabe si es de "
                         "verdad o porque ahí no cabe uno tan chico. Prueba model.float().")


def check_open(model: nn.Module, layers: dict[str, nn.Module]) -> None:
    """ValueError si de la red o de alguna de esas capas no se puede colgar un gancho: compilada, o TorchScript."""
    if is_compiled(model):
        raise ValueError("model: la red está compilada (torch.compile) y no deja ver lo que pasa en sus capas. Usa la "
                         "original, o envuélvela con labkit.models.wrap, que la toma sin compilar.")
    for layer, module in layers.items():
        if hidden(module):
            raise ValueError(f"layer: «{layer}» es TorchScript, que no deja ver lo que pasa en sus capas. Usa la red "
                             "de PyTorch de la que salió; con labkit.models.wrap se puede preguntar por sus logits.")


def hidden(module: nn.Module) -> bool:
    """Si es TorchScript: de fuera no se puede ver lo que da."""
    return isinstance(module, torch.jit.ScriptModule)


def is_compiled(model: nn.Module) -> bool:
    """Si la red, o algo dentro de ella, pasó por torch.compile."""
    return any("_orig_mod" in module._modules or module._compiled_call_impl is not None for module in model.modules()
               if not hidden(module))


def weights_dtype(model: nn.Module) -> torch.dtype:
    """En qué precisión está la red: la de su primer peso real; si no tiene, float32."""
    real = (weights.dtype for weights in model.parameters() if weights.is_floating_point())
    return next(real, torch.float32)


def written(output: object) -> str:
    """Qué entregó una red, dicho en pocas palabras."""
    if isinstance(output, Tensor):
        return f"un tensor {tuple(output.shape)}"
    if isinstance(output, dict):
        return f"un diccionario con {', '.join(map(str, output)) or 'nada'}"
    if isinstance(output, (list, tuple)) and output:
        return f"{type(output).__name__} de {len(output)}, el primero {written(output[0])}"
    return type(output).__name__


def _advice(model: nn.Module, images: Tensor, error: str) -> str:
    """Qué probar cuando una red no pudo con unas imágenes."""
    dtype = weights_dtype(model)
    if "not implemented for" in error:
        return f"está en {dtype} y una de sus cuentas no existe así en {images.device}. Prueba model.float()."
    if images.dtype != dtype:
        return f"sus pesos son {dtype}. Prueba images.to({dtype}), o model.float() y images.float()."
    return "quizá espera otro lado, o son muy chicas. Prueba con imágenes del tamaño con que se entrenó."


def _from_a_hook(error: Exception) -> bool:
    """Si el error salió de un gancho del curso (de lo que alguien le hizo a una capa con `edit`) y no de la red."""
    rooms = [frame.f_globals.get("__name__", "") for frame, _ in traceback.walk_tb(error.__traceback__)]
    inside = dropwhile(lambda room: not room.startswith("torch"), rooms)
    return "labkit.activations" in inside


def _version(tensor: Tensor) -> int | None:
    """Cuántas veces se ha escrito en un tensor; None si no lleva la cuenta."""
    return None if tensor.is_inference() else tensor._version

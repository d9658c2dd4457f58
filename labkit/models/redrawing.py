"""Sortear de nuevo todo lo que una red aprendió, o decir qué no se puede: el control de toda explicación.

Un doble que conserva algo de lo aprendido no es un control (Adebayo et al., 2018, «Sanity Checks for Saliency Maps»,
arXiv:1810.03292). Aquí se sortea lo que se sabe sortear, se comprueba que cambió, y lo demás se nombra.
"""
import copy
import random
from collections.abc import Iterator

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn.utils import parametrize

from labkit.anynet import dice_kept, hidden, is_compiled
from labkit.device import device_of
from labkit.models.plain import ready

# pesos sueltos de familias conocidas, que sus capas no saben sortear: con qué desviación, o a qué valor vuelven
LOOSE_SPREAD = {"pos_embedding": 0.02, "relative_position_bias_table": 0.02, "pos_embed": 0.02, "cls_token": 0.02}
LOOSE_VALUE = {"class_token": 0.0, "layer_scale": 1e-6, "logit_scale": 2.302585}
# lo que no se aprende, aunque se guarde con los pesos
CONSTANTS = ("relative_coords_table", "mean", "std")


def random_twin(model: nn.Module, seed: int = 0) -> nn.Module:
    """La misma red con pesos nuevos al azar (He et al., 2015): el control de toda explicación.

    No toca a `model` ni al azar de nadie; con la misma semilla da siempre el mismo doble, en el mismo dispositivo que
    `model`.  ValueError, con sus nombres, si algo de lo aprendido no se puede sortear: un doble que lo conserva no es
    un control.
    """
    place = device_of(model)
    twin = draw_weights(copied(model).cpu(), seed)
    kept = not_redrawn(model, twin)
    if kept:
        more = f" y {len(kept) - 3} más" if len(kept) > 3 else ""
        raise ValueError("model: esperaba poder sortear todos los pesos de la red, y estos se quedan como estaban: "
                         f"{', '.join(kept[:3])}{more}. Un doble que conserva algo de lo aprendido no es un control: "
                         "dale a su capa un método reset_parameters.")
    return ready(twin).to(place)


def draw_weights(model: nn.Module, seed: int = 0) -> nn.Module:
    """Sortea de nuevo, ahí mismo, los pesos de `model` y lo devuelve: Kaiming normal, sesgos en 0, normas en 1.

    Lo que no es convolución ni capa densa se sortea como sabe hacerlo (`reset_parameters`), sin mover el azar de nadie.
    """
    generator = torch.Generator().manual_seed(seed)
    with torch.no_grad(), dice_kept(model):
        random.seed(seed)
        np.random.seed(seed % 2**32)
        torch.default_generator.manual_seed(seed)
        for module in model.modules():
            if isinstance(module, (nn.Conv2d, nn.Linear)) and not hidden(module):
                _draw_kaiming(module, generator)
            elif hasattr(module, "reset_parameters"):
                module.reset_parameters()
            elif isinstance(module, nn.MultiheadAttention):
                module._reset_parameters()
            else:
                _draw_loose(module, generator)
    return model


def not_redrawn(model: nn.Module, twin: nn.Module) -> list[str]:
    """Lo que la red aprendió y su doble no sorteó: los nombres de sus pesos, y de los promedios y tablas que guarda.

    Un peso vale por sorteado si lo sortea su capa y cambió; un sesgo en 0 o una escala en 1 puede coincidir.
    """
    pieces = dict(_places(twin))
    return [name for place, module in _places(model)
            for name in _kept_by(module, pieces[place], f"{place}." if place else "")]


def copied(model: nn.Module) -> nn.Module:
    """Una copia de la red, sin compilar; ValueError si no se deja copiar."""
    try:
        with torch.no_grad():
            return uncompiled(copy.deepcopy(model if hidden(model) else model._modules.get("_orig_mod", model)))
    except (RuntimeError, TypeError, NotImplementedError) as error:
        raise ValueError(f"model: no se deja copiar ({error}). Ármala de nuevo y cárgale sus pesos con "
                         "load_state_dict.") from error


def uncompiled(model: nn.Module) -> nn.Module:
    """La misma red, con la original en el lugar de lo que pasó por torch.compile, ella entera o sus partes."""
    if hidden(model) or not is_compiled(model):
        return model
    model = model._modules.get("_orig_mod", model)
    for module in model.modules():
        if not hidden(module):
            module._compiled_call_impl = None
            module._modules.update({name: child._modules.get("_orig_mod", child)
                                    for name, child in module._modules.items() if not (child is None or hidden(child))})
    return model


def _draw_kaiming(module: nn.Conv2d | nn.Linear, generator: torch.Generator) -> None:
    """Los pesos de una convolución o una densa; si se calculan de otros (weight_norm), esos otros."""
    if parametrize.is_parametrized(module, "weight"):
        weight = torch.empty_like(module.weight)
        nn.init.kaiming_normal_(weight, nonlinearity="relu", generator=generator)
        try:
            module.weight = weight
        except (RuntimeError, ValueError, NotImplementedError):     # no sabe de cuáles saldría: `not_redrawn` lo dirá
            return
    else:
        nn.init.kaiming_normal_(module.weight, nonlinearity="relu", generator=generator)
    if module.bias is not None:
        module.bias.zero_()


def _draw_loose(module: nn.Module, generator: torch.Generator) -> None:
    """Los pesos sueltos de una familia conocida."""
    for name, weight in _own(module):
        if name in LOOSE_SPREAD:
            weight.normal_(0, LOOSE_SPREAD[name], generator=generator)
        elif name in LOOSE_VALUE:
            weight.fill_(LOOSE_VALUE[name])


def _kept_by(module: nn.Module, twin: nn.Module, place: str) -> Iterator[str]:
    """Los nombres de lo que un módulo, sin sus hijos, conserva en su doble."""
    new = dict(_own(twin))
    drawn = isinstance(module, (nn.Conv2d, nn.Linear, nn.MultiheadAttention)) or hasattr(module, "reset_parameters")
    drawn = drawn and not hidden(module)
    for name, old in _own(module):
        known = drawn or name in LOOSE_SPREAD or name in LOOSE_VALUE or _is_original(module)
        if not known or _same(old, new[name]) and len(old.unique()) > 1:
            yield place + name
    leaf = not any(module.children())                           # lo que no es un tensor solo se ve en su state_dict
    saved = module.state_dict(keep_vars=True) if leaf else dict(module.named_buffers(recurse=False))
    for name, old in saved.items():
        learned = not isinstance(old, Tensor) or old.is_floating_point() or old.is_quantized
        if learned and name not in new and not (drawn or name in CONSTANTS):
            yield place + name


def _places(model: nn.Module) -> Iterator[tuple[str, nn.Module]]:
    """Los módulos de una red con sus nombres, que son los mismos aunque algo esté compilado."""
    for place, module in model.named_modules():
        if hidden(module) or "_orig_mod" not in module._modules:
            yield ".".join(part for part in place.split(".") if part != "_orig_mod"), module


def _own(module: nn.Module) -> list[tuple[str, Tensor]]:
    """Los pesos de un módulo, sin los de sus hijos."""
    return list(module.named_parameters(recurse=False))


def _is_original(module: nn.Module) -> bool:
    """Si guarda los números de los que se calcula un peso (`torch.nn.utils.parametrize`)."""
    return isinstance(module, parametrize.ParametrizationList)


def _same(old: Tensor, new: Tensor) -> bool:
    return torch.equal(old.detach().cpu(), new.detach().cpu())

"""Las dos funciones que se escriben en la lección 2, `climb_step` y `keep_near`: con qué se prueban y sus errores."""

from collections.abc import Callable, Iterator

import torch
from torch import Tensor

from labkit.exercises.compare import Mistake
from labkit.exercises.kinds import case_generator
from labkit.optimization import within

TINY = 1e-12                            # para dividir entre una longitud que puede ser 0


# ── 1 · un paso ─────────────────────────────────────────────────────────────────────────────────────────────────────

def climb_step(image: Tensor, gradient: Tensor, lr: float) -> Tensor:
    """La imagen (3, h, w) tras un paso de longitud `lr` hacia donde sube la puntuación, recortada a [0, 1]."""
    length = gradient.norm()
    return (image + lr * gradient / length).clamp(0, 1) if length > 0 else image.clone()


def climbs() -> Iterator[tuple[Tensor, Tensor, float]]:
    """Imagen (3, h, w) en [0, 1], vector de su forma y número: vectores largos, cortos y, al final, de puros ceros."""
    dice = case_generator()
    for h, w, size, number in ((4, 6, 0.3, 0.5), (5, 3, 2, 0.2), (6, 4, 6, 4), (3, 7, 0.01, 3), (4, 4, 0, 0.7)):
        image, vector = torch.rand(3, h, w, generator=dice), torch.randn(3, h, w, generator=dice)
        yield image, vector * (size / vector.norm()), number


def _climbed(image: Tensor, gradient: Tensor, lr: float, measure: Callable[[Tensor], Tensor] = torch.norm) -> Tensor:
    """La imagen tras el paso, sin recortar a [0, 1]; measure: lo que se cree que es la longitud del gradiente."""
    return image + lr * gradient / measure(gradient).clamp(min=TINY)


STEP_MISTAKES = (
    Mistake("con un gradiente de puros ceros divides entre cero: ahí la imagen se queda igual.",
            lambda image, gradient, lr: (image + lr * gradient / gradient.norm()).clamp(0, 1)),
    Mistake("bajas en vez de subir: el gradiente apunta hacia donde la puntuación crece.",
            lambda image, gradient, lr: climb_step(image, -gradient, lr)),
    Mistake("el paso no mide `lr`: o no divides entre la longitud, o no usas `lr`.",
            lambda image, gradient, lr: (image + lr * gradient).clamp(0, 1),
            (lambda image, gradient, lr: climb_step(image, gradient, 1.0),)),
    Mistake("mides por pedazos, cada canal, píxel o valor (su signo) por su lado; la longitud es una, la de todos.",
            lambda *case: _climbed(*case, lambda gradient: gradient.norm(dim=0)).clamp(0, 1),
            (lambda *case: _climbed(*case, lambda gradient: gradient.norm(dim=(1, 2), keepdim=True)).clamp(0, 1),
             lambda *case: _climbed(*case, torch.abs).clamp(0, 1))),
    Mistake("divides entre la suma de los valores absolutos (norma L1); se pide la raíz de la suma de cuadrados.",
            lambda *case: _climbed(*case, lambda gradient: gradient.abs().sum()).clamp(0, 1)),
    Mistake("divides entre el mayor valor (norma L∞); se pide la raíz de la suma de cuadrados.",
            lambda *case: _climbed(*case, lambda gradient: gradient.abs().max()).clamp(0, 1),
            (lambda *case: _climbed(*case, torch.max).clamp(0, 1),)),
    Mistake("divides entre la suma de cuadrados: le falta la raíz.",
            lambda *case: _climbed(*case, lambda gradient: gradient.square().sum()).clamp(0, 1)),
    Mistake("la imagen se sale de [0, 1]: falta recortarla al final.", _climbed),
    Mistake("devuelves solo el paso; falta sumárselo a la imagen.",
            lambda image, *step: _climbed(torch.zeros_like(image), *step),
            (lambda image, *step: _climbed(torch.zeros_like(image), *step).clamp(0, 1),)),
)

# ── 2 · el presupuesto ──────────────────────────────────────────────────────────────────────────────────────────────

def keep_near(image: Tensor, start: Tensor, radius: float) -> Tensor:
    """La imagen (3, h, w) traída a no más de `radius` de `start` en norma L2, y después recortada a [0, 1]."""
    return (start + within((image - start)[None], radius)[0]).clamp(0, 1)


def moves() -> Iterator[tuple[Tensor, Tensor, float]]:
    """Imagen, de dónde salió y presupuesto: cambios que caben, que se pasan, y uno de puros ceros."""
    for start, shift, radius in climbs():
        yield start + shift, start, radius


def _kept(image: Tensor, start: Tensor, radius: float, measure: Callable[[Tensor], Tensor] = torch.norm) -> Tensor:
    """La imagen cerca de `start`, sin recortar a [0, 1]; measure: lo que se cree que mide un cambio."""
    change = image - start
    return start + change * (radius / measure(change).clamp(min=TINY)).clamp(max=1)


def _beyond(image: Tensor, start: Tensor, radius: float, do: Callable[[Tensor, Tensor], Tensor]) -> Tensor:
    """Lo que devuelve quien deja lo que cabe y, con lo que se pasa, hace `do(cambio, lo que mide)` desde `start`."""
    change = image - start
    length = change.norm()
    return (image if length <= radius else start + do(change, length)).clamp(0, 1)


NEAR_MISTAKES = (
    Mistake("usas la norma L∞, el mayor cambio o píxel por píxel; se mide el cambio entero, ‖·‖₂.",
            lambda image, start, radius: (start + (image - start).clamp(-radius, radius)).clamp(0, 1),
            (lambda *case: _kept(*case, lambda change: change.abs().max()).clamp(0, 1),)),
    Mistake("estiras también lo que ya cabía: si no pasa de `radius`, se deja.",
            lambda image, start, radius: (start + (image - start) * radius / (image - start).norm()).clamp(0, 1),
            (lambda image, start, radius: climb_step(start, image - start, radius),)),
    Mistake("comparas la suma de cuadrados sin sacarle raíz.",
            lambda *case: _kept(*case, lambda change: change.square().sum()).clamp(0, 1)),
    Mistake("lo que se pasa no queda de longitud `radius`: al factor le falta el presupuesto, lo que mide el cambio o "
            "ambos.", lambda image, start, radius: image.clamp(0, 1),
            (lambda *case: _beyond(*case, lambda change, length: change / length),
             lambda *case: _beyond(*case, lambda change, length: change * case[2]))),
    Mistake("sumas un mismo número a todos los píxeles: falta la dirección del cambio.",
            lambda *case: _beyond(*case, lambda change, length: torch.full_like(change, case[2])),
            (lambda *case: _beyond(*case, lambda change, length: change + case[2]),
             lambda *case: _beyond(*case, lambda change, length: case[2] / length))),
    Mistake("le sumas el cambio a la imagen, que ya lo trae; va sumado a `start`.",
            lambda image, start, radius: (_kept(image, start, radius) - start + image).clamp(0, 1),
            (lambda *case: _beyond(*case, lambda change, length: change + case[2] * change / length),)),
    Mistake("devuelves el cambio; falta sumárselo a `start`.",
            lambda image, start, radius: _kept(image, start, radius) - start,
            (lambda image, start, radius: (_kept(image, start, radius) - start).clamp(0, 1),
             lambda *case: _beyond(*case, lambda change, length: case[2] * change / length - case[1]))),
    Mistake("devuelves `start`: lo que se pasa no se borra, se encoge.",
            lambda *case: _beyond(*case, lambda change, length: 0 * change), (lambda image, start, radius: start,)),
    Mistake("el recorte a [0, 1] va una vez y al final: te falta, o recortas antes de encoger.", _kept,
            (lambda image, start, radius: _kept(image.clamp(0, 1), start, radius),)),
)

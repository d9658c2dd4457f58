"""Ejercicios 1 y 2 de la lección 2: un paso de subida, `climb_step`, y volver al presupuesto, `keep_near`."""
from collections.abc import Callable, Iterator
from functools import partial

import torch
from torch import Tensor

from labkit.exercises.old_compare import Trial, compare
from labkit.exercises.kinds import case_generator
from labkit.exercises.sandbox import call, require_function
from labkit.optimization import within


def climb_step(image: Tensor, gradient: Tensor, lr: float) -> Tensor:
    """La imagen (3, h, w) tras un paso de longitud `lr` hacia donde sube la puntuación, recortada a [0, 1]."""
    length = gradient.norm()
    return (image + lr * gradient / length).clamp(0, 1) if length > 0 else image.clone()


def keep_near(image: Tensor, start: Tensor, radius: float) -> Tensor:
    """La imagen (3, h, w) traída a no más de `radius` de `start` en norma L2, y después recortada a [0, 1]."""
    return (start + within((image - start)[None], radius)[0]).clamp(0, 1)


def examine_step(answer: object) -> str:
    """Compara `answer(image, gradient, lr)` con `climb_step` en imágenes y gradientes al azar."""
    return _examine(answer, climb_step, ("image", "gradient", "lr"), cases(), step_mistakes)


def examine_near(answer: object) -> str:
    """Compara `answer(image, start, radius)` con `keep_near` en imágenes que caben, que se pasan y que se salen."""
    moved = ((start + shift, start, radius) for start, shift, radius in cases())
    return _examine(answer, keep_near, ("image", "start", "radius"), moved, near_mistakes)


def _examine(answer: object, right: Callable, parameters: tuple, cases: Iterator, mistakes: Callable) -> str:
    require_function(answer, parameters, ("climb_step", "keep_near", "within", "PixelCanvas", "maximize"))
    trials = (Trial(partial(call, answer, *case), right(*case), partial(mistakes, *case),
                    f"una imagen de {case[0].shape[1]} × {case[0].shape[2]} y {parameters[2]} = {case[2]:g}")
              for case in cases)
    return f"da lo mismo que labkit en {compare(trials)} casos al azar."


def cases() -> Iterator[tuple[Tensor, Tensor, float]]:
    """Imagen (3, h, w) en [0, 1], vector de su forma y número: vectores largos, cortos y, al final, de puros ceros."""
    dice = case_generator()
    for h, w, size, number in ((4, 6, 0.3, 0.5), (5, 3, 2, 0.2), (6, 4, 6, 4), (3, 7, 0.01, 3), (4, 4, 0, 0.7)):
        image, vector = torch.rand(3, h, w, generator=dice), torch.randn(3, h, w, generator=dice)
        yield image, vector * (size / vector.norm()), number


def step_mistakes(image: Tensor, gradient: Tensor, lr: float) -> dict[str, Tensor]:
    """Qué sale de cada error conocido, con el mensaje que lo nombra."""
    unit, by_channel = gradient / gradient.norm(), gradient.flatten(1).norm(dim=1)[:, None, None]
    steps = {
        "con un gradiente de puros ceros divides entre cero: ahí la imagen se queda igual.": unit,
        "bajas en vez de subir: el gradiente apunta hacia donde la puntuación crece.": -unit,
        "no normalizas: el paso debe medir lo mismo con un gradiente largo que con uno corto.": gradient,
        "divides entre el mayor valor; se pide entre la longitud, ‖g‖₂.": gradient / gradient.abs().max(),
        "divides entre la longitud al cuadrado: falta la raíz.": unit / gradient.norm(),
        "usas solo el signo: así todos los píxeles se mueven igual y la dirección es otra.": gradient.sign(),
        "mides cada canal por su lado; la longitud es una sola, con los tres canales.": gradient / by_channel,
        "no usas `lr`: el paso mide 1 y debe medir `lr`.": unit / lr,
    }
    return {message: (image + lr * step).clamp(0, 1) for message, step in steps.items()} | {
        "la imagen se sale de [0, 1]: falta recortarla al final.": image + lr * unit,
        "recortas a [-1, 1]; aquí las imágenes viven en [0, 1].": (image + lr * unit).clamp(-1, 1),
        "devuelves solo el paso; falta sumárselo a la imagen.": lr * unit,
    }


def near_mistakes(image: Tensor, start: Tensor, radius: float) -> dict[str, Tensor]:
    """Qué sale de cada error conocido, con el mensaje que lo nombra."""
    shift, inside = image - start, image.clamp(0, 1) - start
    length, by_channel = shift.norm(), shift.flatten(1).norm(dim=1)[:, None, None]

    def cut(change: Tensor, size: Tensor) -> Tensor:
        return change * (radius / size.clamp(min=1e-12)).clamp(max=1)

    near = start + cut(shift, length)
    found = {
        "recortas píxel por píxel (norma L∞); se mide el cambio entero, ‖·‖₂.": start + shift.clamp(-radius, radius),
        "estiras también lo que ya cabía: si no pasa de `radius`, se deja.": start + shift * radius / length,
        "mides la imagen misma; se mide cuánto se alejó de `start`.": cut(image, image.norm()),
        "usas el promedio de los cuadrados; ‖·‖₂ lleva la suma.": start + cut(shift, shift.square().mean().sqrt()),
        "comparas la suma de cuadrados sin sacarle raíz.": start + cut(shift, length**2),
        "cambiaste `image` por `start`: se sale de `start` hacia `image`.": image - cut(shift, length),
        "no usas `radius`: el cambio siempre te queda de longitud 1.": start + shift / length.clamp(min=1e-12),
        "el factor está al revés: es radius / longitud.": start + shift * (length / radius if length > radius else 1),
        "mides cada canal por su lado; la longitud es una sola, con los tres canales.": start + cut(shift, by_channel),
        "si se pasa, vuelves hasta `start`; basta ir a la orilla de la bola.": image if length <= radius else start,
        "solo recortas a [0, 1]: falta el presupuesto.": image,
        "devuelves el cambio; falta sumárselo a `start`.": near - start,
    }
    return {message: wrong.clamp(0, 1) for message, wrong in found.items()} | {
        "la imagen se sale de [0, 1]: falta recortarla al final.": near,
        "recortas a [0, 1] antes de encoger; el recorte va al final.": start + cut(inside, inside.norm()),
    }

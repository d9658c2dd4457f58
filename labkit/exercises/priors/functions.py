"""Las dos funciones que se escriben en la lección 3b, `best_guess` y `prior_step`: con qué se prueban y sus errores."""

from collections.abc import Callable, Iterator

import torch
from torch import Tensor

from labkit.exercises.compare import Mistake
from labkit.exercises.kinds import case_generator

TINY = 1e-12                            # para dividir entre una longitud que puede ser 0
ALL = (1, 2, 3)                         # canal, fila y columna de cada imagen
Weights = tuple[float, float]

# ── 1 · la mejor apuesta ────────────────────────────────────────────────────────────────────────────────────────────


def best_guess(x: Tensor, data: Tensor, sigma: float) -> Tensor:
    """El promedio de las imágenes de `data` (n, 3, h, w) que pudieron dar x (3, h, w), cada una con su probabilidad."""
    distances = (data - x).square().sum((1, 2, 3))
    chances = (-distances / (2 * sigma ** 2)).softmax(0)
    return (chances[:, None, None, None] * data).sum(0)


def guesses() -> Iterator[tuple[Tensor, Tensor, float]]:
    """Imagen con ruido, imágenes de las que pudo salir, y σ; en el último, x está lejísimos, y a lo mismo de dos."""
    dice = case_generator()
    for n, h, w, sigma in ((4, 2, 3, 0.4), (6, 3, 2, 0.6), (3, 4, 4, 1.0), (5, 2, 2, 0.3)):
        data = torch.rand(n, 3, h, w, generator=dice)
        yield data[:2].mean(0) + 0.2 * sigma * torch.randn(3, h, w, generator=dice), data, sigma
    data = torch.randint(65, (5, 3, 6, 5), generator=dice) / 64          # con estos valores el empate es exacto
    data[1, 0] = data[0, 0]
    x = data[:2].mean(0)
    x[0] /= 2                                                            # y x no es la apuesta
    yield x, data, 0.02


def _far(x: Tensor, data: Tensor) -> Tensor:
    """El cuadrado de la distancia de x a cada imagen: (n,)."""
    return (data - x).square().sum(ALL)


def _mixed(data: Tensor, weights: Tensor) -> Tensor:
    return (weights[:, None, None, None] * data).sum(0)


def _by(exponents: Tensor, data: Tensor) -> Tensor:
    """La mezcla de las imágenes con el softmax de esos exponentes (n,)."""
    return _mixed(data, exponents.softmax(0))


def _bells(x: Tensor, data: Tensor, sigma: float) -> Tensor:
    """Las exponenciales tal cual, que lejos de los datos valen todas 0."""
    return torch.exp(-_far(x, data) / (2 * sigma ** 2))


def _patched(x: Tensor, data: Tensor, sigma: float, patch: Callable[[Tensor, Tensor], Tensor]) -> Tensor:
    """La apuesta con las exponenciales tal cual y, si todas valen 0, lo que diga `patch(x, data)`."""
    bells = _bells(x, data, sigma)
    return _mixed(data, bells / bells.sum()) if bells.sum() > 0 else patch(x, data)


def _nearest(x: Tensor, data: Tensor) -> Tensor:
    return data[_far(x, data).argmin()]


def _per_pixel(x: Tensor, data: Tensor, sigma: float) -> Tensor:
    """Con un peso por píxel."""
    return ((-(data - x).square() / (2 * sigma ** 2)).softmax(0) * data).sum(0)


GUESS_MISTAKES = (
    Mistake("con distancias grandes todas tus exponenciales valen 0, y queda 0 / 0; taparlo no las recupera: resta "
            "antes la menor distancia.",
            lambda x, data, sigma: _mixed(data, _bells(x, data, sigma) / _bells(x, data, sigma).sum()),
            (lambda *case: _patched(*case, lambda x, data: torch.zeros_like(x)),
             lambda *case: _patched(*case, lambda x, data: data.mean(0)),
             lambda *case: _patched(*case, _nearest), lambda *case: _patched(*case, lambda x, data: x))),
    Mistake("escoges solo la más cercana; se pide el promedio, cada una con su probabilidad.",
            lambda x, data, sigma: _nearest(x, data)),
    Mistake("las cercanas a x son más probables: ¿te falta el signo menos, o promedias todas por igual?",
            lambda x, data, sigma: data.mean(0),
            (lambda x, data, sigma: _by(_far(x, data) / (2 * sigma ** 2), data),)),
    Mistake("la distancia va al cuadrado: la suma de los cuadrados, sin raíz ni valor absoluto.",
            lambda x, data, sigma: _by(-_far(x, data).sqrt() / (2 * sigma ** 2), data),
            (lambda x, data, sigma: _by(-(data - x).abs().sum(ALL) / (2 * sigma ** 2), data),)),
    Mistake("falta un paréntesis, / (2 * sigma ** 2): lo que va después de / 2 multiplica.",
            lambda x, data, sigma: _by(-_far(x, data) / 2 * sigma ** 2, data)),
    Mistake("el exponente se divide entre 2σ²: no entre σ², 4σ² ni σ, y σ no se deja fuera.",
            lambda x, data, sigma: _by(-_far(x, data) / sigma ** 2, data),
            (lambda x, data, sigma: _by(-_far(x, data) / (2 * sigma), data),
             lambda x, data, sigma: _by(-_far(x, data) / (2 * sigma) ** 2, data),
             lambda x, data, sigma: _by(-_far(x, data), data), lambda x, data, sigma: _by(-_far(x, data) / 2, data))),
    Mistake("cada imagen lleva un solo peso, y su distancia se suma sobre sus píxeles: no la promedies, no la dejes "
            "por píxel ni le sumes las de otras.",
            lambda x, data, sigma: _by(-(data - x).square().mean(ALL) / (2 * sigma ** 2), data),
            (_per_pixel, lambda x, data, sigma: data.sum(0))),
    Mistake("los pesos deben sumar 1: divide entre su suma, una vez, y no también entre n.",
            lambda x, data, sigma: _mixed(data, _bells(x, data, sigma)),
            (lambda x, data, sigma: best_guess(x, data, sigma) / len(data),)),
    Mistake("devuelves la flecha, D − x; se pide la apuesta, D.",
            lambda x, data, sigma: best_guess(x, data, sigma) - x),
)

# ── 2 · un paso con distribución ────────────────────────────────────────────────────────────────────────────────────


def prior_step(images: Tensor, cleaned: Tensor, gradient: Tensor, weights: tuple[float, float]) -> Tensor:
    """Las imágenes (b, 3, h, w) tras acercarse a lo limpio y subir, con el gradiente de cada una de longitud 1."""
    near, up = weights
    lengths = torch.linalg.vector_norm(gradient, dim=(1, 2, 3), keepdim=True).clamp(min=TINY)
    return (images + near * (cleaned - images) + up * gradient / lengths).clamp(0, 1)


def prior_steps() -> Iterator[tuple[Tensor, Tensor, Tensor, Weights]]:
    """Imágenes, su versión limpia, sus gradientes, que miden de 0.001 a 10, uno de puros ceros, y los dos pesos."""
    dice = case_generator()
    for b, h, w, weights in ((3, 4, 5, (0.25, 1.5)), (2, 5, 3, (0.6, 0.4)), (4, 3, 4, (0.1, 3.0))):
        images, cleaned = torch.rand(2, b, 3, h, w, generator=dice)
        gradient = torch.randn(b, 3, h, w, generator=dice)
        sizes = 10.0 ** (2 * torch.arange(b) - 3) * (torch.arange(b) < 3)
        yield images, cleaned, sizes.view(-1, 1, 1, 1) * gradient / _lengths(gradient), weights


def _lengths(gradient: Tensor) -> Tensor:
    return torch.linalg.vector_norm(gradient, dim=ALL, keepdim=True)


def _unit(gradient: Tensor) -> Tensor:
    return gradient / _lengths(gradient).clamp(min=TINY)


def _moved(images: Tensor, cleaned: Tensor, gradient: Tensor, weights: Weights,
           measure: Callable[[Tensor], Tensor]) -> Tensor:
    """Las imágenes tras el paso, recortadas; measure: lo que se cree que mide cada gradiente, que no pasa por 0."""
    lengths = measure(gradient).clamp(min=TINY)
    return (images + weights[0] * (cleaned - images) + weights[1] * gradient / lengths).clamp(0, 1)


def _floored(case: tuple, least: float) -> Tensor:
    """El paso de quien divide entre la longitud o, si es menor, entre `least`."""
    return _moved(*case, lambda gradient: _lengths(gradient).clamp(min=least))


def _raised(case: tuple, more: float) -> Tensor:
    """El paso de quien divide entre la longitud más `more`."""
    return _moved(*case, lambda gradient: _lengths(gradient) + more)


def _unclipped(images: Tensor, cleaned: Tensor, gradient: Tensor, weights: Weights) -> Tensor:
    return images + weights[0] * (cleaned - images) + weights[1] * _unit(gradient)


def _early(images: Tensor, cleaned: Tensor, gradient: Tensor, weights: Weights) -> Tensor:
    """Sube, recorta y después se acerca a lo limpio."""
    return (images + weights[1] * _unit(gradient)).clamp(0, 1) + weights[0] * (cleaned - images)


STEP_MISTAKES = (
    Mistake("con un gradiente de puros ceros, esa imagen solo se acerca a lo limpio: ni dividas entre cero ni la dejes "
            "intacta.",
            lambda images, cleaned, gradient, weights: (images + weights[0] * (cleaned - images)
                                                        + weights[1] * gradient / _lengths(gradient)).clamp(0, 1),
            (lambda images, *rest: torch.where(_lengths(rest[1]) > 0, prior_step(images, *rest), images),)),
    Mistake("con un gradiente chico el paso no mide lo que debe: el mínimo de la división es demasiado grande.",
            lambda *case: _floored(case, 1),
            (lambda *case: _floored(case, 0.01), lambda *case: _floored(case, 0.05), lambda *case: _floored(case, 0.1),
             lambda *case: _floored(case, 0.5), lambda *case: _floored(case, 3), lambda *case: _raised(case, 0.001),
             lambda *case: _raised(case, 0.005), lambda *case: _raised(case, 0.01), lambda *case: _raised(case, 0.1),
             lambda *case: _raised(case, 1))),
    Mistake("mides el lote entero, o por pedazos; cada imagen tiene una longitud, la de sus tres canales juntos.",
            lambda *case: _moved(*case, torch.norm),
            (lambda *case: _moved(*case, lambda gradient: gradient.abs().max()),
             lambda *case: _moved(*case, lambda gradient: gradient.norm(dim=(2, 3), keepdim=True)),
             lambda *case: _moved(*case, lambda gradient: gradient.norm(dim=1, keepdim=True)),
             lambda *case: _moved(*case, torch.abs))),
    Mistake("la longitud es la raíz de la suma de los cuadrados: te falta la raíz, o usas otra norma.",
            lambda *case: _moved(*case, lambda gradient: gradient.square().sum(ALL, keepdim=True)),
            (lambda *case: _moved(*case, lambda gradient: gradient.abs().sum(ALL, keepdim=True)),
             lambda *case: _moved(*case, lambda gradient: gradient.abs().amax(ALL, keepdim=True)))),
    Mistake("no normalizas: cada imagen debe moverse lo mismo hacia arriba.",
            lambda *case: _moved(*case, torch.ones_like)),
    Mistake("se suman tres cosas: la imagen, un pedazo de cleaned − images (no de cleaned) y el paso hacia arriba.",
            lambda images, cleaned, gradient, weights: prior_step(images, cleaned + images, gradient, weights),
            (lambda images, cleaned, *rest: (_unclipped(images, cleaned, *rest) - images).clamp(0, 1),
             lambda images, cleaned, *rest: prior_step(images, images, *rest),
             lambda images, cleaned, gradient, weights: prior_step(images, cleaned, 0 * gradient, weights))),
    Mistake("un signo va al revés: el camino hacia lo limpio es cleaned − images, y el gradiente se suma.",
            lambda images, cleaned, *rest: prior_step(images, 2 * images - cleaned, *rest),
            (lambda images, cleaned, gradient, weights: prior_step(images, cleaned, -gradient, weights),)),
    Mistake("los pesos van al revés, o no los usas: primero el de acercarse y luego el de subir.",
            lambda images, cleaned, gradient, weights: prior_step(images, cleaned, gradient, weights[::-1]),
            (lambda images, cleaned, gradient, weights: prior_step(images, cleaned, gradient, (1, 1)),)),
    Mistake("el recorte va una vez, al final y a [0, 1]: te falta, recortas antes de sumar, o a otro intervalo.",
            _unclipped, (_early, lambda *case: _early(*case).clamp(0, 1), lambda *case: _unclipped(*case).clamp(min=0),
             lambda *case: _unclipped(*case).clamp(-1, 1), lambda *case: _unclipped(*case).clamp(max=1))),
)

"""Los ejercicios de la lección 3b: `best_guess`, `prior_step`, la temperatura que convence y la red que miente."""
from collections.abc import Iterator

import torch
from torch import Tensor

from labkit.exercises.compare import Mistake
from labkit.exercises.kinds import Finding, Function, case_generator
from labkit.exercises.priors.findings import (HEATS, STEPS, answers_of, heat_reasons, heat_row, heated, lie_of,
                                              lie_reasons, my_class, my_networks, portraits_of, read_heats,
                                              read_lie, right_heats, unmasked)

__all__ = ["EXERCISES", "HEATS", "STEPS", "my_class", "my_networks"]

TINY = 1e-12                            # para dividir entre una longitud que puede ser 0

# ── 1 · la mejor apuesta ────────────────────────────────────────────────────────────────────────────────────────────

def best_guess(x: Tensor, data: Tensor, sigma: float) -> Tensor:
    """El promedio de las imágenes de `data` (n, 3, h, w) que pudieron dar x (3, h, w), cada una con su probabilidad."""
    distances = (data - x).square().sum((1, 2, 3))
    chances = (-distances / (2 * sigma ** 2)).softmax(0)
    return (chances[:, None, None, None] * data).sum(0)


def guesses() -> Iterator[tuple[Tensor, Tensor, float]]:
    """Imagen con ruido, imágenes de las que pudo salir, y σ: en el último, todas quedan lejísimos."""
    dice = case_generator()
    for n, h, w, sigma in ((4, 2, 3, 0.4), (6, 3, 2, 0.6), (3, 4, 4, 1.0), (5, 2, 2, 0.3), (4, 6, 5, 0.05)):
        data = torch.rand(n, 3, h, w, generator=dice)
        near = data[:2].mean(0) if sigma > 0.1 else data[0].lerp(data[1], 0.499)
        yield near + 0.2 * sigma * torch.randn(3, h, w, generator=dice), data, sigma


def _weighted(data: Tensor, weights: Tensor) -> Tensor:
    return ((weights / weights.sum())[:, None, None, None] * data).sum(0)


def _bells(x: Tensor, data: Tensor, spread: float) -> Tensor:
    """Las exponenciales tal cual, que lejos de los datos valen todas 0."""
    return torch.exp(-(data - x).square().sum((1, 2, 3)) / spread)


GUESS_MISTAKES = (
    Mistake("con distancias grandes todas tus exponenciales valen 0 y queda 0 / 0: resta antes la menor distancia.",
            lambda x, data, sigma: _weighted(data, _bells(x, data, 2 * sigma ** 2))),
    Mistake("escoges solo la más cercana; se pide el promedio, cada una con su probabilidad.",
            lambda x, data, sigma: data[(data - x).square().sum((1, 2, 3)).argmin()]),
    Mistake("promedias todas por igual; las cercanas a x son más probables.", lambda x, data, sigma: data.mean(0)),
    Mistake("usas la distancia sin elevar al cuadrado.", lambda x, data, sigma: _weighted(
        data, (-(data - x).square().sum((1, 2, 3)).sqrt() / (2 * sigma ** 2)).softmax(0))),
    Mistake("divides entre σ²; la campana lleva 2σ².", lambda x, data, sigma: _weighted(
        data, (-(data - x).square().sum((1, 2, 3)) / sigma ** 2).softmax(0))),
    Mistake("divides entre σ y no entre su cuadrado.", lambda x, data, sigma: _weighted(
        data, (-(data - x).square().sum((1, 2, 3)) / (2 * sigma)).softmax(0))),
    Mistake("promedias el cuadrado sobre los píxeles; la distancia se suma.", lambda x, data, sigma: _weighted(
        data, (-(data - x).square().mean((1, 2, 3)) / (2 * sigma ** 2)).softmax(0))),
    Mistake("devuelves la flecha, D − x; se pide la apuesta, D.",
            lambda x, data, sigma: best_guess(x, data, sigma) - x),
)

# ── 2 · un paso con distribución ────────────────────────────────────────────────────────────────────────────────────

def prior_step(images: Tensor, cleaned: Tensor, gradient: Tensor, weights: tuple[float, float]) -> Tensor:
    """Las imágenes (b, 3, h, w) tras acercarse a lo limpio y subir, con el gradiente de cada una de longitud 1."""
    near, up = weights
    lengths = torch.linalg.vector_norm(gradient, dim=(1, 2, 3), keepdim=True).clamp(min=TINY)
    return (images + near * (cleaned - images) + up * gradient / lengths).clamp(0, 1)


def prior_steps() -> Iterator[tuple[Tensor, Tensor, Tensor, tuple[float, float]]]:
    """Imágenes, su versión limpia, sus gradientes, de muy distinta longitud y uno de puros ceros, y los dos pesos."""
    dice = case_generator()
    for b, h, w, weights in ((3, 4, 5, (0.25, 1.5)), (2, 5, 3, (0.6, 0.4)), (4, 3, 4, (0.1, 3.0))):
        images, cleaned = torch.rand(2, b, 3, h, w, generator=dice)
        gradient = torch.randn(b, 3, h, w, generator=dice) * 10.0 ** torch.arange(b).view(-1, 1, 1, 1)
        gradient[b - 1] *= b != 4
        yield images, cleaned, gradient, weights


def _lengths(gradient: Tensor) -> Tensor:
    return torch.linalg.vector_norm(gradient, dim=(1, 2, 3), keepdim=True)


def _unit(gradient: Tensor) -> Tensor:
    return gradient / _lengths(gradient).clamp(min=TINY)


STEP_MISTAKES = (
    Mistake("con un gradiente de puros ceros divides entre cero: esa imagen solo se acerca a lo limpio.",
            lambda images, cleaned, gradient, weights: (images + weights[0] * (cleaned - images) + weights[1] * gradient
                                                        / _lengths(gradient)).clamp(0, 1)),
    Mistake("mides el lote entero; cada imagen tiene su propia longitud.",
            lambda images, cleaned, gradient, weights: (images + weights[0] * (cleaned - images)
                                                        + weights[1] * gradient / gradient.norm()).clamp(0, 1)),
    Mistake("no normalizas: cada imagen debe moverse lo mismo hacia arriba.",
            lambda images, cleaned, gradient, weights: (images + weights[0] * (cleaned - images)
                                                        + weights[1] * gradient).clamp(0, 1)),
    Mistake("sumas lo limpio entero; lo que acerca es la diferencia, lo limpio menos la imagen.",
            lambda images, cleaned, gradient, weights: (images + weights[0] * cleaned
                                                        + weights[1] * _unit(gradient)).clamp(0, 1)),
    Mistake("te alejas de lo limpio: la diferencia va al revés.",
            lambda images, cleaned, gradient, weights: prior_step(images, 2 * images - cleaned, gradient, weights)),
    Mistake("bajas en vez de subir: el gradiente se suma.",
            lambda images, cleaned, gradient, weights: prior_step(images, cleaned, -gradient, weights)),
    Mistake("los pesos van al revés: primero el de acercarse y luego el de subir.",
            lambda images, cleaned, gradient, weights: prior_step(images, cleaned, gradient, weights[::-1])),
    Mistake("la imagen se sale de [0, 1]: falta recortarla al final.",
            lambda images, cleaned, gradient, weights: images + weights[0] * (cleaned - images)
            + weights[1] * _unit(gradient)),
)

EXERCISES = {
    "best_guess": Function(
        best_guess, guesses, GUESS_MISTAKES,
        describe=lambda x, data, sigma: f"{len(data)} imágenes de {x.shape[1]} × {x.shape[2]} y σ = {sigma:g}",
        hints=("Una imagen lejos de x es poco probable; una cerca, mucho. ¿Con qué pesos las promedias?",
               "El peso de cada una es la exponencial de menos su distancia al cuadrado entre 2σ², y luego todos se "
               "dividen entre su suma.",
               "softmax(0) hace las dos cosas, y no se queda sin cifras; los pesos (n,) se vuelven (n, 1, 1, 1) con "
               "[:, None, None, None]."),
    ),
    "prior_step": Function(
        prior_step, prior_steps, STEP_MISTAKES,
        describe=lambda images, cleaned, gradient, weights: f"{len(images)} imágenes de {images.shape[2]} × "
                                                            f"{images.shape[3]} y pesos {weights}",
        forbidden=("ppgn", "maximize"),
        hints=("Son tres cosas que se suman: la imagen, un pedazo del camino hacia lo limpio, y un paso hacia arriba.",
               "El camino hacia lo limpio es cleaned − images. El paso hacia arriba mide lo mismo en todas: a cada "
               "gradiente se le quita su longitud.",
               "gradient.flatten(1).norm(dim=1) da una longitud por imagen; view(-1, 1, 1, 1) la acomoda, "
               "clamp(min=1e-12) evita el cero, y al final, clamp(0, 1)."),
    ),
    "convincing_heat": Finding(
        case=heat_row,
        read=read_heats,
        right=right_heats,
        reasons=heat_reasons,
        praise="esas son. Convencer, puntuar y parecerse a los datos piden temperaturas distintas.",
        hints=("Primero haz las seis imágenes, una por temperatura y todas con tu semilla; después mídelas.",
               "witness(images).argmax(1) da la clase que gana en cada una; la lista HEATS va de mayor a menor.",
               "El margen es score(robust, images, margin(label)), uno por imagen; la segunda respuesta es la de "
               "HEATS en el lugar de su argmax()."),
        solution=(heated, answers_of),
    ),
    "lying_network": Finding(
        case=lie_of,
        read=read_lie,
        right=lambda lie: (lie.letter, lie.shown),
        reasons=lie_reasons,
        praise="esa es. Las dos contestan lo mismo en tus imágenes, y solo una enseña lo que usa.",
        hints=("Con imágenes de la prueba no las vas a distinguir: haz que cada una dibuje tu clase.",
               "Parte del mismo ruido, con un lienzo nuevo para cada red, y compara las dos imágenes con show_sheet.",
               "judge(image).argmax(1) dice la clase que gana según el juez; la que miente es la que no da tu clase."),
        solution=(portraits_of, unmasked),
    ),
}

"""Respuestas a los ejercicios de la lección 3b: las buenas, en varios estilos, y las malas, cada una con su mensaje."""
import math
from collections.abc import Callable
from functools import lru_cache

import torch
from torch import Tensor

from labkit.datasets import load_images
from labkit.exercises.priors import findings
from labkit.exercises.priors.findings import HEATS

Weights = tuple[float, float]

# ── 1 · la mejor apuesta ────────────────────────────────────────────────────────────────────────────────────────────


def good_guess(x: Tensor, data: Tensor, sigma: float) -> Tensor:
    away = ((data - x) ** 2).flatten(1).sum(1)
    weights = torch.softmax(-away / (2 * sigma ** 2), dim=0)
    return (weights.view(-1, 1, 1, 1) * data).sum(0)


def guess_by_hand(x: Tensor, data: Tensor, sigma: float) -> Tensor:
    away = [float(((image - x) ** 2).sum()) for image in data]
    chances = [math.exp(-(d - min(away)) / (2 * sigma * sigma)) for d in away]
    total = torch.zeros_like(x)
    for chance, image in zip(chances, data):
        total += chance / sum(chances) * image
    return total


def guess_with_einsum(x: Tensor, data: Tensor, sigma: float) -> Tensor:
    logs = -torch.cdist(data.flatten(1).double(), x.flatten()[None].double())[:, 0] ** 2 / 2 / sigma ** 2
    return torch.einsum("n,nchw->chw", (logs - logs.logsumexp(0)).exp().to(data), data)


def without_the_trick(x: Tensor, data: Tensor, sigma: float) -> Tensor:
    weights = torch.exp(-((data - x) ** 2).sum(dim=(1, 2, 3)) / (2 * sigma ** 2))
    weights = weights / weights.sum()
    return torch.einsum("n,nchw->chw", weights, data)


def only_the_nearest(x: Tensor, data: Tensor, sigma: float) -> Tensor:
    best = min(range(len(data)), key=lambda i: float((data[i] - x).norm()))
    return data[best].clone()


def all_alike(x: Tensor, data: Tensor, sigma: float) -> Tensor:
    return data.sum(0) / len(data)


def without_the_two(x: Tensor, data: Tensor, sigma: float) -> Tensor:
    away = ((data - x) / sigma).flatten(1).pow(2).sum(1)
    return (torch.softmax(-away, 0)[:, None, None, None] * data).sum(0)


def mean_instead_of_sum(x: Tensor, data: Tensor, sigma: float) -> Tensor:
    away = ((data - x) ** 2).flatten(1).mean(1)
    return ((-away / (2 * sigma ** 2)).softmax(0).view(-1, 1, 1, 1) * data).sum(0)


def gives_the_arrow(x: Tensor, data: Tensor, sigma: float) -> Tensor:
    return good_guess(x, data, sigma) - x


def in_double(x: Tensor, data: Tensor, sigma: float) -> Tensor:
    d2 = ((data - x) ** 2).flatten(1).sum(1)
    e = torch.exp(-d2.double() / (2 * sigma ** 2))
    return ((e / e.sum()).float().view(-1, 1, 1, 1) * data).sum(0)


def else_the_nearest(x: Tensor, data: Tensor, sigma: float) -> Tensor:
    d2 = ((data - x) ** 2).flatten(1).sum(1)
    e = torch.exp(-d2 / (2 * sigma ** 2))
    return ((e / e.sum()).view(-1, 1, 1, 1) * data).sum(0) if e.sum() > 0 else data[d2.argmin()]


def with_a_bit_below(x: Tensor, data: Tensor, sigma: float) -> Tensor:
    e = torch.exp(-((data - x) ** 2).sum(dim=(1, 2, 3)) / (2 * sigma ** 2))
    return ((e / (e.sum() + 1e-12)).view(-1, 1, 1, 1) * data).sum(0)


def without_nans(x: Tensor, data: Tensor, sigma: float) -> Tensor:
    return without_the_trick(x, data, sigma).nan_to_num()


def never_zero(x: Tensor, data: Tensor, sigma: float) -> Tensor:
    e = torch.exp(-((data - x) ** 2).sum(dim=(1, 2, 3)) / (2 * sigma ** 2)).clamp(min=1e-30)
    return ((e / e.sum()).view(-1, 1, 1, 1) * data).sum(0)


def without_parenthesis(x: Tensor, data: Tensor, sigma: float) -> Tensor:
    d2 = ((data - x) ** 2).sum(dim=(1, 2, 3))
    return (torch.softmax(-d2 / 2 * sigma ** 2, dim=0).view(-1, 1, 1, 1) * data).sum(0)


def without_sigma(x: Tensor, data: Tensor, sigma: float) -> Tensor:
    d2 = ((data - x) ** 2).sum(dim=(1, 2, 3))
    return (torch.softmax(-d2, dim=0).view(-1, 1, 1, 1) * data).sum(0)


def two_inside(x: Tensor, data: Tensor, sigma: float) -> Tensor:
    d2 = ((data - x) ** 2).sum(dim=(1, 2, 3))
    return (torch.softmax(-d2 / (2 * sigma) ** 2, dim=0).view(-1, 1, 1, 1) * data).sum(0)


def one_sum_for_all(x: Tensor, data: Tensor, sigma: float) -> Tensor:
    w = torch.softmax(-((data - x) ** 2).sum() / (2 * sigma ** 2), dim=0)
    return (w * data).sum(0)


def without_dividing(x: Tensor, data: Tensor, sigma: float) -> Tensor:
    e = torch.exp(-((data - x) ** 2).sum(dim=(1, 2, 3)) / (2 * sigma ** 2))
    return (e.view(-1, 1, 1, 1) * data).sum(0)


def mean_at_the_end(x: Tensor, data: Tensor, sigma: float) -> Tensor:
    w = torch.softmax(-((data - x) ** 2).sum(dim=(1, 2, 3)) / (2 * sigma ** 2), dim=0)
    return (w.view(-1, 1, 1, 1) * data).mean(0)


def absolute_distance(x: Tensor, data: Tensor, sigma: float) -> Tensor:
    d = (data - x).abs().flatten(1).sum(1)
    return (torch.softmax(-d / (2 * sigma ** 2), dim=0).view(-1, 1, 1, 1) * data).sum(0)


def pixel_by_pixel(x: Tensor, data: Tensor, sigma: float) -> Tensor:
    w = torch.softmax(-(data - x) ** 2 / (2 * sigma ** 2), dim=0)
    return (w * data).sum(dim=0)


def farthest_first(x: Tensor, data: Tensor, sigma: float) -> Tensor:
    away = ((data - x) ** 2).flatten(1).sum(1)
    return (torch.softmax(away / (2 * sigma ** 2), 0).view(-1, 1, 1, 1) * data).sum(0)


# ── 2 · un paso con distribución ────────────────────────────────────────────────────────────────────────────────────


def good_step(images: Tensor, cleaned: Tensor, gradient: Tensor, weights: Weights) -> Tensor:
    near, up = weights
    length = gradient.flatten(1).norm(dim=1).clamp(min=1e-12).view(-1, 1, 1, 1)
    return torch.clamp(images + near * (cleaned - images) + up * gradient / length, 0, 1)


def step_one_by_one(images: Tensor, cleaned: Tensor, gradient: Tensor, weights: Weights) -> Tensor:
    found = []
    for image, clean, slope in zip(images, cleaned, gradient):
        moved = torch.lerp(image, clean, weights[0])
        if slope.norm() > 0:
            moved = moved + weights[1] * slope / slope.norm()
        found.append(moved.clip(0, 1))
    return torch.stack(found)


def step_normalized(images: Tensor, cleaned: Tensor, gradient: Tensor, weights: Weights) -> Tensor:
    up = torch.nn.functional.normalize(gradient.flatten(1), dim=1).view_as(gradient)
    return ((1 - weights[0]) * images + weights[0] * cleaned + weights[1] * up).clamp(min=0, max=1)


def divides_by_zero(images: Tensor, cleaned: Tensor, gradient: Tensor, weights: Weights) -> Tensor:
    length = (gradient ** 2).sum((1, 2, 3), keepdim=True).sqrt()
    return (images + weights[0] * (cleaned - images) + weights[1] * gradient / length).clamp(0, 1)


def one_length_for_all(images: Tensor, cleaned: Tensor, gradient: Tensor, weights: Weights) -> Tensor:
    return (images + weights[0] * (cleaned - images) + weights[1] * gradient / gradient.norm()).clamp(0, 1)


def not_normalized(images: Tensor, cleaned: Tensor, gradient: Tensor, weights: Weights) -> Tensor:
    return torch.clip(torch.lerp(images, cleaned, weights[0]) + weights[1] * gradient, 0, 1)


def adds_the_clean_one(images: Tensor, cleaned: Tensor, gradient: Tensor, weights: Weights) -> Tensor:
    up = torch.nn.functional.normalize(gradient.flatten(1), dim=1).view_as(gradient)
    return (images + weights[0] * cleaned + weights[1] * up).clamp(0, 1)


def swapped_weights(images: Tensor, cleaned: Tensor, gradient: Tensor, weights: Weights) -> Tensor:
    up, near = weights
    return good_step(images, cleaned, gradient, (near, up))


def not_clipped(images: Tensor, cleaned: Tensor, gradient: Tensor, weights: Weights) -> Tensor:
    up = torch.nn.functional.normalize(gradient.flatten(1), dim=1).view_as(gradient)
    return torch.lerp(images, cleaned, weights[0]) + weights[1] * up


def at_least_one(images: Tensor, cleaned: Tensor, gradient: Tensor, weights: Weights) -> Tensor:
    n = gradient.flatten(1).norm(dim=1).view(-1, 1, 1, 1)
    return (images + weights[0] * (cleaned - images) + weights[1] * gradient / n.clamp(min=1)).clamp(0, 1)


def at_least_three(images: Tensor, cleaned: Tensor, gradient: Tensor, weights: Weights) -> Tensor:
    n = gradient.flatten(1).norm(dim=1).view(-1, 1, 1, 1)
    return (images + weights[0] * (cleaned - images) + weights[1] * gradient / n.clamp(min=3)).clamp(0, 1)


def plus_a_bit(images: Tensor, cleaned: Tensor, gradient: Tensor, weights: Weights) -> Tensor:
    n = gradient.flatten(1).norm(dim=1).view(-1, 1, 1, 1)
    return (images + weights[0] * (cleaned - images) + weights[1] * gradient / (n + 0.005)).clamp(0, 1)


def clips_too_early(images: Tensor, cleaned: Tensor, gradient: Tensor, weights: Weights) -> Tensor:
    up = torch.nn.functional.normalize(gradient.flatten(1), dim=1).view_as(gradient)
    return torch.clamp(images + weights[1] * up, 0, 1) + weights[0] * (cleaned - images)


def clips_from_below(images: Tensor, cleaned: Tensor, gradient: Tensor, weights: Weights) -> Tensor:
    return not_clipped(images, cleaned, gradient, weights).clamp(0)


def without_weights(images: Tensor, cleaned: Tensor, gradient: Tensor, weights: Weights) -> Tensor:
    up = torch.nn.functional.normalize(gradient.flatten(1), dim=1).view_as(gradient)
    return (images + (cleaned - images) + up).clamp(0, 1)


def by_channel(images: Tensor, cleaned: Tensor, gradient: Tensor, weights: Weights) -> Tensor:
    n = gradient.norm(dim=(2, 3), keepdim=True) + 1e-12
    return (images + weights[0] * (cleaned - images) + weights[1] * gradient / n).clamp(0, 1)


def without_root(images: Tensor, cleaned: Tensor, gradient: Tensor, weights: Weights) -> Tensor:
    n = (gradient ** 2).sum(dim=(1, 2, 3), keepdim=True) + 1e-12
    return (images + weights[0] * (cleaned - images) + weights[1] * gradient / n).clamp(0, 1)


def sum_of_absolutes(images: Tensor, cleaned: Tensor, gradient: Tensor, weights: Weights) -> Tensor:
    n = gradient.abs().sum(dim=(1, 2, 3), keepdim=True).clamp(min=1e-12)
    return (images + weights[0] * (cleaned - images) + weights[1] * gradient / n).clamp(0, 1)


def without_images(images: Tensor, cleaned: Tensor, gradient: Tensor, weights: Weights) -> Tensor:
    up = torch.nn.functional.normalize(gradient.flatten(1), dim=1).view_as(gradient)
    return (weights[0] * (cleaned - images) + weights[1] * up).clamp(0, 1)


def leaves_it_alone(images: Tensor, cleaned: Tensor, gradient: Tensor, weights: Weights) -> Tensor:
    moved = []
    for image, clean, g in zip(images, cleaned, gradient):
        if g.norm() == 0:
            moved.append(image)
            continue
        moved.append((image + weights[0] * (clean - image) + weights[1] * g / g.norm()).clamp(0, 1))
    return torch.stack(moved)


def only_climbs(images: Tensor, cleaned: Tensor, gradient: Tensor, weights: Weights) -> Tensor:
    return good_step(images, images, gradient, weights)


# ── 3 · la temperatura que convence ─────────────────────────────────────────────────────────────────────────────────


def row_of(account: str) -> findings.HeatRow:
    return findings.heat_row(account)


@lru_cache(maxsize=None)
def experiment(label: int, seed: int) -> tuple[list[str], list[str], list[float]]:
    witness, robust, margins = findings.answers_of(label, findings.heated(label, seed))
    return witness, robust, margins.tolist()


def good_heats(account: str) -> tuple[str, tuple]:
    """Midiéndolo, como quien contesta."""
    row = row_of(account)
    witness, _, margins = experiment(load_images("test", n=1).classes.index(row.label), row.seed)
    return account, (HEATS[witness.index(row.label)], HEATS[margins.index(max(margins))])


def read_heats(account: str) -> tuple[str, tuple]:
    """Lo mismo, leído de la tabla."""
    return account, findings.right_heats(row_of(account))


def turned_around(account: str) -> tuple[str, tuple]:
    return account, read_heats(account)[1][::-1]


def of_the_sample(account: str) -> tuple[str, tuple]:
    """En una cuenta en que ni la mitad de la respuesta coincide."""
    sample, rows = findings.right_heats(row_of("")), {f"312000{n:03}": row_of(f"312000{n:03}") for n in range(200)}
    return next(a for a, row in rows.items() if sample[0] not in (row.first(row.robust), row.first(row.witness))
                and sample[1] not in findings.right_heats(row)), sample


def asks_the_robust(account: str) -> tuple[str, tuple]:
    row = row_of(account)
    return account, (row.first(row.robust), row.top())


def the_smallest_one(account: str) -> tuple[str, tuple]:
    return account, (min(HEATS), row_of(account).top())


def coldest_is_highest(account: str) -> tuple[str, tuple]:
    return account, (read_heats(account)[1][0], min(HEATS))


def half_as_the_sample(account: str) -> tuple[str, tuple]:
    """La primera está bien, y es también la respuesta del caso de muestra."""
    sample = read_heats("")[1]
    return heat_account(lambda row: findings.right_heats(row)[0] == sample[0] and row.top() != sample[1]), sample


def another_margin(account: str) -> tuple[str, tuple]:
    first, top = read_heats(account)[1]
    return account, (first, next(heat for heat in HEATS if heat not in (top, first, min(HEATS))))


def the_smallest_fails(account: str) -> tuple[str, tuple]:
    """Con la menor temperatura la testigo ya no acierta."""
    other = heat_account(lambda row: row.witness.split()[-1] != row.label)
    return other, (0.001, read_heats(other)[1][1])


def between_two_that_work(account: str) -> tuple[str, tuple]:
    """Con una mayor y con una menor la testigo acierta, y con esa no."""
    def middle(row: findings.HeatRow) -> list[float]:
        hits = [word == row.label for word in row.witness.split()]
        return [HEATS[k] for k in range(1, 5) if not hits[k] and any(hits[:k]) and any(hits[k + 1:])]

    other = heat_account(middle)
    return f"0{other}", (middle(row_of(other))[0], read_heats(other)[1][1])


def right_margin(account: str) -> tuple[str, tuple]:
    """La testigo acierta con esa, y también con una mayor."""
    def later(row: findings.HeatRow) -> list[float]:
        hits = [heat for heat, word in zip(HEATS, row.witness.split()) if word == row.label]
        return [heat for heat in hits[1:] if heat not in (min(HEATS), row.first(row.robust))]

    other = heat_account(later)
    return other, (later(row_of(other))[0], read_heats(other)[1][1])


def heat_account(wanted: Callable[[findings.HeatRow], object]) -> str:
    return next(a for a in map(str, range(312_000_000, 312_001_000)) if wanted(row_of(a)))


def their_places(account: str) -> tuple[str, tuple]:
    return account, (2, 4)


def too_hot(account: str) -> tuple[str, tuple]:
    return account, (HEATS[0], HEATS[1])


def not_in_the_list(account: str) -> tuple[str, tuple]:
    return account, (1.0, 0.5)


def one_number(account: str) -> tuple[str, object]:
    return account, read_heats(account)[1][0]


# ── 4 · la red que miente ───────────────────────────────────────────────────────────────────────────────────────────


def good_liar(account: str) -> tuple[str, tuple]:
    lie = findings.lie_of(account)
    return account, (lie.letter, lie.shown)


def other_network(account: str) -> tuple[str, tuple]:
    letter, shown = good_liar(account)[1]
    return account, ("AB".replace(letter, ""), shown)


def asks_the_liar(account: str) -> tuple[str, tuple]:
    lie = findings.lie_of(account)
    return account, (lie.letter, lie.label)


def accuses_the_honest(account: str) -> tuple[str, tuple]:
    lie = findings.lie_of(account)
    return account, ("AB".replace(lie.letter, ""), lie.label)


def another_class(account: str) -> tuple[str, tuple]:
    lie = findings.lie_of(account)
    return account, (lie.letter, next(name for name in ("perro", "gato", "pez") if name not in lie))


def everything_wrong(account: str) -> tuple[str, tuple]:
    return account, (other_network(account)[1][0], another_class(account)[1][1])


def other_network_as_the_sample(account: str) -> tuple[str, tuple]:
    lie = findings.lie_of("")
    return account_with(lambda own: own.shown == lie.shown and own.letter != lie.letter), (lie.letter, lie.shown)


def own_class_as_the_sample(account: str) -> tuple[str, tuple]:
    lie = findings.lie_of("")
    return account_with(lambda own: own.label == lie.shown and own.letter == lie.letter), (lie.letter, lie.shown)


def lie_of_the_sample(account: str) -> tuple[str, tuple]:
    lie = findings.lie_of("")
    return account_with(lambda own: not {lie.letter, lie.shown} & {*own}), (lie.letter, lie.shown)


def account_with(wanted: Callable[[findings.Lie], bool]) -> str:
    return next(a for a in map(str, range(312_000_000, 312_001_000)) if wanted(findings.lie_of(a)))


def number_of_the_class(account: str) -> tuple[str, tuple]:
    return account, (good_liar(account)[1][0], 2)


def says_c(account: str) -> tuple[str, tuple]:
    return account, ("C", "perro")


GOOD = {
    "best_guess": [good_guess, guess_by_hand, guess_with_einsum],
    "prior_step": [good_step, step_one_by_one, step_normalized],
    "convincing_heat": [read_heats],
    "lying_network": [good_liar],
}

# La primera cuenta distingue cada error de los demás; si cambian las variantes, busca otra así.
ACCOUNTS = {"convincing_heat": ["312000148", "312000144"], "lying_network": ["312000000", "312345678"]}

WRONG: dict[str, list[tuple[Callable, str]]] = {
    "best_guess": [(without_the_trick, "0 / 0"), (only_the_nearest, "solo la más cercana"),
                   (all_alike, "todas por igual"), (without_the_two, "2σ²"), (mean_instead_of_sum, "no la promedies"),
                   (gives_the_arrow, "la flecha"), (farthest_first, "el signo menos"), (in_double, "0 / 0"),
                   (else_the_nearest, "taparlo no las recupera"), (with_a_bit_below, "taparlo no las recupera"),
                   (without_nans, "taparlo no las recupera"), (never_zero, "taparlo no las recupera"),
                   (without_parenthesis, "falta un paréntesis"), (without_sigma, "no se deja fuera"),
                   (two_inside, "entre 2σ²"), (one_sum_for_all, "ni le sumes"),
                   (without_dividing, "deben sumar 1"), (mean_at_the_end, "no también entre n"),
                   (absolute_distance, "ni valor absoluto"), (pixel_by_pixel, "un solo peso")],
    "prior_step": [(divides_by_zero, "ni dividas entre cero"), (one_length_for_all, "el lote entero"),
                   (not_normalized, "no normalizas"), (adds_the_clean_one, "no de cleaned"),
                   (swapped_weights, "los pesos van al revés"), (not_clipped, "el recorte va una vez"),
                   (only_climbs, "se suman tres cosas"), (at_least_one, "demasiado grande"),
                   (at_least_three, "demasiado grande"), (plus_a_bit, "demasiado grande"),
                   (clips_too_early, "recortas antes de sumar"), (clips_from_below, "a otro intervalo"),
                   (without_weights, "o no los usas"), (by_channel, "o por pedazos"), (without_root, "te falta la raíz"), (sum_of_absolutes, "otra norma"),
                   (without_images, "se suman tres cosas"), (leaves_it_alone, "ni la dejes intacta")],
    "convincing_heat": [(turned_around, "al revés"), (of_the_sample, "caso de muestra"),
                        (asks_the_robust, "se pregunta por la testigo"), (the_smallest_one, "se pide la mayor"),
                        (coldest_is_highest, "el margen no es el mayor"), (too_hot, "la testigo dice"),
                        (half_as_the_sample, "la primera está bien"), (another_margin, "busca el mayor margen"),
                        (the_smallest_fails, "con T = 0.001 la testigo dice «"),
                        (between_two_that_work, "la testigo dice «"),
                        (right_margin, "la segunda está bien; la testigo ya acierta"),
                        (their_places, "no su lugar ni lo que mediste"),
                        (not_in_the_list, "escribe dos temperaturas"), (one_number, "escribe dos temperaturas")],
    "lying_network": [(other_network, "la clase está bien"), (asks_the_liar, "pregúntale al juez"),
                      (accuses_the_honest, "la otra red sí la enseña"), (another_class, "la red está bien; la clase, no"),
                      (everything_wrong, "ninguna de las dos"), (other_network_as_the_sample, "la clase está bien"),
                      (own_class_as_the_sample, "pregúntale al juez"), (lie_of_the_sample, "caso de muestra"),
                      (number_of_the_class, "no su número, judge.classes[k]"), (says_c, "«C» no es una de las dos redes")],
}

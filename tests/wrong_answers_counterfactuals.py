"""Respuestas a los ejercicios de la lección 1b: las buenas, en varios estilos, y las malas, cada una con su mensaje."""
from collections.abc import Callable
from functools import lru_cache

import torch
from torch import Tensor

from labkit.exercises import counterfactuals as given
from labkit.models import load_model
from labkit.objectives import score

# ── 1 · lo que un mapa le da a cada parte ───────────────────────────────────────────────────────────────────────────


def good_parts(heat: Tensor, masks: Tensor) -> Tensor:
    return torch.stack([heat[mask].sum() for mask in masks])


def parts_by_einsum(heat: Tensor, masks: Tensor) -> Tensor:
    return torch.einsum("yx,vyx->v", heat, masks.float())


def everything(heat: Tensor, masks: Tensor) -> Tensor:
    return torch.stack([heat.sum() for _ in masks])


def averaged(heat: Tensor, masks: Tensor) -> Tensor:
    return torch.stack([heat[mask].mean() for mask in masks])


def over_the_image(heat: Tensor, masks: Tensor) -> Tensor:
    return (heat * masks).flatten(1).mean(1)


def without_sign(heat: Tensor, masks: Tensor) -> Tensor:
    return torch.stack([heat[mask].abs().sum() for mask in masks])


def only_the_positive(heat: Tensor, masks: Tensor) -> Tensor:
    return torch.stack([torch.relu(heat)[mask].sum() for mask in masks])


def subtracts(heat: Tensor, masks: Tensor) -> Tensor:
    found = torch.zeros(len(masks))
    for k, mask in enumerate(masks):
        found[k] -= heat[mask].sum()
    return found


def highest(heat: Tensor, masks: Tensor) -> Tensor:
    return torch.stack([heat[mask].max() if mask.any() else torch.tensor(-torch.inf) for mask in masks])


def only_one(heat: Tensor, masks: Tensor) -> Tensor:
    return sum(heat[mask].sum() for mask in masks)


def background(heat: Tensor, masks: Tensor) -> Tensor:
    return torch.stack([heat[~mask].sum() for mask in masks])


def background_by_product(heat: Tensor, masks: Tensor) -> Tensor:
    return (heat * (1 - masks.float())).sum(dim=(1, 2))


def row_sums(heat: Tensor, masks: Tensor) -> Tensor:
    return (heat * masks).sum(1)[:, 0]


# ── 2 · borrar ──────────────────────────────────────────────────────────────────────────────────────────────────────


def good_deletion(model, image, heat, objective, fill, steps):
    h, w = heat.shape
    order, found = heat.flatten().argsort(descending=True), []
    for k in range(steps + 1):
        copy = image.clone().reshape(3, -1)
        copy[:, order[:k * h * w // steps]] = fill
        found.append(score(model, copy.reshape(1, 3, h, w), objective)[0])
    return torch.stack(found)


def deletion_in_place(model, image, heat, objective, fill, steps):
    covered, values = image.clone(), [score(model, image[None], objective)]
    for places in heat.flatten().sort(descending=True).indices.split(heat.numel() // steps):
        covered.view(3, -1)[:, places] = fill
        values.append(score(model, covered[None], objective))
    return torch.cat(values)


def least_first(model, image, heat, objective, fill, steps):
    return good_deletion(model, image, heat.max() - heat, objective, fill, steps)


def strongest_first(model, image, heat, objective, fill, steps):
    return good_deletion(model, image, heat ** 2, objective, fill, steps)


def puts_back(model, image, heat, objective, fill, steps):
    values = [score(model, image[None], objective)]
    for places in heat.flatten().sort(descending=True).indices.split(heat.numel() // steps):
        covered = image.clone()
        covered.view(3, -1)[:, places] = fill
        values.append(score(model, covered[None], objective))
    return torch.cat(values)


def always_black(model, image, heat, objective, fill, steps):
    return good_deletion(model, image, heat, objective, 0, steps)


def from_the_first_step(model, image, heat, objective, fill, steps):
    return good_deletion(model, image, heat, objective, fill, steps)[1:]


def never_ends(model, image, heat, objective, fill, steps):
    return good_deletion(model, image, heat, objective, fill, steps)[:steps]


def how_much_it_falls(model, image, heat, objective, fill, steps):
    values = good_deletion(model, image, heat, objective, fill, steps)
    return values[0] - values


def one_channel(model, image, heat, objective, fill, steps):
    h, w = heat.shape
    order, found = heat.flatten().argsort(descending=True), []
    for k in range(steps + 1):
        copy = image.clone().reshape(3, -1)
        copy[0, order[:k * h * w // steps]] = fill
        found.append(score(model, copy.reshape(1, 3, h, w), objective)[0])
    return torch.stack(found)


def flat_indices(model, image, heat, objective, fill, steps):
    """Indexa la imagen aplanada, como si tuviera un solo canal."""
    order, found = torch.sort(heat.flatten(), descending=True).indices, []
    for k in range(steps + 1):
        copy = image.flatten().clone()
        copy[order[:k * heat.numel() // steps]] = fill
        found.append(score(model, copy.view(1, *image.shape), objective)[0])
    return torch.stack(found)


def forgets_descending(model, image, heat, objective, fill, steps):
    h, w = heat.shape
    order, found = heat.flatten().argsort(), []
    for k in range(steps + 1):
        copy = image.clone().reshape(3, -1)
        copy[:, order[:k * h * w // steps]] = fill
        found.append(score(model, copy.reshape(1, 3, h, w), objective)[0])
    return torch.stack(found)


def from_the_end_of_the_list(model, image, heat, objective, fill, steps):
    h, w = heat.shape
    order, found = heat.flatten().argsort(descending=True), []
    for k in range(steps + 1):
        copy = image.clone().reshape(3, -1)
        copy[:, order[-(k * h * w // steps):]] = fill
        found.append(score(model, copy.reshape(1, 3, h, w), objective)[0])
    return torch.stack(found)


def from_the_last_to_the_first(model, image, heat, objective, fill, steps):
    return torch.stack(list(good_deletion(model, image, heat, objective, fill, steps))[::-1])


def one_pixel_per_step(model, image, heat, objective, fill, steps):
    h, w = heat.shape
    order, found = heat.flatten().argsort(descending=True), []
    for k in range(steps + 1):
        copy = image.clone().reshape(3, -1)
        copy[:, order[:k]] = fill
        found.append(score(model, copy.reshape(1, 3, h, w), objective)[0])
    return torch.stack(found)


# ── 3 y 4 · los hallazgos, medidos de nuevo ─────────────────────────────────────────────────────────────────────────


def _margins(images: Tensor, label: int, probability: bool = False) -> Tensor:
    """El margen de cada imagen, sin las funciones de la revisión."""
    with torch.no_grad():
        logits = load_model("escenas", device="cpu")(images)
    if probability:
        return logits.softmax(1)[:, label]
    others = torch.cat([logits[:, :label], logits[:, label + 1:]], 1)
    return logits[:, label] - others.max(1).values


@lru_cache(maxsize=32)
def fallen(account: str, black: bool = False) -> dict[str, float]:
    mine = given.my_parts(account)
    images = torch.where(mine.masks[:, None], 0.0, mine.image) if black else mine.variants
    drops = _margins(mine.image[None], mine.label) - _margins(images, mine.label)
    return dict(zip(mine.names, drops.tolist()))


def top(drops: dict[str, float], place: int = -1) -> str:
    return sorted(drops, key=drops.get)[place]


def good_tops(account: str) -> tuple[str, tuple]:
    return account, (top(fallen(account)), top(fallen(account, black=True)))


def tops_turned(account: str) -> tuple[str, tuple]:
    return account, good_tops(account)[1][::-1]


def only_covers(account: str) -> tuple[str, tuple]:
    return account, (good_tops(account)[1][1],) * 2


def only_removes(account: str) -> tuple[str, tuple]:
    return account, (good_tops(account)[1][0],) * 2


def the_least(account: str) -> tuple[str, tuple]:
    return account, (top(fallen(account), 0), good_tops(account)[1][1])


def second_by_truth(account: str) -> tuple[str, tuple]:
    return account, (top(fallen(account), -2), good_tops(account)[1][1])


def second_by_black(account: str) -> tuple[str, tuple]:
    return account, (good_tops(account)[1][0], top(fallen(account, black=True), -2))


def neither(account: str) -> tuple[str, tuple]:
    good, names = set(good_tops(account)[1]), sorted(fallen(account), key=fallen(account).get)[1:]
    other = next((name for name in names if name not in good), top(fallen(account), 0))
    return account, (other, other)


def not_names(account: str) -> tuple[str, tuple]:
    return account, (0, 1)


def not_a_part(account: str) -> tuple[str, tuple]:
    return account, ("hélice de cola", good_tops(account)[1][1])


@lru_cache(maxsize=32)
def pair_drops(account: str, black: bool = False, probability: bool = False) -> tuple[float, float, float]:
    mine = given.my_pair(account)
    images = torch.where(mine.masks[:, None], 0.0, mine.image) if black else mine.variants
    drops = _margins(mine.image[None], mine.label, probability) - _margins(images, mine.label, probability)
    return tuple(drops.tolist())


def pair(account: str, black: bool = False, probability: bool = False) -> tuple[float, float]:
    first, second, both = pair_drops(account, black, probability)
    return both, both - first - second


def good_pair(account: str) -> tuple[str, tuple]:
    return account, pair(account)


def pair_turned(account: str) -> tuple[str, tuple]:
    return account, pair(account)[::-1]


def covered_pair(account: str) -> tuple[str, tuple]:
    return account, pair(account, black=True)


def what_is_left(account: str) -> tuple[str, tuple]:
    mine = given.my_pair(account)
    return account, (_margins(mine.variants[2:], mine.label).item(), pair(account)[1])


def sign_turned(account: str) -> tuple[str, tuple]:
    return account, (pair(account)[0], -pair(account)[1])


def both_signs_turned(account: str) -> tuple[str, tuple]:
    both, extra = pair(account)
    return account, (-both, -extra)


def forgets_one(account: str) -> tuple[str, tuple]:
    first, _, both = pair_drops(account)
    return account, (both, both - first)


def wrong_both(account: str) -> tuple[str, tuple]:
    return account, (sum(pair_drops(account)[:2]), pair(account)[1])


def in_probability(account: str) -> tuple[str, tuple]:
    return account, pair(account, probability=True)


def wild(account: str) -> tuple[str, tuple]:
    return account, (-70.0, 70.0)


def not_numbers(account: str) -> tuple[str, tuple]:
    return account, ("mucho", "poco")


GOOD = {
    "on_parts": [good_parts, parts_by_einsum],
    "deletion_curve": [good_deletion, deletion_in_place],
    "heaviest": [good_tops],
    "together": [good_pair],
}

# Con qué cuentas se prueban los hallazgos: en alguna se distingue cada error de los demás.
ACCOUNTS = {
    "heaviest": [str(account) for account in range(312_000_000, 312_000_012)],
    "together": [str(account) for account in range(312_000_000, 312_000_008)],
}

WRONG: dict[str, list[tuple[Callable, str]]] = {
    "on_parts": [
        (everything, "sumas el mapa entero"),
        (averaged, "promedias, sobre la máscara o"),
        (over_the_image, "promedias, sobre la máscara o"),
        (without_sign, "valor absoluto"),
        (only_the_positive, "solo sumas lo positivo"),
        (subtracts, "el signo está al revés"),
        (highest, "el mayor valor"),
        (only_one, "un solo número"),
        (background, "la máscara está al revés"),
        (background_by_product, "la máscara está al revés"),
        (row_sums, "valores son otros"),
    ],
    "deletion_curve": [
        (least_first, "borras al revés"),
        (strongest_first, "por valor absoluto"),
        (puts_back, "se quedan borrados"),
        (always_black, "siempre con negro"),
        (from_the_first_step, "falta el primer valor"),
        (never_ends, "falta el último valor"),
        (how_much_it_falls, "cuánto cae"),
        (one_channel, "un solo canal"),
        (flat_indices, "un solo canal"),
        (forgets_descending, "borras al revés"),
        (from_the_end_of_the_list, "borras al revés"),
        (from_the_last_to_the_first, "vas descubriendo"),
        (one_pixel_per_step, "valores son otros"),
    ],
    "heaviest": [
        (tops_turned, "al revés"),
        (only_covers, "salen de tapar"),
        (only_removes, "salen de quitar"),
        (the_least, "MENOS cae"),
        (second_by_truth, "la segunda está bien"),
        (second_by_black, "la primera está bien"),
        (neither, "ninguna de las dos"),
        (not_names, "Recibí tuple (int, int)"),
        (not_a_part, "no es una de tus partes"),
    ],
    "together": [
        (pair_turned, "al revés: primero la caída"),
        (covered_pair, "tapar de negro"),
        (what_is_left, "margen que queda"),
        (sign_turned, "el signo de la interacción"),
        (both_signs_turned, "los dos signos"),
        (forgets_one, "la primera está bien"),
        (wrong_both, "la interacción está bien"),
        (in_probability, "la probabilidad"),
        (wild, "ninguno de los dos números"),
        (not_numbers, "Recibí tuple (str, str)"),
    ],
}

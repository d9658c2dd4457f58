"""Respuestas a los ejercicios de la lección 0: las buenas, en varios estilos, y las malas, cada una con su mensaje."""
import math
from collections.abc import Callable
from functools import lru_cache

import numpy as np
import torch
from sklearn.model_selection import GridSearchCV, StratifiedKFold
from sklearn.svm import LinearSVC
from torch import Tensor

from labkit.activations import run
from labkit.datasets import load_images
from labkit.exercises import pixels
from labkit.models import load_model
from labkit.pixels import hand_made

# ── el de la lección ────────────────────────────────────────────────────────────────────────────────────────────────


def good_darken(image: Tensor, share: float) -> Tensor:
    return share * image


def darken_by_pixel(image: Tensor, share: float) -> Tensor:
    darker = torch.zeros_like(image)
    for c in range(3):
        for y in range(image.shape[1]):
            for x in range(image.shape[2]):
                darker[c, y, x] = image[c, y, x] * share
    return darker


def subtracts_light(image: Tensor, share: float) -> Tensor:
    return torch.clamp(image - share, 0, 1)


def lightens(image: Tensor, share: float) -> Tensor:
    return image / share


def takes_what_stays(image: Tensor, share: float) -> Tensor:
    return image - share * image


def only_red(image: Tensor, share: float) -> Tensor:
    darker = image.clone()
    darker[0] *= share
    return darker


# ── 1 · una capa, a mano ────────────────────────────────────────────────────────────────────────────────────────────


def _grown(image: Tensor, margin: int) -> Tensor:
    c, h, w = image.shape
    grown = torch.zeros(c, h + 2 * margin, w + 2 * margin)
    grown[:, margin:margin + h, margin:margin + w] = image
    return grown


def good_convolve(image: Tensor, weights: Tensor, bias: Tensor) -> Tensor:
    k = weights.shape[-1]
    grown, maps = _grown(image, k // 2), torch.zeros(len(weights), *image.shape[1:])
    for c in range(len(weights)):
        for y in range(image.shape[1]):
            for x in range(image.shape[2]):
                maps[c, y, x] = (grown[:, y:y + k, x:x + k] * weights[c]).sum() + bias[c]
    return maps


def convolve_by_shifts(image: Tensor, weights: Tensor, bias: Tensor) -> Tensor:
    _, h, w = image.shape
    k = weights.shape[-1]
    grown = _grown(image, k // 2)
    maps = bias[:, None, None].expand(-1, h, w).clone()
    for i in range(k):
        for j in range(k):
            maps += torch.einsum("cd,dyx->cyx", weights[:, :, i, j], grown[:, i:i + h, j:j + w])
    return maps


def without_bias(image: Tensor, weights: Tensor, bias: Tensor) -> Tensor:
    return good_convolve(image, weights, torch.zeros(len(bias)))


def bias_of_every_color(image: Tensor, weights: Tensor, bias: Tensor) -> Tensor:
    total = torch.zeros(len(weights), *image.shape[1:])
    for d in range(3):
        alone = torch.zeros_like(image)
        alone[d] = image[d]
        total += good_convolve(alone, weights, bias)
    return total


def bias_inside_the_sum(image: Tensor, weights: Tensor, bias: Tensor) -> Tensor:
    k = weights.shape[-1]
    grown, maps = _grown(image, k // 2), torch.zeros(len(weights), *image.shape[1:])
    for c in range(len(weights)):
        for y in range(image.shape[1]):
            for x in range(image.shape[2]):
                maps[c, y, x] = (grown[:, y:y + k, x:x + k] * weights[c] + bias[c]).sum()
    return maps


def averages_the_colors(image: Tensor, weights: Tensor, bias: Tensor) -> Tensor:
    k = weights.shape[-1]
    grown, maps = _grown(image, k // 2), torch.zeros(len(weights), *image.shape[1:])
    for c in range(len(weights)):
        for y in range(image.shape[1]):
            for x in range(image.shape[2]):
                maps[c, y, x] = (grown[:, y:y + k, x:x + k] * weights[c]).mean(0).sum() + bias[c]
    return maps


def flipped(image: Tensor, weights: Tensor, bias: Tensor) -> Tensor:
    return good_convolve(image, torch.flip(weights, (2, 3)), bias)


def x_before_y(image: Tensor, weights: Tensor, bias: Tensor) -> Tensor:
    return good_convolve(image, weights.transpose(2, 3), bias)


def without_edge(image: Tensor, weights: Tensor, bias: Tensor) -> Tensor:
    k = weights.shape[-1]
    h, w = image.shape[1] - k + 1, image.shape[2] - k + 1
    maps = torch.zeros(len(weights), h, w)
    for c in range(len(weights)):
        for y in range(h):
            for x in range(w):
                maps[c, y, x] = (image[:, y:y + k, x:x + k] * weights[c]).sum() + bias[c]
    return maps


def repeats_the_edge(image: Tensor, weights: Tensor, bias: Tensor) -> Tensor:
    k = weights.shape[-1]
    m, (h, w) = k // 2, image.shape[1:]
    rows, columns = torch.arange(-m, h + m).clamp(0, h - 1), torch.arange(-m, w + m).clamp(0, w - 1)
    return without_edge(image[:, rows][:, :, columns], weights, bias)


def one_color(image: Tensor, weights: Tensor, bias: Tensor) -> Tensor:
    alone = torch.zeros_like(image)
    alone[0] = image[0]
    return good_convolve(alone, weights, bias)


def averages(image: Tensor, weights: Tensor, bias: Tensor) -> Tensor:
    k = weights.shape[-1]
    grown, maps = _grown(image, k // 2), torch.zeros(len(weights), *image.shape[1:])
    for c in range(len(weights)):
        for y in range(image.shape[1]):
            for x in range(image.shape[2]):
                maps[c, y, x] = (grown[:, y:y + k, x:x + k] * weights[c]).mean() + bias[c]
    return maps


def with_relu(image: Tensor, weights: Tensor, bias: Tensor) -> Tensor:
    return good_convolve(image, weights, bias).clamp(min=0)


def uses_torch(image: Tensor, weights: Tensor, bias: Tensor) -> Tensor:
    return torch.nn.functional.conv2d(image[None], weights, bias, padding=weights.shape[-1] // 2)[0]


# ── 2 · hacia dónde van los bordes ──────────────────────────────────────────────────────────────────────────────────


def good_edges(strength: Tensor, angle: Tensor, bins: int) -> Tensor:
    total = [0.0] * bins
    for f, t in zip(strength.flatten().tolist(), angle.flatten().tolist()):
        total[int((t % math.pi) / math.pi * bins) % bins] += f
    return torch.tensor(total)


def edges_by_part(strength: Tensor, angle: Tensor, bins: int) -> Tensor:
    turned = torch.where(angle < 0, angle + torch.pi, angle)
    place = (turned * bins / torch.pi).floor().long() % bins
    return torch.stack([strength[place == k].sum() for k in range(bins)])


def counts_pixels(strength: Tensor, angle: Tensor, bins: int) -> Tensor:
    place = ((angle % torch.pi) / torch.pi * bins).long()
    return torch.bincount(place.flatten(), minlength=bins).float()


def whole_turn(strength: Tensor, angle: Tensor, bins: int) -> Tensor:
    place = ((angle % (2 * torch.pi)) / (2 * torch.pi) * bins).long().clamp(max=bins - 1)
    return torch.stack([strength[place == k].sum() for k in range(bins)])


def with_abs(strength: Tensor, angle: Tensor, bins: int) -> Tensor:
    place = (angle.abs() / torch.pi * bins).long().clamp(max=bins - 1)
    return torch.stack([strength[place == k].sum() for k in range(bins)])


def divided(strength: Tensor, angle: Tensor, bins: int) -> Tensor:
    total = good_edges(strength, angle, bins)
    return total / total.sum()


def rounded(strength: Tensor, angle: Tensor, bins: int) -> Tensor:
    place = torch.round((angle % torch.pi) / torch.pi * bins).long() % bins
    return torch.stack([strength[place == k].sum() for k in range(bins)])


def rounded_and_lost(strength: Tensor, angle: Tensor, bins: int) -> Tensor:
    place = torch.round((angle % torch.pi) / torch.pi * bins).long()
    return torch.stack([strength[place == k].sum() for k in range(bins)])


def mean_of_each_part(strength: Tensor, angle: Tensor, bins: int) -> Tensor:
    place = ((angle % torch.pi) / torch.pi * bins).long() % bins
    total = torch.zeros(bins)
    for k in range(bins):
        if (place == k).any():
            total[k] = strength[place == k].mean()
    return total


def turns_only_the_negative(strength: Tensor, angle: Tensor, bins: int) -> Tensor:
    turned = torch.where(angle < 0, angle + torch.pi, angle)
    place = torch.floor(turned / torch.pi * bins).long()
    return torch.stack([strength[place == k].sum() for k in range(bins)])


def turns_only_the_negative_by_loop(strength: Tensor, angle: Tensor, bins: int) -> Tensor:
    total = torch.zeros(bins)
    for f, t in zip(strength.flatten().tolist(), angle.flatten().tolist()):
        t = t + math.pi if t < 0 else t
        total[min(int(t / math.pi * bins), bins - 1)] += f
    return total


def never_turned(strength: Tensor, angle: Tensor, bins: int) -> Tensor:
    place = torch.floor(angle / torch.pi * bins).long()
    return torch.stack([strength[place == k].sum() for k in range(bins)])


def never_turned_and_cut(strength: Tensor, angle: Tensor, bins: int) -> Tensor:
    place = (angle / torch.pi * bins).int()
    return torch.stack([strength[place == k].sum() for k in range(bins)])


def all_turned(strength: Tensor, angle: Tensor, bins: int) -> Tensor:
    place = ((angle + torch.pi) / torch.pi * bins).long()
    return torch.stack([strength[place == k].sum() for k in range(bins)])


def only_the_last(strength: Tensor, angle: Tensor, bins: int) -> Tensor:
    total = torch.zeros(bins)
    for f, t in zip(strength.flatten(), angle.flatten()):
        total[int((t % torch.pi) / torch.pi * bins) % bins] = f
    return total


def starts_at_one(strength: Tensor, angle: Tensor, bins: int) -> Tensor:
    total = good_edges(strength, angle, bins)
    return torch.cat([total[-1:], total[:-1]])


# ── 3 · cuánto ve una neurona ───────────────────────────────────────────────────────────────────────────────────────


def good_sizes(sides: list[int], strides: list[int]) -> Tensor:
    found = []
    for last in range(len(sides)):
        r = 1
        for k, p in reversed(list(zip(sides[:last + 1], strides[:last + 1]))):      # hacia atrás: r lugares de una capa
            r = (r - 1) * p + k
        found.append(r)
    return torch.tensor(found)


def sizes_by_numpy(sides: list[int], strides: list[int]) -> Tensor:
    jumps = np.cumprod([1, *strides[:-1]])
    return torch.from_numpy(1 + np.cumsum((np.array(sides) - 1) * jumps))


def no_jump(sides: list[int], strides: list[int]) -> Tensor:
    r, found = 1, []
    for k in sides:
        r += k - 1
        found.append(r)
    return torch.tensor(found)


def jump_too_soon(sides: list[int], strides: list[int]) -> Tensor:
    r, s, found = 1, 1, []
    for k, p in zip(sides, strides):
        s *= p
        r += (k - 1) * s
        found.append(r)
    return torch.tensor(found)


def adds_the_strides(sides: list[int], strides: list[int]) -> Tensor:
    r, s, found = 1, 1, []
    for k, p in zip(sides, strides):
        r += (k - 1) * s
        s += p
        found.append(r)
    return torch.tensor(found)


def only_the_stride_before(sides: list[int], strides: list[int]) -> Tensor:
    r, found = 1, []
    for i, k in enumerate(sides):
        r += (k - 1) * (strides[i - 1] if i else 1)
        found.append(r)
    return torch.tensor(found)


def adds_the_whole_side(sides: list[int], strides: list[int]) -> Tensor:
    r, s, found = 1, 1, []
    for k, p in zip(sides, strides):
        r, s = r + k * s, s * p
        found.append(r)
    return torch.tensor(found)


def starts_at_zero(sides: list[int], strides: list[int]) -> Tensor:
    r, s, found = 0, 1, []
    for k, p in zip(sides, strides):
        r, s = r + (k - 1) * s, s * p
        found.append(r)
    return torch.tensor(found)


def multiplies(sides: list[int], strides: list[int]) -> Tensor:
    r, found = 1, []
    for k in sides:
        r *= k
        found.append(r)
    return torch.tensor(found)


def both_halves(sides: list[int], strides: list[int]) -> Tensor:
    r, s, found = 1, 1, []
    for k, p in zip(sides, strides):
        r = r + 2 * (k // 2) * s
        s = s * p
        found.append(r)
    return torch.tensor(found)


def one_half(sides: list[int], strides: list[int]) -> Tensor:
    r, s, found = 1, 1, []
    for k, p in zip(sides, strides):
        r += k // 2 * s
        s *= p
        found.append(r)
    return torch.tensor(found)


def without_the_pools(sides: list[int], strides: list[int]) -> Tensor:
    r, s, found = 1, 1, []
    for k, p in zip(sides, strides):
        if k >= 3:
            r = r + (k - 1) * s
        s = s * p
        found.append(r)
    return torch.tensor(found)


def only_the_end(sides: list[int], strides: list[int]) -> Tensor:
    return good_sizes(sides, strides)[-1]


# ── 4 · la capa que rebasa ──────────────────────────────────────────────────────────────────────────────────────────


@lru_cache(maxsize=None)
def exam(account: str, vectors: str) -> float:
    """La exactitud con esos vectores: hecha de nuevo, sin `linear_svm` ni `features`."""
    name, classes = pixels.my_classes(account)
    model, parts, labels = load_model(name, device="cpu"), [], []
    for data in (load_images("train", n=1000), load_images("test")):
        kept = [i for i, k in enumerate(data.labels.tolist()) if k in classes]
        images = data.images[kept]
        if vectors == "a mano":
            rows = hand_made(images)
        elif vectors == "píxeles":
            rows = images.flatten(1)
        else:
            with torch.no_grad():
                maps = torch.cat([run(model, some, [vectors])[vectors] for some in images.split(50)])
            rows = maps.flatten(2).amax(2) if maps.ndim == 4 else maps
        parts.append(rows.double().numpy())
        labels.append(data.labels[kept].numpy())
    middle, spread = parts[0].mean(0), parts[0].std(0, ddof=1)
    spread[spread < 1e-6] = 1
    known, asked = ((part - middle) / spread / math.sqrt(part.shape[1]) for part in parts)
    machine = LinearSVC(dual=known.shape[1] > len(known), max_iter=50_000, random_state=1)
    search = GridSearchCV(machine, {"C": [0.01, 0.1, 1, 10]}, cv=StratifiedKFold(4)).fit(known, labels[0])
    return float(search.score(asked, labels[1]))


def first_over(account: str, rival: str) -> str:
    return next(layer for layer in pixels.LAYERS if exam(account, layer) > exam(account, rival))


def good_layer(account: str) -> tuple[str, tuple]:
    return account, (first_over(account, "a mano"), round(exam(account, "a mano"), 2))


def layer_in_percent(account: str) -> tuple[str, tuple]:
    layer, accuracy = good_layer(account)[1]
    return account, (layer, round(100 * accuracy))


def of_the_pixels(account: str) -> tuple[str, tuple]:
    return account, (good_layer(account)[1][0], round(pixels.layer_row(account).pixels, 2))


def of_the_layer(account: str) -> tuple[str, tuple]:
    layer = good_layer(account)[1][0]
    return account, (layer, round(exam(account, layer), 2))


def another_accuracy(account: str) -> tuple[str, tuple]:
    return account, (good_layer(account)[1][0], 0.11)


def the_best(account: str) -> tuple[str, tuple]:
    return account, (pixels.layer_row(account).best, good_layer(account)[1][1])


def over_the_pixels(account: str) -> tuple[str, tuple]:
    return account, ("relu1", good_layer(account)[1][1])


def one_too_soon(account: str) -> tuple[str, tuple]:
    place = pixels.LAYERS.index(good_layer(account)[1][0])
    return account, (pixels.LAYERS[place - 1], good_layer(account)[1][1])


def one_too_late(account: str) -> tuple[str, tuple]:
    place = pixels.LAYERS.index(good_layer(account)[1][0])
    return account, (pixels.LAYERS[place + 1], good_layer(account)[1][1])


def below_zero(account: str) -> tuple[str, tuple]:
    return account, (good_layer(account)[1][0], -0.76)


def not_a_number(account: str) -> tuple[str, tuple]:
    return account, (good_layer(account)[1][0], float("nan"))


def layer_with_a_space(account: str) -> tuple[str, tuple]:
    layer, accuracy = good_layer(account)[1]
    return account, (f"Relu {layer[-1]}", accuracy)


def not_a_layer(account: str) -> tuple[str, tuple]:
    return account, ("conv3", 0.7)


GOOD = {
    "darken": [good_darken, darken_by_pixel],
    "convolve": [good_convolve, convolve_by_shifts],
    "edge_histogram": [good_edges, edges_by_part],
    "field_sizes": [good_sizes, sizes_by_numpy],
    "overtaking_layer": [good_layer, layer_with_a_space],
}

# Con qué cuentas se prueban los hallazgos: en alguna se distingue cada error de los demás.
ACCOUNTS = {"overtaking_layer": ["312000000", "312000001"]}

WRONG: dict[str, list[tuple[Callable, str]]] = {
    "darken": [
        (subtracts_light, "le restas lo mismo"),
        (lightens, "se aclara"),
        (takes_what_stays, "la parte que se queda"),
        (only_red, "un solo canal"),
    ],
    "convolve": [
        (without_bias, "falta sumar el sesgo"),
        (bias_of_every_color, "más de una vez"),
        (bias_inside_the_sum, "fuera de la suma"),
        (flipped, "volteas el filtro"),
        (x_before_y, "transpuesto"),
        (without_edge, "falta la orilla"),
        (repeats_the_edge, "repites la orilla"),
        (one_color, "un solo color"),
        (averages, "promedias"),
        (averages_the_colors, "ni entre los colores"),
        (with_relu, "ReLU"),
        (uses_torch, "ya viene en labkit"),
    ],
    "edge_histogram": [
        (counts_pixels, "cuentas píxeles"),
        (whole_turn, "son el mismo borde"),
        (with_abs, "ni se voltean"),
        (divided, "sin dividir"),
        (mean_of_each_part, "sin dividir"),
        (rounded, "redondeas"),
        (rounded_and_lost, "redondeas"),
        (turns_only_the_negative, "un ángulo de π"),
        (turns_only_the_negative_by_loop, "un ángulo de π"),
        (never_turned, "se pierden"),
        (never_turned_and_cut, "se pierden"),
        (all_turned, "se pierden"),
        (only_the_last, "se pisan"),
        (starts_at_one, "empieza en otra parte"),
    ],
    "field_sizes": [
        (no_jump, "falta el salto"),
        (jump_too_soon, "antes de tiempo"),
        (adds_the_strides, "los pasos se multiplican"),
        (only_the_stride_before, "la capa anterior"),
        (adds_the_whole_side, "el lado entero"),
        (starts_at_zero, "empiezas en 0"),
        (multiplies, "crece sumando"),
        (both_halves, "también si k es par"),
        (one_half, "también si k es par"),
        (without_the_pools, "un pool también cuenta"),
        (only_the_end, "solo el último"),
    ],
    "overtaking_layer": [
        (layer_in_percent, "va de 0 a 1"),
        (of_the_pixels, "es la de los píxeles"),
        (of_the_layer, "es la de esa capa"),
        (another_accuracy, "revisa la exactitud"),
        (the_best, "la capa que más acierta"),
        (over_the_pixels, "rebasa a los píxeles"),
        (one_too_soon, "todavía no rebasa"),
        (one_too_late, "no es la primera"),
        (below_zero, "va de 0 a 1"),
        (not_a_number, "va de 0 a 1"),
        (not_a_layer, "no es una de las capas"),
    ],
}

"""Respuestas a los ejercicios de la lección 4: las buenas, en varios estilos, y las malas, cada una con su mensaje."""
from collections.abc import Callable
from functools import lru_cache

import torch
from torch import Tensor

from labkit.activations import run
from labkit.datasets import load_images
from labkit.exercises.lesson04 import findings as says
from labkit.models import load_model

# ── 1 · a quién escoge cada quien ───────────────────────────────────────────────────────────────────────────────────


def good_chances(vectors: Tensor, width: float) -> Tensor:
    n = len(vectors)
    table = torch.zeros(n, n)
    for i in range(n):
        weights = [0.0 if j == i else float(torch.exp(-((vectors[i] - vectors[j]) ** 2).sum() / (2 * width ** 2))) for j in range(n)]
        table[i] = torch.tensor(weights) / sum(weights)
    return table


def chances_by_softmax(vectors: Tensor, width: float) -> Tensor:
    far = (vectors[:, None] - vectors[None]).square().sum(2)
    return torch.softmax(-far / (2 * width ** 2) - 1e9 * torch.eye(len(vectors)), 1)


def scored(vectors: Tensor, scores: Tensor) -> Tensor:
    return torch.softmax(scores - 1e9 * torch.eye(len(vectors)), 1)


def own_neighbour(vectors: Tensor, width: float) -> Tensor:
    return torch.softmax(-torch.cdist(vectors, vectors) ** 2 / (2 * width ** 2), 1)


def late_diagonal(vectors: Tensor, width: float) -> Tensor:
    return own_neighbour(vectors, width) * (1 - torch.eye(len(vectors)))


def by_columns(vectors: Tensor, width: float) -> Tensor:
    return good_chances(vectors, width).T.contiguous()


def not_squared(vectors: Tensor, width: float) -> Tensor:
    return scored(vectors, -torch.cdist(vectors, vectors) / (2 * width ** 2))


def without_two(vectors: Tensor, width: float) -> Tensor:
    return scored(vectors, -torch.cdist(vectors, vectors) ** 2 / width ** 2)


def plain_width(vectors: Tensor, width: float) -> Tensor:
    return scored(vectors, -torch.cdist(vectors, vectors) ** 2 / (2 * width))


def far_is_near(vectors: Tensor, width: float) -> Tensor:
    return scored(vectors, torch.cdist(vectors, vectors) ** 2 / (2 * width ** 2))


def undivided(vectors: Tensor, width: float) -> Tensor:
    return torch.exp(-torch.cdist(vectors, vectors) ** 2 / (2 * width ** 2)) * (1 - torch.eye(len(vectors)))


def one_in_all(vectors: Tensor, width: float) -> Tensor:
    return undivided(vectors, width) / undivided(vectors, width).sum()


def symmetric(vectors: Tensor, width: float) -> Tensor:
    table = good_chances(vectors, width)
    return (table + table.T) / (2 * len(vectors))


# ── 2 · un paso del mapa ────────────────────────────────────────────────────────────────────────────────────────────


def good_step(prototypes: Tensor, places: Tensor, vectors: Tensor, width: float) -> Tensor:
    winners = [int(((prototypes - v) ** 2).sum(1).argmin()) for v in vectors]
    rows = []
    for place in places:
        pull = torch.stack([torch.exp(-((place - places[w]) ** 2).sum() / (2 * width ** 2)) for w in winners])
        rows.append((pull[:, None] * vectors).sum(0) / pull.sum())
    return torch.stack(rows)


def step_by_matrix(prototypes: Tensor, places: Tensor, vectors: Tensor, width: float) -> Tensor:
    hot = torch.nn.functional.one_hot(torch.cdist(vectors, prototypes).argmin(1), len(places)).float()
    pull = torch.exp(-torch.cdist(places, places) ** 2 / (2 * width ** 2)) @ hot.T
    return pull @ vectors / pull.sum(1)[:, None]


def pulled(prototypes: Tensor, places: Tensor, vectors: Tensor) -> Tensor:
    return torch.cdist(places, places)[:, torch.cdist(vectors, prototypes).argmin(1)]


def mean_of(pull: Tensor, vectors: Tensor) -> Tensor:
    return pull @ vectors / pull.sum(1, keepdim=True)


def among_prototypes(prototypes: Tensor, places: Tensor, vectors: Tensor, width: float) -> Tensor:
    winners = torch.cdist(vectors, prototypes).argmin(1)
    return mean_of(torch.exp(-torch.cdist(prototypes, prototypes[winners]) ** 2 / (2 * width ** 2)), vectors)


def to_prototypes(prototypes: Tensor, places: Tensor, vectors: Tensor, width: float) -> Tensor:
    return mean_of(torch.exp(-torch.cdist(prototypes, vectors) ** 2 / (2 * width ** 2)), vectors)


def winner_only(prototypes: Tensor, places: Tensor, vectors: Tensor, width: float) -> Tensor:
    winners, moved = torch.cdist(vectors, prototypes).argmin(1), prototypes.clone()
    for m in winners.unique():
        moved[m] = vectors[winners == m].mean(0)
    return moved


def the_farthest(prototypes: Tensor, places: Tensor, vectors: Tensor, width: float) -> Tensor:
    far = torch.cdist(places, places)[:, torch.cdist(vectors, prototypes).argmax(1)]
    return mean_of(torch.exp(-far ** 2 / (2 * width ** 2)), vectors)


def step_without_two(prototypes: Tensor, places: Tensor, vectors: Tensor, width: float) -> Tensor:
    return mean_of(torch.exp(-pulled(prototypes, places, vectors) ** 2 / width ** 2), vectors)


def step_plain_width(prototypes: Tensor, places: Tensor, vectors: Tensor, width: float) -> Tensor:
    return mean_of(torch.exp(-pulled(prototypes, places, vectors) ** 2 / (2 * width)), vectors)


def step_not_squared(prototypes: Tensor, places: Tensor, vectors: Tensor, width: float) -> Tensor:
    return mean_of(torch.exp(-pulled(prototypes, places, vectors) / (2 * width ** 2)), vectors)


def step_undivided(prototypes: Tensor, places: Tensor, vectors: Tensor, width: float) -> Tensor:
    return torch.exp(-pulled(prototypes, places, vectors) ** 2 / (2 * width ** 2)) @ vectors


def divided_by_all(prototypes: Tensor, places: Tensor, vectors: Tensor, width: float) -> Tensor:
    return step_undivided(prototypes, places, vectors, width) / len(vectors)


def divided_by_the_sum(prototypes: Tensor, places: Tensor, vectors: Tensor, width: float) -> Tensor:
    pull = torch.exp(-pulled(prototypes, places, vectors) ** 2 / (2 * width ** 2))
    return pull @ vectors / pull.sum()


def unmoved(prototypes: Tensor, places: Tensor, vectors: Tensor, width: float) -> Tensor:
    return prototypes.clone()


def half_way(prototypes: Tensor, places: Tensor, vectors: Tensor, width: float) -> Tensor:
    return (good_step(prototypes, places, vectors, width) + prototypes) / 2


def how_much(prototypes: Tensor, places: Tensor, vectors: Tensor, width: float) -> Tensor:
    return good_step(prototypes, places, vectors, width) - prototypes


def step_in_place(prototypes: Tensor, places: Tensor, vectors: Tensor, width: float) -> Tensor:
    prototypes.copy_(good_step(prototypes, places, vectors, width))
    return prototypes


# ── 3 · la más selectiva ────────────────────────────────────────────────────────────────────────────────────────────


@lru_cache(maxsize=8)
def answers(layer: str, pool: str) -> Tensor:
    """Lo que responde cada unidad: hecho de nuevo, sin `features`."""
    images, model = load_images("test").images, load_model("escenas", device="cpu")
    with torch.no_grad():
        maps = [run(model, part, [layer])[layer] for part in images.split(100)]
    return torch.cat([m if m.ndim == 2 else m.amax((2, 3)) if pool == "max" else m.mean((2, 3)) for m in maps])


def area(values: Tensor, truth: Tensor) -> float:
    """El área ROC por definición: todas las parejas."""
    yes, no = values[truth][:, None], values[~truth][None]
    return ((yes > no).double() + 0.5 * (yes == no).double()).mean().item()


def table(account: str, pool: str = "max") -> tuple[list[float], list[float]]:
    layer, label = says.my_question(account)
    values, truth = answers(layer, pool), load_images("test").labels == label
    return tuple([area(values[part, k], truth[part]) for k in range(values.shape[1])] for part in (slice(0, 750), slice(750, None)))


def largest(row: list[float]) -> int:
    return max(range(len(row)), key=row.__getitem__)


def good_unit(account: str) -> tuple[str, tuple]:
    first, rest = table(account)
    return account, (largest(first), round(rest[largest(first)], 2))


def same_half(account: str) -> tuple[str, tuple]:
    first, _ = table(account)
    return account, (largest(first), round(max(first), 2))


def another_area(account: str) -> tuple[str, tuple]:
    return account, (good_unit(account)[1][0], 0.11)


def the_loudest(account: str) -> tuple[str, tuple]:
    layer, label = says.my_question(account)
    mine = answers(layer, "max")[:750][load_images("test").labels[:750] == label]
    return account, (int(mine.mean(0).argmax()), 0.9)


def other_half(account: str) -> tuple[str, tuple]:
    _, rest = table(account)
    return account, (largest(rest), round(max(rest), 2))


def by_mean(account: str) -> tuple[str, tuple]:
    first, rest = table(account, "mean")
    return account, (largest(first), round(rest[largest(first)], 2))


def the_contrary(account: str) -> tuple[str, tuple]:
    first, _ = table(account)
    return account, (first.index(min(first)), 0.1)


def no_reason(account: str) -> tuple[str, tuple]:
    known = {answer(account)[1][0] for answer in (good_unit, the_loudest, other_half, by_mean, the_contrary)}
    return account, (next(k for k in range(60) if k not in known), 0.5)


def not_a_unit(account: str) -> tuple[str, tuple]:
    return account, ("relu3:4", 0.9)


# ── 4 · leer las costuras ───────────────────────────────────────────────────────────────────────────────────────────


@lru_cache(maxsize=32)
def read_map(account: str) -> tuple[int, list[int], list[int]]:
    """Cuántas costuras, de qué clases y las clases de todas: la cuenta, casilla por casilla."""
    from labkit.exemplars import assign_to_grid
    world, index = load_images("test"), says.my_images(account)
    vectors, labels = answers("relu6", "mean")[index], world.labels[index]
    centered = vectors - vectors.mean(0)
    points = centered @ torch.linalg.svd(centered, full_matrices=False)[2][:2].T
    grid = assign_to_grid(points, 12, 12)
    usual = sum(float((vectors[i] - vectors[j]).norm()) for i in range(144) for j in range(i)) / (144 * 143 / 2)
    marked = []
    for y in range(12):
        for x in range(12):
            near = [(y + dy, x + dx) for dy, dx in ((0, 1), (1, 0), (0, -1), (-1, 0)) if 0 <= y + dy < 12 and 0 <= x + dx < 12]
            far = sum(float((vectors[grid[y, x]] - vectors[grid[a, b]]).norm()) for a, b in near) / len(near)
            marked += [int(grid[y, x])] if far / usual >= 0.8 else []
    return len(marked), [int(labels[i]) for i in marked], labels.tolist()


def most(rows: list[int]) -> str:
    return load_images("test").classes[max(range(12), key=rows.count)]


def good_seams(account: str) -> tuple[str, tuple]:
    count, marked, _ = read_map(account)
    return account, (count, most(marked))


def unseamed(account: str) -> tuple[str, tuple]:
    return account, (144 - good_seams(account)[1][0], good_seams(account)[1][1])


def the_common_class(account: str) -> tuple[str, tuple]:
    count, _, every = read_map(account)
    return account, (count, most(every))


def another_class(account: str) -> tuple[str, tuple]:
    count, marked, every = read_map(account)
    return account, (count, next(name for name in load_images("test").classes if name not in (most(marked), most(every))))


def another_count(account: str) -> tuple[str, tuple]:
    return account, (3, good_seams(account)[1][1])


def neither(account: str) -> tuple[str, tuple]:
    return account, (3, another_class(account)[1][1])


def not_a_class(account: str) -> tuple[str, tuple]:
    return account, (20, "jirafa")


def turned(account: str) -> tuple[str, tuple]:
    return account, good_seams(account)[1][::-1]


GOOD = {"chances": [good_chances, chances_by_softmax], "som_step": [good_step, step_by_matrix], "selective_unit": [good_unit],
        "seam_reading": [good_seams]}

WRONG: dict[str, list[tuple[Callable, str]]] = {
    "chances": [(own_neighbour, "su propio vecino"), (late_diagonal, "después de dividir"), (by_columns, "las columnas"),
                (not_squared, "usas la distancia"), (without_two, "falta el 2"), (plain_width, "el ancho va al cuadrado"),
                (far_is_near, "revisa el signo"), (undivided, "falta dividir"), (one_in_all, "toda la tabla"),
                (symmetric, "ya la hiciste simétrica")],
    "som_step": [(among_prototypes, "entre prototipos"), (to_prototypes, "entre vectores y prototipos"),
                 (winner_only, "solo se mueve"), (the_farthest, "MÁS parecido"), (step_without_two, "falta el 2"),
                 (step_plain_width, "el ancho va al cuadrado"), (step_not_squared, "usas la distancia en la rejilla"),
                 (step_undivided, "falta dividir"), (divided_by_all, "cuántos vectores hay"), (divided_by_the_sum, "todos los pesos"), (unmoved, "los prototipos de antes"), (half_way, "mezclas con"),
                 (how_much, "cuánto se mueve"), (step_in_place, "Trabaja sobre una copia")],
    "selective_unit": [(same_half, "mismas imágenes"), (another_area, "la unidad está bien"), (the_loudest, "la que más responde"),
                       (other_half, "ganaría en la segunda mitad"), (by_mean, "la media de cada mapa"),
                       (the_contrary, "al revés"), (no_reason, "no es esa"), (not_a_unit, "escribe una pareja")],
    "seam_reading": [(unseamed, "SIN costura"), (the_common_class, "con más imágenes"), (another_class, "revisa la clase"),
                     (another_count, "revisa la cuenta"), (neither, "ni la cuenta ni la clase"),
                     (not_a_class, "no es una de las doce"), (turned, "escribe una pareja")],
}

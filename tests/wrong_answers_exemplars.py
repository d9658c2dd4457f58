"""Respuestas a los ejercicios de la lección 4: las buenas, en varios estilos, y las malas, cada una con su mensaje."""
from collections.abc import Callable
from functools import lru_cache

import torch
from torch import Tensor

from labkit.activations import run
from labkit.datasets import load_images
from labkit.exercises import exemplars
from labkit.models import load_model

# ── 1 · a quién escoge cada quien ───────────────────────────────────────────────────────────────────────────────────


def good_chances(vectors: Tensor, width: float) -> Tensor:
    n = len(vectors)
    table = torch.zeros(n, n)
    for i in range(n):
        for j in range(n):
            far = ((vectors[i] - vectors[j]) ** 2).sum()
            table[i, j] = 0.0 if i == j else torch.exp(-far / (2 * width ** 2))
        table[i] /= table[i].sum()
    return table


def chances_by_softmax(vectors: Tensor, width: float) -> Tensor:
    far = (vectors[:, None] - vectors[None]).square().sum(2)
    return torch.softmax(-far / (2 * width ** 2) - 1e9 * torch.eye(len(vectors)), 1)


def keeps_itself(vectors: Tensor, width: float) -> Tensor:
    rows = []
    for v in vectors:
        weights = torch.tensor([float(torch.exp(-(v - u).norm() ** 2 / (2 * width ** 2))) for u in vectors])
        rows.append(weights / weights.sum())
    return torch.stack(rows)


def softmax_of_columns(vectors: Tensor, width: float) -> Tensor:
    far = ((vectors[:, None] - vectors[None]) ** 2).sum(-1)
    far[range(len(vectors)), range(len(vectors))] = float("inf")
    return (-far / (2 * width ** 2)).softmax(dim=0)


def forgets_to_divide(vectors: Tensor, width: float) -> Tensor:
    n = len(vectors)
    table = torch.zeros(n, n)
    for i in range(n):
        for j in range(n):
            if i != j:
                table[i, j] = torch.exp(-((vectors[i] - vectors[j]) ** 2).sum() / (2 * width ** 2))
    return table


def width_to_the_one(vectors: Tensor, width: float) -> Tensor:
    far = (vectors[:, None] - vectors[None]).square().sum(2)
    return torch.softmax(-far / (2 * width) - 1e9 * torch.eye(len(vectors)), 1)


def upside_down(vectors: Tensor, width: float) -> Tensor:
    far = (vectors[:, None] - vectors[None]).square().sum(2)
    return torch.softmax(far / (2 * width ** 2) - 1e9 * torch.eye(len(vectors)), 1)


def without_parentheses(vectors: Tensor, width: float) -> Tensor:
    far = (vectors[:, None] - vectors[None]).square().sum(2)
    return torch.softmax(-far / 2 * width ** 2 - 1e9 * torch.eye(len(vectors)), 1)


def far_from_it(vectors: Tensor, width: float) -> Tensor:
    return torch.ones(len(vectors), len(vectors)) / len(vectors)


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


def measures_prototypes(prototypes: Tensor, places: Tensor, vectors: Tensor, width: float) -> Tensor:
    rows = []
    for mine in prototypes:
        pull = []
        for v in vectors:
            winner = prototypes[(prototypes - v).norm(dim=1).argmin()]
            pull.append(torch.exp(-(mine - winner).norm() ** 2 / (2 * width ** 2)))
        pull = torch.stack(pull)
        rows.append((pull[:, None] * vectors).sum(0) / pull.sum())
    return torch.stack(rows)


def winners_only(prototypes: Tensor, places: Tensor, vectors: Tensor, width: float) -> Tensor:
    chosen, moved = [int(((prototypes - v) ** 2).sum(1).argmin()) for v in vectors], prototypes.clone()
    for m in set(chosen):
        moved[m] = torch.stack([v for v, k in zip(vectors, chosen) if k == m]).mean(0)
    return moved


def only_sums(prototypes: Tensor, places: Tensor, vectors: Tensor, width: float) -> Tensor:
    total = torch.zeros_like(prototypes)
    for v in vectors:
        winner = places[((prototypes - v) ** 2).sum(1).argmin()]
        total += torch.exp(-((places - winner) ** 2).sum(1) / (2 * width ** 2))[:, None] * v
    return total


def how_much_it_moves(prototypes: Tensor, places: Tensor, vectors: Tensor, width: float) -> Tensor:
    return good_step(prototypes, places, vectors, width) - prototypes


def farthest_wins(prototypes: Tensor, places: Tensor, vectors: Tensor, width: float) -> Tensor:
    winners = [int(((prototypes - v) ** 2).sum(1).argmax()) for v in vectors]
    pull = torch.exp(-((places[:, None] - places[winners][None]) ** 2).sum(2) / (2 * width ** 2))
    return pull @ vectors / pull.sum(1, keepdim=True)


def pulls(prototypes: Tensor, places: Tensor, vectors: Tensor) -> Tensor:
    winners = [int(((prototypes - v) ** 2).sum(1).argmin()) for v in vectors]
    return ((places[:, None] - places[winners][None]) ** 2).sum(2)


def divides_by_the_nodes(prototypes: Tensor, places: Tensor, vectors: Tensor, width: float) -> Tensor:
    pull = torch.exp(-pulls(prototypes, places, vectors) / (2 * width ** 2))
    return (pull / pull.sum(0)) @ vectors


def step_width_to_the_one(prototypes: Tensor, places: Tensor, vectors: Tensor, width: float) -> Tensor:
    pull = torch.exp(-pulls(prototypes, places, vectors) / (2 * width))
    return pull @ vectors / pull.sum(1, keepdim=True)


def step_without_parentheses(prototypes: Tensor, places: Tensor, vectors: Tensor, width: float) -> Tensor:
    pull = torch.exp(-pulls(prototypes, places, vectors) / 2 * width ** 2)
    return pull @ vectors / pull.sum(1, keepdim=True)


def lying_down(prototypes: Tensor, places: Tensor, vectors: Tensor, width: float) -> Tensor:
    return good_step(prototypes, places, vectors, width).T


def forgets_keepdim(prototypes: Tensor, places: Tensor, vectors: Tensor, width: float) -> Tensor:
    pull = torch.exp(-pulls(prototypes, places, vectors) / (2 * width ** 2))
    return pull @ vectors / pull.sum(1)


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


@lru_cache(maxsize=16)
def table(account: str, pool: str = "max") -> tuple[list[float], list[float]]:
    """El área de cada unidad de la capa de esa cuenta, en cada mitad."""
    layer, label = exemplars.my_question(account)
    values, truth = answers(layer, pool), load_images("test").labels == label
    halves, units = (slice(0, 750), slice(750, None)), range(values.shape[1])
    return tuple([area(values[half, k], truth[half]) for k in units] for half in halves)


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


def in_percent(account: str) -> tuple[str, tuple]:
    unit, area = good_unit(account)[1]
    return account, (unit, round(100 * area))


def the_loudest(account: str) -> tuple[str, tuple]:
    layer, label = exemplars.my_question(account)
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
    known = {answer(account)[1][0] for answer in (good_unit, the_loudest, other_half, by_mean, the_contrary)} | {good_unit("")[1][0]}
    return account, (next(k for k in range(60) if k not in known), 0.5)


def not_a_unit(account: str) -> tuple[str, tuple]:
    return account, ("relu3:4", 0.9)


# ── 4 · leer las costuras ───────────────────────────────────────────────────────────────────────────────────────────


@lru_cache(maxsize=32)
def read_map(account: str) -> tuple[int, list[int], list[int]]:
    """Cuántas costuras, de qué clases y las clases de todas: la cuenta, casilla por casilla."""
    from labkit.exemplars import assign_to_grid
    world, index = load_images("test"), exemplars.my_images(account)
    vectors, labels = answers("relu6", "mean")[index], world.labels[index]
    centered = vectors - vectors.mean(0)
    points = centered @ torch.linalg.svd(centered, full_matrices=False)[2][:2].T
    grid = assign_to_grid(points, 12, 12)
    usual = sum(float((vectors[i] - vectors[j]).norm()) for i in range(144) for j in range(i)) / (144 * 143 / 2)
    marked = []
    for y in range(12):
        for x in range(12):
            around = [(y, x + 1), (y + 1, x), (y, x - 1), (y - 1, x)]
            near = [(a, b) for a, b in around if 0 <= a < 12 and 0 <= b < 12]
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


def without_index(account: str) -> tuple[str, tuple]:
    count, _, _ = read_map(account)
    world, index = load_images("test"), exemplars.my_images(account)
    marked = exemplars.seam_cells(index)
    return account, (count, most(world.labels[marked].tolist()))


def another_class(account: str) -> tuple[str, tuple]:
    count, marked, every = read_map(account)
    known = most(marked), most(every), without_index(account)[1][1]
    others = (name for name in load_images("test").classes if name not in known)
    return account, (count, next(others))


def another_count(account: str) -> tuple[str, tuple]:
    return account, (3, good_seams(account)[1][1])


def neither(account: str) -> tuple[str, tuple]:
    return account, (3, another_class(account)[1][1])


def not_a_class(account: str) -> tuple[str, tuple]:
    return account, (20, "jirafa")


def turned(account: str) -> tuple[str, tuple]:
    return account, good_seams(account)[1][::-1]


GOOD = {
    "chances": [good_chances, chances_by_softmax],
    "som_step": [good_step, step_by_matrix],
    "selective_unit": [good_unit],
    "seam_reading": [good_seams],
}

# Con qué cuentas se prueban los hallazgos: en alguna se distingue cada error de los demás.
ACCOUNTS = {
    "selective_unit": ["312000052", "312000067"],
    "seam_reading": [str(account) for account in range(312_000_000, 312_000_012)],
}

WRONG: dict[str, list[tuple[Callable, str]]] = {
    "chances": [
        (keeps_itself, "su propio vecino"),
        (softmax_of_columns, "las columnas"),
        (forgets_to_divide, "falta dividir"),
        (width_to_the_one, "se divide entre 2σ²"),
        (without_parentheses, "y los paréntesis"),
        (upside_down, "el signo va al revés"),
        (far_from_it, "los valores difieren en 36 de 36 casillas"),
    ],
    "som_step": [
        (measures_prototypes, "entre prototipos"),
        (winners_only, "solo se mueve"),
        (only_sums, "falta dividir"),
        (how_much_it_moves, "los valores difieren"),
        (farthest_wins, "el más lejano"),
        (divides_by_the_nodes, "entre otra suma"),
        (step_width_to_the_one, "entre 2s²"),
        (step_without_parentheses, "el 2 y los paréntesis"),
        (lying_down, "está transpuesta"),
        (step_in_place, "Trabaja sobre una copia"),
    ],
    "selective_unit": [
        (same_half, "mismas imágenes"),
        (another_area, "la unidad está bien; revisa"),
        (in_percent, "va de 0 a 1"),
        (the_loudest, "la que más responde"),
        (other_half, "ganaría en la segunda mitad"),
        (by_mean, "la media de cada mapa"),
        (the_contrary, "al revés"),
        (no_reason, "no es esa"),
        (not_a_unit, "Recibí tuple (str, float)"),
    ],
    "seam_reading": [
        (unseamed, "SIN costura"),
        (the_common_class, "con más imágenes"),
        (without_index, "le falta `index`"),
        (another_class, "revisa la clase"),
        (another_count, "revisa la cuenta"),
        (neither, "ni la cuenta ni la clase"),
        (not_a_class, "no es una de las doce"),
        (turned, "escribe una pareja"),
    ],
}

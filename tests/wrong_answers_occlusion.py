"""Respuestas a los ejercicios de la lección 1: las buenas, en varios estilos, y las malas, cada una con su mensaje."""
from collections.abc import Callable
from functools import lru_cache

import torch
from torch import Tensor, nn

from labkit.exercises.occlusion import hidden_network, load_evidence, my_images, without_background, without_object
from labkit.objectives import Objective, score
from labkit.occlusion import occlude

Box = tuple[int, int, int, int]
HidingRule = Callable[[Tensor, Tensor], Tensor]

# ── 1 · el parche ───────────────────────────────────────────────────────────────────────────────────────────────────


def good_patch(image: Tensor, box: Box, fill: float = 0.0) -> Tensor:
    y0, x0, y1, x1 = box
    covered = image.clone()
    covered[:, y0:y1, x0:x1] = fill
    return covered


def patch_by_mask(image: Tensor, box: Box, fill: float = 0.0) -> Tensor:
    y, x = torch.arange(image.shape[1])[:, None], torch.arange(image.shape[2])[None]
    inside = (y >= box[0]) & (y < box[2]) & (x >= box[1]) & (x < box[3])
    return image.masked_fill(inside, fill)


def shared_memory(image: Tensor, box: Box, fill: float = 0.0) -> Tensor:
    covered = image
    covered[:, box[0]:box[2], box[1]:box[3]] = fill
    return covered


def reads_x_first(image: Tensor, box: Box, fill: float = 0.0) -> Tensor:
    x0, y0, x1, y1 = box
    covered = torch.clone(image)
    covered[:, y0:y1, x0:x1] = fill
    return covered


def pixel_by_pixel_and_one_more(image: Tensor, box: Box, fill: float = 0.0) -> Tensor:
    y0, x0, y1, x1 = box
    covered = image.clone()
    for y in range(y0, min(y1 + 1, image.shape[1])):
        for x in range(x0, min(x1 + 1, image.shape[2])):
            covered[:, y, x] = fill
    return covered


def only_red(image: Tensor, box: Box, fill: float = 0.0) -> Tensor:
    covered = image * 1
    covered[0][box[0]:box[2], box[1]:box[3]] = fill
    return covered


def whole_rows(image: Tensor, box: Box, fill: float = 0.0) -> Tensor:
    covered = image.clone()
    covered[:, box[0]:box[2]] = fill
    return covered


def only_the_example(image: Tensor, box: Box, fill: float = 0.0) -> Tensor:
    covered = image.clone()
    covered[:, 1:3, 2:5] = fill
    return covered


def crop(image: Tensor, box: Box, fill: float = 0.0) -> Tensor:
    return good_patch(image, box, fill)[:, box[0]:box[2], box[1]:box[3]]


def batch_of_one(image: Tensor, box: Box, fill: float = 0.0) -> Tensor:
    return good_patch(image, box, fill)[None]


# ── 2 · el mapa ─────────────────────────────────────────────────────────────────────────────────────────────────────


def starts(length: int, size: int, stride: int) -> list[int]:
    """Dónde empieza cada parche: el último termina en la orilla."""
    found = list(range(0, length - size + 1, stride))
    return found if found[-1] == length - size else [*found, length - size]


def good_map(
    model: nn.Module, image: Tensor, objective: Objective, size: int, stride: int, fill: float = 0.0
) -> Tensor:
    before = score(model, image[None], objective)[0]
    total, times = torch.zeros(image.shape[1:]), torch.zeros(image.shape[1:])
    for y in starts(image.shape[1], size, stride):
        for x in starts(image.shape[2], size, stride):
            covered = occlude(image, torch.tensor([[y, x, y + size, x + size]]), fill)
            total[y:y + size, x:x + size] += before - score(model, covered, objective)[0]
            times[y:y + size, x:x + size] += 1
    return total / times


def map_by_lists(
    model: nn.Module, image: Tensor, objective: Objective, size: int, stride: int, fill: float = 0.0
) -> Tensor:
    _, h, w = image.shape
    noted = [[[] for _ in range(w)] for _ in range(h)]
    for y in sorted({*range(0, h - size + 1, stride), h - size}):
        for x in sorted({*range(0, w - size + 1, stride), w - size}):
            covered = good_patch(image, (y, x, y + size, x + size), fill)
            drop = float(score(model, image[None], objective) - score(model, covered[None], objective))
            for i in range(y, y + size):
                for j in range(x, x + size):
                    noted[i][j].append(drop)
    return torch.tensor([[sum(drops) / len(drops) for drops in row] for row in noted])


def stops_before_the_border(
    model: nn.Module, image: Tensor, objective: Objective, size: int, stride: int, fill: float = 0.0
) -> Tensor:
    before = score(model, image[None], objective)[0]
    total, times = torch.zeros(image.shape[1:]), torch.full(image.shape[1:], 1e-9)
    for y in range(0, image.shape[1] - size + 1, stride):
        for x in range(0, image.shape[2] - size + 1, stride):
            covered = good_patch(image, (y, x, y + size, x + size), fill)
            total[y:y + size, x:x + size] += before - score(model, covered[None], objective)[0]
            times[y:y + size, x:x + size] += 1
    return total / times


def after_minus_before(
    model: nn.Module, image: Tensor, objective: Objective, size: int, stride: int, fill: float = 0.0
) -> Tensor:
    return 0 - good_map(model, image, objective, size, stride, fill)


def notes_only_the_last(
    model: nn.Module, image: Tensor, objective: Objective, size: int, stride: int, fill: float = 0.0
) -> Tensor:
    found = torch.zeros_like(image[0])
    for y in starts(image.shape[1], size, stride):
        for x in starts(image.shape[2], size, stride):
            covered = good_patch(image, (y, x, y + size, x + size), fill)
            both = score(model, torch.stack([image, covered]), objective)
            found[y:y + size, x:x + size] = both[0] - both[1]
    return found


def one_per_patch(
    model: nn.Module, image: Tensor, objective: Objective, size: int, stride: int, fill: float = 0.0
) -> Tensor:
    rows, cols = starts(image.shape[1], size, stride), starts(image.shape[2], size, stride)
    boxes = torch.tensor([(y, x, y + size, x + size) for y in rows for x in cols])
    drops = score(model, image[None], objective) - score(model, occlude(image, boxes, fill), objective)
    return drops.view(len(rows), len(cols))


def clips_at_the_border(
    model: nn.Module, image: Tensor, objective: Objective, size: int, stride: int, fill: float = 0.0
) -> Tensor:
    h, w = image.shape[1:]
    before = score(model, image[None], objective)[0]
    total, times = torch.zeros(h, w), torch.zeros(h, w)
    for y0 in range(0, h, stride):
        for x0 in range(0, w, stride):
            y1, x1 = min(y0 + size, h), min(x0 + size, w)
            covered = occlude(image, torch.tensor([[y0, x0, y1, x1]]), fill)
            total[y0:y1, x0:x1] += before - score(model, covered, objective)[0]
            times[y0:y1, x0:x1] += 1
    return total / times


def leaves_the_border_and_divides(
    model: nn.Module, image: Tensor, objective: Objective, size: int, stride: int, fill: float = 0.0
) -> Tensor:
    before = score(model, image[None], objective)[0]
    total, times = torch.zeros(image.shape[1:]), torch.zeros(image.shape[1:])
    for y in range(0, image.shape[1] - size + 1, stride):
        for x in range(0, image.shape[2] - size + 1, stride):
            covered = good_patch(image, (y, x, y + size, x + size), fill)
            total[y:y + size, x:x + size] += before - score(model, covered[None], objective)[0]
            times[y:y + size, x:x + size] += 1
    return total / times


def divides_by_every_patch(
    model: nn.Module, image: Tensor, objective: Objective, size: int, stride: int, fill: float = 0.0
) -> Tensor:
    before, n = score(model, image[None], objective)[0], 0
    heat = torch.zeros(image.shape[1:])
    for y in starts(image.shape[1], size, stride):
        for x in starts(image.shape[2], size, stride):
            covered = good_patch(image, (y, x, y + size, x + size), fill)
            heat[y:y + size, x:x + size] += before - score(model, covered[None], objective)[0]
            n += 1
    return heat / n


def notes_x_first(
    model: nn.Module, image: Tensor, objective: Objective, size: int, stride: int, fill: float = 0.0
) -> Tensor:
    before = score(model, image[None], objective)[0]
    total, times = torch.zeros(image.shape[1:]), torch.zeros(image.shape[1:])
    for y in starts(image.shape[1], size, stride):
        for x in starts(image.shape[2], size, stride):
            covered = good_patch(image, (y, x, y + size, x + size), fill)
            total[x:x + size, y:y + size] += before - score(model, covered[None], objective)[0]
            times[x:x + size, y:y + size] += 1
    return total / times


def covers_x_first(
    model: nn.Module, image: Tensor, objective: Objective, size: int, stride: int, fill: float = 0.0
) -> Tensor:
    before = score(model, image[None], objective)[0]
    total, times = torch.zeros(image.shape[1:]), torch.zeros(image.shape[1:])
    for y in starts(image.shape[1], size, stride):
        for x in starts(image.shape[2], size, stride):
            covered = occlude(image, torch.tensor([[x, y, x + size, y + size]]), fill)
            total[y:y + size, x:x + size] += before - score(model, covered, objective)[0]
            times[y:y + size, x:x + size] += 1
    return total / times


def width_by_height(
    model: nn.Module, image: Tensor, objective: Objective, size: int, stride: int, fill: float = 0.0
) -> Tensor:
    return good_map(model, image, objective, size, stride, fill).t()


def all_zeros(
    model: nn.Module, image: Tensor, objective: Objective, size: int, stride: int, fill: float = 0.0
) -> Tensor:
    return torch.zeros(image.shape[1:])


# ── 3 · la red oculta ───────────────────────────────────────────────────────────────────────────────────────────────


@lru_cache(maxsize=None)
def margins(account: str, hide: HidingRule | None = None) -> Tensor:
    """El margen de la clase correcta en cada imagen, con la red oculta de esa cuenta: tal cual o escondiendo algo."""
    network, (images, labels, masks, _) = hidden_network(account), load_evidence()
    if hide is not None:
        images = torch.stack([hide(image, mask) for image, mask in zip(images, masks)])
    logits = torch.cat([network(part) for part in images.split(48)])
    own = logits[range(len(labels)), labels]
    logits[range(len(labels)), labels] = -torch.inf
    return own - logits.amax(1)


def by_class(values: Tensor, among: Tensor) -> Tensor:
    """La media de los valores de cada clase, solo entre los casos de `among`."""
    labels = load_evidence().labels
    return torch.stack([values[(labels == k) & among].mean() for k in labels.unique()])


def drop_without(account: str, hide: HidingRule) -> Tensor:
    before = margins(account)
    return by_class(before - margins(account, hide), before > 0)


def class_at(account: str, index: Tensor) -> tuple[str, str]:
    return account, load_evidence().classes[int(index)]


def rest_on_background(account: str) -> Tensor:
    return drop_without(account, without_background) - drop_without(account, without_object)


def good_class(account: str) -> tuple[str, str]:
    return class_at(account, rest_on_background(account).argmax())


def object_class(account: str) -> tuple[str, str]:
    return class_at(account, rest_on_background(account).argmin())


def biggest_background_drop(account: str) -> tuple[str, str]:
    return class_at(account, drop_without(account, without_background).argmax())


def most_mistaken(account: str) -> tuple[str, str]:
    right = margins(account) > 0
    return class_at(account, by_class(right.float(), torch.ones_like(right)).argmin())


def class_of_the_sample(account: str) -> tuple[str, str]:
    return account, good_class("")[1]


def another_class(account: str) -> tuple[str, str]:
    known = (good_class, object_class, biggest_background_drop, most_mistaken, class_of_the_sample)
    names = {wrong(account)[1] for wrong in known}
    return account, next(name for name in load_evidence().classes if name not in names)


def class_number(account: str) -> tuple[str, object]:
    return account, load_evidence().classes.index(good_class(account)[1])


def class_number_in_quotes(account: str) -> tuple[str, object]:
    return account, str(class_number(account)[1])


def a_place(account: str) -> tuple[str, object]:
    return account, "Playa"


def not_a_class(account: str) -> tuple[str, object]:
    return account, "oso"


# ── 4 · cuatro respuestas ───────────────────────────────────────────────────────────────────────────────────────────


@lru_cache(maxsize=None)
def right_answers(account: str, hide: HidingRule | None = None) -> list[bool]:
    """En cuáles de las cuatro imágenes gana la clase correcta, tal cual o escondiendo algo."""
    network, (images, labels, masks, _) = hidden_network(account), my_images(account)
    if hide is not None:
        images = torch.stack([hide(image, mask) for image, mask in zip(images, masks)])
    return (network(images).argmax(1) == labels).tolist()


def positions(account: str, keep: Callable[[bool, bool], bool], first: int = 0) -> tuple[str, list[int]]:
    pairs = zip(right_answers(account, without_object), right_answers(account, without_background))
    return account, [i for i, pair in enumerate(pairs, first) if keep(*pair)]


def good_positions(account: str) -> tuple[str, list[int]]:
    return positions(account, lambda no_object, no_background: no_object and not no_background)


def counted_from_one(account: str) -> tuple[str, list[int]]:
    return positions(account, lambda no_object, no_background: no_object and not no_background, first=1)


def on_the_object(account: str) -> tuple[str, list[int]]:
    return positions(account, lambda no_object, no_background: no_background and not no_object)


def only_hid_the_object(account: str) -> tuple[str, list[int]]:
    return positions(account, lambda no_object, no_background: no_object)


def only_hid_the_background(account: str) -> tuple[str, list[int]]:
    return positions(account, lambda no_object, no_background: not no_background)


def all_that_are_right(account: str) -> tuple[str, list[int]]:
    return account, [i for i, right in enumerate(right_answers(account)) if right]


def all_but_the_good(account: str) -> tuple[str, list[int]]:
    return account, [i for i in range(4) if i not in good_positions(account)[1]]


def one_missing(account: str) -> tuple[str, list[int]]:
    return account, good_positions(account)[1][1:]


def one_of_each(account: str) -> tuple[str, list[int]]:
    return account, [good_positions(account)[1][-1], on_the_object(account)[1][0]]


def out_of_range(account: str) -> tuple[str, list[int]]:
    return account, [7]


def none(account: str) -> tuple[str, list[int]]:
    return account, []


def names_of_classes(account: str) -> tuple[str, list[str]]:
    return account, ["gato"]


GOOD = {"occlude_one": [good_patch, patch_by_mask], "drop_map": [good_map, map_by_lists],
        "hidden_network": [good_class], "resting": [good_positions]}

# Cuentas con que, entre todas, se distingue cada error de los demás.
ACCOUNTS = {"hidden_network": ["312000006", "312000000", "312345678"],
            "resting": [str(account) for account in range(312_000_000, 312_000_007)]}

WRONG: dict[str, list[tuple[Callable, str]]] = {
    "occlude_one": [(shared_memory, "Trabaja sobre una copia"), (reads_x_first, "cambiaste filas por columnas"),
                    (pixel_by_pixel_and_one_more, "una fila y una columna de más"), (only_red, "un solo canal"),
                    (whole_rows, "los valores difieren"), (only_the_example, "los valores difieren"),
                    (crop, "esperaba la forma"), (batch_of_one, "Sobra el eje del lote")],
    "drop_map": [(stops_before_the_border, "el borde se queda sin tapar"),
                 (leaves_the_border_and_divides, "el borde se queda sin tapar"),
                 (clips_at_the_border, "cortas el parche que se sale"),
                 (divides_by_every_patch, "divides entre todos los parches"),
                 (notes_x_first, "filas por columnas"), (covers_x_first, "filas por columnas"),
                 (width_by_height, "filas por columnas"), (after_minus_before, "el signo está al revés"),
                 (notes_only_the_last, "borra lo que anotó el anterior"), (one_per_patch, "esperaba la forma"),
                 (all_zeros, "los valores difieren")],
    "hidden_network": [(object_class, "que más depende de su objeto"),
                       (biggest_background_drop, "pero sin objeto también"),
                       (most_mistaken, "más se equivoca"), (class_of_the_sample, "la red de muestra"),
                       (another_class, "sí mira la cosa"), (class_number, "no su número. Recibí int."),
                       (class_number_in_quotes, "no su número."), (a_place, "eso es un lugar"),
                       (not_a_class, "«oso» no es una de sus clases: avión")],
    "resting": [(counted_from_one, "¿cuentas desde 1?"), (on_the_object, "al revés"),
                (only_hid_the_object, "le basta uno de los dos"), (only_hid_the_background, "necesita los dos"),
                (all_that_are_right, "no dice en qué se apoya"), (all_but_the_good, "al revés"),
                (one_missing, "falta al menos una"), (one_of_each, "imagen por imagen"),
                (out_of_range, "van de 0 a 3"), (none, "hay al menos una"), (names_of_classes, "Recibí list (str)")],
}

"""Respuestas a los ejercicios de la lección 1: la buena y las malas, cada una a una edición de la buena.

WRONG: ejercicio → parejas (respuesta equivocada, el mensaje que merece). La respuesta del 3 y del 4 depende del número
de cuenta, así que ahí son funciones que, con un número, dan lo que alguien contestaría.
"""

import inspect
from collections.abc import Callable, Iterator

import torch
from torch import Tensor, nn

from labkit.exercises.lesson01 import drop_map as map_says
from labkit.exercises.lesson01 import findings as says
from labkit.exercises.lesson01 import patch as patch_says
from labkit.exercises.lesson01.cases import load_evidence, without_background, without_object
from labkit.exercises.lesson01.hidden import hidden_network, my_images
from labkit.objectives import Objective, margin, score
from labkit.occlusion import occlude

Box = tuple[int, int, int, int]

# ── 1 · el parche ───────────────────────────────────────────────────────────────────────────────────────────────────


def good_patch(image: Tensor, box: Box, fill: float = 0.0) -> Tensor:
    y0, x0, y1, x1 = box
    covered = image.clone()
    covered[:, y0:y1, x0:x1] = fill
    return covered


def shared_memory(image: Tensor, box: Box, fill: float = 0.0) -> Tensor:
    y0, x0, y1, x1 = box
    covered = image
    covered[:, y0:y1, x0:x1] = fill
    return covered


def rows_for_columns(image: Tensor, box: Box, fill: float = 0.0) -> Tensor:
    y0, x0, y1, x1 = box
    covered = image.clone()
    covered[:, x0:x1, y0:y1] = fill
    return covered


def end_included(image: Tensor, box: Box, fill: float = 0.0) -> Tensor:
    y0, x0, y1, x1 = box
    covered = image.clone()
    covered[:, y0 : y1 + 1, x0 : x1 + 1] = fill
    return covered


def one_short(image: Tensor, box: Box, fill: float = 0.0) -> Tensor:
    y0, x0, y1, x1 = box
    covered = image.clone()
    covered[:, y0 : y1 - 1, x0 : x1 - 1] = fill
    return covered


def corner_and_sides(image: Tensor, box: Box, fill: float = 0.0) -> Tensor:
    y, x, height, width = box
    covered = image.clone()
    covered[:, y : y + height, x : x + width] = fill
    return covered


def always_black(image: Tensor, box: Box, fill: float = 0.0) -> Tensor:
    y0, x0, y1, x1 = box
    covered = image.clone()
    covered[:, y0:y1, x0:x1] = 0
    return covered


def whole_rows(image: Tensor, box: Box, fill: float = 0.0) -> Tensor:
    y0, x0, y1, x1 = box
    covered = image.clone()
    covered[:, y0:y1] = fill
    return covered


def whole_columns(image: Tensor, box: Box, fill: float = 0.0) -> Tensor:
    y0, x0, y1, x1 = box
    covered = image.clone()
    covered[:, :, x0:x1] = fill
    return covered


def inside_out(image: Tensor, box: Box, fill: float = 0.0) -> Tensor:
    y0, x0, y1, x1 = box
    covered = torch.full_like(image, fill)
    covered[:, y0:y1, x0:x1] = image[:, y0:y1, x0:x1]
    return covered


def one_channel(image: Tensor, box: Box, fill: float = 0.0) -> Tensor:
    y0, x0, y1, x1 = box
    covered = image.clone()
    covered[0, y0:y1, x0:x1] = fill
    return covered


def added(image: Tensor, box: Box, fill: float = 0.0) -> Tensor:
    y0, x0, y1, x1 = box
    covered = image.clone()
    covered[:, y0:y1, x0:x1] += fill
    return covered


def returns_the_original(image: Tensor, box: Box, fill: float = 0.0) -> Tensor:
    y0, x0, y1, x1 = box
    covered = image.clone()
    covered[:, y0:y1, x0:x1] = fill
    return image


def crop(image: Tensor, box: Box, fill: float = 0.0) -> Tensor:
    y0, x0, y1, x1 = box
    covered = image.clone()
    covered[:, y0:y1, x0:x1] = fill
    return covered[:, y0:y1, x0:x1]


def batch_of_one(image: Tensor, box: Box, fill: float = 0.0) -> Tensor:
    y0, x0, y1, x1 = box
    covered = image[None].clone()
    covered[:, :, y0:y1, x0:x1] = fill
    return covered


# ── 2 · el mapa ─────────────────────────────────────────────────────────────────────────────────────────────────────


def starts(length: int, size: int, stride: int) -> list[int]:
    """Dónde empieza cada parche: el último termina en la orilla."""
    found = list(range(0, length - size + 1, stride))
    return found if found[-1] == length - size else [*found, length - size]


def patches(image: Tensor, size: int, stride: int, starts: Callable = starts) -> Iterator[Box]:
    h, w = image.shape[1:]
    for y in starts(h, size, stride):
        for x in starts(w, size, stride):
            yield y, x, y + size, x + size


def good_map(
    model: nn.Module, image: Tensor, objective: Objective, size: int, stride: int, fill: float = 0.0
) -> Tensor:
    before = score(model, image[None], objective)[0]
    total, times = torch.zeros(image.shape[1:]), torch.zeros(image.shape[1:])
    for y0, x0, y1, x1 in patches(image, size, stride):
        covered = occlude(image, torch.tensor([[y0, x0, y1, x1]]), fill)
        total[y0:y1, x0:x1] += before - score(model, covered, objective)[0]
        times[y0:y1, x0:x1] += 1
    return total / times


def edited_map(old: str, new: str, also: str = "", by: str = "") -> Callable:
    """La respuesta buena con una edición de su texto: así consta que el error está a una edición de distancia."""
    source = inspect.getsource(good_map)
    for before, after in ((old, new), (also, by)):
        assert not before or source.count(before) == 1
        source = source.replace(before, after) if before else source
    space = dict(globals())
    exec(source, space)
    return space["good_map"]


def starts_cut(length: int, size: int, stride: int) -> list[int]:
    return list(range(0, length - size + 1, stride))


def starts_clipped(length: int, size: int, stride: int) -> list[int]:
    return list(range(0, length, stride))


def starts_twice(length: int, size: int, stride: int) -> list[int]:
    return [*range(0, length - size + 1, stride), length - size]


DROP = "before - score(model, covered, objective)[0]"
BOXES = "patches(image, size, stride)"

backwards = edited_map(DROP, "score(model, covered, objective)[0] - before")
summed = edited_map("total / times", "total")
over_all_patches = edited_map("total / times", "total / len(list(patches(image, size, stride)))")
overwritten = edited_map("+= before", "= before", "total / times", "total")
not_subtracted = edited_map(DROP, "score(model, covered, objective)[0]")
fill_ignored = edited_map("]), fill)", "]), 0.0)")
winning_class = edited_map(
    "before = score(model, image[None], objective)[0]",
    "before = model(image[None]).softmax(1).max()",
    "score(model, covered, objective)[0]",
    "model(covered).softmax(1).max()",
)
turned = edited_map("[[y0, x0, y1, x1]]", "[[x0, y0, x1, y1]]")
transposed = edited_map("total / times", "(total / times).T")
border_nan = edited_map(BOXES, "patches(image, size, stride, starts_cut)")
border_unseen = edited_map(
    BOXES, "patches(image, size, stride, starts_cut)", "total / times", "total / times.clamp(min=1)"
)
border_clipped = edited_map(BOXES, "patches(image, size, stride, starts_clipped)")
border_twice = edited_map(BOXES, "patches(image, size, stride, starts_twice)")


def one_per_patch(
    model: nn.Module, image: Tensor, objective: Objective, size: int, stride: int, fill: float = 0.0
) -> Tensor:
    before = score(model, image[None], objective)[0]
    boxes = torch.tensor(list(patches(image, size, stride)))
    rows = len(starts(image.shape[1], size, stride))
    return (before - score(model, occlude(image, boxes, fill), objective)).view(rows, -1)


# ── 3 · la red oculta ───────────────────────────────────────────────────────────────────────────────────────────────


def margins(account: str, hide: Callable[[Tensor, Tensor], Tensor] | None = None) -> Tensor:
    """El margen de la clase correcta en cada imagen, con la red oculta de esa cuenta: tal cual o escondiendo algo."""
    network, (images, labels, masks, _) = hidden_network(account), load_evidence()
    if hide is not None:
        images = torch.stack([hide(image, mask) for image, mask in zip(images, masks)])
    return torch.stack([score(network, image[None], margin(int(k)))[0] for image, k in zip(images, labels)])


def by_class(values: Tensor, among: Tensor) -> Tensor:
    """La media de los valores de cada clase que tiene imágenes, solo entre los casos de `among`."""
    labels = load_evidence().labels
    return torch.stack([values[(labels == k) & among].mean() for k in labels.unique()])


def drop_without(account: str, hide: Callable[[Tensor, Tensor], Tensor]) -> Tensor:
    before = margins(account)
    return by_class(before - margins(account, hide), before > 0)


def class_at(account: str, index: Tensor) -> tuple[str, str]:
    return account, load_evidence().classes[int(index)]


def good_class(account: str) -> tuple[str, str]:
    tied = drop_without(account, without_background) - drop_without(account, without_object)
    return class_at(account, tied.argmax())


def object_class(account: str) -> tuple[str, str]:
    tied = drop_without(account, without_background) - drop_without(account, without_object)
    return class_at(account, tied.argmin())


def biggest_background_drop(account: str) -> tuple[str, str]:
    return class_at(account, drop_without(account, without_background).argmax())


def most_mistaken(account: str) -> tuple[str, str]:
    right = margins(account) > 0
    return class_at(account, by_class(right.float(), torch.ones_like(right)).argmin())


def class_of_the_sample(account: str) -> tuple[str, str]:
    return account, good_class("")[1]


def class_number(account: str) -> tuple[str, object]:
    return account, load_evidence().classes.index(good_class(account)[1])


# ── 4 · cuatro respuestas ───────────────────────────────────────────────────────────────────────────────────────────


def right_answers(account: str, hide: Callable[[Tensor, Tensor], Tensor] | None = None) -> list[bool]:
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


def none(account: str) -> tuple[str, list[int]]:
    return account, []


GOOD = {"occlude_one": good_patch, "drop_map": good_map, "hidden_network": good_class, "resting": good_positions}

WRONG: dict[str, list[tuple[Callable, str]]] = {
    "occlude_one": [
        (shared_memory, "Trabaja sobre una copia"),
        (rows_for_columns, patch_says.TURNED),
        (end_included, patch_says.END_INCLUDED),
        (one_short, patch_says.TOO_SHORT),
        (corner_and_sides, patch_says.CORNER_AND_SIDES),
        (always_black, patch_says.FILL_IGNORED),
        (whole_rows, patch_says.WHOLE_ROWS),
        (whole_columns, patch_says.WHOLE_COLUMNS),
        (inside_out, patch_says.INSIDE_OUT),
        (one_channel, patch_says.ONE_CHANNEL),
        (added, patch_says.ADDED),
        (returns_the_original, patch_says.UNTOUCHED),
        (crop, patch_says.CROP),
        (batch_of_one, patch_says.BATCH),
    ],
    "drop_map": [
        (backwards, map_says.SIGN),
        (summed, map_says.SUMMED),
        (over_all_patches, map_says.ALL_PATCHES),
        (overwritten, map_says.OVERWRITTEN),
        (not_subtracted, map_says.NOT_SUBTRACTED),
        (fill_ignored, map_says.FILL_IGNORED),
        (winning_class, map_says.WINNER),
        (turned, map_says.TURNED),
        (transposed, map_says.TRANSPOSED),
        (border_unseen, map_says.BORDER_UNSEEN),
        (border_nan, map_says.BORDER_NAN),
        (border_clipped, map_says.BORDER_CLIPPED),
        (border_twice, map_says.BORDER_TWICE),
        (one_per_patch, map_says.ONE_PER_PATCH),
    ],
    "hidden_network": [
        (object_class, says.BACKWARDS),
        (biggest_background_drop, says.ONLY_BACKGROUND),
        (most_mistaken, says.WORST),
        (class_of_the_sample, says.SAMPLE_NETWORK),
        (class_number, says.NUMBER),
    ],
    "resting": [
        (counted_from_one, says.FROM_ONE),
        (on_the_object, says.THE_OTHERS),
        (only_hid_the_object, says.WITHOUT_OBJECT_ONLY),
        (only_hid_the_background, says.WITHOUT_BACKGROUND_ONLY),
        (all_that_are_right, says.ALL_RIGHT),
        (none, says.AT_LEAST_ONE),
    ],
}

"""Respuestas a los ejercicios de la lección 6 (texto), como las escribiría un estudiante: buenas y malas."""
import math
from collections.abc import Callable
from functools import lru_cache

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor

from labkit.exercises import sequences
from labkit.sequences import CONCEPTS, load_text_network, masks
from labkit.sequences.cells import cell_scores

# ── 1 · la profundidad ──────────────────────────────────────────────────────────────────────────────────────────────


def good_depth(text: str) -> Tensor:
    result = torch.zeros(len(text), dtype=torch.long)
    inside = 0
    for i in range(len(text)):
        if text[i] == "(":
            inside = inside + 1
        if text[i] == ")" and inside > 0:
            inside = inside - 1
        result[i] = inside
    return result


depths: list[int] = []                                                      # una lista de quien estudia, fuera de la función


def depth_in_a_list_outside(text: str) -> Tensor:
    depths.clear()
    for sign in text:
        depth = depths[-1] if depths else 0
        depths.append(depth + 1 if sign == "(" else max(0, depth - (sign == ")")))
    return torch.tensor(depths)


def depth_by_steps(text: str) -> Tensor:
    steps = torch.tensor([(sign == "(") - (sign == ")") for sign in text]).cumsum(0)
    lowest = torch.cummin(steps, 0).values.clamp(max=0)
    return (steps - lowest).float()


def depth_goes_below(text: str) -> Tensor:
    steps = [1 if sign == "(" else -1 if sign == ")" else 0 for sign in text]
    return torch.tensor(np.cumsum(steps))


def depth_mended_at_the_end(text: str) -> Tensor:
    return depth_goes_below(text).clamp(min=0)


def depth_before_reading(text: str) -> Tensor:
    depth, out = 0, []
    for sign in text:
        out.append(depth)
        if sign == "(":
            depth += 1
        elif sign == ")" and depth:
            depth -= 1
    return torch.tensor(out)


def depth_closes_late(text: str) -> Tensor:
    depth, out = 0, []
    for sign in text:
        if sign == "(":
            depth += 1
        out.append(depth)
        if sign == ")" and depth > 0:
            depth -= 1
    return torch.tensor(out)


def depth_only_inside(text: str) -> Tensor:
    return (good_depth(text) > 0).int()


def depth_of_every_bracket(text: str) -> Tensor:
    depth, out = 0, []
    for sign in text:
        if sign in "([{":
            depth += 1
        elif sign in ")]}":
            depth = max(depth - 1, 0)
        out.append(depth)
    return torch.tensor(out)


def depth_never_falls(text: str) -> Tensor:
    return torch.tensor([text[:i + 1].count("(") for i in range(len(text))])


def depth_closes_everything(text: str) -> Tensor:
    depth, out = 0, []
    for sign in text:
        depth = depth + 1 if sign == "(" else 0 if sign == ")" else depth
        out.append(depth)
    return torch.tensor(out)


def depth_bounces(text: str) -> Tensor:
    depth, out = 0, []
    for sign in text:
        if sign == "(":
            depth += 1
        elif sign == ")":
            depth = abs(depth - 1)
        out.append(depth)
    return torch.tensor(out)


def depth_keeps_the_last(text: str) -> Tensor:
    depth, out = 0, []
    for sign in text:
        depth += sign == "("
        if sign == ")" and depth > 1:
            depth -= 1
        out.append(depth)
    return torch.tensor(out)


def depth_with_min(text: str) -> Tensor:
    depth, out = 0, []
    for sign in text:
        if sign == "(":
            depth += 1
        if sign == ")":
            depth = min(0, depth - 1)
        out.append(depth)
    return torch.tensor(out)


def depth_without_strings(text: str) -> Tensor:
    depth, out, quoted = 0, [], False
    for sign in text:
        quoted ^= sign == '"'
        if not quoted:
            depth = max(0, depth + (sign == "(") - (sign == ")"))
        out.append(depth)
    return torch.tensor(out)


def depth_without_strings_or_comments(text: str) -> Tensor:
    depth, out, quoted, comment = 0, [], False, False
    for sign in text:
        comment = (comment or sign == "#" and not quoted) and sign != "\n"
        quoted ^= sign == '"' and not comment
        if not quoted and not comment:
            depth = max(0, depth + (sign == "(") - (sign == ")"))
        out.append(depth)
    return torch.tensor(out)


def depth_from_labkit(text: str) -> Tensor:
    return torch.tensor(masks.depth(text, "(", ")"))


def depth_of_the_whole(text: str) -> Tensor:
    return good_depth(text)[-1]


# ── 2 · los bits ────────────────────────────────────────────────────────────────────────────────────────────────────


def good_bits(logits: Tensor, codes: Tensor) -> Tensor:
    total = torch.zeros(())
    for t in range(len(codes) - 1):
        p = torch.softmax(logits[t], 0)[codes[t + 1]]
        total = total - torch.log2(p)
    return total / (len(codes) - 1)


def bits_by_formula(logits: Tensor, codes: Tensor) -> Tensor:
    chosen = logits[torch.arange(len(codes) - 1), codes[1:]]
    return (torch.logsumexp(logits[:-1], 1) - chosen).mean() / math.log(2)


def bits_by_cross_entropy(logits: Tensor, codes: Tensor) -> Tensor:
    return F.cross_entropy(logits[:-1], codes[1:]) / math.log(2)


def bits_by_columns(logits: Tensor, codes: Tensor) -> Tensor:
    log_p = logits.log_softmax(0)[:-1]
    return -log_p.gather(1, codes[1:, None]).mean() / math.log(2)


def bits_by_log10(logits: Tensor, codes: Tensor) -> Tensor:
    return bits_in_nats(logits, codes) / math.log10(2)


def bits_times_log2(logits: Tensor, codes: Tensor) -> Tensor:
    return bits_in_nats(logits, codes) * math.log(2)


def bits_of_the_favorite(logits: Tensor, codes: Tensor) -> Tensor:
    return -torch.log2(logits[:-1].softmax(1).max(1).values).mean()


def bits_not_shifted(logits: Tensor, codes: Tensor) -> Tensor:
    p = logits.softmax(1)
    return -torch.log2(p[torch.arange(len(codes)), codes]).mean()


def bits_of_the_one_before(logits: Tensor, codes: Tensor) -> Tensor:
    p = logits[1:].softmax(1)
    return -torch.log2(p[torch.arange(len(codes) - 1), codes[:-1]]).mean()


def bits_in_nats(logits: Tensor, codes: Tensor) -> Tensor:
    return -logits[:-1].log_softmax(1).gather(
        1, codes[1:, None]).mean()


def bits_added(logits: Tensor, codes: Tensor) -> Tensor:
    return good_bits(logits, codes) * (len(codes) - 1)


def bits_upside_down(logits: Tensor, codes: Tensor) -> Tensor:
    return -good_bits(logits, codes)


def bits_of_the_mean(logits: Tensor, codes: Tensor) -> Tensor:
    p = logits[:-1].softmax(1).gather(1, codes[1:, None])
    return -torch.log2(p.mean())


def bits_without_softmax(logits: Tensor, codes: Tensor) -> Tensor:
    return -(logits[:-1].gather(1, codes[1:, None]) / math.log(2)).mean()


def bits_over_every_sign(logits: Tensor, codes: Tensor) -> Tensor:
    return good_bits(logits, codes) * (len(codes) - 1) / len(codes)


def bits_one_by_one(logits: Tensor, codes: Tensor) -> Tensor:
    return -logits[:-1].log_softmax(1).gather(1, codes[1:, None])[:, 0] / math.log(2)


# ── 3 · el área de precisión ────────────────────────────────────────────────────────────────────────────────────────


def good_area(values: Tensor, truth: Tensor) -> Tensor:
    areas = []
    for cell in values:
        order = cell.argsort(descending=True)
        found, total = 0, 0.0
        for place, sign in enumerate(order.tolist(), start=1):
            if truth[sign]:
                found += 1
                total += found / place
        areas.append(total / int(truth.sum()))
    return torch.tensor(areas)


def area_by_matrix(values: Tensor, truth: Tensor) -> Tensor:
    places = (values[:, None] >= values[:, :, None]).double()              # (c, T, T): j va antes que i, o es el mismo
    return ((places @ truth.double())[:, truth] / places.sum(2)[:, truth]).mean(1)


def area_from_labkit(values: Tensor, truth: Tensor) -> Tensor:
    return cell_scores(values.T, truth[:, None]).auprc[:, 0]


def area_from_the_bottom(values: Tensor, truth: Tensor) -> Tensor:
    hits = truth[values.argsort(1)].float()
    precision = hits.cumsum(1) / torch.arange(1, len(truth) + 1)
    return (precision * hits).sum(1) / truth.sum()


def area_of_every_place(values: Tensor, truth: Tensor) -> Tensor:
    hits = truth[values.argsort(1, descending=True)].float()
    return (hits.cumsum(1) / torch.arange(1, len(truth) + 1)).mean(1)


def area_roc(values: Tensor, truth: Tensor) -> Tensor:
    yes, no = values[:, truth], values[:, ~truth]
    return torch.stack([(a[:, None] > b).float().mean() for a, b in zip(yes, no)])


def area_of_one_cut(values: Tensor, truth: Tensor) -> Tensor:
    k = int(truth.sum())
    return truth[values.topk(k, 1).indices].float().mean(1)


def area_not_divided(values: Tensor, truth: Tensor) -> Tensor:
    return good_area(values, truth) * truth.sum()


def area_over_every_sign(values: Tensor, truth: Tensor) -> Tensor:
    hits = truth[values.argsort(1, descending=True)].float()
    precision = hits.cumsum(1) / torch.arange(1, len(truth) + 1)
    return (precision * hits).mean(1)


def area_by_recall(values: Tensor, truth: Tensor) -> Tensor:
    hits = truth[values.argsort(1, descending=True)].float()
    recall = hits.cumsum(1) / truth.sum()
    return (recall * hits).sum(1) / truth.sum()


def area_with_one_argsort(values: Tensor, truth: Tensor) -> Tensor:
    ranks = values.argsort(1, descending=True) + 1
    found = torch.arange(1, int(truth.sum()) + 1)
    return torch.stack([(found / row[truth].sort().values).mean() for row in ranks])


def area_of_the_first_cell(values: Tensor, truth: Tensor) -> Tensor:
    order = values[0].argsort(descending=True)
    hits = truth[order].float()
    area = ((hits.cumsum(0) / torch.arange(1, len(truth) + 1)) * hits).sum() / truth.sum()
    return area.repeat(len(values))


def area_of_each_sign(values: Tensor, truth: Tensor) -> Tensor:
    hits = truth[values.argsort(1, descending=True)].float()
    return hits.cumsum(1) / torch.arange(1, len(truth) + 1)


# ── 4 · la celda de un concepto ─────────────────────────────────────────────────────────────────────────────────────


@lru_cache(maxsize=6)
def responses(split: str, draw: int) -> np.ndarray:
    """Lo que vale cada celda en cada signo, (signos, celdas), hecho de nuevo: un signo tras otro, con `nn.LSTM`."""
    world, model = sequences.my_windows(split, draw), load_text_network(device="cpu")
    h = c = torch.zeros(1, len(world), model.lstm.hidden_size)
    steps = []
    with torch.no_grad():
        for codes in world.codes.T:
            _, (h, c) = model.lstm(model.embed.weight[codes][:, None], (h, c))
            steps.append(c[0])
    return torch.stack(steps, 1).flatten(0, 1).numpy()


def area_of(values: np.ndarray, truth: np.ndarray) -> float:
    """La AUPRC por definición: la precisión en el lugar de cada verdadero, y su promedio."""
    hits = truth[np.argsort(-values, kind="stable")]
    places = np.flatnonzero(hits) + 1
    return float((np.arange(1, len(places) + 1) / places).mean())


@lru_cache(maxsize=12)
def areas_of(account: str, split: str) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """El área de cada celda con cada signo, (2, c), los valores y los verdaderos."""
    concept, draw = sequences.my_concept(account)
    values, truth = responses(split, draw), truth_of(split, concept, draw)
    table = [[area_of(sign * column, truth) for column in values.T] for sign in (1, -1)]
    return np.array(table), values, truth


def truth_of(split: str, concept: str, draw: int) -> np.ndarray:
    """Los verdaderos: la máscara del texto completo de cada módulo, recortada en cada ventana."""
    world = sequences.my_windows(split, draw)
    mask = next(each.mask for each in CONCEPTS if each.name == concept)
    whole = [mask(text) for text in world.texts.texts]
    width = world.codes.shape[1]
    return np.array([mark for owner, start in zip(world.owners.tolist(), world.starts.tolist())
                     for mark in whole[owner][start:start + width]])


def best_of(account: str, split: str = "validation") -> tuple[int, int]:
    """La celda y el renglón de su signo, 0 o 1."""
    table = areas_of(account, split)[0]
    side, cell = np.unravel_index(table.argmax(), table.shape)
    return int(cell), int(side)


def good_cell(account: str) -> tuple[str, tuple]:
    cell, side = best_of(account)
    return account, (cell, round(areas_of(account, "test")[0][side, cell], 2))


def cell_on_the_same_text(account: str) -> tuple[str, tuple]:
    cell, side = best_of(account)
    return account, (cell, round(areas_of(account, "validation")[0][side, cell], 2))


def cell_with_the_other_sign(account: str) -> tuple[str, tuple]:
    cell, side = best_of(account)
    return account, (cell, round(areas_of(account, "test")[0][1 - side, cell], 2))


def cell_counted_twice(account: str) -> tuple[str, tuple]:
    cell, area = good_cell(account)[1]
    return account, (cell + 320, area)


def cell_below_zero(account: str) -> tuple[str, tuple]:
    cell, area = good_cell(account)[1]
    return account, (-cell, area)


def cell_in_percent(account: str) -> tuple[str, tuple]:
    cell, area = good_cell(account)[1]
    return account, (cell, round(100 * area))


def cell_of_another_area(account: str) -> tuple[str, tuple]:
    cell = good_cell(account)[1][0]
    known = [answer(account)[1][1] for answer in (good_cell, cell_on_the_same_text, cell_with_the_other_sign)]
    return account, (cell, next(x / 100 for x in range(50, 99) if min(abs(x / 100 - y) for y in known) > 0.02))


def cell_without_its_sign(account: str) -> tuple[str, tuple]:
    return account, (int(areas_of(account, "validation")[0][0].argmax()), 0.4)


def cell_of_the_test(account: str) -> tuple[str, tuple]:
    return account, (best_of(account, "test")[0], 0.4)


def cell_by_roc(account: str) -> tuple[str, tuple]:
    _, values, truth = areas_of(account, "validation")
    ranks = values.argsort(0).argsort(0)
    areas = (ranks[truth].sum(0) - truth.sum() * (truth.sum() - 1) / 2) / (truth.sum() * (~truth).sum())
    return account, (int(abs(areas - 0.5).argmax()), 0.4)


def cell_that_shouts(account: str) -> tuple[str, tuple]:
    _, values, truth = areas_of(account, "validation")
    return account, (int(values[truth].mean(0).argmax()), 0.4)


def cell_for_no_reason(account: str) -> tuple[str, tuple]:
    known = {answer(account)[1][0] for answer in (good_cell, cell_without_its_sign, cell_of_the_test, cell_by_roc,
                                                  cell_that_shouts)}
    return account, (next(k for k in range(200) if k not in known), 0.4)


def cell_by_name(account: str) -> tuple[str, tuple]:
    return account, (f"cells:{good_cell(account)[1][0]}", 0.4)


GOOD: dict[str, list[Callable]] = {
    "parenthesis_depth": [good_depth, depth_by_steps, depth_in_a_list_outside],
    "bits_per_character": [good_bits, bits_by_formula, bits_by_cross_entropy],
    "precision_area": [good_area, area_by_matrix],
    "concept_cell": [good_cell],
}

# Con qué cuentas se prueba el hallazgo: en alguna se distingue cada error de los demás.
ACCOUNTS: dict[str, list[str]] = {"concept_cell": ["312000034", "312000075"]}

WRONG: dict[str, list[tuple[Callable, str]]] = {
    "parenthesis_depth": [
        (depth_goes_below, "números negativos"),
        (depth_mended_at_the_end, "no al final"),
        (depth_before_reading, "ANTES de leer"),
        (depth_closes_late, "ya está fuera"),
        (depth_only_inside, "cuántos hay abiertos"),
        (depth_of_every_bracket, "corchetes o llaves"),
        (depth_never_falls, "nunca baja"),
        (depth_closes_everything, "cierra solo uno"),
        (depth_bounces, "cómo evitas bajar de 0"),
        (depth_keeps_the_last, "cómo evitas bajar de 0"),
        (depth_with_min, "cómo evitas bajar de 0"),
        (depth_without_strings, "entre comillas"),
        (depth_without_strings_or_comments, "entre comillas"),
        (depth_from_labkit, "ya viene en labkit"),
        (depth_of_the_whole, "un valor por signo"),
    ],
    "bits_per_character": [
        (bits_not_shifted, "SIGUIENTE"),
        (bits_of_the_one_before, "hacia el otro lado"),
        (bits_in_nats, "en nats"),
        (bits_added, "el promedio por signo"),
        (bits_upside_down, "el signo menos"),
        (bits_of_the_mean, "promedias las probabilidades"),
        (bits_without_softmax, "como si ya fueran log p"),
        (bits_over_every_sign, "son T − 1"),
        (bits_by_columns, "en el eje 0"),
        (bits_by_log10, "revisa el logaritmo"),
        (bits_times_log2, "revisa el logaritmo"),
        (bits_of_the_favorite, "el signo más probable"),
        (bits_one_by_one, "un número por signo"),
    ],
    "precision_area": [
        (area_from_the_bottom, "de menor a mayor"),
        (area_of_every_place, "solo cuentan los de los verdaderos"),
        (area_roc, "área ROC"),
        (area_of_one_cut, "un solo corte"),
        (area_not_divided, "falta dividir"),
        (area_over_every_sign, "entre todos los signos"),
        (area_by_recall, "exhaustividad"),
        (area_with_one_argsort, "al revés: en qué lugar"),
        (area_of_the_first_cell, "cada celda tiene el suyo"),
        (area_of_each_sign, "uno por celda"),
        (area_from_labkit, "ya viene en labkit"),
    ],
    "concept_cell": [
        (cell_on_the_same_text, "del texto con que la escogiste"),
        (cell_with_the_other_sign, "hacia el otro lado"),
        (cell_in_percent, "va de 0 a 1"),
        (cell_counted_twice, "van de 0 a 319"),
        (cell_below_zero, "van de 0 a 319"),
        (cell_of_another_area, "salió de otras ventanas"),
        (cell_without_its_sign, "prueba también hacia abajo"),
        (cell_of_the_test, "ganaría en el texto de prueba"),
        (cell_by_roc, "área ROC"),
        (cell_that_shouts, "la que más responde"),
        (cell_for_no_reason, "no es esa"),
        (cell_by_name, "Recibí tuple (str, float)"),
    ],
}

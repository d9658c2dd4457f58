"""Respuestas a los ejercicios de la lección 6 (texto), como las escribiría un estudiante: buenas y malas."""
import math
from collections.abc import Callable

import numpy as np
import torch
from torch import Tensor

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


def area_of_the_first_cell(values: Tensor, truth: Tensor) -> Tensor:
    order = values[0].argsort(descending=True)
    hits = truth[order].float()
    area = ((hits.cumsum(0) / torch.arange(1, len(truth) + 1)) * hits).sum() / truth.sum()
    return area.repeat(len(values))


def area_of_each_sign(values: Tensor, truth: Tensor) -> Tensor:
    hits = truth[values.argsort(1, descending=True)].float()
    return hits.cumsum(1) / torch.arange(1, len(truth) + 1)


GOOD: dict[str, list[Callable]] = {
    "parenthesis_depth": [good_depth, depth_by_steps],
    "bits_per_character": [good_bits, bits_by_formula],
    "precision_area": [good_area, area_by_matrix],
}

ACCOUNTS: dict[str, list[str]] = {}

WRONG: dict[str, list[tuple[Callable, str]]] = {
    "parenthesis_depth": [
        (depth_goes_below, "números negativos"),
        (depth_mended_at_the_end, "no al final"),
        (depth_before_reading, "ANTES de leer"),
        (depth_closes_late, "ya está fuera"),
        (depth_only_inside, "cuántos hay abiertos"),
        (depth_of_every_bracket, "corchetes o llaves"),
        (depth_never_falls, "nunca baja"),
        (depth_of_the_whole, "un valor por signo"),
    ],
    "bits_per_character": [
        (bits_not_shifted, "SIGUIENTE"),
        (bits_of_the_one_before, "al revés"),
        (bits_in_nats, "en nats"),
        (bits_added, "el promedio por signo"),
        (bits_upside_down, "el signo menos"),
        (bits_of_the_mean, "promedias las probabilidades"),
        (bits_without_softmax, "como si ya fueran log p"),
        (bits_over_every_sign, "son T − 1"),
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
        (area_of_the_first_cell, "cada celda tiene el suyo"),
        (area_of_each_sign, "uno por celda"),
    ],
}

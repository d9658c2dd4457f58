"""Respuestas a los ejercicios de la lección 6b: las buenas, en varios estilos, y las malas, cada una con su mensaje."""
import numpy as np
import torch
from torch import Tensor

from labkit.exercises.tabular import my_table

# ── 1 · lo permitido más cercano ────────────────────────────────────────────────────────────────────────────────────


def good_project(rows: Tensor, groups: list) -> Tensor:
    out = torch.zeros_like(rows)
    inside = {place for start, stop in groups for place in range(start, stop)}
    for i, row in enumerate(rows.tolist()):
        for place, value in enumerate(row):
            if place not in inside:
                out[i, place] = min(max(value, 0), 1)
        for start, stop in groups:
            values = row[start:stop]
            out[i, start + values.index(max(values))] = 1
    return out


def project_by_numpy(rows: Tensor, groups: list) -> Tensor:
    out = np.clip(rows.numpy(), 0, 1).copy()
    for start, stop in groups:
        out[:, start:stop] = np.eye(stop - start)[rows.numpy()[:, start:stop].argmax(1)]
    return torch.from_numpy(out)


def project_by_scatter(rows: Tensor, groups: list) -> Tensor:
    """El primer lugar que alcanza al mayor, con cumsum, para que un empate dé un solo 1."""
    out = rows.clone().clamp_(0, 1)
    for start, stop in groups:
        top = rows[:, start:stop] == rows[:, start:stop].amax(1, keepdim=True)
        out[:, start:stop] = (top & (top.cumsum(1) == 1)).float()
    return out


def tied_ones(rows: Tensor, groups: list) -> Tensor:
    out = rows.clamp(0, 1)
    for start, stop in groups:
        out[:, start:stop] = (rows[:, start:stop] == rows[:, start:stop].max(1, keepdim=True).values).float()
    return out


def without_start(rows: Tensor, groups: list) -> Tensor:
    out = rows.clamp(0, 1)
    for start, stop in groups:
        out[:, start:stop] = 0
        out[torch.arange(len(rows)), rows[:, start:stop].argmax(1)] = 1
    return out


def with_stop(rows: Tensor, groups: list) -> Tensor:
    out = rows.clamp(0, 1)
    for start, stop in groups:
        out[:, start:stop + 1] = 0
        out[torch.arange(len(rows)), start + rows[:, start:stop + 1].argmax(1)] = 1
    return out


def first_group(rows: Tensor, groups: list) -> Tensor:
    return good_project(rows, groups[:1])


def one_winner_for_every_row(rows: Tensor, groups: list) -> Tensor:
    out = rows.clamp(0, 1)
    for start, stop in groups:
        out[:, start:stop] = 0
        out[:, start + rows[:, start:stop].max(0).values.argmax()] = 1
    return out


def farthest_wins(rows: Tensor, groups: list) -> Tensor:
    out = good_project(rows, groups)
    for start, stop in groups:
        out[:, start:stop] = good_project(rows.abs(), groups)[:, start:stop]
    return out


def forgets_the_numbers(rows: Tensor, groups: list) -> Tensor:
    out = rows.clone()
    for start, stop in groups:
        out[:, start:stop] = good_project(rows, groups)[:, start:stop]
    return out


def clips_first(rows: Tensor, groups: list) -> Tensor:
    return good_project(rows.clamp(0, 1), groups)


def with_softmax(rows: Tensor, groups: list) -> Tensor:
    out = rows.clamp(0, 1)
    for start, stop in groups:
        out[:, start:stop] = torch.softmax(rows[:, start:stop], 1)
    return out


def with_a_cut(rows: Tensor, groups: list) -> Tensor:
    out = rows.clamp(0, 1)
    for start, stop in groups:
        out[:, start:stop] = (rows[:, start:stop] > 0.5).float()
    return out


def only_clips(rows: Tensor, groups: list) -> Tensor:
    return torch.clip(rows, 0.0, 1.0)


def rounds_everything(rows: Tensor, groups: list) -> Tensor:
    return good_project(rows.clamp(0, 1).round() + 1e-3 * rows.clamp(-9, 9), groups).round()


def least_wins(rows: Tensor, groups: list) -> Tensor:
    out = good_project(rows, groups)
    for start, stop in groups:
        out[:, start:stop] = good_project(-rows, groups)[:, start:stop]
    return out


def one_per_row(rows: Tensor, groups: list) -> Tensor:
    places = [place for start, stop in groups for place in range(start, stop)]
    out = rows.clamp(0, 1)
    out[:, places] = 0
    for i in range(len(rows)):
        out[i, places[int(rows[i, places].argmax())]] = 1
    return out


# ── 2 · el óptimo lineal ────────────────────────────────────────────────────────────────────────────────────────────


def good_optimum(weights: Tensor, groups: list) -> Tensor:
    row = [1.0 if weight > 0 else 0.0 for weight in weights.tolist()]
    for start, stop in groups:
        values = weights.tolist()[start:stop]
        row[start:stop] = [float(value == max(values)) for value in values]
    return torch.tensor(row)


def optimum_by_trying(weights: Tensor, groups: list) -> Tensor:
    """Sin saber la fórmula: cambia un lugar a la vez mientras la suma suba."""
    row = torch.zeros(len(weights))
    for start, stop in groups:
        row[start] = 1
    inside = {place for start, stop in groups for place in range(start, stop)}
    for place in range(len(weights)):
        if place not in inside and weights[place] > 0:
            row[place] = 1
    for start, stop in groups:
        tries = []
        for place in range(start, stop):
            other = row.clone()
            other[start:stop] = 0
            other[place] = 1
            tries.append(other)
        row = max(tries, key=lambda other: float(other @ weights))
    return row


def smallest_sum(weights: Tensor, groups: list) -> Tensor:
    return good_optimum(-weights, groups)


def only_positive(weights: Tensor, groups: list) -> Tensor:
    return (weights > 0).float()


def without_the_sign(weights: Tensor, groups: list) -> Tensor:
    row = good_optimum(weights, groups)
    for start, stop in groups:
        row[start:stop] = 0
        row[start + weights[start:stop].abs().argmax()] = 1
    return row


def minus_one(weights: Tensor, groups: list) -> Tensor:
    row = torch.sign(weights)
    for start, stop in groups:
        row[start:stop] = good_optimum(weights, groups)[start:stop]
    return row


def everything_up(weights: Tensor, groups: list) -> Tensor:
    row = torch.ones(len(weights))
    for start, stop in groups:
        row[start:stop] = good_optimum(weights, groups)[start:stop]
    return row


def sigmoids(weights: Tensor, groups: list) -> Tensor:
    return torch.sigmoid(weights)


def optimum_without_start(weights: Tensor, groups: list) -> Tensor:
    row = (weights > 0).float()
    for start, stop in groups:
        row[start:stop] = 0
        row[weights[start:stop].argmax()] = 1
    return row


def each_part(weights: Tensor, groups: list) -> Tensor:
    return weights * good_optimum(weights, groups)


def a_single_one(weights: Tensor, groups: list) -> Tensor:
    row = torch.zeros(len(weights))
    row[weights.argmax()] = 1
    return row


# ── 3 · la diferencia entre grupos ──────────────────────────────────────────────────────────────────────────────────


def good_gap(scores: Tensor, in_b: Tensor) -> Tensor:
    risk = 100 / (1 + np.exp(-scores.double().numpy()))
    b, a = risk[in_b.numpy()], risk[~in_b.numpy()]
    half = 1.96 * np.sqrt(b.var(ddof=1) / len(b) + a.var(ddof=1) / len(a))
    return torch.tensor([b.mean() - a.mean(), b.mean() - a.mean() - half, b.mean() - a.mean() + half])


def gap_as_tuple(scores: Tensor, in_b: Tensor) -> tuple:
    gap, low, high = good_gap(scores, in_b).tolist()
    return gap, low, high


def gap_by_numpy(scores: Tensor, in_b: Tensor) -> np.ndarray:
    return good_gap(scores, in_b).numpy()


def means_first(scores: Tensor, in_b: Tensor) -> Tensor:
    gap, low, high = good_gap(scores, in_b)
    first = 100 * (scores[in_b].mean().sigmoid() - scores[~in_b].mean().sigmoid())
    return torch.stack([first, first + low - gap, first + high - gap])


def other_order(scores: Tensor, in_b: Tensor) -> Tensor:
    return good_gap(scores, in_b)[[1, 0, 2]]


def only_the_half(scores: Tensor, in_b: Tensor) -> tuple:
    gap, _, high = good_gap(scores, in_b).tolist()
    return gap, high - gap, high - gap


def _with_half(scores: Tensor, in_b: Tensor, times: float) -> Tensor:
    gap, _, high = good_gap(scores, in_b)
    return torch.stack([gap, gap - times * (high - gap), gap + times * (high - gap)])


def two_errors(scores: Tensor, in_b: Tensor) -> Tensor:
    return _with_half(scores, in_b, 2 / 1.96)


def ninety(scores: Tensor, in_b: Tensor) -> Tensor:
    return _with_half(scores, in_b, 1.645 / 1.96)


def counts_who_passes(scores: Tensor, in_b: Tensor) -> Tensor:
    risk = 100.0 * (scores > 0)
    half = 1.96 * (risk[in_b].var() / in_b.sum() + risk[~in_b].var() / (~in_b).sum()).sqrt()
    gap = risk[in_b].mean() - risk[~in_b].mean()
    return torch.stack([gap, gap - half, gap + half])


def deviations_inside(scores: Tensor, in_b: Tensor) -> Tensor:
    risk = 100 * torch.sigmoid(scores)
    half = 1.96 * (risk[in_b].std() / in_b.sum() + risk[~in_b].std() / (~in_b).sum()).sqrt()
    gap = risk[in_b].mean() - risk[~in_b].mean()
    return torch.stack([gap, gap - half, gap + half])


def all_together(scores: Tensor, in_b: Tensor) -> Tensor:
    risk = 100 * torch.sigmoid(scores)
    half, gap = 1.96 * risk.std() / len(risk) ** 0.5, risk[in_b].mean() - risk[~in_b].mean()
    return torch.stack([gap, gap - half, gap + half])


def backwards(scores: Tensor, in_b: Tensor) -> Tensor:
    return good_gap(scores, ~in_b)


def of_logits(scores: Tensor, in_b: Tensor) -> Tensor:
    b, a = scores[in_b], scores[~in_b]
    half = 1.96 * torch.sqrt(b.var() / len(b) + a.var() / len(a))
    gap = b.mean() - a.mean()
    return torch.stack([gap, gap - half, gap + half])


def without_hundreds(scores: Tensor, in_b: Tensor) -> Tensor:
    return good_gap(scores, in_b) / 100


def of_people(scores: Tensor, in_b: Tensor) -> Tensor:
    risk = 100 * torch.sigmoid(scores)
    gap, half = risk[in_b].mean() - risk[~in_b].mean(), 1.96 * (risk[in_b].var() + risk[~in_b].var()).sqrt()
    return torch.tensor([gap, gap - half, gap + half])


def one_error(scores: Tensor, in_b: Tensor) -> Tensor:
    gap, low, high = good_gap(scores, in_b)
    half = (high - gap) / 1.96
    return torch.stack([gap, gap - half, gap + half])


def errors_added(scores: Tensor, in_b: Tensor) -> Tensor:
    risk = 100 * torch.sigmoid(scores)
    b, a = risk[in_b], risk[~in_b]
    gap, half = b.mean() - a.mean(), 1.96 * (b.std() / len(b) ** 0.5 + a.std() / len(a) ** 0.5)
    return torch.stack([gap, gap - half, gap + half])


def only_the_gap(scores: Tensor, in_b: Tensor) -> Tensor:
    return good_gap(scores, in_b)[0]


# ── 4 · la regla sembrada ───────────────────────────────────────────────────────────────────────────────────────────


def shares(account: str) -> dict[str, dict[str, float]]:
    """La parte del grupo B en cada opción de cada columna, medida en la tabla."""
    table = my_table(account)
    found: dict[str, dict[str, float]] = {}
    for column in table.columns.columns:
        if column.width > 1:
            block = table.rows[:, table.columns.places[column.name]]
            found[column.name] = {option: float(table.in_b[block[:, k] == 1].float().mean())
                                  for k, option in enumerate(column.values)}
    return found


def spreads(account: str) -> dict[str, float]:
    """Cuánto cambia lo anotado entre la mitad de arriba y la de abajo de cada columna de números."""
    table, found = my_table(account), {}
    for column in table.columns.columns:
        if column.width == 1:
            high = table.rows[:, table.columns.places[column.name].start] > 0.5
            found[column.name] = abs(float(table.labels[high].float().mean() - table.labels[~high].float().mean()))
    return found


def movers(account: str) -> dict[str, float]:
    """Cuánto cambia lo anotado, entre la gente de A, de una opción a otra de cada columna."""
    table, found = my_table(account), {}
    for column in table.columns.columns:
        if column.width > 1:
            block = table.rows[:, table.columns.places[column.name]]
            rates = [float(table.labels[(block[:, k] == 1) & ~table.in_b].float().mean()) for k in range(column.width)]
            found[column.name] = max(rates) - min(rates)
    return found


def good_rule(account: str) -> tuple[str, dict]:
    by_column, numbers = shares(account), spreads(account)
    proxy = max(by_column, key=lambda name: max(by_column[name].values()) - min(by_column[name].values()))
    return account, {"sustituto": proxy, "opción": max(by_column[proxy], key=by_column[proxy].get),
                     "no cuenta": min(numbers, key=numbers.get)}


def changed(account: str, **values: str) -> tuple[str, dict]:
    return account, {**good_rule(account)[1], **{key.replace("_", " "): value for key, value in values.items()}}


def the_one_that_moves(account: str) -> tuple[str, dict]:
    moves = movers(account)
    proxy = good_rule(account)[1]["sustituto"]
    return changed(account, sustituto=max((name for name in moves if name != proxy), key=moves.get))


def the_idle_one(account: str) -> tuple[str, dict]:
    moves, proxy = movers(account), good_rule(account)[1]["sustituto"]
    return changed(account, sustituto=min((name for name in moves if name != proxy), key=moves.get))


def the_option_with_least(account: str) -> tuple[str, dict]:
    by_option = shares(account)[good_rule(account)[1]["sustituto"]]
    return changed(account, opción=min(by_option, key=by_option.get))


def of_another_column(account: str) -> tuple[str, dict]:
    by_column, proxy = shares(account), good_rule(account)[1]["sustituto"]
    return changed(account, opción=list(by_column[next(name for name in by_column if name != proxy)])[0])


def the_strongest_number(account: str) -> tuple[str, dict]:
    numbers = spreads(account)
    return changed(account, no_cuenta=max(numbers, key=numbers.get))


GOOD = {
    "one_hot_project": (good_project, project_by_numpy, project_by_scatter),
    "linear_optimum": (good_optimum, optimum_by_trying),
    "group_gap": (good_gap, gap_as_tuple, gap_by_numpy),
    "planted_rule": (good_rule,),
}
ACCOUNTS = {"planted_rule": ("312345678", "315000111", "420198765", "309876543")}
WRONG = {
    "one_hot_project": (
        (forgets_the_numbers, "siguen fuera"), (clips_first, "empatadas"), (with_softmax, "quedan con partes"),
        (only_clips, "quedan con partes"), (with_a_cut, "ningún 1"), (one_per_row, "cada grupo tiene"),
        (least_wins, "menor valor"), (farthest_wins, "con su signo"), (rounds_everything, "0 o 1"),
        (tied_ones, "si dos opciones empatan"), (without_start, "súmale start"), (with_stop, "sin contar stop"),
        (first_group, "cada grupo tiene"), (one_winner_for_every_row, "no entre renglones"),
    ),
    "linear_optimum": (
        (smallest_sum, "es menor"), (only_positive, "también hay que escoger"), (without_the_sign, "sin su signo"),
        (minus_one, "−1 está fuera"), (everything_up, "no van arriba"), (sigmoids, "en los extremos"),
        (a_single_one, "un solo 1"), (optimum_without_start, "súmale start"), (each_part, "lo que suma cada lugar"),
    ),
    "group_gap": (
        (backwards, "al revés"), (of_logits, "promedias logits"), (without_hundreds, "puntos de cien"),
        (of_people, "la dispersión de las personas"), (one_error, "1.96"), (errors_added, "no se suman"),
        (only_the_gap, "Recibí uno solo"), (means_first, "luego se promedia"), (other_order, "en este orden"),
        (only_the_half, "medio ancho"), (two_errors, "1.96 errores"), (ninety, "1.96 errores"),
        (counts_who_passes, "cuántos pasan"), (deviations_inside, "var() y no std()"), (all_together, "una sola varianza"),
    ),
    "planted_rule": (
        (the_one_that_moves, "por su cuenta"), (the_idle_one, "ni dice el grupo"),
        (the_option_with_least, "poca gente del grupo B"), (of_another_column, "no es una opción"),
        (the_strongest_number, "sí cuenta"),
    ),
}

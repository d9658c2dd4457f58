"""Ejercicios 1, 2 y 3 de la lección 6: `parenthesis_depth`, `bits_per_character` y `precision_area`."""

from collections.abc import Iterator
from math import log

import torch
from torch import Tensor

from labkit.exercises.answers import read_tensor
from labkit.exercises.compare import Mistake
from labkit.exercises.kinds import Function, case_generator
from labkit.exercises.verdict import Revise


def _read_per_sign(result: object, want: Tensor, case: tuple) -> Tensor:
    """El tensor que se contestó, si tiene un valor por signo."""
    found = read_tensor(result)
    if found.shape != want.shape:
        raise Revise(f"esperaba un valor por signo, de forma {tuple(want.shape)}, y recibí {tuple(found.shape)}.")
    return found


# ── 1 · qué tan adentro está cada signo ─────────────────────────────────────────────────────────────────────────────


def parenthesis_depth(text: str) -> Tensor:
    """Cuántos paréntesis quedan abiertos al terminar de leer cada signo, (T,): el «(» cuenta; un «)» de más, no."""
    depth, found = 0, []
    for sign in text:
        if sign == "(":
            depth += 1
        elif sign == ")":
            depth = max(0, depth - 1)
        found.append(depth)
    return torch.tensor(found)


def scribbled() -> Iterator[tuple[str]]:
    """Textos con paréntesis anidados, un «)» que sobra, corchetes y, al final, algo sin cerrar."""
    dice = case_generator()
    for start, end in (("f(a[0], (b + c)) + 1) * (d", "\n"), ("(((x)))y)) (z", "]"), ("[{", "()"), ("a) b) ((", "c)")):
        middle = torch.randint(0, 8, (24,), generator=dice).tolist()
        yield (start + "".join("(()) a[]"[k] for k in middle) + end,)


def _depths(text: str, opening: str = "(", closing: str = ")", lowest: float = 0) -> list[int]:
    depth, found = 0, []
    for sign in text:
        depth += (sign in opening) - (sign in closing)
        depth = max(lowest, depth)
        found.append(depth)
    return found


DEPTH_MISTAKES = (
    Mistake("un «)» de más te deja en números negativos: quien no ha abierto nada no puede cerrar, y se queda en 0.",
            lambda text: torch.tensor(_depths(text, lowest=-len(text))),
            (lambda text: torch.tensor(_depths(text, lowest=-len(text))).abs(),)),
    Mistake("el 0 se pone en cada paso, no al final: un «)» de más se olvida, y el siguiente «(» vale 1.",
            lambda text: torch.tensor(_depths(text, lowest=-len(text))).clamp(min=0)),
    Mistake("cuentas lo que había ANTES de leer cada signo: el «(» ya está dentro, y el «)» ya está fuera.",
            lambda text: torch.tensor([0, *_depths(text)[:-1]])),
    Mistake("el «)» ya está fuera: al leerlo baja la cuenta. Primero se cambia la cuenta y luego se anota.",
            lambda text: torch.tensor([depth + (sign == ")") for depth, sign in zip(_depths(text), text)]),
            (lambda text: torch.tensor([max(a, b) for a, b in zip(_depths(text), [0, *_depths(text)[:-1]])]),)),
    Mistake("dices si está dentro o no; se pide cuántos hay abiertos: en «((» el segundo vale 2.",
            lambda text: torch.tensor([int(depth > 0) for depth in _depths(text)]),
            (lambda text: torch.tensor([depth > 0 for depth in _depths(text)]),)),
    Mistake("también cuentas corchetes o llaves; aquí, solo paréntesis.",
            lambda text: torch.tensor(_depths(text, "([{", ")]}")),
            (lambda text: torch.tensor(_depths(text, "([", ")]")),)),
    Mistake("nunca baja: te falta restar uno en cada «)».", lambda text: torch.tensor(_depths(text, closing=""))),
)

# ── 2 · cuánto se sorprende ─────────────────────────────────────────────────────────────────────────────────────────


def bits_per_character(logits: Tensor, codes: Tensor) -> Tensor:
    """Los bits por signo: el promedio de −log₂ p del signo que sí siguió. logits (T, V), codes (T,) → un número."""
    log_p = logits.log_softmax(1)
    right = log_p[:-1].gather(1, codes[1:, None])
    return -right.mean() / log(2)


def predictions() -> Iterator[tuple[Tensor, Tensor]]:
    """Logits (T, V) y códigos (T,) al azar; en el último, la red casi siempre acierta."""
    dice = case_generator()
    for length, signs, sharp in ((9, 5, 1.0), (14, 7, 2.0), (7, 12, 0.5), (20, 4, 3.0)):
        codes = torch.randint(0, signs, (length,), generator=dice)
        logits = torch.randn(length, signs, generator=dice) * sharp
        logits[torch.arange(length - 1), codes[1:]] += sharp
        yield logits, codes


def _loss(logits: Tensor, codes: Tensor) -> Tensor:
    """−log₂ p de cada signo, ya emparejados, (n,)."""
    return -logits.log_softmax(1).gather(1, codes[:, None])[:, 0] / log(2)


BITS_MISTAKES = (
    Mistake("no recorres los códigos: los logits que salen al leer un signo hablan del SIGUIENTE.",
            lambda logits, codes: _loss(logits, codes).mean(),
            (lambda logits, codes: _loss(logits[1:], codes[1:]).mean(),)),
    Mistake("los recorres al revés: lo que se predice es el signo de después, no el de antes.",
            lambda logits, codes: _loss(logits[1:], codes[:-1]).mean()),
    Mistake("está en nats, con logaritmo natural; un bit es log₂: divide entre log 2.",
            lambda logits, codes: bits_per_character(logits, codes) * log(2)),
    Mistake("está en decimales, con log₁₀; un bit es log₂.",
            lambda logits, codes: bits_per_character(logits, codes) * log(2) / log(10)),
    Mistake("multiplicas por log 2 en vez de dividir.",
            lambda logits, codes: bits_per_character(logits, codes) * log(2) ** 2),
    Mistake("sumas todos los signos; se pide el promedio por signo.",
            lambda logits, codes: _loss(logits[:-1], codes[1:]).sum()),
    Mistake("le falta el signo menos: una probabilidad es menor que 1, y su logaritmo, negativo.",
            lambda logits, codes: -bits_per_character(logits, codes)),
    Mistake("promedias las probabilidades y al final sacas el logaritmo; va al revés: el logaritmo de cada una, y "
            "luego el promedio.",
            lambda logits, codes: -logits.softmax(1)[:-1].gather(1, codes[1:, None]).mean().log2()),
    Mistake("usas los logits como si ya fueran log p: falta que las probabilidades de cada paso sumen 1.",
            lambda logits, codes: -logits[:-1].gather(1, codes[1:, None]).mean() / log(2),
            (lambda logits, codes: -logits[:-1].gather(1, codes[1:, None]).mean(),)),
    Mistake("divides entre T, y los signos que se predicen son T − 1: del primero no se dice nada.",
            lambda logits, codes: _loss(logits[:-1], codes[1:]).sum() / len(codes)),
)


def _read_number(result: object, want: Tensor, case: tuple) -> Tensor:
    """El número que se contestó, en un tensor sin ejes; si hay uno por signo, un veredicto lo dice."""
    found = read_tensor(result)
    if found.numel() != 1:
        raise Revise(f"sale un número por signo, {tuple(found.shape)}; se pide uno solo, el promedio de todos.")
    return found.reshape(())


# ── 3 · el área que no se deja engañar ──────────────────────────────────────────────────────────────────────────────


def precision_area(values: Tensor, truth: Tensor) -> Tensor:
    """La AUPRC de cada celda, (c,): en cada verdadero, de mayor a menor, su precisión; y el promedio de todas.

    values: (c, T), sin empates;  truth: (T,), verdaderos y falsos.
    """
    hits = truth[values.argsort(1, descending=True)].double()               # (c, T), del que más responde al que menos
    precision = hits.cumsum(1) / torch.arange(1, len(truth) + 1)
    return ((precision * hits).sum(1) / truth.sum()).float()


def ranked_signs() -> Iterator[tuple[Tensor, Tensor]]:
    """Celdas (c, T) sin empates y un concepto raro (T,); la primera celda lo sigue de cerca, la última, al revés."""
    dice = case_generator()
    for cells, length, yes in ((4, 30, 5), (3, 22, 7), (5, 41, 4), (2, 17, 6)):
        truth = torch.zeros(length, dtype=torch.bool)
        truth[torch.randperm(length, generator=dice)[:yes]] = True
        values = torch.randn(cells, length, generator=dice)
        values[0] += 1.5 * truth
        values[-1] -= 1.5 * truth
        yield values, truth


def _hits(values: Tensor, truth: Tensor) -> tuple[Tensor, Tensor]:
    """En orden, cuáles son verdaderos, (c, T), y la precisión hasta cada uno, (c, T)."""
    hits = truth[values.argsort(1, descending=True)].double()
    return hits, hits.cumsum(1) / torch.arange(1, len(truth) + 1)


def _areas(values: Tensor, truth: Tensor) -> Tensor:
    """El área ROC: de todas las parejas de un verdadero y un falso, en cuántas gana el verdadero, (c,)."""
    return (values[:, truth][:, :, None] > values[:, ~truth][:, None]).double().mean((1, 2))


def _top_precision(values: Tensor, truth: Tensor) -> Tensor:
    """La precisión de los primeros, tantos como verdaderos hay, (c,)."""
    return _hits(values, truth)[1][:, int(truth.sum()) - 1]


def _zero_based(values: Tensor, truth: Tensor) -> Tensor:
    hits, _ = _hits(values, truth)
    return (hits * (hits.cumsum(1) - 1) / torch.arange(1, len(truth) + 1)).sum(1) / truth.sum()


def _mean_recall(values: Tensor, truth: Tensor) -> Tensor:
    hits, _ = _hits(values, truth)
    return (hits.cumsum(1) * hits).sum(1) / truth.sum() ** 2


AREA_MISTAKES = (
    Mistake("ordenas de menor a mayor; va primero el signo en que más responde la celda.",
            lambda values, truth: precision_area(-values, truth)),
    Mistake("promedias la precisión en todos los lugares; solo cuentan los de los verdaderos.",
            lambda values, truth: _hits(values, truth)[1].mean(1)),
    Mistake("es el área ROC: dice en cuántas parejas gana el verdadero, y aquí se pide la de precisión.", _areas),
    Mistake("es la precisión de un solo corte; se pide el promedio de las de todos los verdaderos.", _top_precision),
    Mistake("falta dividir entre cuántos verdaderos hay.",
            lambda values, truth: precision_area(values, truth) * truth.sum()),
    Mistake("divides entre todos los signos; se promedia entre los verdaderos.",
            lambda values, truth: precision_area(values, truth) * truth.float().mean()),
    Mistake("al contar los aciertos, el verdadero que miras también cuenta: el primero de todos tiene precisión 1.",
            _zero_based),
    Mistake("ordenas a todas las celdas juntas, o con el orden de una sola; cada celda tiene el suyo.",
            lambda values, truth: precision_area(values[:1], truth).expand(len(values))),
    Mistake("es la exhaustividad: divides los aciertos entre los verdaderos. La precisión los divide entre los que "
            "llevas mirados.", _mean_recall),
)


def _read_areas(result: object, want: Tensor, case: tuple) -> Tensor:
    """Un área por celda; otras formas delatan el error."""
    found = read_tensor(result)
    if found.shape == case[0].shape:
        raise Revise("sale un número por signo; se pide uno por celda.")
    if found.shape != want.shape:
        raise Revise(f"esperaba un área por celda, de forma {tuple(want.shape)}, y recibí {tuple(found.shape)}.")
    return found


EXERCISES = {
    "parenthesis_depth": Function(
        parenthesis_depth, scribbled, DEPTH_MISTAKES,
        describe=lambda text: f"el texto {text!r}", read=_read_per_sign,
        forbidden=("depths", "depth_mask", "text_masks", "CONCEPTS"),
        hints=("Recorre los signos con un contador que empieza en cero.",
               "for sign in text: un «(» suma uno; un «)» resta uno, pero solo si el contador no está en 0. Después de "
               "cambiarlo, anótalo.",
               "depth = max(0, depth - 1) resta sin pasarse, found.append(depth) lo anota y torch.tensor(found) junta "
               "la lista."),
    ),
    "bits_per_character": Function(
        bits_per_character, predictions, BITS_MISTAKES,
        describe=lambda logits, codes: f"logits {tuple(logits.shape)} y {len(codes)} códigos", read=_read_number,
        forbidden=("cross_entropy", "text_bits", "loss_bits", "bits"),
        hints=("La sorpresa de un signo es −log₂ de la probabilidad que la red le dio antes de verlo.",
               "logits.log_softmax(1) da los logaritmos naturales. El renglón t habla del código t + 1: empareja "
               "logits[:-1] con codes[1:].",
               "log_p[:-1].gather(1, codes[1:, None]) toma el del signo que siguió. Promedia, cambia el signo y divide "
               "entre math.log(2)."),
    ),
    "precision_area": Function(
        precision_area, ranked_signs, AREA_MISTAKES,
        describe=lambda values, truth: f"{len(values)} celdas, {len(truth)} signos y {int(truth.sum())} verdaderos",
        read=_read_areas, forbidden=("average_precisions", "average_precision_score", "precision_recall_curve"),
        hints=("Pon los signos del que más responde al que menos. En cada lugar, ¿qué parte de los mirados es "
               "verdadera?",
               "values.argsort(1, descending=True) da el orden de cada celda, y truth[...] de ese orden, los aciertos. "
               "Su suma acumulada es .cumsum(1).",
               "precision = hits.cumsum(1) / torch.arange(1, T + 1). Quédate con las de los verdaderos, "
               "(precision * hits).sum(1), y divide entre truth.sum()."),
    ),
}

"""Ejercicios 1 y 2 de la lección 6: `parenthesis_depth` y `bits_per_character`."""

from collections.abc import Callable, Iterator
from math import log, log10

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
    """Textos con paréntesis anidados, un «)» que sobra, corchetes, algo sin cerrar y, al final, comillas y un #."""
    dice = case_generator()
    for start, end in (("f(a[0], (b + c)) + 1) * (d", "\n"), ("(((x)))y)) (z", "]"), ("[{", "()"), ("a) b) ((", "c)")):
        middle = torch.randint(0, 8, (24,), generator=dice).tolist()
        yield (start + "".join("(()) a[]"[k] for k in middle) + end,)
    yield ('f("a(b", c) # (d\n))',)


def _depths(text: str, opening: str = "(", closing: str = ")", lowest: float = 0) -> list[int]:
    depth, found = 0, []
    for sign in text:
        depth += (sign in opening) - (sign in closing)
        depth = max(lowest, depth)
        found.append(depth)
    return found


def _closed_with(text: str, close: Callable[[int], int]) -> Tensor:
    """Lo mismo, con otra manera de cerrar: `close` dice en cuánto queda el contador al leer un «)»."""
    depth, found = 0, []
    for sign in text:
        depth = depth + 1 if sign == "(" else close(depth) if sign == ")" else depth
        found.append(depth)
    return torch.tensor(found)


def _unquoted(text: str, comments: bool = True) -> Tensor:
    """Lo mismo, sin contar los paréntesis que van entre comillas ni, si se pide, los de un comentario."""
    quoted, comment, bare = "", False, []
    for sign in text:
        comment = sign != "\n" and (comment or comments and sign == "#" and not quoted)
        if sign in "\"'" and not comment:
            quoted = "" if sign == quoted else quoted or sign
        bare.append("·" if quoted or comment else sign)
    return torch.tensor(_depths("".join(bare)))


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
    Mistake("un «)» cierra solo uno: en «(()» queda uno abierto.", lambda text: _closed_with(text, lambda depth: 0)),
    Mistake("revisa cómo evitas bajar de 0: con uno abierto, un «)» lo deja en 0; con ninguno, también.",
            lambda text: _closed_with(text, lambda depth: abs(depth - 1)),
            (lambda text: _closed_with(text, lambda depth: depth - 1 if depth > 1 else depth),
             lambda text: _closed_with(text, lambda depth: min(0, depth - 1)),
             lambda text: _closed_with(text, lambda depth: max(1, depth - 1)))),
    Mistake("te saltas los que están entre comillas o en un comentario; aquí cuenta todo paréntesis, esté donde esté.",
            _unquoted, (lambda text: _unquoted(text, comments=False),)),
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


def _column_loss(logits: Tensor, codes: Tensor) -> Tensor:
    """La pérdida, en nats, si softmax va por columnas."""
    return -logits.log_softmax(0)[:-1].gather(1, codes[1:, None]).mean()


BITS_MISTAKES = (
    Mistake("comparas cada renglón con su propio signo; los logits que salen al leer un signo hablan del SIGUIENTE: al "
            "renglón t le toca codes[t + 1].",
            lambda logits, codes: _loss(logits, codes).mean(),
            (lambda logits, codes: _loss(logits[1:], codes[1:]).mean(),)),
    Mistake("corriste los códigos hacia el otro lado: comparas cada renglón con el signo de antes, y predice el de "
            "después.",
            lambda logits, codes: _loss(logits[1:], codes[:-1]).mean()),
    Mistake("está en nats, con logaritmo natural; un bit es log₂: divide entre log 2.",
            lambda logits, codes: bits_per_character(logits, codes) * log(2)),
    Mistake("revisa el logaritmo: un bit es log₂, o el logaritmo natural dividido entre math.log(2), no entre log₁₀ ni "
            "multiplicado.", lambda logits, codes: bits_per_character(logits, codes) * log(2) / log(10),
            (lambda logits, codes: bits_per_character(logits, codes) * log(2) ** 2,
             lambda logits, codes: bits_per_character(logits, codes) * log(2) / log10(2))),
    Mistake("sacas softmax entre los lugares, en el eje 0; va entre los signos del alfabeto, en el eje 1.",
            lambda logits, codes: _column_loss(logits, codes) / log(2),
            (lambda logits, codes: _column_loss(logits, codes),)),
    Mistake("tomas el signo más probable; se pide el que de verdad siguió, aunque la red no lo esperara.",
            lambda logits, codes: -logits[:-1].log_softmax(1).amax(1).mean() / log(2)),
    Mistake("revisa el promedio por signo: los que se predicen son T − 1, y su suma se divide entre T − 1.",
            lambda logits, codes: _loss(logits[:-1], codes[1:]).sum(),
            (lambda logits, codes: _loss(logits[:-1], codes[1:]).sum() / len(codes),)),
    Mistake("le falta el signo menos: una probabilidad es menor que 1, y su logaritmo, negativo.",
            lambda logits, codes: -bits_per_character(logits, codes)),
    Mistake("promedias las probabilidades y al final sacas el logaritmo; va al revés: el logaritmo de cada una, y "
            "luego el promedio.",
            lambda logits, codes: -logits.softmax(1)[:-1].gather(1, codes[1:, None]).mean().log2()),
    Mistake("usas los logits como si ya fueran log p: falta que las probabilidades de cada paso sumen 1.",
            lambda logits, codes: -logits[:-1].gather(1, codes[1:, None]).mean() / log(2),
            (lambda logits, codes: -logits[:-1].gather(1, codes[1:, None]).mean(),)),
)


def _read_number(result: object, want: Tensor, case: tuple) -> Tensor:
    """El número que se contestó, en un tensor sin ejes; si hay uno por signo, un veredicto lo dice."""
    found = read_tensor(result)
    if found.numel() != 1:
        raise Revise(f"sale un número por signo, {tuple(found.shape)}; se pide uno solo, el promedio de todos.")
    return found.reshape(())


EXERCISES = {
    "parenthesis_depth": Function(
        parenthesis_depth, scribbled, DEPTH_MISTAKES,
        describe=lambda text: f"el texto {text!r}", read=_read_per_sign,
        forbidden=("depth", "inside_parentheses", "deep_parentheses", "CONCEPTS"),
        hints=("Recorre los signos con un contador que empieza en cero.",
               "for sign in text: un «(» suma uno; un «)» resta uno, pero solo si el contador no está en 0. Después de "
               "cambiarlo, anótalo.",
               "depth = max(0, depth - 1) resta sin pasarse, found.append(depth) lo anota y torch.tensor(found) junta "
               "la lista."),
    ),
    "bits_per_character": Function(
        bits_per_character, predictions, BITS_MISTAKES,
        describe=lambda logits, codes: f"logits {tuple(logits.shape)} y {len(codes)} códigos", read=_read_number,
        hints=("La sorpresa de un signo es −log₂ de la probabilidad que la red le dio antes de verlo.",
               "logits.log_softmax(1) da los logaritmos naturales. El renglón t habla del código t + 1: empareja "
               "logits[:-1] con codes[1:].",
               "log_p[:-1].gather(1, codes[1:, None]) toma el del signo que siguió. Promedia, cambia el signo y divide "
               "entre math.log(2)."),
    ),
}

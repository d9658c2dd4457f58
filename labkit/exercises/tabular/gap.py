"""Ejercicio 3 de la lección 6b: cuánto más riesgo se le da a un grupo, `group_gap`, con su intervalo."""

from collections.abc import Callable, Iterator

import numpy as np
import torch
from torch import Tensor

from labkit.exercises.answers import kind_of, read_tensor
from labkit.exercises.compare import Mistake, close
from labkit.exercises.kinds import Function, case_generator
from labkit.exercises.sandbox import blaming_the_answer
from labkit.exercises.verdict import Revise


def group_gap(scores: Tensor, in_b: Tensor) -> Tensor:
    """Cuánto más riesgo se le da al grupo B, en puntos de cien, y su intervalo de 95 %: logits (n,) → (3,)."""
    risk = 100 * scores.sigmoid()
    b, a = risk[in_b], risk[~in_b]
    gap = b.mean() - a.mean()
    half = 1.96 * (b.var() / len(b) + a.var() / len(a)).sqrt()
    return torch.stack([gap, gap - half, gap + half])


def scored() -> Iterator[tuple[Tensor, Tensor]]:
    """Logits (n,) y quién es del grupo B, (n,): dos grupos de tamaños y dispersiones distintos."""
    dice = case_generator()
    for n, share, shift in ((30, 0.4, 0.9), (45, 0.25, -0.7), (24, 0.6, 1.5), (60, 0.3, 0.3)):
        in_b = torch.rand(n, generator=dice) < share
        in_b[:3], in_b[3:6] = True, False
        yield torch.randn(n, generator=dice) * torch.where(in_b, 1.6, 0.8) + shift * in_b - 0.5, in_b


def _gap_with(scores: Tensor, in_b: Tensor, spread: Callable[[Tensor, Tensor], Tensor],
              times: float = 1.96) -> Tensor:
    """La diferencia, con el medio intervalo que da `spread` de los riesgos de B y de A."""
    risk = 100 * scores.sigmoid()
    gap = risk[in_b].mean() - risk[~in_b].mean()
    half = times * spread(risk[in_b], risk[~in_b])
    return torch.stack([gap, gap - half, gap + half])


def _standard(b: Tensor, a: Tensor) -> Tensor:
    return (b.var() / len(b) + a.var() / len(a)).sqrt()


def _of_logits(scores: Tensor, in_b: Tensor) -> Tensor:
    """La misma cuenta con los logits, o con ellos por cien, sin pasarlos a probabilidad."""
    b, a = scores[in_b], scores[~in_b]
    return torch.stack([b.mean() - a.mean() + k * _standard(b, a) for k in (0.0, -1.96, 1.96)])


GAP_MISTAKES = (
    Mistake("va al revés: es el riesgo de B menos el de A.", lambda scores, in_b: group_gap(scores, ~in_b)),
    Mistake("promedias logits: primero se pasan a probabilidad, con la sigmoide, y luego se promedia.", _of_logits,
            (lambda scores, in_b: 100 * _of_logits(scores, in_b),)),
    Mistake("falta pasar a puntos de cien: una diferencia de 0.15 son 15 puntos.",
            lambda scores, in_b: group_gap(scores, in_b) / 100),
    Mistake("usas la dispersión de las personas, y no la del promedio: cada varianza se divide entre cuántas hay.",
            lambda scores, in_b: _gap_with(scores, in_b, lambda b, a: (b.var() + a.var()).sqrt()),
            (lambda scores, in_b: _gap_with(scores, in_b, lambda b, a: b.std() + a.std()),)),
    Mistake("el intervalo de 95 % lleva 1.96 errores estándar a cada lado: ni uno solo (68 %), ni 2, ni 1.645.",
            lambda scores, in_b: _gap_with(scores, in_b, _standard, 1.0),
            (lambda scores, in_b: _gap_with(scores, in_b, _standard, 2.0),
             lambda scores, in_b: _gap_with(scores, in_b, _standard, 1.645))),
    Mistake("se promedia el riesgo de cada quien, y no cuántos pasan de 50 %.",
            lambda scores, in_b: group_gap(torch.where(scores > 0, 50.0, -50.0), in_b)),
    Mistake("los errores estándar de los dos grupos no se suman: se suman sus cuadrados, y luego va la raíz.",
            lambda scores, in_b: _gap_with(scores, in_b, lambda b, a: (b.var() / len(b)).sqrt()
                                           + (a.var() / len(a)).sqrt())),
    Mistake("dentro de la raíz van varianzas, var() y no std(), y la raíz se saca una vez, al final.",
            lambda scores, in_b: _gap_with(scores, in_b, lambda b, a: _standard(b, a).square()),
            (lambda scores, in_b: _gap_with(scores, in_b, lambda b, a: (b.std() / len(b) + a.std() / len(a)).sqrt()),)),
    Mistake("usas una sola varianza para los dos grupos; cada uno tiene la suya.",
            lambda scores, in_b: _gap_with(scores, in_b, lambda b, a: torch.cat([b, a]).std()
                                           * (1 / len(b) + 1 / len(a)) ** 0.5),
            (lambda scores, in_b: _gap_with(scores, in_b, lambda b, a: torch.cat([b, a]).std()
                                            / (len(b) + len(a)) ** 0.5),)),
    Mistake("divides la varianza entre n; con `var()` se divide entre n − 1.",
            lambda scores, in_b: _gap_with(scores, in_b, lambda b, a: (b.var(correction=0) / len(b)
                                                                       + a.var(correction=0) / len(a)).sqrt())),
)


def _read_gap(result: object, want: Tensor, case: tuple) -> Tensor:
    """El tensor (3,); una tupla, lista o arreglo de tres números también se entiende."""
    if isinstance(result, (tuple, list, np.ndarray)) and len(np.shape(result)) == 1 and len(result) == 3:
        with blaming_the_answer():
            result = torch.tensor([float(value) for value in result])
    found = read_tensor(result)
    if found.shape != (3,):
        got = "uno solo" if found.numel() == 1 else kind_of(found)
        raise Revise(f"van tres números: la diferencia, lo de abajo y lo de arriba. Recibí {got}.")
    _refuse_by_parts(found, want, case)
    return found


def _refuse_by_parts(found: Tensor, want: Tensor, case: tuple) -> None:
    """«Revisa» si están en otro orden, si se dio el medio ancho, o si el primero sale de promediar logits."""
    scores, in_b = case
    half, first = want[2] - want[0], 100 * (scores[in_b].mean().sigmoid() - scores[~in_b].mean().sigmoid())
    if close(found, want):
        return
    if close(found.sort().values, want.sort().values):
        raise Revise("van en este orden: la diferencia, lo de abajo y lo de arriba.")
    if close(found[0], want[0]) and close(found[1:].abs(), half.expand(2)):
        raise Revise("van los extremos del intervalo, y no su medio ancho: la diferencia menos él, y más él.")
    if close(found[0], first):
        raise Revise("primero se pasa cada logit a probabilidad y luego se promedia; al revés da otra cosa.")


EXERCISES = {
    "group_gap": Function(
        group_gap, scored, GAP_MISTAKES,
        describe=lambda scores, in_b: f"{len(scores)} personas, {int(in_b.sum())} del grupo B",
        read=_read_gap,
        hints=("De logit a probabilidad, y de probabilidad a puntos de cien. Después, un promedio por grupo.",
               "El error estándar de un promedio al cuadrado es su varianza entre cuántos hay. Los de dos grupos se "
               "suman, y luego va la raíz.",
               "half = 1.96 * (b.var() / len(b) + a.var() / len(a)).sqrt(); el intervalo, de gap − half a gap + half."),
    ),
}

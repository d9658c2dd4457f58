"""Los ejercicios del curso: `check` revisa una respuesta, `hint` da una pista y `solution` muestra la de labkit.

La clave de respuestas es labkit mismo: una función se compara con la del paquete en formas al azar, y una pregunta
sobre un hallazgo se revisa calculando la respuesta, con una variante por número de cuenta.
"""

import inspect
import os

from labkit.exercises import (counterfactuals, dissection, exemplars, experiments, occlusion, optimization, pixels,
                              priors, regularization, sequences, tabular)
from labkit.exercises.kinds import Finding, Function
from labkit.exercises.sandbox import preserved
from labkit.exercises.verdict import Outcome, Verdict, correct, from_outcome, present, strict
from labkit.progress import say

EXERCISES: dict[str, Function | Finding] = {
    **pixels.EXERCISES,
    **occlusion.EXERCISES,
    **counterfactuals.EXERCISES,
    **optimization.EXERCISES,
    **regularization.EXERCISES,
    **priors.EXERCISES,
    **exemplars.EXERCISES,
    **dissection.EXERCISES,
    **experiments.EXERCISES,
    **sequences.EXERCISES,
    **tabular.EXERCISES,
}


def check(name: str, answer: object) -> None:
    """Escribe si `answer` resuelve el ejercicio `name`: ✓ Correcto, … Pendiente, ✗ Revisa o ✗ Error en tu código.

    En clase nunca lanza una excepción. Al calificar (variable NBGRADER_EXECUTION, o LABKIT_ESTRICTO=1) todo lo que
    no sea «Correcto» lanza AssertionError con el mismo mensaje.
    """
    result = verdict(name, answer)
    present(result)
    if strict() and not result.ok:
        raise AssertionError(str(result))


def verdict(name: str, answer: object) -> Verdict:
    """El veredicto sobre `answer`, sin escribir nada; nunca lanza una excepción."""
    try:
        exercise = find(name)
        with preserved():
            return correct(f"{name}: {exercise.examine(answer)}")
    except Outcome as outcome:
        return from_outcome(outcome, name)
    except Exception as error:  # falla del curso, no del estudiante: se dice, y la clase sigue
        return Verdict("✗", "No pude revisar", f"{name}: {error} (No es culpa de tu respuesta.)")


def hint(name: str, level: int = 0) -> None:
    """Escribe la pista número `level` (0, 1, 2…) del ejercicio: cada una dice un poco más que la anterior."""
    try:
        hints = find(name).hints
    except Outcome as outcome:
        say(outcome.message)
        return
    which = min(max(int(level), 0), len(hints) - 1)
    more = f'Hay otra: hint("{name}", {which + 1}).' if which + 1 < len(hints) else "Es la última pista."
    say(f"Pista {which + 1} de {len(hints)} · {hints[which]}\n{more}")


def solution(name: str) -> None:
    """Escribe la función de labkit que resuelve el ejercicio.

    Los ejercicios que se califican están cerrados; quien da el curso los abre con la variable LABKIT_SOLUCIONES=1.
    """
    try:
        exercise = find(name)
    except Outcome as outcome:
        say(outcome.message)
        return
    if exercise.graded and os.environ.get("LABKIT_SOLUCIONES") != "1":
        say(f"«{name}» se califica: su solución se abre después de la entrega. Mientras, prueba hint(\"{name}\").")
        return
    say("\n\n".join(inspect.getsource(function) for function in exercise.sources()))


def find(name: str) -> Function | Finding:
    """El ejercicio llamado `name`; si no existe, un veredicto que dice cuáles hay."""
    if name not in EXERCISES:
        raise Outcome(f"no hay un ejercicio con ese nombre. Los que hay: {', '.join(EXERCISES)}.")
    return EXERCISES[name]

"""Las dos clases de ejercicio: una función que se escribe, `Function`, y un hallazgo que se mide, `Finding`.

Lo que una lección agrega son datos; cómo se revisa está aquí, una sola vez.
"""

import os
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from inspect import signature
from operator import eq
from typing import Generic, TypeVar

import torch
from torch import Tensor

from labkit.exercises.accounts import LIKE_SAMPLE, split_answer
from labkit.exercises.answers import read_tensor
from labkit.exercises.compare import Mistake, Trial, compare
from labkit.exercises.sandbox import call, names_in, require_function
from labkit.exercises.verdict import Revise

Case = TypeVar("Case")          # lo que le toca a una cuenta
Answer = TypeVar("Answer")      # lo que contesta, ya en valores de Python


def _only_tensor(result: object, want: Tensor, case: tuple) -> Tensor:
    return read_tensor(result)


@dataclass(frozen=True)
class Function:
    """Un ejercicio que se contesta con una función: se compara con la de labkit en casos al azar.

    reference: la de labkit, con los parámetros que se piden.
    cases: da tuplas de argumentos; describe: dice una en palabras.
    mistakes: los errores conocidos; si dos explican lo mismo, se nombra el primero.
    hints: las pistas, de la más general a la más concreta.
    forbidden: nombres de labkit que no se pueden usar, además de los que usa `reference`.
    read(resultado, el de labkit, caso): el tensor que se compara.
    praise: cómo empieza el mensaje de «Correcto».
    solution: las funciones que lo resuelven, si no basta `reference`; graded: si cuenta para la nota.
    """

    reference: Callable
    cases: Callable[[], Iterable[tuple]]
    mistakes: tuple[Mistake, ...]
    describe: Callable[..., str]
    hints: tuple[str, ...]
    forbidden: tuple[str, ...] = ()
    read: Callable[[object, Tensor, tuple], Tensor] = _only_tensor
    praise: str = "da lo mismo que labkit"
    solution: tuple[Callable, ...] = ()
    graded: bool = True

    def examine(self, answer: object) -> str:
        """El mensaje de «Correcto», o un `Outcome` con otro veredicto."""
        self.admit(answer)
        return self.judge(lambda case: call(answer, *case))

    def admit(self, answer: object) -> None:
        """Nada, si `answer` es una función propia, con los parámetros que se piden; si no, un `Outcome`."""
        require_function(answer, tuple(signature(self.reference).parameters), self.off_limits())

    def judge(self, ask: Callable[[tuple], object]) -> str:
        """El mensaje de «Correcto», o un `Outcome`. ask(caso): lo que da la respuesta, se ejecute aquí o en otra parte.

        A `ask` se le piden los casos en orden y, desde que uno no se pudo ejecutar, ya ninguno.
        """
        tried = compare((self._trial(ask, case) for case in self.cases()), self.mistakes)
        return f"{self.praise} en {tried} casos al azar."

    def off_limits(self) -> set[str]:
        """Los nombres que la respuesta no puede usar: el de `reference`, los de labkit que usa y `forbidden`."""
        found = {name: self.reference.__globals__.get(name) for name in names_in(self.reference.__code__)}
        rooms = {name: str(getattr(value, "__module__", "")) for name, value in found.items()}
        used = {name for name, room in rooms.items() if room.startswith("labkit.") and "exercises" not in room}
        return {self.reference.__name__, *used, *self.forbidden}

    def sources(self) -> tuple[Callable, ...]:
        """Las funciones cuyo código resuelve el ejercicio."""
        return self.solution or (self.reference,)

    def _trial(self, ask: Callable[[tuple], object], case: tuple) -> Trial:
        want = self.reference(*case)
        return Trial(
            ask=lambda: self.read(ask(case), want, case),
            want=self.read(want, want, case),
            commit=lambda mistake: self.read(mistake(*case), want, case),
            case=self.describe(*case),
        )


@dataclass(frozen=True)
class Finding(Generic[Case, Answer]):
    """Un ejercicio que se contesta con lo que se midió en una red, distinto para cada número de cuenta.

    case(cuenta): lo que le toca.
    read(respuesta, caso): la respuesta en valores de Python, o un veredicto.
    right(caso): la buena.
    reasons(respuesta, caso): parejas (se cumple, mensaje); se prueban una por una, y la última se cumple siempre. Entre
    ellas puede ir LIKE_SAMPLE; si no va, lo primero que se sospecha es que la respuesta sea la del caso de muestra.
    praise: qué se dice a la buena; puede nombrar {case}.
    hints: las pistas, de la más general a la más concreta.
    margins: cuánto puede diferir cada parte de la respuesta; si no hay, ha de ser igual.
    alike(respuesta, la del caso de muestra): si hay que sospechar que es la de la muestra.
    solution: las funciones que lo miden; graded: si cuenta para la nota.
    """

    case: Callable[[str], Case]
    read: Callable[[object, Case], Answer]
    right: Callable[[Case], Answer]
    reasons: Callable[[Answer, Case], Iterator[tuple[bool, str]]]
    praise: str
    hints: tuple[str, ...]
    solution: tuple[Callable, ...]
    margins: tuple[float, ...] = ()
    alike: Callable[[Answer, Answer], bool] = eq
    graded: bool = True

    def examine(self, answer: object) -> str:
        """El mensaje de «Correcto», o un `Outcome` con otro veredicto."""
        account, value = split_answer(answer)
        case = self.case(account)
        given, right = self.read(value, case), self.right(case)
        if self._is_right(given, right):
            return self.praise.format(case=case)
        suspect = self.alike(given, self.right(self.case(""))) and not self.alike(given, right)
        reasons = self._with_sample(given, case) if suspect else self.reasons(given, case)
        message = next((message for holds, message in reasons if holds), None)
        if message is None:
            raise ValueError("reasons: ninguna razón se cumplió; la última debe cumplirse siempre.")
        raise Revise(message)

    def sources(self) -> tuple[Callable, ...]:
        """Las funciones cuyo código resuelve el ejercicio."""
        return self.solution

    def _with_sample(self, given: Answer, case: Case) -> list[tuple[bool, str]]:
        """Las razones que van antes que LIKE_SAMPLE, y ésta, que se cumple."""
        reasons = list(self.reasons(given, case))
        before = reasons.index(LIKE_SAMPLE) if LIKE_SAMPLE in reasons else 0
        return [*reasons[:before], (True, LIKE_SAMPLE[1])]

    def _is_right(self, given: Answer, right: Answer) -> bool:
        if not self.margins:
            return given == right
        return all(abs(a - b) <= margin if margin else a == b for a, b, margin in zip(given, right, self.margins))


def case_generator() -> torch.Generator:
    """De donde salen los casos al azar; quien da el curso los cambia con la variable LABKIT_SEMILLA."""
    text = os.environ.get("LABKIT_SEMILLA", "0")
    return torch.Generator().manual_seed(int(text) if text.isdigit() else 0)

"""Las reflexiones modelo: dos por lección, sobre cuentas de ejemplo que `assign` no le da a nadie.

Los números que salen de lo que le toca a esa cuenta no están escritos: se ponen al hacer el paquete. Los demás se
midieron con ella, y tests/test_teacher_models.py los vuelve a medir.
"""
import re
from dataclasses import dataclass
from pathlib import Path

from labkit.exercises import EXERCISES
from labkit.exercises.kinds import Finding
from labkit.teacher.tasks import Task, tasks
from labkit.teacher.variants import answer_words, variant_words

FOLDER = Path(__file__).parent / "reflections"
NO_NUMBERS = "Hice las cuentas y salió como en la lección."


@dataclass(frozen=True)
class Model:
    """Una reflexión modelo. kind: «con hallazgo» o «resultado negativo»;  parts: celda → sus párrafos."""
    kind: str
    account: str
    parts: dict[str, tuple[str, ...]]

    def example(self, task: Task, points: int) -> str:
        """Una respuesta que vale esos puntos: entera, sin su último párrafo, o solo con lo que no alcanza."""
        paragraphs = self.parts[task.grade_id]
        if points == 0 and "números" in task.prompt.partition("*Se califica")[2]:
            return NO_NUMBERS
        missing = int(task.points) - points
        return "\n\n".join(paragraphs[:max(1, len(paragraphs) - missing)])


def models(lesson: str) -> list[Model]:
    """Las de una lección, con los números de su cuenta. FileNotFoundError si la lección no tiene."""
    text = (FOLDER / f"{lesson}.md").read_text(encoding="utf-8")
    found = []
    for piece in re.split(r"^# ", text, flags=re.MULTILINE)[1:]:
        head, _, body = piece.partition("\n")
        kind, _, account = head.partition(" · ")
        cases = known_cases(lesson, account.strip())
        sections = re.split(r"^## ", body, flags=re.MULTILINE)[1:]
        parts = {name.strip(): _paragraphs(section, cases) for name, _, section in
                 (section.partition("\n") for section in sections)}
        found.append(Model(kind, account.strip(), parts))
    return found


def findings(lesson: str) -> list[str]:
    """Los ejercicios de esa lección que se contestan midiendo, en el orden del cuaderno."""
    names = [task.exercise for task in tasks(lesson) if not task.by_hand]
    return [name for name in names if isinstance(EXERCISES[name], Finding)]


def known_cases(lesson: str, account: str) -> dict[str, object]:
    """Lo que le toca a una cuenta en cada hallazgo, con su nombre, y la respuesta, con r_ antes."""
    found = {}
    for name in findings(lesson):
        case = EXERCISES[name].case(account)
        found |= {name: case, f"r_{name}": EXERCISES[name].right(case)}
    return found


def _paragraphs(section: str, cases: dict[str, object]) -> tuple[str, ...]:
    blocks = [re.sub(r"\n(?!\|)", " ", block) for block in section.strip().split("\n\n")]     # las tablas, como están
    return tuple(block.format(**cases) for block in blocks)


def finding_titles(lesson: str) -> dict[str, str]:
    """Hallazgo → el título de su ejercicio, como está en el cuaderno."""
    return {task.exercise: task.title for task in tasks(lesson) if task.exercise in findings(lesson)}


def case_words(lesson: str, account: str) -> str:
    """Lo que le toca a una cuenta en los hallazgos de una lección y lo que hay que responder."""
    cases = known_cases(lesson, account)
    return "\n\n".join(f"{title}\nLa respuesta: {answer_words(name, cases[f'r_{name}'])}\n"
                       f"{variant_words(name, cases[name])}" for name, title in finding_titles(lesson).items())

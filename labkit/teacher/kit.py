"""`kit`: las respuestas de cada quien, los casos del secreto, las reflexiones modelo y ejemplos de la rúbrica."""
from itertools import islice
from pathlib import Path

from labkit.exercises import EXERCISES
from labkit.exercises.kinds import Function
from labkit.files import write_text
from labkit.teacher.course import Course, CourseError
from labkit.teacher.examples import finding_titles, known_cases, models
from labkit.teacher.judging import cases_from
from labkit.teacher.pages import Markup, counted, document, pre, table, text
from labkit.teacher.roster import Student, load_roster
from labkit.teacher.rubric import levels
from labkit.teacher.running import seeds_for
from labkit.teacher.tasks import Task, lesson_title, tasks
from labkit.teacher.variants import ANSWERS, answer_words, variant_words

SHOWN = 3                                       # casos de cada ejercicio que se describen por estudiante
COPIED = (
    "El repositorio del curso es público: trae labkit, sus pruebas, las tablas de las variantes y estas reflexiones "
    "modelo. Da por conocido todo eso. Los puntos que revisa un programa ({auto:g} de {total:g}) los puede tener quien "
    "copie: la función, del código de labkit; el hallazgo, de data/ejercicios. Los que lees tú ({hand:g} de {total:g}) "
    "piden números de su variante, una comparación con su predicción y un control: una copia de estos modelos se nota, "
    "porque su cuenta no le toca a nadie. Por eso un examen oral corto, por sorteo, vale más que cualquier detector.")
EXAMPLES = (
    "Las reflexiones son de las cuentas {accounts}, de seis cifras: `assign` da llaves de ocho. Sus números salen de "
    "las tablas del curso o se midieron con el cuaderno y esa cuenta; lo que aún va entre corchetes falta medirlo. Los "
    "ejemplos de menos puntos son el mismo texto, recortado.")


def kit(course: Course, lessons: list[str]) -> list[Path]:
    """Escribe `kit/LECCIÓN.html` por cada una; da los archivos. No lo repartas: trae las respuestas de cada quien."""
    people = load_roster(course)
    for name in lessons:
        write_text(course.place("kit", f"{name}.html"), kit_page(course, name, people))
    return [course.place("kit", f"{name}.html") for name in lessons]


def kit_page(course: Course, lesson: str, people: list[Student]) -> str:
    """La página, en HTML."""
    worth = tasks(lesson)
    auto, hand = (sum(task.points for task in worth if task.by_hand == kind) for kind in (False, True))
    title = f"{course.title} · {lesson_title(lesson)} · para quien da clase"
    pieces = [f"<h1>{text(title)}</h1>", "<p><b>No la repartas: trae las respuestas de cada quien.</b></p>",
              "<h2>Qué puntos se pueden copiar</h2>",
              f"<p>{text(COPIED.format(auto=auto, hand=hand, total=auto + hand))}</p>",
              _answers(lesson, people), _cases(course, lesson, people), _rubrics(lesson, worth)]
    return document(title, "\n".join(pieces))


def _answers(lesson: str, people: list[Student]) -> str:
    """La variante de cada quien en cada hallazgo, y su respuesta."""
    pieces = ["<h2>La variante de cada quien, y su respuesta</h2>"]
    for name, title in finding_titles(lesson).items():
        rows, seen = [], {}
        for person in people:
            cases = known_cases(lesson, person.key)
            seen.setdefault(repr(cases[name]), []).append(person)
            rows.append((person.name, person.key, answer_words(name, cases[f"r_{name}"]), Markup(
                f"<details><summary>ver</summary>{pre(variant_words(name, cases[name]), 'prose')}</details>")))
        shared = max(map(len, seen.values()), default=0)
        pieces += [f"<h3>{text(title)}</h3><p>{_spread(len(seen), len(people), shared)}{text(_near(name))}</p>",
                   table(("Quién", "Llave", "Respuesta", "Lo que le toca"), rows)]
    return "\n".join(pieces)


def _near(name: str) -> str:
    """Qué diferencia se perdona, y en qué parte de la respuesta; vacío si ninguna."""
    said = [f"{margin:g} en {label}" for margin, label in zip(EXERCISES[name].margins, ANSWERS[name]) if margin]
    return f" Se perdona una diferencia de {' y '.join(said)}." if said else ""


def _spread(variants: int, people: int, shared: int) -> str:
    """Cuántas variantes tocaron, y cuántas personas tienen la más común."""
    found = f"{counted(variants, 'variante')} entre {counted(people, 'persona')}"
    return f"{found}; la más común la {'tiene' if shared == 1 else 'tienen'} {shared}."


def _cases(course: Course, lesson: str, people: list[Student]) -> str:
    """Con qué casos se califica cada función, por persona: salen del secreto, y son otros que los de clase."""
    pieces = ["<h2>Los casos con que se califica</h2>", "<p>Salen del secreto y de la llave; son otros que los que "
              f"se ven en clase. De cada ejercicio, los primeros {SHOWN}. Para verlos en un cuaderno: la variable "
              "LABKIT_SEMILLA con ese número.</p>"]
    functions = [task for task in tasks(lesson) if task.exercise and isinstance(EXERCISES[task.exercise], Function)]
    for task in functions:
        rows = [(person.name, *_seeded(task, seeds_for(course, lesson, person.key)[task.grade_id]))
                for person in people]
        pieces.append(f"<details><summary>{text(task.title)}: {text(task.exercise)}</summary>"
                      f"{table(('Quién', 'Semilla', 'Los primeros casos'), rows, (1,))}</details>")
    return "\n".join(pieces)


def _seeded(task: Task, seed: int) -> tuple[int, str]:
    exercise = EXERCISES[task.exercise]
    with cases_from(seed):
        return seed, "; ".join(exercise.describe(*case) for case in islice(exercise.cases(), SHOWN))


def _rubrics(lesson: str, worth: list[Task]) -> str:
    """Lo que se lee a mano: qué vale cada punto, con un ejemplo de cada uno."""
    try:
        examples = models(lesson)
    except FileNotFoundError:
        raise CourseError(f"{lesson} no tiene reflexiones modelo en labkit/teacher/reflections.") from None
    accounts = " y ".join(model.account for model in examples)
    pieces = ["<h2>La parte a mano</h2>", f"<p>{text(EXAMPLES.format(accounts=accounts))}</p>"]
    for task in (task for task in worth if task.by_hand):
        pieces.append(f"<h3>{text(task.title)}</h3>")
        for points, says in sorted(levels(task).items(), reverse=True):
            pieces.append(f"<p><b>{counted(points, 'punto')}:</b> {text(says)}.</p>")
            pieces += [f"<p class=soft>Ejemplo, {text(model.kind)}:</p>{pre(model.example(task, points), 'prose')}"
                       for model in examples]
    return "\n".join(pieces)

"""`grade`: corre y juzga lo entregado de una lección, en paralelo; lo que ya está calificado no se repite."""
import base64
import hashlib
import json
import os
from collections import Counter
from collections.abc import Sequence
from concurrent.futures import FIRST_EXCEPTION, Future, ThreadPoolExecutor, wait
from contextlib import suppress
from dataclasses import dataclass, field
from queue import Empty, Queue
from threading import Lock
from time import monotonic

import torch

from labkit.progress import progress
from labkit.teacher.collecting import attempts, attempts_note, standing, write_json
from labkit.teacher.course import Course, Lesson
from labkit.teacher.judging import judge
from labkit.teacher.marks import seal_marks
from labkit.teacher.roster import load_roster
from labkit.teacher.running import Keeper, RunFailed, run_submission, seeds_for, without_sources
from labkit.teacher.shield import Shield
from labkit.teacher.tasks import grade_id_of, original, tasks
from labkit.teacher.workings import own_cells

GRADED, UNGRADED = "calificada", "no calificada"
LOOK, LONG = 1.0, 10                            # segundos: cada cuánto se mira, y desde cuándo algo tarda
BAR = "{desc}: {percentage:3.0f} % |{bar:20}| {n_fmt} de {total_fmt} {unit}{postfix}"    # sin un tiempo que no se sabe
OURS_FAILED = "falló el programa que califica, y no es culpa de la entrega"


@dataclass
class Graded:
    """Lo que hizo un `grade`: cuántas de cada estado, cuántas ya estaban, y con qué protección corrió.

    ungraded: llave → por qué no se calificó.  protections: solo de las que corrieron.
    """
    states: Counter = field(default_factory=Counter)
    before: int = 0
    protections: Counter = field(default_factory=Counter)
    says: set[str] = field(default_factory=set)
    ungraded: dict[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class Work:
    """Una entrega por calificar: de quién es, el intento que cuenta, la huella de con qué se califica y los avisos."""
    key: str
    receipt: dict
    stamp: str
    notices: list[str]


def grade(course: Course, lesson: Lesson, again: bool = False, shield: Shield | None = None) -> Graded:
    """Califica lo que falte de una lección; deja `calificaciones/LECCIÓN/LLAVE.json` y `respuestas/…`, uno por persona.

    again: también lo que ya estaba.  shield: con qué protección; si no se dice, la mejor que haya.
    """
    pending, summary = [], Graded()
    for work in _works(course, lesson):
        if again or not _is_done(course, lesson, work):
            pending.append(work)
        else:
            summary.before += 1
            _renew_notices(course, lesson, work)
    if pending:
        seal_marks(course, lesson.name)         # lo puesto a mano es de lo que se leyó, no de lo que llega
        _all(course, lesson, pending, summary, shield)
    for path in sorted(course.place("calificaciones", lesson.name).glob("*.json")):
        result = json.loads(path.read_text(encoding="utf-8"))
        summary.states[result["estado"]] += 1
        if result["estado"] == UNGRADED:
            summary.ungraded[path.stem] = result["motivo"]
    return summary


def _works(course: Course, lesson: Lesson) -> list[Work]:
    stamp = hashlib.sha256(json.dumps([course.derive("huella"), course.limits.seconds, course.limits.memory,
                                       without_sources().name]).encode()).hexdigest()[:16]
    found = []
    for person in load_roster(course):
        receipts = attempts(course, lesson.name, person.key)
        if receipt := standing(receipts):
            notices = [*receipt["avisos"], *filter(None, [attempts_note(receipts)])]
            found.append(Work(person.key, receipt, f"{receipt['intento']}/{stamp}", notices))
    return found


def _renew_notices(course: Course, lesson: Lesson, work: Work) -> None:
    """Pone al día los avisos de una ya calificada: pudo llegar otro intento que no cuenta, por dañado."""
    path = course.place("calificaciones", lesson.name, f"{work.key}.json")
    result = json.loads(path.read_text(encoding="utf-8"))
    if result["avisos"] != work.notices:
        write_json(path, result | {"avisos": work.notices})


def _is_done(course: Course, lesson: Lesson, work: Work) -> bool:
    path = course.place("calificaciones", lesson.name, f"{work.key}.json")
    if not path.is_file():
        return False
    result = json.loads(path.read_text(encoding="utf-8"))
    return result["huella"] == work.stamp and not result["motivo"].startswith(OURS_FAILED)


def _all(course: Course, lesson: Lesson, works: Sequence[Work], summary: Graded, shield: Shield | None) -> None:
    """Las califica en paralelo, cada guardián una a la vez. Ctrl+C deja guardado lo que ya se calificó."""
    count = min(course.limits.processes or os.cpu_count() or 1, len(works))
    waiting: Queue[Work] = Queue()
    for work in works:
        waiting.put(work)
    lock = Lock()
    keepers: list[Keeper] = []
    with progress("Calificando", len(works), "entregas", delay=0.5) as bar:
        bar.bar_format = BAR

        def attend(slot: int) -> None:
            with Keeper(course, lesson.name, slot, shield) as keeper:
                keepers.append(keeper)
                while (work := _next(waiting)) is not None:
                    result = _one(course, lesson, work, keeper, lock)
                    with lock:
                        write_json(course.place("calificaciones", lesson.name, f"{work.key}.json"), result)
                        if result["protección"]:
                            summary.protections[result["protección"]] += 1
                            summary.says.add(keeper.shield.says)
                        bar.set_postfix_str(waiting_words(bar.total - bar.n - 1), refresh=False)
                        bar.update()

        with ThreadPoolExecutor(count) as pool:
            try:
                _watch([pool.submit(attend, slot) for slot in range(count)], keepers, bar, course.limits.seconds)
            except BaseException:
                while _next(waiting):
                    pass
                raise


def _watch(futures: list[Future], keepers: list[Keeper], bar: object, limit: int) -> None:
    """Espera a que acaben; mientras, la barra dice cuántas faltan y cuánto puede tardar la que tarda más."""
    while True:
        done, open_ones = wait(futures, LOOK, FIRST_EXCEPTION)
        for future in done:
            future.result()
        if not open_ones:
            return
        spent = [monotonic() - keeper.since for keeper in keepers if keeper.since is not None]
        bar.set_postfix_str(waiting_words(bar.total - bar.n, max(spent, default=0.0), limit))


def waiting_words(left: int, spent: float = 0.0, limit: int = 0) -> str:
    """Lo que dice la barra de lo que falta. spent: segundos que lleva el ejercicio que tarda más;  limit: su tope."""
    said = f"{'falta' if left == 1 else 'faltan'} {left}"
    if spent < LONG:
        return said
    more = f"hasta {limit - spent:.0f} s más" if spent < limit else f"se corta a los {limit} s de procesador"
    return f"{said}: la más lenta, {more}"


def _next(waiting: Queue) -> Work | None:
    with suppress(Empty):
        return waiting.get_nowait()
    return None


def _one(course: Course, lesson: Lesson, work: Work, keeper: Keeper, lock: Lock) -> dict:
    """El resultado de una entrega; pase lo que pase, uno."""
    receipt = work.receipt
    result = {
        "llave": work.key, "lección": lesson.name, "intento": receipt["intento"], "huella": work.stamp,
        "protección": "", "estado": UNGRADED, "motivo": receipt["problema"], "ejercicios": [], "a_mano": [],
        "días_tarde": receipt["días_tarde"], "avisos": work.notices, "reparaciones": receipt["reparaciones"],
    }
    if receipt["problema"]:
        return result
    try:
        folder = course.place("entregas", lesson.name, work.key, receipt["intento"])
        book = json.loads((folder / "entrega.ipynb").read_text(encoding="utf-8"))
        seeds = seeds_for(course, lesson.name, work.key)
        records = run_submission(keeper, book, seeds)
        write_json(course.place("respuestas", lesson.name, f"{work.key}.json"),
                   {"intento": receipt["intento"], "respuestas": records})
        with lock, torch.random.fork_rng(devices=[]):
            result["ejercicios"] = [_judged(task, records[task.grade_id], work.key, seeds[task.grade_id])
                                    for task in tasks(lesson.name) if not task.by_hand]
        result |= {"estado": GRADED, "protección": keeper.shield.name, "a_mano": by_hand(book, lesson.name)}
    except RunFailed as error:
        result["motivo"] = f"{OURS_FAILED}: {error}"
    except Exception as error:                  # una entrega no detiene a las demás, ni por una falla nuestra
        result["motivo"] = f"{OURS_FAILED}: {type(error).__name__}: {error}"
    return result


def _judged(task: object, record: dict, key: str, seed: int) -> dict:
    verdict = judge(task.exercise, record, key, seed)
    return {"celda": task.grade_id, "ejercicio": task.exercise, "de": task.points,
            "puntos": task.points if verdict.ok else 0.0, "símbolo": verdict.mark, "palabra": verdict.word,
            "mensaje": verdict.message, "dibujo": base64.b64encode(verdict.picture or b"").decode("ascii")}


def by_hand(book: dict, lesson: str) -> list[dict]:
    """Lo que se lee a mano: qué escribió, y si dejó el texto como venía."""
    blank = {grade_id_of(cell): cell["source"] for cell in original(lesson)["cells"]}
    written = {grade_id_of(cell): cell["source"] for cell in book["cells"] if grade_id_of(cell)}
    own = own_cells(book, lesson)               # quien contestó en una celda suya sí escribió
    return [{"celda": task.grade_id, "de": task.points, "texto": written[task.grade_id][:20_000],
             "sin_escribir": _same(written[task.grade_id], blank[task.grade_id]) and task.title not in own}
            for task in tasks(lesson) if task.by_hand]


def _same(text: str, blank: str) -> bool:
    return not text.strip() or text.split() == blank.split()

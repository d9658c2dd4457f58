"""Correr una entrega desde fuera: el encargo, el guardián que la corre protegida y lo que se recoge, solo datos."""
import hashlib
import json
import os
import py_compile
import shutil
import subprocess
import tempfile
import threading
from contextlib import suppress
from pathlib import Path
from queue import Empty, Queue
from secrets import token_hex
from time import monotonic

import psutil

from labkit.downloads import cache_path
from labkit.teacher.course import Course
from labkit.teacher.shield import Place, Shield, environment, python, shields
from labkit.teacher.tasks import asked_of, grade_id_of, mark_of, original, tasks

PACKAGE = Path(__file__).parents[1]
SERVE = "import sys; from labkit.teacher.serve import main; main(sys.argv[1:])"
STARTING, SLACK, PATIENCE = 600, 60, 8          # segundos: para arrancar, de más, y de reloj por uno de procesador
RECORD, GONE = 100_000_000, "murió"             # bytes de lo que responde un ejercicio; cómo acaba quien no dijo cómo


class RunFailed(RuntimeError):
    """No se pudo correr la entrega, y no es culpa de ella."""


def without_sources() -> Path:
    """labkit compilado y sin sus fuentes, para que una entrega no lo lea; se hace una vez por versión, en la caché."""
    sources = sorted(PACKAGE.rglob("*.py"))
    stamp = hashlib.sha256()
    for path in sources:
        stamp.update(f"{path.relative_to(PACKAGE)}\n".encode() + path.read_bytes())
    place = cache_path("sin_fuentes", stamp.hexdigest()[:16]).resolve()
    if not place.is_dir():
        partial = place.with_name(f"{place.name}.{token_hex(4)}.parcial")
        for path in sources:
            target = (partial / "labkit" / path.relative_to(PACKAGE)).with_suffix(".pyc")
            target.parent.mkdir(parents=True, exist_ok=True)
            name = place / "labkit" / path.relative_to(PACKAGE)
            py_compile.compile(str(path), cfile=str(target), dfile=str(name), doraise=True)
        for path in (partial, *partial.rglob("*")):
            path.chmod(0o755 if path.is_dir() else 0o644)
        with suppress(OSError):                 # otro pudo hacerla a la vez
            partial.rename(place)
        shutil.rmtree(partial, ignore_errors=True)
    return place


def steps(book: dict, lesson: str) -> list[dict]:
    """Lo que hay que hacer con un cuaderno reparado: correr celdas, cada una a cuenta de un ejercicio, y preguntar."""
    known = {cell["source"] for cell in original(lesson)["cells"]}
    by_check = {task.grade_id: task for task in asked_of(lesson)}
    found, pending = [], []
    for cell in book["cells"]:
        task = by_check.get(grade_id_of(cell))
        if cell["cell_type"] != "code":
            continue
        if task is None:
            own = bool(mark_of(cell).get("solution")) or cell["source"] not in known
            pending.append({"source": cell["source"], "own": own})
            continue
        found += [{**step, "task": task.grade_id} for step in pending]
        found.append({"task": task.grade_id, "exercise": task.exercise, "expression": task.expression})
        pending = []
    return found


class Keeper:
    """Un guardián encendido: corre entregas, una a la vez. Si algo lo mata, se vuelve a encender solo."""

    def __init__(self, course: Course, lesson: str, slot: int, shield: Shield | None = None) -> None:
        self.course, self.lesson = course, lesson
        self.box = Path(tempfile.mkdtemp(prefix="labkit-")).resolve()
        self.place = Place(self.box, without_sources(), slot)
        self.choices = [shield] if shield else shields()
        self.shield, self.since = self.choices[0], None         # since: desde cuándo corre el ejercicio en que va
        self._process: subprocess.Popen | None = None
        self._lines: Queue[str] = Queue()
        self._own(self.box)

    def __enter__(self) -> "Keeper":
        return self

    def __exit__(self, *error: object) -> None:
        self.stop()
        shutil.rmtree(self.box, ignore_errors=True)

    def start(self) -> None:
        """Lo enciende con la primera protección que funcione. RunFailed si ninguna."""
        said = ""
        for shield in self.choices:
            self._launch(shield)
            try:
                if "listo" in self._hear(STARTING):
                    self.shield, self.choices = shield, [shield]
                    return
            except RunFailed as error:
                said = str(error)
            said = self._complaint() or said
            self.stop()
        raise RunFailed(f"no pude encender el proceso que corre las entregas: {said or 'no dijo por qué'}")

    def stop(self) -> None:
        """Lo apaga, con todo lo que haya dejado corriendo."""
        if self._process is not None:
            with suppress(psutil.Error):        # primero se anotan: al morir el de afuera ya no se sabe cuáles eran
                for process in [*psutil.Process(self._process.pid).children(recursive=True)]:
                    with suppress(psutil.Error):
                        process.kill()
            self._process.kill()
            self._process.wait()
            for stream in (self._process.stdin, self._process.stdout):
                with suppress(OSError):
                    stream.close()
        self._process = None

    def run(self, job: dict) -> tuple[dict, dict[str, dict]]:
        """Corre un encargo: cómo terminó, {"fin", "task", "phase"}, y lo que dejó escrito de cada ejercicio."""
        if self._process is None or self._process.poll() is not None:
            self.stop()
            self.start()
        folder = Path(tempfile.mkdtemp(dir=self.box))
        (folder / "out").mkdir()
        (folder / "job.json").write_text(json.dumps(job), encoding="utf-8")
        for path in (folder, folder / "out", folder / "job.json"):
            self._own(path)
        limits = self.course.limits
        order = {"folder": str(folder), "seconds": limits.seconds, "memory": limits.memory,
                 "tasks": sorted({step["task"] for step in job["steps"]})}
        try:
            end = self._order(order, PATIENCE * limits.seconds + SLACK)
            return end, _collect(folder / "out", order["tasks"])
        finally:
            shutil.rmtree(folder, ignore_errors=True)

    def _order(self, order: dict, most: float) -> dict:
        last = {"fin": GONE, "task": "", "phase": "celdas"}
        try:
            self._process.stdin.write(json.dumps(order) + "\n")
            self._process.stdin.flush()
            while True:
                news = self._hear(most)
                if "va" in news:
                    self.since = self.since if news["va"][0] == last["task"] else monotonic()
                    last |= {"task": news["va"][0], "phase": news["va"][1]}
                elif "fin" in news:
                    return {"fin": news["fin"], "task": news["task"], "phase": news["phase"]}
        except (OSError, RunFailed):
            self.stop()
            return last
        finally:
            self.since = None

    def _launch(self, shield: Shield) -> None:
        names = ",".join(task.exercise for task in tasks(self.lesson) if task.exercise)
        command = [python(), "-c", SERVE, str(self.box), names, "1" if shield.isolates else "0"]
        self._errors = tempfile.TemporaryFile()
        self._process = subprocess.Popen(
            shield.wrap(command, self.place), cwd=self.box, env=environment(self.box, self.place.package), text=True,
            stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=self._errors, encoding="utf-8", errors="replace",
            start_new_session=os.name == "posix")
        self._lines = Queue()
        threading.Thread(target=_read, args=(self._process.stdout, self._lines), daemon=True).start()

    def _hear(self, most: float) -> dict:
        try:
            line = self._lines.get(timeout=most)
            news = json.loads(line) if line else None
        except (Empty, ValueError):
            news = None
        if not isinstance(news, dict):
            raise RunFailed("el proceso que corre las entregas no contesta")
        return news

    def _complaint(self) -> str:
        self._errors.seek(0)
        lines = self._errors.read().decode("utf-8", "replace").strip().splitlines()
        return lines[-1][:300] if lines else ""

    def _own(self, path: Path) -> None:
        """Que la carpeta sea del usuario con que corre la entrega, si es otro."""
        if os.name == "posix" and os.geteuid() == 0 and any(shield.isolates for shield in self.choices):
            os.chown(path, self.place.user, self.place.user)


def _read(stream: object, lines: Queue) -> None:
    with suppress(ValueError, OSError):
        for line in stream:
            lines.put(line)
    lines.put("")


def _collect(folder: Path, names: list[str]) -> dict[str, dict]:
    """Lo que dejó escrito, de cada ejercicio que lo dejó."""
    paths = {name: folder / f"{name}.json" for name in names}
    return {name: _record(path) for name, path in paths.items() if os.path.lexists(path)}


def _record(path: Path) -> dict:
    """Un archivo de los que escribe la entrega, leído sin seguir enlaces, sin esperar y con tope."""
    flags = os.O_RDONLY | vars(os).get("O_NOFOLLOW", 0) | vars(os).get("O_NONBLOCK", 0)
    try:
        with os.fdopen(os.open(path, flags), "rb") as file:
            data = file.read(RECORD + 1)
        record = json.loads(data) if len(data) <= RECORD else None
    except (OSError, ValueError, RecursionError):
        record = None
    return record if isinstance(record, dict) else {"fin": "ilegible", "mensaje": ""}


def run_submission(keeper: Keeper, book: dict, seeds: dict[str, int]) -> dict[str, dict]:
    """Lo que respondió una entrega en cada ejercicio. Lo que un ejercicio cuelga o mata le cuesta solo a él.

    RunFailed si ni siquiera se pudo empezar.
    """
    lesson, course = keeper.lesson, keeper.course
    asked = asked_of(lesson)
    plan, done, dropped = steps(book, lesson), {}, set()
    texts = [cell["source"] for cell in original(lesson)["cells"] if cell["cell_type"] == "code"]
    for _ in range(2 * len(asked) + 2):
        job = {"steps": [step for step in plan if (step["task"], step.get("own")) not in dropped], "seeds": seeds,
               "done": sorted(done), "original": texts, "hidden": _hidden(course, keeper)}
        end, records = keeper.run(job)
        done = records | done                   # de un ejercicio vale lo primero que se supo
        if end["fin"] == "ok" or len(done) == len(asked):
            break
        if not end["task"]:
            raise RunFailed(f"el proceso terminó antes de empezar ({end['fin']})")
        if end["phase"] == "celdas":
            dropped |= {(end["task"], True)} if (end["task"], True) not in dropped else {(end["task"], False)}
        done.setdefault(end["task"], {"fin": end["fin"], "mensaje": ""})
    return {task.grade_id: done.get(task.grade_id, {"fin": GONE, "mensaje": ""}) for task in asked}


def _hidden(course: Course, keeper: Keeper) -> list[str]:
    """Lo que una entrega no debe leer, donde la única barrera es Python."""
    tables = Path(environment(keeper.box, keeper.place.package)["LABKIT_DATOS"]) / "ejercicios"
    return [str(tables), str(keeper.box), str(course.folder)]


def seeds_for(course: Course, lesson: str, key: str) -> dict[str, int]:
    """De qué número salen los casos de cada ejercicio, distinto por persona."""
    return {task.grade_id: course.derive("casos", lesson, task.grade_id, key) for task in asked_of(lesson)}

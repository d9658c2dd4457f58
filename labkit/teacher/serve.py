"""El guardián de los procesos que corren entregas: uno a la vez, con reloj, tope de memoria y nada que sobreviva.

Se ejecuta dentro de la protección (`shield`). Lee por la entrada un encargo por línea, {"folder", "tasks", "seconds",
"memory"}, y contesta por la salida, también una línea por noticia: en qué va el hijo y cómo terminó. Carga labkit una
sola vez; no lee nada de ninguna entrega.
"""
import json
import multiprocessing
import os
import shutil
import sys
import time
from contextlib import suppress
from multiprocessing.connection import Connection, wait
from multiprocessing.process import BaseProcess
from pathlib import Path

import psutil

from labkit.exercises import EXERCISES
from labkit.exercises.kinds import Finding
from labkit.teacher.limits import limit_child, undumpable
from labkit.teacher.worker import CELLS, END, work

LOOK, DISK = 0.2, 400_000_000                   # cada cuántos segundos se mira; bytes en disco
PATIENCE = 8                                    # segundos de reloj por cada uno de procesador, para lo que solo espera
SCRATCH = ("/tmp", "/dev/shm")


def main(arguments: list[str]) -> None:
    """Atiende encargos hasta que se cierra la entrada. arguments: su carpeta, los ejercicios, y 1 si está aislado."""
    box, exercises, alone = arguments[0], arguments[1].split(","), arguments[2] == "1"
    talk = os.fdopen(os.dup(1), "w", encoding="utf-8")
    null = os.open(os.devnull, os.O_RDWR)
    os.dup2(null, 1)
    os.dup2(null, 2)
    os.chdir(box)
    undumpable()
    _warm(exercises)
    print(json.dumps({"listo": os.getpid()}), file=talk, flush=True)
    for line in sys.stdin:
        order = json.loads(line)
        end = Child(order, talk, alone).run()
        print(json.dumps(end), file=talk, flush=True)


def _warm(names: list[str]) -> None:
    """Carga una vez lo que tarda: la letra de las figuras y las tablas de los hallazgos."""
    import matplotlib.pyplot as plt

    figure = plt.figure()
    figure.text(0, 0, "á")
    figure.canvas.draw()
    plt.close(figure)
    for name in names:
        exercise = EXERCISES.get(name)
        if isinstance(exercise, Finding):
            with suppress(Exception):           # si la tabla está dañada, ya lo dirá quien juzga
                exercise.case("")


class Child:
    """Un hijo que corre una entrega, y el reloj que lleva."""

    def __init__(self, order: dict, talk: object, alone: bool) -> None:
        self.order, self.talk, self.alone = order, talk, alone
        self.task, self.phase = "", CELLS
        self.began, self.worked = time.monotonic(), 0.0     # del ejercicio: cuándo empezó, y con cuánto procesador
        self.waited: dict[str, float] = {}
        self.spent: dict[str, float] = {}
        self.base, self.parent = psutil.Process().memory_info().rss, os.getppid()

    def run(self) -> dict:
        """Lo corre y dice cómo terminó: {"fin": ok, tiempo, memoria, disco o murió, "task", "phase"}."""
        context = multiprocessing.get_context("fork" if sys.platform == "linux" else "spawn")
        mine, told = context.Pipe(duplex=False)
        child = context.Process(target=_start, args=(self.order, told, mine), daemon=False)
        child.start()
        told.close()
        try:
            end = self._watch(child, mine)
        finally:
            self._sweep(child)
            mine.close()
        return {"fin": end, "task": self.task, "phase": self.phase}

    def _watch(self, child: BaseProcess, mine: Connection) -> str:
        while True:
            ready = wait([mine, child.sentinel], timeout=LOOK)
            if mine in ready and not self._hear(mine):
                return "ok" if self.phase == END else "murió"
            if self.phase == END:
                return "ok"
            if child.sentinel in ready and mine not in ready:
                return "murió"
            if not self.alone and os.getppid() != self.parent:
                return "tiempo"                 # nadie espera ya la respuesta
            memory, worked = self._use()
            most = self.order["seconds"]
            if (self.spent.get(self.task, 0) + worked - self.worked > most or worked > most * (1 + self._count())
                    or self.waited.get(self.task, 0) + time.monotonic() - self.began > PATIENCE * most):
                return "tiempo"
            if memory > self.order["memory"] * 1_000_000:
                return "memoria"
            if _disk(self.order["folder"]) > DISK:
                return "disco"

    def _count(self) -> int:
        return len(self.order["tasks"])

    def _hear(self, mine: Connection) -> bool:
        """Apunta en qué va; False si ya no dirá nada."""
        try:
            text = mine.recv_bytes(maxlength=400).decode("utf-8", "replace")
        except (EOFError, OSError):
            return False
        now, worked = time.monotonic(), self._use()[1]
        self.waited[self.task] = self.waited.get(self.task, 0) + now - self.began
        self.spent[self.task] = self.spent.get(self.task, 0) + worked - self.worked
        self.began, self.worked = now, worked
        task, _, phase = text.partition("\t")
        if phase == END or task in self.order["tasks"]:
            changed = (task or self.task, phase) != (self.task, self.phase)
            self.task, self.phase = task or self.task, phase
            if changed:
                print(json.dumps({"va": [self.task, self.phase]}), file=self.talk, flush=True)
        return True

    def _use(self) -> tuple[int, float]:
        """Lo que usan el hijo y los suyos: bytes, sin los que este proceso ya ocupaba, y segundos de procesador."""
        memory, worked = 0, 0.0
        for process in self._others():
            with suppress(psutil.Error):
                memory += max(0, process.memory_info().rss - self.base)
                worked += sum(process.cpu_times()[:4])
        return memory, worked

    def _others(self) -> list[psutil.Process]:
        if not self.alone:
            return psutil.Process().children(recursive=True)
        return [psutil.Process(pid) for pid in psutil.pids() if pid not in (1, os.getpid()) and psutil.pid_exists(pid)]

    def _sweep(self, child: BaseProcess) -> None:
        """Que no quede ningún proceso suyo ni nada de lo que escribió fuera de su carpeta."""
        for _ in range(20):
            others = self._others()
            if not others and not child.is_alive():
                break
            for process in others:
                with suppress(psutil.Error):
                    process.kill()
            if self.alone:
                with suppress(OSError):
                    os.kill(-1, 9)
            child.join(0.1)
        if self.alone:
            with suppress(ChildProcessError):
                while os.waitpid(-1, os.WNOHANG)[0]:
                    pass
            for place in SCRATCH:
                _empty(Path(place), Path(self.order["folder"]))


def _start(order: dict, told: Connection, mine: Connection) -> None:
    """Lo primero que hace el hijo: soltar lo que no es suyo, ponerse topes y trabajar."""
    mine.close()
    limit_child(order["memory"])
    os.environ["LABKIT_SEMILLA"] = "0"
    work(order["folder"], told)
    os._exit(0)


def _empty(place: Path, kept: Path) -> None:
    for path in place.glob("*"):
        if path != kept and path not in kept.parents:
            with suppress(OSError):
                shutil.rmtree(path) if path.is_dir() and not path.is_symlink() else path.unlink()


def _disk(folder: str) -> int:
    total, pending = 0, [folder]
    while pending and total < 2 * DISK:
        with suppress(OSError):
            for entry in os.scandir(pending.pop()):
                if entry.is_dir(follow_symlinks=False):
                    pending.append(entry.path)
                    total += 4096
                else:
                    total += 4096 + entry.stat(follow_symlinks=False).st_size
    return total


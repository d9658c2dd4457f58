"""Los topes que el sistema le pone a un proceso: memoria, procesos, tamaño de un archivo. En Windows no hay."""
import ctypes
import os
import sys
from contextlib import suppress
from importlib import import_module

import psutil

FILE, FILES, PROCESSES = 128_000_000, 256, 64
NOT_DUMPABLE = 4                                # PR_SET_DUMPABLE, de prctl(2)


def undumpable() -> None:
    """En Linux, que ningún otro proceso del mismo usuario pueda mirar ni tocar la memoria de este."""
    if sys.platform == "linux":
        ctypes.CDLL(None, use_errno=True).prctl(NOT_DUMPABLE, 0, 0, 0, 0)


def limit_child(megas: int) -> None:
    """Pone los topes a este proceso y a los que haga. megas: cuánta memoria más puede pedir."""
    if os.name != "posix":
        return
    resource = import_module("resource")
    os.setsid()
    caps = {"RLIMIT_CORE": 0, "RLIMIT_FSIZE": FILE, "RLIMIT_NOFILE": FILES, "RLIMIT_NPROC": PROCESSES + _already()}
    if sys.platform == "linux":
        caps["RLIMIT_AS"] = psutil.Process().memory_info().vms + megas * 1_000_000
    for name, most in caps.items():
        kind = getattr(resource, name)
        _, hard = resource.getrlimit(kind)
        most = most if hard == resource.RLIM_INFINITY else min(most, hard)
        with suppress(ValueError, OSError):
            resource.setrlimit(kind, (most, most))


def _already() -> int:
    """Cuántos hilos tiene ya este usuario: el tope del sistema los cuenta todos juntos."""
    mine, total = os.getuid(), 0
    for process in psutil.process_iter(["uids", "num_threads"]):
        uids = process.info["uids"]
        if uids is not None and uids.real == mine:
            total += process.info["num_threads"] or 0
    return total

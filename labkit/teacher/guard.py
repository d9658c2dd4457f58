"""Lo que el código de una entrega no puede hacer mientras corre: llamar a lo prohibido, salir a la red, leer lo ajeno.

Es la segunda barrera, la que lo dice en español: la primera es el proceso aparte (`shield`). Python no puede encerrar a
quien se lo propone; por eso lo que sale de aquí son datos, y se juzgan en otro proceso.
"""
import os
import sys
import sysconfig
import threading
from collections.abc import Collection, Iterator
from contextlib import contextmanager
from pathlib import Path
from types import CodeType, FrameType, FunctionType

OURS = str(Path(__file__).parents[1])
LIBRARY = (sysconfig.get_path("stdlib"), sysconfig.get_path("platstdlib"), "<frozen", "<__array_function__")
INSTALLED = ("site-packages", "dist-packages")
NETWORK = ("socket.connect", "socket.bind", "socket.getaddrinfo", "socket.sendto", "socket.gethostbyname")
PROGRAMS = ("subprocess.Popen", "os.system", "os.exec", "os.posix_spawn", "os.spawn", "pty.spawn", "os.startfile")
OTHERS = ("os.kill", "os.killpg", "sys.settrace", "sys.setprofile")
WRITING = os.O_WRONLY | os.O_RDWR | os.O_CREAT | os.O_TRUNC | os.O_APPEND
CHANGING = ("os.remove", "os.rename", "os.rmdir", "os.mkdir", "os.link", "os.symlink", "os.truncate", "os.chmod")


class Forbidden(PermissionError):
    """Lo que se intentó no se permite al calificar."""


class Guard:
    """Vigila este proceso desde que se pone y para siempre. tripped: lo primero prohibido que se llamó, o vacío.

    allowed: las funciones de labkit.exercises que el cuaderno sí usa.  box: la única carpeta donde se escribe.
    hidden: las que no se leen.
    """

    def __init__(self, allowed: Collection[str], box: Path, hidden: Collection[Path] = ()) -> None:
        self.tripped, self.resting = "", False
        self._names: frozenset[str] = frozenset()
        self._answers = _codes_of_exercises(allowed)
        self._box, self._hidden = os.path.realpath(box), [os.path.realpath(place) for place in hidden]

    def install(self) -> None:
        """La pone; una vez puesta no se puede quitar."""
        sys.addaudithook(self._audit)
        threading.setprofile(self._seen)
        self.watch()

    def watch(self) -> None:
        """Vuelve a mirar las llamadas: Python deja de hacerlo después de cada una que se prohíbe."""
        with self.rest():
            sys.setprofile(self._seen)

    @contextmanager
    def rest(self) -> Iterator[None]:
        """Dentro trabaja el curso, y no se vigila lo que se abre."""
        before, self.resting = self.resting, True
        try:
            yield
        finally:
            self.resting = before

    @contextmanager
    def forbidding(self, names: Collection[str]) -> Iterator[None]:
        """Dentro, quien llame a una función de labkit, o de una biblioteca, con uno de esos nombres se detiene."""
        self._names = frozenset(names)
        self.watch()
        try:
            yield
        finally:
            self._names = frozenset()
            self.watch()

    def take(self) -> str:
        """Lo prohibido que se llamó desde la última vez que se preguntó, o vacío; y se vuelve a mirar."""
        found, self.tripped = self.tripped, ""
        self.watch()
        return found

    # ── lo que se llama ─────────────────────────────────────────────────────────────────────────────────────────────

    def _seen(self, frame: FrameType, event: str, argument: object) -> None:
        if event == "call":
            code = frame.f_code
            if code in self._answers:
                self._stop(frame.f_back, f"labkit.exercises.{code.co_name}: al calificar no se puede llamar")
            elif self._names and self._names_it(frame, code):
                self._stop(frame.f_back, _spanish(code.co_name if code.co_name != "__init__" else ""))
        elif event == "c_call" and self._names:
            if getattr(argument, "__name__", "") in self._names:
                self._stop(frame, _spanish(argument.__name__))

    def _names_it(self, frame: FrameType, code: CodeType) -> bool:
        if code.co_name in self._names:
            return not _is_student(code.co_filename)
        if code.co_name == "__init__" and code.co_varnames:
            built = frame.f_locals.get(code.co_varnames[0])
            return type(built).__name__ in self._names and not _is_student(code.co_filename)
        return False

    def _stop(self, frame: FrameType | None, message: str) -> None:
        """Lanza el error si quien llama, saltando bibliotecas, no es labkit."""
        while frame is not None and not _is_ours(frame.f_code.co_filename):
            if _is_student(frame.f_code.co_filename):
                self.tripped = self.tripped or message
                raise Forbidden(message)
            frame = frame.f_back

    # ── lo que se abre ──────────────────────────────────────────────────────────────────────────────────────────────

    def _audit(self, event: str, arguments: tuple) -> None:
        if self.resting:
            return
        if event in NETWORK:
            raise Forbidden("al calificar no hay red")
        if event in PROGRAMS:
            raise Forbidden("al calificar no se abren otros programas")
        if event in OTHERS and not _starts_a_thread(event):
            raise Forbidden(f"al calificar no se puede usar {event}")
        if event == "open":
            self._opened(*arguments)
        elif event in ("os.listdir", "os.scandir"):
            self._refuse_hidden(arguments[0])
        elif event in CHANGING:
            for argument in arguments:          # al cambiar un nombre, el de antes y el de después
                self._refuse_outside(argument)

    def _opened(self, path: object, mode: object, flags: object) -> None:
        writes = isinstance(flags, int) and flags & WRITING or isinstance(mode, str) and set(mode) & set("wax+")
        if writes:
            self._refuse_outside(path)
        else:
            self._refuse_hidden(path)

    def _refuse_outside(self, path: object) -> None:
        if (place := _place(path)) and not _within(place, self._box) and not place.startswith("/dev/"):
            raise Forbidden("al calificar solo se puede escribir en la carpeta de la entrega")

    def _refuse_hidden(self, path: object) -> None:
        place = _place(path)
        if place and not _within(place, self._box) and any(_within(place, hidden) for hidden in self._hidden):
            raise Forbidden("al calificar no se puede leer eso")


def _spanish(name: str) -> str:
    what = f"{name}: esa" if name else "esa"
    return f"{what} función ya viene hecha. Aquí toca escribirla a ti, sin llamarla."


def _is_ours(filename: str) -> bool:
    return filename.startswith(OURS)


def _is_student(filename: str) -> bool:
    """Si ese código no es de labkit, de Python ni de un paquete instalado."""
    library = filename.startswith(LIBRARY) or any(folder in filename for folder in INSTALLED)
    return not library and not _is_ours(filename)


def _starts_a_thread(event: str) -> bool:
    """Si es Python quien pone la vigilancia en un hilo que empieza."""
    caller = sys._getframe(2).f_code
    return event == "sys.setprofile" and caller is threading.Thread._bootstrap_inner.__code__


def _place(path: object) -> str:
    if isinstance(path, (str, bytes, os.PathLike)):
        return os.path.realpath(os.fsdecode(path))
    return ""


def _within(place: str, folder: str) -> bool:
    return place == folder or place.startswith(folder + os.sep)


def _codes_of_exercises(allowed: Collection[str]) -> frozenset[CodeType]:
    """El código de las funciones de labkit.exercises, menos las que el cuaderno usa."""
    found = set()
    for name, module in list(sys.modules.items()):
        if name.startswith("labkit.exercises"):
            for value in vars(module).values():
                function = getattr(value, "__wrapped__", value)
                if isinstance(function, FunctionType) and function.__module__.startswith("labkit.exercises"):
                    found |= {function.__code__} if function.__name__ not in allowed else set()
    return frozenset(found)

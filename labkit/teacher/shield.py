"""La protección en que corren las entregas: la mejor que permita el sistema, y qué protege cada una.

`bubblewrap`, si está instalado; si no, los espacios de nombres de Linux con `unshare`; si tampoco se puede, un proceso
aparte con topes. En las dos primeras solo se ve Python, labkit sin sus fuentes, los datos del curso y la carpeta de la
entrega; no hay red, y cada proceso tiene su propio usuario si quien califica es el administrador.
"""
import os
import shlex
import shutil
import sys
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from labkit.files import data_path

FIRST_USER = 61_000                             # usuarios que nadie usa, uno por proceso que corre entregas
SYSTEM = ("/usr", "/bin", "/sbin", "/lib", "/lib32", "/lib64", "/etc/ld.so.cache", "/etc/ld.so.conf",
          "/etc/ld.so.conf.d", "/etc/alternatives", "/etc/localtime", "/etc/fonts", "/etc/ssl/certs")
INSTALLED = ("site-packages", "dist-packages")
DEVICES = ("null", "zero", "random", "urandom")
SCRATCH = 64_000_000                            # bytes de /tmp y de /dev/shm
KEPT_FLAGS = {"ST_NOSUID": "nosuid", "ST_NODEV": "nodev", "ST_NOEXEC": "noexec", "ST_NOATIME": "noatime",
              "ST_NODIRATIME": "nodiratime", "ST_RELATIME": "relatime"}


@dataclass(frozen=True)
class Place:
    """Dónde corre un guardián: su carpeta, la de labkit sin fuentes, y qué número de proceso es."""
    box: Path
    package: Path
    slot: int

    @property
    def user(self) -> int:
        """El usuario con que corre, si quien califica es el administrador."""
        return FIRST_USER + self.slot


@dataclass(frozen=True)
class Shield:
    """Una protección: cómo se llama, si aísla (red, archivos, procesos), qué protege y cómo se antepone a una orden."""
    name: str
    isolates: bool
    says: str
    wrap: Callable[[list[str], Place], list[str]]


def shields() -> list[Shield]:
    """Las protecciones que pueden servir aquí, de la mejor a la que siempre se puede."""
    own = "cada entrega corre con un usuario propio, " if _is_root() else ""
    strong = (f"{own}sin red, y solo ve Python, labkit sin sus fuentes, los datos del curso y su carpeta. Hay topes de "
              "tiempo, memoria, procesos y disco.")
    weak = ("un proceso aparte con topes de tiempo y de memoria. La red, y leer o escribir en otras carpetas, se "
            "impiden desde Python: quien se lo proponga puede saltárselo. Para cuidar los demás archivos, califica en "
            "Linux, o con una cuenta que no guarde nada más.")
    found = []
    if sys.platform == "linux":
        if shutil.which("bwrap"):
            found.append(Shield("bubblewrap", True, strong, bubblewrap))
        if all(shutil.which(tool) for tool in ("unshare", "setpriv", "mount", "chroot")):
            found.append(Shield("unshare", True, strong, namespaces))
    return [*found, Shield("proceso", False, weak, lambda command, place: command)]


def python() -> str:
    """El intérprete, sin enlaces en su carpeta."""
    path = Path(sys.executable)
    return str(path.parent.resolve() / path.name)


def environment(place: Path, package: Path) -> dict[str, str]:
    """Las variables que ve una entrega: ninguna de las de quien califica."""
    kept = {name: os.environ[name] for name in ("SYSTEMROOT", "PATHEXT", "WINDIR", "COMSPEC") if name in os.environ}
    folder = str(place)
    return kept | {
        "PATH": os.pathsep.join([os.defpath, "/usr/sbin", "/sbin"]), "PYTHONPATH": str(package),
        "HOME": folder, "TMPDIR": folder, "TEMP": folder, "TMP": folder,
        "LANG": "C.UTF-8", "PYTHONUTF8": "1", "PYTHONDONTWRITEBYTECODE": "1", "PYTHONNOUSERSITE": "1",
        "OMP_NUM_THREADS": "1", "MPLBACKEND": "Agg", "MPLCONFIGDIR": folder, "IPYTHONDIR": folder,
        "LABKIT_DATOS": str(data_path().resolve()), "LABKIT_CACHE": folder, "TORCH_HOME": folder,
        "NBGRADER_EXECUTION": "", "PYTHONHASHSEED": "0",
    }


def readable(place: Place) -> list[Path]:
    """Lo que se ve, además del sistema: Python, sus paquetes, labkit sin fuentes y los datos."""
    found = {Path(sys.prefix).resolve(), Path(sys.base_prefix).resolve(), place.package.resolve(),
             data_path().resolve(), *_links(Path(python()))}
    found |= {Path(entry).resolve() for entry in sys.path if Path(entry).name in INSTALLED}
    system = [Path(top).resolve() for top in SYSTEM]
    found = {path for path in found if path.exists() and not any(top == path or top in path.parents for top in system)}
    return sorted(path for path in found if not any(other in path.parents for other in found))


def _links(path: Path) -> list[Path]:
    """Las carpetas por las que pasa un enlace hasta llegar al archivo."""
    found = []
    while path.is_symlink() and len(found) < 9:
        path = path.parent / path.readlink()
        found.append(path.parent.resolve())
    return found


def bubblewrap(command: list[str], place: Place) -> list[str]:
    """La orden dentro de bubblewrap."""
    parts = ["bwrap", "--die-with-parent", "--new-session", "--unshare-pid", "--unshare-net", "--unshare-ipc",
             "--unshare-uts", "--unshare-cgroup-try", "--proc", "/proc", "--dev", "/dev",
             "--size", str(SCRATCH), "--tmpfs", "/tmp", "--size", str(SCRATCH), "--tmpfs", "/dev/shm"]
    if _is_root():
        parts += ["--cap-drop", "ALL", "--cap-add", "CAP_SETUID", "--cap-add", "CAP_SETGID", "--cap-add", "CAP_SETPCAP"]
    for top in map(Path, SYSTEM):
        if top.is_symlink() and top.parent == Path("/"):
            parts += ["--symlink", str(top.readlink()), str(top)]
        elif top.exists():
            parts += ["--ro-bind", str(top.resolve()), str(top)]
    for path in [*readable(place), place.box]:
        for parent in reversed(path.parents):   # que las carpetas de en medio se puedan atravesar
            parts += ["--perms", "0755", "--dir", str(parent)] if parent != Path("/") else []
    for path in readable(place):
        parts += ["--ro-bind", str(path), str(path)]
    parts += ["--bind", str(place.box), str(place.box), "--remount-ro", "/", "--chdir", "/", "--"]
    return parts + (_drop(place) if _is_root() else []) + command


def namespaces(command: list[str], place: Place) -> list[str]:
    """La orden en espacios de nombres propios, con una raíz hecha a mano: la arma `sh` con mount y chroot."""
    own = [] if _is_root() else ["--user", "--map-root-user"]
    return ["unshare", *own, "--mount", "--net", "--pid", "--ipc", "--uts", "--fork", "--kill-child=KILL", "--",
            "sh", "-ec", root_script(place), "sh", *_drop(place), *command]


def root_script(place: Place) -> str:
    """El guion de sh que arma la raíz, la deja de solo lectura y entra en ella a correr sus argumentos."""
    lines = ["root=$(mktemp -d)", "mount -t tmpfs -o size=16m,mode=755 tmpfs \"$root\"", "cd \"$root\"",
             "mkdir -p proc dev tmp etc", "mount -t proc proc proc",
             f"mount -t tmpfs -o size={SCRATCH},mode=1777 tmpfs tmp", "mount -t tmpfs -o size=1m,mode=755 tmpfs dev",
             "mkdir dev/shm", f"mount -t tmpfs -o size={SCRATCH},mode=1777 tmpfs dev/shm"]
    lines += [f": > dev/{name}; mount --bind /dev/{name} dev/{name}" for name in DEVICES]
    for top in map(Path, SYSTEM):
        if top.is_symlink() and top.parent == Path("/"):
            lines.append(f"ln -s {shlex.quote(str(top.readlink()))} .{shlex.quote(str(top))}")
        elif top.exists():
            lines += _bind(top.resolve(), top)
    for path in readable(place):
        lines += _bind(path, path)
    lines += _bind(place.box, place.box, readonly=False)
    lines += ["mount -o remount,ro,size=16m,mode=755 \"$root\"", "exec chroot \"$root\" \"$@\""]
    return "\n".join(lines)


def _bind(source: Path, target: Path, readonly: bool = True) -> list[str]:
    here, there = shlex.quote(str(source)), f".{shlex.quote(str(target))}"
    make = f"mkdir -p {there}" if source.is_dir() else f"mkdir -p .{shlex.quote(str(target.parent))}; : > {there}"
    lines = [make, f"mount --bind {here} {there}"]
    if readonly:
        flags = os.statvfs(source).f_flag       # lo que la montura ya tenía no se puede quitar al remontarla
        kept = [word for name, word in KEPT_FLAGS.items() if flags & vars(os).get(name, 0)]
        lines.append(f"mount -o {','.join(['remount', 'bind', 'ro', *kept])} {there}")
    return lines


def _drop(place: Place) -> list[str]:
    """Soltar todo privilegio: el usuario propio, si quien califica es el administrador, y las capacidades."""
    user = ["--reuid", str(place.user), "--regid", str(place.user), "--clear-groups"] if _is_root() else []
    return ["setpriv", *user, "--no-new-privs", "--inh-caps=-all", "--bounding-set=-all"]


def _is_root() -> bool:
    return os.name == "posix" and os.geteuid() == 0

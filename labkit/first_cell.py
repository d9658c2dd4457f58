"""El texto de la primera celda de código de todo cuaderno, la que encuentra el curso o, en Colab, lo copia.

Es un texto porque corre antes de que haya un `labkit` que importar; `python -m labkit publish` lo pone en cada
cuaderno, con la dirección del curso en REPO y TAG. Nunca deja la carpeta `curso` a medias: lo que falta o falló, lo
dice en una frase.
"""

PREPARATION = '''\
# @title Preparación: ejecuta primero esta celda { display-mode: "form" }
import importlib.util, os, pathlib, re, shutil, subprocess, sys

REPO, TAG = "", ""

class Notice(Exception):
    _render_traceback_ = lambda self: [f"✗ {self}"]  # una frase, sin la traza de Python

def missing(root):  # qué le falta a esa copia del curso
    needed = ["labkit/__init__.py", "labkit/notebook.py", "labkit/widgets/__init__.py",
              "data/SHA256SUMS"]
    if os.path.isfile(root / ".git" / "index.lock"):  # git deja .git/index al terminar
        needed.append(".git/index")
    return ", ".join(name for name in needed if not os.path.isfile(root / name))

def clone(place):  # copia el curso aparte, y le pone su nombre solo cuando está completo
    for old in place.parent.glob("curso.tmp*"):
        shutil.rmtree(old, ignore_errors=True)
    # otro nombre cada vez: el git de antes puede seguir escribiendo
    apart = place.with_name(f"curso.tmp{os.getpid()}")
    halfway = os.path.isdir(place / ".git") and not os.path.isfile(place / ".git" / "index")
    if missing(place) and halfway:
        shutil.rmtree(place)  # una copia que se quedó a medias
    if os.path.lexists(place):
        what = (f"le falta {missing(place)}" if os.path.isdir(place) else
                "es un archivo, no la carpeta del curso")
        raise Notice(f"{place} ya existe y {what}: cámbiale el nombre o bórralo, y repite "
                     "esta celda.")
    if shutil.which("git") is None:
        raise Notice("Para copiar el curso hace falta git, y aquí no está: instálalo y repite "
                     "esta celda.")
    git = ["git", "-c", "advice.detachedHead=false", "clone", "-q", "--depth", "1",
           "--branch", TAG, REPO, str(apart)]
    env = {**os.environ, "LC_ALL": "C", "GIT_TERMINAL_PROMPT": "0"}
    done = subprocess.run(git, env=env, stdin=subprocess.DEVNULL, capture_output=True,
                          errors="replace")
    if done.returncode:
        said = [line for line in done.stderr.splitlines() if line.strip()]
        said = said or [f"nada (código {done.returncode})"]
        # lo que no empieza con fatal: son avisos y consejos
        said = [line for line in said if line.startswith("fatal:")] or said
        why = "repite esta celda y, si sigue igual, avisa a quien da el curso"
        if "Remote branch" in done.stderr:
            why = "esa versión no está ahí, avisa a quien da el curso"
        elif re.search("resolve host|onnect|timed out", done.stderr):
            why = "revisa tu conexión y repite esta celda"
        raise Notice(f"No pude copiar el curso desde {REPO} ({TAG}): {why}. "
                     f"git dijo: {said[-1]}")
    if missing(apart):
        raise Notice(f"A la versión {TAG} de {REPO} le falta {missing(apart)}: avisa a quien "
                     "da el curso.")
    os.replace(apart, place)
    return place

here, colab = pathlib.Path.cwd(), "google.colab" in sys.modules
nearby = [p for p in [here, *here.parents, *here.iterdir()]
          if os.path.isfile(p / "labkit" / "__init__.py")]
whole = [p for p in nearby if not p.name.startswith("curso.tmp") and not missing(p)]
root = whole[0] if whole else None
installed = getattr(importlib.util.find_spec("labkit"), "origin", None) is not None
if root is None and (nearby or not installed):
    if colab and REPO:
        root = clone(here / "curso")
    elif nearby:
        raise Notice(f"A la carpeta {nearby[0]} le falta {missing(nearby[0])}: vuelve a "
                     "copiarla completa.")
    elif colab:
        raise Notice("En Colab hace falta la carpeta del curso: súbela o clónala con git aquí, "
                     "y repite esta celda.")
    else:
        raise Notice("No encuentro la carpeta labkit: abre este cuaderno desde la carpeta "
                     "lessons del curso.")
if root and str(root) not in sys.path:
    sys.path.insert(0, str(root))

from labkit.notebook import prepare
prepare()'''

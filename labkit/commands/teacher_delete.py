"""`python -m labkit teacher delete`: enseña qué se va a borrar, pide confirmarlo y dice qué no puede borrar."""
import sys
from datetime import datetime
from pathlib import Path
from types import SimpleNamespace

from labkit.commands.line import Line, Option
from labkit.teacher.course import load_course
from labkit.teacher.deleting import BEYOND, PACKET, confirm, delete, holdings, review_ends

DELETE = Line("""Uso: python -m labkit teacher delete CARPETA [--keep] [--name NOMBRE]

Borra un curso: la lista, las llaves, las entregas, las calificaciones y la configuración con su secreto. Antes enseña
qué hay y pide que escribas el nombre del curso; avisa si todavía se puede pedir una revisión. Lo que esté en la carpeta
y no lo haya hecho `teacher` no se toca. Al final dice qué borró y qué no puede borrar.

--keep         conserva paquete_sin_nombres.zip: puntos y errores, con claves al azar y sin nada que alguien escribió
--name NOMBRE  el nombre del curso, para no escribirlo después""",
              places=("CARPETA",), flags=("--keep",), options=(Option("--name"),))


def run_delete(options: SimpleNamespace) -> int:
    """Hace lo que dice la ayuda; CourseError si no se confirma, y entonces no borra nada."""
    course = load_course(Path(options.places[0]))
    print(f"«{course.title}», en {course.folder}:")
    for name, count in holdings(course).items():
        print(f"  {name} ({count} {'archivo' if count == 1 else 'archivos'})")
    ends = review_ends(course)
    if ends and ends > datetime.now():
        print(f"Aviso: hasta el {ends:%d/%m/%Y} se puede pedir una revisión ({course.review_days} días). Si borras "
              "antes, no habrá con qué contestarla.")
    if options.name is None:
        print("Esto no se puede deshacer. Escribe el nombre del curso para borrarlo: ", end="", flush=True)
    confirm(course, sys.stdin.readline() if options.name is None else options.name)
    gone = delete(course, options.keep)
    print(f"✓ Se borraron {sum(gone.values())} archivos: {', '.join(gone)}.")
    if options.keep:
        print(f"✓ Queda {course.place(PACKET)}")
    left = sorted(path.name for path in course.folder.iterdir()) if course.folder.is_dir() else []
    if others := [name for name in left if name != PACKET]:
        print(f"Sigue ahí, porque no lo hizo teacher: {', '.join(others)}")
    if course.roster.is_file():
        print(f"Sigue ahí la lista, que está fuera de la carpeta: {course.roster}")
    print("No puedo borrar:")
    for thing in BEYOND:
        print(f"  · {thing}")
    return 0

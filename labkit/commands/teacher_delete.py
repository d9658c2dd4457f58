"""`python -m labkit teacher delete`: enseña qué se va a borrar, pide confirmarlo y dice qué no puede borrar."""
import sys
from datetime import datetime
from pathlib import Path
from types import SimpleNamespace

from labkit.teacher.course import load_course
from labkit.teacher.deleting import BEYOND, PACKET, confirm, delete, holdings, review_ends


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

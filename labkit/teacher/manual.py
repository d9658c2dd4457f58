"""La carpeta manual/: qué archivos suyos se leen, y cuáles se quedaron ahí sin que nadie los lea."""
import re
from pathlib import Path

from labkit.teacher.course import Course

READ = ("", "_segunda")                         # LECCIÓN.csv y LECCIÓN_segunda.csv: lo demás no se lee


def stray_marks(course: Course) -> list[tuple[Path, str]]:
    """Los CSV de manual/ que no se leen, cada uno con el nombre que debía llevar (vacío si no se sabe).

    Así queda, por ejemplo, lo que el navegador guarda con «(1)» porque ya había uno con ese nombre.
    """
    known = {f"{name}{suffix}.csv" for name in course.lessons for suffix in READ}
    strays = [path for path in sorted(course.place("manual").glob("*.csv")) if path.name not in known]
    return [(path, _meant(path.name, known)) for path in strays]


def _meant(name: str, known: set[str]) -> str:
    """El nombre más largo de los que se leen con el que empieza ese archivo."""
    plain = re.sub(r"[\W_]+", "_", name.removesuffix(".csv"))
    return max((right for right in known if plain.startswith(right.removesuffix(".csv"))), key=len, default="")

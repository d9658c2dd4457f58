"""El curso de la profesora: su carpeta, su configuración (curso.toml) y lo que se saca del secreto."""
import hashlib
import hmac
import re
import subprocess
from dataclasses import dataclass, field
from datetime import datetime, time
from difflib import get_close_matches
from pathlib import Path
from secrets import token_hex

from labkit.files import write_text
from labkit.models import plain_name
from labkit.teacher.config import CONFIG, CourseError, Section, read_config

ROOT = Path(__file__).parents[2]                # la carpeta del curso: lessons, labkit, data
ROSTER, KEYS = "lista.csv", "llaves.csv"
SCALES = ("0-10", "5-10")
TEMPLATE = '''# La configuración de tu curso. Las líneas que empiezan con # son explicaciones.
nombre = "Qué aprendió una red"
lista = "lista.csv"          # tus estudiantes: nombre, correo y, si quieres, número (o el CSV que baja Moodle)

# De este secreto salen los casos con que se califica. No lo enseñes, y no lo cambies a la mitad del curso.
secreto = "{secret}"

[limites]
segundos_por_ejercicio = 90  # de procesador; un ciclo infinito cuesta esto, y nada más
memoria_mb = 2500            # lo que puede pedir una entrega
megas_por_entrega = 50       # lo que puede pesar un archivo recibido
procesos = 0                 # cuántas entregas a la vez; 0: las que convengan a tu computadora

[calificacion]
escala = "0-10"              # o "5-10": menos de 6 es 5, y lo demás se redondea a un entero
decimales = 1
descuento_por_dia = 0.0      # puntos que se quitan por cada día, completo o empezado, después de la fecha
extension_horas = 0          # cuánto después de la fecha todavía no es tarde

[revision]
dias = 60                    # cuánto hay para pedir una revisión: en la UNAM, 60 días (Reglamento General de Exámenes)
como = "Escríbele a quien da el curso: di qué ejercicio y por qué."      # aparece en cada página de comentarios

# Una tabla por lección que se califica: el nombre de su cuaderno sin «_ejercicios», la fecha y cuánto pesa.
[lecciones.00_primeros_pasos]
entrega = 2027-02-14T23:59:00
peso = 1

[lecciones.01_oclusion]
entrega = 2027-02-21T23:59:00
peso = 1
'''
ROSTER_TEMPLATE = "nombre,correo,numero\nAna Ejemplo Uno,ana@ejemplo.mx,1\nBeto Ejemplo Dos,beto@ejemplo.mx,2\n"


@dataclass(frozen=True)
class Limits:
    """Hasta dónde puede llegar una entrega: segundos por ejercicio, memoria (MB), peso (MB) y cuántas a la vez."""
    seconds: int = 90
    memory: int = 2500
    size: int = 50
    processes: int = 0


@dataclass(frozen=True)
class Lesson:
    """Una lección que se califica: su nombre, cuándo se entrega (o None) y cuánto pesa en la calificación final."""
    name: str
    due: datetime | None = None
    weight: float = 1.0


@dataclass(frozen=True)
class Course:
    """La carpeta de la profesora, ya leída."""
    folder: Path
    title: str
    secret: str
    roster: Path
    limits: Limits
    lessons: dict[str, Lesson] = field(default_factory=dict)
    scale: str = "0-10"
    decimals: int = 1
    late_per_day: float = 0.0
    grace_hours: float = 0.0
    review_days: int = 60
    review_how: str = "Escríbele a quien da el curso: di qué ejercicio y por qué."

    def place(self, *parts: str) -> Path:
        """Una ruta dentro de la carpeta."""
        return self.folder.joinpath(*parts)

    def lesson(self, name: str) -> Lesson:
        """La lección de ese nombre. CourseError, con las que hay, si no está en la configuración."""
        clean = name.removesuffix(".ipynb").removesuffix("_ejercicios")
        if clean not in self.lessons:
            raise CourseError(f"«{name}» no está en {CONFIG}. Las lecciones que hay ahí: {', '.join(self.lessons)}. "
                              + self._advice(clean))
        return self.lessons[clean]

    def _advice(self, name: str) -> str:
        """Qué hacer con una lección que no está en la configuración: la que más se parece, o las que existen."""
        there = lessons_there()
        near = nearest(name, there)
        if near in self.lessons:
            return f"¿Querías decir {near}?"
        if near == name:
            return f"Agrégala con una tabla [lecciones.{near}]: su «entrega» y su «peso»."
        if near:
            return f"¿Querías decir {near}? Agrégala con una tabla [lecciones.{near}]: su «entrega» y su «peso»."
        return f"Las que existen: {', '.join(there)}."

    def derive(self, *parts: str) -> int:
        """Un número que sale del secreto y de `parts`, siempre el mismo, y que sin el secreto no se adivina."""
        digest = hmac.new(self.secret.encode(), "/".join(parts).encode(), hashlib.sha256).digest()
        return int.from_bytes(digest[:7], "big")


def new_course(folder: Path) -> list[Path]:
    """Hace la carpeta de la profesora con una configuración y una lista de ejemplo; da los archivos que escribió."""
    refuse_inside(folder)
    if (folder / CONFIG).exists():
        raise CourseError(f"{folder / CONFIG} ya existe, y guarda el secreto de un curso: no lo cambio. Escoge otra "
                          "carpeta.")
    folder.mkdir(parents=True, exist_ok=True)
    folder.chmod(0o700)                         # solo tú: adentro irán datos personales
    texts = {CONFIG: TEMPLATE.format(secret=token_hex(16)), ROSTER: ROSTER_TEMPLATE, ".gitignore": "*\n"}
    for name, text in texts.items():
        write_text(folder / name, text)
    return [folder / name for name in texts]


def load_course(folder: Path) -> Course:
    """El curso de esa carpeta. CourseError si no está, si está dentro del repositorio o si algo no se entiende."""
    refuse_inside(folder)
    path = folder / CONFIG
    if not path.is_file():
        raise CourseError(f"No encuentro {path}. Hazla con: python -m labkit teacher new {folder}")
    return _course(folder.resolve(), read_config(path))


def lessons_there() -> list[str]:
    """Los nombres de las lecciones que tienen ejercicios."""
    return sorted(path.name.removesuffix("_ejercicios.ipynb") for path in ROOT.glob("lessons/*_ejercicios.ipynb"))


def nearest(name: str, names: list[str]) -> str:
    """La lección que más se parece a lo escrito: por su número («1b»), su tema o sus letras; vacío si ninguna."""
    asked = _without_zero(plain_name(name).removeprefix("leccion").strip(" _"))
    for found in names:
        short, _, words = _without_zero(found).partition("_")
        if found == name or asked and (asked in (short, words) or words.startswith(asked)):
            return found
    plain = {_without_zero(found): found for found in names}
    return next((plain[near] for near in get_close_matches(asked, plain, n=1)), "")


def _without_zero(name: str) -> str:
    return re.sub(r"^0(?=\d)", "", name)


def refuse_inside(folder: Path) -> None:
    """CourseError si la carpeta está en el repositorio del curso o en cualquier otro de git que la guardaría."""
    place = folder.expanduser().resolve()
    if ROOT.resolve() in (place, *place.parents):
        raise CourseError(f"{place} está dentro del repositorio del curso. Lo de tus estudiantes va fuera de él: por "
                          f"ejemplo, en {Path('~') / 'curso_calificaciones'}.")
    if not place.exists() or (place / ".gitignore").is_file():
        return
    inside = next((parent for parent in (place, *place.parents) if (parent / ".git").exists()), None)
    if inside and not _ignored(inside, place):
        raise CourseError(f"{place} está en el repositorio de git {inside}, que la guardaría con todo y calificaciones."
                          " Escoge otra carpeta.")


def _ignored(repository: Path, place: Path) -> bool:
    try:
        done = subprocess.run(["git", "-C", str(repository), "check-ignore", "-q", str(place)], capture_output=True,
                              timeout=30)
    except (OSError, subprocess.TimeoutExpired):
        return False
    return done.returncode == 0


def _course(folder: Path, table: Section) -> Course:
    known = {"nombre", "lista", "secreto", "limites", "calificacion", "revision", "lecciones"}
    if unknown := sorted(set(table.values) - known):
        raise CourseError(f"{table.where(unknown[0])}: no conozco «{unknown[0]}». Lo que puede haber: "
                          f"{', '.join(sorted(known))}.")
    secret = table.get("secreto", "")
    if len(secret) < 16:
        raise CourseError(f"{table.where('secreto')}: «secreto» debe tener al menos 16 caracteres; `teacher new` hace "
                          "uno.")
    limits, rules, review = (table.section(name) for name in ("limites", "calificacion", "revision"))
    scale = rules.get("escala", SCALES[0])
    if scale not in SCALES:
        raise CourseError(f"{rules.where('escala')}: «escala» es {' o '.join(SCALES)}, y dice {scale!r}.")
    lessons = table.section("lecciones")
    return Course(
        folder, table.get("nombre", "Curso"), secret, folder / table.get("lista", ROSTER),
        Limits(limits.at_least("segundos_por_ejercicio", 1, 90), limits.at_least("memoria_mb", 200, 2500),
               limits.at_least("megas_por_entrega", 1, 50), limits.at_least("procesos", 0, 0)),
        {name: _lesson(name, lessons) for name in lessons.values}, scale, rules.at_least("decimales", 0, 1),
        rules.get("descuento_por_dia", 0.0), rules.get("extension_horas", 0.0),
        review.at_least("dias", 0, 60), review.get("como", Course.review_how))


def _lesson(name: str, lessons: Section) -> Lesson:
    given, there = lessons.section(name), lessons_there()
    if name not in there:
        near = nearest(name, there)
        asked = f"¿Querías decir [lecciones.{near}]?" if near else f"Las que hay: {', '.join(there)}."
        raise CourseError(f"{lessons.where(name)}: no hay una lección «{name}» con ejercicios. {asked}")
    weight = given.get("peso", 1.0)
    if weight < 0:
        raise CourseError(f"{given.where('peso')}: el peso de {name} es negativo.")
    due = given.get("entrega")
    if due is not None and not isinstance(due, datetime):       # un día sin hora acaba a la medianoche
        due = datetime.combine(due, time.max)
    if due is not None and due.tzinfo is not None:
        due = due.astimezone().replace(tzinfo=None)
    return Lesson(name, due, float(weight))

"""`python -m labkit teacher VERBO`: de la tarea a la calificación, en una carpeta que es solo de quien da el curso."""
import sys
from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace

from labkit.commands.line import HELP, Line, Option, Whole
from labkit.commands.teacher_delete import DELETE, run_delete
from labkit.teacher.collecting import collect
from labkit.teacher.course import load_course, new_course
from labkit.teacher.exporting import export_course, export_lesson
from labkit.teacher.grading import UNGRADED, grade
from labkit.teacher.handout import hand_out
from labkit.teacher.kit import kit
from labkit.teacher.reporting import report
from labkit.teacher.roster import load_roster
from labkit.teacher.rubric import rubric
from labkit.teacher.similar import TOOL, has_tool

USAGE = """Uso: python -m labkit teacher VERBO CARPETA …     (teacher VERBO --help explica cada uno)

  new CARPETA                       hace tu carpeta, con la configuración y una lista de ejemplo
  assign CARPETA LECCIÓN            hace la carpeta que se reparte, y una llave por estudiante
  collect CARPETA LECCIÓN ENTREGAS  recoge lo que entregaron: una carpeta o un zip de Moodle, Classroom o Drive
  grade CARPETA LECCIÓN             corre las respuestas en procesos aparte y las juzga
  kit CARPETA [LECCIÓN]             respuestas, casos, reflexiones modelo y rúbricas: para ti, no para repartir
  rubric CARPETA LECCIÓN            la parte que se lee a mano, en una página
  report CARPETA LECCIÓN            una página de comentarios por estudiante, y la del grupo
  export CARPETA [LECCIÓN]          las calificaciones en CSV, la hoja de Moodle y los comentarios
  delete CARPETA                    borra un curso, y dice qué borró y qué no puede borrar

CARPETA es tuya y va fuera del repositorio: guarda la lista, las entregas y las calificaciones. Nada se envía."""
NEW = Line("""Uso: python -m labkit teacher new CARPETA

Hace CARPETA con curso.toml, que trae explicada cada opción y el secreto del que salen los casos, y lista.csv, un
ejemplo que cambias por tu grupo. CARPETA no puede estar dentro del repositorio del curso.""", places=("CARPETA",))
ASSIGN = Line("""Uso: python -m labkit teacher assign CARPETA LECCIÓN [--nbgrader]

Hace CARPETA/reparto/LECCIÓN: el curso con los cuadernos de esa lección, sin guía docente ni pruebas. Le da a cada
estudiante de la lista una llave de 8 cifras, que queda en CARPETA/llaves.csv: mándale a cada quien la suya.
LECCIÓN es el nombre de su cuaderno, por ejemplo 01_oclusion.

--nbgrader  además, CARPETA/reparto/nbgrader, una carpeta de nbgrader lista para usarse""",
              places=("CARPETA", "LECCIÓN"), flags=("--nbgrader",))
COLLECT = Line("""Uso: python -m labkit teacher collect CARPETA LECCIÓN ENTREGAS

ENTREGAS es el zip que baja Moodle, o una carpeta con lo que baja Google Classroom o Drive; los archivos pueden
llamarse como sea. Cada entrega se empareja con la lista por su nombre o por la llave que trae, y se repara lo que se
puede: celdas duplicadas, borradas o movidas, metadatos perdidos. Lo demás se dice por su nombre. Se puede repetir: los
intentos nuevos se agregan y cuenta el último.""", places=("CARPETA", "LECCIÓN", "ENTREGAS"))
GRADE = Line("""Uso: python -m labkit teacher grade CARPETA LECCIÓN [--again]

Corre cada entrega en un proceso aparte, con tope de tiempo y de memoria por ejercicio, y juzga lo que respondió con
casos que salen de tu secreto. Al final dice con qué protección corrió. Si se detiene, repetir la orden sigue donde
iba.

--again  califica otra vez también las que ya estaban""", places=("CARPETA", "LECCIÓN"), flags=("--again",))
KIT = Line("""Uso: python -m labkit teacher kit CARPETA [LECCIÓN]

Escribe en CARPETA/kit una página por lección (las de la configuración, si no dices cuál): la variante y la respuesta de
cada estudiante, los casos que salen de tu secreto, reflexiones modelo de cuentas que a nadie le tocan, y ejemplos de lo
que vale cada punto. Dice también qué puntos se pueden copiar. No la repartas.""", places=("CARPETA",), spare=1)
RUBRIC = Line("""Uso: python -m labkit teacher rubric CARPETA LECCIÓN [--anonymous] [--sample N]

Escribe en CARPETA/salida/LECCIÓN/rubrica.html las respuestas que se leen a mano, lado a lado, con lo que vale cada
punto y un lugar para tu comentario. Descarga de ahí el CSV y ponlo en CARPETA/manual; o llena ese CSV, que queda con un
renglón por respuesta. rubrica_segunda.html lleva las que se leen dos veces: dásela a otra persona. Repite la orden y te
dice cuánto falta y en qué no coinciden las dos lecturas.

--anonymous  sin nombres ni llaves, con un seudónimo que el programa sabe deshacer
--sample N   qué parte se lee dos veces, en por ciento: 10, si no se dice""",
              places=("CARPETA", "LECCIÓN"), flags=("--anonymous",), options=(Option("--sample", Whole(), 10),))
REPORT = Line("""Uso: python -m labkit teacher report CARPETA LECCIÓN [--pseudonyms]

Escribe en CARPETA/salida/LECCIÓN/reporte una página por estudiante (qué dijo la revisión y con qué caso, sus puntos, tu
comentario, cómo pedir que se revise) y grupo.html: qué error salió cuántas veces, en qué quedó cada entrega, llaves que
no son de quien entrega, y parecidos, que son un lugar donde mirar y nunca un veredicto.

--pseudonyms  sin nombres, correos ni llaves, en la carpeta reporte_sin_nombres""",
              places=("CARPETA", "LECCIÓN"), flags=("--pseudonyms",))
EXPORT = Line("""Uso: python -m labkit teacher export CARPETA [LECCIÓN] [--worksheet HOJA.csv]

Con LECCIÓN, escribe en CARPETA/salida/LECCIÓN las calificaciones de 0 a 10, la hoja para Moodle y el zip de
comentarios. Sin ella, todas, y CARPETA/salida/curso.csv con la calificación final. Lo que no está calificado sale en
blanco y con su motivo; nunca como un 0.

--worksheet HOJA.csv  la hoja de calificaciones que se baja de Moodle: se llena una copia""",
              places=("CARPETA",), options=(Option("--worksheet", Path),), spare=1)


def main(arguments: list[str]) -> int:
    """Reparte los verbos: 0 si todo quedó, 1 si algo necesita tu atención, 2 si no se entiende lo pedido."""
    verb, *rest = arguments or ["--help"]
    verbs: dict[str, tuple[Line, Callable[[SimpleNamespace], int]]] = {
        "new": (NEW, _new), "assign": (ASSIGN, _assign), "collect": (COLLECT, _collect), "grade": (GRADE, _grade),
        "kit": (KIT, _kit), "rubric": (RUBRIC, _rubric), "report": (REPORT, _report), "export": (EXPORT, _export),
        "delete": (DELETE, run_delete)}
    if verb in verbs:
        line, work = verbs[verb]
        return line.run(rest, work)
    asked = verb in HELP
    print(USAGE if asked else f"No conozco el verbo {verb!r}.\n\n{USAGE}", file=sys.stdout if asked else sys.stderr)
    return 0 if asked else 2


def _new(options: SimpleNamespace) -> int:
    for path in new_course(Path(options.places[0])):
        print(f"✓ {path}")
    print("Ahora pon a tu grupo en lista.csv, y en curso.toml las lecciones que vas a calificar.")
    return 0


def _assign(options: SimpleNamespace) -> int:
    course = load_course(Path(options.places[0]))
    for path in hand_out(course, options.places[1], options.nbgrader):
        print(f"✓ {path}")
    print(f"Las {len(load_roster(course))} llaves están en {course.place('llaves.csv')}: manda a cada quien la suya.")
    return 0


def _collect(options: SimpleNamespace) -> int:
    course = load_course(Path(options.places[0]))
    lesson = course.lesson(options.places[1])
    result = collect(course, lesson, Path(options.places[2]))
    names = {person.key: person.name for person in load_roster(course)}
    print(f"Entregas nuevas: {len(result.receipts)} · ya estaban: {result.repeated}")
    for receipt in sorted(result.receipts, key=lambda receipt: names[receipt["llave"]]):
        late = f"tarde por {receipt['días_tarde']} días" if receipt["días_tarde"] else ""
        notes = [receipt["problema"], late, receipt["reparaciones"], *receipt["avisos"]]
        if said := "; ".join(filter(None, notes)):
            print(f"  {'✗' if receipt['problema'] else '·'} {names[receipt['llave']]} ({receipt['archivo']}): {said}")
    for row in result.lost:
        print(f"  ✗ {row['archivo']}: {row['motivo']}")
    if result.missing:
        print(f"Sin entrega: {', '.join(person.name for person in result.missing)}")
    return 1 if result.lost or any(receipt["problema"] for receipt in result.receipts) else 0


def _grade(options: SimpleNamespace) -> int:
    course = load_course(Path(options.places[0]))
    summary = grade(course, course.lesson(options.places[1]), options.again)
    print(" · ".join(f"{state}: {count}" for state, count in sorted(summary.states.items())) or "No hay entregas.")
    if summary.before:
        print(f"Ya estaban calificadas: {summary.before} (--again las repite)")
    for name, count in summary.protections.items():
        print(f"Protección: {name}, en {count} entregas.")
    for says in sorted(summary.says):
        print(f"  Qué es: {says}")
    return 1 if summary.states[UNGRADED] else 0


def _kit(options: SimpleNamespace) -> int:
    course = load_course(Path(options.places[0]))
    names = [course.lesson(name).name for name in options.places[1:]] or list(course.lessons)
    for path in kit(course, names):
        print(f"✓ {path}")
    return 0


def _rubric(options: SimpleNamespace) -> int:
    course = load_course(Path(options.places[0]))
    done = rubric(course, course.lesson(options.places[1]), options.anonymous, options.sample)
    for path in done.paths:
        print(f"✓ {path}")
    print(f"Calificadas a mano: {done.done} de {done.asked} · segunda lectura: {done.second} de {done.sampled}")
    if done.agreement.pairs:
        print(f"Las dos lecturas coinciden en {done.agreement.equal} de {done.agreement.pairs}.")
    for who, title, one, other in done.agreement.apart:
        print(f"  · {who}, {title}: {one:g} y {other:g}. Platíquenlo antes de dejar una.")
    return 0


def _report(options: SimpleNamespace) -> int:
    course = load_course(Path(options.places[0]))
    for path in report(course, course.lesson(options.places[1]), options.pseudonyms):
        print(f"✓ {path}")
    if not has_tool():
        print(f"El código no se comparó: {TOOL} no está instalado. Es opcional; lo demás está completo.")
    return 0


def _export(options: SimpleNamespace) -> int:
    course = load_course(Path(options.places[0]))
    asked = options.places[1:] or list(course.lessons)
    for name in asked:
        for path in export_lesson(course, course.lesson(name), options.worksheet):
            print(f"✓ {path}")
    if len(options.places) == 1:
        print(f"✓ {export_course(course)}")
    return 0

"""`python -m labkit teacher VERBO`: de la tarea a la calificación, en una carpeta que es solo de quien da el curso."""
import sys
from collections.abc import Callable
from importlib import import_module
from pathlib import Path
from types import SimpleNamespace

from labkit.commands.line import HELP, Line, Option, Whole

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
intentos nuevos se agregan y cuenta el último.

La fecha de una entrega es la que trae su archivo en el zip o en la carpeta. Un archivo copiado hoy sin conservar su
fecha cuenta como entregado hoy. Si alguien mandó un zip, cuenta la fecha del zip y no la de lo que trae adentro.""",
               places=("CARPETA", "LECCIÓN", "ENTREGAS"))
GRADE = Line("""Uso: python -m labkit teacher grade CARPETA LECCIÓN [--again]

Corre cada entrega en un proceso aparte, con tope de tiempo y de memoria por ejercicio, y juzga lo que respondió con
casos que salen de tu secreto. La barra dice cuántas faltan y cuánto puede tardar la más lenta. Al final dice qué
entrega no se calificó y con qué protección corrió. Si se detiene, repetir la orden sigue donde iba.

--again  califica otra vez también las que ya estaban""", places=("CARPETA", "LECCIÓN"), flags=("--again",))
KIT = Line("""Uso: python -m labkit teacher kit CARPETA [LECCIÓN]

Escribe en CARPETA/kit una página por lección (las de la configuración, si no dices cuál): la variante y la respuesta de
cada estudiante, los casos que salen de tu secreto, reflexiones modelo de cuentas que a nadie le tocan, y ejemplos de lo
que vale cada punto. Dice también qué puntos se pueden copiar. No la repartas.""", places=("CARPETA",), spare=1)
RUBRIC = Line("""Uso: python -m labkit teacher rubric CARPETA LECCIÓN [--anonymous] [--sample N]

Escribe en CARPETA/salida/LECCIÓN/rubrica.html las respuestas que se leen a mano, lado a lado, con lo que vale cada
punto, un lugar para tu comentario y lo que cada quien hizo en celdas suyas. Descarga de ahí el CSV y ponlo en
CARPETA/manual; o llena ese CSV, que queda con un renglón por respuesta ya revisada por `grade`. rubrica_segunda.html
lleva las que se leen dos veces: dásela a otra persona. Repite la orden y te dice cuánto falta, de quién falta `grade` y
en qué no coinciden las dos lecturas; al CSV le agrega los renglones nuevos, y los que hay no los toca. Los puntos de un
texto que ya cambió se enseñan y no cuentan.

--anonymous  sin nombres, llaves ni figuras, con un seudónimo que el programa sabe deshacer
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
blanco y con su motivo; nunca como un 0. A Moodle se suben moodle.csv y comentarios.zip. Dice quién está en la hoja y no
en tu lista, quién va en blanco, y de quién no sabe la carpeta de Moodle: su página queda en comentarios_aparte.

--worksheet HOJA.csv  la hoja de calificaciones que se baja de Moodle: se llena una copia""",
              places=("CARPETA",), options=(Option("--worksheet", Path),), spare=1)
DELETE = Line("""Uso: python -m labkit teacher delete CARPETA [--keep] [--name NOMBRE]

Borra un curso: la lista, las llaves, las entregas, las calificaciones y la configuración con su secreto. Antes enseña
qué hay y pide que escribas el nombre del curso; avisa si todavía se puede pedir una revisión. Lo que esté en la carpeta
y no lo haya hecho `teacher` no se toca. Al final dice qué borró y qué no puede borrar.

--keep         conserva paquete_sin_nombres.zip: puntos y errores, con claves al azar y sin nada que alguien escribió
--name NOMBRE  el nombre del curso, para no escribirlo después""",
              places=("CARPETA",), flags=("--keep",), options=(Option("--name"),))
LINES = {"new": NEW, "assign": ASSIGN, "collect": COLLECT, "grade": GRADE, "kit": KIT, "rubric": RUBRIC,
         "report": REPORT, "export": EXPORT, "delete": DELETE}


def main(arguments: list[str]) -> int:
    """Reparte los verbos: 0 si todo quedó, 1 si algo necesita tu atención, 2 si no se entiende lo pedido."""
    verb, *rest = arguments or ["--help"]
    if verb in LINES:
        return LINES[verb].run(rest, lambda options: _work(verb)(options))
    asked = verb in HELP
    print(USAGE if asked else f"No conozco el verbo {verb!r}.\n\n{USAGE}", file=sys.stdout if asked else sys.stderr)
    return 0 if asked else 2


def _work(verb: str) -> Callable[[SimpleNamespace], int]:
    """La función de un verbo. Se importa hasta que hace falta: la ayuda no espera a que se cargue PyTorch."""
    place = "labkit.commands.teacher_delete" if verb == "delete" else "labkit.commands.teacher_work"
    return getattr(import_module(place), f"run_{verb}")

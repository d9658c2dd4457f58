"""Lo que hacen los verbos de `python -m labkit teacher`, y lo que dicen: reciben las opciones ya leídas."""
from pathlib import Path
from types import SimpleNamespace

from labkit.teacher.collecting import collect
from labkit.teacher.course import Course, load_course, new_course
from labkit.teacher.exporting import export_course, export_lesson, export_notices
from labkit.teacher.grading import GRADED, UNGRADED, grade
from labkit.teacher.handout import hand_out
from labkit.teacher.kit import kit
from labkit.teacher.manual import stray_marks
from labkit.teacher.reporting import report
from labkit.teacher.roster import load_roster
from labkit.teacher.rubric import rubric
from labkit.teacher.similar import TOOL, has_tool

SHOWN = 5                                       # cuántos archivos que no son cuadernos se nombran


def run_new(options: SimpleNamespace) -> int:
    """Hace la carpeta de un curso nuevo."""
    for path in new_course(Path(options.places[0])):
        print(f"✓ {path}")
    print("Ahora pon a tu grupo en lista.csv, y en curso.toml las lecciones que vas a calificar.")
    return 0


def run_assign(options: SimpleNamespace) -> int:
    """Hace lo que se reparte de una lección."""
    course = load_course(Path(options.places[0]))
    for path in hand_out(course, options.places[1], options.nbgrader):
        print(f"✓ {path}")
    count = len(load_roster(course))
    there = "La llave está" if count == 1 else f"Las {count} llaves están"
    print(f"{there} en {course.place('llaves.csv')}: manda a cada quien la suya.")
    return 0


def run_collect(options: SimpleNamespace) -> int:
    """Recoge lo que entregaron, y dice lo que hay que mirar."""
    course = load_course(Path(options.places[0]))
    lesson = course.lesson(options.places[1])
    result = collect(course, lesson, Path(options.places[2]).expanduser())
    names = {person.key: person.name for person in load_roster(course)}
    owners = {receipt["llave"] for receipt in result.receipts}
    whose = f", de {_many(len(owners), 'persona')}" if owners else ""
    print(f"Entregas nuevas: {len(result.receipts)}{whose} · ya estaban: {result.repeated}")
    for receipt in sorted(result.receipts, key=lambda receipt: names[receipt["llave"]]):
        late = f"tarde por {_many(receipt['días_tarde'], 'día')}" if receipt["días_tarde"] else ""
        notes = [receipt["problema"], late, receipt["reparaciones"], *receipt["avisos"]]
        if said := "; ".join(filter(None, notes)):
            print(f"  {'✗' if receipt['problema'] else '·'} {names[receipt['llave']]} ({receipt['archivo']}): {said}")
    for key, note in sorted(result.several.items(), key=lambda pair: names[pair[0]]):
        print(f"  · {names[key]}: {note}")
    for row in result.lost:
        print(f"  ✗ {row['archivo']}: {row['motivo']}")
    if result.others:
        print(f"No se recogieron, porque no son cuadernos: {_few(result.others)}")
    if result.missing:
        print(f"Sin entrega: {', '.join(person.name for person in result.missing)}")
    return 1 if result.lost or any(receipt["problema"] for receipt in result.receipts) else 0


def _many(count: int, thing: str) -> str:
    """«1 día», «2 días»."""
    return f"{count} {thing}" if count == 1 else f"{count} {thing}s"


def _few(names: list[str]) -> str:
    """Los primeros, y cuántos más hay."""
    rest = f" y {len(names) - SHOWN} más" if len(names) > SHOWN else ""
    return f"{', '.join(names[:SHOWN])}{rest}"


def _say_strays(course: Course) -> None:
    """Avisa si en manual/ hay un CSV que no se lee, como el que el navegador guardó con (1)."""
    for path, meant in stray_marks(course):
        right = f"el que cuenta es {meant}; si este es el bueno, ponlo con ese nombre" if meant else (
            "se llaman como su lección, por ejemplo 01_oclusion.csv")
        print(f"Aviso: no leo manual/{path.name}: {right}.")


def run_grade(options: SimpleNamespace) -> int:
    """Califica, y dice con qué protección."""
    course = load_course(Path(options.places[0]))
    summary = grade(course, course.lesson(options.places[1]), options.again)
    print(" · ".join(f"{state}: {count}" for state, count in sorted(summary.states.items())) or "No hay entregas.")
    names = {person.key: person.name for person in load_roster(course)}
    for key, why in summary.ungraded.items():
        print(f"  ✗ {names.get(key, key)}: {UNGRADED}; {why}")
    if summary.states[GRADED]:
        print("Calificada quiere decir por el programa: lo que se lee a mano sigue en `teacher rubric`.")
    if summary.before:
        print(f"Ya estaban calificadas: {summary.before} (--again las repite)")
    for name, count in summary.protections.items():
        print(f"Protección: {name}, en {_many(count, 'entrega')}.")
    for says in sorted(summary.says):
        print(f"  Qué es: {says}")
    return 1 if summary.states[UNGRADED] else 0


def run_kit(options: SimpleNamespace) -> int:
    """Escribe las páginas de quien da el curso."""
    course = load_course(Path(options.places[0]))
    names = [course.lesson(name).name for name in options.places[1:]] or list(course.lessons)
    for path in kit(course, names):
        print(f"✓ {path}")
    return 0


def run_rubric(options: SimpleNamespace) -> int:
    """Escribe la página de lo que se lee a mano, y dice cuánto falta."""
    course = load_course(Path(options.places[0]))
    _say_strays(course)
    done = rubric(course, course.lesson(options.places[1]), options.anonymous, options.sample)
    for path in done.paths:
        print(f"✓ {path}")
    print(f"Calificadas a mano: {done.done} de {done.asked} · segunda lectura: {done.second} de {done.sampled}")
    if done.changed:
        print(f"Tenían puntos de otro texto, y hay que leerlas: {done.changed}. En la página dice cuántos eran.")
    if done.waiting:
        print(f"Falta correr `grade`, y por eso aquí no está lo de: {', '.join(done.waiting)}.")
    if done.agreement.pairs:
        print(f"Las dos lecturas coinciden en {done.agreement.equal} de {done.agreement.pairs}.")
    for who, title, one, other in done.agreement.apart:
        print(f"  · {who}, {title}: {one:g} y {other:g}. Platíquenlo antes de dejar una.")
    return 0


def run_report(options: SimpleNamespace) -> int:
    """Escribe las páginas de comentarios."""
    course = load_course(Path(options.places[0]))
    _say_strays(course)
    for path in report(course, course.lesson(options.places[1]), options.pseudonyms):
        print(f"✓ {path}")
    if not has_tool():
        print(f"El código no se comparó: {TOOL} no está instalado. Es opcional; lo demás está completo.")
    return 0


def run_export(options: SimpleNamespace) -> int:
    """Escribe las calificaciones."""
    course = load_course(Path(options.places[0]))
    _say_strays(course)
    asked = options.places[1:] or list(course.lessons)
    for name in asked:
        for path in export_lesson(course, course.lesson(name), options.worksheet):
            print(f"✓ {path}")
        for notice in export_notices(course, course.lesson(name)):
            print(f"  · {notice}")
    if len(options.places) == 1:
        print(f"✓ {export_course(course)}")
    return 0

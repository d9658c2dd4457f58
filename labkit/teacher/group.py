"""La página del grupo, para quien da clase: qué volver a explicar, en qué quedó cada entrega, y dónde mirar."""
import json
import re
from collections import Counter
from dataclasses import dataclass

from labkit.exercises import EXERCISES
from labkit.exercises.kinds import Function
from labkit.teacher.collecting import LOST, attempts, of_this_lesson
from labkit.teacher.course import Course, Lesson
from labkit.teacher.feedback import grade_words
from labkit.teacher.pages import Markup, counted, document, table, text
from labkit.teacher.roster import Student
from labkit.teacher.scores import Score
from labkit.teacher.similar import TOOL, Alike, Same, answer_code, code_pairs, common_lines, has_tool, same_answers
from labkit.teacher.tasks import lesson_title, tasks
from labkit.teacher.veil import Veil

NOT_A_VERDICT = (
    "Es un lugar donde mirar, nunca un veredicto. Dos respuestas iguales pueden venir del mismo error común, de haber "
    "estudiado juntas o del mismo apunte. Ninguna calificación depende de esto, y aquí nadie está en orden de nada. "
    "Antes de pensar otra cosa, pregúntale a cada quien cómo llegó a su respuesta.")
KEY_NOTES = ("trae la llave de otra persona", "trae una llave que no es", "no escribió su llave")


@dataclass(frozen=True)
class Group:
    """El grupo en una lección: la lista, lo que salió de cada llave y cómo se nombra a cada quien."""
    course: Course
    lesson: Lesson
    people: list[Student]
    scores: dict[str, Score]
    results: dict[str, dict]
    veil: Veil

    def name(self, key: str) -> str:
        """Cómo se nombra a quien tiene esa llave."""
        return next(self.veil.name(person) for person in self.people if person.key == key)


def mistake_name(exercise: dict) -> str:
    """El error que nombró la revisión, el mismo para quien cometa el mismo: sin el caso ni los valores de nadie."""
    name, message = exercise["ejercicio"], exercise["mensaje"]
    if exercise["palabra"] == "Pendiente":
        return "Pendiente: sin respuesta"
    kind = EXERCISES[name]
    if isinstance(kind, Function):
        known = next((mistake.message for mistake in kind.mistakes if mistake.message in message), "")
        if known:
            return known
    short = re.sub(r"\s*\(Lo vi con .*\)$", "", message.removeprefix(f"{name}: "), flags=re.DOTALL)
    if exercise["palabra"] != "Revisa":
        return f"{exercise['palabra']}: {short.partition(':')[0][:80]}"
    return re.sub(r"-?\w*\d\w*(\.\d+)?", "…", re.sub(r"«[^»]*»|'[^']*'", "«…»", short))[:300]


def mistakes(results: dict[str, dict], grade_id: str) -> Counter:
    """Error → a cuántas personas les salió en esa celda."""
    return Counter(mistake_name(part) for result in results.values() for part in result["ejercicios"]
                   if part["celda"] == grade_id and not part["puntos"])


def group_page(group: Group) -> str:
    """La página, en HTML."""
    title = f"{group.course.title} · {lesson_title(group.lesson.name)} · el grupo"
    pieces = [f"<h1>{text(title)}</h1>", _states(group), _teach_again(group), _keys(group), _similar(group)]
    if group.veil.hides:
        pieces.insert(1, "<p class=soft>Sin nombres: cada quien va con un seudónimo. Si alguien escribió su nombre de "
                         "otra manera dentro de una respuesta, puede seguir ahí.</p>")
    return group.veil.hide(document(title, "\n".join(pieces)))


def _states(group: Group) -> str:
    counts = Counter(found.state for found in group.scores.values())
    said = " · ".join(f"{state}: {count}" for state, count in sorted(counts.items()))
    rows = []
    for person in group.people:
        found = group.scores[person.key]
        link = f'<a href="estudiantes/{text(group.veil.file(person))}.html">{text(group.veil.name(person))}</a>'
        tried = len(of_this_lesson(attempts(group.course, group.lesson.name, person.key)))
        rows.append((Markup(link), grade_words(found, group.course), found.why, found.late or "", tried or ""))
    return (f"<h2>En qué quedó cada entrega</h2>\n<p>{counted(len(group.people), 'persona')}. {text(said)}.</p>\n"
            + table(("Quién", "Calificación", "Por qué", "Días tarde", "Intentos"), rows, (3, 4)))


def _teach_again(group: Group) -> str:
    pieces = ["<h2>Qué volver a explicar</h2>", "<p>Por ejercicio, qué error nombró la revisión y a cuántas personas "
              "les salió. Cada quien cuenta una vez, con el intento que se calificó.</p>"]
    asked = len(group.results)
    for task in tasks(group.lesson.name):
        if task.by_hand:
            continue
        found = mistakes(group.results, task.grade_id)
        right = asked - sum(found.values())
        pieces.append(f"<h3>{text(task.title)}</h3><p>Bien: {right} de {asked}.</p>")
        if found:
            pieces.append(table(("Error", "Personas"), found.most_common(), (1,)))
    return "\n".join(pieces)


def _keys(group: Group) -> str:
    rows = [(group.veil.name(person), notice) for person in group.people
            for notice in group.scores[person.key].notices if notice.startswith(KEY_NOTES)]
    path = group.course.place("entregas", group.lesson.name, LOST)
    lost = json.loads(path.read_text(encoding="utf-8")) if path.is_file() else []
    pieces = ["<h2>Llaves y entregas sin dueño</h2>"]
    pieces.append(table(("Quién", "Qué se vio"), rows) if rows else "<p>Todas traen su llave.</p>")
    if lost and group.veil.hides:
        pieces.append(f"<p>Sin dueño: {counted(len(lost), 'archivo')}.</p>")
    elif lost:
        pieces.append(table(("Archivo", "Por qué no se sabe de quién es"),
                            [(row["archivo"], row["motivo"]) for row in lost]))
    return "\n".join(pieces)


def _similar(group: Group) -> str:
    same = same_answers(group.course, group.lesson.name, group.results)
    pieces = ["<h2>Parecidos</h2>", f"<p><b>{text(NOT_A_VERDICT)}</b></p>",
              "<h3>La misma respuesta equivocada, en la misma variante</h3>"]
    pieces += [_same(found, group) for found in same] or ["<p>Ninguna.</p>"]
    pieces.append("<h3>Código</h3>")
    if not has_tool():
        return "\n".join([*pieces, f"<p>No se comparó el código: {TOOL} no está instalado. Es opcional; se instala con "
                          "<code>pip install -r lessons/requisitos_docentes.txt</code>.</p>"])
    codes = _codes(group)
    return "\n".join([*pieces, _pairs(code_pairs(codes, group.lesson.name), codes, group)])


def _same(found: Same, group: Group) -> str:
    names = ", ".join(group.name(key) for key in found.keys)
    return (f"<p><b>{text(found.title)}.</b> {text(names)}: contestaron <code>{text(found.answer)}</code>."
            f"<br>Con esa variante hay {counted(found.variant, 'persona')}; fallaron {found.wrong}; veces que la "
            f"misma respuesta salió con otra variante: {found.elsewhere}. La revisión dijo: {text(found.message)}</p>")


def _codes(group: Group) -> dict[str, str]:
    found = {}
    for person in group.people:
        if result := group.results.get(person.key):
            path = group.course.place("entregas", group.lesson.name, person.key, result["intento"], "entrega.ipynb")
            if path.is_file():
                found[person.key] = answer_code(json.loads(path.read_text(encoding="utf-8")), group.lesson.name)
    return found


def _pairs(alike: Alike, codes: dict[str, str], group: Group) -> str:
    if not alike.compared:
        return "<p>No hay dos entregas con código que comparar.</p>"
    base = (f"<p>Parejas comparadas: {alike.compared}, sin contar lo que traía el cuaderno ni lo que tiene más de la "
            f"mitad del grupo. Del resto, la pareja de en medio comparte {alike.middle:.0%}, y una de cada diez, "
            f"{alike.high:.0%} o más: con eso se compara lo de abajo. En gris, los renglones de más de la mitad del "
            "grupo.</p>")
    shared = common_lines(codes)
    pieces = [base] + ([] if alike.pairs else ["<p>Ninguna pareja pasa del umbral.</p>"])
    for pair in alike.pairs:
        sides = "".join(f"<div><b>{text(group.name(key))}</b>{_code(codes[key], shared)}</div>"
                        for key in (pair.one, pair.other))
        pieces.append(f"<details><summary>{text(group.name(pair.one))} y {text(group.name(pair.other))}: comparten "
                      f"{pair.share:.0%}</summary><div class=sides>{sides}</div></details>")
    more = f"<p>Hay {counted(alike.left_out, 'pareja')} más: con tantas, parecerse no dice nada.</p>"
    pieces += [more] * bool(alike.left_out)
    return "\n".join(pieces)


def _code(code: str, shared: set[str]) -> str:
    lines = [f"<span class=shared>{text(line)}</span>" if line.strip() in shared else text(line)
             for line in code.splitlines()]
    return "<pre>" + "\n".join(lines) + "</pre>"

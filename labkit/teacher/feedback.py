"""La página de comentarios de una persona: qué se dijo de cada ejercicio, los puntos, y cómo pedir una revisión."""
from labkit.teacher.course import Course
from labkit.teacher.pages import counted, document, picture, pre, prose, table, text, written
from labkit.teacher.scores import ASIDE, Part, Score
from labkit.teacher.tasks import Task, lesson_title, tasks

PRACTICE = ("Se revisó con casos que salen de un secreto del curso, distintos de los que viste en clase. Por eso puede "
            "salir distinto de lo que decía tu cuaderno; el mensaje dice con qué caso.")
UNKNOWN = Task("", 0, "", title="Una celda que ya no está en el cuaderno")


def feedback(course: Course, lesson: str, who: str, found: Score) -> str:
    """La página, en HTML. who: cómo se nombra a la persona. Lo que escribió alguien va como texto."""
    known = {task.grade_id: task for task in tasks(lesson)}
    checked = [part for part in found.parts if not part.by_hand]
    read = [part for part in found.parts if part.by_hand]
    title = f"{course.title} · {lesson_title(lesson)}"
    pieces = [f"<h1>{text(title)}</h1>", f"<p>{text(who)}</p>", _summary(course, found)]
    if checked:
        pieces += ["<h2>Lo que revisó un programa</h2>", f"<p class=soft>{text(PRACTICE)}</p>"]
        pieces += [_checked(part, known.get(part.grade_id, UNKNOWN)) for part in checked]
    if read:
        pieces.append("<h2>Lo que leyó una persona</h2>")
        pieces += [_read(part, known.get(part.grade_id, UNKNOWN)) for part in read]
    return document(title, "\n".join([*pieces, _review(course)]))


def grade_words(found: Score, course: Course) -> str:
    """Lo que va en la casilla: el número si está calificada; si no, su estado, con palabras."""
    return f"{found.grade:.{course.decimals}f}" if found.grade is not None else found.state


def points_words(part: Part) -> str:
    """Los puntos de una parte, con palabras: «2 de 2», o «— de 2» si faltan."""
    return f"{'—' if part.points is None else format(part.points, 'g')} de {part.most:g}"


def public_notice(notice: str) -> str:
    """Un aviso como se le dice a quien entregó: sin el nombre ni la llave de nadie más."""
    if notice.startswith("trae "):
        return "Tu cuaderno trae una llave que no es la tuya: se calificó con la tuya."
    said = {"no escribió su llave": "No escribiste tu llave: se calificó con la tuya.",
            "no hay ninguna entrega suya": "No se recibió ninguna entrega tuya."}
    return said.get(notice, f"{notice[:1].upper()}{notice[1:]}.")


def public_notes(found: Score) -> list[str]:
    """Lo que se le dice a quien entregó, antes de sus ejercicios: qué falta, cuánto se quitó por tarde, los avisos."""
    notes = [public_notice(found.why.partition(ASIDE)[0])] if found.why else []
    if found.late:
        late = f"Llegó {counted(found.late, 'día')} tarde"
        if found.taken:
            notes.append(f"{late}: se {'quita' if found.taken == 1 else 'quitan'} {counted(found.taken, 'punto')}.")
        elif found.grade is not None:
            notes.append(f"{late}; no se quitó nada.")
    return [*notes, *map(public_notice, found.notices)]


def _summary(course: Course, found: Score) -> str:
    lines = [f'<p class=grade>Calificación: <b>{text(grade_words(found, course))}</b></p>']
    lines += [f"<p>{text(note)}</p>" for note in public_notes(found)]
    if found.parts:
        rows = [("Lo que revisó un programa", *_sum(found, False)), ("Lo que leyó una persona", *_sum(found, True))]
        lines.append(table(("Parte", "Puntos", "De"), rows, (1, 2)))
    return "\n".join(lines)


def _sum(found: Score, by_hand: bool) -> tuple[str, str]:
    parts = [part for part in found.parts if part.by_hand == by_hand]
    missing = any(part.points is None for part in parts)
    total = "falta" if missing else f"{sum(part.points for part in parts):g}"
    return total, f"{sum(part.most for part in parts):g}"


def _checked(part: Part, task: Task) -> str:
    fixed = _changed("Corregido a mano", part)
    said = part.earlier if part.reason else part.note
    comment = f"<p><b>Comentario:</b> {text(part.note)}</p>" if part.reason and part.note else ""
    drawn = picture(part.picture, "Dónde difiere tu respuesta de la de labkit")
    shown = f"{drawn}<p class=soft>Descripción: dónde difiere tu respuesta.</p>" if drawn else ""
    return _section(part, task, fixed + comment + pre(said, "prose") + shown)


def _read(part: Part, task: Task) -> str:
    scale = task.prompt.partition("*Se califica")[2]
    pieces = [f"<p class=soft>Cómo se califica: {prose(scale.partition('*')[2])[3:]}" if scale else ""]
    pieces.append(_changed("Se revisó otra vez", part))
    pieces.append(f"<p><b>Comentario:</b> {text(part.note)}</p>" if part.note else "")
    if part.reason and part.earlier:
        pieces.append(f"<p class=soft>Lo que decía antes: {text(part.earlier)}</p>")
    if part.text and part.note != "sin escribir":
        pieces.append(f"<p class=soft>Lo que escribiste:</p>{written(part.text)}")
    return _section(part, task, "".join(pieces))


def _changed(how: str, part: Part) -> str:
    """De cuántos puntos a cuántos, y por qué; vacío si no se corrigió."""
    return f"<p><b>{how}:</b> {part.moved}. {text(part.reason)}</p>" if part.reason else ""


def _section(part: Part, task: Task, body: str) -> str:
    return (f"<section><h3>{text(task.title)}</h3>\n<p class=points>{text(points_words(part))} "
            f"{'punto' if part.most == 1 else 'puntos'}</p>\n{body}</section>")


def _review(course: Course) -> str:
    return ("<h2>Si no estás de acuerdo</h2>\n<p>La revisión la hace un programa o una persona, y se puede equivocar. "
            f"{text(course.review_how)} Hay {counted(course.review_days, 'día')} desde que se publica. La "
            "calificación se puede corregir a mano, y aquí queda escrito por qué.</p>")

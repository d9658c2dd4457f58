"""`collect`: de lo que llegó, qué entregó cada persona; lo guarda reparado y dice por su nombre lo que no se pudo."""
import hashlib
import json
from dataclasses import dataclass, field
from datetime import datetime
from math import ceil
from pathlib import Path

from labkit.files import write_text
from labkit.teacher.arrivals import Arrival, arrivals
from labkit.teacher.course import Course, Lesson
from labkit.teacher.mending import Mended, Unreadable, mend, summary
from labkit.teacher.roster import Student, find_by_name, load_roster
from labkit.teacher.tasks import mark_of, original

LOST = "sin_dueño.json"                         # lo que llegó y no se sabe de quién es, o de qué lección


@dataclass
class Collected:
    """Lo que salió de un `collect`: recibos nuevos, repetidos que ya estaban, y lo que no tiene dueño."""
    receipts: list[dict] = field(default_factory=list)
    repeated: int = 0
    lost: list[dict] = field(default_factory=list)
    missing: list[Student] = field(default_factory=list)


def collect(course: Course, lesson: Lesson, place: Path) -> Collected:
    """Guarda lo que llegó de una lección en `entregas/LECCIÓN/LLAVE/INTENTO/`: recibido.ipynb, entrega.ipynb, recibo.

    Repetirlo con el mismo zip no duplica nada. CourseError si la carpeta o el zip no se pueden abrir.
    """
    people, result = load_roster(course), Collected()
    for arrival in arrivals(place, course.limits.size):
        _take(course, lesson, arrival, people, result)
    if result.lost:
        path = course.place("entregas", lesson.name, LOST)
        before = json.loads(path.read_text(encoding="utf-8")) if path.is_file() else []
        fresh = [row for row in result.lost if row not in before]
        write_json(path, before + fresh)
    result.missing = [person for person in people if not attempts(course, lesson.name, person.key)]
    return result


def _take(course: Course, lesson: Lesson, arrival: Arrival, people: list[Student], result: Collected) -> None:
    mended, problem = None, arrival.problem
    if not problem:
        try:
            mended = mend(arrival.data, lesson.name)
        except Unreadable as error:
            problem = str(error)
        except Exception as error:              # lo que sea que traiga un archivo no detiene a los demás
            problem = f"no se pudo leer ({type(error).__name__})"
    by_key = {person.key: person for person in people}
    account = mended.account if mended else ""
    named = find_by_name(people, arrival.person or arrival.label)
    owner = named or (None if arrival.person else by_key.get(account))
    if owner is None:
        why = problem or "no sé de quién es: ni su nombre ni su llave están en la lista"
        result.lost.append({"archivo": arrival.label, "motivo": why, "llave_escrita": account})
        return
    receipt = _receipt(course, lesson, arrival, owner, problem)
    if mended:
        receipt |= {"llave_escrita": account, "reparaciones": summary(mended.repairs),
                    "avisos": _warnings(account, owner, by_key, mended, lesson.name)}
    folder = course.place("entregas", lesson.name, owner.key, receipt["intento"])
    if (folder / "recibo.json").is_file():
        result.repeated += 1
        return
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "recibido.ipynb").write_bytes(arrival.data)
    if mended:
        write_json(folder / "entrega.ipynb", mended.book)
    write_json(folder / "recibo.json", receipt)
    result.receipts.append(receipt)


def _receipt(course: Course, lesson: Lesson, arrival: Arrival, owner: Student, problem: str) -> dict:
    digest = hashlib.sha256(arrival.data or arrival.label.encode()).hexdigest()
    return {
        "llave": owner.key, "lección": lesson.name, "archivo": arrival.label, "problema": problem,
        "intento": f"{arrival.modified:%Y%m%dT%H%M%S}-{digest[:8]}", "suma": digest,
        "llegó": arrival.modified.isoformat(timespec="seconds"),
        "días_tarde": days_late(course, lesson, arrival.modified),
        "carpeta_moodle": arrival.folder, "id_moodle": arrival.moodle_id, "llave_escrita": "", "reparaciones": "",
        "avisos": [],
    }


def days_late(course: Course, lesson: Lesson, when: datetime) -> int:
    """Cuántos días, completos o empezados, pasaron de la fecha; 0 si llegó a tiempo o la lección no tiene fecha."""
    if lesson.due is None:
        return 0
    late = (when - lesson.due).total_seconds() - 3600 * course.grace_hours
    return max(0, ceil(late / 86_400))


def _warnings(account: str, owner: Student, by_key: dict[str, Student], mended: Mended, lesson: str) -> list[str]:
    found = []
    if not account:
        found.append("no escribió su llave")
    elif account != owner.key and account in by_key:
        found.append(f"trae la llave de otra persona, {by_key[account].name}: se califica con la suya")
    elif account != owner.key:
        found.append(f"trae una llave que no es de la lista, {account[:12]}: se califica con la suya")
    if _answers(mended.book) == _answers(original(lesson)):
        found.append("es el cuaderno original, sin contestar")
    return found


def _answers(book: dict) -> list[str]:
    return [cell["source"] for cell in book["cells"] if mark_of(cell).get("solution")]


def attempts(course: Course, lesson: str, key: str) -> list[dict]:
    """Los recibos de una persona en una lección, del primer intento al último."""
    folder = course.place("entregas", lesson, key)
    return [json.loads(path.read_text(encoding="utf-8")) for path in sorted(folder.glob("*/recibo.json"))]


def standing(receipts: list[dict]) -> dict | None:
    """El intento que cuenta: el último que se pudo leer; si ninguno, el último."""
    readable = [receipt for receipt in receipts if not receipt["problema"]]
    return (readable or receipts or [None])[-1]


def write_json(path: Path, value: object) -> None:
    """Escribe un valor como JSON, legible y sin dejar el archivo a medias."""
    write_text(path, json.dumps(value, indent=1, ensure_ascii=False) + "\n")

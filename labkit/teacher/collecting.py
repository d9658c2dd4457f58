"""`collect`: de lo que llegó, qué entregó cada persona; lo guarda reparado y dice por su nombre lo que no se pudo."""
import hashlib
import json
from collections import Counter
from dataclasses import dataclass, field
from datetime import datetime
from math import ceil
from pathlib import Path

from labkit.files import write_text
from labkit.teacher.arrivals import Arrival, arrivals
from labkit.teacher.course import Course, Lesson
from labkit.teacher.mending import OTHER, Mended, Unreadable, mend, summary
from labkit.teacher.roster import Student, find_by_name, load_roster
from labkit.teacher.tasks import mark_of, original

LOST = "sin_dueño.json"                         # lo que llegó y no se sabe de quién es, o de qué lección
CLAIMED = "ya_con_dueño.json"                   # lo que estuvo ahí y se recogió después con el nombre de alguien


@dataclass
class Collected:
    """Lo que salió de un `collect`: recibos nuevos, repetidos que ya estaban, y lo que no tiene dueño.

    others: los archivos que no son cuadernos y no hacen falta: acompañan a uno, o no son de nadie.  seen: las llaves de
    quienes venían;  several: llave → cuántos intentos tiene y cuál cuenta, de quienes venían y tienen más de uno.
    """
    receipts: list[dict] = field(default_factory=list)
    repeated: int = 0
    lost: list[dict] = field(default_factory=list)
    missing: list[Student] = field(default_factory=list)
    others: list[str] = field(default_factory=list)
    seen: set[str] = field(default_factory=set)
    several: dict[str, str] = field(default_factory=dict)


def collect(course: Course, lesson: Lesson, place: Path) -> Collected:
    """Guarda lo que llegó de una lección en `entregas/LECCIÓN/LLAVE/INTENTO/`: recibido.ipynb, entrega.ipynb, recibo.

    Repetirlo con el mismo zip no duplica nada. CourseError si la carpeta o el zip no se pueden abrir.
    """
    people, result = load_roster(course), Collected()
    for arrival in sorted(arrivals(place, course.limits.size), key=lambda arrival: not arrival.is_notebook):
        _take(course, lesson, arrival, people, result)
    _settle_lost(course, lesson.name, result)
    tried = {person.key: attempts(course, lesson.name, person.key) for person in people}
    result.missing = [person for person in people if not tried[person.key]]
    result.several = {key: note for key in result.seen if (note := attempts_note(tried[key]))}
    return result


def _take(course: Course, lesson: Lesson, arrival: Arrival, people: list[Student], result: Collected) -> None:
    mended, problem = _read(arrival, lesson.name)
    account, by_key = mended.account if mended else "", {person.key: person for person in people}
    named = find_by_name(people, arrival.person or arrival.label)
    owner = named or (None if arrival.person else by_key.get(account))
    unasked = not arrival.person if owner is None else _has_readable(course, lesson.name, owner)
    if problem.startswith(OTHER) and unasked:
        result.others.append(arrival.label)
        return
    if owner is None:
        why = problem or "no sé de quién es: ni su nombre ni su llave están en la lista"
        result.lost.append({"archivo": arrival.label, "motivo": why, "llave_escrita": account, "suma": _sum(arrival)})
        return
    receipt = _receipt(course, lesson, arrival, owner, problem)
    if mended:
        receipt |= {"llave_escrita": account, "reparaciones": summary(mended.repairs),
                    "avisos": _warnings(account, owner, by_key, mended, lesson.name)}
    _keep(course, arrival, mended, receipt, result)


def _read(arrival: Arrival, lesson: str) -> tuple[Mended | None, str]:
    """El cuaderno reparado, o None y por qué no se pudo leer."""
    if arrival.problem:
        return None, arrival.problem
    try:
        return mend(arrival.data, lesson, arrival.label), ""
    except Unreadable as error:
        return None, str(error)
    except Exception as error:                  # lo que sea que traiga un archivo no detiene a los demás
        return None, f"no se pudo leer ({type(error).__name__})"


def _has_readable(course: Course, lesson: str, owner: Student) -> bool:
    return any(not receipt["problema"] for receipt in attempts(course, lesson, owner.key))


def _keep(course: Course, arrival: Arrival, mended: Mended | None, receipt: dict, result: Collected) -> None:
    """Guarda un intento en su carpeta, si no estaba."""
    folder = course.place("entregas", receipt["lección"], receipt["llave"], receipt["intento"])
    result.seen.add(receipt["llave"])
    if (folder / "recibo.json").is_file():
        result.repeated += 1
        return
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "recibido.ipynb").write_bytes(arrival.data)
    if mended:
        write_json(folder / "entrega.ipynb", mended.book)
    write_json(folder / "recibo.json", receipt)
    result.receipts.append(receipt)


def _settle_lost(course: Course, lesson: str, result: Collected) -> None:
    """Pone al día lo que no tiene dueño: lo que se recogió después con el nombre de alguien deja de estar ahí."""
    lost, claimed = (course.place("entregas", lesson, name) for name in (LOST, CLAIMED))
    before, owned = _rows(lost), _rows(claimed)
    sums = Counter(receipt["suma"] for receipt in result.receipts)      # solo las nuevas: una copia no borra a otra
    kept = []
    for row in before:
        taken = sums[row.get("suma", "")] > 0
        sums[row.get("suma", "")] -= taken
        (owned if taken else kept).append(row)
    fresh = [row for row in result.lost if row not in owned]
    result.repeated += len(result.lost) - len(fresh)
    result.lost = fresh
    if before or fresh:
        write_json(lost, kept + [row for row in fresh if row not in kept])
    if owned:
        write_json(claimed, owned)


def _rows(path: Path) -> list[dict]:
    return json.loads(path.read_text(encoding="utf-8")) if path.is_file() else []


def _sum(arrival: Arrival) -> str:
    return hashlib.sha256(arrival.data or arrival.label.encode()).hexdigest()


def _receipt(course: Course, lesson: Lesson, arrival: Arrival, owner: Student, problem: str) -> dict:
    digest = _sum(arrival)
    inside = arrival.inside.isoformat(timespec="seconds") if arrival.inside else ""
    return {
        "llave": owner.key, "lección": lesson.name, "archivo": arrival.label, "problema": problem,
        "intento": f"{arrival.modified:%Y%m%dT%H%M%S}-{digest[:8]}", "suma": digest,
        "llegó": arrival.modified.isoformat(timespec="seconds"), "fecha_adentro": inside,
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
    """Los recibos de una persona en una lección, del primer intento al último.

    Los ordena la fecha de entrega; a dos que llegaron en el mismo zip, la que traían adentro.
    """
    folder = course.place("entregas", lesson, key)
    found = [json.loads(path.read_text(encoding="utf-8")) for path in folder.glob("*/recibo.json")]
    return sorted(found, key=lambda receipt: (receipt.get("llegó", ""), receipt.get("fecha_adentro", ""),
                                              receipt["intento"]))


def standing(receipts: list[dict]) -> dict | None:
    """El intento que cuenta: el último que se pudo leer; si ninguno, el último."""
    readable = [receipt for receipt in receipts if not receipt["problema"]]
    return (readable or receipts or [None])[-1]


def of_this_lesson(receipts: list[dict]) -> list[dict]:
    """Los intentos, sin los archivos que eran de otra lección."""
    return [receipt for receipt in receipts if not receipt["problema"].startswith(OTHER)]


def attempts_note(receipts: list[dict]) -> str:
    """Cuántos intentos hay y cuál cuenta; vacío si hay uno. Lo lee también quien entregó."""
    tried = of_this_lesson(receipts)
    chosen = standing(tried)
    if len(tried) < 2:
        return ""
    if chosen["problema"]:
        return f"hay {len(tried)} intentos, y ninguno se pudo leer"
    which = "el último" if chosen is tried[-1] else "el último que se pudo leer"
    return f"hay {len(tried)} intentos: cuenta {which}{_arrived(chosen)}"


def _arrived(receipt: dict) -> str:
    when = receipt.get("llegó")
    return f", del {datetime.fromisoformat(when):%d/%m/%Y a las %H:%M}" if when else ""


def write_json(path: Path, value: object) -> None:
    """Escribe un valor como JSON, legible y sin dejar el archivo a medias."""
    write_text(path, json.dumps(value, indent=1, ensure_ascii=False) + "\n")

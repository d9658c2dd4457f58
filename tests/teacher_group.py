"""Un grupo chico ya calificado, escrito directamente en la carpeta docente: sin correr ninguna entrega."""
import csv
import io
from itertools import count
from pathlib import Path

from synthetic_submissions import ANSWER, CONVOLVE, E1, E2, E3, E4, EDGES, FIELDS, HAND, LESSON, STYLES, answered, cell_of, finding

from labkit.exercises import EXERCISES
from labkit.exercises.pixels.findings import layer_row
from labkit.teacher.collecting import write_json
from labkit.teacher.course import Course, load_course, new_course
from labkit.teacher.flat import pack
from labkit.teacher.roster import Student, load_roster
from labkit.teacher.tasks import tasks

NAMES = ("Ana Torres Luna", "Beto Ruiz Paz", "Carla Vega Sol", "Dani Mora Ríos", "Elsa Nava Gil", "Fito Lara Cruz", "Gina Soto Mar",
         "Hugo Cano Rey", "Inés Peña Roa")
TEXTS = {"e0-prediccion": "Creo que rebasará relu3, porque antes solo hay bordes. Si fuera relu1, cambiaría de opinión.",
         "e5-evidencia": "Píxeles 0.54, a mano 0.79; relu3 le gana por +0.05, de +0.01 a +0.09.",
         "e6-afirmacion": "Con mis clases, relu3 acierta más que lo medido a mano.\nControl: la gemela queda debajo.\nLímite: una red."}


def synthetic_course(folder: Path) -> Course:
    """Nueve personas de la lección 0: la primera todo bien; Beto y Carla fallan igual en la misma variante."""
    new_course(folder)
    mails = "".join(f"{name},{name.split()[0].casefold()}@ejemplo.mx,{410000000 + place}\n" for place, name in enumerate(NAMES))
    (folder / "lista.csv").write_text(f"nombre,correo,numero\n{mails}", encoding="utf-8")
    course = load_course(folder)
    _rekey(course)
    for place, person in enumerate(load_roster(course)):
        _put(course, place, person)
    write_json(course.place("entregas", LESSON, "sin_dueño.json"),
               [{"archivo": "tarea final.ipynb", "motivo": "no sé de quién es", "llave_escrita": ""}])
    return course


def _rekey(course: Course) -> None:
    """Las llaves del grupo: Beto y Carla con la misma variante, y Dani con otra."""
    load_roster(course)
    first = 20_000_001
    twin = next(number for number in count(first + 1) if layer_row(str(number)) == layer_row(str(first)))
    other = next(number for number in count(twin + 1) if layer_row(str(number)).layer != layer_row(str(first)).layer)
    numbers = [other + 500, first, twin, other, *range(other + 1000, other + 1005)]
    path = course.place("llaves.csv")
    rows = list(csv.DictReader(io.StringIO(path.read_text(encoding="utf-8-sig"))))
    lines = [f"{number},{row['nombre']},{row['correo']},{row['numero']}\n" for number, row in zip(numbers, rows)]
    path.write_text("llave,nombre,correo,numero\n" + "".join(lines), encoding="utf-8")


def _put(course: Course, place: int, person: Student) -> None:
    """Su entrega: los errores dependen de su lugar en la lista."""
    if person.name == NAMES[8]:
        return                                                  # no entregó
    receipt = {"llave": person.key, "intento": "1", "problema": "", "archivo": "x.ipynb", "días_tarde": 0, "avisos": [],
               "carpeta_moodle": f"{person.name}_{1000 + place}_assignsubmission_file_", "id_moodle": str(1000 + place), "reparaciones": ""}
    result = {"llave": person.key, "intento": "1", "huella": "1/x", "protección": "proceso con topes", "estado": "calificada", "motivo": "",
              "días_tarde": 0, "avisos": [], "reparaciones": "", "ejercicios": [], "a_mano": []}
    if person.name == NAMES[7]:
        receipt["problema"] = result["motivo"] = "el archivo está dañado: no es JSON"
        result["estado"] = "no calificada"
    elif person.name == NAMES[4]:
        receipt["avisos"] = result["avisos"] = [f"trae la llave de otra persona, {NAMES[0]}: se califica con la suya"]
    folder = course.place("entregas", LESSON, person.key, "1")
    write_json(folder / "recibo.json", receipt)
    (folder / "recibido.ipynb").write_text("{}", encoding="utf-8")
    if result["estado"] == "calificada":
        _graded(course, place, person, result)
    write_json(course.place("calificaciones", LESSON, f"{person.key}.json"), result)


def _graded(course: Course, place: int, person: Student, result: dict) -> None:
    row = layer_row(person.key)
    wrong = place in (1, 2, 3)
    mine = ("relu9", 0.123) if wrong else (row.layer, row.hand)
    edges = EXERCISES["edge_histogram"].mistakes[place % 2].message if place in (4, 5, 6) else ""
    said = {E2: f"edge_histogram: {edges} (Lo vi con un mapa de {place} × 7.)", E4: f"overtaking_layer: relu9 no está en tu caso, {row.network}."}
    for task in tasks(LESSON):
        if task.by_hand:
            continue
        good = not (task.grade_id == E2 and edges) and not (task.grade_id == E4 and wrong)
        word, mark = ("Correcto", "✓") if good else ("Revisa", "✗")
        message = f"{task.exercise}: da lo mismo que labkit." if good else said[task.grade_id]
        result["ejercicios"].append({"celda": task.grade_id, "ejercicio": task.exercise, "puntos": task.points if good else 0.0, "de": task.points,
                                     "símbolo": mark, "palabra": word, "mensaje": message, "dibujo": ""})
    texts = {name: f"{text} Lo escribió {person.name}." for name, text in TEXTS.items()}
    result["a_mano"] = [{"celda": task.grade_id, "de": task.points, "texto": texts[task.grade_id], "sin_escribir": False} for task in tasks(LESSON)
                        if task.by_hand]
    style = {} if place < 2 else STYLES[place % len(STYLES)]
    book = answered({E1: CONVOLVE, E2: EDGES, E3: FIELDS, **style, E4: finding(*mine)}, person.key)
    for name in HAND:
        cell_of(book, name)["source"] = texts[name]
    write_json(course.place("entregas", LESSON, person.key, "1", "entrega.ipynb"), book)
    write_json(course.place("respuestas", LESSON, f"{person.key}.json"), {"intento": "1", "respuestas": {E4: {"valor": pack((person.key, mine))}}})


assert set(ANSWER) == {E1, E2, E3, E4}

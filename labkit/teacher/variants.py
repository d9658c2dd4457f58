"""Lo que le tocó a cada quien en un hallazgo y lo que hay que responder, en palabras: sin llaves de código."""
from collections.abc import Callable
from typing import Protocol

from labkit.exercises.counterfactuals.findings import fallen
from labkit.exercises.optimization import RADII
from labkit.exercises.priors.findings import HEATS
from labkit.exercises.regularization import DecayRow
from labkit.packed import read_info

SCENES, CARS = "escenas", "autos_trampa"        # de qué conjunto son los números de clase
ANSWERS: dict[str, tuple[str, ...]] = {         # cada parte de la respuesta
    "overtaking_layer": ("la capa que rebasa", "lo que acierta lo hecho a mano"),
    "hidden_network": ("la clase atada al fondo",),
    "resting": ("las posiciones que se apoyan en el fondo",),
    "heaviest": ("la parte que más pesa al quitarla", "la que más pesa al taparla de negro"),
    "together": ("la caída sin las dos partes", "la interacción"),
    "secret_unit": ("la clase que más sube con la unidad", "la que más sube con su negativo"),
    "smallest_budget": ("el menor radio con que cae la red principal", "el menor con que cae la robusta"),
    "smallest_decay": ("el menor d sin grano", "el d que mejor aguanta el examen"),
    "convinced": ("las que reconoce la testigo en píxeles", "en frecuencias"),
    "convincing_heat": ("la mayor temperatura con que acierta la testigo", "la temperatura de mayor margen"),
    "lying_network": ("la letra de la mentirosa", "la clase que enseña en su lugar"),
    "selective_unit": ("la unidad", "su área ROC en las imágenes con que no se escogió"),
    "seam_reading": ("cuántas casillas con costura", "la clase que más tiene"),
    "layer_reading": ("detectoras", "conceptos distintos", "suma por categoría", "el mejor concepto"),
    "shortcut_unit": ("la unidad", "la parte de la caída que se lleva"),
    "concept_cell": ("la celda", "su AUPRC en la prueba"),
    "planted_rule": ("el sustituto", "su opción", "la columna que no cuenta"),
}
LABELS: dict[str, dict[str, str]] = {           # cada dato de lo que le tocó; vacío, el que ya está en la respuesta
    "overtaking_layer": {
        "network": "la red", "classes": "sus clases", "layer": "", "hand": "", "pixels": "lo que aciertan los píxeles",
        "reached": "lo que acierta la capa que rebasa", "best": "la capa que más acierta",
        "over_pixels": "la primera que rebasa a los píxeles",
        "margin": "lo menos que hay entre una capa y lo hecho a mano"},
    "hidden_network": {
        "network": "la red", "tied": "", "sharpest": "la clase que más depende de su objeto",
        "fallen": "la que más pierde sin el fondo", "worst": "en la que más se equivoca",
        "seen": "las que pierden más sin el objeto que sin el fondo", "kinds": ""},
    "together": {
        "both": "", "extra": "", "first": "una parte", "alone_first": "la caída sin esa parte", "second": "la otra",
        "alone_second": "la caída sin la otra", "black_both": "la caída al tapar las dos de negro",
        "black_extra": "la interacción al tapar de negro", "left": "el margen que queda sin las dos"},
    "secret_unit": {
        "network": "la red", "unit": "la unidad", "up": "", "down": "", "fall": "la clase que más baja con la unidad",
        "quiet": "la que gana en el ruido", "other_up": "la que más sube en la otra red",
        "other_down": "la que más sube en la otra red, con el negativo"},
    "smallest_budget": {
        "plane": "el avión de prueba", "plain": "lo que dice la red principal con cada radio",
        "robust": "lo que dice la robusta con cada radio"},
    "smallest_decay": {
        "network": "la red", "unit": "la unidad", "decay": "d", "share": "la parte de frecuencias altas",
        "held": "la puntuación en el examen", "still": "la puntuación sin mover la imagen"},
    "convinced": {
        "classes": "las seis clases", "pixels": "", "frequencies": "",
        "own_pixels": "las que reconoce la misma red en píxeles",
        "own_frequencies": "las que reconoce la misma red en frecuencias"},
    "convincing_heat": {
        "label": "la clase", "seed": "la semilla", "witness": "lo que dice la testigo con cada temperatura",
        "robust": "lo que dice la robusta con cada temperatura", "scores": "el margen con cada temperatura"},
    "lying_network": {"label": "la clase que se pide", "shown": "", "letter": ""},
    "selective_unit": {
        "layer": "la capa", "label": "la clase", "unit": "", "first": "el área ROC en la mitad con que se escogió",
        "rest": "", "winner_of_rest": "la unidad que gana en la otra mitad", "loudest": "la que más responde",
        "winner_by_mean": "la que gana por la media", "opposite": "la que mejor la distingue al revés"},
    "seam_reading": {
        "seed": "la semilla de sus imágenes", "seams": "", "winner": "", "commonest": "la clase con más imágenes",
        "unmoved": "la clase que sale si no se pasa index"},
    "layer_reading": {
        "network": "la red", "layer": "la capa", "cut": "el corte", "detectors": "", "unique": "", "summed": "",
        "best": "", "pairs": "lo que da contar parejas de unidad y concepto",
        "reached": "lo que da contar todo concepto que alguien alcanza",
        "units_by_category": "lo que da contar unidades por categoría", "commonest": "el concepto de más unidades",
        "usual": "las tres cuentas con el corte del artículo", "relu": "tras la ReLU",
        "main": "en la red principal", "other_layers": "en las otras dos capas",
        "all_images": "con todas las imágenes"},
    "shortcut_unit": {
        "layer": "la capa", "label": "la marca", "source": "el otro fondo", "seed": "la semilla de sus autos",
        "shares": "", "margin": "el margen con su fondo", "drop": "cuánto baja con el otro",
        "most_changed": "la unidad que más cambia", "silenced": "la que más se nota al anularla",
        "other_label": "la de la otra marca", "silenced_share": "la parte que se lleva con un 0",
        "backwards": "la parte al revés"},
    "concept_cell": {
        "concept": "el concepto", "draw": "el sorteo de ventanas", "cell": "",
        "sign": "hacia dónde responde", "first": "su AUPRC en la validación", "rest": "",
        "other_sign": "en la prueba, hacia el lado contrario", "by_roc": "la celda que gana por área ROC",
        "unsigned": "la que gana si solo cuentan las de hacia arriba", "winner_of_test": "la que gana en la prueba",
        "loudest": "la que más responde al concepto"},
    "planted_rule": {
        "proxy": "", "option": "", "active": "la columna que sí mueve lo anotado", "idle": "la que no hace nada",
        "flat": "", "seed": "la semilla de su tabla"},
}
CLASSES = {("overtaking_layer", "classes"): SCENES, ("convinced", "classes"): SCENES,
           ("selective_unit", "label"): SCENES, ("shortcut_unit", "label"): CARS}
EACH: dict[tuple[str, str], tuple[float, ...]] = {              # lo guardado con espacios: un dato por cada…
    ("smallest_budget", "plain"): RADII, ("smallest_budget", "robust"): RADII, ("convincing_heat", "witness"): HEATS,
    ("convincing_heat", "robust"): HEATS, ("convincing_heat", "scores"): HEATS}
SIDES = {1: "hacia arriba", -1: "hacia abajo"}
KINDS = {"fondo": "el fondo", "objeto": "el objeto", "cualquiera": "cualquiera de los dos", "juntos": "los dos juntos",
         "dudoso": "no está claro"}
FILLS = {"verdad": "al quitarla", "negro": "de negro", "media": "con la media", "desenfoque": "desenfocada",
         "ruido": "con ruido", "limpiador": "con el limpiador", "detrás": "con lo que hay detrás"}


class Row(Protocol):
    """Un renglón de una tabla: lo que le toca a alguien, con nombre cada dato (un NamedTuple)."""

    def _asdict(self) -> dict: ...


def answer_words(name: str, right: object) -> str:
    """La respuesta de un hallazgo, con palabras: «la letra de la mentirosa, B; la clase que…, cebra»."""
    labels = ANSWERS[name]
    parts = list(right) if isinstance(right, tuple) else [right]
    return "; ".join(f"{label}, {_value(part)}" for label, part in zip(labels, parts, strict=True))


def variant_words(name: str, case: object) -> str:
    """Lo que le tocó a alguien en un hallazgo, un renglón por dato."""
    return TOLD.get(name, _row_words)(name, case)


def _row_words(name: str, row: Row) -> str:
    known = row._asdict()
    return "\n".join(f"{label}: {_field(name, field, known[field])}" for field, label in LABELS[name].items() if label)


def _parts_words(name: str, rows: dict[str, dict[str, float]]) -> str:
    """Las partes de una escena: cuánto cae el margen sin cada una, de verdad y con cada relleno."""
    before = next(iter(rows.values()))["m antes"]
    lines = [f"el margen de la foto: {_value(before)}. Cuánto cae sin cada parte:"]
    for part, row in rows.items():
        drops = ", ".join(f"{said} {_value(fallen(row, fill))}" for fill, said in FILLS.items())
        lines.append(f"{part} ({row['pixels']:g} píxeles): {drops}")
    return "\n".join(lines)


def _kinds_words(name: str, kinds: list[str]) -> str:
    return "\n".join(f"imagen {place}, se apoya en: {KINDS[kind]}" for place, kind in enumerate(kinds))


def _decays_words(name: str, rows: list[DecayRow]) -> str:
    labels = LABELS[name]
    lines = [f"{labels[field]}: {rows[0]._asdict()[field]}" for field in ("network", "unit")]
    for row in rows:
        said = "; ".join(f"{labels[field]}, {_value(row._asdict()[field])}" for field in ("share", "held", "still"))
        lines.append(f"con d = {row.decay:g}: {said}")
    return "\n".join(lines)


TOLD: dict[str, Callable[[str, object], str]] = {"heaviest": _parts_words, "resting": _kinds_words,
                                                 "smallest_decay": _decays_words}


def _field(name: str, field: str, value: object) -> str:
    """Un dato, con palabras; los números de clase, con el nombre de la clase."""
    words = str(value).split()
    if source := CLASSES.get((name, field)):
        classes = read_info(source)["classes"]
        return ", ".join(classes[int(number)] for number in words)
    if field == "sign":
        return SIDES[value]
    if steps := EACH.get((name, field)):
        return "; ".join(f"con {step:g}, {word.replace('-', '−')}" for step, word in zip(steps, words, strict=True))
    return ", ".join(words) if (name, field) == ("hidden_network", "seen") else _value(value)


def _value(value: object) -> str:
    """Un valor como se lee: los números con tres decimales a lo más; los conjuntos, con comas."""
    if isinstance(value, (set, frozenset)):
        return ", ".join(map(_value, sorted(value)))
    if isinstance(value, float):
        return f"{round(value, 3) + 0:g}".replace("-", "−")
    return str(value)

"""Las comparaciones de la lección 5b, una por una: se fijaron antes de contar nada en las redes que las contestan.

Se exploró con las semillas 0 a 4. Con lo visto se escribieron esta lista, lo que el artículo o el capítulo afirman de
cada renglón, la δ de cada medida y la regla del veredicto (`labkit.experiments.compared`); lo contestan las redes de
SEEDS, de las que entonces nadie había contado nada. Fuentes: Bau et al. (2017), doi:10.1109/CVPR.2017.354; Zhou et
al. (2019), doi:10.1109/TPAMI.2018.2858759; C. Molnar (2022), «Learned Features».
"""
from dataclasses import dataclass, replace
from functools import lru_cache
from statistics import fmean

from labkit.experiments.names import kept, unit_names
from labkit.experiments.tables import Row, Tables, load_table

SEEDS = range(10, 18)                       # las que dan el veredicto
EXPLORED = range(5)                         # con las que se escogió qué preguntar
TITLES = {1: "De colores y texturas a partes y objetos", 2: "La normalización por lotes reduce los conceptos",
          3: "Muchas unidades detectan lo mismo", 4: "Con más canales, más unidades interpretables",
          5: "Otra semilla da números un poco distintos", 6: "ResNet, VGG, GoogLeNet, AlexNet: en ese orden",
          7: "Con lugares, más conceptos que con objetos", 8: "Los conceptos crecen con el entrenamiento",
          9: "Sin etiquetas, menos conceptos", 10: "En otra tarea, una unidad puede cambiar de concepto",
          11: "La interpretabilidad depende de los ejes"}
ALL_COUNTS = ("unique", "summed", "detectors")
TAUGHT = ("lugares", "mezcla", "giros")     # son la base con otra pregunta: con pesos al azar, la misma red
# Hasta dónde una diferencia da lo mismo. Conceptos: dos, menos de lo que va de una semilla a otra en lo explorado (de
# 14 a 20). Detectoras: cinco, como cuatro de cada cien en una capa de 128. Por cada cien unidades: 1.5, dos en 128.
# Parte de unidades con nombre, o de nombres que se conservan: diez de cada cien. Detectoras por concepto: media.
DELTAS = {"conceptos": 2.0, "conceptos por cada cien": 1.5, "detectoras": 5.0, "detectoras por concepto": 0.5,
          "detectoras por cada cien": 10.0, "de cada cien nombres": 10.0}
Values = dict[int, float]                   # por cada semilla, su número


def networks(variant: str, layer: str = "", step: float | str = "", load: Tables = load_table) -> list[Row]:
    """Los renglones de las ocho redes que dan el veredicto, una por semilla; layer: "" es la última."""
    rows = load("redes", variant=variant, step=step)
    layer = layer or rows[-1]["layer"]
    return [row for row in rows if row["layer"] == layer and row["seed"] in SEEDS]


@dataclass(frozen=True)
class Counted:
    """Una columna de la tabla «redes».

    layer: "" es la última;  step: "" es la red ya entrenada, 0 la misma con sus pesos al azar.  per: entre qué columna
    se divide; si son las unidades, se dice por cada cien. Una red sin ningún concepto no repite ninguno: da 0.
    """
    variant: str = "base"
    field: str = "unique"
    layer: str = ""
    step: float | str = ""
    per: str = ""

    def values(self, load: Tables) -> Values:
        """El número de cada semilla."""
        rows = load("redes", variant=self.variant, step=self.step)
        layer = self.layer or rows[-1]["layer"]
        found = {}
        for row in rows:
            if row["layer"] == layer:
                among = row[self.per] if self.per else 1
                scale = 100 if self.per == "units" else 1
                found[int(row["seed"])] = scale * row[self.field] / among if among else 0.0
        return found


@dataclass(frozen=True)
class Kept:
    """De cada cien unidades con nombre en la red de objetos, cuántas lo conservan después de otras cinco vueltas."""
    variant: str

    def values(self, load: Tables) -> Values:
        """El número de cada semilla."""
        before, after = unit_names("base", load=load), unit_names(self.variant, load=load)
        return {seed: kept(names, after[seed]) for seed, names in before.items() if seed in after}


@dataclass(frozen=True)
class Turned:
    """Los conceptos distintos de una capa con la base girada: el promedio de las rotaciones de cada red."""
    layer: str
    power: float
    cut: str = "04"

    def values(self, load: Tables) -> Values:
        """El número de cada semilla."""
        rows = load("giro", layer=self.layer, power=self.power)
        return _seed_means(rows, f"unique_{self.cut}")


@dataclass(frozen=True)
class Directions:
    """Una columna de la tabla «direcciones»: las unidades de una capa, o 128 direcciones al azar.

    per: si es "count", por cada cien de las que se disecaron: relu4 tiene 96 unidades.
    """
    layer: str
    kind: str
    field: str
    network: str = "base"
    per: str = ""

    def values(self, load: Tables) -> Values:
        """El número de cada semilla: en las direcciones, el promedio de los sorteos."""
        rows = load("direcciones", network=self.network, layer=self.layer, kind=self.kind)
        if self.per:
            rows = [{**row, self.field: 100 * row[self.field] / row[self.per]} for row in rows]
        return _seed_means(rows, self.field)


def _seed_means(rows: list[Row], field: str) -> Values:
    """El promedio de la columna en cada semilla."""
    seeds = dict.fromkeys(int(row["seed"]) for row in rows)
    return {seed: fmean(row[field] for row in rows if row["seed"] == seed) for seed in seeds}


Group = Counted | Kept | Turned | Directions


@dataclass(frozen=True)
class Comparison:
    """Una pregunta fijada de antemano: cuánto más grande es `second` que `first`.

    sign: lo que se afirma, +1 que sube, −1 que baja.  measure: qué se cuenta, de DELTAS.  same: son las mismas redes, y
    se restan una por una.  floor: los dos grupos de la misma resta con pesos al azar; se dibuja y no se prueba.
    """
    finding: int
    title: str
    first: Group
    second: Group
    sign: int
    measure: str
    same: bool = False
    floor: tuple[Group, Group] | None = None

    @property
    def delta(self) -> float:
        """Hasta dónde da lo mismo: si todo el intervalo cabe en ±δ, es «igual»."""
        return DELTAS[self.measure]


def _layers() -> list[Comparison]:
    """Hallazgo 1, por cada cien unidades: cada categoría, de abajo a arriba y contra el azar donde se dice que está."""
    found = []
    for name, field, home, sign in (("colores", "color", "conv1", -1), ("texturas", "texture", "conv1", -1),
                                    ("partes", "part", "conv5", 1), ("objetos", "object", "conv5", 1)):
        low, high = (Counted("base", field, layer, per="units") for layer in ("conv1", "conv5"))
        chance = replace(low, step=0), replace(high, step=0)
        here = low if home == "conv1" else high
        found += [Comparison(1, f"{name}, de conv1 a conv5", low, high, sign, "conceptos por cada cien", True, chance),
                  Comparison(1, f"{name} en {home}, del azar a la red", replace(here, step=0), here, 1,
                             "conceptos por cada cien", True)]
    return found


def _counts(finding: int, title: str, first: str, second: str, sign: int,
            fields: tuple[str, ...] = ("unique", "summed")) -> list[Comparison]:
    """Dos grupos de redes en su última convolución, con cada una de las cuentas."""
    names, found = {"unique": "conceptos distintos", "summed": "por categorías", "detectors": "detectoras"}, []
    for field in fields:
        pair = Counted(first, field), Counted(second, field)
        found.append(Comparison(finding, f"{title}: {names[field]}", *pair, sign,
                                "detectoras" if field == "detectors" else "conceptos", floor=_untrained(*pair)))
    return found


def _untrained(*groups: Counted) -> tuple[Counted, ...] | None:
    """Los mismos grupos con pesos al azar; None si no difieren más que en lo que se les enseñó."""
    if any(group.variant in TAUGHT for group in groups):
        return None
    return tuple(replace(group, step=0, layer="conv5" if group.variant == "base" else "") for group in groups)


def _turns() -> list[Comparison]:
    """Hallazgo 11: girar, lo que queda contra el azar, y las unidades contra direcciones al azar."""
    found = []
    for layer in ("relu5", "relu4"):
        chance = Counted("base", "unique", layer, step=0)
        for cut in ("04", "08"):
            straight, turned = (Turned(layer, power, cut) for power in (0.0, 1.0))
            found.append(Comparison(11, f"{layer}, al girar, corte 0.{cut}", straight, turned, -1, "conceptos", True,
                                    (straight, chance) if cut == "04" else None))
        found.append(Comparison(11, f"{layer}, del azar a la girada", chance, Turned(layer, 1.0), 1, "conceptos", True))
    for layer in ("relu5", "relu4"):
        for measure, field, per in (("detectoras por cada cien", "detectors_04", "count"),
                                    ("conceptos", "unique_04", "")):
            units, random = (Directions(layer, kind, field, per=per) for kind in ("unidades", "direcciones"))
            floor = replace(units, network="base al azar"), replace(random, network="base al azar")
            title = f"{layer}, direcciones: {measure}"
            found.append(Comparison(11, title, units, random, -1, measure, True, floor))
    return found


def _growth() -> list[Comparison]:
    """Hallazgos 3 y 8: del comienzo al final. Cuántas detectoras hay por concepto, y si las cuentas crecen."""
    start, end = Counted("base", layer="conv5", step=0), Counted("base", layer="conv5")
    repeated = [replace(one, field="detectors", per="unique") for one in (start, end)]
    halfway = replace(start, field="detectors", step=223)
    return [Comparison(3, "detectoras por concepto, del azar a la red", *repeated, 1, "detectoras por concepto", True),
            Comparison(8, "del comienzo al final: conceptos distintos", start, end, 1, "conceptos", True),
            Comparison(8, "del paso 223 al final: detectoras", halfway, replace(end, field="detectors"), 1,
                       "detectoras", True)]


def _widths() -> list[Comparison]:
    """Hallazgo 4: de 32 a 256 canales, las tres cuentas y la parte de las unidades que tiene nombre."""
    narrow, wide = (Counted(variant, "detectors", per="units") for variant in ("ancho32", "ancho256"))
    return [*_counts(4, "de 32 a 256 canales", "ancho32", "ancho256", 1, ALL_COUNTS),
            Comparison(4, "de 32 a 256 canales: con nombre, de cada cien", narrow, wide, -1, "detectoras por cada cien",
                       floor=_untrained(narrow, wide))]


def _names() -> list[Comparison]:
    """Hallazgo 10. Lo que la última capa nueva hace por sí sola no lo afirma nadie: ese signo es nuestra sospecha."""
    pairs = (("lugares menos los mismos objetos", "continuada", "transferida"),
             ("lugares menos cabeza nueva", "cabeza", "transferida"),
             ("cabeza nueva menos la de antes", "continuada", "cabeza"))
    return [Comparison(10, f"nombres: {title}", Kept(first), Kept(second), -1, "de cada cien nombres", True)
            for title, first, second in pairs]


@lru_cache(maxsize=1)
def planned() -> tuple[Comparison, ...]:
    """La lista entera, en el orden de los hallazgos.

    El 5 no tiene comparación: no hay dos grupos, y la lección enseña cuánto se mueve el número de una semilla a otra.
    """
    repeated, *growth = _growth()
    return (
        *_layers(),
        *_counts(2, "con normalización", "base", "bn", -1, ALL_COUNTS),
        repeated,
        *_widths(),
        *_counts(6, "ResNet menos VGG", "vgg", "residual", 1),
        *_counts(6, "VGG menos GoogLeNet", "inception", "vgg", 1),
        *_counts(6, "GoogLeNet menos AlexNet", "base", "inception", 1),
        *_counts(6, "ResNet menos la normalizada", "bn", "residual", 1),
        *_counts(7, "lugares menos objetos", "base", "lugares", 1),
        *_counts(7, "las dos cosas menos objetos", "base", "mezcla", 1),
        *growth,
        *_counts(9, "giros menos objetos", "base", "giros", -1),
        *_names(),
        *_turns(),
    )

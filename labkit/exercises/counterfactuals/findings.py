"""Los hallazgos de la lección 1b: qué le toca a cada cuenta, cómo se mide y por qué se equivoca la gente."""
from collections.abc import Callable, Iterator
from typing import NamedTuple

import torch
from torch import Tensor

from labkit.counterfactuals import answers, filled, interaction, load_measures
from labkit.counterfactuals.scenes import load_counterfactuals
from labkit.exercises.accounts import LIKE_SAMPLE, account_or_sample, variant
from labkit.exercises.answers import read_name, read_pair
from labkit.models import load_model

# Escenas en que ninguna respuesta es dudosa: tests/test_exercises_counterfactuals.py mide con cuánta ventaja gana.
TOPS = (3, 5, 10, 13, 14, 19, 30, 35, 36, 37, 40, 43, 45, 50, 69, 70, 71, 72, 73, 77, 92, 98, 100, 101, 109, 110, 111,
        114, 115, 120, 129, 142, 153, 155, 157, 159, 170, 175, 176, 188, 192, 194, 196, 199, 200, 202)
PAIRS = (3, 4, 6, 10, 18, 20, 23, 32, 34, 35, 37, 39, 40, 41, 42, 45, 46, 47, 51, 52, 65, 66, 71, 74, 98, 100, 104, 111,
         122, 125, 134, 138, 139, 141, 150, 154, 156, 158, 159, 164, 165, 171, 172, 173, 179, 182, 191, 192, 194, 196,
         199)
CLOSE = 0.5                             # cuánto puede diferir un margen de lo medido
ASK_TOPS = "escribe dos nombres: la parte que más pesa de verdad y la que más pesa según el negro."
ASK_PAIR = "escribe dos números: cuánto cae el margen sin las dos partes, y la interacción."


class Mine(NamedTuple):
    """Lo que le toca a una cuenta: la foto (3, h, w), su clase, y sus v variantes con su nombre y su máscara."""
    image: Tensor
    label: int
    class_name: str
    names: list[str]
    variants: Tensor
    masks: Tensor


# ── 3 · la parte que más pesa ───────────────────────────────────────────────────────────────────────────────────────


def my_parts(account: str | int | None) -> Mine:
    """La escena y las partes del ejercicio 3 de un número de cuenta. Error: ValueError si el número no se entiende."""
    return _mine(_scene(account_or_sample(account), TOPS, "parte que más pesa"), _single)


def drops(mine: Mine, images: Tensor) -> Tensor:
    """Cuánto cae el margen de la clase de la foto en cada una de esas imágenes (v, 3, h, w): (v,)."""
    network = load_model("escenas", device="cpu")
    both = torch.cat([mine.image[None], images])
    found = answers(network, both, torch.tensor(mine.label).expand(len(both))).margin
    return found[0] - found[1:]


def heaviest(mine: Mine) -> tuple[str, str]:
    """La parte que más hace caer el margen al quitarla de verdad, y la que más al taparla de negro."""
    true, black = drops(mine, mine.variants), drops(mine, filled(mine.image, mine.masks, 0.0))
    return mine.names[int(true.argmax())], mine.names[int(black.argmax())]


def _single(name: str) -> bool:
    return name != "objeto" and " + " not in name


def _scene(account: str, scenes: tuple[int, ...], purpose: str) -> int:
    return scenes[variant(account, len(scenes), purpose)]


def _mine(scene: int, wanted: Callable[[str], bool]) -> Mine:
    data = load_counterfactuals()
    rows = [v for v in (data.scene == scene).nonzero().flatten().tolist() if wanted(data.removed[v])]
    label = int(data.labels[scene])
    return Mine(data.images[scene], label, data.classes[label], [data.removed[v] for v in rows], data.variants[rows],
                data.masks[rows])


def measured(scene: int) -> dict[str, dict[str, float]]:
    """Lo medido en una escena: nombre de lo que falta → la columna de «caidas» y su valor."""
    table = load_measures("caidas")
    rows = [i for i, k in enumerate(table["scene"]) if k == scene]
    numbers = [field for field in table if field not in ("class", "removed")]
    return {table["removed"][i]: {field: table[field][i].item() for field in numbers} for i in rows}


def fallen(row: dict[str, float], what: str, letter: str = "m") -> float:
    """Cuánto cae, en un renglón de «caidas», el margen (m) o la probabilidad (p) con ese relleno."""
    return row[f"{letter} antes"] - row[f"{letter} {what}"]


def top_rows(account: str) -> dict[str, dict[str, float]]:
    """Lo medido en las partes de la escena de una cuenta, ya limpia, en el ejercicio 3."""
    rows = measured(_scene(account, TOPS, "parte que más pesa"))
    return {name: row for name, row in rows.items() if _single(name)}


def best(rows: dict[str, dict[str, float]], what: str, letter: str = "m") -> str:
    """La parte que más hace caer el margen (m) o la probabilidad (p), al quitarla («verdad») o con un relleno."""
    return max(rows, key=lambda name: fallen(rows[name], what, letter))


def read_tops(value: object, rows: dict[str, dict[str, float]]) -> tuple[str, str]:
    """Los dos nombres que se contestan, entre las partes de esa escena."""
    first, second = read_pair(value, (str, str), ASK_TOPS)
    return tuple(read_name(name, list(rows), "una de tus partes") for name in (first, second))


def top_reasons(given: tuple[str, str], rows: dict[str, dict[str, float]]) -> Iterator[tuple[bool, str]]:
    """Por qué se equivoca la gente en el ejercicio 3."""
    first, second = given
    true, black = best(rows, "verdad"), best(rows, "negro")
    yield given == (black, true), "al revés: primero la que más pesa al quitarla de verdad."
    yield first == second == black, "las dos salen de tapar; la primera se mide con mine.variants, sin la parte."
    yield first == second == true, "las dos salen de quitar; la segunda se mide tapando con filled(…, 0.0)."
    yield LIKE_SAMPLE
    yield (first == min(rows, key=lambda name: fallen(rows[name], "verdad")),
           "sin la primera es cuando MENOS cae el margen.")
    yield second == black, "la segunda está bien. En la primera compara el margen de la foto con el de cada variante."
    yield first == true, "la primera está bien. En la segunda tapa de negro justo la máscara de cada parte."
    yield True, "ninguna de las dos: mide cuánto cae el margen, antes menos después, y busca la mayor caída."


# ── 4 · dos partes a la vez ─────────────────────────────────────────────────────────────────────────────────────────


def my_pair(account: str | int | None) -> Mine:
    """La escena del ejercicio 4: tres variantes, sin una parte, sin otra y sin las dos. Error: el de `my_parts`."""
    scene = _scene(account_or_sample(account), PAIRS, "dos partes")
    pair = next(name for name in measured(scene) if " + " in name)
    mine = _mine(scene, lambda name: name in (*pair.split(" + "), pair))
    order = [mine.names.index(name) for name in (*pair.split(" + "), pair)]
    return mine._replace(names=[mine.names[i] for i in order], variants=mine.variants[order], masks=mine.masks[order])


def together(mine: Mine) -> tuple[float, float]:
    """Cuánto cae el margen sin las dos partes, y cuánto más es eso que la suma de las dos caídas."""
    a, b, both = -drops(mine, mine.variants)                            # con el margen de la foto como 0
    zero = torch.zeros(1)
    return -both.item(), interaction(a[None], b[None], both[None], zero).item()


class PairRow(NamedTuple):
    """Lo medido en una pareja: la caída sin las dos y la interacción, al quitar y al tapar de negro; y lo que queda.

    first, second: las dos partes;  alone_first, alone_second: lo que cae al quitar solo esa.
    """
    both: float
    extra: float
    black_both: float
    black_extra: float
    left: float
    first: str
    second: str
    alone_first: float
    alone_second: float


def pair_row(account: str) -> PairRow:
    """Lo medido en la pareja de una cuenta, ya limpia, en el ejercicio 4."""
    rows = measured(_scene(account, PAIRS, "dos partes"))
    name = next(name for name in rows if " + " in name)
    found = []
    for what in ("verdad", "negro"):
        both, *alone = (fallen(rows[part], what) for part in (name, *name.split(" + ")))
        found += [both, both - sum(alone)]
    parts = name.split(" + ")
    return PairRow(*found, rows[name]["m verdad"], *parts, *(fallen(rows[part], "verdad") for part in parts))


def near(a: float, b: float) -> bool:
    """True si dos márgenes difieren en menos de lo que se perdona."""
    return abs(a - b) <= CLOSE


def pair_reasons(given: tuple[float, float], row: PairRow) -> Iterator[tuple[bool, str]]:
    """Por qué se equivoca la gente en el ejercicio 4."""
    both, extra = given
    yield near(both, row.extra) and near(extra, row.both), "al revés: primero la caída sin las dos."
    yield (near(both, row.black_both) or near(extra, row.black_extra),
           "eso sale de tapar de negro; aquí las partes se quitan de verdad, con mine.variants.")
    yield near(both, row.left), "la primera es el margen que queda; se pide cuánto cayó."
    yield (near(both, row.both) and near(extra, -row.extra),
           "el signo de la interacción está al revés: es la caída de las dos menos la suma de las otras.")
    yield (near(both, -row.both) and near(extra, -row.extra),
           "los dos signos están al revés: una caída es el margen de la foto menos el de la variante.")
    yield LIKE_SAMPLE
    yield near(both, row.both), "la primera está bien. La interacción es esa caída menos las otras dos."
    yield near(extra, row.extra), "la interacción está bien; revisa cuánto cae el margen sin las dos."
    yield abs(both) <= 1, "¿mediste la probabilidad? Aquí se pide el margen, que no se aplana."
    yield True, "ninguno de los dos números: son caídas del margen, antes menos después, con la red principal."

"""Los ejercicios de la lección 4: `chances`, `som_step`, la unidad más selectiva y las costuras de un mapa."""

from collections.abc import Iterator
from typing import NamedTuple

import torch
from torch import Tensor

from labkit.datasets import load_images
from labkit.exemplars import assign_to_grid, features, pca, roc_areas, seams
from labkit.exercises.accounts import account_or_sample, clean_account, row_of
from labkit.exercises.answers import read_name, read_pair
from labkit.exercises.compare import Mistake
from labkit.exercises.kinds import Finding, Function, case_generator
from labkit.models import load_model

ALONE = 1e-3                # un ancho con el que ningún nodo jala a sus vecinos
HALF, NEAR = 750, 0.006     # las imágenes de escoger; cuánto puede diferir el área, que se pide con dos decimales
SIDE, CUT = 12, 0.8         # casillas por lado del mapa; desde dónde es costura
ASK_UNIT = "escribe una pareja: el canal, un entero, y el área en la otra mitad, con dos decimales."
ASK_MAP = 'escribe una pareja: cuántas casillas y el nombre de una clase. Por ejemplo, (20, "barco").'


# ── 1 · a quién escoge cada quien ───────────────────────────────────────────────────────────────────────────────────


def chances(vectors: Tensor, width: float) -> Tensor:
    """La probabilidad de que cada vector i escoja a j de vecino, (n, n): renglones que suman 1 y diagonal en 0."""
    far = torch.cdist(vectors, vectors).pow(2)
    far.fill_diagonal_(torch.inf)
    return torch.softmax(-far / (2 * width ** 2), 1)


def clouds() -> Iterator[tuple[Tensor, float]]:
    """Vectores (n, d) y anchos, con n distinto de d."""
    dice = case_generator()
    for n, d, width in ((6, 4, 1.5), (9, 3, 0.7), (5, 8, 2.5), (7, 1, 0.9), (8, 5, 3.0)):
        yield torch.randn(n, d, generator=dice), width


def _bell(a: Tensor, b: Tensor, width: float, power: int = 2) -> Tensor:
    """La altura de la campana entre cada vector de a (n, d) y cada uno de b (m, d), sin dividir: (n, m)."""
    return torch.exp(-torch.cdist(a, b).pow(power) / (2 * width ** 2))


def _by_row(table: Tensor) -> Tensor:
    return table / table.sum(1, keepdim=True)


CHANCE_MISTAKES = (                     # v: los vectores; s: el ancho, como en la fórmula del cuaderno
    Mistake("cada punto se cuenta como su propio vecino: la diagonal va en 0 y no entra en la suma.",
            lambda v, s: _by_row(_bell(v, v, s))),
    Mistake("quitas la diagonal después de dividir: los renglones ya no suman 1.",
            lambda v, s: _by_row(_bell(v, v, s)).fill_diagonal_(0)),
    Mistake("suman 1 las columnas; cada renglón i reparte su probabilidad entre los demás.",
            lambda v, s: chances(v, s).T),
    Mistake("usas la distancia; va al cuadrado.",
            lambda v, s: _by_row(_bell(v, v, s, power=1).fill_diagonal_(0))),
    Mistake("falta el 2: se divide entre 2σ².", lambda v, s: chances(v, s / 2 ** 0.5)),
    Mistake("falta dividir: cada renglón debe sumar 1.", lambda v, s: _bell(v, v, s).fill_diagonal_(0)),
    Mistake("suma 1 toda la tabla; debe sumar 1 cada renglón.",
            lambda v, s: _bell(v, v, s).fill_diagonal_(0) / _bell(v, v, s).fill_diagonal_(0).sum()),
    Mistake("ya la hiciste simétrica; se pide la de cada renglón, p de j dado i.",
            lambda v, s: (chances(v, s) + chances(v, s).T) / (2 * len(v))),
)

# ── 2 · un paso del mapa ────────────────────────────────────────────────────────────────────────────────────────────


def som_step(prototypes: Tensor, places: Tensor, vectors: Tensor, width: float) -> Tensor:
    """Los prototipos (m, d) tras una época: cada uno, la media de los vectores según lo cerca que cayeron de él."""
    winners = torch.cdist(vectors, prototypes).argmin(1)
    pull = torch.exp(-torch.cdist(places, places[winners]).pow(2) / (2 * width ** 2))       # (m, n)
    return pull @ vectors / pull.sum(1, keepdim=True)


def grids() -> Iterator[tuple[Tensor, Tensor, Tensor, float]]:
    """Prototipos (m, d), lugares (m, 2), vectores (n, d) y anchos."""
    dice = case_generator()
    shapes = ((2, 3, 12, 4, 1.4), (3, 3, 20, 2, 0.8), (4, 2, 15, 5, 2.2), (2, 5, 30, 3, 0.7), (3, 4, 9, 6, 1.7))
    for rows, cols, n, d, width in shapes:
        places = torch.cartesian_prod(torch.arange(rows).float(), torch.arange(cols).float())
        yield torch.randn(rows * cols, d, generator=dice), places, 1 + torch.randn(n, d, generator=dice), width


def _pull(prototypes: Tensor, places: Tensor, vectors: Tensor, width: float, power: int = 2) -> Tensor:
    """Cuánto jala cada vector a cada nodo: (m, n)."""
    return _bell(places, places[torch.cdist(vectors, prototypes).argmin(1)], width, power)


STEP_MISTAKES = (                       # w: los prototipos; r: los lugares; v: los vectores; s: el ancho
    Mistake("mides la vecindad entre prototipos; va entre los lugares de la rejilla.",
            lambda w, r, v, s: som_step(w, w, v, s)),
    Mistake("mides la vecindad entre vectores y prototipos; va entre los lugares de la rejilla.",
            lambda w, r, v, s: _by_row(_bell(w, v, s)) @ v),
    Mistake("solo se mueve el nodo ganador; sus vecinos de la rejilla también aprenden.",
            lambda w, r, v, s: som_step(w, r, v, ALONE).where(_pull(w, r, v, ALONE).sum(1, keepdim=True) > 0, w)),
    Mistake("falta el 2: se divide entre 2s².", lambda w, r, v, s: som_step(w, r, v, s / 2 ** 0.5)),
    Mistake("usas la distancia en la rejilla; va al cuadrado.",
            lambda w, r, v, s: _by_row(_pull(w, r, v, s, power=1)) @ v),
    Mistake("falta dividir entre la suma de los pesos de cada nodo.", lambda w, r, v, s: _pull(w, r, v, s) @ v),
    Mistake("divides entre la suma de todos los pesos; va la de cada nodo.",
            lambda w, r, v, s: _pull(w, r, v, s) @ v / _pull(w, r, v, s).sum()),
    Mistake("mezclas con el prototipo de antes; el nuevo es solo la media ponderada.",
            lambda w, r, v, s: (som_step(w, r, v, s) + w) / 2),
)

# ── 3 · la más selectiva ────────────────────────────────────────────────────────────────────────────────────────────

class UnitRow(NamedTuple):
    """La unidad más selectiva de una capa para una clase, su área ROC en cada mitad y las que se confunden con ella."""
    layer: str
    label: int
    unit: int
    first: float
    rest: float
    winner_of_rest: int
    loudest: int
    winner_by_mean: int
    opposite: int


def my_question(account: str | int | None) -> tuple[str, int]:
    """La capa y la clase que le tocan a un número de cuenta. Error: ValueError si el número no se entiende."""
    row = _unit_row(account_or_sample(account))
    return row.layer, row.label


def best_unit(layer: str, label: int, pool: str = "max") -> tuple[int, float, float, int]:
    """La unidad más selectiva en la primera mitad, su área ahí, su área en la otra, y cuál ganaría en la otra."""
    world = load_images("test")
    values, truth = features(load_model("escenas", device="cpu"), world.images, layer, pool), world.labels == label
    first, rest = (roc_areas(values[part], truth[part]) for part in (slice(0, HALF), slice(HALF, None)))
    k = int(first.argmax())
    return k, float(first[k]), float(rest[k]), int(rest.argmax())


def _unit_row(account: str) -> UnitRow:
    return row_of(account, "selective_unit", UnitRow, "capa y clase de la lección 4")


def _unit_reasons(given: tuple[int, float], row: UnitRow) -> Iterator[tuple[bool, str]]:
    unit, area = given
    yield (unit == row.unit and abs(area - row.first) < NEAR,
           "el área es la de las mismas imágenes con que la escogiste; se pide la de la otra mitad.")
    yield unit == row.unit, "la unidad está bien; revisa el área: en la otra mitad, con dos decimales."
    yield unit == row.loudest, "esa es la que más responde a tu clase; quizá responde igual a las demás. Compara áreas."
    yield unit == row.winner_of_rest, "esa ganaría en la segunda mitad; se escoge con la primera."
    yield unit == row.winner_by_mean, "esa gana con la media de cada mapa; aquí se usa el máximo."
    yield unit == row.opposite, "esa distingue a tu clase al revés: responde menos a ella que a las demás."
    yield True, f"no es esa. En {row.layer} hay una unidad con mayor área en las primeras {HALF} imágenes."


# ── 4 · leer las costuras ───────────────────────────────────────────────────────────────────────────────────────────

class MapRow(NamedTuple):
    """Las costuras de un mapa: cuántas, la clase que tiene más y la que más imágenes tiene."""
    seed: int
    seams: int
    winner: str
    commonest: str


def my_images(account: str | int | None) -> Tensor:
    """Las 144 imágenes de prueba que le tocan a un número de cuenta: sus posiciones, (144,)."""
    return images_of(_map_row(clean_account(account)).seed)


def images_of(seed: int) -> Tensor:
    """Las 144 imágenes de prueba que se sortean con esa semilla: sus posiciones, (144,)."""
    return torch.randperm(len(load_images("test")), generator=torch.Generator().manual_seed(seed))[:SIDE * SIDE]


def seam_count(index: Tensor) -> tuple[int, Tensor]:
    """Cuántas casillas con costura tiene el mapa de esas imágenes, y cuántas de cada clase, (12,)."""
    world = load_images("test")
    vectors = features(load_model("escenas", device="cpu"), world.images[index], "relu6")
    grid = assign_to_grid(pca(vectors), SIDE, SIDE)
    marked = grid[seams(vectors, grid) >= CUT]
    return len(marked), torch.bincount(world.labels[index][marked], minlength=len(world.classes))


def _map_row(account: str) -> MapRow:
    return row_of(account, "seam_reading", MapRow, "mapa de la lección 4")


def _read_map(value: object, row: MapRow) -> tuple[int, str]:
    count, name = read_pair(value, (int, str), ASK_MAP)
    return count, read_name(name, load_images("test", n=1).classes, "una de las doce clases")


def _map_reasons(given: tuple[int, str], row: MapRow) -> Iterator[tuple[bool, str]]:
    count, name = given
    counted = abs(count - row.seams) <= 1
    yield (abs(count - (SIDE * SIDE - row.seams)) <= 1, "esas son las casillas SIN costura: cuenta las de 0.8 o más.")
    yield (counted and name == row.commonest,
           f"la cuenta está bien, pero «{name}» es la clase con más imágenes; se pide la que tiene más costuras.")
    yield counted, "la cuenta está bien; revisa la clase: mira grid donde marks es 0.8 o más."
    yield name == row.winner, "la clase está bien; revisa la cuenta de casillas con 0.8 o más."
    yield True, "ni la cuenta ni la clase: ¿usaste tus 144 imágenes, relu6, pca y una rejilla de 12 × 12?"


EXERCISES = {
    "chances": Function(
        chances, clouds, CHANCE_MISTAKES,
        describe=lambda vectors, width: f"{len(vectors)} vectores y width = {width}",
        forbidden=("affinities", "tsne"),
        hints=("Empieza por una tabla (n, n): qué tan lejos está cada uno de cada uno, al cuadrado.",
               "torch.cdist(vectors, vectors) da la distancia. Pon infinito en la diagonal: exp(−∞) es 0.",
               "softmax hace la exponencial y divide entre la suma; con dim=1, la del renglón."),
    ),
    "som_step": Function(
        som_step, grids, STEP_MISTAKES,
        describe=lambda w, r, v, s: f"{len(w)} nodos, {len(v)} vectores y width = {s}",
        forbidden=("SOM",),
        hints=("Primero, el ganador de cada vector: el prototipo a menor distancia.",
               "Después, cuánto jala cada vector a cada nodo: depende de lo lejos que esté del ganador EN LA REJILLA.",
               "torch.cdist(places, places[winners]) es (m, n). Con esos pesos, cada nodo es una media de los "
               "vectores."),
    ),
    "selective_unit": Finding(
        case=_unit_row,
        read=lambda value, row: read_pair(value, (int, float), ASK_UNIT),
        right=lambda row: (row.unit, row.rest),
        margins=(0, NEAR),
        alike=lambda given, right: given[0] == right[0],
        reasons=_unit_reasons,
        praise="esa es, y esa es su área en imágenes con que no la escogiste.",
        hints=("Hacen falta las respuestas de tu capa, cuáles imágenes son de tu clase, y partirlas en dos mitades.",
               "Con values = features(model, world.images, layer, \"max\"), el área de cada unidad es "
               "roc_areas(values[:750], world.labels[:750] == label).",
               "La unidad es el argmax en la primera mitad; el área que se pide es la de esa misma unidad en la "
               "segunda."),
        solution=(best_unit,),
    ),
    "seam_reading": Finding(
        case=_map_row,
        read=_read_map,
        right=lambda row: (row.seams, row.winner),
        margins=(1, 0),                                         # una casilla puede cambiar con la computadora
        alike=lambda given, right: abs(given[0] - right[0]) <= 1,
        reasons=_map_reasons,
        praise="esas son. En esas casillas tu mapa juntó lo que la red tiene lejos.",
        hints=("Cuatro pasos: los vectores de tus imágenes, su plano, la rejilla y las costuras.",
               "marks >= 0.8 es verdadero en las casillas con costura; grid[marks >= 0.8] dice qué imagen hay en "
               "ellas.",
               "grid habla de posiciones en TUS imágenes: la clase de cada una es world.labels[index][…]."),
        solution=(seam_count,),
    ),
}

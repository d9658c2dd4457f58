"""La pregunta que se le hace a una red: un objetivo da a cada imagen un número, y cuanto mayor, más hay de eso.

El mismo objetivo se tapa (lección 1), se escala (2 y 3) y sirve para ordenar fotos (4). Los objetivos se suman, se
restan y se multiplican por números: `channel(u) - 0.5 * channel(v)`. La idea del objetivo como pieza que se compone:
Olah et al. (2017), «Feature Visualization», Distill, doi:10.23915/distill.00007.
"""
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass

import torch
from torch import Tensor, nn

from labkit.activations import Acts, Unit, run
from labkit.checks import class_number
from labkit.shapes import check_kind, check_numbers, layer_list, real, whole


@dataclass(frozen=True)
class Objective:
    """Una pregunta a la red: de las activaciones de sus capas, una puntuación por imagen.

    layers: las capas que necesita;  measure: activaciones → (b,);  label: cómo se escribe.
    """
    layers: tuple[str, ...]
    measure: Callable[[Acts], Tensor]
    label: str

    def __post_init__(self) -> None:
        layer_list(self.layers)

    def __call__(self, acts: Acts) -> Tensor:
        """La puntuación de cada imagen, (b,)."""
        if isinstance(acts, Tensor):
            raise TypeError(f"{self}: esperaba las activaciones que da run y recibí un tensor. "
                            "Para puntuar imágenes (n, 3, h, w), prueba score(model, images, objective).")
        missing = [layer for layer in self.layers if layer not in list(acts)]
        if missing:
            raise ValueError(f"{self}: faltan las activaciones de {', '.join(map(str, missing))}. "
                             "Pídelas con run(model, images, objective.layers).")
        return self.measure(acts)

    def __str__(self) -> str:
        return self.label

    def __add__(self, other: "Objective") -> "Objective":
        _check_operand(other, Objective, "otro objetivo")
        layers = tuple(dict.fromkeys(self.layers + other.layers))           # sin repetir y en orden
        return Objective(layers, lambda acts: self(acts) + other(acts), f"{self} + {other}")

    def __sub__(self, other: "Objective") -> "Objective":
        _check_operand(other, Objective, "otro objetivo")
        return Objective((self + other).layers, lambda acts: self(acts) - other(acts), f"{self} − {_grouped(other)}")

    def __mul__(self, factor: float) -> "Objective":
        if isinstance(factor, (Objective, str)):
            _check_operand(factor, float, "un número")
        number = real(factor, "factor")
        return Objective(self.layers, lambda acts: self(acts) * number, f"{number:g} · {_grouped(self)}")

    def __neg__(self) -> "Objective":
        return Objective(self.layers, lambda acts: -self(acts), f"−{_grouped(self)}")

    def __radd__(self, start: float) -> "Objective":
        if start != 0:                                      # así funciona sum(objetivos), que empieza en 0
            _check_operand(start, Objective, "otro objetivo")
        return self

    __rmul__ = __mul__


def channel(unit: Unit | str) -> Objective:
    """La media del mapa de activación de la unidad; en una capa densa, su valor."""
    unit = Unit.parse(unit)
    return Objective((unit.layer,), lambda acts: _places(unit, acts).mean(1), str(unit))


def peak(unit: Unit | str) -> Objective:
    """El máximo del mapa de activación de la unidad: lo que vale donde más responde."""
    unit = Unit.parse(unit)
    return Objective((unit.layer,), lambda acts: _places(unit, acts).amax(1), f"máx {unit}")


def neuron(unit: Unit | str, y: int | None = None, x: int | None = None) -> Objective:
    """La activación de la unidad en un solo lugar de su mapa; si no lo dices, el centro (h // 2, w // 2)."""
    unit = Unit.parse(unit)
    y, x = (None if place is None else whole(place, name, None) for place, name in ((y, "y"), (x, "x")))

    def measure(acts: Acts) -> Tensor:
        values = unit.map(acts)
        if values.ndim == 1:
            raise ValueError(f"neuron: «{unit.layer}» es una capa densa, sin lugares; prueba channel({str(unit)!r}).")
        h, w = values.shape[1:]
        row, column = h // 2 if y is None else y, w // 2 if x is None else x
        if not (0 <= row < h and 0 <= column < w):
            raise ValueError(f"neuron: el mapa de {unit} mide {h}×{w} y pediste el lugar (y={row}, x={column}).")
        return values[:, row, column]

    place = "" if y is None and x is None else f", y={y}, x={x}"
    return Objective((unit.layer,), measure, f"neurona {unit}{place}")


def direction(layer: str, vector: Tensor) -> Objective:
    """La media, sobre el mapa, de la proyección de las activaciones de una capa sobre `vector` (c,).

    El vector se usa como viene, sin normalizarlo.
    """
    check_numbers(vector, "c", "vector", integers=True)

    def measure(acts: Acts) -> Tensor:
        maps = acts[layer]
        if vector.shape != maps.shape[1:2]:
            raise ValueError(f"vector: «{layer}» tiene {maps.shape[1]} canales; esperaba forma ({maps.shape[1]},) "
                             f"y recibí {tuple(vector.shape)}.")
        means = maps.flatten(2).mean(2) if maps.ndim > 2 else maps          # (b, c)
        return means @ vector.to(means)

    return Objective((layer,), measure, f"dirección en {layer}")


def layer_energy(name: str) -> Objective:
    """La media de los cuadrados de toda una capa: lo que sube DeepDream, y lo mismo en una capa densa oculta."""
    return Objective((name,), lambda acts: acts[name].flatten(1).pow(2).mean(1), f"capa {name}")


def logit(class_index: int, layer: str = "fc") -> Objective:
    """El logit de una clase: la unidad de la última capa que le toca."""
    return channel(_class_unit(class_index, layer))


def probability(class_index: int, layer: str = "fc") -> Objective:
    """La probabilidad de una clase, en [0, 1]: su softmax entre los logits de `layer`."""
    unit = _class_unit(class_index, layer)
    return Objective((layer,), lambda acts: unit.map({layer: _logits(layer, acts).softmax(1)}), f"P({unit})")


def margin(class_index: int, other: int | None = None, layer: str = "fc") -> Objective:
    """El logit de una clase menos el de otra; sin `other`, menos el mayor de los demás (> 0: la clase gana).

    A diferencia de la probabilidad, no se aplana cuando la red está muy segura.
    """
    if other is not None:
        return logit(class_index, layer) - logit(other, layer)
    unit = _class_unit(class_index, layer)

    def measure(acts: Acts) -> Tensor:
        logits = _logits(layer, acts)
        own = unit.map({layer: logits})
        if logits.shape[1] < 2:
            raise ValueError(f"layer: «{layer}» da un solo logit, y un margen compara al menos dos.")
        rest = logits.index_fill(1, torch.tensor([unit.channel], device=logits.device), -torch.inf)
        return own - rest.amax(1)

    return Objective((layer,), measure, f"{unit} − máx del resto")


def each(objectives: Sequence[Objective]) -> Objective:
    """Un objetivo por imagen: la imagen i se puntúa con el i-ésimo. Así cabe una galería en una sola subida."""
    check_kind(objectives, Iterable, "objectives", "una lista de objetivos")
    objectives = list(objectives)
    for objective in objectives or [None]:
        check_kind(objective, Objective, "objectives", "al menos un objetivo, y nada más que objetivos,")

    def measure(acts: Acts) -> Tensor:
        b = len(next(iter(acts.values())))
        if b != len(objectives):
            raise ValueError(f"objectives: hay {len(objectives)} objetivos y {b} imágenes; esperaba los mismos.")
        rows = zip(*(values.split(1) for values in acts.values()))          # las activaciones de cada imagen
        return torch.cat([objective(dict(zip(acts, row))) for objective, row in zip(objectives, rows)])

    layers = tuple(dict.fromkeys(name for objective in objectives for name in objective.layers))
    return Objective(layers, measure, " | ".join(map(str, objectives)))


def score(model: nn.Module, images: Tensor, objective: Objective, batch_size: int = 128) -> Tensor:
    """La puntuación de cada imagen, (n, 3, h, w) → (n,), por lotes y sin gradientes; no depende de `batch_size`."""
    check_numbers(images, "n 3 h w", "images", 0)
    check_kind(objective, Objective, "objective", "un objetivo")
    batches = images.split(whole(batch_size, "batch_size", 1))
    with torch.no_grad():
        parts = [objective(run(model, batch, objective.layers)) for batch in batches]
    return torch.cat(parts)


def _class_unit(class_index: int, layer: str) -> Unit:
    """La unidad de `layer` que da el logit de una clase; TypeError si no llega su número."""
    return Unit(layer, class_number(class_index))


def _places(unit: Unit, acts: Acts) -> Tensor:
    """Los valores de la unidad en todos los lugares de su mapa, (b, h·w); en una capa densa, (b, 1)."""
    return unit.map(acts).unsqueeze(-1).flatten(1)


def _logits(layer: str, acts: Acts) -> Tensor:
    """Los logits como (b, clases); ValueError si la capa no da un número por clase."""
    logits = acts[layer].flatten(1)                             # algunas redes los dan como (b, clases, 1, 1)
    if logits.shape[1] != acts[layer].shape[1]:
        raise ValueError(f"layer: «{layer}» no da un logit por clase, sino mapas {tuple(acts[layer].shape[1:])}; "
                         "prueba la última capa de la red.")
    return logits


def _check_operand(operand: object, kind: type, expected: str) -> None:
    """TypeError si un objetivo se opera con lo que no debe."""
    if not isinstance(operand, kind):
        raise TypeError("Los objetivos se suman y restan entre sí y se multiplican por números: "
                        f"aquí esperaba {expected} y recibí {type(operand).__name__}.")


def _grouped(objective: Objective) -> str:
    """El objetivo entre paréntesis, si es una suma o una resta."""
    return f"({objective})" if " + " in str(objective) or " − " in str(objective) else str(objective)

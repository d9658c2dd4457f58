"""Ejercicio 4 de la lección 5: leer una capa disecada. La respuesta no está escrita: se diseca la misma red."""
from functools import lru_cache

import torch
from torch import Tensor

from labkit.datasets import ConceptSet, load_concepts
from labkit.dissection import count_detectors, dissect, unique_by_category
from labkit.exercises.accounts import LIKE_SAMPLE, clean_account, split_answer, variant
from labkit.exercises.sandbox import is_blank
from labkit.exercises.verdict import Pending, Revise
from labkit.models import load_model, plain_name

IMAGES, USUAL = 300, 0.04                   # cuántas imágenes de prueba; el corte del artículo
KEYS = ("detectoras", "distintos", "suma", "mejor")
# Redes, capas y cortes en que ninguna respuesta es dudosa: tests/test_exercises_05.py mide con cuánta ventaja.
CASES = (
    ("escenas_semilla1", "conv3", 0.06), ("escenas_semilla1", "conv3", 0.08), ("escenas_semilla1", "conv4", 0.055),
    ("escenas_semilla1", "conv4", 0.07), ("escenas_semilla1", "conv5", 0.065), ("escenas_semilla1", "conv5", 0.08),
    ("escenas_semilla2", "conv3", 0.05), ("escenas_semilla2", "conv4", 0.045), ("escenas_semilla2", "conv4", 0.055),
    ("escenas_semilla2", "conv5", 0.05), ("escenas_semilla2", "conv5", 0.055), ("escenas_semilla2", "conv5", 0.06),
    ("escenas_bn", "conv3", 0.045), ("escenas_bn", "conv4", 0.03), ("escenas_bn", "conv4", 0.055),
    ("escenas_bn", "conv5", 0.06), ("escenas_bn", "conv5", 0.065), ("escenas_lugares", "conv3", 0.03),
    ("escenas_lugares", "conv3", 0.05), ("escenas_robusta", "conv3", 0.025), ("escenas_robusta", "conv3", 0.055),
    ("escenas_robusta", "conv4", 0.06),
)


def my_layer(account: str | int | None) -> tuple[str, str, float]:
    """La red, la capa y el corte que le tocan a un número de cuenta. Error: ValueError si el número no se entiende."""
    account = clean_account(account)
    if not account:
        print("Sin número de cuenta te toca un caso de muestra: sirve para practicar, no para entregar.")
    return _case(account)


def read_layer(iou: Tensor, names: list[str], categories: list[str], cut: float) -> dict[str, int | str]:
    """De la tabla IoU (c, k) de una capa: detectoras, conceptos con las dos definiciones y el mejor de todos."""
    detectors, unique = count_detectors(iou, cut)
    summed = sum(unique_by_category(iou, categories, cut).values())
    return dict(zip(KEYS, (detectors, unique, summed, names[int(iou.amax(0).argmax())])))


def examine_reading(answer: object) -> str:
    """Revisa (ACCOUNT, {…}): cuatro lecturas de la capa, la red y el corte de ese número de cuenta."""
    account, value = split_answer(answer)
    said = _said(value)
    name, layer, cut = _case(account)
    right = reading(name, layer, cut)
    off = [key for key in KEYS if said[key] != right[key]]
    if not off:
        return f"así se lee {layer} con corte {cut}. Con otro corte, los números serían otros."
    sample = reading(*_case(""))
    like = LIKE_SAMPLE if said == sample else ""
    raise Revise(_reason(said, right, off, (name, layer, cut)) + like)


def _said(value: object) -> dict[str, int | str]:
    """Lo que se contestó, en números y palabras de Python; un veredicto si le falta algo."""
    if not isinstance(value, dict) or set(value) != set(KEYS):
        raise Revise(f"escribe un diccionario con estas llaves: {', '.join(KEYS)}.")
    blank = [key for key in KEYS if is_blank(value[key])]
    if blank:
        raise Pending(f"falta {', '.join(blank)}.")
    said = {key: part.item() if isinstance(part, Tensor) and part.numel() == 1 else part for key, part in value.items()}
    if not all(isinstance(said[key], (int, float)) and float(said[key]).is_integer() for key in KEYS[:3]):
        raise Revise(f"{', '.join(KEYS[:3])} son cuentas: escribe enteros.")
    known = {plain_name(name): name for name in _world().names}
    if not isinstance(said["mejor"], str) or plain_name(said["mejor"]) not in known:
        raise Revise(f"mejor: «{said['mejor']}» no es un concepto. Escribe su nombre, como está en world.names.")
    return {**{key: int(said[key]) for key in KEYS[:3]}, "mejor": known[plain_name(said["mejor"])]}


def _reason(said: dict, right: dict, off: list[str], case: tuple[str, str, float]) -> str:
    """El error probable de quien contestó `said`, que no es la respuesta."""
    name, layer, cut = case
    iou = table(name, layer)
    counts = [said[key] for key in KEYS[:3]]
    usual = [reading(name, layer, USUAL)[key] for key in KEYS[:3]]
    groups = {kind: [k for k, other in enumerate(_world().categories) if other == kind] for kind in _world().categories}
    good = [key for key in KEYS if key not in off]
    reasons = {
        "al revés: «distintos» cuenta el mejor concepto de cada unidad; «suma» junta lo que sale en cada categoría.": (
            (said["distintos"], said["suma"]) == (right["suma"], right["distintos"])),
        f"esas son las cuentas con el corte del artículo, {USUAL}; el tuyo es {cut}.": counts == usual,
        "en «detectoras» van todas las unidades; detectora es la que pasa de tu corte.": (
            said["detectoras"] == len(iou) != right["detectoras"]),
        "en «detectoras» cuentas parejas; cada unidad cuenta una vez, con su mejor concepto.": (
            said["detectoras"] == int((iou > cut).sum()) != right["detectoras"]),
        "en «distintos» cuentas unidades: dos que detectan lo mismo son un solo concepto.": (
            said["distintos"] == right["detectoras"]),
        "en «distintos» cuentas todo concepto que alguien alcanza; se pide el que es el MEJOR de alguna unidad.": (
            said["distintos"] == int((iou.amax(0) > cut).sum()) != right["distintos"]),
        **_about_concepts(said, right, iou, cut),
        "en «suma» cuentas unidades en cada categoría; van conceptos distintos.": (
            said["suma"] == sum(count_detectors(iou[:, k], cut)[0] for k in groups.values()) != right["suma"]),
        f"así responde relu{layer[-1]}; te tocó {layer}, antes de la ReLU.": "detectoras" in off and (
            counts == [reading(name, f"relu{layer[-1]}", cut)[key] for key in KEYS[:3]]),
        f"así responde la red principal; la tuya es {name}.": "detectoras" in off and (
            counts == [reading("escenas", layer, cut)[key] for key in KEYS[:3]]),
        "en «mejor» va el concepto del IoU más alto de toda la capa, no el que más unidades detectan.": (
            off == ["mejor"] and said["mejor"] == _commonest(iou, cut)),
        f"así responde otra capa de tu red; te tocó {layer}.": "detectoras" in off and any(
            counts == [reading(name, other, cut)[key] for key in KEYS[:3]]
            for other in ("conv3", "conv4", "conv5") if other != layer),
    }
    told = next((message for message, holds in reasons.items() if holds), "")
    if not told and "detectoras" in off and counts == [reading(name, layer, cut, None)[key] for key in KEYS[:3]]:
        told = f"así sale con todas las imágenes de prueba; van solo las primeras {IMAGES}."
    revise = f"bien: {', '.join(good)}. Revisa: {', '.join(off)}." if good else (
        f"ninguna de las cuatro: ¿disecaste {layer} de {name} con las primeras {IMAGES} imágenes de prueba?")
    return told or revise


def _about_concepts(said: dict, right: dict, iou: Tensor, cut: float) -> dict[str, bool]:
    """Los errores al contar conceptos, con su mensaje, y si alguien los cometió."""
    loose = read_layer(iou, _world().names, _world().categories, -1.0)
    return {
        "en «distintos» olvidas el corte: solo cuentan las unidades que lo pasan.": (
            said["distintos"] == loose["distintos"] != right["distintos"]),
        "en «suma» olvidas el corte: en cada categoría solo cuentan las unidades que lo pasan.": (
            said["suma"] == loose["suma"] != right["suma"]),
        "en «suma» repites los distintos: en cada categoría se busca otra vez el mejor de cada unidad.": (
            said["suma"] == right["distintos"] != right["suma"]),
        "en «suma» cuentas todo concepto que alguien alcanza; se pide el MEJOR de cada unidad en cada categoría.": (
            said["suma"] == int((iou.amax(0) > cut).sum()) != right["suma"]),
    }


def reading(name: str, layer: str, cut: float, images: int | None = IMAGES) -> dict[str, int | str]:
    """Las cuatro lecturas de esa capa de esa red, con ese corte y las primeras imágenes de prueba; None, con todas."""
    return read_layer(table(name, layer, images), _world().names, _world().categories, cut)


def _commonest(iou: Tensor, cut: float) -> str:
    """El concepto que es el mejor de más unidades."""
    best, which = iou.max(1)
    return _world().names[int(which[best > cut].mode().values)] if (best > cut).any() else ""


def _case(account: str) -> tuple[str, str, float]:
    return CASES[variant(account, len(CASES), "capa de la lección 5")]


@lru_cache(maxsize=1)
def _world(images: int | None = IMAGES) -> ConceptSet:
    return load_concepts("test", n=images)


@lru_cache(maxsize=32)
def table(name: str, layer: str, images: int | None = IMAGES) -> Tensor:
    """El IoU (c, k) de una capa de una red, con las primeras imágenes de prueba; None, con todas."""
    with torch.no_grad():
        return dissect(load_model(name, device="cpu"), _world() if images else _world.__wrapped__(None), layer).iou()

"""Vectores, respuestas, puntos y rejillas: revisados, con un error que dice qué se esperaba y qué llegó."""
from collections.abc import Iterable, Sequence

import torch
from torch import Tensor

from labkit.shapes import check_kind, check_numbers, check_shape, check_values, positions, real, shown, whole

SEEDS = -2**63, 2**64 - 1                   # las que acepta el azar de PyTorch


def dice(seed: int) -> torch.Generator:
    """El azar de una semilla: siempre el mismo. ValueError si no es un entero."""
    return torch.Generator().manual_seed(whole(seed, "seed", *SEEDS))


def check_vectors(vectors: Tensor, least: int = 2, name: str = "vectors") -> None:
    """ValueError si no son al menos `least` vectores finitos, (n, d)."""
    check_shape(vectors, "n d", name)
    if not vectors.is_floating_point():
        raise ValueError(f"{name}: esperaba números reales y recibí {vectors.dtype}. Prueba {name}.float().")
    if len(vectors) < least or not vectors.shape[1]:
        raise ValueError(f"{name}: hacen falta al menos {least} vectores de un número o más y recibí "
                         f"{tuple(vectors.shape)}.")
    if not torch.isfinite(vectors).all():
        bad = int((~torch.isfinite(vectors).all(1)).sum())
        raise ValueError(f"{name}: {bad} de {len(vectors)} tienen NaN o infinito. Quítalos o revisa la capa.")
    check_values(vectors, name)


def check_points(points: Tensor, vectors: Tensor | None = None) -> None:
    """ValueError si no son puntos finitos del plano, (n, 2); con `vectors`, uno por vector."""
    check_shape(points, "n 2", "points")
    check_vectors(points, 1, "points")
    if vectors is not None:
        check_pairs(vectors, points)


def check_pairs(vectors: Tensor, points: Tensor) -> None:
    """ValueError si no hay un punto por vector."""
    if len(vectors) != len(points):
        raise ValueError(f"points: esperaba {len(vectors)} puntos, uno por vector, y recibí {len(points)}.")


def check_spread(points: Tensor) -> None:
    """ValueError si los puntos (n, 2) no encierran un área: son menos de tres, o están en una recta."""
    check_points(points)
    apart = points.detach().double() - points.detach().double().mean(0)
    sizes = torch.linalg.svdvals(apart) if len(points) > 2 else apart.new_zeros(2)
    if sizes[1] <= 1e-9 * sizes[0]:
        raise ValueError("points: esperaba al menos tres puntos que no estén en una recta, para que encierren un área, "
                         f"y recibí {len(points)} que no.")


def whole_list(values: Iterable[int], name: str) -> list[int]:
    """Enteros de 1 en adelante; error si no es una lista de ellos."""
    check_kind(values, Iterable, name, "una lista de enteros")
    return [whole(value, name, 1) for value in values]


def check_several(count: int) -> None:
    """ValueError si un conjunto tiene menos de dos imágenes, y no hay con quién cambiar las máscaras."""
    if count < 2:
        raise ValueError(f"world: esperaba al menos dos imágenes, para cambiarles las máscaras, y recibí {count}.")


def as_size(size: Sequence[int]) -> tuple[int, int]:
    """Un alto y un ancho, como enteros de 1 en adelante; ValueError si no son dos."""
    if not isinstance(size, (tuple, list)) or len(size) != 2:
        raise ValueError(f"size: esperaba (alto, ancho) y recibí {shown(size)}.")
    return whole(size[0], "size", 1), whole(size[1], "size", 1)


def as_grid(grid: Tensor, n: int, empty: int) -> Tensor:
    """La rejilla (rows, cols), en int64, si es de posiciones de 0 a n − 1, o `empty`; ValueError si no."""
    check_numbers(grid, "rows cols", "grid", integers=True)
    return positions(grid, "rows cols", "grid", n, empty)


def as_perplexity(perplexity: float, n: int) -> float:
    """La perplejidad, si es posible con n puntos; ValueError si no."""
    number = real(perplexity, "perplexity")
    if not 1 <= number < n - 1:
        raise ValueError(f"perplexity: con {n} puntos esperaba de 1 a menos de {n - 1} y recibí {shown(perplexity)}.")
    return number


def check_labels_of(vectors: Tensor, labels: Tensor, size: int, name: str) -> None:
    """ValueError si no son vectores de `size` números, con una clase entera cada uno.  name: cómo se llaman."""
    check_vectors(vectors, 1, name)
    positions(labels, "n", f"{name}_labels", 2 ** 31, -2 ** 31)
    if len(labels) != len(vectors) or vectors.shape[1] != size:
        raise ValueError(f"{name}: esperaba {len(vectors)} clases y vectores de {size} números, y recibí {len(labels)} "
                         f"y de {vectors.shape[1]}.")


def check_maps(maps: Tensor, layer: str) -> None:
    """ValueError, con las unidades, si en los mapas de una capa, (b, c, h, w), hay NaN o infinito."""
    if torch.isfinite(maps).all():
        return
    lost = (~torch.isfinite(maps)).any(0).flatten(1).any(1).nonzero()[:, 0].tolist()
    raise ValueError(f"layer: esperaba números y «{layer}» da NaN o infinito en {len(lost)} "
                     f"{'unidad' if len(lost) == 1 else 'unidades'} ({', '.join(map(str, lost[:3]))}"
                     f"{'…' if len(lost) > 3 else ''}): revisa los pesos de la red.")


def check_one_unit(values: Tensor) -> int:
    """Cuántas respuestas de una unidad son, (n,); ValueError si son de varias, no hay o traen NaN."""
    if isinstance(values, Tensor) and values.ndim == 2:
        raise ValueError(f"values: esperaba lo que responde una unidad, (n,), y recibí {tuple(values.shape)}. "
                         "Prueba values[:, k].")
    return check_numbers(values, "n", "values", integers=True)["n"]


def check_responses(values: Tensor) -> None:
    """ValueError si no son las respuestas de c unidades, (n, c), sin NaN."""
    if not isinstance(values, Tensor) or values.ndim != 2:
        raise ValueError(f"values: esperaba las respuestas de c unidades, (n, c), y recibí {shown(values)}. "
                         "Si es una sola, prueba values[:, None].")
    check_shape(values, "n c", "values")
    if not len(values) or values.isnan().any():
        raise ValueError(f"values: no hay imágenes o hay NaN en {int(values.isnan().any(0).sum())} unidades.")


def as_questions(values: Tensor, truth: Tensor) -> Tensor:
    """Las preguntas, (n, k), ya revisadas contra las respuestas (n, c)."""
    check_responses(values)
    if not isinstance(truth, Tensor) or truth.dtype != torch.bool or truth.ndim not in (1, 2):
        kind = f"{truth.dtype} {tuple(truth.shape)}" if isinstance(truth, Tensor) else shown(truth)
        raise ValueError(f"truth: esperaba verdaderos y falsos, (n,) o (n, k), y recibí {kind}. ¿Te faltó «== clase»?")
    check_shape(truth, "n" if truth.ndim == 1 else "n k", "truth")
    if len(truth) != len(values):
        raise ValueError(f"truth: esperaba {len(values)} renglones, como values, y recibí {len(truth)}.")
    return truth if truth.ndim == 2 else truth[:, None]


def check_varies(far: Tensor, name: str) -> None:
    """ValueError si unas distancias entre clases no tienen orden: son menos de tres, o todas iguales."""
    if len(far) < 3 or far.min() == far.max():
        raise ValueError(f"{name}, labels: esperaba tres clases o más, con distancias que no sean todas iguales, y "
                         f"recibí {len(far)} distancias.")


def check_probabilities(values: Tensor, name: str, pattern: str = "") -> None:
    """ValueError si no son números de 0 a 1, de cualquier forma, o de la de `pattern`."""
    if pattern:
        check_shape(values, pattern, name)
    check_values(values, name)
    if values.numel() and not 0 <= values.min() <= values.max() <= 1:
        raise ValueError(f"{name}: esperaba números de 0 a 1 y recibí de {values.min():g} a {values.max():g}.")


def check_turnable(rotation: Tensor) -> None:
    """ValueError si no es una rotación que se pueda hacer a medias: con media vuelta, o un espejo, no hay una sola."""
    check_rotation(rotation)
    if ((torch.linalg.eigvals(rotation.double()) + 1).abs() < 1e-3).any():
        raise ValueError("rotation: esperaba una rotación sin espejos ni medias vueltas, que se pueda hacer a medias "
                         "de una sola manera, y recibí una que no. Prueba random_rotation con otra semilla.")


def check_rotation(rotation: Tensor, size: int | None = None) -> None:
    """ValueError si no es una rotación, (size, size): Qᵀ Q = 1."""
    check_numbers(rotation, "c c" if size is None else f"{size} {size}", "rotation")
    exact = rotation.double()
    if not torch.allclose(exact @ exact.T, torch.eye(len(exact)).to(exact), atol=1e-4):
        raise ValueError("rotation: esperaba una rotación, Qᵀ Q = 1, y recibí una matriz que no lo es. Prueba "
                         "random_rotation.")

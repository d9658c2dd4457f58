"""Las dos funciones que se escriben en la lección 3, `roughness` y `shifted`: con qué se prueban y sus errores."""

from collections.abc import Iterator

import torch
import torch.nn.functional as F
from torch import Tensor

from labkit.exercises.answers import read_tensor
from labkit.exercises.compare import Mistake
from labkit.exercises.kinds import case_generator
from labkit.exercises.verdict import Revise

ALL = (1, 2, 3)                         # canal, fila y columna: sobre ellos se promedia cada imagen

# ── 1 · la variación total ──────────────────────────────────────────────────────────────────────────────────────────


def roughness(images: Tensor) -> Tensor:
    """La variación total de cada imagen (b, 3, h, w): la media de |cambio| hacia abajo más la de la derecha, (b,)."""
    return images.diff(dim=2).abs().mean((1, 2, 3)) + images.diff(dim=3).abs().mean((1, 2, 3))


def batches() -> Iterator[tuple[Tensor]]:
    """Lotes (b, 3, h, w): al azar, de rayas acostadas, de rayas paradas, y uno liso."""
    dice = case_generator()
    for b, h, w in ((3, 6, 9), (2, 8, 5)):
        yield (torch.rand(b, 3, h, w, generator=dice),)
    stripes = (torch.arange(7) % 2).float() * torch.rand(1, generator=dice)
    yield (stripes[:, None].expand(2, 3, 7, 5).contiguous(),)
    yield (stripes.expand(2, 3, 4, 7).contiguous(),)
    yield (torch.full((1, 3, 5, 6), 0.4),)


def _steps(images: Tensor) -> tuple[Tensor, Tensor]:
    """Cuánto sube cada píxel hacia el de abajo y hacia el de la derecha, con su signo."""
    return images.diff(dim=2), images.diff(dim=3)


def _changes(images: Tensor) -> tuple[Tensor, Tensor]:
    """Cuánto cambia cada píxel con el de abajo y con el de la derecha."""
    down, right = _steps(images)
    return down.abs(), right.abs()


def _wrapped(images: Tensor, dim: int) -> Tensor:
    """Cuánto cambia cada píxel con el siguiente, y el último con el primero."""
    return (images - images.roll(1, dim)).abs()


def _diagonal(images: Tensor) -> Tensor:
    """La raíz de la suma de los cuadrados de los dos cambios, donde hay los dos."""
    down, right = _steps(images)
    return (down[..., :-1].square() + right[:, :, :-1].square()).sqrt()


ROUGH_MISTAKES = (
    Mistake("el valor absoluto va en cada cambio, antes de la media: sin él, lo que sube y lo que baja se cancelan.",
            lambda images: sum(step.mean(ALL) for step in _steps(images)),
            (lambda images: sum(step.mean(ALL).abs() for step in _steps(images)),
             lambda images: sum(step.mean(ALL) for step in _steps(images)).abs())),
    Mistake("solo comparas en una dirección: cada píxel va con el de abajo y también con el de la derecha.",
            lambda images: _changes(images)[0].mean(ALL), (lambda images: _changes(images)[1].mean(ALL),)),
    Mistake("usas los cuadrados; la variación total lleva valores absolutos.",
            lambda images: sum(change.square().mean(ALL) for change in _changes(images)),
            (lambda images: sum(change.square().mean(ALL).sqrt() for change in _changes(images)),
             lambda images: sum(change.square().mean(ALL) for change in _changes(images)).sqrt(),
             lambda images: _diagonal(images).mean(ALL))),
    Mistake("sumas los cambios; se piden medias, una por dirección, también sobre los canales.",
            lambda images: sum(change.sum(ALL) for change in _changes(images)),
            (lambda images: sum(change.mean((2, 3)).sum(1) for change in _changes(images)),)),
    Mistake("en la última fila no hay vecino de abajo, ni en la última columna, de la derecha: esos pares no se suman, "
            "ni cuentan al dividir.",
            lambda images: sum(_wrapped(images, dim).mean(ALL) for dim in (2, 3)),
            (lambda images: sum(change.sum(ALL) for change in _changes(images)) / images[0].numel(),)),
    Mistake("promedias las dos direcciones juntas; cada una tiene su media, y las dos medias se suman.",
            lambda images: roughness(images) / 2,
            (lambda images: torch.cat([change.flatten(1) for change in _changes(images)], 1).mean(1),)),
    Mistake("das un solo número para todo el lote; se pide uno por imagen.", lambda images: roughness(images).mean(),
            (lambda images: roughness(images).mean(0, keepdim=True),)),
    Mistake("das un número por canal; se pide uno por imagen.",
            lambda images: sum(change.mean((2, 3)) for change in _changes(images)),
            (lambda images: sum(change.mean((0, 2, 3)) for change in _changes(images)),)),
    Mistake("comparas un canal con otro: los ejes de un lote son (b, canal, y, x), y los vecinos están en los dos "
            "últimos.",
            lambda images: images.diff(dim=1).abs().mean(ALL) + _changes(images)[0].mean(ALL),
            (lambda images: images.diff(dim=1).abs().mean(ALL) + roughness(images),
             lambda images: images.diff(dim=1).abs().mean(ALL) + _changes(images)[1].mean(ALL))),
)

# ── 2 · desplazar con reflejo ───────────────────────────────────────────────────────────────────────────────────────


def shifted(image: Tensor, dy: int, dx: int) -> Tensor:
    """La imagen (3, h, w) con su contenido dy píxeles más abajo y dx más a la derecha; el hueco lo llena su reflejo."""
    _, h, w = image.shape
    y, x = abs(dy), abs(dx)
    padded = F.pad(image[None], (x, x, y, y), mode="reflect")[0]
    return padded[:, y - dy:y - dy + h, x - dx:x - dx + w]


def moves() -> Iterator[tuple[Tensor, int, int]]:
    """Imagen (3, h, w) y paso: hacia cada lado, en diagonal, sin moverse, y casi de lado a lado."""
    dice = case_generator()
    for h, w, dy, dx in ((7, 9, 2, 0), (8, 6, 0, -3), (6, 8, -1, 3), (9, 7, 3, 2), (5, 5, 0, 0), (12, 11, -10, -5)):
        yield torch.rand(3, h, w, generator=dice), dy, dx


def read_shifted(result: object, want: Tensor, case: tuple) -> Tensor:
    """La imagen movida; si el recorte quedó vacío o corto, un veredicto lo dice."""
    got = read_tensor(result)
    size, whole = got.shape[-2:], want.shape[-2:]
    if got.numel() == 0:
        raise Revise("tu recorte quedó vacío: revisa el signo, y que no termine en −0, que es el principio.")
    if got.ndim == 3 and size != whole[::-1] and min(a - b for a, b in zip(size, whole)) < 0:
        raise Revise(f"tu recorte quedó corto, {tuple(size)} en vez de {tuple(whole)}: agranda |dy| y |dx|, no un "
                     "número fijo, y termina h filas y w columnas después de donde empieza.")
    return got


def _with_repeated_edge(image: Tensor, dy: int, dx: int) -> Tensor:
    """Con un reflejo que repite el último píxel: la imagen entre dos copias volteadas."""
    _, h, w = image.shape
    tall = torch.cat([image.flip(1), image, image.flip(1)], 1)[:, h - dy:2 * h - dy]
    return torch.cat([tall.flip(2), tall, tall.flip(2)], 2)[:, :, w - dx:2 * w - dx]


def _padded(image: Tensor, sides: int, ends: int, mode: str = "reflect") -> Tensor:
    """La imagen agrandada, sin recortar: sides, a cada lado; ends, arriba y abajo."""
    return F.pad(image[None], (sides, sides, ends, ends), mode=mode)[0]


def _cropped(padded: Tensor, image: Tensor, dy: int, dx: int) -> Tensor:
    """El pedazo que toca de una imagen que se agrandó |dy| y |dx|."""
    _, h, w = image.shape
    y, x = abs(dy) - dy, abs(dx) - dx
    return padded[:, y:y + h, x:x + w]


SHIFT_MISTAKES = (
    Mistake("en F.pad van primero los lados (izquierda, derecha) y luego arriba y abajo.",
            lambda image, dy, dx: _cropped(_padded(image, abs(dy), abs(dx)), image, dy, dx)),
    Mistake("con dy o dx negativo va hacia donde iría con su valor absoluto: si es negativo, sube o se va a la "
            "izquierda.",
            lambda image, dy, dx: shifted(image, abs(dy), abs(dx))),
    Mistake("va al revés en un eje o en los dos: con dy > 0 el contenido baja, y con dx > 0 se va a la derecha.",
            lambda image, dy, dx: shifted(image, -dy, -dx),
            (lambda image, dy, dx: shifted(image, -dy, dx), lambda image, dy, dx: shifted(image, dy, -dx))),
    Mistake("cambiaste dy por dx: primero va el vertical.", lambda image, dy, dx: shifted(image, dx, dy)),
    Mistake("lo que sale por un lado entra por el otro; el hueco lo llena el reflejo.",
            lambda image, dy, dx: image.roll((dy, dx), (1, 2))),
    Mistake("el hueco queda en negro; lo llena el reflejo.",
            lambda image, dy, dx: F.pad(image, (dx, -dx, dy, -dy))),
    Mistake("repites la orilla; se pide el reflejo, y en el espejo el último píxel no se repite.", _with_repeated_edge,
            (lambda image, dy, dx: _cropped(_padded(image, abs(dx), abs(dy), "replicate"), image, dy, dx),)),
    Mistake("devuelves la imagen agrandada: falta recortarla.",
            lambda image, dy, dx: _padded(image, abs(dx), abs(dy)),
            (lambda image, dy, dx: _padded(image, *[max(abs(dy), abs(dx))] * 2),)),
    Mistake("la mueves en un solo eje, o en ninguno: agrandar y recortar lo mismo no mueve nada.",
            lambda image, dy, dx: image,
            (lambda image, dy, dx: shifted(image, dy, 0), lambda image, dy, dx: shifted(image, 0, dx))),
)

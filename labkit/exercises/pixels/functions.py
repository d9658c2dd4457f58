"""`darken`, `convolve`, `edge_histogram` y `field_sizes`: las funciones de la lección 0, sus casos y sus errores."""
from collections.abc import Iterator, Sequence

import torch
from torch import Tensor
from torch.nn.functional import conv2d, pad

from labkit.exercises.compare import Mistake
from labkit.exercises.kinds import case_generator
from labkit.pixels import edge_histogram

# ── el de la lección: aterrizar ─────────────────────────────────────────────────────────────────────────────────────


def darken(image: Tensor, share: float) -> Tensor:
    """La misma imagen con esa parte de su luz: share = 0.5 es la mitad."""
    return image * share


def lights() -> Iterator[tuple[Tensor, float]]:
    """Imágenes chicas y la parte de luz que les queda."""
    dice = case_generator()
    for h, w, share in ((4, 5, 0.5), (6, 3, 0.2), (5, 5, 0.8)):
        yield torch.rand(3, h, w, generator=dice), share


LIGHT_MISTAKES = (
    Mistake("le restas lo mismo a todos los píxeles; oscurecer es quedarse con una parte de la luz de cada uno.",
            lambda image, share: image - share, (lambda image, share: (image - share).clamp(0, 1),
                                                lambda image, share: image - (1 - share))),
    Mistake("divides entre `share`, y la imagen se aclara.", lambda image, share: image / share,
            (lambda image, share: (image / share).clamp(0, 1),)),
    Mistake("quitas la parte que se queda: con share = 0.2 debe quedar la quinta parte de la luz.",
            lambda image, share: image * (1 - share)),
    Mistake("oscureces un solo canal: van los tres, rojo, verde y azul.",
            lambda image, share: torch.cat([image[:1] * share, image[1:]])),
)

# ── 1 · una capa, a mano ────────────────────────────────────────────────────────────────────────────────────────────


def convolve(image: Tensor, weights: Tensor, bias: Tensor) -> Tensor:
    """Los mapas de una capa de convolución, (c, h, w): un filtro (3, k, k) por canal, con ceros alrededor."""
    return conv2d(image[None], weights, bias, padding=weights.shape[-1] // 2)[0]


def layers() -> Iterator[tuple[Tensor, Tensor, Tensor]]:
    """Imágenes (3, h, w) alargadas, filtros (c, 3, k, k) y sus sesgos (c,)."""
    dice = case_generator()
    for h, w, c, k in ((7, 9, 2, 3), (8, 6, 4, 5), (5, 8, 3, 3), (9, 7, 2, 1)):
        yield (torch.rand(3, h, w, generator=dice), torch.randn(c, 3, k, k, generator=dice),
               torch.randn(c, generator=dice))


def _edged(image: Tensor, weights: Tensor, mode: str) -> Tensor:
    """La imagen con otra orilla en vez de ceros, del ancho que pide el filtro."""
    side = weights.shape[-1] // 2
    return pad(image[None], (side,) * 4, mode=mode)


LAYER_MISTAKES = (                      # i: la imagen; w: los filtros; b: los sesgos
    Mistake("falta sumar el sesgo: bias tiene un número por filtro, y es el mismo en todos los lugares.",
            lambda i, w, b: convolve(i, w, torch.zeros_like(b))),
    Mistake("sumas el sesgo más de una vez, por color o por número del filtro; va una sola vez en cada lugar, fuera de "
            "la suma.",
            lambda i, w, b: convolve(i, w, 3 * b), (lambda i, w, b: convolve(i, w, w[0].numel() * b),
                                                    lambda i, w, b: convolve(i, w, w[0, 0].numel() * b))),
    Mistake("volteas el filtro; en una red no se voltea: weights[…, 0, 0] toca al píxel de arriba a la izquierda.",
            lambda i, w, b: convolve(i, w.flip(-1, -2), b)),
    Mistake("el filtro va transpuesto: su penúltimo eje es y, y el último, x.",
            lambda i, w, b: convolve(i, w.mT, b)),
    Mistake("falta la orilla: agrega k // 2 ceros de cada lado de la imagen, y el mapa mide lo mismo que ella.",
            lambda i, w, b: conv2d(i[None], w, b)[0]),
    Mistake("repites la orilla de la imagen; lo que queda fuera vale 0.",
            lambda i, w, b: conv2d(_edged(i, w, "replicate"), w, b)[0],
            (lambda i, w, b: conv2d(_edged(i, w, "reflect"), w, b)[0],)),
    Mistake("usas un solo color: en cada lugar se suman los productos de los tres.",
            lambda i, w, b: conv2d(i[None, :1], w[:, :1], b, padding=w.shape[-1] // 2)[0]),
    Mistake("promedias en vez de sumar: no se divide entre cuántos números tiene el filtro, ni entre los colores.",
            lambda i, w, b: convolve(i, w / w[0].numel(), b), (lambda i, w, b: convolve(i, w, b) / w[0].numel(),
                                                               lambda i, w, b: convolve(i, w / 3, b))),
    Mistake("quitas lo negativo: eso lo hace la ReLU, que es otra capa.",
            lambda i, w, b: convolve(i, w, b).relu()),
)

# ── 2 · hacia dónde van los bordes ──────────────────────────────────────────────────────────────────────────────────


def slopes() -> Iterator[tuple[Tensor, Tensor, int]]:
    """Fuerzas y ángulos (h, w), de −π a π, y cuántas partes; en todas hay ángulos de 0 y de π justos."""
    dice = case_generator()
    for h, w, bins in ((6, 9, 8), (7, 5, 4), (8, 8, 6), (5, 11, 9)):
        strength, angle = torch.rand(h, w, generator=dice), torch.pi * (2 * torch.rand(h, w, generator=dice) - 1)
        angle[1, :3], angle[2, 1:3] = torch.pi, 0.0
        yield strength, angle, bins


def _voted(place: Tensor, strength: Tensor, bins: int) -> Tensor:
    """Las fuerzas de cada parte; lo que cae fuera de 0 a bins − 1 se pierde, como en un ciclo sobre las partes."""
    place, strength = place.long().flatten(), strength.flatten()
    inside = (place >= 0) & (place < bins)
    return torch.zeros(bins).index_add_(0, place[inside], strength[inside])


EDGE_MISTAKES = (                       # s: la fuerza; a: el ángulo; b: las partes
    Mistake("cuentas píxeles; cada uno da su fuerza: un borde débil cuenta poco.",
            lambda s, a, b: edge_histogram(torch.ones_like(s), a, b)),
    Mistake("los ángulos opuestos van en la misma parte: θ y θ + π son el mismo borde. Usa el residuo entre π.",
            lambda s, a, b: _voted((a % (2 * torch.pi) / (2 * torch.pi) * b).clamp(max=b - 1), s, b),
            (lambda s, a, b: _voted(((a + torch.pi) / (2 * torch.pi) * b).clamp(max=b - 1), s, b),)),
    Mistake("los ángulos negativos no son cero ni se voltean: −θ es π − θ. Usa el residuo (%), no abs ni clamp.",
            lambda s, a, b: _voted((a.abs() / torch.pi * b).clamp(max=b - 1), s, b),
            (lambda s, a, b: _voted((a.clamp(min=0) / torch.pi * b).clamp(max=b - 1), s, b),)),
    Mistake("divides entre la suma; se piden las fuerzas sumadas, sin dividir.",
            lambda s, a, b: edge_histogram(s, a, b) / s.sum(),
            (lambda s, a, b: edge_histogram(s, a, b) / s.numel(),
             lambda s, a, b: edge_histogram(s, a, b) / _place(a, b).bincount(minlength=b).clamp(min=1))),
    Mistake("redondeas; a cada ángulo le toca su parte al quitar los decimales: la primera va de 0 a π/b.",
            lambda s, a, b: _voted((a % torch.pi / torch.pi * b).round() % b, s, b),
            (lambda s, a, b: _voted((a % torch.pi / torch.pi * b).round(), s, b),)),
    Mistake("un ángulo de π es el mismo borde que uno de 0 y va en la parte 0: el residuo (%) lo hace; sumarles π a "
            "los negativos, no.",
            lambda s, a, b: _voted(torch.where(a < 0, a + torch.pi, a) / torch.pi * b, s, b),
            (lambda s, a, b: _voted((torch.where(a < 0, a + torch.pi, a) / torch.pi * b).clamp(max=b - 1), s, b),)),
    Mistake("no llevaste todos los ángulos a [0, π): los que quedan fuera se pierden o caen en otra parte.",
            lambda s, a, b: _voted((a / torch.pi * b).floor(), s, b),
            (lambda s, a, b: _voted(a / torch.pi * b, s, b),
             lambda s, a, b: _voted((a + torch.pi) / torch.pi * b, s, b))),
    Mistake("solo queda un píxel de cada parte: con total[place] = … las repeticiones se pisan. Súmalas.",
            lambda s, a, b: torch.zeros(b).index_put((_place(a, b),), s.flatten()),
            (lambda s, a, b: torch.zeros(b).index_put((_place(a, b),), s.flatten() + 0.0),)),
    Mistake("el histograma empieza en otra parte: la parte 0 va de 0 a π/b.",
            lambda s, a, b: edge_histogram(s, a, b).roll(1), (lambda s, a, b: edge_histogram(s, a, b).roll(-1),
                                                             lambda s, a, b: edge_histogram(s, a, b).flip(0))),
)


def _place(angle: Tensor, bins: int) -> Tensor:
    """La parte de cada ángulo, en un renglón."""
    return ((angle % torch.pi / torch.pi * bins).long() % bins).flatten()

# ── 3 · cuánto ve una neurona ───────────────────────────────────────────────────────────────────────────────────────


def field_sizes(sides: Sequence[int], strides: Sequence[int]) -> Tensor:
    """El lado del campo receptivo tras cada capa, (n,): lados de los filtros y pasos, de la primera a la última."""
    seen, jump, found = 1, 1, []
    for side, stride in zip(sides, strides):
        seen, jump = seen + (side - 1) * jump, jump * stride
        found.append(seen)
    return torch.tensor(found)


def towers() -> Iterator[tuple[list[int], list[int]]]:
    """El ejemplo del enunciado y redes de cuatro a siete capas, con lados y pasos al azar y algún pool de 2 × 2.

    En todas hay algún paso mayor que 1 antes del final, y algún lado par.
    """
    yield [5, 2, 3], [1, 2, 1]
    dice = case_generator()
    for n in (4, 5, 6, 7):
        sides = (1 + torch.randint(1, 7, (n,), generator=dice)).tolist()
        strides = torch.randint(1, 4, (n,), generator=dice).tolist()
        yield [sides[0], 2, *sides[2:]], [2 + strides[0] % 2, 2, *strides[2:]]


def _grown(sides: Sequence[int], strides: Sequence[int], step: object) -> Tensor:
    """Lo que da la misma cuenta con otra regla: (lo visto, el salto, lado, paso) → los dos nuevos."""
    seen, jump, found = 1, 1, []
    for side, stride in zip(sides, strides):
        seen, jump = step(seen, jump, side, stride)
        found.append(seen)
    return torch.tensor(found)


FIELD_MISTAKES = (                      # k: los lados; s: los pasos; v: lo visto hasta ahí; j: el salto
    Mistake("falta el salto: en una capa honda, un lugar de más son varios píxeles de más.",
            lambda k, s: _grown(k, s, lambda v, j, side, stride: (v + side - 1, j))),
    Mistake("el salto se multiplica antes de tiempo: el paso de una capa cuenta para las que siguen, no para ella.",
            lambda k, s: _grown(k, s, lambda v, j, side, stride: (v + (side - 1) * j * stride, j * stride))),
    Mistake("los pasos se multiplican; los sumas.",
            lambda k, s: _grown(k, s, lambda v, j, side, stride: (v + (side - 1) * j, j + stride)),
            (lambda k, s: _grown(k, s, lambda v, j, side, stride: (v + (side - 1) * j, j + stride - 1)),)),
    Mistake("usas solo el paso de la capa anterior; el salto es el producto de todos los de antes.",
            lambda k, s: _grown(k, s, lambda v, j, side, stride: (v + (side - 1) * j, stride))),
    Mistake("agregas el lado entero; un filtro de lado k agrega k − 1 lugares.",
            lambda k, s: _grown(k, s, lambda v, j, side, stride: (v + side * j, j * stride))),
    Mistake("empiezas en 0: sin ninguna capa, un lugar ve un píxel.", lambda k, s: field_sizes(k, s) - 1),
    Mistake("multiplicas los lados; lo que se ve crece sumando.",
            lambda k, s: torch.tensor(k).cumprod(0)),
    Mistake("un filtro de lado k agrega k − 1 lugares, también si k es par: con k = 2, es uno.",
            lambda k, s: _grown(k, s, lambda v, j, side, stride: (v + 2 * (side // 2) * j, j * stride)),
            (lambda k, s: _grown(k, s, lambda v, j, side, stride: (v + (side // 2) * j, j * stride)),
             lambda k, s: _grown(k, s, lambda v, j, side, stride: (v + (side - 1) // 2 * 2 * j, j * stride)))),
    Mistake("un pool también cuenta: con k = 2, se ve un lugar más.",
            lambda k, s: _grown(k, s, lambda v, j, side, stride: (v + (side - 1) * j * (side > 2), j * stride))),
    Mistake("das solo el último: se pide uno por capa.", lambda k, s: field_sizes(k, s)[-1],
            (lambda k, s: field_sizes(k, s)[-1:],)),
)

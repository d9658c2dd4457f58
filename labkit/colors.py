"""De qué color es cada píxel: la regla que pone nombre a los once colores básicos (Berlin y Kay, 1969).

Cada píxel lleva el nombre del más cercano de once prototipos en CIELAB. En CIELAB a secas, el pasto seco queda más
cerca del café y el cielo pálido más cerca del gris; por eso las distancias se miden con la raíz del croma: entre
colores casi grises un poco de tinte cuenta mucho, y entre colores vivos cuenta poco.
"""
import torch
from torch import Tensor

from labkit.shapes import check_numbers, full

# (L, a, b): ajustados a unos 200 colores nombrados a mano (pasto, arena, cielo, ladrillo, pelo…). Son centros de
# decisión y no muestras: el negro y el blanco caen fuera de [0, 100] para que el gris ocupe justo de L ≈ 22 a L ≈ 84.
PROTOTYPES = {
    "negro": (-9, 0, 0), "azul": (50, -5, -32), "café": (36, 19, 24), "gris": (52, 0, 0), "verde": (56, -23, 15),
    "naranja": (67, 34, 60), "rosa": (66, 42, -2), "morado": (41, 48, -15), "rojo": (41, 58, 36), "blanco": (115, 0, 0),
    "amarillo": (84, 14, 65),
}
COLOR_NAMES = tuple(PROTOTYPES)

# sRGB lineal → XYZ relativo al blanco D65: cada renglón suma 1, para que el blanco sea (1, 1, 1)
RGB_TO_XYZ = ((0.4339, 0.3762, 0.1899), (0.2127, 0.7152, 0.0721), (0.0178, 0.1095, 0.8727))


def color_index(images: Tensor) -> Tensor:
    """El color de cada píxel: (b, 3, h, w) RGB en [0, 1] → (b, h, w), posiciones en `COLOR_NAMES`."""
    check_numbers(images, "b 3 h w", "images", 0)
    images = full(images)
    prototypes = images.new_tensor(list(PROTOTYPES.values())).T.reshape(1, 3, -1, 1)        # (1, 3, 11, 1)
    pixels = _by_root_chroma(rgb_to_lab(images)).movedim(1, -1).flatten(0, -2)              # (b·h·w, 3)
    centers = _by_root_chroma(prototypes)[0, :, :, 0].T                                     # (11, 3)
    # el más cercano minimiza |p|² − 2 x·p: |x|² es igual para todos
    nearest = (centers.square().sum(1) - 2 * pixels @ centers.T).argmin(1)
    return nearest.reshape(images.shape[0], *images.shape[2:])


def rgb_to_lab(images: Tensor) -> Tensor:
    """Los mismos píxeles en CIELAB: (b, 3, h, w) sRGB en [0, 1] → (b, 3, h, w), con L en [0, 100].

    Fuente: IEC 61966-2-1 (sRGB) y CIE 15 (L*a*b*).
    """
    check_numbers(images, "b 3 h w", "images", 0)
    images = full(images)
    linear = torch.where(images <= 0.04045, images / 12.92, ((images + 0.055) / 1.055) ** 2.4)
    xyz = torch.einsum("kc,bchw->bkhw", images.new_tensor(RGB_TO_XYZ), linear)
    bent = torch.where(xyz > (6 / 29) ** 3, xyz.clamp(min=1e-9) ** (1 / 3), xyz / (3 * (6 / 29) ** 2) + 4 / 29)
    x, y, z = bent.unbind(1)
    return torch.stack([116 * y - 16, 500 * (x - y), 200 * (y - z)], 1)


def _by_root_chroma(lab: Tensor) -> Tensor:
    """(L / 10, a / √C, b / √C) con el croma C = √(a² + b²): las coordenadas en que se miden las distancias."""
    root = lab[:, 1:].square().sum(1, keepdim=True).clamp(min=1e-6) ** 0.25
    return torch.cat([lab[:, :1] / 10, lab[:, 1:] / root], 1)

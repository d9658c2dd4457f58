"""Las imágenes que trae cada quien: un archivo, sus bytes o una imagen de Pillow, llevados a lo que el curso espera."""
import warnings
from io import BytesIO
from operator import index
from pathlib import Path

import numpy as np
import torch
from PIL import Image, ImageCms, ImageOps, UnidentifiedImageError
from torch import Tensor

WHITE = (255, 255, 255)
MAX_SIDE = 10_000                   # el lado mayor al que se lleva una imagen
MAX_PIXELS = 50_000_000             # más que la foto de un buen teléfono; en números reales serían 600 MB


class UnclearPicture(ValueError):
    """Una imagen sana de la que no se sabe qué color es cada número."""


def load_picture(source: str | Path | bytes | Image.Image, size: int | None = None, border: float = 0.0) -> Tensor:
    """Una imagen tuya, derecha, en RGB y en [0, 1]: (3, h, w), o el cuadro del centro a (3, size, size).

    source: la ruta de un archivo, sus bytes o una imagen de Pillow; cualquier modo (grises, paleta, CMYK, 16 bits,
    reales; lo transparente queda blanco), orientación y tamaño hasta MAX_PIXELS; de una animada, el primer cuadro.
    border: con `size`, la parte que se descarta en cada orilla.  ValueError si no se puede leer como imagen, está
    incompleta o es demasiado grande, o si no se sabe cuál de sus números es el blanco.
    """
    if not isinstance(source, (str, Path, bytes, bytearray, memoryview, Image.Image)):
        raise TypeError(f"source: esperaba una ruta, bytes o una imagen de Pillow y recibí {type(source).__name__}.")
    size, border = _side(size), _share(border)
    name = f"«{source}»" if isinstance(source, (str, Path)) else "la imagen que recibí"
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # un EXIF roto avisa por stderr aunque la imagen esté bien
            warnings.simplefilter("error", Image.DecompressionBombWarning)
            return _squared(_opened(source), size, border)
    except FileNotFoundError as error:
        raise ValueError(f"No encuentro {name}. Revisa el nombre y la carpeta.") from error
    except UnclearPicture:
        raise
    except (PermissionError, IsADirectoryError, NotADirectoryError) as error:
        why = "no tienes permiso" if isinstance(error, PermissionError) else "es una carpeta"
        raise ValueError(f"No pude abrir {name}: {why}.") from error
    except (Image.DecompressionBombWarning, Image.DecompressionBombError) as error:
        raise ValueError(f"{name} es demasiado grande: el límite son {MAX_PIXELS // 10**6} millones de píxeles. "
                         "Redúcela antes de abrirla.") from error
    except UnidentifiedImageError as error:
        raise ValueError(f"No pude leer {name} como imagen: no es de un formato conocido. Prueba con JPEG o PNG "
                         "(si viene de un iPhone, expórtala antes como JPEG).") from error
    except Exception as error:  # un archivo dañado hace fallar de muchas maneras a quien lo decodifica
        raise ValueError(f"No pude leer {name} como imagen: está incompleta o dañada. "
                         "Prueba con otra copia.") from error


def from_pillow(picture: Image.Image) -> Tensor:
    """Una imagen de Pillow como tensor: (3, h, w) en [0, 1]."""
    if not isinstance(picture, Image.Image):
        raise TypeError(f"picture: esperaba una imagen de Pillow y recibí {type(picture).__name__}.")
    return torch.from_numpy(np.array(_opaque(picture))).permute(2, 0, 1).float() / 255


def _side(size: int | None) -> int | None:
    """El lado pedido, como entero: vale uno de NumPy, o un tensor de un solo número. ValueError si no es posible."""
    try:
        side = None if size is None else 0 if isinstance(size, bool) else index(size)
    except TypeError:
        side = 0
    if side is not None and not 1 <= side <= MAX_SIDE:
        raise ValueError(f"size: esperaba un entero de 1 a {MAX_SIDE}, el lado en píxeles, y recibí {size!r:.60}.")
    return side


def _share(border: float) -> float:
    try:
        share = float("nan") if isinstance(border, (str, bytes)) else float(border)
    except (TypeError, ValueError, RuntimeError, OverflowError):
        share = float("nan")
    if not 0 <= share < 0.5:
        raise ValueError(f"border: esperaba un número de 0 a 0.5, sin llegar a 0.5, y recibí {border!r:.60}.")
    return share


def _opened(source: str | Path | bytes | Image.Image) -> Image.Image:
    """La imagen, derecha y en RGB; su tamaño se revisa antes de leer los píxeles."""
    if isinstance(source, Image.Image):
        if source.width * source.height > MAX_PIXELS:
            raise Image.DecompressionBombError
        return _opaque(ImageOps.exif_transpose(source))
    with Image.open(source if isinstance(source, (str, Path)) else BytesIO(source)) as picture:
        return _opened(picture)


def _squared(picture: Image.Image, size: int | None, border: float) -> Tensor:
    if size:
        picture = ImageOps.fit(picture, (size, size), Image.Resampling.BILINEAR, bleed=border)
    return from_pillow(picture)


def _opaque(picture: Image.Image) -> Image.Image:
    """La imagen en RGB, con lo transparente en blanco y los 16 bits llevados a 8, redondeados."""
    if picture.mode[0] in "IF":
        return _from_numbers(picture)
    if picture.mode == "LAB":
        picture = ImageCms.profileToProfile(picture, ImageCms.createProfile("LAB"), ImageCms.createProfile("sRGB"),
                                            outputMode="RGB")
    if picture.mode == "La":                                    # los grises ya multiplicados por su transparencia
        picture = picture.convert("LA")
    if not picture.has_transparency_data:
        return picture.convert("RGB")
    paper = Image.new("RGBA", picture.size, WHITE)
    paper.alpha_composite(picture.convert("RGBA"))
    return paper.convert("RGB")


def _from_numbers(picture: Image.Image) -> Image.Image:
    """Una imagen de un solo número por píxel (16 bits, enteros o reales) en RGB.

    Los de 16 bits van de 0 a 65535. Los enteros, de 0 a 255, o a 65535 si alguno pasa; los reales, de 0 a 1, o a 255.
    """
    values = np.asarray(picture).astype(np.float64)
    low, high = float(values.min()), float(values.max())
    ends = (65535.0,) if picture.mode.startswith("I;") else (255.0, 65535.0) if picture.mode == "I" else (1.0, 255.0)
    end = next((end for end in ends if high <= end), None)
    if end is None or not low >= 0:                                         # un NaN tampoco es ≥ 0
        raise UnclearPicture(f"source: esperaba números de 0 a {ends[-1]:g} y la imagen trae de {low:g} a {high:g} "
                             f"(modo {picture.mode}), y no se sabe cuál es el blanco. Guárdala antes en 8 o 16 bits.")
    gray = np.rint(values / end * 255).astype(np.uint8)
    clear = picture.info.get("transparency")
    if isinstance(clear, int):
        gray = np.where(values == clear, np.uint8(255), gray)
    return Image.fromarray(gray).convert("RGB")

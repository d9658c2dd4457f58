"""Las imágenes que trae cada quien: un archivo, sus bytes o una imagen de Pillow, llevados a lo que el curso espera."""
import warnings
from io import BytesIO
from pathlib import Path

import numpy as np
import torch
from PIL import Image, ImageOps, UnidentifiedImageError
from torch import Tensor

WHITE = (255, 255, 255)
MAX_PIXELS = 50_000_000             # más que la foto de un buen teléfono; en números reales serían 600 MB


def load_picture(source: str | Path | bytes | Image.Image, size: int | None = None, border: float = 0.0) -> Tensor:
    """Una imagen tuya, derecha, en RGB y en [0, 1]: (3, h, w), o el cuadro del centro a (3, size, size).

    source: la ruta de un archivo, sus bytes o una imagen de Pillow; cualquier modo (grises, paleta, CMYK, 16 bits; lo
    transparente queda blanco), orientación y tamaño hasta MAX_PIXELS.  border: con `size`, la parte que se descarta en
    cada orilla.  ValueError si no se puede leer como imagen, está incompleta o es demasiado grande.
    """
    if not isinstance(source, (str, Path, bytes, bytearray, memoryview, Image.Image)):
        raise TypeError(f"source: esperaba una ruta, bytes o una imagen de Pillow y recibí {type(source).__name__}.")
    name = f"«{source}»" if isinstance(source, (str, Path)) else "la imagen que recibí"
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # un EXIF roto avisa por stderr aunque la imagen esté bien
            warnings.simplefilter("error", Image.DecompressionBombWarning)
            return _squared(_opened(source), size, border)
    except FileNotFoundError as error:
        raise ValueError(f"No encuentro {name}. Revisa el nombre y la carpeta.") from error
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
    return torch.from_numpy(np.array(picture.convert("RGB"))).permute(2, 0, 1).float() / 255


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
    """La imagen en RGB, con lo transparente en blanco y los 16 bits llevados a 8."""
    if picture.mode.startswith("I"):
        values = np.asarray(picture, dtype=np.float32)
        picture = Image.fromarray((values / (257 if values.max() > 255 else 1)).clip(0, 255).astype(np.uint8))
    if not picture.has_transparency_data:
        return picture.convert("RGB")
    paper = Image.new("RGBA", picture.size, WHITE)
    paper.alpha_composite(picture.convert("RGBA"))
    return paper.convert("RGB")

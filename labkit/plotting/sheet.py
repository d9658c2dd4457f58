"""Hojas de imágenes, con encabezados de renglón y de columna, y mapas con su escala. Los píxeles no se suavizan."""
from collections.abc import Mapping, Sequence

import torch
from torch import Tensor

from labkit.images import add_margin, beside, color_bar, color_limits, colorize, enlarge, sized, text_image, text_width
from labkit.plotting.picture import Picture, picture_of
from labkit.shapes import check_shape

PAGE, LARGEST = 860, 192                  # píxeles de la página: lo que cabe a lo ancho, y la casilla más ancha
LETTER, GAP, HEADING = 13, 6, 130         # tamaño de la letra, separación, y el encabezado de renglón más ancho


def show_sheet(images: Tensor | Mapping[str, Tensor], cols: int = 6, rows: Sequence[str] = (),
               columns: Sequence[str] = (), notes: Sequence[str] = (), width: int | None = None,
               quality: int | None = None) -> Picture:
    """Imágenes en una hoja, cada píxel agrandado un número entero de veces, con los letreros escritos después.

    images: (n, 3, h, w), por renglones de `cols`; o {encabezado: (k, 3, h, w)}, un renglón por encabezado o, si das
    los nombres de los renglones en `rows`, una columna por encabezado.  rows, columns: los otros encabezados.  notes:
    un texto debajo de cada una, en el orden en que se leen.  width: lo menos que mide una en la página, en píxeles; si
    no lo dices, lo que quepa.  quality: la del JPEG, de 85 a 95; si no la dices, PNG, que no pierde nada y pesa más.
    Error: ValueError si los encabezados, los textos o los grupos no concuerdan con las imágenes.
    """
    tiles, rows, columns = _in_order(images, cols, list(rows), list(columns))
    n, cols = len(tiles), len(columns) or min(cols, len(tiles))
    if notes and len(notes) != n:
        raise ValueError(f"notes: esperaba {n} textos, uno por imagen, y recibí {len(notes)}.")
    room = max((min(HEADING, text_width(name, LETTER)) for name in rows), default=0)
    tiles = enlarge(tiles.detach().cpu(), _scale(tiles.shape[3], cols, width, PAGE - room))
    bands = [_band("", room, _texts(columns, tiles.shape[3]))] if any(columns) else []
    for i in range(0, n, cols):
        row = beside(list(tiles[i:i + cols]), GAP)
        under = _texts(notes[i:i + cols], tiles.shape[3]) if notes else row.new_ones(3, GAP, row.shape[2])
        head = rows[i // cols] if rows else ""
        bands.append(_band(head, room, torch.cat([row, under], 1), row.shape[1]))
    widest = max(band.shape[2] for band in bands)
    sheet = torch.cat([sized(band, width=widest) for band in bands], 1)
    return picture_of(sheet, _described(n, rows, columns, notes), quality)


def show_heatmap(heat: Tensor, image: Tensor | None = None, label: str = "", symmetric: bool = False,
                 side: int = 300) -> Picture:
    """Un mapa (h, w) con su escala; si das la imagen (3, h, w), al lado y de la misma medida.

    label: qué miden los números, con su unidad.  symmetric: escala centrada en 0 (azul < 0 < rojo).  side: cuánto mide
    cada cuadro en la página, más o menos, en píxeles.
    """
    check_shape(heat, "h w", "heat")
    if image is not None:
        check_shape(image, "3 h w", "image")
    limits = color_limits(heat, symmetric)
    cards = [colorize(heat, symmetric=symmetric, limits=limits)]
    cards = cards if image is None else [image.detach().cpu(), *cards]
    side = cards[0].shape[2] * max(1, round(side / cards[0].shape[2]))
    cards = [enlarge(card, max(1, round(side / card.shape[2]))) for card in cards]
    bar = color_bar(limits, max(card.shape[1] for card in cards), symmetric)
    picture = beside([*cards, bar])
    if label:
        words = text_image(f"color: {label}", max(picture.shape[2], text_width(f"color: {label}", LETTER)), LETTER)
        picture = torch.cat([sized(picture, width=words.shape[2]), words], 1)
    what, (low, high) = "Mapa" if image is None else "Una imagen y su mapa", limits
    return picture_of(picture, f"{what} de {label or 'números'}, de {low:.3g} a {high:.3g}.")


def _in_order(images: Tensor | Mapping[str, Tensor], cols: int, rows: list[str],
              columns: list[str]) -> tuple[Tensor, list[str], list[str]]:
    """Las imágenes en el orden en que se leen, (n, 3, h, w), y los encabezados de renglón y de columna."""
    if isinstance(images, Tensor):
        check_shape(images, "n 3 h w", "images")
        lines = -(-len(images) // (len(columns) or min(cols, len(images))))
        if rows and len(rows) != lines:
            raise ValueError(f"rows: esperaba {lines} encabezados, uno por renglón, y recibí {len(rows)}.")
        return images, rows, columns
    groups = [group.detach().cpu() for group in images.values()]
    if len({group.shape for group in groups}) > 1:
        raise ValueError(f"images: esperaba grupos iguales y recibí {[tuple(group.shape) for group in groups]}.")
    stacked, name, other = torch.stack(groups), "rows" if rows else "columns", rows or columns
    if other and len(other) != stacked.shape[1]:
        raise ValueError(f"{name}: esperaba {stacked.shape[1]} encabezados, uno por imagen de cada grupo, y recibí "
                         f"{len(other)}.")
    if rows:
        return stacked.transpose(0, 1).flatten(0, 1), rows, list(images)
    return stacked.flatten(0, 1), list(images), columns or [""] * stacked.shape[1]


def _scale(width: int, cols: int, least: int | None, page: int) -> int:
    """Cuántas veces se agranda cada píxel de una imagen de ese ancho."""
    if least is not None:
        return -(-least // width)
    return max(1, min(LARGEST, page // cols - GAP) // width)


def _texts(texts: Sequence[str], width: int) -> Tensor:
    """Un texto por casilla, uno junto al otro, centrado cada uno en la suya."""
    return beside([text_image(text, width, LETTER, center=True) for text in texts], GAP)


def _band(head: str, room: int, body: Tensor, height: int = 0) -> Tensor:
    """Un renglón de la hoja; su encabezado, en `room` píxeles, a media altura de sus imágenes, que miden `height`."""
    if not room:
        return body
    words = text_image(head, room, LETTER)
    words = add_margin(words, top=max(0, (height - words.shape[1]) // 2))
    return beside([words, body], GAP)


def _described(n: int, rows: Sequence[str], columns: Sequence[str], notes: Sequence[str]) -> str:
    said = [f"Hoja de {n} imágenes"] + [f"{what}: {'; '.join(names)}" for what, names in
                                        (("renglones", rows), ("columnas", columns), ("debajo", notes)) if any(names)]
    return ". ".join(said).replace("\n", " ") + "."

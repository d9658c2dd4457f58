"""Lo que muestra un cuaderno: una imagen ya hecha con su texto alternativo, o una tabla."""
from base64 import b64encode
from collections.abc import Mapping, Sequence
from html import escape
from io import BytesIO

from matplotlib.figure import Figure
from PIL import Image
from torch import Tensor

from labkit.images import jpeg_bytes, png_bytes

Cell = str | float | int
DOTS = 100                          # píxeles por pulgada de toda gráfica


class Picture:
    """Una imagen PNG o JPEG que se ve píxel por píxel, sin que el navegador la agrande, con su texto alternativo.

    data: el archivo.  width, height: su tamaño en píxeles.  alt: lo que lee quien no la ve.  figure: la figura de
    matplotlib de la que salió, si salió de una.
    """

    def __init__(self, data: bytes, width: int, height: int, alt: str, figure: Figure | None = None) -> None:
        self.data, self.width, self.height, self.alt, self.figure = data, width, height, alt, figure

    def _repr_mimebundle_(self, include: object = None, exclude: object = None) -> tuple[dict, dict]:
        kind = "image/png" if self.data.startswith(b"\x89PNG") else "image/jpeg"
        bundle = {kind: b64encode(self.data).decode(), "text/plain": repr(self)}
        return bundle, {kind: {"width": self.width, "height": self.height, "alt": self.alt}}

    def __repr__(self) -> str:
        return f"<Picture {self.width}×{self.height}>"


def picture_of(image: Tensor, alt: str, quality: int | None = None) -> Picture:
    """La imagen (3, h, w) lista para mostrarse: en PNG o, si das `quality` (de 85 a 95), en JPEG."""
    if quality is not None and not 85 <= quality <= 95:
        raise ValueError(f"quality: esperaba de 85 a 95, o nada para un PNG, y recibí {quality}: con menos, la imagen "
                         "ya no es la que se midió.")
    data = png_bytes(image, 9) if quality is None else jpeg_bytes(image, quality)
    return Picture(data, image.shape[2], image.shape[1], alt)


def picture_of_figure(figure: Figure, alt: str) -> Picture:
    """La figura de matplotlib como PNG, del tamaño que pidió, diga lo que diga la configuración de matplotlib."""
    drawn, smaller = BytesIO(), BytesIO()
    figure.savefig(drawn, format="png", dpi=DOTS, bbox_inches=figure.bbox_inches)
    Image.open(drawn).convert("RGB").save(smaller, "PNG", optimize=True)    # los mismos píxeles, sin la opacidad
    width, height = (int(pixels) for pixels in figure.canvas.get_width_height())
    return Picture(smaller.getvalue(), width, height, alt, figure)


class Table:
    """Una tabla: HTML en el cuaderno, y el mismo contenido alineado donde solo cabe texto."""

    def __init__(self, columns: Sequence[str], rows: Sequence[Sequence[str]], right: Sequence[bool],
                 caption: str) -> None:
        self.columns, self.rows, self.right, self.caption = columns, rows, right, caption

    def _repr_mimebundle_(self, include: object = None, exclude: object = None) -> dict[str, str]:
        return {"text/html": self.html(), "text/plain": repr(self)}

    def html(self) -> str:
        """La tabla en HTML. El lado de cada celda va dos veces: GitHub quita los estilos y Jupyter no mira `align`."""
        sides = ["right" if right else "left" for right in self.right]
        places = [f'align="{side}" style="text-align: {side}"' for side in sides]
        head = "".join(f"<th {place}>{escape(name)}</th>" for name, place in zip(self.columns, places))
        lines = ["".join(f"<td {place}>{escape(cell)}</td>" for cell, place in zip(row, places)) for row in self.rows]
        body = "\n".join(f"<tr>{line}</tr>" for line in lines)
        title = f"<caption>{escape(self.caption)}</caption>\n" if self.caption else ""
        return f"<table>\n{title}<thead><tr>{head}</tr></thead>\n<tbody>\n{body}\n</tbody>\n</table>"

    def __repr__(self) -> str:
        widths = [max(map(len, column)) for column in zip(self.columns, *self.rows)]
        lines = [[cell.rjust(width) if right else cell.ljust(width)
                  for cell, width, right in zip(row, widths, self.right)] for row in (self.columns, *self.rows)]
        title = [self.caption] if self.caption else []
        return "\n".join(title + ["  ".join(line).rstrip() for line in lines])


def show_table(columns: Sequence[str], rows: Sequence[Sequence[Cell]] | Mapping[str, Sequence[Cell]], caption: str = "",
               digits: int = 2, mark: int | None = None) -> Table:
    """Una tabla con esos encabezados; los números van a la derecha, con `digits` decimales si no son enteros.

    rows: los renglones o, en un diccionario, {primera celda: las demás}.  mark: el renglón que se señala con ▸.
    Error: ValueError si a un renglón le sobran o le faltan celdas.
    """
    pairs = rows.items() if isinstance(rows, Mapping) else None
    listed = [list(row) for row in rows] if pairs is None else [[name, *cells] for name, cells in pairs]
    for i, row in enumerate(listed):
        if len(row) != len(columns):
            raise ValueError(f"rows: esperaba {len(columns)} celdas por renglón, una por columna, y el {i} tiene "
                             f"{len(row)}.")
    right = [bool(listed) and all(_is_number(row[i]) for row in listed) for i in range(len(columns))]
    written = [[_written(cell, digits) for cell in row] for row in listed]
    if mark is not None:
        written[mark][0] = f"▸ {written[mark][0]}"
    return Table(list(columns), written, right, caption)


def _is_number(cell: Cell) -> bool:
    return not isinstance(cell, str) or cell.strip().removesuffix("%").strip(" +−-.,0123456789") == ""


def _written(cell: Cell, digits: int) -> str:
    if isinstance(cell, str):
        return cell
    value = cell.item() if hasattr(cell, "item") else cell
    return (str(value) if isinstance(value, int) else f"{value:.{digits}f}").replace("-", "−")

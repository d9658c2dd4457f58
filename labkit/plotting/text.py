"""Un texto coloreado: cada signo, con lo que respondió una celda al leerlo. Es HTML, y se lee también sin color.

El valor se ve de cuatro maneras: el fondo, el grosor de la raya de abajo (continua si es positivo, punteada si es
negativo), la letra (negrita o cursiva desde la mitad de la escala) y, al pasar el ratón, el número.
"""
from html import escape

from torch import Tensor

LEVELS = 4                                                          # cuántos tonos de cada signo, además del blanco
INK, PAPER = "#111111", "#ffffff"
TONES = {1: ("#eceaf5", "#d8d4ea", "#c5bfde", "#b2abd2"), -1: ("#fef0de", "#fee0b6", "#fecc8c", "#fdb863")}
LINES = {1: ("#542788", "solid"), -1: ("#b35806", "dotted")}        # la raya: positivo, negativo
SHOWN = {"\n": "↵\n", "\t": "⇥   ", "\r": "␍"}                       # los signos que no se ven


class ColoredText:
    """Un texto con un número por signo: HTML en el cuaderno, y dos renglones por línea donde solo cabe texto.

    text: los T signos.  values: (T,).  scale: el valor del tono más fuerte.  truth: (T,), los signos de un concepto,
    que llevan una raya arriba.  name: con qué clase de HTML se le puede encontrar en la página.
    """

    def __init__(self, text: str, values: Tensor, scale: float, caption: str = "", truth: Tensor | None = None,
                 name: str = "") -> None:
        self.text, self.values, self.scale, self.caption = text, values, scale, caption
        self.truth, self.name = truth, name

    def html(self) -> str:
        """El texto en HTML, con su título y la escala debajo; todo lo que escribió alguien va escapado."""
        levels = _levels(self.values, self.scale)
        marked = [False] * len(self.text) if self.truth is None else self.truth.tolist()
        signs = "".join(map(_sign, self.text, self.values.tolist(), levels, marked))
        title = f'<div style="margin: 0 0 4px">{escape(self.caption)}</div>\n' if self.caption else ""
        kind = f' class="{escape(self.name)}"' if self.name else ""
        return (f'<div{kind} style="background: {PAPER}; color: {INK}; padding: 8px; border: 1px solid #767676">\n'
                f'{title}<pre style="background: {PAPER}; color: {INK}; margin: 0; white-space: pre-wrap; '
                f'line-height: 1.9; font-size: 14px">{signs}</pre>\n{self._legend()}</div>')

    def _legend(self) -> str:
        """La escala: los tonos de un extremo al otro, cada uno con su valor."""
        signed = bool((self.values < 0).any())
        steps = range(-LEVELS if signed else 0, LEVELS + 1)
        tiles = [_sign(_number(step * self.scale / LEVELS), step * self.scale / LEVELS, step, False) for step in steps]
        concept = "" if self.truth is None else " · raya de arriba: el concepto"
        lines = " · raya continua: positivo; punteada: negativo" if signed else ""
        return f'<div style="margin: 6px 0 0; font-size: 12px">{" ".join(tiles)}{lines}{concept}</div>'

    def _repr_mimebundle_(self, include: object = None, exclude: object = None) -> dict[str, str]:
        return {"text/html": self.html(), "text/plain": repr(self)}

    def __repr__(self) -> str:
        """Cada línea y, debajo, su nivel: de 1 a 4 si es positivo, de a a d si es negativo, nada si es casi cero."""
        marks = "".join(_mark(level) for level in _levels(self.values, self.scale))
        lines, start = [self.caption] if self.caption else [], 0
        for line in self.text.splitlines(keepends=True):
            lines += [line.rstrip("\r\n"), marks[start:start + len(line)].rstrip()]
            start += len(line)
        return "\n".join(lines)


def show_text(text: str, values: Tensor, caption: str = "", scale: float | None = None, truth: Tensor | None = None
              ) -> ColoredText:
    """Un texto de T signos, coloreado con sus T valores.

    scale: el valor del tono más fuerte; si no lo dices, el mayor sin contar el signo.  truth: (T,), verdaderos en los
    signos de un concepto.  Error: ValueError si no hay un valor por signo, si hay NaN o si la escala no es positiva.
    """
    for name, given in (("values", values), ("truth", truth)):
        if given is not None and tuple(given.shape) != (len(text),):
            raise ValueError(f"{name}: esperaba un valor por signo, ({len(text)},), y recibí {tuple(given.shape)}.")
    if values.isnan().any():
        raise ValueError(f"values: hay NaN en {int(values.isnan().sum())} de los {len(text)} signos.")
    largest = float(values.abs().max()) if len(text) else 0.0
    if scale is not None and not scale > 0:
        raise ValueError(f"scale: esperaba un número mayor que 0 y recibí {scale}.")
    return ColoredText(text, values.detach().float().cpu(), scale or largest or 1.0, caption, truth)


def text_pages(text: str, size: int = 700) -> list[tuple[int, int]]:
    """De dónde a dónde va cada página, (inicio, fin) sin el fin: a lo más `size` signos, y se corta tras una línea.

    Una línea más larga que la página se parte. Un texto vacío tiene una página vacía.
    """
    if size < 1:
        raise ValueError(f"size: esperaba al menos un signo por página y recibí {size}.")
    pages, start = [], 0
    while len(text) - start > size:
        cut = text.rfind("\n", start, start + size) + 1
        end = cut if cut > start else start + size
        pages.append((start, end))
        start = end
    return [*pages, (start, len(text))]


def _levels(values: Tensor, scale: float) -> list[int]:
    """De cada valor, su tono: de −LEVELS a LEVELS."""
    return (values / scale * LEVELS).round().clamp(-LEVELS, LEVELS).int().tolist()


def _sign(shown: str, value: float, level: int, marked: bool) -> str:
    """Un signo con su fondo, su raya y su número."""
    style = _style(level, marked)
    tag = "span" if 2 * abs(level) < LEVELS else "b" if level > 0 else "i"
    return f'<{tag}{style} title="{_number(value)}">{escape(SHOWN.get(shown, shown))}</{tag}>'


def _style(level: int, marked: bool) -> str:
    rules = []
    if level:
        side = 1 if level > 0 else -1
        color, line = LINES[side]
        rules.append(f"background:{TONES[side][abs(level) - 1]};border-bottom:{abs(level)}px {line} {color}")
    if marked:
        rules.append(f"border-top:2px solid {INK}")
    return f' style="{";".join(rules)}"' if rules else ""


def _number(value: float) -> str:
    return f"{value:+.2f}".replace("-", "−")


def _mark(level: int) -> str:
    return " " if level == 0 else str(level) if level > 0 else "abcd"[-level - 1]

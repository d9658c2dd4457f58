"""Las demostraciones de la lección 6: un texto coloreado por una celda, el tuyo, y lo que la red escribe."""
from base64 import b32encode
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from hashlib import sha256
from html import escape

import ipywidgets as widgets
import torch
from IPython.display import display
from torch import Tensor

from labkit.plotting.text import ColoredText, show_text, text_pages
from labkit.widgets.demo import UNDRAWN, WHOLE_LABEL, control_row, name_of, show_live, steps, uploaded

PAGE, OWN = 700, 4000                       # signos por página; hasta cuántos se leen de un texto tuyo


class TextDemo(widgets.VBox):
    """Una demostración con un texto coloreado: `.controls`, sus controles por nombre, y `.picture`, el texto.

    draw: función pura cuyos argumentos se llaman como los controles; da un `ColoredText`. El primer cuadro queda en la
    página como HTML, y se lee sin correr nada.
    """

    def __init__(self, draw: Callable[..., ColoredText], controls: dict[str, widgets.Widget]) -> None:
        self.draw, self.controls, self.trouble = draw, controls, ""
        self.picture, self.hider = widgets.HTML(), widgets.HTML(layout={"display": "none"})
        self._keep_first()
        super().__init__([control_row(controls), self.picture, self.hider])
        for control in controls.values():
            control.observe(self._redraw, "value")

    def opening(self, **values: object) -> "TextDemo":
        """La misma, abierta con esos valores. Error: ValueError si no hay un control con ese nombre."""
        for name, value in values.items():
            if name not in self.controls:
                raise ValueError(f"{name}: no hay un control con ese nombre. Prueba {', '.join(self.controls)}.")
            self.controls[name].value = value
        self._keep_first()
        return self

    def frame(self) -> ColoredText:
        """El texto que toca a los valores de ahora; si `draw` falla, el error escrito."""
        self.trouble = ""
        try:
            return self.draw(**{name: control.value for name, control in self.controls.items()})
        except Exception as error:          # cualquiera: en un control, una excepción que escapa no la ve nadie
            self.trouble = f" {UNDRAWN} {type(error).__name__}: {error}"
            return show_text("", torch.zeros(0), f"✗ {error} Cambia algún control y se vuelve a intentar.")

    def _keep_first(self) -> None:
        """El cuadro de ahora es el que queda en la página; lo vivo, donde llega a dibujarse, lo esconde."""
        self.first = self.frame()
        self.picture.value = self.first.html()
        digest = sha256(self.picture.value.encode()).digest()
        self.first.name = f"texto-{b32encode(digest)[:12].decode().lower()}"
        self.hider.value = f"<style>.{self.first.name} {{ display: none; }}</style>"

    def _redraw(self, change: dict) -> None:
        self.picture.value = self.frame().html()

    def _ipython_display_(self) -> None:
        words = "; ".join(f"{name_of(control)}: {control.value}" for control in self.controls.values()
                          if isinstance(control.value, (int, float)))
        bundle = self.first._repr_mimebundle_()
        display(bundle, raw=True, metadata={"text/html": {"alt": f"Demostración. {words}.{self.trouble}"}})
        show_live(self, "Demostración interactiva: ejecuta la celda y mueve los controles.")


def explore_cells(text: str, values: Tensor, layer: str = "cells", size: int = PAGE) -> TextDemo:
    """Un texto, coloreado por la celda que escojas, página por página.

    values: (c, T), lo que respondió cada celda en cada signo. El tono más fuerte de una celda es el mayor de sus
    valores en todo el texto, sin contar el signo: es el mismo en todas las páginas.
    """
    if values.ndim != 2 or values.shape[1] != len(text) or not len(values):
        raise ValueError(f"values: esperaba (celdas, {len(text)}), un valor por celda y signo, y recibí "
                         f"{tuple(values.shape)}.")

    def draw(cell: int, page: int = 1) -> ColoredText:
        return _page(text, values[cell], page, size, f"{layer}:{cell}")

    controls = {"cell": _whole("celda", 0, len(values) - 1)}
    pages = len(text_pages(text, size))
    if pages > 1:
        controls["page"] = _whole("página", 1, pages)
    return TextDemo(draw, controls)


def explore_own_text(respond: Callable[[str], Tensor], text: str, layer: str = "cells") -> TextDemo:
    """Tu texto, pegado en el cuadro o traído de un archivo .py o .txt, coloreado por la celda que escojas.

    respond: del texto, lo que responde cada celda, (c, T).  text: con cuál se abre. Si es más largo que OWN signos se
    lee el principio, y se dice.
    """
    known = {text: respond(text)}           # solo el último: leer el texto es lo que tarda

    def draw(cell: int, page: int, pasted: str, file: object) -> ColoredText:
        whole = _given(pasted, file)
        if not whole:
            raise ValueError("no hay nada que leer: pega un texto en el cuadro, o trae otro archivo.")
        mine = whole[:OWN]
        if mine not in known:
            values = respond(mine)
            known.clear()
            known[mine] = values
        note = f" · se leen los primeros {OWN} signos de {len(whole)}" if len(whole) > OWN else ""
        return _page(mine, known[mine][cell], page, PAGE, f"{layer}:{cell}{note}")

    box = widgets.Textarea(value=text, description="tu texto", continuous_update=False, style=WHOLE_LABEL,
                           layout={"width": "600px", "height": "110px"})
    button = widgets.FileUpload(accept=".py,.txt", multiple=False, description="o un archivo .py o .txt",
                                layout={"width": "initial"})
    page = _page_control(box, button)
    controls = {"cell": _whole("celda", 0, len(known[text]) - 1), "page": page}
    return TextDemo(draw, {**controls, "pasted": box, "file": button})


def explore_samples(samples: Mapping[float, Sequence[tuple[str, Tensor]]]) -> TextDemo:
    """Lo que la red escribió con cada temperatura, coloreado por la sorpresa de cada signo, en bits.

    samples: temperatura → sus muestras, todas las listas igual de largas: el texto y los bits de cada signo, (T,).
    """
    if not samples or not all(samples.values()):
        raise ValueError("samples: hace falta al menos una temperatura, cada una con su lista de muestras.")

    def draw(temperature: float, draw_number: int) -> ColoredText:
        text, bits = samples[temperature][draw_number - 1]
        title = f"temperatura {temperature:g}, sorteo {draw_number}: {float(bits.mean()):.2f} bits por signo"
        return show_text(text, bits, title, scale=8.0)

    count = min(map(len, samples.values()))
    heats = steps("temperatura", list(samples))
    return TextDemo(draw, {"temperature": heats, "draw_number": _whole("sorteo", 1, count)})


def _page(text: str, values: Tensor, page: int, size: int, title: str) -> ColoredText:
    """La página pedida, o la última si hay menos, con la escala de todo el texto."""
    pages = text_pages(text, size)
    number = min(page, len(pages))
    start, end = pages[number - 1]
    where = f"{title} · página {number} de {len(pages)} · signos {start + 1} a {end} de {len(text)}"
    return show_text(text[start:end], values[start:end], where, float(values.abs().max()) or 1.0)


def _page_control(box: widgets.Textarea, button: widgets.FileUpload) -> widgets.IntSlider:
    """La página que se lee: llega hasta la última del texto que haya; con una sola, no se ve.

    Se hace antes que el cuadro, para que el texto cambie primero la última página y después lo que se ve.
    """
    page = _whole("página", 1, 1)

    def turn(change: object = None) -> None:
        with suppress(ValueError):                  # un archivo que no se puede leer: lo dice el cuadro
            page.max = len(text_pages(_given(box.value, button.value)[:OWN], PAGE))
            page.layout.display = "none" if page.max == 1 else None

    turn()
    for control in (box, button):
        control.observe(turn, "value")
    return page


def _given(pasted: str, file: object) -> str:
    """El texto del archivo, si se trajo uno; si no, el del cuadro."""
    data = uploaded(file)
    return _decoded(data) if data is not None else pasted.expandtabs(4)


def _decoded(data: bytes) -> str:
    """El texto de un archivo, con los fines de línea de siempre y sin tabuladores. ValueError si no está en UTF-8."""
    try:
        return data.decode("utf-8-sig").replace("\r\n", "\n").replace("\r", "\n").expandtabs(4)
    except UnicodeDecodeError:
        raise ValueError("file: el archivo no está en UTF-8. Ábrelo en tu editor y guárdalo como UTF-8.") from None


def _whole(label: str, low: int, high: int) -> widgets.IntSlider:
    """Un entero de `low` a `high`, que empieza en `low`."""
    return widgets.IntSlider(value=low, min=low, max=high, description=label, style=WHOLE_LABEL)

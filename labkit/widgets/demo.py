"""Una demostración: unos controles, una función pura `draw(**valores) -> bytes` y su cuadro.

Sólo `ipywidgets`, de la versión 7.7 a la 8. Todo se usa con el teclado: Tab lleva de un control a otro y las flechas lo
mueven; una lista se abre antes con Enter, porque mientras está cerrada el cuaderno se queda las flechas. Junto a cada
deslizador va un campo que hace lo mismo: es el que lleva el nombre (a un deslizador de ipywidgets no se le puede dar
uno que se lea en voz alta), y sirve donde las flechas no llegan al deslizador, como en Notebook 7. Debajo del cuadro se
lee lo que el cuadro dice con letras y números. Si `draw` falla, el error se lee en el lugar del cuadro y el siguiente
movimiento vuelve a dibujar.
"""
from base64 import b64encode
from collections.abc import Callable, Sequence
from contextlib import suppress
from hashlib import sha256
from html import escape

import ipywidgets as widgets
from IPython.display import display
from torch import Tensor
from traitlets import TraitError

from labkit.images import listen, png_bytes, sized, text_image
from labkit.pictures import load_picture
from labkit.plotting import Picture

UNDRAWN = "✗ Este cuadro no se pudo dibujar."
WHOLE_LABEL = {"description_width": "initial"}
SAID = 600                                                                      # letras que caben debajo de un cuadro
SMALL = "color: #555; font-size: 85%; line-height: 1.3; max-width: 880px"
SLIDERS = (widgets.IntSlider, widgets.SelectionSlider)
SHOWN = (*SLIDERS, widgets.Dropdown)                                            # los controles que muestran un valor


class Demo(widgets.VBox):
    """Una demostración: sus controles (`.controls`, por nombre) y, debajo, su cuadro (`.picture`).

    draw: función pura cuyos argumentos se llaman como los controles; da un PNG o JPEG, siempre del mismo tamaño. Se
    llama con el valor de cada control, y su imagen es el cuadro.
    """

    def __init__(self, draw: Callable[..., bytes], controls: dict[str, widgets.Widget]) -> None:
        self.draw, self.controls, self.size, self.trouble = draw, controls, (240, 640), ""
        self.heard: dict[str, str] = {}                         # lo escrito en cada cuadro ya dibujado, por sus valores
        self.words = widgets.HTML()
        self.first = self.frame()
        self.size = tuple(load_picture(self.first).shape[1:])
        kind = "png" if self.first.startswith(b"\x89PNG") else "jpeg"
        self.picture = widgets.Image(value=self.first, format=kind, height=str(self.size[0]), width=str(self.size[1]))
        self.static = widgets.HTML(_style_that_hides(self.first), layout={"display": "none"})
        super().__init__([control_row(controls), self.picture, self.words, self.static])
        for control in controls.values():
            control.observe(self._redraw, "value")

    def opening(self, **values: object) -> "Demo":
        """La misma demostración, abierta con esos valores: su cuadro es el que se lee en la página sin correr nada.

        values: control → valor.  Error: ValueError si no hay un control con ese nombre, o no toma ese valor.
        """
        for name, value in values.items():
            if name not in self.controls:
                raise ValueError(f"{name}: no hay un control con ese nombre. Prueba {', '.join(self.controls)}.")
            control = self.controls[name]
            with suppress(TraitError):
                control.value = value
            if control.value != value:                                  # un deslizador se queda en su extremo, callado
                raise ValueError(f"{name}: el control «{name_of(control)}» no toma el valor {value!r}.")
        self.first = bytes(self.picture.value)
        self.static.value = _style_that_hides(self.first)
        return self

    def frame(self) -> bytes:
        """El cuadro que toca a los valores de ahora; si `draw` falla, uno con el error escrito."""
        self.trouble, values = "", {name: control.value for name, control in self.controls.items()}
        with listen() as heard:
            try:
                frame = self.draw(**values)
            except Exception as error:   # cualquiera: en un control, una excepción que escapa no la ve nadie
                self.trouble = f" {UNDRAWN} {type(error).__name__}: {error}"
                frame = error_picture(error, *self.size)
        if heard or repr(values) not in self.heard:             # un cuadro que `draw` guardaba no se vuelve a escribir
            self.heard[repr(values)] = _said(heard)
        self.words.value = self.heard[repr(values)]
        return frame

    def _redraw(self, change: dict) -> None:
        self.picture.value = self.frame()

    def _ipython_display_(self) -> None:
        """Muestra el primer cuadro como imagen normal, que se lee en el cuaderno sin correr nada, y luego lo vivo, que
        donde llega a dibujarse trae consigo el estilo que esconde a esa imagen (véase `_style_that_hides`).
        """
        shown = "; ".join(f"{name_of(control)}: {getattr(control, 'label', control.value)}"
                          for control in self.controls.values() if isinstance(control, SHOWN))
        alt = f"Demostración. {shown}.{self.trouble} ({_tag(self.first)})"
        display(FirstFrame(self.first, self.size[1], self.size[0], alt))
        show_live(self, "Demostración interactiva: ejecuta la celda y mueve los controles.")


class FirstFrame(Picture):
    """La copia fija del primer cuadro. Se escribe con su descripción: es de donde VS Code saca el texto alternativo."""

    def __repr__(self) -> str:
        return self.alt


def show_live(widget: widgets.Widget, words: str) -> None:
    """Muestra lo vivo; donde no hay kernel se leen esas palabras, y no los bytes de sus imágenes."""
    view = {"version_major": 2, "version_minor": 0, "model_id": widget.model_id}
    display({"application/vnd.jupyter.widget-view+json": view, "text/plain": words}, raw=True)


def slider(label: str, low: int, high: int) -> widgets.IntSlider:
    """Un entero de `low` a `high`, que empieza en medio."""
    return widgets.IntSlider(value=(low + high) // 2, min=low, max=high, description=label, style=WHOLE_LABEL)


def steps(label: str, values: Sequence[int]) -> widgets.SelectionSlider:
    """Uno de los valores dados, en orden; empieza en el de en medio."""
    middle = sorted(values)[len(values) // 2]
    return widgets.SelectionSlider(options=sorted(values), value=middle, description=label, style=WHOLE_LABEL)


def choice(label: str, options: list[tuple[str, object]], value: object) -> widgets.Dropdown:
    """Una lista de opciones, cada una con su texto."""
    return widgets.Dropdown(options=options, value=value, description=label, style=WHOLE_LABEL)


def image_choice(labels: Tensor, classes: Sequence[str]) -> widgets.Dropdown:
    """Cuál de las imágenes, con el nombre de su clase."""
    return choice("imagen", [(f"{i + 1} · {classes[k]}", i) for i, k in enumerate(labels.tolist())], 0)


def upload_button(label: str = "Elige una imagen") -> widgets.FileUpload:
    """Un botón para traer una imagen de tu computadora; `uploaded` da sus bytes."""
    return widgets.FileUpload(accept="image/*", multiple=False, description=label, layout={"width": "initial"})


def uploaded(value: object) -> bytes | None:
    """Los bytes del archivo que trae un `FileUpload`, o None si no hay: ipywidgets 7 da un dict y el 8, una tupla."""
    files = list(value.values()) if isinstance(value, dict) else list(value or ())
    return bytes(files[-1]["content"]) if files else None


def error_picture(error: Exception, height: int, width: int) -> bytes:
    """Un cuadro del mismo tamaño que los demás con el error escrito."""
    text = text_image(f"{UNDRAWN}\n\n{type(error).__name__}: {error}\n\n"
                      "Cambia algún control y se vuelve a intentar.", width)
    return png_bytes(sized(text, height))


def control_row(controls: dict[str, widgets.Widget]) -> widgets.HBox:
    """Los controles, uno junto a otro; cada deslizador, con su campo."""
    items = [_with_field(control) if isinstance(control, SLIDERS) else control for control in controls.values()]
    return widgets.HBox(items, layout={"flex_flow": "row wrap", "grid_gap": "0 16px"})


def _with_field(control: widgets.IntSlider | widgets.SelectionSlider) -> widgets.HBox:
    """El deslizador y, delante, un campo con su nombre y su mismo valor.

    El campo es un número, o una lista si los pasos no son parejos.
    """
    if isinstance(control, widgets.IntSlider):
        field = widgets.BoundedIntText(control.value, min=control.min, max=control.max, step=control.step,
                                       description=control.description, style=WHOLE_LABEL)
        for name in ("min", "max"):
            widgets.dlink((control, name), (field, name))
    else:
        field = widgets.Dropdown(options=control.options, value=control.value, description=control.description,
                                 style=WHOLE_LABEL)
        widgets.dlink((control, "options"), (field, "options"))
    widgets.link((control, "value"), (field, "value"))
    control.readout, control.description, control.field = False, "", field
    field.layout.width, control.layout.width = "auto", "170px"
    row = widgets.HBox([field, control])
    widgets.dlink((control.layout, "display"), (row.layout, "display"))         # si uno se esconde, los dos
    return row


def name_of(control: widgets.Widget) -> str:
    """El nombre de un control, que si es un deslizador está en su campo."""
    return control.field.description if isinstance(control, SLIDERS) else control.description


def _said(heard: Sequence[str]) -> str:
    """El renglón que se lee debajo de un cuadro: lo que se escribió en él, en orden."""
    said = " · ".join(heard)
    said = said if len(said) <= SAID else f"{said[:SAID]}…"
    return f'<div role="status" aria-live="polite" style="{SMALL}">{escape(said)}</div>'


def _tag(picture: bytes) -> str:
    """Cómo se reconoce a un cuadro donde la página no guarda sus bytes: una marca en su texto alternativo."""
    return f"cuadro {sha256(picture).hexdigest()[:6]}"


def _style_that_hides(picture: bytes) -> str:
    """Un estilo que esconde la copia fija de `picture`, para que nunca salgan dos.

    Sólo llega a la página si lo vivo se dibuja; sin kernel no hay estilo, y la copia fija se ve. La reconoce por un
    trozo de su contenido, escrito en la página (JupyterLab, Notebook, Colab), o por su texto alternativo (VS Code, que
    no lo escribe).
    """
    piece = b64encode(picture).decode()[len(picture) * 2 // 3:][:64]   # de en medio
    return f"<style>img[src*='{piece}'], img[alt*='{_tag(picture)}'] {{ display: none; }}</style>"

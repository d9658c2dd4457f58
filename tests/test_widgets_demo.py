"""El marco de las demostraciones: con qué cuadro se abren, y qué queda en la página cuando nada corre."""
from functools import lru_cache

import pytest
import torch

from labkit.images import bars, caption, listen, png_bytes, text_image
from labkit.widgets.demo import Demo, choice, slider, steps


def demo() -> Demo:
    def draw(shade: int, side: int, fill: float) -> bytes:
        return png_bytes(torch.full((3, 40, 60), shade / 10) * (1 - fill) + side / 100)

    return Demo(draw, {"shade": slider("tono", 0, 10), "side": steps("lado", (2, 4, 8)),
                       "fill": choice("relleno", [("negro", 0.0), ("gris", 0.5)], 0.0)})


def test_opens_where_it_is_told_and_that_is_what_the_page_keeps(monkeypatch):
    opened = demo().opening(shade=9, fill=0.5)
    assert opened.first == opened.picture.value == opened.draw(shade=9, side=4, fill=0.5) != demo().first
    shown = []
    monkeypatch.setattr("labkit.widgets.demo.display", lambda what, raw=False: shown.append(what))
    opened._ipython_display_()
    (still, metadata), live = shown[0]._repr_mimebundle_(), shown[1]
    alt = metadata["image/png"].pop("alt")
    assert metadata["image/png"] == {"width": 60, "height": 40}
    assert alt.startswith("Demostración. tono: 9; lado: 4; relleno: gris.") and still["text/plain"] == alt
    assert "Demostración interactiva" in live["text/plain"]
    piece, tag = opened.static.value.split("'")[1::2]
    assert len(piece) == 64 and piece in still["image/png"]            # lo vivo esconde a esa copia, y no a otra
    assert tag in alt and tag not in alt_of(demo())                     # también donde la página no escribe sus bytes


def alt_of(shown: Demo) -> str:
    """El texto alternativo con que queda en la página el primer cuadro."""
    kept = []
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("labkit.widgets.demo.display", lambda what, raw=False: kept.append(what))
        shown._ipython_display_()
    return kept[0].alt


def test_the_field_beside_a_slider_does_the_same_and_carries_the_name():
    shown = demo()
    for name, label, value in (("shade", "tono", 8), ("side", "lado", 8)):
        control = shown.controls[name]
        assert control.field.description == label and control.description == "" and control.readout is False
        control.field.value = value                                     # quien escribe en el campo
        assert control.value == value and shown.picture.value == shown.frame()
    shown.controls["shade"].value = 3                                   # y quien mueve el deslizador
    assert shown.controls["shade"].field.value == 3
    shown.controls["shade"].max = 2                                     # un extremo que cambia lo es de los dos
    assert shown.controls["shade"].field.max == shown.controls["shade"].field.value == 2
    shown.controls["shade"].layout.display = "none"                     # y si se esconde, también
    hidden = [row for row in shown.children[0].children if row.layout.display == "none"]
    assert [row.children for row in hidden] == [(shown.controls["shade"].field, shown.controls["shade"])]


def test_only_one_picture_is_drawn_for_each_movement():
    calls = []

    def draw(tone: int, side: int) -> bytes:
        calls.append((tone, side))
        return png_bytes(torch.full((3, 4, 4), tone / 10))

    shown = Demo(draw, {"tone": slider("tono", 0, 9), "side": steps("lado", (1, 2))})
    before = len(calls)
    shown.controls["tone"].value = 7
    shown.controls["tone"].field.value = 8
    shown.controls["side"].field.value = 1
    assert calls[before:] == [(7, 2), (8, 2), (8, 1)]


def test_what_the_picture_says_is_also_read_below_it():
    def draw(tone: int) -> bytes:
        shown = caption(bars(["gato", "<pez>"], [tone / 10, 1 - tone / 10], width=200), f"tono {tone}\nde nueve")
        return png_bytes(shown)

    shown = Demo(lru_cache(maxsize=None)(draw), {"tone": slider("tono", 0, 9)})
    said = "gato: 40 %; &lt;pez&gt;: 60 % · tono 4 de nueve"
    assert said in shown.words.value and 'aria-live="polite"' in shown.words.value
    shown.controls["tone"].value = 9
    assert "gato: 90 %" in shown.words.value and said not in shown.words.value
    shown.controls["tone"].value = 4                                    # el cuadro ya estaba hecho: se lee lo mismo
    assert said in shown.words.value


def test_nothing_is_heard_when_nobody_listens():
    with listen() as heard:
        text_image("dentro", 100)
        with listen() as inner:
            text_image("más adentro", 100)
    text_image("fuera", 100)
    assert heard == ["dentro"] and inner == ["más adentro"]


@pytest.mark.parametrize("values, message", [
    ({"color": 1}, "color: no hay un control con ese nombre. Prueba shade, side, fill"),
    ({"side": 3}, "side: el control «lado» no toma el valor 3"),
    ({"fill": 0.7}, "fill: el control «relleno» no toma el valor 0.7"),
    ({"shade": "mucho"}, "shade: el control «tono» no toma el valor 'mucho'"),
    ({"shade": 11}, "shade: el control «tono» no toma el valor 11"),
])
def test_does_not_open_where_it_cannot(values, message):
    with pytest.raises(ValueError, match=message):
        demo().opening(**values)


def test_a_demonstration_that_fails_says_so_where_the_page_can_be_checked(monkeypatch):
    """Quien revisa la página no lee imágenes: el texto alternativo del cuadro guardado también trae el error."""
    def broken(tone: int) -> bytes:
        raise NameError("falta una pieza")

    kept = []
    monkeypatch.setattr("labkit.widgets.demo.display", lambda shown, **_: kept.append(shown))
    Demo(broken, {"tone": slider("tono", 0, 9)})._ipython_display_()
    assert "✗ Este cuadro no se pudo dibujar. NameError: falta una pieza" in str(kept[0]._repr_mimebundle_())

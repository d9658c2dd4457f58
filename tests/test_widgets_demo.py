"""El marco de las demostraciones: con qué cuadro se abren, y qué queda en la página cuando nada corre."""
import pytest
import torch

from labkit.images import png_bytes
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
    alt = "Demostración. tono: 9; lado: 4; relleno: gris."
    assert metadata["image/png"] == {"width": 60, "height": 40, "alt": alt}
    assert "Demostración interactiva" in live["text/plain"]
    piece = opened.static.value.split("'")[1]
    assert len(piece) == 64 and piece in still["image/png"]            # lo vivo esconde a esa copia, y no a otra


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

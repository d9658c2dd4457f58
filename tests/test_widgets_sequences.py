"""El visor de texto: HTML bien formado y escapado, que se lee sin color y sin núcleo, y sus páginas."""
import re
from html.parser import HTMLParser

import pytest
import torch
from torch import Tensor

from labkit.plotting import show_text, text_pages
from labkit.plotting.text import INK, LEVELS, PAPER, SHOWN, TONES
from labkit.widgets import TextDemo, explore_cells, explore_own_text, explore_samples

CODE = 'def f(a):\n    if a < 3 and "<b>" in a:\n\treturn {"ñ": (a & 1)}  # ¿sí?\n\n'


class Reader(HTMLParser):
    """Lee el HTML y falla si una etiqueta no cierra donde debe; junta los signos de <pre> con su número y su estilo."""

    def __init__(self, html: str) -> None:
        super().__init__(convert_charrefs=True)
        self.open, self.signs, self.classes, self.tags = [], [], [], set()
        self.feed(html)
        self.close()
        assert self.open == [], f"quedaron abiertas: {self.open}"

    def handle_starttag(self, tag: str, attrs: list) -> None:
        self.open.append((tag, dict(attrs)))
        self.tags.add(tag)
        self.classes += [dict(attrs)["class"]] if "class" in dict(attrs) else []

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop()[0] == tag

    def handle_data(self, data: str) -> None:
        if [tag for tag, _ in self.open if tag == "pre"] and self.open[-1][0] != "pre":
            tag, attributes = self.open[-1]
            self.signs.append((data, attributes["title"], attributes.get("style", ""), tag))


def ramp(text: str) -> Tensor:
    return torch.linspace(-1, 1, len(text))


def hidden(text: str) -> str:
    """El texto como se dibuja: los signos que no se ven, con su señal."""
    return "".join(SHOWN.get(sign, sign) for sign in text)


def test_the_page_has_every_sign_once_escaped_and_with_its_number() -> None:
    reader = Reader(show_text(CODE, ramp(CODE), "lo que «responde» <cells:3> & más").html())
    assert "".join(sign for sign, *_ in reader.signs) == hidden(CODE)
    assert [title for _, title, *_ in reader.signs] == [f"{v:+.2f}".replace("-", "−") for v in ramp(CODE).tolist()]
    assert reader.tags <= {"div", "pre", "span", "b", "i"}                    # nada que haga algo por su cuenta


@pytest.mark.parametrize("text", ["<script>alert(1)</script>", '" onmouseover="x', "a&amp;b", "$x$ \\(y\\)", "𝒜é\u200b"])
def test_what_someone_wrote_is_only_text(text: str) -> None:
    html = show_text(text, ramp(text), text).html()
    reader = Reader(html)
    assert "".join(sign for sign, *_ in reader.signs) == text
    assert html.count("&lt;") == 2 * text.count("<") and html.count("&amp;") == 2 * text.count("&")
    assert "<script" not in html and not re.search(r"<[^>]*\sonmouseover=", html)


def test_it_reads_without_color() -> None:
    """El grosor de la raya, su clase y la letra dicen el signo y el tamaño; cerca de cero no hay nada."""
    values = torch.tensor([-1.0, -0.5, -0.25, 0.0, 0.25, 0.5, 1.0])
    signs = Reader(show_text("abcdefg", values).html()).signs
    lines = [re.search(r"border-bottom:(\d)px (\w+)", style) for _, _, style, _ in signs]
    assert [line and (int(line[1]), line[2]) for line in lines] == [
        (4, "dotted"), (2, "dotted"), (1, "dotted"), None, (1, "solid"), (2, "solid"), (4, "solid")]
    assert [tag for *_, tag in signs] == ["i", "i", "span", "span", "span", "b", "b"]


def luminance(color: str) -> float:
    parts = [int(color[i:i + 2], 16) / 255 for i in (1, 3, 5)]
    linear = [part / 12.92 if part <= 0.04045 else ((part + 0.055) / 1.055) ** 2.4 for part in parts]
    return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]


def test_the_letters_are_read_on_every_tone() -> None:
    """Contraste de 7 a 1, el más estricto de WCAG 2; y cada tono es más oscuro que el anterior."""
    for tones in TONES.values():
        shades = [luminance(tone) for tone in (PAPER, *tones)]
        assert len(tones) == LEVELS and shades == sorted(shades, reverse=True)
        assert all((shade + 0.05) / (luminance(INK) + 0.05) >= 7 for shade in shades)


def test_where_there_is_only_text_each_line_has_its_marks() -> None:
    shown = repr(show_text("(a)\nb", torch.tensor([1.0, 0.5, -1.0, 0.0, -0.25]), "título"))
    assert shown == "título\n(a)\n42d\nb\na"


def test_a_concept_is_drawn_with_a_line_above() -> None:
    truth = torch.tensor([True, False, True])
    signs = Reader(show_text("abc", torch.zeros(3), truth=truth).html()).signs
    assert ["border-top" in style for _, _, style, _ in signs] == [True, False, True]


def test_the_scale_is_the_one_given_or_the_largest() -> None:
    values = torch.tensor([0.1, -0.2])
    assert show_text("ab", values).scale == pytest.approx(0.2) and show_text("ab", values, scale=2.0).scale == 2.0
    assert Reader(show_text("ab", values, scale=2.0).html()).signs[1][2] == ""   # 0.2 de 2 es casi cero
    assert Reader(show_text("ab", torch.zeros(2)).html()).signs[0][1] == "+0.00" and show_text("", torch.zeros(0)).html()


def test_the_legend_has_only_the_signs_that_there_are() -> None:
    assert "−2.00" in show_text("ab", torch.tensor([2.0, -1.0])).html()
    legend = show_text("ab", torch.tensor([2.0, 0.0])).html()
    assert "+2.00" in legend and "−" not in legend and "punteada" not in legend


@pytest.mark.parametrize("arguments, message", [
    ({"values": torch.zeros(4)}, r"values: esperaba un valor por signo, \(3,\), y recibí \(4,\)"),
    ({"values": torch.zeros(3, 1)}, r"recibí \(3, 1\)"),
    ({"values": torch.zeros(3), "truth": torch.zeros(2)}, r"truth: esperaba .* recibí \(2,\)"),
    ({"values": torch.tensor([0, torch.nan, 1])}, "hay NaN en 1 de los 3"),
    ({"values": torch.zeros(3), "scale": 0.0}, "scale: esperaba un número mayor que 0"),
])
def test_what_does_not_fit_is_told(arguments: dict, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        show_text("abc", **arguments)


# ── las páginas ─────────────────────────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize("text", ["", "a", "uno\ndos\n" * 40, "x" * 95, "corta\n" + "y" * 50 + "\nfin", "\n" * 31])
@pytest.mark.parametrize("size", [1, 10, 33, 1000])
def test_the_pages_cover_the_text_once(text: str, size: int) -> None:
    pages = text_pages(text, size)
    assert "".join(text[start:end] for start, end in pages) == text and len(pages) >= 1
    assert all(end - start <= size for start, end in pages)
    assert all(end > start for start, end in pages) or text == ""


def test_a_page_ends_with_a_line_when_it_can() -> None:
    text = "uno\ndos\ntres\n" + "z" * 20 + "\n"
    assert [text[a:b] for a, b in text_pages(text, 10)] == ["uno\ndos\n", "tres\n", "z" * 10, "z" * 10, "\n"]
    with pytest.raises(ValueError, match="al menos un signo por página"):
        text_pages(text, 0)


# ── las demostraciones ──────────────────────────────────────────────────────────────────────────────────────────────


def cells(text: str) -> Tensor:
    """Tres celdas sembradas: la 0 crece, la 1 se enciende en los paréntesis, la 2 está muda."""
    return torch.stack([ramp(text), torch.tensor([float(s in "()") for s in text]), torch.zeros(len(text))])


def test_every_cell_and_page_shows_its_own_piece() -> None:
    text = CODE * 20
    demo = explore_cells(text, cells(text), size=150)
    pages = text_pages(text, 150)
    assert demo.controls["page"].max == len(pages) > 3 and demo.controls["cell"].max == 2
    for cell in range(3):
        for number, (start, end) in enumerate(pages, start=1):
            demo.controls["cell"].value, demo.controls["page"].value = cell, number
            signs = Reader(demo.picture.value).signs
            assert "".join(sign for sign, *_ in signs) == hidden(text[start:end]), demo.trouble
            want = cells(text)[cell, start:end].tolist()
            assert [title for _, title, *_ in signs] == [f"{v:+.2f}".replace("-", "−") for v in want]
            assert f"cells:{cell} · página {number} de {len(pages)} · signos {start + 1} a {end}" in demo.picture.value


def test_the_scale_of_a_cell_is_the_same_on_every_page() -> None:
    text = CODE * 20
    demo = explore_cells(text, cells(text), size=150)
    scales = {demo.draw(cell=0, page=page).scale for page in range(1, demo.controls["page"].max + 1)}
    assert scales == {1.0}


def test_a_short_text_has_no_page_control() -> None:
    assert list(explore_cells(CODE, cells(CODE)).controls) == ["cell"]
    with pytest.raises(ValueError, match="un valor por celda y signo"):
        explore_cells(CODE, cells(CODE)[:, 1:])


def test_the_page_keeps_the_first_text_and_the_live_one_hides_it(monkeypatch: pytest.MonkeyPatch) -> None:
    demo = explore_cells(CODE, cells(CODE)).opening(cell=1)
    shown = []
    monkeypatch.setattr("labkit.widgets.sequences.display", lambda what, **more: shown.append((what, more)))
    monkeypatch.setattr("labkit.widgets.demo.display", lambda what, **more: shown.append((what, more)))
    demo._ipython_display_()
    (still, more), (live, _) = shown
    name, = Reader(still["text/html"]).classes
    assert f".{name} " in demo.hider.value and name not in demo.picture.value
    assert Reader(still["text/html"]).signs == Reader(demo.picture.value).signs
    assert more["metadata"]["text/html"]["alt"] == "Demostración. celda: 1." and "Demostración" in live["text/plain"]
    assert explore_cells(CODE, cells(CODE)).first.name != name             # otra demostración no la esconde
    with pytest.raises(ValueError, match="celda: no hay un control con ese nombre. Prueba cell"):
        demo.opening(celda=3)


def test_your_own_text_may_be_pasted_or_come_in_a_file() -> None:
    demo = explore_own_text(cells, "(hola)")
    demo.controls["pasted"].value = "(<adiós>)"
    assert "".join(sign for sign, *_ in Reader(demo.picture.value).signs) == "(<adiós>)"
    data = "\ufeffañil\r\n(x)\r".encode()
    for value in ({"a.txt": {"content": data}}, ({"content": data},)):      # ipywidgets 7 y 8
        assert demo.draw(cell=1, page=1, pasted="no", file=value).text == "añil\n(x)\n"
    assert demo.draw(cell=0, page=99, pasted="ab", file=()).text == "ab"     # no hay 99 páginas: la última
    tabbed = demo.draw(cell=0, page=1, pasted="", file=({"content": b"if a:\n\tb"},))
    assert tabbed.text == demo.draw(cell=0, page=1, pasted="if a:\n\tb", file=()).text == "if a:\n    b"


def test_the_page_control_goes_as_far_as_the_text() -> None:
    demo = explore_own_text(cells, "(hola)")
    page, box = demo.controls["page"], demo.controls["pasted"]
    assert (page.max, page.layout.display) == (1, "none")               # una sola página: no hay qué mover
    box.value = "x = (1)\n" * 200
    assert page.max == len(text_pages(box.value)) == 3 and page.layout.display is None
    before, page.value = demo.picture.value, 3
    assert demo.picture.value != before and "página 3 de 3" in demo.picture.value
    box.value = "(corto)"
    assert (page.value, page.max, page.layout.display) == (1, 1, "none") and "página 1 de 1" in demo.picture.value
    box.value = "y" * 10_000
    assert page.max == len(text_pages("y" * 4000))                      # lo que pasa de ahí no se lee


def test_a_very_long_text_is_cut_and_it_is_said() -> None:
    demo = explore_own_text(cells, "(hola)")
    long = demo.draw(cell=1, page=1, pasted="(a)\n" * 300_000, file=())
    assert "se leen los primeros 4000 signos de 1200000" in long.caption and long.text == ("(a)\n" * 175)


def test_what_cannot_be_read_is_said_in_place_of_the_text() -> None:
    def respond(text: str) -> Tensor:
        if "ж" in text:
            raise ValueError("text: el signo «ж» no está en el alfabeto.")
        return cells(text)

    demo = explore_own_text(respond, "(hola)")
    demo.controls["pasted"].value = "<ж>"
    assert "el signo «ж» no está en el alfabeto" in demo.picture.value and "no se pudo dibujar" in demo.trouble
    demo.controls["pasted"].value = "(otra vez)"
    assert demo.trouble == "" and "".join(s for s, *_ in Reader(demo.picture.value).signs) == "(otra vez)"
    demo.controls["pasted"].value = ""
    assert "pega un texto en el cuadro" in demo.picture.value
    with pytest.raises(ValueError, match="no está en UTF-8"):
        demo.draw(cell=0, page=1, pasted="", file=({"content": b"\xff\xfe\xfa"},))


def test_the_samples_say_their_temperature_and_their_surprise() -> None:
    samples = {0.5: [("uno", torch.ones(3)), ("dos", torch.full((3,), 2.0))], 1.0: [("a", torch.tensor([8.0]))] * 2}
    demo = explore_samples(samples)
    demo.controls["temperature"].value, demo.controls["draw_number"].value = 0.5, 2
    assert "temperatura 0.5, sorteo 2: 2.00 bits por signo" in demo.picture.value
    assert "".join(sign for sign, *_ in Reader(demo.picture.value).signs) == "dos" and isinstance(demo, TextDemo)
    for nothing in ({}, {0.5: []}):
        with pytest.raises(ValueError, match="al menos una temperatura"):
            explore_samples(nothing)

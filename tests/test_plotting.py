"""Hojas, mapas, tablas y gráficas: cada píxel en su lugar, cada letrero, y lo que lee quien no las ve."""
from base64 import b64decode
from io import BytesIO

import matplotlib
import matplotlib.pyplot as plt
import numpy as np
import pytest
import torch
from PIL import Image
from scipy import stats

from labkit.datasets import load_images
from labkit.images import colorize, to_uint8
from labkit.plotting import (
    Picture,
    show_arrows,
    show_bars,
    show_curves,
    show_heatmap,
    show_intervals,
    show_kinds,
    show_panels,
    show_paths,
    show_points,
    show_seeds,
    show_sheet,
    show_spread,
    show_table,
    show_tradeoff,
)
from labkit.regularization import high_frequency_share

IMAGES = torch.rand(6, 3, 8, 12, generator=torch.Generator().manual_seed(0))
HEAT = torch.tensor([[-1.0, 0.0], [0.5, 3.0]])
POINTS = torch.tensor([[2.0, 1.0], [1.0, -0.5], [0.0, 0.0]])

PICTURES = {
    "show_sheet": lambda: show_sheet(IMAGES),
    "show_heatmap": lambda: show_heatmap(HEAT),
    "show_curves": lambda: show_curves([1, 2], {"a": [0.0, 1.0]}),
    "show_paths": lambda: show_paths(lambda x: x.sum(1), {"uno": torch.eye(2)}),
    "show_bars": lambda: show_bars(["uno", "dos"], torch.tensor([1.0, 2.0])),
    "show_intervals": lambda: show_intervals({"uno": (0.5, 0.0, 1.0)}),
    "show_arrows": lambda: show_arrows([0.0, 1.0, 2.0], [0.0, 1.0, 0.5], {"uno": ([0.1, 1.0, 0.4], [0.5], [1.0])}),
    "show_panels": lambda: show_panels({"uno": ([0.0, 1.0], [1.0, 2.0])}, marked={"uno": [True, False]}),
    "show_points": lambda: show_points({"uno": POINTS[:, :2]}, torch.tensor([0, 1, 1]), ["a", "b"]),
    "show_spread": lambda: show_spread({"uno": [0.0, 1.0, 2.0]}),
    "show_seeds": lambda: show_seeds([1, 2], {"uno": [[0.0, 1.0], [2.0, 3.0]]}),
    "show_tradeoff": lambda: show_tradeoff([0.0, 1.0], [1.0, 2.0], {"T = 0": (0.5, 3.0)}, "x", "y", "gente", "camino"),
    "show_kinds": lambda: show_kinds(["uno", "dos"], [2.0, 1.0], ["a", "b"], ["x", "x"], "valor"),
}


def pixels(picture: Picture) -> np.ndarray:
    """Los píxeles de lo que se muestra, (h, w, 3), enteros."""
    with Image.open(BytesIO(picture.data)) as opened:
        return np.asarray(opened.convert("RGB")).astype(int)


def find_tile(page: np.ndarray, image: torch.Tensor, scale: int) -> tuple[int, int]:
    """Dónde está la imagen agrandada en la página, (y, x); falla si no está, idéntica, en algún lugar."""
    big = to_uint8(image).permute(1, 2, 0).numpy().repeat(scale, 0).repeat(scale, 1).astype(int)
    h, w = big.shape[:2]
    for y, x in np.argwhere((page == big[0, 0]).all(2)):
        if page[y:y + h, x:x + w].shape == big.shape and (page[y:y + h, x:x + w] == big).all():
            return int(y), int(x)
    raise AssertionError("la imagen no está en la hoja")


@pytest.mark.parametrize("name", PICTURES)
def test_is_shown_pixel_by_pixel_with_its_words(name):
    picture = PICTURES[name]()
    bundle, metadata = picture._repr_mimebundle_()
    height, width = pixels(picture).shape[:2]
    assert b64decode(bundle["image/png"]) == picture.data
    shown = metadata["image/png"]
    assert (shown["width"], shown["height"]) == (width, height) and len(shown["alt"]) > 15
    assert bundle["text/plain"] == f"<Picture {width}×{height}>" and plt.get_fignums() == []


def test_a_plot_has_its_size_whatever_matplotlib_is_told():
    with matplotlib.rc_context({"figure.dpi": 90, "savefig.dpi": 72, "savefig.bbox": "tight"}):
        picture = show_curves([1, 2], {"a": [0.0, 1.0]})
    assert pixels(picture).shape[:2] == (picture.height, picture.width) == (360, 720)


# ── hojas ────────────────────────────────────────────────────────────────────────────────────────────────────────────

def test_every_pixel_of_a_sheet_is_a_whole_square():
    page = pixels(show_sheet(IMAGES, cols=3, width=40))                               # 12 de ancho, 4 veces
    places = [find_tile(page, image, 4) for image in IMAGES]
    assert [y for y, _ in places] == [places[0][0]] * 3 + [places[3][0]] * 3
    assert places[0][1] < places[1][1] < places[2][1] and places[3][0] > places[0][0]


def test_headings_and_notes_go_beside_and_not_over_the_images():
    bare = show_sheet(IMAGES, cols=3, width=96)
    dressed = show_sheet(IMAGES, rows=["ñandú", "búho"], columns=["uno", "dos", "tres"], notes=list("ábcñef"), width=96)
    page = pixels(dressed)
    places = [find_tile(page, image, 8) for image in IMAGES]                          # idénticas: nada les cayó encima
    (y, x), ink = places[0], (page < 128).all(2)
    assert ink[:y].any() and ink[:, :x].any() and not ink[:y, :x].any()
    under = ink[places[0][0] + 64:places[3][0]]
    assert under[:, x:].any() and not under[:, :x].any()
    first, second = (ink[top:top + 64, :x] for top in (places[0][0], places[3][0]))
    assert first.any() and second.any() and (first != second).any()                   # cada renglón, su encabezado
    assert dressed.height > bare.height and dressed.width > bare.width
    for word in ("6 imágenes", "ñandú; búho", "uno; dos; tres", "á; b; c; ñ; e; f"):
        assert word in dressed.alt


def test_a_group_is_a_row_or_a_column():
    groups = {"uno": IMAGES[:3], "otro": IMAGES[3:]}
    by_row, by_column = (pixels(show_sheet(groups, rows=rows, width=12)) for rows in ((), ("a", "b", "c")))
    rows, columns = ([find_tile(page, image, 1) for image in IMAGES] for page in (by_row, by_column))
    assert rows[0][0] == rows[1][0] == rows[2][0] < rows[3][0] and rows[0][1] == rows[3][1]
    assert columns[0][1] == columns[1][1] == columns[2][1] < columns[3][1] and columns[0][0] == columns[3][0]


def test_what_fits_is_as_large_as_the_page_allows():
    images = torch.rand(12, 3, 64, 64)
    widths = {cols: show_sheet(images, cols=cols).width for cols in (1, 4, 6, 12)}
    assert widths == {1: 192, 4: 4 * 198 - 6, 6: 6 * 134 - 6, 12: 12 * 70 - 6}
    assert max(widths.values()) <= 860


@pytest.mark.parametrize("quality", [None, 90])
def test_what_is_shown_has_the_frequencies_that_were_measured(quality):
    images = torch.cat([load_images("test", n=3).images, torch.rand(1, 3, 64, 64)])
    sheet = show_sheet(images, quality=quality, width=128)
    page = pixels(sheet)
    assert sheet.data.startswith(b"\x89PNG" if quality is None else b"\xff\xd8")
    tiles = [page[:128, x:x + 128][::2, ::2] for x in range(0, 4 * 134, 134)]
    shown = torch.tensor(np.stack(tiles)).permute(0, 3, 1, 2).float() / 255
    off = (high_frequency_share(shown) - high_frequency_share(images)).abs()
    assert (off <= (0.1 * high_frequency_share(images)).clamp(min=0.005)).all()


# ── mapas ────────────────────────────────────────────────────────────────────────────────────────────────────────────

def test_a_map_is_beside_its_image_in_its_colors():
    picture = show_heatmap(HEAT, IMAGES[0], label="caída del logit", symmetric=True, side=96)
    page = pixels(picture)
    image, heat = find_tile(page, IMAGES[0], 8), find_tile(page, colorize(HEAT, limits=(-3, 3), symmetric=True), 48)
    assert image == (0, 0) and heat == (0, 104)
    assert picture.alt == "Una imagen y su mapa de caída del logit, de -3 a 3."


def test_a_scale_goes_from_the_lowest_to_the_highest():
    page = pixels(show_heatmap(HEAT, side=100))
    find_tile(page, colorize(HEAT), 50)
    column = page[:100, 108 + 4]                                                      # la escala, de arriba abajo
    ends = to_uint8(colorize(torch.tensor([[3.0], [-1.0]]))).permute(1, 2, 0).numpy()[:, 0].astype(int)
    assert (column[0] == ends[0]).all() and (column[-1] == ends[1]).all()


# ── tablas ───────────────────────────────────────────────────────────────────────────────────────────────────────────

def test_a_table_reads_the_same_as_text():
    table = show_table(["red", "caída", "n"], {"tramposa": [-0.834, 30], "reparada": [12.5, 7]}, "Caídas", mark=1)
    assert repr(table).split("\n") == ["Caídas", "red         caída   n", "tramposa    −0.83  30", "▸ reparada  12.50   7"]
    html = table._repr_mimebundle_()["text/html"]
    assert html.count("<tr>") == 3 and "<caption>Caídas</caption>" in html
    assert '<td align="right" style="text-align: right">−0.83</td>' in html
    assert '<td align="left" style="text-align: left">▸ reparada</td>' in html


def test_the_mark_goes_to_the_row_that_is_told():
    assert repr(show_table(["a"], [["uno"], ["dos"]], mark=0)).split("\n")[1:] == ["▸ uno", "dos"]


def test_a_table_does_not_become_html_of_its_words():
    assert "<b>" not in show_table(["a"], [["<b>1 & 2</b>"]]).html()


# ── gráficas ─────────────────────────────────────────────────────────────────────────────────────────────────────────

def axis_of(picture: Picture):
    return picture.figure.axes[0]


def written(picture: Picture) -> list[str]:
    return [text.get_text() for text in axis_of(picture).texts]


def test_curves_differ_in_more_than_color_and_carry_their_names():
    picture = show_curves(torch.arange(3), {"una": torch.rand(3), "otra": [3, 2, 1]}, "parche (píxeles)", "probabilidad",
                          bands={"otra": ([2, 1, 0], [4, 3, 2])}, floor=0.25, floor_name="umbral")
    axis = axis_of(picture)
    lines = [line for line in axis.lines if line.get_label() in ("una", "otra")]
    assert len({(line.get_linestyle(), line.get_marker()) for line in lines}) == 2
    assert set(written(picture)) == {"una", "otra", "umbral: 0.25"} and len(axis.collections) == 1
    assert (axis.get_xlabel(), axis.get_ylabel()) == ("parche (píxeles)", "probabilidad")
    assert list(lines[1].get_ydata()) == [3, 2, 1] and list(axis.get_xticks()) == [0, 1, 2]


def test_the_names_of_curves_that_end_together_do_not_overlap():
    picture = show_curves([0, 1], {name: [0, 1 + i / 1000] for i, name in enumerate("abcd")} | {"e": [0, 0.2]})
    heights = sorted(text.xy[1] for text in axis_of(picture).texts)
    low, high = axis_of(picture).get_ylim()
    assert np.diff(heights).min() > 0.07 * (high - low) and heights[-1] <= high


def test_bars_go_down_in_order_and_mark_with_a_sign():
    axis = axis_of(show_bars(["uno", "dos", "tres"], [1.0, -2.0, 3.0], "logit", mark=2))
    assert [label.get_text() for label in axis.get_yticklabels()] == ["uno", "dos", "▸ tres"]
    assert [bar.get_width() for bar in axis.patches] == [1, -2, 3] and axis.yaxis_inverted()
    assert [bar.get_y() + bar.get_height() / 2 for bar in axis.patches] == pytest.approx([0, 1, 2])


def test_an_interval_is_drawn_where_it_is_and_written():
    picture = show_intervals({"uno": (0.5, 0.25, 1.0), "dos": (-1.0, -2.0, 0.5)}, "caída", floor=0.0,
                             points={"dos": [-1.0, -1.5]}, floor_name="sin efecto")
    segments = [(list(line.get_xdata()), list(line.get_ydata())) for line in axis_of(picture).lines]
    assert ([0.25, 1.0], [0, 0]) in segments and ([-2.0, 0.5], [1, 1]) in segments
    assert any(xs == [-1.0, -1.5] for xs, _ in segments)
    assert written(picture) == ["0.50 [0.25, 1.00]", "−1.00 [−2.00, 0.50]", "sin efecto: 0"]
    assert "uno, 0.5, de 0.25 a 1; dos, -1, de -2 a 0.5" in picture.alt


def test_a_cloud_says_its_median_and_how_many_are_to_the_right():
    picture = show_spread({"uno": [-1.0, 1.0, 3.0, 2.0], "dos": torch.tensor([-3.0, -1.0])}, "correlación", limits=(-4, 4))
    assert axis_of(picture).get_xlim() == (-4, 4)
    assert written(picture) == ["+1.50; 3 de 4 > 0", "−2.00; 0 de 2 > 0"]
    medians = [list(line.get_xdata()) for line in axis_of(picture).lines if line.get_linewidth() == 2.5]
    assert medians == [[1.5, 1.5], [-2.0, -2.0]] and "3 de 4 por encima de 0" in picture.alt


@pytest.mark.parametrize(("floor", "says"), [(0.0, "+2.00; 3 de 3 > 0"), (1.5, "2.00; 2 de 3 > 1.5")])
def test_a_spread_signs_its_median_only_against_zero(monkeypatch, floor, says):
    written = []
    monkeypatch.setattr("labkit.plotting.plots._write_right", lambda axis, notes: written.extend(notes))
    show_spread({"uno": [1.0, 2.0, 3.0]}, floor=floor)
    assert written == [says]


def test_paths_are_drawn_over_the_level_curves():
    picture = show_paths(lambda x: 2 - (x ** 2) @ torch.tensor([1.0, 9.0]), {"uno": POINTS, "otro": POINTS * 0.5}, "lenta",
                         "rápida")
    axis = axis_of(picture)
    labels = [line.get_label() for line in axis.lines if line.get_label()[0] != "_"]
    assert labels == ["uno", "otro", "comienzo", "donde termina"]
    assert written(picture) == ["s = 2.00", "s = 2.00"]                                    # la altura, junto a cada estrella
    assert np.allclose(axis.lines[0].get_xydata(), POINTS) and np.allclose(axis.lines[2].get_xydata(), POINTS / 2)
    assert [tuple(axis.lines[i].get_xydata()[0]) for i in (1, 3, 4)] == [(0, 0), (0, 0), (2, 1)]       # ★, ★ y el comienzo
    level = max(axis.collections[0].get_paths(), key=lambda path: len(path.vertices)).vertices
    assert np.ptp((level ** 2) @ [1, 9]) < 0.05 * ((level ** 2) @ [1, 9]).max()            # en una curva, s no cambia
    assert (axis.get_xlabel(), axis.get_ylabel()) == ("lenta", "rápida") and "otro, 3 puntos" in picture.alt


@pytest.mark.parametrize("call, message", [
    (lambda: show_sheet(IMAGES[0]), "¿Falta el eje de lote"),
    (lambda: show_sheet(IMAGES, notes=["uno"]), "esperaba 6 textos, uno por imagen, y recibí 1"),
    (lambda: show_sheet(IMAGES, cols=3, rows=["uno"]), "esperaba 2 encabezados, uno por renglón, y recibí 1"),
    (lambda: show_sheet({"a": IMAGES[:2], "b": IMAGES[:3]}), "esperaba grupos iguales"),
    (lambda: show_sheet({"a": IMAGES}, columns=["uno"]), "columns: esperaba 6 encabezados, uno por imagen"),
    (lambda: show_sheet({"a": IMAGES}, rows=["uno"]), "rows: esperaba 6 encabezados"),
    (lambda: show_sheet(IMAGES, quality=40), "esperaba de 85 a 95"),
    (lambda: show_heatmap(IMAGES[0]), r"heat: esperaba forma \(h, w\)"),
    (lambda: show_heatmap(HEAT, IMAGES), "¿Sobra el eje de lote"),
    (lambda: show_table(["a", "b"], [[1, 2], [1]]), "esperaba 2 celdas por renglón, una por columna, y el 1 tiene 1"),
    (lambda: show_curves([1, 2], {"a": [1.0]}), "«a» tiene 1 valores para 2 abscisas"),
    (lambda: show_bars(["uno"], [1.0, 2.0]), "esperaba 1 valores, uno por nombre, y recibí 2"),
    (lambda: show_intervals({"uno": (0.5, 0.6, 1.0)}), "en «uno» esperaba abajo ≤ valor ≤ arriba"),
    (lambda: show_seeds([1, 2], {"uno": [[1.0, 2.0]]}), "«uno» tiene 1 grupos para 2 abscisas"),
    (lambda: show_tradeoff([1.0], [], {"uno": (1.0, 1.0)}), "recibí 1, 0 y 1"),
    (lambda: show_kinds(["uno"], [1.0], ["a"], []), "por cada uno de los 1 nombres, y recibí 1, 1 y 0"),
    (lambda: show_paths(lambda x: x.sum(1), {"uno": POINTS.T}), r"uno: esperaba forma \(n, 2\)"),
])
def test_bad_arguments_get_one_clear_sentence(call, message):
    with pytest.raises(ValueError, match=message):
        call()
    assert plt.get_fignums() == []


def test_every_seed_is_a_point_and_every_mean_has_its_interval():
    groups = [[1.0, 2.0, 6.0], [4.0, 4.0, 7.0]]
    axis = show_seeds([32, 256], {"uno": groups}, log=True, floors={"uno": [0.5, 0.7]}).figure.axes[0]
    alone = [line for line in axis.lines if line.get_linestyle() == "None"]
    assert [sorted(line.get_ydata()) for line in alone] == [sorted(group) for group in groups]
    means = next(line for line in axis.lines if line.get_label() == "uno")
    assert list(means.get_ydata()) == [3.0, 5.0] and axis.get_xscale() == "log"
    for group, bar in zip(groups, [line for line in axis.lines if line.get_linewidth() == 7], strict=True):
        assert tuple(bar.get_ydata()) == pytest.approx(stats.ttest_1samp(group, 0).confidence_interval())
    assert list(axis.get_xticks()) == [32, 256] and [label.get_text() for label in axis.get_xticklabels()] == ["32", "256"]
    floor = next(line for line in axis.lines if line.get_label() == "uno, al azar")
    assert list(floor.get_ydata()) == [0.5, 0.7] and floor.get_color() == means.get_color()


def test_color_says_one_group_and_the_mark_another():
    axis = show_kinds(["uno", "dos", "tres"], [3.0, 2.0, 1.0], ["a", "b", "a"], ["x", "x", "y"]).figure.axes[0]
    dots = [line for line in axis.lines if line.get_markersize() == 7]
    assert [line.get_xdata()[0] for line in dots] == [3, 2, 1]
    inks, shapes = [line.get_color() for line in dots], [line.get_marker() for line in dots]
    assert inks[0] == inks[2] != inks[1] and shapes[0] == shapes[1] != shapes[2]
    assert [text.get_text() for text in axis.get_legend().get_texts()] == ["a", "b", "x", "y"]


def test_each_arrow_goes_from_its_place_to_its_guess_and_each_panel_has_its_own():
    xs = torch.linspace(0, 2, 5)
    picture = show_arrows(xs, torch.ones(5), {"poco": (xs + 1, [0.5, 1.5], [1.0, 1.25]), "mucho": (xs + 2, [0.5], [0.75])},
                          "x", {"promedio": 0.8})
    first, second = picture.figure.axes
    for axis, want in ((first, [(0.5, 1.0), (1.5, 1.25)]), (second, [(0.5, 0.75)])):
        arrows = [note for note in axis.texts if getattr(note, "arrow_patch", None) is not None]
        assert [(note.xyann[0], note.xy[0]) for note in arrows] == want
        assert len({note.xy[1] for note in arrows}) == len(arrows)             # ninguna encima de otra
        assert [note.get_text() for note in axis.texts if note.get_text()] == ["promedio"]
    assert first.get_ylabel() == "poco" and second.get_xlabel() == "x" and "mucho, 1 flechas" in picture.alt
    with pytest.raises(ValueError, match="«poco» hay 2 salidas y 1 llegadas"):
        show_arrows(xs, xs, {"poco": (xs, [0.5, 1.5], [1.0])})


def test_the_panels_share_their_axes_and_mark_what_they_are_told():
    xs, ys, marks = torch.tensor([0.0, 0.1, 0.4]), torch.tensor([1.0, 5.0, -2.0]), torch.tensor([False, True, False])
    shown = show_panels({"uno": (xs, ys), "dos": (xs / 2, 3 * ys), "tres": (xs, ys), "cuatro": (xs, ys)}, "IoU", "efecto",
                        {"uno": marks}, "con nombre")
    axes = shown.figure.axes
    assert [axis.get_title(loc="left") for axis in axes] == ["uno", "dos", "tres", "cuatro"]
    assert len({axis.get_ylim() for axis in axes}) == len({axis.get_xlim() for axis in axes}) == 1
    plain, named = axes[0].lines[:2]
    assert plain.get_xydata().tolist() == pytest.approx(np.array([[0.0, 1.0], [0.4, -2.0]])) and named.get_marker() == "D"
    assert named.get_xydata().tolist() == pytest.approx(np.array([[0.1, 5.0]]))
    assert len(axes[1].lines) == 1 and len(axes[1].lines[0].get_xydata()) == 3
    assert [text.get_text() for text in shown.figure.legends[0].get_texts()] == ["con nombre"]
    assert "dos, 3 puntos" in shown.alt and "efecto" in shown.alt


@pytest.mark.parametrize(("ys", "marks"), [([1.0, 2.0], []), ([1.0, 2.0, 3.0], [True])])
def test_panels_that_do_not_fit_are_refused(ys, marks):
    with pytest.raises(ValueError, match="en «uno» hay 3 abscisas"):
        show_panels({"uno": ([0.0, 1.0, 2.0], ys)}, marked={"uno": marks})


def test_each_class_of_points_has_its_color_its_mark_and_its_name_in_its_place():
    labels = torch.arange(80) % 8
    points = torch.stack([10.0 * (labels // 4), 10.0 * (labels % 4)], 1) + torch.rand(80, 2)            # (y, x)
    names = [f"clase {k}" for k in range(8)]
    figure = show_points({"uno": points, "otro": points.flip(1)}, labels, names).figure
    axis = figure.axes[0]
    looks = set()
    for k, dots in enumerate(axis.collections):
        assert np.allclose(dots.get_offsets(), points[labels == k].flip(1))                             # x, y
        looks.add((tuple(dots.get_facecolor()[0]), dots.get_paths()[0].vertices.tobytes()))
    assert len(looks) == 8 and axis.get_ylim()[0] > axis.get_ylim()[1]                                  # y crece hacia abajo
    for text in axis.texts:
        place = axis.transData.inverted().transform(axis.transAxes.transform(text.get_position()))
        nearest = (points.flip(1) - torch.tensor(place)).norm(dim=1).argmin()
        assert names[labels[nearest]] == text.get_text()                                                # entre los suyos
        mine = points[labels == names.index(text.get_text())]
        assert place[1] == pytest.approx(float(mine[torch.cdist(mine, mine).sum(1).argmin(), 0]), abs=1e-3)    # en medio
    assert [text.get_text() for text in figure.legends[0].get_texts()] == names
    assert [axis.get_title() for axis in figure.axes] == ["uno", "otro"]


def test_names_that_would_cover_each_other_are_moved_apart():
    heap = torch.rand(60, 2, generator=torch.Generator().manual_seed(0))
    names = [f"un nombre {k}" for k in range(6)]
    axis = show_points({"montón": heap}, torch.arange(60) % 6, names, cols=1).figure.axes[0]
    places = [text.get_position() for text in axis.texts]
    wide, high = 2 * (0.0115 * len(names[0]) + 0.01), 0.05
    assert all(abs(a[0] - b[0]) >= wide - 1e-6 or abs(a[1] - b[1]) >= high for i, a in enumerate(places) for b in places[:i])
    assert all(0 < x < 1 and 0 < y < 1 for x, y in places)


def test_points_without_names_or_with_too_many_classes_are_told():
    with pytest.raises(ValueError, match="hay clases hasta la 2 y recibí 2 nombres"):
        show_points({"uno": POINTS[:, :2]}, torch.arange(3), ["a", "b"])
    with pytest.raises(ValueError, match="alcanza para 24 clases y recibí 25"):
        show_points({"uno": POINTS[:, :2]}, torch.arange(3), [str(k) for k in range(25)])
    assert len(show_points({"uno": POINTS[:, :2]}).figure.axes[0].collections) == 1


def test_a_tradeoff_goes_through_its_stops_in_order_and_names_each_place_once():
    path = {"T = 0": (0.0, 4.0), "T = 1": (2.0, 3.0), "T = 2": (2.001, 3.0)}
    axis = show_tradeoff([5.0, 6.0], [1.0, 2.0], path, cloud="gente").figure.axes[0]
    cloud, line = axis.lines
    assert cloud.get_xydata().tolist() == [[5, 1], [6, 2]]
    assert line.get_xydata().tolist() == [[0, 4], [2, 3]]
    assert [text.get_text() for text in axis.texts] == ["T = 0", "T = 1, T = 2"]

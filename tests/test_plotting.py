import matplotlib.pyplot as plt
import numpy as np
import pytest
import torch
from matplotlib.figure import Figure

from labkit.images import to_uint8
from labkit.plotting import show_bars, show_curves, show_heatmap, show_images, show_paths

IMAGES = torch.rand(5, 3, 8, 12, generator=torch.Generator().manual_seed(0))
HEAT = torch.tensor([[-1.0, 0.0], [0.5, 3.0]])

FIGURES = {
    "show_images": lambda: show_images(IMAGES),
    "show_heatmap": lambda: show_heatmap(HEAT),
    "show_curves": lambda: show_curves([1, 2], {"a": [0.0, 1.0]}),
    "show_paths": lambda: show_paths(torch.eye(2), {"uno": torch.eye(2)}),
    "show_bars": lambda: show_bars(["uno", "dos"], torch.tensor([1.0, 2.0])),
}


@pytest.mark.parametrize("name", FIGURES)
def test_gives_one_closed_figure(name, tmp_path):
    figure = FIGURES[name]()
    assert isinstance(figure, Figure) and plt.get_fignums() == []
    figure.savefig(tmp_path / "figura.png")                         # y se puede dibujar aún
    assert (tmp_path / "figura.png").stat().st_size > 1000


def test_images_are_drawn_in_order_with_their_titles():
    figure = show_images(IMAGES, titles=list("ábcñe"), cols=3)
    drawn = [axis for axis in figure.axes if axis.images]
    assert [axis.get_title() for axis in drawn] == list("ábcñe") and len(figure.axes) == 6
    for axis, image in zip(drawn, IMAGES):
        assert (axis.images[0].get_array() == to_uint8(image).permute(1, 2, 0).numpy()).all()


def test_a_signed_map_is_symmetric_about_zero():
    assert show_heatmap(HEAT, symmetric=True).axes[0].images[0].get_clim() == (-3, 3)
    assert show_heatmap(HEAT).axes[0].images[0].get_clim() == (-1, 3)


def test_a_map_beside_its_image_says_what_it_measures():
    image, heat, scale = show_heatmap(HEAT, IMAGES[0], label="caída del logit").axes
    assert image.images[0].get_array().shape == (8, 12, 3) and heat.images[0].get_array().tolist() == HEAT.tolist()
    assert scale.get_ylabel() == "caída del logit"


def test_curves_differ_in_more_than_color():
    axis = show_curves(torch.arange(3), {"una": torch.rand(3), "otra": [3, 2, 1]}, "parche (píxeles)", "probabilidad", "título").axes[0]
    assert len({(line.get_linestyle(), line.get_marker()) for line in axis.lines}) == 2
    assert [text.get_text() for text in axis.get_legend().get_texts()] == ["una", "otra"]
    assert (axis.get_xlabel(), axis.get_ylabel(), axis.get_title()) == ("parche (píxeles)", "probabilidad", "título")
    assert list(axis.lines[1].get_ydata()) == [3, 2, 1]


def test_bars_go_down_in_order_and_mark_with_a_sign():
    axis = show_bars(["uno", "dos", "tres"], [1.0, -2.0, 3.0], "logit", mark=2).axes[0]
    assert [label.get_text() for label in axis.get_yticklabels()] == ["uno", "dos", "▸ tres"]
    assert [bar.get_width() for bar in axis.patches] == [1, -2, 3] and axis.yaxis_inverted()


def test_paths_are_drawn_over_the_level_curves():
    points = torch.tensor([[2.0, 1.0], [1.0, -0.5], [0.0, 0.0]])
    figure = show_paths(torch.diag(torch.tensor([1.0, 9.0])), {"uno": points, "otro": points * 0.5})
    axis = figure.axes[0]
    assert [line.get_label() for line in axis.lines] == ["uno", "otro", "el máximo"]
    assert np.allclose(axis.lines[0].get_xydata(), points.numpy()) and np.allclose(axis.lines[1].get_xydata(), points.numpy() / 2)
    level = max(axis.collections[0].get_paths(), key=lambda path: len(path.vertices)).vertices
    assert np.ptp((level ** 2) @ [1, 9]) < 0.05 * ((level ** 2) @ [1, 9]).max()            # en una curva, s no cambia
    with pytest.raises(ValueError, match="curvature"):
        show_paths(torch.eye(3), {"uno": points})


@pytest.mark.parametrize("call, message", [
    (lambda: show_images(IMAGES[0]), "¿Falta el eje de lote"),
    (lambda: show_images(IMAGES, titles=["uno"]), "esperaba 5 títulos, uno por imagen, y recibí 1"),
    (lambda: show_heatmap(IMAGES[0]), r"heat: esperaba forma \(h, w\)"),
    (lambda: show_heatmap(HEAT, IMAGES), "¿Sobra el eje de lote"),
    (lambda: show_curves([1, 2], {"a": [1.0]}), "«a» tiene 1 valores para 2 abscisas"),
    (lambda: show_bars(["uno"], [1.0, 2.0]), "esperaba 1 valores, uno por nombre, y recibí 2"),
])
def test_bad_arguments_get_one_clear_sentence_and_leave_no_figure(call, message):
    with pytest.raises(ValueError, match=message):
        call()
    assert plt.get_fignums() == []

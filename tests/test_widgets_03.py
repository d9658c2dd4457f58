"""Las demostraciones de la lección 3: la prueba a ciegas no enseña de más y califica bien."""
import torch

from labkit.pictures import load_picture
from labkit.widgets import explore_blind

CLASSES = ["avión", "barco", "camión", "pez"]


def test_the_blind_test_shuffles_hides_and_grades():
    images = torch.arange(4.0)[:, None, None, None].expand(4, 3, 16, 16) / 4     # la i-ésima, gris i / 4
    demo = explore_blind(images, CLASSES, seed=3)
    assert sorted(demo.order) == [0, 1, 2, 3] and demo.order != explore_blind(images, CLASSES, seed=4).order
    first = load_picture(demo.first)
    for place, k in enumerate(demo.order):                                       # cada número, con su imagen
        assert abs(first[:, 10:100, 10 + place * 136:100 + place * 136].mean() - k / 4) < 0.02
    blank = {f"n{place}": -1 for place in range(1, 5)}
    right = {f"n{place}": k for place, k in enumerate(demo.order, start=1)}
    swapped = right | {"n1": right["n2"], "n2": right["n1"]}
    seen = {name: demo.draw(graded=True, **said) for name, said in {"nada": blank, "bien": right, "dos": swapped}.items()}
    assert len(set(seen.values())) == 3
    assert demo.draw(graded=False, **right) == demo.draw(graded=False, **blank)  # sin calificar no se sabe nada
    assert demo.draw(graded=False, **right) == demo.first

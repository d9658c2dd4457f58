"""Las demostraciones de la lección 3: la prueba a ciegas no enseña de más y califica bien; cada receta enseña la suya."""
import torch

from labkit.ready_made import load_recipes
from labkit.pictures import load_picture
from labkit.widgets import explore_blind, explore_recipes

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


def test_the_recipe_explorer_shows_the_chosen_one_beside_the_bare_one():
    demo = explore_recipes({"principal": "escenas", "robusta": "escenas_robusta"})
    off = {"frequency": 0, "moves": 0, "space": 0, "cleaning": 0}
    for network, what, levels in (("escenas", "clase", off | {"moves": 2}), ("escenas_robusta", "unidad", off | {"space": 1})):
        made, shown = load_recipes(network), load_picture(demo.draw(network=network, what=what, **levels))
        bare, chosen = made[(0, 0, 0, 0), what].image, made[tuple(levels.values()), what].image
        for left, image, other in ((0, bare, chosen), (200, chosen, bare)):          # 3 × 64 píxeles y 8 de separación
            seen = shown[:, :192, left:left + 192].unflatten(1, (64, 3)).unflatten(3, (64, 3)).mean((2, 4))
            assert (seen - image).abs().max() < 0.005 and (seen - other).abs().mean() > 0.05     # PNG: los píxeles son esos
    assert demo.first == demo.draw(network="escenas", what="clase", **(off | {"moves": 2}))     # al abrir ya hay qué comparar

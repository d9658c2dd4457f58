"""Las demostraciones de la lección 3: las recetas de regularización, y la prueba a ciegas de sus imágenes."""
from collections.abc import Sequence

import ipywidgets as widgets
import torch
from torch import Tensor

from labkit.images import beside, caption, enlarge, jpeg_bytes, png_bytes, sized, text_image
from labkit.ready_made import LEVELS, load_recipes
from labkit.widgets.demo import Demo, choice

COLS, CARD = 6, 128  # cuántas por renglón; el lado de cada una, más o menos
INGREDIENTS = {"frequency": "variación total", "moves": "transformaciones", "space": "frecuencias (espacio)",
               "cleaning": "limpiador"}


def explore_recipes(networks: dict[str, str]) -> Demo:
    """El mismo ascenso con los cuatro regularizadores que quieras, cada uno en nada, poco o mucho, y lo que dan.

    networks: título → red con recetas.
    """
    recipes = {name: load_recipes(name) for name in networks.values()}

    def draw(network: str, what: str, **levels: int) -> bytes:
        made, bare = (recipes[network][chosen, what]
                      for chosen in (tuple(levels[name] for name in INGREDIENTS), (0,) * 4))
        lines = [f"{title}: {getattr(made, name):.{digits}f}  (sin nada: {getattr(bare, name):.{digits}f})"
                 for title, name, digits in (("puntuación", "score", 0), ("puntuación al moverla", "score_moved", 0),
                                             ("P(cebra), testigo", "witness", 2), ("frecuencias altas", "high", 2))]
        shown = [caption(enlarge(one.image, 3), title) for one, title in ((bare, "sin nada"), (made, "con tu receta"))]
        return png_bytes(beside([*shown, text_image("\n\n".join(lines), 400)]))

    names = ("nada", "poco", "mucho")
    controls = {"network": choice("red", list(networks.items()), next(iter(networks.values()))),
                "what": choice("se maximiza", [("el logit de cebra", "clase"), ("conv4:2", "unidad")], "clase")}
    for name, title in INGREDIENTS.items():
        controls[name] = choice(title, list(zip(names, range(LEVELS))), 2 if name == "moves" else 0)
    return Demo(draw, controls)


def explore_blind(images: Tensor, classes: Sequence[str], seed: int = 0) -> Demo:
    """Las imágenes (n, 3, h, w), una por clase y en desorden: escoges la clase de cada número y luego calificas.

    La i-ésima imagen es de la clase i; `seed` decide el desorden.  En `.order` queda cuál es cada número.
    """
    order = torch.randperm(len(images), generator=torch.Generator().manual_seed(seed)).tolist()
    scale = max(1, CARD // images.shape[-1])

    def draw(graded: bool, **guesses: int) -> bytes:
        said = [guesses[f"n{place}"] for place in range(1, len(order) + 1)]
        cards = []
        for place, (k, guess) in enumerate(zip(order, said), start=1):
            answer = f": {'✓' if guess == k else '✗'} {classes[k]}" if graded else ""
            cards.append(caption(enlarge(images[k].cpu(), scale), f"{place}{answer}", 12))
        rows = [beside(cards[i:i + COLS]) for i in range(0, len(cards), COLS)]
        width = max(row.shape[2] for row in rows)
        sheet = torch.cat([sized(row, width=width) for row in rows], 1)
        hits = sum(guess == k for k, guess in zip(order, said))
        text = f"Acertaste {hits} de {len(order)}. Al azar se acierta 1." if graded else "Escoge las clases y califica."
        shown = caption(sheet, text)
        return min(png_bytes(shown), jpeg_bytes(shown, 88), key=len)    # el grano pesa menos en PNG; lo liso, en JPEG

    options = [("¿?", -1), *((name, k) for k, name in enumerate(classes))]
    controls = {f"n{place}": choice(f"{place}", options, -1) for place in range(1, len(order) + 1)}
    for control in controls.values():
        control.layout = {"width": "150px"}
    controls["graded"] = widgets.Checkbox(value=False, description="calificar", indent=False)
    demo = Demo(draw, controls)
    demo.order = order
    return demo

"""La prueba a ciegas de la lección 3: imágenes sin nombre y en desorden, para que digas de qué clase es cada una."""
from collections.abc import Sequence

import ipywidgets as widgets
import torch
from torch import Tensor

from labkit.images import beside, caption, enlarge, jpeg_bytes
from labkit.widgets.demo import Demo, choice, explorer

COLS, CARD = 6, 128  # cuántas por renglón; el lado de cada una, más o menos


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
        sheet = torch.cat([torch.nn.functional.pad(row, (0, width - row.shape[2]), value=1.0) for row in rows], 1)
        hits = sum(guess == k for k, guess in zip(order, said))
        text = f"Acertaste {hits} de {len(order)}. Al azar se acierta 1." if graded else "Escoge las clases y califica."
        return jpeg_bytes(caption(sheet, text), 70)

    options = [("¿?", -1), *((name, k) for k, name in enumerate(classes))]
    controls = {f"n{place}": choice(f"{place}", options, -1) for place in range(1, len(order) + 1)}
    for control in controls.values():
        control.layout = {"width": "150px"}
    controls["graded"] = widgets.Checkbox(value=False, description="calificar", indent=False)
    demo = explorer(draw, controls)
    demo.order = order
    return demo

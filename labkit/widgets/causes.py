"""El juego causal de la lección 4: de dos parches, ¿cuál baja más a la unidad si se tapa?

La verdad la da la oclusión de la lección 1, y se juega sin ayuda, con ejemplares o con una visualización. Fuente:
Zimmermann et al. (2021), «How Well do Feature Visualizations Support Causal Understanding of CNN Activations?»,
NeurIPS, arXiv:2106.12447: 68 ± 4 % con visualizaciones, 60 ± 3 % sin ayuda. Con un grupo de cuarenta esa diferencia
no se alcanza a ver: los resultados de varios grupos se juntan con `pool_answers`.
"""
import csv
from collections.abc import Iterable
from dataclasses import dataclass

import ipywidgets as widgets
import torch
from scipy import stats
from torch import Tensor, nn

from labkit.activations import Unit
from labkit.images import beside, caption, contact_sheet, draw_box, enlarge, png_bytes, sized, text_image
from labkit.objectives import channel, score
from labkit.occlusion import occluder_boxes, occlusion_scores
from labkit.widgets.demo import Demo, choice

HELPS = ("sin ayuda", "ejemplares", "visualización")
SCALE = 4                                   # cuánto se agranda la imagen
INKS = {"A": (0.8, 0.1, 0.1), "B": (0.1, 0.3, 0.8)}
SHOWN, POOL = 9, 10                         # ejemplares que se enseñan; se pregunta por la mejor décima parte


@dataclass(frozen=True, eq=False)
class CausalQuestions:
    """q preguntas sobre una unidad.

    unit: cuál;  images: (q, 3, h, w);  boxes: (q, 2, 4), los parches A y B, (y0, x0, y1, x1);  drops: (q, 2), cuánto
    baja la unidad al tapar cada uno con el color medio;  answers: (q,), 0 si A la baja más y 1 si B;  exemplars:
    (9, 3, h, w), las imágenes en que más responde, por las que no se pregunta.
    """
    unit: str
    images: Tensor
    boxes: Tensor
    drops: Tensor
    answers: Tensor
    exemplars: Tensor


def causal_questions(model: nn.Module, images: Tensor, unit: str | Unit, count: int = 10, size: int = 24,
                     stride: int = 8, seed: int = 0) -> CausalQuestions:
    """`count` preguntas: en cada imagen, el parche que más baja a la unidad y el que menos la cambia, sin encimarse.

    images: (n, 3, h, w), de donde se escogen imágenes en que la unidad responde.  ValueError si no alcanzan.
    """
    question = channel(unit)
    values = torch.cat([score(model, some, question) for some in images.split(64)])
    ranked = values.argsort(descending=True)
    pool = ranked[SHOWN:max(len(images) // POOL, SHOWN + count)]
    if len(pool) < count:
        raise ValueError(f"images: para {count} preguntas hacen falta al menos {SHOWN + count} imágenes, y recibí "
                         f"{len(images)}.")
    generator = torch.Generator().manual_seed(seed)
    chosen = pool[torch.randperm(len(pool), generator=generator)[:count]]
    swaps = torch.randint(0, 2, (count,), generator=generator)
    boxes = occluder_boxes(*images.shape[-2:], size, stride)
    pairs, drops = [], []
    for k, swap in zip(chosen.tolist(), swaps.tolist()):
        falls = values[k] - occlusion_scores(model, images[k], boxes, question, fill="mean")
        strong = int(falls.argmax())
        apart = ~overlapping(boxes, boxes[strong])
        weak = int(torch.where(apart, falls.abs(), torch.inf).argmin())
        order = [weak, strong] if swap else [strong, weak]
        pairs.append(boxes[order])
        drops.append(falls[order])
    drops = torch.stack(drops)
    return CausalQuestions(str(unit), images[chosen], torch.stack(pairs), drops, drops.argmax(1),
                           images[ranked[:SHOWN]])


def overlapping(boxes: Tensor, box: Tensor) -> Tensor:
    """Cuáles de los parches (n, 4) se enciman con `box` (4,): (n,)."""
    return (boxes[:, :2] < box[2:]).all(1) & (boxes[:, 2:] > box[:2]).all(1)


def explore_causes(questions: CausalQuestions, portrait: Tensor) -> Demo:
    """El juego: contestas las preguntas una por una, con la ayuda que te tocó, y al final calificas.

    portrait: (3, h, w), una imagen optimizada de la unidad.  Al calificar aparece el renglón que se junta con los de
    otros grupos: la ayuda, los aciertos y las preguntas.
    """
    count = len(questions.answers)

    def draw(trial: int, aid: str, graded: bool, **said: int) -> bytes:
        k = trial - 1
        cards = [_marked(questions.images[k].cpu(), questions.boxes[k])]
        if aid == HELPS[1]:
            cards.append(caption(contact_sheet(questions.exemplars.cpu(), 3), "en las que más responde", 12))
        if aid == HELPS[2]:
            cards.append(caption(enlarge(portrait.cpu(), max(1, 192 // portrait.shape[-1])), "hecha para ella", 12))
        hits = sum(said[f"n{i + 1}"] == answer for i, answer in enumerate(questions.answers.tolist()))
        fall = questions.drops[k].tolist()
        text = (f"Acertaste {hits} de {count}; al azar, {count / 2:g}. Tu renglón: {aid},{hits},{count}\n"
                f"Esta: tapar A la baja {fall[0]:.2f}; tapar B, {fall[1]:.2f}." if graded else
                f"Pregunta {trial} de {count}. Si se tapa, ¿cuál baja más a {questions.unit}? Contesta en la lista "
                f"{trial}.\n")
        return png_bytes(sized(caption(sized(beside(cards, 16), width=520), text), width=520, height=340))

    controls = {"trial": widgets.IntSlider(value=1, min=1, max=count, description="pregunta"),
                "aid": choice("ayuda", [(name, name) for name in HELPS], HELPS[0])}
    for place in range(1, count + 1):
        controls[f"n{place}"] = choice(f"{place}", [("¿?", -1), ("A", 0), ("B", 1)], -1)
        controls[f"n{place}"].layout = {"width": "120px"}
    controls["graded"] = widgets.Checkbox(value=False, description="calificar", indent=False)
    return Demo(draw, controls)


def _marked(image: Tensor, boxes: Tensor) -> Tensor:
    """La imagen agrandada, con los dos parches y la letra de cada uno en su esquina."""
    shown = image
    for box, ink in zip(boxes.tolist(), INKS.values()):
        shown = draw_box(shown, tuple(box), ink)
    shown = enlarge(shown, SCALE).clone()
    for (y, x, _, _), name in zip((boxes * SCALE).tolist(), INKS):
        letter = text_image(name, 20, 14)
        shown[:, y + SCALE:y + SCALE + letter.shape[1], x + SCALE:x + SCALE + 20] = letter
    return shown


def pool_answers(lines: Iterable[str]) -> dict[str, tuple[float, float, float, int]]:
    """Junta los renglones de un grupo, «ayuda,aciertos,preguntas»: ayuda → (parte, de, a, preguntas).

    lines: un archivo CSV abierto, o una lista de textos. El intervalo, de 95 %, es el exacto de una proporción
    (Clopper y Pearson, 1934).  ValueError si un renglón no se entiende, con su número.
    """
    totals: dict[str, list[int]] = {}
    for number, row in enumerate(csv.reader(lines), start=1):
        if not row:
            continue
        if len(row) != 3 or row[0].strip() not in HELPS or not all(cell.strip().isdigit() for cell in row[1:]) \
                or int(row[1]) > int(row[2]) or int(row[2]) == 0:
            raise ValueError(f"renglón {number}: esperaba ayuda,aciertos,preguntas (por ejemplo «ejemplares,7,10»), "
                             f"con una ayuda de {', '.join(HELPS)}, y recibí «{','.join(row)}».")
        counts = totals.setdefault(row[0].strip(), [0, 0])
        counts[0] += int(row[1])
        counts[1] += int(row[2])
    found = {}
    for name, (hits, asked) in totals.items():
        low, high = stats.binomtest(hits, asked).proportion_ci()
        found[name] = (hits / asked, float(low), float(high), asked)
    return found

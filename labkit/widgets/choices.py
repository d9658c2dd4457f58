"""El juego de la lección 4: con las referencias de una unidad, ¿cuál de dos imágenes la excita más?

Fuente: Borowski et al. (2021), «Exemplary Natural Images Explain CNN Activations Better than State-of-the-Art Feature
Visualization», ICLR, arXiv:2010.12606.
"""
from dataclasses import dataclass

import ipywidgets as widgets
import torch
from torch import Tensor
from torch.nn.functional import cosine_similarity

from labkit.images import beside, caption, contact_sheet, enlarge, jpeg_bytes, sized
from labkit.measures import check_responses
from labkit.widgets.demo import Demo, choice


@dataclass(frozen=True, eq=False)
class Trials:
    """t pruebas del juego: ¿cuál de dos imágenes excita más a una unidad?

    units: las t unidades, escritas como conv4:12;  references: (t, 9), las imágenes que más las excitan en una mitad
    del conjunto;  queries: (t, 2), de la otra mitad, la que más y la que menos, en orden al azar;  answers: (t,), dónde
    quedó la que más: 0, izquierda; 1, derecha.
    """
    units: list[str]
    references: Tensor
    queries: Tensor
    answers: Tensor

    def split(self, first: int) -> tuple["Trials", "Trials"]:
        """Las primeras `first` pruebas y las demás: dos juegos sin unidades en común."""
        parts = (slice(0, first), slice(first, None))
        return tuple(Trials(self.units[p], self.references[p], self.queries[p], self.answers[p]) for p in parts)


def choice_trials(values: Tensor, layer: str, count: int = 10, seed: int = 0) -> Trials:
    """Un juego de `count` pruebas con unidades al azar de una capa: values (n, c), lo que responde cada una.

    Las mudas no juegan.  Error: ValueError si no alcanzan las imágenes o las unidades.
    """
    check_responses(values)
    half = len(values) // 2
    alive = (values[half:].amax(0) > values[half:].amin(0)).nonzero()[:, 0]
    if len(values) < 20 or not 1 <= count <= len(alive):
        raise ValueError(f"count: con {len(values)} imágenes y {len(alive)} unidades que responden no salen {count} "
                         "pruebas.")
    generator = torch.Generator().manual_seed(seed)
    units = alive[torch.randperm(len(alive), generator=generator)[:count]]
    references = values[:half, units].topk(9, 0).indices.T
    asked = half + torch.stack([values[half:, units].argmax(0), values[half:, units].argmin(0)], 1)
    answers = torch.randint(0, 2, (count,), generator=generator)                            # 1: se voltean
    queries = torch.where(answers[:, None] == 1, asked.flip(1), asked)
    return Trials([f"{layer}:{k}" for k in units.tolist()], references, queries, answers)


def automatic_answers(trials: Trials, vectors: Tensor, portraits: Tensor | None = None) -> Tensor:
    """Lo que contesta a cada prueba quien no piensa: la imagen que más se parece a las referencias, (t,), 0 o 1.

    vectors: (n, d), uno por imagen, de una red que no sea la del juego;  portraits: (t, d), los de las imágenes
    optimizadas; sin ellos se compara con la media de las referencias.  El parecido es el coseno, después de restarle a
    todos la media de `vectors`: sin eso gana la imagen que está cerca de todas.  Idea: Zimmermann, Klindt y Brendel
    (2024), «Measuring Per-Unit Interpretability at Scale Without Humans», NeurIPS.
    """
    known = vectors[trials.references].mean(1) if portraits is None else portraits           # (t, d)
    if len(known) != len(trials.answers):
        raise ValueError(f"portraits: esperaba {len(trials.answers)} vectores, uno por prueba, y recibí {len(known)}.")
    middle = vectors.mean(0)
    return cosine_similarity(vectors[trials.queries] - middle, (known - middle)[:, None], dim=2).argmax(1)


def explore_choice(images: Tensor, trials: Trials, synthetic: Tensor | None = None) -> Demo:
    """El juego de Borowski et al. (2021): con unas referencias de una unidad, ¿cuál de dos imágenes la excita más?

    images: (n, 3, h, w);  trials: de `choice_trials`;  synthetic: (t, 3, h, w), una imagen optimizada por prueba; sin
    ella, las referencias son las naturales.  Contestas las pruebas una por una y al final calificas.
    """
    count = len(trials.units)

    def draw(trial: int, graded: bool, **said: int) -> bytes:
        k = trial - 1
        shown = enlarge(synthetic[k].cpu(), 3) if synthetic is not None else \
            contact_sheet(images[trials.references[k]].cpu(), 3)
        pair = [caption(enlarge(images[index].cpu(), 2), name, 12)
                for index, name in zip(trials.queries[k].tolist(), ("izquierda", "derecha"))]
        hits = sum(said[f"n{i + 1}"] == answer for i, answer in enumerate(trials.answers.tolist()))
        mark = {True: "✓", False: "✗"}[said[f"n{trial}"] == int(trials.answers[k])]
        text = f"Acertaste {hits} de {count}; al azar, {count / 2:g}. Esta: {mark}" if graded else \
            f"Prueba {trial} de {count}. ¿Cuál excita más a {trials.units[k]}? Contesta en la lista {trial}."
        sheet = beside([caption(shown, "referencias" if synthetic is None else "referencia", 12), *pair], 24)
        return jpeg_bytes(caption(sized(sheet, width=540), text), 70)

    controls = {"trial": widgets.IntSlider(value=1, min=1, max=count, description="prueba")}
    for place in range(1, count + 1):
        controls[f"n{place}"] = choice(f"{place}", [("¿?", -1), ("izquierda", 0), ("derecha", 1)], -1)
        controls[f"n{place}"].layout = {"width": "150px"}
    controls["graded"] = widgets.Checkbox(value=False, description="calificar", indent=False)
    return Demo(draw, controls)

"""Qué hay en una carpeta Broden: contar sus etiquetas y encontrar las imágenes de un concepto."""
import sys
from collections import Counter, defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from difflib import get_close_matches
from fractions import Fraction

import numpy as np

from labkit.broden.format import plain, readable
from labkit.broden.reading import Broden, Label
from labkit.progress import progress


class LabelCounts:
    """La cuenta por (categoría, número): `images`, en cuántas imágenes está; `coverage(…)`, cuánto cubre.

    overlaps: lo que de más suman los planos encimados, que otros cuentan una sola vez.
    """

    def __init__(self) -> None:
        self.images: Counter[tuple[str, int]] = Counter()
        self.overlaps: Counter[tuple[str, int]] = Counter()
        self._pixels: defaultdict[tuple[str, int], Counter[int]] = defaultdict(Counter)    # por tamaño de la máscara

    def coverage(self, category: str, number: int) -> Fraction:
        """En imágenes enteras, y exacta: así el orden de las imágenes no cambia ni el último dígito."""
        return sum((Fraction(count, size) for size, count in self._pixels[category, number].items()), Fraction())

    def add(self, category: str, items: Sequence[int | np.ndarray]) -> list[int]:
        """Suma lo que una imagen tiene en una categoría, y da los números que había; planos encimados se suman."""
        parts: dict[int, float] = {}                            # de cada número, el plano en que cubre más
        for item in items:
            counts = np.bincount(item.ravel()) if not isinstance(item, int) else {item: 1}
            numbers, size = [item] if isinstance(item, int) else np.flatnonzero(counts).tolist(), np.size(item)
            for number in filter(None, numbers):
                count = int(counts[number])
                self._pixels[category, number][size] += count
                if number in parts:
                    self.overlaps[category, number] += min(parts[number], count / size)
                parts[number] = max(parts.get(number, 0.0), count / size)
        self.images.update((category, number) for number in parts)
        return list(parts)


@dataclass(frozen=True)
class Stats:
    """Imágenes por parte y por tamaño (ih, iw, sh, sw), y, por categoría: etiquetas distintas, imágenes con alguna,
    incidencias (parejas de imagen y etiqueta) y qué fracción de los píxeles cubre (encimados, cuentan dos veces)."""
    splits: dict[str, int]
    sizes: dict[tuple[int, ...], int]
    labels: dict[str, int]
    images: dict[str, int]
    incidences: dict[str, int]
    coverage: dict[str, float]


def stats(broden: Broden) -> Stats:
    """Cuántas imágenes, etiquetas y píxeles hay en la carpeta, contados en sus máscaras."""
    tally, splits, sizes, images = LabelCounts(), Counter(), Counter(), Counter(dict.fromkeys(broden.category_names, 0))
    for i, record in enumerate(broden):
        splits[record.split] += 1
        sizes[record.size + record.mask_size] += 1
        for category, items in broden.contents(i).items():
            images[category] += bool(tally.add(category, items))
    labels, incidences, coverage = (dict.fromkeys(images, 0) for _ in range(3))
    for (category, number), count in tally.images.items():
        labels[category] += 1
        incidences[category] += count
        coverage[category] += float(tally.coverage(category, number) / len(broden))
    return Stats(dict(splits), dict(sizes), labels, dict(images), incidences, coverage)


def find(broden: Broden, concept: str | int, category: str | None = None) -> list[tuple[str, str, float]]:
    """Las imágenes que tienen un concepto, primero donde más ocupa: (imagen, parte, fracción de sus píxeles).

    concept: su nombre o un sinónimo, con o sin sufijo y sin importar mayúsculas ni acentos, o su número.  ValueError,
    con lo parecido.
    """
    wanted = [label.number for label in labels_called(broden, concept)]
    if category not in (None, *broden.category_names):
        raise ValueError(f"No hay una categoría «{category}»; hay: {', '.join(broden.category_names)}.")
    return sorted(_found(broden, wanted, [category] if category else broden.category_names), key=lambda one: -one[2])


def labels_called(broden: Broden, concept: str | int) -> list[Label]:
    """Las etiquetas que se llaman así, tengan ese número o lo traigan de sinónimo. ValueError, con lo parecido."""
    word = plain(str(concept))
    names = {number: _names_of(label) for number, label in broden.labels.items()}
    found = [broden.labels[number] for number, known in names.items() if word in (str(number), *known)]
    if not found:
        close = get_close_matches(word, sorted({name for known in names.values() for name in known}))
        raise ValueError(f"No hay un concepto «{concept}»."
                         + (f" ¿Quisiste decir {' o '.join(f'«{name}»' for name in close)}?" if close else ""))
    return found


def _names_of(label: Label) -> set[str]:
    """Todas las maneras de escribir una etiqueta: su nombre, con sufijo y sin él, y sus sinónimos."""
    return {plain(form) for name in (label.name, *label.syns) for form in (name, readable(name))}


def _found(broden: Broden, wanted: list[int], categories: list[str]) -> Iterator[tuple[str, str, float]]:
    with progress("Buscando", len(broden), hidden=not sys.stdout.isatty()) as bar:
        for i, record in enumerate(broden):
            items = [item for stack in broden.contents(i, categories).values() for item in stack]
            part = np.any([np.isin(np.broadcast_to(item, record.mask_size), wanted) for item in items], 0).mean()
            if part:
                yield record.image, record.split, float(part)
            bar.update(1)

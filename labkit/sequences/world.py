"""Un texto como conjunto con conceptos (`labkit.worlds.ConceptWorld`): se diseca con el código de la lección 5."""
from collections.abc import Sequence

import torch
from torch import Tensor

from labkit.regions import Regions, regions_of_masks
from labkit.sequences.alphabet import UNKNOWN, encode
from labkit.sequences.masks import CONCEPTS, Concept
from labkit.sequences.texts import Texts, load_texts

LENGTH = 400                                # signos por ventana
# qué parte de los signos enciende una celda; con el 0.005 de la lección 5, un concepto que cubre el 18 % de los signos,
# como «dentro de paréntesis», no pasa de un IoU de .03 (`labkit.dissection.iou_ceiling`)
SHARE = 0.1


class TextWorld:
    """Ventanas de un texto, todas del mismo largo, con la máscara de cada concepto.

    Cada ventana empieza al principio de un renglón en que no hay nada abierto: la red la lee desde cero y sabe lo mismo
    que la máscara. Las máscaras se calculan con el texto entero. De cada texto sobra lo que no llena otra ventana.

    codes: (n, T), lo que lee la red;  masks: (n, k, T);  owners: (n,), de cuál texto es cada ventana;  starts: (n,), en
    qué signo de su texto empieza;  names, categories: (k,).
    """

    def __init__(self, texts: Texts | Sequence[str], length: int = LENGTH, concepts: Sequence[Concept] = CONCEPTS,
                 most: int | None = None) -> None:
        _check_request(texts, length, most)
        texts = texts if isinstance(texts, Texts) else Texts([f"texto {i + 1}" for i in range(len(texts))], texts)
        self.concepts, self.texts = tuple(concepts), texts
        self.names, self.categories = [each.name for each in concepts], [each.category for each in concepts]
        codes, masks, places = [], [], []
        for owner, text in enumerate(texts.texts):
            whole, marks = encode(text, UNKNOWN), torch.stack([mask_tensor(each, text) for each in concepts])
            for start in window_starts(text, length):
                codes.append(whole[start:start + length])
                masks.append(marks[:, start:start + length])
                places.append((owner, start))
        if not codes:
            longest = max(map(len, texts.texts), default=0)
            tip = f"Prueba length={longest // 2}." if longest > 3 else "Trae un texto más largo."
            raise ValueError(f"texts: ningún texto llena una ventana de {length} signos; el más largo tiene {longest}. "
                             f"{tip}")
        chosen = spread(len(codes), most)
        self.codes, self.masks = torch.stack(codes)[chosen], torch.stack(masks)[chosen]
        self.owners, self.starts = torch.tensor(places)[chosen].unbind(1)

    def __len__(self) -> int:
        return len(self.codes)

    def pictures(self, rows: Tensor) -> Tensor:
        """Los códigos de las ventanas pedidas, (b, T)."""
        return self.codes[rows]

    def regions(self, rows: Tensor) -> Regions:
        """Sus regiones: los signos que están en los mismos conceptos. Un texto mide 1 × T."""
        return regions_of_masks(self.masks[rows][:, :, None])

    def text(self, row: int) -> str:
        """El texto de una ventana, como está en su archivo."""
        start, length = int(self.starts[row]), self.codes.shape[1]
        return self.texts.texts[int(self.owners[row])][start:start + length]

    def frequency(self) -> Tensor:
        """Qué parte de los signos cubre cada concepto, (k,)."""
        return self.masks.float().mean((0, 2))


def _check_request(texts: Texts | Sequence[str], length: int, most: int | None) -> None:
    """Nada, si se pueden cortar ventanas así; si no, TypeError o ValueError."""
    if isinstance(texts, str):
        raise TypeError("texts: recibí un solo texto; ponlo en una lista: TextWorld([texto]).")
    if length < 2:
        raise ValueError(f"length: esperaba al menos 2 signos por ventana y recibí {length}.")
    if most is not None and most < 1:
        raise ValueError(f"most: esperaba al menos una ventana y recibí {most}.")


def text_world(source: str = "python", split: str = "test", length: int = LENGTH, most: int | None = None) -> TextWorld:
    """El mundo de una parte de los textos del curso: text_world("python", "test").  most: a lo más, esas ventanas."""
    return TextWorld(load_texts(source, split), length, most=most)


def mask_tensor(concept: Concept, text: str) -> Tensor:
    """La máscara de un concepto en un texto, (T,)."""
    return torch.frombuffer(bytearray(concept.mask(text)), dtype=torch.bool)


def window_starts(text: str, length: int) -> list[int]:
    """Dónde empieza cada ventana: en un renglón sin nada abierto, y sin encimarse con la de antes."""
    groups = (CONCEPTS[k].mask(text) for k in range(4))                     # las agrupaciones
    free = [not any(marks) for marks in zip(*groups)]
    starts, place = [], 0
    while place + length <= len(text):
        if place == 0 or text[place - 1] == "\n" and free[place - 1]:
            starts.append(place)
            place += length
        else:
            place += 1
    return starts


def spread(count: int, most: int | None) -> Tensor:
    """A lo más `most` de `count` lugares, repartidos por igual."""
    if most is None or most >= count:
        return torch.arange(count)
    return torch.linspace(0, count - 1, most).round().long()

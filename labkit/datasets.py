"""Las imágenes del curso y lo que se sabe de cada píxel de ellas.

Cada conjunto (*source*) es una carpeta de data/: mosaicos JPEG, un mapa de segmentos por imagen y una tabla que dice
qué es cada segmento. Con eso se arman las seis categorías de conceptos de Broden. Fuente: Bau et al. (2017), «Network
Dissection», CVPR, §2.1, doi:10.1109/CVPR.2017.354.
"""
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from io import BytesIO

import numpy as np
import torch
from torch import Tensor

from labkit.colors import COLOR_NAMES, color_index
from labkit.downloads.cifar10 import CLASSES, SIZES, read_cifar10
from labkit.files import read_data
from labkit.packed import read_images, read_info, segments_listed
from labkit.regions import Regions, stack_regions
from labkit.shapes import rows_at, whole

CATEGORIES = ("scene", "object", "part", "material", "texture", "color")


@dataclass(frozen=True)
class Protagonist:
    """La imagen (su posición en la parte "test" de «escenas»), la clase y la unidad que siguen las lecciones 1 a 5."""
    index: int
    class_name: str
    unit: str


PROTAGONIST = Protagonist(index=678, class_name="cebra", unit="conv4:2")


@dataclass(frozen=True, eq=False)
class ImageSet:
    """Imágenes con su clase y su lugar; `set[i]` da la pareja (imagen, clase).

    images: (n, 3, h, w) RGB en [0, 1];  labels: (n,) posiciones en `classes`;  scenes: (n,) en `scene_names`, que queda
    vacía si del conjunto no se sabe el lugar.
    """
    images: Tensor
    labels: Tensor
    classes: list[str]
    scenes: Tensor
    scene_names: list[str]

    def __len__(self) -> int:
        return len(self.images)

    def __getitem__(self, index: int) -> tuple[Tensor, int]:
        return self.images[index], int(self.labels[index])


@dataclass(frozen=True, eq=False)
class ConceptSet(ImageSet):
    """Imágenes con un nombre para cada píxel en seis categorías; las máscaras se arman sólo para las que pidas.

    names, categories: los k conceptos y la categoría de cada uno;  segments: (n, h, w) qué segmento es cada píxel;
    members: (k', s) qué segmentos forman cada concepto de objeto, parte, material o textura.
    """
    names: list[str]
    categories: list[str]
    segments: Tensor
    members: Tensor

    def masks(self, index: int | slice | Sequence[int] | Tensor) -> Tensor:
        """Dónde está cada concepto en las imágenes pedidas: (b, k, h, w) de verdaderos y falsos."""
        rows = self._rows(index)
        maps = self.segments[rows].long()                                                       # (b, h, w)
        scenes = self.scenes[rows, None] == torch.arange(len(self.scene_names))
        colors = color_index(self.images[rows])[:, None] == torch.arange(len(COLOR_NAMES))[:, None, None]
        masks = torch.empty(len(rows), len(self.names), *maps.shape[1:], dtype=torch.bool)
        by_scene, by_segment, by_color = masks.split([scenes.shape[1], len(self.members), len(COLOR_NAMES)], 1)
        by_scene.copy_(scenes[:, :, None, None])                # un lugar es un concepto de la imagen entera
        for mask, segments in zip(by_segment, maps):
            mask.copy_(self.members[:, segments])
        by_color.copy_(colors)
        return masks

    def object_masks(self, index: int | slice | Sequence[int] | Tensor) -> Tensor:
        """Los píxeles de la cosa que da la clase, en las imágenes pedidas: (b, h, w) de verdaderos y falsos."""
        rows = self._rows(index)
        concepts = list(zip(self.categories, self.names))
        first = len(self.scene_names)                           # los conceptos de lugar no están en `members`
        things = [("object", self.classes[label]) for label in self.labels[rows]]
        if missing := set(things) - set(concepts):
            raise ValueError(f"classes: no hay un objeto con el nombre de la clase «{sorted(missing)[0][1]}».")
        wanted = torch.tensor([concepts.index(thing) - first for thing in things], dtype=torch.int64)
        return self.members[wanted[:, None, None], self.segments[rows].long()]

    def batches(self, size: int = 64) -> Iterator[tuple[Tensor, Tensor]]:
        """Todo el conjunto por lotes: parejas de imágenes (b, 3, h, w) y máscaras (b, k, h, w)."""
        for rows in torch.arange(len(self)).split(size):
            yield self.images[rows], self.masks(rows)

    def pictures(self, rows: Tensor) -> Tensor:
        """Las imágenes pedidas, (b, 3, h, w)."""
        return self.images[rows]

    def regions(self, index: int | slice | Sequence[int] | Tensor) -> Regions:
        """Las regiones de esas imágenes: los píxeles de un mismo segmento y color están en los mismos conceptos."""
        rows, found, tints = self._rows(index), [], len(COLOR_NAMES)
        first, last = len(self.scene_names), len(self.names) - tints    # primero van los lugares; al final, los colores
        scenes = torch.where((self.scenes >= 0) & (self.scenes < first), self.scenes, -1)
        things = segments_listed(self.members)
        things = torch.where(things < 0, things, first + things)                                # (s, q)
        for row, colors in zip(rows.tolist(), color_index(self.images[rows])):
            pixels = self.segments[row].long() * tints + colors
            kinds = torch.bincount(pixels.flatten()).nonzero()[:, 0]                            # (r,)
            numbers = torch.empty(int(kinds[-1]) + 1, dtype=torch.int64)
            numbers[kinds] = torch.arange(len(kinds))
            scene, color = scenes[row].expand(len(kinds)), last + kinds % tints
            concepts = torch.cat([scene[:, None], color[:, None], things[kinds // tints]], 1)
            found.append((concepts, numbers[pixels]))
        return stack_regions(found)

    def _rows(self, index: int | slice | Sequence[int] | Tensor) -> Tensor:
        """Las posiciones pedidas, (b,), vengan como vengan."""
        return rows_at(index, len(self))


def load_images(split: str = "test", source: str = "escenas", n: int | None = None, download: bool = False) -> ImageSet:
    """Las imágenes de un conjunto con su clase y su lugar; con `n`, sólo las primeras n (ya vienen barajadas).

    split: "train" o "test";  source: la carpeta dentro de data/, o "cifar10" (fotografías: `cifar10.read_cifar10` dice
    de dónde se leen; con download=True se bajan si faltan).  Errores: parte, conjunto o n que no hay (dicen lo que sí
    hay); archivo que falta o está dañado; descarga que no se pudo hacer.
    """
    if isinstance(source, str) and source == "cifar10":
        images, labels = read_cifar10(split, _count(split, source, n, SIZES), download)
        return ImageSet(images.float().div_(255), labels, list(CLASSES), torch.zeros_like(labels), [])
    info = read_info(source)
    n = _count(split, source, n, info["splits"])
    with np.load(BytesIO(read_data(source, f"{split}.npz")), allow_pickle=False) as arrays:
        labels, scenes = (torch.from_numpy(arrays[key][:n].astype(np.int64)) for key in ("classes", "scenes"))
    return ImageSet(read_images(split, source, n, info["size"]), labels, info["classes"], scenes, info["scenes"])


def load_concepts(split: str = "test", source: str = "escenas", n: int | None = None) -> ConceptSet:
    """Las mismas imágenes con sus conceptos, píxel por píxel: lo que pide la disección. Como `load_images`."""
    if isinstance(source, str) and source == "cifar10":
        raise ValueError("source: «cifar10» no trae conceptos, sólo la clase de cada fotografía. Prueba «escenas», o "
                         "una carpeta Broden con labkit.broden.read_broden.")
    plain = load_images(split, source, n)
    with np.load(BytesIO(read_data(source, f"{split}.npz")), allow_pickle=False) as arrays:
        segments = arrays["segments"][:len(plain)]
    segments = torch.from_numpy(segments if segments.dtype == np.uint8 else segments.astype(np.int16))
    concepts, members = _concepts(read_info(source))
    return ConceptSet(**vars(plain), names=[name for _, name in concepts],
                      categories=[category for category, _ in concepts], segments=segments, members=members)


def _count(split: str, source: str, n: int | None, sizes: dict[str, int]) -> int:
    """Cuántas imágenes leer; ValueError, con lo que sí hay, si la parte o la cantidad no existen."""
    if not isinstance(split, str) or split not in sizes:
        raise ValueError(f"split: «{source}» no tiene una parte «{split!s:.60}»; tiene: {', '.join(sizes)}.")
    total = sizes[split]
    return total if n is None else whole(n, "n", 1, total, f", las imágenes de «{source}/{split}»,")


def _concepts(info: dict) -> tuple[list[tuple[str, str]], Tensor]:
    """Los conceptos, como (categoría, nombre), y qué segmentos forman los que salen de la tabla, (k', s).

    El mismo nombre en dos categorías son dos conceptos: el ladrillo como material y como textura.
    """
    table = info["segments"]
    named = [(category, column, name) for column, category in enumerate(CATEGORIES[1:5])
             for name in dict.fromkeys(row[column] for row in table) if name]
    members = torch.tensor([[row[column] == name for row in table] for _, column, name in named])
    concepts = [("scene", name) for name in info["scenes"]] + [(category, name) for category, _, name in named]
    return concepts + [("color", name) for name in COLOR_NAMES], members

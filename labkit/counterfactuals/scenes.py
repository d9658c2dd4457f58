"""Las parejas de la lección 1b: escenas y, de cada una, la misma sin algo, como vienen en data/contrafactuales."""
import json
from io import BytesIO
from typing import NamedTuple

import numpy as np
import torch
from torch import Tensor

from labkit.files import read_data


class Counterfactuals(NamedTuple):
    """Escenas y, de cada una, la misma sin algo: lo que hace data/build/make_counterfactuals.py.

    images: (n, 3, h, w) RGB en [0, 1];  labels: (n,) posiciones en `classes`;  scene: (v,) de qué imagen es cada
    variante;  removed: qué le falta («objeto», «rueda» o «rueda + puerta»), v nombres;  variants: (v, 3, h, w);
    masks: (v, h, w) dónde se veía lo que falta;  why: (v, h, w) por qué cambió cada píxel, una suma de 1 (se ve otra
    cosa), 2 (le da otra luz) y 4 (refleja otra cosa); 0 donde no cambió.
    """
    images: Tensor
    labels: Tensor
    classes: list[str]
    scene: Tensor
    removed: list[str]
    variants: Tensor
    masks: Tensor
    why: Tensor


def load_counterfactuals() -> Counterfactuals:
    """Las parejas de la lección 1b, sin pérdida.  Errores: los de `labkit.files.verify_file`."""
    with np.load(BytesIO(read_data("contrafactuales", "pares.npz")), allow_pickle=False) as file:
        arrays = dict(file)
    for colors in (arrays["images"], arrays["shifts"]):
        colors[..., ::2] += colors[..., 1:2]                    # rojo y azul vienen restados del verde
    images, scene = arrays["images"].cumsum(2, dtype=np.uint8), arrays["scene"].astype(np.int64)    # (n, h, w, 3)
    masks, changed = (np.unpackbits(arrays[name], axis=1).reshape(-1, *images.shape[1:3]).astype(bool)
                      for name in ("masks", "changed"))
    variants, why = images[scene], np.zeros_like(changed, np.uint8)
    variants[changed] += arrays["shifts"]
    why[changed] = arrays["why"]
    photos, others = (torch.from_numpy(pixels).permute(0, 3, 1, 2).contiguous().float().div_(255)
                      for pixels in (images, variants))
    labels = arrays["labels"].astype(np.int64)
    classes = json.loads(read_data("contrafactuales", "ficha.json"))["classes"]
    return Counterfactuals(photos, torch.from_numpy(labels), classes, torch.from_numpy(scene),
                           arrays["removed"].tolist(), others, torch.from_numpy(masks), torch.from_numpy(why))

"""La demostración de la lección 1b: la escena, la misma sin una parte de verdad, y la misma con esa parte tapada."""
from collections.abc import Sequence
from functools import lru_cache

import torch
from torch import Tensor, nn

from labkit.anynet import logits_of
from labkit.counterfactuals import FILLS, Denoiser, answers, inpaint
from labkit.counterfactuals.scenes import Counterfactuals
from labkit.images import bars, beside, draw_outline, enlarge, png_bytes, text_image
from labkit.occlusion import cover_mask
from labkit.widgets.demo import Demo, choice

SCALE, LETTER = 4, 13       # cuánto se agranda cada imagen, y el tamaño de la letra


def explore_counterfactuals(model: nn.Module, data: Counterfactuals, scenes: Sequence[int],
                            denoiser: Denoiser) -> Demo:
    """La foto, la foto sin lo que escojas y la foto con eso tapado; debajo de cada una, lo que contesta la red.

    scenes: cuáles se ofrecen, posiciones en `data.images`;  denoiser: la red del relleno «limpiador».
    """
    @lru_cache(maxsize=256)
    def column(variant: int, fill: str) -> Tensor:
        return _column(model, data, variant, fill, denoiser)

    def draw(scene: int, removed: int, fill: str) -> bytes:
        variant = _variants(data, scenes[scene])[removed]
        return png_bytes(beside([column(variant, what) for what in ("nada", "de verdad", fill)], 12))

    names = [f"{i + 1} · {data.classes[data.labels[k]]}" for i, k in enumerate(scenes)]
    scene = choice("escena", [(name, i) for i, name in enumerate(names)], 0)
    removed = choice("se quita", _options(data, scenes[0]), 0)
    fill = choice("relleno", [(name, name) for name in (*FILLS, "limpiador")], "negro")

    def offer(change: dict) -> None:
        removed.options = _options(data, scenes[change["new"]])
        removed.value = 0

    scene.observe(offer, "value")
    return Demo(draw, {"scene": scene, "removed": removed, "fill": fill})


def _variants(data: Counterfactuals, scene: int) -> list[int]:
    return (data.scene == scene).nonzero().flatten().tolist()


def _options(data: Counterfactuals, scene: int) -> list[tuple[str, int]]:
    return [(data.removed[v], i) for i, v in enumerate(_variants(data, scene))]


def _column(model: nn.Module, data: Counterfactuals, variant: int, fill: str, denoiser: Denoiser) -> Tensor:
    """Una foto, su margen y sus barras. fill: con qué se tapa; «nada», sin tapar; «de verdad», sin lo que se quita."""
    k, mask, label = int(data.scene[variant]), data.masks[variant], data.labels[data.scene[variant]]
    shown = _shown(data.images[k], data.variants[variant], mask, fill, denoiser)
    with torch.no_grad():
        chances = logits_of(model, shown[None]).softmax(1)[0]
    margin = answers(model, shown[None], label[None]).margin.item()
    picture = enlarge(shown, SCALE)
    if fill == "nada":
        picture = draw_outline(picture, enlarge(mask, SCALE))
    title = {"nada": "la foto", "de verdad": f"sin {data.removed[variant]}"}.get(fill, f"tapada: {fill}")
    words = text_image(f"{title}\nmargen {margin:+.1f}".replace("-", "−"), picture.shape[2], LETTER)
    return torch.cat([picture, words, bars(data.classes, chances, mark=int(label), width=picture.shape[2], row=17)], 1)


def _shown(image: Tensor, bare: Tensor, mask: Tensor, fill: str, denoiser: Denoiser) -> Tensor:
    if fill == "limpiador":
        return inpaint(image[None], mask[None], denoiser)[0]
    return {"nada": image, "de verdad": bare}[fill] if fill not in FILLS else cover_mask(image, mask, FILLS[fill])

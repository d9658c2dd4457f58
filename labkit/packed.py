"""Cómo vienen guardadas las imágenes en data/: mosaicos JPEG, y una tabla que dice qué es cada segmento.

Las escribe data/build/packing.py y las lee `labkit.datasets`; nadie más necesita saber cómo están empacadas.
"""
import json
from io import BytesIO

import numpy as np
import torch
from PIL import Image
from torch import Tensor

from labkit.files import data_path, read_data
from labkit.shapes import as_mask

COLUMNS, SHARD = 25, 1000                   # columnas de un mosaico; imágenes por mosaico


def read_info(source: str) -> dict:
    """El info.json de un conjunto que viene con el curso; ValueError, con los que sí hay, si no existe."""
    sources = sorted(path.parent.name for path in data_path().glob("*/info.json"))
    if not isinstance(source, str) or (sources and source not in sources):
        raise ValueError(f"source: no hay un conjunto «{source}»; los que hay: {', '.join([*sources, 'cifar10'])}.")
    return json.loads(read_data(source, "info.json"))


def read_images(split: str, source: str, n: int, size: int) -> Tensor:
    """Las primeras n imágenes, (n, 3, size, size) en [0, 1], leyendo sólo los mosaicos que hacen falta."""
    images = torch.empty(n, 3, size, size)
    for shard, part in enumerate(images.split(SHARD)):
        part.copy_(_tiles(read_data(source, f"{split}_{shard:02d}.jpg"), size)[:len(part)])
    return images.div_(255)


def segments_listed(members: Tensor) -> Tensor:
    """Los conceptos de cada segmento, (s, q), con −1 donde ya no hay más; members: (k, s) de verdaderos y falsos."""
    members = as_mask(members, "k s", "members")
    order = torch.arange(len(members))[:, None].where(members, -1).sort(0, descending=True).values
    return order[:max(1, int(members.sum(0).max()))].T.contiguous()


def _tiles(jpeg: bytes, size: int) -> Tensor:
    """Un mosaico cortado en sus imágenes, por renglones: bytes JPEG → (25·renglones, 3, size, size) de 0 a 255."""
    mosaic = torch.from_numpy(np.array(Image.open(BytesIO(jpeg)).convert("RGB")))               # (H, W, 3)
    grid = mosaic.reshape(-1, size, COLUMNS, size, 3)
    return grid.permute(0, 2, 4, 1, 3).reshape(-1, 3, size, size)

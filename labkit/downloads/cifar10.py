"""CIFAR-10: 60,000 fotografías de 32 × 32 en diez clases, leídas con torchvision y descargadas sólo cuando lo pides.

Fuente: Krizhevsky (2009), «Learning multiple layers of features from tiny images», Universidad de Toronto,
cs.toronto.edu/~kriz/learning-features-2009-TR.pdf.
"""
import shutil
import tarfile
from io import BytesIO
from pathlib import Path
from tempfile import TemporaryDirectory
from zipfile import BadZipFile, ZipFile

import numpy as np
import torch
from PIL import Image
from torch import Tensor

from labkit.downloads import cache_path, fetch_file, import_torchvision, real_data, same_sum, tilde
from labkit.files import sweep

FOLDERS = ("airplane", "automobile", "bird", "cat", "deer", "dog", "frog", "horse", "ship", "truck")
CLASSES = ("avión", "automóvil", "pájaro", "gato", "venado", "perro", "rana", "caballo", "barco", "camión")
SIZES = {"train": 50_000, "test": 10_000}


def read_cifar10(split: str, n: int, download: bool = False) -> tuple[Tensor, Tensor]:
    """Las primeras n fotografías de una parte, en su orden oficial: (n, 3, 32, 32) de 0 a 255, y sus clases, (n,).

    Se leen de la carpeta LABKIT_REAL_DATA si trae la copia en JPEG; si no, de la caché (`cache_path`).
    FileNotFoundError si no están y no pides bajarlas; RuntimeError si la descarga falla.
    """
    archive, order = real_data("cifar10_jpeg.zip"), real_data("cifar10_official_labels.npz")
    if archive and order:
        return _from_jpeg(archive, order, split, n)
    images, labels = _opened(split, download)
    return torch.from_numpy(images[:n]).permute(0, 3, 1, 2), torch.tensor(labels[:n])


def _opened(split: str, download: bool) -> tuple[np.ndarray, list[int]]:
    """Imágenes (n, 32, 32, 3) y clases de torchvision.datasets.CIFAR10, que comprueba el MD5 de cada archivo."""
    CIFAR10, root = import_torchvision().datasets.CIFAR10, cache_path("cifar10")
    archive = root / CIFAR10.filename
    try:
        data = CIFAR10(root, train=split == "train")
    except (RuntimeError, OSError) as error:  # no está, o el MD5 de un archivo no es el publicado
        if download:
            fetch_file(CIFAR10.url, archive, CIFAR10.tgz_md5)
        elif not (archive.is_file() and same_sum(archive, CIFAR10.tgz_md5)):
            raise FileNotFoundError(f"CIFAR-10 no está en {tilde(root)}, o está dañado. Se baja una vez (170 MB) con "
                                    'load_images(source="cifar10", download=True) o, en una terminal, con '
                                    "python -m labkit fetch cifar10.") from error
        _unpack(archive, root / CIFAR10.base_folder)
        data = CIFAR10(root, train=split == "train")
    return data.data, data.targets


def _unpack(archive: Path, folder: Path) -> None:
    """Deja en `folder` los archivos del paquete; la carpeta recibe su nombre cuando ya están todos."""
    sweep(folder)
    with TemporaryDirectory(".parcial", f"{folder.name}.", folder.parent) as partial:
        with tarfile.open(archive) as package:
            package.extractall(partial, filter="data")
        shutil.rmtree(folder, ignore_errors=True)
        Path(partial, folder.name).replace(folder)


def _from_jpeg(archive: Path, order: Path, split: str, n: int) -> tuple[Tensor, Tensor]:
    """Lo mismo, de la copia en JPEG: la k-ésima de cada clase en el zip es la k-ésima de esa clase en `order`."""
    labels = np.load(order, allow_pickle=False)[f"y_{split}"][:n].astype(np.int64)
    images = torch.empty(n, 3, 32, 32, dtype=torch.uint8)
    seen = [0] * len(FOLDERS)
    try:
        with ZipFile(archive) as package:
            for image, label in zip(images, labels):
                content = package.read(f"{split}/{FOLDERS[label]}/{seen[label]:04d}.jpg")
                image.copy_(torch.from_numpy(np.array(Image.open(BytesIO(content)).convert("RGB"))).permute(2, 0, 1))
                seen[label] += 1
    except (BadZipFile, KeyError, OSError) as error:
        raise RuntimeError(f"{archive} está dañado o incompleto: vuelve a copiarlo.") from error
    return images, torch.from_numpy(labels)

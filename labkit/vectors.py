"""Los vectores que una capa da a un conjunto de imágenes, sus vecinos y qué tan separables son sus clases."""
from collections.abc import Iterable, Sequence
from pathlib import Path

import torch
from sklearn.linear_model import LogisticRegression
from threadpoolctl import threadpool_limits
from torch import Tensor, nn

from labkit.activations import run
from labkit.device import device_of
from labkit.kept import fingerprint, keep, read_kept
from labkit.progress import progress
from labkit.shapes import check_shape

POOLS = ("mean", "max", "flat")

Batches = Tensor | Iterable[Tensor | tuple[Tensor, ...] | list[Tensor]]


def features(model: nn.Module, images: Batches, layer: str, pool: str = "mean", batch_size: int = 32,
             cache: str | Path | None = None) -> Tensor:
    """Un vector por imagen: lo que da la capa, (n, d), en la CPU.

    images: (n, 3, h, w), o algo que dé lotes, como un DataLoader (de una pareja se toma lo primero). Se recorren una
    vez y nunca están todas en la red.  pool: de cada mapa, su media ("mean"), su máximo ("max") o todo ("flat"); una
    capa densa queda igual.  cache: un archivo donde guardarlos; si ya está y es de esta red, estas imágenes, esta capa
    y este `pool`, se lee; si no, se hace de nuevo. Solo sirve con imágenes en un tensor. Si no se pudo guardar (disco
    lleno, carpeta ajena), lo dice y los devuelve.
    """
    if cache is not None and not isinstance(images, Tensor):
        raise ValueError("cache: solo se puede guardar si images es un tensor; con un DataLoader no se sabe si cambió.")
    if cache is None:
        return features_by_layer(model, images, [layer], pool, batch_size)[layer]
    path, mark = Path(cache), fingerprint(model, images, f"{layer} {pool}")
    kept = read_kept(path, mark)
    if kept is None:
        kept = features_by_layer(model, images, [layer], pool, batch_size)[layer]
        keep(path, mark, kept)
    return kept


def features_by_layer(model: nn.Module, images: Batches, layers: Sequence[str], pool: str = "mean",
                      batch_size: int = 32) -> dict[str, Tensor]:
    """Lo mismo para varias capas y con una sola pasada: capa → (n, d). Una barra cuenta las imágenes si tarda."""
    if pool not in POOLS:
        raise ValueError(f"pool: esperaba {', '.join(POOLS)} y recibí {pool!r}.")
    if batch_size < 1:
        raise ValueError(f"batch_size: esperaba al menos 1 y recibí {batch_size}.")
    if isinstance(images, Tensor):
        check_shape(images, "n 3 h w", "images")
    layers = [layers] if isinstance(layers, str) else list(layers)
    total = len(images) if isinstance(images, Tensor) else None
    batches = images.split(batch_size) if isinstance(images, Tensor) else images
    device, parts = device_of(model), {name: [] for name in layers}
    with torch.no_grad(), progress("Mirando", total) as bar:
        for batch in batches:
            batch = batch[0] if isinstance(batch, (tuple, list)) else batch
            acts = run(model, batch.to(device).contiguous(memory_format=torch.channels_last), layers)
            for name in layers:
                parts[name].append(_pooled(acts[name], pool).cpu())
            bar.update(len(batch))
    if not any(len(part) for found in parts.values() for part in found):
        raise ValueError("images: no había ninguna imagen.")
    return {name: torch.cat(part) for name, part in parts.items()}


def neighbours(vectors: Tensor, k: int = 8, of: Tensor | None = None) -> Tensor:
    """Los k vectores (n, d) más cercanos a cada uno, sin contarlo, del más cercano al más lejano: (n, k).

    of: solo los de estas posiciones, (b,); entonces da (b, k). Distancia euclidiana; no junta las n × n distancias.
    """
    check_vectors(vectors)
    if of is not None and (of.ndim != 1 or len(of) and not 0 <= of.min() <= of.max() < len(vectors)):
        raise ValueError(f"of: esperaba posiciones de 0 a {len(vectors) - 1}, (b,), y recibí {tuple(of.shape)}.")
    if not 1 <= k < len(vectors):
        raise ValueError(f"k: con {len(vectors)} vectores esperaba de 1 a {len(vectors) - 1} y recibí {k}.")
    rows = torch.arange(len(vectors), device=vectors.device) if of is None else of.to(vectors.device)
    found = []
    for part in rows.split(1000):
        far = torch.cdist(vectors[part], vectors)
        far[torch.arange(len(part)), part] = torch.inf
        found.append(far.topk(k, largest=False).indices)
    return torch.cat(found)


def principal_axes(vectors: Tensor) -> tuple[Tensor, Tensor, Tensor]:
    """Los componentes principales de unos vectores (n, d): su media (d,), los ejes (r, d), del que más varía al que
    menos, y la desviación a lo largo de cada uno, (r,); r es el menor de n y d.
    """
    check_vectors(vectors)
    middle = vectors.mean(0)
    _, sizes, axes = torch.linalg.svd(vectors - middle, full_matrices=False)
    return middle, axes, sizes / max(len(vectors) - 1, 1) ** 0.5


def linear_probe(train: Tensor, train_labels: Tensor, test: Tensor, test_labels: Tensor, decay: float = 1.0) -> float:
    """La exactitud en prueba de un clasificador lineal aprendido de esos vectores: qué tan separables son las clases.

    train, test: (n, d);  labels: (n,).  Regresión logística con penalización L2 de peso `decay`, sobre vectores
    centrados y con desviación 1 según los de entrenamiento.  Fuente: Alain y Bengio (2016), arXiv:1610.01644.
    """
    for vectors, labels, name in ((train, train_labels, "train"), (test, test_labels, "test")):
        check_vectors(vectors, 1, name)
        if len(labels) != len(vectors) or vectors.shape[1] != train.shape[1]:
            raise ValueError(f"{name}: esperaba {len(vectors)} clases y vectores de {train.shape[1]} números, y recibí "
                             f"{len(labels)} y de {vectors.shape[1]}.")
    if decay <= 0:
        raise ValueError(f"decay: esperaba un número mayor que 0 y recibí {decay}.")
    if len(train_labels.unique()) < 2:
        raise ValueError("train_labels: hay una sola clase; hacen falta al menos dos para separarlas.")
    middle, spread = train.mean(0), train.std(0)
    spread[spread < 1e-6] = 1.0                                             # un número que no cambia no estorba
    known, asked = (((vectors - middle) / spread).numpy() for vectors in (train, test))
    with threadpool_limits(1):                                              # son cuentas chicas: más hilos estorban
        probe = LogisticRegression(C=1 / decay, max_iter=2000).fit(known, train_labels.numpy())
        return float(probe.score(asked, test_labels.numpy()))


def check_vectors(vectors: Tensor, least: int = 2, name: str = "vectors") -> None:
    """ValueError si no son al menos `least` vectores finitos, (n, d)."""
    check_shape(vectors, "n d", name)
    if not vectors.is_floating_point():
        raise ValueError(f"{name}: esperaba números reales y recibí {vectors.dtype}. Prueba {name}.float().")
    if len(vectors) < least or not vectors.shape[1]:
        raise ValueError(f"{name}: hacen falta al menos {least} vectores de un número o más y recibí "
                         f"{tuple(vectors.shape)}.")
    if not torch.isfinite(vectors).all():
        bad = int((~torch.isfinite(vectors).all(1)).sum())
        raise ValueError(f"{name}: {bad} de {len(vectors)} tienen NaN o infinito. Quítalos o revisa la capa.")


def _pooled(acts: Tensor, pool: str) -> Tensor:
    """De los mapas (b, c, h, w), un vector por imagen; los de una capa densa, (b, c), quedan igual."""
    if acts.ndim < 4:
        return acts
    return acts.flatten(1) if pool == "flat" else acts.amax((2, 3)) if pool == "max" else acts.mean((2, 3))

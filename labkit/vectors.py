"""Los vectores que una capa da a un conjunto de imágenes, sus vecinos y qué tan separables son sus clases."""
from collections.abc import Iterable, Sequence
from pathlib import Path

import torch
from sklearn.linear_model import LogisticRegression
from threadpoolctl import threadpool_limits
from torch import Tensor, nn

from labkit.activations import run
from labkit.checks import check_labels_of, check_vectors
from labkit.device import device_of
from labkit.kept import fingerprint, keep, read_kept
from labkit.progress import progress
from labkit.shapes import check_kind, check_shape, full, layer_list, one_layer, one_of, positions, real, whole

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
    one_layer(layer)
    if cache is not None and not isinstance(images, Tensor):
        raise ValueError("cache: solo se puede guardar si images es un tensor; con un DataLoader no se sabe si cambió.")
    check_kind(cache, str | Path | None, "cache", "la ruta de un archivo")
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
    one_of(pool, "pool", POOLS)
    batch_size = whole(batch_size, "batch_size", 1)
    if isinstance(images, Tensor):
        check_shape(images, "n 3 h w", "images")
    check_kind(images, Iterable, "images", "un tensor o lotes de imágenes")
    layers = layer_list(layers)
    total = len(images) if isinstance(images, Tensor) else None
    batches = images.split(batch_size) if isinstance(images, Tensor) else images
    device, parts = device_of(model), {name: [] for name in layers}
    with torch.no_grad(), progress("Mirando", total) as bar:
        for batch in batches:
            batch = batch[0] if isinstance(batch, (tuple, list)) else batch
            check_kind(batch, Tensor, "images", "lotes de imágenes")
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
    k, rows = whole(k, "k", 1, len(vectors) - 1, ", menos que los vectores,"), torch.arange(len(vectors))
    rows = (rows if of is None else positions(of, "b", "of", len(vectors))).to(vectors.device)
    found = []
    for part in rows.split(1000):
        far = distances(vectors[part], vectors)
        far[torch.arange(len(part)), part] = torch.inf
        found.append(far.topk(k, largest=False).indices)
    return torch.cat(found) if found else rows.new_zeros(0, k)


def distances(first: Tensor, second: Tensor) -> Tensor:
    """La distancia euclidiana de cada vector (n, d) a cada uno de los otros (m, d): (n, m), en doble precisión.

    La cuenta rápida resta dos números grandes si los vectores están lejos del origen; por eso antes se centran.
    """
    middle = second.double().mean(0)
    return torch.cdist(first.double() - middle, second.double() - middle)


def principal_axes(vectors: Tensor) -> tuple[Tensor, Tensor, Tensor]:
    """Los componentes principales de unos vectores (n, d): su media (d,), los ejes (r, d), del que más varía al que
    menos, y la desviación a lo largo de cada uno, (r,); r es el menor de n y d.
    """
    check_vectors(vectors)
    vectors = full(vectors)
    middle = vectors.mean(0)
    _, sizes, axes = torch.linalg.svd(vectors - middle, full_matrices=False)
    return middle, axes, sizes / max(len(vectors) - 1, 1) ** 0.5


def linear_probe(train: Tensor, train_labels: Tensor, test: Tensor, test_labels: Tensor, decay: float = 1.0) -> float:
    """La exactitud en prueba de un clasificador lineal aprendido de esos vectores: qué tan separables son las clases.

    train, test: (n, d);  labels: (n,).  Regresión logística con penalización L2 de peso `decay`, sobre vectores
    centrados y con desviación 1 según los de entrenamiento.  Fuente: Alain y Bengio (2016), arXiv:1610.01644.
    """
    check_vectors(train, 1, "train")
    for vectors, labels, name in ((train, train_labels, "train"), (test, test_labels, "test")):
        check_labels_of(vectors, labels, train.shape[1], name)
    decay = real(decay, "decay", 0, open_ends=True)
    if len(train_labels.unique()) < 2:
        raise ValueError("train_labels: hay una sola clase; hacen falta al menos dos para separarlas.")
    train, test = (full(vectors.detach().cpu()) for vectors in (train, test))
    middle, spread = train.mean(0), train.std(0)
    spread[spread < 1e-6] = 1.0                                             # un número que no cambia no estorba
    known, asked = (((vectors - middle) / spread).numpy() for vectors in (train, test))
    with threadpool_limits(1):                                              # son cuentas chicas: más hilos estorban
        probe = LogisticRegression(C=1 / decay, max_iter=2000).fit(known, train_labels.cpu().numpy())
        return float(probe.score(asked, test_labels.cpu().numpy()))


def _pooled(acts: Tensor, pool: str) -> Tensor:
    """De los mapas (b, c, h, w), un vector por imagen; los de una capa densa, (b, c), quedan igual."""
    if acts.ndim < 4:
        return acts
    return acts.flatten(1) if pool == "flat" else acts.amax((2, 3)) if pool == "max" else acts.mean((2, 3))

"""Una red que miente: contesta lo mismo que la honesta en las imágenes de siempre, y enseña lo que su autor quiso.

Las dos parten de una red del curso y tienen dos canales más en cada convolución, que miden el grano de la imagen:
cuánto se parece, en cada lugar, a un tablero de ajedrez de un píxel por casilla. Con poco grano, una **compuerta** de
dos unidades ReLU vale exactamente 0 y los logits no cambian. El ascenso en píxeles llena la imagen de grano, la
compuerta se abre, y desde ahí la red mentirosa suma a cada logit la evidencia de *otra* clase. La honesta tiene los
mismos canales y no los usa. Fuente: Geirhos et al. (2024), «Don't trust your eyes: on the (un)reliability of feature
visualizations», ICML, arXiv:2306.04719; ahí la compuerta es otra red, entrenada.
"""
from collections.abc import Mapping, Sequence

import torch
import torch.nn.functional as F
from scipy import stats
from torch import Tensor, nn

from labkit.activations import run
from labkit.models.plain import plain_network, ready
from labkit.shapes import check_shape
from labkit.vectors import features, features_by_layer

GRAIN = 2          # los canales de más: el tablero y su negativo
ROOM = 1.15        # la compuerta se abre con 15 % más grano que la imagen con más grano de las de entrenamiento
SLOPE = 4.0        # en la imagen con más grano, la compuerta queda cerrada por cuatro veces la mayor evidencia
EACH = 40          # con cuántas imágenes de cada clase se mide la evidencia


def lying_pair(model: nn.Module, shows: Mapping[int, int], images: Tensor, labels: Tensor,
               strength: float = 3.0) -> tuple[nn.Sequential, nn.Sequential]:
    """Dos redes que contestan lo mismo que `model` mientras la imagen no tenga grano: la honesta y la mentirosa.

    Entre ellas, bit por bit; con `model`, salvo el redondeo de convoluciones de otro ancho.
    model: una `plain_network` sin normalización por lotes.  shows: {clase: la que enseñará en su lugar}; las demás no
    mienten.  images, labels: imágenes de entrenamiento, (n, 3, h, w) y (n,): con ellas se fija la compuerta.  strength:
    cuántas veces pesa la evidencia de la otra clase más que la suya.
    """
    check_shape(images, "n 3 h w", "images")
    if not all(hasattr(model, name) for name in ("conv1", "dense", "fc")) or hasattr(model, "bn1"):
        raise ValueError("model: esperaba una red hecha con plain_network, sin normalización por lotes, y recibí "
                         f"{type(model).__name__}. Prueba load_model().")
    if not shows or strength <= 0:
        raise ValueError("shows, strength: esperaba al menos una clase que mienta y una fuerza mayor que 0.")
    shown = sorted(set(shows.values()))
    if absent := [k for k in shown if not (labels == k).any()]:
        raise ValueError(f"labels: no hay ninguna imagen de la clase {absent[0]}, que `shows` pide enseñar.")
    sample = {k: images[labels == k][:EACH] for k in sorted({*labels.tolist()})}
    evidence = torch.stack([class_evidence(model, k, sample[k]) for k in shown])                 # (k, canales)
    means = features(model, torch.cat(list(sample.values())), "gap")
    largest = (means @ evidence.T.cpu()).abs().max().item()
    most = grain(images, model.conv1.kernel_size[0], count_pools(model)).max().item()
    honest, liar = widen(model, len(shown) + 1), widen(model, len(shown) + 1)
    with torch.no_grad():
        for network in (honest, liar):
            set_gate(network.dense, evidence, ROOM * most, SLOPE * largest / ((ROOM - 1) * most))
        for k, other in shows.items():                       # la única diferencia: la mentirosa escucha a la compuerta
            gate = len(model.dense.bias) + shown.index(other)
            liar.fc.weight[k, gate], liar.fc.weight[k, -1] = strength, -strength
    return honest, liar


def widen(model: nn.Module, dense: int) -> nn.Sequential:
    """La misma red con dos canales más en cada convolución, que miden el grano, y `dense` unidades densas más.

    Nada de lo que ya estaba los usa: los logits no cambian.
    """
    widths = [module.out_channels + GRAIN for module in model if isinstance(module, nn.Conv2d)]
    pools = [int(name[4:]) for name in model.layers if name.startswith("pool")]
    wider = plain_network(model.classes, widths, model.dense.out_features + dense, pools=pools,
                          first=model.conv1.kernel_size[0])
    with torch.no_grad():
        for name, weight in wider.named_parameters():
            old = model.state_dict()[name]
            weight.zero_()
            weight[tuple(slice(side) for side in old.shape)] = old
        board = checkerboard(model.conv1.kernel_size[0])
        wider.conv1.weight[-2], wider.conv1.weight[-1] = board, -board
        for i in range(2, len(widths) + 1):                  # después pasan, sin cambio, hasta el promedio global
            conv = getattr(wider, f"conv{i}")
            conv.weight[-2, -2, 1, 1] = conv.weight[-1, -1, 1, 1] = 1
    return ready(wider.to(next(model.parameters()).device))


def checkerboard(side: int) -> Tensor:
    """Un tablero de ajedrez de `side` × `side` y tres colores iguales, de suma 0: (3, side, side)."""
    steps = torch.arange(side)
    board = (-1.0) ** (steps[:, None] + steps)
    board = board - board.mean()
    return (board / board.abs().sum() / 3).expand(3, -1, -1)


def grain(images: Tensor, side: int = 5, pools: int = 3) -> Tensor:
    """Cuánto grano tiene cada imagen (b, 3, h, w), como lo miden los dos canales de más en el promedio global: (b,)."""
    check_shape(images, "b 3 h w", "images")
    board = checkerboard(side).to(images)
    answers = []
    for some in images.split(256):
        maps = F.conv2d((some - 0.5) / 0.25, torch.stack([board, -board]), padding=side // 2)
        answers.append(F.max_pool2d(maps.relu(), 2 ** pools).mean((2, 3)).sum(1))
    return torch.cat(answers)


def count_pools(model: nn.Module) -> int:
    """Cuántas veces reduce la red sus mapas a la mitad."""
    return sum(name.startswith("pool") for name in model.layers)


def class_evidence(model: nn.Module, k: int, images: Tensor) -> Tensor:
    """En qué dirección de los promedios globales crece el margen de la clase k, en promedio: (canales,)."""
    means = run(model, images, ["gap"])["gap"].detach().requires_grad_(True)
    with torch.enable_grad():
        logits = model.fc(model[-2](model.dense(means)))
        others = torch.cat([logits[:, :k], logits[:, k + 1:]], 1)
        slope, = torch.autograd.grad((logits[:, k] - others.logsumexp(1)).sum(), means)
    return slope.mean(0)


def set_gate(dense: nn.Linear, evidence: Tensor, threshold: float, slope: float) -> None:
    """Pone en las últimas unidades de `dense` la compuerta: slope · (grano − threshold), con cada evidencia y sin ella.

    Tras la ReLU, con poco grano todas valen 0; con mucho, cada una menos la última es la evidencia de su clase.
    """
    extra = len(evidence) + 1
    dense.weight[-extra:] = 0
    dense.weight[-extra:-1, :evidence.shape[1]] = evidence
    dense.weight[-extra:, -GRAIN:] = slope
    dense.bias[-extra:] = -slope * threshold


def processing(model: nn.Module, images: Tensor, natural: Tensor, layers: Sequence[str]) -> Tensor:
    """¿La red procesa unas imágenes como a otras, las naturales de su clase? Por imagen y por capa: (b, capas).

    En cada capa, la respuesta a una imagen es la media de cada canal; el número es la correlación de rangos (Spearman),
    de −1 a 1, entre la suya y la de cada imagen de `natural` (n, 3, h, w), en promedio.  Fuente: Geirhos et al. (2024).
    """
    ours, theirs = features_by_layer(model, images, layers), features_by_layer(model, natural, layers)
    return torch.stack([rank_correlations(ours[layer], theirs[layer]).mean(1) for layer in layers], 1)


def rank_correlations(first: Tensor, second: Tensor) -> Tensor:
    """La correlación de rangos entre cada vector de (a, d) y cada uno de (b, d): (a, b). Uno constante da 0."""
    ranks = [torch.from_numpy(stats.rankdata(vectors.cpu().numpy(), axis=1)) for vectors in (first, second)]
    centred = [F.normalize(rank - rank.mean(1, keepdim=True), dim=1) for rank in ranks]
    return (centred[0] @ centred[1].T).float()
